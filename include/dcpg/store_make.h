/* SPDX-License-Identifier: MIT */
/* Making a store from methylation profiles and a genome: `dcpg data`. */
#ifndef DCPG_STORE_MAKE_H
#define DCPG_STORE_MAKE_H

#include <dcpg/api.h>
#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/profile.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdint.h>

DCPG_BEGIN_C

/* Neighbours of a cell that DeepCpG's window statistics look at. */
enum { DCPG_STATS_WLEN = 50 };

typedef struct dcpg_store_options {
    const dcpg_strings *profiles; /* files; one cell each, named by the file's basename up to the first '.';
                                     or a manifest: see dcpg_profile_list */
    const char *profile_format;   /* of all profiles; NULL or "auto": recognised by their content */
    dcpg_call call;               /* how reads become states */
    bool ties_methylated;         /* as many reads methylated as not: 1; false: dropped */
    int64_t min_reads;            /* CpGs with fewer reads are dropped */
    size_t max_memory;            /* bytes of a rank beyond which reading a profile stops; 0: no limit */
    double
        min_cg; /* a profile with less than this percentage of its calls on a CG of the genome is refused */
    const dcpg_strings *dna_files; /* FASTA files or directories of them; may be empty */
    const char *out_file;
    int64_t cpg_cov;      /* minimum number of cells in which a site must be observed */
    const char *pos_file; /* file of the target sites: lines of chromosome, position (1-based), or BED of
                             CpGs; NULL: sites are chosen from the profiles */
    bool every_cg;        /* every CG of the genome is a target site, observed or not */
    const dcpg_strings *chromos; /* only these; empty: all */
    int bedgraph_base; /* first position, 0 or 1, in bedGraphs of fractions if the genome does not decide; -1:
                          only the genome decides */
    int64_t nb_sample_chromo; /* number of random sites of each chromosome (among those that cpg_cov or
                                 pos_file leave); 0: all */
    int64_t
        nb_sample; /* after that, number of first sites kept; 0: all. Positions, and so neighbours, stay */
    int64_t seed;  /* of the random sites */
    const dcpg_strings *bulk_profiles; /* continuous profiles, given and named as cells are, of a format
                                          recognised by content, read as fractions: outputs bulk/<name>; they
                                          add no positions; may be empty */
    const dcpg_strings *anno_files;    /* BED files, named as cells are; may be empty */
    const dcpg_strings *cpg_stats,
        *win_stats;        /* names of statistics offered as outputs (dcpg/stats.h); may be empty */
    int64_t cpg_stats_cov; /* sites observed in fewer cells have no cpg_stats */
    const dcpg_strings *win_stats_wlen; /* lengths of windows in bp, as text */
    int64_t stats_wlen;                 /* even: neighbours that win_stats look at (50) */
    bool append;         /* out_file exists, and the data that other options name are added to it */
    const char *command; /* command line, kept in the store */
} dcpg_store_options;

/* Reads genome and profiles (files are distributed among the ranks) and writes the store of dcpg/store.h; its
 * content does not depend on the number of ranks. Calls are checked against the genome as described at
 * dcpg_profile_load: calls not on a CG are dropped and counted. Chromosomes of the genome without calls are
 * left out. DCPG_E_INPUT: files that cannot be understood, two cells with the same name, a profile that does
 * not fit the genome, a target site on a chromosome that the genome lacks or beyond its end, target sites of
 * which less than min_cg percent are CGs or that can be read in two ways, no call or no site left. DCPG_E_IO:
 * the store cannot be written; no partial file remains.
 *
 * With `append` cells, bulk profiles, annotations and statistics are added to the store, with the same result
 * as if all had been given at once: sites are chosen anew where cpg_cov chose them, and stay where they were
 * listed or drawn (those options must be left alone); chromosomes are those of the store's own `chromos`.
 * Without dna_files the genome is the store's, and calls on chromosomes that it lacks are dropped; dna_files
 * must agree with it. A bulk profile or annotation with an existing name replaces the old one; a cell with an
 * existing name is DCPG_E_INPUT, and so are new positions if the store holds annotations that are not given
 * again, as it is unknown which positions lie inside. Existing bulk profiles have no values at new positions
 * (a warning). cpg_stats_cov and stats_wlen are the store's if it offers statistics. The new store replaces
 * the old one once it is complete; until then, and after an error, the old one is unchanged. Collective. */
DCPG_API dcpg_status dcpg_store_make_all(const dcpg_store_options *options, const dcpg_par *par,
                                         dcpg_log *log, dcpg_err *err);

DCPG_END_C

#endif
