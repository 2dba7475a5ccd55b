/* SPDX-License-Identifier: MIT */
/* Loaded models as parts of others: names, and the weights that belong to them. */
#include <cmocka_all.h>

#include <dcpg/keras.h>
#include <dcpg/memory.h>
#include <dcpg/spec.h>
#include <dcpg/surgery.h>

#include <string.h>

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

/* Adds a layer on top of the last one. */
static int add(dcpg_graph *graph, dcpg_kind kind, const char *name, int64_t units) {
    dcpg_glayer like = dcpg_glayer_default();
    dcpg_err err = {0};
    int source = graph->nb_layer - 1, index;
    like.units = units;
    ok(dcpg_graph_add(graph,
                      &(dcpg_new_layer){.kind = kind,
                                        .name = name,
                                        .nb_source = kind == DCPG_INPUT ? 0 : 1,
                                        .source = &source,
                                        .like = &like},
                      &index, &err),
       &err);
    return index;
}

static void add_output(dcpg_graph *graph, const char *name) {
    dcpg_err err = {0};
    ok(dcpg_graph_add_output(graph, add(graph, DCPG_DENSE, name, 1), &err), &err);
}

/* Weights whose values are 1, 2, 3 ... over the whole graph. */
static dcpg_weights counted_weights(const dcpg_graph *graph) {
    dcpg_weights weights;
    dcpg_err err = {0};
    float next = 1;
    ok(dcpg_weights_new(graph, &weights, &err), &err);
    for (int i = 0; i < weights.nb; i++) {
        struct dcpg_weight_value *entry = &weights.entry[i];
        dcpg_weight weight = {.ndim = entry->ndim,
                              .shape = {entry->shape[0], entry->shape[1], entry->shape[2]}};
        for (int64_t j = 0; j < dcpg_weight_size(&weight); j++) entry->value[j] = next++;
    }
    return weights;
}

static float first_value(const dcpg_weights *weights, const char *layer) {
    const struct dcpg_weight_value *entry = dcpg_weights_find(weights, layer, "kernel");
    if (!entry) fail_msg("no kernel of layer %s", layer);
    return entry->value[0];
}

static void names_and_weights(void **state) {
    (void)state;
    dcpg_graph *graph = dcpg_graph_new();
    dcpg_err err = {0};
    graph->dna_wlen = 1;
    add(graph, DCPG_INPUT, "dna", 0);
    add(graph, DCPG_FLATTEN, "flatten", 0);
    add(graph, DCPG_DENSE, "x", 2);     /* 4 * 2 + 2 values from 1 */
    add(graph, DCPG_DENSE, "dna/x", 3); /* 2 * 3 + 3 values from 11: has the name that x would be given */
    add(graph, DCPG_DENSE, "dnax", 2);  /* 3 * 2 + 2 values from 20 */
    add(graph, DCPG_DENSE, "cpg/model/y", 2); /* 2 * 2 + 2 values from 28 */
    add_output(graph, "cpg/a");
    dcpg_weights weights = counted_weights(graph);
    assert_int_equal(weights.nb, 10);
    ok(dcpg_model_to_part(graph, &weights, "dna", &err), &err);
    static const char *const names[] = {"dna",   "dna/flatten", "dna/x_2",
                                        "dna/x", "dna/dnax",    "dna/cpg/model/y"};
    assert_int_equal(graph->nb_layer, sizeof names / sizeof *names);
    for (int i = 0; i < graph->nb_layer; i++) assert_string_equal(graph->layer[i].name, names[i]);
    assert_int_equal(weights.nb, 8);
    assert_true(first_value(&weights, "dna/x_2") == 1);
    assert_true(first_value(&weights, "dna/x") == 11);
    assert_true(first_value(&weights, "dna/dnax") == 20);
    assert_true(first_value(&weights, "dna/cpg/model/y") == 28);
    assert_null(dcpg_weights_find(&weights, "cpg/a", "kernel"));
    dcpg_weights_free(&weights);
    dcpg_graph_free(graph);
}

static void without_prefix(void **state) {
    (void)state;
    dcpg_graph *graph = dcpg_graph_new();
    dcpg_err err = {0};
    graph->dna_wlen = 1;
    add(graph, DCPG_INPUT, "dna", 0);
    add(graph, DCPG_FLATTEN, "flatten", 0);
    add(graph, DCPG_DENSE, "x", 2);
    add_output(graph, "cpg/a");
    dcpg_weights weights = counted_weights(graph);
    ok(dcpg_model_to_part(graph, &weights, NULL, &err), &err);
    assert_int_equal(graph->nb_layer, 3);
    assert_string_equal(graph->layer[2].name, "x");
    assert_int_equal(weights.nb, 2);
    dcpg_weights_free(&weights);
    dcpg_graph_free(graph);
}

