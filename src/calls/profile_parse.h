/* SPDX-License-Identifier: MIT */
/* Reading profiles: what the parsers of the formats share. A file becomes raw calls, chromosome by
 * chromosome; these are placed on the genome, merged and called. */
#ifndef DCPG_CALLS_PROFILE_PARSE_H
#define DCPG_CALLS_PROFILE_PARSE_H

#include "text/text_reader.h"
#include <dcpg/profile.h>

typedef enum strand { STRAND_UNKNOWN, STRAND_PLUS, STRAND_MINUS } strand;

/* A line of a profile; once it is placed, `pos` is its C, and `strand` tells whether it stood there or on the
 * G. */
typedef struct raw_call {
    int32_t pos;   /* 1-based by the format's convention; 0 where a file may count differently */
    uint32_t line; /* UINT32_MAX: beyond what this type holds */
    union {
        float value;   /* in [0, 1]; formats without counts */
        uint32_t meth; /* reads */
    };
    uint32_t total : 30, strand : 2;
} raw_call;

enum { MAX_READS = (1 << 30) - 1 };

/* Calls of a chromosome in the order of the file. */
typedef struct draft {
    char *name;                   /* the genome's; normalised where it has none */
    bool wanted;                  /* stored; else only counted */
    const dcpg_cg_chromo *genome; /* NULL: no genome, or not in it */
    int64_t n, room;
    raw_call *v;
    bool unsorted; /* by `pos` once placed */
} draft;

/* Columns of a line, cut at tabs and blanks, each NUL-terminated. */
enum { MAX_FIELD = 24 };

typedef struct fields {
    int n;     /* those behind the last that a format needs are not looked at */
    bool open; /* the line ends in a separator: an empty column follows */
    char *at[MAX_FIELD];
} fields;

/* What a column holds. */
typedef enum role {
    ROLE_CHROMO,
    ROLE_POS,
    ROLE_END,
    ROLE_STRAND, /* + -, F R, or C G: the base, as CGmap tells it */
    ROLE_CONTEXT,
    ROLE_GROUP, /* number of CpGs that the line speaks of together */
    ROLE_METH,
    ROLE_UNMETH,
    ROLE_TOTAL,
    ROLE_PERCENT,
    ROLE_FRACTION,
    ROLE_VALUE, /* a fraction or a percentage: the values tell */
    NB_ROLE
} role;

/* Which column holds what, for tables that are no format of their own. */
typedef struct layout {
    int column[NB_ROLE]; /* from 0; -1: none */
    int base;            /* position of a chromosome's first base; -1: not settled */
    int nb_column;       /* needed in every line */
    bool named;          /* told by names, not by what the columns hold */
    bool counts;         /* reads; else values */
} layout;

/* A column as --profile_format names it: by its header or its number. */
typedef struct column_name {
    char name[48]; /* empty: none, or by its number */
    int number;    /* from 0; -1: none, or by name */
} column_name;

typedef struct profile_parser profile_parser;

/* A format of text: a row of the table in profile_formats.c. */
typedef struct profile_format {
    const char *name, *about;
    const char *columns; /* for messages */
    int nb_column;       /* needed in every line */
    int nb_looked_at;    /* at most MAX_FIELD */
    bool counts;         /* reads; else values */
    int base;            /* position of a chromosome's first base; -1: not settled */
    bool (*recognise)(const fields *line);
    dcpg_status (*parse)(profile_parser *p, const fields *line, dcpg_err *err);
} profile_format;

/* How columns are numbered in --profile_format 1:2:4:5u:tab:1; from 0. */
typedef struct column_spec {
    int chromo, pos, meth, other;
    bool coverage;  /* `other` counts all reads, not the unmethylated ones */
    char separator; /* 0: told by the content */
    int64_t header; /* lines; -1: told by the content */
    bool by_role;   /* chrom=...,pos=...: what follows; else what precedes */
    column_name role[NB_ROLE];
    int base; /* -1: as usual for what names the position */
} column_spec;

