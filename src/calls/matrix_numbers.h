/* SPDX-License-Identifier: MIT */
/* Numbers of an array of an npz file, one after the other. */
#ifndef DCPG_CALLS_MATRIX_NUMBERS_H
#define DCPG_CALLS_MATRIX_NUMBERS_H

#include "npz/npz.h"

enum { NB_HELD = 1 << 12 };

typedef struct numbers {
    dcpg_npz_reader *reader;
    int64_t left; /* in the file */
    size_t at, n;
    double v[NB_HELD];
} numbers;

static inline dcpg_status numbers_open(const char *path, const char *name, int64_t n, numbers *x,
                                       dcpg_err *err) {
    x->left = n;
    x->at = x->n = 0;
    return dcpg_npz_open(path, name, &x->reader, err);
}

static inline dcpg_status numbers_fill(numbers *x, dcpg_err *err) {
    x->n = x->left < NB_HELD ? (size_t)x->left : NB_HELD;
    if (x->n == 0) x->n = 1; /* one more than there are: an error */
    x->left -= (int64_t)x->n;
    x->at = 0;
    return dcpg_npz_read(x->reader, x->v, x->n, err);
}

static inline dcpg_status numbers_next(numbers *x, double *value, dcpg_err *err) {
    if (x->at == x->n) DCPG_TRY(numbers_fill(x, err));
    *value = x->v[x->at++];
    return DCPG_OK;
}

/* Whether a number is whole and from 0 to `most`. */
static inline bool is_whole(double value, double most) {
    return value >= 0 && value <= most && value == (double)(int64_t)value;
}

#endif
