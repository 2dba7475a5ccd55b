/* SPDX-License-Identifier: MIT */
/* Describes a set of DeepCpG data files, after checking that each is sound and that they belong together. */
#include "base/number.h"

#include <dcpg/chromo.h>
#include <dcpg/deepcpg.h>
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* Bytes that a source may always hold on a rank, however little memory the host has. */
static const int64_t MIN_BYTES = INT64_C(2) << 30;

/* A rank's findings in the files that it checks. */
typedef struct part {
    dcpg_deepcpg *set;
    dcpg_h5 *file;
    int64_t index, n;    /* number and rows of the file being checked */
    dcpg_strings chromo; /* of this rank's files; `chromo` of its runs is an index into this list */
    dcpg_map number;     /* index of each name in `chromo` */
    int64_t *place;      /* [chromo.n] index of each name in the set's list */
    dcpg_deepcpg_run *run;
    int64_t nb_run, capacity;
    uint64_t claimed; /* bytes of the arrays of the file being checked, according to their shapes */
    int64_t *hash;    /* [files] 0 for the files of other ranks */
    int64_t *real;    /* [cells] 1: floats */
} part;

/* ---- one dataset ---- */

enum kind { WHOLE, NUMBER, TEXT };

static bool is_kind(enum kind kind, dcpg_h5_type type) {
    bool real = type == DCPG_H5_F32 || type == DCPG_H5_F64;
    if (kind == TEXT || type == DCPG_H5_TEXT) return kind == TEXT && type == DCPG_H5_TEXT;
    return kind == NUMBER || !real;
}

static const char *type_name(dcpg_h5_type type) {
    if (type == DCPG_H5_TEXT) return "text";
    return is_kind(WHOLE, type) ? "whole numbers" : "floats";
}

/* Checks that the dataset exists, is of this kind and has `ndim` dimensions. */
static dcpg_status shape_of(dcpg_h5 *file, const char *path, enum kind kind, int ndim, dcpg_h5_shape *shape,
                            dcpg_err *err) {
    static const char *const wanted[] = {"whole numbers (any width, or bool)", "numbers", "text"};
    const char *name = dcpg_h5_path(file);
    if (!dcpg_h5_exists(file, path))
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: no DeepCpG data file: it holds no %s (and a store, made by dcpg data, is given alone)", name,
            path);
    DCPG_TRY(dcpg_h5_shape_of(file, path, shape, err));
    if (!is_kind(kind, shape->type))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: dataset %s holds %s, wanted are %s, as in DeepCpG data files", name, path,
                         type_name(shape->type), wanted[kind]);
    if (shape->ndim != ndim)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s has %d dimensions, not %d", name, path,
                         shape->ndim, ndim);
    return DCPG_OK;
}

/* Guards against a file that holds one array under thousands of names and would have it read that often. */
static dcpg_status claim_bytes(part *p, const char *path, const dcpg_h5_shape *shape, dcpg_err *err) {
    uint64_t bytes = shape->type == DCPG_H5_TEXT ? 16 : shape->type <= DCPG_H5_U8 ? 1 : 4;
    for (int i = 0; i < shape->ndim; i++)
        bytes *= (uint64_t)shape->dim[i]; /* no overflow: shape_of has checked it */
    p->claimed += bytes;
    if (p->claimed <= dcpg_h5_capacity(p->file)) return DCPG_OK;
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: its arrays up to %s claim more than a file of this size can hold: it is damaged, or "
        "one array has many names",
        dcpg_h5_path(p->file), path);
}

/* Checks a dataset with one row per site and `width` numbers in each (0: one-dimensional). */
static dcpg_status check_rows(part *p, const char *path, enum kind kind, int64_t width, dcpg_h5_shape *shape,
                              dcpg_err *err) {
    DCPG_TRY(shape_of(p->file, path, kind, width > 0 ? 2 : 1, shape, err));
    if (shape->dim[0] != p->n)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: dataset %s has %" PRId64 " rows, but pos has %" PRId64,
                         dcpg_h5_path(p->file), path, shape->dim[0], p->n);
    if (width > 0 && shape->dim[1] != width)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: dataset %s is %" PRId64 " wide, not %" PRId64
                         ": all files of a data set have the same windows",
                         dcpg_h5_path(p->file), path, shape->dim[1], width);
    return claim_bytes(p, path, shape, err);
}

/* check_rows for a path (NULL: there is no memory for it), which is freed. */
static dcpg_status check_part(part *p, char *path, enum kind kind, int64_t width, dcpg_h5_shape *shape,
                              dcpg_err *err) {
    dcpg_status status =
        path ? check_rows(p, path, kind, width, shape, err) : dcpg_fail_nomem(err, "a name", 256);
    dcpg_free(path);
    return status;
}

