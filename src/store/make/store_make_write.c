/* SPDX-License-Identifier: MIT */
/* Making a store, last step: writes everything to the file. Calls are written in slabs of cells, whole rows
 * of chunks that belong to one rank. */
#include "base/number.h"
#include "store/make/make_impl.h"
#include "store/store_layout.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <dcpg/version.h>
#include <math.h>
#include <string.h>

/* Bytes of memory for one slab of bitmaps or values, and for chromosomes whose bases are written together. */
static const int64_t SLAB_BYTES = 4 << 20, WINDOW_BYTES = 4 << 20;

/* Writes a small dataset that all ranks hold in full. Collective. */
static dcpg_status write_list(making *m, const char *path, dcpg_h5_type type, int64_t n, const void *data,
                              dcpg_err *err) {
    DCPG_TRY(dcpg_h5_make(m->file, path, &(dcpg_h5_shape){.type = type, .ndim = 1, .dim = {n}}, err));
    return dcpg_h5_write(m->file, path, type, NULL, data, err);
}

/* ---- genome ---- */

/* Writes the offsets of the chromosomes in the packed bases; `total`: bytes of all. Collective. */
static dcpg_status write_base_offsets(making *m, int64_t *total, dcpg_err *err) {
    size_t n = m->chromos.name.n;
    int64_t *offset = dcpg_alloc(n + 1, sizeof *offset);
    dcpg_status status = offset ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", (n + 1) * sizeof *offset);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) {
        for (size_t c = 0; c < n; c++) offset[c + 1] = offset[c] + store_base_bytes(m->chromos.length[c]);
        *total = offset[n];
        status = write_list(m, STORE_BASE_OFFSET, DCPG_H5_I64, (int64_t)n + 1, offset, err);
    }
    dcpg_free(offset);
    return status;
}

/* Chromosomes [from, to) whose packed bases are written together: `bytes` bytes from byte `at` on. */
typedef struct window {
    int from, to;
    int64_t at, bytes;
} window;

/* Takes as many chromosomes, starting with `from`, as fit into WINDOW_BYTES, but at least one. */
static window next_window(const making *m, int from, int64_t at) {
    window w = {from, from, at, 0};
    while (w.to < (int)m->chromos.name.n &&
           (w.to == from || w.bytes + store_base_bytes(m->chromos.length[w.to]) <= WINDOW_BYTES))
        w.bytes += store_base_bytes(m->chromos.length[w.to++]);
    return w;
}

/* Copies this rank's bases of the window, one chromosome after the other, unless `own` is NULL; returns their
 * bytes. */
static int64_t copy_own(const making *m, const window *w, const int64_t *held_of, uint8_t *own) {
    int64_t used = 0;
    for (int c = w->from; c < w->to; c++) {
        if (held_of[c] < 0) continue;
        int64_t bytes = store_base_bytes(m->chromos.length[c]);
        if (own) memcpy(own + used, m->chromos.held[held_of[c]].sequence.packed, (size_t)bytes);
        used += bytes;
    }
    return used;
}

/* Puts the bases received, which are in rank order, in the order of the chromosomes. next[size]: scratch. */
static void lay_out(const making *m, const window *w, const uint8_t *sent, const size_t *bytes_of,
                    size_t *next, uint8_t *bases) {
    next[0] = 0;
    for (int r = 1; r < m->par->size; r++) next[r] = next[r - 1] + bytes_of[r - 1];
    for (int c = w->from; c < w->to; c++) {
        size_t bytes = (size_t)store_base_bytes(m->chromos.length[c]);
        memcpy(bases, sent + next[m->chromos.owner[c]], bytes);
        next[m->chromos.owner[c]] += bytes;
        bases += bytes;
    }
}

/* Many short chromosomes: rank 0 collects the bases and writes them. scratch[3 * size], zeroed before the
 * first call. Collective. */
