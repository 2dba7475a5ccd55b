/* SPDX-License-Identifier: MIT */
/* clang-format off */
/* The store: all data of a data set, each value once: bases, CpG positions, and for each cell which positions
 * were observed and in what state. Windows are not stored but cut when needed.
 *
 * HDF5 layout (format version 2; all extents fixed; positions, calls and values in chunks compressed by gzip;
 * tests/data/read_window.py reads a window from it with h5py):
 *   /                     attributes: format "dcpg-store", version 2, program, command (one per line where
 *                         more was appended); how sites were chosen: cpg_cov, cells that must
 *                         observe a position, 0 where sites were listed or drawn; chromos, those of
 *                         --chromos, absent where there is none; alike, of all sequences of the genome
 *                         whose names differ by "chr", case, or M and MT only, the name in its files and that
 *                         of the store in turn, absent where there are none; digest, what tells the values
 *                         from others: "PART:16 hexadecimal digits" of chromosomes, bases, positions, sites,
 *                         cells, calls and bulk, between blanks; absent in stores of older versions of dcpg
 *   /genome/chromo        S  [C] names in bytewise order (all chromosomes that hold a CpG position)
 *   /genome/fasta_name    S  [C] their names as the FASTA files have them; absent where these are unknown: no
 *                         DNA, a store of an older version of dcpg, or DNA from DeepCpG data files
 *   /genome/length        i64 [C] bases; 0 where there is no DNA
 *   /genome/md5           S  [C] SAM's M5; empty where there is no DNA
 *   /genome/offset        i64 [C + 1] first byte of each chromosome in /genome/bases
 *   /genome/bases         u8  2 bits per base (A 0, T 1, G 2, C 3), base i of a chromosome in bits 2(i%4) of
 *                             byte i/4; absent without DNA
 *   /genome/n_offset      i64 [C + 1] first row of each chromosome in /genome/n_runs
 *   /genome/n_runs        i64 [R][2] 0-based half-open runs of bases that are not A, C, G, T
 *   /positions/pos        i32 [M] 1-based position of the C, sorted within a chromosome: every position
 *                             observed in a cell, and every target site
 *   /positions/offset     i64 [C + 1] first position of each chromosome
 *   /sites/index          i64 [S] target sites: indices into /positions/pos, ascending; absent where every
 *                             position is a site
 *   /cells/name           S  [N] in bytewise order
 *   /cells/binary         u8  [N] 1: no value of the cell lies strictly between 0 and 1
 *   /cells/nb_call        i64 [N] observed positions
 *   /calls/observed       u64 [N][W] bit i%64 of word i/64: position i was observed, W = ceil(M / 64)
 *   /calls/state          u64 [N][W] the value rounded half to even, 0 where not observed
 *   /calls/count          i32 [N][ceil(W / 4096)] observed positions of the cell in each 4096 words; absent
 *                             in version 1
 *   /values/cell          i64 [K] cells that are not binary; absent where there is none
 *   /values/value         f32 [K][M] their values, NaN where not observed
 * Optional, since version 2:
 *   /bulk/name            S  [B] continuous profiles that are outputs only, in bytewise order
 *   /bulk/value           f32 [B][M] their values, NaN where not observed
 *   /annos/name           S  [A] annotations, in bytewise order
 *   /annos/inside         u64 [A][W] bit i%64 of word i/64: position i lies in one of the intervals
 *   /stats                attributes: cpg_cov, cells that must be observed for a statistic of a position;
 *                         cpg_wlen, neighbours that statistics of windows look at
 *   /stats/cpg            S  statistics over the cells of a position (stats.h), in bytewise order; they are
 *                            outputs, and computed when needed
 *   /stats/win            S  statistics over windows, likewise
 *   /stats/win_wlen       i64 lengths of these windows in bp, ascending
 */
/* clang-format on */
#ifndef DCPG_STORE_H
#define DCPG_STORE_H

#include <dcpg/api.h>
#include <dcpg/par.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

/* Description of a store: small, the same on every rank. */
typedef struct dcpg_store {
    char *path;
    int nb_chromo;
    dcpg_strings chromo;     /* [nb_chromo] names */
    dcpg_strings fasta_name; /* [nb_chromo] names as in the FASTA files; empty: unknown */
    int64_t *length;         /* [nb_chromo] bases, 0: no DNA */
    int64_t *base_offset;    /* [nb_chromo + 1] bytes */
    int64_t *run_offset;     /* [nb_chromo + 1] rows of n_runs */
    int64_t *pos_offset;     /* [nb_chromo + 1] positions */
    int64_t *site_offset;    /* [nb_chromo + 1] sites */
    dcpg_strings cells;      /* [nb_cell] names */
    bool *binary;            /* [nb_cell] */
    int64_t *nb_call;        /* [nb_cell] observed positions */
    bool has_dna;
    bool all_sites; /* every position is a site */
    bool has_count; /* /calls/count is present */
    int64_t nb_pos, nb_site;
    dcpg_strings bulk, annos;          /* names */
    dcpg_strings cpg_stats, win_stats; /* names of the statistics offered */
    int64_t nb_win_wlen, *win_wlen;    /* [nb_win_wlen] windows of win_stats, bp */
    int64_t stats_cov, stats_cpg_wlen; /* see the layout */
    dcpg_strings outputs; /* names of the outputs it offers, in bytewise order: "bulk/<name>", "cpg/<cell>",
                             "cpg_stats/<statistic>", "win_stats/<window>/<statistic>" */
    char *checksum;       /* of names, lengths, counts of cells and sites: identifies the data set; hex */
    char *digest;         /* the attribute; NULL: absent */
    const struct dcpg_par *par;
} dcpg_store;

/* Opens a store and reads its description; free with dcpg_store_free. DCPG_E_INPUT if the file is not a
 * store, is truncated, or of a newer version. Collective. */
DCPG_API dcpg_status dcpg_store_open_all(const char *path, const dcpg_par *par, dcpg_store **store,
                                         dcpg_err *err);
DCPG_API void dcpg_store_free(dcpg_store *store);

DCPG_END_C

#endif
