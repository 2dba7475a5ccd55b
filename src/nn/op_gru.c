/* SPDX-License-Identifier: MIT */
/* Gated recurrent units in one or both directions; both directions write into one concatenated result. */
#include "nn/plan.h"

/* Weights: kernel, recurrent kernel and bias of the forward direction, then the same of the backward
 * direction. */
static int nb_direction(const dcpg_op *op) { return op->layer->bidirectional ? 2 : 1; }
static int per_direction(const dcpg_op *op) { return op->nb_weight / nb_direction(op); }

static dcpg_gru direction(const dcpg_op *op, int d) {
    dcpg_gru gru = op->gru;
    gru.backwards = d == 1;
    return gru;
}

static const float *weight(const dcpg_op *op, const dcpg_run *run, int d, int which) {
    return which < per_direction(op) ? dcpg_run_weight(run, op, d * per_direction(op) + which)
                                     : run->plan->zero;
}

static dcpg_status gru_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    int64_t rows = plan->options.max_rows, c = op->gru.c, u = op->gru.u;
    op->keeps_in = op->trained;
    op->scratch = (dcpg_sum_scratch(plan, op) + dcpg_gru_scratch(&op->gru, rows)) * sizeof(float);
    op->macs = nb_direction(op) * op->gru.t * 3 * u * (c + u);
    if (!plan->options.train) return DCPG_OK;
    for (int d = 0; d < nb_direction(op); d++)
        DCPG_TRY(dcpg_plan_own(plan, op, d, dcpg_gru_saved(&op->gru, rows) * sizeof(float), err));
    return DCPG_OK;
}

static dcpg_gru_arrays arrays_of(const dcpg_op *op, const dcpg_run *run, int d) {
    return (dcpg_gru_arrays){.n = run->n,
                             .x = dcpg_run_in(run, op, 0),
                             .w = weight(op, run, d, 0),
                             .r = weight(op, run, d, 1),
                             .b = weight(op, run, d, 2),
                             .y_stride = op->to.c,
                             .saved = run->training ? dcpg_run_own(run, op, d) : NULL,
                             .scratch = dcpg_run_scratch(run)};
}

static void gru_forward(const dcpg_op *op, const dcpg_run *run) {
    if (run->n == 0) return;
    for (int d = 0; d < nb_direction(op); d++) {
        dcpg_gru gru = direction(op, d);
        dcpg_gru_arrays arrays = arrays_of(op, run, d);
        dcpg_gru_forward(&gru, &arrays, dcpg_run_out(run, op) + d * gru.u);
    }
}

static void gru_leaf(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t end, float *out,
                     float *scratch) {
    (void)scratch;
    for (int d = 0; d < nb_direction(op); d++) {
        dcpg_gru gru = direction(op, d);
        dcpg_gru_arrays arrays = arrays_of(op, run, d);
        int at = d * per_direction(op);
        dcpg_gru_gradient gradient = {
            .dw = dcpg_run_weight_gradient(run, op, at, out),
            .dr = dcpg_run_weight_gradient(run, op, at + 1, out),
            .db = per_direction(op) > 2 ? dcpg_run_weight_gradient(run, op, at + 2, out) : run->plan->sink};
        dcpg_gru_backward_weight(&gru, &arrays, first, end, &gradient);
    }
}

static void gru_backward(const dcpg_op *op, const dcpg_run *run) {
    float *dx = dcpg_run_in_gradient(run, op, 0);
    for (int d = 0; d < nb_direction(op) && run->n > 0; d++) {
        dcpg_gru gru = direction(op, d);
        dcpg_gru_arrays arrays = arrays_of(op, run, d);
        dcpg_gru_backward_input(&gru, &arrays, dcpg_run_out_gradient(run, op) + d * gru.u,
                                op->adds[0] || d > 0, dx);
        dcpg_run_poll(run);
    }
    if (op->trained) dcpg_sum_gradients(op, run, gru_leaf);
}

const dcpg_op_kind dcpg_op_gru = {"gru", gru_plan, gru_forward, gru_backward};
