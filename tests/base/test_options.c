/* SPDX-License-Identifier: MIT */
/* Command lines: how they are parsed, errors with their exact words, and the help page. */
#include "cmocka_all.h"
#include <dcpg/options.h>
#include <stdlib.h>
#include <string.h>

typedef struct wishes {
    bool shuffle, verbose;
    int64_t batch_size;
    double learning_rate, offset;
    const char *out_dir;
    dcpg_strings chromos, names, words;
    dcpg_err err;
    bool help;
} wishes;

static void options_of(wishes *w, dcpg_opt options[10]) {
    const dcpg_opt all[10] = {
        {DCPG_OPT_GROUP, "Training", NULL, NULL, 0, 0, NULL, NULL},
        {DCPG_OPT_FLAG, "shuffle", &w->shuffle, "true", 0, 0, "Shuffle the sites.", NULL},
        {DCPG_OPT_FLAG, "verbose", &w->verbose, NULL, 0, 0, "Say more.", NULL},
        {DCPG_OPT_INT, "batch_size", &w->batch_size, "128", 1, 1e6, "Sites per step, over all ranks.", NULL},
        {DCPG_OPT_DOUBLE, "learning_rate", &w->learning_rate, "1e-4", 0, 1,
         "Step width of Adam; leaving it out is fine and this line is so long that it must be wrapped twice "
         "before it "
         "comes to its end, which is here.",
         NULL},
        {DCPG_OPT_DOUBLE, "offset", &w->offset, NULL, 0, 0, "Any number.", NULL},
        {DCPG_OPT_STRING, "out_dir", &w->out_dir, ".", 0, 0, "Where to write.", "DIR"},
        {DCPG_OPT_LIST, "train_chromos", &w->chromos, "1  2", 0, 0, "Chromosomes to train on.", "NAME"},
        {DCPG_OPT_LIST, "names_of_outputs_that_nobody_wants", &w->names, NULL, 0, 0, "Has a long name.",
         "NAME"},
        {0},
    };
    memcpy(options, all, sizeof all);
}

/* Parses the blank-separated words of `text`, which must live as long as `w`. */
static dcpg_status parse(wishes *w, bool words_allowed, char *text) {
    *w = (wishes){.offset = 7, .verbose = true};
    dcpg_opt options[10];
    options_of(w, options);
    char *argv[32] = {"dcpg"};
    int argc = 1;
    for (char *p = strtok(text, " "); p; p = strtok(NULL, " ")) argv[argc++] = p;
    const dcpg_command_line line = {"dcpg try [options]", "Tries things.", options,
                                    words_allowed ? &w->words : NULL};
    return dcpg_options_parse(&line, argc, argv, &w->help, &w->err);
}

static void forget(wishes *w) {
    dcpg_strings_free(&w->chromos);
    dcpg_strings_free(&w->names);
    dcpg_strings_free(&w->words);
}

static void defaults(void **state) {
    (void)state;
    wishes w;
    char text[] = "";
    assert_int_equal(parse(&w, false, text), DCPG_OK);
    assert_true(w.shuffle);
    assert_true(w.verbose); /* no default: unchanged */
    assert_int_equal(w.batch_size, 128);
    assert_true(w.learning_rate == 1e-4);
    assert_true(w.offset == 7);
    assert_string_equal(w.out_dir, ".");
    assert_int_equal(w.chromos.n, 2);
    assert_string_equal(w.chromos.v[1], "2");
    assert_int_equal(w.names.n, 0);
    assert_false(w.help);
    forget(&w);
}

static void all_kinds(void **state) {
    (void)state;
    wishes w;
    char text[] = "in.h5 --batch-size 64 --learning_rate=0.5 --offset -3.5 --train-chromos X Y "
                  "--shuffle=false --verbose second --out_dir=-odd-";
    assert_int_equal(parse(&w, true, text), DCPG_OK);
    assert_int_equal(w.batch_size, 64);
    assert_true(w.learning_rate == 0.5);
    assert_true(w.offset == -3.5);
    assert_false(w.shuffle);
    assert_true(w.verbose);
    assert_string_equal(w.out_dir, "-odd-");
    assert_int_equal(w.chromos.n, 2);
    assert_string_equal(w.chromos.v[0], "X");
    assert_int_equal(w.words.n, 2);
    assert_string_equal(w.words.v[0], "in.h5");
    assert_string_equal(w.words.v[1], "second");
    forget(&w);
}

