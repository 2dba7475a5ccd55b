/* SPDX-License-Identifier: MIT */
/* Contents of a serial file: numbers of every type, blocks, strings, attributes and groups; and what is
 * refused. */
#include "cmocka_all.h"
#include "folder.h"
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <math.h>

static dcpg_h5 *file; /* open for reading or writing */

static void begin(void) {
    assert_int_equal(dcpg_h5_create(in_folder("data.h5"), NULL, &file, NULL), DCPG_OK);
}

static void reopen(void) {
    assert_int_equal(dcpg_h5_commit(file, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_open(in_folder("data.h5"), NULL, &file, NULL), DCPG_OK);
}

static void end(void) { dcpg_h5_close(file); }

static void make(const char *path, dcpg_h5_type type, int64_t n) {
    const dcpg_h5_shape shape = {.type = type, .ndim = 1, .dim = {n}};
    assert_int_equal(dcpg_h5_make(file, path, &shape, NULL), DCPG_OK);
}

static void types_keep_their_ends(void **state) {
    (void)state;
    static const struct {
        dcpg_h5_type type;
        union {
            int8_t i8[2];
            uint8_t u8[2];
            int16_t i16[2];
            int32_t i32[2];
            int64_t i64[2];
            uint64_t u64[2];
            float f32[2];
            double f64[2];
        } x;
        size_t bytes;
    } known[] = {
        {DCPG_H5_I8, {.i8 = {INT8_MIN, INT8_MAX}}, 2},      {DCPG_H5_U8, {.u8 = {0, UINT8_MAX}}, 2},
        {DCPG_H5_I16, {.i16 = {INT16_MIN, INT16_MAX}}, 4},  {DCPG_H5_I32, {.i32 = {INT32_MIN, INT32_MAX}}, 8},
        {DCPG_H5_I64, {.i64 = {INT64_MIN, INT64_MAX}}, 16}, {DCPG_H5_U64, {.u64 = {0, UINT64_MAX}}, 16},
        {DCPG_H5_F32, {.f32 = {-0.1f, 1e-40f}}, 8},         {DCPG_H5_F64, {.f64 = {-0.1, 1e300}}, 16},
    };
    enum { NB = sizeof known / sizeof *known };
    char path[8] = "t0";
    begin();
    for (size_t i = 0; i < NB; i++) {
        path[1] = (char)('0' + i);
        make(path, known[i].type, 2);
        assert_int_equal(dcpg_h5_write(file, path, known[i].type, NULL, &known[i].x, NULL), DCPG_OK);
    }
    reopen();
    for (size_t i = 0; i < NB; i++) {
        path[1] = (char)('0' + i);
        dcpg_h5_shape shape;
        char x[16] = {0};
        assert_int_equal(dcpg_h5_shape_of(file, path, &shape, NULL), DCPG_OK);
        assert_int_equal(shape.type, known[i].type);
        assert_int_equal(shape.ndim, 1);
        assert_int_equal(shape.dim[0], 2);
        assert_int_equal(shape.chunk[0], 0);
        assert_int_equal(dcpg_h5_read(file, path, known[i].type, NULL, x, NULL), DCPG_OK);
        assert_memory_equal(x, &known[i].x, known[i].bytes);
    }
    end();
}

static void converts(void **state) {
    (void)state;
    const int64_t wide[3] = {-1, 0, 100};
    const double real[3] = {0.5, -2.75, 1e10};
    begin();
    make("i8", DCPG_H5_I8, 3);
    make("f32", DCPG_H5_F32, 3);
    assert_int_equal(dcpg_h5_write(file, "i8", DCPG_H5_I64, NULL, wide, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "f32", DCPG_H5_F64, NULL, real, NULL), DCPG_OK);
    reopen();
    double d[3];
    float f[3];
    assert_int_equal(dcpg_h5_read(file, "i8", DCPG_H5_F64, NULL, d, NULL), DCPG_OK);
    for (int i = 0; i < 3; i++) assert_true(d[i] == (double)wide[i]);
    assert_int_equal(dcpg_h5_read(file, "f32", DCPG_H5_F32, NULL, f, NULL), DCPG_OK);
    for (int i = 0; i < 3; i++) assert_true(f[i] == (float)real[i]);
    end();
}

/* HDF5 on its own would clip 300 to 127. */
static void refuses_what_does_not_fit(void **state) {
    (void)state;
    const int64_t wide[2] = {1, 300};
    int8_t narrow[2];
    uint8_t natural[2];
    const int32_t negative[2] = {5, -5};
    begin();
    make("wide", DCPG_H5_I64, 2);
    make("negative", DCPG_H5_I32, 2);
    make("narrow", DCPG_H5_I8, 2);
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_write(file, "narrow", DCPG_H5_I64, NULL, wide, &err), DCPG_E_IO);
    assert_int_equal(dcpg_h5_write(file, "wide", DCPG_H5_I64, NULL, wide, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "negative", DCPG_H5_I32, NULL, negative, NULL), DCPG_OK);
    reopen();
    err = (dcpg_err){0};
    assert_int_equal(dcpg_h5_read(file, "wide", DCPG_H5_I8, NULL, narrow, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "wide"));
    assert_int_equal(dcpg_h5_read(file, "negative", DCPG_H5_U8, NULL, natural, NULL), DCPG_E_INPUT);
    end();
}

