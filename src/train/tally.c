/* SPDX-License-Identifier: MIT */
/* Losses and metrics of an epoch: accumulated per leaf, and merged over the summation tree whenever scores
 * are needed. */
#include <dcpg/memory.h>
#include <dcpg/train.h>
#include <math.h>
#include <string.h>

/* Number of columns of all outputs, for one leaf. */
static size_t width(const dcpg_tally *tally) { return (size_t)tally->nb_output * DCPG_TALLY_COLUMNS; }

dcpg_status dcpg_tally_new(const dcpg_net *net, dcpg_tally **out, dcpg_err *err) {
    dcpg_tally *tally = dcpg_alloc(1, sizeof *tally);
    if (tally == NULL) return dcpg_fail_nomem(err, "scores", sizeof *tally);
    tally->nb_output = net->nb_output;
    tally->nb_leaf = net->options.end - net->options.first;
    int depth = 0;
    for (int i = 0; i < net->nb_node; i++)
        if (dcpg_tree_depth(net->node[i]) > depth) depth = dcpg_tree_depth(net->node[i]);
    size_t columns = width(tally);
    tally->kind = dcpg_alloc((size_t)net->nb_output, sizeof *tally->kind);
    tally->sum = dcpg_alloc((size_t)tally->nb_leaf * columns, sizeof(double));
    tally->node_sum = dcpg_alloc((size_t)net->nb_node * columns, sizeof(double));
    tally->scratch = dcpg_alloc((size_t)depth * columns, sizeof(double));
    tally->total = dcpg_alloc(columns, sizeof(double));
    if (!tally->kind || !tally->sum || !tally->node_sum || !tally->scratch || !tally->total) {
        dcpg_tally_free(tally);
        return dcpg_fail_nomem(err, "scores", columns * sizeof(double));
    }
    for (int o = 0; o < net->nb_output; o++) tally->kind[o] = dcpg_output_kind_of(net->output[o]);
    *out = tally;
    return DCPG_OK;
}

void dcpg_tally_free(dcpg_tally *tally) {
    if (tally == NULL) return;
    dcpg_free(tally->kind);
    dcpg_free(tally->sum);
    dcpg_free(tally->node_sum);
    dcpg_free(tally->scratch);
    dcpg_free(tally->total);
    dcpg_free(tally);
}

void dcpg_tally_reset(dcpg_tally *tally) {
    memset(tally->sum, 0, (size_t)tally->nb_leaf * width(tally) * sizeof(double));
    tally->n = 0;
}

/* The metric of one observed label and its prediction p[units]. Halves are rounded to even, as by NumPy and
 * TensorFlow. */
static double metric_value(dcpg_metric metric, const float *p, int units, float label) {
    double difference = (double)p[0] - (double)label;
    switch (metric) {
    case DCPG_METRIC_ACC:
        return rintf(p[0]) == rintf(label);
    case DCPG_METRIC_MSE:
        return difference * difference;
    case DCPG_METRIC_MAE:
        return fabs(difference);
    case DCPG_METRIC_CAT_ACC: {
        int best = 0;
        for (int c = 1; c < units; c++)
            if (p[c] > p[best]) best = c;
        return (float)best == label;
    }
    }
    return 0;
}

/* Adds the metrics of output o for these rows to column[DCPG_TALLY_COLUMNS]. */
static void add_metrics(const dcpg_tally *tally, const dcpg_net *net, const dcpg_targets *targets,
                        dcpg_net_rows rows, int o, double *column) {
    int64_t stride;
    const float *p = dcpg_net_prediction(net, o, &stride);
    const dcpg_output_kind *kind = &tally->kind[o];
    for (int64_t i = rows.first; i < rows.end; i++) {
        float label = targets->label[i * tally->nb_output + o];
        if (label < 0) continue;
        for (int m = 0; m < kind->nb_metric; m++)
            column[DCPG_TALLY_METRIC + m] +=
                metric_value(kind->metric[m], p + i * stride, kind->units, label);
        column[DCPG_TALLY_OBSERVED]++;
    }
}

