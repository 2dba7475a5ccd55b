/* SPDX-License-Identifier: MIT */
/* Tables of numbers and names (table.h). */
#include "analysis/table.h"
#include "base/number.h"

#include <dcpg/memory.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 6, MAX_TEXT = 64, LONGEST = 12 };

dcpg_status dcpg_table_add_column(table *t, const char *group, const char *name, table_kind kind,
                                  const dcpg_strings *words, dcpg_err *err) {
    assert(t->nb_row == 0);
    size_t n = (size_t)t->nb_column;
    table_column *grown = dcpg_realloc(t->column, n, n + 1, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, "columns", (n + 1) * sizeof *grown);
    t->column = grown;
    t->column[n] = (table_column){group, dcpg_strdup(name), kind, words, NULL};
    if (!t->column[n].name) return dcpg_fail_nomem(err, "columns", strlen(name));
    t->nb_column++;
    return DCPG_OK;
}

static bool widen(table *t, int64_t capacity) {
    size_t before = (size_t)t->nb_row, after = (size_t)capacity;
    int64_t *index = dcpg_realloc(t->index, before, after, sizeof *index);
    if (index) t->index = index;
    for (int c = 0; c < t->nb_column && index; c++) {
        double *value = dcpg_realloc(t->column[c].value, before, after, sizeof *value);
        if (!value) return false;
        t->column[c].value = value;
    }
    return index != NULL;
}

dcpg_status dcpg_table_add_rows(table *t, int64_t n, dcpg_err *err) {
    int64_t need = t->nb_row + n, capacity = max_i64(need, 2 * t->capacity);
    if (need > t->capacity) {
        if (!widen(t, capacity))
            return dcpg_fail_nomem(err, "a table",
                                   (unsigned long long)capacity * (unsigned)(t->nb_column + 1) * 8);
        t->capacity = capacity;
    }
    t->nb_row = need;
    return DCPG_OK;
}

void dcpg_table_free(table *t) {
    for (int c = 0; c < t->nb_column; c++) {
        dcpg_free(t->column[c].name);
        dcpg_free(t->column[c].value);
    }
    dcpg_free(t->column);
    dcpg_free(t->index);
    *t = (table){0};
}

/* ---- for people to read ---- */

/* How a column is printed. */
typedef struct style {
    int width, decimals;
    bool scientific;
} style;

/* Powers of ten, which a double represents exactly. */
static const double power[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9};

/* value| * 10^decimals, rounded to a whole number as printf does; false if that is uncertain, because the
 * number is large or so close to a half that the error of the product could decide. */
static bool scale(double value, int decimals, uint64_t *digits) {
    double scaled = fabs(value) * power[decimals];
    if (!(scaled < 0x1p43)) return false;
    double whole = floor(scaled), rest = scaled - whole;
    if (fabs(rest - 0.5) < 0.01) return false;
    *digits = (uint64_t)whole + (rest > 0.5);
    return true;
}

/* Writes the digits of x, padded with zeros to `least`; returns their number. */
static int put_digits(uint64_t x, int least, char *text) {
    char reversed[24];
    int n = 0;
    for (; x > 0 || n < least; x /= 10) reversed[n++] = (char)('0' + x % 10);
    for (int i = 0; i < n; i++) text[i] = reversed[n - 1 - i];
    text[n] = '\0';
    return n;
}

/* Same as printf's "% .*f", but several times as fast. `sign`: character before numbers that are not
 * negative; 0: none. */
static int put_fixed(double value, int decimals, char sign, char *text, size_t size) {
    uint64_t digits;
    if (!scale(value, decimals, &digits))
        return snprintf(text, size, sign ? "% .*f" : "%.*f", decimals, value);
    uint64_t unit = (uint64_t)power[decimals];
    int n = 0;
    if (signbit(value))
        text[n++] = '-';
    else if (sign)
        text[n++] = sign;
    n += put_digits(digits / unit, 1, text + n);
    if (decimals == 0) return n;
    text[n++] = '.';
    return n + put_digits(digits % unit, decimals, text + n);
}

/* How many of DIGITS decimals the value needs, at least one. */
static int decimals_of(double value) {
    uint64_t digits;
    int zeros = 0;
    if (scale(value, DIGITS, &digits)) {
        for (; zeros < DIGITS - 1 && digits % 10 == 0; digits /= 10) zeros++;
        return DIGITS - zeros;
    }
    char text[MAX_TEXT * 8];
    int n = snprintf(text, sizeof text, "%.*f", DIGITS, value);
    while (zeros < DIGITS - 1 && text[n - 1 - zeros] == '0') zeros++;
    return DIGITS - zeros;
}

