/* SPDX-License-Identifier: MIT */
/* Max pooling, and the mean over time. */
#include "nn/plan.h"

static dcpg_status max_pool_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    return dcpg_plan_own(plan, op, 0, (size_t)(plan->options.max_rows * op->to.t * op->to.c), err);
}

static dcpg_pool pool_of(const dcpg_op *op, const dcpg_run *run) {
    return (dcpg_pool){.n = run->n, .t = op->from.t, .c = op->from.c, .window = op->pool};
}

static void max_pool_forward(const dcpg_op *op, const dcpg_run *run) {
    if (run->n == 0) return;
    dcpg_pool pool = pool_of(op, run);
    dcpg_max_pool_forward(&pool, dcpg_run_in(run, op, 0), dcpg_run_out(run, op), dcpg_run_own(run, op, 0));
}

static void max_pool_backward(const dcpg_op *op, const dcpg_run *run) {
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || run->n == 0) return;
    dcpg_pool pool = pool_of(op, run);
    dcpg_max_pool_backward(&pool, dcpg_run_own(run, op, 0), dcpg_run_out_gradient(run, op), op->adds[0], dx);
}

static dcpg_status mean_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)op, (void)plan, (void)err;
    return DCPG_OK;
}

static void mean_forward(const dcpg_op *op, const dcpg_run *run) {
    if (run->n == 0) return;
    dcpg_mean_forward(run->n, op->from.t, op->from.c, dcpg_run_in(run, op, 0), dcpg_run_out(run, op));
}

static void mean_backward(const dcpg_op *op, const dcpg_run *run) {
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || run->n == 0) return;
    dcpg_mean_backward(run->n, op->from.t, op->from.c, dcpg_run_out_gradient(run, op), op->adds[0], dx);
}

const dcpg_op_kind dcpg_op_max_pool = {"max_pool", max_pool_plan, max_pool_forward, max_pool_backward};
const dcpg_op_kind dcpg_op_mean = {"mean", mean_plan, mean_forward, mean_backward};
