/* SPDX-License-Identifier: MIT */
/* Activations over their whole range, sums, copies. */
#include "check.h"

static const dcpg_activation kinds[] = {DCPG_LINEAR, DCPG_RELU,    DCPG_SIGMOID,       DCPG_HARD_SIGMOID,
                                        DCPG_TANH,   DCPG_SOFTMAX, DCPG_SCALED_SIGMOID};
enum { NB_KIND = sizeof kinds / sizeof kinds[0] };

/* Relative error of every value, including tiny ones. */
static void test_accuracy(void **state) {
    (void)state;
    enum { COUNT = 40001 };
    array x = zeros(COUNT), y = zeros(COUNT);
    for (int i = 0; i < COUNT; i++) x.d[i] = (double)(x.f[i] = (float)(i - COUNT / 2) * 0.004f);
    for (int kind = 0; kind < NB_KIND; kind++) {
        if (kinds[kind] == DCPG_SOFTMAX) continue;
        dcpg_activate(kinds[kind], 1, COUNT, x.f, y.f);
        naive_activate(kinds[kind], 1, COUNT, x.d, y.d);
        for (int i = 0; i < COUNT; i++) {
            if (kinds[kind] == DCPG_HARD_SIGMOID)
                assert_true(fabs((double)y.f[i] - y.d[i]) < 1e-7);
            else if (!(fabs((double)y.f[i] - y.d[i]) <= 4e-7 * fabs(y.d[i])))
                fail_msg("activation %d of %g: %.9g instead of %.9g", kind, x.d[i], (double)y.f[i], y.d[i]);
        }
    }
}

static void test_extremes(void **state) {
    (void)state;
    float x[5] = {-1e30f, -200.0f, 0.0f, 200.0f, 1e30f}, y[5];
    dcpg_activate(DCPG_SIGMOID, 1, 5, x, y);
    assert_true(y[0] >= 0.0f && y[0] < 1e-37f && y[1] < 1e-37f && y[2] == 0.5f && y[3] == 1.0f &&
                y[4] == 1.0f);
    dcpg_activate(DCPG_TANH, 1, 5, x, y);
    assert_true(y[0] == -1.0f && y[1] == -1.0f && y[2] == 0.0f && y[3] == 1.0f && y[4] == 1.0f);
    dcpg_activate(DCPG_SOFTMAX, 1, 5, x, y);
    assert_true(y[4] == 1.0f && y[0] < 1e-37f);
    float nan[1] = {NAN};
    dcpg_activate(DCPG_RELU, 1, 1, nan, y);
    assert_true(isnan(y[0]));
}

typedef struct problem {
    dcpg_activation kind;
    int64_t rows, c;
    array x, y, dy;
} problem;

static double loss(const void *context) {
    const problem *p = context;
    naive_activate(p->kind, p->rows, p->c, p->x.d, p->y.d);
    return dot(p->y.count, p->y.d, p->dy.d);
}

static void test_gradient(void **state) {
    (void)state;
    const int64_t shapes[][2] = {{1, 1}, {1, 3}, {5, 3}, {7, 33}, {150, 256}};
    for (int kind = 0; kind < NB_KIND; kind++) {
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++) {
            int64_t rows = shapes[s][0], c = shapes[s][1];
            problem p = {kinds[kind], rows, c, noise(rows * c, 4.0), zeros(rows * c), noise(rows * c, 1.0)};
            array dx = noise(rows * c, 1.0), sum = zeros(rows * c);
            memcpy(sum.f, dx.f, dx.count * sizeof(float));
            SAME_ON_ANY_THREADS("activate", p.y.count, p.y.f, (void)0,
                                dcpg_activate(p.kind, rows, c, p.x.f, p.y.f));
            naive_activate(p.kind, rows, c, p.x.d, p.y.d);
            assert_close("activate", p.y.count, p.y.f, p.y.d, 1e-6);
            dcpg_activate_backward(&(dcpg_activated){p.kind, rows, c, p.y.f}, p.dy.f, true, sum.f);
            for (size_t i = 0; i < sum.count; i++) sum.d[i] = (double)dx.f[i];
            SAME_ON_ANY_THREADS(
                "activate backward", dx.count, dx.f, (void)0,
                dcpg_activate_backward(&(dcpg_activated){p.kind, rows, c, p.y.f}, p.dy.f, false, dx.f));
            if (rows * c > 1 || p.kind != DCPG_SOFTMAX)
                assert_gradient("activate", dx.count, dx.f, p.x.d, loss, &p);
            for (size_t i = 0; i < sum.count; i++) sum.d[i] += (double)dx.f[i];
            assert_close("activate backward added", sum.count, sum.f, sum.d, 1e-6);
            dcpg_activate(p.kind, rows, c, p.x.f, p.x.f); /* in place */
            assert_same_bits("in place", p.y.count, p.x.f, p.y.f);
            dcpg_activate_backward(&(dcpg_activated){p.kind, rows, c, p.y.f}, p.dy.f, false, p.dy.f);
            assert_same_bits("backward in place", dx.count, p.dy.f, dx.f);
            /* row by row */
            memset(sum.f, 0, sum.count * sizeof(float));
            for (int64_t i = 0; i < rows; i++) dcpg_activate(p.kind, 1, c, p.y.f + i * c, sum.f + i * c);
            dcpg_activate(p.kind, rows, c, p.y.f, p.y.f);
            assert_same_bits("row by row", p.y.count, p.y.f, sum.f);
            free_arrays();
        }
    }
}

static void test_sums(void **state) {
    (void)state;
    const int64_t counts[] = {0, 1, 15, 16, 17, 1000, 70001};
    for (size_t s = 0; s < sizeof counts / sizeof counts[0]; s++) {
        array a = noise(counts[s], 1.0), b = noise(counts[s], 1.0), y = zeros(counts[s]);
        for (size_t i = 0; i < a.count; i++) y.d[i] = a.d[i] + b.d[i];
        dcpg_add(a.count, a.f, b.f, y.f);
        assert_close("add", y.count, y.f, y.d, 1e-7);
        dcpg_accumulate(a.count, a.f, b.f);
        assert_same_bits("accumulate", y.count, y.f, b.f);
        dcpg_add(a.count, a.f, a.f, a.f);
        free_arrays();
    }
}

static void test_copy_columns(void **state) {
    (void)state;
    enum { ROWS = 300, C = 70, FROM = 90, TO = 110, AT = 25 };
    array src = noise(ROWS * FROM, 1.0), dst = noise(ROWS * TO, 1.0);
    for (int add = 1; add >= 0; add--) {
        for (int64_t i = 0; i < ROWS; i++) {
            for (int64_t j = 0; j < C; j++)
                dst.d[i * TO + AT + j] = src.d[i * FROM + j] + (add ? dst.d[i * TO + AT + j] : 0.0);
        }
        dcpg_copy_columns(ROWS, C, (dcpg_mat){src.f, FROM, 1}, (dcpg_mat_out){dst.f + AT, TO, 1}, add);
        assert_close("copy columns", dst.count, dst.f, dst.d, 1e-7);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_accuracy), NUMBERS_TEST(test_extremes),
                                       NUMBERS_TEST(test_gradient), NUMBERS_TEST(test_sums),
                                       NUMBERS_TEST(test_copy_columns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
