/* SPDX-License-Identifier: MIT */
/* The hash map of strings. */
#include "cmocka_all.h"
#include <dcpg/log.h>
#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <stdio.h>
#include <string.h>

static void small(void **state) {
    (void)state;
    dcpg_map map = {0};
    assert_int_equal(dcpg_map_get(&map, "a", -7), -7);
    assert_int_equal(dcpg_map_set(&map, "a", 1, NULL), DCPG_OK);
    assert_int_equal(dcpg_map_set(&map, "", 2, NULL), DCPG_OK);
    assert_int_equal(dcpg_map_set(&map, "ab", -3, NULL), DCPG_OK);
    assert_int_equal(dcpg_map_set(&map, "a", 4, NULL), DCPG_OK); /* replaces 1 */
    assert_int_equal(map.n, 3);
    assert_int_equal(dcpg_map_get(&map, "a", -7), 4);
    assert_int_equal(dcpg_map_get(&map, "", -7), 2);
    assert_int_equal(dcpg_map_get(&map, "ab", -7), -3);
    assert_int_equal(dcpg_map_get(&map, "A", -7), -7);
    assert_int_equal(dcpg_map_get(&map, "abc", -7), -7);
    assert_string_equal(dcpg_map_key(&map, 0), "a");
    assert_string_equal(dcpg_map_key(&map, 1), "");
    assert_string_equal(dcpg_map_key(&map, 2), "ab");
    dcpg_map_free(&map);
    assert_int_equal(map.n, 0);
    assert_int_equal(dcpg_map_get(&map, "a", -7), -7);
    dcpg_map_free(&map);
}

static void name_of(int i, char name[32]) { snprintf(name, 32, "scaffold_%d", i); }

/* All of many keys are found and nothing else is, in a time that does not grow with the square of their
 * number: to search 200,000 names one by one would take minutes. */
static void many(void **state) {
    (void)state;
    enum { N = 200000 };
    dcpg_map map = {0};
    char name[32];
    double started = dcpg_now();
    for (int i = 0; i < N; i++) {
        name_of(i, name);
        assert_int_equal(dcpg_map_set(&map, name, i, NULL), DCPG_OK);
    }
    assert_int_equal(map.n, N);
    for (int i = 0; i < 2 * N; i++) {
        name_of(i, name);
        if (dcpg_map_get(&map, name, -1) != (i < N ? i : -1)) fail_msg("%s", name);
    }
    assert_true(dcpg_now() - started < 20);
    assert_true(map.nb_slot <= 4 * N && map.text_capacity <= 64 * (size_t)N);
    dcpg_map_free(&map);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(small), cmocka_unit_test(many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
