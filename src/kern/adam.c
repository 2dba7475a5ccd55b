/* SPDX-License-Identifier: MIT */
/* Adam's update in one pass over the parameters, and the norms that regularisation needs. */
#include "base/number.h"
#include "kern/gradient.h"

#include <dcpg/kern.h>
#include <math.h>
#include <string.h>

enum { BLOCK = 1 << 13 };

/* Returns the largest magnitude of a gradient. */
KERN_VECTOR(static, uint32_t, update,
            (const dcpg_adam_step *step, int64_t count, const float *restrict grad, float *restrict w,
             float *restrict m, float *restrict v),
            (step, count, grad, w, m, v)) {
    const dcpg_adam_step s = *step;
    float rest1 = 1.0f - s.beta1, rest2 = 1.0f - s.beta2;
    uint32_t largest = 0;
    for (int64_t i = 0; i < count; i++) {
        uint32_t bits = kern_magnitude(grad[i]);
        largest = bits > largest ? bits : largest;
        float g = kern_full_gradient(&s, grad[i], w[i]);
        m[i] += rest1 * (g - m[i]);
        v[i] += rest2 * (g * g - v[i]);
        w[i] -= s.rate * m[i] / (sqrtf(v[i]) + s.epsilon);
    }
    return largest;
}

bool dcpg_adam_update(const dcpg_adam_step *step, size_t count, const float *grad, float *w, float *m,
                      float *v) {
    int64_t all = (int64_t)count;
    bool finite = true;
#pragma omp parallel for schedule(static) reduction(&& : finite) if (all > KERN_SMALL)
    for (int64_t i = 0; i < all; i += BLOCK)
        finite =
            update(step, min_i64(BLOCK, all - i), grad + i, w + i, m + i, v + i) < KERN_INFINITE && finite;
    return finite;
}

/* Sums of one part, as LANES interleaved partial sums that are added in order. */
KERN_VECTOR(static, void, norms, (int64_t count, const float *w, double *sum_abs, double *sum_square),
            (count, w, sum_abs, sum_square)) {
    enum { LANES = 16 };
    double a[LANES] = {0}, q[LANES] = {0};
    int64_t whole = count / LANES * LANES;
    for (int64_t i = 0; i < whole; i += LANES) {
        for (int64_t j = 0; j < LANES; j++) {
            double x = (double)w[i + j];
            a[j] += x < 0.0 ? -x : x;
            q[j] += x * x;
        }
    }
    for (int64_t i = whole; i < count; i++) {
        double x = (double)w[i];
        a[0] += x < 0.0 ? -x : x;
        q[0] += x * x;
    }
    *sum_abs = *sum_square = 0.0;
    for (int j = 0; j < LANES; j++) {
        *sum_abs += a[j];
        *sum_square += q[j];
    }
}

void dcpg_norms(size_t count, const float *w, double *sum_abs, double *sum_square) {
    enum { PARTS = 64 };
    double a[PARTS], q[PARTS];
    int64_t all = (int64_t)count;
#pragma omp parallel for schedule(static) if (all > KERN_SMALL)
    for (int64_t part = 0; part < PARTS; part++) {
        int64_t first = all * part / PARTS, end = all * (part + 1) / PARTS;
        norms(end - first, w + first, &a[part], &q[part]);
    }
    *sum_abs = *sum_square = 0.0;
    for (int part = 0; part < PARTS; part++) {
        *sum_abs += a[part];
        *sum_square += q[part];
    }
}
