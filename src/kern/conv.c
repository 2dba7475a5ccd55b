/* SPDX-License-Identifier: MIT */
/* Convolution over one time axis as gemm, without im2col.
 *
 * Row t of the gemm's left matrix is the window of k steps that begins at padded step t * stride: k * c
 * contiguous numbers if dilation is 1. So the input itself, read with a row stride of stride * c, is the
 * matrix; its rows overlap. With dilation each tap is a gemm of its own.
 *
 * Several samples go into one gemm (a block) so that it has enough rows: sample i begins at padded step i *
 * pitch, neighbouring samples share the zeros between them, and rows whose windows cross from one sample into
 * the next are junk, which is dropped when the rows are copied out. The input is copied only where it needs
 * zeros or another pitch. The gradient of the input is, with stride 1, a convolution of dy with the turned
 * kernel; with larger strides the taps are scattered into padded steps or, for a kernel of one tap, written
 * straight into place. Threads work on blocks; how samples fall into blocks changes no bits, because gemm's
 * rows do not depend on each other. */
#include "base/number.h"
#include "kern/rows.h"
#include "kern/vector.h"
#include "kern/winograd.h"

#include <assert.h>
#include <dcpg/kern.h>
#include <omp.h>
#include <string.h>

/* A block holds samples for about this many gemm rows: enough that packing the weights costs little in
 * comparison, few enough that a block's scratch stays in the L2 cache. */
enum { ROWS = 448 };

typedef struct layout {
    int64_t need;  /* padded steps that the windows of a sample cover */
    int64_t pitch; /* padded steps from one sample to the next */
    int64_t rows;  /* gemm rows from one sample to the next */
    int64_t block; /* samples per gemm */
    bool padded;   /* the input must be copied */
    bool direct;   /* no junk rows: gemm writes the output itself */
} layout;

static layout layout_of(const dcpg_conv *conv) {
    layout l;
    l.need = (conv->t_out - 1) * conv->stride + (conv->k - 1) * conv->dilation + 1;
    int64_t pad_right = max_i64(l.need - conv->pad_left - conv->t_in, 0);
    l.pitch = ceil_div(conv->t_in + max_i64(conv->pad_left, pad_right), conv->stride) * conv->stride;
    l.rows = l.pitch / conv->stride;
    l.block = max_i64(ROWS / l.rows, 1);
    l.padded = conv->pad_left > 0 || pad_right > 0 || (l.pitch != conv->t_in && l.block > 1);
    l.direct = l.rows == conv->t_out || l.block == 1;
    return l;
}

/* Padded steps of a block of nb samples, including the zeros after the last one. */
static int64_t padded_steps(const layout *l, int64_t nb) {
    return (nb - 1) * l->pitch + max_i64(l->pitch, l->need);
}

/* Gemm rows of a block, without the junk after its last sample. */
static int64_t gemm_rows(const dcpg_conv *conv, const layout *l, int64_t nb) {
    return (nb - 1) * l->rows + conv->t_out;
}

/* The convolution that takes dy to dx: stride 1 only, kernel turned. */
static dcpg_conv turned(const dcpg_conv *conv) {
    dcpg_conv back = {.t_in = conv->t_out,
                      .c = conv->f,
                      .t_out = conv->t_in,
                      .f = conv->c,
                      .k = conv->k,
                      .stride = 1,
                      .dilation = conv->dilation};
    back.pad_left = (conv->k - 1) * conv->dilation - conv->pad_left;
    return back;
}

void dcpg_conv_shape(dcpg_conv *conv, bool same) {
    int64_t span = (conv->k - 1) * conv->dilation + 1;
    conv->pad_left = 0;
    if (same) {
        conv->t_out = ceil_div(conv->t_in, conv->stride);
        conv->pad_left = max_i64((conv->t_out - 1) * conv->stride + span - conv->t_in, 0) / 2;
    } else {
        conv->t_out = conv->t_in < span ? 0 : (conv->t_in - span) / conv->stride + 1;
    }
}

