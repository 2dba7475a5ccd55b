/* SPDX-License-Identifier: MIT */
/* Profiles of read counts: recognising their format, the meaning of their columns, and their errors. */
#include "cmocka_all.h"

#include "profile_case.h"

static void test_cov(void **state) {
    (void)state;
    expect_text("chr1\t5\t5\t100\t2\t0\n1\t9\t9\t0\t0\t1\n1\t12\t12\t33.3333333333333\t1\t2\n",
                &plain_options, "cov", 3, (int[]){5, 9, 12}, (double[]){1, 0, 0});
    expect_text("chr1\t4\t5\t100\t2\t0\n1\t8\t9\t0\t0\t1\n", &plain_options, "cov", 2, (int[]){5, 9},
                (double[]){1, 0}); /* .zero.cov */
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t8\t0\t0\t1\n", "line 2", "before the start");
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t11\t0\t0\t1\n", "line 2", "one CpG");
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t9\t101\t0\t1\n", "line 2", "outside [0, 100]");
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t9\tx\t0\t1\n", "line 2", "percentage \"x\" is not a number");
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t9\t0\t-1\t1\n", "line 2", "negative");
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t9\t0\t1.5\t1\n", "line 2", "not a whole number");
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t9\t0\t0\t4294967296\n", "line 2", "1073741823");
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t9\t0\t1073741823\t1\n", "line 2", "too large");
    expect_error("1\t5\t5\t100\t2\t0\n1\t99999999999999999999\t9\t0\t0\t1\n", "line 2", "not a whole number");
    expect_error("1\t5\t5\t100\t2\t0\n1\t9\t9\t0\t0\n", "line 2", "has 5 columns");
}

static void test_cpg_report(void **state) {
    (void)state;
    expect_text("chr1\t5\t+\t2\t0\tCG\tCGA\nchr1\t6\t-\t1\t0\tCG\tCGT\nchr1\t8\t+\t0\t0\tCG\tCGT\nchr1\t9\t-"
                "\t0\t3\tCG\tCGT\nchr1\t20\t+\t5\t0\tCHG\tCAG\n",
                &plain_options, "cpg_report", 2, (int[]){5, 8}, (double[]){1, 0});
    expect_error("1\t5\t+\t2\t0\tCG\tCGA\n1\t6\tx\t2\t0\tCG\tCGA\n", "line 2", "strand \"x\"");
    expect_error("1\t5\t+\t2\t0\tCG\tCGA\n1\t6\t+\t2\t0\t7\tCGA\n", "line 2", "context \"7\"");
    expect_error("1\t5\t+\t2\t0\tCG\tCGA\n1\t6\t+\t2\n", "line 2", "has 4 columns");
}

static void test_allc(void **state) {
    (void)state;
    static const char lines[] = "chr1\t5\t+\tCGN\t2\t2\t1\nchr1\t6\t-\tCGA\t0\t1\t1\nchr1\t8\t+"
                                "\tCHH\t1\t1\t1\nchr1\t11\t-\tCG\t0\t3\t1\nchr1\t20\t+\tCCG\t5\t5\t1\n";
    char text[512];
    expect_text(lines, &plain_options, "allc", 2, (int[]){5, 10}, (double[]){1, 0});
    snprintf(text, sizeof text, "chr\tpos\tstrand\tmc_class\tmc_count\ttotal\tmethylated\n%s",
             lines); /* methylpy's header */
    expect_text(text, &plain_options, "allc", 2, (int[]){5, 10}, (double[]){1, 0});
    expect_text("1\t8\t+\tCHH\t1\t1\t1\n", &plain_options, "allc", 0, NULL, NULL); /* nothing in CG */
    expect_error("1\t5\t+\tCGN\t2\t2\t1\n1\t6\t*x\tCGN\t2\t2\t1\n", "line 2", "strand");
    expect_error("1\t5\t+\tCGN\t2\t2\t1\n1\t6\t+\tCGN\t3\t2\t1\n", "line 2", "larger than that of all reads");
    expect_error("1\t5\t+\tCGN\t2\t2\t1\n1\t6\t+\tQ\t1\t2\t1\n", "line 2", "context \"Q\"");
    expect_error("1\t5\t+\tCGN\t2\t2\t1\n1\t-6\t+\tCGN\t1\t2\t1\n", "line 2", "position \"-6\"");
}

