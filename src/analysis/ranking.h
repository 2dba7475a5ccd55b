/* SPDX-License-Identifier: MIT */
/* Scores of classes over the sites of all ranks, exact in bounded memory. Output o belongs to rank o modulo
 * their number.
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
    int nb_output, nb_pool;
    const int *pool;  /* [nb_output] which outputs are scored together, too: 0 to nb_pool - 1; -1: alone */
    const char *path; /* temporary files lie beside this one */
    size_t bytes;     /* of memory for sorting; 0: a default */
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

/* Is shown the distinct predictions of an output in ascending order, before they count in `stream`. */
typedef struct dcpg_ranking_visitor {
    void *context;
    void (*visit)(void *context, int output, const dcpg_class_stream *stream, dcpg_ranked ranked);
} dcpg_ranking_visitor;

/* Scores everything added: sums[nb_output], then those of the pools, on all ranks. To be called once.
 * `visitor` (NULL: none) sees the outputs that this rank owns. Collective. */
dcpg_status dcpg_ranking_sums_all(dcpg_ranking *ranking, const dcpg_ranking_visitor *visitor,
                                  dcpg_class_sums *sums, dcpg_err *err);

/* After that: shows the visitor an output again, if this rank owns it; outputs in ascending order, and once.
 * Local. */
dcpg_status dcpg_ranking_visit(dcpg_ranking *ranking, int output, const dcpg_ranking_visitor *visitor,
                               dcpg_err *err);

#endif
