/* SPDX-License-Identifier: MIT */
/* Speed of loading a store and of cutting batches from it.
 *   [mpirun -n P] bench_data [--cells N ...] [--positions M] [--coverage SHARE] [--store FILE] [--all]
 *                            [--seconds S]
 * For every number of cells, a store of random calls is written, unless FILE exists; every rank loads its
 * part (with --all the whole store, as training without shuffling does); then random batches are cut: DNA
 * windows of 1,001 bp, 50 neighbours and the labels of all cells. Reports seconds of loading, peak memory (of
 * a rank, and summed over ranks) and sites per second and core. The peak is that of the process since its
 * start: to leave out writing the store, let another run write it (--store). */
#include "base/number.h"

#include <dcpg/h5.h>
#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <dcpg/rng.h>
#include <dcpg/source.h>
#include <inttypes.h>
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SPACING = 30, BATCH = 128, WORDS = 4096, ROWS = 16 };

typedef struct settings {
    dcpg_strings cells;
    int64_t positions, dna_wlen, cpg_wlen;
    double coverage, seconds;
    const char *store;
    bool all;
} settings;

static dcpg_par par;
static dcpg_err err;

static void must(dcpg_status status) {
    if (status == DCPG_OK) return;
    fprintf(stderr, "bench_data: %s\n", err.text);
    dcpg_par_abort(&par, 1);
}

/* ---- a store ---- */

static void put(dcpg_h5 *file, const char *path, dcpg_h5_type type, int64_t n, const void *data) {
    must(dcpg_h5_make(file, path, &(dcpg_h5_shape){.type = type, .ndim = 1, .dim = {n}}, &err));
    must(dcpg_h5_write(file, path, type, NULL, data, &err));
}

/* 64 bits, each set with probability parts / 128. */
static uint64_t draw_bits(uint64_t *state, unsigned parts) {
    uint64_t bits = 0;
    for (int i = 0; i < 7; i++) {
        *state = dcpg_mix(*state, (uint64_t)i);
        bits = parts >> i & 1 ? bits | *state : bits & *state;
    }
    return bits;
}

static void write_genome(dcpg_h5 *file, int64_t positions) {
    int64_t length = positions * SPACING + SPACING, bytes = (length + 3) / 4;
    uint8_t *base = dcpg_alloc((size_t)bytes, 1);
    int32_t *pos = dcpg_alloc((size_t)positions, sizeof *pos);
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, 2);
    for (int64_t i = 0; i < bytes; i++) base[i] = (uint8_t)dcpg_rng_u32(&rng);
    for (int64_t i = 0; i < positions; i++)
        pos[i] = (int32_t)(i * SPACING + 1 + (int64_t)dcpg_rng_below(&rng, SPACING - 2));
    char *name = (char[]){"1"}, *md5 = (char[]){""};
    must(dcpg_h5_write_strings(file, "/genome/chromo", &(dcpg_strings){&name, 1, 1}, &err));
    must(dcpg_h5_write_strings(file, "/genome/md5", &(dcpg_strings){&md5, 1, 1}, &err));
    put(file, "/genome/length", DCPG_H5_I64, 1, &length);
    put(file, "/genome/offset", DCPG_H5_I64, 2, (int64_t[]){0, bytes});
    put(file, "/genome/bases", DCPG_H5_U8, bytes, base);
    put(file, "/genome/n_offset", DCPG_H5_I64, 2, (int64_t[]){0, 0});
    must(dcpg_h5_make(file, "/genome/n_runs", &(dcpg_h5_shape){.type = DCPG_H5_I64, .ndim = 2, .dim = {0, 2}},
                      &err));
    put(file, "/positions/pos", DCPG_H5_I32, positions, pos);
    put(file, "/positions/offset", DCPG_H5_I64, 2, (int64_t[]){0, positions});
    dcpg_free(base);
    dcpg_free(pos);
}

