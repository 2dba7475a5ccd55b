/* SPDX-License-Identifier: MIT */
/* Reads a profile line by line, once: its first lines are kept until its columns are known. */
#include "calls/matrix.h"
#include "calls/profile_scan.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

dcpg_status dcpg_profile_fail_field(const profile_parser *p, dcpg_err *err, const char *what,
                                    const char *field, const char *remedy) {
    if (!p->text) return dcpg_fail(err, DCPG_E_INPUT, "%s: %s \"%.40s\" %s", p->path, what, field, remedy);
    return dcpg_fail(err, DCPG_E_INPUT, "%s: line %" PRId64 ": %s \"%.40s\" %s", p->path, p->line, what,
                     field, remedy);
}

void dcpg_profile_take_format(profile_parser *p, const profile_format *format) {
    bool table = format == &dcpg_profile_table || format == &dcpg_profile_table_shares;
    p->format = format;
    p->percent = format == &dcpg_profile_percent || (table && p->layout.column[ROLE_PERCENT] >= 0);
    int base = table ? p->layout.base : format->base;
    if (base < 0 && p->options->bedgraph_base >= 0) base = p->options->bedgraph_base;
    p->shift = base == 0;
}

/* ---- the scale of values ---- */

/* The values so far, zeros or few, were taken for fractions, but are percentages. */
static dcpg_status become_percent(profile_parser *p, dcpg_err *err) {
    int before = p->shift;
    if (p->format == &dcpg_profile_bedgraph) dcpg_profile_take_format(p, &dcpg_profile_percent);
    p->percent = true;
    return dcpg_profile_rescale(p, p->shift - before, err);
}

dcpg_status dcpg_profile_scale(profile_parser *p, double raw, const char *text, float *value, dcpg_err *err) {
    bool above = raw > 1;
    if (!(raw >= 0 && raw <= 100)) {
        return dcpg_profile_fail_field(p, err, "value", text,
                                       p->percent ? "lies outside [0, 100]"
                                                  : "lies outside [0, 1]: write the methylated fraction");
    }
    if (above && !p->percent && !p->guessed)
        return dcpg_profile_fail_field(
            p, err, "value", text,
            "lies outside [0, 1]: give --profile_format percent where these are percentages");
    if (above && !p->percent) DCPG_TRY(become_percent(p, err));
    *value = (float)(p->percent ? raw / 100 : raw) + 0.0f; /* turns -0 into 0 */
    p->within_1 += raw > 0 && !above;
    p->small += raw >= 1 && raw < 10 && raw == (double)(int)raw;
    p->hundreds += raw == 100;
    if (above && p->above_1++ == 0) p->above_1_line = p->line;
    return DCPG_OK;
}

static dcpg_status fail_scale(const profile_parser *p, const char *why, dcpg_err *err) {
    char where[48] = "";
    if (p->above_1_line > 0) snprintf(where, sizeof where, "line %" PRId64 ": ", p->above_1_line);
    return dcpg_fail(err, DCPG_E_INPUT, "%s: %sits value lies outside [0, 1], %s", p->path, where, why);
}

/* Refuses numbers of reads, and fractions with one mistake, for which all values would be divided by 100. */
static dcpg_status check_scale(const profile_parser *p, dcpg_err *err) {
    char why[256];
    bool tsv = p->format == &dcpg_profile_tsv;
    if (!p->guessed || !p->percent || p->format->counts) return DCPG_OK;
    if (p->scale_known && p->above_1 == 0 && p->within_1 > 0)
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: a column is called a percentage, but none of its values is above 1: name it with "
            "--profile_format chrom=NAME,pos=NAME,fraction=NAME (or percent=NAME where it is one)",
            p->path);
    if (p->scale_known || p->above_1 == 0) return DCPG_OK;
    if (tsv && (p->within_1 > 0 || p->hundreds == 0))
        return fail_scale(
            p,
            "and not all look like percentages: divide percentages by 100, or give --profile_format "
            "chrom=1,pos=2,percent=3 where all are",
            err);
    snprintf(why, sizeof why,
             "%" PRId64
             " others are fractions: correct it, or give --profile_format percent where all are percentages",
             p->within_1);
    if (p->within_1 > p->above_1) return fail_scale(p, why, err);
    if (p->small <= (p->above_1 + p->within_1) / 2) return DCPG_OK;
    return fail_scale(
        p,
        "and most are small whole numbers, as those of reads: give a file of methylation, or say "
        "--profile_format percent where these are percentages",
        err);
}

