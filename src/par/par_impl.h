/* What par and io share of a communicator. */
#ifndef DCPG_PAR_IMPL_H
#define DCPG_PAR_IMPL_H

#include <dcpg/par.h>
#include <mpi.h>

struct dcpg_par_impl {
    MPI_Comm comm;      /* all ranks; a duplicate of the world */
    MPI_Comm node_comm; /* the ranks of this host */
    bool started;       /* MPI was started here and is to be ended here */
    size_t piece;       /* longest message in bytes: MPI counts in int. Tests lower it. */
};

#endif
