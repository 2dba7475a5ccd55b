/* SPDX-License-Identifier: MIT */
/* Loads calls. The file holds one row per cell, memory one row per 64 positions, so that all cells of a
 * position lie side by side. The file is read in columns as wide as its chunks, all rows at once: the number
 * of reads does not depend on the number of cells. */
#include "base/number.h"
#include "store/span.h"
#include "store/store_layout.h"
#include <dcpg/memory.h>

/* A column of bitmaps being loaded. */
typedef struct column {
    const dcpg_span_want *want;
    dcpg_h5 *file;
    dcpg_span *span;
    dcpg_far *far;     /* [2] */
    int64_t low, high; /* positions [low, high) of the span's chromosomes */
    int32_t *count;    /* [nb_list][nb_count] calls in each column; NULL: the store has no counts */
    int64_t count_first, nb_count;
    uint64_t *bits; /* [rows][STORE_WORD_CHUNK] */
    int32_t *pos;   /* [64 * STORE_WORD_CHUNK] */
    bool damaged;
} column;

/* A block of bitmaps: words [first, end) of rows [row, row + rows). */
typedef struct block {
    int64_t first, end, row, rows;
} block;

/* The bitmap of a cell, from word `first` on. */
typedef struct bitmap {
    const uint64_t *word;
    int64_t first;
} bitmap;

/* Bits of a word that belong to positions [low, high). */
static uint64_t inside(int64_t word, int64_t low, int64_t high) {
    int64_t from = max_i64(low - 64 * word, 0), to = min_i64(high - 64 * word, 64);
    if (from >= to) return 0;
    return ~UINT64_C(0) << from & ~UINT64_C(0) >> (64 - to);
}

/* ---- words of the span ---- */

static void take_observed(const column *c, const block *b, int64_t from, int64_t to) {
    const dcpg_span_want *want = c->want;
    int64_t width = b->end - b->first;
#pragma omp parallel for schedule(static)
    for (int64_t w = from; w < to; w++) {
        dcpg_call_word *row = c->span->calls + (w - c->span->word_first) * want->nb_cell;
        for (int64_t j = 0; j < want->nb_cell; j++)
            row[j].observed = c->bits[(want->cell[j] - b->row) * width + w - b->first];
    }
}

/* Like take_observed, for states; returns false where a state is set without a call, or a bit after the last
 * position. Calls on other chromosomes are dropped. */
static bool take_states(const column *c, const block *b, int64_t from, int64_t to) {
    const dcpg_span_want *want = c->want;
    uint64_t wrong = 0;
    int64_t width = b->end - b->first;
#pragma omp parallel for schedule(static) reduction(| : wrong)
    for (int64_t w = from; w < to; w++) {
        dcpg_call_word *row = c->span->calls + (w - c->span->word_first) * want->nb_cell;
        uint64_t beyond = ~inside(w, 0, want->store->nb_pos), own = inside(w, c->low, c->high);
        for (int64_t j = 0; j < want->nb_cell; j++) {
            row[j].state = c->bits[(want->cell[j] - b->row) * width + w - b->first];
            wrong |= (row[j].state & ~row[j].observed) | (row[j].observed & beyond);
            row[j].observed &= own;
            row[j].state &= own;
        }
    }
    return wrong == 0;
}

/* ---- calls outside the span's words ---- */

/* Adds the nearest calls of list j at positions [low, high), which lie on side `side` of the span (0: before,
 * 1: after), until there are enough. */
static void find_far(const column *c, int side, int64_t j, const bitmap *observed, int64_t low,
                     int64_t high) {
    dcpg_far *far = &c->far[side];
    int64_t half = c->want->nb_neighbour, word = side == 0 ? (high - 1) / 64 : low / 64,
            last = side == 0 ? low / 64 : (high - 1) / 64;
    for (; low < high && (side == 0 ? word >= last : word <= last) && far->found[j] < half;
         word += side == 0 ? -1 : 1) {
        uint64_t bits = observed->word[word - observed->first] & inside(word, low, high);
        for (; bits && far->found[j] < half; far->found[j]++) {
            int bit = side == 0 ? 63 - __builtin_clzll(bits) : __builtin_ctzll(bits);
            bits &= ~(UINT64_C(1) << bit);
            far->index[j * half + far->found[j]] = 64 * word + bit;
        }
    }
}

/* Fills in states and positions of the calls that list j found in this block, from number `from` on. */
static void fill_far(const column *c, int side, int64_t j, int64_t from, const bitmap *state) {
    dcpg_far *far = &c->far[side];
    for (int64_t i = from; i < far->found[j]; i++) {
        int64_t at = j * c->want->nb_neighbour + i, index = far->index[at];
        far->call[at] = (uint32_t)c->pos[index - 64 * state->first] << 1 |
                        (uint32_t)(state->word[index / 64 - state->first] >> index % 64 & 1);
    }
}

/* Handles the lists whose rows are in the block: finds calls if `found` is NULL, else fills in the calls
 * found since found[nb_list] was noted. */
