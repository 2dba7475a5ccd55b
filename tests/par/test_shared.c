/* SPDX-License-Identifier: MIT */
/* Memory of a host: all its ranks see the values that one rank puts in, in the same memory. */
#include "cmocka_all.h"
#include "par/par_impl.h"
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <stdlib.h>
#include <string.h>

static dcpg_par par;

static dcpg_par_shared *open_all(size_t bytes) {
    dcpg_par_shared *shared = NULL;
    dcpg_err err = {0};
    assert_int_equal(dcpg_par_shared_open_all(&par, bytes, &shared, &err), DCPG_OK);
    assert_int_equal(shared->bytes, bytes);
    return shared;
}

static void starts_zeroed(void **state) {
    (void)state;
    dcpg_par_shared *shared = open_all(100000);
    for (size_t i = 0; i < shared->bytes; i++) assert_int_equal(((char *)shared->data)[i], 0);
    dcpg_par_shared_close_all(shared);
    dcpg_par_shared_close_all(open_all(0));
}

/* Every rank fills a part; all see all parts. */
static void fills(void **state) {
    (void)state;
    enum { PART = 1003 };
    dcpg_par_shared *shared = open_all((size_t)par.size * PART);
    for (int root = par.size - 1; root >= 0; root--) {
        unsigned char part[PART];
        for (size_t i = 0; i < PART; i++) part[i] = (unsigned char)dcpg_mix((uint64_t)root, i);
        dcpg_par_shared_fill_all(&par, shared, (size_t)root * PART, par.rank == root ? part : NULL, PART,
                                 root);
        assert_memory_equal((char *)shared->data + root * PART, part, PART);
    }
    dcpg_par_shared_fill_all(&par, shared, 0, NULL, 0, par.size - 1);
    dcpg_par_shared_close_all(shared);
}

/* On one host it really is a single piece of memory. */
static void is_held_once(void **state) {
    (void)state;
    dcpg_par_shared *shared = open_all(64);
    assert_int_equal(shared->one_per_host, par.size > 1);
    assert_int_equal(dcpg_sum_i64_all(&par, shared->writer), shared->one_per_host ? par.nb_host : par.size);
    volatile char *byte = shared->data;
    if (par.rank == par.size - 1) *byte = 42;
    dcpg_par_shared_sync_all(shared);
    assert_int_equal(*byte, 42);
    dcpg_barrier_all(&par);
    dcpg_par_shared_close_all(shared);
}

/* A request for more memory than there is fails on all ranks, without hanging. */
static void too_much_is_refused(void **state) {
    (void)state;
    dcpg_par_shared *shared = NULL;
    dcpg_err err = {0};
    assert_int_equal(dcpg_par_shared_open_all(&par, (size_t)1 << 50, &shared, &err), DCPG_E_NOMEM);
    assert_null(shared);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starts_zeroed),
        cmocka_unit_test(fills),
        cmocka_unit_test(is_held_once),
        cmocka_unit_test(too_much_is_refused),
    };
    int failed = cmocka_run_group_tests_name("whole messages", tests, NULL, NULL);
    par.impl->piece = 16; /* in effect messages longer than MPI can count */
    failed += cmocka_run_group_tests_name("messages in pieces", tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
