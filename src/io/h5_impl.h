/* SPDX-License-Identifier: MIT */
/* What the parts of the HDF5 wrapper share. */
#ifndef DCPG_IO_H5_IMPL_H
#define DCPG_IO_H5_IMPL_H

#include <dcpg/h5.h>
#include <hdf5.h>

struct dcpg_h5 {
    hid_t id;
    const dcpg_par *par;    /* NULL: serial. A run of one rank uses the serial driver too. */
    char *path;             /* as the user knows it */
    char *temporary;        /* of a created file, until it is renamed; NULL: opened for reading */
    uint64_t device, inode; /* of the temporary file, on rank 0 */
    bool sealed;            /* a checksum goes behind its end */
    hid_t transfer; /* collective transfers on parallel files; H5P_DEFAULT otherwise, except for the check of
                       ranges */
    uint64_t claimed;   /* upper bound of a created file's end, the same on all ranks; h5_room.c */
    uint64_t reserved;  /* disk blocks are ours up to here */
    uint64_t max_bytes; /* more than that a read file cannot hold, see dcpg_h5_check_bytes */
    uint64_t bytes;     /* size of a read file; 0: it is written */
    bool went_out;      /* a link would have led into another file */
    hid_t links; /* access to objects and datasets: never into another file, and in read files without a cache
                    of chunks, whose lengths HDF5 does not check */
};

/* A failure of HDF5 as one line: "FILE: <what>: <innermost reason HDF5 gives>". To be called before any other
 * call of HDF5, which would forget the reason. */
dcpg_status dcpg_h5_fail(const dcpg_h5 *file, dcpg_status status, dcpg_err *err, const char *fmt, ...)
    DCPG_PRINTF(4, 5);

/* Several ranks have the file open together. */
bool dcpg_h5_parallel(const dcpg_h5 *file);

/* One status for all ranks of a parallel file; the same status on a serial one. Collective on parallel files.
 */
dcpg_status dcpg_h5_agree(const dcpg_h5 *file, dcpg_status status, dcpg_err *err);

/* The status of an operation that failed: wrong input where the file is read, a refusal of the system where
 * it is written. */
dcpg_status dcpg_h5_fault(const dcpg_h5 *file);

/* DCPG_E_INPUT where `count` elements of `size` bytes are more than a file of this size can hold: a damaged
 * or hostile header, which must not make us allocate. */
dcpg_status dcpg_h5_check_bytes(const dcpg_h5 *file, const char *what, uint64_t count, uint64_t size,
                                dcpg_err *err);

/* ---- room on the disk, h5_room.c. MPI libraries do not tell when a write of theirs found no room (Open
 * MPI 4.1 counts such bytes as written), and HDF5 1.10 crashes at the end of a program over a serial file
 * that it could not flush, so the room is there before they write. ---- */

/* Claims the disk for what a created file holds and at most `bytes` more from this rank. DCPG_E_IO where
 * there is no room. Collective on parallel files. */
dcpg_status dcpg_h5_reserve(dcpg_h5 *file, uint64_t bytes, dcpg_err *err);

/* Adds a new group, dataset or attribute with at most `bytes` of data to what the next call reserves. Local,
 * with the same bytes on all ranks. */
void dcpg_h5_count_object(dcpg_h5 *file, uint64_t bytes);

/* Flushes, and makes sure that everything written has its place. Collective on parallel files. */
dcpg_status dcpg_h5_reserve_final(dcpg_h5 *file, dcpg_err *err);

/* Appends the checksum of the temporary file, which must be closed, to it; h5_seal.c. By rank 0 alone. */
dcpg_status dcpg_h5_append_seal(const dcpg_h5 *file, dcpg_err *err);

/* Product of the dimensions of a space; false on overflow or failure. */
bool dcpg_h5_npoints(hid_t space, uint64_t *count);

/* Opens an object of any kind, or a dataset; negative and `err` set where it does not exist, or where its
 * data are in another file (external links, external storage, virtual datasets): a file that somebody sent
 * must not make us read another one. */
hid_t dcpg_h5_open_object(dcpg_h5 *file, const char *path, dcpg_err *err);
hid_t dcpg_h5_open_dataset(dcpg_h5 *file, const char *path, dcpg_err *err);

/* Creates the groups that lead to `path`, not `path` itself. */
dcpg_status dcpg_h5_make_parents(dcpg_h5 *file, const char *path, dcpg_err *err);

/* Datatypes of numbers in memory and, little endian, in files. Borrowed. */
hid_t dcpg_h5_memory_type(dcpg_h5_type type);
hid_t dcpg_h5_file_type(dcpg_h5_type type);

/* The type in memory that holds numbers of the file's type `id` without loss; false for what is no number. */
bool dcpg_h5_number_type(hid_t id, dcpg_h5_type *type);
bool dcpg_h5_fixed_text(hid_t id); /* strings of fixed length */
size_t dcpg_h5_type_size(dcpg_h5_type type);

/* ---- text, h5_text.c ---- */

/* Where strings are read from: a dataset or an attribute. */
typedef struct dcpg_h5_text {
    dcpg_h5 *file;
    hid_t id; /* of the dataset or attribute */
    bool attribute;
    const char *name; /* for messages, e.g. "chromo" or "attribute layer_names of /model_weights" */
} dcpg_h5_text;

/* Appends all strings to `list`; nothing for an empty space of any type. */
dcpg_status dcpg_h5_text_read(const dcpg_h5_text *from, dcpg_strings *list, dcpg_err *err);

/* A fixed-length, NUL-padded type for strings of up to `length` bytes, ASCII or UTF-8 as they need. Close it.
 */
hid_t dcpg_h5_text_type(size_t length, bool ascii);

/* Strings [first, end) of `list` side by side, `length` bytes each (at least 1); NULL: out of memory.
 * dcpg_free. */
char *dcpg_h5_text_pack(const dcpg_strings *list, size_t first, size_t end, size_t length);

/* Length of the longest string, at least 1; `*ascii` where all bytes of all are below 128. */
size_t dcpg_h5_text_length(const dcpg_strings *list, bool *ascii);

#endif
