/* SPDX-License-Identifier: MIT */
/* Cutting off heads, putting parts into another graph, changing windows, choosing layers to train. */
#include "case.h"

#include <dcpg/surgery.h>

static const model dna_model = {.dna = "conv[3@5]_bn_relu_mp[2]_fc[4]_do", .dna_wlen = 21};
static const model cpg_model = {.cpg = "fc[5]_bgru[3]_do", .cpg_wlen = 4, .nb_cell = 3};
static const model joint_model = {.dna = "conv[3@5]_bn_relu_mp[2]_fc[4]_do",
                                  .cpg = "fc[5]_gap_do",
                                  .joint = "fc[6]_do",
                                  .dna_wlen = 21,
                                  .cpg_wlen = 4,
                                  .nb_cell = 3};

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

static void cut(dcpg_graph *graph) {
    dcpg_err err = {0};
    ok(dcpg_graph_cut_heads(graph, &err), &err);
}

static int add(dcpg_graph *graph, dcpg_kind kind, const char *name, int source, int64_t units) {
    dcpg_glayer like = dcpg_glayer_default();
    dcpg_err err = {0};
    int index;
    like.units = units;
    ok(dcpg_graph_add(
           graph,
           &(dcpg_new_layer){
               .kind = kind, .name = name, .nb_source = source < 0 ? 0 : 1, .source = &source, .like = &like},
           &index, &err),
       &err);
    return index;
}

static void add_output(dcpg_graph *graph, int index) {
    dcpg_err err = {0};
    ok(dcpg_graph_add_output(graph, index, &err), &err);
}

static void check_names(const dcpg_graph *graph, const char *names) {
    dcpg_strings expected = {0};
    split_words(names, &expected);
    for (int i = 0; i < graph->nb_layer && i < (int)expected.n; i++)
        assert_string_equal(graph->layer[i].name, expected.v[i]);
    assert_int_equal(graph->nb_layer, expected.n);
    dcpg_strings_free(&expected);
}

static int64_t nb_value(const dcpg_graph *graph) {
    dcpg_value_counts counts = dcpg_graph_count(graph);
    return counts.trained + counts.frozen + counts.moving;
}

/* ---- heads ---- */

/* A variance head is two layers. */
static void heads_go(void **state) {
    (void)state;
    model m = cpg_model;
    m.outputs = "cpg/a cpg_stats/var cpg_stats/cat_var cpg/b";
    dcpg_graph *graph = model_graph(&m);
    assert_true(dcpg_graph_find(graph, "dense_2") >= 0);
    cut(graph);
    check_names(
        graph,
        "cpg/state cpg/dist cpg/concatenate_1 cpg/time_distributed_1 cpg/bidirectional_1 cpg/dropout_1");
    assert_int_equal(graph->nb_output, 0);
    assert_int_equal(graph->nb_cell, 3);
    assert_int_equal(graph->cpg_wlen, 4);
    for (int i = 0; i < graph->nb_layer; i++)
        for (int j = 0; j < graph->layer[i].nb_source; j++) assert_true(graph->layer[i].source[j] < i);
    dcpg_graph_free(graph);
}

/* New heads on what remains are as if they had always been there. */
static void new_heads(void **state) {
    (void)state;
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    model other = joint_model;
    other.outputs = "cpg/x cpg_stats/var bulk/y";
    dcpg_graph *graph = model_graph(&joint_model), *expected = model_graph(&other);
    cut(graph);
    split_words(other.outputs, &outputs);
    ok(dcpg_graph_add_heads(graph, graph->nb_layer - 1, &outputs, &err), &err);
    ok(dcpg_graph_order(graph, &err), &err);
    assert_int_equal(graph->nb_output, 3);
    assert_int_equal(graph->nb_layer, expected->nb_layer);
    assert_int_equal(nb_value(graph), nb_value(expected));
    for (int i = 0; i < graph->nb_layer; i++) {
        const dcpg_glayer *a = &graph->layer[i], *b = &expected->layer[i];
        /* The variance's dense layer takes the first free number. */
        if (strcmp(b->name, "dense_4") != 0) assert_string_equal(a->name, b->name);
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->nb_source, b->nb_source);
        for (int j = 0; j < a->nb_source; j++) assert_int_equal(a->source[j], b->source[j]);
    }
    dcpg_strings_free(&outputs);
    dcpg_graph_free(expected);
    dcpg_graph_free(graph);
}

