/* SPDX-License-Identifier: MIT */
/* gemm against its twin, and the property on which everything rests: a row's bits do not depend on the other
 * rows, a column's not on the other columns, and neither on threads. */
#include "check.h"

#include <stdio.h>

typedef struct shape {
    int64_t m, n, k;
} shape;

/* Small and odd shapes, then gemms of the zoo: convolutions, fc forward and gradients, heads, GRU steps. */
static const shape shapes[] = {{1, 1, 1},       {1, 1, 700},    {3, 5, 7},        {17, 33, 65},
                               {31, 1, 64},     {1, 18, 512},   {77, 3, 5},       {244, 256, 384},
                               {128, 18, 512},  {33, 512, 256}, {128, 768, 256},  {16, 512, 100},
                               {300, 64, 128},  {96, 128, 44},  {128, 128, 1952}, {500, 128, 16},
                               {384, 256, 488}, {64, 32, 1000}, {40, 1024, 400},  {29, 1100, 770}};
enum { NB_SHAPE = sizeof shapes / sizeof shapes[0] };

static dcpg_mat mat(const float *p, int64_t rows, int64_t columns, bool transposed) {
    return transposed ? (dcpg_mat){p, 1, rows} : (dcpg_mat){p, columns, 1};
}
static naive_mat twin(const double *p, int64_t rows, int64_t columns, bool transposed) {
    return transposed ? (naive_mat){p, 1, rows} : (naive_mat){p, columns, 1};
}

static void check_twin(void) {
    for (int s = 0; s < NB_SHAPE; s++) {
        for (int form = 0; form < 4; form++) {
            int64_t m = shapes[s].m, n = shapes[s].n, k = shapes[s].k;
            array a = noise(m * k, 1.0), b = noise(k * n, 1.0), c = noise(m * n, 1.0), want = zeros(m * n);
            naive_gemm(m, n, k, twin(a.d, m, k, form & 1), twin(b.d, k, n, form & 2), want.d);
            float *kept = malloc((size_t)(m * n) * sizeof *kept);
            assert_non_null(kept);
            memcpy(kept, c.f, (size_t)(m * n) * sizeof *kept);
            for (int64_t i = 0; i < m * n; i++) c.f[i] = NAN; /* must not be read */
            dcpg_gemm(m, n, k, mat(a.f, m, k, form & 1), mat(b.f, k, n, form & 2), 0.0f,
                      (dcpg_mat_out){c.f, n, 1});
            assert_close("gemm", want.count, c.f, want.d, 2e-6);
            memcpy(c.f, kept, (size_t)(m * n) * sizeof *kept);
            dcpg_gemm(m, n, k, mat(a.f, m, k, form & 1), mat(b.f, k, n, form & 2), 1.0f,
                      (dcpg_mat_out){c.f, n, 1});
            for (int64_t i = 0; i < m * n; i++) want.d[i] += c.d[i];
            assert_close("gemm added", want.count, c.f, want.d, 2e-6);
            free(kept);
            free_arrays();
        }
    }
}

/* Every test of the product itself runs with both fast backends; the direct one is correct on any
 * processor. */
static const char *const fast[] = {"direct", "blis"};

static void test_twin(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dcpg_gemm_start(fast[i], NULL), DCPG_OK);
        check_twin();
    }
}

/* Overlapping rows, and an output with gaps between its rows: as in the convolutions. */
static void check_strides(void) {
    enum { M = 61, N = 20, C = 8, K = 3 * C, LD = 3 * N };
    array a = noise(M * C + K, 1.0), b = noise(K * N, 1.0), c = noise(M * LD, 1.0), want = zeros(M * N);
    naive_gemm(M, N, K, (naive_mat){a.d, C, 1}, (naive_mat){b.d, N, 1}, want.d);
    dcpg_gemm(M, N, K, (dcpg_mat){a.f, C, 1}, (dcpg_mat){b.f, N, 1}, 0.0f, (dcpg_mat_out){c.f + N, LD, 1});
    for (int64_t i = 0; i < M; i++) {
        assert_close("overlapping rows", N, c.f + i * LD + N, want.d + i * N, 1e-6);
        for (int64_t j = 0; j < N; j++)
            assert_true((double)c.f[i * LD + j] == c.d[i * LD + j] &&
                        (double)c.f[i * LD + 2 * N + j] == c.d[i * LD + 2 * N + j]);
    }
}

