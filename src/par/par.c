/* SPDX-License-Identifier: MIT */
/* Starting and ending MPI, the hosts of the ranks, and agreement on errors. */
#include "par/libraries.h"
#include "par/par_impl.h"
#include <assert.h>
#include <dcpg/cleanup.h>
#include <dcpg/memory.h>
#include <stdlib.h>

/* MPI does not get the command line: Open MPI copies it into one environment variable, which thousands of
 * paths overflow. */
static dcpg_status start_mpi(bool *started, dcpg_err *err) {
    int running, ended, level;
    char libraries[384];
    if (dcpg_mpi_libraries(libraries, sizeof libraries) > 1)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "there are two MPIs in this program, %s: HDF5 is of another MPI than dcpg was built "
                         "with; load the HDF5 of the same MPI, or build dcpg again with its compiler "
                         "(-DHDF5_C_COMPILER_EXECUTABLE=h5pcc of that MPI)",
                         libraries);
    MPI_Finalized(&ended);
    if (ended)
        return dcpg_fail(err, DCPG_E_USAGE, "MPI was ended and cannot be started again in this process");
    MPI_Initialized(&running);
    *started = !running;
    if (running)
        MPI_Query_thread(&level);
    else
        MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &level);
    if (level >= MPI_THREAD_FUNNELED) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "this MPI does not allow threads: one built with thread support is needed");
}

/* Splits the ranks of this host into groups of DCPG_RANKS_PER_HOST, if the variable is set, as if each group
 * were a host. */
static void pretend_hosts(MPI_Comm *host) {
    const char *text = getenv("DCPG_RANKS_PER_HOST");
    long per_host = text ? strtol(text, NULL, 10) : 0;
    int rank;
    MPI_Comm part;
    if (per_host <= 0) return;
    MPI_Comm_rank(*host, &rank);
    MPI_Comm_split(*host, (int)(rank / per_host), rank, &part);
    MPI_Comm_free(host);
    *host = part;
}

/* Numbers the ranks host by host, whatever order the launcher gave them: the ranks of a host then hold
 * neighbouring leaves, whose sums they can merge in the memory of the host. Rank 0 stays rank 0. */
static void order_ranks(dcpg_par *par) {
    struct dcpg_par_impl *impl = par->impl;
    MPI_Comm ordered;
    int leader;
    MPI_Comm_rank(impl->comm, &par->launch_rank);
    MPI_Comm_split_type(impl->comm, MPI_COMM_TYPE_SHARED, par->launch_rank, MPI_INFO_NULL, &impl->host_comm);
    pretend_hosts(&impl->host_comm);
    MPI_Comm_rank(impl->host_comm, &par->host_rank);
    MPI_Comm_size(impl->host_comm, &par->host_size);
    leader = par->launch_rank;
    MPI_Bcast(&leader, 1, MPI_INT, 0, impl->host_comm);
    MPI_Comm_split(impl->comm, 0, leader, &ordered);
    MPI_Comm_free(&impl->comm);
    impl->comm = ordered;
    MPI_Comm_rank(impl->comm, &par->rank);
    MPI_Comm_size(impl->comm, &par->size);
}

static void number_hosts(dcpg_par *par) {
    bool leads = par->host_rank == 0;
    MPI_Comm leaders;
    int number[2] = {0, 0};
    MPI_Comm_split(par->impl->comm, leads ? 0 : MPI_UNDEFINED, par->rank, &leaders);
    if (leads) {
        MPI_Comm_rank(leaders, &number[0]);
        MPI_Comm_size(leaders, &number[1]);
        MPI_Comm_free(&leaders);
    }
    MPI_Bcast(number, 2, MPI_INT, 0, par->impl->host_comm);
    par->host = number[0];
    par->nb_host = number[1];
}

dcpg_status dcpg_par_open_all(dcpg_par *par, int *argc, char ***argv, dcpg_err *err) {
    (void)argc, (void)argv;
    *par = (dcpg_par){0};
    bool started = false;
    DCPG_TRY(start_mpi(&started, err));
    struct dcpg_par_impl *impl = dcpg_alloc(1, sizeof *impl);
    if (!impl) MPI_Abort(MPI_COMM_WORLD, dcpg_exit_code(DCPG_E_NOMEM));
    *impl = (struct dcpg_par_impl){.host_comm = MPI_COMM_NULL, .started = started, .piece = (size_t)1 << 30};
    par->impl = impl;
    MPI_Comm_dup(MPI_COMM_WORLD, &impl->comm);
    order_ranks(par);
    number_hosts(par);
    return DCPG_OK;
}

void dcpg_par_close_all(dcpg_par *par) {
    struct dcpg_par_impl *impl = par->impl;
    if (!impl) return;
    bool started = impl->started;
    dcpg_watch_free_all(impl);
    MPI_Comm_free(&impl->host_comm);
    MPI_Comm_free(&impl->comm);
    dcpg_free(impl);
    *par = (dcpg_par){0};
    if (started) MPI_Finalize();
}

dcpg_status dcpg_agree_all(const dcpg_par *par, dcpg_status status, dcpg_err *err) {
    if (par->size == 1) return status;
    int speaker = status == DCPG_OK ? par->size : par->rank;
    MPI_Request request;
    MPI_Iallreduce(MPI_IN_PLACE, &speaker, 1, MPI_INT, MPI_MIN, par->impl->comm, &request);
    dcpg_wait_for(par, 1, &request);
    if (speaker == par->size) return DCPG_OK;
    dcpg_err agreed = {0};
    if (err && speaker == par->rank) agreed = *err;
    agreed.status = status;
    dcpg_bcast_all(par, &agreed, sizeof agreed, speaker);
    if (err) *err = agreed;
    return agreed.status;
}

void dcpg_par_abort(const dcpg_par *par, int code) {
    dcpg_cleanup_run();
    MPI_Abort(par->impl->comm, code);
}

int64_t dcpg_part(int64_t total, int64_t r, int64_t n) {
    assert(total >= 0 && n > 0 && 0 <= r && r <= n);
    return total / n * r +
           total % n * r / n; /* r * total may overflow; this cannot with fewer than 3e9 parts */
}
