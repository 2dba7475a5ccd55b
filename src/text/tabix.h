/* SPDX-License-Identifier: MIT */
/* Indices of sorted bgzip tables, by which tabix and genome browsers read a part of them. */
#ifndef DCPG_TEXT_TABIX_H
#define DCPG_TEXT_TABIX_H

#include <dcpg/status.h>

#include <stdbool.h>

/* What is appended to the table's path: .csi where it holds a position of 2^29 and more, which .tbi cannot.
 */
#define DCPG_TBI ".tbi"
#define DCPG_CSI ".csi"

/* The columns of a table, from 1, and whether its positions count from 0; `skip`: lines of column names.
 * Lines that begin with '#' are comments. */
typedef struct dcpg_tabix {
    int chromo, start, end;
    bool zero_based;
    int skip;
    bool wide; /* some positions are 2^29 or more */
} dcpg_tabix;

/* Writes the index of the table at `path`, and removes one of the other kind. DCPG_E_IO: it cannot be
 * written. Local. */
dcpg_status dcpg_tabix_write(const char *path, const dcpg_tabix *table, dcpg_err *err);

#endif
