/* SPDX-License-Identifier: MIT */
/* Models of the reference program, loaded from files by all ranks, make its predictions; models are found
 * under every name that users give. */
#include <cmocka_all.h>

#include <dcpg/file.h>
#include <dcpg/h5.h>
#include <dcpg/keras.h>
#include <dcpg/memory.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static dcpg_par par;

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

static char *shared_path(const char *name) {
    const char *shared = getenv("DCPG_SHARED");
    char *path = dcpg_format("%s/oracle/%s", shared ? shared : "../shared", name);
    if (dcpg_file_exists(path)) return path;
    if (par.rank == 0) print_message("%s is not there: skipped\n", path);
    dcpg_free(path);
    skip();
    return NULL;
}

static void add(dcpg_strings *list, const char *text) {
    dcpg_err err = {0};
    ok(dcpg_strings_add(list, text, &err), &err);
}

typedef struct model {
    dcpg_graph *graph;
    dcpg_weights weights;
    dcpg_net *net;
} model;

static dcpg_status load(const char *a, const char *b, const char *backend, model *m, dcpg_err *err) {
    dcpg_strings files = {0};
    *m = (model){0};
    add(&files, a);
    if (b) add(&files, b);
    dcpg_model loaded;
    dcpg_status status = dcpg_model_load_all(&files, backend, &par, NULL, &loaded, err);
    m->graph = loaded.graph;
    m->weights = loaded.weights;
    dcpg_strings_free(&files);
    return status;
}

static void model_free(model *m) {
    dcpg_net_free(m->net);
    dcpg_weights_free(&m->weights);
    dcpg_graph_free(m->graph);
}

/* ---- predictions ---- */

enum { MAX_SITE = 48, WLEN = 101, CPG_WLEN = 10, NB_CELL = 3 };

/* Reads the inputs of a data file, with missing neighbours treated as in the reference program. */
static void read_inputs(dcpg_h5 *file, int64_t nb, uint8_t *dna, float *cpg) {
    static float state[MAX_SITE * CPG_WLEN], dist[MAX_SITE * CPG_WLEN];
    dcpg_err err = {0};
    ok(dcpg_h5_read(file, "inputs/dna", DCPG_H5_U8, NULL, dna, &err), &err);
    for (int cell = 0; cell < NB_CELL; cell++) {
        char path[64];
        snprintf(path, sizeof path, "inputs/cpg/cell%d/state", cell);
        ok(dcpg_h5_read(file, path, DCPG_H5_F32, NULL, state, &err), &err);
        snprintf(path, sizeof path, "inputs/cpg/cell%d/dist", cell);
        ok(dcpg_h5_read(file, path, DCPG_H5_F32, NULL, dist, &err), &err);
        for (int64_t i = 0; i < nb; i++)
            for (int j = 0; j < CPG_WLEN; j++) {
                float *to = cpg + (i * NB_CELL + cell) * 2 * CPG_WLEN + j, d = dist[i * CPG_WLEN + j];
                to[0] = state[i * CPG_WLEN + j] < 0 ? 0 : state[i * CPG_WLEN + j];
                to[CPG_WLEN] = d < 0 || d > 25000 ? 1 : d / 25000;
            }
    }
}

static int64_t open_inputs(const char *path, uint8_t *dna, float *cpg) {
    dcpg_h5 *file = NULL;
    dcpg_h5_shape shape;
    dcpg_err err = {0};
    ok(dcpg_h5_open(path, NULL, &file, &err), &err);
    ok(dcpg_h5_shape_of(file, "pos", &shape, &err), &err);
    assert_in_range(shape.dim[0], 1, MAX_SITE);
    read_inputs(file, shape.dim[0], dna, cpg);
    dcpg_h5_close(file);
    return shape.dim[0];
}

