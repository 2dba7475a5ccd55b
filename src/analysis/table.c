#include "analysis/table.h"

#include <dcpg/memory.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS = 6, MAX_TEXT = 64, LONGEST = 12 };

dcpg_status table_add_column(table *t, const char *group, const char *name, table_kind kind,
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

static bool widen(table *t, int64_t room) {
    size_t before = (size_t)t->nb_row, after = (size_t)room;
    int64_t *index = dcpg_realloc(t->index, before, after, sizeof *index);
    if (index) t->index = index;
    for (int c = 0; c < t->nb_column && index; c++) {
        double *value = dcpg_realloc(t->column[c].value, before, after, sizeof *value);
        if (!value) return false;
        t->column[c].value = value;
    }
    return index != NULL;
}

dcpg_status table_add_rows(table *t, int64_t n, dcpg_err *err) {
    int64_t need = t->nb_row + n, room = need > 2 * t->room ? need : 2 * t->room;
    if (need > t->room) {
        if (!widen(t, room))
            return dcpg_fail_nomem(err, "a table",
                                   (unsigned long long)room * (unsigned)(t->nb_column + 1) * 8);
        t->room = room;
    }
    t->nb_row = need;
    return DCPG_OK;
}

void table_free(table *t) {
    for (int c = 0; c < t->nb_column; c++) {
        dcpg_free(t->column[c].name);
        dcpg_free(t->column[c].value);
    }
    dcpg_free(t->column);
    dcpg_free(t->index);
    *t = (table){0};
}

/* ---- for people ---- */

/* How a column is printed. */
typedef struct style {
    int width, decimals;
    bool scientific;
} style;

/* Decimals that are needed where there may be DIGITS: at least one. */
static int decimals_of(double value) {
    char text[MAX_TEXT * 8];
    int n = snprintf(text, sizeof text, "%.*f", DIGITS, value), zeros = 0;
    while (zeros < DIGITS - 1 && text[n - 1 - zeros] == '0') zeros++;
    return DIGITS - zeros;
}

/* A blank stands where other numbers have their sign, and before words. */
static int cell_text(const table_column *column, const style *s, int64_t row, char *text, size_t size) {
    double value = column->value[row];
    if (column->kind == TABLE_WORD) return snprintf(text, size, " %s", column->words->v[(int64_t)value]);
    if (isnan(value)) return snprintf(text, size, "NaN");
    if (column->kind == TABLE_INT) return snprintf(text, size, "% .0f", value);
    return s->scientific ? snprintf(text, size, "% .*e", DIGITS, value)
                         : snprintf(text, size, "% .*f", s->decimals, value);
}

static int widest(const table *t, const table_column *column, const style *s) {
    int width = 0;
    for (int64_t i = 0; i < t->nb_row; i++) {
        int n = cell_text(column, s, i, NULL, 0);
        if (n > width) width = n;
    }
    return width;
}

/* Numbers are written as fractions unless that hides small ones or is long. */
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

/* Headings of numbers stand one to the right where there are no groups. */
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

/* Longer than any number; words are printed whole. */
static void print_cell(const table_column *column, const style *s, int64_t row, FILE *out) {
    char text[MAX_TEXT * 8];
    if (column->kind == TABLE_WORD) {
        fprintf(out, " %*s", s->width, column->words->v[(int64_t)column->value[row]]);
        return;
    }
    cell_text(column, s, row, text, sizeof text);
    fprintf(out, " %*s", s->width, text);
}

void table_print(const table *t, FILE *out) {
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
    for (int64_t i = 0; i < t->nb_row; i++) {
        fprintf(out, "%-*" PRId64, index_width, t->index[i]);
        for (int c = 0; c < t->nb_column; c++) print_cell(&t->column[c], &s[c], i, out);
        fputc('\n', out);
    }
    dcpg_free(s);
}

/* ---- for programs ---- */

void table_number(double value, bool single, char text[40]) {
    int digits = 1;
    *text = '\0';
    if (isnan(value)) return;
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

static void write_cell(const table_column *column, int64_t row, FILE *out) {
    char text[40];
    double value = column->value[row];
    if (column->kind == TABLE_WORD) {
        fputs(column->words->v[(int64_t)value], out);
    } else if (column->kind == TABLE_INT) {
        fprintf(out, "%.0f", value);
    } else {
        table_number(value, column->kind == TABLE_FLOAT, text);
        fputs(text, out);
    }
}

/* Names of the group "loc" stand alone: everybody knows chromo and pos. */
static void write_name(const table_column *column, FILE *out) {
    if (column->group && strcmp(column->group, "loc") != 0) fprintf(out, "%s/", column->group);
    fputs(column->name, out);
}

char *table_tsv(const table *t) {
    char *text = NULL, *copy = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    for (int64_t i = -1; i < t->nb_row; i++)
        for (int c = 0; c < t->nb_column; c++) {
            if (i < 0) write_name(&t->column[c], out);
            if (i >= 0) write_cell(&t->column[c], i, out);
            fputc(c + 1 < t->nb_column ? '\t' : '\n', out);
        }
    bool fine = !ferror(out);
    if (fclose(out) == 0 && fine) copy = dcpg_strdup(text);
    free(text);
    return copy;
}
