/* SPDX-License-Identifier: MIT */
/* The one wrapper around HDF5, serial or parallel. All calls come from one thread. A parallel file is opened
 * by all ranks and every call on it is Collective: all ranks make it, with the same arguments except blocks
 * and data, and get the same status. A serial file belongs to one rank. Errors name file and dataset.
 *
 * Files are written for HDF5 1.8 and later: with checksummed metadata and without times, so that the same
 * content gives the same bytes for the same number of ranks. Files of all versions are read. Damaged data and
 * shapes are detected, and so is any damage to files written here; HDF5 itself can still crash on damaged
 * headers of files of the oldest format and on damaged variable-length strings. */
#ifndef DCPG_H5_H
#define DCPG_H5_H

#include <dcpg/api.h>
#include <dcpg/par.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

typedef struct dcpg_h5 dcpg_h5; /* an open file */

typedef enum dcpg_h5_type {
    DCPG_H5_I8,
    DCPG_H5_U8,
    DCPG_H5_I16,
    DCPG_H5_I32,
    DCPG_H5_I64,
    DCPG_H5_U64,
    DCPG_H5_F32,
    DCPG_H5_F64,
    DCPG_H5_TEXT /* strings of a fixed number of bytes, NUL-padded (numpy's S), full ones unterminated */
} dcpg_h5_type;

enum { DCPG_H5_MAX_NDIM = 4 };

/* A dataset to create, of fixed extent. */
typedef struct dcpg_h5_shape {
    dcpg_h5_type type; /* in the file */
    size_t width;      /* DCPG_H5_TEXT: bytes of a string, in the file and in memory */
    int ndim;
    int64_t dim[DCPG_H5_MAX_NDIM];
    int64_t chunk[DCPG_H5_MAX_NDIM]; /* all 0: contiguous */
    int deflate;                     /* 0: none, 1-9: gzip level with byte shuffle (chunked only) */
} dcpg_h5_shape;

/* A block of a dataset: first index and count of each dimension. */
typedef struct dcpg_h5_block {
    int64_t start[DCPG_H5_MAX_NDIM], count[DCPG_H5_MAX_NDIM];
} dcpg_h5_block;

/* --- files. par NULL: serial, this rank only; otherwise Collective over all ranks of `par`, with one status
 * for all. --- */
/* Creates a temporary file (temporary.h) beside `path`; nothing appears under `path` until dcpg_h5_commit.
 * DCPG_E_IO where the directory cannot be written. */
DCPG_API dcpg_status dcpg_h5_create(const char *path, const dcpg_par *par, dcpg_h5 **file, dcpg_err *err);
/* Opens for reading. DCPG_E_INPUT if it is absent, truncated, not HDF5 or open for writing elsewhere; reading
 * also fails so for data in another file, which is never opened (virtual datasets, external storage and
 * links). `par` must live as long as the file. */
DCPG_API dcpg_status dcpg_h5_open(const char *path, const dcpg_par *par, dcpg_h5 **file, dcpg_err *err);
/* Flushes to the disk, closes and renames a created file to its final name, replacing any file there. The
 * handle is freed in any case; on failure the temporary file is removed. DCPG_E_IO, for example if the disk
 * is full. */
DCPG_API dcpg_status dcpg_h5_commit(dcpg_h5 *file, dcpg_err *err);
/* As dcpg_h5_commit, with a checksum after the end, which other HDF5 readers ignore, and writable by its
 * owner only, whatever the umask. */
DCPG_API dcpg_status dcpg_h5_commit_sealed(dcpg_h5 *file, dcpg_err *err);
/* Checks that a file is, byte for byte, as dcpg_h5_commit_sealed left it. DCPG_E_INPUT if it is truncated,
 * damaged, empty or from another program. HDF5 does not open it. Local. */
DCPG_API dcpg_status dcpg_h5_check_seal(const char *path, dcpg_err *err);
/* Whether a file can be opened and its attribute "format", which names its writer, is `format`. Local. */
DCPG_API bool dcpg_h5_is_format(const char *path, const char *format);
/* Closes; a created file that was not committed is removed. NULL is fine. */
DCPG_API void dcpg_h5_close(dcpg_h5 *file);
DCPG_API const char *dcpg_h5_path(const dcpg_h5 *file);

