/* SPDX-License-Identifier: MIT */
/* gemm's reference for tests: sums in double, in order. */
#include "kern/gemm_backend.h"

#include <stdio.h>

static void describe(char *text, size_t size) { snprintf(text, size, "ref"); }

static void gemm(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c) {
    for (int64_t i = 0; i < m; i++) {
        for (int64_t j = 0; j < n; j++) {
            float *out = c.p + i * c.rs + j * c.cs;
            double sum = beta == 0.0f ? 0.0 : (double)*out;
            for (int64_t l = 0; l < k; l++)
                sum += (double)a.p[i * a.rs + l * a.cs] * (double)b.p[l * b.rs + j * b.cs];
            *out = (float)sum;
        }
    }
}

const dcpg_gemm_backend dcpg_gemm_ref = {"ref", describe, gemm};
