/* SPDX-License-Identifier: MIT */
/* Matches the cells of the data with those that a trained model reads. */
#include "cmd/model_cells.h"

#include <dcpg/keras.h>
#include <dcpg/memory.h>

#include <inttypes.h>
#include <string.h>

static const char *kind_of(const dcpg_cmd_named *data) { return data->store ? "store" : "data set"; }

static bool same_order(const dcpg_strings *a, const dcpg_strings *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) same = strcmp(a->v[i], b->v[i]) == 0;
    return same;
}

static bool has_all(const dcpg_strings *names, const dcpg_strings *wanted) {
    bool has = true;
    for (size_t i = 0; has && i < wanted->n; i++) has = dcpg_strings_find(names, wanted->v[i]) >= 0;
    return has;
}

static dcpg_status copy(const dcpg_strings *from, dcpg_strings *to, dcpg_err *err) {
    dcpg_strings_free(to);
    for (size_t i = 0; i < from->n; i++) DCPG_TRY(dcpg_strings_add(to, from->v[i], err));
    return DCPG_OK;
}

/* ---- choosing ---- */

/* Chooses the cells that the user named. */
static dcpg_status choose_named(const dcpg_cmd_cells_wish *wish, const dcpg_cmd_named *data,
                                const dcpg_strings *known, dcpg_strings *chosen, dcpg_err *err) {
    if (wish->names->n)
        DCPG_TRY(dcpg_strings_pick(data->cells, wish->names, "cell", chosen, err));
    else
        DCPG_TRY(copy(data->cells, chosen, err));
    while (wish->most > 0 && (int64_t)chosen->n > wish->most) dcpg_free(chosen->v[--chosen->n]);
    bool those_of_the_model = known->n > 0 && chosen->n == known->n && has_all(chosen, known);
    return those_of_the_model && !wish->any ? copy(known, chosen, err) : DCPG_OK;
}

static dcpg_status refuse(const dcpg_cmd_named *data, const dcpg_cmd_cells_model *model,
                          const dcpg_strings *known, dcpg_err *err) {
    dcpg_strings missing = {0};
    char lacks[DCPG_LIST_TEXT], has[DCPG_LIST_TEXT];
    for (size_t i = 0; i < known->n; i++)
        if (dcpg_strings_find(data->cells, known->v[i]) < 0)
            DCPG_TRY(dcpg_strings_add(&missing, known->v[i], err));
    dcpg_strings_text(&missing, lacks);
    dcpg_strings_text(data->cells, has);
    dcpg_status status =
        dcpg_fail(err, DCPG_E_INPUT,
                  "%.120s: has no cell%s %.160s, which the model %.120s reads (it has %.160s): "
                  "--replicate_names takes other cells by name, in the model's order, --any_cells all in the "
                  "order of the %s",
                  data->name, missing.n == 1 ? "" : "s", lacks, model->name, has, kind_of(data));
    dcpg_strings_free(&missing);
    return status;
}

/* Chooses the cells of the model. */
static dcpg_status choose_known(const dcpg_cmd_named *data, const dcpg_cmd_cells_model *model,
                                const dcpg_strings *known, dcpg_log *log, dcpg_strings *chosen,
                                dcpg_err *err) {
    char text[DCPG_LIST_TEXT];
    if (!has_all(data->cells, known)) return refuse(data, model, known, err);
    DCPG_TRY(copy(known, chosen, err));
    if (known->n < data->cells->n)
        dcpg_info(log, "%zu of the %s's %zu cells, those of the model, %s used: %s", known->n, kind_of(data),
                  data->cells->n, known->n == 1 ? "is" : "are", dcpg_strings_text(known, text));
    else if (!same_order(known, data->cells))
        dcpg_info(log, "the cells of the %s are used in the order of the model: %s", kind_of(data),
                  dcpg_strings_text(known, text));
    return DCPG_OK;
}

