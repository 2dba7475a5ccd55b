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

/* The fields of a line, which they point into; NULL: absent. */
typedef struct dcpg_bed_line {
    char *chromo, *first, *last; /* start and end as they are written */
    int32_t start, end;          /* if they are right */
} dcpg_bed_line;

typedef enum dcpg_bed_kind { DCPG_BED_NOTHING, DCPG_BED_INTERVAL, DCPG_BED_WRONG } dcpg_bed_kind;

/* Splits a line, which it changes: NOTHING if it is empty, a comment, or a track or browser line; INTERVAL if
 * a start of 0 or more and an end of at most DCPG_MAX_LENGTH, which is not before it, follow the chromosome.
 * Local. */
dcpg_bed_kind dcpg_bed_split(char *text, dcpg_bed_line *line);

/* Reads lines of chromosome, start and end, separated by tabs or blanks (further columns are ignored); plain,
 * gzip or bgzip. Empty lines, comments, track and browser lines, and a first line of column names are
 * skipped. DCPG_E_INPUT with file and line: fewer than three columns, a start below 0 or after the end, a
 * number above 2147483646. A file without intervals is fine. Free with dcpg_bed_free, also after a failure.
 * Local. */
dcpg_status dcpg_bed_read(const char *path, dcpg_bed *bed, dcpg_err *err);
void dcpg_bed_free(dcpg_bed *bed);

#endif
