/* SPDX-License-Identifier: MIT */
/* Matrices that hold a cell in each column: folders of MethSCAn, and y.npz with pos.npz of CpG Transformer.
 * Their paths are those of columns: "FOLDER#3", "y.npz:pos.npz#3". */
#ifndef DCPG_CALLS_MATRIX_H
#define DCPG_CALLS_MATRIX_H

#include "calls/profile_parse.h"

/* Rows and values of the columns wanted, in few bytes per call. */
typedef struct matrix_column {
    int64_t number; /* from 0 */
    uint8_t *bytes;
    size_t n, capacity;
    size_t *start; /* [chromosomes + 1] where each chromosome's calls begin */
    int64_t last;  /* row of the last call */
} matrix_column;

typedef struct matrix {
    const dcpg_profile_options *options;
    const profile_format *format;
    char *word;     /* the path without its column */
    bool fractions; /* values are fractions; else each is 0 or 1 */
    int64_t nb_all; /* columns in the files */
    int64_t *place; /* [nb_all] of a column in `column`; -1: not wanted */
    int64_t n;      /* columns wanted */
    matrix_column *column;
    dcpg_strings chromo; /* those read so far */
    const dcpg_matrices_watch *watch;
} matrix;

/* Most cells of a matrix: a small file may claim any number. */
enum { MOST_CELLS = 1 << 20 };

/* Splits "WORD#3" in two; false if the path is not of this kind, or names a file. `word` must have the length
 * of `path`. */
bool dcpg_matrix_split(const char *path, char *word, int64_t *column);

/* The columns of the i-th kind of matrix are to be added to names[] and paths[]. */
bool dcpg_matrix_is_methscan(const char *path);
dcpg_status dcpg_matrix_list_methscan(const char *folder, dcpg_strings *names, dcpg_strings *paths,
                                      dcpg_err *err);
/* words[]: files called .npz, which must be y and pos. */
dcpg_status dcpg_matrix_list_npz(const dcpg_strings *words, dcpg_strings *names, dcpg_strings *paths,
                                 dcpg_err *err);

/* Read the columns of m->place; nb_all, format and fractions are set by dcpg_matrix_open_... */
dcpg_status dcpg_matrix_open_methscan(matrix *m, dcpg_err *err);
dcpg_status dcpg_matrix_read_methscan(matrix *m, dcpg_err *err);
dcpg_status dcpg_matrix_open_npz(matrix *m, dcpg_err *err);
dcpg_status dcpg_matrix_read_npz(matrix *m, dcpg_err *err);

/* Whether calls on this chromosome need not be read. */
bool dcpg_matrix_unwanted(const matrix *m, const char *chromo);
/* Begins a chromosome. */
dcpg_status dcpg_matrix_begin(matrix *m, const char *chromo, dcpg_err *err);
/* Adds a call; rows of a column may come in any order. */
dcpg_status dcpg_matrix_add(matrix *m, matrix_column *column, int64_t row, float value, dcpg_err *err);
/* To be called now and then. */
void dcpg_matrix_busy(const matrix *m);

/* Adds the calls of a column to the parser. */
dcpg_status dcpg_profile_read_matrix(profile_parser *p, dcpg_err *err);

extern const profile_format dcpg_profile_methscan, dcpg_profile_methscan_ours, dcpg_profile_npz;

#endif
