/* SPDX-License-Identifier: MIT */
/* The data file of an evaluation: chromo, pos, outputs/NAME and preds/NAME, named as in DeepCpG. All ranks
 * compress chunks of it, which takes longest, and one writes them in order: ranks that write a compressed
 * file together leave bytes of their own in its gaps. */
#include "analysis/eval_impl.h"
#include "base/number.h"

#include <dcpg/memory.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <string.h>

/* Attribute of the root. */
#define UNTRAINED "untrained"

enum { DEFLATE = 1 };

static dcpg_status no_memory(dcpg_err *err, size_t bytes) {
    return dcpg_fail_nomem(err, "the data file", bytes);
}

/* Labels of outputs with a class loss are stored as integers. */
static dcpg_h5_type label_type(const dcpg_output_kind *kind) {
    return eval_has_classes(kind) ? DCPG_H5_I8 : DCPG_H5_F32;
}

/* A dataset of the file, with a row of `units` numbers, or of a name, for each site. */
typedef struct dataset {
    const char *group, *name; /* "outputs/", "preds/", or "" for the root */
    dcpg_h5_type type;
    int units;
    size_t width; /* bytes of a number or name */
} dataset;

enum { CHROMO, POS, FIRST_OUTPUT }; /* then labels and predictions of each output */

static int nb_set(const eval_outputs *outputs) { return FIRST_OUTPUT + 2 * outputs->nb; }

static dataset set_of(const eval_file *file, int set) {
    const eval_outputs *outputs = file->outputs;
    int o = (set - FIRST_OUTPUT) / 2;
    if (set == CHROMO) return (dataset){"", "chromo", DCPG_H5_TEXT, 1, file->width};
    if (set == POS) return (dataset){"", "pos", DCPG_H5_I32, 1, sizeof(int32_t)};
    bool label = (set - FIRST_OUTPUT) % 2 == 0;
    dcpg_h5_type type = label ? label_type(&outputs->kind[o]) : DCPG_H5_F32;
    return (dataset){label ? "outputs/" : "preds/", outputs->name[o], type, outputs->kind[o].units,
                     type == DCPG_H5_I8 ? 1 : sizeof(float)};
}

/* Bytes of the largest chunk. */
static size_t chunk_bytes(const eval_file *file) {
    size_t row = max_size(file->width, sizeof(int32_t));
    for (int o = 0; o < file->outputs->nb; o++)
        row = max_size(row, (size_t)file->outputs->kind[o].units * sizeof(float));
    return row * (size_t)file->chunk;
}

/* ---- creating ---- */

static dcpg_status make(eval_file *file, dataset set, int64_t total, dcpg_err *err) {
    dcpg_h5_shape shape = {.type = set.type,
                           .width = file->width,
                           .ndim = set.units > 1 ? 2 : 1,
                           .dim = {total, set.units},
                           .chunk = {file->chunk, set.units},
                           .deflate = DEFLATE};
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
    if (hiding->parts < 0 || hiding->parts > EVAL_MOST_PARTS)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: damaged: calls were not hidden in %" PRId64 " parts: evaluate again",
                         dcpg_h5_path(file), hiding->parts);
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
    for (int set = 0; set < nb_set(outputs); set++) DCPG_TRY(make(file, set_of(file, set), total, err));
    return write_genome(file, options->source, err);
}

static dcpg_status open_buffers(eval_file *file, dcpg_err *err) {
    size_t largest = chunk_bytes(file), sets = (size_t)nb_set(file->outputs),
           slot = dcpg_h5_packed_bound(largest), threads = (size_t)omp_get_max_threads();
    file->raw = dcpg_alloc(2 * threads, largest);
    file->slot = dcpg_alloc(sets, slot);
    file->slot_bytes = dcpg_alloc(sets, sizeof *file->slot_bytes);
    if (file->raw && file->slot && file->slot_bytes) return DCPG_OK;
    return no_memory(err, 2 * threads * largest + sets * slot);
}

