/* SPDX-License-Identifier: MIT */
/* Export as one table: a row for each site, a column for each cell, other output or group. */
#include "analysis/export_impl.h"
#include "base/number.h"
#include "text/bgzip_file.h"
#include "text/tabix.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { FIELD = 48, MOST_VALUES = 1 << 23, FEWEST_ROWS = 256 };

/* What a row shows of a column. */
typedef struct entry {
    float value;
    bool known, single; /* `single`: the state of one cell, observed */
} entry;

typedef struct table {
    export_run *run;
    dcpg_bgzip file;
    int64_t rows; /* most rows of a block */
    entry *entry; /* [columns][rows] */
} table;

static dcpg_status read_columns(table *t, dcpg_err *err) {
    export_run *run = t->run;
    for (size_t c = 0; c < run->columns.n; c++) {
        DCPG_TRY(dcpg_export_read_column(run, &run->columns.v[c], run->site, err));
        for (int64_t i = 0; i < run->sites.n; i++) {
            const export_site *site = &run->site[i];
            t->entry[(int64_t)c * t->rows + i] = (entry){.value = site->n ? (float)(site->sum / site->n) : 0,
                                                         .known = site->n > 0,
                                                         .single = site->observed == 1 && site->n == 1};
        }
    }
    return DCPG_OK;
}

static dcpg_status write_block(const export_run *run, void *to, dcpg_err *err) {
    table *t = to;
    DCPG_TRY(read_columns(t, err));
    for (int64_t i = 0; i < run->sites.n; i++) {
        char text[DCPG_CHROMO_MAX + FIELD];
        int32_t at = run->sites.at[i];
        bool any = false;
        for (size_t c = 0; c < run->columns.n; c++) any = any || t->entry[(int64_t)c * t->rows + i].known;
        if (!any) continue;
        int n = snprintf(text, sizeof text, "%s\t%" PRId32, export_chromo_at(run, at), run->sites.pos[at]);
        dcpg_bgzip_write(&t->file, text, (size_t)n);
        for (size_t c = 0; c < run->columns.n; c++) {
            const entry *e = &t->entry[(int64_t)c * t->rows + i];
            n = !e->known ? snprintf(text, FIELD, "\t")
                          : snprintf(text, FIELD, e->single ? "\t%g" : "\t%.5f", (double)e->value);
            dcpg_bgzip_write(&t->file, text, (size_t)n);
        }
        dcpg_bgzip_write(&t->file, "\n", 1);
    }
    return DCPG_OK;
}

static dcpg_status write_table(table *t, const char *path, dcpg_err *err) {
    export_run *run = t->run;
    int64_t columns = (int64_t)run->columns.n;
    const export_walk walk = {.end = run->data.total, .block = t->rows, .each = write_block, .to = t};
    t->entry = dcpg_alloc((size_t)(columns * t->rows), sizeof *t->entry);
    if (!t->entry) return dcpg_fail_nomem(err, "sites", (size_t)(columns * t->rows) * sizeof *t->entry);
    DCPG_TRY(dcpg_bgzip_create(path, &t->file, err));
    dcpg_bgzip_write(&t->file, "chromo\tpos", strlen("chromo\tpos"));
    for (int64_t c = 0; c < columns; c++) {
        dcpg_bgzip_write(&t->file, "\t", 1);
        dcpg_bgzip_write(&t->file, run->columns.v[c].name, strlen(run->columns.v[c].name));
    }
    dcpg_bgzip_write(&t->file, "\n", 1);
    return dcpg_export_walk(run, &walk, err);
}

dcpg_status dcpg_export_write_tsv(export_run *run, size_t part, dcpg_err *err) {
    const dcpg_tabix index = {.chromo = 1, .start = 2, .end = 2, .skip = 1, .wide = run->chromos.wide};
    int64_t rows = max_i64(MOST_VALUES / (int64_t)run->columns.n, FEWEST_ROWS);
    table t = {.run = run, .rows = min_i64(rows, EXPORT_BLOCK)};
    char *path = dcpg_export_path(run, part);
    dcpg_status status = path ? write_table(&t, path, err) : dcpg_fail_nomem(err, "a path", 64);
    status = dcpg_bgzip_close(&t.file, status, err);
    if (status == DCPG_OK) status = dcpg_tabix_write(path, &index, err);
    dcpg_free(path);
    dcpg_free(t.entry);
    return status;
}
