/* SPDX-License-Identifier: MIT */
/* Signals that ask for an end, and the timer of heartbeats. Handlers cannot be given arguments, so the flag,
 * the time of the first signal and the list of cleanup.c are global variables. */
#include <dcpg/cleanup.h>
#include <dcpg/signal.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds within which several signals count as one request. */
enum { SAME_REQUEST = 200 };

static volatile sig_atomic_t seen;
static struct timespec first_time; /* of the first TERM, INT or HUP; only the handler writes it */

static const struct {
    int number;
    const char *name;
} caught[] = {{SIGTERM, "SIGTERM"}, {SIGINT, "SIGINT"},   {SIGHUP, "SIGHUP"},  {SIGPIPE, "SIGPIPE"},
              {SIGXCPU, "SIGXCPU"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}};
enum { NB_CAUGHT = sizeof caught / sizeof *caught };

/* Cleans up, then dies of the signal itself, so that the shell and mpirun see which one it was. */
static void end(int number) {
    dcpg_cleanup_run();
    signal(number, SIG_DFL);
    raise(number); /* delivered when the handler returns */
}

static long milliseconds_since(const struct timespec *before) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long)(now.tv_sec - before->tv_sec) * 1000 + (now.tv_nsec - before->tv_nsec) / 1000000;
}

static void note(int number) {
    int before = errno;
    seen = number;
    if (number == SIGTERM || number == SIGINT || number == SIGHUP) {
        if (first_time.tv_sec == 0 && first_time.tv_nsec == 0)
            clock_gettime(CLOCK_MONOTONIC, &first_time);
        else if (milliseconds_since(&first_time) >= SAME_REQUEST)
            end(number);
    }
    errno = before;
}

static void beat(int number) {
    (void)number;
    dcpg_cleanup_beat();
}

static void handle(int number, void (*handler)(int)) {
    struct sigaction action = {.sa_handler = handler,
                               .sa_flags = SA_RESTART}; /* interrupted reads are resumed */
    sigemptyset(&action.sa_mask);
    /* One handler at a time, because they write the same variables. */
    for (size_t i = 0; i < NB_CAUGHT; i++) sigaddset(&action.sa_mask, caught[i].number);
    sigaction(number, &action, NULL);
}

/* Signals that reach a whole terminal, and those of pipes: whoever ignores them also means the programs
 * started from there, as do nohup and `&` in scripts. The other signals ask for an end even where a script
 * ignores them for itself. */
static bool stays_ignored(int number) {
    struct sigaction before;
    bool may = number == SIGINT || number == SIGHUP || number == SIGQUIT || number == SIGPIPE;
    return may && sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN;
}

static void handle_unless_ignored(int number, void (*handler)(int)) {
    if (!stays_ignored(number)) handle(number, handler);
}

void dcpg_signals_end(void) {
    for (size_t i = 0; i < NB_CAUGHT; i++) handle_unless_ignored(caught[i].number, end);
    handle_unless_ignored(SIGQUIT, end);
    handle(SIGALRM, end);
    handle(SIGXFSZ, end); /* HDF5 cannot close a file that must not grow */
}

void dcpg_signals_catch(void) {
    for (size_t i = 0; i < NB_CAUGHT; i++) handle_unless_ignored(caught[i].number, note);
}

void dcpg_signals_beat(int seconds) {
    if (seconds > 0) handle(SIGALRM, beat);
    setitimer(ITIMER_REAL, &(struct itimerval){{seconds, 0}, {seconds, 0}}, NULL);
}

int dcpg_signal_seen(void) { return seen; }

const char *dcpg_signal_name(int number) {
    for (size_t i = 0; i < NB_CAUGHT; i++)
        if (caught[i].number == number) return caught[i].name;
    return "a signal";
}
