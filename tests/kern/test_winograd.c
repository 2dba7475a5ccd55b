/* SPDX-License-Identifier: MIT */
/* Convolutions in Winograd form against the twins of plain ones, over odd lengths, paddings and dilations,
 * with and without pooling; their bits must not depend on threads or on the other samples of the call. Called
 * directly, so that they are also tested on processors where the gemm would be chosen. */
#include "check.h"

#include "kern/multiply.h"
#include "kern/winograd.h"

typedef struct shape {
    int64_t n, t_in, c, f, k, dilation;
    bool same;
} shape;

static const shape shapes[] = {
    {1, 3, 32, 32, 3, 1, false},   {2, 4, 32, 64, 3, 1, false},  {3, 1, 32, 32, 3, 1, true},
    {2, 2, 64, 32, 3, 1, true},    {2, 7, 32, 32, 3, 2, true},   {1, 3, 32, 32, 3, 4, true},
    {3, 19, 32, 32, 3, 4, true},   {2, 21, 64, 32, 3, 3, false}, {5, 62, 64, 96, 3, 1, true},
    {3, 247, 32, 64, 3, 1, false}, {2, 124, 96, 32, 3, 2, true}, {17, 16, 32, 32, 3, 1, false},
    {2, 61, 128, 128, 3, 1, true}, {3, 4, 32, 64, 4, 1, false},  {2, 9, 64, 32, 4, 1, true},
    {2, 1, 32, 32, 5, 1, true},    {3, 23, 32, 64, 5, 2, true},  {4, 31, 64, 32, 6, 1, false},
    {3, 7, 32, 32, 7, 1, false},   {2, 3, 32, 32, 7, 1, true},   {5, 61, 64, 96, 7, 1, false},
    {2, 64, 32, 64, 7, 3, true},   {2, 40, 96, 32, 8, 1, true},  {1, 6, 32, 32, 8, 4, true},
    {3, 50, 32, 32, 9, 1, false},  {2, 77, 32, 64, 11, 2, true}, {2, 247, 128, 64, 7, 1, true}};
enum { NB_SHAPE = sizeof shapes / sizeof shapes[0] };

/* Rounding of two transforms and of sums over c * k values; measured: at most 3.2e-6 (k > 3). */
static const double TOLERANCE = 4e-6;

typedef struct problem {
    dcpg_conv conv;
    int64_t n, out; /* pooled values of a sample */
    array x, w, b, y, dy, dx, dw, db, scratch;
    dcpg_conv_arrays in;
} problem;

static problem make(shape s) {
    problem p = {.conv = {.t_in = s.t_in, .c = s.c, .f = s.f, .k = s.k, .stride = 1, .dilation = s.dilation},
                 .n = s.n};
    dcpg_conv_shape(&p.conv, s.same);
    assert_true(p.conv.t_out > 0 && dcpg_winograd_exists(&p.conv));
    p.out = p.conv.t_out / 2 * s.f;
    p.x = noise(s.n * s.t_in * s.c, 1.0);
    p.w = noise(s.k * s.c * s.f, 1.0);
    p.b = noise(s.f, 1.0);
    p.y = zeros(s.n * p.conv.t_out * s.f);
    p.dy = noise(s.n * p.conv.t_out * s.f, 1.0);
    p.dx = noise(s.n * s.t_in * s.c, 1.0);
    p.dw = noise(s.k * s.c * s.f, 1.0);
    p.db = noise(s.f, 1.0);
    p.scratch = noise((int64_t)dcpg_winograd_scratch(&p.conv, s.n), 1.0);
    p.in = (dcpg_conv_arrays){.n = s.n, .x = p.x.f, .w = p.w.f, .b = p.b.f, .scratch = p.scratch.f};
    return p;
}

