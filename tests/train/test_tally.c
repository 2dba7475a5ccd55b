/* SPDX-License-Identifier: MIT */
/* Scores: sums over leaves, for any cut, against sums computed directly. */
#include "cmocka_all.h"

#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/spec.h>
#include <dcpg/train.h>
#include <math.h>
#include <string.h>

enum { N = 12, CELLS = 2, WLEN = 4 };

static float cpg[N][CELLS][2 * WLEN], label[N][CELLS];

static void make_data(void) {
    for (int i = 0; i < N; i++)
        for (int c = 0; c < CELLS; c++) {
            for (int j = 0; j < 2 * WLEN; j++) cpg[i][c][j] = (float)((i * 7 + c * 5 + j * 3) % 11) / 11;
            label[i][c] = (float)((i + c) % 3) - 1;
        }
}

static dcpg_graph *make_graph(void) {
    char *names[] = {"cpg/a", "cpg/b"};
    dcpg_strings outputs = {names, CELLS, CELLS};
    dcpg_model_options options = {
        .cpg = "fc[5]_gap", .cpg_wlen = WLEN, .nb_cell = CELLS, .outputs = &outputs};
    dcpg_graph *graph = NULL;
    dcpg_err err = {0};
    if (dcpg_model_build(&options, &graph, &err) != DCPG_OK) fail_msg("%s", err.text);
    return graph;
}

/* Scores with the batch cut into V leaves on one rank. */
static void score(const dcpg_graph *graph, int leaves, const float *class_weight, dcpg_scores *scores,
                  double *first_prediction) {
    dcpg_net *net = NULL;
    dcpg_tally *tally = NULL;
    dcpg_err err = {0};
    dcpg_net_options options = {.max_rows = N, .total = leaves, .first = 0, .end = leaves, .train = true};
    assert_int_equal(dcpg_net_new(graph, &options, &net, &err), DCPG_OK);
    dcpg_net_init(net, 1);
    assert_int_equal(dcpg_tally_new(net, &tally, &err), DCPG_OK);
    int64_t row[N + 1], id[N];
    for (int v = 0; v <= leaves; v++) row[v] = (int64_t)v * N / leaves;
    for (int i = 0; i < N; i++) id[i] = i;
    dcpg_leaves cut = {leaves, 0, leaves, row};
    float output_weight[CELLS] = {1, 2};
    dcpg_input input = {.n = N, .n_global = N, .cpg = &cpg[0][0][0], .id = id, .leaves = &cut};
    dcpg_targets targets = {&label[0][0], output_weight, class_weight};
    dcpg_local_reducer local = {.total = leaves, .grads = net->grads};
    dcpg_reducer reducer = dcpg_reducer_local(&local);
    dcpg_net_forward(net, &input, false, &reducer);
    dcpg_tally_add(tally, net, &input, &targets, false);
    dcpg_tally_scores_all(tally, net, &reducer, output_weight, 0.125, scores);
    int64_t stride;
    for (int i = 0; i < N * CELLS; i++)
        first_prediction[i] = dcpg_net_prediction(
            net, i % CELLS, &stride)[i / CELLS * (dcpg_net_prediction(net, i % CELLS, &stride), stride)];
    dcpg_tally_free(tally);
    dcpg_net_free(net);
}

static void scores_are_sums_by_hand(void **state) {
    (void)state;
    make_data();
    assert_int_equal(dcpg_gemm_start("ref", NULL), DCPG_OK);
    dcpg_graph *graph = make_graph();
    float class_weight[CELLS][DCPG_MAX_CLASSES] = {{0.25f, 0.75f, 1}, {0.5f, 0.5f, 1}};
    dcpg_scores one = {0}, many = {0};
    double p[N * CELLS], again[N * CELLS];
    assert_int_equal(dcpg_scores_new(CELLS, &one, NULL), DCPG_OK);
    assert_int_equal(dcpg_scores_new(CELLS, &many, NULL), DCPG_OK);
    score(graph, 1, &class_weight[0][0], &one, p);
    score(graph, 5, &class_weight[0][0], &many, again);
    assert_memory_equal(p, again, sizeof p);
    double total = 0.125;
    for (int o = 0; o < CELLS; o++) {
        double loss = 0, hits = 0, observed = 0;
        for (int i = 0; i < N; i++) {
            double y = label[i][o], q = p[i * CELLS + o],
                   weight = y < 0 ? 1e-7 : (double)class_weight[o][(int)y];
            loss -= weight * (y * log(q) + (1 - y) * log(1 - q));
            if (y >= 0) observed++, hits += rint(q) == y;
        }
        assert_true(fabs(one.loss_of[o] - loss / N) < 1e-6);
        assert_true(fabs(one.metric[o * DCPG_MAX_METRICS] - hits / observed) < 1e-12);
        assert_true(fabs(many.loss_of[o] - one.loss_of[o]) < 1e-12 &&
                    many.metric[o * DCPG_MAX_METRICS] == one.metric[o * DCPG_MAX_METRICS]);
        total += (o + 1) * loss / N;
    }
    assert_true(fabs(one.loss - total) < 1e-6);
    dcpg_scores_free(&one);
    dcpg_scores_free(&many);
    dcpg_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(scores_are_sums_by_hand)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