/* A line of modkit, whose last columns are separated by blanks. */
static char *bedmethyl(int start, const char *code, char on, int valid, int modified, int canonical,
                       int other) {
    return dcpg_format("chr1\t%d\t%d\t%s\t%d\t%c\t%d\t%d\t255,0,0\t%d %.2f %d %d %d 0 1 2 3\n", start,
                       start + 1, code, valid, on, start, start + 1, valid,
                       valid ? 100.0 * modified / valid : 0, modified, canonical, other);
}

static void test_bedmethyl(void **state) {
    (void)state;
    char *line[] = {bedmethyl(4, "h", '+', 3, 1, 0, 2),        bedmethyl(4, "m", '+', 3, 2, 0, 1),
                    bedmethyl(5, "m", '-', 1, 1, 0, 0),        bedmethyl(9, "m,CG,0", '.', 4, 0, 4, 0),
                    bedmethyl(12, "m,CHH,0", '+', 4, 4, 0, 0), bedmethyl(14, "a", '+', 4, 4, 0, 0),
                    bedmethyl(20, "C", '+', 4, 3, 1, 0),       bedmethyl(22, "m", '+', 0, 0, 0, 0)};
    char text[2048] = "";
    for (size_t i = 0; i < sizeof line / sizeof *line; i++) {
        strcat(text, line[i]);
        dcpg_free(line[i]);
    }
    dcpg_profile_options fraction = plain_options;
    fraction.call = DCPG_CALL_FRACTION;
    expect_text(text, &fraction, "bedmethyl", 3, (int[]){5, 10, 21},
                (double[]){.75, 0, .75}); /* 2/3 and 1/1 on the two strands */
    static const char older[] = "chr1\t4\t5\t.\t3\t+\t4\t5\t0,0,0\t3\t67\nchr1\t9\t10\tRRBS\t9\t-\t9\t10\t0,"
                                "0,0\t9\t0\nchr1\t20\t21\th\t9\t-\t9\t10\t0,0,0\t9\t0\n";
    expect_text(older, &fraction, "bedmethyl", 2, (int[]){5, 9}, (double[]){2 / 3.0, 0});
    expect_error("1\t4\t5\tm\t3\t+\t4\t5\t0\t3\t67\n1\t9\t10\tm\t3\t+\t4\t5\t0\t3\t167\n", "line 2",
                 "outside [0, 100]");
    expect_error("1\t4\t5\tm\t3\t+\t4\t5\t0\t3\t67\n1\t9\t10\tm\t3\t?\t4\t5\t0\t3\t67\n", "line 2", "strand");
    expect_error("1\t4\t5\tm\t3\t+\t4\t5\t0\t3\t67\n1\t9\t10\tm\t3\t+\t4\t5\t0\t3\t100 4 0 0\n", "line 2",
                 "larger than that of all reads");
    expect_error("1\t4\t5\tm\t3\t+\t4\t5\t0\t3\t67\n1\t9\t10\tm\t3\t+\t4\t5\t0\t3\n", "line 2",
                 "has 10 columns");
    expect_error("1\t4\t5\tm\t3\t+\t4\t5\t0\t3\t67\n1\t9\t8\tm\t3\t+\t4\t5\t0\t3\t67\n", "line 2",
                 "before the start");
    expect_error("1\t4\t5\tm\t3\t+\t4\t5\t0\t3\t67\n1\t-9\t8\tm\t3\t+\t4\t5\t0\t3\t67\n", "line 2",
                 "negative");
}

/* modbam2bed -e: canonical reads come before the modified ones, and column 10 also counts reads that were
 * filtered. Read as modkit's, every value would be inverted. */
