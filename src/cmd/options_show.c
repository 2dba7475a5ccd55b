/* SPDX-License-Identifier: MIT */
/* Options of `dcpg show`. */
#include "cmd/options_show.h"

#define TO(member) offsetof(show_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "outputs",
     .kind = DCPG_OPT_WORDS,
     .to = TO(outputs),
     .meaning = "REGEX",
     .help = "outputs to show: names such as cpg/CELL, or regular expressions (without one: all; left "
             "out: none)"},
    {.name = "dna_wlen",
     .kind = DCPG_OPT_INT,
     .to = TO(dna_wlen),
     .initial = "0",
     .max = 1e6,
     .meaning = "BP",
     .help = "bases around the site to show, odd: A 0, T 1, G 2, C 3, N 4 (0: none)"},
    {.name = "cpg",
     .kind = DCPG_OPT_WORDS,
     .to = TO(cells),
     .meaning = "REGEX",
     .help = "cells whose neighbours are shown, likewise (without one: all; left out: none)"},
    {.name = "cpg_wlen",
     .kind = DCPG_OPT_INT,
     .to = TO(cpg_wlen),
     .initial = "10",
     .min = 2,
     .max = 1e6,
     .meaning = "N",
     .help = "neighbours to show, half on each side, even"},
    {.name = "cpg_dist",
     .kind = DCPG_OPT_FLAG,
     .to = TO(show.dist),
     .help = "show the distances of neighbours too, in bp"},
    {.name = "chromo",
     .kind = DCPG_OPT_STRING,
     .to = TO(chromo),
     .meaning = "NAME",
     .help = "chromosome (left out: all)"},
    {.name = "start",
     .kind = DCPG_OPT_INT,
     .to = TO(show.start),
     .initial = "0",
     .max = 2147483647,
     .meaning = "POS",
     .help = "first position, 1-based (0: no limit)"},
    {.name = "end",
     .kind = DCPG_OPT_INT,
     .to = TO(show.end),
     .initial = "0",
     .max = 2147483647,
     .meaning = "POS",
     .help = "last position, 1-based (0: no limit)"},
    {.name = "out_tsv",
     .kind = DCPG_OPT_STRING,
     .to = TO(show.out_tsv),
     .meaning = "FILE",
     .help = "write a table with one line of names to this file, instead of printing"},
    DCPG_CMD_OPT_VERBOSE(show_settings),
    DCPG_CMD_OPT_LOG_FILE(show_settings),
    DCPG_CMD_OPT_STALL(show_settings),
    DCPG_CMD_OPT_FORCE(show_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_show_syntax = {
    .usage = "dcpg show STORE|FILE... [options]",
    .about = "Prints sites with their outputs, bases and neighbours, as DeepCpG's dcpg_data_show.py "
             "does; -1 is missing. The first column counts the rows of a DeepCpG data file, or the "
             "sites of a chromosome in a store. With several ranks the first does the work.",
    .options = options};
