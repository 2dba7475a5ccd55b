/* SPDX-License-Identifier: MIT */
/* Reads and writes blocks of datasets, alone or together with other ranks. */
#include "base/number.h"
#include "io/h5_chunk.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>

/* Most bytes of one parallel transfer: MPI counts in int, and converted numbers need a second buffer of this
 * size. */
static const uint64_t PIECE = 256 << 20;

/* A block of a dataset, to be read or written. */
typedef struct transfer {
    dcpg_h5 *file;
    const char *path;
    hid_t dataset, space;
    hid_t file_type, memory_type;
    char *read_to; /* NULL: the block is written */
    const char *write_from;
    int ndim;
    hsize_t start[DCPG_H5_MAX_NDIM], count[DCPG_H5_MAX_NDIM]; /* count[0] is 0 if there is nothing to do */
    uint64_t row_count;    /* elements per index of the first dimension: a row */
    uint64_t row_step;     /* rows per call */
    uint64_t space_needed; /* bytes, before compression, of the compressed chunks that the block touches;
                              0: the data has its space already */
    bool ours;             /* read from chunks decoded here, by each rank on its own */
    dcpg_h5_chunks chunks;
    char *converted; /* [row_step][row_count] in the larger of both types, if numbers are converted here;
                        NULL: by HDF5, or not at all */
} transfer;

static dcpg_status open_transfer(transfer *t, dcpg_h5_type type, dcpg_err *err) {
    t->dataset = dcpg_h5_open_dataset(t->file, t->path, err);
    if (t->dataset < 0) return DCPG_E_INPUT;
    t->space = H5Dget_space(t->dataset);
    t->file_type = H5Dget_type(t->dataset);
    if (t->space < 0 || t->file_type < 0)
        return dcpg_h5_fail(t->file, DCPG_E_INPUT, err, "dataset %s cannot be read", t->path);
    bool text = type == DCPG_H5_TEXT;
    t->memory_type = text ? t->file_type : dcpg_h5_memory_type(type);
    if (text && dcpg_h5_fixed_text(t->file_type)) return DCPG_OK;
    dcpg_h5_type stored;
    if (!text && dcpg_h5_number_type(t->file_type, &stored)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s holds no %s", t->file->path, t->path,
                     text ? "strings of fixed length" : "numbers of a known type");
}

/* Sets start and count from the caller's block (NULL: everything), which must lie inside the dataset. */
static dcpg_status place_block(transfer *t, const dcpg_h5_block *block, dcpg_err *err) {
    hsize_t dim[H5S_MAX_RANK];
    t->ndim = H5Sget_simple_extent_dims(t->space, dim, NULL);
    if (t->ndim < 0 || t->ndim > DCPG_H5_MAX_NDIM)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s has %d dimensions", t->file->path, t->path,
                         t->ndim);
    for (int i = 0; i < t->ndim; i++) {
        t->start[i] = block ? (hsize_t)block->start[i] : 0;
        t->count[i] = block ? (hsize_t)block->count[i] : dim[i];
        if (t->start[i] <= dim[i] && t->count[i] <= dim[i] - t->start[i]) continue;
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: dataset %s has %" PRIu64 " entries along dimension %d, wanted were %" PRIu64
                         " from %" PRIu64 " on",
                         t->file->path, t->path, (uint64_t)dim[i], i, (uint64_t)t->count[i],
                         (uint64_t)t->start[i]);
    }
    t->row_count = 1;
    for (int i = 1; i < t->ndim; i++) t->row_count *= t->count[i];
    if (t->row_count == 0) t->count[0] = 0;
    if (t->ndim == 0) t->count[0] = H5Sget_simple_extent_type(t->space) != H5S_NULL;
    return DCPG_OK;
}

/* Chunks shrink when they are compressed; those that would not are stored uncompressed. */
static void measure_space(transfer *t) {
    hsize_t chunk[DCPG_H5_MAX_NDIM];
    hid_t creation = H5Dget_create_plist(t->dataset);
    if (creation < 0) return;
    bool compressed = t->count[0] > 0 && H5Pget_nfilters(creation) > 0 &&
                      H5Pget_chunk(creation, DCPG_H5_MAX_NDIM, chunk) == t->ndim;
    H5Pclose(creation);
    if (compressed) t->space_needed = H5Tget_size(t->file_type);
    for (int i = 0; compressed && i < t->ndim; i++) {
        hsize_t first = t->start[i] / chunk[i], last = (t->start[i] + t->count[i] - 1) / chunk[i];
        t->space_needed *= chunk[i] * (last - first + 1);
    }
}

