/* SPDX-License-Identifier: MIT */
/* Evaluation of a source without files, on any number of ranks: its files are the same as if samples are
 * predicted one by one. */
#include <cmocka_all.h>

#include <dcpg/eval.h>
#include <dcpg/file.h>
#include <dcpg/h5.h>
#include <dcpg/metrics.h>
#include <dcpg/spec.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_source.h"

enum { NB_SITE = 411, NB_CELL = 2, DNA_WLEN = 31, CPG_WLEN = 4 };

static dcpg_par par;

/* The data have labels of all of the model's outputs except the last, in another order, and of an output that
 * the model does not predict. */
static const char *const model_outputs[] = {"cpg/b",          "cpg/a",         "bulk/s",
                                            "cpg_stats/mean", "cpg_stats/var", "cpg_stats/cat_var",
                                            "cpg_stats/diff", "cpg/unknown",   NULL};
static const char *const data_outputs[] = {
    "bulk/s",         "cpg/a",          "cpg/other",     "cpg/b", "cpg_stats/cat_var",
    "cpg_stats/diff", "cpg_stats/mean", "cpg_stats/var", NULL};

typedef struct model {
    dcpg_graph *graph;
    dcpg_weights weights;
    dcpg_net *net; /* for one sample */
} model;

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

static model model_new(void) {
    model m = {0};
    dcpg_strings outputs = {0};
    dcpg_err err = {0};
    for (int i = 0; model_outputs[i]; i++) ok(dcpg_strings_add(&outputs, model_outputs[i], &err), &err);
    dcpg_model_options options = {.dna = "conv[8@5]_mp[4]_fc[8]",
                                  .cpg = "fc[8]_bgru[4]",
                                  .joint = "fc[8]",
                                  .dna_wlen = DNA_WLEN,
                                  .cpg_wlen = CPG_WLEN,
                                  .nb_cell = NB_CELL,
                                  .outputs = &outputs};
    dcpg_net_options net_options = {.max_rows = 1, .total = 1, .end = 1};
    ok(dcpg_model_build(&options, &m.graph, &err), &err);
    ok(dcpg_net_new(m.graph, &net_options, &m.net, &err), &err);
    dcpg_net_init(m.net, 5);
    ok(dcpg_weights_of_net(m.net, &m.weights, &err), &err);
    dcpg_strings_free(&outputs);
    return m;
}

static void model_free(model *m) {
    dcpg_net_free(m->net);
    dcpg_weights_free(&m->weights);
    dcpg_graph_free(m->graph);
}

/* Labels and predictions, site by site, computed without the code of evaluation. */
static struct {
    float label, prediction[3];
} expected_of[sizeof model_outputs / sizeof *model_outputs - 1][NB_SITE];

static void expect_all(const model *m, const dcpg_source *source) {
    for (int64_t sample = 0; sample < NB_SITE; sample++) {
        uint8_t dna[DNA_WLEN];
        float cpg[NB_CELL * 2 * CPG_WLEN];
        fake_sample(source, sample, dna, cpg);
        dcpg_input input = {.n = 1, .n_global = 1, .dna = dna, .cpg = cpg, .id = &sample};
        dcpg_net_forward(m->net, &input, false, NULL);
        for (int o = 0; model_outputs[o]; o++) {
            int64_t stride;
            bool unknown = strcmp(model_outputs[o], "cpg/unknown") == 0;
            memcpy(expected_of[o][sample].prediction, dcpg_net_prediction(m->net, o, &stride),
                   (size_t)dcpg_output_kind_of(model_outputs[o]).units * sizeof(float));
            expected_of[o][sample].label = unknown ? -1 : fake_label(model_outputs[o], sample);
        }
    }
}

/* ---- the data file ---- */

