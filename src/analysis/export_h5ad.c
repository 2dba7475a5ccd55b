/* SPDX-License-Identifier: MIT */
/* Export by regions as AnnData's HDF5 file: cells are rows, regions columns. The layout is that of version
 * 0.1.0 of its specification, with the encodings of its parts. */
#include "analysis/export_regions.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { ROWS = 64, DEFLATE = 4 };

static const char *const layers[] = {"X", "layers/mc", "layers/cov", "layers/imputed",
                                     "layers/observed_frac"};
enum { NB_LAYER = sizeof layers / sizeof *layers };

typedef struct h5ad {
    const export_regions *regions;
    dcpg_h5 *file;
    const export_count *count; /* of each output */
} h5ad;

/* ---- parts of the specification ---- */

static dcpg_status encode(dcpg_h5 *file, const char *path, const char *type, const char *version,
                          dcpg_err *err) {
    DCPG_TRY(dcpg_h5_write_attr_variable(file, path, "encoding-type", type, err));
    return dcpg_h5_write_attr_variable(file, path, "encoding-version", version, err);
}

static dcpg_status make_group(dcpg_h5 *file, const char *path, const char *type, const char *version,
                              dcpg_err *err) {
    DCPG_TRY(dcpg_h5_make_group(file, path, err));
    return encode(file, path, type, version, err);
}

static dcpg_status make_array(dcpg_h5 *file, const char *path, const dcpg_h5_shape *shape, dcpg_err *err) {
    DCPG_TRY(dcpg_h5_make(file, path, shape, err));
    return encode(file, path, "array", "0.2.0", err);
}

static dcpg_status write_words(dcpg_h5 *file, const char *path, const dcpg_strings *words, dcpg_err *err) {
    DCPG_TRY(dcpg_h5_write_variables(file, path, words, err));
    return encode(file, path, "string-array", "0.2.0", err);
}

/* A table of rows with names and columns. */
static dcpg_status make_frame(dcpg_h5 *file, const char *path, char **columns, size_t n, dcpg_err *err) {
    const dcpg_strings order = {.v = columns, .n = n};
    DCPG_TRY(make_group(file, path, "dataframe", "0.2.0", err));
    DCPG_TRY(dcpg_h5_write_attr_variable(file, path, "_index", "_index", err));
    return dcpg_h5_write_attr_variables(file, path, "column-order", &order, err);
}

/* ---- cells ---- */

static export_count count_of(const export_run *run, const export_column *column, const export_count *count) {
    export_count sum = {0};
    for (size_t i = 0; i < column->n; i++) {
        ptrdiff_t o = dcpg_strings_find(&run->data.outputs, column->output[i]);
        sum.observed += count[o].observed;
        sum.methylated += count[o].methylated;
    }
    return sum;
}

static dcpg_status write_numbers(const export_run *run, h5ad *h, dcpg_err *err) {
    size_t n = run->columns.n;
    const dcpg_h5_shape wholes = {.type = DCPG_H5_I64, .ndim = 1, .dim = {(int64_t)n}},
                        reals = {.type = DCPG_H5_F64, .ndim = 1, .dim = {(int64_t)n}};
    int64_t *observed = dcpg_alloc(n, sizeof *observed);
    double *mean = dcpg_alloc(2 * n, sizeof *mean), *share = mean + n;
    dcpg_status status = observed && mean ? DCPG_OK : dcpg_fail_nomem(err, "cells", 3 * n * sizeof *mean);
    for (size_t c = 0; c < n && status == DCPG_OK; c++) {
        const export_column *column = &run->columns.v[c];
        export_count count = count_of(run, column, h->count);
        observed[c] = count.observed;
        mean[c] = count.observed ? (double)count.methylated / (double)count.observed : NAN;
        share[c] = (double)count.observed / ((double)run->chromos.nb_site * (double)column->n);
    }
    if (status == DCPG_OK) status = make_array(h->file, "obs/n_obs", &wholes, err);
    if (status == DCPG_OK) status = dcpg_h5_write(h->file, "obs/n_obs", DCPG_H5_I64, NULL, observed, err);
    if (status == DCPG_OK) status = make_array(h->file, "obs/global_meth", &reals, err);
    if (status == DCPG_OK) status = dcpg_h5_write(h->file, "obs/global_meth", DCPG_H5_F64, NULL, mean, err);
    if (status == DCPG_OK) status = make_array(h->file, "obs/coverage", &reals, err);
    if (status == DCPG_OK) status = dcpg_h5_write(h->file, "obs/coverage", DCPG_H5_F64, NULL, share, err);
    dcpg_free(observed);
    dcpg_free(mean);
    return status;
}

