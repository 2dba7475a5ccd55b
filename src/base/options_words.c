/* SPDX-License-Identifier: MIT */
/* Turns option values back into command-line words, and compares two sets of options. */
#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <inttypes.h>
#include <string.h>

static dcpg_status add(dcpg_strings *words, char *word, dcpg_err *err) {
    dcpg_status status =
        word ? dcpg_strings_add(words, word, err) : dcpg_fail_nomem(err, "the command line", 64);
    dcpg_free(word);
    return status;
}

static dcpg_status add_list(const dcpg_opt *o, const dcpg_strings *list, dcpg_strings *words, dcpg_err *err) {
    if (list->n == 0) return DCPG_OK;
    if (list->n == 1) return add(words, dcpg_format("--%s=%s", o->name, list->v[0]), err);
    DCPG_TRY(add(words, dcpg_format("--%s", o->name), err));
    for (size_t i = 0; i < list->n; i++) DCPG_TRY(dcpg_strings_add(words, list->v[i], err));
    return DCPG_OK;
}

static dcpg_status add_option(const dcpg_opt *o, dcpg_strings *words, dcpg_err *err) {
    switch (o->kind) {
    case DCPG_OPT_FLAG:
        return *(bool *)o->value ? add(words, dcpg_format("--%s", o->name), err) : DCPG_OK;
    case DCPG_OPT_INT:
        return add(words, dcpg_format("--%s=%" PRId64, o->name, *(int64_t *)o->value), err);
    case DCPG_OPT_DOUBLE:
        return add(words, dcpg_format("--%s=%.17g", o->name, *(double *)o->value), err);
    case DCPG_OPT_STRING: {
        const char *text = *(const char **)o->value;
        return text ? add(words, dcpg_format("--%s=%s", o->name, text), err) : DCPG_OK;
    }
    case DCPG_OPT_LIST:
        return add_list(o, o->value, words, err);
    case DCPG_OPT_WORDS: {
        const dcpg_words *value = o->value;
        if (value->given && value->list.n == 0) return add(words, dcpg_format("--%s", o->name), err);
        return add_list(o, &value->list, words, err);
    }
    case DCPG_OPT_GROUP:
        break;
    }
    return DCPG_OK;
}

dcpg_status dcpg_options_words(const dcpg_opt *options, const dcpg_strings *positional, dcpg_strings *words,
                               dcpg_err *err) {
    for (const dcpg_opt *o = options; o->name; o++) DCPG_TRY(add_option(o, words, err));
    if (positional == NULL || positional->n == 0) return DCPG_OK;
    DCPG_TRY(dcpg_strings_add(words, "--", err));
    for (size_t i = 0; i < positional->n; i++) DCPG_TRY(dcpg_strings_add(words, positional->v[i], err));
    return DCPG_OK;
}

static bool same_text(const char *a, const char *b) { return a == b || (a && b && strcmp(a, b) == 0); }

static bool same_list(const dcpg_strings *a, const dcpg_strings *b) {
    bool same = a->n == b->n;
    for (size_t i = 0; same && i < a->n; i++) same = strcmp(a->v[i], b->v[i]) == 0;
    return same;
}

static bool same_value(const dcpg_opt *a, const dcpg_opt *b) {
    switch (a->kind) {
    case DCPG_OPT_FLAG:
        return *(bool *)a->value == *(bool *)b->value;
    case DCPG_OPT_INT:
        return *(int64_t *)a->value == *(int64_t *)b->value;
    case DCPG_OPT_DOUBLE:
        return !(*(double *)a->value < *(double *)b->value) && !(*(double *)a->value > *(double *)b->value);
    case DCPG_OPT_STRING:
        return same_text(*(const char **)a->value, *(const char **)b->value);
    case DCPG_OPT_LIST:
        return same_list(a->value, b->value);
    case DCPG_OPT_WORDS: {
        const dcpg_words *x = a->value, *y = b->value;
        return x->given == y->given && same_list(&x->list, &y->list);
    }
    case DCPG_OPT_GROUP:
        break;
    }
    return true;
}

const char *dcpg_options_differ(const dcpg_opt *a, const dcpg_opt *b, const char *const *free_names) {
    for (; a->name && b->name; a++, b++) {
        bool is_free = same_value(a, b);
        for (const char *const *name = free_names; !is_free && *name; name++)
            is_free = strcmp(*name, a->name) == 0;
        if (!is_free) return a->name;
    }
    return NULL;
}
