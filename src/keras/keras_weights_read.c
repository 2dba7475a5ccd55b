/* SPDX-License-Identifier: MIT */
/* Reads weights from a Keras HDF5 file in the order of layer_names and weight_names; the layout of each array
 * follows from its name. */
#include "keras/keras3.h"
#include "keras/keras_file.h"
#include "keras/keras_names.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* ---- arrays of a layer ---- */

const char *dcpg_keras_next(const keras_arrays *arrays) {
    return arrays->next < arrays->names.n ? arrays->names.v[arrays->next] : NULL;
}

/* Whether `array` is Keras 2's name ("dense_1/kernel:0", with Theano "dense_1/kernel") for `weight`. */
static bool is_named(const char *array, const char *weight) {
    const char *base = keras_base_name(array);
    size_t length = strcspn(base, ":");
    return strlen(weight) == length && strncmp(base, weight, length) == 0;
}

static dcpg_status array_path(keras_arrays *arrays, const char *name, char **path) {
    *path = dcpg_format("%s/%s", arrays->group, name);
    return *path ? DCPG_OK : dcpg_fail_nomem(arrays->err, "a path", strlen(name));
}

dcpg_status dcpg_keras_array_shape(keras_arrays *arrays, const char *name, dcpg_h5_shape *shape) {
    char *path = NULL;
    DCPG_TRY(array_path(arrays, name, &path));
    dcpg_status status = DCPG_OK;
    if (!dcpg_h5_exists(arrays->file, path) || dcpg_h5_is_group(arrays->file, path))
        status = dcpg_fail(arrays->err, DCPG_E_INPUT, "%s: array %s of layer %s is missing",
                           dcpg_h5_path(arrays->file), path, arrays->layer);
    else
        status = dcpg_h5_shape_of(arrays->file, path, shape, arrays->err);
    dcpg_free(path);
    return status;
}

/* "[11, 4, 128]" */
static const char *shape_text(int ndim, const int64_t *dim, char text[128]) {
    size_t used = 0;
    text[0] = '\0';
    for (int d = 0; d < ndim && used < 100; d++)
        used += (size_t)snprintf(text + used, 128 - used, "%s%" PRId64, d ? ", " : "[", dim[d]);
    snprintf(text + used, 128 - used, "%s", ndim ? "]" : "[]");
    return text;
}

dcpg_status dcpg_keras_read_array(keras_arrays *arrays, const char *name, int ndim, const int64_t *shape,
                                  float *value) {
    dcpg_h5_shape found;
    char have[128], want[128], *path = NULL;
    DCPG_TRY(dcpg_keras_array_shape(arrays, name, &found));
    bool same = found.ndim == ndim;
    for (int d = 0; same && d < ndim; d++) same = found.dim[d] == shape[d];
    if (!same)
        return dcpg_fail(arrays->err, DCPG_E_INPUT,
                         "%s: layer %s: array %s has the shape %s, the model needs %s",
                         dcpg_h5_path(arrays->file), arrays->layer, name,
                         shape_text(found.ndim, found.dim, have), shape_text(ndim, shape, want));
    DCPG_TRY(array_path(arrays, name, &path));
    dcpg_status status = dcpg_h5_read(arrays->file, path, DCPG_H5_F32, NULL, value, arrays->err);
    dcpg_free(path);
    return status;
}

dcpg_status dcpg_keras_take(keras_arrays *arrays, const char *weight, int ndim, const int64_t *shape,
                            float *value) {
    const char *name = dcpg_keras_next(arrays), *base = keras_base_name(weight);
    if (!name)
        return dcpg_fail(arrays->err, DCPG_E_INPUT, "%s: layer %s: its %s is missing",
                         dcpg_h5_path(arrays->file), arrays->layer, base);
    if (!is_named(name, base) && !dcpg_keras1_is_named(name, base))
        return dcpg_fail(arrays->err, DCPG_E_INPUT, "%s: layer %s: expected its %s, found array %s",
                         dcpg_h5_path(arrays->file), arrays->layer, base, name);
    DCPG_TRY(dcpg_keras_read_array(arrays, name, ndim, shape, value));
    arrays->next++;
    return DCPG_OK;
}

/* ---- from arrays to weights ---- */

typedef struct target {
    const dcpg_graph *graph;
    const dcpg_weights *weights;
    bool *filled; /* [weights->nb] */
    int next;     /* index of the weight that should come next */
} target;

static float *value_of(target *to, int layer, const dcpg_weight *weight) {
    struct dcpg_weight_value *entry =
        dcpg_keras_find_from(to->weights, to->next, to->graph->layer[layer].name, weight->name);
    to->next = (int)(entry - to->weights->entry);
    to->filled[to->next++] = true;
    return entry->value;
}

