/* SPDX-License-Identifier: MIT */
/* Export of calls as counts of reads, in Bismark's and ALLCools' tables. An imputed call counts as one read;
 * a second file lists the imputed calls, as neither table has a column for it. */
#include "analysis/export_impl.h"
#include "text/bgzip_file.h"
#include "text/tabix.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdio.h>

enum { LINE = DCPG_CHROMO_MAX + 128 };

/* Prints a line of a table: `m` of `n` reads at position `pos` are methylated. */
typedef int line_fn(char line[LINE], const char *chromo, int32_t pos, int32_t m, int32_t n);

typedef struct tables {
    line_fn *line;
    dcpg_bgzip calls, beside; /* of `beside`, stream NULL: not wanted */
} tables;

/* Bismark: chromosome, start and end, both from 1, percentage, methylated and unmethylated reads. */
static int cov_line(char line[LINE], const char *chromo, int32_t pos, int32_t m, int32_t n) {
    return snprintf(line, LINE, "%s\t%" PRId32 "\t%" PRId32 "\t%.15g\t%" PRId32 "\t%" PRId32 "\n", chromo,
                    pos, pos, 100.0 * m / n, m, n - m);
}

/* ALLCools: chromosome, position from 1, strand, context, methylated reads, reads, and 1: no test was made.
 * Both strands are one call, on the C of the plus strand. */
static int allc_line(char line[LINE], const char *chromo, int32_t pos, int32_t m, int32_t n) {
    return snprintf(line, LINE, "%s\t%" PRId32 "\t+\tCGN\t%" PRId32 "\t%" PRId32 "\t1\n", chromo, pos, m, n);
}

/* Chromosome, start from 0, end, imputed calls, means of their predictions and qualities. */
static void write_beside(const export_site *site, const char *chromo, int32_t pos, dcpg_bgzip *file) {
    char line[LINE];
    int length =
        snprintf(line, LINE, "%s\t%" PRId32 "\t%" PRId32 "\t%" PRId32 "\t%.5f\t%.5f\n", chromo, pos - 1, pos,
                 site->imputed, site->probability / site->imputed, site->quality / site->imputed);
    dcpg_bgzip_write(file, line, (size_t)length);
}

static dcpg_status write_block(const export_run *run, void *to, dcpg_err *err) {
    tables *t = to;
    (void)err;
    for (int64_t i = 0; i < run->sites.n; i++) {
        const export_site *site = &run->site[i];
        const char *chromo = export_chromo_at(run, run->sites.at[i]);
        int32_t pos = run->sites.pos[run->sites.at[i]], n = site->observed + site->imputed;
        char line[LINE];
        if (n == 0) continue;
        int length = t->line(line, chromo, pos, site->methylated + site->positive, n);
        dcpg_bgzip_write(&t->calls, line, (size_t)length);
        if (site->imputed > 0 && t->beside.stream) write_beside(site, chromo, pos, &t->beside);
    }
    return DCPG_OK;
}

static dcpg_status write_tables(export_run *run, size_t part, tables *t, char *const path[2], dcpg_err *err) {
    DCPG_TRY(dcpg_bgzip_create(path[0], &t->calls, err));
    if (run->traits & EXPORT_BESIDE) DCPG_TRY(dcpg_bgzip_create(path[1], &t->beside, err));
    return dcpg_export_each(run, &run->columns.v[part], write_block, t, err);
}

static dcpg_status write_part(export_run *run, size_t part, line_fn *line, dcpg_err *err) {
    const dcpg_tabix allc = {.chromo = 1, .start = 2, .end = 2, .wide = run->chromos.wide},
                     bed = {.chromo = 1, .start = 2, .end = 3, .zero_based = true, .wide = run->chromos.wide};
    char *const path[2] = {dcpg_export_path(run, part), dcpg_export_path_beside(run, part)};
    tables t = {.line = line};
    dcpg_status status =
        path[0] && path[1] ? write_tables(run, part, &t, path, err) : dcpg_fail_nomem(err, "a path", 64);
    status = dcpg_bgzip_close(&t.calls, status, err);
    status = dcpg_bgzip_close(&t.beside, status, err);
    if (status == DCPG_OK && run->traits & EXPORT_INDEX) {
        status = dcpg_tabix_write(path[0], &allc, err);
        if (status == DCPG_OK && run->traits & EXPORT_BESIDE) status = dcpg_tabix_write(path[1], &bed, err);
    }
    if (status == DCPG_OK) dcpg_export_drop_beside(run, part);
    dcpg_free(path[0]);
    dcpg_free(path[1]);
    return status;
}

/* ---- the list alone ---- */

static dcpg_status write_beside_block(const export_run *run, void *to, dcpg_err *err) {
    (void)err;
    for (int64_t i = 0; i < run->sites.n; i++) {
        int32_t at = run->sites.at[i];
        if (run->site[i].imputed > 0)
            write_beside(&run->site[i], export_chromo_at(run, at), run->sites.pos[at], to);
    }
    return DCPG_OK;
}

dcpg_status dcpg_export_write_beside(export_run *run, size_t column, dcpg_err *err) {
    dcpg_bgzip file = {0};
    if (!(run->traits & EXPORT_BESIDE)) {
        dcpg_export_drop_beside(run, column);
        return DCPG_OK;
    }
    char *path = dcpg_export_path_beside(run, column);
    dcpg_status status = path ? dcpg_bgzip_create(path, &file, err) : dcpg_fail_nomem(err, "a path", 64);
    if (status == DCPG_OK)
        status = dcpg_export_each(run, &run->columns.v[column], write_beside_block, &file, err);
    status = dcpg_bgzip_close(&file, status, err);
    dcpg_free(path);
    return status;
}

dcpg_status dcpg_export_write_cov(export_run *run, size_t part, dcpg_err *err) {
    return write_part(run, part, cov_line, err);
}

dcpg_status dcpg_export_write_allc(export_run *run, size_t part, dcpg_err *err) {
    return write_part(run, part, allc_line, err);
}
