/* SPDX-License-Identifier: MIT */
/* Computes the digests of a store, as text and, for stores of older versions, from its content. */
#include "store/store_digest.h"
#include "base/number.h"
#include "store/store_layout.h"
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const char *const part_names[STORE_DIGESTS] = {"chromosomes", "bases", "positions", "sites",
                                                      "cells",       "calls", "bulk"};

/* ---- terms ---- */

uint64_t dcpg_store_digest_bits(const char *cell, int64_t first, int64_t n, const uint64_t *observed,
                                const uint64_t *state) {
    uint64_t sum = 0, name = dcpg_hash(cell);
    for (int64_t i = 0; i < n; i++)
        if (observed[i])
            sum += dcpg_mix(dcpg_mix(name ^ (uint64_t)(first + i), observed[i]), state[i] & observed[i]);
    return sum;
}

uint64_t dcpg_store_digest_values(const char *name, int64_t n, const float *value) {
    uint64_t sum = 0, of = dcpg_mix(dcpg_hash(name), 1);
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &value[i], sizeof bits);
        if (!isnan(value[i])) sum += dcpg_mix(of ^ (uint64_t)i, bits);
    }
    return sum;
}

void dcpg_store_digest_genome(store_digest *digest, const dcpg_strings *chromo, const int64_t *length,
                              const dcpg_strings *md5) {
    uint64_t chromosomes = 0, bases = 0;
    for (size_t c = 0; c < chromo->n; c++) {
        chromosomes = dcpg_mix(dcpg_mix(chromosomes, dcpg_hash(chromo->v[c])), (uint64_t)length[c]);
        bases = dcpg_mix(bases, dcpg_hash(md5->v[c]));
    }
    digest->part[STORE_DIGEST_CHROMOSOMES] = chromosomes;
    digest->part[STORE_DIGEST_BASES] = bases;
}

void dcpg_store_digest_positions(store_digest *digest, int64_t nb_chromo, const int64_t *pos_offset,
                                 const int32_t *pos) {
    uint64_t sum = 0;
    for (int64_t c = 0; c < nb_chromo; c++)
        for (int64_t i = pos_offset[c]; i < pos_offset[c + 1]; i++)
            sum += dcpg_mix(dcpg_mix((uint64_t)c, (uint64_t)i), (uint64_t)pos[i]);
    digest->part[STORE_DIGEST_POSITIONS] = sum;
}

void dcpg_store_digest_site(store_digest *digest, int64_t number, int64_t index) {
    digest->part[STORE_DIGEST_SITES] += dcpg_mix((uint64_t)number, (uint64_t)index);
}

void dcpg_store_digest_cells(store_digest *digest, const dcpg_strings *cells) {
    uint64_t sum = 0;
    for (size_t i = 0; i < cells->n; i++) sum = dcpg_mix(sum, dcpg_hash(cells->v[i]));
    digest->part[STORE_DIGEST_CELLS] = sum;
}

void dcpg_store_digest_join_all(store_digest *digest, const dcpg_par *par) {
    int64_t sums[2];
    memcpy(&sums[0], &digest->part[STORE_DIGEST_CALLS], sizeof *sums);
    memcpy(&sums[1], &digest->part[STORE_DIGEST_BULK], sizeof *sums);
    dcpg_sum_i64s_all(par, sums, 2);
    memcpy(&digest->part[STORE_DIGEST_CALLS], &sums[0], sizeof *sums);
    memcpy(&digest->part[STORE_DIGEST_BULK], &sums[1], sizeof *sums);
}

/* ---- text ---- */

char *dcpg_store_digest_text(const store_digest *digest, bool with_bulk) {
    char text[STORE_DIGESTS * 40];
    size_t used = 0;
    for (int i = 0; i < STORE_DIGESTS; i++) {
        if (i == STORE_DIGEST_BULK && !with_bulk) continue;
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s:%016" PRIx64, used ? " " : "",
                                 part_names[i], digest->part[i]);
    }
    return dcpg_strdup(text);
}

