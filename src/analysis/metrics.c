/* SPDX-License-Identifier: MIT */
/* Metrics of binary, continuous and categorical outputs. */
#include "analysis/class_scores.h"

#include <dcpg/memory.h>
#include <dcpg/metrics.h>
#include <dcpg/output.h>

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

const char *dcpg_score_name(dcpg_score score) {
    static const char *const names[DCPG_NB_SCORE] = {
        "acc", "auc",     "auc_0",    "auc_1", "auc_2", "auprc", "brier", "cat_acc", "cor",
        "f1",  "kendall", "log_loss", "mad",   "mcc",   "mse",   "n",     "tnr",     "tpr"};
    assert((int)score >= 0 && score < DCPG_NB_SCORE);
    return names[score];
}

int dcpg_score_class(dcpg_score score) {
    return score >= DCPG_SCORE_AUC_0 && score <= DCPG_SCORE_AUC_2 ? (int)(score - DCPG_SCORE_AUC_0) : -1;
}

static int add_scores(dcpg_score *scores, int nb, const dcpg_score *more, size_t count) {
    memcpy(scores + nb, more, count * sizeof *more);
    return nb + (int)count;
}

int dcpg_scores_of(const char *output, dcpg_score scores[DCPG_NB_SCORE]) {
    static const dcpg_score classes[] = {DCPG_SCORE_ACC, DCPG_SCORE_AUC, DCPG_SCORE_F1,
                                         DCPG_SCORE_MCC, DCPG_SCORE_TNR, DCPG_SCORE_TPR};
    static const dcpg_score probabilities[] = {DCPG_SCORE_AUPRC, DCPG_SCORE_BRIER, DCPG_SCORE_LOG_LOSS};
    static const dcpg_score continuous[] = {DCPG_SCORE_COR, DCPG_SCORE_MAD, DCPG_SCORE_MSE};
    static const dcpg_score categories[] = {DCPG_SCORE_AUC_0, DCPG_SCORE_AUC_1, DCPG_SCORE_AUC_2,
                                            DCPG_SCORE_CAT_ACC};
    dcpg_output_kind kind = dcpg_output_kind_of(output);
    bool categorical = kind.loss == DCPG_LOSS_CCE, squared = kind.loss == DCPG_LOSS_MSE, accuracy = false;
    for (int m = 0; m < kind.nb_metric; m++) accuracy = accuracy || kind.metric[m] == DCPG_METRIC_ACC;
    int nb = 0;
    scores[nb++] = DCPG_SCORE_N;
    if (categorical) nb = add_scores(scores, nb, categories, 4);
    if (squared) nb = add_scores(scores, nb, continuous, 3);
    if (accuracy) nb = add_scores(scores, nb, classes, 6);
    if (accuracy && !squared) nb = add_scores(scores, nb, probabilities, 3);
    if (squared && strncmp(output, "bulk/", 5) != 0) scores[nb++] = DCPG_SCORE_KENDALL;
    return nb;
}

/* ---- order ---- */

static int compare_floats(float a, float b) {
    if (a < b) return -1;
    if (a > b) return 1;
    return isnan(a) - isnan(b);
}

static int compare_pairs(const void *a, const void *b) {
    const dcpg_pair *x = a, *y = b;
    int by_prediction = compare_floats(x->prediction, y->prediction);
    return by_prediction ? by_prediction : compare_floats(x->label, y->label);
}

void dcpg_pairs_sort(dcpg_pair *pairs, int64_t n) {
    if (n > 1) qsort(pairs, (size_t)n, sizeof *pairs, compare_pairs);
}

/* End of the run of equal predictions that begins at i. */
static int64_t tie_end(const dcpg_pair *pairs, int64_t n, int64_t i) {
    int64_t end = i + 1;
    while (end < n && pairs[end].prediction == pairs[i].prediction) end++;
    return end;
}

/* ---- classes ---- */

static bool positive(float value) { return value > 0.5f; }

static dcpg_class_sums class_sums(const dcpg_pair *pairs, int64_t n) {
    dcpg_class_stream stream = {0};
    for (int64_t i = 0; i < n; i++) *(positive(pairs[i].label) ? &stream.up : &stream.down) += 1;
    for (int64_t i = 0, end; i < n; i = end) {
        dcpg_ranked ranked = {.prediction = pairs[i].prediction};
        end = tie_end(pairs, n, i);
        for (int64_t j = i; j < end; j++) *(positive(pairs[j].label) ? &ranked.up : &ranked.down) += 1;
        dcpg_class_add(&stream, ranked);
    }
    return stream.sums;
}

/* ---- numbers ---- */

static double mean_error(const dcpg_pair *pairs, int64_t n, bool squared) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) {
        double difference = (double)pairs[i].label - (double)pairs[i].prediction;
        sum += squared ? difference * difference : fabs(difference);
    }
    return sum / (double)n;
}

