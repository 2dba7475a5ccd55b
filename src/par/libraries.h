/* SPDX-License-Identifier: MIT */
/* Finds the MPI libraries in this process. */
#ifndef PAR_LIBRARIES_H
#define PAR_LIBRARIES_H

#include <stddef.h>

/* Returns their number, counting shared libraries only; names[bytes] becomes "A and B". Local, before MPI
 * starts. */
int dcpg_mpi_libraries(char *names, size_t bytes);

#endif