/* Cuts the transfer into pieces and, unless it is left to HDF5 altogether, prepares a buffer for conversions:
 * a conversion inside HDF5 would break up a collective transfer, which compressed data need. */
static dcpg_status plan_pieces(transfer *t, dcpg_err *err) {
    size_t memory_size = H5Tget_size(t->memory_type), file_size = H5Tget_size(t->file_type);
    size_t size = max_size(memory_size, file_size);
    t->row_step = t->count[0];
    if (!dcpg_h5_parallel(t->file) && !t->ours) return DCPG_OK;
    uint64_t row_bytes = t->row_count * size;
    t->row_step = row_bytes < PIECE && row_bytes > 0 ? PIECE / row_bytes : 1;
    if (H5Tequal(t->memory_type, t->file_type) > 0) return DCPG_OK;
    uint64_t rows = min_size(t->row_step, t->count[0]);
    t->converted = dcpg_alloc(rows, row_bytes);
    return t->converted ? DCPG_OK : dcpg_fail_nomem(err, t->path, rows * row_bytes);
}

static dcpg_status prepare(transfer *t, dcpg_h5_type type, const dcpg_h5_block *block, dcpg_err *err) {
    DCPG_TRY(open_transfer(t, type, err));
    DCPG_TRY(place_block(t, block, err));
    t->chunks = (dcpg_h5_chunks){.path = t->path, .dataset = t->dataset, .type = t->file_type};
    if (!t->file->temporary) DCPG_TRY(dcpg_h5_chunks_open(&t->chunks, t->file, &t->ours, err));
    return plan_pieces(t, err);
}

static void finish(transfer *t) {
    if (t->space >= 0) H5Sclose(t->space);
    if (t->file_type >= 0) H5Tclose(t->file_type);
    if (t->dataset >= 0) H5Dclose(t->dataset);
    dcpg_h5_chunks_close(&t->chunks);
    dcpg_free(t->converted);
}

/* Selects `rows` rows of the file from `row` on (0: none) and returns the matching space in memory. */
static hid_t select_rows(const transfer *t, uint64_t row, uint64_t rows) {
    hsize_t nb = rows * t->row_count;
    hid_t memory = H5Screate_simple(1, &nb, NULL);
    if (rows == 0) {
        H5Sselect_none(t->space);
        H5Sselect_none(memory);
    } else if (t->ndim > 0) {
        hsize_t start[DCPG_H5_MAX_NDIM], count[DCPG_H5_MAX_NDIM];
        memcpy(start, t->start, sizeof start);
        memcpy(count, t->count, sizeof count);
        start[0] += row;
        count[0] = rows;
        H5Sselect_hyperslab(t->space, H5S_SELECT_SET, start, NULL, count, NULL);
    } else {
        H5Sselect_all(t->space);
    }
    return memory;
}

static dcpg_status fail_rows(const transfer *t, const char *done, dcpg_err *err) {
    return dcpg_h5_fail(t->file, dcpg_h5_fault(t->file), err, "dataset %s cannot be %s", t->path, done);
}

static bool convert(const transfer *t, hid_t from, hid_t to, size_t nb) {
    return nb == 0 || H5Tconvert(from, to, nb, t->converted, NULL, t->file->transfer) >= 0;
}

/* Fetches rows as numbers of `type`, which must be the file's type if chunks are decoded here. */
static dcpg_status fetch_rows(transfer *t, uint64_t row, uint64_t rows, hid_t type, char *to, dcpg_err *err) {
    if (t->ours) {
        hsize_t start[DCPG_H5_MAX_NDIM], count[DCPG_H5_MAX_NDIM];
        memcpy(start, t->start, sizeof start);
        memcpy(count, t->count, sizeof count);
        start[0] += row;
        count[0] = rows;
        return rows > 0 ? dcpg_h5_chunks_read(&t->chunks, t->file, start, count, to, err) : DCPG_OK;
    }
    hid_t memory = select_rows(t, row, rows);
    dcpg_status status = DCPG_OK;
    if (H5Dread(t->dataset, type, memory, t->space, t->file->transfer, to) < 0)
        status = fail_rows(t, "read", err);
    H5Sclose(memory);
    return status;
}

