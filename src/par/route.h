/* SPDX-License-Identifier: MIT */
/* Routes: how a rank's sums are merged with those of the other ranks, in about log2(P) stages.
 *
 * The ranks are halved again and again: first into groups of hosts, then within a host. Seen from the bottom,
 * every stage merges the sums of two neighbouring groups of ranks. Before it, each group holds the sums of
 * the maximal nodes (tree.h) of its run of leaves; after it, the merged group holds those of the longer run.
 * An array is cut into one slice per rank, in the order of `places`, and each rank of a group holds the
 * group's sums of a run of places, which shrinks at every stage until it is the rank's own slice (recursive
 * halving). The way back, from slices to the whole array, passes through the same stages in reverse.
 *
 * The order of the places interleaves the ranks of the two groups of every stage, so that what a rank holds
 * stays in one piece and every rank receives from exactly one rank. Everything here follows from the runs of
 * leaves and the hosts alone, and is computed by each rank for itself. */
#ifndef DCPG_PAR_ROUTE_H
#define DCPG_PAR_ROUTE_H

#include <dcpg/status.h>
#include <dcpg/tree.h>
#include <stdbool.h>

/* Where a rank computes, and what. */
typedef struct dcpg_run_of_leaves {
    int first, end; /* leaves; the runs of ranks 0, 1, ... follow each other */
    int host;       /* the ranks of a host are neighbours */
} dcpg_run_of_leaves;

/* A rank of the other group, and the places whose sums travel to or from it. */
typedef struct dcpg_peer {
    int rank, first, end;
} dcpg_peer;

/* The merge of the groups of ranks [first, middle) and [middle, end). */
typedef struct dcpg_stage {
    int first, middle, end;
    bool left;      /* whether this rank is in the first of them */
    dcpg_peer from; /* sends the sums of the places that this rank holds after the stage */
    dcpg_peer *to;  /* [nb_to] get the sums of the places that this rank gives away; in the order of places */
    int nb_to;
    int held, hold;  /* places that this rank held before: [held, hold) */
    dcpg_node *node; /* [nb_left + nb_right] maximal nodes of the left group, then of the right one */
    int nb_left, nb_right;
    dcpg_node *merged; /* [nb_merged] of both groups together */
    int nb_merged;
} dcpg_stage;

/* More stages than any number of ranks needs. */
enum { DCPG_MAX_STAGES = 96 };

typedef struct dcpg_route {
    int total, size; /* leaves, ranks */
    int place;       /* this rank's slice */
    int nb_stage;    /* in the order in which sums are merged: stages within the host come first */
    int nb_host_stage;
    dcpg_peer *host; /* [nb_host] ranks of this rank's host, and the places whose sums each of them holds
                        when those of the host have been merged */
    int nb_host;
    dcpg_stage stage[DCPG_MAX_STAGES];
} dcpg_route;

/* The route of rank `rank` of `size`, whose runs of leaves tile [0, total). Free with dcpg_route_free, also
 * after an error. Pure. */
dcpg_status dcpg_route_plan(int total, int size, const dcpg_run_of_leaves *run, int rank, dcpg_route *route,
                            dcpg_err *err);
void dcpg_route_free(dcpg_route *route);

#endif
