/* SPDX-License-Identifier: MIT */
/* Reads model.json as a graph: walks the containers and wrappers of a Keras model; nested models are inlined.
 */
#include "keras/keras_json.h"

#include <dcpg/keras.h>
#include <dcpg/memory.h>
#include <dcpg/output.h>
#include <dcpg/rng.h>

#include <string.h>

/* Limits beyond any real model, so that a small file cannot blow up through its names and references. */
enum { MAX_NESTING = 16, MAX_KERAS_LAYERS = 10000, MAX_SOURCES = 10000, MAX_NAME = 512 };

typedef struct reader {
    const char *origin;
    dcpg_graph *graph;
    dcpg_err *err;
} reader;

/* The graph layers whose outputs a Keras layer returns: one, or several for a nested model. */
typedef struct tensors {
    int nb, capacity;
    int *index; /* [nb], owned */
} tensors;

/* Context of a container. */
typedef struct scope {
    const char *prefix;    /* prefix of its layers' names: "", or "NAME/" for a nested model */
    const tensors *input;  /* inputs of a nested model; NULL: the container is the whole model */
    bool time_distributed; /* wrapped in TimeDistributed: applied to every time step */
    bool trainable;
    int depth;
} scope;

static dcpg_status read_layer(reader *r, const scope *in, const json_t *layer, const char *name,
                              const tensors *source, tensors *out);

static dcpg_status fail(reader *r, const char *layer, const char *text) {
    return dcpg_fail(r->err, DCPG_E_INPUT, "%s: layer %s: %s", r->origin, layer, text);
}

