/* SPDX-License-Identifier: MIT */
/* gemm by our own kernel, which reads matrices in place. BLIS packs both; for the thin matrices of
 * convolutions and the recurrent ones of GRUs packing costs up to as much as the product. Where rows of B are
 * not contiguous, 32 columns of it at a time are packed; forms that no layer uses go to BLIS, the twin of
 * this backend.
 *
 * Bits: the cuts of the inner sum depend on k alone, and an element of the product is summed in one order,
 * whatever its neighbours are. */
#include "base/number.h"
#include "kern/gemm_backend.h"
#include "kern/multiply.h"
#include "kern/vector.h"

#include <dcpg/memory.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum {
    DEPTH = 384,   /* longest piece of the inner sum: 14 rows of A stay in the L1 cache ... */
    COLUMNS = 512, /* ... and this many columns of B in the L2 cache */
    PANELS = COLUMNS / KERN_WIDTH,
    ROW = DEPTH + 16, /* distance between copied rows of A, which spreads them over the L1 cache */
    PAGE = 1024 /* floats; rows of B at multiples of this distance evict each other even from the L2 cache */
};

/* Where a thread packs; allocated at its first product, freed when the thread ends. */
typedef struct workspace {
    float panel[COLUMNS * DEPTH]; /* of B: [panel][depth][32] */
    float rows[KERN_ROWS * ROW];  /* of A, one after the other */
    float tile[KERN_ROWS * KERN_WIDTH];
} workspace;

static _Thread_local workspace *own;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t ends; /* frees its value when the thread ends */

static void make_key(void) { (void)pthread_key_create(&ends, dcpg_free); }

/* Makes sure that this thread has its workspace; false: out of memory. */
static bool open_workspace(void) {
    if (own != NULL) return true;
    pthread_once(&once, make_key);
    workspace *made = dcpg_alloc(1, sizeof *made);
    if (made == NULL || pthread_setspecific(ends, made) != 0) {
        dcpg_free(made);
        return false;
    }
    own = made;
    return true;
}

static bool reads(dcpg_mat a, float beta, dcpg_mat_out c) {
    return (a.cs == 1 || a.rs == 1) && c.cs == 1 && (beta == 0.0f || beta == 1.0f);
}

/* to[depth][32] = columns of b; 0 beyond the last column */
KERN_VECTOR(static, void, pack_panel, (int64_t depth, int64_t columns, dcpg_mat b, float *to),
            (depth, columns, b, to)) {
    enum { TILE = 16 };
    if (b.cs == 1 || columns < KERN_WIDTH) {
        for (int64_t i = 0; i < depth; i++)
            for (int64_t j = 0; j < KERN_WIDTH; j++)
                to[i * KERN_WIDTH + j] = j < columns ? b.p[i * b.rs + j * b.cs] : 0.0f;
        return;
    }
    for (int64_t i = 0; i < depth;
         i += TILE) /* columns are contiguous: by tiles, which use up each cache line at once */
        for (int64_t j = 0; j < KERN_WIDTH; j++)
            for (int64_t q = i; q < min_i64(i + TILE, depth); q++)
                to[q * KERN_WIDTH + j] = b.p[q * b.rs + j * b.cs];
}

/* A piece of the product: `depth` steps of the inner sum, up to COLUMNS columns. */
typedef struct piece {
    int64_t m, n, depth;
    dcpg_mat a, b;
    bool add;
    dcpg_mat_out c;
} piece;

static void add_tile(int64_t rows, int64_t columns, const float *tile, bool add, dcpg_mat_out c) {
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t j = 0; j < columns; j++) {
            float *to = c.p + r * c.rs + j;
            *to = add ? *to + tile[r * KERN_WIDTH + j] : tile[r * KERN_WIDTH + j];
        }
    }
}

/* The address of 32 columns of B, and the distance between their rows. */
typedef struct panel {
    const float *p;
    int64_t row;
} panel;

