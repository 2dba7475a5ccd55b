/* SPDX-License-Identifier: MIT */
/* Whole models: DNA part, CpG part, joint part and heads, with the layer names of DeepCpG 1.0.7. Keras
 * numbers the layers of a class in the order in which they are created, throughout the model. */
#include <dcpg/spec.h>

#include "nn/spec_impl.h"

#include <dcpg/memory.h>
#include <dcpg/output.h>
#include <dcpg/surgery.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

typedef enum layer_class {
    CONV1D,
    ACTIVATION,
    MAX_POOLING1D,
    FLATTEN,
    DENSE,
    DROPOUT,
    GLOBAL_AVERAGE_POOLING1D,
    BIDIRECTIONAL,
    GRU,
    BATCH_NORMALIZATION,
    CONCATENATE,
    TIME_DISTRIBUTED,
    NB_CLASS
} layer_class;

static const char *const class_names[NB_CLASS] = {"conv1d",
                                                  "activation",
                                                  "max_pooling1d",
                                                  "flatten",
                                                  "dense",
                                                  "dropout",
                                                  "global_average_pooling1d",
                                                  "bidirectional",
                                                  "gru",
                                                  "batch_normalization",
                                                  "concatenate",
                                                  "time_distributed"};
/* In the stem of a residual network layers are named conv1, bn1, act1, pool1. */
static const char *const stem_names[NB_CLASS] = {
    [CONV1D] = "conv", [ACTIVATION] = "act", [MAX_POOLING1D] = "pool", [BATCH_NORMALIZATION] = "bn"};

enum { NAME_SIZE = 160 };

typedef struct builder {
    const dcpg_model_options *options;
    dcpg_graph *graph;
    dcpg_model_part part;
    const char *prefix;    /* of layer names: "dna/", "cpg/", "joint/" or "" */
    bool stem;             /* in the stem of a residual network */
    int made[NB_CLASS];    /* layers created so far, of each class */
    int stemmed[NB_CLASS]; /* the same for layers of the stem */
    int top;               /* the layer to build on */
    dcpg_err *err;
} builder;

static const dcpg_glayer *top(const builder *b) { return &b->graph->layer[b->top]; }

/* ---- one layer ---- */

static void name_layer(builder *b, layer_class class, const char *prefix, char name[NAME_SIZE]) {
    if (b->stem && stem_names[class])
        snprintf(name, NAME_SIZE, "%s%s%d", prefix, stem_names[class], ++b->stemmed[class]);
    else
        snprintf(name, NAME_SIZE, "%s%s_%d", prefix, class_names[class], ++b->made[class]);
}

/* Adds a layer on `*source`, which then becomes that layer. */
static dcpg_status add_named(builder *b, dcpg_kind kind, const char *name, const dcpg_glayer *like,
                             int *source) {
    return dcpg_graph_add(
        b->graph,
        &(dcpg_new_layer){.kind = kind, .name = name, .nb_source = 1, .source = source, .like = like}, source,
        b->err);
}

/* Adds a layer on top of the part, named after its class. */
static dcpg_status add(builder *b, dcpg_kind kind, layer_class class, const dcpg_glayer *like) {
    char name[NAME_SIZE];
    name_layer(b, class, b->prefix, name);
    return add_named(b, kind, name, like, &b->top);
}

static dcpg_glayer penalised(const builder *b) {
    dcpg_glayer like = dcpg_glayer_default();
    like.l1 = b->options->l1;
    like.l2 = b->options->l2;
    return like;
}

static dcpg_glayer activation(dcpg_activation kind) {
    dcpg_glayer like = dcpg_glayer_default();
    like.activation = kind;
    return like;
}

static dcpg_status add_relu(builder *b) {
    dcpg_glayer like = activation(DCPG_RELU);
    return add(b, DCPG_ACTIVATION, ACTIVATION, &like);
}

/* ---- residual units ---- */

typedef struct unit {
    char name[32]; /* "01-02/": stage and unit */
    int64_t width, stride, dilation;
    int source;  /* the layer that the unit reads */
    int nb_conv; /* convolutions of the branch so far */
} unit;

/* A convolution of a unit's branch. */
typedef struct unit_conv {
    int64_t filters, k, stride, dilation;
    bool same;
} unit_conv;