static bool one_side_constant(const dcpg_pair *pairs, int64_t n) {
    bool constant = true;
    for (int64_t i = 1; i < n && constant; i++) constant = pairs[i].label == pairs[0].label;
    return constant || pairs[0].prediction == pairs[n - 1].prediction;
}

static double pearson(const dcpg_pair *pairs, int64_t n) {
    double x = 0, y = 0, xx = 0, yy = 0, xy = 0;
    for (int64_t i = 0; i < n; i++) {
        x += (double)pairs[i].label;
        y += (double)pairs[i].prediction;
    }
    x /= (double)n;
    y /= (double)n;
    for (int64_t i = 0; i < n; i++) {
        double dx = (double)pairs[i].label - x, dy = (double)pairs[i].prediction - y;
        xx += dx * dx;
        yy += dy * dy;
        xy += dx * dy;
    }
    return xy / sqrt(xx * yy);
}

/* ---- Kendall's tau-b ---- */

static int64_t pairs_of(int64_t n) { return n * (n - 1) / 2; }

/* Sorts x[n] and returns how many of its pairs were in the wrong order. */
static int64_t sort_and_count(float *x, float *scratch, int64_t n) {
    if (n < 2) return 0;
    int64_t half = n / 2;
    int64_t swaps = sort_and_count(x, scratch, half) + sort_and_count(x + half, scratch, n - half);
    for (int64_t a = 0, b = half, i = 0; i < n; i++) {
        bool left = b >= n || (a < half && x[a] <= x[b]);
        if (!left) swaps += half - a;
        scratch[i] = left ? x[a++] : x[b++];
    }
    memcpy(x, scratch, (size_t)n * sizeof *x);
    return swaps;
}

/* Knight 1966, in n log n: with pairs sorted by prediction, the discordant pairs are the swaps that sort
 * their labels. */
static double kendall(const dcpg_pair *pairs, int64_t n, float *labels, float *scratch) {
    int64_t ties_x = 0, ties_y = 0, ties_both = 0, run = 1;
    for (int64_t i = 0, end; i < n; i = end) {
        end = tie_end(pairs, n, i);
        ties_x += pairs_of(end - i);
    }
    for (int64_t i = 0; i < n; i++) {
        labels[i] = pairs[i].label;
        bool same =
            i > 0 && pairs[i].prediction == pairs[i - 1].prediction && pairs[i].label == pairs[i - 1].label;
        run = same ? run + 1 : 1;
        ties_both += run - 1;
    }
    int64_t swaps = sort_and_count(labels, scratch, n);
    run = 1;
    for (int64_t i = 1; i < n; i++) {
        run = labels[i] == labels[i - 1] ? run + 1 : 1;
        ties_y += run - 1;
    }
    int64_t all = pairs_of(n), concordant_less_discordant = all - ties_x - ties_y + ties_both - 2 * swaps;
    return (double)concordant_less_discordant / sqrt((double)(all - ties_x)) / sqrt((double)(all - ties_y));
}

static dcpg_status compute_kendall(const dcpg_pair *pairs, int64_t n, double *value, dcpg_err *err) {
    float *labels = dcpg_alloc(2 * (size_t)n, sizeof *labels);
    if (!labels) return dcpg_fail_nomem(err, "Kendall's tau", 2 * (size_t)n * sizeof *labels);
    *value = kendall(pairs, n, labels, labels + n);
    dcpg_free(labels);
    return DCPG_OK;
}

/* ---- all metrics ---- */

static double compute(dcpg_score score, const dcpg_pair *pairs, int64_t n) {
    dcpg_class_sums sums;
    int64_t equal = 0;
    switch (score) {
    case DCPG_SCORE_MSE:
        return mean_error(pairs, n, true);
    case DCPG_SCORE_MAD:
        return mean_error(pairs, n, false);
    case DCPG_SCORE_COR:
        return one_side_constant(pairs, n) ? NAN : pearson(pairs, n);
    case DCPG_SCORE_CAT_ACC:
        for (int64_t i = 0; i < n; i++) equal += pairs[i].label == pairs[i].prediction;
        return (double)equal / (double)n;
    default:
        sums = class_sums(pairs, n);
        return dcpg_class_score(&sums, score);
    }
}

dcpg_status dcpg_score_compute(dcpg_score score, const dcpg_pair *pairs, int64_t n, double *value,
                               dcpg_err *err) {
    *value = score == DCPG_SCORE_N ? (double)n : NAN;
    if (score == DCPG_SCORE_N || n == 0 || isnan(pairs[n - 1].prediction)) return DCPG_OK;
    if (score == DCPG_SCORE_KENDALL)
        return one_side_constant(pairs, n) ? DCPG_OK : compute_kendall(pairs, n, value, err);
    *value = compute(score, pairs, n);
    return DCPG_OK;
}