static void check_sites(dcpg_h5 *file, const dcpg_source *source, int64_t nb) {
    dcpg_strings chromo = {0};
    int32_t pos[NB_SITE];
    dcpg_err err = {0};
    dcpg_h5_shape shape;
    ok(dcpg_h5_shape_of(file, "pos", &shape, &err), &err);
    assert_int_equal(shape.dim[0], nb);
    ok(dcpg_h5_read(file, "pos", DCPG_H5_I32, NULL, pos, &err), &err);
    ok(dcpg_h5_read_strings(file, "chromo", &chromo, &err), &err);
    assert_int_equal(chromo.n, nb);
    for (int64_t i = 0; i < nb; i++) {
        assert_int_equal(pos[i], fake_pos(i));
        assert_string_equal(chromo.v[i], source->chromo.v[fake_chromo(i)]);
    }
    dcpg_strings_free(&chromo);
}

static void read_output(dcpg_h5 *file, const char *group, const char *name, int units, int64_t nb,
                        dcpg_h5_type type, float *value) {
    char *path = dcpg_format("%s/%s", group, name);
    dcpg_h5_shape shape;
    dcpg_err err = {0};
    ok(dcpg_h5_shape_of(file, path, &shape, &err), &err);
    assert_int_equal(shape.type, type);
    assert_int_equal(shape.ndim, units > 1 ? 2 : 1);
    assert_true(shape.dim[0] == nb && (units == 1 || shape.dim[1] == units));
    ok(dcpg_h5_read(file, path, DCPG_H5_F32, NULL, value, &err), &err);
    dcpg_free(path);
}

static void check_output(dcpg_h5 *file, int output, int64_t nb) {
    static float labels[NB_SITE * 3], predictions[NB_SITE * 3];
    dcpg_output_kind kind = dcpg_output_kind_of(model_outputs[output]);
    int units = kind.units;
    read_output(file, "outputs", model_outputs[output], units, nb,
                kind.loss == DCPG_LOSS_MSE ? DCPG_H5_F32 : DCPG_H5_I8, labels);
    read_output(file, "preds", model_outputs[output], units, nb, DCPG_H5_F32, predictions);
    for (int64_t i = 0; i < nb; i++) {
        float label = expected_of[output][i].label;
        const float *prediction = expected_of[output][i].prediction;
        assert_memory_equal(predictions + i * units, prediction, (size_t)units * sizeof(float));
        if (units == 1) assert_true(labels[i] == label);
        for (int c = 0; units > 1 && c < units; c++)
            assert_true(labels[i * units + c] == (float)(label == (float)c));
    }
}

/* ---- the report ---- */

/* The pairs of an output, or of one of its classes, sample by sample. */
static int64_t expected_pairs(int output, int class_index, int64_t nb, dcpg_pair *pairs) {
    int units = dcpg_output_kind_of(model_outputs[output]).units;
    int64_t n = 0;
    for (int64_t i = 0; i < nb; i++) {
        float label = expected_of[output][i].label;
        const float *p = expected_of[output][i].prediction;
        if (label < 0) continue;
        float most = units == 1 ? p[0] : p[0] >= p[1] && p[0] >= p[2] ? 0.0f : p[1] >= p[2] ? 1.0f : 2.0f;
        pairs[n++] = class_index < 0 ? (dcpg_pair){label, most}
                                     : (dcpg_pair){label == (float)class_index, p[class_index]};
    }
    dcpg_pairs_sort(pairs, n);
    return n;
}

static bool has_score(int output, dcpg_score score) {
    dcpg_score scores[DCPG_NB_SCORE];
    int nb = dcpg_scores_of(model_outputs[output], scores);
    for (int s = 0; s < nb; s++)
        if (scores[s] == score) return true;
    return false;
}

static double score_of(dcpg_score score, dcpg_pair *pairs, int64_t n) {
    double value;
    dcpg_err err = {0};
    ok(dcpg_score_compute(score, pairs, n, &value, &err), &err);
    return value;
}

static double score_of_output(int output, dcpg_score score, int64_t nb) {
    static dcpg_pair pairs[NB_SITE];
    int64_t n = expected_pairs(output, dcpg_score_class(score), nb, pairs);
    return score_of(score, pairs, n);
}

static double expected_mean(dcpg_score score, int64_t nb) {
    double sum = 0, value;
    int n = 0;
    for (int o = 0; model_outputs[o]; o++) {
        if (!has_score(o, score) || isnan(value = score_of_output(o, score, nb))) continue;
        sum += value;
        n++;
    }
    return n ? sum / n : NAN;
}

