/* SPDX-License-Identifier: MIT */
/* The plan: what runs. A graph is lowered to operations on values; memory for values, their gradients and
 * what operations keep is carved out of one allocation by lifetimes. */
#ifndef DCPG_NN_PLAN_H
#define DCPG_NN_PLAN_H

#include <dcpg/net.h>

typedef struct dcpg_op dcpg_op;
typedef struct dcpg_net_plan dcpg_plan;
typedef struct dcpg_run dcpg_run;

/* A piece of memory in use from step `first` to step `last`; forward of operation i is step i, its backward
 * step 2 nb_op - i, the losses between them. */
typedef struct dcpg_buffer {
    size_t bytes, offset;
    int first, last;
} dcpg_buffer;

/* Where a value comes from. */
typedef enum dcpg_origin { DCPG_FROM_OP, DCPG_FROM_DNA, DCPG_FROM_CPG } dcpg_origin;

/* What flows between operations: [n][size] floats (DNA: [n][wlen] codes). */
typedef struct dcpg_value {
    dcpg_origin origin;
    int64_t size;   /* floats per sample */
    int writer;     /* operation; -1: input */
    bool output;    /* predictions: stays to the end, and the loss writes its gradient */
    bool graded;    /* some trained weight lies before it: its gradient is wanted */
    int data, grad; /* buffers, -1: none */
} dcpg_value;

/* A kind of operation: one file each (op_*.c). */
typedef struct dcpg_op_kind {
    const char *name;
    /* Fills what the operation needs: scratch, own buffers, keeps_in, keeps_out, macs. */
    dcpg_status (*plan)(dcpg_op *op, dcpg_plan *plan, dcpg_err *err);
    void (*forward)(const dcpg_op *op, const dcpg_run *run);
    /* Sums weight gradients where op->trained, adds to the gradients of graded sources. */
    void (*backward)(const dcpg_op *op, const dcpg_run *run);
} dcpg_op_kind;

/* One head of an operation `heads`: columns of its matrix. */
typedef struct dcpg_head {
    int dense, output; /* layers: the dense one and the one whose values are predicted (the same, or an
                          activation) */
    int64_t column, units;
    dcpg_activation activation;
} dcpg_head;

enum { DCPG_OP_OWN = 2 };

/* Leaves that run at once, and where their gradients go: with one pass into the buffers of the rank's nodes;
 * with several, each a node of the tree, into level `level` of maximal node `of`: level 0 is that node's
 * buffer, the others are spare ones. */
typedef struct dcpg_pass {
    dcpg_node leaves;
    int of, level;
    int first_merge, nb_merge; /* to be done after it */
} dcpg_pass;

/* Level `level` += level + 1. */
typedef struct dcpg_merge {
    int of, level;
} dcpg_merge;

struct dcpg_op {
    const dcpg_op_kind *kind;
    const dcpg_glayer *layer; /* which has its numbers; the first of the layers it stands for */
    int index;                /* of that layer */
    int nb_in, *in;           /* values read */
    bool *adds;           /* [nb_in] its gradient for source i is added to what other operations left there */
    int out;              /* value written */
    dcpg_extent from, to; /* of the first source and of the result; vectors have t = 1 here */
    bool relu;            /* fused */
    int64_t pool;         /* fused or its own: window of max pooling */
    dcpg_activation activation;
    dcpg_conv conv;
    bool bias_cancels; /* of a convolution: batch normalisation is all that reads it */
    dcpg_gru gru;
    int nb_head;
    dcpg_head *head;

    bool trained; /* has weights, and they are learnt */
    int nb_weight;
    size_t at[DCPG_MAX_WEIGHTS]; /* offsets of its weights in params */
    size_t begin, size;          /* its range of gradients */
    size_t padded;               /* the same up to the next operation's */

    bool keeps_in, keeps_out; /* backward reads sources, result */
    bool in_place;            /* may write its result over its first source */
    size_t scratch;           /* bytes for the time of a call */
    int own[DCPG_OP_OWN];     /* buffers from its forward to its backward pass; -1: none */
    int64_t macs;             /* multiply-adds per sample, forward */
    double seconds[2];        /* spent in forward, backward; where profiled */
};

struct dcpg_net_plan {
    const dcpg_graph *graph;
    dcpg_net_options options;
    bool fuse;
    int nb_thread; /* of parallel regions in operations */
    int nb_node;   /* of this rank */
    dcpg_node node[DCPG_MAX_NODES];
    int depth;                       /* most of dcpg_tree_depth over the nodes */
    int nb_pass, nb_merge, nb_spare; /* spare: levels of gradients besides the nodes' */
    dcpg_pass *pass;
    dcpg_merge *merge;
    int nb_op, nb_value, nb_buffer, room_value, room_buffer;
    dcpg_op *op;
    dcpg_value *value;
    dcpg_buffer *buffer;
    int *value_of; /* [nb_layer] value that holds a layer's result, -1: inside an operation or not needed */
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
    float *zero, *sink;    /* [widest] bias of layers without one, and where its gradient goes */
    float *label, *weight; /* [max_rows] of one output */
};

/* One pass over the operations. */
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

