/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg status`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_STATUS_H
#define DCPG_CMD_OPTIONS_STATUS_H

#include "cmd/cmd_options.h"

typedef struct status_settings {
    dcpg_strings dirs;
} status_settings;

extern const dcpg_cmd_syntax dcpg_cmd_status_syntax;

#endif
