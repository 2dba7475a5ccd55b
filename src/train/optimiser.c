/* SPDX-License-Identifier: MIT */
/* The state of the optimiser, and Adam over the ranges of trained parameters. */
#include "train/optimiser.h"

#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/train.h>
#include <math.h>
#include <stdlib.h>

/* A row of a parameter array (all rows, if contiguous), within which penalties and trainability are the
 * same. */
typedef struct piece {
    size_t offset, count;
    float l1, l2;
    bool trainable;
} piece;

static int by_offset(const void *a, const void *b) {
    size_t x = ((const piece *)a)->offset, y = ((const piece *)b)->offset;
    return (x > y) - (x < y);
}

static size_t count_pieces(const dcpg_net *net) {
    size_t count = 0;
    for (int i = 0; i < net->nb_param; i++)
        if (!net->param[i].weight.state)
            count += net->param[i].row == net->param[i].stride ? 1 : net->param[i].size / net->param[i].row;
    return count;
}

static void fill_pieces(const dcpg_net *net, piece *out) {
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *p = &net->param[i];
        if (p->weight.state) continue;
        bool contiguous = p->row == p->stride;
        size_t rows = contiguous ? 1 : p->size / p->row, count = contiguous ? p->size : p->row;
        for (size_t r = 0; r < rows; r++)
            *out++ = (piece){p->offset + r * p->stride, count, p->l1, p->l2, p->trainable};
    }
}

/* Appends the part of a piece that lies in `slice`, whose moments begin at `moment`. Adjacent ranges with the
 * same penalties are merged. */
static void add_range(dcpg_adam *adam, const piece *p, dcpg_range slice, size_t moment) {
    dcpg_range own = dcpg_range_common((dcpg_range){p->offset, p->count}, slice);
    dcpg_adam_range *last = adam->nb_range ? &adam->range[adam->nb_range - 1] : NULL;
    if (own.count == 0) return;
    size_t at = moment + (own.offset - slice.offset);
    if (last && last->offset + last->count == own.offset && last->l1 == p->l1 && last->l2 == p->l2)
        last->count += own.count;
    else
        adam->range[adam->nb_range++] = (dcpg_adam_range){own.offset, own.count, at, p->l1, p->l2};
}

/* Pieces and slices are both ordered and free of overlaps, so there are at most as many ranges as pieces and
 * slices together. */
static void add_ranges(dcpg_adam *adam, const piece *pieces, size_t nb_piece) {
    size_t moment = 0, i = 0;
    for (size_t b = 0; b < dcpg_slices_blocks(&adam->slices); b++) {
        dcpg_range slice = dcpg_slice(&adam->slices, b, adam->slices.place);
        while (i < nb_piece && pieces[i].offset + pieces[i].count <= slice.offset) i++;
        for (size_t k = i; k < nb_piece && pieces[k].offset < slice.offset + slice.count; k++)
            if (pieces[k].trainable) add_range(adam, &pieces[k], slice, moment);
        moment += slice.count;
    }
}

static dcpg_status find_ranges(const dcpg_net *net, dcpg_adam *adam, dcpg_err *err) {
    size_t nb_piece = count_pieces(net), nb_range = nb_piece + dcpg_slices_blocks(&adam->slices);
    piece *pieces = dcpg_alloc(nb_piece, sizeof *pieces);
    adam->range = dcpg_alloc(nb_range, sizeof *adam->range);
    if (pieces == NULL || adam->range == NULL) {
        dcpg_free(pieces);
        return dcpg_fail_nomem(err, "the ranges of the optimiser", nb_range * sizeof *pieces);
    }
    fill_pieces(net, pieces);
    qsort(pieces, nb_piece, sizeof *pieces, by_offset);
    add_ranges(adam, pieces, nb_piece);
    dcpg_free(pieces);
    return DCPG_OK;
}

static dcpg_status allocate(dcpg_adam *adam, dcpg_err *err) {
    adam->m = dcpg_alloc(adam->count, sizeof *adam->m);
    adam->v = dcpg_alloc(adam->count, sizeof *adam->v);
    return adam->m && adam->v
               ? DCPG_OK
               : dcpg_fail_nomem(err, "the optimiser's moments", 2 * adam->count * sizeof(float));
}

dcpg_status dcpg_adam_new(const dcpg_net *net, const dcpg_slices *slices, const dcpg_optimiser *kind,
                          dcpg_adam **out, dcpg_err *err) {
    dcpg_adam *adam = dcpg_alloc(1, sizeof *adam);
    if (adam == NULL) return dcpg_fail_nomem(err, "the optimiser", sizeof *adam);
    *adam = (dcpg_adam){.kind = kind ? *kind : (dcpg_optimiser){0},
                        .slices = *slices,
                        .count = dcpg_slices_count(slices),
                        .beta1 = 0.9f,
                        .beta2 = 0.999f};
    adam->epsilon = adam->kind.lamb ? 1e-6f : 1e-7f;
    bool needs_norms = adam->kind.lamb || adam->kind.clip_norm > 0;
    dcpg_status status = allocate(adam, err);
    if (status == DCPG_OK && !adam->kind.lamb) status = find_ranges(net, adam, err);
    if (status == DCPG_OK && needs_norms) status = dcpg_adam_find_parts(adam, net, err);
    if (status != DCPG_OK) {
        dcpg_adam_free(adam);
        return status;
    }
    *out = adam;
    return DCPG_OK;
}

void dcpg_adam_free(dcpg_adam *adam) {
    if (adam == NULL) return;
    dcpg_free(adam->m);
    dcpg_free(adam->v);
    dcpg_free(adam->range);
    dcpg_free(adam->part);
    dcpg_free(adam->norm);
    dcpg_free(adam);
}

static bool adam_step(dcpg_adam *adam, double rate, float scale, const float *grads, float *params) {
    double t = (double)++adam->t;
    double corrected = rate * sqrt(1 - pow(adam->beta2, t)) / (1 - pow(adam->beta1, t));
    bool finite = true;
    for (int i = 0; i < adam->nb_range; i++) {
        const dcpg_adam_range *r = &adam->range[i];
        dcpg_adam_step step = {
            (float)corrected, adam->beta1, adam->beta2, adam->epsilon, r->l1, r->l2, scale};
        finite &= dcpg_adam_update(&step, r->count, grads + r->offset, params + r->offset,
                                   adam->m + r->moment, adam->v + r->moment);
    }
    return finite;
}

bool dcpg_adam_apply_all(dcpg_adam *adam, const dcpg_par *par, double rate, const float *grads,
                         float *params) {
    float scale = adam->kind.clip_norm > 0 ? dcpg_adam_clip_all(adam, par, grads, params) : 1;
    if (adam->kind.lamb) return dcpg_adam_lamb_all(adam, par, rate, scale, grads, params);
    return adam_step(adam, rate, scale, grads, params);
}
