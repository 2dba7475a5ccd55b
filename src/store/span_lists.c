/* SPDX-License-Identifier: MIT */
/* Builds each cell's list of calls from the bitmaps, and loads the values of cells that are not binary. */
#include "base/number.h"
#include "store/span.h"
#include "store/store_layout.h"
#include <dcpg/memory.h>
#include <math.h>

/* Lists that a thread handles at a time: a cache line of `before`. */
enum { BLOCK = 16 };

/* Counts the calls of lists [from, to): before each word into `before`, in all into list_at[j + 1]. */
static void count_calls(const dcpg_span_want *want, dcpg_span *span, const dcpg_far far[2], int64_t from,
                        int64_t to) {
    uint32_t count[BLOCK];
    for (int64_t j = from; j < to; j++) count[j - from] = (uint32_t)far[0].found[j];
    for (int64_t w = 0; w < span->word_end - span->word_first; w++) {
        const dcpg_call_word *row = span->calls + w * want->nb_cell;
        for (int64_t j = from; j < to; j++) {
            span->before[w * want->nb_list + j] = count[j - from];
            count[j - from] += (uint32_t)__builtin_popcountll(row[want->list_cell[j]].observed);
        }
    }
    for (int64_t j = from; j < to; j++) span->list_at[j + 1] = count[j - from] + far[1].found[j];
}

static void fill_list(const dcpg_span_want *want, dcpg_span *span, const dcpg_far far[2], int64_t j) {
    uint32_t *to = span->list + span->list_at[j];
    int64_t half = want->nb_neighbour;
    for (int64_t i = far[0].found[j] - 1; i >= 0; i--) *to++ = far[0].call[j * half + i];
    for (int64_t w = span->word_first; w < span->word_end; w++) {
        const dcpg_call_word *word = dcpg_span_word(want, span, w, want->list_cell[j]);
        for (uint64_t bits = word->observed; bits; bits &= bits - 1) {
            int bit = __builtin_ctzll(bits);
            *to++ = (uint32_t)dcpg_span_pos(span, 64 * w + bit) << 1 | (uint32_t)(word->state >> bit & 1);
        }
    }
    for (int64_t i = 0; i < far[1].found[j]; i++) *to++ = far[1].call[j * half + i];
}

/* ---- values ---- */

/* Slabs of positions (as long as a chunk of values), and which of them hold a call of a list with values. */
typedef struct slabs {
    uint8_t *needed; /* [nb] */
    int64_t nb, next;
    float *value; /* [rows][at most STORE_VALUE_CHUNK] of the slab read last */
    bool damaged; /* a value does not fit its state */
} slabs;

static void mark_slabs(const dcpg_span_want *want, const dcpg_span *span, const dcpg_far far[2], slabs *s) {
    if (span->word_first == span->word_end) return;
    int64_t last = (dcpg_span_pos_end(span, want->store) - 1) / STORE_VALUE_CHUNK;
    for (int64_t k = dcpg_span_pos_first(span) / STORE_VALUE_CHUNK; k <= last; k++) s->needed[k] = 1;
    for (int64_t j = 0; j < want->nb_list; j++) {
        if (want->value_row[j] < 0) continue;
        for (int side = 0; side < 2; side++) {
            for (int64_t i = 0; i < far[side].found[j]; i++)
                s->needed[far[side].index[j * want->nb_neighbour + i] / STORE_VALUE_CHUNK] = 1;
        }
    }
}

static bool is_sound(float value, bool state) { return value >= 0 && value <= 1 && state == (value > 0.5f); }

/* Takes the values of list j at positions [from, to) from row[to - from], for its calls outside the words
 * held. Returns false where value and state disagree. */
