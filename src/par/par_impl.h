/* SPDX-License-Identifier: MIT */
/* What par and io share of a communicator. */
#ifndef DCPG_PAR_PAR_IMPL_H
#define DCPG_PAR_PAR_IMPL_H

#include <dcpg/par.h>
#include <mpi.h>

struct dcpg_par_impl {
    MPI_Comm comm;      /* all ranks; a duplicate of the world */
    MPI_Comm node_comm; /* the ranks of this host */
    bool started;       /* MPI was started here and is to be ended here */
    bool shares_cores;  /* this rank's threads are its share of the host's cores, not the user's number */
    size_t piece;       /* longest message in bytes: MPI counts in int. Tests lower it. */
    struct dcpg_watch *watch; /* of waits for other ranks; NULL: not watched */
};

/* ---- waiting for other ranks, watch.c ---- */

/* A loop that waits; starts as {0}. */
typedef struct dcpg_wait {
    unsigned nb_try, nb_roll;
    double since, looked;
} dcpg_wait;

/* To be called in every turn of a loop that waits for other ranks. Ends the job where one has stalled. */
void dcpg_wait_tick(const dcpg_par *par, dcpg_wait *wait);

/* MPI_Waitall, watched. */
void dcpg_wait_for(const dcpg_par *par, int n, MPI_Request *requests);

/* Collective. */
void dcpg_watch_free_all(struct dcpg_par_impl *impl);

#endif
