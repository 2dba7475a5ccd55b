/* SPDX-License-Identifier: MIT */
/* Export by regions: reads the intervals of a BED file, or makes bins. */
#include "analysis/export_regions.h"
#include "base/number.h"
#include "genome/bed.h"
#include "text/text_reader.h"

#include <dcpg/genome.h>
#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static dcpg_status add(export_regions *r, export_region region, dcpg_err *err) {
    if (r->n == r->capacity) {
        int64_t capacity = r->n ? 2 * r->n : 1024;
        export_region *grown = dcpg_realloc(r->v, (size_t)r->n, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "regions", (size_t)capacity * sizeof *grown);
        r->v = grown;
        r->capacity = capacity;
    }
    r->v[r->n++] = region;
    return DCPG_OK;
}

/* ---- BED ---- */

typedef struct bed {
    const export_run *run;
    dcpg_text_reader *text;
    dcpg_chromos known;
    export_regions *regions;
    int64_t nb_line, elsewhere; /* intervals; those on chromosomes that are not exported */
} bed;

static dcpg_status fail_line(const bed *b, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %" PRId64
                     ": no region: a line of BED holds a chromosome, a start from 0, and an end "
                     "after it of at most %d, with tabs or blanks between them",
                     dcpg_text_path(b->text), dcpg_text_line_number(b->text), (int)DCPG_MAX_LENGTH);
}

static dcpg_status add_line(bed *b, const dcpg_bed_line *line, dcpg_err *err) {
    int64_t k = dcpg_chromos_find(&b->known, line->chromo);
    b->nb_line++;
    if (k == DCPG_CHROMO_UNCLEAR)
        return dcpg_chromos_fail_unclear(&b->known, dcpg_text_path(b->text), line->chromo, b->run->data.path,
                                         err);
    if (k < 0 || !b->run->chromos.v[k].wanted) {
        b->elsewhere++;
        return DCPG_OK;
    }
    return add(b->regions, (export_region){(int32_t)k, line->start, line->end}, err);
}

static dcpg_status read_line(bed *b, char *text, dcpg_err *err) {
    dcpg_bed_line line;
    dcpg_bed_kind kind = dcpg_bed_split(text, &line);
    if (kind == DCPG_BED_NOTHING) return DCPG_OK;
    return kind == DCPG_BED_INTERVAL && line.start < line.end ? add_line(b, &line, err) : fail_line(b, err);
}

static dcpg_status read_lines(bed *b, dcpg_err *err) {
    char *line = NULL;
    DCPG_TRY(dcpg_text_open(b->run->options->regions, &b->text, err));
    dcpg_status status = dcpg_text_line(b->text, &line, err);
    while (status == DCPG_OK && line) {
        status = read_line(b, line, err);
        if (status == DCPG_OK) status = dcpg_text_line(b->text, &line, err);
    }
    dcpg_text_close(b->text);
    return status;
}

/* Chromosomes go by their names in the data file and in the genome's files. */
static dcpg_status read_bed(export_run *run, export_regions *regions, dcpg_err *err) {
    bed b = {.run = run, .regions = regions};
    dcpg_status status = DCPG_OK;
    for (size_t k = 0; k < run->chromos.number.n && status == DCPG_OK; k++)
        status = dcpg_chromos_add(&b.known, dcpg_export_chromo_name(&run->chromos, k), (int64_t)k, err);
    if (status == DCPG_OK) status = read_lines(&b, err);
    dcpg_chromos_free(&b.known);
    DCPG_TRY(status);
    if (regions->n == 0)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: none of its %" PRId64
                         " regions lies on a chromosome that is exported (%s is one)",
                         run->options->regions, b.nb_line,
                         run->chromos.nb_wanted ? run->chromos.shown.v[run->chromos.order[0]] : "none");
    if (b.elsewhere)
        dcpg_info(run->log,
                  "%" PRId64 " of %" PRId64
                  " regions lie on chromosomes that are not exported, and are left out",
                  b.elsewhere, b.nb_line);
    return DCPG_OK;
}

static int by_place(const void *a, const void *b) {
    const export_region *x = a, *y = b;
    if (x->chromo != y->chromo) return x->chromo < y->chromo ? -1 : 1;
    if (x->start != y->start) return x->start < y->start ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end);
}

static void sort(export_regions *r) {
    int64_t n = 0;
    qsort(r->v, (size_t)r->n, sizeof *r->v, by_place);
    for (int64_t i = 0; i < r->n; i++)
        if (n == 0 || by_place(&r->v[n - 1], &r->v[i]) != 0) r->v[n++] = r->v[i];
    r->n = n;
}

/* ---- bins ---- */

static dcpg_status add_bins(const export_run *run, void *to, dcpg_err *err) {
    export_regions *r = to;
    int64_t width = run->options->bins;
    for (int64_t i = 0; i < run->sites.n; i++) {
        int32_t at = run->sites.at[i], chromo = run->sites.chromo[at], pos = run->sites.pos[at];
        const export_region *last = r->n > 0 ? &r->v[r->n - 1] : NULL;
        if (last && last->chromo == chromo && pos <= last->end) continue;
        int64_t start = (pos - 1) / width * width, length = run->chromos.v[chromo].length;
        int64_t end = min_i64(start + width, length >= pos ? length : DCPG_MAX_LENGTH);
        DCPG_TRY(add(r, (export_region){chromo, (int32_t)start, (int32_t)end}, err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_export_regions_open(export_run *run, export_regions *regions, dcpg_err *err) {
    if (!run->options->regions) return dcpg_export_each(run, NULL, add_bins, regions, err);
    DCPG_TRY(read_bed(run, regions, err));
    sort(regions);
    return DCPG_OK;
}

void dcpg_export_regions_close(export_regions *regions) { dcpg_free(regions->v); }
