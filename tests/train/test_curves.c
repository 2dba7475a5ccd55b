/* SPDX-License-Identifier: MIT */
/* The text of a learning curve. */
#include "cmocka_all.h"

#include <dcpg/memory.h>
#include <dcpg/train.h>
#include <math.h>

static void columns_and_empty_fields(void **state) {
    (void)state;
    const char *const names[] = {"cpg/a", "cpg/b", "bulk/c"};
    double loss_of[] = {0.5, 0.25, 2},
           metric[3][DCPG_MAX_METRICS] = {{0.75, NAN, NAN}, {NAN, NAN, NAN}, {0.1, 0.2, 0.25}};
    dcpg_scores epoch = {.loss = 3, .loss_of = loss_of, .metric = &metric[0][0]};
    char *text = dcpg_curve_text(3, names, 1, &epoch);
    /* mean acc of a and c: b had no observed label */
    assert_string_equal(text, "loss\tacc\tmse\tmae\tcpg/a_loss\tcpg/b_loss\tbulk/c_loss\tcpg/a_acc\tcpg/"
                              "b_acc\tbulk/c_acc\tbulk/c_mse\tbulk/c_mae\n"
                              "3\t0.5\t0.1\t0.2\t0.5\t0.25\t2\t0.75\t\t0.25\t0.1\t0.2\n");
    dcpg_free(text);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(columns_and_empty_fields)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
