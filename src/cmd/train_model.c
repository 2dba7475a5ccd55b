/* SPDX-License-Identifier: MIT */
/* Loads, builds and joins the models of a training run, and chooses the layers to train. */
#include "cmd/train_model.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/spec.h>

#include <inttypes.h>
#include <string.h>

/* ---- loading ---- */

static bool ends_in(const char *text, const char *tail) {
    size_t length = strlen(text), n = strlen(tail);
    return length >= n && strcmp(text + length - n, tail) == 0;
}

/* Finds out whether the `words` of an option are files; otherwise they must be one name. Local, called by
 * rank 0 alone, as hosts may see different files. */
static dcpg_status look(const char *option, const dcpg_strings *words, bool *is_file, dcpg_err *err) {
    const char *first = words->v[0];
    *is_file = dcpg_is_dir(first) || dcpg_file_exists(first);
    if (*is_file) return DCPG_OK;
    if (strchr(first, '/') || ends_in(first, ".h5") || ends_in(first, ".json"))
        return dcpg_fail(err, DCPG_E_INPUT, "--%s %s: no such model directory or file", option, first);
    if (words->n > 1)
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "--%s takes one name: '%s' is one word too many (what is no option stands before all options)",
            option, words->v[1]);
    return DCPG_OK;
}

/* An option that names a model. */
typedef struct model_option {
    const char *name; /* without -- */
    const dcpg_strings *words;
} model_option;

static dcpg_status load_all(const train_model_options *o, model_option from, const dcpg_par *par,
                            dcpg_log *log, dcpg_model *model, dcpg_err *err) {
    const dcpg_strings *words = from.words;
    bool is_file = false;
    if (words->n == 0) return DCPG_OK;
    DCPG_TRY(dcpg_agree_all(par, par->rank == 0 ? look(from.name, words, &is_file, err) : DCPG_OK, err));
    dcpg_bcast_all(par, &is_file, sizeof is_file, 0);
    if (!is_file) return DCPG_OK;
    DCPG_TRY(dcpg_model_load_all(words, o->keras_backend, par, log, model, err));
    dcpg_info(log, "--%s %s: model %s, %d layers", from.name, words->v[0], model->graph->name,
              model->graph->nb_layer);
    return DCPG_OK;
}

/* Turns a loaded model into the DNA or CpG part of another. */
static dcpg_status to_part(const char *option, const dcpg_strings *words, const char *prefix,
                           dcpg_model *model, dcpg_err *err) {
    dcpg_err reason = {0};
    if (!model->graph) return DCPG_OK;
    bool dna = strcmp(prefix, "dna") == 0, has_dna = model->graph->dna_wlen > 0,
         has_cpg = model->graph->nb_cell > 0;
    if (dna ? !has_dna : !has_cpg)
        return dcpg_fail(err, DCPG_E_INPUT, "--%s %s: the model reads no %s", option, words->v[0],
                         dna ? "DNA" : "neighbouring CpGs");
    if (has_dna && has_cpg)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "--%s %s: the model also reads %s: a whole model is continued with --model_files",
                         option, words->v[0], dna ? "neighbouring CpGs" : "DNA");
    dcpg_status status = dcpg_model_to_part(model->graph, &model->weights, prefix, &reason);
    return status == DCPG_OK ? DCPG_OK
                             : dcpg_fail(err, status, "--%s %s: %s", option, words->v[0], reason.text);
}

dcpg_status train_model_load_all(const train_model_options *o, const dcpg_par *par, dcpg_log *log,
                                 train_model_files *files, dcpg_err *err) {
    DCPG_TRY(load_all(o, (model_option){"dna_model", &o->dna}, par, log, &files->dna, err));
    DCPG_TRY(load_all(o, (model_option){"cpg_model", &o->cpg}, par, log, &files->cpg, err));
    if (o->files.n) {
        DCPG_TRY(dcpg_model_load_all(&o->files, o->keras_backend, par, log, &files->whole, err));
        dcpg_info(log, "--model_files %s: model %s, %d layers", o->files.v[0], files->whole.graph->name,
                  files->whole.graph->nb_layer);
    }
    DCPG_TRY(dcpg_agree_all(par, to_part("dna_model", &o->dna, "dna", &files->dna, err), err));
    return dcpg_agree_all(par, to_part("cpg_model", &o->cpg, "cpg", &files->cpg, err), err);
}

/* ---- making ---- */

