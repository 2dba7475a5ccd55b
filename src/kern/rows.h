/* SPDX-License-Identifier: MIT */
/* Passes over matrices of rows that several kernels use. */
#ifndef KERN_ROWS_H
#define KERN_ROWS_H

#include <stdbool.h>
#include <stdint.h>

/* dst[rows][f] (+)= src + b, then ReLU if `relu`; with accumulate dst += src alone. b NULL: no bias; src and
 * dst may be the same array. Row strides are f. Not threaded: callers cut the work. */
void dcpg_rows_finish(int64_t rows, int64_t f, const float *src, const float *b, bool relu, bool accumulate,
                      float *dst);

/* sums[f] = column sums of x[rows][f] with row stride ld, in a fixed order. Threaded over blocks of
 * columns. */
void dcpg_rows_sum(int64_t rows, int64_t f, const float *x, int64_t ld, float *sums);

#endif
