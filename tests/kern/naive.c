/* SPDX-License-Identifier: MIT */
/* The naive twins of the kernels (naive.h). */
#include "naive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void naive_gemm(int64_t m, int64_t n, int64_t k, naive_mat a, naive_mat b, double *c) {
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            double sum = 0.0;
            for (int64_t l = 0; l < k; l++) sum += a.p[i * a.rs + l * a.cs] * b.p[l * b.rs + j * b.cs];
            c[i * n + j] = sum;
        }
    }
}

/* ---- convolution ---- */

/* Input step that tap j of output step t reads; -1: padding. */
static int64_t input_step(const dcpg_conv *conv, int64_t t, int64_t j) {
    int64_t s = t * conv->stride + j * conv->dilation - conv->pad_left;
    return s >= 0 && s < conv->t_in ? s : -1;
}

void naive_conv_forward(const dcpg_conv *conv, int64_t n, const double *x, const double *w, const double *b,
                        bool relu, double *y) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t t = 0; t < conv->t_out; t++) {
            double *out = y + (i * conv->t_out + t) * conv->f;
            for (int64_t q = 0; q < conv->f; q++) out[q] = b[q];
            for (int64_t j = 0; j < conv->k; j++) {
                int64_t s = input_step(conv, t, j);
                for (int64_t p = 0; s >= 0 && p < conv->c; p++) {
                    double v = x[(i * conv->t_in + s) * conv->c + p];
                    for (int64_t q = 0; q < conv->f; q++) out[q] += v * w[(j * conv->c + p) * conv->f + q];
                }
            }
            for (int64_t q = 0; relu && q < conv->f; q++) out[q] = fmax(out[q], 0.0);
        }
    }
}

void naive_conv_backward_input(const dcpg_conv *conv, int64_t n, const double *dy, const double *w,
                               double *dx) {
    memset(dx, 0, (size_t)(n * conv->t_in * conv->c) * sizeof *dx);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t t = 0; t < conv->t_out; t++) {
            const double *g = dy + (i * conv->t_out + t) * conv->f;
            for (int64_t j = 0; j < conv->k; j++) {
                int64_t s = input_step(conv, t, j);
                for (int64_t p = 0; s >= 0 && p < conv->c; p++) {
                    for (int64_t q = 0; q < conv->f; q++)
                        dx[(i * conv->t_in + s) * conv->c + p] += g[q] * w[(j * conv->c + p) * conv->f + q];
                }
            }
        }
    }
}

void naive_conv_backward_weight(const dcpg_conv *conv, int64_t n, const double *x, const double *dy,
                                double *dw, double *db) {
    memset(dw, 0, (size_t)(conv->k * conv->c * conv->f) * sizeof *dw);
    memset(db, 0, (size_t)conv->f * sizeof *db);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t t = 0; t < conv->t_out; t++) {
            const double *g = dy + (i * conv->t_out + t) * conv->f;
            for (int64_t q = 0; q < conv->f; q++) db[q] += g[q];
            for (int64_t j = 0; j < conv->k; j++) {
                int64_t s = input_step(conv, t, j);
                for (int64_t p = 0; s >= 0 && p < conv->c; p++) {
                    for (int64_t q = 0; q < conv->f; q++)
                        dw[(j * conv->c + p) * conv->f + q] += g[q] * x[(i * conv->t_in + s) * conv->c + p];
                }
            }
        }
    }
}

void naive_one_hot(int64_t count, const uint8_t *codes, double *x) {
    for (int64_t i = 0; i < count; i++) {
        for (int64_t j = 0; j < 4; j++) x[i * 4 + j] = codes[i] == j ? 1.0 : 0.0;
    }
}

/* ---- pooling ---- */

