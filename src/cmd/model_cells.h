/* SPDX-License-Identifier: MIT */
/* Chooses the cells of the data that a trained model reads, and names its outputs accordingly. Private to the
 * commands. */
#ifndef DCPG_CMD_MODEL_CELLS_H
#define DCPG_CMD_MODEL_CELLS_H

#include "cmd/sources.h"

#include <dcpg/graph.h>
#include <dcpg/log.h>

/* The user's options for them. */
typedef struct dcpg_cmd_cells_wish {
    const dcpg_strings *names; /* --replicate_names */
    int64_t most;              /* --nb_replicate; 0: all */
    bool any;                  /* --any_cells */
} dcpg_cmd_cells_wish;

/* A loaded model. */
typedef struct dcpg_cmd_cells_model {
    const char *name;        /* as the user named it */
    const dcpg_graph *graph; /* reads neighbours */
    bool other_numbers;      /* it can be resized to another number of cells */
} dcpg_cmd_cells_model;

/* Adds the cells for the model's inputs to `chosen`, in the order of the inputs: those that the user names,
 * in the order of the words (in the model's order where they are the model's); with --any_cells those of the
 * data in their order; otherwise those of the model, which must all be there. Where the cells are not the
 * model's, logs which are taken for which. DCPG_E_INPUT: the data lack cells of the model, or more or fewer
 * are chosen than it reads. Local. */
dcpg_status dcpg_cmd_choose_cells(const dcpg_cmd_cells_wish *wish, const dcpg_cmd_named *data,
                                  const dcpg_cmd_cells_model *model, dcpg_log *log, dcpg_strings *chosen,
                                  dcpg_err *err);

/* Adds the names that the graph's outputs have in the data, in their order: their own, but "cpg/x" for
 * "cpg/a" where cell x was chosen for the model's a. Local. */
dcpg_status dcpg_cmd_name_outputs(const dcpg_graph *graph, const dcpg_strings *chosen, dcpg_strings *names,
                                  dcpg_err *err);

#endif
