/* SPDX-License-Identifier: MIT */
/* Export by regions: intervals of a BED file, or bins, and sums over the sites in each. Private to this
 * module. */
#ifndef DCPG_ANALYSIS_EXPORT_REGIONS_H
#define DCPG_ANALYSIS_EXPORT_REGIONS_H

#include "analysis/export_impl.h"

/* Sites at positions start + 1 to end, of chromosome number `chromo`. */
typedef struct export_region {
    int32_t chromo, start, end;
} export_region;

typedef struct export_regions {
    export_region *v; /* in the order of chromosomes in the data file, then by start and end; all differ */
    int64_t n, capacity;
} export_regions;

/* The intervals of options->regions on the chromosomes exported, or the bins of options->bins that hold a
 * site. Reads the same on all ranks. Local. */
dcpg_status dcpg_export_regions_open(export_run *run, export_regions *regions, dcpg_err *err);
void dcpg_export_regions_close(export_regions *regions);

/* What a column holds in a region. */
typedef struct export_sum {
    double sum; /* of its n values */
    int64_t n, observed, methylated;
} export_sum;

/* Sums of all columns over regions [first, first + n). */
typedef struct export_pool {
    int64_t first, n;
    const export_sum *sum;  /* [columns][n] */
    const int64_t *nb_site; /* [n] sites of the data file in each region */
} export_pool;

typedef dcpg_status export_pool_fn(const export_run *run, const export_pool *pool, void *to, dcpg_err *err);

/* Most regions that are summed up at a time: a multiple of EXPORT_POOL, unless there are fewer. */
enum { EXPORT_POOL = 1024 };

/* Each rank sums up its share of the columns over some regions at a time; rank 0 receives the sums and calls
 * `take`. Results do not depend on the number of ranks. Collective. */
dcpg_status dcpg_export_pool_all(export_run *run, const export_regions *regions, export_pool_fn *take,
                                 void *to, dcpg_err *err);

#endif
