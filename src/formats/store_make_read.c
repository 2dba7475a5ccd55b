/* Making a store, second step: profiles and target sites, and which chromosomes there are. */
#include "formats/store_make.h"
#include "formats/text_reader.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- target sites ---- */

typedef struct target {
    size_t chromo; /* in a list of names */
    int32_t pos;
} target;

typedef struct targets {
    dcpg_strings chromo;
    target *v;
    size_t n, room;
} targets;

static dcpg_status add_target(targets *t, const char *raw, int32_t pos, dcpg_err *err) {
    if (t->n == t->room) {
        size_t room = t->room ? 2 * t->room : 4096;
        target *grown = dcpg_realloc(t->v, t->n, room, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "target sites", room * sizeof *grown);
        t->v = grown;
        t->room = room;
    }
    char *name = dcpg_chromo_name(raw);
    if (!name) return dcpg_fail_nomem(err, "a chromosome's name", strlen(raw) + 1);
    bool again = t->n > 0 && strcmp(t->chromo.v[t->v[t->n - 1].chromo], name) == 0;
    ptrdiff_t known = again ? (ptrdiff_t)t->v[t->n - 1].chromo : dcpg_strings_find(&t->chromo, name);
    dcpg_status status = known >= 0 ? DCPG_OK : dcpg_strings_add(&t->chromo, name, err);
    t->v[t->n++] = (target){known >= 0 ? (size_t)known : t->chromo.n - 1, pos};
    dcpg_free(name);
    return status;
}

/* "chromo pos ...", parts by blanks or tabs; empty lines and comments are passed over. */
static dcpg_status read_target(targets *t, const dcpg_text_reader *text, char *line, dcpg_err *err) {
    static const char blank[] = " \t";
    char *rest = NULL, *chromo = strtok_r(line, blank, &rest);
    if (!chromo || *chromo == '#') return DCPG_OK;
    const char *word = strtok_r(NULL, blank, &rest);
    int64_t pos = 0;
    if (word && dcpg_parse_int(word, &pos) && pos >= 1 && pos < INT32_MAX)
        return add_target(t, chromo, (int32_t)pos, err);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64
                     ": '%s' is no position: a line holds a chromosome and a position, the first being 1",
                     dcpg_text_path(text), dcpg_text_line_number(text), word ? word : "");
}

static dcpg_status read_target_lines(targets *t, const char *path, dcpg_err *err) {
    dcpg_text_reader *text = NULL;
    char *line = NULL;
    DCPG_TRY(dcpg_text_open(path, &text, err));
    dcpg_status status = dcpg_text_line(text, &line, err);
    while (status == DCPG_OK && line) {
        status = read_target(t, text, line, err);
        if (status == DCPG_OK) status = dcpg_text_line(text, &line, err);
    }
    dcpg_text_close(text);
    if (status == DCPG_OK && t->n == 0) status = dcpg_fail(err, DCPG_E_INPUT, "%s: holds no positions", path);
    return status;
}

static int by_place(const void *a, const void *b) {
    const target *x = a, *y = b;
    if (x->chromo != y->chromo) return x->chromo < y->chromo ? -1 : 1;
    return x->pos < y->pos ? -1 : x->pos > y->pos;
}

/* Turns the sorted list into a profile without values, no position twice. */
static dcpg_status make_profile(targets *t, dcpg_profile *profile, dcpg_err *err) {
    profile->binary = true;
    profile->chromo = dcpg_alloc(t->chromo.n, sizeof *profile->chromo);
    if (!profile->chromo) return dcpg_fail_nomem(err, "target sites", t->chromo.n * sizeof *profile->chromo);
    for (size_t i = 0; i < t->n; profile->nb_chromo++) {
        dcpg_calls *calls = &profile->chromo[profile->nb_chromo];
        size_t chromo = t->v[i].chromo, end = i;
        while (end < t->n && t->v[end].chromo == chromo) end++;
        calls->chromo = dcpg_strdup(t->chromo.v[chromo]);
        calls->pos = dcpg_alloc(end - i, sizeof *calls->pos);
        calls->value = dcpg_alloc(end - i, sizeof *calls->value);
        if (!calls->chromo || !calls->pos || !calls->value)
            return dcpg_fail_nomem(err, "target sites", (end - i) * sizeof *calls->pos);
        for (; i < end; i++) {
            if (calls->n == 0 || calls->pos[calls->n - 1] != t->v[i].pos)
                calls->pos[calls->n++] = t->v[i].pos;
        }
    }
    return DCPG_OK;
}

/* The lines of --pos_file as a profile without values. */
static dcpg_status read_pos_file(const char *path, dcpg_profile *profile, dcpg_err *err) {
    targets t = {0};
    dcpg_status status = read_target_lines(&t, path, err);
    if (status == DCPG_OK) {
        qsort(t.v, t.n, sizeof *t.v, by_place);
        status = make_profile(&t, profile, err);
    }
    dcpg_strings_free(&t.chromo);
    dcpg_free(t.v);
    return status;
}

