/* The first convolution reads one-hot DNA, so that a window's product with a kernel is a choice of k rows of w. Groups of 3 taps have 5^3 possible contents (A, T, G, C, N), whose sums of
 * rows are tabulated: a window is then the sum of one table row per group. Backward, gradients are added to the tables' rows, and the tables are summed to dw at the end. */
#include "kern/vector.h"

#include <assert.h>
#include <dcpg/kern.h>
#include <string.h>

enum {
    GROUP = 3,
    BASE = 5,
    ENTRIES = 125, /* BASE^GROUP */
    QUAD = 4,      /* rows added in one go; groups are filled up to a multiple with a row of zeros */
    WIDTH = 256,   /* channels of the forward pass worked on at a time: they stay in the L1 cache */
    LANES = 32     /* channels of the backward pass per table: a thread's work */
};

typedef struct tables {
    int64_t groups;  /* of taps, the last one perhaps shorter */
    int64_t last;    /* taps of the last group */
    int64_t entries; /* rows of all tables; the row after them is the row of zeros */
    int64_t quads;   /* groups of groups */
} tables;

static tables tables_of(const dcpg_conv *conv) {
    assert(conv->c == 4 && conv->stride == 1 && conv->dilation == 1 && conv->pad_left == 0);
    tables t;
    t.groups = kern_ceil_div(conv->k, GROUP);
    t.last = conv->k - (t.groups - 1) * GROUP;
    t.entries = (t.groups - 1) * ENTRIES + (t.last == 1 ? BASE : t.last == 2 ? BASE * BASE : ENTRIES);
    t.quads = kern_ceil_div(t.groups, QUAD);
    return t;
}

/* k-mers of one sample: [t_in] contents of whole groups, [t_in] of the last group. */
static size_t kmer_floats(const dcpg_conv *conv) { return (size_t)kern_ceil_div(2 * conv->t_in, 64) * 16; }

static int64_t lane_blocks(const dcpg_conv *conv) { return kern_ceil_div(conv->f, LANES); }

size_t dcpg_conv_dna_scratch(const dcpg_conv *conv, int64_t n) {
    tables t = tables_of(conv);
    return (size_t)((t.entries + 1) * lane_blocks(conv) * LANES) + (size_t)n * kmer_floats(conv);
}

static void index_kmers(const dcpg_conv *conv, const tables *t, const uint8_t *codes, uint8_t *whole) {
    uint8_t *last = whole + conv->t_in;
    for (int64_t p = 0; p < conv->t_in; p++) {
        unsigned index = 0;
        for (int64_t i = 0; i < GROUP; i++) {
            unsigned code = p + i < conv->t_in && codes[p + i] < BASE ? codes[p + i] : BASE - 1;
            index = index * BASE + code;
            if (i + 1 == t->last) last[p] = (uint8_t)index;
        }
        whole[p] = (uint8_t)index;
    }
}

/* Fills the k-mers of all samples; returns where they lie in scratch. */
static const uint8_t *all_kmers(const dcpg_conv *conv, const tables *t, int64_t n, const uint8_t *codes, float *scratch) {
    float *at = scratch + (t->entries + 1) * lane_blocks(conv) * LANES;
    size_t step = kmer_floats(conv);
#pragma omp parallel for schedule(static) if (n * conv->t_in > KERN_SMALL)
    for (int64_t i = 0; i < n; i++) index_kmers(conv, t, codes + i * conv->t_in, (uint8_t *)(at + (size_t)i * step));
    return (const uint8_t *)at;
}

static const uint8_t *kmers_of(const dcpg_conv *conv, const uint8_t *kmers, int64_t i) { return kmers + (size_t)i * kmer_floats(conv) * sizeof(float); }

