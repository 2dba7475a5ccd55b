/* Making a store: which chromosomes of the genome it holds, and the runs of N in them. */
#include "formats/store_make.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>

int dcpg_make_chromo_number(const making *m, const char *name) {
    return (int)dcpg_strings_find_sorted(&m->chromo, name);
}

int dcpg_make_chromo_called(const making *m, const char *raw, bool *unclear) {
    const genome *g = &m->genome;
    *unclear = false;
    if (has_genome(m)) {
        int64_t number = dcpg_chromos_find(&g->names, raw);
        *unclear = number == DCPG_CHROMO_UNCLEAR;
        return number >= 0 && number < g->n ? dcpg_make_chromo_number(m, g->about[number].name) : -1;
    }
    char *name = dcpg_chromo_name(raw);
    int number = name ? dcpg_make_chromo_number(m, name) : -1;
    dcpg_free(name);
    return number;
}

/* What the genome knows of a chromosome of the store, NULL where it lacks it. Names are sorted. */
static const about_sequence *about_chromo(const making *m, int chromo) {
    const genome *g = &m->genome;
    int64_t low = 0, high = g->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = strcmp(m->chromo.v[chromo], g->about[middle].name);
        if (order == 0) return &g->about[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static dcpg_status alloc_chromos(making *m, dcpg_err *err) {
    size_t n = m->chromo.n;
    m->owner = dcpg_alloc(n, sizeof *m->owner);
    m->length = dcpg_alloc(n, sizeof *m->length);
    m->run_offset = dcpg_alloc(n + 1, sizeof *m->run_offset);
    if (!m->owner || !m->length || !m->run_offset)
        return dcpg_fail_nomem(err, "chromosomes", 3 * (n + 1) * sizeof *m->owner);
    return DCPG_OK;
}

/* Only target sites may name a chromosome that the genome lacks: calls there were dropped. */
static dcpg_status take_chromo(making *m, int chromo, dcpg_err *err) {
    const char *name = m->chromo.v[chromo], *asks = m->input ? m->input->name : m->target.path;
    const about_sequence *about = about_chromo(m, chromo);
    if (!about) {
        char some[160];
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: chromosome %s is missing from the FASTA files: add its sequence to "
                         "--dna_files, or name the chromosomes to use with --chromos; the genome has %s",
                         asks, name, dcpg_cg_some_names(&m->genome.map, some, sizeof some));
    }
    ptrdiff_t known = m->input && m->input->chromo ? dcpg_strings_find_sorted(m->input->chromo, name) : -1;
    if (known >= 0 && strcmp(m->input->md5->v[known], about->md5) != 0) {
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: its chromosome %s is another than that of the FASTA files: give the genome it was made with",
            asks, name);
    }
    m->length[chromo] = about->length;
    m->owner[chromo] = about->owner;
    m->run_offset[chromo + 1] = m->run_offset[chromo] + about->nb_run;
    if (about->owner == m->par->rank) m->held[about->held].chromo = chromo;
    return dcpg_strings_add(&m->md5, about->md5, err);
}

static dcpg_status take_chromos(making *m, dcpg_err *err) {
    for (int c = 0; c < (int)m->chromo.n; c++) DCPG_TRY(take_chromo(m, c, err));
    return DCPG_OK;
}

/* Puts what the ranks sent, in rank order and each in the order of the chromosomes, where it belongs.
 * next[size]: runs of each rank that were sent before. */
static void place_runs(making *m, const dcpg_run_n *sent, const size_t *bytes_of, int64_t *next) {
    for (int r = 1; r < m->par->size; r++)
        next[r] = next[r - 1] + (int64_t)(bytes_of[r - 1] / sizeof *m->run);
    for (size_t c = 0; c < m->chromo.n; c++) {
        int64_t n = m->run_offset[c + 1] - m->run_offset[c];
        if (n > 0) memcpy(m->run + m->run_offset[c], sent + next[m->owner[c]], (size_t)n * sizeof *m->run);
        next[m->owner[c]] += n;
    }
}

/* This rank's runs into own[], in the order of the chromosomes. held_of[chromo.n]: number of the sequence, -1
 */
static void list_own_runs(const making *m, const int64_t *held_of, dcpg_run_n *own) {
    for (size_t c = 0; c < m->chromo.n; c++) {
        if (held_of[c] < 0) continue;
        const dcpg_sequence *s = &m->held[held_of[c]].sequence;
        if (s->nb_run > 0) memcpy(own, s->run, (size_t)s->nb_run * sizeof *own);
        own += s->nb_run;
    }
}

/* Gives the runs of N of all chromosomes to all ranks. */
static dcpg_status share_runs_all(making *m, dcpg_err *err) {
    size_t n = m->chromo.n, size = (size_t)m->par->size, own_runs = 0,
           *bytes_of = dcpg_alloc(size, sizeof *bytes_of);
    int64_t *next = dcpg_alloc(size, sizeof *next), *held_of = dcpg_alloc(n, sizeof *held_of);
    for (size_t c = 0; held_of && c < n; c++) held_of[c] = -1;
    for (int64_t i = 0; held_of && i < m->nb_held; i++) {
        if (m->held[i].chromo < 0) continue;
        held_of[m->held[i].chromo] = i;
        own_runs += (size_t)m->held[i].sequence.nb_run;
    }
    size_t total = (size_t)m->run_offset[n];
    dcpg_run_n *own = dcpg_alloc(own_runs, sizeof *own);
    void *sent = NULL;
    m->run = dcpg_alloc(total, sizeof *m->run);
    dcpg_status status = bytes_of && next && held_of && own && m->run
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "runs of N", total * sizeof *own);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) {
        list_own_runs(m, held_of, own);
        status = dcpg_allgatherv_all(m->par, own, own_runs * sizeof *own, &sent, bytes_of, err);
    }
    if (status == DCPG_OK) place_runs(m, sent, bytes_of, next);
    dcpg_free(sent);
    dcpg_free(own);
    dcpg_free(held_of);
    dcpg_free(next);
    dcpg_free(bytes_of);
    return status;
}

static dcpg_status check_ends(const making *m, const packed_cell *cell, dcpg_err *err) {
    for (int c = 0; c < cell->nb_chromo; c++) {
        const packed_calls *calls = &cell->chromo[c];
        int64_t length = m->length[calls->chromo];
        if (calls->last <= length) continue;
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: chromosome %s: position %" PRId32 " lies beyond its end at %" PRId64
                         ": use the genome build that the positions belong to",
                         cell->path, m->chromo.v[calls->chromo], calls->last, length);
    }
    return DCPG_OK;
}

/* Calls of profiles stand on a CG of the genome. */
static dcpg_status check_positions(const making *m, dcpg_err *err) {
    for (int64_t i = 0; m->input && i < nb_own(m); i++) DCPG_TRY(check_ends(m, &m->cell[i], err));
    return check_ends(m, &m->target, err);
}

dcpg_status dcpg_make_chromos_all(making *m, dcpg_err *err) {
    DCPG_TRY(dcpg_agree_all(m->par, alloc_chromos(m, err), err));
    if (!has_genome(m)) return DCPG_OK;
    DCPG_TRY(dcpg_agree_all(m->par, take_chromos(m, err), err));
    DCPG_TRY(share_runs_all(m, err));
    for (int64_t i = 0; i < m->nb_held; i++) {
        if (m->held[i].chromo < 0) dcpg_sequence_free(&m->held[i].sequence);
    }
    return dcpg_agree_all(m->par, check_positions(m, err), err);
}
