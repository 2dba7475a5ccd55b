/* SPDX-License-Identifier: MIT */
/* Sets the filters of the first convolution from a file, e.g. to known motifs. */
#include "base/number.h"

#include <dcpg/h5.h>
#include <dcpg/keras.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <dcpg/surgery.h>

#include <inttypes.h>
#include <string.h>

/* Filters of the file, in the model's orientation. */
typedef struct filters {
    int64_t k, f;
    float *kernel;   /* [k][4][f] */
    float *bias;     /* [nb_bias] */
    int64_t nb_bias; /* 0: the file has none */
} filters;

static void filters_free(filters *in) {
    dcpg_free(in->kernel);
    dcpg_free(in->bias);
}

/* ---- reading ---- */

static dcpg_status read_values(dcpg_h5 *file, const char *path, const dcpg_h5_shape *shape, float **value,
                               dcpg_err *err) {
    size_t size = 1;
    for (int d = 0; d < shape->ndim; d++) size *= (size_t)shape->dim[d];
    *value = dcpg_alloc(size, sizeof **value);
    if (!*value) return dcpg_fail_nomem(err, "filters", size * sizeof **value);
    return dcpg_h5_read(file, path, DCPG_H5_F32, NULL, *value, err);
}

/* Turns the kernel from [f][4][k][1] into [k][4][f]. */
static dcpg_status turn(filters *in, dcpg_err *err) {
    float *turned = dcpg_alloc((size_t)(in->k * 4 * in->f), sizeof *turned);
    if (!turned) return dcpg_fail_nomem(err, "filters", (size_t)(in->k * 4 * in->f) * sizeof *turned);
    for (int64_t o = 0; o < in->f; o++)
        for (int64_t c = 0; c < 4; c++)
            for (int64_t j = 0; j < in->k; j++)
                turned[(j * 4 + c) * in->f + o] = in->kernel[(o * 4 + c) * in->k + j];
    dcpg_free(in->kernel);
    in->kernel = turned;
    return DCPG_OK;
}

static dcpg_status read_kernel(dcpg_h5 *file, const char *path, filters *in, dcpg_err *err) {
    dcpg_h5_shape shape;
    if (!dcpg_h5_exists(file, path) || dcpg_h5_is_group(file, path))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: it holds no filters: there is no array '%s'",
                         dcpg_h5_path(file), path);
    DCPG_TRY(dcpg_h5_shape_of(file, path, &shape, err));
    const int64_t *dim = shape.dim;
    bool usual = shape.ndim == 4 && dim[1] == 1 && dim[2] == 4, plain = shape.ndim == 3 && dim[1] == 4;
    bool turned = shape.ndim == 4 && dim[1] == 4 && dim[3] == 1;
    in->k = turned ? dim[2] : dim[0];
    in->f = turned ? dim[0] : dim[shape.ndim > 0 ? shape.ndim - 1 : 0];
    if (!(usual || plain || turned) || in->k < 1 || in->f < 1)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: '%s' must have the shape [length, 1, 4, filters], [length, 4, filters] or "
                         "[filters, 4, length, 1]",
                         dcpg_h5_path(file), path);
    DCPG_TRY(read_values(file, path, &shape, &in->kernel, err));
    return turned ? turn(in, err) : DCPG_OK;
}

static dcpg_status read_bias(dcpg_h5 *file, const char *path, filters *in, dcpg_err *err) {
    dcpg_h5_shape shape;
    if (!dcpg_h5_exists(file, path)) return DCPG_OK;
    DCPG_TRY(dcpg_h5_shape_of(file, path, &shape, err));
    if (shape.ndim != 1)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: '%s' must have one number per filter", dcpg_h5_path(file),
                         path);
    in->nb_bias = shape.dim[0];
    return read_values(file, path, &shape, &in->bias, err);
}

