/* SPDX-License-Identifier: MIT */
/* Surgery on graphs: cutting off a model's heads, building on the rest, and choosing the layers to train. */
#ifndef DCPG_SURGERY_H
#define DCPG_SURGERY_H

#include <dcpg/api.h>
#include <dcpg/graph.h>
#include <dcpg/status.h>
#include <dcpg/text.h>

DCPG_BEGIN_C

/* Cuts the heads off a model and drops every layer needed for them only. The rest is a part: a graph without
 * outputs whose last layer is the one below the heads. A head is a dense output layer, or an activation as
 * output layer with a dense layer below it. DCPG_E_INPUT if an output is neither, or if heads are on
 * different layers; the graph is then unchanged. Local. */
DCPG_API dcpg_status dcpg_graph_cut_heads(dcpg_graph *graph, dcpg_err *err);

/* Appends copies of all layers of `part`; its last layer becomes the last one. The windows of its inputs are
 * those of `graph` (dna_wlen, cpg_wlen, nb_cell, to be set before): weights keep their shapes; DCPG_E_INPUT
 * names a layer whose weights would need another shape. Local. */
DCPG_API dcpg_status dcpg_graph_append(dcpg_graph *graph, const dcpg_graph *part, dcpg_err *err);

/* Replaces a graph by the same graph for windows of other sizes; a size of 0 keeps the present one. Errors as
 * in dcpg_graph_append; the graph is then unchanged. Local. */
DCPG_API dcpg_status dcpg_graph_resize(dcpg_graph **graph, int64_t dna_wlen, int64_t cpg_wlen,
                                       int64_t nb_cell, dcpg_err *err);

/* The first convolution over the four channels of DNA, whose kernels are the filters; -1 if there is none.
 * Pure. */
DCPG_API int dcpg_graph_first_conv(const dcpg_graph *graph);

/* Which layers to train, as DeepCpG 1.0.7 understands its options. NULL and empty lists mean that an option
 * was not given; expressions match at the start of a layer's name. */
typedef struct dcpg_trainability {
    bool fine_tune; /* the heads only; train_models is then ignored */
    const dcpg_strings
        *train_models; /* these parts ("dna", "cpg", "joint") and the heads only; trainable is then ignored */
    const dcpg_strings *trainable;     /* expressions of layers to train ... */
    const dcpg_strings *not_trainable; /* ... and of layers not to train, unless `trainable` also matches */
    bool freeze_filter; /* never trains the first convolution; in DeepCpG `trainable` and train_models
                           override it */
} dcpg_trainability;

/* Sets `trainable` of the layers. If no option is given, every layer keeps the setting of its file; otherwise
 * heads are always trained, and a layer that no option names keeps its setting. DCPG_E_USAGE: a part that is
 * unknown or that the model lacks, an invalid expression or one that matches no layer below the heads, no
 * first convolution. Local. */
DCPG_API dcpg_status dcpg_graph_set_trainable(dcpg_graph *graph, const dcpg_trainability *what,
                                              dcpg_err *err);

/* Number of values by their role in training. Pure. */
typedef struct dcpg_value_counts {
    int64_t trained, frozen, moving; /* moving: statistics of batch norm, of frozen layers too */
} dcpg_value_counts;
DCPG_API dcpg_value_counts dcpg_graph_count(const dcpg_graph *graph);

DCPG_END_C

#endif
