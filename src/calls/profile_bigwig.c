/* SPDX-License-Identifier: MIT */
/* Reads a bigWig as a profile, if the build found libBigWig. */
#include "calls/bigwig_child.h"
#include "calls/profile_scan.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The first bytes of a bigWig in either byte order; its last bytes repeat them. */
static const unsigned char magic[2][4] = {{0x26, 0xFC, 0x8F, 0x88}, {0x88, 0x8F, 0xFC, 0x26}};

bool dcpg_profile_is_bigwig(const char *path) {
    unsigned char first[4] = {0};
    struct stat about;
    if (stat(path, &about) != 0 || !S_ISREG(about.st_mode)) return false; /* a pipe cannot be read twice */
    FILE *file = fopen(path, "rb");
    size_t n = file ? fread(first, 1, sizeof first, file) : 0;
    if (file) fclose(file);
    return n == sizeof first && (memcmp(first, magic[0], 4) == 0 || memcmp(first, magic[1], 4) == 0);
}

const profile_format dcpg_profile_bigwig = {
    "bigwig", "bigWig of fractions or percentages, 0-based", "", 0, 0, false, 0, NULL, NULL};

#ifndef DCPG_HAVE_BIGWIG

dcpg_status dcpg_profile_read_bigwig(profile_parser *p, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: is a bigWig, which this build cannot read: install libBigWig (libbigwig-dev) and "
                     "build again, or convert it with bigWigToBedGraph",
                     p->path);
}

#else

/* Tells a file that was cut from a damaged one. */
static dcpg_status check_whole(const profile_parser *p, dcpg_err *err) {
    unsigned char last[4] = {0};
    FILE *file = fopen(p->path, "rb");
    bool whole = file && fseek(file, -4, SEEK_END) == 0 && fread(last, 1, 4, file) == 4 &&
                 (memcmp(last, magic[0], 4) == 0 || memcmp(last, magic[1], 4) == 0);
    if (file) fclose(file);
    return whole ? DCPG_OK
                 : dcpg_fail(err, DCPG_E_INPUT, "%s: is a bigWig without its end: copy or download it again",
                             p->path);
}

static dcpg_status fail_damaged(const profile_parser *p, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, "%s: is a damaged bigWig: copy or download it again", p->path);
}

static dcpg_status add_interval(profile_parser *p, const char *chromo, const dcpg_bigwig_interval *i,
                                dcpg_err *err) {
    char text[32];
    float value;
    snprintf(text, sizeof text, "%g", (double)i->value);
    if (i->end < i->start) return fail_damaged(p, err);
    if (i->end - i->start > 2)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: %s:%u-%u is no interval of one CpG: bigWigs of single CpGs are read", p->path,
                         chromo, i->start, i->end);
    p->nb_line++;
    DCPG_TRY(dcpg_profile_scale(p, (double)i->value, text, &value, err));
    return dcpg_profile_add(p, chromo, i->start, (raw_call){.value = value}, err);
}

/* The most intervals that a file can hold: each takes 4 bytes or more, which zlib compresses to a 1032nd at
 * best. A file with more refers to the same data again and again. */
static int64_t most_intervals(int64_t file_bytes) { return file_bytes / 4 * 1032 + 1; }

static dcpg_status take_all(profile_parser *p, dcpg_bigwig *file, int64_t most, dcpg_err *err) {
    dcpg_bigwig_part part;
    for (int64_t n = 0; dcpg_bigwig_next(file, &part); n += part.n) {
        if (part.is_last) return DCPG_OK;
        if (n + part.n > most) return fail_damaged(p, err);
        for (int32_t i = 0; i < part.n; i++) DCPG_TRY(add_interval(p, part.chromo, &part.v[i], err));
    }
    return fail_damaged(p, err);
}

dcpg_status dcpg_profile_read_bigwig(profile_parser *p, dcpg_err *err) {
    struct stat about;
    if (!dcpg_profile_is_bigwig(p->path))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read, or is no bigWig: see --profile_format",
                         p->path);
    DCPG_TRY(check_whole(p, err));
    int64_t bytes = stat(p->path, &about) == 0 ? (int64_t)about.st_size : 0;
    dcpg_bigwig *file = NULL;
    DCPG_TRY(dcpg_bigwig_open(p->path, bytes, &file, err));
    dcpg_status status = take_all(p, file, most_intervals(bytes), err);
    dcpg_bigwig_close(file);
    return status;
}

#endif
