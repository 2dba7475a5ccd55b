/* SPDX-License-Identifier: MIT */
/* Reads the intervals of a bigWig in a child process, since libBigWig trusts its input and writes out of
 * bounds on damaged files: only the child is harmed then, and its time and memory are limited. */
#ifndef DCPG_CALLS_BIGWIG_CHILD_H
#define DCPG_CALLS_BIGWIG_CHILD_H

#include <dcpg/status.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct dcpg_bigwig dcpg_bigwig;

typedef struct dcpg_bigwig_interval {
    uint32_t start, end; /* [start, end), 0-based */
    float value;
} dcpg_bigwig_interval;

enum { DCPG_BIGWIG_PART = 4096, DCPG_BIGWIG_NAME = 256 };

/* Intervals of one chromosome, at most DCPG_BIGWIG_PART. */
typedef struct dcpg_bigwig_part {
    int32_t n;
    int32_t is_last; /* 1: an empty part, after the whole file was read */
    char chromo[DCPG_BIGWIG_NAME];
    dcpg_bigwig_interval v[DCPG_BIGWIG_PART];
} dcpg_bigwig_part;

/* Starts the child, whose limits of time and memory grow with `bytes`, the size of the file. DCPG_E_IO: the
 * system has no pipe or process for it. Close with dcpg_bigwig_close. Local. */
dcpg_status dcpg_bigwig_open(const char *path, int64_t bytes, dcpg_bigwig **file, dcpg_err *err);
void dcpg_bigwig_close(dcpg_bigwig *file); /* NULL is fine; ends the child */

/* Reads the next part; false if the child ended before the last one because it crashed, found damage or
 * reached its limits. Local. */
bool dcpg_bigwig_next(dcpg_bigwig *file, dcpg_bigwig_part *part);

#endif
