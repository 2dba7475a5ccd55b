/* SPDX-License-Identifier: MIT */
/* Sums over ranks have the bits of the sum on one rank, for every V, cut and order of buckets; also in
 * bfloat16, and if every rank only needs its slices. */
#include "cmocka_all.h"
#include <dcpg/memory.h>
#include <dcpg/par.h>
#include <dcpg/rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COUNT = 10007, STRIDE = 10016, MOST_LEAVES = 64 };

static dcpg_par par;

/* Element i of leaf v in round `round`, spread over many magnitudes, so that the order of additions
 * matters. */
static float value(int round, int v, size_t i) {
    uint64_t bits = dcpg_mix((uint64_t)(round * 1000 + v), i);
    return ldexpf((float)(bits >> 40) - 8388608.0f, (int)(bits % 16) - 30);
}

typedef struct leaf_of {
    int round;
    size_t count;
} leaf_of;

static void leaf_sum(void *context, int leaf, float *out) {
    const leaf_of *of = context;
    for (size_t i = 0; i < of->count; i++) out[i] = value(of->round, leaf, i);
}

static void leaf_sum64(void *context, int leaf, double *out) {
    const leaf_of *of = context;
    for (size_t i = 0; i < of->count; i++) out[i] = value(of->round, leaf, i) * 1.000000001;
}

/* Cuts [0, total) for the ranks: equally, or as unequally as possible. */
static int first_leaf(int total, int rank, bool equal) {
    if (equal) return (int)dcpg_part(total, rank, par.size);
    return rank == par.size ? total : rank; /* the last rank gets the rest */
}

typedef struct run {
    dcpg_par_sums *sums;
    dcpg_par_window *window; /* of the gradients */
    dcpg_par_sums_options options;
    dcpg_node nodes[DCPG_MAX_NODES];
    int nb_node;
    float *scratch;
} run;

/* How sums are made. */
typedef struct sum_way {
    bool reproducible, sharded, bf16;
    bool messages;      /* between ranks of a host, too, rather than shared memory */
    bool little_memory; /* for messages */
} sum_way;

static const sum_way plain = {.reproducible = true};

static run open_run(int total, bool equal, size_t block, sum_way way) {
    run x = {.options = {.total = total,
                         .first = first_leaf(total, par.rank, equal),
                         .end = first_leaf(total, par.rank + 1, equal),
                         .count = STRIDE,
                         .block = block,
                         .reproducible = way.reproducible,
                         .sharded = way.sharded,
                         .bf16 = way.bf16}};
    x.nb_node = dcpg_tree_nodes(total, x.options.first, x.options.end, x.nodes);
    size_t bytes = (size_t)x.nb_node * STRIDE * sizeof(float);
    assert_int_equal(dcpg_par_window_open_all(&par, bytes, &x.window, NULL), DCPG_OK);
    x.options.grads = x.window->mine;
    assert_int_equal((uintptr_t)x.window->mine % 64, 0);
    for (int r = 0; x.window->of && r < par.host_size; r++)
        assert_int_equal((uintptr_t)x.window->of[r] % 64, 0);
    x.options.window = way.messages ? NULL : x.window;
    x.options.max_bytes = way.little_memory ? 100000 : 0;
    x.scratch = dcpg_alloc(8 * STRIDE, sizeof(float));
    assert_int_equal(dcpg_par_sums_open_all(&par, &x.options, &x.sums, NULL), DCPG_OK);
    return x;
}

static void close_run(run *x) {
    dcpg_par_sums_close_all(x->sums);
    dcpg_par_window_close_all(x->window);
    dcpg_free(x->scratch);
}

static void fill_grads(run *x, int round) {
    leaf_of of = {round, COUNT};
    for (int i = 0; i < x->nb_node; i++)
        (x->options.bf16 ? dcpg_tree_sum_bf16 : dcpg_tree_sum)(
            x->nodes[i], COUNT, leaf_sum, &of, x->options.grads + (size_t)i * STRIDE, x->scratch);
}

