/* SPDX-License-Identifier: MIT */
/* Flushing of subnormal numbers, those smaller than the smallest normal one, to 0.
 *
 * Gradients that vanish along hundreds of cells, moments of weights that are never used again and the tails
 * of softmax pass through subnormal numbers (in single precision below 1.2e-38) on their way to 0. Processors
 * compute with them by a path that takes up to a hundred times as long, and Adam's moments would stay there,
 * as a subnormal number times 0.9 may round to itself. So dcpg computes with both flags set, on x86 MXCSR's
 * "flush to zero" and "denormals are zero", on Arm FPCR's FZ: a result that would be subnormal is 0, and so
 * is a subnormal operand. Each error is below 1.2e-38, and results still do not depend on ranks or threads,
 * since the flags are the same in every thread.
 *
 * dcpg_net_forward, dcpg_net_loss, dcpg_net_backward, dcpg_train_all and dcpg_eval_all set the flags
 * themselves and restore them at the end. Callers of kernels (kern.h) choose by the two functions below. On
 * other processors these do nothing. */
#ifndef DCPG_SUBNORMALS_H
#define DCPG_SUBNORMALS_H

#include <dcpg/api.h>
#include <stdbool.h>

DCPG_BEGIN_C

/* Until the matching dcpg_flush_end, the calling thread and all OpenMP threads of its parallel regions flush
 * subnormal numbers to 0; threads that start meanwhile inherit this. Inside a parallel region: the calling
 * thread alone. Pairs may be nested; inner ones cost nothing. Local. */
DCPG_API void dcpg_flush_begin(void);

/* Restores the flags of every thread to their state before dcpg_flush_begin; threads started since get the
 * flags of the calling thread. Local. */
DCPG_API void dcpg_flush_end(void);

/* Whether the calling thread flushes subnormal numbers now. */
DCPG_API bool dcpg_flushes(void);

DCPG_END_C

#endif
