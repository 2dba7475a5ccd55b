/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg perf`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_PERF_H
#define DCPG_CMD_OPTIONS_PERF_H

#include "cmd/cmd_options.h"

#include <dcpg/eval.h>

typedef struct perf_settings {
    dcpg_strings data, output_names, anno_files, curves, anno_curves, contexts;
    dcpg_perf_options perf;
    dcpg_cmd_common common;
} perf_settings;

extern const dcpg_cmd_syntax dcpg_cmd_perf_syntax;

#endif
