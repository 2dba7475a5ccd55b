/* SPDX-License-Identifier: MIT */
/* Ranks: the communicator, agreement on errors, exchange of data, and sums of gradients. The only header
 * besides h5.h that knows there is MPI. */
#ifndef DCPG_PAR_H
#define DCPG_PAR_H

#include <dcpg/api.h>
#include <dcpg/log.h>
#include <dcpg/reducer.h>
#include <dcpg/slices.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* All ranks of a run. Opaque parts: src/par/par_impl.h. */
typedef struct dcpg_par {
    int rank, size;           /* in the world of this run */
    int node_rank, node_size; /* among the ranks that share this host's memory */
    int node, nb_node;        /* which host, of how many */
    struct dcpg_par_impl *impl;
} dcpg_par;

/* Starts MPI (unless started; thread level FUNNELED) and fills `par`. `argc` and `argv` are not looked at and
 * may be NULL: no MPI of today takes words from them. Collective. */
DCPG_API dcpg_status dcpg_par_open_all(dcpg_par *par, int *argc, char ***argv, dcpg_err *err);

/* Ends MPI if dcpg_par_open_all started it. Collective. */
DCPG_API void dcpg_par_close_all(dcpg_par *par);

/* Agreement: every rank gives its own status; all return the same one, that of the lowest failing rank, and
 * `err` holds its text everywhere. Collective. */
DCPG_API dcpg_status dcpg_agree_all(const dcpg_par *par, dcpg_status status, dcpg_err *err);

/* Ends all ranks at once with `code`; for states that cannot be agreed upon (a stalled rank). Local. */
DCPG_API void dcpg_par_abort(const dcpg_par *par, int code);

/* From now on a rank for which others wait longer than `seconds` in one of the functions below, or in sums,
 * is named on stderr and ends the job; 0, or one rank: waits last as long as they must. Longer waits are told
 * from a rank at work by nothing but time: choose more than the slowest disk takes. Collective. */
DCPG_API dcpg_status dcpg_par_watch_all(const dcpg_par *par, double seconds, dcpg_err *err);

/* To be called now and then, at least once a minute, by a rank that works long while others may wait for it:
 * it is not taken for stalled. Cheap. Local, by the thread that communicates. */
DCPG_API void dcpg_par_busy(const dcpg_par *par);

/* DCPG_E_USAGE where a launcher's variables (OMPI_COMM_WORLD_SIZE, PMI_SIZE, PMIX_RANK ...) speak of another
 * number of ranks than MPI: it is of another MPI, and each rank a world of its own. The variable of the MPI
 * in use counts before those of others. Local. */
DCPG_API dcpg_status dcpg_par_check_launcher(const dcpg_par *par, dcpg_err *err);

/* The same, and where SLURM has several tasks for this job but this process is alone, without an mpirun that
 * wanted it so. Local. */
DCPG_API dcpg_status dcpg_par_check_alone(const dcpg_par *par, dcpg_err *err);

/* Whether a launcher's variables say that this process has companions; before MPI starts. Local. */
DCPG_API bool dcpg_par_launched(void);

/* DCPG_E_USAGE where `text` (`what` says of what) is not that of rank 0; names the lowest such rank and its
 * host. Collective. */
DCPG_API dcpg_status dcpg_same_all(const dcpg_par *par, const char *what, const char *text, dcpg_err *err);

/* Item i of `total` equal contiguous parts, part r of n: first item. Pure. */
DCPG_API int64_t dcpg_part(int64_t total, int64_t r, int64_t n); /* floor(r * total / n) */

/* Collective exchanges. Sizes are bytes and may exceed 2^31. */
DCPG_API void dcpg_barrier_all(const dcpg_par *par);
DCPG_API void dcpg_bcast_all(const dcpg_par *par, void *data, size_t bytes, int root);
DCPG_API int64_t dcpg_sum_i64_all(const dcpg_par *par, int64_t x);
DCPG_API int64_t dcpg_max_i64_all(const dcpg_par *par, int64_t x);
DCPG_API double dcpg_max_f64_all(const dcpg_par *par, double x);
DCPG_API void dcpg_sum_i64s_all(const dcpg_par *par, int64_t *x, size_t count);
DCPG_API void dcpg_min_i64s_all(const dcpg_par *par, int64_t *x, size_t count);
DCPG_API void dcpg_max_i64s_all(const dcpg_par *par, int64_t *x, size_t count);

/* Gathers `bytes` of each rank, in rank order, into out[size * bytes] on every rank. Collective. */
DCPG_API void dcpg_allgather_all(const dcpg_par *par, const void *mine, size_t bytes, void *out);

/* Gathers arrays of different lengths on every rank, in rank order. `*out` is allocated (dcpg_free),
 * bytes_of[size] receives the lengths. Collective. */
DCPG_API dcpg_status dcpg_allgatherv_all(const dcpg_par *par, const void *mine, size_t bytes, void **out,
                                         size_t *bytes_of, dcpg_err *err);

