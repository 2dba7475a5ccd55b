/* SPDX-License-Identifier: MIT */
/* Collective exchange of small and large data between ranks. MPI counts in int, so long data travels in
 * pieces. */
#include "base/number.h"
#include "par/par_impl.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <string.h>

void dcpg_barrier_all(const dcpg_par *par) {
    MPI_Request request;
    if (par->size == 1) return;
    MPI_Ibarrier(par->impl->comm, &request);
    dcpg_wait_for(par, 1, &request);
}

void dcpg_bcast_all(const dcpg_par *par, void *data, size_t bytes, int root) {
    if (par->size == 1) return;
    size_t piece = par->impl->piece;
    for (size_t at = 0; at < bytes; at += piece) {
        size_t n = min_size(bytes - at, piece);
        MPI_Request request;
        MPI_Ibcast((char *)data + at, (int)n, MPI_BYTE, root, par->impl->comm, &request);
        dcpg_wait_for(par, 1, &request);
    }
}

static void reduce_i64s_all(const dcpg_par *par, int64_t *x, size_t count, MPI_Op op) {
    if (par->size == 1) return;
    size_t piece = par->impl->piece / sizeof *x;
    for (size_t at = 0; at < count; at += piece) {
        size_t n = min_size(count - at, piece);
        MPI_Request request;
        MPI_Iallreduce(MPI_IN_PLACE, x + at, (int)n, MPI_INT64_T, op, par->impl->comm, &request);
        dcpg_wait_for(par, 1, &request);
    }
}

void dcpg_sum_i64s_all(const dcpg_par *par, int64_t *x, size_t count) {
    reduce_i64s_all(par, x, count, MPI_SUM);
}

void dcpg_min_i64s_all(const dcpg_par *par, int64_t *x, size_t count) {
    reduce_i64s_all(par, x, count, MPI_MIN);
}

void dcpg_max_i64s_all(const dcpg_par *par, int64_t *x, size_t count) {
    reduce_i64s_all(par, x, count, MPI_MAX);
}

int64_t dcpg_sum_i64_all(const dcpg_par *par, int64_t x) {
    dcpg_sum_i64s_all(par, &x, 1);
    return x;
}

int64_t dcpg_max_i64_all(const dcpg_par *par, int64_t x) {
    dcpg_max_i64s_all(par, &x, 1);
    return x;
}

double dcpg_max_f64_all(const dcpg_par *par, double x) {
    MPI_Request request;
    if (par->size == 1) return x;
    MPI_Iallreduce(MPI_IN_PLACE, &x, 1, MPI_DOUBLE, MPI_MAX, par->impl->comm, &request);
    dcpg_wait_for(par, 1, &request);
    return x;
}

/* Gives all ranks every rank's part of out[total], in one call; if MPI cannot count so many bytes, by a
 * broadcast of each part. numbers[2 * size] is scratch. */
static void gather_parts_all(const dcpg_par *par, char *out, size_t total, const size_t *bytes_of,
                             int *numbers) {
    int *count_of = numbers, *at_of = numbers + par->size;
    size_t at = 0;
    for (int r = 0; r < par->size; at += bytes_of[r++]) {
        if (total > par->impl->piece) dcpg_bcast_all(par, out + at, bytes_of[r], r);
        count_of[r] = (int)bytes_of[r];
        at_of[r] = (int)at;
    }
    if (total > par->impl->piece || par->size == 1) return;
    MPI_Request request;
    MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_BYTE, out, count_of, at_of, MPI_BYTE, par->impl->comm, &request);
    dcpg_wait_for(par, 1, &request);
}

void dcpg_allgather_all(const dcpg_par *par, const void *mine, size_t bytes, void *out) {
    if (bytes <= par->impl->piece) {
        MPI_Request request;
        MPI_Iallgather(mine, (int)bytes, MPI_BYTE, out, (int)bytes, MPI_BYTE, par->impl->comm, &request);
        dcpg_wait_for(par, 1, &request);
        return;
    }
    memcpy((char *)out + (size_t)par->rank * bytes, mine, bytes);
    for (int r = 0; r < par->size; r++) dcpg_bcast_all(par, (char *)out + (size_t)r * bytes, bytes, r);
}

