/* SPDX-License-Identifier: MIT */
/* The register-blocked product of multiply.h. */
#include "kern/multiply.h"
#include "base/number.h"

#include "kern/lanes.h"

/* `rows` is a constant: all of c is in registers, up to 28 of 16 floats. */
KERN_INLINE void multiply(const int rows, int64_t depth, const float *a, int64_t a_row, int64_t a_step,
                          const float *b, int64_t b_row, bool add, float *c, int64_t c_row,
                          kern_ahead ahead) {
    kern_lanes low[KERN_ROWS], high[KERN_ROWS];
    /* One pointer serves three rows by its addressing modes: fourteen pointers would not fit the
     * registers. */
    const float *from[(KERN_ROWS + 2) / 3];
#pragma GCC unroll 5
    for (int g = 0; g < (rows + 2) / 3; g++) from[g] = a + 3 * g * a_row;
#pragma GCC unroll 14
    for (int r = 0; r < rows; r++) low[r] = high[r] = kern_zero();
    for (int64_t i = 0; i < depth; i++, b += b_row) {
        kern_lanes left = kern_load(b), right = kern_load(b + KERN_LANES);
        __builtin_prefetch(ahead.at);
        ahead.at += ahead.step;
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
        float *to = c + r * c_row;
        if (add) low[r] += kern_load(to);
        if (add) high[r] += kern_load(to + KERN_LANES);
        kern_store(to, low[r]);
        kern_store(to + KERN_LANES, high[r]);
    }
}

KERN_VECTOR(, void, dcpg_kern_multiply_block,
            (int64_t rows, int64_t depth, const float *a, int64_t a_row, int64_t a_step, const float *b,
             int64_t b_row, bool add, float *c, int64_t c_row, kern_ahead ahead),
            (rows, depth, a, a_row, a_step, b, b_row, add, c, c_row, ahead)) {
    switch (rows) {
#define CASE(rows)                                                                                           \
    case rows:                                                                                               \
        multiply(rows, depth, a, a_row, a_step, b, b_row, add, c, c_row, ahead);                             \
        break
        CASE(1);
        CASE(2);
        CASE(3);
        CASE(4);
        CASE(5);
        CASE(6);
        CASE(7);
        CASE(8);
        CASE(9);
        CASE(10);
        CASE(11);
        CASE(12);
        CASE(13);
        CASE(14);
#undef CASE
    default:
        break;
    }
}

void dcpg_kern_multiply_rows(int64_t count, int64_t depth, const float *a, int64_t a_row, int64_t a_step,
                             const float *b, int64_t b_row, bool add, float *c, int64_t c_row) {
    int64_t blocks = ceil_div(count, KERN_ROWS);
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = count * block / blocks, end = count * (block + 1) / blocks;
        dcpg_kern_multiply_block(end - first, depth, a + first * a_row, a_row, a_step, b, b_row, add,
                                 c + first * c_row, c_row, (kern_ahead){(const char *)b, 0});
    }
}
