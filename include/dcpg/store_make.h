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
    const char *profile_format;   /* of all profiles; NULL or "auto": told by their content */
    dcpg_call call;               /* how reads become states */
    int64_t min_reads;            /* CpGs with fewer reads are dropped */
    size_t max_memory;            /* bytes of a rank beyond which no profile is read on; 0: no limit */
    double
        min_cg; /* a profile with less than this percentage of its calls on a CG of the genome is refused */
    const dcpg_strings *dna_files; /* FASTA files or directories of them; may be empty */
    const char *out_file;
    int64_t cpg_cov;      /* a site must be observed in at least so many cells */
    const char *pos_file; /* the target sites instead: lines of chromosome, position (1-based), or BED of
                             CpGs; NULL: from the profiles */
    bool every_cg;        /* every CG of the genome is a target site, whether a cell saw it or not */
    const dcpg_strings *chromos; /* only these; empty: all */
    int bedgraph_base; /* 0, 1: where bedGraphs of fractions start counting if the genome does not show it;
                          -1: only the genome tells */
    int64_t nb_sample_chromo; /* so many random sites of each chromosome (of those that cpg_cov or pos_file
                                 leave); 0: all */
    int64_t nb_sample; /* after that, the first so many sites; 0: all. Positions, and so neighbours, stay */
    int64_t seed;      /* of the random sites */
    const dcpg_strings
        *bulk_profiles; /* continuous profiles, given and named as cells are, told by their content, read as
                           fractions: outputs bulk/<name>; they add no positions; may be empty */
    const dcpg_strings *anno_files; /* BED files, named as cells are; may be empty */
    const dcpg_strings *cpg_stats,
        *win_stats;        /* names of statistics offered as outputs (dcpg/stats.h); may be empty */
    int64_t cpg_stats_cov; /* sites observed in fewer cells have no cpg_stats */
    const dcpg_strings *win_stats_wlen; /* lengths of windows in bp, as text */
    int64_t stats_wlen;                 /* even: neighbours that win_stats look at (50) */
    bool append;         /* out_file is there, and what the other options name is added to it */
    const char *command; /* command line, kept in the store */
} dcpg_store_options;

/* Reads genome and profiles (files are shared out among the ranks) and writes the store of dcpg/store.h; its
 * content does not depend on the number of ranks. Calls are checked against the genome as described at
 * dcpg_profile_load: what does not stand on a CG is dropped and counted. Chromosomes of the genome without
 * calls are left out. DCPG_E_INPUT: files that cannot be understood, two cells of one name, a profile that
 * does not fit the genome, a target site on a chromosome that the genome lacks or beyond its end, target
 * sites of which less than min_cg percent are CGs or that can be read in two ways, no call or no site left.
 * DCPG_E_IO: the store cannot be written; nothing is left behind then.
 *
 * With `append` the store gets more cells, bulk profiles, annotations and statistics, and is what it would be
 * had all been given at once: sites are chosen anew where cpg_cov chose them, and stay where they were listed
 * or drawn (those options must be left alone); chromosomes are those of the store's own `chromos`. Without
 * dna_files the genome is the store's, and calls on chromosomes that it lacks are dropped; dna_files must
 * agree with it. A bulk profile or annotation of a name that is there takes its place; a cell of such a name
 * is DCPG_E_INPUT, and so are new positions where the store holds annotations that are not given again, for
 * it does not know what lies inside. Its own bulk profiles have no values at new positions (a warning).
 * cpg_stats_cov and stats_wlen are the store's where it offers statistics. The new store takes the old one's
 * place when it is complete: until then, and after an error, the old one is untouched. Collective. */
DCPG_API dcpg_status dcpg_store_make_all(const dcpg_store_options *options, const dcpg_par *par,
                                         dcpg_log *log, dcpg_err *err);

DCPG_END_C

#endif
