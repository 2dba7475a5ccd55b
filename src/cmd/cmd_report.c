/* SPDX-License-Identifier: MIT */
/* `dcpg report`: runs and evaluations as one page. */
#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/options_report.h"

#include <dcpg/signal.h>

static dcpg_status parse(report_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_report_syntax, s, &s->inputs, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help) return DCPG_OK;
    if (s->inputs.n == 0)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "give model directories (made by dcpg train), files of dcpg eval --out_data, or both");
    s->report.inputs = &s->inputs;
    s->report.outputs = &s->output_names;
    s->report.annos = &s->anno_files;
    return DCPG_OK;
}

int dcpg_cmd_report(dcpg_par *par, int argc, char **argv) {
    const dcpg_cmd_call call = {.argc = argc, .argv = argv, .started = dcpg_now()};
    report_settings s = {0};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_signals_catch();
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {.output = {{.path = s.report.out, .option = "--out", .kind = DCPG_CMD_PAGE}},
                            .input = {&s.inputs, &s.anno_files},
                            .common = s.common,
                            .call = call};
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = dcpg_report_all(&s.report, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings_free(&s.inputs);
    dcpg_strings_free(&s.output_names);
    dcpg_strings_free(&s.anno_files);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
