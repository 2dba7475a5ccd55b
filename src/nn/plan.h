/* SPDX-License-Identifier: MIT */
/* The plan of a network. A graph is lowered to operations on values; memory for values, their gradients and
 * whatever else operations keep is carved out of one allocation by lifetimes. */
#ifndef DCPG_NN_PLAN_H
#define DCPG_NN_PLAN_H

#include <dcpg/net.h>

typedef struct dcpg_op dcpg_op;
typedef struct dcpg_net_plan dcpg_plan;
typedef struct dcpg_run dcpg_run;

/* A piece of memory in use from step `first` to step `last`. The forward pass of operation i is step i, its
 * backward pass step 2 nb_op - i, and the losses step nb_op, between them. */
typedef struct dcpg_buffer {
    size_t bytes, offset;
    int first, last;
} dcpg_buffer;

/* Origin of a value. */
typedef enum dcpg_origin { DCPG_FROM_OP, DCPG_FROM_DNA, DCPG_FROM_CPG } dcpg_origin;

/* A value that flows between operations: [n][size] floats (DNA: [n][wlen] codes). */
typedef struct dcpg_value {
    dcpg_origin origin;
    int64_t size;   /* floats per sample */
    int writer;     /* operation; -1: input */
    bool output;    /* predictions: kept to the end, and the loss writes their gradient */
    bool graded;    /* depends on trained weights, so its gradient is needed */
    int data, grad; /* buffers, -1: none */
} dcpg_value;

/* A kind of operation, each in a file of its own (op_*.c). */
typedef struct dcpg_op_kind {
    const char *name;
    /* Fills in the operation's needs: scratch, own buffers, keeps_in, keeps_out, in_place, macs. */
    dcpg_status (*plan)(dcpg_op *op, dcpg_plan *plan, dcpg_err *err);
    void (*forward)(const dcpg_op *op, const dcpg_run *run);
    /* Sums weight gradients if op->trained, and writes or adds to (op->adds) the gradients of graded
     * sources. */
    void (*backward)(const dcpg_op *op, const dcpg_run *run);
} dcpg_op_kind;

/* One head of an operation `heads`: a range of columns in its matrix. */
typedef struct dcpg_head {
    int dense, output; /* the dense layer, and the layer of the predictions (the same, or an activation) */
    int64_t column, units;
    dcpg_activation activation;
} dcpg_head;

enum { DCPG_OP_OWN = 2 };

/* Leaves that run at once, and the buffer of their gradients. With one pass, these are the buffers of the
 * rank's nodes. With several, each pass is a node of the tree, and its gradients go into level `level` of
 * maximal node `of`: level 0 is that node's buffer, the others are spare buffers. */
typedef struct dcpg_pass {
    dcpg_node leaves;
    int of, level;
    int first_merge, nb_merge; /* merges after this pass */
} dcpg_pass;

/* Adds level + 1 to level `level`. */
typedef struct dcpg_merge {
    int of, level;
} dcpg_merge;

struct dcpg_op {
    const dcpg_op_kind *kind;
    const dcpg_glayer *layer; /* the first of its layers, which has the sizes */
    int index;                /* of that layer */
    int nb_in, *in;           /* values read */
    bool *adds;               /* [nb_in] its gradient for source i is added to those of other operations */
    int out;                  /* value written */
    dcpg_extent from, to;     /* of the first source, and of the result; a vector has t = 1 here */
    bool relu;                /* a ReLU is fused into it */
    int64_t pool;             /* window of max pooling, fused or its own */
    dcpg_activation activation;
    dcpg_conv conv;
    bool bias_cancels; /* a convolution whose only reader is batch normalisation */
    dcpg_gru gru;
    int nb_head;
    dcpg_head *head;

    bool trained; /* has weights, of which some are trained */
    int nb_weight;
    size_t at[DCPG_MAX_WEIGHTS]; /* offsets of its weights in params */
    size_t begin, size;          /* its range of gradients */
    size_t padded;               /* the same, up to the next operation's range */

