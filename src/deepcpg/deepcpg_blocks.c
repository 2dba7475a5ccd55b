/* SPDX-License-Identifier: MIT */
/* Reads blocks of DeepCpG data files and keeps them in memory. */
#include "deepcpg/deepcpg_blocks.h"
#include "base/number.h"

#include <dcpg/memory.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Longer distances are cut to this one, and missing neighbours are this far away: bp. */
static const float MAX_DISTANCE = 25000;

/* Rows of a block: as many as in a chunk, so that chunks are unpacked once, but few enough for many blocks to
 * fit. */
enum { MIN_ROWS = 256, MAX_ROWS = 32768, ROWS = 1024, MIN_BLOCKS = 8 };

/* ---- sizes ---- */

static int64_t row_bytes(const dcpg_deepcpg_blocks *b) {
    int64_t nb_cell = (int64_t)b->source->cells.n, wlen = b->source->cpg_wlen;
    return b->source->dna_wlen + wlen * (nb_cell - b->nb_real + 4 * b->nb_real + 4 * nb_cell);
}

static int64_t choose_rows(const dcpg_deepcpg_blocks *b) {
    int64_t rows = b->set->chunk_rows ? b->set->chunk_rows : ROWS, bytes = row_bytes(b);
    if (rows < MIN_ROWS) rows = MIN_ROWS;
    if (rows > MAX_ROWS) rows = MAX_ROWS;
    int64_t most = b->max_bytes / MIN_BLOCKS / (bytes > 0 ? bytes : 1);
    if (rows > most) rows = most;
    return max_i64(rows, 1);
}

static int64_t rows_of(const dcpg_deepcpg_blocks *b, int64_t file, int64_t block) {
    int64_t left = b->nb_row[file] - (block - b->first[file]) * b->rows;
    return min_i64(left, b->rows);
}

int64_t dcpg_deepcpg_block_of(const dcpg_deepcpg_blocks *b, int64_t file, int64_t row) {
    return b->first[file] + row / b->rows;
}

int64_t dcpg_deepcpg_block_bytes(const dcpg_deepcpg_blocks *b, int64_t file, int64_t block) {
    return rows_of(b, file, block) * row_bytes(b);
}

/* ---- opening and closing ---- */

static dcpg_status fail_memory(const dcpg_deepcpg_blocks *b, dcpg_err *err) {
    return dcpg_fail_nomem(err, "data files", (b->set->files.n + b->source->cells.n) * sizeof *b->first);
}

static void count_blocks(dcpg_deepcpg_blocks *b) {
    for (int64_t i = 0; i < b->set->nb_run; i++) b->nb_row[b->set->run[i].file] += b->set->run[i].n;
    for (size_t f = 0; f < b->set->files.n; f++)
        b->first[f + 1] = b->first[f] + ceil_div(b->nb_row[f], b->rows);
}

dcpg_status dcpg_deepcpg_blocks_open(const dcpg_deepcpg *set, const dcpg_source *source,
                                     dcpg_deepcpg_blocks *b, dcpg_err *err) {
    size_t nb_file = set->files.n, nb_cell = source->cells.n;
    *b = (dcpg_deepcpg_blocks){.set = set, .source = source, .max_bytes = set->max_bytes, .file_index = -1};
    b->real = dcpg_alloc(nb_cell, sizeof *b->real);
    b->place = dcpg_alloc(nb_cell, sizeof *b->place);
    b->nb_row = dcpg_alloc(nb_file, sizeof *b->nb_row);
    b->first = dcpg_alloc(nb_file + 1, sizeof *b->first);
    if (!b->real || !b->place || !b->nb_row || !b->first) return fail_memory(b, err);
    for (size_t i = 0; i < nb_cell; i++) {
        ptrdiff_t cell = dcpg_strings_find(&set->cells, source->cells.v[i]);
        assert(cell >= 0);
        b->real[i] = set->real[cell];
        b->place[i] = b->real[i] ? b->nb_real : (int64_t)i - b->nb_real;
        b->nb_real += b->real[i];
    }
    b->rows = choose_rows(b);
    count_blocks(b);
    b->block = dcpg_alloc((size_t)b->first[nb_file], sizeof *b->block);
    return b->block ? DCPG_OK : fail_memory(b, err);
}

static void drop(dcpg_deepcpg_blocks *b, int64_t block) {
    if (!b->block[block]) return;
    b->bytes -= b->block[block]->n * row_bytes(b);
    dcpg_free(b->block[block]);
    b->block[block] = NULL;
}

void dcpg_deepcpg_blocks_drop(dcpg_deepcpg_blocks *b) {
    for (int64_t i = 0; b->block && i < b->first[b->set->files.n]; i++) drop(b, i);
    dcpg_h5_close(b->file);
    b->file = NULL;
    b->file_index = -1;
}

