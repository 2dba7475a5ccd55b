/* SPDX-License-Identifier: MIT */
/* Lowering: from layers to operations, and which layers run together in one pass. */
#include "nn/plan.h"

#include <dcpg/memory.h>

#include <assert.h>
#include <inttypes.h>
#include <string.h>

typedef struct lowering {
    dcpg_plan *plan;
    const dcpg_glayer *layer;
    int *nb_use;  /* [nb_layer] edges to needed layers that read it */
    int *user;    /* [nb_layer] the last of these layers */
    bool *output; /* [nb_layer] */
    bool *done;   /* [nb_layer] already part of an operation */
    int dna, cpg; /* values of the inputs, -1: not used yet */
    dcpg_err *err;
} lowering;

/* ---- values and operations ---- */

static dcpg_extent steps(dcpg_extent extent) { return (dcpg_extent){extent.t > 0 ? extent.t : 1, extent.c}; }

static int new_value(dcpg_plan *plan, dcpg_origin origin, int64_t size) {
    assert(plan->nb_value < plan->value_capacity);
    plan->value[plan->nb_value] =
        (dcpg_value){.origin = origin, .size = size, .writer = -1, .data = -1, .grad = -1};
    return plan->nb_value++;
}

/* What an operation reads and writes. */
typedef struct edges {
    int nb_in;
    const int *in;    /* values */
    dcpg_extent from; /* of the first of them */
    dcpg_extent to;   /* of the value written */
} edges;

/* An operation for layer `index`. */
static dcpg_status new_op(lowering *l, const dcpg_op_kind *kind, int index, const edges *e, dcpg_op **made) {
    dcpg_plan *plan = l->plan;
    dcpg_op *op = &plan->op[plan->nb_op];
    *op = (dcpg_op){.kind = kind,
                    .layer = &l->layer[index],
                    .index = index,
                    .nb_in = e->nb_in,
                    .from = steps(e->from),
                    .to = steps(e->to),
                    .own = {-1, -1}};
    op->in = dcpg_alloc((size_t)e->nb_in, sizeof *op->in);
    op->adds = dcpg_alloc((size_t)e->nb_in, sizeof *op->adds);
    plan->nb_op++; /* from here on dcpg_plan_free frees it */
    if (!op->in || !op->adds) return dcpg_fail_nomem(l->err, "an operation", sizeof *op->in);
    for (int i = 0; i < e->nb_in; i++) op->in[i] = e->in[i];
    op->out = new_value(plan, DCPG_FROM_OP, op->to.t * op->to.c);
    plan->value[op->out].writer = plan->nb_op - 1;
    *made = op;
    return DCPG_OK;
}

/* ---- inputs ---- */

static bool is_input(const lowering *l, int layer, const char *name) {
    return l->layer[layer].kind == DCPG_INPUT && strcmp(l->layer[layer].name, name) == 0;
}

static int dna_codes(lowering *l) {
    if (l->dna < 0) l->dna = new_value(l->plan, DCPG_FROM_DNA, 0);
    return l->dna;
}

/* [cells][2 * cpg_wlen] in the caller's layout: states, then distances. */
static int cpg_rows(lowering *l) {
    const dcpg_graph *graph = l->plan->graph;
    if (l->cpg < 0) l->cpg = new_value(l->plan, DCPG_FROM_CPG, graph->nb_cell * 2 * graph->cpg_wlen);
    return l->cpg;
}

/* An input layer as floats of its own: one-hot DNA, or half of the columns of the CpG rows. */
static dcpg_status lower_input(lowering *l, int index) {
    bool dna = is_input(l, index, "dna");
    int in = dna ? dna_codes(l) : cpg_rows(l);
    dcpg_extent extent = l->layer[index].out;
    dcpg_op *op;
    DCPG_TRY(
        new_op(l, dna ? &dcpg_op_onehot : &dcpg_op_columns, index, &(edges){1, &in, extent, extent}, &op));
    l->plan->value_of[index] = op->out;
    return DCPG_OK;
}