    bool keeps_in, keeps_out; /* backward reads its sources, its result */
    bool in_place;            /* may write its result over its first source */
    size_t scratch;           /* bytes, needed during a call only */
    int own[DCPG_OP_OWN];     /* buffers kept from its forward to its backward pass; -1: none */
    int64_t macs;             /* multiply-adds per sample, forward */
    int64_t nb_sum;           /* doubles summed over the ranks in each direction (batch norm) */
    double seconds[2];        /* spent in forward and backward, if timed */
};

struct dcpg_net_plan {
    const dcpg_graph *graph;
    dcpg_net_options options;
    bool fuse;
    int nb_thread; /* threads of parallel regions in operations */
    int nb_node;   /* nodes of this rank */
    dcpg_node node[DCPG_MAX_NODES];
    int depth;                       /* largest dcpg_tree_depth of the nodes */
    int nb_pass, nb_merge, nb_spare; /* spare: gradient buffers besides the nodes' own */
    dcpg_pass *pass;
    dcpg_merge *merge;
    int nb_op, nb_value, nb_buffer, value_capacity, buffer_capacity;
    dcpg_op *op;
    dcpg_value *value;
    dcpg_buffer *buffer;
    int *value_of; /* [nb_layer] value of a layer's result; -1: inside an operation, or not needed */
    bool *needed;  /* [nb_layer] some output depends on it */
    struct {
        int value;
        int64_t column, stride;
    } * prediction; /* [nb_output] */
    int64_t widest; /* longest bias of a layer: length of zero and sink */

    size_t nb_trained, nb_value_params;
    int nb_param;
    dcpg_param *param;
    int *first_param; /* [nb_layer] its first entry in param */

    size_t activation_bytes, scratch_bytes;
    char *memory; /* ONE allocation: activations, then the arrays below */
    char *scratch;
    float *zero, *sink;    /* [widest] bias of layers without one, and the gradient of such a bias */
    float *label, *weight; /* [max_rows], of one output at a time */
};

/* One forward or backward pass over the operations. */
struct dcpg_run {
    dcpg_net *net;
    const dcpg_plan *plan;
    const dcpg_input *input;
    const dcpg_reducer *reducer;
    const dcpg_pass *pass;
    int64_t n;
    bool training;
};

/* ---- planning ---- */

/* Lowers `graph`; without `fuse` every layer is an operation of its own (for comparison). Does not allocate
 * activations yet (dcpg_plan_allocate). Free with dcpg_plan_free. */
dcpg_status dcpg_plan_new(const dcpg_graph *graph, const dcpg_net_options *options, bool fuse,
                          dcpg_plan **plan, dcpg_err *err);
void dcpg_plan_free(dcpg_plan *plan);

/* The steps of dcpg_plan_new: passes over the leaves (passes.c), operations and values (lower.c), weights
 * (params.c), buffers (buffers.c). */
dcpg_status dcpg_plan_passes(dcpg_plan *plan, dcpg_err *err);
dcpg_status dcpg_plan_lower(dcpg_plan *plan, dcpg_err *err);
dcpg_status dcpg_plan_params(dcpg_plan *plan, dcpg_err *err);
dcpg_status dcpg_plan_buffers(dcpg_plan *plan, dcpg_err *err);

/* Bytes of the memory in which operations work; and its allocation. */
size_t dcpg_plan_bytes(const dcpg_plan *plan);
dcpg_status dcpg_plan_allocate(dcpg_plan *plan, dcpg_err *err);

/* dcpg_net_new with a choice of fusion. */
dcpg_status dcpg_net_new_planned(const dcpg_graph *graph, const dcpg_net_options *options, bool fuse,
                                 dcpg_net **net, dcpg_err *err);

/* Gives `op` an own buffer of `bytes`, which when training lives from its forward to its backward pass. */
dcpg_status dcpg_plan_own(dcpg_plan *plan, dcpg_op *op, int which, size_t bytes, dcpg_err *err);

/* ---- running ---- */

void dcpg_run_poll(const dcpg_run *run);

/* The nodes whose sums the run computes (returns their number), and the buffer for gradients of `op` summed
 * over the i-th of them. */
int dcpg_run_nodes(const dcpg_run *run, const dcpg_node **nodes);
float *dcpg_run_node_gradient(const dcpg_run *run, const dcpg_op *op, int i);

