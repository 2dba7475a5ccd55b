/* SPDX-License-Identifier: MIT */
/* Batch normalisation over rows of c channels, with sums in double. */
#include "base/number.h"
#include "kern/lanes.h"

#include <dcpg/kern.h>
#include <string.h>

enum {
    CHUNK = 16, /* rows summed in single precision before the result is added to a sum in double */
    STRIP = 2 * KERN_LANES,
    ROWS = 64,
    WIDE = 128 /* channels whose constants are prepared at a time */
};

/* `width` channels: sums[0..) of x - shift, sums[c..) of its square. */
KERN_VECTOR(static, void, moments,
            (int64_t rows, int64_t c, int64_t width, const float *x, const float *shift, double *sums),
            (rows, c, width, x, shift, sums)) {
    double *sum = sums, *square = sums + c;
    double s[STRIP] = {0}, q[STRIP] = {0};
    float about[STRIP] = {0};
    for (int64_t j = 0; j < width; j++) about[j] = shift[j];
    for (int64_t i = 0; i < rows; i++, x += c) {
        for (int64_t j = 0; j < width; j++) {
            double d = (double)(x[j] - about[j]);
            s[j] += d;
            q[j] += d * d;
        }
    }
    for (int64_t j = 0; j < width; j++) {
        sum[j] = s[j];
        square[j] = q[j];
    }
}

void dcpg_bn_sums(int64_t rows, int64_t c, const float *x, const float *shift, double *sums) {
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t j = 0; j < c; j += STRIP)
        moments(rows, c, min_i64(STRIP, c - j), x + j, shift + j, sums + j);
}

/* Rows first .. end - 1. */
KERN_VECTOR(static, void, apply, (const dcpg_bn *bn, int64_t first, int64_t end, float *y),
            (bn, first, end, y)) {
    const int64_t c = bn->c;
    const float *x = bn->x + first * c, *mean = bn->mean, *rstd = bn->rstd, *gamma = bn->gamma,
                *beta = bn->beta, low = bn->relu ? 0.0f : -__builtin_inff();
    y += first * c;
    for (int64_t i = first; i < end; i++, x += c, y += c) {
        KERN_INDEPENDENT
        for (int64_t j = 0; j < c; j++) {
            float v = gamma[j] * rstd[j] * (x[j] - mean[j]) + beta[j];
            y[j] = v < low ? low : v;
        }
    }
}

void dcpg_bn_apply(const dcpg_bn *bn, float *y) {
    int64_t rows = bn->rows, c = bn->c;
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i += ROWS) apply(bn, i, min_i64(i + ROWS, rows), y);
}

/* sum[16] += v */
KERN_INLINE void fold(double *sum, kern_lanes v) {
    for (int l = 0; l < KERN_LANES; l++) sum[l] += (double)v[l];
}

/* The gradient of the normalised value, where dy is the gradient after a ReLU. The ReLU's input is computed
 * again, as in `apply`, which is cheaper than reading its output. */
KERN_INLINE kern_lanes passed(const bool relu, kern_lanes dy, kern_lanes d, kern_lanes gain,
                              kern_lanes beta) {
    return relu ? kern_where(gain * d + beta > 0.0f, dy) : dy;
}
KERN_INLINE float passed_one(const bool relu, float dy, float d, float gain, float beta) {
    return !relu || gain * d + beta > 0.0f ? dy : 0.0f;
}

/* Channels first .. end-1 of the sums of dy and of dy * xhat. */
KERN_INLINE void sum_gradients(const bool relu, const dcpg_bn *l, const float *gradient, int64_t first,
                               int64_t end, double *sums) {
    int64_t rows = l->rows, c = l->c;
    double *sum = sums, *product = sums + c;
    memset(sum + first, 0, (size_t)(end - first) * sizeof *sum);
    memset(product + first, 0, (size_t)(end - first) * sizeof *product);
    for (int64_t row = 0; row < rows; row += CHUNK) {
        int64_t last = min_i64(row + CHUNK, rows), j = first;
        for (; j + STRIP <= end; j += STRIP) {
            int64_t k = j + KERN_LANES;
            kern_lanes centre0 = kern_load(l->mean + j), centre1 = kern_load(l->mean + k),
                       scale0 = kern_load(l->rstd + j), scale1 = kern_load(l->rstd + k);
            kern_lanes gain0 = kern_load(l->gamma + j) * scale0, gain1 = kern_load(l->gamma + k) * scale1;
            kern_lanes beta0 = kern_load(l->beta + j), beta1 = kern_load(l->beta + k);
            kern_lanes s0 = kern_zero(), s1 = kern_zero(), q0 = kern_zero(), q1 = kern_zero();
            const float *x = l->x + row * c + j, *dy = gradient + row * c + j;
            for (int64_t i = row; i < last; i++, x += c, dy += c) {
                kern_lanes d0 = kern_load(x) - centre0, d1 = kern_load(x + KERN_LANES) - centre1;
                kern_lanes g0 = passed(relu, kern_load(dy), d0, gain0, beta0),
                           g1 = passed(relu, kern_load(dy + KERN_LANES), d1, gain1, beta1);
                s0 += g0, s1 += g1;
                q0 += g0 * (d0 * scale0), q1 += g1 * (d1 * scale1);
            }
            fold(sum + j, s0), fold(sum + k, s1);
            fold(product + j, q0), fold(product + k, q1);
        }
        for (; j < end; j++) {
            float s = 0, q = 0, gain = l->gamma[j] * l->rstd[j];
            for (int64_t i = row; i < last; i++) {
                float d = l->x[i * c + j] - l->mean[j],
                      g = passed_one(relu, gradient[i * c + j], d, gain, l->beta[j]);
                s += g, q += g * (d * l->rstd[j]);
            }
            sum[j] += (double)s, product[j] += (double)q;
        }
    }
}

