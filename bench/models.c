/* One line per model: speed of a training step and of prediction on batches in memory, and the residual of
 * its predictions against the slow reference. bench_models [--batch N] [--leaves V] [--seconds S] [MODEL ...]
 * MODEL: a name, or DNA+CPG+JOINT */
#include <dcpg/kern.h>
#include <dcpg/keras.h>
#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <dcpg/net.h>
#include <dcpg/options.h>
#include <dcpg/rng.h>
#include <dcpg/spec.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    dcpg_strings models;
    int64_t batch, leaves, dna_wlen, cpg_wlen, cells;
    double seconds;
    bool layers;
    const char *model_json;
} settings;

/* Samples in memory with everything a step needs. */
typedef struct samples {
    dcpg_input input;
    dcpg_targets targets;
    dcpg_leaves leaves;
    void *owned[6];
} samples;

static const char *const all_models[] = {
    "CnnL1h128", "CnnL2h128",   "CnnL3h128", "CnnRnn01", "ResNet01", "ResNet02",
    "ResConv01", "ResAtrous01", "FcAvg",     "RnnL1",    "RnnL2",    "CnnL2h128+RnnL1+JointL2h512"};

static dcpg_status build(const settings *s, const char *name, dcpg_graph **graph, dcpg_err *err) {
    char *words = dcpg_strdup(name), *part[3] = {NULL, NULL, NULL}, *save = NULL;
    const char *spec;
    dcpg_strings outputs = {0};
    dcpg_status status = DCPG_OK;
    for (char *word = strtok_r(words, "+", &save); word; word = strtok_r(NULL, "+", &save))
        for (int p = DCPG_PART_DNA; p <= DCPG_PART_JOINT; p++)
            if (dcpg_spec_find((dcpg_model_part)p, word, &spec, NULL) == DCPG_OK) {
                part[p] = word;
                break;
            }
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

static void make_samples(const settings *s, samples *x) {
    size_t n = (size_t)s->batch, cells = (size_t)s->cells, wlen = (size_t)s->dna_wlen,
           nb_cpg = n * cells * 2 * (size_t)s->cpg_wlen;
    uint8_t *dna = dcpg_alloc(n * wlen, 1);
    float *cpg = dcpg_alloc(nb_cpg, sizeof *cpg), *label = dcpg_alloc(n * cells, sizeof *label),
          *weight = dcpg_alloc(cells, sizeof *weight);
    int64_t *id = dcpg_alloc(n, sizeof *id), *row = dcpg_alloc((size_t)s->leaves + 1, sizeof *row);
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, 0);
    for (size_t i = 0; i < n * wlen; i++) dna[i] = (uint8_t)dcpg_rng_below(&rng, 4);
    for (size_t i = 0; i < nb_cpg; i++) cpg[i] = (float)dcpg_rng_uniform(&rng);
    for (size_t i = 0; i < n * cells; i++)
        label[i] = dcpg_rng_uniform(&rng) < 0.7 ? -1 : (float)dcpg_rng_below(&rng, 2);
    for (size_t c = 0; c < cells; c++) weight[c] = 1;
    for (size_t i = 0; i < n; i++) id[i] = (int64_t)i;
    for (int64_t v = 0; v <= s->leaves; v++) row[v] = v * s->batch / s->leaves;
    x->leaves = (dcpg_leaves){(int)s->leaves, 0, (int)s->leaves, row};
    x->input = (dcpg_input){
        .n = s->batch, .n_global = s->batch, .dna = dna, .cpg = cpg, .id = id, .leaves = &x->leaves};
    x->targets = (dcpg_targets){label, weight, NULL};
    void *owned[] = {dna, cpg, label, weight, id, row};
    memcpy(x->owned, owned, sizeof owned);
}

static void free_samples(samples *x) {
    for (size_t i = 0; i < sizeof x->owned / sizeof *x->owned; i++) dcpg_free(x->owned[i]);
}

