/* SPDX-License-Identifier: MIT */
/* Keras model files: a graph and its weights as model.json and HDF5, written in the layout of Keras 2.2 (that
 * of DeepCpG 1.0.7's files), read in the layouts of Keras 1, 2 and 3. Local: one rank reads or writes; in
 * dcpg_model_load_all rank 0 reads and sends the model to all. */
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

/* Weights without a net: values by layer and weight name, in dcpg's orientation (convs [k][in][out], not
 * flipped). Free with dcpg_weights_free. */
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

/* Makes a zero entry for every weight of `graph`, in the graph's order. Local. */
DCPG_API dcpg_status dcpg_weights_new(const dcpg_graph *graph, dcpg_weights *weights, dcpg_err *err);

/* The entry of a layer's weight, or NULL. Pure. */
DCPG_API struct dcpg_weight_value *dcpg_weights_find(const dcpg_weights *weights, const char *layer,
                                                     const char *name);

/* Copies the parameters of a net to `weights`, and back. On the way back every parameter must be among the
 * weights with its shape, otherwise DCPG_E_INPUT names it; extra weights are ignored. Local. */
DCPG_API dcpg_status dcpg_weights_of_net(const dcpg_net *net, dcpg_weights *weights, dcpg_err *err);
DCPG_API dcpg_status dcpg_weights_apply(const dcpg_weights *weights, dcpg_net *net, dcpg_err *err);

/* The weights from which training a net of this graph from scratch starts, see dcpg_net_init. Local. */
DCPG_API dcpg_status dcpg_weights_init(const dcpg_graph *graph, uint64_t seed, dcpg_weights *weights,
                                       dcpg_err *err);

/* Overwrites the entries that `from` also has with its values; DCPG_E_INPUT if shapes differ. Local. */
DCPG_API dcpg_status dcpg_weights_take(dcpg_weights *weights, const dcpg_weights *from, dcpg_err *err);

/* Prepares a loaded model as a part of another one: cuts off its heads (surgery.h) and, unless `prefix` is
 * NULL, renames its layers as DeepCpG 1.0.7 does: "NAME" becomes "PREFIX/NAME", inputs and names that already
 * start with it stay; a name that is taken gets a number. The weights are renamed likewise. Local. */
DCPG_API dcpg_status dcpg_model_to_part(dcpg_graph *graph, dcpg_weights *weights, const char *prefix,
                                        dcpg_err *err);

/* A graph and its weights, which have no entries where only the graph is known. Free with dcpg_model_free. */
typedef struct dcpg_model {
    dcpg_graph *graph;
    dcpg_weights weights;
} dcpg_model;
DCPG_API void dcpg_model_free(dcpg_model *model);

/* Sets the filters of the model's first convolution among its weights from an HDF5 file: file[0], and in it
 * the group file[1] (the root where there is none), which holds the array "weights" as
 * [length][1][4][filters], [length][4][filters], or [filters][4][length][1], and may hold "bias" [filters].
 * As in DeepCpG 1.0.7: filters beyond the model's number are ignored, and where the file has fewer the
 * model's others stay; longer filters lose their ends, shorter ones are padded with random numbers from 0 to
 * 0.01. Rank 0 reads. DCPG_E_INPUT: the file is wrong; DCPG_E_USAGE: the model has no convolution over DNA.
 * Collective. */
DCPG_API dcpg_status dcpg_filter_weights_all(const dcpg_strings *file, uint64_t seed, const dcpg_par *par,
                                             dcpg_log *log, dcpg_model *model, dcpg_err *err);

/* The text of model.json for a graph; NULL when out of memory (free with dcpg_free). Depends on the graph
 * alone. Local. */
DCPG_API char *dcpg_keras_json(const dcpg_graph *graph);

/* Reads a graph from the text of model.json, which may also be JSON inside a JSON string; `origin` names the
 * file in errors. Models inside models are inlined: their layers are called MODEL/LAYER. An input of the era
 * of Keras 1, "cpg/state/CELL--CELL...", becomes "cpg/state" and keeps the cells' names as its inner name
 * (dcpg_keras_cells). DCPG_E_INPUT: not JSON (with line and column), or a layer graph that cannot run here
 * (with the layer). Local. */
DCPG_API dcpg_status dcpg_keras_parse(const char *json, const char *origin, dcpg_graph **graph,
                                      dcpg_err *err);

/* Appends the names of the cells whose neighbours a model reads, in order, if its files name them:
 * graph->cells, or the input names of files of the era of Keras 1. Local. */
DCPG_API dcpg_status dcpg_keras_cells(const dcpg_graph *graph, dcpg_strings *cells, dcpg_err *err);

/* The file in a model directory that describes the data the model was made for: JSON with "cells"
 * (graph->cells), "outputs", "dna_wlen", "cpg_wlen" and, if not empty, "untrained"; NULL when out of memory
 * (dcpg_free). */
#define DCPG_MODEL_DATA "model_data.json"
DCPG_API char *dcpg_keras_data_json(const dcpg_graph *graph);

/* Writes weights as HDF5. `complete` false: weights alone, with attributes layer_names, backend,
 * keras_version on the root (Keras's save_weights); true: the complete model, with the weights under
 * /model_weights, and model_config. In both the root also has the attributes dcpg_cells (if known),
 * dcpg_outputs and dcpg_untrained (if not empty), which Keras ignores. The file is written under a temporary
 * name and renamed at the end. dcpg_keras_write takes the values from `net`. DCPG_E_IO. Local. */
DCPG_API dcpg_status dcpg_keras_write(const char *path, const dcpg_net *net, bool complete, dcpg_err *err);
DCPG_API dcpg_status dcpg_keras_write_weights(const char *path, const dcpg_graph *graph,
                                              const dcpg_weights *weights, bool complete, dcpg_err *err);

/* Reads the weights for `graph` from either kind of file, by layer_names, or from a NAME.weights.h5 of Keras
 * 3. `backend`, "theano" or "tensorflow", applies to files that do not name theirs (Theano's convolution
 * kernels are flipped); NULL: theano for files of Keras 1, like the published models, else tensorflow.
 * DCPG_E_INPUT: another kind of file, or a weight that is missing, superfluous or of another shape. Local. */
DCPG_API dcpg_status dcpg_keras_read_weights(const char *path, const dcpg_graph *graph, const char *backend,
                                             dcpg_weights *weights, dcpg_err *err);

/* Loads a model as a user names it: a directory (model.json with model_weights.h5, else model_weights_val.h5,
 * else model_weights_train.h5, else model.h5; without model.json, model.h5), a model.h5, or model.json
 * followed by a weights file. The cells' names come with the weights, or from DCPG_MODEL_DATA beside
 * model.json. Rank 0 reads, all ranks receive. Free with dcpg_model_free. Collective. */
DCPG_API dcpg_status dcpg_model_load_all(const dcpg_strings *files, const char *backend, const dcpg_par *par,
                                         dcpg_log *log, dcpg_model *model, dcpg_err *err);

/* Reads the layers of a model named in the same ways, or by model.json alone; `*weights`: whether there are
 * weights. Collective. */
DCPG_API dcpg_status dcpg_model_describe_all(const dcpg_strings *files, const char *backend,
                                             const dcpg_par *par, dcpg_graph **graph, bool *weights,
                                             dcpg_err *err);

DCPG_END_C

#endif
