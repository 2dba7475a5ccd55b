/* SPDX-License-Identifier: MIT */
/* The naive twins: each kernel's formula, computed in double and without regard to speed. Used by the tests
 * and the benchmark. Shapes as in dcpg/kern.h. */
#ifndef NAIVE_H
#define NAIVE_H

#include <dcpg/kern.h>

/* c[m][n] = a[m][k] * b[k][n], elements addressed by row and column strides. */
typedef struct naive_mat {
    const double *p;
    int64_t rs, cs;
} naive_mat;
void naive_gemm(int64_t m, int64_t n, int64_t k, naive_mat a, naive_mat b, double *c);

void naive_conv_forward(const dcpg_conv *conv, int64_t n, const double *x, const double *w, const double *b,
                        bool relu, double *y);
void naive_conv_backward_input(const dcpg_conv *conv, int64_t n, const double *dy, const double *w,
                               double *dx);
void naive_conv_backward_weight(const dcpg_conv *conv, int64_t n, const double *x, const double *dy,
                                double *dw, double *db);
/* x[count][4] one-hot, zeros for N */
void naive_one_hot(int64_t count, const uint8_t *codes, double *x);

void naive_max_pool_forward(int64_t n, int64_t t, int64_t c, int64_t pool, const double *x, double *y,
                            uint8_t *arg);
void naive_max_pool_backward(int64_t n, int64_t t, int64_t c, int64_t pool, const uint8_t *arg,
                             const double *dy, double *dx);
void naive_mean_forward(int64_t n, int64_t t, int64_t c, const double *x, double *y);
void naive_mean_backward(int64_t n, int64_t t, int64_t c, const double *dy, double *dx);

void naive_activate(dcpg_activation kind, int64_t rows, int64_t c, const double *x, double *y);

/* Training mode: mean[c] and var[c] over the rows, then y. */
void naive_bn_forward(int64_t rows, int64_t c, const double *x, const double *gamma, const double *beta,
                      double epsilon, bool relu, double *mean, double *var, double *y);

/* y dense: [n][t][u] or [n][u]. */
void naive_gru_forward(const dcpg_gru *gru, int64_t n, const double *x, const double *w, const double *r,
                       const double *b, double *y);
/* Gradients of sum(dy * y); overwritten, not added to. */
typedef struct naive_gru_gradient {
    double *dx, *dw, *dr, *db;
} naive_gru_gradient;
void naive_gru_backward(const dcpg_gru *gru, int64_t n, const double *x, const double *w, const double *r,
                        const double *b, const double *dy, naive_gru_gradient *out);

#endif
