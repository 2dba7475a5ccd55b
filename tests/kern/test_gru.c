/* SPDX-License-Identifier: MIT */
/* GRU in all its forms: forward and backward against the twin, the twin against finite differences, leaves,
 * bits. */
#include "check.h"

typedef struct shape {
    int64_t n, t, c, u;
} shape;

static const shape shapes[] = {{1, 1, 1, 1}, {2, 1, 3, 2},    {1, 4, 2, 3},   {3, 5, 1, 4},
                               {5, 3, 7, 5}, {17, 6, 20, 16}, {35, 4, 21, 33}};
enum { NB_SHAPE = sizeof shapes / sizeof shapes[0], NB_FORM = 16 };

typedef struct problem {
    dcpg_gru gru;
    int64_t n, outputs, nb_bias, y_stride; /* outputs: rows of y */
    array x, w, r, b, dy, y, saved, scratch;
} problem;

static problem make(shape s, int form) {
    problem p = {.n = s.n,
                 .gru = {.t = s.t,
                         .c = s.c,
                         .u = s.u,
                         .backwards = form & 1,
                         .sequences = form & 2,
                         .reset_after = form & 4}};
    p.gru.recurrent_activation = form & 8 ? DCPG_SIGMOID : DCPG_HARD_SIGMOID;
    p.outputs = s.n * (p.gru.sequences ? s.t : 1);
    p.nb_bias = (p.gru.reset_after ? 6 : 3) * s.u;
    p.y_stride = 2 * s.u + 1;
    p.x = noise(s.n * s.t * s.c, 1.0);
    p.w = noise(s.c * 3 * s.u, 3.0 / (double)s.c); /* closes some gates of the hard sigmoid */
    p.r = noise(s.u * 3 * s.u, 2.0 / (double)s.u);
    p.b = noise(p.nb_bias, 1.0);
    p.dy = noise(p.outputs * s.u, 1.0);
    p.y = zeros(p.outputs * s.u);
    p.saved = noise((int64_t)dcpg_gru_saved(&p.gru, s.n), 1.0);
    p.scratch = noise((int64_t)dcpg_gru_scratch(&p.gru, s.n), 1.0);
    return p;
}

static double loss(const void *context) {
    const problem *p = context;
    naive_gru_forward(&p->gru, p->n, p->x.d, p->w.d, p->r.d, p->b.d, p->y.d);
    return dot(p->y.count, p->y.d, p->dy.d);
}

/* The arrays of nb samples, from sample `first` on, with rows of y that lie y_stride apart. */
static dcpg_gru_arrays arrays_of(const problem *p, int64_t first, int64_t nb, int64_t y_stride) {
    return (dcpg_gru_arrays){.n = nb,
                             .x = p->x.f + first * p->gru.t * p->gru.c,
                             .w = p->w.f,
                             .r = p->r.f,
                             .b = p->b.f,
                             .y_stride = y_stride,
                             .saved = p->saved.f,
                             .scratch = p->scratch.f};
}

/* Forward into columns of a wider array, from which the result is copied to p->y.f. */
static void forward(problem *p, bool keep) {
    array wide = noise(p->outputs * p->y_stride, 1.0);
    dcpg_gru_arrays in = arrays_of(p, 0, p->n, p->y_stride);
    if (!keep) in.saved = NULL;
    dcpg_gru_forward(&p->gru, &in, wide.f + 1);
    dcpg_copy_columns(p->outputs, p->gru.u, (dcpg_mat){wide.f + 1, p->y_stride, 1},
                      (dcpg_mat_out){p->y.f, p->gru.u, 1}, false);
    nb_array--; /* `wide` was the last one */
    free(arrays[nb_array].f);
    free(arrays[nb_array].d);
}

static void backward(problem *p, bool accumulate, float *dx) {
    dcpg_gru_arrays in = arrays_of(p, 0, p->n, p->gru.u);
    dcpg_gru_backward_input(&p->gru, &in, p->dy.f, accumulate, dx);
}

/* Sums over samples first .. end-1. */
static void backward_weight(const problem *p, int64_t first, int64_t end, array dw, array dr, array db) {
    dcpg_gru_arrays in = arrays_of(p, 0, p->n, p->gru.u);
    dcpg_gru_gradient out = {.dw = dw.f, .dr = dr.f, .db = db.f};
    dcpg_gru_backward_weight(&p->gru, &in, first, end, &out);
}

