/* SPDX-License-Identifier: MIT */
/* Convolution in Winograd form (winograd.h): transforms, products, gradients, and when the form pays. */
#include "kern/winograd.h"
#include "base/number.h"

#include "kern/lanes.h"
#include "kern/multiply.h"

#include <omp.h>
#include <string.h>

/* Tiles of four outputs. The output steps of a sample are cut into tiles of four steps that are `dilation`
 * apart: phase p holds steps p, p + d, p + 2d ... In Winograd form a tile is represented by a row of channels
 * for each of a few points, at which the polynomials of kernel and outputs are evaluated; the convolution
 * becomes, for each point, a product of [tiles][c] and [c][f].
 *
 * Kernels of three taps: F(4,3), six inputs, the points 0, 1, -1, 2, -2 and infinity. Longer kernels are cut
 * into groups of four taps, the last one filled up with zeros: F(4,4), seven inputs, and 1/2 as a further
 * point. Group g reads inputs that lie 4 g steps of its phase further: those of the g-th next tile of the
 * same phase. As rows of tiles are contiguous, all groups are one product with [groups * c][f], whose left
 * rows overlap. For that, each phase has a few more tiles, without outputs. */
enum { OUT = 4, MOST = 7 /* points */ };

typedef struct form {
    int taps, points;
    int64_t groups;
} form;

KERN_INLINE form form_by(int taps, int64_t groups) { return (form){taps, OUT + taps - 1, groups}; }

static form form_of(const dcpg_conv *conv) {
    int taps = conv->k == 3 ? 3 : 4;
    return form_by(taps, ceil_div(conv->k, taps));
}

/* ---- tiles ---- */

/* A tile of a sample. */
typedef struct tile {
    int64_t phase, first; /* output steps first + i * dilation, i < 4 */
} tile;

/* Tiles of a phase after the last one with outputs. */
static int64_t tiles_beyond(const dcpg_conv *conv) { return form_of(conv).groups - 1; }

static int64_t nb_tile(const dcpg_conv *conv) {
    int64_t n = 0;
    for (int64_t phase = 0; phase < min_i64(conv->dilation, conv->t_out); phase++)
        n += ceil_div(ceil_div(conv->t_out - phase, conv->dilation), OUT) + tiles_beyond(conv);
    return n;
}

KERN_INLINE tile first_tile(void) { return (tile){0, 0}; }

/* `end`: the step at which the tiles of a phase end. */
KERN_INLINE void next_tile(const dcpg_conv *conv, int64_t end, tile *t) {
    t->first += OUT * conv->dilation;
    if (t->first >= end) t->first = ++t->phase;
}

static int64_t tiles_end(const dcpg_conv *conv) {
    return conv->t_out + tiles_beyond(conv) * OUT * conv->dilation;
}

/* All tiles of a sample, in order. */
#define EACH_TILE(t, conv, end)                                                                              \
    tile t = first_tile();                                                                                   \
    t.phase < (conv)->dilation &&t.phase < (conv)->t_out;                                                    \
    next_tile(conv, end, &t)

/* The convolution that takes dy to dx: its kernel is turned. */
static dcpg_conv turned(const dcpg_conv *conv) {
    return (dcpg_conv){.t_in = conv->t_out,
                       .c = conv->f,
                       .t_out = conv->t_in,
                       .f = conv->c,
                       .k = conv->k,
                       .stride = 1,
                       .dilation = conv->dilation,
                       .pad_left = (conv->k - 1) * conv->dilation - conv->pad_left};
}

/* ---- rows of channels, from either kind of input ---- */

/* A sample's x[steps][c] or, if arg is not NULL, the gradient x[steps / 2][c] of a pooled output y: step t is
 * then row t / 2 where arg == t % 2 and y > 0, and 0 elsewhere. */
typedef struct rows {
    int64_t steps, c;
    int64_t apart; /* from one step of a tile to the next */
    const float *x, *y;
    const uint8_t *arg;
} rows;

/* Channels j .. j + 15 of step t; 0 beyond the ends. */
KERN_INLINE kern_lanes row_lanes(const rows *from, int64_t t, int64_t j) {
    return t >= 0 && t < from->steps ? kern_load(from->x + t * from->c + j) : kern_zero();
}

