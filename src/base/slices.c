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

dcpg_range dcpg_slice(const dcpg_slices *s, size_t block, int rank) {
    size_t first = block * s->block, left = s->total - first, count = min_size(left, s->block);
    size_t start = slice_start(count, rank, s->size), end = slice_start(count, rank + 1, s->size);
    return (dcpg_range){first + start, end - start};
}

size_t dcpg_slices_count(const dcpg_slices *s) {
    size_t count = 0;
    for (size_t b = 0; b < dcpg_slices_blocks(s); b++) count += dcpg_slice(s, b, s->rank).count;
    return count;
}

void dcpg_slices_take(const dcpg_slices *s, const float *full, float *own) {
    for (size_t b = 0; b < dcpg_slices_blocks(s); b++) {
        dcpg_range slice = dcpg_slice(s, b, s->rank);
        if (slice.count > 0) memcpy(own, full + slice.offset, slice.count * sizeof *own);
        own += slice.count;
    }
}

void dcpg_slices_put(const dcpg_slices *s, const float *own, float *full) {
    for (size_t b = 0; b < dcpg_slices_blocks(s); b++) {
        dcpg_range slice = dcpg_slice(s, b, s->rank);
        if (slice.count > 0) memcpy(full + slice.offset, own, slice.count * sizeof *own);
        own += slice.count;
    }
}

dcpg_range dcpg_range_common(dcpg_range a, dcpg_range b) {
    size_t first = max_size(a.offset, b.offset);
    size_t end_a = a.offset + a.count, end_b = b.offset + b.count, end = min_size(end_a, end_b);
    return first < end ? (dcpg_range){first, end - first} : (dcpg_range){first, 0};
}
