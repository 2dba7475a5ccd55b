/* SPDX-License-Identifier: MIT */
/* Export for Amethyst: one HDF5 file of version 2 of its format with a table of calls per cell, and a table
 * of the cells. */
#include "analysis/export_impl.h"
#include "base/number.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>

#include <inttypes.h>
#include <string.h>

enum { NB_FIELD = 4, CHROMO_WIDTH = 10, CHUNK = 1 << 14, DEFLATE = 6 };

typedef struct amethyst {
    dcpg_h5 *file;
    char *dataset;                 /* of the present column */
    dcpg_h5_field field[NB_FIELD]; /* chr, pos from 1, methylated and unmethylated reads */
    dcpg_h5_table table;
    size_t size;                     /* bytes of a row */
    char *row;                       /* [EXPORT_BLOCK][size] */
    int64_t next, calls, methylated; /* of the present column: next row to write, calls, methylated ones */
} amethyst;

/* Amethyst takes what follows a '.' for no part of the name. NULL: out of memory; dcpg_free. */
static char *barcode_of(const export_column *column) {
    char *name = dcpg_strdup(column->name);
    for (char *at = name; at && (at = strchr(at, '.')) != NULL;) *at = '_';
    return name;
}

/* NULL: out of memory; dcpg_free. */
static char *path_of_info(const export_run *run) {
    return dcpg_format("%s/amethyst.cellInfo.txt", run->options->out_dir);
}

