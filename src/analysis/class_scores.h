/* SPDX-License-Identifier: MIT */
/* Scores of two classes from the distinct predictions in ascending order, each with how many labels of either
 * class have it. Memory does not grow with the number of labels. */
#ifndef DCPG_ANALYSIS_CLASS_SCORES_H
#define DCPG_ANALYSIS_CLASS_SCORES_H

#include <dcpg/exact.h>
#include <dcpg/metrics.h>

/* What the scores are made of: integers alone, so that the sums of parts, such as those of several ranks, add
 * up to those of the whole, with the same bits for any parts. */
typedef struct dcpg_class_sums {
    dcpg_exact half_wins; /* pairs of a positive above a negative twice, of equal ones once */
    dcpg_exact precision; /* of every positive, where the threshold is its prediction */
    dcpg_exact log_loss, square;
    int64_t count[2][2]; /* [label][class predicted] */
    int64_t nb_nan;      /* predictions that are no numbers; they count as nothing else */
} dcpg_class_sums;

/* A distinct prediction, and its labels. */
typedef struct dcpg_ranked {
    float prediction;
    int64_t up, down; /* positive and negative labels */
} dcpg_ranked;

/* Distinct predictions of one output on their way. */
typedef struct dcpg_class_stream {
    int64_t up, down;             /* labels of all predictions, also of those that other ranks see */
    int64_t up_below, down_below; /* labels of lower predictions */
    dcpg_class_sums sums;
} dcpg_class_stream;

/* Adds the next higher prediction. */
void dcpg_class_add(dcpg_class_stream *stream, dcpg_ranked ranked);

/* The score; NaN if it is not defined, or no score of classes. Definitions: dcpg/metrics.h. */
double dcpg_class_score(const dcpg_class_sums *sums, dcpg_score score);

#endif
