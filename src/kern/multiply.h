/* SPDX-License-Identifier: MIT */
/* The register-blocked product on which gemm_direct.c and winograd.c are built. Fast with AVX-512, correct
 * everywhere. */
#ifndef KERN_MULTIPLY_H
#define KERN_MULTIPLY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    KERN_WIDTH = 32, /* columns of a product */
    KERN_ROWS = 14   /* most rows of a block; their sums stay in registers */
};

/* Whether the instruction set in use (level.c) has enough registers for it, which is true of AVX-512
 * alone. */
bool dcpg_kern_multiply_pays(void);

/* What to prefetch: the cache line at `at` in the first step of the inner sum, `step` bytes further in every
 * later one. */
typedef struct kern_ahead {
    const char *at;
    int64_t step;
} kern_ahead;

/* c[rows][32] (+)= a[rows][depth] * b[depth][32] for up to KERN_ROWS rows. Element (r, i) of a is a[r * a_row
 * + i * a_step]; rows of b lie b_row apart, rows of c c_row. An element's bits depend on its own row and
 * column alone. */
void dcpg_kern_multiply_block(int64_t rows, int64_t depth, const float *a, int64_t a_row, int64_t a_step,
                              const float *b, int64_t b_row, bool add, float *c, int64_t c_row,
                              kern_ahead ahead);

/* The same for any number of rows, in blocks as equal as possible. */
void dcpg_kern_multiply_rows(int64_t rows, int64_t depth, const float *a, int64_t a_row, int64_t a_step,
                             const float *b, int64_t b_row, bool add, float *c, int64_t c_row);

#endif
