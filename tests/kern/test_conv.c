/* SPDX-License-Identifier: MIT */
/* Convolutions against their twins and finite differences, over odd shapes; their bits must not depend on
 * threads or on the other samples of the call. */
#include "check.h"

typedef struct shape {
    int64_t n, t_in, c, f, k, stride, dilation;
    bool same;
} shape;

static const shape shapes[] = {
    {1, 1, 1, 1, 1, 1, 1, false},     {3, 1, 5, 4, 1, 1, 1, true},     {2, 5, 1, 3, 5, 1, 1, false},
    {4, 7, 3, 1, 3, 1, 1, true},      {5, 2, 3, 2, 7, 1, 1, true}, /* k > t */
    {3, 9, 4, 6, 3, 2, 1, true},      {3, 8, 4, 6, 3, 2, 1, true},     {2, 1, 3, 5, 3, 2, 1, true},
    {3, 11, 2, 3, 1, 2, 1, true},     {3, 12, 2, 3, 1, 2, 1, true},    {2, 9, 3, 4, 3, 1, 4, true},
    {2, 6, 3, 4, 3, 1, 4, true},      {1, 3, 2, 2, 3, 1, 4, true},     {3, 13, 3, 4, 3, 1, 2, false},
    {2, 20, 3, 4, 3, 2, 3, false},    {2, 17, 5, 7, 4, 1, 1, true},    {2, 18, 3, 5, 4, 3, 2, true},
    {3, 16, 2, 3, 2, 5, 1, false},    {3, 20, 17, 19, 3, 2, 1, true},  {7, 300, 3, 5, 3, 1, 1, false},
    {2, 480, 3, 4, 7, 1, 1, false},   {3, 470, 2, 3, 5, 2, 1, true},   {9, 247, 16, 24, 3, 1, 1, false},
    {11, 125, 32, 16, 3, 1, 2, true}, {13, 62, 24, 40, 3, 2, 1, true}, {6, 250, 32, 32, 1, 2, 1, true},
    {40, 16, 64, 48, 3, 1, 4, true},  {5, 61, 20, 12, 7, 1, 1, false}};
enum { NB_SHAPE = sizeof shapes / sizeof shapes[0] };

typedef struct problem {
    dcpg_conv conv;
    int64_t n;
    array x, w, b, dy, y, scratch;
    dcpg_conv_arrays in;
} problem;

static problem make(shape s) {
    problem p = {
        .conv = {.t_in = s.t_in, .c = s.c, .f = s.f, .k = s.k, .stride = s.stride, .dilation = s.dilation},
        .n = s.n};
    dcpg_conv_shape(&p.conv, s.same);
    p.x = noise(s.n * s.t_in * s.c, 1.0);
    p.w = noise(s.k * s.c * s.f, 1.0);
    p.b = noise(s.f, 1.0);
    p.dy = noise(s.n * p.conv.t_out * s.f, 1.0);
    p.y = zeros(s.n * p.conv.t_out * s.f);
    p.scratch = noise((int64_t)dcpg_conv_scratch(&p.conv, s.n), 1.0); /* kernels must not rely on zeros */
    p.in = (dcpg_conv_arrays){.n = s.n, .x = p.x.f, .w = p.w.f, .b = p.b.f, .scratch = p.scratch.f};
    return p;
}

/* As TensorFlow documents it: out = ceil(in / stride); an odd number of zeros has one more on the right. */
static void test_shape(void **state) {
    (void)state;
    const struct {
        int64_t t_in, k, stride, dilation, t_out, pad_left;
        bool same;
    } want[] = {{1001, 11, 1, 1, 991, 0, false}, {13, 6, 5, 1, 2, 0, false}, {13, 6, 5, 1, 3, 1, true},
                {9, 3, 2, 1, 5, 1, true},        {8, 3, 2, 1, 4, 0, true},   {1, 3, 1, 1, 1, 1, true},
                {7, 3, 1, 4, 7, 4, true},        {4, 2, 1, 1, 4, 0, true},   {3, 5, 1, 1, 0, 0, false},
                {11, 1, 2, 1, 6, 0, true}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        dcpg_conv conv = {.t_in = want[i].t_in,
                          .c = 1,
                          .f = 1,
                          .k = want[i].k,
                          .stride = want[i].stride,
                          .dilation = want[i].dilation};
        dcpg_conv_shape(&conv, want[i].same);
        assert_int_equal(conv.t_out, want[i].t_out);
        assert_int_equal(conv.pad_left, want[i].pad_left);
    }
}

