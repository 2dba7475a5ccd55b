/* SPDX-License-Identifier: MIT */
/* Sixteen floats at a time, for kernels that the compiler does not vectorise by itself. To be inlined into
 * functions defined by KERN_VECTOR: one register with AVX-512, several elsewhere. */
#ifndef KERN_LANES_H
#define KERN_LANES_H

#include "kern/vector.h"

#include <stdbool.h>

/* Vectors are never passed between functions: everything here is inlined into its caller. */
#pragma GCC diagnostic ignored "-Wpsabi"

enum { KERN_LANES = 16 };

typedef float kern_lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t kern_ints __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint8_t kern_bytes __attribute__((vector_size(16), aligned(1), may_alias));

KERN_INLINE kern_lanes kern_load(const float *p) { return *(const kern_lanes *)p; }
KERN_INLINE void kern_store(float *p, kern_lanes v) { *(kern_lanes *)p = v; }
KERN_INLINE kern_lanes kern_zero(void) { return (kern_lanes){0}; }
/* v where the mask is -1, 0 where it is 0. */
KERN_INLINE kern_lanes kern_where(kern_ints mask, kern_lanes v) { return (kern_lanes)((kern_ints)v & mask); }
/* a where the mask is -1, b where it is 0. */
KERN_INLINE kern_lanes kern_select(kern_ints mask, kern_lanes a, kern_lanes b) {
    return (kern_lanes)(((kern_ints)a & mask) | ((kern_ints)b & ~mask));
}
/* max(v, 0); a NaN stays NaN. */
KERN_INLINE kern_lanes kern_relu(kern_lanes v) { return kern_where(~(v <= 0.0f), v); }
/* Sixteen bytes as integers. (A conversion of whole vectors would compile to sixteen moves here.) */
KERN_INLINE kern_ints kern_load_bytes(const uint8_t *p) {
    int32_t number[KERN_LANES];
    for (int l = 0; l < KERN_LANES; l++) number[l] = p[l];
    return *(const kern_ints *)number;
}
KERN_INLINE void kern_store_bytes(uint8_t *p, kern_ints v) {
    int32_t number[KERN_LANES];
    *(kern_ints *)number = v;
    for (int l = 0; l < KERN_LANES; l++) p[l] = (uint8_t)number[l];
}

#endif
