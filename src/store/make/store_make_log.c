/* SPDX-License-Identifier: MIT */
/* Making a store: log messages about the profiles that were read. */
#include "base/number.h"
#include "store/make/make_impl.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A file and the percentage of its calls on CG, for sorting. */
typedef struct cg_percent {
    double on_cg;
    int64_t file;
} cg_percent;

static int by_on_cg(const void *a, const void *b) {
    const cg_percent *x = a, *y = b;
    if (x->on_cg != y->on_cg) return x->on_cg < y->on_cg ? -1 : 1;
    return x->file < y->file ? -1 : x->file > y->file;
}

enum { NAMED = 10 }; /* most names in a message */

void dcpg_names_add(some_names *names, const char *name) {
    size_t used = strlen(names->text);
    if (names->n < NAMED && used + strlen(name) + 64 < sizeof names->text)
        snprintf(names->text + used, sizeof names->text - used, "%s%s", names->n > 0 ? ", " : "", name);
    names->n++;
}

const char *dcpg_names_text(some_names *names) {
    size_t used = strlen(names->text);
    if (names->n > NAMED)
        snprintf(names->text + used, sizeof names->text - used, " and %" PRId64 " more", names->n - NAMED);
    return names->text;
}

/* The name of a file of the cells by its place in cells.files.sorted. */
static const char *name_of(const making *m, int64_t file) {
    return dcpg_basename(m->cells.files.sorted[file]);
}

/* CGs of the genome; 0 without a genome, or if the log does not show the number. */
static int64_t count_cgs(const making *m) {
    int64_t n = 0;
    if (!has_genome(m) || !m->log || m->log->level < DCPG_DEBUG) return 0;
    for (int64_t c = 0; c < m->genome.map.n; c++) {
        const dcpg_cg_chromo *chromo = &m->genome.map.chromo[c];
        for (int64_t i = 0; i < ceil_div(chromo->length, 64); i++) n += __builtin_popcountll(chromo->bits[i]);
    }
    return n;
}

/* How the calls of a file lie on the genome; empty without a genome. */
static const char *placed_text(const making *m, const dcpg_profile_report *r, char text[160]) {
    *text = '\0';
    if (!has_genome(m)) return text;
    snprintf(text, 160, ", %.2f %% on CG%s%s%s, %" PRId64 " on contigs that the genome lacks",
             dcpg_profile_on_cg(r), r->shift < 0 ? ", moved by -1" : "", r->shift > 0 ? ", moved by +1" : "",
             r->strand_ignored ? ", strands ignored" : "", r->elsewhere);
    return text;
}

static void log_profile(const making *m, const char *path, const dcpg_profile_report *r, int64_t nb_cg) {
    char part[64] = "", placed[160];
    if (nb_cg > 0)
        snprintf(part, sizeof part, " (%.2f %% of the genome's CGs)",
                 100.0 * (double)r->nb_cpg / (double)nb_cg);
    dcpg_debug(m->log,
               "data: %s: %s, %" PRId64 " calls%s, %" PRId64 " dropped as reads disagree, %" PRId64
               " as they are few",
               path, r->format, r->calls, placed_text(m, r, placed), r->tied, r->few);
    dcpg_debug(m->log, "data: %s: columns %s; counts from %d; mean %.4f of %" PRId64 " CpGs%s%s%s", path,
               *r->columns ? r->columns : "of its format", r->base,
               r->nb_cpg > 0 ? r->sum / (double)r->nb_cpg : 0, r->nb_cpg, part,
               *r->ignored ? "; not read: " : "", r->ignored);
}

void dcpg_make_log_profiles(const making *m, const char *const *path, const dcpg_profile_report *report,
                            int64_t n) {
    int64_t nb_cg = count_cgs(m);
    for (int64_t i = 0; i < n; i++)
        if (path[i]) log_profile(m, path[i], &report[i], nb_cg);
}

