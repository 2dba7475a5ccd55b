/* SPDX-License-Identifier: MIT */
/* Tables whose columns the user describes: in the notation of MethSCAn, chromosome:position:methylated:total
 * or unmethylated:separator:header, or as chrom=...,pos=..., by names of the header or numbers. */
#include "calls/profile_scan.h"
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Parses a column's number, from 1, into `column`, from 0; the letter after it, if any, goes to `letter`. */
static bool parse_column(const char *text, int *column, char *letter) {
    char *end;
    if (*text < '0' || *text > '9') return false;
    long n = strtol(text, &end, 10);
    *letter = *end;
    *column = (int)n - 1;
    return n >= 1 && n <= 1000 && (*end == '\0' || end[1] == '\0');
}

static bool parse_separator(const char *text, char *separator) {
    static const char *const tab[] = {"\\t", "tab", "t", "\t"};
    for (size_t i = 0; i < sizeof tab / sizeof *tab; i++) {
        *separator = '\t';
        if (strcasecmp(text, tab[i]) == 0) return true;
    }
    *separator = text[0];
    return text[0] != '\0' && text[1] == '\0' && strchr("\n\r0123456789.+-", text[0]) == NULL;
}

/* Parses the six parts of the description, which was cut at ':'. */
static bool parse_parts(char *const part[6], column_spec *spec) {
    char letter[4], header;
    int lines;
    int *const column[] = {&spec->chromo, &spec->pos, &spec->meth, &spec->other};
    for (int i = 0; i < 4; i++) {
        if (!parse_column(part[i], column[i], &letter[i])) return false;
        if (i < 3 && letter[i] != '\0') return false;
    }
    spec->coverage = letter[3] == 'c' || letter[3] == 'C';
    if (!spec->coverage && letter[3] != 'u' && letter[3] != 'U') return false;
    if (!parse_separator(part[4], &spec->separator)) return false;
    if (strcmp(part[5], "0") == 0 || strcasecmp(part[5], "0h") == 0) return true;
    if (!parse_column(part[5], &lines, &header) || (header != '\0' && header != 'h' && header != 'H'))
        return false;
    spec->header = lines + 1;
    return true;
}

dcpg_status dcpg_profile_parse_spec(const char *text, column_spec *spec, dcpg_err *err) {
    char copy[128] = "", *part[6], *at = copy;
    int n = 0;
    *spec = (column_spec){.base = -1};
    if (strlen(text) < sizeof copy) strcpy(copy, text);
    for (; n < 6 && at; n++) {
        part[n] = at;
        at = strchr(at, ':');
        if (at) *at++ = '\0';
    }
    if (n == 6 && !at && parse_parts(part, spec)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "--profile_format %s: columns are described as chromosome:position:methylated:total or "
                     "unmethylated:separator:header, counted from 1, for example 1:2:5:6c:tab:0 "
                     "(c: all reads, u: unmethylated ones; separator tab or one letter; lines of header)",
                     text);
}

/* ---- chrom=...,pos=..., and so on ---- */

static const struct {
    const char *key;
    role role;
} keys[] = {
    {"chrom", ROLE_CHROMO},  {"pos", ROLE_POS},         {"start", ROLE_POS},         {"end", ROLE_END},
    {"strand", ROLE_STRAND}, {"context", ROLE_CONTEXT}, {"meth", ROLE_METH},         {"unmeth", ROLE_UNMETH},
    {"total", ROLE_TOTAL},   {"percent", ROLE_PERCENT}, {"fraction", ROLE_FRACTION}, {"value", ROLE_VALUE},
};

static bool take_column(const char *text, column_name *column) {
    char letter;
    if (column->number >= 0 || column->name[0] || !*text || strlen(text) >= sizeof column->name) return false;
    if (parse_column(text, &column->number, &letter) && letter == '\0') return column->number < MAX_FIELD;
    column->number = -1;
    strcpy(column->name, text);
    return true;
}