static void test_modbam2bed(void **state) {
    (void)state;
    dcpg_profile_options fraction = plain_options;
    fraction.call = DCPG_CALL_FRACTION;
    expect_text("chr1\t4\t5\t5mC\t800\t+\t4\t5\t0,0,0\t5\t75.00\t1\t3\t1\n"
                "chr1\t9\t10\t5mC\t1000\t-\t9\t10\t0,0,0\t4\t0.00\t4\t0\t0\n"
                "chr1\t14\t15\t5mC\t0\t+\t14\t15\t0,0,0\t2\tnan\t0\t0\t2\n",
                &fraction, "bedmethyl", 2, (int[]){5, 9}, (double[]){.75, 0});
    expect_text("chr1\t4\t5\t5mC\t800\t+\t4\t5\t0,0,0\t5\t100.00\t0\t3\t1\t1\t0\n", &plain_options,
                "bedmethyl", 1, (int[]){5}, (double[]){1}); /* later versions have 15 or 16 columns */
    expect_error("1\t4\t5\tm\t3\t+\t4\t5\t0\t3\t67\t2\t1\t0\n1\t9\t10\tm\t3\t+\t9\t10\t0\t9\t80\t4\t5\t0\n",
                 "line 2", "contradicts its reads");
    expect_error("1\t4\t5\tm\t3\t+\t4\t5\t0\t3 66.67 2 1 0 0 0 0 0\n"
                 "1\t9\t10\tm\t3\t+\t9\t10\t0\t5 20.00 4 1 0 0 0 0 0\n",
                 "line 2", "contradicts its reads"); /* 18 columns are modkit's */
}

static void test_biscuit(void **state) {
    (void)state;
    dcpg_profile_options fraction = plain_options;
    fraction.call = DCPG_CALL_FRACTION;
    expect_text("chr1\t4\t6\t0.667\t3\nchr1\t9\t11\t0.000\t2\nchr1\t20\t22\t.\t0\n", &fraction, "biscuit", 2,
                (int[]){5, 10}, (double[]){2 / 3.0, 0});
    expect_text("chr1\t4\t6\t1.000\t3\tC:1.0:2,G:1.0:1\n", &plain_options, "biscuit", 1, (int[]){5},
                (double[]){1}); /* mergecg */
    expect_text("chr1\t4\t5\tC\tCG\tCG\tAACGT\t1.000\t3\nchr1\t5\t6\tG\tCG\tCG\tAACGT\t0."
                "000\t1\nchr1\t9\t10\tC\tCHG\tCA\tAACAG\t1.000\t3\n",
                &fraction, "biscuit", 1, (int[]){5}, (double[]){.75});
    expect_error("1\t4\t6\t0.5\t2\n1\t9\t11\t1.5\t2\n", "line 2", "outside [0, 1]");
    expect_error("1\t4\t6\t0.5\t2\n1\t9\t11\t0.5\tx\n", "line 2", "not a whole number");
    expect_error("1\t4\t6\t0.5\t2\n1\t9\t8\t0.5\t2\n", "line 2", "before the start");
    expect_error("1\t4\t6\t0.5\t2\n1\t9\t11\t0.5\n", "line 2", "has 4 columns");
}

