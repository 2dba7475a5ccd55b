/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg eval`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_EVAL_H
#define DCPG_CMD_OPTIONS_EVAL_H

#include "cmd/cmd_options.h"

#include <dcpg/eval.h>
#include <dcpg/source.h>

typedef struct eval_settings {
    dcpg_strings files, chromos, model_files, replicate_names, output_names;
    const char *keras_backend, *split;
    int64_t nb_replicate;
    bool any_cells;
    dcpg_hiding hiding;
    int64_t seed; /* of hiding */
    dcpg_eval_options eval;
    dcpg_cmd_common common;
} eval_settings;

extern const dcpg_cmd_syntax dcpg_cmd_eval_syntax;

#endif