/* --- structure (on parallel files: Collective) --- */
DCPG_API bool dcpg_h5_exists(dcpg_h5 *file,
                             const char *path); /* a group or dataset, every part of the path */
/* Names of the members of a group, in bytewise order. */
DCPG_API dcpg_status dcpg_h5_list(dcpg_h5 *file, const char *group, dcpg_strings *names, dcpg_err *err);
/* Paths of everything below a group that is not itself a group, in bytewise order. DCPG_E_INPUT if groups are
 * nested more than 8 deep, or one is reached twice, by hard or soft links. */
DCPG_API dcpg_status dcpg_h5_list_datasets(dcpg_h5 *file, const char *group, dcpg_strings *names,
                                           dcpg_err *err);
DCPG_API bool dcpg_h5_is_group(dcpg_h5 *file, const char *path);
/* Upper bound, in bytes, of all arrays that a file of this size can hold: compression shrinks data to 1/1032
 * at best. */
DCPG_API uint64_t dcpg_h5_capacity(const dcpg_h5 *file);
/* Whether only the caller, or root, can have written the file: one of them owns it, and neither its group nor
 * others may write to it. For serial files. Local. */
DCPG_API bool dcpg_h5_is_ours(const dcpg_h5 *file);
DCPG_API dcpg_status dcpg_h5_make_group(dcpg_h5 *file, const char *path,
                                        dcpg_err *err); /* with parents; fine if it exists */
/* Shape of a dataset; the type given is one that holds the file's type without loss (bool and enums as their
 * integers, half floats as F32). DCPG_E_INPUT if it holds no numbers, has more than DCPG_H5_MAX_NDIM
 * dimensions, or claims more elements than a file of its size can hold; allocating that many is therefore
 * safe. Strings of variable length have width 0. */
DCPG_API dcpg_status dcpg_h5_shape_of(dcpg_h5 *file, const char *path, dcpg_h5_shape *shape, dcpg_err *err);
/* Creates a dataset and its parent groups. Chunks larger than the dataset are cut; an empty dataset has
 * none. */
DCPG_API dcpg_status dcpg_h5_make(dcpg_h5 *file, const char *path, const dcpg_h5_shape *shape, dcpg_err *err);

/* --- data. `type` is that of `data` in memory, row-major; numbers are converted, and numbers that do not fit
 * are an error. block NULL means the whole dataset; ranks may write it together only if all have the same
 * data. A rank with count 0 takes part without data, and `data` may be NULL. A block outside the dataset is
 * DCPG_E_INPUT. --- */
DCPG_API dcpg_status dcpg_h5_write(dcpg_h5 *file, const char *path, dcpg_h5_type type,
                                   const dcpg_h5_block *block, const void *data, dcpg_err *err);
DCPG_API dcpg_status dcpg_h5_read(dcpg_h5 *file, const char *path, dcpg_h5_type type,
                                  const dcpg_h5_block *block, void *data, dcpg_err *err);
/* --- chunks that any thread of any rank packs, and the rank that has a serial file writes: packing takes
 * longer than writing. Chunks must hold whole rows: only the first index tells them apart. --- */
typedef struct dcpg_h5_packed {
    int64_t row; /* first row of the chunk */
    const void *data;
    size_t bytes;
} dcpg_h5_packed;

/* Most bytes that dcpg_h5_pack makes of a chunk of so many. Pure. */
DCPG_API size_t dcpg_h5_packed_bound(size_t bytes);
/* Packs `count` elements of `width` bytes, a whole chunk in the file's form (little endian; rows beyond the
 * dataset's end are 0), as `deflate` of dcpg_h5_shape does. spare[count * width] is used meanwhile. Returns
 * the bytes written to packed[dcpg_h5_packed_bound(count * width)], the same on all machines with the same
 * zlib; 0 when out of memory. Local, from any thread. */
DCPG_API size_t dcpg_h5_pack(const void *chunk, size_t count, size_t width, int deflate, void *spare,
                             void *packed);
/* Writes a packed chunk of a dataset with the same width and `deflate`, once. DCPG_E_IO. */
DCPG_API dcpg_status dcpg_h5_write_packed(dcpg_h5 *file, const char *path, const dcpg_h5_packed *chunk,
                                          dcpg_err *err);

