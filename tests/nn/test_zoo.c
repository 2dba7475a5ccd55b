/* SPDX-License-Identifier: MIT */
/* Every model of the zoo: exact numbers of parameters, names and order of layers. */
#include "cmocka_all.h"

#include <dcpg/memory.h>
#include <dcpg/net.h>
#include <dcpg/spec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static dcpg_graph *zoo_graph(const char *dna, const char *cpg, const char *joint, int64_t wlen,
                             const dcpg_strings *outputs) {
    dcpg_model_options options = {.dna = dna,
                                  .cpg = cpg,
                                  .joint = joint,
                                  .dna_wlen = wlen,
                                  .cpg_wlen = 50,
                                  .nb_cell = 18,
                                  .outputs = outputs};
    dcpg_graph *graph;
    dcpg_err err = {0};
    if (dcpg_model_build(&options, &graph, &err) != DCPG_OK) fail_msg("%s", err.text);
    return graph;
}

static int64_t nb_parameter(const dcpg_graph *graph) {
    dcpg_net_size size;
    dcpg_err err = {0};
    if (dcpg_net_measure(graph, &size, &err) != DCPG_OK) fail_msg("%s", err.text);
    return size.trainable + size.not_trainable;
}

/* Counts of the reference program at dna_wlen 1001 and cpg_wlen 50, without heads, including moving
 * statistics. */
static const struct {
    const char *name;
    int64_t count;
} published[] = {
    {"CnnL1h128", 4052736}, {"CnnL1h256", 8099712}, {"CnnL2h128", 4102144},   {"CnnL2h256", 8099968},
    {"CnnL3h128", 4430336}, {"CnnL3h256", 8362624}, {"CnnRnn01", 1023360},    {"ResNet01", 1752192},
    {"ResNet02", 1995456},  {"ResConv01", 2820352}, {"ResAtrous01", 1994944}, {"FcAvg", 51712},
    {"RnnL1", 813824},      {"RnnL2", 1109504},
};

static void parameter_counts(void **state) {
    (void)state;
    size_t seen = 0;
    for (const dcpg_zoo_row *row = dcpg_zoo; row->name; row++) {
        if (row->part == DCPG_PART_JOINT) continue;
        bool dna = row->part == DCPG_PART_DNA;
        dcpg_graph *graph = zoo_graph(dna ? row->name : NULL, dna ? NULL : row->name, NULL, 1001, NULL);
        for (size_t i = 0; i < sizeof published / sizeof *published; i++)
            if (strcmp(published[i].name, row->name) == 0) {
                assert_int_equal(nb_parameter(graph), published[i].count);
                seen++;
            }
        assert_string_equal(graph->name, row->name);
        dcpg_graph_free(graph);
    }
    assert_int_equal(seen, sizeof published / sizeof *published);
}

/* A joint model of h units has L dense layers on the features of both parts. */
static void joint_counts(void **state) {
    (void)state;
    for (int layers = 0; layers <= 3; layers++) {
        char joint[32];
        snprintf(joint, sizeof joint, layers > 0 ? "JointL%dh512" : "JointL%d", layers);
        dcpg_graph *graph = zoo_graph("CnnL2h128", "RnnL1", joint, 1001, NULL);
        int64_t in = 128 + 512, count = 4102144 + 813824;
        for (int i = 0; i < layers; i++, in = 512) count += in * 512 + 512;
        assert_int_equal(nb_parameter(graph), count);
        dcpg_graph_free(graph);
    }
}

static void moving_statistics_are_not_trained(void **state) {
    (void)state;
    dcpg_graph *graph = zoo_graph("ResConv01", NULL, NULL, 101, NULL);
    dcpg_net_size size;
    dcpg_err err = {0};
    int64_t moving = 0;
    for (int i = 0; i < graph->nb_layer; i++)
        if (graph->layer[i].kind == DCPG_BATCH_NORM) moving += 2 * graph->layer[i].out.c;
    assert_int_equal(dcpg_net_measure(graph, &size, &err), DCPG_OK);
    assert_int_equal(size.not_trainable, moving);
    assert_true(moving > 0 && size.macs > 0 && size.activation_bytes > 0);
    dcpg_graph_free(graph);
}

/* Names as in DeepCpG 1.0.7, in the order in which Keras lists layers: the numbers of a class run through the
 * whole model, an inner layer counts, residual layers have names of their own. */
