/* SPDX-License-Identifier: MIT */
/* Event files as TensorBoard reads them: TFRecord frames (length, masked CRC32C, bytes, masked CRC32C) around
 * protocol buffers. Local. Without protobuf-c in the build nothing is written. */
#ifndef DCPG_TENSORBOARD_H
#define DCPG_TENSORBOARD_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

typedef struct dcpg_events dcpg_events;

/* Whether this build can write them. */
DCPG_API bool dcpg_events_available(void);

/* Opens a file of events and keeps its first `keep` bytes (a length that dcpg_events_settle gave); 0: starts
 * anew. TensorBoard looks for names that hold "tfevents". DCPG_E_IO; DCPG_E_USAGE where the build cannot. */
DCPG_API dcpg_status dcpg_events_open(const char *path, int64_t keep, dcpg_events **events, dcpg_err *err);

/* Adds scalars value[nb] named tag[nb] of step `step`, at the time `wall` (seconds since 1970). DCPG_E_IO. */
DCPG_API dcpg_status dcpg_events_add(dcpg_events *events, double wall, int64_t step, int nb,
                                     const char *const *tag, const float *value, dcpg_err *err);

/* Brings the file to the disk; `*bytes` receives its length. DCPG_E_IO. */
DCPG_API dcpg_status dcpg_events_settle(dcpg_events *events, int64_t *bytes, dcpg_err *err);

/* NULL is fine. */
DCPG_API void dcpg_events_close(dcpg_events *events);

DCPG_END_C

#endif
