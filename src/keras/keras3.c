/* SPDX-License-Identifier: MIT */
/* Reads weights in the layout of Keras 3: /layers/CLASS[_N]/vars/0, 1 and so on; layers within layers
 * likewise. Files of Keras 2.12 to 2.15 call the first group _layer_checkpoint_dependencies. */
#include "keras/keras3.h"

#include "keras/keras_file.h"
#include "keras/keras_json.h"
#include "keras/keras_names.h"

#include <dcpg/memory.h>

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { MAX_NESTING = 16, MAX_CLASSES = 64, MAX_CLASS = 64 };

/* Where the file keeps the layers of the model. */
typedef struct places {
    const char *origin;
    dcpg_strings name;  /* names in the graph */
    dcpg_strings own;   /* names in the JSON */
    dcpg_strings group; /* groups in the file */
    size_t next;        /* where the next layer to be looked up should be */
    dcpg_err *err;
} places;

/* ---- from the model's JSON to groups ---- */

static const char *text_of(const json_t *object, const char *key) {
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "";
}

static const json_t *config_of(const json_t *layer) { return json_object_get(layer, "config"); }

/* Turns "GlobalAveragePooling1D" into "global_average_pooling1d". */
static void snake_case(const char *class_name, char snake[2 * MAX_CLASS]) {
    size_t n = 0;
    for (size_t i = 0; class_name[i] && i < MAX_CLASS - 1; i++) {
        bool upper = isupper((unsigned char)class_name[i]);
        bool word = upper && i > 0 &&
                    (islower((unsigned char)class_name[i + 1]) || islower((unsigned char)class_name[i - 1]));
        if (word) snake[n++] = '_';
        snake[n++] = (char)tolower((unsigned char)class_name[i]);
    }
    snake[n] = '\0';
}

static dcpg_status add_place(places *p, const char *name, const char *own, const char *group) {
    DCPG_TRY(dcpg_strings_add(&p->name, name, p->err));
    DCPG_TRY(dcpg_strings_add(&p->own, own, p->err));
    return dcpg_strings_add(&p->group, group, p->err);
}

static dcpg_status place_container(places *p, const json_t *layer, const char *prefix, const char *group,
                                   int depth);

/* Notes the place of a layer, called `name` in the graph, whose group in the file is `group`. */
static dcpg_status place_layer(places *p, const json_t *layer, const char *name, const char *group,
                               int depth) {
    const char *class_name = text_of(layer, "class_name");
    bool wrapper = strcmp(class_name, "TimeDistributed") == 0;
    bool container = json_is_array(json_object_get(config_of(layer), "layers"));
    if (!wrapper && !container) return add_place(p, name, text_of(config_of(layer), "name"), group);
    if (depth > MAX_NESTING)
        return dcpg_fail(p->err, DCPG_E_INPUT, "%s: layer %s: models are nested too deeply", p->origin, name);
    char *path = wrapper ? dcpg_format("%s/layer", group) : dcpg_format("%s/", name);
    if (!path) return dcpg_fail_nomem(p->err, "a path", strlen(group));
    dcpg_status status =
        wrapper ? place_layer(p, json_object_get(config_of(layer), "layer"), name, path, depth + 1)
                : place_container(p, layer, path, group, depth + 1);
    dcpg_free(path);
    return status;
}

/* Number of layers of each class in a container so far. */
typedef struct counts {
    char name[MAX_CLASSES][2 * MAX_CLASS];
    int64_t n[MAX_CLASSES];
    int nb;
} counts;

/* Number of the next layer of a class; -1: too many classes. */
static int64_t count(counts *known, const char *snake) {
    int i = 0;
    while (i < known->nb && strcmp(known->name[i], snake) != 0) i++;
    if (i == MAX_CLASSES) return -1;
    if (i == known->nb) {
        snprintf(known->name[known->nb++], sizeof known->name[0], "%s", snake);
        known->n[i] = 0;
    }
    return known->n[i]++;
}

