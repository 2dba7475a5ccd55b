/* Batch normalisation over rows of c channels. Sums run over fixed blocks of channels, in double. */
#include "kern/vector.h"

#include <dcpg/kern.h>

enum { LANES = 32, ROWS = 64 };

KERN_VECTOR static void moments(int64_t rows, int64_t c, int64_t width, const float *x, const float *shift,
                                double *sum, double *square) {
    double s[LANES] = {0}, q[LANES] = {0};
    float about[LANES] = {0};
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
    for (int64_t j = 0; j < c; j += LANES)
        moments(rows, c, kern_min(LANES, c - j), x + j, shift + j, sums + j, sums + c + j);
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

KERN_VECTOR static void gradient_moments(int64_t rows, int64_t c, int64_t width, const float *x,
                                         const float *mean, const float *rstd, const float *dy,
                                         const float *relu_y, double *sum, double *product) {
    double s[LANES] = {0}, q[LANES] = {0};
    float centre[LANES] = {0}, scale[LANES] = {0};
    for (int64_t j = 0; j < width; j++) {
        centre[j] = mean[j];
        scale[j] = rstd[j];
    }
    for (int64_t i = 0; i < rows; i++) {
        for (int64_t j = 0; j < width; j++) {
            float g = dy[i * c + j];
            if (relu_y != NULL) g = relu_y[i * c + j] > 0.0f ? g : 0.0f;
            s[j] += (double)g;
            q[j] += (double)(g * ((x[i * c + j] - centre[j]) * scale[j]));
        }
    }
    for (int64_t j = 0; j < width; j++) {
        sum[j] = s[j];
        product[j] = q[j];
    }
}

void dcpg_bn_backward_sums(int64_t rows, int64_t c, const float *x, const float *mean, const float *rstd,
                           const float *dy, const float *relu_y, double *sums) {
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t j = 0; j < c; j += LANES) {
        gradient_moments(rows, c, kern_min(LANES, c - j), x + j, mean + j, rstd + j, dy + j,
                         relu_y == NULL ? NULL : relu_y + j, sums + j, sums + c + j);
    }
}

/* Per channel constants of the gradient for one block of channels. */
typedef struct slope {
    float centre[LANES], scale[LANES], gain[LANES]; /* mean, rstd, gamma * rstd */
    float level[LANES], tilt[LANES];                /* total_dy / count, total_dy_xhat / count */
} slope;

KERN_VECTOR static void gradient(int64_t rows, int64_t c, int64_t width, const slope *k, const float *x,
                                 const float *dy, const float *relu_y, bool accumulate, float *dx) {
    for (int64_t i = 0; i < rows; i++) {
        float v[LANES];
        for (int64_t j = 0; j < width; j++) {
            float g = dy[i * c + j];
            if (relu_y != NULL) g = relu_y[i * c + j] > 0.0f ? g : 0.0f;
            float xhat = (x[i * c + j] - k->centre[j]) * k->scale[j];
            v[j] = k->gain[j] * (g - k->level[j] - xhat * k->tilt[j]);
        }
        for (int64_t j = 0; accumulate && j < width; j++) v[j] += dx[i * c + j];
        for (int64_t j = 0; j < width; j++) dx[i * c + j] = v[j];
    }
}

void dcpg_bn_backward(int64_t rows, int64_t c, const float *x, const float *mean, const float *rstd,
                      const float *gamma, const float *dy, const float *relu_y, const double *totals,
                      int64_t count, bool accumulate, float *dx) {
#pragma omp parallel for collapse(2) schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i += ROWS) {
        for (int64_t j = 0; j < c; j += LANES) {
            slope k;
            int64_t width = kern_min(LANES, c - j), at = i * c + j;
            for (int64_t l = 0; l < width; l++) {
                k.centre[l] = mean[j + l];
                k.scale[l] = rstd[j + l];
                k.gain[l] = gamma[j + l] * rstd[j + l];
                k.level[l] = (float)(totals[j + l] / (double)count);
                k.tilt[l] = (float)(totals[c + j + l] / (double)count);
            }
            gradient(kern_min(ROWS, rows - i), c, width, &k, x + at, dy + at,
                     relu_y == NULL ? NULL : relu_y + at, accumulate, dx + at);
        }
    }
}
