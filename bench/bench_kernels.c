/* SPDX-License-Identifier: MIT */
/* One line per kernel and shape of the zoo: speed, and the residual against the naive twin on a few samples.
 *   bench_kernels [part of a name ...]
 * First measures how fast this processor computes with data in registers, and how fast it copies; every rate
 * is also printed as a share of that. Rates count the multiplications of the plain form, so that a kernel
 * that needs fewer may be above 100 %. gemms are also measured with BLIS alone, and with OpenBLAS and oneDNN
 * if they are installed. Speeds are the best of many repetitions. */
#include "bench/lib/peak.h"
#include "bench/lib/sgemm.h"
#include "naive.h"

#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <math.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 128, LEAF = 16 };
static const double seconds = 0.4, tolerance = 1e-5;

/* ---- arrays: floats, and the same as doubles for the twins ---- */

typedef struct array {
    float *f;
    double *d;
} array;

enum { MAX_ARRAYS = 32 };
static array arrays[MAX_ARRAYS];
static int nb_array;
static dcpg_rng numbers;

/* Keeps the first `twin` numbers as doubles too, as many as the twin needs. */
static array noise(int64_t count, int64_t twin, double scale) {
    array a = {dcpg_alloc((size_t)count, sizeof(float)), dcpg_alloc((size_t)twin, sizeof(double))};
    if (a.f == NULL || a.d == NULL || nb_array == MAX_ARRAYS) abort();
    for (int64_t i = 0; i < count; i++) {
        a.f[i] = (float)(scale * ((double)(dcpg_rng_u32(&numbers) >> 8) * 0x1p-23 - 1.0));
        if (i < twin) a.d[i] = (double)a.f[i];
    }
    return arrays[nb_array++] = a;
}

static void free_arrays(void) {
    while (nb_array > 0) {
        dcpg_free(arrays[--nb_array].f);
        dcpg_free(arrays[nb_array].d);
    }
}

/* ---- lines ---- */

static char **wanted;
static int nb_wanted;
static bool failed;

static bool asked_for(const char *name) {
    for (int i = 0; i < nb_wanted; i++) {
        if (strstr(name, wanted[i]) != NULL) return true;
    }
    return nb_wanted == 0;
}

static double residual(int64_t count, const float *got, const double *want) {
    double worst = 0.0, largest = 1e-30;
    for (int64_t i = 0; i < count; i++) {
        worst = fmax(worst, fabs((double)got[i] - want[i]));
        largest = fmax(largest, fabs(want[i]));
        if (isnan(got[i])) return INFINITY;
    }
    return worst / largest;
}

static bench_peak peak;

static void line(const char *name, const char *shape, double work, const char *unit, double time,
                 double error) {
    bool pass = error < tolerance;
    failed |= !pass;
    double most = strcmp(unit, "GB/s") == 0 ? peak.bytes : peak.flops;
    printf("%-30s %-38s %9.3f ms %8.1f %-7s %5.1f %%  %8.1e %s\n", name, shape, time * 1e3,
           work / time * 1e-9, unit, 100 * work / time / most, error, pass ? "PASS" : "FAIL");
    fflush(stdout);
}

/* Repeats `call` for a while and puts its best time into `time`. */
#define MEASURE(time, call)                                                                                  \
    do {                                                                                                     \
        (time) = INFINITY;                                                                                   \
        for (double begin_ = dcpg_now(); !isfinite(time) || dcpg_now() - begin_ < seconds;) {                \
            double from_ = dcpg_now();                                                                       \
            call;                                                                                            \
            (time) = fmin(time, dcpg_now() - from_);                                                         \
        }                                                                                                    \
    } while (0)

/* ---- gemm and dense ---- */

/* The same product by our own kernel, by BLIS alone and by other installed libraries. `transposed`: a[k][m],
 * as in gradients of weights. */
