/* SPDX-License-Identifier: MIT */
/* Sums of short arrays, which every rank needs at once: whole arrays pass through the stages of the route,
 * or, if they are very short and the ranks few, every rank sends its own to all others, which takes one wait
 * instead of log2(P). */
#include "base/number.h"
#include "par/sums_impl.h"
#include <dcpg/memory.h>
#include <string.h>

/* Up to so many values of all ranks together, and FEW_RANKS, every rank sends to all others. Measured
 * (bench/README.md): 60 sums of 512 doubles on 4 ranks take 0.36 instead of 0.54 ms on a simulated network of
 * 100 Gbit/s, 1.04 instead of 1.00 ms at 10 Gbit/s, and 6.1 instead of 9.4 ms on 2 real cores; those of 5
 * doubles on 8 ranks 0.37 instead of 0.78 ms. More values take too long at 10 Gbit/s (8 ranks, 512: 2.14
 * instead of 1.50 ms), more ranks where several share the card of their host. */
enum { FEW_VALUES = 2048 };

/* Longer arrays are summed piece by piece. */
enum { LONGEST = 1 << 18 };

static bool few_ranks(const dcpg_par_sums *s) { return s->par->size <= FEW_RANKS; }

dcpg_status dcpg_small_sums_open(dcpg_par_sums *s, const dcpg_run_of_leaves *run, dcpg_err *err) {
    size_t most = 2 * FEW_RANKS;
    for (int i = 0; i < s->route.nb_stage; i++) most = max_size(most, (size_t)s->route.stage[i].nb_to + 1);
    for (int r = 0; few_ranks(s) && r < s->par->size; r++)
        s->few_first[r + 1] = s->few_first[r] + dcpg_tree_nodes(s->options.total, run[r].first, run[r].end,
                                                                s->few_node + s->few_first[r]);
    s->small_requests = dcpg_alloc(most, sizeof *s->small_requests);
    return s->small_requests ? DCPG_OK : dcpg_fail_nomem(err, "small sums", most * sizeof *s->small_requests);
}

void dcpg_small_sums_close(dcpg_par_sums *s) {
    dcpg_free(s->all);
    dcpg_free(s->piece);
    dcpg_free(s->small_requests);
}

/* Makes s->all large enough for the sums of `nb` nodes. */
static void grow(dcpg_par_sums *s, int nb, size_t count) {
    size_t needed = (size_t)nb * count;
    if (needed <= s->all_count) return;
    dcpg_free(s->all);
    s->all = dcpg_alloc(needed, sizeof *s->all);
    s->all_count = needed;
    if (!s->all) dcpg_par_abort(s->par, dcpg_exit_code(DCPG_E_NOMEM));
}

/* Lets the gradients go on meanwhile. */
static void wait_for(dcpg_par_sums *s, int nb, MPI_Request *requests) {
    dcpg_wait wait = {0};
    int done = 0;
    while (dcpg_sums_advance(s)) {
        MPI_Testall(nb, requests, &done, MPI_STATUSES_IGNORE);
        if (done) return;
        dcpg_wait_tick(s->par, &wait);
    }
    dcpg_wait_for(s->par, nb, requests);
}

/* Sums of nodes, one after the other. */
typedef struct rows {
    double *at;
    size_t count;
} rows;

static int join(void *context, int left, int right) {
    const rows *x = context;
    dcpg_tree_add64(x->at + (size_t)left * x->count, x->at + (size_t)right * x->count, x->count);
    return left;
}

/* Merges rows of `node` into the first nb_merged rows. */
static void merge(rows *x, const dcpg_node *node, int nb_merged, const dcpg_node *merged) {
    for (int i = 0, next = 0; i < nb_merged; i++) {
        int k = dcpg_tree_join(merged[i], node, &next, join, x);
        if (k != i)
            memcpy(x->at + (size_t)i * x->count, x->at + (size_t)k * x->count, x->count * sizeof *x->at);
    }
}