static void test_columns(void **state) {
    (void)state;
    dcpg_profile_options o = plain_options;
    o.format = "1:2:4:5u:tab:1h";
    expect_text("any\theader\nchr1\t5\tx\t2\t0\nchr1\t9\t\t0\t1\n", &o, "columns", 2, (int[]){5, 9},
                (double[]){1, 0});
    o.format = "4:3:2:1C:,:0";
    expect_text("2,2,5,chr1,,\n1,0,9,1\n", &o, "columns", 2, (int[]){5, 9}, (double[]){1, 0});
    expect_refused("2,2,5,chr1\n1,2,9,1\n", &o, DCPG_E_INPUT, "line 2", "larger than that of all reads");
    expect_refused("2,2,5,chr1\n2,2,5\n", &o, DCPG_E_INPUT, "line 2", "lacks columns");
    expect_refused("2,2,5,chr1\n2,2,5,\n", &o, DCPG_E_INPUT, "line 2", "chromosome \"\" is empty");
    expect_refused("2,2,5,chr1\n2,,5,1\n", &o, DCPG_E_INPUT, "line 2", "not a whole number");
    o.format = "1:2:3:3c:t:0"; /* one column may be used twice */
    expect_text("1\t5\t2\n", &o, "columns", 1, (int[]){5}, (double[]){1});
    static const char *const wrong[] = {"1:2:3:4:tab:0",
                                        "1:2:3:4u:tab",
                                        "0:2:3:4u:tab:0",
                                        "1:2:3:4u::0",
                                        "1:2:3:4u:ab:0",
                                        "1:2:3:4u:tab:x",
                                        "1:2:3x:4u:tab:0",
                                        "1:2:3:4u:tab:0:0",
                                        ":::::",
                                        "1:2:3:4u:5:0",
                                        "1:2:3:99999999999999999999u:tab:0"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        o.format = wrong[i];
        expect_refused("1\t5\t2\t0\n", &o, DCPG_E_USAGE, wrong[i], "counted from 1");
    }
    o.format = "bismarck";
    expect_refused("1\t5\t2\t0\n", &o, DCPG_E_USAGE, "bismarck", "cpg_report");
}

/* If a format is named, none is guessed. */
static void test_forced(void **state) {
    (void)state;
    dcpg_profile_options o = plain_options;
    o.format = "tsv";
    expect_text("1\t5\t0.5\t1\n", &o, "tsv", 1, (int[]){5}, (double[]){.5});
    o.format = "cov";
    expect_refused("1\t5\t0.5\t1\n", &o, DCPG_E_INPUT, "line 1", "has 4 columns");
    o.format = "allc";
    expect_refused("1\t5\t5\t100\t2\t0\n", &o, DCPG_E_INPUT, "line 1", "strand");
    for (int i = 0; dcpg_profile_format_name(i, NULL); i++) {
        o.format = dcpg_profile_format_name(i, NULL);
        expect_refused("", &o, DCPG_E_INPUT, "cell.tsv",
                       strcmp(o.format, "bigwig") == 0 ? "bigWig" : "holds no methylation values");
    }
}

/* Lines with anything between the tabs get an answer, not a crash. */
static void test_noise(void **state) {
    (void)state;
    static const char *const word[] = {
        "1",   "chr1",   "5",    "6",    "+",  "-",     ".",   "CG",
        "CGA", "0.5",    "100",  "",     "-1", "1e300", "nan", "99999999999999999999",
        "m",   "m,CG,0", "\x01", "\xff", "C"};
    enum { NB_WORD = sizeof word / sizeof *word };
    uint64_t x = 12345;
    for (int round = 0; round < 600; round++) {
        char text[2048] = "";
        for (int line = 0; line < 3; line++) {
            int n = (int)((x = x * 6364136223846793005u + 1442695040888963407u) >> 33) % 20;
            for (int i = 0; i < n; i++) {
                x = x * 6364136223846793005u + 1442695040888963407u;
                strcat(strcat(text, word[(x >> 33) % NB_WORD]),
                       i + 1 < n ? (x >> 20) % 9 ? "\t" : " " : "\n");
            }
        }
        dcpg_profile_options o = plain_options;
        o.format = round % 3 ? "auto" : dcpg_profile_format_name(round / 3 % 8, NULL);
        dcpg_profile profile;
        dcpg_err err = {0};
        dcpg_status status = load_text(text, &o, &profile, NULL, &err);
        if (status != DCPG_OK) assert_non_null(strstr(err.text, "cell.tsv"));
        dcpg_profile_free(&profile);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cov),       cmocka_unit_test(test_cpg_report), cmocka_unit_test(test_allc),
        cmocka_unit_test(test_bedmethyl), cmocka_unit_test(test_modbam2bed), cmocka_unit_test(test_biscuit),
        cmocka_unit_test(test_columns),   cmocka_unit_test(test_forced),     cmocka_unit_test(test_noise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
