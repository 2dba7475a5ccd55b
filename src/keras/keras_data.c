/* SPDX-License-Identifier: MIT */
/* The data that a model was made for: the cells whose neighbours it reads, in order, and its outputs. They
 * are kept in a file beside model.json, and in attributes of weights files that Keras ignores. */
#include "keras/keras_file.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define CELLS     "dcpg_cells" /* attributes of the root */
#define OUTPUTS   "dcpg_outputs"
#define UNTRAINED "dcpg_untrained"

/* Limit on the size of model_data.json, which holds names and little else. */
static const size_t MAX_JSON = (size_t)1 << 28;

/* ---- writing ---- */

static dcpg_status list_outputs(const dcpg_graph *graph, dcpg_strings *names, dcpg_err *err) {
    for (int o = 0; o < graph->nb_output; o++)
        DCPG_TRY(dcpg_strings_add(names, graph->layer[graph->output[o]].name, err));
    return DCPG_OK;
}

dcpg_status dcpg_keras_write_data(dcpg_h5 *file, const dcpg_graph *graph, dcpg_err *err) {
    dcpg_strings outputs = {0};
    if (graph->cells.n) DCPG_TRY(dcpg_h5_write_attr_strings(file, "/", CELLS, &graph->cells, err));
    dcpg_status status = list_outputs(graph, &outputs, err);
    if (status == DCPG_OK && outputs.n)
        status = dcpg_h5_write_attr_strings(file, "/", OUTPUTS, &outputs, err);
    if (status == DCPG_OK && graph->untrained.n)
        status = dcpg_h5_write_attr_strings(file, "/", UNTRAINED, &graph->untrained, err);
    dcpg_strings_free(&outputs);
    return status;
}

/* A JSON list; NULL: out of memory, or a name is not UTF-8. */
static json_t *list_of(const dcpg_strings *names) {
    json_t *list = json_array();
    for (size_t i = 0; list && i < names->n; i++) {
        json_t *name = json_string(names->v[i]);
        if (!name || json_array_append_new(list, name) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

char *dcpg_keras_data_json(const dcpg_graph *graph) {
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    char *copy = NULL;
    if (list_outputs(graph, &outputs, &err) == DCPG_OK) {
        json_t *root =
            json_pack("{s:o,s:o,s:I,s:I}", "cells", list_of(&graph->cells), "outputs", list_of(&outputs),
                      "dna_wlen", (json_int_t)graph->dna_wlen, "cpg_wlen", (json_int_t)graph->cpg_wlen);
        if (root && graph->untrained.n &&
            json_object_set_new(root, "untrained", list_of(&graph->untrained)) != 0) {
            json_decref(root);
            root = NULL;
        }
        char *text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
        if (text) copy = dcpg_format("%s\n", text);
        free(text);
        json_decref(root);
    }
    dcpg_strings_free(&outputs);
    return copy;
}

/* ---- reading ---- */

static dcpg_status fail_list(const char *path, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: \"cells\" is not a list of names: remove the file, or write it again", path);
}

/* Reads the names of the cells from the text of model_data.json. */
static dcpg_status parse_cells(const char *path, const char *text, dcpg_strings *cells, dcpg_err *err) {
    json_error_t at;
    json_t *root = json_loads(text, 0, &at);
    if (!root)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: line %d, column %d: not JSON: %s", path, at.line, at.column,
                         at.text);
    const json_t *list = json_object_get(root, "cells");
    dcpg_status status = json_is_array(list) ? DCPG_OK : fail_list(path, err);
    for (size_t i = 0; status == DCPG_OK && i < json_array_size(list); i++) {
        const char *name = json_string_value(json_array_get(list, i));
        status = name ? dcpg_strings_add(cells, name, err) : fail_list(path, err);
    }
    json_decref(root);
    return status;
}

static dcpg_status read_json_cells(const char *path, dcpg_strings *cells, dcpg_err *err) {
    char *text = NULL;
    if (!dcpg_file_exists(path)) return DCPG_OK;
    DCPG_TRY(dcpg_file_read(path, MAX_JSON, &text, err));
    dcpg_status status = parse_cells(path, text, cells, err);
    dcpg_free(text);
    return status;
}

static dcpg_status read_attr(dcpg_h5 *file, const char *name, dcpg_strings *names, dcpg_err *err) {
    char first[64]; /* of a long list, which is cut */
    snprintf(first, sizeof first, "%s0", name);
    bool there = dcpg_h5_has_attr(file, "/", name) || dcpg_h5_has_attr(file, "/", first);
    return there ? dcpg_h5_read_attr_strings(file, "/", name, names, err) : DCPG_OK;
}

/* Reads what the weights name. */
static dcpg_status read_attrs(const char *path, dcpg_strings *cells, dcpg_strings *untrained, dcpg_err *err) {
    dcpg_h5 *file = NULL;
    DCPG_TRY(dcpg_h5_open(path, NULL, &file, err));
    dcpg_status status = read_attr(file, CELLS, cells, err);
    if (status == DCPG_OK) status = read_attr(file, UNTRAINED, untrained, err);
    dcpg_h5_close(file);
    return status;
}

static bool same_names(const dcpg_strings *a, const dcpg_strings *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) same = strcmp(a->v[i], b->v[i]) == 0;
    return same;
}

