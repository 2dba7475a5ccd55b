/* Making a store, second step: the genome, and whether the calls stand on it. */
#include "formats/store_make.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>

/* ---- reading sequences ---- */

/* A FASTA file being read by one thread. */
typedef struct reading {
    making *m;
    int64_t file;
} reading;

static dcpg_status hold(making *m, held_sequence *held, dcpg_err *err)
{
    held_sequence *grown = dcpg_realloc(m->held, (size_t)m->nb_held, (size_t)m->nb_held + 1, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, "chromosomes", ((size_t)m->nb_held + 1) * sizeof *grown);
    m->held = grown;
    m->held[m->nb_held++] = *held;
    held->sequence = (dcpg_sequence){0};
    return DCPG_OK;
}

/* Keeps a sequence where the profiles have calls on it. */
static dcpg_status receive(void *context, dcpg_sequence *sequence, dcpg_err *err)
{
    reading *r = context;
    ptrdiff_t chromo = dcpg_strings_find(&r->m->chromo, sequence->chromo);
    if (chromo < 0) return DCPG_OK;
    held_sequence held = {*sequence, (int)chromo, r->file};
    dcpg_status status;
#pragma omp critical(dcpg_store_make)
    status = hold(r->m, &held, err);
    if (status == DCPG_OK) *sequence = (dcpg_sequence){0};
    return status;
}

static dcpg_status read_sequences(making *m, dcpg_err *err)
{
    int64_t n = (int64_t)m->dna_files.n, worst = n;
    int64_t from = dcpg_part(n, m->par->rank, m->par->size), to = dcpg_part(n, m->par->rank + 1, m->par->size);
    dcpg_err first = {0};
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = from; i < to; i++) {
        reading r = {m, i};
        dcpg_err mine = {0};
        dcpg_status status = dcpg_fasta_read(m->dna_files.v[i], receive, &r, &mine);
#pragma omp critical(dcpg_store_make)
        if (status != DCPG_OK && i < worst) {
            worst = i;
            first = mine;
        }
    }
    if (first.status != DCPG_OK && err) *err = first;
    return first.status;
}

/* ---- who holds what ---- */

static dcpg_status fail_missing(const making *m, int chromo, const char *path, dcpg_err *err)
{
    const char *name = m->chromo.v[chromo];
    return dcpg_fail(err, DCPG_E_INPUT, "%s: chromosome %s is missing from the FASTA files: add its sequence to --dna_files, or name the chromosomes to use with --chromos", path, name);
}

/* The first of this rank's profiles with calls on a chromosome that has no sequence speaks. */
static dcpg_status check_complete(const making *m, dcpg_err *err)
{
    for (int64_t i = 0; i < nb_own(m); i++) {
        for (int c = 0; c < m->cell[i].nb_chromo; c++) {
            int chromo = m->cell[i].chromo[c].chromo;
            if (m->owner[chromo] < 0) return fail_missing(m, chromo, m->cell[i].path, err);
        }
    }
    for (int c = 0; c < m->target.nb_chromo; c++) {
        if (m->owner[m->target.chromo[c].chromo] < 0) return fail_missing(m, m->target.chromo[c].chromo, m->target.path, err);
    }
    return DCPG_OK;
}

/* first[] and last[]: numbers of the first and the last file that holds a chromosome. */
static dcpg_status check_twice(const making *m, const int64_t *first, const int64_t *last, dcpg_err *err)
{
    for (size_t c = 0; c < m->chromo.n; c++) {
        if (last[c] < 0 || first[c] == last[c]) continue;
        return dcpg_fail(err, DCPG_E_INPUT, "%s and %s: both hold chromosome %s: give one of them", m->dna_files.v[first[c]], m->dna_files.v[last[c]], m->chromo.v[c]);
    }
    return DCPG_OK;
}

static dcpg_status find_owners_all(making *m, dcpg_err *err)
{
    size_t n = m->chromo.n;
    int64_t *first = dcpg_alloc(2 * n, sizeof *first), *last = first ? first + n : NULL;
    dcpg_status status = first ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", 2 * n * sizeof *first);
    status = dcpg_agree_all(m->par, status, err);
    if (status != DCPG_OK) return status;
    for (size_t c = 0; c < n; c++) {
        first[c] = INT64_MAX;
        last[c] = m->owner[c] = -1;
    }
    for (int64_t i = 0; i < m->nb_held; i++) {
        int c = m->held[i].chromo;
        if (m->held[i].file < first[c]) first[c] = m->held[i].file;
        if (m->held[i].file > last[c]) last[c] = m->held[i].file;
        m->owner[c] = m->par->rank;
    }
    dcpg_min_i64s_all(m->par, first, n);
    dcpg_max_i64s_all(m->par, last, n);
    dcpg_max_i64s_all(m->par, m->owner, n);
    status = check_twice(m, first, last, err);
    if (status == DCPG_OK) status = dcpg_agree_all(m->par, check_complete(m, err), err);
    dcpg_free(first);
    return status;
}

