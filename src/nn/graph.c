/* SPDX-License-Identifier: MIT */
/* Graphs: adding layers, the shapes of their outputs and weights, and the order in which Keras keeps
 * layers. */
#include <dcpg/graph.h>

#include <dcpg/memory.h>

#include <assert.h>
#include <inttypes.h>
#include <string.h>

/* Sizes come from files. No real model exceeds these limits, within which products cannot overflow. */
static const int64_t MAX_SIZE = INT64_C(1) << 24;
static const int64_t MAX_VALUES = INT64_C(1) << 31;
enum { MAX_LAYERS = 10000 };

dcpg_graph *dcpg_graph_new(void) { return dcpg_alloc(1, sizeof(dcpg_graph)); }

void dcpg_glayer_free(dcpg_glayer *layer) {
    dcpg_free(layer->name);
    dcpg_free(layer->inner);
    dcpg_free(layer->source);
}

void dcpg_graph_free(dcpg_graph *graph) {
    if (!graph) return;
    for (int i = 0; i < graph->nb_layer; i++) dcpg_glayer_free(&graph->layer[i]);
    dcpg_free(graph->layer);
    dcpg_free(graph->output);
    dcpg_strings_free(&graph->cells);
    dcpg_strings_free(&graph->untrained);
    dcpg_free(graph->name);
    dcpg_free(graph);
}

dcpg_glayer dcpg_glayer_default(void) {
    return (dcpg_glayer){.stride = 1,
                         .dilation = 1,
                         .bias = true,
                         .activation = DCPG_LINEAR,
                         .recurrent_activation = DCPG_HARD_SIGMOID,
                         .momentum = 0.99f,
                         .epsilon = 1e-3f,
                         .trainable = true};
}

int dcpg_graph_find(const dcpg_graph *graph, const char *name) {
    for (int i = 0; i < graph->nb_layer; i++)
        if (strcmp(graph->layer[i].name, name) == 0) return i;
    return -1;
}

const char *dcpg_activation_name(dcpg_activation activation) {
    switch (activation) {
    case DCPG_LINEAR:
        return "linear";
    case DCPG_RELU:
        return "relu";
    case DCPG_SIGMOID:
        return "sigmoid";
    case DCPG_HARD_SIGMOID:
        return "hard_sigmoid";
    case DCPG_TANH:
        return "tanh";
    case DCPG_SOFTMAX:
        return "softmax";
    case DCPG_SCALED_SIGMOID:
        return "scaled_sigmoid";
    }
    assert(!"an activation has a name");
    return "";
}

/* ---- the extent of a layer's output ---- */

static const dcpg_extent NOTHING = {-1, -1};

static dcpg_extent input_extent(const dcpg_graph *graph, const dcpg_glayer *layer) {
    if (strcmp(layer->name, "dna") == 0) return (dcpg_extent){graph->dna_wlen, 4};
    if (strcmp(layer->name, "cpg/state") == 0 || strcmp(layer->name, "cpg/dist") == 0)
        return (dcpg_extent){graph->nb_cell, graph->cpg_wlen};
    return NOTHING;
}

static dcpg_extent conv_extent(const dcpg_glayer *layer, dcpg_extent in) {
    dcpg_conv conv = {.t_in = in.t,
                      .c = in.c,
                      .f = layer->units,
                      .k = layer->k,
                      .stride = layer->stride,
                      .dilation = layer->dilation};
    dcpg_conv_shape(&conv, layer->same);
    return (dcpg_extent){conv.t_out, layer->units};
}

/* The extent of a concatenation or sum. All sources must have the same t and, for a sum, the same c. */
static dcpg_extent join_extent(const dcpg_graph *graph, const dcpg_glayer *layer) {
    dcpg_extent out = graph->layer[layer->source[0]].out;
    for (int i = 1; i < layer->nb_source; i++) {
        dcpg_extent in = graph->layer[layer->source[i]].out;
        if (in.t != out.t || (layer->kind == DCPG_ADD && in.c != out.c)) return NOTHING;
        if (layer->kind == DCPG_CONCAT) out.c += in.c;
    }
    return out;
}

/* Whether a * b * c stays within MAX_VALUES; all are 1 or more. */
static bool fits(int64_t a, int64_t b, int64_t c) { return a <= MAX_VALUES / b && a * b <= MAX_VALUES / c; }