static inline void *dcpg_run_buffer(const dcpg_run *run, int buffer) {
    return buffer < 0 ? NULL : run->plan->memory + run->plan->buffer[buffer].offset;
}
static inline void *dcpg_run_own(const dcpg_run *run, const dcpg_op *op, int which) {
    return dcpg_run_buffer(run, op->own[which]);
}
static inline const float *dcpg_run_in(const dcpg_run *run, const dcpg_op *op, int source) {
    const dcpg_value *value = &run->plan->value[op->in[source]];
    return value->origin == DCPG_FROM_CPG ? run->input->cpg : dcpg_run_buffer(run, value->data);
}
static inline float *dcpg_run_out(const dcpg_run *run, const dcpg_op *op) {
    return dcpg_run_buffer(run, run->plan->value[op->out].data);
}
static inline float *dcpg_run_out_gradient(const dcpg_run *run, const dcpg_op *op) {
    return dcpg_run_buffer(run, run->plan->value[op->out].grad);
}
/* Gradient of a source; NULL if it is not needed. */
static inline float *dcpg_run_in_gradient(const dcpg_run *run, const dcpg_op *op, int source) {
    const dcpg_value *value = &run->plan->value[op->in[source]];
    return value->graded ? dcpg_run_buffer(run, value->grad) : NULL;
}
static inline const float *dcpg_run_weight(const dcpg_run *run, const dcpg_op *op, int which) {
    return which < op->nb_weight ? run->net->params + op->at[which] : run->plan->zero;
}
static inline float *dcpg_run_scratch(const dcpg_run *run) { return (float *)(void *)run->plan->scratch; }
/* The gradient of weight `which` within `out`, the gradients of its operation. */
static inline float *dcpg_run_weight_gradient(const dcpg_run *run, const dcpg_op *op, int which, float *out) {
    return which < op->nb_weight ? out + (op->at[which] - op->begin) : run->plan->sink;
}

/* The same for the bias of a convolution. If batch normalisation follows, which cancels the bias, the
 * gradient is 0 for any data: it is set to 0 here, and NULL returned. Rounding would leave noise that Adam
 * turns into steps. */
float *dcpg_run_bias_gradient(const dcpg_run *run, const dcpg_op *op, float *out);

/* Weight gradients of rows first .. end-1 (one leaf, at least one row) into out[op->size], laid out like the
 * operation's weights. */
typedef void dcpg_leaf_gradient(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t end,
                                float *out, float *scratch);

/* Sums the leaves' gradients over the tree into every node's buffer and hands the range to the reducer. The
 * tree uses the first dcpg_sum_scratch floats of the operation's scratch; leaf functions get the rest. */
void dcpg_sum_gradients(const dcpg_op *op, const dcpg_run *run, dcpg_leaf_gradient *leaf);
size_t dcpg_sum_scratch(const dcpg_plan *plan, const dcpg_op *op);

/* The sum over the tree in the precision of this run. */
typedef void dcpg_tree_sum_fn(dcpg_node node, size_t count, dcpg_leaf_fn *leaf, void *context, float *out,
                              float *scratch);
dcpg_tree_sum_fn *dcpg_run_tree_sum(const dcpg_run *run);

/* Rows of leaf `leaf` (numbered over all ranks) among the rows of this run. */
void dcpg_run_leaf(const dcpg_run *run, int leaf, int64_t *first, int64_t *end);

/* Hands the operation's range of gradients to the reducer, after the merges of this pass and if it is the
 * last pass. */
void dcpg_run_start(const dcpg_op *op, const dcpg_run *run);

/* Turns the gradient of a fused ReLU's output into that of its input, in place. Does nothing without a
 * ReLU. */
void dcpg_run_close_relu(const dcpg_op *op, const dcpg_run *run);

/* ---- the operations ---- */
extern const dcpg_op_kind dcpg_op_onehot, dcpg_op_columns, dcpg_op_conv, dcpg_op_conv_pool, dcpg_op_conv_dna,
    dcpg_op_conv_dna_pool, dcpg_op_dense, dcpg_op_heads, dcpg_op_activation, dcpg_op_max_pool, dcpg_op_mean,
    dcpg_op_batch_norm, dcpg_op_gru, dcpg_op_concat, dcpg_op_add, dcpg_op_dropout;

/* All of them, ended by NULL. */
extern const dcpg_op_kind *const dcpg_op_kinds[];

#endif
