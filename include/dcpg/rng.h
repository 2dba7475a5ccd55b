/* SPDX-License-Identifier: MIT */
/* Random numbers as a function of a key and a counter, so that nothing depends on the order of draws, and so
 * neither on ranks nor on threads. Philox4x32-10: Salmon et al., "Parallel random numbers: as easy as 1, 2,
 * 3", SC 2011. */
#ifndef DCPG_RNG_H
#define DCPG_RNG_H

#include <dcpg/api.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* Four random words of (key, counter). Pure. */
DCPG_API void dcpg_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]);

/* A stream of numbers: a pure function of (seed, stream, draws made so far). */
typedef struct dcpg_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* [0..1] block drawn, [2..3] stream */
    uint32_t block[4];
    unsigned left; /* words of `block` not yet used */
} dcpg_rng;

/* Starts stream `stream` of `seed`; streams are independent. Local, like all below. */
DCPG_API void dcpg_rng_start(dcpg_rng *rng, uint64_t seed, uint64_t stream);
DCPG_API uint32_t dcpg_rng_u32(dcpg_rng *rng);
DCPG_API uint64_t dcpg_rng_u64(dcpg_rng *rng);
DCPG_API double dcpg_rng_uniform(dcpg_rng *rng);                     /* [0, 1), 53 bits */
DCPG_API double dcpg_rng_normal(dcpg_rng *rng);                      /* mean 0, variance 1 (Box-Muller) */
DCPG_API uint64_t dcpg_rng_below(dcpg_rng *rng, uint64_t n);         /* 0 .. n-1, unbiased; n > 0 */
DCPG_API void dcpg_rng_shuffle(dcpg_rng *rng, int64_t *x, size_t n); /* Fisher-Yates */

/* FNV-1a hash of a string: turns layer and cell names into stream numbers. */
DCPG_API uint64_t dcpg_hash(const char *text);

/* Mixes two numbers into a stream number (splitmix64). */
DCPG_API uint64_t dcpg_mix(uint64_t a, uint64_t b);

DCPG_END_C

#endif
