/* SPDX-License-Identifier: MIT */
/* Methylation profiles: readers of files of all formats, one cell at a time, local to a rank. After reading,
 * positions are 1-based, on the C of a CpG. */
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
    char *chromo; /* the genome's name for it; without a genome normalised by dcpg_chromo_name */
    int64_t n, capacity;
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

/* clang-format off */
/* How reads become a value.
 *              counts (meth of total reads)               values without counts
 *  AUTO        as ROUND                                   as they are
 *  ROUND       1 or 0, whichever most reads say;          the same of the share (0.5 is dropped); those of a
 *              a tie is dropped, or 1                     DeepCpG TSV stay as they are: they are states or
 *                                                         fractions by their author's will
 *  STRICT      calls whose reads all agree                values 0 and 1
 *  FRACTION    meth / total                               as they are */
/* clang-format on */
typedef enum dcpg_call { DCPG_CALL_AUTO, DCPG_CALL_ROUND, DCPG_CALL_STRICT, DCPG_CALL_FRACTION } dcpg_call;

/* Finds the rule called "auto", "round", "strict" or "fraction". DCPG_E_USAGE names the known rules.
 * Local. */
DCPG_API dcpg_status dcpg_call_named(const char *name, dcpg_call *call, dcpg_err *err);

/* Matrices that hold a cell in each column, below. */
typedef struct dcpg_matrices dcpg_matrices;

typedef struct dcpg_profile_options {
    const char *format; /* a name of dcpg_profile_formats, or columns (see there); NULL or "auto": recognised
                           by the content */
    const dcpg_cg_map *genome;   /* NULL: positions are not checked */
    const dcpg_strings *chromos; /* only these (names of the genome's chromosomes; without a genome normalised
                                    names), in bytewise order; NULL or empty: all */
    dcpg_call call;
    bool ties_methylated; /* AUTO, ROUND: a tie is 1; false: it is dropped */
    int bedgraph_base; /* first position, 0 or 1, in bedGraphs of fractions; -1: found by the genome; without
                          a genome they are refused */
    int64_t min_reads; /* of both strands together; 0 and 1: any */
    double min_cg;     /* percentage of calls that must stand on a CG */
    bool lenient; /* a file without lines of data, and one whose calls fit the genome with either base, 0 or
                     1, are noted in the report instead of refused */
    const dcpg_genome_runs *runs; /* runs of N in `genome`, to count calls on them; NULL: unknown */
    size_t max_memory; /* bytes of this process beyond which reading stops (a compressed file of a few MB may
                          hold billions of lines); 0: no limit */
    const dcpg_matrices *matrices; /* loaded already; NULL: none */
    int follow; /* 1 + the base, taken from other files, for a file that fits either one; 0: the format's */
} dcpg_profile_options;

enum { DCPG_MINUS_1, DCPG_IN_PLACE, DCPG_PLUS_1 };

/* How the calls of a file were read. Counts are of lines that hold an observed CpG, on chromosomes of
 * `chromos`. */
typedef struct dcpg_profile_report {
    char format[16];   /* as recognised */
    unsigned odd;      /* oddities of its compression: bits DCPG_ODD_... */
    int64_t calls;     /* in the file */
    int64_t elsewhere; /* of these, on contigs that the genome lacks; dropped */
    char contig[64];   /* one of these contigs */
    int64_t hit[2][3]; /* on a CG when moved by -1, 0, +1 (DCPG_MINUS_1 ...), [0] on the strand that the file
                          names, [1] on either */
    int shift;         /* -1, 0 or 1: how positions were moved */
    int base;          /* position of a chromosome's first base, as the file was read: 0 or 1 */
    bool empty;        /* no lines of data */
    bool undecided;    /* the genome fits another base equally well, and nothing else decides */
    bool followed;     /* undecided, and read with the base of `follow` */
    bool unsettled;    /* undecided, and the format has no base of its own: to be refused */
    bool strand_ignored; /* the file's strands contradict the genome */
    int64_t on_cg;       /* calls kept so far */
    int64_t on_n;        /* calls off CGs that lie on N of the genome */
    int64_t tied, few;   /* CpGs dropped because their reads disagree; because they are too few */
    char columns[192];   /* meaning of the columns, the scale and the base */
    char ignored[128];   /* parts of the file that are not read; empty: none */
    bool either_base;    /* without a genome: a .cov file of two neighbouring bases a line, read as 0-based */
    bool low_percent;    /* the user declared percentages, but some are above 0 and none above 1 */
    int64_t missing;     /* lines whose value means "not observed": NA, nan, '.', empty, -1 in a TSV */
    int64_t nb_cpg;      /* CpGs that have a value */
    double sum;          /* of these values */
    unsigned mito; /* without a genome: its name of the mitochondrion, DCPG_CHROMO_M or _MT; 0: absent */
} dcpg_profile_report;

