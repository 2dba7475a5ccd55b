/* SPDX-License-Identifier: MIT */
/* Loads a model given as a directory, a complete model, or model.json with weights. */
#include "keras/keras3.h"
#include "keras/keras_file.h"

#include <dcpg/file.h>
#include <dcpg/keras.h>
#include <dcpg/memory.h>

#include <string.h>

/* Limit on the size of model.json, which is a few hundred kilobytes of text. */
static const size_t MAX_JSON = (size_t)1 << 28;

dcpg_status dcpg_keras_cells(const dcpg_graph *graph, dcpg_strings *cells, dcpg_err *err) {
    for (size_t i = 0; i < graph->cells.n; i++) DCPG_TRY(dcpg_strings_add(cells, graph->cells.v[i], err));
    if (graph->cells.n) return DCPG_OK;
    int input = dcpg_graph_find(graph, "cpg/state");
    const char *rest = input >= 0 ? graph->layer[input].inner : NULL;
    while (rest && *rest) {
        const char *end = strstr(rest, "--");
        char *name = dcpg_strndup(rest, end ? (size_t)(end - rest) : strlen(rest));
        dcpg_status status =
            name ? dcpg_strings_add(cells, name, err) : dcpg_fail_nomem(err, "a cell's name", strlen(rest));
        dcpg_free(name);
        if (status != DCPG_OK) return status;
        rest = end ? end + 2 : NULL;
    }
    return DCPG_OK;
}

/* ---- which files ---- */

/* A model's files: its description and its weights, the same file for a complete model. */
typedef struct place {
    char *json, *weights;
} place;

static void place_free(place *at) {
    dcpg_free(at->json);
    dcpg_free(at->weights);
}

/* directory/name if there is such a file, else NULL. */
static char *file_in(const char *directory, const char *name) {
    char *path = dcpg_format("%s/%s", directory, name);
    if (path && dcpg_file_exists(path)) return path;
    dcpg_free(path);
    return NULL;
}

static dcpg_status find_in_directory(const char *directory, place *at, dcpg_err *err) {
    /* The reference's order; model.h5 holds the best weights, too. */
    static const char *const weights[] = {"model_weights.h5", "model_weights_val.h5",
                                          "model_weights_train.h5", "model.h5"};
    at->json = file_in(directory, "model.json");
    if (!at->json) {
        at->weights = file_in(directory, "model.h5");
        return at->weights ? DCPG_OK
                           : dcpg_fail(err, DCPG_E_INPUT,
                                       "%s: no model here: neither model.json nor model.h5", directory);
    }
    for (size_t i = 0; i < sizeof weights / sizeof *weights && !at->weights; i++)
        at->weights = file_in(directory, weights[i]);
    return at->weights ? DCPG_OK
                       : dcpg_fail(err, DCPG_E_INPUT,
                                   "%s: model.json without weights: no model_weights.h5, "
                                   "model_weights_val.h5, model_weights_train.h5 or model.h5",
                                   directory);
}

static dcpg_status find_model(const dcpg_strings *files, place *at, dcpg_err *err) {
    if (files->n < 1 || files->n > 2)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "a model is a directory, a model.h5, or model.json followed by a weights file; not %zu files",
            files->n);
    const char *first = files->v[0];
    for (size_t i = 0; i < files->n; i++) DCPG_TRY(dcpg_keras_refuse_foreign(files->v[i], err));
    if (files->n == 1 && dcpg_is_dir(first)) return find_in_directory(first, at, err);
    if (!dcpg_file_exists(first))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: no such model file or directory", first);
    bool complete = dcpg_keras_is_hdf5(first);
    if (!complete && files->n == 1)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: name its weights file after it", first);
    if (!complete || files->n == 2) at->json = dcpg_strdup(first);
    at->weights = dcpg_strdup(files->v[files->n - 1]);
    if (complete && files->n == 1)
        return at->weights ? DCPG_OK : dcpg_fail_nomem(err, "a path", strlen(first));
    return at->json && at->weights ? DCPG_OK : dcpg_fail_nomem(err, "a path", strlen(first));
}

/* Reads the model's JSON from a text file, or from the attribute model_config of a complete model. */
static dcpg_status read_json(const char *path, char **json, dcpg_err *err) {
    dcpg_h5 *file = NULL;
    if (!dcpg_keras_is_hdf5(path)) return dcpg_file_read(path, MAX_JSON, json, err);
    DCPG_TRY(dcpg_h5_open(path, NULL, &file, err));
    dcpg_status status = DCPG_OK;
    if (dcpg_h5_has_attr(file, "/", "model_config"))
        status = dcpg_h5_read_attr_string(file, "/", "model_config", json, err);
    else
        status = dcpg_fail(err, DCPG_E_INPUT,
                           "%s: weights only (no model_config): name its model.json before it", path);
    dcpg_h5_close(file);
    return status;
}

/* ---- loading ---- */

static bool has_conv(const dcpg_graph *graph) {
    for (int i = 0; i < graph->nb_layer; i++)
        if (graph->layer[i].kind == DCPG_CONV) return true;
    return false;
}

