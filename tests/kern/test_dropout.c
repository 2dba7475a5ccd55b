/* SPDX-License-Identifier: MIT */
/* Dropout's mask is Philox's, independent of how samples are divided into calls. */
#include "check.h"

static void test_mask(void **state) {
    (void)state;
    enum { N = 37, C = 501 };
    const float rate = 0.3f;
    const uint64_t key = 0x123456789abcdef0u;
    array x = noise(N * C, 1.0), y = zeros(N * C), y1 = zeros(N * C);
    int64_t id[N];
    for (int64_t i = 0; i < N; i++) id[i] = i * i + ((int64_t)i << 33);
    const dcpg_mask all = {.n = N, .c = C, .rate = rate, .key = key, .id = id};
    SAME_ON_ANY_THREADS("dropout", N * C, y.f, (void)0, dcpg_dropout(&all, x.f, y.f));
    int64_t kept = 0;
    for (int64_t i = 0; i < N; i++) {
        const dcpg_mask one = {.n = 1, .c = C, .rate = rate, .key = key, .id = id + i};
        dcpg_dropout(&one, x.f + i * C, y1.f + i * C);
        for (int64_t j = 0; j < C; j++) {
            uint32_t words[2] = {0x9abcdef0u, 0x12345678u},
                     counter[4] = {(uint32_t)(j / 4), 0, (uint32_t)id[i], (uint32_t)(id[i] >> 32)}, out[4];
            dcpg_philox(words, counter, out);
            bool keep = out[j % 4] >= (uint32_t)((double)rate * 4294967296.0);
            y.d[i * C + j] = keep ? x.d[i * C + j] / 0.7 : 0.0;
            kept += keep;
        }
    }
    assert_close("dropout", N * C, y.f, y.d, 1e-6);
    assert_same_bits("sample by sample", N * C, y.f, y1.f);
    assert_true(fabs((double)kept / (N * C) - 0.7) < 0.02);
}

static void test_rates(void **state) {
    (void)state;
    enum { C = 100 };
    array x = noise(C, 1.0), y = noise(C, 1.0);
    int64_t id = 3;
    dcpg_mask mask = {.n = 1, .c = C, .rate = 0, .key = 1, .id = &id};
    dcpg_dropout(&mask, x.f, y.f);
    assert_same_bits("rate 0", C, x.f, y.f);
    memcpy(y.f, x.f, C * sizeof(float));
    mask.rate = 0.5f;
    dcpg_dropout(&mask, y.f, y.f); /* in place */
    dcpg_dropout(&mask, x.f, x.f);
    assert_same_bits("the same mask again", C, x.f, y.f);
    mask.rate = 1;
    dcpg_dropout(&mask, x.f, y.f);
    for (int i = 0; i < C; i++) assert_true(y.f[i] == 0.0f);
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_mask), NUMBERS_TEST(test_rates)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