static void gemm(const char *name, int64_t m, int64_t n, int64_t k, bool transposed) {
    char shape[64], text[64];
    double time, work = 2.0 * (double)m * (double)n * (double)k;
    int64_t rows = m < 8 ? m : 8;
    if (!asked_for(name)) return;
    array a = noise(m * k, transposed ? m * k : rows * k, 1.0), b = noise(k * n, k * n, 1.0),
          c = noise(m * n, rows * n, 1.0);
    dcpg_mat left = transposed ? (dcpg_mat){a.f, 1, m} : (dcpg_mat){a.f, k, 1};
    naive_gemm(rows, n, k, transposed ? (naive_mat){a.d, 1, m} : (naive_mat){a.d, k, 1},
               (naive_mat){b.d, n, 1}, c.d);
    snprintf(shape, sizeof shape, "%dx%dx%d%s", (int)m, (int)n, (int)k, transposed ? " transposed" : "");
    MEASURE(time, dcpg_gemm(m, n, k, left, (dcpg_mat){b.f, n, 1}, 0.0f, (dcpg_mat_out){c.f, n, 1}));
    line(name, shape, work, "GFLOP/s", time, residual(rows * n, c.f, c.d));
    dcpg_gemm_start("blis", NULL);
    MEASURE(time, dcpg_gemm(m, n, k, left, (dcpg_mat){b.f, n, 1}, 0.0f, (dcpg_mat_out){c.f, n, 1}));
    dcpg_gemm_start(NULL, NULL);
    line("  BLIS", shape, work, "GFLOP/s", time, residual(rows * n, c.f, c.d));
    for (const bench_library *l = bench_libraries(); l->name; l++) {
        MEASURE(time, l->sgemm(m, n, k, transposed, a.f, b.f, c.f));
        snprintf(text, sizeof text, "  %s", l->name);
        line(text, shape, work, "GFLOP/s", time, residual(rows * n, c.f, c.d));
    }
    free_arrays();
}

static void dense(const char *name, int64_t n, int64_t c, int64_t f) {
    char shape[64], text[64];
    double time, work = 2.0 * (double)n * (double)c * (double)f;
    int64_t rows = 2, leaf = n / 8;
    if (!asked_for(name)) return;
    snprintf(shape, sizeof shape, "n %d, %d -> %d", (int)n, (int)c, (int)f);
    array x = noise(n * c, leaf * c, 1.0), w = noise(c * f, c * f, 1.0), b = noise(f, f, 1.0),
          y = noise(n * f, rows * f, 1.0), dy = noise(n * f, leaf * f, 1.0);
    array dx = noise(n * c, rows * c, 1.0), dw = noise(c * f, c * f, 1.0), db = noise(f, f, 1.0);
    const dcpg_dense all = {.n = n, .c = c, .f = f}, part = {.n = leaf, .c = c, .f = f};
    MEASURE(time, dcpg_dense_forward(&all, x.f, w.f, b.f, false, y.f));
    naive_gemm(rows, f, c, (naive_mat){x.d, c, 1}, (naive_mat){w.d, f, 1}, y.d);
    for (int64_t i = 0; i < rows * f; i++) y.d[i] += b.d[i % f];
    snprintf(text, sizeof text, "%s forward", name);
    line(text, shape, work, "GFLOP/s", time, residual(rows * f, y.f, y.d));
    MEASURE(time, dcpg_dense_backward_input(&all, dy.f, w.f, false, dx.f));
    naive_gemm(rows, c, f, (naive_mat){dy.d, f, 1}, (naive_mat){w.d, 1, f}, dx.d);
    snprintf(text, sizeof text, "%s input gradient", name);
    line(text, shape, work, "GFLOP/s", time, residual(rows * c, dx.f, dx.d));
    MEASURE(time, dcpg_dense_backward_weight(&part, x.f, dy.f, dw.f, db.f));
    naive_gemm(c, f, leaf, (naive_mat){x.d, 1, c}, (naive_mat){dy.d, f, 1}, dw.d);
    snprintf(text, sizeof text, "%s weight gradient", name);
    snprintf(shape, sizeof shape, "n %d, %d -> %d", (int)leaf, (int)c, (int)f);
    line(text, shape, work / 8.0, "GFLOP/s", time, residual(c * f, dw.f, dw.d));
    free_arrays();
}

/* ---- convolutions ---- */

