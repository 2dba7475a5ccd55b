/* SPDX-License-Identifier: MIT */
/* The internals of an exchange: buckets.c moves gradients, small_sums.c sums short arrays, sums.c opens,
 * queues and closes. */
#ifndef DCPG_PAR_SUMS_IMPL_H
#define DCPG_PAR_SUMS_IMPL_H

#include "par/par_impl.h"
#include "par/route.h"

/* A range of the gradients on its way through the ranks is called a bucket. It passes through phases, and
 * moves on when its messages, or the other ranks of the host, have arrived:
 *   HOST_READY  waits until all ranks of the host have reached this bucket, then merges all their sums in a
 *               part of it;
 *   REDUCE      a stage of the route: sends sums that other ranks merge, receives those that this one does;
 *   GATHER      the same stage on the way back, with totals; left out if only owners need them;
 *   HOST_DONE   waits until all ranks of the host have their parts of the total, then copies them;
 *   HOST_LEFT   waits until all ranks of the host have copied this one's part.
 * HOST phases are left out without shared memory: ranks of a host then exchange messages as well. */
typedef enum phase { IDLE, HOST_READY, REDUCE, GATHER, HOST_DONE, HOST_LEFT } phase;

enum {
    NB_BUCKET = 8,    /* at most so many in flight; more wait in the queue */
    NB_QUEUED = 256,  /* ranges that may wait; start() blocks if there are more */
    NB_NUMBER = 8192, /* buckets have numbers, the same on all ranks, and tags from them: MPI guarantees
                         32767, and messages of different buckets may overtake each other */
    TAG_SMALL = 2 * NB_NUMBER,
    FEW_RANKS = 8 /* at most so many exchange short arrays all at once: small_sums.c */
};

/* How far a rank has come with the bucket in each place, by the bucket's number; the other ranks of its host
 * look here. */
typedef struct host_flags {
    _Alignas(64) _Atomic unsigned ready[NB_BUCKET];
    _Alignas(64) _Atomic unsigned done[NB_BUCKET];
    _Alignas(64) _Atomic unsigned left[NB_BUCKET];
} host_flags;

/* Sums of nodes of which this rank holds a part of the values. */
typedef struct held_sums {
    int nb;
    dcpg_range range;             /* of the values held */
    float *part[DCPG_MAX_NODES];  /* [nb][range.count] */
    bool settled[DCPG_MAX_NODES]; /* in the memory of gradients, rather than in buffers of the bucket */
} held_sums;

/* What is to be summed, or, if `array` is no gradient, only gathered. */
typedef struct task {
    float *array; /* the total goes there; range.offset counts from its start */
    dcpg_range range;
    bool reduce;
} task;

typedef struct bucket {
    phase phase;
    task task;
    unsigned number;
    int stage;   /* of the route */
    int host_at; /* ranks of the host before this one are known to have arrived */
    held_sums held;
    MPI_Request *requests; /* part of those of all buckets */
    int nb_request;
    float *received;    /* [nodes][values kept] */
    float *arena[2];    /* sums that must survive the next stage, in turns */
    uint16_t *out, *in; /* messages in bf16 */
} bucket;

/* Sizes of a bucket's buffers, in values, for the longest range. */
typedef struct bucket_sizes {
    size_t received, arena, out, in, requests;
} bucket_sizes;

struct dcpg_par_sums {
    const dcpg_par *par;
    dcpg_par_sums_options options;
    dcpg_slices slices;
    MPI_Comm comm;     /* for the messages of sums only: nothing else can match them */
    dcpg_route route;  /* over the leaves */
    dcpg_route coarse; /* of gradients without reproducibility: over the ranks */
    int nb_own;        /* maximal nodes of this rank */
    dcpg_par_traffic traffic;

    /* gradients */
    const dcpg_route *way; /* one of the routes above */
    bool in_memory;        /* ranks of this host share their gradients */
    dcpg_par_window *flags;
    int nb_host_part;      /* rows of gradients of all ranks of the host, in the order of their nodes */
    dcpg_node *host_node;  /* [nb_host_part] */
    float **host_part;     /* [nb_host_part] */
    float **host_work;     /* [nb_host_part] */
    bool *host_settled;    /* [nb_host_part] */
    MPI_Request *requests; /* [nb_request] of all buckets */
    int nb_request;
    bucket bucket[NB_BUCKET];
    unsigned nb_bucket;          /* in use */
    size_t longest;              /* range of a bucket */
    unsigned number;             /* of the next bucket */
    dcpg_range pending;          /* handed over, but no whole block yet */
    dcpg_range queue[NB_QUEUED]; /* ring */
    unsigned first_queued, nb_queued;

    /* small sums */
    double *all; /* [all_count] sums of the nodes of a stage, or of all ranks, one after the other */
    size_t all_count;
    double *piece;                                  /* [nb_own][piece of a long array] */
    MPI_Request *small_requests;                    /* of a stage, or of all ranks */
    dcpg_node few_node[FEW_RANKS * DCPG_MAX_NODES]; /* maximal nodes of all ranks, if they are few */
    int few_first[FEW_RANKS + 1];                   /* of them, the first of each rank, and the end */
};

/* ---- buckets.c ---- */

/* Fills in the sizes that buckets of up to `longest` values need. Pure. */
void dcpg_bucket_measure(const dcpg_par_sums *s, size_t longest, bucket_sizes *sizes);

/* Starts the sum of a task; the bucket must be idle. Collective, in the same order on all ranks. */
void dcpg_bucket_start(dcpg_par_sums *s, bucket *b, const task *task);

/* Moves a bucket as far as possible without waiting. */
void dcpg_bucket_advance(dcpg_par_sums *s, bucket *b);

/* ---- sums.c ---- */

/* Moves every bucket as far as possible and starts waiting ranges; returns whether any is in flight. */
bool dcpg_sums_advance(dcpg_par_sums *s);

/* Counts a message, to a rank of this host or of another. */
void dcpg_sums_count(dcpg_par_sums *s, bool on_host, size_t bytes);

/* ---- small_sums.c ---- */

/* run[size]: leaves of all ranks. */
dcpg_status dcpg_small_sums_open(dcpg_par_sums *s, const dcpg_run_of_leaves *run, dcpg_err *err);
void dcpg_small_sums_close(dcpg_par_sums *s);
void dcpg_small_sum_all(dcpg_par_sums *s, double *sums, size_t count, double *total);

#endif
