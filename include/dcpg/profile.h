/* SPDX-License-Identifier: MIT */
/* Methylation profiles as files hold them: readers for one file each, local to a rank. Positions are 1-based,
 * on the C of a CpG, after reading. */
#ifndef DCPG_PROFILE_H
#define DCPG_PROFILE_H

#include <dcpg/api.h>
#include <dcpg/compression.h>
#include <dcpg/genome.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

/* Calls of one cell on one chromosome, sorted by position, no position twice. */
typedef struct dcpg_calls {
    char *chromo; /* the genome's name for it; without one normalised by dcpg_chromo_name */
    int64_t n, room;
    int32_t *pos; /* [n] 1-based */
    float *value; /* [n] in [0, 1] */
} dcpg_calls;

/* A profile: the calls of one cell, chromosomes in bytewise order, those without calls left out. */
typedef struct dcpg_profile {
    char *cell; /* the file's basename up to the first '.' */
    int nb_chromo;
    dcpg_calls *chromo;
    bool binary; /* no value strictly between 0 and 1 */
} dcpg_profile;

/* ---- reading ---- */

/* clang-format off: a table */
/* How reads become a value.
 *              counts (meth of total reads)               values without counts
 *  AUTO        as ROUND                                   as they are
 *  ROUND       1 or 0, whichever most reads say;          the same of the share (0.5 is dropped); those of a
 *              a tie is dropped                           DeepCpG TSV stay as they are: they are states or
 *                                                         fractions by their author's will
 *  STRICT      calls whose reads all agree                values 0 and 1
 *  FRACTION    meth / total                               as they are */
/* clang-format on */
typedef enum dcpg_call { DCPG_CALL_AUTO, DCPG_CALL_ROUND, DCPG_CALL_STRICT, DCPG_CALL_FRACTION } dcpg_call;

/* The rule called "auto", "round", "strict" or "fraction". DCPG_E_USAGE names the known ones. Local. */
DCPG_API dcpg_status dcpg_call_named(const char *name, dcpg_call *call, dcpg_err *err);

typedef struct dcpg_profile_options {
    const char *format; /* a name of dcpg_profile_formats, or columns (see there); NULL or "auto": told by the
                           content */
    const dcpg_cg_map *genome;   /* NULL: positions are believed */
    const dcpg_strings *chromos; /* only these (names of the genome's chromosomes; without one normalised
                                    names), in bytewise order; NULL or empty: all */
    dcpg_call call;
    int bedgraph_base; /* 0 or 1: where bedGraphs of fractions start counting; -1: the genome tells, without
                          one they are refused */
    int64_t min_reads; /* of both strands together; 0 and 1: any */
    double min_cg;     /* percentage of calls that must stand on a CG */
    bool lenient; /* a file without lines of data, and one whose calls fit the genome whether it counts from 0
                     or from 1, are told by the report instead of refused */
    const dcpg_genome_runs *runs; /* N of `genome`, to tell calls on them; NULL: unknown */
    size_t max_memory; /* bytes of this process beyond which no file is read on (a bomb of a few MB may hold
                          billions of lines); 0: no limit */
    int follow;        /* 1 + the base that the latter takes, from other files; 0: the format's own */
} dcpg_profile_options;

enum { DCPG_MINUS_1, DCPG_IN_PLACE, DCPG_PLUS_1 };

/* What became of the calls of a file. Counts are of lines that hold an observed CpG, on chromosomes of
 * `chromos`. */
typedef struct dcpg_profile_report {
    char format[16];   /* as recognised */
    unsigned odd;      /* about its compression: bits of DCPG_ODD_... */
    int64_t calls;     /* in the file */
    int64_t elsewhere; /* of these, on contigs that the genome lacks; dropped */
    char contig[64];   /* one of these contigs */
    int64_t hit[2][3]; /* on a CG when moved by -1, 0, +1 (DCPG_MINUS_1 ...), [0] on the strand that the file
                          names, [1] on either */
    int shift;         /* -1, 0 or 1: how positions were moved */
    int base;          /* position of a chromosome's first base, as the file was read: 0 or 1 */
    bool empty;        /* no lines of data */
    bool undecided;    /* the genome fits another base alike, and nothing else tells */
    bool followed;     /* ... so that it was read with that of `follow` */
    bool unsettled;    /* ... and the format has no base of its own: to be refused */
    bool strand_ignored; /* the file's strands contradict the genome */
    int64_t on_cg;       /* calls kept so far */
    int64_t on_n;        /* of those that miss, on N of the genome */
    int64_t tied, few;   /* CpGs dropped as their reads disagree, and as they are too few */
    char columns[192];   /* which column holds what, the scale and the base */
    char ignored[128];   /* what stands in the file but is not read; empty: nothing */
    bool either_base;    /* without a genome: a .cov file of two neighbouring bases a line, read as 0-based */
    bool low_percent;    /* the user says percentages, of which some are above 0 and none above 1 */
    int64_t missing;     /* lines whose value says "not observed": NA, nan, '.', nothing, -1 in a TSV */
    int64_t nb_cpg;      /* CpGs that have a value */
    double sum;          /* of these values */
    unsigned mito; /* without a genome: what it calls the mitochondrion, DCPG_CHROMO_M or _MT; 0: not there */
} dcpg_profile_report;

