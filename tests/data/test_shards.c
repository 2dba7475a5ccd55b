/* SPDX-License-Identifier: MIT */
/* Shards: every sample once, parts as documented, the same for any number of ranks; exhaustive over small
 * numbers. */
#include "cmocka_all.h"

#include <dcpg/source.h>
#include <string.h>

enum { MAX_SITE = 14, MAX_BATCH = 17, MAX_SHARD = 7 };

static dcpg_shards *open_rank(int rank, int size, int total, int64_t nb_site, int64_t batch, bool shuffle) {
    dcpg_par par = {.rank = rank, .size = size};
    dcpg_shards *shards = NULL;
    dcpg_err err = {0};
    const dcpg_shards_options options = {
        .total = total, .nb_site = nb_site, .batch = batch, .seed = 7, .shuffle = shuffle};
    if (dcpg_shards_new(&par, &options, &shards, &err) != DCPG_OK) fail_msg("%s", err.text);
    return shards;
}

/* Samples of a step over all ranks, shard by shard; cut[total + 1] are the borders of the shards. */
static int64_t step_of_all(int size, int total, int64_t nb_site, int64_t batch, bool sweep, bool shuffle,
                           int64_t epoch, int64_t step, int64_t *sample, int64_t *cut) {
    int64_t n = 0;
    int next = 0;
    for (int rank = 0; rank < size; rank++) {
        dcpg_shards *s = open_rank(rank, size, total, nb_site, batch, shuffle);
        assert_int_equal(s->first, next);
        assert_int_equal(dcpg_shards_start_epoch(s, epoch, NULL), DCPG_OK);
        int64_t mine = sweep ? dcpg_shards_sweep(s, step, sample + n) : dcpg_shards_step(s, step, sample + n);
        assert_true(mine <= dcpg_shards_max_share(s));
        assert_int_equal(s->row[0], 0);
        assert_int_equal(s->row[s->end - s->first], mine);
        for (int v = s->first; v < s->end; v++) cut[v] = n + s->row[v - s->first];
        int64_t first, end;
        if (sweep)
            dcpg_shards_range(s, &first, &end);
        else
            dcpg_shards_step_range(s, &first, &end);
        for (int64_t i = 0; i < mine; i++) assert_in_range(sample[n + i], first, end - 1);
        n += mine;
        next = s->end;
        dcpg_shards_free(s);
    }
    assert_int_equal(next, total);
    cut[total] = n;
    return n;
}

static int64_t size_of(int64_t nb_site, int v, int total) {
    return nb_site * (v + 1) / total - nb_site * v / total;
}

static void check_step(int total, int64_t nb_site, int64_t batch, bool shuffle, int64_t epoch, int64_t step) {
    int64_t sample[MAX_BATCH], other[MAX_BATCH], cut[MAX_SHARD + 1], other_cut[MAX_SHARD + 1];
    assert_int_equal(step_of_all(1, total, nb_site, batch, false, shuffle, epoch, step, sample, cut), batch);
    for (int size = 2; size <= total; size++) {
        assert_int_equal(
            step_of_all(size, total, nb_site, batch, false, shuffle, epoch, step, other, other_cut), batch);
        assert_memory_equal(sample, other, (size_t)batch * sizeof *sample);
        assert_memory_equal(cut, other_cut, (size_t)(total + 1) * sizeof *cut);
    }
    for (int v = 0; v < total; v++) {
        assert_int_equal(cut[v + 1] - cut[v], batch * (v + 1) / total - batch * v / total);
        for (int64_t i = cut[v]; i < cut[v + 1] && shuffle; i++)
            assert_in_range(sample[i], nb_site * v / total, nb_site * (v + 1) / total - 1);
    }
    for (int64_t i = 0; i < batch && !shuffle; i++) assert_int_equal(sample[i], (step * batch + i) % nb_site);
}

/* Over more than an epoch, each shard goes through its samples in turn: between two visits of a sample come
 * all the others. */
