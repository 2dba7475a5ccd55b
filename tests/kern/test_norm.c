/* SPDX-License-Identifier: MIT */
/* Batch normalisation in training mode: the sums of leaves, the output, and the gradient through the
 * statistics. */
#include "check.h"

typedef struct shape {
    int64_t rows, c;
} shape;

static const shape shapes[] = {{1, 1}, {2, 1}, {5, 3}, {64, 32}, {65, 33}, {300, 70}, {513, 128}};
enum { NB_SHAPE = sizeof shapes / sizeof shapes[0] };

typedef struct problem {
    int64_t rows, c;
    bool relu;
    array x, gamma, beta, dy, y, mean, var;
} problem;

static const double epsilon = 1e-3;

static problem make(shape s, bool relu) {
    problem p = {.rows = s.rows, .c = s.c, .relu = relu};
    p.x = noise(s.rows * s.c, 2.0);
    for (size_t i = 0; i < p.x.count; i++) p.x.d[i] = (double)(p.x.f[i] += 3.0f);
    p.gamma = noise(s.c, 1.0);
    p.beta = noise(s.c, 1.0);
    p.dy = noise(s.rows * s.c, 1.0);
    p.y = zeros(s.rows * s.c);
    p.mean = zeros(s.c);
    p.var = zeros(s.c);
    return p;
}

/* `rows` rows of the problem, from row `first` on; rstd stands in p->var.f. */
static dcpg_bn layer_of(const problem *p, int64_t first, int64_t rows) {
    return (dcpg_bn){.rows = rows,
                     .c = p->c,
                     .x = p->x.f + first * p->c,
                     .mean = p->mean.f,
                     .rstd = p->var.f,
                     .gamma = p->gamma.f,
                     .beta = p->beta.f,
                     .relu = p->relu};
}

static double loss(const void *context) {
    const problem *p = context;
    naive_bn_forward(p->rows, p->c, p->x.d, p->gamma.d, p->beta.d, epsilon, p->relu, p->mean.d, p->var.d,
                     p->y.d);
    return dot(p->y.count, p->y.d, p->dy.d);
}

/* Statistics from the sums of two leaves, as a caller computes them; rstd goes into p->var.f. */
static void statistics(problem *p) {
    double sums[2][256];
    int64_t half = p->rows / 2;
    array shift = noise(p->c, 4.0);
    dcpg_bn_sums(half, p->c, p->x.f, shift.f, sums[0]);
    dcpg_bn_sums(p->rows - half, p->c, p->x.f + half * p->c, shift.f, sums[1]);
    naive_bn_forward(p->rows, p->c, p->x.d, p->gamma.d, p->beta.d, epsilon, p->relu, p->mean.d, p->var.d,
                     p->y.d);
    for (int64_t j = 0; j < p->c; j++) {
        double mean = (sums[0][j] + sums[1][j]) / (double)p->rows,
               square = (sums[0][p->c + j] + sums[1][p->c + j]) / (double)p->rows;
        double var = square - mean * mean;
        assert_true(fabs(var - p->var.d[j]) <= 1e-5 * (p->var.d[j] + epsilon));
        p->mean.f[j] = (float)(mean + (double)shift.f[j]);
        p->var.f[j] = (float)(1.0 / sqrt(var + epsilon));
    }
    assert_close("mean", p->mean.count, p->mean.f, p->mean.d, 1e-6);
}

/* The backward pass must find the ReLU open exactly where the forward pass did: gradients of 1 count these
 * places. */
static void check_open(const problem *p) {
    array one = zeros(p->rows * p->c);
    double totals[256];
    for (size_t i = 0; i < one.count; i++) one.f[i] = 1;
    dcpg_bn bn = layer_of(p, 0, p->rows);
    dcpg_bn_backward_sums(&bn, one.f, totals);
    for (int64_t j = 0; j < p->c; j++) {
        double open = 0;
        for (int64_t i = 0; i < p->rows; i++) open += p->y.f[i * p->c + j] > 0;
        assert_true(totals[j] == open);
    }
}

static void test_all(void **state) {
    (void)state;
    for (int s = 0; s < 2 * NB_SHAPE; s++) {
        problem p = make(shapes[s / 2], s % 2);
        int64_t rows = p.rows, c = p.c;
        statistics(&p);
        const dcpg_bn bn = layer_of(&p, 0, rows);
        SAME_ON_ANY_THREADS("apply", p.y.count, p.y.f, (void)0, dcpg_bn_apply(&bn, p.y.f));
        assert_close("apply", p.y.count, p.y.f, p.y.d, 1e-5);
        array row = zeros(rows * c), dx = noise(rows * c, 1.0), dx1 = zeros(rows * c), dgamma = zeros(c),
              dbeta = zeros(c);
        for (int64_t i = 0; i < rows; i++) {
            const dcpg_bn one = layer_of(&p, i, 1);
            dcpg_bn_apply(&one, row.f + i * c);
        }
        assert_same_bits("apply row by row", p.y.count, p.y.f, row.f);

        double totals[256];
        if (p.relu) check_open(&p);
        dcpg_bn_backward_sums(&bn, p.dy.f, totals);
        for (int64_t j = 0; j < c; j++) {
            dbeta.f[j] = (float)totals[j];
            dgamma.f[j] = (float)totals[c + j];
        }
        /* With two rows little is left after the mean is subtracted: no fair comparison in float. */
        assert_gradient("dbeta", dbeta.count, dbeta.f, p.beta.d, loss, &p);
        if (rows > 2) assert_gradient("dgamma", dgamma.count, dgamma.f, p.gamma.d, loss, &p);
        memcpy(dx1.f, dx.f, dx.count * sizeof(float));
        dcpg_bn_backward(&bn, p.dy.f, totals, rows, true, dx1.f);
        for (size_t i = 0; i < dx.count; i++) dx1.d[i] = (double)dx.f[i];
        SAME_ON_ANY_THREADS("backward", dx.count, dx.f, (void)0,
                            dcpg_bn_backward(&bn, p.dy.f, totals, rows, false, dx.f));
        for (size_t i = 0; i < dx.count; i++) dx1.d[i] += (double)dx.f[i];
        assert_close("backward added", dx1.count, dx1.f, dx1.d, 1e-6);
        for (int64_t i = 0; i < rows; i++) {
            int64_t at = i * c;
            const dcpg_bn one = layer_of(&p, i, 1);
            dcpg_bn_backward(&one, p.dy.f + at, totals, rows, false, row.f + at);
        }
        assert_same_bits("backward row by row", dx.count, dx.f, row.f);
        if (rows > 2) assert_gradient("dx", dx.count, dx.f, p.x.d, loss, &p);
        free_arrays();
    }
}

/* The sums are doubles, compared as bits of floats. */
static void test_threads(void **state) {
    (void)state;
    problem p = make((shape){700, 70}, false);
    double sums[140];
    float *bits = (float *)sums;
    for (int64_t j = 0; j < 70; j++) p.var.f[j] = 1.0f;
    SAME_ON_ANY_THREADS("sums", 280, bits, (void)0, dcpg_bn_sums(700, 70, p.x.f, p.mean.f, sums));
    const dcpg_bn bn = layer_of(&p, 0, 700);
    SAME_ON_ANY_THREADS("backward sums", 280, bits, (void)0, dcpg_bn_backward_sums(&bn, p.dy.f, sums));
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_all), NUMBERS_TEST(test_threads)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