/* Reads a profile in any of the formats of dcpg_profile_formats; plain, gzip or bgzip. Empty lines, lines
 * that start with '#', track and browser lines, and a first line of column names are skipped. Without a
 * genome positions are believed. With one, the file votes: of the offsets -1, 0 and +1 the one that puts most
 * calls on a CG (on its C, or on its G where the call is of the other strand; a strand column is used where
 * there is one, unless it contradicts the genome) is taken, the format's own convention unless another is
 * clearly better (by 1 % of the calls). Calls on a G move to its C; both strands are merged: counts are
 * added, values without counts averaged. What still misses is dropped and counted. `report` may be NULL.
 * DCPG_E_INPUT with file, line and remedy: what is no number, out of range or contradicts itself (end before
 * start, more methylated reads than reads), a position twice in a format without counts (those with counts
 * are added up), a broken gzip stream, a file of another kind, a file without lines of data and a bedGraph
 * that fits the genome whether it counts from 0 or from 1 (both unless lenient), fewer than min_cg percent of
 * the calls on a CG, no chromosome in common with the genome, more memory than max_memory. A profile may end
 * without calls: all dropped. Free with dcpg_profile_free. Local. */
DCPG_API dcpg_status dcpg_profile_load(const char *path, const dcpg_profile_options *options,
                                       dcpg_profile *profile, dcpg_profile_report *report, dcpg_err *err);

/* The same of several files of one cell, whose reads are added up; report[n]. DCPG_E_INPUT also where the
 * files hold values without counts for one position, or some hold counts and others do not. Local. */
DCPG_API dcpg_status dcpg_profile_load_files(const char *const *path, int64_t n,
                                             const dcpg_profile_options *options, dcpg_profile *profile,
                                             dcpg_profile_report *report, dcpg_err *err);

/* The same without a genome, bedGraphs counting from 1. Local. */
DCPG_API dcpg_status dcpg_profile_read(const char *path, dcpg_profile *profile, dcpg_err *err);
DCPG_API void dcpg_profile_free(dcpg_profile *profile);

/* Share of the calls on contigs of the genome that stand on a CG, in percent; 100 where there are none. */
DCPG_API double dcpg_profile_on_cg(const dcpg_profile_report *report);

/* Names that `format` may take, one after the other with what they are; NULL after the last. Besides these,
 * columns in the notation of MethSCAn: chromosome:position:methylated:total or unmethylated:separator:header,
 * for example 1:2:5:6c:tab:0 (numbers of columns from 1; 'c' coverage, 'u' unmethylated; lines of header).
 * Local. */
DCPG_API const char *dcpg_profile_format_name(int i, const char **about);

/* DCPG_E_USAGE unless `format` is one of these names, "auto", or columns. Local. */
DCPG_API dcpg_status dcpg_profile_check_format(const char *format, dcpg_err *err);

/* Words to profiles: files as they are, named by dcpg_cell_name; a single word may be a list (`*is_list`),
 * which is told by its first line: lines of name, tab, path, the latter relative to its folder; in a list
 * several files may have one name. names[i] belongs to paths[i]. DCPG_E_INPUT: a line that is not so, a name
 * that is empty or holds a '/', a path twice. Local. */
DCPG_API dcpg_status dcpg_profile_list(const dcpg_strings *words, bool *is_list, dcpg_strings *names,
                                       dcpg_strings *paths, dcpg_err *err);

/* The cell's name for a path; NULL when out of memory; dcpg_free. */
DCPG_API char *dcpg_cell_name(const char *path);

DCPG_END_C

#endif