static dcpg_status check_barcodes(const export_run *run, dcpg_map *known, size_t *nb_changed, dcpg_err *err) {
    for (size_t i = 0; i < run->columns.n; i++) {
        const char *name = run->columns.v[i].name;
        char *barcode = barcode_of(&run->columns.v[i]);
        if (!barcode) return dcpg_fail_nomem(err, "a name", strlen(name));
        int64_t same = dcpg_map_get(known, barcode, -1);
        dcpg_status status = dcpg_map_set(known, barcode, (int64_t)i, err);
        if (same >= 0)
            status =
                dcpg_fail(err, DCPG_E_INPUT,
                          "cells %s and %s would both be called %s in an Amethyst file, whose names have "
                          "no '.': choose one with --output_names",
                          run->columns.v[same].name, name, barcode);
        *nb_changed += strcmp(name, barcode) != 0;
        dcpg_free(barcode);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

dcpg_status dcpg_export_check_amethyst(const export_run *run, dcpg_err *err) {
    dcpg_map known = {0};
    size_t nb_changed = 0;
    dcpg_status status = check_barcodes(run, &known, &nb_changed, err);
    dcpg_map_free(&known);
    if (status == DCPG_OK && nb_changed > 0)
        dcpg_warn(run->log, "%zu of %zu names have a '.', which Amethyst does not allow: '_' stands for it",
                  nb_changed, run->columns.n);
    char *path = dcpg_export_path(run, 0), *info = path_of_info(run);
    if (status == DCPG_OK)
        status =
            path && info ? dcpg_export_check_file(run, info, path, err) : dcpg_fail_nomem(err, "a path", 64);
    dcpg_free(path);
    dcpg_free(info);
    return status;
}

/* ---- a table of calls ---- */

static dcpg_status count_block(const export_run *run, void *to, dcpg_err *err) {
    amethyst *a = to;
    (void)err;
    for (int64_t i = 0; i < run->sites.n; i++) {
        const export_site *site = &run->site[i];
        int32_t n = site->observed + site->imputed;
        a->table.rows += n > 0;
        a->calls += n;
        a->methylated += site->methylated + site->positive;
    }
    return DCPG_OK;
}

/* Appends a row to `rows`; returns the place of the next. */
static char *add_row(const amethyst *a, char *row, const char *chromo, const int64_t number[3]) {
    strncpy(row, chromo, a->field[0].width);
    memcpy(row + a->field[0].width, number, 3 * sizeof *number);
    return row + a->size;
}

static dcpg_status write_block(const export_run *run, void *to, dcpg_err *err) {
    amethyst *a = to;
    char *end = a->row;
    for (int64_t i = 0; i < run->sites.n; i++) {
        const export_site *site = &run->site[i];
        int32_t at = run->sites.at[i], n = site->observed + site->imputed,
                m = site->methylated + site->positive;
        if (n > 0)
            end = add_row(a, end, export_chromo_at(run, at), (int64_t[]){run->sites.pos[at], m, n - m});
    }
    const dcpg_h5_rows rows = {.first = a->next, .n = (end - a->row) / (int64_t)a->size, .at = a->row};
    a->next += rows.n;
    return dcpg_h5_write_rows(a->file, a->dataset, &a->table, &rows, err);
}

/* Amethyst wants the rows in bytewise order of the chromosomes. */
static dcpg_status write_calls(export_run *run, const export_column *column, amethyst *a, dcpg_err *err) {
    a->table.rows = a->calls = a->methylated = a->next = 0;
    DCPG_TRY(dcpg_export_each(run, column, count_block, a, err));
    DCPG_TRY(dcpg_h5_make_table(a->file, a->dataset, &a->table, err));
    for (size_t i = 0; i < run->chromos.nb_wanted; i++) {
        const export_chromo *chromo = &run->chromos.v[run->chromos.order[i]];
        const export_walk walk = {.column = column,
                                  .first = chromo->first,
                                  .end = chromo->end,
                                  .block = EXPORT_BLOCK,
                                  .each = write_block,
                                  .to = a};
        DCPG_TRY(dcpg_export_walk(run, &walk, err));
    }
    return DCPG_OK;
}

/* ---- all cells ---- */

/* cellInfo of premethyst: cell, calls, those of CG, of which methylated in percent; the same of CH. */
static dcpg_status add_info(const amethyst *a, const char *barcode, dcpg_strings *info, dcpg_err *err) {
    char percent[32] = "NA";
    if (a->calls > 0)
        snprintf(percent, sizeof percent, "%.2f", 100 * (double)a->methylated / (double)a->calls);
    char *line =
        dcpg_format("%s\t%" PRId64 "\t%" PRId64 "\t%s\t0\tNA\n", barcode, a->calls, a->calls, percent);
    dcpg_status status =
        line ? dcpg_strings_add(info, line, err) : dcpg_fail_nomem(err, "a line", strlen(barcode));
    dcpg_free(line);
    return status;
}

static dcpg_status write_cells(export_run *run, amethyst *a, dcpg_strings *info, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < run->columns.n && status == DCPG_OK; i++) {
        char *barcode = barcode_of(&run->columns.v[i]);
        dcpg_debug(run->log, "%s", run->columns.v[i].name);
        a->dataset = barcode ? dcpg_format("CG/%s/1", barcode) : NULL;
        status =
            a->dataset ? write_calls(run, &run->columns.v[i], a, err) : dcpg_fail_nomem(err, "a name", 64);
        if (status == DCPG_OK) status = add_info(a, barcode, info, err);
        dcpg_free(a->dataset);
        dcpg_free(barcode);
    }
    return status;
}

static dcpg_status prepare_table(const export_run *run, amethyst *a, dcpg_err *err) {
    size_t width = CHROMO_WIDTH;
    for (size_t i = 0; i < run->chromos.nb_wanted; i++)
        width = max_size(width, strlen(run->chromos.shown.v[run->chromos.order[i]]));
    const dcpg_h5_field fields[NB_FIELD] = {{"chr", DCPG_H5_TEXT, width},
                                            {.name = "pos", .type = DCPG_H5_I64},
                                            {.name = "c", .type = DCPG_H5_I64},
                                            {.name = "t", .type = DCPG_H5_I64}};
    memcpy(a->field, fields, sizeof fields);
    a->table = (dcpg_h5_table){.field = a->field, .nb_field = NB_FIELD, .chunk = CHUNK, .deflate = DEFLATE};
    a->size = dcpg_h5_row_size(&a->table);
    a->row = dcpg_alloc(EXPORT_BLOCK, a->size);
    return a->row ? DCPG_OK : dcpg_fail_nomem(err, "sites", EXPORT_BLOCK * a->size);
}

static dcpg_status write_version(dcpg_h5 *file, dcpg_err *err) {
    static const char version[] = "amethyst2.0.0";
    const dcpg_h5_shape shape = {.type = DCPG_H5_TEXT, .width = strlen(version)};
    DCPG_TRY(dcpg_h5_make(file, "metadata/version", &shape, err));
    DCPG_TRY(dcpg_h5_write(file, "metadata/version", DCPG_H5_TEXT, NULL, version, err));
    return dcpg_h5_write_attr_string(file, "/", "format", DCPG_EXPORT_FORMAT, err);
}

static dcpg_status write_file(export_run *run, const char *path, dcpg_strings *info, dcpg_err *err) {
    amethyst a = {0};
    dcpg_status status = prepare_table(run, &a, err);
    if (status == DCPG_OK) status = dcpg_h5_create(path, NULL, &a.file, err);
    if (status == DCPG_OK) status = write_version(a.file, err);
    if (status == DCPG_OK) status = write_cells(run, &a, info, err);
    if (status == DCPG_OK)
        status = dcpg_h5_commit(a.file, err);
    else
        dcpg_h5_close(a.file);
    dcpg_free(a.row);
    return status;
}

dcpg_status dcpg_export_write_amethyst(export_run *run, size_t part, dcpg_err *err) {
    dcpg_strings info = {0};
    char *path = dcpg_export_path(run, part), *info_path = path_of_info(run);
    dcpg_status status = path && info_path ? DCPG_OK : dcpg_fail_nomem(err, "a path", 64);
    if (status == DCPG_OK && run->par->rank == 0) {
        status = write_file(run, path, &info, err);
        if (status == DCPG_OK) status = dcpg_export_write_text(info_path, &info, err);
    }
    for (size_t i = (size_t)run->par->rank; i < run->columns.n && status == DCPG_OK;
         i += (size_t)run->par->size)
        status = dcpg_export_write_beside(run, i, err);
    dcpg_strings_free(&info);
    dcpg_free(path);
    dcpg_free(info_path);
    return status;
}