static void blocks(void **state) {
    (void)state;
    const dcpg_h5_shape shape = {
        .type = DCPG_H5_I32, .ndim = 3, .dim = {7, 5, 4}, .chunk = {3, 2, 4}, .deflate = 1};
    int32_t x[140], y[140], part[2 * 3 * 2];
    for (int i = 0; i < 140; i++) x[i] = 1000 + i;
    begin();
    assert_int_equal(dcpg_h5_make(file, "a/b/c", &shape, NULL), DCPG_OK);
    for (int row = 0; row < 7; row += 2) { /* in pieces */
        const dcpg_h5_block block = {.start = {row, 0, 0}, .count = {row == 6 ? 1 : 2, 5, 4}};
        assert_int_equal(dcpg_h5_write(file, "a/b/c", DCPG_H5_I32, &block, x + 20 * row, NULL), DCPG_OK);
    }
    reopen();
    dcpg_h5_shape read;
    assert_int_equal(dcpg_h5_shape_of(file, "/a/b/c", &read, NULL), DCPG_OK);
    assert_memory_equal(&read, &shape, sizeof shape);
    assert_int_equal(dcpg_h5_read(file, "a/b/c", DCPG_H5_I32, NULL, y, NULL), DCPG_OK);
    assert_memory_equal(x, y, sizeof x);
    const dcpg_h5_block inner = {.start = {4, 1, 2}, .count = {2, 3, 2}};
    assert_int_equal(dcpg_h5_read(file, "a/b/c", DCPG_H5_I32, &inner, part, NULL), DCPG_OK);
    for (int i = 0; i < 12; i++)
        assert_int_equal(part[i], 1000 + (4 + i / 6) * 20 + (1 + i / 2 % 3) * 4 + 2 + i % 2);
    const dcpg_h5_block nothing = {.start = {7, 0, 0}, .count = {0, 5, 4}};
    assert_int_equal(dcpg_h5_read(file, "a/b/c", DCPG_H5_I32, &nothing, NULL, NULL), DCPG_OK);
    const dcpg_h5_block outside[] = {{.start = {6, 0, 0}, .count = {2, 5, 4}},
                                     {.start = {-1, 0, 0}, .count = {1, 1, 1}},
                                     {.start = {0, 0, 0}, .count = {1, -1, 1}},
                                     {.start = {1, 0, 0}, .count = {INT64_MAX, 1, 1}}};
    for (size_t i = 0; i < sizeof outside / sizeof *outside; i++) {
        dcpg_err err = {0};
        assert_int_equal(dcpg_h5_read(file, "a/b/c", DCPG_H5_I32, &outside[i], y, &err), DCPG_E_INPUT);
        assert_non_null(strstr(err.text, "a/b/c"));
    }
    end();
}

/* Reads every block of a dataset with four dimensions, whose chunks do not divide it, and of which a part was
 * never written. */
