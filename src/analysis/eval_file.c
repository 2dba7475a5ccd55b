/* SPDX-License-Identifier: MIT */
/* The data file of an evaluation: chromo, pos, outputs/NAME and preds/NAME, named as in DeepCpG. One rank
 * writes it, block by block: ranks that write a compressed file together leave bytes of their own in its
 * gaps. */
#include "analysis/eval_impl.h"

#include <dcpg/memory.h>

#include <assert.h>
#include <math.h>
#include <string.h>

/* Attribute of the root. */
#define UNTRAINED "untrained"

static dcpg_status no_memory(dcpg_err *err, size_t bytes) {
    return dcpg_fail_nomem(err, "the data file", bytes);
}

/* Labels of outputs with a class loss are stored as integers. */
static dcpg_h5_type label_type(const dcpg_output_kind *kind) {
    return eval_has_classes(kind) ? DCPG_H5_I8 : DCPG_H5_F32;
}

/* A dataset of the file, with a row of `units` numbers for each site. */
typedef struct dataset {
    const char *group, *name; /* "outputs/", "preds/", or "" for the root */
    dcpg_h5_type type;
    int units;
} dataset;

static const dataset chromo_set = {"", "chromo", DCPG_H5_TEXT, 1}, pos_set = {"", "pos", DCPG_H5_I32, 1};

/* The labels of output o. */
static dataset label_set(const eval_outputs *outputs, int o) {
    return (dataset){"outputs/", outputs->name[o], label_type(&outputs->kind[o]), outputs->kind[o].units};
}

/* The predictions of output o. */
static dataset prediction_set(const eval_outputs *outputs, int o) {
    return (dataset){"preds/", outputs->name[o], DCPG_H5_F32, outputs->kind[o].units};
}

static dcpg_status make(eval_file *file, dataset set, int64_t total, dcpg_err *err) {
    dcpg_h5_shape shape = {.type = set.type,
                           .width = file->width,
                           .ndim = set.units > 1 ? 2 : 1,
                           .dim = {total, set.units},
                           .chunk = {file->chunk, set.units},
                           .deflate = 1};
    char *path = dcpg_format("%s%s", set.group, set.name);
    dcpg_status status = path ? dcpg_h5_make(file->h5, path, &shape, err) : no_memory(err, strlen(set.name));
    dcpg_free(path);
    return status;
}

/* Records what is known of the genome, for export: chromosomes as `chromo` has them, their names in the FASTA
 * files, their lengths. */
static dcpg_status write_genome(eval_file *file, const dcpg_source *source, dcpg_err *err) {
    const dcpg_h5_shape shape = {.type = DCPG_H5_I64, .ndim = 1, .dim = {(int64_t)source->chromo.n}};
    if (source->fasta_name.n == 0 && !source->length) return DCPG_OK;
    DCPG_TRY(dcpg_h5_write_strings(file->h5, "genome/chromo", &source->chromo, err));
    if (source->fasta_name.n > 0)
        DCPG_TRY(dcpg_h5_write_strings(file->h5, "genome/fasta_name", &source->fasta_name, err));
    if (!source->length) return DCPG_OK;
    DCPG_TRY(dcpg_h5_make(file->h5, "genome/length", &shape, err));
    return dcpg_h5_write(file->h5, "genome/length", DCPG_H5_I64, NULL, source->length, err);
}

static dcpg_status write_hiding(eval_file *file, dcpg_err *err) {
    const dcpg_hiding *hiding = &file->outputs->hiding;
    if (hiding->parts == 0) return DCPG_OK;
    DCPG_TRY(dcpg_h5_write_attr_i64(file->h5, "/", "hide", hiding->parts, err));
    return dcpg_h5_write_attr_i64(file->h5, "/", "hide_seed", (int64_t)hiding->seed, err);
}

/* Records the outputs that no label was seen of in training. */
static dcpg_status write_untrained(eval_file *file, dcpg_err *err) {
    const eval_outputs *outputs = file->outputs;
    dcpg_strings names = {0};
    dcpg_status status = DCPG_OK;
    for (int o = 0; o < outputs->nb && status == DCPG_OK; o++)
        if (outputs->untrained[o]) status = dcpg_strings_add(&names, outputs->name[o], err);
    if (status == DCPG_OK && names.n)
        status = dcpg_h5_write_attr_strings(file->h5, "/", UNTRAINED, &names, err);
    dcpg_strings_free(&names);
    return status;
}

static dcpg_status read_hiding(dcpg_h5 *file, dcpg_hiding *hiding, dcpg_err *err) {
    int64_t seed;
    *hiding = (dcpg_hiding){0};
    if (!dcpg_h5_has_attr(file, "/", "hide") || !dcpg_h5_has_attr(file, "/", "hide_seed")) return DCPG_OK;
    DCPG_TRY(dcpg_h5_read_attr_i64(file, "/", "hide", &hiding->parts, err));
    DCPG_TRY(dcpg_h5_read_attr_i64(file, "/", "hide_seed", &seed, err));
    hiding->seed = (uint64_t)seed;
    return DCPG_OK;
}

