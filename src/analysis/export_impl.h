/* SPDX-License-Identifier: MIT */
/* What the files of export share: the data file and its sites, what a column of the export holds at a site,
 * and the table of formats. Private to this module; all functions are Local. */
#ifndef DCPG_ANALYSIS_EXPORT_IMPL_H
#define DCPG_ANALYSIS_EXPORT_IMPL_H

#include <dcpg/chromo.h>
#include <dcpg/eval.h>
#include <dcpg/h5.h>
#include <dcpg/map.h>

enum {
    EXPORT_BLOCK = 1 << 16, /* most rows of the data file that are read at a time */
    EXPORT_MAX_CLASS = 16,
    EXPORT_SIDE = 5 /* neighbours on each side that the quality of an imputed value takes into account */
};

/* ---- the data file, export_data.c ---- */

typedef struct export_data {
    const char *path;
    dcpg_h5 *file;
    int64_t rows, total;  /* sites in the file, of which the first `total` are considered */
    size_t width;         /* bytes of a chromosome's name */
    dcpg_strings names;   /* [rows] chromosomes, if the file stores names of variable length */
    dcpg_strings outputs; /* outputs that are exported */
} export_data;

dcpg_status dcpg_export_data_open(const dcpg_export_options *options, export_data *data, dcpg_err *err);
void dcpg_export_data_close(export_data *data);
/* Numbers of a row of the output: 1, or its classes. */
dcpg_status dcpg_export_classes(const export_data *data, const char *output, int64_t *classes, dcpg_err *err);
/* Reads the names of rows [first, first + n) into chromo[n][width], and their positions, checked. */
dcpg_status dcpg_export_read_places(const export_data *data, int64_t first, int64_t n, char *chromo,
                                    int32_t *pos, dcpg_err *err);

/* Labels and predictions of the rows of a block: [rows][classes]. */
typedef struct export_numbers {
    int64_t first, n, classes;
    float *label, *prediction;
} export_numbers;
/* Reads and checks them; `classes` is set. */
dcpg_status dcpg_export_read_numbers(const export_data *data, const char *output, export_numbers *numbers,
                                     dcpg_err *err);

/* ---- chromosomes, export_chromos.c ---- */

typedef struct export_chromo {
    bool wanted;
    int64_t length;     /* bases; 0: unknown */
    int64_t first, end; /* rows from the first to after the last; other chromosomes lie between them only if
                         * the sites are not in order */
    int64_t nb_site;
    int32_t last; /* position of its last row */
} export_chromo;

typedef struct export_chromos {
    dcpg_map number;    /* of names as in the data file, in the order of their first rows */
    dcpg_strings shown; /* [number.n] names to be written */
    export_chromo *v;   /* [number.n] */
    int64_t capacity;
    int64_t nb_site;  /* on wanted chromosomes */
    int64_t disorder; /* first row that is not in order: chromosome by chromosome, by position; -1: none */
    size_t *order;    /* [nb_wanted] wanted chromosomes in bytewise order of their shown names */
    size_t nb_wanted;
    bool wide;  /* some position is 2^29 or more, which .tbi indices cannot hold */
    bool named; /* the file knows the names in the genome's FASTA files */
} export_chromos;

/* Reads all places of the data file; names the chromosomes as `prefix` says ("genome", "ucsc", "ensembl";
 * "chr" and "" are those of bedGraph and HDF5). */
dcpg_status dcpg_export_chromos_open(const export_data *data, const dcpg_export_options *options,
                                     const char *prefix, const dcpg_par *par, export_chromos *chromos,
                                     dcpg_err *err);
void dcpg_export_chromos_close(export_chromos *chromos);
const char *dcpg_export_chromo_name(const export_chromos *chromos, size_t k); /* as in the data file */

/* Names of rows, as dcpg_export_read_places reads them. */
typedef struct export_names {
    const char *at; /* [rows][width] */
    size_t width;
} export_names;

