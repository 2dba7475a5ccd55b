/* SPDX-License-Identifier: MIT */
/* Taking models apart, and building new ones from the parts. */
#include <dcpg/surgery.h>

#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- heads ---- */

/* The dense layer of the head that ends in layer `output`; -1: not a head. */
static int head_dense(const dcpg_graph *graph, int output) {
    const dcpg_glayer *layer = &graph->layer[output];
    if (layer->kind == DCPG_ACTIVATION) layer = &graph->layer[layer->source[0]];
    return layer->kind == DCPG_DENSE && !layer->time_distributed ? (int)(layer - graph->layer) : -1;
}

/* The layer that all heads read. */
static dcpg_status find_stem(const dcpg_graph *graph, int *stem, dcpg_err *err) {
    *stem = -1;
    for (int o = 0; o < graph->nb_output; o++) {
        const char *name = graph->layer[graph->output[o]].name;
        int dense = head_dense(graph, graph->output[o]);
        if (dense < 0)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "output layer %s: only dense outputs can be replaced by others", name);
        int source = graph->layer[dense].source[0];
        if (*stem >= 0 && source != *stem)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "output layer %s: it stands on layer %s, other outputs on %s: they cannot be "
                             "replaced by others",
                             name, graph->layer[source].name, graph->layer[*stem].name);
        *stem = source;
    }
    return *stem >= 0 ? DCPG_OK : dcpg_fail(err, DCPG_E_INPUT, "the model has no outputs");
}

/* Keeps the needed layers, in their order; place[nb_layer] is filled with their new numbers. */
static void keep_needed(dcpg_graph *graph, const bool *needed, int *place) {
    int kept = 0;
    for (int i = 0; i < graph->nb_layer; i++) {
        dcpg_glayer layer = graph->layer[i];
        if (!needed[i]) {
            dcpg_glayer_free(&layer);
            continue;
        }
        for (int j = 0; j < layer.nb_source; j++) layer.source[j] = place[layer.source[j]];
        place[i] = kept;
        graph->layer[kept++] = layer;
    }
    graph->nb_layer = kept;
}

/* Inputs that no layer reads any more have no window. */
static void forget_windows(dcpg_graph *graph) {
    if (dcpg_graph_find(graph, "dna") < 0) graph->dna_wlen = 0;
    if (dcpg_graph_find(graph, "cpg/state") < 0 && dcpg_graph_find(graph, "cpg/dist") < 0)
        graph->cpg_wlen = graph->nb_cell = 0;
    if (graph->nb_cell == 0) dcpg_strings_free(&graph->cells);
}

dcpg_status dcpg_graph_cut_heads(dcpg_graph *graph, dcpg_err *err) {
    int stem;
    DCPG_TRY(find_stem(graph, &stem, err));
    size_t n = (size_t)graph->nb_layer;
    bool *needed = dcpg_alloc(n, sizeof *needed);
    int *place = dcpg_alloc(n, sizeof *place);
    dcpg_status status = needed && place ? DCPG_OK : dcpg_fail_nomem(err, "layers", n * sizeof *place);
    if (status == DCPG_OK) {
        needed[stem] = true;
        for (int i = stem; i >= 0; i--)
            for (int j = 0; needed[i] && j < graph->layer[i].nb_source; j++)
                needed[graph->layer[i].source[j]] = true;
        keep_needed(graph, needed, place);
        graph->nb_output = 0;
        dcpg_strings_free(&graph->untrained);
        forget_windows(graph);
    }
    dcpg_free(needed);
    dcpg_free(place);
    return status;
}

/* ---- copies ---- */

/* Whether a layer's copy has weights of the same shapes, so that the old weights fit it. */
static bool same_weights(const dcpg_graph *a, int i, const dcpg_graph *b, int j) {
    dcpg_weight x[DCPG_MAX_WEIGHTS], y[DCPG_MAX_WEIGHTS];
    int n = dcpg_graph_weights(a, i, x);
    if (dcpg_graph_weights(b, j, y) != n) return false;
    for (int w = 0; w < n; w++)
        for (int d = 0; d < x[w].ndim; d++)
            if (x[w].shape[d] != y[w].shape[d]) return false;
    return true;
}

