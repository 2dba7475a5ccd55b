/* SPDX-License-Identifier: MIT */
/* The program started directly, without mpirun: a run of one rank. */
#include "cmocka_all.h"
#include <dcpg/par.h>
#include <string.h>

/* MPI libraries keep memory until the process ends. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

static void runs_alone(void **state) {
    (void)state;
    dcpg_par par;
    dcpg_err err = {0};
    assert_int_equal(dcpg_par_open_all(&par, NULL, NULL, &err), DCPG_OK);
    assert_int_equal(par.size, 1);
    assert_int_equal(par.rank, 0);
    assert_int_equal(par.nb_host, 1);
    assert_int_equal(dcpg_fail(&err, DCPG_E_INPUT, "mine"), DCPG_E_INPUT);
    assert_int_equal(dcpg_agree_all(&par, DCPG_E_INPUT, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, "mine");
    dcpg_par again; /* MPI is running already: the second user shares it, and does not end it */
    assert_int_equal(dcpg_par_open_all(&again, NULL, NULL, NULL), DCPG_OK);
    dcpg_par_close_all(&again);
    assert_int_equal(dcpg_sum_i64_all(&par, 5), 5);
    dcpg_par_close_all(&par);
    dcpg_par_close_all(&par); /* closing twice is harmless */
    dcpg_err late = {0};
    assert_int_equal(dcpg_par_open_all(&par, NULL, NULL, &late), DCPG_E_USAGE);
    assert_non_null(strstr(late.text, "MPI"));
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(runs_alone)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