/* Copies the name of row i to name[DCPG_CHROMO_MAX + 1]. */
void dcpg_export_row_name(export_names names, int64_t i, char *name);
/* Number of the chromosome of row i, if that of the row before is `last`; -1: not known yet. */
int64_t dcpg_export_row_chromo(const export_chromos *chromos, export_names names, int64_t i, int64_t last);

/* ---- columns: a cell or another output, or the cells of a group; export_columns.c ---- */

typedef enum export_mode { EXPORT_ALL, EXPORT_OBSERVED, EXPORT_IMPUTED } export_mode;

typedef struct export_column {
    char *name; /* of the cell, or for files: that of its output with '_' for '/'; of the group */
    export_mode mode;
    bool group;
    size_t n, capacity;
    const char **output; /* [n] of data.outputs */
} export_column;

typedef struct export_columns {
    export_column *v;
    size_t n;
} export_columns;

/* Whether an output is a cell: "cpg/NAME". */
bool dcpg_export_is_cell(const char *output);

/* `split`: groups have two columns, GROUP.observed and GROUP.imputed, unless the options choose one. */
dcpg_status dcpg_export_columns_open(const export_data *data, const dcpg_export_options *options, bool split,
                                     export_columns *columns, dcpg_log *log, dcpg_err *err);
void dcpg_export_columns_close(export_columns *columns);

/* ---- blocks of sites, export_sites.c ---- */

/* Rows [first, end) of the data file. */
typedef struct export_sites {
    int64_t first, end, from; /* rows; those read begin at `from` */
    int64_t nb_read;          /* rows read: with neighbours, if qualities are wanted */
    char *name;
    int32_t *chromo, *pos; /* [nb_read] */
    int64_t n;             /* rows from `first` on that lie on wanted chromosomes */
    int32_t *at;           /* [n] their places in chromo[] and pos[] */
} export_sites;

/* What a column holds at a site. */
typedef struct export_site {
    double sum; /* of its n values: observed states, predictions where nothing is observed */
    int32_t n;  /* 0: nothing is known there */
    int32_t observed, methylated; /* observed calls; those of 0.5 and above */
    int32_t imputed, positive;    /* imputed calls, and methylated ones among them */
    double probability, quality;  /* sums over the imputed calls */
    float confidence, difference; /* of the imputed value (of the last cell of a group) */
} export_site;

typedef struct export_run export_run;

/* Called for each block that has a wanted site. */
typedef dcpg_status export_block_fn(const export_run *run, void *to, dcpg_err *err);

/* A walk over the data file: calls `each` for blocks of its rows [first, end). */
typedef struct export_walk {
    const export_column *column; /* whose content is read into run->site; NULL: places only */
    int64_t first, end, block;
    export_block_fn *each;
    void *to;
} export_walk;
dcpg_status dcpg_export_walk(export_run *run, const export_walk *walk, dcpg_err *err);
/* The same over all rows. */
dcpg_status dcpg_export_each(export_run *run, const export_column *column, export_block_fn *each, void *to,
                             dcpg_err *err);
/* Reads a column at the sites of the present block into site[run->sites.n]. */
dcpg_status dcpg_export_read_column(export_run *run, const export_column *column, export_site *site,
                                    dcpg_err *err);
dcpg_status dcpg_export_sites_open(export_run *run, dcpg_err *err);
void dcpg_export_sites_close(export_run *run);

/* 2 |p - 1/2| (1 - d): 0 for a coin toss, or a value that differs from all its neighbours, 1 where it is
 * certain and they agree. */
static inline float export_quality_of(float confidence, float difference) {
    return 2 * confidence * (1 - difference);
}

/* ---- formats ---- */

enum {
    EXPORT_CELLS = 1,     /* cells only */
    EXPORT_ORDER = 2,     /* sites must be in order */
    EXPORT_LENGTHS = 4,   /* the lengths of the chromosomes must be known */
    EXPORT_SPLIT = 8,     /* of a group, what is observed and what is imputed are two columns */
    EXPORT_ONE = 16,      /* one file for all columns */
    EXPORT_BESIDE = 32,   /* a second file lists the imputed calls */
    EXPORT_INDEX = 64,    /* tabix index */
    EXPORT_REGIONS = 128, /* by regions */
    EXPORT_TOGETHER = 256 /* all ranks write its one file together: `write` is Collective */
};

