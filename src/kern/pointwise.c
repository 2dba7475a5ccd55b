/* SPDX-License-Identifier: MIT */
/* Activations, sums and copies. Work is cut by rows or into blocks of fixed size. */
#include "base/number.h"
#include "kern/vector.h"

#include <assert.h>
#include <dcpg/kern.h>
#include <string.h>

enum { BLOCK = 1 << 13 };

#define SCALED 0.251f /* factor of DCPG_SCALED_SIGMOID */

/* ---- activations ---- */

KERN_VECTOR(static, void, add, (int64_t count, const float *a, const float *b, float *y), (count, a, b, y)) {
    KERN_INDEPENDENT
    for (int64_t i = 0; i < count; i++) y[i] = a[i] + b[i];
}

KERN_VECTOR(static, void, relu, (int64_t count, const float *x, float *y), (count, x, y)) {
    KERN_INDEPENDENT
    for (int64_t i = 0; i < count; i++) y[i] = x[i] < 0.0f ? 0.0f : x[i];
}

KERN_VECTOR(static, void, sigmoid, (int64_t count, float scale, const float *x, float *y),
            (count, scale, x, y)) {
    KERN_INDEPENDENT
    for (int64_t i = 0; i < count; i++) y[i] = scale * kern_sigmoid(x[i]);
}

KERN_VECTOR(static, void, hard_sigmoid, (int64_t count, const float *x, float *y), (count, x, y)) {
    KERN_INDEPENDENT
    for (int64_t i = 0; i < count; i++) y[i] = kern_hard_sigmoid(x[i]);
}

KERN_VECTOR(static, void, tangent, (int64_t count, const float *x, float *y), (count, x, y)) {
    KERN_INDEPENDENT
    for (int64_t i = 0; i < count; i++) y[i] = kern_tanh(x[i]);
}

static void softmax(int64_t c, const float *x, float *y) {
    float top = x[0], sum = 0.0f;
    for (int64_t j = 1; j < c; j++) top = x[j] > top ? x[j] : top;
    for (int64_t j = 0; j < c; j++) {
        y[j] = kern_exp(x[j] - top);
        sum += y[j];
    }
    for (int64_t j = 0; j < c; j++) y[j] /= sum;
}

static void activate(dcpg_activation kind, int64_t rows, int64_t c, const float *x, float *y) {
    int64_t count = rows * c;
    switch (kind) {
    case DCPG_LINEAR:
        if (x != y) memcpy(y, x, (size_t)count * sizeof *y);
        break;
    case DCPG_RELU:
        relu(count, x, y);
        break;
    case DCPG_SIGMOID:
        sigmoid(count, 1.0f, x, y);
        break;
    case DCPG_SCALED_SIGMOID:
        sigmoid(count, SCALED, x, y);
        break;
    case DCPG_HARD_SIGMOID:
        hard_sigmoid(count, x, y);
        break;
    case DCPG_TANH:
        tangent(count, x, y);
        break;
    case DCPG_SOFTMAX:
        for (int64_t i = 0; i < rows; i++) softmax(c, x + i * c, y + i * c);
        break;
    }
}

/* Rows per block. */
static int64_t block_rows(int64_t c) { return max_i64(BLOCK / max_i64(c, 1), 1); }

void dcpg_activate(dcpg_activation kind, int64_t rows, int64_t c, const float *x, float *y) {
    int64_t step = block_rows(c);
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i += step) activate(kind, min_i64(step, rows - i), c, x + i * c, y + i * c);
}

/* dx (+)= dy * slope; the slope of each activation is computed from its output */
#define BACKWARD(name, slope)                                                                                \
    KERN_VECTOR(static, void, name,                                                                          \
                (int64_t count, const float *y, const float *dy, bool accumulate, float *dx),                \
                (count, y, dy, accumulate, dx)) {                                                            \
        if (accumulate) {                                                                                    \
            KERN_INDEPENDENT                                                                                 \
            for (int64_t i = 0; i < count; i++) dx[i] += dy[i] * (slope);                                    \
        } else {                                                                                             \
            KERN_INDEPENDENT                                                                                 \
            for (int64_t i = 0; i < count; i++) dx[i] = dy[i] * (slope);                                     \
        }                                                                                                    \
    }
