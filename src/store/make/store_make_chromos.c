/* SPDX-License-Identifier: MIT */
/* Making a store: which chromosomes of the genome it holds, and the runs of N in them. */
#include "store/make/make_impl.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>

int dcpg_make_chromo_number(const making *m, const char *name) {
    return (int)dcpg_strings_find_sorted(&m->chromos.name, name);
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

/* The genome's entry for a chromosome of the store, NULL if there is none. Binary search: names are sorted.
 */
static const about_sequence *about_chromo(const making *m, int chromo) {
    const genome *g = &m->genome;
    int64_t low = 0, high = g->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = strcmp(m->chromos.name.v[chromo], g->about[middle].name);
        if (order == 0) return &g->about[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

static dcpg_status alloc_chromos(making *m, dcpg_err *err) {
    size_t n = m->chromos.name.n;
    m->chromos.owner = dcpg_alloc(n, sizeof *m->chromos.owner);
    m->chromos.length = dcpg_alloc(n, sizeof *m->chromos.length);
    m->chromos.run_offset = dcpg_alloc(n + 1, sizeof *m->chromos.run_offset);
    if (!m->chromos.owner || !m->chromos.length || !m->chromos.run_offset)
        return dcpg_fail_nomem(err, "chromosomes", 3 * (n + 1) * sizeof *m->chromos.owner);
    return DCPG_OK;
}

/* Only target sites can name a chromosome that the genome lacks: calls on such chromosomes were dropped. */
static dcpg_status take_chromo(making *m, int chromo, dcpg_err *err) {
    const char *name = m->chromos.name.v[chromo], *asks = m->input ? m->input->name : m->cells.target.path;
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
    m->chromos.length[chromo] = about->length;
    m->chromos.owner[chromo] = about->owner;
    m->chromos.run_offset[chromo + 1] = m->chromos.run_offset[chromo] + about->nb_run;
    if (about->owner == m->par->rank) m->chromos.held[about->held].chromo = chromo;
    DCPG_TRY(dcpg_strings_add(&m->chromos.md5, about->md5, err));
    if (m->dna.files.n > 0) return dcpg_strings_add(&m->chromos.fasta_name, about->raw, err);
    bool named = known >= 0 && m->input->fasta_name && m->input->fasta_name->n > 0;
    return named ? dcpg_strings_add(&m->chromos.fasta_name, m->input->fasta_name->v[known], err) : DCPG_OK;
}

static dcpg_status take_chromos(making *m, dcpg_err *err) {
    for (int c = 0; c < (int)m->chromos.name.n; c++) DCPG_TRY(take_chromo(m, c, err));
    return DCPG_OK;
}

/* Copies the runs of N for the chromosomes of the store; all ranks have those of the whole genome. */
static dcpg_status take_runs(making *m, dcpg_err *err) {
    const genome *g = &m->genome;
    size_t n = m->chromos.name.n, total = (size_t)m->chromos.run_offset[n];
    m->chromos.run = dcpg_alloc(total, sizeof *m->chromos.run);
    if (!m->chromos.run) return dcpg_fail_nomem(err, "runs of N", total * sizeof *m->chromos.run);
    for (size_t c = 0; c < n; c++) {
        int64_t at = about_chromo(m, (int)c) - g->about, runs = g->run_first[at + 1] - g->run_first[at];
        assert(runs == m->chromos.run_offset[c + 1] - m->chromos.run_offset[c]);
        if (runs > 0)
            memcpy(m->chromos.run + m->chromos.run_offset[c], g->run + g->run_first[at],
                   (size_t)runs * sizeof *m->chromos.run);
    }
    return DCPG_OK;
}

static dcpg_status check_ends(const making *m, const packed_cell *cell, dcpg_err *err) {
    for (int c = 0; c < cell->nb_chromo; c++) {
        const packed_calls *calls = &cell->chromo[c];
        int64_t length = m->chromos.length[calls->chromo];
        if (calls->last <= length) continue;
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: chromosome %s: position %" PRId32 " lies beyond its end at %" PRId64
                         ": use the genome build that the positions belong to",
                         cell->path, m->chromos.name.v[calls->chromo], calls->last, length);
    }
    return DCPG_OK;
}

/* Calls of profiles stand on CGs of the genome; only positions of the input and target sites need the check.
 */
static dcpg_status check_positions(const making *m, dcpg_err *err) {
    for (int64_t i = 0; m->input && i < nb_own(m); i++) DCPG_TRY(check_ends(m, &m->cells.packed[i], err));
    return check_ends(m, &m->cells.target, err);
}

dcpg_status dcpg_make_chromos_all(making *m, dcpg_err *err) {
    DCPG_TRY(dcpg_agree_all(m->par, alloc_chromos(m, err), err));
    if (!has_genome(m)) return DCPG_OK;
    DCPG_TRY(dcpg_agree_all(m->par, take_chromos(m, err), err));
    DCPG_TRY(dcpg_agree_all(m->par, take_runs(m, err), err));
    for (int64_t i = 0; i < m->chromos.nb_held; i++) {
        if (m->chromos.held[i].chromo < 0) dcpg_sequence_free(&m->chromos.held[i].sequence);
    }
    return dcpg_agree_all(m->par, check_positions(m, err), err);
}
