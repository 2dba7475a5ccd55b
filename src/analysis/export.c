/* SPDX-License-Identifier: MIT */
/* Export: an evaluation's labels and predictions, one file per output. */
#include "analysis/export_check.h"
#include "base/number.h"
#include "text/bgzip_file.h"

#include <dcpg/chromo.h>
#include <dcpg/eval.h>
#include <dcpg/file.h>
#include <dcpg/genome.h>
#include <dcpg/h5.h>
#include <dcpg/map.h>
#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* Sites read at a time. */
enum { BLOCK = 1 << 16, MAX_CLASS = 16 };

/* The data file being read, a block of sites at a time. */
typedef struct data {
    dcpg_h5 *file;
    const dcpg_export_options *options;
    const dcpg_par *par;
    dcpg_map wanted;      /* chromosomes, as named in the file; empty: all */
    int64_t rows, total;  /* sites in the file, of which the first `total` are considered */
    int64_t block;        /* sites read at a time */
    size_t width;         /* bytes of a chromosome's name */
    dcpg_strings names;   /* [rows] chromosomes, if the file stores names of variable length */
    char *chromo;         /* [block][width] */
    int32_t *pos;         /* [block] */
    float *label, *value; /* [block][classes] */
    dcpg_strings outputs; /* outputs to export */
} data;

/* ---- opening ---- */

/* The dataset must have one row per site, of at most `classes` numbers (0: no second dimension). */
static dcpg_status shape_is(data *d, const char *path, int64_t classes, dcpg_h5_shape *shape, dcpg_err *err) {
    DCPG_TRY(dcpg_h5_shape_of(d->file, path, shape, err));
    bool flat = shape->ndim == 1, table = shape->ndim == 2 && shape->dim[1] >= 1 && shape->dim[1] <= classes;
    bool fits = (flat || table) && (d->rows < 0 || shape->dim[0] == d->rows);
    if (fits) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: dataset %s has not one row per site: this is no file of dcpg eval --out_data",
                     d->options->data, path);
}

/* Finds the width of chromosome names; names of variable length are read here. */
static dcpg_status open_names(data *d, dcpg_err *err) {
    dcpg_h5_shape shape;
    DCPG_TRY(shape_is(d, "chromo", 0, &shape, err));
    d->width = shape.width;
    if (shape.type != DCPG_H5_TEXT)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset chromo holds no names", d->options->data);
    if (d->width == 0) DCPG_TRY(dcpg_h5_read_strings(d->file, "chromo", &d->names, err));
    for (size_t i = 0; i < d->names.n; i++)
        if (strlen(d->names.v[i]) > d->width) d->width = strlen(d->names.v[i]);
    if (d->width <= EXPORT_MAX_WIDTH) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: dataset chromo holds strings of %zu bytes: these are no chromosomes",
                     d->options->data, d->width);
}

static dcpg_status open_sites(data *d, dcpg_err *err) {
    dcpg_h5_shape shape;
    d->rows = -1;
    DCPG_TRY(shape_is(d, "pos", 0, &shape, err));
    d->rows = d->total = shape.dim[0];
    DCPG_TRY(open_names(d, err));
    int64_t limit = d->options->nb_sample;
    if (limit > 0 && limit < d->total) d->total = limit;
    d->block = min_i64(d->total, BLOCK);
    size_t block = (size_t)d->block;
    d->chromo = dcpg_alloc(block, d->width);
    d->pos = dcpg_alloc(block, sizeof *d->pos);
    d->label = dcpg_alloc(block * MAX_CLASS, 2 * sizeof *d->label);
    if (!d->chromo || !d->pos || !d->label) return dcpg_fail_nomem(err, "sites", block * d->width);
    d->value = d->label + block * MAX_CLASS;
    return DCPG_OK;
}

/* A file may hold one array under many names, and make export write it as many times. */
static dcpg_status check_claim(const data *d, size_t nb_output, dcpg_err *err) {
    uint64_t bytes = 2 * sizeof(float) * (uint64_t)d->rows;
    if (bytes == 0 || nb_output <= dcpg_h5_capacity(d->file) / bytes) return DCPG_OK;
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: its %zu outputs claim more than a file of this size can hold: it is damaged, or one "
        "array has many names",
        d->options->data, nb_output);
}

