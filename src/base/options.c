/* SPDX-License-Identifier: MIT */
/* Parses command lines by tables of options. */
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/options.h>
#include <inttypes.h>
#include <string.h>

enum { MAX_NAME = 64 };

static char plain(char c) { return c == '-' ? '_' : c; }

static bool same_name(const char *name, const char *word, size_t length) {
    if (strlen(name) != length) return false;
    for (size_t i = 0; i < length; i++) {
        if (name[i] != plain(word[i])) return false;
    }
    return true;
}

static const dcpg_opt *find_option(const dcpg_opt *options, const char *word, size_t length) {
    for (const dcpg_opt *o = options; o->name; o++) {
        if (o->kind != DCPG_OPT_GROUP && same_name(o->name, word, length)) return o;
    }
    return NULL;
}

/* Letters to insert, delete or replace to turn `word` into `name` (Levenshtein distance). */
static size_t distance(const char *name, const char *word, size_t length) {
    size_t row[MAX_NAME + 1];
    for (size_t j = 0; j <= length; j++) row[j] = j;
    for (size_t i = 1; name[i - 1]; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= length; j++) {
            size_t replaced = diagonal + (name[i - 1] != plain(word[j - 1]));
            diagonal = row[j];
            size_t nearer = row[j - 1] < row[j] ? row[j - 1] : row[j];
            row[j] = replaced < nearer + 1 ? replaced : nearer + 1;
        }
    }
    return row[length];
}

static const char *nearest_name(const dcpg_opt *options, const char *word, size_t length) {
    const char *nearest = NULL;
    size_t least = length / 3 + 2; /* names farther away have nothing in common with the word */
    if (length > MAX_NAME) return NULL;
    for (const dcpg_opt *o = options; o->name; o++) {
        size_t d = o->kind == DCPG_OPT_GROUP ? least : distance(o->name, word, length);
        if (d < least) {
            least = d;
            nearest = o->name;
        }
    }
    return nearest;
}

static dcpg_status fail_unknown(const dcpg_opt *options, const char *word, size_t length, dcpg_err *err) {
    const char *nearest = nearest_name(options, word, length);
    int n = length < MAX_NAME ? (int)length : MAX_NAME;
    if (!nearest) return dcpg_fail(err, DCPG_E_USAGE, "unknown option --%.*s: --help lists all", n, word);
    return dcpg_fail(err, DCPG_E_USAGE, "unknown option --%.*s: did you mean --%s?", n, word, nearest);
}

/* "-1", "-.5" and "-" (standard input) are values. */
static bool looks_like_option(const char *word) {
    if (word[0] != '-' || word[1] == '\0') return false;
    const char *digit = word + 1 + (word[1] == '.');
    return !(*digit >= '0' && *digit <= '9');
}

static dcpg_status check_range(const dcpg_opt *o, double value, const char *word, dcpg_err *err) {
    if (!(o->min < o->max) || (value >= o->min && value <= o->max)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE, "--%s %s is out of range: it may be from %.15g to %.15g", o->name,
                     word, o->min, o->max);
}

/* The list of an option that takes several words; NULL: the option takes at most one. */
static dcpg_strings *words_of(const dcpg_opt *o) {
    if (o->kind == DCPG_OPT_WORDS) return &((dcpg_words *)o->value)->list;
    return o->kind == DCPG_OPT_LIST ? o->value : NULL;
}

static dcpg_status set_flag(const dcpg_opt *o, const char *word, dcpg_err *err) {
    bool on = strcmp(word, "true") == 0;
    if (!on && strcmp(word, "false") != 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--%s: \"%s\" is neither true nor false", o->name, word);
    *(bool *)o->value = on;
    return DCPG_OK;
}

/* Sets an option from one word (a flag from true or false). */
static dcpg_status set_value(const dcpg_opt *o, const char *word, dcpg_err *err) {
    switch (o->kind) {
    case DCPG_OPT_FLAG:
        return set_flag(o, word, err);
    case DCPG_OPT_INT: {
        int64_t n;
        if (!dcpg_parse_int(word, &n))
            return dcpg_fail(err, DCPG_E_USAGE, "--%s: \"%s\" is not a whole number", o->name, word);
        DCPG_TRY(check_range(o, (double)n, word, err));
        *(int64_t *)o->value = n;
        return DCPG_OK;
    }
    case DCPG_OPT_DOUBLE: {
        double x;
        if (!dcpg_parse_double(word, &x))
            return dcpg_fail(err, DCPG_E_USAGE, "--%s: \"%s\" is not a number", o->name, word);
        DCPG_TRY(check_range(o, x, word, err));
        *(double *)o->value = x;
        return DCPG_OK;
    }
    case DCPG_OPT_STRING:
        *(const char **)o->value = word;
        return DCPG_OK;
    case DCPG_OPT_LIST:
    case DCPG_OPT_WORDS:
        return dcpg_strings_add(words_of(o), word, err);
    case DCPG_OPT_GROUP:
        break;
    }
    return DCPG_OK;
}

