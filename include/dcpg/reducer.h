/* SPDX-License-Identifier: MIT */
/* The reducer: an interface by which layers sum over all ranks without MPI. par implements it
 * (dcpg_par_reducer), base has the single-rank twin. */
#ifndef DCPG_REDUCER_H
#define DCPG_REDUCER_H

#include <dcpg/api.h>
#include <dcpg/tree.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* Functions of a reducer. Every rank calls the same functions in the same order with the same counts. */
typedef struct dcpg_reducer {
    void *self;

    /* Collective. sums[node][count]: the sums of this rank's maximal nodes (dcpg_tree_nodes of its leaves),
     * one after the other; at the end total[count] holds the sum over all leaves, the same bits on every
     * rank. Blocks. `sums` is destroyed. */
    void (*sum)(void *self, double *sums, size_t count, double *total);

    /* Collective. Starts to sum floats [offset, offset + count) of the gradient buffers given to the
     * implementation (grads[node][all parameters]). Returns at once; the result replaces node 0's range when
     * wait() returns. */
    void (*start)(void *self, size_t offset, size_t count);

    /* Local. Lets communication progress; call it often from compute loops on the thread that calls start. */
    void (*poll)(void *self);

    /* Collective. Finishes every sum started. */
    void (*wait)(void *self);
} dcpg_reducer;

/* State of a single-rank reducer; fill it in and keep it as long as the reducer. */
typedef struct dcpg_local_reducer {
    int total;    /* V */
    float *grads; /* [nb_node][stride] sums of the nodes of [0, V): one node, already complete; may be NULL */
} dcpg_local_reducer;

/* The twin for one rank that owns all leaves. Local. */
DCPG_API dcpg_reducer dcpg_reducer_local(dcpg_local_reducer *self);

DCPG_END_C

#endif
