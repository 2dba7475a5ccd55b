/* SPDX-License-Identifier: MIT */
/* Options of `dcpg models`. */
#include "cmd/options_models.h"

#define TO(member) offsetof(models_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "dna_model",
     .kind = DCPG_OPT_STRING,
     .to = TO(part[DCPG_PART_DNA]),
     .meaning = "NAME",
     .help = "name or specification of a DNA model"},
    {.name = "cpg_model",
     .kind = DCPG_OPT_STRING,
     .to = TO(part[DCPG_PART_CPG]),
     .meaning = "NAME",
     .help = "name or specification of a CpG model"},
    {.name = "joint_model",
     .kind = DCPG_OPT_STRING,
     .to = TO(part[DCPG_PART_JOINT]),
     .meaning = "NAME",
     .help = "name or specification of what joins the two"},
    {.name = "dna_wlen",
     .kind = DCPG_OPT_INT,
     .to = TO(dna_wlen),
     .initial = "1001",
     .min = 1,
     .max = 1e6,
     .meaning = "BP",
     .help = "length of the DNA window in bp, odd"},
    {.name = "cpg_wlen",
     .kind = DCPG_OPT_INT,
     .to = TO(cpg_wlen),
     .initial = "50",
     .min = 2,
     .max = 1e5,
     .meaning = "N",
     .help = "observed neighbours per cell, even"},
    {.name = "nb_output",
     .kind = DCPG_OPT_INT,
     .to = TO(nb_output),
     .initial = "1",
     .max = 1e6,
     .meaning = "N",
     .help = "output heads (a list shows models without)"},
    {.name = "cells",
     .kind = DCPG_OPT_INT,
     .to = TO(nb_cell),
     .initial = "1",
     .min = 1,
     .max = 1e6,
     .meaning = "N",
     .help = "cells whose neighbours a CpG model sees"},
    {.name = "keras_backend",
     .kind = DCPG_OPT_STRING,
     .to = TO(keras_backend),
     .meaning = "NAME",
     .help = "theano or tensorflow: who wrote model files that do not say"},
    {0}};

const dcpg_cmd_syntax dcpg_cmd_models_syntax = {
    .usage = "dcpg models [NAME|SPEC|FILE ...] [options]",
    .about = "Lists the model zoo with parameter counts and specifications; or the layers, output "
             "shapes and sizes of the models named: names of the zoo, of which a DNA, a CpG and a "
             "joint one together are joined; a specification of a DNA model (of others by option); or "
             "a trained model: its directory, model.h5, or model.json with or without weights.",
    .options = options};
