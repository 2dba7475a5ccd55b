/* SPDX-License-Identifier: MIT */
/* Making a store, second step: reads profiles and target sites, and collects the names of their chromosomes.
 */
#include "base/number.h"
#include "store/make/make_impl.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- profiles ---- */

dcpg_profile_options dcpg_make_profile_options(const making *m) {
    const dcpg_store_options *o = m->options;
    return (dcpg_profile_options){.format = o->profile_format,
                                  .genome = has_genome(m) ? &m->genome.map : NULL,
                                  .chromos = &m->wanted,
                                  .call = o->call,
                                  .ties_methylated = o->ties_methylated,
                                  .bedgraph_base = o->bedgraph_base,
                                  .runs = has_genome(m) ? &m->genome.runs : NULL,
                                  .max_memory = o->max_memory,
                                  .min_reads = o->min_reads,
                                  .min_cg = o->min_cg};
}

/* Whether the i-th cell of this rank comes from the input. */
static bool is_kept(const making *m, int64_t i) { return m->cells.files.path[m->cells.first + i] == NULL; }

static dcpg_status read_kept(const making *m, int64_t i, dcpg_err *err) {
    dcpg_profile profile = {0};
    int64_t number = dcpg_strings_find(m->input->cells, m->cells.files.name.v[m->cells.first + i]);
    m->cells.packed[i].path = m->input->name;
    dcpg_status status = m->input->cell(m->input->context, number, &profile, err);
    if (status == DCPG_OK) status = dcpg_pack_profile(m, &profile, &m->cells.packed[i], err);
    dcpg_profile_free(&profile);
    return status;
}

/* How this rank's files are read, and the reports on them. */
typedef struct reading {
    const dcpg_profile_options *options;
    const file_reports
        *reports; /* NULL: all files are read; else only those whose base follows from other files */
    dcpg_profile_report *report; /* [nb_own_file] */
} reading;

static dcpg_status read_profile(const making *m, const reading *r, int64_t i, dcpg_err *err) {
    dcpg_profile profile = {0};
    dcpg_profile_options options = *r->options;
    int64_t first = m->cells.files.first[m->cells.first + i],
            n = m->cells.files.first[m->cells.first + i + 1] - first;
    dcpg_profile_report *report = &r->report[first - own_file(m)];
    if (r->reports) options.follow = dcpg_make_base_of(r->reports, report->format);
    m->cells.packed[i].path = m->cells.files.path[m->cells.first + i];
    dcpg_status status =
        dcpg_profile_load_files(m->cells.files.sorted + first, n, &options, &profile, report, err);
    if (status == DCPG_OK) status = dcpg_pack_profile(m, &profile, &m->cells.packed[i], err);
    dcpg_profile_free(&profile);
    return status;
}

/* Whether the i-th cell of this rank is to be read: at first every cell that has files, then those whose base
 * follows from other files. A pipe cannot be read twice. */
static bool is_due(const making *m, const reading *r, int64_t i) {
    if (is_kept(m, i)) return false;
    bool due = !r->reports;
    struct stat about;
    for (int64_t f = m->cells.files.first[m->cells.first + i];
         f < m->cells.files.first[m->cells.first + i + 1]; f++) {
        const dcpg_profile_report *report = &r->report[f - own_file(m)];
        if (!r->reports || !report->undecided) continue;
        const char *path = m->cells.files.sorted[f];
        int base = dcpg_make_base_of(r->reports, report->format);
        bool again = (stat(path, &about) == 0 && S_ISREG(about.st_mode)) || dcpg_is_column(path);
        due |= base > 0 && again;
    }
    return due;
}

static void log_progress(const making *m, int64_t done) {
    dcpg_progress(m->log, false, "data: %" PRId64 " of %" PRId64 " profiles read",
                  done * m->cells.n / nb_own(m), m->cells.n);
}

/* Reads this rank's profiles, several files at a time; the error of the first bad cell is reported. */
static dcpg_status read_profiles(making *m, const reading *r, dcpg_err *err) {
    int64_t n = nb_own(m), done = 0, worst = n;
    dcpg_err first = {0};
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = 0; i < n; i++) {
        if (!is_due(m, r, i)) continue;
        dcpg_err mine = {0};
        if (r->reports) dcpg_free_packed(&m->cells.packed[i]);
        dcpg_status status = read_profile(m, r, i, &mine);
        if (omp_get_thread_num() == 0) dcpg_par_busy(m->par); /* only the first thread may call MPI */
#pragma omp critical(dcpg_store_make)
        {
            if (!r->reports) log_progress(m, ++done);
            if (status != DCPG_OK && i < worst) {
                worst = i;
                first = mine;
            }
        }
    }
    if (first.status != DCPG_OK && err) *err = first;
    return first.status;
}

