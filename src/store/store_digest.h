/* SPDX-License-Identifier: MIT */
/* Digests of a store's content: what tells its values from others, kept in the store as an attribute. Each is
 * a sum, modulo 2^64, of one mixed number per element, so that any share of the elements among ranks, and any
 * order, gives the same. Notices what people change, not what somebody forges. */
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
    STORE_DIGEST_BULK,  /* profiles, names and values */
    STORE_DIGESTS
} store_digest_part;

typedef struct store_digest {
    uint64_t part[STORE_DIGESTS];
} store_digest;

/* The terms of a cell's rows: words [first, first + n) of its bitmaps; its values, NaN where there are none,
 * of positions [0, n). Pure, as all below but the last two. */
uint64_t store_digest_bits(const char *cell, int64_t first, int64_t n, const uint64_t *observed,
                           const uint64_t *state);
uint64_t store_digest_values(const char *name, int64_t n, const float *value);

/* Lists of which all ranks have everything: sets the part. */
void store_digest_genome(store_digest *digest, const dcpg_strings *chromo, const int64_t *length,
                         const dcpg_strings *md5);
void store_digest_positions(store_digest *digest, int64_t nb_chromo, const int64_t *pos_offset,
                            const int32_t *pos);
void store_digest_site(store_digest *digest, int64_t number, int64_t index); /* adds one */
void store_digest_cells(store_digest *digest, const dcpg_strings *cells);

/* Parts of which each rank has added its own terms become those of all; the others are the same everywhere.
 * Collective. */
void store_digest_join_all(store_digest *digest, const dcpg_par *par);

/* "chromosomes:0123456789abcdef bases:..."; NULL when out of memory (dcpg_free). With `with_bulk` false the
 * bulk profiles are left out. */
char *store_digest_text(const store_digest *digest, bool with_bulk);

/* The digests of a store: those that it keeps, or, in stores that older dcpg's made, those of its content,
 * which is read for it, told in the log. Collective. */
dcpg_status store_digest_of_all(const dcpg_store *store, dcpg_log *log, store_digest *digest, dcpg_err *err);

#endif
