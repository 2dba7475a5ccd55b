/* SPDX-License-Identifier: MIT */
/* model.json: files of the reference programs are read, and written again as these programs write them; other
 * files are refused with a message that says where and why. */
#include <cmocka_all.h>

#include <dcpg/file.h>
#include <dcpg/keras.h>
#include <dcpg/memory.h>
#include <dcpg/spec.h>

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Text of a file in the shared folder; skips the test if it is missing. */
static char *shared_text(const char *name) {
    const char *shared = getenv("DCPG_SHARED");
    char *path = dcpg_format("%s/oracle/%s", shared ? shared : "../shared", name), *text = NULL;
    dcpg_err err = {0};
    if (!dcpg_file_exists(path)) {
        print_message("%s is not there: skipped\n", path);
        dcpg_free(path);
        skip();
    }
    assert_int_equal(dcpg_file_read(path, (size_t)1 << 24, &text, &err), DCPG_OK);
    dcpg_free(path);
    return text;
}

static dcpg_graph *parse(const char *json) {
    dcpg_graph *graph = NULL;
    dcpg_err err = {0};
    if (dcpg_keras_parse(json, "model.json", &graph, &err) != DCPG_OK) fail_msg("%s", err.text);
    return graph;
}

/* ---- there and back ---- */

static bool same(const json_t *a, const json_t *b, const char *at);

static bool same_object(const json_t *a, const json_t *b, const char *at) {
    const char *key;
    json_t *value;
    bool all = json_object_size(a) == json_object_size(b);
    json_object_foreach((json_t *)a, key, value) {
        const json_t *other = json_object_get(b, key);
        if (!other) print_message("%s: %s is missing\n", at, key);
        all = all && other && same(value, other, key);
    }
    return all;
}

static bool same(const json_t *a, const json_t *b, const char *at) {
    bool all = true;
    if (json_is_number(a) && json_is_number(b))
        all = fabs(json_number_value(a) - json_number_value(b)) < 1e-12;
    else if (json_is_object(a) && json_is_object(b))
        return same_object(a, b, at);
    else if (json_is_array(a) && json_array_size(a) == json_array_size(b)) {
        for (size_t i = 0; i < json_array_size(a); i++)
            all = same(json_array_get(a, i), json_array_get(b, i), at) && all;
        return all;
    } else
        all = json_equal(a, b);
    if (!all) print_message("%s differs\n", at);
    return all;
}

/* A model read from Keras's text and written again has the same keys and values, and the same text when it is
 * read and written once more. */
static void check_there_and_back(const char *name) {
    char *theirs = shared_text(name);
    dcpg_graph *graph = parse(theirs);
    char *ours = dcpg_keras_json(graph);
    json_t *a = json_loads(theirs, 0, NULL), *b = json_loads(ours, 0, NULL);
    json_object_del(a, "backend");
    json_object_del(b, "backend");
    json_object_del(a, "keras_version");
    json_object_del(b, "keras_version");
    if (!same(a, b, name)) fail_msg("%s: not the same", name);
    dcpg_graph *again = parse(ours);
    char *twice = dcpg_keras_json(again);
    assert_string_equal(ours, twice);
    json_decref(a);
    json_decref(b);
    dcpg_graph_free(graph);
    dcpg_graph_free(again);
    dcpg_free(theirs);
    dcpg_free(ours);
    dcpg_free(twice);
}

static void test_reference_program(void **state) {
    static const char *const cases[] = {"cnnl2h128", "rnnl1", "resnet01", "cnnrnn01", "joint"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64];
        snprintf(name, sizeof name, "deepcpg/%s/model.json", cases[i]);
        check_there_and_back(name);
    }
    check_there_and_back("deepcpg_run/model.json");
}

static void test_keras(void **state) {
    static const char *const cases[] = {"CnnL1h128",   "CnnL2h128", "CnnRnn01", "FcAvg",
                                        "JointL1h512", "Outputs",   "RnnL1",    "RnnL2"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char name[64];
        snprintf(name, sizeof name, "keras/%s.json", cases[i]);
        check_there_and_back(name);
    }
}

