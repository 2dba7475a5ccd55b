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
    dcpg_free(observed->first);
    dcpg_free(observed->pool);
    dcpg_ranking_free(observed->ranking);
    *observed = (eval_observed){0};
}

bool dcpg_eval_is_cell(const char *output) { return strncmp(output, "cpg/", 4) == 0; }

/* Whether the ranking computes the score. */
static bool is_ranked(dcpg_score score) {
    static const dcpg_score others[] = {DCPG_SCORE_CAT_ACC, DCPG_SCORE_COR, DCPG_SCORE_KENDALL,
                                        DCPG_SCORE_MAD, DCPG_SCORE_MSE};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (score == others[i]) return false;
    return true;
}

static eval_column column_of(const eval_outputs *outputs, int output, int class_index) {
    eval_column column = {.output = output, .class_index = class_index};
    dcpg_score scores[DCPG_NB_SCORE];
    int nb = dcpg_scores_of(outputs->name[output], scores);
    for (int s = 0; s < nb; s++) {
        if (dcpg_score_class(scores[s]) != class_index || scores[s] == DCPG_SCORE_N) continue;
        *(is_ranked(scores[s]) ? &column.ranked : &column.paired) = true;
    }
    return column;
}

/* Columns of the first context; outputs with classes have one for each. */
static void add_columns(const eval_outputs *outputs, eval_observed *observed) {
    for (int o = 0; o < outputs->nb; o++) {
        int nb_class = outputs->kind[o].units > 1 ? outputs->kind[o].units : 0;
        observed->first[o] = observed->per_context;
        for (int c = -1; c < nb_class; c++)
            observed->column[observed->per_context++] = column_of(outputs, o, c);
    }
}