/* The same for steps 2r and 2r + 1, from pooled row r. */
KERN_INLINE void pooled_lanes(const rows *from, int64_t r, int64_t j, kern_lanes *first, kern_lanes *second) {
    *first = *second = kern_zero();
    if (r < 0 || r >= from->steps / 2) return;
    int64_t at = r * from->c + j;
    kern_lanes x = kern_where(kern_load(from->y + at) > 0.0f, kern_load(from->x + at));
    kern_ints later = -kern_load_bytes(from->arg + at);
    *first = kern_where(~later, x);
    *second = kern_where(later, x);
}

/* Steps t, t + apart ... of a tile, `nb` of them. Pooled steps come in pairs: t and nb are then even, and
 * `apart` is 1. */
KERN_INLINE void tile_lanes(const rows *from, const bool pooled, const int nb, int64_t t, int64_t j,
                            kern_lanes *x) {
#pragma GCC unroll 7
    for (int i = 0; i < nb; i++)
        if (!pooled) x[i] = row_lanes(from, t + i * from->apart, j);
#pragma GCC unroll 3
    for (int i = 0; i + 1 < nb; i += 2)
        if (pooled) pooled_lanes(from, (t + i) / 2, j, &x[i], &x[i + 1]);
}

/* Sample `sample` of an array of samples of `steps` steps and c channels. */
static rows rows_of(const dcpg_conv *conv, int64_t steps, int64_t c, const dcpg_conv_pooled *all,
                    int64_t sample) {
    bool pooled = all->arg != NULL;
    int64_t at = sample * (pooled ? steps / 2 : steps) * c;
    return (rows){.steps = steps,
                  .c = c,
                  .apart = conv->dilation,
                  .x = all->dy + at,
                  .y = pooled ? all->y + at : NULL,
                  .arg = pooled ? all->arg + at : NULL};
}

/* ---- transforms ---- */

/* Transforms the inputs x of a tile to the points. The value at a point is x times the polynomial that is 0
 * at all other points; at its own it has some value, the divisor by which the kernel's value is divided. With
 * 1/2 among the points, the other points' polynomials have a further factor 2z - 1: the same formulas,
 * applied to 2 x[i + 1] - x[i]. */
KERN_INLINE void transform_tile(const int points, const kern_lanes *x, kern_lanes *at) {
    kern_lanes s[6];
#pragma GCC unroll 6
    for (int i = 0; i < 6; i++) {
        s[i] = x[i];
        if (points == 7) s[i] = 2.0f * x[i + 1] - x[i];
    }
    kern_lanes a = s[4] - 4.0f * s[2], b = s[3] - 4.0f * s[1], e = s[4] - s[2], g = 2.0f * (s[3] - s[1]);
    at[0] = 4.0f * s[0] - 5.0f * s[2] + s[4];
    at[1] = a + b;
    at[2] = a - b;
    at[3] = e + g;
    at[4] = e - g;
    at[5] = 4.0f * s[1] - 5.0f * s[3] + s[5];
    if (points == 7) at[6] = 4.0f * x[1] - 5.0f * x[3] + x[5];
}

/* Divisor of each point's kernel value, for F(4,3) and F(4,4). */
static const float divisors[2][MOST] = {{4, -6, -6, 24, 24, 1, 1}, {-4, -6, 18, 72, -120, 2, 45 / 32.0f}};
KERN_INLINE const float *divisors_of(form how) { return divisors[how.taps - 3]; }

/* Evaluates the polynomial y[0] + y[1] z + ... of degree `last` at the points; y are the gradients of four
 * outputs, or taps. */
KERN_INLINE void evaluate(const int points, const kern_lanes *y, const int last, kern_lanes *at) {
    kern_lanes y3 = kern_zero();
    if (last == 3) y3 = y[3];
    kern_lanes p = y[0] + y[2], q = y[1] + y3, u = y[0] + 4.0f * y[2], v = 2.0f * y[1] + 8.0f * y3;
    at[0] = y[0];
    at[1] = p + q;
    at[2] = p - q;
    at[3] = u + v;
    at[4] = u - v;
    at[5] = y[last];
    if (points == 7) at[6] = y[0] + 0.5f * y[1] + 0.25f * y[2] + 0.125f * y3;
}

