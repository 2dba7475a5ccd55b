/* SPDX-License-Identifier: MIT */
/* The first convolution, which reads one-hot DNA, by table look-up. The product of a window with a kernel
 * only selects k rows of w. A group of 3 taps has 5^3 possible contents (A, T, G, C, N), whose sums of rows
 * are tabulated: a window is then the sum of one table row per group. Backward, gradients are added to the
 * tables' rows, and the tables are summed into dw at the end. For the usual kernels of 11 taps, the tables of
 * 16 channels fit the L1 cache. */
#include "base/number.h"
#include "kern/lanes.h"

#include <assert.h>
#include <dcpg/kern.h>
#include <string.h>

enum {
    GROUP = 3,
    BASE = 5,
    ENTRIES = 125 /* BASE^GROUP */
};

typedef struct tables {
    int64_t groups;  /* groups of taps; the last one may be shorter */
    int64_t last;    /* taps in the last group */
    int64_t entries; /* rows of all tables */
} tables;

static tables tables_of(const dcpg_conv *conv) {
    assert(conv->c == 4 && conv->stride == 1 && conv->dilation == 1 && conv->pad_left == 0);
    tables t;
    t.groups = ceil_div(conv->k, GROUP);
    t.last = conv->k - (t.groups - 1) * GROUP;
    t.entries = (t.groups - 1) * ENTRIES + (t.last == 1 ? BASE : t.last == 2 ? BASE * BASE : ENTRIES);
    return t;
}

/* ---- scratch: tables [blocks of 16 channels][entries][16], then the contents of each sample's windows
 * ---- */

static int64_t lane_blocks(const dcpg_conv *conv) { return ceil_div(conv->f, KERN_LANES); }
static int64_t table_floats(const tables *t) { return t->entries * KERN_LANES; }
static int64_t content_bytes(const dcpg_conv *conv) { return round_up(2 * conv->t_in, 64); }

size_t dcpg_conv_dna_scratch(const dcpg_conv *conv, int64_t n) {
    tables t = tables_of(conv);
    return (size_t)(table_floats(&t) * lane_blocks(conv) + n * content_bytes(conv) / (int64_t)sizeof(float));
}

/* The contents of a sample's windows, as row numbers within a group's table: group g of window p is at
 * group[p + 3 g], the last group at last[p]. */
typedef struct contents {
    const uint8_t *group, *last;
} contents;

KERN_INLINE uint8_t digit(uint8_t code) { return code < BASE ? code : BASE - 1; }

/* At every step, the next three, two or one codes as a number in base 5. */
KERN_VECTOR(static, void, number_steps, (int64_t steps, int64_t taps, const uint8_t *codes, uint8_t *number),
            (steps, taps, codes, number)) {
    if (taps == 3)
        for (int64_t p = 0; p < steps; p++)
            number[p] = (uint8_t)(25 * digit(codes[p]) + 5 * digit(codes[p + 1]) + digit(codes[p + 2]));
    else if (taps == 2)
        for (int64_t p = 0; p < steps; p++) number[p] = (uint8_t)(5 * digit(codes[p]) + digit(codes[p + 1]));
    else
        for (int64_t p = 0; p < steps; p++) number[p] = digit(codes[p]);
}

static uint8_t *contents_at(const dcpg_conv *conv, const tables *t, float *scratch, int64_t i) {
    return (uint8_t *)(scratch + table_floats(t) * lane_blocks(conv)) + i * content_bytes(conv);
}

static contents contents_of(const dcpg_conv *conv, const tables *t, float *scratch, int64_t i) {
    const uint8_t *at = contents_at(conv, t, scratch, i);
    return (contents){at, at + conv->t_in};
}

static void number_samples(const dcpg_conv *conv, const tables *t, int64_t n, const uint8_t *codes,
                           float *scratch) {
#pragma omp parallel for schedule(static) if (n * conv->t_out > KERN_SMALL)
    for (int64_t i = 0; i < n; i++) {
        uint8_t *to = contents_at(conv, t, scratch, i);
        const uint8_t *from = codes + i * conv->t_in;
        if (t->groups > 1) number_steps(conv->t_in - GROUP + 1, GROUP, from, to);
        number_steps(conv->t_out, t->last, from + (t->groups - 1) * GROUP, to + conv->t_in);
    }
}

/* A table row decoded: its group, the taps of that group, and the code at each tap. */
typedef struct entry {
    int64_t group, taps;
    int code[GROUP];
} entry;