/* ---- the vote: where calls stand ---- */

/* Codes of C and G; other letters than bases are packed as 0. */
enum { CODE_G = 2, CODE_C = 3 };

static int code_at(const dcpg_sequence *s, int64_t i)
{
    return i >= 0 && i < s->length ? s->packed[i / 4] >> 2 * (i % 4) & 3 : 0;
}

/* Adds up how many calls stand on a CG when their positions are taken as 1-based (hit[0]) and as 0-based (hit[1]). */
static void count_hits(packed_cell *cell, int chromo, const dcpg_sequence *s)
{
    const packed_calls *calls = dcpg_calls_on(cell, chromo, NULL);
    if (!calls) return;
    unpacking u = dcpg_start_unpacking(calls);
    while (dcpg_unpack_call(&u)) {
        int before = code_at(s, (int64_t)u.pos - 1), at = code_at(s, u.pos), after = code_at(s, (int64_t)u.pos + 1);
        cell->hit[0] += before == CODE_C && at == CODE_G;
        cell->hit[1] += at == CODE_C && after == CODE_G;
    }
}

static void vote(making *m, int chromo, const dcpg_sequence *s)
{
    int64_t n = nb_own(m);
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = 0; i < n; i++) count_hits(&m->cell[i], chromo, s);
}

/* What a sequence is, sent before its bases. */
typedef struct about_sequence {
    int64_t length, nb_run;
    char md5[33];
} about_sequence;

/* Gives the sequence's runs of N to all ranks, behind those of the chromosomes before. */
static dcpg_status share_runs_all(making *m, int chromo, const dcpg_sequence *held, int64_t nb_run, dcpg_err *err)
{
    int64_t before = m->run_offset[chromo];
    dcpg_run_n *grown = dcpg_realloc(m->run, (size_t)before, (size_t)(before + nb_run), sizeof *grown);
    dcpg_status status = grown ? DCPG_OK : dcpg_fail_nomem(err, "runs of N", (size_t)(before + nb_run) * sizeof *grown);
    if (grown) m->run = grown;
    DCPG_TRY(dcpg_agree_all(m->par, status, err));
    if (held && nb_run > 0) memcpy(m->run + before, held->run, (size_t)nb_run * sizeof *grown);
    dcpg_bcast_all(m->par, m->run + before, (size_t)nb_run * sizeof *grown, (int)m->owner[chromo]);
    m->run_offset[chromo + 1] = before + nb_run;
    return DCPG_OK;
}

/* Shows a sequence to all ranks, which look where their calls stand on it. */
static dcpg_status show_sequence_all(making *m, int chromo, dcpg_err *err)
{
    const dcpg_sequence *held = NULL;
    for (int64_t i = 0; i < m->nb_held; i++) {
        if (m->held[i].chromo == chromo) held = &m->held[i].sequence;
    }
    about_sequence about = {0};
    if (held) {
        about = (about_sequence){.length = held->length, .nb_run = held->nb_run};
        memcpy(about.md5, held->md5, sizeof about.md5);
    }
    int root = (int)m->owner[chromo];
    dcpg_bcast_all(m->par, &about, sizeof about, root);
    m->length[chromo] = about.length;
    size_t bytes = (size_t)(about.length / 4 + 1);
    dcpg_sequence seen = {.length = about.length, .packed = held ? held->packed : dcpg_alloc(bytes, 1)};
    dcpg_status status = seen.packed ? dcpg_strings_add(&m->md5, about.md5, err) : dcpg_fail_nomem(err, "a chromosome", bytes);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) {
        dcpg_bcast_all(m->par, seen.packed, (size_t)((about.length + 3) / 4), root);
        vote(m, chromo, &seen);
        status = share_runs_all(m, chromo, held, about.nb_run, err);
    }
    if (!held) dcpg_free(seen.packed);
    return status;
}

/* ---- judging ---- */

static dcpg_status choose_shift(const making *m, packed_cell *cell, dcpg_err *err)
{
    int base = m->options->bedgraph_base;
    if (!cell->bedgraph || cell->n == 0) return DCPG_OK;
    if (base < 0 && m->dna_files.n == 0) {
        return dcpg_fail(err, DCPG_E_INPUT, "%s: a bedGraph may count from 0 or from 1: say which with --bedgraph_base, or give --dna_files to find out", cell->path);
    }
    if (base < 0 && cell->hit[0] == cell->hit[1]) {
        return dcpg_fail(err, DCPG_E_INPUT, "%s: the genome does not tell whether this bedGraph counts from 0 or from 1 (%" PRId64 " of %" PRId64 " calls stand on a CG either way): say it with --bedgraph_base",
                         cell->path, cell->hit[0], cell->n);
    }
    if (base < 0) base = cell->hit[0] > cell->hit[1];
    cell->shift = 1 - base;
    return DCPG_OK;
}

