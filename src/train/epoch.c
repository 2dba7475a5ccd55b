/* SPDX-License-Identifier: MIT */
/* Training steps and validation: forward, losses, backward while gradients are summed, the
 * optimiser. */
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>

/* Seconds between two updates of the progress line on a terminal. */
static const double REFRESH = 1.0;

static dcpg_input make_input(const trainer *t, const dcpg_batch *batch, const dcpg_leaves *leaves,
                             int64_t n_global) {
    return (dcpg_input){.n = batch->n,
                        .n_global = n_global,
                        .dna = batch->dna,
                        .cpg = batch->cpg,
                        .id = batch->id,
                        .leaves = leaves,
                        .step = (uint64_t)t->adam->t};
}

static dcpg_targets make_targets(const trainer *t, const dcpg_batch *batch, bool weigh_classes) {
    return (dcpg_targets){.label = batch->label,
                          .output_weight = t->options->output_weight,
                          .class_weight = weigh_classes ? t->class_weight : NULL};
}

/* Forward, scores and, when training, backward, in the passes that the net was planned for. */
static void run_passes(trainer *t, dcpg_tally *tally, const dcpg_input *input, const dcpg_targets *targets,
                       bool training) {
    for (int pass = 0; pass < t->net->nb_pass; pass++) {
        dcpg_net_samples some;
        dcpg_net_pass(t->net, pass, input, targets, &some);
        dcpg_net_forward(t->net, &some.input, training, &t->reducer);
        double since = dcpg_now();
        dcpg_tally_add(tally, t->net, &some.input, &some.targets, training);
        t->part[TIMING_SCORES] += dcpg_timing_lap(&since);
        if (training) dcpg_net_backward(t->net, &some.input, &t->reducer);
    }
}

/* One optimiser step. Its batch was cut before, so that nothing local can fail while other ranks wait for
 * this one. Collective. */
static dcpg_status step_all(trainer *t, bool *finite, dcpg_err *err) {
    const dcpg_batch *batch;
    const dcpg_leaves *leaves;
    double since = dcpg_now();
    DCPG_TRY(dcpg_loader_next(t->train_loader, &batch, &leaves, err));
    t->part[TIMING_DATA] += dcpg_timing_lap(&since);
    dcpg_input input = make_input(t, batch, leaves, t->batch);
    dcpg_targets targets = make_targets(t, batch, !t->options->no_class_weights);
    run_passes(t, t->tally, &input, &targets, true);
    since = dcpg_now();
    dcpg_status status = dcpg_loader_prepare(t->train_loader, err);
    t->part[TIMING_DATA] += dcpg_timing_lap(&since);
    t->reducer.wait(t->reducer.self);
    t->part[TIMING_SUMS] += dcpg_timing_lap(&since);
    t->run.penalty += dcpg_net_penalty(t->net);
    double rate = dcpg_learning_rate_at(&t->rate, t->run.epoch, t->adam->t);
    *finite = dcpg_adam_apply_all(t->adam, t->par, rate, t->net->grads, t->net->params) &&
              dcpg_trainer_is_finite(t);
    t->part[TIMING_OPTIMISER] += dcpg_timing_lap(&since);
    if (t->options->shard_optimizer) dcpg_par_sums_gather_all(t->sums, t->net->params);
    t->part[TIMING_SUMS] += dcpg_timing_lap(&since);
    t->run.step++;
    t->steps++;
    t->samples += t->batch;
    return status;
}

static void epoch_scores_all(trainer *t, dcpg_scores *scores) {
    double penalty = t->run.step ? t->run.penalty / (double)t->run.step : 0;
    dcpg_tally_scores_all(t->tally, t->net, &t->reducer, t->options->output_weight, penalty, scores);
}

static void show_all(trainer *t, bool milestone, double started, int64_t first_step) {
    epoch_scores_all(t, &t->shown);
    int64_t steps = dcpg_shards_steps(t->train_shards), done = t->run.step - first_step;
    double seconds = dcpg_now() - started;
    int64_t left = (t->options->nb_epoch - t->run.epoch) * steps - t->run.step;
    double rate = (double)(done * t->batch) / seconds;
    char text[32], acc[24];
    dcpg_progress(t->log, milestone,
                  "epoch %" PRId64 "/%" PRId64 "  %3d %%  loss %.4f%s  %.0f samples/s  at most %s left",
                  t->run.epoch + 1, t->options->nb_epoch, (int)(100 * t->run.step / steps), t->shown.loss,
                  dcpg_trainer_acc_text(
                      dcpg_scores_mean(&t->shown, t->net->nb_output, t->tally->kind, DCPG_METRIC_ACC), acc),
                  rate, dcpg_duration(seconds / (double)done * (double)left, text));
    t->last_shown = dcpg_now();
    if (milestone) dcpg_journal_step(t, rate);
}

/* What all ranks must know after a step, exchanged at once. */
typedef struct agreement {
    bool failed, diverged, show, save;
    stop_reason stop;
} agreement;

/* The same as the ranks exchange it: of each number, the largest of all ranks. */
enum { AGREE_FAILED, AGREE_DIVERGED, AGREE_SHOW, AGREE_SAVE, AGREE_STOP, AGREE_NUMBERS };

