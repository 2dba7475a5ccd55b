/* SPDX-License-Identifier: MIT */
/* The bytes of a file: as they are or, for gzip and bgzip, as `gzip -dc` gives them. The lowest layer of
 * reading text. A file is opened once and read from start to end, so that pipes work. */
#ifndef DCPG_TEXT_BYTE_READER_H
#define DCPG_TEXT_BYTE_READER_H

#include <dcpg/status.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct dcpg_bytes dcpg_bytes;

typedef enum dcpg_bytes_state {
    DCPG_BYTES_FINE,
    DCPG_BYTES_UNREADABLE, /* system error, see errno */
    DCPG_BYTES_CUT,        /* the file ends inside a gzip stream */
    DCPG_BYTES_DAMAGED     /* the gzip stream is invalid */
} dcpg_bytes_state;

/* Opens `path`. DCPG_E_INPUT if it cannot be opened, or is a folder, a device, or a pipe that gets no writer
 * within 30 s. Close with dcpg_bytes_close. Local. */
dcpg_status dcpg_bytes_open(const char *path, dcpg_bytes **file, dcpg_err *err);
void dcpg_bytes_close(dcpg_bytes *file); /* NULL is fine */

/* Reads up to `size` bytes; `*got` is 0 after the last byte of the file. Good bytes before a fault are
 * returned first, the fault by the next call. Local. */
dcpg_bytes_state dcpg_bytes_read(dcpg_bytes *file, char *to, size_t size, size_t *got);

/* What was odd about the compression so far, as bits DCPG_ODD_... of dcpg/compression.h; complete after the
 * last byte. Local. */
unsigned dcpg_bytes_odd(const dcpg_bytes *file);

#endif