/* bn, relu, conv: a third (bottleneck) or half of a unit's branch. */
static dcpg_status add_unit_conv(builder *b, unit *u, unit_conv form) {
    static const struct {
        dcpg_kind kind;
        const char *name;
    } steps[3] = {{DCPG_BATCH_NORM, "bn"}, {DCPG_ACTIVATION, "act"}, {DCPG_CONV, "conv"}};
    dcpg_glayer conv = penalised(b), relu = activation(DCPG_RELU);
    conv.units = form.filters;
    conv.k = form.k;
    conv.stride = form.stride;
    conv.dilation = form.dilation;
    conv.same = form.same;
    const dcpg_glayer *like[3] = {NULL, &relu, &conv};
    u->nb_conv++;
    for (int i = 0; i < 3; i++) {
        char name[NAME_SIZE];
        snprintf(name, sizeof name, "%s%sres_%s%d", b->prefix, u->name, steps[i].name, u->nb_conv);
        DCPG_TRY(add_named(b, steps[i].kind, name, like[i], &b->top));
    }
    return DCPG_OK;
}

/* The shortcut: the source itself, or a convolution where shapes differ. */
static dcpg_status add_shortcut(builder *b, const unit *u, int64_t k, bool same, int *shortcut) {
    *shortcut = u->source;
    if (u->stride == 1 && b->graph->layer[u->source].out.c == u->width) return DCPG_OK;
    dcpg_glayer conv = penalised(b);
    conv.units = u->width;
    conv.k = k;
    conv.stride = u->stride;
    conv.same = same;
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s%sid_conv1", b->prefix, u->name);
    return add_named(b, DCPG_CONV, name, &conv, shortcut);
}

static dcpg_status add_unit(builder *b, dcpg_token_kind kind, unit *u) {
    bool plain = kind == DCPG_TOKEN_RESC;
    u->source = b->top;
    if (plain) {
        DCPG_TRY(add_unit_conv(b, u, (unit_conv){u->width, 3, u->stride, 1, true}));
        DCPG_TRY(add_unit_conv(b, u, (unit_conv){u->width, 3, 1, 1, true}));
    } else {
        DCPG_TRY(add_unit_conv(b, u, (unit_conv){u->width / 4, 1, u->stride, 1, false}));
        DCPG_TRY(add_unit_conv(b, u, (unit_conv){u->width / 4, 3, 1, u->dilation, true}));
        DCPG_TRY(add_unit_conv(b, u, (unit_conv){u->width, 1, 1, 1, false}));
    }
    int shortcut;
    DCPG_TRY(add_shortcut(b, u, plain ? 3 : 1, plain, &shortcut));
    char name[NAME_SIZE];
    snprintf(name, sizeof name, "%s%smerge", b->prefix, u->name);
    int sources[2] = {shortcut, b->top};
    return dcpg_graph_add(
        b->graph, &(dcpg_new_layer){.kind = DCPG_ADD, .name = name, .nb_source = 2, .source = sources},
        &b->top, b->err);
}

static dcpg_status add_residual(builder *b, const dcpg_token *token) {
    for (int stage = 0; stage < token->nb_stage; stage++)
        for (int i = 0; i < token->stage[stage].nb_unit; i++) {
            bool dilated = token->kind == DCPG_TOKEN_RESA;
            unit u = {.width = token->stage[stage].width,
                      .stride = i == 0 ? 2 : 1,
                      .dilation = dilated ? INT64_C(1) << i : 1};
            snprintf(u.name, sizeof u.name, "%02d-%02d/", stage + 1, i + 1);
            DCPG_TRY(add_unit(b, token->kind, &u));
        }
    return DCPG_OK;
}

/* ---- layers of a specification ---- */

static dcpg_status add_conv(builder *b, const dcpg_token *token, bool relu) {
    dcpg_glayer like = penalised(b);
    like.units = token->units;
    like.k = token->k;
    like.stride = token->stride;
    like.dilation = token->dilation;
    like.same = token->same;
    DCPG_TRY(add(b, DCPG_CONV, CONV1D, &like));
    return relu ? add_relu(b) : DCPG_OK;
}

/* The layer that Keras's TimeDistributed applies to every cell: a model of a dense layer and its activation,
 * both of which are numbered as layers. */
static dcpg_status add_shared_fc(builder *b, dcpg_glayer *like, bool relu) {
    char inner[NAME_SIZE];
    name_layer(b, DENSE, "", inner);
    if (relu) b->made[ACTIVATION]++;
    like->inner = inner;
    like->time_distributed = true;
    like->activation = relu ? DCPG_RELU : DCPG_LINEAR;
    return add(b, DCPG_DENSE, TIME_DISTRIBUTED, like);
}

