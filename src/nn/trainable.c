/* SPDX-License-Identifier: MIT */
/* Chooses which layers are trained. */
#include <dcpg/surgery.h>

#include <dcpg/memory.h>

#include <regex.h>
#include <string.h>

typedef enum layer_role { BELOW, INPUT, HEAD } layer_role;

/* The choice in the making. */
typedef struct choice {
    dcpg_graph *graph;
    layer_role *role; /* [nb_layer] */
    bool *on, *off;   /* [nb_layer] to be trained, not to be trained */
    dcpg_err *err;
} choice;

static bool given(const dcpg_strings *list) { return list && list->n > 0; }

/* A head is an output layer and, if that is an activation, the dense layer below it. */
static void find_roles(choice *c) {
    const dcpg_graph *graph = c->graph;
    for (int i = 0; i < graph->nb_layer; i++)
        if (graph->layer[i].kind == DCPG_INPUT) c->role[i] = INPUT;
    for (int o = 0; o < graph->nb_output; o++) {
        const dcpg_glayer *layer = &graph->layer[graph->output[o]];
        c->role[graph->output[o]] = HEAD;
        if (layer->kind == DCPG_ACTIVATION && graph->layer[layer->source[0]].kind == DCPG_DENSE)
            c->role[layer->source[0]] = HEAD;
    }
}

/* Marks the layers below the heads whose names an expression matches at their start. */
static dcpg_status mark_expression(choice *c, const char *option, const char *text, bool *mark) {
    regex_t compiled;
    regmatch_t where;
    DCPG_TRY(dcpg_regex_check(text, c->err));
    if (regcomp(&compiled, text, REG_EXTENDED) != 0)
        return dcpg_fail(c->err, DCPG_E_USAGE, "--%s: '%s' is not a regular expression", option, text);
    bool any = false;
    const char *example = "none";
    for (int i = c->graph->nb_layer - 1; i >= 0; i--) {
        if (c->role[i] != BELOW) continue;
        example = c->graph->layer[i].name;
        if (regexec(&compiled, example, 1, &where, 0) == 0 && where.rm_so == 0) any = mark[i] = true;
    }
    regfree(&compiled);
    if (any) return DCPG_OK;
    return dcpg_fail(
        c->err, DCPG_E_USAGE,
        "--%s: '%s' matches no layer below the outputs at the start of its name; the first is %s", option,
        text, example);
}

static dcpg_status mark_expressions(choice *c, const char *option, const dcpg_strings *list, bool *mark) {
    for (size_t i = 0; list && i < list->n; i++) DCPG_TRY(mark_expression(c, option, list->v[i], mark));
    return DCPG_OK;
}

/* A joint part may have no layers of its own, so that none may be marked. */
static dcpg_status mark_part(choice *c, const char *part) {
    const dcpg_graph *graph = c->graph;
    size_t length = strlen(part);
    bool dna = strcmp(part, "dna") == 0, cpg = strcmp(part, "cpg") == 0, joint = strcmp(part, "joint") == 0;
    if (!dna && !cpg && !joint)
        return dcpg_fail(c->err, DCPG_E_USAGE, "--train_models: '%s' is not dna, cpg or joint", part);
    if (((dna || joint) && !graph->dna_wlen) || ((cpg || joint) && !graph->nb_cell))
        return dcpg_fail(c->err, DCPG_E_USAGE, "--train_models: the model has no %s part", part);
    for (int i = 0; i < graph->nb_layer; i++) {
        const char *name = graph->layer[i].name;
        if (c->role[i] == BELOW && strncmp(name, part, length) == 0 && name[length] == '/') c->on[i] = true;
    }
    return DCPG_OK;
}

static dcpg_status choose(choice *c, const dcpg_trainability *what) {
    int n = c->graph->nb_layer, filter = what->freeze_filter ? dcpg_graph_first_conv(c->graph) : -1;
    bool by_part = !what->fine_tune && given(what->train_models);
    find_roles(c);
    if (what->freeze_filter && filter < 0)
        return dcpg_fail(c->err, DCPG_E_USAGE, "--freeze_filter: the model has no convolution over DNA");
    for (int i = 0; i < n; i++) c->off[i] = what->fine_tune || by_part;
    for (size_t i = 0; by_part && i < what->train_models->n; i++)
        DCPG_TRY(mark_part(c, what->train_models->v[i]));
    if (!by_part) DCPG_TRY(mark_expressions(c, "trainable", what->trainable, c->on));
    DCPG_TRY(mark_expressions(c, "not_trainable", what->not_trainable, c->off));
    for (int i = 0; i < n; i++) {
        bool *trainable = &c->graph->layer[i].trainable;
        if (c->role[i] == HEAD || c->on[i])
            *trainable = true;
        else if (c->role[i] == BELOW && c->off[i])
            *trainable = false;
        if (i == filter) *trainable = false;
    }
    return DCPG_OK;
}

dcpg_status dcpg_graph_set_trainable(dcpg_graph *graph, const dcpg_trainability *what, dcpg_err *err) {
    if (!what->fine_tune && !what->freeze_filter && !given(what->train_models) && !given(what->trainable) &&
        !given(what->not_trainable))
        return DCPG_OK;
    size_t n = (size_t)graph->nb_layer;
    choice c = {graph, dcpg_alloc(n, sizeof *c.role), dcpg_alloc(n, sizeof *c.on),
                dcpg_alloc(n, sizeof *c.off), err};
    dcpg_status status =
        c.role && c.on && c.off ? choose(&c, what) : dcpg_fail_nomem(err, "layers", n * sizeof *c.role);
    dcpg_free(c.role);
    dcpg_free(c.on);
    dcpg_free(c.off);
    return status;
}

dcpg_value_counts dcpg_graph_count(const dcpg_graph *graph) {
    dcpg_value_counts counts = {0};
    for (int i = 0; i < graph->nb_layer; i++) {
        dcpg_weight weight[DCPG_MAX_WEIGHTS];
        int nb = dcpg_graph_weights(graph, i, weight);
        for (int w = 0; w < nb; w++)
            *(weight[w].state             ? &counts.moving
              : graph->layer[i].trainable ? &counts.trained
                                          : &counts.frozen) += dcpg_weight_size(&weight[w]);
    }
    return counts;
}
