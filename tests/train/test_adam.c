/* SPDX-License-Identifier: MIT */
/* Adam against its formula in double precision, with penalties, frozen parameters and strided heads. */
#include "cmocka_all.h"

#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/train.h>
#include <math.h>

enum { COUNT = 40, STEPS = 5 };

/* As much of a net as the optimiser uses: a penalised kernel, a frozen bias, and two heads that are columns
 * of one matrix [6][2], the second one frozen. */
static dcpg_param directory[] = {
    {.weight = {.name = "kernel", .penalised = true},
     .offset = 0,
     .size = 20,
     .row = 20,
     .stride = 20,
     .l1 = 0.01f,
     .l2 = 0.02f,
     .trainable = true},
    {.weight = {.name = "bias"}, .offset = 20, .size = 8, .row = 8, .stride = 8, .trainable = false},
    {.weight = {.name = "kernel"}, .offset = 28, .size = 6, .row = 1, .stride = 2, .trainable = true},
    {.weight = {.name = "kernel"}, .offset = 29, .size = 6, .row = 1, .stride = 2, .trainable = false},
    {.weight = {.name = "moving_mean", .state = true}, .offset = COUNT, .size = 4, .row = 4, .stride = 4},
};

static bool is_trained(int i) { return i < 20 || (i >= 28 && i % 2 == 0); }

static double gradient(int i, int step) { return sin(i + 1.0) * (1 + 0.5 * step) + 0.1 * step; }

/* Kingma and Ba, with the correction in the rate, as documented, in double precision. */
static void expect(double *w, double rate) {
    double m[COUNT] = {0}, v[COUNT] = {0};
    for (int t = 1; t <= STEPS; t++)
        for (int i = 0; i < COUNT; i++) {
            if (!is_trained(i)) continue;
            double g = gradient(i, t);
            if (i < 20) g += 0.01 * (w[i] > 0 ? 1 : w[i] < 0 ? -1 : 0) + 2 * 0.02 * w[i];
            m[i] = 0.9 * m[i] + 0.1 * g;
            v[i] = 0.999 * v[i] + 0.001 * g * g;
            w[i] -= rate * sqrt(1 - pow(0.999, t)) / (1 - pow(0.9, t)) * m[i] / (sqrt(v[i]) + 1e-7);
        }
}

static void adam_follows_its_formula(void **state) {
    (void)state;
    dcpg_net net = {
        .nb_trained = COUNT, .nb_param = sizeof directory / sizeof *directory, .param = directory};
    dcpg_adam *adam = NULL;
    dcpg_err err = {0};
    assert_int_equal(dcpg_adam_new(&net, &(dcpg_slices){COUNT, COUNT, 0, 1}, NULL, &adam, &err), DCPG_OK);
    float w[COUNT], grads[COUNT];
    double expected[COUNT], before[COUNT];
    for (int i = 0; i < COUNT; i++) before[i] = expected[i] = w[i] = (float)cos(3.0 * i) * (i % 7 ? 1 : 0);
    for (int t = 1; t <= STEPS; t++) {
        for (int i = 0; i < COUNT; i++) grads[i] = (float)gradient(i, t);
        dcpg_adam_apply_all(adam, NULL, 0.01, grads, w);
    }
    expect(expected, 0.01);
    for (int i = 0; i < COUNT; i++) {
        if (!is_trained(i)) assert_true(w[i] == (float)before[i]);
        assert_true(fabs(w[i] - expected[i]) < 2e-6);
    }
    assert_int_equal(adam->t, STEPS);
    dcpg_adam_free(adam);
}

/* Ranks that update only their slices together give the same bits as one rank; each has moments for its own
 * slices only. */
static void shards_are_the_whole(void **state) {
    (void)state;
    const dcpg_net net = {
        .nb_trained = COUNT, .nb_param = sizeof directory / sizeof *directory, .param = directory};
    for (int size = 2; size <= 4; size++)
        for (size_t block = 16; block <= 64; block *= 2) {
            dcpg_adam *one = NULL, *own[4];
            size_t count = 0;
            assert_int_equal(dcpg_adam_new(&net, &(dcpg_slices){COUNT, COUNT, 0, 1}, NULL, &one, NULL),
                             DCPG_OK);
            for (int r = 0; r < size; r++) {
                assert_int_equal(
                    dcpg_adam_new(&net, &(dcpg_slices){COUNT, block, r, size}, NULL, &own[r], NULL), DCPG_OK);
                count += own[r]->count;
            }
            assert_int_equal(count, COUNT);
            float w[COUNT], shared[COUNT], grads[COUNT];
            for (int i = 0; i < COUNT; i++) shared[i] = w[i] = (float)cos(3.0 * i);
            for (int t = 1; t <= STEPS; t++) {
                for (int i = 0; i < COUNT; i++) grads[i] = (float)gradient(i, t);
                assert_true(dcpg_adam_apply_all(one, NULL, 0.01, grads, w));
                for (int r = 0; r < size; r++)
                    assert_true(dcpg_adam_apply_all(own[r], NULL, 0.01, grads, shared));
            }
            assert_memory_equal(shared, w, sizeof w);
            dcpg_adam_free(one);
            for (int r = 0; r < size; r++) dcpg_adam_free(own[r]);
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(adam_follows_its_formula),
                                       cmocka_unit_test(shards_are_the_whole)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
