/* SPDX-License-Identifier: MIT */
/* The net: a graph lowered to the operations that run, with all its memory. Needs no MPI; sums over ranks go
 * through a reducer. */
#ifndef DCPG_NET_H
#define DCPG_NET_H

#include <dcpg/api.h>
#include <dcpg/graph.h>
#include <dcpg/output.h>
#include <dcpg/reducer.h>
#include <dcpg/slices.h>
#include <dcpg/status.h>
#include <dcpg/tree.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

DCPG_BEGIN_C

/* A parameter array of the net: the directory maps names to offsets, so files never see fusion. */
typedef struct dcpg_param {
    int layer;          /* in the graph */
    dcpg_weight weight; /* name and shape */
    size_t offset;      /* of its first value in net->params (and, where !state, in every node's gradients) */
    size_t size;
    size_t row, stride; /* stored as size / row rows of `row` values, `stride` apart (heads are columns of one
                           matrix); row == stride: contiguous */
    float l1, l2;
    bool trainable; /* false: frozen, or moving statistics (not updated) */
} dcpg_param;

typedef struct dcpg_net_options {
    int64_t max_rows;      /* largest number of samples in one call */
    int total, first, end; /* leaves of the summation tree, and this rank's; 1, 0, 1 for prediction */
    int at_once; /* training: largest number of leaves in one pass; 0: all of this rank's. Does not change any
                    bit of a result, see dcpg_net_pass */
    bool train;  /* keep activations and gradients */
    bool lent_grads; /* training: the caller sets net->grads, to zeroed memory of its own */
    bool bf16_sums;  /* round sums of gradients to bfloat16, at every node of the tree */
    uint64_t seed;   /* dropout keys */
    bool profile;    /* measure the time of every operation, see dcpg_net_times */
} dcpg_net_options;

/* Samples to run on. The caller owns the arrays, which must live until backward is done. */
typedef struct dcpg_input {
    int64_t n;                 /* this rank's samples, ordered by leaf */
    int64_t n_global;          /* samples over all ranks */
    const uint8_t *dna;        /* [n][dna_wlen] codes A0 T1 G2 C3 N4, or NULL */
    const float *cpg;          /* [n][cells][2 * cpg_wlen] states then distances / 25000, or NULL */
    const int64_t *id;         /* [n] global sample numbers (dropout keys); may be NULL for prediction */
    const dcpg_leaves *leaves; /* NULL for prediction */
    uint64_t step;             /* optimiser steps made so far (dropout keys) */
    int pass;                  /* which of net->nb_pass; see dcpg_net_pass */
} dcpg_input;

/* Labels and weights for the loss. The caller owns the arrays. */
typedef struct dcpg_targets {
    const float *label;         /* [n][nb_output]: 0..1 or a class index; -1: missing */
    const float *output_weight; /* [nb_output] */
    const float *class_weight;  /* [nb_output][DCPG_MAX_CLASSES]; NULL: all 1 */
} dcpg_targets;

typedef struct dcpg_net {
    const dcpg_graph *graph; /* not owned */
    dcpg_net_options options;
    size_t nb_trained; /* floats that have gradients: params[0 .. nb_trained) */
    size_t nb_value;   /* floats of params, moving statistics included (at the end) */
    float *params;     /* [nb_value] ONE allocation */
    size_t nb_grads;   /* arrays of nb_trained floats in grads */
    float *grads;      /* [nb_grads][nb_trained] sums over this rank's maximal nodes; after backward and
                          reducer.wait the total is in node 0. Followed by scratch levels */
    int nb_pass;       /* forward, loss and backward passes of a step, each over some of the rank's leaves */
    int nb_node;
    dcpg_node node[DCPG_MAX_NODES];
    int nb_param;
    dcpg_param *param; /* [nb_param] directory in the graph's order */
    int nb_output;
    const char **output;        /* [nb_output] names */
    struct dcpg_net_plan *plan; /* operations and activations: src/nn/plan.h */
} dcpg_net;

/* Plans operations and memory, allocates everything; no later call allocates. `graph` must outlive the net.
 * Free with dcpg_net_free. DCPG_E_INPUT if an output layer's size does not fit its name. Local. */
DCPG_API dcpg_status dcpg_net_new(const dcpg_graph *graph, const dcpg_net_options *options, dcpg_net **net,
                                  dcpg_err *err);
DCPG_API void dcpg_net_free(dcpg_net *net);

/* Sets initial weights as Keras does; each is a function of (seed, layer name, weight name) alone. Local. */
DCPG_API void dcpg_net_init(dcpg_net *net, uint64_t seed);

/* Copies a parameter to or from a plain contiguous array in the file's layout. Local. */
DCPG_API void dcpg_net_get(const dcpg_net *net, const dcpg_param *param, float *values);
DCPG_API void dcpg_net_set(dcpg_net *net, const dcpg_param *param, const float *values);

