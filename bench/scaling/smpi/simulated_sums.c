/* SPDX-License-Identifier: MIT */
/* Sums over the ranks of a simulated cluster: how long they take there, and whether every rank has every bit
 * of the sum on one rank. One line: ranks P floats N ms X sums K ms Y bits OK. Started by run.sh. */
#include "bench/scaling/smpi/simulated.h"

#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <dcpg/par.h>
#include <dcpg/rng.h>
#include <dcpg/tree.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SMALL = 512, MAX_PARTS = 4096, FOLD_FROM = 1 << 18 };

/* Between two calls of poll() a backward pass computes about this long. */
static const double POLL_EVERY = 1e-4;

/* A range of the gradients, and when the backward pass has it, in seconds since its start. */
typedef struct part {
    dcpg_range range;
    double ready;
} part;

typedef struct settings {
    int64_t floats, sums, leaves, blocks, rounds, broken;
    const char *profile;
    bool sharded, bf16, no_reproducible, fold, help;
} settings;

typedef struct simulation {
    dcpg_par par;
    settings set;
    part part[MAX_PARTS];
    int nb_part;
    dcpg_node nodes[DCPG_MAX_NODES];
    int nb_node, round;
    dcpg_slices slices;
    dcpg_par_window *window; /* holds the gradients */
    float *grads;            /* [nb_node][floats] */
    double *small;           /* [sums][nb_node][SMALL] */
    double *total;           /* [sums][SMALL] */
    float *expected;         /* [floats] of rank 0: ranks are in one process */
    double *expected64;      /* [sums][SMALL] of rank 0 */
    dcpg_par_sums *par_sums;
    dcpg_reducer reducer;
} simulation;

/* ---- settings ---- */

static dcpg_status parse(settings *s, int argc, char **argv, dcpg_err *err) {
    const dcpg_opt options[] = {
        {DCPG_OPT_INT, "floats", &s->floats, "1048576", 1, 1e9, "gradients; --profile knows them itself",
         "N"},
        {DCPG_OPT_INT, "sums", &s->sums, "60", 0, 1e5, "sums of 512 doubles, as batch norm makes them", "K"},
        {DCPG_OPT_INT, "leaves", &s->leaves, "0", 0, 1e6, "virtual ranks; 0: as many as ranks", "V"},
        {DCPG_OPT_INT, "blocks", &s->blocks, "0", 0, 1e6,
         "blocks that gradients are cut into; 0: as training does", "N"},
        {DCPG_OPT_INT, "rounds", &s->rounds, "1", 1, 1000, "sum so often; times are those of the last", "N"},
        {DCPG_OPT_STRING, "profile", &s->profile, "", 0, 0,
         "lines 'offset count ready-ms': when the backward pass has which gradients; default: all at once",
         "FILE"},
        {DCPG_OPT_FLAG, "sharded", &s->sharded, NULL, 0, 0, "sum as --shard_optimizer does", NULL},
        {DCPG_OPT_FLAG, "bf16", &s->bf16, NULL, 0, 0, "sums travel as --grad_comm bf16", NULL},
        {DCPG_OPT_FLAG, "no_reproducible", &s->no_reproducible, NULL, 0, 0,
         "sum as --no_reproducible does; bits are WRONG where a rank has several nodes", NULL},
        {DCPG_OPT_FLAG, "fold", &s->fold, NULL, 0, 0,
         "all ranks share the memory of long arrays, for thousands of ranks; only the 512 doubles are "
         "checked",
         NULL},
        {DCPG_OPT_INT, "break_rank", &s->broken, "-1", -1, 1e9,
         "change one bit of one total on this rank, which must be found", "R"},
        {0}};
    const dcpg_command_line line = {
        .usage = "simulated_sums [options]",
        .about = "Times sums over the ranks of a simulated cluster and checks their bits.",
        .options = options};
    DCPG_TRY(dcpg_options_parse(&line, argc, argv, &s->help, err));
    if (s->bf16 && s->no_reproducible)
        return dcpg_fail(err, DCPG_E_USAGE, "--bf16 and --no_reproducible cannot be combined");
    return DCPG_OK;
}

