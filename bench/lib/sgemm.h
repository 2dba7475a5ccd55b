/* SPDX-License-Identifier: MIT */
/* sgemm of other libraries, if they are installed. They are looked for at run time, so that the build does
 * not need them. */
#ifndef BENCH_SGEMM_H
#define BENCH_SGEMM_H

#include <stdbool.h>
#include <stdint.h>

/* c[m][n] = a[m][k] * b[k][n], rows contiguous; a transposed: a[k][m]. */
typedef void bench_sgemm(int64_t m, int64_t n, int64_t k, bool transposed, const float *a, const float *b,
                         float *c);

typedef struct bench_library {
    const char *name;
    bench_sgemm *sgemm;
} bench_library;

/* Those that were found, set to use as many threads as OpenMP; ended by a NULL name. */
const bench_library *bench_libraries(void);

#endif