static agreement agree_on_step_all(trainer *t, dcpg_status status, bool finite) {
    const dcpg_train_options *o = t->options;
    double now = dcpg_now();
    bool leads = t->par->rank == 0, refresh = t->log && t->log->terminal && now - t->last_shown > REFRESH;
    bool due = o->checkpoint_minutes > 0 && now - t->last_saved > 60 * o->checkpoint_minutes;
    int64_t largest[AGREE_NUMBERS] = {[AGREE_FAILED] = status != DCPG_OK,
                                      [AGREE_DIVERGED] = !finite,
                                      [AGREE_SHOW] = leads && refresh,
                                      [AGREE_SAVE] = leads && due,
                                      [AGREE_STOP] = dcpg_trainer_look(t)};
    dcpg_max_i64s_all(t->par, largest, AGREE_NUMBERS);
    t->part[TIMING_AGREEING] += dcpg_timing_lap(&now);
    return (agreement){.failed = largest[AGREE_FAILED],
                       .diverged = largest[AGREE_DIVERGED],
                       .show = largest[AGREE_SHOW],
                       .save = largest[AGREE_SAVE],
                       .stop = (stop_reason)largest[AGREE_STOP]};
}

/* Everything that follows a step. Collective. */
static void after_step_all(trainer *t, const agreement *agreed, double started, int64_t first_step) {
    int64_t steps = dcpg_shards_steps(t->train_shards), every = (steps + 9) / 10,
            n = t->options->checkpoint_steps;
    bool milestone = t->run.step % every == 0;
    if (milestone || agreed->show) show_all(t, milestone, started, first_step);
    bool due = agreed->save || (n > 0 && (t->run.epoch * steps + t->run.step) % n == 0);
    if (due && t->run.step < steps && t->stop == STOP_NOT) dcpg_trainer_try_checkpoint_all(t);
}

dcpg_status dcpg_trainer_epoch_all(trainer *t, dcpg_err *err) {
    int64_t steps = dcpg_shards_steps(t->train_shards), first_step = t->run.step;
    DCPG_TRY(dcpg_agree_all(t->par, dcpg_shards_start_epoch(t->train_shards, t->run.epoch, err), err));
    dcpg_loader_seek(t->train_loader, first_step);
    DCPG_TRY(dcpg_agree_all(t->par, dcpg_loader_prepare(t->train_loader, err), err));
    double started = dcpg_now(), before = started;
    t->measured_from = started;
    t->busy_from = dcpg_timing_busy();
    while (t->run.step < steps && t->stop == STOP_NOT) {
        bool finite = true;
        dcpg_status status = step_all(t, &finite, err);
        if (status == DCPG_OK) status = dcpg_lock_check(t->options->lock, err);
        agreement agreed = agree_on_step_all(t, status, finite);
        if (agreed.failed) return dcpg_agree_all(t->par, status, err);
        if (agreed.diverged) return dcpg_trainer_diverged_all(t, err);
        t->stop = agreed.stop;
        t->step_seconds = dcpg_now() - before;
        t->advanced = true;
        after_step_all(t, &agreed, started, first_step);
        dcpg_timing_step(t, t->step_seconds);
        before = dcpg_now();
    }
    t->training_seconds += dcpg_now() - t->measured_from;
    t->busy_seconds += dcpg_timing_busy() - t->busy_from;
    epoch_scores_all(t, &t->run.train[t->run.epoch]);
    return DCPG_OK;
}

/* One batch of the validation data. */
static dcpg_status validation_step(trainer *t, dcpg_err *err) {
    const dcpg_batch *batch;
    const dcpg_leaves *leaves;
    double since = dcpg_now();
    DCPG_TRY(dcpg_loader_next(t->val_loader, &batch, &leaves, err));
    t->part[TIMING_DATA] += dcpg_timing_lap(&since);
    dcpg_input input = make_input(t, batch, leaves, 0);
    dcpg_targets targets = make_targets(t, batch, false);
    run_passes(t, t->val_tally, &input, &targets, false);
    return DCPG_OK;
}

dcpg_status dcpg_trainer_validate_all(trainer *t, dcpg_scores *scores, dcpg_err *err) {
    int64_t steps = dcpg_shards_sweep_steps(t->val_shards);
    dcpg_tally_reset(t->val_tally);
    dcpg_loader_seek(t->val_loader, 0);
    for (int64_t step = 0; step < steps; step++) {
        dcpg_status status = validation_step(t, err);
        if (status == DCPG_OK) status = dcpg_lock_check(t->options->lock, err);
        agreement agreed = agree_on_step_all(t, status, true);
        if (agreed.failed) return dcpg_agree_all(t->par, status, err);
        /* A validation cannot be resumed: a job that begins with one completes it even if time is short,
         * otherwise no job ever would. */
        bool short_of_time = agreed.stop == STOP_TIME || agreed.stop == STOP_JOB_TIME;
        if (!short_of_time || t->advanced) t->stop = agreed.stop;
        if (t->stop != STOP_NOT) return DCPG_OK;
    }
    t->val_tally->n = t->val_shards->nb_site;
    dcpg_tally_scores_all(t->val_tally, t->net, &t->reducer, t->options->output_weight,
                          dcpg_net_penalty(t->net), scores);
    if (isfinite(scores->loss)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_NUMERIC,
                     "the validation loss of epoch %" PRId64
                     " is not a finite number: use a smaller --learning_rate than %g, a longer warm-up "
                     "(--warmup_steps) or "
                     "--clip_norm; earlier checkpoints stay",
                     t->run.epoch + 1, t->options->learning_rate);
}