/* Rows [from, to) of observed and state, and their counts. */
static void write_rows(dcpg_h5 *file, int64_t from, int64_t to, int64_t positions, unsigned parts,
                       int64_t *nb_call) {
    int64_t words = ceil_div(positions, 64), columns = ceil_div(words, WORDS);
    uint64_t *observed = dcpg_alloc((size_t)(ROWS * words), 8),
             *state = dcpg_alloc((size_t)(ROWS * words), 8);
    int32_t *count = dcpg_alloc((size_t)(ROWS * columns), sizeof *count);
#pragma omp parallel for
    for (int64_t r = 0; r < to - from; r++) {
        uint64_t random = dcpg_mix(7, (uint64_t)(from + r)),
                 last = positions % 64 ? ~UINT64_C(0) >> (64 - positions % 64) : ~UINT64_C(0);
        for (int64_t w = 0; w < words; w++) {
            uint64_t bits = draw_bits(&random, parts) & (w == words - 1 ? last : ~UINT64_C(0));
            observed[r * words + w] = bits;
            state[r * words + w] = bits & draw_bits(&random, 90);
            count[r * columns + w / WORDS] += __builtin_popcountll(bits);
        }
        for (int64_t k = 0; k < columns; k++) nb_call[from + r] += count[r * columns + k];
    }
    dcpg_h5_block block = {{from}, {to - from, words}};
    must(dcpg_h5_write(file, "/calls/observed", DCPG_H5_U64, &block, observed, &err));
    must(dcpg_h5_write(file, "/calls/state", DCPG_H5_U64, &block, state, &err));
    block.count[1] = columns;
    must(dcpg_h5_write(file, "/calls/count", DCPG_H5_I32, &block, count, &err));
    dcpg_free(observed);
    dcpg_free(state);
    dcpg_free(count);
}

static void write_calls(dcpg_h5 *file, int64_t cells, int64_t positions, double coverage) {
    int64_t words = ceil_div(positions, 64), columns = ceil_div(words, WORDS);
    dcpg_h5_shape shape = {
        .type = DCPG_H5_U64, .ndim = 2, .dim = {cells, words}, .chunk = {ROWS, WORDS}, .deflate = 1};
    must(dcpg_h5_make(file, "/calls/observed", &shape, &err));
    must(dcpg_h5_make(file, "/calls/state", &shape, &err));
    must(dcpg_h5_make(file, "/calls/count",
                      &(dcpg_h5_shape){.type = DCPG_H5_I32, .ndim = 2, .dim = {cells, columns}}, &err));
    int64_t *nb_call = dcpg_alloc((size_t)cells, sizeof *nb_call);
    uint8_t *binary = dcpg_alloc((size_t)cells, 1);
    dcpg_strings names = {0};
    for (int64_t i = 0; i < cells; i++) {
        char *name = dcpg_format("cell%06d", (int)i);
        must(dcpg_strings_add(&names, name, &err));
        dcpg_free(name);
        binary[i] = 1;
    }
    for (int64_t i = 0; i < cells; i += ROWS)
        write_rows(file, i, min_i64(i + ROWS, cells), positions, (unsigned)(coverage * 128 + 0.5), nb_call);
    must(dcpg_h5_write_strings(file, "/cells/name", &names, &err));
    put(file, "/cells/binary", DCPG_H5_U8, cells, binary);
    put(file, "/cells/nb_call", DCPG_H5_I64, cells, nb_call);
    dcpg_strings_free(&names);
    dcpg_free(nb_call);
    dcpg_free(binary);
}

static void write_store(const settings *s, const char *path, int64_t cells) {
    dcpg_h5 *file;
    must(dcpg_h5_create(path, NULL, &file, &err));
    must(dcpg_h5_write_attr_string(file, "/", "format", "dcpg-store", &err));
    must(dcpg_h5_write_attr_i64(file, "/", "version", 2, &err));
    write_genome(file, s->positions);
    write_calls(file, cells, s->positions, s->coverage);
    must(dcpg_h5_commit(file, &err));
}

/* ---- measuring ---- */

/* Cuts batches of random samples until the time is over; returns samples per second of this rank. */
static double cut(dcpg_source *source, double seconds) {
    dcpg_batch *batch;
    must(dcpg_batch_new(source, BATCH, &batch, &err));
    int64_t sample[BATCH], n = 0, width = source->loaded_end - source->loaded_first;
    dcpg_rng rng;
    dcpg_rng_start(&rng, 3, (uint64_t)par.rank);
    double started = dcpg_now(), now = started;
    for (; now - started < seconds; now = dcpg_now()) {
        for (int i = 0; i < BATCH; i++)
            sample[i] = source->loaded_first + (int64_t)dcpg_rng_below(&rng, (uint64_t)width);
        must(source->ops->fill(source, BATCH, sample, batch, &err));
        n += BATCH;
    }
    dcpg_batch_free(batch);
    return (double)n / (now - started);
}