/* The value that holds the result of layer `index`; for input layers it is made on first use. */
static dcpg_status value_of(lowering *l, int index, int *value) {
    if (l->plan->value_of[index] < 0 && l->layer[index].kind == DCPG_INPUT) DCPG_TRY(lower_input(l, index));
    *value = l->plan->value_of[index];
    assert(*value >= 0);
    return DCPG_OK;
}

/* ---- fusion ---- */

/* The only layer that reads layer `index`, if it is of `kind`; otherwise -1. */
static int only_reader(const lowering *l, int index, dcpg_kind kind) {
    if (l->nb_use[index] != 1 || l->output[index]) return -1;
    return l->layer[l->user[index]].kind == kind ? l->user[index] : -1;
}

/* The same, if it may be fused with layer `index`. */
static int follower(const lowering *l, int index, dcpg_kind kind) {
    return l->plan->fuse ? only_reader(l, index, kind) : -1;
}

/* Fuses a ReLU that follows layer `*last` into its operation. */
static bool take_relu(lowering *l, int *last) {
    int next = follower(l, *last, DCPG_ACTIVATION);
    if (next < 0 || l->layer[next].activation != DCPG_RELU) return false;
    l->done[next] = true;
    *last = next;
    return true;
}

/* Fuses the ReLU that a layer contains or that follows it. */
static bool take_own_relu(lowering *l, int index, int *last) {
    dcpg_activation own = l->layer[index].activation;
    if (own == DCPG_RELU) return l->plan->fuse;
    return own == DCPG_LINEAR && take_relu(l, last);
}

static dcpg_status lower_activation(lowering *l, int index, dcpg_activation kind, int in,
                                    dcpg_extent extent) {
    dcpg_op *op;
    DCPG_TRY(new_op(l, &dcpg_op_activation, index, &(edges){1, &in, extent, extent}, &op));
    op->activation = kind;
    l->plan->value_of[index] = op->out;
    return DCPG_OK;
}

/* Ends the operation of layers `index` .. `last`: if the layer's own activation is not fused, it becomes a
 * separate operation. */
static dcpg_status finish(lowering *l, dcpg_op *op, int index, int last) {
    const dcpg_glayer *layer = &l->layer[index];
    l->plan->value_of[last] = op->out;
    if (layer->activation == DCPG_LINEAR || op->relu) return DCPG_OK;
    return lower_activation(l, index, layer->activation, op->out, layer->out);
}

/* ---- layers ---- */

static dcpg_conv conv_of(const dcpg_glayer *layer, dcpg_extent from) {
    dcpg_conv conv = {.t_in = from.t,
                      .c = from.c,
                      .f = layer->units,
                      .k = layer->k,
                      .stride = layer->stride,
                      .dilation = layer->dilation};
    dcpg_conv_shape(&conv, layer->same);
    return conv;
}

static dcpg_status lower_conv(lowering *l, int index) {
    const dcpg_glayer *layer = &l->layer[index];
    int source = layer->source[0], last = index, in;
    bool dna = l->plan->fuse && is_input(l, source, "dna") && layer->stride == 1 && layer->dilation == 1 &&
               !layer->same;
    dcpg_conv conv = conv_of(layer, steps(l->layer[source].out));
    bool relu = take_own_relu(l, index, &last);
    int pooled = relu ? follower(l, last, DCPG_MAX_POOL) : -1;
    if (pooled >= 0 && !dna && !dcpg_conv_pools(&conv, l->layer[pooled].k)) pooled = -1;
    if (pooled >= 0) {
        l->done[pooled] = true;
        last = pooled;
    }
    if (dna)
        in = dna_codes(l);
    else
        DCPG_TRY(value_of(l, source, &in));
    const dcpg_op_kind *const kinds[2][2] = {{&dcpg_op_conv, &dcpg_op_conv_pool},
                                             {&dcpg_op_conv_dna, &dcpg_op_conv_dna_pool}};
    dcpg_op *op;
    DCPG_TRY(new_op(l, kinds[dna][pooled >= 0], index,
                    &(edges){1, &in, l->layer[source].out, l->layer[last].out}, &op));
    op->relu = relu;
    op->conv = conv;
    op->pool = pooled >= 0 ? l->layer[pooled].k : 0;
    op->bias_cancels = only_reader(l, index, DCPG_BATCH_NORM) >= 0 && layer->activation == DCPG_LINEAR;
    return finish(l, op, index, last);
}

