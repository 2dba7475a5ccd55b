/* SPDX-License-Identifier: MIT */
/* The register-blocked product that gemm_direct.c and winograd.c are made of. Fast with AVX-512, correct
 * everywhere. */
#ifndef KERN_MULTIPLY_H
#define KERN_MULTIPLY_H

#include <stdbool.h>
#include <stdint.h>

enum {
    KERN_WIDTH = 32, /* columns of a product */
    KERN_ROWS = 14   /* rows of a block, whose sums are in registers */
};

/* Whether the set of instructions in use has registers for it, AVX-512; level.c. */
bool kern_multiply_pays(void);

/* What to have in the cache next: a line at `at` for every step of the inner sum, moving on by `step` bytes.
 */
typedef struct kern_ahead {
    const char *at;
    int64_t step;
} kern_ahead;

/* c[rows][32] (+)= a[rows][depth] * b[depth][32] for up to KERN_ROWS rows. Element (r, i) of a at a[r * a_row
 * + i * a_step], rows of b and c b_row and c_row apart. An element's bits depend on its own row and column
 * alone. */
void kern_multiply_block(int64_t rows, int64_t depth, const float *a, int64_t a_row, int64_t a_step,
                         const float *b, int64_t b_row, bool add, float *c, int64_t c_row, kern_ahead ahead);

/* The same for any number of rows, in blocks as equal as they can be. */
void kern_multiply_rows(int64_t rows, int64_t depth, const float *a, int64_t a_row, int64_t a_step,
                        const float *b, int64_t b_row, bool add, float *c, int64_t c_row);

#endif