static entry entry_of(const tables *t, int64_t row) {
    entry e;
    e.group = min_i64(row / ENTRIES, t->groups - 1);
    e.taps = e.group == t->groups - 1 ? t->last : GROUP;
    int64_t digits = row - e.group * ENTRIES;
    for (int64_t i = e.taps - 1; i >= 0; i--) {
        e.code[i] = (int)(digits % BASE);
        digits /= BASE;
    }
    return e;
}

/* ---- forward ---- */

/* Fills table[block][entries][16]; the bias is added to the rows of the first group. */
static void fill_tables(const dcpg_conv *conv, const tables *t, const float *w, const float *b,
                        float *table) {
    int64_t f = conv->f;
#pragma omp parallel for collapse(2) schedule(static)
    for (int64_t part = 0; part < lane_blocks(conv); part++) {
        for (int64_t row = 0; row < t->entries; row++) {
            int64_t first = part * KERN_LANES, lanes = min_i64(KERN_LANES, f - first);
            float *to = table + part * table_floats(t) + row * KERN_LANES;
            memset(to, 0, KERN_LANES * sizeof *to);
            entry e = entry_of(t, row);
            if (e.group == 0) memcpy(to, b + first, (size_t)lanes * sizeof *to);
            for (int64_t i = 0; i < e.taps; i++) {
                if (e.code[i] == BASE - 1) continue;
                const float *from = w + ((e.group * GROUP + i) * 4 + e.code[i]) * f + first;
                for (int64_t j = 0; j < lanes; j++) to[j] += from[j];
            }
        }
    }
}

/* A block of 16 channels as two vectors of eight, for which comparisons stay in registers with both AVX2 and
 * AVX-512. */
typedef float eight __attribute__((vector_size(32), aligned(4), may_alias));
typedef int32_t eight_ints __attribute__((vector_size(32), aligned(4), may_alias));
typedef struct block {
    eight at[2];
} block;
typedef struct block_ints {
    eight_ints at[2];
} block_ints;

KERN_INLINE block load(const float *from) {
    return (block){{*(const eight *)from, *(const eight *)(from + 8)}};
}
KERN_INLINE void store(float *to, block x) {
    *(eight *)to = x.at[0];
    *(eight *)(to + 8) = x.at[1];
}
KERN_INLINE block add(block x, block y) { return (block){{x.at[0] + y.at[0], x.at[1] + y.at[1]}}; }
KERN_INLINE eight where(eight_ints mask, eight x) { return (eight)((eight_ints)x & mask); }
KERN_INLINE eight relu_of(eight x) { return where(~(x < 0.0f), x); } /* a NaN stays NaN */

/* Loads and stores for the last block, which may have fewer than 16 channels. */
KERN_INLINE block load_some(const float *from, int64_t lanes) {
    if (lanes == KERN_LANES) return load(from);
    float all[KERN_LANES] = {0};
    memcpy(all, from, (size_t)lanes * sizeof *all);
    return load(all);
}

KERN_INLINE void store_some(float *to, block x, int64_t lanes) {
    if (lanes == KERN_LANES) {
        store(to, x);
        return;
    }
    float all[KERN_LANES];
    store(all, x);
    memcpy(to, all, (size_t)lanes * sizeof *all);
}

/* The sum of window p's table rows. `groups` is a constant where this is inlined with one. */
KERN_INLINE block sum_rows(const float *table, contents c, const int64_t groups, int64_t p) {
    block sum = load(table + ((groups - 1) * ENTRIES + c.last[p]) * KERN_LANES);
    for (int64_t g = groups - 2; g >= 0; g--)
        sum = add(sum, load(table + (g * ENTRIES + c.group[p + g * GROUP]) * KERN_LANES));
    return sum;
}

/* The output of one block of channels of one sample; rows lie f apart. */
typedef struct output {
    int64_t pool;
    bool relu;
    float *y;
    uint8_t *arg; /* NULL: no pooling */
} output;

/* Rows y[t_out]. */
KERN_INLINE void convolve(const dcpg_conv *conv, const int64_t groups, contents c, const float *table,
                          int64_t lanes, const output *out) {
    const bool relu = out->relu;
    float *y = out->y;
    for (int64_t p = 0; p < conv->t_out; p++, y += conv->f) {
        block sum = sum_rows(table, c, groups, p);
        for (int h = 0; h < 2 && relu; h++) sum.at[h] = relu_of(sum.at[h]);
        store_some(y, sum, lanes);
    }
}

