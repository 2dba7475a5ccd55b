/* SPDX-License-Identifier: MIT */
/* Contexts of dcpg perf: annotations, and bins of coverage, density and distance. */
#include "analysis/perf_impl.h"
#include "base/number.h"

#include <dcpg/memory.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ---- */

/* The name of an annotation: that of its file without folder and ending, as in DeepCpG; ".bed.gz" is one. */
static char *name_of(const char *path) {
    const char *name = dcpg_basename(path);
    size_t n = strlen(name);
    if (n > 3 && strcmp(name + n - 3, ".gz") == 0) n -= 3;
    size_t stem = n;
    while (stem > 1 && name[stem - 1] != '.') stem--;
    return dcpg_strndup(name, stem > 1 ? stem - 1 : n);
}

static dcpg_status add_name(perf_contexts *c, char *name, dcpg_err *err) {
    dcpg_status status = name ? DCPG_OK : dcpg_fail_nomem(err, "contexts", 64);
    if (status == DCPG_OK && dcpg_strings_find(&c->names, name) >= 0)
        status =
            dcpg_fail(err, DCPG_E_USAGE,
                      "two contexts are called %s: annotations are named by their files; rename one", name);
    if (status == DCPG_OK) status = dcpg_strings_add(&c->names, name, err);
    dcpg_free(name);
    return status;
}

/* Adds contexts "WHAT_LOW-HIGH" of doubling width, LOW from `from` on, until `most` is in one. */
static dcpg_status add_doubling(perf_contexts *c, const char *what, int64_t from, int64_t most,
                                perf_bins *bins, dcpg_err *err) {
    bins->first = (int)c->names.n;
    for (int64_t low = from, width = 1; low <= most; low += width, width *= 2) {
        char *name = width == 1 ? dcpg_format("%s_%" PRId64, what, low)
                                : dcpg_format("%s_%" PRId64 "-%" PRId64, what, low, low + width - 1);
        DCPG_TRY(add_name(c, name, err));
        bins->nb++;
    }
    return DCPG_OK;
}

static dcpg_status add_distances(perf_contexts *c, dcpg_err *err) {
    static const char *const names[] = {"distance_1-10", "distance_11-100", "distance_101-1000",
                                        "distance_1001-10000", "distance_10001-"};
    c->distance = (perf_bins){(int)c->names.n, sizeof names / sizeof *names};
    for (int i = 0; i < c->distance.nb; i++) DCPG_TRY(add_name(c, dcpg_strdup(names[i]), err));
    return DCPG_OK;
}

/* ---- annotations ---- */

/* Finds the chromosomes of the data in the BED file: on[nb_chromo]. */
static dcpg_status match(const dcpg_bed *bed, const char *path, const export_chromos *chromos, int64_t *on,
                         dcpg_err *err) {
    dcpg_chromos known = {0};
    dcpg_status status = DCPG_OK;
    for (int64_t i = 0; i < bed->nb_chromo && status == DCPG_OK; i++)
        status = dcpg_chromos_add(&known, bed->chromo[i].chromo, i, err);
    for (size_t k = 0; k < chromos->number.n && status == DCPG_OK; k++) {
        const char *name = dcpg_export_chromo_name(chromos, k);
        on[k] = dcpg_chromos_find(&known, name);
        if (on[k] == DCPG_CHROMO_UNCLEAR)
            status = dcpg_chromos_fail_unclear(&known, path, name, "the file", err);
    }
    dcpg_chromos_free(&known);
    return status;
}

static dcpg_status read_annos(const dcpg_strings *files, const export_chromos *chromos, perf_contexts *c,
                              dcpg_err *err) {
    size_t nb = files->n;
    c->nb_chromo = (int64_t)chromos->number.n;
    c->bed = dcpg_alloc(nb, sizeof *c->bed);
    c->on = dcpg_alloc(nb * chromos->number.n, sizeof *c->on);
    c->nb_site = dcpg_alloc(nb, sizeof *c->nb_site);
    if (!c->bed || !c->on || !c->nb_site) return dcpg_fail_nomem(err, "annotations", nb * sizeof *c->bed);
    for (size_t a = 0; a < nb; a++) {
        DCPG_TRY(add_name(c, name_of(files->v[a]), err));
        c->nb_anno++;
        DCPG_TRY(dcpg_bed_read(files->v[a], &c->bed[a], err));
        DCPG_TRY(match(&c->bed[a], files->v[a], chromos, c->on + a * chromos->number.n, err));
    }
    return DCPG_OK;
}

static int64_t nb_cell(const export_data *data) {
    int64_t n = 0;
    for (size_t i = 0; i < data->outputs.n; i++) n += dcpg_export_is_cell(data->outputs.v[i]);
    return n;
}

dcpg_status dcpg_perf_contexts_open(const dcpg_perf_options *options, const export_data *data,
                                    const export_chromos *chromos, bool ordered, perf_contexts *c,
                                    dcpg_err *err) {
    *c = (perf_contexts){0};
    DCPG_TRY(add_name(c, dcpg_strdup("global"), err));
    if (options->annos && options->annos->n) DCPG_TRY(read_annos(options->annos, chromos, c, err));
    if (options->coverage && nb_cell(data))
        DCPG_TRY(add_doubling(c, "coverage", 1, nb_cell(data), &c->coverage, err));
    if (options->density && ordered) DCPG_TRY(add_doubling(c, "density", 0, PERF_NEAR, &c->density, err));
    if (options->distance && ordered) DCPG_TRY(add_distances(c, err));
    if (c->names.n <= PERF_MOST_CONTEXTS) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE, "%zu contexts, at most %d: give fewer --anno_files", c->names.n,
                     PERF_MOST_CONTEXTS);
}