/* NOTHING if the sources do not suit the layer. */
static dcpg_extent extent_of(const dcpg_graph *graph, const dcpg_glayer *layer) {
    bool joins = layer->kind == DCPG_CONCAT || layer->kind == DCPG_ADD;
    if (layer->kind == DCPG_INPUT) return layer->nb_source == 0 ? input_extent(graph, layer) : NOTHING;
    if (joins ? layer->nb_source < 1 : layer->nb_source != 1) return NOTHING;
    dcpg_extent in = graph->layer[layer->source[0]].out;
    bool sequence = in.t > 0;
    switch (layer->kind) {
    case DCPG_CONV:
        return sequence ? conv_extent(layer, in) : NOTHING;
    case DCPG_DENSE:
        return (dcpg_extent){in.t, layer->units};
    case DCPG_MAX_POOL:
        return sequence && in.t >= layer->k ? (dcpg_extent){in.t / layer->k, in.c} : NOTHING;
    case DCPG_FLATTEN:
        return (dcpg_extent){0, sequence ? in.t * in.c : in.c};
    case DCPG_MEAN:
        return sequence ? (dcpg_extent){0, in.c} : NOTHING;
    case DCPG_GRU: {
        int64_t units = layer->bidirectional ? 2 * layer->units : layer->units;
        return sequence ? (dcpg_extent){layer->sequences ? in.t : 0, units} : NOTHING;
    }
    case DCPG_CONCAT:
    case DCPG_ADD:
        return join_extent(graph, layer);
    default:
        return in;
    }
}

static bool sizes_are_sound(const dcpg_glayer *layer) {
    bool counted = layer->kind == DCPG_CONV || layer->kind == DCPG_DENSE || layer->kind == DCPG_GRU;
    bool windowed = layer->kind == DCPG_CONV || layer->kind == DCPG_MAX_POOL;
    if (counted && (layer->units < 1 || layer->units > MAX_SIZE)) return false;
    if (windowed && (layer->k < 1 || layer->k > MAX_SIZE)) return false;
    /* The position of the maximum in its window is stored in a byte. */
    if (layer->kind == DCPG_MAX_POOL && layer->k > 255) return false;
    if (layer->kind == DCPG_DROPOUT && !(layer->rate >= 0 && layer->rate < 1)) return false;
    return layer->stride >= 1 && layer->stride <= MAX_SIZE && layer->dilation >= 1 &&
           layer->dilation <= MAX_SIZE;
}

/* ---- building ---- */

static dcpg_status grow(dcpg_graph *graph, dcpg_err *err) {
    if (graph->nb_layer < graph->capacity) return DCPG_OK;
    size_t old = (size_t)graph->capacity, capacity = old ? 2 * old : 32;
    dcpg_glayer *layer = dcpg_realloc(graph->layer, old, capacity, sizeof *layer);
    if (!layer) return dcpg_fail_nomem(err, "layers", capacity * sizeof *layer);
    graph->layer = layer;
    graph->capacity = (int)capacity;
    return DCPG_OK;
}

/* Even on failure, `layer` owns its name, inner name and sources afterwards (dcpg_glayer_free). */
static dcpg_status copy_layer(dcpg_glayer *layer, const char *name, const dcpg_glayer *like, int nb_source,
                              const int *source, dcpg_err *err) {
    *layer = like ? *like : dcpg_glayer_default();
    if (layer->stride == 0) layer->stride = 1;
    if (layer->dilation == 0) layer->dilation = 1;
    layer->name = dcpg_strdup(name);
    layer->inner = like && like->inner ? dcpg_strdup(like->inner) : NULL;
    layer->nb_source = nb_source;
    layer->source = dcpg_alloc((size_t)nb_source, sizeof(int));
    if (!layer->name || !layer->source || (like && like->inner && !layer->inner))
        return dcpg_fail_nomem(err, "a layer", strlen(name));
    for (int i = 0; i < nb_source; i++) layer->source[i] = source[i];
    return DCPG_OK;
}

static bool has_extent(const dcpg_glayer *layer) {
    int64_t t = layer->out.t, c = layer->out.c;
    return t >= 0 && c >= 1 && (layer->kind != DCPG_CONV || t >= 1);
}

/* Whether the numbers of values and weights of a layer with a valid extent are within bounds. */
static bool size_is_sound(const dcpg_graph *graph, const dcpg_glayer *layer) {
    int64_t t = layer->out.t, c = layer->out.c;
    if (!fits(t > 0 ? t : 1, c, 1)) return false;
    if (layer->nb_source == 0) return true;
    int64_t in = graph->layer[layer->source[0]].out.c;
    switch (layer->kind) {
    case DCPG_CONV:
        return fits(in, layer->units, layer->k);
    case DCPG_DENSE:
        return fits(in, layer->units, 1);
    case DCPG_GRU:
        return fits(in, layer->units, 6) && fits(layer->units, layer->units, 6);
    default:
        return true;
    }
}

