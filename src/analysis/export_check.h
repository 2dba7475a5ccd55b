/* SPDX-License-Identifier: MIT */
/* Checks of a data file before export writes anything. Private to this module. */
#ifndef DCPG_ANALYSIS_EXPORT_CHECK_H
#define DCPG_ANALYSIS_EXPORT_CHECK_H

#include <dcpg/status.h>

#include <stddef.h>
#include <stdint.h>

/* Most bytes of a chromosome's name as stored. */
enum { EXPORT_MAX_WIDTH = 4096 };

/* A chromosome's name, of `width` bytes at most, fits (chromo.h). DCPG_E_INPUT names file and row. */
dcpg_status dcpg_export_check_chromo(const char *file, const char *name, size_t width, int64_t row,
                                     dcpg_err *err);

/* A position: 1 to 2^31 - 2. */
dcpg_status dcpg_export_check_position(const char *file, int32_t pos, int64_t row, dcpg_err *err);

/* Labels and predictions [n][classes] of rows from `first` on. A label is missing (-1 or NaN) or, like a
 * prediction, from 0 to 1 (of an entropy: at least 0). */
typedef struct export_values {
    const char *file, *output;
    const float *label, *prediction;
    int64_t first, n, classes;
} export_values;
dcpg_status dcpg_export_check_values(const export_values *values, dcpg_err *err);

/* Whether an output's name can be part of a file name: no control characters, no leading '.', at most 200
 * bytes. */
dcpg_status dcpg_export_check_output(const char *file, const char *output, dcpg_err *err);

#endif
