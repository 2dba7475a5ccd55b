/* SPDX-License-Identifier: MIT */
/* Options of `dcpg report`. */
#include "cmd/options_report.h"

#define TO(member) offsetof(report_settings, member)

static const dcpg_cmd_option options[] = {
    {.name = "out",
     .kind = DCPG_OPT_STRING,
     .to = TO(report.out),
     .initial = "report.html",
     .meaning = "FILE",
     .help = "the page: one HTML file that needs no other and no network"},
    {.name = "title",
     .kind = DCPG_OPT_STRING,
     .to = TO(report.title),
     .initial = "dcpg report",
     .meaning = "TEXT",
     .help = "title of the page"},
    {.name = "output_names",
     .kind = DCPG_OPT_LIST,
     .to = TO(output_names),
     .meaning = "REGEX",
     .help = "outputs of evaluations: their names, or regular expressions (default: all)"},
    {.name = "anno_files",
     .kind = DCPG_OPT_LIST,
     .to = TO(anno_files),
     .meaning = "BED",
     .help = "annotations, plain or gzip: scores are also computed of the sites in their intervals"},
    {.name = "anno_min_sites",
     .kind = DCPG_OPT_INT,
     .to = TO(report.anno_min_sites),
     .initial = "100",
     .max = 9e18,
     .meaning = "N",
     .help = "leave out annotations with fewer sites"},
    {.name = "region",
     .kind = DCPG_OPT_STRING,
     .to = TO(report.region),
     .meaning = "REGION",
     .help = "chromosome, or CHROMO:START-END, whose sites are shown one by one (default: in the middle of "
             "the first chromosome)"},
    {.name = "window_sites",
     .kind = DCPG_OPT_INT,
     .to = TO(report.window_sites),
     .initial = "1000",
     .max = 30000, /* browsers have no wider pictures */
     .meaning = "N",
     .help = "sites that are shown, at most; fewer where sites x cells would exceed 2 million (0: none)"},
    {.name = "nb_curve_point",
     .kind = DCPG_OPT_INT,
     .to = TO(report.curve_points),
     .initial = "200",
     .min = 2,
     .max = 1e5,
     .meaning = "N",
     .help = "points of a curve, at most"},
    DCPG_CMD_OPT_VERBOSE(report_settings),
    DCPG_CMD_OPT_LOG_FILE(report_settings),
    DCPG_CMD_OPT_STALL(report_settings),
    DCPG_CMD_OPT_FORCE(report_settings),
    {0}};

const dcpg_cmd_syntax dcpg_cmd_report_syntax = {
    .usage = "dcpg report DIR|EVAL.h5 ... [options]",
    .about =
        "Writes a page on trainings (model directories) and evaluations (dcpg eval --out_data, or DeepCpG's "
        "dcpg_eval): facts, where the time went, learning curves; ROC and precision-recall curves, "
        "calibration, scores by cell and context, and observed beside predicted states along a chromosome.",
    .options = options};
