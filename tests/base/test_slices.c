/* SPDX-License-Identifier: MIT */
/* Slices tile an array of any size, and values survive the way to their owner and back. */
#include "cmocka_all.h"
#include <dcpg/memory.h>
#include <dcpg/slices.h>
#include <stdint.h>
#include <string.h>

static void check_tiles(size_t total, size_t block, int size) {
    size_t next = 0, counted = 0;
    for (int rank = 0; rank < size; rank++)
        counted += dcpg_slices_count(&(dcpg_slices){total, block, rank, size});
    assert_int_equal(counted, total);
    dcpg_slices slices = {total, block, 0, size};
    for (size_t b = 0; b < dcpg_slices_blocks(&slices); b++) {
        for (int rank = 0; rank < size; rank++) {
            dcpg_range slice = dcpg_slice(&slices, b, rank);
            assert_int_equal(slice.offset, next);
            if (slice.count > 0) assert_true((slice.offset - b * block) % 16 == 0);
            next += slice.count;
            assert_true(next <= (b + 1) * block);
        }
    }
    assert_int_equal(next, total);
}

static const size_t totals[] = {0, 1, 15, 16, 17, 100, 1000, 1024, 5000},
                    blocks[] = {1, 3, 16, 100, 1024, 4096, 100000};
enum { TOTALS = sizeof totals / sizeof *totals, BLOCKS = sizeof blocks / sizeof *blocks, MOST_RANKS = 9 };

static void slices_tile(void **state) {
    (void)state;
    for (int t = 0; t < TOTALS; t++)
        for (int b = 0; b < BLOCKS; b++)
            for (int size = 1; size <= MOST_RANKS; size++) check_tiles(totals[t], blocks[b], size);
}

/* All ranks together restore the array; each takes and puts only its own slices. */
static void taken_and_put_back(void **state) {
    (void)state;
    float full[5000], again[5000], own[5000];
    for (int i = 0; i < 5000; i++) full[i] = (float)(i + 1);
    for (int t = 0; t < TOTALS; t++) {
        for (int b = 0; b < BLOCKS; b++) {
            memset(again, 0, sizeof again);
            for (int rank = 0; rank < 5; rank++) {
                dcpg_slices slices = {totals[t], blocks[b], rank, 5};
                dcpg_slices_take(&slices, full, own);
                dcpg_slices_put(&slices, own, again);
            }
            assert_memory_equal(again, full, totals[t] * sizeof *full);
            for (size_t i = totals[t]; i < 5000; i++) assert_true(again[i] == 0);
        }
    }
}

/* Blocks with more values than 32 bits can count. */
static void large(void **state) {
    (void)state;
    dcpg_slices slices = {(size_t)10 << 32, (size_t)4 << 32, 2, 3};
    assert_int_equal(dcpg_slices_blocks(&slices), 3);
    dcpg_range last = dcpg_slice(&slices, 2, 2);
    assert_true(last.offset + last.count == slices.total);
}

static void common_parts(void **state) {
    (void)state;
    dcpg_range a = {10, 5};
    assert_int_equal(dcpg_range_common(a, (dcpg_range){0, 10}).count, 0);
    assert_int_equal(dcpg_range_common(a, (dcpg_range){15, 3}).count, 0);
    assert_int_equal(dcpg_range_common(a, (dcpg_range){12, 100}).count, 3);
    assert_int_equal(dcpg_range_common((dcpg_range){0, 12}, a).offset, 10);
    assert_int_equal(dcpg_range_common(a, (dcpg_range){11, 2}).offset, 11);
}

/* Blocks are equally long up to lines of 16 values, and a run of places is what its slices are together. */
static void even_blocks_and_runs(void **state) {
    (void)state;
    dcpg_slices s = dcpg_slices_even(4100000, 1, 7);
    assert_int_equal(dcpg_slices_blocks(&s), 8);
    assert_int_equal(s.block, 512512);
    assert_int_equal(dcpg_slices_blocks(&(dcpg_slices){0}), 0);
    assert_int_equal(dcpg_slices_even(5, 0, 1).block, 16);
    for (size_t b = 0; b < 8; b++) {
        dcpg_range run = dcpg_slice_run(&s, b, 2, 5), first = dcpg_slice(&s, b, 2),
                   last = dcpg_slice(&s, b, 4);
        assert_int_equal(run.offset, first.offset);
        assert_int_equal(run.offset + run.count, last.offset + last.count);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(slices_tile), cmocka_unit_test(taken_and_put_back),
                                       cmocka_unit_test(large), cmocka_unit_test(even_blocks_and_runs),
                                       cmocka_unit_test(common_parts)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