static void test_twin(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        dcpg_conv_pooled dy = {.dy = p.dy.f};
        for (int relu = 0; relu < 2; relu++) {
            naive_conv_forward(&p.conv, p.n, p.x.d, p.w.d, p.b.d, relu, p.y.d);
            dcpg_winograd_forward(&p.conv, &p.in, relu, p.y.f, NULL);
            assert_close("forward", p.y.count, p.y.f, p.y.d, TOLERANCE);
        }
        array want = zeros((int64_t)p.x.count), sum = zeros((int64_t)p.x.count);
        naive_conv_backward_input(&p.conv, p.n, p.dy.d, p.w.d, want.d);
        for (size_t i = 0; i < p.dx.count; i++) sum.d[i] = want.d[i] + p.dx.d[i];
        dcpg_winograd_backward_input(&p.conv, &p.in, &dy, true, p.dx.f);
        assert_close("backward input added", p.dx.count, p.dx.f, sum.d, TOLERANCE);
        dcpg_winograd_backward_input(&p.conv, &p.in, &dy, false, p.dx.f);
        assert_close("backward input", p.dx.count, p.dx.f, want.d, TOLERANCE);
        naive_conv_backward_weight(&p.conv, p.n, p.x.d, p.dy.d, p.dw.d, p.db.d);
        dcpg_winograd_backward_weight(&p.conv, &p.in, &dy, p.dw.f, p.db.f);
        assert_close("backward weight", p.dw.count, p.dw.f, p.dw.d, TOLERANCE);
        assert_close("backward bias", p.db.count, p.db.f, p.db.d, TOLERANCE);
        free_arrays();
    }
}

/* dy before ReLU and pooling, from the pass's own output: values that the ReLU closed, or that are no
 * maximum, have no gradient. */
static void unpool(const problem *p, const float *y, const uint8_t *arg, const double *dy, double *full) {
    int64_t f = p->conv.f;
    for (int64_t i = 0; i < p->n; i++)
        for (int64_t t = 0; t < p->conv.t_out; t++)
            for (int64_t j = 0; j < f; j++) {
                int64_t at = i * p->out + t / 2 * f + j;
                bool taken = t / 2 < p->conv.t_out / 2 && y[at] > 0 && arg[at] == t % 2;
                full[(i * p->conv.t_out + t) * f + j] = taken ? dy[at] : 0;
            }
}

static void test_pool(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        if (!dcpg_winograd_pools(&p.conv)) {
            free_arrays();
            continue;
        }
        int64_t t = p.conv.t_out, f = p.conv.f;
        uint8_t *arg = malloc(2 * p.y.count);
        array full = zeros((int64_t)p.y.count), pooled = zeros(p.n * p.out);
        naive_conv_forward(&p.conv, p.n, p.x.d, p.w.d, p.b.d, true, full.d);
        naive_max_pool_forward(p.n, t, f, 2, full.d, pooled.d, arg + p.y.count);
        dcpg_winograd_forward(&p.conv, &p.in, true, p.y.f, arg);
        assert_close("pooled", pooled.count, p.y.f, pooled.d, TOLERANCE);
        int64_t wrong = 0;
        for (size_t i = 0; i < pooled.count; i++) wrong += pooled.d[i] > 0 && arg[i] != arg[p.y.count + i];
        assert_true(wrong <= (int64_t)pooled.count / 10000); /* ties that rounding decided */
        dcpg_conv_pooled dy = {p.dy.f, p.y.f, arg};
        unpool(&p, p.y.f, arg, p.dy.d, full.d);
        naive_conv_backward_input(&p.conv, p.n, full.d, p.w.d, p.dx.d);
        dcpg_winograd_backward_input(&p.conv, &p.in, &dy, false, p.dx.f);
        assert_close("pooled backward input", p.dx.count, p.dx.f, p.dx.d, TOLERANCE);
        naive_conv_backward_weight(&p.conv, p.n, p.x.d, full.d, p.dw.d, p.db.d);
        dcpg_winograd_backward_weight(&p.conv, &p.in, &dy, p.dw.f, p.db.f);
        assert_close("pooled backward weight", p.dw.count, p.dw.f, p.dw.d, TOLERANCE);
        assert_close("pooled backward bias", p.db.count, p.db.f, p.db.d, TOLERANCE);
        free(arg);
        free_arrays();
    }
}