static dcpg_status add_fc(builder *b, const dcpg_token *token, bool relu) {
    dcpg_glayer like = penalised(b);
    like.units = token->units;
    bool sequence = top(b)->out.t > 0;
    if (sequence && b->part == DCPG_PART_CPG) return add_shared_fc(b, &like, relu);
    if (sequence) DCPG_TRY(add(b, DCPG_FLATTEN, FLATTEN, NULL));
    DCPG_TRY(add(b, DCPG_DENSE, DENSE, &like));
    return relu ? add_relu(b) : DCPG_OK;
}

static dcpg_status add_gru(builder *b, const dcpg_token *token) {
    dcpg_glayer like = penalised(b);
    like.units = token->units;
    like.sequences = token->sequences;
    if (token->kind == DCPG_TOKEN_GRU) return add(b, DCPG_GRU, GRU, &like);
    char inner[NAME_SIZE];
    name_layer(b, GRU, "", inner);
    like.bidirectional = true;
    like.inner = inner;
    return add(b, DCPG_GRU, BIDIRECTIONAL, &like);
}

static dcpg_status add_simple(builder *b, const dcpg_token *token) {
    dcpg_glayer like = dcpg_glayer_default();
    switch (token->kind) {
    case DCPG_TOKEN_BN:
        return add(b, DCPG_BATCH_NORM, BATCH_NORMALIZATION, &like);
    case DCPG_TOKEN_RELU:
        return add_relu(b);
    case DCPG_TOKEN_POOL:
        like.k = token->units;
        return add(b, DCPG_MAX_POOL, MAX_POOLING1D, &like);
    case DCPG_TOKEN_DROPOUT:
        like.rate = token->rate < 0 ? b->options->dropout : token->rate;
        return add(b, DCPG_DROPOUT, DROPOUT, &like);
    case DCPG_TOKEN_MEAN:
        return add(b, DCPG_MEAN, GLOBAL_AVERAGE_POOLING1D, &like);
    default:
        assert(token->kind == DCPG_TOKEN_FLATTEN);
        return add(b, DCPG_FLATTEN, FLATTEN, &like);
    }
}

static bool wants_steps(const dcpg_token *token) {
    return token->kind == DCPG_TOKEN_CONV || token->kind == DCPG_TOKEN_POOL ||
           token->kind == DCPG_TOKEN_MEAN || token->kind == DCPG_TOKEN_GRU ||
           token->kind == DCPG_TOKEN_BGRU || dcpg_token_is_residual(token);
}

static dcpg_status add_token(builder *b, const dcpg_spec *spec, int index) {
    const dcpg_token *token = &spec->token[index];
    int64_t t = top(b)->out.t;
    if (wants_steps(token) && t == 0)
        return dcpg_token_fail(
            spec, token, b->err,
            "a layer that works on a vector (fc, do, bn, relu), as what stands before has no steps left");
    if (wants_steps(token) && dcpg_token_steps(token, t) < 0) {
        char text[160];
        snprintf(text, sizeof text, "a layer that fits on the %" PRId64 " steps left here", t);
        return dcpg_token_fail(spec, token, b->err, text);
    }
    switch (token->kind) {
    case DCPG_TOKEN_CONV:
        return add_conv(b, token, dcpg_token_has_relu(spec, index));
    case DCPG_TOKEN_FC:
        return add_fc(b, token, dcpg_token_has_relu(spec, index));
    case DCPG_TOKEN_GRU:
    case DCPG_TOKEN_BGRU:
        return add_gru(b, token);
    case DCPG_TOKEN_RESB:
    case DCPG_TOKEN_RESC:
    case DCPG_TOKEN_RESA:
        return add_residual(b, token);
    default:
        return add_simple(b, token);
    }
}

/* Index of the first residual block, which is the number of layers in the stem; 0 if there is no such
 * block. */
static int stem_size(const dcpg_spec *spec) {
    for (int i = 0; i < spec->nb_token; i++)
        if (dcpg_token_is_residual(&spec->token[i])) return i;
    return 0;
}

