/* SPDX-License-Identifier: MIT */
/* The simulator's files: bgzip files, new in its own folder, that a signal stops. */
#include "sim/sim.h"
#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>

dcpg_status dcpg_sim_open(const char *folder, const char *name, dcpg_bgzip *file, dcpg_err *err) {
    char *path = dcpg_format("%s/%s", folder, name);
    *file = (dcpg_bgzip){0};
    dcpg_status status =
        path ? dcpg_bgzip_create_new(path, file, err) : dcpg_fail_nomem(err, name, strlen(name));
    dcpg_free(path);
    return status;
}

void dcpg_sim_write(dcpg_bgzip *file, const char *bytes, size_t n) {
    if (!dcpg_signal_seen()) dcpg_bgzip_write(file, bytes, n);
}

void dcpg_sim_print(dcpg_bgzip *file, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text)
        file->error = EOVERFLOW;
    else
        dcpg_sim_write(file, text, (size_t)n);
}

dcpg_status dcpg_sim_close(dcpg_bgzip *file, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    if (file->stream && !file->error && dcpg_signal_seen())
        status =
            dcpg_fail(err, DCPG_E_STOPPED, "stopped by %s: nothing is kept of a simulation that did not end",
                      dcpg_signal_name(dcpg_signal_seen()));
    return dcpg_bgzip_close(file, status, err);
}