/* Resizes a loaded model to the windows of the options and to the chosen cells. */
static dcpg_status resize(const train_model_options *o, const train_model_data *data, model_option from,
                          dcpg_log *log, dcpg_model *model, dcpg_err *err) {
    const char *option = from.name;
    const dcpg_strings *words = from.words;
    dcpg_err reason = {0};
    if (!model->graph) return DCPG_OK;
    int64_t nb_cell = model->graph->nb_cell, chosen = (int64_t)data->cells->n;
    if (nb_cell && chosen == 0)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "--%s %s: the model reads the neighbours of cells, and the data has none", option,
                         words->v[0]);
    dcpg_status status = dcpg_graph_resize(&model->graph, o->dna_wlen, o->cpg_wlen, chosen, &reason);
    if (status != DCPG_OK) return dcpg_fail(err, status, "--%s %s: %s", option, words->v[0], reason.text);
    if (nb_cell && nb_cell != chosen)
        dcpg_info(log,
                  "--%s %s: trained with %" PRId64 " cell%s, used with the %" PRId64
                  " chosen: its weights are kept",
                  option, words->v[0], nb_cell, nb_cell == 1 ? "" : "s", chosen);
    return DCPG_OK;
}

static dcpg_status build(const train_model_options *o, const train_model_data *data,
                         const train_model_files *files, dcpg_graph **graph, dcpg_err *err) {
    dcpg_model_options options = {.dna = o->dna.n ? o->dna.v[0] : NULL,
                                  .cpg = o->cpg.n ? o->cpg.v[0] : NULL,
                                  .joint = o->joint,
                                  .dna_wlen = o->dna_wlen ? o->dna_wlen : data->dna_wlen,
                                  .cpg_wlen = o->cpg_wlen ? o->cpg_wlen : data->cpg_wlen,
                                  .nb_cell = (int64_t)data->cells->n,
                                  .outputs = data->outputs,
                                  .dropout = (float)o->dropout,
                                  .l1 = (float)o->l1_decay,
                                  .l2 = (float)o->l2_decay,
                                  .dna_part = files->dna.graph,
                                  .cpg_part = files->cpg.graph};
    return dcpg_model_build(&options, graph, err);
}

/* Initialises all weights, then takes over the loaded ones. */
static dcpg_status fill_weights(const train_model_data *data, const dcpg_weights *loaded[2],
                                dcpg_model *model, dcpg_err *err) {
    DCPG_TRY(dcpg_weights_init(model->graph, data->seed, &model->weights, err));
    for (int i = 0; i < 2; i++)
        if (loaded[i]) DCPG_TRY(dcpg_weights_take(&model->weights, loaded[i], err));
    return DCPG_OK;
}

static dcpg_status make_from_parts(const train_model_options *o, const train_model_data *data, dcpg_log *log,
                                   train_model_files *files, dcpg_model *model, dcpg_err *err) {
    DCPG_TRY(resize(o, data, (model_option){"dna_model", &o->dna}, log, &files->dna, err));
    DCPG_TRY(resize(o, data, (model_option){"cpg_model", &o->cpg}, log, &files->cpg, err));
    DCPG_TRY(build(o, data, files, &model->graph, err));
    const dcpg_weights *loaded[2] = {&files->dna.weights, &files->cpg.weights};
    return files->dna.graph || files->cpg.graph ? fill_weights(data, loaded, model, err) : DCPG_OK;
}

/* Whether the graph has the outputs' heads and no others, in any order. */
static bool has_heads_of(const dcpg_graph *graph, const dcpg_strings *outputs) {
    if ((size_t)graph->nb_output != outputs->n) return false;
    for (int o = 0; o < graph->nb_output; o++)
        if (dcpg_strings_find(outputs, graph->layer[graph->output[o]].name) < 0) return false;
    return true;
}

static dcpg_status replace_heads(const train_model_options *o, const train_model_data *data, dcpg_log *log,
                                 train_model_files *files, dcpg_model *model, dcpg_err *err) {
    dcpg_err reason = {0};
    int nb_output = files->whole.graph->nb_output;
    dcpg_status status = dcpg_model_to_part(files->whole.graph, &files->whole.weights, NULL, &reason);
    if (status != DCPG_OK) return dcpg_fail(err, status, "--model_files %s: %s", o->files.v[0], reason.text);
    dcpg_info(log,
              "--model_files %s: new heads for the %zu chosen outputs, which are not the %d of the model",
              o->files.v[0], data->outputs->n, nb_output);
    model->graph = files->whole.graph;
    files->whole.graph = NULL;
    DCPG_TRY(dcpg_graph_add_heads(model->graph, model->graph->nb_layer - 1, data->outputs, err));
    DCPG_TRY(dcpg_graph_order(model->graph, err));
    const dcpg_weights *loaded[2] = {&files->whole.weights, NULL};
    return fill_weights(data, loaded, model, err);
}

