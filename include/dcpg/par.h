/* SPDX-License-Identifier: MIT */
/* Ranks: the communicator, agreement on errors, exchange of data, and sums of gradients. The only header,
 * besides h5.h, whose implementation calls MPI. */
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
    int rank, size;           /* among all ranks of this run; the ranks of a host are neighbours */
    int launch_rank;          /* the number that the launcher gave this rank, among all of its ranks */
    int host_rank, host_size; /* among the ranks that share this host's memory */
    int host, nb_host;        /* which host, of how many */
    struct dcpg_par_impl *impl;
} dcpg_par;

/* Starts MPI (unless started; thread level FUNNELED) and fills `par`. `argc` and `argv` are ignored and may
 * be NULL: current MPIs take no arguments from them. If the environment variable DCPG_RANKS_PER_HOST is set
 * to n, every n ranks of a host act as if they were on a host of their own, for tests and studies.
 * Collective. */
DCPG_API dcpg_status dcpg_par_open_all(dcpg_par *par, int *argc, char ***argv, dcpg_err *err);

/* Ends MPI if dcpg_par_open_all started it. Collective. */
DCPG_API void dcpg_par_close_all(dcpg_par *par);

/* Agreement: every rank passes its own status; all return that of the lowest failing rank, and `err` holds
 * that rank's message everywhere. Collective. */
DCPG_API dcpg_status dcpg_agree_all(const dcpg_par *par, dcpg_status status, dcpg_err *err);

/* Ends all ranks at once with `code`; for states that cannot be agreed upon (a stalled rank). Local. */
DCPG_API void dcpg_par_abort(const dcpg_par *par, int code);

/* Watches for stalled ranks from now on: if others wait for a rank longer than `seconds` in one of the
 * functions below, or in sums, its name goes to stderr and the job ends; 0, or one rank: waits are unlimited.
 * A stalled rank can be distinguished from a busy one by time alone: choose more than the slowest disk takes.
 * Collective. */
DCPG_API dcpg_status dcpg_par_watch_all(const dcpg_par *par, double seconds, dcpg_err *err);

/* Shows that this rank is not stalled: a rank that works for long while others may wait for it calls this at
 * least once a minute. Cheap. Local, on the thread that communicates. */
DCPG_API void dcpg_par_busy(const dcpg_par *par);

/* DCPG_E_USAGE if a launcher's environment variables (OMPI_COMM_WORLD_SIZE, PMI_SIZE, PMIX_RANK ...) give
 * another number of ranks than MPI does: the launcher belongs to another MPI, and each rank runs alone. The
 * variable of the MPI in use takes precedence. Local. */
DCPG_API dcpg_status dcpg_par_check_launcher(const dcpg_par *par, dcpg_err *err);

/* As dcpg_par_check_launcher; also DCPG_E_USAGE if SLURM has several tasks for this job but this process is
 * alone, unless an mpirun started it so. Local. */
DCPG_API dcpg_status dcpg_par_check_alone(const dcpg_par *par, dcpg_err *err);

/* Whether a launcher's environment variables announce several ranks; to be called before MPI starts.
 * Local. */
DCPG_API bool dcpg_par_launched(void);

/* DCPG_E_USAGE if `text` (`what` names it in the message) differs from that of rank 0; the message names the
 * lowest such rank and its host. Collective. */
DCPG_API dcpg_status dcpg_same_all(const dcpg_par *par, const char *what, const char *text, dcpg_err *err);

/* First item of part r when `total` items are cut into n contiguous, nearly equal parts. Pure. */
DCPG_API int64_t dcpg_part(int64_t total, int64_t r, int64_t n); /* floor(r * total / n) */

/* Barrier, broadcast from `root`, and sums, minima and maxima, elementwise for arrays of `count`, which all
 * ranks receive. Byte sizes may exceed 2^31. All Collective. */
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

/* Data for all ranks: bytes[r] bytes at data + at[r] are for rank r. */
typedef struct dcpg_par_parts {
    const void *data;
    const size_t *at, *bytes; /* [size] */
} dcpg_par_parts;

/* Sends every rank its part; the data from all ranks are received in rank order into `*out` (allocated;
 * dcpg_free), and their sizes into bytes_of[size]. Collective. */
