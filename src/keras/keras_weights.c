/* SPDX-License-Identifier: MIT */
/* Weights outside a net, by layer and name. */
#include "keras/keras_names.h"

#include <dcpg/keras.h>
#include <dcpg/memory.h>

#include <string.h>

void dcpg_weights_free(dcpg_weights *weights) {
    for (int i = 0; i < weights->nb; i++) {
        dcpg_free(weights->entry[i].layer);
        dcpg_free(weights->entry[i].name);
        dcpg_free(weights->entry[i].value);
    }
    dcpg_free(weights->entry);
    *weights = (dcpg_weights){0};
}

static dcpg_status add(dcpg_weights *weights, const char *layer, const dcpg_weight *weight, dcpg_err *err) {
    struct dcpg_weight_value *entry = &weights->entry[weights->nb++];
    size_t size = (size_t)dcpg_weight_size(weight);
    *entry = (struct dcpg_weight_value){.layer = dcpg_strdup(layer),
                                        .name = dcpg_strdup(weight->name),
                                        .ndim = weight->ndim,
                                        .value = dcpg_alloc(size, sizeof(float))};
    memcpy(entry->shape, weight->shape, sizeof entry->shape);
    return entry->layer && entry->name && entry->value
               ? DCPG_OK
               : dcpg_fail_nomem(err, "weights", size * sizeof(float));
}

static dcpg_status add_all(dcpg_weights *weights, const dcpg_graph *graph, dcpg_err *err) {
    dcpg_weight weight[DCPG_MAX_WEIGHTS];
    weights->entry = dcpg_alloc((size_t)graph->nb_layer * DCPG_MAX_WEIGHTS, sizeof *weights->entry);
    if (!weights->entry)
        return dcpg_fail_nomem(err, "weights", (size_t)graph->nb_layer * sizeof *weights->entry);
    for (int i = 0; i < graph->nb_layer; i++) {
        int nb = dcpg_graph_weights(graph, i, weight);
        for (int w = 0; w < nb; w++) DCPG_TRY(add(weights, graph->layer[i].name, &weight[w], err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_weights_new(const dcpg_graph *graph, dcpg_weights *weights, dcpg_err *err) {
    *weights = (dcpg_weights){0};
    dcpg_status status = add_all(weights, graph, err);
    if (status != DCPG_OK) dcpg_weights_free(weights);
    return status;
}

struct dcpg_weight_value *dcpg_keras_find_from(const dcpg_weights *weights, int first, const char *layer,
                                               const char *name) {
    for (int i = 0; i < weights->nb; i++) {
        struct dcpg_weight_value *entry = &weights->entry[(first + i) % weights->nb];
        if (strcmp(entry->layer, layer) == 0 && strcmp(entry->name, name) == 0) return entry;
    }
    return NULL;
}

struct dcpg_weight_value *dcpg_weights_find(const dcpg_weights *weights, const char *layer,
                                            const char *name) {
    return dcpg_keras_find_from(weights, 0, layer, name);
}

dcpg_status dcpg_weights_of_net(const dcpg_net *net, dcpg_weights *weights, dcpg_err *err) {
    DCPG_TRY(dcpg_weights_new(net->graph, weights, err));
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *param = &net->param[i];
        dcpg_net_get(
            net, param,
            dcpg_keras_find_from(weights, i, net->graph->layer[param->layer].name, param->weight.name)
                ->value);
    }
    return DCPG_OK;
}

dcpg_status dcpg_weights_init(const dcpg_graph *graph, uint64_t seed, dcpg_weights *weights, dcpg_err *err) {
    dcpg_net_options options = {.total = 1, .end = 1};
    dcpg_net *net;
    *weights = (dcpg_weights){0};
    DCPG_TRY(dcpg_net_new(graph, &options, &net, err));
    dcpg_net_init(net, seed);
    dcpg_status status = dcpg_weights_of_net(net, weights, err);
    dcpg_net_free(net);
    return status;
}

static bool same_shape(const struct dcpg_weight_value *entry, const dcpg_weight *weight) {
    bool same = entry->ndim == weight->ndim;
    for (int d = 0; same && d < weight->ndim; d++) same = entry->shape[d] == weight->shape[d];
    return same;
}

dcpg_status dcpg_weights_apply(const dcpg_weights *weights, dcpg_net *net, dcpg_err *err) {
    for (int i = 0; i < net->nb_param; i++) {
        const dcpg_param *param = &net->param[i];
        const char *layer = net->graph->layer[param->layer].name;
        const struct dcpg_weight_value *entry = dcpg_keras_find_from(weights, i, layer, param->weight.name);
        if (!entry)
            return dcpg_fail(err, DCPG_E_INPUT, "layer %s: its %s is missing among the weights", layer,
                             param->weight.name);
        if (!same_shape(entry, &param->weight))
            return dcpg_fail(err, DCPG_E_INPUT, "layer %s: its %s has another shape than the model's", layer,
                             param->weight.name);
        dcpg_net_set(net, param, entry->value);
    }
    return DCPG_OK;
}

dcpg_status dcpg_weights_take(dcpg_weights *weights, const dcpg_weights *from, dcpg_err *err) {
    int next = 0;
    for (int i = 0; i < from->nb; i++) {
        const struct dcpg_weight_value *source = &from->entry[i];
        struct dcpg_weight_value *entry = dcpg_keras_find_from(weights, next, source->layer, source->name);
        if (!entry) continue;
        dcpg_weight shape = {.ndim = source->ndim,
                             .shape = {source->shape[0], source->shape[1], source->shape[2]}};
        if (!same_shape(entry, &shape))
            return dcpg_fail(err, DCPG_E_INPUT, "layer %s: its %s has another shape than the model's",
                             source->layer, source->name);
        memcpy(entry->value, source->value, (size_t)dcpg_weight_size(&shape) * sizeof *entry->value);
        next = (int)(entry - weights->entry) + 1;
    }
    return DCPG_OK;
}