/* ---- names ---- */

static dcpg_status list_names(dcpg_h5 *file, dcpg_strings *cells, dcpg_strings *outputs, dcpg_strings *annos,
                              dcpg_err *err) {
    if (dcpg_h5_exists(file, "inputs/cpg")) DCPG_TRY(dcpg_h5_list(file, "inputs/cpg", cells, err));
    if (dcpg_h5_exists(file, "inputs/annos")) DCPG_TRY(dcpg_h5_list(file, "inputs/annos", annos, err));
    if (dcpg_h5_exists(file, "outputs")) DCPG_TRY(dcpg_h5_list_datasets(file, "outputs", outputs, err));
    return DCPG_OK;
}

static dcpg_status same_names(const part *p, const dcpg_strings *found, const dcpg_strings *wanted,
                              const char *what, dcpg_err *err) {
    const char *name = dcpg_h5_path(p->file), *first = p->set->files.v[0];
    for (size_t i = 0; i < found->n && i < wanted->n; i++)
        if (strcmp(found->v[i], wanted->v[i]) != 0)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: has %s %s where %s has %s: the files are of different data sets", name,
                             what, found->v[i], first, wanted->v[i]);
    if (found->n == wanted->n) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: has %zu %ss, but %s has %zu: the files are of different data sets", name, found->n,
                     what, first, wanted->n);
}

/* ---- one file ---- */

static void note_chunk(dcpg_deepcpg *set, const dcpg_h5_shape *shape) {
    if (shape->chunk[0] > set->chunk_rows) set->chunk_rows = shape->chunk[0];
}

static dcpg_status learn_windows(dcpg_deepcpg *set, dcpg_h5 *file, dcpg_err *err) {
    dcpg_h5_shape shape;
    if (dcpg_h5_exists(file, "inputs/dna")) {
        DCPG_TRY(shape_of(file, "inputs/dna", WHOLE, 2, &shape, err));
        set->dna_wlen = shape.dim[1];
        note_chunk(set, &shape);
        if (set->dna_wlen % 2 == 0)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: windows of %" PRId64 " bp have no middle: their length must be odd",
                             dcpg_h5_path(file), set->dna_wlen);
    }
    if (set->cells.n == 0) return DCPG_OK;
    char *path = dcpg_format("inputs/cpg/%s/state", set->cells.v[0]);
    if (!path) return dcpg_fail_nomem(err, "a name", strlen(set->cells.v[0]));
    dcpg_status status = shape_of(file, path, NUMBER, 2, &shape, err);
    dcpg_free(path);
    DCPG_TRY(status);
    set->cpg_wlen = shape.dim[1];
    note_chunk(set, &shape);
    if (set->cpg_wlen > 0 && set->cpg_wlen % 2 == 0) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT, "%s: %" PRId64 " neighbours per site are not half on each side",
                     dcpg_h5_path(file), set->cpg_wlen);
}

/* Takes cells, outputs and windows from the first file. */
static dcpg_status learn(dcpg_deepcpg *set, dcpg_err *err) {
    dcpg_h5 *file = NULL;
    dcpg_h5_shape shape;
    DCPG_TRY(dcpg_h5_open(set->files.v[0], NULL, &file, err));
    dcpg_status status = shape_of(file, "pos", WHOLE, 1, &shape, err);
    if (status == DCPG_OK) status = list_names(file, &set->cells, &set->outputs, &set->annos, err);
    if (status == DCPG_OK) status = learn_windows(set, file, err);
    dcpg_h5_close(file);
    if (status != DCPG_OK) return status;
    set->real = dcpg_alloc(set->cells.n, sizeof *set->real);
    return set->real ? DCPG_OK : dcpg_fail_nomem(err, "cells", set->cells.n);
}

static dcpg_status check_names(const part *p, dcpg_err *err) {
    dcpg_strings cells = {0}, outputs = {0}, annos = {0};
    dcpg_status status = list_names(p->file, &cells, &outputs, &annos, err);
    if (status == DCPG_OK) status = same_names(p, &cells, &p->set->cells, "cell", err);
    if (status == DCPG_OK) status = same_names(p, &outputs, &p->set->outputs, "output", err);
    if (status == DCPG_OK) status = same_names(p, &annos, &p->set->annos, "annotation", err);
    dcpg_strings_free(&cells);
    dcpg_strings_free(&outputs);
    dcpg_strings_free(&annos);
    return status;
}

