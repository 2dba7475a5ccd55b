/* Cutting windows and neighbours of one site out of a span. */
#include "data/store_source.h"
#include <assert.h>
#include <string.h>

enum { NOT_A_BASE = 4 };

/* Distances from here on are all the same to a model, and so is a missing neighbour: bp. */
static const int32_t MAX_DISTANCE = 25000;

void dcpg_make_unpacked(uint32_t unpacked[256])
{
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t base[4] = {byte & 3, byte >> 2 & 3, byte >> 4 & 3, byte >> 6 & 3};
        memcpy(&unpacked[byte], base, sizeof base);
    }
}

/* Bases [start, end) of packed ones, four at a time where a byte is used whole. */
static void unpack(const uint32_t unpacked[256], const uint8_t *packed, int64_t start, int64_t end, uint8_t *out)
{
    int64_t i = start;
    for (; i < end && i % 4 != 0; i++) *out++ = packed[i / 4] >> 2 * (i % 4) & 3;
    for (; i + 4 <= end; i += 4, out += 4) memcpy(out, &unpacked[packed[i / 4]], 4);
    for (; i < end; i++) *out++ = packed[i / 4] >> 2 * (i % 4) & 3;
}

/* Overwrites what lies in runs of other letters. out[end - start]; run[n][2] sorted. */
static void mask_runs(const int64_t *run, int64_t n, int64_t start, int64_t end, uint8_t *out)
{
    int64_t low = 0, high = n; /* runs before `low` end at or before `start` */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (run[2 * middle + 1] <= start) low = middle + 1;
        else high = middle;
    }
    for (; low < n && run[2 * low] < end; low++) {
        int64_t from = run[2 * low] > start ? run[2 * low] : start, to = run[2 * low + 1] < end ? run[2 * low + 1] : end;
        memset(out + (from - start), NOT_A_BASE, (size_t)(to - from));
    }
}

void dcpg_cut_window(const dcpg_store_source *source, const dcpg_span *span, int64_t index, uint8_t *out)
{
    const dcpg_store *store = source->store;
    int c = dcpg_store_chromo_of(store->pos_offset, store->nb_chromo, index);
    int64_t wlen = source->base.dna_wlen, start = dcpg_span_pos(span, index) - 1 - wlen / 2; /* 0-based */
    int64_t from = start > 0 ? start : 0, to = start + wlen < store->length[c] ? start + wlen : store->length[c];
    memset(out, NOT_A_BASE, (size_t)(from - start));
    memset(out + (to - start), NOT_A_BASE, (size_t)(start + wlen - to));
    int64_t whole = from / 4; /* the chromosome's first byte need not be held: count from the first one used */
    const uint8_t *packed = span->bases + (store->base_offset[c] + whole - span->byte_first);
    unpack(source->unpacked, packed, from - 4 * whole, to - 4 * whole, out + (from - start));
    const int64_t *run = span->run + 2 * (store->run_offset[c] - store->run_offset[span->chromo_first]);
    mask_runs(run, store->run_offset[c + 1] - store->run_offset[c], from, to, out + (from - start));
}

/* ---- neighbours ---- */