static void test_strides(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dcpg_gemm_start(fast[i], NULL), DCPG_OK);
        check_strides();
        free_arrays();
    }
}

/* Forms that the direct backend does not read go to BLIS. */
static void test_any_form(void **state) {
    (void)state;
    enum { M = 20, N = 33, K = 18 };
    array a = noise(2 * M * K, 1.0), b = noise(3 * K * N, 1.0), c = zeros(M * N), want = zeros(M * N);
    assert_int_equal(dcpg_gemm_start("direct", NULL), DCPG_OK);
    naive_gemm(M, N, K, (naive_mat){a.d, 2 * K, 2}, (naive_mat){b.d, 3 * N, 3}, want.d);
    dcpg_gemm(M, N, K, (dcpg_mat){a.f, 2 * K, 2}, (dcpg_mat){b.f, 3 * N, 3}, 0.0f, (dcpg_mat_out){c.f, N, 1});
    assert_close("strided rows", M * N, c.f, want.d, 1e-6);
    dcpg_gemm(M, N, K, (dcpg_mat){a.f, 2 * K, 2}, (dcpg_mat){b.f, 3 * N, 3}, 0.0f, (dcpg_mat_out){c.f, 1, M});
    for (int i = 0; i < M; i++)
        for (int j = 0; j < N; j++) assert_true(fabs((double)c.f[j * M + i] - want.d[i * N + j]) < 1e-4);
}

static void test_empty_sum(void **state) {
    (void)state;
    float c[4] = {1.0f, 2.0f, NAN, 4.0f}, nothing = 0.0f;
    dcpg_mat none = {&nothing, 1, 1};
    dcpg_gemm(2, 1, 0, none, none, 1.0f, (dcpg_mat_out){c, 1, 1});
    assert_true(c[0] == 1.0f && c[1] == 2.0f);
    dcpg_gemm(2, 2, 0, none, none, 0.0f, (dcpg_mat_out){c, 2, 1});
    for (int i = 0; i < 4; i++) assert_true(c[i] == 0.0f);
    dcpg_gemm(0, 2, 1, none, none, 0.0f, (dcpg_mat_out){NULL, 2, 1});
}

/* The same product, computed from `cut` rows (or columns) at a time. */
static void check_cuts(shape s, int form, const float *a, const float *b, const float *whole, float *parts) {
    dcpg_mat left = mat(a, s.m, s.k, form & 1), right = mat(b, s.k, s.n, form & 2);
    const int64_t cuts[] = {1, 2, 5, 16, 37, s.m / 2, s.m - 1};
    char what[96];
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        int64_t cut = cuts[i];
        if (cut < 1 || cut >= s.m) continue;
        for (int64_t r = 0; r < s.m; r += cut) {
            int64_t rows = r + cut > s.m ? s.m - r : cut;
            dcpg_gemm(rows, s.n, s.k, (dcpg_mat){left.p + r * left.rs, left.rs, left.cs}, right, 0.0f,
                      (dcpg_mat_out){parts + r * s.n, s.n, 1});
        }
        snprintf(what, sizeof what, "%dx%dx%d form %d, %d rows at a time", (int)s.m, (int)s.n, (int)s.k, form,
                 (int)cut);
        assert_same_bits(what, (size_t)(s.m * s.n), whole, parts);
    }
    for (int64_t cut = 1; cut < s.n; cut = cut * 7 + 1) {
        for (int64_t q = 0; q < s.n; q += cut) {
            int64_t columns = q + cut > s.n ? s.n - q : cut;
            dcpg_gemm(s.m, columns, s.k, left, (dcpg_mat){right.p + q * right.cs, right.rs, right.cs}, 0.0f,
                      (dcpg_mat_out){parts + q, s.n, 1});
        }
        snprintf(what, sizeof what, "%dx%dx%d form %d, %d columns at a time", (int)s.m, (int)s.n, (int)s.k,
                 form, (int)cut);
        assert_same_bits(what, (size_t)(s.m * s.n), whole, parts);
    }
}

