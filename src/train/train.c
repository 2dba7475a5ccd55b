/* SPDX-License-Identifier: MIT */
/* The training run: epochs, early stopping, and the best weights at the end. */
#include <dcpg/kern.h>
#include <dcpg/subnormals.h>
#include <dcpg/surgery.h>
#include <dcpg/train.h>

#include "base/number.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static void describe(const trainer *t) {
    dcpg_value_counts counts = dcpg_graph_count(t->graph);
    dcpg_info(t->log,
              "training on %" PRId64 " site%s, validating on %" PRId64 "; batches of %" PRId64
              " over %d rank%s, cut into %d virtual rank%s; %" PRId64 " parameters",
              t->train_shards->nb_site, t->train_shards->nb_site == 1 ? "" : "s",
              t->val_shards ? t->val_shards->nb_site : 0, t->batch, t->par->size,
              t->par->size == 1 ? "" : "s", t->virtual_ranks, t->virtual_ranks == 1 ? "" : "s",
              counts.trained + counts.frozen + counts.moving);
    dcpg_info(t->log, "matrix products: %s", dcpg_gemm_description());
    dcpg_trainer_log_rate(t);
    int64_t share = ceil_div(t->batch, t->virtual_ranks);
    if (t->options->max_memory > 0 || t->options->micro_batch > 0 || t->nb_block > 1)
        dcpg_info(t->log, "steps in %d pass%s of at most %" PRId64 " sample%s; blocks of %" PRId64,
                  t->net->nb_pass, t->net->nb_pass == 1 ? "" : "es", t->net->options.max_rows,
                  t->net->options.max_rows == 1 ? "" : "s", ceil_div(share, t->nb_block));
}

static void report_epoch(const trainer *t) {
    int64_t e = t->run.epoch;
    int n = t->net->nb_output;
    const dcpg_scores *train = &t->run.train[e], *val = &t->run.val[e];
    char validation[96] = "", acc[24];
    if (t->val)
        snprintf(validation, sizeof validation, "  validation: loss %.4f%s", val->loss,
                 dcpg_trainer_acc_text(dcpg_scores_mean(val, n, t->tally->kind, DCPG_METRIC_ACC), acc));
    dcpg_info(
        t->log, "epoch %" PRId64 "/%" PRId64 "  loss %.4f%s%s", e + 1, t->options->nb_epoch, train->loss,
        dcpg_trainer_acc_text(dcpg_scores_mean(train, n, t->tally->kind, DCPG_METRIC_ACC), acc), validation);
}

/* Keeps the weights of the best epoch so far. Collective. */
static dcpg_status keep_best_all(trainer *t, dcpg_err *err) {
    run_state *run = &t->run;
    double loss = t->val ? run->val[run->epoch].loss : run->train[run->epoch].loss;
    if (!(loss < run->best_loss)) {
        run->waited++;
        return DCPG_OK;
    }
    run->best_loss = loss;
    run->waited = 0;
    memcpy(run->best, t->net->params, t->net->nb_value * sizeof *run->best);
    return dcpg_trainer_write_model_all(t, "model_weights_val.h5", err);
}

/* Everything that follows the last step of an epoch; if the validation is stopped, the epoch stays open.
 * Collective. */
static dcpg_status end_epoch_all(trainer *t, dcpg_err *err) {
    run_state *run = &t->run;
    if (t->val) DCPG_TRY(dcpg_trainer_validate_all(t, &run->val[run->epoch], err));
    if (t->stop != STOP_NOT) return DCPG_OK;
    double since = dcpg_now();
    report_epoch(t);
    dcpg_journal_epoch(t);
    DCPG_TRY(dcpg_trainer_write_model_all(t, "model_weights_train.h5", err));
    DCPG_TRY(keep_best_all(t, err));
    run->nb_epoch = run->epoch + 1;
    DCPG_TRY(dcpg_trainer_write_curves_all(t, err));
    t->part[TIMING_FILES] += dcpg_timing_lap(&since);
    run->epoch++;
    run->step = 0;
    run->penalty = 0;
    dcpg_tally_reset(t->tally);
    return DCPG_OK;
}

static bool waited_long_enough(const trainer *t) {
    return t->val && t->options->early_stopping > 0 && t->run.waited >= t->options->early_stopping;
}

/* Each epoch ends with a checkpoint, written after all other files of the epoch: a run killed in between
 * writes these again when resumed. */
