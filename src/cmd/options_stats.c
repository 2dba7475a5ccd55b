/* SPDX-License-Identifier: MIT */
/* Options of `dcpg stats`. */
#include "cmd/options_stats.h"

#define TO(member) offsetof(stats_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "out_tsv",
     .kind = DCPG_OPT_STRING,
     .to = TO(out_tsv),
     .meaning = "FILE",
     .help = "write the table to this file too"},
    {.name = "output_names",
     .kind = DCPG_OPT_LIST,
     .to = TO(output_names),
     .meaning = "REGEX",
     .help = "outputs: their names, or regular expressions (left out: all)"},
    {.name = "chromos",
     .kind = DCPG_OPT_LIST,
     .to = TO(chromos),
     .meaning = "NAME",
     .help = "use only these chromosomes (left out: all)"},
    {.name = "nb_sample",
     .kind = DCPG_OPT_INT,
     .to = TO(nb_sample),
     .initial = "0",
     .max = 9e18,
     .meaning = "N",
     .help = "the first N sites only (0: all)"},
    DCPG_CMD_OPT_VERBOSE(stats_settings),
    DCPG_CMD_OPT_LOG_FILE(stats_settings),
    DCPG_CMD_OPT_STALL(stats_settings),
    DCPG_CMD_OPT_FORCE(stats_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_stats_syntax = {
    .usage = "dcpg stats STORE|FILE... [options]",
    .about = "Prints of every output how many sites there are, how many of them are observed, their "
             "share, and mean and variance of the observed ones, as DeepCpG's dcpg_data_stats.py does.",
    .options = options};