static void test_twin(void **state) {
    (void)state;
    for (int s = 0; s < NB_SHAPE * NB_FORM; s++) {
        problem p = make(shapes[s / NB_FORM], s % NB_FORM);
        naive_gru_forward(&p.gru, p.n, p.x.d, p.w.d, p.r.d, p.b.d, p.y.d);
        forward(&p, false);
        assert_close("prediction", p.y.count, p.y.f, p.y.d, 2e-6);
        forward(&p, true);
        assert_close("forward", p.y.count, p.y.f, p.y.d, 2e-6);

        array dx = noise((int64_t)p.x.count, 1.0), dw = noise((int64_t)p.w.count, 1.0),
              dr = noise((int64_t)p.r.count, 1.0), db = noise(p.nb_bias, 1.0),
              sum = zeros((int64_t)p.x.count);
        naive_gru_gradient want = {sum.d, dw.d, dr.d, db.d};
        naive_gru_backward(&p.gru, p.n, p.x.d, p.w.d, p.r.d, p.b.d, p.dy.d, &want);
        memcpy(sum.f, dx.f, dx.count * sizeof(float));
        for (size_t i = 0; i < dx.count; i++) dx.d[i] += sum.d[i];
        backward(&p, true, sum.f);
        assert_close("dx added", dx.count, sum.f, dx.d, 5e-6);
        backward_weight(&p, 0, p.n, dw, dr, db);
        assert_close("dw", dw.count, dw.f, dw.d, 5e-6);
        assert_close("dr", dr.count, dr.f, dr.d, 5e-6);
        assert_close("db", db.count, db.f, db.d, 5e-6);
        if (p.n * p.gru.t * p.gru.u <= 30) {
            forward(&p, true);
            backward(&p, false, dx.f);
            assert_gradient("dx", dx.count, dx.f, p.x.d, loss, &p);
            assert_gradient("dw", dw.count, dw.f, p.w.d, loss, &p);
            if (p.gru.t > 1) assert_gradient("dr", dr.count, dr.f, p.r.d, loss, &p);
            assert_gradient("db", db.count, db.f, p.b.d, loss, &p);
        }
        free_arrays();
    }
}

/* Weight gradients of leaves add up to the gradient of all samples. */
static void test_leaves(void **state) {
    (void)state;
    for (int form = 0; form < NB_FORM; form++) {
        problem p = make((shape){17, 6, 20, 16}, form);
        array part[3], sum[3];
        const int64_t leaf[] = {0, 1, 6, 17}, counts[] = {(int64_t)p.w.count, (int64_t)p.r.count, p.nb_bias};
        for (int i = 0; i < 3; i++) {
            part[i] = zeros(counts[i]);
            sum[i] = zeros(counts[i]);
        }
        forward(&p, true);
        backward(&p, false, NULL); /* without a gradient of the input */
        for (int l = 0; l < 3; l++) {
            backward_weight(&p, leaf[l], leaf[l + 1], part[0], part[1], part[2]);
            for (int i = 0; i < 3; i++) {
                for (size_t j = 0; j < sum[i].count; j++) sum[i].d[j] += (double)part[i].f[j];
            }
        }
        backward_weight(&p, 0, p.n, part[0], part[1], part[2]);
        for (int i = 0; i < 3; i++) assert_close("leaves", part[i].count, part[i].f, sum[i].d, 2e-6);
        free_arrays();
    }
}

static void test_bits(void **state) {
    (void)state;
    for (int form = 0; form < NB_FORM; form++) {
        problem p = make((shape){70, 5, 33, 40}, form);
        array dx = zeros((int64_t)p.x.count), dx1 = zeros((int64_t)p.x.count), dw = zeros((int64_t)p.w.count),
              dr = zeros((int64_t)p.r.count), db = zeros(p.nb_bias);
        SAME_ON_ANY_THREADS("forward", p.y.count, p.y.f, (void)0, forward(&p, true));
        SAME_ON_ANY_THREADS("backward", dx.count, dx.f, forward(&p, true), backward(&p, false, dx.f));
        SAME_ON_ANY_THREADS("dw", dw.count, dw.f, (void)0, backward_weight(&p, 3, 60, dw, dr, db));
        SAME_ON_ANY_THREADS("dr", dr.count, dr.f, (void)0, backward_weight(&p, 3, 60, dw, dr, db));
        /* a few samples by themselves */
        const int64_t first = 31, nb = 7, rows = p.gru.sequences ? p.gru.t : 1, u = p.gru.u,
                      in = p.gru.t * p.gru.c;
        array y1 = zeros(nb * rows * u);
        dcpg_gru_arrays some = arrays_of(&p, first, nb, u);
        dcpg_gru_forward(&p.gru, &some, y1.f);
        assert_same_bits("forward of seven samples", y1.count, y1.f, p.y.f + first * rows * u);
        dcpg_gru_backward_input(&p.gru, &some, p.dy.f + first * rows * u, false, dx1.f);
        assert_same_bits("backward of seven samples", (size_t)(nb * in), dx1.f, dx.f + first * in);
        some.saved = NULL;
        dcpg_gru_forward(&p.gru, &some, y1.f);
        assert_same_bits("prediction of seven samples", y1.count, y1.f, p.y.f + first * rows * u);
        free_arrays();
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {NUMBERS_TEST(test_twin), NUMBERS_TEST(test_leaves),
                                       NUMBERS_TEST(test_bits)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
