/* Batch normalisation over rows of c channels. Sums are in double. */
#include "kern/lanes.h"

#include <dcpg/kern.h>
#include <string.h>

enum {
    CHUNK = 16, /* rows summed in single precision before they enter a sum in double */
    STRIP = 2 * KERN_LANES,
    ROWS = 64,
    WIDE = 128 /* channels whose constants are prepared at a time */
};

KERN_VECTOR static void moments(int64_t rows, int64_t c, int64_t width, const float *x, const float *shift,
                                double *sum, double *square) {
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
        moments(rows, c, kern_min(STRIP, c - j), x + j, shift + j, sums + j, sums + c + j);
}

KERN_VECTOR static void apply(int64_t rows, int64_t c, const float *restrict x, const float *restrict mean,
                              const float *restrict rstd, const float *restrict gamma,
                              const float *restrict beta, bool relu, float *restrict y) {
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
        apply(kern_min(ROWS, rows - i), c, x + i * c, mean, rstd, gamma, beta, relu, y + i * c);
}

/* sum[16] += v */
KERN_INLINE void fold(double *sum, kern_lanes v) {
    for (int l = 0; l < KERN_LANES; l++) sum[l] += (double)v[l];
}

/* What reaches the normalised value of dy behind a ReLU, whose output is y where there is one. */
KERN_INLINE kern_lanes passed(const bool relu, const float *dy, const float *y) {
    return relu ? kern_where(kern_load(y) > 0.0f, kern_load(dy)) : kern_load(dy);
}
KERN_INLINE float passed_one(const bool relu, const float *dy, const float *y) { return !relu || *y > 0.0f ? *dy : 0.0f; }

/* Channels first .. end-1 of the sums of dy and of dy * (x - mean) * rstd. */
KERN_INLINE void sum_gradients(const bool relu, int64_t rows, int64_t c, int64_t first, int64_t end, const float *x, const float *mean, const float *rstd,
                               const float *dy, const float *y, double *sum, double *product) {
    memset(sum + first, 0, (size_t)(end - first) * sizeof *sum);
    memset(product + first, 0, (size_t)(end - first) * sizeof *product);
    for (int64_t row = 0; row < rows; row += CHUNK) {
        int64_t nb = kern_min(CHUNK, rows - row), j = first;
        for (; j + STRIP <= end; j += STRIP) {
            int64_t k = j + KERN_LANES;
            kern_lanes centre0 = kern_load(mean + j), centre1 = kern_load(mean + k), scale0 = kern_load(rstd + j), scale1 = kern_load(rstd + k);
            kern_lanes s0 = kern_zero(), s1 = kern_zero(), q0 = kern_zero(), q1 = kern_zero();
            for (int64_t i = row; i < row + nb; i++) {
                int64_t at = i * c + j, next = i * c + k;
                kern_lanes g0 = passed(relu, dy + at, y + at), g1 = passed(relu, dy + next, y + next);
                s0 += g0, s1 += g1;
                q0 += g0 * ((kern_load(x + at) - centre0) * scale0), q1 += g1 * ((kern_load(x + next) - centre1) * scale1);
            }
            fold(sum + j, s0), fold(sum + k, s1);
            fold(product + j, q0), fold(product + k, q1);
        }
        for (; j < end; j++) {
            float s = 0, q = 0;
            for (int64_t i = row; i < row + nb; i++) {
                float g = passed_one(relu, dy + i * c + j, y + i * c + j);
                s += g, q += g * ((x[i * c + j] - mean[j]) * rstd[j]);
            }
            sum[j] += (double)s, product[j] += (double)q;
        }
    }
}

KERN_VECTOR static void gradient_moments(int64_t rows, int64_t c, int64_t first, int64_t end, const float *x, const float *mean, const float *rstd,
                                         const float *dy, const float *relu_y, double *sum, double *product) {
    if (relu_y != NULL)
        sum_gradients(true, rows, c, first, end, x, mean, rstd, dy, relu_y, sum, product);
    else
        sum_gradients(false, rows, c, first, end, x, mean, rstd, dy, dy, sum, product);
}

/* Channels that a thread sums; no bits depend on it. */
static int64_t strip_of(int64_t c) {
    return kern_ceil_div(kern_ceil_div(c, kern_threads()), STRIP) * STRIP;
}

void dcpg_bn_backward_sums(int64_t rows, int64_t c, const float *x, const float *mean, const float *rstd, const float *dy, const float *relu_y, double *sums) {
    int64_t strip = strip_of(c);
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t j = 0; j < c; j += strip) gradient_moments(rows, c, j, kern_min(j + strip, c), x, mean, rstd, dy, relu_y, sums, sums + c);
}

/* The gradient as gain * dy + tilt * (x - centre) + level for up to WIDE channels. */
typedef struct slope {
    float centre[WIDE], gain[WIDE], tilt[WIDE], level[WIDE];
} slope;

KERN_INLINE void descend(const bool relu, const bool accumulate, int64_t rows, int64_t c, int64_t width, const slope *k, const float *x, const float *dy,
                         const float *y, float *dx) {
    for (int64_t i = 0; i < rows; i++, x += c, dy += c, y += c, dx += c) {
        int64_t j = 0;
        for (; j + KERN_LANES <= width; j += KERN_LANES) {
            kern_lanes v = kern_load(k->gain + j) * passed(relu, dy + j, y + j) +
                           (kern_load(k->tilt + j) * (kern_load(x + j) - kern_load(k->centre + j)) + kern_load(k->level + j));
            if (accumulate) v += kern_load(dx + j);
            kern_store(dx + j, v);
        }
        for (; j < width; j++) {
            float v = k->gain[j] * passed_one(relu, dy + j, y + j) + (k->tilt[j] * (x[j] - k->centre[j]) + k->level[j]);
            dx[j] = accumulate ? dx[j] + v : v;
        }
    }
}

KERN_VECTOR static void gradient(int64_t rows, int64_t c, int64_t width, const slope *k, const float *x, const float *dy, const float *relu_y,
                                 bool accumulate, float *dx) {
    const float *y = relu_y != NULL ? relu_y : dy;
    if (relu_y != NULL && accumulate)
        descend(true, true, rows, c, width, k, x, dy, y, dx);
    else if (relu_y != NULL)
        descend(true, false, rows, c, width, k, x, dy, y, dx);
    else
        descend(false, accumulate, rows, c, width, k, x, dy, y, dx);
}

void dcpg_bn_backward(int64_t rows, int64_t c, const float *x, const float *mean, const float *rstd, const float *gamma, const float *dy,
                      const float *relu_y, const double *totals, int64_t count, bool accumulate, float *dx) {
#pragma omp parallel for collapse(2) schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i += ROWS) {
        for (int64_t j = 0; j < c; j += WIDE) {
            slope k;
            int64_t width = kern_min(WIDE, c - j), at = i * c + j;
            for (int64_t l = 0; l < width; l++) {
                k.centre[l] = mean[j + l];
                k.gain[l] = gamma[j + l] * rstd[j + l];
                k.tilt[l] = -k.gain[l] * rstd[j + l] * (float)(totals[c + j + l] / (double)count);
                k.level[l] = -k.gain[l] * (float)(totals[j + l] / (double)count);
            }
            gradient(kern_min(ROWS, rows - i), c, width, &k, x + at, dy + at, relu_y == NULL ? NULL : relu_y + at, accumulate, dx + at);
        }
    }
}
