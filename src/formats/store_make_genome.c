/* Making a store, first step: the genome, shared out among the ranks, and where CG stands in it; later which
 * of its chromosomes the store holds. */
#include "formats/store_make.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- reading sequences ---- */

/* A FASTA file being read by one thread. */
typedef struct reading {
    making *m;
    int64_t file;
} reading;

static dcpg_status hold(making *m, held_sequence *held, dcpg_err *err) {
    held_sequence *grown = dcpg_realloc(m->held, (size_t)m->nb_held, (size_t)m->nb_held + 1, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, "chromosomes", ((size_t)m->nb_held + 1) * sizeof *grown);
    m->held = grown;
    m->held[m->nb_held++] = *held;
    held->sequence = (dcpg_sequence){0};
    return DCPG_OK;
}

static dcpg_status receive(void *context, dcpg_sequence *sequence, dcpg_err *err) {
    reading *r = context;
    if (r->m->wanted.n > 0 && dcpg_strings_find(&r->m->wanted, sequence->chromo) < 0) return DCPG_OK;
    held_sequence held = {*sequence, -1, r->file};
    dcpg_status status;
#pragma omp critical(dcpg_store_make)
    status = hold(r->m, &held, err);
    if (status == DCPG_OK) *sequence = (dcpg_sequence){0};
    return status;
}

/* odd[number of files] receives what was odd about this rank's files. */
static dcpg_status read_sequences(making *m, int64_t *odd, dcpg_err *err) {
    if (m->dna_files.n == 0) return m->input->sequences(m->input->context, receive, &(reading){.m = m}, err);
    int64_t n = (int64_t)m->dna_files.n, worst = n;
    int64_t from = dcpg_part(n, m->par->rank, m->par->size),
            to = dcpg_part(n, m->par->rank + 1, m->par->size);
    dcpg_err first = {0};
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = from; i < to; i++) {
        reading r = {m, i};
        dcpg_err mine = {0};
        unsigned odd_here = 0;
        dcpg_status status = dcpg_fasta_read_odd(m->dna_files.v[i], receive, &r, &odd_here, &mine);
        odd[i] = odd_here;
#pragma omp critical(dcpg_store_make)
        if (status != DCPG_OK && i < worst) {
            worst = i;
            first = mine;
        }
    }
    if (first.status != DCPG_OK && err) *err = first;
    return first.status;
}

static dcpg_status read_all(making *m, dcpg_err *err) {
    size_t n = m->dna_files.n;
    int64_t *odd = dcpg_alloc(n, sizeof *odd);
    dcpg_status status = odd ? read_sequences(m, odd, err) : dcpg_fail_nomem(err, "files", n * sizeof *odd);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) {
        dcpg_max_i64s_all(m->par, odd, n);
        dcpg_make_tell_odd(m, odd, (const char *const *)m->dna_files.v, (int64_t)n);
    }
    dcpg_free(odd);
    return status;
}

/* ---- what all ranks know ---- */

static int by_name(const void *a, const void *b) {
    const about_sequence *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->file < y->file ? -1 : x->file > y->file;
}

static about_sequence *describe(const making *m) {
    about_sequence *about = dcpg_alloc((size_t)m->nb_held, sizeof *about);
    for (int64_t i = 0; about && i < m->nb_held; i++) {
        const dcpg_sequence *s = &m->held[i].sequence;
        about[i] = (about_sequence){.length = s->length,
                                    .nb_run = s->nb_run,
                                    .file = m->held[i].file,
                                    .owner = m->par->rank,
                                    .held = i};
        snprintf(about[i].name, sizeof about[i].name, "%s", s->chromo);
        memcpy(about[i].md5, s->md5, sizeof about[i].md5);
    }
    return about;
}

static dcpg_status check_twice(const making *m, dcpg_err *err) {
    const genome *g = &m->genome;
    for (int64_t i = 1; i < g->n; i++) {
        const about_sequence *a = &g->about[i - 1], *b = &g->about[i];
        if (strcmp(a->name, b->name) != 0) continue;
        return dcpg_fail(err, DCPG_E_INPUT, "%s and %s: both hold chromosome %s: give one of them",
                         m->dna_files.v[a->file], m->dna_files.v[b->file], b->name);
    }
    return DCPG_OK;
}

static dcpg_status gather_all(making *m, dcpg_err *err) {
    genome *g = &m->genome;
    about_sequence *mine = describe(m);
    void *all = NULL;
    size_t *bytes_of = dcpg_alloc((size_t)m->par->size, sizeof *bytes_of);
    dcpg_status status =
        mine && bytes_of ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", (size_t)m->nb_held * sizeof *mine);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(m->par, mine, (size_t)m->nb_held * sizeof *mine, &all, bytes_of, err);
    for (int r = 0; r < m->par->size && status == DCPG_OK; r++) g->n += (int64_t)(bytes_of[r] / sizeof *mine);
    g->about = all;
    if (g->n > 0) qsort(g->about, (size_t)g->n, sizeof *g->about, by_name);
    dcpg_free(mine);
    dcpg_free(bytes_of);
    return status == DCPG_OK ? check_twice(m, err) : status;
}

/* ---- the map ---- */

static int64_t nb_word(const about_sequence *about) { return (about->length + 63) / 64; }

