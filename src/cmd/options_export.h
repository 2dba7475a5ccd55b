/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg export`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_EXPORT_H
#define DCPG_CMD_OPTIONS_EXPORT_H

#include "cmd/cmd_options.h"

#include <dcpg/eval.h>

typedef struct export_settings {
    dcpg_strings data, chromos, output_names;
    dcpg_export_options export;
    dcpg_cmd_common common;
} export_settings;

extern const dcpg_cmd_syntax dcpg_cmd_export_syntax;

#endif
