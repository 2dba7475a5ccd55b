/* SPDX-License-Identifier: MIT */
/* Profiles as files: compression, damage, files that are not text, names, lists of files, and real data. */
#include "cmocka_all.h"

#include "profile_case.h"
#include <sys/stat.h>

static void test_binary_files(void **state) {
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    static const char with_nul[] = "1\t5\t1\n1\t\0"
                                   "6\t1\n";
    const char *path = write_bytes("nul.tsv", PLAIN, with_nul, sizeof with_nul - 1);
    assert_int_equal(dcpg_profile_read(path, &profile, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "line 2 holds a NUL byte"));
    unlink(path);

    size_t size = (size_t)3 << 20;
    char *text = malloc(size);
    memset(text, 'x', size);
    memcpy(text, "1\t5\t1\n", 6);
    err = (dcpg_err){0};
    path = write_bytes("long.tsv", GZIP, text, size);
    assert_int_equal(dcpg_profile_read(path, &profile, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "line 2 is longer than 1 MB"));
    unlink(path);
    free(text);

    err = (dcpg_err){0};
    assert_int_equal(dcpg_profile_read("no/such.tsv", &profile, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, "no/such.tsv: No such file or directory");
    err = (dcpg_err){0};
    assert_int_equal(dcpg_profile_read(".", &profile, &err), DCPG_E_INPUT);
    assert_string_equal(err.text, ".: Is a directory");
}

/* A text of `n` calls on chromosome 1 at 2, 4, 6 ... with every third methylated. */
static char *make_text(int n, size_t *length) {
    char *text = malloc((size_t)n * 16), *p = text;
    for (int i = 0; i < n; i++) p += sprintf(p, "1\t%d\t%s\n", 2 * i + 2, i % 3 ? "0.0" : "1.0");
    *length = (size_t)(p - text);
    return text;
}

static void test_compressed(void **state) {
    (void)state;
    enum { N = 200000 };
    size_t length;
    char *text = make_text(N, &length);
    for (enum how how = PLAIN; how <= BGZIP; how++) {
        dcpg_profile profile;
        dcpg_err err = {0};
        const char *path = write_bytes("cell.tsv.gz", how, text, length);
        assert_int_equal(dcpg_profile_read(path, &profile, &err), DCPG_OK);
        assert_int_equal(profile.nb_chromo, 1);
        assert_int_equal(profile.chromo[0].n, N);
        for (int i = 0; i < N; i++) {
            assert_int_equal(profile.chromo[0].pos[i], 2 * i + 2);
            assert_true(profile.chromo[0].value[i] == (float)(i % 3 == 0));
        }
        dcpg_profile_free(&profile);
        unlink(path);
    }
    free(text);
}

static void test_cut(void **state) {
    (void)state;
    enum { N = 200000 };
    static const long keep[] = {1, 2, 3, 10, 12, 18, 1000, 100000, -1, -4, -8, -28, -29};
    size_t length;
    char *text = make_text(N, &length);
    for (enum how how = GZIP; how <= BGZIP; how++) {
        for (size_t k = 0; k < sizeof keep / sizeof *keep; k++) {
            dcpg_profile profile;
            dcpg_err err = {0};
            const char *path = write_bytes("cut.tsv.gz", how, text, length);
            cut_file(path, keep[k]);
            bool between = how == BGZIP && keep[k] == -28; /* only bgzip's end marker is missing */
            dcpg_profile_report report;
            if (dcpg_profile_load(path, &plain_options, &profile, &report, &err) !=
                (between ? DCPG_OK : DCPG_E_INPUT))
                fail_msg("%s cut at %ld: %s", how == GZIP ? "gzip" : "bgzip", keep[k], err.text);
            assert_int_equal(report.odd, between ? DCPG_ODD_NO_END : 0);
            if (!between) assert_non_null(strstr(err.text, "cut.tsv.gz"));
            if (!between && keep[k] != 1) assert_non_null(strstr(err.text, "again"));
            dcpg_profile_free(&profile);
            unlink(path);
        }
    }
    free(text);
}

static void test_damaged(void **state) {
    (void)state;
    size_t length;
    char *text = make_text(100000, &length);
    for (enum how how = GZIP; how <= BGZIP; how++) {
        dcpg_profile profile;
        dcpg_err err = {0};
        const char *path = write_bytes("damaged.tsv.gz", how, text, length);
        FILE *file = fopen(path, "r+");
        fseek(file, 20000, SEEK_SET);
        int byte = fgetc(file);
        fseek(file, 20000, SEEK_SET);
        fputc(byte ^ 0x55, file);
        fclose(file);
        assert_int_equal(dcpg_profile_read(path, &profile, &err), DCPG_E_INPUT);
        unlink(path);
    }
    free(text);
}

static void test_names(void **state) {
    (void)state;
    static const char *const chromo[][2] = {{"chr1", "1"},
                                            {"CHRx", "X"},
                                            {"mt", "MT"},
                                            {"chrM", "MT"},
                                            {"m", "MT"},
                                            {"Chr", "CHR"},
                                            {"scaffold_1", "SCAFFOLD_1"}};
    for (size_t i = 0; i < sizeof chromo / sizeof *chromo; i++) {
        char *name = dcpg_chromo_name(chromo[i][0]);
        assert_string_equal(name, chromo[i][1]);
        dcpg_free(name);
    }
    char *cell = dcpg_cell_name("some.where/BS27_4_SER.bed.gz");
    assert_string_equal(cell, "BS27_4_SER");
    dcpg_free(cell);
}

static void check_list(const char *word, int n, const char *const *names, const char *const *paths) {
    dcpg_strings words = {0}, name = {0}, path = {0};
    bool is_list;
    dcpg_err err = {0};
    assert_int_equal(dcpg_strings_add(&words, word, &err), DCPG_OK);
    if (dcpg_profile_list(&words, &is_list, &name, &path, &err) != DCPG_OK) fail_msg("%s", err.text);
    assert_int_equal(name.n, n);
    for (int i = 0; i < n; i++) {
        assert_string_equal(name.v[i], names[i]);
        assert_string_equal(path.v[i], paths[i]);
    }
    dcpg_strings_free(&words);
    dcpg_strings_free(&name);
    dcpg_strings_free(&path);
}

static void check_bad_list(const char *text, const char *words) {
    const char *path = write_text("list.txt", text);
    dcpg_strings word = {0}, name = {0}, paths = {0};
    bool is_list;
    dcpg_err err = {0};
    assert_int_equal(dcpg_strings_add(&word, path, &err), DCPG_OK);
    assert_int_equal(dcpg_profile_list(&word, &is_list, &name, &paths, &err), DCPG_E_INPUT);
    if (!strstr(err.text, words)) fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    unlink(path);
    dcpg_strings_free(&word);
    dcpg_strings_free(&name);
    dcpg_strings_free(&paths);
}

static void test_lists(void **state) {
    (void)state;
    char folder[64], path[96];
    snprintf(folder, sizeof folder, "list_%ld", (long)getpid());
    mkdir(folder, 0777);
    snprintf(path, sizeof path, "%s/cells.txt", folder);
    FILE *file = fopen(path, "w");
    fputs("\xEF\xBB\xBF# cells\r\n\r\na.1\tcpg/one.tsv.gz\r\nb 2\t/abs/two.tsv\n", file);
    fclose(file);
    char one[128];
    snprintf(one, sizeof one, "%s/cpg/one.tsv.gz", folder);
    check_list(path, 2, (const char *const[]){"a.1", "b 2"}, (const char *const[]){one, "/abs/two.tsv"});
    unlink(path);
    rmdir(folder);
    check_list("no/such.file.tsv", 1, (const char *const[]){"such"},
               (const char *const[]){"no/such.file.tsv"}); /* left for the reader to report */
    const char *profile = write_text("list.tsv", "1\t5\t1\n");
    char *kept = strdup(profile);
    dcpg_strings cells = {0}, paths = {0};
    char *cell = dcpg_cell_name(kept);
    check_list(kept, 1, (const char *const[]){cell}, (const char *const[]){kept});
    dcpg_free(cell);
    unlink(kept);
    free(kept);
    check_bad_list("a\tone.tsv\nb\n", "line 2");
    check_bad_list("a\tone.tsv\n\tb\n", "line 2");
    /* A forgotten name, also in the first line: no profile begins so. */
    check_bad_list("\tone.tsv\n", "line 1: no name");
    check_bad_list("# cells\n\n \tone.tsv\nb\ttwo.tsv\n", "line 3: no name");
    check_bad_list("a\tone.tsv\n \t two.tsv\n", "'CELL<tab>two.tsv'");
    check_bad_list("a\tone.tsv\nb/c\ttwo.tsv\n", "'b/c'");
    char *hidden = "x/.hidden.tsv";
    bool is_list;
    dcpg_err err = {0};
    assert_int_equal(dcpg_profile_list(&(dcpg_strings){&hidden, 1, 1}, &is_list, &cells, &paths, &err),
                     DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "rename"));
    dcpg_strings_free(&cells);
    dcpg_strings_free(&paths);
}