KERN_VECTOR(static, void, gradient_moments,
            (const dcpg_bn *l, const float *dy, int64_t first, int64_t end, double *sums),
            (l, dy, first, end, sums)) {
    if (l->relu)
        sum_gradients(true, l, dy, first, end, sums);
    else
        sum_gradients(false, l, dy, first, end, sums);
}

/* Channels that a thread sums; it changes no bits. */
static int64_t strip_of(int64_t c) { return ceil_div(ceil_div(c, kern_threads()), STRIP) * STRIP; }

void dcpg_bn_backward_sums(const dcpg_bn *bn, const float *dy, double *sums) {
    int64_t c = bn->c, strip = strip_of(c);
#pragma omp parallel for schedule(static) if (bn->rows * c > KERN_SMALL)
    for (int64_t j = 0; j < c; j += strip) gradient_moments(bn, dy, j, min_i64(j + strip, c), sums);
}

/* The gradient of x for up to WIDE channels is gain * dy + tilt * (x - centre) + level. */
typedef struct slope {
    float centre[WIDE], gain[WIDE], beta[WIDE], tilt[WIDE], level[WIDE];
} slope;

/* Up to ROWS rows and WIDE channels of x, dy and dx, which have c channels. */
typedef struct patch {
    int64_t rows, c, width;
    const float *x, *dy;
    float *dx;
    bool accumulate;
} patch;

KERN_INLINE void descend(const bool relu, const bool accumulate, const slope *k, const patch *p) {
    const int64_t rows = p->rows, c = p->c, width = p->width;
    const float *x = p->x, *dy = p->dy;
    float *dx = p->dx;
    for (int64_t i = 0; i < rows; i++, x += c, dy += c, dx += c) {
        int64_t j = 0;
        for (; j + KERN_LANES <= width; j += KERN_LANES) {
            kern_lanes d = kern_load(x + j) - kern_load(k->centre + j), gain = kern_load(k->gain + j);
            kern_lanes v = gain * passed(relu, kern_load(dy + j), d, gain, kern_load(k->beta + j)) +
                           (kern_load(k->tilt + j) * d + kern_load(k->level + j));
            if (accumulate) v += kern_load(dx + j);
            kern_store(dx + j, v);
        }
        for (; j < width; j++) {
            float d = x[j] - k->centre[j],
                  v = k->gain[j] * passed_one(relu, dy[j], d, k->gain[j], k->beta[j]) +
                      (k->tilt[j] * d + k->level[j]);
            dx[j] = accumulate ? dx[j] + v : v;
        }
    }
}

KERN_VECTOR(static, void, gradient, (bool relu, const slope *k, const patch *p), (relu, k, p)) {
    if (relu && p->accumulate)
        descend(true, true, k, p);
    else if (relu)
        descend(true, false, k, p);
    else
        descend(false, p->accumulate, k, p);
}

/* The constants of channels first .. first + width - 1. */
static void prepare(const dcpg_bn *bn, const double *totals, int64_t count, int64_t first, int64_t width,
                    slope *k) {
    for (int64_t l = 0, j = first; l < width; l++, j++) {
        k->centre[l] = bn->mean[j];
        k->gain[l] = bn->gamma[j] * bn->rstd[j];
        k->beta[l] = bn->beta[j];
        k->tilt[l] = -k->gain[l] * bn->rstd[j] * (float)(totals[bn->c + j] / (double)count);
        k->level[l] = -k->gain[l] * (float)(totals[j] / (double)count);
    }
}

void dcpg_bn_backward(const dcpg_bn *bn, const float *dy, const double *totals, int64_t count,
                      bool accumulate, float *dx) {
    int64_t rows = bn->rows, c = bn->c;
#pragma omp parallel for collapse(2) schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i += ROWS) {
        for (int64_t j = 0; j < c; j += WIDE) {
            slope k;
            int64_t width = min_i64(WIDE, c - j), at = i * c + j;
            prepare(bn, totals, count, j, width, &k);
            const patch p = {.rows = min_i64(ROWS, rows - i),
                             .c = c,
                             .width = width,
                             .x = bn->x + at,
                             .dy = dy + at,
                             .dx = dx + at,
                             .accumulate = accumulate};
            gradient(bn->relu, &k, &p);
        }
    }
}