static dcpg_status read_filters(const dcpg_strings *names, filters *in, dcpg_err *err) {
    const char *group = names->n > 1 ? names->v[1] : "", *slash = names->n > 1 ? "/" : "";
    char *weights = dcpg_format("%s%sweights", group, slash), *bias = dcpg_format("%s%sbias", group, slash);
    dcpg_h5 *file = NULL;
    dcpg_status status = weights && bias ? DCPG_OK : dcpg_fail_nomem(err, "a path", strlen(group));
    if (status == DCPG_OK) status = dcpg_h5_open(names->v[0], NULL, &file, err);
    if (status == DCPG_OK) status = read_kernel(file, weights, in, err);
    if (status == DCPG_OK) status = read_bias(file, bias, in, err);
    dcpg_h5_close(file);
    dcpg_free(weights);
    dcpg_free(bias);
    return status;
}

/* ---- fitting ---- */

/* Fits the filters to kernel[k][4][f]: the middle of longer filters; shorter ones are padded with small
 * random numbers. */
static void fit_kernel(const filters *in, uint64_t seed, const int64_t shape[3], float *kernel) {
    int64_t k = shape[0], f = shape[2], taken = min_i64(f, in->f);
    int64_t shift = in->k > k ? (in->k - k) / 2 : -((k - in->k) / 2);
    dcpg_rng rng;
    dcpg_rng_start(&rng, seed, dcpg_hash("filter_weights"));
    for (int64_t j = 0; j < k; j++)
        for (int64_t c = 0; c < 4; c++)
            for (int64_t o = 0; o < taken; o++) {
                int64_t at = j + shift;
                bool inside = at >= 0 && at < in->k;
                kernel[(j * 4 + c) * f + o] =
                    inside ? in->kernel[(at * 4 + c) * in->f + o] : (float)(dcpg_rng_uniform(&rng) * 1e-2);
            }
}

static dcpg_status set_filters(const dcpg_strings *names, uint64_t seed, dcpg_log *log,
                               struct dcpg_weight_value *kernel, struct dcpg_weight_value *bias,
                               dcpg_err *err) {
    filters in = {0};
    dcpg_status status = read_filters(names, &in, err);
    if (status == DCPG_OK) {
        fit_kernel(&in, seed, kernel->shape, kernel->value);
        if (bias && in.nb_bias > 0)
            memcpy(bias->value, in.bias, (size_t)min_i64(in.nb_bias, bias->shape[0]) * sizeof *bias->value);
        dcpg_info(log, "%s: %" PRId64 " filters of layer %s initialised", names->v[0],
                  min_i64(in.f, kernel->shape[2]), kernel->layer);
        if (in.k != kernel->shape[0])
            dcpg_info(log, "%s: filters of length %" PRId64 " %s to the model's %" PRId64, names->v[0], in.k,
                      in.k > kernel->shape[0] ? "cut down" : "padded", kernel->shape[0]);
    }
    filters_free(&in);
    return status;
}

dcpg_status dcpg_filter_weights_all(const dcpg_strings *file, uint64_t seed, const dcpg_par *par,
                                    dcpg_log *log, dcpg_model *model, dcpg_err *err) {
    const dcpg_graph *graph = model->graph;
    int conv = dcpg_graph_first_conv(graph);
    if (file->n < 1 || file->n > 2)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--filter_weights takes an HDF5 file, and the name of a group in it; not %zu words",
                         file->n);
    if (conv < 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--filter_weights: the model has no convolution over DNA");
    struct dcpg_weight_value *kernel = dcpg_weights_find(&model->weights, graph->layer[conv].name, "kernel"),
                             *bias = dcpg_weights_find(&model->weights, graph->layer[conv].name, "bias");
    dcpg_status status = par->rank == 0 ? set_filters(file, seed, log, kernel, bias, err) : DCPG_OK;
    DCPG_TRY(dcpg_agree_all(par, status, err));
    const int64_t *shape = kernel->shape;
    dcpg_bcast_all(par, kernel->value, (size_t)(shape[0] * shape[1] * shape[2]) * sizeof(float), 0);
    if (bias) dcpg_bcast_all(par, bias->value, (size_t)bias->shape[0] * sizeof(float), 0);
    return DCPG_OK;
}
