/* SPDX-License-Identifier: MIT */
/* The program dcpg: a table of subcommands, and how each is started. */
#include "cmd/cmd.h"
#include "cmd/job.h"

#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <dcpg/version.h>
#include <fcntl.h>
#include <omp.h>
#include <stdio.h>
#include <string.h>

/* What a command checks of its start: NOTHING, as it does the work of one process; that the LAUNCHER belongs
 * to this MPI, as the command writes files; or also that it was not started ALONE, without ranks, in a job of
 * several tasks. */
typedef enum start_check { NOTHING, LAUNCHER, ALONE } start_check;

typedef struct command {
    const char *name;
    int (*run)(dcpg_par *par, int argc, char **argv);
    start_check check;
    const char *about;
} command;

static const command commands[] = {
    {"simulate", dcpg_cmd_simulate, LAUNCHER, "write a synthetic genome and single cells with known truth"},
    {"data", dcpg_cmd_data, ALONE, "put methylation profiles and a genome into a store"},
    {"convert", dcpg_cmd_convert, LAUNCHER, "a store to DeepCpG data files, or such files to a store"},
    {"show", dcpg_cmd_show, NOTHING, "print outputs, neighbours and bases of some sites"},
    {"stats", dcpg_cmd_stats, NOTHING, "print coverage, mean and variance of the outputs"},
    {"train", dcpg_cmd_train, ALONE, "train a model on a store"},
    {"eval", dcpg_cmd_eval, ALONE, "predict every site and cell, and score the predictions"},
    {"export", dcpg_cmd_export, LAUNCHER, "write imputed methylation for genome browsers"},
    {"perf", dcpg_cmd_perf, LAUNCHER, "score an evaluation by annotation and context, with curves"},
    {"status", dcpg_cmd_status, NOTHING, "how far a training is, and whether it runs"},
    {"report", dcpg_cmd_report, LAUNCHER, "runs and evaluations as one page with figures"},
    {"models", dcpg_cmd_models, NOTHING, "list the model zoo, or the layers of one model"},
};
enum { NB_COMMAND = sizeof commands / sizeof *commands };

static void print_help(FILE *out) {
    fprintf(out,
            "dcpg %s: imputes the DNA methylation of single cells with deep networks, trained over "
            "MPI\n\nusage: [mpirun -n RANKS] dcpg COMMAND [options]\n\ncommands:\n",
            DCPG_VERSION);
    for (int i = 0; i < NB_COMMAND; i++) fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].about);
    fprintf(out, "\n'dcpg COMMAND --help' shows the options of a command; 'dcpg --version' the version.\n");
}

/* Checks that all ranks run the same version with the same command line. Collective. */
static dcpg_status check_start_all(const dcpg_par *par, start_check check, int argc, char **argv,
                                   dcpg_err *err) {
    if (check == LAUNCHER) DCPG_TRY(dcpg_par_check_launcher(par, err));
    if (check == ALONE) DCPG_TRY(dcpg_par_check_alone(par, err));
    DCPG_TRY(dcpg_same_all(par, "version of dcpg", DCPG_VERSION, err));
    char *words = NULL;
    DCPG_TRY(dcpg_cmd_words_all(argc, argv, par, &words, err));
    dcpg_status status = dcpg_same_all(par, "command line", words, err);
    dcpg_free(words);
    return status;
}

/* NULL: no command has this name. */
static const command *find_command(const char *name) {
    for (int i = 0; i < NB_COMMAND; i++)
        if (strcmp(name, commands[i].name) == 0) return &commands[i];
    return NULL;
}

static int fail_unknown(const char *name) {
    fprintf(stderr, "dcpg: there is no command '%s'. Try 'dcpg --help'.\n", name);
    return dcpg_exit_code(DCPG_E_USAGE);
}

static bool asks_for_help(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    return false;
}

static int run_command(const command *chosen, dcpg_par *par, int argc, char **argv) {
    dcpg_err err = {0};
    dcpg_status status =
        check_start_all(par, asks_for_help(argc, argv) ? NOTHING : chosen->check, argc, argv, &err);
    omp_set_num_threads(dcpg_par_threads_all(par));
    if (status != DCPG_OK) return dcpg_cmd_fail(par, argv[0], &err);
    return chosen->run(par, argc, argv);
}

/* Prints a command's help without MPI, which may not start where the user is: on a login host, within a job.
 * Ranks that mpirun started do start MPI, so that only one of them prints. */
static int run_help(const command *chosen, int argc, char **argv) {
    dcpg_par one = {.size = 1, .host_size = 1, .nb_host = 1};
    return chosen->run(&one, argc, argv);
}

/* Answers command lines that need no ranks. Returns an exit code, or -1 where there is a command to run. */
static int answer_at_once(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return dcpg_exit_code(DCPG_E_USAGE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "version") == 0) {
        printf("dcpg %s\n", DCPG_VERSION);
        return 0;
    }
    return -1;
}

/* Replaces closed standard streams by a file that fails to read (stdin) or write: otherwise the next file
 * opened would get the number of the stream, and everything that is printed. */
static void reserve_streams(void) {
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) return;
}

/* The exit code of the program: an error where stdout did not take everything printed. */
static int flushed(int code) {
    dcpg_err err = {0};
    if (dcpg_cmd_flush(&err) == DCPG_OK || code != 0) return code;
    fprintf(stderr, "dcpg: %s\n", err.text);
    return dcpg_exit_code(err.status);
}

int main(int argc, char **argv) {
    dcpg_par par = {0};
    dcpg_err err = {0};
    reserve_streams();
    dcpg_signals_end();
    int code = answer_at_once(argc, argv);
    if (code >= 0) return flushed(code);
    const command *chosen = find_command(argv[1]);
    bool launched = dcpg_par_launched();
    if (!chosen && !launched) return fail_unknown(argv[1]);
    argc--, argv++;
    if (chosen && asks_for_help(argc, argv) && !launched) return flushed(run_help(chosen, argc, argv));
    if (dcpg_par_open_all(&par, NULL, NULL, &err) != DCPG_OK) {
        fprintf(stderr, "dcpg: %s\n", err.text);
        return dcpg_exit_code(err.status);
    }
    if (chosen)
        code = run_command(chosen, &par, argc, argv);
    else
        code = par.rank == 0 ? fail_unknown(argv[0]) : dcpg_exit_code(DCPG_E_USAGE);
    code = flushed(code);
    dcpg_par_close_all(&par);
    return code;
}