static dcpg_status open_outputs(data *d, dcpg_err *err) {
    dcpg_strings names = {0};
    dcpg_status status = dcpg_h5_list_datasets(d->file, "preds", &names, err);
    if (status == DCPG_OK && names.n == 0)
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: there are no predictions in it", d->options->data);
    if (status == DCPG_OK) status = check_claim(d, names.n, err);
    if (status == DCPG_OK)
        status = dcpg_strings_select(&names, d->options->outputs, 0, "output", &d->outputs, err);
    dcpg_strings_free(&names);
    for (size_t i = 0; i < d->outputs.n && status == DCPG_OK; i++)
        status = dcpg_export_check_output(d->options->data, d->outputs.v[i], err);
    return status;
}

static dcpg_status open_data(data *d, dcpg_err *err) {
    DCPG_TRY(dcpg_h5_open(d->options->data, NULL, &d->file, err));
    if (!dcpg_h5_is_group(d->file, "preds") || !dcpg_h5_exists(d->file, "pos"))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: this is no file of dcpg eval --out_data", d->options->data);
    DCPG_TRY(open_sites(d, err));
    return open_outputs(d, err);
}

static void close_data(data *d) {
    dcpg_h5_close(d->file);
    dcpg_map_free(&d->wanted);
    dcpg_strings_free(&d->outputs);
    dcpg_strings_free(&d->names);
    dcpg_free(d->chromo);
    dcpg_free(d->pos);
    dcpg_free(d->label);
}

/* ---- reading ---- */

/* The chromosome of row i of the block, NUL-terminated. */
static const char *chromo_of(const data *d, int64_t i, char name[256]) {
    size_t n = min_size(d->width, 255);
    memcpy(name, d->chromo + (size_t)i * d->width, n);
    name[n] = '\0';
    return name;
}

/* The label if observed, else the prediction; for a categorical output the observed class, or the likeliest
 * one. */
static float known_or_predicted(const float *label, const float *prediction, int64_t classes) {
    if (classes == 1) return label[0] >= 0 ? label[0] : prediction[0];
    int64_t likeliest = 0;
    for (int64_t c = 0; c < classes; c++) {
        if (label[c] > 0) return (float)c;
        if (prediction[c] > prediction[likeliest]) likeliest = c;
    }
    return (float)likeliest;
}

/* Reads a block of rows, with a column for each class, of an output's labels or predictions. */
static dcpg_status read_rows(data *d, const char *group, const char *output, const dcpg_h5_block *block,
                             float *to, dcpg_err *err) {
    char *path = dcpg_format("%s/%s", group, output);
    dcpg_h5_shape shape;
    dcpg_status status =
        path ? shape_is(d, path, MAX_CLASS, &shape, err) : dcpg_fail_nomem(err, "a name", strlen(output));
    if (status == DCPG_OK && (shape.ndim == 2 ? shape.dim[1] : 1) != block->count[1])
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: labels and predictions of %s are of different shapes",
                           d->options->data, output);
    if (status == DCPG_OK) status = dcpg_h5_read(d->file, path, DCPG_H5_F32, block, to, err);
    dcpg_free(path);
    return status;
}

/* Chromosomes and positions of sites [first, first + n), checked. */
static dcpg_status read_sites(data *d, int64_t first, int64_t n, dcpg_err *err) {
    const dcpg_h5_block block = {.start = {first}, .count = {n}};
    const char *file = d->options->data;
    if (d->names.n == 0) DCPG_TRY(dcpg_h5_read(d->file, "chromo", DCPG_H5_TEXT, &block, d->chromo, err));
    for (int64_t i = 0; i < n && d->names.n; i++)
        strncpy(d->chromo + (size_t)i * d->width, d->names.v[first + i], d->width);
    DCPG_TRY(dcpg_h5_read(d->file, "pos", DCPG_H5_I32, &block, d->pos, err));
    for (int64_t i = 0; i < n; i++) {
        DCPG_TRY(dcpg_export_check_chromo(file, d->chromo + (size_t)i * d->width, d->width, first + i, err));
        DCPG_TRY(dcpg_export_check_position(file, d->pos[i], first + i, err));
    }
    return DCPG_OK;
}

static dcpg_status read_values(data *d, const char *output, int64_t classes, int64_t first, int64_t n,
                               dcpg_err *err) {
    const dcpg_h5_block block = {.start = {first}, .count = {n, classes}};
    DCPG_TRY(read_rows(d, "outputs", output, &block, d->label, err));
    DCPG_TRY(read_rows(d, "preds", output, &block, d->value, err));
    const export_values values = {.file = d->options->data,
                                  .output = output,
                                  .label = d->label,
                                  .prediction = d->value,
                                  .first = first,
                                  .n = n,
                                  .classes = classes};
    return dcpg_export_check_values(&values, err);
}

