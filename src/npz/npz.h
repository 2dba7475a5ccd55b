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

/* What an array holds: kind is 'i' or 'f' for numbers of `size` bytes, 'S' for a string of so many. */
enum { DCPG_NPY_DIM = 2 };
typedef struct dcpg_npy {
    char kind;
    int size;
    int ndim;
    int64_t dim[DCPG_NPY_DIM];
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

#endif