static dcpg_status write_cells(const export_run *run, h5ad *h, dcpg_err *err) {
    char *columns[] = {"n_obs", "global_meth", "coverage"};
    dcpg_strings names = {0};
    dcpg_status status = make_frame(h->file, "obs", columns, 3, err);
    for (size_t c = 0; c < run->columns.n && status == DCPG_OK; c++)
        status = dcpg_strings_add(&names, run->columns.v[c].name, err);
    if (status == DCPG_OK) status = write_words(h->file, "obs/_index", &names, err);
    dcpg_strings_free(&names);
    return status == DCPG_OK ? write_numbers(run, h, err) : status;
}

/* ---- regions ---- */

static dcpg_status name_regions(const export_run *run, const h5ad *h, dcpg_strings *names,
                                dcpg_strings *chromos, dcpg_err *err) {
    for (int64_t r = 0; r < h->regions->n; r++) {
        const export_region *region = &h->regions->v[r];
        const char *chromo = run->chromos.shown.v[region->chromo];
        char name[DCPG_CHROMO_MAX + 32];
        snprintf(name, sizeof name, "%s:%" PRId32 "-%" PRId32, chromo, region->start, region->end);
        DCPG_TRY(dcpg_strings_add(names, name, err));
        DCPG_TRY(dcpg_strings_add(chromos, chromo, err));
    }
    return DCPG_OK;
}

/* Writes starts (`ends`: ends) of the regions. */
static dcpg_status write_bounds(const h5ad *h, const char *path, bool ends, dcpg_err *err) {
    int64_t n = h->regions->n;
    const dcpg_h5_shape shape = {.type = DCPG_H5_I64, .ndim = 1, .dim = {n}};
    int64_t *bound = dcpg_alloc((size_t)n, sizeof *bound);
    dcpg_status status = bound ? DCPG_OK : dcpg_fail_nomem(err, "regions", (size_t)n * sizeof *bound);
    for (int64_t r = 0; r < n && status == DCPG_OK; r++)
        bound[r] = ends ? h->regions->v[r].end : h->regions->v[r].start;
    if (status == DCPG_OK) status = make_array(h->file, path, &shape, err);
    if (status == DCPG_OK) status = dcpg_h5_write(h->file, path, DCPG_H5_I64, NULL, bound, err);
    dcpg_free(bound);
    return status;
}

static dcpg_status write_regions(const export_run *run, h5ad *h, dcpg_err *err) {
    char *columns[] = {"chrom", "start", "end", "n_sites"};
    const dcpg_h5_shape sites = {.type = DCPG_H5_I64, .ndim = 1, .dim = {h->regions->n}};
    dcpg_strings names = {0}, chromos = {0};
    dcpg_status status = make_frame(h->file, "var", columns, 4, err);
    if (status == DCPG_OK) status = name_regions(run, h, &names, &chromos, err);
    if (status == DCPG_OK) status = write_words(h->file, "var/_index", &names, err);
    if (status == DCPG_OK) status = write_words(h->file, "var/chrom", &chromos, err);
    if (status == DCPG_OK) status = write_bounds(h, "var/start", false, err);
    if (status == DCPG_OK) status = write_bounds(h, "var/end", true, err);
    if (status == DCPG_OK) status = make_array(h->file, "var/n_sites", &sites, err);
    dcpg_strings_free(&names);
    dcpg_strings_free(&chromos);
    return status;
}

/* ---- the file ---- */

