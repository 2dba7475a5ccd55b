/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg convert`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_CONVERT_H
#define DCPG_CMD_OPTIONS_CONVERT_H

#include "cmd/cmd_options.h"
#include "cmd/convert.h"

typedef struct convert_settings {
    dcpg_strings files, chromos, dna_files;
    const char *out_file;
    int64_t cpg_stats_cov;
    dcpg_cmd_windows windows;
    dcpg_cmd_common common;
} convert_settings;

extern const dcpg_cmd_syntax dcpg_cmd_convert_syntax;

#endif
