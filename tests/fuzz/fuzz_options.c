/* SPDX-License-Identifier: MIT */
/* Command lines, a word a line: what is understood is printed again, and understood as the same. */
#include "fuzz.h"
#include <dcpg/options.h>

enum { MAX_WORDS = 64, NB_OPTION = 7 };

const char *const fuzz_seeds[] = {"--flag_one\n--nb-epoch\n3\n--list=a\n--\nx",
                                  "--learning_rate\n.5\n--out_dir=\n--seed\n-1",
                                  "-h",
                                  "--no-reproducible=false\nx\n--list\na\n-1\nb",
                                  "--out-dir\n-\n--out_dir=--x",
                                  "--lst\na",
                                  NULL};

/* Values of the options. */
typedef struct values {
    bool one, no;
    int64_t epochs, seed;
    double rate;
    const char *folder;
    dcpg_strings list, positional;
    dcpg_opt table[NB_OPTION + 1];
} values;

static dcpg_status parse(values *v, int argc, char **argv, bool *help, dcpg_err *err) {
    const dcpg_opt table[] = {{DCPG_OPT_FLAG, "flag_one", &v->one, NULL, 0, 0, "h", NULL},
                              {DCPG_OPT_FLAG, "no_reproducible", &v->no, NULL, 0, 0, "h", NULL},
                              {DCPG_OPT_INT, "nb_epoch", &v->epochs, "30", 0, 1e9, "h", "N"},
                              {DCPG_OPT_INT, "seed", &v->seed, "0", 0, 0, "h", "N"},
                              {DCPG_OPT_DOUBLE, "learning_rate", &v->rate, "0.1", 0, 1, "h", "X"},
                              {DCPG_OPT_STRING, "out_dir", &v->folder, "a", 0, 0, "h", "DIR"},
                              {DCPG_OPT_LIST, "list", &v->list, "a b", 0, 0, "h", "WORD"},
                              {0}};
    memcpy(v->table, table, sizeof table);
    dcpg_command_line line = {"usage", "about", v->table, &v->positional};
    return dcpg_options_parse(&line, argc, argv, help, err);
}

static void values_free(values *v) {
    dcpg_strings_free(&v->list);
    dcpg_strings_free(&v->positional);
}

static void check_again(const values *v) {
    static const char *const none[] = {NULL};
    char program[] = "dcpg x", *argv[4 * MAX_WORDS] = {program};
    values again = {0};
    dcpg_strings words = {0};
    bool help = false;
    FUZZ_REQUIRE(dcpg_options_words(v->table, &v->positional, &words, NULL) == DCPG_OK);
    FUZZ_REQUIRE(words.n + 2 < 4 * MAX_WORDS);
    for (size_t i = 0; i < words.n; i++) argv[i + 1] = words.v[i];
    FUZZ_REQUIRE(parse(&again, (int)words.n + 1, argv, &help, NULL) == DCPG_OK && !help);
    FUZZ_REQUIRE(dcpg_options_differ(v->table, again.table, none) == NULL);
    FUZZ_REQUIRE(v->positional.n == again.positional.n);
    values_free(&again);
    dcpg_strings_free(&words);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char *text = fuzz_text(data, size), program[] = "dcpg x", *argv[MAX_WORDS + 2] = {program};
    int argc = 1;
    for (char *at = text; at && argc <= MAX_WORDS;) {
        argv[argc++] = at;
        at = strchr(at, '\n');
        if (at) *at++ = '\0';
    }
    values v = {0};
    bool help = false;
    dcpg_err err = {0};
    dcpg_status status = parse(&v, argc, argv, &help, &err);
    fuzz_check_error(status, &err);
    if (status == DCPG_OK && !help) check_again(&v);
    values_free(&v);
    free(text);
    return 0;
}
