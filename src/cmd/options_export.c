/* SPDX-License-Identifier: MIT */
/* Options of `dcpg export`. */
#include "cmd/options_export.h"

#define TO(member) offsetof(export_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "out_dir",
     .kind = DCPG_OPT_STRING,
     .to = TO(export.out_dir),
     .initial = "export",
     .meaning = "DIR",
     .help = "directory to write to"},
    {.name = "format",
     .kind = DCPG_OPT_STRING,
     .to = TO(export.format),
     .initial = "bedGraph",
     .meaning = "NAME",
     .help = "a file per cell or other output: bedGraph, bigWig, hdf; per cell: cov (Bismark), allc "
             "(ALLCools); one for all: tsv, amethyst (Amethyst), methscan (MethSCAn), and by regions h5ad "
             "(AnnData)"},
    {.name = "out_format",
     .kind = DCPG_OPT_STRING,
     .to = TO(export.format),
     .meaning = "NAME",
     .help = "the same, as DeepCpG calls it"},
    {.name = "chromo_prefix",
     .kind = DCPG_OPT_STRING,
     .to = TO(export.chromo_prefix),
     .meaning = "NAMES",
     .help =
         "names of chromosomes: genome (as its FASTA files have them), ucsc (chr1, chrM) or ensembl (1, MT); "
         "left out: genome, but chr1 in bedGraph and 1 in hdf"},
    {.name = "one_based",
     .kind = DCPG_OPT_FLAG,
     .to = TO(export.one_based),
     .help = "bedGraph that starts at the 1-based position, as DeepCpG writes it (default: 0-based, "
             "as the format wants)"},
    {.name = "index", .kind = DCPG_OPT_FLAG, .to = TO(export.index), .help = "bedGraph: also a tabix index"},
    {.name = "what is exported", .kind = DCPG_OPT_GROUP},
    {.name = "observed_only",
     .kind = DCPG_OPT_FLAG,
     .to = TO(export.observed_only),
     .help = "only observed states"},
    {.name = "imputed_only",
     .kind = DCPG_OPT_FLAG,
     .to = TO(export.imputed_only),
     .help = "only sites that were not observed"},
    {.name = "min_quality",
     .kind = DCPG_OPT_DOUBLE,
     .to = TO(export.min_quality),
     .initial = "0",
     .min = 0,
     .max = 1,
     .meaning = "Q",
     .help = "leave out imputed values of a lower quality: 2 |p - 1/2| (1 - d), where p is the prediction "
             "and d its "
             "mean distance from the values of the 5 sites before and the 5 after it in the same cell; cells "
             "only"},
    {.name = "methylated_from",
     .kind = DCPG_OPT_DOUBLE,
     .to = TO(export.methylated_from),
     .initial = "0.5",
     .min = 0,
     .max = 1,
     .meaning = "P",
     .help = "cov, allc, amethyst, methscan: a prediction of P or more counts as one methylated read"},
    {.name = "unmethylated_to",
     .kind = DCPG_OPT_DOUBLE,
     .to = TO(export.unmethylated_to),
     .initial = "0.5",
     .min = 0,
     .max = 1,
     .meaning = "P",
     .help =
         "cov, allc, amethyst, methscan: one of P or less as an unmethylated read, one in between as none"},
    {.name = "quality",
     .kind = DCPG_OPT_FLAG,
     .to = TO(export.quality),
     .help = "hdf: also what is observed, and of imputed values confidence (|p - 1/2|), difference (d) and "
             "quality; "
             "cells only"},
    {.name = "regions",
     .kind = DCPG_OPT_STRING,
     .to = TO(export.regions),
     .meaning = "BED",
     .help = "tsv, h5ad: regions instead of sites: mean, methylated and all observed calls, their share of "
             "the sites, mean "
             "of observed states and predictions"},
    {.name = "bins",
     .kind = DCPG_OPT_INT,
     .to = TO(export.bins),
     .initial = "0",
     .max = 2e9,
     .meaning = "BP",
     .help = "the same for bins of so many bases, those that hold a site (0: sites)"},
    {.name = "groups",
     .kind = DCPG_OPT_STRING,
     .to = TO(export.groups),
     .meaning = "FILE",
     .help = "lines of cell, tab, group: export groups (pseudobulk) instead of cells; counts add up, of "
             "values there are "
             "GROUP.observed, the mean of observed states, and GROUP.imputed, the mean of these and of "
             "predictions "
             "elsewhere"},
    {.name = "chromos",
     .kind = DCPG_OPT_LIST,
     .to = TO(chromos),
     .meaning = "NAME",
     .help = "chromosomes to export (default: all)"},
    {.name = "output_names",
     .kind = DCPG_OPT_LIST,
     .to = TO(output_names),
     .meaning = "REGEX",
     .help = "outputs to export: their names, or regular expressions (default: all)"},
    {.name = "nb_sample",
     .kind = DCPG_OPT_INT,
     .to = TO(export.nb_sample),
     .initial = "0",
     .max = 9e18,
     .meaning = "N",
     .help = "the first N sites only (0: all)"},
    {.name = "messages", .kind = DCPG_OPT_GROUP},
    DCPG_CMD_OPT_VERBOSE(export_settings),
    DCPG_CMD_OPT_LOG_FILE(export_settings),
    DCPG_CMD_OPT_STALL(export_settings),
    DCPG_CMD_OPT_FORCE(export_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_export_syntax = {
    .usage = "dcpg export DATA --out_dir DIR [options]",
    .about = "Writes imputed methylation from a file that 'dcpg eval --out_data' made, in formats of other "
             "tools: the observed state where it is known, else the prediction.",
    .options = options};
