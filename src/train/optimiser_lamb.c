/* SPDX-License-Identifier: MIT */
/* LAMB, and clipping of the gradient: what needs norms over whole arrays, of which a rank may own slices. */
#include "train/optimiser.h"

#include <dcpg/kern.h>
#include <math.h>
#include <string.h>

/* A part's values one after the other. */
typedef struct part_values {
    float grad[DCPG_ADAM_PART], w[DCPG_ADAM_PART], m[DCPG_ADAM_PART], v[DCPG_ADAM_PART], u[DCPG_ADAM_PART];
} part_values;

/* The part's values from array[], where they begin: there, or gathered into `space` if they are strided. */
static const float *gather(const dcpg_adam_part *p, const float *array, float *space) {
    for (size_t i = 0; i < p->count && p->stride != 1; i++) space[i] = array[i * p->stride];
    return p->stride == 1 ? array : space;
}

static float *gather_to_change(const dcpg_adam_part *p, float *array, float *space) {
    return p->stride == 1 ? array : (float *)(uintptr_t)gather(p, array, space);
}

/* After a change: back from `space`. */
static void scatter(const dcpg_adam_part *p, const float *space, float *array) {
    for (size_t i = 0; i < p->count && p->stride != 1; i++) array[i * p->stride] = space[i];
}

/* Adds the squares of the part's values to *sum, which parts on other threads do, too. A column's values lie
 * in lines of their own. */
static void add_squares(const dcpg_adam_part *p, const float *x, dcpg_exact *sum) {
    dcpg_exact some = {{0}};
    if (p->stride == 1) {
        dcpg_add_squares(p->count, p->offset, x, &some);
    } else {
        for (size_t i = 0; i < p->count; i++) dcpg_exact_add(&some, (double)x[i] * (double)x[i]);
    }
#pragma omp critical(dcpg_adam_norm)
    dcpg_exact_merge(sum, &some);
}

/* Sums over the ranks that own slices. Collective over several slices. */
static void sum_all(const dcpg_adam *adam, const dcpg_par *par, dcpg_exact *sum, int nb) {
    if (adam->slices.size > 1) dcpg_sum_i64s_all(par, sum->word, (size_t)nb * DCPG_EXACT_WORDS);
}

static dcpg_adam_step step_of(const dcpg_adam *adam, const dcpg_adam_part *p, float scale) {
    return (dcpg_adam_step){0, adam->beta1, adam->beta2, adam->epsilon, p->l1, p->l2, scale};
}

/* ---- clipping ---- */

float dcpg_adam_clip_all(dcpg_adam *adam, const dcpg_par *par, const float *grads, const float *params) {
    *adam->norm = (dcpg_exact){{0}};
#pragma omp parallel for schedule(static)
    for (int i = 0; i < adam->nb_part; i++) {
        const dcpg_adam_part *p = &adam->part[i];
        part_values x;
        dcpg_adam_step step = step_of(adam, p, 1);
        dcpg_full_gradient(&step, p->count, gather(p, grads + p->offset, x.grad),
                           gather(p, params + p->offset, x.w), x.u);
        add_squares(p, x.u, adam->norm);
    }
    sum_all(adam, par, adam->norm, 1);
    double norm = sqrt(dcpg_exact_value(adam->norm));
    return norm > adam->kind.clip_norm ? (float)(adam->kind.clip_norm / norm) : 1;
}

/* ---- LAMB ---- */

static dcpg_lamb_step direction_of(const dcpg_adam *adam, const dcpg_adam_part *p) {
    double t = (double)adam->t;
    return (dcpg_lamb_step){.correct_m = (float)(1 / (1 - pow(adam->beta1, t))),
                            .correct_v = (float)(1 / (1 - pow(adam->beta2, t))),
                            .epsilon = adam->epsilon,
                            .decay = p->array < 0 ? 0 : (float)adam->kind.weight_decay};
}

/* The norms of array `array`: of w, then of u. */
static dcpg_exact *norms_of(const dcpg_adam *adam, int array) { return adam->norm + 1 + 2 * array; }

/* Updates the moments of a part and adds to the norms of its array. */
static bool measure(const dcpg_adam *adam, const dcpg_adam_part *p, float scale, const float *grads,
                    const float *params) {
    part_values x;
    const float *grad = gather(p, grads + p->offset, x.grad), *w = gather(p, params + p->offset, x.w);
    float *m = gather_to_change(p, adam->m + p->moment, x.m),
          *v = gather_to_change(p, adam->v + p->moment, x.v);
    dcpg_adam_step step = step_of(adam, p, scale);
    bool finite = dcpg_lamb_moments(&step, p->count, grad, w, m, v);
    scatter(p, m, adam->m + p->moment);
    scatter(p, v, adam->v + p->moment);
    if (p->array < 0) return finite;
    dcpg_lamb_step direction = direction_of(adam, p);
    dcpg_lamb_direction(&direction, p->count, w, m, v, x.u);
    add_squares(p, w, norms_of(adam, p->array));
    add_squares(p, x.u, norms_of(adam, p->array) + 1);
    return finite;
}

static double ratio_of(const dcpg_adam *adam, int array) {
    if (array < 0) return 1;
    double w = dcpg_exact_value(norms_of(adam, array)), u = dcpg_exact_value(norms_of(adam, array) + 1);
    return w > 0 && u > 0 ? sqrt(w) / sqrt(u) : 1;
}

/* Moves a part. Its direction is computed once more: cheaper than to keep that of all parameters. */
static void move(const dcpg_adam *adam, const dcpg_adam_part *p, double rate, float *params) {
    part_values x;
    float *w = gather_to_change(p, params + p->offset, x.w);
    const float *m = gather(p, adam->m + p->moment, x.m), *v = gather(p, adam->v + p->moment, x.v);
    dcpg_lamb_step direction = direction_of(adam, p);
    dcpg_lamb_direction(&direction, p->count, w, m, v, x.u);
    dcpg_lamb_move(p->count, (float)(rate * ratio_of(adam, p->array)), x.u, w);
    scatter(p, w, params + p->offset);
}

bool dcpg_adam_lamb_all(dcpg_adam *adam, const dcpg_par *par, double rate, float scale, const float *grads,
                        float *params) {
    bool finite = true;
    int norms = 2 * adam->nb_array;
    adam->t++;
    memset(norms_of(adam, 0), 0, (size_t)norms * sizeof *adam->norm);
#pragma omp parallel for schedule(static) reduction(&& : finite)
    for (int i = 0; i < adam->nb_part; i++)
        finite = measure(adam, &adam->part[i], scale, grads, params) && finite;
    sum_all(adam, par, norms_of(adam, 0), norms);
#pragma omp parallel for schedule(static)
    for (int i = 0; i < adam->nb_part; i++) move(adam, &adam->part[i], rate, params);
    return finite;
}
