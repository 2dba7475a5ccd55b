/* SPDX-License-Identifier: MIT */
/* Three steps of Adam with regularisation, against results of NumPy:
 *     g += l1 * sign(w) + 2 * l2 * w; m = b1 * m + (1 - b1) * g; v = b2 * v + (1 - b2) * g * g;
 *     w -= lr * sqrt(1 - b2**t) / (1 - b1**t) * m / (sqrt(v) + 1e-7) */
#include "check.h"

static void test_steps(void **state) {
    (void)state;
    const float grad[3][4] = {
        {0.1f, -0.2f, 0.3f, 0.0f}, {0.05f, 0.2f, -0.1f, 1.0f}, {-0.3f, 0.1f, 0.2f, -2.0f}};
    const double want[3][4] = {
        {0.4990000307007823, -0.24900001565459484, -0.0009999894591855762, 1.499000451549962},
        {0.49806371287065926, -0.2490426549419175, -0.001397439209670237, 1.4982516796582015},
        {0.498396146717258, -0.24928307105358224, -0.0019976875150507795, 1.498560977085243}};
    const double want_m[4] = {-0.01658813450379945, 0.011258742932387576, 0.03510908102811082,
                              -0.10810405916557873},
                 want_v[4] = {0.00010160716074019385, 8.94935617844012e-05, 0.00013961047150749892,
                              0.004985152684023458};
    float w[4] = {0.5f, -0.25f, 0.0f, 1.5f}, m[4] = {0}, v[4] = {0};
    for (int t = 1; t <= 3; t++) {
        dcpg_adam_step step = {.rate = (float)(1e-3 * sqrt(1.0 - pow(0.999, t)) / (1.0 - pow(0.9, t))),
                               .beta1 = 0.9f,
                               .beta2 = 0.999f,
                               .epsilon = 1e-7f,
                               .l1 = 1e-3f,
                               .l2 = 2e-3f,
                               .scale = 1};
        dcpg_adam_update(&step, 4, grad[t - 1], w, m, v);
        for (int i = 0; i < 4; i++) assert_true(fabs((double)w[i] - want[t - 1][i]) < 2e-7);
    }
    for (int i = 0; i < 4; i++) {
        assert_true(fabs((double)m[i] - want_m[i]) < 1e-7);
        assert_true(fabs((double)v[i] - want_v[i]) <
                    1e-4 * want_v[i]); /* 1 - 0.999f is off by 5e-5 of itself */
    }
}

static void test_bits(void **state) {
    (void)state;
    enum { COUNT = 50021 };
    array grad = noise(COUNT, 1.0), w = noise(COUNT, 1.0), m = noise(COUNT, 1.0), v = noise(COUNT, 1.0),
          w0 = zeros(COUNT), m0 = zeros(COUNT), v0 = zeros(COUNT);
    for (int i = 0; i < COUNT; i++) v.f[i] = fabsf(v.f[i]);
    dcpg_adam_step step = {1e-3f, 0.9f, 0.999f, 1e-7f, 1e-4f, 1e-4f, 1};
    SAME_ON_ANY_THREADS("update", COUNT, w0.f,
                        (memcpy(w0.f, w.f, COUNT * sizeof(float)), memcpy(m0.f, m.f, COUNT * sizeof(float)),
                         memcpy(v0.f, v.f, COUNT * sizeof(float))),
                        dcpg_adam_update(&step, COUNT, grad.f, w0.f, m0.f, v0.f));
}

static void test_norms(void **state) {
    (void)state;
    const int64_t counts[] = {0, 1, 15, 63, 64, 1000, 100003};
    for (size_t s = 0; s < sizeof counts / sizeof counts[0]; s++) {
        array w = noise(counts[s], 2.0);
        double sum_abs = 0.0, sum_square = 0.0, got[2];
        for (size_t i = 0; i < w.count; i++) {
            sum_abs += fabs(w.d[i]);
            sum_square += w.d[i] * w.d[i];
        }
        SAME_ON_ANY_THREADS("norms", 4, (float *)got, (void)0, dcpg_norms(w.count, w.f, &got[0], &got[1]));
        assert_true(fabs(got[0] - sum_abs) <= 1e-12 * sum_abs &&
                    fabs(got[1] - sum_square) <= 1e-12 * sum_square);
        free_arrays();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_steps), NUMBERS_TEST(test_bits),
                                       NUMBERS_TEST(test_norms)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