static dcpg_status check_layer(const dcpg_graph *graph, dcpg_glayer *layer, dcpg_err *err) {
    if (graph->nb_layer == MAX_LAYERS)
        return dcpg_fail(err, DCPG_E_INPUT, "layer %s: a model can have at most %d layers", layer->name,
                         (int)MAX_LAYERS);
    for (int i = 0; i < layer->nb_source; i++)
        if (layer->source[i] < 0 || layer->source[i] >= graph->nb_layer)
            return dcpg_fail(err, DCPG_E_INPUT, "layer %s: its source %d does not come before it",
                             layer->name, i);
    if (dcpg_graph_find(graph, layer->name) >= 0)
        return dcpg_fail(err, DCPG_E_INPUT, "layer %s: there are two layers of this name; give each its own",
                         layer->name);
    if (!sizes_are_sound(layer))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "layer %s: units %" PRId64 ", size %" PRId64 ", stride %" PRId64
                         ", dilation %" PRId64 " or rate %g is out of range",
                         layer->name, layer->units, layer->k, layer->stride, layer->dilation,
                         (double)layer->rate);
    layer->out = extent_of(graph, layer);
    if (has_extent(layer) && size_is_sound(graph, layer)) return DCPG_OK;
    if (layer->kind == DCPG_INPUT)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "input layer %s: inputs are dna, cpg/state and cpg/dist, with sizes above 0",
                         layer->name);
    if (has_extent(layer))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "layer %s: more than %" PRId64
                         " weights or values: use a shorter window, more pooling before it or fewer units",
                         layer->name, MAX_VALUES);
    dcpg_extent in = layer->nb_source > 0 ? graph->layer[layer->source[0]].out : (dcpg_extent){0, 0};
    return dcpg_fail(err, DCPG_E_INPUT,
                     "layer %s: it does not fit on %s (%" PRId64 " steps of %" PRId64
                     " values; too short, or of the wrong shape)",
                     layer->name, layer->nb_source > 0 ? graph->layer[layer->source[0]].name : "nothing",
                     in.t, in.c);
}

dcpg_status dcpg_graph_add(dcpg_graph *graph, const dcpg_new_layer *new, int *index, dcpg_err *err) {
    DCPG_TRY(grow(graph, err));
    dcpg_glayer *layer = &graph->layer[graph->nb_layer];
    dcpg_status status = copy_layer(layer, new->name, new->like, new->nb_source, new->source, err);
    layer->kind = new->kind;
    if (status == DCPG_OK) status = check_layer(graph, layer, err);
    if (status != DCPG_OK) {
        dcpg_glayer_free(layer);
        return status;
    }
    if (index) *index = graph->nb_layer;
    graph->nb_layer++;
    return DCPG_OK;
}

dcpg_status dcpg_graph_add_output(dcpg_graph *graph, int index, dcpg_err *err) {
    assert(index >= 0 && index < graph->nb_layer);
    size_t old = (size_t)graph->nb_output;
    int *output = dcpg_realloc(graph->output, old, old + 1, sizeof *output);
    if (!output) return dcpg_fail_nomem(err, "outputs", (old + 1) * sizeof *output);
    output[old] = index;
    graph->output = output;
    graph->nb_output++;
    return DCPG_OK;
}

/* ---- Keras's order ---- */

/* Numbers layers in the order of the first visit from the outputs, sources in order, as Keras walks a
 * model. */
static void visit(const dcpg_graph *graph, int layer, int *rank, int *next) {
    if (rank[layer] >= 0) return;
    rank[layer] = (*next)++;
    for (int i = 0; i < graph->layer[layer].nb_source; i++)
        visit(graph, graph->layer[layer].source[i], rank, next);
}

/* Whether layer a comes before layer b: the one farther from the outputs first, then the one visited
 * first. */
static bool before(const int *depth, const int *rank, int a, int b) {
    return depth[a] != depth[b] ? depth[a] > depth[b] : rank[a] < rank[b];
}

static void keras_order(const dcpg_graph *graph, int *depth, int *rank, int *order) {
    int n = graph->nb_layer, next = 0;
    for (int i = 0; i < n; i++) depth[i] = 0, rank[i] = -1;
    for (int i = n - 1; i >= 0; i--)
        for (int j = 0; j < graph->layer[i].nb_source; j++) {
            int source = graph->layer[i].source[j];
            if (depth[source] < depth[i] + 1) depth[source] = depth[i] + 1;
        }
    for (int i = 0; i < graph->nb_output; i++) visit(graph, graph->output[i], rank, &next);
    /* Layers that no output needs are visited last. */
    for (int i = n - 1; i >= 0; i--) visit(graph, i, rank, &next);
    for (int i = 0; i < n; i++) {
        int at = i;
        for (; at > 0 && before(depth, rank, i, order[at - 1]); at--) order[at] = order[at - 1];
        order[at] = i;
    }
}

