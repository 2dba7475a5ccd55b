/* SPDX-License-Identifier: MIT */
/* Max pooling, and the mean over time. Threads divide the samples. */
#include "base/number.h"
#include "kern/vector.h"

#include <assert.h>
#include <dcpg/kern.h>
#include <string.h>

KERN_VECTOR(static, void, max_forward,
            (int64_t windows, int64_t c, int64_t pool, const float *restrict x, float *restrict y,
             uint8_t *restrict arg),
            (windows, c, pool, x, y, arg)) {
    for (int64_t i = 0; i < windows; i++, x += pool * c, y += c, arg += c) {
        memcpy(y, x, (size_t)c * sizeof *y);
        memset(arg, 0, (size_t)c);
        for (int64_t q = 1; q < pool; q++) {
            const float *row = x + q * c;
            for (int64_t j = 0; j < c; j++) {
                arg[j] = row[j] > y[j] ? (uint8_t)q : arg[j];
                y[j] = row[j] > y[j] ? row[j] : y[j];
            }
        }
    }
}

void dcpg_max_pool_forward(const dcpg_pool *pool, const float *x, float *y, uint8_t *arg) {
    assert(pool->window > 0 && pool->window <= UINT8_MAX);
    int64_t n = pool->n, t = pool->t, c = pool->c, windows = t / pool->window;
#pragma omp parallel for schedule(static) if (n * t * c > KERN_SMALL)
    for (int64_t i = 0; i < n; i++)
        max_forward(windows, c, pool->window, x + i * t * c, y + i * windows * c, arg + i * windows * c);
}

/* One sample. */
KERN_VECTOR(static, void, max_backward,
            (const dcpg_pool *pool, const uint8_t *restrict arg, const float *restrict dy, bool accumulate,
             float *restrict dx),
            (pool, arg, dy, accumulate, dx)) {
    const int64_t c = pool->c, window = pool->window, windows = pool->t / window;
    for (int64_t i = 0; i < windows; i++, arg += c, dy += c) {
        for (int64_t q = 0; q < window; q++, dx += c) {
            if (accumulate) {
                for (int64_t j = 0; j < c; j++) dx[j] += arg[j] == q ? dy[j] : 0.0f;
            } else {
                for (int64_t j = 0; j < c; j++) dx[j] = arg[j] == q ? dy[j] : 0.0f;
            }
        }
    }
}

void dcpg_max_pool_backward(const dcpg_pool *pool, const uint8_t *arg, const float *dy, bool accumulate,
                            float *dx) {
    assert(pool->window > 0 && pool->window <= UINT8_MAX);
    int64_t n = pool->n, t = pool->t, c = pool->c, windows = t / pool->window,
            covered = windows * pool->window;
#pragma omp parallel for schedule(static) if (n * t * c > KERN_SMALL)
    for (int64_t i = 0; i < n; i++) {
        float *to = dx + i * t * c;
        max_backward(pool, arg + i * windows * c, dy + i * windows * c, accumulate, to);
        if (!accumulate) memset(to + covered * c, 0, (size_t)((t - covered) * c) * sizeof *to);
    }
}

enum { STEPS = 64 }; /* summed at a time, so that rounding does not grow with t */

KERN_VECTOR(static, void, mean_forward, (int64_t t, int64_t width, int64_t c, const float *x, float *y),
            (t, width, c, x, y)) {
    enum { LANES = 64 };
    float total[LANES] = {0};
    for (int64_t first = 0; first < t; first += STEPS) {
        float part[LANES] = {0};
        int64_t end = min_i64(first + STEPS, t);
        for (int64_t i = first; i < end; i++) {
            for (int64_t j = 0; j < width; j++) part[j] += x[i * c + j];
        }
        for (int64_t j = 0; j < LANES; j++) total[j] += part[j];
    }
    for (int64_t j = 0; j < width; j++) y[j] = total[j] / (float)t;
}

void dcpg_mean_forward(int64_t n, int64_t t, int64_t c, const float *x, float *y) {
#pragma omp parallel for schedule(static) if (n * t * c > KERN_SMALL)
    for (int64_t i = 0; i < n; i++) {
        for (int64_t j = 0; j < c; j += 64)
            mean_forward(t, min_i64(64, c - j), c, x + i * t * c + j, y + i * c + j);
    }
}

KERN_VECTOR(static, void, mean_backward,
            (int64_t t, int64_t c, const float *restrict dy, bool accumulate, float *restrict dx),
            (t, c, dy, accumulate, dx)) {
    float scale = 1.0f / (float)t;
    for (int64_t i = 0; i < t; i++, dx += c) {
        if (accumulate) {
            for (int64_t j = 0; j < c; j++) dx[j] += dy[j] * scale;
        } else {
            for (int64_t j = 0; j < c; j++) dx[j] = dy[j] * scale;
        }
    }
}

void dcpg_mean_backward(int64_t n, int64_t t, int64_t c, const float *dy, bool accumulate, float *dx) {
#pragma omp parallel for schedule(static) if (n * t * c > KERN_SMALL)
    for (int64_t i = 0; i < n; i++) mean_backward(t, c, dy + i * c, accumulate, dx + i * t * c);
}