static dcpg_status lower_plain(lowering *l, int index, const dcpg_op_kind *kind, dcpg_op **op) {
    int source = l->layer[index].source[0], in;
    DCPG_TRY(value_of(l, source, &in));
    DCPG_TRY(new_op(l, kind, index, &(edges){1, &in, l->layer[source].out, l->layer[index].out}, op));
    l->plan->value_of[index] = (*op)->out;
    return DCPG_OK;
}

static dcpg_status lower_dense(lowering *l, int index) {
    dcpg_op *op;
    int last = index;
    DCPG_TRY(lower_plain(l, index, &dcpg_op_dense, &op));
    op->relu = take_own_relu(l, index, &last);
    return finish(l, op, index, last);
}

static dcpg_status lower_batch_norm(lowering *l, int index) {
    dcpg_op *op;
    int last = index;
    DCPG_TRY(lower_plain(l, index, &dcpg_op_batch_norm, &op));
    op->relu = take_relu(l, &last);
    l->plan->value_of[last] = op->out;
    return DCPG_OK;
}

static dcpg_status lower_max_pool(lowering *l, int index) {
    dcpg_op *op;
    DCPG_TRY(lower_plain(l, index, &dcpg_op_max_pool, &op));
    op->pool = l->layer[index].k;
    return DCPG_OK;
}

static dcpg_status lower_gru(lowering *l, int index) {
    const dcpg_glayer *layer = &l->layer[index];
    dcpg_op *op;
    DCPG_TRY(lower_plain(l, index, &dcpg_op_gru, &op));
    op->gru = (dcpg_gru){.t = op->from.t,
                         .c = op->from.c,
                         .u = layer->units,
                         .sequences = layer->sequences,
                         .reset_after = layer->reset_after,
                         .recurrent_activation = layer->recurrent_activation};
    return DCPG_OK;
}

static dcpg_status lower_join(lowering *l, int index, const dcpg_op_kind *kind) {
    const dcpg_glayer *layer = &l->layer[index];
    bool packed = l->plan->fuse && layer->kind == DCPG_CONCAT && layer->nb_source == 2 &&
                  is_input(l, layer->source[0], "cpg/state") && is_input(l, layer->source[1], "cpg/dist");
    if (packed) {
        l->plan->value_of[index] = cpg_rows(l);
        return DCPG_OK;
    }
    int *in = dcpg_alloc((size_t)layer->nb_source, sizeof *in);
    if (!in) return dcpg_fail_nomem(l->err, "sources", sizeof *in);
    dcpg_status status = DCPG_OK;
    for (int i = 0; i < layer->nb_source && status == DCPG_OK; i++)
        status = value_of(l, layer->source[i], &in[i]);
    dcpg_op *op = NULL;
    if (status == DCPG_OK)
        status = new_op(l, kind, index,
                        &(edges){layer->nb_source, in, l->layer[layer->source[0]].out, layer->out}, &op);
    if (op) l->plan->value_of[index] = op->out;
    dcpg_free(in);
    return status;
}

static dcpg_status lower_view(lowering *l, int index) {
    return value_of(l, l->layer[index].source[0], &l->plan->value_of[index]);
}

/* ---- heads ---- */

