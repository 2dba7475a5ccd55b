/* SPDX-License-Identifier: MIT */
/* Adam's moments if every rank only has those of its slices. Between two steps gradients are not needed, so
 * node 0's gradient buffer can hold all moments at once. */
#include "train/trainer.h"

float *dcpg_trainer_moments_space(trainer *t, float *moments) {
    return t->options->shard_optimizer ? t->net->grads : moments;
}

float *dcpg_trainer_all_moments_all(trainer *t, float *moments) {
    float *all = dcpg_trainer_moments_space(t, moments);
    if (all == moments) return all;
    dcpg_slices_put(&t->slices, moments, all);
    dcpg_par_sums_gather_all(t->sums, all);
    return all;
}

void dcpg_trainer_take_moments(trainer *t, float *moments) {
    float *all = dcpg_trainer_moments_space(t, moments);
    if (all != moments) dcpg_slices_take(&t->slices, all, moments);
}