/* The first lines of a file, read once: the format is told by them, and they are parsed as all others. */
typedef struct sample {
    char *text;    /* lines one after the other, each with its NUL */
    size_t length; /* of text, bytes */
    int n, room;   /* lines */
    size_t *start; /* [n] of a line in text */
    int64_t *line; /* [n] its number in the file */
    bool whole;    /* the file has no further lines */
} sample;

struct profile_parser {
    const dcpg_profile_options *options;
    const char *path;
    dcpg_text_reader *text;
    const profile_format *format;
    int shift; /* from the column's position to 1-based ones: 1 - base */
    column_spec spec;
    layout layout;  /* of dcpg_profile_table */
    char separator; /* 0: tabs and blanks */
    bool quoted;    /* fields may stand in double quotes */
    int span;       /* of .cov: end - start of the first line */
    int64_t header; /* lines up to this one are passed over */
    int64_t line;   /* its number, of what is being parsed; 0: none */
    dcpg_profile_report *report;

    draft *chromo; /* [nb] in the order of the file; sorted by name before they are placed */
    int nb, room;
    dcpg_map number, number_of_name; /* of a chromosome as the file writes it, and as it is called here */
    int last;                        /* chromosome of the line before; -1: none yet */
    char last_raw[64];
    size_t last_length;

    const char *const *joined; /* files whose calls are here, by the calls' `line`; NULL: of `path` alone */

    int64_t nb_line;                         /* lines of data */
    bool guessed;                            /* the format was told by the content */
    bool percent;                            /* values without counts are percentages */
    bool scale_known;                        /* by the header's name */
    int64_t above_1, above_1_line, within_1; /* values beyond 1, the first one's line, and values in (0, 1] */
    int64_t hundreds, small;                 /* values of 100; whole ones from 1 to 9 */
};

extern const profile_format dcpg_profile_tsv, dcpg_profile_bedgraph, dcpg_profile_percent, dcpg_profile_cov,
    dcpg_profile_cpg_report, dcpg_profile_allc, dcpg_profile_bedmethyl, dcpg_profile_biscuit,
    dcpg_profile_columns, dcpg_profile_table, dcpg_profile_table_shares, dcpg_profile_bigwig;

/* ---- formats ---- */

/* The format called so; NULL for "auto"; DCPG_E_USAGE names the known ones. Fills p->spec where columns are
 * described. */
dcpg_status dcpg_profile_find_format(const char *name, const profile_format **format, column_spec *spec,
                                     dcpg_err *err);

/* From the i-th format on, the next in the order of recognition; NULL after the last. */
const profile_format *dcpg_profile_format_at(int i);

/* The format from now on; its base, scale and shift. */
void dcpg_profile_take_format(profile_parser *p, const profile_format *format);

dcpg_status dcpg_profile_parse_spec(const char *text, column_spec *spec, dcpg_err *err);
dcpg_status dcpg_profile_parse_roles(const char *text, column_spec *spec, dcpg_err *err);
dcpg_status dcpg_profile_parse_columns(profile_parser *p, char *line, dcpg_err *err);

/* p->layout as chrom=...,pos=... asks; `header` may be NULL; data have `shift` columns before its first. */
dcpg_status dcpg_profile_apply_roles(profile_parser *p, const fields *header, int shift, dcpg_err *err);

/* ---- the first lines ---- */

/* The first lines; a broken stream among them is an error, as later. */
dcpg_status dcpg_profile_read_sample(profile_parser *p, sample *lines, dcpg_err *err);
void dcpg_profile_free_sample(sample *lines);

/* What the log says of the columns, into the report. */
void dcpg_profile_tell_reading(profile_parser *p);

/* ---- telling the columns ---- */

/* Whether a line names columns. */
bool dcpg_profile_is_header(const fields *header);

/* Columns that data have before the first named one: 1 for R's names of rows, else 0. */
int dcpg_profile_row_names(const profile_parser *p, const fields *header, const sample *lines, int first);

