/* SPDX-License-Identifier: MIT */
/* Digests of a store's content, kept in the store as an attribute, tell two contents apart. Most are a sum,
 * modulo 2^64, of one mixed number per element, so that neither the order of the elements nor their
 * distribution among ranks matters. They notice changes, not forgery. */
#ifndef DCPG_STORE_STORE_DIGEST_H
#define DCPG_STORE_STORE_DIGEST_H

#include <dcpg/log.h>
#include <dcpg/store.h>

typedef enum store_digest_part {
    STORE_DIGEST_CHROMOSOMES, /* names and lengths */
    STORE_DIGEST_BASES,
    STORE_DIGEST_POSITIONS,
    STORE_DIGEST_SITES,
    STORE_DIGEST_CELLS, /* names */
    STORE_DIGEST_CALLS, /* which positions were observed, and their states and values */
    STORE_DIGEST_BULK,  /* names of the profiles, and their values */
    STORE_DIGESTS
} store_digest_part;

typedef struct store_digest {
    uint64_t part[STORE_DIGESTS];
} store_digest;

/* A cell's terms: from words [first, first + n) of its bitmaps, and from its values at positions [0, n), NaN
 * where there are none. Pure, as are all functions below except the last two. */
uint64_t dcpg_store_digest_bits(const char *cell, int64_t first, int64_t n, const uint64_t *observed,
                                const uint64_t *state);
uint64_t dcpg_store_digest_values(const char *name, int64_t n, const float *value);

/* These set a part from data that all ranks hold in full. */
void dcpg_store_digest_genome(store_digest *digest, const dcpg_strings *chromo, const int64_t *length,
                              const dcpg_strings *md5);
void dcpg_store_digest_positions(store_digest *digest, int64_t nb_chromo, const int64_t *pos_offset,
                                 const int32_t *pos);
void dcpg_store_digest_site(store_digest *digest, int64_t number, int64_t index); /* adds one term */
void dcpg_store_digest_cells(store_digest *digest, const dcpg_strings *cells);

/* Sums over the ranks the parts to which each rank added its own terms; the other parts are the same on all
 * ranks already. Collective. */
void dcpg_store_digest_join_all(store_digest *digest, const dcpg_par *par);

/* "chromosomes:0123456789abcdef bases:..."; NULL when out of memory (dcpg_free). With `with_bulk` false the
 * bulk profiles are left out. */
char *dcpg_store_digest_text(const store_digest *digest, bool with_bulk);

/* The digests kept in the store or, for a store made by an older dcpg, computed from its content, which is
 * read for that, as the log says. Collective. */
dcpg_status dcpg_store_digest_of_all(const dcpg_store *store, dcpg_log *log, store_digest *digest,
                                     dcpg_err *err);

#endif
