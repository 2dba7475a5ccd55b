/* SPDX-License-Identifier: MIT */
/* Cuts DNA windows out of a span. */
#include "base/number.h"
#include "data/store_source.h"
#include <string.h>

enum { NOT_A_BASE = 4 };

void dcpg_make_unpacked(uint32_t unpacked[256]) {
    for (unsigned byte = 0; byte < 256; byte++) {
        uint8_t base[4] = {byte & 3, byte >> 2 & 3, byte >> 4 & 3, byte >> 6 & 3};
        memcpy(&unpacked[byte], base, sizeof base);
    }
}

/* Unpacks bases [start, end), four at a time where a whole byte is used. */
static void unpack(const uint32_t unpacked[256], const uint8_t *packed, int64_t start, int64_t end,
                   uint8_t *out) {
    int64_t i = start;
    for (; i < end && i % 4 != 0; i++) *out++ = packed[i / 4] >> 2 * (i % 4) & 3;
    for (; i + 4 <= end; i += 4, out += 4) memcpy(out, &unpacked[packed[i / 4]], 4);
    for (; i < end; i++) *out++ = packed[i / 4] >> 2 * (i % 4) & 3;
}

/* Overwrites bases inside runs of N. out[end - start]; run[n][2] sorted. */
static void mask_runs(const int64_t *run, int64_t n, int64_t start, int64_t end, uint8_t *out) {
    int64_t low = 0, high = n; /* runs before `low` end at or before `start` */
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (run[2 * middle + 1] <= start)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < n && run[2 * low] < end; low++) {
        int64_t from = run[2 * low] > start ? run[2 * low] : start,
                to = run[2 * low + 1] < end ? run[2 * low + 1] : end;
        memset(out + (from - start), NOT_A_BASE, (size_t)(to - from));
    }
}

void dcpg_cut_window(const dcpg_site *site, uint8_t *out) {
    const dcpg_store_source *source = site->source;
    const dcpg_store *store = source->store;
    const dcpg_span *span = site->span;
    int c = site->chromo;
    int64_t wlen = source->base.dna_wlen, start = site->pos - 1 - wlen / 2; /* 0-based */
    int64_t from = max_i64(start, 0), to = min_i64(start + wlen, store->length[c]);
    memset(out, NOT_A_BASE, (size_t)(from - start));
    memset(out + (to - start), NOT_A_BASE, (size_t)(start + wlen - to));
    int64_t whole =
        from / 4; /* the span may lack the chromosome's first byte: count from the first byte used */
    const uint8_t *packed = span->bases + (store->base_offset[c] + whole - span->byte_first);
    unpack(source->unpacked, packed, from - 4 * whole, to - 4 * whole, out + (from - start));
    const int64_t *run = span->run + 2 * (store->run_offset[c] - store->run_offset[span->chromo_first]);
    mask_runs(run, store->run_offset[c + 1] - store->run_offset[c], from, to, out + (from - start));
}