static dcpg_status take_weight(keras_arrays *arrays, target *to, int layer, const dcpg_weight *weight) {
    float *value = value_of(to, layer, weight);
    const char *name = dcpg_keras_next(arrays);
    if (weight->ndim == 3 && name && dcpg_keras1_is_named(name, "kernel"))
        return dcpg_keras1_take_conv(arrays, weight->shape, value);
    return dcpg_keras_take(arrays, weight->name, weight->ndim, weight->shape, value);
}

/* Takes a layer's moving statistics (`state`), or its other weights. */
static dcpg_status take_layer(keras_arrays *arrays, target *to, int layer, bool state) {
    dcpg_weight weight[DCPG_MAX_WEIGHTS];
    int nb = dcpg_graph_weights(to->graph, layer, weight);
    const dcpg_glayer *like = &to->graph->layer[layer];
    for (int w = 0; w < nb; w++) {
        if (weight[w].state != state) continue;
        if (like->kind == DCPG_GRU && like->bias && !like->reset_after && dcpg_keras1_gates_next(arrays)) {
            DCPG_TRY(dcpg_keras1_take_gates(
                arrays, weight[w].shape[0], like->units, value_of(to, layer, &weight[w]),
                value_of(to, layer, &weight[w + 1]), value_of(to, layer, &weight[w + 2])));
            w += 2;
        } else
            DCPG_TRY(take_weight(arrays, to, layer, &weight[w]));
    }
    return DCPG_OK;
}

/* Whether a graph layer comes from a nested model called `name`. */
static bool is_inside(const char *layer, const char *name) {
    size_t length = strlen(name);
    return strncmp(layer, name, length) == 0 && layer[length] == '/';
}

/* Takes the arrays of a nested model: Keras lists its trained weights first, then its moving statistics. */
static dcpg_status take_nested(keras_arrays *arrays, target *to) {
    bool known = false;
    for (int state = 0; state < 2; state++)
        for (int i = 0; i < to->graph->nb_layer; i++) {
            if (!is_inside(to->graph->layer[i].name, arrays->layer)) continue;
            known = true;
            DCPG_TRY(take_layer(arrays, to, i, state != 0));
        }
    if (known) return DCPG_OK;
    return dcpg_fail(arrays->err, DCPG_E_INPUT,
                     "%s: it holds weights of layer %s, which the model does not have",
                     dcpg_h5_path(arrays->file), arrays->layer);
}

static dcpg_status take_all(keras_arrays *arrays, target *to) {
    int layer = dcpg_graph_find(to->graph, arrays->layer);
    if (layer < 0) DCPG_TRY(take_nested(arrays, to));
    for (int state = 0; state < 2 && layer >= 0; state++) DCPG_TRY(take_layer(arrays, to, layer, state != 0));
    const char *more = dcpg_keras_next(arrays);
    if (!more) return DCPG_OK;
    return dcpg_fail(arrays->err, DCPG_E_INPUT, "%s: layer %s: array %s is one more than the model has",
                     dcpg_h5_path(arrays->file), arrays->layer, more);
}

/* ---- the file ---- */

/* Whether a group has an attribute that is a list of strings; a long list is split into name0, name1 and so
 * on. */
static bool has_list(dcpg_h5 *file, const char *group, const char *name) {
    char first[64];
    snprintf(first, sizeof first, "%s0", name);
    return dcpg_h5_is_group(file, group) &&
           (dcpg_h5_has_attr(file, group, name) || dcpg_h5_has_attr(file, group, first));
}

static dcpg_status read_layer(dcpg_h5 *file, const char *root, const char *layer, target *to,
                              keras_origin *origin, dcpg_err *err) {
    char *group = dcpg_format("%s/%s", root[1] ? root : "", layer);
    keras_arrays arrays = {.file = file, .group = group, .layer = layer, .err = err};
    dcpg_status status = group ? DCPG_OK : dcpg_fail_nomem(err, "a path", strlen(layer));
    if (status == DCPG_OK && !has_list(file, group, "weight_names"))
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: layer %s is missing (no group with weight_names)",
                           dcpg_h5_path(file), layer);
    if (status == DCPG_OK)
        status = dcpg_h5_read_attr_strings(file, group, "weight_names", &arrays.names, err);
    if (status == DCPG_OK && arrays.names.n) {
        /* Keras 1 writes "dense_1_W", Keras 2 "dense_1/kernel:0"; the first array is always a kernel or a
         * batch norm's gamma. */
        origin->keras1 = origin->keras1 || strchr(keras_base_name(arrays.names.v[0]), '_') != NULL;
        status = take_all(&arrays, to);
    }
    dcpg_strings_free(&arrays.names);
    dcpg_free(group);
    return status;
}