/* Strings of a dataset, fixed or variable length, in row-major order (at most 65536 more strings are read
 * than the file has bytes); writing creates a 1-d dataset of fixed length, NUL-padded (numpy's S). On
 * parallel files all ranks write the same. The caller owns lists that were read (dcpg_strings_free); they are
 * empty on failure. */
DCPG_API dcpg_status dcpg_h5_write_strings(dcpg_h5 *file, const char *path, const dcpg_strings *text,
                                           dcpg_err *err);
DCPG_API dcpg_status dcpg_h5_read_strings(dcpg_h5 *file, const char *path, dcpg_strings *text, dcpg_err *err);

/* Strings of variable length in UTF-8, as h5py writes text, for programs that expect these: an attribute of
 * one, an attribute with a list, a new 1-d dataset. For serial files. */
DCPG_API dcpg_status dcpg_h5_write_attr_variable(dcpg_h5 *file, const char *path, const char *name,
                                                 const char *text, dcpg_err *err);
DCPG_API dcpg_status dcpg_h5_write_attr_variables(dcpg_h5 *file, const char *path, const char *name,
                                                  const dcpg_strings *text, dcpg_err *err);
DCPG_API dcpg_status dcpg_h5_write_variables(dcpg_h5 *file, const char *path, const dcpg_strings *text,
                                             dcpg_err *err);

/* --- tables: 1-d datasets of compound type with the fields side by side, as NumPy's structured arrays are
 * written. For serial files. --- */
typedef struct dcpg_h5_field {
    const char *name;
    dcpg_h5_type type;
    size_t width; /* DCPG_H5_TEXT: bytes of a string */
} dcpg_h5_field;

typedef struct dcpg_h5_table {
    const dcpg_h5_field *field; /* [nb_field] */
    int nb_field;
    int64_t rows, chunk; /* rows of a chunk */
    int deflate;         /* 1-9: gzip level with byte shuffle */
} dcpg_h5_table;

/* Rows [first, first + n) of a table: at[n][row size]. */
typedef struct dcpg_h5_rows {
    int64_t first, n;
    const char *at;
} dcpg_h5_rows;

/* Bytes of a row: in memory, too, the fields lie side by side without gaps. */
DCPG_API size_t dcpg_h5_row_size(const dcpg_h5_table *table);
/* Creates the table and its parent groups. */
DCPG_API dcpg_status dcpg_h5_make_table(dcpg_h5 *file, const char *path, const dcpg_h5_table *table,
                                        dcpg_err *err);
/* Writes rows of a table that was made with the same fields. */
DCPG_API dcpg_status dcpg_h5_write_rows(dcpg_h5 *file, const char *path, const dcpg_h5_table *table,
                                        const dcpg_h5_rows *rows, dcpg_err *err);

/* --- attributes of a group or dataset ("/" is the root); writing replaces --- */
DCPG_API bool dcpg_h5_has_attr(dcpg_h5 *file, const char *path, const char *name);
DCPG_API dcpg_status dcpg_h5_write_attr_string(dcpg_h5 *file, const char *path, const char *name,
                                               const char *text, dcpg_err *err);
DCPG_API dcpg_status dcpg_h5_read_attr_string(dcpg_h5 *file, const char *path, const char *name, char **text,
                                              dcpg_err *err); /* dcpg_free */
/* A list of strings; an empty list is written as an empty float64 array, as h5py does, and read back from any
 * empty attribute. Long lists (over 64 KB) are cut into name0, name1 ... as Keras does. */
DCPG_API dcpg_status dcpg_h5_write_attr_strings(dcpg_h5 *file, const char *path, const char *name,
                                                const dcpg_strings *text, dcpg_err *err);
DCPG_API dcpg_status dcpg_h5_read_attr_strings(dcpg_h5 *file, const char *path, const char *name,
                                               dcpg_strings *text, dcpg_err *err);
DCPG_API dcpg_status dcpg_h5_write_attr_i64(dcpg_h5 *file, const char *path, const char *name, int64_t value,
                                            dcpg_err *err);
DCPG_API dcpg_status dcpg_h5_read_attr_i64(dcpg_h5 *file, const char *path, const char *name, int64_t *value,
                                           dcpg_err *err);

/* Version of the HDF5 library, "1.10.8". */
DCPG_API const char *dcpg_h5_version(char text[32]);

DCPG_END_C

#endif
