/* SPDX-License-Identifier: MIT */
/* Linked to MPI and HDF5 as dcpg is: prints the MPI libraries that this brings into one program, and ends
 * with 0 where there are not two. */
#include "../src/par/libraries.c"

#include <hdf5.h>
#include <mpi.h>

int main(void) {
    char names[4096];
    int version, subversion, bad;
    unsigned major;
    MPI_Get_version(&version, &subversion);
    bad = H5get_libversion(&major, &major, &major) < 0; /* both libraries are needed, and stay linked */
    int nb = dcpg_mpi_libraries(names, sizeof names);
    puts(names);
    return bad || nb > 1;
}
