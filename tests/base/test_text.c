/* SPDX-License-Identifier: MIT */
/* Lists of strings, and numbers against strtod. */
#include "cmocka_all.h"
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <dcpg/text.h>
#include <inttypes.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void lists(void **state) {
    (void)state;
    dcpg_strings list = {0};
    const char *words[] = {"b", "\xc3\xa9", "B", "a", "aa", "", "z"};
    for (size_t i = 0; i < 7; i++) assert_int_equal(dcpg_strings_add(&list, words[i], NULL), DCPG_OK);
    for (int i = 0; i < 30; i++) assert_int_equal(dcpg_strings_add(&list, "b", NULL), DCPG_OK);
    assert_int_equal(list.n, 37);
    assert_int_equal(dcpg_strings_find(&list, "a"), 3);
    assert_int_equal(dcpg_strings_find(&list, "none"), -1);
    dcpg_strings_sort(&list);
    assert_string_equal(list.v[0], "");
    assert_string_equal(list.v[1], "B");
    assert_string_equal(list.v[2], "a");
    assert_string_equal(list.v[3], "aa");
    assert_string_equal(list.v[35], "z");
    assert_string_equal(list.v[36], "\xc3\xa9"); /* compared as bytes, not as characters */
    const char *there[] = {"", "B", "a", "aa", "z", "\xc3\xa9"}, *missing[] = {"A", "ab", "c", "zz", "\xc4"};
    for (size_t i = 0; i < 6; i++)
        assert_string_equal(list.v[dcpg_strings_find_sorted(&list, there[i])], there[i]);
    for (size_t i = 0; i < 5; i++) assert_int_equal(dcpg_strings_find_sorted(&list, missing[i]), -1);
    dcpg_strings_free(&list);
    assert_int_equal(list.n, 0);
    dcpg_strings_sort(&list);
    dcpg_strings_free(&list);
}

static void formats(void **state) {
    (void)state;
    char *text = dcpg_format("%s/%0200d", "dir", 7);
    assert_int_equal(strlen(text), 204);
    assert_string_equal(text + 201, "007");
    dcpg_free(text);
}

static void integers(void **state) {
    (void)state;
    int64_t x = 99;
    assert_true(dcpg_parse_int("0", &x) && x == 0);
    assert_true(dcpg_parse_int("-17", &x) && x == -17);
    assert_true(dcpg_parse_int("+5", &x) && x == 5);
    assert_true(dcpg_parse_int("9223372036854775807", &x) && x == INT64_MAX);
    assert_true(dcpg_parse_int("-9223372036854775808", &x) && x == INT64_MIN);
    x = 99;
    const char *bad[] = {"",    "-",  "+", " 1", "1 ", "1.0", "1e3", "0x10", "--1", "9223372036854775808",
                         "abc", "1\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(dcpg_parse_int(bad[i], &x));
    assert_int_equal(x, 99);
}

static void assert_as_strtod(const char *text) {
    double x, y = strtod(text, NULL);
    if (!dcpg_parse_double(text, &x) || memcmp(&x, &y, sizeof x) != 0) fail_msg("%s", text);
}

static void doubles_are_those_of_strtod(void **state) {
    (void)state;
    const char *known[] = {"0",
                           "-0",
                           "0.0",
                           "1",
                           "-1.5",
                           ".5",
                           "5.",
                           "1e5",
                           "1E+5",
                           "1e-5",
                           "0.1",
                           "0.3333333333333333",
                           "123456789012345678",
                           "00000000000000000000001",
                           "0.000000000000000000000000001",
                           "1.00000000000000000000000000",
                           "123456789012345",
                           "1234567890123456",
                           "1e22",
                           "1e23",
                           "9007199254740993",
                           "2.2250738585072011e-308",
                           "4.9e-324",
                           "1e-400",
                           "1.7976931348623157e308",
                           "1e0000000000000000001",
                           "0e999999999999",
                           "100000000000000000000e-20"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) assert_as_strtod(known[i]);
    dcpg_rng rng;
    dcpg_rng_start(&rng, 1, 1);
    for (int i = 0; i < 200000; i++) {
        char text[64];
        int digits = (int)dcpg_rng_below(&rng, 20), exponent = (int)dcpg_rng_below(&rng, 60) - 30;
        uint64_t whole = dcpg_rng_u64(&rng) >> dcpg_rng_below(&rng, 64);
        if (i % 3 == 0)
            snprintf(text, sizeof text, "%s%" PRIu64 "e%d", i % 2 ? "-" : "", whole, exponent);
        else if (i % 3 == 1)
            snprintf(text, sizeof text, "%.*f", digits,
                     dcpg_rng_uniform(&rng) * (double)dcpg_rng_below(&rng, 1000000));
        else
            snprintf(text, sizeof text, "%.*e", digits, dcpg_rng_normal(&rng));
        assert_as_strtod(text);
    }
}

static void what_is_no_double(void **state) {
    (void)state;
    double x = 99;
    const char *bad[] = {"",    "-",   ".",    "e5",    "1e",    "1e+",   " 1",  "1 ", "1,5",
                         "nan", "inf", "-inf", "0x1p3", "1.2.3", "1e400", "--1", "1-"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) assert_false(dcpg_parse_double(bad[i], &x));
    assert_true(x == 99);
}

/* A host program may have set a locale with a decimal comma. */
static void locale_does_not_matter(void **state) {
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE") &&
        !setlocale(LC_ALL, "fr_FR.UTF-8")) {
        print_message("no locale with a decimal comma here\n");
        skip();
    }
    double x = 0;
    assert_true(dcpg_parse_double("0.12345678901234567890", &x));
    setlocale(LC_ALL, "C");
    assert_true(x == 0.12345678901234567890);
}

static void basenames(void **state) {
    (void)state;
    assert_string_equal(dcpg_basename("a/b.tsv"), "b.tsv");
    assert_string_equal(dcpg_basename("b.tsv"), "b.tsv");
    assert_string_equal(dcpg_basename("/a/"), "");
}

static void sizes(void **state) {
    (void)state;
    size_t x = 7;
    char text[32];
    assert_true(dcpg_parse_size("123", &x) && x == 123);
    assert_true(dcpg_parse_size("8G", &x) && x == (size_t)8 << 30);
    assert_true(dcpg_parse_size("1.5GiB", &x) && x == (size_t)3 << 29);
    assert_true(dcpg_parse_size("500MB", &x) && x == (size_t)500 << 20);
    assert_true(dcpg_parse_size("2K", &x) && x == 2048);
    assert_true(dcpg_parse_size("1T", &x) && x == (size_t)1 << 40);
    static const char *const wrong[] = {"",    "G",   "0",  "0.0001", "-1G",         "8g",  "8 G", "8GG",
                                        "8Gi", "1e9", "8Q", "1.2.3M", "9999999999T", "nan", "0x10"};
    x = 7;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (dcpg_parse_size(wrong[i], &x)) fail_msg("%s", wrong[i]);
        assert_int_equal(x, 7);
    }
    assert_string_equal(dcpg_size_text(1023, text), "1023 B");
    assert_string_equal(dcpg_size_text((size_t)3 << 29, text), "1.5 GiB");
    assert_string_equal(dcpg_size_text((size_t)500 << 20, text), "500 MiB");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists),
        cmocka_unit_test(sizes),
        cmocka_unit_test(formats),
        cmocka_unit_test(integers),
        cmocka_unit_test(basenames),
        cmocka_unit_test(what_is_no_double),
        cmocka_unit_test(doubles_are_those_of_strtod),
        cmocka_unit_test(locale_does_not_matter),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
