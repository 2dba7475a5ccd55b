/* Signals that ask a program to come to an end: they set a flag, and whoever works looks at it. Local. */
#ifndef DCPG_SIGNAL_H
#define DCPG_SIGNAL_H

/* From now on SIGTERM, SIGUSR1 and SIGUSR2 do nothing but set the flag. A second SIGTERM is as the first. */
void dcpg_signals_catch(void);

/* The signal that came last, 0: none. */
int dcpg_signal_seen(void);

/* "SIGUSR1"; "a signal" for others. */
const char *dcpg_signal_name(int number);

#endif
