/* SPDX-License-Identifier: MIT */
/* The choice of kernels: offers of processors, agreement of ranks and the reasons given; every instruction
 * set computes correctly. */
#include "check.h"

#include <dcpg/kern.h>
#include <stdio.h>

/* Bits as in kernels.c. */
enum { AVX512 = 1, AVX2 = 2, BASELINE = 4, NATIVE = 8 };
enum { DIRECT = 1, BLIS = 2, REF = 4 };
enum { ZEN4 = 2, SKX = 4, ZEN3 = 8, HASWELL = 16, AUTO = 32, GENERIC = 64, OTHER = 128 };

static const dcpg_kern_offer new_amd = {"amd", {7, 7, ZEN4 | SKX | ZEN3 | HASWELL | GENERIC}, {0}, -1, "1.0"},
                             new_intel = {"intel", {7, 7, SKX | HASWELL | GENERIC}, {0}, -1, "1.0"},
                             avx2_intel = {"h", {6, 6, HASWELL | GENERIC}, {0}, -1, "1.0"},
                             old = {"old", {BASELINE, 6, AUTO | GENERIC}, {0}, -1, "1.0"};

static void agrees(dcpg_kern_offer a, dcpg_kern_offer b, dcpg_kern_offer c, const char *name,
                   const char *why) {
    const dcpg_kern_offer offer[] = {a, b, c};
    dcpg_kern_set set;
    assert_int_equal(dcpg_kern_agree(offer, 3, NULL, &set, NULL), DCPG_OK);
    assert_string_equal(set.name, name);
    assert_string_equal(set.why, why);
}

static void the_best_that_all_have(void **state) {
    (void)state;
    agrees(new_amd, new_amd, new_amd, "vector=avx512 gemm=direct blis=zen4 1.0", "");
    agrees(new_amd, new_intel, new_amd, "vector=avx512 gemm=direct blis=skx 1.0",
           "rank 1 on host intel lacks zen4");
    agrees(new_amd, new_intel, avx2_intel, "vector=avx2 gemm=blis blis=haswell 1.0",
           "rank 2 on host h lacks avx512");
    agrees(old, new_intel, avx2_intel, "vector=baseline gemm=blis blis=generic 1.0",
           "rank 0 on host old lacks avx512");
    agrees(old, old, old, "vector=baseline gemm=blis blis=auto 1.0", "");
}

static dcpg_kern_offer limited(dcpg_kern_offer offer, int part, uint32_t can) {
    offer.can[part] = can;
    offer.asked[part] = true;
    return offer;
}

static void one_rank_is_limited(void **state) {
    (void)state;
    agrees(new_intel, limited(new_intel, 1, BLIS), new_intel, "vector=avx512 gemm=blis blis=skx 1.0",
           "rank 1 on host intel is limited to blis by DCPG_GEMM");
    agrees(limited(new_intel, 1, REF), limited(new_intel, 1, REF), limited(new_intel, 1, REF),
           "vector=avx512 gemm=ref blis=skx 1.0", "");
    agrees(new_intel, new_intel, limited(new_intel, 2, HASWELL), "vector=avx512 gemm=direct blis=haswell 1.0",
           "rank 2 on host intel is limited to haswell by BLIS_ARCH_TYPE");
    dcpg_kern_offer offer[] = {new_intel, limited(new_intel, 1, BLIS), limited(new_amd, 1, DIRECT)};
    dcpg_kern_set set;
    dcpg_err err = {0};
    assert_int_equal(dcpg_kern_agree(offer, 3, NULL, &set, &err), DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "rank 1 on host intel is to use blis (DCPG_GEMM)"));
    assert_non_null(strstr(err.text, "rank 2 on host amd does not"));
    /* BLIS's numbers of sets that we do not know by name must be the same on all ranks */
    for (int r = 0; r < 3; r++) offer[r] = limited(new_intel, 2, OTHER), offer[r].blis_number = 77;
    assert_int_equal(dcpg_kern_agree(offer, 3, NULL, &set, NULL), DCPG_OK);
    offer[2].blis_number = 78;
    assert_int_equal(dcpg_kern_agree(offer, 3, NULL, &set, NULL), DCPG_E_USAGE);
}