static dcpg_status create(const eval_file_options *options, eval_file *file, dcpg_err *err) {
    DCPG_TRY(open_buffers(file, err));
    if (file->par->rank != 0) return DCPG_OK;
    DCPG_TRY(dcpg_h5_create(options->path, NULL, &file->h5, err));
    return make_sets(file, options, err);
}

dcpg_status dcpg_eval_file_create_all(const eval_file_options *options, const dcpg_par *par, eval_file *file,
                                      dcpg_err *err) {
    const dcpg_strings *chromos = &options->source->chromo;
    *file = (eval_file){.par = par,
                        .outputs = options->outputs,
                        .chromos = chromos,
                        .width = 2,
                        .chunk = min_i64(options->chunk, options->total)};
    for (size_t i = 0; i < chromos->n; i++) file->width = max_size(file->width, strlen(chromos->v[i]));
    dcpg_status status = dcpg_agree_all(par, create(options, file, err), err);
    return status == DCPG_OK ? DCPG_OK : dcpg_eval_file_close_all(file, status, err);
}

/* ---- packing, on all ranks ---- */

/* Rows [from, from + n) of a block. */
typedef struct rows {
    const eval_block *block;
    int64_t from, n;
} rows;

static void put_names(const eval_file *file, const rows *r, char *to) {
    for (int64_t i = 0; i < r->n; i++)
        strncpy(to + (size_t)i * file->width, file->chromos->v[r->block->chromo[r->from + i]], file->width);
}

/* Labels of classes as int8; a category as a row of zeros with a 1, or of zeros only if it was not
 * observed. */
static void put_classes(const float *label, int64_t n, int units, signed char *to) {
    for (int64_t i = 0; i < n; i++) {
        long value = lrintf(label[i]);
        if (units == 1)
            to[i] = (signed char)value;
        else
            for (int c = 0; c < units; c++) to[i * units + c] = value == c;
    }
}

/* Writes the rows of a dataset to `to`, in the file's form. */
static void put_rows(const eval_file *file, int set, const rows *r, char *to) {
    const eval_block *block = r->block;
    int o = (set - FIRST_OUTPUT) / 2;
    if (set == CHROMO) {
        put_names(file, r, to);
    } else if (set == POS) {
        memcpy(to, block->pos + r->from, (size_t)r->n * sizeof *block->pos);
    } else if ((set - FIRST_OUTPUT) % 2) {
        int units = file->outputs->kind[o].units;
        const float *prediction = block->prediction + file->outputs->unit[o] * block->capacity;
        memcpy(to, prediction + r->from * units, (size_t)(r->n * units) * sizeof *prediction);
    } else {
        const float *label = block->label + o * block->capacity + r->from;
        const dcpg_output_kind *kind = &file->outputs->kind[o];
        if (eval_has_classes(kind))
            put_classes(label, r->n, kind->units, (signed char *)to);
        else
            memcpy(to, label, (size_t)r->n * sizeof *label);
    }
}

/* Packs a chunk of a dataset into its slot. */
static void pack(eval_file *file, int set, const rows *r) {
    dataset d = set_of(file, set);
    size_t largest = chunk_bytes(file), row = (size_t)d.units * d.width, used = (size_t)r->n * row;
    char *raw = file->raw + 2 * (size_t)omp_get_thread_num() * largest;
    put_rows(file, set, r, raw);
    memset(raw + used, 0, (size_t)file->chunk * row - used);
    file->slot_bytes[set] =
        dcpg_h5_pack(raw, (size_t)file->chunk * (size_t)d.units, d.width, DEFLATE, raw + largest,
                     file->slot + (size_t)set * dcpg_h5_packed_bound(largest));
}

/* What precedes a packed chunk on its way to rank 0. */
typedef struct head {
    int64_t row, set, bytes;
} head;

