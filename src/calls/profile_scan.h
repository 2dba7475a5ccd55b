/* SPDX-License-Identifier: MIT */
/* Parsing the fields of a profile: nearly all numbers are short, plain decimals; others go to the general
 * parsers. */
#ifndef DCPG_CALLS_PROFILE_SCAN_H
#define DCPG_CALLS_PROFILE_SCAN_H

#include "calls/profile_parse.h"
#include <dcpg/text.h>
#include <string.h>

/* Cuts a line into columns: every tab ends a column, which may be empty; a run of blanks counts as one
 * separator. Only the first `most` columns are cut; a separator at the end of a line starts no further
 * column. */
static inline void scan_fields(char *line, int most, fields *f) {
    int n = 0; /* n and `open` are not in *f, which the compiler would store again for each character */
    bool open = false;
    while (*line == ' ') line++;
    while (n < most && *line) {
        f->at[n++] = line;
        while ((unsigned char)*line > ' ' || (*line != '\0' && *line != '\t' && *line != ' ')) line++;
        char *end = line;
        while (*line == ' ') line++;
        open = *line == '\t';
        line += open;
        while (*line == ' ') line++;
        *end = '\0';
    }
    f->n = n;
    f->open = open;
}

static inline bool scan_int(const char *text, int64_t *value) {
    int64_t x = 0;
    int n = 0;
    while (text[n] >= '0' && text[n] <= '9' && n < 18) x = 10 * x + (text[n++] - '0');
    *value = x;
    return (n > 0 && text[n] == '\0') || dcpg_parse_int(text, value);
}

/* Digits and a point, at most 15 digits: both operands are exact in a double, so that one division rounds
 * correctly (Clinger, PLDI 1990). */
static inline bool scan_double(const char *text, double *value) {
    static const double power[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    int64_t x = 0;
    int n = 0, nb_digit = 0, before_point = 0;
    bool point = false;
    for (; nb_digit <= 15; n++) {
        if (text[n] >= '0' && text[n] <= '9') {
            x = 10 * x + (text[n] - '0');
            nb_digit++;
        } else if (text[n] == '.' && !point) {
            point = true;
            before_point = nb_digit;
        } else {
            break;
        }
    }
    if (text[n] != '\0' || nb_digit == 0 || nb_digit > 15) return dcpg_parse_double(text, value);
    *value = point ? (double)x / power[nb_digit - before_point] : (double)x;
    return true;
}

static inline bool scan_strand(const char *text, strand *out) {
    static const char known[] = "+-.*";
    static const strand meaning[] = {STRAND_PLUS, STRAND_MINUS, STRAND_UNKNOWN, STRAND_UNKNOWN};
    for (int i = 0; i < 4; i++) {
        if (text[0] == known[i] && text[1] == '\0') {
            *out = meaning[i];
            return true;
        }
    }
    return false;
}

/* ---- the same with error messages ---- */

static inline dcpg_status take_int(const profile_parser *p, const char *what, const char *text,
                                   int64_t *value, dcpg_err *err) {
    return scan_int(text, value) ? DCPG_OK : dcpg_profile_odd_whole(p, what, text, value, err);
}

/* Whether a field means "not observed", which is counted. */
static inline bool take_missing(profile_parser *p, const char *text) {
    return !(text[0] >= '0' && text[0] <= '9') && dcpg_profile_missing(p, text);
}

/* A number of reads. */
static inline dcpg_status take_reads(const profile_parser *p, const char *text, uint32_t *reads,
                                     dcpg_err *err) {
    int64_t n;
    DCPG_TRY(take_int(p, "number of reads", text, &n, err));
    if (n < 0) return dcpg_profile_fail_field(p, err, "number of reads", text, "is negative");
    if (n > MAX_READS)
        return dcpg_profile_fail_field(p, err, "number of reads", text,
                                       "is beyond 1073741823: is this its column?");
    *reads = (uint32_t)n;
    return DCPG_OK;
}

static inline dcpg_status take_strand(const profile_parser *p, const char *text, strand *out, dcpg_err *err) {
    return scan_strand(text, out) ? DCPG_OK
                                  : dcpg_profile_fail_field(p, err, "strand", text, "is not one of + - . *");
}

static inline dcpg_status take_number(const profile_parser *p, const char *what, const char *text,
                                      double *value, dcpg_err *err) {
    if (scan_double(text, value)) return DCPG_OK;
    return dcpg_profile_fail_field(
        p, err, what, text,
        strchr(text, ',') ? "is not a number: write decimal points, not commas"
        : p->guessed ? "is not a number: write NA for what was not observed; where this is another column, "
                       "name the columns, see --profile_format"
                     : "is not a number: write NA for what was not observed, or leave it out");
}

/* A number in [0, most]. */
static inline dcpg_status take_share(const profile_parser *p, const char *what, const char *text, double most,
                                     double *value, dcpg_err *err) {
    DCPG_TRY(take_number(p, what, text, value, err));
    if (*value >= 0 && *value <= most) return DCPG_OK;
    return dcpg_profile_fail_field(p, err, what, text,
                                   most > 1 ? "lies outside [0, 100]" : "lies outside [0, 1]");
}

/* The end of an interval that starts at `start` and covers at most `most` bases. */
static inline dcpg_status take_end(const profile_parser *p, const char *text, int64_t start, int64_t most,
                                   int64_t *end, dcpg_err *err) {
    DCPG_TRY(take_int(p, "end", text, end, err));
    if (*end < start) return dcpg_profile_fail_field(p, err, "end", text, "lies before the start");
    if (*end - start > most)
        return dcpg_profile_fail_field(p, err, "end", text,
                                       "does not end the interval of one CpG: write a line for each CpG");
    return DCPG_OK;
}

/* Adds a call by its reads; a CpG without reads was not observed. */
static inline dcpg_status add_reads(profile_parser *p, const char *chromo, int64_t pos, strand on,
                                    read_counts n, dcpg_err *err) {
    if (n.total == 0) return DCPG_OK;
    const raw_call call = {.meth = n.meth, .total = n.total & MAX_READS, .strand = (uint32_t)on & 3};
    return dcpg_profile_add(p, chromo, pos, call, err);
}

#endif