void naive_max_pool_forward(int64_t n, int64_t t, int64_t c, int64_t pool, const double *x, double *y,
                            uint8_t *arg) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t s = 0; s < t / pool; s++) {
            for (int64_t j = 0; j < c; j++) {
                int64_t out = (i * (t / pool) + s) * c + j;
                for (int64_t q = 0; q < pool; q++) {
                    double v = x[(i * t + s * pool + q) * c + j];
                    if (q > 0 && v <= y[out]) continue;
                    y[out] = v;
                    arg[out] = (uint8_t)q;
                }
            }
        }
    }
}

void naive_max_pool_backward(int64_t n, int64_t t, int64_t c, int64_t pool, const uint8_t *arg,
                             const double *dy, double *dx) {
    memset(dx, 0, (size_t)(n * t * c) * sizeof *dx);
    for (int64_t i = 0; i < n; i++) {
        for (int64_t s = 0; s < t / pool; s++) {
            for (int64_t j = 0; j < c; j++) {
                int64_t out = (i * (t / pool) + s) * c + j;
                dx[(i * t + s * pool + arg[out]) * c + j] = dy[out];
            }
        }
    }
}

void naive_mean_forward(int64_t n, int64_t t, int64_t c, const double *x, double *y) {
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < c; j++) {
            double sum = 0.0;
            for (int64_t s = 0; s < t; s++) sum += x[(i * t + s) * c + j];
            y[i * c + j] = sum / (double)t;
        }
    }
}

void naive_mean_backward(int64_t n, int64_t t, int64_t c, const double *dy, double *dx) {
    for (int64_t i = 0; i < n * t; i++) {
        for (int64_t j = 0; j < c; j++) dx[i * c + j] = dy[i / t * c + j] / (double)t;
    }
}

/* ---- activations and normalisation ---- */

static double activate(dcpg_activation kind, double x) {
    switch (kind) {
    case DCPG_RELU:
        return fmax(x, 0.0);
    case DCPG_SIGMOID:
        return 1.0 / (1.0 + exp(-x));
    case DCPG_SCALED_SIGMOID:
        return 0.251 / (1.0 + exp(-x));
    case DCPG_HARD_SIGMOID:
        return fmin(fmax(0.2 * x + 0.5, 0.0), 1.0);
    case DCPG_TANH:
        return tanh(x);
    default:
        return x;
    }
}

void naive_activate(dcpg_activation kind, int64_t rows, int64_t c, const double *x, double *y) {
    for (int64_t i = 0; i < rows; i++) {
        double sum = 0.0;
        for (int64_t j = 0; j < c; j++) {
            y[i * c + j] = kind == DCPG_SOFTMAX ? exp(x[i * c + j]) : activate(kind, x[i * c + j]);
            sum += y[i * c + j];
        }
        for (int64_t j = 0; kind == DCPG_SOFTMAX && j < c; j++) y[i * c + j] /= sum;
    }
}

void naive_bn_forward(int64_t rows, int64_t c, const double *x, const double *gamma, const double *beta,
                      double epsilon, bool relu, double *mean, double *var, double *y) {
    for (int64_t j = 0; j < c; j++) {
        mean[j] = var[j] = 0.0;
        for (int64_t i = 0; i < rows; i++) mean[j] += x[i * c + j] / (double)rows;
        for (int64_t i = 0; i < rows; i++)
            var[j] += (x[i * c + j] - mean[j]) * (x[i * c + j] - mean[j]) / (double)rows;
        for (int64_t i = 0; i < rows; i++) {
            double v = gamma[j] * (x[i * c + j] - mean[j]) / sqrt(var[j] + epsilon) + beta[j];
            y[i * c + j] = relu ? fmax(v, 0.0) : v;
        }
    }
}

/* ---- GRU ---- */

/* One sample's history: arrays [t][u] in the order of computation; s has t + 1 rows, the first one zeros.
 * `inner` is the operand of U_c (r * s) or, with reset_after, the factor of r (s U_c + d_c). */
typedef struct history {
    double *s, *z, *r, *c, *inner;
} history;

