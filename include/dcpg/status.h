/* SPDX-License-Identifier: MIT */
/* Status codes and error messages: how every function of libdcpg that can fail reports. */
#ifndef DCPG_STATUS_H
#define DCPG_STATUS_H

#include <dcpg/api.h>

DCPG_BEGIN_C

typedef enum dcpg_status {
    DCPG_OK = 0,
    DCPG_E_USAGE,   /* options that make no sense: exit code 2 */
    DCPG_E_INPUT,   /* a file is wrong, missing or does not fit the options: exit code 2 */
    DCPG_E_IO,      /* the system refused: unwritable directory, full disk, read error: exit code 2 */
    DCPG_E_NOMEM,   /* out of memory: exit code 1 */
    DCPG_E_NUMERIC, /* NaN or infinite loss: exit code 1 */
    DCPG_E_REQUEUE, /* stopped early with everything saved; run again to continue: exit code 85 */
    DCPG_E_STOPPED  /* stopped by a signal with nothing saved: exit code 143, as of a program that SIGTERM
                       ended */
} dcpg_status;

/* An error as a user reads it: one line that names file, line and remedy. The caller owns it; `status` is
 * DCPG_OK and `text` empty until something fails. Start with `dcpg_err err = {0};`. */
typedef struct dcpg_err {
    dcpg_status status;
    char text[1024];
} dcpg_err;

#if defined(__GNUC__)
#define DCPG_PRINTF(fmt_index, first) __attribute__((format(printf, fmt_index, first)))
#else
#define DCPG_PRINTF(fmt_index, first)
#endif

/* Records the error in `err` (which may be NULL) and returns `status`. The first error wins, as an earlier
 * failure is the cause. The text is cut to the size of `err` and kept on one line. Local. */
DCPG_API dcpg_status dcpg_fail(dcpg_err *err, dcpg_status status, const char *fmt, ...) DCPG_PRINTF(3, 4);

/* Records DCPG_E_NOMEM: out of memory while allocating `bytes` for `what`. Local. */
DCPG_API dcpg_status dcpg_fail_nomem(dcpg_err *err, const char *what, unsigned long long bytes);

/* The exit code for a status. Pure. */
DCPG_API int dcpg_exit_code(dcpg_status status);

/* Passes a failure on: `DCPG_TRY(f(..., err));` */
#define DCPG_TRY(call)                                                                                       \
    do {                                                                                                     \
        dcpg_status dcpg_try_status_ = (call);                                                               \
        if (dcpg_try_status_ != DCPG_OK) return dcpg_try_status_;                                            \
    } while (0)

DCPG_END_C
#endif