/* The output layer of a dense layer that is a head: itself, or the activation after it; -1: not a head. */
static int head_output(const lowering *l, int index) {
    const dcpg_glayer *layer = &l->layer[index];
    if (!l->plan->fuse || layer->kind != DCPG_DENSE || layer->out.t > 0 || !layer->bias || l->done[index])
        return -1;
    if (l->output[index] && l->nb_use[index] == 0) return index;
    int next = layer->activation == DCPG_LINEAR ? follower(l, index, DCPG_ACTIVATION) : -1;
    return next >= 0 && l->output[next] && l->nb_use[next] == 0 ? next : -1;
}

/* One operation for all heads on the source of head `first`. */
static dcpg_status lower_heads(lowering *l, int first) {
    int source = l->layer[first].source[0], in;
    DCPG_TRY(value_of(l, source, &in));
    dcpg_op *op;
    DCPG_TRY(
        new_op(l, &dcpg_op_heads, first, &(edges){1, &in, l->layer[source].out, l->layer[first].out}, &op));
    op->head = dcpg_alloc((size_t)l->plan->graph->nb_output, sizeof *op->head);
    if (!op->head) return dcpg_fail_nomem(l->err, "heads", sizeof *op->head);
    op->to.c = 0;
    for (int i = first; i < l->plan->graph->nb_layer; i++) {
        int output = l->plan->needed[i] ? head_output(l, i) : -1;
        if (output < 0 || l->layer[i].source[0] != source) continue;
        l->done[i] = l->done[output] = true;
        op->head[op->nb_head++] =
            (dcpg_head){i, output, op->to.c, l->layer[i].units, l->layer[output].activation};
        op->to.c += l->layer[i].units;
        l->plan->value_of[output] = op->out;
    }
    l->plan->value[op->out].size = op->to.c;
    return DCPG_OK;
}

static dcpg_status lower_layer(lowering *l, int index) {
    const dcpg_glayer *layer = &l->layer[index];
    dcpg_op *op;
    if (head_output(l, index) >= 0) return lower_heads(l, index);
    switch (layer->kind) {
    case DCPG_INPUT:
        return DCPG_OK;
    case DCPG_CONV:
        return lower_conv(l, index);
    case DCPG_DENSE:
        return lower_dense(l, index);
    case DCPG_BATCH_NORM:
        return lower_batch_norm(l, index);
    case DCPG_MAX_POOL:
        return lower_max_pool(l, index);
    case DCPG_GRU:
        return lower_gru(l, index);
    case DCPG_MEAN:
        return lower_plain(l, index, &dcpg_op_mean, &op);
    case DCPG_CONCAT:
        return lower_join(l, index, &dcpg_op_concat);
    case DCPG_ADD:
        return lower_join(l, index, &dcpg_op_add);
    case DCPG_FLATTEN:
        return lower_view(l, index);
    case DCPG_DROPOUT:
        if (l->plan->fuse && (layer->rate <= 0 || !l->plan->options.train)) return lower_view(l, index);
        return lower_plain(l, index, &dcpg_op_dropout, &op);
    case DCPG_ACTIVATION:
        if (l->plan->fuse && layer->activation == DCPG_LINEAR) return lower_view(l, index);
        DCPG_TRY(lower_plain(l, index, &dcpg_op_activation, &op));
        op->activation = layer->activation;
        return DCPG_OK;
    }
    assert(!"a layer is of some kind");
    return DCPG_OK;
}

/* ---- outputs ---- */

/* Column of an output in the matrix of its heads; 0 if it is an operation of its own. */
static int64_t column_of(const dcpg_plan *plan, int layer, int writer) {
    if (writer < 0) return 0;
    const dcpg_op *op = &plan->op[writer];
    for (int i = 0; i < op->nb_head; i++)
        if (op->head[i].output == layer) return op->head[i].column;
    return 0;
}

