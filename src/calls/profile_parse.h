/* SPDX-License-Identifier: MIT */
/* Types and functions that the parsers of profiles share. A file becomes raw calls, chromosome by chromosome,
 * which are then placed on the genome, merged and called. */
#ifndef DCPG_CALLS_PROFILE_PARSE_H
#define DCPG_CALLS_PROFILE_PARSE_H

#include "text/text_reader.h"
#include <dcpg/profile.h>

typedef enum strand { STRAND_UNKNOWN, STRAND_PLUS, STRAND_MINUS } strand;

/* The call of one line of a profile. Once it is placed, `pos` is its C, and `strand` tells whether the call
 * was on the C (plus) or on the G (minus). */
typedef struct raw_call {
    int32_t pos;   /* 1-based by the format's convention; 0 is possible if the file counts differently */
    uint32_t line; /* UINT32_MAX: too large for this type */
    union {
        float value;   /* in [0, 1]; in formats without counts */
        uint32_t meth; /* methylated reads */
    };
    uint32_t total : 30, strand : 2;
} raw_call;

enum { MAX_READS = (1 << 30) - 1 };

/* Calls on a chromosome, in the order of the file. */
typedef struct draft {
    char *name;                   /* the genome's name; normalised if it has none */
    bool wanted;                  /* else its calls are ignored */
    const dcpg_cg_chromo *genome; /* NULL: no genome, or it lacks this one, whose calls are only counted */
    int64_t n, capacity;
    raw_call *v;
    bool unsorted; /* by `pos`, once placed */
} draft;

/* Columns of a line, cut at tabs and blanks, each NUL-terminated. */
enum { MAX_FIELD = 24 };

typedef struct fields {
    int n;     /* columns cut; those after the last that a format needs are left out */
    bool open; /* the line ends in a separator: an empty column follows */
    char *at[MAX_FIELD];
} fields;

/* What a column of a table holds. */
typedef enum role {
    ROLE_CHROMO,
    ROLE_POS,
    ROLE_END,
    ROLE_STRAND, /* + -, F R, or C G: the base, as CGmap writes it */
    ROLE_CONTEXT,
    ROLE_GROUP, /* number of CpGs that the line covers together */
    ROLE_METH,
    ROLE_UNMETH,
    ROLE_TOTAL,
    ROLE_PERCENT,
    ROLE_FRACTION,
    ROLE_VALUE, /* a fraction or a percentage: the values decide */
    NB_ROLE
} role;

/* Which column holds what, for tables without a format of their own. */
typedef struct layout {
    int column[NB_ROLE]; /* from 0; -1: none */
    int base;            /* position of a chromosome's first base; -1: not settled */
    int nb_column;       /* needed in every line */
    bool named;          /* recognised by names, not by contents */
    bool counts;         /* reads; else values */
} layout;

/* A column as --profile_format gives it: by its header or by its number. */
typedef struct column_name {
    char name[48]; /* empty: none, or by its number */
    int number;    /* from 0; -1: none, or by name */
} column_name;

typedef struct profile_parser profile_parser;

/* A format of text: a row of the table in profile_formats.c. */
typedef struct profile_format {
    const char *name, *about;
    const char *columns; /* description, for messages */
    int nb_column;       /* needed in every line */
    int nb_looked_at;    /* at most MAX_FIELD */
    bool counts;         /* reads; else values */
    int base;            /* position of a chromosome's first base; -1: not settled */
    bool (*recognise)(const fields *line);
    dcpg_status (*parse)(profile_parser *p, const fields *line, dcpg_err *err);
} profile_format;

/* The columns that --profile_format describes, as 1:2:4:5u:tab:1 or by role; numbers from 0. */
typedef struct column_spec {
    int chromo, pos, meth, other;
    bool coverage;  /* `other` counts all reads, not the unmethylated ones */
    char separator; /* 0: decided by the contents */
    int64_t header; /* lines; -1: decided by the contents */
    bool by_role;   /* chrom=...,pos=...: role[] and `base` hold, not the columns above */
    column_name role[NB_ROLE];
    int base; /* position of a chromosome's first base; -1: not given */
} column_spec;

/* The first lines of a file, kept because the file is read only once: they decide the format, then they are
 * parsed as all others. */