static dcpg_status read_layers(dcpg_h5 *file, const char *root, target *to, keras_origin *origin,
                               dcpg_err *err) {
    dcpg_strings layers = {0};
    dcpg_status status = dcpg_h5_read_attr_strings(file, root, "layer_names", &layers, err);
    for (size_t i = 0; i < layers.n && status == DCPG_OK; i++)
        status = read_layer(file, root, layers.v[i], to, origin, err);
    dcpg_strings_free(&layers);
    for (int i = 0; i < to->weights->nb && status == DCPG_OK; i++)
        if (!to->filled[i])
            status =
                dcpg_fail(err, DCPG_E_INPUT, "%s: no %s of layer %s; do the weights belong to this model?",
                          dcpg_h5_path(file), to->weights->entry[i].name, to->weights->entry[i].layer);
    return status;
}

/* Finds the back end that wrote the file: the one named in the file, else the user's choice, else the likely
 * one. */
static dcpg_status find_backend(dcpg_h5 *file, const char *root, const char *backend, keras_origin *origin,
                                dcpg_err *err) {
    char *stored = NULL;
    origin->names_backend = dcpg_h5_has_attr(file, root, "backend");
    if (origin->names_backend) DCPG_TRY(dcpg_h5_read_attr_string(file, root, "backend", &stored, err));
    const char *likely = origin->keras1 ? "theano" : "tensorflow", *chosen = stored    ? stored
                                                                             : backend ? backend
                                                                                       : likely;
    origin->theano = strcmp(chosen, "theano") == 0;
    bool other = !origin->theano && strcmp(chosen, "tensorflow") != 0 && strcmp(chosen, "cntk") != 0;
    dcpg_status status = other ? dcpg_fail(err, stored ? DCPG_E_INPUT : DCPG_E_USAGE,
                                           "%s: back end '%s' is not known (theano and tensorflow are)",
                                           dcpg_h5_path(file), chosen)
                               : DCPG_OK;
    dcpg_free(stored);
    return status;
}

/* Theano convolves where the other back ends correlate, so its kernels are reversed along the filter length.
 */
static void flip_convs(const dcpg_graph *graph, const dcpg_weights *weights) {
    for (int i = 0; i < weights->nb; i++) {
        struct dcpg_weight_value *entry = &weights->entry[i];
        if (entry->ndim != 3 || graph->layer[dcpg_graph_find(graph, entry->layer)].kind != DCPG_CONV)
            continue;
        int64_t row = entry->shape[1] * entry->shape[2];
        for (int64_t low = 0, high = entry->shape[0] - 1; low < high; low++, high--)
            for (int64_t j = 0; j < row; j++) {
                float swap = entry->value[low * row + j];
                entry->value[low * row + j] = entry->value[high * row + j];
                entry->value[high * row + j] = swap;
            }
    }
}

static dcpg_status read_file(dcpg_h5 *file, const char *root, target *to, const char *backend,
                             keras_origin *origin, dcpg_err *err) {
    DCPG_TRY(read_layers(file, root, to, origin, err));
    DCPG_TRY(find_backend(file, root, backend, origin, err));
    if (origin->theano) flip_convs(to->graph, to->weights);
    return DCPG_OK;
}

/* Reads the file in whichever layout it has. */
static dcpg_status read_any(dcpg_h5 *file, const char *json, target *to, const char *backend,
                            keras_origin *origin, dcpg_err *err) {
    const char *root = has_list(file, "/", "layer_names") ? "/" : "/model_weights";
    if (has_list(file, root, "layer_names")) return read_file(file, root, to, backend, origin, err);
    origin->keras3 = dcpg_keras3_root(file) != NULL;
    if (origin->keras3) return dcpg_keras3_read(file, json, to->graph, to->weights, err);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: it holds no weights saved by Keras (no attribute layer_names, no group layers)",
                     dcpg_h5_path(file));
}

dcpg_status dcpg_keras_read_weights_of(const keras_weights_file *from, const dcpg_graph *graph,
                                       dcpg_weights *weights, keras_origin *origin, dcpg_err *err) {
    dcpg_h5 *file = NULL;
    *origin = (keras_origin){0};
    *weights = (dcpg_weights){0};
    DCPG_TRY(dcpg_h5_open(from->path, NULL, &file, err));
    dcpg_status status = dcpg_weights_new(graph, weights, err);
    bool *filled = dcpg_alloc((size_t)weights->nb, sizeof *filled);
    target to = {.graph = graph, .weights = weights, .filled = filled};
    if (status == DCPG_OK && !filled) status = dcpg_fail_nomem(err, "weights", sizeof *filled);
    if (status == DCPG_OK) status = read_any(file, from->json, &to, from->backend, origin, err);
    dcpg_free(filled);
    dcpg_h5_close(file);
    if (status != DCPG_OK) dcpg_weights_free(weights);
    return status;
}

dcpg_status dcpg_keras_read_weights(const char *path, const dcpg_graph *graph, const char *backend,
                                    dcpg_weights *weights, dcpg_err *err) {
    keras_origin origin;
    return dcpg_keras_read_weights_of(&(keras_weights_file){.path = path, .backend = backend}, graph, weights,
                                      &origin, err);
}
