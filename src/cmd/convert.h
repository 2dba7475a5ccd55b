/* SPDX-License-Identifier: MIT */
/* Writing DeepCpG data files, as `dcpg convert` and `dcpg data --out_dir` do it. Private to the commands. */
#ifndef DCPG_CMD_CONVERT_H
#define DCPG_CMD_CONVERT_H

#include "cmd/sources.h"

#include <dcpg/log.h>

/* What a user can say about the files. */
typedef struct dcpg_cmd_windows {
    const char *out_dir;
    int64_t dna_wlen, cpg_wlen; /* -1: as usual, or as the data have them */
    bool no_dna, force;
    int64_t chunk_size, seed;
    dcpg_strings replicates, outputs; /* regular expressions; none: all */
} dcpg_cmd_windows;

/* Writes `data` on `chromos` (empty: all) as DeepCpG data files. Collective. */
dcpg_status dcpg_cmd_write_files_all(const dcpg_cmd_windows *windows, const dcpg_cmd_named *data,
                                     const dcpg_strings *chromos, dcpg_log *log, dcpg_err *err);

/* Windows that are windows: odd, even. Local. */
dcpg_status dcpg_cmd_check_windows(const dcpg_cmd_windows *windows, dcpg_err *err);

#endif