typedef struct sample {
    char *text;      /* lines one after the other, each with its NUL */
    size_t length;   /* of text, bytes */
    int n, capacity; /* lines */
    size_t *start;   /* [n] where each line starts in text */
    int64_t *line;   /* [n] the line's number in the file */
    bool whole;      /* the file has no further lines */
} sample;

struct profile_parser {
    const dcpg_profile_options *options;
    const char *path;
    dcpg_text_reader *text;
    const profile_format *format;
    int shift; /* added to the column's position to make it 1-based: 1 - base */
    column_spec spec;
    layout layout;  /* of dcpg_profile_table and its twin without counts */
    char separator; /* 0: tabs and blanks */
    bool quoted;    /* fields may stand in double quotes */
    int span;       /* of .cov: end - start of the first line */
    int64_t header; /* lines up to this number are skipped */
    int64_t line;   /* number of the line being parsed; 0: none */
    dcpg_profile_report *report;

    draft *chromo; /* [nb] in the order of the file; sorted by name before calls are placed */
    int nb, capacity;
    dcpg_map number, number_of_name; /* of a chromosome, by its name in the file and by draft.name */
    int last;                        /* chromosome of the last call; -1: none yet */
    char last_raw[64];
    size_t last_length;

    const char *const *joined; /* files that the calls come from, by `line`; NULL: all from `path` */

    int64_t nb_line;                         /* lines of data */
    bool guessed;                            /* the format was decided by the contents */
    bool percent;                            /* values without counts are percentages */
    bool scale_known;                        /* `percent` is known from the column's name */
    int64_t above_1, above_1_line, within_1; /* values above 1, the line of the first, and values in (0, 1] */
    int64_t hundreds, small;                 /* values of 100; whole ones from 1 to 9 */
};

extern const profile_format dcpg_profile_tsv, dcpg_profile_bedgraph, dcpg_profile_percent, dcpg_profile_cov,
    dcpg_profile_cpg_report, dcpg_profile_allc, dcpg_profile_bedmethyl, dcpg_profile_biscuit,
    dcpg_profile_columns, dcpg_profile_table, dcpg_profile_table_shares, dcpg_profile_bigwig;

/* ---- formats ---- */

/* Sets `*format` to the format called `name`, NULL for "auto"; DCPG_E_USAGE names the known ones. Fills
 * `spec` if `name` describes columns. */
dcpg_status dcpg_profile_find_format(const char *name, const profile_format **format, column_spec *spec,
                                     dcpg_err *err);

/* The i-th format in the order in which they are tried; NULL after the last. */
const profile_format *dcpg_profile_format_at(int i);

/* Sets the format, and the shift and scale that follow from it. */
void dcpg_profile_take_format(profile_parser *p, const profile_format *format);

dcpg_status dcpg_profile_parse_spec(const char *text, column_spec *spec, dcpg_err *err);
dcpg_status dcpg_profile_parse_roles(const char *text, column_spec *spec, dcpg_err *err);
dcpg_status dcpg_profile_parse_columns(profile_parser *p, char *line, dcpg_err *err);

/* Fills p->layout as chrom=...,pos=... asks. `header` may be NULL; data lines have `shift` columns before the
 * first one of the header. */
dcpg_status dcpg_profile_apply_roles(profile_parser *p, const fields *header, int shift, dcpg_err *err);

/* ---- the first lines ---- */

/* Reads the first lines; a broken stream among them is an error, as later. */
dcpg_status dcpg_profile_read_sample(profile_parser *p, sample *lines, dcpg_err *err);
void dcpg_profile_free_sample(sample *lines);

/* Describes the columns in the report, for the log. */
void dcpg_profile_report_columns(profile_parser *p);

/* ---- recognising the columns ---- */

/* Whether a line names columns. */
bool dcpg_profile_is_header(const fields *header);

/* Number of columns of the data before the first that the header names: 1 for R's row names, else 0. */
int dcpg_profile_row_names(const profile_parser *p, const fields *header, const sample *lines, int first);

/* Chooses p->format and p->layout by the names of columns. `first`: the first line of data in `lines`. */
dcpg_status dcpg_profile_read_header(profile_parser *p, const fields *header, const sample *lines, int first,
                                     dcpg_err *err);

