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

KERN_VECTOR(static, void, moments,
            (int64_t rows, int64_t c, int64_t width, const float *x, const float *shift, double *sum,
             double *square),
            (rows, c, width, x, shift, sum, square)) {
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
        moments(rows, c, min_i64(STRIP, c - j), x + j, shift + j, sums + j, sums + c + j);
}

KERN_VECTOR(static, void, apply,
            (int64_t rows, int64_t c, const float *restrict x, const float *restrict mean,
             const float *restrict rstd, const float *restrict gamma, const float *restrict beta, bool relu,
             float *restrict y),
            (rows, c, x, mean, rstd, gamma, beta, relu, y)) {
    float low = relu ? 0.0f : -__builtin_inff();
    for (int64_t i = 0; i < rows; i++, x += c, y += c) {
        for (int64_t j = 0; j < c; j++) {
            float v = gamma[j] * rstd[j] * (x[j] - mean[j]) + beta[j];
            y[j] = v < low ? low : v;
        }
    }
}

void dcpg_bn_apply(int64_t rows, int64_t c, const float *x, const float *mean, const float *rstd,
                   const float *gamma, const float *beta, bool relu, float *y) {
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i += ROWS)
        apply(min_i64(ROWS, rows - i), c, x + i * c, mean, rstd, gamma, beta, relu, y + i * c);
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

/* The arrays of a layer: x and dy [rows][c], the others [c]. */
typedef struct layer {
    int64_t c;
    const float *x, *mean, *rstd, *gamma, *beta, *dy;
} layer;

/* Channels first .. end-1 of the sums of dy and of dy * (x - mean) * rstd. */
KERN_INLINE void sum_gradients(const bool relu, const layer *l, int64_t rows, int64_t first, int64_t end,
                               double *sum, double *product) {
    int64_t c = l->c;
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
            const float *x = l->x + row * c + j, *dy = l->dy + row * c + j;
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
                      g = passed_one(relu, l->dy[i * c + j], d, gain, l->beta[j]);
                s += g, q += g * (d * l->rstd[j]);
            }
            sum[j] += (double)s, product[j] += (double)q;
        }
    }
}

KERN_VECTOR(static, void, gradient_moments,
            (const layer *l, bool relu, int64_t rows, int64_t first, int64_t end, double *sum,
             double *product),
            (l, relu, rows, first, end, sum, product)) {
    if (relu)
        sum_gradients(true, l, rows, first, end, sum, product);
    else
        sum_gradients(false, l, rows, first, end, sum, product);
}

/* Channels that a thread sums; it changes no bits. */
static int64_t strip_of(int64_t c) { return ceil_div(ceil_div(c, kern_threads()), STRIP) * STRIP; }

void dcpg_bn_backward_sums(int64_t rows, int64_t c, const float *x, const float *mean, const float *rstd,
                           const float *gamma, const float *beta, bool relu, const float *dy, double *sums) {
    int64_t strip = strip_of(c);
    layer l = {c, x, mean, rstd, gamma, beta, dy};
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t j = 0; j < c; j += strip)
        gradient_moments(&l, relu, rows, j, min_i64(j + strip, c), sums, sums + c);
}

/* The gradient of x for up to WIDE channels is gain * dy + tilt * (x - centre) + level. */
typedef struct slope {
    float centre[WIDE], gain[WIDE], beta[WIDE], tilt[WIDE], level[WIDE];
} slope;

KERN_INLINE void descend(const bool relu, const bool accumulate, int64_t rows, int64_t c, int64_t width,
                         const slope *k, const float *x, const float *dy, float *dx) {
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

KERN_VECTOR(static, void, gradient,
            (int64_t rows, int64_t c, int64_t width, const slope *k, const float *x, const float *dy,
             bool relu, bool accumulate, float *dx),
            (rows, c, width, k, x, dy, relu, accumulate, dx)) {
    if (relu && accumulate)
        descend(true, true, rows, c, width, k, x, dy, dx);
    else if (relu)
        descend(true, false, rows, c, width, k, x, dy, dx);
    else
        descend(false, accumulate, rows, c, width, k, x, dy, dx);
}

void dcpg_bn_backward(int64_t rows, int64_t c, const float *x, const float *mean, const float *rstd,
                      const float *gamma, const float *beta, bool relu, const float *dy, const double *totals,
                      int64_t count, bool accumulate, float *dx) {
#pragma omp parallel for collapse(2) schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i += ROWS) {
        for (int64_t j = 0; j < c; j += WIDE) {
            slope k;
            int64_t width = min_i64(WIDE, c - j), at = i * c + j;
            for (int64_t l = 0; l < width; l++) {
                k.centre[l] = mean[j + l];
                k.gain[l] = gamma[j + l] * rstd[j + l];
                k.beta[l] = beta[j + l];
                k.tilt[l] = -k.gain[l] * rstd[j + l] * (float)(totals[c + j + l] / (double)count);
                k.level[l] = -k.gain[l] * (float)(totals[j + l] / (double)count);
            }
            gradient(min_i64(ROWS, rows - i), c, width, &k, x + at, dy + at, relu, accumulate, dx + at);
        }
    }
}
