/* SPDX-License-Identifier: MIT */
/* Convolution over time, with its ReLU and, where fused, the max pooling after it. */
#include "nn/plan.h"

static dcpg_status conv_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)err;
    op->keeps_in = op->trained;
    op->keeps_out = op->relu;
    op->scratch =
        (dcpg_sum_scratch(plan, op) + dcpg_conv_scratch(&op->conv, plan->options.max_rows)) * sizeof(float);
    op->macs = op->conv.t_out * op->conv.f * op->conv.k * op->conv.c;
    return DCPG_OK;
}

/* Samples first .. end - 1 of the batch. */
static dcpg_conv_arrays arrays_of(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t end) {
    return (dcpg_conv_arrays){.n = end - first,
                              .x = dcpg_run_in(run, op, 0) + first * op->from.t * op->from.c,
                              .w = dcpg_run_weight(run, op, 0),
                              .b = dcpg_run_weight(run, op, 1),
                              .scratch = dcpg_run_scratch(run)};
}

static void conv_forward(const dcpg_op *op, const dcpg_run *run) {
    if (run->n == 0) return;
    dcpg_conv_arrays in = arrays_of(op, run, 0, run->n);
    dcpg_conv_forward(&op->conv, &in, op->relu, dcpg_run_out(run, op));
}

static void conv_leaf(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t end, float *out,
                      float *scratch) {
    dcpg_conv_arrays in = arrays_of(op, run, first, end);
    in.scratch = scratch;
    const float *dy = dcpg_run_out_gradient(run, op) + first * op->to.t * op->to.c;
    dcpg_conv_backward_weight(&op->conv, &in, dy, out, dcpg_run_bias_gradient(run, op, out));
}

static void conv_backward(const dcpg_op *op, const dcpg_run *run) {
    dcpg_run_close_relu(op, run);
    if (op->trained) dcpg_sum_gradients(op, run, conv_leaf);
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || run->n == 0) return;
    dcpg_conv_arrays in = arrays_of(op, run, 0, run->n);
    dcpg_conv_backward_input(&op->conv, &in, dcpg_run_out_gradient(run, op), op->adds[0], dx);
}

const dcpg_op_kind dcpg_op_conv = {"conv", conv_plan, conv_forward, conv_backward};

/* ---- with max pooling ---- */

static dcpg_status pool_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    DCPG_TRY(conv_plan(op, plan, err));
    op->keeps_out = true;
    return dcpg_plan_own(plan, op, 0, (size_t)(plan->options.max_rows * op->to.t * op->to.c), err);
}

static void pool_forward(const dcpg_op *op, const dcpg_run *run) {
    if (run->n == 0) return;
    dcpg_conv_arrays in = arrays_of(op, run, 0, run->n);
    dcpg_conv_pool_forward(&op->conv, &in, dcpg_run_out(run, op), dcpg_run_own(run, op, 0));
}

/* The output from sample `first` on. */
static dcpg_conv_pooled pooled_of(const dcpg_op *op, const dcpg_run *run, int64_t first) {
    int64_t at = first * op->to.t * op->to.c;
    const uint8_t *arg = dcpg_run_own(run, op, 0);
    return (dcpg_conv_pooled){
        .dy = dcpg_run_out_gradient(run, op) + at, .y = dcpg_run_out(run, op) + at, .arg = arg + at};
}

static void pool_leaf(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t end, float *out,
                      float *scratch) {
    dcpg_conv_arrays in = arrays_of(op, run, first, end);
    in.scratch = scratch;
    dcpg_conv_pooled pooled = pooled_of(op, run, first);
    dcpg_conv_pool_backward_weight(&op->conv, &in, &pooled, out, dcpg_run_bias_gradient(run, op, out));
}

static void pool_backward(const dcpg_op *op, const dcpg_run *run) {
    if (op->trained) dcpg_sum_gradients(op, run, pool_leaf);
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || run->n == 0) return;
    dcpg_conv_arrays in = arrays_of(op, run, 0, run->n);
    dcpg_conv_pooled pooled = pooled_of(op, run, 0);
    dcpg_conv_pool_backward_input(&op->conv, &in, &pooled, op->adds[0], dx);
}

const dcpg_op_kind dcpg_op_conv_pool = {"conv_pool", pool_plan, pool_forward, pool_backward};