/* Appends to a buffer. */
static dcpg_status append(eval_bytes *to, const void *data, size_t n, dcpg_err *err) {
    if (to->n + n > to->capacity) {
        size_t capacity = max_size(to->n + n, 2 * to->capacity);
        char *grown = dcpg_grow(to->v, capacity, 1);
        if (!grown) return no_memory(err, capacity);
        to->v = grown;
        to->capacity = capacity;
    }
    memcpy(to->v + to->n, data, n);
    to->n += n;
    return DCPG_OK;
}

/* Packs the chunks of the rows of one chunk, and queues them for rank 0. */
static dcpg_status pack_rows(eval_file *file, const rows *r, dcpg_err *err) {
    int sets = nb_set(file->outputs);
    size_t slot = dcpg_h5_packed_bound(chunk_bytes(file));
#pragma omp parallel for schedule(dynamic)
    for (int set = 0; set < sets; set++) pack(file, set, r);
    for (int set = 0; set < sets; set++) {
        const head h = {r->block->first + r->from, set, (int64_t)file->slot_bytes[set]};
        if (h.bytes == 0) return no_memory(err, slot);
        DCPG_TRY(append(&file->out, &h, sizeof h, err));
        DCPG_TRY(append(&file->out, file->slot + (size_t)set * slot, file->slot_bytes[set], err));
    }
    return DCPG_OK;
}

static dcpg_status pack_block(eval_file *file, const eval_block *block, dcpg_err *err) {
    assert(block->n == 0 || block->first % file->chunk == 0);
    file->out.n = 0;
    for (int64_t from = 0; from < block->n; from += file->chunk) {
        const rows r = {block, from, min_i64(file->chunk, block->n - from)};
        DCPG_TRY(pack_rows(file, &r, err));
    }
    return DCPG_OK;
}

/* ---- writing, on rank 0 ---- */

static dcpg_status write_chunk(eval_file *file, const head *h, const char *data, dcpg_err *err) {
    dataset d = set_of(file, (int)h->set);
    const dcpg_h5_packed chunk = {.row = h->row, .data = data, .bytes = (size_t)h->bytes};
    char *path = dcpg_format("%s%s", d.group, d.name);
    dcpg_status status =
        path ? dcpg_h5_write_packed(file->h5, path, &chunk, err) : no_memory(err, strlen(d.name));
    dcpg_free(path);
    return status;
}

/* Takes the next bytes of the ranks' queues, and writes the chunks that are complete. */
static dcpg_status take(void *context, int64_t first, int64_t nb, void *piece, dcpg_err *err) {
    eval_file *file = context;
    eval_bytes *in = &file->in;
    size_t at = 0;
    head h;
    (void)first;
    DCPG_TRY(append(in, piece, (size_t)nb, err));
    while (in->n - at >= sizeof h) {
        memcpy(&h, in->v + at, sizeof h);
        if (in->n - at - sizeof h < (size_t)h.bytes) break;
        DCPG_TRY(write_chunk(file, &h, in->v + at + sizeof h, err));
        at += sizeof h + (size_t)h.bytes;
    }
    in->n -= at;
    memmove(in->v, in->v + at, in->n);
    return DCPG_OK;
}

dcpg_status dcpg_eval_file_write_all(eval_file *file, const eval_block *block, dcpg_err *err) {
    DCPG_TRY(dcpg_agree_all(file->par, pack_block(file, block, err), err));
    const dcpg_par_rows queue = {
        .mine = file->out.v, .nb = (int64_t)file->out.n, .bytes = 1, .move = take, .context = file};
    return dcpg_collect_rows_all(file->par, &queue, err);
}

dcpg_status dcpg_eval_file_close_all(eval_file *file, dcpg_status status, dcpg_err *err) {
    if (!file->par) return status;
    if (file->h5 && status == DCPG_OK)
        status = dcpg_h5_commit(file->h5, err);
    else
        dcpg_h5_close(file->h5);
    dcpg_free(file->raw);
    dcpg_free(file->slot);
    dcpg_free(file->slot_bytes);
    dcpg_free(file->out.v);
    dcpg_free(file->in.v);
    status = dcpg_agree_all(file->par, status, err);
    *file = (eval_file){0};
    return status;
}