/* The transpose of evaluate(): from the points back to outputs, or to gradients of taps. */
KERN_INLINE void collect(const int points, const kern_lanes *at, const int last, kern_lanes *y) {
    kern_lanes p = at[1] + at[2], q = at[1] - at[2], u = at[3] + at[4], v = at[3] - at[4];
    kern_lanes half = kern_zero();
    if (points == 7) half = at[6];
    y[0] = at[0] + p + u + half;
    y[1] = q + 2.0f * v + 0.5f * half;
    y[2] = p + 4.0f * u + 0.25f * half;
    y[3] = q + 8.0f * v + 0.125f * half;
    y[last] += at[5];
}

/* to[points][tiles][c] = the transformed inputs of a sample's tiles; points lie `plane` floats apart. */
KERN_INLINE void transform_rows(const dcpg_conv *conv, const rows *from, const bool pooled, const int points,
                                int64_t plane, float *to) {
    const int64_t end = tiles_end(conv);
    for (EACH_TILE(t, conv, end)) {
        int64_t step = t.first - conv->pad_left;
        for (int64_t j = 0; j < conv->c; j += KERN_LANES) {
            kern_lanes x[MOST], at[MOST];
            tile_lanes(from, pooled, points, step, j, x);
            transform_tile(points, x, at);
#pragma GCC unroll 7
            for (int i = 0; i < points; i++) kern_store(to + i * plane + j, at[i]);
        }
        to += conv->c;
    }
}

KERN_VECTOR(static, void, transform_input,
            (const dcpg_conv *conv, form how, const rows *from, int64_t plane, float *to),
            (conv, how, from, plane, to)) {
    if (how.points == 7)
        transform_rows(conv, from, false, 7, plane, to);
    else if (from->arg)
        transform_rows(conv, from, true, 6, plane, to);
    else
        transform_rows(conv, from, false, 6, plane, to);
}

/* w[k][c][f] or, with `turn`, the turned kernel [k][f][c] that is read from it. */
typedef struct weights {
    const float *w;
    bool turn;
} weights;

/* Columns j .. j + 15 in row `row` of tap k; 0 beyond the last tap. */
KERN_INLINE kern_lanes tap_lanes(const dcpg_conv *conv, weights from, int64_t k, int64_t row, int64_t j) {
    if (k >= conv->k) return kern_zero();
    if (!from.turn) return kern_load(from.w + (k * conv->c + row) * conv->f + j);
    float lanes[KERN_LANES];
    for (int64_t i = 0; i < KERN_LANES; i++)
        lanes[i] = from.w[((conv->k - 1 - k) * conv->c + j + i) * conv->f + row];
    return kern_load(lanes);
}

/* Row `row` of a group of taps into to[points][f / 32][groups * c][32] or, with `turn`, row `row` of the
 * turned kernel into [points][c / 32][groups * f][32]. */
KERN_INLINE void transform_taps(const dcpg_conv *conv, const form how, weights from, int64_t group,
                                int64_t row, float *to) {
    const float *divisor = divisors_of(how);
    int64_t depth = from.turn ? conv->f : conv->c, width = from.turn ? conv->c : conv->f,
            plane = how.groups * depth * width;
    for (int64_t j = 0; j < width; j += KERN_LANES) {
        kern_lanes g[OUT], at[MOST];
        for (int k = 0; k < how.taps; k++) g[k] = tap_lanes(conv, from, group * how.taps + k, row, j);
        evaluate(how.points, g, how.taps - 1, at);
        float *first =
            to + ((j / KERN_WIDTH * how.groups + group) * depth + row) * KERN_WIDTH + j % KERN_WIDTH;
        for (int i = 0; i < how.points; i++) kern_store(first + i * plane, at[i] / divisor[i]);
    }
}

KERN_VECTOR(static, void, transform_row,
            (const dcpg_conv *conv, form how, weights from, int64_t group, int64_t row, float *to),
            (conv, how, from, group, row, to)) {
    if (how.taps == 3)
        transform_taps(conv, form_by(3, 1), from, 0, row, to);
    else
        transform_taps(conv, form_by(4, how.groups), from, group, row, to);
}

static void transform_kernel(const dcpg_conv *conv, weights from, float *to) {
    form how = form_of(conv);
    int64_t depth = from.turn ? conv->f : conv->c;
#pragma omp parallel for collapse(2) schedule(static) if (conv->c * conv->f > KERN_SMALL)
    for (int64_t group = 0; group < how.groups; group++)
        for (int64_t row = 0; row < depth; row++) transform_row(conv, how, from, group, row, to);
}

