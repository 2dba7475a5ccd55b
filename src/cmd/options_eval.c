/* SPDX-License-Identifier: MIT */
/* Options of `dcpg eval`. */
#include "cmd/options_eval.h"
#include "cmd/split.h"

#define TO(member) offsetof(eval_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "model_files",
     .kind = DCPG_OPT_LIST,
     .to = TO(model_files),
     .meaning = "FILE",
     .help = "the model: a directory, a model.h5, or model.json and weights"},
    {.name = "keras_backend",
     .kind = DCPG_OPT_STRING,
     .to = TO(keras_backend),
     .meaning = "NAME",
     .help = "theano or tensorflow: who wrote model files that do not say (default: theano for files "
             "of Keras 1)"},
    {.name = "chromos",
     .kind = DCPG_OPT_LIST,
     .to = TO(chromos),
     .meaning = "NAME",
     .help = "chromosomes to evaluate on (default: all)"},
    {.name = "split",
     .kind = DCPG_OPT_STRING,
     .to = TO(split),
     .meaning = "NAME",
     .help = "evaluate on the chromosomes to test on. " DCPG_CMD_SPLIT_HELP},
    {.name = "out_data",
     .kind = DCPG_OPT_STRING,
     .to = TO(eval.out_data),
     .meaning = "FILE",
     .help = "HDF5 file of labels and predictions to write"},
    {.name = "out_report",
     .kind = DCPG_OPT_STRING,
     .to = TO(eval.out_report),
     .meaning = "FILE",
     .help = "table of metrics to write: metric, output, value; of each output, their means (mean) and those "
             "of all cells together (pooled)"},
    {.name = "replicate_names",
     .kind = DCPG_OPT_LIST,
     .to = TO(replicate_names),
     .meaning = "REGEX",
     .help = "cells whose neighbours a CpG model sees, in the order of those that it was trained on: "
             "their names, or regular expressions (default: those of the model, which must be there)"},
    DCPG_CMD_OPT_NB_REPLICATE(eval_settings, nb_replicate),
    {.name = "any_cells",
     .kind = DCPG_OPT_FLAG,
     .to = TO(any_cells),
     .help = "take the cells of the data in their order, whatever cells the model was trained on; "
             "each stands for the model's cell at its place, as an output, too"},
    {.name = "output_names",
     .kind = DCPG_OPT_LIST,
     .to = TO(output_names),
     .meaning = "REGEX",
     .help = "outputs of the model to evaluate: their names, or regular expressions (default: all)"},
    {.name = "hide",
     .kind = DCPG_OPT_INT,
     .to = TO(hiding.parts),
     .initial = "0",
     .max = 100,
     .meaning = "K",
     .help =
         "cross-validate the imputation: hide a K-th of the calls at a time, chosen at random, from the "
         "neighbours of all sites, and predict each observed call in the pass in which it is hidden; what "
         "was not observed is predicted with nothing hidden (0: each call is predicted from all others, "
         "as in papers)"},
    {.name = "hide_seed",
     .kind = DCPG_OPT_INT,
     .to = TO(seed),
     .initial = "0",
     .max = 9e18,
     .meaning = "N",
     .help = "chooses which calls --hide hides together"},
    {.name = "nb_sample",
     .kind = DCPG_OPT_INT,
     .to = TO(eval.nb_sample),
     .initial = "0",
     .max = 9e18,
     .meaning = "N",
     .help = "the first N sites only (0: all)"},
    {.name = "batch_size",
     .kind = DCPG_OPT_INT,
     .to = TO(eval.batch),
     .initial = "0",
     .max = 1e6,
     .meaning = "N",
     .help = "sites per forward pass and rank; changes no result (0: chosen here)"},
    {.name = "resume",
     .kind = DCPG_OPT_FLAG,
     .to = TO(eval.resume),
     .help = "go on with an evaluation that was stopped or killed: with the same data, model and options it "
             "ends with the same bytes, on any number of ranks. What is done is in OUT_DATA.partial "
             "(or OUT_REPORT.partial). Starts where nothing is done yet"},
    DCPG_CMD_OPT_VERBOSE(eval_settings),
    DCPG_CMD_OPT_LOG_FILE(eval_settings),
    DCPG_CMD_OPT_STALL(eval_settings),
    DCPG_CMD_OPT_FORCE(eval_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_eval_syntax = {
    .usage = "dcpg eval STORE|FILE... --model_files DIR --out_data FILE --out_report FILE [options]",
    .about = "Predicts the methylation of every site and cell with a trained model, and scores the "
             "predictions where the state is known; metrics are exact over all sites. The data are a "
             "store (made by dcpg data) or DeepCpG data files.",
    .options = options};
