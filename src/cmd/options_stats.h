/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg stats`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_STATS_H
#define DCPG_CMD_OPTIONS_STATS_H

#include "cmd/cmd_options.h"

typedef struct stats_settings {
    dcpg_strings files, chromos, output_names;
    const char *out_tsv;
    int64_t nb_sample;
    dcpg_cmd_common common;
} stats_settings;

extern const dcpg_cmd_syntax dcpg_cmd_stats_syntax;

#endif