/* Sends send_bytes[r] bytes at send + send_at[r] to rank r; receives all of it in rank order into `*out`
 * (allocated; dcpg_free), recv_bytes[size]. Collective. */
DCPG_API dcpg_status dcpg_alltoallv_all(const dcpg_par *par, const void *send, const size_t *send_at,
                                        const size_t *send_bytes, void **out, size_t *recv_bytes,
                                        dcpg_err *err);

/* ---- sums over the tree ---- */

/* Gradients of a rank and how to sum them. */
typedef struct dcpg_par_sums dcpg_par_sums;

typedef struct dcpg_par_sums_options {
    int total;      /* V, leaves of the tree */
    int first, end; /* leaves of this rank; the ranks' runs tile [0, V) in rank order and none is empty */
    float *grads;   /* [number of maximal nodes][slices.total]; the total ends in node 0's part on every rank.
                       NULL: small sums only */
    dcpg_slices slices; /* of the gradients of a node: who merges what. Ranges given to start() are cut at
                           blocks, which travel as a whole */
    bool sharded; /* totals are wanted by their owners alone: in every rank's slices. The rest of node 0's
                     part is destroyed, too */
    bool bf16;    /* sums travel as bfloat16. Those of nodes must be rounded already (dcpg_tree_sum_bf16) */
    bool reproducible; /* false: node sums are added locally and summed as MPI likes; not with bf16 */
} dcpg_par_sums_options;

/* Prepares the exchange: every rank sends, for each slice of the array, its nodes' sums to the slice's owner,
 * who merges them in the order of the tree and gives the result to all (messages of a reduce-scatter, then of
 * an allgather; all non-blocking). Several ranges are under way at a time, more wait in a queue that poll()
 * and wait() drain. The buffers of nodes other than node 0 are destroyed where they are summed. With one rank
 * nothing is copied. Owned by the caller; dcpg_par_sums_close_all. `options` is copied, what it points to and
 * `par` must live as long. sum() ends all ranks where it runs out of memory. Collective. */
DCPG_API dcpg_status dcpg_par_sums_open_all(const dcpg_par *par, const dcpg_par_sums_options *options,
                                            dcpg_par_sums **sums, dcpg_err *err);
DCPG_API void dcpg_par_sums_close_all(dcpg_par_sums *sums);

/* The reducer on top of it, valid while `sums` lives. Local. */
DCPG_API dcpg_reducer dcpg_par_reducer(dcpg_par_sums *sums);

/* Every rank's slices of array[slices.total] to all: what owners computed. Nothing started may be under way.
 * Collective. */
DCPG_API void dcpg_par_sums_gather_all(dcpg_par_sums *sums, float *array);

/* ---- memory of a host ---- */

/* Memory that the ranks of a host share, so that what all of them read is held once. */
typedef struct dcpg_par_shared {
    void *data; /* [bytes] the same bytes for all ranks of the host */
    size_t bytes;
    bool one_per_host; /* false: a copy per rank, as one rank is alone or the system has no room to share */
    bool writer;       /* one rank per copy */
    struct dcpg_par_shared_impl *impl;
} dcpg_par_shared;

/* Zeroed memory of `bytes` (the same number on all ranks). Where the system refuses to share (little room in
 * /dev/shm), every rank gets its own. DCPG_E_NOMEM. dcpg_par_shared_close_all. Collective. */
DCPG_API dcpg_status dcpg_par_shared_open_all(const dcpg_par *par, size_t bytes, dcpg_par_shared **shared,
                                              dcpg_err *err);
DCPG_API void dcpg_par_shared_close_all(dcpg_par_shared *shared); /* NULL is fine */

/* Puts data[bytes] of rank `root` at byte `at` of every copy. It may stand there already. Other ranks may
 * give NULL. Collective. */
DCPG_API void dcpg_par_shared_fill_all(const dcpg_par *par, dcpg_par_shared *shared, size_t at,
                                       const void *data, size_t bytes, int root);

/* What ranks of a host wrote before is seen by all of them afterwards. Collective on each host. */
DCPG_API void dcpg_par_shared_sync_all(dcpg_par_shared *shared);

/* ---- who runs where ---- */

/* How many threads this rank should run: what the user asked for (a number in OMP_NUM_THREADS), else its
 * share of the cores that the ranks of its host may use together. Those that may use the same cores share
 * them equally; none gets less than 1, or more than OMP_THREAD_LIMIT. The caller tells OpenMP
 * (omp_set_num_threads). Collective. */
DCPG_API int dcpg_par_threads_all(dcpg_par *par);

/* Prints one line per rank on the log (host, cores allowed, threads), how ranks of a host share its cores
 * where dcpg_par_threads_all chose so, and warns, once per host, where threads exceed the cores of a rank or
 * of a host. Collective. */
DCPG_API void dcpg_par_report_all(const dcpg_par *par, int nb_thread, dcpg_log *log);

/* Number of processors this process may run on. Local. */
DCPG_API int dcpg_cores_allowed(void);

DCPG_END_C

#endif
