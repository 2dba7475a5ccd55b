/* Making a store from methylation profiles and a genome: `dcpg data`. */
#ifndef DCPG_STORE_MAKE_H
#define DCPG_STORE_MAKE_H

#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdint.h>

typedef struct dcpg_store_options {
    const dcpg_strings *profiles;  /* files; one cell each, named by the file's basename up to the first '.' */
    const dcpg_strings *dna_files; /* FASTA files or directories of them; may be empty */
    const char *out_file;
    int64_t cpg_cov;               /* a site must be observed in at least so many cells */
    const char *pos_file;          /* text lines of chromo, pos (1-based): the target sites instead; NULL: from the profiles */
    const dcpg_strings *chromos;   /* only these; empty: all */
    int bedgraph_base;             /* 0, 1, or -1: decided by where CG stands in the genome */
    const char *command;           /* command line, kept in the store */
} dcpg_store_options;

/* Reads profiles and genome (files are shared out among the ranks) and writes the store of dcpg/store.h; its content does not depend on the number of ranks. Positions that
 * do not stand on a CG are kept, counted, and warned of. DCPG_E_INPUT: files that cannot be understood, two cells of one name, a chromosome missing from the genome, a position beyond its end,
 * a bedGraph whose base cannot be told, no site left. DCPG_E_IO: the store cannot be written; nothing is left behind then. Collective. */
dcpg_status dcpg_store_make_all(const dcpg_store_options *options, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

#endif
