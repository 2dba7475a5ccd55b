/* SPDX-License-Identifier: MIT */
/* Losses against results of NumPy, p clipped in float32:
 *     q = np.clip(p, np.float32(1e-7), np.float32(1 - 1e-7)).astype(float);
 *     -(y * np.log(q) + (1 - y) * np.log1p(-q)) */
#include "check.h"

enum { N = 6, STRIDE = 3 };
static const float p[N] = {0.3f, 0.9f, 0.0f, 1.0f, 0.5f, 0.8f}, y[N] = {0.0f, 1.0f, 1.0f, 0.0f, -1.0f, 0.25f},
                   weight[N] = {0.4f, 0.6f, 1.0f, 1.0f, 1e-7f, 2.0f};

static void spread(float *wide) {
    for (int i = 0; i < N * STRIDE; i++) wide[i] = i % STRIDE == 0 ? p[i / STRIDE] : NAN;
}

static void test_bce(void **state) {
    (void)state;
    const double each[N] = {0.35667496, 0.10536054, 16.11809564, 15.94238515, 0.69314718, 1.26286436};
    const double dp[N] = {2.85714295e-01, -3.33333355e-01, 0.0, 0.0, 3.00000004e-07, 3.43750023};
    float wide[N * STRIDE], out[N * STRIDE] = {0}, one = 1.0f;
    spread(wide);
    for (int i = 0; i < N; i++) {
        assert_true(fabs(dcpg_loss_bce(&(dcpg_loss_column){1, &p[i], 1, &y[i], &one, 1.0f}, NULL) - each[i]) <
                    1e-7);
        dcpg_loss_bce(&(dcpg_loss_column){1, &p[i], 1, &y[i], &weight[i], 0.5f}, out);
        assert_true(fabs((double)out[0] - dp[i]) <= 1e-7 * (fabs(dp[i]) + 1e-7));
    }
    assert_true(fabs(dcpg_loss_bce(&(dcpg_loss_column){N, wide, STRIDE, y, weight, 0.5f}, out) -
                     34.792095902044984) < 1e-6);
    for (int i = 0; i < N; i++)
        assert_true(fabs((double)out[i * STRIDE] - dp[i]) < 1e-7 * (fabs(dp[i]) + 1e-7));
    assert_true(out[1] == 0.0f && out[2] == 0.0f);
}

/* A saturated wrong answer: 1 - 1e-7 in float32 is 1 - 2^-23, and -log(2^-23) = 15.94. */
static void test_saturated(void **state) {
    (void)state;
    float one = 1.0f, zero = 0.0f, dp = 9.0f;
    assert_true(fabs(dcpg_loss_bce(&(dcpg_loss_column){1, &one, 1, &zero, &one, 1.0f}, &dp) -
                     23.0 * log(2.0)) < 1e-9);
    assert_true(dp == 0.0f);
}

static void test_mse(void **state) {
    (void)state;
    const double dp[N] = {1.20000007e-01, -6.00000167e-02, -1.0, 1.0, 1.50000002e-07, 1.10000002};
    float wide[N * STRIDE], out[N * STRIDE] = {0};
    spread(wide);
    assert_true(fabs(dcpg_loss_mse(&(dcpg_loss_column){N, wide, STRIDE, y, weight, 0.5f}, out) -
                     2.6470002577229534) < 1e-9);
    for (int i = 0; i < N; i++)
        assert_true(fabs((double)out[i * STRIDE] - dp[i]) < 1e-7 * (fabs(dp[i]) + 1e-7));
    assert_true(dcpg_loss_mse(&(dcpg_loss_column){N, wide, STRIDE, y, weight, 0.5f}, NULL) > 2.0);
}

static void test_cce(void **state) {
    (void)state;
    const float q[4 * 4] = {0.2f, 0.3f, 0.5f, NAN, 0.7f,  0.2f, 0.1f,  NAN,
                            1.0f, 0.0f, 0.0f, NAN, 0.25f, 0.5f, 0.25f, NAN},
                      label[4] = {2.0f, 0.0f, 1.0f, -1.0f}, w[4] = {1.0f, 0.5f, 2.0f, 1e-7f};
    const double dp[16] = {0.4999999925494195,  0.4999999925494195,  -0.4999999925494195, 0.0,
                           -0.1071428640232404, 0.25000000186264515, 0.25000000186264515};
    float out[16] = {0};
    assert_true(
        fabs(dcpg_loss_cce(&(dcpg_loss_column){4, q, 4, label, w, 0.5f}, 3, out) - 33.10767593958871) < 1e-6);
    for (int i = 0; i < 16; i++)
        assert_true(fabs((double)out[i] - dp[i]) <
                    1e-7); /* a clipped probability and a missing label have no gradient */
    assert_true(fabs(dcpg_loss_cce(&(dcpg_loss_column){1, q, 4, label, w, 1.0f}, 3, NULL) - log(2.0)) < 1e-7);
}

/* Against finite differences, where nothing is clipped. */
typedef struct problem {
    int kind;
    array p;
    float label[4];
} problem;

static double loss(const void *context) {
    const problem *s = context;
    double sum = s->p.d[0] + s->p.d[1] + s->p.d[2], q = s->p.d[0], t = (double)s->label[0];
    switch (s->kind) {
    case 0:
        return -0.3 * (t * log(q) + (1.0 - t) * log(1.0 - q));
    case 1:
        return 0.3 * (q - t) * (q - t);
    default:
        return -0.3 * log(s->p.d[1] / sum);
    }
}

static void test_gradient(void **state) {
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        problem s = {kind, noise(3, 0.1), {kind == 2 ? 1.0f : 0.75f}};
        float weight1 = 0.3f, dp[3] = {0};
        for (int i = 0; i < 3; i++) s.p.d[i] = (double)(s.p.f[i] += 0.4f);
        if (kind == 0) dcpg_loss_bce(&(dcpg_loss_column){1, s.p.f, 3, s.label, &weight1, 1.0f}, dp);
        if (kind == 1) dcpg_loss_mse(&(dcpg_loss_column){1, s.p.f, 3, s.label, &weight1, 1.0f}, dp);
        if (kind == 2) dcpg_loss_cce(&(dcpg_loss_column){1, s.p.f, 3, s.label, &weight1, 1.0f}, 3, dp);
        assert_gradient("loss", 3, dp, s.p.d, loss, &s);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_bce), NUMBERS_TEST(test_saturated),
                                       NUMBERS_TEST(test_mse), NUMBERS_TEST(test_cce),
                                       NUMBERS_TEST(test_gradient)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
