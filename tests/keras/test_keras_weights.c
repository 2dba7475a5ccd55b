/* SPDX-License-Identifier: MIT */
/* Weights in Keras's HDF5 files: those of the reference programs, of Keras 1 and 2, are read; ours are
 * written and read without a changed bit; broken files are refused with the reason. */
#include <cmocka_all.h>

#include <dcpg/file.h>
#include <dcpg/h5.h>
#include <dcpg/keras.h>
#include <dcpg/memory.h>
#include <dcpg/spec.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Path of a file of this process in the current folder; only the last one stays valid. */
static const char *own_path(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "keras_weights_%ld_%s", (long)getpid(), name);
    return path;
}

static char *shared_path(const char *name) {
    const char *shared = getenv("DCPG_SHARED");
    char *path = dcpg_format("%s/oracle/%s", shared ? shared : "../shared", name);
    if (dcpg_file_exists(path)) return path;
    print_message("%s is not there: skipped\n", path);
    dcpg_free(path);
    skip();
    return NULL;
}

/* Fails the test with the error's text. */
static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

static dcpg_graph *parse_shared(const char *name) {
    char *path = shared_path(name), *json = NULL;
    dcpg_graph *graph = NULL;
    dcpg_err err = {0};
    ok(dcpg_file_read(path, (size_t)1 << 24, &json, &err), &err);
    ok(dcpg_keras_parse(json, path, &graph, &err), &err);
    dcpg_free(json);
    dcpg_free(path);
    return graph;
}

static size_t size_of(const struct dcpg_weight_value *entry) {
    const dcpg_weight weight = {.ndim = entry->ndim,
                                .shape = {entry->shape[0], entry->shape[1], entry->shape[2]}};
    return (size_t)dcpg_weight_size(&weight);
}

static void assert_same(const dcpg_weights *a, const dcpg_weights *b) {
    assert_int_equal(a->nb, b->nb);
    for (int i = 0; i < a->nb; i++) {
        assert_string_equal(a->entry[i].layer, b->entry[i].layer);
        assert_string_equal(a->entry[i].name, b->entry[i].name);
        assert_memory_equal(a->entry[i].value, b->entry[i].value, size_of(&a->entry[i]) * sizeof(float));
    }
}

/* ---- files of the reference programs ---- */

/* h5py compares two weights files: they must have the same arrays in the same order, the second one's
 * convolution kernels flipped if `flip`. */
static const char compare[] =
    "import json, sys\n"
    "try: import h5py, numpy as np\n"
    "except ImportError: sys.exit(0)\n"
    "def text(x): return x.decode() if isinstance(x, bytes) else str(x)\n"
    "def arrays(path):\n"
    "    f = h5py.File(path, 'r'); g = f['model_weights'] if 'model_weights' in f else f; out = []\n"
    "    for layer in g.attrs['layer_names']:\n"
    "        h = g[text(layer)]\n"
    "        for name in h.attrs['weight_names']: out.append((text(layer), text(name).split(':')[0], "
    "h[text(name)][()]))\n"
    "    return out\n"
    "f = h5py.File(sys.argv[1], 'r'); g = f['model_weights'] if 'model_weights' in f else f\n"
    "assert g.attrs['layer_names'].dtype.kind == 'S'\n"
    "assert text(f.attrs['backend']) == text(g.attrs['backend']) == 'tensorflow' and "
    "text(f.attrs['keras_version']) == '2.2.4'\n"
    "assert g is f or json.loads(text(f.attrs['model_config']))['class_name'] == 'Model'\n"
    "a, b, flip = arrays(sys.argv[1]), arrays(sys.argv[2]), sys.argv[3] == '1'\n"
    "assert len(a) == len(b) > 0, (len(a), len(b))\n"
    "for x, y in zip(a, b):\n"
    "    assert x[:2] == y[:2], (x[:2], y[:2])\n"
    "    v = y[2][::-1] if flip and y[2].ndim == 3 else y[2]\n"
    "    assert x[2].dtype == np.float32 and np.array_equal(x[2], v), x[:2]\n";

