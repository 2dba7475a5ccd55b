/* SPDX-License-Identifier: MIT */
/* The internals of a communicator, for the modules par and io. */
#ifndef DCPG_PAR_PAR_IMPL_H
#define DCPG_PAR_PAR_IMPL_H

#include <dcpg/par.h>
#include <mpi.h>

struct dcpg_par_impl {
    MPI_Comm comm;      /* all ranks; a duplicate of the world */
    MPI_Comm host_comm; /* the ranks of this host */
    bool started;       /* dcpg started MPI, so it also ends it */
    bool shares_cores;  /* this rank uses its part of the host's cores, rather than a number of threads chosen
                           by the user */
    size_t piece;       /* longest message in bytes, because MPI counts in int; tests lower it */
    struct dcpg_watch *watch; /* watches waits for other ranks; NULL: no watching */
};

/* Whether a shared-memory window of `bytes` fits on this host; shared.c. Local. */
bool dcpg_par_shm_has_space(size_t bytes);

/* ---- waiting for other ranks, watch.c ---- */

/* State of a loop that waits; starts as {0}. */
typedef struct dcpg_wait {
    unsigned nb_try, nb_roll;
    double since, looked;
} dcpg_wait;

/* To be called in every turn of a loop that waits for other ranks. Ends the job if one of them has
 * stalled. */
void dcpg_wait_tick(const dcpg_par *par, dcpg_wait *wait);

/* MPI_Waitall, but watched. */
void dcpg_wait_for(const dcpg_par *par, int n, MPI_Request *requests);

/* Collective. */
void dcpg_watch_free_all(struct dcpg_par_impl *impl);

#endif