static int64_t time_of(const dcpg_gru *gru, int64_t step) {
    return gru->backwards ? gru->t - 1 - step : step;
}

/* sum_l s[l] * r[l][column] */
static double recurrent(const dcpg_gru *gru, const double *s, const double *r, int64_t column) {
    double sum = 0.0;
    for (int64_t l = 0; l < gru->u; l++) sum += s[l] * r[l * 3 * gru->u + column];
    return sum;
}

static double input(const dcpg_gru *gru, const double *x, const double *w, const double *b, int64_t column) {
    double sum = b[column];
    for (int64_t l = 0; l < gru->c; l++) sum += x[l] * w[l * 3 * gru->u + column];
    return sum;
}

/* x: one sample */
static void run(const dcpg_gru *gru, const double *x, const double *w, const double *r, const double *b,
                history h) {
    int64_t u = gru->u;
    const double *d = b + 3 * u;
    for (int64_t l = 0; l < u; l++) h.s[l] = 0.0;
    for (int64_t step = 0; step < gru->t; step++) {
        const double *now = x + time_of(gru, step) * gru->c, *s = h.s + step * u;
        double *z = h.z + step * u, *reset = h.r + step * u, *c = h.c + step * u, *inner = h.inner + step * u;
        for (int64_t l = 0; l < u; l++) {
            z[l] = activate(gru->recurrent_activation, input(gru, now, w, b, l) + recurrent(gru, s, r, l) +
                                                           (gru->reset_after ? d[l] : 0.0));
            reset[l] = activate(gru->recurrent_activation, input(gru, now, w, b, u + l) +
                                                               recurrent(gru, s, r, u + l) +
                                                               (gru->reset_after ? d[u + l] : 0.0));
        }
        for (int64_t l = 0; l < u; l++)
            inner[l] = gru->reset_after ? recurrent(gru, s, r, 2 * u + l) + d[2 * u + l] : reset[l] * s[l];
        for (int64_t l = 0; l < u; l++) {
            c[l] = tanh(input(gru, now, w, b, 2 * u + l) +
                        (gru->reset_after ? reset[l] * inner[l] : recurrent(gru, inner, r, 2 * u + l)));
            h.s[(step + 1) * u + l] = z[l] * s[l] + (1.0 - z[l]) * c[l];
        }
    }
}

static double *open_history(const dcpg_gru *gru, history *h) {
    size_t size = (size_t)(gru->t * gru->u);
    double *all = calloc(5 * size + (size_t)gru->u, sizeof *all);
    if (all == NULL) abort();
    *h = (history){all, all + size + (size_t)gru->u, NULL, NULL, NULL};
    h->r = h->z + size;
    h->c = h->r + size;
    h->inner = h->c + size;
    return all;
}

void naive_gru_forward(const dcpg_gru *gru, int64_t n, const double *x, const double *w, const double *r,
                       const double *b, double *y) {
    history h;
    double *all = open_history(gru, &h);
    for (int64_t i = 0; i < n; i++) {
        run(gru, x + i * gru->t * gru->c, w, r, b, h);
        for (int64_t step = 0; step < gru->t; step++) {
            if (!gru->sequences && step < gru->t - 1) continue;
            double *to = y + (gru->sequences ? i * gru->t + time_of(gru, step) : i) * gru->u;
            memcpy(to, h.s + (step + 1) * gru->u, (size_t)gru->u * sizeof *to);
        }
    }
    free(all);
}

static double slope(dcpg_activation kind, double y) {
    return kind == DCPG_SIGMOID ? y * (1.0 - y) : y > 0.0 && y < 1.0 ? 0.2 : 0.0;
}

/* Adds the gradients that da, the gradient of the pre-activation at `column`, sends to the input;
 * add_recurrent: to the operand of the recurrent kernel. */
