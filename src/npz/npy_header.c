/* SPDX-License-Identifier: MIT */
/* Parses headers of npy. */
#include "npz/npy_header.h"

#include <string.h>

static const char malformed[] = "its header is malformed";

static const char *skip_blanks(const char *at) { return at + strspn(at, " \t\n\r"); }

/* Moves past `word` after blanks; false if something else stands there. */
static bool take(const char **at, const char *word) {
    const char *from = skip_blanks(*at);
    size_t n = strlen(word);
    if (strncmp(from, word, n) != 0) return false;
    *at = from + n;
    return true;
}

static bool take_whole(const char **at, int64_t *value) {
    const char *from = skip_blanks(*at);
    int n = 0;
    *value = 0;
    for (; from[n] >= '0' && from[n] <= '9' && n < 18; n++) *value = 10 * *value + (from[n] - '0');
    *at = from + n;
    *at += **at == 'L'; /* Python 2 */
    return n > 0 && n < 18;
}

static const char *take_type(const char **at, dcpg_npy *array, bool *swapped) {
    static const uint16_t one = 1;
    char own = *(const char *)&one ? '<' : '>';
    int64_t size;
    const char *from = skip_blanks(*at);
    if (*from == '[') return "it holds records of several fields";
    if (*from != '\'' && *from != '"') return malformed;
    char quote = *from++, order = *from;
    if (!strchr("<>|=", order) || !order) return "its type is none that dcpg knows";
    array->kind = from[1];
    if (array->kind == 'O')
        return "it holds pickled Python objects, which are not read because they can run any program: save "
               "numbers, not objects";
    from += 2;
    bool known = from[-1] && strchr("iubfS", from[-1]) && take_whole(&from, &size) && *from == quote;
    if (!known) return "its type is none that dcpg knows (whole numbers, floats, bytes)";
    bool whole = strchr("iu", array->kind) && (size == 1 || size == 2 || size == 4 || size == 8);
    bool other = array->kind == 'f' ? size == 4 || size == 8 : array->kind == 'b' ? size == 1 : size <= 4096;
    if (!whole && (strchr("iu", array->kind) || !other))
        return "its numbers have a size that dcpg does not know";
    array->size = (int)size;
    *swapped = size > 1 && array->kind != 'S' && order != own && order != '=';
    *at = from + 1;
    return NULL;
}

static const char *take_shape(const char **at, dcpg_npy *array) {
    if (!take(at, "(")) return malformed;
    for (array->ndim = 0; !take(at, ")"); array->ndim++) {
        if (array->ndim == DCPG_NPY_DIM) return "it has more than two dimensions";
        if (!take_whole(at, &array->dim[array->ndim])) return malformed;
        if (!take(at, ",") && *skip_blanks(*at) != ')') return malformed;
    }
    return NULL;
}

static bool take_order(const char **at, dcpg_npy *array) {
    array->by_column = take(at, "True");
    return array->by_column || take(at, "False");
}

const char *dcpg_npy_parse(const char *text, dcpg_npy *array, bool *swapped) {
    bool type = false, order = false, shape = false;
    *array = (dcpg_npy){0};
    if (!take(&text, "{")) return malformed;
    while (!take(&text, "}")) {
        const char *wrong = NULL;
        if (!type && (take(&text, "'descr':") || take(&text, "\"descr\":"))) {
            type = true;
            wrong = take_type(&text, array, swapped);
        } else if (!order && (take(&text, "'fortran_order':") || take(&text, "\"fortran_order\":"))) {
            order = true;
            wrong = take_order(&text, array) ? NULL : malformed;
        } else if (!shape && (take(&text, "'shape':") || take(&text, "\"shape\":"))) {
            shape = true;
            wrong = take_shape(&text, array);
        } else {
            wrong = malformed;
        }
        if (wrong) return wrong;
        if (!take(&text, ",") && *skip_blanks(text) != '}') return malformed;
    }
    if (array->ndim < 2) array->by_column = false;
    return type && order && shape && *skip_blanks(text) == '\0' ? NULL : malformed;
}

bool dcpg_npy_bytes(const dcpg_npy *array, int64_t *bytes) {
    *bytes = array->size;
    for (int i = 0; i < array->ndim; i++) {
        if (array->dim[i] > 0 && *bytes > INT64_MAX / array->dim[i]) return false;
        *bytes *= array->dim[i];
    }
    return true;
}