/* A number as printed, with a blank where negative numbers have their sign. text[MAX_TEXT * 8] */
static int number_text(const table_column *column, const style *s, int64_t row, char *text) {
    const size_t size = MAX_TEXT * 8;
    double value = column->value[row];
    if (isnan(value)) return snprintf(text, size, "NaN");
    if (column->kind == TABLE_INT) return put_fixed(value, 0, ' ', text, size);
    return s->scientific ? snprintf(text, size, "% .*e", DIGITS, value)
                         : put_fixed(value, s->decimals, ' ', text, size);
}

static const char *word_of(const table_column *column, int64_t row) {
    return column->words->v[(int64_t)column->value[row]];
}

static int widest(const table *t, const table_column *column, const style *s) {
    int width = 0;
    char text[MAX_TEXT * 8];
    for (int64_t i = 0; i < t->nb_row; i++) {
        int n = column->kind == TABLE_WORD
                    ? 1 + (int)strlen(word_of(column, i)) /* with the blank before it */
                    : number_text(column, s, i, text);
        if (n > width) width = n;
    }
    return width;
}

/* Numbers are printed as decimals, unless that would hide small ones or take too much space. */
static style choose_style(const table *t, const table_column *column) {
    style s = {.decimals = 1};
    bool small = false, large = false, fraction = column->kind == TABLE_FLOAT || column->kind == TABLE_DOUBLE;
    for (int64_t i = 0; i < t->nb_row && fraction; i++) {
        double value = column->value[i];
        if (!isfinite(value)) continue;
        int decimals = decimals_of(value);
        if (decimals > s.decimals) s.decimals = decimals;
        small |= value != 0 && fabs(value) < 1e-6;
        large |= fabs(value) > 1e6;
    }
    s.width = widest(t, column, &s);
    s.scientific = fraction && (small || (large && s.width > LONGEST));
    if (s.scientific) s.width = widest(t, column, &s);
    return s;
}

static bool starts_group(const table *t, int c) {
    return c == 0 || strcmp(t->column[c].group, t->column[c - 1].group) != 0;
}

/* Without groups, headings of numbers are shifted to the right by one. */
static int lead(const table_column *column) { return !column->group && column->kind != TABLE_WORD; }

static void fit_heading(const table *t, int c, style *s) {
    const table_column *column = &t->column[c];
    int name = (int)strlen(column->name) + lead(column);
    int group = column->group && starts_group(t, c) ? (int)strlen(column->group) : 0;
    if (name > s->width) s->width = name;
    if (group > s->width) s->width = group;
}

static void print_headings(const table *t, const style *s, int index_width, FILE *out) {
    if (t->column[0].group) {
        fprintf(out, "%*s", index_width, "");
        for (int c = 0; c < t->nb_column; c++)
            fprintf(out, " %*s", s[c].width, starts_group(t, c) ? t->column[c].group : "");
        fputc('\n', out);
    }
    fprintf(out, "%*s", index_width, "");
    for (int c = 0; c < t->nb_column; c++) fprintf(out, " %*s", s[c].width, t->column[c].name);
    fputc('\n', out);
}

/* ---- text in memory ---- */

/* Text written so far, flushed to a file if there is one. */
typedef struct output {
    FILE *file; /* NULL: kept in memory */
    char *text;
    size_t used, capacity;
    bool failed;
} output;

enum { FLUSH_BYTES = 1 << 20 };

/* Space for `n` more bytes; NULL: out of memory. */
static char *space(output *o, size_t n) {
    if (o->file && o->used > FLUSH_BYTES) {
        fwrite(o->text, 1, o->used, o->file);
        o->used = 0;
    }
    if (o->used + n > o->capacity) {
        size_t capacity = 2 * o->capacity > o->used + n ? 2 * o->capacity : o->used + n + (1 << 16);
        char *grown = dcpg_realloc(o->text, o->used, capacity, 1);
        o->failed |= !grown;
        if (!grown) return NULL;
        o->text = grown;
        o->capacity = capacity;
    }
    return o->text + o->used;
}

static void put_bytes(output *o, const char *text, size_t n) {
    char *to = space(o, n);
    if (!to) return;
    memcpy(to, text, n);
    o->used += n;
}

static void put_char(output *o, char c) { put_bytes(o, &c, 1); }

/* Writes a blank, then the text right-aligned in `width` columns. */
static void put_right(output *o, const char *text, size_t n, int width) {
    size_t blanks = 1 + ((size_t)width > n ? (size_t)width - n : 0);
    char *to = space(o, blanks + n);
    if (!to) return;
    memset(to, ' ', blanks);
    memcpy(to + blanks, text, n);
    o->used += blanks + n;
}

