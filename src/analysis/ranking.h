/* SPDX-License-Identifier: MIT */
/* Scores of classes over the sites of all ranks, exact in bounded memory.
 *
 * Each output has an owner, to which all ranks send its predictions and labels. The owner sorts them, partly
 * on disk, and scores them as they come by in order. For the pooled scores all ranks exchange the predictions
 * of all outputs, sorted again, range by range. */
#ifndef DCPG_ANALYSIS_RANKING_H
#define DCPG_ANALYSIS_RANKING_H

#include "analysis/class_scores.h"

#include <dcpg/par.h>

typedef struct dcpg_ranking dcpg_ranking;

typedef struct dcpg_ranking_options {
    int nb_output;
    const bool *pooled; /* [nb_output] outputs that count among the pooled ones */
    const char *path;   /* temporary files lie beside this one */
    size_t bytes;       /* of memory for sorting; 0: a default */
} dcpg_ranking_options;

/* A ranking of nothing yet; `par`, and what the options point to, must outlive it. Free with
 * dcpg_ranking_free. Local. */
dcpg_status dcpg_ranking_new(const dcpg_ranking_options *options, const dcpg_par *par, dcpg_ranking **ranking,
                             dcpg_err *err);
void dcpg_ranking_free(dcpg_ranking *ranking); /* NULL is fine */

/* Adds an observed label, of the positive class or not, with its prediction. Local. */
dcpg_status dcpg_ranking_add(dcpg_ranking *ranking, int output, bool positive, float prediction,
                             dcpg_err *err);

/* Sends what was added to the owners. To be called often enough that what is added meanwhile fits into
 * memory. Collective. */
dcpg_status dcpg_ranking_exchange_all(dcpg_ranking *ranking, dcpg_err *err);

/* Scores everything added: sums[nb_output], then those of all pooled outputs, on all ranks. May be called
 * once. Collective. */
dcpg_status dcpg_ranking_sums_all(dcpg_ranking *ranking, dcpg_class_sums *sums, dcpg_err *err);

#endif
