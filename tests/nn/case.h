/* SPDX-License-Identifier: MIT */
/* A small model with random data, and one training step on it. */
#ifndef NN_CASE_H
#define NN_CASE_H

#include "cmocka_all.h"

#include "nn/plan.h"

#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <dcpg/spec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The model to build: specifications or names from the zoo, and sizes. */
typedef struct model {
    const char *dna, *cpg, *joint;
    int64_t dna_wlen, cpg_wlen, nb_cell;
    const char *outputs; /* names separated by spaces; NULL: "cpg/a cpg/b" */
    float dropout;
} model;

typedef struct data {
    int64_t n;
    uint8_t *dna;
    float *cpg, *label, *output_weight, *class_weight;
    int64_t *id, *row; /* row: first row of each leaf */
} data;

static inline void split_words(const char *text, dcpg_strings *words) {
    char *copy = dcpg_strdup(text), *rest = NULL;
    dcpg_err err = {0};
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        assert_int_equal(dcpg_strings_add(words, word, &err), DCPG_OK);
    dcpg_free(copy);
}

static inline dcpg_graph *model_graph(const model *m) {
    dcpg_strings outputs = {0};
    split_words(m->outputs ? m->outputs : "cpg/a cpg/b", &outputs);
    dcpg_model_options options = {.dna = m->dna,
                                  .cpg = m->cpg,
                                  .joint = m->joint,
                                  .dna_wlen = m->dna_wlen,
                                  .cpg_wlen = m->cpg_wlen,
                                  .nb_cell = m->nb_cell,
                                  .outputs = &outputs,
                                  .dropout = m->dropout,
                                  .l1 = 1e-4f,
                                  .l2 = 3e-4f};
    dcpg_graph *graph;
    dcpg_err err = {0};
    if (dcpg_model_build(&options, &graph, &err) != DCPG_OK) fail_msg("%s", err.text);
    dcpg_strings_free(&outputs);
    return graph;
}

static inline dcpg_net *graph_net(const dcpg_graph *graph, int64_t n, int total, int first, int end,
                                  bool fuse) {
    dcpg_net_options options = {
        .max_rows = n, .total = total, .first = first, .end = end, .train = true, .seed = 3};
    dcpg_net *net;
    dcpg_err err = {0};
    if (dcpg_net_new_planned(graph, &options, fuse, &net, &err) != DCPG_OK) fail_msg("%s", err.text);
    dcpg_net_init(net, 7);
    return net;
}

/* First row of leaf `leaf` of `total` over n samples. */
static inline int64_t leaf_row(int64_t n, int total, int leaf) { return n * leaf / total; }

/* Random samples 0 .. n-1 in `total` leaves; labels fit the outputs, some are missing. */
static inline data random_data(const dcpg_graph *graph, int64_t n, int total) {
    size_t rows = (size_t)n, outputs = (size_t)graph->nb_output;
    size_t cpg = (size_t)(graph->nb_cell * 2 * graph->cpg_wlen);
    data d = {.n = n,
              .dna = dcpg_alloc(rows * (size_t)graph->dna_wlen, 1),
              .cpg = dcpg_alloc(rows * cpg, sizeof(float)),
              .label = dcpg_alloc(rows * outputs, sizeof(float)),
              .output_weight = dcpg_alloc(outputs, sizeof(float)),
              .class_weight = dcpg_alloc(outputs * DCPG_MAX_CLASSES, sizeof(float)),
              .id = dcpg_alloc(rows, sizeof(int64_t)),
              .row = dcpg_alloc((size_t)total + 1, sizeof(int64_t))};
    dcpg_rng rng;
    dcpg_rng_start(&rng, 11, 5);
    for (size_t i = 0; i < rows * (size_t)graph->dna_wlen; i++) d.dna[i] = (uint8_t)dcpg_rng_below(&rng, 5);
    for (size_t i = 0; i < rows * cpg; i++) d.cpg[i] = (float)dcpg_rng_uniform(&rng);
    for (size_t o = 0; o < outputs; o++) {
        dcpg_output_kind kind = dcpg_output_kind_of(graph->layer[graph->output[o]].name);
        d.output_weight[o] = 1 + 0.5f * (float)o;
        for (int c = 0; c < DCPG_MAX_CLASSES; c++)
            d.class_weight[o * DCPG_MAX_CLASSES + (size_t)c] = 0.25f + 0.5f * (float)c;
        for (size_t i = 0; i < rows; i++) {
            float *label = &d.label[i * outputs + o];
            *label = kind.loss == DCPG_LOSS_MSE ? (float)dcpg_rng_uniform(&rng)
                                                : (float)dcpg_rng_below(&rng, kind.units == 3 ? 3 : 2);
            if (n > 3 && dcpg_rng_below(&rng, 5) == 0) *label = -1;
        }
    }
    for (int64_t i = 0; i < n; i++) d.id[i] = 1000 + 7 * i;
    for (int v = 0; v <= total; v++) d.row[v] = leaf_row(n, total, v);
    return d;
}

static inline void free_data(data *d) {
    dcpg_free(d->dna);
    dcpg_free(d->cpg);
    dcpg_free(d->label);
    dcpg_free(d->output_weight);
    dcpg_free(d->class_weight);
    dcpg_free(d->id);
    dcpg_free(d->row);
}

static inline dcpg_targets data_targets(const data *d) {
    return (dcpg_targets){
        .label = d->label, .output_weight = d->output_weight, .class_weight = d->class_weight};
}

/* Sum of output weight * loss / n_global over the outputs, for the rows of the input's leaves. */
static inline double sum_loss(dcpg_net *net, const dcpg_input *input, const dcpg_targets *targets,
                              bool with_gradient) {
    double total = 0, loss[64];
    for (int leaf = 0; leaf < input->leaves->end - input->leaves->first; leaf++) {
        dcpg_net_loss(net, input, targets,
                      (dcpg_net_rows){input->leaves->row[leaf], input->leaves->row[leaf + 1]}, with_gradient,
                      loss);
        for (int o = 0; o < net->nb_output; o++)
            total += (double)targets->output_weight[o] * loss[o] / (double)input->n_global;
    }
    return total;
}

/* One step on all samples, with a net that holds all leaves; gradients end up in node 0. */
static inline double train_pass(dcpg_net *net, const data *d, bool with_gradient) {
    dcpg_leaves leaves = {net->options.total, 0, net->options.total, d->row};
    dcpg_input input = {
        .n = d->n, .n_global = d->n, .dna = d->dna, .cpg = d->cpg, .id = d->id, .leaves = &leaves, .step = 4};
    dcpg_targets targets = data_targets(d);
    dcpg_net_forward(net, &input, true, NULL);
    double loss = sum_loss(net, &input, &targets, with_gradient);
    if (with_gradient) dcpg_net_backward(net, &input, NULL);
    return loss;
}

/* Value i of a parameter array, and of its gradient. */
static inline size_t param_place(const dcpg_param *p, size_t i) {
    return p->offset + i / p->row * p->stride + i % p->row;
}

static inline float largest(const dcpg_net *net, const dcpg_param *p, const float *values) {
    float most = 0;
    for (size_t i = 0; i < p->size; i++) {
        float value = values[param_place(p, i)];
        if (value < 0) value = -value;
        if (value > most) most = value;
    }
    (void)net;
    return most;
}

#endif