/* cpg/state, which no layer reads; dna - flat - a - x (output). */
enum { FLAT = 2, A };
static dcpg_graph *by_hand(void) {
    dcpg_graph *graph = dcpg_graph_new();
    graph->dna_wlen = 5;
    graph->cpg_wlen = 2;
    graph->nb_cell = 3;
    add(graph, DCPG_INPUT, "cpg/state", -1, 0);
    int dna = add(graph, DCPG_INPUT, "dna", -1, 0), flat = add(graph, DCPG_FLATTEN, "flat", dna, 0);
    add_output(graph, add(graph, DCPG_DENSE, "x", add(graph, DCPG_DENSE, "a", flat, 4), 1));
    return graph;
}

static void what_nothing_needs_goes(void **state) {
    (void)state;
    dcpg_graph *graph = by_hand();
    add(graph, DCPG_DENSE, "aside", FLAT, 2);
    dcpg_glayer scaled = dcpg_glayer_default();
    dcpg_err err = {0};
    int dense = add(graph, DCPG_DENSE, "v", A, 1), index;
    scaled.activation = DCPG_SCALED_SIGMOID;
    ok(dcpg_graph_add(
           graph,
           &(dcpg_new_layer){
               .kind = DCPG_ACTIVATION, .name = "var", .nb_source = 1, .source = &dense, .like = &scaled},
           &index, &err),
       &err);
    add_output(graph, index);
    cut(graph);
    check_names(graph, "dna flat a");
    assert_int_equal(graph->layer[1].source[0], 0);
    assert_int_equal(graph->layer[2].source[0], 1);
    assert_int_equal(graph->dna_wlen, 5);
    assert_int_equal(graph->cpg_wlen, 0);
    assert_int_equal(graph->nb_cell, 0);
    dcpg_graph_free(graph);
}

static void check_refused(dcpg_graph *graph, const char *words) {
    dcpg_err err = {0};
    int before = graph->nb_layer, outputs = graph->nb_output;
    assert_int_equal(dcpg_graph_cut_heads(graph, &err), DCPG_E_INPUT);
    if (!strstr(err.text, words)) fail_msg("no '%s' in: %s", words, err.text);
    assert_int_equal(graph->nb_layer, before);
    assert_int_equal(graph->nb_output, outputs);
    dcpg_graph_free(graph);
}

static void heads_that_stay(void **state) {
    (void)state;
    dcpg_graph *graph = by_hand();
    add_output(graph, add(graph, DCPG_DENSE, "y", FLAT, 1));
    check_refused(graph, "output layer y: it stands on layer flat, other outputs on a");
    graph = by_hand();
    add_output(graph, add(graph, DCPG_DROPOUT, "y", A, 0));
    check_refused(graph, "output layer y: only dense outputs");
    graph = by_hand();
    graph->nb_output = 0;
    check_refused(graph, "no outputs");
}

/* ---- parts ---- */

/* Layers of a part must be in the graph unchanged. */
static void check_holds(const dcpg_graph *graph, const dcpg_graph *part) {
    for (int i = 0; i < part->nb_layer; i++) {
        const dcpg_glayer *a = &part->layer[i];
        int place = dcpg_graph_find(graph, a->name);
        if (place < 0) fail_msg("no layer %s", a->name);
        const dcpg_glayer *b = &graph->layer[place];
        assert_int_equal(a->kind, b->kind);
        assert_int_equal(a->units, b->units);
        assert_int_equal(a->k, b->k);
        assert_int_equal(a->trainable, b->trainable);
        assert_true(a->rate == b->rate && a->l1 == b->l1 && a->l2 == b->l2);
        assert_int_equal(a->nb_source, b->nb_source);
        for (int j = 0; j < a->nb_source; j++)
            assert_string_equal(part->layer[a->source[j]].name, graph->layer[b->source[j]].name);
        if (a->inner) assert_string_equal(a->inner, b->inner);
    }
}

static dcpg_glayer *find(dcpg_graph *graph, const char *name) {
    int index = dcpg_graph_find(graph, name);
    if (index < 0) fail_msg("no layer %s", name);
    return &graph->layer[index];
}

