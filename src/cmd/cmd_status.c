/* SPDX-License-Identifier: MIT */
/* `dcpg status`: how far a training is. */
#include "cmd/cmd.h"
#include "cmd/options_status.h"

#include <dcpg/report.h>

static dcpg_status parse(status_settings *s, int argc, char **argv, bool *help, const dcpg_par *par,
                         dcpg_err *err) {
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_status_syntax, s, &s->dirs, table);
    DCPG_TRY(dcpg_cmd_parse(&line, argc, argv, par, help, err));
    if (*help || s->dirs.n == 1) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE, "give one model directory (made by dcpg train), not %zu", s->dirs.n);
}

int dcpg_cmd_status(dcpg_par *par, int argc, char **argv) {
    static const int code[] = {[DCPG_RUN_FINISHED] = 0,
                               [DCPG_RUN_RUNNING] = 10,
                               [DCPG_RUN_STOPPED] = 11,
                               [DCPG_RUN_DEAD] = 12,
                               [DCPG_RUN_FAILED] = 13};
    status_settings s = {0};
    dcpg_err err = {0};
    bool help = false;
    dcpg_run_state state = DCPG_RUN_FINISHED;
    dcpg_status status = dcpg_agree_all(par, parse(&s, argc, argv, &help, par, &err), &err);
    if (status == DCPG_OK && !help) {
        if (par->rank == 0) status = dcpg_run_print(s.dirs.v[0], stdout, &state, &err);
        status = dcpg_agree_all(par, status, &err);
        dcpg_bcast_all(par, &state, sizeof state, 0);
    }
    dcpg_strings_free(&s.dirs);
    return status == DCPG_OK ? code[state] : dcpg_cmd_fail(par, argv[0], &err);
}
