/* SPDX-License-Identifier: MIT */
/* Every kind of operation: gradients against central differences, and fused against unfused operations. */
#include "case.h"

#include <math.h>

/* Small shapes, some of them odd. Together they must reach every operation; see all_kinds. */
static const model models[] = {
    /* conv_dna_pool, conv, max_pool, dense, heads of every kind */
    {.dna = "conv[5@4]_mp[3]_conv[6@3]_mp[2]_flatten_fc[7]_do",
     .dna_wlen = 41,
     .outputs = "cpg/a cpg_stats/var bulk/b cpg_stats/cat_var win_stats/101/cat_var cpg_stats/entropy "
                "cpg_stats/mean cpg_stats/diff"},
    /* conv_dna without pooling; dilation near the borders; a ReLU after a pool */
    {.dna = "conv[4@3,linear]_conv[5@3,d=4,same]_conv[3@2,d=4]_mp[2]_relu_gap", .dna_wlen = 13},
    /* onehot: stride 2 on an odd length; one channel */
    {.dna = "conv[1@3,s=2]_conv[1@1]_conv[3@3,s=2,same]_flatten", .dna_wlen = 17},
    {.dna = "conv[3@3,same]_conv[4@4,s=3,same]_gap_fc[5,linear]", .dna_wlen = 7},
    /* length 1: a window as long as the filter */
    {.dna = "conv[3@5]_mp[1]_flatten_fc[2]", .dna_wlen = 5},
    {.dna = "conv[2@1]_mp[1]_gap", .dna_wlen = 1, .outputs = "cpg/a"},
    /* all kinds of residual units: batch norm, sums, values read twice */
    {.dna = "conv[6@3]_bn_relu_mp[2]_resb[2x8|1x12]_gap_do", .dna_wlen = 27},
    {.dna = "conv[6@3]_bn_mp[2]_resc[1x6|2x5]_gap_bn_fc[3]", .dna_wlen = 23},
    {.dna = "conv[8@3]_mp[2]_resa[3x8]_gap_do[0.4]", .dna_wlen = 31},
    /* recurrent: on DNA, on cells, sequences, one direction, one cell */
    {.dna = "conv[3@4]_mp[2]_bgru[4,seq]_gru[3]_do", .dna_wlen = 15},
    {.cpg = "fc[5]_bgru[3,seq]_bgru[4]_do", .cpg_wlen = 4, .nb_cell = 5},
    {.cpg = "bgru[3]", .cpg_wlen = 2, .nb_cell = 1, .outputs = "cpg/a"},
    {.cpg = "fc[6]_gap_do", .cpg_wlen = 6, .nb_cell = 1},
    {.cpg = "conv[3@2]_gap", .cpg_wlen = 2, .nb_cell = 3},
    /* joint models; dropout inside */
    {.dna = "conv[5@4]_mp[2]_fc[4]_do",
     .cpg = "fc[5,linear]_bn_relu_gap_do",
     .joint = "fc[6]_do_fc[4]_do",
     .dna_wlen = 11,
     .cpg_wlen = 4,
     .nb_cell = 3,
     .dropout = 0.3f},
    {.dna = "conv[5@4,linear]_mp[2]_do[0.25]_conv[3@2]_gap",
     .cpg = "fc[5]_gap",
     .joint = "JointL0",
     .dna_wlen = 15,
     .cpg_wlen = 4,
     .nb_cell = 2},
    /* convolutions in Winograd form, one with its pooling */
    {.dna = "conv[32@3]_mp[2]_conv[64@3]_mp[2]_conv[32@3,same]_gap", .dna_wlen = 21},
    {.dna = "conv[32@3]_conv[32@3,d=2,same]_mp[2]_conv[64@3,d=4,same]_gap",
     .dna_wlen = 23,
     .outputs = "cpg/a"},
    /* a matrix large enough to be summed in pieces */
    {.dna = "conv[64@3]_flatten_fc[600]", .dna_wlen = 17},
};
enum { NB_MODEL = sizeof models / sizeof *models, NB_CASE = NB_MODEL + 1 };

enum { NB_SAMPLE = 7, CHECKED = 10 };

static int put(dcpg_graph *graph, dcpg_kind kind, const char *name, int nb, const int *source,
               const dcpg_glayer *like) {
    int index;
    dcpg_err err = {0};
    if (dcpg_graph_add(
            graph,
            &(dcpg_new_layer){.kind = kind, .name = name, .nb_source = nb, .source = source, .like = like},
            &index, &err) != DCPG_OK)
        fail_msg("%s", err.text);
    return index;
}

/* Forms that only files bring: layers without bias, activations inside layers, other GRUs, inputs read
 * separately, values read many times, an output that another layer reads. */
