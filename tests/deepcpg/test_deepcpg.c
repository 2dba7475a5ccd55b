/* SPDX-License-Identifier: MIT */
/* DeepCpG data files, written here from the description of their layout, are compared with what a source
 * returns for them. */
#include "cmocka_all.h"

#include <dcpg/deepcpg.h>
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NB_FILE = 4, NB_CELL = 3, NB_OUTPUT = 6, DNA_WLEN = 7, CPG_WLEN = 6, NB_ROW = 72 };

static const int64_t first_row[NB_FILE + 1] = {0, 7, 7, 47, NB_ROW}; /* the second file is empty */
static const char *const cell[NB_CELL] = {"a", "b", "c10"};
static const char *const output[NB_OUTPUT] = {
    "bulk/z", "cpg.x", "cpg/a", "cpg/b", "cpg_stats/cat_var", "win_stats/1001/mean"};
static dcpg_par par;

/* The fault of a file, or another difference. */
typedef enum fault {
    POS_MOVED = -1,
    SOUND,
    /* found when the files are described */
    NO_POS,
    POS_ZERO,
    POS_REAL,
    POS_WIDE,
    NO_CHROMO,
    CHROMO_NUMBERS,
    CHROMO_SHORT,
    CHROMO_EMPTY,
    DNA_REAL,
    DNA_NARROW,
    DNA_SHORT,
    NO_DIST,
    DIST_TEXT,
    STATE_WIDE,
    CELL_OTHER,
    CELL_MORE,
    CELL_NO_GROUP,
    OUTPUT_OTHER,
    OUTPUT_FEWER,
    LABEL_WIDE,
    LABEL_SHORT,
    DNA_EVEN, /* in all files, as is the next one */
    CPG_ODD,
    /* found when the data are read */
    DNA_FIVE,
    DNA_NEGATIVE,
    STATE_TWO,
    STATE_REAL_TWO,
    DIST_NEGATIVE,
    DIST_NAN,
    LABEL_TWO,
    LABEL_NEGATIVE,
    LABEL_INFINITE,
    NB_FAULT,
    FIRST_LOAD_FAULT = DNA_FIVE
} fault;

static const char *const complaint[NB_FAULT] = {
    [NO_POS] = "holds no pos",
    [POS_ZERO] = "0 is no position",
    [POS_REAL] = "pos holds floats, wanted are whole numbers",
    [POS_WIDE] = "pos has 2 dimensions",
    [NO_CHROMO] = "holds no chromo",
    [CHROMO_NUMBERS] = "chromo holds whole numbers, wanted are text",
    [CHROMO_SHORT] = "chromo has 24 rows, but pos has 25",
    [CHROMO_EMPTY] = "row 0 has no chromosome",
    [DNA_REAL] = "inputs/dna holds floats, wanted are whole numbers",
    [DNA_NARROW] = "inputs/dna is 5 wide, not 7",
    [DNA_SHORT] = "inputs/dna has 24 rows",
    [NO_DIST] = "holds no inputs/cpg/b/dist",
    [DIST_TEXT] = "inputs/cpg/b/dist holds text, wanted are numbers",
    [STATE_WIDE] = "inputs/cpg/b/state is 8 wide, not 6",
    [CELL_OTHER] = "has cell bb where",
    [CELL_MORE] = "has 4 cells, but",
    [CELL_NO_GROUP] = "holds no inputs/cpg/b/dist",
    [OUTPUT_OTHER] = "has output cpg/bb where",
    [OUTPUT_FEWER] = "has 5 outputs, but",
    [LABEL_WIDE] = "outputs/cpg/b has 2 dimensions",
    [LABEL_SHORT] = "outputs/cpg/b has 24 rows",
    [DNA_EVEN] = "must be odd",
    [CPG_ODD] = "half on each side",
    [DNA_FIVE] = "inputs/dna holds 5 in row 2",
    [DNA_NEGATIVE] = "inputs/dna holds -1 in row 2",
    [STATE_TWO] = "inputs/cpg/b/state holds 2 in row 2",
    [STATE_REAL_TWO] = "inputs/cpg/b/state holds 1.5 in row 2",
    [DIST_NEGATIVE] = "inputs/cpg/b/dist holds -2 in row 2",
    [DIST_NAN] = "inputs/cpg/b/dist holds nan in row 2",
    [LABEL_TWO] = "outputs/cpg/b holds 2 in row 2",
    [LABEL_NEGATIVE] = "outputs/bulk/z holds -0.5 in row 2",
    [LABEL_INFINITE] = "outputs/bulk/z cannot be read",
};

