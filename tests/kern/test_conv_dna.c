/* SPDX-License-Identifier: MIT */
/* The table-driven convolution of one-hot DNA against the plain one on the one-hot array, alone and with
 * pooling. */
#include "check.h"

typedef struct shape {
    int64_t n, t_in, f, k, pool;
} shape;

/* Groups of 3 taps: k below, at and above multiples of 3, and more groups than the usual kernels have; f
 * around multiples of the block of channels; tails that no pooling window covers. */
static const shape shapes[] = {
    {1, 1, 1, 1, 1},     {2, 5, 3, 2, 1},    {3, 30, 6, 1, 5},    {3, 7, 2, 3, 2},    {2, 12, 5, 4, 4},
    {2, 20, 31, 5, 3},   {3, 17, 33, 6, 12}, {2, 30, 64, 7, 4},   {2, 41, 8, 9, 5},   {5, 51, 32, 11, 4},
    {2, 64, 130, 12, 2}, {2, 40, 7, 13, 4},  {1, 60, 257, 11, 4}, {2, 90, 20, 27, 6}, {6, 301, 128, 11, 4}};
enum { NB_SHAPE = sizeof shapes / sizeof shapes[0] };

typedef struct problem {
    dcpg_conv conv;
    int64_t n, pool, out;
    uint8_t *arg;
    array x, w, b, dy, y, flat, scratch;
    dcpg_conv_arrays in;
    dcpg_conv_pooled pooled;
} problem;

static uint8_t codes[6 * 301], args[6 * 128 * 291];

static problem make(shape s) {
    problem p = {.conv = {.t_in = s.t_in, .c = 4, .f = s.f, .k = s.k, .stride = 1, .dilation = 1},
                 .n = s.n,
                 .pool = s.pool,
                 .arg = args};
    dcpg_conv_shape(&p.conv, false);
    p.x = zeros(s.n * s.t_in * 4);
    for (int64_t i = 0; i < s.n * s.t_in; i++)
        codes[i] = dcpg_rng_below(&random_numbers, 20) == 0 ? 4 : (uint8_t)dcpg_rng_below(&random_numbers, 4);
    naive_one_hot(s.n * s.t_in, codes, p.x.d);
    p.out = p.conv.t_out / s.pool * s.f;
    p.w = noise(s.k * 4 * s.f, 1.0);
    p.b = noise(s.f, 1.0);
    p.flat = noise(s.n * p.conv.t_out * s.f, 1.0);
    p.dy = noise(s.n * p.out, 1.0);
    p.y = zeros(s.n * p.out);
    p.scratch = noise((int64_t)dcpg_conv_dna_scratch(&p.conv, s.n), 1.0);
    p.in = (dcpg_conv_arrays){.n = s.n, .codes = codes, .w = p.w.f, .b = p.b.f, .scratch = p.scratch.f};
    p.pooled = (dcpg_conv_pooled){.dy = p.dy.f, .y = p.y.f, .arg = args};
    return p;
}

static void test_twin(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        array y = zeros((int64_t)p.flat.count), dw = noise((int64_t)p.w.count, 1.0),
              db = noise((int64_t)p.b.count, 1.0);
        for (int relu = 0; relu < 2; relu++) {
            naive_conv_forward(&p.conv, p.n, p.x.d, p.w.d, p.b.d, relu, y.d);
            dcpg_conv_dna_forward(&p.conv, &p.in, relu, y.f);
            assert_close("forward", y.count, y.f, y.d, 2e-6);
        }
        naive_conv_backward_weight(&p.conv, p.n, p.x.d, p.flat.d, dw.d, db.d);
        dcpg_conv_dna_backward_weight(&p.conv, &p.in, p.flat.f, dw.f, db.f);
        assert_close("backward weight", dw.count, dw.f, dw.d, 2e-6);
        assert_close("backward bias", db.count, db.f, db.d, 2e-6);
        free_arrays();
    }
}

static void pooled(const problem *p, double *y, uint8_t *arg) {
    naive_conv_forward(&p->conv, p->n, p->x.d, p->w.d, p->b.d, true, p->flat.d);
    naive_max_pool_forward(p->n, p->conv.t_out, p->conv.f, p->pool, p->flat.d, y, arg);
}

