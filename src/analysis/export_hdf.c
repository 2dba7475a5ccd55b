/* SPDX-License-Identifier: MIT */
/* Export as HDF5: chromo, pos and value of each site. */
#include "analysis/export_impl.h"
#include "base/number.h"

#include <dcpg/memory.h>

#include <math.h>
#include <string.h>

typedef struct hdf_file {
    dcpg_h5 *h5;
    int64_t next; /* next row to write */
    size_t width; /* bytes of a chromosome's name */
    char *name;   /* [EXPORT_BLOCK][width] */
    float *value; /* [4][EXPORT_BLOCK]: value, and the qualities if they are wanted */
    int32_t *pos; /* [EXPORT_BLOCK] */
    uint8_t *observed;
} hdf_file;

static const char *const qualities[] = {"confidence", "difference", "quality"};

static dcpg_status count_block(const export_run *run, void *to, dcpg_err *err) {
    (void)err;
    for (int64_t i = 0; i < run->sites.n; i++) *(int64_t *)to += run->site[i].n > 0;
    return DCPG_OK;
}

/* Puts the sites of the block that hold a value into the file's rows; returns their number. */
static int64_t gather(const export_run *run, hdf_file *file) {
    int64_t n = 0;
    for (int64_t i = 0; i < run->sites.n; i++) {
        const export_site *site = &run->site[i];
        if (site->n == 0) continue;
        int32_t at = run->sites.at[i];
        bool observed = site->observed > 0;
        float *row = file->value + n;
        strncpy(file->name + (size_t)n * file->width, export_chromo_at(run, at), file->width);
        file->pos[n] = run->sites.pos[at];
        file->observed[n++] = observed;
        row[0] = (float)(site->sum / site->n);
        row[EXPORT_BLOCK] = observed ? NAN : site->confidence;
        row[2 * EXPORT_BLOCK] = observed ? NAN : site->difference;
        row[3 * EXPORT_BLOCK] = observed ? NAN : export_quality_of(site->confidence, site->difference);
    }
    return n;
}

static dcpg_status write_block(const export_run *run, void *to, dcpg_err *err) {
    hdf_file *file = to;
    int64_t n = gather(run, file);
    const dcpg_h5_block block = {.start = {file->next}, .count = {n}};
    file->next += n;
    DCPG_TRY(dcpg_h5_write(file->h5, "chromo", DCPG_H5_TEXT, &block, file->name, err));
    DCPG_TRY(dcpg_h5_write(file->h5, "pos", DCPG_H5_I32, &block, file->pos, err));
    DCPG_TRY(dcpg_h5_write(file->h5, "value", DCPG_H5_F32, &block, file->value, err));
    if (!run->options->quality) return DCPG_OK;
    DCPG_TRY(dcpg_h5_write(file->h5, "observed", DCPG_H5_U8, &block, file->observed, err));
    for (int i = 0; i < 3; i++)
        DCPG_TRY(dcpg_h5_write(file->h5, qualities[i], DCPG_H5_F32, &block,
                               file->value + (i + 1) * EXPORT_BLOCK, err));
    return DCPG_OK;
}

static dcpg_status make(const export_run *run, const hdf_file *to, int64_t total, dcpg_err *err) {
    dcpg_h5 *file = to->h5;
    dcpg_h5_shape shape = {.type = DCPG_H5_TEXT,
                           .width = to->width,
                           .ndim = 1,
                           .dim = {total},
                           .chunk = {EXPORT_BLOCK},
                           .deflate = 4};
    DCPG_TRY(dcpg_h5_write_attr_string(file, "/", "format", DCPG_EXPORT_FORMAT, err));
    DCPG_TRY(dcpg_h5_make(file, "chromo", &shape, err));
    shape.type = DCPG_H5_I32;
    DCPG_TRY(dcpg_h5_make(file, "pos", &shape, err));
    shape.type = DCPG_H5_F32;
    DCPG_TRY(dcpg_h5_make(file, "value", &shape, err));
    if (!run->options->quality) return DCPG_OK;
    for (int i = 0; i < 3; i++) DCPG_TRY(dcpg_h5_make(file, qualities[i], &shape, err));
    shape.type = DCPG_H5_U8;
    return dcpg_h5_make(file, "observed", &shape, err);
}

/* The number of rows: a column that is filtered must be read for it. */
static dcpg_status count(export_run *run, const export_column *column, int64_t *total, dcpg_err *err) {
    *total = column->mode == EXPORT_ALL && !(run->options->min_quality > 0) ? run->chromos.nb_site : 0;
    return *total > 0 ? DCPG_OK : dcpg_export_each(run, column, count_block, total, err);
}

static dcpg_status alloc(const export_run *run, hdf_file *file, dcpg_err *err) {
    const export_chromos *chromos = &run->chromos;
    file->width = run->data.width;
    for (size_t k = 0; k < chromos->nb_wanted; k++)
        file->width = max_size(file->width, strlen(chromos->shown.v[chromos->order[k]]));
    file->name = dcpg_alloc(EXPORT_BLOCK, file->width);
    file->value = dcpg_alloc(4 * EXPORT_BLOCK, sizeof *file->value);
    file->pos = dcpg_alloc(EXPORT_BLOCK, sizeof *file->pos);
    file->observed = dcpg_alloc(EXPORT_BLOCK, 1);
    if (file->name && file->value && file->pos && file->observed) return DCPG_OK;
    return dcpg_fail_nomem(err, "sites", EXPORT_BLOCK * (file->width + 21));
}

dcpg_status dcpg_export_write_hdf(export_run *run, size_t part, dcpg_err *err) {
    const export_column *column = &run->columns.v[part];
    hdf_file file = {0};
    int64_t total = 0;
    char *path = dcpg_export_path(run, part);
    dcpg_status status = path ? alloc(run, &file, err) : dcpg_fail_nomem(err, "a path", 64);
    if (status == DCPG_OK) status = count(run, column, &total, err);
    if (status == DCPG_OK) status = dcpg_h5_create(path, NULL, &file.h5, err);
    if (status == DCPG_OK) status = make(run, &file, total, err);
    if (status == DCPG_OK) status = dcpg_export_each(run, column, write_block, &file, err);
    if (status == DCPG_OK)
        status = dcpg_h5_commit(file.h5, err);
    else
        dcpg_h5_close(file.h5);
    dcpg_free(path);
    dcpg_free(file.name);
    dcpg_free(file.value);
    dcpg_free(file.pos);
    dcpg_free(file.observed);
    return status;
}