/* ---- content of the files; rows are counted over all files ---- */

static uint64_t draw(int what, int64_t which, int64_t row, int64_t column) {
    return dcpg_mix(dcpg_mix((uint64_t)(what * 100 + which), (uint64_t)row), (uint64_t)column) >> 11;
}

static int file_of(int64_t row) {
    int f = 0;
    while (row >= first_row[f + 1]) f++;
    return f;
}

static const char *chromo_of(int64_t row) { return row < 10 ? "1" : row < 50 ? "X" : "10"; }

static int32_t pos_of(int64_t row) { return (int32_t)(1 + draw(0, 0, row, 0) % 1000000); }

static int base_of(int64_t row, int64_t column) { return (int)(draw(1, 0, row, column) % 5); }

/* Cell a is binary, c10 is not, b is binary in all files except the last. */
static bool is_real(int c, int file) { return c == 2 || (c == 1 && file == NB_FILE - 1); }

static float state_of(int c, int64_t row, int64_t column) {
    static const float real[] = {-1, NAN, 0, 1, 0.25f, 0.99951171875f};
    uint64_t x = draw(2, c, row, column);
    return is_real(c, file_of(row)) ? real[x % 6] : (float)(x % 3) - 1;
}

static float distance_of(int c, int64_t row, int64_t column) {
    uint64_t x = draw(3, c, row, column);
    return x % 3 == 0 ? -1 : (float)(1 + x % 30000);
}

static float label_of(int o, int64_t row) {
    uint64_t x = draw(4, o, row, 0);
    if (o == 0 || o == 5) return x % 4 == 0 ? NAN : (float)(x % 11) / 10;
    return (float)(x % (o == 4 ? 4 : 3)) - 1;
}

/* ---- writing the files ---- */

static const char *path_of(int file) {
    static char path[NB_FILE][64];
    snprintf(path[file], sizeof path[file], "test_deepcpg_np%d_%d.h5", par.size, file);
    return path[file];
}

typedef struct writer {
    dcpg_h5 *h5;
    int file;
    fault fault; /* of this file */
} writer;

