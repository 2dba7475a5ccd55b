/* SPDX-License-Identifier: MIT */
/* Watching: makes sure that waits for other ranks end. A rank that has waited too long calls the roll. Ranks
 * that wait as well answer from within their waits, and ranks with long work answer that they are busy
 * (dcpg_par_busy); so a rank that does not answer is the one that all others wait for. It is named, and the
 * job ends. Before that no message is sent: watching costs only an occasional look at the clock. */
#define _GNU_SOURCE /* gethostname */
#include "par/par_impl.h"
#include <dcpg/cleanup.h>
#include <dcpg/memory.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { TAG_CALL, TAG_HERE, TAG_BUSY, TAG_NAMED };

/* Tries between two looks at the clock; and seconds between two checks for roll calls of other ranks. */
enum { TRIES_PER_LOOK = 256 };
static const double LOOK_EVERY = 0.1;

/* Seconds in which ranks must answer a roll call: a busy rank checks for calls only now and then. */
static const double ROLL = 60;

/* Seconds after which a rank does not wait for lower ones to name the absent. */
enum { MOST_TURNS = 30 };

struct dcpg_watch {
    double timeout;
    MPI_Comm comm;    /* for roll calls only */
    char (*host)[64]; /* [size] */
    bool *present;    /* [size] */
    double looked;    /* when dcpg_par_busy last checked */
};

static void send_signal(const dcpg_par *par, int to, int tag) {
    MPI_Request request;
    MPI_Isend(NULL, 0, MPI_BYTE, to, tag, par->impl->watch->comm, &request);
    MPI_Request_free(&request);
}

/* Receives one message with this tag, if there is one. */
static bool receive_signal(const dcpg_par *par, int tag, int *from) {
    MPI_Status status;
    MPI_Comm comm = par->impl->watch->comm;
    int there;
    MPI_Iprobe(MPI_ANY_SOURCE, tag, comm, &there, &status);
    if (!there) return false;
    *from = status.MPI_SOURCE;
    MPI_Recv(NULL, 0, MPI_BYTE, *from, tag, comm, MPI_STATUS_IGNORE);
    return true;
}

static void answer(const dcpg_par *par, int tag) {
    int from;
    while (receive_signal(par, TAG_CALL, &from)) send_signal(par, from, tag);
}

void dcpg_par_busy(const dcpg_par *par) {
    struct dcpg_watch *watch = par->impl->watch;
    if (!watch || dcpg_now() - watch->looked < LOOK_EVERY) return;
    watch->looked = dcpg_now();
    answer(par, TAG_BUSY);
}

/* Fills `present` with the ranks that answer within `seconds`; returns their number, and whether any of them
 * is busy. */
static int call_roll(const dcpg_par *par, double seconds, bool *busy) {
    bool *present = par->impl->watch->present;
    int from, nb = 1;
    *busy = false;
    while (receive_signal(par, TAG_HERE, &from) || receive_signal(par, TAG_BUSY, &from)) {
    } /* late answers to an earlier call */
    memset(present, 0, (size_t)par->size * sizeof *present);
    present[par->rank] = true;
    for (int r = 0; r < par->size; r++)
        if (r != par->rank) send_signal(par, r, TAG_CALL);
    for (double end = dcpg_now() + seconds; nb < par->size && dcpg_now() < end;) {
        bool works = false;
        answer(par, TAG_HERE);
        while (receive_signal(par, TAG_HERE, &from) || (works = receive_signal(par, TAG_BUSY, &from))) {
            *busy |= works;
            nb += !present[from];
            present[from] = true;
        }
    }
    return nb;
}

/* Ranks find out at about the same time, and one of them is to name the absent: the lowest at once, the
 * others a second later for each present rank below them. Meanwhile they still answer. False: another rank
 * was faster, and has not ended this one after MOST_TURNS. */
static bool wait_for_turn(const dcpg_par *par) {
    const bool *present = par->impl->watch->present;
    const struct timespec nap = {0, 10000000};
    double start = dcpg_now();
    int nb_below = 0, from;
    bool named = false;
    for (int r = 0; r < par->rank; r++) nb_below += present[r];
    while (dcpg_now() - start < (named || nb_below > MOST_TURNS ? MOST_TURNS : nb_below)) {
        answer(par, TAG_HERE);
        while (receive_signal(par, TAG_NAMED, &from)) named = true;
        nanosleep(&nap, NULL);
    }
    for (int r = 0; !named && r < par->size; r++)
        if (present[r] && r != par->rank) send_signal(par, r, TAG_NAMED);
    return !named;
}

