/* SPDX-License-Identifier: MIT */
/* Declarations shared by the files of the HDF5 wrapper. */
#ifndef DCPG_IO_H5_IMPL_H
#define DCPG_IO_H5_IMPL_H

#include <dcpg/h5.h>
#include <hdf5.h>

struct dcpg_h5 {
    hid_t id;
    const dcpg_par *par; /* NULL: serial. A single rank uses the serial driver, too. */
    char *path;          /* as given by the user */
    char *temporary; /* name of a created file until it is renamed; NULL: the file is opened for reading */
    uint64_t device, inode; /* of the temporary file, on rank 0 */
    bool sealed;            /* a checksum is to be appended */
    hid_t transfer;     /* collective on parallel files, otherwise the default; with the check of ranges */
    uint64_t claimed;   /* upper bound on the end of a created file, the same on all ranks; h5_space.c */
    uint64_t reserved;  /* disk blocks are allocated up to here */
    uint64_t max_bytes; /* most bytes that a file opened for reading can hold, see dcpg_h5_check_bytes */
    uint64_t bytes;     /* size of a file opened for reading; 0: it is being written */
    bool went_out;      /* a link led into another file */
    hid_t links; /* access to objects and datasets: never in another file, and for reading without a cache of
                    chunks, whose lengths HDF5 does not check */
};

/* Reports a failure of HDF5 in one line: "FILE: <what>: <innermost reason from HDF5>". Must come before any
 * other call of HDF5, which would clear the reason. */
dcpg_status dcpg_h5_fail(const dcpg_h5 *file, dcpg_status status, dcpg_err *err, const char *fmt, ...)
    DCPG_PRINTF(4, 5);

/* Whether several ranks have opened the file together. */
bool dcpg_h5_parallel(const dcpg_h5 *file);

/* Agrees on one status on all ranks of a parallel file; returns the same status on a serial one. Collective
 * on parallel files. */
dcpg_status dcpg_h5_agree(const dcpg_h5 *file, dcpg_status status, dcpg_err *err);

/* The status of a failed operation: wrong input if the file is read, a system error if it is written. */
dcpg_status dcpg_h5_fault(const dcpg_h5 *file);

/* DCPG_E_INPUT if `count` elements of `size` bytes are more than a file of this size can hold: a damaged or
 * malicious header must not make us allocate them. */
dcpg_status dcpg_h5_check_bytes(const dcpg_h5 *file, const char *what, uint64_t count, uint64_t size,
                                dcpg_err *err);

/* ---- disk space, h5_space.c. MPI libraries do not report that a write found no space (Open MPI 4.1 counts
 * such bytes as written), and HDF5 1.10 crashes at the end of a program over a serial file that it could not
 * flush. So disk space is allocated before they write. ---- */

/* Allocates disk space for the content of a created file and for at most `bytes` more from this rank.
 * DCPG_E_IO if there is not enough. Collective on parallel files. */
dcpg_status dcpg_h5_reserve(dcpg_h5 *file, uint64_t bytes, dcpg_err *err);

/* Adds a new group, dataset or attribute, with at most `bytes` of data, to the space that the next call
 * reserves. Local, with the same `bytes` on all ranks. */
void dcpg_h5_count_object(dcpg_h5 *file, uint64_t bytes);

/* Makes sure that everything written has disk space, and flushes parallel files. Collective on parallel
 * files. */
dcpg_status dcpg_h5_reserve_final(dcpg_h5 *file, dcpg_err *err);

/* Appends a checksum of the temporary file, which must be closed, to it; h5_seal.c. On rank 0 alone. */
dcpg_status dcpg_h5_append_seal(const dcpg_h5 *file, dcpg_err *err);

/* Product of the dimensions of a space; false on overflow or failure. */
bool dcpg_h5_npoints(hid_t space, uint64_t *count);

/* Opens an object of any kind, or a dataset. Negative, with `err` set, if it does not exist or its data are
 * in another file (external links, external storage, virtual datasets): a file received from others must not
 * make us read another one. */
hid_t dcpg_h5_open_object(dcpg_h5 *file, const char *path, dcpg_err *err);
hid_t dcpg_h5_open_dataset(dcpg_h5 *file, const char *path, dcpg_err *err);

/* Creates the groups that lead to `path`, not `path` itself. */
dcpg_status dcpg_h5_make_parents(dcpg_h5 *file, const char *path, dcpg_err *err);

/* Datatypes of numbers in memory and, little endian, in files. Borrowed. */
hid_t dcpg_h5_memory_type(dcpg_h5_type type);
hid_t dcpg_h5_file_type(dcpg_h5_type type);

/* The type in memory that holds numbers of the file's type `id` without loss; false if `id` is no number. */
bool dcpg_h5_number_type(hid_t id, dcpg_h5_type *type);
bool dcpg_h5_fixed_text(hid_t id); /* whether these are strings of fixed length */
size_t dcpg_h5_type_size(dcpg_h5_type type);

/* ---- text, h5_text.c ---- */

/* The source of strings: a dataset or an attribute. */
typedef struct dcpg_h5_text {
    dcpg_h5 *file;
    hid_t id; /* of the dataset or attribute */
    bool attribute;
    const char *name; /* for messages, e.g. "chromo" or "attribute layer_names of /model_weights" */
} dcpg_h5_text;

/* Appends all strings to `list`; nothing if the space is empty, whatever its type. */
dcpg_status dcpg_h5_text_read(const dcpg_h5_text *from, dcpg_strings *list, dcpg_err *err);

/* A fixed-length, NUL-padded type for strings of up to `length` bytes, ASCII or UTF-8. The caller closes it.
 */
hid_t dcpg_h5_text_type(size_t length, bool ascii);

/* Strings [first, end) of `list` side by side, `length` bytes each (at least 1); NULL: out of memory. Free
 * with dcpg_free. */
char *dcpg_h5_text_pack(const dcpg_strings *list, size_t first, size_t end, size_t length);

/* Length of the longest string, at least 1; sets `*ascii` if all bytes of all strings are below 128. */
size_t dcpg_h5_text_length(const dcpg_strings *list, bool *ascii);

#endif
