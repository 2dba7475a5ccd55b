/* SPDX-License-Identifier: MIT */
/* Routes of all ranks fit together, for many numbers of ranks, leaves and hosts: what one rank sends another
 * expects, every value is merged exactly once, and every rank ends with its own slice. */
#include "cmocka_all.h"
#include "par/route.h"
#include <dcpg/memory.h>
#include <dcpg/slices.h>
#include <string.h>

enum { MOST_RANKS = 130 };

static dcpg_route routes[MOST_RANKS];
static dcpg_run_of_leaves runs[MOST_RANKS];

static void plan_all(int total, int size) {
    for (int r = 0; r < size; r++)
        assert_int_equal(dcpg_route_plan(total, size, runs, r, &routes[r], NULL), 0);
}

static void free_all(int size) {
    for (int r = 0; r < size; r++) dcpg_route_free(&routes[r]);
}

/* The stage of `route` at which the groups [first, end) merge. */
static const dcpg_stage *stage_of(const dcpg_route *route, int first, int end) {
    for (int s = 0; s < route->nb_stage; s++)
        if (route->stage[s].first == first && route->stage[s].end == end) return &route->stage[s];
    fail_msg("no stage for ranks %d to %d", first, end);
    return NULL;
}

static void check_node(dcpg_node a, dcpg_node b) {
    assert_int_equal(a.first, b.first);
    assert_int_equal(a.end, b.end);
}

/* The nodes before a stage are those that the stage before left. */
static void check_nodes(const dcpg_route *route, int rank) {
    dcpg_node own[DCPG_MAX_NODES];
    const dcpg_node *held = own;
    int nb = dcpg_tree_nodes(route->total, runs[rank].first, runs[rank].end, own);
    for (int s = 0; s < route->nb_stage; s++) {
        const dcpg_stage *stage = &route->stage[s];
        assert_int_equal(nb, stage->left ? stage->nb_left : stage->nb_right);
        for (int i = 0; i < nb; i++) check_node(held[i], stage->node[(stage->left ? 0 : stage->nb_left) + i]);
        held = stage->merged;
        nb = stage->nb_merged;
    }
    assert_int_equal(nb, 1);
    check_node(held[0], (dcpg_node){0, route->total});
}

/* Places given away and kept tile the places held, and every message has its counterpart. */
static void check_peers(const dcpg_route *route, int rank) {
    int first = 0, end = route->size;
    for (int s = 0; s < route->nb_stage; s++) {
        const dcpg_stage *stage = &route->stage[s];
        assert_int_equal(stage->held, first);
        assert_int_equal(stage->hold, end);
        int at = first;
        for (int i = 0; i < stage->nb_to; i++) {
            const dcpg_peer *to = &stage->to[i];
            if (at == stage->from.first) at = stage->from.end;
            assert_int_equal(to->first, at);
            at = to->end;
            const dcpg_stage *theirs = stage_of(&routes[to->rank], stage->first, stage->end);
            assert_true(theirs->left != stage->left);
            assert_int_equal(theirs->from.rank, rank);
            assert_int_equal(theirs->from.first, to->first);
            assert_int_equal(theirs->from.end, to->end);
        }
        if (at == stage->from.first) at = stage->from.end;
        assert_int_equal(at, end);
        first = stage->from.first;
        end = stage->from.end;
    }
    assert_int_equal(first, route->place);
    assert_int_equal(end, route->place + 1);
}

static void check_hosts(const dcpg_route *route) {
    for (int s = 0; s < route->nb_stage; s++) {
        const dcpg_stage *stage = &route->stage[s];
        bool inside = runs[stage->first].host == runs[stage->end - 1].host;
        assert_int_equal(inside, s < route->nb_host_stage);
        if (!inside) assert_int_not_equal(runs[stage->middle - 1].host, runs[stage->middle].host);
    }
}

