/* SPDX-License-Identifier: MIT */
/* Numbers against the C library's own, and regular expressions, which must end quickly. The first letter of
 * an input chooses. */
#include "fuzz.h"
#include <errno.h>
#include <math.h>

const char *const fuzz_seeds[] = {"n1.5e3",      "n-12",
                                  "n8GiB",       "n0.1234567890123456789",
                                  "n1e-400",     "rcpg/\nbulk",
                                  "r(a|aa)+$",   "r[[:alpha:]]{2,3}",
                                  "r(a+)++++++", "r((a{9}){9}){9}",
                                  "r[]a-]*[^]]", NULL};

static void check_numbers(const char *text) {
    int64_t whole;
    double real;
    size_t bytes;
    char *end;
    if (dcpg_parse_int(text, &whole)) {
        errno = 0;
        long long value = strtoll(text, &end, 10);
        FUZZ_REQUIRE(*end == '\0' && errno == 0 && value == whole);
    }
    if (dcpg_parse_double(text, &real)) {
        double value = strtod(text, &end);
        FUZZ_REQUIRE(*end == '\0' && isfinite(real) && value == real);
    }
    if (dcpg_parse_size(text, &bytes)) FUZZ_REQUIRE(bytes > 0);
}

static void check_patterns(char *text) {
    static const char *const known[] = {"cpg/cell_01", "bulk/tissue",
                                        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"};
    dcpg_strings names = {0}, patterns = {0}, out = {0};
    dcpg_err err = {0};
    for (int i = 0; i < 3; i++) dcpg_strings_add(&names, known[i], NULL);
    for (char *at = text, *end; at; at = end) {
        end = strchr(at, '\n');
        if (end) *end++ = '\0';
        dcpg_strings_add(&patterns, at, NULL);
    }
    fuzz_check_error(dcpg_strings_select(&names, &patterns, 0, "output", &out, &err), &err);
    dcpg_strings_free(&names);
    dcpg_strings_free(&patterns);
    dcpg_strings_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) return 0;
    char *text = fuzz_text(data + 1, size - 1);
    if (data[0] == 'r')
        check_patterns(text);
    else
        check_numbers(text);
    free(text);
    return 0;
}
