/* SPDX-License-Identifier: MIT */
/* Bytes of a file as they are or, where it is gzip or bgzip, what `gzip -dc` makes of it. The lowest part of
 * reading text; files that are no regular ones (pipes) are opened once and never sought in. */
#ifndef DCPG_TEXT_BYTE_READER_H
#define DCPG_TEXT_BYTE_READER_H

#include <dcpg/status.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct dcpg_bytes dcpg_bytes;

typedef enum dcpg_bytes_state {
    DCPG_BYTES_FINE,
    DCPG_BYTES_UNREADABLE, /* the system refused: errno */
    DCPG_BYTES_CUT,        /* the gzip stream ends within */
    DCPG_BYTES_DAMAGED     /* the gzip stream contradicts itself */
} dcpg_bytes_state;

/* Opens `path`. DCPG_E_INPUT: it cannot be opened, is a device or a pipe that nobody writes to. Close with
 * dcpg_bytes_close. Local. */
dcpg_status dcpg_bytes_open(const char *path, dcpg_bytes **file, dcpg_err *err);
void dcpg_bytes_close(dcpg_bytes *file); /* NULL is fine */

/* Reads up to `size` bytes; `*got` is 0 after the last one. Good bytes before a fault are given first. Local.
 */
dcpg_bytes_state dcpg_bytes_read(dcpg_bytes *file, char *to, size_t size, size_t *got);

/* What was odd so far, bits of DCPG_ODD_...; after the last byte all that is. Local. */
unsigned dcpg_bytes_odd(const dcpg_bytes *file);

#endif
