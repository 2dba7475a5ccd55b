/* SPDX-License-Identifier: MIT */
/* The register-blocked product on which gemm_direct.c and winograd.c are built. Fast with AVX-512, correct
 * everywhere. */
#ifndef KERN_MULTIPLY_H
#define KERN_MULTIPLY_H

#include <dcpg/kern.h>
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

/* c[rows][32] (+)= a[rows][depth] * b[depth][32]; b and c have column stride 1. An element's bits depend on
 * its own row and column alone. */
typedef struct kern_product {
    int64_t rows, depth;
    dcpg_mat a, b;
    bool add;
    dcpg_mat_out c;
} kern_product;

/* Up to KERN_ROWS rows. */
void dcpg_kern_multiply_block(const kern_product *product, kern_ahead ahead);

/* Any number of rows, in blocks as equal as possible. */
void dcpg_kern_multiply_rows(const kern_product *product);

#endif