/* Row numbers in the tables of the four groups of quad `quad` for the window at step p. */
static inline void rows_of(const dcpg_conv *conv, const tables *t, const uint8_t *kmers, int64_t p, int64_t quad, int64_t row[QUAD]) {
    for (int64_t i = 0; i < QUAD; i++) {
        int64_t g = quad * QUAD + i;
        row[i] = g < t->groups - 1 ? g * ENTRIES + kmers[p + g * GROUP] : g == t->groups - 1 ? g * ENTRIES + kmers[conv->t_in + p + g * GROUP] : t->entries;
    }
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

/* table[entries + 1][f]; the bias is in the first group. */
static void fill_tables(const dcpg_conv *conv, const tables *t, const float *w, const float *b, float *table) {
    int64_t f = conv->f;
#pragma omp parallel for schedule(static)
    for (int64_t row = 0; row <= t->entries; row++) {
        float *to = table + row * f;
        memset(to, 0, (size_t)f * sizeof *to);
        if (row == t->entries) continue;
        entry e = entry_of(t, row);
        if (e.group == 0) memcpy(to, b, (size_t)f * sizeof *to);
        for (int64_t i = 0; i < e.taps; i++) {
            if (e.code[i] == BASE - 1) continue;
            const float *from = w + ((e.group * GROUP + i) * 4 + e.code[i]) * f;
            for (int64_t j = 0; j < f; j++) to[j] += from[j];
        }
    }
}

/* to (+)= the sum of four rows */
static inline void sum_quad(int64_t width, const float *table, int64_t f, const int64_t row[QUAD], bool add, float *to) {
    const float *r0 = table + row[0] * f, *r1 = table + row[1] * f, *r2 = table + row[2] * f, *r3 = table + row[3] * f;
    if (add) {
        KERN_INDEPENDENT
        for (int64_t j = 0; j < width; j++) to[j] += r0[j] + r1[j] + r2[j] + r3[j];
    } else {
        KERN_INDEPENDENT
        for (int64_t j = 0; j < width; j++) to[j] = r0[j] + r1[j] + r2[j] + r3[j];
    }
}

KERN_VECTOR static void forward_sample(const dcpg_conv *conv, const tables *t, const uint8_t *kmers, const float *table, bool relu, float *y) {
    int64_t f = conv->f, row[QUAD];
    for (int64_t p = 0; p < conv->t_out; p++, y += f) {
        for (int64_t quad = 0; quad < t->quads; quad++) {
            rows_of(conv, t, kmers, p, quad, row);
            sum_quad(f, table, f, row, quad > 0, y);
        }
        for (int64_t j = 0; relu && j < f; j++) y[j] = y[j] < 0.0f ? 0.0f : y[j];
    }
}

void dcpg_conv_dna_forward(const dcpg_conv *conv, int64_t n, const uint8_t *codes, const float *w, const float *b, bool relu, float *y, float *scratch) {
    tables t = tables_of(conv);
    fill_tables(conv, &t, w, b, scratch);
    const uint8_t *kmers = all_kmers(conv, &t, n, codes, scratch);
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) forward_sample(conv, &t, kmers_of(conv, kmers, i), scratch, relu, y + i * conv->t_out * conv->f);
}

/* One window of the pool: y, arg[width] from the tables' columns at `table`. */
static inline void forward_window(const dcpg_conv *conv, const tables *t, const uint8_t *kmers, int64_t p, int64_t pool, int64_t width, const float *table, float *y, uint8_t *arg) {
    float value[WIDTH], best[WIDTH];
    int32_t at[WIDTH];
    int64_t row[QUAD];
    for (int64_t q = 0; q < pool; q++) {
        float *sum = q == 0 ? best : value;
        for (int64_t quad = 0; quad < t->quads; quad++) {
            rows_of(conv, t, kmers, p + q, quad, row);
            sum_quad(width, table, conv->f, row, quad > 0, sum);
        }
        if (q == 0) {
            memset(at, 0, sizeof at);
            continue;
        }
        for (int64_t j = 0; j < width; j++) {
            at[j] = value[j] > best[j] ? (int32_t)q : at[j];
            best[j] = value[j] > best[j] ? value[j] : best[j];
        }
    }
    for (int64_t j = 0; j < width; j++) {
        y[j] = best[j] < 0.0f ? 0.0f : best[j];
        arg[j] = (uint8_t)at[j];
    }
}

KERN_VECTOR static void forward_pool_sample(const dcpg_conv *conv, const tables *t, int64_t pool, const uint8_t *kmers, const float *table, float *y, uint8_t *arg) {
    int64_t f = conv->f, windows = conv->t_out / pool;
    for (int64_t j = 0; j < f; j += WIDTH) {
        int64_t width = kern_min(WIDTH, f - j);
        for (int64_t i = 0; i < windows; i++) forward_window(conv, t, kmers, i * pool, pool, width, table + j, y + i * f + j, arg + i * f + j);
    }
}

void dcpg_conv_dna_pool_forward(const dcpg_conv *conv, int64_t pool, int64_t n, const uint8_t *codes, const float *w, const float *b, float *y, uint8_t *arg, float *scratch) {
    assert(pool > 0 && pool <= UINT8_MAX + 1);
    tables t = tables_of(conv);
    fill_tables(conv, &t, w, b, scratch);
    const uint8_t *kmers = all_kmers(conv, &t, n, codes, scratch);
    int64_t out = conv->t_out / pool * conv->f;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < n; i++) forward_pool_sample(conv, &t, pool, kmers_of(conv, kmers, i), scratch, y + i * out, arg + i * out);
}

/* ---- backward ---- */

