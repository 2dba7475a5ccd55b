/* SPDX-License-Identifier: MIT */
/* dcpg convert */
#include "cmd/cmd.h"
#include "cmd/convert.h"
#include "cmd/job.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <dcpg/store_make.h>

/* Everything a user can say. */
typedef struct settings {
    dcpg_strings files, chromos, dna_files;
    const char *out_file, *log_file;
    int64_t cpg_stats_cov;
    bool verbose, force;
    double stall_timeout;
    dcpg_cmd_windows windows;
} settings;

static dcpg_status parse(settings *s, int argc, char **argv, bool *help, const dcpg_par *par, dcpg_err *err) {
    dcpg_cmd_windows *w = &s->windows;
    const dcpg_opt options[] = {
        {DCPG_OPT_STRING, "out_dir", &w->out_dir, NULL, 0, 0,
         "write DeepCpG data files c<chromo>_<first>-<end>.h5 to this directory", "DIR"},
        {DCPG_OPT_STRING, "out_file", &s->out_file, NULL, 0, 0, "make a store of DeepCpG data files", "FILE"},
        {DCPG_OPT_LIST, "chromos", &s->chromos, NULL, 0, 0, "use only these chromosomes (left out: all)",
         "NAME"},

        {DCPG_OPT_GROUP, "DeepCpG data files", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_INT, "dna_wlen", &w->dna_wlen, NULL, 0, 1e6,
         "length of DNA windows, odd; 0: none (left out: 1001, or as long as in the files given)", "BP"},
        {DCPG_OPT_FLAG, "no_dna", &w->no_dna, NULL, 0, 0, "no DNA windows", NULL},
        {DCPG_OPT_INT, "cpg_wlen", &w->cpg_wlen, NULL, 0, 1e6,
         "neighbours per site and cell, half on each side; 0: none (left out: 50, or as many as in the files "
         "given)",
         "N"},
        {DCPG_OPT_LIST, "replicate_names", &w->replicates, NULL, 0, 0,
         "cells whose neighbours are written: their names, or regular expressions (left out: all)", "REGEX"},
        {DCPG_OPT_LIST, "output_names", &w->outputs, NULL, 0, 0,
         "outputs that are written: their names, or regular expressions (left out: all)", "REGEX"},
        {DCPG_OPT_INT, "chunk_size", &w->chunk_size, "32768", 1, 1e9, "most sites of a file", "N"},
        {DCPG_OPT_INT, "seed", &w->seed, "0", 0, 9e18,
         "of the random bases that DeepCpG data files have in place of N", "N"},

        {DCPG_OPT_GROUP, "store", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_LIST, "dna_files", &s->dna_files, NULL, 0, 0,
         "the genome: FASTA files, plain or gzip, or directories of them (left out: put together from the "
         "windows, N between them and where they differ)",
         "FILE"},
        {DCPG_OPT_INT, "cpg_stats_cov", &s->cpg_stats_cov, "3", 0, 1e9,
         "sites observed in fewer than N cells have no cpg_stats (the files do not tell)", "N"},

        {DCPG_OPT_GROUP, "messages", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_FLAG, "verbose", &s->verbose, NULL, 0, 0, "tell more", NULL},
        {DCPG_OPT_STRING, "log_file", &s->log_file, NULL, 0, 0, "append messages to this file too", "FILE"},
        DCPG_CMD_STALL(&s->stall_timeout),
        DCPG_CMD_FORCE(&s->force),
        {0}};
    dcpg_command_line line = {"dcpg convert STORE|FILE... --out_dir DIR | FILE... --out_file STORE [options]",
                              "Writes DeepCpG data files from a store (made by dcpg data) or from other "
                              "DeepCpG data files, or makes a store of "
                              "DeepCpG data files: its calls are their labels and all neighbours at their "
                              "distances, its sites their rows; bulk profiles, annotations and the names of "
                              "statistics come along.",
                              options, &s->files};
    DCPG_TRY(dcpg_options_parse(&line, argc, argv, help, err));
    if (*help && par->rank == 0) dcpg_options_help(&line, stdout);
    if (*help) return DCPG_OK;
    if (s->files.n == 0)
        return dcpg_options_fail_missing(options, "give a store (made by dcpg data) or DeepCpG data files",
                                         err);
    if (!w->out_dir == !s->out_file)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "say what to write: --out_dir DIR for DeepCpG data files, or --out_file FILE for a store");
    if (s->dna_files.n > 0 && w->out_dir)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "--dna_files is for --out_file: windows of DNA are cut from the store or from the files given");
    if (s->out_file) DCPG_TRY(dcpg_check_output(s->out_file, &s->files, err));
    if (s->out_file) DCPG_TRY(dcpg_check_output(s->out_file, &s->dna_files, err));
    return dcpg_cmd_check_windows(w, err);
}

static dcpg_status make_store_all(const settings *s, const dcpg_cmd_named *data, int argc, char **argv,
                                  const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    if (data->store)
        return dcpg_fail(err, DCPG_E_USAGE, "%s is a store already: --out_file is for DeepCpG data files",
                         data->name);
    char *command = dcpg_cmd_words(argc, argv);
    dcpg_store_options options = {.dna_files = &s->dna_files,
                                  .out_file = s->out_file,
                                  .cpg_cov = 1,
                                  .chromos = &s->chromos,
                                  .bedgraph_base = -1,
                                  .cpg_stats_cov = s->cpg_stats_cov,
                                  .stats_wlen = DCPG_STATS_WLEN,
                                  .command = command};
    dcpg_status status =
        command ? DCPG_OK : dcpg_fail_nomem(err, "the command line", (unsigned long long)argc);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = dcpg_store_from_deepcpg_all(data->set, &options, log, err);
    dcpg_free(command);
    return status;
}

static dcpg_status convert_all(const settings *s, int argc, char **argv, const dcpg_par *par, dcpg_log *log,
                               dcpg_err *err) {
    dcpg_cmd_named data = {0};
    dcpg_status status = dcpg_cmd_named_open_all(&s->files, par, &data, err);
    if (status == DCPG_OK)
        status = s->out_file ? make_store_all(s, &data, argc, argv, par, log, err)
                             : dcpg_cmd_write_files_all(&s->windows, &data, &s->chromos, log, err);
    dcpg_cmd_named_close(&data);
    return status;
}

int dcpg_cmd_convert(dcpg_par *par, int argc, char **argv) {
    double started = dcpg_now();
    settings s = {.windows = {.dna_wlen = -1, .cpg_wlen = -1}};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {.output = {{s.out_file, "--out_file", DCPG_CMD_STORE},
                                       {s.windows.out_dir, "--out_dir", DCPG_CMD_FOLDER}},
                            .input = {&s.files, &s.dna_files},
                            .log_file = s.log_file,
                            .force = s.force,
                            .stall_timeout = s.stall_timeout,
                            .started = started,
                            .argc = argc,
                            .argv = argv};
        s.windows.force = s.force;
        dcpg_log_open(&log, par->rank, s.verbose ? DCPG_DEBUG : DCPG_INFO);
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = convert_all(&s, argc, argv, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings_free(&s.files);
    dcpg_strings_free(&s.chromos);
    dcpg_strings_free(&s.dna_files);
    dcpg_strings_free(&s.windows.replicates);
    dcpg_strings_free(&s.windows.outputs);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
