#include "cmocka_all.h"

#include "foreign.h"
#include <dcpg/memory.h>
#include <dcpg/profile.h>
#include <math.h>

static dcpg_status read_text(const char *text, dcpg_profile *profile, dcpg_err *err)
{
    const char *path = write_text("cell.tsv", text);
    dcpg_status status = dcpg_profile_read(path, profile, err);
    unlink(path);
    return status;
}

static void expect_calls(const dcpg_profile *profile, int chromo, const char *name, int n, const int *pos, const double *value)
{
    assert_in_range(chromo, 0, profile->nb_chromo - 1);
    const dcpg_calls *calls = &profile->chromo[chromo];
    assert_string_equal(calls->chromo, name);
    assert_int_equal(calls->n, n);
    for (int i = 0; i < n; i++) {
        assert_int_equal(calls->pos[i], pos[i]);
        assert_true(calls->value[i] == (float)value[i]);
        assert_false(signbit(calls->value[i]));
    }
}

/* Reading `text` must fail with an error that holds `line` and `words`. */
static void expect_error(const char *text, const char *line, const char *words)
{
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(read_text(text, &profile, &err), DCPG_E_INPUT);
    if (!strstr(err.text, line) || !strstr(err.text, words)) fail_msg("\"%s\" does not say \"%s\" and \"%s\"", err.text, line, words);
    assert_non_null(strstr(err.text, "cell.tsv: "));
    assert_null(strchr(err.text, '\n'));
    assert_int_equal(profile.nb_chromo, 0);
    assert_null(profile.cell);
    dcpg_profile_free(&profile);
}

static void test_tsv(void **state)
{
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    const char *text = "# made by hand\nchromo\tpos\tvalue\nchrX\t10\t1.0\nchrX\t12\t0\n\n1\t7\t0.53\nChr1\t9\t1\textra\nX\t2000000000\t+1e0\nx 2147483646 2.5e-1";
    assert_int_equal(read_text(text, &profile, &err), DCPG_OK);
    assert_int_equal(profile.nb_chromo, 2);
    assert_false(profile.binary);
    assert_false(profile.bedgraph);
    expect_calls(&profile, 0, "1", 2, (int[]){7, 9}, (double[]){0.53, 1});
    expect_calls(&profile, 1, "X", 4, (int[]){10, 12, 2000000000, 2147483646}, (double[]){1, 0, 1, .25});
    assert_non_null(strstr(profile.cell, "_cell"));
    assert_null(strchr(profile.cell, '.'));
    dcpg_profile_free(&profile);
}

static void test_line_ends_and_mark(void **state)
{
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(read_text("\xEF\xBB\xBF" "1\t5\t1.0\r\n1\t6\t-0.0\r\n\r\n1\t8\t1.\r\n", &profile, &err), DCPG_OK);
    expect_calls(&profile, 0, "1", 3, (int[]){5, 6, 8}, (double[]){1, 0, 1});
    assert_true(profile.binary);
    dcpg_profile_free(&profile);
}

static void test_bedgraph(void **state)
{
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(read_text("browser position chr1\nchr1\t0\t1\t0.5\nchr1 5 7 1\n", &profile, &err), DCPG_OK);
    assert_true(profile.bedgraph);
    expect_calls(&profile, 0, "1", 2, (int[]){0, 5}, (double[]){.5, 1});
    dcpg_profile_shift(&profile, 1);
    expect_calls(&profile, 0, "1", 2, (int[]){1, 6}, (double[]){.5, 1});
    dcpg_profile_free(&profile);
    assert_int_equal(read_text("track type=bedGraph name=\"x\"\n1\t3\t3\t1.0\n", &profile, &err), DCPG_OK);
    assert_true(profile.bedgraph);
    dcpg_profile_free(&profile);
    /* A TSV with further columns stays one. */
    assert_int_equal(read_text("1\t3\t1\t17\n", &profile, &err), DCPG_OK);
    assert_false(profile.bedgraph);
    dcpg_profile_free(&profile);
    expect_error("1\t3\t4\t1\n1\t5\t500\t1\n", "line 2", "a line for each CpG");
    expect_error("1\t3\t4\t1\n1\t9\t8\t1\n", "line 2", "end \"8\"");
    expect_error("1\t3\t4\t1\n1\t5\tx\t1\n", "line 2", "end \"x\" is not a whole number");
    expect_error("1\t3\t4\t1\n1\t5\t6\n", "line 2", "start, end and value");
    expect_error("1\t3\t4\t1\n1\t-5\t6\t1\n", "line 2", "negative");
}

