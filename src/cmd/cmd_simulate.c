/* SPDX-License-Identifier: MIT */
/* dcpg simulate */
#include "cmd/cmd.h"

#include <dcpg/options.h>
#include <dcpg/signal.h>
#include <dcpg/simulate.h>
#include <signal.h>

typedef struct settings {
    dcpg_simulate_options options;
    dcpg_strings dna_files, chromo_len;
    int64_t seed;
} settings;

static dcpg_status parse(settings *s, int argc, char **argv, bool *help, dcpg_err *err) {
    dcpg_simulate_options *o = &s->options;
    const dcpg_opt table[] = {
        {DCPG_OPT_STRING, "out_dir", &o->out_dir, NULL, 0, 0, "folder to write; must not exist, or be empty",
         "DIR"},
        {DCPG_OPT_INT, "seed", &s->seed, "1", 0, 9e15, "the same seed gives the same files", "N"},
        {DCPG_OPT_GROUP, "Genome", .help = NULL},
        {DCPG_OPT_INT, "nb_chromo", &o->nb_chromo, "3", 1, 1000, "chromosomes, called 1, 2, ...", "N"},
        {DCPG_OPT_LIST, "chromo_len", &s->chromo_len, "2000000", 0, 0,
         "their lengths in bases: one for all or one for each", "N"},
        {DCPG_OPT_LIST, "dna_files", &s->dna_files, NULL, 0, 0,
         "FASTA files or folders of a real genome instead of a synthetic one", "PATH"},
        {DCPG_OPT_GROUP, "Cells", .help = NULL},
        {DCPG_OPT_INT, "nb_cell", &o->nb_cell, "20", 1, 1e6, "cells", "N"},
        {DCPG_OPT_INT, "nb_cluster", &o->nb_cluster, "2", 1, 1000,
         "clusters of cells; cells take turns in them", "N"},
        {DCPG_OPT_DOUBLE, "coverage_min", &o->coverage_min, ".05", 1e-6, 1,
         "least share of the sites seen in a cell", "X"},
        {DCPG_OPT_DOUBLE, "coverage_max", &o->coverage_max, ".40", 1e-6, 1,
         "largest share of the sites seen in a cell", "X"},
        {DCPG_OPT_DOUBLE, "noise", &o->noise, ".02", 0, .5, "probability that a call is wrong", "X"},
        {DCPG_OPT_FLAG, "no_cell_truth", &o->no_cell_truth, "false", 0, 0,
         "leave out truth/probs.tsv.gz and truth/states.tsv.gz, which hold sites x cells values", NULL},
        {0}};
    dcpg_command_line line = {
        "dcpg simulate --out_dir DIR [options]",
        "Writes a synthetic genome and single cells whose methylation is known: FASTA, one profile per cell, "
        "annotations, the truth, and in report.json how well it can be predicted at best.",
        table, NULL};
    DCPG_TRY(dcpg_options_parse(&line, argc, argv, help, err));
    o->dna_files = &s->dna_files;
    o->chromo_len = &s->chromo_len;
    o->seed = (uint64_t)s->seed;
    if (*help) dcpg_options_help(&line, stdout);
    return DCPG_OK;
}

/* Rank 0 does the work. */
int dcpg_cmd_simulate(dcpg_par *par, int argc, char **argv) {
    settings s = {0};
    dcpg_err err = {0};
    bool help = false;
    double started = dcpg_now();
    dcpg_status status = DCPG_OK;
    dcpg_log log;
    dcpg_log_open(&log, par->rank, DCPG_INFO);
    dcpg_signals_catch();
    signal(SIGXFSZ, SIG_IGN); /* an error of the write, after which all is removed */
    if (par->rank == 0) {
        status = parse(&s, argc, argv, &help, &err);
        if (status == DCPG_OK && !help) status = dcpg_simulate(&s.options, &log, &err);
    }
    status = dcpg_agree_all(par, status, &err);
    dcpg_bcast_all(par, &help, sizeof help, 0);
    if (status == DCPG_OK && !help) dcpg_cmd_closing_all(par, &log, started, argc, argv);
    (void)!dcpg_log_close(&log, NULL); /* the screen alone */
    dcpg_strings_free(&s.dna_files);
    dcpg_strings_free(&s.chromo_len);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
