/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg data`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_DATA_H
#define DCPG_CMD_OPTIONS_DATA_H

#include "cmd/cmd_options.h"
#include "cmd/convert.h"

#include <dcpg/store_make.h>

typedef struct data_settings {
    dcpg_strings profiles, dna_files, chromos, bulk_profiles, anno_files, cpg_stats, win_stats;
    dcpg_strings win_stats_wlen;
    const char *call, *ties, *sites, *max_memory;
    int64_t bedgraph_base;
    dcpg_store_options store;
    dcpg_cmd_windows windows; /* of --out_dir */
    dcpg_cmd_common common;
} data_settings;

extern const dcpg_cmd_syntax dcpg_cmd_data_syntax;

#endif
