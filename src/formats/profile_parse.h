/* Reading profiles: what the parsers of the formats share. A file becomes raw calls, chromosome by
 * chromosome; these are placed on the genome, merged and called. */
#ifndef DCPG_FORMATS_PROFILE_PARSE_H
#define DCPG_FORMATS_PROFILE_PARSE_H

#include "formats/text_reader.h"
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
enum { MAX_FIELD = 14 };

typedef struct fields {
    int n; /* those behind the last that a format needs are not looked at */
    char *at[MAX_FIELD];
} fields;

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
    bool coverage; /* `other` counts all reads, not the unmethylated ones */
    char separator;
    int64_t header; /* lines */
} column_spec;

struct profile_parser {
    const dcpg_profile_options *options;
    const char *path;
    dcpg_text_reader *text;
    const profile_format *format;
    int shift; /* from the column's position to 1-based ones: 1 - base */
    column_spec spec;

    draft *chromo; /* [nb] in the order of the file; sorted by name before they are placed */
    int nb, room;
    dcpg_map number, number_of_name; /* of a chromosome as the file writes it, and as it is called here */
    int last;                        /* chromosome of the line before; -1: none yet */
    char last_raw[64];
    size_t last_length;

    const char *const *joined; /* files whose calls are here, by the calls' `line`; NULL: of `path` alone */

    int64_t nb_line; /* lines of data */
    bool guessed;    /* the format was told by the content */
    bool percent;    /* values without counts are percentages */
    int64_t above_1, above_1_line,
        within_1;      /* bedGraphs: values beyond 1, the first one's line, and values in (0, 1] */
    bool must_rescale; /* a bedGraph of fractions turned out to hold percentages: to be read again */
};

extern const profile_format dcpg_profile_tsv, dcpg_profile_bedgraph, dcpg_profile_percent, dcpg_profile_cov,
    dcpg_profile_cpg_report, dcpg_profile_allc, dcpg_profile_bedmethyl, dcpg_profile_biscuit,
    dcpg_profile_columns, dcpg_profile_bigwig;

/* ---- formats ---- */

/* The format called so; NULL for "auto"; DCPG_E_USAGE names the known ones. Fills p->spec where columns are
 * described. */
dcpg_status dcpg_profile_find_format(const char *name, const profile_format **format, column_spec *spec,
                                     dcpg_err *err);

/* The format of a first line of data: the first row of the table that recognises it, TSV at last. */
const profile_format *dcpg_profile_tell_format(const fields *line);

dcpg_status dcpg_profile_parse_spec(const char *text, column_spec *spec, dcpg_err *err);
dcpg_status dcpg_profile_parse_columns(profile_parser *p, char *line, dcpg_err *err);

bool dcpg_profile_is_bigwig(const char *path);
dcpg_status dcpg_profile_read_bigwig(profile_parser *p, dcpg_err *err);

/* ---- raw calls ---- */

/* Adds a call; `pos` is the column's number, p->shift is added here. */
dcpg_status dcpg_profile_add(profile_parser *p, const char *chromo, int64_t pos, raw_call call,
                             dcpg_err *err);

/* The value of a bedGraph or bigWig, in [0, 1] or in percent as the format says. Where the format was
 * guessed, values beyond 1 ask for another reading (p->must_rescale). */
dcpg_status dcpg_profile_scale(profile_parser *p, double raw, const char *text, float *value, dcpg_err *err);

/* Sorts the chromosomes by name; nothing is added after that. */
void dcpg_profile_sort_drafts(profile_parser *p);

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

/* "FILE: line N: WHAT "FIELD" REMEDY" */
dcpg_status dcpg_profile_fail_field(const profile_parser *p, dcpg_err *err, const char *what,
                                    const char *field, const char *remedy);

#endif