static void must(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

/* Writes the first `count` numbers of a dataset [rows][columns]; columns 0: one-dimensional. */
static void put(const writer *w, const char *path, dcpg_h5_type type, int64_t rows, int64_t columns,
                const double *value) {
    dcpg_err err = {0};
    dcpg_h5_shape shape = {.type = type, .width = 4, .ndim = columns ? 2 : 1, .dim = {rows, columns}};
    shape.chunk[0] = 11;
    shape.chunk[1] = 4;
    shape.deflate = 4;
    must(dcpg_h5_make(w->h5, path, &shape, &err), &err);
    if (type == DCPG_H5_TEXT || rows == 0) return;
    must(dcpg_h5_write(w->h5, path, DCPG_H5_F64, NULL, value, &err), &err);
}

static int64_t rows_of(const writer *w) { return first_row[w->file + 1] - first_row[w->file]; }

/* Rows of a dataset, one less if that is the fault. */
static int64_t rows_but(const writer *w, fault f) { return rows_of(w) - (w->fault == f); }

static void put_sites(const writer *w) {
    char chromo[NB_ROW][4] = {{0}};
    double pos[2 * NB_ROW] = {0};
    dcpg_err err = {0};
    for (int64_t i = 0; i < rows_of(w); i++) {
        memcpy(chromo[i], chromo_of(first_row[w->file] + i), strlen(chromo_of(first_row[w->file] + i)));
        pos[i] = pos_of(first_row[w->file] + i);
    }
    if (w->fault == POS_ZERO) pos[3] = 0;
    if (w->fault == POS_MOVED) pos[3]++;
    if (w->fault == CHROMO_EMPTY) chromo[0][0] = '\0';
    if (w->fault != NO_POS)
        put(w, "pos", w->fault == POS_REAL ? DCPG_H5_F32 : DCPG_H5_I32, rows_of(w),
            w->fault == POS_WIDE ? 2 : 0, pos);
    if (w->fault == CHROMO_NUMBERS) put(w, "chromo", DCPG_H5_I32, rows_of(w), 0, pos);
    if (w->fault == NO_CHROMO || w->fault == CHROMO_NUMBERS) return;
    put(w, "chromo", DCPG_H5_TEXT, rows_but(w, CHROMO_SHORT), 0, NULL);
    if (rows_of(w) > 0) must(dcpg_h5_write(w->h5, "chromo", DCPG_H5_TEXT, NULL, chromo, &err), &err);
}

static void put_dna(const writer *w) {
    static double dna[NB_ROW * DNA_WLEN];
    int64_t width = w->fault == DNA_NARROW ? 5 : w->fault == DNA_EVEN ? 6 : DNA_WLEN;
    for (int64_t i = 0; i < rows_of(w) * width; i++)
        dna[i] = base_of(first_row[w->file] + i / width, i % width);
    if (w->fault == DNA_FIVE) dna[2 * width + 3] = 5;
    if (w->fault == DNA_NEGATIVE) dna[2 * width + 3] = -1;
    put(w, "inputs/dna", w->fault == DNA_REAL ? DCPG_H5_F32 : DCPG_H5_I8, rows_but(w, DNA_SHORT), width, dna);
}

static dcpg_h5_type state_type(const writer *w, int c) {
    if (c == 1 && w->fault == STATE_TWO) return DCPG_H5_I8;
    return is_real(c, w->file) ? DCPG_H5_F32 : DCPG_H5_I8;
}

static void put_cell(const writer *w, int c, const char *name) {
    static double state[NB_ROW * 8], dist[NB_ROW * 8];
    char path[2][64];
    int64_t width = w->fault == CPG_ODD ? 5 : CPG_WLEN, n = rows_of(w) * width;
    static const dcpg_h5_type types[NB_FILE] = {DCPG_H5_F32, DCPG_H5_F32, DCPG_H5_F64, DCPG_H5_F32};
    bool here = c == 1;
    for (int64_t i = 0; i < n; i++) {
        state[i] = (double)state_of(c, first_row[w->file] + i / width, i % width);
        dist[i] = (double)distance_of(c, first_row[w->file] + i / width, i % width);
    }
    if (w->fault == STATE_TWO && here)
        for (int64_t i = 0; i < n; i++) state[i] = i == 2 * width + 1 ? 2 : 1;
    if (w->fault == STATE_REAL_TWO && here) state[2 * width + 1] = 1.5;
    if (w->fault == DIST_NEGATIVE && here) dist[2 * width + 1] = -2;
    if (w->fault == DIST_NAN && here) dist[2 * width + 1] = NAN;
    snprintf(path[0], sizeof path[0], "inputs/cpg/%s/state", name);
    snprintf(path[1], sizeof path[1], "inputs/cpg/%s/dist", name);
    put(w, path[0], state_type(w, c), rows_of(w), w->fault == STATE_WIDE && here ? 8 : width, state);
    if (w->fault == NO_DIST && here) return;
    put(w, path[1], w->fault == DIST_TEXT && here ? DCPG_H5_TEXT : types[w->file], rows_of(w), width, dist);
}

static void put_cells(const writer *w) {
    static const double nothing[NB_ROW];
    for (int c = NB_CELL - 1; c >= 0; c--) {
        if (c == 1 && w->fault == CELL_NO_GROUP)
            put(w, "inputs/cpg/b", DCPG_H5_I8, rows_of(w), 0, nothing);
        else
            put_cell(w, c, c == 1 && w->fault == CELL_OTHER ? "bb" : cell[c]);
    }
    if (w->fault == CELL_MORE) put_cell(w, 0, "z");
}

static void put_outputs(const writer *w) {
    for (int o = NB_OUTPUT - 1; o >= 0; o--) {
        double label[2 * NB_ROW] = {0};
        char path[64];
        bool here = o == 3, real = o == 0 || o == 5;
        if (o == NB_OUTPUT - 1 && w->fault == OUTPUT_FEWER) continue;
        for (int64_t i = 0; i < rows_of(w); i++) label[i] = (double)label_of(o, first_row[w->file] + i);
        if (here && w->fault == LABEL_TWO) label[2] = 2;
        if (o == 0 && w->fault == LABEL_NEGATIVE) label[2] = -0.5;
        if (o == 0 && w->fault == LABEL_INFINITE) label[2] = INFINITY;
        snprintf(path, sizeof path, "outputs/%s", here && w->fault == OUTPUT_OTHER ? "cpg/bb" : output[o]);
        dcpg_h5_type type = !real ? DCPG_H5_I8 : w->fault == LABEL_INFINITE ? DCPG_H5_F64 : DCPG_H5_F32;
        put(w, path, type, here ? rows_but(w, LABEL_SHORT) : rows_of(w),
            here && w->fault == LABEL_WIDE ? 2 : 0, label);
    }
}

/* Rank 0 writes all files; the last one has the fault. Collective. */
static void write_files_all(fault f) {
    dcpg_err err = {0};
    dcpg_barrier_all(&par);
    for (int file = 0; file < NB_FILE && par.rank == 0; file++) {
        bool all = f == DNA_EVEN || f == CPG_ODD;
        writer w = {.file = file, .fault = all || file == NB_FILE - 1 ? f : SOUND};
        must(dcpg_h5_create(path_of(file), NULL, &w.h5, &err), &err);
        put_sites(&w);
        put_dna(&w);
        put_cells(&w);
        put_outputs(&w);
        must(dcpg_h5_commit(w.h5, &err), &err);
    }
    dcpg_barrier_all(&par);
}

static dcpg_status describe_all(dcpg_deepcpg **set, dcpg_err *err) {
    dcpg_strings files = {0};
    for (int f = 0; f < NB_FILE; f++) assert_int_equal(dcpg_strings_add(&files, path_of(f), NULL), DCPG_OK);
    dcpg_status status = dcpg_deepcpg_describe_all(&files, &par, set, err);
    dcpg_strings_free(&files);
    return status;
}

/* ---- reading the files ---- */

static void check_neighbours(const dcpg_source *source, int c, int64_t row, const float *got) {
    int64_t wlen = source->cpg_wlen, skip = (CPG_WLEN - wlen) / 2;
    for (int64_t k = 0; k < wlen; k++) {
        float state = state_of(c, row, skip + k), distance = distance_of(c, row, skip + k);
        if (!(state >= 0)) state = is_real(c, file_of(row)) ? 0.5f : 0;
        if (!(distance >= 0 && distance < 25000)) distance = 25000;
        assert_true(got[k] == state);
        assert_true(got[wlen + k] == distance / 25000.0f);
    }
}

static void check_row(const dcpg_source *source, const dcpg_batch *batch, int64_t at, int64_t row) {
    int64_t skip = (DNA_WLEN - source->dna_wlen) / 2, nb_cell = (int64_t)source->cells.n;
    for (int64_t k = 0; k < source->dna_wlen; k++)
        assert_int_equal(batch->dna[at * source->dna_wlen + k], base_of(row, skip + k));
    for (int64_t i = 0; i < nb_cell && source->cpg_wlen > 0; i++) {
        int c = 0;
        while (strcmp(cell[c], source->cells.v[i]) != 0) c++;
        check_neighbours(source, c, row, batch->cpg + (at * nb_cell + i) * 2 * source->cpg_wlen);
    }
    for (size_t i = 0; i < source->outputs.n; i++) {
        int o = 0;
        while (strcmp(output[o], source->outputs.v[i]) != 0) o++;
        float label = label_of(o, row), got = batch->label[at * (int64_t)source->outputs.n + (int64_t)i];
        assert_true(isnan(label) ? got == -1 : got == label);
    }
}

/* Loads samples [first, end), which are rows row_of[...], and checks each of them, some twice. */
static void check_range(dcpg_source *source, const int64_t *row_of, int64_t first, int64_t end) {
    dcpg_err err = {0};
    int32_t chromo[NB_ROW], pos[NB_ROW];
    int64_t sample[NB_ROW + 5], n = 0, count[NB_OUTPUT * 3], wanted[NB_OUTPUT * 3] = {0};
    must(source->ops->load_all(source, first, end, &err), &err);
    for (int64_t i = first; i < end; i++) sample[n++] = first + (i - first) * 73 % (end - first);
    for (int i = 0; i < 5 && n > 0; i++) sample[n++] = end - 1 - i % (end - first);
    dcpg_batch *batch = NULL;
    must(dcpg_batch_new(source, n + 1, &batch, &err), &err);
    must(source->ops->fill(source, n, sample, batch, &err), &err);
    assert_int_equal(batch->n, n);
    must(source->ops->where(source, first, end, chromo, pos, &err), &err);
    must(source->ops->count_labels(source, first, end, count, &err), &err);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(batch->id[i], sample[i]);
        check_row(source, batch, i, row_of[sample[i]]);
    }
    for (int64_t i = first; i < end; i++) {
        assert_string_equal(source->chromo.v[chromo[i - first]], chromo_of(row_of[i]));
        assert_int_equal(pos[i - first], pos_of(row_of[i]));
        for (int o = 0; o < NB_OUTPUT; o++)
            if (label_of(o, row_of[i]) >= 0) wanted[3 * o + (int)(label_of(o, row_of[i]) + 0.5f)]++;
    }
    if (source->outputs.n == NB_OUTPUT) assert_memory_equal(count, wanted, sizeof count);
    dcpg_batch_free(batch);
}

