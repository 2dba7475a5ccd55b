/* SPDX-License-Identifier: MIT */
/* Fields that do not hold what their column should: values that were not observed, positions as R and
 * spreadsheets write them, percentages that contradict their reads. */
#include "calls/profile_scan.h"
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

bool dcpg_profile_is_missing(const char *field) {
    static const char *const known[] = {"", ".", "NA", "N/A", "NaN", "-nan", "null", "none", "<NA>", "-"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strcasecmp(field, known[i]) == 0) return true;
    }
    return false;
}

bool dcpg_profile_missing(profile_parser *p, const char *field) {
    if (!dcpg_profile_is_missing(field)) return false;
    p->report->missing++;
    return true;
}

/* ---- whole numbers ---- */

static size_t count_digits(const char *text) { return strspn(text, "0123456789"); }

/* Whether `text` is groups of three digits between commas or points. */
static bool has_thousands(const char *text) {
    size_t n = count_digits(text);
    if (n < 1 || n > 3 || (text[n] != ',' && text[n] != '.')) return false;
    char mark = text[n];
    int groups = 0;
    for (text += n; *text == mark && count_digits(text + 1) == 3; text += 4) groups++;
    return *text == '\0' && (mark == ',' || groups > 1);
}

/* "1e+05": one digit before the exponent, which R and others write only for exact numbers. */
static bool scan_power(const char *text, int64_t *value) {
    int64_t power;
    if (count_digits(text) != 1 || tolower((unsigned char)text[1]) != 'e' || text[2] != '+') return false;
    if (!dcpg_parse_int(text + 2, &power) || power < 0 || power > 9) return false;
    for (*value = text[0] - '0'; power > 0; power--) *value *= 10;
    return true;
}

static const char *whole_remedy(const char *text, bool guessed) {
    size_t n = count_digits(text), rest = n + (text[n] == '.');
    rest += count_digits(text + rest);
    if (n > 0 && tolower((unsigned char)text[rest]) == 'e')
        return "is not a whole number that is written out, and may be rounded: in R use options(scipen=999) "
               "before the table is written";
    if (has_thousands(text)) return "is not a whole number: write it without thousands separators";
    if (n > 0 && text[n] == ',') return "is not a whole number: write it without a decimal comma";
    if (text[0] == '\'') return "is not a whole number: write it without single quotes";
    return guessed && n == 0
               ? "is not a whole number: where the columns are others, name them, see --profile_format"
               : "is not a whole number";
}

dcpg_status dcpg_profile_odd_whole(const profile_parser *p, const char *what, const char *text,
                                   int64_t *value, dcpg_err *err) {
    size_t n = count_digits(text);
    if (n > 0 && n < 16 && text[n] == '.' && text[n + 1] &&
        strspn(text + n + 1, "0") == strlen(text + n + 1)) {
        *value = 0;
        for (size_t i = 0; i < n; i++) *value = 10 * *value + (text[i] - '0');
        return DCPG_OK;
    }
    if (scan_power(text, value)) return DCPG_OK;
    return dcpg_profile_fail_field(p, err, what, text, whole_remedy(text, p->guessed));
}

/* ---- fractions and percentages ---- */

bool dcpg_profile_agrees(double share, int decimals, double scale, double meth, double total) {
    static const double unit[] = {1, 1e-1, 1e-2, 1e-3, 1e-4};
    if (!(total > 0) || isnan(share)) return true;
    double more = scale * meth / total - share, one = unit[decimals < 4 ? decimals : 4];
    if (scale < 2 && decimals == 0) return more == 0;  /* a state is not rounded */
    return more >= -0.51 * one && more < 0.9999 * one; /* rounded or truncated */
}

static int count_decimals(const char *text) {
    const char *point = strchr(text, '.');
    if (strpbrk(text, "eE")) return 3;
    return point ? (int)count_digits(point + 1) : 0;
}

dcpg_status dcpg_profile_check_share(const profile_parser *p, const char *text, double share, double scale,
                                     read_counts n, dcpg_err *err) {
    if (n.meth == 0 ? share == 0 : n.meth == n.total && share == scale)
        return DCPG_OK; /* as on nearly all lines */
    if (dcpg_profile_agrees(share, count_decimals(text), scale, n.meth, n.total)) return DCPG_OK;
    char remedy[160];
    snprintf(
        remedy, sizeof remedy,
        "contradicts its reads, %u of %u: correct it, or name the columns to be read, see --profile_format",
        n.meth, n.total);
    return dcpg_profile_fail_field(p, err, scale > 1 ? "percentage" : "fraction", text, remedy);
}
