/* SPDX-License-Identifier: MIT */
/* Builds a trainer, ready for its first step, from options and sources. */
#include "base/number.h"
#include "train/trainer.h"

#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { DEFAULT_LEAVES = 8 };

static int64_t first_samples(int64_t nb_site, int64_t limit) {
    return limit > 0 && limit < nb_site ? limit : nb_site;
}

static int64_t nb_train_site(const trainer *t) {
    return first_samples(t->train->nb_site, t->options->nb_train_sample);
}

static int64_t nb_val_site(const trainer *t) {
    return first_samples(t->val->nb_site, t->options->nb_val_sample);
}

/* Chooses the global batch and the number of shards, from options and data; only the default number of shards
 * depends on the number of ranks. */
static dcpg_status choose_cut(trainer *t, int64_t nb_site, dcpg_err *err) {
    const dcpg_train_options *o = t->options;
    int64_t ranks = t->par->size;
    if (nb_site == 0)
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "no training sites: choose other chromosomes, or check that the store has sites on them");
    if (ranks > nb_site)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%" PRId64 " ranks for %" PRId64 " training sites: run on fewer ranks", ranks,
                         nb_site);
    t->batch = min_i64(o->batch_size, nb_site);
    if (t->batch < o->batch_size)
        dcpg_warn(t->log, "batch of %" PRId64 " cut down to the %" PRId64 " training sites there are",
                  o->batch_size, t->batch);
    int64_t leaves = o->virtual_ranks;
    if (o->resume && leaves != 0 && leaves != o->resume->virtual_ranks)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--virtual_ranks %" PRId64 ", but the run was started with %" PRId64
                         ", which decides the result: leave the option out",
                         leaves, o->resume->virtual_ranks);
    if (o->resume) leaves = o->resume->virtual_ranks;
    if (leaves == 0) {
        leaves = max_i64(ranks, DEFAULT_LEAVES);
        if (leaves > t->batch) leaves = t->batch;
    }
    if (leaves > t->batch)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--virtual_ranks %" PRId64 " is more than a batch has samples (%" PRId64 ")", leaves,
                         t->batch);
    if (leaves < ranks)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "%" PRId64 " ranks but only %" PRId64
                         " virtual ranks: run on fewer ranks, or raise --virtual_ranks and --batch_size",
                         ranks, leaves);
    t->virtual_ranks = (int)leaves;
    return dcpg_trainer_choose_blocks(t, err);
}

/* The shards of a source, with this rank's part loaded, and a loader over them. */
static dcpg_status open_shards_all(trainer *t, dcpg_source *source, bool sweep, dcpg_shards **shards,
                                   dcpg_loader **loader, dcpg_err *err) {
    int64_t first = 0, end = 0;
    const dcpg_shards_options options = {.total = t->virtual_ranks,
                                         .nb_site = sweep ? nb_val_site(t) : nb_train_site(t),
                                         .batch = t->batch,
                                         .seed = t->options->seed,
                                         .shuffle = !sweep && !t->options->no_shuffle};
    dcpg_status status = dcpg_shards_new(t->par, &options, shards, err);
    if (status == DCPG_OK) status = dcpg_shards_cut(*shards, t->nb_block, err);
    DCPG_TRY(dcpg_agree_all(t->par, status, err));
    if (sweep)
        dcpg_shards_range(*shards, &first, &end);
    else
        dcpg_shards_step_range(*shards, &first, &end);
    double since = dcpg_now();
    DCPG_TRY(source->ops->load_all(source, first, end, err));
    t->moment[TIMING_LOADING] += dcpg_timing_lap(&since);
    return dcpg_agree_all(t->par, dcpg_loader_new(source, *shards, sweep, loader, err), err);
}

static dcpg_status count_classes(trainer *t, int64_t *counts, dcpg_err *err) {
    int64_t first, end;
    dcpg_shards_range(t->train_shards, &first, &end);
    return t->train->ops->count_labels(t->train, first, end, counts, err);
}

static dcpg_status weigh_classes_all(trainer *t, dcpg_err *err) {
    size_t n = (size_t)t->net->nb_output * DCPG_MAX_CLASSES;
    int64_t *counts = dcpg_alloc(n, sizeof *counts);
    t->class_weight = dcpg_alloc(n, sizeof *t->class_weight);
    dcpg_status status = counts && t->class_weight
                             ? count_classes(t, counts, err)
                             : dcpg_fail_nomem(err, "class weights", n * sizeof *counts);
    status = dcpg_agree_all(t->par, status, err);
    if (status == DCPG_OK) {
        dcpg_sum_i64s_all(t->par, counts, n);
        status = dcpg_agree_all(t->par, dcpg_trainer_check_labels(t, "training", counts, err), err);
        dcpg_class_weights(t->net->nb_output, t->net->output, counts, t->class_weight);
    }
    dcpg_free(counts);
    return status;
}

static dcpg_status open_net(trainer *t, const dcpg_weights *initial, dcpg_err *err) {
    dcpg_net_options options;
    DCPG_TRY(dcpg_trainer_choose_passes(t, &options, err));
    options.lent_grads = true;
    DCPG_TRY(dcpg_net_new(t->graph, &options, &t->net, err));
    dcpg_net_init(t->net, t->options->seed);
    return initial && initial->nb ? dcpg_weights_apply(initial, t->net, err) : DCPG_OK;
}

static dcpg_status open_optimiser(trainer *t, dcpg_err *err) {
    dcpg_slices all = {t->slices.total, t->slices.block, 0, 1};
    DCPG_TRY(dcpg_adam_new(t->net, t->options->shard_optimizer ? &t->slices : &all, &t->options->optimiser,
                           &t->adam, err));
    dcpg_trainer_choose_rate(t);
    DCPG_TRY(dcpg_tally_new(t->net, &t->tally, err));
    return dcpg_tally_new(t->net, &t->val_tally, err);
}

