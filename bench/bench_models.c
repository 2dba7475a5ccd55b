/* SPDX-License-Identifier: MIT */
/* One line per model: speed of a training step and of prediction on batches in memory, peak memory of both,
 * and the residual of predictions against the slow reference.
 *   bench_models [--batch N] [--leaves V] [--seconds S] [MODEL ...]
 * MODEL: a name, or DNA+CPG+JOINT. */
#include "bench/lib/bench_model.h"
#include "bench/lib/peak.h"

#include <dcpg/keras.h>
#include <dcpg/kern.h>
#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <dcpg/net.h>
#include <dcpg/options.h>
#include <dcpg/subnormals.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

typedef struct settings {
    dcpg_strings models;
    bench_sizes sizes;
    double seconds;
    bench_peak peak;
    bool layers;
    const char *model_json;
} settings;

static const char *const all_models[] = {
    "CnnL1h128", "CnnL2h128",   "CnnL3h128", "CnnRnn01", "ResNet01", "ResNet02",
    "ResConv01", "ResAtrous01", "FcAvg",     "RnnL1",    "RnnL2",    "CnnL2h128+RnnL1+JointL2h512"};

/* Peak memory of this process since the last call, in MB; on systems other than Linux, since its start. */
static double peak_memory(void) {
    long kilobytes = 0;
    char line[128];
    FILE *file = fopen("/proc/self/status", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "VmHWM: %ld kB", &kilobytes) == 1) break;
    if (file) fclose(file);
    file = fopen("/proc/self/clear_refs", "w");
    if (file) {
        fputs("5", file);
        fclose(file);
    }
    return (double)kilobytes / 1e3;
}

static void train_step(dcpg_net *net, const bench_samples *x, const dcpg_reducer *reducer, float *m,
                       float *v) {
    bench_step(net, x, reducer);
    const dcpg_adam_step adam = {1e-4f, 0.9f, 0.999f, 1e-7f, 1e-4f, 1e-4f, 1};
    dcpg_adam_update(&adam, net->nb_trained, net->grads, net->params, m, v);
}

enum { MAX_RUNS = 4096 };

/* Median seconds of a training step (`train`) or of a forward pass, over `steps` of them. */
static double time_steps(const settings *s, dcpg_net *net, const bench_samples *x, bool train, int *steps) {
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
    double median = bench_median(took + 1, nb - 1); /* without the first one, when caches are cold */
    *steps = nb;
    dcpg_free(took);
    dcpg_free(m);
    dcpg_free(v);
    return median;
}

