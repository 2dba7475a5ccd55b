/* SPDX-License-Identifier: MIT */
/* Sums of short arrays, which every rank needs at once: whole arrays pass through the stages of the route. */
#include "base/number.h"
#include "par/sums_impl.h"
#include <dcpg/memory.h>
#include <string.h>

/* Longer arrays are summed piece by piece. */
enum { LONGEST = 1 << 18 };

dcpg_status dcpg_small_sums_open(dcpg_par_sums *s, dcpg_err *err) {
    size_t most = 0;
    for (int i = 0; i < s->route.nb_stage; i++) most = max_size(most, (size_t)s->route.stage[i].nb_to);
    s->stage_requests = dcpg_alloc(most + 1, sizeof *s->stage_requests);
    return s->stage_requests ? DCPG_OK : dcpg_fail_nomem(err, "small sums", most * sizeof *s->stage_requests);
}

void dcpg_small_sums_close(dcpg_par_sums *s) {
    dcpg_free(s->all);
    dcpg_free(s->piece);
    dcpg_free(s->stage_requests);
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
    MPI_Request *requests = s->stage_requests;
    int nb = 0;
    MPI_Irecv(theirs, (int)others, MPI_DOUBLE, stage->from.rank, TAG_SMALL, s->comm, &requests[nb++]);
    for (int k = 0; k < stage->nb_to; k++) {
        MPI_Isend(own, (int)mine, MPI_DOUBLE, stage->to[k].rank, TAG_SMALL, s->comm, &requests[nb++]);
        dcpg_sums_count(s, &s->route, at, mine * sizeof *own);
    }
    wait_for(s, nb, requests);
    merge(&(rows){s->all, count}, stage->node, stage->nb_merged, stage->merged);
}

static void sum_piece(dcpg_par_sums *s, double *sums, size_t count, double *total) {
    int most = 1;
    for (int i = 0; i < s->route.nb_stage; i++) {
        int nb = s->route.stage[i].nb_left + s->route.stage[i].nb_right;
        if (nb > most) most = nb;
    }
    grow(s, most, count);
    memcpy(s->all, sums, (size_t)s->nb_own * count * sizeof *sums);
    for (int i = 0; i < s->route.nb_stage; i++) exchange(s, i, count);
    memcpy(total, s->all, count * sizeof *total);
}

void dcpg_small_sum_all(dcpg_par_sums *s, double *sums, size_t count, double *total) {
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
