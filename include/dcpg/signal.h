/* SPDX-License-Identifier: MIT */
/* Signals that ask a program to come to an end: TERM, INT, HUP, PIPE, XCPU, USR1, USR2. INT, HUP, QUIT and
 * PIPE stay ignored where they were ignored at the start: nohup does that, and shells do it with INT and QUIT
 * for what scripts start with `&`. Local. */
#ifndef DCPG_SIGNAL_H
#define DCPG_SIGNAL_H

#include <dcpg/api.h>

DCPG_BEGIN_C
/* From now on they, QUIT, ALRM and XFSZ remove the files of dcpg_cleanup_add and end the program as they
 * would have without us. */
DCPG_API void dcpg_signals_end(void);

/* From now on they set a flag, which the working code checks to end in order; but a second TERM, INT or HUP
 * ends the program at once, as above. A signal within 0.2 s of the first one belongs to the same request, as
 * launchers and `timeout` often send a signal twice. XCPU repeats every second by itself and never counts as
 * a second request. */
DCPG_API void dcpg_signals_catch(void);

/* Renews the modification times of locks (cleanup.h) every `seconds` from a signal handler, whatever the
 * program is doing; 0 stops it. Uses SIGALRM. Local. */
DCPG_API void dcpg_signals_beat(int seconds);

/* The last signal received, 0: none. Local. */
DCPG_API int dcpg_signal_seen(void);

/* The name of a signal, such as "SIGUSR1"; "a signal" for signals not handled here. Pure. */
DCPG_API const char *dcpg_signal_name(int number);

DCPG_END_C

#endif