/* Over the states of all cells. */
static double expected_pooled(dcpg_score score, int64_t nb) {
    static dcpg_pair pairs[NB_SITE * 16];
    int64_t n = 0;
    for (int o = 0; model_outputs[o]; o++)
        if (strncmp(model_outputs[o], "cpg/", 4) == 0) n += expected_pairs(o, -1, nb, pairs + n);
    dcpg_pairs_sort(pairs, n);
    return score_of(score, pairs, n);
}

static void check_line(const char *line, int64_t nb) {
    char metric[32], output[64], value[64] = "";
    assert_true(sscanf(line, "%31[^\t]\t%63[^\t]\t%63s", metric, output, value) >= 2);
    int score = 0, o = 0;
    while (strcmp(dcpg_score_name((dcpg_score)score), metric) != 0) score++;
    while (model_outputs[o] && strcmp(model_outputs[o], output) != 0) o++;
    bool mean = strcmp(output, "mean") == 0;
    assert_true(model_outputs[o] || mean || strcmp(output, "pooled") == 0);
    double expected = model_outputs[o] ? score_of_output(o, (dcpg_score)score, nb)
                      : mean           ? expected_mean((dcpg_score)score, nb)
                                       : expected_pooled((dcpg_score)score, nb);
    if (isnan(expected))
        assert_string_equal(value, "");
    else
        assert_true(strtod(value, NULL) == expected);
}

/* Lines of the report: scores of each output, then one mean of each score, and those of pooled states. */
static int expected_lines(void) {
    dcpg_score scores[DCPG_NB_SCORE];
    int lines = dcpg_scores_of("cpg/pooled", scores);
    for (int o = 0; model_outputs[o]; o++) lines += dcpg_scores_of(model_outputs[o], scores);
    for (int s = 0; s < DCPG_NB_SCORE; s++) {
        int any = 0;
        for (int o = 0; model_outputs[o]; o++) any |= has_score(o, (dcpg_score)s);
        lines += any;
    }
    return lines;
}

static void check_report(const char *path, int64_t nb) {
    char *text = NULL, last[128] = "", *rest = NULL;
    int lines = 0;
    dcpg_err err = {0};
    ok(dcpg_file_read(path, 1 << 20, &text, &err), &err);
    char *line = strtok_r(text, "\n", &rest);
    assert_string_equal(line, "metric\toutput\tvalue");
    while ((line = strtok_r(NULL, "\n", &rest))) {
        check_line(line, nb);
        char key[128];
        snprintf(key, sizeof key, "%.*s", (int)(strrchr(line, '\t') - line), line);
        assert_true(strcmp(last, key) < 0);
        memcpy(last, key, sizeof last);
        lines++;
    }
    assert_int_equal(lines, expected_lines());
    dcpg_free(text);
}

/* ---- tests ---- */

/* A name for a file of this run of the program, the same on all ranks. */
static const char *own(const char *name, char path[64]) {
    int64_t pid = dcpg_max_i64_all(&par, par.rank == 0 ? getpid() : 0);
    snprintf(path, 64, "test_eval_%lld%s", (long long)pid, name);
    return path;
}

static void check_run(const dcpg_eval_options *asked, int64_t nb) {
    char data[64], report[64];
    dcpg_err err = {0};
    dcpg_eval_options options = *asked;
    options.out_data = own(".h5", data);
    options.out_report = own(".tsv", report);
    model m = model_new();
    dcpg_source *source = fake_new(&par, NB_SITE, NB_CELL, DNA_WLEN, CPG_WLEN, data_outputs);
    const dcpg_model evaluated = {m.graph, m.weights};
    ok(dcpg_eval_all(source, &evaluated, &options, &par, NULL, &err), &err);
    if (par.rank == 0) {
        dcpg_h5 *file = NULL;
        expect_all(&m, source);
        ok(dcpg_h5_open(data, NULL, &file, &err), &err);
        check_sites(file, source, nb);
        for (int o = 0; model_outputs[o]; o++) check_output(file, o, nb);
        dcpg_h5_close(file);
        check_report(report, nb);
        unlink(data);
        unlink(report);
    }
    dcpg_barrier_all(&par);
    dcpg_source_close(source);
    model_free(&m);
}

