/* SPDX-License-Identifier: MIT */
/* Export: which chromosomes an evaluation's data file has, which of them are wanted, and how their names are
 * written. */
#include "analysis/export_impl.h"
#include "base/number.h"

#include <dcpg/genome.h>
#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *dcpg_export_chromo_name(const export_chromos *chromos, size_t k) {
    return dcpg_map_key(&chromos->number, k);
}

/* ---- the chromosomes of all rows ---- */

static dcpg_status add(export_chromos *c, const char *name, int64_t row, dcpg_err *err) {
    int64_t k = (int64_t)c->number.n;
    if (k == c->capacity) {
        int64_t capacity = k > 0 ? 2 * k : 32;
        export_chromo *grown = dcpg_realloc(c->v, (size_t)k, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "chromosomes", (size_t)capacity * sizeof *grown);
        c->v = grown;
        c->capacity = capacity;
    }
    c->v[k] = (export_chromo){.wanted = true, .first = row, .end = row};
    return dcpg_map_set(&c->number, name, k, err);
}

typedef struct scan {
    const export_data *data;
    char *name;   /* [EXPORT_BLOCK][width] */
    int32_t *pos; /* [EXPORT_BLOCK] */
    int64_t last; /* chromosome of the row before; -1: there is none */
} scan;

void dcpg_export_row_name(export_names names, int64_t i, char *name) {
    size_t n = min_size(names.width, DCPG_CHROMO_MAX);
    memcpy(name, names.at + (size_t)i * names.width, n);
    name[n] = '\0';
}

int64_t dcpg_export_row_chromo(const export_chromos *chromos, export_names names, int64_t i, int64_t last) {
    const char *at = names.at + (size_t)i * names.width;
    char name[DCPG_CHROMO_MAX + 1];
    if (i > 0 && memcmp(at, at - names.width, names.width) == 0) return last;
    dcpg_export_row_name(names, i, name);
    return dcpg_map_get(&chromos->number, name, -1);
}

static dcpg_status find(export_chromos *c, const scan *s, int64_t i, int64_t row, int64_t *k, dcpg_err *err) {
    const export_names names = {s->name, s->data->width};
    char name[DCPG_CHROMO_MAX + 1];
    *k = dcpg_export_row_chromo(c, names, i, s->last);
    if (*k >= 0) return DCPG_OK;
    *k = (int64_t)c->number.n;
    dcpg_export_row_name(names, i, name);
    return add(c, name, row, err);
}

static dcpg_status take_block(export_chromos *c, scan *s, int64_t first, int64_t n, dcpg_err *err) {
    DCPG_TRY(dcpg_export_read_places(s->data, first, n, s->name, s->pos, err));
    for (int64_t i = 0; i < n; i++) {
        int64_t row = first + i, k;
        DCPG_TRY(find(c, s, i, row, &k, err));
        export_chromo *chromo = &c->v[k];
        bool in_order = chromo->end == row && (chromo->nb_site == 0 || s->pos[i] > chromo->last);
        if (!in_order && c->disorder < 0) c->disorder = row;
        chromo->end = row + 1;
        chromo->last = s->pos[i];
        c->wide = c->wide || s->pos[i] >= 1 << 29;
        chromo->nb_site++;
        s->last = k;
    }
    return DCPG_OK;
}

static dcpg_status take_all(export_chromos *c, const export_data *data, const dcpg_par *par, dcpg_err *err) {
    size_t block = (size_t)min_i64(data->total, EXPORT_BLOCK);
    scan s = {.data = data,
              .name = dcpg_alloc(block, data->width),
              .pos = dcpg_alloc(block, sizeof *s.pos),
              .last = -1};
    dcpg_status status = s.name && s.pos ? DCPG_OK : dcpg_fail_nomem(err, "sites", block * data->width);
    for (int64_t first = 0; first < data->total && status == DCPG_OK; first += EXPORT_BLOCK) {
        dcpg_par_busy(par);
        status = take_block(c, &s, first, min_i64(data->total - first, EXPORT_BLOCK), err);
    }
    dcpg_free(s.name);
    dcpg_free(s.pos);
    return status;
}

/* ---- which are wanted ---- */

