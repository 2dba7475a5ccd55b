#include "io/h5_chunk.h"
#include <dcpg/memory.h>
#include <string.h>
#include <zlib.h>

/* False where a filter is not known here, or chunks at the edge are stored in another way. */
static bool read_filters(dcpg_h5_chunks *c, hid_t creation) {
    unsigned options = 0;
    if (c->nb_filter > DCPG_H5_MAX_FILTER || H5Pget_chunk_opts(creation, &options) < 0 || options != 0)
        return false;
    for (int i = 0; i < c->nb_filter; i++) {
        unsigned flags, values[8] = {0};
        size_t nb = 8;
        c->filter[i] = H5Pget_filter2(creation, (unsigned)i, &flags, &nb, values, 0, NULL, NULL);
        bool shuffle = c->filter[i] == H5Z_FILTER_SHUFFLE && nb >= 1 && values[0] == c->element;
        if (!shuffle && c->filter[i] != H5Z_FILTER_DEFLATE) return false;
    }
    return true;
}

static dcpg_status alloc_buffers(dcpg_h5_chunks *c, const dcpg_h5 *file, dcpg_err *err) {
    c->bytes = c->element;
    for (int i = 0; i < c->ndim; i++)
        c->bytes *= (size_t)c->dim[i]; /* HDF5 has checked that it is below 4 GB */
    DCPG_TRY(dcpg_h5_check_bytes(file, c->path, c->bytes, 1, err));
    c->chunk = dcpg_alloc(c->bytes, 1);
    c->spare = dcpg_alloc(c->bytes, 1);
    c->fill = dcpg_alloc(c->element, 1);
    return c->chunk && c->spare && c->fill ? DCPG_OK : dcpg_fail_nomem(err, c->path, 2 * c->bytes);
}

/* What is stored in one piece must be as long as its shape and type say, for HDF5 believes them. */
static dcpg_status check_unchunked(const dcpg_h5_chunks *c, const dcpg_h5 *file, dcpg_err *err) {
    hid_t space = H5Dget_space(c->dataset);
    uint64_t count = 0;
    bool sound = space >= 0 && dcpg_h5_npoints(space, &count);
    uint64_t stored = H5Dget_storage_size(c->dataset); /* 0: never written, or nothing to write */
    if (space >= 0) H5Sclose(space);
    if (sound && (stored == 0 || count <= stored / c->element)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s is shorter than its shape says: the file is damaged",
                     file->path, c->path);
}

static dcpg_status open_layout(dcpg_h5_chunks *c, const dcpg_h5 *file, hid_t creation, bool *ours,
                               dcpg_err *err) {
    c->nb_filter = H5Pget_nfilters(creation);
    c->ndim = H5Pget_layout(creation) == H5D_CHUNKED ? H5Pget_chunk(creation, DCPG_H5_MAX_NDIM, c->dim) : 0;
    *ours = c->ndim > 0;
    if (c->element == 0 || c->ndim > DCPG_H5_MAX_NDIM)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s has an impossible type or shape", file->path,
                         c->path);
    if (!*ours) return check_unchunked(c, file, err);
    if (!read_filters(c, creation)) {
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: dataset %s is packed in a way that is not known: use gzip, with or without shuffle",
            file->path, c->path);
    }
    return alloc_buffers(c, file, err);
}

dcpg_status dcpg_h5_chunks_open(dcpg_h5_chunks *c, const dcpg_h5 *file, const char *path, hid_t dataset,
                                hid_t type, bool *ours, dcpg_err *err) {
    *c = (dcpg_h5_chunks){.path = path, .dataset = dataset, .type = type, .element = H5Tget_size(type)};
    hid_t creation = H5Dget_create_plist(dataset);
    if (creation < 0)
        return dcpg_h5_fail(file, DCPG_E_INPUT, err, "the layout of dataset %s cannot be read", path);
    dcpg_status status = open_layout(c, file, creation, ours, err);
    H5Pclose(creation);
    return status;
}

void dcpg_h5_chunks_close(dcpg_h5_chunks *c) {
    dcpg_free(c->chunk);
    dcpg_free(c->spare);
    dcpg_free(c->fill);
    dcpg_free(c->packed);
}

static dcpg_status fail_damaged(const dcpg_h5_chunks *c, const dcpg_h5 *file, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: a compressed part of dataset %s is damaged; copy or make the file again",
                     file->path, c->path);
}

/* Puts the bytes of each element together again: byte k of all elements stands side by side in `from`. */
static void unshuffle(const char *from, char *to, size_t nb, size_t size) {
    for (size_t k = 0; k < size; k++) {
        for (size_t i = 0; i < nb; i++) to[i * size + k] = from[k * nb + i];
    }
}

/* Undoes the filters of c->packed[size], last one first; bits of `skipped` are set for those that were not
 * applied. The chunk ends in c->chunk. */