/* Logs which back end the weights are taken to come from, if that matters. */
static void log_backend(const char *path, const dcpg_graph *graph, const keras_origin *origin,
                        const char *backend, dcpg_log *log) {
    const char *is = origin->theano ? "theano" : "tensorflow";
    if (!has_conv(graph) || origin->keras3) return;
    if (origin->names_backend && backend && strcmp(backend, is) != 0)
        dcpg_warn(log, "%s says it was written with %s: --keras_backend %s is ignored", path, is, backend);
    if (!origin->names_backend && !backend)
        dcpg_info(log,
                  "%s does not say which Keras back end wrote it: taken for %s (convolution kernels %s); "
                  "--keras_backend overrides this",
                  path, is, origin->theano ? "flipped" : "not flipped");
}

static dcpg_status load(const dcpg_strings *files, const char *backend, dcpg_log *log, char **json,
                        dcpg_model *model, dcpg_err *err) {
    place at = {0};
    keras_origin origin = {0};
    dcpg_status status = find_model(files, &at, err);
    const char *described = at.json ? at.json : at.weights;
    if (status == DCPG_OK) status = read_json(described, json, err);
    if (status == DCPG_OK) status = dcpg_keras_parse(*json, described, &model->graph, err);
    const keras_weights_file from = {.path = at.weights, .json = *json, .backend = backend};
    if (status == DCPG_OK)
        status = dcpg_keras_read_weights_of(&from, model->graph, &model->weights, &origin, err);
    if (status == DCPG_OK) status = dcpg_keras_read_data(at.json, at.weights, model->graph, err);
    if (status == DCPG_OK) log_backend(at.weights, model->graph, &origin, backend, log);
    place_free(&at);
    return status;
}

/* Gives rank 0's text to all ranks. Collective. */
static dcpg_status spread_text_all(const dcpg_par *par, char **text, dcpg_err *err) {
    uint64_t size = *text ? strlen(*text) + 1 : 0;
    dcpg_bcast_all(par, &size, sizeof size, 0);
    if (par->rank != 0) *text = dcpg_alloc(size, 1);
    DCPG_TRY(dcpg_agree_all(par, *text ? DCPG_OK : dcpg_fail_nomem(err, "a model's description", size), err));
    dcpg_bcast_all(par, *text, size, 0);
    return DCPG_OK;
}

static dcpg_status receive(const char *json, dcpg_model *model, dcpg_err *err) {
    DCPG_TRY(dcpg_keras_parse(json, "model", &model->graph, err));
    return dcpg_weights_new(model->graph, &model->weights, err);
}

static dcpg_status spread_all(const dcpg_par *par, char **json, dcpg_model *model, dcpg_err *err) {
    DCPG_TRY(spread_text_all(par, json, err));
    DCPG_TRY(dcpg_agree_all(par, par->rank == 0 ? DCPG_OK : receive(*json, model, err), err));
    for (int i = 0; i < model->weights.nb; i++) {
        const struct dcpg_weight_value *entry = &model->weights.entry[i];
        const dcpg_weight weight = {.ndim = entry->ndim,
                                    .shape = {entry->shape[0], entry->shape[1], entry->shape[2]}};
        dcpg_bcast_all(par, entry->value, (size_t)dcpg_weight_size(&weight) * sizeof *entry->value, 0);
    }
    return dcpg_keras_spread_data_all(par, model->graph, err);
}

void dcpg_model_free(dcpg_model *model) {
    dcpg_graph_free(model->graph);
    dcpg_weights_free(&model->weights);
    model->graph = NULL;
}

dcpg_status dcpg_model_load_all(const dcpg_strings *files, const char *backend, const dcpg_par *par,
                                dcpg_log *log, dcpg_model *model, dcpg_err *err) {
    char *json = NULL;
    *model = (dcpg_model){0};
    dcpg_status status = par->rank == 0 ? load(files, backend, log, &json, model, err) : DCPG_OK;
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = spread_all(par, &json, model, err);
    dcpg_free(json);
    if (status != DCPG_OK) dcpg_model_free(model);
    return status;
}

/* Whether the only file is a model's description without weights. For rank 0. */
static bool is_description(const dcpg_strings *files) {
    return files->n == 1 && !dcpg_is_dir(files->v[0]) && dcpg_file_exists(files->v[0]) &&
           !dcpg_keras_is_hdf5(files->v[0]);
}

/* Describes a model.json without weights. Collective. */
static dcpg_status describe_json_all(const char *path, const dcpg_par *par, dcpg_graph **graph,
                                     dcpg_err *err) {
    char *json = NULL;
    dcpg_status status = par->rank == 0 ? dcpg_keras_refuse_foreign(path, err) : DCPG_OK;
    if (status == DCPG_OK && par->rank == 0) status = dcpg_file_read(path, MAX_JSON, &json, err);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = spread_text_all(par, &json, err);
    if (status == DCPG_OK) status = dcpg_agree_all(par, dcpg_keras_parse(json, path, graph, err), err);
    dcpg_free(json);
    return status;
}

dcpg_status dcpg_model_describe_all(const dcpg_strings *files, const char *backend, const dcpg_par *par,
                                    dcpg_graph **graph, bool *weights, dcpg_err *err) {
    bool alone = par->rank == 0 && is_description(files);
    dcpg_model model;
    *graph = NULL;
    dcpg_bcast_all(par, &alone, sizeof alone, 0);
    *weights = !alone;
    if (alone) return describe_json_all(files->v[0], par, graph, err);
    DCPG_TRY(dcpg_model_load_all(files, backend, par, NULL, &model, err));
    dcpg_weights_free(&model.weights);
    *graph = model.graph;
    return DCPG_OK;
}
