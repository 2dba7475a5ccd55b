/* SPDX-License-Identifier: MIT */
/* Options of `dcpg convert`. */
#include "cmd/options_convert.h"

#define TO(member) offsetof(convert_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "out_dir",
     .kind = DCPG_OPT_STRING,
     .to = TO(windows.out_dir),
     .meaning = "DIR",
     .help = "write DeepCpG data files c<chromo>_<first>-<end>.h5 to this directory"},
    {.name = "out_file",
     .kind = DCPG_OPT_STRING,
     .to = TO(out_file),
     .meaning = "FILE",
     .help = "make a store of DeepCpG data files"},
    DCPG_CMD_OPT_CHROMOS(convert_settings, chromos),

    {.name = "DeepCpG data files", .kind = DCPG_OPT_GROUP},
    {.name = "dna_wlen",
     .kind = DCPG_OPT_INT,
     .to = TO(windows.dna_wlen),
     .max = 1e6,
     .meaning = "BP",
     .help = "length of DNA windows, odd; 0: none (left out: 1001, or as long as in the files given)"},
    {.name = "no_dna", .kind = DCPG_OPT_FLAG, .to = TO(windows.no_dna), .help = "no DNA windows"},
    {.name = "cpg_wlen",
     .kind = DCPG_OPT_INT,
     .to = TO(windows.cpg_wlen),
     .max = 1e6,
     .meaning = "N",
     .help = "neighbours per site and cell, half on each side; 0: none (left out: 50, or as many as "
             "in the files given)"},
    {.name = "replicate_names",
     .kind = DCPG_OPT_LIST,
     .to = TO(windows.replicates),
     .meaning = "REGEX",
     .help = "cells whose neighbours are written: their names, or regular expressions (left out: all)"},
    {.name = "output_names",
     .kind = DCPG_OPT_LIST,
     .to = TO(windows.outputs),
     .meaning = "REGEX",
     .help = "outputs that are written: their names, or regular expressions (left out: all)"},
    DCPG_CMD_OPT_CHUNK_SIZE(convert_settings, windows.chunk_size),
    {.name = "seed",
     .kind = DCPG_OPT_INT,
     .to = TO(windows.seed),
     .initial = "0",
     .max = 9e18,
     .meaning = "N",
     .help = "of the random bases that DeepCpG data files have in place of N"},

    {.name = "store", .kind = DCPG_OPT_GROUP},
    {.name = "dna_files",
     .kind = DCPG_OPT_LIST,
     .to = TO(dna_files),
     .meaning = "FILE",
     .help = "the genome: FASTA files, plain or gzip, or directories of them (left out: put together "
             "from the windows, N between them and where they differ)"},
    {.name = "cpg_stats_cov",
     .kind = DCPG_OPT_INT,
     .to = TO(cpg_stats_cov),
     .initial = "3",
     .max = 1e9,
     .meaning = "N",
     .help = "sites observed in fewer than N cells have no cpg_stats (the files do not show them)"},

    {.name = "messages", .kind = DCPG_OPT_GROUP},
    DCPG_CMD_OPT_VERBOSE(convert_settings),
    DCPG_CMD_OPT_LOG_FILE(convert_settings),
    DCPG_CMD_OPT_STALL(convert_settings),
    DCPG_CMD_OPT_FORCE(convert_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_convert_syntax = {
    .usage = "dcpg convert STORE|FILE... --out_dir DIR | FILE... --out_file STORE [options]",
    .about = "Writes DeepCpG data files from a store (made by dcpg data) or from other DeepCpG data "
             "files, or makes a store of DeepCpG data files: its calls are their labels and all "
             "neighbours at their distances, its sites their rows; bulk profiles, annotations and the "
             "names of statistics come along.",
    .options = options};
