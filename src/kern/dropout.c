/* SPDX-License-Identifier: MIT */
/* Inverted dropout. The mask is a function of (key, sample, element): the same on any rank, and computed
 * again in the backward pass. */
#include "kern/vector.h"

#include <dcpg/kern.h>
#include <dcpg/rng.h>
#include <string.h>

enum { WORDS = 4 }; /* in one Philox block */

/* Sample i: keeps x where the random word is at least `limit`. */
static void drop(const dcpg_mask *mask, int64_t i, uint32_t limit, float scale, const float *x, float *y) {
    uint32_t words[2] = {(uint32_t)mask->key, (uint32_t)(mask->key >> 32)}, random[WORDS];
    int64_t id = mask->id[i];
    for (int64_t j = 0; j < mask->c; j++) {
        if (j % WORDS == 0) {
            uint64_t block = (uint64_t)(j / WORDS);
            uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32), (uint32_t)id,
                                   (uint32_t)((uint64_t)id >> 32)};
            dcpg_philox(words, counter, random);
        }
        y[j] = random[j % WORDS] >= limit ? x[j] * scale : 0.0f;
    }
}

void dcpg_dropout(const dcpg_mask *mask, const float *x, float *y) {
    int64_t n = mask->n, c = mask->c;
    float rate = mask->rate;
    if (rate <= 0.0f) {
        if (x != y) memcpy(y, x, (size_t)(n * c) * sizeof *y);
        return;
    }
    uint32_t limit = rate < 1.0f ? (uint32_t)((double)rate * 4294967296.0) : UINT32_MAX;
    float scale = rate < 1.0f ? 1.0f / (1.0f - rate) : 0.0f;
#pragma omp parallel for schedule(static) if (n * c > KERN_SMALL / 8)
    for (int64_t i = 0; i < n; i++) drop(mask, i, limit, scale, x + i * c, y + i * c);
}
