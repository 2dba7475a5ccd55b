/* SPDX-License-Identifier: MIT */
/* Profiles of values without counts: TSV, bedGraph of fractions and percentages. */
#include "cmocka_all.h"

#include "profile_case.h"

static void test_tsv(void **state) {
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    const char *text = "# made by "
                       "hand\nchromo\tpos\tvalue\nchrX\t10\t1.0\nchrX\t12\t0\n\n1\t7\t0."
                       "53\nChr1\t9\t1\textra\nX\t2000000000\t+1e0\nx 2147483646 2.5e-1";
    assert_int_equal(load_text(text, &plain_options, &profile, NULL, &err), DCPG_OK);
    assert_int_equal(profile.nb_chromo, 2);
    assert_false(profile.binary);
    expect_calls(&profile, 0, "1", 2, (int[]){7, 9}, (double[]){0.53, 1});
    expect_calls(&profile, 1, "X", 4, (int[]){10, 12, 2000000000, 2147483646}, (double[]){1, 0, 1, .25});
    assert_non_null(strstr(profile.cell, "_cell"));
    assert_null(strchr(profile.cell, '.'));
    dcpg_profile_free(&profile);
}

static void test_line_ends_and_mark(void **state) {
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(load_text("\xEF\xBB\xBF"
                               "1\t5\t1.0\r\n1\t6\t-0.0\r\n\r\n1\t8\t1.\r\n",
                               &plain_options, &profile, NULL, &err),
                     DCPG_OK);
    expect_calls(&profile, 0, "1", 3, (int[]){5, 6, 8}, (double[]){1, 0, 1});
    assert_true(profile.binary);
    dcpg_profile_free(&profile);
}

/* Every tab ends a column, so an empty one is noticed; a run of blanks is one separator; at the end of a line
 * neither matters. */
static void test_columns(void **state) {
    (void)state;
    expect_text(" 1  5   1.0  \n1\t6\t0\t\n1 \t 7 \t 1\n", &plain_options, "tsv", 3, (int[]){5, 6, 7},
                (double[]){1, 0, 1});
    expect_error("1\t5\t1\n1\t\t6\t1\n", "line 2", "position \"\" is not a whole number");
    expect_error("1\t5\t1\n\t6\t1\t1\n", "line 2", "chromosome");
}

static void test_bedgraph(void **state) {
    (void)state;
    dcpg_profile_options from_0 = {.bedgraph_base = 0}, unknown = {.bedgraph_base = -1};
    expect_text("browser position chr1\nchr1\t1\t2\t0.5\nchr1 5 7 1\n", &plain_options, "bedgraph", 2,
                (int[]){1, 5}, (double[]){.5, 1});
    expect_text("browser position chr1\nchr1\t0\t1\t0.5\nchr1 5 7 1\n", &from_0, "bedgraph", 2, (int[]){1, 6},
                (double[]){.5, 1});
    expect_text("track type=bedGraph name=\"x\"\n1\t3\t3\t1.0\n", &plain_options, "bedgraph", 1, (int[]){3},
                (double[]){1});
    expect_text("1\t3\t1\tx\t17\n", &plain_options, "tsv", 1, (int[]){3},
                (double[]){1}); /* a TSV with further columns stays one */
    expect_error("1\t3\t1\t17\n", "--profile_format tsv",
                 "chrom=1,pos=2,meth=3,total=4"); /* or one methylated read of 17 */
    expect_refused("1\t3\t4\t1\n", &unknown, DCPG_E_INPUT, "cell.tsv", "--bedgraph_base");
    expect_error("1\t0\t1\t1\n", "line 1", "--bedgraph_base 0");
    expect_error("1\t3\t4\t1\n1\t5\t500\t1\n", "line 2", "a line for each CpG");
    expect_error("1\t3\t4\t1\n1\t9\t8\t1\n", "line 2", "end \"8\" lies before the start");
    expect_error("1\t3\t4\t1\n1\t5\tx\t1\n", "line 2", "end \"x\" is not a whole number");
    expect_error("1\t3\t4\t1\n1\t5\t6\n", "line 2", "start, end and value");
    expect_error("1\t3\t4\t1\n1\t-5\t6\t1\n", "line 2", "negative");
    expect_error("1\t3\t4\t1\n1\t2147483646\t2147483647\t1\n1\t2147483647\t2147483648\t1\n", "line 3",
                 "2147483646");
}

