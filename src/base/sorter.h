/* SPDX-License-Identifier: MIT */
/* Sorts more numbers than memory holds: sorted runs are written to a temporary file, and merged when they are
 * read. The file has no name, so that nothing is left of it whatever ends the program. Local. */
#ifndef DCPG_BASE_SORTER_H
#define DCPG_BASE_SORTER_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct dcpg_sorter dcpg_sorter;

/* A sorter that takes at most about `bytes` of memory; small inputs take less. Its file, made once memory is
 * full, lies beside `path`, which is kept as a pointer. Free with dcpg_sorter_free. DCPG_E_NOMEM. */
dcpg_status dcpg_sorter_new(size_t bytes, const char *path, dcpg_sorter **sorter, dcpg_err *err);
void dcpg_sorter_free(dcpg_sorter *sorter); /* NULL is fine */

/* Adds a number. DCPG_E_NOMEM, DCPG_E_IO. */
dcpg_status dcpg_sorter_add(dcpg_sorter *sorter, uint64_t x, dcpg_err *err);

/* Ends adding; dcpg_sorter_next then gives the numbers in ascending order, equal ones repeated. Called again,
 * it starts with the first number again. DCPG_E_NOMEM, DCPG_E_IO. */
dcpg_status dcpg_sorter_start(dcpg_sorter *sorter, dcpg_err *err);

/* Sets `*x` to the next number and `*any` to true; to false if there is none. DCPG_E_IO. */
dcpg_status dcpg_sorter_next(dcpg_sorter *sorter, uint64_t *x, bool *any, dcpg_err *err);

#endif
