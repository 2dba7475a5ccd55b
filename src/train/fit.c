/* SPDX-License-Identifier: MIT */
/* Fitting a step into memory: the blocks into which shards are cut, and how many of them run at once. */
#include "base/number.h"
#include "train/trainer.h"

#include <dcpg/memory.h>
#include <inttypes.h>

/* Most samples of a step in any shard, and in any block. */
static int64_t most_of_shard(const trainer *t) { return ceil_div(t->batch, t->virtual_ranks); }
static int64_t most_of_block(const trainer *t) { return ceil_div(most_of_shard(t), t->nb_block); }

/* A power of two, so that a shard stays one node of the tree and ranks exchange no more sums than without
 * blocks. */
static int blocks_for(int64_t samples, int64_t most) {
    int blocks = 1;
    while (blocks < samples && ceil_div(samples, blocks) > most) blocks *= 2;
    return blocks;
}

static const char *find_batch_norm(const dcpg_graph *graph) {
    for (int i = 0; i < graph->nb_layer; i++)
        if (graph->layer[i].kind == DCPG_BATCH_NORM) return graph->layer[i].name;
    return NULL;
}

dcpg_status dcpg_trainer_choose_blocks(trainer *t, dcpg_err *err) {
    const dcpg_train_options *o = t->options;
    dcpg_net_size size;
    t->nb_block = 1;
    if (o->resume) {
        t->nb_block = (int)o->resume->blocks;
    } else if (o->micro_batch > 0) {
        t->nb_block = blocks_for(most_of_shard(t), o->micro_batch);
    } else if (o->max_memory > 0 && !find_batch_norm(t->graph)) {
        DCPG_TRY(dcpg_net_measure(t->graph, &size, err));
        int64_t most = (int64_t)(o->max_memory / 4) / (size.activation_bytes > 0 ? size.activation_bytes : 1);
        t->nb_block = blocks_for(most_of_shard(t), most > 0 ? most : 1);
    }
    t->leaves = t->virtual_ranks * t->nb_block;
    return DCPG_OK;
}

/* ---- passes ---- */

static dcpg_net_options with_at_once(const trainer *t, int at_once) {
    const dcpg_shards *shards = t->train_shards;
    int nb_shard = shards->end - shards->first, nb_leaf = nb_shard * t->nb_block;
    bool all = at_once == 0 || at_once >= nb_leaf;
    return (dcpg_net_options){.max_rows = all ? nb_shard * most_of_shard(t) : at_once * most_of_block(t),
                              .total = t->leaves,
                              .first = shards->first * t->nb_block,
                              .end = shards->end * t->nb_block,
                              .at_once = all ? 0 : at_once,
                              .train = true,
                              .bf16_sums = t->options->grad_bf16,
                              .profile = true, /* for timing.json; a step hardly takes longer */
                              .seed = t->options->seed};
}

/* Memory that this rank needs besides the net: all it holds already (data, two batches per loader), what is
 * still to come, and a reserve for what is not counted. */
static dcpg_status measure_rest(const trainer *t, size_t *bytes, dcpg_err *err) {
    dcpg_net_size size;
    DCPG_TRY(dcpg_net_measure(t->graph, &size, err));
    size_t values = (size_t)(size.trainable + size.not_trainable),
           leaves = (size_t)(t->leaves / t->par->size + t->nb_block);
    dcpg_slices slices = dcpg_slices_even(values, 0, t->par->size);
    size_t sums = t->par->size > 1 ? 8 * slices.block * sizeof(float) : 0; /* at most 8 blocks, see par.h */
    if (t->options->comm_memory) sums = min_size(sums, t->options->comm_memory);
    size_t moments = t->options->shard_optimizer ? dcpg_slices_count(&slices) : values;
    size_t tallies = 2 * leaves * (size_t)t->graph->nb_output * DCPG_TALLY_COLUMNS * sizeof(double);
    /* Adam's two moments, the best weights, and the weights in the files' layout while they are written. */
    *bytes = dcpg_memory_used() + (2 * moments + 2 * values) * sizeof(float) + sums + tallies +
             t->options->max_memory / 16;
    return DCPG_OK;
}

