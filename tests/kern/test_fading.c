/* SPDX-License-Identifier: MIT */
/* Sources of subnormal numbers: each leaves some without the flags and none with them. Processors compute
 * tens of times slower with subnormal numbers; as a test cannot measure that on a shared machine, it counts
 * them. */
#include "check.h"

#include <dcpg/subnormals.h>

static int64_t count_subnormals(size_t count, const float *x) {
    int64_t nb = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        nb += (bits & 0x7F800000u) == 0 && (bits & 0x007FFFFFu) != 0;
    }
    return nb;
}

static int64_t count_both(array a, array b) {
    return count_subnormals(a.count, a.f) + count_subnormals(b.count, b.f);
}

/* Fills `out` by `call` without the flags and with them: the first has subnormal numbers, the second has
 * none, and no number differs by more than was flushed. Then checks for the same bits on 1, 2 and 3
 * threads. */
#define FLUSHES(what, out, before, call)                                                                     \
    do {                                                                                                     \
        array plain_ = zeros((int64_t)(out).count);                                                          \
        before;                                                                                              \
        call;                                                                                                \
        memcpy(plain_.f, (out).f, (out).count * sizeof(float));                                              \
        assert_true(count_subnormals((out).count, (out).f) > 0);                                             \
        dcpg_flush_begin();                                                                                  \
        before;                                                                                              \
        call;                                                                                                \
        dcpg_flush_end();                                                                                    \
        assert_int_equal(count_subnormals((out).count, (out).f), 0);                                         \
        for (size_t i_ = 0; i_ < (out).count; i_++)                                                          \
            assert_true(fabs((double)plain_.f[i_] - (double)(out).f[i_]) < 1e-34);                           \
        SAME_ON_ANY_THREADS(                                                                                 \
            what, (out).count, (out).f, before, do {                                                         \
                dcpg_flush_begin();                                                                          \
                call;                                                                                        \
                dcpg_flush_end();                                                                            \
            } while (0));                                                                                    \
    } while (0)

/* A gradient that enters at the last of 200 cells fades on its way back to the first. */
static void gru_of_200_steps(void **state) {
    (void)state;
    const dcpg_gru gru = {.t = 200, .c = 8, .u = 64, .recurrent_activation = DCPG_HARD_SIGMOID};
    const int64_t n = 24;
    array x = noise(n * gru.t * gru.c, 1), w = noise(gru.c * 3 * gru.u, 0.3),
          r = noise(gru.u * 3 * gru.u, 0.05), b = noise(3 * gru.u, 0.1), dy = noise(n * gru.u, 1e-3),
          y = zeros(n * gru.u), dx = zeros(n * gru.t * gru.c),
          saved = zeros((int64_t)dcpg_gru_saved(&gru, n)),
          scratch = zeros((int64_t)dcpg_gru_scratch(&gru, n));
    const dcpg_gru_arrays in = {.n = n,
                                .x = x.f,
                                .w = w.f,
                                .r = r.f,
                                .b = b.f,
                                .y_stride = gru.u,
                                .saved = saved.f,
                                .scratch = scratch.f};
    FLUSHES("GRU", dx, dcpg_gru_forward(&gru, &in, y.f),
            dcpg_gru_backward_input(&gru, &in, dy.f, false, dx.f));
}

/* Moments of weights that had a gradient once and never again. Without the flags the first moment stays
 * forever at the value for which 0.9 m rounds to m. */
static void moments_that_decay(void **state) {
    (void)state;
    const dcpg_adam_step step = {1e-3f, 0.9f, 0.999f, 1e-7f, 0, 0, 1};
    enum { COUNT = 64, STEPS = 100000 };
    array grad = zeros(COUNT), w[2], m[2], v[2];
    for (int flush = 0; flush < 2; flush++) {
        dcpg_rng_start(&random_numbers, 5, 1);
        w[flush] = noise(COUNT, 1), m[flush] = noise(COUNT, 1e-3), v[flush] = zeros(COUNT);
        for (int i = 0; i < COUNT; i++) v[flush].f[i] = 1e-6f;
        if (flush) dcpg_flush_begin();
        for (int i = 0; i < STEPS; i++)
            dcpg_adam_update(&step, COUNT, grad.f, w[flush].f, m[flush].f, v[flush].f);
        if (flush) dcpg_flush_end();
    }
    assert_true(count_subnormals(COUNT, m[0].f) > COUNT / 2);
    assert_true(count_subnormals(COUNT, v[0].f) > COUNT / 2);
    assert_int_equal(count_both(m[1], v[1]), 0);
    assert_same_bits("weights", COUNT, w[0].f, w[1].f);
}

/* Probabilities of a softmax far below its largest, and gradients through it and through a sigmoid. */
static void tails(void **state) {
    (void)state;
    enum { ROWS = 2000, C = 7 };
    static const dcpg_activation kinds[] = {DCPG_SOFTMAX, DCPG_SIGMOID, DCPG_SCALED_SIGMOID};
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
        array x = noise(ROWS * C, 120), y = zeros(ROWS * C), dy = noise(ROWS * C, 1e-2), dx = zeros(ROWS * C);
        dcpg_activate(kinds[k], ROWS, C, x.f, y.f);
        FLUSHES("tail", dx, dcpg_activate(kinds[k], ROWS, C, x.f, y.f),
                dcpg_activate_backward(&(dcpg_activated){kinds[k], ROWS, C, y.f}, dy.f, false, dx.f));
    }
}

/* A channel that is constant except for rounding, normalised: gives no subnormal numbers, with or without the
 * flags, since epsilon keeps its variance up. */
static void constant_channels(void **state) {
    (void)state;
    enum { ROWS = 4096, C = 32 };
    for (int i = 0; i < 3; i++) {
        const float level = i == 0 ? 0.0f : i == 1 ? 0.1f : 1e20f;
        array x = zeros(ROWS * C), y = zeros(ROWS * C), shift = zeros(C), mean = zeros(C), rstd = zeros(C),
              gamma = noise(C, 1), beta = zeros(C);
        double sums[2 * C];
        for (size_t j = 0; j < x.count; j++) x.f[j] = level;
        dcpg_bn_sums(ROWS, C, x.f, shift.f, sums);
        for (int j = 0; j < C; j++) {
            double centre = sums[j] / ROWS, variance = sums[C + j] / ROWS - centre * centre;
            mean.f[j] = (float)centre;
            rstd.f[j] = (float)(1 / sqrt((variance > 0 ? variance : 0) + 1e-3));
        }
        const dcpg_bn bn = {
            .rows = ROWS, .c = C, .x = x.f, .mean = mean.f, .rstd = rstd.f, .gamma = gamma.f, .beta = beta.f};
        dcpg_bn_apply(&bn, y.f);
        assert_int_equal(count_both(y, x), 0);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gru_of_200_steps, start_numbers, end_numbers),
        cmocka_unit_test_setup_teardown(moments_that_decay, start_numbers, end_numbers),
        cmocka_unit_test_setup_teardown(tails, start_numbers, end_numbers),
        cmocka_unit_test_setup_teardown(constant_channels, start_numbers, end_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
