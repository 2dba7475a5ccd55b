/* SPDX-License-Identifier: MIT */
/* bfloat16: the upper half of a float, 8 bits of mantissa. Sums of gradients travel in it (--grad_comm
 * bf16). */
#ifndef DCPG_BF16_H
#define DCPG_BF16_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* The nearest bfloat16, ties to even, as a float; NaN stays NaN, numbers too large for bfloat16 become
 * infinite. Pure. */
static inline float dcpg_bf16_round(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) & 0xffff0000u;
    bits = x == x ? rounded : 0x7fc00000u;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* Converts floats that are already rounded to bfloat16 (dcpg_bf16_round) to their upper halves and back,
 * x[count] and half[count]. Pure. */
static inline void dcpg_bf16_pack(size_t count, const float *x, uint16_t *half) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, sizeof bits);
        half[i] = (uint16_t)(bits >> 16);
    }
}

static inline void dcpg_bf16_unpack(size_t count, const uint16_t *half, float *x) {
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = (uint32_t)half[i] << 16;
        memcpy(x + i, &bits, sizeof bits);
    }
}

#endif
