/* Sixteen floats at a time, for kernels that the compiler would not vectorise by itself, and their register-blocked product. To be inlined into functions marked
 * KERN_VECTOR: one register with AVX-512, several elsewhere. */
#ifndef KERN_LANES_H
#define KERN_LANES_H

#include "kern/vector.h"

#include <stdbool.h>

/* Vectors are never passed: every function here becomes part of its caller. */
#pragma GCC diagnostic ignored "-Wpsabi"

enum { KERN_LANES = 16, KERN_WIDTH = 2 * KERN_LANES, KERN_ROWS = 14 };

typedef float kern_lanes __attribute__((vector_size(64), aligned(4), may_alias));
typedef int32_t kern_ints __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint8_t kern_bytes __attribute__((vector_size(16), aligned(1), may_alias));

KERN_INLINE kern_lanes kern_load(const float *p) { return *(const kern_lanes *)p; }
KERN_INLINE void kern_store(float *p, kern_lanes v) { *(kern_lanes *)p = v; }
KERN_INLINE kern_lanes kern_zero(void) { return (kern_lanes){0}; }
/* v where the mask is -1, 0 where it is 0. */
KERN_INLINE kern_lanes kern_where(kern_ints mask, kern_lanes v) { return (kern_lanes)((kern_ints)v & mask); }
/* a where the mask is -1, b where it is 0. */
KERN_INLINE kern_lanes kern_select(kern_ints mask, kern_lanes a, kern_lanes b) { return (kern_lanes)(((kern_ints)a & mask) | ((kern_ints)b & ~mask)); }
/* max(v, 0); a NaN stays. */
KERN_INLINE kern_lanes kern_relu(kern_lanes v) { return kern_where(~(v <= 0.0f), v); }
/* Sixteen bytes as numbers. */
KERN_INLINE kern_ints kern_load_bytes(const uint8_t *p) { return __builtin_convertvector(*(const kern_bytes *)p, kern_ints); }
KERN_INLINE void kern_store_bytes(uint8_t *p, kern_ints v) { *(kern_bytes *)p = __builtin_convertvector(v, kern_bytes); }

/* c[rows][32] (+)= a[rows][depth] * b[depth][32] with all of c in registers. Element (r, i) of a at a[r * a_row + i * a_step]; `rows` is a constant of at most KERN_ROWS. */
KERN_INLINE void kern_multiply(const int rows, int64_t depth, const float *a, int64_t a_row, int64_t a_step, const float *b, int64_t b_step, float *c, int64_t c_row) {
    kern_lanes low[KERN_ROWS], high[KERN_ROWS];
    /* Three rows by one pointer and its addressing modes: fourteen pointers would not fit the registers. */
    const float *from[(KERN_ROWS + 2) / 3];
#pragma GCC unroll 5
    for (int g = 0; g < (rows + 2) / 3; g++) from[g] = a + 3 * g * a_row;
#pragma GCC unroll 14
    for (int r = 0; r < rows; r++) low[r] = high[r] = kern_zero();
    for (int64_t i = 0; i < depth; i++, b += b_step) {
        kern_lanes left = kern_load(b), right = kern_load(b + KERN_LANES);
#pragma GCC unroll 14
        for (int r = 0; r < rows; r++) {
            float x = from[r / 3][r % 3 * a_row];
            low[r] += x * left;
            high[r] += x * right;
        }
#pragma GCC unroll 5
        for (int g = 0; g < (rows + 2) / 3; g++) from[g] += a_step;
    }
#pragma GCC unroll 14
    for (int r = 0; r < rows; r++) {
        kern_store(c + r * c_row, low[r]);
        kern_store(c + r * c_row + KERN_LANES, high[r]);
    }
}

#endif
