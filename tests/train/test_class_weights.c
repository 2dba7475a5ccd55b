/* SPDX-License-Identifier: MIT */
/* Class weights: values of the reference program (48 sites, lc.json of its cases), and the rules for outputs
 * without classes. */
#include "cmocka_all.h"

#include <dcpg/train.h>
#include <math.h>

static void weights_are_those_of_the_reference(void **state) {
    (void)state;
    const char *const names[] = {"cpg/cell0",      "cpg_stats/cat_var", "bulk/a",
                                 "cpg_stats/mean", "cpg_stats/diff",    "cpg/none"};
    const int64_t counts[6][DCPG_MAX_CLASSES] = {{7, 18, 0}, {1, 1, 2}, {5, 5, 0},
                                                 {3, 4, 0},  {0, 9, 0}, {0, 0, 0}};
    float weight[6][DCPG_MAX_CLASSES];
    dcpg_class_weights(6, names, &counts[0][0], &weight[0][0]);
    /* 7 of 25 labels are 0: for its cell0 the reference program printed 0.7199999560000088 and
     * 0.28000004399999123 */
    assert_true(fabs(weight[0][0] - 0.7199999560000088) < 1e-7);
    assert_true(fabs(weight[0][1] - 0.28000004399999123) < 1e-7);
    assert_true(fabs(weight[1][0] - 0.4) < 1e-6 && fabs(weight[1][1] - 0.4) < 1e-6 &&
                fabs(weight[1][2] - 0.2) < 1e-6);
    for (int c = 0; c < DCPG_MAX_CLASSES; c++) assert_true(weight[2][c] == 1 && weight[3][c] == 1);
    assert_true(fabs(weight[4][0] - 1) < 1e-6 && fabs(weight[4][1] - 1e-7) < 1e-8);
    assert_true(weight[5][0] == 0.5f && weight[5][1] == 0.5f);
}

static void output_weights_come_from_patterns(void **state) {
    (void)state;
    char *names[] = {"cpg/a", "cpg/b", "bulk/cpg"}, *patterns[] = {"cpg=0.5", "cpg/b=2", "bulk=3"},
         *wrong[] = {"cpg"}, *nothing[] = {"x=1"};
    dcpg_strings outputs = {names, 3, 3}, good = {patterns, 3, 3}, bad = {wrong, 1, 1},
                 none = {nothing, 1, 1};
    float weight[3];
    dcpg_err err = {0}, err2 = {0};
    assert_int_equal(dcpg_output_weights(&outputs, &good, weight, &err), DCPG_OK);
    assert_true(weight[0] == 0.5f && weight[1] == 2 && weight[2] == 3);
    assert_int_equal(dcpg_output_weights(&outputs, &bad, weight, &err), DCPG_E_USAGE);
    assert_int_equal(dcpg_output_weights(&outputs, &none, weight, &err2), DCPG_E_USAGE);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(weights_are_those_of_the_reference),
                                       cmocka_unit_test(output_weights_come_from_patterns)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
