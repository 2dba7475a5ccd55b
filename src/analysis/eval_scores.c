/* SPDX-License-Identifier: MIT */
/* Scores over all sites. The pairs of an output are gathered and sorted on one rank, so that scores do not
 * depend on which rank predicted which site. */
#include "analysis/eval_impl.h"

#include <dcpg/memory.h>

#include <math.h>
#include <string.h>

void dcpg_eval_observed_free(eval_observed *observed) {
    for (int i = 0; i < observed->nb_column; i++) dcpg_free(observed->column[i].pair);
    dcpg_free(observed->column);
    *observed = (eval_observed){0};
}

dcpg_status dcpg_eval_observed_new(const eval_outputs *outputs, eval_observed *observed, dcpg_err *err) {
    size_t most = (size_t)outputs->nb * (1 + DCPG_MAX_CLASSES);
    *observed = (eval_observed){.column = dcpg_alloc(most, sizeof(eval_column))};
    if (!observed->column) return dcpg_fail_nomem(err, "observations", most * sizeof(eval_column));
    for (int o = 0; o < outputs->nb; o++) {
        int nb_class = outputs->kind[o].units > 1 ? outputs->kind[o].units : 0;
        for (int c = -1; c < nb_class; c++)
            observed->column[observed->nb_column++] = (eval_column){.output = o, .class_index = c};
    }
    return DCPG_OK;
}

static dcpg_status make_space(eval_column *column, int64_t more, dcpg_err *err) {
    if (column->n + more <= column->capacity) return DCPG_OK;
    int64_t capacity = column->n + more + column->capacity / 2;
    dcpg_pair *pair = dcpg_realloc(column->pair, (size_t)column->n, (size_t)capacity, sizeof *pair);
    if (!pair) return dcpg_fail_nomem(err, "observations", (unsigned long long)capacity * sizeof *pair);
    column->pair = pair;
    column->capacity = capacity;
    return DCPG_OK;
}

static float likeliest(const float *probability, int nb_class) {
    int best = 0;
    for (int c = 1; c < nb_class; c++)
        if (probability[c] > probability[best]) best = c;
    return (float)best;
}

static dcpg_pair pair_of(const eval_column *column, int units, float label, const float *prediction) {
    int c = column->class_index;
    if (units == 1) return (dcpg_pair){label, prediction[0]};
    if (c < 0) return (dcpg_pair){label, likeliest(prediction, units)};
    return (dcpg_pair){label == (float)c, prediction[c]};
}

dcpg_status dcpg_eval_observed_add(eval_observed *observed, const eval_outputs *outputs,
                                   const eval_block *block, dcpg_err *err) {
    for (int i = 0; i < observed->nb_column; i++) {
        eval_column *column = &observed->column[i];
        int units = outputs->kind[column->output].units;
        const float *label = block->label + column->output * block->capacity;
        const float *prediction = block->prediction + outputs->unit[column->output] * block->capacity;
        int64_t nb = 0;
        for (int64_t j = 0; j < block->n; j++) nb += label[j] >= 0;
        DCPG_TRY(make_space(column, nb, err));
        for (int64_t j = 0; j < block->n; j++)
            if (label[j] >= 0)
                column->pair[column->n++] = pair_of(column, units, label[j], prediction + j * units);
    }
    return DCPG_OK;
}

/* Scores the pairs of a column, into the values of its output. Local. */
static dcpg_status score_column(const eval_column *column, const char *output, dcpg_pair *pairs, int64_t n,
                                double *value, dcpg_err *err) {
    dcpg_score scores[DCPG_NB_SCORE];
    int nb = dcpg_scores_of(output, scores);
    dcpg_pairs_sort(pairs, n);
    for (int s = 0; s < nb; s++)
        if (dcpg_score_class(scores[s]) == column->class_index)
            DCPG_TRY(dcpg_score_compute(scores[s], pairs, n, &value[scores[s]], err));
    return DCPG_OK;
}

/* What every round reads and writes. */
typedef struct scoring {
    const dcpg_par *par;
    const eval_outputs *outputs;
    eval_observed *observed;
    size_t *sizes; /* [3][par->size] scratch */
    double *value; /* [outputs->nb][DCPG_NB_SCORE] */
} scoring;

/* One round: rank r receives column first + r and scores it. Collective. */
static dcpg_status score_round_all(const scoring *s, int first, dcpg_err *err) {
    const dcpg_par *par = s->par;
    eval_observed *observed = s->observed;
    size_t *at = s->sizes, *bytes = at + par->size, *received = bytes + par->size, used = 0;
    for (int r = 0; r < par->size; r++) {
        const eval_column *column = first + r < observed->nb_column ? &observed->column[first + r] : NULL;
        at[r] = used;
        bytes[r] = column ? (size_t)column->n * sizeof(dcpg_pair) : 0;
        used += bytes[r];
    }
    char *packed = dcpg_alloc(used, 1);
    dcpg_status status = packed ? DCPG_OK : dcpg_fail_nomem(err, "observations", used);
    status = dcpg_agree_all(par, status, err);
    if (status != DCPG_OK) {
        dcpg_free(packed);
        return status;
    }
    for (int r = 0; r < par->size && first + r < observed->nb_column; r++) {
        eval_column *column = &observed->column[first + r];
        if (column->n) memcpy(packed + at[r], column->pair, bytes[r]);
        dcpg_free(column->pair);
        column->pair = NULL;
    }
    const dcpg_par_parts parts = {packed, at, bytes};
    void *all = NULL;
    status = dcpg_alltoallv_all(par, &parts, &all, received, err);
    dcpg_free(packed);
    DCPG_TRY(status);
    size_t total = 0;
    for (int r = 0; r < par->size; r++) total += received[r];
    const eval_column *mine =
        first + par->rank < observed->nb_column ? &observed->column[first + par->rank] : NULL;
    if (mine)
        status = score_column(mine, s->outputs->name[mine->output], all, (int64_t)(total / sizeof(dcpg_pair)),
                              s->value + mine->output * DCPG_NB_SCORE, err);
    dcpg_free(all);
    return dcpg_agree_all(par, status, err);
}

/* Each value was computed on one rank and is 0 on all others, so the sum of the bits is the value.
 * Collective. */
static void spread_all(double *value, int64_t *bits, size_t count, const dcpg_par *par) {
    memcpy(bits, value, count * sizeof *bits);
    dcpg_sum_i64s_all(par, bits, count);
    memcpy(value, bits, count * sizeof *bits);
}

dcpg_status dcpg_eval_scores_all(eval_observed *observed, const eval_outputs *outputs, const dcpg_par *par,
                                 double *value, dcpg_err *err) {
    size_t count = (size_t)outputs->nb * DCPG_NB_SCORE;
    size_t *sizes = dcpg_alloc(3 * (size_t)par->size, sizeof *sizes);
    int64_t *bits = dcpg_alloc(count, sizeof *bits);
    dcpg_status status = sizes && bits ? DCPG_OK : dcpg_fail_nomem(err, "scores", count * sizeof *bits);
    status = dcpg_agree_all(par, status, err);
    memset(value, 0, count * sizeof *value);
    const scoring s = {par, outputs, observed, sizes, value};
    for (int first = 0; first < observed->nb_column && status == DCPG_OK; first += par->size)
        status = score_round_all(&s, first, err);
    if (status == DCPG_OK) spread_all(value, bits, count, par);
    dcpg_free(sizes);
    dcpg_free(bits);
    return status;
}
