/* SPDX-License-Identifier: MIT */
/* Names and numbers of the store's HDF5 layout (dcpg/store.h), for its readers and writers. */
#ifndef DCPG_STORE_STORE_LAYOUT_H
#define DCPG_STORE_STORE_LAYOUT_H

#include "base/number.h"

#include <dcpg/store.h>

#define STORE_FORMAT  "dcpg-store"
#define STORE_CPG_COV "cpg_cov" /* attributes of the root */
#define STORE_CHROMOS "chromos"
#define STORE_ALIKE   "alike"
#define STORE_MANNER  "sites" /* "all": every CG of the genome is a site */
#define STORE_DIGEST  "digest"

#define STORE_CHROMO      "/genome/chromo"
#define STORE_FASTA_NAME  "/genome/fasta_name"
#define STORE_LENGTH      "/genome/length"
#define STORE_MD5         "/genome/md5"
#define STORE_BASE_OFFSET "/genome/offset"
#define STORE_BASES       "/genome/bases"
#define STORE_RUN_OFFSET  "/genome/n_offset"
#define STORE_RUNS        "/genome/n_runs"
#define STORE_POS         "/positions/pos"
#define STORE_POS_OFFSET  "/positions/offset"
#define STORE_SITES       "/sites/index"
#define STORE_CELLS       "/cells/name"
#define STORE_BINARY      "/cells/binary"
#define STORE_NB_CALL     "/cells/nb_call"
#define STORE_OBSERVED    "/calls/observed"
#define STORE_STATE       "/calls/state"
#define STORE_COUNT       "/calls/count"
#define STORE_VALUE_CELL  "/values/cell"
#define STORE_VALUE       "/values/value"
#define STORE_BULK        "/bulk/name"
#define STORE_BULK_VALUE  "/bulk/value"
#define STORE_ANNOS       "/annos/name"
#define STORE_ANNO_INSIDE "/annos/inside"
#define STORE_STATS       "/stats"
#define STORE_STATS_COV   "cpg_cov" /* attributes of /stats */
#define STORE_STATS_WLEN  "cpg_wlen"
#define STORE_CPG_STATS   "/stats/cpg"
#define STORE_WIN_STATS   "/stats/win"
#define STORE_WIN_WLEN    "/stats/win_wlen"

enum {
    STORE_MAX_STATS_WLEN = 4096, /* most neighbours that window statistics may look at */
    STORE_VERSION = 2,           /* versions from STORE_OLDEST on are read */
    STORE_OLDEST = 1,
    /* Longest chunks, in elements: 256 KB, 32 KB, 64 KB. */
    STORE_POS_CHUNK = 65536,
    STORE_WORD_CHUNK = 4096, /* also the words covered by one element of /calls/count */
    STORE_VALUE_CHUNK = 16384,
};

/* "FILE: damaged store: DATASET HOW; ...": DCPG_E_INPUT. */
dcpg_status dcpg_store_fail_damaged(const dcpg_store *store, const char *dataset, const char *how,
                                    dcpg_err *err);

/* Words of a bitmap over `nb_pos` positions. */
static inline int64_t store_words(int64_t nb_pos) { return nb_pos / 64 + (nb_pos % 64 != 0); }

/* Elements of a cell's row of /calls/count. */
static inline int64_t store_counts(int64_t nb_pos) { return ceil_div(store_words(nb_pos), STORE_WORD_CHUNK); }

/* Bytes of `length` packed bases. */
static inline int64_t store_base_bytes(int64_t length) { return length / 4 + (length % 4 != 0); }

#endif