static dcpg_net *make_net(const dcpg_graph *graph, const settings *s, bool train) {
    dcpg_net *net = NULL;
    dcpg_err err = {0};
    dcpg_net_options options = {.max_rows = s->sizes.batch,
                                .total = train ? (int)s->sizes.leaves : 1,
                                .end = train ? (int)s->sizes.leaves : 1,
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
static double residual(const dcpg_graph *graph, const settings *s, const bench_samples *x) {
    settings few = *s;
    few.sizes.batch = 2;
    bench_samples some = *x;
    some.input.n = some.input.n_global = few.sizes.batch;
    dcpg_net *net = make_net(graph, &few, false);
    size_t n = (size_t)(few.sizes.batch * s->sizes.cells);
    float *fast = dcpg_alloc(n, sizeof *fast);
    double worst = 0;
    for (int slow = 0; slow < 2; slow++) {
        dcpg_gemm_start(slow ? "ref" : NULL, NULL);
        dcpg_net_forward(net, &some.input, false, NULL);
        for (size_t i = 0; i < n; i++) {
            int64_t stride;
            const float *p = dcpg_net_prediction(net, (int)(i % (size_t)s->sizes.cells), &stride);
            double value = (double)p[(int64_t)(i / (size_t)s->sizes.cells) * stride];
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

/* Where a step's time goes: milliseconds and share of each operation, and its rate, which counts the
 * multiplications of the plain form (backward twice as many as forward; in fact fewer where no gradient of
 * the input is needed, which is ignored here). */
static void print_layers(const dcpg_net *net, int64_t batch, int steps) {
    int nb = dcpg_net_times(net, NULL);
    dcpg_op_time *time = dcpg_alloc((size_t)nb, sizeof *time);
    double total = 0;
    dcpg_net_times(net, time);
    for (int i = 0; i < nb; i++) total += time[i].forward + time[i].backward;
    for (int i = 0; i < nb; i++) {
        double forward = time[i].forward / steps, backward = time[i].backward / steps,
               flop = 2.0 * (double)(time[i].macs * batch);
        printf("    %-14s %-24s forward %7.3f ms %5.1f %% %6.1f GFLOP/s  backward %7.3f ms %5.1f %% %6.1f "
               "GFLOP/s\n",
               time[i].kind, time[i].layer, 1e3 * forward, 100 * time[i].forward / total,
               flop / forward / 1e9, 1e3 * backward, 100 * time[i].backward / total,
               2 * flop / backward / 1e9);
    }
    dcpg_free(time);
}

/* Writes the model for other programs that build it too. */
static dcpg_status write_json(const dcpg_graph *graph, const char *path, dcpg_err *err) {
    char *json = dcpg_keras_json(graph);
    FILE *file = json ? fopen(path, "w") : NULL;
    bool fine = file && fputs(json, file) >= 0;
    if (file && fclose(file) != 0) fine = false;
    dcpg_free(json);
    return fine ? DCPG_OK : dcpg_fail(err, DCPG_E_IO, "%s: cannot be written", path);
}

static dcpg_status bench(const settings *s, const char *name, const bench_samples *x, dcpg_err *err) {
    dcpg_graph *graph = NULL;
    DCPG_TRY(bench_model(&s->sizes, name, &graph, err));
    peak_memory();
    dcpg_net *net = make_net(graph, s, true);
    int steps;
    double step = time_steps(s, net, x, true, &steps);
    if (s->layers) print_layers(net, s->sizes.batch, steps);
    dcpg_net_free(net);
    double train_peak = peak_memory();
    net = make_net(graph, s, false);
    double forward = time_steps(s, net, x, false, &steps), predict_peak = peak_memory();
    dcpg_net_free(net);
    double error = residual(graph, s, x);
    dcpg_net_size size;
    dcpg_status status = dcpg_net_measure(graph, &size, err);
    if (status == DCPG_OK && s->model_json) status = write_json(graph, s->model_json, err);
    double flops =
        2.0 * (double)size.macs; /* of the plain form, forward; a step takes almost three times as many */
    printf("%-28s batch %4lld  train %9.1f samples/s %4.0f %%  predict %9.1f samples/s %4.0f %%  memory "
           "%5.0f / %4.0f MB  residual %.1e  %s  %lld parameters\n",
           name, (long long)s->sizes.batch, (double)s->sizes.batch / step,
           100 * 3 * flops * (double)s->sizes.batch / step / s->peak.flops, (double)s->sizes.batch / forward,
           100 * flops * (double)s->sizes.batch / forward / s->peak.flops, train_peak, predict_peak, error,
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
        BENCH_SIZE_OPTIONS(&s.sizes),
        {DCPG_OPT_DOUBLE, "seconds", &s.seconds, "3", 0, 1e6, "to spend on each measurement", "S"},
        {DCPG_OPT_STRING, "model_json", &s.model_json, NULL, 0, 0,
         "write the model, the last of several, to this file", "FILE"},
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
    dcpg_flush_begin();
    s.peak = bench_measure_peak();
    printf("# %s, %d threads, %lld virtual ranks; multiply-adds in registers %.1f GFLOP/s, shares of it are "
           "given\n",
           dcpg_gemm_description(), omp_get_max_threads(), (long long)s.sizes.leaves, s.peak.flops * 1e-9);
    bench_samples x;
    bench_samples_make(&s.sizes, 0, (int)s.sizes.leaves, &x);
    size_t nb = s.models.n ? s.models.n : sizeof all_models / sizeof *all_models;
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < nb && status == DCPG_OK; i++)
        status = bench(&s, s.models.n ? s.models.v[i] : all_models[i], &x, &err);
    if (status != DCPG_OK) fprintf(stderr, "bench_models: %s\n", err.text);
    dcpg_flush_end();
    bench_samples_free(&x);
    dcpg_strings_free(&s.models);
    return dcpg_exit_code(status);
}