static void measure(const settings *s, const char *path, int64_t cells) {
    dcpg_store *store;
    dcpg_source *source;
    dcpg_want want = {.dna_wlen = s->dna_wlen, .cpg_wlen = s->cpg_wlen};
    must(dcpg_store_open_all(path, &par, &store, &err));
    if ((int64_t)store->cells.n != cells)
        must(dcpg_fail(&err, DCPG_E_INPUT, "%s: holds %zu cells, not %d: name another --store", path,
                       store->cells.n, (int)cells));
    must(dcpg_source_from_store_all(store, NULL, &want, &source, &err));
    int64_t first = s->all ? 0 : dcpg_part(source->nb_site, par.rank, par.size),
            end = s->all ? source->nb_site : dcpg_part(source->nb_site, par.rank + 1, par.size);
    dcpg_barrier_all(&par);
    double started = dcpg_now();
    must(source->ops->load_all(source, first, end, &err));
    double loading = dcpg_max_f64_all(&par, dcpg_now() - started), speed = cut(source, s->seconds);
    struct rusage used;
    getrusage(RUSAGE_SELF, &used);
    int64_t sum = dcpg_sum_i64_all(&par, used.ru_maxrss), most = dcpg_max_i64_all(&par, used.ru_maxrss),
            rate = dcpg_sum_i64_all(&par, (int64_t)speed);
    if (par.rank == 0) {
        printf("%5" PRId64 " cells x %" PRId64
               " positions at %.0f %%  %d rank%s x %d threads  loaded in %.1f s  peak memory %.2f GiB a "
               "rank, %.2f GiB in all  %.0f sites/s per core\n",
               cells, store->nb_pos, 100 * s->coverage, par.size, par.size == 1 ? "" : "s",
               omp_get_max_threads(), loading, (double)most / 0x1p20, (double)sum / 0x1p20,
               (double)rate / (par.size * omp_get_max_threads()));
        fflush(stdout);
    }
    dcpg_source_close(source);
    dcpg_store_free(store);
}

static void run(const settings *s, int64_t cells) {
    char *path = s->store ? dcpg_strdup(s->store) : dcpg_format("bench_data_%d.h5", (int)cells);
    bool there = access(path, R_OK) == 0;
    dcpg_barrier_all(&par);
    if (!there && par.rank == 0) write_store(s, path, cells);
    dcpg_barrier_all(&par);
    measure(s, path, cells);
    dcpg_barrier_all(&par);
    if (!there && !s->store && par.rank == 0) unlink(path);
    dcpg_free(path);
}

int main(int argc, char **argv) {
    settings s = {.dna_wlen = 1001, .cpg_wlen = 50};
    must(dcpg_par_open_all(&par, &argc, &argv, &err));
    const dcpg_opt options[] = {
        {DCPG_OPT_LIST, "cells", &s.cells, "20 200 2000", 0, 0, "numbers of cells", "N"},
        {DCPG_OPT_INT, "positions", &s.positions, "200000", 64, 7e7, "CpG positions", "N"},
        {DCPG_OPT_DOUBLE, "coverage", &s.coverage, "0.1", 0.01, 0.99,
         "share of them that a cell observes, in steps of 1/128", "SHARE"},
        {DCPG_OPT_STRING, "store", &s.store, NULL, 0, 0,
         "store to use, written and kept where it is not there", "FILE"},
        {DCPG_OPT_FLAG, "all", &s.all, NULL, 0, 0, "every rank loads everything", NULL},
        {DCPG_OPT_DOUBLE, "seconds", &s.seconds, "3", 0, 1e4, "of cutting", "S"},
        {0}};
    bool help = false;
    must(dcpg_options_parse(&(dcpg_command_line){"bench_data [options]",
                                                 "Speed and memory of loading and cutting.", options, NULL},
                            argc, argv, &help, &err));
    for (size_t i = 0; i < s.cells.n && !help; i++) run(&s, atoll(s.cells.v[i]));
    dcpg_strings_free(&s.cells);
    dcpg_par_close_all(&par);
    return 0;
}