/* New heads are untrained, until they see labels. */
static dcpg_status note_untrained(dcpg_graph *graph, dcpg_err *err) {
    dcpg_strings_free(&graph->untrained);
    for (int o = 0; o < graph->nb_output; o++)
        DCPG_TRY(dcpg_strings_add(&graph->untrained, graph->layer[graph->output[o]].name, err));
    return DCPG_OK;
}

static dcpg_status make_from_whole(const train_model_options *o, const train_model_data *data, dcpg_log *log,
                                   train_model_files *files, dcpg_model *model, dcpg_err *err) {
    DCPG_TRY(resize(o, data, (model_option){"model_files", &o->files}, log, &files->whole, err));
    if (!has_heads_of(files->whole.graph, data->outputs))
        return replace_heads(o, data, log, files, model, err);
    *model = files->whole;
    files->whole = (dcpg_model){0};
    return DCPG_OK;
}

/* ---- layers to train ---- */

static void warn_ignored(const train_model_options *o, dcpg_log *log) {
    if (o->fine_tune && o->train_models.n)
        dcpg_warn(log, "--fine_tune trains the heads only: --train_models is not looked at");
    if (!o->fine_tune && o->train_models.n && o->trainable.n)
        dcpg_warn(log, "--train_models says what is trained: --trainable is not looked at");
}

static dcpg_status choose_layers(const train_model_options *o, dcpg_log *log, dcpg_graph *graph,
                                 dcpg_err *err) {
    const dcpg_trainability what = {o->fine_tune, &o->train_models, &o->trainable, &o->not_trainable,
                                    o->freeze_filter};
    warn_ignored(o, log);
    DCPG_TRY(dcpg_graph_set_trainable(graph, &what, err));
    dcpg_value_counts counts = dcpg_graph_count(graph);
    bool asked =
        o->fine_tune || o->freeze_filter || o->train_models.n || o->trainable.n || o->not_trainable.n;
    if (counts.trained == 0)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "no layer would be trained: the model's file has frozen all of them; --trainable "
                         "'.*' trains them");
    dcpg_info(log, "parameters: %" PRId64 " trained, %" PRId64 " frozen, %" PRId64 " moving statistics",
              counts.trained, counts.frozen, counts.moving);
    if (counts.frozen && !asked) dcpg_info(log, "frozen by the model's file; --trainable '.*' trains all");
    for (int i = 0; i < graph->nb_layer && counts.frozen; i++) {
        dcpg_weight weight[DCPG_MAX_WEIGHTS];
        if (dcpg_graph_weights(graph, i, weight) > 0)
            dcpg_debug(log, "layer %-32s %s", graph->layer[i].name,
                       graph->layer[i].trainable ? "trained" : "frozen");
    }
    return DCPG_OK;
}

static dcpg_status set_filters_all(const train_model_options *o, const train_model_data *data,
                                   const dcpg_par *par, dcpg_log *log, dcpg_model *model, dcpg_err *err) {
    if (o->filter_weights.n == 0) return DCPG_OK;
    bool fresh = model->weights.nb == 0;
    dcpg_status status = fresh ? dcpg_weights_init(model->graph, data->seed, &model->weights, err) : DCPG_OK;
    DCPG_TRY(dcpg_agree_all(par, status, err));
    return dcpg_filter_weights_all(&o->filter_weights, data->seed, par, log, model, err);
}

dcpg_status train_model_make_all(const train_model_data *data, const dcpg_par *par, dcpg_log *log,
                                 train_model_files *files, dcpg_model *model, dcpg_err *err) {
    const train_model_options *o = data->options;
    bool keeps_heads = files->whole.graph && has_heads_of(files->whole.graph, data->outputs);
    dcpg_status status = files->whole.graph ? make_from_whole(o, data, log, files, model, err)
                                            : make_from_parts(o, data, log, files, model, err);
    if (status == DCPG_OK && !keeps_heads) status = note_untrained(model->graph, err);
    if (status == DCPG_OK) status = choose_layers(o, log, model->graph, err);
    DCPG_TRY(dcpg_agree_all(par, status, err));
    train_model_files_free(files);
    return set_filters_all(o, data, par, log, model, err);
}

/* ---- ends ---- */

void train_model_options_free(train_model_options *o) {
    dcpg_strings *lists[] = {&o->dna,       &o->cpg,           &o->files,         &o->train_models,
                             &o->trainable, &o->not_trainable, &o->filter_weights};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) dcpg_strings_free(lists[i]);
}

void train_model_files_free(train_model_files *files) {
    dcpg_model_free(&files->dna);
    dcpg_model_free(&files->cpg);
    dcpg_model_free(&files->whole);
}
