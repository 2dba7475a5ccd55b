/* SPDX-License-Identifier: MIT */
/* Convolutions with stride 1 and k >= 3 in Winograd form, along one axis as in Lavin and Gray, "Fast
 * algorithms for convolutional neural networks", CVPR 2016: half the multiplications of a gemm for k = 3 and
 * k = 7, 0.44 to 0.7 of them for other k. The gemm of conv.c is its fallback and its twin.
 *
 * Arrays and results are those of dcpg_conv_* (kern.h); errors are about 1e-6 of the largest value, up to
 * 3.2e-6 for k > 3. With pooling by 2, which exists for k = 3 only, a ReLU and max pooling follow in the same
 * pass: y and arg are [n][t_out / 2][f], and the backward passes take the gradient of that y. */
#ifndef KERN_WINOGRAD_H
#define KERN_WINOGRAD_H

#include <dcpg/kern.h>

/* Whether this form exists for a shape at all (k, stride, channels in multiples of 32); whether it also
 * exists with pooling; whether it is the faster form for the shape on this processor. */
bool dcpg_winograd_exists(const dcpg_conv *conv);
bool dcpg_winograd_pools(const dcpg_conv *conv);
bool dcpg_winograd_pays(const dcpg_conv *conv);

/* arg NULL: no pooling, and a ReLU only if `relu`. */
void dcpg_winograd_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, bool relu, float *y,
                           uint8_t *arg);
/* out: y and arg NULL: not pooled, dy is [n][t_out][f]. */
void dcpg_winograd_backward_input(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                  const dcpg_conv_pooled *out, bool accumulate, float *dx);
/* db may be NULL. */
void dcpg_winograd_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                   const dcpg_conv_pooled *out, float *dw, float *db);
size_t dcpg_winograd_scratch(const dcpg_conv *conv, int64_t n); /* in floats, enough for all three */

#endif
