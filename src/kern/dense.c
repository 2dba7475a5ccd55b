/* SPDX-License-Identifier: MIT */
/* Fully connected layers: a gemm, then a pass for bias and ReLU. */
#include "base/number.h"
#include "kern/rows.h"
#include "kern/vector.h"

#include <dcpg/kern.h>

enum { ROWS = 16 };

void dcpg_dense_forward(const dcpg_dense *dense, const float *x, const float *w, const float *b, bool relu,
                        float *y) {
    int64_t n = dense->n, c = dense->c, f = dense->f;
    const kern_finish end = {.b = b, .relu = relu};
    dcpg_gemm(n, f, c, (dcpg_mat){x, c, 1}, (dcpg_mat){w, f, 1}, 0.0f, (dcpg_mat_out){y, f, 1});
#pragma omp parallel for schedule(static) if (n * f > KERN_SMALL)
    for (int64_t i = 0; i < n; i += ROWS)
        dcpg_rows_finish(min_i64(ROWS, n - i), f, y + i * f, &end, y + i * f);
}

void dcpg_dense_backward_input(const dcpg_dense *dense, const float *dy, const float *w, bool accumulate,
                               float *dx) {
    int64_t n = dense->n, c = dense->c, f = dense->f;
    dcpg_gemm(n, c, f, (dcpg_mat){dy, f, 1}, (dcpg_mat){w, 1, f}, accumulate ? 1.0f : 0.0f,
              (dcpg_mat_out){dx, c, 1});
}

void dcpg_dense_backward_weight(const dcpg_dense *dense, const float *x, const float *dy, float *dw,
                                float *db) {
    int64_t n = dense->n, c = dense->c, f = dense->f;
    dcpg_gemm(c, f, n, (dcpg_mat){x, 1, c}, (dcpg_mat){dy, f, 1}, 0.0f, (dcpg_mat_out){dw, f, 1});
    dcpg_rows_sum(n, f, dy, f, db);
}