static dcpg_status check_range(const making *m, const packed_cell *cell, dcpg_err *err)
{
    for (int c = 0; c < cell->nb_chromo; c++) {
        const packed_calls *calls = &cell->chromo[c];
        const char *name = m->chromo.v[calls->chromo];
        int64_t first = (int64_t)calls->first + cell->shift, last = (int64_t)calls->last + cell->shift, length = m->length[calls->chromo];
        if (first < 1) return dcpg_fail(err, DCPG_E_INPUT, "%s: chromosome %s: position %d lies before the first base: use --bedgraph_base 0", cell->path, name, calls->first);
        if (last > INT32_MAX || (m->dna_files.n > 0 && last > length)) {
            return dcpg_fail(err, DCPG_E_INPUT, "%s: chromosome %s: position %" PRId64 " lies beyond its end at %" PRId64 ": use the genome build that the profile was made with", cell->path, name,
                             last, length);
        }
    }
    return DCPG_OK;
}

static dcpg_status judge_cells(making *m, dcpg_err *err)
{
    for (int64_t i = 0; i < nb_own(m); i++) {
        DCPG_TRY(choose_shift(m, &m->cell[i], err));
        DCPG_TRY(check_range(m, &m->cell[i], err));
    }
    return check_range(m, &m->target, err);
}

/* Tells how many bedGraphs were found to count from 0 and from 1. */
static void tell_bases_all(const making *m)
{
    int64_t count[2] = {0, 0};
    for (int64_t i = 0; i < nb_own(m); i++) {
        if (m->cell[i].bedgraph) count[1 - m->cell[i].shift]++;
    }
    dcpg_sum_i64s_all(m->par, count, 2);
    if (count[0] + count[1] > 0 && m->options->bedgraph_base < 0) {
        dcpg_info(m->log, "data: the genome shows that %" PRId64 " bedGraph files count from 0, %" PRId64 " from 1", count[0], count[1]);
    }
}

/* Warns of calls that do not stand on a CG, and names the cell with the largest share. */
static void tell_misses_all(making *m)
{
    int64_t sum[2] = {0, 0}, worst = 0; /* share in parts per million, then the cell */
    for (int64_t i = 0; i < nb_own(m); i++) {
        const packed_cell *cell = &m->cell[i];
        int64_t missed = cell->n - cell->hit[cell->shift];
        int64_t word = cell->n > 0 ? (int64_t)(1e6 * (double)missed / (double)cell->n) << 32 | (m->nb_cell - m->cell_first - i) : 0;
        sum[0] += missed;
        sum[1] += cell->n;
        if (word > worst) worst = word;
    }
    dcpg_sum_i64s_all(m->par, sum, 2);
    worst = dcpg_max_i64_all(m->par, worst);
    if (sum[0] == 0) return;
    dcpg_warn(m->log, "%" PRId64 " of %" PRId64 " calls (%.2f %%) do not stand on a CG of the genome, most in %s (%.2f %%): they are kept; check genome build and positions (1-based, on the C) if these are many",
              sum[0], sum[1], 100.0 * (double)sum[0] / (double)sum[1], m->path[m->nb_cell - (worst & INT32_MAX)], (double)(worst >> 32) / 1e4);
}

static dcpg_status alloc_chromos(making *m, dcpg_err *err)
{
    size_t n = m->chromo.n;
    m->owner = dcpg_alloc(n, sizeof *m->owner);
    m->length = dcpg_alloc(n, sizeof *m->length);
    m->run_offset = dcpg_alloc(n + 1, sizeof *m->run_offset);
    if (!m->owner || !m->length || !m->run_offset) return dcpg_fail_nomem(err, "chromosomes", 3 * (n + 1) * sizeof *m->owner);
    return DCPG_OK;
}

static dcpg_status read_genome_all(making *m, dcpg_err *err)
{
    double started = dcpg_now();
    DCPG_TRY(dcpg_agree_all(m->par, read_sequences(m, err), err));
    DCPG_TRY(find_owners_all(m, err));
    int64_t bases = 0;
    for (int c = 0; c < (int)m->chromo.n; c++) {
        DCPG_TRY(show_sequence_all(m, c, err));
        bases += m->length[c];
    }
    dcpg_info(m->log, "data: genome of %.1f Mb read in %.2f s", (double)bases / 1e6, dcpg_now() - started);
    return DCPG_OK;
}

dcpg_status dcpg_make_genome_all(making *m, dcpg_err *err)
{
    DCPG_TRY(dcpg_agree_all(m->par, alloc_chromos(m, err), err));
    if (m->dna_files.n > 0) DCPG_TRY(read_genome_all(m, err));
    DCPG_TRY(dcpg_agree_all(m->par, judge_cells(m, err), err));
    tell_bases_all(m);
    if (m->dna_files.n > 0) tell_misses_all(m);
    return DCPG_OK;
}
