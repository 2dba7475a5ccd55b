/* SPDX-License-Identifier: MIT */
/* Dense layer on the last axis, with its ReLU where fused. Time steps are rows of the matrix, as samples
 * are. */
#include "base/number.h"
#include "nn/plan.h"

#include <omp.h>
#include <string.h>

/* The gradient of a weight matrix with more values than this is summed over the leaves in pieces of rows,
 * each small enough to stay in cache from leaf to leaf. Threads divide the pieces. */
static const size_t LARGE = (size_t)1 << 19;
static const int64_t PIECE = INT64_C(1) << 16; /* values per piece */

static bool is_large(const dcpg_op *op) { return op->size > LARGE; }

static int64_t piece_rows(const dcpg_op *op) {
    int64_t rows = PIECE / op->to.c;
    return max_i64(rows, 16);
}

static size_t piece_scratch(const dcpg_op *op, const dcpg_plan *plan) {
    return (size_t)plan->depth * (size_t)(piece_rows(op) * op->to.c);
}

static dcpg_status dense_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    (void)err;
    op->keeps_in = op->trained;
    op->keeps_out = op->relu;
    op->scratch =
        (is_large(op) ? (size_t)plan->nb_thread * piece_scratch(op, plan) : dcpg_sum_scratch(plan, op)) *
        sizeof(float);
    op->macs = op->from.t * op->from.c * op->to.c;
    return DCPG_OK;
}

static void dense_forward(const dcpg_op *op, const dcpg_run *run) {
    if (run->n == 0) return;
    dcpg_dense dense = {.n = run->n * op->from.t, .c = op->from.c, .f = op->to.c};
    dcpg_dense_forward(&dense, dcpg_run_in(run, op, 0), dcpg_run_weight(run, op, 0),
                       dcpg_run_weight(run, op, 1), op->relu, dcpg_run_out(run, op));
}

/* ---- weight gradient ---- */

static void dense_leaf(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t end, float *out,
                       float *scratch) {
    (void)scratch;
    int64_t t = op->from.t;
    dcpg_dense dense = {.n = (end - first) * t, .c = op->from.c, .f = op->to.c};
    dcpg_dense_backward_weight(&dense, dcpg_run_in(run, op, 0) + first * t * dense.c,
                               dcpg_run_out_gradient(run, op) + first * t * dense.f, out,
                               dcpg_run_weight_gradient(run, op, 1, out));
}

typedef struct piece {
    const dcpg_op *op;
    const dcpg_run *run;
    int64_t first, rows; /* rows of the weight matrix */
} piece;

/* A piece's rows of x^T dy, for one leaf. */
static void piece_leaf(void *context, int leaf, float *out) {
    const piece *p = context;
    int64_t t = p->op->from.t, c = p->op->from.c, f = p->op->to.c, first, end;
    dcpg_run_leaf(p->run, leaf, &first, &end);
    dcpg_mat x = {dcpg_run_in(p->run, p->op, 0) + first * t * c + p->first, 1, c};
    dcpg_mat dy = {dcpg_run_out_gradient(p->run, p->op) + first * t * f, f, 1};
    dcpg_gemm(p->rows, f, (end - first) * t, x, dy, 0, (dcpg_mat_out){out, f, 1});
}

static void bias_leaf(void *context, int leaf, float *out) {
    const piece *p = context;
    int64_t t = p->op->from.t, f = p->op->to.c, first, end;
    dcpg_run_leaf(p->run, leaf, &first, &end);
    const float *dy = dcpg_run_out_gradient(p->run, p->op);
    memset(out, 0, (size_t)f * sizeof *out);
    for (int64_t i = first * t; i < end * t; i++)
        for (int64_t j = 0; j < f; j++) out[j] += dy[i * f + j];
}

static void sum_pieces(const dcpg_op *op, const dcpg_run *run, float *grads, dcpg_node node) {
    const dcpg_plan *plan = run->plan;
    int64_t c = op->from.c, f = op->to.c, rows = piece_rows(op), nb_piece = ceil_div(c, rows);
    float *scratch = dcpg_run_scratch(run);
    size_t each = piece_scratch(op, plan);
    dcpg_tree_sum_fn *tree_sum = dcpg_run_tree_sum(run);
#pragma omp parallel for schedule(static) num_threads(plan->nb_thread)
    for (int64_t i = 0; i < nb_piece; i++) {
        piece p = {op, run, i * rows, min_i64(c - i * rows, rows)};
        float *own = scratch + (size_t)omp_get_thread_num() * each;
        tree_sum(node, (size_t)(p.rows * f), piece_leaf, &p, grads + i * rows * f, own);
    }
    piece all = {op, run, 0, c};
    if (op->nb_weight > 1) tree_sum(node, (size_t)f, bias_leaf, &all, grads + c * f, scratch);
    dcpg_run_poll(run);
}

static void sum_large(const dcpg_op *op, const dcpg_run *run) {
    const dcpg_node *nodes;
    int nb_node = dcpg_run_nodes(run, &nodes);
    for (int i = 0; i < nb_node; i++) sum_pieces(op, run, dcpg_run_node_gradient(run, op, i), nodes[i]);
    dcpg_run_start(op, run);
}

static void dense_backward(const dcpg_op *op, const dcpg_run *run) {
    dcpg_run_close_relu(op, run);
    if (op->trained && is_large(op))
        sum_large(op, run);
    else if (op->trained)
        dcpg_sum_gradients(op, run, dense_leaf);
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || run->n == 0) return;
    dcpg_dense dense = {.n = run->n * op->from.t, .c = op->from.c, .f = op->to.c};
    dcpg_dense_backward_input(&dense, dcpg_run_out_gradient(run, op), dcpg_run_weight(run, op, 0),
                              op->adds[0], dx);
}

const dcpg_op_kind dcpg_op_dense = {"dense", dense_plan, dense_forward, dense_backward};
