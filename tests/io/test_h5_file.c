/* SPDX-License-Identifier: MIT */
/* Whole files: they appear complete or not at all, and a damaged file gives an error, never a crash. */
#include "cmocka_all.h"
#include "folder.h"
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <time.h>

/* HDF5 does not free everything that it read of a file that it then refuses. */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

static void write_content(dcpg_h5 *file) {
    const dcpg_h5_shape shape = {
        .type = DCPG_H5_I32, .ndim = 2, .dim = {100, 3}, .chunk = {32, 3}, .deflate = 4};
    int32_t x[300];
    for (int i = 0; i < 300; i++) x[i] = i * i;
    char *words[] = {(char[]){"alpha"}, (char[]){"beta"}};
    const dcpg_strings text = {.v = words, .n = 2};
    assert_int_equal(dcpg_h5_make(file, "cells/one/pos", &shape, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "cells/one/pos", DCPG_H5_I32, NULL, x, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_strings(file, "names", &text, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_string(file, "/", "format", "test", NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_strings(file, "cells", "list", &text, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_i64(file, "cells/one/pos", "version", 3, NULL), DCPG_OK);
}

static void make_file(const char *path) {
    dcpg_h5 *file;
    assert_int_equal(dcpg_h5_create(path, NULL, &file, NULL), DCPG_OK);
    write_content(file);
    assert_int_equal(dcpg_h5_commit(file, NULL), DCPG_OK);
}

/* Reads the whole content; true if all of it could be read and is right. */
static bool read_content(const char *path, dcpg_err *err) {
    dcpg_h5 *file;
    if (dcpg_h5_open(path, NULL, &file, err) != DCPG_OK) return false;
    int32_t x[300] = {0};
    int64_t version = 0;
    char *format = NULL;
    dcpg_strings names = {0}, list = {0}, members = {0};
    dcpg_h5_shape shape = {0};
    bool fine = dcpg_h5_list(file, "cells", &members, err) == DCPG_OK;
    fine = dcpg_h5_read_strings(file, "names", &names, err) == DCPG_OK && fine;
    fine = dcpg_h5_read_attr_string(file, "/", "format", &format, err) == DCPG_OK && fine;
    fine = dcpg_h5_read_attr_strings(file, "cells", "list", &list, err) == DCPG_OK && fine;
    fine = dcpg_h5_read_attr_i64(file, "cells/one/pos", "version", &version, err) == DCPG_OK && fine;
    fine = dcpg_h5_shape_of(file, "cells/one/pos", &shape, err) == DCPG_OK && fine;
    if (fine && shape.ndim == 2 && shape.dim[0] * shape.dim[1] == 300) {
        fine = dcpg_h5_read(file, "cells/one/pos", DCPG_H5_I32, NULL, x, err) == DCPG_OK;
        for (int i = 0; i < 300; i++) fine = fine && x[i] == i * i;
    }
    fine =
        fine && members.n == 1 && names.n == 2 && list.n == 2 && version == 3 && strcmp(format, "test") == 0;
    dcpg_strings_free(&names);
    dcpg_strings_free(&list);
    dcpg_strings_free(&members);
    dcpg_free(format);
    dcpg_h5_close(file);
    return fine;
}

static size_t load(const char *path, char *bytes, size_t capacity) {
    FILE *file = fopen(path, "rb");
    size_t n = fread(bytes, 1, capacity, file);
    fclose(file);
    return n;
}

static void store(const char *path, const char *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    fclose(file);
}

static void appears_when_committed(void **state) {
    (void)state;
    int before = nb_file(folder);
    dcpg_h5 *file;
    assert_int_equal(dcpg_h5_create(in_folder("a.h5"), NULL, &file, NULL), DCPG_OK);
    assert_string_equal(dcpg_h5_path(file), in_folder("a.h5"));
    write_content(file);
    assert_int_not_equal(access(in_folder("a.h5"), F_OK), 0);
    assert_int_equal(dcpg_h5_commit(file, NULL), DCPG_OK);
    assert_int_equal(access(in_folder("a.h5"), F_OK), 0);
    assert_int_equal(nb_file(folder), before + 1);
    dcpg_err err = {0};
    assert_true(read_content(in_folder("a.h5"), &err));
}

static void leaves_nothing_when_closed(void **state) {
    (void)state;
    make_file(in_folder("kept.h5"));
    int before = nb_file(folder);
    for (int i = 0; i < 2; i++) {
        dcpg_h5 *file;
        assert_int_equal(dcpg_h5_create(in_folder(i ? "kept.h5" : "new.h5"), NULL, &file, NULL), DCPG_OK);
        if (i == 0) write_content(file);
        dcpg_h5_close(file);
        assert_int_equal(nb_file(folder), before);
    }
    dcpg_err err = {0};
    assert_true(read_content(in_folder("kept.h5"), &err)); /* the old file is still there */
    dcpg_h5_close(NULL);
}

static void replaces_a_file(void **state) {
    (void)state;
    store(in_folder("old.h5"), "something else", 14);
    make_file(in_folder("old.h5"));
    dcpg_err err = {0};
    assert_true(read_content(in_folder("old.h5"), &err));
}

/* Neither times nor names of temporary files get into the content. */
static void same_content_same_bytes(void **state) {
    (void)state;
    static char one[1 << 20], two[1 << 20];
    make_file(in_folder("one.h5"));
    nanosleep(&(struct timespec){1, 100000000}, NULL); /* HDF5's clock counts seconds */
    make_file(in_folder("two.h5"));
    size_t n = load(in_folder("one.h5"), one, sizeof one);
    assert_true(n > 0 && n < sizeof one);
    assert_int_equal(load(in_folder("two.h5"), two, sizeof two), n);
    assert_memory_equal(one, two, n);
}

static void assert_refused(dcpg_status status, dcpg_status expected, const dcpg_err *err, const char *path,
                           const char *reason) {
    assert_int_equal(status, expected);
    assert_int_equal(err->status, expected);
    assert_ptr_equal(strstr(err->text, path), err->text); /* starts with the file's name */
    if (!strstr(err->text, reason)) fail_msg("%s", err->text);
    assert_null(strchr(err->text, '\n'));
}

static void cannot_create(void **state) {
    (void)state;
    static const struct {
        const char *name, *reason;
    } known[] = {{"none/a.h5", "No such file or directory"},
                 {"", "is a directory"},
                 {"plain/a.h5", "Not a directory"}};
    store(in_folder("plain"), "x", 1);
    int before = nb_file(folder);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        dcpg_err err = {0};
        dcpg_h5 *file;
        const char *path = in_folder(known[i].name);
        assert_refused(dcpg_h5_create(path, NULL, &file, &err), DCPG_E_IO, &err, path, known[i].reason);
        assert_null(file);
    }
    assert_int_equal(nb_file(folder), before);
}

static void cannot_open(void **state) {
    (void)state;
    static const struct {
        const char *name, *reason;
    } known[] = {{"absent.h5", "No such file"},
                 {"", "is not a file"},
                 {"empty", "is empty"},
                 {"text", "not an HDF5 file"}};
    store(in_folder("empty"), "", 0);
    store(in_folder("text"), "chr1\t100\t0.5\n", 13);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        dcpg_err err = {0};
        dcpg_h5 *file;
        const char *path = in_folder(known[i].name);
        assert_refused(dcpg_h5_open(path, NULL, &file, &err), DCPG_E_INPUT, &err, path, known[i].reason);
        assert_null(file);
    }
}

/* Files cut at every length. */
static void truncated(void **state) {
    (void)state;
    static char bytes[1 << 20];
    make_file(in_folder("whole.h5"));
    size_t n = load(in_folder("whole.h5"), bytes, sizeof bytes);
    const char *path = in_folder("cut.h5");
    for (size_t length = 1; length < n; length += length < 100 ? 1 : 97) {
        dcpg_err err = {0};
        dcpg_h5 *file;
        store(path, bytes, length);
        assert_refused(dcpg_h5_open(path, NULL, &file, &err), DCPG_E_INPUT, &err, path,
                       length < 48 ? "HDF5" : "truncated: the file is shorter than its header says");
    }
}

/* Overwrites single bytes and longer runs. Damage is either noticed, or the file is read without a crash. */
static void damaged(void **state) {
    (void)state;
    static char bytes[1 << 20], broken[1 << 20];
    make_file(in_folder("sound.h5"));
    size_t n = load(in_folder("sound.h5"), bytes, sizeof bytes);
    const char *path = in_folder("damaged.h5");
    const char *wanted = getenv("DCPG_TEST_DAMAGES"); /* more damages for long runs */
    int rounds = wanted ? atoi(wanted) : 600, noticed = 0;
    dcpg_rng rng;
    dcpg_rng_start(&rng, 5, 0);
    for (int i = 0; i < rounds; i++) {
        memcpy(broken, bytes, n);
        size_t at = dcpg_rng_below(&rng, n), length = 1 + dcpg_rng_below(&rng, i % 4 == 0 ? 64 : 1);
        for (size_t k = at; k < at + length && k < n; k++) broken[k] = (char)dcpg_rng_u32(&rng);
        store(path, broken, n);
        dcpg_err err = {0};
        bool fine = read_content(path, &err);
        if (!fine) noticed++;
        if (!fine && err.status != DCPG_OK)
            assert_true(strncmp(err.text, path, strlen(path)) == 0 || err.status == DCPG_E_NOMEM);
    }
    assert_true(noticed > rounds / 4);
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

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appears_when_committed),
        cmocka_unit_test(leaves_nothing_when_closed),
        cmocka_unit_test(replaces_a_file),
        cmocka_unit_test(same_content_same_bytes),
        cmocka_unit_test(cannot_create),
        cmocka_unit_test(cannot_open),
        cmocka_unit_test(truncated),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