static bool take_separator(const char *text, char *separator) {
    if (strcasecmp(text, "comma") == 0 || strcasecmp(text, "semicolon") == 0) {
        *separator = tolower((unsigned char)text[0]) == 'c' ? ',' : ';';
        return true;
    }
    if (strcasecmp(text, "space") == 0 || strcasecmp(text, "blank") == 0) {
        *separator = '\0'; /* tabs and blanks */
        return true;
    }
    return parse_separator(text, separator);
}

static bool take_key(const char *key, const char *text, column_spec *spec) {
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strcasecmp(keys[i].key, key) != 0) continue;
        if (strcmp(keys[i].key, "start") == 0 && spec->base < 0) spec->base = 0;
        return take_column(text, &spec->role[keys[i].role]);
    }
    int64_t n = -1;
    if (strcmp(key, "sep") == 0) return take_separator(text, &spec->separator);
    if (strcmp(key, "base") == 0) {
        spec->base = strcmp(text, "1") == 0;
        return strcmp(text, "0") == 0 || strcmp(text, "1") == 0;
    }
    if (strcmp(key, "header") != 0 || !dcpg_parse_int(text, &n) || n < 0 || n > 1000) return false;
    spec->header = n;
    return true;
}

static bool is_given(const column_spec *spec, role r) {
    return spec->role[r].number >= 0 || spec->role[r].name[0];
}

static const char *check_roles(const column_spec *spec) {
    int reads = is_given(spec, ROLE_METH) + is_given(spec, ROLE_UNMETH) + is_given(spec, ROLE_TOTAL);
    int shares = is_given(spec, ROLE_PERCENT) + is_given(spec, ROLE_FRACTION) + is_given(spec, ROLE_VALUE);
    if (!is_given(spec, ROLE_CHROMO)) return "chrom= is missing";
    if (!is_given(spec, ROLE_POS)) return "pos= or start= is missing";
    if (reads == 3) return "two of meth=, unmeth=, total= are enough";
    if (shares > 1) return "one of percent=, fraction=, value= is enough";
    if (shares == 1 && is_given(spec, ROLE_VALUE) && reads > 0)
        return "beside reads give percent= or fraction=";
    if (reads == 2 || (reads == 0 && shares == 1) || (is_given(spec, ROLE_TOTAL) && shares == 1)) return NULL;
    return "two of meth=, unmeth=, total= are needed, or percent= or fraction=";
}

dcpg_status dcpg_profile_parse_roles(const char *text, column_spec *spec, dcpg_err *err) {
    char copy[512] = "", *rest = NULL;
    const char *fault = strlen(text) < sizeof copy ? NULL : "is too long";
    *spec = (column_spec){.by_role = true, .header = -1, .base = -1};
    for (int r = 0; r < NB_ROLE; r++) spec->role[r].number = -1;
    if (!fault) strcpy(copy, text);
    int explicit_base = strstr(copy, "base=") != NULL;
    for (char *word = strtok_r(copy, ",", &rest); word && !fault; word = strtok_r(NULL, ",", &rest)) {
        word += strspn(word, " ");
        char *value = strchr(word, '=');
        if (value) *value++ = '\0';
        if (!value || !take_key(word, value, spec)) fault = "a part is not known, wrong or given twice";
    }
    if (!fault) fault = check_roles(spec);
    if (!fault && !explicit_base && spec->base < 0) spec->base = 1;
    if (!fault) return DCPG_OK;
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "--profile_format %s: %s: give chrom=,pos= (from 1) or start= (from 0) and two of meth=, unmeth=, "
        "total=, or percent= or fraction=, each a name of the header or a column's number; also end=, "
        "strand=, context=, base=0 or 1, sep=tab, comma, semicolon or space, header=LINES",
        text, fault);
}