static dcpg_status check_shapes(part *p, dcpg_err *err) {
    const dcpg_deepcpg *set = p->set;
    int64_t wlen = set->cpg_wlen;
    dcpg_h5_shape shape;
    if (set->dna_wlen > 0) DCPG_TRY(check_rows(p, "inputs/dna", WHOLE, set->dna_wlen, &shape, err));
    for (size_t i = 0; i < set->cells.n; i++) {
        char *dist = dcpg_format("inputs/cpg/%s/dist", set->cells.v[i]);
        DCPG_TRY(check_part(p, dist, NUMBER, wlen, &shape, err));
        char *state = dcpg_format("inputs/cpg/%s/state", set->cells.v[i]);
        DCPG_TRY(check_part(p, state, NUMBER, wlen, &shape, err));
        if (!is_kind(WHOLE, shape.type)) p->real[i] = 1;
    }
    for (size_t i = 0; i < set->annos.n; i++)
        DCPG_TRY(check_part(p, dcpg_format("inputs/annos/%s", set->annos.v[i]), WHOLE, 0, &shape, err));
    for (size_t i = 0; i < set->outputs.n; i++)
        DCPG_TRY(check_part(p, dcpg_format("outputs/%s", set->outputs.v[i]), NUMBER, 0, &shape, err));
    return DCPG_OK;
}

/* Adds rows [row, row + n), which are on `chromo`. */
static dcpg_status add_run(part *p, const char *chromo, int64_t row, int64_t n, dcpg_err *err) {
    if (!*chromo)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: row %" PRId64 " has no chromosome", dcpg_h5_path(p->file),
                         row);
    if (!dcpg_chromo_fits(chromo, strlen(chromo)))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: row %" PRId64 " of chromo: " DCPG_CHROMO_RULE,
                         dcpg_h5_path(p->file), row);
    if (dcpg_map_get(&p->number, chromo, -1) < 0) {
        DCPG_TRY(dcpg_map_set(&p->number, chromo, (int64_t)p->chromo.n, err));
        DCPG_TRY(dcpg_strings_add(&p->chromo, chromo, err));
    }
    if (p->nb_run == p->capacity) {
        int64_t capacity = p->capacity ? 2 * p->capacity : 16;
        dcpg_deepcpg_run *grown = dcpg_realloc(p->run, (size_t)p->capacity, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "chromosomes", (unsigned long long)capacity * sizeof *grown);
        p->run = grown;
        p->capacity = capacity;
    }
    p->run[p->nb_run++] = (dcpg_deepcpg_run){p->index, row, n, dcpg_map_get(&p->number, chromo, -1)};
    p->hash[p->index] =
        (int64_t)dcpg_mix(dcpg_mix((uint64_t)p->hash[p->index], dcpg_hash(chromo)), (uint64_t)n);
    return DCPG_OK;
}

