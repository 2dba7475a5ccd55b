/* SPDX-License-Identifier: MIT */
/* Initial weights, with Keras's initialisers. Each array is a function of (seed, layer name, weight name). */
#include "nn/plan.h"

#include <dcpg/rng.h>

#include <math.h>
#include <string.h>

static const char *last_part(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* Arrays are filled row by row, because heads are columns of a larger matrix. */
static float *row_of(dcpg_net *net, const dcpg_param *param, size_t row) {
    return net->params + param->offset + row * param->stride;
}

static void fill(dcpg_net *net, const dcpg_param *param, float value) {
    for (size_t i = 0; i < param->size / param->row; i++)
        for (size_t j = 0; j < param->row; j++) row_of(net, param, i)[j] = value;
}

/* Glorot and Bengio, AISTATS 2010: uniform in +-sqrt(6 / (fan in + fan out)); for a convolution both fans are
 * multiplied by the filter's length. */
static void glorot_uniform(dcpg_net *net, const dcpg_param *param, dcpg_rng *rng) {
    const dcpg_weight *weight = &param->weight;
    int64_t length = weight->ndim == 3 ? weight->shape[0] : 1;
    double limit =
        sqrt(6 / (double)(length * (weight->shape[weight->ndim - 2] + weight->shape[weight->ndim - 1])));
    for (size_t i = 0; i < param->size / param->row; i++)
        for (size_t j = 0; j < param->row; j++)
            row_of(net, param, i)[j] = (float)(limit * (2 * dcpg_rng_uniform(rng) - 1));
}

static double dot(int64_t n, const float *a, const float *b) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Makes `row` orthogonal to the `nb` orthonormal rows of q and scales it to length 1. Two passes, since one
 * loses digits (Giraud et al., 2005). */
static void orthonormalise(const float *q, int64_t nb, int64_t n, float *row) {
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < nb; i++) {
            double along = dot(n, q + i * n, row);
            for (int64_t j = 0; j < n; j++) row[j] = (float)((double)row[j] - along * (double)q[i * n + j]);
        }
    double length = sqrt(dot(n, row, row));
    for (int64_t j = 0; j < n; j++) row[j] = (float)((double)row[j] / length);
}

/* Saxe et al., ICLR 2014: the orthonormal factor of a QR decomposition of a matrix of normal numbers. For
 * [u][3u] the rows, the shorter side, are orthonormal. */
static void orthogonal(dcpg_net *net, const dcpg_param *param, dcpg_rng *rng) {
    int64_t rows = param->weight.shape[0], n = param->weight.shape[1];
    float *q = net->params + param->offset;
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < n; j++) q[i * n + j] = (float)dcpg_rng_normal(rng);
        orthonormalise(q, i, n, q + i * n);
    }
}

void dcpg_net_init(dcpg_net *net, uint64_t seed) {
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *param = &net->param[i];
        const char *name = last_part(param->weight.name);
        dcpg_rng rng;
        dcpg_rng_start(
            &rng, seed,
            dcpg_mix(dcpg_hash(net->graph->layer[param->layer].name), dcpg_hash(param->weight.name)));
        if (strcmp(name, "kernel") == 0)
            glorot_uniform(net, param, &rng);
        else if (strcmp(name, "recurrent_kernel") == 0)
            orthogonal(net, param, &rng);
        else
            fill(net, param, strcmp(name, "gamma") == 0 || strcmp(name, "moving_variance") == 0 ? 1 : 0);
    }
}