static void check_source(const dcpg_deepcpg *set, const dcpg_strings *chromos, const dcpg_want *want) {
    dcpg_err err = {0};
    dcpg_source *source = NULL;
    int64_t row_of[NB_ROW], n = 0;
    must(dcpg_source_from_deepcpg_all(set, chromos, want, &source, &err), &err);
    for (int64_t row = 0; row < set->nb_site; row++)
        if (!chromos || dcpg_strings_find(chromos, chromo_of(row)) >= 0) row_of[n++] = row;
    assert_int_equal(source->nb_site, n);
    assert_int_equal(source->dna_wlen, want->dna_wlen);
    assert_int_equal(source->cpg_wlen, want->cpg_wlen);
    assert_string_equal(source->checksum, set->checksum);
    check_range(source, row_of, dcpg_part(n, par.rank, par.size), dcpg_part(n, par.rank + 1, par.size));
    check_range(source, row_of, par.rank, n);
    check_range(source, row_of, n / 2, n / 2);
    dcpg_source_close(source);
}

static void test_describe(void **state) {
    (void)state;
    dcpg_deepcpg *set = NULL;
    dcpg_err err = {0};
    write_files_all(SOUND);
    must(describe_all(&set, &err), &err);
    assert_int_equal(set->nb_site, NB_ROW);
    assert_int_equal(set->dna_wlen, DNA_WLEN);
    assert_int_equal(set->cpg_wlen, CPG_WLEN);
    assert_int_equal(set->cells.n, NB_CELL);
    assert_int_equal(set->outputs.n, NB_OUTPUT);
    for (int c = 0; c < NB_CELL; c++) assert_string_equal(set->cells.v[c], cell[c]);
    for (int o = 0; o < NB_OUTPUT; o++) assert_string_equal(set->outputs.v[o], output[o]);
    assert_int_equal(set->chromo.n, 3);
    assert_string_equal(set->chromo.v[1], "X");
    assert_string_equal(set->chromo.v[2], "10");
    assert_int_equal(strlen(set->checksum), 16);
    /* the same on all ranks, but different for other data */
    uint64_t mine = dcpg_hash(set->checksum), first = mine;
    dcpg_bcast_all(&par, &first, sizeof first, 0);
    assert_int_equal(mine, first);
    dcpg_deepcpg_free(set);
    for (fault f = POS_MOVED; f <= SOUND; f++) {
        write_files_all(f);
        must(describe_all(&set, &err), &err);
        assert_true((dcpg_hash(set->checksum) == mine) == (f == SOUND));
        dcpg_deepcpg_free(set);
    }
    dcpg_strings two = {(char *[]){(char *)path_of(0), (char *)path_of(2)}, 2, 2};
    must(dcpg_deepcpg_describe_all(&two, &par, &set, &err), &err);
    assert_int_not_equal(dcpg_hash(set->checksum), mine);
    assert_int_equal(set->nb_site, 47);
    dcpg_deepcpg_free(set);
}

