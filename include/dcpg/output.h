/* SPDX-License-Identifier: MIT */
/* Outputs: head, loss, metrics and class weights of an output, by its name (as in DeepCpG 1.0.7). The name is
 * split at '/': the last part decides if it is mean, mode, var, cat_var, cat2_var, entropy or diff, and the
 * first part if it is bulk or cpg; all other outputs are binary. */
#ifndef DCPG_OUTPUT_H
#define DCPG_OUTPUT_H

#include <dcpg/api.h>
#include <dcpg/kern.h>
#include <stdbool.h>

DCPG_BEGIN_C

typedef enum dcpg_loss { DCPG_LOSS_BCE, DCPG_LOSS_MSE, DCPG_LOSS_CCE } dcpg_loss;

typedef enum dcpg_metric {
    DCPG_METRIC_ACC,
    DCPG_METRIC_MSE,
    DCPG_METRIC_MAE,
    DCPG_METRIC_CAT_ACC
} dcpg_metric;
enum { DCPG_MAX_METRICS = 3, DCPG_MAX_CLASSES = 3 };

typedef struct dcpg_output_kind {
    int units;                  /* 1; cat_var: 3 */
    dcpg_activation activation; /* of the head */
    dcpg_loss loss;
    int nb_metric;
    dcpg_metric metric[DCPG_MAX_METRICS]; /* while training */
    int nb_class;                         /* classes that get class weights: 2, 3, or 0 (weight 1 for all) */
} dcpg_output_kind;

/* The kind of an output of this name. Pure. */
DCPG_API dcpg_output_kind dcpg_output_kind_of(const char *name);
DCPG_API const char *dcpg_metric_name(dcpg_metric metric); /* "acc", "mse", "mae", "cat_acc" */

DCPG_END_C

#endif
