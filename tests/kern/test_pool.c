/* SPDX-License-Identifier: MIT */
/* Max pooling and the mean over time. */
#include "check.h"

typedef struct shape {
    int64_t n, t, c, pool;
} shape;

static const shape shapes[] = {{1, 1, 1, 1},    {2, 7, 3, 2},     {3, 5, 1, 5},
                               {1, 3, 4, 4},    {2, 9, 17, 4},    {4, 61, 33, 2},
                               {3, 200, 70, 3}, {1, 300, 5, 255}, {5, 40, 130, 4}};
enum { NB_SHAPE = sizeof shapes / sizeof shapes[0] };

typedef struct problem {
    shape s;
    array x, y, dy;
    uint8_t *arg;
} problem;

static void test_max(void **state) {
    (void)state;
    static uint8_t arg[1 << 16], want[1 << 16];
    for (int i = 0; i < NB_SHAPE; i++) {
        shape s = shapes[i];
        int64_t out = s.n * (s.t / s.pool) * s.c;
        const dcpg_pool pool = {.n = s.n, .t = s.t, .c = s.c, .window = s.pool};
        array x = noise(s.n * s.t * s.c, 1.0), y = zeros(out), dy = noise(out, 1.0),
              dx = noise((int64_t)x.count, 1.0), dense = zeros((int64_t)x.count);
        for (size_t j = 0; j < x.count; j++)
            x.d[j] = (double)(x.f[j] = roundf(x.f[j] * 8.0f)); /* makes many equal values: the first counts */
        naive_max_pool_forward(s.n, s.t, s.c, s.pool, x.d, y.d, want);
        dcpg_max_pool_forward(&pool, x.f, y.f, arg);
        assert_close("max", y.count, y.f, y.d, 0.0);
        assert_memory_equal(arg, want, y.count);
        naive_max_pool_backward(s.n, s.t, s.c, s.pool, arg, dy.d, dense.d);
        for (size_t j = 0; j < dx.count; j++) dx.d[j] += dense.d[j];
        dcpg_max_pool_backward(&pool, arg, dy.f, true, dx.f);
        assert_close("max backward added", dx.count, dx.f, dx.d, 1e-7);
        dcpg_max_pool_backward(&pool, arg, dy.f, false, dx.f);
        assert_close("max backward", dx.count, dx.f, dense.d, 0.0);
        SAME_ON_ANY_THREADS("max", y.count, y.f, (void)0, dcpg_max_pool_forward(&pool, x.f, y.f, arg));
        SAME_ON_ANY_THREADS("max backward", dx.count, dx.f, (void)0,
                            dcpg_max_pool_backward(&pool, arg, dy.f, false, dx.f));
        free_arrays();
    }
}

static double max_loss(const void *context) {
    const problem *p = context;
    naive_max_pool_forward(p->s.n, p->s.t, p->s.c, p->s.pool, p->x.d, p->y.d, p->arg);
    return dot(p->y.count, p->y.d, p->dy.d);
}

static double mean_loss(const void *context) {
    const problem *p = context;
    naive_mean_forward(p->s.n, p->s.t, p->s.c, p->x.d, p->y.d);
    return dot(p->y.count, p->y.d, p->dy.d);
}

static void test_gradient(void **state) {
    (void)state;
    static uint8_t arg[1 << 16];
    for (int i = 0; i < NB_SHAPE; i++) {
        shape s = shapes[i];
        int64_t out = s.n * (s.t / s.pool) * s.c;
        const dcpg_pool pool = {.n = s.n, .t = s.t, .c = s.c, .window = s.pool};
        problem p = {s, noise(s.n * s.t * s.c, 1.0), zeros(out), noise(out, 1.0), arg};
        array dx = zeros((int64_t)p.x.count);
        dcpg_max_pool_forward(&pool, p.x.f, p.y.f, arg);
        dcpg_max_pool_backward(&pool, arg, p.dy.f, false, dx.f);
        if (out > 0) assert_gradient("max", dx.count, dx.f, p.x.d, max_loss, &p);
        p.y = zeros(s.n * s.c);
        p.dy = noise(s.n * s.c, 1.0);
        dcpg_mean_backward(s.n, s.t, s.c, p.dy.f, false, dx.f);
        assert_gradient("mean", dx.count, dx.f, p.x.d, mean_loss, &p);
        free_arrays();
    }
}

static void test_mean(void **state) {
    (void)state;
    for (int i = 0; i < NB_SHAPE; i++) {
        shape s = shapes[i];
        array x = noise(s.n * s.t * s.c, 1.0), y = zeros(s.n * s.c), y1 = zeros(s.n * s.c),
              dy = noise(s.n * s.c, 1.0), dx = noise((int64_t)x.count, 1.0), dense = zeros((int64_t)x.count);
        naive_mean_forward(s.n, s.t, s.c, x.d, y.d);
        SAME_ON_ANY_THREADS("mean", y.count, y.f, (void)0, dcpg_mean_forward(s.n, s.t, s.c, x.f, y.f));
        assert_close("mean", y.count, y.f, y.d, 1e-6);
        for (int64_t j = 0; j < s.n; j++) dcpg_mean_forward(1, s.t, s.c, x.f + j * s.t * s.c, y1.f + j * s.c);
        assert_same_bits("mean of one sample", y.count, y.f, y1.f);
        naive_mean_backward(s.n, s.t, s.c, dy.d, dense.d);
        for (size_t j = 0; j < dx.count; j++) dx.d[j] += dense.d[j];
        dcpg_mean_backward(s.n, s.t, s.c, dy.f, true, dx.f);
        assert_close("mean backward added", dx.count, dx.f, dx.d, 1e-6);
        SAME_ON_ANY_THREADS("mean backward", dx.count, dx.f, (void)0,
                            dcpg_mean_backward(s.n, s.t, s.c, dy.f, false, dx.f));
        free_arrays();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_max), NUMBERS_TEST(test_gradient),
                                       NUMBERS_TEST(test_mean)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