/* With memory for everything, for a few rows, and for one row at a time. */
static void test_source(void **state) {
    (void)state;
    static const int64_t max_bytes[] = {INT64_C(2) << 30, 3000, 1};
    dcpg_strings cells = {(char *[]){"c10", "a"}, 2, 2}, outputs = {(char *[]){"cpg/b", "bulk/z"}, 2, 2};
    dcpg_strings chromos = {(char *[]){"10", "1"}, 2, 2};
    dcpg_deepcpg *set = NULL;
    dcpg_err err = {0};
    write_files_all(SOUND);
    must(describe_all(&set, &err), &err);
    for (int i = 0; i < 3; i++) {
        set->max_bytes = max_bytes[i];
        check_source(set, NULL, &(dcpg_want){.dna_wlen = DNA_WLEN, .cpg_wlen = CPG_WLEN});
        check_source(set, NULL, &(dcpg_want){.dna_wlen = 1, .cpg_wlen = 2});
        check_source(set, &chromos,
                     &(dcpg_want){.dna_wlen = 5, .cpg_wlen = 4, .cells = &cells, .outputs = &outputs});
        check_source(set, &chromos, &(dcpg_want){.cpg_wlen = 4, .outputs = &outputs});
        check_source(set, NULL, &(dcpg_want){.dna_wlen = 3});
        check_source(set, NULL, &(dcpg_want){.outputs = &outputs});
    }
    dcpg_deepcpg_free(set);
}