static void conv(const char *name, int64_t t_in, int64_t c, int64_t f, int64_t k, int64_t stride,
                 int64_t dilation, bool same) {
    dcpg_conv cv = {.t_in = t_in, .c = c, .f = f, .k = k, .stride = stride, .dilation = dilation};
    char shape[64], text[64];
    double time;
    int64_t some = 2;
    if (!asked_for(name)) return;
    dcpg_conv_shape(&cv, same);
    int64_t in = t_in * c, out = cv.t_out * f;
    double work = 2.0 * (double)(cv.t_out * k) * (double)(c * f);
    snprintf(shape, sizeof shape, "n %d, %dx%d -> %dx%d k%d s%d d%d", BATCH, (int)t_in, (int)c, (int)cv.t_out,
             (int)f, (int)k, (int)stride, (int)dilation);
    array x = noise(BATCH * in, some * in, 1.0), w = noise(k * c * f, k * c * f, 0.1), b = noise(f, f, 1.0),
          y = noise(BATCH * out, some * out, 1.0);
    array dx = noise(BATCH * in, some * in, 1.0), dw = noise(k * c * f, k * c * f, 1.0),
          db = noise(f, f, 1.0), scratch = noise((int64_t)dcpg_conv_scratch(&cv, BATCH), 1, 1.0);
    dcpg_conv_arrays all = {.n = BATCH, .x = x.f, .w = w.f, .b = b.f, .scratch = scratch.f}, leaf = all,
                     few = all;
    leaf.n = LEAF, few.n = some;
    MEASURE(time, dcpg_conv_forward(&cv, &all, true, y.f));
    naive_conv_forward(&cv, some, x.d, w.d, b.d, true, y.d);
    snprintf(text, sizeof text, "%s forward", name);
    line(text, shape, BATCH * work, "GFLOP/s", time, residual(some * out, y.f, y.d));
    for (int64_t i = 0; i < some * out; i++) y.d[i] = (double)y.f[i];
    MEASURE(time, dcpg_conv_backward_input(&cv, &all, y.f, false, dx.f));
    naive_conv_backward_input(&cv, some, y.d, w.d, dx.d);
    snprintf(text, sizeof text, "%s input gradient", name);
    line(text, shape, BATCH * work, "GFLOP/s", time, residual(some * in, dx.f, dx.d));
    MEASURE(time, dcpg_conv_backward_weight(&cv, &leaf, y.f, dw.f, db.f));
    dcpg_conv_backward_weight(&cv, &few, y.f, dw.f, db.f);
    naive_conv_backward_weight(&cv, some, x.d, y.d, dw.d, db.d);
    snprintf(text, sizeof text, "%s weight gradient", name);
    snprintf(shape, sizeof shape, "n %d", LEAF);
    line(text, shape, LEAF * work, "GFLOP/s", time, residual(k * c * f, dw.f, dw.d));
    free_arrays();
}

/* The first layer: rates as if it were computed as a gemm. */
static void conv_dna(int64_t t_in, int64_t f, int64_t k, int64_t pool) {
    const char *name = "conv_dna + relu + pool";
    dcpg_conv cv = {.t_in = t_in, .c = 4, .f = f, .k = k, .stride = 1, .dilation = 1};
    char shape[64];
    double time;
    if (!asked_for(name)) return;
    dcpg_conv_shape(&cv, false);
    int64_t rows = cv.t_out / pool, out = rows * f;
    double work = 2.0 * (double)(cv.t_out * k) * (double)(4 * f);
    uint8_t *codes = dcpg_alloc((size_t)(BATCH * t_in), 1), *arg = dcpg_alloc((size_t)(BATCH * out), 1),
            *twin_arg = dcpg_alloc((size_t)out, 1);
    if (codes == NULL || arg == NULL || twin_arg == NULL) abort();
    for (int64_t i = 0; i < BATCH * t_in; i++)
        codes[i] = (uint8_t)(dcpg_rng_below(&numbers, 100) == 0 ? 4 : dcpg_rng_below(&numbers, 4));
    array x = noise(1, t_in * 4, 1.0), w = noise(k * 4 * f, k * 4 * f, 0.5), b = noise(f, f, 0.5),
          y = noise(BATCH * out, out, 1.0), flat = noise(1, cv.t_out * f, 1.0);
    array dy = noise(BATCH * out, out, 1.0), dw = noise(k * 4 * f, k * 4 * f, 1.0), db = noise(f, f, 1.0),
          scratch = noise((int64_t)dcpg_conv_dna_scratch(&cv, BATCH), 1, 1.0);
    snprintf(shape, sizeof shape, "n %d, %dx4 -> %dx%d k%d pool %d", BATCH, (int)t_in, (int)cv.t_out, (int)f,
             (int)k, (int)pool);
    dcpg_conv_arrays all = {.n = BATCH, .codes = codes, .w = w.f, .b = b.f, .scratch = scratch.f}, leaf = all,
                     one = all;
    leaf.n = LEAF, one.n = 1;
    const dcpg_conv_pooled pooled = {.dy = dy.f, .y = y.f, .arg = arg};
    MEASURE(time, dcpg_conv_dna_pool_forward(&cv, &all, pool, y.f, arg));
    naive_one_hot(t_in, codes, x.d);
    naive_conv_forward(&cv, 1, x.d, w.d, b.d, true, flat.d);
    naive_max_pool_forward(1, cv.t_out, f, pool, flat.d, y.d, twin_arg);
    line("conv_dna + relu + pool", shape, BATCH * work, "GFLOP/s", time, residual(out, y.f, y.d));
    MEASURE(time, dcpg_conv_dna_pool_backward_weight(&cv, &leaf, pool, &pooled, dw.f, db.f));
    dcpg_conv_dna_pool_backward_weight(&cv, &one, pool, &pooled, dw.f, db.f);
    for (int64_t i = 0; i < out; i++) dy.d[i] = y.f[i] > 0.0f ? dy.d[i] : 0.0;
    naive_max_pool_backward(1, cv.t_out, f, pool, arg, dy.d, flat.d);
    naive_conv_backward_weight(&cv, 1, x.d, flat.d, dw.d, db.d);
    snprintf(shape, sizeof shape, "n %d", LEAF);
    line("conv_dna weight gradient", shape, LEAF * work, "GFLOP/s", time, residual(k * 4 * f, dw.f, dw.d));
    dcpg_free(codes);
    dcpg_free(arg);
    dcpg_free(twin_arg);
    free_arrays();
}

