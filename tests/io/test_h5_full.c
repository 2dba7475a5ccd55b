/* SPDX-License-Identifier: MIT */
/* A full disk gives an error, leaves nothing behind and no rank waiting. The test mounts a tiny file system,
 * and skips without the right to do so. */
#include "cmocka_all.h"
#include "folder.h"
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>

static dcpg_par par;
static int64_t mounted;

enum { ROWS = 40000, COLUMNS = 16 };

/* Writes 2.5 MB of noise; fails somewhere, at the latest in the commit. */
static dcpg_status write_noise(const dcpg_par *writers, int deflate, dcpg_err *err) {
    int rank = writers ? writers->rank : 0, size = writers ? writers->size : 1;
    dcpg_h5 *file;
    DCPG_TRY(dcpg_h5_create(in_folder("noise.h5"), writers, &file, err));
    const dcpg_h5_shape shape = {
        .type = DCPG_H5_I32, .ndim = 2, .dim = {ROWS, COLUMNS}, .chunk = {1000, COLUMNS}, .deflate = deflate};
    dcpg_h5_block block = {.start = {dcpg_part(ROWS, rank, size), 0}, .count = {0, COLUMNS}};
    block.count[0] = dcpg_part(ROWS, rank + 1, size) - block.start[0];
    int32_t *x = dcpg_alloc((size_t)block.count[0] * COLUMNS, sizeof *x);
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, (uint64_t)rank);
    for (int64_t i = 0; i < block.count[0] * COLUMNS; i++) x[i] = (int32_t)dcpg_rng_u32(&rng);
    dcpg_status status = dcpg_h5_make(file, "x", &shape, err);
    if (status == DCPG_OK) status = dcpg_h5_write(file, "x", DCPG_H5_I32, &block, x, err);
    dcpg_free(x);
    if (status == DCPG_OK) return dcpg_h5_commit(file, err);
    dcpg_h5_close(file);
    return status;
}

static void check(const dcpg_par *writers, int deflate) {
    if (!mounted) skip();
    dcpg_err err = {0};
    assert_int_equal(write_noise(writers, deflate, &err), DCPG_E_IO);
    if (par.rank == 0) print_message("%s\n", err.text);
    assert_non_null(strstr(err.text, "noise.h5: "));
    if (writers) dcpg_barrier_all(writers);
    assert_int_equal(nb_file(folder), 0);
}

static void by_one_rank(void **state) {
    (void)state;
    if (par.rank == 0) check(NULL, 0);
    if (par.rank == 0) check(NULL, 1);
}

static void by_all_ranks(void **state) {
    (void)state;
    dcpg_barrier_all(&par);
    check(&par, 0);
    check(&par, 1);
}

static int enter(void **state) {
    (void)state;
    if (par.rank == 0) {
        char command[400];
        make_folder();
        snprintf(command, sizeof command, "mount -t tmpfs -o size=1m none '%s' 2>/dev/null", folder);
        mounted = system(command) == 0;
        if (!mounted) print_message("cannot mount a file system here: skipped\n");
    }
    dcpg_bcast_all(&par, folder, sizeof folder, 0);
    mounted = dcpg_max_i64_all(&par, mounted);
    return 0;
}

static int leave(void **state) {
    (void)state;
    dcpg_barrier_all(&par);
    char command[400];
    snprintf(command, sizeof command, "umount '%s'", folder);
    if (par.rank == 0 && mounted && system(command) != 0) return 1;
    if (par.rank == 0) remove_folder();
    return 0;
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all ranks */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {cmocka_unit_test(by_one_rank), cmocka_unit_test(by_all_ranks)};
    int failed = cmocka_run_group_tests(tests, enter, leave);
    dcpg_par_close_all(&par);
    return failed;
}