/* Returns false if the text was not made by dcpg_store_digest_text. */
static bool parse(const char *text, store_digest *digest) {
    for (int i = 0; i < STORE_DIGESTS; i++) {
        size_t length = strlen(part_names[i]);
        char *end = NULL;
        text += *text == ' ';
        if (strncmp(text, part_names[i], length) != 0 || text[length] != ':') return false;
        if (strspn(text + length + 1, "0123456789abcdef") != 16) return false;
        digest->part[i] = strtoull(text + length + 1, &end, 16);
        text = end;
    }
    return *text == '\0';
}

/* ---- digests of an old store ---- */

/* Bytes of the rows that are read at a time. */
static const int64_t BLOCK_BYTES = 8 << 20;

typedef struct reading {
    const dcpg_store *store;
    dcpg_h5 *file;
    store_digest *digest;
} reading;

/* Memory for `count` elements; NULL on all ranks if one is out of memory. Collective. */
static void *alloc_all(const reading *r, int64_t count, size_t size, dcpg_err *err) {
    void *memory = dcpg_alloc((size_t)count, size);
    dcpg_status status =
        memory ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", (unsigned long long)count * size);
    if (dcpg_agree_all(r->store->par, status, err) == DCPG_OK) return memory;
    dcpg_free(memory);
    return NULL;
}

static dcpg_status read_lists_all(const reading *r, dcpg_err *err) {
    const dcpg_store *s = r->store;
    dcpg_strings md5 = {0};
    DCPG_TRY(dcpg_h5_read_strings(r->file, STORE_MD5, &md5, err));
    dcpg_status status =
        md5.n == s->chromo.n ? DCPG_OK : dcpg_store_fail_damaged(s, STORE_MD5, "has a wrong extent", err);
    if (status == DCPG_OK) dcpg_store_digest_genome(r->digest, &s->chromo, s->length, &md5);
    dcpg_strings_free(&md5);
    DCPG_TRY(status);
    int32_t *pos = alloc_all(r, s->nb_pos, sizeof *pos, err);
    if (!pos) return DCPG_E_NOMEM;
    status = dcpg_h5_read(r->file, STORE_POS, DCPG_H5_I32, NULL, pos, err);
    if (status == DCPG_OK) dcpg_store_digest_positions(r->digest, s->nb_chromo, s->pos_offset, pos);
    dcpg_free(pos);
    return status;
}

static dcpg_status read_sites_all(const reading *r, dcpg_err *err) {
    const dcpg_store *s = r->store;
    int64_t *site = s->all_sites ? NULL : alloc_all(r, s->nb_site, sizeof *site, err);
    if (!s->all_sites && !site) return DCPG_E_NOMEM;
    dcpg_status status = site ? dcpg_h5_read(r->file, STORE_SITES, DCPG_H5_I64, NULL, site, err) : DCPG_OK;
    for (int64_t i = 0; i < s->nb_site && status == DCPG_OK; i++)
        dcpg_store_digest_site(r->digest, i, site ? site[i] : i);
    dcpg_free(site);
    return status;
}

/* Each rank reads its own cells [first, end); all ranks do the same number of rounds. Collective. */
static dcpg_status read_bits_all(const reading *r, dcpg_err *err) {
    const dcpg_store *s = r->store;
    int64_t n = (int64_t)s->cells.n, words = store_words(s->nb_pos), rows = BLOCK_BYTES / (16 * words);
    int64_t first = dcpg_part(n, s->par->rank, s->par->size),
            end = dcpg_part(n, s->par->rank + 1, s->par->size);
    if (rows < 1) rows = 1;
    if (rows > n) rows = n;
    uint64_t *bits = alloc_all(r, 2 * rows * words, sizeof *bits, err);
    if (!bits) return DCPG_E_NOMEM;
    dcpg_status status = DCPG_OK;
    for (int64_t left = dcpg_max_i64_all(s->par, end - first); left > 0 && status == DCPG_OK; left -= rows) {
        int64_t some = min_i64(end - first, rows);
        const dcpg_h5_block block = {{some ? first : 0, 0}, {some, words}};
        uint64_t *observed = bits, *state = bits + rows * words;
        status = dcpg_h5_read(r->file, STORE_OBSERVED, DCPG_H5_U64, &block, observed, err);
        if (status == DCPG_OK) status = dcpg_h5_read(r->file, STORE_STATE, DCPG_H5_U64, &block, state, err);
        for (int64_t i = 0; i < some && status == DCPG_OK; i++)
            r->digest->part[STORE_DIGEST_CALLS] += dcpg_store_digest_bits(
                s->cells.v[first + i], 0, words, observed + i * words, state + i * words);
        first += some;
    }
    dcpg_free(bits);
    return status;
}