/* Finds the panels of the piece and packs those that cannot be read in place. Returns their number. */
static int64_t find_panels(const piece *x, panel *at) {
    int64_t nb = ceil_div(x->n, KERN_WIDTH);
    for (int64_t q = 0; q < nb; q++) {
        int64_t j = q * KERN_WIDTH, columns = min_i64(KERN_WIDTH, x->n - j);
        dcpg_mat b = {x->b.p + j * x->b.cs, x->b.rs, x->b.cs};
        at[q] = (panel){b.p, b.rs};
        if (b.cs == 1 && columns == KERN_WIDTH && b.rs % PAGE != 0) continue;
        at[q] = (panel){own->panel + j * x->depth, KERN_WIDTH};
        pack_panel(x->depth, columns, b, own->panel + j * x->depth);
    }
    return nb;
}

/* Rows of A that lie whole or half pages apart evict each other from the L1 cache: worth a copy where several
 * panels read them. */
static bool displaces(dcpg_mat a, int64_t nb_panel) {
    return a.cs == 1 && a.rs % (PAGE / 2) == 0 && nb_panel >= 8;
}

static void copy_rows(int64_t rows, int64_t depth, const float *a, int64_t a_row) {
    for (int64_t r = 0; r < rows; r++) memcpy(own->rows + r * ROW, a + r * a_row, (size_t)depth * sizeof *a);
}

/* What to prefetch during panel q: a part of the next rows of A, which are spread over all panels that read
 * the current rows. */
static kern_ahead next_rows(const piece *x, const float *a, int64_t rows, int64_t q, int64_t nb_panel) {
    int64_t bytes = rows * x->a.rs * (int64_t)sizeof *a, share = bytes / nb_panel;
    bool near = x->a.cs == 1 && x->a.rs <= 2 * x->depth;
    return near ? (kern_ahead){(const char *)a + bytes + q * share, share / x->depth + 1}
                : (kern_ahead){(const char *)a, 0};
}

static void multiply_piece(const piece *x) {
    panel at[PANELS];
    int64_t nb_panel = find_panels(x, at), blocks = ceil_div(x->m, KERN_ROWS);
    bool copies = displaces(x->a, nb_panel);
    for (int64_t block = 0; block < blocks; block++) {
        int64_t first = x->m * block / blocks, rows = x->m * (block + 1) / blocks - first;
        const float *a = x->a.p + first * x->a.rs;
        if (copies) copy_rows(rows, x->depth, a, x->a.rs);
        for (int64_t q = 0; q < nb_panel; q++) {
            int64_t j = q * KERN_WIDTH, columns = min_i64(KERN_WIDTH, x->n - j);
            dcpg_mat_out c = {x->c.p + first * x->c.rs + j, x->c.rs, 1};
            bool whole = columns == KERN_WIDTH;
            const kern_product product = {
                .rows = rows,
                .depth = x->depth,
                .a = {copies ? own->rows : a, copies ? ROW : x->a.rs, x->a.cs},
                .b = {at[q].p, at[q].row, 1},
                .add = whole && x->add,
                .c = {whole ? c.p : own->tile, whole ? c.rs : KERN_WIDTH, 1},
            };
            dcpg_kern_multiply_block(&product, next_rows(x, a, rows, q, nb_panel));
            if (!whole) add_tile(rows, columns, own->tile, x->add, c);
        }
    }
}

static void gemm(int64_t m, int64_t n, int64_t k, dcpg_mat a, dcpg_mat b, float beta, dcpg_mat_out c) {
    if (!reads(a, beta, c) || !open_workspace()) {
        dcpg_gemm_blis.gemm(m, n, k, a, b, beta, c);
        return;
    }
    int64_t pieces = ceil_div(k, DEPTH);
    for (int64_t i = 0; i < pieces; i++) {
        int64_t first = k * i / pieces, depth = k * (i + 1) / pieces - first;
        for (int64_t j = 0; j < n; j += COLUMNS) {
            piece x = {.m = m,
                       .n = min_i64(COLUMNS, n - j),
                       .depth = depth,
                       .a = a,
                       .b = b,
                       .add = beta != 0.0f || i > 0,
                       .c = c};
            x.a.p += first * a.cs;
            x.b.p += first * b.rs + j * b.cs;
            x.c.p += j;
            multiply_piece(&x);
        }
    }
}

static void describe(char *text, size_t size) {
    char blis[64];
    dcpg_gemm_blis.describe(blis, sizeof blis);
    snprintf(text, size, "direct (%s), %s", dcpg_kern_multiply_pays() ? "avx512" : "slow here", blis);
}

const dcpg_gemm_backend dcpg_gemm_direct = {"direct", describe, gemm};