/* Percentages are known by the first value beyond 1, wherever it stands. */
static void test_percent(void **state) {
    (void)state;
    dcpg_profile_options forced = {.format = "percent", .bedgraph_base = 1},
                         fraction = {.format = "bedgraph", .bedgraph_base = 1};
    expect_text("1\t2\t3\t100\n1\t4\t5\t33.3333333333333\n1\t6\t7\t0\n", &plain_options, "percent", 3,
                (int[]){3, 5, 7}, (double[]){1, .333333333333333, 0});
    expect_text("track type=bedGraph\n1\t2\t3\t0\n1\t4\t5\t0\n1\t6\t7\t25\n", &plain_options, "percent", 3,
                (int[]){3, 5, 7}, (double[]){0, 0, .25});
    expect_text("1\t2\t3\t1\n1\t4\t5\t0.5\n", &forced, "percent", 2, (int[]){3, 5}, (double[]){.01, .005});
    expect_refused("1\t2\t3\t100\n", &fraction, DCPG_E_INPUT, "line 1", "--profile_format percent");
    expect_refused("1\t2\t3\t100.1\n", &forced, DCPG_E_INPUT, "line 1", "outside [0, 100]");
    expect_error("1\t2\t3\t50\n1\t4\t5\t101\n", "line 2", "outside [0, 100]");
    expect_error("1\t2\t3\t50\n1\t4\t5\t-1\n", "line 2", "outside [0, 100]");
    /* One mistake among fractions does not make them percentages. */
    expect_error("1\t2\t3\t0.5\n1\t4\t5\t1\n1\t6\t7\t1.5\n", "line 3", "outside [0, 1]");
}

static void test_unsorted(void **state) {
    (void)state;
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(
        load_text("2\t9\t1\n10\t5\t0\n2\t3\t0\n10\t4\t1\n2\t4\t.5\n", &plain_options, &profile, NULL, &err),
        DCPG_OK);
    expect_calls(&profile, 0, "10", 2, (int[]){4, 5}, (double[]){1, 0});
    expect_calls(&profile, 1, "2", 3, (int[]){3, 4, 9}, (double[]){0, .5, 1});
    dcpg_profile_free(&profile);
}

/* More calls and more chromosomes than the first allocations hold, far from sorted. */
static void test_many(void **state) {
    (void)state;
    enum { N = 20000, CHROMOS = 100 };
    char *text = malloc(N * 24), *p = text;
    for (int64_t i = 0; i < N; i++)
        p += sprintf(p, "s%d\t%d\t%d\n", (int)(i % CHROMOS * 37 % CHROMOS), (int)(i * 7919 % N + 1),
                     (int)(i * 7919 % N % 2));
    dcpg_profile profile;
    dcpg_err err = {0};
    assert_int_equal(load_text(text, &plain_options, &profile, NULL, &err), DCPG_OK);
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

static void test_wrong_numbers(void **state) {
    (void)state;
    expect_error("1\t5\t1\n1\tabc\t1\n", "line 2", "position \"abc\" is not a whole number");
    expect_error("1\t1.2e6\t1\n", "line 1", "not a whole number");
    expect_error("1\t0x10\t1\n", "line 1", "not a whole number");
    expect_error("1\t5 \t1\n1\t7.5\t1", "line 2", "not a whole number");
    expect_error("1\t0\t1\n", "line 1", "below 1");
    expect_error("1\t-4\t1\n", "line 1", "below 1");
    expect_error("1\t2147483647\t1\n", "line 1", "2147483646");
    expect_error("1\t99999999999999999999999\t1\n", "line 1", "not a whole number");
    expect_error("1\t5\tabc\n", "line 1", "value \"abc\" is not a number");
    expect_error("1\t5\tinf\n", "line 1", "not a number");
    expect_error("1\t5\t0,5\n", "line 1", "not a number");
    expect_error("1\t5\t1e999\n", "line 1", "not a number");
    expect_error("1\t5\t1.0000000001\n", "line 1", "outside [0, 1]");
    expect_error("1\t5\t-1.5\n", "line 1", "outside [0, 1]");
    expect_error("1\t5\t1\n\n1\t50\t87.5\n", "line 3", "divide percentages by 100");
    expect_error("1\t5\t101\n", "line 1", "outside [0, 1]: write");
}

static void test_wrong_lines(void **state) {
    (void)state;
    expect_error("", "holds no methylation values", "");
    expect_error("#only\nchromo\tpos\tvalue\n", "holds no methylation values", "");
    expect_error("1\t5\n", "line 1", "has 2 columns");
    expect_error("hello\n", "line 1", "has 1 column:");
    expect_error("1\t5\t1\nchromo\tpos\tvalue\n", "line 2", "position \"pos\"");
    expect_error("1\t5\t1\n1\t5\t1\n", "line 2", "position 5 of chromosome 1 stands on line 1 already");
    expect_error("1\t5\t1\n1\t4\t1\n#\n1\t6\t1\nchr1\t4\t0\n", "line 5",
                 "position 4 of chromosome 1 stands on line 2 already");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tsv),         cmocka_unit_test(test_line_ends_and_mark),
        cmocka_unit_test(test_columns),     cmocka_unit_test(test_bedgraph),
        cmocka_unit_test(test_percent),     cmocka_unit_test(test_unsorted),
        cmocka_unit_test(test_many),        cmocka_unit_test(test_wrong_numbers),
        cmocka_unit_test(test_wrong_lines),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