static void test_nan(void **state) {
    (void)state;
    problem p = make(shapes[2]);
    p.x.f[5] = NAN;
    dcpg_winograd_forward(&p.conv, &p.in, true, p.y.f, NULL);
    assert_true(isnan(p.y.f[0]));
    free_arrays();
}

static void test_bits(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        const dcpg_conv *conv = &p.conv;
        dcpg_conv_pooled dy = {.dy = p.dy.f};
        SAME_ON_ANY_THREADS("forward", p.y.count, p.y.f, (void)0,
                            dcpg_winograd_forward(conv, &p.in, true, p.y.f, NULL));
        SAME_ON_ANY_THREADS("backward input", p.dx.count, p.dx.f, (void)0,
                            dcpg_winograd_backward_input(conv, &p.in, &dy, false, p.dx.f));
        SAME_ON_ANY_THREADS("backward weight", p.dw.count, p.dw.f, (void)0,
                            dcpg_winograd_backward_weight(conv, &p.in, &dy, p.dw.f, p.db.f));
        SAME_ON_ANY_THREADS("backward bias", p.db.count, p.db.f, (void)0,
                            dcpg_winograd_backward_weight(conv, &p.in, &dy, p.dw.f, p.db.f));
        array y = zeros((int64_t)p.y.count), dx = zeros((int64_t)p.dx.count);
        int64_t in = conv->t_in * conv->c, out = conv->t_out * conv->f;
        for (int64_t i = 0; i < p.n; i++) {
            dcpg_conv_arrays one = p.in;
            dcpg_conv_pooled dy_one = {.dy = p.dy.f + i * out};
            one.n = 1;
            one.x += i * in;
            dcpg_winograd_forward(conv, &one, true, y.f + i * out, NULL);
            dcpg_winograd_backward_input(conv, &one, &dy_one, false, dx.f + i * in);
        }
        assert_same_bits("forward of one sample", y.count, p.y.f, y.f);
        assert_same_bits("backward of one sample", dx.count, p.dx.f, dx.f);
        free_arrays();
    }
}

/* Chosen only where it saves multiplications, hence not where few steps are spread over many phases; never
 * where the form does not exist. */
static void test_pays(void **state) {
    (void)state;
    const struct {
        dcpg_conv conv;
        bool exists, saves;
    } want[] = {{{.t_in = 241, .c = 128, .f = 256, .k = 7, .stride = 1, .dilation = 1}, true, true},
                {{.t_in = 64, .c = 32, .f = 32, .k = 3, .stride = 1, .dilation = 4}, true, true},
                {{.t_in = 16, .c = 32, .f = 32, .k = 3, .stride = 1, .dilation = 8}, true, false},
                {{.t_in = 3, .c = 32, .f = 32, .k = 3, .stride = 1, .dilation = 4}, true, false},
                {{.t_in = 64, .c = 32, .f = 32, .k = 2, .stride = 1, .dilation = 1}, false, false},
                {{.t_in = 64, .c = 32, .f = 32, .k = 3, .stride = 2, .dilation = 1}, false, false},
                {{.t_in = 64, .c = 31, .f = 32, .k = 3, .stride = 1, .dilation = 1}, false, false}};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        dcpg_conv conv = want[i].conv;
        dcpg_conv_shape(&conv, true);
        assert_int_equal(dcpg_winograd_exists(&conv), want[i].exists);
        assert_int_equal(dcpg_winograd_pays(&conv), want[i].saves && dcpg_kern_multiply_pays());
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_twin), NUMBERS_TEST(test_pool),
                                       NUMBERS_TEST(test_nan), NUMBERS_TEST(test_bits),
                                       NUMBERS_TEST(test_pays)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
