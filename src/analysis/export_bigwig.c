/* SPDX-License-Identifier: MIT */
/* Export as bigWig, if the build found libBigWig. */
#include "analysis/export_impl.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Stands between libBigWig's end of the file and a second one, so that the file still ends as readers expect.
 */
static const char mark[] = "dcpg export";
enum { MAGIC = 4, END = sizeof mark + MAGIC };

bool dcpg_export_bigwig_is_ours(const char *path) {
    char end[END];
    FILE *file = dcpg_file_open(path);
    bool is = file && fseek(file, -(long)END, SEEK_END) == 0 && fread(end, 1, END, file) == END &&
              memcmp(end, mark, sizeof mark) == 0;
    if (file) fclose(file);
    return is;
}

#ifndef DCPG_HAVE_BIGWIG

dcpg_status dcpg_export_check_bigwig(dcpg_err *err) {
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "--format bigWig: this build cannot write it: install libBigWig (libbigwig-dev) and build again, "
        "or export as bedGraph and convert that with bedGraphToBigWig");
}

dcpg_status dcpg_export_write_bigwig(export_run *run, size_t part, dcpg_err *err) {
    (void)run, (void)part;
    return dcpg_export_check_bigwig(err);
}

#else

#include <bigWig.h>

enum { BUFFER = 1 << 17, ZOOMS = 10 };

typedef struct bigwig {
    bigWigFile_t *file;
    const char *path;
    const char *chromo; /* the present one */
    bool begun;         /* it has an interval */
    uint32_t *start, *end;
    float *value; /* [EXPORT_BLOCK] */
} bigwig;

static dcpg_status fail_write(const char *path, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", path,
                     errno ? strerror(errno) : "libBigWig failed");
}

dcpg_status dcpg_export_check_bigwig(dcpg_err *err) {
    (void)err;
    return DCPG_OK;
}

static dcpg_status write_block(const export_run *run, void *to, dcpg_err *err) {
    bigwig *w = to;
    uint32_t n = 0;
    for (int64_t i = 0; i < run->sites.n; i++) {
        const export_site *site = &run->site[i];
        if (site->n == 0) continue;
        w->end[n] = (uint32_t)run->sites.pos[run->sites.at[i]];
        w->start[n] = w->end[n] - 1;
        w->value[n++] = (float)(site->sum / site->n);
    }
    if (n == 0) return DCPG_OK;
    errno = 0;
    uint32_t first = w->begun ? 0 : 1;
    int failed = w->begun ? 0 : bwAddIntervals(w->file, &w->chromo, w->start, w->end, w->value, 1);
    if (!failed && n > first)
        failed = bwAppendIntervals(w->file, w->start + first, w->end + first, w->value + first, n - first);
    w->begun = true;
    return failed ? fail_write(w->path, err) : DCPG_OK;
}

/* Chromosomes in bytewise order of their names, in which readers look for them. */
static dcpg_status write_chromos(export_run *run, size_t part, bigwig *w, dcpg_err *err) {
    for (size_t i = 0; i < run->chromos.nb_wanted; i++) {
        size_t k = run->chromos.order[i];
        const export_walk walk = {.column = &run->columns.v[part],
                                  .first = run->chromos.v[k].first,
                                  .end = run->chromos.v[k].end,
                                  .block = EXPORT_BLOCK,
                                  .each = write_block,
                                  .to = w};
        w->chromo = run->chromos.shown.v[k];
        w->begun = false;
        DCPG_TRY(dcpg_export_walk(run, &walk, err));
    }
    return DCPG_OK;
}

static dcpg_status write_header(const export_run *run, bigwig *w, dcpg_err *err) {
    size_t n = run->chromos.nb_wanted;
    const char **name = dcpg_alloc(n, sizeof *name);
    uint32_t *length = dcpg_alloc(n, sizeof *length);
    dcpg_status status = name && length ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", n * sizeof *name);
    for (size_t i = 0; i < n && status == DCPG_OK; i++) {
        name[i] = run->chromos.shown.v[run->chromos.order[i]];
        length[i] = (uint32_t)run->chromos.v[run->chromos.order[i]].length;
    }
    errno = 0;
    if (status == DCPG_OK) {
        bool fine = bwCreateHdr(w->file, ZOOMS) == 0;
        if (fine) w->file->cl = bwCreateChromList(name, length, (int64_t)n);
        if (!fine || !w->file->cl || bwWriteHdr(w->file) != 0) status = fail_write(w->path, err);
    }
    dcpg_free(name);
    dcpg_free(length);
    return status;
}

/* libBigWig does not return that closing failed, but then the file lacks its end. Adds the mark. */
static dcpg_status finish(const char *temporary, const char *path, dcpg_err *err) {
    char end[MAGIC] = {0}, begin[MAGIC] = {1};
    FILE *file = fopen(temporary, "r+b");
    errno = 0;
    bool fine = file && fread(begin, 1, MAGIC, file) == MAGIC && fseek(file, -MAGIC, SEEK_END) == 0 &&
                fread(end, 1, MAGIC, file) == MAGIC && memcmp(begin, end, MAGIC) == 0 &&
                fseek(file, 0, SEEK_END) == 0 && fwrite(mark, 1, sizeof mark, file) == sizeof mark &&
                fwrite(end, 1, MAGIC, file) == MAGIC;
    if (file && fclose(file) != 0) fine = false;
    return fine ? DCPG_OK : fail_write(path, err);
}

static dcpg_status write_file(export_run *run, size_t part, const char *temporary, bigwig *w, dcpg_err *err) {
    w->start = dcpg_alloc(2 * EXPORT_BLOCK, sizeof *w->start);
    w->value = dcpg_alloc(EXPORT_BLOCK, sizeof *w->value);
    if (!w->start || !w->value) return dcpg_fail_nomem(err, "sites", 3 * EXPORT_BLOCK * sizeof *w->start);
    w->end = w->start + EXPORT_BLOCK;
    errno = 0;
    if (bwInit(BUFFER) != 0 || !(w->file = bwOpen(temporary, NULL, "w"))) return fail_write(w->path, err);
    dcpg_status status = write_header(run, w, err);
    if (status == DCPG_OK) status = write_chromos(run, part, w, err);
    bwClose(w->file);
    bwCleanup();
    return status == DCPG_OK ? finish(temporary, w->path, err) : status;
}

dcpg_status dcpg_export_write_bigwig(export_run *run, size_t part, dcpg_err *err) {
    char *path = dcpg_export_path(run, part), *temporary = NULL;
    int fd = -1;
    bigwig w = {.path = path};
    dcpg_status status =
        path ? dcpg_temporary_create(path, &temporary, &fd, err) : dcpg_fail_nomem(err, "a path", 64);
    if (status == DCPG_OK) {
        close(fd);
        status = write_file(run, part, temporary, &w, err);
        if (status == DCPG_OK)
            status = dcpg_temporary_keep(temporary, path, err);
        else
            dcpg_temporary_remove(temporary);
    }
    dcpg_free(path);
    dcpg_free(w.start);
    dcpg_free(w.value);
    return status;
}

#endif