/* Adds g[LANES] to the rows of the window at step p in table[entries + 1][LANES]. Two rows of a quad differ unless both are the row of zeros, which is never read. */
static inline void scatter(const dcpg_conv *conv, const tables *t, const uint8_t *kmers, int64_t p, const float *g, float *table) {
    int64_t row[QUAD];
    for (int64_t quad = 0; quad < t->quads; quad++) {
        rows_of(conv, t, kmers, p, quad, row);
        float *r0 = table + row[0] * LANES, *r1 = table + row[1] * LANES, *r2 = table + row[2] * LANES, *r3 = table + row[3] * LANES;
        KERN_INDEPENDENT
        for (int64_t j = 0; j < LANES; j++) {
            r0[j] += g[j];
            r1[j] += g[j];
            r2[j] += g[j];
            r3[j] += g[j];
        }
    }
}

/* dy[t_out] rows of stride f, `width` columns of them. */
KERN_VECTOR static void backward_sample(const dcpg_conv *conv, const tables *t, const uint8_t *kmers, int64_t width, const float *dy, float *table) {
    float g[LANES] = {0};
    for (int64_t p = 0; p < conv->t_out; p++) {
        memcpy(g, dy + p * conv->f, (size_t)width * sizeof *g);
        scatter(conv, t, kmers, p, g, table);
    }
}

/* The gradient of a pooled value goes to the step that gave the maximum, if the relu was open. */
KERN_VECTOR static void backward_pool_sample(const dcpg_conv *conv, const tables *t, int64_t pool, const uint8_t *kmers, int64_t width, const float *y, const uint8_t *arg, const float *dy,
                                             float *table) {
    float open[LANES] = {0}, g[LANES];
    int32_t at[LANES] = {0};
    int64_t f = conv->f, windows = conv->t_out / pool;
    for (int64_t i = 0; i < windows; i++, y += f, arg += f, dy += f) {
        for (int64_t j = 0; j < width; j++) {
            open[j] = y[j] > 0.0f ? dy[j] : 0.0f;
            at[j] = arg[j];
        }
        for (int64_t q = 0; q < pool; q++) {
            for (int64_t j = 0; j < LANES; j++) g[j] = at[j] == (int32_t)q ? open[j] : 0.0f;
            scatter(conv, t, kmers, i * pool + q, g, table);
        }
    }
}

/* dw and db of `width` channels from their table. */
static void sum_tables(const dcpg_conv *conv, const tables *t, int64_t width, const float *table, float *dw, float *db) {
    int64_t f = conv->f;
    for (int64_t i = 0; i < conv->k * 4; i++) memset(dw + i * f, 0, (size_t)width * sizeof *dw);
    memset(db, 0, (size_t)width * sizeof *db);
    for (int64_t row = 0; row < t->entries; row++) {
        entry e = entry_of(t, row);
        const float *from = table + row * LANES;
        for (int64_t j = 0; e.group == 0 && j < width; j++) db[j] += from[j];
        for (int64_t i = 0; i < e.taps; i++) {
            if (e.code[i] == BASE - 1) continue;
            float *to = dw + ((e.group * GROUP + i) * 4 + e.code[i]) * f;
            for (int64_t j = 0; j < width; j++) to[j] += from[j];
        }
    }
}

/* Both backward passes: y NULL means dy is not pooled. A thread has a block of channels and its own table. */
static void backward(const dcpg_conv *conv, int64_t pool, int64_t n, const uint8_t *codes, const float *y, const uint8_t *arg, const float *dy, float *dw, float *db, float *scratch) {
    tables t = tables_of(conv);
    const uint8_t *kmers = all_kmers(conv, &t, n, codes, scratch);
    int64_t size = (t.entries + 1) * LANES, f = conv->f, out = (y == NULL ? conv->t_out : conv->t_out / pool) * f;
#pragma omp parallel for schedule(dynamic)
    for (int64_t block = 0; block < lane_blocks(conv); block++) {
        int64_t j = block * LANES, width = kern_min(LANES, f - j);
        float *table = scratch + block * size;
        memset(table, 0, (size_t)size * sizeof *table);
        for (int64_t i = 0; i < n; i++) {
            const uint8_t *own = kmers_of(conv, kmers, i);
            if (y == NULL) backward_sample(conv, &t, own, width, dy + i * out + j, table);
            else backward_pool_sample(conv, &t, pool, own, width, y + i * out + j, arg + i * out + j, dy + i * out + j, table);
        }
        sum_tables(conv, &t, width, table, dw + j, db + j);
    }
}

void dcpg_conv_dna_backward_weight(const dcpg_conv *conv, int64_t n, const uint8_t *codes, const float *dy, float *dw, float *db, float *scratch) {
    backward(conv, 1, n, codes, NULL, NULL, dy, dw, db, scratch);
}

void dcpg_conv_dna_pool_backward_weight(const dcpg_conv *conv, int64_t pool, int64_t n, const uint8_t *codes, const float *y, const uint8_t *arg, const float *dy,
                                        float *dw, float *db, float *scratch) {
    backward(conv, pool, n, codes, y, arg, dy, dw, db, scratch);
}