static dcpg_status write_window(making *m, const window *w, const int64_t *held_of, size_t *scratch,
                                dcpg_err *err) {
    size_t size = (size_t)m->par->size, *at = scratch, *bytes = scratch + size,
           *bytes_of = scratch + 2 * size;
    bool writer = m->par->rank == 0;
    bytes[0] = (size_t)copy_own(m, w, held_of, NULL);
    uint8_t *own = dcpg_alloc(bytes[0], 1), *bases = dcpg_alloc(writer ? (size_t)w->bytes : 0, 1);
    void *sent = NULL;
    dcpg_status status = own && bases ? DCPG_OK : dcpg_fail_nomem(err, "bases", (size_t)w->bytes);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) {
        copy_own(m, w, held_of, own);
        status = dcpg_alltoallv_all(m->par, &(dcpg_par_parts){own, at, bytes}, &sent, bytes_of, err);
    }
    if (status == DCPG_OK && writer) lay_out(m, w, sent, bytes_of, at, bases);
    if (status == DCPG_OK)
        status = dcpg_h5_write(m->file, STORE_BASES, DCPG_H5_U8,
                               &(dcpg_h5_block){{w->at}, {writer ? w->bytes : 0}}, bases, err);
    memset(at, 0, size * sizeof *at);
    dcpg_free(sent);
    dcpg_free(own);
    dcpg_free(bases);
    return status;
}

/* A long chromosome is written by the rank that holds it. Collective. */
static dcpg_status write_chromo(making *m, const window *w, int64_t held, dcpg_err *err) {
    const dcpg_h5_block block = {{w->at}, {held >= 0 ? w->bytes : 0}};
    return dcpg_h5_write(m->file, STORE_BASES, DCPG_H5_U8, &block,
                         held >= 0 ? m->chromos.held[held].sequence.packed : NULL, err);
}

static dcpg_status write_bases(making *m, int64_t total, dcpg_err *err) {
    int n = (int)m->chromos.name.n;
    int64_t *held_of = dcpg_alloc((size_t)n, sizeof *held_of);
    size_t *scratch = dcpg_alloc(3 * (size_t)m->par->size, sizeof *scratch);
    dcpg_status status = held_of && scratch ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", (size_t)n * 8);
    status = dcpg_agree_all(m->par, status, err);
    for (int c = 0; c < n && status == DCPG_OK; c++) held_of[c] = -1;
    for (int64_t i = 0; i < m->chromos.nb_held && status == DCPG_OK; i++)
        if (m->chromos.held[i].chromo >= 0) held_of[m->chromos.held[i].chromo] = i;
    if (status == DCPG_OK)
        status = dcpg_h5_make(m->file, STORE_BASES,
                              &(dcpg_h5_shape){.type = DCPG_H5_U8, .ndim = 1, .dim = {total}}, err);
    for (window w = {0}; w.to < n && status == DCPG_OK;) {
        w = next_window(m, w.to, w.at + w.bytes);
        status = w.to - w.from == 1 ? write_chromo(m, &w, held_of[w.from], err)
                                    : write_window(m, &w, held_of, scratch, err);
    }
    dcpg_free(held_of);
    dcpg_free(scratch);
    return status;
}

static dcpg_status write_genome(making *m, dcpg_err *err) {
    int64_t n = (int64_t)m->chromos.name.n, total = 0;
    dcpg_status status = DCPG_OK;
    while (m->chromos.md5.n < m->chromos.name.n && status == DCPG_OK)
        status = dcpg_strings_add(&m->chromos.md5, "", err); /* no DNA */
    DCPG_TRY(dcpg_agree_all(m->par, status, err));
    dcpg_store_digest_genome(&m->digest, &m->chromos.name, m->chromos.length, &m->chromos.md5);
    DCPG_TRY(dcpg_h5_write_strings(m->file, STORE_CHROMO, &m->chromos.name, err));
    DCPG_TRY(dcpg_h5_write_strings(m->file, STORE_MD5, &m->chromos.md5, err));
    if (m->chromos.fasta_name.n == m->chromos.name.n)
        DCPG_TRY(dcpg_h5_write_strings(m->file, STORE_FASTA_NAME, &m->chromos.fasta_name, err));
    DCPG_TRY(write_list(m, STORE_LENGTH, DCPG_H5_I64, n, m->chromos.length, err));
    DCPG_TRY(write_base_offsets(m, &total, err));
    DCPG_TRY(write_list(m, STORE_RUN_OFFSET, DCPG_H5_I64, n + 1, m->chromos.run_offset, err));
    DCPG_TRY(dcpg_h5_make(
        m->file, STORE_RUNS,
        &(dcpg_h5_shape){.type = DCPG_H5_I64, .ndim = 2, .dim = {m->chromos.run_offset[n], 2}}, err));
    DCPG_TRY(dcpg_h5_write(m->file, STORE_RUNS, DCPG_H5_I64, NULL, m->chromos.run, err));
    return total > 0 ? write_bases(m, total, err) : DCPG_OK;
}

