/* SPDX-License-Identifier: MIT */
/* Helpers of running operations: sums over the leaves, and the hand-over to the reducer. */
#include "nn/plan.h"

#include <assert.h>
#include <string.h>

void dcpg_run_poll(const dcpg_run *run) {
    if (run->reducer) run->reducer->poll(run->reducer->self);
}

dcpg_tree_sum_fn *dcpg_run_tree_sum(const dcpg_run *run) {
    return run->plan->options.bf16_sums ? dcpg_tree_sum_bf16 : dcpg_tree_sum;
}

void dcpg_run_leaf(const dcpg_run *run, int leaf, int64_t *first, int64_t *end) {
    const dcpg_leaves *leaves = run->input->leaves;
    *first = leaves->row[leaf - leaves->first] - leaves->row[0];
    *end = leaves->row[leaf - leaves->first + 1] - leaves->row[0];
}

void dcpg_run_close_relu(const dcpg_op *op, const dcpg_run *run) {
    if (!op->relu) return;
    const dcpg_activated out = {DCPG_RELU, run->n * op->to.t, op->to.c, dcpg_run_out(run, op)};
    float *dy = dcpg_run_out_gradient(run, op);
    dcpg_activate_backward(&out, dy, false, dy);
}

float *dcpg_run_bias_gradient(const dcpg_run *run, const dcpg_op *op, float *out) {
    float *db = dcpg_run_weight_gradient(run, op, 1, out);
    if (!op->bias_cancels) return db;
    memset(db, 0, (size_t)op->conv.f * sizeof *db);
    return NULL;
}

typedef struct leaf_context {
    const dcpg_op *op;
    const dcpg_run *run;
    dcpg_leaf_gradient *leaf;
    float *scratch;
} leaf_context;

static void sum_leaf(void *context, int leaf, float *out) {
    const leaf_context *c = context;
    int64_t first, end;
    dcpg_run_leaf(c->run, leaf, &first, &end);
    if (first < end)
        c->leaf(c->op, c->run, first, end, out, c->scratch);
    else
        memset(out, 0, c->op->size * sizeof *out);
    dcpg_run_poll(c->run);
}

size_t dcpg_sum_scratch(const dcpg_plan *plan, const dcpg_op *op) { return (size_t)plan->depth * op->size; }

void dcpg_sum_gradients(const dcpg_op *op, const dcpg_run *run, dcpg_leaf_gradient *leaf) {
    const dcpg_plan *plan = run->plan;
    float *scratch = dcpg_run_scratch(run);
    leaf_context context = {op, run, leaf, scratch + dcpg_sum_scratch(plan, op)};
    const dcpg_node *nodes;
    int nb_node = dcpg_run_nodes(run, &nodes);
    for (int i = 0; i < nb_node; i++)
        dcpg_run_tree_sum(run)(nodes[i], op->size, sum_leaf, &context, dcpg_run_node_gradient(run, op, i),
                               scratch);
    dcpg_run_start(op, run);
}
