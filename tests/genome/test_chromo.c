/* SPDX-License-Identifier: MIT */
/* Names of chromosomes: the rule by which they are matched, and the names of a genome's chromosomes. */
#include "cmocka_all.h"
#include <dcpg/chromo.h>
#include <dcpg/memory.h>
#include <string.h>

static void expect_names(const char *const *raw, size_t n, const char *const *expected) {
    dcpg_strings names = {0};
    assert_int_equal(dcpg_chromos_rename(raw, n, &names, NULL), DCPG_OK);
    assert_int_equal(names.n, n);
    for (size_t i = 0; i < n; i++) assert_string_equal(names.v[i], expected[i]);
    dcpg_strings_free(&names);
}

static void test_rename(void **state) {
    (void)state;
    expect_names((const char *[]){"chr1", "chrX", "chrM", "chrUn_gl000220", "NC_000001.11", "chr"}, 6,
                 (const char *[]){"1", "X", "MT", "UN_GL000220", "NC_000001.11", "CHR"});
    expect_names((const char *[]){"1", "MT"}, 2, (const char *[]){"1", "MT"});
    expect_names((const char *[]){"chrM", "chr2", "chrMT"}, 3, (const char *[]){"M", "2", "MT"});
    expect_names((const char *[]){"chr1", "1", "Chr1", "chr2"}, 4,
                 (const char *[]){"chr1", "1", "Chr1", "2"});
    expect_names((const char *[]){"chrM", "M", "MT"}, 3, (const char *[]){"chrM", "M", "MT"});
    dcpg_strings names = {0};
    dcpg_err err = {0};
    assert_int_equal(dcpg_chromos_rename((const char *[]){"chrchr1", "CHR1", "chr1"}, 3, &names, &err),
                     DCPG_E_INPUT);
    assert_non_null(strstr(err.text, "chrchr1 and CHR1 would both be called CHR1"));
    dcpg_strings_free(&names);
}

static void test_fits(void **state) {
    (void)state;
    char name[300];
    memset(name, 'n', sizeof name);
    static const char *const fit[] = {"1",  "chrUn_gl000220", "m54/1/ccs", "HLA-A*01:01",
                                      "..", "gi|1|ref|x.1|",  "\xc3\xa9"};
    static const char *const bad[] = {"", "a b", " a", "a\t", "a\n", "a\r", "\x01", "a\x7f"};
    for (size_t i = 0; i < sizeof fit / sizeof *fit; i++)
        assert_true(dcpg_chromo_fits(fit[i], strlen(fit[i])));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(dcpg_chromo_fits(bad[i], strlen(bad[i])));
    assert_true(dcpg_chromo_fits(name, DCPG_CHROMO_MAX));
    assert_false(dcpg_chromo_fits(name, DCPG_CHROMO_MAX + 1));
    assert_true(dcpg_chromo_fits("1\0 x", 4)); /* a stored string of 4 bytes */
}

static void know(dcpg_chromos *known, const char *const *names, int64_t n) {
    for (int64_t i = 0; i < n; i++) assert_int_equal(dcpg_chromos_add(known, names[i], i, NULL), DCPG_OK);
}

static void test_find(void **state) {
    (void)state;
    dcpg_chromos known = {0};
    assert_int_equal(dcpg_chromos_find(&known, "1"), DCPG_CHROMO_ABSENT);
    know(&known, (const char *[]){"chr1", "chrM", "scaffold_7", "MT2"}, 4);
    assert_int_equal(dcpg_chromos_find(&known, "chr1"), 0);
    assert_int_equal(dcpg_chromos_find(&known, "1"), 0);
    assert_int_equal(dcpg_chromos_find(&known, "CHR1"), 0);
    assert_int_equal(dcpg_chromos_find(&known, "MT"), 1);
    assert_int_equal(dcpg_chromos_find(&known, "chrMT"), 1);
    assert_int_equal(dcpg_chromos_find(&known, "m"), 1);
    assert_int_equal(dcpg_chromos_find(&known, "SCAFFOLD_7"), 2);
    assert_int_equal(dcpg_chromos_find(&known, "chr2"), DCPG_CHROMO_ABSENT);
    assert_int_equal(dcpg_chromos_find(&known, ""), DCPG_CHROMO_ABSENT);
    char name[5000];
    memset(name, 'n', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    assert_int_equal(dcpg_chromos_find(&known, name), DCPG_CHROMO_ABSENT);
    dcpg_chromos_free(&known);
}

/* UCSC's hg19 holds chrM and chrMT, which are two sequences. */
static void test_exact_first(void **state) {
    (void)state;
    dcpg_chromos known = {0};
    know(&known, (const char *[]){"chrM", "chrMT", "chr1", "1"}, 4);
    assert_int_equal(dcpg_chromos_find(&known, "chrM"), 0);
    assert_int_equal(dcpg_chromos_find(&known, "M"), 0);
    assert_int_equal(dcpg_chromos_find(&known, "chrMT"), 1);
    assert_int_equal(dcpg_chromos_find(&known, "MT"), 1);
    assert_int_equal(dcpg_chromos_find(&known, "chr1"), 2);
    assert_int_equal(dcpg_chromos_find(&known, "1"), 3);
    assert_int_equal(dcpg_chromos_find(&known, "Chr1"), DCPG_CHROMO_UNCLEAR);
    dcpg_err err = {0};
    assert_int_equal(dcpg_chromos_fail_unclear(&known, "a.tsv: line 3", "Chr1", "the genome", &err),
                     DCPG_E_INPUT);
    assert_string_equal(err.text,
                        "a.tsv: line 3: chromosome Chr1 may be any of chr1, 1 of the genome: write the name "
                        "as it stands there");
    /* two names of one sequence are not ambiguous */
    dcpg_chromos_free(&known);
    assert_int_equal(dcpg_chromos_add(&known, "chr1", 5, NULL), DCPG_OK);
    assert_int_equal(dcpg_chromos_add(&known, "1", 5, NULL), DCPG_OK);
    assert_int_equal(dcpg_chromos_find(&known, "Chr1"), 5);
    dcpg_chromos_free(&known);
}

static void test_same(void **state) {
    (void)state;
    assert_int_equal(dcpg_chromo_same("chr1", "chr1"), 1);
    assert_int_equal(dcpg_chromo_same("chr1", "1"), 2);
    assert_int_equal(dcpg_chromo_same("M", "chrMT"), 3);
    assert_int_equal(dcpg_chromo_same("chr1", "chr11"), 0);
}

static void test_some(void **state) {
    (void)state;
    const char *names[40];
    char text[64];
    for (int i = 0; i < 40; i++) names[i] = "NC_000001.11";
    assert_string_equal(dcpg_chromos_some(names, 2, 2, text, sizeof text), "NC_000001.11, NC_000001.11");
    assert_string_equal(dcpg_chromos_some(names, 40, 640, text, sizeof text),
                        "NC_000001.11, ..., (639 more)");
    assert_string_equal(dcpg_chromos_some(names, 0, 0, text, sizeof text), "");
    char tiny[42];
    assert_string_equal(dcpg_chromos_some(names, 40, 40, tiny, sizeof tiny), "(40 of long names)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rename),      cmocka_unit_test(test_fits), cmocka_unit_test(test_find),
        cmocka_unit_test(test_exact_first), cmocka_unit_test(test_same), cmocka_unit_test(test_some),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
