/* SPDX-License-Identifier: MIT */
/* Sorting with little and with enough memory, against qsort; nothing is left of the temporary file. */
#include "cmocka_all.h"

#include "base/sorter.h"
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/test_sorter.XXXXXX", path[64];

static int make_folder(void **state) {
    (void)state;
    if (!mkdtemp(folder)) return -1;
    snprintf(path, sizeof path, "%s/report.tsv", folder);
    return 0;
}

static int remove_folder(void **state) {
    (void)state;
    return rmdir(folder); /* fails if a file is left */
}

static int compare(const void *a, const void *b) {
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Random numbers of which only the bytes of `mask` differ. */
static void sorts(size_t n, size_t bytes, uint64_t mask) {
    uint64_t *expected = dcpg_alloc(n, sizeof *expected), x = 0;
    dcpg_sorter *sorter;
    dcpg_err err = {0};
    dcpg_rng rng;
    bool any = true;
    dcpg_rng_start(&rng, n, bytes);
    assert_non_null(expected);
    assert_int_equal(dcpg_sorter_new(bytes, path, &sorter, &err), DCPG_OK);
    for (size_t i = 0; i < n; i++) {
        expected[i] = (dcpg_rng_u64(&rng) & mask) | 1;
        assert_int_equal(dcpg_sorter_add(sorter, expected[i], &err), DCPG_OK);
    }
    qsort(expected, n, sizeof *expected, compare);
    for (int whole = 0; whole < 2; whole++) { /* the half of them, then all */
        assert_int_equal(dcpg_sorter_start(sorter, &err), DCPG_OK);
        for (size_t i = 0; i < (whole ? n : n / 2); i++) {
            assert_int_equal(dcpg_sorter_next(sorter, &x, &any, &err), DCPG_OK);
            assert_true(any);
            assert_int_equal(x, expected[i]);
        }
    }
    for (int again = 0; again < 2; again++) {
        assert_int_equal(dcpg_sorter_next(sorter, &x, &any, &err), DCPG_OK);
        assert_false(any);
    }
    dcpg_sorter_free(sorter);
    dcpg_free(expected);
}

static void all_sizes(void **state) {
    const size_t number[] = {0, 1, 2, 3, 255, 4096, 4097, 30000}, bytes[] = {0, 16, 1000, 65536, 1 << 24};
    const uint64_t mask[] = {UINT64_MAX, 0xff00, UINT64_C(0xffff00000000ff00), 0};
    (void)state;
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        for (size_t b = i < 5 ? 0 : 2; b < sizeof bytes / sizeof *bytes; b++)
            for (size_t m = 0; m < sizeof mask / sizeof *mask; m++) sorts(number[i], bytes[b], mask[m]);
}

static void no_place_for_the_file(void **state) {
    dcpg_sorter *sorter;
    dcpg_err err = {0};
    (void)state;
    assert_int_equal(dcpg_sorter_new(64, "/nowhere/report.tsv", &sorter, &err), DCPG_OK);
    dcpg_status status = DCPG_OK;
    for (uint64_t i = 0; i < 100 && status == DCPG_OK; i++) status = dcpg_sorter_add(sorter, i, &err);
    assert_int_equal(status, DCPG_E_IO);
    assert_non_null(strstr(err.text, "/nowhere/report.tsv"));
    dcpg_sorter_free(sorter);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_sizes), cmocka_unit_test(no_place_for_the_file)};
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