static int64_t kernel_floats(const dcpg_conv *conv) {
    form how = form_of(conv);
    return how.points * how.groups * conv->c * conv->f;
}

/* ---- outputs ---- */

/* Epilogue for 32 filters of one sample: bias, ReLU, accumulate or pool. */
typedef struct finish {
    const float *b; /* NULL: none */
    bool relu, accumulate;
    float *y;
    uint8_t *arg; /* not NULL: ReLU and max pooling by 2 */
} finish;

KERN_INLINE void put(const dcpg_conv *conv, const finish *end, int64_t t, int64_t j, kern_lanes v) {
    if (t >= conv->t_out) return;
    float *to = end->y + t * conv->f + j;
    if (end->relu) v = kern_relu(v);
    if (end->accumulate) v += kern_load(to);
    kern_store(to, v);
}

KERN_INLINE void put_pooled(const dcpg_conv *conv, const finish *end, int64_t t, int64_t j, kern_lanes first,
                            kern_lanes second) {
    if (t / 2 >= conv->t_out / 2) return;
    int64_t at = t / 2 * conv->f + j;
    kern_ints later = second > first;
    kern_store_bytes(end->arg + at, later & 1);
    kern_store(end->y + at, kern_relu(kern_select(later, second, first)));
}

/* m[points][tiles][32] to outputs of filters j .. j + 31. */
KERN_INLINE void put_tiles(const dcpg_conv *conv, const int points, int64_t plane, const float *m, int64_t j,
                           const finish *end) {
    const int64_t d = conv->dilation, last = tiles_end(conv);
    for (EACH_TILE(t, conv, last)) {
        for (int64_t half = 0; half < KERN_WIDTH && t.first < conv->t_out; half += KERN_LANES) {
            kern_lanes at[MOST], y[OUT], bias = end->b ? kern_load(end->b + j + half) : kern_zero();
#pragma GCC unroll 7
            for (int i = 0; i < points; i++) at[i] = kern_load(m + i * plane + half);
            collect(points, at, OUT - 1, y);
            if (end->arg) {
                put_pooled(conv, end, t.first, j + half, y[0] + bias, y[1] + bias);
                put_pooled(conv, end, t.first + 2, j + half, y[2] + bias, y[3] + bias);
            } else {
#pragma GCC unroll 4
                for (int i = 0; i < OUT; i++) put(conv, end, t.first + i * d, j + half, y[i] + bias);
            }
        }
        m += KERN_WIDTH;
    }
}

KERN_VECTOR(static, void, transform_output,
            (const dcpg_conv *conv, form how, int64_t plane, const float *m, int64_t j, const finish *end),
            (conv, how, plane, m, j, end)) {
    if (how.points == 7)
        put_tiles(conv, 7, plane, m, j, end);
    else
        put_tiles(conv, 6, plane, m, j, end);
}

/* ---- forward, and the gradient of the input ---- */

static int64_t slot_floats(const dcpg_conv *conv) {
    return form_of(conv).points * nb_tile(conv) * (conv->c + KERN_WIDTH);
}

static void convolve_sample(const dcpg_conv *conv, const rows *from, const float *kernel, const finish *end,
                            float *slot) {
    form how = form_of(conv);
    int64_t tiles = nb_tile(conv), c = conv->c, depth = how.groups * c, plane = depth * conv->f;
    float *m = slot + how.points * tiles * c;
    transform_input(conv, how, from, tiles * c, slot);
    for (int64_t j = 0; j < conv->f; j += KERN_WIDTH) {
        for (int i = 0; i < how.points; i++)
            dcpg_kern_multiply_rows(&(kern_product){.rows = tiles - tiles_beyond(conv),
                                                    .depth = depth,
                                                    .a = {slot + i * tiles * c, c, 1},
                                                    .b = {kernel + i * plane + j * depth, KERN_WIDTH, 1},
                                                    .c = {m + i * tiles * KERN_WIDTH, KERN_WIDTH, 1}});
        transform_output(conv, how, tiles * KERN_WIDTH, m, j, end);
    }
}

/* Each thread works on one sample, which stays in the L2 cache from input to output. Slots of threads that do
 * not exist are never touched. */