/* ---- positions ---- */

/* This rank's slice of a list of n elements: whole chunks. */
static dcpg_h5_block own_chunks(const making *m, int64_t n, int64_t chunk) {
    int64_t chunks = ceil_div(n, chunk);
    int64_t from = dcpg_part(chunks, m->par->rank, m->par->size) * chunk,
            to = dcpg_part(chunks, m->par->rank + 1, m->par->size) * chunk;
    return (dcpg_h5_block){{min_i64(from, n)}, {min_i64(to, n) - min_i64(from, n)}};
}

static dcpg_status write_sites(making *m, dcpg_err *err) {
    int64_t *index = dcpg_alloc((size_t)m->positions.nb_site, sizeof *index);
    dcpg_status status =
        index ? DCPG_OK
              : dcpg_fail_nomem(err, "sites", (unsigned long long)m->positions.nb_site * sizeof *index);
    status = dcpg_agree_all(m->par, status, err);
    for (int64_t i = 0, s = 0; i < m->positions.n && status == DCPG_OK; i++) {
        if (m->positions.is_site[i]) index[s++] = i;
    }
    dcpg_h5_shape shape = {.type = DCPG_H5_I64,
                           .ndim = 1,
                           .dim = {m->positions.nb_site},
                           .chunk = {STORE_POS_CHUNK},
                           .deflate = DCPG_STORE_DEFLATE};
    dcpg_h5_block block = own_chunks(m, m->positions.nb_site, STORE_POS_CHUNK);
    if (status == DCPG_OK) status = dcpg_h5_make(m->file, STORE_SITES, &shape, err);
    if (status == DCPG_OK)
        status = dcpg_h5_write(m->file, STORE_SITES, DCPG_H5_I64, &block, index + block.start[0], err);
    dcpg_free(index);
    return status;
}

static dcpg_status write_positions(making *m, dcpg_err *err) {
    dcpg_store_digest_positions(&m->digest, (int64_t)m->chromos.name.n, m->positions.offset,
                                m->positions.pos);
    for (int64_t i = 0, s = 0; i < m->positions.n; i++)
        if (m->positions.nb_site == m->positions.n || m->positions.is_site[i])
            dcpg_store_digest_site(&m->digest, s++, i);
    dcpg_h5_shape shape = {.type = DCPG_H5_I32,
                           .ndim = 1,
                           .dim = {m->positions.n},
                           .chunk = {STORE_POS_CHUNK},
                           .deflate = DCPG_STORE_DEFLATE};
    dcpg_h5_block block = own_chunks(m, m->positions.n, STORE_POS_CHUNK);
    DCPG_TRY(dcpg_h5_make(m->file, STORE_POS, &shape, err));
    DCPG_TRY(dcpg_h5_write(m->file, STORE_POS, DCPG_H5_I32, &block, m->positions.pos + block.start[0], err));
    DCPG_TRY(write_list(m, STORE_POS_OFFSET, DCPG_H5_I64, (int64_t)m->chromos.name.n + 1, m->positions.offset,
                        err));
    return m->positions.nb_site < m->positions.n ? write_sites(m, err) : DCPG_OK;
}

/* ---- calls ---- */

/* An iterator over the calls of a cell on a chromosome that finds the index of each position. */
typedef struct walk {
    const making *m;
    unpacking u;
    int64_t index, end; /* positions [index, end) can still come */
} walk;

static walk start_walk(const making *m, const packed_calls *calls) {
    return (walk){m, dcpg_start_unpacking(calls), m->positions.offset[calls->chromo],
                  m->positions.offset[calls->chromo + 1]};
}

/* Finds the position of the next call, which is in the list, by galloping search (steps that double). */
static bool next_call(walk *w) {
    if (!dcpg_unpack_call(&w->u)) return false;
    const int32_t *pos = w->m->positions.pos, wanted = w->u.pos;
    int64_t low = w->index, step = 1; /* pos[low] <= wanted */
    while (low + step < w->end && pos[low + step] <= wanted) {
        low += step;
        step *= 2;
    }
    int64_t high = min_i64(low + step, w->end);
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (pos[middle] <= wanted)
            low = middle;
        else
            high = middle;
    }
    assert(pos[low] == wanted);
    w->index = low;
    return true;
}

