/* SPDX-License-Identifier: MIT */
/* Passes: the number of leaves that run at once changes no bits, and memory is as announced. */
#include "case.h"

#include <math.h>

static const model joint_model = {.dna = "conv[6@5]_mp[3]_conv[5@3]_mp[2]_fc[8]_do",
                                  .cpg = "fc[7]_bgru[4]_do",
                                  .joint = "fc[9]_do",
                                  .dna_wlen = 45,
                                  .cpg_wlen = 6,
                                  .nb_cell = 4,
                                  .outputs = "cpg/a cpg/b bulk/c cpg_stats/cat_var",
                                  .dropout = 0.2f};

/* Has a dense matrix that is summed in pieces. */
static const model large_model = {.dna = "conv[64@3]_flatten_fc[600]", .dna_wlen = 17};

static const model norm_model = {.dna = "conv[6@5]_bn_relu_gap", .dna_wlen = 21};

static dcpg_net_options options_of(const data *d, int total, int first, int end, int at_once) {
    dcpg_net_options options = {
        .total = total, .first = first, .end = end, .at_once = at_once, .train = true, .seed = 3};
    int step = at_once ? at_once : end - first;
    for (int leaf = first; leaf < end; leaf++) {
        int64_t rows = d->row[leaf + step < end ? leaf + step : end] - d->row[leaf];
        if (options.max_rows < rows) options.max_rows = rows;
    }
    return options;
}

/* A step over leaves first .. end-1; puts the predictions of output 0 into p[samples]. */
static dcpg_net *step(const dcpg_graph *graph, const data *d, const dcpg_net_options *options, double *loss,
                      float *p) {
    dcpg_net *net;
    dcpg_err err = {0};
    if (dcpg_net_new(graph, options, &net, &err) != DCPG_OK) fail_msg("%s", err.text);
    dcpg_net_init(net, 7);
    int64_t first = d->row[options->first], row[64];
    for (int i = 0; i <= options->end - options->first; i++) row[i] = d->row[options->first + i] - first;
    dcpg_leaves leaves = {options->total, options->first, options->end, row};
    dcpg_input input = {.n = d->row[options->end] - first,
                        .n_global = d->n,
                        .dna = d->dna + first * graph->dna_wlen,
                        .cpg = d->cpg + first * graph->nb_cell * 2 * graph->cpg_wlen,
                        .id = d->id + first,
                        .leaves = &leaves,
                        .step = 4};
    dcpg_targets targets = data_targets(d);
    targets.label += first * net->nb_output;
    *loss = 0;
    for (int pass = 0; pass < net->nb_pass; pass++) {
        dcpg_net_samples part;
        dcpg_net_pass(net, pass, &input, &targets, &part);
        dcpg_net_forward(net, &part.input, true, NULL);
        double sum[64];
        for (int leaf = 0; leaf < part.leaves.end - part.leaves.first; leaf++) {
            int64_t at = part.leaves.row[0];
            dcpg_net_loss(net, &part.input, &part.targets,
                          (dcpg_net_rows){part.leaves.row[leaf] - at, part.leaves.row[leaf + 1] - at}, true,
                          sum);
            *loss += sum[0];
        }
        int64_t stride;
        const float *q = dcpg_net_prediction(net, 0, &stride);
        for (int64_t i = 0; i < part.input.n; i++) *p++ = q[i * stride];
        dcpg_net_backward(net, &part.input, NULL);
    }
    return net;
}

static void check(const model *m, int64_t n, int total, int first, int end) {
    dcpg_graph *graph = model_graph(m);
    data d = random_data(graph, n, total);
    double loss, again;
    float p[64] = {0}, q[64] = {0};
    dcpg_net_options whole = options_of(&d, total, first, end, 0);
    dcpg_net *one = step(graph, &d, &whole, &loss, p);
    assert_int_equal(one->nb_pass, 1);
    for (int at_once = 1; at_once <= end - first; at_once++) {
        dcpg_net_options options = options_of(&d, total, first, end, at_once);
        dcpg_net *net = step(graph, &d, &options, &again, q);
        assert_true(net->nb_pass > 1 || at_once == end - first);
        assert_int_equal(net->nb_node, one->nb_node);
        assert_memory_equal(one->grads, net->grads, (size_t)one->nb_node * one->nb_trained * sizeof(float));
        assert_memory_equal(p, q, sizeof p);
        assert_true(loss == again);
        dcpg_net_free(net);
    }
    dcpg_net_free(one);
    free_data(&d);
    dcpg_graph_free(graph);
}

static void passes_change_nothing(void **state) {
    (void)state;
    check(&joint_model, 13, 8, 0, 8);
    check(&joint_model, 13, 13, 3, 11);
    check(&joint_model, 17, 16, 5, 16);
    check(&joint_model, 9, 12, 0, 7); /* with empty leaves */
    check(&large_model, 13, 8, 0, 8);
    check(&large_model, 13, 8, 1, 6);
}

static size_t bytes_of(const dcpg_graph *graph, const dcpg_net_options *options) {
    size_t bytes = 0;
    dcpg_err err = {0};
    if (dcpg_net_bytes(graph, options, &bytes, &err) != DCPG_OK) fail_msg("%s", err.text);
    return bytes;
}

static void fewer_at_once_take_less_memory(void **state) {
    (void)state;
    static const model wide = {.cpg = "fc[32]_bgru[32]", .cpg_wlen = 4, .nb_cell = 50};
    dcpg_graph *graph = model_graph(&wide);
    data d = random_data(graph, 64, 16);
    dcpg_net_options all = options_of(&d, 16, 0, 16, 0);
    size_t most = bytes_of(graph, &all), before = most;
    for (int at_once = 8; at_once >= 1; at_once /= 2) {
        dcpg_net_options options = options_of(&d, 16, 0, 16, at_once);
        size_t bytes = bytes_of(graph, &options);
        if (bytes >= before)
            fail_msg("%zu bytes with %d at once, %zu with twice as many", bytes, at_once, before);
        before = bytes;
    }
    if (before > most / 4) fail_msg("%zu bytes with one at once, %zu with all", before, most);
    free_data(&d);
    dcpg_graph_free(graph);
}

static void batch_norm_refuses(void **state) {
    (void)state;
    dcpg_graph *graph = model_graph(&norm_model);
    dcpg_net_options options = {.max_rows = 4, .total = 8, .end = 8, .at_once = 4, .train = true};
    size_t bytes;
    dcpg_err err = {0};
    assert_int_equal(dcpg_net_bytes(graph, &options, &bytes, &err), DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "batch normalisation"));
    options.at_once = 8;
    assert_int_equal(dcpg_net_bytes(graph, &options, &bytes, &err), DCPG_OK);
    dcpg_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_change_nothing),
        cmocka_unit_test(fewer_at_once_take_less_memory),
        cmocka_unit_test(batch_norm_refuses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
