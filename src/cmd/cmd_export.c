/* SPDX-License-Identifier: MIT */
/* `dcpg export`: writes imputed methylation, a file per output. */
#include "cmd/cmd.h"
#include "cmd/job.h"
#include "cmd/options_export.h"

#include <dcpg/eval.h>

static dcpg_status parse(export_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_export_syntax, s, &s->data, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help) return DCPG_OK;
    if (s->data.n != 1)
        return dcpg_fail(err, DCPG_E_USAGE, "give one file (made by dcpg eval --out_data), not %zu",
                         s->data.n);
    s->export.data = s->data.v[0];
    s->export.chromos = &s->chromos;
    s->export.outputs = &s->output_names;
    return DCPG_OK;
}

int dcpg_cmd_export(dcpg_par *par, int argc, char **argv) {
    const dcpg_cmd_call call = {.argc = argc, .argv = argv, .started = dcpg_now()};
    export_settings s = {0};
    dcpg_log log = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        dcpg_cmd_job job = {
            .output = {{.path = s.export.out_dir, .option = "--out_dir", .kind = DCPG_CMD_FOLDER}},
            .input = {&s.data},
            .common = s.common,
            .call = call};
        s.export.force = s.common.force;
        status = dcpg_cmd_begin_all(&job, par, &log, &err);
        if (status == DCPG_OK) status = dcpg_export_all(&s.export, par, &log, &err);
        status = dcpg_cmd_finish_all(&job, par, &log, status, &err);
    }
    dcpg_strings_free(&s.data);
    dcpg_strings_free(&s.chromos);
    dcpg_strings_free(&s.output_names);
    return status == DCPG_OK ? 0 : dcpg_cmd_fail(par, argv[0], &err);
}
