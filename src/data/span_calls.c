/* Loading calls: the file holds a row per cell, memory a row per 64 positions, so that the neighbours of a site in all cells lie side by side. */
#include "data/span.h"
#include "data/store_layout.h"
#include <dcpg/memory.h>
#include <math.h>

/* A range is read in at most that many slabs, so that what passes through is small beside what stays. */
enum { MAX_SLABS = 64 };

/* Slabs of a range: their borders are chunk borders of the file. */
typedef struct slabs {
    int64_t first, end, step;
    int64_t rounds; /* the most slabs of any rank */
} slabs;

static slabs cut_slabs_all(const dcpg_par *par, int64_t first, int64_t end, int64_t chunk)
{
    int64_t step = ((end - first) / MAX_SLABS / chunk + 1) * chunk;
    int64_t n = end > first ? (end - 1) / step - first / step + 1 : 0;
    return (slabs){first, end, step, dcpg_max_i64_all(par, n)};
}

/* Slab i: [*from, *to), empty beyond the last. */
static void slab(const slabs *s, int64_t i, int64_t *from, int64_t *to)
{
    int64_t start = (s->first / s->step + i) * s->step;
    *from = start > s->first ? start : s->first;
    *to = start + s->step < s->end ? start + s->step : s->end;
    if (*from >= *to) *from = *to = s->first;
}

/* Room for the largest slab of `rows` rows, on all ranks or none. Collective. */
static void *slab_room_all(const dcpg_par *par, const slabs *s, int64_t rows, size_t size, dcpg_err *err)
{
    int64_t most = s->step < s->end - s->first ? s->step : s->end - s->first;
    void *room = dcpg_alloc((size_t)rows, (size_t)most * size);
    dcpg_status status = room ? DCPG_OK : dcpg_fail_nomem(err, "calls", (unsigned long long)rows * (unsigned long long)most * size);
    if (dcpg_agree_all(par, status, err) == DCPG_OK) return room;
    dcpg_free(room);
    return NULL;
}

/* ---- bitmaps ---- */

/* Observed bits of words [from, to), bits[row][to - from]. */
static void take_observed(const dcpg_span_want *want, dcpg_span *span, int64_t from, int64_t to, const uint64_t *bits)
{
#pragma omp parallel for schedule(static)
    for (int64_t w = from; w < to; w++) {
        dcpg_call_word *row = span->calls + (w - span->word_first) * want->nb_cell;
        for (int64_t j = 0; j < want->nb_cell; j++) row[j].observed = bits[(want->cell[j] - want->cell[0]) * (to - from) + w - from];
    }
}

/* The same for states; returns false where a state is set that was not observed, or a bit beyond the last position. */
static bool take_states(const dcpg_span_want *want, dcpg_span *span, int64_t from, int64_t to, const uint64_t *bits)
{
    uint64_t wrong = 0;
    int64_t nb_pos = want->store->nb_pos;
#pragma omp parallel for schedule(static) reduction(| : wrong)
    for (int64_t w = from; w < to; w++) {
        dcpg_call_word *row = span->calls + (w - span->word_first) * want->nb_cell;
        uint64_t beyond = 64 * w + 64 > nb_pos ? ~(~UINT64_C(0) >> (64 * w + 64 - nb_pos)) : 0;
        for (int64_t j = 0; j < want->nb_cell; j++) {
            row[j].state = bits[(want->cell[j] - want->cell[0]) * (to - from) + w - from];
            wrong |= (row[j].state & ~row[j].observed) | (row[j].observed & beyond);
        }
    }
    return wrong == 0;
}

static dcpg_status read_bits_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, const slabs *s, uint64_t *room, dcpg_err *err)
{
    int64_t row = want->cell[0], rows = want->cell[want->nb_cell - 1] + 1 - row;
    bool sound = true;
    for (int64_t i = 0; i < s->rounds; i++) {
        int64_t from, to;
        slab(s, i, &from, &to);
        dcpg_h5_block block = {{row, from}, {rows, to - from}};
        DCPG_TRY(dcpg_h5_read(file, STORE_OBSERVED, DCPG_H5_U64, &block, room, err));
        take_observed(want, span, from, to, room);
        DCPG_TRY(dcpg_h5_read(file, STORE_STATE, DCPG_H5_U64, &block, room, err));
        if (!take_states(want, span, from, to, room)) sound = false;
    }
    dcpg_status status = sound ? DCPG_OK : dcpg_store_fail_damaged(want->store, STORE_STATE, "marks positions that were not observed or do not exist", err);
    return dcpg_agree_all(want->store->par, status, err);
}