DCPG_API dcpg_status dcpg_alltoallv_all(const dcpg_par *par, const dcpg_par_parts *parts, void **out,
                                        size_t *bytes_of, dcpg_err *err);

/* Rows of an array too long for one rank: ranks hold them one after the other, in rank order, and rank 0
 * moves them to or from elsewhere, a file for example, a piece at a time. */
typedef struct dcpg_par_rows {
    void *mine;   /* [nb][bytes] this rank's */
    int64_t nb;   /* 0 is fine */
    size_t bytes; /* of a row, the same number on all ranks */
    int64_t step; /* rows of a piece, the same number on all ranks; 0: as many as fit into 8 MiB, at least
                     one. A piece must be shorter than 2 GiB */
    /* Called on rank 0 alone, for every piece in order: rows first, first + 1, ... of the whole array. */
    dcpg_status (*move)(void *context, int64_t first, int64_t nb, void *piece, dcpg_err *err);
    void *context;
} dcpg_par_rows;

/* Collects the ranks' rows: each piece is passed to move(), which stores it. After an error of move(), which
 * all ranks return, it is not called again. Collective. */
DCPG_API dcpg_status dcpg_collect_rows_all(const dcpg_par *par, const dcpg_par_rows *rows, dcpg_err *err);

/* The opposite direction: move() fills the pieces, and each rank receives its rows into `mine`; they are
 * undefined after an error. Collective. */
DCPG_API dcpg_status dcpg_deal_rows_all(const dcpg_par *par, const dcpg_par_rows *rows, dcpg_err *err);

/* ---- memory that ranks of a host write into each other ---- */

/* Memory of this rank that the other ranks of its host can read and write, too. */
typedef struct dcpg_par_window {
    void *mine; /* [bytes], aligned to 64 bytes */
    void **of;  /* [host_size] that of each rank of the host; NULL: memory is not shared, because ranks are
                   alone on their hosts or space is lacking on one of them */
    struct dcpg_par_window_impl *impl;
} dcpg_par_window;

/* Zeroed memory of `bytes`, of which each rank chooses its own number. If the system cannot share it (too
 * little space in /dev/shm), every rank gets plain memory. Free with dcpg_par_window_close_all. DCPG_E_NOMEM.
 * Collective. */
DCPG_API dcpg_status dcpg_par_window_open_all(const dcpg_par *par, size_t bytes, dcpg_par_window **window,
                                              dcpg_err *err);
DCPG_API void dcpg_par_window_close_all(dcpg_par_window *window); /* NULL is fine */

/* ---- sums over the tree ---- */

/* Gradients of a rank and how to sum them. */
typedef struct dcpg_par_sums dcpg_par_sums;

typedef struct dcpg_par_sums_options {
    int total;      /* V, leaves of the tree */
    int first, end; /* leaves of this rank; the ranks' runs tile [0, V) in rank order and none is empty */
    float *grads;   /* [number of maximal nodes][count]; the total ends in node 0's part on every rank. NULL:
                       small sums only */
    size_t count;   /* values of a node */
    size_t block;   /* values that travel as a whole; 0: chosen by dcpg_slices_even */
    const dcpg_par_window *window; /* if its memory, `grads` at its start, is shared, ranks of a host add up
                                      their gradients in it; NULL: by messages */
    size_t max_bytes;              /* for messages under way, on each rank; 0: 32 MiB */
    bool sharded; /* only the owners need totals, each in its slices. The rest of node 0's part is
                     destroyed too */
    bool bf16;    /* sums travel as bfloat16. Sums of nodes must already be rounded (dcpg_tree_sum_bf16) */
    bool reproducible; /* false: each rank adds up its nodes' sums first, so that the bits of the total depend
                          on the number of ranks; not with bf16 */
} dcpg_par_sums_options;

/* What an exchange has sent so far on this rank: through the memory of the host and through the network. */
typedef struct dcpg_par_traffic {
    int64_t memory_messages, memory_bytes, network_messages, network_bytes;
} dcpg_par_traffic;