/* Rounds a number of [0, 1] to half precision, half to even, and back. */
static float through_half(float x)
{
    if (x < 0x1p-14f) return x + 0.5f - 0.5f; /* subnormal: multiples of 2^-24, the last bit of numbers in [0.5, 1) */
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += 0xFFF + (bits >> 13 & 1);
    bits &= ~UINT32_C(0x1FFF);
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The site whose neighbours in a cell are wanted. */
typedef struct view {
    const dcpg_span_want *want;
    const dcpg_span *span;
    int64_t cell;        /* held */
    int64_t low, high;   /* positions [low, high): of the chromosome, and held */
    int64_t index;
    const float *value;  /* of the first observed position at or right of the site; NULL: a binary cell */
    int64_t half;        /* neighbours per side */
    bool raw;            /* distances in bp */
    float *state, *distance;
} view;

static void put(const view *v, int64_t slot, int64_t neighbour, const dcpg_call_word *word, float value)
{
    int32_t d = dcpg_span_pos(v->span, neighbour) - dcpg_span_pos(v->span, v->index);
    if (d < 0) d = -d;
    v->state[slot] = v->value ? through_half(value) : (float)(word->state >> neighbour % 64 & 1);
    v->distance[slot] = v->raw ? (float)d : (float)(d < MAX_DISTANCE ? d : MAX_DISTANCE) / (float)MAX_DISTANCE;
}

static void scan_left(const view *v)
{
    int64_t w = v->index / 64;
    const dcpg_call_word *word = dcpg_span_word(v->want, v->span, w, v->cell);
    uint64_t bits = word->observed & ((UINT64_C(1) << v->index % 64) - 1);
    for (int64_t found = 0; found < v->half; found++) {
        while (bits == 0) {
            if (64 * w <= v->low) return;
            w--;
            word -= v->want->nb_cell;
            bits = word->observed;
        }
        int bit = 63 - __builtin_clzll(bits);
        if (64 * w + bit < v->low) return;
        bits &= ~(UINT64_C(1) << bit);
        put(v, v->half - 1 - found, 64 * w + bit, word, v->value ? v->value[-1 - found] : 0);
    }
}

static void scan_right(const view *v)
{
    int64_t w = v->index / 64;
    const dcpg_call_word *word = dcpg_span_word(v->want, v->span, w, v->cell);
    uint64_t here = UINT64_C(1) << v->index % 64, bits = word->observed & ~(here | (here - 1));
    int64_t skip = (word->observed & here) != 0; /* the site's own value */
    for (int64_t found = 0; found < v->half; found++) {
        while (bits == 0) {
            if (64 * (w + 1) >= v->high) return;
            w++;
            word += v->want->nb_cell;
            bits = word->observed;
        }
        int bit = __builtin_ctzll(bits);
        if (64 * w + bit >= v->high) return;
        bits &= bits - 1;
        put(v, v->half + found, 64 * w + bit, word, v->value ? v->value[skip + found] : 0);
    }
}

/* Values of a cell that is not binary, from the first observed position at or right of `index` on. */
static const float *values_from(const dcpg_span_want *want, const dcpg_span *span, int64_t cell, int64_t index)
{
    int64_t k = want->value_of[cell];
    if (k < 0) return NULL;
    uint64_t before = dcpg_span_word(want, span, index / 64, cell)->observed & ((UINT64_C(1) << index % 64) - 1);
    return span->value + span->value_at[k] + span->value_before[(index / 64 - span->word_first) * want->nb_value + k] + __builtin_popcountll(before);
}

float dcpg_label_value(const dcpg_store_source *source, const dcpg_span *span, int64_t cell, int64_t index)
{
    const dcpg_call_word *word = dcpg_span_word(&source->want, span, index / 64, cell);
    if (!(word->observed >> index % 64 & 1)) return -1;
    const float *value = values_from(&source->want, span, cell, index);
    return value ? *value : (float)(word->state >> index % 64 & 1);
}

void dcpg_cut_neighbours(const dcpg_store_source *source, const dcpg_span *span, int64_t cell, int64_t index, int64_t half, bool raw, float *out)
{
    const dcpg_store *store = source->store;
    int64_t wlen = 2 * half;
    int c = dcpg_store_chromo_of(store->pos_offset, store->nb_chromo, index);
    view v = {.want = &source->want, .span = span, .cell = cell, .low = store->pos_offset[c], .high = store->pos_offset[c + 1], .index = index,
              .value = values_from(&source->want, span, cell, index), .half = half, .raw = raw, .state = out, .distance = out + wlen};
    if (v.low < dcpg_span_pos_first(span)) v.low = dcpg_span_pos_first(span);
    if (v.high > dcpg_span_pos_end(span, store)) v.high = dcpg_span_pos_end(span, store);
    for (int64_t i = 0; i < wlen; i++) {
        out[i] = v.raw ? -1 : v.value ? 0.5f : 0;
        out[wlen + i] = v.raw ? -1 : 1;
    }
    scan_left(&v);
    scan_right(&v);
}
