/* SPDX-License-Identifier: MIT */
/* Keras model files: a graph and its weights as model.json and HDF5, written in the layout of Keras 2.2 (what
 * DeepCpG 1.0.7 leaves behind), read in that of Keras 1, 2 and 3. Local: one rank reads or writes;
 * dcpg_model_load_all spreads what rank 0 read. */
#ifndef DCPG_KERAS_H
#define DCPG_KERAS_H

#include <dcpg/api.h>
#include <dcpg/graph.h>
#include <dcpg/log.h>
#include <dcpg/net.h>
#include <dcpg/par.h>
#include <dcpg/status.h>
#include <dcpg/text.h>

DCPG_BEGIN_C

/* Weights apart from a net: values by layer and weight name, in our orientation (convs [k][in][out], not
 * flipped). */
typedef struct dcpg_weights {
    int nb;
    struct dcpg_weight_value {
        char *layer; /* graph layer name */
        char *name;  /* as dcpg_graph_weights names it: "kernel", "forward/bias" ... */
        int ndim;
        int64_t shape[3];
        float *value;
    } * entry;
} dcpg_weights;
DCPG_API void dcpg_weights_free(dcpg_weights *weights);

/* An entry, zero, for every weight of `graph`, in the graph's order. Local. */
DCPG_API dcpg_status dcpg_weights_new(const dcpg_graph *graph, dcpg_weights *weights, dcpg_err *err);

/* The entry of a layer's weight, or NULL. */
DCPG_API struct dcpg_weight_value *dcpg_weights_find(const dcpg_weights *weights, const char *layer,
                                                     const char *name);

/* The parameters of a net, and back: every parameter must be among the weights with its shape, otherwise
 * DCPG_E_INPUT names it; more weights than the net has are fine. Local. */
DCPG_API dcpg_status dcpg_weights_of_net(const dcpg_net *net, dcpg_weights *weights, dcpg_err *err);
DCPG_API dcpg_status dcpg_weights_apply(const dcpg_weights *weights, dcpg_net *net, dcpg_err *err);

/* The weights that a net of this graph starts training from scratch with. Local. */
DCPG_API dcpg_status dcpg_weights_init(const dcpg_graph *graph, uint64_t seed, dcpg_weights *weights,
                                       dcpg_err *err);

/* Overwrites the entries that `from` has, too; DCPG_E_INPUT where their shapes differ. Local. */
DCPG_API dcpg_status dcpg_weights_take(dcpg_weights *weights, const dcpg_weights *from, dcpg_err *err);

/* Makes a loaded model a part of another one: cuts its heads off (surgery.h) and, unless `prefix` is NULL,
 * renames its layers as DeepCpG 1.0.7 does: "NAME" becomes "PREFIX/NAME", inputs and names that start so
 * already stay; a name that is taken then gets a number. The weights follow. Local. */
DCPG_API dcpg_status dcpg_model_to_part(dcpg_graph *graph, dcpg_weights *weights, const char *prefix,
                                        dcpg_err *err);

/* Sets the filters of the graph's first convolution among its `weights` from an HDF5 file: file[0], and in it
 * the group file[1] (the root where there is none), which holds the array "weights" as
 * [length][1][4][filters], [length][4][filters], or [filters][4][length][1], and may hold "bias" [filters].
 * As in DeepCpG 1.0.7: more filters than the model has are left out, where there are fewer the others stay;
 * longer ones lose their ends, shorter ones are padded with random numbers from 0 to 0.01. Rank 0 reads.
 * DCPG_E_INPUT, DCPG_E_USAGE where the model has no convolution over DNA. Collective. */
DCPG_API dcpg_status dcpg_filter_weights_all(const dcpg_strings *file, const dcpg_graph *graph, uint64_t seed,
                                             const dcpg_par *par, dcpg_log *log, dcpg_weights *weights,
                                             dcpg_err *err);

/* model.json's text of a graph; NULL when out of memory (dcpg_free). A function of the graph alone. */
DCPG_API char *dcpg_keras_json(const dcpg_graph *graph);

/* A graph from model.json's text, also where it is JSON within a JSON string; `origin` names the file in
 * errors. Models inside models are inlined: their layers are called MODEL/LAYER. An input of the time of
 * Keras 1, "cpg/state/CELL--CELL...", becomes "cpg/state" and keeps the cells' names as its inner name
 * (dcpg_keras_cells). DCPG_E_INPUT: not JSON (line and column), or a layer graph that cannot run here, naming
 * the layer. */
DCPG_API dcpg_status dcpg_keras_parse(const char *json, const char *origin, dcpg_graph **graph,
                                      dcpg_err *err);

/* Adds the names of the cells whose neighbours a model reads, in order, where its files say: graph->cells, or
 * what files of the time of Keras 1 tell; otherwise none. Local. */
DCPG_API dcpg_status dcpg_keras_cells(const dcpg_graph *graph, dcpg_strings *cells, dcpg_err *err);

/* What a model directory says of the data that the model was made for: JSON with "cells" (graph->cells),
 * "outputs", "dna_wlen" and "cpg_wlen"; NULL when out of memory (dcpg_free). */
#define DCPG_MODEL_DATA "model_data.json"
DCPG_API char *dcpg_keras_data_json(const dcpg_graph *graph);

/* Writes weights: complete false: attributes layer_names, backend, keras_version on the root (save_weights);
 * true: the complete model: the same under /model_weights, and model_config. Either way the root has the
 * attributes dcpg_cells (where they are known) and dcpg_outputs, too, which Keras does not look at. To a
 * temporary name, renamed at the end. dcpg_keras_write takes the values from `net`. */
DCPG_API dcpg_status dcpg_keras_write(const char *path, const dcpg_net *net, bool complete, dcpg_err *err);
DCPG_API dcpg_status dcpg_keras_write_weights(const char *path, const dcpg_graph *graph,
                                              const dcpg_weights *weights, bool complete, dcpg_err *err);

/* Reads the weights of either kind of file for `graph`, by layer_names; or a NAME.weights.h5 of Keras 3.
 * `backend` "theano" or "tensorflow" is for files that do not say which one wrote them (Theano's convolution
 * kernels are flipped); NULL: theano for files of Keras 1, as the published models are, else tensorflow.
 * DCPG_E_INPUT: not such a file, a weight that is missing, left over or of another shape. */
DCPG_API dcpg_status dcpg_keras_read_weights(const char *path, const dcpg_graph *graph, const char *backend,
                                             dcpg_weights *weights, dcpg_err *err);

/* Loads a model as a user names it: a directory (model.json with model_weights.h5, else model_weights_val.h5,
 * else model_weights_train.h5, else model.h5; without model.json, model.h5), a model.h5, or model.json
 * followed by a weights file. The cells come with the weights, or from DCPG_MODEL_DATA beside model.json.
 * Rank 0 reads, all ranks receive. Collective. */
DCPG_API dcpg_status dcpg_model_load_all(const dcpg_strings *files, const char *backend, const dcpg_par *par,
                                         dcpg_log *log, dcpg_graph **graph, dcpg_weights *weights,
                                         dcpg_err *err);

/* The layers of such a model; also of a model.json alone, `*weights` is false then. Collective. */
DCPG_API dcpg_status dcpg_model_describe_all(const dcpg_strings *files, const char *backend,
                                             const dcpg_par *par, dcpg_graph **graph, bool *weights,
                                             dcpg_err *err);

DCPG_END_C

#endif