/* Largest difference from the reference's predictions over all sites and outputs. */
static double difference(model *m, const char *data, const char *preds) {
    static uint8_t dna[MAX_SITE * WLEN];
    static float cpg[MAX_SITE * NB_CELL * 2 * CPG_WLEN];
    dcpg_net_options options = {.max_rows = MAX_SITE, .total = 1, .end = 1};
    dcpg_h5 *file = NULL;
    dcpg_err err = {0};
    double worst = 0;
    int64_t nb = open_inputs(data, dna, cpg);
    ok(dcpg_net_new(m->graph, &options, &m->net, &err), &err);
    ok(dcpg_weights_apply(&m->weights, m->net, &err), &err);
    dcpg_net_forward(m->net, &(dcpg_input){.n = nb, .n_global = nb, .dna = dna, .cpg = cpg}, false, NULL);
    ok(dcpg_h5_open(preds, NULL, &file, &err), &err);
    assert_int_equal(m->net->nb_output, NB_CELL);
    for (int o = 0; o < NB_CELL; o++) {
        float theirs[MAX_SITE];
        int64_t stride;
        const float *ours = dcpg_net_prediction(m->net, o, &stride);
        char *path = dcpg_format("preds/%s", m->net->output[o]);
        ok(dcpg_h5_read(file, path, DCPG_H5_F32, NULL, theirs, &err), &err);
        for (int64_t i = 0; i < nb; i++) worst = fmax(worst, fabs((double)(ours[i * stride] - theirs[i])));
        dcpg_free(path);
    }
    dcpg_h5_close(file);
    return worst;
}

/* The difference of a case: its model files, data.h5 and preds.h5 in one folder. */
static double case_difference(const char *folder, const char *first, const char *second,
                              const char *backend) {
    char *paths[4];
    const char *names[4] = {first, second ? second : first, "data.h5", "preds.h5"};
    dcpg_err err = {0};
    model m;
    for (int i = 0; i < 4; i++) {
        char *name = dcpg_format("%s/%s", folder, names[i]);
        paths[i] = shared_path(name);
        dcpg_free(name);
    }
    ok(load(paths[0], second ? paths[1] : NULL, backend, &m, &err), &err);
    double worst = difference(&m, paths[2], paths[3]);
    model_free(&m);
    for (int i = 0; i < 4; i++) dcpg_free(paths[i]);
    return worst;
}

/* deepcpg/cnnrnn01 is left out: its predictions are those of a forward GRU that stops after the first step
 * (they agree with that to 1e-7; in tests/nn a model of the same name agrees with a reference that takes all
 * steps). */
