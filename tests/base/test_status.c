/* SPDX-License-Identifier: MIT */
/* Errors: the first one wins, one line, cut to size; exit codes. */
#include "cmocka_all.h"
#include <dcpg/status.h>
#include <string.h>

static void first_error_wins(void **state) {
    (void)state;
    dcpg_err err = {0};
    assert_int_equal(dcpg_fail(&err, DCPG_E_INPUT, "%s: line %d", "a.tsv", 3), DCPG_E_INPUT);
    assert_int_equal(dcpg_fail(&err, DCPG_E_IO, "later"), DCPG_E_IO);
    assert_int_equal(err.status, DCPG_E_INPUT);
    assert_string_equal(err.text, "a.tsv: line 3");
    assert_int_equal(dcpg_fail(NULL, DCPG_E_NUMERIC, "nobody listens"), DCPG_E_NUMERIC);
}

static void stays_one_line(void **state) {
    (void)state;
    dcpg_err err = {0};
    dcpg_fail(&err, DCPG_E_INPUT, "bad\nname\t\033[1m");
    assert_string_equal(err.text, "bad name  [1m");
}

static void long_text_is_cut(void **state) {
    (void)state;
    char name[3000];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    dcpg_err err = {0};
    dcpg_fail(&err, DCPG_E_INPUT, "%s", name);
    assert_int_equal(strlen(err.text), sizeof err.text - 1);
    assert_string_equal(err.text + sizeof err.text - 5, "x...");
}

static void memory_errors_give_the_size(void **state) {
    (void)state;
    dcpg_err err = {0};
    assert_int_equal(dcpg_fail_nomem(&err, "windows", 3500000000ull), DCPG_E_NOMEM);
    assert_non_null(strstr(err.text, "3500.0 MB"));
    assert_non_null(strstr(err.text, "windows"));
}

static void exit_codes(void **state) {
    (void)state;
    assert_int_equal(dcpg_exit_code(DCPG_OK), 0);
    assert_int_equal(dcpg_exit_code(DCPG_E_USAGE), 2);
    assert_int_equal(dcpg_exit_code(DCPG_E_INPUT), 2);
    assert_int_equal(dcpg_exit_code(DCPG_E_IO), 2);
    assert_int_equal(dcpg_exit_code(DCPG_E_NOMEM), 1);
    assert_int_equal(dcpg_exit_code(DCPG_E_NUMERIC), 1);
    assert_int_equal(dcpg_exit_code(DCPG_E_REQUEUE), 85);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_error_wins), cmocka_unit_test(stays_one_line),
        cmocka_unit_test(long_text_is_cut), cmocka_unit_test(memory_errors_give_the_size),
        cmocka_unit_test(exit_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
