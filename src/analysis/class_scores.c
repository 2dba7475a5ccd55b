/* SPDX-License-Identifier: MIT */
/* Scores of two classes. */
#include "analysis/class_scores.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>

/* Adds an integer, which may have more digits than a double. */
static void add_integer(dcpg_exact *sum, uint64_t x) {
    dcpg_exact_add(sum, (double)(x & UINT32_MAX));
    dcpg_exact_add(sum, ldexp((double)(x >> 32), 32));
}

/* -ln(p) of `n` labels, with p at least as far from 0 and 1 as in scikit-learn. */
static double loss_of(int64_t n, double p) {
    const double least = FLT_EPSILON;
    p = p < least ? least : p > 1 - least ? 1 - least : p;
    return n ? (double)n * -log(p) : 0;
}

void dcpg_class_add(dcpg_class_stream *stream, dcpg_ranked r) {
    dcpg_class_sums *sums = &stream->sums;
    if (isnan(r.prediction)) {
        sums->nb_nan += r.up + r.down;
        return;
    }
    double p = (double)r.prediction, above_up = (double)(stream->up - stream->up_below),
           above_down = (double)(stream->down - stream->down_below);
    bool predicted = r.prediction > 0.5f;
    sums->count[1][predicted] += r.up;
    sums->count[0][predicted] += r.down;
    /* Mann and Whitney 1947: ties count half. */
    add_integer(&sums->half_wins, (uint64_t)r.up * (uint64_t)(2 * stream->down_below + r.down));
    if (r.up) dcpg_exact_add(&sums->precision, (double)r.up * (above_up / (above_up + above_down)));
    dcpg_exact_add(&sums->log_loss, loss_of(r.up, p) + loss_of(r.down, 1 - p));
    dcpg_exact_add(&sums->square, (double)r.up * ((1 - p) * (1 - p)) + (double)r.down * (p * p));
    stream->up_below += r.up;
    stream->down_below += r.down;
}

/* Matthews 1975. */
static double mcc(double tp, double fp, double tn, double fn) {
    double square = (tp + fp) * (tp + fn) * (tn + fp) * (tn + fn);
    return square > 0 ? (tp * tn - fp * fn) / sqrt(square) : 0;
}

/* a / b; `otherwise` if b is 0. */
static double ratio(double a, double b, double otherwise) { return b > 0 ? a / b : otherwise; }

double dcpg_class_score(const dcpg_class_sums *sums, dcpg_score score) {
    double tp = (double)sums->count[1][1], fp = (double)sums->count[0][1], tn = (double)sums->count[0][0],
           fn = (double)sums->count[1][0], up = tp + fn, down = tn + fp, n = up + down;
    if (score == DCPG_SCORE_N) return n + (double)sums->nb_nan;
    if (sums->nb_nan || n == 0) return NAN;
    switch (score) {
    case DCPG_SCORE_AUC:
    case DCPG_SCORE_AUC_0:
    case DCPG_SCORE_AUC_1:
    case DCPG_SCORE_AUC_2:
        return up > 0 && down > 0 ? dcpg_exact_value(&sums->half_wins) / 2 / (up * down) : NAN;
    case DCPG_SCORE_AUPRC:
        return up > 0 ? dcpg_exact_value(&sums->precision) / up : NAN;
    case DCPG_SCORE_ACC:
        return (tp + tn) / n;
    case DCPG_SCORE_TPR:
        return ratio(tp, up, 0);
    case DCPG_SCORE_TNR:
        return ratio(tn, down, NAN);
    case DCPG_SCORE_F1:
        return ratio(2 * tp, 2 * tp + fp + fn, 0);
    case DCPG_SCORE_MCC:
        return mcc(tp, fp, tn, fn);
    case DCPG_SCORE_LOG_LOSS:
        return dcpg_exact_value(&sums->log_loss) / n;
    case DCPG_SCORE_BRIER:
        return dcpg_exact_value(&sums->square) / n;
    default:
        return NAN;
    }
}
