/* SPDX-License-Identifier: MIT */
/* The learning rate of a step: scaled to the batch, rising during the warm-up, falling from epoch to epoch.
 */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>

enum { BASE_BATCH = 128 }; /* DeepCpG's */

double dcpg_learning_rate_scale(const dcpg_learning_rate *r) {
    double times = (double)r->batch / (double)r->base_batch;
    return r->scaling == DCPG_LR_LINEAR ? times : r->scaling == DCPG_LR_SQRT ? sqrt(times) : 1;
}

double dcpg_learning_rate_at(const dcpg_learning_rate *r, int64_t epoch, int64_t step) {
    double rate = r->rate * pow(r->decay, (double)epoch) * dcpg_learning_rate_scale(r);
    return step < r->warmup_steps ? rate * (double)(step + 1) / (double)r->warmup_steps : rate;
}

void dcpg_trainer_choose_rate(trainer *t) {
    const dcpg_train_options *o = t->options;
    double steps = ceil(o->warmup_epochs * (double)dcpg_shards_steps(t->train_shards));
    t->rate = (dcpg_learning_rate){.rate = o->learning_rate,
                                   .decay = o->learning_rate_decay,
                                   .scaling = o->lr_scaling,
                                   .base_batch = o->lr_base_batch > 0 ? o->lr_base_batch : BASE_BATCH,
                                   .batch = t->batch,
                                   .warmup_steps = o->warmup_steps > 0 ? o->warmup_steps : (int64_t)steps};
}

static void log_optimiser(const trainer *t) {
    const dcpg_optimiser *o = &t->options->optimiser;
    char clip[64] = "";
    if (o->clip_norm > 0) snprintf(clip, sizeof clip, ", gradients clipped to a norm of %g", o->clip_norm);
    if (o->lamb)
        dcpg_info(t->log, "optimiser: LAMB, weight decay %g%s", o->weight_decay, clip);
    else if (o->clip_norm > 0)
        dcpg_info(t->log, "optimiser: Adam%s", clip);
}

void dcpg_trainer_log_rate(const trainer *t) {
    const dcpg_learning_rate *r = &t->rate;
    char scaled[128] = "", warmup[64] = "";
    log_optimiser(t);
    if (r->scaling != DCPG_LR_NONE)
        snprintf(scaled, sizeof scaled, " x %.4g = %.4g (%s, batch %" PRId64 " against %" PRId64 ")",
                 dcpg_learning_rate_scale(r), r->rate * dcpg_learning_rate_scale(r),
                 r->scaling == DCPG_LR_LINEAR ? "linear" : "square root", r->batch, r->base_batch);
    if (r->warmup_steps > 0)
        snprintf(warmup, sizeof warmup, ", warm-up of %" PRId64 " step%s", r->warmup_steps,
                 r->warmup_steps == 1 ? "" : "s");
    if (*scaled || *warmup) dcpg_info(t->log, "learning rate %g%s%s", r->rate, scaled, warmup);
    int64_t all = t->options->nb_epoch * dcpg_shards_steps(t->train_shards);
    if (r->warmup_steps > all)
        dcpg_warn(t->log,
                  "the warm-up takes %" PRId64 " steps, the whole run %" PRId64
                  ": the full learning rate is never reached",
                  r->warmup_steps, all);
}