/* Reads sites [first, first + *n) of an output (NULL: positions only) and keeps those on wanted chromosomes:
 * *n becomes their number, d->value holds their values. */
static dcpg_status read_block(data *d, const char *output, int64_t classes, int64_t first, int64_t *n,
                              dcpg_err *err) {
    DCPG_TRY(read_sites(d, first, *n, err));
    if (output) DCPG_TRY(read_values(d, output, classes, first, *n, err));
    int64_t kept = 0;
    for (int64_t i = 0; i < *n; i++) {
        char name[256];
        if (d->wanted.n && !dcpg_map_get(&d->wanted, chromo_of(d, i, name), 0)) continue;
        memmove(d->chromo + (size_t)kept * d->width, d->chromo + (size_t)i * d->width, d->width);
        d->pos[kept] = d->pos[i];
        if (output)
            d->value[kept] = known_or_predicted(d->label + i * classes, d->value + i * classes, classes);
        kept++;
    }
    *n = kept;
    return DCPG_OK;
}

static dcpg_status classes_of(data *d, const char *output, int64_t *classes, dcpg_err *err) {
    char *path = dcpg_format("preds/%s", output);
    dcpg_h5_shape shape;
    dcpg_status status =
        path ? shape_is(d, path, MAX_CLASS, &shape, err) : dcpg_fail_nomem(err, "a name", strlen(output));
    dcpg_free(path);
    *classes = status == DCPG_OK && shape.ndim == 2 ? shape.dim[1] : 1;
    return status;
}

/* ---- writing ---- */

/* Called for every block of kept sites. */
typedef dcpg_status block_fn(const data *d, void *to, int64_t n, dcpg_err *err);

static dcpg_status each_block(data *d, const char *output, block_fn *each, void *to, dcpg_err *err) {
    int64_t classes = 1;
    if (output) DCPG_TRY(classes_of(d, output, &classes, err));
    for (int64_t first = 0; first < d->total; first += d->block) {
        int64_t n = min_i64(d->total - first, d->block);
        dcpg_par_busy(d->par);
        DCPG_TRY(read_block(d, output, classes, first, &n, err));
        DCPG_TRY(each(d, to, n, err));
    }
    return DCPG_OK;
}

static dcpg_status write_bedgraph_block(const data *d, void *to, int64_t n, dcpg_err *err) {
    int before = d->options->one_based ? 0 : 1;
    (void)err;
    for (int64_t i = 0; i < n; i++) {
        char name[256], line[384];
        int length =
            snprintf(line, sizeof line, "chr%s\t%" PRId32 "\t%" PRId32 "\t%.5f\n", chromo_of(d, i, name),
                     d->pos[i] - before, d->pos[i] - before + 1, (double)d->value[i]);
        dcpg_bgzip_write(to, line, (size_t)length);
    }
    return DCPG_OK;
}

static dcpg_status write_bedgraph(data *d, const char *output, const char *path, dcpg_err *err) {
    dcpg_bgzip file;
    DCPG_TRY(dcpg_bgzip_create(path, &file, err));
    return dcpg_bgzip_close(&file, each_block(d, output, write_bedgraph_block, &file, err), err);
}

static dcpg_status count_block(const data *d, void *to, int64_t n, dcpg_err *err) {
    (void)d, (void)err;
    *(int64_t *)to += n;
    return DCPG_OK;
}

typedef struct hdf_file {
    dcpg_h5 *h5;
    int64_t next; /* next row to write */
} hdf_file;

static dcpg_status write_hdf_block(const data *d, void *to, int64_t n, dcpg_err *err) {
    hdf_file *file = to;
    const dcpg_h5_block block = {.start = {file->next}, .count = {n}};
    file->next += n;
    DCPG_TRY(dcpg_h5_write(file->h5, "chromo", DCPG_H5_TEXT, &block, d->chromo, err));
    DCPG_TRY(dcpg_h5_write(file->h5, "pos", DCPG_H5_I32, &block, d->pos, err));
    return dcpg_h5_write(file->h5, "value", DCPG_H5_F32, &block, d->value, err);
}

