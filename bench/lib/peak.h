/* SPDX-License-Identifier: MIT */
/* What the processor can do, to hold rates against. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

typedef struct bench_peak {
    double flops; /* multiply-adds of floats in registers, two each, per second, all threads together */
    double bytes; /* read and written per second by copies larger than the caches */
} bench_peak;

/* Takes about a second. */
bench_peak bench_measure_peak(void);

#endif
