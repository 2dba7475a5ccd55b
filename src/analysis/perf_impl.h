/* SPDX-License-Identifier: MIT */
/* Interfaces between the files of `dcpg perf`. Private to this module. */
#ifndef DCPG_ANALYSIS_PERF_IMPL_H
#define DCPG_ANALYSIS_PERF_IMPL_H

#include "analysis/eval_impl.h"
#include "analysis/export_impl.h"
#include "genome/bed.h"

/* ---- contexts: sets of sites, or of sites and cells; perf_contexts.c ---- */

/* Contexts of one kind, one after the other: sites with more and more of something. */
typedef struct perf_bins {
    int first, nb; /* nb 0: not wanted */
} perf_bins;

typedef struct perf_contexts {
    dcpg_strings names; /* "global", annotations, bins */
    int nb_anno;
    dcpg_bed *bed;     /* [nb_anno] */
    int64_t *on;       /* [nb_anno][chromosomes of the data] chromosome of the BED file; -1: none */
    int64_t nb_chromo; /* of the data */
    perf_bins coverage, density, distance;
    int64_t *nb_site; /* [nb_anno] annotated sites, of all ranks once they have been summed */
} perf_contexts;

/* Reads the annotations. `ordered`: sites lie in order, so that neighbours can be found. Local. */
dcpg_status dcpg_perf_contexts_open(const dcpg_perf_options *options, const export_data *data,
                                    const export_chromos *chromos, bool ordered, perf_contexts *contexts,
                                    dcpg_err *err);
void dcpg_perf_contexts_close(perf_contexts *contexts);

/* Rows of the data file: those from `first` to `end` are scored, the others from `low` to `high` are seen as
 * neighbours. Arrays begin with row `low`. */
typedef struct perf_block {
    int64_t first, end, low, high, capacity;
    int64_t most;          /* rows scored at a time */
    int32_t *chromo, *pos; /* [capacity] */
    float *label;          /* [outputs][capacity] */
    float *prediction;     /* those of output o: [capacity][units] at capacity * unit[o] */
    int32_t *coverage;     /* [capacity] cells observed */
    int32_t *density;      /* [capacity] sites within PERF_NEAR bp */
    int32_t *distance; /* [capacity] bp to the next observed site of the present output, of those that were
                          not hidden from it; INT32_MAX: farther than PERF_FAR */
    uint8_t *part;     /* [capacity] of the calls, in which the present output's call is; 0: none is hidden */
    const export_chromos *chromos; /* the caller's */
} perf_block;

enum { PERF_NEAR = 500, PERF_FAR = 10000, PERF_MOST_CONTEXTS = 256 };

/* Writes the contexts of row i of the block, for the present output, into list[PERF_MOST_CONTEXTS]; returns
 * their number. Pure. */
int dcpg_perf_contexts_at(const perf_contexts *contexts, const perf_block *block, int64_t i, int *list);

/* Computes coverage and density; distance of output o. Local. */
void dcpg_perf_measure(const eval_outputs *outputs, perf_block *block);
void dcpg_perf_measure_distance(const eval_outputs *outputs, perf_block *block, int o);

/* ---- curves, perf_curves.c ---- */

typedef struct perf_curves perf_curves;

/* Which curves of a context are wanted. */
typedef struct perf_wish {
    bool roc, pr;
} perf_wish;

typedef struct perf_curves_options {
    const eval_outputs *outputs;
    const eval_observed *observed;
    const dcpg_strings *contexts;
    const perf_wish *wish; /* [contexts] */
    int64_t most;          /* points of a curve */
} perf_curves_options;

dcpg_status dcpg_perf_curves_new(const perf_curves_options *options, perf_curves **curves, dcpg_err *err);
void dcpg_perf_curves_free(perf_curves *curves); /* NULL is fine */

/* For dcpg_ranking_sums_all: counts the points. */
dcpg_ranking_visitor dcpg_perf_curves_counter(perf_curves *curves);

/* Writes the rows of all curves to `file` on rank 0. Collective. */
dcpg_status dcpg_perf_curves_write_all(perf_curves *curves, dcpg_ranking *ranking, const dcpg_par *par,
                                       FILE *file, dcpg_err *err);

#endif
