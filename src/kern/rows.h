/* SPDX-License-Identifier: MIT */
/* Passes over matrices of rows that several kernels use. */
#ifndef KERN_ROWS_H
#define KERN_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* How a product becomes an output. */
typedef struct kern_finish {
    const float *b;  /* bias; NULL: none */
    bool relu;       /* after the bias */
    bool accumulate; /* add to the output, without bias and ReLU */
} kern_finish;

/* dst[rows][f] (+)= src + b, then ReLU, as `end` says. src and dst may be the same array. Row strides are f.
 * Not threaded: callers cut the work. */
void dcpg_rows_finish(int64_t rows, int64_t f, const float *src, const kern_finish *end, float *dst);

/* sums[f] = column sums of x[rows][f] with row stride ld, in a fixed order. Threaded over blocks of
 * columns. */
void dcpg_rows_sum(int64_t rows, int64_t f, const float *x, int64_t ld, float *sums);

#endif