/* Rows of values, and the digest that they belong to. */
typedef struct value_rows {
    store_digest_part part;
    const char *path;
    int64_t n;
    const dcpg_strings *names;
    const int64_t *index; /* [n] of a row's name; NULL: the row's number */
} value_rows;

/* Each rank reads its slice of the rows. Collective. */
static dcpg_status read_values_all(const reading *r, const value_rows *rows, dcpg_err *err) {
    const dcpg_store *s = r->store;
    int64_t first = dcpg_part(rows->n, s->par->rank, s->par->size),
            end = dcpg_part(rows->n, s->par->rank + 1, s->par->size);
    if (rows->n == 0) return DCPG_OK;
    float *value = alloc_all(r, s->nb_pos, sizeof *value, err);
    if (!value) return DCPG_E_NOMEM;
    dcpg_status status = DCPG_OK;
    for (int64_t left = dcpg_max_i64_all(s->par, end - first); left > 0 && status == DCPG_OK; left--) {
        bool any = first < end;
        const dcpg_h5_block block = {{any ? first : 0, 0}, {any, s->nb_pos}};
        status = dcpg_h5_read(r->file, rows->path, DCPG_H5_F32, &block, value, err);
        if (any && status == DCPG_OK)
            r->digest->part[rows->part] += dcpg_store_digest_values(
                rows->names->v[rows->index ? rows->index[first] : first], s->nb_pos, value);
        first += any;
    }
    dcpg_free(value);
    return status;
}

static dcpg_status read_all(const reading *r, dcpg_err *err) {
    const dcpg_store *s = r->store;
    int64_t nb = 0, *cell = alloc_all(r, (int64_t)s->cells.n, sizeof *cell, err);
    if (!cell) return DCPG_E_NOMEM;
    for (int64_t i = 0; i < (int64_t)s->cells.n; i++)
        if (!s->binary[i]) cell[nb++] = i;
    const value_rows of_cells = {STORE_DIGEST_CALLS, STORE_VALUE, nb, &s->cells, cell},
                     of_bulk = {STORE_DIGEST_BULK, STORE_BULK_VALUE, (int64_t)s->bulk.n, &s->bulk, NULL};
    dcpg_store_digest_cells(r->digest, &s->cells);
    dcpg_status status = read_lists_all(r, err);
    if (status == DCPG_OK) status = read_sites_all(r, err);
    if (status == DCPG_OK) status = read_bits_all(r, err);
    if (status == DCPG_OK) status = read_values_all(r, &of_cells, err);
    if (status == DCPG_OK) status = read_values_all(r, &of_bulk, err);
    if (status == DCPG_OK) dcpg_store_digest_join_all(r->digest, s->par);
    dcpg_free(cell);
    return status;
}

dcpg_status dcpg_store_digest_of_all(const dcpg_store *store, dcpg_log *log, store_digest *digest,
                                     dcpg_err *err) {
    reading r = {.store = store, .digest = digest};
    *digest = (store_digest){0};
    if (store->digest && parse(store->digest, digest)) return DCPG_OK;
    *digest = (store_digest){0};
    dcpg_info(log,
              "%s was made by an older dcpg and keeps no checksum of its calls: they are read for it, once a "
              "run",
              store->path);
    DCPG_TRY(dcpg_h5_open(store->path, store->par, &r.file, err));
    dcpg_status status = read_all(&r, err);
    dcpg_h5_close(r.file);
    return status;
}