/* Prepares the exchange. Gradients pass through about log2(P) stages: first the ranks of a host add up theirs
 * in shared memory, each rank a part of the array, then groups of hosts do the same by messages, of which a
 * rank receives one per stage and sum; the totals come back the same way. A stage merges the sums of nodes in
 * the order of the tree, so that the total has the same bits for any number of ranks and hosts. Everything is
 * non-blocking. Ranges given to start() are joined and cut into blocks; several are under way at a time, more
 * wait in a queue that poll() and wait() drain. Summing destroys the summed ranges of nodes other than node
 * 0. With one rank nothing is copied. Small sums pass through the same stages, each rank receiving whole
 * arrays; few ranks exchange short ones all at once. Owned by the caller (dcpg_par_sums_close_all). `options`
 * is copied; the arrays it points to and `par` must outlive the sums. sum() ends all ranks if it runs out of
 * memory. Collective. */
DCPG_API dcpg_status dcpg_par_sums_open_all(const dcpg_par *par, const dcpg_par_sums_options *options,
                                            dcpg_par_sums **sums, dcpg_err *err);
DCPG_API void dcpg_par_sums_close_all(dcpg_par_sums *sums);

/* The slices of the gradients: which part this rank owns if `sharded`. Local. */
DCPG_API dcpg_slices dcpg_par_sums_slices(const dcpg_par_sums *sums);

/* Local. */
DCPG_API dcpg_par_traffic dcpg_par_sums_traffic(const dcpg_par_sums *sums);

/* The reducer on top of it, valid while `sums` lives. Local. */
DCPG_API dcpg_reducer dcpg_par_reducer(dcpg_par_sums *sums);

/* Sends each rank's slices of array[count], as computed by their owner, to all ranks. No sum may be in
 * flight. Collective. */
DCPG_API void dcpg_par_sums_gather_all(dcpg_par_sums *sums, float *array);

/* ---- memory of a host ---- */

/* Memory that the ranks of a host share, so that data that all of them read is held once. */
typedef struct dcpg_par_shared {
    void *data; /* [bytes] the same bytes for all ranks of the host */
    size_t bytes;
    bool one_per_host; /* false: a copy per rank; ranks are alone on their hosts, or space is lacking */
    bool writer;       /* true on one rank per copy */
    struct dcpg_par_shared_impl *impl;
} dcpg_par_shared;

/* Zeroed memory of `bytes` (the same number on all ranks). If the system cannot share it (too little space in
 * /dev/shm), every rank gets its own copy. Free with dcpg_par_shared_close_all. DCPG_E_NOMEM. Collective. */
DCPG_API dcpg_status dcpg_par_shared_open_all(const dcpg_par *par, size_t bytes, dcpg_par_shared **shared,
                                              dcpg_err *err);
DCPG_API void dcpg_par_shared_close_all(dcpg_par_shared *shared); /* NULL is fine */

/* Copies data[bytes] of rank `root` to byte `at` of every copy; `data` may already be there. Other ranks may
 * pass NULL. Collective. */
DCPG_API void dcpg_par_shared_fill_all(const dcpg_par *par, dcpg_par_shared *shared, size_t at,
                                       const void *data, size_t bytes, int root);

/* Makes everything that ranks of a host wrote before the call visible to all of them. Collective on each
 * host. */
DCPG_API void dcpg_par_shared_sync_all(dcpg_par_shared *shared);

/* ---- who runs where ---- */

/* The number of threads for this rank: the user's choice (a number in OMP_NUM_THREADS), else its part of the
 * cores that the ranks of its host may use. Ranks that may use the same cores divide them equally; each gets
 * at least 1, and at most OMP_THREAD_LIMIT. The caller sets OpenMP's number (omp_set_num_threads).
 * Collective. */
DCPG_API int dcpg_par_threads_all(dcpg_par *par);

/* Logs one line per group of equal hosts (ranks, cores allowed, threads), at DCPG_DEBUG one per rank, and, if
 * dcpg_par_threads_all divided the cores, how ranks of a host share them; warns once per host if threads
 * exceed the cores of a rank or of the host. Collective. */
DCPG_API void dcpg_par_report_all(const dcpg_par *par, int nb_thread, dcpg_log *log);

/* Number of processors this process may run on. Local. */
DCPG_API int dcpg_cores_allowed(void);

DCPG_END_C

#endif
