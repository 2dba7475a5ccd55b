#include "kern/winograd.h"

#include "kern/lanes.h"
#include "kern/multiply.h"

#include <omp.h>
#include <string.h>

/* Four outputs from six inputs. The output steps of a sample are cut into tiles of four that are `dilation` apart: phase p holds steps p, p + d, p + 2d ... In Winograd
 * form a tile has six rows of channels instead, and a convolution is six products of [tiles][c] and [c][f]. */
enum { OUT = 4, IN = 6 };

/* ---- tiles ---- */

/* The first output step of each tile of a sample: tile `index` of phase `phase`. */
typedef struct tile {
    int64_t phase, first; /* output steps first + i * dilation, i < 4 */
} tile;

static int64_t phase_tiles(const dcpg_conv *conv, int64_t phase) {
    int64_t steps = conv->t_out > phase ? kern_ceil_div(conv->t_out - phase, conv->dilation) : 0;
    return kern_ceil_div(steps, OUT);
}

static int64_t nb_tile(const dcpg_conv *conv) {
    int64_t n = 0;
    for (int64_t phase = 0; phase < conv->dilation; phase++) n += phase_tiles(conv, phase);
    return n;
}

KERN_INLINE tile first_tile(void) { return (tile){0, 0}; }

KERN_INLINE void next_tile(const dcpg_conv *conv, tile *t) {
    t->first += OUT * conv->dilation;
    if (t->first >= conv->t_out) t->first = ++t->phase;
}

/* The convolution that takes dy to dx: its kernel is turned. */
static dcpg_conv turned(const dcpg_conv *conv) {
    return (dcpg_conv){.t_in = conv->t_out,
                       .c = conv->f,
                       .t_out = conv->t_in,
                       .f = conv->c,
                       .k = conv->k,
                       .stride = 1,
                       .dilation = conv->dilation,
                       .pad_left = 2 * conv->dilation - conv->pad_left};
}

/* ---- rows of channels, wherever they come from ---- */

/* A sample's [steps][c]; with arg, of a pooled one: [steps / 2][c], and step t is that of row t / 2 where arg is t % 2 and y above 0. */
typedef struct rows {
    int64_t steps, c;
    const float *x, *y;
    const uint8_t *arg;
} rows;

/* Channels j .. j + 15 of step t; zeros beyond the ends. */
KERN_INLINE kern_lanes row_lanes(const rows *from, int64_t t, int64_t j) {
    return t >= 0 && t < from->steps ? kern_load(from->x + t * from->c + j) : kern_zero();
}

/* The same of steps 2r and 2r + 1 behind pooled row r. */
KERN_INLINE void pooled_lanes(const rows *from, int64_t r, int64_t j, kern_lanes *first, kern_lanes *second) {
    *first = *second = kern_zero();
    if (r < 0 || r >= from->steps / 2) return;
    int64_t at = r * from->c + j;
    kern_lanes x = kern_where(kern_load(from->y + at) > 0.0f, kern_load(from->x + at));
    kern_ints later = -kern_load_bytes(from->arg + at);
    *first = kern_where(~later, x);
    *second = kern_where(later, x);
}

/* Steps t, t + d ... of `nb` (even). Pooled steps come in pairs: t is even then, and d 1. */
KERN_INLINE void tile_lanes(const rows *from, const bool pooled, const int nb, int64_t t, int64_t d, int64_t j, kern_lanes *x) {
#pragma GCC unroll 6
    for (int i = 0; i < nb; i++)
        if (!pooled) x[i] = row_lanes(from, t + i * d, j);
#pragma GCC unroll 3
    for (int i = 0; i < nb; i += 2)
        if (pooled) pooled_lanes(from, (t + i) / 2, j, &x[i], &x[i + 1]);
}

static rows rows_of(int64_t steps, int64_t c, dcpg_winograd_dy dy, int64_t sample) {
    int64_t at = sample * (dy.arg ? steps / 2 : steps) * c;
    return (rows){steps, c, dy.dy + at, dy.arg ? dy.y + at : NULL, dy.arg ? dy.arg + at : NULL};
}

/* ---- transforms ---- */

