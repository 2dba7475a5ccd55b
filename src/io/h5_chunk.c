/* SPDX-License-Identifier: MIT */
/* Fetches, decodes and checks chunks of HDF5 datasets. */
#include "io/h5_chunk.h"
#include <dcpg/memory.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

/* Bytes of the checksum after a chunk with filter fletcher32. */
enum { CHECKSUM = 4 };

/* Common filters that are not decoded here: registered numbers and names. */
static const struct {
    H5Z_filter_t id;
    const char *name;
} foreign[] = {{H5Z_FILTER_SZIP, "szip"},
               {H5Z_FILTER_NBIT, "nbit"},
               {H5Z_FILTER_SCALEOFFSET, "scaleoffset"},
               {305, "lzo"},
               {307, "bzip2"},
               {32000, "lzf"},
               {32001, "blosc"},
               {32004, "lz4"},
               {32008, "bitshuffle"},
               {32013, "zfp"},
               {32015, "zstd"},
               {32026, "blosc2"}};

/* "zstd (HDF5 filter 32015)", or just the number. */
static const char *filter_name(H5Z_filter_t id, char text[64]) {
    const char *name = "";
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        if (foreign[i].id == id) name = foreign[i].name;
    snprintf(text, 64, *name ? "%s (HDF5 filter %d)" : "%sHDF5 filter %d", name, (int)id);
    return text;
}

static dcpg_status fail_filter(const dcpg_h5_chunks *c, const dcpg_h5 *file, const char *with,
                               dcpg_err *err) {
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: dataset %s is packed with %s, which is not read here: repack the file with gzip "
        "(h5repack -f GZIP=4 IN OUT, or h5py's compression='gzip' where h5repack lacks that filter)",
        file->path, c->path, with);
}

/* DCPG_E_INPUT if a filter is not decoded here, or chunks at the edge are stored differently from the others.
 */
static dcpg_status read_filters(dcpg_h5_chunks *c, const dcpg_h5 *file, hid_t creation, dcpg_err *err) {
    unsigned options = 0;
    char name[64];
    if (c->nb_filter > DCPG_H5_MAX_FILTER) return fail_filter(c, file, "too many filters", err);
    if (H5Pget_chunk_opts(creation, &options) < 0 || options != 0)
        return fail_filter(c, file, "filters for whole chunks only", err);
    for (int i = 0; i < c->nb_filter; i++) {
        unsigned flags, values[8] = {0};
        size_t nb = 8;
        H5Z_filter_t id = H5Pget_filter2(creation, (unsigned)i, &flags, &nb, values, 0, NULL, NULL);
        bool known = id == H5Z_FILTER_DEFLATE || id == H5Z_FILTER_SHUFFLE || id == H5Z_FILTER_FLETCHER32;
        if (!known) return fail_filter(c, file, filter_name(id, name), err);
        /* for variable-length strings HDF5 shuffles elements of another width than theirs */
        c->width[i] = nb >= 1 && values[0] > 0 ? values[0] : 1;
        c->filter[i] = id;
    }
    return DCPG_OK;
}

static dcpg_status alloc_buffers(dcpg_h5_chunks *c, const dcpg_h5 *file, dcpg_err *err) {
    c->bytes = c->element;
    for (int i = 0; i < c->ndim; i++)
        c->bytes *= (size_t)c->dim[i]; /* HDF5 has checked that this is below 4 GB */
    DCPG_TRY(dcpg_h5_check_bytes(file, c->path, c->bytes, 1, err));
    c->chunk = dcpg_alloc(c->bytes + CHECKSUM, 1);
    c->spare = dcpg_alloc(c->bytes + CHECKSUM, 1);
    c->fill = dcpg_alloc(c->element, 1);
    return c->chunk && c->spare && c->fill ? DCPG_OK : dcpg_fail_nomem(err, c->path, 2 * c->bytes);
}

/* A dataset stored in one piece must be as long as its shape and type require, for HDF5 does not check that.
 */
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
    *ours = c->nb_filter > 0;
    if (!*ours) return DCPG_OK;
    DCPG_TRY(read_filters(c, file, creation, err));
    return alloc_buffers(c, file, err);
}

