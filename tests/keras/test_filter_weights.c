/* SPDX-License-Identifier: MIT */
/* Filters of the first convolution are read from files of every accepted layout. */
#include <cmocka_all.h>

#include <dcpg/h5.h>
#include <dcpg/keras.h>
#include <dcpg/memory.h>
#include <dcpg/spec.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static dcpg_par par;
static char path[64];

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

/* ---- files ---- */

enum { MAX_VALUE = 1024 };

/* Value of filter o at position j for base c; none is 0. */
static float filter_value(int64_t j, int64_t c, int64_t o) {
    return (float)(100 * (j + 1) + 10 * (c + 1) + o + 1);
}

typedef enum layout { KERAS1, KERAS2, TURNED } layout;

/* Writes f filters of length k, in `group`. */
static void write_kernel(dcpg_h5 *file, const char *group, layout as, int64_t k, int64_t f) {
    static float value[MAX_VALUE];
    dcpg_err err = {0};
    dcpg_h5_shape shape = {.type = DCPG_H5_F32, .ndim = 4, .dim = {k, 1, 4, f}};
    if (as == KERAS2) shape.ndim = 3, shape.dim[1] = 4, shape.dim[2] = f;
    if (as == TURNED) shape.dim[0] = f, shape.dim[1] = 4, shape.dim[2] = k, shape.dim[3] = 1;
    for (int64_t j = 0; j < k; j++)
        for (int64_t c = 0; c < 4; c++)
            for (int64_t o = 0; o < f; o++)
                value[as == TURNED ? (o * 4 + c) * k + j : (j * 4 + c) * f + o] = filter_value(j, c, o);
    char *name = dcpg_format("%s/weights", group);
    ok(dcpg_h5_make(file, name, &shape, &err), &err);
    ok(dcpg_h5_write(file, name, DCPG_H5_F32, NULL, value, &err), &err);
    dcpg_free(name);
}

static void write_bias(dcpg_h5 *file, const char *group, int64_t f) {
    static float value[MAX_VALUE];
    dcpg_err err = {0};
    dcpg_h5_shape shape = {.type = DCPG_H5_F32, .ndim = 1, .dim = {f}};
    for (int64_t o = 0; o < f; o++) value[o] = (float)(o + 1) / 8;
    char *name = dcpg_format("%s/bias", group);
    ok(dcpg_h5_make(file, name, &shape, &err), &err);
    ok(dcpg_h5_write(file, name, DCPG_H5_F32, NULL, value, &err), &err);
    dcpg_free(name);
}

static void write_file(const char *group, layout as, int64_t k, int64_t f, int64_t nb_bias) {
    dcpg_h5 *file;
    dcpg_err err = {0};
    if (par.rank != 0) return;
    ok(dcpg_h5_create(path, NULL, &file, &err), &err);
    write_kernel(file, group, as, k, f);
    if (nb_bias) write_bias(file, group, nb_bias);
    ok(dcpg_h5_commit(file, &err), &err);
}

/* ---- models ---- */

enum { K = 5, F = 6 };

static dcpg_graph *build(const char *dna, const char *cpg) {
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    ok(dcpg_strings_add(&outputs, "cpg/a", &err), &err);
    dcpg_model_options options = {
        .dna = dna, .dna_wlen = 15, .cpg = cpg, .cpg_wlen = 4, .nb_cell = 2, .outputs = &outputs};
    dcpg_graph *graph;
    ok(dcpg_model_build(&options, &graph, &err), &err);
    dcpg_strings_free(&outputs);
    return graph;
}

static dcpg_status load(dcpg_graph *graph, const char *group, dcpg_weights *weights, dcpg_err *err) {
    dcpg_strings file = {0};
    ok(dcpg_strings_add(&file, path, err), err);
    if (group) ok(dcpg_strings_add(&file, group, err), err);
    ok(dcpg_weights_init(graph, 1, weights, err), err);
    dcpg_model model = {graph, *weights};
    dcpg_status status = dcpg_filter_weights_all(&file, 1, &par, NULL, &model, err);
    dcpg_strings_free(&file);
    return status;
}

/* Checks the filters loaded: `shift` is where the model's filters start in those of the file, of length k; f
 * filters and nb_bias biases are taken. */