/* to[6][tiles][c]: the inputs of a sample's tiles. `plane` floats lie between the six. */
KERN_INLINE void transform_rows(const dcpg_conv *conv, const rows *from, const bool pooled, int64_t plane, float *to) {
    int64_t d = conv->dilation;
    for (tile t = first_tile(); t.phase < d && t.first < conv->t_out; next_tile(conv, &t), to += conv->c) {
        int64_t step = t.first - conv->pad_left;
        for (int64_t j = 0; j < conv->c; j += KERN_LANES) {
            kern_lanes x[IN];
            tile_lanes(from, pooled, IN, step, d, j, x);
            kern_lanes a = x[4] - 4.0f * x[2], b = x[3] - 4.0f * x[1], e = x[4] - x[2], g = 2.0f * (x[3] - x[1]);
            kern_store(to + j, 4.0f * x[0] - 5.0f * x[2] + x[4]);
            kern_store(to + plane + j, a + b);
            kern_store(to + 2 * plane + j, a - b);
            kern_store(to + 3 * plane + j, e + g);
            kern_store(to + 4 * plane + j, e - g);
            kern_store(to + 5 * plane + j, 4.0f * x[1] - 5.0f * x[3] + x[5]);
        }
    }
}

KERN_VECTOR static void transform_input(const dcpg_conv *conv, const rows *from, int64_t plane, float *to) {
    if (from->arg)
        transform_rows(conv, from, true, plane, to);
    else
        transform_rows(conv, from, false, plane, to);
}

/* Channel c of w[3][c][f] as [6][f / 32][c][32]; `turn`: as a channel of the turned kernel [3][f][c], [6][c / 32][f][32]. */
KERN_VECTOR static void transform_channel(const dcpg_conv *conv, const float *w, int64_t row, bool turn, float *to) {
    int64_t c = conv->c, f = conv->f, depth = turn ? f : c, width = turn ? c : f, plane = c * f;
    for (int64_t j = 0; j < width; j++) {
        float g[3];
        for (int k = 0; k < 3; k++) g[k] = turn ? w[((2 - k) * c + j) * f + row] : w[(k * c + row) * f + j];
        float *at = to + (j / KERN_WIDTH * depth + row) * KERN_WIDTH + j % KERN_WIDTH;
        float ends = g[0] + g[2], scaled = g[0] * (1 / 24.0f) + g[2] * (1 / 6.0f), middle = g[1] * (1 / 12.0f);
        at[0] = 0.25f * g[0];
        at[plane] = (ends + g[1]) * (-1 / 6.0f);
        at[2 * plane] = (ends - g[1]) * (-1 / 6.0f);
        at[3 * plane] = scaled + middle;
        at[4 * plane] = scaled - middle;
        at[5 * plane] = g[2];
    }
}

static void transform_kernel(const dcpg_conv *conv, const float *w, bool turn, float *to) {
    int64_t depth = turn ? conv->f : conv->c;
#pragma omp parallel for schedule(static) if (conv->c * conv->f > KERN_SMALL)
    for (int64_t row = 0; row < depth; row++) transform_channel(conv, w, row, turn, to);
}

/* ---- outputs ---- */

/* What happens to 32 filters of a sample behind the products. */
typedef struct finish {
    const float *b; /* NULL: none */
    bool relu, accumulate;
    float *y;
    uint8_t *arg; /* pooled */
} finish;

KERN_INLINE void put(const dcpg_conv *conv, const finish *end, int64_t t, int64_t j, kern_lanes v) {
    if (t >= conv->t_out) return;
    float *to = end->y + t * conv->f + j;
    if (end->relu) v = kern_relu(v);
    if (end->accumulate) v += kern_load(to);
    kern_store(to, v);
}

KERN_INLINE void put_pooled(const dcpg_conv *conv, const finish *end, int64_t t, int64_t j, kern_lanes first, kern_lanes second) {
    if (t / 2 >= conv->t_out / 2) return;
    int64_t at = t / 2 * conv->f + j;
    kern_ints later = second > first;
    kern_store_bytes(end->arg + at, later & 1);
    kern_store(end->y + at, kern_relu(kern_select(later, second, first)));
}

/* m[6][tiles][32] to outputs of filters j .. j + 31. */
KERN_VECTOR static void transform_output(const dcpg_conv *conv, int64_t plane, const float *m, int64_t j, const finish *end) {
    int64_t d = conv->dilation;
    for (tile t = first_tile(); t.phase < d && t.first < conv->t_out; next_tile(conv, &t), m += KERN_WIDTH) {
        for (int64_t half = 0; half < KERN_WIDTH; half += KERN_LANES) {
            kern_lanes x[IN], bias = end->b ? kern_load(end->b + j + half) : kern_zero();
#pragma GCC unroll 6
            for (int i = 0; i < IN; i++) x[i] = kern_load(m + i * plane + half);
            kern_lanes p = x[1] + x[2], q = x[1] - x[2], u = x[3] + x[4], v = x[3] - x[4];
            kern_lanes y0 = x[0] + p + u + bias, y1 = q + 2.0f * v + bias, y2 = p + 4.0f * u + bias, y3 = q + 8.0f * v + x[5] + bias;
            if (end->arg) {
                put_pooled(conv, end, t.first, j + half, y0, y1);
                put_pooled(conv, end, t.first + 2, j + half, y2, y3);
            } else {
                put(conv, end, t.first, j + half, y0);
                put(conv, end, t.first + d, j + half, y1);
                put(conv, end, t.first + 2 * d, j + half, y2);
                put(conv, end, t.first + 3 * d, j + half, y3);
            }
        }
    }
}

