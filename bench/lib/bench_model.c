/* SPDX-License-Identifier: MIT */
/* Models and batches for the benchmarks (bench_model.h). */
#include "bench/lib/bench_model.h"

#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <dcpg/spec.h>
#include <stdlib.h>
#include <string.h>

static void find_parts(char *words, const char *part[3]) {
    char *save = NULL;
    const char *spec;
    for (char *word = strtok_r(words, "+", &save); word; word = strtok_r(NULL, "+", &save))
        for (int p = DCPG_PART_DNA; p <= DCPG_PART_JOINT; p++)
            if (dcpg_spec_find((dcpg_model_part)p, word, &spec, NULL) == DCPG_OK) {
                part[p] = word;
                break;
            }
}

dcpg_status bench_model(const bench_sizes *s, const char *name, dcpg_graph **graph, dcpg_err *err) {
    char *words = dcpg_strdup(name);
    const char *part[3] = {NULL, NULL, NULL};
    dcpg_strings outputs = {0};
    dcpg_status status = DCPG_OK;
    find_parts(words, part);
    for (int64_t c = 0; c < s->cells && status == DCPG_OK; c++) {
        char *output = dcpg_format("cpg/cell%03d", (int)c);
        status = dcpg_strings_add(&outputs, output, err);
        dcpg_free(output);
    }
    dcpg_model_options options = {.dna = part[0],
                                  .cpg = part[1],
                                  .joint = part[2],
                                  .dna_wlen = s->dna_wlen,
                                  .cpg_wlen = s->cpg_wlen,
                                  .nb_cell = s->cells,
                                  .outputs = &outputs,
                                  .l1 = 1e-4f,
                                  .l2 = 1e-4f};
    if (status == DCPG_OK) status = dcpg_model_build(&options, graph, err);
    dcpg_strings_free(&outputs);
    dcpg_free(words);
    return status;
}

void bench_samples_make(const bench_sizes *s, int first, int end, bench_samples *x) {
    int64_t from = first * s->batch / s->leaves, to = end * s->batch / s->leaves;
    size_t n = (size_t)(to - from), cells = (size_t)s->cells, wlen = (size_t)s->dna_wlen,
           nb_cpg = n * cells * 2 * (size_t)s->cpg_wlen;
    uint8_t *dna = dcpg_alloc(n * wlen, 1);
    float *cpg = dcpg_alloc(nb_cpg, sizeof *cpg), *label = dcpg_alloc(n * cells, sizeof *label),
          *weight = dcpg_alloc(cells, sizeof *weight);
    int64_t *id = dcpg_alloc(n, sizeof *id), *row = dcpg_alloc((size_t)(end - first) + 1, sizeof *row);
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, (uint64_t)first);
    for (size_t i = 0; i < n * wlen; i++) dna[i] = (uint8_t)dcpg_rng_below(&rng, 4);
    for (size_t i = 0; i < nb_cpg; i++) cpg[i] = (float)dcpg_rng_uniform(&rng);
    for (size_t i = 0; i < n * cells; i++)
        label[i] = dcpg_rng_uniform(&rng) < 0.7 ? -1 : (float)dcpg_rng_below(&rng, 2);
    for (size_t c = 0; c < cells; c++) weight[c] = 1;
    for (size_t i = 0; i < n; i++) id[i] = from + (int64_t)i;
    for (int v = first; v <= end; v++) row[v - first] = v * s->batch / s->leaves - from;
    x->leaves = (dcpg_leaves){(int)s->leaves, first, end, row};
    x->input = (dcpg_input){
        .n = (int64_t)n, .n_global = s->batch, .dna = dna, .cpg = cpg, .id = id, .leaves = &x->leaves};
    x->targets = (dcpg_targets){label, weight, NULL};
    void *owned[] = {dna, cpg, label, weight, id, row};
    memcpy(x->owned, owned, sizeof owned);
}

void bench_samples_free(bench_samples *x) {
    for (size_t i = 0; i < sizeof x->owned / sizeof *x->owned; i++) dcpg_free(x->owned[i]);
}

void bench_step(dcpg_net *net, const bench_samples *x, const dcpg_reducer *reducer) {
    double loss[4096];
    const int64_t *row = x->leaves.row;
    dcpg_net_forward(net, &x->input, true, reducer);
    for (int leaf = 0; leaf < x->leaves.end - x->leaves.first; leaf++)
        dcpg_net_loss(net, &x->input, &x->targets, (dcpg_net_rows){row[leaf], row[leaf + 1]}, true, loss);
    dcpg_net_backward(net, &x->input, reducer);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_median(double *took, int nb) {
    qsort(took, (size_t)nb, sizeof *took, by_value);
    return took[nb / 2];
}
