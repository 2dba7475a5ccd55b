/* SPDX-License-Identifier: MIT */
/* Batch normalisation over the samples and steps of the global batch, with its ReLU where fused. Ioffe and
 * Szegedy, "Batch normalization", ICML 2015; moving statistics as in Keras 2.2. */
#include "nn/plan.h"

#include <dcpg/bf16.h>

#include <assert.h>
#include <math.h>
#include <string.h>

enum { GAMMA, BETA, MOVING_MEAN, MOVING_VARIANCE };

/* Scratch in doubles: totals [2c], sums of the nodes [nb_node][2c], scratch of the tree [depth][2c]. */
static size_t totals_size(const dcpg_op *op) { return 2 * (size_t)op->from.c; }

static dcpg_status batch_norm_plan(dcpg_op *op, dcpg_plan *plan, dcpg_err *err) {
    if (plan->nb_pass > 1)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "batch normalisation (layer %s) needs all samples of the batch in memory at once",
                         op->layer->name);
    op->keeps_in = true;
    op->scratch = totals_size(op) * (size_t)(1 + plan->nb_node + plan->depth) * sizeof(double);
    op->macs = op->to.t * op->to.c;
    op->nb_sum = (int64_t)totals_size(op);
    return dcpg_plan_own(plan, op, 0, 2 * (size_t)op->from.c * sizeof(float),
                         err); /* mean, 1 / standard deviation */
}

/* ---- sums over the batch ---- */

typedef struct leaf_context {
    const dcpg_op *op;
    const dcpg_run *run;
    bool backward;
} leaf_context;

/* `rows` rows of the layer, from row `first` on. */
static dcpg_bn layer_of(const dcpg_op *op, const dcpg_run *run, int64_t first, int64_t rows) {
    const float *mean = dcpg_run_own(run, op, 0);
    return (dcpg_bn){.rows = rows,
                     .c = op->from.c,
                     .x = dcpg_run_in(run, op, 0) + first * op->from.c,
                     .mean = mean,
                     .rstd = mean + op->from.c,
                     .gamma = dcpg_run_weight(run, op, GAMMA),
                     .beta = dcpg_run_weight(run, op, BETA),
                     .relu = op->relu};
}

static void sum_leaf(void *context, int leaf, double *out) {
    const leaf_context *s = context;
    const dcpg_op *op = s->op;
    int64_t t = op->from.t, c = op->from.c, first, end;
    dcpg_run_leaf(s->run, leaf, &first, &end);
    dcpg_bn bn = layer_of(op, s->run, first * t, (end - first) * t);
    if (bn.rows == 0)
        memset(out, 0, totals_size(op) * sizeof *out);
    else if (s->backward)
        dcpg_bn_backward_sums(&bn, dcpg_run_out_gradient(s->run, op) + first * t * c, out);
    else
        dcpg_bn_sums(bn.rows, c, bn.x, dcpg_run_weight(s->run, op, MOVING_MEAN), out);
    dcpg_run_poll(s->run);
}

/* Sums over all samples on all ranks; valid until the scratch is used again. */
static const double *sum_batch(const dcpg_op *op, const dcpg_run *run, bool backward) {
    const dcpg_plan *plan = run->plan;
    leaf_context context = {op, run, backward};
    size_t size = totals_size(op), nb_node = (size_t)plan->nb_node;
    double *totals = (double *)(void *)plan->scratch, *nodes = totals + size;
    for (size_t i = 0; i < nb_node; i++)
        dcpg_tree_sum64(plan->node[i], size, sum_leaf, &context, nodes + i * size, nodes + nb_node * size);
    if (run->reducer) {
        run->reducer->sum(run->reducer->self, nodes, size, totals);
        return totals;
    }
    assert(nb_node == 1);
    return nodes;
}

/* ---- forward ---- */