static bool take_far(const dcpg_span_loading *l, const dcpg_far far[2], int64_t j, int64_t from, int64_t to,
                     const float *row) {
    const dcpg_span *span = l->span;
    float *value = span->value + span->value_at[j];
    int64_t n = span->list_at[j + 1] - span->list_at[j];
    bool sound = true;
    for (int side = 0; side < 2; side++) {
        int64_t first =
            side == 0 ? far[0].found[j] - 1 : n - far[1].found[j]; /* place of the nearest call in the list */
        for (int64_t i = 0; i < far[side].found[j]; i++) {
            int64_t at = j * l->want->nb_neighbour + i, index = far[side].index[at];
            if (index < from || index >= to) continue;
            value[side == 0 ? first - i : first + i] = row[index - from];
            sound = sound && is_sound(row[index - from], far[side].call[at] & 1);
        }
    }
    return sound;
}

/* Like take_far, for calls in the words held. Where the bitmaps have no call on the span's chromosomes, there
 * must be no value. */
static bool take_own(const dcpg_span_loading *l, int64_t j, int64_t from, int64_t to, const float *row) {
    const dcpg_span_want *want = l->want;
    const dcpg_store *store = want->store;
    const dcpg_span *span = l->span;
    float *value = span->value + span->value_at[j];
    int64_t first = store->pos_offset[span->chromo_first], end = store->pos_offset[span->chromo_last + 1];
    if (from > first) first = from;
    if (dcpg_span_pos_first(span) > first) first = dcpg_span_pos_first(span);
    end = min_i64(end, min_i64(to, dcpg_span_pos_end(span, store)));
    for (int64_t i = first; i < end; i++) {
        const dcpg_call_word *word = dcpg_span_word(want, span, i / 64, want->list_cell[j]);
        bool observed = word->observed >> i % 64 & 1;
        if (!observed && isnan(row[i - from])) continue;
        if (!observed || !is_sound(row[i - from], word->state >> i % 64 & 1)) return false;
        int64_t before = span->before[(i / 64 - span->word_first) * want->nb_list + j];
        value[before + __builtin_popcountll(word->observed & dcpg_bits_before(i))] = row[i - from];
    }
    return true;
}

/* Reads the next needed slab, if any is left, and takes values from it. Collective. */
static dcpg_status read_slab_all(const dcpg_span_loading *l, const dcpg_far far[2], slabs *s, dcpg_err *err) {
    const dcpg_span_want *want = l->want;
    int64_t row = INT64_MAX, end = 0;
    for (int64_t j = 0; j < want->nb_list; j++) {
        if (want->value_row[j] >= 0) row = min_i64(row, want->value_row[j]);
        if (want->value_row[j] >= end) end = want->value_row[j] + 1;
    }
    while (s->next < s->nb && !s->needed[s->next]) s->next++;
    int64_t from = min_i64(s->next * STORE_VALUE_CHUNK, want->store->nb_pos),
            to = min_i64(from + STORE_VALUE_CHUNK, want->store->nb_pos);
    s->next++;
    DCPG_TRY(dcpg_h5_read(
        l->file, STORE_VALUE, DCPG_H5_F32,
        &(dcpg_h5_block){{from < to ? row : 0, from < to ? from : 0}, {from < to ? end - row : 0, to - from}},
        s->value, err));
    bool sound = true;
#pragma omp parallel for schedule(static) reduction(&& : sound)
    for (int64_t j = 0; j < (from < to ? want->nb_list : 0); j++) {
        if (want->value_row[j] < 0) continue;
        const float *values = s->value + (want->value_row[j] - row) * (to - from);
        sound = take_far(l, far, j, from, to, values) && take_own(l, j, from, to, values) && sound;
    }
    s->damaged = s->damaged || !sound;
    return DCPG_OK;
}

