/* SPDX-License-Identifier: MIT */
/* Kernels of any shape start no new threads: those of the first parallel region last to the end. (A region
 * inside a region of one thread would start new threads every time, and a region that asks for fewer threads
 * would end the others.) */
#define _GNU_SOURCE
#include "check.h"

#include <sys/syscall.h>
#include <unistd.h>

enum { THREADS = 5 };

static void list_threads(long id[THREADS]) {
    omp_set_num_threads(THREADS);
#pragma omp parallel num_threads(THREADS)
    id[omp_get_thread_num()] = syscall(SYS_gettid);
}

#define KEEPS_THREADS(what, call)                                                                            \
    do {                                                                                                     \
        long before_[THREADS], after_[THREADS];                                                              \
        list_threads(before_);                                                                               \
        call;                                                                                                \
        list_threads(after_);                                                                                \
        for (int i_ = 0; i_ < THREADS; i_++)                                                                 \
            if (before_[i_] != after_[i_]) fail_msg("%s starts threads anew", what);                         \
    } while (0)

/* From one sample, which is less than a block, to more samples than threads. */
static const int64_t batches[] = {1, 3, 16, 40};
enum { NB_BATCH = sizeof batches / sizeof batches[0] };

static void test_gemm(void **state) {
    (void)state;
    array a = noise(300 * 64, 1.0), b = noise(64 * 96, 1.0), c = zeros(300 * 96);
    dcpg_mat left = {a.f, 64, 1}, right = {b.f, 96, 1};
    dcpg_mat_out out = {c.f, 96, 1};
    for (int64_t m = 1; m <= 300; m += 23)
        KEEPS_THREADS("gemm", dcpg_gemm(m, 96, 64, left, right, 0.0f, out));
    /* Inside a region of one thread. */
    long before[THREADS], after[THREADS];
    list_threads(before);
#pragma omp parallel if (0)
    dcpg_gemm(300, 96, 64, left, right, 0.0f, out);
    list_threads(after);
    assert_memory_equal(before, after, sizeof before);
}

static void check_conv(int64_t k, int64_t stride, int64_t c, int64_t f, bool same) {
    dcpg_conv conv = {.t_in = 50, .c = c, .f = f, .k = k, .stride = stride, .dilation = 1};
    dcpg_conv_shape(&conv, same);
    for (int i = 0; i < NB_BATCH; i++) {
        int64_t n = batches[i];
        array x = noise(n * conv.t_in * c, 1.0), w = noise(k * c * f, 1.0), b = noise(f, 1.0),
              y = zeros(n * conv.t_out * f);
        float *scratch = zeros((int64_t)dcpg_conv_scratch(&conv, n)).f;
        const dcpg_conv_arrays in = {.n = n, .x = x.f, .w = w.f, .b = b.f, .scratch = scratch};
        KEEPS_THREADS("conv", dcpg_conv_forward(&conv, &in, true, y.f));
        KEEPS_THREADS("conv input gradient", dcpg_conv_backward_input(&conv, &in, y.f, false, x.f));
        KEEPS_THREADS("conv weight gradient", dcpg_conv_backward_weight(&conv, &in, y.f, w.f, b.f));
        free_arrays();
    }
}

static void test_conv(void **state) {
    (void)state;
    check_conv(5, 1, 32, 48, false);
    check_conv(1, 1, 64, 32, true);
    check_conv(3, 2, 32, 32, true);
    check_conv(3, 1, 32, 64, true); /* in Winograd form */
}

static void test_gru(void **state) {
    (void)state;
    dcpg_gru gru = {.t = 4, .c = 64, .u = 128};
    for (int i = 0; i < NB_BATCH; i++) {
        int64_t n = batches[i], u = gru.u, t = gru.t;
        array x = noise(n * t * gru.c, 1.0), w = noise(gru.c * 3 * u, 0.1), r = noise(u * 3 * u, 0.1),
              b = noise(6 * u, 0.1), y = zeros(n * u);
        const dcpg_gru_arrays in = {.n = n,
                                    .x = x.f,
                                    .w = w.f,
                                    .r = r.f,
                                    .b = b.f,
                                    .y_stride = u,
                                    .saved = zeros((int64_t)dcpg_gru_saved(&gru, n)).f,
                                    .scratch = zeros((int64_t)dcpg_gru_scratch(&gru, n)).f};
        const dcpg_gru_gradient out = {.dw = w.f, .dr = r.f, .db = b.f};
        KEEPS_THREADS("gru", dcpg_gru_forward(&gru, &in, y.f));
        KEEPS_THREADS("gru input gradient", dcpg_gru_backward_input(&gru, &in, y.f, false, x.f));
        KEEPS_THREADS("gru weight gradient", dcpg_gru_backward_weight(&gru, &in, 0, n, &out));
        free_arrays();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_gemm), NUMBERS_TEST(test_conv),
                                       NUMBERS_TEST(test_gru)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
