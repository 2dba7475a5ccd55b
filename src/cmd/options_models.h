/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg models`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_MODELS_H
#define DCPG_CMD_OPTIONS_MODELS_H

#include "cmd/cmd_options.h"

#include <dcpg/spec.h>

typedef struct models_settings {
    dcpg_strings names;
    const char *part[3]; /* models by dcpg_model_part, as options name them */
    const char *keras_backend;
    int64_t dna_wlen, cpg_wlen, nb_output, nb_cell;
} models_settings;

extern const dcpg_cmd_syntax dcpg_cmd_models_syntax;

#endif