/* The least --max_memory that is enough. More memory also means larger blocks and a larger reserve, so the
 * present need is only where the search begins. */
static dcpg_status find_enough(const trainer *t, size_t *bytes, dcpg_err *err) {
    dcpg_train_options options = *t->options;
    trainer other = *t;
    other.options = &options;
    for (int i = 0; i < 64 && options.max_memory < *bytes; i++) {
        options.max_memory = *bytes;
        size_t net = 0, rest = 0;
        if (!find_batch_norm(t->graph)) DCPG_TRY(dcpg_trainer_choose_blocks(&other, err));
        dcpg_net_options least = with_at_once(&other, find_batch_norm(t->graph) ? 0 : 1);
        DCPG_TRY(dcpg_net_bytes(t->graph, &least, &net, err));
        DCPG_TRY(measure_rest(&other, &rest, err));
        *bytes = net + rest;
    }
    return DCPG_OK;
}

static dcpg_status refuse(const trainer *t, size_t needed, dcpg_err *err) {
    char has[32], needs[32];
    DCPG_TRY(find_enough(t, &needed, err));
    const char *norm = find_batch_norm(t->graph);
    dcpg_size_text(t->options->max_memory, has);
    dcpg_size_text(needed + needed / 32, needs); /* the memory that a process holds varies a little */
    int nb_shard = t->train_shards->end - t->train_shards->first;
    if (norm)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--max_memory %s: batch normalisation (layer %s) takes its statistics over the "
                         "batch, whose %" PRId64 " samples of a rank are in memory at once: %s are needed; "
                         "give them, start more ranks, or use a smaller --batch_size",
                         has, norm, nb_shard * most_of_shard(t), needs);
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "--max_memory %s: a rank needs %s for its data, weights and a block of samples: give as much, or "
        "use a smaller --batch_size (data are shared among ranks: more of them may help)",
        has, needs);
}

static dcpg_status refuse_micro_batch(const trainer *t, dcpg_err *err) {
    dcpg_net_options all = with_at_once(t, 0);
    size_t net = 0, rest;
    char text[32];
    DCPG_TRY(dcpg_net_bytes(t->graph, &all, &net, err));
    DCPG_TRY(measure_rest(t, &rest, err));
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "--micro_batch: batch normalisation (layer %s) takes its statistics over the batch, whose %" PRId64
        " samples of a rank are in memory at once: leave the option out (a rank needs %s then), or start "
        "more ranks",
        find_batch_norm(t->graph), all.max_rows, dcpg_size_text(net + rest, text));
}

/* The largest power of two below n; 0 if n is 1 or less. */
static int lower_power(int n) {
    int power = n > 1;
    while (power && 2 * power < n) power *= 2;
    return power;
}

dcpg_status dcpg_trainer_choose_passes(const trainer *t, dcpg_net_options *options, dcpg_err *err) {
    const dcpg_train_options *o = t->options;
    int nb_leaf = (t->train_shards->end - t->train_shards->first) * t->nb_block, at_once = nb_leaf;
    size_t net = 0, rest;
    *options = with_at_once(t, 0);
    if (o->micro_batch > 0 && find_batch_norm(t->graph)) return refuse_micro_batch(t, err);
    if (o->max_memory == 0) {
        if (o->micro_batch > 0) *options = with_at_once(t, 1);
        return DCPG_OK;
    }
    DCPG_TRY(measure_rest(t, &rest, err));
    bool halves = !find_batch_norm(t->graph);
    for (; at_once > 0; at_once = halves ? lower_power(at_once) : 0) {
        *options = with_at_once(t, at_once);
        DCPG_TRY(dcpg_net_bytes(t->graph, options, &net, err));
        if (net + rest <= o->max_memory) return DCPG_OK;
    }
    return refuse(t, net + rest, err);
}