/* Reads the cells of the input, on one thread: its library is not thread-safe. */
static dcpg_status read_kept_cells(const making *m, dcpg_err *err) {
    for (int64_t i = 0; i < nb_own(m); i++)
        if (is_kept(m, i)) DCPG_TRY(read_kept(m, i, err));
    return DCPG_OK;
}

/* Refuses a file whose base stays open: no other file shows it, and the format has no default. */
static dcpg_status check_settled(const making *m, const file_reports *reports, dcpg_err *err) {
    for (int64_t i = 0; i < reports->n; i++) {
        const dcpg_profile_report *r = &reports->v[i].report;
        if (!r->unsettled) continue;
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: its %" PRId64 " calls stand on CG whether it counts from 0 or from 1, and no "
                         "other %s file decides: give --bedgraph_base",
                         m->cells.files.sorted[reports->v[i].file], r->calls - r->elsewhere, r->format);
    }
    return DCPG_OK;
}

static void keep_busy(void *making_of) { dcpg_par_busy(((const making *)making_of)->par); }

/* Reads all files, and then once more those that do not show their base, with the base of the others.
 * Collective. */
static dcpg_status read_cells_all(making *m, file_reports *reports, dcpg_err *err) {
    dcpg_profile_options options = dcpg_make_profile_options(m);
    options.lenient = true;
    size_t n = (size_t)nb_own_file(m);
    reading r = {.options = &options, .report = dcpg_alloc(n, sizeof *r.report)};
    m->cells.packed = dcpg_alloc((size_t)nb_own(m), sizeof *m->cells.packed);
    dcpg_status status =
        m->cells.packed && r.report ? DCPG_OK : dcpg_fail_nomem(err, "cells", n * sizeof *r.report);
    const dcpg_matrices_watch watch = {keep_busy, m};
    dcpg_matrices *matrices = NULL;
    if (status == DCPG_OK) status = read_kept_cells(m, err);
    if (status == DCPG_OK)
        status = dcpg_matrices_load(m->cells.files.sorted + own_file(m), nb_own_file(m), &options, &watch,
                                    &matrices, err);
    options.matrices = matrices;
    if (status == DCPG_OK) status = read_profiles(m, &r, err);
    if (status == DCPG_OK && targets_of(m) && m->par->rank == 0) status = dcpg_make_read_targets(m, err);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) status = dcpg_make_gather_reports_all(m, r.report, reports, err);
    bool undecided = false;
    for (int64_t i = 0; i < reports->n; i++) undecided |= reports->v[i].report.undecided;
    if (status == DCPG_OK && undecided) {
        r.reports = reports;
        status = dcpg_agree_all(m->par, read_profiles(m, &r, err), err);
        file_reports first = *reports;
        *reports = (file_reports){0};
        if (status == DCPG_OK) status = dcpg_make_gather_reports_all(m, r.report, reports, err);
        dcpg_free(first.v);
    }
    dcpg_matrices_free(matrices);
    dcpg_free(r.report);
    return status == DCPG_OK ? check_settled(m, reports, err) : status;
}

/* ---- chromosomes ---- */

static dcpg_status add_names(const packed_cell *cell, dcpg_map *names, dcpg_err *err) {
    for (int c = 0; c < cell->nb_chromo; c++) DCPG_TRY(dcpg_map_set(names, cell->chromo[c].name, 1, err));
    return DCPG_OK;
}

/* Gathers the names of all ranks, sorted, into m->chromos.name. Collective. */
static dcpg_status gather_names_all(making *m, const dcpg_map *names, dcpg_err *err) {
    dcpg_map seen = {0};
    void *all = NULL;
    size_t total = 0, *bytes_of = dcpg_alloc((size_t)m->par->size, sizeof *bytes_of);
    dcpg_status status =
        bytes_of ? DCPG_OK : dcpg_fail_nomem(err, "ranks", (size_t)m->par->size * sizeof *bytes_of);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(m->par, names->text, names->used, &all, bytes_of, err);
    for (int r = 0; r < m->par->size && status == DCPG_OK; r++) total += bytes_of[r];
    for (const char *name = all; status == DCPG_OK && name < (char *)all + total; name += strlen(name) + 1)
        status = dcpg_map_set(&seen, name, 1, err);
    for (size_t i = 0; i < seen.n && status == DCPG_OK; i++)
        status = dcpg_strings_add(&m->chromos.name, dcpg_map_key(&seen, i), err);
    dcpg_strings_sort(&m->chromos.name);
    dcpg_map_free(&seen);
    dcpg_free(all);
    dcpg_free(bytes_of);
    return dcpg_agree_all(m->par, status, err);
}

static int by_number(const void *a, const void *b) {
    const packed_calls *x = a, *y = b;
    return (x->chromo > y->chromo) - (x->chromo < y->chromo);
}

/* Numbers chromosomes and puts them in the order of the store. Profiles are in this order already; lists of
 * sites, which have no values, may not be. */