void dcpg_tally_add(dcpg_tally *tally, dcpg_net *net, const dcpg_input *input, const dcpg_targets *targets,
                    bool with_gradient) {
    double *loss = tally->total; /* unused until scores are computed */
    const dcpg_leaves *leaves = input->leaves;
    for (int leaf = leaves->first; leaf < leaves->end; leaf++) {
        const int64_t *row = leaves->row + (leaf - leaves->first);
        const dcpg_net_rows rows = {row[0] - leaves->row[0], row[1] - leaves->row[0]};
        double *sum = tally->sum + (size_t)(leaf - net->options.first) * width(tally);
        dcpg_net_loss(net, input, targets, rows, with_gradient, loss);
        for (int o = 0; o < tally->nb_output; o++) {
            double *column = sum + (size_t)o * DCPG_TALLY_COLUMNS;
            column[DCPG_TALLY_LOSS] += loss[o];
            add_metrics(tally, net, targets, rows, o, column);
        }
    }
    if (input->pass == 0) tally->n += input->n_global;
}

dcpg_status dcpg_scores_new(int nb_output, dcpg_scores *scores, dcpg_err *err) {
    size_t n = (size_t)nb_output;
    scores->loss = NAN;
    scores->loss_of = dcpg_alloc(n, sizeof(double));
    scores->metric = dcpg_alloc(n * DCPG_MAX_METRICS, sizeof(double));
    if (scores->loss_of && scores->metric) return DCPG_OK;
    dcpg_scores_free(scores);
    return dcpg_fail_nomem(err, "scores", n * sizeof(double));
}

void dcpg_scores_free(dcpg_scores *scores) {
    dcpg_free(scores->loss_of);
    dcpg_free(scores->metric);
    *scores = (dcpg_scores){0};
}

/* Context for leaves of the tree, whose values are their running sums. */
typedef struct leaf_context {
    const dcpg_tally *tally;
    int first; /* this rank's first leaf */
} leaf_context;

static void leaf_sums(void *context, int leaf, double *out) {
    const leaf_context *c = context;
    memcpy(out, c->tally->sum + (size_t)(leaf - c->first) * width(c->tally),
           width(c->tally) * sizeof(double));
}

void dcpg_tally_scores_all(dcpg_tally *tally, const dcpg_net *net, const dcpg_reducer *reducer,
                           const float *output_weight, double penalty, dcpg_scores *scores) {
    size_t columns = width(tally);
    leaf_context context = {tally, net->options.first};
    for (int i = 0; i < net->nb_node; i++)
        dcpg_tree_sum64(net->node[i], columns, leaf_sums, &context, tally->node_sum + (size_t)i * columns,
                        tally->scratch);
    reducer->sum(reducer->self, tally->node_sum, columns, tally->total);
    scores->loss = penalty;
    for (int o = 0; o < tally->nb_output; o++) {
        const double *column = tally->total + (size_t)o * DCPG_TALLY_COLUMNS;
        scores->loss_of[o] = column[DCPG_TALLY_LOSS] / (double)tally->n;
        scores->loss += (double)output_weight[o] * scores->loss_of[o];
        double observed = column[DCPG_TALLY_OBSERVED];
        for (int m = 0; m < DCPG_MAX_METRICS; m++)
            scores->metric[o * DCPG_MAX_METRICS + m] =
                m < tally->kind[o].nb_metric && observed > 0 ? column[DCPG_TALLY_METRIC + m] / observed : NAN;
    }
}

double dcpg_scores_mean(const dcpg_scores *scores, int nb_output, const dcpg_output_kind *kind,
                        dcpg_metric metric) {
    double sum = 0;
    int n = 0;
    for (int o = 0; o < nb_output; o++)
        for (int m = 0; m < kind[o].nb_metric; m++) {
            double value = scores->metric[o * DCPG_MAX_METRICS + m];
            if (kind[o].metric[m] != metric || isnan(value)) continue;
            sum += value;
            n++;
        }
    return n ? sum / n : NAN;
}