/* The ranks of a host, each with the places that it holds when the host's stages are done; they tile all. */
static void check_host_parts(const dcpg_route *route, int rank) {
    int at = 0;
    for (int i = 0; i < route->nb_host; i++) {
        const dcpg_peer *peer = &route->host[i];
        const dcpg_route *theirs = &routes[peer->rank];
        assert_int_equal(runs[peer->rank].host, runs[rank].host);
        assert_int_equal(peer->first, at);
        at = peer->end;
        int n = theirs->nb_host_stage;
        assert_int_equal(peer->first, n ? theirs->stage[n - 1].from.first : 0);
        assert_int_equal(peer->end, n ? theirs->stage[n - 1].from.end : theirs->size);
    }
    assert_int_equal(at, route->size);
}

static void check_routes(int total, int size) {
    bool taken[MOST_RANKS] = {0};
    plan_all(total, size);
    for (int r = 0; r < size; r++) {
        check_nodes(&routes[r], r);
        check_peers(&routes[r], r);
        check_hosts(&routes[r]);
        check_host_parts(&routes[r], r);
        assert_false(taken[routes[r].place]);
        taken[routes[r].place] = true;
    }
    free_all(size);
}

/* Runs of leaves as dcpg_part cuts them, `per_host` ranks on each host. */
static void cut(int total, int size, int per_host) {
    for (int r = 0; r < size; r++)
        runs[r] = (dcpg_run_of_leaves){(int)((int64_t)r * total / size),
                                       (int)((int64_t)(r + 1) * total / size), r / per_host};
}

static void any_ranks_and_leaves(void **state) {
    (void)state;
    for (int size = 1; size <= MOST_RANKS; size += size < 40 ? 1 : 9) {
        int totals[] = {size, size + 1, size + 3, 2 * size - 1, 2 * size, 3 * size + 1, 300};
        for (size_t i = 0; i < sizeof totals / sizeof *totals; i++) {
            cut(totals[i], size, 1);
            check_routes(totals[i], size);
            cut(totals[i], size, 1 + (int)i);
            check_routes(totals[i], size);
        }
    }
}

/* Hosts with different numbers of ranks, ranks with different numbers of leaves. */
static void unequal(void **state) {
    (void)state;
    for (int size = 2; size <= 60; size += 7) {
        int leaf = 0;
        for (int r = 0, host = 0; r < size; r++) {
            int n = 1 + r * r % 5;
            if (r % 7 == 3 || r % 11 == 0) host++;
            runs[r] = (dcpg_run_of_leaves){leaf, leaf + n, host};
            leaf += n;
        }
        check_routes(leaf, size);
        for (int r = 0; r < size; r++) runs[r].host = r == size - 1;
        check_routes(leaf, size);
    }
}

/* Messages of a rank, and parts of the array that it sends, where the runs fill whole subtrees. */
static void few_messages(void **state) {
    (void)state;
    static const int per_host[] = {1, 8};
    for (int size = 2, log = 1; size <= 128; size *= 2, log++) {
        for (int k = 0; k < 2; k++) {
            cut(4 * size, size, per_host[k]);
            plan_all(4 * size, size);
            for (int r = 0; r < size; r++) {
                int given = 0;
                assert_int_equal(routes[r].nb_stage, log);
                for (int s = 0; s < log; s++) {
                    const dcpg_stage *stage = &routes[r].stage[s];
                    assert_int_equal(stage->nb_to, 1);
                    assert_int_equal(stage->nb_left + stage->nb_right, 2);
                    given += stage->to[0].end - stage->to[0].first;
                }
                assert_int_equal(given, size - 1);
            }
            free_all(size);
        }
    }
}

/* One rank more than a power of two neither makes a rank send to all others nor doubles the stages. */
static void no_rank_sends_to_many(void **state) {
    (void)state;
    for (int size = 3; size <= MOST_RANKS; size++) {
        cut(size, size, 1);
        plan_all(size, size);
        for (int r = 0; r < size; r++) {
            int log = 0, messages = 0;
            while (1 << log < size) log++;
            for (int s = 0; s < routes[r].nb_stage; s++) messages += routes[r].stage[s].nb_to;
            assert_in_range(routes[r].nb_stage, 1, log + 3);
            assert_in_range(messages, 1, 2 * log + 3);
        }
        free_all(size);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(any_ranks_and_leaves), cmocka_unit_test(unequal),
                                       cmocka_unit_test(few_messages),
                                       cmocka_unit_test(no_rank_sends_to_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