/* Loaded parts keep the settings of their files; new layers are numbered from 1 and take the options. */
static void parts_join(void **state) {
    (void)state;
    model m = joint_model;
    m.cpg = cpg_model.cpg;
    dcpg_graph *dna = model_graph(&dna_model), *cpg = model_graph(&cpg_model), *expected = model_graph(&m),
               *graph;
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    cut(dna);
    cut(cpg);
    dcpg_free(dna->name);
    dna->name = dcpg_strdup("Mine");
    find(dna, "dna/dropout_1")->rate = 0.5f;
    find(dna, "dna/conv1d_1")->trainable = false;
    split_words("cpg/a cpg/b", &outputs);
    dcpg_model_options options = {.joint = "fc[6]_do",
                                  .outputs = &outputs,
                                  .dropout = 0.25f,
                                  .l2 = 7,
                                  .dna_part = dna,
                                  .cpg_part = cpg};
    ok(dcpg_model_build(&options, &graph, &err), &err);
    check_holds(graph, dna);
    check_holds(graph, cpg);
    assert_int_equal(nb_value(graph), nb_value(expected));
    assert_int_equal(graph->nb_layer, expected->nb_layer);
    for (int i = 0; i < graph->nb_layer; i++) {
        assert_int_equal(graph->layer[i].kind, expected->layer[i].kind);
        assert_int_equal(graph->layer[i].out.c, expected->layer[i].out.c);
    }
    static const char *const made[] = {"concatenate_1",   "joint/dense_1", "joint/activation_1",
                                       "joint/dropout_1", "cpg/a",         "cpg/b"};
    for (size_t i = 0; i < sizeof made / sizeof *made; i++) find(graph, made[i]);
    assert_true(find(graph, "joint/dropout_1")->rate == 0.25f && find(graph, "joint/dense_1")->l2 == 7);
    assert_string_equal(graph->name, "joint_Mine_cpg");
    assert_int_equal(graph->dna_wlen, 21);
    assert_int_equal(graph->cpg_wlen, 4);
    assert_int_equal(graph->nb_cell, 3);
    dcpg_graph_free(graph);

    /* A loaded part next to a new one. */
    options.dna_part = NULL;
    options.dna = "conv[2@3]_gap", options.dna_wlen = 7, options.nb_cell = 9;
    ok(dcpg_model_build(&options, &graph, &err), &err);
    check_holds(graph, cpg);
    assert_int_equal(graph->dna_wlen, 7);
    assert_int_equal(graph->nb_cell, 3);
    assert_int_equal(find(graph, "dna/conv1d_1")->units, 2);
    dcpg_graph_free(graph);
    dcpg_graph_free(expected);
    dcpg_graph_free(dna);
    dcpg_graph_free(cpg);
    dcpg_strings_free(&outputs);
}

static void part_alone(void **state) {
    (void)state;
    dcpg_graph *part = model_graph(&cpg_model), *graph;
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    cut(part);
    split_words("cpg/z", &outputs);
    dcpg_model_options options = {.outputs = &outputs, .cpg_part = part};
    ok(dcpg_model_build(&options, &graph, &err), &err);
    check_holds(graph, part);
    assert_int_equal(graph->nb_layer, part->nb_layer + 1);
    assert_string_equal(graph->name, "cpg");
    dcpg_graph_free(graph);
    dcpg_graph_free(part);
    dcpg_strings_free(&outputs);
}

/* ---- windows ---- */

static void other_cells(void **state) {
    (void)state;
    dcpg_graph *graph = model_graph(&cpg_model), *before = model_graph(&cpg_model);
    dcpg_err err = {0};
    ok(dcpg_graph_resize(&graph, 0, 0, 7, &err), &err);
    check_holds(graph, before);
    assert_int_equal(graph->nb_cell, 7);
    assert_int_equal(graph->cpg_wlen, 4);
    assert_int_equal(find(graph, "cpg/concatenate_1")->out.t, 7);
    assert_int_equal(nb_value(graph), nb_value(before));
    assert_string_equal(graph->name, before->name);
    assert_int_equal(graph->nb_output, 2);
    assert_string_equal(graph->layer[graph->output[1]].name, "cpg/b");
    dcpg_graph *same = graph;
    ok(dcpg_graph_resize(&graph, 99, 4, 7, &err), &err); /* there is no DNA */
    assert_ptr_equal(graph, same);
    dcpg_graph_free(before);
    dcpg_graph_free(graph);
}

static void other_window(void **state) {
    (void)state;
    static const model m = {.dna = "conv[3@5]_gap", .dna_wlen = 21};
    dcpg_graph *graph = model_graph(&m);
    dcpg_err err = {0};
    ok(dcpg_graph_resize(&graph, 11, 4, 9, &err), &err); /* there are no cells */
    assert_int_equal(graph->nb_cell, 0);
    assert_int_equal(graph->cpg_wlen, 0);
    assert_int_equal(graph->dna_wlen, 11);
    assert_int_equal(find(graph, "dna/conv1d_1")->out.t, 7);
    dcpg_graph_free(graph);
}

