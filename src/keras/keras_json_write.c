/* SPDX-License-Identifier: MIT */
/* Writes a graph as model.json: the functional model that Keras 2.2 would write. jansson keeps the order in
 * which keys are set, so the text depends on the graph alone. */
#include "keras/keras_names.h"

#include <dcpg/keras.h>
#include <dcpg/memory.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Every function here returns a new object, NULL when out of memory. json_pack with "o" takes over an object
 * and fails if it is NULL. */

/* The number with the shortest decimal form that rounds to the float `value`: 0.99, as a user wrote it,
 * rather than the nearest float. */
static double written(float value) {
    char text[32];
    for (int digits = 1; digits <= 9; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    return strtod(text, NULL);
}

static json_t *initializer(const char *class_name) {
    return json_pack("{s:s,s:{}}", "class_name", class_name, "config");
}

static json_t *glorot_uniform(void) {
    return json_pack("{s:s,s:{s:f,s:s,s:s,s:n}}", "class_name", "VarianceScaling", "config", "scale", 1.0,
                     "mode", "fan_avg", "distribution", "uniform", "seed");
}

static json_t *penalty(const dcpg_glayer *layer) {
    if (layer->l1 == 0 && layer->l2 == 0) return json_null();
    return json_pack("{s:s,s:{s:f,s:f}}", "class_name", "L1L2", "config", "l1", (double)layer->l1, "l2",
                     (double)layer->l2);
}

/* Adds to `config` the settings with which all layers with a kernel end. Takes over `config`. */
static json_t *weighted(json_t *config, const dcpg_glayer *layer) {
    json_t *rest = json_pack("{s:b,s:o,s:o,s:o,s:n,s:n,s:n,s:n}", "use_bias", layer->bias,
                             "kernel_initializer", glorot_uniform(), "bias_initializer", initializer("Zeros"),
                             "kernel_regularizer", penalty(layer), "bias_regularizer", "activity_regularizer",
                             "kernel_constraint", "bias_constraint");
    bool done = config && rest && json_object_update(config, rest) == 0;
    json_decref(rest);
    if (done) return config;
    json_decref(config);
    return NULL;
}

static json_t *conv_config(const dcpg_glayer *layer) {
    json_t *config = json_pack(
        "{s:s,s:b,s:I,s:[I],s:[I],s:s,s:s,s:[I],s:s}", "name", layer->name, "trainable", layer->trainable,
        "filters", (json_int_t)layer->units, "kernel_size", (json_int_t)layer->k, "strides",
        (json_int_t)layer->stride, "padding", layer->same ? "same" : "valid", "data_format", "channels_last",
        "dilation_rate", (json_int_t)layer->dilation, "activation", dcpg_activation_name(layer->activation));
    return weighted(config, layer);
}

static json_t *dense_config(const dcpg_glayer *layer, const char *name, dcpg_activation activation) {
    json_t *config = json_pack("{s:s,s:b,s:I,s:s}", "name", name, "trainable", layer->trainable, "units",
                               (json_int_t)layer->units, "activation", dcpg_activation_name(activation));
    return weighted(config, layer);
}

static json_t *activation_config(const char *name, bool trainable, dcpg_activation activation) {
    if (activation == DCPG_SCALED_SIGMOID)
        return json_pack("{s:s,s:b,s:f}", "name", name, "trainable", trainable, "scaling", 0.251);
    return json_pack("{s:s,s:b,s:s}", "name", name, "trainable", trainable, "activation",
                     dcpg_activation_name(activation));
}

static json_t *batch_norm_config(const dcpg_glayer *layer) {
    return json_pack("{s:s,s:b,s:i,s:f,s:f,s:b,s:b,s:o,s:o,s:o,s:o,s:n,s:n,s:n,s:n}", "name", layer->name,
                     "trainable", layer->trainable, "axis", -1, "momentum", written(layer->momentum),
                     "epsilon", written(layer->epsilon), "center", 1, "scale", 1, "beta_initializer",
                     initializer("Zeros"), "gamma_initializer", initializer("Ones"),
                     "moving_mean_initializer", initializer("Zeros"), "moving_variance_initializer",
                     initializer("Ones"), "beta_regularizer", "gamma_regularizer", "beta_constraint",
                     "gamma_constraint");
}

static json_t *gru_config(const dcpg_glayer *layer, const char *name) {
    json_t *orthogonal =
        json_pack("{s:s,s:{s:f,s:n}}", "class_name", "Orthogonal", "config", "gain", 1.0, "seed");
    return json_pack("{s:s,s:b,s:b,s:b,s:b,s:b,s:b,s:I,s:s,s:s,s:b,s:o,s:o,s:o,s:o,s:n,s:n,s:n,s:n,s:n,s:n,s:"
                     "f,s:f,s:i,s:b}",
                     "name", name, "trainable", layer->trainable, "return_sequences", layer->sequences,
                     "return_state", 0, "go_backwards", 0, "stateful", 0, "unroll", 0, "units",
                     (json_int_t)layer->units, "activation", "tanh", "recurrent_activation",
                     dcpg_activation_name(layer->recurrent_activation), "use_bias", layer->bias,
                     "kernel_initializer", glorot_uniform(), "recurrent_initializer", orthogonal,
                     "bias_initializer", initializer("Zeros"), "kernel_regularizer", penalty(layer),
                     "recurrent_regularizer", "bias_regularizer", "activity_regularizer", "kernel_constraint",
                     "recurrent_constraint", "bias_constraint", "dropout", 0.0, "recurrent_dropout", 0.0,
                     "implementation", 1, "reset_after", layer->reset_after);
}

/* [[[source, 0, 0, {}], ...]] */
static json_t *inbound(const dcpg_graph *graph, const dcpg_glayer *layer) {
    json_t *sources = json_array();
    for (int i = 0; i < layer->nb_source; i++)
        if (json_array_append_new(sources,
                                  json_pack("[s,i,i,{}]", graph->layer[layer->source[i]].name, 0, 0)) != 0) {
            json_decref(sources);
            return NULL;
        }
    return json_pack(layer->nb_source ? "[o]" : "o", sources);
}

static json_t *input_object(const char *name, json_t *shape, json_t *nodes) {
    return json_pack("{s:s,s:s,s:{s:o,s:s,s:b,s:s},s:o}", "name", name, "class_name", "InputLayer", "config",
                     "batch_input_shape", shape, "dtype", "float32", "sparse", 0, "name", name,
                     "inbound_nodes", nodes);
}

static json_t *layer_object(const char *name, const char *class_name, json_t *config, json_t *nodes) {
    return json_pack("{s:s,s:s,s:o,s:o}", "name", name, "class_name", class_name, "config", config,
                     "inbound_nodes", nodes);
}

/* The whole config of a wrapper: name, trainable, layer. */
static json_t *wrapper_config(const dcpg_glayer *layer, const char *class_name, json_t *inner) {
    return json_pack("{s:s,s:b,s:{s:s,s:o}}", "name", layer->name, "trainable", layer->trainable, "layer",
                     "class_name", class_name, "config", inner);
}

static json_t *bidirectional_config(const dcpg_glayer *layer) {
    json_t *config = wrapper_config(layer, "GRU", gru_config(layer, keras_inner_name(layer)));
    if (config && json_object_set_new(config, "merge_mode", json_string("concat")) == 0) return config;
    json_decref(config);
    return NULL;
}

/* ---- a dense layer over time: a model of input, dense and activation, wrapped ---- */

/* Number, from 1, of a layer among those wrapped in TimeDistributed. */
static int wrapped_number(const dcpg_graph *graph, const dcpg_glayer *layer) {
    int number = 1;
    for (int i = 0; i < graph->nb_layer && &graph->layer[i] != layer; i++)
        number += graph->layer[i].time_distributed;
    return number;
}

/* The n-th number, from 1, that no layer called ...activation_NUMBER uses: the number that Keras gave the
 * inner activation. */
static int free_activation_number(const dcpg_graph *graph, int n) {
    for (int number = 1;; number++) {
        bool used = false;
        for (int i = 0; i < graph->nb_layer && !used; i++) {
            const char *name = keras_base_name(graph->layer[i].name);
            used = strncmp(name, "activation_", 11) == 0 && atoi(name + 11) == number;
        }
        if (!used && --n == 0) return number;
    }
}

static json_t *time_distributed_config(const dcpg_graph *graph, const dcpg_glayer *layer) {
    char model[32], input[32], activation[48];
    int number = wrapped_number(graph, layer);
    const char *dense = keras_inner_name(layer),
               *last = layer->activation == DCPG_LINEAR ? dense : activation;
    snprintf(model, sizeof model, "model_%d", number);
    snprintf(input, sizeof input, "input_%d", number);
    snprintf(activation, sizeof activation, "activation_%d", free_activation_number(graph, number));
    json_t *layers = json_array();
    json_t *shape = json_pack("[n,I]", (json_int_t)graph->layer[layer->source[0]].out.c);
    bool done = json_array_append_new(layers, input_object(input, shape, json_array())) == 0;
    done = done &&
           json_array_append_new(layers, layer_object(dense, "Dense", dense_config(layer, dense, DCPG_LINEAR),
                                                      json_pack("[[[s,i,i,{}]]]", input, 0, 0))) == 0;
    if (last == activation)
        done = done && json_array_append_new(
                           layers, layer_object(activation,
                                                layer->activation == DCPG_SCALED_SIGMOID ? "ScaledSigmoid"
                                                                                         : "Activation",
                                                activation_config(activation, true, layer->activation),
                                                json_pack("[[[s,i,i,{}]]]", dense, 0, 0))) == 0;
    json_t *inner = json_pack("{s:s,s:o,s:[[s,i,i]],s:[[s,i,i]]}", "name", model, "layers", layers,
                              "input_layers", input, 0, 0, "output_layers", last, 0, 0);
    if (!done) {
        json_decref(inner);
        inner = NULL;
    }
    return wrapper_config(layer, "Model", inner);
}

/* ---- layers and model ---- */

static json_t *simple_config(const dcpg_glayer *layer) {
    return json_pack("{s:s,s:b}", "name", layer->name, "trainable", layer->trainable);
}

static json_t *pooled_config(const dcpg_glayer *layer) {
    return json_pack("{s:s,s:b,s:[I],s:[I],s:s,s:s}", "name", layer->name, "trainable", layer->trainable,
                     "strides", (json_int_t)layer->k, "pool_size", (json_int_t)layer->k, "padding", "valid",
                     "data_format", "channels_last");
}

static json_t *format_config(const dcpg_glayer *layer) {
    return json_pack("{s:s,s:b,s:s}", "name", layer->name, "trainable", layer->trainable, "data_format",
                     "channels_last");
}

/* Keras writes axis 2 for joining states and distances, -1 elsewhere. */
static json_t *concat_config(const dcpg_graph *graph, const dcpg_glayer *layer) {
    int axis = graph->layer[layer->source[0]].kind == DCPG_INPUT ? 2 : -1;
    return json_pack("{s:s,s:b,s:i}", "name", layer->name, "trainable", layer->trainable, "axis", axis);
}

static json_t *dropout_config(const dcpg_glayer *layer) {
    return json_pack("{s:s,s:b,s:f,s:n,s:n}", "name", layer->name, "trainable", layer->trainable, "rate",
                     written(layer->rate), "noise_shape", "seed");
}

static json_t *write_layer(const dcpg_graph *graph, const dcpg_glayer *layer) {
    json_t *nodes = inbound(graph, layer);
    const char *name = layer->name;
    switch (layer->kind) {
    case DCPG_INPUT:
        return input_object(name, json_pack("[n,I,I]", (json_int_t)layer->out.t, (json_int_t)layer->out.c),
                            nodes);
    case DCPG_CONV:
        return layer_object(name, "Conv1D", conv_config(layer), nodes);
    case DCPG_DENSE:
        if (layer->time_distributed)
            return layer_object(name, "TimeDistributed", time_distributed_config(graph, layer), nodes);
        return layer_object(name, "Dense", dense_config(layer, name, layer->activation), nodes);
    case DCPG_ACTIVATION:
        return layer_object(name, layer->activation == DCPG_SCALED_SIGMOID ? "ScaledSigmoid" : "Activation",
                            activation_config(name, layer->trainable, layer->activation), nodes);
    case DCPG_MAX_POOL:
        return layer_object(name, "MaxPooling1D", pooled_config(layer), nodes);
    case DCPG_BATCH_NORM:
        return layer_object(name, "BatchNormalization", batch_norm_config(layer), nodes);
    case DCPG_FLATTEN:
        return layer_object(name, "Flatten", format_config(layer), nodes);
    case DCPG_MEAN:
        return layer_object(name, "GlobalAveragePooling1D", format_config(layer), nodes);
    case DCPG_GRU:
        if (layer->bidirectional)
            return layer_object(name, "Bidirectional", bidirectional_config(layer), nodes);
        return layer_object(name, "GRU", gru_config(layer, name), nodes);
    case DCPG_CONCAT:
        return layer_object(name, "Concatenate", concat_config(graph, layer), nodes);
    case DCPG_ADD:
        return layer_object(name, "Add", simple_config(layer), nodes);
    case DCPG_DROPOUT:
        return layer_object(name, "Dropout", dropout_config(layer), nodes);
    }
    json_decref(nodes);
    return NULL;
}

static int append_reference(json_t *list, const char *name) {
    return json_array_append_new(list, json_pack("[s,i,i]", name, 0, 0));
}

static json_t *write_config(const dcpg_graph *graph) {
    static const char *const inputs[] = {"dna", "cpg/state", "cpg/dist"};
    json_t *layers = json_array(), *in = json_array(), *out = json_array();
    bool done = layers && in && out;
    for (int i = 0; i < graph->nb_layer && done; i++)
        done = json_array_append_new(layers, write_layer(graph, &graph->layer[i])) == 0;
    for (int i = 0; i < 3 && done; i++)
        if (dcpg_graph_find(graph, inputs[i]) >= 0) done = append_reference(in, inputs[i]) == 0;
    for (int i = 0; i < graph->nb_output && done; i++)
        done = append_reference(out, graph->layer[graph->output[i]].name) == 0;
    json_t *config = json_pack("{s:s,s:o,s:o,s:o}", "name", graph->name ? graph->name : "model", "layers",
                               layers, "input_layers", in, "output_layers", out);
    if (done) return config;
    json_decref(config);
    return NULL;
}

static char *text_of(json_t *root) {
    char *text = root ? json_dumps(root, JSON_REAL_PRECISION(16)) : NULL,
         *copy = text ? dcpg_strdup(text) : NULL;
    free(text);
    json_decref(root);
    return copy;
}

char *dcpg_keras_model_config(const dcpg_graph *graph) {
    return text_of(json_pack("{s:s,s:o}", "class_name", "Model", "config", write_config(graph)));
}

char *dcpg_keras_json(const dcpg_graph *graph) {
    return text_of(json_pack("{s:s,s:o,s:s,s:s}", "class_name", "Model", "config", write_config(graph),
                             "keras_version", KERAS_VERSION, "backend", KERAS_BACKEND));
}