/* The sizes of a part's windows that differ from those of a graph: "a DNA window of 1001 bp, 3 cells". */
static void describe_change(const dcpg_graph *part, const dcpg_graph *graph, char text[128]) {
    int used = 0;
    text[0] = '\0';
    if (part->dna_wlen != graph->dna_wlen)
        used += snprintf(text, 128, "a DNA window of %" PRId64 " bp", part->dna_wlen);
    if (part->cpg_wlen != graph->cpg_wlen)
        used += snprintf(text + used, 128 - (size_t)used, "%s%" PRId64 " neighbours", used ? ", " : "",
                         part->cpg_wlen);
    if (part->nb_cell != graph->nb_cell)
        snprintf(text + used, 128 - (size_t)used, "%s%" PRId64 " cell%s", used ? ", " : "", part->nb_cell,
                 part->nb_cell == 1 ? "" : "s");
}

static dcpg_status append_layer(dcpg_graph *graph, const dcpg_graph *part, int index, int first,
                                dcpg_err *err) {
    const dcpg_glayer *layer = &part->layer[index];
    int *source = dcpg_alloc((size_t)layer->nb_source, sizeof *source), copy;
    if (!source) return dcpg_fail_nomem(err, "a layer's sources", sizeof *source);
    for (int j = 0; j < layer->nb_source; j++) source[j] = first + layer->source[j];
    dcpg_status status = dcpg_graph_add(graph,
                                        &(dcpg_new_layer){.kind = layer->kind,
                                                          .name = layer->name,
                                                          .nb_source = layer->nb_source,
                                                          .source = source,
                                                          .like = layer},
                                        &copy, err);
    dcpg_free(source);
    if (status != DCPG_OK || same_weights(part, index, graph, copy)) return status;
    char text[128];
    describe_change(part, graph, text);
    return dcpg_fail(err, DCPG_E_INPUT, "layer %s: its weights are for %s and fit no other size", layer->name,
                     text);
}

dcpg_status dcpg_graph_append(dcpg_graph *graph, const dcpg_graph *part, dcpg_err *err) {
    int first = graph->nb_layer;
    for (int i = 0; i < part->nb_layer; i++) DCPG_TRY(append_layer(graph, part, i, first, err));
    return DCPG_OK;
}

static dcpg_status copy_with_windows(const dcpg_graph *graph, const dcpg_graph *windows, dcpg_graph *copy,
                                     dcpg_err *err) {
    copy->dna_wlen = windows->dna_wlen;
    copy->cpg_wlen = windows->cpg_wlen;
    copy->nb_cell = windows->nb_cell;
    copy->name = graph->name ? dcpg_strdup(graph->name) : NULL;
    if (graph->name && !copy->name) return dcpg_fail_nomem(err, "a model's name", strlen(graph->name));
    DCPG_TRY(dcpg_graph_append(copy, graph, err));
    for (int o = 0; o < graph->nb_output; o++) DCPG_TRY(dcpg_graph_add_output(copy, graph->output[o], err));
    return DCPG_OK;
}

dcpg_status dcpg_graph_resize(dcpg_graph **graph, int64_t dna_wlen, int64_t cpg_wlen, int64_t nb_cell,
                              dcpg_err *err) {
    dcpg_graph windows = **graph;
    if (windows.dna_wlen && dna_wlen) windows.dna_wlen = dna_wlen;
    if (windows.nb_cell && cpg_wlen) windows.cpg_wlen = cpg_wlen;
    if (windows.nb_cell && nb_cell) windows.nb_cell = nb_cell;
    bool same = windows.dna_wlen == (*graph)->dna_wlen && windows.cpg_wlen == (*graph)->cpg_wlen &&
                windows.nb_cell == (*graph)->nb_cell;
    if (same) return DCPG_OK;
    dcpg_graph *copy = dcpg_graph_new();
    if (!copy) return dcpg_fail_nomem(err, "a graph", sizeof *copy);
    dcpg_status status = copy_with_windows(*graph, &windows, copy, err);
    if (status != DCPG_OK) {
        dcpg_graph_free(copy);
        return status;
    }
    copy->untrained = (*graph)->untrained;
    (*graph)->untrained = (dcpg_strings){0};
    dcpg_graph_free(*graph);
    *graph = copy;
    return DCPG_OK;
}

int dcpg_graph_first_conv(const dcpg_graph *graph) {
    for (int i = 0; i < graph->nb_layer; i++)
        if (graph->layer[i].kind == DCPG_CONV && graph->layer[graph->layer[i].source[0]].out.c == 4) return i;
    return -1;
}
