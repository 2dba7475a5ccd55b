/* SPDX-License-Identifier: MIT */
/* Exact sums of numbers that are not negative: any order of additions, and any way of sharing them out among
 * ranks and threads, gives the same bits.
 *
 * A sum is a fixed-point number of 448 bits in 14 words of 32 bits each, whose upper halves take up the
 * carries: up to 2^31 numbers may be added, and sums are merged word by word, as integers (over ranks by
 * dcpg_sum_i64s_all). The lowest bit is 2^-160; what is smaller is cut off from every number alike. */
#ifndef DCPG_EXACT_H
#define DCPG_EXACT_H

#include <dcpg/api.h>
#include <stdint.h>

DCPG_BEGIN_C

enum { DCPG_EXACT_DIGITS = 14, DCPG_EXACT_WORDS };

typedef struct dcpg_exact {
    int64_t word[DCPG_EXACT_WORDS]; /* the digits, lowest first, then how many numbers were not finite or are
                                       2^256 or more; all 0: an empty sum */
} dcpg_exact;

/* Adds x, which is not negative. Local. */
DCPG_API void dcpg_exact_add(dcpg_exact *sum, double x);

/* Adds the sum `from` to `to`. Local. */
DCPG_API void dcpg_exact_merge(dcpg_exact *to, const dcpg_exact *from);

/* The sum, correct to a few units in the last place of a double; infinite if a number was not finite or too
 * large. Pure. */
DCPG_API double dcpg_exact_value(const dcpg_exact *sum);

DCPG_END_C

#endif