/* The owner of a sequence finds its CG, for all. */
static dcpg_status map_sequence_all(making *m, int64_t i, int64_t at, dcpg_err *err) {
    const genome *g = &m->genome;
    const about_sequence *about = &g->about[i];
    size_t bytes = (size_t)nb_word(about) * sizeof(uint64_t);
    bool own = about->owner == m->par->rank;
    uint64_t *bits = own ? dcpg_alloc(bytes, 1) : NULL;
    DCPG_TRY(
        dcpg_agree_all(m->par, !own || bits ? DCPG_OK : dcpg_fail_nomem(err, "a chromosome", bytes), err));
    if (own) dcpg_cg_bits(&m->held[about->held].sequence, bits);
    dcpg_par_shared_fill_all(m->par, g->bits, (size_t)at * sizeof *bits, bits, bytes, about->owner);
    g->chromo[i] = (dcpg_cg_chromo){about->name, about->length, (const uint64_t *)g->bits->data + at};
    dcpg_free(bits);
    return DCPG_OK;
}

static dcpg_status map_all(making *m, dcpg_err *err) {
    genome *g = &m->genome;
    int64_t words = 0, at = 0;
    for (int64_t i = 0; i < g->n; i++) words += nb_word(&g->about[i]);
    g->chromo = dcpg_alloc((size_t)g->n, sizeof *g->chromo);
    DCPG_TRY(dcpg_agree_all(
        m->par, g->chromo ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", (size_t)g->n * sizeof *g->chromo),
        err));
    DCPG_TRY(dcpg_par_shared_open_all(m->par, (size_t)words * sizeof(uint64_t), &g->bits, err));
    for (int64_t i = 0; i < g->n; i++) {
        DCPG_TRY(map_sequence_all(m, i, at, err));
        at += nb_word(&g->about[i]);
    }
    g->map = (dcpg_cg_map){g->n, g->chromo};
    return DCPG_OK;
}

void dcpg_free_genome_all(genome *g) {
    dcpg_par_shared_close_all(g->bits);
    dcpg_free(g->about);
    dcpg_free(g->chromo);
    *g = (genome){0};
}

dcpg_status dcpg_make_genome_all(making *m, dcpg_err *err) {
    if (!has_genome(m)) return DCPG_OK;
    double started = dcpg_now();
    DCPG_TRY(read_all(m, err));
    DCPG_TRY(gather_all(m, err));
    DCPG_TRY(map_all(m, err));
    int64_t bases = 0;
    for (int64_t i = 0; i < m->genome.n; i++) bases += m->genome.about[i].length;
    dcpg_info(m->log, "data: genome of %.1f Mb read in %.2f s", (double)bases / 1e6, dcpg_now() - started);
    return DCPG_OK;
}

/* ---- chromosomes of the store ---- */

static dcpg_status alloc_chromos(making *m, dcpg_err *err) {
    size_t n = m->chromo.n;
    m->owner = dcpg_alloc(n, sizeof *m->owner);
    m->length = dcpg_alloc(n, sizeof *m->length);
    m->run_offset = dcpg_alloc(n + 1, sizeof *m->run_offset);
    if (!m->owner || !m->length || !m->run_offset)
        return dcpg_fail_nomem(err, "chromosomes", 3 * (n + 1) * sizeof *m->owner);
    return DCPG_OK;
}

/* Gives the runs of N of a chromosome to all ranks, behind those of the chromosomes before. */
static dcpg_status share_runs_all(making *m, int chromo, const dcpg_sequence *held, int64_t nb_run,
                                  dcpg_err *err) {
    int64_t before = m->run_offset[chromo];
    dcpg_run_n *grown = dcpg_realloc(m->run, (size_t)before, (size_t)(before + nb_run), sizeof *grown);
    dcpg_status status =
        grown ? DCPG_OK : dcpg_fail_nomem(err, "runs of N", (size_t)(before + nb_run) * sizeof *grown);
    if (grown) m->run = grown;
    DCPG_TRY(dcpg_agree_all(m->par, status, err));
    if (held && nb_run > 0) memcpy(m->run + before, held->run, (size_t)nb_run * sizeof *grown);
    dcpg_bcast_all(m->par, m->run + before, (size_t)nb_run * sizeof *grown, (int)m->owner[chromo]);
    m->run_offset[chromo + 1] = before + nb_run;
    return DCPG_OK;
}

/* Only target sites may name a chromosome that the genome lacks: calls there were dropped. */
static dcpg_status take_chromo_all(making *m, int chromo, dcpg_err *err) {
    const genome *g = &m->genome;
    const char *name = m->chromo.v[chromo], *asks = m->input ? m->input->name : m->options->pos_file;
    const dcpg_cg_chromo *found = dcpg_cg_find(&g->map, name);
    if (!found) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: chromosome %s is missing from the FASTA files: add its sequence to "
                         "--dna_files, or name the chromosomes to use with --chromos",
                         asks, name);
    }
    const about_sequence *about = &g->about[found - g->chromo];
    ptrdiff_t known = m->input && m->input->chromo ? dcpg_strings_find(m->input->chromo, name) : -1;
    if (known >= 0 && strcmp(m->input->md5->v[known], about->md5) != 0) {
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: its chromosome %s is another than that of the FASTA files: give the genome it was made with",
            asks, name);
    }
    bool own = about->owner == m->par->rank;
    m->length[chromo] = about->length;
    m->owner[chromo] = about->owner;
    if (own) m->held[about->held].chromo = chromo;
    DCPG_TRY(dcpg_agree_all(m->par, dcpg_strings_add(&m->md5, about->md5, err), err));
    return share_runs_all(m, chromo, own ? &m->held[about->held].sequence : NULL, about->nb_run, err);
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
    for (int c = 0; c < (int)m->chromo.n; c++) DCPG_TRY(take_chromo_all(m, c, err));
    for (int64_t i = 0; i < m->nb_held; i++) {
        if (m->held[i].chromo < 0) dcpg_sequence_free(&m->held[i].sequence);
    }
    if (m->bulk.name.n == 0) dcpg_free_genome_all(&m->genome); /* read late: they need positions */
    return dcpg_agree_all(m->par, check_positions(m, err), err);
}
