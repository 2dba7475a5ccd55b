/* SPDX-License-Identifier: MIT */
/* The single-rank reducer: the sum of one rank is the total. */
#include "cmocka_all.h"
#include <dcpg/reducer.h>

static void total_is_the_sum(void **state) {
    (void)state;
    float grads[3] = {1, 2, 3};
    dcpg_local_reducer self = {.total = 8, .grads = grads};
    dcpg_reducer reducer = dcpg_reducer_local(&self);
    double sums[2] = {0.1, 0.2}, total[2] = {9, 9};
    reducer.sum(reducer.self, sums, 2, total);
    assert_true(total[0] == 0.1 && total[1] == 0.2);
    reducer.sum(reducer.self, total, 2, total); /* in place */
    assert_true(total[0] == 0.1 && total[1] == 0.2);
    reducer.start(reducer.self, 0, 3);
    reducer.poll(reducer.self);
    reducer.wait(reducer.self);
    assert_true(grads[0] == 1 && grads[1] == 2 && grads[2] == 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(total_is_the_sum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
