/* SPDX-License-Identifier: MIT */
/* Plans routes: which ranks merge their sums when, and which part of an array each of them holds. */
#include "par/route.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <stdlib.h>
#include <string.h>

/* A rank of a group, and the run of places that it holds while the group's sums are together. */
typedef dcpg_peer member;

typedef struct planner {
    const dcpg_run_of_leaves *run;
    int total, size, rank;
    int *order, *spare; /* [size] ranks in the order of their places */
} planner;

/* ---- groups ---- */

/* Maximal nodes of the two groups that arise when ranks [first, end) are cut at `middle`: so many sums of
 * each value have to travel. */
static int nb_nodes(const planner *p, int first, int middle, int end) {
    dcpg_node nodes[DCPG_MAX_NODES];
    int start = p->run[first].first, cut = p->run[middle].first, stop = p->run[end - 1].end;
    return dcpg_tree_nodes(p->total, start, cut, nodes) + dcpg_tree_nodes(p->total, cut, stop, nodes);
}

/* Whether one of two parts has more than twice the ranks of the other, so that each of its ranks would have
 * to send to many. */
static bool lopsided(int left, int right) { return left > 2 * right || right > 2 * left; }

/* Where a group of at least two ranks is cut in two: between hosts if it has several; into parts of similar
 * size, where the fewest sums travel, and as equally as possible. Tries the cuts from the middle outwards. */
static int cut_group(const planner *p, int first, int end) {
    bool hosts = p->run[first].host != p->run[end - 1].host;
    int best = 0, fewest = 0, half = (end - first) / 2;
    for (int d = 0; d < 2 * (end - first); d++) {
        int m = first + half + (d % 2 ? -(d + 1) / 2 : d / 2);
        if (m <= first || m >= end || (hosts && p->run[m].host == p->run[m - 1].host)) continue;
        if (best != 0 && (fewest == 2 || lopsided(m - first, end - m))) break;
        int nodes = nb_nodes(p, first, m, end);
        if (best == 0 || nodes < fewest) best = m, fewest = nodes;
    }
    assert(best != 0);
    return best;
}

/* ---- places ---- */

/* Merges the orders of ranks [first, middle) and [middle, end), so that both advance at the same pace. */
static void interleave(planner *p, int first, int middle, int end) {
    int64_t nb_left = middle - first, nb_right = end - middle;
    int64_t i = 0, j = 0;
    for (int k = first; k < end; k++) {
        bool left = j == nb_right || (i < nb_left && (2 * i + 1) * nb_right <= (2 * j + 1) * nb_left);
        p->spare[k] = left ? p->order[first + i++] : p->order[middle + j++];
    }
    memcpy(p->order + first, p->spare + first, (size_t)(end - first) * sizeof *p->order);
}

/* Fills order[first .. end) for a group. */
static void order_group(planner *p, int first, int end) {
    if (end - first == 1) {
        p->order[first] = first;
        return;
    }
    int middle = cut_group(p, first, end);
    order_group(p, first, middle);
    order_group(p, middle, end);
    interleave(p, first, middle, end);
}

/* The border of places between two neighbours of a half of a group: one of those that the members of the
 * other half between them leave, the closest to `wanted`. `at`, `next`: indices of the neighbours. */
static int choose_border(const member *members, int at, int next, int64_t wanted) {
    int best = members[at].end;
    for (int i = at + 1; i < next; i++) {
        if (llabs(members[i].end - wanted) < llabs(best - wanted)) best = members[i].end;
    }
    return best;
}

/* half[] = the members with ranks in [first, end), stretched over the places of all others; returns their
 * number. */
static int take_half(const planner *p, const member *members, int nb, int first, int end, member *half) {
    int n = 0, last = -1;
    for (int i = 0; i < nb; i++) {
        if (members[i].rank < first || members[i].rank >= end) continue;
        int start = 0;
        if (n > 0) {
            start = choose_border(members, last, i, (int64_t)p->size * n / (end - first));
            half[n - 1].end = start;
        }
        half[n++] = (member){members[i].rank, start, p->size};
        last = i;
    }
    assert(n == end - first);
    return n;
}

/* ---- stages ---- */

static const member *find_rank(const member *members, int nb, int rank) {
    for (int i = 0; i < nb; i++)
        if (members[i].rank == rank) return &members[i];
    return NULL;
}

static const member *find_place(const member *members, int nb, int place) {
    int i = 0;
    while (i < nb && members[i].end <= place) i++;
    assert(i < nb);
    return &members[i];
}

static dcpg_status plan_nodes(const planner *p, dcpg_stage *stage, dcpg_err *err) {
    int first = p->run[stage->first].first, middle = p->run[stage->middle].first,
        end = p->run[stage->end - 1].end;
    stage->node = dcpg_alloc(2 * DCPG_MAX_NODES, sizeof *stage->node);
    stage->merged = dcpg_alloc(DCPG_MAX_NODES, sizeof *stage->merged);
    if (!stage->node || !stage->merged)
        return dcpg_fail_nomem(err, "the exchange of gradients", 3 * DCPG_MAX_NODES * sizeof(dcpg_node));
    stage->nb_left = dcpg_tree_nodes(p->total, first, middle, stage->node);
    stage->nb_right = dcpg_tree_nodes(p->total, middle, end, stage->node + stage->nb_left);
    stage->nb_merged = dcpg_tree_nodes(p->total, first, end, stage->merged);
    return DCPG_OK;
}

