/* SPDX-License-Identifier: MIT */
/* The MPI libraries in this process. */
#ifndef PAR_LIBRARIES_H
#define PAR_LIBRARIES_H

#include <stddef.h>

/* Their number, as far as they are shared libraries; names[bytes] become "A and B". Local, before MPI starts.
 */
int dcpg_mpi_libraries(char *names, size_t bytes);

#endif