/* A resumed run keeps the kernels of its checkpoint, as far as all ranks have them. */
static void those_of_the_checkpoint(void **state) {
    (void)state;
    const dcpg_kern_offer amd[] = {new_amd, new_amd}, mixed[] = {new_amd, avx2_intel};
    dcpg_kern_set set;
    const char *then = "vector=avx2 gemm=blis blis=haswell 1.0";
    assert_int_equal(dcpg_kern_agree(amd, 2, then, &set, NULL), DCPG_OK);
    assert_string_equal(set.name, then);
    then = "vector=avx512 gemm=direct blis=skx 1.0";
    assert_int_equal(dcpg_kern_agree(mixed, 2, then, &set, NULL), DCPG_OK);
    assert_string_equal(set.name, "vector=avx2 gemm=blis blis=haswell 1.0");
    static const char *const nonsense[] = {"", "vector", "vector=", "gemm=vector=avx2 blis",
                                           "vector=neon gemm=\n"};
    for (size_t i = 0; i < sizeof nonsense / sizeof *nonsense; i++) {
        assert_int_equal(dcpg_kern_agree(mixed, 2, nonsense[i], &set, NULL), DCPG_OK);
        assert_non_null(strstr(set.name, "gemm=blis blis=haswell"));
    }
}

static void words_of_the_environment(void **state) {
    (void)state;
    dcpg_kern_offer here, capped;
    dcpg_err err = {0};
    unsetenv("DCPG_ISA");
    assert_int_equal(dcpg_kern_offer_here(NULL, &here, &err), DCPG_OK);
    assert_false(here.asked[0]);
    setenv("DCPG_ISA", "sse9", 1);
    assert_int_equal(dcpg_kern_offer_here(NULL, &capped, &err), DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "sse9"));
    if (here.can[0] != NATIVE) {
        static const char *const words[] = {"avx512", "avx2", "baseline"};
        for (int i = 0; i < 3; i++) {
            setenv("DCPG_ISA", words[i], 1);
            assert_int_equal(dcpg_kern_offer_here(NULL, &capped, NULL), DCPG_OK);
            assert_true(capped.asked[0]);
            assert_int_equal(capped.can[0], here.can[0] & (7u << i));
            if (i > 0) assert_int_equal(capped.can[1] & DIRECT, 0);
        }
    }
    unsetenv("DCPG_ISA");
}

/* Each instruction set on one problem: correct, and with the same bits when chosen again later. */
static void all_sets_compute(void **state) {
    (void)state;
    enum { M = 70, N = 96, K = 130 };
    static const char *const words[] = {"baseline", "avx2", "avx512"};
    array a = noise(M * K, 1), b = noise(K * N, 1), c = zeros(M * N), again = zeros(M * N), y = zeros(M * N);
    for (int64_t i = 0; i < M * N; i++)
        for (int64_t l = 0; l < K; l++) c.d[i] += a.d[i / N * K + l] * b.d[l * N + i % N];
    for (int turn = 0; turn < 6; turn++) {
        dcpg_kern_offer offer;
        dcpg_kern_set set;
        setenv("DCPG_ISA", words[turn % 3], 1);
        if (dcpg_kern_offer_here(NULL, &offer, NULL) != DCPG_OK) skip(); /* a build for one set only */
        assert_int_equal(dcpg_kern_agree(&offer, 1, NULL, &set, NULL), DCPG_OK);
        dcpg_kern_start(&set);
        assert_string_equal(dcpg_kern_name(), set.name);
        dcpg_gemm(M, N, K, (dcpg_mat){a.f, K, 1}, (dcpg_mat){b.f, N, 1}, 0, (dcpg_mat_out){again.f, N, 1});
        assert_close(words[turn % 3], M * N, again.f, c.d, 1e-6);
        dcpg_activate(DCPG_TANH, M, N, again.f, y.f);
        for (int64_t i = 0; i < M * N; i++)
            assert_true(fabs((double)y.f[i] - tanh((double)again.f[i])) < 1e-6);
    }
    unsetenv("DCPG_ISA");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_that_all_have),
        cmocka_unit_test(one_rank_is_limited),
        cmocka_unit_test(those_of_the_checkpoint),
        cmocka_unit_test(words_of_the_environment),
        cmocka_unit_test_setup_teardown(all_sets_compute, start_numbers, end_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