/* A wrong line of every kind, far after the first ones. */
static void test_late_error(void **state) {
    (void)state;
    static const struct {
        const char *line, *wrong, *words;
    } cases[] = {
        {"1\t%d\t1\n", "1\t5\n", "has 2 columns"},
        {"1\t%d\t%d\t100.000000\t1\t0\n", "1\t5\t5\t100\t1\n", "has 5 columns"},
        {"1\t%d\t+\tCGA\t1\t1\t1\n", "1\t5\t+\tCGA\t2\t1\t1\n", "larger than that of all reads"},
    };
    enum { N = 999999 };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        char *text = malloc((size_t)N * 48), *at = text;
        for (int i = 1; i <= N; i++) at += sprintf(at, cases[k].line, 2 * i, 2 * i);
        strcpy(at, cases[k].wrong);
        expect_error(text, "line 1000000", cases[k].words);
        free(text);
    }
}

/* Columns beyond those of a format are ignored, however many. */
static void test_many_columns(void **state) {
    (void)state;
    enum { N = 10000 };
    static const char *const starts[] = {"1\t5\t1", "1\t5\t5\t100\t1\t0", "1\t5\t+\tCG\t1\t1\t1"};
    for (size_t k = 0; k < sizeof starts / sizeof *starts; k++) {
        char *text = malloc(2 * N + 64), *at = stpcpy(text, starts[k]);
        for (int i = 0; i < N; i++) at = stpcpy(at, "\t7");
        strcpy(at, "\n");
        dcpg_profile profile;
        dcpg_err err = {0};
        if (load_text(text, &plain_options, &profile, NULL, &err) != DCPG_OK) fail_msg("%s", err.text);
        expect_calls(&profile, 0, "1", 1, (int[]){5}, (double[]){1});
        dcpg_profile_free(&profile);
        free(text);
    }
}