static void set_bits(const making *m, const packed_cell *cell, uint64_t *observed, uint64_t *state) {
    for (int c = 0; c < cell->nb_chromo; c++) {
        walk w = start_walk(m, &cell->chromo[c]);
        while (next_call(&w)) {
            observed[w.index / 64] |= UINT64_C(1) << w.index % 64;
            state[w.index / 64] |= (uint64_t)w.u.state << w.index % 64;
        }
    }
}

/* Counts the observed positions of a cell in each group of STORE_WORD_CHUNK words. */
static void count_bits(int64_t words, const uint64_t *observed, int32_t *count) {
    for (int64_t w = 0; w < words; w++) count[w / STORE_WORD_CHUNK] += __builtin_popcountll(observed[w]);
}

/* Bitmaps of as many cells as are written together. */
typedef struct slab {
    uint64_t *observed, *state; /* [cells][words] */
    int32_t *count;             /* [cells][store_counts] */
} slab;

/* Writes cells [from, to) of this rank from `s`, which is zeroed. Collective. */
static dcpg_status write_slab(making *m, const slab *s, int64_t from, int64_t to, dcpg_err *err) {
    int64_t words = store_words(m->positions.n), counts = store_counts(m->positions.n);
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = from; i < to; i++) {
        uint64_t *observed = s->observed + (i - from) * words, *state = s->state + (i - from) * words;
        set_bits(m, &m->cells.packed[i], observed, state);
        count_bits(words, observed, s->count + (i - from) * counts);
    }
    for (int64_t i = from; i < to; i++)
        m->digest.part[STORE_DIGEST_CALLS] +=
            dcpg_store_digest_bits(m->cells.files.name.v[m->cells.first + i], 0, words,
                                   s->observed + (i - from) * words, s->state + (i - from) * words);
    dcpg_h5_block block = {{from < to ? m->cells.first + from : 0, 0}, {to - from, words}};
    DCPG_TRY(dcpg_h5_write(m->file, STORE_OBSERVED, DCPG_H5_U64, &block, s->observed, err));
    DCPG_TRY(dcpg_h5_write(m->file, STORE_STATE, DCPG_H5_U64, &block, s->state, err));
    block.count[1] = counts;
    return dcpg_h5_write(m->file, STORE_COUNT, DCPG_H5_I32, &block, s->count, err);
}

/* Number of cells in a slab: whole chunks. */
static int64_t slab_rows(const making *m, int64_t row_bytes, int64_t rows) {
    int64_t chunks = SLAB_BYTES / (row_bytes * rows);
    return min_i64((chunks > 0 ? chunks : 1) * rows, nb_own(m));
}

static dcpg_status write_bitmaps(making *m, dcpg_err *err) {
    int64_t words = store_words(m->positions.n), n = nb_own(m),
            rows = slab_rows(m, 2 * 8 * words, m->cells.rows_per_chunk);
    dcpg_h5_shape shape = {.type = DCPG_H5_U64,
                           .ndim = 2,
                           .dim = {m->cells.n, words},
                           .chunk = {m->cells.rows_per_chunk, min_i64(words, STORE_WORD_CHUNK)},
                           .deflate = DCPG_STORE_DEFLATE};
    DCPG_TRY(dcpg_h5_make(m->file, STORE_OBSERVED, &shape, err));
    DCPG_TRY(dcpg_h5_make(m->file, STORE_STATE, &shape, err));
    DCPG_TRY(dcpg_h5_make(
        m->file, STORE_COUNT,
        &(dcpg_h5_shape){.type = DCPG_H5_I32, .ndim = 2, .dim = {m->cells.n, store_counts(m->positions.n)}},
        err));
    size_t bytes = (size_t)(rows * words) * sizeof(uint64_t),
           count_bytes = (size_t)(rows * store_counts(m->positions.n)) * sizeof(int32_t);
    slab s = {dcpg_alloc(bytes, 1), dcpg_alloc(bytes, 1), dcpg_alloc(count_bytes, 1)};
    dcpg_status status =
        s.observed && s.state && s.count ? DCPG_OK : dcpg_fail_nomem(err, "calls", 2 * bytes);
    status = dcpg_agree_all(m->par, status, err);
    int64_t rounds = rows > 0 ? ceil_div(n, rows) : 0;
    rounds = dcpg_max_i64_all(m->par, rounds);
    for (int64_t i = 0; i < rounds && status == DCPG_OK; i++) {
        if (i > 0) memset(s.observed, 0, bytes);
        if (i > 0) memset(s.state, 0, bytes);
        if (i > 0) memset(s.count, 0, count_bytes);
        status = write_slab(m, &s, min_i64(i * rows, n), min_i64((i + 1) * rows, n), err);
    }
    dcpg_free(s.count);
    dcpg_free(s.observed);
    dcpg_free(s.state);
    return status;
}