static void compressed_blocks(void **state) {
    (void)state;
    enum { A = 3, B = 5, C = 4, D = 3 };
    const dcpg_h5_shape shape = {
        .type = DCPG_H5_I16, .ndim = 4, .dim = {A, B, C, D}, .chunk = {2, 2, 3, 2}, .deflate = 9};
    int16_t x[A * B * C * D];
    for (int i = 0; i < A * B * C * D; i++) x[i] = (int16_t)(i < 2 * B * C * D ? 1000 * i : 0);
    begin();
    assert_int_equal(dcpg_h5_make(file, "x", &shape, NULL), DCPG_OK);
    const dcpg_h5_block written = {.start = {0, 0, 0, 0}, .count = {2, B, C, D}};
    assert_int_equal(dcpg_h5_write(file, "x", DCPG_H5_I16, &written, x, NULL), DCPG_OK);
    reopen();
    for (int a = 0; a < A * A * B * B * C * C; a++) {
        dcpg_h5_block b = {
            .start = {a % A, a / A % B, a / A / B % C, a % D},
            .count = {1 + a / A / B / C % A, 1 + a / A / A / B / C % B, 1 + a / A / A / B / B / C, 1}};
        b.count[3] = D - b.start[3];
        if (b.start[0] + b.count[0] > A || b.start[1] + b.count[1] > B || b.start[2] + b.count[2] > C)
            continue;
        int16_t y[A * B * C * D];
        float z[A * B * C * D];
        assert_int_equal(dcpg_h5_read(file, "x", DCPG_H5_I16, &b, y, NULL), DCPG_OK);
        assert_int_equal(dcpg_h5_read(file, "x", DCPG_H5_F32, &b, z, NULL), DCPG_OK);
        for (int64_t i = 0, n = b.count[0] * b.count[1] * b.count[2] * b.count[3]; i < n; i++) {
            int64_t d = i % b.count[3], c = i / b.count[3] % b.count[2],
                    r = i / b.count[3] / b.count[2] % b.count[1],
                    q = i / b.count[3] / b.count[2] / b.count[1];
            int64_t at = (((b.start[0] + q) * B + b.start[1] + r) * C + b.start[2] + c) * D + b.start[3] + d;
            assert_int_equal(y[i], x[at]);
            assert_true(z[i] == (float)x[at]);
        }
    }
    end();
}

/* Packs rows of bytes, and writes them as the chunk from `row` on. */
static void write_packed(const char *path, int64_t row, const char *rows, size_t count, size_t width) {
    char spare[256], packed[512];
    assert_true(count * width <= sizeof spare && dcpg_h5_packed_bound(count * width) <= sizeof packed);
    size_t bytes = dcpg_h5_pack(rows, count, width, 1, spare, packed);
    const dcpg_h5_packed chunk = {.row = row, .data = packed, .bytes = bytes};
    assert_true(bytes > 0);
    assert_int_equal(dcpg_h5_write_packed(file, path, &chunk, NULL), DCPG_OK);
}

/* Chunks that were packed here are those that HDF5 packs: a table of numbers and one of text, in another
 * order than that of the rows, with an edge, and with bytes that do not compress. */