/* Words are never cut. */
static void print_cell(const table_column *column, const style *s, int64_t row, output *o) {
    char text[MAX_TEXT * 8];
    if (column->kind == TABLE_WORD) {
        put_right(o, word_of(column, row), strlen(word_of(column, row)), s->width);
    } else {
        int n = number_text(column, s, row, text);
        put_right(o, text, (size_t)n, s->width);
    }
}

void dcpg_table_print(const table *t, FILE *out) {
    style *s = dcpg_alloc((size_t)t->nb_column, sizeof *s);
    int index_width = 0;
    if (!s || t->nb_column == 0) {
        dcpg_free(s);
        return;
    }
    for (int c = 0; c < t->nb_column; c++) {
        s[c] = choose_style(t, &t->column[c]);
        fit_heading(t, c, &s[c]);
    }
    for (int64_t i = 0; i < t->nb_row; i++) {
        int n = snprintf(NULL, 0, "%" PRId64, t->index[i]);
        if (n > index_width) index_width = n;
    }
    print_headings(t, s, index_width, out);
    output o = {.file = out};
    for (int64_t i = 0; i < t->nb_row; i++) {
        char *to = space(&o, 32);
        if (to) o.used += (size_t)snprintf(to, 32, "%-*" PRId64, index_width, t->index[i]);
        for (int c = 0; c < t->nb_column; c++) print_cell(&t->column[c], &s[c], i, &o);
        put_char(&o, '\n');
    }
    fwrite(o.text, 1, o.used, out);
    dcpg_free(o.text);
    dcpg_free(s);
}

/* ---- for programs to read ---- */

/* The shortest text of an ordinary number, without trying all lengths with printf; false if that is
 * uncertain. */
static bool short_number(double value, bool single, char text[40]) {
    enum { MOST = 9 };
    double size = fabs(value);
    if (!(size < 1e6) || (size != 0 && size < 1e-4)) return false;
    for (int decimals = 1; decimals <= MOST; decimals++) {
        uint64_t digits;
        if (!scale(value, decimals, &digits)) return false;
        double back = (double)digits /
                      power[decimals]; /* both operands are exact, so this rounds correctly, like strtod */
        if (single ? (float)back != (float)size : back != size) continue;
        put_fixed(signbit(value) ? -back : back, decimals, 0, text, 40);
        return true;
    }
    return false;
}

void dcpg_table_number(double value, bool single, char text[40]) {
    int digits = 1;
    *text = '\0';
    if (isnan(value) || short_number(value, single, text)) return;
    for (; digits <= 17; digits++) {
        snprintf(text, 40, "%.*e", digits - 1, value);
        double back = strtod(text, NULL);
        if (single ? (float)back == (float)value : back == value) break;
    }
    const char *e = strchr(text, 'e');
    int exponent = e ? atoi(e + 1) : 0, decimals = digits - 1 - exponent;
    if (e && exponent >= -4 && exponent < 16)
        snprintf(text, 40, "%.*f", decimals > 1 ? decimals : 1, strtod(text, NULL));
}

static void write_cell(const table_column *column, int64_t row, output *o) {
    char text[MAX_TEXT * 8];
    double value = column->value[row];
    if (column->kind == TABLE_WORD) {
        put_bytes(o, word_of(column, row), strlen(word_of(column, row)));
    } else if (column->kind == TABLE_INT) {
        int n = isnan(value) ? snprintf(text, sizeof text, "%.0f", value)
                             : put_fixed(value, 0, 0, text, sizeof text);
        put_bytes(o, text, (size_t)n);
    } else {
        dcpg_table_number(value, column->kind == TABLE_FLOAT, text);
        put_bytes(o, text, strlen(text));
    }
}

/* Names in the group "loc" have no prefix: chromo and pos are clear by themselves. */
static void write_name(const table_column *column, output *o) {
    if (column->group && strcmp(column->group, "loc") != 0) {
        put_bytes(o, column->group, strlen(column->group));
        put_char(o, '/');
    }
    put_bytes(o, column->name, strlen(column->name));
}

char *dcpg_table_tsv(const table *t) {
    output o = {0};
    for (int64_t i = -1; i < t->nb_row && !o.failed; i++)
        for (int c = 0; c < t->nb_column; c++) {
            if (i < 0) write_name(&t->column[c], &o);
            if (i >= 0) write_cell(&t->column[c], i, &o);
            put_char(&o, c + 1 < t->nb_column ? '\t' : '\n');
        }
    put_char(&o, '\0');
    if (!o.failed) return o.text;
    dcpg_free(o.text);
    return NULL;
}