static void check_resize_refused(const model *m, int64_t dna_wlen, int64_t cpg_wlen, const char *words) {
    dcpg_graph *graph = model_graph(m), *before = graph;
    dcpg_err err = {0};
    assert_int_equal(dcpg_graph_resize(&graph, dna_wlen, cpg_wlen, 0, &err), DCPG_E_INPUT);
    if (!strstr(err.text, words)) fail_msg("no '%s' in: %s", words, err.text);
    assert_ptr_equal(graph, before);
    dcpg_graph_free(graph);
}

static void windows_that_do_not_fit(void **state) {
    (void)state;
    check_resize_refused(&dna_model, 31, 0, "layer dna/dense_1: its weights are for a DNA window of 21 bp");
    check_resize_refused(&dna_model, 3, 0, "layer dna/conv1d_1: it does not fit");
    check_resize_refused(&cpg_model, 0, 6,
                         "layer cpg/time_distributed_1: its weights are for 4 neighbours and");
}

/* ---- the choice of trained layers ---- */

static void first_conv(void **state) {
    (void)state;
    static const model two = {.dna = "conv[4@3]_conv[2@3]_gap", .dna_wlen = 11};
    dcpg_graph *graph = model_graph(&two);
    assert_string_equal(graph->layer[dcpg_graph_first_conv(graph)].name, "dna/conv1d_1");
    dcpg_graph_free(graph);
    static const model over_cells = {.cpg = "conv[2@2]_gap", .cpg_wlen = 4, .nb_cell = 3};
    graph = model_graph(&over_cells);
    assert_int_equal(dcpg_graph_first_conv(graph), -1);
    dcpg_graph_free(graph);
}

/* Words of each list; NULL: option not given. */
typedef struct asked {
    bool fine_tune, freeze_filter;
    const char *train_models, *trainable, *not_trainable;
} asked;

static dcpg_status set_trainable(dcpg_graph *graph, const asked *a, dcpg_err *err) {
    dcpg_strings lists[3] = {0};
    const char *words[3] = {a->train_models, a->trainable, a->not_trainable};
    for (int i = 0; i < 3; i++)
        if (words[i]) split_words(words[i], &lists[i]);
    const dcpg_trainability what = {a->fine_tune, words[0] ? &lists[0] : NULL, &lists[1], &lists[2],
                                    a->freeze_filter};
    dcpg_status status = dcpg_graph_set_trainable(graph, &what, err);
    for (int i = 0; i < 3; i++) dcpg_strings_free(&lists[i]);
    return status;
}

/* Layers with weights: c conv, b batch norm, d dense of the DNA part; t, g of the CpG part; j joint; v, h
 * heads. */
static void choices(void **state) {
    (void)state;
    static const struct {
        const char *layer;
        char letter;
    } letters[] = {{"dna/conv1d_1", 'c'},
                   {"dna/batch_normalization_1", 'b'},
                   {"dna/dense_1", 'd'},
                   {"cpg/time_distributed_1", 't'},
                   {"cpg/bidirectional_1", 'g'},
                   {"joint/dense_3", 'j'},
                   {"dense_4", 'v'},
                   {"cpg/dna/x", 'h'}};
    /* As in the reference program, except for the last rows, where the filter stays frozen. */
    static const struct {
        asked what;
        const char *trained;
    } rows[] = {
        {{false}, "cbdtgjvh"},
        {{.fine_tune = true}, "vh"},
        {{.train_models = "dna"}, "cbdvh"},
        {{.train_models = "joint"}, "jvh"},
        {{.train_models = "cpg joint"}, "tgjvh"},
        {{.fine_tune = true, .train_models = "dna"}, "vh"},
        {{.fine_tune = true, .trainable = "joint/.*"}, "jvh"},
        {{.train_models = "dna", .trainable = "joint/"}, "cbdvh"},
        {{.train_models = "dna", .not_trainable = "dna/conv"}, "cbdvh"},
        {{.not_trainable = ".*"}, "vh"},
        {{.not_trainable = "dna/ joint"}, "tgvh"},
        {{.not_trainable = "dna", .trainable = "dna/dense_[0-9]+$"}, "dtgjvh"},
        {{.trainable = "cpg"}, "cbdtgjvh"},
        {{.not_trainable = "cpg/b|dna/c"}, "bdtjvh"},
        {{.freeze_filter = true}, "bdtgjvh"},
        {{.freeze_filter = true, .train_models = "dna"}, "bdvh"},
        {{.freeze_filter = true, .trainable = "dna"}, "bdtgjvh"},
        {{.freeze_filter = true, .not_trainable = "cpg"}, "bdjvh"},
    };
    model m = joint_model;
    m.cpg = cpg_model.cpg;
    m.outputs = "cpg_stats/var cpg/dna/x";
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        dcpg_graph *graph = model_graph(&m);
        dcpg_err err = {0};
        char trained[16] = "";
        ok(set_trainable(graph, &rows[row].what, &err), &err);
        for (size_t i = 0; i < sizeof letters / sizeof *letters; i++)
            if (find(graph, letters[i].layer)->trainable) trained[strlen(trained)] = letters[i].letter;
        if (strcmp(trained, rows[row].trained) != 0)
            fail_msg("row %zu: %s is trained, not %s", row, trained, rows[row].trained);
        dcpg_graph_free(graph);
    }
}

