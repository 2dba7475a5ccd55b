/* SPDX-License-Identifier: MIT */
/* BED files: intervals by chromosome. */
#ifndef DCPG_GENOME_BED_H
#define DCPG_GENOME_BED_H

#include <dcpg/map.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stdint.h>

/* An interval with the numbers of the file, both ends included. */
typedef struct dcpg_interval {
    int32_t start, end;
} dcpg_interval;

typedef struct dcpg_bed_chromo {
    char *chromo; /* name as in the file */
    int64_t n, capacity;
    dcpg_interval *v; /* [n] sorted; overlapping intervals are joined */
} dcpg_bed_chromo;

typedef struct dcpg_bed {
    int64_t nb_chromo, capacity;
    dcpg_bed_chromo *chromo; /* [nb_chromo] in the order of the file */
    dcpg_map number;         /* of each name: its place in chromo[] */
    bool named;              /* a first line of column names was skipped */
} dcpg_bed;

/* Reads lines of chromosome, start and end, separated by tabs or blanks (further columns are ignored); plain,
 * gzip or bgzip. Empty lines, comments, track and browser lines, and a first line of column names are
 * skipped. DCPG_E_INPUT with file and line: fewer than three columns, a start below 0 or after the end, a
 * number above 2147483646. A file without intervals is fine. Free with dcpg_bed_free, also after a failure.
 * Local. */
dcpg_status dcpg_bed_read(const char *path, dcpg_bed *bed, dcpg_err *err);
void dcpg_bed_free(dcpg_bed *bed);

#endif