/* ---- our own graphs ---- */

static void assert_same_layer(const dcpg_glayer *a, const dcpg_glayer *b) {
    assert_string_equal(a->name, b->name);
    assert_true(a->kind == b->kind && a->nb_source == b->nb_source && a->out.t == b->out.t &&
                a->out.c == b->out.c);
    for (int i = 0; i < a->nb_source; i++) assert_int_equal(a->source[i], b->source[i]);
    assert_true((a->inner == NULL) == (b->inner == NULL));
    if (a->inner) assert_string_equal(a->inner, b->inner);
    assert_true(a->units == b->units && a->k == b->k && a->stride == b->stride && a->dilation == b->dilation);
    assert_true(a->same == b->same && a->bias == b->bias && a->activation == b->activation);
    assert_true(a->recurrent_activation == b->recurrent_activation && a->reset_after == b->reset_after);
    assert_true(a->bidirectional == b->bidirectional && a->sequences == b->sequences);
    assert_true(a->time_distributed == b->time_distributed && a->trainable == b->trainable);
    assert_true(a->rate == b->rate && a->momentum == b->momentum && a->epsilon == b->epsilon);
    assert_true(a->l1 == b->l1 && a->l2 == b->l2);
}

/* Every field of every layer of models with all kinds of layers and outputs comes back. */
static void test_own_graphs(void **state) {
    static const char *const names[] = {"cpg/a", "bulk/b", "cpg_stats/var", "cpg_stats/cat_var",
                                        "cpg_stats/entropy"};
    static const char *const models[][3] = {{"CnnRnn01", "RnnL2", "JointL2h512"},
                                            {"ResNet01", "FcAvg", "JointL0"},
                                            {"ResAtrous01", "RnnL1", "JointL1h512"}};
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_int_equal(dcpg_strings_add(&outputs, names[i], &err), DCPG_OK);
    for (int m = 0; m < 3; m++) {
        dcpg_model_options options = {.dna = models[m][0],
                                      .cpg = models[m][1],
                                      .joint = models[m][2],
                                      .dna_wlen = 301,
                                      .cpg_wlen = 6,
                                      .nb_cell = 2,
                                      .outputs = &outputs,
                                      .dropout = 0.3f,
                                      .l1 = 1.0f / 3,
                                      .l2 = 0.0001f};
        dcpg_graph *graph = NULL;
        assert_int_equal(dcpg_model_build(&options, &graph, &err), DCPG_OK);
        for (int i = 0; i < graph->nb_layer; i += 3)
            graph->layer[i].trainable = graph->layer[i].kind == DCPG_INPUT;
        char *json = dcpg_keras_json(graph);
        dcpg_graph *back = parse(json);
        assert_true(back->nb_layer == graph->nb_layer && back->nb_output == graph->nb_output);
        assert_true(back->dna_wlen == 301 && back->cpg_wlen == 6 && back->nb_cell == 2);
        for (int i = 0; i < graph->nb_layer; i++) assert_same_layer(&graph->layer[i], &back->layer[i]);
        for (int o = 0; o < graph->nb_output; o++) assert_int_equal(graph->output[o], back->output[o]);
        dcpg_graph_free(graph);
        dcpg_graph_free(back);
        dcpg_free(json);
    }
    dcpg_strings_free(&outputs);
}

/* ---- Keras 1 ---- */

