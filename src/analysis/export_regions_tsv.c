/* SPDX-License-Identifier: MIT */
/* Export by regions as a table: a row for each region and column. */
#include "analysis/export_regions.h"
#include "text/bgzip_file.h"
#include "text/tabix.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { NUMBER = 32 };

typedef struct table {
    const export_regions *regions;
    dcpg_bgzip file;
} table;

/* Prints sum / n with a tab before it, or only the tab where n is 0. */
static const char *ratio(double sum, int64_t n, char text[NUMBER]) {
    snprintf(text, NUMBER, n > 0 ? "\t%.5f" : "\t", n > 0 ? sum / (double)n : 0);
    return text;
}

static void write_row(const export_sum *s, int64_t sites, dcpg_bgzip *file) {
    char counts[4 * NUMBER], mean[NUMBER], share[NUMBER], value[NUMBER];
    snprintf(counts, sizeof counts, "\t%" PRId64 "\t%" PRId64, s->methylated, s->observed);
    const char *fields[] = {ratio((double)s->methylated, s->observed, mean), counts,
                            ratio((double)s->observed, sites, share), ratio(s->sum, s->n, value), "\n"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        dcpg_bgzip_write(file, fields[i], strlen(fields[i]));
}

static dcpg_status write_pool(const export_run *run, const export_pool *pool, void *to, dcpg_err *err) {
    table *t = to;
    (void)err;
    for (int64_t r = 0; r < pool->n; r++) {
        const export_region *region = &t->regions->v[pool->first + r];
        char place[DCPG_CHROMO_MAX + 3 * NUMBER];
        int length =
            snprintf(place, sizeof place, "%s\t%" PRId32 "\t%" PRId32 "\t%" PRId64 "\t",
                     run->chromos.shown.v[region->chromo], region->start, region->end, pool->nb_site[r]);
        for (size_t c = 0; c < run->columns.n; c++) {
            const export_column *column = &run->columns.v[c];
            dcpg_bgzip_write(&t->file, place, (size_t)length);
            dcpg_bgzip_write(&t->file, column->name, strlen(column->name));
            write_row(&pool->sum[(int64_t)c * pool->n + r], pool->nb_site[r] * (int64_t)column->n, &t->file);
        }
    }
    return DCPG_OK;
}

static dcpg_status create(const export_run *run, const char *path, table *t, dcpg_err *err) {
    static const char head[] =
        "chromo\tstart\tend\tsites\tname\tmean\tmethylated\ttotal\tobserved\timputed\n";
    if (run->par->rank != 0) return DCPG_OK;
    if (!path) return dcpg_fail_nomem(err, "a path", 64);
    DCPG_TRY(dcpg_bgzip_create(path, &t->file, err));
    dcpg_bgzip_write(&t->file, head, strlen(head));
    return DCPG_OK;
}

static dcpg_status write_index(const export_regions *regions, const char *path, dcpg_err *err) {
    dcpg_tabix index = {.chromo = 1, .start = 2, .end = 3, .zero_based = true, .skip = 1};
    for (int64_t r = 0; r < regions->n; r++) index.wide = index.wide || regions->v[r].end >= 1 << 29;
    return dcpg_tabix_write(path, &index, err);
}

dcpg_status dcpg_export_write_regions_tsv(export_run *run, size_t part, dcpg_err *err) {
    export_regions regions = {0};
    table t = {.regions = &regions};
    char *path = dcpg_export_path(run, part);
    dcpg_status status = dcpg_agree_all(run->par, dcpg_export_regions_open(run, &regions, err), err);
    if (status == DCPG_OK) status = dcpg_agree_all(run->par, create(run, path, &t, err), err);
    if (status == DCPG_OK) status = dcpg_export_pool_all(run, &regions, write_pool, &t, err);
    status = dcpg_bgzip_close(&t.file, status, err);
    if (status == DCPG_OK && run->par->rank == 0) status = write_index(&regions, path, err);
    dcpg_export_regions_close(&regions);
    dcpg_free(path);
    return status;
}
