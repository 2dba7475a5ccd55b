/* SPDX-License-Identifier: MIT */
/* The register-blocked product of multiply.h. */
#include "kern/multiply.h"
#include "base/number.h"

#include "kern/lanes.h"

/* `rows` is a constant: all of c is in registers, up to 28 of 16 floats. */
KERN_INLINE void multiply(const int rows, const kern_product *product, kern_ahead ahead) {
    const int64_t depth = product->depth, a_row = product->a.rs, a_step = product->a.cs,
                  b_row = product->b.rs, c_row = product->c.rs;
    const float *a = product->a.p, *b = product->b.p;
    const bool add = product->add;
    float *c = product->c.p;
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

KERN_VECTOR(, void, dcpg_kern_multiply_block, (const kern_product *product, kern_ahead ahead),
            (product, ahead)) {
    switch (product->rows) {
#define CASE(rows)                                                                                           \
    case rows:                                                                                               \
        multiply(rows, product, ahead);                                                                      \
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

void dcpg_kern_multiply_rows(const kern_product *product) {
    int64_t count = product->rows, blocks = ceil_div(count, KERN_ROWS);
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = count * block / blocks, end = count * (block + 1) / blocks;
        kern_product part = *product;
        part.rows = end - first;
        part.a.p += first * part.a.rs;
        part.c.p += first * part.c.rs;
        dcpg_kern_multiply_block(&part, (kern_ahead){(const char *)part.b.p, 0});
    }
}