static void test_keras1(void **state) {
    (void)state;
    char *text = shared_text("keras1/rnn/model.json");
    dcpg_graph *graph = parse(text);
    static const dcpg_kind kinds[] = {DCPG_INPUT,   DCPG_INPUT, DCPG_CONCAT, DCPG_DENSE, DCPG_GRU,
                                      DCPG_DROPOUT, DCPG_DENSE, DCPG_DENSE,  DCPG_DENSE};
    assert_int_equal(graph->nb_layer, 9);
    for (int i = 0; i < 9; i++) assert_int_equal(graph->layer[i].kind, kinds[i]);
    const dcpg_glayer *dense = &graph->layer[3], *gru = &graph->layer[4];
    assert_true(dense->time_distributed && dense->activation == DCPG_RELU && dense->units == 256);
    assert_string_equal(dense->inner, "dense_1");
    assert_true(gru->bidirectional && !gru->sequences && !gru->reset_after && gru->units == 256);
    assert_string_equal(gru->inner, "gru_1");
    assert_int_equal(graph->nb_output, 3);
    assert_int_equal(graph->nb_cell, 3);
    assert_int_equal(graph->cpg_wlen, 10);
    dcpg_graph_free(graph);
    dcpg_free(text);

    text = shared_text("keras1/cnn/model.json");
    graph = parse(text);
    int conv = dcpg_graph_find(graph, "dna/convolution1d_2");
    assert_true(graph->layer[conv].kind == DCPG_CONV && graph->layer[conv].k == 3 &&
                graph->layer[conv].units == 256);
    assert_int_equal(graph->dna_wlen, 101);
    dcpg_graph_free(graph);
    dcpg_free(text);
}

/* A model on DNA with `layers` between input and head; the source of the head is `last`. */
static char *dna_model(const char *layers, const char *last) {
    return dcpg_format(
        "{\"class_name\": \"Model\", \"config\": {\"name\": \"m\", \"layers\": [\n"
        "{\"class_name\": \"InputLayer\", \"config\": {\"batch_input_shape\": [null, 31, 4], \"name\": "
        "\"dna\"}, \"name\": \"dna\", \"inbound_nodes\": []},\n%s\n"
        "{\"class_name\": \"Dense\", \"name\": \"cpg/a\", \"config\": {\"name\": \"cpg/a\", "
        "\"output_dim\": 1, \"activation\": \"sigmoid\"}, \"inbound_nodes\": [[[\"%s\", 0, 0]]]}\n"
        "], \"input_layers\": [[\"dna\", 0, 0]], \"output_layers\": [[\"cpg/a\", 0, 0]]}}",
        layers, last);
}

/* A layer object: `config` is the inside of its configuration, `on` the inside of its inbound node. */
static char *layer(const char *class_name, const char *name, const char *config, const char *on) {
    return dcpg_format("{\"class_name\": \"%s\", \"name\": \"%s\", \"config\": {\"name\": \"%s\"%s%s}, "
                       "\"inbound_nodes\": [[%s]]},\n",
                       class_name, name, name, *config ? ", " : "", config, on);
}

/* Joins texts, frees them. */
static char *joined(int n, ...) {
    char *all = dcpg_strdup("");
    va_list arguments;
    va_start(arguments, n);
    for (int i = 0; i < n; i++) {
        char *next = va_arg(arguments, char *), *longer = dcpg_format("%s%s", all, next);
        dcpg_free(all);
        dcpg_free(next);
        all = longer;
    }
    va_end(arguments);
    return all;
}

static dcpg_graph *parse_dna(char *layers, const char *last) {
    char *json = dna_model(layers, last);
    dcpg_graph *graph = parse(json);
    dcpg_free(json);
    dcpg_free(layers);
    return graph;
}

