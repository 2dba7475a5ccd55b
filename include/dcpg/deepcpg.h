/* SPDX-License-Identifier: MIT */
/* DeepCpG's own data files (c1_000000-032768.h5 ...): a batch source over them, and writing them. A data set
 * is one file or many, each with these arrays of n rows, a row per site:
 *
 *   chromo                     S
 *   pos                        whole numbers, 1-based position of the C
 *   inputs/dna                 whole numbers [n][dna_wlen]: A0 T1 G2 C3 N4; may be missing
 *   inputs/cpg/<cell>/state    whole numbers (a binary profile) or floats [n][cpg_wlen]; -1: missing; may be
 *                              missing
 *   inputs/cpg/<cell>/dist     numbers [n][cpg_wlen], bp; -1: missing
 *   inputs/annos/<name>        whole numbers [n]: 0 outside, others inside; may be missing
 *   outputs/<name>             numbers [n], names with any number of '/'; -1 or NaN: missing
 *
 * Samples are the rows of the files in the order given. Everything read from a file is checked. */
#ifndef DCPG_DEEPCPG_H
#define DCPG_DEEPCPG_H

#include <dcpg/api.h>
#include <dcpg/par.h>
#include <dcpg/source.h>
#include <dcpg/status.h>
#include <dcpg/store_make.h>
#include <dcpg/text.h>

DCPG_BEGIN_C

/* Consecutive rows of a file on one chromosome. */
typedef struct dcpg_deepcpg_run {
    int64_t file, row, n;
    int64_t chromo; /* number in the list of chromosomes */
} dcpg_deepcpg_run;

/* Description of a data set; the same on every rank, except max_bytes. */
typedef struct dcpg_deepcpg {
    const dcpg_par *par;
    dcpg_strings files;                 /* in the order given */
    dcpg_strings chromo;                /* in order of appearance */
    dcpg_strings cells, outputs, annos; /* in bytewise order */
    bool *real;                         /* [cells.n] states are floats in one file at least */
    int64_t dna_wlen, cpg_wlen;         /* of the files; 0: none */
    int64_t nb_site;                    /* rows of all files */
    int64_t nb_run;
    dcpg_deepcpg_run *run; /* all rows, in order */
    int64_t chunk_rows;    /* longest chunk of the first file's inputs; 0: not cut into chunks */
    int64_t max_bytes; /* of inputs that a source holds on this rank: half of the host's memory, divided among
                          its ranks, at least 2 GiB; may be changed before a source is made */
    char *checksum;    /* of names, window lengths, chromosomes and positions; hex */
} dcpg_deepcpg;

/* Reads the description of all files, each on one rank; free with dcpg_deepcpg_free. DCPG_E_INPUT if a file
 * is not a DeepCpG data file, is damaged, or differs from the first one in cells, outputs or windows.
 * Collective. */
DCPG_API dcpg_status dcpg_deepcpg_describe_all(const dcpg_strings *files, const dcpg_par *par,
                                               dcpg_deepcpg **set, dcpg_err *err);
DCPG_API void dcpg_deepcpg_free(dcpg_deepcpg *set);

/* Makes a source of the rows on `chromos` (empty or NULL: all). Windows narrower than those of the files are
 * cut from their centre. DCPG_E_INPUT: an unknown chromosome, cell or output, or windows that the files do
 * not have. load_all reads its range once if the inputs take at most set->max_bytes (about dna_wlen + 5 *
 * cpg_wlen * cells bytes per site); otherwise blocks of rows are read when a batch needs them, and the most
 * recently used ones are kept: fast for sites in order, slow for shuffled sites. `set` must outlive the
 * source. Collective. */
DCPG_API dcpg_status dcpg_source_from_deepcpg_all(const dcpg_deepcpg *set, const dcpg_strings *chromos,
                                                  const dcpg_want *want, dcpg_source **source, dcpg_err *err);

/* ---- writing ---- */

/* Consecutive samples of a source on one chromosome. */
typedef struct dcpg_deepcpg_stretch {
    const char *chromo; /* normalised name */
    int64_t n;
} dcpg_deepcpg_stretch;

/* Attribute "format" of the data files that are written. */
#define DCPG_DEEPCPG_FORMAT "dcpg-deepcpg-data"

typedef struct dcpg_deepcpg_write_options {
    const char *out_dir;        /* created if it does not exist */
    int64_t chunk_size;         /* most sites of a file */
    uint64_t seed;              /* of the bases that stand for N */
    const dcpg_strings *inputs; /* files that must not be written over */
    const bool *real;           /* [source->cells.n] states of the cell are floats */
    int64_t nb_stretch;
    const dcpg_deepcpg_stretch *stretch; /* all samples of the source, in order */
    bool force; /* also replaces files that dcpg did not write; false: these are DCPG_E_USAGE */
} dcpg_deepcpg_write_options;

/* Writes all samples of `source`, whose neighbours must be raw (dcpg_want), as files
 * c<chromo>_<first>-<end>.h5 in out_dir, where first and end (exclusive, at least 6 digits) count the sites
 * of a chromosome from 0, gzip level 4, with these arrays:
 *
 *   chromo S2 (wider where a name is longer), pos int32, inputs/dna int8, inputs/cpg/<cell>/{state int8 or
 * float32, dist float32}, inputs/annos/<name> int8, outputs/cpg/<cell> and the statistics mode, diff, cat_var
 * and cat2_var int8, all other outputs float32
 *
 * DeepCpG's dcpg_data.py writes a random base for every N; so does this function, but the base depends on
 * seed, chromosome and position only, so that overlapping windows agree. Files are distributed among the
 * ranks; their content does not depend on the number of ranks. DCPG_E_IO: a file cannot be written; the files
 * of this call are then removed. Collective. */
DCPG_API dcpg_status dcpg_deepcpg_write_all(dcpg_source *source, const dcpg_deepcpg_write_options *options,
                                            dcpg_log *log, dcpg_err *err);

/* ---- importing ---- */

/* Makes a store of the data set; of the options, profiles, pos_file, cpg_cov, bedgraph_base, bulk_profiles,
 * anno_files and the names and windows of statistics are not used. Sites are the rows. Calls are the labels
 * (outputs/cpg) and all neighbours (inputs/cpg) at their distances from the rows, so that positions that are
 * not sites are recovered too; a value known only as a label is rounded, and fractions have passed through
 * half precision. DNA comes from dna_files, or else is assembled from the windows: N between windows, and
 * where windows disagree because DeepCpG writes random bases for N; random bases that occur in one window
 * only remain. Bulk profiles and annotations are known at the sites only. Statistics that the files name are
 * offered again, computed from the calls. Outputs of other kinds are dropped with a warning. Chromosome names
 * are normalised. DCPG_E_INPUT: no cell, rows that contradict each other (the message names file and row),
 * and the errors of dcpg_store_make_all. Collective. */
DCPG_API dcpg_status dcpg_store_from_deepcpg_all(const dcpg_deepcpg *set, const dcpg_store_options *options,
                                                 dcpg_log *log, dcpg_err *err);

DCPG_END_C

#endif
