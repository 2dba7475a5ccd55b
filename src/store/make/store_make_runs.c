/* SPDX-License-Identifier: MIT */
/* Making a store: gathers the runs of N in the genome, so that calls on masked bases can be reported. */
#include "store/make/make_impl.h"
#include <dcpg/memory.h>
#include <string.h>

/* A run as it is sent. */
typedef struct sent_run {
    int64_t chromo, start, end;
} sent_run;

static bool is_own(const making *m, int64_t i) { return m->genome.about[i].owner == m->par->rank; }

static sent_run *list_own(const making *m, int64_t *n) {
    *n = 0;
    for (int64_t i = 0; i < m->genome.n; i++)
        if (is_own(m, i)) *n += m->chromos.held[m->genome.about[i].held].sequence.nb_run;
    sent_run *own = dcpg_alloc((size_t)*n, sizeof *own), *to = own;
    for (int64_t i = 0; own && i < m->genome.n; i++) {
        if (!is_own(m, i)) continue;
        const dcpg_sequence *s = &m->chromos.held[m->genome.about[i].held].sequence;
        for (int64_t k = 0; k < s->nb_run; k++) *to++ = (sent_run){i, s->run[k].start, s->run[k].end};
    }
    return own;
}

/* All runs of a chromosome come from one rank, in order. */
static dcpg_status sort_runs(genome *g, const sent_run *all, int64_t n, dcpg_err *err) {
    g->run_first = dcpg_alloc((size_t)g->n + 2, sizeof *g->run_first);
    g->run = dcpg_alloc((size_t)n, sizeof *g->run);
    if (!g->run_first || !g->run) return dcpg_fail_nomem(err, "runs of N", (size_t)n * sizeof *g->run);
    for (int64_t i = 0; i < n; i++) g->run_first[all[i].chromo + 2]++;
    for (int64_t i = 0; i < g->n; i++) g->run_first[i + 2] += g->run_first[i + 1];
    for (int64_t i = 0; i < n; i++)
        g->run[g->run_first[all[i].chromo + 1]++] = (dcpg_run_n){all[i].start, all[i].end};
    g->runs = (dcpg_genome_runs){g->run_first, g->run};
    return DCPG_OK;
}

dcpg_status dcpg_make_runs_all(making *m, dcpg_err *err) {
    int64_t n = 0;
    void *all = NULL;
    size_t *bytes_of = dcpg_alloc((size_t)m->par->size, sizeof *bytes_of);
    sent_run *own = list_own(m, &n);
    dcpg_status status =
        own && bytes_of ? DCPG_OK : dcpg_fail_nomem(err, "runs of N", (size_t)n * sizeof *own);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(m->par, own, (size_t)n * sizeof *own, &all, bytes_of, err);
    n = dcpg_sum_i64_all(m->par, n);
    if (status == DCPG_OK) status = sort_runs(&m->genome, all, n, err);
    dcpg_free(all);
    dcpg_free(own);
    dcpg_free(bytes_of);
    return dcpg_agree_all(m->par, status, err);
}