typedef struct export_format {
    const char *name;
    unsigned traits;
    const char *prefix; /* of chromosomes, unless an option names another */
    const char *suffix; /* of a column's file; EXPORT_ONE: the file's name */
    /* Writes file `part`: of that column, or the only one. */
    dcpg_status (*write)(export_run *run, size_t part, dcpg_err *err);
    /* Before anything is read: DCPG_E_USAGE if this build cannot write the format. NULL: any can. */
    dcpg_status (*usable)(dcpg_err *err);
    /* Before anything is written: what only this format wants. NULL: nothing. */
    dcpg_status (*check)(const export_run *run, dcpg_err *err);
} export_format;

/* Observed labels of an output on the wanted chromosomes, and the methylated ones among them. */
typedef struct export_count {
    int64_t observed, methylated;
} export_count;

struct export_run {
    const dcpg_export_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    const export_format *format;
    unsigned traits; /* of the format with these options */
    export_data data;
    export_chromos chromos;
    export_columns columns;
    bool qualities; /* are computed */
    export_sites sites;
    export_numbers numbers;
    export_site *site;   /* [most sites of a block] */
    export_count *count; /* EXPORT_REGIONS: [outputs], of those that this rank checked */
};

dcpg_status dcpg_export_write_bedgraph(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_write_hdf(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_write_cov(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_write_allc(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_write_tsv(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_write_bigwig(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_write_regions_tsv(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_write_h5ad(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_write_amethyst(export_run *run, size_t part, dcpg_err *err);
dcpg_status dcpg_export_check_amethyst(const export_run *run, dcpg_err *err);
dcpg_status dcpg_export_methscan_usable(dcpg_err *err);
dcpg_status dcpg_export_check_methscan(const export_run *run, dcpg_err *err);
dcpg_status dcpg_export_write_methscan(export_run *run, size_t part, dcpg_err *err);
bool dcpg_export_run_info_is_ours(const char *path);
dcpg_status dcpg_export_check_bigwig(dcpg_err *err); /* DCPG_E_USAGE: this build cannot write bigWig */
bool dcpg_export_bigwig_is_ours(const char *path);
/* Writes the list of imputed calls of a column, or removes an old one. For formats whose own files hold all
 * columns. */
dcpg_status dcpg_export_write_beside(export_run *run, size_t column, dcpg_err *err);

/* ---- files, export_files.c ---- */

size_t dcpg_export_nb_part(const export_run *run);
/* The file of a part; "beside": the list of imputed calls of a column. NULL: out of memory; dcpg_free. */
char *dcpg_export_path(const export_run *run, size_t part);
char *dcpg_export_path_beside(const export_run *run, size_t column);
/* Removes the list that an earlier export left, if this one writes none. */
void dcpg_export_drop_beside(const export_run *run, size_t column);
/* All files of this rank's parts differ, are not the file that is read, and were not written by others. */
dcpg_status dcpg_export_check_files(const export_run *run, dcpg_err *err);

/* A file to be written; `of`: the file that shows whose it is, itself or one that it belongs to.
 * DCPG_E_USAGE: it is the file that is read, or others wrote it and force is not given. */
dcpg_status dcpg_export_check_file(const export_run *run, const char *path, const char *of, dcpg_err *err);
/* Writes a small file of these lines, which end with a newline. */
dcpg_status dcpg_export_write_text(const char *path, const dcpg_strings *lines, dcpg_err *err);

/* Name of the chromosome of row `at` of the present block, as it is written. */
static inline const char *export_chromo_at(const export_run *run, int32_t at) {
    return run->chromos.shown.v[run->sites.chromo[at]];
}

#endif
