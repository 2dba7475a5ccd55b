/* SPDX-License-Identifier: MIT */
/* Writes DeepCpG data files: which files there are, which rank writes each, and their content. */
#include "base/number.h"

#include <dcpg/chromo.h>
#include <dcpg/cleanup.h>
#include <dcpg/deepcpg.h>
#include <dcpg/file.h>
#include <dcpg/h5.h>
#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <dcpg/output.h>
#include <dcpg/rng.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NOT_A_BASE = 4, DEFLATE = 4, CHROMO_WIDTH = 2, MIN_ROWS = 64, MAX_ROWS = 1024 };

/* Limit on the size of a batch, unless it has only MIN_ROWS rows. */
static const int64_t BATCH_BYTES = 128 << 20;

/* A file to write. */
typedef struct planned {
    int64_t first, n; /* samples */
    int64_t start;    /* number of the first site on its chromosome */
    const char *chromo;
} planned;

typedef struct writing {
    dcpg_source *source;
    const dcpg_deepcpg_write_options *options;
    dcpg_log *log;
    planned *plan;
    int64_t nb_plan, first, end; /* all files; those of this rank */
    int64_t rows;                /* of a batch and of a chunk; depends on the data set alone */
    dcpg_batch *batch;
    int64_t *sample;    /* [rows] */
    int32_t *number;    /* [rows] of the chromosome; not used */
    int32_t *pos;       /* [rows] */
    int8_t *small;      /* [rows][cpg_wlen], also [rows] */
    float *real;        /* [rows][cpg_wlen], also [rows] */
    uint8_t *inside;    /* [rows][annos] */
    dcpg_strings names; /* files written by this rank so far */
    int64_t bytes;      /* their size */
} writing;

/* ---- planning ---- */

static int64_t nb_chunk(const dcpg_deepcpg_write_options *o, int64_t n) { return ceil_div(n, o->chunk_size); }

/* Plans the files of stretch `k`, whose first site is number `first`. before: sites of each chromosome so
 * far. */
static dcpg_status plan_stretch(writing *w, int64_t k, int64_t first, dcpg_map *before, dcpg_err *err) {
    const dcpg_deepcpg_write_options *o = w->options;
    const char *chromo = o->stretch[k].chromo;
    int64_t start = dcpg_map_get(before, chromo, 0), n = o->stretch[k].n;
    for (int64_t at = 0; at < n; at += o->chunk_size) {
        int64_t size = min_i64(n - at, o->chunk_size);
        w->plan[w->nb_plan++] = (planned){first + at, size, start + at, chromo};
    }
    return dcpg_map_set(before, chromo, start + n, err);
}

static dcpg_status make_plan(writing *w, dcpg_err *err) {
    const dcpg_deepcpg_write_options *o = w->options;
    int64_t nb = 0, first = 0;
    for (int64_t k = 0; k < o->nb_stretch; k++) nb += nb_chunk(o, o->stretch[k].n);
    w->plan = dcpg_alloc((size_t)nb, sizeof *w->plan);
    if (!w->plan) return dcpg_fail_nomem(err, "files", (unsigned long long)nb * sizeof *w->plan);
    dcpg_map before = {0};
    dcpg_status status = DCPG_OK;
    for (int64_t k = 0; k < o->nb_stretch && status == DCPG_OK; k++) {
        status = plan_stretch(w, k, first, &before, err);
        first += o->stretch[k].n;
    }
    dcpg_map_free(&before);
    assert(status != DCPG_OK || first == w->source->nb_site);
    return status;
}

/* A chromosome's name as part of a file name: '/' and '%' become %2F and %25, as in web addresses, and a hash
 * replaces the end of a long name. The name itself is in the file. NULL when out of memory. */
static char *file_part(const char *chromo) {
    enum { LONGEST = 160 };
    char text[3 * DCPG_CHROMO_MAX + 1], *to = text;
    for (const char *c = chromo; *c && to < text + sizeof text - 4; c++) {
        if (*c == '/' || *c == '%')
            to += sprintf(to, "%%%02X", (unsigned)*c);
        else
            *to++ = *c;
    }
    *to = '\0';
    if (to - text <= LONGEST) return dcpg_strdup(text);
    return dcpg_format("%.*s%%%016" PRIx64, LONGEST - 17, text, dcpg_hash(chromo));
}