static dcpg_status tensors_add(reader *r, tensors *list, int index) {
    if (list->nb == MAX_SOURCES)
        return dcpg_fail(r->err, DCPG_E_INPUT, "%s: a layer has more than %d sources", r->origin,
                         MAX_SOURCES);
    if (list->nb == list->capacity) {
        int capacity = list->capacity ? 2 * list->capacity : 4;
        int *grown = dcpg_realloc(list->index, (size_t)list->nb, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(r->err, "a layer's sources", (size_t)capacity * sizeof *grown);
        list->index = grown;
        list->capacity = capacity;
    }
    list->index[list->nb++] = index;
    return DCPG_OK;
}

static void tensors_free(tensors *list) {
    dcpg_free(list->index);
    *list = (tensors){0};
}

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static bool is_container(const char *class_name) {
    return strcmp(class_name, "Model") == 0 || strcmp(class_name, "Functional") == 0 ||
           strcmp(class_name, "Sequential") == 0;
}

/* ---- single layers ---- */

/* Appends a layer; an error of the graph is reported as one of the file. */
static dcpg_status add(reader *r, dcpg_kind kind, const char *name, const tensors *source,
                       const dcpg_glayer *like, tensors *out) {
    dcpg_err local = {0};
    int index = -1;
    dcpg_status status = dcpg_graph_add(r->graph,
                                        &(dcpg_new_layer){.kind = kind,
                                                          .name = name,
                                                          .nb_source = source ? source->nb : 0,
                                                          .source = source ? source->index : NULL,
                                                          .like = like},
                                        &index, &local);
    if (status != DCPG_OK) return dcpg_fail(r->err, status, "%s: %s", r->origin, local.text);
    return tensors_add(r, out, index);
}

static bool runs_time_distributed(dcpg_kind kind) {
    return kind == DCPG_DENSE || kind == DCPG_ACTIVATION || kind == DCPG_DROPOUT || kind == DCPG_BATCH_NORM;
}

static dcpg_status read_plain(reader *r, const scope *in, const json_t *layer, const char *name,
                              const tensors *source, tensors *out) {
    keras_config config = {
        .origin = r->origin, .layer = name, .json = json_object_get(layer, "config"), .err = r->err};
    dcpg_glayer like = dcpg_glayer_default();
    if (source->nb == 0) return fail(r, name, "it has no source");
    bool sequence = r->graph->layer[source->index[0]].out.t > 0 && !in->time_distributed;
    dcpg_kind kind = dcpg_keras_layer_read(&config, text_of(layer, "class_name"), sequence ? 3 : 2, &like);
    like.trainable = dcpg_keras_config_flag(&config, "trainable", NULL, true) && in->trainable;
    if (in->time_distributed && !runs_time_distributed(kind))
        dcpg_keras_config_fail(&config, "a %s layer does not run here inside TimeDistributed",
                               text_of(layer, "class_name"));
    if (config.status != DCPG_OK) return config.status;
    if (in->time_distributed && kind == DCPG_DENSE) {
        like.time_distributed = true;
        like.inner = (char *)json_string_value(json_object_get(config.json, "name"));
    }
    return add(r, kind, name, source, &like, out);
}

/* ---- inputs ---- */

static dcpg_status input_size(reader *r, const char *name, const json_t *shape, size_t axis, int64_t *size) {
    int64_t value = json_integer_value(json_array_get(shape, axis));
    if (json_array_size(shape) != 3 || value < 1 || value > INT32_MAX)
        return fail(r, name,
                    "batch_shape (batch_input_shape before Keras 3) must be [null, n, m] with sizes above 0");
    if (*size != 0 && *size != value) return fail(r, name, "cpg/state and cpg/dist are of different shapes");
    *size = value;
    return DCPG_OK;
}

/* Files from the time of Keras 1 name an input "cpg/state/CELL--CELL...": the cells are kept as the inner
 * name. */
static dcpg_status read_input(reader *r, const json_t *layer, const char *name, tensors *out) {
    static const char *const known[] = {"dna", "cpg/state", "cpg/dist"};
    const json_t *config = json_object_get(layer, "config"), *shape = json_object_get(config, "batch_shape");
    if (!shape) shape = json_object_get(config, "batch_input_shape");
    dcpg_glayer like = dcpg_glayer_default();
    dcpg_graph *graph = r->graph;
    for (int i = 0; i < 3; i++) {
        size_t length = strlen(known[i]);
        if (strncmp(name, known[i], length) != 0 || (name[length] && (i == 0 || name[length] != '/')))
            continue;
        int64_t dna_channels = i == 0 ? 4 : 0;
        if (name[length]) like.inner = (char *)name + length + 1;
        DCPG_TRY(input_size(r, name, shape, 1, i == 0 ? &graph->dna_wlen : &graph->nb_cell));
        DCPG_TRY(input_size(r, name, shape, 2, i == 0 ? &dna_channels : &graph->cpg_wlen));
        return add(r, DCPG_INPUT, known[i], NULL, &like, out);
    }
    return fail(r, name, "inputs are dna, cpg/state and cpg/dist");
}

/* ---- wrappers ---- */

/* Finds the wrapped layer and its name. */
static dcpg_status wrapped(reader *r, const json_t *layer, const char *name, const json_t **inner,
                           const char **inner_name) {
    *inner = json_object_get(json_object_get(layer, "config"), "layer");
    *inner_name = text_of(json_object_get(*inner, "config"), "name");
    return json_is_object(*inner) ? DCPG_OK : fail(r, name, "the wrapped layer is missing");
}

/* Turns the layers from `first` on into one dense layer called `name` if they are a dense layer, with or
 * without an activation after it. */
static dcpg_status join_dense(reader *r, int first, const char *name, tensors *out) {
    dcpg_graph *graph = r->graph;
    int nb = graph->nb_layer - first;
    dcpg_glayer *dense = &graph->layer[first], *last = &graph->layer[graph->nb_layer - 1];
    bool chain = nb == 1 || (nb == 2 && last->kind == DCPG_ACTIVATION && last->source[0] == first &&
                             dense->activation == DCPG_LINEAR);
    if (nb < 1 || dense->kind != DCPG_DENSE || !chain || out->nb != 1 || out->index[0] != graph->nb_layer - 1)
        return DCPG_OK;
    char *own = dcpg_strdup(name);
    if (!own) return dcpg_fail_nomem(r->err, "a layer name", strlen(name));
    dcpg_free(dense->name);
    dense->name = own;
    out->index[0] = first;
    if (nb == 1) return DCPG_OK;
    dense->activation = last->activation;
    dcpg_glayer_free(last);
    graph->nb_layer--;
    return DCPG_OK;
}

static dcpg_status read_time_distributed(reader *r, const scope *in, const json_t *layer, const char *name,
                                         const tensors *source, tensors *out) {
    const json_t *inner;
    const char *inner_name;
    int first = r->graph->nb_layer;
    keras_config config = {
        .origin = r->origin, .layer = name, .json = json_object_get(layer, "config"), .err = r->err};
    DCPG_TRY(wrapped(r, layer, name, &inner, &inner_name));
    scope inside = {.prefix = "", .time_distributed = true, .depth = in->depth + 1};
    inside.trainable = dcpg_keras_config_flag(&config, "trainable", NULL, true) && in->trainable;
    if (config.status != DCPG_OK) return config.status;
    if (source->nb != 1 || r->graph->layer[source->index[0]].out.t == 0)
        return fail(r, name, "TimeDistributed needs one sequence to run on");
    DCPG_TRY(read_layer(r, &inside, inner, name, source, out));
    return join_dense(r, first, name, out);
}

static dcpg_status read_bidirectional(reader *r, const scope *in, const json_t *layer, const char *name,
                                      const tensors *source, tensors *out) {
    const json_t *inner;
    const char *inner_name;
    DCPG_TRY(wrapped(r, layer, name, &inner, &inner_name));
    keras_config config = {
        .origin = r->origin, .layer = name, .json = json_object_get(layer, "config"), .err = r->err};
    dcpg_keras_config_expect(&config, "merge_mode", NULL, "concat");
    bool trainable = dcpg_keras_config_flag(&config, "trainable", NULL, true) && in->trainable;
    dcpg_glayer like = dcpg_glayer_default();
    config.json = json_object_get(inner, "config");
    if (strcmp(text_of(inner, "class_name"), "GRU") != 0)
        dcpg_keras_config_fail(&config, "Bidirectional runs here on a GRU only, not on %s",
                               text_of(inner, "class_name"));
    else
        dcpg_keras_layer_read(&config, "GRU", 3, &like);
    like.trainable = dcpg_keras_config_flag(&config, "trainable", NULL, true) && trainable;
    like.bidirectional = true;
    like.inner = (char *)inner_name;
    return config.status != DCPG_OK ? config.status : add(r, DCPG_GRU, name, source, &like, out);
}

/* ---- containers ---- */

/* A layer of a container: its Keras name and its outputs. */
typedef struct node {
    const char *name;
    tensors out;
} node;

/* The layers of a container read so far; found by name through a hash table with open addressing. */
typedef struct nodes {
    node *v;
    size_t nb;    /* read so far */
    size_t total; /* in the container */
    size_t *slot; /* [mask + 1] index + 1 of a node, 0: free */
    size_t mask;
} nodes;

static void nodes_free(nodes *list) {
    for (size_t i = 0; list->v && i < list->total; i++) tensors_free(&list->v[i].out);
    dcpg_free(list->v);
    dcpg_free(list->slot);
}

static dcpg_status nodes_new(reader *r, size_t total, nodes *list) {
    *list = (nodes){.total = total, .mask = 15};
    while (list->mask < 2 * total) list->mask = 2 * list->mask + 1;
    list->v = dcpg_alloc(total, sizeof *list->v);
    list->slot = dcpg_alloc(list->mask + 1, sizeof *list->slot);
    if (list->v && list->slot) return DCPG_OK;
    return dcpg_fail_nomem(r->err, "the layers of a model", total * sizeof *list->v);
}

/* The slot of a name, or the free slot for it. */
static size_t *slot_of(const nodes *list, const char *name) {
    size_t at = (size_t)dcpg_hash(name) & list->mask;
    while (list->slot[at] && strcmp(list->v[list->slot[at] - 1].name, name) != 0) at = (at + 1) & list->mask;
    return &list->slot[at];
}

/* Adds the next node to the table; of two nodes with one name the first is found. */
static void nodes_know(nodes *list) {
    size_t *slot = slot_of(list, list->v[list->nb].name);
    list->nb++;
    if (!*slot) *slot = list->nb;
}

/* Adds the layer to which a reference [layer, node, tensor, ...] points. */
static dcpg_status resolve(reader *r, const nodes *known, const json_t *reference, const char *layer,
                           tensors *out) {
    const char *name = json_string_value(json_array_get(reference, 0));
    json_int_t tensor = json_integer_value(json_array_get(reference, 2));
    if (!name) return fail(r, layer, "a reference to a layer must be [name, node, tensor]");
    size_t at = *slot_of(known, name);
    if (!at)
        return dcpg_fail(r->err, DCPG_E_INPUT,
                         "%s: layer %s: layer %.*s, to which it refers, does not stand before it", r->origin,
                         layer, MAX_NAME, name);
    const tensors *source = &known->v[at - 1].out;
    if (tensor < 0 || tensor >= source->nb)
        return fail(r, layer, "it refers to an output that its source does not have");
    return tensors_add(r, out, source->index[tensor]);
}

/* Adds a reference, a list of references, or an object of them (outputs by name). */
static dcpg_status resolve_all(reader *r, const nodes *known, const json_t *references, const char *layer,
                               tensors *out) {
    const char *key;
    json_t *value;
    if (json_is_object(references)) {
        json_object_foreach((json_t *)references, key, value) DCPG_TRY(resolve(r, known, value, layer, out));
        return DCPG_OK;
    }
    /* a single reference need not be in a list */
    if (json_is_string(json_array_get(references, 0))) return resolve(r, known, references, layer, out);
    for (size_t i = 0; i < json_array_size(references); i++)
        DCPG_TRY(resolve(r, known, json_array_get(references, i), layer, out));
    return DCPG_OK;
}

/* Keras 3: adds the tensors among a call's arguments, {"class_name": "__keras_tensor__", "config":
 * {"keras_history": [layer, node, tensor]}}, inside or outside lists. */
static dcpg_status resolve_arguments(reader *r, const nodes *known, const json_t *value, const char *layer,
                                     int depth, tensors *out) {
    if (depth > MAX_NESTING) return fail(r, layer, "its sources are nested too deeply");
    if (strcmp(text_of(value, "class_name"), "__keras_tensor__") == 0)
        return resolve(r, known, json_object_get(json_object_get(value, "config"), "keras_history"), layer,
                       out);
    for (size_t i = 0; i < json_array_size(value); i++)
        DCPG_TRY(resolve_arguments(r, known, json_array_get(value, i), layer, depth + 1, out));
    return DCPG_OK;
}

/* Adds the inputs of a call: Keras 3's {"args": [..], "kwargs": {..}}, or a list of references. */
static dcpg_status resolve_call(reader *r, const nodes *known, const json_t *call, const char *layer,
                                tensors *out) {
    if (!json_is_object(call)) return resolve_all(r, known, call, layer, out);
    const char *key;
    json_t *value;
    DCPG_TRY(resolve_arguments(r, known, json_object_get(call, "args"), layer, 0, out));
    json_object_foreach(json_object_get(call, "kwargs"), key, value) {
        int before = out->nb;
        DCPG_TRY(resolve_arguments(r, known, value, layer, 0, out));
        bool source = strcmp(key, "inputs") == 0 || strcmp(key, "sequences") == 0;
        if (out->nb > before && !source)
            return dcpg_fail(r->err, DCPG_E_INPUT,
                             "%s: layer %s: it is called with %.60s, which does not run here", r->origin,
                             layer, key);
    }
    return DCPG_OK;
}

/* An input layer of a nested model stands for the layer that the model is applied to. */
static dcpg_status nested_input(reader *r, const scope *in, const json_t *inputs, const char *name,
                                tensors *out) {
    const json_t *first = json_array_get(inputs, 0);
    if (in->input->nb == 1 && json_is_string(first)) return tensors_add(r, out, in->input->index[0]);
    for (size_t i = 0; i < json_array_size(inputs) && i < (size_t)in->input->nb; i++) {
        const char *input = json_string_value(json_array_get(json_array_get(inputs, i), 0));
        if (input && strcmp(input, name) == 0) return tensors_add(r, out, in->input->index[i]);
    }
    return fail(r, name, "an input layer of a nested model that nothing is connected to");
}

/* "<prefix><name>" for a layer in `in`. Free with dcpg_free. */
static dcpg_status full_name(reader *r, const scope *in, const char *name, char **full) {
    *full = NULL;
    if (!*name) return dcpg_fail(r->err, DCPG_E_INPUT, "%s: a layer has no name", r->origin);
    if (strlen(in->prefix) + strlen(name) > MAX_NAME)
        return dcpg_fail(r->err, DCPG_E_INPUT, "%s: layer %.60s...: its name has more than %d letters",
                         r->origin, name, MAX_NAME);
    *full = dcpg_format("%s%s", in->prefix, name);
    return *full ? DCPG_OK : dcpg_fail_nomem(r->err, "a layer name", strlen(name));
}

/* Reads the next layer of a functional model, called `name`. */
static dcpg_status read_called(reader *r, const scope *in, const json_t *model, const json_t *layer,
                               const char *name, nodes *known) {
    const json_t *inbound = json_object_get(layer, "inbound_nodes");
    tensors source = {0}, *out = &known->v[known->nb].out;
    char *full = NULL;
    if (json_array_size(inbound) > 1)
        return fail(r, name, "a layer that is applied more than once does not run here");
    if (strcmp(text_of(layer, "class_name"), "InputLayer") == 0)
        return in->input ? nested_input(r, in, json_object_get(model, "input_layers"), name, out)
                         : read_input(r, layer, name, out);
    dcpg_status status = full_name(r, in, name, &full);
    if (status == DCPG_OK) status = resolve_call(r, known, json_array_get(inbound, 0), name, &source);
    if (status == DCPG_OK) status = read_layer(r, in, layer, full, &source, out);
    dcpg_free(full);
    tensors_free(&source);
    return status;
}

static dcpg_status read_node(reader *r, const scope *in, const json_t *model, const json_t *layer,
                             nodes *known) {
    const char *name = text_of(layer, "name");
    if (!*name) name = text_of(json_object_get(layer, "config"), "name");
    if (!*name) return dcpg_fail(r->err, DCPG_E_INPUT, "%s: a layer has no name", r->origin);
    known->v[known->nb].name = name;
    DCPG_TRY(read_called(r, in, model, layer, name, known));
    nodes_know(known);
    return DCPG_OK;
}

static dcpg_status read_functional(reader *r, const scope *in, const json_t *model, const char *name,
                                   tensors *out) {
    const json_t *layers = json_object_get(model, "layers");
    size_t nb = json_array_size(layers);
    nodes known;
    if (nb == 0 || nb > MAX_KERAS_LAYERS) return fail(r, name, "a model needs a list of 1 to 10000 layers");
    dcpg_status status = nodes_new(r, nb, &known);
    for (size_t i = 0; i < nb && status == DCPG_OK; i++)
        status = read_node(r, in, model, json_array_get(layers, i), &known);
    if (status == DCPG_OK)
        status = resolve_all(r, &known, json_object_get(model, "output_layers"), name, out);
    nodes_free(&known);
    return status;
}

/* Reads a chain of layers. The config is the list or, since Keras 2.2.3, an object that holds it. */
static dcpg_status read_sequential(reader *r, const scope *in, const json_t *model, const char *name,
                                   tensors *out) {
    const json_t *layers = json_is_array(model) ? model : json_object_get(model, "layers");
    size_t nb = json_array_size(layers);
    if (nb == 0 || nb > MAX_KERAS_LAYERS) return fail(r, name, "a model needs a list of 1 to 10000 layers");
    if (in->input && in->input->nb != 1) return fail(r, name, "a Sequential model needs one source");
    if (in->input) DCPG_TRY(tensors_add(r, out, in->input->index[0]));
    for (size_t i = 0; i < nb; i++) {
        const json_t *layer = json_array_get(layers, i);
        const char *own = text_of(json_object_get(layer, "config"), "name");
        tensors next = {0};
        char *full = NULL;
        bool is_input = strcmp(text_of(layer, "class_name"), "InputLayer") == 0;
        if (is_input && in->input) continue;
        if (!is_input && out->nb != 1)
            return fail(r, *own ? own : name,
                        "a Sequential model must start with an InputLayer called dna, cpg/state or cpg/dist");
        dcpg_status status = full_name(r, in, own, &full);
        if (status == DCPG_OK)
            status = is_input ? read_input(r, layer, own, &next) : read_layer(r, in, layer, full, out, &next);
        dcpg_free(full);
        tensors_free(out);
        *out = next;
        if (status != DCPG_OK) return status;
    }
    return DCPG_OK;
}

static dcpg_status read_container(reader *r, const scope *in, const json_t *layer, const char *name,
                                  tensors *out) {
    const json_t *config = json_object_get(layer, "config");
    if (in->depth > MAX_NESTING) return fail(r, name, "models are nested too deeply");
    if (strcmp(text_of(layer, "class_name"), "Sequential") == 0)
        return read_sequential(r, in, config, name, out);
    return read_functional(r, in, config, name, out);
}

static dcpg_status read_nested(reader *r, const scope *in, const json_t *layer, const char *name,
                               const tensors *source, tensors *out) {
    char *prefix = dcpg_format("%s/", name);
    if (!prefix) return dcpg_fail_nomem(r->err, "a layer name", strlen(name));
    const json_t *trainable = json_object_get(json_object_get(layer, "config"), "trainable");
    scope inside = {
        .prefix = prefix, .input = source, .time_distributed = in->time_distributed, .depth = in->depth + 1};
    inside.trainable = in->trainable && !json_is_false(trainable);
    dcpg_status status = read_container(r, &inside, layer, name, out);
    dcpg_free(prefix);
    return status;
}

/* Reads any layer except an input. `name` is its name in the graph. */
static dcpg_status read_layer(reader *r, const scope *in, const json_t *layer, const char *name,
                              const tensors *source, tensors *out) {
    const char *class_name = text_of(layer, "class_name");
    bool wrapper = strcmp(class_name, "TimeDistributed") == 0 || strcmp(class_name, "Bidirectional") == 0;
    if (wrapper && in->time_distributed)
        return fail(r, name, "a wrapper does not run here inside TimeDistributed");
    if (is_container(class_name)) return read_nested(r, in, layer, name, source, out);
    if (strcmp(class_name, "TimeDistributed") == 0)
        return read_time_distributed(r, in, layer, name, source, out);
    if (strcmp(class_name, "Bidirectional") == 0) return read_bidirectional(r, in, layer, name, source, out);
    return read_plain(r, in, layer, name, source, out);
}

/* ---- the whole model ---- */

static dcpg_status add_outputs(reader *r, const tensors *out) {
    if (out->nb == 0) return dcpg_fail(r->err, DCPG_E_INPUT, "%s: the model has no outputs", r->origin);
    for (int i = 0; i < out->nb; i++) {
        const dcpg_glayer *layer = &r->graph->layer[out->index[i]];
        if (layer->out.t != 0 || layer->out.c != dcpg_output_kind_of(layer->name).units)
            return fail(r, layer->name,
                        "an output must be one number (three where its name ends in cat_var)");
        DCPG_TRY(dcpg_graph_add_output(r->graph, out->index[i], r->err));
    }
    return DCPG_OK;
}

static dcpg_status read_model(reader *r, const json_t *json) {
    scope top = {.prefix = "", .trainable = true};
    tensors out = {0};
    const char *class_name = text_of(json, "class_name");
    if (!is_container(class_name))
        return dcpg_fail(r->err, DCPG_E_INPUT,
                         "%s: not a Keras model: class_name must be Model or Sequential%s%s", r->origin,
                         *class_name ? ", not " : "", class_name);
    const char *name = text_of(json_object_get(json, "config"), "name");
    if (strlen(name) > MAX_NAME)
        return dcpg_fail(r->err, DCPG_E_INPUT, "%s: the model's name has more than %d letters", r->origin,
                         MAX_NAME);
    dcpg_status status = read_container(r, &top, json, *name ? name : "model", &out);
    if (status == DCPG_OK) status = add_outputs(r, &out);
    tensors_free(&out);
    r->graph->name = dcpg_strdup(*name ? name : "model");
    return status != DCPG_OK || r->graph->name ? status
                                               : dcpg_fail_nomem(r->err, "the model's name", strlen(name));
}

json_t *dcpg_keras_json_load(const char *text, const char *origin, dcpg_err *err) {
    /* Some files hold JSON inside a JSON string, from json.dump(model.to_json(), file). */
    enum { MAX_WRAPS = 3 };
    json_error_t wrong;
    json_t *root = json_loads(text, JSON_DECODE_ANY, &wrong);
    for (int i = 0; i < MAX_WRAPS && json_is_string(root); i++) {
        json_t *inner = json_loads(json_string_value(root), JSON_DECODE_ANY, &wrong);
        json_decref(root);
        root = inner;
    }
    if (!root)
        dcpg_fail(err, DCPG_E_INPUT, "%s: line %d, column %d: not JSON: %s", origin, wrong.line, wrong.column,
                  wrong.text);
    return root;
}

dcpg_status dcpg_keras_parse(const char *json, const char *origin, dcpg_graph **graph, dcpg_err *err) {
    *graph = NULL;
    json_t *root = dcpg_keras_json_load(json, origin, err);
    if (!root) return DCPG_E_INPUT;
    reader r = {.origin = origin, .graph = dcpg_graph_new(), .err = err};
    dcpg_status status = r.graph ? read_model(&r, root) : dcpg_fail_nomem(err, "a graph", sizeof *r.graph);
    json_decref(root);
    if (status == DCPG_OK)
        *graph = r.graph;
    else
        dcpg_graph_free(r.graph);
    return status;
}