dcpg_status dcpg_eval_read_notes(dcpg_h5 *file, eval_outputs *outputs, dcpg_err *err) {
    dcpg_strings names = {0};
    dcpg_status status = DCPG_OK;
    DCPG_TRY(read_hiding(file, &outputs->hiding, err));
    outputs->untrained = dcpg_alloc((size_t)outputs->nb, sizeof *outputs->untrained);
    if (!outputs->untrained) return dcpg_fail_nomem(err, "outputs", (unsigned)outputs->nb);
    if (dcpg_h5_has_attr(file, "/", UNTRAINED) || dcpg_h5_has_attr(file, "/", UNTRAINED "0"))
        status = dcpg_h5_read_attr_strings(file, "/", UNTRAINED, &names, err);
    for (int o = 0; o < outputs->nb && status == DCPG_OK; o++)
        outputs->untrained[o] = dcpg_strings_find(&names, outputs->name[o]) >= 0;
    dcpg_strings_free(&names);
    return status;
}

static dcpg_status make_sets(eval_file *file, const eval_file_options *options, dcpg_err *err) {
    const eval_outputs *outputs = file->outputs;
    int64_t total = options->total;
    DCPG_TRY(dcpg_h5_write_attr_string(file->h5, "/", "format", DCPG_EVAL_FORMAT, err));
    DCPG_TRY(write_hiding(file, err));
    if (outputs->untrained) DCPG_TRY(write_untrained(file, err));
    DCPG_TRY(make(file, chromo_set, total, err));
    DCPG_TRY(make(file, pos_set, total, err));
    for (int o = 0; o < outputs->nb; o++) {
        DCPG_TRY(make(file, label_set(outputs, o), total, err));
        DCPG_TRY(make(file, prediction_set(outputs, o), total, err));
    }
    return write_genome(file, options->source, err);
}

dcpg_status dcpg_eval_file_create(const eval_file_options *options, eval_file *file, dcpg_err *err) {
    const dcpg_strings *chromos = &options->source->chromo;
    size_t capacity = (size_t)options->capacity;
    *file = (eval_file){.outputs = options->outputs, .chromos = chromos, .width = 2, .chunk = options->chunk};
    for (size_t i = 0; i < chromos->n; i++)
        if (strlen(chromos->v[i]) > file->width) file->width = strlen(chromos->v[i]);
    size_t per_site =
        file->width > DCPG_MAX_CLASSES * sizeof(float) ? file->width : DCPG_MAX_CLASSES * sizeof(float);
    file->scratch = dcpg_alloc(capacity, per_site);
    dcpg_status status = file->scratch ? DCPG_OK : no_memory(err, capacity * per_site);
    if (status == DCPG_OK) status = dcpg_h5_create(options->path, NULL, &file->h5, err);
    if (status == DCPG_OK) status = make_sets(file, options, err);
    return status == DCPG_OK ? DCPG_OK : dcpg_eval_file_close(file, status, err);
}

/* Writes `n` rows from row `first` on. */
static dcpg_status write_rows(eval_file *file, dataset set, int64_t first, int64_t n, const void *data,
                              dcpg_err *err) {
    dcpg_h5_block block = {.start = {first}, .count = {n, set.units}};
    char *path = dcpg_format("%s%s", set.group, set.name);
    assert(path);
    dcpg_status status = dcpg_h5_write(file->h5, path, set.type, &block, data, err);
    dcpg_free(path);
    return status;
}

/* The names of the block's chromosomes, each in file->width bytes. */
static const char *names_of(const eval_file *file, const eval_block *block) {
    for (int64_t i = 0; i < block->n; i++)
        strncpy(file->scratch + (size_t)i * file->width, file->chromos->v[block->chromo[i]], file->width);
    return file->scratch;
}

/* Labels in the file's form: classes as int8; a category as a row of zeros with a 1, or of zeros only if it
 * was not observed. */
static const void *labels_of(const eval_file *file, const eval_block *block, int o) {
    const float *label = block->label + o * block->capacity;
    const dcpg_output_kind *kind = &file->outputs->kind[o];
    signed char *class_of = (signed char *)file->scratch;
    if (label_type(kind) == DCPG_H5_F32) return label;
    for (int64_t i = 0; i < block->n; i++) {
        long value = lrintf(label[i]);
        if (kind->units == 1)
            class_of[i] = (signed char)value;
        else
            for (int c = 0; c < kind->units; c++) class_of[i * kind->units + c] = value == c;
    }
    return class_of;
}

dcpg_status dcpg_eval_file_write(eval_file *file, const eval_block *block, dcpg_err *err) {
    const eval_outputs *outputs = file->outputs;
    int64_t first = block->first, n = block->n;
    DCPG_TRY(write_rows(file, chromo_set, first, n, names_of(file, block), err));
    DCPG_TRY(write_rows(file, pos_set, first, n, block->pos, err));
    for (int o = 0; o < outputs->nb; o++) {
        const float *prediction = block->prediction + outputs->unit[o] * block->capacity;
        DCPG_TRY(write_rows(file, label_set(outputs, o), first, n, labels_of(file, block, o), err));
        DCPG_TRY(write_rows(file, prediction_set(outputs, o), first, n, prediction, err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_eval_file_close(eval_file *file, dcpg_status status, dcpg_err *err) {
    if (file->h5 && status == DCPG_OK)
        status = dcpg_h5_commit(file->h5, err);
    else
        dcpg_h5_close(file->h5);
    file->h5 = NULL;
    dcpg_free(file->scratch);
    file->scratch = NULL;
    return status;
}