static void name_absent(const dcpg_par *par, int nb_absent) {
    const struct dcpg_watch *watch = par->impl->watch;
    if (nb_absent == 0)
        fprintf(stderr,
                "dcpg: all ranks have waited for each other for %g s: the network hangs, or this is a bug of "
                "dcpg; the job ends\n",
                watch->timeout);
    for (int r = 0; r < par->size; r++)
        if (!watch->present[r])
            fprintf(stderr,
                    "dcpg: rank %d on host %s has stalled: the others have waited for it for %g s "
                    "(--stall_timeout) and it does not answer; the job ends\n",
                    r, watch->host[r], watch->timeout);
    fflush(stderr);
}

static void find_stalled(const dcpg_par *par, dcpg_wait *wait) {
    const double timeout = par->impl->watch->timeout;
    bool busy;
    int nb_absent = par->size - call_roll(par, timeout < ROLL ? timeout : ROLL, &busy);
    wait->since = dcpg_now();
    wait->nb_roll++;
    if (nb_absent == 0 && busy) wait->nb_roll = 0;
    if (nb_absent == 0 && wait->nb_roll <= 1) return; /* the awaited message may have arrived meanwhile */
    if (wait_for_turn(par)) name_absent(par, nb_absent);
    dcpg_cleanup_run();
    MPI_Abort(par->impl->comm, dcpg_exit_code(DCPG_E_NUMERIC));
}

void dcpg_wait_tick(const dcpg_par *par, dcpg_wait *wait) {
    if (!par->impl->watch || ++wait->nb_try % TRIES_PER_LOOK) return;
    double now = dcpg_now();
    if (wait->since <= 0) wait->since = now;
    if (now - wait->looked < LOOK_EVERY) return;
    wait->looked = now;
    answer(par, TAG_HERE);
    if (now - wait->since > par->impl->watch->timeout) find_stalled(par, wait);
}

void dcpg_wait_for(const dcpg_par *par, int n, MPI_Request *requests) {
    dcpg_wait wait = {0};
    int done = 0;
    if (!par->impl->watch) MPI_Waitall(n, requests, MPI_STATUSES_IGNORE);
    while (par->impl->watch && (MPI_Testall(n, requests, &done, MPI_STATUSES_IGNORE), !done))
        dcpg_wait_tick(par, &wait);
}

/* ---- beginning and end ---- */

dcpg_status dcpg_par_watch_all(const dcpg_par *par, double seconds, dcpg_err *err) {
    struct dcpg_watch *watch = dcpg_alloc(1, sizeof *watch);
    char mine[sizeof *watch->host] = "unknown";
    if (watch) {
        watch->host = dcpg_alloc((size_t)par->size, sizeof *watch->host);
        watch->present = dcpg_alloc((size_t)par->size, sizeof *watch->present);
        watch->comm = MPI_COMM_NULL;
    }
    bool fine = watch && watch->host && watch->present;
    dcpg_status status =
        dcpg_agree_all(par, fine ? DCPG_OK : dcpg_fail_nomem(err, "the list of hosts", 64), err);
    if (status == DCPG_OK && par->size > 1 && seconds > 0) {
        gethostname(mine, sizeof mine - 1);
        dcpg_allgather_all(par, mine, sizeof mine, watch->host);
        MPI_Comm_dup(par->impl->comm, &watch->comm);
        watch->timeout = seconds;
        dcpg_watch_free_all(par->impl);
        par->impl->watch = watch;
        return DCPG_OK;
    }
    if (watch) dcpg_free(watch->host), dcpg_free(watch->present);
    dcpg_free(watch);
    return status;
}

void dcpg_watch_free_all(struct dcpg_par_impl *impl) {
    if (!impl->watch) return;
    int from;
    const dcpg_par par = {.impl = impl};
    while (receive_signal(&par, TAG_CALL, &from) || receive_signal(&par, TAG_HERE, &from) ||
           receive_signal(&par, TAG_BUSY, &from)) {
    }
    MPI_Comm_free(&impl->watch->comm);
    dcpg_free(impl->watch->host);
    dcpg_free(impl->watch->present);
    dcpg_free(impl->watch);
    impl->watch = NULL;
}
