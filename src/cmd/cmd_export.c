/* SPDX-License-Identifier: MIT */
/* dcpg export */
#include "cmd/cmd.h"
#include "cmd/job.h"

#include <dcpg/eval.h>
#include <dcpg/options.h>

#include <string.h>

/* Everything a user can say. */
typedef struct settings {
    dcpg_strings data, chromos, output_names;
    const char *out_format, *log_file;
    bool verbose, force;
    double stall_timeout;
    dcpg_export_options export;
} settings;

static dcpg_status parse(settings *s, int argc, char **argv, bool *help, const dcpg_par *par, dcpg_err *err) {
    const dcpg_opt options[] = {
        {DCPG_OPT_STRING, "out_dir", &s->export.out_dir, "export", 0, 0, "directory to write to", "DIR"},
        {DCPG_OPT_STRING, "out_format", &s->out_format, "bedGraph", 0, 0, "bedGraph (bgzip) or hdf", "NAME"},
        {DCPG_OPT_FLAG, "one_based", &s->export.one_based, NULL, 0, 0,
         "bedGraph that starts at the 1-based position, as DeepCpG writes it (default: 0-based, as the "
         "format wants)",
         NULL},
        {DCPG_OPT_LIST, "chromos", &s->chromos, NULL, 0, 0, "chromosomes to export (default: all)", "NAME"},
        {DCPG_OPT_LIST, "output_names", &s->output_names, NULL, 0, 0,
         "outputs to export: their names, or regular expressions (default: all)", "REGEX"},
        {DCPG_OPT_INT, "nb_sample", &s->export.nb_sample, "0", 0, 9e18, "the first N sites only (0: all)",
         "N"},
        {DCPG_OPT_FLAG, "verbose", &s->verbose, NULL, 0, 0, "tell more", NULL},
        {DCPG_OPT_STRING, "log_file", &s->log_file, NULL, 0, 0, "append messages to this file too", "FILE"},
        DCPG_CMD_STALL(&s->stall_timeout),
        DCPG_CMD_FORCE(&s->force),
        {0}};
    dcpg_command_line line = {"dcpg export DATA --out_dir DIR [options]",
                              "Writes imputed methylation from a file that 'dcpg eval --out_data' made, a "
                              "file per output: the observed state where it is known, else the prediction.",
                              options, &s->data};
    DCPG_TRY(dcpg_options_parse(&line, argc, argv, help, err));
    if (*help && par->rank == 0) dcpg_options_help(&line, stdout);
    if (*help) return DCPG_OK;
    if (s->data.n != 1)
        return dcpg_fail(err, DCPG_E_USAGE, "give one file (made by dcpg eval --out_data), not %zu",
                         s->data.n);
    s->export.hdf = strcmp(s->out_format, "hdf") == 0;
    if (!s->export.hdf && strcmp(s->out_format, "bedGraph") != 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--out_format %s: known are bedGraph and hdf", s->out_format);
    s->export.data = s->data.v[0];
    s->export.chromos = &s->chromos;
    s->export.outputs = &s->output_names;
    return DCPG_OK;
}

int dcpg_cmd_export(dcpg_par *par, int argc, char **argv) {
    double started = dcpg_now();
    settings s = {0};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {.output = {{s.export.out_dir, "--out_dir", DCPG_CMD_FOLDER}},
                            .input = {&s.data},
                            .log_file = s.log_file,
                            .force = s.force,
                            .stall_timeout = s.stall_timeout,
                            .started = started,
                            .argc = argc,
                            .argv = argv};
        s.export.force = s.force;
        dcpg_log_open(&log, par->rank, s.verbose ? DCPG_DEBUG : DCPG_INFO);
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = dcpg_export_all(&s.export, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings_free(&s.data);
    dcpg_strings_free(&s.chromos);
    dcpg_strings_free(&s.output_names);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
