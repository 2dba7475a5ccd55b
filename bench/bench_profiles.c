/* SPDX-License-Identifier: MIT */
/* How fast profiles are read: text of each format, written here, is read by dcpg_profile_load against a
 * genome, on one thread. Times are processor times, so that a busy machine does not matter.
 *   bench_profiles [megabytes of text] */
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EVERY = 25 }; /* on average, one CG in this many bases */

/* The Cs of the CGs in a made-up genome of one chromosome. */
typedef struct cpgs {
    int64_t n;
    int32_t *pos;
    uint64_t *bits;
    dcpg_cg_chromo chromo;
    dcpg_cg_map map;
} cpgs;

static uint32_t next(uint64_t *state) {
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static bool make_cpgs(cpgs *g, int64_t n) {
    uint64_t state = 1;
    int64_t words = n * EVERY / 64 + 2, at = 1000;
    *g = (cpgs){.n = n,
                .pos = dcpg_alloc((size_t)n, sizeof *g->pos),
                .bits = dcpg_alloc((size_t)words, sizeof *g->bits)};
    if (!g->pos || !g->bits) return false;
    for (int64_t i = 0; i < n && at < 64 * (words - 1); i++) {
        g->pos[i] = (int32_t)at;
        g->bits[(at - 1) / 64] |= (uint64_t)1 << (at - 1) % 64;
        g->n = i + 1;
        at += 2 + next(&state) % (2 * EVERY - 5);
    }
    g->chromo = (dcpg_cg_chromo){"1", 64 * words, g->bits};
    g->map = (dcpg_cg_map){1, &g->chromo, NULL};
    return true;
}

/* Write a line of each format for a CpG at `pos` (1-based) with one read; return its length in bytes. */
static int put_tsv(FILE *file, int32_t pos, int meth) { return fprintf(file, "chr1\t%d\t%d.0\n", pos, meth); }

static int put_percent(FILE *file, int32_t pos, int meth) {
    return fprintf(file, "chr1\t%d\t%d\t%d\n", pos - 1, pos, 100 * meth);
}

static int put_cov(FILE *file, int32_t pos, int meth) {
    return fprintf(file, "chr1\t%d\t%d\t%d.000000\t%d\t%d\n", pos, pos, 100 * meth, meth, !meth);
}

static int put_report(FILE *file, int32_t pos, int meth) {
    return fprintf(file, "chr1\t%d\t+\t%d\t%d\tCG\tCGA\nchr1\t%d\t-\t0\t0\tCG\tCGT\n", pos, meth, !meth,
                   pos + 1);
}

static int put_allc(FILE *file, int32_t pos, int meth) {
    return fprintf(file, "chr1\t%d\t+\tCGT\t%d\t1\t%d\n", pos, meth, meth);
}

static int put_bedmethyl(FILE *file, int32_t pos, int meth) {
    return fprintf(file, "chr1\t%d\t%d\tm\t1\t+\t%d\t%d\t255,0,0\t1 %d.00 %d %d 0 0 0 0 0\n", pos - 1, pos,
                   pos - 1, pos, 100 * meth, meth, !meth);
}

static const struct {
    const char *name;
    int (*put)(FILE *file, int32_t pos, int meth);
} formats[] = {{"tsv", put_tsv},           {"percent", put_percent}, {"cov", put_cov},
               {"cpg_report", put_report}, {"allc", put_allc},       {"bedmethyl", put_bedmethyl}};

static long write_profile(const char *path, size_t k, const cpgs *g, int64_t bytes) {
    FILE *file = fopen(path, "w");
    uint64_t state = 2;
    if (!file) return -1;
    long size = 0;
    for (int64_t i = 0; i < g->n && size < bytes; i++)
        size += formats[k].put(file, g->pos[i], next(&state) % 3 > 0);
    return fclose(file) == 0 ? size : -1;
}

static bool measure(size_t k, const char *path, const cpgs *g, int64_t bytes) {
    dcpg_profile_options options = {.genome = &g->map, .bedgraph_base = -1, .min_cg = 90};
    dcpg_profile_report report = {0};
    long size = write_profile(path, k, g, bytes);
    double best = 1e9;
    for (int round = 0; round < 5 && size > 0; round++) {
        dcpg_profile profile;
        dcpg_err err = {0};
        clock_t started = clock();
        if (dcpg_profile_load(path, &options, &profile, &report, &err) != DCPG_OK) {
            fprintf(stderr, "%s\n", err.text);
            size = -1;
        }
        double seconds = (double)(clock() - started) / CLOCKS_PER_SEC;
        best = seconds < best ? seconds : best;
        dcpg_profile_free(&profile);
    }
    unlink(path);
    if (size <= 0) return false;
    printf("%-11s %7.1f MB  %8" PRId64 " calls  %6.3f s  %6.0f MB/s  %6.1f ns per call  %s\n",
           formats[k].name, (double)size / 1e6, report.calls, best, (double)size / 1e6 / best,
           best / (double)report.calls * 1e9,
           strcmp(report.format, formats[k].name) == 0 && report.on_cg == report.calls ? "PASS" : "FAIL");
    return true;
}

int main(int argc, char **argv) {
    int64_t bytes = (argc > 1 ? atoll(argv[1]) : 60) * 1000000;
    cpgs g;
    char path[64];
    snprintf(path, sizeof path, "bench_profiles_%ld.tmp", (long)getpid());
    if (bytes <= 0 || !make_cpgs(&g, bytes / 12)) return 1;
    bool done = true;
    for (size_t k = 0; k < sizeof formats / sizeof *formats; k++) done &= measure(k, path, &g, bytes);
    dcpg_free(g.pos);
    dcpg_free(g.bits);
    return !done;
}
