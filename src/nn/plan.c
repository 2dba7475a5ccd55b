/* SPDX-License-Identifier: MIT */
/* The life of a plan: construction, its allocation, and the list of operations. */
#include "nn/plan.h"

#include <dcpg/memory.h>

#include <omp.h>

const dcpg_op_kind *const dcpg_op_kinds[] = {
    &dcpg_op_onehot,
    &dcpg_op_columns,
    &dcpg_op_conv,
    &dcpg_op_conv_pool,
    &dcpg_op_conv_dna,
    &dcpg_op_conv_dna_pool,
    &dcpg_op_dense,
    &dcpg_op_heads,
    &dcpg_op_max_pool,
    &dcpg_op_mean,
    &dcpg_op_batch_norm,
    &dcpg_op_gru,
    &dcpg_op_activation,
    &dcpg_op_concat,
    &dcpg_op_add,
    &dcpg_op_dropout,
    NULL,
};

/* ---- construction ---- */

static dcpg_status start(dcpg_plan *plan, dcpg_err *err) {
    size_t n = (size_t)plan->graph->nb_layer,
           capacity = 2 * n + 8; /* a layer and its activation each; inputs */
    plan->nb_thread = omp_get_max_threads();
    if (plan->options.train)
        plan->nb_node =
            dcpg_tree_nodes(plan->options.total, plan->options.first, plan->options.end, plan->node);
    for (int i = 0; i < plan->nb_node; i++) {
        int depth = dcpg_tree_depth(plan->node[i]);
        if (plan->depth < depth) plan->depth = depth;
    }
    DCPG_TRY(dcpg_plan_passes(plan, err));
    plan->value_capacity = (int)capacity;
    plan->op = dcpg_alloc(capacity, sizeof *plan->op);
    plan->value = dcpg_alloc(capacity, sizeof *plan->value);
    plan->value_of = dcpg_alloc(n, sizeof *plan->value_of);
    plan->needed = dcpg_alloc(n, sizeof *plan->needed);
    plan->prediction = dcpg_alloc((size_t)plan->graph->nb_output, sizeof *plan->prediction);
    if (!plan->op || !plan->value || !plan->value_of || !plan->needed || !plan->prediction)
        return dcpg_fail_nomem(err, "a plan", capacity * sizeof *plan->op);
    for (int i = 0; i < plan->graph->nb_layer; i++) {
        const dcpg_glayer *layer = &plan->graph->layer[i];
        int64_t bias = layer->kind == DCPG_GRU ? 6 * layer->units : layer->units;
        plan->value_of[i] = -1;
        if (plan->widest < bias) plan->widest = bias;
    }
    return DCPG_OK;
}

dcpg_status dcpg_plan_new(const dcpg_graph *graph, const dcpg_net_options *options, bool fuse,
                          dcpg_plan **made, dcpg_err *err) {
    dcpg_plan *plan = dcpg_alloc(1, sizeof *plan);
    *made = NULL;
    if (!plan) return dcpg_fail_nomem(err, "a plan", sizeof *plan);
    plan->graph = graph;
    plan->options = *options;
    plan->fuse = fuse;
    dcpg_status status = start(plan, err);
    if (status == DCPG_OK) status = dcpg_plan_lower(plan, err);
    if (status == DCPG_OK) status = dcpg_plan_params(plan, err);
    if (status == DCPG_OK) status = dcpg_plan_buffers(plan, err);
    if (status == DCPG_OK)
        *made = plan;
    else
        dcpg_plan_free(plan);
    return status;
}

void dcpg_plan_free(dcpg_plan *plan) {
    if (!plan) return;
    for (int i = 0; i < plan->nb_op; i++) {
        dcpg_free(plan->op[i].in);
        dcpg_free(plan->op[i].adds);
        dcpg_free(plan->op[i].head);
    }
    dcpg_free(plan->op);
    dcpg_free(plan->value);
    dcpg_free(plan->value_of);
    dcpg_free(plan->needed);
    dcpg_free(plan->prediction);
    dcpg_free(plan->buffer);
    dcpg_free(plan->pass);
    dcpg_free(plan->merge);
    dcpg_free(plan->param);
    dcpg_free(plan->first_param);
    dcpg_free(plan->memory);
    dcpg_free(plan);
}

/* ---- memory ---- */

static void carve(dcpg_plan *plan, dcpg_arena *arena) {
    size_t rows = (size_t)plan->options.max_rows, widest = (size_t)plan->widest;
    plan->memory = dcpg_arena_take(arena, plan->activation_bytes, 1);
    plan->scratch = dcpg_arena_take(arena, plan->scratch_bytes, 1);
    plan->zero = dcpg_arena_take(arena, widest, sizeof(float));
    plan->sink = dcpg_arena_take(arena, widest, sizeof(float));
    plan->label = dcpg_arena_take(arena, rows, sizeof(float));
    plan->weight = dcpg_arena_take(arena, rows, sizeof(float));
}

size_t dcpg_plan_bytes(const dcpg_plan *plan) {
    dcpg_plan measured = *plan;
    dcpg_arena arena = {0};
    carve(&measured, &arena);
    return arena.used;
}

dcpg_status dcpg_plan_allocate(dcpg_plan *plan, dcpg_err *err) {
    size_t bytes = dcpg_plan_bytes(plan);
    dcpg_arena arena = {.base = dcpg_alloc(bytes, 1)};
    if (!arena.base) return dcpg_fail_nomem(err, "activations (a smaller batch needs less)", bytes);
    carve(plan, &arena);
    plan->memory = arena.base;
    return DCPG_OK;
}
