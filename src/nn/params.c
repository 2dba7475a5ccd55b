/* SPDX-License-Identifier: MIT */
/* Placement of the weights: those of an operation are contiguous, operations in their order, so that the
 * backward pass completes ranges from the end; moving statistics follow after all of them. */
#include "base/number.h"
#include "nn/plan.h"

#include <dcpg/memory.h>

#include <assert.h>

/* A range starts on a cache line. */
enum { PAD = DCPG_ALIGN / sizeof(float) };

static const size_t UNPLACED = (size_t)-1;

static size_t padded(size_t count) { return round_up_size(count, PAD); }

/* Lists all weights in the graph's order, without offsets. */
static dcpg_status list_params(dcpg_plan *plan, dcpg_err *err) {
    const dcpg_graph *graph = plan->graph;
    plan->param = dcpg_alloc((size_t)graph->nb_layer * DCPG_MAX_WEIGHTS, sizeof *plan->param);
    plan->first_param = dcpg_alloc((size_t)graph->nb_layer, sizeof *plan->first_param);
    if (!plan->param || !plan->first_param) return dcpg_fail_nomem(err, "parameters", sizeof *plan->param);
    for (int i = 0; i < graph->nb_layer; i++) {
        const dcpg_glayer *layer = &graph->layer[i];
        dcpg_weight weight[DCPG_MAX_WEIGHTS];
        int n = dcpg_graph_weights(graph, i, weight);
        plan->first_param[i] = plan->nb_param;
        for (int w = 0; w < n; w++) {
            size_t size = (size_t)dcpg_weight_size(&weight[w]);
            bool penalised = weight[w].penalised;
            plan->param[plan->nb_param++] = (dcpg_param){.layer = i,
                                                         .weight = weight[w],
                                                         .offset = UNPLACED,
                                                         .size = size,
                                                         .row = size,
                                                         .stride = size,
                                                         .l1 = penalised ? layer->l1 : 0,
                                                         .l2 = penalised ? layer->l2 : 0,
                                                         .trainable = layer->trainable && !weight[w].state};
        }
    }
    return DCPG_OK;
}

/* Places the weights of a layer one after the other: its trained ones or, with `state`, its moving
 * statistics. */
static void place_layer(dcpg_plan *plan, int layer, bool state, size_t *next) {
    for (int i = plan->first_param[layer]; i < plan->nb_param && plan->param[i].layer == layer; i++) {
        dcpg_param *param = &plan->param[i];
        if (param->weight.state != state || param->offset != UNPLACED) continue;
        param->offset = *next;
        *next += param->size;
    }
}

/* The heads' kernels are columns of one matrix [c][units of all heads], their biases pieces of one bias after
 * it. */
static void place_heads(dcpg_plan *plan, dcpg_op *op, size_t *next) {
    size_t c = (size_t)op->from.c, units = (size_t)op->to.c;
    op->nb_weight = 2;
    op->at[0] = *next;
    op->at[1] = *next + c * units;
    for (int i = 0; i < op->nb_head; i++) {
        const dcpg_head *head = &op->head[i];
        dcpg_param *kernel = &plan->param[plan->first_param[head->dense]];
        kernel->offset = op->at[0] + (size_t)head->column;
        kernel->row = (size_t)head->units;
        kernel->stride = units;
        kernel[1].offset = op->at[1] + (size_t)head->column;
    }
    *next += c * units + units;
}

static void place_op(dcpg_plan *plan, dcpg_op *op, size_t *next) {
    op->begin = *next;
    if (op->nb_head > 0)
        place_heads(plan, op, next);
    else if (op->kind != &dcpg_op_activation)
        place_layer(plan, op->index, false, next);
    op->size = *next - op->begin;
    *next = padded(*next);
    op->padded = *next - op->begin;
}

static void place_weights(const dcpg_plan *plan, dcpg_op *op) {
    if (op->nb_head > 0 || op->kind == &dcpg_op_activation) return;
    for (int i = plan->first_param[op->index]; i < plan->nb_param && plan->param[i].layer == op->index; i++)
        op->at[op->nb_weight++] = plan->param[i].offset;
}

dcpg_status dcpg_plan_params(dcpg_plan *plan, dcpg_err *err) {
    DCPG_TRY(list_params(plan, err));
    size_t next = 0;
    for (int i = 0; i < plan->nb_op; i++) place_op(plan, &plan->op[i], &next);
    /* Weights of layers that no output needs. */
    for (int i = 0; i < plan->graph->nb_layer; i++) place_layer(plan, i, false, &next);
    plan->nb_trained = padded(next);
    next = plan->nb_trained;
    for (int i = 0; i < plan->graph->nb_layer; i++) place_layer(plan, i, true, &next);
    plan->nb_value_params = next;
    for (int i = 0; i < plan->nb_op; i++) place_weights(plan, &plan->op[i]);
    return DCPG_OK;
}