static dcpg_status add_part(builder *b, dcpg_model_part part, const char *prefix, const char *text) {
    dcpg_spec spec;
    DCPG_TRY(dcpg_spec_parse(text, &spec, b->err));
    b->part = part;
    b->prefix = prefix;
    int stem = stem_size(&spec);
    for (int i = 0; i < spec.nb_token; i++) {
        b->stem = i < stem;
        DCPG_TRY(add_token(b, &spec, i));
    }
    b->stem = false;
    if (top(b)->out.t > 0)
        return dcpg_token_fail(&spec, NULL, b->err, "gap, flatten, fc or bgru: a model must end in a vector");
    return DCPG_OK;
}

/* ---- parts ---- */

static dcpg_status add_loaded(builder *b, const dcpg_graph *part) {
    DCPG_TRY(dcpg_graph_append(b->graph, part, b->err));
    b->top = b->graph->nb_layer - 1;
    return DCPG_OK;
}

static dcpg_status add_dna(builder *b) {
    const char *spec;
    int64_t shortest;
    if (b->options->dna_part) {
        b->graph->dna_wlen = b->options->dna_part->dna_wlen;
        return add_loaded(b, b->options->dna_part);
    }
    DCPG_TRY(dcpg_spec_find(DCPG_PART_DNA, b->options->dna, &spec, b->err));
    DCPG_TRY(dcpg_spec_min_wlen(spec, &shortest, b->err));
    int64_t wlen = b->options->dna_wlen;
    if (wlen < 1 || wlen % 2 == 0)
        return dcpg_fail(b->err, DCPG_E_USAGE,
                         "--dna_wlen %" PRId64 " must be odd: the C of the site stands in the middle", wlen);
    if (wlen < shortest)
        return dcpg_fail(b->err, DCPG_E_USAGE,
                         "--dna_wlen %" PRId64
                         " is too short for DNA model %s; the shortest that works is %" PRId64,
                         wlen, b->options->dna, shortest);
    b->graph->dna_wlen = wlen;
    DCPG_TRY(dcpg_graph_add(b->graph, &(dcpg_new_layer){.kind = DCPG_INPUT, .name = "dna"}, &b->top, b->err));
    return add_part(b, DCPG_PART_DNA, "dna/", spec);
}

static dcpg_status add_cpg(builder *b) {
    const char *spec;
    if (b->options->cpg_part) {
        b->graph->cpg_wlen = b->options->cpg_part->cpg_wlen;
        b->graph->nb_cell = b->options->cpg_part->nb_cell;
        return add_loaded(b, b->options->cpg_part);
    }
    DCPG_TRY(dcpg_spec_find(DCPG_PART_CPG, b->options->cpg, &spec, b->err));
    if (b->options->cpg_wlen < 2 || b->options->cpg_wlen % 2 != 0)
        return dcpg_fail(b->err, DCPG_E_USAGE,
                         "--cpg_wlen %" PRId64
                         " must be even and at least 2: half of the neighbours lie on each side",
                         b->options->cpg_wlen);
    if (b->options->nb_cell < 1)
        return dcpg_fail(b->err, DCPG_E_USAGE, "a CpG model needs at least one cell with neighbouring CpGs");
    b->graph->cpg_wlen = b->options->cpg_wlen;
    b->graph->nb_cell = b->options->nb_cell;
    int inputs[2];
    DCPG_TRY(dcpg_graph_add(b->graph, &(dcpg_new_layer){.kind = DCPG_INPUT, .name = "cpg/state"}, &inputs[0],
                            b->err));
    DCPG_TRY(dcpg_graph_add(b->graph, &(dcpg_new_layer){.kind = DCPG_INPUT, .name = "cpg/dist"}, &inputs[1],
                            b->err));
    char name[NAME_SIZE];
    name_layer(b, CONCATENATE, "cpg/", name);
    DCPG_TRY(dcpg_graph_add(
        b->graph, &(dcpg_new_layer){.kind = DCPG_CONCAT, .name = name, .nb_source = 2, .source = inputs},
        &b->top, b->err));
    return add_part(b, DCPG_PART_CPG, "cpg/", spec);
}

/* The concatenation's name has no prefix. */
static dcpg_status add_joint(builder *b, int dna, int cpg) {
    const char *spec;
    DCPG_TRY(
        dcpg_spec_find(DCPG_PART_JOINT, b->options->joint ? b->options->joint : "JointL0", &spec, b->err));
    char name[NAME_SIZE];
    name_layer(b, CONCATENATE, "", name);
    int sources[2] = {dna, cpg};
    DCPG_TRY(dcpg_graph_add(
        b->graph, &(dcpg_new_layer){.kind = DCPG_CONCAT, .name = name, .nb_source = 2, .source = sources},
        &b->top, b->err));
    return add_part(b, DCPG_PART_JOINT, "joint/", spec);
}