/* model_data.json in the folder of `json`; NULL when out of memory. */
static char *path_beside(const char *json) {
    const char *slash = strrchr(json, '/');
    return dcpg_format("%.*s%s", slash ? (int)(slash - json + 1) : 0, json, DCPG_MODEL_DATA);
}

/* Finds the cells named by the weights or else by the file beside model.json. Untrained outputs are those of
 * the weights, which they are part of. */
static dcpg_status find_cells(const char *json, const char *weights, dcpg_graph *graph, dcpg_err *err) {
    dcpg_strings stored = {0}, *cells = &graph->cells;
    DCPG_TRY(read_attrs(weights, cells, &graph->untrained, err));
    if (!json) return DCPG_OK;
    char *path = path_beside(json);
    dcpg_status status = path ? read_json_cells(path, &stored, err) : dcpg_fail_nomem(err, "a path", 64);
    if (status == DCPG_OK && stored.n && cells->n && !same_names(&stored, cells))
        status = dcpg_fail(err, DCPG_E_INPUT,
                           "%s and %s name different cells: they are not of the same model; remove or "
                           "replace the one that does not belong to it",
                           path, weights);
    if (status == DCPG_OK && cells->n == 0) {
        *cells = stored;
        stored = (dcpg_strings){0};
    }
    dcpg_strings_free(&stored);
    dcpg_free(path);
    return status;
}

dcpg_status dcpg_keras_read_data(const char *json, const char *weights, dcpg_graph *graph, dcpg_err *err) {
    DCPG_TRY(find_cells(json, weights, graph, err));
    if (graph->cells.n == 0 || (int64_t)graph->cells.n == graph->nb_cell) return DCPG_OK;
    if (graph->nb_cell)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: names %zu cells, but the model reads %" PRId64
                         ": they are not of the same model",
                         weights, graph->cells.n, graph->nb_cell);
    dcpg_strings_free(&graph->cells);
    return DCPG_OK;
}

/* ---- between ranks ---- */

/* The names one after the other, each with its NUL; NULL when out of memory. */
static char *pack(const dcpg_strings *names, size_t bytes) {
    char *packed = dcpg_alloc(bytes, 1), *to = packed;
    for (size_t i = 0; packed && i < names->n; i++) to = stpcpy(to, names->v[i]) + 1;
    return packed;
}

static dcpg_status unpack(const char *packed, uint64_t n, dcpg_strings *names, dcpg_err *err) {
    for (uint64_t i = 0; i < n; i++, packed += strlen(packed) + 1)
        DCPG_TRY(dcpg_strings_add(names, packed, err));
    return DCPG_OK;
}

/* Gives rank 0's names to all ranks. Collective. */
static dcpg_status spread_all(const dcpg_par *par, dcpg_strings *names, dcpg_err *err) {
    uint64_t size[2] = {names->n, 0};
    for (size_t i = 0; i < names->n; i++) size[1] += strlen(names->v[i]) + 1;
    dcpg_bcast_all(par, size, sizeof size, 0);
    if (size[0] == 0) return DCPG_OK;
    char *packed = par->rank == 0 ? pack(names, size[1]) : dcpg_alloc(size[1], 1);
    dcpg_status status = dcpg_agree_all(par, packed ? DCPG_OK : dcpg_fail_nomem(err, "names", size[1]), err);
    if (status == DCPG_OK) {
        dcpg_bcast_all(par, packed, size[1], 0);
        status = par->rank == 0 ? DCPG_OK : unpack(packed, size[0], names, err);
        status = dcpg_agree_all(par, status, err);
    }
    dcpg_free(packed);
    return status;
}

dcpg_status dcpg_keras_spread_data_all(const dcpg_par *par, dcpg_graph *graph, dcpg_err *err) {
    DCPG_TRY(spread_all(par, &graph->cells, err));
    return spread_all(par, &graph->untrained, err);
}
