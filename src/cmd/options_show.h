/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg show`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_SHOW_H
#define DCPG_CMD_OPTIONS_SHOW_H

#include "cmd/cmd_options.h"

#include <dcpg/show.h>

typedef struct show_settings {
    dcpg_strings files;
    dcpg_words outputs, cells;
    const char *chromo;
    int64_t dna_wlen, cpg_wlen;
    dcpg_show_options show;
    dcpg_cmd_common common;
} show_settings;

extern const dcpg_cmd_syntax dcpg_cmd_show_syntax;

#endif
