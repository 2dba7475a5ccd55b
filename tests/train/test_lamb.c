/* SPDX-License-Identifier: MIT */
/* LAMB and clipping against their formulas in double precision, with penalties, weight decay, a bias, frozen
 * parameters, heads that are columns of one matrix, and norms that are 0; ranks that own slices, and threads,
 * give the bits of one rank that owns all. */
#include "cmocka_all.h"

#include <dcpg/memory.h>
#include <dcpg/train.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* Two kernels that end in the middle of a line, a bias, an array of zeros, three heads of widths 1, 2 and 1
 * (the last one frozen) that are columns of a matrix [ROWS][4] with biases of their own, and moving
 * statistics. */
enum { ROWS = 700, FIRST = 5003, SECOND = 2101, BIAS = 37, ZEROS = 160, STEPS = 4 };
enum {
    AT_SECOND = FIRST,
    AT_BIAS = AT_SECOND + SECOND,
    AT_ZEROS = AT_BIAS + BIAS,
    AT_HEADS = AT_ZEROS + ZEROS,
    AT_END = AT_HEADS + 4 * ROWS,
    COUNT = (AT_END + 15) / 16 * 16
};
static dcpg_param directory[] = {
    {.weight = {.name = "kernel", .ndim = 3},
     .offset = 0,
     .size = FIRST,
     .row = FIRST,
     .stride = FIRST,
     .l1 = 0.01f,
     .l2 = 0.02f,
     .trainable = true},
    {.weight = {.name = "kernel", .ndim = 2},
     .offset = AT_SECOND,
     .size = SECOND,
     .row = SECOND,
     .stride = SECOND,
     .trainable = true},
    {.weight = {.name = "bias", .ndim = 1},
     .offset = AT_BIAS,
     .size = BIAS,
     .row = BIAS,
     .stride = BIAS,
     .trainable = true},
    {.weight = {.name = "kernel", .ndim = 2},
     .offset = AT_ZEROS,
     .size = ZEROS,
     .row = ZEROS,
     .stride = ZEROS,
     .trainable = true},
    {.weight = {.name = "kernel", .ndim = 2},
     .offset = AT_HEADS,
     .size = ROWS,
     .row = 1,
     .stride = 4,
     .l2 = 0.01f,
     .trainable = true},
    {.weight = {.name = "kernel", .ndim = 2},
     .offset = AT_HEADS + 1,
     .size = 2 * ROWS,
     .row = 2,
     .stride = 4,
     .trainable = true},
    {.weight = {.name = "kernel", .ndim = 2}, .offset = AT_HEADS + 3, .size = ROWS, .row = 1, .stride = 4},
    {.weight = {.name = "mean", .ndim = 1, .state = true}, .offset = COUNT, .size = 4, .row = 4, .stride = 4},
};
enum { PARAMS = sizeof directory / sizeof *directory };
static const dcpg_net net = {.nb_trained = COUNT, .nb_param = PARAMS, .param = directory};

static size_t place(const dcpg_param *p, size_t i) { return p->offset + i / p->row * p->stride + i % p->row; }

static float first_weight(size_t i) {
    return i >= AT_ZEROS && i < AT_HEADS ? 0 : (float)(cos(3.0 * (double)i) * (i % 7 ? 0.3 : 0));
}

/* Gradients of the array of zeros are 0 in the first step, so that both of its norms are. */
static float gradient(size_t i, int t) {
    bool zero = t == 1 && i >= AT_ZEROS && i < AT_HEADS;
    return zero ? 0 : (float)(sin((double)i + 1.0) * (1 + 0.5 * t) + 0.1 * t);
}

static dcpg_par par;

/* Norms and moments in double precision, array by array. */
typedef struct twin {
    double w[COUNT], m[COUNT], v[COUNT], g[COUNT];
} twin;

static double clip_of(twin *x, double most, int t) {
    double squares = 0;
    for (int k = 0; k < PARAMS; k++) {
        const dcpg_param *p = &directory[k];
        for (size_t n = 0; n < p->size && p->trainable; n++) {
            size_t i = place(p, n);
            double sign = (x->w[i] > 0) - (x->w[i] < 0);
            x->g[i] = (double)gradient(i, t) + (double)p->l1 * sign + 2 * (double)p->l2 * x->w[i];
            squares += x->g[i] * x->g[i];
        }
    }
    return most > 0 && sqrt(squares) > most ? most / sqrt(squares) : 1;
}

static void twin_step(twin *x, const dcpg_optimiser *kind, double rate, int t) {
    static double u[COUNT];
    double scale = clip_of(x, kind->clip_norm, t);
    for (int k = 0; k < PARAMS; k++) {
        const dcpg_param *p = &directory[k];
        double w2 = 0, u2 = 0, decay = p->weight.ndim > 1 ? kind->weight_decay : 0;
        for (size_t n = 0; n < p->size && p->trainable; n++) {
            size_t i = place(p, n);
            x->m[i] = 0.9 * x->m[i] + 0.1 * scale * x->g[i];
            x->v[i] = 0.999 * x->v[i] + 0.001 * pow(scale * x->g[i], 2);
            u[i] =
                x->m[i] / (1 - pow(0.9, t)) / (sqrt(x->v[i] / (1 - pow(0.999, t))) + 1e-6) + decay * x->w[i];
            w2 += x->w[i] * x->w[i];
            u2 += u[i] * u[i];
        }
        double ratio = p->weight.ndim > 1 && w2 > 0 && u2 > 0 ? sqrt(w2 / u2) : 1;
        for (size_t n = 0; n < p->size && p->trainable; n++)
            x->w[place(p, n)] -= rate * ratio * u[place(p, n)];
    }
}