static dcpg_graph *odd_graph(void) {
    dcpg_graph *g = dcpg_graph_new();
    dcpg_err err = {0};
    g->dna_wlen = 9, g->cpg_wlen = 4, g->nb_cell = 3;
    int dna = put(g, DCPG_INPUT, "dna", 0, NULL, NULL),
        state = put(g, DCPG_INPUT, "cpg/state", 0, NULL, NULL),
        dist = put(g, DCPG_INPUT, "cpg/dist", 0, NULL, NULL);
    dcpg_glayer conv = dcpg_glayer_default(), dense = conv, gru = conv;
    conv.units = 3, conv.k = 3, conv.bias = false, conv.activation = DCPG_RELU;
    int a = put(g, DCPG_CONV, "dna/a", 1, &dna, &conv);
    conv.same = true, conv.activation = DCPG_LINEAR;
    int b = put(g, DCPG_CONV, "dna/b", 1, &a, &conv);
    int sum = put(g, DCPG_ADD, "dna/sum", 3, (int[]){a, a, b}, NULL),
        mean = put(g, DCPG_MEAN, "dna/mean", 1, &sum, NULL);
    dcpg_glayer dropout = dcpg_glayer_default(), relu = dropout, pool = dropout;
    dropout.rate = 0.4f, relu.activation = DCPG_RELU, pool.k = 2;
    int open = put(g, DCPG_ACTIVATION, "dna/relu", 1, &b, &relu),
        late = put(g, DCPG_DROPOUT, "dna/late", 1, &open, &dropout);
    int opened = put(g, DCPG_MEAN, "dna/opened", 1, &late, NULL);
    int pooled = put(g, DCPG_MAX_POOL, "dna/pool", 1, &sum, &pool),
        again = put(g, DCPG_MEAN, "dna/again", 1, &sum, NULL);
    pooled = put(g, DCPG_FLATTEN, "dna/pooled", 1, &pooled, NULL);
    int dropped = put(g, DCPG_DROPOUT, "dna/dropout", 1, &mean, &dropout);
    dense.units = 2, dense.activation = DCPG_TANH;
    state = put(g, DCPG_DENSE, "cpg/tanh", 1, &state, &dense);
    state = put(g, DCPG_DROPOUT, "cpg/dropout", 1, &state, &dropout);
    gru.units = 2, gru.sequences = true, gru.reset_after = true, gru.recurrent_activation = DCPG_SIGMOID;
    int states = put(g, DCPG_GRU, "cpg/states", 1, &state, &gru);
    dense.units = 3, dense.bias = false, dense.activation = DCPG_SIGMOID, dense.time_distributed = true;
    int shared = put(g, DCPG_DENSE, "cpg/shared", 1, &states, &dense),
        flat = put(g, DCPG_FLATTEN, "cpg/flat", 1, &shared, NULL);
    gru.sequences = false, gru.bias = false, gru.reset_after = false, gru.bidirectional = true;
    int last = put(g, DCPG_GRU, "cpg/last", 1, &dist, &gru);
    int joined = put(g, DCPG_CONCAT, "joined", 8,
                     (int[]){opened, mean, flat, last, mean, dropped, pooled, again}, NULL);
    dense = dcpg_glayer_default();
    dense.units = 1, dense.activation = DCPG_SIGMOID;
    int first = put(g, DCPG_DENSE, "cpg/a", 1, &joined, &dense),
        both = put(g, DCPG_CONCAT, "both", 2, (int[]){first, mean}, NULL);
    dense.bias = false;
    int second = put(g, DCPG_DENSE, "bulk/b", 1, &both, &dense);
    put(g, DCPG_DENSE, "nobody reads this", 1, &both, &dense);
    assert_int_equal(dcpg_graph_add_output(g, second, &err), DCPG_OK);
    assert_int_equal(dcpg_graph_add_output(g, first, &err), DCPG_OK);
    assert_int_equal(dcpg_graph_order(g, &err), DCPG_OK);
    return g;
}

static dcpg_graph *case_graph(int i) { return i < NB_MODEL ? model_graph(&models[i]) : odd_graph(); }

static const char *case_name(int i) {
    return i == NB_MODEL ? "by hand" : models[i].dna ? models[i].dna : models[i].cpg;
}

/* Loss of a step after moving array `p` by `by` times the direction `along`, which is laid out like all
 * gradients. */
static double moved_loss(dcpg_net *net, const data *d, const dcpg_param *p, const float *along, double by) {
    float *old = dcpg_alloc(p->size, sizeof *old);
    dcpg_net_get(net, p, old);
    for (size_t i = 0; i < p->size; i++)
        net->params[param_place(p, i)] += (float)(by * (double)along[param_place(p, i)]);
    double loss = train_pass(net, d, false);
    dcpg_net_set(net, p, old);
    dcpg_free(old);
    return loss;
}

