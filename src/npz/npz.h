/* SPDX-License-Identifier: MIT */
/* NumPy's npz files: zip archives of arrays, written and read as streams, so that an array of any length
 * takes little memory. Local, as all functions here. */
#ifndef DCPG_NPZ_NPZ_H
#define DCPG_NPZ_NPZ_H

#include <dcpg/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* DCPG_E_USAGE: this build has no libarchive, which npz files need. `what` begins the message. */
dcpg_status dcpg_npz_usable(const char *what, dcpg_err *err);

/* What an array holds: kind is 'i', 'u', 'b' or 'f' for numbers of `size` bytes, 'S' for strings of so many.
 */
enum { DCPG_NPY_DIM = 2 };
typedef struct dcpg_npy {
    char kind;
    int size;
    int ndim;
    int64_t dim[DCPG_NPY_DIM];
    bool by_column; /* Fortran's order: columns one after the other, not rows. Of files that are read. */
} dcpg_npy;

/* ---- writing ---- */

typedef struct dcpg_npz_writer dcpg_npz_writer;

/* A new file, which appears at `path` when it is closed. */
dcpg_status dcpg_npz_create(const char *path, dcpg_npz_writer **file, dcpg_err *err);
/* Begins the array called `name`; all bytes of the one before must have been written. */
dcpg_status dcpg_npz_begin(dcpg_npz_writer *file, const char *name, const dcpg_npy *array, dcpg_err *err);
/* Appends numbers to the array, in the byte order of this machine. */
dcpg_status dcpg_npz_write(dcpg_npz_writer *file, const void *bytes, size_t n, dcpg_err *err);
/* Completes the file if `status` is DCPG_OK, otherwise removes it; returns `status` or what failed. `file`
 * may be NULL. */
dcpg_status dcpg_npz_finish(dcpg_npz_writer *file, dcpg_status status, dcpg_err *err);

/* Whether these functions wrote the file: their archives have a comment. */
bool dcpg_npz_is_ours(const char *path);

/* ---- reading: nothing in a file is trusted ---- */

/* Whether a file is a zip archive that is called .npz. */
bool dcpg_npz_is_npz(const char *path);

typedef struct dcpg_npz_array {
    char *name;
    dcpg_npy about;
} dcpg_npz_array;

typedef struct dcpg_npz_list {
    dcpg_npz_array *v;
    size_t n, capacity;
} dcpg_npz_list;

/* Lists the arrays of a file in its order. DCPG_E_INPUT with file and array: it is no archive, damaged, names
 * an array twice, or holds what is no array of numbers or strings of at most DCPG_NPY_DIM dimensions (pickled
 * objects, structures), or arrays that claim more than a file of this size can hold. */
dcpg_status dcpg_npz_read_list(const char *path, dcpg_npz_list *list, dcpg_err *err);
void dcpg_npz_free_list(dcpg_npz_list *list);
/* The array called `name`; NULL: there is none. */
const dcpg_npy *dcpg_npz_find(const dcpg_npz_list *list, const char *name);

typedef struct dcpg_npz_reader dcpg_npz_reader;

/* Opens an array, whose numbers are then read in the order of the file. */
dcpg_status dcpg_npz_open(const char *path, const char *name, dcpg_npz_reader **reader, dcpg_err *err);
/* The next n numbers, whatever their type; whole numbers beyond 2^53 are rounded. DCPG_E_INPUT: the file is
 * cut or damaged, or has fewer. */
dcpg_status dcpg_npz_read(dcpg_npz_reader *reader, double *to, size_t n, dcpg_err *err);
/* The string in an array of kind 'S' without dimensions: fills text[size], cut where it is longer. */
dcpg_status dcpg_npz_read_text(dcpg_npz_reader *reader, char *text, size_t size, dcpg_err *err);
/* After the last number: checks that the file's checksum agrees. */
dcpg_status dcpg_npz_read_end(dcpg_npz_reader *reader, dcpg_err *err);
void dcpg_npz_close(dcpg_npz_reader *reader); /* NULL is fine */

#endif