static void check_turns(int total, int64_t nb_site, int64_t batch) {
    int64_t sample[MAX_BATCH], cut[MAX_SHARD + 1], seen[MAX_SHARD][MAX_SITE], nb[MAX_SHARD] = {0};
    for (int64_t step = 0; step < 2 * MAX_SITE; step++) {
        step_of_all(1, total, nb_site, batch, false, true, 3, step, sample, cut);
        for (int v = 0; v < total; v++) {
            int64_t size = size_of(nb_site, v, total);
            for (int64_t i = cut[v]; i < cut[v + 1]; i++, nb[v]++) {
                int64_t at = nb[v] % size;
                if (nb[v] >= size) assert_int_equal(sample[i], seen[v][at]);
                for (int64_t k = 0; nb[v] < size && k < at; k++) assert_int_not_equal(sample[i], seen[v][k]);
                seen[v][at] = sample[i];
            }
        }
    }
}

static void check_sweep(int total, int64_t nb_site, int64_t batch) {
    int64_t sample[MAX_SITE + 1], cut[MAX_SHARD + 1], next[MAX_SHARD], n = 0;
    dcpg_shards *s = open_rank(0, 1, total, nb_site, batch, false);
    int64_t steps = dcpg_shards_sweep_steps(s);
    dcpg_shards_free(s);
    for (int v = 0; v < total; v++) next[v] = nb_site * v / total;
    for (int64_t step = 0; step < steps; step++) {
        int64_t mine = 0;
        for (int size = total; size >= 1; size--)
            mine = step_of_all(size, total, nb_site, batch, true, false, 0, step, sample, cut);
        assert_true(mine > 0);
        for (int v = 0; v < total; v++) {
            assert_true(cut[v + 1] - cut[v] <= (batch + total - 1) / total);
            for (int64_t i = cut[v]; i < cut[v + 1]; i++) assert_int_equal(sample[i], next[v]++);
        }
        n += mine;
    }
    assert_int_equal(n, nb_site);
    for (int v = 0; v < total; v++) assert_int_equal(next[v], nb_site * (v + 1) / total);
}

static void test_exhaustive(void **state) {
    (void)state;
    for (int total = 1; total <= MAX_SHARD; total++) {
        for (int64_t nb_site = 1; nb_site <= MAX_SITE; nb_site++) {
            for (int64_t batch = total; batch <= MAX_BATCH; batch++) {
                for (int64_t step = 0; step < 3; step++) check_step(total, nb_site, batch, false, step, step);
                for (int64_t step = 0; step < 3 && nb_site >= total; step++)
                    check_step(total, nb_site, batch, true, step, step);
                if (nb_site >= total) check_turns(total, nb_site, batch);
                check_sweep(total, nb_site, batch);
            }
        }
    }
}

static void test_steps(void **state) {
    (void)state;
    const int64_t cases[][3] = {{10, 3, 3}, {10, 10, 1}, {10, 11, 1}, {9, 3, 3}, {1000000, 128, 7812}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        dcpg_shards *s = open_rank(0, 1, 1, cases[i][0], cases[i][1], true);
        assert_int_equal(dcpg_shards_steps(s), cases[i][2]);
        dcpg_shards_free(s);
    }
}

/* Another epoch, seed or shard gives another order; the same ones give the same order. */
static void test_order(void **state) {
    (void)state;
    dcpg_par par = {.rank = 0, .size = 1};
    int64_t order[4][100];
    for (int i = 0; i < 4; i++) {
        dcpg_shards *s = NULL;
        const dcpg_shards_options options = {
            .total = 2, .nb_site = 200, .batch = 2, .seed = i == 1 ? 8 : 7, .shuffle = true};
        assert_int_equal(dcpg_shards_new(&par, &options, &s, NULL), DCPG_OK);
        assert_int_equal(dcpg_shards_start_epoch(s, 9, NULL), DCPG_OK);
        assert_int_equal(dcpg_shards_start_epoch(s, i == 2 ? 1 : 0, NULL), DCPG_OK);
        memcpy(order[i], s->order[0], sizeof order[i]);
        int same = 0;
        for (int k = 0; k < 100; k++) same += s->order[1][k] == s->order[0][k] + 100;
        assert_true(same < 20);
        dcpg_shards_free(s);
    }
    assert_memory_not_equal(order[0], order[1], sizeof *order);
    assert_memory_not_equal(order[0], order[2], sizeof *order);
    assert_memory_equal(order[0], order[3], sizeof *order);
}