static void exchange(dcpg_par_sums *s, int at, size_t count) {
    const dcpg_stage *stage = &s->route.stage[at];
    size_t mine = (size_t)(stage->left ? stage->nb_left : stage->nb_right) * count,
           others = (size_t)(stage->left ? stage->nb_right : stage->nb_left) * count;
    double *own = stage->left ? s->all : s->all + others, *theirs = stage->left ? s->all + mine : s->all;
    if (own != s->all) memmove(own, s->all, mine * sizeof *own);
    MPI_Request *requests = s->small_requests;
    int nb = 0;
    MPI_Irecv(theirs, (int)others, MPI_DOUBLE, stage->from.rank, TAG_SMALL, s->comm, &requests[nb++]);
    for (int k = 0; k < stage->nb_to; k++) {
        MPI_Isend(own, (int)mine, MPI_DOUBLE, stage->to[k].rank, TAG_SMALL, s->comm, &requests[nb++]);
        dcpg_sums_count(s, at < s->route.nb_host_stage, mine * sizeof *own);
    }
    wait_for(s, nb, requests);
    merge(&(rows){s->all, count}, stage->node, stage->nb_merged, stage->merged);
}

static void sum_by_stages(dcpg_par_sums *s, const double *sums, size_t count) {
    int most = 1;
    for (int i = 0; i < s->route.nb_stage; i++) {
        int nb = s->route.stage[i].nb_left + s->route.stage[i].nb_right;
        if (nb > most) most = nb;
    }
    grow(s, most, count);
    memcpy(s->all, sums, (size_t)s->nb_own * count * sizeof *sums);
    for (int i = 0; i < s->route.nb_stage; i++) exchange(s, i, count);
}

/* Sends the sums to all other ranks, and merges those of all ranks. */
static void sum_at_once(dcpg_par_sums *s, const double *sums, size_t count) {
    const dcpg_par *par = s->par;
    const int *first = s->few_first;
    size_t mine = (size_t)s->nb_own * count;
    int nb = 0, leader = par->rank - par->host_rank;
    grow(s, first[par->size], count);
    memcpy(s->all + (size_t)first[par->rank] * count, sums, mine * sizeof *sums);
    for (int i = 1; i < par->size; i++) {
        int from = (par->rank + par->size - i) % par->size, to = (par->rank + i) % par->size;
        MPI_Irecv(s->all + (size_t)first[from] * count, (first[from + 1] - first[from]) * (int)count,
                  MPI_DOUBLE, from, TAG_SMALL, s->comm, &s->small_requests[nb++]);
        MPI_Isend(sums, (int)mine, MPI_DOUBLE, to, TAG_SMALL, s->comm, &s->small_requests[nb++]);
        dcpg_sums_count(s, to >= leader && to < leader + par->host_size, mine * sizeof *sums);
    }
    wait_for(s, nb, s->small_requests);
    merge(&(rows){s->all, count}, s->few_node, 1, &(dcpg_node){0, s->options.total});
}

static void sum_piece(dcpg_par_sums *s, const double *sums, size_t count, double *total) {
    bool at_once = few_ranks(s) && (size_t)s->few_first[s->par->size] * count <= FEW_VALUES;
    (at_once ? sum_at_once : sum_by_stages)(s, sums, count);
    memcpy(total, s->all, count * sizeof *total);
}

void dcpg_small_sum_all(dcpg_par_sums *s, double *sums, size_t count, double *total) {
    if (count == 0) return;
    if (count <= LONGEST) {
        sum_piece(s, sums, count, total);
        return;
    }
    if (!s->piece) s->piece = dcpg_alloc((size_t)s->nb_own * LONGEST, sizeof *s->piece);
    if (!s->piece) dcpg_par_abort(s->par, dcpg_exit_code(DCPG_E_NOMEM));
    for (size_t at = 0; at < count; at += LONGEST) {
        size_t n = min_size(count - at, LONGEST);
        for (int i = 0; i < s->nb_own; i++)
            memcpy(s->piece + (size_t)i * n, sums + (size_t)i * count + at, n * sizeof *sums);
        sum_piece(s, s->piece, n, total + at);
    }
}
