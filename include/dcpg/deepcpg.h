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
 * Samples are the rows of the files in the order given. Nothing in a file is believed. */
#ifndef DCPG_DEEPCPG_H
#define DCPG_DEEPCPG_H

#include <dcpg/api.h>
#include <dcpg/par.h>
#include <dcpg/source.h>
#include <dcpg/status.h>
#include <dcpg/store_make.h>
#include <dcpg/text.h>

DCPG_BEGIN_C

/* Rows of a file that follow each other and lie on one chromosome. */
typedef struct dcpg_deepcpg_run {
    int64_t file, row, n;
    int64_t chromo; /* number in the list of chromosomes */
} dcpg_deepcpg_run;

/* What a data set says about itself: the same on every rank, but for max_bytes. */
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
    int64_t max_bytes; /* of inputs that a source holds on this rank: half of the host's memory, shared among
                          its ranks, at least 2 GiB; to be changed before a source is made */
    char *checksum;    /* of names, window lengths, chromosomes and positions; hex */
} dcpg_deepcpg;

/* Looks at all files; each is read by one rank. DCPG_E_INPUT where one is no DeepCpG data file, is damaged,
 * or has other cells, outputs or windows than the first. Collective. */
DCPG_API dcpg_status dcpg_deepcpg_describe_all(const dcpg_strings *files, const dcpg_par *par,
                                               dcpg_deepcpg **set, dcpg_err *err);
DCPG_API void dcpg_deepcpg_free(dcpg_deepcpg *set);

/* The rows on `chromos` (empty or NULL: all). Windows narrower than in the files are their centre.
 * DCPG_E_INPUT: an unknown chromosome, cell or output, windows that the files do not have. What load_all
 * is asked for is read there, once, where its inputs take no more than set->max_bytes (a site: about
 * dna_wlen + 5 * cpg_wlen * cells bytes); otherwise blocks of rows are read when a batch needs them, and
 * those used last are kept: fine for sites in their order, slow for shuffled ones. `set` must outlive it.
 * Collective. */
DCPG_API dcpg_status dcpg_source_from_deepcpg_all(const dcpg_deepcpg *set, const dcpg_strings *chromos,
                                                  const dcpg_want *want, dcpg_source **source, dcpg_err *err);

/* ---- writing ---- */

/* Samples of a source that follow each other and lie on one chromosome. */
typedef struct dcpg_deepcpg_stretch {
    const char *chromo; /* normalised name */
    int64_t n;
} dcpg_deepcpg_stretch;

/* Attribute "format" of the data files that are written. */
#define DCPG_DEEPCPG_FORMAT "dcpg-deepcpg-data"

typedef struct dcpg_deepcpg_write_options {
    const char *out_dir;        /* made where it is not there */
    int64_t chunk_size;         /* most sites of a file */
    uint64_t seed;              /* of the bases that stand for N */
    const dcpg_strings *inputs; /* files that must not be written over */
    const bool *real;           /* [source->cells.n] states of the cell are floats */
    int64_t nb_stretch;
    const dcpg_deepcpg_stretch *stretch; /* all samples of the source, in order */
    bool force; /* files that dcpg did not write are replaced, too; false: DCPG_E_USAGE */
} dcpg_deepcpg_write_options;

/* Writes all samples of `source`, whose neighbours must be raw (dcpg_want), as files
 * c<chromo>_<first>-<end>.h5 in out_dir, where first and end (exclusive, at least 6 digits) count the sites
 * of a chromosome from 0, gzip level 4, with these arrays:
 *
 *   chromo S2 (wider where a name is longer), pos int32, inputs/dna int8, inputs/cpg/<cell>/{state int8 or
 * float32, dist float32}, inputs/annos/<name> int8, outputs/cpg/<cell> and the statistics mode, diff, cat_var
 * and cat2_var int8, all other outputs float32
 *
 * DeepCpG's dcpg_data.py writes a random base for every N; so does this, but as a function of seed,
 * chromosome and position only, so that overlapping windows agree. Files are shared out among the ranks; what
 * they hold does not depend on the number of ranks. DCPG_E_IO: a file cannot be written; those of this call
 * are removed then. Collective. */
DCPG_API dcpg_status dcpg_deepcpg_write_all(dcpg_source *source, const dcpg_deepcpg_write_options *options,
                                            dcpg_log *log, dcpg_err *err);

/* ---- taking in ---- */

/* Makes a store of the data set; of the options, profiles, pos_file, cpg_cov, bedgraph_base,
 * bulk_profiles, anno_files and the names and windows of statistics are not used.
 * Sites are the rows. Calls are the labels (outputs/cpg) and all neighbours (inputs/cpg) at their distances
 * from the rows, so that positions which are no site come back too; a value that is known as a label only is
 * rounded, and fractions have passed through half precision. DNA comes from dna_files, or else is put
 * together from the windows: N between them, and where windows do not agree, because DeepCpG writes random
 * bases in place of N; random bases that only one window shows remain. Bulk profiles and annotations are
 * known at the sites only. Statistics that the files name are offered again, computed from the calls.
 * Outputs of other kinds are left out with a warning. Chromosome names are normalised. DCPG_E_INPUT: no cell,
 * rows that contradict each other (file and row are named), and as dcpg_store_make_all. Collective. */
DCPG_API dcpg_status dcpg_store_from_deepcpg_all(const dcpg_deepcpg *set, const dcpg_store_options *options,
                                                 dcpg_log *log, dcpg_err *err);

DCPG_END_C

#endif
