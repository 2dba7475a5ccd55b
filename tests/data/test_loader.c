/* SPDX-License-Identifier: MIT */
/* The loader returns the batches in the shards' order, prepared or not, and keeps the one in use. */
#include "cmocka_all.h"

#include <dcpg/loader.h>
#include <string.h>

enum { NB_SITE = 23, BATCH = 7, TOTAL = 3 };

/* A source whose batches hold sample numbers, and that fails after a given number of batches. */
typedef struct numbers {
    dcpg_source base;
    int filled, fail_at;
} numbers;

static dcpg_status fill(dcpg_source *source, int64_t nb, const int64_t *sample, dcpg_batch *batch,
                        dcpg_err *err) {
    numbers *self = (numbers *)source;
    if (++self->filled == self->fail_at) return dcpg_fail(err, DCPG_E_INPUT, "a bad sample");
    assert_in_range(nb, 0, batch->capacity);
    batch->n = nb;
    memcpy(batch->id, sample, (size_t)nb * sizeof *sample);
    return DCPG_OK;
}

static const dcpg_source_ops ops = {.fill = fill};

static dcpg_shards *open_shards(void) {
    dcpg_par par = {.rank = 1, .size = 2};
    dcpg_shards *shards = NULL;
    const dcpg_shards_options options = {
        .total = TOTAL, .nb_site = NB_SITE, .batch = BATCH, .seed = 1, .shuffle = true};
    assert_int_equal(dcpg_shards_new(&par, &options, &shards, NULL), DCPG_OK);
    assert_int_equal(dcpg_shards_start_epoch(shards, 0, NULL), DCPG_OK);
    return shards;
}

/* The batch must be that of `step`. */
static void expect_step(bool sweep, int64_t step, const dcpg_batch *batch, const dcpg_leaves *leaves) {
    int64_t sample[BATCH];
    dcpg_shards *shards = open_shards();
    int64_t n = sweep ? dcpg_shards_sweep(shards, step, sample) : dcpg_shards_step(shards, step, sample);
    assert_int_equal(batch->n, n);
    assert_memory_equal(batch->id, sample, (size_t)n * sizeof *sample);
    assert_int_equal(leaves->total, TOTAL);
    assert_int_equal(leaves->first, shards->first);
    assert_int_equal(leaves->end, shards->end);
    assert_memory_equal(leaves->row, shards->row,
                        (size_t)(shards->end - shards->first + 1) * sizeof *shards->row);
    dcpg_shards_free(shards);
}

/* Goes through all steps, preparing after every k-th. */
static void check(bool sweep, int k) {
    numbers source = {.base = {.ops = &ops, .nb_site = NB_SITE}};
    dcpg_shards *shards = open_shards();
    dcpg_loader *loader = NULL;
    assert_int_equal(dcpg_loader_new(&source.base, shards, sweep, &loader, NULL), DCPG_OK);
    int64_t steps = sweep ? dcpg_shards_sweep_steps(shards) : dcpg_shards_steps(shards);
    for (int round = 0; round < 2; round++) {
        dcpg_loader_seek(loader, 0);
        for (int64_t step = 0; step < steps; step++) {
            const dcpg_batch *batch;
            const dcpg_leaves *leaves;
            assert_int_equal(dcpg_loader_next(loader, &batch, &leaves, NULL), DCPG_OK);
            if (k > 0 && step % k == 0) assert_int_equal(dcpg_loader_prepare(loader, NULL), DCPG_OK);
            if (k > 0 && step % k == 0) assert_int_equal(dcpg_loader_prepare(loader, NULL), DCPG_OK);
            expect_step(sweep, step, batch, leaves);
        }
    }
    assert_int_equal(source.filled, 2 * steps); /* nothing was cut twice, or after the end */
    assert_true(dcpg_loader_waited(loader) <= 1.000001 * dcpg_loader_cutting(loader));
    dcpg_loader_free(loader);
    dcpg_shards_free(shards);
}

static void test_order(void **state) {
    (void)state;
    for (int k = 0; k < 3; k++) {
        check(false, k);
        check(true, k);
    }
}

static void test_prepared_costs_no_wait(void **state) {
    (void)state;
    numbers source = {.base = {.ops = &ops, .nb_site = NB_SITE}};
    dcpg_shards *shards = open_shards();
    dcpg_loader *loader = NULL;
    const dcpg_batch *batch;
    const dcpg_leaves *leaves;
    assert_int_equal(dcpg_loader_new(&source.base, shards, false, &loader, NULL), DCPG_OK);
    for (int64_t step = 0; step < dcpg_shards_steps(shards); step++) {
        assert_int_equal(dcpg_loader_prepare(loader, NULL), DCPG_OK);
        assert_int_equal(dcpg_loader_next(loader, &batch, &leaves, NULL), DCPG_OK);
    }
    assert_true(dcpg_loader_waited(loader) == 0);
    dcpg_loader_free(loader);
    dcpg_shards_free(shards);
}

static void test_seek(void **state) {
    (void)state;
    numbers source = {.base = {.ops = &ops, .nb_site = NB_SITE}};
    dcpg_shards *shards = open_shards();
    dcpg_loader *loader = NULL;
    const dcpg_batch *batch;
    const dcpg_leaves *leaves;
    assert_int_equal(dcpg_loader_new(&source.base, shards, false, &loader, NULL), DCPG_OK);
    assert_int_equal(dcpg_loader_prepare(loader, NULL), DCPG_OK);
    dcpg_loader_seek(loader, 2);
    assert_int_equal(dcpg_loader_next(loader, &batch, &leaves, NULL), DCPG_OK);
    expect_step(false, 2, batch, leaves);
    dcpg_loader_free(loader);
    dcpg_shards_free(shards);
}

static void test_failure(void **state) {
    (void)state;
    numbers source = {.base = {.ops = &ops, .nb_site = NB_SITE}, .fail_at = 2};
    dcpg_shards *shards = open_shards();
    dcpg_loader *loader = NULL;
    const dcpg_batch *batch;
    const dcpg_leaves *leaves;
    dcpg_err err = {0};
    assert_int_equal(dcpg_loader_new(&source.base, shards, false, &loader, NULL), DCPG_OK);
    assert_int_equal(dcpg_loader_next(loader, &batch, &leaves, &err), DCPG_OK);
    assert_int_equal(dcpg_loader_prepare(loader, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, "a bad sample");
    expect_step(false, 0, batch, leaves);
    assert_int_equal(dcpg_loader_next(loader, &batch, &leaves, NULL), DCPG_OK); /* tried again */
    expect_step(false, 1, batch, leaves);
    dcpg_loader_free(loader);
    dcpg_shards_free(shards);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_prepared_costs_no_wait),
        cmocka_unit_test(test_seek),
        cmocka_unit_test(test_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