static void compare_by_h5py(const char *ours, const char *theirs, bool flipped) {
    const char *script = own_path("compare.py");
    FILE *file = fopen(script, "w");
    assert_non_null(file);
    fputs(compare, file);
    fclose(file);
    char *command = dcpg_format("/usr/bin/env python3 -c pass 2>/dev/null || exit 0; P=/usr/bin/python3; [ "
                                "-x $P ] || P=python3; $P '%s' '%s' '%s' %d",
                                script, ours, theirs, flipped);
    assert_int_equal(system(command), 0);
    dcpg_free(command);
    unlink(own_path("compare.py"));
}

static void check_there_and_back(const char *json, const char *h5, bool flipped, bool names_kept) {
    dcpg_graph *graph = parse_shared(json);
    char *theirs = shared_path(h5), *ours = dcpg_strdup(own_path("back.h5"));
    dcpg_err err = {0};
    dcpg_weights weights, back;
    ok(dcpg_keras_read_weights(theirs, graph, NULL, &weights, &err), &err);
    for (int complete = 0; complete < 2; complete++) {
        ok(dcpg_keras_write_weights(ours, graph, &weights, complete, &err), &err);
        ok(dcpg_keras_read_weights(ours, graph, "theano", &back, &err), &err);
        assert_same(&weights, &back);
        dcpg_weights_free(&back);
        if (names_kept && complete == flipped) compare_by_h5py(ours, theirs, flipped);
    }
    unlink(ours);
    dcpg_weights_free(&weights);
    dcpg_graph_free(graph);
    dcpg_free(theirs);
    dcpg_free(ours);
}

static void test_reference_program(void **state) {
    static const char *const cases[] = {"cnnl2h128", "rnnl1", "resnet01", "cnnrnn01", "joint"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[64], h5[64];
        snprintf(json, sizeof json, "deepcpg/%s/model.json", cases[i]);
        snprintf(h5, sizeof h5, "deepcpg/%s/weights1.h5", cases[i]);
        check_there_and_back(json, h5, true, true);
    }
    check_there_and_back("deepcpg_run/model.json", "deepcpg_run/model.h5", true, true);
    check_there_and_back("deepcpg_run/model.json", "deepcpg_run/model_weights_train.h5", true, true);
}

static void test_keras(void **state) {
    static const char *const cases[] = {"CnnL1h128", "CnnL2h128", "CnnRnn01", "FcAvg", "JointL1h512",
                                        "Outputs",   "ResNet01",  "RnnL1",    "RnnL2"};
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char json[64], h5[64];
        snprintf(json, sizeof json, "keras/%s.json", cases[i]);
        snprintf(h5, sizeof h5, "keras/%s.weights.h5", cases[i]);
        check_there_and_back(json, h5, false, true);
    }
}

static void test_keras1_program(void **state) {
    (void)state;
    check_there_and_back("keras1/cnn/model.json", "keras1/cnn/weights.h5", true, false);
    check_there_and_back("keras1/cnn/model.json", "keras1/cnn/model.h5", true, false);
    check_there_and_back("keras1/rnn/model.json", "keras1/rnn/model.h5", true, false);
}

/* ---- a net there and back ---- */

static dcpg_net *small_net(const dcpg_graph *graph, uint64_t seed) {
    dcpg_net_options options = {.max_rows = 1, .total = 1, .end = 1};
    dcpg_net *net = NULL;
    dcpg_err err = {0};
    ok(dcpg_net_new(graph, &options, &net, &err), &err);
    dcpg_net_init(net, seed);
    return net;
}

/* Names as in DeepCpG's own weights: layers of a part without its prefix, joint layers and outputs with it.
 */