/* ---- forward, and the gradient of the input ---- */

static int64_t slot_floats(const dcpg_conv *conv) { return IN * nb_tile(conv) * (conv->c + KERN_WIDTH); }

static void convolve_sample(const dcpg_conv *conv, const rows *from, const float *kernel, const finish *end, float *slot) {
    int64_t tiles = nb_tile(conv), c = conv->c, plane = c * conv->f;
    float *m = slot + IN * tiles * c;
    transform_input(conv, from, tiles * c, slot);
    for (int64_t j = 0; j < conv->f; j += KERN_WIDTH) {
        for (int i = 0; i < IN; i++)
            kern_multiply_rows(tiles, c, slot + i * tiles * c, c, 1, kernel + i * plane + j * c, KERN_WIDTH, false, m + i * tiles * KERN_WIDTH, KERN_WIDTH);
        transform_output(conv, tiles * KERN_WIDTH, m, j, end);
    }
}

/* A sample is a thread's work; it stays in the L2 cache from its input to its output. Memory of slots that no thread uses is never touched. */
static void convolve(const dcpg_conv *conv, int64_t n, dcpg_winograd_dy x, const float *kernel, const finish *end, float *slots) {
    int64_t slot = slot_floats(conv), size = (end->arg ? conv->t_out / 2 : conv->t_out) * conv->f;
#pragma omp parallel for schedule(static) if (n > 1)
    for (int64_t i = 0; i < n; i++) {
        rows from = rows_of(conv->t_in, conv->c, x, i);
        finish here = *end;
        here.y += i * size;
        if (here.arg) here.arg += i * size;
        convolve_sample(conv, &from, kernel, &here, slots + omp_get_thread_num() * slot);
    }
}

void dcpg_winograd_forward(const dcpg_conv *conv, int64_t n, const float *x, const float *w, const float *b, bool relu, float *y, uint8_t *arg, float *scratch) {
    finish end = {.b = b, .relu = relu, .y = y, .arg = arg};
    transform_kernel(conv, w, false, scratch);
    convolve(conv, n, (dcpg_winograd_dy){.dy = x}, scratch, &end, scratch + IN * conv->c * conv->f);
}

void dcpg_winograd_backward_input(const dcpg_conv *conv, int64_t n, dcpg_winograd_dy dy, const float *w, bool accumulate, float *dx, float *scratch) {
    finish end = {.accumulate = accumulate, .y = dx};
    dcpg_conv back = turned(conv);
    transform_kernel(conv, w, true, scratch);
    convolve(&back, n, dy, scratch, &end, scratch + IN * conv->c * conv->f);
}

/* ---- gradient of the weights ---- */

/* dy of a sample's tiles as to[6][f / 32][tiles of all samples][32], and their sum over time into sums[f]. */
KERN_INLINE void transform_dy_rows(const dcpg_conv *conv, const rows *from, const bool pooled, int64_t block, float *to, float *sums) {
    int64_t d = conv->dilation, plane = conv->f / KERN_WIDTH * block;
    for (int64_t j = 0; j < conv->f; j += KERN_LANES) {
        kern_lanes total = kern_zero();
        float *at = to + j / KERN_WIDTH * block + j % KERN_WIDTH;
        for (tile t = first_tile(); t.phase < d && t.first < conv->t_out; next_tile(conv, &t), at += KERN_WIDTH) {
            kern_lanes y[OUT];
            tile_lanes(from, pooled, OUT, t.first, d, j, y);
            kern_lanes p = y[0] + y[2], q = y[1] + y[3], u = y[0] + 4.0f * y[2], v = 2.0f * y[1] + 8.0f * y[3];
            kern_store(at, y[0]);
            kern_store(at + plane, p + q);
            kern_store(at + 2 * plane, p - q);
            kern_store(at + 3 * plane, u + v);
            kern_store(at + 4 * plane, u - v);
            kern_store(at + 5 * plane, y[3]);
            total += p + q;
        }
        kern_store(sums + j, total);
    }
}

