/* SPDX-License-Identifier: MIT */
/* Chunks, decoded here. HDF5 1.10 trusts the length of a chunk, stored or decompressed: one that is shorter
 * than it should be is read past its end. A file that was damaged or made to harm must not do that, so the
 * chunks of files opened for reading are fetched as they are stored and checked while they are decoded. */
#ifndef DCPG_IO_H5_CHUNK_H
#define DCPG_IO_H5_CHUNK_H

#include "io/h5_impl.h"

enum { DCPG_H5_MAX_FILTER = 4 };

/* How a dataset is cut and packed, and buffers for one chunk. Starts as {0}. */
typedef struct dcpg_h5_chunks {
    const char *path;
    hid_t dataset, type; /* borrowed; `type` is the file's */
    int ndim;
    hsize_t dim[DCPG_H5_MAX_NDIM]; /* of a chunk */
    size_t element, bytes;         /* of an element and of a chunk, as stored before packing */
    int nb_filter;
    H5Z_filter_t filter[DCPG_H5_MAX_FILTER]; /* in the order of writing */
    size_t width[DCPG_H5_MAX_FILTER];        /* of the elements that a shuffle took apart */
    char *chunk, *spare, *fill;              /* [bytes], [bytes], [element] */
    char *packed;                            /* [room] */
    size_t room;
} dcpg_h5_chunks;

/* Looks at a dataset of an opened file; `*ours` where it has chunks that are
 * packed, the buffers are there then. Chunks without filters HDF5 reads itself, without its cache
 * (h5_impl.h), and then it looks at no length. DCPG_E_INPUT where they are packed by anything but deflate,
 * shuffle and fletcher32 (HDF5 shall not decode what it does not check), and where a dataset without chunks
 * is too short. Local. */
dcpg_status dcpg_h5_chunks_open(dcpg_h5_chunks *chunks, const dcpg_h5 *file, const char *path, hid_t dataset,
                                hid_t type, bool *ours, dcpg_err *err);

/* Whether the chunks of a dataset of variable-length strings, which only HDF5 can read, are as long as they
 * should be: DCPG_E_INPUT where not. Local. */
dcpg_status dcpg_h5_chunks_check_variable(const dcpg_h5 *file, const char *path, hid_t dataset,
                                          dcpg_err *err);
void dcpg_h5_chunks_close(dcpg_h5_chunks *chunks);

/* Reads the block of `count` elements per dimension from `start`, which lies inside the dataset and is not
 * empty, into out[count[0]][count[1]]... as numbers of the file's type. Local, also on parallel files. */
dcpg_status dcpg_h5_chunks_read(dcpg_h5_chunks *chunks, const dcpg_h5 *file, const hsize_t *start,
                                const hsize_t *count, char *out, dcpg_err *err);

#endif
