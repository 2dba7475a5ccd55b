/* SPDX-License-Identifier: MIT */
/* Published splits of chromosomes. */
#include "cmd/split.h"

#include <string.h>

/* Numbers of chromosomes, separated by blanks; train "": all others. */
typedef struct preset {
    const char *name, *train, *val, *test;
} preset;

/* Angermueller et al. 2017; De Waele et al. 2022. */
static const preset presets[] = {{"deepcpg", "1 3 5 7 9 11", "13 14 15 16 17 18 19", "2 4 6 8 10 12"},
                                 {"cpgtransformer", "", "5", "10"}};

static dcpg_status find(const char *name, const preset **found, dcpg_err *err) {
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        *found = &presets[i];
        if (strcmp(presets[i].name, name) == 0) return DCPG_OK;
    }
    return dcpg_fail(err, DCPG_E_USAGE, "--split %s: deepcpg or cpgtransformer", name);
}

/* Adds the chromosomes of `numbers` that the data have. */
static dcpg_status take_numbers(const char *numbers, const dcpg_cmd_named *data, dcpg_strings *names,
                                dcpg_err *err) {
    char text[64], *rest = NULL;
    dcpg_strings words = {0}, found = {0};
    dcpg_status status = DCPG_OK;
    for (char *word = strtok_r(strcpy(text, numbers), " ", &rest); word && status == DCPG_OK;
         word = strtok_r(NULL, " ", &rest))
        status = dcpg_strings_add(&words, word, err);
    if (status == DCPG_OK) status = dcpg_cmd_name_chromos(data, &words, &found, err);
    for (size_t i = 0; i < found.n && status == DCPG_OK; i++)
        if (dcpg_strings_find(dcpg_cmd_chromos(data), found.v[i]) >= 0)
            status = dcpg_strings_add(names, found.v[i], err);
    dcpg_strings_free(&words);
    dcpg_strings_free(&found);
    return status;
}

static dcpg_status take_others(const dcpg_cmd_named *data, dcpg_cmd_split *split, dcpg_err *err) {
    const dcpg_strings *known = dcpg_cmd_chromos(data);
    for (size_t i = 0; i < known->n; i++)
        if (dcpg_strings_find(&split->val, known->v[i]) < 0 &&
            dcpg_strings_find(&split->test, known->v[i]) < 0)
            DCPG_TRY(dcpg_strings_add(&split->train, known->v[i], err));
    return DCPG_OK;
}

static dcpg_status check_part(const preset *p, const char *part, const dcpg_strings *names,
                              const char *numbers, const dcpg_cmd_named *data, dcpg_err *err) {
    if (names->n) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT, "--split %s: %s has no chromosome to %s on (%s): name chromosomes",
                     p->name, data->name, part, *numbers ? numbers : "others than 5 and 10");
}

dcpg_status dcpg_cmd_split_take(const char *name, const dcpg_cmd_named *data, bool test,
                                dcpg_cmd_split *split, dcpg_err *err) {
    const preset *p;
    DCPG_TRY(find(name, &p, err));
    DCPG_TRY(take_numbers(p->train, data, &split->train, err));
    DCPG_TRY(take_numbers(p->val, data, &split->val, err));
    DCPG_TRY(take_numbers(p->test, data, &split->test, err));
    if (!*p->train) DCPG_TRY(take_others(data, split, err));
    if (test) return check_part(p, "test", &split->test, p->test, data, err);
    DCPG_TRY(check_part(p, "train", &split->train, p->train, data, err));
    return check_part(p, "validate", &split->val, p->val, data, err);
}

void dcpg_cmd_split_free(dcpg_cmd_split *split) {
    dcpg_strings_free(&split->train);
    dcpg_strings_free(&split->val);
    dcpg_strings_free(&split->test);
}
