/* dcpg: a table of subcommands. */
#include "cmd/cmd.h"
#include "cmd/job.h"

#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <dcpg/text.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

typedef struct command {
    const char *name;
    int (*run)(dcpg_par *par, int argc, char **argv);
    const char *about;
} command;

static const command commands[] = {
    {"simulate", dcpg_cmd_simulate, "write a synthetic genome and single cells with known truth"},
    {"data", dcpg_cmd_data, "put methylation profiles and a genome into a store"},
    {"convert", dcpg_cmd_convert, "a store to DeepCpG data files, or such files to a store"},
    {"show", dcpg_cmd_show, "print outputs, neighbours and bases of some sites"},
    {"stats", dcpg_cmd_stats, "print coverage, mean and variance of the outputs"},
    {"train", dcpg_cmd_train, "train a model on a store"},
    {"eval", dcpg_cmd_eval, "predict every site and cell, and score the predictions"},
    {"export", dcpg_cmd_export, "write imputed methylation for genome browsers"},
    {"models", dcpg_cmd_models, "list the model zoo, or the layers of one model"},
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

/* The words of the command line side by side; NULL: out of memory. */
static char *join(int argc, char **argv) {
    char *text = dcpg_strdup("");
    for (int i = 0; i < argc && text; i++) {
        char *longer = dcpg_format("%s %s", text, argv[i]);
        dcpg_free(text);
        text = longer;
    }
    return text;
}

/* All ranks must be one program with one command line. Collective. */
static dcpg_status check_start_all(const dcpg_par *par, int argc, char **argv, dcpg_err *err) {
    DCPG_TRY(dcpg_par_check_alone(par, err));
    DCPG_TRY(dcpg_same_all(par, "version of dcpg", DCPG_VERSION, err));
    char *words = join(argc, argv);
    dcpg_status status = words ? DCPG_OK : dcpg_fail_nomem(err, "the command line", 0);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = dcpg_same_all(par, "command line", words, err);
    dcpg_free(words);
    return status;
}

static int run_command(dcpg_par *par, int argc, char **argv) {
    dcpg_err err = {0};
    dcpg_status status = check_start_all(par, argc, argv, &err);
    if (status == DCPG_OK) status = dcpg_agree_all(par, dcpg_gemm_start(NULL, &err), &err);
    if (status != DCPG_OK) return dcpg_cmd_fail(par, argv[0], &err);
    for (int i = 0; i < NB_COMMAND; i++)
        if (strcmp(argv[0], commands[i].name) == 0) return commands[i].run(par, argc, argv);
    if (par->rank == 0) fprintf(stderr, "dcpg: there is no command '%s'. Try 'dcpg --help'.\n", argv[0]);
    return dcpg_exit_code(DCPG_E_USAGE);
}

/* Words that need no ranks. Returns an exit code, or -1 where there is a command to run. */
static int answer_at_once(int argc, char **argv) {
    if (argc < 2) {
        print_help(stderr);
        return dcpg_exit_code(DCPG_E_USAGE);
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(stdout);
        return 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("dcpg %s\n", DCPG_VERSION);
        return 0;
    }
    return -1;
}

/* Streams that are closed get a file that fails: else the next file that is opened would take their number,
 * and what is printed. */
static void reserve_streams(void) {
    for (int fd = 0; fd < 3; fd++)
        if (fcntl(fd, F_GETFD) == -1 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) < 0) return;
}

/* The exit code, given what could not be printed. */
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
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK) {
        fprintf(stderr, "dcpg: %s\n", err.text);
        return dcpg_exit_code(err.status);
    }
    code = run_command(&par, argc - 1, argv + 1);
    code = flushed(code);
    dcpg_par_close_all(&par);
    return code;
}
