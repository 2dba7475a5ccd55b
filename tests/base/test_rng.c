/* SPDX-License-Identifier: MIT */
/* Random numbers against published vectors, and their moments. */
#include "cmocka_all.h"
#include <dcpg/rng.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* kat_vectors of Random123, philox4x32 with 10 rounds. */
static void philox_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        uint32_t out[4];
        dcpg_philox(known[i].key, known[i].counter, out);
        assert_memory_equal(out, known[i].out, sizeof out);
    }
}

static void stream_is_philox_of_its_counter(void **state) {
    (void)state;
    dcpg_rng rng;
    uint32_t out[4];
    dcpg_rng_start(&rng, 0x0123456789abcdefu, 0xfedcba9876543210u);
    const uint32_t key[2] = {0x89abcdef, 0x01234567};
    for (uint32_t block = 0; block < 3; block++) {
        const uint32_t counter[4] = {block, 0, 0x76543210, 0xfedcba98};
        dcpg_philox(key, counter, out);
        for (int i = 0; i < 4; i++) assert_int_equal(dcpg_rng_u32(&rng), out[i]);
    }
    rng.counter[0] = 0xffffffff; /* the block number carries */
    for (int i = 0; i < 5; i++) dcpg_rng_u32(&rng);
    const uint32_t carried[4] = {0, 1, 0x76543210, 0xfedcba98};
    dcpg_philox(key, carried, out);
    assert_memory_equal(rng.block, out, sizeof out);
}

static void moments(void **state) {
    (void)state;
    enum { N = 200000 };
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, 2);
    double u1 = 0, u2 = 0, n1 = 0, n2 = 0, n4 = 0;
    for (int i = 0; i < N; i++) {
        double u = dcpg_rng_uniform(&rng), n = dcpg_rng_normal(&rng);
        assert_true(u >= 0 && u < 1);
        u1 += u, u2 += u * u;
        n1 += n, n2 += n * n, n4 += n * n * n * n;
    }
    assert_true(fabs(u1 / N - 0.5) < 0.005); /* more than 7 standard errors */
    assert_true(fabs(u2 / N - 1.0 / 3) < 0.005);
    assert_true(fabs(n1 / N) < 0.02);
    assert_true(fabs(n2 / N - 1) < 0.03);
    assert_true(fabs(n4 / N - 3) < 0.2);
}

static void below_is_even(void **state) {
    (void)state;
    dcpg_rng rng;
    dcpg_rng_start(&rng, 7, 0);
    int hits[7] = {0};
    for (int i = 0; i < 70000; i++) {
        uint64_t x = dcpg_rng_below(&rng, 7);
        assert_true(x < 7);
        hits[x]++;
    }
    for (int i = 0; i < 7; i++) assert_in_range(hits[i], 9400, 10600);
    assert_int_equal(dcpg_rng_below(&rng, 1), 0);
    /* Below 3 * 2^62, a plain remainder would hit the lowest third twice as often as the others. */
    int low = 0;
    for (int i = 0; i < 9000; i++) low += dcpg_rng_below(&rng, 3ull << 62) < 1ull << 62;
    assert_in_range(low, 2700, 3300);
}

static void shuffle_is_a_permutation(void **state) {
    (void)state;
    enum { N = 100 };
    int64_t x[N];
    int first[N] = {0};
    dcpg_rng rng;
    dcpg_rng_start(&rng, 3, 4);
    for (int round = 0; round < 20000; round++) {
        for (int i = 0; i < N; i++) x[i] = i;
        dcpg_rng_shuffle(&rng, x, N);
        first[x[0]]++;
        bool seen[N] = {false};
        for (int i = 0; i < N; i++) seen[x[i]] = true;
        for (int i = 0; i < N; i++) assert_true(seen[i]);
    }
    for (int i = 0; i < N; i++) assert_in_range(first[i], 110, 290); /* 200 are expected of each */
    dcpg_rng_shuffle(&rng, x, 0);
}

static void hashes(void **state) {
    (void)state;
    /* Test vectors of Fowler, Noll and Vo. */
    assert_true(dcpg_hash("") == 0xcbf29ce484222325u);
    assert_true(dcpg_hash("a") == 0xaf63dc4c8601ec8cu);
    assert_true(dcpg_hash("foobar") == 0x85944171f73967e8u);
    assert_true(dcpg_mix(1, 2) != dcpg_mix(2, 1));
    assert_true(dcpg_mix(0, 0) != 0);
    /* splitmix64 of seed 0 begins with this number; mix(a, b) applies it to a, then to the result ^ b. */
    assert_true(dcpg_mix(0, 0xe220a8397b1dcdafu) == 0xe220a8397b1dcdafu);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(philox_known_answers),
        cmocka_unit_test(stream_is_philox_of_its_counter),
        cmocka_unit_test(moments),
        cmocka_unit_test(below_is_even),
        cmocka_unit_test(shuffle_is_a_permutation),
        cmocka_unit_test(hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
