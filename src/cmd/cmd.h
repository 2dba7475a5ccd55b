/* Subcommands of the program: each int f(par, argc, argv) with argv[0] its name; returns the exit code. */
#ifndef DCPG_CMD_H
#define DCPG_CMD_H

#include <dcpg/par.h>
#include <dcpg/status.h>

int dcpg_cmd_simulate(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_data(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_train(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_eval(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_export(dcpg_par *par, int argc, char **argv);
int dcpg_cmd_models(dcpg_par *par, int argc, char **argv);

/* Prints "dcpg COMMAND: text" once (rank 0) on stderr and returns the exit code of the error. `err` must be agreed (the same on all ranks). */
int dcpg_cmd_fail(const dcpg_par *par, const char *command, const dcpg_err *err);

/* Prints a usage error: as dcpg_cmd_fail, then where --help is. */
#endif
