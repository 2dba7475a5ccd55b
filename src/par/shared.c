/* SPDX-License-Identifier: MIT */
/* Memory that the ranks of a host hold only once: an MPI shared-memory window, or plain memory if there is no
 * other rank to share it with. */
#include "base/number.h"
#include "par/par_impl.h"
#include <dcpg/memory.h>
#include <string.h>
#include <sys/statvfs.h>

struct dcpg_par_shared_impl {
    MPI_Comm host;    /* the ranks that share the memory */
    MPI_Comm leaders; /* rank 0 of every `host`; MPI_COMM_NULL on other ranks */
    MPI_Win window;   /* MPI_WIN_NULL: plain memory */
    int *host_of;     /* [size] number of each rank's host in `leaders` */
    size_t piece;
};

/* Groups the ranks by host or, if `alone`, each rank by itself. */
static void split_all(const dcpg_par *par, struct dcpg_par_shared_impl *impl, bool alone) {
    int rank, number = 0;
    if (alone)
        MPI_Comm_dup(MPI_COMM_SELF, &impl->host);
    else
        MPI_Comm_dup(par->impl->host_comm, &impl->host);
    MPI_Comm_rank(impl->host, &rank);
    MPI_Comm_split(par->impl->comm, rank == 0 ? 0 : MPI_UNDEFINED, par->rank, &impl->leaders);
    if (rank == 0) MPI_Comm_rank(impl->leaders, &number);
    MPI_Bcast(&number, 1, MPI_INT, 0, impl->host);
    MPI_Allgather(&number, 1, MPI_INT, impl->host_of, 1, MPI_INT, par->impl->comm);
}

static void leave_all(struct dcpg_par_shared_impl *impl) {
    if (impl->window != MPI_WIN_NULL) {
        MPI_Win_unlock_all(impl->window);
        MPI_Win_free(&impl->window);
    }
    if (impl->leaders != MPI_COMM_NULL) MPI_Comm_free(&impl->leaders);
    if (impl->host != MPI_COMM_NULL) MPI_Comm_free(&impl->host);
}

/* Open MPI and MPICH keep windows in files in /dev/shm; Open MPI hangs if one does not fit. */
bool dcpg_par_shm_has_space(size_t bytes) {
    struct statvfs about;
    if (statvfs("/dev/shm", &about) != 0) return true;
    return bytes / about.f_frsize + 16 < about.f_bavail;
}

/* A window of the host; NULL: the system provides none. */
static void *open_window_all(struct dcpg_par_shared_impl *impl, size_t bytes) {
    int rank, unit;
    MPI_Aint size;
    void *own = NULL, *data = NULL;
    MPI_Comm_rank(impl->host, &rank);
    MPI_Comm_set_errhandler(impl->host, MPI_ERRORS_RETURN);
    if (MPI_Win_allocate_shared(rank == 0 ? (MPI_Aint)bytes : 0, 1, MPI_INFO_NULL, impl->host, &own,
                                &impl->window) != MPI_SUCCESS) {
        impl->window = MPI_WIN_NULL;
        return NULL;
    }
    MPI_Win_lock_all(MPI_MODE_NOCHECK, impl->window);
    MPI_Win_shared_query(impl->window, 0, &size, &unit, &data);
    if (rank == 0) memset(data, 0, bytes);
    return data;
}

/* One copy per host if that is possible on all hosts, otherwise one per rank. */
static void *take_memory_all(const dcpg_par *par, struct dcpg_par_shared_impl *impl, size_t bytes) {
    void *data = NULL;
    split_all(par, impl, false);
    bool possible = dcpg_max_i64_all(par, par->host_size) > 1 &&
                    dcpg_max_i64_all(par, !dcpg_par_shm_has_space(bytes)) == 0;
    if (possible) data = open_window_all(impl, bytes);
    if (dcpg_max_i64_all(par, data == NULL) == 0) return data;
    leave_all(impl);
    split_all(par, impl, true);
    return dcpg_alloc(bytes, 1);
}

dcpg_status dcpg_par_shared_open_all(const dcpg_par *par, size_t bytes, dcpg_par_shared **shared,
                                     dcpg_err *err) {
    *shared = NULL;
    dcpg_par_shared *s = dcpg_alloc(1, sizeof *s);
    struct dcpg_par_shared_impl *impl = dcpg_alloc(1, sizeof *impl);
    int *host_of = dcpg_alloc((size_t)par->size, sizeof *host_of);
    dcpg_status status =
        s && impl && host_of ? DCPG_OK : dcpg_fail_nomem(err, "shared memory", sizeof *s + sizeof *impl);
    status = dcpg_agree_all(par, status, err);
    if (status != DCPG_OK) {
        dcpg_free(s);
        dcpg_free(impl);
        dcpg_free(host_of);
        return status;
    }
    *impl =
        (struct dcpg_par_shared_impl){MPI_COMM_NULL, MPI_COMM_NULL, MPI_WIN_NULL, host_of, par->impl->piece};
    *s = (dcpg_par_shared){.bytes = bytes, .impl = impl};
    s->data = take_memory_all(par, impl, bytes ? bytes : 1);
    s->one_per_host = impl->window != MPI_WIN_NULL;
    s->writer = impl->leaders != MPI_COMM_NULL;
    status = s->data ? DCPG_OK : dcpg_fail_nomem(err, "memory shared by the ranks of a host", bytes);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) dcpg_par_shared_sync_all(s);
    if (status == DCPG_OK)
        *shared = s;
    else
        dcpg_par_shared_close_all(s);
    return status;
}

void dcpg_par_shared_close_all(dcpg_par_shared *shared) {
    if (!shared) return;
    if (!shared->one_per_host) dcpg_free(shared->data);
    leave_all(shared->impl);
    dcpg_free(shared->impl->host_of);
    dcpg_free(shared->impl);
    dcpg_free(shared);
}

void dcpg_par_shared_sync_all(dcpg_par_shared *shared) {
    struct dcpg_par_shared_impl *impl = shared->impl;
    if (impl->window == MPI_WIN_NULL) return;
    MPI_Win_sync(impl->window);
    MPI_Barrier(impl->host);
    MPI_Win_sync(impl->window);
}

void dcpg_par_shared_fill_all(const dcpg_par *par, dcpg_par_shared *shared, size_t at, const void *data,
                              size_t bytes, int root) {
    struct dcpg_par_shared_impl *impl = shared->impl;
    char *to = (char *)shared->data + at;
    if (par->rank == root && bytes > 0 && data != to) memcpy(to, data, bytes);
    dcpg_par_shared_sync_all(shared);
    for (size_t done = 0; done < bytes && impl->leaders != MPI_COMM_NULL; done += impl->piece) {
        size_t n = min_size(bytes - done, impl->piece);
        MPI_Bcast(to + done, (int)n, MPI_BYTE, impl->host_of[root], impl->leaders);
    }
    dcpg_par_shared_sync_all(shared);
}
