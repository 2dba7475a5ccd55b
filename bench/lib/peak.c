/* SPDX-License-Identifier: MIT */
/* Measures the peak rates of the processor (peak.h). */
#include "bench/lib/peak.h"

#include "kern/lanes.h"

#include <dcpg/log.h>
#include <dcpg/memory.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

enum { CHAINS = 20, STEPS = 100000, SIZE = 1 << 26 /* bytes per thread */ };
static const double seconds = 0.4;

/* CHAINS * STEPS multiply-adds of 16 floats, in enough independent chains to hide their latency. */
KERN_VECTOR(static, float, multiply_add, (void), ()) {
    kern_lanes sum[CHAINS], x = kern_zero() + 0.999f, y = kern_zero() + 0.001f;
#pragma GCC unroll 20
    for (int i = 0; i < CHAINS; i++) sum[i] = kern_zero() + (float)i;
    for (int k = 0; k < STEPS; k++) {
#pragma GCC unroll 20
        for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * x + y;
    }
#pragma GCC unroll 20
    for (int i = 1; i < CHAINS; i++) sum[0] += sum[i];
    return sum[0][0];
}

static float multiply_add_all(void) {
    float sum = 0;
#pragma omp parallel reduction(+ : sum)
    sum += multiply_add();
    return sum;
}

static void copy_all(int threads, const char *from, char *to) {
#pragma omp parallel for schedule(static)
    for (int i = 0; i < threads; i++) memcpy(to + (size_t)i * SIZE, from + (size_t)i * SIZE, SIZE);
}

bench_peak bench_measure_peak(void) {
    int threads = omp_get_max_threads();
    char *from = dcpg_alloc((size_t)threads, SIZE), *to = dcpg_alloc((size_t)threads, SIZE);
    double multiplying = INFINITY, copying = INFINITY;
    volatile float sink = 0; /* keeps the compiler from dropping the computation */
    if (from == NULL || to == NULL) abort();
    for (double begin = dcpg_now(), since = begin; since - begin < seconds;) {
        sink += multiply_add_all();
        double now = dcpg_now();
        multiplying = fmin(multiplying, now - since);
        since = now;
    }
    for (double begin = dcpg_now(), since = begin; since - begin < seconds;) {
        copy_all(threads, from, to);
        double now = dcpg_now();
        copying = fmin(copying, now - since);
        since = now;
    }
    dcpg_free(from);
    dcpg_free(to);
    return (bench_peak){2.0 * threads * CHAINS * STEPS * KERN_LANES / multiplying,
                        2.0 * threads * (double)SIZE / copying};
}
