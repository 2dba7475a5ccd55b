/* SPDX-License-Identifier: MIT */
/* The cost of exchange between ranks: seconds of a training step with every way of summing gradients, in
 * turn, so that all ways run under the same conditions.
 *   mpirun -n P bench_ranks [MODEL ...] */
#include "bench/lib/bench_model.h"

#include <dcpg/kern.h>
#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <dcpg/par.h>
#include <dcpg/train.h>
#include <stdlib.h>

typedef struct settings {
    dcpg_strings models;
    bench_sizes sizes;
    double seconds;
} settings;

typedef struct way {
    const char *name;
    bool tree, late, sharded, bf16, messages;
} way;

static const way ways[] = {
    {"tree, during backward (default)", .tree = true},
    {"tree, after backward", .tree = true, .late = true},
    {"tree, by messages on a host", .tree = true, .messages = true},
    {"any order (--no_reproducible)", .tree = false},
    {"any order, after backward", .late = true},
    {"tree, sharded optimiser", .tree = true, .sharded = true},
    {"tree, bf16", .tree = true, .bf16 = true},
    {"tree, bf16, sharded optimiser", .tree = true, .sharded = true, .bf16 = true},
};
enum { NB_WAY = sizeof ways / sizeof *ways, MAX_ROUNDS = 512 };

/* A reducer that holds back every range until the backward pass is done. */
typedef struct late {
    dcpg_reducer inner;
    dcpg_range range[4096];
    int nb;
} late;

static void late_start(void *self, size_t offset, size_t count) {
    late *l = self;
    l->range[l->nb++] = (dcpg_range){offset, count};
}
static void late_poll(void *self) { (void)self; }
static void late_wait(void *self) {
    late *l = self;
    for (int i = 0; i < l->nb; i++) l->inner.start(l->inner.self, l->range[i].offset, l->range[i].count);
    l->nb = 0;
    l->inner.wait(l->inner.self);
}
static void late_sum(void *self, double *sums, size_t count, double *total) {
    late *l = self;
    l->inner.sum(l->inner.self, sums, count, total);
}

/* One net and optimiser per way. */
typedef struct runner {
    dcpg_net *net;
    dcpg_adam *adam;
    dcpg_par_window *window;
    dcpg_par_sums *sums;
    late late;
    dcpg_reducer reducer;
    double took[MAX_ROUNDS], waited[MAX_ROUNDS];
} runner;

static dcpg_status open_runner_all(const way *w, const bench_sizes *s, const dcpg_graph *graph,
                                   const dcpg_par *par, runner *r, dcpg_err *err) {
    int first = (int)dcpg_part(s->leaves, par->rank, par->size),
        end = (int)dcpg_part(s->leaves, par->rank + 1, par->size);
    dcpg_net_options options = {.max_rows = s->batch,
                                .total = (int)s->leaves,
                                .first = first,
                                .end = end,
                                .train = true,
                                .lent_grads = true,
                                .bf16_sums = w->bf16};
    DCPG_TRY(dcpg_agree_all(par, dcpg_net_new(graph, &options, &r->net, err), err));
    dcpg_net_init(r->net, 1);
    size_t bytes = r->net->nb_grads * r->net->nb_trained * sizeof(float);
    DCPG_TRY(dcpg_par_window_open_all(par, bytes, &r->window, err));
    r->net->grads = r->window->mine;
    dcpg_par_sums_options sums = {.total = (int)s->leaves,
                                  .first = first,
                                  .end = end,
                                  .grads = r->net->grads,
                                  .count = r->net->nb_trained,
                                  .window = w->messages ? NULL : r->window,
                                  .reproducible = w->tree,
                                  .sharded = w->sharded,
                                  .bf16 = w->bf16};
    DCPG_TRY(dcpg_par_sums_open_all(par, &sums, &r->sums, err));
    dcpg_slices slices = dcpg_par_sums_slices(r->sums), all = {slices.total, slices.block, 0, 1};
    DCPG_TRY(
        dcpg_agree_all(par, dcpg_adam_new(r->net, w->sharded ? &slices : &all, NULL, &r->adam, err), err));
    r->reducer = dcpg_par_reducer(r->sums);
    r->late.inner = r->reducer;
    if (w->late) r->reducer = (dcpg_reducer){&r->late, late_sum, late_start, late_poll, late_wait};
    return DCPG_OK;
}

static void close_runner_all(runner *r) {
    dcpg_par_sums_close_all(r->sums);
    dcpg_adam_free(r->adam);
    dcpg_net_free(r->net);
    dcpg_par_window_close_all(r->window);
}