/* The samples of one pass: a part of the rank's samples. */
typedef struct dcpg_net_samples {
    dcpg_input input;
    dcpg_targets targets;
    dcpg_leaves leaves;
} dcpg_net_samples;

/* Pass `pass` of a step over the samples of `input` and `targets`, which are those of all leaves of this
 * rank. All passes must be made in order, each with forward, loss, backward. Row i of the part is row i +
 * part->leaves.row[0] of the whole. If nb_pass is 1, input and targets can be used directly. Pure. */
DCPG_API void dcpg_net_pass(const dcpg_net *net, int pass, const dcpg_input *input,
                            const dcpg_targets *targets, dcpg_net_samples *part);

/* Forward pass. With `training`: uses batch statistics, summed over ranks by `reducer` (NULL if this net
 * holds all leaves), and dropout, and updates the moving statistics, except those of frozen layers (which
 * Keras 2.2 still normalises by the batch); Collective. Otherwise: uses moving statistics and no dropout;
 * Local, reducer may be NULL. */
DCPG_API void dcpg_net_forward(dcpg_net *net, const dcpg_input *input, bool training,
                               const dcpg_reducer *reducer);

/* Predictions of output o of the last forward pass: sample i, unit j at p[i * stride + j]. */
DCPG_API const float *dcpg_net_prediction(const dcpg_net *net, int output, int64_t *stride);

/* Samples first .. end - 1 of an input. */
typedef struct dcpg_net_rows {
    int64_t first, end;
} dcpg_net_rows;

/* SUM of class weight * loss of samples rows.first .. rows.end - 1 into loss[nb_output] (the caller divides
 * by n_global and multiplies by the output weights), without penalty. with_gradient: prepares backward for
 * these rows (output weights included). Rows are those of one leaf when the sums go through the tree. A
 * missing label (-1) counts with weight 1e-7. Local. */
DCPG_API void dcpg_net_loss(dcpg_net *net, const dcpg_input *input, const dcpg_targets *targets,
                            dcpg_net_rows rows, bool with_gradient, double *loss);

/* Backward pass (once) after forward(training) and loss over all rows; of several passes only the last one
 * hands ranges to the reducer. Layers from last to first; reducer->start for each range of gradients as it
 * becomes ready (whole ranges, in the same order on all ranks), reducer->poll in between. The caller calls
 * reducer->wait. Gradients are those of the loss divided by n_global, without penalty; those of frozen layers
 * are 0 and not reduced. Predictions stay valid. Collective; reducer may be NULL if this net holds all
 * leaves. */
DCPG_API void dcpg_net_backward(dcpg_net *net, const dcpg_input *input, const dcpg_reducer *reducer);

/* Time spent in an operation, which may stand for several layers that run in one pass. */
typedef struct dcpg_op_time {
    const char *kind;         /* "conv_pool", "batch_norm" ... */
    const char *layer;        /* name of its first layer; owned by the net */
    int64_t macs;             /* multiply-adds per sample, forward */
    double forward, backward; /* seconds so far, including waits for other ranks (batch norm) */
    dcpg_range gradients;     /* that its backward pass completes; none: count 0 */
    int64_t nb_sum;           /* doubles summed over all ranks at once, in forward and again in backward */
} dcpg_op_time;

/* The operations in the order in which they run; returns their number; `time` may be NULL. All 0 unless
 * options.profile. Local. */
DCPG_API int dcpg_net_times(const dcpg_net *net, dcpg_op_time *time);

/* Sets the times of all operations to 0. Local. */
DCPG_API void dcpg_net_reset_times(dcpg_net *net);

/* Penalty l1 * sum|w| + l2 * sum w^2 over penalised parameters. Local. */
DCPG_API double dcpg_net_penalty(const dcpg_net *net);

/* Sizes: parameters by kind, multiply-adds and activation bytes per sample of a graph, before any net is
 * made. */
typedef struct dcpg_net_size {
    int64_t trainable, not_trainable; /* values */
    int64_t macs;                     /* multiply-adds per sample, forward */
    int64_t activation_bytes;         /* kept per sample when training */
} dcpg_net_size;
DCPG_API dcpg_status dcpg_net_measure(const dcpg_graph *graph, dcpg_net_size *size, dcpg_err *err);

/* Number of bytes that dcpg_net_new allocates. DCPG_E_USAGE if `options` asks for several passes but batch
 * normalisation needs all samples at once. Local. */
DCPG_API dcpg_status dcpg_net_bytes(const dcpg_graph *graph, const dcpg_net_options *options, size_t *bytes,
                                    dcpg_err *err);

/* Prints layers, output extents and parameters, as `dcpg models NAME` does. Local. */
DCPG_API void dcpg_graph_print(const dcpg_graph *graph, FILE *out);

DCPG_END_C

#endif
