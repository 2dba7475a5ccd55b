/* SPDX-License-Identifier: MIT */
/* Export: opens an evaluation's data file and reads blocks of its rows. Nothing in it is trusted. */
#include "analysis/export_check.h"
#include "analysis/export_impl.h"
#include "base/number.h"

#include <dcpg/memory.h>

#include <string.h>

/* The dataset must have one row per site, of at most `classes` numbers (0: no second dimension). */
static dcpg_status shape_is(const export_data *d, const char *path, int64_t classes, dcpg_h5_shape *shape,
                            dcpg_err *err) {
    DCPG_TRY(dcpg_h5_shape_of(d->file, path, shape, err));
    bool flat = shape->ndim == 1, table = shape->ndim == 2 && shape->dim[1] >= 1 && shape->dim[1] <= classes;
    bool fits = (flat || table) && (d->rows < 0 || shape->dim[0] == d->rows);
    if (fits) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: dataset %s has not one row per site: this is no file of dcpg eval --out_data",
                     d->path, path);
}

/* Finds the width of chromosome names; names of variable length are read here. */
static dcpg_status open_names(export_data *d, dcpg_err *err) {
    dcpg_h5_shape shape;
    DCPG_TRY(shape_is(d, "chromo", 0, &shape, err));
    d->width = shape.width;
    if (shape.type != DCPG_H5_TEXT)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset chromo holds no names", d->path);
    if (d->width == 0) DCPG_TRY(dcpg_h5_read_strings(d->file, "chromo", &d->names, err));
    for (size_t i = 0; i < d->names.n; i++) d->width = max_size(d->width, strlen(d->names.v[i]));
    if (d->width <= EXPORT_MAX_WIDTH) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: dataset chromo holds strings of %zu bytes: these are no chromosomes", d->path,
                     d->width);
}

static dcpg_status open_sites(export_data *d, int64_t limit, dcpg_err *err) {
    dcpg_h5_shape shape;
    d->rows = -1;
    DCPG_TRY(shape_is(d, "pos", 0, &shape, err));
    d->rows = d->total = shape.dim[0];
    if (limit > 0) d->total = min_i64(limit, d->total);
    return open_names(d, err);
}

/* A file may hold one array under many names, and make export write it as many times. */
static dcpg_status check_claim(const export_data *d, size_t nb_output, dcpg_err *err) {
    uint64_t bytes = 2 * sizeof(float) * (uint64_t)d->rows;
    if (bytes == 0 || nb_output <= dcpg_h5_capacity(d->file) / bytes) return DCPG_OK;
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: its %zu outputs claim more than a file of this size can hold: it is damaged, or one "
        "array has many names",
        d->path, nb_output);
}

static dcpg_status open_outputs(export_data *d, const dcpg_strings *patterns, dcpg_err *err) {
    dcpg_strings names = {0};
    dcpg_status status = dcpg_h5_list_datasets(d->file, "preds", &names, err);
    if (status == DCPG_OK && names.n == 0)
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: there are no predictions in it", d->path);
    if (status == DCPG_OK) status = check_claim(d, names.n, err);
    if (status == DCPG_OK) status = dcpg_strings_select(&names, patterns, 0, "output", &d->outputs, err);
    dcpg_strings_free(&names);
    for (size_t i = 0; i < d->outputs.n && status == DCPG_OK; i++)
        status = dcpg_export_check_output(d->path, d->outputs.v[i], err);
    return status;
}

dcpg_status dcpg_export_data_open(const dcpg_export_options *options, export_data *d, dcpg_err *err) {
    *d = (export_data){.path = options->data};
    DCPG_TRY(dcpg_h5_open(d->path, NULL, &d->file, err));
    if (!dcpg_h5_is_group(d->file, "preds") || !dcpg_h5_exists(d->file, "pos"))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: this is no file of dcpg eval --out_data", d->path);
    DCPG_TRY(open_sites(d, options->nb_sample, err));
    return open_outputs(d, options->outputs, err);
}

void dcpg_export_data_close(export_data *d) {
    dcpg_h5_close(d->file);
    dcpg_strings_free(&d->names);
    dcpg_strings_free(&d->outputs);
}

/* ---- reading ---- */

dcpg_status dcpg_export_read_places(const export_data *d, int64_t first, int64_t n, char *chromo,
                                    int32_t *pos, dcpg_err *err) {
    const dcpg_h5_block block = {.start = {first}, .count = {n}};
    if (d->names.n == 0) DCPG_TRY(dcpg_h5_read(d->file, "chromo", DCPG_H5_TEXT, &block, chromo, err));
    for (int64_t i = 0; i < n && d->names.n; i++)
        strncpy(chromo + (size_t)i * d->width, d->names.v[first + i], d->width);
    DCPG_TRY(dcpg_h5_read(d->file, "pos", DCPG_H5_I32, &block, pos, err));
    for (int64_t i = 0; i < n; i++) {
        const char *name = chromo + (size_t)i * d->width;
        DCPG_TRY(dcpg_export_check_chromo(d->path, name, d->width, first + i, err));
        DCPG_TRY(dcpg_export_check_position(d->path, pos[i], first + i, err));
    }
    return DCPG_OK;
}

/* Reads rows, with a column for each class, of an output's labels or predictions. */
static dcpg_status read_rows(const export_data *d, const char *path, const export_numbers *v, float *to,
                             dcpg_err *err) {
    const dcpg_h5_block block = {.start = {v->first}, .count = {v->n, v->classes}};
    dcpg_h5_shape shape;
    DCPG_TRY(shape_is(d, path, EXPORT_MAX_CLASS, &shape, err));
    if ((shape.ndim == 2 ? shape.dim[1] : 1) == v->classes)
        return dcpg_h5_read(d->file, path, DCPG_H5_F32, &block, to, err);
    return dcpg_fail(err, DCPG_E_INPUT, "%s: labels and predictions of %s are of different shapes", d->path,
                     strchr(path, '/') + 1);
}

dcpg_status dcpg_export_classes(const export_data *d, const char *output, int64_t *classes, dcpg_err *err) {
    char *path = dcpg_format("preds/%s", output);
    dcpg_h5_shape shape;
    dcpg_status status = path ? shape_is(d, path, EXPORT_MAX_CLASS, &shape, err)
                              : dcpg_fail_nomem(err, "a name", strlen(output));
    dcpg_free(path);
    *classes = status == DCPG_OK && shape.ndim == 2 ? shape.dim[1] : 1;
    return status;
}

dcpg_status dcpg_export_read_numbers(const export_data *d, const char *output, export_numbers *v,
                                     dcpg_err *err) {
    DCPG_TRY(dcpg_export_classes(d, output, &v->classes, err));
    char *labels = dcpg_format("outputs/%s", output), *predictions = dcpg_format("preds/%s", output);
    dcpg_status status = labels && predictions ? DCPG_OK : dcpg_fail_nomem(err, "a name", strlen(output));
    if (status == DCPG_OK) status = read_rows(d, labels, v, v->label, err);
    if (status == DCPG_OK) status = read_rows(d, predictions, v, v->prediction, err);
    dcpg_free(labels);
    dcpg_free(predictions);
    DCPG_TRY(status);
    const export_values values = {.file = d->path,
                                  .output = output,
                                  .label = v->label,
                                  .prediction = v->prediction,
                                  .first = v->first,
                                  .n = v->n,
                                  .classes = v->classes};
    return dcpg_export_check_values(&values, err);
}
