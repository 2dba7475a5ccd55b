/* SPDX-License-Identifier: MIT */
/* Statistics over the cells that are observed at a site, or over the means of cells in a window around it, as
 * DeepCpG 1.0.7 defines them. Computed in double from the stored values. */
#ifndef DCPG_STATS_H
#define DCPG_STATS_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdint.h>

DCPG_BEGIN_C

typedef enum dcpg_stat {
    DCPG_STAT_MEAN,
    DCPG_STAT_MODE,     /* the mean, rounded half to even */
    DCPG_STAT_VAR,      /* of the population */
    DCPG_STAT_CAT_VAR,  /* 0, 1, 2: the third of (-1e-7, 0.25] that var lies in */
    DCPG_STAT_CAT2_VAR, /* 1: cat_var is above 0 */
    DCPG_STAT_ENTROPY,  /* in nats, of a coin with the mean, which is clipped to [1e-7, 1 - 1e-7] */
    DCPG_STAT_DIFF,     /* 1: the least value is not the largest, rounded down */
    DCPG_STAT_COV,      /* number of cells; DeepCpG lists it but does not implement it */
    DCPG_NB_STAT
} dcpg_stat;

/* The name of a statistic: "mean", "mode" ... Pure. */
DCPG_API const char *dcpg_stat_name(dcpg_stat stat);

/* Finds the statistic of this name; false if there is none. Pure. */
DCPG_API bool dcpg_stat_find(const char *name, dcpg_stat *stat);

/* Checks that all `names`, given by `option`, are statistics. DCPG_E_USAGE names the first that is not, and
 * the known ones. Local. */
DCPG_API dcpg_status dcpg_stats_check(const dcpg_strings *names, const char *option, dcpg_err *err);

/* Sums from which statistics are computed. Start with {0}. */
typedef struct dcpg_moments {
    int64_t n;
    double sum, square; /* of the values, of their squares */
    double least, most;
} dcpg_moments;

DCPG_API void dcpg_moments_add(dcpg_moments *m, double value);

/* The statistic of the values added; -1 if there are none. Pure. */
DCPG_API float dcpg_stat_value(dcpg_stat stat, const dcpg_moments *m);

DCPG_END_C

#endif
