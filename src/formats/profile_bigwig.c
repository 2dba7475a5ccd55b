/* bigWig through libBigWig, where the build found it. */
#include "formats/profile_scan.h"
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The first bytes of a bigWig in either byte order; its last ones repeat them. */
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

#include <bigWig.h>

/* The library trusts what it reads: at least the file must be whole. */
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

static dcpg_status add_intervals(profile_parser *p, const char *chromo, const bwOverlappingIntervals_t *found,
                                 dcpg_err *err) {
    for (uint32_t i = 0; i < found->l; i++) {
        char text[32];
        float value;
        snprintf(text, sizeof text, "%g", (double)found->value[i]);
        if (found->end[i] < found->start[i] || found->end[i] - found->start[i] > 2) {
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: %s:%u-%u is no interval of one CpG: bigWigs of single CpGs are read",
                             p->path, chromo, found->start[i], found->end[i]);
        }
        p->nb_line++;
        DCPG_TRY(dcpg_profile_scale(p, (double)found->value[i], text, &value, err));
        DCPG_TRY(dcpg_profile_add(p, chromo, found->start[i], (raw_call){.value = value}, err));
    }
    return DCPG_OK;
}

static dcpg_status read_chromo(profile_parser *p, bigWigFile_t *file, int64_t chromo, dcpg_err *err) {
    enum { BLOCKS = 64 };
    char *name = file->cl->chrom[chromo];
    dcpg_status status = DCPG_OK;
    bwOverlapIterator_t *at = bwOverlappingIntervalsIterator(file, name, 0, file->cl->len[chromo], BLOCKS);
    if (!at)
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: its data of %s cannot be read: copy or download it again",
                           p->path, name);
    while (at && at->data && status == DCPG_OK && !p->must_rescale) {
        status = add_intervals(p, name, at->intervals, err);
        if (status == DCPG_OK) at = bwIteratorNext(at);
    }
    if (at) bwIteratorDestroy(at);
    return status;
}

dcpg_status dcpg_profile_read_bigwig(profile_parser *p, dcpg_err *err) {
    if (!dcpg_profile_is_bigwig(p->path))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read, or is no bigWig: see --profile_format",
                         p->path);
    DCPG_TRY(check_whole(p, err));
    bigWigFile_t *file = bwOpen(p->path, NULL, "r");
    if (!file)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: is a damaged bigWig: copy or download it again", p->path);
    dcpg_status status = DCPG_OK;
    for (int64_t c = 0; file->cl && c < file->cl->nKeys && status == DCPG_OK && !p->must_rescale; c++)
        status = read_chromo(p, file, c, err);
    bwClose(file);
    return status;
}

#endif
