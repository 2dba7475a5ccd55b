/* SPDX-License-Identifier: MIT */
/* Writes bgzip files. htslib compresses the blocks but does not write them: on a full disk its own writer
 * keeps its memory and leaves the file open. */
#include "sim/sim.h"
#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <dcpg/temporary.h>
#include <errno.h>
#include <htslib/bgzf.h>
#include <stdarg.h>
#include <string.h>

/* Level of compression: takes half the time of the default, for 3 % more bytes. */
enum { LEVEL = 4 };

dcpg_status dcpg_sim_open(const char *folder, const char *name, dcpg_sim_file *file, dcpg_err *err) {
    *file =
        (dcpg_sim_file){.path = dcpg_format("%s/%s", folder, name), .block = dcpg_alloc(BGZF_BLOCK_SIZE, 1)};
    dcpg_status status = DCPG_OK;
    if (!file->path || !file->block) {
        status = dcpg_fail_nomem(err, name, BGZF_BLOCK_SIZE);
    } else if (!(file->stream = dcpg_file_create_new(file->path))) {
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be created: %s", file->path, strerror(errno));
    }
    if (status == DCPG_OK) return status;
    dcpg_free(file->path);
    dcpg_free(file->block);
    *file = (dcpg_sim_file){0};
    return status;
}

static void note_error(dcpg_sim_file *file) {
    if (!file->error) file->error = errno ? errno : EIO;
}

/* Compresses and writes the bytes held in `block`; if there are none, the output is bgzip's end marker. */
static void write_block(dcpg_sim_file *file) {
    char packed[BGZF_MAX_BLOCK_SIZE];
    size_t n = sizeof packed;
    errno = 0;
    if (dcpg_signal_seen() && !file->error) file->error = EINTR;
    if (file->error) return;
    if (bgzf_compress(packed, &n, file->block, file->used, LEVEL) != 0 ||
        fwrite(packed, 1, n, file->stream) != n)
        note_error(file);
    file->used = 0;
}

void dcpg_sim_write(dcpg_sim_file *file, const char *bytes, size_t n) {
    while (n > 0 && !file->error) {
        size_t part = BGZF_BLOCK_SIZE - file->used;
        if (part > n) part = n;
        memcpy(file->block + file->used, bytes, part);
        file->used += part;
        bytes += part;
        n -= part;
        if (file->used == BGZF_BLOCK_SIZE) write_block(file);
    }
}

void dcpg_sim_print(dcpg_sim_file *file, const char *fmt, ...) {
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n < 0 || (size_t)n >= sizeof text) {
        file->error = EOVERFLOW;
    } else {
        dcpg_sim_write(file, text, (size_t)n);
    }
}

dcpg_status dcpg_sim_close(dcpg_sim_file *file, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    if (!file->stream) return status;
    if (file->used > 0) write_block(file);
    write_block(file);
    errno = 0;
    if (fclose(file->stream) != 0) note_error(file);
    if (file->error == EINTR && dcpg_signal_seen())
        status =
            dcpg_fail(err, DCPG_E_STOPPED, "stopped by %s: nothing is kept of a simulation that did not end",
                      dcpg_signal_name(dcpg_signal_seen()));
    else if (file->error)
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", file->path, strerror(file->error));
    dcpg_free(file->path);
    dcpg_free(file->block);
    *file = (dcpg_sim_file){0};
    return status;
}