static dcpg_status read_rows(transfer *t, uint64_t row, uint64_t rows, dcpg_err *err) {
    char nothing[8];
    size_t nb = rows * t->row_count, size = H5Tget_size(t->memory_type);
    char *to = rows > 0 ? t->read_to + row * t->row_count * size : nothing;
    if (!t->converted) return fetch_rows(t, row, rows, t->memory_type, to, err);
    DCPG_TRY(fetch_rows(t, row, rows, t->file_type, t->converted, err));
    if (!convert(t, t->file_type, t->memory_type, nb)) return fail_rows(t, "read", err);
    if (nb > 0) memcpy(to, t->converted, nb * size);
    return DCPG_OK;
}

static dcpg_status write_rows(const transfer *t, uint64_t row, uint64_t rows, dcpg_err *err) {
    static const char nothing[8];
    size_t nb = rows * t->row_count, size = H5Tget_size(t->memory_type);
    const char *from = rows > 0 ? t->write_from + row * t->row_count * size : nothing;
    hid_t memory = select_rows(t, row, rows), type = t->memory_type;
    dcpg_status status = DCPG_OK;
    if (t->converted) {
        if (nb > 0) memcpy(t->converted, from, nb * size);
        /* If the conversion fails, the numbers are written as they are: the other ranks wait for this one,
         * and the file will be discarded. */
        if (!convert(t, t->memory_type, t->file_type, nb)) status = fail_rows(t, "written", err);
        type = t->file_type;
        from = t->converted;
    }
    if (H5Dwrite(t->dataset, type, memory, t->space, t->file->transfer, from) < 0)
        status = fail_rows(t, "written", err);
    H5Sclose(memory);
    return status;
}

/* Every rank makes as many calls as the rank with most rows, even after a failure, because transfers are
 * collective. */
static dcpg_status move(transfer *t, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    int64_t nb_call = t->count[0] > 0 ? (int64_t)((t->count[0] + t->row_step - 1) / t->row_step) : 0;
    if (dcpg_h5_parallel(t->file) && !t->ours) nb_call = dcpg_max_i64_all(t->file->par, nb_call);
    for (int64_t call = 0; call < nb_call; call++) {
        uint64_t row = (uint64_t)call * t->row_step;
        uint64_t left = row < t->count[0] ? t->count[0] - row : 0;
        uint64_t rows = min_size(left, t->row_step);
        dcpg_status now = t->read_to ? read_rows(t, row, rows, err) : write_rows(t, row, rows, err);
        if (status == DCPG_OK) status = now;
    }
    return status;
}

static dcpg_status transfer_block(transfer *t, dcpg_h5_type type, const dcpg_h5_block *block, dcpg_err *err) {
    dcpg_h5 *file = t->file;
    t->dataset = t->space = t->file_type = -1;
    dcpg_status status = prepare(t, type, block, err);
    if (!block && t->write_from && dcpg_h5_parallel(file) && file->par->rank > 0)
        t->count[0] = 0; /* all ranks hold the same data: rank 0 writes it */
    if (status == DCPG_OK && t->write_from) measure_space(t);
    status = dcpg_h5_agree(file, status, err);
    if (status == DCPG_OK && t->write_from) status = dcpg_h5_reserve(file, t->space_needed, err);
    if (status == DCPG_OK) status = dcpg_h5_agree(file, move(t, err), err);
    finish(t);
    return status;
}

dcpg_status dcpg_h5_write(dcpg_h5 *file, const char *path, dcpg_h5_type type, const dcpg_h5_block *block,
                          const void *data, dcpg_err *err) {
    transfer t = {.file = file, .path = path, .write_from = data ? data : ""};
    return transfer_block(&t, type, block, err);
}

dcpg_status dcpg_h5_read(dcpg_h5 *file, const char *path, dcpg_h5_type type, const dcpg_h5_block *block,
                         void *data, dcpg_err *err) {
    char nothing[8];
    transfer t = {.file = file, .path = path, .read_to = data ? data : nothing};
    return transfer_block(&t, type, block, err);
}
