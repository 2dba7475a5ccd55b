/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg simulate`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_SIMULATE_H
#define DCPG_CMD_OPTIONS_SIMULATE_H

#include "cmd/cmd_options.h"

#include <dcpg/simulate.h>

typedef struct simulate_settings {
    dcpg_simulate_options options;
    dcpg_strings dna_files, chromo_len;
    int64_t seed;
} simulate_settings;

extern const dcpg_cmd_syntax dcpg_cmd_simulate_syntax;

#endif