/* Marks the chromosomes that --chromos names, by the rule of dcpg/chromo.h. */
static dcpg_status mark(export_chromos *c, const dcpg_chromos *known, const dcpg_strings *words,
                        const char *file, dcpg_err *err) {
    for (size_t k = 0; k < c->number.n; k++) c->v[k].wanted = false;
    for (size_t i = 0; i < words->n; i++) {
        int64_t k = dcpg_chromos_find(known, words->v[i]);
        if (k == DCPG_CHROMO_UNCLEAR)
            return dcpg_chromos_fail_unclear(known, "--chromos", words->v[i], file, err);
        if (k >= 0) c->v[k].wanted = true;
    }
    return DCPG_OK;
}

static dcpg_status choose(export_chromos *c, const dcpg_strings *words, const char *file, dcpg_err *err) {
    dcpg_chromos known = {0};
    dcpg_status status = DCPG_OK;
    if (!words || words->n == 0) return DCPG_OK;
    for (size_t k = 0; k < c->number.n && status == DCPG_OK; k++)
        status = dcpg_chromos_add(&known, dcpg_export_chromo_name(c, k), (int64_t)k, err);
    if (status == DCPG_OK) status = mark(c, &known, words, file, err);
    dcpg_chromos_free(&known);
    for (size_t k = 0; k < c->number.n; k++) c->nb_wanted += c->v[k].wanted;
    if (status == DCPG_OK && c->nb_wanted == 0)
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: no site is on the chromosomes chosen", file);
    return status;
}

/* ---- the genome ---- */

static dcpg_status fail_genome(const export_data *data, const char *what, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: damaged: genome/%s is not of the chromosomes in genome/chromo: evaluate again",
                     data->path, what);
}

/* What the data file knows of the genome. */
typedef struct genome {
    dcpg_strings chromo, fasta_name;
    int64_t *length;
} genome;

static dcpg_status read_lengths(const export_data *data, genome *g, dcpg_err *err) {
    dcpg_h5_shape shape;
    if (!dcpg_h5_exists(data->file, "genome/length")) return DCPG_OK;
    DCPG_TRY(dcpg_h5_shape_of(data->file, "genome/length", &shape, err));
    if (shape.ndim != 1 || shape.dim[0] != (int64_t)g->chromo.n) return fail_genome(data, "length", err);
    g->length = dcpg_alloc(g->chromo.n, sizeof *g->length);
    if (!g->length) return dcpg_fail_nomem(err, "chromosomes", g->chromo.n * sizeof *g->length);
    DCPG_TRY(dcpg_h5_read(data->file, "genome/length", DCPG_H5_I64, NULL, g->length, err));
    for (size_t i = 0; i < g->chromo.n; i++)
        if (g->length[i] < 1 || g->length[i] > DCPG_MAX_LENGTH) return fail_genome(data, "length", err);
    return DCPG_OK;
}

static dcpg_status read_genome(const export_data *data, genome *g, dcpg_err *err) {
    if (!dcpg_h5_exists(data->file, "genome/chromo")) return DCPG_OK;
    DCPG_TRY(dcpg_h5_read_strings(data->file, "genome/chromo", &g->chromo, err));
    DCPG_TRY(read_lengths(data, g, err));
    if (!dcpg_h5_exists(data->file, "genome/fasta_name")) return DCPG_OK;
    DCPG_TRY(dcpg_h5_read_strings(data->file, "genome/fasta_name", &g->fasta_name, err));
    if (g->fasta_name.n != g->chromo.n) return fail_genome(data, "fasta_name", err);
    for (size_t i = 0; i < g->fasta_name.n; i++)
        if (!dcpg_chromo_fits(g->fasta_name.v[i], strlen(g->fasta_name.v[i]) + 1))
            return fail_genome(data, "fasta_name", err);
    return DCPG_OK;
}

/* ---- names as they are written ---- */

static bool has_chr(const char *name) { return strncasecmp(name, "chr", 3) == 0 && name[3]; }