void dcpg_deepcpg_blocks_close(dcpg_deepcpg_blocks *b) {
    if (b->set) dcpg_deepcpg_blocks_drop(b);
    dcpg_free(b->real);
    dcpg_free(b->place);
    dcpg_free(b->nb_row);
    dcpg_free(b->first);
    dcpg_free(b->block);
}

/* ---- reading ---- */

dcpg_status dcpg_deepcpg_open_file(dcpg_deepcpg_blocks *b, int64_t file, dcpg_err *err) {
    if (b->file_index == file) return DCPG_OK;
    dcpg_h5_close(b->file);
    b->file = NULL;
    b->file_index = -1;
    DCPG_TRY(dcpg_h5_open(b->set->files.v[file], NULL, &b->file, err));
    b->file_index = file;
    return DCPG_OK;
}

/* A block that is being read. */
typedef struct reading {
    dcpg_deepcpg_blocks *blocks;
    dcpg_deepcpg_block *block;
    int64_t file;
} reading;

/* The middle `width` of the file's `stored` columns. */
static dcpg_h5_block middle(const reading *r, int64_t stored, int64_t width) {
    return (dcpg_h5_block){{r->block->first, (stored - width) / 2}, {r->block->n, width}};
}

/* `row`: of the block. */
static dcpg_status fail_value(const reading *r, const char *path, int64_t row, double value,
                              const char *wanted, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s holds %g in row %" PRId64 ", where %s should be",
                     r->blocks->set->files.v[r->file], path, value, r->block->first + row, wanted);
}

static dcpg_status read_dna(const reading *r, dcpg_err *err) {
    static const char path[] = "inputs/dna";
    int64_t wlen = r->blocks->source->dna_wlen, n = r->block->n * wlen;
    dcpg_h5_block part = middle(r, r->blocks->set->dna_wlen, wlen);
    uint8_t *dna = r->block->dna;
    if (wlen == 0) return DCPG_OK;
    DCPG_TRY(dcpg_h5_read(r->blocks->file, path, DCPG_H5_I8, &part, dna, err));
    for (int64_t i = 0; i < n; i++)
        if (dna[i] > 4) return fail_value(r, path, i / wlen, (int8_t)dna[i], "a base from 0 to 4", err);
    return DCPG_OK;
}

/* Reads the states of a binary cell. */
static dcpg_status read_binary(const reading *r, const char *path, int8_t *state, dcpg_err *err) {
    int64_t wlen = r->blocks->source->cpg_wlen, n = r->block->n * wlen;
    dcpg_h5_block part = middle(r, r->blocks->set->cpg_wlen, wlen);
    DCPG_TRY(dcpg_h5_read(r->blocks->file, path, DCPG_H5_I8, &part, state, err));
    for (int64_t i = 0; i < n; i++) {
        if (state[i] < -1 || state[i] > 1) return fail_value(r, path, i / wlen, state[i], "-1, 0 or 1", err);
        if (state[i] < 0 && !r->blocks->source->raw) state[i] = 0;
    }
    return DCPG_OK;
}

/* Reads the states of a cell that is not binary in every file; the type in the file at hand decides what a
 * missing state becomes. */
static dcpg_status read_real(const reading *r, const char *path, float *state, dcpg_err *err) {
    int64_t wlen = r->blocks->source->cpg_wlen, n = r->block->n * wlen;
    dcpg_h5_block part = middle(r, r->blocks->set->cpg_wlen, wlen);
    dcpg_h5_shape shape;
    DCPG_TRY(dcpg_h5_read(r->blocks->file, path, DCPG_H5_F32, &part, state, err));
    DCPG_TRY(dcpg_h5_shape_of(r->blocks->file, path, &shape, err));
    float missing = shape.type == DCPG_H5_F32 || shape.type == DCPG_H5_F64 ? 0.5f : 0;
    if (r->blocks->source->raw) missing = -1;
    for (int64_t i = 0; i < n; i++) {
        if (state[i] == -1 || isnan(state[i]))
            state[i] = missing;
        else if (!(state[i] >= 0 && state[i] <= 1))
            return fail_value(r, path, i / wlen, (double)state[i], "-1 or a number from 0 to 1", err);
    }
    return DCPG_OK;
}