KERN_VECTOR static void transform_dy(const dcpg_conv *conv, const rows *from, int64_t block, float *to, float *sums) {
    if (from->arg)
        transform_dy_rows(conv, from, true, block, to, sums);
    else
        transform_dy_rows(conv, from, false, block, to, sums);
}

/* dw[3][c][f] of one channel from du[6][c][f]. */
KERN_VECTOR static void untransform_channel(const dcpg_conv *conv, const float *du, int64_t row, float *dw) {
    int64_t f = conv->f, plane = conv->c * f;
    for (int64_t j = row * f; j < (row + 1) * f; j += KERN_LANES) {
        kern_lanes x0 = 0.25f * kern_load(du + j), x5 = kern_load(du + 5 * plane + j);
        kern_lanes x1 = (-1 / 6.0f) * kern_load(du + plane + j), x2 = (-1 / 6.0f) * kern_load(du + 2 * plane + j);
        kern_lanes x3 = (1 / 24.0f) * kern_load(du + 3 * plane + j), x4 = (1 / 24.0f) * kern_load(du + 4 * plane + j);
        kern_lanes p = x1 + x2, q = x1 - x2, u = x3 + x4, v = x3 - x4;
        kern_store(dw + j, x0 + p + u);
        kern_store(dw + plane + j, q + 2.0f * v);
        kern_store(dw + 2 * plane + j, p + 4.0f * u + x5);
    }
}

/* Where the arrays of the weight gradient begin in its scratch. */
typedef struct weight_layout {
    int64_t tiles; /* of all samples */
    int64_t x, dy, du, sums, end;
} weight_layout;

static weight_layout weight_layout_of(const dcpg_conv *conv, int64_t n) {
    weight_layout l = {.tiles = n * nb_tile(conv)};
    l.dy = l.x + IN * l.tiles * conv->c;
    l.du = l.dy + IN * l.tiles * conv->f;
    l.sums = l.du + IN * conv->c * conv->f;
    l.end = l.sums + n * conv->f;
    return l;
}

static void sum_samples(int64_t n, int64_t f, const float *sums, float *db) {
    memset(db, 0, (size_t)f * sizeof *db);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < f; j++) db[j] += sums[i * f + j];
}

/* The tiles of all samples are the inner sum of six products, whose blocks threads share out. */
void dcpg_winograd_backward_weight(const dcpg_conv *conv, int64_t n, const float *x, dcpg_winograd_dy dy, float *dw, float *db, float *scratch) {
    int64_t c = conv->c, f = conv->f, tiles = nb_tile(conv);
    weight_layout l = weight_layout_of(conv, n);
    float *xs = scratch + l.x, *dys = scratch + l.dy, *du = scratch + l.du, *sums = scratch + l.sums;
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < n; i++) {
            rows in = rows_of(conv->t_in, c, (dcpg_winograd_dy){.dy = x}, i), out = rows_of(conv->t_out, f, dy, i);
            transform_input(conv, &in, l.tiles * c, xs + i * tiles * c);
            transform_dy(conv, &out, l.tiles * KERN_WIDTH, dys + i * tiles * KERN_WIDTH, sums + i * f);
        }
#pragma omp for collapse(2) schedule(static)
        for (int64_t i = 0; i < IN; i++) {
            for (int64_t j = 0; j < f; j += KERN_WIDTH)
                kern_multiply_rows(c, l.tiles, xs + i * l.tiles * c, 1, c, dys + (i * f + j) * l.tiles, KERN_WIDTH, false, du + i * c * f + j, f);
        }
#pragma omp for schedule(static)
        for (int64_t row = 0; row < c; row++) untransform_channel(conv, du, row, dw);
    }
    if (db) sum_samples(n, f, sums, db);
}

/* ---- when ---- */

bool dcpg_winograd_exists(const dcpg_conv *conv) {
    return conv->k == 3 && conv->stride == 1 && conv->c % KERN_WIDTH == 0 && conv->f % KERN_WIDTH == 0;
}

bool dcpg_winograd_pools(const dcpg_conv *conv) { return dcpg_winograd_exists(conv) && conv->dilation == 1 && conv->pad_left == 0 && conv->t_out > 1; }

bool dcpg_winograd_pays(const dcpg_conv *conv) { return dcpg_winograd_exists(conv) && kern_multiply_pays(); }

size_t dcpg_winograd_scratch(const dcpg_conv *conv, int64_t n) {
    dcpg_conv back = turned(conv);
    int64_t slot = kern_max(slot_floats(conv), slot_floats(&back)); /* one for each thread, of which no more than samples are used */
    return (size_t)kern_max(IN * conv->c * conv->f + n * slot, weight_layout_of(conv, n).end);
}