static bool unpack(dcpg_h5_chunks *c, size_t size, uint32_t skipped) {
    const char *from = c->packed;
    char *to = c->chunk;
    for (int i = c->nb_filter - 1; i >= 0; i--) {
        if (skipped >> i & 1) continue;
        if (c->filter[i] == H5Z_FILTER_DEFLATE) {
            uLongf length = c->bytes;
            if (uncompress((Bytef *)to, &length, (const Bytef *)from, size) != Z_OK) return false;
            size = length;
        } else {
            if (size != c->bytes) return false;
            unshuffle(from, to, size / c->element, c->element);
        }
        from = to;
        to = to == c->chunk ? c->spare : c->chunk;
    }
    if (size != c->bytes) return false;
    if (from != c->chunk) memcpy(c->chunk, from, size);
    return true;
}

/* A chunk that was never written holds the dataset's fill value. */
static void fill_chunk(dcpg_h5_chunks *c) {
    hid_t creation = H5Dget_create_plist(c->dataset);
    if (creation < 0 || H5Pget_fill_value(creation, c->type, c->fill) < 0)
        memset(c->fill, 0, c->element); /* it has none */
    if (creation >= 0) H5Pclose(creation);
    for (size_t at = 0; at < c->bytes; at += c->element) memcpy(c->chunk + at, c->fill, c->element);
}

/* Bytes that the chunk at `first` takes in the file, 0 where it was never written. HDF5 1.10 has a fast
 * answer, which fails for chunks never written and says of chunks without filters what they should take; the
 * slow one goes through all chunks. */
static bool stored_size(const dcpg_h5_chunks *c, const hsize_t *first, hsize_t *size) {
    unsigned skipped;
    haddr_t address;
    *size = 0;
    if (c->nb_filter > 0 && H5Dget_chunk_storage_size(c->dataset, first, size) >= 0) return true;
    return H5Dget_chunk_info_by_coord(c->dataset, first, &skipped, &address, size) >= 0;
}

/* The chunk whose first element is at `first`, decoded, in c->chunk. */
static dcpg_status fetch_chunk(dcpg_h5_chunks *c, const dcpg_h5 *file, const hsize_t *first, dcpg_err *err) {
    hsize_t size = 0;
    uint32_t skipped = 0;
    if (!stored_size(c, first, &size))
        return dcpg_h5_fail(file, DCPG_E_INPUT, err, "dataset %s cannot be read", c->path);
    if (size == 0) {
        fill_chunk(c);
        return DCPG_OK;
    }
    DCPG_TRY(dcpg_h5_check_bytes(file, c->path, size, 1, err));
    if (size > c->room) {
        dcpg_free(c->packed);
        c->packed = dcpg_alloc(size, 1);
        c->room = c->packed ? size : 0;
        if (!c->packed) return dcpg_fail_nomem(err, c->path, size);
    }
    if (H5Dread_chunk(c->dataset, H5P_DEFAULT, first, &skipped, c->packed) < 0) {
        return dcpg_h5_fail(file, DCPG_E_INPUT, err, "dataset %s cannot be read", c->path);
    }
    return unpack(c, size, skipped) ? DCPG_OK : fail_damaged(c, file, err);
}

/* Counts `at` up by `step` per dimension (NULL: 1), the last of `ndim` dimensions fastest, within [begin,
 * end); false behind the last. */
static bool next_place(int ndim, hsize_t *at, const hsize_t *begin, const hsize_t *end, const hsize_t *step) {
    for (int i = ndim - 1; i >= 0; i--) {
        at[i] += step ? step[i] : 1;
        if (at[i] < end[i]) return true;
        at[i] = begin[i];
    }
    return false;
}

/* Copies what the chunk at `first` and the block share, in runs along the last dimension. */
static void copy_shared(const dcpg_h5_chunks *c, const hsize_t *first, const hsize_t *start,
                        const hsize_t *count, char *out) {
    hsize_t begin[DCPG_H5_MAX_NDIM], end[DCPG_H5_MAX_NDIM], at[DCPG_H5_MAX_NDIM];
    for (int i = 0; i < c->ndim; i++) {
        hsize_t chunk_end = first[i] + c->dim[i], block_end = start[i] + count[i];
        at[i] = begin[i] = first[i] > start[i] ? first[i] : start[i];
        end[i] = chunk_end < block_end ? chunk_end : block_end;
    }
    size_t run = (end[c->ndim - 1] - begin[c->ndim - 1]) * c->element;
    do {
        size_t from = 0, to = 0;
        for (int i = 0; i < c->ndim; i++) {
            from = from * c->dim[i] + (at[i] - first[i]);
            to = to * count[i] + (at[i] - start[i]);
        }
        memcpy(out + to * c->element, c->chunk + from * c->element, run);
    } while (next_place(c->ndim - 1, at, begin, end, NULL));
}

dcpg_status dcpg_h5_chunks_read(dcpg_h5_chunks *c, const dcpg_h5 *file, const hsize_t *start,
                                const hsize_t *count, char *out, dcpg_err *err) {
    hsize_t begin[DCPG_H5_MAX_NDIM], end[DCPG_H5_MAX_NDIM], first[DCPG_H5_MAX_NDIM];
    for (int i = 0; i < c->ndim; i++) {
        first[i] = begin[i] = start[i] / c->dim[i] * c->dim[i];
        end[i] = start[i] + count[i];
    }
    do {
        DCPG_TRY(fetch_chunk(c, file, first, err));
        copy_shared(c, first, start, count, out);
    } while (next_place(c->ndim, first, begin, end, c->dim));
    return DCPG_OK;
}