/* ---- lines ---- */

/* Empty lines, comments, and lines for genome browsers. */
bool dcpg_profile_is_comment(const char *line) {
    if (line[0] == '#' || line[0] == '\0') return true;
    if (line[0] == ' ' || line[0] == '\t') return line[strspn(line, " \t")] == '\0';
    if (line[0] != 't' && line[0] != 'b') return false;
    size_t word = strcspn(line, " \t");
    return (word == 5 && strncmp(line, "track", 5) == 0) || (word == 7 && strncmp(line, "browser", 7) == 0);
}

static void unquote(fields *f) {
    for (int i = 0; i < f->n; i++) {
        size_t n = strlen(f->at[i]);
        if (n < 2 || f->at[i][0] != '"' || f->at[i][n - 1] != '"') continue;
        f->at[i][n - 1] = '\0';
        f->at[i]++;
    }
}

static void cut_at(char *line, char separator, int most, fields *f) {
    f->n = 0;
    f->open = false;
    while (line && f->n < most) {
        char *end = strchr(line, separator);
        if (end) *end++ = '\0';
        line += strspn(line, " \t");
        size_t n = strlen(line);
        while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
        f->at[f->n++] = line;
        line = end;
    }
}

void dcpg_profile_cut(const profile_parser *p, char *line, int most, fields *f) {
    if (p->separator)
        cut_at(line, p->separator, most, f);
    else
        scan_fields(line, most, f);
    if (p->quoted) unquote(f);
}

static dcpg_status parse_line(profile_parser *p, char *line, dcpg_err *err) {
    if (p->line <= p->header || dcpg_profile_is_comment(line)) return DCPG_OK;
    if (p->format == &dcpg_profile_columns) return dcpg_profile_parse_columns(p, line, err);
    fields f;
    bool table = p->format == &dcpg_profile_table || p->format == &dcpg_profile_table_shares;
    int needed = table ? p->layout.nb_column : p->format->nb_column;
    if (p->separator || p->quoted)
        dcpg_profile_cut(p, line, MAX_FIELD, &f);
    else
        scan_fields(line, table ? needed : p->format->nb_looked_at, &f);
    p->nb_line++;
    if (f.n == needed - 1 && f.open) f.at[f.n++] = line + strlen(line); /* an empty column, "" */
    if (f.n < needed) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: line %" PRId64 " has %d column%s: it should hold %s, separated by tabs",
                         p->path, p->line, f.n, f.n == 1 ? "" : "s", p->format->columns);
    }
    if (*f.at[0] == '\0') return dcpg_profile_fail_field(p, err, "chromosome", f.at[0], "is empty");
    return p->format->parse(p, &f, err);
}

static dcpg_status parse_lines(profile_parser *p, const sample *lines, dcpg_err *err) {
    char *line;
    for (int i = 0; i < lines->n; i++) {
        p->line = lines->line[i];
        DCPG_TRY(parse_line(p, lines->text + lines->start[i], err));
    }
    if (lines->whole) return DCPG_OK;
    DCPG_TRY(dcpg_text_line(p->text, &line, err));
    while (line) {
        p->line = dcpg_text_line_number(p->text);
        DCPG_TRY(parse_line(p, line, err));
        DCPG_TRY(dcpg_text_line(p->text, &line, err));
    }
    return DCPG_OK;
}

/* ---- the first lines ---- */

/* Where the data begin, and the line above them that names their columns, if any. */
typedef struct beginning {
    int first;  /* first line of data in the sample */
    int header; /* -1: none */
} beginning;

/* Comma or semicolon if neither tabs nor blanks separate the columns, else NUL. */
static char find_separator(const char *line) {
    int commas = 0, semicolons = 0, blanks = 0;
    if (strchr(line, '\t')) return '\0';
    for (const char *c = line; *c; c++) {
        commas += *c == ',';
        semicolons += *c == ';';
        blanks += *c == ' ' && c > line && c[-1] != ' ' && c[-1] != ',' && c[-1] != ';' && c[1];
    }
    if (blanks >= 2 || commas + semicolons < 2) return '\0';
    return commas > semicolons ? ',' : ';';
}

