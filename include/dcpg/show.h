/* SPDX-License-Identifier: MIT */
/* Printing data: the rows of some sites, and statistics of the outputs, from any batch source. */
#ifndef DCPG_SHOW_H
#define DCPG_SHOW_H

#include <dcpg/api.h>
#include <dcpg/log.h>
#include <dcpg/source.h>
#include <dcpg/status.h>

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

DCPG_BEGIN_C

/* Consecutive samples, and the row number printed before the first. */
typedef struct dcpg_show_run {
    int64_t n, first;
} dcpg_show_run;

typedef struct dcpg_show_options {
    int64_t start, end;       /* positions shown, both inclusive; 0: no limit */
    bool dist;                /* distances of neighbours too */
    const bool *real;         /* [source->cells.n] states of the cell are fractions */
    const dcpg_show_run *run; /* of all samples, in order */
    const char *out_tsv;      /* table to write instead of printing; NULL: print */
    bool equal_only;          /* out_tsv exists and may be replaced by the same bytes only */
} dcpg_show_options;

/* Prints chromosome, position and whatever else `source` gives of its sites, as DeepCpG's dcpg_data_show.py
 * does: outputs, bases of the window, states of the neighbours (raw, see dcpg_want) by cell. `places` has the
 * same samples without outputs and inputs: it is searched first, so that only the rows shown are read from
 * `source`. Rank 0 reads and prints. DCPG_E_USAGE if out_tsv exists and may not be replaced. Collective. */
DCPG_API dcpg_status dcpg_show_all(dcpg_source *places, dcpg_source *source, const dcpg_show_options *options,
                                   FILE *out, dcpg_log *log, dcpg_err *err);

/* Prints, as DeepCpG's dcpg_data_stats.py does, of every output of the source: number of sites, of observed
 * sites, the fraction observed, and mean and population variance of the observed labels (NaN if there are
 * none), over the first nb_sample samples (0: all). Samples are distributed among the ranks; the result does
 * not depend on the number of ranks. `out_tsv` (may be NULL): a table to write as well. Collective. */
DCPG_API dcpg_status dcpg_stats_all(dcpg_source *source, int64_t nb_sample, const char *out_tsv, FILE *out,
                                    dcpg_err *err);

DCPG_END_C

#endif
