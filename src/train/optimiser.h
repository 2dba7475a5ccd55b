/* SPDX-License-Identifier: MIT */
/* The parts of the optimiser that need norms; private to this module. */
#ifndef DCPG_TRAIN_OPTIMISER_H
#define DCPG_TRAIN_OPTIMISER_H

#include <dcpg/train.h>

/* Most values of a part; a multiple of DCPG_LINE. */
enum { DCPG_ADAM_PART = 2048 };

/* optimiser_parts.c: fills part, nb_array and norm for this rank's slices. Local. */
dcpg_status dcpg_adam_find_parts(dcpg_adam *adam, const dcpg_net *net, dcpg_err *err);

/* optimiser_lamb.c: the factor that brings the gradient to kind.clip_norm, at most 1. Collective over several
 * slices.
 */
float dcpg_adam_clip_all(dcpg_adam *adam, const dcpg_par *par, const float *grads, const float *params);

/* optimiser_lamb.c: one step of LAMB, with gradients times `scale`; arguments as in dcpg_adam_apply_all.
 * Collective over several slices. */
bool dcpg_adam_lamb_all(dcpg_adam *adam, const dcpg_par *par, double rate, float scale, const float *grads,
                        float *params);

#endif
