/* SPDX-License-Identifier: MIT */
/* The graph: a model's layers as users and Keras files see them - names, parameters, trainability - before it
 * is lowered to the operations that run (net.h). Built from a specification (spec.h) or read from a Keras
 * file (keras.h). */
#ifndef DCPG_GRAPH_H
#define DCPG_GRAPH_H

#include <dcpg/api.h>
#include <dcpg/kern.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

typedef enum dcpg_kind {
    DCPG_INPUT, /* named "dna" [wlen][4], "cpg/state" [cells][cpg_wlen], "cpg/dist" likewise */
    DCPG_CONV,  /* units filters of length k */
    DCPG_DENSE, /* on the last axis; time_distributed: Keras wraps it (and its activation) in
                   TimeDistributed(Model) */
    DCPG_ACTIVATION,
    DCPG_MAX_POOL, /* window = stride = k, at most 255 */
    DCPG_BATCH_NORM,
    DCPG_FLATTEN,
    DCPG_MEAN,   /* GlobalAveragePooling1D */
    DCPG_GRU,    /* bidirectional: concat(forward, backward) */
    DCPG_CONCAT, /* along the last axis */
    DCPG_ADD,
    DCPG_DROPOUT
} dcpg_kind;

/* Output of a layer for one sample: [t][c]; a vector has t = 0. */
typedef struct dcpg_extent {
    int64_t t, c;
} dcpg_extent;

typedef struct dcpg_glayer {
    char *name;  /* as in Keras files: "dna/conv1d_1", "cpg/time_distributed_1", output layers carry the
                    output's name */
    char *inner; /* name of the wrapped layer: dense of TimeDistributed ("dense_2"), gru of Bidirectional
                    ("gru_1"); else NULL */
    dcpg_kind kind;
    int nb_source;
    int *source; /* [nb_source] layers before this one */
    dcpg_extent out;

    int64_t units; /* filters, dense units, GRU units (per direction) */
    int64_t k, stride, dilation;
    bool same; /* padding 'same' */
    bool bias;
    dcpg_activation
        activation; /* of an ACTIVATION layer, and inside DENSE (heads, time-distributed) and CONV */
    dcpg_activation recurrent_activation; /* GRU */
    bool bidirectional, sequences, reset_after, time_distributed;
    float rate;              /* DROPOUT */
    float momentum, epsilon; /* BATCH_NORM */
    float l1,
        l2; /* regularisation of the kernel(s), 0: none. Of a GRU: the input kernels of both directions */
    bool trainable;
} dcpg_glayer;

typedef struct dcpg_graph {
    int nb_layer, capacity;
    dcpg_glayer *layer; /* in topological order */
    int nb_output;
    int *output;               /* [nb_output] head layers; their order is that of the outputs */
    int64_t dna_wlen;          /* 0: no DNA input */
    int64_t cpg_wlen, nb_cell; /* 0: no CpG input */
    dcpg_strings
        cells; /* [nb_cell] names of the cells whose neighbours it reads, in order; empty if unknown */
    dcpg_strings untrained; /* names of outputs whose heads were never trained, for want of labels; unknown
                               ones are not listed */
    char *name;
} dcpg_graph;

/* An empty graph, NULL when out of memory; set dna_wlen, cpg_wlen and nb_cell before inputs are added. Free
 * with dcpg_graph_free. */
DCPG_API dcpg_graph *dcpg_graph_new(void);
DCPG_API void dcpg_graph_free(dcpg_graph *graph);

/* A layer with Keras's defaults: bias, stride 1, dilation 1, linear, hard sigmoid, BN 0.99 and 1e-3,
 * trainable; all else 0. Pure. */
DCPG_API dcpg_glayer dcpg_glayer_default(void);

/* Frees what a layer owns: its names and sources. */
DCPG_API void dcpg_glayer_free(dcpg_glayer *layer);

/* "relu", "scaled_sigmoid" ...: Keras's name. Pure. */
DCPG_API const char *dcpg_activation_name(dcpg_activation activation);

/* What dcpg_graph_add appends. */
typedef struct dcpg_new_layer {
    dcpg_kind kind;
    const char *name;        /* copied */
    int nb_source;           /* layers on top of which it stands */
    const int *source;       /* [nb_source] their numbers */
    const dcpg_glayer *like; /* its field values (NULL: defaults); its name and sources are ignored, its inner
                                name is copied, stride and dilation 0 mean 1 */
} dcpg_new_layer;

/* Appends a layer and computes its output extent. `*index` receives its number. DCPG_E_INPUT if the sources
 * do not fit; the message names the layer. Local. */
DCPG_API dcpg_status dcpg_graph_add(dcpg_graph *graph, const dcpg_new_layer *layer, int *index,
                                    dcpg_err *err);

/* Declares layer `index` an output head. */
DCPG_API dcpg_status dcpg_graph_add_output(dcpg_graph *graph, int index, dcpg_err *err);

/* Sorts the layers into the order in which Keras lists them: by distance from the outputs, then by first
 * visit from them. Weight files list layers in this order. Local. */
DCPG_API dcpg_status dcpg_graph_order(dcpg_graph *graph, dcpg_err *err);

DCPG_API int dcpg_graph_find(const dcpg_graph *graph, const char *name); /* index or -1 */

/* One weight array of a layer, as files hold it and nets train it. Convs [k][in][out], dense [in][out], GRU
 * [in][3u], [u][3u], [3u] (or [2][3u]), BN [c] each. */
typedef struct dcpg_weight {
    const char *name; /* "kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance",
                         "recurrent_kernel"; of a bidirectional GRU "forward/kernel", "backward/bias" ... */
    int ndim;
    int64_t shape[3];
    bool state;     /* moving statistics: saved, not trained */
    bool penalised; /* l1, l2 apply */
} dcpg_weight;
enum { DCPG_MAX_WEIGHTS = 6 };

/* The weights of a layer in Keras's order; returns their number. Pure. */
DCPG_API int dcpg_graph_weights(const dcpg_graph *graph, int layer, dcpg_weight weight[DCPG_MAX_WEIGHTS]);

/* Number of values of a weight. */
DCPG_API int64_t dcpg_weight_size(const dcpg_weight *weight);

DCPG_END_C

#endif