/* Whether the i-th line of the sample names columns. */
static bool is_header(const profile_parser *p, const sample *lines, int i) {
    fields f;
    char line[4096];
    const char *text = lines->text + lines->start[i];
    text += strspn(text, "# ");
    snprintf(line, sizeof line, "%s", text);
    dcpg_profile_cut(p, line, MAX_FIELD, &f);
    return dcpg_profile_is_header(&f);
}

static beginning find_beginning(profile_parser *p, const sample *lines) {
    beginning b = {0, -1};
    int comment = -1;
    for (; b.first < lines->n && dcpg_profile_is_comment(lines->text + lines->start[b.first]); b.first++) {
        if (lines->text[lines->start[b.first]] == '#') comment = b.first;
    }
    if (b.first == lines->n) return b;
    if (!p->separator && p->format != &dcpg_profile_columns)
        p->separator = find_separator(lines->text + lines->start[b.first]);
    for (int i = b.first; i < lines->n && i < b.first + 2; i++)
        p->quoted |= strchr(lines->text + lines->start[i], '"') != NULL;
    if (is_header(p, lines, b.first)) {
        b.header = b.first++;
    } else if (comment >= 0 && is_header(p, lines, comment)) {
        b.header = comment;
    }
    return b;
}

/* The first line is the header, too, if --profile_format names one of its columns. */
static void find_named(const profile_parser *p, const sample *lines, beginning *b) {
    fields f;
    char line[4096];
    if (b->header >= 0 || b->first >= lines->n) return;
    snprintf(line, sizeof line, "%s", lines->text + lines->start[b->first]);
    dcpg_profile_cut(p, line, MAX_FIELD, &f);
    for (int i = 0; i < f.n; i++) {
        for (int r = 0; r < NB_ROLE; r++) {
            if (p->spec.role[r].name[0] && strcasecmp(p->spec.role[r].name, f.at[i]) == 0)
                b->header = b->first;
        }
    }
    b->first += b->header >= 0;
}

/* Refuses numbers of reads and logarithms by MethylDackel, which look like bedGraphs of methylation. */
static dcpg_status check_kind(const profile_parser *p, const sample *lines, int first, dcpg_err *err) {
    const char *kind = strstr(p->path, ".logit.bedGraph")    ? "logit"
                       : strstr(p->path, ".counts.bedGraph") ? "counts"
                                                             : NULL;
    for (int i = 0; i < first && !kind; i++) {
        const char *line = lines->text + lines->start[i];
        if (strncmp(line, "track", 5) != 0) continue;
        kind = strstr(line, "logit") ? "logit" : strstr(line, "methylation counts") ? "counts" : NULL;
    }
    if (!kind) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: holds %s, as MethylDackel extract --%s writes them: run it without that option",
                     p->path, *kind == 'l' ? "logarithms of odds" : "numbers of reads, not methylation",
                     kind);
}

/* Decides which columns there are and, if it was not named, the format. */
static dcpg_status settle_columns(profile_parser *p, const sample *lines, dcpg_err *err) {
    beginning b = find_beginning(p, lines);
    fields header;
    char names[4096] = "";
    if (p->format == &dcpg_profile_columns) {
        p->header = p->spec.header;
        return DCPG_OK;
    }
    if (p->spec.by_role && p->spec.header >= 0) {
        p->header = p->spec.header;
        b.header = -1;
        for (b.first = 0; b.first < lines->n && lines->line[b.first] <= p->header; b.first++)
            b.header = b.first;
    }
    if (p->spec.by_role && p->spec.header < 0) find_named(p, lines, &b);
    if (b.header >= 0) {
        const char *text = lines->text + lines->start[b.header];
        p->header = lines->line[b.header];
        snprintf(names, sizeof names, "%s", text + strspn(text, "# "));
        dcpg_profile_cut(p, names, MAX_FIELD, &header);
    }
    if (p->spec.by_role) {
        int shift = b.header >= 0 ? dcpg_profile_row_names(p, &header, lines, b.first) : 0;
        return dcpg_profile_apply_roles(p, b.header >= 0 ? &header : NULL, shift, err);
    }
    if (p->format || b.first == lines->n) return DCPG_OK;
    DCPG_TRY(check_kind(p, lines, b.first, err));
    if (b.header >= 0) return dcpg_profile_read_header(p, &header, lines, b.first, err);
    return dcpg_profile_detect_columns(p, lines, b.first, err);
}