static dcpg_status make_hdf(const data *d, dcpg_h5 *file, int64_t total, dcpg_err *err) {
    dcpg_h5_shape shape = {
        .type = DCPG_H5_TEXT, .width = d->width, .ndim = 1, .dim = {total}, .chunk = {BLOCK}, .deflate = 4};
    DCPG_TRY(dcpg_h5_write_attr_string(file, "/", "format", DCPG_EXPORT_FORMAT, err));
    DCPG_TRY(dcpg_h5_make(file, "chromo", &shape, err));
    shape.type = DCPG_H5_I32;
    DCPG_TRY(dcpg_h5_make(file, "pos", &shape, err));
    shape.type = DCPG_H5_F32;
    return dcpg_h5_make(file, "value", &shape, err);
}

static dcpg_status write_hdf(data *d, const char *output, const char *path, dcpg_err *err) {
    int64_t total = 0;
    hdf_file file = {0};
    DCPG_TRY(each_block(d, NULL, count_block, &total, err));
    DCPG_TRY(dcpg_h5_create(path, NULL, &file.h5, err));
    dcpg_status status = make_hdf(d, file.h5, total, err);
    if (status == DCPG_OK) status = each_block(d, output, write_hdf_block, &file, err);
    if (status == DCPG_OK) return dcpg_h5_commit(file.h5, err);
    dcpg_h5_close(file.h5);
    return status;
}

/* ---- one file per output ---- */

/* "DIR/a.bedGraph.gz" for cpg/a, "DIR/cpg_stats_mean.h5" for cpg_stats/mean; dcpg_free. */
static char *path_of(const dcpg_export_options *options, const char *output) {
    bool cell = strncmp(output, "cpg/", 4) == 0;
    char *name = dcpg_strdup(cell ? strrchr(output, '/') + 1 : output);
    for (char *at = name; at && (at = strchr(at, '/')) != NULL;) *at = '_';
    char *path =
        name ? dcpg_format("%s/%s%s", options->out_dir, name, options->hdf ? ".h5" : ".bedGraph.gz") : NULL;
    dcpg_free(name);
    return path;
}

static dcpg_status name_files(const data *d, dcpg_strings *paths, dcpg_err *err) {
    for (size_t o = 0; o < d->outputs.n; o++) {
        char *path = path_of(d->options, d->outputs.v[o]);
        ptrdiff_t same = path ? dcpg_strings_find(paths, path) : -1;
        dcpg_status status = path ? DCPG_OK : dcpg_fail_nomem(err, "a path", 64);
        if (same >= 0)
            status =
                dcpg_fail(err, DCPG_E_INPUT,
                          "outputs %s and %s would both be written to %s: choose one with --output_names",
                          d->outputs.v[same], d->outputs.v[o], path);
        if (status == DCPG_OK) status = dcpg_strings_add(paths, path, err);
        dcpg_free(path);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

/* None of this rank's files may be the file being read, or one that was not written by an export. */
static dcpg_status check_files(const data *d, const dcpg_strings *paths, const dcpg_par *par, dcpg_err *err) {
    for (size_t o = (size_t)par->rank; o < paths->n; o += (size_t)par->size) {
        const char *path = paths->v[o];
        if (dcpg_same_file(path, d->options->data))
            return dcpg_fail(err, DCPG_E_USAGE,
                             "%s: would be written over the file that is read: name another "
                             "--out_dir",
                             path);
        if (d->options->force || !dcpg_file_exists(path)) continue;
        bool ours = d->options->hdf ? dcpg_h5_is_format(path, DCPG_EXPORT_FORMAT) : dcpg_bgzip_is_ours(path);
        if (!ours) return dcpg_fail_not_ours(path, err);
    }
    return DCPG_OK;
}

/* Adds the chromosomes of a block to an index of names. */
static dcpg_status note_names(const data *d, void *to, int64_t n, dcpg_err *err) {
    dcpg_chromos *known = to;
    char name[256];
    for (int64_t i = 0; i < n; i++) {
        const char *row = d->chromo + (size_t)i * d->width;
        if (i > 0 && memcmp(row, row - d->width, d->width) == 0) continue;
        chromo_of(d, i, name);
        if (dcpg_map_get(&known->by_rule[0], name, -1) >= 0) continue;
        DCPG_TRY(dcpg_chromos_add(known, name, (int64_t)known->by_rule[0].n, err));
    }
    return DCPG_OK;
}

/* Marks the file's chromosomes that --chromos names, by the rule of dcpg/chromo.h. */
static dcpg_status mark_wanted(data *d, const dcpg_chromos *known, dcpg_err *err) {
    const dcpg_strings *words = d->options->chromos;
    for (size_t i = 0; i < words->n; i++) {
        int64_t k = dcpg_chromos_find(known, words->v[i]);
        if (k == DCPG_CHROMO_UNCLEAR)
            return dcpg_chromos_fail_unclear(known, "--chromos", words->v[i], d->options->data, err);
        if (k >= 0) DCPG_TRY(dcpg_map_set(&d->wanted, dcpg_map_key(&known->by_rule[0], (size_t)k), 1, err));
    }
    if (d->wanted.n > 0) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT, "%s: no site is on the chromosomes chosen", d->options->data);
}

static dcpg_status choose_chromos(data *d, dcpg_err *err) {
    dcpg_chromos known = {0};
    if (!d->options->chromos || d->options->chromos->n == 0) return DCPG_OK;
    dcpg_status status = each_block(d, NULL, note_names, &known, err);
    if (status == DCPG_OK) status = mark_wanted(d, &known, err);
    dcpg_chromos_free(&known);
    return status;
}

static dcpg_status check_sites(data *d, dcpg_err *err) {
    int64_t total = 0;
    DCPG_TRY(choose_chromos(d, err));
    DCPG_TRY(each_block(d, NULL, count_block, &total, err));
    if (total > 0 || d->wanted.n == 0) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT, "%s: no site is on the chromosomes chosen", d->options->data);
}