/* ---- GRU ---- */

static void gru(const char *name, int64_t n, int64_t t, int64_t c, int64_t u) {
    dcpg_gru g = {.t = t, .c = c, .u = u, .sequences = true, .recurrent_activation = DCPG_HARD_SIGMOID};
    char shape[64], text[64];
    double time, best = INFINITY, work = 2.0 * (double)(n * t) * (double)((c + u) * 3 * u);
    int64_t rows = n * t, leaf = n / 8;
    if (!asked_for(name)) return;
    snprintf(shape, sizeof shape, "n %d, %dx%d, %d units", (int)n, (int)t, (int)c, (int)u);
    array x = noise(rows * c, t * c, 1.0), w = noise(c * 3 * u, c * 3 * u, 0.1),
          r = noise(u * 3 * u, u * 3 * u, 0.1), b = noise(3 * u, 3 * u, 1.0), y = noise(rows * u, t * u, 1.0);
    array dy = noise(rows * u, t * u, 1.0), dx = noise(rows * c, t * c, 1.0),
          dw = noise(c * 3 * u, c * 3 * u, 1.0), dr = noise(u * 3 * u, u * 3 * u, 1.0),
          db = noise(3 * u, 3 * u, 1.0);
    array saved = noise((int64_t)dcpg_gru_saved(&g, n), 1, 1.0),
          scratch = noise((int64_t)dcpg_gru_scratch(&g, n), 1, 1.0);
    const dcpg_gru_arrays in = {.n = n,
                                .x = x.f,
                                .w = w.f,
                                .r = r.f,
                                .b = b.f,
                                .y_stride = u,
                                .saved = saved.f,
                                .scratch = scratch.f};
    const dcpg_gru_gradient out = {.dw = dw.f, .dr = dr.f, .db = db.f};
    MEASURE(time, dcpg_gru_forward(&g, &in, y.f));
    naive_gru_gradient twin = {dx.d, dw.d, dr.d, db.d};
    naive_gru_forward(&g, 1, x.d, w.d, r.d, b.d, y.d);
    naive_gru_backward(&g, 1, x.d, w.d, r.d, b.d, dy.d, &twin);
    snprintf(text, sizeof text, "%s forward", name);
    line(text, shape, work, "GFLOP/s", time, residual(t * u, y.f, y.d));
    for (int i = 0; i < 20; i++) {
        dcpg_gru_forward(&g, &in, y.f);
        double from = dcpg_now();
        dcpg_gru_backward_input(&g, &in, dy.f, false, dx.f);
        best = fmin(best, dcpg_now() - from);
    }
    snprintf(text, sizeof text, "%s input gradient", name);
    line(text, shape, work, "GFLOP/s", best, residual(t * c, dx.f, dx.d));
    MEASURE(time, dcpg_gru_backward_weight(&g, &in, 0, leaf, &out));
    dcpg_gru_backward_weight(&g, &in, 0, 1, &out);
    snprintf(text, sizeof text, "%s weight gradient", name);
    snprintf(shape, sizeof shape, "n %d", (int)leaf);
    line(text, shape, work / 8.0, "GFLOP/s", time,
         fmax(residual(c * 3 * u, dw.f, dw.d), residual(u * 3 * u, dr.f, dr.d)));
    free_arrays();
}

