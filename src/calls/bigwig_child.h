/* SPDX-License-Identifier: MIT */
/* The intervals of a bigWig, read by a child process: libBigWig trusts its input and writes out of bounds
 * where a file is damaged. Only the child is harmed then; it has limits of time and memory. */
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

/* Intervals of one chromosome, at most so many as above. */
typedef struct dcpg_bigwig_part {
    int32_t n;
    int32_t is_last; /* nothing is in it, and nothing follows: all was read */
    char chromo[DCPG_BIGWIG_NAME];
    dcpg_bigwig_interval v[DCPG_BIGWIG_PART];
} dcpg_bigwig_part;

/* Starts the child, which has seconds and memory in proportion to the file's `bytes`. DCPG_E_IO: the system
 * has no process for it. Close with dcpg_bigwig_close. Local. */
dcpg_status dcpg_bigwig_open(const char *path, int64_t bytes, dcpg_bigwig **file, dcpg_err *err);
void dcpg_bigwig_close(dcpg_bigwig *file); /* NULL is fine; ends the child */

/* The next part; false where the child ended without the last one, for it crashed, met damage or its limits.
 * Local. */
bool dcpg_bigwig_next(dcpg_bigwig *file, dcpg_bigwig_part *part);

#endif