/* ---- heads ---- */

static dcpg_status add_head(builder *b, const char *output) {
    dcpg_output_kind kind = dcpg_output_kind_of(output);
    bool scaled = kind.activation == DCPG_SCALED_SIGMOID;
    int head = b->top;
    dcpg_glayer like = activation(scaled ? DCPG_LINEAR : kind.activation);
    like.units = kind.units;
    char name[NAME_SIZE];
    if (scaled) name_layer(b, DENSE, "", name);
    DCPG_TRY(add_named(b, DCPG_DENSE, scaled ? name : output, &like, &head));
    if (scaled) {
        like = activation(DCPG_SCALED_SIGMOID);
        DCPG_TRY(add_named(b, DCPG_ACTIVATION, output, &like, &head));
    }
    return dcpg_graph_add_output(b->graph, head, b->err);
}

dcpg_status dcpg_graph_add_heads(dcpg_graph *graph, int layer, const dcpg_strings *outputs, dcpg_err *err) {
    builder b = {.graph = graph, .prefix = "", .top = layer, .err = err};
    /* Only heads of variances need a number, for their dense layer; see add_head. */
    char name[NAME_SIZE];
    do snprintf(name, sizeof name, "dense_%d", b.made[DENSE] + 1);
    while (dcpg_graph_find(graph, name) >= 0 && ++b.made[DENSE]);
    for (size_t i = 0; i < outputs->n; i++) DCPG_TRY(add_head(&b, outputs->v[i]));
    return DCPG_OK;
}

/* ---- the whole model ---- */

static bool has_dna(const dcpg_model_options *options) { return options->dna || options->dna_part; }

static bool has_cpg(const dcpg_model_options *options) { return options->cpg || options->cpg_part; }

/* The name of a loaded part, or of a part from the zoo; `otherwise` for any other. */
static const char *name_of(dcpg_model_part part, const dcpg_graph *loaded, const char *name,
                           const char *otherwise) {
    if (loaded) return loaded->name ? loaded->name : otherwise;
    const dcpg_zoo_row *row = name ? dcpg_zoo_find(part, name) : NULL;
    return row ? row->name : otherwise;
}

static dcpg_status name_graph(builder *b) {
    const dcpg_model_options *o = b->options;
    const char *dna = name_of(DCPG_PART_DNA, o->dna_part, o->dna, "dna"),
               *cpg = name_of(DCPG_PART_CPG, o->cpg_part, o->cpg, "cpg");
    const char *joint = name_of(DCPG_PART_JOINT, NULL, o->joint ? o->joint : "JointL0", "joint");
    b->graph->name = has_dna(o) && has_cpg(o) ? dcpg_format("%s_%s_%s", joint, dna, cpg)
                                              : dcpg_strdup(has_dna(o) ? dna : cpg);
    return b->graph->name ? DCPG_OK : dcpg_fail_nomem(b->err, "a model's name", NAME_SIZE);
}

static dcpg_status build(builder *b) {
    const dcpg_model_options *o = b->options;
    if (!has_dna(o) && !has_cpg(o))
        return dcpg_fail(b->err, DCPG_E_USAGE, "a model needs --dna_model, --cpg_model or both");
    if (has_dna(o)) DCPG_TRY(add_dna(b));
    int dna = b->top;
    if (has_cpg(o)) DCPG_TRY(add_cpg(b));
    if (has_dna(o) && has_cpg(o)) DCPG_TRY(add_joint(b, dna, b->top));
    DCPG_TRY(name_graph(b));
    b->prefix = "";
    for (size_t i = 0; o->outputs && i < o->outputs->n; i++) DCPG_TRY(add_head(b, o->outputs->v[i]));
    return dcpg_graph_order(b->graph, b->err);
}

dcpg_status dcpg_model_build(const dcpg_model_options *options, dcpg_graph **graph, dcpg_err *err) {
    builder b = {.options = options, .graph = dcpg_graph_new(), .err = err};
    *graph = NULL;
    if (!b.graph) return dcpg_fail_nomem(err, "a model", sizeof *b.graph);
    dcpg_status status = build(&b);
    if (status == DCPG_OK)
        *graph = b.graph;
    else
        dcpg_graph_free(b.graph);
    return status;
}
