/* SPDX-License-Identifier: MIT */
/* Metrics of predictions, exact over all observations given. Local. The order of observations does not matter
 * to a result's bits: they are sorted. */
#ifndef DCPG_METRICS_H
#define DCPG_METRICS_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <stdint.h>

DCPG_BEGIN_C

/* An observed label and its prediction. For scores of classes (auc, acc ...) labels are rounded half to even,
 * and so are predictions: 1 above 0.5. */
typedef struct dcpg_pair {
    float label, prediction;
} dcpg_pair;

/* Scores of an output, in the order of reports (by name). */
typedef enum dcpg_score {
    DCPG_SCORE_ACC,
    DCPG_SCORE_AUC,   /* area under the ROC curve: P(positive is above negative) + P(equal) / 2, of Mann and
                         Whitney */
    DCPG_SCORE_AUC_0, /* of class 0, 1, 2 against the rest (cat_var) */
    DCPG_SCORE_AUC_1,
    DCPG_SCORE_AUC_2,
    DCPG_SCORE_AUPRC,   /* average precision: the mean over the positives of the precision at a threshold of
                           their prediction */
    DCPG_SCORE_BRIER,   /* mean squared difference of class and prediction (Brier 1950) */
    DCPG_SCORE_CAT_ACC, /* labels and predictions are class numbers */
    DCPG_SCORE_COR,     /* Pearson's */
    DCPG_SCORE_F1,
    DCPG_SCORE_KENDALL,  /* tau-b */
    DCPG_SCORE_LOG_LOSS, /* mean -ln of the probability of the class, which is taken to be at least the
                            epsilon of a float, 2^-23, away from 0 and 1, as in scikit-learn */
    DCPG_SCORE_MAD,      /* mean absolute deviation */
    DCPG_SCORE_MCC,      /* Matthews' correlation */
    DCPG_SCORE_MSE,
    DCPG_SCORE_N,
    DCPG_SCORE_TNR,
    DCPG_SCORE_TPR,
    DCPG_NB_SCORE
} dcpg_score;

/* The name of a score: "auc", "auc_0", "kendall" ... Pure. */
DCPG_API const char *dcpg_score_name(dcpg_score score);

/* The class whose probability auc_0, auc_1 or auc_2 uses; -1: the score is of the output as a whole. Pure. */
DCPG_API int dcpg_score_class(dcpg_score score);

/* The scores of an output of this name, those of DeepCpG 1.0.7 and, for probabilities, auprc, brier and
 * log_loss; returns their number. cpg/..., mode, diff, cat2_var and unknown names: acc auc auprc brier f1
 * log_loss mcc n tnr tpr; bulk/...: acc auc cor f1 mad mcc mse n tnr tpr; mean: and kendall; var and entropy:
 * cor kendall mad mse n; cat_var: auc of each class, cat_acc, n. */
DCPG_API int dcpg_scores_of(const char *output, dcpg_score scores[DCPG_NB_SCORE]);

/* Sorts pairs[n] by prediction, then label; NaN comes last. */
DCPG_API void dcpg_pairs_sort(dcpg_pair *pairs, int64_t n);

/* One score over the sorted pairs[n]. NaN if there is nothing to score, if a prediction is NaN, and where the
 * score is not defined: auc of one class only, auprc without positives, tnr without
 * negatives, cor and kendall where either side is
 * constant. tpr without positives, f1 without true positives and mcc of one class are 0, as in scikit-learn.
 * Fails only for lack of memory (kendall). */
DCPG_API dcpg_status dcpg_score_compute(dcpg_score score, const dcpg_pair *pairs, int64_t n, double *value,
                                        dcpg_err *err);

DCPG_END_C

#endif
