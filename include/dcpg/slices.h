/* SPDX-License-Identifier: MIT */
/* Slices: which rank owns which part of an array that all ranks hold. The array is cut into blocks, and each
 * block into one slice per place, by the sizes alone, so that ranks need not exchange anything. Each rank has
 * one of the places, in an order that suits the exchange (dcpg_par_sums_slices). */
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
    int place, size;     /* this rank's place and their number; 0 of 1: each block is one slice */
} dcpg_slices;

/* Slices of `total` values in equally long blocks of at most DCPG_BLOCK values (multiples of 16 but for the
 * last). Pure. */
enum { DCPG_BLOCK = 1 << 19 };
DCPG_API dcpg_slices dcpg_slices_even(size_t total, int place, int size);

/* Number of blocks of the array. Pure. */
DCPG_API size_t dcpg_slices_blocks(const dcpg_slices *slices);

/* The slice of block `block` at `place`; may be empty. Slices begin at multiples of 16 values from the
 * block's first one (cache lines of floats) and tile the block in the order of the places. Pure. */
DCPG_API dcpg_range dcpg_slice(const dcpg_slices *slices, size_t block, int place);

/* The slices at places [first, end) of a block, first < end, as one range. Pure. */
DCPG_API dcpg_range dcpg_slice_run(const dcpg_slices *slices, size_t block, int first, int end);

/* Number of values at slices->place in all blocks. Pure. */
DCPG_API size_t dcpg_slices_count(const dcpg_slices *slices);

/* Copies the slices at slices->place from full[total] to own[dcpg_slices_count], one after the other, or
 * back. Local. */
DCPG_API void dcpg_slices_take(const dcpg_slices *slices, const float *full, float *own);
DCPG_API void dcpg_slices_put(const dcpg_slices *slices, const float *own, float *full);

/* The intersection of two ranges; empty ranges have count 0. Pure. */
DCPG_API dcpg_range dcpg_range_common(dcpg_range a, dcpg_range b);

DCPG_END_C

#endif