/* Logs lowest, median and highest percentage of calls on CG, and the files with the lowest ones. */
static void log_on_cg(const making *m, const file_report *all, int64_t n, cg_percent *sorted) {
    int64_t hit = 0, calls = 0, on_n = 0, moved[3] = {0}, ignored = 0;
    for (int64_t i = 0; i < n; i++) {
        const dcpg_profile_report *r = &all[i].report;
        sorted[i] = (cg_percent){dcpg_profile_on_cg(r), all[i].file};
        hit += r->on_cg;
        on_n += r->on_n;
        calls += r->calls - r->elsewhere;
        moved[1 + r->shift]++;
        ignored += r->strand_ignored;
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_on_cg);
    dcpg_info(m->log,
              "data: on CG: %.2f %% of the calls; of a file's calls %.2f %% (%s) to %.2f %%, median %.2f %%",
              calls > 0 ? 100.0 * (double)hit / (double)calls : 100, sorted[0].on_cg,
              name_of(m, sorted[0].file), sorted[n - 1].on_cg, sorted[n / 2].on_cg);
    if (moved[0] + moved[2] > 0) {
        dcpg_info(m->log,
                  "data: the genome shows that positions of %" PRId64
                  " files are to be moved by -1, of %" PRId64 " by +1",
                  moved[0], moved[2]);
    }
    if (ignored > 0)
        dcpg_warn(m->log, "the strand columns of %" PRId64 " files contradict the genome and are ignored",
                  ignored);
    if (calls == hit) return;
    char worst[256] = "";
    for (int64_t i = 0; i < 3 && i < n && sorted[i].on_cg < 100; i++) {
        size_t used = strlen(worst);
        snprintf(worst + used, sizeof worst - used, "%s%s (%.2f %%)", i ? ", " : "",
                 name_of(m, sorted[i].file), 100 - sorted[i].on_cg);
    }
    dcpg_warn(m->log,
              "%" PRId64 " of %" PRId64
              " calls (%.2f %%) do not stand on a CG of the genome and are dropped, most in %s",
              calls - hit, calls, 100.0 * (double)(calls - hit) / (double)calls, worst);
    if (on_n > 0)
        dcpg_warn(m->log,
                  "%" PRId64 " of them (%.2f %% of the calls) stand on N: where its repeats are masked, give "
                  "the genome without masking, or with lower case instead of N",
                  on_n, 100.0 * (double)on_n / (double)calls);
}

/* Readings that nothing in the file confirms: only a genome can tell a merged file of Bismark from one with
 * 0-based intervals, only --profile_format shows that small numbers are percentages. */
static void log_unconfirmed(const making *m, const file_report *all, int64_t n) {
    some_names merged = {0}, low = {0};
    for (int64_t i = 0; i < n; i++) {
        if (all[i].report.either_base) dcpg_names_add(&merged, name_of(m, all[i].file));
        if (all[i].report.low_percent) dcpg_names_add(&low, name_of(m, all[i].file));
    }
    if (merged.n > 0)
        dcpg_warn(m->log,
                  "%s: starts and ends lie 1 apart, read as intervals that count from 0 (.zero.cov); where "
                  "they are C and G of a CpG, as coverage2cytosine --merge_CpG writes, all positions are 1 "
                  "too large: give the genome with --dna_files, which decides",
                  dcpg_names_text(&merged));
    if (low.n > 0)
        dcpg_warn(m->log,
                  "%s: none of %s percentages is above 1: where they are fractions, give fraction= or "
                  "bedgraph in --profile_format",
                  dcpg_names_text(&low), low.n == 1 ? "its" : "their");
}