KERN_INLINE void convolve_pool(const dcpg_conv *conv, const int64_t groups, contents c, const float *table,
                               int64_t lanes, const output *out) {
    const int64_t pool = out->pool;
    float *y = out->y;
    uint8_t *arg = out->arg;
    for (int64_t i = 0, p = 0, nb = conv->t_out / pool; i < nb; i++, y += conv->f, arg += conv->f) {
        block best = sum_rows(table, c, groups, p++);
        block_ints at = {0};
        for (int32_t q = 1; q < (int32_t)pool; q++) {
            block sum = sum_rows(table, c, groups, p++);
            for (int h = 0; h < 2; h++) {
                eight_ints higher = sum.at[h] > best.at[h];
                best.at[h] = (eight)(((eight_ints)sum.at[h] & higher) | ((eight_ints)best.at[h] & ~higher));
                at.at[h] = (higher & q) | (at.at[h] & ~higher);
            }
        }
        for (int h = 0; h < 2; h++) best.at[h] = relu_of(best.at[h]);
        store_some(y, best, lanes);
        int32_t number[KERN_LANES];
        memcpy(number, &at, sizeof number);
        for (int64_t j = 0; j < lanes; j++) arg[j] = (uint8_t)number[j];
    }
}

enum { USUAL = 4 }; /* groups of 10 to 12 taps, usual in the zoo's models */

KERN_VECTOR(static, void, forward_lanes,
            (const dcpg_conv *conv, int64_t groups, contents c, const float *table, int64_t lanes,
             const output *out),
            (conv, groups, c, table, lanes, out)) {
    if (groups == USUAL && lanes == KERN_LANES && out->arg == NULL)
        convolve(conv, USUAL, c, table, KERN_LANES, out);
    else if (groups == USUAL && lanes == KERN_LANES)
        convolve_pool(conv, USUAL, c, table, KERN_LANES, out);
    else if (out->arg == NULL)
        convolve(conv, groups, c, table, lanes, out);
    else
        convolve_pool(conv, groups, c, table, lanes, out);
}

/* Both forward passes. The blocks of channels of a sample follow each other, so that the sample's results
 * stay in the L2 cache. */
static void forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, const output *all) {
    tables t = tables_of(conv);
    float *scratch = in->scratch;
    fill_tables(conv, &t, in->w, in->b, scratch);
    number_samples(conv, &t, in->n, in->codes, scratch);
    int64_t n = in->n, f = conv->f, size = conv->t_out / all->pool * f;
#pragma omp parallel for collapse(2) schedule(static)
    for (int64_t i = 0; i < n; i++) {
        for (int64_t part = 0; part < lane_blocks(conv); part++) {
            int64_t j = part * KERN_LANES, lanes = min_i64(KERN_LANES, f - j), at = i * size + j;
            output out = *all;
            out.y += at;
            if (out.arg) out.arg += at;
            forward_lanes(conv, t.groups, contents_of(conv, &t, scratch, i),
                          scratch + part * table_floats(&t), lanes, &out);
        }
    }
}

void dcpg_conv_dna_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, bool relu, float *y) {
    const output out = {.pool = 1, .relu = relu, .y = y};
    forward(conv, in, &out);
}

void dcpg_conv_dna_pool_forward(const dcpg_conv *conv, const dcpg_conv_arrays *in, int64_t pool, float *y,
                                uint8_t *arg) {
    assert(pool > 0 && pool <= UINT8_MAX && arg != NULL);
    const output out = {.pool = pool, .relu = true, .y = y, .arg = arg};
    forward(conv, in, &out);
}

/* ---- backward ---- */

/* Adds g to the table rows of window p. */
KERN_INLINE void scatter(float *table, contents c, const int64_t groups, int64_t p, block g) {
    for (int64_t i = 0; i < groups; i++) {
        float *to =
            table + (i * ENTRIES + (i < groups - 1 ? c.group[p + i * GROUP] : c.last[p])) * KERN_LANES;
        store(to, add(load(to), g));
    }
}

KERN_INLINE void spread(const dcpg_conv *conv, const int64_t groups, contents c, int64_t lanes,
                        const float *dy, float *table) {
    for (int64_t p = 0; p < conv->t_out; p++, dy += conv->f)
        scatter(table, c, groups, p, load_some(dy, lanes));
}

/* The gradient of one block of channels of one sample's output. */
typedef struct gradient {
    int64_t pool;
    const float *dy, *y; /* y NULL: not pooled */
    const uint8_t *arg;
} gradient;

