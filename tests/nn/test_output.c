/* SPDX-License-Identifier: MIT */
/* Kinds of outputs by name, and names of metrics. */
#include "cmocka_all.h"

#include <dcpg/output.h>

typedef struct row {
    const char *name;
    int units;
    dcpg_activation activation;
    dcpg_loss loss;
    int nb_class, nb_metric;
} row;

static void kinds_by_name(void **state) {
    (void)state;
    static const row rows[] = {
        {"cpg/BS27_1_SER", 1, DCPG_SIGMOID, DCPG_LOSS_BCE, 2, 1},
        {"cpg/mean", 1, DCPG_SIGMOID, DCPG_LOSS_BCE, 2, 1},
        {"bulk/serum", 1, DCPG_SIGMOID, DCPG_LOSS_MSE, 0, 3},
        {"cpg_stats/mean", 1, DCPG_SIGMOID, DCPG_LOSS_MSE, 0, 3},
        {"cpg_stats/mode", 1, DCPG_SIGMOID, DCPG_LOSS_BCE, 2, 1},
        {"cpg_stats/var", 1, DCPG_SCALED_SIGMOID, DCPG_LOSS_MSE, 0, 2},
        {"win_stats/1001/cat_var", 3, DCPG_SOFTMAX, DCPG_LOSS_CCE, 3, 1},
        {"cpg_stats/cat2_var", 1, DCPG_SIGMOID, DCPG_LOSS_BCE, 2, 1},
        {"cpg_stats/entropy", 1, DCPG_RELU, DCPG_LOSS_MSE, 0, 2},
        {"cpg_stats/diff", 1, DCPG_SIGMOID, DCPG_LOSS_BCE, 2, 1},
        {"var", 1, DCPG_SCALED_SIGMOID, DCPG_LOSS_MSE, 0, 2},
        {"something/else", 1, DCPG_SIGMOID, DCPG_LOSS_BCE, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        dcpg_output_kind kind = dcpg_output_kind_of(rows[i].name);
        assert_int_equal(kind.units, rows[i].units);
        assert_int_equal(kind.activation, rows[i].activation);
        assert_int_equal(kind.loss, rows[i].loss);
        assert_int_equal(kind.nb_class, rows[i].nb_class);
        assert_int_equal(kind.nb_metric, rows[i].nb_metric);
    }
    assert_string_equal(dcpg_metric_name(dcpg_output_kind_of("cpg_stats/cat_var").metric[0]), "cat_acc");
    assert_string_equal(dcpg_metric_name(dcpg_output_kind_of("bulk/x").metric[1]), "mae");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(kinds_by_name)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
