/* SPDX-License-Identifier: MIT */
/* The learning rate from step to step: scaling to the batch, warm-up, decay. */
#include "cmocka_all.h"

#include <dcpg/train.h>
#include <math.h>

static bool near(double a, double b) { return fabs(a - b) <= 1e-14 * fabs(b); }

static void deepcpg_by_default(void **state) {
    (void)state;
    const dcpg_learning_rate r = {.rate = 1e-4, .decay = 0.975, .base_batch = 128, .batch = 4096};
    for (int64_t epoch = 0; epoch < 5; epoch++)
        assert_true(dcpg_learning_rate_at(&r, epoch, 100 * epoch) == 1e-4 * pow(0.975, (double)epoch));
}

static void scales_with_the_batch(void **state) {
    (void)state;
    dcpg_learning_rate r = {.rate = 1e-4, .decay = 1, .base_batch = 128, .batch = 1024};
    assert_true(dcpg_learning_rate_scale(&r) == 1);
    r.scaling = DCPG_LR_LINEAR;
    assert_true(dcpg_learning_rate_scale(&r) == 8 && near(dcpg_learning_rate_at(&r, 0, 0), 8e-4));
    r.scaling = DCPG_LR_SQRT;
    assert_true(near(dcpg_learning_rate_at(&r, 0, 0), 1e-4 * sqrt(8)));
    r.batch = 32;
    assert_true(near(dcpg_learning_rate_at(&r, 0, 0), 0.5e-4));
    r.base_batch = 8;
    assert_true(near(dcpg_learning_rate_at(&r, 0, 0), 2e-4));
}

static void warms_up(void **state) {
    (void)state;
    const dcpg_learning_rate r = {.rate = 1e-3,
                                  .decay = 0.5,
                                  .scaling = DCPG_LR_LINEAR,
                                  .base_batch = 128,
                                  .batch = 512,
                                  .warmup_steps = 10};
    for (int64_t step = 0; step < 30; step++) {
        int64_t epoch = step / 5;
        double full = 4e-3 * pow(0.5, (double)epoch),
               want = step < 10 ? full * (double)(step + 1) / 10 : full;
        assert_true(near(dcpg_learning_rate_at(&r, epoch, step), want));
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(deepcpg_by_default),
                                       cmocka_unit_test(scales_with_the_batch), cmocka_unit_test(warms_up)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
