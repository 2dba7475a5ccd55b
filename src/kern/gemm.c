/* SPDX-License-Identifier: MIT */
/* gemm: its interface, the choice of a backend, and threads.
 *
 * Backends compute on the calling thread; this file cuts the product into one block per thread. The cut
 * changes no bits, because a row or a column of the product has the same bits whatever its neighbours are.
 * Threads meet once per gemm. (BLIS's own threads meet many times and spin meanwhile; where cores are shared,
 * that costs a hundred times the product.) */
#include "base/number.h"
#include "kern/gemm_backend.h"
#include "kern/vector.h"

#include <stdio.h>

/* Set once, before any threads start. */
static const dcpg_gemm_backend *chosen;
static char description[320];

void dcpg_kern_gemm_choose(const dcpg_gemm_backend *backend, const char *note) {
    char text[96];
    backend->describe(text, sizeof text);
    snprintf(description, sizeof description, "%s%s", text, note);
    chosen = backend;
}

const char *dcpg_gemm_description(void) { return description; }

/* Multiply-adds that justify another thread, and the multiple to which rows and columns of blocks are
 * rounded. */
enum { WORK = 1 << 16, ROUND = 16 };

/* The first row (or column) of part `part` of `parts`. */
static int64_t cut(int64_t count, int64_t part, int64_t parts) {
    return part == parts ? count : min_i64(round_up(count * part / parts, ROUND), count);
}

/* Rows of the grid of blocks, where rows * columns == threads. Blocks are as square as possible, since each
 * block packs its rows of A and its columns of B. */
static int64_t grid_rows(int64_t m, int64_t n, int64_t threads) {
    int64_t best = 1;
    double least = 0.0;
    for (int64_t rows = 1; rows <= threads; rows++) {
        if (threads % rows != 0) continue;
        double edge = (double)m / (double)rows + (double)n / (double)(threads / rows);
        if (rows == 1 || edge < least) {
            least = edge;
            best = rows;
        }
    }
    return best;
}

void dcpg_gemm(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c) {
    if (m <= 0 || n <= 0) return;
    if (k <= 0) {
        for (int64_t i = 0; beta == 0.0f && i < m; i++) {
            for (int64_t j = 0; j < n; j++) c.p[i * c.rs + j * c.cs] = 0.0f;
        }
        return;
    }
    if (chosen == NULL) {
#pragma omp critical(dcpg_gemm_first)
        if (chosen == NULL) (void)dcpg_gemm_start(NULL, NULL);
    }
    int64_t threads = min_i64(kern_threads(), (int64_t)((double)m * (double)n * (double)k / WORK));
    if (threads <= 1) {
        chosen->gemm(m, n, k, a, b, beta, c);
        return;
    }
    int64_t rows = grid_rows(m, n, threads), columns = threads / rows;
#pragma omp parallel for schedule(static)
    for (int64_t block = 0; block < threads; block++) {
        int64_t i = cut(m, block / columns, rows), i_end = cut(m, block / columns + 1, rows),
                j = cut(n, block % columns, columns), j_end = cut(n, block % columns + 1, columns);
        dcpg_mat a_rows = {a.p + i * a.rs, a.rs, a.cs}, b_columns = {b.p + j * b.cs, b.rs, b.cs};
        if (i < i_end && j < j_end)
            chosen->gemm(i_end - i, j_end - j, k, a_rows, b_columns, beta,
                         (dcpg_mat_out){c.p + i * c.rs + j * c.cs, c.rs, c.cs});
    }
}
