/* The first convolution reads one-hot DNA, so that a window's product with a kernel is a choice of k rows of
 * w. Groups of 3 taps have 5^3 possible contents (A, T, G, C, N), whose sums of rows are tabulated: a window
 * is then the sum of one table row per group. Backward, gradients are added to the tables' rows, and the
 * tables are summed to dw at the end. */
#include "kern/vector.h"

#include <assert.h>
#include <dcpg/kern.h>
#include <string.h>

enum {
    GROUP = 3,
    BASE = 5,
    ENTRIES = 125, /* BASE^GROUP */
    QUAD = 4,      /* rows added in one go; groups are filled up to a multiple with a row of zeros */
    LANES = 32     /* channels worked on at a time; backward, a thread's work */
};

typedef struct tables {
    int64_t groups;  /* of taps, the last one perhaps shorter */
    int64_t last;    /* taps of the last group */
    int64_t entries; /* rows of all tables; the row after them is the row of zeros */
    int64_t width;   /* groups filled up: table rows per window */
} tables;

static tables tables_of(const dcpg_conv *conv) {
    assert(conv->c == 4 && conv->stride == 1 && conv->dilation == 1 && conv->pad_left == 0);
    tables t;
    t.groups = kern_ceil_div(conv->k, GROUP);
    t.last = conv->k - (t.groups - 1) * GROUP;
    t.entries = (t.groups - 1) * ENTRIES + (t.last == 1 ? BASE : t.last == 2 ? BASE * BASE : ENTRIES);
    t.width = kern_ceil_div(t.groups, QUAD) * QUAD;
    return t;
}

/* Scratch: tables [blocks of LANES channels][entries + 1][LANES], then for each sample the table rows of its
 * windows, int32[t_out][width]. */
static int64_t lane_blocks(const dcpg_conv *conv) { return kern_ceil_div(conv->f, LANES); }
static int64_t table_floats(const tables *t) { return (t->entries + 1) * LANES; }
static int64_t row_floats(const dcpg_conv *conv, const tables *t) {
    return kern_ceil_div(conv->t_out * t->width, 16) * 16;
}

size_t dcpg_conv_dna_scratch(const dcpg_conv *conv, int64_t n) {
    tables t = tables_of(conv);
    return (size_t)(table_floats(&t) * lane_blocks(conv) + n * row_floats(conv, &t));
}

/* The content of `taps` taps as a number to the base 5. */
static int32_t content(const uint8_t *codes, int64_t taps) {
    int32_t number = 0;
    for (int64_t i = 0; i < taps; i++) number = number * BASE + (codes[i] < BASE ? codes[i] : BASE - 1);
    return number;
}

/* row[t_out][width] of one sample, from the last window back: group 0 of window p + 3 g has seen what group g
 * of window p sees. */
static void index_rows(const dcpg_conv *conv, const tables *t, const uint8_t *codes, int32_t *row) {
    for (int64_t p = conv->t_out - 1; p >= 0; p--) {
        int32_t *own = row + p * t->width;
        for (int64_t g = 0; g < t->groups - 1; g++) {
            int64_t seen = p + g * GROUP;
            own[g] = (int32_t)(g * ENTRIES) +
                     (g > 0 && seen < conv->t_out ? row[seen * t->width] : content(codes + seen, GROUP));
        }
        int64_t g = t->groups - 1;
        own[g] = (int32_t)(g * ENTRIES) + content(codes + p + g * GROUP, t->last);
        while (++g < t->width) own[g] = (int32_t)t->entries;
    }
}

/* The rows of all samples; returns those of the first. */
static const int32_t *all_rows(const dcpg_conv *conv, const tables *t, int64_t n, const uint8_t *codes,
                               float *scratch) {
    int32_t *rows = (int32_t *)(scratch + table_floats(t) * lane_blocks(conv));
    int64_t step = row_floats(conv, t);
#pragma omp parallel for schedule(static) if (n * conv->t_out > KERN_SMALL / 16)
    for (int64_t i = 0; i < n; i++) index_rows(conv, t, codes + i * conv->t_in, rows + i * step);
    return rows;
}

/* The digits of a table row: its group, the taps of that group, and the code at each. */
typedef struct entry {
    int64_t group, taps;
    int code[GROUP];
} entry;

static entry entry_of(const tables *t, int64_t row) {
    entry e;
    e.group = kern_min(row / ENTRIES, t->groups - 1);
    e.taps = e.group == t->groups - 1 ? t->last : GROUP;
    int64_t digits = row - e.group * ENTRIES;
    for (int64_t i = e.taps - 1; i >= 0; i--) {
        e.code[i] = (int)(digits % BASE);
        digits /= BASE;
    }
    return e;
}

/* ---- forward ---- */