static dcpg_status find_column(const profile_parser *p, const column_name *wanted, const fields *header,
                               int shift, int *column, dcpg_err *err) {
    *column = wanted->number;
    if (wanted->number >= 0 || wanted->name[0] == '\0') return DCPG_OK;
    for (int i = 0; header && i < header->n; i++) {
        if (strcasecmp(header->at[i], wanted->name) == 0) {
            *column = i + shift;
            return DCPG_OK;
        }
    }
    if (!header)
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: --profile_format names the column %s, but the file has no header: give its number, or "
            "header=LINES",
            p->path, wanted->name);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64 ": no column is called %s, as --profile_format says", p->path,
                     p->header, wanted->name);
}

dcpg_status dcpg_profile_apply_roles(profile_parser *p, const fields *header, int shift, dcpg_err *err) {
    layout *l = &p->layout;
    *l = (layout){.base = p->spec.base};
    for (int r = 0; r < NB_ROLE; r++) {
        DCPG_TRY(find_column(p, &p->spec.role[r], header, shift, &l->column[r], err));
        if (l->column[r] >= l->nb_column) l->nb_column = l->column[r] + 1;
        for (int q = 0; q < r && l->column[r] >= 0; q++) {
            if (l->column[q] == l->column[r])
                return dcpg_fail(err, DCPG_E_USAGE, "--profile_format %s: column %d cannot hold two things",
                                 p->options->format, l->column[r] + 1);
        }
    }
    l->counts = l->column[ROLE_TOTAL] >= 0 || (l->column[ROLE_METH] >= 0 && l->column[ROLE_UNMETH] >= 0);
    p->guessed = l->column[ROLE_VALUE] >= 0;
    dcpg_profile_take_format(p, l->counts ? &dcpg_profile_table : &dcpg_profile_table_shares);
    return DCPG_OK;
}

/* Cuts out the wanted columns, numbered from 0: found[k] is column wanted[k]. False if the line has fewer
 * columns. */
static bool cut_columns(char *line, char separator, const int wanted[4], char *found[4]) {
    int missing = 4;
    for (int column = 0; line && missing > 0; column++) {
        char *end = strchr(line, separator);
        if (end) *end++ = '\0';
        for (int k = 0; k < 4; k++) {
            if (wanted[k] != column) continue;
            found[k] = line;
            missing--;
        }
        line = end;
    }
    return missing == 0;
}

dcpg_status dcpg_profile_parse_columns(profile_parser *p, char *line, dcpg_err *err) {
    const column_spec *spec = &p->spec;
    if (p->line <= spec->header || *line == '#' || *line == '\0') return DCPG_OK;
    char *part[4] = {0};
    int64_t pos = 0;
    uint32_t meth = 0, other = 0;
    p->nb_line++;
    if (!cut_columns(line, spec->separator, (int[4]){spec->chromo, spec->pos, spec->meth, spec->other},
                     part)) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64
                         " lacks columns that --profile_format %s names: see its separator and numbers",
                         p->path, p->line, p->options->format);
    }
    if (*part[0] == '\0') return dcpg_profile_fail_field(p, err, "chromosome", part[0], "is empty");
    DCPG_TRY(take_int(p, "position", part[1], &pos, err));
    DCPG_TRY(take_reads(p, part[2], &meth, err));
    DCPG_TRY(take_reads(p, part[3], &other, err));
    if (spec->coverage && meth > other)
        return dcpg_profile_fail_field(p, err, "number of methylated reads", part[2],
                                       "is larger than that of all reads");
    if (!spec->coverage && other > MAX_READS - meth)
        return dcpg_profile_fail_field(p, err, "number of reads", part[3],
                                       "is too large: is this its column?");
    const read_counts reads = {meth, spec->coverage ? other : meth + other};
    return add_reads(p, part[0], pos, STRAND_UNKNOWN, reads, err);
}

const profile_format dcpg_profile_columns = {"columns", "", "", 0, 0, true, 1, NULL, NULL};
