/* SPDX-License-Identifier: MIT */
/* Fully connected layers. */
#include "check.h"

typedef struct shape {
    int64_t n, c, f;
} shape;

static const shape shapes[] = {{1, 1, 1},     {1, 7, 3},     {5, 1, 4},      {3, 6, 1},
                               {16, 100, 33}, {70, 130, 65}, {128, 512, 18}, {200, 100, 96}};
enum { NB_SHAPE = sizeof shapes / sizeof shapes[0] };

typedef struct problem {
    int64_t n, c, f;
    dcpg_dense shape; /* the same */
    array x, w, b, dy, y;
} problem;

static problem make(shape s) {
    problem p = {.n = s.n, .c = s.c, .f = s.f, .shape = {.n = s.n, .c = s.c, .f = s.f}};
    p.x = noise(s.n * s.c, 1.0);
    p.w = noise(s.c * s.f, 1.0);
    p.b = noise(s.f, 1.0);
    p.dy = noise(s.n * s.f, 1.0);
    p.y = zeros(s.n * s.f);
    return p;
}

static void forward(const problem *p, bool relu) {
    naive_gemm(p->n, p->f, p->c, (naive_mat){p->x.d, p->c, 1}, (naive_mat){p->w.d, p->f, 1}, p->y.d);
    for (size_t i = 0; i < p->y.count; i++) {
        p->y.d[i] += p->b.d[i % (size_t)p->f];
        if (relu) p->y.d[i] = fmax(p->y.d[i], 0.0);
    }
}

static double loss(const void *context) {
    const problem *p = context;
    forward(p, false);
    return dot(p->y.count, p->y.d, p->dy.d);
}

static void test_twin(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        for (int relu = 0; relu < 2; relu++) {
            forward(&p, relu);
            dcpg_dense_forward(&p.shape, p.x.f, p.w.f, p.b.f, relu, p.y.f);
            assert_close("forward", p.y.count, p.y.f, p.y.d, 2e-6);
        }
        array dx = noise(p.n * p.c, 1.0), want = zeros(p.n * p.c), dw = noise(p.c * p.f, 1.0),
              db = noise(p.f, 1.0);
        naive_gemm(p.n, p.c, p.f, (naive_mat){p.dy.d, p.f, 1}, (naive_mat){p.w.d, 1, p.f}, want.d);
        for (size_t i = 0; i < dx.count; i++) dx.d[i] += want.d[i];
        dcpg_dense_backward_input(&p.shape, p.dy.f, p.w.f, true, dx.f);
        assert_close("backward input added", dx.count, dx.f, dx.d, 2e-6);
        dcpg_dense_backward_input(&p.shape, p.dy.f, p.w.f, false, dx.f);
        assert_close("backward input", dx.count, dx.f, want.d, 2e-6);
        dcpg_dense_backward_weight(&p.shape, p.x.f, p.dy.f, dw.f, db.f);
        if (p.n * p.c * p.f < 100000) {
            assert_gradient("dx", dx.count, dx.f, p.x.d, loss, &p);
            assert_gradient("dw", dw.count, dw.f, p.w.d, loss, &p);
            assert_gradient("db", db.count, db.f, p.b.d, loss, &p);
        }
        naive_gemm(p.c, p.f, p.n, (naive_mat){p.x.d, 1, p.c}, (naive_mat){p.dy.d, p.f, 1}, dw.d);
        assert_close("backward weight", dw.count, dw.f, dw.d, 2e-6);
        free_arrays();
    }
}

static void test_bits(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        array dx = zeros(p.n * p.c), dx1 = zeros(p.n * p.c), y1 = zeros(p.n * p.f), dw = zeros(p.c * p.f),
              db = zeros(p.f);
        SAME_ON_ANY_THREADS("forward", p.y.count, p.y.f, (void)0,
                            dcpg_dense_forward(&p.shape, p.x.f, p.w.f, p.b.f, true, p.y.f));
        SAME_ON_ANY_THREADS("backward input", dx.count, dx.f, (void)0,
                            dcpg_dense_backward_input(&p.shape, p.dy.f, p.w.f, false, dx.f));
        SAME_ON_ANY_THREADS("backward weight", dw.count, dw.f, (void)0,
                            dcpg_dense_backward_weight(&p.shape, p.x.f, p.dy.f, dw.f, db.f));
        SAME_ON_ANY_THREADS("backward bias", db.count, db.f, (void)0,
                            dcpg_dense_backward_weight(&p.shape, p.x.f, p.dy.f, dw.f, db.f));
        for (int64_t i = 0; i < p.n; i += 3) {
            const dcpg_dense some = {.n = p.n - i < 3 ? p.n - i : 3, .c = p.c, .f = p.f};
            dcpg_dense_forward(&some, p.x.f + i * p.c, p.w.f, p.b.f, true, y1.f + i * p.f);
            dcpg_dense_backward_input(&some, p.dy.f + i * p.f, p.w.f, false, dx1.f + i * p.c);
        }
        assert_same_bits("forward of three samples", p.y.count, p.y.f, y1.f);
        assert_same_bits("backward of three samples", dx.count, dx.f, dx1.f);
        free_arrays();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_twin), NUMBERS_TEST(test_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