/* Steps of an optimiser whose slices are those of `par`, or of one rank that owns all, with this number of
 * threads. */
static void run_all(const dcpg_optimiser *kind, bool sharded, size_t block, int threads, float *w) {
    dcpg_slices slices = {COUNT, block, par.rank, par.size}, all = {COUNT, block, 0, 1};
    dcpg_adam *adam = NULL;
    float *grads = dcpg_alloc(COUNT, sizeof *grads);
    omp_set_num_threads(threads);
    assert_int_equal(dcpg_adam_new(&net, sharded ? &slices : &all, kind, &adam, NULL), DCPG_OK);
    for (size_t i = 0; i < COUNT; i++) w[i] = first_weight(i);
    for (int t = 1; t <= STEPS; t++) {
        for (size_t i = 0; i < COUNT; i++) grads[i] = gradient(i, t);
        assert_true(dcpg_adam_apply_all(adam, &par, 0.01, grads, w));
    }
    assert_int_equal(adam->t, STEPS);
    dcpg_adam_free(adam);
    dcpg_free(grads);
}

static const dcpg_optimiser kinds[] = {
    {.lamb = true}, {.lamb = true, .weight_decay = 0.01}, {.lamb = true, .clip_norm = 3}, {.clip_norm = 3}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void follows_its_formula(void **state) {
    (void)state;
    static twin x;
    static float w[COUNT];
    for (int k = 0; k < 3; k++) {
        memset(&x, 0, sizeof x);
        for (size_t i = 0; i < COUNT; i++) x.w[i] = (double)first_weight(i);
        for (int t = 1; t <= STEPS; t++) twin_step(&x, &kinds[k], 0.01, t);
        run_all(&kinds[k], false, COUNT, 1, w);
        for (size_t i = 0; i < COUNT; i++) assert_true(fabs((double)w[i] - x.w[i]) < 2e-6);
        for (size_t i = AT_HEADS + 3; i < AT_END; i += 4) assert_true(w[i] == first_weight(i)); /* frozen */
        for (size_t i = AT_END; i < COUNT; i++) assert_true(w[i] == first_weight(i));           /* unused */
    }
}

/* A rank updates its slices only: those are compared, on every rank. */
static void slices_and_threads_give_the_same_bits(void **state) {
    (void)state;
    static float whole[COUNT], w[COUNT];
    for (int k = 0; k < KINDS; k++) {
        run_all(&kinds[k], false, COUNT, 1, whole);
        run_all(&kinds[k], false, 64, 3, w);
        assert_memory_equal(w, whole, sizeof w);
        for (size_t block = 64; block < 2 * COUNT; block *= 3)
            for (int threads = 1; threads <= 2; threads++) {
                dcpg_slices slices = {COUNT, block, par.rank, par.size};
                run_all(&kinds[k], true, block, threads, w);
                for (size_t b = 0; b < dcpg_slices_blocks(&slices); b++) {
                    dcpg_range own = dcpg_slice(&slices, b, par.rank);
                    assert_memory_equal(w + own.offset, whole + own.offset, own.count * sizeof *w);
                }
            }
    }
}

/* A gradient that is not finite is reported by the rank that has it, with every kind; the others go on to the
 * end of the step. */
static void tells_what_is_not_finite(void **state) {
    (void)state;
    static float w[COUNT], grads[COUNT];
    for (int k = 0; k < KINDS; k++)
        for (int bad = 0; bad < 2; bad++) {
            dcpg_slices slices = {COUNT, COUNT, par.rank, par.size};
            dcpg_adam *adam = NULL;
            assert_int_equal(dcpg_adam_new(&net, &slices, &kinds[k], &adam, NULL), DCPG_OK);
            for (size_t i = 0; i < COUNT; i++) w[i] = first_weight(i), grads[i] = gradient(i, 2);
            grads[AT_HEADS + 1] = bad ? INFINITY : NAN;
            dcpg_range own = dcpg_slice(&slices, 0, par.rank);
            bool mine = own.offset <= AT_HEADS + 1 && AT_HEADS + 1 < own.offset + own.count;
            assert_int_equal(dcpg_adam_apply_all(adam, &par, 0.01, grads, w), !mine);
            dcpg_adam_free(adam);
        }
}

int main(void) {
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, NULL, NULL, &err) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(follows_its_formula),
                                       cmocka_unit_test(slices_and_threads_give_the_same_bits),
                                       cmocka_unit_test(tells_what_is_not_finite)};
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