/* Chooses p->format and p->layout by the names of columns. `first`: the first line of data. */
dcpg_status dcpg_profile_read_header(profile_parser *p, const fields *header, const sample *lines, int first,
                                     dcpg_err *err);

/* Chooses p->format, and p->layout, by what stands in the first lines. `first`: the first line of data. */
dcpg_status dcpg_profile_tell_columns(profile_parser *p, const sample *lines, int first, dcpg_err *err);

/* The columns as words of --profile_format, or as the log shows them. */
void dcpg_profile_describe(const layout *l, char *text, size_t size);

/* Cuts a line as p->separator and p->quoted say, at most `most` columns. */
void dcpg_profile_cut(const profile_parser *p, char *line, int most, fields *f);

/* The format with many columns that has its marks in most lines; NULL: none. */
const profile_format *dcpg_profile_find_marked(const profile_parser *p, const sample *lines, int first);

/* Empty, a comment, or a line for genome browsers. */
bool dcpg_profile_is_comment(const char *line);

bool dcpg_profile_is_bigwig(const char *path);
dcpg_status dcpg_profile_read_bigwig(profile_parser *p, dcpg_err *err);

/* ---- raw calls ---- */

/* Adds a call; `pos` is the column's number, p->shift is added here. */
dcpg_status dcpg_profile_add(profile_parser *p, const char *chromo, int64_t pos, raw_call call,
                             dcpg_err *err);

/* The value of a bedGraph or bigWig, in [0, 1] or in percent as the format says. Where the format was
 * guessed, a first value beyond 1 makes percentages of all values, also of those before. */
dcpg_status dcpg_profile_scale(profile_parser *p, double raw, const char *text, float *value, dcpg_err *err);

/* Sorts the chromosomes by name; nothing is added after that. */
void dcpg_profile_sort_drafts(profile_parser *p);

/* The values added so far are percentages that were taken for fractions; positions move by `shift`. */
dcpg_status dcpg_profile_rescale(profile_parser *p, int shift, dcpg_err *err);

void dcpg_profile_free_drafts(profile_parser *p);

/* Reads the file into drafts. */
dcpg_status dcpg_profile_read_calls(profile_parser *p, dcpg_err *err);

/* Votes, and moves the calls of the drafts to their C; those that miss are dropped. */
dcpg_status dcpg_profile_settle(profile_parser *p, dcpg_profile_report *report, dcpg_err *err);

/* Adds the settled drafts of file number `number` of joined[] to those of `p`, where the same position may
 * stand again only with counts. The other drafts are freed. */
dcpg_status dcpg_profile_join(profile_parser *p, profile_parser *other, uint32_t number, dcpg_err *err);

/* Merges and calls: settled drafts become a profile, and are freed on the way. */
dcpg_status dcpg_profile_finish(profile_parser *p, dcpg_profile *profile, dcpg_profile_report *report,
                                dcpg_err *err);

/* Whether a field says "not observed" (NA, nan, '.', nothing ...); then it is counted. */
bool dcpg_profile_missing(profile_parser *p, const char *field);
bool dcpg_profile_is_missing(const char *field);

/* DCPG_E_INPUT unless `share`, as `text` has it, is meth / total in units of `scale` (1, 100), rounded or cut
 * to its decimals. */
dcpg_status dcpg_profile_check_share(const profile_parser *p, const char *text, double share, double scale,
                                     uint32_t meth, uint32_t total, dcpg_err *err);

/* The same without a message; share NaN or total 0 agree with all. */
bool dcpg_profile_agrees(double share, int decimals, double scale, double meth, double total);

/* A position that is no plain whole number: quoted, 41.0, 1e+05, or an error that says what it is. */
dcpg_status dcpg_profile_odd_whole(const profile_parser *p, const char *what, const char *text,
                                   int64_t *value, dcpg_err *err);

/* "FILE: line N: WHAT "FIELD" REMEDY" */
dcpg_status dcpg_profile_fail_field(const profile_parser *p, dcpg_err *err, const char *what,
                                    const char *field, const char *remedy);

#endif
