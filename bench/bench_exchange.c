/* SPDX-License-Identifier: MIT */
/* What sums over ranks cost on this machine, as a line of JSON; bench/scaling/model/check.py makes parameters
 * of the model from it. Microseconds.
 *   mpirun -n P bench_exchange [--seconds S] */
#define _POSIX_C_SOURCE 200809L /* nanosleep */
#include "bench/lib/bench_model.h"

#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <dcpg/par.h>
#include <stdio.h>
#include <time.h>

enum { FLOATS = 1 << 22, DOUBLES = 1 << 18, MOST_ROUNDS = 2000, WIDTH = 192, CALLS = 8, POLLS = 100 };

typedef struct exchange {
    dcpg_par par;
    double seconds; /* to spend on a number */
    dcpg_par_window *window;
    dcpg_par_sums *sums;
    dcpg_reducer reducer;
    double *small, *total; /* [DOUBLES] */
    float *matrix;         /* [3][WIDTH][WIDTH] */
} exchange;

static void nap(double seconds) {
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&time, NULL);
}

/* ---- what is timed ---- */

typedef void timed(exchange *x, size_t size);

static void sum_doubles(exchange *x, size_t size) {
    x->reducer.sum(x->reducer.self, x->small, size, x->total);
}

static void sum_floats(exchange *x, size_t size) {
    x->reducer.start(x->reducer.self, 0, size);
    x->reducer.wait(x->reducer.self);
}

/* Long enough for a core to be taken by others meanwhile. */
static void multiply(exchange *x, size_t n) {
    enum { TIMES = 100 };
    int64_t rows = (int64_t)n;
    dcpg_mat a = {x->matrix, rows, 1}, b = {x->matrix + n * n, rows, 1};
    for (int i = 0; i < TIMES; i++)
        dcpg_gemm(rows, rows, rows, a, b, 0, (dcpg_mat_out){x->matrix + 2 * n * n, rows, 1});
}

/* ---- timing ---- */

enum { LEAST = 0, MEDIAN = 50 };

/* Microseconds of a call that all ranks make at once, a percentile of rounds of CALLS calls: ranks that wait
 * for each other take turns at short and long calls. */
static double time_all(exchange *x, timed *call, size_t size, int percentile) {
    static double took[MOST_ROUNDS];
    double started = dcpg_now();
    call(x, size);
    double rounds = x->seconds / CALLS / dcpg_max_f64_all(&x->par, dcpg_now() - started) + 3;
    int nb = rounds < MOST_ROUNDS ? (int)rounds : MOST_ROUNDS;
    dcpg_barrier_all(&x->par);
    for (int i = 0; i < nb; i++) {
        started = dcpg_now();
        for (int k = 0; k < CALLS; k++) call(x, size);
        took[i] = (dcpg_now() - started) / CALLS;
    }
    dcpg_barrier_all(&x->par);
    bench_median(took, nb); /* sorts */
    return 1e6 * took[(nb - 1) * percentile / 100];
}

/* A call that does not communicate, on rank 0 alone, while the other ranks sleep. */
static double time_alone_all(exchange *x, timed *call, size_t size) {
    exchange alone = *x;
    double us = 0;
    alone.par.size = 1;
    dcpg_barrier_all(&x->par);
    if (x->par.rank == 0)
        us = time_all(&alone, call, size, LEAST);
    else
        nap(2 * x->seconds);
    dcpg_bcast_all(&x->par, &us, sizeof us, 0);
    return us;
}

/* Handing over a block, and a look at it that finds nothing: the other ranks come later. */
static void time_start_all(exchange *x, double *start_us, double *poll_us) {
    const dcpg_reducer *r = &x->reducer;
    size_t block = dcpg_par_sums_slices(x->sums).block;
    double started[MOST_ROUNDS], polled[MOST_ROUNDS];
    int nb = (int)(x->seconds / 0.01) + 1;
    for (int i = 0; i < nb; i++) {
        dcpg_barrier_all(&x->par);
        if (x->par.rank) nap(0.005);
        double before = dcpg_now();
        r->start(r->self, 0, block);
        started[i] = dcpg_now() - before;
        before = dcpg_now();
        for (int k = 0; k < POLLS; k++) r->poll(r->self);
        polled[i] = (dcpg_now() - before) / POLLS;
        r->wait(r->self);
    }
    *start_us = 1e6 * bench_median(started, nb);
    *poll_us = 1e6 * bench_median(polled, nb);
}