/* ---- values of cells that are not binary ---- */

static void set_values(const making *m, const packed_cell *cell, float *row) {
    const float *value = cell->value;
    for (int64_t i = 0; i < m->positions.n; i++) row[i] = NAN;
    for (int c = 0; c < cell->nb_chromo; c++) {
        walk w = start_walk(m, &cell->chromo[c]);
        while (next_call(&w)) row[w.index] = *value++;
    }
}

/* Writes the values of this rank's cells own[n], which start at row `first` of the dataset. Collective. */
static dcpg_status write_value_rows(making *m, int64_t first, int64_t n, const packed_cell *const *own,
                                    dcpg_err *err) {
    int64_t rows = slab_rows(m, 4 * m->positions.n, 1);
    float *row = dcpg_alloc((size_t)rows, (size_t)m->positions.n * sizeof *row);
    dcpg_status status =
        row ? DCPG_OK
            : dcpg_fail_nomem(err, "values", (unsigned long long)(rows * m->positions.n) * sizeof *row);
    status = dcpg_agree_all(m->par, status, err);
    int64_t rounds = rows > 0 ? ceil_div(n, rows) : 0;
    rounds = dcpg_max_i64_all(m->par, rounds);
    for (int64_t i = 0; i < rounds && status == DCPG_OK; i++) {
        int64_t from = min_i64(i * rows, n), to = min_i64((i + 1) * rows, n);
#pragma omp parallel for schedule(dynamic, 1)
        for (int64_t k = from; k < to; k++) set_values(m, own[k], row + (k - from) * m->positions.n);
        for (int64_t k = from; k < to; k++)
            m->digest.part[STORE_DIGEST_CALLS] +=
                dcpg_store_digest_values(m->cells.files.name.v[m->cells.first + (own[k] - m->cells.packed)],
                                         m->positions.n, row + (k - from) * m->positions.n);
        dcpg_h5_block block = {{from < to ? first + from : 0, 0}, {to - from, m->positions.n}};
        status = dcpg_h5_write(m->file, STORE_VALUE, DCPG_H5_F32, &block, row, err);
    }
    dcpg_free(row);
    return status;
}

/* all[nb]: the cells that are not binary. Collective. */
static dcpg_status write_values(making *m, const int64_t *all, int64_t nb, dcpg_err *err) {
    int64_t first = 0, n = 0;
    const packed_cell **own = dcpg_alloc((size_t)nb_own(m), sizeof *own);
    dcpg_status status =
        own ? DCPG_OK : dcpg_fail_nomem(err, "cells", (unsigned long long)nb_own(m) * sizeof *own);
    status = dcpg_agree_all(m->par, status, err);
    for (int64_t k = 0; k < nb && status == DCPG_OK; k++) {
        if (all[k] < m->cells.first)
            first++;
        else if (all[k] < m->cells.end)
            own[n++] = &m->cells.packed[all[k] - m->cells.first];
    }
    dcpg_h5_shape shape = {.type = DCPG_H5_F32,
                           .ndim = 2,
                           .dim = {nb, m->positions.n},
                           .chunk = {1, min_i64(m->positions.n, STORE_VALUE_CHUNK)},
                           .deflate = DCPG_STORE_DEFLATE};
    if (status == DCPG_OK) status = write_list(m, STORE_VALUE_CELL, DCPG_H5_I64, nb, all, err);
    if (status == DCPG_OK) status = dcpg_h5_make(m->file, STORE_VALUE, &shape, err);
    if (status == DCPG_OK) status = write_value_rows(m, first, n, own, err);
    dcpg_free(own);
    return status;
}

/* Writes the datasets of all cells. number[nb_cell] (of calls) and is_binary[nb_cell] come zeroed: each rank
 * fills in its own cells, and the ranks' arrays are summed. binary[nb_cell]: scratch. Collective. */