static void log_dropped(const making *m, const file_report *all, int64_t n) {
    int64_t elsewhere = 0, tied = 0, few = 0, missing = 0, ignored = 0, first = 0;
    some_names left = {0};
    const char *contig = "";
    for (int64_t i = 0; i < n; i++) {
        const dcpg_profile_report *r = &all[i].report;
        elsewhere += r->elsewhere;
        missing += r->missing;
        if (*r->ignored && ignored++ == 0) first = i;
        tied += r->tied;
        few += r->few;
        if (r->on_cg == 0 && !r->empty) dcpg_names_add(&left, name_of(m, all[i].file));
        if (!*contig) contig = r->contig;
    }
    if (elsewhere > 0)
        dcpg_warn(m->log, "%" PRId64 " calls lie on contigs that the genome lacks (%s, say) and are dropped",
                  elsewhere, contig);
    if (missing > 0)
        dcpg_info(m->log, "data: %" PRId64 " lines hold no value (NA, nan, '.', -1): not observed", missing);
    if (ignored > 0)
        dcpg_info(m->log,
                  "data: of %" PRId64
                  " file%s further columns of numbers are not read, of %s: %s (--profile_format)",
                  ignored, ignored == 1 ? "" : "s", name_of(m, all[first].file), all[first].report.ignored);
    if (tied > 0)
        dcpg_info(m->log, "data: %" PRId64 " CpGs are dropped as their reads disagree (--call)", tied);
    if (few > 0)
        dcpg_info(m->log,
                  "data: %" PRId64 " CpGs are dropped as they have less than %" PRId64 " reads (--min_reads)",
                  few, m->options->min_reads);
    if (left.n > 0)
        dcpg_warn(m->log, "no call is left of %" PRId64 " profile%s%s: %s", left.n, left.n == 1 ? "" : "s",
                  m->wanted.n > 0 ? " on the chosen chromosomes" : "", dcpg_names_text(&left));
}

void dcpg_make_log_odd(const making *m, const int64_t *odd, const char *const *path, int64_t n) {
    for (int bit = 0; bit < DCPG_NB_ODD; bit++) {
        some_names names = {0};
        for (int64_t i = 0; i < n; i++)
            if (odd[i] >> bit & 1) dcpg_names_add(&names, path[i]);
        if (names.n > 0) dcpg_warn(m->log, "%s: %s", dcpg_names_text(&names), dcpg_odd_text(bit));
    }
}

static void log_odd(const making *m, const file_report *all, int64_t n) {
    int64_t *odd = dcpg_alloc((size_t)n, sizeof *odd);
    const char **path = dcpg_alloc((size_t)n, sizeof *path);
    for (int64_t i = 0; odd && path && i < n; i++) {
        odd[i] = all[i].report.odd;
        path[i] = m->cells.files.sorted[all[i].file];
    }
    if (odd && path) dcpg_make_log_odd(m, odd, path, n);
    dcpg_free(odd);
    dcpg_free(path);
}

/* Logs the files of one format and outcome that do not show their base, in one line. */
static void log_followers(const making *m, const file_reports *reports, int64_t first) {
    const dcpg_profile_report *r = &reports->v[first].report;
    some_names names = {0};
    int64_t others = 0;
    for (int64_t i = 0; i < reports->n; i++) {
        const dcpg_profile_report *x = &reports->v[i].report;
        bool alike = strcmp(x->format, r->format) == 0 && x->base == r->base;
        bool same = alike && x->undecided && x->followed == r->followed;
        if (same && i < first) return; /* logged already */
        if (same) dcpg_names_add(&names, name_of(m, reports->v[i].file));
        others += alike && !x->undecided && !x->empty && x->calls > 0;
    }
    const char *text = dcpg_names_text(&names);
    if (r->followed)
        dcpg_warn(m->log,
                  "%s: too few calls, or runs of CG, to tell whether %s from 0 or from 1: read as %d-based "
                  "like the other %" PRId64 " %s file%s",
                  text, names.n == 1 ? "it counts" : "they count", r->base, others, r->format,
                  others == 1 ? "" : "s");
    else
        dcpg_warn(m->log,
                  "%s: too few calls, or runs of CG, to tell whether %s from 0 or from 1, and no other %s "
                  "file of the run settles it: read as %d-based, as the format has it",
                  text, names.n == 1 ? "it counts" : "they count", r->format, r->base);
}