void dcpg_perf_contexts_close(perf_contexts *c) {
    for (int a = 0; a < c->nb_anno; a++) dcpg_bed_free(&c->bed[a]);
    dcpg_free(c->bed);
    dcpg_free(c->on);
    dcpg_free(c->nb_site);
    dcpg_strings_free(&c->names);
}

/* ---- rows ---- */

/* Whether the position lies in an interval, with both ends, as DeepCpG counts. */
static bool is_in(const dcpg_bed_chromo *on, int32_t pos) {
    int64_t low = 0, high = on->n; /* the first interval that ends at `pos` or later */
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (on->v[middle].end < pos)
            low = middle + 1;
        else
            high = middle;
    }
    return low < on->n && on->v[low].start <= pos;
}

/* The bin of doubling width that holds x, counted from the first bin's number. */
static int doubling_bin(int32_t x) {
    int bin = 0;
    while (x >= INT32_C(2) << bin) bin++;
    return bin;
}

static int distance_bin(int32_t x) {
    int bin = 0;
    for (int32_t most = 10; bin < 4 && x > most; most *= 10) bin++;
    return bin;
}

int dcpg_perf_contexts_at(const perf_contexts *c, const perf_block *block, int64_t i, int *list) {
    int n = 0;
    list[n++] = 0;
    for (int a = 0; a < c->nb_anno; a++) {
        int64_t on = c->on[a * c->nb_chromo + block->chromo[i]];
        if (on >= 0 && is_in(&c->bed[a].chromo[on], block->pos[i])) list[n++] = 1 + a;
    }
    if (c->coverage.nb && block->coverage[i] > 0)
        list[n++] = c->coverage.first + doubling_bin(block->coverage[i]);
    if (c->density.nb)
        list[n++] = c->density.first + (int)min_i64(doubling_bin(block->density[i] + 1), c->density.nb - 1);
    if (c->distance.nb) list[n++] = c->distance.first + distance_bin(block->distance[i]);
    return n;
}

/* Sites within PERF_NEAR bp on either side of each row. */
static void measure_density(perf_block *b) {
    int64_t left = 0, right = 0, n = b->high - b->low;
    for (int64_t i = 0; i < n; i++) {
        while (b->chromo[left] != b->chromo[i] || b->pos[i] - b->pos[left] > PERF_NEAR) left++;
        if (right < i) right = i;
        while (right + 1 < n && b->chromo[right + 1] == b->chromo[i] &&
               b->pos[right + 1] - b->pos[i] <= PERF_NEAR)
            right++;
        b->density[i] = (int32_t)(right - left);
    }
}

void dcpg_perf_measure(const eval_outputs *outputs, perf_block *b) {
    int64_t n = b->high - b->low;
    memset(b->coverage, 0, (size_t)n * sizeof *b->coverage);
    for (int o = 0; o < outputs->nb; o++)
        for (int64_t i = 0; i < n && dcpg_export_is_cell(outputs->name[o]); i++)
            b->coverage[i] += b->label[o * b->capacity + i] >= 0;
    measure_density(b);
}

/* Distance of row i to row `other`, if that is nearer than what is known. */
static void come_near(perf_block *b, int64_t i, int64_t other) {
    if (other < 0 || b->chromo[other] != b->chromo[i]) return;
    int32_t d = abs(b->pos[i] - b->pos[other]);
    if (d <= PERF_FAR && d < b->distance[i]) b->distance[i] = d;
}

/* The last observed rows that were come by: of any part of the calls, and of another part than that one. */
typedef struct passed {
    int64_t last, other; /* -1: none */
    int64_t part;        /* of `last`; 0 where no calls are hidden */
} passed;

/* Comes by row i, whose call is in `part` and is predicted while all of that part are hidden. */
static void come_by(perf_block *b, passed *p, int64_t i, bool observed, int64_t part) {
    come_near(b, i, observed && part && part == p->part ? p->other : p->last);
    if (!observed) return;
    if (part != p->part) p->other = p->last;
    p->last = i;
    p->part = part;
}

/* Notes in which part the calls of output o are; 0 where none are hidden, or there is no call. */
static void measure_part(const eval_outputs *outputs, perf_block *b, int o) {
    const dcpg_hiding *hiding = &outputs->hiding;
    const float *label = b->label + o * b->capacity;
    int64_t n = b->high - b->low;
    int32_t chromo = -1;
    uint64_t key = 0;
    memset(b->part, 0, (size_t)n);
    if (hiding->parts == 0 || !dcpg_eval_is_cell(outputs->name[o])) return;
    for (int64_t i = 0; i < n; i++) {
        if (!(label[i] >= 0)) continue;
        if (b->chromo[i] != chromo) {
            chromo = b->chromo[i];
            key = dcpg_hiding_key(hiding, outputs->name[o] + strlen("cpg/"),
                                  dcpg_export_chromo_name(b->chromos, (size_t)chromo));
        }
        b->part[i] = (uint8_t)dcpg_hiding_part(hiding, key, b->pos[i]);
    }
}

void dcpg_perf_measure_distance(const eval_outputs *outputs, perf_block *b, int o) {
    const float *label = b->label + o * b->capacity;
    int64_t n = b->high - b->low;
    passed left = {-1, -1, 0}, right = left;
    measure_part(outputs, b, o);
    for (int64_t i = 0; i < n; i++) {
        b->distance[i] = INT32_MAX;
        come_by(b, &left, i, label[i] >= 0, b->part[i]);
    }
    for (int64_t i = n; i-- > 0;) come_by(b, &right, i, label[i] >= 0, b->part[i]);
}
