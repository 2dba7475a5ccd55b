/* SPDX-License-Identifier: MIT */
/* The loader: cuts the batch of the next step in advance, while gradients are exchanged. Uses the OpenMP
 * threads and has no thread of its own. */
#ifndef DCPG_LOADER_H
#define DCPG_LOADER_H

#include <dcpg/api.h>
#include <dcpg/source.h>
#include <dcpg/tree.h>

DCPG_BEGIN_C

typedef struct dcpg_loader dcpg_loader;

/* A loader over this rank's shards of `source`, which must be loaded for their range. sweep false: training
 * steps of the epoch's order; true: every sample once (validation). Source and shards must outlive it.
 * Local. */
DCPG_API dcpg_status dcpg_loader_new(dcpg_source *source, dcpg_shards *shards, bool sweep,
                                     dcpg_loader **loader, dcpg_err *err);
DCPG_API void dcpg_loader_free(dcpg_loader *loader);

/* Moves to step `step` of the shards' current order; discards a prepared batch. Local. */
DCPG_API void dcpg_loader_seek(dcpg_loader *loader, int64_t step);

/* The batch of the current step (cut now if dcpg_loader_prepare was not called) and its leaves, valid until
 * the next call of dcpg_loader_next; moves on to the next step. Local. */
DCPG_API dcpg_status dcpg_loader_next(dcpg_loader *loader, const dcpg_batch **batch,
                                      const dcpg_leaves **leaves, dcpg_err *err);

/* Cuts the batch that dcpg_loader_next will return; does nothing if it is ready, or if the last step was
 * returned. Local. */
DCPG_API dcpg_status dcpg_loader_prepare(dcpg_loader *loader, dcpg_err *err);

/* Seconds spent so far in dcpg_loader_next waiting for a batch, and in cutting batches altogether. Local. */
DCPG_API double dcpg_loader_waited(const dcpg_loader *loader);
DCPG_API double dcpg_loader_cutting(const dcpg_loader *loader);

DCPG_END_C

#endif
