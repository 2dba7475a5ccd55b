/* SPDX-License-Identifier: MIT */
/* Checks that a checkpoint holds values that a run can have left: its seal shows that the file is complete,
 * not who wrote it. */
#include "train/checkpoint_impl.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Far beyond real runs, yet far from overflow. */
enum {
    MAX_EPOCHS = 1000000,
    MAX_RANKS = 1000000,
    MAX_BATCH = 1000000000,
    MAX_LEAVES = 1 << 24,
    MAX_WORDS = 100000
};
static const int64_t MAX_COUNT = INT64_C(1) << 53;

static dcpg_status fail(const char *path, const char *what, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: %s: it is damaged, or not of dcpg; remove it to go on from the one before", path,
                     what);
}

static bool within(int64_t value, int64_t least, int64_t most) { return value >= least && value <= most; }

static dcpg_status check_names(const char *path, const char *what, const dcpg_strings *names, int64_t wanted,
                               dcpg_err *err) {
    if ((int64_t)names->n != wanted)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: names %zu %s, its model has %" PRId64 ": it is damaged, or not of dcpg", path,
                         names->n, what, wanted);
    for (size_t i = 0; i < names->n; i++)
        if (dcpg_strings_find(names, names->v[i]) != (ptrdiff_t)i)
            return fail(path, "names a cell or an output twice", err);
    return DCPG_OK;
}

dcpg_status dcpg_checkpoint_check(const dcpg_checkpoint *c, dcpg_err *err) {
    bool sound =
        within(c->nb_epoch, 0, MAX_EPOCHS) && c->epoch == c->nb_epoch && within(c->step, 0, MAX_COUNT);
    if (!sound) return fail(c->path, "its numbers of epochs and steps are impossible", err);
    sound = within(c->batch, 1, MAX_BATCH) && within(c->virtual_ranks, 1, MAX_RANKS) &&
            c->virtual_ranks <= c->batch && within(c->blocks, 1, c->batch) &&
            c->virtual_ranks * c->blocks <= MAX_LEAVES;
    if (!sound) return fail(c->path, "its batch, virtual ranks or blocks are impossible", err);
    if (c->words.n > MAX_WORDS) return fail(c->path, "its command line is impossible", err);
    for (size_t i = 0; i < c->words.n; i++)
        if (strcmp(c->words.v[i], "--help") == 0 || strcmp(c->words.v[i], "-h") == 0)
            return fail(c->path, "its command line is impossible", err);
    return DCPG_OK;
}

dcpg_status dcpg_checkpoint_check_lists(const dcpg_checkpoint *c, dcpg_err *err) {
    const dcpg_graph *graph = c->graph;
    if (graph->nb_output < 1) return fail(c->path, "its model has no outputs", err);
    DCPG_TRY(check_names(c->path, "outputs", &c->outputs, graph->nb_output, err));
    for (int o = 0; o < graph->nb_output; o++)
        if (strcmp(graph->layer[graph->output[o]].name, c->outputs.v[o]) != 0)
            return fail(c->path, "its outputs are not those of its model", err);
    return graph->nb_cell > 0 ? check_names(c->path, "cells", &c->cells, graph->nb_cell, err) : DCPG_OK;
}

dcpg_status dcpg_checkpoint_check_numbers(const trainer *t, const int64_t number[CHECKPOINT_NUMBERS],
                                          dcpg_err *err) {
    const dcpg_checkpoint *c = t->options->resume;
    int64_t step = number[NUMBER_STEP], steps = dcpg_shards_steps(t->train_shards);
    bool same = number[NUMBER_EPOCH] == c->epoch && step == c->step &&
                number[NUMBER_NB_EPOCH] == c->nb_epoch && number[NUMBER_BLOCKS] == c->blocks &&
                number[NUMBER_VIRTUAL_RANKS] == c->virtual_ranks && number[NUMBER_BATCH] == c->batch;
    bool sound = within(step, 0, steps) && within(number[NUMBER_SAMPLES], 0, MAX_COUNT) &&
                 within(number[NUMBER_ADAM_STEPS], 0, MAX_COUNT) &&
                 within(number[NUMBER_WAITED], 0, c->nb_epoch) &&
                 within(number[NUMBER_METRICS_BYTES], 0, MAX_COUNT) &&
                 within(number[NUMBER_EVENTS_BYTES], 0, MAX_COUNT);
    if (!same) return fail(c->path, "it changed while it was read", err);
    if (sound) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: its numbers are impossible (step %" PRId64 " of %" PRId64
                     ", samples, waited or lengths): it is damaged, or not of dcpg",
                     c->path, step, steps);
}

dcpg_status dcpg_checkpoint_check_scalars(const trainer *t, dcpg_err *err) {
    if (isfinite(t->run.penalty) && !isnan(t->run.best_loss)) return DCPG_OK;
    return fail(t->options->resume->path, "its losses are no numbers", err);
}