/* Reads and checks everything that this rank will write, before anything is written. */
static dcpg_status check_mine(data *d, const dcpg_par *par, dcpg_err *err) {
    for (size_t o = (size_t)par->rank; o < d->outputs.n; o += (size_t)par->size) {
        int64_t classes;
        DCPG_TRY(classes_of(d, d->outputs.v[o], &classes, err));
        for (int64_t first = 0; first < d->total; first += d->block) {
            int64_t left = d->total - first;
            dcpg_par_busy(par);
            DCPG_TRY(read_values(d, d->outputs.v[o], classes, first, min_i64(left, d->block), err));
        }
    }
    return DCPG_OK;
}

static dcpg_status export_mine(data *d, const dcpg_strings *paths, const dcpg_par *par, dcpg_log *log,
                               dcpg_err *err) {
    for (size_t o = (size_t)par->rank; o < d->outputs.n; o += (size_t)par->size) {
        dcpg_debug(log, "%s", paths->v[o]);
        DCPG_TRY(d->options->hdf ? write_hdf(d, d->outputs.v[o], paths->v[o], err)
                                 : write_bedgraph(d, d->outputs.v[o], paths->v[o], err));
    }
    return DCPG_OK;
}

static dcpg_status prepare(data *d, dcpg_strings *paths, const dcpg_par *par, dcpg_err *err) {
    DCPG_TRY(open_data(d, err));
    DCPG_TRY(name_files(d, paths, err));
    DCPG_TRY(check_files(d, paths, par, err));
    DCPG_TRY(check_sites(d, err));
    return check_mine(d, par, err);
}

static dcpg_status make_folder(const data *d, const dcpg_par *par, dcpg_err *err) {
    return par->rank == 0 ? dcpg_make_dirs(d->options->out_dir, err) : DCPG_OK;
}

dcpg_status dcpg_export_all(const dcpg_export_options *options, const dcpg_par *par, dcpg_log *log,
                            dcpg_err *err) {
    data d = {.options = options, .par = par};
    dcpg_strings paths = {0};
    dcpg_status status = dcpg_agree_all(par, prepare(&d, &paths, par, err), err);
    if (status == DCPG_OK) status = dcpg_agree_all(par, make_folder(&d, par, err), err);
    if (status == DCPG_OK) status = dcpg_agree_all(par, export_mine(&d, &paths, par, log, err), err);
    char text[DCPG_LIST_TEXT];
    if (status == DCPG_OK)
        dcpg_info(log, "%zu output%s of %" PRId64 " site%s written to %s: %s", d.outputs.n,
                  d.outputs.n == 1 ? "" : "s", d.total, d.total == 1 ? "" : "s", options->out_dir,
                  dcpg_strings_text(&d.outputs, text));
    dcpg_strings_free(&paths);
    close_data(&d);
    return status;
}