/* Counts and sums of the real files, as computed by NumPy. */
static void test_real_files(void **state) {
    (void)state;
    static const struct {
        const char *name, *cell, *chromo;
        int64_t n, pos_sum;
        double value_sum;
        bool binary;
    } known[] = {
        {"bs/BS27_4_SER.bed.gz", "BS27_4_SER", "18", 5000, 25654009249, 2343, true},
        {"bs/BS27_4_SER.bed.gz", "BS27_4_SER", "19", 5000, 19405955111, 1726, true},
        {"bs/BS28_2_SER.bed.gz", "BS28_2_SER", "18", 5000, 24511975790, 3821, true},
        {"bs/BS28_2_SER.bed.gz", "BS28_2_SER", "19", 5000, 18917696479, 3038, true},
        {"hs1/cpg/bulk_ENCSR156JXJ.tsv.gz", "bulk_ENCSR156JXJ", "1", 70995, 150102450438, 50194.71797191992,
         false},
        {"hs19/cpg/GSM1589192_K562.1_2.tsv.gz", "GSM1589192_K562", "19", 88297, 2421469711678,
         53661.8689000234, false},
        {"hs19/cpg/GSM1589359_KBM7.1_3.tsv.gz", "GSM1589359_KBM7", "19", 16858, 475054252174,
         11243.307999979705, false},
    };
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        const char *path = shared_path(known[k].name);
        if (!path) {
            print_message("%s is absent: skipped\n", known[k].name);
            skip();
        }
        dcpg_profile profile;
        dcpg_err err = {0};
        assert_int_equal(dcpg_profile_read(path, &profile, &err), DCPG_OK);
        assert_string_equal(profile.cell, known[k].cell);
        assert_int_equal(profile.binary, known[k].binary);
        const dcpg_calls *calls = NULL;
        for (int c = 0; c < profile.nb_chromo; c++) {
            if (strcmp(profile.chromo[c].chromo, known[k].chromo) == 0) calls = &profile.chromo[c];
        }
        assert_non_null(calls);
        int64_t pos_sum = 0;
        double value_sum = 0;
        for (int64_t i = 0; i < calls->n; i++) {
            pos_sum += calls->pos[i];
            value_sum += (double)calls->value[i];
        }
        assert_int_equal(calls->n, known[k].n);
        assert_int_equal(pos_sum, known[k].pos_sum);
        assert_true(fabs(value_sum - known[k].value_sum) < 1e-6);
        dcpg_profile_free(&profile);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binary_files), cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_cut),          cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_late_error),   cmocka_unit_test(test_many_columns),
        cmocka_unit_test(test_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