static char *path_of(const writing *w, const planned *plan) {
    char *name = file_part(plan->chromo);
    char *path = name ? dcpg_format("%s/c%s_%06" PRId64 "-%06" PRId64 ".h5", w->options->out_dir, name,
                                    plan->start, plan->start + plan->n)
                      : NULL;
    dcpg_free(name);
    return path;
}

/* Refuses this rank's files that are also inputs or that another program wrote. */
static dcpg_status check_files(const writing *w, dcpg_err *err) {
    for (int64_t i = w->first; i < w->end; i++) {
        char *path = path_of(w, &w->plan[i]);
        dcpg_status status =
            path ? dcpg_check_output(path, w->options->inputs, err) : dcpg_fail_nomem(err, "a file name", 64);
        bool there = status == DCPG_OK && !w->options->force && dcpg_file_exists(path);
        if (there && !dcpg_h5_is_format(path, DCPG_DEEPCPG_FORMAT)) status = dcpg_fail_not_ours(path, err);
        dcpg_free(path);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

/* ---- memory ---- */

static int64_t choose_rows(const writing *w) {
    const dcpg_source *s = w->source;
    int64_t bytes = s->dna_wlen + (int64_t)s->cells.n * s->cpg_wlen * 8 + (int64_t)s->outputs.n * 4 + 64;
    int64_t rows = BATCH_BYTES / bytes;
    rows = min_i64(max_i64(rows, MIN_ROWS), MAX_ROWS);
    return min_i64(rows, w->options->chunk_size);
}

static dcpg_status start(writing *w, dcpg_err *err) {
    size_t rows = (size_t)(w->rows = choose_rows(w)), wide = rows * (size_t)(w->source->cpg_wlen + 1);
    DCPG_TRY(make_plan(w, err));
    w->first = dcpg_part(w->nb_plan, w->source->par->rank, w->source->par->size);
    w->end = dcpg_part(w->nb_plan, w->source->par->rank + 1, w->source->par->size);
    DCPG_TRY(check_files(w, err));
    DCPG_TRY(dcpg_batch_new(w->source, w->rows, &w->batch, err));
    w->sample = dcpg_alloc(rows, sizeof *w->sample);
    w->number = dcpg_alloc(rows, sizeof *w->number);
    w->pos = dcpg_alloc(rows, sizeof *w->pos);
    w->small = dcpg_alloc(wide, sizeof *w->small);
    w->real = dcpg_alloc(wide, sizeof *w->real);
    w->inside = dcpg_alloc(rows * (w->source->annos.n + 1), sizeof *w->inside);
    if (w->sample && w->number && w->pos && w->small && w->real && w->inside) return DCPG_OK;
    return dcpg_fail_nomem(err, "rows of a data file", wide * sizeof *w->real);
}

static void finish(writing *w) {
    dcpg_batch_free(w->batch);
    dcpg_free(w->plan);
    dcpg_free(w->sample);
    dcpg_free(w->number);
    dcpg_free(w->pos);
    dcpg_free(w->small);
    dcpg_free(w->real);
    dcpg_free(w->inside);
    dcpg_strings_free(&w->names);
}

/* ---- one file ---- */

/* A file being written, and the rows at hand. */
typedef struct target {
    writing *w;
    const planned *plan;
    dcpg_h5 *file;
    int64_t row, n;
} target;

/* Labels that are classes are written as whole numbers, all others as fractions. */
static bool is_class(const char *output) { return dcpg_output_kind_of(output).nb_class > 0; }

static dcpg_status fail_name(const char *name, dcpg_err *err) {
    return dcpg_fail_nomem(err, "the name of a dataset", strlen(name) + 32);
}

/* Makes a compressed dataset with one row per site, `width` wide (0: one-dimensional). Frees `path`. */
static dcpg_status make_rows(const target *t, char *path, dcpg_h5_type type, int64_t width, dcpg_err *err) {
    if (!path) return fail_name("", err);
    dcpg_h5_shape shape = {
        .type = type, .ndim = width > 0 ? 2 : 1, .dim = {t->plan->n, width}, .deflate = DEFLATE};
    shape.chunk[0] = width > 0 ? t->w->rows : t->plan->n;
    shape.chunk[1] = width;
    dcpg_status status = dcpg_h5_make(t->file, path, &shape, err);
    dcpg_free(path);
    return status;
}

static dcpg_status make_datasets(const target *t, dcpg_err *err) {
    const dcpg_source *s = t->w->source;
    size_t length = strlen(t->plan->chromo);
    dcpg_h5_shape chromo = {
        .type = DCPG_H5_TEXT, .width = max_size(length, CHROMO_WIDTH), .ndim = 1, .dim = {t->plan->n}};
    dcpg_h5_shape pos = {.type = DCPG_H5_I32, .ndim = 1, .dim = {t->plan->n}};
    DCPG_TRY(dcpg_h5_write_attr_string(t->file, "/", "format", DCPG_DEEPCPG_FORMAT, err));
    DCPG_TRY(dcpg_h5_make(t->file, "chromo", &chromo, err));
    DCPG_TRY(dcpg_h5_make(t->file, "pos", &pos, err));
    DCPG_TRY(dcpg_h5_make_group(t->file, "inputs", err));
    if (s->dna_wlen > 0) DCPG_TRY(make_rows(t, dcpg_strdup("inputs/dna"), DCPG_H5_I8, s->dna_wlen, err));
    for (size_t i = 0; i < s->cells.n && s->cpg_wlen > 0; i++) {
        dcpg_h5_type type = t->w->options->real[i] ? DCPG_H5_F32 : DCPG_H5_I8;
        DCPG_TRY(make_rows(t, dcpg_format("inputs/cpg/%s/state", s->cells.v[i]), type, s->cpg_wlen, err));
        DCPG_TRY(
            make_rows(t, dcpg_format("inputs/cpg/%s/dist", s->cells.v[i]), DCPG_H5_F32, s->cpg_wlen, err));
    }
    for (size_t i = 0; i < s->annos.n; i++)
        DCPG_TRY(make_rows(t, dcpg_format("inputs/annos/%s", s->annos.v[i]), DCPG_H5_I8, 0, err));
    for (size_t i = 0; i < s->outputs.n; i++) {
        dcpg_h5_type type = is_class(s->outputs.v[i]) ? DCPG_H5_I8 : DCPG_H5_F32;
        DCPG_TRY(make_rows(t, dcpg_format("outputs/%s", s->outputs.v[i]), type, 0, err));
    }
    return DCPG_OK;
}

/* Writes the rows at hand of a dataset. Frees `path`. */
static dcpg_status put(const target *t, char *path, dcpg_h5_type type, int64_t width, const void *data,
                       dcpg_err *err) {
    if (!path) return fail_name("", err);
    dcpg_status status =
        dcpg_h5_write(t->file, path, type, &(dcpg_h5_block){{t->row, 0}, {t->n, width}}, data, err);
    dcpg_free(path);
    return status;
}

static dcpg_status put_chromo(const target *t, dcpg_err *err) {
    size_t length = strlen(t->plan->chromo), width = max_size(length, CHROMO_WIDTH);
    char *names = dcpg_alloc((size_t)t->n, width);
    if (!names) return dcpg_fail_nomem(err, "chromosomes", (unsigned long long)t->n * width);
    for (int64_t i = 0; i < t->n; i++) memcpy(names + (size_t)i * width, t->plan->chromo, length);
    dcpg_status status = put(t, dcpg_strdup("chromo"), DCPG_H5_TEXT, 0, names, err);
    dcpg_free(names);
    return status;
}

/* Random base for the unknown one at this position, the same in every window that contains it. */
static uint8_t random_base(const target *t, uint64_t chromo, int64_t pos) {
    uint64_t seed = t->w->options->seed, at = (uint64_t)pos;
    uint32_t out[4];
    dcpg_philox((uint32_t[]){(uint32_t)seed, (uint32_t)(seed >> 32)},
                (uint32_t[]){(uint32_t)at, (uint32_t)(at >> 32), (uint32_t)chromo, (uint32_t)(chromo >> 32)},
                out);
    return out[0] & 3;
}

static dcpg_status put_dna(const target *t, dcpg_err *err) {
    int64_t wlen = t->w->source->dna_wlen;
    uint8_t *dna = t->w->batch->dna;
    uint64_t chromo = dcpg_hash(t->plan->chromo);
    if (wlen == 0) return DCPG_OK;
#pragma omp parallel for
    for (int64_t i = 0; i < t->n; i++)
        for (int64_t j = 0; j < wlen; j++)
            if (dna[i * wlen + j] >= NOT_A_BASE)
                dna[i * wlen + j] = random_base(t, chromo, t->w->pos[i] - wlen / 2 + j);
    return put(t, dcpg_strdup("inputs/dna"), DCPG_H5_I8, wlen, dna, err);
}

/* Writes states and distances of a cell, from batch->cpg[n][cells][2 * cpg_wlen]. */
static dcpg_status put_cell(const target *t, size_t cell, dcpg_err *err) {
    const writing *w = t->w;
    const char *name = w->source->cells.v[cell];
    int64_t wlen = w->source->cpg_wlen, step = 2 * wlen * (int64_t)w->source->cells.n;
    const float *from = w->batch->cpg + 2 * wlen * (int64_t)cell;
    bool real = w->options->real[cell];
    for (int64_t i = 0; i < t->n; i++)
        for (int64_t k = 0; k < wlen; k++) {
            w->real[i * wlen + k] = from[i * step + k];
            w->small[i * wlen + k] = (int8_t)from[i * step + k];
        }
    char *path = dcpg_format("inputs/cpg/%s/state", name);
    if (real) DCPG_TRY(put(t, path, DCPG_H5_F32, wlen, w->real, err));
    if (!real) DCPG_TRY(put(t, path, DCPG_H5_I8, wlen, w->small, err));
    for (int64_t i = 0; i < t->n; i++)
        memcpy(w->real + i * wlen, from + i * step + wlen, (size_t)wlen * sizeof *from);
    return put(t, dcpg_format("inputs/cpg/%s/dist", name), DCPG_H5_F32, wlen, w->real, err);
}

static dcpg_status put_annos(const target *t, dcpg_err *err) {
    const writing *w = t->w;
    const dcpg_strings *annos = &w->source->annos;
    if (annos->n == 0) return DCPG_OK;
    DCPG_TRY(w->source->ops->inside(w->source, t->n, w->sample, w->inside, err));
    for (size_t a = 0; a < annos->n; a++) {
        for (int64_t i = 0; i < t->n; i++) w->small[i] = (int8_t)w->inside[(size_t)i * annos->n + a];
        DCPG_TRY(put(t, dcpg_format("inputs/annos/%s", annos->v[a]), DCPG_H5_I8, 0, w->small, err));
    }
    return DCPG_OK;
}

static dcpg_status put_output(const target *t, size_t output, dcpg_err *err) {
    const writing *w = t->w;
    const char *name = w->source->outputs.v[output];
    char *path = dcpg_format("outputs/%s", name);
    for (int64_t i = 0; i < t->n; i++) {
        float label = w->batch->label[i * (int64_t)w->source->outputs.n + (int64_t)output];
        w->real[i] = label;
        w->small[i] = (int8_t)rintf(label);
    }
    return is_class(name) ? put(t, path, DCPG_H5_I8, 0, w->small, err)
                          : put(t, path, DCPG_H5_F32, 0, w->real, err);
}

static dcpg_status put_rows(const target *t, dcpg_err *err) {
    writing *w = t->w;
    int64_t first = t->plan->first + t->row;
    for (int64_t i = 0; i < t->n; i++) w->sample[i] = first + i;
    DCPG_TRY(w->source->ops->fill(w->source, t->n, w->sample, w->batch, err));
    DCPG_TRY(w->source->ops->where(w->source, first, first + t->n, w->number, w->pos, err));
    DCPG_TRY(put_chromo(t, err));
    DCPG_TRY(put(t, dcpg_strdup("pos"), DCPG_H5_I32, 0, w->pos, err));
    DCPG_TRY(put_dna(t, err));
    for (size_t i = 0; i < w->source->cells.n && w->source->cpg_wlen > 0; i++) DCPG_TRY(put_cell(t, i, err));
    DCPG_TRY(put_annos(t, err));
    for (size_t i = 0; i < w->source->outputs.n; i++) DCPG_TRY(put_output(t, i, err));
    return DCPG_OK;
}

static dcpg_status fill_file(target *t, dcpg_err *err) {
    DCPG_TRY(make_datasets(t, err));
    for (t->row = 0; t->row < t->plan->n; t->row += t->n) {
        t->n = min_i64(t->plan->n - t->row, t->w->rows);
        DCPG_TRY(put_rows(t, err));
    }
    return DCPG_OK;
}

static dcpg_status write_as(writing *w, const planned *plan, const char *path, dcpg_err *err) {
    target t = {.w = w, .plan = plan};
    struct stat about;
    DCPG_TRY(dcpg_h5_create(path, NULL, &t.file, err));
    dcpg_status status = fill_file(&t, err);
    if (status != DCPG_OK) {
        dcpg_h5_close(t.file);
        return status;
    }
    DCPG_TRY(dcpg_h5_commit(t.file, err));
    if (stat(path, &about) == 0) w->bytes += (int64_t)about.st_size;
    status = dcpg_strings_add(&w->names, path, err);
    if (status == DCPG_OK) status = dcpg_cleanup_add(path, -1, err);
    if (status != DCPG_OK) unlink(path);
    return status;
}

static dcpg_status write_file(writing *w, const planned *plan, dcpg_err *err) {
    char *path = path_of(w, plan);
    if (!path) return fail_name(plan->chromo, err);
    dcpg_status status = write_as(w, plan, path, err);
    dcpg_free(path);
    return status;
}

/* ---- all files ---- */

/* Each rank writes its part of the files; all ranks load together. Collective. */
static dcpg_status write_files_all(writing *w, dcpg_err *err) {
    const dcpg_par *par = w->source->par;
    int64_t rounds = dcpg_max_i64_all(par, w->end - w->first);
    for (int64_t i = 0; i < rounds; i++) {
        const planned *mine = i < w->end - w->first ? &w->plan[w->first + i] : NULL;
        DCPG_TRY(w->source->ops->load_all(w->source, mine ? mine->first : 0, mine ? mine->first + mine->n : 0,
                                          err));
        DCPG_TRY(dcpg_agree_all(par, mine ? write_file(w, mine, err) : DCPG_OK, err));
        dcpg_progress(w->log, false, "convert: %" PRId64 " of %" PRId64 " files written",
                      (i + 1) * w->nb_plan / rounds, w->nb_plan);
    }
    return DCPG_OK;
}

/* An incomplete data set must not be mistaken for a complete one. */
static void remove_files(const writing *w) {
    for (size_t i = 0; i < w->names.n; i++) unlink(w->names.v[i]);
}

static void forget_files(const writing *w) {
    for (size_t i = 0; i < w->names.n; i++) dcpg_cleanup_forget(w->names.v[i]);
}

dcpg_status dcpg_deepcpg_write_all(dcpg_source *source, const dcpg_deepcpg_write_options *options,
                                   dcpg_log *log, dcpg_err *err) {
    assert(source->raw || source->cpg_wlen == 0);
    assert(options->chunk_size > 0);
    double started = dcpg_now();
    writing w = {.source = source, .options = options, .log = log};
    dcpg_status status = source->par->rank == 0 ? dcpg_make_dirs(options->out_dir, err) : DCPG_OK;
    status = dcpg_agree_all(source->par, status, err);
    if (status == DCPG_OK) status = dcpg_agree_all(source->par, start(&w, err), err);
    if (status == DCPG_OK) status = write_files_all(&w, err);
    if (status != DCPG_OK) remove_files(&w);
    forget_files(&w);
    int64_t bytes = dcpg_sum_i64_all(source->par, w.bytes);
    if (status == DCPG_OK)
        dcpg_info(log, "%s: %" PRId64 " file%s, %" PRId64 " sites, %zu cells, %zu outputs, %.2f MB, %.2f s",
                  options->out_dir, w.nb_plan, w.nb_plan == 1 ? "" : "s", source->nb_site, source->cells.n,
                  source->outputs.n, (double)bytes / 1e6, dcpg_now() - started);
    finish(&w);
    return status;
}
