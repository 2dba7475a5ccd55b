/* SPDX-License-Identifier: MIT */
/* Models and batches for the benchmarks: models by name, random samples in memory. */
#ifndef BENCH_MODEL_H
#define BENCH_MODEL_H

#include <dcpg/graph.h>
#include <dcpg/net.h>

typedef struct bench_sizes {
    int64_t batch, leaves, dna_wlen, cpg_wlen,
        cells; /* samples of all ranks, V, windows, cells and outputs */
} bench_sizes;

/* Rows of a table of options that set the sizes `s`. */
#define BENCH_SIZE_OPTIONS(s)                                                                                \
    {DCPG_OPT_INT, "batch", &(s)->batch, "128", 1, 1e6, "samples per step", "N"},                            \
        {DCPG_OPT_INT, "leaves", &(s)->leaves, "8", 1, 1e6, "virtual ranks", "V"},                           \
        {DCPG_OPT_INT, "dna_wlen", &(s)->dna_wlen, "1001", 1, 1e6, "DNA window", "BP"},                      \
        {DCPG_OPT_INT, "cpg_wlen", &(s)->cpg_wlen, "50", 2, 1e6, "neighbours", "N"}, {                       \
        DCPG_OPT_INT, "cells", &(s)->cells, "18", 1, 4096, "cells and outputs", "N"                          \
    }

/* The graph of a model of the zoo, or of DNA+CPG+JOINT. */
dcpg_status bench_model(const bench_sizes *sizes, const char *name, dcpg_graph **graph, dcpg_err *err);

/* Samples of leaves first .. end-1, with everything that a step needs. */
typedef struct bench_samples {
    dcpg_input input;
    dcpg_targets targets;
    dcpg_leaves leaves;
    void *owned[6];
} bench_samples;
void bench_samples_make(const bench_sizes *sizes, int first, int end, bench_samples *samples);
void bench_samples_free(bench_samples *samples);

/* Forward, losses, backward; at return the reducer may still be summing gradients. */
void bench_step(dcpg_net *net, const bench_samples *x, const dcpg_reducer *reducer);

/* Median of took[nb], which gets sorted. */
double bench_median(double *took, int nb);

#endif