static dcpg_status open_run(trainer *t, dcpg_err *err) {
    run_state *run = &t->run;
    size_t epochs = (size_t)t->options->nb_epoch;
    *run = (run_state){.best_loss = INFINITY};
    run->best = dcpg_alloc(t->net->nb_value, sizeof *run->best);
    run->train = dcpg_alloc(epochs, sizeof *run->train);
    run->val = dcpg_alloc(epochs, sizeof *run->val);
    if (!run->best || !run->train || !run->val)
        return dcpg_fail_nomem(err, "the best weights", t->net->nb_value * sizeof(float));
    memcpy(run->best, t->net->params, t->net->nb_value * sizeof *run->best);
    for (size_t e = 0; e < epochs; e++) {
        DCPG_TRY(dcpg_scores_new(t->net->nb_output, &run->train[e], err));
        DCPG_TRY(dcpg_scores_new(t->net->nb_output, &run->val[e], err));
    }
    return dcpg_scores_new(t->net->nb_output, &t->shown, err);
}

/* The gradients, in memory that the ranks of a host share where that is possible, and their sums. */
static dcpg_status open_sums_all(trainer *t, dcpg_err *err) {
    size_t bytes = t->net->nb_grads * t->net->nb_trained * sizeof *t->net->grads;
    DCPG_TRY(dcpg_par_window_open_all(t->par, bytes, &t->grads, err));
    t->net->grads = t->grads->mine;
    dcpg_par_sums_options options = {.total = t->leaves,
                                     .first = t->net->options.first,
                                     .end = t->net->options.end,
                                     .grads = t->net->grads,
                                     .count = t->net->nb_trained,
                                     .window = t->grads,
                                     .max_bytes = t->options->comm_memory,
                                     .sharded = t->options->shard_optimizer,
                                     .bf16 = t->options->grad_bf16,
                                     .reproducible = !t->options->no_reproducible};
    DCPG_TRY(dcpg_par_sums_open_all(t->par, &options, &t->sums, err));
    t->reducer = dcpg_par_reducer(t->sums);
    t->slices = dcpg_par_sums_slices(t->sums);
    return DCPG_OK;
}

static dcpg_status open_parts_all(trainer *t, const dcpg_weights *initial, dcpg_err *err) {
    DCPG_TRY(dcpg_agree_all(t->par, choose_cut(t, nb_train_site(t), err), err));
    DCPG_TRY(open_shards_all(t, t->train, false, &t->train_shards, &t->train_loader, err));
    if (t->val) {
        if (nb_val_site(t) == 0)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "no validation sites: choose other chromosomes, or train without");
        DCPG_TRY(open_shards_all(t, t->val, true, &t->val_shards, &t->val_loader, err));
    }
    DCPG_TRY(dcpg_agree_all(t->par, open_net(t, initial, err), err));
    DCPG_TRY(open_sums_all(t, err));
    DCPG_TRY(dcpg_agree_all(t->par, open_optimiser(t, err), err));
    DCPG_TRY(dcpg_agree_all(t->par, open_run(t, err), err));
    DCPG_TRY(weigh_classes_all(t, err));
    DCPG_TRY(dcpg_trainer_checksum_all(t, t->train, t->train_shards, &t->train_data, err));
    if (t->val) DCPG_TRY(dcpg_trainer_check_validation_all(t, err));
    if (t->val) DCPG_TRY(dcpg_trainer_checksum_all(t, t->val, t->val_shards, &t->val_data, err));
    DCPG_TRY(dcpg_trainer_digest_all(t->train, t->train_shards, &t->train_digest, err));
    if (t->val) DCPG_TRY(dcpg_trainer_digest_all(t->val, t->val_shards, &t->val_digest, err));
    double since = dcpg_now();
    if (t->options->resume) DCPG_TRY(dcpg_trainer_restore_all(t, err));
    t->moment[TIMING_RESTORING] = dcpg_timing_lap(&since);
    return DCPG_OK;
}

dcpg_status dcpg_trainer_open_all(trainer *t, const dcpg_weights *initial, dcpg_err *err) {
    dcpg_status status = open_parts_all(t, initial, err);
    if (status != DCPG_OK) dcpg_trainer_close_all(t);
    return status;
}

void dcpg_trainer_close_all(trainer *t) {
    dcpg_journal_close(t);
    dcpg_free(t->train_data);
    dcpg_free(t->val_data);
    dcpg_free(t->train_digest);
    dcpg_free(t->val_digest);
    for (int64_t e = 0; e < t->options->nb_epoch; e++) {
        if (t->run.train) dcpg_scores_free(&t->run.train[e]);
        if (t->run.val) dcpg_scores_free(&t->run.val[e]);
    }
    dcpg_scores_free(&t->shown);
    dcpg_free(t->run.train);
    dcpg_free(t->run.val);
    dcpg_free(t->run.best);
    dcpg_free(t->class_weight);
    dcpg_free(t->times.ns);
    dcpg_tally_free(t->tally);
    dcpg_tally_free(t->val_tally);
    dcpg_adam_free(t->adam);
    dcpg_par_sums_close_all(t->sums);
    dcpg_net_free(t->net);
    dcpg_par_window_close_all(t->grads);
    dcpg_loader_free(t->train_loader);
    dcpg_loader_free(t->val_loader);
    dcpg_shards_free(t->train_shards);
    dcpg_shards_free(t->val_shards);
}