/* Whether the loss along `along` changes as `slope` predicts. A kink of a ReLU or of a maximum within the
 * step spoils the difference; a smaller step meets fewer kinks but has more noise (of a loss of about 1 in
 * float). `length` is the direction's length, `slack` the error allowed in the slope. */
static bool agrees(dcpg_net *net, const data *d, const dcpg_param *p, const float *along, double length,
                   double slope, double slack) {
    static const double steps[] = {4e-3, 1e-3, 2e-4};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        double h = steps[i] / length;
        double difference = (moved_loss(net, d, p, along, h) - moved_loss(net, d, p, along, -h)) / (2 * h);
        if (fabs(difference - slope) < slack + 5e-8 / h) return true;
    }
    return false;
}

/* Along the gradient itself, which finds an error anywhere in an array, and for a few single values. */
static void check_param(dcpg_net *net, const data *d, const dcpg_param *p, const float *grads,
                        const char *name) {
    const char *layer = net->graph->layer[p->layer].name;
    double square = 0, scale = (double)largest(net, p, grads);
    for (size_t i = 0; i < p->size; i++) square += pow((double)grads[param_place(p, i)], 2);
    if (square > 1e-10 && !agrees(net, d, p, grads, sqrt(square), square, 0.02 * square))
        fail_msg("%s: %s/%s: the loss does not change along the gradient as it says", name, layer,
                 p->weight.name);
    float *one = dcpg_alloc(net->nb_trained, sizeof *one);
    for (size_t i = 0; i<p->size; i += p->size> CHECKED ? p->size / CHECKED : 1) {
        size_t place = param_place(p, i);
        one[place] = 1;
        if (!agrees(net, d, p, one, 1, (double)grads[place], 0.01 * scale))
            fail_msg("%s: %s/%s[%d]: gradient %g (largest %g)", name, layer, p->weight.name, (int)i,
                     (double)grads[place], scale);
        one[place] = 0;
    }
    dcpg_free(one);
}

static void check_differences(dcpg_net *net, const data *d, const char *name) {
    train_pass(net, d, true);
    float *grads = dcpg_alloc(net->nb_trained, sizeof *grads);
    memcpy(grads, net->grads, net->nb_trained * sizeof *grads);
    for (int i = 0; i < net->nb_param; i++)
        if (!net->param[i].weight.state) check_param(net, d, &net->param[i], grads, name);
    dcpg_free(grads);
}

/* Moves weights away from their initial zeros and ones. */
static void shake(dcpg_net *net) {
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, 2);
    for (size_t i = 0; i < net->nb_trained; i++)
        net->params[i] += 0.2f * (float)(dcpg_rng_uniform(&rng) - 0.5);
}

/* Copies parameters by name between nets that may lay them out differently. */
static void copy_params(const dcpg_net *from, dcpg_net *to) {
    for (int i = 0; i < from->nb_param; i++) {
        float *values = dcpg_alloc(from->param[i].size, sizeof *values);
        dcpg_net_get(from, &from->param[i], values);
        dcpg_net_set(to, &to->param[i], values);
        dcpg_free(values);
    }
}

static void differences(void **state) {
    (void)state;
    for (int i = 0; i < NB_CASE; i++) {
        dcpg_graph *graph = case_graph(i);
        dcpg_net *net = graph_net(graph, NB_SAMPLE, 3, 0, 3, true);
        data d = random_data(graph, NB_SAMPLE, 3);
        shake(net);
        check_differences(net, &d, case_name(i));
        free_data(&d);
        dcpg_net_free(net);
        dcpg_graph_free(graph);
    }
}

/* Largest difference between parameter i's values in the arrays of both nets, relative to the largest
 * value. */
static float unlike(const dcpg_net *a, const float *values_a, const dcpg_net *b, const float *values_b,
                    int i) {
    float scale = fmaxf(largest(a, &a->param[i], values_a), 1e-2f),
          most = 0; /* biases before batch norm have gradients of rounding noise */
    for (size_t j = 0; j < a->param[i].size; j++) {
        float difference =
            fabsf(values_a[param_place(&a->param[i], j)] - values_b[param_place(&b->param[i], j)]);
        if (difference > most) most = difference;
    }
    return most / scale;
}