static dcpg_status read_lines(simulation *m, FILE *file, dcpg_err *err) {
    const char *path = m->set.profile;
    char line[256];
    size_t floats = 0;
    for (int number = 1; fgets(line, sizeof line, file); number++) {
        part p;
        if (line[0] == '#' || line[0] == '\n') continue;
        if (sscanf(line, "%zu %zu %lf", &p.range.offset, &p.range.count, &p.ready) != 3 || p.ready < 0)
            return dcpg_fail(err, DCPG_E_USAGE, "%s: line %d: expected 'offset count ready-ms'", path,
                             number);
        if (m->nb_part == MAX_PARTS)
            return dcpg_fail(err, DCPG_E_USAGE, "%s: line %d: more than %d ranges", path, number, MAX_PARTS);
        p.ready *= 1e-3;
        if (m->nb_part > 0 && p.ready < m->part[m->nb_part - 1].ready)
            return dcpg_fail(err, DCPG_E_USAGE, "%s: line %d: order the lines by ready-ms", path, number);
        m->part[m->nb_part++] = p;
        floats += p.range.count;
    }
    m->set.floats = (int64_t)floats;
    return DCPG_OK;
}

/* Sums of ranges that overlap or leave gaps would not be sums of the gradients. */
static dcpg_status check_tiling(simulation *m, dcpg_err *err) {
    size_t floats = (size_t)m->set.floats;
    unsigned char *seen = dcpg_alloc(floats, 1);
    if (!seen) return dcpg_fail_nomem(err, "the ranges of the profile", floats);
    bool tiled = floats > 0;
    for (const part *p = m->part; p < m->part + m->nb_part && tiled; p++) {
        tiled = p->range.count <= floats && p->range.offset <= floats - p->range.count;
        for (size_t i = 0; tiled && i < p->range.count; i++) tiled = !seen[p->range.offset + i]++;
    }
    dcpg_free(seen);
    if (tiled) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE, "%s: its ranges do not tile [0, %zu)", m->set.profile, floats);
}

static dcpg_status read_profile(simulation *m, dcpg_err *err) {
    if (!*m->set.profile) {
        m->part[m->nb_part++] = (part){{0, (size_t)m->set.floats}, 0};
        return DCPG_OK;
    }
    FILE *file = fopen(m->set.profile, "r");
    if (!file) return dcpg_fail(err, DCPG_E_IO, "%s: cannot be opened", m->set.profile);
    dcpg_status status = read_lines(m, file, err);
    fclose(file);
    return status == DCPG_OK ? check_tiling(m, err) : status;
}

/* ---- values, spread over many magnitudes, so that the order of additions matters ---- */

