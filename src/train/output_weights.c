/* SPDX-License-Identifier: MIT */
/* Weights of the outputs in the loss, from --output_weights patterns. */
#include <dcpg/memory.h>
#include <dcpg/train.h>
#include <regex.h>
#include <string.h>

/* Sets the weights of all names that the pattern matches at their start, as in DeepCpG 1.0.7. */
static dcpg_status apply(const dcpg_strings *outputs, const char *pattern, float value, float *weight,
                         dcpg_err *err) {
    regex_t compiled;
    regmatch_t where;
    DCPG_TRY(dcpg_regex_check(pattern, err));
    if (regcomp(&compiled, pattern, REG_EXTENDED) != 0)
        return dcpg_fail(err, DCPG_E_USAGE, "--output_weights: '%s' is not a regular expression", pattern);
    bool any = false;
    for (size_t o = 0; o < outputs->n; o++)
        if (regexec(&compiled, outputs->v[o], 1, &where, 0) == 0 && where.rm_so == 0) {
            weight[o] = value;
            any = true;
        }
    regfree(&compiled);
    return any ? DCPG_OK : dcpg_fail(err, DCPG_E_USAGE, "--output_weights: '%s' matches no output", pattern);
}

dcpg_status dcpg_output_weights(const dcpg_strings *outputs, const dcpg_strings *patterns, float *weight,
                                dcpg_err *err) {
    for (size_t o = 0; o < outputs->n; o++) weight[o] = 1;
    for (size_t i = 0; i < patterns->n; i++) {
        const char *text = patterns->v[i], *equals = strrchr(text, '=');
        double value;
        if (equals == NULL || !dcpg_parse_double(equals + 1, &value) || value < 0)
            return dcpg_fail(err, DCPG_E_USAGE, "--output_weights: '%s' is not REGEX=WEIGHT", text);
        char *pattern = dcpg_strndup(text, (size_t)(equals - text));
        if (pattern == NULL) return dcpg_fail_nomem(err, "a pattern", strlen(text));
        dcpg_status status = apply(outputs, pattern, (float)value, weight, err);
        dcpg_free(pattern);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}