/* A residual unit as in Keras 1: dilated convolution, batch norm, sum by Merge. */
static void test_keras1_residual(void **state) {
    (void)state;
    dcpg_graph *graph = parse_dna(
        joined(
            5,
            layer(
                "Convolution1D", "dna/c1",
                "\"nb_filter\": 8, \"filter_length\": 5, \"activation\": \"relu\", \"subsample_length\": 2, "
                "\"W_regularizer\": {\"name\": \"L1L2Regularizer\", \"l1\": 0.5, \"l2\": 0.25}",
                "[\"dna\", 0, 0]"),
            layer("AtrousConvolution1D", "dna/c2",
                  "\"nb_filter\": 8, \"filter_length\": 3, \"atrous_rate\": 4, \"border_mode\": \"same\", "
                  "\"W_regularizer\": {\"name\": \"L1L2Regularizer\", \"l1\": 0.0, \"l2\": 0.0}",
                  "[\"dna/c1\", 0, 0]"),
            layer("BatchNormalization", "dna/b1",
                  "\"mode\": 0, \"axis\": -1, \"momentum\": 0.5, \"epsilon\": 0.01", "[\"dna/c2\", 0, 0]"),
            layer("Merge", "dna/m1", "\"mode\": \"sum\", \"concat_axis\": -1, \"dot_axes\": -1",
                  "[\"dna/c1\", 0, 0], [\"dna/b1\", 0, 0]"),
            layer("Flatten", "dna/f1", "", "[\"dna/m1\", 0, 0]")),
        "dna/f1");
    const dcpg_glayer *c1 = &graph->layer[1], *c2 = &graph->layer[2], *b1 = &graph->layer[3],
                      *sum = &graph->layer[4];
    assert_true(c1->stride == 2 && c1->activation == DCPG_RELU && c1->l1 == 0.5f && c1->l2 == 0.25f &&
                !c1->same);
    assert_true(c2->dilation == 4 && c2->same && c2->l1 == 0 && c2->out.t == c1->out.t);
    assert_true(b1->kind == DCPG_BATCH_NORM && b1->momentum == 0.5f && b1->epsilon == 0.01f);
    assert_true(sum->kind == DCPG_ADD && sum->nb_source == 2 && sum->source[0] == 1 && sum->source[1] == 3);
    assert_int_equal(graph->layer[5].out.c, 8 * c1->out.t);
    dcpg_graph_free(graph);
}

/* Layers inside a frozen wrapper or model are frozen. */
static void test_frozen(void **state) {
    (void)state;
    static const char dense[] = "\"layer\": {\"class_name\": \"Dense\", \"config\": {\"name\": \"d\", "
                                "\"units\": 5, \"trainable\": %s}}, \"trainable\": %s";
    static const char *const flags[4][2] = {
        {"true", "true"}, {"false", "true"}, {"true", "false"}, {"false", "false"}};
    for (int i = 0; i < 4; i++) {
        char *config = dcpg_format(dense, flags[i][0], flags[i][1]);
        dcpg_graph *graph = parse_dna(joined(2, layer("TimeDistributed", "td", config, "[\"dna\", 0, 0]"),
                                             layer("GlobalAveragePooling1D", "g", "", "[\"td\", 0, 0]")),
                                      "g");
        assert_int_equal(graph->layer[1].trainable, i == 0);
        dcpg_graph_free(graph);
        dcpg_free(config);
    }
}

/* Models inside models, functional and sequential, and several layers over time. */
static void test_nested(void **state) {
    (void)state;
    dcpg_graph *graph = parse_dna(
        joined(
            3,
            layer(
                "Model", "tower",
                "\"layers\": [{\"class_name\": \"InputLayer\", \"name\": \"input_9\", \"config\": {\"name\": "
                "\"input_9\", \"batch_input_shape\": [null, 31, 4]}, \"inbound_nodes\": []}, "
                "{\"class_name\": "
                "\"Conv1D\", \"name\": \"conv\", \"config\": {\"name\": \"conv\", \"trainable\": false, "
                "\"filters\": 6, \"kernel_size\": [3]}, \"inbound_nodes\": [[[\"input_9\", 0, 0, {}]]]}], "
                "\"input_layers\": [[\"input_9\", 0, 0]], \"output_layers\": [[\"conv\", 0, 0]]",
                "[\"dna\", 0, 0, {}]"),
            layer("TimeDistributed", "td",
                  "\"layer\": {\"class_name\": \"Sequential\", \"config\": [{\"class_name\": \"Dense\", "
                  "\"config\": "
                  "{\"name\": \"d1\", \"units\": 5, \"activation\": \"tanh\"}}, {\"class_name\": \"Dense\", "
                  "\"config\": {\"name\": \"d2\", \"units\": 7}}]}",
                  "[\"tower\", 1, 0, {}]"),
            layer("GRU", "gru", "\"units\": 9, \"reset_after\": true, \"recurrent_activation\": \"sigmoid\"",
                  "[\"td\", 0, 0, {}]")),
        "gru");
    static const char *const names[] = {"dna", "tower/conv", "td/d1", "td/d2", "gru", "cpg/a"};
    assert_int_equal(graph->nb_layer, 6);
    for (int i = 0; i < 6; i++) assert_string_equal(graph->layer[i].name, names[i]);
    for (int i = 1; i < 6; i++) assert_int_equal(graph->layer[i].source[0], i - 1);
    assert_false(graph->layer[1].trainable);
    assert_true(graph->layer[2].time_distributed && graph->layer[2].activation == DCPG_TANH);
    assert_true(graph->layer[3].time_distributed && graph->layer[3].out.t == 29);
    assert_true(graph->layer[4].reset_after && graph->layer[4].recurrent_activation == DCPG_SIGMOID);
    dcpg_graph_free(graph);
}

