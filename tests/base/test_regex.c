/* SPDX-License-Identifier: MIT */
/* Which regular expressions are refused before they are compiled. */
#include "cmocka_all.h"
#include <dcpg/memory.h>
#include <dcpg/text.h>
#include <string.h>

static void usual_ones_pass(void **state) {
    (void)state;
    static const char *const fine[] = {"",
                                       "cpg/",
                                       "^cpg/cell_1$",
                                       "(a|b|cc)+",
                                       "cpg_stats/(mean|var)",
                                       "[]+*{]+",
                                       "[^]]",
                                       "[[:alpha:]]{2,3}",
                                       "[[:digit:]+]+",
                                       "E4\\+A1",
                                       "a{1000}",
                                       "x{,5}y{3,}",
                                       "((a{10}){10}){10}",
                                       "a{",
                                       "}",
                                       ")",
                                       "a***?",
                                       "a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z+"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++) {
        dcpg_err err = {0};
        if (dcpg_regex_check(fine[i], &err) != DCPG_OK) fail_msg("%s", err.text);
    }
}

static void hungry_ones_do_not(void **state) {
    (void)state;
    static const char *const bad[][2] = {{"a++++++++++++++++++++++++++++++", "repeats"},
                                         {"((a+)+b+)+++++++++++++++++++++", "repeats"},
                                         {"(((a{99}){99}){99}){99}", "repeats"},
                                         {"a{32767}", "repeats"},
                                         {"(a{200,}){200,}", "repeats"},
                                         {"((((x{1,99})*){1,99})?){99}", "repeats"},
                                         {"[a-z]{200}{200}", "repeats"},
                                         {"a{99999999999999999999999}", "repeats"},
                                         {"(a*)\\1", "back-references"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        dcpg_err err = {0};
        assert_int_equal(dcpg_regex_check(bad[i][0], &err), DCPG_E_USAGE);
        if (!strstr(err.text, bad[i][1])) fail_msg("%s", err.text);
    }
}

/* Checks that `text`, repeated `n` times, is refused. */
static void refuse_many(const char *text, size_t n, const char *reason) {
    size_t length = strlen(text);
    char *pattern = dcpg_alloc(n * length + 1, 1);
    for (size_t i = 0; i < n; i++) memcpy(pattern + i * length, text, length);
    dcpg_err err = {0};
    assert_int_equal(dcpg_regex_check(pattern, &err), DCPG_E_USAGE);
    if (!strstr(err.text, reason)) fail_msg("%s", err.text);
    dcpg_free(pattern);
}

static void long_and_deep_ones_do_not(void **state) {
    (void)state;
    refuse_many("a", 10001, "letters");
    refuse_many("(", 200, "nested");
    refuse_many("[", 20000, "letters");
}

/* A refused expression is never matched with the names. */
static void selecting_refuses(void **state) {
    (void)state;
    dcpg_strings names = {0}, patterns = {0}, out = {0};
    dcpg_strings_add(&names, "cpg/a", NULL);
    dcpg_strings_add(&patterns, "(a{999}){999}", NULL);
    assert_int_equal(dcpg_strings_select(&names, &patterns, 0, "output", &out, NULL), DCPG_E_USAGE);
    assert_int_equal(out.n, 0);
    dcpg_strings_free(&names);
    dcpg_strings_free(&patterns);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_ones_pass), cmocka_unit_test(hungry_ones_do_not),
        cmocka_unit_test(long_and_deep_ones_do_not), cmocka_unit_test(selecting_refuses)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
