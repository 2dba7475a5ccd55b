/* SPDX-License-Identifier: MIT */
/* The contents of a checkpoint, as one list for writing and reading. */
#include "train/checkpoint_impl.h"

#include <string.h>

void dcpg_checkpoint_numbers(const trainer *t, checkpoint_number number[CHECKPOINT_NUMBERS]) {
    const run_state *run = &t->run;
    const checkpoint_number list[CHECKPOINT_NUMBERS] = {{"epoch", run->epoch},
                                                        {"step", run->step},
                                                        {"adam_steps", t->adam->t},
                                                        {"samples", t->tally->n},
                                                        {"waited", run->waited},
                                                        {"nb_epoch", run->nb_epoch},
                                                        {"virtual_ranks", t->virtual_ranks},
                                                        {"batch", t->batch},
                                                        {"seed", (int64_t)t->options->seed},
                                                        {"metrics_bytes", run->metrics_bytes},
                                                        {"events_bytes", run->events_bytes},
                                                        {"blocks", t->nb_block}};
    memcpy(number, list, sizeof list);
}

void dcpg_checkpoint_take_numbers(trainer *t, const checkpoint_number number[CHECKPOINT_NUMBERS]) {
    run_state *run = &t->run;
    run->epoch = number[0].value;
    run->step = number[1].value;
    t->adam->t = number[2].value;
    t->tally->n = number[3].value;
    run->waited = number[4].value;
    run->nb_epoch = number[5].value;
    run->metrics_bytes = number[9].value;
    run->events_bytes = number[10].value;
}

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
        {"state/scalars", DCPG_H5_F64, 1, {2}, FIELD_SCALARS, NULL, NULL},
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

void dcpg_checkpoint_pack(const trainer *t, const checkpoint_field *field, const double *all_leaves,
                          void *plain) {
    double *scalar = plain;
    switch (field->kind) {
    case FIELD_SCALARS:
        scalar[0] = t->run.penalty;
        scalar[1] = t->run.best_loss;
        break;
    case FIELD_TALLY:
        memcpy(plain, all_leaves, (size_t)dcpg_checkpoint_count(field) * sizeof *all_leaves);
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
    size_t row = (size_t)t->net->nb_output * DCPG_TALLY_COLUMNS;
    switch (field->kind) {
    case FIELD_SCALARS:
        t->run.penalty = scalar[0];
        t->run.best_loss = scalar[1];
        break;
    case FIELD_TALLY: /* only this rank's leaves */
        memcpy(t->tally->sum, scalar + (size_t)t->net->options.first * row,
               (size_t)t->tally->nb_leaf * row * sizeof *scalar);
        break;
    case FIELD_CURVE:
        move_curve(t->net->nb_output, field, (double *)(uintptr_t)plain, false);
        break;
    case FIELD_VALUES:
        move_values(t->net, true, field->values, (float *)(uintptr_t)plain, false);
        break;
    case FIELD_MOMENTS:
        move_values(t->net, false, dcpg_trainer_moments_room(t, field->values), (float *)(uintptr_t)plain,
                    false);
        dcpg_trainer_take_moments(t, field->values);
        break;
    }
}
