/* SPDX-License-Identifier: MIT */
/* Functions that all subcommands use: the end on an error, the command line as text, the closing line. */
#include "cmd/cmd.h"

#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <dcpg/version.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

int dcpg_cmd_fail(const dcpg_par *par, const char *command, const dcpg_err *err) {
    if (par->rank == 0) {
        fprintf(stderr, "dcpg %s: %s\n", command, err->text);
        if (err->status == DCPG_E_USAGE) fprintf(stderr, "Try 'dcpg %s --help'.\n", command);
    }
    /* The code that a shell reports for a program that the signal ended. */
    if (err->status == DCPG_E_STOPPED && dcpg_signal_seen()) return 128 + dcpg_signal_seen();
    return dcpg_exit_code(err->status);
}

/* NULL when out of memory. */
static char *join_words(int argc, char **argv) {
    size_t bytes = sizeof "dcpg";
    for (int i = 0; i < argc; i++) bytes += strlen(argv[i]) + 1;
    char *line = dcpg_alloc(bytes, 1);
    if (!line) return NULL;
    char *to = stpcpy(line, "dcpg");
    for (int i = 0; i < argc; i++) to = stpcpy(stpcpy(to, " "), argv[i]);
    return line;
}

dcpg_status dcpg_cmd_words_all(int argc, char **argv, const dcpg_par *par, char **words, dcpg_err *err) {
    *words = join_words(argc, argv);
    dcpg_status status =
        *words ? DCPG_OK : dcpg_fail_nomem(err, "the command line", (unsigned long long)argc);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) return status;
    dcpg_free(*words);
    *words = NULL;
    return status;
}

void dcpg_cmd_log_chosen(dcpg_log *log, const char *what, const dcpg_strings *chosen, size_t total) {
    char text[DCPG_LIST_TEXT];
    dcpg_info(log, "%zu of %zu %s%s: %s", chosen->n, total, what, total == 1 ? "" : "s",
              dcpg_strings_text(chosen, text));
}

static double seconds(struct timeval t) { return (double)t.tv_sec + 1e-6 * (double)t.tv_usec; }

/* The closing line shows this many words at the beginning of a list, and its last word. */
enum { SHOWN_FIRST = 3 };

static bool is_option(const char *word) { return strncmp(word, "--", 2) == 0; }

/* The command line for people to read: the middle of long lists is left out, so that the options after them,
 * above all the names of outputs, stay in sight. NULL when out of memory; the caller frees it with dcpg_free.
 */
static char *shortened(int argc, char **argv) {
    char *line = dcpg_strdup("");
    for (int i = 0, first = 0; i < argc && line; i++) {
        if (is_option(argv[i])) first = i + 1;
        int end = i + 1; /* of the list that begins at `first` */
        while (end < argc && !is_option(argv[end])) end++;
        int left_out = end - first - SHOWN_FIRST - 1;
        bool skip = left_out > 1 && i == first + SHOWN_FIRST;
        char *longer = skip ? dcpg_format("%s ... (%d more)", line, left_out)
                            : dcpg_format("%s%s%s", line, i ? " " : "", argv[i]);
        dcpg_free(line);
        line = longer;
        if (skip) i = end - 2;
    }
    return line;
}

void dcpg_cmd_closing_all(const dcpg_par *par, dcpg_log *log, double started, int argc, char **argv) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    int64_t milliseconds = (int64_t)(1000 * (seconds(usage.ru_utime) + seconds(usage.ru_stime)));
    int64_t cpu = dcpg_sum_i64_all(par, milliseconds), peak = dcpg_max_i64_all(par, usage.ru_maxrss);
    char *line = par->rank == 0 ? shortened(argc, argv) : NULL;
    dcpg_info(log, "dcpg %s  %s  wall %.1f s  CPU %.1f s  peak memory %.0f MB (largest of %d rank%s)",
              DCPG_VERSION, line ? line : "", dcpg_now() - started, (double)cpu / 1000, (double)peak / 1024,
              par->size, par->size == 1 ? "" : "s");
    dcpg_free(line);
}