static size_t sum_sizes(const size_t *bytes, int n) {
    size_t total = 0;
    for (int r = 0; r < n; r++) total += bytes[r];
    return total;
}

dcpg_status dcpg_allgatherv_all(const dcpg_par *par, const void *mine, size_t bytes, void **out,
                                size_t *bytes_of, dcpg_err *err) {
    *out = NULL;
    dcpg_allgather_all(par, &bytes, sizeof bytes, bytes_of);
    size_t total = sum_sizes(bytes_of, par->size);
    char *all = dcpg_alloc(total, 1);
    int *numbers = dcpg_alloc(2 * (size_t)par->size, sizeof *numbers);
    dcpg_status status =
        all && numbers ? DCPG_OK : dcpg_fail_nomem(err, "data gathered from all ranks", total);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        if (bytes > 0) memcpy(all + sum_sizes(bytes_of, par->rank), mine, bytes);
        gather_parts_all(par, all, total, bytes_of, numbers);
        *out = all;
        all = NULL;
    }
    dcpg_free(all);
    dcpg_free(numbers);
    return status;
}

/* ---- all to all ---- */

typedef struct transfer {
    const dcpg_par *par;
    MPI_Request *requests;
    int nb_request;
} transfer;

static size_t nb_piece(const dcpg_par *par, size_t bytes) { return ceil_div_size(bytes, par->impl->piece); }

static void post_receives(transfer *t, char *to, size_t bytes, int from) {
    size_t piece = t->par->impl->piece;
    for (size_t at = 0; at < bytes; at += piece) {
        int n = (int)min_size(bytes - at, piece);
        MPI_Irecv(to + at, n, MPI_BYTE, from, 0, t->par->impl->comm, &t->requests[t->nb_request++]);
    }
}

static void post_sends(transfer *t, const char *from, size_t bytes, int to) {
    size_t piece = t->par->impl->piece;
    for (size_t at = 0; at < bytes; at += piece) {
        int n = (int)min_size(bytes - at, piece);
        MPI_Isend(from + at, n, MPI_BYTE, to, 0, t->par->impl->comm, &t->requests[t->nb_request++]);
    }
}

dcpg_status dcpg_alltoallv_all(const dcpg_par *par, const dcpg_par_parts *parts, void **out, size_t *bytes_of,
                               dcpg_err *err) {
    const size_t *send_at = parts->at, *send_bytes = parts->bytes;
    *out = NULL;
    MPI_Request request;
    MPI_Ialltoall(send_bytes, (int)sizeof *send_bytes, MPI_BYTE, bytes_of, (int)sizeof *bytes_of, MPI_BYTE,
                  par->impl->comm, &request);
    dcpg_wait_for(par, 1, &request);
    size_t total = sum_sizes(bytes_of, par->size), nb = 0;
    for (int r = 0; r < par->size; r++) nb += nb_piece(par, send_bytes[r]) + nb_piece(par, bytes_of[r]);
    assert(nb <= INT32_MAX);
    char *all = dcpg_alloc(total, 1);
    transfer t = {.par = par, .requests = dcpg_alloc(nb, sizeof(MPI_Request))};
    dcpg_status status = DCPG_OK;
    if (!all || !t.requests) status = dcpg_fail_nomem(err, "data exchanged between ranks", total);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        char *to = all;
        for (int r = 0; r < par->size; to += bytes_of[r++]) post_receives(&t, to, bytes_of[r], r);
        for (int i = 1; i <= par->size;
             i++) { /* every rank starts with a different receiver, and with itself last */
            int r = (par->rank + i) % par->size;
            post_sends(&t, (const char *)parts->data + send_at[r], send_bytes[r], r);
        }
        dcpg_wait_for(par, t.nb_request, t.requests);
        *out = all;
        all = NULL;
    }
    dcpg_free(t.requests);
    dcpg_free(all);
    return status;
}