dcpg_status dcpg_eval_observed_new(const eval_outputs *outputs, const char *path, const dcpg_par *par,
                                   eval_observed *observed, dcpg_err *err) {
    size_t contexts = (size_t)outputs->nb_context,
           most = contexts * (size_t)outputs->nb * (1 + DCPG_MAX_CLASSES);
    *observed = (eval_observed){.column = dcpg_alloc(most, sizeof(eval_column)),
                                .first = dcpg_alloc((size_t)outputs->nb, sizeof(int)),
                                .pool = dcpg_alloc(most, sizeof(int))};
    if (!observed->column || !observed->first || !observed->pool)
        return dcpg_fail_nomem(err, "observations", most * sizeof(eval_column));
    add_columns(outputs, observed);
    observed->nb_column = outputs->nb_context * observed->per_context;
    for (int i = 0; i < observed->nb_column; i++) {
        eval_column *column = &observed->column[i];
        *column = observed->column[i % observed->per_context];
        column->context = i / observed->per_context;
        bool cell = column->class_index < 0 && dcpg_eval_is_cell(outputs->name[column->output]);
        observed->pool[i] = cell ? column->context : -1;
    }
    const dcpg_ranking_options options = {.nb_output = observed->nb_column,
                                          .nb_pool = outputs->nb_context,
                                          .pool = observed->pool,
                                          .path = path};
    return dcpg_ranking_new(&options, par, &observed->ranking, err);
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

static dcpg_status add_to_column(eval_observed *observed, int i, dcpg_pair pair, dcpg_err *err) {
    eval_column *column = &observed->column[i];
    if (column->paired) {
        DCPG_TRY(make_space(column, 1, err));
        column->pair[column->n++] = pair;
    }
    if (!column->ranked) return DCPG_OK;
    return dcpg_ranking_add(observed->ranking, i, pair.label > 0.5f, pair.prediction, err);
}

dcpg_status dcpg_eval_observed_add(eval_observed *observed, int column, int units, float label,
                                   const float *prediction, dcpg_err *err) {
    int nb_column = units > 1 ? 1 + units : 1;
    for (int i = column; i < column + nb_column; i++)
        DCPG_TRY(add_to_column(observed, i, pair_of(&observed->column[i], units, label, prediction), err));
    return DCPG_OK;
}

static dcpg_status add_block(eval_observed *observed, const eval_outputs *outputs, const eval_block *block,
                             dcpg_err *err) {
    for (int o = 0; o < outputs->nb; o++) {
        int units = outputs->kind[o].units, column = eval_column_of(observed, 0, o);
        const float *label = block->label + o * block->capacity,
                    *prediction = block->prediction + outputs->unit[o] * block->capacity;
        for (int64_t j = 0; j < block->n; j++)
            if (label[j] >= 0)
                DCPG_TRY(
                    dcpg_eval_observed_add(observed, column, units, label[j], prediction + j * units, err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_eval_observed_add_all(eval_observed *observed, const eval_outputs *outputs,
                                       const eval_block *block, const dcpg_par *par, dcpg_err *err) {
    DCPG_TRY(dcpg_agree_all(par, add_block(observed, outputs, block, err), err));
    return dcpg_ranking_exchange_all(observed->ranking, err);
}

/* Scores the pairs of a column, into the values of its output; the ranking has the other scores. Local. */
static dcpg_status score_column(const eval_column *column, const char *output, dcpg_pair *pairs, int64_t n,
                                double *value, dcpg_err *err) {
    dcpg_score scores[DCPG_NB_SCORE];
    int nb = dcpg_scores_of(output, scores);
    dcpg_pairs_sort(pairs, n);
    for (int s = 0; s < nb; s++)
        if (dcpg_score_class(scores[s]) == column->class_index &&
            (!is_ranked(scores[s]) || (scores[s] == DCPG_SCORE_N && !column->ranked)))
            DCPG_TRY(dcpg_score_compute(scores[s], pairs, n, &value[scores[s]], err));
    return DCPG_OK;
}

/* What every round reads and writes. */
typedef struct scoring {
    const dcpg_par *par;
    const eval_outputs *outputs;
    eval_observed *observed;
    size_t *sizes; /* [3][par->size] scratch */
    double *value; /* [nb_context][nb + NB_EVAL_ROW][DCPG_NB_SCORE] */
} scoring;

/* The scores of a row of a context. */
static double *values_of(const eval_outputs *outputs, double *value, int context, int row) {
    return value + (size_t)context * eval_values(outputs) + (size_t)row * DCPG_NB_SCORE;
}

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
                              values_of(s->outputs, s->value, mine->context, mine->output), err);
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

/* Scores what pairs are kept for. Collective. */
static dcpg_status score_pairs_all(eval_observed *observed, const eval_outputs *outputs, const dcpg_par *par,
                                   double *value, dcpg_err *err) {
    size_t count = (size_t)outputs->nb_context * eval_values(outputs);
    size_t *sizes = dcpg_alloc(3 * (size_t)par->size, sizeof *sizes);
    int64_t *bits = dcpg_alloc(count, sizeof *bits);
    dcpg_status status = sizes && bits ? DCPG_OK : dcpg_fail_nomem(err, "scores", count * sizeof *bits);
    status = dcpg_agree_all(par, status, err);
    const scoring s = {par, outputs, observed, sizes, value};
    for (int first = 0; first < observed->nb_column && status == DCPG_OK; first += par->size)
        status = score_round_all(&s, first, err);
    if (status == DCPG_OK) spread_all(value, bits, count, par);
    dcpg_free(sizes);
    dcpg_free(bits);
    return status;
}

/* ---- scores of classes, means, pooled scores ---- */

bool dcpg_eval_has_score(const eval_outputs *outputs, int row, dcpg_score score) {
    dcpg_score scores[DCPG_NB_SCORE];
    bool has = false;
    if (row == outputs->nb + EVAL_MEAN) {
        for (int o = 0; o < outputs->nb; o++) has = has || dcpg_eval_has_score(outputs, o, score);
        return has;
    }
    if (row == outputs->nb + EVAL_POOLED) {
        for (int o = 0; o < outputs->nb; o++)
            has = has || (dcpg_eval_is_cell(outputs->name[o]) && dcpg_eval_has_score(outputs, o, score));
        return has;
    }
    int nb = dcpg_scores_of(outputs->name[row], scores);
    for (int s = 0; s < nb; s++) has = has || scores[s] == score;
    return has;
}

static void score_classes(const dcpg_class_sums *sums, int class_index, const eval_outputs *outputs, int row,
                          double *value) {
    for (int s = 0; s < DCPG_NB_SCORE; s++)
        if (is_ranked((dcpg_score)s) && dcpg_score_class((dcpg_score)s) == class_index &&
            dcpg_eval_has_score(outputs, row, (dcpg_score)s))
            value[s] = dcpg_class_score(sums, (dcpg_score)s);
}

/* Means over the outputs for which a score is defined, of a context's values. */
static void take_means(const eval_outputs *outputs, double *value) {
    double *mean = value + (outputs->nb + EVAL_MEAN) * DCPG_NB_SCORE;
    for (int s = 0; s < DCPG_NB_SCORE; s++) {
        double sum = 0;
        int nb = 0;
        for (int o = 0; o < outputs->nb; o++) {
            double x = value[o * DCPG_NB_SCORE + s];
            if (!dcpg_eval_has_score(outputs, o, (dcpg_score)s) || isnan(x)) continue;
            sum += x;
            nb++;
        }
        mean[s] = nb ? sum / nb : NAN;
    }
}

/* Scores by the ranking, and the rows after those of the outputs. sums[nb_column + nb_context] */
static void take_sums(const eval_observed *observed, const eval_outputs *outputs, const dcpg_class_sums *sums,
                      double *value) {
    for (int i = 0; i < observed->nb_column; i++) {
        const eval_column *column = &observed->column[i];
        if (column->ranked)
            score_classes(&sums[i], column->class_index, outputs, column->output,
                          values_of(outputs, value, column->context, column->output));
    }
    for (int c = 0; c < outputs->nb_context; c++) {
        int row = outputs->nb + EVAL_POOLED;
        score_classes(&sums[observed->nb_column + c], -1, outputs, row, values_of(outputs, value, c, row));
        take_means(outputs, values_of(outputs, value, c, 0));
    }
}

dcpg_status dcpg_eval_scores_all(eval_observed *observed, const eval_outputs *outputs,
                                 const dcpg_ranking_visitor *visitor, const dcpg_par *par, double *value,
                                 dcpg_err *err) {
    size_t nb = (size_t)(observed->nb_column + outputs->nb_context);
    dcpg_class_sums *sums = dcpg_alloc(nb, sizeof *sums);
    dcpg_status status = sums ? DCPG_OK : dcpg_fail_nomem(err, "scores", nb * sizeof *sums);
    memset(value, 0, (size_t)outputs->nb_context * eval_values(outputs) * sizeof *value);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = score_pairs_all(observed, outputs, par, value, err);
    if (status == DCPG_OK) status = dcpg_ranking_sums_all(observed->ranking, visitor, sums, err);
    if (status == DCPG_OK) take_sums(observed, outputs, sums, value);
    dcpg_free(sums);
    return status;
}