static void test_unsorted(void **state)
{
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(read_text("2\t9\t1\n10\t5\t0\n2\t3\t0\n10\t4\t1\n2\t4\t.5\n", &profile, &err), DCPG_OK);
    expect_calls(&profile, 0, "10", 2, (int[]){4, 5}, (double[]){1, 0});
    expect_calls(&profile, 1, "2", 3, (int[]){3, 4, 9}, (double[]){0, .5, 1});
    dcpg_profile_free(&profile);
}

/* More calls than the first allocations hold, more chromosomes too, in an order far from sorted. */
static void test_many(void **state)
{
    (void)state;
    enum { N = 20000, CHROMOS = 100 };
    char *text = malloc(N * 24), *p = text;
    for (int64_t i = 0; i < N; i++) p += sprintf(p, "s%d\t%d\t%d\n", (int)(i % CHROMOS * 37 % CHROMOS), (int)(i * 7919 % N + 1), (int)(i * 7919 % N % 2));
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(read_text(text, &profile, &err), DCPG_OK);
    free(text);
    assert_int_equal(profile.nb_chromo, CHROMOS);
    int64_t total = 0;
    for (int c = 0; c < CHROMOS; c++) {
        const dcpg_calls *calls = &profile.chromo[c];
        if (c > 0) assert_true(strcmp(profile.chromo[c - 1].chromo, calls->chromo) < 0);
        for (int64_t i = 0; i < calls->n; i++) {
            if (i > 0) assert_true(calls->pos[i - 1] < calls->pos[i]);
            assert_true(calls->value[i] == (float)((calls->pos[i] - 1) % 2));
        }
        total += calls->n;
    }
    assert_int_equal(total, N);
    dcpg_profile_free(&profile);
}

static void test_wrong_numbers(void **state)
{
    (void)state;
    expect_error("1\t5\t1\n1\tabc\t1\n", "line 2", "position \"abc\" is not a whole number");
    expect_error("1\t1.2e6\t1\n", "line 1", "not a whole number");
    expect_error("1\t0x10\t1\n", "line 1", "not a whole number");
    expect_error("1\t5 \t1\n1\t7.0\t1", "line 2", "not a whole number");
    expect_error("1\t0\t1\n", "line 1", "below 1");
    expect_error("1\t-4\t1\n", "line 1", "below 1");
    expect_error("1\t2147483647\t1\n", "line 1", "2147483646");
    expect_error("1\t99999999999999999999999\t1\n", "line 1", "not a whole number");
    expect_error("1\t5\tabc\n", "line 1", "value \"abc\" is not a number");
    expect_error("1\t5\tnan\n", "line 1", "not a number");
    expect_error("1\t5\tNaN\n", "line 1", "not a number");
    expect_error("1\t5\tinf\n", "line 1", "not a number");
    expect_error("1\t5\t.\n", "line 1", "not a number");
    expect_error("1\t5\t0,5\n", "line 1", "not a number");
    expect_error("1\t5\t1e999\n", "line 1", "not a number");
    expect_error("1\t5\t1.0000000001\n", "line 1", "outside [0, 1]");
    expect_error("1\t5\t-1\n", "line 1", "outside [0, 1]");
    expect_error("1\t5\t1\n\n1\t50\t87.5\n", "line 3", "divide percentages by 100");
    expect_error("1\t5\t101\n", "line 1", "outside [0, 1]: write");
}

