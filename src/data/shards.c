/* SPDX-License-Identifier: MIT */
/* Shards: which samples each rank reads, and in which order. */
#include "base/number.h"

#include <assert.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <dcpg/source.h>
#include <inttypes.h>

static int64_t shard_first(const dcpg_shards *s, int v) { return dcpg_part(s->nb_site, v, s->total); }

static int64_t shard_size(const dcpg_shards *s, int v) { return shard_first(s, v + 1) - shard_first(s, v); }

/* Number of samples of shard v in each step. */
static int64_t shard_share(const dcpg_shards *s, int v) {
    return dcpg_part(s->batch, v + 1, s->total) - dcpg_part(s->batch, v, s->total);
}

/* Most samples of a shard in each step of a sweep. */
static int64_t sweep_share(const dcpg_shards *s) { return ceil_div(s->batch, s->total); }

static dcpg_status check(const dcpg_par *par, const dcpg_shards_options *options, dcpg_err *err) {
    int total = options->total;
    int64_t batch = options->batch;
    if (options->nb_site <= 0)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "no sites to work on: choose other chromosomes, or a store with more sites");
    if (total < 1) return dcpg_fail(err, DCPG_E_INPUT, "%d virtual ranks: at least 1 is needed", total);
    if (total > batch) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%d virtual ranks for a batch of %" PRId64
                         ": use fewer virtual ranks or a larger batch",
                         total, batch);
    }
    if (par->size > total)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%d ranks for %d virtual ranks: run fewer ranks or raise --virtual_ranks", par->size,
                         total);
    return DCPG_OK;
}

dcpg_status dcpg_shards_new(const dcpg_par *par, const dcpg_shards_options *options, dcpg_shards **shards,
                            dcpg_err *err) {
    int total = options->total;
    *shards = NULL;
    DCPG_TRY(check(par, options, err));
    dcpg_shards *s = dcpg_alloc(1, sizeof *s);
    if (!s) return dcpg_fail_nomem(err, "shards", sizeof *s);
    *s = (dcpg_shards){
        .total = total,
        .first = (int)dcpg_part(total, par->rank, par->size),
        .end = (int)dcpg_part(total, par->rank + 1, par->size),
        .nb_site = options->nb_site,
        .batch = options->batch,
        .seed = options->seed,
        .shuffle = options->shuffle,
        .epoch = -1,
        .nb_block = 1,
    };
    size_t nb = (size_t)(s->end - s->first);
    s->order = dcpg_alloc(nb, sizeof *s->order);
    s->row = dcpg_alloc(nb + 1, sizeof *s->row);
    if (!s->order || !s->row) {
        dcpg_shards_free(s);
        return dcpg_fail_nomem(err, "shards", nb * sizeof *s->row);
    }
    *shards = s;
    return DCPG_OK;
}

void dcpg_shards_free(dcpg_shards *shards) {
    if (!shards) return;
    for (int i = 0; shards->order && i < shards->end - shards->first; i++) dcpg_free(shards->order[i]);
    dcpg_free(shards->order);
    dcpg_free(shards->row);
    dcpg_free(shards);
}

dcpg_status dcpg_shards_cut(dcpg_shards *shards, int nb_block, dcpg_err *err) {
    assert(nb_block > 0);
    size_t nb = (size_t)(shards->end - shards->first) * (size_t)nb_block + 1;
    int64_t *row = dcpg_alloc(nb, sizeof *row);
    if (!row) return dcpg_fail_nomem(err, "shards", nb * sizeof *row);
    dcpg_free(shards->row);
    shards->row = row;
    shards->nb_block = nb_block;
    return DCPG_OK;
}

/* Sets the rows of the leaves of shard v, whose `share` samples start at row `at`. */
static void cut_share(dcpg_shards *s, int v, int64_t at, int64_t share) {
    int64_t *row = s->row + (v - s->first) * s->nb_block;
    for (int k = 0; k <= s->nb_block; k++) row[k] = at + dcpg_part(share, k, s->nb_block);
}

