/* SPDX-License-Identifier: MIT */
/* An activation that is an operation of its own. */
#include "nn/plan.h"

static dcpg_status activation_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)plan, (void)err;
    op->keeps_out = true;
    op->in_place = true;
    return DCPG_OK;
}

static void activation_forward(const dcpg_op *op, const dcpg_run *run) {
    if (run->n == 0) return;
    dcpg_activate(op->activation, run->n * op->to.t, op->to.c, dcpg_run_in(run, op, 0),
                  dcpg_run_out(run, op));
}

static void activation_backward(const dcpg_op *op, const dcpg_run *run) {
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || run->n == 0) return;
    const dcpg_activated out = {op->activation, run->n * op->to.t, op->to.c, dcpg_run_out(run, op)};
    dcpg_activate_backward(&out, dcpg_run_out_gradient(run, op), op->adds[0], dx);
}

const dcpg_op_kind dcpg_op_activation = {"activation", activation_plan, activation_forward,
                                         activation_backward};