static float *expected_total(run *x, int round) {
    static float total[COUNT];
    leaf_of of = {round, COUNT};
    (x->options.bf16 ? dcpg_tree_sum_bf16 : dcpg_tree_sum)((dcpg_node){0, x->options.total}, COUNT, leaf_sum,
                                                           &of, total, x->scratch);
    return total;
}

/* Makes the ranks unequally fast. */
static void dawdle(int step) {
    if ((step * 7 + par.rank * 3) % 11 == 0) nanosleep(&(struct timespec){0, 200000}, NULL);
}

static void check_small_sum_of(run *x, dcpg_reducer reducer, int round, size_t n) {
    double *sums = dcpg_alloc((size_t)x->nb_node + 10, n * sizeof *sums),
           *total = sums + (size_t)x->nb_node * n, *expected = total + n, *scratch = expected + n;
    leaf_of of = {round, n};
    for (int i = 0; i < x->nb_node; i++)
        dcpg_tree_sum64(x->nodes[i], n, leaf_sum64, &of, sums + n * (size_t)i, scratch);
    dcpg_tree_sum64((dcpg_node){0, x->options.total}, n, leaf_sum64, &of, expected, scratch);
    reducer.sum(reducer.self, sums, n, total);
    assert_memory_equal(total, expected, n * sizeof *total);
    dcpg_free(sums);
}

/* Values that few ranks exchange at once, and those that pass through stages. */
static void check_small_sum(run *x, dcpg_reducer reducer, int round) {
    check_small_sum_of(x, reducer, round, 5);
    check_small_sum_of(x, reducer, round, 1100);
}

/* Hands over [0, COUNT) from the end to the start in ranges of up to `length`, as backward passes do, with
 * small sums in between. */
static void reduce(run *x, size_t length, int round) {
    dcpg_reducer reducer = dcpg_par_reducer(x->sums);
    int step = 0;
    for (size_t end = COUNT; end > 0; step++) {
        size_t n = end < length ? end : length;
        end -= n;
        reducer.start(reducer.self, end, n);
        dawdle(step);
        if (step % 3 == 0) reducer.poll(reducer.self);
        if (step % 50 == 7) check_small_sum_of(x, reducer, round, 5);
    }
    check_small_sum(x, reducer, round + 1);
    reducer.wait(reducer.self);
}

/* Checks every rank's own values first, then those of all. */
static void check_shards(run *x, int round) {
    const dcpg_slices slices = dcpg_par_sums_slices(x->sums);
    const float *total = expected_total(x, round);
    for (size_t b = 0; b < dcpg_slices_blocks(&slices); b++) {
        dcpg_range own = dcpg_range_common(dcpg_slice(&slices, b, slices.place), (dcpg_range){0, COUNT});
        assert_memory_equal(x->options.grads + own.offset, total + own.offset, own.count * sizeof(float));
    }
    dcpg_par_sums_gather_all(x->sums, x->options.grads);
}

static void check_total(int total, bool equal, size_t block, size_t length, sum_way way) {
    if (par.size > total) return;
    run x = open_run(total, equal, block, way);
    for (int round = 0; round < 3; round++) {
        fill_grads(&x, round);
        reduce(&x, length, round);
        if (way.sharded) check_shards(&x, round);
        assert_memory_equal(x.options.grads, expected_total(&x, round), COUNT * sizeof(float));
    }
    close_run(&x);
}

static void bits_of_one_rank(void **state) {
    (void)state;
    static const int totals[] = {1, 2, 3, 4, 5, 7, 8, 12, 13, 33, 64};
    for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
        for (int equal = 0; equal <= 1; equal++) {
            check_total(totals[i], equal, 4096, COUNT, plain); /* a single range, which gets cut */
            check_total(totals[i], equal, 1000, 1000, plain);
            check_total(totals[i], equal, 1000, 1000, (sum_way){.reproducible = true, .messages = true});
        }
    }
}

