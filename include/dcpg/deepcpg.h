/* DeepCpG's own data files (c1_000000-032768.h5 ...) as a batch source. A data set is one file or many, each
 * with these arrays of n rows, a row per site:
 *
 *   chromo                     S
 *   pos                        whole numbers, 1-based position of the C
 *   inputs/dna                 whole numbers [n][dna_wlen]: A0 T1 G2 C3 N4; may be missing
 *   inputs/cpg/<cell>/state    whole numbers (a binary profile) or floats [n][cpg_wlen]; -1: missing; may be
 * missing inputs/cpg/<cell>/dist     numbers [n][cpg_wlen], bp; -1: missing outputs/<name> numbers [n], names
 * with any number of '/'; -1 or NaN: missing
 *
 * Samples are the rows of the files in the order given. Nothing in a file is believed. */
#ifndef DCPG_DEEPCPG_H
#define DCPG_DEEPCPG_H

#include <dcpg/par.h>
#include <dcpg/source.h>
#include <dcpg/status.h>
#include <dcpg/text.h>

/* Rows of a file that follow each other and lie on one chromosome. */
typedef struct dcpg_deepcpg_run {
    int64_t file, row, n;
    int64_t chromo; /* number in the list of chromosomes */
} dcpg_deepcpg_run;

/* What a data set says about itself: the same on every rank, but for max_bytes. */
typedef struct dcpg_deepcpg {
    const dcpg_par *par;
    dcpg_strings files;          /* in the order given */
    dcpg_strings chromo;         /* in order of appearance */
    dcpg_strings cells, outputs; /* in bytewise order */
    bool *real;                  /* [cells.n] states are floats in one file at least */
    int64_t dna_wlen, cpg_wlen;  /* of the files; 0: none */
    int64_t nb_site;             /* rows of all files */
    int64_t nb_run;
    dcpg_deepcpg_run *run; /* all rows, in order */
    int64_t chunk_rows;    /* longest chunk of the first file's inputs; 0: not cut into chunks */
    int64_t max_bytes; /* of inputs that a source holds on this rank: half of the host's memory, shared among
                          its ranks, at least 2 GiB; to be changed before a source is made */
    char *checksum;    /* of names, window lengths, chromosomes and positions; hex */
} dcpg_deepcpg;

/* Looks at all files; each is read by one rank. DCPG_E_INPUT where one is no DeepCpG data file, is damaged,
 * or has other cells, outputs or windows than the first. Collective. */
dcpg_status dcpg_deepcpg_describe_all(const dcpg_strings *files, const dcpg_par *par, dcpg_deepcpg **set,
                                      dcpg_err *err);
void dcpg_deepcpg_free(dcpg_deepcpg *set);

/* The rows on `chromos` (empty or NULL: all). Windows narrower than in the files are their centre.
 * DCPG_E_INPUT: an unknown chromosome, cell or output, windows that the files do not have. What load_all
 * is asked for is read there, once, where its inputs take no more than set->max_bytes (a site: about
 * dna_wlen + 5 * cpg_wlen * cells bytes); otherwise blocks of rows are read when a batch needs them, and
 * those used last are kept: fine for sites in their order, slow for shuffled ones. `set` must outlive it.
 * Collective. */
dcpg_status dcpg_source_from_deepcpg_all(const dcpg_deepcpg *set, const dcpg_strings *chromos,
                                         const dcpg_want *want, dcpg_source **source, dcpg_err *err);

#endif