/* ---- scratch ---- */

/* Rounds a number of floats up to whole cache lines. */
static int64_t whole_lines(int64_t floats) { return round_up(floats, 16); }

/* Floats that a block needs in correlate(): its padded input, and its output with the junk rows. */
static int64_t correlate_slot(const dcpg_conv *conv, const layout *l) {
    return whole_lines(l->padded ? padded_steps(l, l->block) * conv->c : 0) +
           whole_lines(l->direct ? 0 : l->block * l->rows * conv->f);
}

static int64_t scatter_slot(const dcpg_conv *conv, const layout *l) {
    return whole_lines(l->block * l->rows * conv->f) + whole_lines(padded_steps(l, l->block) * conv->c);
}

/* One slot per thread, but there are never more threads than blocks. */
static int64_t slots(const layout *l, int64_t n, int64_t slot) { return ceil_div(n, l->block) * slot; }

size_t dcpg_conv_scratch(const dcpg_conv *conv, int64_t n) {
    if (dcpg_winograd_pays(conv)) return dcpg_winograd_scratch(conv, n);
    layout l = layout_of(conv);
    int64_t forward = slots(&l, n, correlate_slot(conv, &l));
    int64_t weight = whole_lines(padded_steps(&l, n) * conv->c) + whole_lines(n * l.rows * conv->f);
    int64_t input = slots(&l, n, scatter_slot(conv, &l));
    if (conv->stride == 1) {
        dcpg_conv back = turned(conv);
        layout m = layout_of(&back);
        input = whole_lines(conv->k * conv->c * conv->f) + slots(&m, n, correlate_slot(&back, &m));
    }
    if (conv->k == 1) input = max_i64(input, conv->c * conv->f);
    return (size_t)max_i64(forward, max_i64(weight, input));
}

/* ---- copies ---- */

/* Copies nb samples to to[padded step][c]: x begins at step pad_left of each sample, all else is 0. */
static void pad(const dcpg_conv *conv, const layout *l, int64_t nb, const float *x, float *to) {
    int64_t c = conv->c, at = 0, steps = padded_steps(l, nb);
    for (int64_t i = 0; i < nb; i++) {
        int64_t begin = i * l->pitch + conv->pad_left;
        memset(to + at * c, 0, (size_t)((begin - at) * c) * sizeof *to);
        memcpy(to + begin * c, x + i * conv->t_in * c, (size_t)(conv->t_in * c) * sizeof *to);
        at = begin + conv->t_in;
    }
    if (at < steps) memset(to + at * c, 0, (size_t)((steps - at) * c) * sizeof *to);
}

/* Copies dy of nb samples to to[gemm row][f]; junk rows are 0. */
static void spread(const dcpg_conv *conv, const layout *l, int64_t nb, const float *dy, float *to) {
    int64_t live = conv->t_out * conv->f, all = l->rows * conv->f;
    for (int64_t i = 0; i < nb; i++) {
        memcpy(to + i * all, dy + i * live, (size_t)live * sizeof *to);
        memset(to + i * all + live, 0, (size_t)(all - live) * sizeof *to);
    }
}

/* turned_w[k'][f][c] = w[k - 1 - k'][c][f], in tiles that fit the L1 cache. */
static void turn_kernel(const dcpg_conv *conv, const float *w, float *turned_w) {
    enum { TILE = 32 };
    int64_t c = conv->c, f = conv->f;
#pragma omp parallel for collapse(2) schedule(static) if (conv->k * c * f > KERN_SMALL)
    for (int64_t j = 0; j < conv->k; j++) {
        for (int64_t q0 = 0; q0 < f; q0 += TILE) {
            const float *from = w + (conv->k - 1 - j) * c * f;
            float *to = turned_w + j * c * f;
            for (int64_t p0 = 0; p0 < c; p0 += TILE) {
                for (int64_t q = q0; q < min_i64(q0 + TILE, f); q++) {
                    for (int64_t p = p0; p < min_i64(p0 + TILE, c); p++) to[q * c + p] = from[p * f + q];
                }
            }
        }
    }
}