static void test_all_sites(void **state) {
    (void)state;
    check_run(&(dcpg_eval_options){0}, NB_SITE);
}

static void test_odd_batch(void **state) {
    (void)state;
    check_run(&(dcpg_eval_options){.batch = 7, .nb_sample = 200}, 200);
}

/* Written in several goes, of which the last is short. */
static void test_several_goes(void **state) {
    (void)state;
    check_run(&(dcpg_eval_options){.together = 50}, NB_SITE);
}

/* Fewer sites than ranks: some ranks have none. */
static void test_two_sites(void **state) {
    (void)state;
    check_run(&(dcpg_eval_options){.nb_sample = 2}, 2);
}

static dcpg_status run_with(dcpg_source *source, const char *data, bool resume, dcpg_err *err) {
    model m = model_new();
    dcpg_eval_options options = {.out_data = data, .resume = resume, .force = true, .batch = 16};
    const dcpg_model evaluated = {m.graph, m.weights};
    dcpg_status status = dcpg_eval_all(source, &evaluated, &options, &par, NULL, err);
    dcpg_source_close(source);
    model_free(&m);
    return status;
}

/* A sample that one rank cannot read: all ranks fail, and no file is left but what is done, with which the
 * evaluation goes on when the sample can be read. */
static void test_failing_sample(void **state) {
    (void)state;
    char data[64], partial[80];
    dcpg_err err = {0};
    own("_failing.h5", data);
    snprintf(partial, sizeof partial, "%s.partial", data);
    dcpg_source *source = fake_new(&par, NB_SITE, NB_CELL, DNA_WLEN, CPG_WLEN, data_outputs);
    ((fake_source *)source)->fails_at = NB_SITE - 3;
    assert_int_equal(run_with(source, data, false, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, "sample 408 cannot be read");
    assert_false(dcpg_file_exists(data));
    err = (dcpg_err){0};
    source = fake_new(&par, NB_SITE, NB_CELL, DNA_WLEN, CPG_WLEN, data_outputs);
    ok(run_with(source, data, true, &err), &err);
    assert_false(dcpg_is_dir(partial));
    assert_true(dcpg_file_exists(data));
    dcpg_barrier_all(&par);
    if (par.rank == 0) unlink(data);
}

static void test_refused(void **state) {
    (void)state;
    dcpg_err err = {0};
    assert_int_equal(
        run_with(fake_new(&par, NB_SITE, 3, DNA_WLEN, CPG_WLEN, data_outputs), NULL, false, &err),
        DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "neighbours of 2 cells, but there are 3"));
    err = (dcpg_err){0};
    assert_int_equal(
        run_with(fake_new(&par, 0, NB_CELL, DNA_WLEN, CPG_WLEN, data_outputs), NULL, false, &err),
        DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "no sites"));
    err = (dcpg_err){0};
    assert_int_equal(
        run_with(fake_new(&par, NB_SITE, NB_CELL, DNA_WLEN + 2, CPG_WLEN, data_outputs), NULL, false, &err),
        DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "windows of 31 bp"));
    err = (dcpg_err){0};
    assert_int_equal(run_with(fake_new(&par, NB_SITE, NB_CELL, DNA_WLEN, CPG_WLEN, data_outputs),
                              "no_such_folder/x.h5", false, &err),
                     DCPG_E_IO);
    assert_non_null(strstr(err.text, "no_such_folder"));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_sites),      cmocka_unit_test(test_odd_batch),
        cmocka_unit_test(test_several_goes),   cmocka_unit_test(test_two_sites),
        cmocka_unit_test(test_failing_sample), cmocka_unit_test(test_refused),
    };
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK || dcpg_gemm_start(NULL, &err) != DCPG_OK)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_par_close_all(&par);
    return failed;
}