/* Reads a profile in any of the formats of dcpg_profile_formats; plain, gzip or bgzip. Empty lines, lines
 * that start with '#', track and browser lines, and a first line of column names are skipped. Without a
 * genome positions are not checked. With one, the offset that puts most calls on a CG is chosen among -1, 0
 * and +1 (on its C, or on its G for calls of the other strand; a strand column is used if there is one,
 * unless it contradicts the genome); the format's own convention stays unless another is clearly better (by 1
 * % of the calls). Calls on a G move to its C; both strands are merged: counts are added, values without
 * counts averaged. Calls that are still not on a CG are dropped and counted. `report` may be NULL.
 * DCPG_E_INPUT with file, line and remedy: values that are not numbers, out of range or contradict each other
 * (end before start, more methylated reads than reads), a position twice in a format without counts (with
 * counts they are added up), a broken gzip stream, a file of another kind, a file without lines of data and a
 * bedGraph that fits the genome with base 0 and with base 1 (both unless lenient), fewer than min_cg percent
 * of the calls on a CG, no chromosome in common with the genome, more memory than max_memory. A profile may
 * have no calls left, if all are dropped. Free with dcpg_profile_free. Local. */
DCPG_API dcpg_status dcpg_profile_load(const char *path, const dcpg_profile_options *options,
                                       dcpg_profile *profile, dcpg_profile_report *report, dcpg_err *err);

/* As dcpg_profile_load, for n files of one cell, whose reads are added up; report[n]. DCPG_E_INPUT also if
 * several files hold values without counts for one position, or if only some files hold counts. Local. */
DCPG_API dcpg_status dcpg_profile_load_files(const char *const *path, int64_t n,
                                             const dcpg_profile_options *options, dcpg_profile *profile,
                                             dcpg_profile_report *report, dcpg_err *err);

/* As dcpg_profile_load without a genome, with bedGraphs counting from 1. Local. */
DCPG_API dcpg_status dcpg_profile_read(const char *path, dcpg_profile *profile, dcpg_err *err);
DCPG_API void dcpg_profile_free(dcpg_profile *profile);

/* Percentage of the calls on contigs of the genome that are on a CG; 100 if there are none. Pure. */
DCPG_API double dcpg_profile_on_cg(const dcpg_profile_report *report);

/* The i-th name that `format` may take, and its description in `*about`; NULL after the last. `format` may
 * also give columns in the notation of MethSCAn: chromosome:position:methylated:total or
 * unmethylated:separator:header, for example 1:2:5:6c:tab:0 (numbers of columns from 1; 'c' coverage, 'u'
 * unmethylated; lines of header). Local. */
DCPG_API const char *dcpg_profile_format_name(int i, const char **about);

/* DCPG_E_USAGE unless `format` is a name of dcpg_profile_format_name, "auto", or columns. Local. */
DCPG_API dcpg_status dcpg_profile_check_format(const char *format, dcpg_err *err);

/* ---- matrices: folders of MethSCAn, and y.npz with pos.npz of CpG Transformer, GraphCpG and MambaCpG. Each
 * column is a cell with a path of its own: "FOLDER#3", "y.npz:pos.npz#3" for the third. ---- */

/* Whether a path is that of a column. Local. */
DCPG_API bool dcpg_is_column(const char *path);

/* Called while a matrix is read. */
typedef struct dcpg_matrices_watch {
    void (*busy)(void *context);
    void *context;
} dcpg_matrices_watch;

/* Reads the columns among path[n], each matrix once for all of them, into a few bytes per call;
 * dcpg_profile_load then finds them in its options, which must be alike, and otherwise reads a matrix again
 * for each column. `watch` may be NULL. DCPG_E_INPUT as dcpg_profile_load. Local. */
DCPG_API dcpg_status dcpg_matrices_load(const char *const *path, int64_t n,
                                        const dcpg_profile_options *options, const dcpg_matrices_watch *watch,
                                        dcpg_matrices **matrices, dcpg_err *err);
DCPG_API void dcpg_matrices_free(dcpg_matrices *matrices); /* NULL is fine */

/* Turns words into profiles: each word is a file, named by dcpg_cell_name; a single word may be a list
 * (`*is_list`), recognised by its first line, with lines of name, tab, path relative to the list's folder; in
 * a list several files may have one name; a folder of MethSCAn, and two words y.npz and pos.npz, stand for
 * their columns, named by column_header.txt, or cell1, cell2 ... with as many digits as the last needs.
 * names[i] belongs to paths[i]. DCPG_E_INPUT: a malformed line, a name that is empty or holds a '/', a path
 * twice. Local. */
DCPG_API dcpg_status dcpg_profile_list(const dcpg_strings *words, bool *is_list, dcpg_strings *names,
                                       dcpg_strings *paths, dcpg_err *err);

/* The cell's name for a path: the basename up to the first '.'; NULL when out of memory; free with dcpg_free.
 * Local. */
DCPG_API char *dcpg_cell_name(const char *path);

DCPG_END_C

#endif
