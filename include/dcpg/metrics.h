/* Metrics of predictions, exact over all observations given. Local; order of observations does not matter to the result's bits (they are sorted). */
#ifndef DCPG_METRICS_H
#define DCPG_METRICS_H

#include <dcpg/output.h>
#include <dcpg/status.h>
#include <stdint.h>

/* An observed label and its prediction. */
typedef struct dcpg_pair {
    float label, prediction;
} dcpg_pair;

/* Metrics an output can be given in evaluation. */
typedef enum dcpg_score { DCPG_SCORE_AUC, DCPG_SCORE_ACC, DCPG_SCORE_TPR, DCPG_SCORE_TNR, DCPG_SCORE_F1, DCPG_SCORE_MCC, DCPG_SCORE_MSE, DCPG_SCORE_MAD, DCPG_SCORE_COR, DCPG_SCORE_KENDALL,
                          DCPG_SCORE_CAT_ACC, DCPG_SCORE_N } dcpg_score;

const char *dcpg_score_name(dcpg_score score);

/* The scores an output of this name gets, in report order; returns their number (at most 16). Binary: auc acc tpr tnr f1 mcc n; bulk, mean, var and cat_var as DeepCpG 1.0.7. */
int dcpg_scores_of(const char *output, dcpg_score scores[16]);

/* One score over pairs[n] (sorted in place by prediction). NaN where it is not defined (one class only). Sources of formulas: src/analysis/metrics.c. */
double dcpg_score_compute(dcpg_score score, dcpg_pair *pairs, int64_t n);

#endif
