/* SPDX-License-Identifier: MIT */
/* The hosts, cores and threads of the ranks, and warnings where they do not match. */
#define _GNU_SOURCE /* sched_getaffinity */
#include "par/par_impl.h"
#include <dcpg/memory.h>
#include <omp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
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
        cpu_set_t set; /* for alignment */
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

/* Whether OMP_NUM_THREADS holds a number: "4", or "4,2" for nested regions. OpenMP ignores anything else. */
static bool user_chose_threads(void) {
    const char *text = getenv("OMP_NUM_THREADS");
    char *end;
    if (text == NULL || strtol(text, &end, 10) <= 0) return false;
    end += strspn(end, " \t");
    return *end == ',' || *end == '\0';
}

static bool may_use(const cpu_mask *mask, int cpu) { return mask->bit[cpu / 8] >> cpu % 8 & 1; }

int dcpg_par_threads_all(dcpg_par *par) {
    int users[MAX_CPU];
    double share = 1e-9; /* makes up for the rounding of thirds */
    cpu_mask mask;
    allowed_cpus(&mask);
    for (int i = 0; i < MAX_CPU; i++) users[i] = may_use(&mask, i);
    MPI_Allreduce(MPI_IN_PLACE, users, MAX_CPU, MPI_INT, MPI_SUM, par->impl->host_comm);
    for (int i = 0; i < MAX_CPU; i++)
        if (may_use(&mask, i)) share += 1.0 / users[i];
    par->impl->shares_cores = !user_chose_threads();
    if (!par->impl->shares_cores) return omp_get_max_threads();
    int threads = share < 1 ? 1 : (int)share, limit = omp_get_thread_limit();
    return threads < limit ? threads : limit;
}

/* A rank's report about itself. */
typedef struct place {
    char host[64];
    int launch_rank;                           /* its number for the launcher */
    int cores, threads;                        /* of this rank */
    int host_number, host_cores, host_threads; /* of its host; cores: those that any of its ranks may use */
    int host_ranks, most_threads; /* most_threads: the largest number of threads of a rank on its host */
    int host_masks;               /* sum of `cores` over the ranks of its host */
    bool shares;                  /* threads was chosen by dcpg_par_threads_all */
} place;

static place my_place_all(const dcpg_par *par, int nb_thread) {
    place mine = {.threads = nb_thread,
                  .launch_rank = par->launch_rank,
                  .host_number = par->host,
                  .host_ranks = par->host_size,
                  .shares = par->impl->shares_cores};
    if (gethostname(mine.host, sizeof mine.host - 1) != 0) strcpy(mine.host, "unknown");
    cpu_mask mask;
    allowed_cpus(&mask);
    mine.cores = count_cpus(&mask);
    MPI_Allreduce(MPI_IN_PLACE, &mask, sizeof mask, MPI_BYTE, MPI_BOR, par->impl->host_comm);
    mine.host_cores = count_cpus(&mask);
    MPI_Allreduce(&nb_thread, &mine.host_threads, 1, MPI_INT, MPI_SUM, par->impl->host_comm);
    MPI_Allreduce(&nb_thread, &mine.most_threads, 1, MPI_INT, MPI_MAX, par->impl->host_comm);
    MPI_Allreduce(&mine.cores, &mine.host_masks, 1, MPI_INT, MPI_SUM, par->impl->host_comm);
    return mine;
}

static const char *plural(int n) { return n == 1 ? "" : "s"; }

/* Reports how threads were chosen for the ranks of a host, where the user chose none. `least`: fewest threads
 * of a rank on it. */
static void log_shares(const place *p, int least, dcpg_log *log) {
    char threads[64], each[48] = "";
    if (least == p->most_threads)
        snprintf(threads, sizeof threads, "%d thread%s each", least, plural(least));
    else
        snprintf(threads, sizeof threads, "%d to %d threads each", least, p->most_threads);
    if (p->host_masks == p->host_cores) snprintf(each, sizeof each, ", on cores of its own");
    dcpg_info(log, "host %s: %d ranks share %d core%s: %s%s (OMP_NUM_THREADS chooses another number)",
              p->host, p->host_ranks, p->host_cores, plural(p->host_cores), threads, each);
}

/* Too many threads wait for each other instead of working; the usual reason is a rank bound to too few cores.
 * One warning per host. */
static void warn_crowded(const place *p, int rank, dcpg_log *log) {
    static const char cost[] = "they take turns and wait for each other, which can make training tens of "
                               "times slower";
    bool bound = p->cores < p->host_cores ||
                 p->host_ranks == 1; /* bound to fewer cores than the host offers, or perhaps so */
    if (p->threads > p->cores && bound) {
        dcpg_warn(log,
                  "rank %d on %s: %d threads on %d core%s: %s; start mpirun with --bind-to none or --map-by "
                  "slot:PE=%d, or set OMP_NUM_THREADS=%d",
                  rank, p->host, p->threads, p->cores, plural(p->cores), cost, p->threads, p->cores);
    } else if (p->host_ranks > p->host_cores) {
        dcpg_warn(log,
                  "host %s: %d threads on %d core%s: %s; start at most %d rank%s here, with "
                  "OMP_NUM_THREADS=1",
                  p->host, p->host_threads, p->host_cores, plural(p->host_cores), cost, p->host_cores,
                  plural(p->host_cores));
    } else if (p->host_threads > p->host_cores) {
        dcpg_warn(log, "host %s: %d threads on %d core%s: %s; set OMP_NUM_THREADS=%d or start fewer ranks",
                  p->host, p->host_threads, p->host_cores, plural(p->host_cores), cost,
                  p->host_cores / p->host_ranks);
    }
}

