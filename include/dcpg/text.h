/* SPDX-License-Identifier: MIT */
/* Lists of strings, patterns and number parsing shared by options, formats and models. */
#ifndef DCPG_TEXT_H
#define DCPG_TEXT_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* A growing list of strings; owns them. Starts as {0}. */
typedef struct dcpg_strings {
    char **v;
    size_t n, capacity;
} dcpg_strings;

DCPG_API dcpg_status dcpg_strings_add(dcpg_strings *list, const char *text, dcpg_err *err);
DCPG_API void dcpg_strings_free(dcpg_strings *list);
DCPG_API void dcpg_strings_sort(dcpg_strings *list);                              /* bytewise order */
DCPG_API ptrdiff_t dcpg_strings_find(const dcpg_strings *list, const char *text); /* index, or -1 */
DCPG_API ptrdiff_t dcpg_strings_find_sorted(const dcpg_strings *list,
                                            const char *text); /* in a list in that order */

/* A formatted string in memory of its own; NULL when out of memory. Free with dcpg_free. */
DCPG_API char *dcpg_format(const char *fmt, ...) DCPG_PRINTF(1, 2);

/* Parses the whole text as a decimal number, correctly rounded; false if it is not a number (blanks,
 * hexadecimal, inf and nan are refused) or out of range. Independent of the locale. Pure. */
DCPG_API bool dcpg_parse_int(const char *text, int64_t *value);
DCPG_API bool dcpg_parse_double(const char *text, double *value);

/* Parses a number of bytes: decimal, followed by K, M, G or T for powers of 1024 ("8G", "1.5GiB", "500MB");
 * false if it is malformed, 0, or does not fit. Pure. */
DCPG_API bool dcpg_parse_size(const char *text, size_t *bytes);

/* Bytes as "1.5 GiB"; writes at most 32 bytes into `text` and returns it. */
DCPG_API char *dcpg_size_text(size_t bytes, char text[32]);

/* DCPG_E_USAGE where a POSIX extended regular expression is so long (10000 letters), repeats so much (20000
 * pieces when written out) or is nested so deeply that compiling it could take all memory, or has
 * back-references. Call before regcomp. Pure. */
DCPG_API dcpg_status dcpg_regex_check(const char *pattern, dcpg_err *err);

/* Appends to `out` the names that `patterns` choose (all names where it is NULL or empty), in the order of
 * `names`, at most `most` of them (0: no limit). A pattern equal to one of the names chooses that name only;
 * any other pattern is a POSIX extended regular expression and chooses the names that it matches anywhere.
 * DCPG_E_USAGE: an invalid pattern, or one that matches no name (`what` names the kind of names in the
 * message). Local. */
DCPG_API dcpg_status dcpg_strings_select(const dcpg_strings *names, const dcpg_strings *patterns,
                                         int64_t most, const char *what, dcpg_strings *out, dcpg_err *err);

/* As dcpg_strings_select, but in the order of the patterns, each name once; without patterns none. Local. */
DCPG_API dcpg_status dcpg_strings_pick(const dcpg_strings *names, const dcpg_strings *patterns,
                                       const char *what, dcpg_strings *out, dcpg_err *err);

/* "a, b, c", after ten names, or when the space is used up, "... and N more", for messages; returns
 * `text`. */
enum { DCPG_LIST_TEXT = 384 };
DCPG_API char *dcpg_strings_text(const dcpg_strings *names, char text[DCPG_LIST_TEXT]);

/* The last part of a path: "a/b.tsv" -> "b.tsv". */
DCPG_API const char *dcpg_basename(const char *path);

/* The folder that a path names a part of: "a/b.tsv" -> "a/", "b.tsv" -> ".". NULL: out of memory; dcpg_free.
 */
DCPG_API char *dcpg_parent(const char *path);

/* Whether a text ends with another. Pure. */
DCPG_API bool dcpg_ends_with(const char *text, const char *end);

DCPG_END_C

#endif
