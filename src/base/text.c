/* SPDX-License-Identifier: MIT */
/* Lists of strings, and numbers and sizes from text and to text. */
#include <dcpg/memory.h>
#include <dcpg/text.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

dcpg_status dcpg_strings_add(dcpg_strings *list, const char *text, dcpg_err *err) {
    if (list->n == list->capacity) {
        size_t capacity = list->capacity ? 2 * list->capacity : 8;
        char **grown = dcpg_realloc(list->v, list->n, capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "a list of names", capacity * sizeof *grown);
        list->v = grown;
        list->capacity = capacity;
    }
    char *copy = dcpg_strdup(text);
    if (!copy) return dcpg_fail_nomem(err, "a name", strlen(text) + 1);
    list->v[list->n++] = copy;
    return DCPG_OK;
}

void dcpg_strings_free(dcpg_strings *list) {
    for (size_t i = 0; i < list->n; i++) dcpg_free(list->v[i]);
    dcpg_free(list->v);
    *list = (dcpg_strings){0};
}

static int by_bytes(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

void dcpg_strings_sort(dcpg_strings *list) {
    if (list->n > 1) qsort(list->v, list->n, sizeof *list->v, by_bytes);
}

ptrdiff_t dcpg_strings_find(const dcpg_strings *list, const char *text) {
    for (size_t i = 0; i < list->n; i++) {
        if (strcmp(list->v[i], text) == 0) return (ptrdiff_t)i;
    }
    return -1;
}

ptrdiff_t dcpg_strings_find_sorted(const dcpg_strings *list, const char *text) {
    size_t low = 0, high = list->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(text, list->v[middle]);
        if (order == 0) return (ptrdiff_t)middle;
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return -1;
}

char *dcpg_format(const char *fmt, ...) {
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    char *text = n < 0 ? NULL : dcpg_alloc((size_t)n + 1, 1);
    if (text) vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(args);
    return text;
}

static bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool dcpg_parse_int(const char *text, int64_t *value) {
    const char *digits = text + (*text == '-' || *text == '+');
    if (!is_digit(*digits)) return false;
    char *end;
    errno = 0;
    long long parsed = strtoll(text, &end, 10);
    if (*end || errno == ERANGE) return false;
    *value = parsed;
    return true;
}

/* A decimal number: digits * 10^exponent, where `digits` holds the first 19 digits. */
typedef struct decimal {
    uint64_t digits;
    int nb_digit; /* significant ones, counted up to 20 */
    long exponent;
} decimal;

static const char *scan_digits(const char *p, bool fraction, decimal *d) {
    for (; is_digit(*p); p++) {
        bool counts = d->nb_digit > 0 || *p != '0';
        if (d->nb_digit < 19) {
            d->digits = 10 * d->digits + (uint64_t)(*p - '0');
            if (fraction) d->exponent--;
        }
        if (counts && d->nb_digit < 20) d->nb_digit++;
    }
    return p;
}

/* [+-]digits[.digits][e[+-]digits], with at least one digit before the exponent; false for anything else. */
static bool scan_decimal(const char *text, decimal *d) {
    const char *p = text + (*text == '-' || *text == '+');
    if (!is_digit(*p) && !(*p == '.' && is_digit(p[1]))) return false;
    p = scan_digits(p, false, d);
    if (*p == '.') p = scan_digits(p + 1, true, d);
    if (*p == 'e' || *p == 'E') {
        p++;
        bool negative = *p == '-';
        if (*p == '-' || *p == '+') p++;
        if (!is_digit(*p)) return false;
        long exponent = 0;
        for (; is_digit(*p); p++) {
            if (exponent < 100000) exponent = 10 * exponent + (*p - '0');
        }
        d->exponent += negative ? -exponent : exponent;
    }
    return *p == '\0';
}

/* The C library's conversion, as if the locale were "C". */
static bool convert_slowly(const char *text, double *value) {
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!plain) return false;
    locale_t before = uselocale(plain);
    double parsed = strtod(text, NULL);
    uselocale(before);
    freelocale(plain);
    if (!isfinite(parsed)) return false;
    *value = parsed;
    return true;
}

bool dcpg_parse_double(const char *text, double *value) {
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    decimal d = {0};
    if (!scan_decimal(text, &d)) return false;
    /* Both factors are exact in a double, so a single operation rounds correctly (Clinger, PLDI 1990). Most
     * numbers in files are of this kind. */
    if (d.nb_digit <= 15 && d.exponent >= -22 && d.exponent <= 22) {
        double digits = (double)d.digits;
        double size = d.exponent < 0 ? digits / power[-d.exponent] : digits * power[d.exponent];
        *value = *text == '-' ? -size : size;
        return true;
    }
    return convert_slowly(text, value);
}

bool dcpg_parse_size(const char *text, size_t *bytes) {
    static const char units[] = "KMGT";
    char number[32];
    double value, factor = 1;
    size_t length = strspn(text, "0123456789.");
    const char *unit = text + length, *found = *unit ? strchr(units, *unit) : NULL;
    if (length == 0 || length >= sizeof number || (*unit && !found)) return false;
    memcpy(number, text, length);
    number[length] = '\0';
    for (const char *u = units; found && u <= found; u++) factor *= 1024;
    if (found && strcmp(unit + 1, "") != 0 && strcmp(unit + 1, "B") != 0 && strcmp(unit + 1, "iB") != 0)
        return false;
    if (!dcpg_parse_double(number, &value)) return false;
    value = floor(value * factor);
    if (value < 1 || value >= 0x1p62) return false;
    *bytes = (size_t)value;
    return true;
}

char *dcpg_size_text(size_t bytes, char text[32]) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int i = 0;
    for (; value >= 1024 && i < 4; i++) value /= 1024;
    snprintf(text, 32, i > 0 && value < 99.95 ? "%.1f %s" : "%.0f %s", value, units[i]);
    return text;
}

const char *dcpg_basename(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

char *dcpg_parent(const char *path) {
    size_t length = (size_t)(dcpg_basename(path) - path);
    return length ? dcpg_strndup(path, length) : dcpg_strdup(".");
}

bool dcpg_ends_with(const char *text, const char *end) {
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}