static dcpg_status read_targets(making *m, dcpg_err *err) {
    const making_input *input = m->input;
    dcpg_profile profile = {0};
    m->target.path = targets_of(m);
    dcpg_status status =
        input ? input->sites(input->context, &profile, err) : read_pos_file(m->target.path, &profile, err);
    if (status == DCPG_OK) status = dcpg_pack_profile(m, &profile, &m->target, err);
    if (status == DCPG_OK && m->target.n == 0)
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: holds no position on the chromosomes of --chromos",
                           m->target.path);
    dcpg_profile_free(&profile);
    return status;
}

/* ---- profiles ---- */

dcpg_profile_options dcpg_make_profile_options(const making *m) {
    const dcpg_store_options *o = m->options;
    return (dcpg_profile_options){.format = o->profile_format,
                                  .genome = has_genome(m) ? &m->genome.map : NULL,
                                  .chromos = &m->wanted,
                                  .call = o->call,
                                  .bedgraph_base = o->bedgraph_base,
                                  .runs = has_genome(m) ? &m->genome.runs : NULL,
                                  .max_memory = o->max_memory,
                                  .min_reads = o->min_reads,
                                  .min_cg = o->min_cg};
}

/* Whether the input has the cell, the i-th of this rank. */
static bool is_kept(const making *m, int64_t i) { return m->cells.path[m->cell_first + i] == NULL; }

static dcpg_status read_kept(const making *m, int64_t i, dcpg_err *err) {
    dcpg_profile profile = {0};
    int64_t number = dcpg_strings_find(m->input->cells, m->cells.name.v[m->cell_first + i]);
    m->cell[i].path = m->input->name;
    dcpg_status status = m->input->cell(m->input->context, number, &profile, err);
    if (status == DCPG_OK) status = dcpg_pack_profile(m, &profile, &m->cell[i], err);
    dcpg_profile_free(&profile);
    return status;
}

/* How the i-th file of this rank is to be read, and what came of it. */
typedef struct reading {
    const dcpg_profile_options *options;
    const files_told *told;      /* NULL: all are read; else those again that follow others */
    dcpg_profile_report *report; /* [nb_own_file] */
} reading;

static dcpg_status read_profile(const making *m, const reading *r, int64_t i, dcpg_err *err) {
    dcpg_profile profile = {0};
    dcpg_profile_options options = *r->options;
    int64_t first = m->cells.first[m->cell_first + i], n = m->cells.first[m->cell_first + i + 1] - first;
    dcpg_profile_report *report = &r->report[first - own_file(m)];
    if (r->told) options.follow = dcpg_make_base_of(r->told, report->format);
    m->cell[i].path = m->cells.path[m->cell_first + i];
    dcpg_status status = dcpg_profile_load_files(m->cells.sorted + first, n, &options, &profile, report, err);
    if (status == DCPG_OK) status = dcpg_pack_profile(m, &profile, &m->cell[i], err);
    dcpg_profile_free(&profile);
    return status;
}

/* Whether the i-th cell of this rank is to be read: all are, later those that follow the other files. A pipe
 * cannot be read again. */
static bool is_due(const making *m, const reading *r, int64_t i) {
    if (is_kept(m, i)) return false;
    bool due = !r->told;
    for (int64_t f = m->cells.first[m->cell_first + i]; f < m->cells.first[m->cell_first + i + 1]; f++) {
        const dcpg_profile_report *report = &r->report[f - own_file(m)];
        struct stat about;
        if (!r->told || !report->undecided) continue;
        int base = dcpg_make_base_of(r->told, report->format);
        due |= base > 0 && stat(m->cells.sorted[f], &about) == 0 && S_ISREG(about.st_mode);
    }
    return due;
}

static void tell_progress(const making *m, int64_t done) {
    dcpg_progress(m->log, false, "data: %" PRId64 " of %" PRId64 " profiles read",
                  done * m->nb_cell / nb_own(m), m->nb_cell);
}

/* Reads this rank's profiles, files several at a time; the first one that is wrong speaks. */
static dcpg_status read_profiles(making *m, const reading *r, dcpg_err *err) {
    int64_t n = nb_own(m), done = 0, worst = n;
    dcpg_err first = {0};
#pragma omp parallel for schedule(dynamic, 1)
    for (int64_t i = 0; i < n; i++) {
        if (!is_due(m, r, i)) continue;
        dcpg_err mine = {0};
        if (r->told) dcpg_free_packed(&m->cell[i]);
        dcpg_status status = read_profile(m, r, i, &mine);
#pragma omp critical(dcpg_store_make)
        {
            if (!r->told) tell_progress(m, ++done);
            if (status != DCPG_OK && i < worst) {
                worst = i;
                first = mine;
            }
        }
    }
    if (first.status != DCPG_OK && err) *err = first;
    return first.status;
}

/* What the input has; its library knows one thread. */
static dcpg_status read_kept_cells(const making *m, dcpg_err *err) {
    for (int64_t i = 0; i < nb_own(m); i++)
        if (is_kept(m, i)) DCPG_TRY(read_kept(m, i, err));
    return DCPG_OK;
}

