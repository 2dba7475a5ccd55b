/* SPDX-License-Identifier: MIT */
/* Writes weights as save_weights and save of Keras 2.2 do. */
#include "keras/keras_file.h"
#include "keras/keras_names.h"

#include <dcpg/h5.h>
#include <dcpg/keras.h>
#include <dcpg/memory.h>

#include <string.h>

typedef struct writer {
    dcpg_h5 *file;
    const char *root; /* "" or "/model_weights" */
    const dcpg_graph *graph;
    const dcpg_weights *weights;
    int next; /* index of the weight that should come next */
    dcpg_err *err;
} writer;

static dcpg_status no_memory(writer *w) { return dcpg_fail_nomem(w->err, "names in a Keras file", 256); }

static bool is_output(const dcpg_graph *graph, int layer) {
    for (int i = 0; i < graph->nb_output; i++)
        if (graph->output[i] == layer) return true;
    return false;
}

/* Prefix of the names of a layer's weights. DeepCpG names a part's layers "dna/..." and "cpg/..." after their
 * weights are made, but outputs and joint layers before. */
static char *weight_scope(const dcpg_graph *graph, int index) {
    const dcpg_glayer *layer = &graph->layer[index];
    if (layer->time_distributed) return dcpg_strdup(keras_inner_name(layer));
    bool part = strncmp(layer->name, "dna/", 4) == 0 || strncmp(layer->name, "cpg/", 4) == 0;
    return dcpg_strdup(layer->name + (part && !is_output(graph, index) ? 4 : 0));
}

/* "conv1d_1/kernel:0", "bidirectional_1/forward_gru_1/bias:0" */
static char *weight_name(const dcpg_glayer *layer, const char *scope, const char *weight) {
    const char *slash = strchr(weight, '/');
    if (!slash) return dcpg_format("%s/%s:0", scope, weight);
    return dcpg_format("%s/%.*s_%s%s:0", scope, (int)(slash - weight), weight, keras_inner_name(layer),
                       slash);
}

static dcpg_status add_name(writer *w, int layer, const char *scope, const char *weight,
                            dcpg_strings *names) {
    char *name = weight_name(&w->graph->layer[layer], scope, weight);
    dcpg_status status = name ? dcpg_strings_add(names, name, w->err) : no_memory(w);
    dcpg_free(name);
    return status;
}

static dcpg_status write_array(writer *w, const char *group, const char *name,
                               const struct dcpg_weight_value *entry) {
    dcpg_h5_shape shape = {.type = DCPG_H5_F32, .ndim = entry->ndim};
    for (int d = 0; d < entry->ndim; d++) shape.dim[d] = entry->shape[d];
    char *path = dcpg_format("%s/%s", group, name);
    dcpg_status status = path ? dcpg_h5_make(w->file, path, &shape, w->err) : no_memory(w);
    if (status == DCPG_OK) status = dcpg_h5_write(w->file, path, DCPG_H5_F32, NULL, entry->value, w->err);
    dcpg_free(path);
    return status;
}

static dcpg_status write_arrays(writer *w, int layer, const char *scope, const char *group,
                                dcpg_strings *names) {
    dcpg_weight weight[DCPG_MAX_WEIGHTS];
    const char *name = w->graph->layer[layer].name;
    int nb = dcpg_graph_weights(w->graph, layer, weight);
    for (int i = 0; i < nb; i++) DCPG_TRY(add_name(w, layer, scope, weight[i].name, names));
    DCPG_TRY(dcpg_h5_make_group(w->file, group, w->err));
    DCPG_TRY(dcpg_h5_write_attr_strings(w->file, group, "weight_names", names, w->err));
    for (int i = 0; i < nb; i++) {
        const struct dcpg_weight_value *entry =
            dcpg_keras_find_from(w->weights, w->next, name, weight[i].name);
        if (!entry)
            return dcpg_fail(w->err, DCPG_E_INPUT, "%s: there is no %s of layer %s to write",
                             dcpg_h5_path(w->file), weight[i].name, name);
        w->next = (int)(entry - w->weights->entry) + 1;
        DCPG_TRY(write_array(w, group, names->v[i], entry));
    }
    return DCPG_OK;
}

static dcpg_status write_layer(writer *w, int layer) {
    dcpg_strings names = {0};
    char *group = dcpg_format("%s/%s", w->root, w->graph->layer[layer].name),
         *scope = weight_scope(w->graph, layer);
    dcpg_status status = group && scope ? write_arrays(w, layer, scope, group, &names) : no_memory(w);
    dcpg_strings_free(&names);
    dcpg_free(scope);
    dcpg_free(group);
    return status;
}

static dcpg_status write_attributes(writer *w, const char *group) {
    DCPG_TRY(dcpg_h5_write_attr_string(w->file, group, "backend", KERAS_BACKEND, w->err));
    return dcpg_h5_write_attr_string(w->file, group, "keras_version", KERAS_VERSION, w->err);
}

static dcpg_status write_weights(writer *w) {
    const char *group = w->root[0] ? w->root : "/";
    dcpg_strings layers = {0};
    dcpg_status status = w->root[0] ? dcpg_h5_make_group(w->file, group, w->err) : DCPG_OK;
    for (int i = 0; i < w->graph->nb_layer && status == DCPG_OK; i++)
        status = dcpg_strings_add(&layers, w->graph->layer[i].name, w->err);
    if (status == DCPG_OK)
        status = dcpg_h5_write_attr_strings(w->file, group, "layer_names", &layers, w->err);
    dcpg_strings_free(&layers);
    if (status == DCPG_OK) status = write_attributes(w, group);
    for (int i = 0; i < w->graph->nb_layer && status == DCPG_OK; i++) status = write_layer(w, i);
    return status;
}

static dcpg_status write_model(writer *w) {
    char *config = dcpg_keras_model_config(w->graph);
    dcpg_status status = config ? write_attributes(w, "/") : no_memory(w);
    if (status == DCPG_OK) status = dcpg_h5_write_attr_string(w->file, "/", "model_config", config, w->err);
    dcpg_free(config);
    return status == DCPG_OK ? write_weights(w) : status;
}

dcpg_status dcpg_keras_write_weights(const char *path, const dcpg_graph *graph, const dcpg_weights *weights,
                                     bool complete, dcpg_err *err) {
    writer w = {.root = complete ? "/model_weights" : "", .graph = graph, .weights = weights, .err = err};
    DCPG_TRY(dcpg_h5_create(path, NULL, &w.file, err));
    dcpg_status status = complete ? write_model(&w) : write_weights(&w);
    if (status == DCPG_OK) status = dcpg_keras_write_data(w.file, graph, err);
    if (status == DCPG_OK) return dcpg_h5_commit(w.file, err);
    dcpg_h5_close(w.file);
    return status;
}

dcpg_status dcpg_keras_write(const char *path, const dcpg_net *net, bool complete, dcpg_err *err) {
    dcpg_weights weights;
    DCPG_TRY(dcpg_weights_of_net(net, &weights, err));
    dcpg_status status = dcpg_keras_write_weights(path, net->graph, &weights, complete, err);
    dcpg_weights_free(&weights);
    return status;
}