/* A model by specification with outputs cpg/a and cpg/b. */
static dcpg_graph *build(const char *cpg) {
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    ok(dcpg_strings_add(&outputs, "cpg/a", &err), &err);
    ok(dcpg_strings_add(&outputs, "cpg/b", &err), &err);
    dcpg_model_options options = {.dna = "conv[3@5]_bn_relu_gap",
                                  .dna_wlen = 9,
                                  .cpg = cpg,
                                  .cpg_wlen = 4,
                                  .nb_cell = 2,
                                  .outputs = &outputs};
    dcpg_graph *graph;
    ok(dcpg_model_build(&options, &graph, &err), &err);
    dcpg_strings_free(&outputs);
    return graph;
}

/* Initial weights are those of a net with the same seed, and differ from those with another. */
static void initial_weights(void **state) {
    (void)state;
    dcpg_graph *graph = build("fc[4]_bgru[3]_do");
    dcpg_net_options options = {.max_rows = 3, .total = 2, .first = 0, .end = 2, .train = true, .seed = 1};
    dcpg_weights weights, of_net, other;
    dcpg_net *net;
    dcpg_err err = {0};
    ok(dcpg_net_new(graph, &options, &net, &err), &err);
    dcpg_net_init(net, 42);
    ok(dcpg_weights_of_net(net, &of_net, &err), &err);
    ok(dcpg_weights_init(graph, 42, &weights, &err), &err);
    ok(dcpg_weights_init(graph, 43, &other, &err), &err);
    assert_int_equal(weights.nb, of_net.nb);
    int differing = 0;
    for (int i = 0; i < weights.nb; i++) {
        const struct dcpg_weight_value *a = &weights.entry[i], *b = &of_net.entry[i];
        size_t size = sizeof(float) * (size_t)(a->shape[0] * (a->ndim > 1 ? a->shape[1] : 1) *
                                               (a->ndim > 2 ? a->shape[2] : 1));
        assert_memory_equal(a->value, b->value, size);
        differing += memcmp(a->value, other.entry[i].value, size) != 0;
    }
    assert_int_equal(differing, 8); /* kernels: conv, shared fc, GRU and its recurrent ones, two heads */
    dcpg_weights_free(&weights);
    dcpg_weights_free(&of_net);
    dcpg_weights_free(&other);
    dcpg_net_free(net);
    dcpg_graph_free(graph);
}

/* Weights that the other model has are taken; the rest stay. */
static void weights_taken(void **state) {
    (void)state;
    dcpg_graph *graph = build("fc[4]_bgru[3]_do"), *part = build("fc[4]_bgru[3]_do");
    dcpg_weights weights, from = counted_weights(part), untouched;
    dcpg_err err = {0};
    ok(dcpg_weights_init(graph, 1, &weights, &err), &err);
    ok(dcpg_weights_init(graph, 1, &untouched, &err), &err);
    ok(dcpg_model_to_part(part, &from, NULL, &err), &err);
    ok(dcpg_weights_take(&weights, &from, &err), &err);
    for (int i = 0; i < weights.nb; i++) {
        const struct dcpg_weight_value *entry = &weights.entry[i],
                                       *taken = dcpg_weights_find(&from, entry->layer, entry->name);
        bool head = strcmp(entry->layer, "cpg/a") == 0 || strcmp(entry->layer, "cpg/b") == 0;
        assert_int_equal(taken == NULL, head);
        size_t size = sizeof(float) * (size_t)(entry->shape[0] * (entry->ndim > 1 ? entry->shape[1] : 1) *
                                               (entry->ndim > 2 ? entry->shape[2] : 1));
        assert_memory_equal(entry->value, taken ? taken->value : untouched.entry[i].value, size);
    }
    dcpg_weights_free(&untouched);
    dcpg_weights_free(&weights);

    dcpg_graph *wider = build("fc[5]_bgru[3]_do");
    ok(dcpg_weights_new(wider, &weights, &err), &err);
    assert_int_equal(dcpg_weights_take(&weights, &from, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "layer cpg/time_distributed_1: its kernel"));
    dcpg_weights_free(&weights);
    dcpg_weights_free(&from);
    dcpg_graph_free(wider);
    dcpg_graph_free(part);
    dcpg_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(names_and_weights), cmocka_unit_test(without_prefix),
                                       cmocka_unit_test(initial_weights), cmocka_unit_test(weights_taken)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