static void check_loaded(const char *group, int64_t shift, int64_t k, int64_t f, int64_t nb_bias) {
    dcpg_graph *graph = build("conv[6@5]_mp[2]_conv[3@3]_gap", NULL);
    dcpg_weights weights, before;
    dcpg_err err = {0};
    ok(load(graph, group, &weights, &err), &err);
    ok(dcpg_weights_init(graph, 1, &before, &err), &err);
    const float *kernel = dcpg_weights_find(&weights, "dna/conv1d_1", "kernel")->value,
                *bias = dcpg_weights_find(&weights, "dna/conv1d_1", "bias")->value;
    const float *initial = dcpg_weights_find(&before, "dna/conv1d_1", "kernel")->value;
    for (int64_t j = 0; j < K; j++)
        for (int64_t c = 0; c < 4; c++)
            for (int64_t o = 0; o < F; o++) {
                float value = kernel[(j * 4 + c) * F + o];
                if (o >= f)
                    assert_true(value == initial[(j * 4 + c) * F + o]);
                else if (j + shift < 0 || j + shift >= k)
                    assert_true(value >= 0 && value < 0.01f);
                else
                    assert_true(value == filter_value(j + shift, c, o));
            }
    for (int64_t o = 0; o < F; o++) assert_true(bias[o] == (o < nb_bias ? (float)(o + 1) / 8 : 0));
    assert_memory_equal(dcpg_weights_find(&weights, "dna/conv1d_2", "kernel")->value,
                        dcpg_weights_find(&before, "dna/conv1d_2", "kernel")->value,
                        3 * F * 3 * sizeof(float));
    dcpg_weights_free(&weights);
    dcpg_weights_free(&before);
    dcpg_graph_free(graph);
}

static void layouts(void **state) {
    (void)state;
    for (int as = KERAS1; as <= TURNED; as++) {
        write_file("", (layout)as, K, F, F);
        check_loaded(NULL, 0, K, F, F);
    }
    write_file("motifs/of/mice", KERAS1, K, F, 0);
    check_loaded("motifs/of/mice", 0, K, F, 0);
}

static void other_sizes(void **state) {
    (void)state;
    write_file("", KERAS1, K + 3, F + 2, F + 2); /* one position is lost before and two after */
    check_loaded(NULL, 1, K + 3, F, F);
    write_file("", TURNED, K - 3, F - 4, 1); /* one position is padded before and two after */
    check_loaded(NULL, -1, K - 3, F - 4, 1);
    write_file("", KERAS2, 1, 1, 0);
    check_loaded(NULL, -2, 1, 1, 0);
}

static void check_refused(dcpg_graph *graph, const char *group, dcpg_status expected, const char *words) {
    dcpg_weights weights;
    dcpg_err err = {0};
    assert_int_equal(load(graph, group, &weights, &err), expected);
    if (!strstr(err.text, words)) fail_msg("no '%s' in: %s", words, err.text);
    dcpg_weights_free(&weights);
}

static void refused(void **state) {
    (void)state;
    dcpg_graph *graph = build("conv[6@5]_gap", NULL), *other = build(NULL, "fc[4]_gap");
    dcpg_err err = {0};
    write_file("a", KERAS1, K, F, 0);
    check_refused(graph, NULL, DCPG_E_INPUT, "there is no array 'weights'");
    check_refused(graph, "b", DCPG_E_INPUT, "there is no array 'b/weights'");
    check_refused(other, "a", DCPG_E_USAGE, "the model has no convolution over DNA");
    if (par.rank == 0) {
        dcpg_h5 *file;
        const float value[12] = {0};
        dcpg_h5_shape shape = {.type = DCPG_H5_F32, .ndim = 2, .dim = {4, 3}};
        ok(dcpg_h5_create(path, NULL, &file, &err), &err);
        ok(dcpg_h5_make(file, "weights", &shape, &err), &err);
        ok(dcpg_h5_write(file, "weights", DCPG_H5_F32, NULL, value, &err), &err);
        ok(dcpg_h5_commit(file, &err), &err);
    }
    check_refused(graph, NULL, DCPG_E_INPUT, "'weights' must have the shape");
    if (par.rank == 0) unlink(path);
    check_refused(graph, NULL, DCPG_E_INPUT, path);
    dcpg_graph_free(graph);
    dcpg_graph_free(other);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(layouts), cmocka_unit_test(other_sizes),
                                       cmocka_unit_test(refused)};
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK) return 1;
    int64_t pid = getpid();
    dcpg_bcast_all(&par, &pid, sizeof pid, 0);
    snprintf(path, sizeof path, "test_filter_weights_%lld.h5", (long long)pid);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
