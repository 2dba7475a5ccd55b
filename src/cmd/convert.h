/* SPDX-License-Identifier: MIT */
/* Writes DeepCpG data files, for `dcpg convert` and `dcpg data --out_dir`. Private to the commands. */
#ifndef DCPG_CMD_CONVERT_H
#define DCPG_CMD_CONVERT_H

#include "cmd/sources.h"

#include <dcpg/log.h>

/* The user's options for the files. */
typedef struct dcpg_cmd_windows {
    const char *out_dir;
    int64_t dna_wlen, cpg_wlen; /* bp, neighbours; -1: the usual ones, or those of the data */
    bool no_dna, force;
    int64_t chunk_size, seed;
    dcpg_strings replicates, outputs; /* regular expressions; none: all */
} dcpg_cmd_windows;

/* Writes `data` on `chromos` (empty: all) as DeepCpG data files. Collective. */
dcpg_status dcpg_cmd_write_files_all(const dcpg_cmd_windows *windows, const dcpg_cmd_named *data,
                                     const dcpg_strings *chromos, dcpg_log *log, dcpg_err *err);

/* DCPG_E_USAGE unless dna_wlen is odd and cpg_wlen even, where they are above 0. Local. */
dcpg_status dcpg_cmd_check_windows(const dcpg_cmd_windows *windows, dcpg_err *err);

#endif
