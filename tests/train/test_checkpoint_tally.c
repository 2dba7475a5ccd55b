/* SPDX-License-Identifier: MIT */
/* The tally of a checkpoint: several pieces, read back by ranks with other leaves, and a failing file. */
#include "cmocka_all.h"
#include "train/checkpoint_impl.h"

#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 25 MB: 4 pieces. */
enum { LEAVES = 63, OUTPUTS = 10007 };
static const size_t ROW = (size_t)OUTPUTS * DCPG_TALLY_COLUMNS;
static const checkpoint_field FIELD = {.path = "state/tally",
                                       .type = DCPG_H5_F64,
                                       .ndim = 3,
                                       .dim = {LEAVES, OUTPUTS, DCPG_TALLY_COLUMNS},
                                       .kind = FIELD_TALLY};

static dcpg_par par;
static char path[64];

static double value_of(size_t leaf, size_t i) { return (double)dcpg_mix(leaf, i) / 3; }

/* A run with as many leaves on every rank, or, if `skewed`, more on later ranks. */
typedef struct cut {
    trainer t;
    dcpg_tally tally;
    size_t first;
} cut;

static void cut_leaves(cut *c, bool skewed) {
    int64_t n = par.size, r = par.rank;
    int64_t first = skewed ? LEAVES * r * r / (n * n) : dcpg_part(LEAVES, r, n);
    int64_t end = skewed ? LEAVES * (r + 1) * (r + 1) / (n * n) : dcpg_part(LEAVES, r + 1, n);
    c->tally.nb_leaf = (int)(end - first);
    c->tally.sum = dcpg_alloc((size_t)(end - first), ROW * sizeof *c->tally.sum);
    assert_non_null(c->tally.sum);
    c->first = (size_t)first;
    c->t.par = &par;
    c->t.tally = &c->tally;
}

static void pieces_survive(void **state) {
    (void)state;
    cut writes = {0}, reads = {0};
    dcpg_h5 *file = NULL;
    cut_leaves(&writes, false);
    cut_leaves(&reads, true);
    for (size_t i = 0; i < (size_t)writes.tally.nb_leaf * ROW; i++)
        writes.tally.sum[i] = value_of(writes.first + i / ROW, i % ROW);
    const dcpg_h5_shape shape = {DCPG_H5_F64, 0, 3, {LEAVES, OUTPUTS, DCPG_TALLY_COLUMNS}, {0}, 0};
    if (par.rank == 0) {
        assert_int_equal(dcpg_h5_create(path, NULL, &file, NULL), DCPG_OK);
        assert_int_equal(dcpg_h5_make(file, FIELD.path, &shape, NULL), DCPG_OK);
    }
    assert_int_equal(dcpg_checkpoint_write_tally_all(&writes.t, &FIELD, file, NULL), DCPG_OK);
    if (par.rank == 0) {
        double *whole = dcpg_alloc(LEAVES, ROW * sizeof *whole);
        assert_int_equal(dcpg_h5_commit(file, NULL), DCPG_OK);
        assert_int_equal(dcpg_h5_open(path, NULL, &file, NULL), DCPG_OK);
        assert_int_equal(dcpg_h5_read(file, FIELD.path, FIELD.type, NULL, whole, NULL), DCPG_OK);
        for (size_t i = 0; i < LEAVES * ROW; i++) assert_true(whole[i] == value_of(i / ROW, i % ROW));
        dcpg_free(whole);
    }
    assert_int_equal(dcpg_checkpoint_read_tally_all(&reads.t, &FIELD, file, NULL), DCPG_OK);
    for (size_t i = 0; i < (size_t)reads.tally.nb_leaf * ROW; i++)
        assert_true(reads.tally.sum[i] == value_of(reads.first + i / ROW, i % ROW));
    dcpg_h5_close(file);
    dcpg_free(writes.tally.sum);
    dcpg_free(reads.tally.sum);
}

/* The dataset has too few leaves: the last pieces fail, on all ranks. */
static void failures_are_agreed(void **state) {
    (void)state;
    cut c = {0};
    dcpg_err err = {0};
    dcpg_h5 *file = NULL;
    cut_leaves(&c, false);
    const dcpg_h5_shape shape = {DCPG_H5_F64, 0, 3, {LEAVES / 2, OUTPUTS, DCPG_TALLY_COLUMNS}, {0}, 0};
    if (par.rank == 0) {
        assert_int_equal(dcpg_h5_create(path, NULL, &file, NULL), DCPG_OK);
        assert_int_equal(dcpg_h5_make(file, FIELD.path, &shape, NULL), DCPG_OK);
    }
    assert_int_equal(dcpg_checkpoint_write_tally_all(&c.t, &FIELD, file, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "state/tally"));
    dcpg_h5_close(file);
    dcpg_free(c.tally.sum);
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    const char *top = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.30s/dcpg_tally_%d.h5", top ? top : "/tmp", (int)getpid());
    const struct CMUnitTest tests[] = {cmocka_unit_test(pieces_survive),
                                       cmocka_unit_test(failures_are_agreed)};
    int failed = cmocka_run_group_tests_name("pieces of the tally", tests, NULL, NULL);
    if (par.rank == 0) (void)unlink(path);
    dcpg_par_close_all(&par);
    return failed;
}