static dcpg_status parse_text(profile_parser *p, dcpg_err *err) {
    sample lines = {0};
    dcpg_status status = dcpg_text_open_table(p->path, &p->text, err);
    if (status == DCPG_OK) status = dcpg_profile_read_sample(p, &lines, err);
    if (status == DCPG_OK) status = settle_columns(p, &lines, err);
    if (status == DCPG_OK && p->format) {
        dcpg_profile_report_columns(p);
        status = parse_lines(p, &lines, err);
    }
    dcpg_profile_free_sample(&lines);
    return status;
}

/* A .cov file with ends of start + 1 holds 0-based intervals of one base, or C and G of merged CpGs, 1-based.
 * Only the former may have calls on two neighbouring bases. */
static bool may_be_merged(const profile_parser *p) {
    if (p->format != &dcpg_profile_cov || p->options->genome || p->span != 1) return false;
    for (int c = 0; c < p->nb; c++) {
        const draft *d = &p->chromo[c];
        for (int64_t i = 1; d->v && i < d->n; i++)
            if (d->v[i].pos - d->v[i - 1].pos == 1) return false;
    }
    return true;
}

static dcpg_status check_options(const profile_parser *p, dcpg_err *err) {
    bool table = p->format == &dcpg_profile_table || p->format == &dcpg_profile_table_shares;
    bool unsettled = p->format == &dcpg_profile_bedgraph || (table && p->layout.base < 0);
    if (p->format == &dcpg_profile_methscan && !p->options->genome && p->options->bedgraph_base < 0) {
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: the rows of MethSCAn's matrices count from 1 if it was prepared from Bismark's or "
            "allc files, from 0 if from BED files: choose with --bedgraph_base, or give --dna_files "
            "to find out",
            p->path);
    }
    if (unsettled && !p->options->genome && p->options->bedgraph_base < 0) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: a bedGraph may count from 0 or from 1: choose with --bedgraph_base, or give "
                         "--dna_files to find out",
                         p->path);
    }
    if (p->options->min_reads > 1 && !p->format->counts) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: --min_reads %" PRId64
                         ": this file (%s) holds values without numbers of reads: leave the option out",
                         p->path, p->options->min_reads, p->format->name);
    }
    return DCPG_OK;
}

static dcpg_status read_column(profile_parser *p, dcpg_err *err) {
    const char *format = p->options->format;
    if (format && strcmp(format, "auto") != 0)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "%s: --profile_format %s is for files of single cells: leave it out for matrices",
                         p->path, format);
    return dcpg_profile_read_matrix(p, err);
}

dcpg_status dcpg_profile_read_calls(profile_parser *p, dcpg_err *err) {
    const profile_format *format;
    DCPG_TRY(dcpg_profile_find_format(p->options->format, &format, &p->spec, err));
    p->guessed = !format || format == &dcpg_profile_bigwig;
    if (!format && dcpg_profile_is_bigwig(p->path)) format = &dcpg_profile_bigwig;
    p->separator = format == &dcpg_profile_table ? p->spec.separator : '\0';
    if (p->separator == '\t') p->separator = '\0';
    if (format && !p->spec.by_role) dcpg_profile_take_format(p, format);
    if (dcpg_is_column(p->path))
        DCPG_TRY(read_column(p, err));
    else
        DCPG_TRY(format == &dcpg_profile_bigwig ? dcpg_profile_read_bigwig(p, err) : parse_text(p, err));
    if (p->nb_line == 0 && p->options->lenient) return DCPG_OK;
    if (p->nb_line == 0)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: holds no methylation values: leave the file out", p->path);
    DCPG_TRY(check_scale(p, err));
    p->report->either_base = may_be_merged(p);
    p->report->low_percent = p->percent && !p->format->counts && p->above_1 == 0 && p->within_1 > 0;
    return check_options(p, err);
}
