/* SPDX-License-Identifier: MIT */
/* Settings of `dcpg train`, as its options fill them. Private to the command. */
#ifndef DCPG_CMD_OPTIONS_TRAIN_H
#define DCPG_CMD_OPTIONS_TRAIN_H

#include "cmd/cmd_options.h"
#include "cmd/train_model.h"

#include <dcpg/train.h>

typedef struct train_settings {
    dcpg_strings files, val_files, train_chromos, val_chromos, output_names, output_weights, replicate_names;
    const char *resume, *max_memory, *grad_comm, *comm_memory, *optimizer, *lr_scaling, *split;
    int64_t nb_output, nb_replicate, virtual_ranks, seed;
    bool any_cells;
    dcpg_words profile;
    train_model_options model;
    dcpg_train_options train;
    dcpg_cmd_common common;
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS]; /* the options, pointing to the members above */
} train_settings;

extern const dcpg_cmd_syntax dcpg_cmd_train_syntax;

#endif