/* ---- forward, and the gradient of the input with stride 1 ---- */

/* in: the samples of one block, with a slot of scratch. */
static void correlate_block(const dcpg_conv *conv, const layout *l, const dcpg_conv_arrays *in,
                            const kern_finish *end, float *y) {
    int64_t c = conv->c, f = conv->f, nb = in->n, rows = gemm_rows(conv, l, nb);
    const float *x = in->x;
    float *slot = in->scratch;
    if (l->padded) {
        pad(conv, l, nb, x, slot);
        x = slot;
        slot += whole_lines(padded_steps(l, l->block) * c);
    }
    float *out = l->direct ? y : slot;
    bool add = l->direct && end->accumulate;
    int64_t taps = conv->dilation == 1 ? conv->k : 1; /* per gemm */
    for (int64_t j = 0; j < conv->k; j += taps) {
        dcpg_mat a = {x + j * conv->dilation * c, conv->stride * c, 1};
        dcpg_mat b = {in->w + j * c * f, f, 1};
        dcpg_gemm(rows, f, taps * c, a, b, add || j > 0 ? 1.0f : 0.0f, (dcpg_mat_out){out, f, 1});
    }
    if (l->direct) {
        const kern_finish rest = {.b = end->b, .relu = end->relu}; /* gemm has added */
        dcpg_rows_finish(rows, f, y, &rest, y);
        return;
    }
    for (int64_t i = 0; i < nb; i++)
        dcpg_rows_finish(conv->t_out, f, out + i * l->rows * f, end, y + i * conv->t_out * f);
}

/* `nb` samples from sample i on, of an input of `size` numbers a sample, with the scratch of this thread. */
static dcpg_conv_arrays part_of(const dcpg_conv_arrays *all, int64_t i, int64_t nb, int64_t size,
                                int64_t slot) {
    dcpg_conv_arrays part = *all;
    part.n = nb;
    part.x += i * size;
    part.scratch += omp_get_thread_num() * slot;
    return part;
}

static void correlate(const dcpg_conv *conv, const dcpg_conv_arrays *in, const kern_finish *end, float *y) {
    layout l = layout_of(conv);
    int64_t n = in->n, blocks = ceil_div(n, l.block), slot = correlate_slot(conv, &l);
    if (blocks == 1) { /* no parallel region: gemm uses the threads */
        correlate_block(conv, &l, in, end, y);
        return;
    }
#pragma omp parallel for schedule(                                                                           \
    static) /* as many slots as blocks: static gives each of the first threads one block */
    for (int64_t block = 0; block < blocks; block++) {
        int64_t i = block * l.block, nb = min_i64(l.block, n - i);
        dcpg_conv_arrays part = part_of(in, i, nb, conv->t_in * conv->c, slot);
        correlate_block(conv, &l, &part, end, y + i * conv->t_out * conv->f);
    }
}

void dcpg_conv_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, bool relu, float *y) {
    if (in->n <= 0) return;
    assert(conv->t_out > 0);
    if (dcpg_winograd_pays(conv)) {
        dcpg_winograd_forward(conv, in, relu, y, NULL);
        return;
    }
    const kern_finish end = {.b = in->b, .relu = relu};
    correlate(conv, in, &end, y);
}

/* ---- gradient of the input ---- */

/* One sample, kernels of one tap: rows 0, stride, 2 stride ... of dx are a product; no output reads the rows
 * between them, so their gradient is 0. */