void dcpg_shards_range(const dcpg_shards *shards, int64_t *first, int64_t *end) {
    *first = shard_first(shards, shards->first);
    *end = shard_first(shards, shards->end);
}

void dcpg_shards_step_range(const dcpg_shards *shards, int64_t *first, int64_t *end) {
    dcpg_shards_range(shards, first, end);
    if (shards->shuffle) return;
    *first = 0;
    *end = shards->nb_site;
}

dcpg_status dcpg_shards_start_epoch(dcpg_shards *shards, int64_t epoch, dcpg_err *err) {
    shards->epoch = epoch;
    for (int v = shards->first; v < shards->end && shards->shuffle; v++) {
        int64_t **order = &shards->order[v - shards->first];
        int64_t first = shard_first(shards, v), n = shard_size(shards, v);
        if (!*order) *order = dcpg_alloc((size_t)n, sizeof **order);
        if (!*order) return dcpg_fail_nomem(err, "the order of samples", (size_t)n * sizeof **order);
        for (int64_t i = 0; i < n; i++) (*order)[i] = first + i;
        dcpg_rng rng;
        dcpg_rng_start(&rng, shards->seed,
                       dcpg_mix(dcpg_mix(dcpg_hash("shard order"), (uint64_t)epoch), (uint64_t)v));
        dcpg_rng_shuffle(&rng, *order, (size_t)n);
    }
    return DCPG_OK;
}

int64_t dcpg_shards_steps(const dcpg_shards *shards) { return max_i64(shards->nb_site / shards->batch, 1); }

int64_t dcpg_shards_max_share(const dcpg_shards *shards) {
    return sweep_share(shards) * (shards->end - shards->first);
}

/* Takes shard v's samples for a step from its own samples, in the order of the epoch; returns their number.
 */
static int64_t shuffled_share(const dcpg_shards *s, int v, int64_t step, int64_t *sample) {
    const int64_t *order = s->order[v - s->first];
    int64_t size = shard_size(s, v), share = shard_share(s, v);
    if (size == 0) return 0;
    int64_t at = step % size * (share % size) % size;
    for (int64_t i = 0; i < share; i++) {
        sample[i] = order[at];
        if (++at == size) at = 0;
    }
    return share;
}

/* Takes part v of the step's run of samples; returns their number. */
static int64_t part_of_run(const dcpg_shards *s, int v, int64_t step, int64_t *sample) {
    int64_t share = shard_share(s, v), first = step * s->batch + dcpg_part(s->batch, v, s->total);
    for (int64_t i = 0; i < share; i++) sample[i] = (first + i) % s->nb_site;
    return share;
}

int64_t dcpg_shards_step(dcpg_shards *shards, int64_t step, int64_t *sample) {
    assert(shards->epoch >= 0);
    int64_t n = 0;
    for (int v = shards->first; v < shards->end; v++) {
        int64_t share = shards->shuffle ? shuffled_share(shards, v, step, sample + n)
                                        : part_of_run(shards, v, step, sample + n);
        cut_share(shards, v, n, share);
        n += share;
    }
    return n;
}

int64_t dcpg_shards_sweep_steps(const dcpg_shards *shards) {
    int64_t largest = 0, share = sweep_share(shards);
    for (int v = 0; v < shards->total; v++) largest = max_i64(largest, shard_size(shards, v));
    return ceil_div(largest, share);
}

int64_t dcpg_shards_sweep(dcpg_shards *shards, int64_t step, int64_t *sample) {
    int64_t n = 0, share = sweep_share(shards);
    for (int v = shards->first; v < shards->end; v++) {
        int64_t size = shard_size(shards, v), first = shard_first(shards, v), before = n;
        for (int64_t i = step * share; i < size && i < (step + 1) * share; i++) sample[n++] = first + i;
        cut_share(shards, v, before, n - before);
    }
    return n;
}
