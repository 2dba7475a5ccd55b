/* SPDX-License-Identifier: MIT */
/* The header of an array in NumPy's npy format. Private to this module. */
#ifndef DCPG_NPZ_NPY_HEADER_H
#define DCPG_NPZ_NPY_HEADER_H

#include "npz/npz.h"

/* Parses the dictionary of a header, a Python literal: {'descr': '<i4', 'fortran_order': False, 'shape':
 * (3,)}.
 * `*swapped`: the numbers are in the other byte order. NULL if it is understood, else what is wrong. */
const char *dcpg_npy_parse(const char *text, dcpg_npy *array, bool *swapped);

/* Bytes of all elements; false if there are more than int64_t can count. */
bool dcpg_npy_bytes(const dcpg_npy *array, int64_t *bytes);

#endif