static void check_names(void) {
    static const char *const arrays[] = {
        "dna/conv1d_1/conv1d_1/kernel:0",
        "cpg/time_distributed_1/dense_2/bias:0",
        "cpg/bidirectional_1/bidirectional_1/forward_gru_1/kernel:0",
        "cpg/bidirectional_1/bidirectional_1/backward_gru_1/recurrent_kernel:0",
        "joint/dense_3/joint/dense_3/bias:0",
        "cpg/a/cpg/a/kernel:0"};
    dcpg_h5 *file = NULL;
    dcpg_err err = {0};
    ok(dcpg_h5_open(own_path("net.h5"), NULL, &file, &err), &err);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        char *path = dcpg_format("/model_weights/%s", arrays[i]);
        if (!dcpg_h5_exists(file, path)) fail_msg("%s is missing", path);
        dcpg_free(path);
    }
    dcpg_h5_close(file);
}

static void test_net(void **state) {
    (void)state;
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    dcpg_graph *graph = NULL;
    ok(dcpg_strings_add(&outputs, "cpg/a", &err), &err);
    ok(dcpg_strings_add(&outputs, "cpg/b", &err), &err);
    dcpg_model_options options = {.dna = "CnnL1h128",
                                  .cpg = "RnnL1",
                                  .joint = "JointL1h512",
                                  .dna_wlen = 31,
                                  .cpg_wlen = 4,
                                  .nb_cell = 2,
                                  .outputs = &outputs};
    ok(dcpg_model_build(&options, &graph, &err), &err);
    dcpg_net *net = small_net(graph, 1), *other = small_net(graph, 2);
    assert_memory_not_equal(net->params, other->params, net->nb_value * sizeof(float));
    dcpg_weights weights;
    ok(dcpg_keras_write(own_path("net.h5"), net, true, &err), &err);
    ok(dcpg_keras_read_weights(own_path("net.h5"), graph, NULL, &weights, &err), &err);
    ok(dcpg_weights_apply(&weights, other, &err), &err);
    check_names();
    assert_memory_equal(net->params, other->params, net->nb_value * sizeof(float));
    /* A weight that is missing, and one of another shape. */
    struct dcpg_weight_value *bias = dcpg_weights_find(&weights, "joint/dense_3", "bias");
    assert_non_null(bias);
    bias->shape[0]--;
    assert_int_equal(dcpg_weights_apply(&weights, other, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, "layer joint/dense_3: its bias has another shape than the model's");
    bias->name[0] = 'x';
    err = (dcpg_err){0};
    assert_int_equal(dcpg_weights_apply(&weights, other, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, "layer joint/dense_3: its bias is missing among the weights");
    unlink(own_path("net.h5"));
    dcpg_weights_free(&weights);
    dcpg_net_free(net);
    dcpg_net_free(other);
    dcpg_graph_free(graph);
    dcpg_strings_free(&outputs);
}

/* A description and a list of names that are longer than an attribute in old HDF5 files can be. */
static void test_long(void **state) {
    (void)state;
    dcpg_strings outputs = {0}, layers = {0};
    dcpg_err err = {0};
    dcpg_graph *graph = NULL, *again = NULL;
    dcpg_weights weights;
    dcpg_h5 *file = NULL;
    for (int i = 0; i < 900; i++) {
        char *name =
            dcpg_format("cpg/a_cell_with_a_name_that_is_quite_long_number_%04d_of_many_of_its_kind", i);
        ok(dcpg_strings_add(&outputs, name, &err), &err);
        dcpg_free(name);
    }
    dcpg_model_options options = {.cpg = "FcAvg", .cpg_wlen = 2, .nb_cell = 1, .outputs = &outputs};
    ok(dcpg_model_build(&options, &graph, &err), &err);
    ok(dcpg_weights_new(graph, &weights, &err), &err);
    ok(dcpg_keras_write_weights(own_path("long.h5"), graph, &weights, true, &err), &err);
    ok(dcpg_h5_open(own_path("long.h5"), NULL, &file, &err), &err);
    assert_false(dcpg_h5_has_attr(file, "/model_weights", "layer_names"));
    ok(dcpg_h5_read_attr_strings(file, "/model_weights", "layer_names", &layers, &err), &err);
    assert_int_equal(layers.n, graph->nb_layer);
    char *config = NULL, *ours = dcpg_keras_json(graph);
    ok(dcpg_h5_read_attr_string(file, "/", "model_config", &config, &err), &err);
    dcpg_h5_close(file);
    ok(dcpg_keras_parse(config, "long.h5", &again, &err), &err);
    char *twice = dcpg_keras_json(again);
    assert_string_equal(ours, twice);
    dcpg_weights_free(&weights);
    ok(dcpg_keras_read_weights(own_path("long.h5"), again, NULL, &weights, &err), &err);
    unlink(own_path("long.h5"));
    dcpg_weights_free(&weights);
    dcpg_graph_free(graph);
    dcpg_graph_free(again);
    dcpg_strings_free(&outputs);
    dcpg_strings_free(&layers);
    dcpg_free(config);
    dcpg_free(ours);
    dcpg_free(twice);
}

/* ---- files made here ---- */

/* A graph with a convolution, batch norm, a plain GRU over time, one head. */
static dcpg_graph *made_graph(void) {
    dcpg_graph *graph = dcpg_graph_new();
    dcpg_glayer like = dcpg_glayer_default();
    dcpg_err err = {0};
    int at[5];
    graph->dna_wlen = 7;
    ok(dcpg_graph_add(graph, &(dcpg_new_layer){.kind = DCPG_INPUT, .name = "dna"}, &at[0], &err), &err);
    like.units = 2;
    like.k = 3;
    ok(dcpg_graph_add(
           graph,
           &(dcpg_new_layer){
               .kind = DCPG_CONV, .name = "dna/conv", .nb_source = 1, .source = &at[0], .like = &like},
           &at[1], &err),
       &err);
    ok(dcpg_graph_add(
           graph,
           &(dcpg_new_layer){
               .kind = DCPG_BATCH_NORM, .name = "dna/bn", .nb_source = 1, .source = &at[1], .like = &like},
           &at[2], &err),
       &err);
    like.units = 5;
    ok(dcpg_graph_add(
           graph,
           &(dcpg_new_layer){
               .kind = DCPG_GRU, .name = "dna/gru", .nb_source = 1, .source = &at[2], .like = &like},
           &at[3], &err),
       &err);
    like.units = 1;
    ok(dcpg_graph_add(
           graph,
           &(dcpg_new_layer){
               .kind = DCPG_DENSE, .name = "cpg/a", .nb_source = 1, .source = &at[3], .like = &like},
           &at[4], &err),
       &err);
    ok(dcpg_graph_add_output(graph, at[4], &err), &err);
    return graph;
}

/* Value i of array `name`: different for every array and i. */
static float value_of(const char *name, int64_t i) {
    return (float)(strlen(name) * 1000 + (unsigned char)name[strlen(name) - 1]) + (float)i / 64;
}

static void put(dcpg_h5 *file, const char *group, const char *name, int ndim, const int64_t *dim) {
    dcpg_h5_shape shape = {.type = DCPG_H5_F32, .ndim = ndim};
    float value[512];
    int64_t size = 1;
    dcpg_err err = {0};
    char *path = dcpg_format("%s/%s", group, name);
    for (int d = 0; d < ndim; d++) size *= shape.dim[d] = dim[d];
    for (int64_t i = 0; i < size; i++) value[i] = value_of(name, i);
    ok(dcpg_h5_make(file, path, &shape, &err), &err);
    ok(dcpg_h5_write(file, path, DCPG_H5_F32, NULL, value, &err), &err);
    dcpg_free(path);
}

/* Writes the attribute weight_names of a group: `names` separated by blanks. */
static void name_weights(dcpg_h5 *file, const char *group, const char *attribute, const char *names) {
    dcpg_strings list = {0};
    dcpg_err err = {0};
    char *copy = dcpg_strdup(names);
    for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
        ok(dcpg_strings_add(&list, word, &err), &err);
    ok(dcpg_h5_make_group(file, group, &err), &err);
    ok(dcpg_h5_write_attr_strings(file, group, attribute, &list, &err), &err);
    dcpg_strings_free(&list);
    dcpg_free(copy);
}

/* How a file of Keras 1 is broken. */
typedef enum spoilt {
    WHOLE,
    EARLY_CONV,
    WITHOUT_ARRAY,
    WRONG_SHAPE,
    WITHOUT_LAYER,
    ONE_MORE_LAYER,
    SWAPPED,
    ONE_MORE_ARRAY,
    WITHOUT_NAMES
} spoilt;

static void put_gru(dcpg_h5 *file, spoilt how) {
    static const char gates[] = "zrh";
    for (int g = 0; g < 3; g++) {
        char name[16];
        snprintf(name, sizeof name, "gru_W_%c", gates[g]);
        put(file, "/dna/gru", name, 2, (int64_t[]){2, 5});
        snprintf(name, sizeof name, "gru_U_%c", gates[g]);
        if (how != WITHOUT_ARRAY || g != 2)
            put(file, "/dna/gru", name, 2, (int64_t[]){5, how == WRONG_SHAPE && g == 1 ? 4 : 5});
        snprintf(name, sizeof name, "gru_b_%c", gates[g]);
        put(file, "/dna/gru", name, 1, (int64_t[]){5});
    }
    name_weights(file, "/dna/gru", "weight_names",
                 how == SWAPPED ? "gru_U_z gru_W_z gru_b_z gru_W_r gru_U_r gru_b_r gru_W_h gru_U_h gru_b_h"
                                : "gru_W_z gru_U_z gru_b_z gru_W_r gru_U_r gru_b_r gru_W_h gru_U_h gru_b_h");
}

static const char *keras1_file(spoilt how) {
    dcpg_h5 *file = NULL;
    dcpg_err err = {0};
    ok(dcpg_h5_create(own_path("keras1.h5"), NULL, &file, &err), &err);
    if (how != WITHOUT_NAMES)
        name_weights(file, "/", "layer_names",
                     how == WITHOUT_LAYER    ? "dna dna/conv dna/gru cpg/a"
                     : how == ONE_MORE_LAYER ? "dna dna/conv dna/bn dna/gru cpg/b cpg/a"
                                             : "dna dna/conv dna/bn dna/gru cpg/a");
    put_gru(file, how);
    put(file, "/dna/conv", "conv_W", 4,
        how == EARLY_CONV ? (int64_t[]){2, 4, 3, 1} : (int64_t[]){3, 1, 4, 2});
    put(file, "/dna/conv", "conv_b", 1, (int64_t[]){2});
    put(file, "/dna/bn", "bn_gamma", 1, (int64_t[]){2});
    put(file, "/dna/bn", "bn_beta", 1, (int64_t[]){2});
    put(file, "/dna/bn", "bn_running_mean", 1, (int64_t[]){2});
    put(file, "/dna/bn", "bn_running_std", 1, (int64_t[]){2});
    put(file, "/cpg/a", "cpg/a_W", 2, (int64_t[]){5, 1});
    put(file, "/cpg/a", "cpg/a_b", 1, (int64_t[]){1});
    put(file, "/cpg/b", "cpg/b_W", 2, (int64_t[]){5, 1});
    name_weights(file, "/dna", "weight_names", "");
    name_weights(file, "/dna/conv", "weight_names", "conv_W conv_b");
    name_weights(file, "/dna/bn", "weight_names",
                 how == ONE_MORE_ARRAY ? "bn_gamma bn_beta bn_running_mean bn_running_std bn_gamma"
                                       : "bn_gamma bn_beta bn_running_mean bn_running_std");
    name_weights(file, "/cpg/a", "weight_names", "cpg/a_W cpg/a_b");
    name_weights(file, "/cpg/b", "weight_names", "cpg/b_W");
    ok(dcpg_h5_commit(file, &err), &err);
    return own_path("keras1.h5");
}

static float weight_at(const dcpg_weights *weights, const char *layer, const char *name, int64_t i) {
    struct dcpg_weight_value *entry = dcpg_weights_find(weights, layer, name);
    assert_non_null(entry);
    return entry->value[i];
}

#define assert_float(a, b) assert_true((a) == (b))

static void check_keras1_values(const dcpg_weights *weights, bool flipped, bool early) {
    for (int64_t k = 0; k < 3; k++)
        for (int64_t c = 0; c < 4; c++)
            for (int64_t f = 0; f < 2; f++) {
                int64_t from = flipped ? 2 - k : k,
                        at = early ? (f * 4 + c) * 3 + from : (from * 4 + c) * 2 + f;
                assert_float(weight_at(weights, "dna/conv", "kernel", (k * 4 + c) * 2 + f),
                             value_of("conv_W", at));
            }
    assert_float(weight_at(weights, "dna/bn", "moving_mean", 1), value_of("bn_running_mean", 1));
    assert_float(weight_at(weights, "dna/bn", "moving_variance", 1), value_of("bn_running_std", 1));
    assert_float(weight_at(weights, "dna/bn", "gamma", 0), value_of("bn_gamma", 0));
    for (int64_t g = 0; g < 3; g++) {
        char name[16];
        snprintf(name, sizeof name, "gru_?_%c", "zrh"[g]);
        for (int64_t j = 0; j < 5; j++) {
            for (int64_t i = 0; i < 2; i++)
                assert_float(weight_at(weights, "dna/gru", "kernel", i * 15 + g * 5 + j),
                             value_of(name, i * 5 + j));
            for (int64_t i = 0; i < 5; i++)
                assert_float(weight_at(weights, "dna/gru", "recurrent_kernel", i * 15 + g * 5 + j),
                             value_of(name, i * 5 + j));
            assert_float(weight_at(weights, "dna/gru", "bias", g * 5 + j), value_of(name, j));
        }
    }
    assert_float(weight_at(weights, "cpg/a", "kernel", 4), value_of("cpg/a_W", 4));
}

static void test_keras1_made(void **state) {
    static const char *const backends[] = {NULL, "theano", "tensorflow"};
    (void)state;
    dcpg_graph *graph = made_graph();
    for (int early = 0; early < 2; early++)
        for (int b = 0; b < 3; b++) {
            dcpg_weights weights;
            dcpg_err err = {0};
            ok(dcpg_keras_read_weights(keras1_file(early ? EARLY_CONV : WHOLE), graph, backends[b], &weights,
                                       &err),
               &err);
            check_keras1_values(&weights, b != 2, early);
            dcpg_weights_free(&weights);
        }
    dcpg_weights weights;
    dcpg_err err = {0};
    assert_int_equal(dcpg_keras_read_weights(own_path("keras1.h5"), graph, "mxnet", &weights, &err),
                     DCPG_E_USAGE);
    unlink(own_path("keras1.h5"));
    dcpg_graph_free(graph);
}

static void check_refused(const char *path, const dcpg_graph *graph, const char *why) {
    dcpg_weights weights;
    dcpg_err err = {0};
    assert_int_equal(dcpg_keras_read_weights(path, graph, NULL, &weights, &err), DCPG_E_INPUT);
    assert_int_equal(weights.nb, 0);
    if (!strstr(err.text, path) || !strstr(err.text, why))
        fail_msg("'%s' lacks '%s' or '%s'", err.text, path, why);
}

static void test_broken(void **state) {
    (void)state;
    dcpg_graph *graph = made_graph();
    check_refused(keras1_file(WITHOUT_ARRAY), graph, "array /dna/gru/gru_U_h of layer dna/gru is missing");
    check_refused(keras1_file(WRONG_SHAPE), graph,
                  "layer dna/gru: array gru_U_r has the shape [5, 4], the model needs [5, 5]");
    check_refused(keras1_file(WITHOUT_LAYER), graph, "no gamma of layer dna/bn");
    check_refused(keras1_file(ONE_MORE_LAYER), graph,
                  "it holds weights of layer cpg/b, which the model does not have");
    check_refused(keras1_file(SWAPPED), graph, "layer dna/gru: expected its kernel, found array gru_U_z");
    check_refused(keras1_file(ONE_MORE_ARRAY), graph,
                  "layer dna/bn: array bn_gamma is one more than the model has");
    check_refused(keras1_file(WITHOUT_NAMES), graph, "no attribute layer_names");
    char *path = dcpg_strdup(keras1_file(WHOLE)), *bytes = NULL;
    dcpg_err err = {0};
    assert_int_equal(truncate(path, 5000), 0);
    check_refused(path, graph, "");
    ok(dcpg_file_write(path, "hello", 5, &err), &err);
    check_refused(path, graph, "");
    unlink(path);
    check_refused(path, graph, "");
    dcpg_free(path);
    dcpg_free(bytes);
    dcpg_graph_free(graph);
}

/* Weights of a nested model: its trained ones first, then its moving statistics. */
static void test_nested(void **state) {
    (void)state;
    dcpg_graph *graph = made_graph();
    for (int i = 1; i < 3; i++) {
        char *name = dcpg_format("tower/%s", graph->layer[i].name + 4);
        dcpg_free(graph->layer[i].name);
        graph->layer[i].name = name;
    }
    dcpg_h5 *file = NULL;
    dcpg_weights weights;
    dcpg_err err = {0};
    ok(dcpg_h5_create(own_path("nested.h5"), NULL, &file, &err), &err);
    name_weights(file, "/", "layer_names", "dna tower dna/gru cpg/a");
    name_weights(file, "/dna", "weight_names", "");
    name_weights(file, "/tower", "weight_names",
                 "conv/kernel:0 conv/bias:0 bn/gamma:0 bn/beta:0 bn/moving_mean:0 bn/moving_variance:0");
    name_weights(file, "/dna/gru", "weight_names", "gru/kernel:0 gru/recurrent_kernel:0 gru/bias:0");
    name_weights(file, "/cpg/a", "weight_names", "cpg/a/kernel:0 cpg/a/bias:0");
    put(file, "/tower", "conv/kernel:0", 3, (int64_t[]){3, 4, 2});
    put(file, "/tower", "conv/bias:0", 1, (int64_t[]){2});
    put(file, "/tower", "bn/gamma:0", 1, (int64_t[]){2});
    put(file, "/tower", "bn/beta:0", 1, (int64_t[]){2});
    put(file, "/tower", "bn/moving_mean:0", 1, (int64_t[]){2});
    put(file, "/tower", "bn/moving_variance:0", 1, (int64_t[]){2});
    put(file, "/dna/gru", "gru/kernel:0", 2, (int64_t[]){2, 15});
    put(file, "/dna/gru", "gru/recurrent_kernel:0", 2, (int64_t[]){5, 15});
    put(file, "/dna/gru", "gru/bias:0", 1, (int64_t[]){15});
    put(file, "/cpg/a", "cpg/a/kernel:0", 2, (int64_t[]){5, 1});
    put(file, "/cpg/a", "cpg/a/bias:0", 1, (int64_t[]){1});
    ok(dcpg_h5_commit(file, &err), &err);
    ok(dcpg_keras_read_weights(own_path("nested.h5"), graph, NULL, &weights, &err), &err);
    assert_float(weight_at(&weights, "tower/conv", "kernel", 23), value_of("conv/kernel:0", 23));
    assert_float(weight_at(&weights, "tower/bn", "moving_variance", 1), value_of("bn/moving_variance:0", 1));
    assert_float(weight_at(&weights, "cpg/a", "bias", 0), value_of("cpg/a/bias:0", 0));
    unlink(own_path("nested.h5"));
    dcpg_weights_free(&weights);
    dcpg_graph_free(graph);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_program),
        cmocka_unit_test(test_keras),
        cmocka_unit_test(test_keras1_program),
        cmocka_unit_test(test_net),
        cmocka_unit_test(test_long),
        cmocka_unit_test(test_keras1_made),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_nested),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