static void test_legacy_inputs(void **state) {
    (void)state;
    char *text = shared_text("keras1/rnn/model.json"), *legacy = dcpg_strdup("");
    for (char *at = text, *next; *at; at = next) {
        next = strstr(at, "\"cpg/state\"");
        char *dist = strstr(at, "\"cpg/dist\"");
        if (!next || (dist && dist < next)) next = dist;
        char *part =
            next ? dcpg_format("%.*s/b1--a-2--c\"", (int)(strchr(next + 1, '"') - at), at) : dcpg_strdup(at);
        next = next ? strchr(next + 1, '"') + 1 : at + strlen(at);
        legacy = joined(2, legacy, part);
    }
    dcpg_graph *graph = parse(legacy);
    dcpg_strings cells = {0};
    dcpg_err err = {0};
    assert_true(dcpg_graph_find(graph, "cpg/state") == 0 && dcpg_graph_find(graph, "cpg/dist") == 1);
    assert_int_equal(dcpg_keras_cells(graph, &cells, &err), DCPG_OK);
    assert_int_equal(cells.n, 3);
    assert_string_equal(cells.v[0], "b1");
    assert_string_equal(cells.v[1], "a-2");
    assert_string_equal(cells.v[2], "c");
    dcpg_strings_free(&cells);
    dcpg_graph_free(graph);
    dcpg_free(legacy);
    dcpg_free(text);
}

/* ---- what is refused ---- */

static void check_refused(char *json, const char *why) {
    dcpg_graph *graph = NULL;
    dcpg_err err = {0};
    assert_int_equal(dcpg_keras_parse(json, "model.json", &graph, &err), DCPG_E_INPUT);
    assert_null(graph);
    if (!strstr(err.text, why) || strncmp(err.text, "model.json: ", 12) != 0)
        fail_msg("'%s' lacks '%s'", err.text, why);
    dcpg_free(json);
}

static void check_layer_refused(const char *class_name, const char *config, const char *why) {
    char *one = layer(class_name, "dna/x", config, "[\"dna\", 0, 0]");
    check_refused(dna_model(one, "dna/x"), why);
    dcpg_free(one);
}

static void test_not_a_model(void **state) {
    (void)state;
    check_refused(dcpg_strdup(""), "line 1, column 0");
    check_refused(dcpg_strdup("{\"class_name\": \"Model\",\n \"config\" 7}"), "line 2, column 11");
    check_refused(dcpg_strdup("{}"), "not a Keras model");
    check_refused(dcpg_strdup("[1, 2]"), "not a Keras model");
    check_refused(dcpg_strdup("{\"class_name\": \"Elephant\"}"), "Elephant");
    check_refused(dcpg_strdup("{\"class_name\": \"Model\", \"config\": {\"layers\": 3}}"), "layers");
    check_refused(
        dcpg_strdup("{\"class_name\": \"Model\", \"config\": {\"name\": \"m\", \"layers\": [7, null]}}"),
        "no name");
    check_refused(dcpg_strdup("{\"class_name\": \"Sequential\", \"config\": [{\"class_name\": \"Dense\"}]}"),
                  "InputLayer");
    /* cut anywhere, it is no longer JSON */
    char *text = shared_text("keras1/cnn/model.json");
    for (size_t n = strlen(text) - 1; n > 0; n -= n > 97 ? 97 : n) {
        char *cut = dcpg_strndup(text, n);
        check_refused(cut, "not JSON");
    }
    dcpg_free(text);
}

