/* SPDX-License-Identifier: MIT */
/* Slices: which part of every block of an array belongs to which rank. */
#include "base/number.h"

#include <assert.h>
#include <dcpg/slices.h>
#include <stdint.h>
#include <string.h>

enum { LINE = 16 };

size_t dcpg_slices_blocks(const dcpg_slices *s) {
    assert(s->block > 0 || s->total == 0);
    return s->total == 0 ? 0 : ceil_div_size(s->total, s->block);
}

/* Start of slice r in a block of `count` values. */
static size_t slice_start(size_t count, int r, int size) {
    uint64_t lines = ceil_div_size(count, LINE);
    size_t start = (size_t)(lines * (uint64_t)r / (uint64_t)size) * LINE;
    return min_size(start, count);
}

dcpg_slices dcpg_slices_even(size_t total, int place, int size) {
    size_t nb = ceil_div_size(total, DCPG_BLOCK), block = nb ? ceil_div_size(total, nb) : 0;
    return (dcpg_slices){total, round_up_size(block, LINE), place, size};
}

dcpg_range dcpg_slice_run(const dcpg_slices *s, size_t block, int first, int end) {
    size_t at = block * s->block, count = min_size(s->total - at, s->block);
    size_t from = slice_start(count, first, s->size), to = slice_start(count, end, s->size);
    return (dcpg_range){at + from, to - from};
}

dcpg_range dcpg_slice(const dcpg_slices *s, size_t block, int place) {
    return dcpg_slice_run(s, block, place, place + 1);
}

size_t dcpg_slices_count(const dcpg_slices *s) {
    size_t count = 0;
    for (size_t b = 0; b < dcpg_slices_blocks(s); b++) count += dcpg_slice(s, b, s->place).count;
    return count;
}

void dcpg_slices_take(const dcpg_slices *s, const float *full, float *own) {
    for (size_t b = 0; b < dcpg_slices_blocks(s); b++) {
        dcpg_range slice = dcpg_slice(s, b, s->place);
        if (slice.count > 0) memcpy(own, full + slice.offset, slice.count * sizeof *own);
        own += slice.count;
    }
}

void dcpg_slices_put(const dcpg_slices *s, const float *own, float *full) {
    for (size_t b = 0; b < dcpg_slices_blocks(s); b++) {
        dcpg_range slice = dcpg_slice(s, b, s->place);
        if (slice.count > 0) memcpy(full + slice.offset, own, slice.count * sizeof *own);
        own += slice.count;
    }
}

dcpg_range dcpg_range_common(dcpg_range a, dcpg_range b) {
    size_t first = max_size(a.offset, b.offset);
    size_t end_a = a.offset + a.count, end_b = b.offset + b.count, end = min_size(end_a, end_b);
    return first < end ? (dcpg_range){first, end - first} : (dcpg_range){first, 0};
}