static void compare_nets(const dcpg_net *a, const dcpg_net *b, const data *d, const char *name,
                         bool gradients) {
    for (int o = 0; o < a->nb_output; o++) {
        int64_t stride_a, stride_b;
        const float *p = dcpg_net_prediction(a, o, &stride_a), *q = dcpg_net_prediction(b, o, &stride_b);
        for (int64_t i = 0; i < d->n; i++)
            for (int u = 0; u < dcpg_output_kind_of(a->output[o]).units; u++)
                if (!(fabsf(p[i * stride_a + u] - q[i * stride_b + u]) < 2e-6f))
                    fail_msg("%s: prediction %d of %s", name, (int)i, a->output[o]);
    }
    for (int i = 0; i < a->nb_param; i++) {
        bool moving = a->param[i].weight.state;
        float difference = moving      ? unlike(a, a->params, b, b->params, i)
                           : gradients ? unlike(a, a->grads, b, b->grads, i)
                                       : 0;
        if (!(difference < 2e-5f))
            fail_msg("%s: %s/%s by %g", name, a->graph->layer[a->param[i].layer].name,
                     a->param[i].weight.name, (double)difference);
    }
}

static void fused_and_unfused(void **state) {
    (void)state;
    for (int i = 0; i < NB_CASE; i++) {
        dcpg_graph *graph = case_graph(i);
        dcpg_net *fused = graph_net(graph, NB_SAMPLE, 3, 0, 3, true),
                 *plain = graph_net(graph, NB_SAMPLE, 3, 0, 3, false);
        data d = random_data(graph, NB_SAMPLE, 3);
        assert_true(plain->plan->nb_op > fused->plan->nb_op);
        shake(fused);
        copy_params(fused, plain);
        double loss_fused = train_pass(fused, &d, true), loss_plain = train_pass(plain, &d, true);
        assert_true(fabs(loss_fused - loss_plain) < 1e-5);
        compare_nets(fused, plain, &d, case_name(i), true);
        dcpg_input input = {.n = d.n, .n_global = d.n, .dna = d.dna, .cpg = d.cpg};
        dcpg_net_forward(fused, &input, false, NULL);
        dcpg_net_forward(plain, &input, false, NULL);
        compare_nets(fused, plain, &d, case_name(i), false);
        free_data(&d);
        dcpg_net_free(plain);
        dcpg_net_free(fused);
        dcpg_graph_free(graph);
    }
}

/* The gradient of a bias before batch normalisation is 0, without noise from rounding. */
static void cancelled_biases(void **state) {
    (void)state;
    int cancelled = 0;
    for (int i = 0; i < NB_CASE; i++) {
        dcpg_graph *graph = case_graph(i);
        dcpg_net *net = graph_net(graph, NB_SAMPLE, 3, 0, 3, true);
        data d = random_data(graph, NB_SAMPLE, 3);
        for (size_t j = 0; j < net->nb_trained * (size_t)net->nb_node; j++) net->grads[j] = 1;
        shake(net);
        train_pass(net, &d, true);
        for (int o = 0; o < net->plan->nb_op; o++) {
            const dcpg_op *op = &net->plan->op[o];
            if (!op->bias_cancels || op->nb_weight < 2) continue;
            for (int64_t j = 0; j < op->conv.f; j++) assert_true(net->grads[op->at[1] + (size_t)j] == 0);
            cancelled++;
        }
        free_data(&d);
        dcpg_net_free(net);
        dcpg_graph_free(graph);
    }
    assert_true(cancelled > 5);
}

static bool plan_has(const dcpg_graph *graph, const dcpg_op_kind *kind, bool fuse) {
    dcpg_net *net = graph_net(graph, 1, 1, 0, 1, fuse);
    bool found = false;
    for (int i = 0; i < net->plan->nb_op; i++) found = found || net->plan->op[i].kind == kind;
    dcpg_net_free(net);
    return found;
}

/* The table above omits no operation; operations that disappear when fused are compared with their fused
 * twins. */
static void all_kinds(void **state) {
    (void)state;
    for (int k = 0; dcpg_op_kinds[k]; k++) {
        dcpg_conv conv = {.t_in = 9, .c = 32, .f = 32, .k = 3, .stride = 1, .dilation = 1};
        dcpg_conv_shape(&conv, false);
        bool found =
            dcpg_op_kinds[k] == &dcpg_op_conv_pool && !dcpg_conv_pools(&conv, 2); /* not on this processor */
        for (int i = 0; i < NB_CASE && !found; i++) {
            dcpg_graph *graph = case_graph(i);
            found = plan_has(graph, dcpg_op_kinds[k], true) || plan_has(graph, dcpg_op_kinds[k], false);
            dcpg_graph_free(graph);
        }
        if (!found) fail_msg("no model in the table has an operation %s", dcpg_op_kinds[k]->name);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(all_kinds), cmocka_unit_test(fused_and_unfused),
                                       cmocka_unit_test(differences), cmocka_unit_test(cancelled_biases)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