static void scatter_steps(const dcpg_conv *conv, const float *dy, const float *turned_w, bool accumulate,
                          float *dx) {
    int64_t c = conv->c, f = conv->f, stride = conv->stride;
    for (int64_t t = 0; t < conv->t_out && !accumulate; t++) {
        int64_t first = t * stride + 1, end = t < conv->t_out - 1 ? first + stride - 1 : conv->t_in;
        memset(dx + first * c, 0, (size_t)((end - first) * c) * sizeof *dx);
    }
    dcpg_gemm(conv->t_out, c, f, (dcpg_mat){dy, f, 1}, (dcpg_mat){turned_w, c, 1}, accumulate ? 1.0f : 0.0f,
              (dcpg_mat_out){dx, stride * c, 1});
}

/* in: the samples of one block, with dy as x and a slot of scratch. */
static void scatter_block(const dcpg_conv *conv, const layout *l, const dcpg_conv_arrays *in, bool accumulate,
                          float *dx) {
    int64_t c = conv->c, f = conv->f, nb = in->n;
    float *slot = in->scratch, *padded = slot + whole_lines(l->block * l->rows * f);
    memset(padded, 0, (size_t)(padded_steps(l, nb) * c) * sizeof *padded);
    spread(conv, l, nb, in->x, slot);
    for (int64_t j = 0; j < conv->k; j++) {
        dcpg_mat b = {in->w + j * c * f, 1, f};
        dcpg_mat_out to = {padded + j * conv->dilation * c, conv->stride * c, 1};
        dcpg_gemm(gemm_rows(conv, l, nb), c, f, (dcpg_mat){slot, f, 1}, b, 1.0f, to);
    }
    const kern_finish end = {.accumulate = accumulate};
    for (int64_t i = 0; i < nb; i++)
        dcpg_rows_finish(conv->t_in, c, padded + (i * l->pitch + conv->pad_left) * c, &end,
                         dx + i * conv->t_in * c);
}

/* With stride 1: a convolution of dy with the turned kernel. */
static void turn_and_correlate(const dcpg_conv *conv, const dcpg_conv_arrays *in, const float *dy,
                               bool accumulate, float *dx) {
    dcpg_conv back = turned(conv);
    turn_kernel(conv, in->w, in->scratch);
    const dcpg_conv_arrays turned_in = {.n = in->n,
                                        .x = dy,
                                        .w = in->scratch,
                                        .scratch = in->scratch + whole_lines(conv->k * conv->c * conv->f)};
    const kern_finish end = {.accumulate = accumulate};
    correlate(&back, &turned_in, &end, dx);
}

/* For kernels of one tap. */
static void scatter_tap(const dcpg_conv *conv, const dcpg_conv_arrays *in, const float *dy, bool accumulate,
                        float *dx) {
    int64_t n = in->n, in_size = conv->t_in * conv->c, out_size = conv->t_out * conv->f;
    turn_kernel(conv, in->w, in->scratch);
    if (n == 1) { /* no parallel region: gemm uses the threads */
        scatter_steps(conv, dy, in->scratch, accumulate, dx);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++)
        scatter_steps(conv, dy + i * out_size, in->scratch, accumulate, dx + i * in_size);
}

/* In all other cases. */
static void scatter_taps(const dcpg_conv *conv, const dcpg_conv_arrays *in, const float *dy, bool accumulate,
                         float *dx) {
    layout l = layout_of(conv);
    dcpg_conv_arrays back = *in;
    back.x = dy;
    int64_t n = in->n, blocks = ceil_div(n, l.block), slot = scatter_slot(conv, &l);
    if (blocks == 1) {
        scatter_block(conv, &l, &back, accumulate, dx);
        return;
    }
#pragma omp parallel for schedule(static)
    for (int64_t block = 0; block < blocks; block++) {
        int64_t i = block * l.block, nb = min_i64(l.block, n - i);
        dcpg_conv_arrays part = part_of(&back, i, nb, conv->t_out * conv->f, slot);
        scatter_block(conv, &l, &part, accumulate, dx + i * conv->t_in * conv->c);
    }
}