static void add_gate(const dcpg_gru *gru, int64_t column, double da, const double *x, const double *w,
                     double *dx, const naive_gru_gradient *out) {
    out->db[column] += da;
    for (int64_t l = 0; l < gru->c; l++) {
        dx[l] += da * w[l * 3 * gru->u + column];
        out->dw[l * 3 * gru->u + column] += da * x[l];
    }
}

static void add_recurrent(const dcpg_gru *gru, int64_t column, double da, const double *s, const double *r,
                          double *ds, const naive_gru_gradient *out) {
    if (gru->reset_after) out->db[3 * gru->u + column] += da;
    for (int64_t l = 0; l < gru->u; l++) {
        ds[l] += da * r[l * 3 * gru->u + column];
        out->dr[l * 3 * gru->u + column] += da * s[l];
    }
}

/* One step of the backward pass: d[u] in the gradient of the new state, out the gradient of the state before
 * it; work[u] is scratch. */
static void step_back(const dcpg_gru *gru, int64_t step, const double *x, const double *w, const double *r,
                      history h, double *d, double *before, double *dx, const naive_gru_gradient *out,
                      double *work) {
    int64_t u = gru->u;
    const double *s = h.s + step * u, *z = h.z + step * u, *reset = h.r + step * u, *c = h.c + step * u,
                 *inner = h.inner + step * u;
    memset(work, 0, (size_t)u * sizeof *work);
    for (int64_t l = 0; l < u; l++) before[l] = d[l] * z[l];
    for (int64_t l = 0; l < u; l++) {
        double da = d[l] * (1.0 - z[l]) * (1.0 - c[l] * c[l]);
        add_gate(gru, 2 * u + l, da, x, w, dx, out);
        if (gru->reset_after) {
            add_recurrent(gru, 2 * u + l, da * reset[l], s, r, before, out);
            work[l] += da * inner[l]; /* gradient of r */
        } else {
            add_recurrent(gru, 2 * u + l, da, inner, r, work, out); /* gradient of r * s */
        }
    }
    for (int64_t l = 0; l < u; l++) {
        double dr = gru->reset_after ? work[l] : work[l] * s[l];
        if (!gru->reset_after) before[l] += work[l] * reset[l];
        double da = dr * slope(gru->recurrent_activation, reset[l]);
        add_gate(gru, u + l, da, x, w, dx, out);
        add_recurrent(gru, u + l, da, s, r, before, out);
        da = d[l] * (s[l] - c[l]) * slope(gru->recurrent_activation, z[l]);
        add_gate(gru, l, da, x, w, dx, out);
        add_recurrent(gru, l, da, s, r, before, out);
    }
    memcpy(d, before, (size_t)u * sizeof *d);
}

void naive_gru_backward(const dcpg_gru *gru, int64_t n, const double *x, const double *w, const double *r,
                        const double *b, const double *dy, naive_gru_gradient *out) {
    int64_t u = gru->u, t = gru->t, c = gru->c;
    history h;
    double *all = open_history(gru, &h), *state = calloc((size_t)(3 * u), sizeof *state);
    if (state == NULL) abort();
    memset(out->dx, 0, (size_t)(n * t * c) * sizeof(double));
    memset(out->dw, 0, (size_t)(c * 3 * u) * sizeof(double));
    memset(out->dr, 0, (size_t)(u * 3 * u) * sizeof(double));
    memset(out->db, 0, (size_t)((gru->reset_after ? 6 : 3) * u) * sizeof(double));
    for (int64_t i = 0; i < n; i++) {
        run(gru, x + i * t * c, w, r, b, h);
        memset(state, 0, (size_t)u * sizeof *state);
        for (int64_t step = t - 1; step >= 0; step--) {
            int64_t row = i * t + time_of(gru, step);
            for (int64_t l = 0; l < u && (gru->sequences || step == t - 1); l++)
                state[l] += dy[(gru->sequences ? row : i) * u + l];
            step_back(gru, step, x + row * c, w, r, h, state, state + u, out->dx + row * c, out,
                      state + 2 * u);
        }
    }
    free(state);
    free(all);
}
