/* Making a store: what the log says of the profiles that were read. */
#include "formats/store_make.h"
#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A profile that was read from a file, and what became of its calls. */
typedef struct told {
    int64_t cell;
    dcpg_profile_report report;
} told;

/* A profile's share on CG, to be sorted. */
typedef struct share {
    double on_cg;
    int64_t cell;
} share;

static int by_share(const void *a, const void *b) {
    const share *x = a, *y = b;
    if (x->on_cg != y->on_cg) return x->on_cg < y->on_cg ? -1 : 1;
    return x->cell < y->cell ? -1 : x->cell > y->cell;
}

static void tell_profile(const making *m, int64_t cell, const dcpg_profile_report *r) {
    dcpg_debug(m->log,
               "data: %s: %s, %" PRId64 " calls, %.2f %% on CG%s%s%s, %" PRId64
               " on contigs that the genome lacks, %" PRId64 " dropped as reads disagree, %" PRId64
               " as they are few",
               m->cells.path[cell], r->format, r->calls, dcpg_profile_on_cg(r),
               r->shift < 0 ? ", moved by -1" : "", r->shift > 0 ? ", moved by +1" : "",
               r->strand_ignored ? ", strands ignored" : "", r->elsewhere, r->tied, r->few);
}

/* Lowest, median and highest share, and the files that have the lowest ones. */
static void tell_shares(const making *m, const told *all, int64_t n, share *sorted) {
    int64_t hit = 0, calls = 0, moved[3] = {0}, ignored = 0;
    for (int64_t i = 0; i < n; i++) {
        const dcpg_profile_report *r = &all[i].report;
        sorted[i] = (share){dcpg_profile_on_cg(r), all[i].cell};
        hit += r->on_cg;
        calls += r->calls - r->elsewhere;
        moved[1 + r->shift]++;
        ignored += r->strand_ignored;
    }
    qsort(sorted, (size_t)n, sizeof *sorted, by_share);
    dcpg_info(m->log,
              "data: on CG: %.2f %% of the calls; of a file's calls %.2f %% (%s) to %.2f %%, median %.2f %%",
              calls > 0 ? 100.0 * (double)hit / (double)calls : 100, sorted[0].on_cg,
              dcpg_basename(m->cells.path[sorted[0].cell]), sorted[n - 1].on_cg, sorted[n / 2].on_cg);
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
                 m->cells.name.v[sorted[i].cell], 100 - sorted[i].on_cg);
    }
    dcpg_warn(m->log,
              "%" PRId64 " of %" PRId64
              " calls (%.2f %%) do not stand on a CG of the genome and are dropped, most in %s",
              calls - hit, calls, 100.0 * (double)(calls - hit) / (double)calls, worst);
}

static void tell_dropped(const making *m, const told *all, int64_t n) {
    int64_t elsewhere = 0, tied = 0, few = 0, empty = 0;
    const char *contig = "";
    for (int64_t i = 0; i < n; i++) {
        const dcpg_profile_report *r = &all[i].report;
        elsewhere += r->elsewhere;
        tied += r->tied;
        few += r->few;
        empty += r->on_cg == 0;
        if (!*contig) contig = r->contig;
    }
    if (elsewhere > 0)
        dcpg_warn(m->log, "%" PRId64 " calls lie on contigs that the genome lacks (%s, say) and are dropped",
                  elsewhere, contig);
    if (tied > 0)
        dcpg_info(m->log, "data: %" PRId64 " CpGs are dropped as their reads disagree (--call)", tied);
    if (few > 0)
        dcpg_info(m->log,
                  "data: %" PRId64 " CpGs are dropped as they have less than %" PRId64 " reads (--min_reads)",
                  few, m->options->min_reads);
    if (empty > 0)
        dcpg_warn(m->log, "%" PRId64 " profile%s no call", empty,
                  empty == 1 ? " is left with" : "s are left with");
}

/* Up to NAMED names of files, and how many more there are. */
enum { NAMED = 10 };

static void add_named(char *text, size_t size, int64_t number, const char *name) {
    size_t used = strlen(text);
    if (number < NAMED) snprintf(text + used, size - used, "%s%s", number > 0 ? ", " : "", name);
}

static void end_named(char *text, size_t size, int64_t n) {
    size_t used = strlen(text);
    if (n > NAMED) snprintf(text + used, size - used, " and %" PRId64 " more", n - NAMED);
}

void dcpg_make_tell_odd(const making *m, const int64_t *odd, const char *const *path, int64_t n) {
    for (int bit = 0; bit < DCPG_NB_ODD; bit++) {
        char names[2048] = "";
        int64_t found = 0;
        for (int64_t i = 0; i < n; i++)
            if (odd[i] >> bit & 1) add_named(names, sizeof names - 64, found++, path[i]);
        end_named(names, sizeof names, found);
        if (found > 0) dcpg_warn(m->log, "%s: %s", names, dcpg_odd_text(bit));
    }
}

static void tell_odd(const making *m, const told *all, int64_t n) {
    int64_t *odd = dcpg_alloc((size_t)n, sizeof *odd);
    const char **path = dcpg_alloc((size_t)n, sizeof *path);
    for (int64_t i = 0; odd && path && i < n; i++) {
        odd[i] = all[i].report.odd;
        path[i] = m->cells.path[all[i].cell];
    }
    if (odd && path) dcpg_make_tell_odd(m, odd, path, n);
    dcpg_free(odd);
    dcpg_free(path);
}

static void tell(const making *m, const told *all, int64_t n, share *sorted) {
    for (int64_t i = 0; i < n; i++) tell_profile(m, all[i].cell, &all[i].report);
    if (has_genome(m)) tell_shares(m, all, n, sorted);
    tell_dropped(m, all, n);
    tell_odd(m, all, n);
}

/* This rank's profiles that were read from files, into own[nb_own]; their number. */
static int64_t list_own(const making *m, const dcpg_profile_report *report, told *own) {
    int64_t n = 0;
    for (int64_t i = 0; i < nb_own(m); i++)
        if (m->cells.path[m->cell_first + i]) own[n++] = (told){m->cell_first + i, report[i]};
    return n;
}

dcpg_status dcpg_make_tell_all(const making *m, const dcpg_profile_report *report, dcpg_err *err) {
    size_t *bytes_of = dcpg_alloc((size_t)m->par->size, sizeof *bytes_of);
    share *sorted = dcpg_alloc((size_t)m->nb_cell, sizeof *sorted);
    told *own = dcpg_alloc((size_t)nb_own(m), sizeof *own);
    void *all = NULL;
    dcpg_status status = bytes_of && sorted && own
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "cells", (size_t)m->nb_cell * sizeof *sorted);
    status = dcpg_agree_all(m->par, status, err);
    int64_t n = status == DCPG_OK ? list_own(m, report, own) : 0;
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(m->par, own, (size_t)n * sizeof *own, &all, bytes_of, err);
    n = dcpg_sum_i64_all(m->par, n);
    if (status == DCPG_OK && n > 0) tell(m, all, n, sorted);
    dcpg_free(all);
    dcpg_free(own);
    dcpg_free(sorted);
    dcpg_free(bytes_of);
    return status;
}