/* A list's default holds its words, separated by blanks. */
static dcpg_status set_list_default(const dcpg_opt *o, dcpg_err *err) {
    const char *p = o->initial + strspn(o->initial, " ");
    while (*p) {
        size_t length = strcspn(p, " ");
        char *word = dcpg_strndup(p, length);
        if (!word) return dcpg_fail_nomem(err, "an option", length + 1);
        dcpg_status status = dcpg_strings_add(o->value, word, err);
        dcpg_free(word);
        DCPG_TRY(status);
        p += length;
        p += strspn(p, " ");
    }
    return DCPG_OK;
}

static dcpg_status set_defaults(const dcpg_opt *options, dcpg_err *err) {
    for (const dcpg_opt *o = options; o->name; o++) {
        if (o->kind == DCPG_OPT_GROUP || !o->initial) continue;
        if (o->kind == DCPG_OPT_LIST) {
            dcpg_strings_free(o->value);
            DCPG_TRY(set_list_default(o, err));
        } else {
            DCPG_TRY(set_value(o, o->initial, err));
        }
    }
    return DCPG_OK;
}

/* Parses the option at argv[i]; `*next` becomes the first word after it and its values. */
static dcpg_status parse_option(const dcpg_opt *options, int argc, char **argv, int i, int *next,
                                dcpg_err *err) {
    const char *word = argv[i] + strspn(argv[i], "-");
    size_t length = strcspn(word, "=");
    const char *value = word[length] ? word + length + 1 : NULL;
    const dcpg_opt *o = strncmp(argv[i], "--", 2) == 0 ? find_option(options, word, length) : NULL;
    if (!o) return fail_unknown(options, word, length, err);
    *next = i + 1;
    dcpg_strings *words = words_of(o);
    if (words) dcpg_strings_free(words);
    if (o->kind == DCPG_OPT_WORDS) ((dcpg_words *)o->value)->given = true;
    if (value) return set_value(o, value, err);
    if (o->kind == DCPG_OPT_FLAG) return set_value(o, "true", err);
    if (o->kind != DCPG_OPT_WORDS && (*next == argc || looks_like_option(argv[*next]))) {
        return dcpg_fail(err, DCPG_E_USAGE, "--%s wants a value%s", o->name,
                         *next == argc ? "" : " (one that starts with '-' is given as --name=value)");
    }
    if (!words) return set_value(o, argv[(*next)++], err);
    size_t most = o->kind == DCPG_OPT_WORDS && o->max > 0 ? (size_t)o->max : SIZE_MAX;
    while (*next < argc && words->n < most && !looks_like_option(argv[*next]))
        DCPG_TRY(set_value(o, argv[(*next)++], err));
    return DCPG_OK;
}

static dcpg_status add_positional(const dcpg_command_line *line, const char *word, dcpg_err *err) {
    if (line->positional) return dcpg_strings_add(line->positional, word, err);
    return dcpg_fail(err, DCPG_E_USAGE, "\"%s\" belongs to no option (usage: %s)", word, line->usage);
}

static bool wants_help(int argc, char **argv) {
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) return true;
    }
    return false;
}

dcpg_status dcpg_options_parse(const dcpg_command_line *line, int argc, char **argv, bool *help,
                               dcpg_err *err) {
    *help = wants_help(argc, argv);
    DCPG_TRY(set_defaults(line->options, err));
    if (*help) return DCPG_OK;
    bool only_words = false;
    for (int i = 1; i < argc;) {
        if (!only_words && strcmp(argv[i], "--") == 0) {
            only_words = true;
            i++;
        } else if (!only_words && looks_like_option(argv[i])) {
            DCPG_TRY(parse_option(line->options, argc, argv, i, &i, err));
        } else {
            DCPG_TRY(add_positional(line, argv[i++], err));
        }
    }
    return DCPG_OK;
}

/* Whether the list's last word is a file that was probably meant as a positional argument. */
static bool has_taken_file(const dcpg_opt *o, const dcpg_strings *words) {
    if (words->n == 0) return false;
    const char *last = words->v[words->n - 1];
    size_t length = strlen(last);
    bool named_so = length > 3 && strcmp(last + length - 3, ".h5") == 0;
    bool takes_files = o->meaning && strstr(o->meaning, "FILE");
    return (named_so || dcpg_file_exists(last)) && (words->n > 1 || !takes_files);
}

dcpg_status dcpg_options_fail_missing(const dcpg_opt *options, const char *wanted, dcpg_err *err) {
    for (const dcpg_opt *o = options; o->name; o++) {
        const dcpg_strings *words = words_of(o);
        if (words && has_taken_file(o, words))
            return dcpg_fail(err, DCPG_E_USAGE,
                             "%s: '%s' was taken for a word of --%s, which takes all words up to the next "
                             "option: put it before the options, or after --",
                             wanted, words->v[words->n - 1], o->name);
    }
    return dcpg_fail(err, DCPG_E_USAGE, "%s", wanted);
}
