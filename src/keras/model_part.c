/* SPDX-License-Identifier: MIT */
/* Turns a loaded model into a part of another one: its layers' names and weights. */
#include "keras/keras_names.h"

#include <dcpg/memory.h>
#include <dcpg/surgery.h>

/* Drops the weights of layers that no longer exist. */
static void drop_weights(const dcpg_graph *graph, dcpg_weights *weights) {
    int kept = 0;
    for (int i = 0; i < weights->nb; i++) {
        struct dcpg_weight_value entry = weights->entry[i];
        if (dcpg_graph_find(graph, entry.layer) >= 0) {
            weights->entry[kept++] = entry;
            continue;
        }
        dcpg_free(entry.layer);
        dcpg_free(entry.name);
        dcpg_free(entry.value);
    }
    weights->nb = kept;
}

/* "<prefix>/<name>", followed by a number if another layer has that name. */
static char *free_name(const dcpg_graph *graph, const char *prefix, const char *name) {
    char *full = dcpg_format("%s/%s", prefix, name);
    for (int number = 2; full && dcpg_graph_find(graph, full) >= 0; number++) {
        dcpg_free(full);
        full = dcpg_format("%s/%s_%d", prefix, name, number);
    }
    return full;
}

static dcpg_status rename_layer(dcpg_graph *graph, int index, const char *prefix, dcpg_weights *weights,
                                dcpg_err *err) {
    dcpg_glayer *layer = &graph->layer[index];
    char *full = free_name(graph, prefix, layer->name);
    if (!full) return dcpg_fail_nomem(err, "a layer's name", strlen(layer->name));
    for (int i = 0; i < weights->nb; i++) {
        if (strcmp(weights->entry[i].layer, layer->name) != 0) continue;
        char *copy = dcpg_strdup(full);
        if (!copy) {
            dcpg_free(full);
            return dcpg_fail_nomem(err, "a layer's name", strlen(layer->name));
        }
        dcpg_free(weights->entry[i].layer);
        weights->entry[i].layer = copy;
    }
    dcpg_free(layer->name);
    layer->name = full;
    return DCPG_OK;
}

dcpg_status dcpg_model_to_part(dcpg_graph *graph, dcpg_weights *weights, const char *prefix, dcpg_err *err) {
    DCPG_TRY(dcpg_graph_cut_heads(graph, err));
    drop_weights(graph, weights);
    for (int i = 0; prefix && i < graph->nb_layer; i++) {
        const dcpg_glayer *layer = &graph->layer[i];
        size_t length = strlen(prefix);
        bool named = strncmp(layer->name, prefix, length) == 0 && layer->name[length] == '/';
        if (layer->kind != DCPG_INPUT && !named) DCPG_TRY(rename_layer(graph, i, prefix, weights, err));
    }
    return DCPG_OK;
}