static void go_far(const column *c, const block *b, int side, const int64_t *found) {
    const dcpg_span_want *want = c->want;
    int64_t low = side == 0 ? max_i64(c->low, 64 * b->first) : max_i64(64 * c->span->word_end, 64 * b->first);
    int64_t high = side == 0 ? min_i64(64 * c->span->word_first, 64 * b->end) : min_i64(c->high, 64 * b->end);
    if (low >= high) return;
#pragma omp parallel for schedule(static)
    for (int64_t j = 0; j < want->nb_list; j++) {
        int64_t row = want->cell[want->list_cell[j]] - b->row;
        if (row < 0 || row >= b->rows) continue;
        const bitmap bits = {c->bits + row * (b->end - b->first), b->first};
        if (found)
            fill_far(c, side, j, found[j], &bits);
        else
            find_far(c, side, j, &bits, low, high);
    }
}

/* ---- reading ---- */

/* Reads a block, takes the words of the span, and looks for calls outside them on the sides given by the bits
 * of `sides`. before[2 * nb_list]: scratch. A rank with an empty block takes part. Collective. */
static dcpg_status read_block_all(column *c, const block *b, int sides, int64_t *before, dcpg_err *err) {
    const dcpg_store *store = c->want->store;
    int64_t nb_list = c->want->nb_list, from = max_i64(b->first, c->span->word_first),
            to = min_i64(b->end, c->span->word_end);
    bool empty = b->first >= b->end;
    dcpg_h5_block at = {{empty ? 0 : b->row, b->first}, {empty ? 0 : b->rows, b->end - b->first}};
    for (int side = 0; side < 2; side++) {
        for (int64_t j = 0; j < nb_list; j++) before[side * nb_list + j] = c->far[side].found[j];
    }
    DCPG_TRY(dcpg_h5_read(c->file, STORE_OBSERVED, DCPG_H5_U64, &at, c->bits, err));
    take_observed(c, b, from, to);
    for (int side = 0; side < 2; side++) {
        if (sides >> side & 1) go_far(c, b, side, NULL);
    }
    DCPG_TRY(dcpg_h5_read(c->file, STORE_STATE, DCPG_H5_U64, &at, c->bits, err));
    if (!take_states(c, b, from, to)) c->damaged = true;
    int64_t first = min_i64(64 * b->first, store->nb_pos),
            end = sides ? min_i64(64 * b->end, store->nb_pos) : first;
    DCPG_TRY(
        dcpg_h5_read(c->file, STORE_POS, DCPG_H5_I32, &(dcpg_h5_block){{first}, {end - first}}, c->pos, err));
    for (int side = 0; side < 2; side++) {
        if (sides >> side & 1) go_far(c, b, side, before + side * nb_list);
    }
    return DCPG_OK;
}

/* All rows wanted of column `k`, clipped to the span's chromosomes. */
static block whole_column(const column *c, int64_t k) {
    const dcpg_span_want *want = c->want;
    int64_t row = want->cell[0], words = store_words(c->high);
    return (block){max_i64(k * STORE_WORD_CHUNK, c->low / 64), min_i64((k + 1) * STORE_WORD_CHUNK, words),
                   row, want->cell[want->nb_cell - 1] + 1 - row};
}

/* Reads the columns of the span's words; the outermost ones are also searched for calls outside the words.
 * Collective. */
static dcpg_status read_own_all(column *c, int64_t *scratch, dcpg_err *err) {
    const dcpg_span *span = c->span;
    bool far = c->want->nb_neighbour > 0 && c->want->nb_list > 0;
    int64_t first = span->word_first / STORE_WORD_CHUNK, last = (span->word_end - 1) / STORE_WORD_CHUNK;
    int64_t n = span->word_first < span->word_end ? last - first + 1 : 0;
    int64_t rounds = dcpg_max_i64_all(c->want->store->par, n);
    for (int64_t i = 0; i < rounds; i++) {
        block b = {0}; /* empty */
        if (i < n) b = whole_column(c, first + i);
        int sides = far && i < n ? (i == 0) | (i == n - 1) << 1 : 0;
        if (i < n && !(sides & 1)) b.first = max_i64(b.first, span->word_first);
        if (i < n && !(sides & 2)) b.end = min_i64(b.end, span->word_end);
        DCPG_TRY(read_block_all(c, &b, sides, scratch, err));
    }
    return DCPG_OK;
}

/* Whether column k may hold further calls for list j. */
static bool is_open(const column *c, int side, int64_t j, int64_t k) {
    int64_t found = c->far[side].found[j], cell = c->want->cell[c->want->list_cell[j]];
    if (found >= c->want->nb_neighbour) return false;
    return c->count ? c->count[j * c->nb_count + k - c->count_first] > 0
                    : found < c->want->store->nb_call[cell];
}

/* The next column outwards from *k in which a list may find calls (*k is set to it), with the rows from the
 * first to the last such list; an empty block if there is none. */