static dcpg_status write_cells(making *m, int64_t *number, int64_t *is_binary, uint8_t *binary,
                               dcpg_err *err) {
    for (int64_t i = 0; i < nb_own(m); i++) {
        number[m->cells.first + i] = m->cells.packed[i].n;
        is_binary[m->cells.first + i] = m->cells.packed[i].binary;
    }
    dcpg_sum_i64s_all(m->par, number, (size_t)m->cells.n);
    dcpg_sum_i64s_all(m->par, is_binary, (size_t)m->cells.n);
    for (int64_t i = 0; i < m->cells.n; i++) binary[i] = is_binary[i] != 0;
    DCPG_TRY(dcpg_h5_write_strings(m->file, STORE_CELLS, &m->cells.files.name, err));
    DCPG_TRY(write_list(m, STORE_BINARY, DCPG_H5_U8, m->cells.n, binary, err));
    DCPG_TRY(write_list(m, STORE_NB_CALL, DCPG_H5_I64, m->cells.n, number, err));
    DCPG_TRY(write_bitmaps(m, err));
    int64_t *continuous = number, nb = 0; /* `number` has been written and can be reused */
    for (int64_t i = 0; i < m->cells.n; i++) {
        if (!binary[i]) continuous[nb++] = i;
    }
    return nb > 0 ? write_values(m, continuous, nb, err) : DCPG_OK;
}

static dcpg_status write_all_cells(making *m, dcpg_err *err) {
    size_t n = (size_t)m->cells.n;
    int64_t *number = dcpg_alloc(2 * n, sizeof *number);
    uint8_t *binary = dcpg_alloc(n, 1);
    dcpg_status status = number && binary ? DCPG_OK : dcpg_fail_nomem(err, "cells", 2 * n * sizeof *number);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) status = write_cells(m, number, number + n, binary, err);
    dcpg_free(number);
    dcpg_free(binary);
    return status;
}

/* Records how the sites were chosen, for appending to the store later. */
static dcpg_status write_manner(making *m, dcpg_err *err) {
    const dcpg_store_options *o = m->options;
    bool sampled = o->nb_sample_chromo > 0 || o->nb_sample > 0,
         chosen = targets_of(m) || sampled || m->positions.every_cg;
    if (m->positions.every_cg && !sampled)
        DCPG_TRY(dcpg_h5_write_attr_string(m->file, "/", STORE_MANNER, "all", err));
    DCPG_TRY(dcpg_h5_write_attr_i64(m->file, "/", STORE_CPG_COV, chosen ? 0 : o->cpg_cov, err));
    if (m->dna.alike.n > 0)
        DCPG_TRY(dcpg_h5_write_attr_strings(m->file, "/", STORE_ALIKE, &m->dna.alike, err));
    return m->wanted.n > 0 ? dcpg_h5_write_attr_strings(m->file, "/", STORE_CHROMOS, &m->wanted, err)
                           : DCPG_OK;
}

static dcpg_status write_digest(making *m, dcpg_err *err) {
    dcpg_store_digest_cells(&m->digest, &m->cells.files.name);
    dcpg_store_digest_join_all(&m->digest, m->par);
    char *text = dcpg_store_digest_text(&m->digest, true);
    dcpg_status status =
        dcpg_agree_all(m->par, text ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", STORE_DIGESTS * 32), err);
    if (status == DCPG_OK) status = dcpg_h5_write_attr_string(m->file, "/", STORE_DIGEST, text, err);
    dcpg_free(text);
    return status;
}

dcpg_status dcpg_make_write_all(making *m, dcpg_err *err) {
    DCPG_TRY(dcpg_h5_write_attr_string(m->file, "/", "format", STORE_FORMAT, err));
    DCPG_TRY(dcpg_h5_write_attr_i64(m->file, "/", "version", STORE_VERSION, err));
    DCPG_TRY(dcpg_h5_write_attr_string(m->file, "/", "program", "dcpg " DCPG_VERSION, err));
    DCPG_TRY(dcpg_h5_write_attr_string(m->file, "/", "command",
                                       m->options->command ? m->options->command : "", err));
    DCPG_TRY(write_manner(m, err));
    DCPG_TRY(write_genome(m, err));
    DCPG_TRY(write_positions(m, err));
    DCPG_TRY(write_all_cells(m, err));
    DCPG_TRY(dcpg_make_extras_all(m, err));
    return write_digest(m, err);
}