static void test_cannot_run(void **state) {
    (void)state;
    check_layer_refused("LSTM", "\"units\": 3", "layer dna/x: a LSTM layer does not run here");
    check_layer_refused("Conv1D", "\"kernel_size\": [3]", "layer dna/x: filters or nb_filter is missing");
    check_layer_refused("Conv1D", "\"filters\": -3, \"kernel_size\": [3]",
                        "filters must be a whole number above 0");
    check_layer_refused("Conv1D", "\"filters\": 3, \"kernel_size\": [3, 3]", "kernel_size");
    check_layer_refused("Conv1D", "\"filters\": 3, \"kernel_size\": [3], \"padding\": \"causal\"",
                        "padding 'causal'");
    check_layer_refused("Conv1D", "\"filters\": 3, \"kernel_size\": [40]", "layer dna/x: it does not fit");
    check_layer_refused("Conv1D", "\"filters\": 1e9, \"kernel_size\": [3]", "dna/x");
    check_layer_refused("Conv1D", "\"filters\": 3, \"kernel_size\": 3, \"activation\": \"elu\"",
                        "activation 'elu'");
    check_layer_refused(
        "Conv1D", "\"filters\": 3, \"kernel_size\": 3, \"kernel_constraint\": {\"class_name\": \"MaxNorm\"}",
        "kernel_constraint");
    check_layer_refused("MaxPooling1D", "\"pool_size\": [4], \"strides\": [2]", "strides");
    check_layer_refused("BatchNormalization", "\"axis\": 1", "last axis (2)");
    check_layer_refused("GRU", "\"units\": 4, \"activation\": \"relu\"", "tanh");
    check_layer_refused("GRU", "\"units\": 4, \"dropout\": 0.5", "dropout");
    check_layer_refused("ScaledSigmoid", "\"scaling\": 2", "0.251");
    check_layer_refused("Merge", "\"mode\": \"dot\"", "merging by 'dot'");
    check_layer_refused("Bidirectional", "\"layer\": {\"class_name\": \"LSTM\", \"config\": {}}",
                        "on a GRU only");
    check_layer_refused(
        "Bidirectional",
        "\"merge_mode\": \"sum\", \"layer\": {\"class_name\": \"GRU\", \"config\": {\"units\": 2}}",
        "merge_mode");
    check_layer_refused("TimeDistributed", "", "wrapped layer is missing");
    check_layer_refused("TimeDistributed", "\"layer\": {\"class_name\": \"Flatten\", \"config\": {}}",
                        "inside TimeDistributed");
    check_layer_refused("Activation", "\"activation\": \"relu\"",
                        "layer cpg/a: an output must be one number");
}

static void test_wrong_references(void **state) {
    (void)state;
    check_refused(dna_model("", "nowhere"), "layer cpg/a: layer nowhere, to which it refers");
    char *twice = layer("Flatten", "f", "", "[\"dna\", 0, 0]"), *both = dcpg_format("%s%s", twice, twice);
    check_refused(dna_model(both, "f"), "two layers of this name");
    char *shared =
        dcpg_strdup("{\"class_name\": \"Flatten\", \"name\": \"f\", \"config\": {}, \"inbound_nodes\": "
                    "[[[\"dna\", 0, 0]], [[\"dna\", 0, 0]]]},");
    check_refused(dna_model(shared, "f"), "layer f: a layer that is applied more than once");
    char *tensor = layer("Flatten", "f", "", "[\"dna\", 0, 5]");
    check_refused(dna_model(tensor, "f"), "layer f: it refers to an output");
    dcpg_free(twice);
    dcpg_free(both);
    dcpg_free(shared);
    dcpg_free(tensor);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_program),
        cmocka_unit_test(test_keras),
        cmocka_unit_test(test_own_graphs),
        cmocka_unit_test(test_keras1),
        cmocka_unit_test(test_keras1_residual),
        cmocka_unit_test(test_frozen),
        cmocka_unit_test(test_nested),
        cmocka_unit_test(test_legacy_inputs),
        cmocka_unit_test(test_not_a_model),
        cmocka_unit_test(test_cannot_run),
        cmocka_unit_test(test_wrong_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
