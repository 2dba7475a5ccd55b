/* SPDX-License-Identifier: MIT */
/* Log: messages to the user while the program works. Results go to files, never through the log. */
#ifndef DCPG_LOG_H
#define DCPG_LOG_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

DCPG_BEGIN_C

typedef enum dcpg_level { DCPG_QUIET, DCPG_WARN, DCPG_INFO, DCPG_DEBUG } dcpg_level;

/* Where messages go. Only the rank with `speaks` set writes. Functions take a log explicitly; NULL means
 * silence. */
typedef struct dcpg_log {
    FILE *screen;     /* usually stderr; NULL: none */
    FILE *file;       /* --log_file; NULL: none */
    dcpg_level level; /* messages above this level are not shown on the screen; the file always gets INFO and
                         below */
    bool speaks;      /* true on rank 0 */
    bool terminal;    /* screen is a terminal: progress is one refreshed line */
    int file_error;   /* errno of the first failed write to the file; 0: none */
    char *file_name;  /* of `file` */
    bool line_open;   /* a progress line is on the screen, without its newline */
} dcpg_log;

/* Opens a log on stderr, on which rank 0 alone writes. Local. */
DCPG_API void dcpg_log_open(dcpg_log *log, int rank, dcpg_level level);

/* Adds a log file (appended to, created if absent). DCPG_E_IO. Local; call on rank 0 only. */
DCPG_API dcpg_status dcpg_log_to_file(dcpg_log *log, const char *path, dcpg_err *err);

/* Closes the log file. DCPG_E_IO if something could not be written to it, which was also reported on the
 * screen at the time. Local. */
DCPG_API dcpg_status dcpg_log_close(dcpg_log *log, dcpg_err *err);

DCPG_API void dcpg_info(dcpg_log *log, const char *fmt, ...) DCPG_PRINTF(2, 3);
DCPG_API void dcpg_warn(dcpg_log *log, const char *fmt, ...) DCPG_PRINTF(2, 3);
DCPG_API void dcpg_debug(dcpg_log *log, const char *fmt, ...) DCPG_PRINTF(2, 3);

/* Progress: on a terminal one line refreshed in place; elsewhere plain lines only where `milestone` is true.
 * The file gets milestones. Local. */
DCPG_API void dcpg_progress(dcpg_log *log, bool milestone, const char *fmt, ...) DCPG_PRINTF(3, 4);

/* Seconds on a monotonic clock, for differences only. */
DCPG_API double dcpg_now(void);

/* Seconds as "12 s", "3:05", "2:03:04"; writes at most 32 bytes into `text` and returns it. */
DCPG_API char *dcpg_duration(double seconds, char text[32]);

/* Seconds since 1970 as local date and time, "2026-11-29 07:30:00", or "?" beyond the calendar; writes at
 * most 32 bytes into `text` and returns it. */
DCPG_API char *dcpg_date(int64_t seconds, char text[32]);

DCPG_END_C

#endif