/* tables[block][entries + 1][LANES]; the bias is in the first group. */
static void fill_tables(const dcpg_conv *conv, const tables *t, const float *w, const float *b,
                        float *table) {
    int64_t f = conv->f;
#pragma omp parallel for collapse(2) schedule(static)
    for (int64_t block = 0; block < lane_blocks(conv); block++) {
        for (int64_t row = 0; row <= t->entries; row++) {
            int64_t first = block * LANES, lanes = kern_min(LANES, f - first);
            float *to = table + block * table_floats(t) + row * LANES;
            memset(to, 0, LANES * sizeof *to);
            if (row == t->entries) continue;
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

/* memcpy of LANES elements or, at the end of a row, fewer; the usual case is two vector moves. */
KERN_INLINE void copy_lanes(float *to, const float *from, int64_t lanes) {
    if (lanes == LANES)
        memcpy(to, from, LANES * sizeof *to);
    else
        memcpy(to, from, (size_t)lanes * sizeof *to);
}

/* sum[LANES] = the sum of the table rows of one window */
KERN_INLINE void sum_rows(const float *table, const int32_t *row, int64_t width, float *sum) {
    for (int64_t g = 0; g < width; g += QUAD) {
        const float *r0 = table + row[g] * LANES, *r1 = table + row[g + 1] * LANES,
                    *r2 = table + row[g + 2] * LANES, *r3 = table + row[g + 3] * LANES;
        for (int64_t j = 0; j < LANES; j++) {
            float v = r0[j] + r1[j] + r2[j] + r3[j];
            sum[j] = g == 0 ? v : sum[j] + v;
        }
    }
}

/* One block of channels of one sample; y: rows of stride f. */
KERN_VECTOR static void forward_lanes(const dcpg_conv *conv, const tables *t, const int32_t *row,
                                      const float *table, int64_t lanes, bool relu, float *y) {
    float low = relu ? 0.0f : -__builtin_inff();
    for (int64_t p = 0; p < conv->t_out; p++, row += t->width, y += conv->f) {
        float sum[LANES];
        sum_rows(table, row, t->width, sum);
        for (int64_t j = 0; j < LANES; j++) sum[j] = sum[j] < low ? low : sum[j];
        copy_lanes(y, sum, lanes);
    }
}

KERN_VECTOR static void forward_pool_lanes(const dcpg_conv *conv, const tables *t, int64_t pool,
                                           const int32_t *row, const float *table, int64_t lanes, float *y,
                                           uint8_t *arg) {
    for (int64_t i = 0, nb = conv->t_out / pool; i < nb; i++, y += conv->f, arg += conv->f) {
        float best[LANES];
        int32_t at[LANES] = {0};
        sum_rows(table, row, t->width, best);
        row += t->width;
        for (int32_t q = 1; q < (int32_t)pool; q++, row += t->width) {
            float sum[LANES];
            sum_rows(table, row, t->width, sum);
            for (int64_t j = 0; j < LANES; j++) {
                at[j] = sum[j] > best[j] ? q : at[j];
                best[j] = sum[j] > best[j] ? sum[j] : best[j];
            }
        }
        for (int64_t j = 0; j < LANES; j++) best[j] = best[j] < 0.0f ? 0.0f : best[j];
        copy_lanes(y, best, lanes);
        for (int64_t j = 0; j < lanes; j++) arg[j] = (uint8_t)at[j];
    }
}

/* Both forward passes: arg NULL means no pooling. A sample's blocks of channels one after the other, so that its rows and results stay in
 * the L2 cache beside the tables. */
static void forward(const dcpg_conv *conv, int64_t pool, int64_t n, const uint8_t *codes, const float *w,
                    const float *b, bool relu, float *y, uint8_t *arg, float *scratch) {
    tables t = tables_of(conv);
    fill_tables(conv, &t, w, b, scratch);
    const int32_t *rows = all_rows(conv, &t, n, codes, scratch);
    int64_t f = conv->f, out = conv->t_out / pool * f;
#pragma omp parallel for collapse(2) schedule(static)
    for (int64_t i = 0; i < n; i++) {
        for (int64_t block = 0; block < lane_blocks(conv); block++) {
            const int32_t *row = rows + i * row_floats(conv, &t);
            const float *table = scratch + block * table_floats(&t);
            int64_t j = block * LANES, lanes = kern_min(LANES, f - j), at = i * out + j;
            if (arg == NULL)
                forward_lanes(conv, &t, row, table, lanes, relu, y + at);
            else
                forward_pool_lanes(conv, &t, pool, row, table, lanes, y + at, arg + at);
        }
    }
}

void dcpg_conv_dna_forward(const dcpg_conv *conv, int64_t n, const uint8_t *codes, const float *w,
                           const float *b, bool relu, float *y, float *scratch) {
    forward(conv, 1, n, codes, w, b, relu, y, NULL, scratch);
}

void dcpg_conv_dna_pool_forward(const dcpg_conv *conv, int64_t pool, int64_t n, const uint8_t *codes,
                                const float *w, const float *b, float *y, uint8_t *arg, float *scratch) {
    assert(pool > 0 && pool <= UINT8_MAX && arg != NULL);
    forward(conv, pool, n, codes, w, b, true, y, arg, scratch);
}

/* ---- backward ---- */

/* Adds g[LANES] to the rows of one window. They differ unless both are the row of zeros, which is never read.
 */
KERN_INLINE void scatter(const int32_t *row, int64_t width, const float *g, float *table) {
    for (int64_t i = 0; i < width; i += QUAD) {
        float *r0 = table + row[i] * LANES, *r1 = table + row[i + 1] * LANES,
              *r2 = table + row[i + 2] * LANES, *r3 = table + row[i + 3] * LANES;
        KERN_INDEPENDENT
        for (int64_t j = 0; j < LANES; j++) {
            r0[j] += g[j];
            r1[j] += g[j];
            r2[j] += g[j];
            r3[j] += g[j];
        }
    }
}

/* One block of channels of one sample; dy: rows of stride f. */
KERN_VECTOR static void backward_lanes(const dcpg_conv *conv, const tables *t, const int32_t *row,
                                       int64_t lanes, const float *dy, float *table) {
    float g[LANES] = {0};
    for (int64_t p = 0; p < conv->t_out; p++, row += t->width, dy += conv->f) {
        copy_lanes(g, dy, lanes);
        scatter(row, t->width, g, table);
    }
}

/* The gradient of a pooled value goes to the step that gave the maximum, if the relu was open. */
KERN_VECTOR static void backward_pool_lanes(const dcpg_conv *conv, const tables *t, int64_t pool,
                                            const int32_t *row, int64_t lanes, const float *y,
                                            const uint8_t *arg, const float *dy, float *table) {
    float value[LANES] = {0}, slope[LANES] = {0}, g[LANES];
    int32_t at[LANES] = {0};
    for (int64_t i = 0, nb = conv->t_out / pool; i < nb; i++, y += conv->f, arg += conv->f, dy += conv->f) {
        copy_lanes(value, y, lanes);
        copy_lanes(slope, dy, lanes);
        for (int64_t j = 0; j < lanes; j++) at[j] = arg[j];
        for (int64_t j = 0; j < LANES; j++) at[j] = value[j] > 0.0f ? at[j] : -1;
        for (int32_t q = 0; q < (int32_t)pool; q++, row += t->width) {
            for (int64_t j = 0; j < LANES; j++) g[j] = at[j] == q ? slope[j] : 0.0f;
            scatter(row, t->width, g, table);
        }
    }
}

/* dw and, unless it is NULL, db of `lanes` channels from their table. */
static void sum_tables(const dcpg_conv *conv, const tables *t, int64_t lanes, const float *table, float *dw,
                       float *db) {
    int64_t f = conv->f;
    for (int64_t i = 0; i < conv->k * 4; i++) memset(dw + i * f, 0, (size_t)lanes * sizeof *dw);
    if (db) memset(db, 0, (size_t)lanes * sizeof *db);
    for (int64_t row = 0; row < t->entries; row++) {
        entry e = entry_of(t, row);
        const float *from = table + row * LANES;
        for (int64_t j = 0; db && e.group == 0 && j < lanes; j++) db[j] += from[j];
        for (int64_t i = 0; i < e.taps; i++) {
            if (e.code[i] == BASE - 1) continue;
            float *to = dw + ((e.group * GROUP + i) * 4 + e.code[i]) * f;
            for (int64_t j = 0; j < lanes; j++) to[j] += from[j];
        }
    }
}

/* Both backward passes: y NULL means dy is not pooled. A thread has a block of channels and its own table. */
static void backward(const dcpg_conv *conv, int64_t pool, int64_t n, const uint8_t *codes, const float *y,
                     const uint8_t *arg, const float *dy, float *dw, float *db, float *scratch) {
    tables t = tables_of(conv);
    const int32_t *rows = all_rows(conv, &t, n, codes, scratch);
    int64_t size = table_floats(&t), f = conv->f, out = conv->t_out / pool * f;
#pragma omp parallel for schedule(static, 1)
    for (int64_t block = 0; block < lane_blocks(conv); block++) {
        int64_t j = block * LANES, lanes = kern_min(LANES, f - j);
        float *table = scratch + block * size;
        memset(table, 0, (size_t)size * sizeof *table);
        for (int64_t i = 0; i < n; i++) {
            const int32_t *row = rows + i * row_floats(conv, &t);
            int64_t at = i * out + j;
            if (y == NULL)
                backward_lanes(conv, &t, row, lanes, dy + at, table);
            else
                backward_pool_lanes(conv, &t, pool, row, lanes, y + at, arg + at, dy + at, table);
        }
        sum_tables(conv, &t, lanes, table, dw + j, db ? db + j : NULL);
    }
}

void dcpg_conv_dna_backward_weight(const dcpg_conv *conv, int64_t n, const uint8_t *codes, const float *dy,
                                   float *dw, float *db, float *scratch) {
    backward(conv, 1, n, codes, NULL, NULL, dy, dw, db, scratch);
}

void dcpg_conv_dna_pool_backward_weight(const dcpg_conv *conv, int64_t pool, int64_t n, const uint8_t *codes,
                                        const float *y, const uint8_t *arg, const float *dy, float *dw,
                                        float *db, float *scratch) {
    backward(conv, pool, n, codes, y, arg, dy, dw, db, scratch);
}