void dcpg_make_add_mito(mito_files *files, const char *path, unsigned mito) {
    if (mito & DCPG_CHROMO_M) dcpg_names_add(&files->m, dcpg_basename(path));
    if (mito & DCPG_CHROMO_MT) dcpg_names_add(&files->mt, dcpg_basename(path));
}

void dcpg_make_log_mito(making *m, mito_files *files) {
    unsigned before = m->mito;
    m->mito |= (files->m.n > 0 ? DCPG_CHROMO_M : 0u) | (files->mt.n > 0 ? DCPG_CHROMO_MT : 0u);
    if (m->mito != DCPG_CHROMO_BOTH || m->mito == before) return;
    dcpg_warn(
        m->log,
        "chrM (%s) and chrMT (%s) are taken for one chromosome, MT: where they are two, give the genome "
        "with --dna_files, whose names decide",
        files->m.n > 0 ? dcpg_names_text(&files->m) : "of files before",
        files->mt.n > 0 ? dcpg_names_text(&files->mt) : "of files before");
}

int dcpg_make_base_of(const file_reports *reports, const char *format) {
    int64_t n[2] = {0};
    for (int64_t i = 0; i < reports->n; i++) {
        const dcpg_profile_report *r = &reports->v[i].report;
        bool decided =
            !r->undecided && !r->empty && r->calls > r->elsewhere && strcmp(r->format, format) == 0;
        if (decided && (r->base == 0 || r->base == 1)) n[r->base]++;
    }
    return n[0] > 0 && n[1] == 0 ? 1 : n[1] > 0 && n[0] == 0 ? 2 : 0;
}

dcpg_status dcpg_make_log_files(const making *m, const file_reports *reports, dcpg_err *err) {
    file_report *all = dcpg_alloc((size_t)reports->n, sizeof *all);
    cg_percent *sorted = dcpg_alloc((size_t)reports->n, sizeof *sorted);
    dcpg_status status =
        all && sorted ? DCPG_OK : dcpg_fail_nomem(err, "files", (size_t)reports->n * sizeof *all);
    int64_t n = 0;
    for (int64_t i = 0; status == DCPG_OK && i < reports->n; i++)
        if (!reports->v[i].report.empty) all[n++] = reports->v[i];
    int64_t nb_cg = count_cgs(m);
    for (int64_t i = 0; i < n; i++) log_profile(m, m->cells.files.sorted[all[i].file], &all[i].report, nb_cg);
    if (n > 0 && has_genome(m)) log_on_cg(m, all, n, sorted);
    if (n > 0) log_dropped(m, all, n);
    if (n > 0) log_odd(m, all, n);
    log_unconfirmed(m, all, n);
    for (int64_t i = 0; status == DCPG_OK && i < reports->n; i++)
        if (reports->v[i].report.undecided) log_followers(m, reports, i);
    dcpg_free(all);
    dcpg_free(sorted);
    return status;
}

dcpg_status dcpg_make_gather_reports_all(const making *m, const dcpg_profile_report *report,
                                         file_reports *reports, dcpg_err *err) {
    int64_t n = nb_own_file(m), k = 0;
    size_t *bytes_of = dcpg_alloc((size_t)m->par->size, sizeof *bytes_of);
    file_report *own = dcpg_alloc((size_t)n, sizeof *own);
    dcpg_status status = bytes_of && own ? DCPG_OK : dcpg_fail_nomem(err, "files", (size_t)n * sizeof *own);
    status = dcpg_agree_all(m->par, status, err);
    for (int64_t c = m->cells.first; c < m->cells.end && status == DCPG_OK; c++) {
        for (int64_t f = m->cells.files.first[c]; f < m->cells.files.first[c + 1]; f++, k++)
            own[k] = (file_report){f, c, report[k]};
    }
    void *all = NULL;
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(m->par, own, (size_t)n * sizeof *own, &all, bytes_of, err);
    reports->v = all;
    reports->n = dcpg_sum_i64_all(m->par, n);
    dcpg_free(own);
    dcpg_free(bytes_of);
    return status;
}