static void test_wrong_lines(void **state)
{
    (void)state;
    expect_error("", "holds no methylation values", "");
    expect_error("#only\nchromo\tpos\tvalue\n", "holds no methylation values", "");
    expect_error("1\t5\n", "line 1", "has 2 columns");
    expect_error("hello\n", "line 1", "has 1 column:");
    expect_error("1\t5\t1\nchromo\tpos\tvalue\n", "line 2", "position \"pos\"");
    expect_error("1\t5\t1\n1\t5\t1\n", "line 2", "position 5 of chromosome 1 stands on line 1 already");
    expect_error("1\t5\t1\n1\t4\t1\n#\n1\t6\t1\nchr1\t4\t0\n", "line 5", "position 4 of chromosome 1 stands on line 2 already");
}

static void test_binary_files(void **state)
{
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    static const char with_nul[] = "1\t5\t1\n1\t\0" "6\t1\n";
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
static char *make_text(int n, size_t *length)
{
    char *text = malloc((size_t)n * 16), *p = text;
    for (int i = 0; i < n; i++) p += sprintf(p, "1\t%d\t%s\n", 2 * i + 2, i % 3 ? "0.0" : "1.0");
    *length = (size_t)(p - text);
    return text;
}

static void test_compressed(void **state)
{
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

static void test_cut(void **state)
{
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
            if (dcpg_profile_read(path, &profile, &err) != DCPG_E_INPUT) fail_msg("%s cut at %ld passes", how == GZIP ? "gzip" : "bgzip", keep[k]);
            assert_non_null(strstr(err.text, "cut.tsv.gz"));
            if (keep[k] != 1) assert_non_null(strstr(err.text, "again"));
            unlink(path);
        }
    }
    free(text);
}

static void test_damaged(void **state)
{
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

static void test_names(void **state)
{
    (void)state;
    static const char *const chromo[][2] = {{"chr1", "1"}, {"CHRx", "X"}, {"mt", "MT"}, {"Chr", "CHR"}, {"scaffold_1", "SCAFFOLD_1"}};
    for (size_t i = 0; i < sizeof chromo / sizeof *chromo; i++) {
        char *name = dcpg_chromo_name(chromo[i][0]);
        assert_string_equal(name, chromo[i][1]);
        dcpg_free(name);
    }
    char *cell = dcpg_cell_name("some.where/BS27_4_SER.bed.gz");
    assert_string_equal(cell, "BS27_4_SER");
    dcpg_free(cell);

    dcpg_profile profile;
    dcpg_err err = {0};
    FILE *file = fopen(".hidden.tsv", "w");
    fputs("1\t5\t1\n", file);
    fclose(file);
    assert_int_equal(dcpg_profile_read(".hidden.tsv", &profile, &err), DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "rename"));
    unlink(".hidden.tsv");
}

/* Counts and sums of the real files as NumPy computes them. */
static void test_real_files(void **state)
{
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
        {"hs1/cpg/bulk_ENCSR156JXJ.tsv.gz", "bulk_ENCSR156JXJ", "1", 70995, 150102450438, 50194.71797191992, false},
        {"hs19/cpg/GSM1589192_K562.1_2.tsv.gz", "GSM1589192_K562", "19", 88297, 2421469711678, 53661.8689000234, false},
        {"hs19/cpg/GSM1589359_KBM7.1_3.tsv.gz", "GSM1589359_KBM7", "19", 16858, 475054252174, 11243.307999979705, false},
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tsv),           cmocka_unit_test(test_line_ends_and_mark), cmocka_unit_test(test_bedgraph),
        cmocka_unit_test(test_unsorted),      cmocka_unit_test(test_many),               cmocka_unit_test(test_wrong_numbers),
        cmocka_unit_test(test_wrong_lines),   cmocka_unit_test(test_binary_files),       cmocka_unit_test(test_compressed),
        cmocka_unit_test(test_cut),           cmocka_unit_test(test_damaged),            cmocka_unit_test(test_names),
        cmocka_unit_test(test_real_files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
