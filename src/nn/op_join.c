/* SPDX-License-Identifier: MIT */
/* Concatenation along the channels, and sums. */
#include "nn/plan.h"

#include <string.h>

static dcpg_status concat_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)op, (void)plan, (void)err;
    return DCPG_OK;
}

static int64_t channels(const dcpg_op *op, const dcpg_run *run, int source) {
    return run->plan->value[op->in[source]].size / op->to.t;
}

static void concat_forward(const dcpg_op *op, const dcpg_run *run) {
    float *y = dcpg_run_out(run, op);
    int64_t rows = run->n * op->to.t, at = 0;
    for (int i = 0; i < op->nb_in && rows > 0; i++) {
        int64_t c = channels(op, run, i);
        dcpg_copy_columns(rows, c, (dcpg_mat){dcpg_run_in(run, op, i), c, 1},
                          (dcpg_mat_out){y + at, op->to.c, 1}, false);
        at += c;
    }
}

static void concat_backward(const dcpg_op *op, const dcpg_run *run) {
    const float *dy = dcpg_run_out_gradient(run, op);
    int64_t rows = run->n * op->to.t, at = 0;
    for (int i = 0; i < op->nb_in && rows > 0; i++) {
        int64_t c = channels(op, run, i);
        float *dx = dcpg_run_in_gradient(run, op, i);
        if (dx)
            dcpg_copy_columns(rows, c, (dcpg_mat){dy + at, op->to.c, 1}, (dcpg_mat_out){dx, c, 1},
                              op->adds[i]);
        at += c;
    }
}

static dcpg_status add_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)plan, (void)err;
    op->in_place = op->nb_in <= 2; /* with more sources the partial sum would overwrite one not yet added */
    return DCPG_OK;
}

static void add_forward(const dcpg_op *op, const dcpg_run *run) {
    size_t count = (size_t)(run->n * op->to.t * op->to.c);
    float *y = dcpg_run_out(run, op);
    if (count == 0) return;
    if (op->nb_in == 1)
        memmove(y, dcpg_run_in(run, op, 0), count * sizeof *y);
    else
        dcpg_add(count, dcpg_run_in(run, op, 0), dcpg_run_in(run, op, 1), y);
    for (int i = 2; i < op->nb_in; i++) dcpg_accumulate(count, dcpg_run_in(run, op, i), y);
}

static void add_backward(const dcpg_op *op, const dcpg_run *run) {
    const float *dy = dcpg_run_out_gradient(run, op);
    int64_t rows = run->n * op->to.t, c = op->to.c;
    for (int i = 0; i < op->nb_in && rows > 0; i++) {
        float *dx = dcpg_run_in_gradient(run, op, i);
        if (dx) dcpg_copy_columns(rows, c, (dcpg_mat){dy, c, 1}, (dcpg_mat_out){dx, c, 1}, op->adds[i]);
    }
}

const dcpg_op_kind dcpg_op_concat = {"concat", concat_plan, concat_forward, concat_backward};
const dcpg_op_kind dcpg_op_add = {"add", add_plan, add_forward, add_backward};