static dcpg_status find_outputs(lowering *l) {
    dcpg_plan *plan = l->plan;
    for (int i = 0; i < plan->graph->nb_output; i++) {
        const dcpg_glayer *layer = &l->layer[plan->graph->output[i]];
        int units = dcpg_output_kind_of(layer->name).units;
        if (layer->out.t > 0 || layer->out.c != units)
            return dcpg_fail(
                l->err, DCPG_E_INPUT,
                "output layer %s: an output of this name has %d value(s), the layer gives %" PRId64
                " x %" PRId64,
                layer->name, units, layer->out.t > 0 ? layer->out.t : 1, layer->out.c);
        int v = plan->value_of[plan->graph->output[i]];
        dcpg_value *value = &plan->value[v];
        bool heads = value->writer >= 0 && plan->op[value->writer].nb_head > 0;
        if (value->writer < 0 || (value->output && !heads))
            return dcpg_fail(l->err, DCPG_E_INPUT, "output layer %s: it is an input or another output",
                             layer->name);
        value->output = true;
        plan->prediction[i].value = v;
        plan->prediction[i].column = column_of(plan, plan->graph->output[i], value->writer);
        plan->prediction[i].stride = value->size;
    }
    return DCPG_OK;
}

/* ---- the whole graph ---- */

/* Finds the layers on which an output depends (all layers if there is no output), and the readers of each
 * among them. */
static void find_uses(lowering *l) {
    const dcpg_graph *graph = l->plan->graph;
    for (int i = 0; i < graph->nb_output; i++) l->output[graph->output[i]] = true;
    for (int i = graph->nb_layer - 1; i >= 0; i--) {
        bool *needed = &l->plan->needed[i];
        *needed = *needed || l->output[i] || graph->nb_output == 0;
        for (int j = 0; *needed && j < l->layer[i].nb_source; j++) {
            int source = l->layer[i].source[j];
            l->plan->needed[source] = true;
            l->nb_use[source]++;
            l->user[source] = i;
        }
    }
}

/* Finds the operations that have trained weights, and the values whose gradient is needed. */
static void find_graded(dcpg_plan *plan) {
    for (int i = 0; i < plan->nb_op; i++) {
        dcpg_op *op = &plan->op[i];
        dcpg_weight weight[DCPG_MAX_WEIGHTS];
        op->trained = op->layer->trainable && dcpg_graph_weights(plan->graph, op->index, weight) > 0;
        /* A layer's own activation is an operation of that layer too, but has none of its weights. */
        if (op->kind == &dcpg_op_activation) op->trained = false;
        for (int j = 0; j < op->nb_head; j++)
            op->trained = op->trained || plan->graph->layer[op->head[j].dense].trainable;
        bool graded = op->trained;
        for (int j = 0; j < op->nb_in; j++) graded = graded || plan->value[op->in[j]].graded;
        plan->value[op->out].graded = graded && plan->options.train;
    }
}

static dcpg_status lower_all(lowering *l) {
    for (int i = 0; i < l->plan->graph->nb_layer; i++)
        if (l->plan->needed[i] && !l->done[i]) DCPG_TRY(lower_layer(l, i));
    find_graded(l->plan);
    return find_outputs(l);
}

dcpg_status dcpg_plan_lower(dcpg_plan *plan, dcpg_err *err) {
    size_t n = (size_t)plan->graph->nb_layer;
    lowering l = {.plan = plan, .layer = plan->graph->layer, .dna = -1, .cpg = -1, .err = err};
    l.nb_use = dcpg_alloc(n, sizeof *l.nb_use);
    l.user = dcpg_alloc(n, sizeof *l.user);
    l.output = dcpg_alloc(n, sizeof *l.output);
    l.done = dcpg_alloc(n, sizeof *l.done);
    dcpg_status status = DCPG_OK;
    if (!l.nb_use || !l.user || !l.output || !l.done)
        status = dcpg_fail_nomem(err, "a plan", n * sizeof *l.user);
    else
        find_uses(&l);
    if (status == DCPG_OK) status = lower_all(&l);
    dcpg_free(l.nb_use);
    dcpg_free(l.user);
    dcpg_free(l.output);
    dcpg_free(l.done);
    return status;
}
