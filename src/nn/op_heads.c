/* SPDX-License-Identifier: MIT */
/* All output heads on one value: one matrix product, then activations by ranges of columns. */
#include "base/number.h"
#include "nn/plan.h"

static dcpg_status heads_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)err;
    op->keeps_in = op->trained;
    op->keeps_out = true;
    size_t columns = 2 * (size_t)(plan->options.max_rows * op->to.c); /* y and dy of a range */
    size_t sums = dcpg_sum_scratch(plan, op);
    op->scratch = max_size(columns, sums) * sizeof(float);
    op->macs = op->from.c * op->to.c;
    return DCPG_OK;
}

/* Heads `first` .. *end-1 have adjacent columns and the same activation; returns their number of columns. A
 * softmax covers the columns of one head only. */
static int64_t range_of(const dcpg_op *op, int first, int *end) {
    const dcpg_head *head = op->head;
    *end = first + 1;
    while (head[first].activation != DCPG_SOFTMAX && *end < op->nb_head &&
           head[*end].activation == head[first].activation)
        ++*end;
    return head[*end - 1].column + head[*end - 1].units - head[first].column;
}

static void heads_forward(const dcpg_op *op, const dcpg_run *run) {
    int64_t n = run->n, all = op->to.c;
    if (n == 0) return;
    float *y = dcpg_run_out(run, op), *range = dcpg_run_scratch(run);
    dcpg_dense dense = {.n = n, .c = op->from.c, .f = all};
    dcpg_dense_forward(&dense, dcpg_run_in(run, op, 0), dcpg_run_weight(run, op, 0),
                       dcpg_run_weight(run, op, 1), false, y);
    for (int i = 0, end; i < op->nb_head; i = end) {
        int64_t c = range_of(op, i, &end), at = op->head[i].column;
        if (op->head[i].activation == DCPG_LINEAR) continue;
        if (c == all) {
            dcpg_activate(op->head[i].activation, n, c, y, y);
            return;
        }
        dcpg_copy_columns(n, c, (dcpg_mat){y + at, all, 1}, (dcpg_mat_out){range, c, 1}, false);
        dcpg_activate(op->head[i].activation, n, c, range, range);
        dcpg_copy_columns(n, c, (dcpg_mat){range, c, 1}, (dcpg_mat_out){y + at, all, 1}, false);
    }
}

/* dy becomes the gradient of the activations' inputs. */
static void undo_activations(const dcpg_op *op, const dcpg_run *run) {
    int64_t n = run->n, all = op->to.c;
    float *y = dcpg_run_out(run, op), *dy = dcpg_run_out_gradient(run, op);
    float *y_range = dcpg_run_scratch(run), *dy_range = y_range + run->plan->options.max_rows * all;
    for (int i = 0, end; i < op->nb_head; i = end) {
        int64_t c = range_of(op, i, &end), at = op->head[i].column;
        if (op->head[i].activation == DCPG_LINEAR) continue;
        if (c == all) {
            dcpg_activate_backward(&(dcpg_activated){op->head[i].activation, n, c, y}, dy, false, dy);
            return;
        }
        dcpg_copy_columns(n, c, (dcpg_mat){y + at, all, 1}, (dcpg_mat_out){y_range, c, 1}, false);
        dcpg_copy_columns(n, c, (dcpg_mat){dy + at, all, 1}, (dcpg_mat_out){dy_range, c, 1}, false);
        const dcpg_activated range = {op->head[i].activation, n, c, y_range};
        dcpg_activate_backward(&range, dy_range, false, dy_range);
        dcpg_copy_columns(n, c, (dcpg_mat){dy_range, c, 1}, (dcpg_mat_out){dy + at, all, 1}, false);
    }
}

static void heads_leaf(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t end, float *out,
                       float *scratch) {
    (void)scratch;
    dcpg_dense dense = {.n = end - first, .c = op->from.c, .f = op->to.c};
    dcpg_dense_backward_weight(&dense, dcpg_run_in(run, op, 0) + first * dense.c,
                               dcpg_run_out_gradient(run, op) + first * dense.f, out,
                               dcpg_run_weight_gradient(run, op, 1, out));
}

static void heads_backward(const dcpg_op *op, const dcpg_run *run) {
    if (run->n > 0) undo_activations(op, run);
    if (op->trained) dcpg_sum_gradients(op, run, heads_leaf);
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || run->n == 0) return;
    dcpg_dense dense = {.n = run->n, .c = op->from.c, .f = op->to.c};
    dcpg_dense_backward_input(&dense, dcpg_run_out_gradient(run, op), dcpg_run_weight(run, op, 0),
                              op->adds[0], dx);
}

const dcpg_op_kind dcpg_op_heads = {"heads", heads_plan, heads_forward, heads_backward};
