/* SPDX-License-Identifier: MIT */
/* Statistics over the cells that are observed at a site, or over the means of cells in a window around it, as
 * DeepCpG 1.0.7 defines them. Computed in double from values as they are stored. */
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
    DCPG_STAT_CAT_VAR,  /* 0, 1, 2: which third of (-1e-7, 0.25] holds var */
    DCPG_STAT_CAT2_VAR, /* 1: cat_var is above 0 */
    DCPG_STAT_ENTROPY,  /* in nats, of a coin with the mean, which is clipped to [1e-7, 1 - 1e-7] */
    DCPG_STAT_DIFF,     /* 1: the least value is not the largest, rounded down */
    DCPG_STAT_COV,      /* number of cells; DeepCpG names it, but does not have it */
    DCPG_NB_STAT
} dcpg_stat;

/* "mean", "mode" ... */
DCPG_API const char *dcpg_stat_name(dcpg_stat stat);

/* The statistic called so; false where there is none. */
DCPG_API bool dcpg_stat_find(const char *name, dcpg_stat *stat);

/* DCPG_E_USAGE names the first of the names that is no statistic, and those there are; `option` gave them. */
DCPG_API dcpg_status dcpg_stats_check(const dcpg_strings *names, const char *option, dcpg_err *err);

/* What the statistics are made of. Starts as {0}. */
typedef struct dcpg_moments {
    int64_t n;
    double sum, square; /* of the values, of their squares */
    double least, most;
} dcpg_moments;

DCPG_API void dcpg_moments_add(dcpg_moments *m, double value);

/* -1 where there is no value. */
DCPG_API float dcpg_stat_value(dcpg_stat stat, const dcpg_moments *m);

DCPG_END_C

#endif