static float value(int round, int leaf, size_t i) {
    uint64_t mixed = dcpg_mix((uint64_t)round << 32 | (uint64_t)leaf, i);
    uint32_t bits = (uint32_t)(mixed & 0x807fffff) | (uint32_t)(115 + (mixed >> 32) % 24) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void leaf_sum(void *context, int leaf, float *out) {
    const simulation *m = context;
    for (size_t i = 0; i < (size_t)m->set.floats; i++) out[i] = value(m->round, leaf, i);
}

/* Of all small sums, one after the other. */
static void leaf_sum64(void *context, int leaf, double *out) {
    const simulation *m = context;
    for (size_t i = 0; i < (size_t)m->set.sums * SMALL; i++) out[i] = value(m->round, leaf, i) * 1.000000001;
}

/* Sums of nodes into grads[nb][floats]. */
static dcpg_status sum_nodes(simulation *m, int nb, const dcpg_node *nodes, float *grads, dcpg_err *err) {
    size_t floats = (size_t)m->set.floats;
    int depth = 0;
    for (int i = 0; i < nb; i++)
        depth = dcpg_tree_depth(nodes[i]) > depth ? dcpg_tree_depth(nodes[i]) : depth;
    float *scratch = dcpg_alloc((size_t)depth * floats, sizeof *scratch);
    if (!scratch) return dcpg_fail_nomem(err, "sums of leaves", (size_t)depth * floats * sizeof *scratch);
    for (int i = 0; i < nb; i++)
        (m->set.bf16 ? dcpg_tree_sum_bf16 : dcpg_tree_sum)(nodes[i], floats, leaf_sum, m,
                                                           grads + (size_t)i * floats, scratch);
    dcpg_free(scratch);
    return DCPG_OK;
}

/* Sums of nodes into small[sums][nb][SMALL]. */
static dcpg_status sum_nodes64(simulation *m, int nb, const dcpg_node *nodes, double *small, dcpg_err *err) {
    size_t all = (size_t)m->set.sums * SMALL;
    double *scratch = dcpg_alloc(64 * all, sizeof *scratch), *sum = dcpg_alloc(all, sizeof *sum);
    for (int i = 0; i < nb && scratch && sum; i++) {
        dcpg_tree_sum64(nodes[i], all, leaf_sum64, m, sum, scratch);
        for (size_t k = 0; k < (size_t)m->set.sums; k++)
            memcpy(small + (k * (size_t)nb + (size_t)i) * SMALL, sum + k * SMALL, SMALL * sizeof *sum);
    }
    bool fine = scratch && sum;
    dcpg_free(scratch);
    dcpg_free(sum);
    return fine ? DCPG_OK : dcpg_fail_nomem(err, "sums of leaves", 65 * all * sizeof *sum);
}

/* This rank's nodes, and on rank 0 what one rank computes of all leaves. */
static dcpg_status fill_all(simulation *m, dcpg_err *err) {
    const dcpg_node root = {0, (int)m->set.leaves};
    dcpg_status status = DCPG_OK;
    if (!m->set.fold) status = sum_nodes(m, m->nb_node, m->nodes, m->grads, err);
    if (status == DCPG_OK) status = sum_nodes64(m, m->nb_node, m->nodes, m->small, err);
    if (status == DCPG_OK && m->par.rank == 0 && !m->set.fold)
        status = sum_nodes(m, 1, &root, m->expected, err);
    if (status == DCPG_OK && m->par.rank == 0) status = sum_nodes64(m, 1, &root, m->expected64, err);
    return dcpg_agree_all(&m->par, status, err);
}

/* ---- opening and closing ---- */

static dcpg_status open_sums_all(simulation *m, dcpg_err *err) {
    size_t floats = (size_t)m->set.floats, blocks = (size_t)m->set.blocks;
    dcpg_par_sums_options options = {.total = (int)m->set.leaves,
                                     .first = m->nodes[0].first,
                                     .end = m->nodes[m->nb_node - 1].end,
                                     .grads = m->grads,
                                     .count = floats,
                                     .block = blocks ? (floats + blocks - 1) / blocks : 0,
                                     .window = m->window,
                                     .sharded = m->set.sharded,
                                     .bf16 = m->set.bf16,
                                     .reproducible = !m->set.no_reproducible};
    DCPG_TRY(dcpg_par_sums_open_all(&m->par, &options, &m->par_sums, err));
    m->slices = dcpg_par_sums_slices(m->par_sums);
    m->reducer = dcpg_par_reducer(m->par_sums);
    return DCPG_OK;
}

static dcpg_status allocate(simulation *m, dcpg_err *err) {
    size_t nodes = (size_t)m->nb_node, floats = (size_t)m->set.floats, doubles = (size_t)m->set.sums * SMALL;
    bool first = m->par.rank == 0;
    m->small = dcpg_alloc(nodes * doubles, sizeof *m->small);
    m->total = dcpg_alloc(doubles, sizeof *m->total);
    m->expected64 = dcpg_alloc(first ? doubles : 0, sizeof *m->expected64);
    if (m->set.fold) dcpg_simulated_fold(FOLD_FROM);
    m->expected = dcpg_alloc(first ? floats : 0, sizeof *m->expected);
    if (m->small && m->total && m->expected && m->expected64) return DCPG_OK;
    return dcpg_fail_nomem(err, "expected sums", floats * sizeof *m->expected);
}

/* In a window, as training has them. */
static dcpg_status open_grads_all(simulation *m, dcpg_err *err) {
    size_t bytes = (size_t)m->nb_node * (size_t)m->set.floats * sizeof *m->grads;
    DCPG_TRY(dcpg_par_window_open_all(&m->par, bytes, &m->window, err));
    m->grads = m->window->mine;
    return DCPG_OK;
}

static dcpg_status open_all(simulation *m, dcpg_err *err) {
    int size = m->par.size, rank = m->par.rank;
    if (m->set.leaves == 0) m->set.leaves = size;
    if (m->set.leaves < size)
        return dcpg_fail(err, DCPG_E_USAGE, "--leaves %" PRId64 ": fewer than the %d ranks", m->set.leaves,
                         size);
    DCPG_TRY(dcpg_agree_all(&m->par, read_profile(m, err), err));
    m->nb_node = dcpg_tree_nodes((int)m->set.leaves, (int)dcpg_part(m->set.leaves, rank, size),
                                 (int)dcpg_part(m->set.leaves, rank + 1, size), m->nodes);
    DCPG_TRY(dcpg_agree_all(&m->par, allocate(m, err), err));
    DCPG_TRY(open_grads_all(m, err));
    return open_sums_all(m, err);
}

static void close_all(simulation *m) {
    dcpg_par_sums_close_all(m->par_sums);
    dcpg_par_window_close_all(m->window);
    dcpg_free(m->small);
    dcpg_free(m->total);
    dcpg_free(m->expected);
    dcpg_free(m->expected64);
}

/* ---- time ---- */

/* All ranks leave at the same simulated time, which is returned. */
static double start_together_all(const dcpg_par *par) {
    double start = dcpg_max_f64_all(par, dcpg_now()) + 0.01;
    dcpg_simulated_nap(start - dcpg_now());
    return start;
}

static double sum_gradients_all(simulation *m) {
    const dcpg_reducer *r = &m->reducer;
    double start = start_together_all(&m->par);
    for (const part *p = m->part; p < m->part + m->nb_part; p++) {
        for (double left; (left = start + p->ready - dcpg_now()) > 0; r->poll(r->self))
            dcpg_simulated_nap(left < POLL_EVERY ? left : POLL_EVERY);
        r->start(r->self, p->range.offset, p->range.count);
    }
    r->wait(r->self);
    return dcpg_max_f64_all(&m->par, dcpg_now() - start);
}

static double sum_small_all(simulation *m) {
    double start = start_together_all(&m->par);
    for (size_t k = 0; k < (size_t)m->set.sums; k++)
        m->reducer.sum(m->reducer.self, m->small + k * (size_t)m->nb_node * SMALL, SMALL,
                       m->total + k * SMALL);
    return dcpg_max_f64_all(&m->par, dcpg_now() - start);
}

/* ---- bits ---- */

/* Compares what this rank must have with rank 0's expectation. */
static bool right_here(const simulation *m, const float *expected, const double *expected64) {
    if (memcmp(m->total, expected64, (size_t)m->set.sums * SMALL * sizeof *expected64) != 0) return false;
    if (m->set.fold) return true;
    if (!m->set.sharded) return memcmp(m->grads, expected, (size_t)m->set.floats * sizeof *expected) == 0;
    for (size_t b = 0; b < dcpg_slices_blocks(&m->slices); b++) {
        dcpg_range own = dcpg_slice(&m->slices, b, m->slices.place);
        if (memcmp(m->grads + own.offset, expected + own.offset, own.count * sizeof *expected) != 0)
            return false;
    }
    return true;
}

static void break_bit(simulation *m) {
    float *first = m->grads + dcpg_slice(&m->slices, 0, m->slices.place).offset;
    *(unsigned char *)(m->set.fold ? (void *)m->total : (void *)first) ^= 1;
}

static bool right_all(simulation *m) {
    const void *expected[] = {m->expected, m->expected64}; /* ranks are contexts of one process */
    dcpg_bcast_all(&m->par, expected, sizeof expected, 0);
    if (m->par.rank == m->set.broken) break_bit(m);
    return dcpg_max_i64_all(&m->par, !right_here(m, expected[0], expected[1])) == 0;
}

static dcpg_status simulate_all(simulation *m, dcpg_err *err) {
    double gradients = 0, small = 0;
    bool right = true;
    for (m->round = 0; m->round < m->set.rounds; m->round++) {
        DCPG_TRY(fill_all(m, err));
        gradients = sum_gradients_all(m);
        small = sum_small_all(m);
        right = right_all(m) && right;
    }
    if (m->par.rank == 0)
        printf("ranks %d floats %" PRId64 " ms %.3f sums %" PRId64 " ms %.3f bits %s\n", m->par.size,
               m->set.floats, 1e3 * gradients, m->set.sums, 1e3 * small,
               !right        ? "WRONG"
               : m->set.fold ? "of gradients not checked"
                             : "OK");
    fflush(stdout);
    return right ? DCPG_OK : dcpg_fail(err, DCPG_E_NUMERIC, "bits differ from those of one rank");
}

int main(int argc, char **argv) {
    static simulation m;
    dcpg_err err = {0};
    if (dcpg_par_open_all(&m.par, NULL, NULL, &err) != DCPG_OK) return 1;
    dcpg_status status = parse(&m.set, argc, argv, &err);
    if (status == DCPG_OK && !m.set.help) status = open_all(&m, &err);
    if (status == DCPG_OK && !m.set.help) status = simulate_all(&m, &err);
    if (status != DCPG_OK && m.par.rank == 0) fprintf(stderr, "simulated_sums: %s\n", err.text);
    close_all(&m);
    dcpg_par_close_all(&m.par);
    return status == DCPG_OK ? 0 : 1;
}
