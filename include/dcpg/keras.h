/* Keras model files: a graph and its weights as model.json and HDF5, in the layout of Keras 2.2 (docs: semantics in the reference, DeepCpG 1.0.7). Local: one rank reads
 * or writes; dcpg_model_load_all spreads what rank 0 read. */
#ifndef DCPG_KERAS_H
#define DCPG_KERAS_H

#include <dcpg/graph.h>
#include <dcpg/h5.h>
#include <dcpg/log.h>
#include <dcpg/net.h>
#include <dcpg/par.h>
#include <dcpg/status.h>
#include <dcpg/text.h>

/* Weights as files hold them: values by layer and weight name, in our orientation (convs [k][in][out], not flipped). */
typedef struct dcpg_weights {
    int nb;
    struct dcpg_weight_value {
        char *layer;     /* graph layer name */
        char *name;      /* as dcpg_graph_weights names it: "kernel", "forward/bias" ... */
        int ndim;
        int64_t shape[3];
        float *value;
    } *entry;
} dcpg_weights;
void dcpg_weights_free(dcpg_weights *weights);

/* model.json's text of a graph; NULL when out of memory (dcpg_free). */
char *dcpg_keras_json(const dcpg_graph *graph);

/* A graph from model.json's text; `origin` names the file in errors. Layer graphs that cannot run here are an error that names the layer. */
dcpg_status dcpg_keras_parse(const char *json, const char *origin, dcpg_graph **graph, dcpg_err *err);

/* Writes weights: complete false: attributes layer_names, backend, keras_version on the root (save_weights); true: the complete model: the same under /model_weights, and
 * model_config. To a temporary name, renamed at the end. Values come from `net`. */
dcpg_status dcpg_keras_write(const char *path, const dcpg_net *net, bool complete, dcpg_err *err);

/* Reads the weights of either kind of file for `graph`, by layer_names in order. `backend` "theano" or "tensorflow" overrides, for files that do not say (NULL: the file's own, else tensorflow). */
dcpg_status dcpg_keras_read_weights(const char *path, const dcpg_graph *graph, const char *backend, dcpg_weights *weights, dcpg_err *err);

/* Sets the net's parameters; every parameter must be there with its shape. Local. */
dcpg_status dcpg_weights_apply(const dcpg_weights *weights, dcpg_net *net, dcpg_err *err);

/* Loads a model as a user names it: a directory (model.json with model_weights.h5, else model_weights_val.h5, else model_weights_train.h5; without model.json, model.h5), a model.h5, or
 * model.json followed by a weights file. Rank 0 reads, all ranks receive. Collective. */
dcpg_status dcpg_model_load_all(const dcpg_strings *files, const char *backend, const dcpg_par *par, dcpg_log *log, dcpg_graph **graph, dcpg_weights *weights, dcpg_err *err);

#endif
