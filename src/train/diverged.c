/* SPDX-License-Identifier: MIT */
/* Losses and gradients that are not finite: detecting them, and an error that names the place. */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

bool dcpg_trainer_is_finite(const trainer *t) {
    double sum = t->run.penalty;
    size_t columns = (size_t)t->net->nb_output * DCPG_TALLY_COLUMNS;
    for (int leaf = 0; leaf < t->tally->nb_leaf; leaf++)
        for (size_t i = 0; i < columns; i += DCPG_TALLY_COLUMNS)
            sum += t->tally->sum[(size_t)leaf * columns + i + DCPG_TALLY_LOSS];
    return isfinite(sum);
}

/* The largest absolute gradient of a parameter; NaN counts as the largest of all. */
static float largest(const dcpg_net *net, const dcpg_param *p) {
    float most = 0;
    for (size_t row = 0; row < p->size / p->row; row++)
        for (size_t i = 0; i < p->row; i++) {
            float g = fabsf(net->grads[p->offset + row * p->stride + i]);
            if (isnan(g)) return g;
            if (g > most) most = g;
        }
    return most;
}

/* Whether `a` counts as larger than `b`. */
static bool larger(float a, float b) { return !isnan(b) && (isnan(a) || a > b); }

/* The parameter with the largest gradient. Among several with NaN, or with infinite gradients, the last one:
 * an error near the outputs spreads towards the inputs. */
static const dcpg_param *find_largest(const dcpg_net *net, float *most) {
    const dcpg_param *found = NULL;
    *most = 0;
    for (int i = net->nb_param - 1; i >= 0; i--) {
        const dcpg_param *p = &net->param[i];
        if (p->weight.state || !p->trainable) continue;
        float g = largest(net, p);
        if (found && !larger(g, *most)) continue;
        found = p;
        *most = g;
    }
    return found;
}

dcpg_status dcpg_trainer_diverged_all(const trainer *t, dcpg_err *err) {
    float most;
    if (t->options->shard_optimizer) dcpg_par_sums_gather_all(t->sums, t->net->grads);
    const dcpg_param *p = find_largest(t->net, &most);
    return dcpg_fail(
        err, DCPG_E_NUMERIC,
        "epoch %" PRId64 ", step %" PRId64 ": the loss, or a gradient of it, is no longer a finite number; "
        "the largest gradient is %g, in layer %s (%s). Use a smaller --learning_rate than %g, a longer "
        "warm-up "
        "(--warmup_steps), --clip_norm, or smaller penalties and output weights; earlier checkpoints stay",
        t->run.epoch + 1, t->run.step, (double)most, p ? t->graph->layer[p->layer].name : "none",
        p ? p->weight.name : "none", t->options->learning_rate);
}