static dcpg_status find_runs(part *p, const char *names, size_t width, dcpg_err *err) {
    for (int64_t row = 0, end; row < p->n; row = end) {
        const char *name = names + (size_t)row * width;
        for (end = row + 1; end < p->n && memcmp(name, names + (size_t)end * width, width) == 0;) end++;
        char *chromo = dcpg_strndup(name, width);
        dcpg_status status =
            chromo ? add_run(p, chromo, row, end - row, err) : dcpg_fail_nomem(err, "a name", width);
        dcpg_free(chromo);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

/* For chromosomes stored as strings of variable length, h5py's default. */
static dcpg_status find_variable_runs(part *p, dcpg_err *err) {
    dcpg_strings names = {0};
    DCPG_TRY(dcpg_h5_read_strings(p->file, "chromo", &names, err));
    dcpg_status status = DCPG_OK;
    for (size_t row = 0, end; row < names.n && status == DCPG_OK; row = end) {
        for (end = row + 1; end < names.n && strcmp(names.v[row], names.v[end]) == 0;) end++;
        status = add_run(p, names.v[row], (int64_t)row, (int64_t)(end - row), err);
    }
    dcpg_strings_free(&names);
    return status;
}

static dcpg_status check_chromos(part *p, dcpg_err *err) {
    dcpg_h5_shape shape;
    DCPG_TRY(check_rows(p, "chromo", TEXT, 0, &shape, err));
    if (shape.width == 0) return find_variable_runs(p, err);
    char *names = dcpg_alloc((size_t)p->n, shape.width);
    if (!names) return dcpg_fail_nomem(err, "chromosomes", (unsigned long long)p->n * shape.width);
    dcpg_status status = dcpg_h5_read(p->file, "chromo", DCPG_H5_TEXT, NULL, names, err);
    if (status == DCPG_OK) status = find_runs(p, names, shape.width, err);
    dcpg_free(names);
    return status;
}

static dcpg_status check_positions(part *p, dcpg_err *err) {
    int32_t *pos = dcpg_alloc((size_t)p->n, sizeof *pos);
    if (!pos) return dcpg_fail_nomem(err, "positions", (unsigned long long)p->n * sizeof *pos);
    dcpg_status status = dcpg_h5_read(p->file, "pos", DCPG_H5_I32, NULL, pos, err);
    uint64_t hash = (uint64_t)p->hash[p->index];
    for (int64_t i = 0; i < p->n && status == DCPG_OK; i++) {
        hash = dcpg_mix(hash, (uint64_t)pos[i]);
        if (pos[i] < 1)
            status = dcpg_fail(err, DCPG_E_INPUT,
                               "%s: row %" PRId64 ": %" PRId32 " is no position: the first is 1",
                               dcpg_h5_path(p->file), i, pos[i]);
    }
    p->hash[p->index] = (int64_t)hash;
    dcpg_free(pos);
    return status;
}

static dcpg_status check_opened(part *p, dcpg_err *err) {
    dcpg_h5_shape shape;
    DCPG_TRY(shape_of(p->file, "pos", WHOLE, 1, &shape, err));
    p->n = shape.dim[0];
    p->claimed = 0;
    DCPG_TRY(check_names(p, err));
    DCPG_TRY(check_shapes(p, err));
    DCPG_TRY(check_chromos(p, err));
    return check_positions(p, err);
}

/* Checks this rank's part of the files. */
static dcpg_status check_files(part *p, dcpg_err *err) {
    const dcpg_par *par = p->set->par;
    int64_t nb = (int64_t)p->set->files.n, end = dcpg_part(nb, par->rank + 1, par->size);
    p->hash = dcpg_alloc((size_t)nb, sizeof *p->hash);
    p->real = dcpg_alloc(p->set->cells.n, sizeof *p->real);
    if (!p->hash || !p->real)
        return dcpg_fail_nomem(err, "data files", (unsigned long long)nb * sizeof *p->hash);
    for (p->index = dcpg_part(nb, par->rank, par->size); p->index < end; p->index++) {
        DCPG_TRY(dcpg_h5_open(p->set->files.v[p->index], NULL, &p->file, err));
        dcpg_status status = check_opened(p, err);
        dcpg_h5_close(p->file);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

/* ---- from the findings of each rank to the whole set ---- */

/* Joins the chromosomes of all ranks, in order of first appearance. Collective. */
static dcpg_status join_chromos_all(part *p, dcpg_err *err) {
    const dcpg_par *par = p->set->par;
    size_t bytes = 0, at = 0, *bytes_of = dcpg_alloc((size_t)par->size, sizeof *bytes_of);
    for (size_t i = 0; i < p->chromo.n; i++) bytes += strlen(p->chromo.v[i]) + 1;
    char *mine = dcpg_alloc(bytes, 1);
    p->place = dcpg_alloc(p->chromo.n, sizeof *p->place);
    void *all = NULL;
    dcpg_map seen = {0};
    dcpg_status status = mine && bytes_of && p->place ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", bytes);
    for (size_t i = 0; i < p->chromo.n && mine; i++) {
        strcpy(mine + at, p->chromo.v[i]);
        at += strlen(p->chromo.v[i]) + 1;
    }
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = dcpg_allgatherv_all(par, mine, bytes, &all, bytes_of, err);
    size_t total = 0;
    for (int r = 0; r < par->size && status == DCPG_OK; r++) total += bytes_of[r];
    for (const char *name = all; status == DCPG_OK && name < (const char *)all + total;
         name += strlen(name) + 1) {
        if (dcpg_map_get(&seen, name, -1) >= 0) continue;
        status = dcpg_map_set(&seen, name, (int64_t)p->set->chromo.n, err);
        if (status == DCPG_OK) status = dcpg_strings_add(&p->set->chromo, name, err);
    }
    for (size_t i = 0; i < p->chromo.n && status == DCPG_OK; i++)
        p->place[i] = dcpg_map_get(&seen, p->chromo.v[i], -1);
    dcpg_map_free(&seen);
    dcpg_free(all);
    dcpg_free(mine);
    dcpg_free(bytes_of);
    return dcpg_agree_all(par, status, err);
}

/* Joins the runs of all ranks, in the order of the files. Collective. */
static dcpg_status join_runs_all(part *p, dcpg_err *err) {
    dcpg_deepcpg *set = p->set;
    size_t *bytes_of = dcpg_alloc((size_t)set->par->size, sizeof *bytes_of);
    void *all = NULL;
    for (int64_t i = 0; i < p->nb_run; i++) p->run[i].chromo = p->place[p->run[i].chromo];
    dcpg_status status = bytes_of ? DCPG_OK : dcpg_fail_nomem(err, "chromosomes", sizeof *bytes_of);
    status = dcpg_agree_all(set->par, status, err);
    if (status == DCPG_OK)
        status =
            dcpg_allgatherv_all(set->par, p->run, (size_t)p->nb_run * sizeof *p->run, &all, bytes_of, err);
    size_t total = 0;
    for (int r = 0; r < set->par->size && status == DCPG_OK; r++) total += bytes_of[r];
    set->run = all;
    set->nb_run = (int64_t)(total / sizeof *set->run);
    for (int64_t i = 0; i < set->nb_run; i++) set->nb_site += set->run[i].n;
    dcpg_free(bytes_of);
    return status;
}

static dcpg_status join_all(part *p, dcpg_err *err) {
    dcpg_deepcpg *set = p->set;
    DCPG_TRY(join_chromos_all(p, err));
    DCPG_TRY(join_runs_all(p, err));
    dcpg_max_i64s_all(set->par, p->real, set->cells.n);
    for (size_t i = 0; i < set->cells.n; i++) set->real[i] = p->real[i] != 0;
    dcpg_sum_i64s_all(set->par, p->hash, set->files.n);
    uint64_t sum = dcpg_mix((uint64_t)set->dna_wlen, (uint64_t)set->cpg_wlen);
    for (size_t i = 0; i < set->files.n; i++) sum = dcpg_mix(sum, (uint64_t)p->hash[i]);
    for (size_t i = 0; i < set->cells.n; i++) sum = dcpg_mix(sum, dcpg_hash(set->cells.v[i]));
    for (size_t i = 0; i < set->outputs.n; i++) sum = dcpg_mix(sum, dcpg_hash(set->outputs.v[i]));
    set->checksum = dcpg_format("%016" PRIx64, sum);
    return dcpg_agree_all(set->par, set->checksum ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", 17), err);
}

void dcpg_deepcpg_free(dcpg_deepcpg *set) {
    if (!set) return;
    dcpg_strings_free(&set->files);
    dcpg_strings_free(&set->chromo);
    dcpg_strings_free(&set->cells);
    dcpg_strings_free(&set->outputs);
    dcpg_strings_free(&set->annos);
    dcpg_free(set->real);
    dcpg_free(set->run);
    dcpg_free(set->checksum);
    dcpg_free(set);
}

/* Half of the host's memory divided by its number of ranks, but at least MIN_BYTES. */
static int64_t choose_max_bytes(const dcpg_par *par) {
    int64_t bytes = (int64_t)sysconf(_SC_PHYS_PAGES) * (int64_t)sysconf(_SC_PAGESIZE) / 2 / par->host_size;
    return max_i64(bytes, MIN_BYTES);
}

static dcpg_status start(const dcpg_strings *files, dcpg_deepcpg *set, dcpg_err *err) {
    if (files->n == 0) return dcpg_fail(err, DCPG_E_USAGE, "no data files are given");
    for (size_t i = 0; i < files->n; i++) DCPG_TRY(dcpg_strings_add(&set->files, files->v[i], err));
    return learn(set, err);
}

dcpg_status dcpg_deepcpg_describe_all(const dcpg_strings *files, const dcpg_par *par, dcpg_deepcpg **set,
                                      dcpg_err *err) {
    *set = NULL;
    part p = {.set = dcpg_alloc(1, sizeof *p.set)};
    dcpg_status status = p.set ? DCPG_OK : dcpg_fail_nomem(err, "data files", sizeof *p.set);
    if (p.set) {
        *p.set = (dcpg_deepcpg){.par = par, .max_bytes = choose_max_bytes(par)};
        status = start(files, p.set, err);
    }
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = dcpg_agree_all(par, check_files(&p, err), err);
    if (status == DCPG_OK) status = join_all(&p, err);
    dcpg_strings_free(&p.chromo);
    dcpg_map_free(&p.number);
    dcpg_free(p.place);
    dcpg_free(p.run);
    dcpg_free(p.hash);
    dcpg_free(p.real);
    if (status == DCPG_OK)
        *set = p.set;
    else
        dcpg_deepcpg_free(p.set);
    return status;
}
