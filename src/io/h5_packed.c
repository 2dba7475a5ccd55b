/* SPDX-License-Identifier: MIT */
/* Writes chunks that were packed elsewhere, as HDF5's filters shuffle and deflate would. */
#include "io/h5_impl.h"
#include <assert.h>
#include <zlib.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "chunks are packed as they are in memory");

size_t dcpg_h5_packed_bound(size_t bytes) { return compressBound((uLong)bytes); }

/* Byte b of all elements, for each b in turn. */
static void shuffle(const char *from, size_t count, size_t width, char *to) {
    for (size_t b = 0; b < width; b++)
        for (size_t i = 0; i < count; i++) to[b * count + i] = from[i * width + b];
}

size_t dcpg_h5_pack(const void *chunk, size_t count, size_t width, int deflate, void *spare, void *packed) {
    size_t bytes = count * width;
    uLongf length = compressBound((uLong)bytes);
    if (width > 1) shuffle(chunk, count, width, spare);
    const void *from = width > 1 ? spare : chunk;
    return compress2(packed, &length, from, (uLong)bytes, deflate) == Z_OK ? (size_t)length : 0;
}

dcpg_status dcpg_h5_write_packed(dcpg_h5 *file, const char *path, const dcpg_h5_packed *chunk,
                                 dcpg_err *err) {
    hsize_t offset[DCPG_H5_MAX_NDIM] = {(hsize_t)chunk->row};
    assert(!dcpg_h5_parallel(file));
    DCPG_TRY(dcpg_h5_reserve(file, chunk->bytes, err));
    hid_t dataset = dcpg_h5_open_dataset(file, path, err);
    if (dataset < 0) return DCPG_E_IO;
    dcpg_status status = DCPG_OK;
    if (H5Dwrite_chunk(dataset, H5P_DEFAULT, 0, offset, chunk->bytes, chunk->data) < 0)
        status = dcpg_h5_fail(file, DCPG_E_IO, err, "dataset %s cannot be written", path);
    H5Dclose(dataset);
    return status;
}
