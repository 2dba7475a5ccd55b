/* SPDX-License-Identifier: MIT */
/* Export of a small file made here: writes the label if observed, else the prediction, in every format and on
 * any number of ranks. */
#include <cmocka_all.h>

#include <dcpg/eval.h>
#include <dcpg/file.h>
#include <dcpg/h5.h>
#include <dcpg/memory.h>

#include <htslib/bgzf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { NB_SITE = 6 };

static dcpg_par par;
static char folder[64];

static const char chromos[NB_SITE][4] = {"1", "1", "1", "2",
                                         "2", "MT"}; /* unterminated in the file if they fill its width */
static const int32_t positions[NB_SITE] = {5, 90, 91, 7, 12, 1};
static const float labels_a[NB_SITE] = {1, -1, 0, -1, -1, 1},
                   preds_a[NB_SITE] = {0.25f, 0.125f, 0.75f, 0.999999f, 0, 0.5f};
static const float labels_mean[NB_SITE] = {-1, 0.5f, -1, -1, 0.25f, -1},
                   preds_mean[NB_SITE] = {0.1f, 0.2f, 0.3f, 0.4f, 0.5f, 0.6f};
static const float labels_cat[NB_SITE][3] = {{0, 1, 0}, {0}, {0}, {0, 0, 1}, {0}, {1, 0, 0}};
static const float preds_cat[NB_SITE][3] = {{0.8f, 0.1f, 0.1f}, {0.2f, 0.2f, 0.6f}, {0.1f, 0.8f, 0.1f}, {1},
                                            {0.4f, 0.3f, 0.3f}, {0, 1, 0}};