static void batch_statistics(const dcpg_op *op, const dcpg_run *run, float *mean, float *rstd) {
    const double *sums = sum_batch(op, run, false);
    int64_t c = op->from.c;
    double n = (double)(run->input->n_global * op->from.t), epsilon = (double)op->layer->epsilon;
    float *moving_mean = run->net->params + op->at[MOVING_MEAN],
          *moving_variance = run->net->params + op->at[MOVING_VARIANCE];
    /* Keras 2.2's correction of the biased variance; for a single value there is none. */
    double factor = n > 1 + epsilon ? n / (n - (1 + epsilon)) : 1, momentum = (double)op->layer->momentum;
    for (int64_t j = 0; j < c; j++) {
        double shift = sums[j] / n; /* the sums are of deviations from the moving mean */
        double batch_mean = (double)moving_mean[j] + shift, variance = sums[c + j] / n - shift * shift;
        if (variance < 0) variance = 0;
        mean[j] = (float)batch_mean;
        rstd[j] = (float)(1 / sqrt(variance + epsilon));
        /* Keras 2.2: frozen layers still normalise by the batch, but do not update their moving
         * statistics. */
        if (!op->trained) continue;
        moving_mean[j] = (float)(momentum * (double)moving_mean[j] + (1 - momentum) * batch_mean);
        moving_variance[j] =
            (float)(momentum * (double)moving_variance[j] + (1 - momentum) * variance * factor);
    }
}

static void moving_statistics(const dcpg_op *op, const dcpg_run *run, float *mean, float *rstd) {
    const float *moving_mean = dcpg_run_weight(run, op, MOVING_MEAN),
                *moving_variance = dcpg_run_weight(run, op, MOVING_VARIANCE);
    for (int64_t j = 0; j < op->from.c; j++) {
        mean[j] = moving_mean[j];
        rstd[j] = (float)(1 / sqrt((double)moving_variance[j] + (double)op->layer->epsilon));
    }
}

static void batch_norm_forward(const dcpg_op *op, const dcpg_run *run) {
    float *mean = dcpg_run_own(run, op, 0), *rstd = mean + op->from.c;
    if (run->training)
        batch_statistics(op, run, mean, rstd);
    else
        moving_statistics(op, run, mean, rstd);
    if (run->n == 0) return;
    dcpg_bn bn = layer_of(op, run, 0, run->n * op->from.t);
    dcpg_bn_apply(&bn, dcpg_run_out(run, op));
}

/* ---- backward ---- */

/* The totals already include all ranks: the node that begins with leaf 0 carries them, and zeros from all
 * others change no bits. */
static void weight_gradient(const dcpg_op *op, const dcpg_run *run, const double *totals) {
    int64_t c = op->from.c;
    bool bf16 = run->plan->options.bf16_sums;
    for (int i = 0; i < run->plan->nb_node; i++) {
        float *grads = dcpg_run_node_gradient(run, op, i);
        bool carries = run->plan->node[i].first == 0;
        for (int64_t j = 0; j < c; j++) {
            float gamma = carries ? (float)totals[c + j] : 0, beta = carries ? (float)totals[j] : 0;
            grads[j] = bf16 ? dcpg_bf16_round(gamma) : gamma;
            grads[c + j] = bf16 ? dcpg_bf16_round(beta) : beta;
        }
    }
    dcpg_run_start(op, run);
}

static void batch_norm_backward(const dcpg_op *op, const dcpg_run *run) {
    const double *totals = sum_batch(op, run, true);
    if (op->trained) weight_gradient(op, run, totals);
    float *dx = dcpg_run_in_gradient(run, op, 0);
    if (!dx || run->n == 0) return;
    dcpg_bn bn = layer_of(op, run, 0, run->n * op->from.t);
    dcpg_bn_backward(&bn, dcpg_run_out_gradient(run, op), totals, run->input->n_global * op->from.t,
                     op->adds[0], dx);
}

const dcpg_op_kind dcpg_op_batch_norm = {"batch_norm", batch_norm_plan, batch_norm_forward,
                                         batch_norm_backward};