/* A layer frozen by a file stays frozen until an option says otherwise; heads do not. */
static void frozen_by_the_file(void **state) {
    (void)state;
    dcpg_graph *graph = model_graph(&joint_model);
    dcpg_err err = {0};
    for (int i = 0; i < graph->nb_layer; i++) graph->layer[i].trainable = false;
    ok(set_trainable(graph, &(asked){false}, &err), &err);
    assert_int_equal(dcpg_graph_count(graph).trained, 0);
    ok(set_trainable(graph, &(asked){.trainable = "dna/dense"}, &err), &err);
    int64_t heads = 2 * (6 + 1), dense = find(graph, "dna/flatten_1")->out.c * 4 + 4;
    dcpg_value_counts counts = dcpg_graph_count(graph);
    assert_int_equal(counts.trained, heads + dense);
    assert_int_equal(counts.moving, 6);
    /* A part's name must end at the '/'. */
    find(graph, "dna/dense_1")->name[3] = 'x';
    ok(set_trainable(graph, &(asked){.train_models = "dna"}, &err), &err);
    assert_false(find(graph, "dnaxdense_1")->trainable);
    assert_true(find(graph, "dna/conv1d_1")->trainable);
    counts = dcpg_graph_count(graph);
    assert_int_equal(counts.trained + counts.frozen + counts.moving, nb_value(graph));
    ok(set_trainable(graph, &(asked){.trainable = ".*"}, &err), &err);
    assert_int_equal(dcpg_graph_count(graph).frozen, 0);
    dcpg_graph_free(graph);
}

static void check_choice_refused(const model *m, asked what, const char *words) {
    dcpg_graph *graph = model_graph(m);
    dcpg_err err = {0};
    int64_t before = dcpg_graph_count(graph).trained;
    assert_int_equal(set_trainable(graph, &what, &err), DCPG_E_USAGE);
    if (!strstr(err.text, words)) fail_msg("no '%s' in: %s", words, err.text);
    assert_int_equal(dcpg_graph_count(graph).trained, before);
    dcpg_graph_free(graph);
}

static void choices_refused(void **state) {
    (void)state;
    check_choice_refused(&dna_model, (asked){.trainable = "conv1d"},
                         "--trainable: 'conv1d' matches no layer");
    check_choice_refused(&dna_model, (asked){.not_trainable = "cpg/a"}, "the first is dna/conv1d_1");
    check_choice_refused(&dna_model, (asked){.not_trainable = "dna/("}, "not a regular expression");
    check_choice_refused(&dna_model, (asked){.train_models = "cpg"}, "the model has no cpg part");
    check_choice_refused(&dna_model, (asked){.train_models = "joint"}, "the model has no joint part");
    check_choice_refused(&dna_model, (asked){.train_models = "DNA"}, "'DNA' is not dna, cpg or joint");
    check_choice_refused(&cpg_model, (asked){.freeze_filter = true},
                         "--freeze_filter: the model has no convolution");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_go),
        cmocka_unit_test(new_heads),
        cmocka_unit_test(what_nothing_needs_goes),
        cmocka_unit_test(heads_that_stay),
        cmocka_unit_test(parts_join),
        cmocka_unit_test(part_alone),
        cmocka_unit_test(other_cells),
        cmocka_unit_test(other_window),
        cmocka_unit_test(windows_that_do_not_fit),
        cmocka_unit_test(first_conv),
        cmocka_unit_test(choices),
        cmocka_unit_test(frozen_by_the_file),
        cmocka_unit_test(choices_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