/* The gradient of a pooled value goes to the step that gave the maximum, if the ReLU was open. */
KERN_INLINE void spread_pool(const dcpg_conv *conv, const int64_t groups, contents c, int64_t lanes,
                             const gradient *out, float *table) {
    const int64_t pool = out->pool;
    const float *y = out->y, *dy = out->dy;
    const uint8_t *arg = out->arg;
    for (int64_t i = 0, p = 0, nb = conv->t_out / pool; i < nb;
         i++, y += conv->f, arg += conv->f, dy += conv->f) {
        block value = load_some(y, lanes), slope = load_some(dy, lanes), g;
        int32_t number[KERN_LANES] = {0};
        for (int64_t j = 0; j < lanes; j++) number[j] = arg[j];
        block_ints at;
        memcpy(&at, number, sizeof at);
        for (int h = 0; h < 2; h++) slope.at[h] = where(value.at[h] > 0.0f, slope.at[h]);
        for (int32_t q = 0; q < (int32_t)pool; q++) {
            for (int h = 0; h < 2; h++) g.at[h] = where(at.at[h] == q, slope.at[h]);
            scatter(table, c, groups, p++, g);
        }
    }
}

/* Backward pass of one block of channels of one sample. */
KERN_VECTOR(static, void, backward_lanes,
            (const dcpg_conv *conv, int64_t groups, contents c, int64_t lanes, const gradient *out,
             float *table),
            (conv, groups, c, lanes, out, table)) {
    if (groups == USUAL && lanes == KERN_LANES && out->y == NULL)
        spread(conv, USUAL, c, KERN_LANES, out->dy, table);
    else if (groups == USUAL && lanes == KERN_LANES)
        spread_pool(conv, USUAL, c, KERN_LANES, out, table);
    else if (out->y == NULL)
        spread(conv, groups, c, lanes, out->dy, table);
    else
        spread_pool(conv, groups, c, lanes, out, table);
}

/* dw and, unless it is NULL, db of `lanes` channels, from the table of these channels. */
static void sum_tables(const dcpg_conv *conv, const tables *t, int64_t lanes, const float *table, float *dw,
                       float *db) {
    int64_t f = conv->f;
    for (int64_t i = 0; i < conv->k * 4; i++) memset(dw + i * f, 0, (size_t)lanes * sizeof *dw);
    if (db) memset(db, 0, (size_t)lanes * sizeof *db);
    for (int64_t row = 0; row < t->entries; row++) {
        entry e = entry_of(t, row);
        const float *from = table + row * KERN_LANES;
        for (int64_t j = 0; db && e.group == 0 && j < lanes; j++) db[j] += from[j];
        for (int64_t i = 0; i < e.taps; i++) {
            if (e.code[i] == BASE - 1) continue;
            float *to = dw + ((e.group * GROUP + i) * 4 + e.code[i]) * f;
            for (int64_t j = 0; j < lanes; j++) to[j] += from[j];
        }
    }
}

/* Both backward passes. Each thread has its own block of channels with its table. */
static void backward(const dcpg_conv *conv, const dcpg_conv_arrays *in, const gradient *all, float *dw,
                     float *db) {
    tables t = tables_of(conv);
    float *scratch = in->scratch;
    number_samples(conv, &t, in->n, in->codes, scratch);
    int64_t size = table_floats(&t), f = conv->f, out_size = conv->t_out / all->pool * f;
#pragma omp parallel for schedule(static, 1)
    for (int64_t part = 0; part < lane_blocks(conv); part++) {
        int64_t j = part * KERN_LANES, lanes = min_i64(KERN_LANES, f - j);
        float *table = scratch + part * size;
        memset(table, 0, (size_t)size * sizeof *table);
        for (int64_t i = 0; i < in->n; i++) {
            int64_t at = i * out_size + j;
            gradient out = *all;
            out.dy += at;
            if (out.y) out.y += at, out.arg += at;
            backward_lanes(conv, t.groups, contents_of(conv, &t, scratch, i), lanes, &out, table);
        }
        sum_tables(conv, &t, lanes, table, dw + j, db ? db + j : NULL);
    }
}

void dcpg_conv_dna_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in, const float *dy,
                                   float *dw, float *db) {
    const gradient out = {.pool = 1, .dy = dy};
    backward(conv, in, &out, dw, db);
}

void dcpg_conv_dna_pool_backward_weight(const dcpg_conv *conv, const dcpg_conv_arrays *in, int64_t pool,
                                        const dcpg_conv_pooled *out, float *dw, float *db) {
    const gradient all = {.pool = pool, .dy = out->dy, .y = out->y, .arg = out->arg};
    backward(conv, in, &all, dw, db);
}