static void convolve(const dcpg_conv *conv, int64_t n, const dcpg_conv_pooled *x, const float *kernel,
                     const finish *end, float *slots) {
    int64_t slot = slot_floats(conv), size = (end->arg ? conv->t_out / 2 : conv->t_out) * conv->f;
#pragma omp parallel for schedule(static) if (n > 1)
    for (int64_t i = 0; i < n; i++) {
        rows from = rows_of(conv, conv->t_in, conv->c, x, i);
        finish here = *end;
        here.y += i * size;
        if (here.arg) here.arg += i * size;
        convolve_sample(conv, &from, kernel, &here, slots + omp_get_thread_num() * slot);
    }
}

void dcpg_winograd_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, bool relu, float *y,
                           uint8_t *arg) {
    const finish end = {.b = in->b, .relu = relu, .y = y, .arg = arg};
    const dcpg_conv_pooled x = {.dy = in->x}; /* not pooled */
    transform_kernel(conv, (weights){in->w, false}, in->scratch);
    convolve(conv, in->n, &x, in->scratch, &end, in->scratch + kernel_floats(conv));
}

void dcpg_winograd_backward_input(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                  const dcpg_conv_pooled *out, bool accumulate, float *dx) {
    const finish end = {.accumulate = accumulate, .y = dx};
    dcpg_conv back = turned(conv);
    transform_kernel(conv, (weights){in->w, true}, in->scratch);
    convolve(&back, in->n, out, in->scratch, &end, in->scratch + kernel_floats(conv));
}

/* ---- gradient of the weights ---- */

/* Where the gradient of a sample's output goes. */
typedef struct dy_rows {
    float *at;     /* [points][f / 32][tiles of all samples][32], from the sample's first tile on */
    int64_t block; /* from one f / 32 to the next */
    float *sums;   /* [f], over time */
} dy_rows;

/* Transforms dy of a sample's tiles, and sums it over time. */
KERN_INLINE void transform_dy_rows(const dcpg_conv *conv, const rows *from, const bool pooled,
                                   const int points, const dy_rows *to) {
    const int64_t end = tiles_end(conv), block = to->block, plane = conv->f / KERN_WIDTH * block;
    for (int64_t j = 0; j < conv->f; j += KERN_LANES) {
        kern_lanes total = kern_zero();
        float *first = to->at + j / KERN_WIDTH * block + j % KERN_WIDTH;
        for (EACH_TILE(t, conv, end)) {
            kern_lanes y[OUT], at[MOST];
            tile_lanes(from, pooled, OUT, t.first, j, y);
            evaluate(points, y, OUT - 1, at);
#pragma GCC unroll 7
            for (int i = 0; i < points; i++) kern_store(first + i * plane, at[i]);
            total += at[1]; /* the value at point 1 is the plain sum */
            first += KERN_WIDTH;
        }
        kern_store(to->sums + j, total);
    }
}

KERN_VECTOR(static, void, transform_dy,
            (const dcpg_conv *conv, form how, const rows *from, const dy_rows *to), (conv, how, from, to)) {
    if (how.points == 7)
        transform_dy_rows(conv, from, false, 7, to);
    else if (from->arg)
        transform_dy_rows(conv, from, true, 6, to);
    else
        transform_dy_rows(conv, from, false, 6, to);
}

/* dw[k][c][f] of one channel and group of taps, from du[points][groups * c][f]. */
KERN_INLINE void collect_taps(const dcpg_conv *conv, const form how, const float *du, int64_t group,
                              int64_t row, float *dw) {
    const float *divisor = divisors_of(how);
    int64_t f = conv->f, plane = how.groups * conv->c * f;
    for (int64_t j = 0; j < f; j += KERN_LANES) {
        kern_lanes at[MOST], g[OUT];
        for (int i = 0; i < how.points; i++)
            at[i] = kern_load(du + i * plane + (group * conv->c + row) * f + j) / divisor[i];
        collect(how.points, at, how.taps - 1, g);
        for (int64_t k = 0; k < min_i64(how.taps, conv->k - group * how.taps); k++)
            kern_store(dw + ((group * how.taps + k) * conv->c + row) * f + j, g[k]);
    }
}

KERN_VECTOR(static, void, collect_row,
            (const dcpg_conv *conv, form how, const float *du, int64_t group, int64_t row, float *dw),
            (conv, how, du, group, row, dw)) {
    if (how.taps == 3)
        collect_taps(conv, form_by(3, 1), du, 0, row, dw);
    else
        collect_taps(conv, form_by(4, how.groups), du, group, row, dw);
}