dcpg_status dcpg_span_load_calls_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err)
{
    const dcpg_par *par = want->store->par;
    if (want->nb_cell == 0) return DCPG_OK;
    int64_t words = span->word_end - span->word_first;
    span->calls = dcpg_span_alloc(span, words, (size_t)want->nb_cell * sizeof *span->calls);
    dcpg_status status = span->calls ? DCPG_OK : dcpg_fail_nomem(err, "calls", (unsigned long long)(words * want->nb_cell) * sizeof *span->calls);
    DCPG_TRY(dcpg_agree_all(par, status, err));
    slabs s = cut_slabs_all(par, span->word_first, span->word_end, STORE_WORD_CHUNK);
    uint64_t *room = slab_room_all(par, &s, want->cell[want->nb_cell - 1] + 1 - want->cell[0], sizeof *room, err);
    if (!room) return DCPG_E_NOMEM;
    status = read_bits_all(want, file, span, &s, room, err);
    dcpg_free(room);
    return status;
}

/* ---- values ---- */

/* Places of the values of all cells that are not binary: a count of calls before each word. */
static dcpg_status place_values(const dcpg_span_want *want, dcpg_span *span, dcpg_err *err)
{
    int64_t words = span->word_end - span->word_first;
    span->value_at = dcpg_span_alloc(span, want->nb_value + 1, sizeof *span->value_at);
    span->value_before = dcpg_span_alloc(span, words, (size_t)want->nb_value * sizeof *span->value_before);
    if (!span->value_at || !span->value_before) return dcpg_fail_nomem(err, "values", (unsigned long long)(words * want->nb_value) * sizeof *span->value_before);
    for (int64_t j = 0; j < want->nb_cell; j++) {
        int64_t k = want->value_of[j];
        if (k < 0) continue;
        uint32_t count = 0;
        for (int64_t w = 0; w < words; w++) {
            span->value_before[w * want->nb_value + k] = count;
            count += (uint32_t)__builtin_popcountll(span->calls[w * want->nb_cell + j].observed);
        }
        span->value_at[k + 1] = span->value_at[k] + count;
    }
    span->value = dcpg_span_alloc(span, span->value_at[want->nb_value], sizeof *span->value);
    return span->value ? DCPG_OK : dcpg_fail_nomem(err, "values", (unsigned long long)span->value_at[want->nb_value] * sizeof *span->value);
}

/* Keeps the observed ones of positions [from, to) of cell j, row[to - from]; `*next` is the place of the first. Returns false where they do not fit the bitmaps. */
static bool take_values(const dcpg_span_want *want, const dcpg_span *span, int64_t j, int64_t from, int64_t to, const float *row, int64_t *next)
{
    for (int64_t i = from; i < to; i++) {
        const dcpg_call_word *word = dcpg_span_word(want, span, i / 64, j);
        float value = row[i - from];
        bool observed = word->observed >> i % 64 & 1, state = word->state >> i % 64 & 1;
        if (!observed && isnan(value)) continue;
        if (!observed || !(value >= 0 && value <= 1) || state != (value > 0.5f)) return false;
        span->value[(*next)++] = value;
    }
    return true;
}

static dcpg_status read_values_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, const slabs *s, float *room, int64_t *next, dcpg_err *err)
{
    int64_t row = want->value_row[0], rows = want->value_row[want->nb_value - 1] + 1 - row;
    bool sound = true;
    for (int64_t i = 0; i < s->rounds; i++) {
        int64_t from, to;
        slab(s, i, &from, &to);
        DCPG_TRY(dcpg_h5_read(file, STORE_VALUE, DCPG_H5_F32, &(dcpg_h5_block){{row, from}, {rows, to - from}}, room, err));
#pragma omp parallel for schedule(static) reduction(&& : sound)
        for (int64_t j = 0; j < want->nb_cell; j++) {
            int64_t k = want->value_of[j];
            if (k >= 0) sound = sound && take_values(want, span, j, from, to, room + (want->value_row[k] - row) * (to - from), &next[k]);
        }
    }
    dcpg_status status = sound ? DCPG_OK : dcpg_store_fail_damaged(want->store, STORE_VALUE, "does not fit the observed positions", err);
    return dcpg_agree_all(want->store->par, status, err);
}

dcpg_status dcpg_span_load_values_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err)
{
    const dcpg_par *par = want->store->par;
    if (want->nb_value == 0) return DCPG_OK;
    DCPG_TRY(dcpg_agree_all(par, place_values(want, span, err), err));
    slabs s = cut_slabs_all(par, dcpg_span_pos_first(span), dcpg_span_pos_end(span, want->store), STORE_VALUE_CHUNK);
    float *room = slab_room_all(par, &s, want->value_row[want->nb_value - 1] + 1 - want->value_row[0], sizeof *room, err);
    if (!room) return DCPG_E_NOMEM;
    int64_t *next = dcpg_alloc((size_t)want->nb_value, sizeof *next);
    dcpg_status status = next ? DCPG_OK : dcpg_fail_nomem(err, "values", (unsigned long long)want->nb_value * sizeof *next);
    status = dcpg_agree_all(par, status, err);
    for (int64_t k = 0; k < want->nb_value && status == DCPG_OK; k++) next[k] = span->value_at[k];
    if (status == DCPG_OK) status = read_values_all(want, file, span, &s, room, next, err);
    dcpg_free(next);
    dcpg_free(room);
    return status;
}
