/* SPDX-License-Identifier: MIT */
/* Losses of the outputs, and their gradients. */
#include "nn/plan.h"

#include <dcpg/subnormals.h>
#include <math.h>

/* Weight of a missing label, which enters the loss as -1. */
static const float MISSING = 1e-7f;

/* Class weight of a label that is not missing. */
static float class_weight(const dcpg_output_kind *kind, const float *weights, float label) {
    if (!weights || kind->nb_class == 0) return 1;
    long class = lrintf(label);
    return weights[class < 0 ? 0 : class >= kind->nb_class ? kind->nb_class - 1 : class];
}

/* Copies labels and weights of one output, rows first .. end-1, into contiguous arrays. */
static void gather(const dcpg_net *net, const dcpg_targets *targets, int output, const dcpg_output_kind *kind,
                   int64_t first, int64_t end) {
    const float *weights =
        targets->class_weight ? targets->class_weight + (int64_t)output * DCPG_MAX_CLASSES : NULL;
    for (int64_t i = first; i < end; i++) {
        float label = targets->label[i * net->nb_output + output];
        net->plan->label[i - first] = label;
        net->plan->weight[i - first] = label < 0 ? MISSING : class_weight(kind, weights, label);
    }
}

static float *gradient_of(const dcpg_plan *plan, int output) {
    const dcpg_value *value = &plan->value[plan->prediction[output].value];
    if (value->grad < 0) return NULL;
    return (float *)(void *)(plan->memory + plan->buffer[value->grad].offset) +
           plan->prediction[output].column;
}

void dcpg_net_loss(dcpg_net *net, const dcpg_input *input, const dcpg_targets *targets, dcpg_net_rows rows,
                   bool with_gradient, double *loss) {
    const float *label = net->plan->label, *weight = net->plan->weight;
    int64_t first = rows.first, end = rows.end, n = end - first;
    dcpg_flush_begin();
    for (int o = 0; o < net->nb_output; o++) {
        dcpg_output_kind kind = dcpg_output_kind_of(net->output[o]);
        loss[o] = 0;
        if (n == 0) continue;
        int64_t stride;
        const float *p = dcpg_net_prediction(net, o, &stride) + first * stride;
        float *dp = with_gradient ? gradient_of(net->plan, o) : NULL;
        if (dp) dp += first * stride;
        float scale = with_gradient ? targets->output_weight[o] / (float)input->n_global : 1;
        gather(net, targets, o, &kind, first, end);
        dcpg_loss_column column = {
            .n = n, .p = p, .stride = stride, .y = label, .weight = weight, .scale = scale};
        switch (kind.loss) {
        case DCPG_LOSS_BCE:
            loss[o] = dcpg_loss_bce(&column, dp);
            break;
        case DCPG_LOSS_MSE:
            loss[o] = dcpg_loss_mse(&column, dp);
            break;
        case DCPG_LOSS_CCE:
            loss[o] = dcpg_loss_cce(&column, kind.units, dp);
            break;
        }
    }
    dcpg_flush_end();
}
