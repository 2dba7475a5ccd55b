/* SPDX-License-Identifier: MIT */
/* Memory of each rank that the other ranks of its host can read and write: an MPI shared-memory window, or
 * plain memory of the rank's own where the system provides none. */
#include "base/number.h"
#include "par/par_impl.h"
#include <dcpg/memory.h>
#include <string.h>

struct dcpg_par_window_impl {
    MPI_Comm host;
    MPI_Win window;
};

enum { PAGE = 4096, LINE = 64 };

/* Bytes of the window for a rank that wants `bytes`: whole pages, and what aligning takes. */
static size_t window_bytes(size_t bytes) { return round_up_size(bytes + LINE, PAGE); }

/* MPI's windows begin anywhere. Every process maps whole pages, so all of them align a rank's memory alike.
 */
static void *aligned(void *memory) { return (char *)memory + (LINE - (uintptr_t)memory % LINE) % LINE; }

/* Fills w->of and w->mine; false if the system cannot. */
static bool share_all(const dcpg_par *par, size_t bytes, dcpg_par_window *w) {
    struct dcpg_par_window_impl *impl = w->impl;
    MPI_Comm_dup(par->impl->host_comm, &impl->host);
    MPI_Comm_set_errhandler(impl->host, MPI_ERRORS_RETURN);
    if (MPI_Win_allocate_shared((MPI_Aint)window_bytes(bytes), 1, MPI_INFO_NULL, impl->host, &w->mine,
                                &impl->window) != MPI_SUCCESS) {
        impl->window = MPI_WIN_NULL;
        return false;
    }
    MPI_Win_lock_all(MPI_MODE_NOCHECK, impl->window);
    for (int r = 0; r < par->host_size; r++) {
        MPI_Aint size;
        int unit;
        MPI_Win_shared_query(impl->window, r, &size, &unit, &w->of[r]);
        w->of[r] = aligned(w->of[r]);
    }
    w->mine = aligned(w->mine);
    memset(w->mine, 0, bytes); /* by the rank itself, so that it is near its cores */
    MPI_Win_sync(impl->window);
    MPI_Barrier(impl->host);
    MPI_Win_sync(impl->window);
    return true;
}

static void stop_sharing_all(dcpg_par_window *w) {
    struct dcpg_par_window_impl *impl = w->impl;
    if (impl->window != MPI_WIN_NULL) {
        MPI_Win_unlock_all(impl->window);
        MPI_Win_free(&impl->window);
    }
    if (impl->host != MPI_COMM_NULL) MPI_Comm_free(&impl->host);
    dcpg_free(w->of);
    w->of = NULL;
}

/* Whether every host has several ranks, or could share, and enough space; the same on all ranks. */
static bool can_share_all(const dcpg_par *par, size_t bytes) {
    int64_t needed = (int64_t)window_bytes(bytes), most = 0;
    MPI_Allreduce(&needed, &most, 1, MPI_INT64_T, MPI_SUM, par->impl->host_comm);
    int64_t answers[2] = {par->host_size > 1, par->host_size > 1 && !dcpg_par_shm_has_space((size_t)most)};
    dcpg_max_i64s_all(par, answers, 2);
    return answers[0] && !answers[1];
}

dcpg_status dcpg_par_window_open_all(const dcpg_par *par, size_t bytes, dcpg_par_window **window,
                                     dcpg_err *err) {
    *window = NULL;
    dcpg_par_window *w = dcpg_alloc(1, sizeof *w);
    struct dcpg_par_window_impl *impl = dcpg_alloc(1, sizeof *impl);
    void **of = dcpg_alloc((size_t)par->host_size, sizeof *of);
    dcpg_status status = w && impl && of ? DCPG_OK : dcpg_fail_nomem(err, "shared memory", sizeof *w);
    status = dcpg_agree_all(par, status, err);
    if (status != DCPG_OK) {
        dcpg_free(w);
        dcpg_free(impl);
        dcpg_free(of);
        return status;
    }
    *impl = (struct dcpg_par_window_impl){MPI_COMM_NULL, MPI_WIN_NULL};
    *w = (dcpg_par_window){.of = of, .impl = impl};
    bool shared = can_share_all(par, bytes) && share_all(par, bytes, w);
    if (dcpg_max_i64_all(par, !shared)) {
        stop_sharing_all(w);
        w->mine = dcpg_alloc(bytes, 1);
        status = dcpg_agree_all(par, w->mine ? DCPG_OK : dcpg_fail_nomem(err, "gradients", bytes), err);
    }
    if (status == DCPG_OK)
        *window = w;
    else
        dcpg_par_window_close_all(w);
    return status;
}

void dcpg_par_window_close_all(dcpg_par_window *w) {
    if (!w) return;
    if (!w->of) dcpg_free(w->mine);
    stop_sharing_all(w);
    dcpg_free(w->impl);
    dcpg_free(w);
}
