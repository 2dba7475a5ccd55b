/* SPDX-License-Identifier: MIT */
/* Selecting names by words: a word that equals a name selects this name, any other word is a regular
 * expression. */
#include "cmocka_all.h"
#include <dcpg/memory.h>
#include <dcpg/text.h>
#include <stdio.h>
#include <string.h>

typedef dcpg_status choosing(const dcpg_strings *names, const dcpg_strings *words, dcpg_strings *out,
                             dcpg_err *err);

static dcpg_status select_all(const dcpg_strings *names, const dcpg_strings *words, dcpg_strings *out,
                              dcpg_err *err) {
    return dcpg_strings_select(names, words, 0, "output", out, err);
}

static dcpg_status select_one(const dcpg_strings *names, const dcpg_strings *words, dcpg_strings *out,
                              dcpg_err *err) {
    return dcpg_strings_select(names, words, 1, "output", out, err);
}

static dcpg_status pick(const dcpg_strings *names, const dcpg_strings *words, dcpg_strings *out,
                        dcpg_err *err) {
    return dcpg_strings_pick(names, words, "output", out, err);
}

static char *cells[] = {"cpg/E4+A1", "cpg/E4+A10", "cpg/a(", "cpg/cell_1", "cpg/cell_10", "cpg/cell_11"};
static const dcpg_strings names = {cells, 6, 6};

/* Checks the names that the blank-separated words select. */
static void chooses(choosing *choose, const char *words, const char *expected) {
    dcpg_err err = {0};
    dcpg_strings list = {0}, out = {0};
    char copy[128], text[DCPG_LIST_TEXT];
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
        assert_int_equal(dcpg_strings_add(&list, w, &err), DCPG_OK);
    assert_int_equal(choose(&names, &list, &out, &err), DCPG_OK);
    assert_string_equal(dcpg_strings_text(&out, text), expected);
    dcpg_strings_free(&list);
    dcpg_strings_free(&out);
}

static void names_and_expressions(void **state) {
    (void)state;
    chooses(select_all, "cpg/cell_1", "cpg/cell_1");
    chooses(select_all, "cell_1", "cpg/cell_1, cpg/cell_10, cpg/cell_11");
    chooses(select_all, "cell_1$", "cpg/cell_1");
    chooses(select_all, "cpg/E4+A1", "cpg/E4+A1");
    chooses(select_all, "E4[+]A1", "cpg/E4+A1, cpg/E4+A10");
    chooses(select_all, "cpg/a(", "cpg/a(");
    chooses(select_all, "cpg/cell_11 cpg/cell_1", "cpg/cell_1, cpg/cell_11");
    chooses(select_one, "cpg/cell_11 cpg/cell_1", "cpg/cell_1");
    chooses(select_one, "", "cpg/E4+A1");
}

static void in_the_order_of_the_words(void **state) {
    (void)state;
    chooses(pick, "cpg/cell_11 cpg/cell_1", "cpg/cell_11, cpg/cell_1");
    chooses(pick, "cpg/cell_10 cell_1 cpg/a(", "cpg/cell_10, cpg/cell_1, cpg/cell_11, cpg/a(");
    chooses(pick, "", "");
}

static void what_chooses_nothing(void **state) {
    (void)state;
    choosing *both[] = {select_all, pick};
    const struct {
        const char *word, *expected;
    } cases[] = {{"cell_2", "'cell_2' matches none of the 6 outputs (the first is cpg/E4+A1)"},
                 {"E4+A1", "'E4+A1' matches none of the 6 outputs (the first is cpg/E4+A1)"}};
    for (size_t i = 0; i < 4; i++) {
        dcpg_err err = {0};
        dcpg_strings out = {0};
        char word[32];
        char *v[] = {word};
        snprintf(word, sizeof word, "%s", cases[i / 2].word);
        const dcpg_strings words = {v, 1, 1};
        assert_int_equal(both[i % 2](&names, &words, &out, &err), DCPG_E_USAGE);
        assert_string_equal(err.text, cases[i / 2].expected);
        dcpg_strings_free(&out);
    }
}

static void long_lists(void **state) {
    (void)state;
    dcpg_err err = {0};
    dcpg_strings list = {0};
    char text[DCPG_LIST_TEXT], name[300];
    for (int i = 0; i < 200; i++) {
        snprintf(name, sizeof name, "c%d", i);
        assert_int_equal(dcpg_strings_add(&list, name, &err), DCPG_OK);
    }
    assert_string_equal(dcpg_strings_text(&list, text),
                        "c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 and 190 more");
    dcpg_strings_free(&list);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    for (int i = 0; i < 3; i++) assert_int_equal(dcpg_strings_add(&list, name, &err), DCPG_OK);
    assert_string_equal(dcpg_strings_text(&list, text) + 299, " and 2 more");
    dcpg_strings_free(&list);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_expressions),
        cmocka_unit_test(in_the_order_of_the_words),
        cmocka_unit_test(what_chooses_nothing),
        cmocka_unit_test(long_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