/* ---- passes over memory ---- */

static void pool(int64_t t, int64_t c, int64_t window) {
    char shape[64];
    double time;
    int64_t in = t * c, out = t / window * c;
    if (!asked_for("max_pool")) return;
    uint8_t *arg = dcpg_alloc((size_t)(BATCH * out), 1), *twin_arg = dcpg_alloc((size_t)out, 1);
    if (arg == NULL || twin_arg == NULL) abort();
    array x = noise(BATCH * in, in, 1.0), y = noise(BATCH * out, out, 1.0), dx = noise(BATCH * in, in, 1.0);
    snprintf(shape, sizeof shape, "n %d, %dx%d by %d", BATCH, (int)t, (int)c, (int)window);
    double bytes = BATCH * (4.0 * (double)in + 5.0 * (double)out);
    const dcpg_pool all = {.n = BATCH, .t = t, .c = c, .window = window};
    MEASURE(time, dcpg_max_pool_forward(&all, x.f, y.f, arg));
    naive_max_pool_forward(1, t, c, window, x.d, y.d, twin_arg);
    line("max_pool forward", shape, bytes, "GB/s", time, residual(out, y.f, y.d));
    MEASURE(time, dcpg_max_pool_backward(&all, arg, y.f, false, dx.f));
    naive_max_pool_backward(1, t, c, window, twin_arg, y.d, dx.d);
    line("max_pool backward", shape, bytes, "GB/s", time, residual(in, dx.f, dx.d));
    dcpg_free(arg);
    dcpg_free(twin_arg);
    free_arrays();
}

static void norm(int64_t rows, int64_t c) {
    char shape[64];
    double time, error = 0.0;
    if (!asked_for("batch_norm")) return;
    snprintf(shape, sizeof shape, "%dx%d", (int)rows, (int)c);
    array x = noise(rows * c, rows * c, 1.0), y = noise(rows * c, rows * c, 1.0), mean = noise(c, c, 0.1),
          var = noise(c, c, 0.0), rstd = noise(c, c, 1.0), gamma = noise(c, c, 1.0), beta = noise(c, c, 1.0),
          dx = noise(rows * c, 1, 1.0);
    double *sums = dcpg_alloc((size_t)(2 * c), sizeof *sums);
    if (sums == NULL) abort();
    MEASURE(time, dcpg_bn_sums(rows, c, x.f, mean.f, sums));
    naive_bn_forward(rows, c, x.d, gamma.d, beta.d, 1e-3, true, mean.d, var.d, y.d);
    for (int64_t j = 0; j < c; j++) {
        double own = sums[j] / (double)rows, spread = sums[c + j] / (double)rows - own * own;
        mean.f[j] += (float)own;
        rstd.f[j] = (float)(1.0 / sqrt(spread + 1e-3));
        error = fmax(error, fabs(spread - var.d[j]) / var.d[j]);
    }
    double bytes = 4.0 * (double)(rows * c);
    line("batch_norm sums", shape, bytes, "GB/s", time, error);
    const dcpg_bn bn = {.rows = rows,
                        .c = c,
                        .x = x.f,
                        .mean = mean.f,
                        .rstd = rstd.f,
                        .gamma = gamma.f,
                        .beta = beta.f,
                        .relu = true};
    MEASURE(time, dcpg_bn_apply(&bn, y.f));
    line("batch_norm apply", shape, 2.0 * bytes, "GB/s", time, residual(rows * c, y.f, y.d));
    MEASURE(time, dcpg_bn_backward_sums(&bn, y.f, sums));
    double sum = 0.0; /* of channel 0 */
    for (int64_t i = 0; i < rows; i++) sum += y.d[i * c];
    line("batch_norm gradient sums", shape, 2.0 * bytes, "GB/s", time, fabs(sums[0] - sum) / sum);
    MEASURE(time, dcpg_bn_backward(&bn, y.f, sums, rows, false, dx.f));
    double left = 0.0; /* the gradient sums to zero over the rows */
    for (int64_t i = 0; i < rows; i++) left += (double)dx.f[i * c];
    line("batch_norm backward", shape, 3.0 * bytes, "GB/s", time, fabs(left) / sum);
    dcpg_free(sums);
    free_arrays();
}

