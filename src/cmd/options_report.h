/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg report`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_REPORT_H
#define DCPG_CMD_OPTIONS_REPORT_H

#include "cmd/cmd_options.h"

#include <dcpg/report.h>

typedef struct report_settings {
    dcpg_strings inputs, output_names, anno_files;
    dcpg_report_options report;
    dcpg_cmd_common common;
} report_settings;

extern const dcpg_cmd_syntax dcpg_cmd_report_syntax;

#endif
