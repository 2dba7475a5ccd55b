/* Signals set a flag, nothing else. A handler knows no argument of ours: the flag is the one global variable
 * of the library. */
#include <dcpg/signal.h>
#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t seen;

static void note(int number) { seen = number; }

static const struct {
    int number;
    const char *name;
} caught[] = {{SIGTERM, "SIGTERM"}, {SIGUSR1, "SIGUSR1"}, {SIGUSR2, "SIGUSR2"}};
enum { NB_CAUGHT = sizeof caught / sizeof *caught };

void dcpg_signals_catch(void) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART}; /* reads and writes go on */
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < NB_CAUGHT; i++) sigaction(caught[i].number, &action, NULL);
}

int dcpg_signal_seen(void) { return seen; }

const char *dcpg_signal_name(int number) {
    for (size_t i = 0; i < NB_CAUGHT; i++)
        if (caught[i].number == number) return caught[i].name;
    return "a signal";
}
