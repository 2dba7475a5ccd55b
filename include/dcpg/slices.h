/* SPDX-License-Identifier: MIT */
/* Who owns which part of an array that all ranks hold: the array is cut into blocks, each block into one
 * slice per rank. A function of the sizes alone, so that ranks need not tell each other. */
#ifndef DCPG_SLICES_H
#define DCPG_SLICES_H

#include <dcpg/api.h>
#include <stddef.h>

DCPG_BEGIN_C

/* Values [offset, offset + count) of an array. */
typedef struct dcpg_range {
    size_t offset, count;
} dcpg_range;

typedef struct dcpg_slices {
    size_t total, block; /* values of the array and of a block; the last block may be shorter */
    int rank, size;      /* of how many ranks; 0 of 1: the whole array is one slice per block */
} dcpg_slices;

/* Blocks of the array. Pure. */
DCPG_API size_t dcpg_slices_blocks(const dcpg_slices *slices);

/* What rank `rank` owns of block `block`: may be empty. Slices begin at multiples of 16 values from the
 * block's first one (cache lines of floats) and tile the block in the order of the ranks. Pure. */
DCPG_API dcpg_range dcpg_slice(const dcpg_slices *slices, size_t block, int rank);

/* Values that slices->rank owns in all. Pure. */
DCPG_API size_t dcpg_slices_count(const dcpg_slices *slices);

/* Copies what slices->rank owns out of the array full[total] to the values side by side, own[count], or back.
 */
DCPG_API void dcpg_slices_take(const dcpg_slices *slices, const float *full, float *own);
DCPG_API void dcpg_slices_put(const dcpg_slices *slices, const float *own, float *full);

/* The part of both; empty ranges have count 0. Pure. */
DCPG_API dcpg_range dcpg_range_common(dcpg_range a, dcpg_range b);

DCPG_END_C

#endif