static dcpg_status read_values_all(const dcpg_span_loading *l, const dcpg_far far[2], dcpg_err *err) {
    const dcpg_span_want *want = l->want;
    const dcpg_span *span = l->span;
    const dcpg_par *par = want->store->par;
    slabs s = {.nb = want->store->nb_pos / STORE_VALUE_CHUNK + 1};
    int64_t rows = 0, n = 0;
    bool empty = span->word_first == span->word_end;
    for (int64_t j = 0; j < want->nb_list; j++)
        rows = want->value_row[j] >= rows ? want->value_row[j] + 1 : rows;
    size_t width = (size_t)min_i64(STORE_VALUE_CHUNK, want->store->nb_pos);
    s.value = dcpg_alloc(empty ? 0 : (size_t)rows, width * sizeof *s.value);
    s.needed = dcpg_alloc((size_t)s.nb, 1);
    dcpg_status status =
        s.value && s.needed
            ? DCPG_OK
            : dcpg_fail_nomem(err, "values", (unsigned long long)rows * width * sizeof *s.value);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        mark_slabs(want, span, far, &s);
        for (int64_t k = 0; k < s.nb; k++) n += s.needed[k];
        n = dcpg_max_i64_all(par, n);
    }
    for (int64_t i = 0; i < n && status == DCPG_OK; i++) status = read_slab_all(l, far, &s, err);
    dcpg_free(s.value);
    dcpg_free(s.needed);
    DCPG_TRY(status);
    return dcpg_agree_all(par,
                          s.damaged ? dcpg_store_fail_damaged(want->store, STORE_VALUE,
                                                              "does not fit the observed positions", err)
                                    : DCPG_OK,
                          err);
}

/* ---- the whole ---- */

static dcpg_status alloc_values_all(const dcpg_span_loading *l, dcpg_err *err) {
    const dcpg_span_want *want = l->want;
    dcpg_span *span = l->span;
    void *memory = NULL;
    int64_t total = 0;
    DCPG_TRY(dcpg_span_alloc_all(l, want->nb_list, sizeof *span->value_at, "values", &memory, err));
    span->value_at = memory;
    bool empty = span->word_first == span->word_end;
    for (int64_t j = 0; j < want->nb_list && !empty; j++) {
        span->value_at[j] = want->value_row[j] < 0 ? -1 : total;
        if (want->value_row[j] >= 0) total += span->list_at[j + 1] - span->list_at[j];
    }
    DCPG_TRY(dcpg_span_alloc_all(l, total, sizeof *span->value, "values", &memory, err));
    span->value = memory;
    return DCPG_OK;
}

static dcpg_status alloc_counts_all(const dcpg_span_loading *l, dcpg_err *err) {
    const dcpg_span_want *want = l->want;
    dcpg_span *span = l->span;
    void *memory = NULL;
    DCPG_TRY(dcpg_span_alloc_all(l, span->word_end - span->word_first,
                                 (size_t)want->nb_list * sizeof *span->before, "calls", &memory, err));
    span->before = memory;
    DCPG_TRY(dcpg_span_alloc_all(l, want->nb_list + 1, sizeof *span->list_at, "calls", &memory, err));
    span->list_at = memory;
    return DCPG_OK;
}

dcpg_status dcpg_span_make_lists_all(const dcpg_span_loading *l, const dcpg_far far[2], dcpg_err *err) {
    const dcpg_span_want *want = l->want;
    dcpg_span *span = l->span;
    void *memory = NULL;
    if (want->nb_list == 0) return DCPG_OK;
    DCPG_TRY(alloc_counts_all(l, err));
    int64_t n = span->word_first < span->word_end ? want->nb_list : 0;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t j = 0; j < n; j += BLOCK) count_calls(want, span, far, j, min_i64(j + BLOCK, n));
    for (int64_t j = 0; j < n; j++) span->list_at[j + 1] += span->list_at[j];
    DCPG_TRY(dcpg_span_alloc_all(l, n > 0 ? span->list_at[n] : 0, sizeof *span->list, "calls", &memory, err));
    span->list = memory;
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t j = 0; j < n; j++) fill_list(want, span, far, j);
    if (want->nb_value == 0) return DCPG_OK;
    DCPG_TRY(alloc_values_all(l, err));
    return read_values_all(l, far, err);
}
