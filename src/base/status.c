/* SPDX-License-Identifier: MIT */
/* Errors: a status with a message, and the exit code of a status. */
#include <dcpg/status.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Names from other programs' files may contain any character; an error still is a single line. */
static void make_one_line(char *text) {
    for (; *text; text++) {
        if ((unsigned char)*text < ' ' || *text == 127) *text = ' ';
    }
}

dcpg_status dcpg_fail(dcpg_err *err, dcpg_status status, const char *fmt, ...) {
    if (!err || err->status != DCPG_OK) return status;
    err->status = status;
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(err->text, sizeof err->text, fmt, args);
    va_end(args);
    if (n < 0) err->text[0] = '\0';
    if (n >= (int)sizeof err->text) memcpy(err->text + sizeof err->text - 4, "...", 4);
    make_one_line(err->text);
    return status;
}

dcpg_status dcpg_fail_nomem(dcpg_err *err, const char *what, unsigned long long bytes) {
    if (bytes < 1000000)
        return dcpg_fail(err, DCPG_E_NOMEM, "out of memory: no %llu bytes left for %s", bytes, what);
    return dcpg_fail(err, DCPG_E_NOMEM, "out of memory: no %.1f MB left for %s", (double)bytes / 1e6, what);
}

int dcpg_exit_code(dcpg_status status) {
    switch (status) {
    case DCPG_OK:
        return 0;
    case DCPG_E_USAGE:
    case DCPG_E_INPUT:
    case DCPG_E_IO:
        return 2;
    case DCPG_E_NOMEM:
    case DCPG_E_NUMERIC:
        return 1;
    case DCPG_E_REQUEUE:
        return 85;
    case DCPG_E_STOPPED:
        return 143;
    }
    return 1;
}
