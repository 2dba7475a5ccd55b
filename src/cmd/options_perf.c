/* SPDX-License-Identifier: MIT */
/* Options of `dcpg perf`. */
#include "cmd/options_perf.h"

#define TO(member) offsetof(perf_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "out_dir",
     .kind = DCPG_OPT_STRING,
     .to = TO(perf.out_dir),
     .initial = "perf",
     .meaning = "DIR",
     .help = "directory for metrics.tsv, curves.tsv and reliability.tsv"},
    {.name = "output_names",
     .kind = DCPG_OPT_LIST,
     .to = TO(output_names),
     .meaning = "REGEX",
     .help = "outputs to score: their names, or regular expressions (default: all)"},
    {.name = "anno_files",
     .kind = DCPG_OPT_LIST,
     .to = TO(anno_files),
     .meaning = "BED",
     .help = "annotations, plain or gzip: scores are also computed of the sites in their intervals; each is "
             "named by its file"},
    {.name = "anno_min_sites",
     .kind = DCPG_OPT_INT,
     .to = TO(perf.anno_min_sites),
     .initial = "100",
     .max = 9e18,
     .meaning = "N",
     .help = "leave out annotations with fewer sites"},
    {.name = "contexts",
     .kind = DCPG_OPT_LIST,
     .to = TO(contexts),
     .meaning = "KIND",
     .help = "of coverage (cells observed at the site), density (sites within 500 bp), distance (bp to the "
             "next observed site of the cell), none: bins that are scored (default: all three)"},
    {.name = "curves",
     .kind = DCPG_OPT_LIST,
     .to = TO(curves),
     .meaning = "KIND",
     .help = "curves to compute: roc, pr (default: none)"},
    {.name = "anno_curves",
     .kind = DCPG_OPT_LIST,
     .to = TO(anno_curves),
     .meaning = "KIND",
     .help = "the same for annotated sites"},
    {.name = "nb_curve_point",
     .kind = DCPG_OPT_INT,
     .to = TO(perf.curve_points),
     .initial = "1000",
     .min = 2,
     .max = 1e8,
     .meaning = "N",
     .help = "points of a curve, at most"},
    {.name = "nb_sample",
     .kind = DCPG_OPT_INT,
     .to = TO(perf.nb_sample),
     .initial = "0",
     .max = 9e18,
     .meaning = "N",
     .help = "the first N sites only (0: all)"},
    DCPG_CMD_OPT_VERBOSE(perf_settings),
    DCPG_CMD_OPT_LOG_FILE(perf_settings),
    DCPG_CMD_OPT_STALL(perf_settings),
    DCPG_CMD_OPT_FORCE(perf_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_perf_syntax = {
    .usage = "dcpg perf EVAL.h5 [options]",
    .about = "Scores the predictions of an evaluation (dcpg eval --out_data, or DeepCpG's dcpg_eval) by "
             "annotation and context, and computes curves; exact, in bounded memory. The tables are those of "
             "DeepCpG's dcpg_eval_perf, with more rows.",
    .options = options};
