/* Tables of counts whose columns the user describes, in the notation of MethSCAn:
 * chromosome:position:methylated:total or unmethylated:separator:header. */
#include "formats/profile_scan.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A column's number, from 1; the letter behind it, if any, goes to `letter`. */
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

/* The six parts of the description, cut at ':'. */
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
    *spec = (column_spec){0};
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

/* Cuts out the columns that are asked for. found[k] is column wanted[k]; false where the line has fewer. */
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
    if (dcpg_text_line_number(p->text) <= spec->header || *line == '#' || *line == '\0') return DCPG_OK;
    char *part[4] = {0};
    int64_t pos = 0;
    uint32_t meth = 0, other = 0;
    p->nb_line++;
    if (!cut_columns(line, spec->separator, (int[4]){spec->chromo, spec->pos, spec->meth, spec->other},
                     part)) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64
                         " lacks columns that --profile_format %s names: see its separator and numbers",
                         p->path, dcpg_text_line_number(p->text), p->options->format);
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
    return add_reads(p, part[0], pos, STRAND_UNKNOWN, meth, spec->coverage ? other : meth + other, err);
}

const profile_format dcpg_profile_columns = {"columns", "", "", 0, 0, true, 1, NULL, NULL};
