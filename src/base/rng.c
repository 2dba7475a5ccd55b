/* SPDX-License-Identifier: MIT */
/* Random numbers that depend on seed and stream only (Philox), and hashes. */
#include <assert.h>
#include <dcpg/rng.h>
#include <math.h>

void dcpg_philox(const uint32_t key[2], const uint32_t counter[4], uint32_t out[4]) {
    uint32_t k0 = key[0], k1 = key[1];
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

void dcpg_rng_start(dcpg_rng *rng, uint64_t seed, uint64_t stream) {
    *rng = (dcpg_rng){
        .key = {(uint32_t)seed, (uint32_t)(seed >> 32)},
        .counter = {0, 0, (uint32_t)stream, (uint32_t)(stream >> 32)},
    };
}

uint32_t dcpg_rng_u32(dcpg_rng *rng) {
    if (rng->left == 0) {
        dcpg_philox(rng->key, rng->counter, rng->block);
        if (++rng->counter[0] == 0) rng->counter[1]++;
        rng->left = 4;
    }
    return rng->block[4 - rng->left--];
}

uint64_t dcpg_rng_u64(dcpg_rng *rng) {
    uint64_t low = dcpg_rng_u32(rng);
    return low | (uint64_t)dcpg_rng_u32(rng) << 32;
}

double dcpg_rng_uniform(dcpg_rng *rng) { return (double)(dcpg_rng_u64(rng) >> 11) * 0x1p-53; }

double dcpg_rng_normal(dcpg_rng *rng) {
    const double two_pi = 6.283185307179586;
    double radius = sqrt(-2 * log(1 - dcpg_rng_uniform(rng))); /* 1 - u is never 0 */
    return radius * cos(two_pi * dcpg_rng_uniform(rng));
}

uint64_t dcpg_rng_below(dcpg_rng *rng, uint64_t n) {
    assert(n > 0);
    uint64_t biased = (UINT64_MAX - n + 1) % n; /* 2^64 mod n: draws below this would favour small numbers */
    uint64_t x;
    do x = dcpg_rng_u64(rng);
    while (x < biased);
    return x % n;
}

void dcpg_rng_shuffle(dcpg_rng *rng, int64_t *x, size_t n) {
    for (size_t i = n; i > 1; i--) {
        size_t j = (size_t)dcpg_rng_below(rng, i);
        int64_t swap = x[i - 1];
        x[i - 1] = x[j];
        x[j] = swap;
    }
}

uint64_t dcpg_hash(const char *text) {
    uint64_t hash = 0xCBF29CE484222325u;
    for (; *text; text++) hash = (hash ^ (unsigned char)*text) * 0x100000001B3u;
    return hash;
}

static uint64_t splitmix64(uint64_t x) {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9u;
    x = (x ^ x >> 27) * 0x94D049BB133111EBu;
    return x ^ x >> 31;
}

uint64_t dcpg_mix(uint64_t a, uint64_t b) { return splitmix64(splitmix64(a) ^ b); }