static void last_wins(void **state) {
    (void)state;
    wishes w;
    char text[] = "--train_chromos 1 2 3 --batch_size 1 --train_chromos 4 --batch_size 2 "
                  "--names_of_outputs_that_nobody_wants=a b";
    assert_int_equal(parse(&w, true, text), DCPG_OK);
    assert_int_equal(w.batch_size, 2);
    assert_int_equal(w.chromos.n, 1);
    assert_string_equal(w.chromos.v[0], "4");
    assert_int_equal(w.names.n, 1);
    assert_string_equal(w.words.v[0], "b");
    forget(&w);
}

static void values_that_look_odd(void **state) {
    (void)state;
    wishes w;
    char text[] = "--offset -.5 --train_chromos -1 - -2e3 -- --batch_size -x";
    assert_int_equal(parse(&w, true, text), DCPG_OK);
    assert_true(w.offset == -0.5);
    assert_int_equal(w.chromos.n, 3);
    assert_int_equal(w.batch_size, 128);
    assert_int_equal(w.words.n, 2);
    assert_string_equal(w.words.v[1], "-x");
    forget(&w);
}

/* An option that takes no word, or several. */
static void words_or_none(void **state) {
    (void)state;
    dcpg_words outputs = {0}, cells = {0};
    bool verbose = false, help = false;
    dcpg_err err = {0};
    const dcpg_opt options[] = {{DCPG_OPT_WORDS, "outputs", &outputs, NULL, 0, 0, NULL, "NAME"},
                                {DCPG_OPT_WORDS, "cells", &cells, NULL, 0, 0, NULL, "CELL"},
                                {DCPG_OPT_FLAG, "verbose", &verbose, NULL, 0, 0, NULL, NULL},
                                {0}};
    const dcpg_command_line line = {"dcpg try", NULL, options, NULL};
    char *none[] = {"dcpg", "--outputs", "--verbose"}, *last[] = {"dcpg", "--outputs", "a", "b", "--outputs"},
         *some[] = {"dcpg", "--outputs", "a", "-1", "--cells=c"};
    assert_int_equal(dcpg_options_parse(&line, 3, none, &help, &err), DCPG_OK);
    assert_true(outputs.given && !cells.given && verbose);
    assert_int_equal(outputs.list.n, 0);
    assert_int_equal(dcpg_options_parse(&line, 5, last, &help, &err), DCPG_OK);
    assert_int_equal(outputs.list.n, 0);
    assert_int_equal(dcpg_options_parse(&line, 5, some, &help, &err), DCPG_OK);
    assert_int_equal(outputs.list.n, 2);
    assert_string_equal(outputs.list.v[1], "-1");
    assert_true(cells.given);
    assert_string_equal(cells.list.v[0], "c");
    dcpg_strings_free(&outputs.list);
    dcpg_strings_free(&cells.list);
}

/* An option that takes one word, or none: words after it belong to nobody. */
static void word_or_none(void **state) {
    (void)state;
    dcpg_words file = {0};
    dcpg_strings rest = {0};
    bool help = false;
    dcpg_err err = {0};
    const dcpg_opt options[] = {{DCPG_OPT_WORDS, "profile", &file, NULL, 0, 1, NULL, "JSON"}, {0}};
    const dcpg_command_line line = {"dcpg try", NULL, options, &rest};
    char *some[] = {"dcpg", "--profile", "a", "b"}, *none[] = {"dcpg", "--profile"};
    assert_int_equal(dcpg_options_parse(&line, 4, some, &help, &err), DCPG_OK);
    assert_int_equal(file.list.n, 1);
    assert_string_equal(file.list.v[0], "a");
    assert_int_equal(rest.n, 1);
    assert_int_equal(dcpg_options_parse(&line, 2, none, &help, &err), DCPG_OK);
    assert_true(file.given && file.list.n == 0);
    dcpg_strings_free(&file.list);
    dcpg_strings_free(&rest);
}

static void help_is_enough(void **state) {
    (void)state;
    wishes w;
    char text[] = "--nonsense 3 -h";
    assert_int_equal(parse(&w, false, text), DCPG_OK);
    assert_true(w.help);
    assert_int_equal(w.batch_size, 128);
    forget(&w);
    char after[] = "-- --help";
    assert_int_equal(parse(&w, true, after), DCPG_OK);
    assert_false(w.help);
    forget(&w);
}