/* A group, its ranks in the order of their places, and how they were placed in their halves before. */
typedef struct group {
    const member *members, *mine, *others; /* mine: this rank in its half; others: the other half */
    int nb, nb_other;
} group;

/* What this rank sends and receives when the halves of a group become one. */
static dcpg_status plan_peers(const planner *p, const group *g, dcpg_stage *stage, dcpg_err *err) {
    const member *keep = find_rank(g->members, g->nb, p->rank);
    stage->from = *find_place(g->others, g->nb_other, keep->first);
    stage->from.first = keep->first;
    stage->from.end = keep->end;
    stage->held = g->mine->first;
    stage->hold = g->mine->end;
    stage->to = dcpg_alloc((size_t)g->nb_other, sizeof *stage->to);
    if (!stage->to)
        return dcpg_fail_nomem(err, "the exchange of gradients", (size_t)g->nb_other * sizeof *stage->to);
    for (int i = 0; i < g->nb; i++) {
        const member *m = &g->members[i];
        bool left = m->rank < stage->middle;
        if (left != stage->left && m->first >= stage->held && m->end <= stage->hold)
            stage->to[stage->nb_to++] = *m;
    }
    return DCPG_OK;
}

/* Remembers the ranks of a host, if `members` are all of them. */
static dcpg_status note_host(const planner *p, const member *members, int first, int end, dcpg_route *route,
                             dcpg_err *err) {
    if (route->host || p->run[first].host != p->run[end - 1].host) return DCPG_OK;
    route->nb_host = end - first;
    route->host = dcpg_alloc((size_t)route->nb_host, sizeof *route->host);
    if (!route->host)
        return dcpg_fail_nomem(err, "the ranks of a host", (size_t)route->nb_host * sizeof *route->host);
    memcpy(route->host, members, (size_t)route->nb_host * sizeof *members);
    return DCPG_OK;
}

/* Plans the stages above this rank from the last to the first; members[size] is overwritten. */
static dcpg_status plan_stages(planner *p, member *members, member *halves, dcpg_route *route,
                               dcpg_err *err) {
    int first = 0, end = p->size;
    DCPG_TRY(note_host(p, members, first, end, route, err));
    while (end - first > 1) {
        assert(route->nb_stage < DCPG_MAX_STAGES);
        dcpg_stage *stage = &route->stage[route->nb_stage++];
        int middle = cut_group(p, first, end), nb = end - first;
        *stage = (dcpg_stage){.first = first, .middle = middle, .end = end, .left = p->rank < middle};
        int nb_left = take_half(p, members, nb, first, middle, halves);
        int nb_right = take_half(p, members, nb, middle, end, halves + nb_left);
        const member *half = stage->left ? halves : halves + nb_left,
                     *other = stage->left ? halves + nb_left : halves;
        int nb_mine = stage->left ? nb_left : nb_right;
        DCPG_TRY(plan_nodes(p, stage, err));
        group g = {members, find_rank(half, nb_mine, p->rank), other, nb, nb - nb_mine};
        DCPG_TRY(plan_peers(p, &g, stage, err));
        route->nb_host_stage += p->run[first].host == p->run[end - 1].host;
        memcpy(members, half, (size_t)nb_mine * sizeof *members);
        first = stage->left ? first : middle;
        end = stage->left ? middle : end;
        DCPG_TRY(note_host(p, members, first, end, route, err));
    }
    return DCPG_OK;
}

static void reverse_stages(dcpg_route *route) {
    for (int i = 0, j = route->nb_stage - 1; i < j; i++, j--) {
        dcpg_stage other = route->stage[i];
        route->stage[i] = route->stage[j];
        route->stage[j] = other;
    }
}

dcpg_status dcpg_route_plan(int total, int size, const dcpg_run_of_leaves *run, int rank, dcpg_route *route,
                            dcpg_err *err) {
    *route = (dcpg_route){.total = total, .size = size};
    size_t n = (size_t)size;
    planner p = {run, total, size, rank, dcpg_alloc(n, sizeof(int)), dcpg_alloc(n, sizeof(int))};
    member *members = dcpg_alloc(n, sizeof *members), *halves = dcpg_alloc(n, sizeof *halves);
    dcpg_status status = DCPG_OK;
    if (!p.order || !p.spare || !members || !halves)
        status = dcpg_fail_nomem(err, "the exchange of gradients", 2 * n * sizeof *members);
    if (status == DCPG_OK) {
        order_group(&p, 0, size);
        for (int i = 0; i < size; i++) {
            members[i] = (member){p.order[i], i, i + 1};
            if (p.order[i] == rank) route->place = i;
        }
        status = plan_stages(&p, members, halves, route, err);
        reverse_stages(route);
    }
    dcpg_free(p.order);
    dcpg_free(p.spare);
    dcpg_free(members);
    dcpg_free(halves);
    return status;
}

void dcpg_route_free(dcpg_route *route) {
    for (int i = 0; i < route->nb_stage; i++) {
        dcpg_free(route->stage[i].to);
        dcpg_free(route->stage[i].node);
        dcpg_free(route->stage[i].merged);
    }
    dcpg_free(route->host);
    *route = (dcpg_route){0};
}
