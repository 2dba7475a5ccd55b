/* SPDX-License-Identifier: MIT */
/* Graphs: extents of layers, joins, weights, and sizes that are refused. */
#include "cmocka_all.h"

#include <dcpg/graph.h>

#include <string.h>

static dcpg_graph *new_graph(int64_t wlen) {
    dcpg_graph *graph = dcpg_graph_new();
    dcpg_err err = {0};
    assert_non_null(graph);
    graph->dna_wlen = wlen;
    graph->cpg_wlen = 6;
    graph->nb_cell = 3;
    assert_int_equal(dcpg_graph_add(graph, &(dcpg_new_layer){.kind = DCPG_INPUT, .name = "dna"}, NULL, &err),
                     DCPG_OK);
    return graph;
}

/* Adds a layer on `source`; returns its index. */
static int add(dcpg_graph *graph, dcpg_kind kind, const char *name, int source, const dcpg_glayer *like) {
    dcpg_err err = {0};
    int index;
    if (dcpg_graph_add(
            graph,
            &(dcpg_new_layer){.kind = kind, .name = name, .nb_source = 1, .source = &source, .like = like},
            &index, &err) != DCPG_OK)
        fail_msg("%s", err.text);
    return index;
}

static void check_extent(const dcpg_graph *graph, int layer, int64_t t, int64_t c) {
    assert_int_equal(graph->layer[layer].out.t, t);
    assert_int_equal(graph->layer[layer].out.c, c);
}

static void extents(void **state) {
    (void)state;
    dcpg_graph *graph = new_graph(21);
    dcpg_glayer like = dcpg_glayer_default();
    like.units = 5, like.k = 3;
    check_extent(graph, 0, 21, 4);
    check_extent(graph, add(graph, DCPG_CONV, "valid", 0, &like), 19, 5);
    like.stride = 2;
    check_extent(graph, add(graph, DCPG_CONV, "stride", 0, &like), 10, 5);
    like.same = true;
    check_extent(graph, add(graph, DCPG_CONV, "same", 0, &like), 11, 5);
    like.same = false, like.stride = 1, like.dilation = 4;
    check_extent(graph, add(graph, DCPG_CONV, "dilated", 0, &like), 13, 5);
    like.k = 4;
    int pool = add(graph, DCPG_MAX_POOL, "pool", 0, &like);
    check_extent(graph, pool, 5, 4);
    check_extent(graph, add(graph, DCPG_DENSE, "dense", pool, &like), 5, 5);
    check_extent(graph, add(graph, DCPG_FLATTEN, "flatten", pool, NULL), 0, 20);
    check_extent(graph, add(graph, DCPG_MEAN, "mean", pool, NULL), 0, 4);
    check_extent(graph, add(graph, DCPG_GRU, "gru", pool, &like), 0, 5);
    like.bidirectional = true, like.sequences = true;
    check_extent(graph, add(graph, DCPG_GRU, "bgru", pool, &like), 5, 10);
    dcpg_graph_free(graph);
}

static void joins(void **state) {
    (void)state;
    dcpg_graph *graph = new_graph(9);
    dcpg_glayer like = dcpg_glayer_default();
    dcpg_err err = {0};
    like.units = 2, like.k = 3;
    int a = add(graph, DCPG_CONV, "a", 0, &like), b = add(graph, DCPG_CONV, "b", 0, &like), joined;
    like.same = true;
    int c = add(graph, DCPG_CONV, "c", 0, &like);
    assert_int_equal(
        dcpg_graph_add(
            graph,
            &(dcpg_new_layer){.kind = DCPG_CONCAT, .name = "concat", .nb_source = 2, .source = (int[]){a, b}},
            &joined, &err),
        DCPG_OK);
    check_extent(graph, joined, 7, 4);
    assert_int_equal(
        dcpg_graph_add(
            graph,
            &(dcpg_new_layer){.kind = DCPG_ADD, .name = "sum", .nb_source = 3, .source = (int[]){a, b, a}},
            &joined, &err),
        DCPG_OK);
    check_extent(graph, joined, 7, 2);
    int before = graph->nb_layer;
    assert_int_equal(
        dcpg_graph_add(
            graph,
            &(dcpg_new_layer){.kind = DCPG_ADD, .name = "wrong sum", .nb_source = 2, .source = (int[]){a, c}},
            &joined, &err),
        DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "wrong sum"));
    assert_int_equal(graph->nb_layer, before);
    dcpg_graph_free(graph);
}