/* Lowers `graph`; without `fuse` every layer is an operation of its own (for comparison). No memory for
 * activations yet. Free with dcpg_plan_free. */
dcpg_status dcpg_plan_new(const dcpg_graph *graph, const dcpg_net_options *options, bool fuse,
                          dcpg_plan **plan, dcpg_err *err);
void dcpg_plan_free(dcpg_plan *plan);

/* The parts of it: passes over the leaves (passes.c), operations and values (lower.c), weights (params.c),
 * buffers (buffers.c). */
dcpg_status dcpg_plan_passes(dcpg_plan *plan, dcpg_err *err);
dcpg_status dcpg_plan_lower(dcpg_plan *plan, dcpg_err *err);
dcpg_status dcpg_plan_params(dcpg_plan *plan, dcpg_err *err);
dcpg_status dcpg_plan_buffers(dcpg_plan *plan, dcpg_err *err);

/* Bytes of what operations work on; and allocates it. */
size_t dcpg_plan_bytes(const dcpg_plan *plan);
dcpg_status dcpg_plan_allocate(dcpg_plan *plan, dcpg_err *err);

/* dcpg_net_new with a choice of fusion. */
dcpg_status dcpg_net_new_planned(const dcpg_graph *graph, const dcpg_net_options *options, bool fuse,
                                 dcpg_net **net, dcpg_err *err);

/* Gives `op` an own buffer of `bytes`, from its forward pass to its backward pass when training. */
dcpg_status dcpg_plan_own(dcpg_plan *plan, dcpg_op *op, int which, size_t bytes, dcpg_err *err);

/* ---- running ---- */

void dcpg_run_poll(const dcpg_run *run);

/* Nodes whose sums the run forms, and where the gradients of `op` summed over node i of them go. */
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
/* Gradient of a source, NULL where nobody wants it. */
static inline float *dcpg_run_in_gradient(const dcpg_run *run, const dcpg_op *op, int source) {
    const dcpg_value *value = &run->plan->value[op->in[source]];
    return value->graded ? dcpg_run_buffer(run, value->grad) : NULL;
}
static inline const float *dcpg_run_weight(const dcpg_run *run, const dcpg_op *op, int which) {
    return which < op->nb_weight ? run->net->params + op->at[which] : run->plan->zero;
}
static inline float *dcpg_run_scratch(const dcpg_run *run) { return (float *)(void *)run->plan->scratch; }
/* Where the gradient of weight `which` stands in the gradients `out` of its operation. */
static inline float *dcpg_run_weight_gradient(const dcpg_run *run, const dcpg_op *op, int which, float *out) {
    return which < op->nb_weight ? out + (op->at[which] - op->begin) : run->plan->sink;
}

/* The same for the bias of a convolution. Where batch normalisation takes the bias out again its gradient is
 * 0 whatever the data: it is set so here, and NULL returned. Rounding would leave noise, of which Adam makes
 * steps. */
float *dcpg_run_bias_gradient(const dcpg_run *run, const dcpg_op *op, float *out);

/* Weight gradients of rows first .. end-1 (one leaf, at least one row) into out[op->size], laid out as the
 * operation's weights. */
typedef void dcpg_leaf_gradient(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t end,
                                float *out, float *scratch);

/* Sums the leaves' gradients over the tree into every node's buffer and hands the range to the reducer. The
 * tree's scratch is the first dcpg_sum_scratch floats of the operation's scratch; leaf functions get what is
 * behind. */
void dcpg_sum_gradients(const dcpg_op *op, const dcpg_run *run, dcpg_leaf_gradient *leaf);
size_t dcpg_sum_scratch(const dcpg_plan *plan, const dcpg_op *op);

/* The sum over the tree in the precision of this run. */
typedef void dcpg_tree_sum_fn(dcpg_node node, size_t count, dcpg_leaf_fn *leaf, void *context, float *out,
                              float *scratch);
dcpg_tree_sum_fn *dcpg_run_tree_sum(const dcpg_run *run);

/* Rows of leaf `leaf` (a number over all ranks) in this rank's share. */
void dcpg_run_leaf(const dcpg_run *run, int leaf, int64_t *first, int64_t *end);

/* Hands the operation's range of gradients to the reducer. */
void dcpg_run_start(const dcpg_op *op, const dcpg_run *run);

/* Closes the ReLU of an operation: its result's gradient becomes that before the ReLU. Does nothing where it
 * has none. */
void dcpg_run_close_relu(const dcpg_op *op, const dcpg_run *run);

/* ---- the operations ---- */
extern const dcpg_op_kind dcpg_op_onehot, dcpg_op_columns, dcpg_op_conv, dcpg_op_conv_pool, dcpg_op_conv_dna,
    dcpg_op_conv_dna_pool, dcpg_op_dense, dcpg_op_heads, dcpg_op_activation, dcpg_op_max_pool, dcpg_op_mean,
    dcpg_op_batch_norm, dcpg_op_gru, dcpg_op_concat, dcpg_op_add, dcpg_op_dropout;

/* All of them; ends with NULL. */
extern const dcpg_op_kind *const dcpg_op_kinds[];

#endif