static block next_far(const column *c, int side, int64_t *k) {
    int64_t step = side == 0 ? -1 : 1, first = c->low / 64 / STORE_WORD_CHUNK,
            last = (c->high - 1) / 64 / STORE_WORD_CHUNK;
    for (*k += step; c->low < c->high && *k >= first && *k <= last; *k += step) {
        int64_t low = INT64_MAX, high = -1;
        for (int64_t j = 0; j < c->want->nb_list; j++) {
            if (!is_open(c, side, j, *k)) continue;
            int64_t row = c->want->cell[c->want->list_cell[j]];
            low = min_i64(low, row);
            high = max_i64(high, row);
        }
        if (high < 0) continue;
        block b = whole_column(c, *k);
        return (block){b.first, b.end, low, high + 1 - low};
    }
    return (block){0};
}

/* Goes outwards on both sides until all lists have enough calls or the span's chromosomes end. Collective. */
static dcpg_status read_far_all(column *c, int64_t *scratch, dcpg_err *err) {
    int64_t k[2] = {c->span->word_first / STORE_WORD_CHUNK, (c->span->word_end - 1) / STORE_WORD_CHUNK};
    while (true) {
        block b[2] = {next_far(c, 0, &k[0]), next_far(c, 1, &k[1])};
        if (!dcpg_max_i64_all(c->want->store->par, b[0].rows + b[1].rows > 0)) return DCPG_OK;
        for (int side = 0; side < 2; side++) DCPG_TRY(read_block_all(c, &b[side], 1 << side, scratch, err));
    }
}

/* Reads the counts for the columns of the span's chromosomes. Collective. */
static dcpg_status read_counts_all(column *c, dcpg_err *err) {
    const dcpg_span_want *want = c->want;
    if (!want->store->has_count) return DCPG_OK;
    int64_t row = want->cell[0], rows = want->cell[want->nb_cell - 1] + 1 - row, end = store_counts(c->high);
    c->count_first = c->low / 64 / STORE_WORD_CHUNK;
    c->nb_count = c->low < c->high ? end - c->count_first : 0;
    int32_t *all = dcpg_alloc((size_t)rows, (size_t)c->nb_count * sizeof *all);
    c->count = dcpg_alloc((size_t)want->nb_list, (size_t)c->nb_count * sizeof *c->count);
    dcpg_status status =
        all && c->count
            ? DCPG_OK
            : dcpg_fail_nomem(err, STORE_COUNT, (unsigned long long)(rows * c->nb_count) * sizeof *all);
    status = dcpg_agree_all(want->store->par, status, err);
    dcpg_h5_block at = {{row, c->count_first}, {c->nb_count > 0 ? rows : 0, c->nb_count}};
    if (status == DCPG_OK) status = dcpg_h5_read(c->file, STORE_COUNT, DCPG_H5_I32, &at, all, err);
    for (int64_t j = 0; j < want->nb_list && status == DCPG_OK; j++) {
        for (int64_t k = 0; k < c->nb_count; k++)
            c->count[j * c->nb_count + k] = all[(want->cell[want->list_cell[j]] - row) * c->nb_count + k];
    }
    dcpg_free(all);
    return status;
}

static dcpg_status read_all(column *c, int64_t *scratch, dcpg_err *err) {
    DCPG_TRY(read_counts_all(c, err));
    DCPG_TRY(read_own_all(c, scratch, err));
    if (c->want->nb_neighbour > 0 && c->want->nb_list > 0) DCPG_TRY(read_far_all(c, scratch, err));
    dcpg_status status =
        c->damaged ? dcpg_store_fail_damaged(c->want->store, STORE_STATE,
                                             "marks positions that were not observed or do not exist", err)
                   : DCPG_OK;
    return dcpg_agree_all(c->want->store->par, status, err);
}

dcpg_status dcpg_span_load_calls_all(const dcpg_span_loading *l, dcpg_far far[2], dcpg_err *err) {
    const dcpg_span_want *want = l->want;
    const dcpg_par *par = want->store->par;
    dcpg_span *span = l->span;
    void *calls = NULL;
    if (want->nb_cell == 0) return DCPG_OK;
    DCPG_TRY(dcpg_span_alloc_all(l, span->word_end - span->word_first,
                                 (size_t)want->nb_cell * sizeof *span->calls, "calls", &calls, err));
    span->calls = calls;
    column c = {.want = want, .file = l->file, .span = span, .far = far};
    int64_t words = 0; /* of the widest column */
    if (span->word_first < span->word_end) {
        c.low = want->store->pos_offset[span->chromo_first];
        c.high = want->store->pos_offset[span->chromo_last + 1];
        words = min_i64(STORE_WORD_CHUNK, store_words(c.high) - c.low / 64);
    }
    size_t rows = (size_t)(want->cell[want->nb_cell - 1] + 1 - want->cell[0]);
    c.bits = dcpg_alloc(rows, (size_t)words * sizeof *c.bits);
    c.pos = dcpg_alloc(64 * (size_t)words, sizeof *c.pos);
    int64_t *scratch = dcpg_alloc(2 * (size_t)want->nb_list, sizeof *scratch);
    dcpg_status status = c.bits && c.pos && scratch
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "calls", rows * (size_t)words * sizeof *c.bits);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = read_all(&c, scratch, err);
    dcpg_free(c.bits);
    dcpg_free(c.pos);
    dcpg_free(c.count);
    dcpg_free(scratch);
    return status;
}