BACKWARD(relu_backward, y[i] > 0.0f ? 1.0f : 0.0f)
BACKWARD(sigmoid_backward, y[i] * (1.0f - y[i]))
BACKWARD(scaled_sigmoid_backward, y[i] * (1.0f - y[i] / SCALED))
BACKWARD(hard_sigmoid_backward, y[i] > 0.0f && y[i] < 1.0f ? 0.2f : 0.0f)
BACKWARD(tangent_backward, 1.0f - y[i] * y[i])

static void softmax_backward(int64_t c, const float *y, const float *dy, bool accumulate, float *dx) {
    float dot = 0.0f;
    for (int64_t j = 0; j < c; j++) dot += y[j] * dy[j];
    for (int64_t j = 0; j < c; j++) {
        float g = y[j] * (dy[j] - dot);
        dx[j] = accumulate ? dx[j] + g : g;
    }
}

static void activate_backward(const dcpg_activated *out, const float *dy, bool accumulate, float *dx) {
    int64_t rows = out->rows, c = out->c, count = rows * c;
    const float *y = out->y;
    switch (out->kind) {
    case DCPG_LINEAR:
        if (accumulate)
            add(count, dx, dy, dx);
        else if (dx != dy)
            memcpy(dx, dy, (size_t)count * sizeof *dx);
        break;
    case DCPG_RELU:
        relu_backward(count, y, dy, accumulate, dx);
        break;
    case DCPG_SIGMOID:
        sigmoid_backward(count, y, dy, accumulate, dx);
        break;
    case DCPG_SCALED_SIGMOID:
        scaled_sigmoid_backward(count, y, dy, accumulate, dx);
        break;
    case DCPG_HARD_SIGMOID:
        hard_sigmoid_backward(count, y, dy, accumulate, dx);
        break;
    case DCPG_TANH:
        tangent_backward(count, y, dy, accumulate, dx);
        break;
    case DCPG_SOFTMAX:
        for (int64_t i = 0; i < rows; i++) softmax_backward(c, y + i * c, dy + i * c, accumulate, dx + i * c);
        break;
    }
}

void dcpg_activate_backward(const dcpg_activated *out, const float *dy, bool accumulate, float *dx) {
    int64_t rows = out->rows, c = out->c, step = block_rows(c);
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i += step) {
        const dcpg_activated part = {out->kind, min_i64(step, rows - i), c, out->y + i * c};
        activate_backward(&part, dy + i * c, accumulate, dx + i * c);
    }
}

/* ---- sums and copies ---- */

void dcpg_add(size_t count, const float *a, const float *b, float *y) {
    int64_t all = (int64_t)count;
#pragma omp parallel for schedule(static) if (all > KERN_SMALL)
    for (int64_t i = 0; i < all; i += BLOCK) add(min_i64(BLOCK, all - i), a + i, b + i, y + i);
}

void dcpg_accumulate(size_t count, const float *x, float *y) { dcpg_add(count, y, x, y); }

void dcpg_copy_columns(int64_t rows, int64_t c, dcpg_mat src, dcpg_mat_out dst, bool accumulate) {
    assert(src.cs == 1 && dst.cs == 1);
#pragma omp parallel for schedule(static) if (rows * c > KERN_SMALL)
    for (int64_t i = 0; i < rows; i++) {
        const float *from = src.p + i * src.rs;
        float *to = dst.p + i * dst.rs;
        if (accumulate)
            add(c, to, from, to);
        else
            memcpy(to, from, (size_t)c * sizeof *to);
    }
}
