/* SPDX-License-Identifier: MIT */
/* Exact sums: fixed-point numbers made of words with space for carries. */
#include <dcpg/exact.h>
#include <math.h>
#include <string.h>

enum {
    DIGIT = 32,    /* bits of a word that a number fills */
    LOWEST = -160, /* exponent of the lowest bit */
    FRACTION = 52, /* stored bits of a double's mantissa */
    BIAS = 1075,   /* exponent of that mantissa as a whole number */
    MOST = 256     /* exponent of the first power of two that does not fit */
};
static const uint64_t LOW = UINT64_C(0xFFFFFFFF);

void dcpg_exact_add(dcpg_exact *sum, double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int exponent = (int)(bits >> FRACTION) - BIAS, place = exponent - LOWEST;
    uint64_t mantissa = (bits & ((UINT64_C(1) << FRACTION) - 1)) | UINT64_C(1) << FRACTION;
    if (place <= -FRACTION - 1) return; /* among them 0 */
    if (exponent + FRACTION >= MOST) {  /* infinite, NaN and negative numbers, too */
        sum->word[DCPG_EXACT_DIGITS]++;
        return;
    }
    if (place < 0) mantissa >>= -place, place = 0;
    int64_t *word = sum->word + place / DIGIT;
    int shift = place % DIGIT;
    uint64_t high = mantissa >> (DIGIT - shift); /* without the bits that word[0] takes */
    word[0] += (int64_t)((mantissa << shift) & LOW);
    word[1] += (int64_t)(high & LOW);
    word[2] += (int64_t)(high >> DIGIT);
}

void dcpg_exact_merge(dcpg_exact *to, const dcpg_exact *from) {
    for (int i = 0; i < DCPG_EXACT_WORDS; i++) to->word[i] += from->word[i];
}

double dcpg_exact_value(const dcpg_exact *sum) {
    int64_t digit[DCPG_EXACT_DIGITS], carry = 0;
    double value = 0;
    if (sum->word[DCPG_EXACT_DIGITS] > 0) return INFINITY;
    for (int i = 0; i < DCPG_EXACT_DIGITS; i++) {
        carry += sum->word[i];
        digit[i] = carry & (int64_t)LOW;
        carry >>= DIGIT;
    }
    for (int i = 0; i < DCPG_EXACT_DIGITS; i++) value += ldexp((double)digit[i], LOWEST + DIGIT * i);
    return value;
}
