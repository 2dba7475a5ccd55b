/* SPDX-License-Identifier: MIT */
/* Rows of an array that ranks hold one after the other pass through rank 0, to a file or from it, with one
 * piece of the array in its memory at a time. */
#include "base/number.h"
#include "par/par_impl.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <string.h>

/* Bytes of a piece, unless a row is longer. */
enum { PIECE = 8 << 20 };

/* Those of exchange.c have tag 0. */
enum { TAG_ROWS = 1, TAG_READY };

/* The array on its way. */
typedef struct way {
    const dcpg_par *par;
    const dcpg_par_rows *rows;
    int64_t step;          /* rows of a piece */
    int64_t *nb_of;        /* [size] rows of each rank */
    int64_t *first;        /* [size + 1] first row of each rank, and the end */
    char *piece;           /* rank 0: [step][rows->bytes] */
    MPI_Request *requests; /* rank 0: [2 * size] */
} way;

/* Rows of one rank in one piece. */
typedef struct run {
    int64_t first, nb;
} run;

static run run_of(const way *w, int rank, int64_t at) {
    int64_t first = max_i64(w->first[rank], at), end = min_i64(w->first[rank + 1], at + w->step);
    return (run){first, max_i64(end - first, 0)};
}

static int bytes_of(const way *w, run r) { return (int)((size_t)r.nb * w->rows->bytes); }

static char *in_piece(const way *w, run r, int64_t at) {
    return w->piece + (size_t)(r.first - at) * w->rows->bytes;
}

/* This rank's memory of a run. */
static char *in_mine(const way *w, run r) {
    return (char *)w->rows->mine + (size_t)(r.first - w->first[w->par->rank]) * w->rows->bytes;
}

static dcpg_status open_way_all(way *w, dcpg_err *err) {
    const dcpg_par *par = w->par;
    size_t size = (size_t)par->size, bytes = w->rows->bytes;
    w->step = w->rows->step ? w->rows->step : max_i64(PIECE / (int64_t)max_size(bytes, 1), 1);
    assert((size_t)w->step * bytes <= INT32_MAX);
    w->nb_of = dcpg_alloc(size, sizeof *w->nb_of);
    w->first = dcpg_alloc(size + 1, sizeof *w->first);
    bool fine = w->nb_of && w->first;
    if (par->rank == 0) {
        w->piece = dcpg_alloc((size_t)w->step, bytes);
        w->requests = dcpg_alloc(2 * size, sizeof *w->requests);
        fine = fine && w->piece && w->requests;
    }
    dcpg_status status =
        fine ? DCPG_OK : dcpg_fail_nomem(err, "rows of all ranks", (size_t)w->step * bytes + 32 * size);
    DCPG_TRY(dcpg_agree_all(par, status, err));
    dcpg_allgather_all(par, &w->rows->nb, sizeof *w->nb_of, w->nb_of);
    for (int r = 0; r < par->size; r++) w->first[r + 1] = w->first[r] + w->nb_of[r];
    return DCPG_OK;
}

static void close_way(way *w) {
    dcpg_free(w->nb_of);
    dcpg_free(w->first);
    dcpg_free(w->piece);
    dcpg_free(w->requests);
}

/* ---- rank 0 ---- */

/* Receives or sends a piece. Ranks send when rank 0 is ready, so that nothing piles up there. */
static void exchange_piece(const way *w, int64_t at, bool receives) {
    MPI_Comm comm = w->par->impl->comm;
    int nb = 0;
    for (int r = 1; r < w->par->size; r++) {
        run of = run_of(w, r, at);
        char *place = in_piece(w, of, at);
        if (of.nb == 0) continue;
        if (receives) {
            MPI_Irecv(place, bytes_of(w, of), MPI_BYTE, r, TAG_ROWS, comm, &w->requests[nb++]);
            MPI_Isend(NULL, 0, MPI_BYTE, r, TAG_READY, comm, &w->requests[nb++]);
        } else {
            MPI_Isend(place, bytes_of(w, of), MPI_BYTE, r, TAG_ROWS, comm, &w->requests[nb++]);
        }
    }
    dcpg_wait_for(w->par, nb, w->requests);
}

/* Moves a piece; after an error the other ranks still get theirs, whatever it holds. */
static dcpg_status pass_piece(const way *w, int64_t at, bool collects, dcpg_status status, dcpg_err *err) {
    const dcpg_par_rows *rows = w->rows;
    int64_t nb = min_i64(w->first[w->par->size] - at, w->step);
    run own = run_of(w, 0, at);
    if (collects) {
        if (own.nb > 0) memcpy(in_piece(w, own, at), in_mine(w, own), (size_t)bytes_of(w, own));
        exchange_piece(w, at, true);
    }
    if (status == DCPG_OK) status = rows->move(rows->context, at, nb, w->piece, err);
    dcpg_par_busy(w->par);
    if (!collects) {
        if (own.nb > 0) memcpy(in_mine(w, own), in_piece(w, own, at), (size_t)bytes_of(w, own));
        exchange_piece(w, at, false);
    }
    return status;
}

/* ---- the other ranks ---- */

static void give(const way *w, run of) {
    MPI_Comm comm = w->par->impl->comm;
    MPI_Request request;
    MPI_Irecv(NULL, 0, MPI_BYTE, 0, TAG_READY, comm, &request);
    dcpg_wait_for(w->par, 1, &request);
    MPI_Isend(in_mine(w, of), bytes_of(w, of), MPI_BYTE, 0, TAG_ROWS, comm, &request);
    dcpg_wait_for(w->par, 1, &request);
}

static void take(const way *w, run of) {
    MPI_Request request;
    MPI_Irecv(in_mine(w, of), bytes_of(w, of), MPI_BYTE, 0, TAG_ROWS, w->par->impl->comm, &request);
    dcpg_wait_for(w->par, 1, &request);
}

static dcpg_status pass_all(const dcpg_par *par, const dcpg_par_rows *rows, bool collects, dcpg_err *err) {
    way w = {.par = par, .rows = rows};
    dcpg_status status = open_way_all(&w, err), moved = DCPG_OK;
    for (int64_t at = 0; status == DCPG_OK && at < w.first[par->size]; at += w.step) {
        run own = run_of(&w, par->rank, at);
        if (par->rank == 0)
            moved = pass_piece(&w, at, collects, moved, err);
        else if (own.nb > 0)
            (collects ? give : take)(&w, own);
    }
    close_way(&w);
    return status == DCPG_OK ? dcpg_agree_all(par, moved, err) : status;
}

dcpg_status dcpg_collect_rows_all(const dcpg_par *par, const dcpg_par_rows *rows, dcpg_err *err) {
    return pass_all(par, rows, true, err);
}

dcpg_status dcpg_deal_rows_all(const dcpg_par *par, const dcpg_par_rows *rows, dcpg_err *err) {
    return pass_all(par, rows, false, err);
}
