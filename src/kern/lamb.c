/* SPDX-License-Identifier: MIT */
/* LAMB's moments, directions and updates, and sums of squares that do not depend on how arrays are cut. */
#include "base/number.h"
#include "kern/gradient.h"

#include <dcpg/kern.h>
#include <math.h>
#include <string.h>

KERN_VECTOR(static, void, gradient,
            (const dcpg_adam_step *step, int64_t count, const float *restrict grad, const float *restrict w,
             float *restrict g),
            (step, count, grad, w, g)) {
    const dcpg_adam_step s = *step;
    for (int64_t i = 0; i < count; i++) g[i] = kern_full_gradient(&s, grad[i], w[i]);
}

void dcpg_full_gradient(const dcpg_adam_step *step, size_t count, const float *grad, const float *w,
                        float *g) {
    gradient(step, (int64_t)count, grad, w, g);
}

/* Returns the largest magnitude of a gradient. */
KERN_VECTOR(static, uint32_t, moments,
            (const dcpg_adam_step *step, int64_t count, const float *restrict grad, const float *restrict w,
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
    }
    return largest;
}

bool dcpg_lamb_moments(const dcpg_adam_step *step, size_t count, const float *grad, const float *w, float *m,
                       float *v) {
    return moments(step, (int64_t)count, grad, w, m, v) < KERN_INFINITE;
}

KERN_VECTOR(static, void, direction,
            (const dcpg_lamb_step *step, int64_t count, const float *restrict w, const float *restrict m,
             const float *restrict v, float *restrict u),
            (step, count, w, m, v, u)) {
    const dcpg_lamb_step s = *step;
    for (int64_t i = 0; i < count; i++)
        u[i] = s.correct_m * m[i] / (sqrtf(s.correct_v * v[i]) + s.epsilon) + s.decay * w[i];
}

void dcpg_lamb_direction(const dcpg_lamb_step *step, size_t count, const float *w, const float *m,
                         const float *v, float *u) {
    direction(step, (int64_t)count, w, m, v, u);
}

KERN_VECTOR(static, void, move, (int64_t count, float rate, const float *restrict u, float *restrict w),
            (count, rate, u, w)) {
    for (int64_t i = 0; i < count; i++) w[i] -= rate * u[i];
}

void dcpg_lamb_move(size_t count, float rate, const float *u, float *w) { move((int64_t)count, rate, u, w); }

/* Squares of floats are exact in double precision, so only the order of the additions counts. */
KERN_VECTOR(static, void, square_lines, (int64_t count, const float *restrict x, double *restrict sums),
            (count, x, sums)) {
    for (int64_t i = 0; i < count; i++, x += DCPG_LINE) {
        double part[DCPG_LINE / 2];
        for (int j = 0; j < DCPG_LINE / 2; j++) {
            double a = (double)x[j], b = (double)x[j + DCPG_LINE / 2];
            part[j] = a * a + b * b;
        }
        for (int width = DCPG_LINE / 4; width > 0; width /= 2)
            for (int j = 0; j < width; j++) part[j] += part[j + width];
        sums[i] = part[0];
    }
}

/* The part of a line that begins at its value `at`. */
static void add_some(size_t count, size_t at, const float *x, dcpg_exact *sum) {
    float line[DCPG_LINE] = {0};
    double square;
    if (count == 0) return;
    memcpy(line + at, x, count * sizeof *x);
    square_lines(1, line, &square);
    dcpg_exact_add(sum, square);
}

void dcpg_add_squares(size_t count, size_t at, const float *x, dcpg_exact *sum) {
    enum { LINES = 128 };
    double squares[LINES];
    size_t skipped = at % DCPG_LINE, head = skipped ? min_size(DCPG_LINE - skipped, count) : 0;
    add_some(head, skipped, x, sum);
    for (x += head, count -= head; count >= DCPG_LINE;) {
        size_t lines = min_size(count / DCPG_LINE, LINES);
        square_lines((int64_t)lines, x, squares);
        for (size_t i = 0; i < lines; i++) dcpg_exact_add(sum, squares[i]);
        x += lines * DCPG_LINE, count -= lines * DCPG_LINE;
    }
    add_some(count, 0, x, sum);
}