/* What a layer shows of a sum over `sites` sites of a region, counted once for each cell. */
static float show(int layer, const export_sum *s, int64_t sites) {
    switch (layer) {
    case 0:
        return s->observed ? (float)((double)s->methylated / (double)s->observed) : NAN;
    case 1:
        return (float)s->methylated;
    case 2:
        return (float)s->observed;
    case 3:
        return s->n ? (float)(s->sum / (double)s->n) : NAN;
    default:
        return sites ? (float)((double)s->observed / (double)sites) : NAN;
    }
}

static dcpg_status write_pool(const export_run *run, const export_pool *pool, void *to, dcpg_err *err) {
    h5ad *h = to;
    int64_t columns = (int64_t)run->columns.n;
    const dcpg_h5_block sites = {.start = {pool->first}, .count = {pool->n}},
                        table = {.start = {0, pool->first}, .count = {columns, pool->n}};
    DCPG_TRY(dcpg_h5_write(h->file, "var/n_sites", DCPG_H5_I64, &sites, pool->nb_site, err));
    float *value = dcpg_alloc((size_t)(columns * pool->n), sizeof *value);
    dcpg_status status =
        value ? DCPG_OK : dcpg_fail_nomem(err, "regions", (size_t)(columns * pool->n) * sizeof *value);
    for (int layer = 0; layer < NB_LAYER && status == DCPG_OK; layer++) {
        for (int64_t i = 0; i < columns * pool->n; i++)
            value[i] = show(layer, &pool->sum[i],
                            pool->nb_site[i % pool->n] * (int64_t)run->columns.v[i / pool->n].n);
        status = dcpg_h5_write(h->file, layers[layer], DCPG_H5_F32, &table, value, err);
    }
    dcpg_free(value);
    return status;
}

static dcpg_status make_layers(const export_run *run, const h5ad *h, dcpg_err *err) {
    static const char *const groups[] = {"layers", "obsm", "varm", "obsp", "varp", "uns"};
    const dcpg_h5_shape shape = {.type = DCPG_H5_F32,
                                 .ndim = 2,
                                 .dim = {(int64_t)run->columns.n, h->regions->n},
                                 .chunk = {ROWS, EXPORT_POOL},
                                 .deflate = DEFLATE};
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        DCPG_TRY(make_group(h->file, groups[i], "dict", "0.1.0", err));
    for (int i = 0; i < NB_LAYER; i++) DCPG_TRY(make_array(h->file, layers[i], &shape, err));
    return DCPG_OK;
}

static dcpg_status create(const export_run *run, const char *path, h5ad *h, dcpg_err *err) {
    if (run->par->rank != 0) return DCPG_OK;
    if (!path) return dcpg_fail_nomem(err, "a path", 64);
    DCPG_TRY(dcpg_h5_create(path, NULL, &h->file, err));
    DCPG_TRY(dcpg_h5_write_attr_string(h->file, "/", "format", DCPG_EXPORT_FORMAT, err));
    DCPG_TRY(encode(h->file, "/", "anndata", "0.1.0", err));
    DCPG_TRY(make_layers(run, h, err));
    DCPG_TRY(write_cells(run, h, err));
    return write_regions(run, h, err);
}

dcpg_status dcpg_export_write_h5ad(export_run *run, size_t part, dcpg_err *err) {
    export_regions regions = {0};
    h5ad h = {.regions = &regions, .count = run->count};
    char *path = dcpg_export_path(run, part);
    dcpg_sum_i64s_all(run->par, (int64_t *)run->count, 2 * run->data.outputs.n);
    dcpg_status status = dcpg_agree_all(run->par, dcpg_export_regions_open(run, &regions, err), err);
    if (status == DCPG_OK) status = dcpg_agree_all(run->par, create(run, path, &h, err), err);
    if (status == DCPG_OK) status = dcpg_export_pool_all(run, &regions, write_pool, &h, err);
    if (status == DCPG_OK && h.file)
        status = dcpg_h5_commit(h.file, err);
    else
        dcpg_h5_close(h.file);
    dcpg_export_regions_close(&regions);
    dcpg_free(path);
    return status;
}
