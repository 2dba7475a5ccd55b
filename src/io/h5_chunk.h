/* SPDX-License-Identifier: MIT */
/* Decodes chunks. HDF5 1.10 trusts the length of a chunk, stored or decompressed: if it is shorter than it
 * should be, HDF5 reads past its end. A damaged or malicious file must not cause that, so the chunks of files
 * opened for reading are fetched in their stored form and checked while they are decoded. */
#ifndef DCPG_IO_H5_CHUNK_H
#define DCPG_IO_H5_CHUNK_H

#include "io/h5_impl.h"

enum { DCPG_H5_MAX_FILTER = 4 };

/* Chunks and filters of a dataset, and buffers for one chunk. */
typedef struct dcpg_h5_chunks {
    const char *path;
    hid_t dataset, type; /* borrowed; `type` is the one in the file */
    int ndim;
    hsize_t dim[DCPG_H5_MAX_NDIM]; /* of a chunk */
    size_t element, bytes;         /* size of an element and of a chunk, before filtering */
    int nb_filter;
    H5Z_filter_t filter[DCPG_H5_MAX_FILTER]; /* in the order of writing */
    size_t width[DCPG_H5_MAX_FILTER];        /* width of the elements that a shuffle took apart */
    char *chunk, *spare, *fill;              /* [bytes], [bytes], [element] */
    char *packed;                            /* [capacity] */
    size_t capacity;
} dcpg_h5_chunks;

/* Inspects a dataset of an opened file: its path, id and type are set in `chunks`, all else is 0. Sets
 * `*ours` and allocates the buffers if its chunks have filters. HDF5 itself reads chunks without filters;
 * without its cache (h5_impl.h) it uses no stored length then. DCPG_E_INPUT for filters other than deflate,
 * shuffle and fletcher32 (HDF5 must not decode data that it does not check), and for a dataset without chunks
 * that is too short. Local. */
dcpg_status dcpg_h5_chunks_open(dcpg_h5_chunks *chunks, const dcpg_h5 *file, bool *ours, dcpg_err *err);

/* Checks that the chunks of a dataset of variable-length strings, which only HDF5 can read, have the right
 * length; DCPG_E_INPUT if not. Local. */
dcpg_status dcpg_h5_chunks_check_variable(const dcpg_h5 *file, const char *path, hid_t dataset,
                                          dcpg_err *err);
void dcpg_h5_chunks_close(dcpg_h5_chunks *chunks);

/* Reads the block of `count` elements per dimension from `start` on, which must lie inside the dataset and
 * not be empty, into out[count[0]][count[1]]... as numbers of the file's type. Local, also on parallel files.
 */
dcpg_status dcpg_h5_chunks_read(dcpg_h5_chunks *chunks, const dcpg_h5 *file, const hsize_t *start,
                                const hsize_t *count, char *out, dcpg_err *err);

#endif
