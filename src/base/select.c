/* SPDX-License-Identifier: MIT */
/* Selects names from a list, by the names themselves or by regular expressions. */
#include <dcpg/memory.h>
#include <dcpg/text.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>

/* Marks the name that equals `pattern`; only if there is none, all names that match it, so that cell_1 does
 * not also select cell_10. */
static dcpg_status mark(const dcpg_strings *names, const char *pattern, const char *what, bool *chosen,
                        dcpg_err *err) {
    regex_t compiled;
    ptrdiff_t exact = dcpg_strings_find(names, pattern);
    if (exact >= 0) {
        chosen[exact] = true;
        return DCPG_OK;
    }
    DCPG_TRY(dcpg_regex_check(pattern, err));
    int code = regcomp(&compiled, pattern, REG_EXTENDED | REG_NOSUB);
    if (code != 0) {
        char reason[128];
        regerror(code, &compiled, reason, sizeof reason);
        return dcpg_fail(err, DCPG_E_USAGE, "'%s' is not a regular expression: %s", pattern, reason);
    }
    bool any = false;
    for (size_t i = 0; i < names->n; i++)
        if (regexec(&compiled, names->v[i], 0, NULL, 0) == 0) any = chosen[i] = true;
    regfree(&compiled);
    if (!any)
        return dcpg_fail(err, DCPG_E_USAGE, "'%s' matches none of the %zu %ss (the first is %s)", pattern,
                         names->n, what, names->n ? names->v[0] : "missing");
    return DCPG_OK;
}

static dcpg_status add_chosen(const dcpg_strings *names, const bool *chosen, int64_t most, dcpg_strings *out,
                              dcpg_err *err) {
    int64_t taken = 0;
    for (size_t i = 0; i < names->n && (most <= 0 || taken < most); i++) {
        if (chosen && !chosen[i]) continue;
        DCPG_TRY(dcpg_strings_add(out, names->v[i], err));
        taken++;
    }
    return DCPG_OK;
}

dcpg_status dcpg_strings_select(const dcpg_strings *names, const dcpg_strings *patterns, int64_t most,
                                const char *what, dcpg_strings *out, dcpg_err *err) {
    if (patterns == NULL || patterns->n == 0) return add_chosen(names, NULL, most, out, err);
    bool *chosen = dcpg_alloc(names->n, sizeof *chosen);
    if (chosen == NULL) return dcpg_fail_nomem(err, "chosen names", names->n);
    dcpg_status status = DCPG_OK;
    for (size_t p = 0; p < patterns->n && status == DCPG_OK; p++)
        status = mark(names, patterns->v[p], what, chosen, err);
    if (status == DCPG_OK) status = add_chosen(names, chosen, most, out, err);
    dcpg_free(chosen);
    return status;
}

/* Adds the names that `pattern` selects and `out` does not contain yet. chosen[names->n] is scratch. */
static dcpg_status pick(const dcpg_strings *names, const char *pattern, const char *what, bool *chosen,
                        dcpg_strings *out, dcpg_err *err) {
    memset(chosen, 0, names->n * sizeof *chosen);
    DCPG_TRY(mark(names, pattern, what, chosen, err));
    for (size_t i = 0; i < names->n; i++) {
        if (chosen[i] && dcpg_strings_find(out, names->v[i]) < 0)
            DCPG_TRY(dcpg_strings_add(out, names->v[i], err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_strings_pick(const dcpg_strings *names, const dcpg_strings *patterns, const char *what,
                              dcpg_strings *out, dcpg_err *err) {
    bool *chosen = dcpg_alloc(names->n, sizeof *chosen);
    if (chosen == NULL) return dcpg_fail_nomem(err, "chosen names", names->n);
    dcpg_status status = DCPG_OK;
    for (size_t p = 0; p < patterns->n && status == DCPG_OK; p++)
        status = pick(names, patterns->v[p], what, chosen, out, err);
    dcpg_free(chosen);
    return status;
}

char *dcpg_strings_text(const dcpg_strings *names, char text[DCPG_LIST_TEXT]) {
    enum { SHOWN = 10, MORE = 40 }; /* names; bytes kept for the text after them */
    size_t used = 0, i = 0;
    text[0] = '\0';
    for (; i < names->n && i < SHOWN; i++) {
        size_t length = strlen(names->v[i]);
        if (used + length + 2 > DCPG_LIST_TEXT - MORE) break;
        used += (size_t)snprintf(text + used, DCPG_LIST_TEXT - used, "%s%s", i ? ", " : "", names->v[i]);
    }
    if (i < names->n)
        snprintf(text + used, DCPG_LIST_TEXT - used, "%s%zu more", i ? " and " : "", names->n - i);
    return text;
}
