/* SPDX-License-Identifier: MIT */
/* Kinds of outputs: units, activation, loss and metrics, by the output's name. */
#include <dcpg/output.h>

#include <assert.h>
#include <string.h>

typedef struct named_kind {
    const char *part;
    dcpg_output_kind kind;
} named_kind;

/* By the last part of the name. */
static const named_kind by_last_part[] = {
    {"mean", {1, DCPG_SIGMOID, DCPG_LOSS_MSE, 3, {DCPG_METRIC_MSE, DCPG_METRIC_MAE, DCPG_METRIC_ACC}, 0}},
    {"mode", {1, DCPG_SIGMOID, DCPG_LOSS_BCE, 1, {DCPG_METRIC_ACC}, 2}},
    {"var", {1, DCPG_SCALED_SIGMOID, DCPG_LOSS_MSE, 2, {DCPG_METRIC_MSE, DCPG_METRIC_MAE}, 0}},
    {"cat_var", {3, DCPG_SOFTMAX, DCPG_LOSS_CCE, 1, {DCPG_METRIC_CAT_ACC}, 3}},
    {"cat2_var", {1, DCPG_SIGMOID, DCPG_LOSS_BCE, 1, {DCPG_METRIC_ACC}, 2}},
    {"entropy", {1, DCPG_RELU, DCPG_LOSS_MSE, 2, {DCPG_METRIC_MSE, DCPG_METRIC_MAE}, 0}},
    {"diff", {1, DCPG_SIGMOID, DCPG_LOSS_BCE, 1, {DCPG_METRIC_ACC}, 2}},
};

/* By the first part, which takes precedence: a cell may be named "mean". */
static const named_kind by_first_part[] = {
    {"cpg", {1, DCPG_SIGMOID, DCPG_LOSS_BCE, 1, {DCPG_METRIC_ACC}, 2}},
    {"bulk", {1, DCPG_SIGMOID, DCPG_LOSS_MSE, 3, {DCPG_METRIC_MSE, DCPG_METRIC_MAE, DCPG_METRIC_ACC}, 0}},
};

dcpg_output_kind dcpg_output_kind_of(const char *name) {
    const char *slash = strchr(name, '/');
    for (size_t i = 0; slash && i < sizeof by_first_part / sizeof *by_first_part; i++) {
        size_t length = strlen(by_first_part[i].part);
        if ((size_t)(slash - name) == length && strncmp(name, by_first_part[i].part, length) == 0)
            return by_first_part[i].kind;
    }
    const char *last = strrchr(name, '/');
    last = last ? last + 1 : name;
    for (size_t i = 0; i < sizeof by_last_part / sizeof *by_last_part; i++)
        if (strcmp(last, by_last_part[i].part) == 0) return by_last_part[i].kind;
    return (dcpg_output_kind){1, DCPG_SIGMOID, DCPG_LOSS_BCE, 1, {DCPG_METRIC_ACC}, 0};
}

const char *dcpg_metric_name(dcpg_metric metric) {
    switch (metric) {
    case DCPG_METRIC_ACC:
        return "acc";
    case DCPG_METRIC_MSE:
        return "mse";
    case DCPG_METRIC_MAE:
        return "mae";
    case DCPG_METRIC_CAT_ACC:
        return "cat_acc";
    }
    assert(!"a metric has a name");
    return "";
}
