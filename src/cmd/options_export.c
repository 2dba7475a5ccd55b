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
    {.name = "out_format",
     .kind = DCPG_OPT_STRING,
     .to = TO(out_format),
     .initial = "bedGraph",
     .meaning = "NAME",
     .help = "bedGraph (bgzip) or hdf"},
    {.name = "one_based",
     .kind = DCPG_OPT_FLAG,
     .to = TO(export.one_based),
     .help = "bedGraph that starts at the 1-based position, as DeepCpG writes it (default: 0-based, "
             "as the format wants)"},
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
    DCPG_CMD_OPT_VERBOSE(export_settings),
    DCPG_CMD_OPT_LOG_FILE(export_settings),
    DCPG_CMD_OPT_STALL(export_settings),
    DCPG_CMD_OPT_FORCE(export_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_export_syntax = {
    .usage = "dcpg export DATA --out_dir DIR [options]",
    .about = "Writes imputed methylation from a file that 'dcpg eval --out_data' made, a file per "
             "output: the observed state where it is known, else the prediction.",
    .options = options};