static void test_reference_predictions(void **state) {
    static const char *const cases[] = {"deepcpg/cnnl2h128", "deepcpg/rnnl1", "deepcpg/resnet01",
                                        "deepcpg/joint"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_true(case_difference(cases[i], "model.json", "weights0.h5", NULL) < 1e-6);
}

static void test_keras1_predictions(void **state) {
    (void)state;
    assert_true(case_difference("keras1/cnn", "model.json", "weights.h5", "theano") < 1e-5);
    assert_true(case_difference("keras1/cnn", "model.h5", NULL, NULL) < 1e-5);
    assert_true(case_difference("keras1/rnn", "model.json", "weights.h5", NULL) < 1e-5);
    assert_true(case_difference("keras1/rnn", "model.h5", NULL, "tensorflow") < 1e-5);
    /* Kernels read as those of the other back end give other predictions. */
    assert_true(case_difference("keras1/cnn", "model.h5", NULL, "tensorflow") > 1e-3);
}

/* ---- where models are found ---- */

static char folder[64];

static char *in_folder(const char *name) { return dcpg_format("%s/%s", folder, name); }

/* Writes a model with one head, whose bias identifies it. On rank 0. */
static void write_model(const char *name, bool complete, float mark) {
    dcpg_graph *graph = dcpg_graph_new();
    dcpg_glayer like = dcpg_glayer_default();
    dcpg_weights weights;
    dcpg_err err = {0};
    int at[3];
    graph->dna_wlen = 5;
    like.units = 1;
    ok(dcpg_graph_add(graph, &(dcpg_new_layer){.kind = DCPG_INPUT, .name = "dna"}, &at[0], &err), &err);
    ok(dcpg_graph_add(
           graph,
           &(dcpg_new_layer){.kind = DCPG_FLATTEN, .name = "dna/flatten_1", .nb_source = 1, .source = &at[0]},
           &at[1], &err),
       &err);
    ok(dcpg_graph_add(
           graph,
           &(dcpg_new_layer){
               .kind = DCPG_DENSE, .name = "cpg/a", .nb_source = 1, .source = &at[1], .like = &like},
           &at[2], &err),
       &err);
    ok(dcpg_graph_add_output(graph, at[2], &err), &err);
    ok(dcpg_weights_new(graph, &weights, &err), &err);
    dcpg_weights_find(&weights, "cpg/a", "bias")->value[0] = mark;
    char *path = in_folder(name), *json = dcpg_keras_json(graph);
    if (strstr(name, ".json"))
        ok(dcpg_file_write(path, json, strlen(json), &err), &err);
    else
        ok(dcpg_keras_write_weights(path, graph, &weights, complete, &err), &err);
    dcpg_free(path);
    dcpg_free(json);
    dcpg_weights_free(&weights);
    dcpg_graph_free(graph);
}

/* The mark of the model loaded from the folder, or from the named files in it. */
static float mark_of(const char *a, const char *b) {
    char *first = a ? in_folder(a) : dcpg_strdup(folder), *second = b ? in_folder(b) : NULL;
    dcpg_err err = {0};
    model m;
    ok(load(first, second, NULL, &m, &err), &err);
    float mark = dcpg_weights_find(&m.weights, "cpg/a", "bias")->value[0];
    model_free(&m);
    dcpg_free(first);
    dcpg_free(second);
    return mark;
}

static void check_refused(const char *a, const char *b, const char *why) {
    char *first = a ? in_folder(a) : dcpg_strdup(folder), *second = b ? in_folder(b) : NULL;
    dcpg_err err = {0};
    model m;
    assert_int_not_equal(load(first, second, NULL, &m, &err), DCPG_OK);
    assert_true(!m.graph && m.weights.nb == 0);
    if (!strstr(err.text, why)) fail_msg("'%s' lacks '%s'", err.text, why);
    dcpg_free(first);
    dcpg_free(second);
}

/* Rank 0 writes while the others wait. */
static void write_one(const char *name, bool complete, float mark) {
    if (par.rank == 0) write_model(name, complete, mark);
    dcpg_barrier_all(&par);
}

static void remove_one(const char *name) {
    char *path = in_folder(name);
    dcpg_barrier_all(&par);
    if (par.rank == 0) unlink(path);
    dcpg_barrier_all(&par);
    dcpg_free(path);
}

static void test_places(void **state) {
    dcpg_err err = {0};
    (void)state;
    snprintf(folder, sizeof folder, "test_keras_model_%lld",
             (long long)dcpg_max_i64_all(&par, par.rank == 0 ? getpid() : 0));
    check_refused(NULL, NULL, "no such model file or directory");
    if (par.rank == 0) ok(dcpg_make_dirs(folder, &err), &err);
    dcpg_barrier_all(&par);
    check_refused(NULL, NULL, "neither model.json nor model.h5");
    write_one("model.json", false, 0);
    check_refused(NULL, NULL, "model.json without weights");
    remove_one("model.json");
    write_one("model.h5", true, 1);
    assert_true(mark_of(NULL, NULL) == 1 && mark_of("model.h5", NULL) == 1);
    write_one("model.json", false, 0);
    assert_true(mark_of(NULL, NULL) == 1);
    check_refused("model.json", NULL, "name its weights file");
    write_one("model_weights_train.h5", true, 2);
    assert_true(mark_of(NULL, NULL) == 2);
    write_one("model_weights_val.h5", true, 3);
    assert_true(mark_of(NULL, NULL) == 3);
    write_one("model_weights.h5", false, 4);
    assert_true(mark_of(NULL, NULL) == 4);
    assert_true(mark_of("model.json", "model_weights_train.h5") == 2);
    assert_true(mark_of("model.h5", "model_weights.h5") == 4);
    check_refused("model_weights.h5", NULL, "weights only");
    check_refused("model.json", "no_such.h5", "no_such.h5");
    static const char *const names[] = {"model.h5", "model.json", "model_weights.h5", "model_weights_val.h5",
                                        "model_weights_train.h5"};
    for (int i = 0; i < 5; i++) remove_one(names[i]);
    if (par.rank == 0) assert_int_equal(rmdir(folder), 0);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference_predictions),
                                       cmocka_unit_test(test_keras1_predictions),
                                       cmocka_unit_test(test_places)};
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK || dcpg_gemm_start(NULL, &err) != DCPG_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