static void train_step(dcpg_net *net, const samples *x, const dcpg_reducer *reducer, float *m, float *v) {
    double loss[4096];
    dcpg_net_forward(net, &x->input, true, reducer);
    for (int leaf = 0; leaf < x->leaves.total; leaf++)
        dcpg_net_loss(net, &x->input, &x->targets, x->leaves.row[leaf], x->leaves.row[leaf + 1], true, loss);
    dcpg_net_backward(net, &x->input, reducer);
    const dcpg_adam_step adam = {1e-4f, 0.9f, 0.999f, 1e-7f, 1e-4f, 1e-4f};
    dcpg_adam_update(&adam, net->nb_trained, net->grads, net->params, m, v);
}

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { MAX_RUNS = 4096 };

/* Median seconds of a training step (train) or of a forward pass. */
static double time_steps(const settings *s, dcpg_net *net, const samples *x, bool train) {
    double *took = dcpg_alloc(MAX_RUNS, sizeof *took);
    float *m = dcpg_alloc(net->nb_trained, sizeof *m), *v = dcpg_alloc(net->nb_trained, sizeof *v);
    dcpg_local_reducer local = {x->leaves.total, net->grads};
    dcpg_reducer reducer = dcpg_reducer_local(&local);
    int nb = 0;
    for (double started = dcpg_now(); nb < 4 || (dcpg_now() - started < s->seconds && nb < MAX_RUNS);) {
        double t = dcpg_now();
        if (train)
            train_step(net, x, &reducer, m, v);
        else
            dcpg_net_forward(net, &x->input, false, NULL);
        took[nb++] = dcpg_now() - t;
    }
    qsort(took + 1, (size_t)nb - 1, sizeof *took, by_value); /* the first one is cold */
    double median = took[1 + (nb - 1) / 2];
    dcpg_free(took);
    dcpg_free(m);
    dcpg_free(v);
    return median;
}

static dcpg_net *make_net(const dcpg_graph *graph, const settings *s, bool train) {
    dcpg_net *net = NULL;
    dcpg_err err = {0};
    dcpg_net_options options = {.max_rows = s->batch,
                                .total = train ? (int)s->leaves : 1,
                                .end = train ? (int)s->leaves : 1,
                                .train = train,
                                .profile = train && s->layers};
    if (dcpg_net_new(graph, &options, &net, &err) != DCPG_OK) {
        fprintf(stderr, "bench: %s\n", err.text);
        exit(1);
    }
    dcpg_net_init(net, 1);
    return net;
}

/* Largest difference between the predictions of the fast and of the slow gemm, on a few samples. */
static double residual(const dcpg_graph *graph, const settings *s, const samples *x) {
    settings few = *s;
    few.batch = 2;
    samples some = *x;
    some.input.n = some.input.n_global = few.batch;
    dcpg_net *net = make_net(graph, &few, false);
    size_t n = (size_t)(few.batch * s->cells);
    float *fast = dcpg_alloc(n, sizeof *fast);
    double worst = 0;
    for (int slow = 0; slow < 2; slow++) {
        dcpg_gemm_start(slow ? "ref" : NULL, NULL);
        dcpg_net_forward(net, &some.input, false, NULL);
        for (size_t i = 0; i < n; i++) {
            int64_t stride;
            const float *p = dcpg_net_prediction(net, (int)(i % (size_t)s->cells), &stride);
            double value = (double)p[(int64_t)(i / (size_t)s->cells) * stride];
            if (slow)
                worst = fmax(worst, fabs(value - (double)fast[i]));
            else
                fast[i] = (float)value;
        }
    }
    dcpg_gemm_start(NULL, NULL);
    dcpg_free(fast);
    dcpg_net_free(net);
    return worst;
}

/* Where a step's time goes: share of each operation. */
static void print_layers(const dcpg_net *net) {
    int nb = dcpg_net_times(net, NULL);
    dcpg_op_time *time = dcpg_alloc((size_t)nb, sizeof *time);
    double total = 0;
    dcpg_net_times(net, time);
    for (int i = 0; i < nb; i++) total += time[i].forward + time[i].backward;
    for (int i = 0; i < nb; i++)
        printf("    %-14s %-24s forward %5.1f %%  backward %5.1f %%\n", time[i].kind, time[i].layer, 100 * time[i].forward / total,
               100 * time[i].backward / total);
    dcpg_free(time);
}