static bool crowded(const place *p) { return p->threads > p->cores || p->host_threads > p->host_cores; }

static bool warned_before(const place *places, int r) {
    for (int q = 0; q < r; q++) {
        if (places[q].host_number == places[r].host_number && crowded(&places[q])) return true;
    }
    return false;
}

static bool first_of_host(const place *places, int r) {
    for (int q = 0; q < r; q++)
        if (places[q].host_number == places[r].host_number) return false;
    return true;
}

/* Whether the host of rank r has several ranks and the user chose threads for none of them. */
static bool shared_by_all(const place *places, int nb, int r) {
    for (int q = r; q < nb; q++)
        if (places[q].host_number == places[r].host_number && !places[q].shares) return false;
    return places[r].host_ranks > 1;
}

static int least_threads(const place *places, int nb, int r) {
    int least = places[r].threads;
    for (int q = r; q < nb; q++)
        if (places[q].host_number == places[r].host_number && places[q].threads < least)
            least = places[q].threads;
    return least;
}

/* ---- hosts that are alike ---- */

/* A host: the fewest and most of its ranks' cores and threads. */
typedef struct host_summary {
    const char *name;
    int ranks, least_cores, most_cores, least_threads, most_threads;
} host_summary;

/* Of the host whose first rank is r; its ranks are neighbours. */
static host_summary summarise(const place *places, int r) {
    const place *p = &places[r];
    host_summary h = {p->host, p->host_ranks, p->cores, p->cores, p->threads, p->threads};
    for (int q = r; q < r + p->host_ranks; q++) {
        if (places[q].cores < h.least_cores) h.least_cores = places[q].cores;
        if (places[q].cores > h.most_cores) h.most_cores = places[q].cores;
        if (places[q].threads < h.least_threads) h.least_threads = places[q].threads;
        if (places[q].threads > h.most_threads) h.most_threads = places[q].threads;
    }
    return h;
}

static bool alike(const host_summary *a, const host_summary *b) {
    return a->ranks == b->ranks && a->least_cores == b->least_cores && a->most_cores == b->most_cores &&
           a->least_threads == b->least_threads && a->most_threads == b->most_threads;
}

/* "4 cores", or "3 to 4 cores". */
static const char *amount(char text[48], int least, int most, const char *unit) {
    if (least == most)
        snprintf(text, 48, "%d %s%s", least, unit, plural(least));
    else
        snprintf(text, 48, "%d to %d %ss", least, most, unit);
    return text;
}

static void log_group(const host_summary *first, const host_summary *last, int nb, dcpg_log *log) {
    char cores[48], threads[48], names[192];
    if (nb == 1)
        snprintf(names, sizeof names, "host %s", first->name);
    else
        snprintf(names, sizeof names, "%d hosts alike, %s to %s", nb, first->name, last->name);
    dcpg_info(log, "%s: %d rank%s%s, %s and %s%s", names, first->ranks, plural(first->ranks),
              nb > 1 ? " on each" : "", amount(cores, first->least_cores, first->most_cores, "core"),
              amount(threads, first->least_threads, first->most_threads, "thread"),
              first->ranks > 1 || nb > 1 ? " a rank" : "");
}

/* One line per group of neighbouring hosts that are alike. */
static void log_hosts(const place *places, int size, dcpg_log *log) {
    for (int r = 0; r < size;) {
        host_summary first = summarise(places, r), last = first;
        int nb = 1;
        for (r += first.ranks; r < size; r += first.ranks, nb++) {
            host_summary next = summarise(places, r);
            if (!alike(&first, &next)) break;
            last = next;
        }
        log_group(&first, &last, nb, log);
    }
}

/* One line per rank, with the launcher's number of the rank where that is another. */
static void log_ranks(const place *places, int size, dcpg_log *log) {
    for (int r = 0; r < size; r++) {
        const place *p = &places[r];
        char launched[48] = "";
        if (p->launch_rank != r) snprintf(launched, sizeof launched, " (%d of the launcher)", p->launch_rank);
        dcpg_debug(log, "rank %d%s: host %s, %d core%s, %d thread%s", r, launched, p->host, p->cores,
                   plural(p->cores), p->threads, plural(p->threads));
    }
}

void dcpg_par_report_all(const dcpg_par *par, int nb_thread, dcpg_log *log) {
    place mine = my_place_all(par, nb_thread);
    place *places = NULL;
    if (par->rank == 0) {
        places = dcpg_alloc((size_t)par->size, sizeof *places);
        if (!places) dcpg_par_abort(par, dcpg_exit_code(DCPG_E_NOMEM));
    }
    MPI_Gather(&mine, sizeof mine, MPI_BYTE, places, sizeof mine, MPI_BYTE, 0, par->impl->comm);
    if (places) {
        log_hosts(places, par->size, log);
        log_ranks(places, par->size, log);
    }
    for (int r = 0; places && r < par->size; r++) {
        if (first_of_host(places, r) && shared_by_all(places, par->size, r))
            log_shares(&places[r], least_threads(places, par->size, r), log);
    }
    for (int r = 0; places && r < par->size; r++) {
        if (crowded(&places[r]) && !warned_before(places, r)) warn_crowded(&places[r], r, log);
    }
    dcpg_free(places);
}