static void run_step(const way *w, runner *r, const bench_samples *x, const dcpg_par *par, int round) {
    dcpg_barrier_all(par);
    double started = dcpg_now();
    bench_step(r->net, x, &r->reducer);
    double before = dcpg_now();
    r->reducer.wait(r->reducer.self);
    r->waited[round] = dcpg_now() - before;
    dcpg_adam_apply_all(r->adam, par, 1e-4, r->net->grads, r->net->params);
    if (w->sharded) dcpg_par_sums_gather_all(r->sums, r->net->params);
    r->took[round] = dcpg_max_f64_all(par, dcpg_now() - started);
}

static dcpg_status bench_all(const settings *s, const char *name, const bench_samples *x, const dcpg_par *par,
                             dcpg_err *err) {
    dcpg_graph *graph = NULL;
    runner *r = dcpg_alloc(NB_WAY, sizeof *r);
    dcpg_status status = dcpg_agree_all(
        par, r ? bench_model(&s->sizes, name, &graph, err) : dcpg_fail_nomem(err, "runs", NB_WAY * sizeof *r),
        err);
    for (int i = 0; i < NB_WAY && status == DCPG_OK; i++)
        status = open_runner_all(&ways[i], &s->sizes, graph, par, &r[i], err);
    int nb = 0;
    double started = dcpg_now();
    for (int more = status == DCPG_OK; more; nb++) {
        for (int i = 0; i < NB_WAY; i++) run_step(&ways[i], &r[i], x, par, nb);
        more = nb < 3 || (nb < MAX_ROUNDS - 1 && dcpg_now() - started < s->seconds);
        dcpg_bcast_all(par, &more, sizeof more, 0);
    }
    for (int i = 0; i < NB_WAY && status == DCPG_OK && par->rank == 0; i++) {
        double step = bench_median(r[i].took + 1, nb - 1),
               waited =
                   bench_median(r[i].waited + 1, nb - 1); /* without the first one, when caches are cold */
        printf("%-28s %-34s %8.2f ms  %8.1f samples/s  waiting for sums %6.2f ms\n", name, ways[i].name,
               1e3 * step, (double)s->sizes.batch / step, 1e3 * waited);
    }
    fflush(stdout);
    for (int i = 0; r && i < NB_WAY; i++) close_runner_all(&r[i]);
    dcpg_free(r);
    dcpg_graph_free(graph);
    return status;
}

static dcpg_status run_all(settings *s, const dcpg_par *par, dcpg_err *err) {
    static char *const initial[] = {"CnnL2h128", "ResNet01", "RnnL1"};
    if (s->sizes.leaves < par->size)
        return dcpg_fail(err, DCPG_E_USAGE, "--leaves %lld: at least one per rank",
                         (long long)s->sizes.leaves);
    DCPG_TRY(dcpg_agree_all(par, dcpg_gemm_start(NULL, err), err));
    bench_samples x;
    bench_samples_make(&s->sizes, (int)dcpg_part(s->sizes.leaves, par->rank, par->size),
                       (int)dcpg_part(s->sizes.leaves, par->rank + 1, par->size), &x);
    if (par->rank == 0)
        printf("# %d ranks on %d hosts, %lld virtual ranks, medians\n", par->size, par->nb_host,
               (long long)s->sizes.leaves);
    size_t nb = s->models.n ? s->models.n : sizeof initial / sizeof *initial;
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < nb && status == DCPG_OK; i++)
        status = bench_all(s, s->models.n ? s->models.v[i] : initial[i], &x, par, err);
    bench_samples_free(&x);
    return status;
}

int main(int argc, char **argv) {
    settings s = {0};
    dcpg_par par;
    dcpg_err err = {0};
    bool help = false;
    const dcpg_opt options[] = {
        BENCH_SIZE_OPTIONS(&s.sizes),
        {DCPG_OPT_DOUBLE, "seconds", &s.seconds, "8", 0, 1e6, "to spend on each model", "S"},
        {0}};
    const dcpg_command_line line = {"mpirun -n P bench_ranks [MODEL ...] [options]",
                                    "A training step on P ranks, in every way of summing gradients.", options,
                                    &s.models};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK) return 1;
    dcpg_status status = dcpg_agree_all(&par, dcpg_options_parse(&line, argc, argv, &help, &err), &err);
    if (status == DCPG_OK && help && par.rank == 0) dcpg_options_help(&line, stdout);
    if (status == DCPG_OK && !help) status = run_all(&s, &par, &err);
    if (status != DCPG_OK && par.rank == 0) fprintf(stderr, "bench_ranks: %s\n", err.text);
    dcpg_strings_free(&s.models);
    dcpg_par_close_all(&par);
    return dcpg_exit_code(status);
}