/* Graphs that a file may contain but that are refused. */
static void refused(void **state) {
    (void)state;
    dcpg_graph *graph = new_graph(9);
    dcpg_glayer like = dcpg_glayer_default();
    like.units = 2, like.k = 3;
    int flat = add(graph, DCPG_FLATTEN, "flat", 0, NULL);
    struct {
        dcpg_kind kind;
        int source;
        int64_t units, k, stride, dilation;
        float rate;
    } rows[] = {
        {DCPG_CONV, 0, 2, 10, 1, 1, 0},
        {DCPG_CONV, 0, 0, 3, 1, 1, 0},
        {DCPG_CONV, 0, 2, 0, 1, 1, 0},
        {DCPG_CONV, 0, 2, 3, -1, 1, 0},
        {DCPG_CONV, 0, 2, 3, 1, -2, 0},
        {DCPG_CONV, 0, INT64_MAX, 3, 1, 1, 0},
        {DCPG_CONV, 0, 2, INT64_MAX, 1, 1, 0},
        {DCPG_CONV, flat, 2, 3, 1, 1, 0},
        {DCPG_MAX_POOL, 0, 0, 10, 1, 1, 0},
        {DCPG_MAX_POOL, 0, 0, 256, 1, 1, 0},
        {DCPG_MEAN, flat, 0, 0, 1, 1, 0},
        {DCPG_GRU, flat, 3, 0, 1, 1, 0},
        {DCPG_DENSE, 7, 3, 0, 1, 1, 0},
        {DCPG_DENSE, -1, 3, 0, 1, 1, 0},
        {DCPG_DROPOUT, flat, 0, 0, 1, 1, 1.0f},
        {DCPG_DENSE, flat, INT64_C(1) << 24, 0, 1, 1,
         0}, /* 36 * 2^24 weights are accepted, their product below is not */
    };
    size_t nb = sizeof rows / sizeof *rows;
    for (size_t i = 0; i + 1 < nb; i++) {
        dcpg_err err = {0};
        like.units = rows[i].units, like.k = rows[i].k, like.stride = rows[i].stride,
        like.dilation = rows[i].dilation, like.rate = rows[i].rate;
        if (dcpg_graph_add(graph,
                           &(dcpg_new_layer){.kind = rows[i].kind,
                                             .name = "bad layer",
                                             .nb_source = 1,
                                             .source = &rows[i].source,
                                             .like = &like},
                           NULL, &err) != DCPG_E_INPUT)
            fail_msg("row %d passed", (int)i);
        assert_non_null(strstr(err.text, "bad layer"));
    }
    like = dcpg_glayer_default();
    like.units = rows[nb - 1].units;
    dcpg_err err = {0};
    int wide = add(graph, DCPG_DENSE, "wide", flat, &like);
    assert_int_equal(
        dcpg_graph_add(
            graph,
            &(dcpg_new_layer){
                .kind = DCPG_DENSE, .name = "wider", .nb_source = 1, .source = &wide, .like = &like},
            NULL, &err),
        DCPG_E_INPUT);
    err = (dcpg_err){0};
    assert_int_equal(
        dcpg_graph_add(
            graph, &(dcpg_new_layer){.kind = DCPG_FLATTEN, .name = "flat", .nb_source = 1, .source = &flat},
            NULL, &err),
        DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "two layers"));
    err = (dcpg_err){0};
    assert_int_equal(
        dcpg_graph_add(graph, &(dcpg_new_layer){.kind = DCPG_INPUT, .name = "proteins"}, NULL, &err),
        DCPG_E_INPUT);
    dcpg_graph_free(graph);
}

static void check_weight(const dcpg_weight *weight, const char *name, int ndim, int64_t a, int64_t b,
                         int64_t c, bool penalised, bool is_state) {
    assert_string_equal(weight->name, name);
    assert_int_equal(weight->ndim, ndim);
    int64_t shape[3] = {a, b, c}, size = 1;
    for (int i = 0; i < ndim; i++) assert_int_equal(weight->shape[i], shape[i]), size *= shape[i];
    assert_int_equal(dcpg_weight_size(weight), size);
    assert_int_equal(weight->penalised, penalised);
    assert_int_equal(weight->state, is_state);
}

static void weights(void **state) {
    (void)state;
    dcpg_graph *graph = new_graph(9);
    dcpg_glayer like = dcpg_glayer_default();
    dcpg_weight w[DCPG_MAX_WEIGHTS];
    like.units = 5, like.k = 3, like.l2 = 1e-4f;
    assert_int_equal(dcpg_graph_weights(graph, add(graph, DCPG_CONV, "conv", 0, &like), w), 2);
    check_weight(&w[0], "kernel", 3, 3, 4, 5, true, false);
    check_weight(&w[1], "bias", 1, 5, 0, 0, false, false);
    like.bidirectional = true;
    assert_int_equal(dcpg_graph_weights(graph, add(graph, DCPG_GRU, "bgru", 0, &like), w), 6);
    check_weight(&w[0], "forward/kernel", 2, 4, 15, 0, true, false);
    check_weight(&w[1], "forward/recurrent_kernel", 2, 5, 15, 0, false, false);
    check_weight(&w[5], "backward/bias", 1, 15, 0, 0, false, false);
    like.bidirectional = false, like.reset_after = true;
    assert_int_equal(dcpg_graph_weights(graph, add(graph, DCPG_GRU, "gru", 0, &like), w), 3);
    check_weight(&w[2], "bias", 2, 2, 15, 0, false, false);
    like.bias = false;
    assert_int_equal(dcpg_graph_weights(graph, add(graph, DCPG_DENSE, "dense", 0, &like), w), 1);
    check_weight(&w[0], "kernel", 2, 4, 5, 0, true, false);
    assert_int_equal(dcpg_graph_weights(graph, add(graph, DCPG_BATCH_NORM, "bn", 0, NULL), w), 4);
    check_weight(&w[0], "gamma", 1, 4, 0, 0, false, false);
    check_weight(&w[3], "moving_variance", 1, 4, 0, 0, false, true);
    assert_int_equal(dcpg_graph_weights(graph, add(graph, DCPG_FLATTEN, "flat", 0, NULL), w), 0);
    dcpg_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(extents), cmocka_unit_test(joins),
                                       cmocka_unit_test(refused), cmocka_unit_test(weights)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