static void wrong_words(void **state) {
    (void)state;
    static const struct {
        const char *words, *answer;
    } known[] = {
        {"--bath_size 3", "did you mean --batch_size?"},
        {"--learning-rat 3", "did you mean --learning_rate?"},
        {"--completely_different 3", "--help lists all"},
        {"-x", "unknown option --x"},
        {"-batch_size 3", "did you mean --batch_size?"},
        {"--Training", "unknown option"},
        {"--=3", "unknown option"},
        {"--batch_size", "--batch_size wants a value"},
        {"--batch_size --verbose", "--batch_size wants a value"},
        {"--train_chromos", "--train_chromos wants a value"},
        {"--batch_size 1.5", "\"1.5\" is not a whole number"},
        {"--batch_size=", "is not a whole number"},
        {"--batch_size 0", "out of range: it may be from 1 to 1000000"},
        {"--batch_size -3", "out of range"},
        {"--learning_rate 1.5", "out of range: it may be from 0 to 1"},
        {"--learning_rate fast", "\"fast\" is not a number"},
        {"--learning_rate nan", "is not a number"},
        {"--verbose=maybe", "neither true nor false"},
        {"stray", "\"stray\" belongs to no option"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        wishes w;
        char text[100];
        strcpy(text, known[i].words);
        assert_int_equal(parse(&w, false, text), DCPG_E_USAGE);
        if (!strstr(w.err.text, known[i].answer)) fail_msg("%s -> %s", known[i].words, w.err.text);
        forget(&w);
    }
    wishes w;
    char longest[200] = "--";
    memset(longest + 2, 'x', 190);
    assert_int_equal(parse(&w, false, longest), DCPG_E_USAGE);
    forget(&w);
}

static const char help_page[] =
    "usage: dcpg try [options]\n"
    "\n"
    "Tries things.\n"
    "\n"
    "Training\n"
    "  --shuffle                 Shuffle the sites. [default: true]\n"
    "  --verbose                 Say more.\n"
    "  --batch_size N            Sites per step, over all ranks. [default: 128]\n"
    "  --learning_rate X         Step width of Adam; leaving it out is fine and this line is so long that\n"
    "                            it must be wrapped twice before it comes to its end, which is here.\n"
    "                            [default: 1e-4]\n"
    "  --offset X                Any number.\n"
    "  --out_dir DIR             Where to write. [default: .]\n"
    "  --train_chromos NAME ...  Chromosomes to train on. [default: 1  2]\n"
    "  --names_of_outputs_that_nobody_wants NAME ...\n"
    "                            Has a long name.\n"
    "  --help                    Shows this page.\n";

static void help_is_aligned_and_wrapped(void **state) {
    (void)state;
    wishes w = {0};
    dcpg_opt options[10];
    options_of(&w, options);
    const dcpg_command_line line = {"dcpg try [options]", "Tries things.", options, NULL};
    FILE *file = tmpfile();
    dcpg_options_help(&line, file);
    rewind(file);
    char text[4096];
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(text, help_page);
}

/* The error names the list that took the store as one of its words. */
static void missing_word(void **state) {
    (void)state;
    const struct {
        const char *line, *expected;
    } cases[] = {
        {"--train_chromos 1 3 store.h5 --verbose", "give a store: 'store.h5' was taken for a word of "
                                                   "--train_chromos, which takes all words up to the "
                                                   "next option: put it before the options, or after --"},
        {"--names-of-outputs-that-nobody-wants x.h5", "give a store: 'x.h5' was taken for a word of "
                                                      "--names_of_outputs_that_nobody_wants, which takes "
                                                      "all words up to the next option: put it before "
                                                      "the options, or after --"},
        {"--train_chromos 1 3 --out_dir store.h5", "give a store"},
        {"--train_chromos .h5", "give a store"},
        {"", "give a store"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        wishes w;
        char text[128];
        snprintf(text, sizeof text, "%s", cases[i].line);
        assert_int_equal(parse(&w, true, text), DCPG_OK);
        dcpg_opt options[10];
        options_of(&w, options);
        assert_int_equal(dcpg_options_fail_missing(options, "give a store", &w.err), DCPG_E_USAGE);
        assert_string_equal(w.err.text, cases[i].expected);
        forget(&w);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(all_kinds),
        cmocka_unit_test(last_wins),
        cmocka_unit_test(values_that_look_odd),
        cmocka_unit_test(help_is_enough),
        cmocka_unit_test(wrong_words),
        cmocka_unit_test(help_is_aligned_and_wrapped),
        cmocka_unit_test(words_or_none),
        cmocka_unit_test(word_or_none),
        cmocka_unit_test(missing_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