/* For others to build the same model of. */
static dcpg_status write_json(const dcpg_graph *graph, const char *path, dcpg_err *err) {
    char *json = dcpg_keras_json(graph);
    FILE *file = json ? fopen(path, "w") : NULL;
    bool fine = file && fputs(json, file) >= 0;
    if (file && fclose(file) != 0) fine = false;
    dcpg_free(json);
    return fine ? DCPG_OK : dcpg_fail(err, DCPG_E_IO, "%s: cannot be written", path);
}

static dcpg_status bench(const settings *s, const char *name, const samples *x, dcpg_err *err) {
    dcpg_graph *graph = NULL;
    DCPG_TRY(build(s, name, &graph, err));
    dcpg_net *net = make_net(graph, s, true);
    double step = time_steps(s, net, x, true);
    if (s->layers) print_layers(net);
    dcpg_net_free(net);
    net = make_net(graph, s, false);
    double forward = time_steps(s, net, x, false);
    dcpg_net_free(net);
    double error = residual(graph, s, x);
    dcpg_net_size size;
    dcpg_status status = dcpg_net_measure(graph, &size, err);
    if (status == DCPG_OK && s->model_json) status = write_json(graph, s->model_json, err);
    printf("%-28s batch %4lld  train %9.1f samples/s  predict %9.1f samples/s  residual %.1e  %s  %lld parameters\n", name,
           (long long)s->batch, (double)s->batch / step, (double)s->batch / forward, error,
           error < 1e-5 ? "PASS" : "FAIL", (long long)size.trainable);
    fflush(stdout);
    dcpg_graph_free(graph);
    return status;
}

int main(int argc, char **argv) {
    settings s = {0};
    dcpg_err err = {0};
    bool help = false;
    const dcpg_opt options[] = {
        {DCPG_OPT_INT, "batch", &s.batch, "128", 1, 1e6, "samples per step", "N"},
        {DCPG_OPT_INT, "leaves", &s.leaves, "8", 1, 1e6, "virtual ranks", "V"},
        {DCPG_OPT_INT, "dna_wlen", &s.dna_wlen, "1001", 1, 1e6, "DNA window", "BP"},
        {DCPG_OPT_INT, "cpg_wlen", &s.cpg_wlen, "50", 2, 1e6, "neighbours", "N"},
        {DCPG_OPT_INT, "cells", &s.cells, "18", 1, 4096, "cells and outputs", "N"},
        {DCPG_OPT_DOUBLE, "seconds", &s.seconds, "3", 0, 1e6, "to spend on each measurement", "S"},
        {DCPG_OPT_STRING, "model_json", &s.model_json, NULL, 0, 0, "write the model, the last of several, to this file", "FILE"},
        {DCPG_OPT_FLAG, "layers", &s.layers, NULL, 0, 0, "where the time of a training step goes", NULL},
        {0}};
    const dcpg_command_line line = {"bench_models [MODEL ...] [options]",
                                    "Speed of training steps and predictions on batches in memory.", options,
                                    &s.models};
    if (dcpg_options_parse(&line, argc, argv, &help, &err) != DCPG_OK ||
        dcpg_gemm_start(NULL, &err) != DCPG_OK) {
        fprintf(stderr, "bench_models: %s\n", err.text);
        return dcpg_exit_code(err.status);
    }
    if (help) {
        dcpg_options_help(&line, stdout);
        return 0;
    }
    printf("# %s, %d threads, %lld virtual ranks\n", dcpg_gemm_description(), omp_get_max_threads(),
           (long long)s.leaves);
    samples x;
    make_samples(&s, &x);
    size_t nb = s.models.n ? s.models.n : sizeof all_models / sizeof *all_models;
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < nb && status == DCPG_OK; i++)
        status = bench(&s, s.models.n ? s.models.v[i] : all_models[i], &x, &err);
    if (status != DCPG_OK) fprintf(stderr, "bench_models: %s\n", err.text);
    free_samples(&x);
    dcpg_strings_free(&s.models);
    return dcpg_exit_code(status);
}
