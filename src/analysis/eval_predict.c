/* SPDX-License-Identifier: MIT */
/* Labels and predictions of a block of sites. Where calls are hidden, a block takes a pass without hiding,
 * for all that is not the state of a call, and one for each part of the calls, with this part hidden, for the
 * sites that have such a call. */
#include "analysis/eval_impl.h"
#include "base/number.h"

#include <dcpg/memory.h>
#include <dcpg/signal.h>

#include <string.h>

/* ---- opening ---- */

static bool hides(const eval_predictor *p) { return p->key != NULL; }

/* Keys of the outputs that are states of cells, for each chromosome. */
static dcpg_status make_keys(eval_predictor *p, dcpg_err *err) {
    const dcpg_source *source = p->source;
    size_t nb = (size_t)p->outputs->nb, nb_chromo = source->chromo.n;
    p->key = dcpg_alloc(nb * nb_chromo, sizeof *p->key);
    if (!p->key) return dcpg_fail_nomem(err, "outputs", nb * nb_chromo * sizeof *p->key);
    for (size_t o = 0; o < nb; o++)
        for (size_t c = 0; c < nb_chromo && dcpg_eval_is_cell(p->outputs->name[o]); c++)
            p->key[o * nb_chromo + c] =
                dcpg_hiding_key(&source->hiding, p->outputs->name[o] + strlen("cpg/"), source->chromo.v[c]);
    return DCPG_OK;
}

dcpg_status dcpg_eval_predictor_open(eval_predictor *p, int64_t capacity, dcpg_err *err) {
    size_t rows = (size_t)p->net->options.max_rows;
    DCPG_TRY(dcpg_batch_new(p->source, (int64_t)rows, &p->batch, err));
    p->sample = dcpg_alloc(2 * rows, sizeof *p->sample);
    if (!p->sample) return dcpg_fail_nomem(err, "samples", 2 * rows * sizeof *p->sample);
    p->row = p->sample + rows;
    if (p->source->hiding.parts == 0 || p->source->cpg_wlen == 0) return DCPG_OK;
    size_t bytes = (size_t)capacity * (size_t)p->outputs->nb;
    p->part = dcpg_alloc(bytes, sizeof *p->part);
    return p->part ? make_keys(p, err) : dcpg_fail_nomem(err, "sites", bytes);
}

void dcpg_eval_predictor_close(eval_predictor *p) {
    dcpg_batch_free(p->batch);
    dcpg_free(p->sample);
    dcpg_free(p->key);
    dcpg_free(p->part);
}

/* ---- labels ---- */

/* Copies the labels of `n` samples to rows `at`, at + 1 ... of the block. */
static void keep_labels(eval_predictor *p, eval_block *block, int64_t at, int64_t n) {
    const eval_outputs *outputs = p->outputs;
    int64_t nb_label = (int64_t)p->source->outputs.n;
    for (int o = 0; o < outputs->nb; o++) {
        float *label = block->label + o * block->capacity + at;
        for (int64_t i = 0; i < n; i++)
            label[i] = outputs->label[o] < 0 ? -1 : p->batch->label[i * nb_label + outputs->label[o]];
    }
}

/* Notes in which pass each output of the block is predicted: that of the part that its call is in. */
static void choose_passes(eval_predictor *p, const eval_block *block) {
    const dcpg_source *source = p->source;
    int nb = p->outputs->nb;
    for (int o = 0; o < nb; o++) {
        const float *label = block->label + o * block->capacity;
        const uint64_t *key = p->key + (size_t)o * source->chromo.n;
        bool cell = dcpg_eval_is_cell(p->outputs->name[o]);
        for (int64_t i = 0; i < block->n; i++) {
            bool call = cell && label[i] >= 0;
            p->part[i * nb + o] =
                call ? (uint8_t)dcpg_hiding_part(&source->hiding, key[block->chromo[i]], block->pos[i]) : 0;
        }
    }
}

dcpg_status dcpg_eval_label(eval_predictor *p, eval_block *block, dcpg_err *err) {
    dcpg_source *source = p->source;
    dcpg_batch labels = *p->batch;
    labels.dna = NULL;
    labels.cpg = NULL;
    double started = dcpg_now();
    if (block->n == 0) return DCPG_OK;
    DCPG_TRY(
        source->ops->where(source, block->first, block->first + block->n, block->chromo, block->pos, err));
    for (int64_t at = 0; at < block->n; at += labels.capacity) {
        int64_t n = min_i64(block->n - at, labels.capacity);
        for (int64_t i = 0; i < n; i++) p->sample[i] = block->first + at + i;
        DCPG_TRY(source->ops->fill(source, n, p->sample, &labels, err));
        keep_labels(p, block, at, n);
    }
    if (hides(p)) choose_passes(p, block);
    p->cutting += dcpg_now() - started;
    return DCPG_OK;
}

/* ---- predictions ---- */