static void check_bits(void) {
    for (int s = 0; s < NB_SHAPE; s++) {
        int64_t m = shapes[s].m, n = shapes[s].n, k = shapes[s].k;
        for (int form = 0; form < 4; form++) {
            array a = noise(m * k, 1.0), b = noise(k * n, 1.0), whole = zeros(m * n), parts = zeros(m * n);
            SAME_ON_ANY_THREADS("gemm", m * n, whole.f, (void)0,
                                dcpg_gemm(m, n, k, mat(a.f, m, k, form & 1), mat(b.f, k, n, form & 2), 0.0f,
                                          (dcpg_mat_out){whole.f, n, 1}));
            omp_set_num_threads(1);
            check_cuts(shapes[s], form, a.f, b.f, whole.f, parts.f);
            free_arrays();
        }
    }
}

static void test_bits(void **state) {
    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(dcpg_gemm_start(fast[i], NULL), DCPG_OK);
        check_bits();
    }
}

/* Inside a parallel region every thread has its own gemm. */
static void test_inside_a_region(void **state) {
    (void)state;
    enum { M = 200, N = 96, K = 130 };
    array a = noise(M * K, 1.0), b = noise(K * N, 1.0), whole = zeros(M * N), parts = zeros(M * N);
    dcpg_gemm(M, N, K, mat(a.f, M, K, false), mat(b.f, K, N, false), 0.0f, (dcpg_mat_out){whole.f, N, 1});
#pragma omp parallel for num_threads(3)
    for (int64_t i = 0; i < M; i += 20)
        dcpg_gemm(20, N, K, mat(a.f + i * K, 20, K, false), mat(b.f, K, N, false), 0.0f,
                  (dcpg_mat_out){parts.f + i * N, N, 1});
    assert_same_bits("gemm in a region", M * N, whole.f, parts.f);
}

static void test_reference(void **state) {
    (void)state;
    dcpg_err err = {0};
    assert_int_equal(dcpg_gemm_start("ref", &err), DCPG_OK);
    assert_string_equal(dcpg_gemm_description(), "ref");
    check_twin();
}

static void test_start(void **state) {
    (void)state;
    dcpg_err err = {0};
    assert_int_equal(dcpg_gemm_start("mkl", &err), DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "'mkl'"));
    assert_int_equal(dcpg_gemm_start("", NULL), DCPG_OK);
#if defined(__x86_64__)
    bool direct = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                  __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#else
    bool direct = false;
#endif
    assert_int_equal(strncmp(dcpg_gemm_description(), "direct ", 7) == 0, direct);
    assert_non_null(strstr(dcpg_gemm_description(), "blis "));
    assert_int_equal(setenv("DCPG_GEMM", "blis", 1), 0);
    assert_int_equal(dcpg_gemm_start(NULL, NULL), DCPG_OK);
    assert_memory_equal(dcpg_gemm_description(), "blis ", 5);
    assert_int_equal(setenv("DCPG_GEMM", "no", 1), 0);
    assert_int_equal(dcpg_gemm_start(NULL, NULL), DCPG_E_USAGE);
    assert_int_equal(unsetenv("DCPG_GEMM"), 0);
    print_message("%s\n", dcpg_gemm_description());
#if defined(__x86_64__)
    /* A processor with AVX2 must not run generic code, as BLIS chooses for processors that it does not know
     * by name. */
    if (getenv("BLIS_ARCH_TYPE") == NULL && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        assert_null(strstr(dcpg_gemm_description(), "generic"));
    }
#endif
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_twin),      NUMBERS_TEST(test_strides),
                                       NUMBERS_TEST(test_empty_sum), NUMBERS_TEST(test_any_form),
                                       NUMBERS_TEST(test_bits),      NUMBERS_TEST(test_inside_a_region),
                                       NUMBERS_TEST(test_reference), NUMBERS_TEST(test_start)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
