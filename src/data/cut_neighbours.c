/* SPDX-License-Identifier: MIT */
/* Calls around one site: its neighbours in a cell, and the cell's value at the site. */
#include "base/number.h"
#include "data/store_source.h"

#include <dcpg/rng.h>
#include <string.h>

/* All distances from here on look the same to a model, and so does a missing neighbour: bp. */
static const int32_t MAX_DISTANCE = 25000;

/* Cells whose calls are prefetched before the first of them is used; calls in a cache line. */
enum { AHEAD = 16, LINE = 16 };

/* Rounds a number of [0, 1] to half precision, half to even, and back. */
static float through_half(float x) {
    if (x < 0x1p-14f)
        return x + 0.5f - 0.5f; /* subnormal in half precision: rounds to a multiple of 2^-24, the last bit of
                                   floats in [0.5, 1) */
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += 0xFFF + (bits >> 13 & 1);
    bits &= ~UINT32_C(0x1FFF);
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* ---- places in lists of calls ---- */

static dcpg_row row_at(const dcpg_span_want *want, const dcpg_span *span, int64_t index) {
    int64_t w = index / 64 - span->word_first;
    return (dcpg_row){span->calls + w * want->nb_cell, span->before + w * want->nb_list,
                      dcpg_bits_before(index)};
}

/* Number of calls in the list before the position of `row`. */
static int64_t place(const dcpg_row *row, int64_t list, int64_t cell) {
    return (int64_t)row->before[list] + __builtin_popcountll(row->word[cell].observed & row->bits);
}

dcpg_site dcpg_site_at(const dcpg_store_source *source, const dcpg_span *span, int64_t index) {
    const dcpg_store *store = source->store;
    const dcpg_span_want *want = &source->want;
    int c = dcpg_store_chromo_of(store->pos_offset, store->nb_chromo, index);
    dcpg_site site = {.source = source,
                      .span = span,
                      .index = index,
                      .pos = dcpg_span_pos(span, index),
                      .chromo = c,
                      .row = row_at(want, span, index)};
    if (c > span->chromo_first) site.low = row_at(want, span, store->pos_offset[c]);
    if (c < span->chromo_last) site.high = row_at(want, span, store->pos_offset[c + 1]);
    return site;
}

dcpg_near dcpg_near_in(const dcpg_site *site, int64_t cell, int64_t half) {
    const dcpg_span *span = site->span;
    int64_t list = site->source->want.list_of[cell], first = span->list_at[list];
    int64_t at = place(&site->row, list, cell), own = dcpg_is_observed(site, cell);
    int64_t left = at - (site->low.word ? place(&site->low, list, cell) : 0);
    int64_t right =
        (site->high.word ? place(&site->high, list, cell) : span->list_at[list + 1] - first) - at - own;
    dcpg_near near = {.call = span->list + first + at,
                      .own = own,
                      .nb_left = min_i64(left, half),
                      .nb_right = min_i64(right, half)};
    if (span->value_at && span->value_at[list] >= 0) near.value = span->value + span->value_at[list] + at;
    return near;
}

float dcpg_value_in(const dcpg_site *site, int64_t cell) {
    if (!dcpg_is_observed(site, cell)) return -1;
    if (site->source->want.list_of[cell] >= 0) {
        dcpg_near near = dcpg_near_in(site, cell, 0);
        if (near.value) return *near.value;
    }
    return (float)dcpg_state_of(site, cell);
}

/* ---- neighbours ---- */

/* Calls of a cell in a row. */
typedef struct call_run {
    int64_t n;
    const uint32_t *call;
    const float *value; /* NULL: a binary cell */
} call_run;

/* Writes the calls into state[n] and distance[n]. */
static void put_calls(const call_run *calls, int32_t pos, bool raw, float *state, float *distance) {
    int64_t n = calls->n;
    const uint32_t *call = calls->call;
    const float *value = calls->value;
    if (raw) {
        for (int64_t i = 0; i < n; i++) {
            int32_t d = (int32_t)(call[i] >> 1) - pos;
            distance[i] = (float)(d < 0 ? -d : d);
        }
    } else {
        for (int64_t i = 0; i < n; i++) {
            int32_t d = (int32_t)(call[i] >> 1) - pos;
            d = d < 0 ? -d : d;
            distance[i] = (float)min_i64(d, MAX_DISTANCE) / (float)MAX_DISTANCE;
        }
    }
    for (int64_t i = 0; i < n && !value; i++) state[i] = (float)(int32_t)(call[i] & 1);
    for (int64_t i = 0; i < n && value; i++) state[i] = through_half(value[i]);
}

static void fill(float *to, int64_t n, float value) {
    for (int64_t i = 0; i < n; i++) to[i] = value;
}

/* Fills in what stands for missing neighbours. */
static void put_missing(const dcpg_near *near, bool raw, int64_t n, float *state, float *distance) {
    fill(state, n, raw ? -1 : near->value ? 0.5f : 0);
    fill(distance, n, raw ? -1 : 1);
}

static void put_neighbours(const dcpg_near *near, int64_t half, int32_t pos, bool raw, float *out) {
    float *state = out, *distance = out + 2 * half;
    int64_t left = half - near->nb_left, right = half + near->nb_right;
    put_missing(near, raw, left, state, distance);
    const call_run before = {.n = near->nb_left,
                             .call = near->call - near->nb_left,
                             .value = near->value ? near->value - near->nb_left : NULL};
    const call_run after = {.n = near->nb_right,
                            .call = near->call + near->own,
                            .value = near->value ? near->value + near->own : NULL};
    put_calls(&before, pos, raw, state + left, distance + left);
    put_calls(&after, pos, raw, state + half, distance + half);
    put_missing(near, raw, 2 * half - right, state + right, distance + right);
}

/* The same without the calls of the part that is hidden, of which `near` may hold more than `half` per
 * side. */
static void put_seen(const dcpg_site *site, int64_t cell, const dcpg_near *near, int64_t half, float *out) {
    const dcpg_store_source *source = site->source;
    const dcpg_source *base = &source->base;
    uint64_t key = dcpg_mix(source->hide_cell[source->want.list_of[cell]], source->hide_chromo[site->chromo]);
    float *state = out, *distance = out + 2 * half;
    put_missing(near, base->raw, 2 * half, state, distance);
    for (int side = -1; side <= 1; side += 2) {
        int64_t at = side < 0 ? -1 : near->own, most = side < 0 ? near->nb_left : near->nb_right,
                slot = side < 0 ? half - 1 : half;
        for (int64_t i = 0; i < most && slot >= 0 && slot < 2 * half; i++, at += side) {
            int32_t pos = (int32_t)(near->call[at] >> 1);
            if (dcpg_hiding_part(&base->hiding, key, pos) == base->hidden) continue;
            const call_run one = {1, near->call + at, near->value ? near->value + at : NULL};
            put_calls(&one, site->pos, base->raw, state + slot, distance + slot);
            slot += side;
        }
    }
}

/* Prefetches the calls, which may be anywhere in memory. */
static void fetch(const dcpg_near *near) {
    for (int64_t i = -near->nb_left; i < near->own + near->nb_right; i += LINE)
        __builtin_prefetch(near->call + i);
}

void dcpg_cut_neighbours(const dcpg_site *site, int64_t nb, const int64_t *cell, int64_t half, float *out) {
    dcpg_near near[AHEAD];
    bool hide = site->source->base.hidden > 0, raw = site->source->base.raw;
    int64_t reach = hide ? dcpg_hiding_reach(half) : half;
    for (int64_t from = 0; from < nb; from += AHEAD) {
        int64_t n = min_i64(nb - from, AHEAD);
        for (int64_t i = 0; i < n; i++) {
            near[i] = dcpg_near_in(site, cell[from + i], reach);
            fetch(&near[i]);
        }
        for (int64_t i = 0; i < n; i++) {
            float *to = out + (from + i) * 4 * half;
            if (hide)
                put_seen(site, cell[from + i], &near[i], half, to);
            else
                put_neighbours(&near[i], half, site->pos, raw, to);
        }
    }
}

dcpg_moments dcpg_window_moments(const dcpg_site *site, int64_t half, int64_t window) {
    dcpg_moments moments = {0};
    int64_t reach = window / 2;
    for (int64_t cell = 0; cell < site->source->want.nb_cell; cell++) {
        dcpg_near near = dcpg_near_in(site, cell, half);
        double sum = near.own ? (double)dcpg_state_of(site, cell) : 0;
        int64_t n = near.own;
        for (int side = -1; side <= 1; side += 2) {
            int64_t at = side < 0 ? -1 : near.own, most = side < 0 ? near.nb_left : near.nb_right;
            for (int64_t i = 0; i < most; i++, at += side) {
                int64_t d = (int64_t)(near.call[at] >> 1) - site->pos;
                if ((d < 0 ? -d : d) > reach) break;
                sum += near.value ? (double)through_half(near.value[at]) : (double)(near.call[at] & 1);
                n++;
            }
        }
        if (n > 0) dcpg_moments_add(&moments, sum / (double)n);
    }
    return moments;
}
