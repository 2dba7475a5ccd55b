#define _GNU_SOURCE /* sched_getaffinity */
#include "par/par_impl.h"
#include <dcpg/memory.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MAX_CPU = 8192 };

/* The processors this process may run on, one bit each. */
typedef struct cpu_mask {
    unsigned char bit[MAX_CPU / 8];
} cpu_mask;

static int count_cpus(const cpu_mask *mask) {
    int n = 0;
    for (int i = 0; i < MAX_CPU; i++) n += mask->bit[i / 8] >> i % 8 & 1;
    return n;
}

static void allowed_cpus(cpu_mask *mask) {
    *mask = (cpu_mask){{0}};
    union {
        cpu_set_t set; /* for its alignment */
        unsigned char bytes[MAX_CPU / 8];
    } kernel;
    memset(&kernel, 0, sizeof kernel);
    if (sched_getaffinity(0, sizeof kernel, &kernel.set) == 0) {
        for (size_t i = 0; i < MAX_CPU; i++) {
            if (CPU_ISSET_S(i, sizeof kernel, &kernel.set)) mask->bit[i / 8] |= (unsigned char)(1 << i % 8);
        }
        return;
    }
    long online = sysconf(_SC_NPROCESSORS_ONLN);
    for (int i = 0; i < online && i < MAX_CPU; i++) mask->bit[i / 8] |= (unsigned char)(1 << i % 8);
}

int dcpg_cores_allowed(void) {
    cpu_mask mask;
    allowed_cpus(&mask);
    int n = count_cpus(&mask);
    return n > 0 ? n : 1;
}

/* What a rank tells about itself. */
typedef struct place {
    char host[64];
    int cores, threads;                 /* of the rank */
    int node, node_cores, node_threads; /* of its host: cores that any of its ranks may use */
    int node_ranks;
} place;

static place my_place_all(const dcpg_par *par, int nb_thread) {
    place mine = {.threads = nb_thread, .node = par->node, .node_ranks = par->node_size};
    if (gethostname(mine.host, sizeof mine.host - 1) != 0) strcpy(mine.host, "unknown");
    cpu_mask mask;
    allowed_cpus(&mask);
    mine.cores = count_cpus(&mask);
    MPI_Allreduce(MPI_IN_PLACE, &mask, sizeof mask, MPI_BYTE, MPI_BOR, par->impl->node_comm);
    mine.node_cores = count_cpus(&mask);
    MPI_Allreduce(&nb_thread, &mine.node_threads, 1, MPI_INT, MPI_SUM, par->impl->node_comm);
    return mine;
}

/* Too many threads wait for each other instead of working; a rank bound to too few cores is the usual reason.
 * One warning per host. */
static void warn_crowded(const place *p, int rank, dcpg_log *log) {
    if (p->threads > p->cores) {
        dcpg_warn(log,
                  "rank %d on %s: %d threads on %d core%s: start mpirun with --bind-to none or --map-by "
                  "slot:PE=%d, or set OMP_NUM_THREADS=%d",
                  rank, p->host, p->threads, p->cores, p->cores == 1 ? "" : "s", p->threads, p->cores);
    } else if (p->node_threads > p->node_cores) {
        int fitting = p->node_cores / p->node_ranks;
        dcpg_warn(log, "host %s: %d threads on %d core%s: set OMP_NUM_THREADS=%d or start fewer ranks",
                  p->host, p->node_threads, p->node_cores, p->node_cores == 1 ? "" : "s",
                  fitting > 0 ? fitting : 1);
    }
}

static bool crowded(const place *p) { return p->threads > p->cores || p->node_threads > p->node_cores; }

static bool warned_before(const place *places, int r) {
    for (int q = 0; q < r; q++) {
        if (places[q].node == places[r].node && crowded(&places[q])) return true;
    }
    return false;
}

void dcpg_par_report_all(const dcpg_par *par, int nb_thread, dcpg_log *log) {
    place mine = my_place_all(par, nb_thread);
    place *places = NULL;
    if (par->rank == 0) {
        places = dcpg_alloc((size_t)par->size, sizeof *places);
        if (!places) dcpg_par_abort(par, dcpg_exit_code(DCPG_E_NOMEM));
    }
    MPI_Gather(&mine, sizeof mine, MPI_BYTE, places, sizeof mine, MPI_BYTE, 0, par->impl->comm);
    for (int r = 0; places && r < par->size; r++) {
        const place *p = &places[r];
        dcpg_info(log, "rank %d: host %s, %d core%s, %d thread%s", r, p->host, p->cores,
                  p->cores == 1 ? "" : "s", p->threads, p->threads == 1 ? "" : "s");
    }
    for (int r = 0; places && r < par->size; r++) {
        if (crowded(&places[r]) && !warned_before(places, r)) warn_crowded(&places[r], r, log);
    }
    dcpg_free(places);
}
