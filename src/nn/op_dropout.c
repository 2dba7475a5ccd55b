/* SPDX-License-Identifier: MIT */
/* Inverted dropout, keyed by seed, layer, step and global sample, so that the backward pass draws the same
 * mask again. */
#include "nn/plan.h"

#include <dcpg/rng.h>

#include <assert.h>
#include <string.h>

static dcpg_status dropout_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)err;
    op->in_place = true;
    op->scratch = (size_t)(plan->options.max_rows * op->to.t * op->to.c) * sizeof(float);
    return DCPG_OK;
}

static void draw(const dcpg_op *op, const dcpg_run *run, const float *x, float *y) {
    uint64_t key = dcpg_mix(dcpg_mix(run->net->options.seed, dcpg_hash(op->layer->name)), run->input->step);
    assert(run->input->id);
    dcpg_mask mask = {
        .n = run->n, .c = op->to.t * op->to.c, .rate = op->layer->rate, .key = key, .id = run->input->id};
    dcpg_dropout(&mask, x, y);
}

static void dropout_forward(const dcpg_op *op, const dcpg_run *run) {
    const float *x = dcpg_run_in(run, op, 0);
    float *y = dcpg_run_out(run, op);
    if (run->n == 0) return;
    if (run->training && op->layer->rate > 0)
        draw(op, run, x, y);
    else if (x != y)
        memcpy(y, x, (size_t)(run->n * op->to.t * op->to.c) * sizeof *y);
}

static void dropout_backward(const dcpg_op *op, const dcpg_run *run) {
    size_t count = (size_t)(run->n * op->to.t * op->to.c);
    const float *dy = dcpg_run_out_gradient(run, op);
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || count == 0) return;
    float *masked = op->adds[0] ? dcpg_run_scratch(run) : dx;
    if (op->layer->rate > 0)
        draw(op, run, dy, masked);
    else
        memcpy(masked, dy, count * sizeof *dx);
    if (op->adds[0]) dcpg_accumulate(count, masked, dx);
}

const dcpg_op_kind dcpg_op_dropout = {"dropout", dropout_plan, dropout_forward, dropout_backward};