static void expect_refused(const dcpg_deepcpg *set, const dcpg_strings *chromos, const dcpg_want *want,
                           const char *words) {
    dcpg_source *source = NULL;
    dcpg_err err = {0};
    assert_int_equal(dcpg_source_from_deepcpg_all(set, chromos, want, &source, &err), DCPG_E_INPUT);
    assert_null(source);
    if (!strstr(err.text, words) || !strstr(err.text, path_of(0)))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
}

static void test_wanted_too_much(void **state) {
    (void)state;
    dcpg_strings other = {(char *[]){"nobody"}, 1, 1};
    dcpg_deepcpg *set = NULL;
    dcpg_err err = {0};
    write_files_all(SOUND);
    must(describe_all(&set, &err), &err);
    expect_refused(set, &other, &(dcpg_want){.cpg_wlen = 2}, "no chromosome nobody");
    expect_refused(set, NULL, &(dcpg_want){.cpg_wlen = 2, .cells = &other}, "no cell nobody");
    expect_refused(set, NULL, &(dcpg_want){.cpg_wlen = 2, .outputs = &other}, "no output nobody");
    expect_refused(set, NULL, &(dcpg_want){.dna_wlen = 9}, "windows of 7 bp, but 9 are wanted");
    expect_refused(set, NULL, &(dcpg_want){.cpg_wlen = 8},
                   "6 neighbours per site and cell, but 8 are wanted");
    set->dna_wlen = 0;
    expect_refused(set, NULL, &(dcpg_want){.dna_wlen = 1}, "no DNA");
    dcpg_deepcpg_free(set);
}