dcpg_status dcpg_h5_chunks_open(dcpg_h5_chunks *c, const dcpg_h5 *file, bool *ours, dcpg_err *err) {
    hid_t creation = H5Dget_create_plist(c->dataset);
    if (creation < 0)
        return dcpg_h5_fail(file, DCPG_E_INPUT, err, "the layout of dataset %s cannot be read", c->path);
    c->element = H5Tget_size(c->type);
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

/* Undoes shuffle: byte k of all elements lies side by side in `from`. Bytes after the last whole element (a
 * checksum) are copied. */
static void unshuffle(const char *from, char *to, size_t bytes, size_t size) {
    size_t nb = bytes / size;
    for (size_t k = 0; k < size; k++) {
        for (size_t i = 0; i < nb; i++) to[i * size + k] = from[k * nb + i];
    }
    memcpy(to + nb * size, from + nb * size, bytes - nb * size);
}

/* Fletcher's checksum of big-endian 16-bit words, as HDF5 appends it. */
static uint32_t fletcher32(const unsigned char *from, size_t n) {
    uint64_t sum1 = 0, sum2 = 0;
    for (size_t i = 0; i < n; i += 2) {
        sum1 = (sum1 + ((uint64_t)from[i] << 8) + (i + 1 < n ? from[i + 1] : 0)) % 65535;
        sum2 = (sum2 + sum1) % 65535;
    }
    return (uint32_t)(sum2 << 16 | sum1);
}

/* Whether `from` ends in the checksum of the bytes before it; takes the checksum off *n. */
static bool take_checksum(const char *from, size_t *n) {
    if (*n < CHECKSUM) return false;
    *n -= CHECKSUM;
    const unsigned char *sum = (const unsigned char *)from + *n;
    uint32_t low = (uint32_t)(sum[0] | sum[1] << 8), high = (uint32_t)(sum[2] | sum[3] << 8);
    return fletcher32((const unsigned char *)from, *n) == ((high % 65535) << 16 | low % 65535);
}

/* Undoes the filters of c->packed[size], the last one first, except those that were skipped when the chunk
 * was written (bits of `skipped`). The decoded chunk ends up in c->chunk. */
static bool unpack(dcpg_h5_chunks *c, size_t size, uint32_t skipped) {
    const char *from = c->packed;
    char *to = c->chunk;
    for (int i = c->nb_filter - 1; i >= 0; i--) {
        if (skipped >> i & 1) continue;
        if (c->filter[i] == H5Z_FILTER_FLETCHER32) {
            if (!take_checksum(from, &size)) return false;
            continue;
        }
        if (c->filter[i] == H5Z_FILTER_DEFLATE) {
            uLongf length = c->bytes + CHECKSUM;
            if (uncompress((Bytef *)to, &length, (const Bytef *)from, size) != Z_OK) return false;
            size = length;
        } else {
            if (size != c->bytes && size != c->bytes + CHECKSUM) return false;
            unshuffle(from, to, size, c->width[i]);
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
    hid_t creation = c->type > 0 ? H5Dget_create_plist(c->dataset) : -1;
    if (creation < 0 || H5Pget_fill_value(creation, c->type, c->fill) < 0)
        memset(c->fill, 0, c->element); /* no fill value */
    if (creation >= 0) H5Pclose(creation);
    for (size_t at = 0; at < c->bytes; at += c->element) memcpy(c->chunk + at, c->fill, c->element);
}

/* Gets the size of the chunk at `first` in the file, 0 if it was never written. The fast call of HDF5 1.10
 * fails for chunks never written; the slow one goes through all chunks. */
static bool stored_size(const dcpg_h5_chunks *c, const hsize_t *first, hsize_t *size) {
    unsigned skipped;
    haddr_t address;
    *size = 0;
    if (H5Dget_chunk_storage_size(c->dataset, first, size) >= 0) return true;
    return H5Dget_chunk_info_by_coord(c->dataset, first, &skipped, &address, size) >= 0;
}

/* Reads the chunk whose first element is at `first` and decodes it into c->chunk. */
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
    if (size > c->capacity) {
        dcpg_free(c->packed);
        c->packed = dcpg_alloc(size, 1);
        c->capacity = c->packed ? size : 0;
        if (!c->packed) return dcpg_fail_nomem(err, c->path, size);
    }
    if (H5Dread_chunk(c->dataset, H5P_DEFAULT, first, &skipped, c->packed) < 0) {
        return dcpg_h5_fail(file, DCPG_E_INPUT, err, "dataset %s cannot be read", c->path);
    }
    return unpack(c, size, skipped) ? DCPG_OK : fail_damaged(c, file, err);
}

/* Advances `at` by `step` per dimension (NULL: 1) within [begin, end), the last of `ndim` dimensions fastest;
 * false after the last place. */
static bool next_place(int ndim, hsize_t *at, const hsize_t *begin, const hsize_t *end, const hsize_t *step) {
    for (int i = ndim - 1; i >= 0; i--) {
        at[i] += step ? step[i] : 1;
        if (at[i] < end[i]) return true;
        at[i] = begin[i];
    }
    return false;
}

/* Copies the overlap of the block and the chunk at `first`, in runs along the last dimension. */
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

dcpg_status dcpg_h5_chunks_check_variable(const dcpg_h5 *file, const char *path, hid_t dataset,
                                          dcpg_err *err) {
    dcpg_h5_chunks c = {.path = path, .dataset = dataset};
    hid_t creation = H5Dget_create_plist(dataset), space = H5Dget_space(dataset),
          of = H5Fget_create_plist(file->id);
    size_t address = 8, length = 8;
    hsize_t count[H5S_MAX_RANK], first[H5S_MAX_RANK] = {0}, begin[H5S_MAX_RANK] = {0};
    bool chunked = false;
    dcpg_status status = DCPG_OK;
    if (creation < 0 || space < 0 || of < 0 || H5Pget_sizes(of, &address, &length) < 0)
        status = dcpg_h5_fail(file, DCPG_E_INPUT, err, "the layout of dataset %s cannot be read", path);
    /* in the file a string is its length, the address of a heap and an index into it */
    c.element = 4 + address + 4;
    if (status == DCPG_OK && H5Pget_layout(creation) == H5D_CHUNKED)
        status = open_layout(&c, file, creation, &chunked, err);
    int ndim = chunked ? H5Sget_simple_extent_dims(space, count, NULL) : 0;
    bool more = status == DCPG_OK && chunked && ndim == c.ndim;
    for (int i = 0; i < ndim; i++) more = more && count[i] > 0;
    while (more && status == DCPG_OK) {
        status = fetch_chunk(&c, file, first, err);
        more = next_place(c.ndim, first, begin, count, c.dim);
    }
    dcpg_h5_chunks_close(&c);
    if (creation >= 0) H5Pclose(creation);
    if (space >= 0) H5Sclose(space);
    if (of >= 0) H5Pclose(of);
    return status;
}