/* Fewer sites than shards: steps still have an end, with the samples that the other shards hold. */
static void test_empty_shards(void **state) {
    (void)state;
    int64_t sample[8], first, end;
    dcpg_shards *s = open_rank(0, 1, 4, 3, 8, true);
    assert_int_equal(dcpg_shards_start_epoch(s, 0, NULL), DCPG_OK);
    assert_int_equal(dcpg_shards_step(s, 5, sample), 6);
    dcpg_shards_free(s);
    s = open_rank(0, 4, 4, 3, 8, false);
    dcpg_shards_range(s, &first, &end);
    assert_int_equal(first, end);
    dcpg_shards_step_range(s, &first, &end);
    assert_int_equal(first, 0);
    assert_int_equal(end, 3);
    dcpg_shards_free(s);
}

static void expect_refused(int size, int total, int64_t nb_site, int64_t batch, const char *words) {
    dcpg_par par = {.size = size};
    dcpg_shards *s = NULL;
    dcpg_err err = {0};
    const dcpg_shards_options options = {.total = total, .nb_site = nb_site, .batch = batch, .shuffle = true};
    assert_int_equal(dcpg_shards_new(&par, &options, &s, &err), DCPG_E_INPUT);
    assert_null(s);
    if (!strstr(err.text, words)) fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_refused(void **state) {
    (void)state;
    expect_refused(1, 4, 0, 8, "no sites");
    expect_refused(1, 4, 100, 3, "batch of 3");
    expect_refused(5, 4, 100, 8, "5 ranks");
    expect_refused(1, 0, 100, 8, "0 virtual ranks");
}

/* Blocks tile each shard's part of a step; the samples are those of the undivided shard. */
static void shares_in_blocks(void **state) {
    (void)state;
    enum { TOTAL = 3, SITES = 14, BATCH = 11, BLOCKS = 4 };
    for (int sweep = 0; sweep <= 1; sweep++) {
        dcpg_shards *whole = open_rank(1, 2, TOTAL, SITES, BATCH, true),
                    *cut = open_rank(1, 2, TOTAL, SITES, BATCH, true);
        assert_int_equal(dcpg_shards_cut(cut, BLOCKS, NULL), DCPG_OK);
        assert_int_equal(dcpg_shards_start_epoch(whole, 3, NULL), DCPG_OK);
        assert_int_equal(dcpg_shards_start_epoch(cut, 3, NULL), DCPG_OK);
        int64_t steps = sweep ? dcpg_shards_sweep_steps(whole) : dcpg_shards_steps(whole), a[MAX_BATCH],
                b[MAX_BATCH];
        for (int64_t step = 0; step < steps; step++) {
            int64_t n = sweep ? dcpg_shards_sweep(whole, step, a) : dcpg_shards_step(whole, step, a);
            assert_int_equal(sweep ? dcpg_shards_sweep(cut, step, b) : dcpg_shards_step(cut, step, b), n);
            assert_memory_equal(a, b, (size_t)n * sizeof *a);
            for (int v = 0; v < whole->end - whole->first; v++) {
                int64_t first = whole->row[v], share = whole->row[v + 1] - first;
                for (int k = 0; k <= BLOCKS; k++)
                    assert_int_equal(cut->row[v * BLOCKS + k], first + share * k / BLOCKS);
            }
        }
        dcpg_shards_free(whole);
        dcpg_shards_free(cut);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exhaustive),   cmocka_unit_test(shares_in_blocks),
        cmocka_unit_test(test_steps),        cmocka_unit_test(test_order),
        cmocka_unit_test(test_empty_shards), cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