/* Chooses p->format, and p->layout, by what the columns hold in the first lines. `first`: the first line of
 * data in `lines`. */
dcpg_status dcpg_profile_detect_columns(profile_parser *p, const sample *lines, int first, dcpg_err *err);

/* Writes the columns in the words of --profile_format, also for the log. */
void dcpg_profile_describe(const layout *l, char *text, size_t size);

/* Cuts a line by p->separator and p->quoted into at most `most` columns. */
void dcpg_profile_cut(const profile_parser *p, char *line, int most, fields *f);

/* The format whose characteristic columns at least half of the lines have; NULL: none. */
const profile_format *dcpg_profile_find_marked(const profile_parser *p, const sample *lines, int first);

/* Whether a line is empty, a comment, or for genome browsers. */
bool dcpg_profile_is_comment(const char *line);

bool dcpg_profile_is_bigwig(const char *path);
dcpg_status dcpg_profile_read_bigwig(profile_parser *p, dcpg_err *err);

/* ---- raw calls ---- */

/* Adds a call; `pos` is the number in the file, to which p->shift is added here. */
dcpg_status dcpg_profile_add(profile_parser *p, const char *chromo, int64_t pos, raw_call call,
                             dcpg_err *err);

/* Turns the value of a bedGraph, bigWig or table, a fraction or percentage as the format says, into a value
 * in [0, 1]. If the format was guessed, the first value above 1 turns all values into percentages, including
 * earlier ones. */
dcpg_status dcpg_profile_scale(profile_parser *p, double raw, const char *text, float *value, dcpg_err *err);

/* Sorts the chromosomes by name; nothing may be added after that. */
void dcpg_profile_sort_drafts(profile_parser *p);

/* Corrects the values added so far, which are percentages that were taken for fractions, and moves positions
 * by `shift`. */
dcpg_status dcpg_profile_rescale(profile_parser *p, int shift, dcpg_err *err);

void dcpg_profile_free_drafts(profile_parser *p);

/* Reads the file into drafts. */
dcpg_status dcpg_profile_read_calls(profile_parser *p, dcpg_err *err);

/* Votes on the offset, and moves the calls of the drafts to their C; those on no CG are dropped. */
dcpg_status dcpg_profile_settle(profile_parser *p, dcpg_profile_report *report, dcpg_err *err);

/* Adds the settled drafts of `other`, which is file `number` of joined[], to those of `p`. Only with counts
 * may a position occur more than once. The caller still frees the drafts of `other`. */
dcpg_status dcpg_profile_join(profile_parser *p, profile_parser *other, uint32_t number, dcpg_err *err);

/* Merges strands and calls values: turns settled drafts into a profile, freeing their calls on the way. */
dcpg_status dcpg_profile_finish(profile_parser *p, dcpg_profile *profile, dcpg_profile_report *report,
                                dcpg_err *err);

/* Whether a field means "not observed" (NA, nan, '.', nothing ...); dcpg_profile_missing then counts it. */
bool dcpg_profile_missing(profile_parser *p, const char *field);
bool dcpg_profile_is_missing(const char *field);

/* Reads of a CpG. */
typedef struct read_counts {
    uint32_t meth, total;
} read_counts;

/* DCPG_E_INPUT unless `share`, written as `text`, is meth / total in units of `scale` (1 or 100), rounded or
 * truncated to its decimals. */
dcpg_status dcpg_profile_check_share(const profile_parser *p, const char *text, double share, double scale,
                                     read_counts n, dcpg_err *err);

/* The same without a message; a `share` of NaN or a total of 0 agrees with everything. */
bool dcpg_profile_agrees(double share, int decimals, double scale, double meth, double total);

/* Parses a whole number that is not plain digits, such as 41.0 or 1e+05; an error says what is wrong with
 * others. */
dcpg_status dcpg_profile_odd_whole(const profile_parser *p, const char *what, const char *text,
                                   int64_t *value, dcpg_err *err);

/* "FILE: line N: WHAT "FIELD" REMEDY" */
dcpg_status dcpg_profile_fail_field(const profile_parser *p, dcpg_err *err, const char *what,
                                    const char *field, const char *remedy);

#endif