/* More ranges than there are buckets and places in the queue, down to single floats. */
static void many_small_ranges(void **state) {
    (void)state;
    check_total(8, true, 64, 7, plain);
    check_total(12, false, 64, 1, plain);
    check_total(5, true, 3, 1000, plain);
    check_total(12, false, 5000, 3, (sum_way){.reproducible = true, .messages = true, .little_memory = true});
}

/* Ranges begin and end anywhere in the blocks, blocks are smaller and larger than all ranges. */
static void shards_and_halves(void **state) {
    (void)state;
    static const sum_way ways[] = {
        {.reproducible = true, .sharded = true},
        {.reproducible = true, .bf16 = true},
        {.reproducible = true, .sharded = true, .bf16 = true},
        {.reproducible = true, .sharded = true, .messages = true},
        {.reproducible = true, .bf16 = true, .messages = true},
        {.reproducible = true, .sharded = true, .bf16 = true, .messages = true, .little_memory = true},
    };
    static const int totals[] = {5, 13};
    static const size_t blocks[] = {13, 100, 1024, STRIDE, 4 * STRIDE};
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
            for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++)
                check_total(totals[i], k % 2, blocks[k], (i + k) % 2 ? COUNT : 777, ways[w]);
        }
    }
}

static void nothing_to_sum(void **state) {
    (void)state;
    run x = open_run(MOST_LEAVES, true, 100, plain);
    dcpg_reducer reducer = dcpg_par_reducer(x.sums);
    reducer.poll(reducer.self);
    reducer.wait(reducer.self);
    reducer.start(reducer.self, 5, 0);
    reducer.wait(reducer.self);
    reducer.sum(reducer.self, NULL, 0, NULL);
    close_run(&x);
}

static void only_small_sums(void **state) {
    (void)state;
    dcpg_par_sums_options options = {.total = MOST_LEAVES,
                                     .first = first_leaf(MOST_LEAVES, par.rank, true),
                                     .end = first_leaf(MOST_LEAVES, par.rank + 1, true),
                                     .reproducible = true};
    run x = {.options = options};
    x.nb_node = dcpg_tree_nodes(MOST_LEAVES, options.first, options.end, x.nodes);
    assert_int_equal(dcpg_par_sums_open_all(&par, &options, &x.sums, NULL), DCPG_OK);
    check_small_sum(&x, dcpg_par_reducer(x.sums), 3);
    check_small_sum_of(&x, dcpg_par_reducer(x.sums), 4, (1 << 18) + 77); /* in pieces */
    dcpg_par_sums_close_all(x.sums);
}

/* Without the tree the total is right up to rounding, and the same on all ranks. */
static void check_any_order(bool sharded, bool messages) {
    run x = open_run(13, true, 777, (sum_way){.sharded = sharded, .messages = messages});
    fill_grads(&x, 4);
    reduce(&x, 500, 4);
    if (sharded) dcpg_par_sums_gather_all(x.sums, x.options.grads);
    for (size_t i = 0; i < COUNT; i++) {
        double sum = 0, size = 0;
        for (int v = 0; v < 13; v++) sum += value(4, v, i), size += fabs(value(4, v, i));
        assert_true(fabs(x.options.grads[i] - sum) <= 1e-6 * size);
    }
    float *root = dcpg_alloc(COUNT, sizeof *root);
    memcpy(root, x.options.grads, COUNT * sizeof *root);
    dcpg_bcast_all(&par, root, COUNT * sizeof *root, 0);
    assert_memory_equal(root, x.options.grads, COUNT * sizeof *root);
    dcpg_free(root);
    close_run(&x);
}

static void any_order(void **state) {
    (void)state;
    for (int i = 0; i < 4; i++) check_any_order(i & 1, i & 2);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bits_of_one_rank), cmocka_unit_test(many_small_ranges),
        cmocka_unit_test(nothing_to_sum),   cmocka_unit_test(only_small_sums),
        cmocka_unit_test(any_order),        cmocka_unit_test(shards_and_halves),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