static dcpg_status run_epochs_all(trainer *t, dcpg_err *err) {
    while (t->run.epoch < t->options->nb_epoch && !waited_long_enough(t)) {
        DCPG_TRY(dcpg_trainer_epoch_all(t, err));
        if (t->stop == STOP_NOT) DCPG_TRY(end_epoch_all(t, err));
        if (t->stop != STOP_NOT) return DCPG_OK;
        dcpg_trainer_try_checkpoint_all(t);
    }
    if (t->run.epoch < t->options->nb_epoch)
        dcpg_info(t->log, "stopping early: no better validation loss for %" PRId64 " epoch%s", t->run.waited,
                  t->run.waited == 1 ? "" : "s");
    return DCPG_OK;
}

/* model.h5 gets the best weights or, if no epoch was finished, those of the last step, which then also go
 * into the other files. Collective. */
static dcpg_status write_end_all(trainer *t, dcpg_err *err) {
    bool unfinished = t->run.step > 0;
    if (unfinished) DCPG_TRY(dcpg_trainer_write_model_all(t, "model_weights_train.h5", err));
    if (t->run.nb_epoch == 0)
        DCPG_TRY(dcpg_trainer_write_model_all(t, "model_weights_val.h5", err));
    else
        memcpy(t->net->params, t->run.best, t->net->nb_value * sizeof *t->run.best);
    return dcpg_trainer_write_model_all(t, "model.h5", err);
}

/* A run that is stopped writes its checkpoint first, as there may be little time. */
static dcpg_status stop_all(trainer *t, dcpg_err *err) {
    dcpg_info(t->log, "stopping: %s", dcpg_trainer_stop_text(t));
    DCPG_TRY(dcpg_trainer_checkpoint_all(t, err));
    DCPG_TRY(write_end_all(t, err));
    if (t->stop == STOP_FILE || t->stop == STOP_STEPS) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_REQUEUE,
                     "stopped in epoch %" PRId64 " after step %" PRId64
                     " (%s): everything is saved, 'dcpg train --resume %s' continues",
                     t->run.epoch + 1, t->run.step, dcpg_trainer_stop_text(t), t->options->out_dir);
}

static dcpg_status train_opened_all(trainer *t, dcpg_err *err) {
    describe(t);
    DCPG_TRY(dcpg_trainer_write_start_all(t, err));
    t->epochs_from = dcpg_now();
    DCPG_TRY(run_epochs_all(t, err));
    /* Cutting is the only wait for data, which are in memory. The slowest rank determines the pace of the
     * others. */
    double cutting = dcpg_max_f64_all(t->par, dcpg_loader_cutting(t->train_loader) - t->cutting_before);
    dcpg_info(t->log,
              "waiting for data (windows and neighbours being cut): %.1f %% of the training steps' time",
              t->training_seconds > 0 ? 100 * cutting / t->training_seconds : 0);
    dcpg_info(t->log, "train: %.1f samples/s",
              t->training_seconds > 0 ? (double)t->samples / t->training_seconds : 0);
    double since = dcpg_now(), files = t->part[TIMING_FILES];
    dcpg_status status = t->stop == STOP_NOT ? write_end_all(t, err) : stop_all(t, err);
    t->part[TIMING_FILES] =
        files + dcpg_timing_lap(&since); /* with the checkpoint of a run that is stopped */
    t->epochs_seconds = since - t->epochs_from;
    if (status != DCPG_OK && status != DCPG_E_REQUEUE) return status;
    dcpg_err fault = {0};
    dcpg_status reported = dcpg_timing_report_all(t, &fault);
    if (reported == DCPG_OK) return status;
    *err = fault;
    return reported;
}

dcpg_status dcpg_train_all(const dcpg_train_sources *sources, const dcpg_model *model,
                           const dcpg_train_options *options, const dcpg_par *par, dcpg_log *log,
                           dcpg_err *err) {
    trainer t = {.options = options,
                 .par = par,
                 .log = log,
                 .graph = model->graph,
                 .train = sources->train,
                 .val = sources->val,
                 .started = dcpg_now()};
    t.last_shown = t.last_saved = t.started;
    dcpg_trainer_note_job_end(&t);
    dcpg_par_report_all(par, options->nb_thread, log);
    DCPG_TRY(dcpg_trainer_open_all(&t, &model->weights, err));
    t.moment[TIMING_OPENING] = dcpg_now() - t.started;
    dcpg_flush_begin();
    dcpg_status status = train_opened_all(&t, err);
    dcpg_flush_end();
    dcpg_trainer_close_all(&t);
    return status;
}