/* Copies what the pass predicted for the first `n` of the chosen rows to the block. */
static void keep_predictions(eval_predictor *p, int pass, int64_t n, eval_block *block) {
    const eval_outputs *outputs = p->outputs;
    for (int o = 0; o < outputs->nb; o++) {
        int units = outputs->kind[o].units;
        int64_t stride;
        const float *from = dcpg_net_prediction(p->net, outputs->from[o], &stride);
        float *prediction = block->prediction + outputs->unit[o] * block->capacity;
        for (int64_t i = 0; i < n; i++)
            if (!hides(p) || p->part[p->row[i] * outputs->nb + o] == pass)
                memcpy(prediction + p->row[i] * units, from + i * stride, (size_t)units * sizeof *prediction);
    }
}

dcpg_status dcpg_eval_check_signal(const eval_predictor *p, dcpg_err *err) {
    int number = dcpg_signal_seen();
    if (!number) return DCPG_OK;
    const char *name = dcpg_signal_name(number);
    if (p->kept)
        return dcpg_fail(
            err, DCPG_E_REQUEUE,
            "stopped by %s: what is done is kept in %s: run the same command with --resume to go on", name,
            p->kept);
    return dcpg_fail(err, DCPG_E_STOPPED, "stopped by %s: nothing is kept of an evaluation without outputs",
                     name);
}

static dcpg_status predict_batch(eval_predictor *p, int pass, int64_t n, eval_block *block, dcpg_err *err) {
    dcpg_batch inputs = *p->batch;
    inputs.label = NULL;
    DCPG_TRY(dcpg_eval_check_signal(p, err));
    double started = dcpg_now();
    p->source->hidden = pass;
    dcpg_status status = p->source->ops->fill(p->source, n, p->sample, &inputs, err);
    p->source->hidden = 0;
    p->cutting += dcpg_now() - started;
    DCPG_TRY(status);
    const dcpg_input input = {.n = n, .n_global = n, .dna = inputs.dna, .cpg = inputs.cpg, .id = inputs.id};
    dcpg_net_forward(p->net, &input, false, NULL);
    keep_predictions(p, pass, n, block);
    return DCPG_OK;
}

/* Whether some output of the row is predicted in the pass. */
static bool takes_part(const eval_predictor *p, int64_t row, int pass) {
    size_t nb = (size_t)p->outputs->nb;
    return !hides(p) || memchr(p->part + (size_t)row * nb, pass, nb) != NULL;
}

static int last_pass(const eval_predictor *p) { return hides(p) ? (int)p->source->hiding.parts : 0; }

/* A block, and how many of its predictions are made, of all passes. */
typedef struct work {
    eval_block *block;
    int64_t needed, made;
} work;

static int64_t count_needed(const eval_predictor *p, const eval_block *block) {
    int64_t needed = 0;
    for (int pass = 0; pass <= last_pass(p); pass++)
        for (int64_t row = 0; row < block->n; row++) needed += takes_part(p, row, pass);
    return needed;
}

/* Chooses the next rows of the block, from *row on, that take part in the pass; returns their number. */
static int64_t choose_batch(eval_predictor *p, const eval_block *block, int pass, int64_t *row) {
    int64_t n = 0;
    for (; *row < block->n && n < p->net->options.max_rows; ++*row) {
        if (!takes_part(p, *row, pass)) continue;
        p->sample[n] = block->first + *row;
        p->row[n++] = *row;
    }
    return n;
}

static dcpg_status run_pass(eval_predictor *p, int pass, work *w, dcpg_err *err) {
    int64_t row = 0, n;
    while ((n = choose_batch(p, w->block, pass, &row)) > 0) {
        DCPG_TRY(predict_batch(p, pass, n, w->block, err));
        w->made += n;
        dcpg_eval_show(p->progress, (double)w->block->n * (double)w->made / (double)w->needed);
    }
    return DCPG_OK;
}

dcpg_status dcpg_eval_predict(eval_predictor *p, eval_block *block, dcpg_err *err) {
    work w = {.block = block};
    w.needed = count_needed(p, block);
    for (int pass = 0; pass <= last_pass(p); pass++) DCPG_TRY(run_pass(p, pass, &w, err));
    p->progress->done += block->n;
    return DCPG_OK;
}

/* ---- progress ---- */

/* Seconds between lines where the log is no terminal. */
static const double MILESTONE = 60;

void dcpg_eval_show(eval_progress *progress, double more) {
    double now = dcpg_now(), seconds = now - progress->started, done = (double)progress->done + more,
           left = (double)(progress->total - progress->earlier) - done;
    bool milestone = now - progress->shown > MILESTONE;
    char text[32];
    if (seconds <= 0 || done <= 0) return;
    if (milestone) progress->shown = now;
    dcpg_progress(progress->log, milestone, "eval: %.0f %%  %.0f samples/s on a rank  %s left",
                  100 * (1 - left / (double)progress->total), done / seconds,
                  dcpg_duration(seconds * left / done, text));
}