/* Files without inputs or without labels make smaller data sets. */
static void test_bare_files(void **state) {
    (void)state;
    dcpg_deepcpg *set = NULL;
    dcpg_err err = {0};
    dcpg_barrier_all(&par);
    if (par.rank == 0) {
        writer w = {.file = 0};
        must(dcpg_h5_create(path_of(0), NULL, &w.h5, &err), &err);
        put_sites(&w);
        must(dcpg_h5_commit(w.h5, &err), &err);
    }
    dcpg_barrier_all(&par);
    dcpg_strings one = {(char *[]){(char *)path_of(0)}, 1, 1};
    must(dcpg_deepcpg_describe_all(&one, &par, &set, &err), &err);
    assert_true(set->nb_site == 7 && set->dna_wlen == 0 && set->cpg_wlen == 0 && set->cells.n == 0 &&
                set->outputs.n == 0);
    check_source(set, NULL, &(dcpg_want){0});
    expect_refused(set, NULL, &(dcpg_want){.cpg_wlen = 2}, "no neighbours");
    dcpg_deepcpg_free(set);
}

static dcpg_status load_everything(const dcpg_deepcpg *set, dcpg_err *err) {
    dcpg_source *source = NULL;
    must(dcpg_source_from_deepcpg_all(set, NULL, &(dcpg_want){.dna_wlen = 3, .cpg_wlen = 6}, &source, err),
         err);
    dcpg_status status = source->ops->load_all(source, 0, source->nb_site, err);
    assert_int_equal(source->loaded_end, status == DCPG_OK ? NB_ROW : 0);
    dcpg_source_close(source);
    return status;
}

static void test_faults(void **state) {
    (void)state;
    for (fault f = SOUND + 1; f < NB_FAULT; f++) {
        dcpg_deepcpg *set = NULL;
        dcpg_err err = {0};
        write_files_all(f);
        dcpg_status status = describe_all(&set, &err);
        if (f >= FIRST_LOAD_FAULT) {
            must(status, &err);
            status = load_everything(set, &err);
        } else {
            assert_null(set);
        }
        assert_int_equal(status, DCPG_E_INPUT);
        const char *path = path_of(f == DNA_EVEN || f == CPG_ODD ? 0 : NB_FILE - 1);
        if (!strstr(err.text, complaint[f]) || !strstr(err.text, path))
            fail_msg("\"%s\" does not say \"%s\" of %s", err.text, complaint[f], path);
        dcpg_deepcpg_free(set);
    }
}

/* A file cut at any length is refused, and so is one that is not HDF5. */
static void test_cut(void **state) {
    (void)state;
    struct stat s;
    write_files_all(SOUND);
    assert_int_equal(stat(path_of(3), &s), 0);
    for (int64_t part = 19; part >= 0; part--) {
        dcpg_deepcpg *set = NULL;
        dcpg_err err = {0};
        dcpg_barrier_all(&par);
        if (par.rank == 0) assert_int_equal(truncate(path_of(3), s.st_size * part / 20), 0);
        dcpg_barrier_all(&par);
        assert_int_equal(describe_all(&set, &err), DCPG_E_INPUT);
        assert_non_null(strstr(err.text, path_of(3)));
    }
}

int main(int argc, char **argv) {
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failing rank ends all ranks */
    dcpg_err err = {0};
    if (dcpg_par_open_all(&par, &argc, &argv, &err) != DCPG_OK) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe),        cmocka_unit_test(test_source),
        cmocka_unit_test(test_wanted_too_much), cmocka_unit_test(test_bare_files),
        cmocka_unit_test(test_faults),          cmocka_unit_test(test_cut),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    dcpg_barrier_all(&par);
    for (int f = 0; f < NB_FILE && par.rank == 0; f++) unlink(path_of(f));
    dcpg_par_close_all(&par);
    return failed;
}