/* Notes the places of a member of a container, in a group inside `group`. */
static dcpg_status place_member(places *p, const json_t *layer, const char *prefix, const char *group,
                                counts *known, int depth) {
    char snake[2 * MAX_CLASS];
    snake_case(text_of(layer, "class_name"), snake);
    int64_t number = count(known, snake);
    if (number < 0)
        return dcpg_fail(p->err, DCPG_E_INPUT, "%s: layers of more than %d classes", p->origin, MAX_CLASSES);
    const char *name = text_of(config_of(layer), "name");
    if (!*name) name = text_of(layer, "name");
    char *full = dcpg_format("%s%s", prefix, name);
    char *path =
        number > 0 ? dcpg_format("%s/%s_%" PRId64, group, snake, number) : dcpg_format("%s/%s", group, snake);
    dcpg_status status = full && path ? place_layer(p, layer, full, path, depth)
                                      : dcpg_fail_nomem(p->err, "a path", strlen(group));
    dcpg_free(full);
    dcpg_free(path);
    return status;
}

/* Notes the places of the layers of a model, in `group`/layers. */
static dcpg_status place_container(places *p, const json_t *layer, const char *prefix, const char *group,
                                   int depth) {
    const json_t *config = config_of(layer);
    const json_t *layers = json_is_array(config) ? config : json_object_get(config, "layers");
    char *inside = depth > 0 ? dcpg_format("%s/layers", group) : dcpg_strdup(group);
    counts *known = dcpg_alloc(1, sizeof *known);
    dcpg_status status = inside && known ? DCPG_OK : dcpg_fail_nomem(p->err, "a path", sizeof *known);
    for (size_t i = 0; i < json_array_size(layers) && status == DCPG_OK; i++)
        status = place_member(p, json_array_get(layers, i), prefix, inside, known, depth);
    dcpg_free(inside);
    dcpg_free(known);
    return status;
}

/* The index of a layer's place, or that of the dense layer inside it: a wrapped model that became one layer
 * NAME is listed as "NAME/...". -1: not found. */
static ptrdiff_t place_of(places *p, const char *name) {
    size_t n = p->name.n, length = strlen(name);
    for (size_t i = 0; i < n; i++) {
        size_t at = (p->next + i) % n;
        if (strcmp(p->name.v[at], name) != 0) continue;
        p->next = at + 1;
        return (ptrdiff_t)at;
    }
    for (size_t i = 0; i < n; i++)
        if (strncmp(p->name.v[i], name, length) == 0 && p->name.v[i][length] == '/' &&
            strstr(p->group.v[i], "/dense"))
            return (ptrdiff_t)i;
    return -1;
}

/* ---- reading ---- */

typedef struct reading {
    dcpg_h5 *file;
    const dcpg_graph *graph;
    const dcpg_weights *weights;
    places places;
    int next;     /* where the next weight should be */
    int64_t done; /* arrays read */
    dcpg_err *err;
} reading;

/* A layer's name in the file, if there is one, must be that of the model. */
static dcpg_status check_name(reading *r, const char *vars, const char *layer) {
    char *stored = NULL;
    if (!dcpg_h5_has_attr(r->file, vars, "name")) return DCPG_OK;
    DCPG_TRY(dcpg_h5_read_attr_string(r->file, vars, "name", &stored, r->err));
    dcpg_status status = DCPG_OK;
    if (strcmp(layer, stored) != 0)
        status = dcpg_fail(
            r->err, DCPG_E_INPUT,
            "%s: %s holds weights of layer %s, where the model has %s: do the weights belong to it?",
            dcpg_h5_path(r->file), vars, stored, layer);
    dcpg_free(stored);
    return status;
}

/* Takes weight[nb] of a layer from the group `vars`, in order. */
static dcpg_status take_vars(reading *r, const char *layer, const char *vars, const dcpg_weight *weight,
                             int nb) {
    keras_arrays arrays = {.file = r->file, .group = vars, .layer = layer, .err = r->err};
    char name[16];
    for (int w = 0; w < nb; w++) {
        struct dcpg_weight_value *to = dcpg_keras_find_from(r->weights, r->next, layer, weight[w].name);
        r->next = (int)(to - r->weights->entry) + 1;
        snprintf(name, sizeof name, "%d", w);
        DCPG_TRY(dcpg_keras_read_array(&arrays, name, weight[w].ndim, weight[w].shape, to->value));
        r->done++;
    }
    return DCPG_OK;
}

