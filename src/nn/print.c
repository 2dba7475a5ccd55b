/* SPDX-License-Identifier: MIT */
/* Prints a graph, as for `dcpg models NAME`. */
#include <dcpg/net.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* "conv 128@11 same stride 2" */
static void describe(const dcpg_glayer *layer, char *text, size_t size) {
    int used = 0;
    switch (layer->kind) {
    case DCPG_INPUT:
        snprintf(text, size, "input");
        return;
    case DCPG_CONV:
        used = snprintf(text, size, "conv %" PRId64 "@%" PRId64, layer->units, layer->k);
        if (layer->stride > 1)
            used += snprintf(text + used, size - (size_t)used, " stride %" PRId64, layer->stride);
        if (layer->dilation > 1)
            used += snprintf(text + used, size - (size_t)used, " dilation %" PRId64, layer->dilation);
        if (layer->same) used += snprintf(text + used, size - (size_t)used, " same");
        break;
    case DCPG_DENSE:
        used = snprintf(text, size, layer->time_distributed ? "shared fc %" PRId64 : "fc %" PRId64,
                        layer->units);
        break;
    case DCPG_ACTIVATION:
        snprintf(text, size, "%s", dcpg_activation_name(layer->activation));
        return;
    case DCPG_MAX_POOL:
        snprintf(text, size, "max pool %" PRId64, layer->k);
        return;
    case DCPG_BATCH_NORM:
        snprintf(text, size, "batch norm");
        return;
    case DCPG_FLATTEN:
        snprintf(text, size, "flatten");
        return;
    case DCPG_MEAN:
        snprintf(text, size, "mean over steps");
        return;
    case DCPG_GRU:
        snprintf(text, size, "%s %" PRId64 "%s", layer->bidirectional ? "two-way gru" : "gru", layer->units,
                 layer->sequences ? " sequences" : "");
        return;
    case DCPG_CONCAT:
        snprintf(text, size, "concatenate");
        return;
    case DCPG_ADD:
        snprintf(text, size, "sum");
        return;
    case DCPG_DROPOUT:
        snprintf(text, size, "dropout %g", (double)layer->rate);
        return;
    }
    if (layer->activation != DCPG_LINEAR)
        snprintf(text + used, size - (size_t)used, " %s", dcpg_activation_name(layer->activation));
}

static int64_t nb_parameter(const dcpg_graph *graph, int layer) {
    dcpg_weight weight[DCPG_MAX_WEIGHTS];
    int n = dcpg_graph_weights(graph, layer, weight);
    int64_t sum = 0;
    for (int i = 0; i < n; i++) sum += dcpg_weight_size(&weight[i]);
    return sum;
}

static void print_layer(const dcpg_graph *graph, int index, FILE *out) {
    const dcpg_glayer *layer = &graph->layer[index];
    char what[128], extent[48];
    describe(layer, what, sizeof what);
    if (layer->out.t > 0)
        snprintf(extent, sizeof extent, "%" PRId64 " x %" PRId64, layer->out.t, layer->out.c);
    else
        snprintf(extent, sizeof extent, "%" PRId64, layer->out.c);
    fprintf(out, "%-32s %-28s %14s %12" PRId64, layer->name, what, extent, nb_parameter(graph, index));
    for (int i = 0; i < layer->nb_source; i++)
        fprintf(out, "%s%s", i > 0 ? ", " : "  ", graph->layer[layer->source[i]].name);
    fprintf(out, "%s\n", layer->trainable ? "" : "  (frozen)");
}

void dcpg_graph_print(const dcpg_graph *graph, FILE *out) {
    fprintf(out, "%-32s %-28s %14s %12s  %s\n", "layer", "what", "output", "parameters", "on");
    for (int i = 0; i < graph->nb_layer; i++) print_layer(graph, i, out);
    dcpg_net_size size;
    if (dcpg_net_measure(graph, &size, NULL) != DCPG_OK) return;
    fprintf(out, "parameters: %" PRId64 " (%" PRId64 " trainable, %" PRId64 " not)\n",
            size.trainable + size.not_trainable, size.trainable, size.not_trainable);
    fprintf(out, "multiply-adds per site: %" PRId64 "\n", size.macs);
    fprintf(out, "activation memory per site in training: %" PRId64 " bytes\n", size.activation_bytes);
}