/* `known`: the name in the data file; `raw`: that in the genome's files. NULL: out of memory. */
static char *shown_name(const char *prefix, const char *known, const char *raw) {
    if (strcmp(prefix, "chr") == 0) return dcpg_format("chr%s", known);
    if (!*prefix) return dcpg_strdup(known);
    if (strcmp(prefix, "genome") == 0) return dcpg_strdup(raw);
    bool ucsc = strcmp(prefix, "ucsc") == 0, is_ucsc = has_chr(raw), mito = dcpg_chromo_mito(raw) != 0;
    if (ucsc == is_ucsc) return dcpg_strdup(raw);
    if (mito) return dcpg_strdup(ucsc ? "chrM" : "MT");
    return ucsc ? dcpg_format("chr%s", raw) : dcpg_strdup(raw + 3);
}

static dcpg_status show(export_chromos *c, const char *prefix, const genome *g, dcpg_err *err) {
    dcpg_map place = {0};
    dcpg_status status = dcpg_map_index(&place, &g->chromo, err);
    for (size_t k = 0; k < c->number.n && status == DCPG_OK; k++) {
        const char *known = dcpg_export_chromo_name(c, k);
        int64_t at = dcpg_map_get(&place, known, -1);
        bool raw = at >= 0 && g->fasta_name.n > 0;
        char *name = shown_name(prefix, known, raw ? g->fasta_name.v[at] : known);
        if (at >= 0 && g->length) c->v[k].length = g->length[at];
        status = name ? dcpg_strings_add(&c->shown, name, err) : dcpg_fail_nomem(err, "a name", 256);
        dcpg_free(name);
    }
    c->named = g->fasta_name.n > 0;
    dcpg_map_free(&place);
    return status;
}

/* Sorts the wanted chromosomes by their shown names, which must differ. */
static dcpg_status sort(export_chromos *c, const char *file, dcpg_err *err) {
    dcpg_strings names = {0};
    dcpg_map number = {0};
    dcpg_status status = DCPG_OK;
    c->order = dcpg_alloc(c->number.n, sizeof *c->order);
    c->nb_wanted = 0;
    if (!c->order) status = dcpg_fail_nomem(err, "chromosomes", c->number.n * sizeof *c->order);
    for (size_t k = 0; k < c->number.n && status == DCPG_OK; k++) {
        const char *name = c->shown.v[k];
        int64_t same = dcpg_map_get(&number, name, -1);
        if (!c->v[k].wanted) continue;
        if (same >= 0)
            status = dcpg_fail(err, DCPG_E_INPUT,
                               "%s: chromosomes %s and %s would both be written as %s: choose another "
                               "--chromo_prefix",
                               file, dcpg_export_chromo_name(c, (size_t)same), dcpg_export_chromo_name(c, k),
                               name);
        if (status == DCPG_OK) status = dcpg_map_set(&number, name, (int64_t)k, err);
        if (status == DCPG_OK) status = dcpg_strings_add(&names, name, err);
    }
    if (status == DCPG_OK) dcpg_strings_sort(&names);
    for (size_t i = 0; i < names.n && status == DCPG_OK; i++)
        c->order[c->nb_wanted++] = (size_t)dcpg_map_get(&number, names.v[i], 0);
    dcpg_map_free(&number);
    dcpg_strings_free(&names);
    return status;
}

dcpg_status dcpg_export_chromos_open(const export_data *data, const dcpg_export_options *options,
                                     const char *prefix, const dcpg_par *par, export_chromos *c,
                                     dcpg_err *err) {
    genome g = {0};
    *c = (export_chromos){.disorder = -1};
    dcpg_status status = take_all(c, data, par, err);
    if (status == DCPG_OK) status = choose(c, options->chromos, data->path, err);
    if (status == DCPG_OK) status = read_genome(data, &g, err);
    if (status == DCPG_OK) status = show(c, prefix, &g, err);
    if (status == DCPG_OK) status = sort(c, data->path, err);
    for (size_t i = 0; i < c->nb_wanted && status == DCPG_OK; i++) c->nb_site += c->v[c->order[i]].nb_site;
    dcpg_strings_free(&g.chromo);
    dcpg_strings_free(&g.fasta_name);
    dcpg_free(g.length);
    return status;
}

void dcpg_export_chromos_close(export_chromos *c) {
    dcpg_map_free(&c->number);
    dcpg_strings_free(&c->shown);
    dcpg_free(c->v);
    dcpg_free(c->order);
}