/* Takes weight[nb] of a layer from the group `within` its own. */
static dcpg_status take_part(reading *r, int index, ptrdiff_t place, const char *within,
                             const dcpg_weight *weight, int nb) {
    const char *layer = r->graph->layer[index].name, *group = r->places.group.v[place];
    char *vars = dcpg_format("%s%s/vars", group, within);
    if (!vars) return dcpg_fail_nomem(r->err, "a path", strlen(group));
    dcpg_status status = *within ? DCPG_OK : check_name(r, vars, r->places.own.v[place]);
    if (status == DCPG_OK) status = take_vars(r, layer, vars, weight, nb);
    dcpg_free(vars);
    return status;
}

static dcpg_status take_layer(reading *r, int index) {
    dcpg_weight weight[DCPG_MAX_WEIGHTS];
    const dcpg_glayer *layer = &r->graph->layer[index];
    int nb = dcpg_graph_weights(r->graph, index, weight);
    if (nb == 0) return DCPG_OK;
    ptrdiff_t place = place_of(&r->places, layer->name);
    if (place < 0)
        return dcpg_fail(r->err, DCPG_E_INPUT, "%s: layer %s is not in the model's JSON",
                         dcpg_h5_path(r->file), layer->name);
    if (layer->kind != DCPG_GRU) return take_part(r, index, place, "", weight, nb);
    if (!layer->bidirectional) return take_part(r, index, place, "/cell", weight, nb);
    DCPG_TRY(take_part(r, index, place, "/forward_layer/cell", weight, nb / 2));
    return take_part(r, index, place, "/backward_layer/cell", weight + nb / 2, nb - nb / 2);
}

/* All arrays below the layers must have been read, except for the state of dropout. */
static dcpg_status check_left(reading *r, const char *root) {
    dcpg_strings names = {0};
    int64_t nb = 0;
    DCPG_TRY(dcpg_h5_list_datasets(r->file, root, &names, r->err));
    for (size_t i = 0; i < names.n; i++) nb += strstr(names.v[i], "seed_generator") == NULL;
    dcpg_strings_free(&names);
    if (nb == r->done) return DCPG_OK;
    return dcpg_fail(r->err, DCPG_E_INPUT,
                     "%s: it holds %" PRId64 " arrays below %s, the model has %" PRId64
                     ": do the weights belong to it?",
                     dcpg_h5_path(r->file), nb, root, r->done);
}

static dcpg_status read_placed(reading *r, const char *root, const char *json) {
    json_t *model = dcpg_keras_json_load(json, "model.json", r->err);
    if (!model) return DCPG_E_INPUT;
    dcpg_status status = place_container(&r->places, model, "", root, 0);
    json_decref(model);
    for (int i = 0; i < r->graph->nb_layer && status == DCPG_OK; i++) status = take_layer(r, i);
    return status == DCPG_OK ? check_left(r, root) : status;
}

const char *dcpg_keras3_root(dcpg_h5 *file) {
    static const char *const roots[] = {"layers", "_layer_checkpoint_dependencies"};
    for (size_t i = 0; i < sizeof roots / sizeof *roots; i++)
        if (dcpg_h5_is_group(file, roots[i])) return roots[i];
    return NULL;
}

dcpg_status dcpg_keras3_read(dcpg_h5 *file, const char *json, const dcpg_graph *graph,
                             const dcpg_weights *weights, dcpg_err *err) {
    char *own = json ? NULL : dcpg_keras_json(graph);
    if (!json && !own) return dcpg_fail_nomem(err, "model.json", 0);
    reading r = {.file = file, .graph = graph, .weights = weights, .err = err};
    r.places = (places){.origin = dcpg_h5_path(file), .err = err};
    dcpg_status status = read_placed(&r, dcpg_keras3_root(file), json ? json : own);
    dcpg_strings_free(&r.places.name);
    dcpg_strings_free(&r.places.own);
    dcpg_strings_free(&r.places.group);
    dcpg_free(own);
    return status;
}
