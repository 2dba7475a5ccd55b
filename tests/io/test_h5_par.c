/* SPDX-License-Identifier: MIT */
/* Files written by all ranks together: the same content as from one rank, and no rank left waiting when
 * another has an error. */
#include "cmocka_all.h"
#include "folder.h"
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <sys/stat.h>

enum { ROWS = 1000, COLUMNS = 7 };

static dcpg_par par;

static int32_t cell(int64_t row, int64_t column) { return (int32_t)(row * 31 + column * 7 - 5000); }

/* Rows of rank r: none for the first of several, uneven for the others. */
static int64_t first_row(int r) {
    if (r == 0 || par.size == 1) return r == 0 ? 0 : ROWS;
    return (int64_t)ROWS * (r - 1) * (r - 1) / ((par.size - 1) * (par.size - 1));
}

static dcpg_h5_block my_rows(void) {
    int64_t first = first_row(par.rank), end = first_row(par.rank + 1);
    return (dcpg_h5_block){.start = {first, 0}, .count = {end - first, COLUMNS}};
}

/* Writes the rank's rows as 32-bit numbers, which the file may store in another type. */
static void write_mine(dcpg_h5 *file, const char *path, const dcpg_h5_shape *shape) {
    dcpg_h5_block block = my_rows();
    int32_t *x = dcpg_alloc((size_t)(block.count[0] * COLUMNS), sizeof *x);
    for (int64_t i = 0; i < block.count[0] * COLUMNS; i++)
        x[i] = cell(block.start[0] + i / COLUMNS, i % COLUMNS);
    dcpg_err err = {0};
    if (dcpg_h5_make(file, path, shape, &err) != DCPG_OK) fail_msg("%s", err.text);
    if (dcpg_h5_write(file, path, DCPG_H5_I32, &block, block.count[0] ? x : NULL, &err) != DCPG_OK)
        fail_msg("%s", err.text);
    dcpg_free(x);
}

static const struct {
    const char *path;
    dcpg_h5_shape shape;
} datasets[] = {
    {"plain", {.type = DCPG_H5_I32, .ndim = 2, .dim = {ROWS, COLUMNS}}},
    {"chunked", {.type = DCPG_H5_I32, .ndim = 2, .dim = {ROWS, COLUMNS}, .chunk = {64, 3}}},
    {"packed",
     {.type = DCPG_H5_I32, .ndim = 2, .dim = {ROWS, COLUMNS}, .chunk = {128, COLUMNS}, .deflate = 4}},
    {"g/converted",
     {.type = DCPG_H5_I64, .ndim = 2, .dim = {ROWS, COLUMNS}, .chunk = {128, 4}, .deflate = 1}},
    {"g/real", {.type = DCPG_H5_F32, .ndim = 2, .dim = {ROWS, COLUMNS}}},
};
enum { NB_DATASET = sizeof datasets / sizeof *datasets };

static void fill_names(dcpg_strings *names) {
    *names = (dcpg_strings){0};
    for (int i = 0; i < 20; i++) {
        char *name = dcpg_format("cell_%d", i);
        dcpg_strings_add(names, name, NULL);
        dcpg_free(name);
    }
}

