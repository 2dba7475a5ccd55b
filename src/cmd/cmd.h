/* SPDX-License-Identifier: MIT */
/* Subcommands of the program: each int f(par, argc, argv) with argv[0] its name; returns the exit code.
 * Collective. */
#ifndef DCPG_CMD_CMD_H
#define DCPG_CMD_CMD_H

#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/status.h>
#include <dcpg/text.h>

int dcpg_cmd_simulate(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_data(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_convert(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_train(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_eval(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_export(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_perf(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_status(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_report(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_show(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_stats(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_models(dcpg_par *par, int argc, char **argv);

/* Prints "dcpg COMMAND: text" once (rank 0) on stderr, for usage errors also how to get help, and returns the
 * exit code of the error. `err` must be agreed (the same on all ranks). */
int dcpg_cmd_fail(const dcpg_par *par, const char *command, const dcpg_err *err);

/* Agrees on the kernels that all ranks use, and starts them; call it once, before anything is computed.
 * `wanted`: those of the checkpoint that a run resumes from (kern.h), used where all ranks have them,
 * otherwise a warning is logged; NULL: none. DCPG_E_USAGE where the environments of ranks ask for different
 * kernels. Collective. */
dcpg_status dcpg_cmd_kernels_all(const dcpg_par *par, const char *wanted, dcpg_log *log, dcpg_err *err);

/* The command line, "dcpg data --cpg_profiles ...", as typed except for quotes; on all ranks or, after a
 * failure, on none. The caller frees `*words` with dcpg_free. Collective. */
dcpg_status dcpg_cmd_words_all(int argc, char **argv, const dcpg_par *par, char **words, dcpg_err *err);

/* Logs which names an option chose of `total`: "2 of 5 outputs: cpg/a, cpg/b". Local. */
void dcpg_cmd_log_chosen(dcpg_log *log, const char *what, const dcpg_strings *chosen, size_t total);

/* The last line of a successful command: version, command, wall and CPU time, peak memory of the largest
 * rank. `started`: dcpg_now() when the command began. Collective. */
void dcpg_cmd_closing_all(const dcpg_par *par, dcpg_log *log, double started, int argc, char **argv);

#endif