static void number_chromos(const making *m, packed_cell *cell) {
    bool sorted = true;
    for (int c = 0; c < cell->nb_chromo; c++) {
        cell->chromo[c].chromo = dcpg_make_chromo_number(m, cell->chromo[c].name);
        sorted &= c == 0 || cell->chromo[c - 1].chromo < cell->chromo[c].chromo;
    }
    assert(sorted || !cell->value);
    if (!sorted) qsort(cell->chromo, (size_t)cell->nb_chromo, sizeof *cell->chromo, by_number);
}

static dcpg_status check_chromos(const making *m, dcpg_err *err) {
    if (m->chromos.name.n == 0) {
        return dcpg_fail(
            err, DCPG_E_INPUT,
            m->wanted.n > 0 ? "no profile holds a call on the chromosomes of --chromos: see how the profiles "
                              "write their names"
                            : "no call is left of any profile: see --call, --min_reads and the counts above");
    }
    for (size_t i = 0; i < m->wanted.n; i++) {
        if (dcpg_make_chromo_number(m, m->wanted.v[i]) < 0) {
            return dcpg_fail(err, DCPG_E_INPUT,
                             "--chromos %s: no profile holds a call there: leave it out, or see how the "
                             "profiles write its name",
                             m->wanted.v[i]);
        }
    }
    return DCPG_OK;
}

/* Adds the chromosomes of the genome that hold a CG; each rank searches its part of them. */
static dcpg_status add_cg_names(const making *m, dcpg_map *names, dcpg_err *err) {
    const genome *g = &m->genome;
    int64_t from = dcpg_part(g->n, m->par->rank, m->par->size),
            to = dcpg_part(g->n, m->par->rank + 1, m->par->size);
    for (int64_t i = from; i < to; i++) {
        const dcpg_cg_chromo *on = &g->chromo[i];
        int64_t w = 0, words = ceil_div(on->length, 64);
        while (w < words && on->bits[w] == 0) w++;
        if (w < words) DCPG_TRY(dcpg_map_set(names, on->name, 1, err));
    }
    return DCPG_OK;
}

static dcpg_status name_chromos_all(making *m, dcpg_err *err) {
    dcpg_map mine = {0};
    dcpg_status status = add_names(&m->cells.target, &mine, err);
    if (status == DCPG_OK && m->positions.every_cg) status = add_cg_names(m, &mine, err);
    for (int64_t i = 0; i < nb_own(m) && status == DCPG_OK; i++)
        status = add_names(&m->cells.packed[i], &mine, err);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) status = gather_names_all(m, &mine, err);
    if (status == DCPG_OK) status = check_chromos(m, err);
    dcpg_map_free(&mine);
    if (status != DCPG_OK) return status;
    number_chromos(m, &m->cells.target);
    for (int64_t i = 0; i < nb_own(m); i++) number_chromos(m, &m->cells.packed[i]);
    return DCPG_OK;
}

/* Warns of two names of the mitochondrion in the files of cells and in that of the sites, which rank 0 read.
 */
static void log_mito(making *m, const file_reports *reports) {
    mito_files files = {0};
    if (targets_of(m)) dcpg_make_add_mito(&files, targets_of(m), m->mito);
    m->mito = 0;
    for (int64_t i = 0; i < reports->n; i++)
        dcpg_make_add_mito(&files, m->cells.files.sorted[reports->v[i].file], reports->v[i].report.mito);
    dcpg_make_log_mito(m, &files);
}

dcpg_status dcpg_make_read_all(making *m, dcpg_err *err) {
    double started = dcpg_now();
    file_reports reports = {0};
    dcpg_status status = read_cells_all(m, &reports, err);
    if (status == DCPG_OK) status = dcpg_agree_all(m->par, dcpg_make_log_files(m, &reports, err), err);
    if (status == DCPG_OK) log_mito(m, &reports);
    if (status == DCPG_OK) status = dcpg_make_leave_out_all(m, &reports, err);
    dcpg_free(reports.v);
    DCPG_TRY(status);
    DCPG_TRY(name_chromos_all(m, err));
    int64_t calls = 0;
    for (int64_t i = 0; i < nb_own(m); i++) calls += m->cells.packed[i].n;
    calls = dcpg_sum_i64_all(m->par, calls);
    if (calls == 0)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "no call is left of any profile, so that nothing could be learned: see --call, "
                         "--min_reads, --chromos and the counts above");
    dcpg_info(m->log, "data: %" PRId64 " profile%s with %" PRId64 " calls on %zu chromosome%s read in %.2f s",
              m->cells.n, m->cells.n == 1 ? "" : "s", calls, m->chromos.name.n,
              m->chromos.name.n == 1 ? "" : "s", dcpg_now() - started);
    return DCPG_OK;
}
