/* SPDX-License-Identifier: MIT */
/* Event files for TensorBoard: TFRecord frames (length, masked CRC32C, bytes, masked CRC32C) around protocol
 * buffers. Local. A build without protobuf-c writes nothing. */
#ifndef DCPG_TENSORBOARD_H
#define DCPG_TENSORBOARD_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

typedef struct dcpg_events dcpg_events;

/* Whether this build can write event files. Pure. */
DCPG_API bool dcpg_events_available(void);

/* Opens an event file and keeps its first `keep` bytes (a length returned by dcpg_events_settle); 0: starts
 * an empty file. TensorBoard looks for names that contain "tfevents". Close with dcpg_events_close.
 * DCPG_E_IO; DCPG_E_USAGE if this build cannot write event files. */
DCPG_API dcpg_status dcpg_events_open(const char *path, int64_t keep, dcpg_events **events, dcpg_err *err);

/* Scalars of one step. */
typedef struct dcpg_event {
    double wall; /* seconds since 1970 */
    int64_t step;
    int nb;
    const char *const *tag; /* [nb] names */
    const float *value;     /* [nb] */
} dcpg_event;

/* Adds the scalars of an event. DCPG_E_IO. */
DCPG_API dcpg_status dcpg_events_add(dcpg_events *events, const dcpg_event *event, dcpg_err *err);

/* Flushes the file to the disk; `*bytes` receives its length. DCPG_E_IO. */
DCPG_API dcpg_status dcpg_events_settle(dcpg_events *events, int64_t *bytes, dcpg_err *err);

/* Closes the file; `events` may be NULL. */
DCPG_API void dcpg_events_close(dcpg_events *events);

DCPG_END_C

#endif