static dcpg_status read_distances(const reading *r, const char *path, float *dist, dcpg_err *err) {
    int64_t wlen = r->blocks->source->cpg_wlen, n = r->block->n * wlen;
    bool raw = r->blocks->source->raw;
    dcpg_h5_block part = middle(r, r->blocks->set->cpg_wlen, wlen);
    DCPG_TRY(dcpg_h5_read(r->blocks->file, path, DCPG_H5_F32, &part, dist, err));
    for (int64_t i = 0; i < n; i++) {
        bool missing = dist[i] == -1;
        if (missing && !raw) dist[i] = MAX_DISTANCE;
        if (!(dist[i] >= 0 || missing))
            return fail_value(r, path, i / wlen, (double)dist[i], "-1 or a distance in bp", err);
        if (!raw) dist[i] = (dist[i] < MAX_DISTANCE ? dist[i] : MAX_DISTANCE) / MAX_DISTANCE;
    }
    return DCPG_OK;
}

static dcpg_status read_cell(const reading *r, int64_t cell, dcpg_err *err) {
    const dcpg_deepcpg_blocks *b = r->blocks;
    int64_t size = r->block->n * b->source->cpg_wlen;
    char *state = dcpg_format("inputs/cpg/%s/state", b->source->cells.v[cell]);
    char *dist = dcpg_format("inputs/cpg/%s/dist", b->source->cells.v[cell]);
    dcpg_status status =
        state && dist ? DCPG_OK : dcpg_fail_nomem(err, "a name", strlen(b->source->cells.v[cell]));
    if (status == DCPG_OK)
        status = b->real[cell] ? read_real(r, state, r->block->real + b->place[cell] * size, err)
                               : read_binary(r, state, r->block->state + b->place[cell] * size, err);
    if (status == DCPG_OK) status = read_distances(r, dist, r->block->dist + cell * size, err);
    dcpg_free(state);
    dcpg_free(dist);
    return status;
}

static dcpg_status read_block(const reading *r, dcpg_err *err) {
    DCPG_TRY(dcpg_deepcpg_open_file(r->blocks, r->file, err));
    DCPG_TRY(read_dna(r, err));
    for (size_t i = 0; i < r->blocks->source->cells.n && r->blocks->source->cpg_wlen > 0; i++)
        DCPG_TRY(read_cell(r, (int64_t)i, err));
    return DCPG_OK;
}

/* ---- keeping blocks in memory ---- */

static void carve(const dcpg_deepcpg_blocks *b, int64_t n, dcpg_arena *arena, dcpg_deepcpg_block **block) {
    size_t rows = (size_t)n, wide = rows * (size_t)b->source->cpg_wlen, nb_cell = b->source->cells.n;
    dcpg_deepcpg_block *one = dcpg_arena_take(arena, 1, sizeof *one), here = {.n = n};
    here.dna = dcpg_arena_take(arena, rows, (size_t)b->source->dna_wlen);
    here.state = dcpg_arena_take(arena, wide, nb_cell - (size_t)b->nb_real);
    here.real = dcpg_arena_take(arena, wide, (size_t)b->nb_real * sizeof *here.real);
    here.dist = dcpg_arena_take(arena, wide, nb_cell * sizeof *here.dist);
    if (one) *one = here;
    *block = one;
}

static dcpg_deepcpg_block *new_block(const dcpg_deepcpg_blocks *b, int64_t n) {
    dcpg_deepcpg_block *block = NULL;
    dcpg_arena arena = {0};
    carve(b, n, &arena, &block);
    arena = (dcpg_arena){.base = dcpg_alloc(arena.used, 1)};
    if (arena.base) carve(b, n, &arena, &block);
    return block;
}

/* Frees the least recently used blocks until `bytes` more fit; false if only blocks of this round are left.
 */
static bool make_space(dcpg_deepcpg_blocks *b, int64_t bytes) {
    while (b->bytes > 0 && b->bytes + bytes > b->max_bytes) {
        int64_t oldest = -1, nb = b->first[b->set->files.n];
        for (int64_t i = 0; i < nb; i++)
            if (b->block[i] && (oldest < 0 || b->block[i]->used < b->block[oldest]->used)) oldest = i;
        if (b->block[oldest]->used == b->round) return false;
        drop(b, oldest);
    }
    return true;
}

dcpg_status dcpg_deepcpg_block_hold(dcpg_deepcpg_blocks *b, int64_t file, int64_t block, bool *fits,
                                    dcpg_err *err) {
    *fits = true;
    if (!b->block[block]) {
        int64_t n = rows_of(b, file, block), bytes = n * row_bytes(b);
        *fits = make_space(b, bytes);
        if (!*fits) return DCPG_OK;
        reading r = {.blocks = b, .block = new_block(b, n), .file = file};
        if (!r.block) return dcpg_fail_nomem(err, "a block of inputs", (unsigned long long)bytes);
        r.block->first = (block - b->first[file]) * b->rows;
        dcpg_status status = read_block(&r, err);
        if (status != DCPG_OK) {
            dcpg_free(r.block);
            return status;
        }
        b->block[block] = r.block;
        b->bytes += bytes;
    }
    b->block[block]->used = b->round;
    return DCPG_OK;
}
