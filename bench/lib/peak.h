/* SPDX-License-Identifier: MIT */
/* Peak rates of the processor, with which measured rates are compared. */
#ifndef BENCH_PEAK_H
#define BENCH_PEAK_H

typedef struct bench_peak {
    double
        flops; /* multiply-adds of floats in registers, counted as two each, per second, over all threads */
    double bytes; /* read and written per second by copies larger than the caches */
} bench_peak;

/* Takes about a second. */
bench_peak bench_measure_peak(void);

#endif