static void activation(const char *name, dcpg_activation kind) {
    enum { COUNT = 128 * 18 * 256 };
    double time;
    if (!asked_for(name)) return;
    array x = noise(COUNT, COUNT, 5.0), y = noise(COUNT, COUNT, 1.0);
    MEASURE(time, dcpg_activate(kind, COUNT / 256, 256, x.f, y.f));
    naive_activate(kind, COUNT / 256, 256, x.d, y.d);
    line(name, "2304x256", 8.0 * COUNT, "GB/s", time, residual(COUNT, y.f, y.d));
    free_arrays();
}

static void update(int64_t count) {
    char shape[64];
    double time;
    if (!asked_for("adam")) return;
    snprintf(shape, sizeof shape, "%d", (int)count);
    array w = noise(count, count, 1.0), g = noise(count, count, 1.0), m = noise(count, count, 0.0),
          v = noise(count, count, 0.0);
    dcpg_adam_step step = {1e-4f, 0.9f, 0.999f, 1e-7f, 1e-4f, 1e-4f, 1};
    dcpg_adam_update(&step, (size_t)count, g.f, w.f, m.f, v.f);
    for (int64_t i = 0; i < count; i++) {
        double grad = g.d[i] + 1e-4 * ((w.d[i] > 0.0) - (w.d[i] < 0.0)) + 2e-4 * w.d[i];
        w.d[i] -= 1e-4 * 0.1 * grad / (sqrt(0.001 * grad * grad) + 1e-7);
    }
    double error = residual(count, w.f, w.d);
    MEASURE(time, dcpg_adam_update(&step, (size_t)count, g.f, w.f, m.f, v.f));
    line("adam", shape, 28.0 * (double)count, "GB/s", time, error);
    free_arrays();
}

int main(int argc, char **argv) {
    dcpg_err err = {0};
    wanted = argv + 1;
    nb_wanted = argc - 1;
    dcpg_rng_start(&numbers, 1, 1);
    if (dcpg_gemm_start(NULL, &err) != DCPG_OK) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    printf("# %s, %d threads, batch %d, weight gradients of leaves of %d\n", dcpg_gemm_description(),
           omp_get_max_threads(), BATCH, LEAF);
    peak = bench_measure_peak();
    printf("# multiply-adds in registers %.1f GFLOP/s, copying %.1f GB/s\n", peak.flops * 1e-9,
           peak.bytes * 1e-9);
    gemm("gemm square", 2048, 2048, 2048, false);
    gemm("gemm conv2", 31232, 256, 384, false);
    gemm("gemm conv2 weight gradient", 384, 256, 3904, true);
    gemm("gemm ResNet k1", 63360, 32, 128, false);
    gemm("gemm ResNet k1 weight gradient", 128, 32, 7920, true);
    gemm("gemm ResNet k1 wide", 3968, 1024, 512, false);
    gemm("gemm fc", 128, 128, 31232, false);
    gemm("gemm GRU step", 128, 768, 256, false);
    gemm("gemm heads", 128, 18, 512, false);
    conv_dna(1001, 128, 11, 4);
    conv("conv2 of CnnL2", 247, 128, 256, 3, 1, 1, false);
    conv("conv3 of CnnL3", 122, 256, 512, 3, 1, 1, false);
    conv("conv2 of CnnRnn01", 247, 128, 256, 7, 1, 1, false);
    conv("ResNet k1", 495, 128, 32, 1, 1, 1, false);
    conv("ResNet k1 s2", 495, 128, 32, 1, 2, 1, true);
    conv("ResNet k3", 248, 32, 32, 3, 1, 1, true);
    conv("ResNet k1 wide", 62, 128, 512, 1, 1, 1, true);
    conv("ResConv k3", 248, 128, 128, 3, 1, 1, true);
    conv("ResConv k3 s2", 495, 128, 128, 3, 2, 1, true);
    conv("ResAtrous d4", 124, 64, 64, 3, 1, 4, true);
    dense("fc of CnnL2", BATCH, 31232, 128);
    dense("fc of FcAvg", BATCH * 18, 100, 512);
    dense("fc of joint", BATCH, 640, 512);
    gru("GRU of RnnL1", BATCH, 18, 256, 256);
    gru("GRU of CnnRnn01", BATCH, 60, 256, 256);
    pool(244, 256, 2);
    norm(128 * 248, 128);
    activation("sigmoid", DCPG_SIGMOID);
    activation("tanh", DCPG_TANH);
    activation("softmax", DCPG_SOFTMAX);
    update(4 << 20);
    return failed;
}
