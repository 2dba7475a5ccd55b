/* SPDX-License-Identifier: MIT */
/* What simulated.h puts in the place of functions of MPI and of the C library. This file alone is compiled
 * with DCPG_SIMULATED_INSIDE, under which the names below keep their meaning. */
#include "bench/scaling/smpi/simulated.h"

#include <mpi.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* What a look at requests takes on real machines, about. SMPI would take a time per request. */
static const double NAP = 1e-7;

void dcpg_simulated_nap(double seconds) {
    struct timespec time = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9 + 0.5)};
    nanosleep(&time, NULL);
}

/* All ranks are contexts of one thread, so SMPI never grants more than MPI_THREAD_SINGLE; yet it is true that
 * only the main thread calls MPI. */
int dcpg_simulated_init_thread(int *argc, char ***argv, int required, int *provided) {
    int status = MPI_Init_thread(argc, argv, required, provided);
    if (*provided < MPI_THREAD_FUNNELED) *provided = MPI_THREAD_FUNNELED;
    return status;
}

int dcpg_simulated_test(MPI_Request *request, int *done, MPI_Status *status) {
    dcpg_simulated_nap(NAP);
    return MPI_Test(request, done, status);
}

/* One request after the other up to the first that is under way: a look at each takes SMPI long. `statuses`
 * are not filled. */
int dcpg_simulated_testall(int count, MPI_Request requests[], int *done, MPI_Status statuses[]) {
    (void)statuses;
    int status = MPI_SUCCESS;
    dcpg_simulated_nap(NAP);
    *done = 1;
    for (int i = 0; i < count && *done && status == MPI_SUCCESS; i++)
        if (requests[i] != MPI_REQUEST_NULL) status = MPI_Test(&requests[i], done, MPI_STATUS_IGNORE);
    return status;
}

int dcpg_simulated_testany(int count, MPI_Request requests[], int *index, int *done, MPI_Status *status) {
    dcpg_simulated_nap(NAP);
    return MPI_Testany(count, requests, index, done, status);
}

int dcpg_simulated_testsome(int count, MPI_Request requests[], int *nb_done, int indices[],
                            MPI_Status statuses[]) {
    dcpg_simulated_nap(NAP);
    return MPI_Testsome(count, requests, nb_done, indices, statuses);
}

int dcpg_simulated_iprobe(int from, int tag, MPI_Comm comm, int *there, MPI_Status *status) {
    dcpg_simulated_nap(NAP);
    return MPI_Iprobe(from, tag, comm, there, status);
}

int dcpg_simulated_yield(void) {
    dcpg_simulated_nap(NAP);
    return 0;
}

/* ---- collective functions, for which SMPI sends a message from every rank to every other ---- */

/* Real MPIs take log2 P steps; so do SMPI's blocking functions. Nobody may start other work before it ends,
 * and src/par does so in sums of floats alone. */
int dcpg_simulated_iallreduce(const void *send, void *receive, int count, MPI_Datatype type, MPI_Op op,
                              MPI_Comm comm, MPI_Request *request) {
    *request = MPI_REQUEST_NULL;
    return MPI_Allreduce(send, receive, count, type, op, comm);
}

int dcpg_simulated_iallgather(const void *send, int nb_send, MPI_Datatype send_type, void *receive,
                              int nb_receive, MPI_Datatype receive_type, MPI_Comm comm,
                              MPI_Request *request) {
    *request = MPI_REQUEST_NULL;
    return MPI_Allgather(send, nb_send, send_type, receive, nb_receive, receive_type, comm);
}

int dcpg_simulated_iallgatherv(const void *send, int nb_send, MPI_Datatype send_type, void *receive,
                               const int *nb_receive, const int *at, MPI_Datatype receive_type, MPI_Comm comm,
                               MPI_Request *request) {
    *request = MPI_REQUEST_NULL;
    return MPI_Allgatherv(send, nb_send, send_type, receive, nb_receive, at, receive_type, comm);
}

int dcpg_simulated_ibarrier(MPI_Comm comm, MPI_Request *request) {
    *request = MPI_REQUEST_NULL;
    return MPI_Barrier(comm);
}

int dcpg_simulated_ibcast(void *data, int count, MPI_Datatype type, int root, MPI_Comm comm,
                          MPI_Request *request) {
    *request = MPI_REQUEST_NULL;
    return MPI_Bcast(data, count, type, root, comm);
}

/* ---- windows: SMPI gives all ranks as much as rank 0 asks for, and tells of rank 0's memory only ---- */

enum { LINE = 64, MAX_FOLDED = 1024 };

/* Arrays of all ranks in the same memory; static data are of one rank, as in a real run. */
static size_t fold_from = (size_t)-1;
static void *folded[MAX_FOLDED];
static int nb_folded;

/* The last window of that kind: there is one, with the gradients. */
static MPI_Win folded_window = MPI_WIN_NULL;
static void *folded_memory;

static char *aligned(char *memory) { return memory + (LINE - (uintptr_t)memory % LINE) % LINE; }

int dcpg_simulated_win_allocate_shared(MPI_Aint bytes, int unit, MPI_Info info, MPI_Comm comm, void *mine,
                                       MPI_Win *window) {
    MPI_Aint most;
    char *memory;
    MPI_Allreduce(&bytes, &most, 1, MPI_AINT, MPI_MAX, comm);
    int fold = (size_t)most >= fold_from;
    MPI_Aint size = fold ? LINE : most;
    int status =
        MPI_Win_allocate_shared(((size + LINE - 1) / LINE + 1) * LINE, unit, info, comm, &memory, window);
    if (status != MPI_SUCCESS) return status;
    *(void **)mine = aligned(memory);
    if (!fold) return status;
    folded_window = *window;
    *(void **)mine = folded_memory = smpi_shared_malloc((size_t)most, "folded", 0);
    return status;
}

int dcpg_simulated_win_shared_query(MPI_Win window, int rank, MPI_Aint *bytes, int *unit, void *memory) {
    char *first;
    int status = MPI_Win_shared_query(window, rank, bytes, unit, &first);
    if (status == MPI_SUCCESS)
        *(void **)memory = window == folded_window ? folded_memory : aligned(first) + rank * *bytes;
    return status;
}

/* ---- folded memory ---- */

void dcpg_simulated_fold(size_t bytes) { fold_from = bytes; }

int dcpg_simulated_memalign(void **memory, size_t align, size_t bytes) {
    if (bytes < fold_from || nb_folded == MAX_FOLDED) return posix_memalign(memory, align, bytes);
    *memory = folded[nb_folded++] = smpi_shared_malloc(bytes, "folded", 0);
    return 0;
}

void dcpg_simulated_free(void *memory) {
    for (int i = 0; memory && i < nb_folded; i++) {
        if (folded[i] != memory) continue;
        folded[i] = folded[--nb_folded];
        smpi_shared_free(memory);
        return;
    }
    free(memory);
}
