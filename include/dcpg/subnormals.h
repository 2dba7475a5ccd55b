/* SPDX-License-Identifier: MIT */
/* Numbers below the smallest normal one.
 *
 * Gradients that fade along hundreds of cells, moments of weights that are never used again and the tails of
 * softmax pass through subnormal numbers (in single precision below 1.2e-38) on their way to 0. Processors
 * compute with them by a path that takes up to a hundred times as long, and Adam's moments would stay there,
 * as a subnormal number times 0.9 may round to itself. So dcpg computes with both flags set, on x86 MXCSR's
 * "flush to zero" and "denormals are zero", on Arm FPCR's FZ: a result that would be subnormal is 0, and so
 * is one that is read. Errors are below 1.2e-38 each, and results are, as without, independent of ranks and
 * threads, since the flags are the same in every thread.
 *
 * dcpg_net_forward, dcpg_net_loss, dcpg_net_backward, dcpg_train_all and dcpg_eval_all do so by themselves
 * and leave the flags as they found them. Who calls kernels (kern.h) directly decides for himself, with the
 * two functions below. On other processors they do nothing. */
#ifndef DCPG_SUBNORMALS_H
#define DCPG_SUBNORMALS_H

#include <dcpg/api.h>
#include <stdbool.h>

DCPG_BEGIN_C

/* From here to the end that belongs to it the calling thread and all OpenMP threads of its parallel regions
 * flush subnormal numbers to 0; threads that start in between inherit it. Inside of a parallel region: this
 * thread alone. Pairs may be nested, inner ones cost nothing. Local. */
DCPG_API void dcpg_flush_begin(void);

/* Puts back the flags of every thread as dcpg_flush_begin found them; those of threads that started since
 * become those of the calling thread. Local. */
DCPG_API void dcpg_flush_end(void);

/* Whether the calling thread flushes subnormal numbers now. */
DCPG_API bool dcpg_flushes(void);

DCPG_END_C

#endif