/* No other file tells, and the format has no base of its own. */
static dcpg_status check_settled(const making *m, const files_told *told, dcpg_err *err) {
    for (int64_t i = 0; i < told->n; i++) {
        const dcpg_profile_report *r = &told->v[i].report;
        if (!r->unsettled) continue;
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: its %" PRId64 " calls stand on CG whether it counts from 0 or from 1, and no "
                         "other %s file tells: say which with --bedgraph_base",
                         m->cells.sorted[told->v[i].file], r->calls - r->elsewhere, r->format);
    }
    return DCPG_OK;
}

/* Reads all files; those that cannot tell their base once more, when the others have told theirs. */
static dcpg_status read_cells_all(making *m, files_told *told, dcpg_err *err) {
    dcpg_profile_options options = dcpg_make_profile_options(m);
    options.lenient = true;
    size_t n = (size_t)nb_own_file(m);
    reading r = {.options = &options, .report = dcpg_alloc(n, sizeof *r.report)};
    m->cell = dcpg_alloc((size_t)nb_own(m), sizeof *m->cell);
    dcpg_status status = m->cell && r.report ? DCPG_OK : dcpg_fail_nomem(err, "cells", n * sizeof *r.report);
    if (status == DCPG_OK) status = read_kept_cells(m, err);
    if (status == DCPG_OK) status = read_profiles(m, &r, err);
    if (status == DCPG_OK && targets_of(m) && m->par->rank == 0) status = read_targets(m, err);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) status = dcpg_make_gather_told_all(m, r.report, told, err);
    bool undecided = false;
    for (int64_t i = 0; i < told->n; i++) undecided |= told->v[i].report.undecided;
    if (status == DCPG_OK && undecided) {
        r.told = told;
        status = dcpg_agree_all(m->par, read_profiles(m, &r, err), err);
        files_told first = *told;
        *told = (files_told){0};
        if (status == DCPG_OK) status = dcpg_make_gather_told_all(m, r.report, told, err);
        dcpg_free(first.v);
    }
    dcpg_free(r.report);
    return status == DCPG_OK ? check_settled(m, told, err) : status;
}

/* ---- chromosomes ---- */

static dcpg_status add_names(const packed_cell *cell, dcpg_map *names, dcpg_err *err) {
    for (int c = 0; c < cell->nb_chromo; c++) DCPG_TRY(dcpg_map_set(names, cell->chromo[c].name, 1, err));
    return DCPG_OK;
}

/* The names of all ranks, sorted, into m->chromo. */
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
        status = dcpg_strings_add(&m->chromo, dcpg_map_key(&seen, i), err);
    dcpg_strings_sort(&m->chromo);
    dcpg_map_free(&seen);
    dcpg_free(all);
    dcpg_free(bytes_of);
    return dcpg_agree_all(m->par, status, err);
}

static int by_number(const void *a, const void *b) {
    const packed_calls *x = a, *y = b;
    return (x->chromo > y->chromo) - (x->chromo < y->chromo);
}

/* In the order of the store; profiles are already, lists of sites, which have no values, may not be. */
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
    if (m->chromo.n == 0) {
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

static dcpg_status name_chromos_all(making *m, dcpg_err *err) {
    dcpg_map mine = {0};
    dcpg_status status = add_names(&m->target, &mine, err);
    for (int64_t i = 0; i < nb_own(m) && status == DCPG_OK; i++) status = add_names(&m->cell[i], &mine, err);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) status = gather_names_all(m, &mine, err);
    if (status == DCPG_OK) status = check_chromos(m, err);
    dcpg_map_free(&mine);
    if (status != DCPG_OK) return status;
    number_chromos(m, &m->target);
    for (int64_t i = 0; i < nb_own(m); i++) number_chromos(m, &m->cell[i]);
    return DCPG_OK;
}

dcpg_status dcpg_make_read_all(making *m, dcpg_err *err) {
    double started = dcpg_now();
    files_told told = {0};
    dcpg_status status = read_cells_all(m, &told, err);
    if (status == DCPG_OK) status = dcpg_agree_all(m->par, dcpg_make_tell(m, &told, err), err);
    if (status == DCPG_OK) status = dcpg_make_leave_out_all(m, &told, err);
    dcpg_free(told.v);
    DCPG_TRY(status);
    DCPG_TRY(name_chromos_all(m, err));
    int64_t calls = 0;
    for (int64_t i = 0; i < nb_own(m); i++) calls += m->cell[i].n;
    calls = dcpg_sum_i64_all(m->par, calls);
    dcpg_info(m->log, "data: %" PRId64 " profile%s with %" PRId64 " calls on %zu chromosome%s read in %.2f s",
              m->nb_cell, m->nb_cell == 1 ? "" : "s", calls, m->chromo.n, m->chromo.n == 1 ? "" : "s",
              dcpg_now() - started);
    return DCPG_OK;
}