/* Offsets of the weight gradient's arrays in its scratch, in floats. */
typedef struct weight_layout {
    int64_t tiles; /* of all samples */
    int64_t x, dy, du, sums, end;
} weight_layout;

static weight_layout weight_layout_of(const dcpg_conv *conv, int64_t n) {
    int64_t points = form_of(conv).points;
    weight_layout l = {.tiles = n * nb_tile(conv)};
    l.dy = l.x + points * l.tiles * conv->c;
    l.du = l.dy + points * l.tiles * conv->f;
    l.sums = l.du + kernel_floats(conv);
    l.end = l.sums + n * conv->f;
    return l;
}

static void sum_samples(int64_t n, int64_t f, const float *sums, float *db) {
    memset(db, 0, (size_t)f * sizeof *db);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < f; j++) db[j] += sums[i * f + j];
}

/* The inner sum of the products runs over the tiles of all samples; threads divide the blocks of the product.
 * The last tiles of a sample have dy = 0: there the groups may read the first tiles of the next sample. For
 * the last sample they are left out. */
void dcpg_winograd_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in,
                                   const dcpg_conv_pooled *out, float *dw, float *db) {
    form how = form_of(conv);
    int64_t n = in->n, c = conv->c, f = conv->f, tiles = nb_tile(conv), depth = how.groups * c;
    weight_layout l = weight_layout_of(conv, n);
    float *xs = in->scratch + l.x, *dys = in->scratch + l.dy, *du = in->scratch + l.du,
          *sums = in->scratch + l.sums;
    const dcpg_conv_pooled x = {.dy = in->x}; /* not pooled */
#pragma omp parallel
    {
#pragma omp for schedule(static)
        for (int64_t i = 0; i < n; i++) {
            rows x_rows = rows_of(conv, conv->t_in, c, &x, i),
                 out_rows = rows_of(conv, conv->t_out, f, out, i);
            const dy_rows to = {dys + i * tiles * KERN_WIDTH, l.tiles * KERN_WIDTH, sums + i * f};
            transform_input(conv, how, &x_rows, l.tiles * c, xs + i * tiles * c);
            transform_dy(conv, how, &out_rows, &to);
        }
#pragma omp for collapse(2) schedule(static)
        for (int64_t i = 0; i < how.points; i++) {
            for (int64_t j = 0; j < f; j += KERN_WIDTH)
                dcpg_kern_multiply_rows(&(kern_product){.rows = depth,
                                                        .depth = l.tiles - tiles_beyond(conv),
                                                        .a = {xs + i * l.tiles * c, 1, c},
                                                        .b = {dys + (i * f + j) * l.tiles, KERN_WIDTH, 1},
                                                        .c = {du + i * depth * f + j, f, 1}});
        }
#pragma omp for collapse(2) schedule(static)
        for (int64_t group = 0; group < how.groups; group++)
            for (int64_t row = 0; row < c; row++) collect_row(conv, how, du, group, row, dw);
    }
    if (db) sum_samples(n, f, sums, db);
}

/* ---- when the form pays ---- */

bool dcpg_winograd_exists(const dcpg_conv *conv) {
    return conv->k >= 3 && conv->stride == 1 && conv->c % KERN_WIDTH == 0 && conv->f % KERN_WIDTH == 0;
}

bool dcpg_winograd_pools(const dcpg_conv *conv) {
    return dcpg_winograd_exists(conv) && conv->k == 3 && conv->dilation == 1 && conv->pad_left == 0 &&
           conv->t_out > 1;
}

/* Not for short samples with a large dilation: their tiles are so poorly filled that they cost more than is
 * saved. */
static bool saves(const dcpg_conv *conv) {
    form how = form_of(conv);
    return 5 * (nb_tile(conv) - tiles_beyond(conv)) * how.points * how.groups < 4 * conv->t_out * conv->k;
}

bool dcpg_winograd_pays(const dcpg_conv *conv) {
    return dcpg_winograd_exists(conv) && dcpg_kern_multiply_pays() && saves(conv);
}

size_t dcpg_winograd_scratch(const dcpg_conv *conv, int64_t n) {
    dcpg_conv back = turned(conv);
    int64_t slot =
        max_i64(slot_floats(conv), slot_floats(&back)); /* one per thread; no more threads than samples run */
    return (size_t)max_i64(kernel_floats(conv) + n * slot, weight_layout_of(conv, n).end);
}
