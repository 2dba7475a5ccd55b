/* SPDX-License-Identifier: MIT */
/* `dcpg simulate`: writes a synthetic genome and single cells whose methylation is known. */
#include "cmd/cmd.h"
#include "cmd/options_simulate.h"

#include <dcpg/signal.h>
#include <dcpg/simulate.h>
#include <signal.h>

static dcpg_status parse(simulate_settings *s, int argc, char **argv, bool *help, dcpg_err *err) {
    dcpg_simulate_options *o = &s->options;
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS];
    dcpg_command_line line = dcpg_cmd_bind(&dcpg_cmd_simulate_syntax, s, NULL, table);
    DCPG_TRY(dcpg_options_parse(&line, argc, argv, help, err));
    o->dna_files = &s->dna_files;
    o->chromo_len = &s->chromo_len;
    o->seed = (uint64_t)s->seed;
    if (*help) dcpg_options_help(&line, stdout);
    return DCPG_OK;
}

/* Rank 0 does the work. */
int dcpg_cmd_simulate(dcpg_par *par, int argc, char **argv) {
    simulate_settings s = {0};
    dcpg_err err = {0};
    bool help = false;
    double started = dcpg_now();
    dcpg_status status = DCPG_OK;
    dcpg_log log;
    dcpg_log_open(&log, par->rank, DCPG_INFO);
    dcpg_signals_catch();
    signal(SIGXFSZ, SIG_IGN); /* the write fails instead, and all files are removed */
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