void dcpg_conv_backward_input(const dcpg_conv *conv, const dcpg_conv_arrays *in, const float *dy,
                              bool accumulate, float *dx) {
    if (in->n <= 0) return;
    if (dcpg_winograd_pays(conv)) {
        const dcpg_conv_pooled out = {.dy = dy}; /* not pooled */
        dcpg_winograd_backward_input(conv, in, &out, accumulate, dx);
    } else if (conv->stride == 1) {
        turn_and_correlate(conv, in, dy, accumulate, dx);
    } else if (conv->k == 1 && conv->pad_left == 0) {
        scatter_tap(conv, in, dy, accumulate, dx);
    } else {
        scatter_taps(conv, in, dy, accumulate, dx);
    }
}

/* ---- gradient of the weights ---- */

static void zero_gradients(const dcpg_conv *conv, float *dw, float *db) {
    memset(dw, 0, (size_t)(conv->k * conv->c * conv->f) * sizeof *dw);
    if (db) memset(db, 0, (size_t)conv->f * sizeof *db);
}

/* One gemm over the rows of all samples: the sum over time and samples is its inner sum, and threads divide
 * dw. */
void dcpg_conv_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in, const float *dy, float *dw,
                               float *db) {
    int64_t n = in->n, c = conv->c, f = conv->f;
    if (n <= 0) {
        zero_gradients(conv, dw, db);
        return;
    }
    if (dcpg_winograd_pays(conv)) {
        const dcpg_conv_pooled all = {.dy = dy}; /* not pooled */
        dcpg_winograd_backward_weight(conv, in, &all, dw, db);
        return;
    }
    layout l = layout_of(conv);
    const float *x = in->x, *out = dy;
    float *scratch = in->scratch;
    bool repitch = n > 1 && l.pitch != conv->t_in;
    if (l.padded || repitch) {
        x = scratch;
        /* Samples are padded one by one in parallel; only the last one gets the zeros after it. */
#pragma omp parallel for schedule(static) if (n * conv->t_in * c > KERN_SMALL)
        for (int64_t i = 0; i < n; i++) {
            layout one = l;
            if (i < n - 1) one.need = 0;
            pad(conv, &one, 1, in->x + i * conv->t_in * c, scratch + i * l.pitch * c);
        }
    }
    if (n > 1 && l.rows != conv->t_out) {
        float *to = scratch + whole_lines(padded_steps(&l, n) * c);
        out = to;
#pragma omp parallel for schedule(static) if (n * conv->t_out * f > KERN_SMALL)
        for (int64_t i = 0; i < n; i++) spread(conv, &l, 1, dy + i * conv->t_out * f, to + i * l.rows * f);
    }
    int64_t taps = conv->dilation == 1 ? conv->k : 1;
    for (int64_t j = 0; j < conv->k; j += taps) {
        dcpg_mat a = {x + j * conv->dilation * c, 1, conv->stride * c};
        dcpg_gemm(taps * c, f, gemm_rows(conv, &l, n), a, (dcpg_mat){out, f, 1}, 0.0f,
                  (dcpg_mat_out){dw + j * c * f, f, 1});
    }
    if (db) dcpg_rows_sum(n * conv->t_out, f, dy, f, db);
}

/* ---- with pooling: in Winograd form only ---- */

bool dcpg_conv_pools(const dcpg_conv *conv, int64_t pool) {
    return pool == 2 && dcpg_winograd_pools(conv) && dcpg_winograd_pays(conv);
}

void dcpg_conv_pool_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, float *y, uint8_t *arg) {
    if (in->n > 0) dcpg_winograd_forward(conv, in, true, y, arg);
}

void dcpg_conv_pool_backward_input(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                   const dcpg_conv_pooled *out, bool accumulate, float *dx) {
    if (in->n > 0) dcpg_winograd_backward_input(conv, in, out, accumulate, dx);
}

void dcpg_conv_pool_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                    const dcpg_conv_pooled *out, float *dw, float *db) {
    if (in->n > 0)
        dcpg_winograd_backward_weight(conv, in, out, dw, db);
    else
        zero_gradients(conv, dw, db);
}