static void layer_names(void **state) {
    (void)state;
    static const char *const names[] = {"dna",
                                        "dna/conv1d_1",
                                        "dna/activation_1",
                                        "dna/max_pooling1d_1",
                                        "cpg/state",
                                        "cpg/dist",
                                        "dna/flatten_1",
                                        "cpg/concatenate_1",
                                        "dna/dense_1",
                                        "cpg/time_distributed_1",
                                        "dna/activation_2",
                                        "cpg/global_average_pooling1d_1",
                                        "dna/dropout_1",
                                        "cpg/dropout_2",
                                        "concatenate_2",
                                        "joint/dense_3",
                                        "joint/activation_4",
                                        "joint/dropout_3",
                                        "dense_4",
                                        "cpg/x",
                                        "cpg_stats/var"};
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    assert_int_equal(dcpg_strings_add(&outputs, "cpg/x", &err), DCPG_OK);
    assert_int_equal(dcpg_strings_add(&outputs, "cpg_stats/var", &err), DCPG_OK);
    dcpg_graph *graph = zoo_graph("CnnL1h128", "FcAvg", "JointL1h512", 101, &outputs);
    assert_int_equal(graph->nb_layer, sizeof names / sizeof *names);
    for (int i = 0; i < graph->nb_layer; i++) assert_string_equal(graph->layer[i].name, names[i]);
    assert_string_equal(graph->layer[dcpg_graph_find(graph, "cpg/time_distributed_1")].inner, "dense_2");
    assert_int_equal(graph->nb_output, 2);
    assert_string_equal(graph->layer[graph->output[1]].name, "cpg_stats/var");
    assert_int_equal(graph->layer[graph->output[1]].activation, DCPG_SCALED_SIGMOID);
    dcpg_graph_free(graph);
    dcpg_strings_free(&outputs);

    graph = zoo_graph("CnnRnn01", "RnnL2", NULL, 101, NULL);
    assert_string_equal(graph->layer[dcpg_graph_find(graph, "dna/bidirectional_1")].inner, "gru_1");
    assert_string_equal(graph->layer[dcpg_graph_find(graph, "cpg/bidirectional_3")].inner, "gru_3");
    assert_string_equal(graph->layer[dcpg_graph_find(graph, "cpg/time_distributed_1")].inner, "dense_1");
    dcpg_graph_free(graph);

    graph = zoo_graph("ResAtrous01", NULL, NULL, 101, NULL);
    static const char *const residual[] = {
        "dna/conv1",          "dna/act1",        "dna/pool1",           "dna/01-01/res_bn1",
        "dna/01-01/id_conv1", "dna/01-02/merge", "dna/04-01/res_conv3", "dna/global_average_pooling1d_1",
        "dna/dropout_1"};
    for (size_t i = 0; i < sizeof residual / sizeof *residual; i++)
        if (dcpg_graph_find(graph, residual[i]) < 0) fail_msg("no layer %s", residual[i]);
    assert_int_equal(dcpg_graph_find(graph, "dna/bn1"), -1);
    assert_int_equal(graph->layer[dcpg_graph_find(graph, "dna/02-03/res_conv2")].dilation, 4);
    assert_int_equal(graph->layer[dcpg_graph_find(graph, "dna/02-01/res_conv1")].stride, 2);
    dcpg_graph_free(graph);
}

/* Heads added later take the first free number. */
static void heads_on_a_loaded_model(void **state) {
    (void)state;
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    assert_int_equal(dcpg_strings_add(&outputs, "cpg_stats/var", &err), DCPG_OK);
    assert_int_equal(dcpg_strings_add(&outputs, "cpg_stats/cat_var", &err), DCPG_OK);
    dcpg_graph *graph = zoo_graph(NULL, "RnnL1", NULL, 0, NULL);
    assert_int_equal(dcpg_graph_add_heads(graph, graph->nb_layer - 1, &outputs, &err), DCPG_OK);
    assert_int_equal(graph->nb_output, 2);
    assert_true(dcpg_graph_find(graph, "dense_1") >= 0);
    assert_int_equal(graph->layer[graph->output[1]].out.c, 3);
    assert_int_equal(dcpg_graph_add_heads(graph, graph->nb_layer - 1, &outputs, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "cpg_stats/var"));
    dcpg_graph_free(graph);
    dcpg_strings_free(&outputs);
}

static void printing(void **state) {
    (void)state;
    dcpg_graph *graph = zoo_graph("CnnL2h128", NULL, NULL, 1001, NULL);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    dcpg_graph_print(graph, out);
    fclose(out);
    assert_non_null(strstr(text, "4102144"));
    assert_non_null(strstr(text, "dna/conv1d_2"));
    assert_non_null(strstr(text, "245 x 256"));
    /* 991*128*11*4 + 245*256*3*128 + 122*256*128 */
    assert_non_null(strstr(text, ": 33663488\n"));
    free(text);
    dcpg_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameter_counts),
        cmocka_unit_test(joint_counts),
        cmocka_unit_test(moving_statistics_are_not_trained),
        cmocka_unit_test(layer_names),
        cmocka_unit_test(heads_on_a_loaded_model),
        cmocka_unit_test(printing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
