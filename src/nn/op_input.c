/* SPDX-License-Identifier: MIT */
/* Inputs converted to floats, for operations that cannot read them in the caller's form. */
#include "nn/plan.h"

#include <assert.h>
#include <string.h>

static dcpg_status plan_input(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)op, (void)plan, (void)err;
    return DCPG_OK;
}

/* Never called: neither inputs nor anything before them has weights, so their results are never graded. */
static void input_backward(const dcpg_op *op, const dcpg_run *run) {
    (void)op, (void)run;
    assert(!"inputs have no gradient");
}

/* y[n][wlen][4] = one-hot of codes[n][wlen]; N (4) becomes four zeros. */
static void onehot_forward(const dcpg_op *op, const dcpg_run *run) {
    int64_t count = run->n * op->from.t;
    const uint8_t *codes = run->input->dna;
    float *y = dcpg_run_out(run, op);
    memset(y, 0, (size_t)count * 4 * sizeof *y);
    for (int64_t i = 0; i < count; i++)
        if (codes[i] < 4) y[4 * i + codes[i]] = 1;
}

/* y[n][cells][cpg_wlen] = the states or the distances in x[n][cells][2 cpg_wlen]. */
static void columns_forward(const dcpg_op *op, const dcpg_run *run) {
    int64_t wlen = op->to.c, skip = strcmp(op->layer->name, "cpg/dist") == 0 ? wlen : 0;
    dcpg_copy_columns(run->n * op->to.t, wlen, (dcpg_mat){run->input->cpg + skip, 2 * wlen, 1},
                      (dcpg_mat_out){dcpg_run_out(run, op), wlen, 1}, false);
}

const dcpg_op_kind dcpg_op_onehot = {"onehot", plan_input, onehot_forward, input_backward};
const dcpg_op_kind dcpg_op_columns = {"columns", plan_input, columns_forward, input_backward};