static void ok(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

/* A path in the folder; valid until the next call. */
static const char *in_folder(const char *name) {
    static char path[160];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(dcpg_h5 *file, const char *path, dcpg_h5_type type, int columns, const float *value) {
    const dcpg_h5_shape shape = {.type = type, .ndim = columns > 1 ? 2 : 1, .dim = {NB_SITE, columns}};
    dcpg_err err = {0};
    ok(dcpg_h5_make(file, path, &shape, &err), &err);
    ok(dcpg_h5_write(file, path, DCPG_H5_F32, NULL, value, &err), &err);
}

/* Rank 0 writes the data file; `extra` adds an output whose file name is already that of another output. */
static void write_data(bool extra) {
    dcpg_h5 *file = NULL;
    dcpg_err err = {0};
    char names[NB_SITE][2];
    const dcpg_h5_shape text = {.type = DCPG_H5_TEXT, .width = 2, .ndim = 1, .dim = {NB_SITE}},
                        pos = {.type = DCPG_H5_I32, .ndim = 1, .dim = {NB_SITE}};
    if (par.rank == 0) {
        for (int i = 0; i < NB_SITE; i++) memcpy(names[i], chromos[i], 2);
        ok(dcpg_h5_create(in_folder("data.h5"), NULL, &file, &err), &err);
        ok(dcpg_h5_make(file, "chromo", &text, &err), &err);
        ok(dcpg_h5_write(file, "chromo", DCPG_H5_TEXT, NULL, names, &err), &err);
        ok(dcpg_h5_make(file, "pos", &pos, &err), &err);
        ok(dcpg_h5_write(file, "pos", DCPG_H5_I32, NULL, positions, &err), &err);
        put(file, "outputs/cpg/a", DCPG_H5_I8, 1, labels_a);
        put(file, "preds/cpg/a", DCPG_H5_F32, 1, preds_a);
        put(file, "outputs/win_stats/101/mean", DCPG_H5_F32, 1, labels_mean);
        put(file, "preds/win_stats/101/mean", DCPG_H5_F32, 1, preds_mean);
        put(file, "outputs/cpg_stats/cat_var", DCPG_H5_I8, 3, labels_cat[0]);
        put(file, "preds/cpg_stats/cat_var", DCPG_H5_F32, 3, preds_cat[0]);
        if (extra) put(file, "outputs/a", DCPG_H5_I8, 1, labels_a);
        if (extra) put(file, "preds/a", DCPG_H5_F32, 1, preds_a);
        ok(dcpg_h5_commit(file, &err), &err);
    }
    dcpg_barrier_all(&par);
}

static int enter(void **state) {
    dcpg_err err = {0};
    (void)state;
    snprintf(folder, sizeof folder, "test_export_%lld",
             (long long)dcpg_max_i64_all(&par, par.rank == 0 ? getpid() : 0));
    ok(dcpg_make_dirs(folder, &err), &err);
    dcpg_barrier_all(&par);
    write_data(false);
    return 0;
}

static int leave(void **state) {
    (void)state;
    dcpg_barrier_all(&par);
    if (par.rank != 0) return 0;
    unlink(in_folder("data.h5"));
    return rmdir(folder);
}

/* Checks the text of a bgzip file, then removes the file. */
static void check_text(const char *name, const char *expected) {
    dcpg_barrier_all(&par);
    if (par.rank == 0) {
        char text[1024];
        BGZF *file = bgzf_open(in_folder(name), "r");
        assert_non_null(file);
        ssize_t n = bgzf_read(file, text, sizeof text - 1);
        assert_true(n >= 0 && bgzf_check_EOF(file) == 1);
        text[n] = '\0';
        bgzf_close(file);
        assert_string_equal(text, expected);
        assert_int_equal(unlink(in_folder(name)), 0);
    }
    dcpg_barrier_all(&par);
}

static dcpg_status export_with(dcpg_export_options options, const char *pattern, const char *chromo,
                               dcpg_err *err) {
    dcpg_strings patterns = {0}, wanted = {0};
    char *data = dcpg_strdup(in_folder("data.h5"));
    if (pattern) ok(dcpg_strings_add(&patterns, pattern, err), err);
    if (chromo) ok(dcpg_strings_add(&wanted, chromo, err), err);
    options.data = data;
    options.out_dir = folder;
    options.outputs = &patterns;
    options.chromos = &wanted;
    dcpg_status status = dcpg_export_all(&options, &par, NULL, err);
    dcpg_strings_free(&patterns);
    dcpg_strings_free(&wanted);
    dcpg_free(data);
    return status;
}

static void test_bedgraph(void **state) {
    dcpg_err err = {0};
    (void)state;
    ok(export_with((dcpg_export_options){.format = "bedGraph"}, NULL, NULL, &err), &err);
    check_text("a.bedGraph.gz", "chr1\t4\t5\t1.00000\nchr1\t89\t90\t0.12500\nchr1\t90\t91\t0."
                                "00000\nchr2\t6\t7\t1.00000\nchr2\t11\t12\t0.00000\nchrMT\t0\t1\t1.00000\n");
    check_text("win_stats_101_mean.bedGraph.gz",
               "chr1\t4\t5\t0.10000\nchr1\t89\t90\t0.50000\nchr1\t90\t91\t0.30000\nchr2\t6\t7\t0."
               "40000\nchr2\t11\t12\t0.25000\nchrMT\t0\t1\t0.60000\n");
    check_text("cpg_stats_cat_var.bedGraph.gz",
               "chr1\t4\t5\t1.00000\nchr1\t89\t90\t2.00000\nchr1\t90\t91\t1.00000\nchr2\t6\t7\t2."
               "00000\nchr2\t11\t12\t0.00000\nchrMT\t0\t1\t0.00000\n");
}

static void test_one_based(void **state) {
    dcpg_err err = {0};
    (void)state;
    ok(export_with((dcpg_export_options){.format = "bedGraph", .one_based = true, .nb_sample = 4}, "^cpg/",
                   "chr2", &err),
       &err);
    check_text("a.bedGraph.gz", "chr2\t7\t8\t1.00000\n");
}

static void test_hdf(void **state) {
    dcpg_err err = {0};
    (void)state;
    ok(export_with((dcpg_export_options){.format = "hdf"}, "mean", "2", &err), &err);
    dcpg_barrier_all(&par);
    if (par.rank == 0) {
        dcpg_h5 *file = NULL;
        dcpg_strings names = {0};
        int32_t pos[2];
        float value[2];
        ok(dcpg_h5_open(in_folder("win_stats_101_mean.h5"), NULL, &file, &err), &err);
        ok(dcpg_h5_read_strings(file, "chromo", &names, &err), &err);
        assert_int_equal(names.n, 2);
        assert_string_equal(names.v[1], "2");
        ok(dcpg_h5_read(file, "pos", DCPG_H5_I32, NULL, pos, &err), &err);
        ok(dcpg_h5_read(file, "value", DCPG_H5_F32, NULL, value, &err), &err);
        assert_true(pos[0] == 7 && pos[1] == 12 && value[0] == 0.4f && value[1] == 0.25f);
        dcpg_h5_close(file);
        dcpg_strings_free(&names);
        assert_int_equal(unlink(in_folder("win_stats_101_mean.h5")), 0);
    }
    dcpg_barrier_all(&par);
}

/* More sites than are read at a time, in a file of its own. */
static void test_long(void **state) {
    enum { LONG = 70000 };
    dcpg_err err = {0};
    (void)state;
    if (par.rank == 0) {
        dcpg_h5 *file = NULL;
        int32_t *pos = dcpg_alloc(LONG, sizeof *pos);
        float *value = dcpg_alloc(LONG, sizeof *value);
        char *names = dcpg_alloc(LONG, 2);
        dcpg_h5_shape shape = {.type = DCPG_H5_TEXT, .width = 2, .ndim = 1, .dim = {LONG}};
        for (int i = 0; i < LONG; i++)
            pos[i] = i + 1, names[2 * i] = i % 2 ? 'X' : '1', value[i] = i % 3 ? (float)i / LONG : -1;
        ok(dcpg_h5_create(in_folder("long.h5"), NULL, &file, &err), &err);
        ok(dcpg_h5_make(file, "chromo", &shape, &err), &err);
        ok(dcpg_h5_write(file, "chromo", DCPG_H5_TEXT, NULL, names, &err), &err);
        shape.type = DCPG_H5_I32;
        ok(dcpg_h5_make(file, "pos", &shape, &err), &err);
        ok(dcpg_h5_write(file, "pos", DCPG_H5_I32, NULL, pos, &err), &err);
        shape.type = DCPG_H5_F32;
        ok(dcpg_h5_make(file, "outputs/cpg/a", &shape, &err), &err);
        ok(dcpg_h5_write(file, "outputs/cpg/a", DCPG_H5_F32, NULL, value, &err), &err);
        for (int i = 0; i < LONG; i++) value[i] = 1 - (float)i / LONG;
        ok(dcpg_h5_make(file, "preds/cpg/a", &shape, &err), &err);
        ok(dcpg_h5_write(file, "preds/cpg/a", DCPG_H5_F32, NULL, value, &err), &err);
        ok(dcpg_h5_commit(file, &err), &err);
        dcpg_free(pos);
        dcpg_free(value);
        dcpg_free(names);
    }
    dcpg_barrier_all(&par);
    char *data = dcpg_strdup(in_folder("long.h5"));
    char *v[1] = {"X"};
    dcpg_strings wanted = {.v = v, .n = 1, .capacity = 1};
    dcpg_export_options options = {.data = data, .out_dir = folder, .format = "hdf", .chromos = &wanted};
    ok(dcpg_export_all(&options, &par, NULL, &err), &err);
    if (par.rank == 0) {
        static int32_t pos[LONG / 2];
        static float value[LONG / 2];
        dcpg_h5 *file = NULL;
        ok(dcpg_h5_open(in_folder("a.h5"), NULL, &file, &err), &err);
        ok(dcpg_h5_read(file, "pos", DCPG_H5_I32, NULL, pos, &err), &err);
        ok(dcpg_h5_read(file, "value", DCPG_H5_F32, NULL, value, &err), &err);
        for (int i = 0; i < LONG / 2; i++) {
            int site = 2 * i + 1;
            assert_int_equal(pos[i], site + 1);
            assert_true(value[i] == (site % 3 ? (float)site / LONG : 1 - (float)site / LONG));
        }
        dcpg_h5_close(file);
        unlink(in_folder("a.h5"));
        unlink(in_folder("long.h5"));
    }
    dcpg_free(data);
    dcpg_barrier_all(&par);
}

static void test_refused(void **state) {
    dcpg_err err = {0};
    (void)state;
    assert_int_equal(export_with((dcpg_export_options){.format = "bedGraph"}, "nothing", NULL, &err),
                     DCPG_E_USAGE);
    assert_non_null(strstr(err.text, "'nothing' matches none of the 3 outputs"));
    err = (dcpg_err){0};
    assert_int_equal(export_with((dcpg_export_options){.format = "bedGraph"}, NULL, "9", &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "no site is on the chromosomes chosen"));
    write_data(true);
    err = (dcpg_err){0};
    assert_int_equal(export_with((dcpg_export_options){.format = "bedGraph"}, NULL, NULL, &err),
                     DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "would both be written to"));
    dcpg_barrier_all(&par);
    if (par.rank == 0) ok(dcpg_file_write(in_folder("data.h5"), "no HDF5", 7, &err), &err);
    dcpg_barrier_all(&par);
    err = (dcpg_err){0};
    assert_int_equal(export_with((dcpg_export_options){.format = "bedGraph"}, NULL, NULL, &err),
                     DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "data.h5"));
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bedgraph), cmocka_unit_test(test_one_based),
                                       cmocka_unit_test(test_hdf), cmocka_unit_test(test_long),
                                       cmocka_unit_test(test_refused)};
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK) return 1;
    int failed = cmocka_run_group_tests(tests, enter, leave);
    dcpg_par_close_all(&par);
    return failed;
}