/* Chooses all cells, with a warning, as the model does not name those that it was trained on. */
static dcpg_status choose_all(const dcpg_cmd_named *data, const dcpg_cmd_cells_model *model, dcpg_log *log,
                              dcpg_strings *chosen, dcpg_err *err) {
    char text[DCPG_LIST_TEXT];
    DCPG_TRY(copy(data->cells, chosen, err));
    dcpg_warn(log,
              "%s does not say which cells it was trained on: those of the %s are taken in their order, and "
              "nobody checks that they are the same: %s",
              model->name, kind_of(data), dcpg_strings_text(chosen, text));
    return DCPG_OK;
}

/* ---- checks and messages ---- */

static void warn_taken(const dcpg_strings *chosen, const dcpg_strings *known, dcpg_log *log) {
    char taken[DCPG_LIST_TEXT], of[DCPG_LIST_TEXT];
    if (known->n == 0 || same_order(chosen, known)) return;
    dcpg_warn(log, "the cells %s are taken for %s, which the model was trained on, in this order",
              dcpg_strings_text(chosen, taken), dcpg_strings_text(known, of));
}

static dcpg_status check_number(const dcpg_cmd_named *data, const dcpg_cmd_cells_model *model,
                                const dcpg_strings *chosen, dcpg_err *err) {
    int64_t nb = model->graph->nb_cell;
    if (chosen->n > 0 && (model->other_numbers || (int64_t)chosen->n == nb)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: the model %s reads the neighbours of %" PRId64 " cell%s, but %zu %s chosen of %zu: "
                     "choose %" PRId64 " with --replicate_names or --nb_replicate",
                     data->name, model->name, nb, nb == 1 ? "" : "s", chosen->n,
                     chosen->n == 1 ? "is" : "are", data->cells->n, nb);
}

dcpg_status dcpg_cmd_choose_cells(const dcpg_cmd_cells_wish *wish, const dcpg_cmd_named *data,
                                  const dcpg_cmd_cells_model *model, dcpg_log *log, dcpg_strings *chosen,
                                  dcpg_err *err) {
    bool named = wish->names->n || wish->most;
    dcpg_strings known = {0};
    dcpg_status status = dcpg_keras_cells(model->graph, &known, err);
    if (status == DCPG_OK && (named || wish->any))
        status = choose_named(wish, data, &known, chosen, err);
    else if (status == DCPG_OK)
        status = known.n ? choose_known(data, model, &known, log, chosen, err)
                         : choose_all(data, model, log, chosen, err);
    if (status == DCPG_OK) status = check_number(data, model, chosen, err);
    if (status == DCPG_OK) warn_taken(chosen, &known, log);
    dcpg_strings_free(&known);
    return status;
}

/* ---- outputs ---- */

/* "cpg/x" for "cpg/a" where cell x was chosen for the model's a, otherwise the name itself; dcpg_free. */
static char *name_output(const char *name, const dcpg_strings *known, const dcpg_strings *chosen) {
    ptrdiff_t i = strncmp(name, "cpg/", 4) == 0 ? dcpg_strings_find(known, name + 4) : -1;
    return i >= 0 && (size_t)i < chosen->n ? dcpg_format("cpg/%s", chosen->v[i]) : dcpg_strdup(name);
}

dcpg_status dcpg_cmd_name_outputs(const dcpg_graph *graph, const dcpg_strings *chosen, dcpg_strings *names,
                                  dcpg_err *err) {
    dcpg_strings known = {0};
    dcpg_status status = dcpg_keras_cells(graph, &known, err);
    for (int o = 0; o < graph->nb_output && status == DCPG_OK; o++) {
        char *name = name_output(graph->layer[graph->output[o]].name, &known, chosen);
        if (!name)
            status = dcpg_fail_nomem(err, "names of outputs", 64);
        else if (dcpg_strings_find(names, name) >= 0)
            status =
                dcpg_fail(err, DCPG_E_USAGE,
                          "two outputs of the model would be %s, since other cells are taken for its own: "
                          "choose others",
                          name);
        else
            status = dcpg_strings_add(names, name, err);
        dcpg_free(name);
    }
    dcpg_strings_free(&known);
    return status;
}
