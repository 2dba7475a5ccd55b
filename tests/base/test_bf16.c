/* SPDX-License-Identifier: MIT */
/* Rounding to bfloat16 against arithmetic without bit operations, and sums of the tree that round. */
#include "cmocka_all.h"
#include <dcpg/bf16.h>
#include <dcpg/rng.h>
#include <dcpg/tree.h>
#include <float.h>
#include <math.h>

/* Rounds x to 8 bits of mantissa by scaling to whole numbers; for normal numbers. rint rounds halves to
 * even. */
static float rounded(float x) {
    int exponent;
    double fraction = frexp((double)x, &exponent);
    return (float)ldexp(rint(ldexp(fraction, 8)), exponent - 8);
}

static void rounds_to_the_nearest(void **state) {
    (void)state;
    for (uint64_t i = 0; i < 100000; i++) {
        uint32_t bits = (uint32_t)dcpg_mix(i, 5);
        if (i % 3 == 0) bits = (bits & 0xffff0000u) | 0x8000u; /* halfway */
        float x;
        memcpy(&x, &bits, sizeof x);
        if (!isnormal(x) || fabsf(x) > 0.99f * FLT_MAX) continue;
        assert_true(dcpg_bf16_round(x) == rounded(x));
    }
    assert_true(dcpg_bf16_round(0.0f) == 0 && signbit(dcpg_bf16_round(-0.0f)));
    assert_true(isinf(dcpg_bf16_round(INFINITY)) && isinf(dcpg_bf16_round(-FLT_MAX)));
    for (uint32_t bits = 0x7f800001u; bits < 0x7fffffffu; bits += 12345) {
        float x;
        memcpy(&x, &bits, sizeof x);
        assert_true(isnan(dcpg_bf16_round(x)) && isnan(dcpg_bf16_round(-x)));
    }
}

static void survives_packing(void **state) {
    (void)state;
    float x[] = {0, -1.5f, 3e38f, 1e-38f, INFINITY, NAN}, back[6];
    uint16_t half[6];
    for (int i = 0; i < 6; i++) x[i] = dcpg_bf16_round(x[i]);
    dcpg_bf16_pack(6, x, half);
    dcpg_bf16_unpack(6, half, back);
    for (int i = 0; i < 5; i++) assert_true(back[i] == x[i]);
    assert_true(isnan(back[5]));
}

static void leaf(void *context, int leaf, float *out) {
    (void)context;
    for (int i = 0; i < 4; i++) out[i] = (float)(dcpg_mix((uint64_t)leaf, (uint64_t)i) >> 40) * 1e-7f;
}

/* (((0 1) (2 3)) 4) */
static void tree_rounds_every_sum(void **state) {
    (void)state;
    float sum[4], scratch[12], one[5][4];
    dcpg_tree_sum_bf16((dcpg_node){0, 5}, 4, leaf, NULL, sum, scratch);
    for (int v = 0; v < 5; v++) leaf(NULL, v, one[v]);
    for (int i = 0; i < 4; i++) {
        float pair = rounded(rounded(one[0][i]) + rounded(one[1][i])),
              other = rounded(rounded(one[2][i]) + rounded(one[3][i]));
        assert_true(sum[i] == rounded(rounded(pair + other) + rounded(one[4][i])));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(rounds_to_the_nearest),
                                       cmocka_unit_test(survives_packing),
                                       cmocka_unit_test(tree_rounds_every_sum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