static void write_all(const char *path) {
    dcpg_h5 *file;
    dcpg_err err = {0};
    dcpg_strings names, none = {0};
    fill_names(&names);
    if (dcpg_h5_create(path, &par, &file, &err) != DCPG_OK) fail_msg("%s", err.text);
    for (int i = 0; i < NB_DATASET; i++) write_mine(file, datasets[i].path, &datasets[i].shape);
    const dcpg_h5_shape same = {.type = DCPG_H5_F64, .ndim = 1, .dim = {3}};
    const double x[3] = {1, 2, 3.5};
    assert_int_equal(dcpg_h5_make(file, "same", &same, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "same", DCPG_H5_F64, NULL, x, NULL),
                     DCPG_OK); /* the same on all ranks */
    const dcpg_h5_shape empty = {.type = DCPG_H5_I8, .ndim = 1, .chunk = {5}, .deflate = 1};
    assert_int_equal(dcpg_h5_make(file, "empty", &empty, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "empty", DCPG_H5_I8, NULL, NULL, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_strings(file, "names", &names, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_strings(file, "none", &none, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_strings(file, "g", "names", &names, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_strings(file, "/", "none", &none, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_string(file, "/", "format", "store", NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_i64(file, "plain", "length", 1000, NULL), DCPG_OK);
    if (dcpg_h5_commit(file, &err) != DCPG_OK) fail_msg("%s", err.text);
    dcpg_strings_free(&names);
}

static void check_rows(dcpg_h5 *file, const char *path, const dcpg_h5_block *block) {
    int64_t first = block ? block->start[0] : 0, rows = block ? block->count[0] : ROWS;
    int32_t *x = dcpg_alloc((size_t)rows * COLUMNS, sizeof *x);
    dcpg_err err = {0};
    if (dcpg_h5_read(file, path, DCPG_H5_I32, block, x, &err) != DCPG_OK) fail_msg("%s", err.text);
    for (int64_t i = 0; i < rows * COLUMNS; i++)
        assert_int_equal(x[i], cell(first + i / COLUMNS, i % COLUMNS));
    dcpg_free(x);
}

static void check_names(const dcpg_strings *read) {
    dcpg_strings names;
    fill_names(&names);
    assert_int_equal(read->n, names.n);
    for (size_t i = 0; i < names.n; i++) assert_string_equal(read->v[i], names.v[i]);
    dcpg_strings_free(&names);
}

/* Reads everything, by the given ranks together or by this one alone. */
static void check_all(const char *path, const dcpg_par *readers) {
    dcpg_h5 *file;
    dcpg_err err = {0};
    if (dcpg_h5_open(path, readers, &file, &err) != DCPG_OK) fail_msg("%s", err.text);
    for (int i = 0; i < NB_DATASET; i++) {
        dcpg_h5_shape shape;
        assert_int_equal(dcpg_h5_shape_of(file, datasets[i].path, &shape, NULL), DCPG_OK);
        assert_memory_equal(&shape, &datasets[i].shape, sizeof shape);
        check_rows(file, datasets[i].path, NULL);
        dcpg_h5_block mine = my_rows();
        check_rows(file, datasets[i].path, &mine);
        mine = (dcpg_h5_block){.start = {ROWS - 10 - 3 * par.rank, 0},
                               .count = {par.rank % 2 ? 0 : 10, COLUMNS}};
        check_rows(file, datasets[i].path, &mine);
    }
    double x[3] = {0};
    assert_int_equal(dcpg_h5_read(file, "same", DCPG_H5_F64, NULL, x, NULL), DCPG_OK);
    assert_true(x[0] == 1 && x[1] == 2 && x[2] == 3.5);
    assert_int_equal(dcpg_h5_read(file, "empty", DCPG_H5_I8, NULL, NULL, NULL), DCPG_OK);
    dcpg_strings text;
    assert_int_equal(dcpg_h5_read_strings(file, "names", &text, NULL), DCPG_OK);
    check_names(&text);
    dcpg_strings_free(&text);
    assert_int_equal(dcpg_h5_read_strings(file, "none", &text, NULL), DCPG_OK);
    assert_int_equal(text.n, 0);
    assert_int_equal(dcpg_h5_read_attr_strings(file, "g", "names", &text, NULL), DCPG_OK);
    check_names(&text);
    dcpg_strings_free(&text);
    assert_int_equal(dcpg_h5_read_attr_strings(file, "/", "none", &text, NULL), DCPG_OK);
    assert_int_equal(text.n, 0);
    char *format;
    int64_t length = 0;
    assert_int_equal(dcpg_h5_read_attr_string(file, "/", "format", &format, NULL), DCPG_OK);
    assert_string_equal(format, "store");
    dcpg_free(format);
    assert_int_equal(dcpg_h5_read_attr_i64(file, "plain", "length", &length, NULL), DCPG_OK);
    assert_int_equal(length, 1000);
    assert_int_equal(dcpg_h5_list(file, "/", &text, NULL), DCPG_OK);
    assert_int_equal(text.n, 8);
    dcpg_strings_free(&text);
    dcpg_h5_close(file);
}

static void one_file_of_all(void **state) {
    (void)state;
    write_all(in_folder("all.h5"));
    check_all(in_folder("all.h5"), &par);
    check_all(in_folder("all.h5"), NULL);
}

static void same_content_same_bytes(void **state) {
    (void)state;
    static char one[1 << 20], two[1 << 20];
    write_all(in_folder("one.h5"));
    write_all(in_folder("two.h5"));
    FILE *a = fopen(in_folder("one.h5"), "rb"), *b = fopen(in_folder("two.h5"), "rb");
    size_t n = fread(one, 1, sizeof one, a);
    assert_in_range(n, 1000, sizeof one - 1);
    assert_int_equal(fread(two, 1, sizeof two, b), n);
    assert_memory_equal(one, two, n);
    fclose(a);
    fclose(b);
}

/* Disk space reserved for what might be written is given back. */
static void no_blocks_kept(void **state) {
    (void)state;
    const dcpg_h5_shape shape = {
        .type = DCPG_H5_I32, .ndim = 1, .dim = {1000000}, .chunk = {100000}, .deflate = 1};
    dcpg_h5_block block = {.start = {dcpg_part(1000000, par.rank, par.size)}};
    block.count[0] = dcpg_part(1000000, par.rank + 1, par.size) - block.start[0];
    int32_t *zeros = dcpg_alloc((size_t)block.count[0], sizeof *zeros);
    dcpg_h5 *file;
    assert_int_equal(dcpg_h5_create(in_folder("small.h5"), &par, &file, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_make(file, "zeros", &shape, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "zeros", DCPG_H5_I32, &block, zeros, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_commit(file, NULL), DCPG_OK);
    dcpg_free(zeros);
    struct stat s;
    assert_int_equal(stat(in_folder("small.h5"), &s), 0);
    assert_in_range(s.st_size, 1000, 100000);
    assert_in_range(s.st_blocks, 0, 1000); /* of 512 bytes */
}

static void nothing_left_when_closed(void **state) {
    (void)state;
    dcpg_h5 *file;
    int before = nb_file(folder);
    dcpg_barrier_all(&par);
    assert_int_equal(dcpg_h5_create(in_folder("gone.h5"), &par, &file, NULL), DCPG_OK);
    write_mine(file, "packed", &datasets[2].shape);
    dcpg_h5_close(file);
    dcpg_barrier_all(&par);
    assert_int_equal(nb_file(folder), before);
}

/* Slices of the ranks overlap, lie inside one another or are empty, in many ways; Open MPI's collective reads
 * would return zeros for some. */
static void overlapping_parts(void **state) {
    (void)state;
    enum { ROUNDS = 100 };
    write_all(in_folder("overlap.h5"));
    dcpg_h5 *file;
    assert_int_equal(dcpg_h5_open(in_folder("overlap.h5"), &par, &file, NULL), DCPG_OK);
    int32_t *x = dcpg_alloc(ROWS * COLUMNS, sizeof *x);
    for (int round = 0; round < ROUNDS; round++) {
        int64_t first = (round * 37 + par.rank * 211) % ROWS,
                count = (round * 101 + par.rank * 433) % (ROWS + 1 - first);
        dcpg_h5_block block = {.start = {first, 0}, .count = {count, COLUMNS}};
        memset(x, 0x77, ROWS * COLUMNS * sizeof *x);
        assert_int_equal(dcpg_h5_read(file, datasets[round % NB_DATASET].path, DCPG_H5_I32, &block, x, NULL),
                         DCPG_OK);
        for (int64_t i = 0; i < count * COLUMNS; i++)
            assert_int_equal(x[i], cell(first + i / COLUMNS, i % COLUMNS));
    }
    dcpg_free(x);
    dcpg_h5_close(file);
}

/* The last rank asks for something that does not exist. */
static void one_rank_errs(void **state) {
    (void)state;
    bool errs = par.rank == par.size - 1;
    dcpg_h5 *file;
    write_all(in_folder("errs.h5"));
    assert_int_equal(dcpg_h5_open(in_folder("errs.h5"), &par, &file, NULL), DCPG_OK);
    dcpg_h5_block block = {.start = {errs ? ROWS : 0, 0}, .count = {1, COLUMNS}};
    int32_t x[COLUMNS];
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_read(file, "packed", DCPG_H5_I32, &block, x, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "packed"));
    dcpg_h5_close(file);

    const dcpg_h5_shape narrow = {
        .type = DCPG_H5_I8, .ndim = 1, .dim = {par.size}, .chunk = {2}, .deflate = 1};
    block = (dcpg_h5_block){.start = {par.rank}, .count = {1}};
    x[0] = errs ? 1000 : 1; /* too large for the file's type */
    err = (dcpg_err){0};
    assert_int_equal(dcpg_h5_create(in_folder("narrow.h5"), &par, &file, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_make(file, "x", &narrow, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "x", DCPG_H5_I32, &block, x, &err), DCPG_E_IO);
    assert_non_null(strstr(err.text, "dataset x cannot be written"));
    dcpg_h5_close(file);
    dcpg_barrier_all(&par);
    assert_int_not_equal(access(in_folder("narrow.h5"), F_OK), 0);
}

static void refused_alike(void **state) {
    (void)state;
    static const struct {
        const char *name, *reason;
    } known[] = {{"absent.h5", "No such file"}, {"text.h5", "not an HDF5 file"}, {"cut.h5", "truncated"}};
    write_all(in_folder("cut.h5"));
    if (par.rank == 0) {
        assert_int_equal(truncate(in_folder("cut.h5"), 5000), 0);
        FILE *text = fopen(in_folder("text.h5"), "w");
        fputs("chr1\t1\t0\n", text);
        fclose(text);
    }
    dcpg_barrier_all(&par);
    dcpg_h5 *file;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        dcpg_err err = {0};
        assert_int_equal(dcpg_h5_open(in_folder(known[i].name), &par, &file, &err), DCPG_E_INPUT);
        assert_null(file);
        if (!strstr(err.text, known[i].reason)) fail_msg("%s", err.text);
    }
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_create(in_folder("none/a.h5"), &par, &file, &err), DCPG_E_IO);
    assert_non_null(strstr(err.text, "none/a.h5: cannot be created"));
}

static int enter(void **state) {
    (void)state;
    if (par.rank == 0) make_folder();
    dcpg_bcast_all(&par, folder, sizeof folder, 0);
    return 0;
}

static int leave(void **state) {
    (void)state;
    dcpg_barrier_all(&par);
    if (par.rank == 0) remove_folder();
    return 0;
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all ranks */
    if (dcpg_par_open_all(&par, &argc, &argv, NULL) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_file_of_all),         cmocka_unit_test(no_blocks_kept),
        cmocka_unit_test(same_content_same_bytes), cmocka_unit_test(nothing_left_when_closed),
        cmocka_unit_test(overlapping_parts),       cmocka_unit_test(one_rank_errs),
        cmocka_unit_test(refused_alike),
    };
    int failed = cmocka_run_group_tests(tests, enter, leave);
    dcpg_par_close_all(&par);
    return failed;
}
