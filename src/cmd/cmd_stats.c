/* SPDX-License-Identifier: MIT */
/* `dcpg stats`: prints coverage, mean and variance of the outputs. */
#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/options_stats.h"
#include "cmd/sources.h"

#include <dcpg/file.h>
#include <dcpg/show.h>

static dcpg_status parse(stats_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_stats_syntax, s, &s->files, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help) return DCPG_OK;
    DCPG_TRY(dcpg_cmd_need_data(table, &s->files, err));
    return s->out_tsv ? dcpg_check_output(s->out_tsv, &s->files, err) : DCPG_OK;
}

static dcpg_status count_all(const stats_settings *s, const dcpg_cmd_named *data, const dcpg_par *par,
                             dcpg_log *log, dcpg_err *err) {
    const dcpg_strings no_cells = {0};
    dcpg_strings outputs = {0};
    dcpg_source *source = NULL;
    dcpg_want want = {.cells = &no_cells, .outputs = &outputs};
    dcpg_status status =
        data->outputs->n > 0
            ? dcpg_strings_select(data->outputs, &s->output_names, 0, "output", &outputs, err)
            : dcpg_fail(err, DCPG_E_INPUT, "%s: holds no outputs", data->name);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK && s->output_names.n)
        dcpg_cmd_log_chosen(log, "output", &outputs, data->outputs->n);
    if (status == DCPG_OK) status = dcpg_cmd_source_all(data, &s->chromos, &want, NULL, &source, err);
    if (status == DCPG_OK) status = dcpg_stats_all(source, s->nb_sample, s->out_tsv, stdout, err);
    dcpg_source_close(source);
    dcpg_strings_free(&outputs);
    return status;
}

static dcpg_status stats_all(const stats_settings *s, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    dcpg_cmd_named data = {0};
    dcpg_status status = dcpg_cmd_named_open_all(&s->files, par, &data, err);
    if (status == DCPG_OK) status = count_all(s, &data, par, log, err);
    dcpg_cmd_named_close(&data);
    return status;
}

int dcpg_cmd_stats(dcpg_par *par, int argc, char **argv) {
    const dcpg_cmd_call call = {.argc = argc, .argv = argv, .started = dcpg_now()};
    stats_settings s = {0};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {.output = {{.path = s.out_tsv, .option = "--out_tsv", .kind = DCPG_CMD_STATS}},
                            .input = {&s.files},
                            .common = s.common,
                            .call = call};
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = stats_all(&s, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings_free(&s.files);
    dcpg_strings_free(&s.chromos);
    dcpg_strings_free(&s.output_names);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