dcpg_status dcpg_graph_order(dcpg_graph *graph, dcpg_err *err) {
    size_t n = (size_t)graph->nb_layer;
    if (n == 0) return DCPG_OK;
    dcpg_glayer *sorted = dcpg_alloc((size_t)graph->capacity, sizeof *sorted);
    int *work = dcpg_alloc(4 * n, sizeof *work), *order = work, *place = work + n;
    if (!sorted || !work) {
        dcpg_free(sorted);
        dcpg_free(work);
        return dcpg_fail_nomem(err, "the order of layers", n * sizeof *sorted);
    }
    keras_order(graph, work + 2 * n, work + 3 * n, order);
    for (int i = 0; i < graph->nb_layer; i++) {
        place[order[i]] = i;
        sorted[i] = graph->layer[order[i]];
    }
    for (int i = 0; i < graph->nb_layer; i++)
        for (int j = 0; j < sorted[i].nb_source; j++) sorted[i].source[j] = place[sorted[i].source[j]];
    for (int i = 0; i < graph->nb_output; i++) graph->output[i] = place[graph->output[i]];
    dcpg_free(graph->layer);
    graph->layer = sorted;
    dcpg_free(work);
    return DCPG_OK;
}

/* ---- weights ---- */

static dcpg_weight matrix(const char *name, int64_t rows, int64_t columns, bool penalised) {
    return (dcpg_weight){.name = name, .ndim = 2, .shape = {rows, columns, 1}, .penalised = penalised};
}

static dcpg_weight vector(const char *name, int64_t size, bool state) {
    return (dcpg_weight){.name = name, .ndim = 1, .shape = {size, 1, 1}, .state = state};
}

static int gru_weights(const dcpg_glayer *layer, int64_t c, const char *const names[3], bool penalised,
                       dcpg_weight *weight) {
    weight[0] = matrix(names[0], c, 3 * layer->units, penalised);
    weight[1] = matrix(names[1], layer->units, 3 * layer->units, false);
    if (!layer->bias) return 2;
    weight[2] = layer->reset_after ? matrix(names[2], 2, 3 * layer->units, false)
                                   : vector(names[2], 3 * layer->units, false);
    return 3;
}

int dcpg_graph_weights(const dcpg_graph *graph, int index, dcpg_weight weight[DCPG_MAX_WEIGHTS]) {
    static const char *const plain[3] = {"kernel", "recurrent_kernel", "bias"};
    static const char *const forward[3] = {"forward/kernel", "forward/recurrent_kernel", "forward/bias"};
    static const char *const backward[3] = {"backward/kernel", "backward/recurrent_kernel", "backward/bias"};
    const dcpg_glayer *layer = &graph->layer[index];
    if (layer->nb_source < 1) return 0;
    int64_t c = graph->layer[layer->source[0]].out.c;
    bool penalised = layer->l1 > 0 || layer->l2 > 0;
    int n = 0;
    switch (layer->kind) {
    case DCPG_CONV:
        weight[n++] = (dcpg_weight){
            .name = "kernel", .ndim = 3, .shape = {layer->k, c, layer->units}, .penalised = penalised};
        if (layer->bias) weight[n++] = vector("bias", layer->units, false);
        return n;
    case DCPG_DENSE:
        weight[n++] = matrix("kernel", c, layer->units, penalised);
        if (layer->bias) weight[n++] = vector("bias", layer->units, false);
        return n;
    case DCPG_GRU:
        n = gru_weights(layer, c, layer->bidirectional ? forward : plain, penalised, weight);
        if (layer->bidirectional) n += gru_weights(layer, c, backward, penalised, weight + n);
        return n;
    case DCPG_BATCH_NORM:
        weight[n++] = vector("gamma", c, false);
        weight[n++] = vector("beta", c, false);
        weight[n++] = vector("moving_mean", c, true);
        weight[n++] = vector("moving_variance", c, true);
        return n;
    default:
        return 0;
    }
}

int64_t dcpg_weight_size(const dcpg_weight *weight) {
    int64_t size = 1;
    for (int i = 0; i < weight->ndim; i++) size *= weight->shape[i];
    return size;
}