static void packed_chunks(void **state) {
    (void)state;
    enum { ROWS = 7, CHUNK = 4, UNITS = 3, WIDTH = 5 };
    const dcpg_h5_shape numbers = {.type = DCPG_H5_I32,
                                   .ndim = 2,
                                   .dim = {ROWS, UNITS},
                                   .chunk = {CHUNK, UNITS},
                                   .deflate = 1},
                        text = {.type = DCPG_H5_TEXT,
                                .width = WIDTH,
                                .ndim = 1,
                                .dim = {ROWS},
                                .chunk = {CHUNK},
                                .deflate = 1};
    int32_t x[2 * CHUNK][UNITS] = {0}, y[ROWS][UNITS];
    char name[2 * CHUNK][WIDTH] = {"chr1", "chrXY", "", "b", "c", "d", "\xff"}, read[ROWS][WIDTH];
    for (int32_t i = 0; i < ROWS * UNITS; i++) x[i / UNITS][i % UNITS] = i * i * 0x00234567;
    begin();
    assert_int_equal(dcpg_h5_make(file, "x", &numbers, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_make(file, "names", &text, NULL), DCPG_OK);
    for (int64_t row = CHUNK; row >= 0; row -= CHUNK) {
        write_packed("x", row, (const char *)x[row], CHUNK * UNITS, sizeof x[0][0]);
        write_packed("names", row, name[row], CHUNK, WIDTH);
    }
    reopen();
    assert_int_equal(dcpg_h5_read(file, "x", DCPG_H5_I32, NULL, y, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_read(file, "names", DCPG_H5_TEXT, NULL, read, NULL), DCPG_OK);
    assert_memory_equal(x, y, sizeof y);
    assert_memory_equal(name, read, sizeof read);
    end();
}

static void empty_and_scalar(void **state) {
    (void)state;
    const dcpg_h5_shape scalar = {.type = DCPG_H5_F64},
                        empty = {
                            .type = DCPG_H5_I8, .ndim = 2, .dim = {0, 5}, .chunk = {10, 5}, .deflate = 4};
    double pi = 3.25, read = 0;
    begin();
    assert_int_equal(dcpg_h5_make(file, "pi", &scalar, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "pi", DCPG_H5_F64, NULL, &pi, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_make(file, "empty", &empty, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "empty", DCPG_H5_I8, NULL, NULL, NULL), DCPG_OK);
    reopen();
    dcpg_h5_shape shape;
    assert_int_equal(dcpg_h5_shape_of(file, "pi", &shape, NULL), DCPG_OK);
    assert_int_equal(shape.ndim, 0);
    assert_int_equal(dcpg_h5_read(file, "pi", DCPG_H5_F64, NULL, &read, NULL), DCPG_OK);
    assert_true(read == pi);
    assert_int_equal(dcpg_h5_shape_of(file, "empty", &shape, NULL), DCPG_OK);
    assert_int_equal(shape.dim[0], 0);
    assert_int_equal(shape.dim[1], 5);
    assert_int_equal(dcpg_h5_read(file, "empty", DCPG_H5_I8, NULL, NULL, NULL), DCPG_OK);
    end();
}

static void groups(void **state) {
    (void)state;
    begin();
    assert_int_equal(dcpg_h5_make_group(file, "b/deep/er", NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_make_group(file, "/b/deep", NULL), DCPG_OK); /* exists, which is fine */
    assert_int_equal(dcpg_h5_make_group(file, "/", NULL), DCPG_OK);
    make("b/Z", DCPG_H5_I8, 1);
    make("b/a", DCPG_H5_I8, 1);
    assert_int_equal(dcpg_h5_make_group(file, "b/a/under", NULL), DCPG_E_IO); /* a dataset is in the way */
    const dcpg_h5_shape shape = {.type = DCPG_H5_I8, .ndim = 1, .dim = {1}};
    assert_int_equal(dcpg_h5_make(file, "b/a", &shape, NULL), DCPG_E_IO); /* exists */
    reopen();
    assert_true(dcpg_h5_exists(file, "/") && dcpg_h5_exists(file, "b") &&
                dcpg_h5_exists(file, "/b/deep/er") && dcpg_h5_exists(file, "b/a"));
    assert_false(dcpg_h5_exists(file, "c") || dcpg_h5_exists(file, "c/d/e") ||
                 dcpg_h5_exists(file, "b/a/x") || dcpg_h5_exists(file, "b/deep/x"));
    assert_true(dcpg_h5_is_group(file, "b/deep") && dcpg_h5_is_group(file, "/"));
    assert_false(dcpg_h5_is_group(file, "b/a") || dcpg_h5_is_group(file, "none"));
    dcpg_strings names;
    assert_int_equal(dcpg_h5_list(file, "b", &names, NULL), DCPG_OK);
    assert_int_equal(names.n, 3);
    assert_string_equal(names.v[0], "Z");
    assert_string_equal(names.v[1], "a");
    assert_string_equal(names.v[2], "deep");
    dcpg_strings_free(&names);
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_list(file, "b/a", &names, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "holds no group b/a"));
    err = (dcpg_err){0};
    int8_t x[1];
    assert_int_equal(dcpg_h5_read(file, "b/none", DCPG_H5_I8, NULL, x, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "holds no dataset b/none"));
    err = (dcpg_err){0};
    assert_int_equal(dcpg_h5_read(file, "b", DCPG_H5_I8, NULL, x, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "not a dataset"));
    end();
}

static void assert_same(const dcpg_strings *a, const dcpg_strings *b) {
    assert_int_equal(a->n, b->n);
    for (size_t i = 0; i < a->n; i++) assert_string_equal(a->v[i], b->v[i]);
}

static void strings(void **state) {
    (void)state;
    dcpg_strings text = {0}, none = {0}, read;
    const char *words[] = {"chr1", "", "a longer one, with blanks ", "z\xc3\xbcrich"};
    for (int i = 0; i < 4; i++) dcpg_strings_add(&text, words[i], NULL);
    begin();
    assert_int_equal(dcpg_h5_write_strings(file, "x/names", &text, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_strings(file, "none", &none, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_strings(file, "none", &none, NULL), DCPG_E_IO); /* exists */
    make("numbers", DCPG_H5_I8, 3);
    reopen();
    assert_int_equal(dcpg_h5_read_strings(file, "x/names", &read, NULL), DCPG_OK);
    assert_same(&read, &text);
    dcpg_strings_free(&read);
    assert_int_equal(dcpg_h5_read_strings(file, "none", &read, NULL), DCPG_OK);
    assert_int_equal(read.n, 0);
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_read_strings(file, "numbers", &read, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "numbers is not text"));
    int8_t x[100];
    assert_int_equal(dcpg_h5_read(file, "x/names", DCPG_H5_I8, NULL, x, NULL), DCPG_E_INPUT);
    dcpg_h5_shape shape;
    assert_int_equal(dcpg_h5_shape_of(file, "x/names", &shape, NULL), DCPG_OK);
    assert_true(shape.type == DCPG_H5_TEXT && shape.width == strlen(words[2]) && shape.ndim == 1 &&
                shape.dim[0] == 4);
    dcpg_strings_free(&text);
    end();
}

/* Blocks of strings of fixed length, as bytes. */
static void text_blocks(void **state) {
    (void)state;
    const dcpg_h5_shape shape = {
        .type = DCPG_H5_TEXT, .width = 3, .ndim = 1, .dim = {5}, .chunk = {2}, .deflate = 1};
    const dcpg_h5_block middle = {.start = {1}, .count = {3}};
    char x[15] = {0};
    begin();
    assert_int_equal(dcpg_h5_make(file, "chromo", &shape, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "chromo", DCPG_H5_TEXT, NULL,
                                   "1\0\0"
                                   "10\0"
                                   "X\0\0"
                                   "MT1"
                                   "2\0\0",
                                   NULL),
                     DCPG_OK);
    assert_int_equal(dcpg_h5_write(file, "chromo", DCPG_H5_TEXT, &middle,
                                   "a\0\0"
                                   "bcd"
                                   "\0\0\0",
                                   NULL),
                     DCPG_OK);
    make("numbers", DCPG_H5_I8, 3);
    reopen();
    assert_int_equal(dcpg_h5_read(file, "chromo", DCPG_H5_TEXT, NULL, x, NULL), DCPG_OK);
    assert_memory_equal(x,
                        "1\0\0"
                        "a\0\0"
                        "bcd"
                        "\0\0\0"
                        "2\0\0",
                        15);
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_read(file, "numbers", DCPG_H5_TEXT, NULL, x, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "holds no strings of fixed length"));
    end();
}

static void attributes(void **state) {
    (void)state;
    static char big[200001]; /* a Keras model_config is longer than the headers of old files allow */
    for (size_t i = 0; i < sizeof big - 1; i++) big[i] = (char)('a' + i % 26);
    dcpg_strings list = {0}, none = {0}, read;
    dcpg_strings_add(&list, "dna/conv1d_1", NULL);
    dcpg_strings_add(&list, "cpg", NULL);
    begin();
    make("g/x", DCPG_H5_I8, 1);
    assert_int_equal(dcpg_h5_write_attr_string(file, "/", "version", "2.2.4", NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_string(file, "g", "empty", "", NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_string(file, "g", "config", big, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_strings(file, "g", "names", &list, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_strings(file, "g/x", "none", &none, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_i64(file, "g/x", "n", INT64_MIN, NULL), DCPG_OK);
    assert_int_equal(dcpg_h5_write_attr_i64(file, "g/x", "n", -3, NULL), DCPG_OK); /* replaces */
    assert_int_equal(dcpg_h5_write_attr_i64(file, "absent", "n", 1, NULL), DCPG_E_IO);
    reopen();
    char *text;
    int64_t n;
    assert_int_equal(dcpg_h5_read_attr_string(file, "/", "version", &text, NULL), DCPG_OK);
    assert_string_equal(text, "2.2.4");
    dcpg_free(text);
    assert_int_equal(dcpg_h5_read_attr_string(file, "g", "empty", &text, NULL), DCPG_OK);
    assert_string_equal(text, "");
    dcpg_free(text);
    assert_int_equal(dcpg_h5_read_attr_string(file, "g", "config", &text, NULL), DCPG_OK);
    assert_string_equal(text, big);
    dcpg_free(text);
    assert_int_equal(dcpg_h5_read_attr_strings(file, "g", "names", &read, NULL), DCPG_OK);
    assert_same(&read, &list);
    dcpg_strings_free(&read);
    assert_int_equal(dcpg_h5_read_attr_strings(file, "g/x", "none", &read, NULL), DCPG_OK);
    assert_int_equal(read.n, 0);
    assert_int_equal(dcpg_h5_read_attr_i64(file, "g/x", "n", &n, NULL), DCPG_OK);
    assert_int_equal(n, -3);
    assert_true(dcpg_h5_has_attr(file, "/", "version"));
    assert_false(dcpg_h5_has_attr(file, "g", "version") || dcpg_h5_has_attr(file, "absent", "version"));
    dcpg_err err = {0};
    assert_int_equal(dcpg_h5_read_attr_i64(file, "g", "names", &n, &err), DCPG_E_INPUT);
    err = (dcpg_err){0};
    assert_int_equal(dcpg_h5_read_attr_string(file, "g", "names", &text, &err),
                     DCPG_E_INPUT); /* two strings */
    err = (dcpg_err){0};
    assert_int_equal(dcpg_h5_read_attr_string(file, "g", "absent", &text, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "g has no attribute absent"));
    assert_int_equal(dcpg_h5_read_attr_strings(file, "g", "absent", &read, NULL), DCPG_E_INPUT);
    assert_int_equal(dcpg_h5_read_attr_string(file, "g/x", "n", &text, NULL), DCPG_E_INPUT);
    dcpg_strings_free(&list);
    end();
}

/* 3001 names of 40 bytes do not fit into 64512 bytes; NumPy's array_split makes them 1501 and 1500. */
static void long_lists_are_cut(void **state) {
    (void)state;
    dcpg_strings list = {0}, read;
    for (int i = 0; i < 3001; i++) {
        char *name = dcpg_format("layer_with_a_name_of_40_letters_%08d", i);
        dcpg_strings_add(&list, name, NULL);
        dcpg_free(name);
    }
    begin();
    assert_int_equal(dcpg_h5_write_attr_strings(file, "/", "layer_names", &list, NULL), DCPG_OK);
    reopen();
    assert_false(dcpg_h5_has_attr(file, "/", "layer_names") || dcpg_h5_has_attr(file, "/", "layer_names2"));
    assert_int_equal(dcpg_h5_read_attr_strings(file, "/", "layer_names1", &read, NULL), DCPG_OK);
    assert_int_equal(read.n, 1500);
    dcpg_strings_free(&read);
    assert_int_equal(dcpg_h5_read_attr_strings(file, "/", "layer_names", &read, NULL), DCPG_OK);
    assert_same(&read, &list);
    dcpg_strings_free(&read);
    dcpg_strings_free(&list);
    end();
}

static void version(void **state) {
    (void)state;
    char text[32];
    assert_string_equal(dcpg_h5_version(text), text);
    assert_true(atoi(text) >= 1 && strchr(text, '.'));
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
        cmocka_unit_test(types_keep_their_ends),
        cmocka_unit_test(converts),
        cmocka_unit_test(refuses_what_does_not_fit),
        cmocka_unit_test(blocks),
        cmocka_unit_test(groups),
        cmocka_unit_test(empty_and_scalar),
        cmocka_unit_test(strings),
        cmocka_unit_test(text_blocks),
        cmocka_unit_test(attributes),
        cmocka_unit_test(long_lists_are_cut),
        cmocka_unit_test(version),
        cmocka_unit_test(compressed_blocks),
        cmocka_unit_test(packed_chunks),
    };
    return cmocka_run_group_tests(tests, enter, leave);
}