static void test_twin(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        array dx = noise((int64_t)p.x.count, 1.0), dw = zeros((int64_t)p.w.count),
              db = zeros((int64_t)p.b.count);
        for (int relu = 0; relu < 2; relu++) {
            naive_conv_forward(&p.conv, p.n, p.x.d, p.w.d, p.b.d, relu, p.y.d);
            dcpg_conv_forward(&p.conv, &p.in, relu, p.y.f);
            assert_close("forward", p.y.count, p.y.f, p.y.d, 2e-6);
        }
        array want = zeros((int64_t)p.x.count);
        naive_conv_backward_input(&p.conv, p.n, p.dy.d, p.w.d, want.d);
        for (size_t i = 0; i < dx.count; i++) dx.d[i] += want.d[i];
        dcpg_conv_backward_input(&p.conv, &p.in, p.dy.f, true, dx.f);
        assert_close("backward input added", dx.count, dx.f, dx.d, 2e-6);
        for (size_t i = 0; i < dx.count; i++) dx.f[i] = NAN;
        dcpg_conv_backward_input(&p.conv, &p.in, p.dy.f, false, dx.f);
        assert_close("backward input", dx.count, dx.f, want.d, 2e-6);
        for (size_t i = 0; i < dw.count; i++) dw.f[i] = NAN;
        naive_conv_backward_weight(&p.conv, p.n, p.x.d, p.dy.d, dw.d, db.d);
        dcpg_conv_backward_weight(&p.conv, &p.in, p.dy.f, dw.f, db.f);
        assert_close("backward weight", dw.count, dw.f, dw.d, 2e-6);
        assert_close("backward bias", db.count, db.f, db.d, 2e-6);
        free_arrays();
    }
}

static double loss(const void *context) {
    const problem *p = context;
    naive_conv_forward(&p->conv, p->n, p->x.d, p->w.d, p->b.d, false, p->y.d);
    return dot(p->y.count, p->y.d, p->dy.d);
}

static void test_gradient(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        if (shapes[s].n * shapes[s].t_in * shapes[s].c * shapes[s].f > 20000) continue;
        problem p = make(shapes[s]);
        array dx = zeros((int64_t)p.x.count), dw = zeros((int64_t)p.w.count), db = zeros((int64_t)p.b.count);
        dcpg_conv_backward_input(&p.conv, &p.in, p.dy.f, false, dx.f);
        dcpg_conv_backward_weight(&p.conv, &p.in, p.dy.f, dw.f, db.f);
        assert_gradient("dx", dx.count, dx.f, p.x.d, loss, &p);
        assert_gradient("dw", dw.count, dw.f, p.w.d, loss, &p);
        assert_gradient("db", db.count, db.f, p.b.d, loss, &p);
        free_arrays();
    }
}

static void test_bits(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        const dcpg_conv *conv = &p.conv;
        array dx = noise((int64_t)p.x.count, 1.0), kept = noise((int64_t)p.x.count, 1.0),
              dw = zeros((int64_t)p.w.count), db = zeros((int64_t)p.b.count);
        SAME_ON_ANY_THREADS("forward", p.y.count, p.y.f, (void)0,
                            dcpg_conv_forward(conv, &p.in, true, p.y.f));
        SAME_ON_ANY_THREADS("backward input", dx.count, dx.f, memcpy(dx.f, kept.f, dx.count * sizeof(float)),
                            dcpg_conv_backward_input(conv, &p.in, p.dy.f, true, dx.f));
        SAME_ON_ANY_THREADS("backward weight", dw.count, dw.f, (void)0,
                            dcpg_conv_backward_weight(conv, &p.in, p.dy.f, dw.f, db.f));
        SAME_ON_ANY_THREADS("backward bias", db.count, db.f, (void)0,
                            dcpg_conv_backward_weight(conv, &p.in, p.dy.f, dw.f, db.f));
        array dw1 = zeros((int64_t)p.w.count);
        dcpg_conv_backward_weight(conv, &p.in, p.dy.f, dw1.f, NULL);
        assert_same_bits("weights without a bias", dw.count, dw.f, dw1.f);
        /* the samples one by one, then the first alone and the rest together */
        array y = zeros((int64_t)p.y.count), dx1 = zeros((int64_t)dx.count);
        int64_t in = conv->t_in * conv->c, out = conv->t_out * conv->f;
        for (int64_t step = 1; step <= p.n; step += p.n > 1 ? p.n - 1 : 1) {
            memcpy(dx1.f, kept.f, dx.count * sizeof(float));
            for (int64_t i = 0; i < p.n; i += i == 0 ? 1 : step) {
                int64_t nb = i == 0 ? 1 : p.n - i < step ? p.n - i : step;
                dcpg_conv_arrays part = p.in;
                part.n = nb;
                part.x += i * in;
                dcpg_conv_forward(conv, &part, true, y.f + i * out);
                dcpg_conv_backward_input(conv, &part, p.dy.f + i * out, true, dx1.f + i * in);
            }
            assert_same_bits("forward of fewer samples", y.count, p.y.f, y.f);
            assert_same_bits("backward of fewer samples", dx.count, dx.f, dx1.f);
        }
        free_arrays();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_shape), NUMBERS_TEST(test_twin),
                                       NUMBERS_TEST(test_gradient), NUMBERS_TEST(test_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
