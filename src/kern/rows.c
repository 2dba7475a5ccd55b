/* SPDX-License-Identifier: MIT */
/* Passes over matrices of rows (rows.h). */
#include "kern/rows.h"
#include "base/number.h"

#include "kern/vector.h"

KERN_VECTOR(static, void, add_bias, (int64_t f, const float *src, const float *b, float low, float *dst),
            (f, src, b, low, dst)) {
    KERN_INDEPENDENT
    for (int64_t j = 0; j < f; j++) {
        float v = src[j] + b[j];
        dst[j] = v < low ? low : v; /* a NaN stays NaN */
    }
}

KERN_VECTOR(static, void, copy_cut, (int64_t count, const float *src, float low, float *dst),
            (count, src, low, dst)) {
    KERN_INDEPENDENT
    for (int64_t j = 0; j < count; j++) dst[j] = src[j] < low ? low : src[j];
}

KERN_VECTOR(static, void, add, (int64_t count, const float *restrict src, float *restrict dst),
            (count, src, dst)) {
    for (int64_t j = 0; j < count; j++) dst[j] += src[j];
}

void dcpg_rows_finish(int64_t rows, int64_t f, const float *src, const kern_finish *end, float *dst) {
    float low = end->relu ? 0.0f : -__builtin_inff();
    if (end->accumulate) {
        add(rows * f, src, dst);
    } else if (end->b == NULL) {
        if (src != dst || end->relu) copy_cut(rows * f, src, low, dst);
    } else {
        for (int64_t i = 0; i < rows; i++) add_bias(f, src + i * f, end->b, low, dst + i * f);
    }
}

enum { LANES = 64, CHUNK = 128 };

/* Sums of up to LANES columns. Rows are summed in groups of CHUNK, so that rounding grows with the group
 * rather than with all rows. */
KERN_VECTOR(static, void, sum_columns, (int64_t rows, int64_t width, const float *x, int64_t ld, float *sums),
            (rows, width, x, ld, sums)) {
    float total[LANES] = {0};
    for (int64_t first = 0; first < rows; first += CHUNK) {
        int64_t end = min_i64(first + CHUNK, rows);
        float part[LANES] = {0};
        if (width == LANES) {
            for (int64_t i = first; i < end; i++) {
                for (int64_t l = 0; l < LANES; l++) part[l] += x[i * ld + l];
            }
        } else {
            for (int64_t i = first; i < end; i++) {
                for (int64_t l = 0; l < width; l++) part[l] += x[i * ld + l];
            }
        }
        for (int64_t l = 0; l < LANES; l++) total[l] += part[l];
    }
    for (int64_t l = 0; l < width; l++) sums[l] = total[l];
}

void dcpg_rows_sum(int64_t rows, int64_t f, const float *x, int64_t ld, float *sums) {
#pragma omp parallel for schedule(static) if (rows * f > KERN_SMALL)
    for (int64_t j = 0; j < f; j += LANES) sum_columns(rows, min_i64(LANES, f - j), x + j, ld, sums + j);
}