static double loss(const void *context) {
    static uint8_t arg[sizeof args];
    const problem *p = context;
    pooled(p, p->y.d, arg);
    return dot(p->y.count, p->y.d, p->dy.d);
}

static void test_pool(void **state) {
    (void)state;
    static uint8_t arg[sizeof args];
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        array dw = noise((int64_t)p.w.count, 1.0), db = noise((int64_t)p.b.count, 1.0),
              dx = zeros((int64_t)p.flat.count), dflat = zeros((int64_t)p.flat.count);
        pooled(&p, p.y.d, arg);
        dcpg_conv_dna_pool_forward(&p.conv, &p.in, p.pool, p.y.f, p.arg);
        assert_close("pool forward", p.y.count, p.y.f, p.y.d, 2e-6);
        for (size_t i = 0; i < p.y.count; i++) {
            /* where the ReLU is open, the place of the maximum matters (equal k-mers give equal values: the
             * first one counts) */
            if (p.y.d[i] > 0.0) assert_int_equal(p.arg[i], arg[i]);
        }
        for (size_t i = 0; i < p.y.count; i++) dx.d[i] = p.y.d[i] > 0.0 ? p.dy.d[i] : 0.0;
        naive_max_pool_backward(p.n, p.conv.t_out, p.conv.f, p.pool, arg, dx.d, dflat.d);
        naive_conv_backward_weight(&p.conv, p.n, p.x.d, dflat.d, dw.d, db.d);
        dcpg_conv_dna_pool_backward_weight(&p.conv, &p.in, p.pool, &p.pooled, dw.f, db.f);
        assert_close("pool backward weight", dw.count, dw.f, dw.d, 2e-6);
        assert_close("pool backward bias", db.count, db.f, db.d, 2e-6);
        if (p.n * p.conv.t_out * p.conv.f < 3000) {
            assert_gradient("dw", dw.count, dw.f, p.w.d, loss, &p);
            assert_gradient("db", db.count, db.f, p.b.d, loss, &p);
        }
        free_arrays();
    }
}

static void test_bits(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE; s++) {
        problem p = make(shapes[s]);
        const dcpg_conv *conv = &p.conv;
        array y = zeros((int64_t)p.flat.count), y1 = zeros((int64_t)p.flat.count),
              dw = zeros((int64_t)p.w.count), db = zeros((int64_t)p.b.count);
        SAME_ON_ANY_THREADS("forward", y.count, y.f, (void)0, dcpg_conv_dna_forward(conv, &p.in, true, y.f));
        SAME_ON_ANY_THREADS("pool forward", p.y.count, p.y.f, (void)0,
                            dcpg_conv_dna_pool_forward(conv, &p.in, p.pool, p.y.f, p.arg));
        SAME_ON_ANY_THREADS("backward weight", dw.count, dw.f, (void)0,
                            dcpg_conv_dna_backward_weight(conv, &p.in, p.flat.f, dw.f, db.f));
        SAME_ON_ANY_THREADS("pool backward weight", dw.count, dw.f, (void)0,
                            dcpg_conv_dna_pool_backward_weight(conv, &p.in, p.pool, &p.pooled, dw.f, db.f));
        array dw1 = zeros((int64_t)p.w.count);
        dcpg_conv_dna_pool_backward_weight(conv, &p.in, p.pool, &p.pooled, dw1.f, NULL);
        assert_same_bits("pool backward weight without a bias", dw.count, dw.f, dw1.f);
        uint8_t *arg = malloc(sizeof args);
        assert_non_null(arg);
        array pooled1 = zeros((int64_t)p.y.count);
        for (int64_t i = 0; i < p.n; i++) {
            dcpg_conv_arrays one = p.in;
            one.n = 1;
            one.codes += i * conv->t_in;
            dcpg_conv_dna_forward(conv, &one, true, y1.f + i * conv->t_out * conv->f);
            dcpg_conv_dna_pool_forward(conv, &one, p.pool, pooled1.f + i * p.out, arg + i * p.out);
        }
        assert_same_bits("forward of one sample", y.count, y.f, y1.f);
        assert_same_bits("pool forward of one sample", p.y.count, p.y.f, pooled1.f);
        assert_memory_equal(arg, p.arg, p.y.count);
        free(arg);
        free_arrays();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_twin), NUMBERS_TEST(test_pool),
                                       NUMBERS_TEST(test_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
