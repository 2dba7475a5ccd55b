/* SPDX-License-Identifier: MIT */
/* Signals that ask a program to come to an end: TERM, INT, HUP, PIPE, XCPU, USR1, USR2. INT, HUP, QUIT and
 * PIPE stay ignored where they were ignored at the start: nohup does that, and shells do it with INT and QUIT
 * for what scripts start with `&`. Local. */
#ifndef DCPG_SIGNAL_H
#define DCPG_SIGNAL_H

#include <dcpg/api.h>

DCPG_BEGIN_C
/* From now on they, QUIT, ALRM and XFSZ remove what dcpg_cleanup_add noted and end the program as they would
 * have without us. */
DCPG_API void dcpg_signals_end(void);

/* From now on they set a flag, and whoever works looks at it and ends in order; but a second TERM, INT or HUP
 * ends the program at once, as above. What comes within 0.2 s of the first one is the same request: launchers
 * and `timeout` often send a signal twice. XCPU comes once a second by itself and never is a second one. */
DCPG_API void dcpg_signals_catch(void);

/* Renews the times of locks every `seconds` (cleanup.h) from a signal handler, whatever the program does
 * meanwhile; 0 ends that. Uses SIGALRM. */
DCPG_API void dcpg_signals_beat(int seconds);

/* The signal that came last, 0: none. */
DCPG_API int dcpg_signal_seen(void);

/* "SIGUSR1"; "a signal" for others. */
DCPG_API const char *dcpg_signal_name(int number);

DCPG_END_C

#endif
