/* SPDX-License-Identifier: MIT */
/* Files written by h5py are read here, and files written here by h5py. */
#include "cmocka_all.h"
#include "folder.h"
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>

/* Runs h5py_files.py; skips the test without h5py. */
static void python(const char *what, const char *path) {
    char command[2048];
    const char *top = getenv("DCPG_SOURCE"), *interpreter = getenv("PYTHON3");
    if (!interpreter) interpreter = access("/usr/bin/python3", X_OK) == 0 ? "/usr/bin/python3" : "python3";
    if (!top) {
        print_message("DCPG_SOURCE does not say where the tests are: skipped\n");
        skip();
    }
    snprintf(command, sizeof command, "'%s' '%s/tests/io/h5py_files.py' %s '%s'", interpreter, top, what,
             path);
    int status = system(command);
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
    if (code == 77 || code == 127) {
        print_message("no Python with h5py here: skipped\n");
        skip();
    }
    assert_int_equal(code, 0);
}

static void add(dcpg_strings *list, const char *a, const char *b) {
    dcpg_strings_add(list, a, NULL);
    dcpg_strings_add(list, b, NULL);
}

/* Tables of 1,000 rows, in two pieces of which neither ends with a chunk, and of none. */
static void write_tables(dcpg_h5 *file) {
    enum { ROWS = 1000, SIZE = 3 + 4 + 8 };
    static char row[ROWS][SIZE];
    const dcpg_h5_field field[] = {
        {"word", DCPG_H5_TEXT, 3}, {.name = "i", .type = DCPG_H5_I32}, {.name = "x", .type = DCPG_H5_F64}};
    dcpg_h5_table table = {.field = field, .nb_field = 3, .rows = ROWS, .chunk = 300, .deflate = 4};
    assert_int_equal(dcpg_h5_row_size(&table), SIZE);
    for (int32_t i = 0; i < ROWS; i++) {
        double x = i / 4.0;
        memcpy(row[i], i % 2 ? "odd" : "ev\0", 3);
        memcpy(row[i] + 3, &i, sizeof i);
        memcpy(row[i] + 7, &x, sizeof x);
    }
    const dcpg_h5_rows pieces[] = {{.n = 450, .at = row[0]}, {.first = 450, .n = 550, .at = row[450]}};
    assert_int_equal(dcpg_h5_make_table(file, "tables/full", &table, NULL), DCPG_OK);
    for (int i = 0; i < 2; i++)
        assert_int_equal(dcpg_h5_write_rows(file, "tables/full", &table, &pieces[i], NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_make_table(file, "tables/full", &table, NULL), DCPG_E_IO); /* is there */
    table.rows = 0;
    assert_int_equal(dcpg_h5_make_table(file, "tables/none", &table, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_rows(file, "tables/none", &table, &(dcpg_h5_rows){.at = row[0]}, NULL),
                     DCPG_OK);
}

static void write_file(const char *path) {
    dcpg_h5 *file;
    dcpg_strings words = {0}, none = {0}, layers = {0};
    static char config[200001];
    memset(config, 'c', sizeof config - 1);
    add(&words, "alpha", "z\xc3\xbcri");
    for (int i = 0; i < 3001; i++) {
        char *name = dcpg_format("layer_with_a_name_of_40_letters_%08d", i);
        dcpg_strings_add(&layers, name, NULL);
        dcpg_free(name);
    }
    const dcpg_h5_shape shape = {
        .type = DCPG_H5_I32, .ndim = 2, .dim = {100, 3}, .chunk = {32, 3}, .deflate = 4};
    int32_t x[300];
    for (int i = 0; i < 300; i++) x[i] = i * i;
    assert_int_equal(dcpg_h5_create(path, NULL, &file, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_make(file, "cells/one/pos", &shape, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "cells/one/pos", DCPG_H5_I32, NULL, x, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_strings(file, "names", &words, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_strings(file, "empty", &none, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_strings(file, "cells", "list", &words, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_strings(file, "cells", "none", &none, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_strings(file, "cells", "layers", &layers, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_string(file, "cells", "text", "2.2.4", NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_string(file, "cells", "nothing", "", NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_string(file, "cells", "config", config, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_i64(file, "cells", "n", -5, NULL), DCPG_OK);
    write_tables(file);
    assert_int_equal(dcpg_h5_commit(file, NULL), DCPG_OK);
    dcpg_strings_free(&words);
    dcpg_strings_free(&layers);
}

static void h5py_reads_ours(void **state) {
    (void)state;
    write_file(in_folder("ours.h5"));
    python("check", in_folder("ours.h5"));
}

static void check_strings(dcpg_h5 *file) {
    dcpg_strings text;
    assert_int_equal(dcpg_h5_read_strings(file, "chromo", &text, NULL), DCPG_OK);
    assert_int_equal(text.n, 3);
    assert_string_equal(text.v[0], "1");
    assert_string_equal(text.v[1], "10"); /* fills its two bytes, without a NUL after it */
    dcpg_strings_free(&text);
    assert_int_equal(dcpg_h5_read_strings(file, "packed_text", &text, NULL), DCPG_OK);
    assert_int_equal(text.n, 1000);
    for (int i = 0; i < 1000; i++) assert_int_equal(atoi(text.v[i]), i);
    dcpg_strings_free(&text);
    assert_int_equal(dcpg_h5_read_strings(file, "vlen", &text, NULL), DCPG_OK);
    assert_int_equal(text.n, 3);
    assert_string_equal(text.v[1], "zw\xc3\xb6lf");
    assert_string_equal(text.v[2], "");
    dcpg_strings_free(&text);
    assert_int_equal(dcpg_h5_read_strings(file, "scalar_text", &text, NULL), DCPG_OK);
    assert_int_equal(text.n, 1);
    assert_string_equal(text.v[0], "alone");
    dcpg_strings_free(&text);
    assert_int_equal(dcpg_h5_read_strings(file, "null", &text, NULL), DCPG_OK);
    assert_int_equal(text.n, 0);
}

static void check_numbers(dcpg_h5 *file) {
    static const struct {
        const char *path;
        dcpg_h5_type type;
        int n;
        double x[3];
    } known[] = {
        {"flag", DCPG_H5_I8, 3, {1, 0, 1}},
        {"half", DCPG_H5_F32, 2, {0.5, -2}},
        {"big_endian", DCPG_H5_I32, 3, {1, -2, 70000}},
        {"u16", DCPG_H5_I32, 2, {0, 65535}},
        {"u32", DCPG_H5_I64, 2, {0, 4294967295}},
        {"a/linked", DCPG_H5_I32, 2, {0, 65535}},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        dcpg_h5_shape shape;
        double x[3] = {0};
        assert_int_equal(dcpg_h5_shape_of(file, known[i].path, &shape, NULL), DCPG_OK);
        assert_int_equal(shape.type, known[i].type);
        assert_int_equal(shape.dim[0], known[i].n);
        assert_int_equal(dcpg_h5_read(file, known[i].path, DCPG_H5_F64, NULL, x, NULL), DCPG_OK);
        for (int k = 0; k < known[i].n; k++) assert_true(x[k] == known[i].x[k]);
    }
    int8_t flags[3];
    assert_int_equal(dcpg_h5_read(file, "flag", DCPG_H5_I8, NULL, flags, NULL), DCPG_OK);
    assert_true(flags[0] == 1 && flags[1] == 0 && flags[2] == 1);
    int32_t part[6];
    const dcpg_h5_block block = {.start = {500, 0}, .count = {2, 3}};
    assert_int_equal(dcpg_h5_read(file, "packed", DCPG_H5_I32, &block, part, NULL), DCPG_OK);
    for (int i = 0; i < 6; i++) assert_int_equal(part[i], 1500 + i);
}

/* Content that is not supported or not trusted. */
static void check_refused(dcpg_h5 *file) {
    static const struct {
        const char *path, *reason;
    } known[] = {{"complex", "neither text nor numbers"}, {"five", "5 dimensions"},
                 {"huge", "more than the file can hold"}, {"dangling", "holds no dataset"},
                 {"elsewhere", "external link"},          {"soft_elsewhere", "external link"},
                 {"below_elsewhere/x", "external link"},  {"stored_elsewhere", "external storage"},
                 {"virtual", "virtual dataset"}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        dcpg_err err = {0};
        dcpg_h5_shape shape;
        assert_int_equal(dcpg_h5_shape_of(file, known[i].path, &shape, &err), DCPG_E_INPUT);
        if (!strstr(err.text, known[i].reason)) fail_msg("%s", err.text);
    }
    assert_false(dcpg_h5_exists(file, "dangling"));
    int32_t x[100];
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_read(file, "scaled", DCPG_H5_I32, NULL, x, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "packed with scaleoffset"));
    assert_non_null(strstr(err.text, "h5repack -f GZIP=4"));
}

/* Chunks with checksums, and chunks without any filter. */
static void check_chunks(dcpg_h5 *file) {
    static const char *const paths[] = {"checked", "checked_alone", "plain_chunks"};
    for (size_t p = 0; p < sizeof paths / sizeof *paths; p++) {
        int32_t x[100];
        dcpg_err err = {0};
        if (dcpg_h5_read(file, paths[p], DCPG_H5_I32, NULL, x, &err) != DCPG_OK) fail_msg("%s", err.text);
        for (int i = 0; i < 100; i++) assert_int_equal(x[i], 1000 * i);
    }
    dcpg_err err = {0};
    int32_t x[100];
    assert_int_equal(dcpg_h5_read(file, "bad_checksum", DCPG_H5_I32, NULL, x, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "damaged"));
}

/* Variable-length strings: in chunks with a filter, empty ones, and more of them than the file can hold. */
static void check_variable(dcpg_h5 *file) {
    dcpg_h5_shape shape;
    dcpg_strings text;
    assert_int_equal(dcpg_h5_shape_of(file, "vlen", &shape, NULL), DCPG_OK);
    assert_true(shape.type == DCPG_H5_TEXT && shape.width == 0);
    dcpg_err err = {0};
    if (dcpg_h5_read_strings(file, "vlen_packed", &text, &err) != DCPG_OK) fail_msg("%s", err.text);
    assert_int_equal(text.n, 500);
    for (int i = 0; i < 500; i++) assert_int_equal(atoi(text.v[i]), i);
    dcpg_strings_free(&text);
    assert_int_equal(dcpg_h5_read_strings(file, "many_names", &text, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "more text than the file can hold"));
}

static void check_walk(dcpg_h5 *file) {
    dcpg_strings names;
    assert_int_equal(dcpg_h5_list_datasets(file, "tree", &names, NULL), DCPG_OK);
    assert_int_equal(names.n, 3);
    assert_string_equal(names.v[0], "a/b");
    assert_string_equal(names.v[1], "a/c/d");
    assert_string_equal(names.v[2], "e");
    dcpg_strings_free(&names);
    static const char *const bad[][2] = {{"loop", "more than once"},
                                         {"twice", "more than once"},
                                         {"soft_loop", "more than once"},
                                         {"deep", "too many groups"},
                                         {"nowhere", "holds no group"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        dcpg_err err = {0};
        assert_int_equal(dcpg_h5_list_datasets(file, bad[i][0], &names, &err), DCPG_E_INPUT);
        if (!strstr(err.text, bad[i][1])) fail_msg("%s", err.text);
        assert_int_equal(names.n, 0);
    }
}

static void check_text(dcpg_h5 *file, const char *name, const char *expected) {
    char *text;
    assert_int_equal(dcpg_h5_read_attr_string(file, "model_weights", name, &text, NULL), DCPG_OK);
    assert_string_equal(text, expected);
    dcpg_free(text);
}

static void check_list(dcpg_h5 *file, const char *name, size_t n, const char *last) {
    dcpg_strings text;
    assert_int_equal(dcpg_h5_read_attr_strings(file, "model_weights", name, &text, NULL), DCPG_OK);
    assert_int_equal(text.n, n);
    if (n > 0) assert_string_equal(text.v[n - 1], last);
    dcpg_strings_free(&text);
}

static void read_theirs(const char *how) {
    dcpg_h5 *file;
    python(how, in_folder("theirs.h5"));
    assert_int_equal(dcpg_h5_open(in_folder("theirs.h5"), NULL, &file, NULL), DCPG_OK);
    check_strings(file);
    check_numbers(file);
    check_refused(file);
    check_chunks(file);
    check_variable(file);
    check_walk(file);
    check_text(file, "backend", "tensorflow");
    check_text(file, "keras_version", "2.2.4");
    check_list(file, "layer_names", 2, "dna/dense_1");
    check_list(file, "vlen_names", 2, "bc");
    check_list(file, "weight_names", 0, NULL);
    check_list(file, "long", 100, "layer00099");
    char *config;
    assert_int_equal(dcpg_h5_read_attr_string(file, "model_weights", "config", &config, NULL), DCPG_OK);
    assert_int_equal(strlen(config), strcmp(how, "make") == 0 ? 60000 : 100000);
    dcpg_free(config);
    int64_t one = 0;
    assert_int_equal(dcpg_h5_read_attr_i64(file, "model_weights", "one", &one, NULL), DCPG_OK);
    assert_int_equal(one, 7);
    dcpg_h5_close(file);
}

static void ours_reads_h5py(void **state) {
    (void)state;
    read_theirs("make");
    read_theirs("make_new");
}

static int enter(void **state) {
    (void)state;
    make_folder();
    return 0;
}

static int leave(void **state) {
    (void)state;
    remove_folder();
    return 0;
}

/* A file is refused while another process writes it, and after that process died. */
static void written_elsewhere_is_reported(void **state) {
    (void)state;
    python("held", in_folder("held.h5"));
    dcpg_h5 *file;
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_open(in_folder("held.h5"), NULL, &file, &err), DCPG_E_INPUT);
    if (!strstr(err.text, "open for writing")) fail_msg("%s", err.text);
    python("make", in_folder("locked.h5"));
    int fd = open(in_folder("locked.h5"), O_RDONLY);
    assert_int_equal(flock(fd, LOCK_EX), 0);
    err = (dcpg_err){0};
    assert_int_equal(dcpg_h5_open(in_folder("locked.h5"), NULL, &file, &err), DCPG_E_INPUT);
    if (!strstr(err.text, "open for writing")) fail_msg("%s", err.text);
    close(fd);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(h5py_reads_ours), cmocka_unit_test(ours_reads_h5py),
                                       cmocka_unit_test(written_elsewhere_is_reported)};
    return cmocka_run_group_tests(tests, enter, leave);
}
