/* SPDX-License-Identifier: MIT */
/* The contents of a checkpoint, as one list for writing and reading. */
#include "train/checkpoint_impl.h"

#include <string.h>

const char *const dcpg_checkpoint_number_name[CHECKPOINT_NUMBERS] = {
    [NUMBER_EPOCH] = "epoch",
    [NUMBER_STEP] = "step",
    [NUMBER_ADAM_STEPS] = "adam_steps",
    [NUMBER_SAMPLES] = "samples",
    [NUMBER_WAITED] = "waited",
    [NUMBER_NB_EPOCH] = "nb_epoch",
    [NUMBER_VIRTUAL_RANKS] = "virtual_ranks",
    [NUMBER_BATCH] = "batch",
    [NUMBER_SEED] = "seed",
    [NUMBER_METRICS_BYTES] = "metrics_bytes",
    [NUMBER_EVENTS_BYTES] = "events_bytes",
    [NUMBER_BLOCKS] = "blocks",
};

void dcpg_checkpoint_numbers(const trainer *t, int64_t number[CHECKPOINT_NUMBERS]) {
    const run_state *run = &t->run;
    number[NUMBER_EPOCH] = run->epoch;
    number[NUMBER_STEP] = run->step;
    number[NUMBER_ADAM_STEPS] = t->adam->t;
    number[NUMBER_SAMPLES] = t->tally->n;
    number[NUMBER_WAITED] = run->waited;
    number[NUMBER_NB_EPOCH] = run->nb_epoch;
    number[NUMBER_VIRTUAL_RANKS] = t->virtual_ranks;
    number[NUMBER_BATCH] = t->batch;
    number[NUMBER_SEED] = (int64_t)t->options->seed;
    number[NUMBER_METRICS_BYTES] = run->metrics_bytes;
    number[NUMBER_EVENTS_BYTES] = run->events_bytes;
    number[NUMBER_BLOCKS] = t->nb_block;
}

void dcpg_checkpoint_take_numbers(trainer *t, const int64_t number[CHECKPOINT_NUMBERS]) {
    run_state *run = &t->run;
    run->epoch = number[NUMBER_EPOCH];
    run->step = number[NUMBER_STEP];
    t->adam->t = number[NUMBER_ADAM_STEPS];
    t->tally->n = number[NUMBER_SAMPLES];
    run->waited = number[NUMBER_WAITED];
    run->nb_epoch = number[NUMBER_NB_EPOCH];
    run->metrics_bytes = number[NUMBER_METRICS_BYTES];
    run->events_bytes = number[NUMBER_EVENTS_BYTES];
}

/* The elements of state/scalars. */
enum { SCALAR_PENALTY, SCALAR_BEST_LOSS, NB_SCALAR };

static int64_t nb_scores(const trainer *t) { return 1 + (int64_t)t->net->nb_output * (1 + DCPG_MAX_METRICS); }

/* Number of parameter values, with or without moving statistics. */
static int64_t nb_values(const dcpg_net *net, bool states) {
    size_t n = 0;
    for (int i = 0; i < net->nb_param; i++)
        if (states || !net->param[i].weight.state) n += net->param[i].size;
    return (int64_t)n;
}

void dcpg_checkpoint_fields(trainer *t, checkpoint_field field[CHECKPOINT_FIELDS]) {
    int64_t values = nb_values(t->net, true), moments = nb_values(t->net, false), outputs = t->net->nb_output;
    int64_t epochs = t->run.nb_epoch, scores = nb_scores(t);
    const checkpoint_field list[CHECKPOINT_FIELDS] = {
        {"state/scalars", DCPG_H5_F64, 1, {NB_SCALAR}, FIELD_SCALARS, NULL, NULL},
        {"state/tally", DCPG_H5_F64, 3, {t->leaves, outputs, DCPG_TALLY_COLUMNS}, FIELD_TALLY, NULL, NULL},
        {"curves/train", DCPG_H5_F64, 2, {epochs, scores}, FIELD_CURVE, t->run.train, NULL},
        {"curves/val", DCPG_H5_F64, 2, {t->val ? epochs : 0, scores}, FIELD_CURVE, t->run.val, NULL},
        {"weights/now", DCPG_H5_F32, 1, {values}, FIELD_VALUES, NULL, t->net->params},
        {"weights/best", DCPG_H5_F32, 1, {values}, FIELD_VALUES, NULL, t->run.best},
        {"adam/m", DCPG_H5_F32, 1, {moments}, FIELD_MOMENTS, NULL, t->adam->m},
        {"adam/v", DCPG_H5_F32, 1, {moments}, FIELD_MOMENTS, NULL, t->adam->v}};
    memcpy(field, list, sizeof list);
}

int64_t dcpg_checkpoint_count(const checkpoint_field *field) {
    int64_t n = 1;
    for (int i = 0; i < field->ndim; i++) n *= field->dim[i];
    return n;
}

/* Copies parameters between a net's layout and a plain array. */
static void move_values(const dcpg_net *net, bool states, float *values, float *plain, bool pack) {
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *p = &net->param[i];
        for (size_t row = 0; (states || !p->weight.state) && row < p->size / p->row; row++, plain += p->row) {
            float *at = values + p->offset + row * p->stride;
            memcpy(pack ? plain : at, pack ? at : plain, p->row * sizeof *at);
        }
    }
}

/* One row per epoch: loss, losses per output, metrics. */
static void move_curve(int64_t nb_output, const checkpoint_field *field, double *plain, bool pack) {
    for (int64_t e = 0; e < field->dim[0]; e++) {
        dcpg_scores *s = &field->curve[e];
        double *part[3] = {&s->loss, s->loss_of, s->metric};
        const size_t count[3] = {1, (size_t)nb_output, (size_t)nb_output * DCPG_MAX_METRICS};
        for (int i = 0; i < 3; plain += count[i++])
            memcpy(pack ? plain : part[i], pack ? part[i] : plain, count[i] * sizeof *plain);
    }
}

void dcpg_checkpoint_pack(const trainer *t, const checkpoint_field *field, void *plain) {
    double *scalar = plain;
    switch (field->kind) {
    case FIELD_SCALARS:
        scalar[SCALAR_PENALTY] = t->run.penalty;
        scalar[SCALAR_BEST_LOSS] = t->run.best_loss;
        break;
    case FIELD_TALLY: /* piece by piece: checkpoint_tally.c */
        break;
    case FIELD_CURVE:
        move_curve(t->net->nb_output, field, plain, true);
        break;
    case FIELD_VALUES:
    case FIELD_MOMENTS:
        move_values(t->net, field->kind == FIELD_VALUES, field->values, plain, true);
        break;
    }
}

void dcpg_checkpoint_unpack(trainer *t, const checkpoint_field *field, const void *plain) {
    const double *scalar = plain;
    switch (field->kind) {
    case FIELD_SCALARS:
        t->run.penalty = scalar[SCALAR_PENALTY];
        t->run.best_loss = scalar[SCALAR_BEST_LOSS];
        break;
    case FIELD_TALLY: /* piece by piece: checkpoint_tally.c */
        break;
    case FIELD_CURVE:
        move_curve(t->net->nb_output, field, (double *)(uintptr_t)plain, false);
        break;
    case FIELD_VALUES:
        move_values(t->net, true, field->values, (float *)(uintptr_t)plain, false);
        break;
    case FIELD_MOMENTS:
        move_values(t->net, false, dcpg_trainer_moments_space(t, field->values), (float *)(uintptr_t)plain,
                    false);
        dcpg_trainer_take_moments(t, field->values);
        break;
    }
}