/* [[size, us], ...] for sizes of values of `bytes`. */
static void print_all(exchange *x, const char *name, timed *call, const size_t *size, size_t bytes) {
    if (x->par.rank == 0) printf(",\"%s\":[", name);
    for (const size_t *s = size; *s; s++) {
        double us = time_all(x, call, *s, MEDIAN);
        if (x->par.rank == 0) printf("%s[%zu,%.3f]", s == size ? "" : ",", *s * bytes, us);
    }
    if (x->par.rank == 0) printf("]");
}

static void report_all(exchange *x) {
    static const size_t doubles[] = {1, 64, 512, 4096, 16384, 65536, DOUBLES / 2, DOUBLES, 0};
    size_t block = dcpg_par_sums_slices(x->sums).block, floats[] = {16, 65536, block, FLOATS, 0};
    bool prints = x->par.rank == 0;
    double start_us, poll_us;
    if (prints) printf("{\"ranks\":%d,\"hosts\":%d", x->par.size, x->par.nb_host);
    print_all(x, "sums_bytes_us", sum_doubles, doubles, sizeof(double));
    print_all(x, "gradients_floats_us", sum_floats, floats, 1);
    time_start_all(x, &start_us, &poll_us);
    if (prints) printf(",\"start_us\":%.3f,\"poll_us\":%.3f", start_us, poll_us);
    double alone = time_alone_all(x, multiply, WIDTH), all = time_all(x, multiply, WIDTH, MEDIAN);
    if (prints) printf(",\"multiply_us\":[%.3f,%.3f]}\n", alone, all);
}

static dcpg_status open_all(exchange *x, dcpg_err *err) {
    dcpg_par_sums_options options = {.total = x->par.size,
                                     .first = x->par.rank,
                                     .end = x->par.rank + 1,
                                     .count = FLOATS,
                                     .reproducible = true};
    x->small = dcpg_alloc(DOUBLES, sizeof *x->small);
    x->total = dcpg_alloc(DOUBLES, sizeof *x->total);
    x->matrix = dcpg_alloc((size_t)3 * WIDTH * WIDTH, sizeof *x->matrix);
    bool fine = x->small && x->total && x->matrix;
    DCPG_TRY(dcpg_agree_all(&x->par, fine ? DCPG_OK : dcpg_fail_nomem(err, "arrays", DOUBLES), err));
    DCPG_TRY(dcpg_agree_all(&x->par, dcpg_gemm_start(NULL, err), err));
    DCPG_TRY(dcpg_par_window_open_all(&x->par, FLOATS * sizeof(float), &x->window, err));
    options.grads = x->window->mine;
    options.window = x->window;
    DCPG_TRY(dcpg_par_sums_open_all(&x->par, &options, &x->sums, err));
    x->reducer = dcpg_par_reducer(x->sums);
    return DCPG_OK;
}

static void close_all(exchange *x) {
    dcpg_par_sums_close_all(x->sums);
    dcpg_par_window_close_all(x->window);
    dcpg_free(x->small);
    dcpg_free(x->total);
    dcpg_free(x->matrix);
}

int main(int argc, char **argv) {
    exchange x = {0};
    dcpg_err err = {0};
    bool help = false;
    const dcpg_opt options[] = {
        {DCPG_OPT_DOUBLE, "seconds", &x.seconds, "0.2", 0, 10, "to spend on a number", "S"}, {0}};
    const dcpg_command_line line = {.usage = "mpirun -n P bench_exchange [options]",
                                    .about = "What sums over ranks cost on this machine, as JSON.",
                                    .options = options};
    if (dcpg_par_open_all(&x.par, &argc, &argv, &err) != DCPG_OK) return 1;
    dcpg_status status = dcpg_agree_all(&x.par, dcpg_options_parse(&line, argc, argv, &help, &err), &err);
    if (status == DCPG_OK && help && x.par.rank == 0) dcpg_options_help(&line, stdout);
    if (status == DCPG_OK && !help) status = open_all(&x, &err);
    if (status == DCPG_OK && !help) report_all(&x);
    if (status != DCPG_OK && x.par.rank == 0) fprintf(stderr, "bench_exchange: %s\n", err.text);
    close_all(&x);
    dcpg_par_close_all(&x.par);
    return dcpg_exit_code(status);
}
