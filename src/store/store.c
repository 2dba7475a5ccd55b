/* SPDX-License-Identifier: MIT */
/* Opens a store: reads its description once and checks everything in it. */
#include "store/store_layout.h"
#include <dcpg/chromo.h>
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <dcpg/stats.h>
#include <dcpg/store.h>
#include <dcpg/version.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A store being opened. */
typedef struct opening {
    const dcpg_par *par;
    dcpg_h5 *file;
    dcpg_store *store;
    dcpg_strings md5;
    int64_t nb_value_row;
} opening;

dcpg_status dcpg_store_fail_damaged(const dcpg_store *store, const char *dataset, const char *how,
                                    dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, "%s: damaged store: %s %s; make it again with dcpg data", store->path,
                     dataset, how);
}

static dcpg_status fail_damaged(const opening *o, const char *dataset, const char *how, dcpg_err *err) {
    return dcpg_store_fail_damaged(o->store, dataset, how, err);
}

void dcpg_store_free(dcpg_store *store) {
    if (!store) return;
    dcpg_free(store->path);
    dcpg_strings_free(&store->chromo);
    dcpg_strings_free(&store->fasta_name);
    dcpg_free(store->length);
    dcpg_free(store->base_offset);
    dcpg_free(store->run_offset);
    dcpg_free(store->pos_offset);
    dcpg_free(store->site_offset);
    dcpg_strings_free(&store->cells);
    dcpg_free(store->binary);
    dcpg_free(store->nb_call);
    dcpg_strings_free(&store->bulk);
    dcpg_strings_free(&store->annos);
    dcpg_strings_free(&store->cpg_stats);
    dcpg_strings_free(&store->win_stats);
    dcpg_free(store->win_wlen);
    dcpg_strings_free(&store->outputs);
    dcpg_free(store->checksum);
    dcpg_free(store->digest);
    dcpg_free(store);
}

/* `count` * `size` zeroed bytes; NULL on all ranks where one of them is out of memory. Collective. */
static void *alloc_all(const opening *o, int64_t count, size_t size, const char *what, dcpg_err *err) {
    void *memory = dcpg_alloc((size_t)count, size);
    dcpg_status status = memory ? DCPG_OK : dcpg_fail_nomem(err, what, (unsigned long long)count * size);
    if (dcpg_agree_all(o->par, status, err) == DCPG_OK) return memory;
    dcpg_free(memory);
    return NULL;
}

/* Checks that the dataset exists with this type and extents dim[ndim]; -1: any extent, which is written back.
 * Collective. */
static dcpg_status expect_all(const opening *o, const char *path, dcpg_h5_type type, int ndim, int64_t *dim,
                              dcpg_err *err) {
    dcpg_h5_shape shape;
    if (!dcpg_h5_exists(o->file, path)) return fail_damaged(o, path, "is missing", err);
    DCPG_TRY(dcpg_h5_shape_of(o->file, path, &shape, err));
    if (shape.type != type) return fail_damaged(o, path, "has a wrong type", err);
    if (shape.ndim != ndim) return fail_damaged(o, path, "has a wrong number of dimensions", err);
    for (int i = 0; i < ndim; i++) {
        if (dim[i] >= 0 && dim[i] != shape.dim[i]) return fail_damaged(o, path, "has a wrong extent", err);
        dim[i] = shape.dim[i];
    }
    return DCPG_OK;
}

/* Reads a whole i64 dataset of `n` numbers into a new array. Collective. */
static dcpg_status read_i64s_all(const opening *o, const char *path, int64_t n, int64_t **out,
                                 dcpg_err *err) {
    DCPG_TRY(expect_all(o, path, DCPG_H5_I64, 1, &n, err));
    *out = alloc_all(o, n, sizeof **out, path, err);
    if (!*out) return DCPG_E_NOMEM;
    return dcpg_h5_read(o->file, path, DCPG_H5_I64, NULL, *out, err);
}

/* Reads n + 1 offsets, which must start at 0 and grow by at least `step`. Collective. */
static dcpg_status read_offsets_all(const opening *o, const char *path, int64_t n, int64_t step,
                                    int64_t **out, dcpg_err *err) {
    DCPG_TRY(read_i64s_all(o, path, n + 1, out, err));
    if ((*out)[0] != 0) return fail_damaged(o, path, "does not start at 0", err);
    for (int64_t i = 0; i < n; i++) {
        if ((*out)[i + 1] < (*out)[i] || (*out)[i + 1] - (*out)[i] < step)
            return fail_damaged(o, path, "does not ascend", err);
    }
    return DCPG_OK;
}

/* Reads names, which must be in bytewise order, without duplicates or empty ones. Collective. */
static dcpg_status read_names_all(const opening *o, const char *path, dcpg_strings *names, dcpg_err *err) {
    if (!dcpg_h5_exists(o->file, path)) return fail_damaged(o, path, "is missing", err);
    DCPG_TRY(dcpg_h5_read_strings(o->file, path, names, err));
    if (names->n == 0) return fail_damaged(o, path, "is empty", err);
    if (names->n > INT32_MAX) return fail_damaged(o, path, "is too long", err);
    for (size_t i = 0; i < names->n; i++) {
        if (!*names->v[i]) return fail_damaged(o, path, "holds an empty name", err);
        if (i > 0 && strcmp(names->v[i - 1], names->v[i]) >= 0)
            return fail_damaged(o, path, "is not in order", err);
    }
    return DCPG_OK;
}

static dcpg_status read_kind_all(const opening *o, dcpg_err *err) {
    char *format = NULL;
    int64_t version = 0;
    const char *path = o->store->path;
    bool ours = dcpg_h5_has_attr(o->file, "/", "format") && dcpg_h5_has_attr(o->file, "/", "version");
    if (ours)
        ours = dcpg_h5_read_attr_string(o->file, "/", "format", &format, NULL) == DCPG_OK &&
               strcmp(format, STORE_FORMAT) == 0;
    dcpg_free(format);
    if (!ours) return dcpg_fail(err, DCPG_E_INPUT, "%s: not a store: make one with dcpg data", path);
    DCPG_TRY(dcpg_h5_read_attr_i64(o->file, "/", "version", &version, err));
    if (version >= STORE_OLDEST && version <= STORE_VERSION) {
        if (dcpg_h5_has_attr(o->file, "/", STORE_DIGEST))
            dcpg_h5_read_attr_string(o->file, "/", STORE_DIGEST, &o->store->digest, NULL);
        return DCPG_OK;
    }
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: a store of format version %" PRId64 ", this dcpg %s reads versions %d to %d: %s",
                     path, version, DCPG_VERSION, STORE_OLDEST, STORE_VERSION,
                     version > STORE_VERSION ? "use a newer dcpg" : "make the store again with dcpg data");
}

static dcpg_status check_lengths(const opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    s->has_dna = s->length[0] > 0;
    for (int c = 0; c < s->nb_chromo; c++) {
        if (s->length[c] < 0 || s->length[c] > INT32_MAX)
            return fail_damaged(o, STORE_LENGTH, "holds an impossible length", err);
        if ((s->length[c] > 0) != s->has_dna)
            return fail_damaged(o, STORE_LENGTH, "gives DNA to some chromosomes only", err);
        if (s->base_offset[c + 1] - s->base_offset[c] != store_base_bytes(s->length[c]))
            return fail_damaged(o, STORE_BASE_OFFSET, "does not fit the lengths", err);
    }
    return DCPG_OK;
}

/* Reads the names that the chromosomes have in the FASTA files, where they are known. Collective. */
static dcpg_status read_fasta_names_all(const opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    if (!dcpg_h5_exists(o->file, STORE_FASTA_NAME)) return DCPG_OK;
    DCPG_TRY(dcpg_h5_read_strings(o->file, STORE_FASTA_NAME, &s->fasta_name, err));
    if (s->fasta_name.n != s->chromo.n) return fail_damaged(o, STORE_FASTA_NAME, "has a wrong extent", err);
    for (size_t i = 0; i < s->fasta_name.n; i++) {
        if (!dcpg_chromo_fits(s->fasta_name.v[i], strlen(s->fasta_name.v[i]) + 1))
            return fail_damaged(o, STORE_FASTA_NAME, "holds no names of chromosomes", err);
    }
    return DCPG_OK;
}

static dcpg_status read_genome_all(opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    DCPG_TRY(read_names_all(o, STORE_CHROMO, &s->chromo, err));
    s->nb_chromo = (int)s->chromo.n;
    DCPG_TRY(read_fasta_names_all(o, err));
    DCPG_TRY(read_i64s_all(o, STORE_LENGTH, s->nb_chromo, &s->length, err));
    DCPG_TRY(read_offsets_all(o, STORE_BASE_OFFSET, s->nb_chromo, 0, &s->base_offset, err));
    DCPG_TRY(read_offsets_all(o, STORE_RUN_OFFSET, s->nb_chromo, 0, &s->run_offset, err));
    DCPG_TRY(check_lengths(o, err));
    if (!dcpg_h5_exists(o->file, STORE_MD5)) return fail_damaged(o, STORE_MD5, "is missing", err);
    DCPG_TRY(dcpg_h5_read_strings(o->file, STORE_MD5, &o->md5, err));
    if (o->md5.n != s->chromo.n) return fail_damaged(o, STORE_MD5, "has a wrong extent", err);
    int64_t runs[2] = {s->run_offset[s->nb_chromo], 2};
    DCPG_TRY(expect_all(o, STORE_RUNS, DCPG_H5_I64, 2, runs, err));
    if (!s->has_dna) return DCPG_OK;
    return expect_all(o, STORE_BASES, DCPG_H5_U8, 1, &(int64_t){s->base_offset[s->nb_chromo]}, err);
}

static dcpg_status read_cells_all(opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    DCPG_TRY(read_names_all(o, STORE_CELLS, &s->cells, err));
    int64_t n = (int64_t)s->cells.n;
    DCPG_TRY(read_i64s_all(o, STORE_NB_CALL, n, &s->nb_call, err));
    DCPG_TRY(expect_all(o, STORE_BINARY, DCPG_H5_U8, 1, &n, err));
    s->binary = alloc_all(o, n, sizeof *s->binary, "cells", err);
    uint8_t *binary = s->binary ? alloc_all(o, n, 1, "cells", err) : NULL;
    if (!binary) return DCPG_E_NOMEM;
    dcpg_status status = dcpg_h5_read(o->file, STORE_BINARY, DCPG_H5_U8, NULL, binary, err);
    for (int64_t i = 0; i < n && status == DCPG_OK; i++) {
        s->binary[i] = binary[i] == 1;
        o->nb_value_row += binary[i] != 1;
        if (binary[i] > 1) status = fail_damaged(o, STORE_BINARY, "holds a number above 1", err);
        if (s->nb_call[i] < 0 || s->nb_call[i] > s->nb_pos)
            status = fail_damaged(o, STORE_NB_CALL, "holds an impossible count", err);
    }
    dcpg_free(binary);
    return status;
}

static dcpg_status check_calls_all(const opening *o, dcpg_err *err) {
    const dcpg_store *s = o->store;
    int64_t n = (int64_t)s->cells.n, words = store_words(s->nb_pos), rows = o->nb_value_row;
    DCPG_TRY(expect_all(o, STORE_OBSERVED, DCPG_H5_U64, 2, (int64_t[]){n, words}, err));
    DCPG_TRY(expect_all(o, STORE_STATE, DCPG_H5_U64, 2, (int64_t[]){n, words}, err));
    o->store->has_count = dcpg_h5_exists(o->file, STORE_COUNT);
    if (s->has_count)
        DCPG_TRY(expect_all(o, STORE_COUNT, DCPG_H5_I32, 2, (int64_t[]){n, store_counts(s->nb_pos)}, err));
    if (rows == 0) return DCPG_OK;
    int64_t *cell = NULL;
    DCPG_TRY(expect_all(o, STORE_VALUE, DCPG_H5_F32, 2, (int64_t[]){rows, s->nb_pos}, err));
    dcpg_status status = read_i64s_all(o, STORE_VALUE_CELL, rows, &cell, err);
    for (int64_t i = 0, row = 0; i < n && status == DCPG_OK; i++) {
        if (!s->binary[i] && cell[row++] != i)
            status = fail_damaged(o, STORE_VALUE_CELL, "does not list the cells that are not binary", err);
    }
    dcpg_free(cell);
    return status;
}

/* Counts the sites of each chromosome into site_offset[c + 1], for this rank's slice [first, end) of the list
 * of sites; index[] starts one element earlier where there is one. */
static dcpg_status count_sites(const opening *o, const int64_t *index, int64_t first, int64_t end,
                               dcpg_err *err) {
    dcpg_store *s = o->store;
    int c = 0;
    int64_t before = first > 0 ? *index++ : -1;
    for (int64_t i = first; i < end; i++, index++) {
        if (*index <= before || *index >= s->nb_pos)
            return fail_damaged(o, STORE_SITES, "does not ascend within the positions", err);
        while (*index >= s->pos_offset[c + 1]) c++;
        s->site_offset[c + 1]++;
        before = *index;
    }
    return DCPG_OK;
}

static dcpg_status read_site_offsets_all(const opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    int64_t first = dcpg_part(s->nb_site, o->par->rank, o->par->size),
            end = dcpg_part(s->nb_site, o->par->rank + 1, o->par->size);
    int64_t from = first > 0 ? first - 1 : 0;
    int64_t *index = alloc_all(o, end - from, sizeof *index, "sites", err);
    if (!index) return DCPG_E_NOMEM;
    dcpg_status status =
        dcpg_h5_read(o->file, STORE_SITES, DCPG_H5_I64, &(dcpg_h5_block){{from}, {end - from}}, index, err);
    if (status == DCPG_OK) status = dcpg_agree_all(o->par, count_sites(o, index, first, end, err), err);
    if (status == DCPG_OK) dcpg_sum_i64s_all(o->par, s->site_offset, (size_t)s->nb_chromo + 1);
    for (int c = 0; c < s->nb_chromo; c++) s->site_offset[c + 1] += s->site_offset[c];
    dcpg_free(index);
    return status;
}

static dcpg_status read_positions_all(const opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    DCPG_TRY(read_offsets_all(o, STORE_POS_OFFSET, s->nb_chromo, 1, &s->pos_offset, err));
    s->nb_pos = s->pos_offset[s->nb_chromo];
    DCPG_TRY(expect_all(o, STORE_POS, DCPG_H5_I32, 1, &s->nb_pos, err));
    s->site_offset = alloc_all(o, s->nb_chromo + 1, sizeof *s->site_offset, "chromosomes", err);
    if (!s->site_offset) return DCPG_E_NOMEM;
    s->nb_site = s->nb_pos;
    s->all_sites = !dcpg_h5_exists(o->file, STORE_SITES);
    if (s->all_sites) {
        memcpy(s->site_offset, s->pos_offset, (size_t)(s->nb_chromo + 1) * sizeof *s->site_offset);
        return DCPG_OK;
    }
    s->nb_site = -1;
    DCPG_TRY(expect_all(o, STORE_SITES, DCPG_H5_I64, 1, &s->nb_site, err));
    return read_site_offsets_all(o, err);
}

/* ---- bulk profiles, annotations, statistics, and the outputs that they make ---- */

/* A table with a row of `extent` numbers for each name in the dataset `names`. */
typedef struct named_rows {
    const char *names, *path;
    dcpg_h5_type type;
    int64_t extent;
} named_rows;

/* Reads the names and checks the table; both datasets may be absent. Collective. */
static dcpg_status read_rows_all(const opening *o, const named_rows *rows, dcpg_strings *names,
                                 dcpg_err *err) {
    if (!dcpg_h5_exists(o->file, rows->names)) return DCPG_OK;
    DCPG_TRY(read_names_all(o, rows->names, names, err));
    return expect_all(o, rows->path, rows->type, 2, (int64_t[]){(int64_t)names->n, rows->extent}, err);
}

static dcpg_status read_stat_names_all(const opening *o, const char *path, dcpg_strings *names,
                                       dcpg_err *err) {
    dcpg_stat stat;
    if (!dcpg_h5_exists(o->file, path)) return DCPG_OK;
    DCPG_TRY(read_names_all(o, path, names, err));
    for (size_t i = 0; i < names->n; i++) {
        if (!dcpg_stat_find(names->v[i], &stat))
            return fail_damaged(o, path, "names an unknown statistic", err);
    }
    return DCPG_OK;
}

static dcpg_status read_stats_all(const opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    if (!dcpg_h5_exists(o->file, STORE_STATS)) return DCPG_OK;
    DCPG_TRY(dcpg_h5_read_attr_i64(o->file, STORE_STATS, STORE_STATS_COV, &s->stats_cov, err));
    DCPG_TRY(dcpg_h5_read_attr_i64(o->file, STORE_STATS, STORE_STATS_WLEN, &s->stats_cpg_wlen, err));
    if (s->stats_cov < 0 || s->stats_cpg_wlen < 0 || s->stats_cpg_wlen % 2 ||
        s->stats_cpg_wlen > STORE_MAX_STATS_WLEN)
        return fail_damaged(o, STORE_STATS, "has impossible attributes", err);
    DCPG_TRY(read_stat_names_all(o, STORE_CPG_STATS, &s->cpg_stats, err));
    DCPG_TRY(read_stat_names_all(o, STORE_WIN_STATS, &s->win_stats, err));
    if (s->win_stats.n == 0) return DCPG_OK;
    s->nb_win_wlen = -1;
    DCPG_TRY(expect_all(o, STORE_WIN_WLEN, DCPG_H5_I64, 1, &s->nb_win_wlen, err));
    DCPG_TRY(read_i64s_all(o, STORE_WIN_WLEN, s->nb_win_wlen, &s->win_wlen, err));
    for (int64_t i = 0; i < s->nb_win_wlen; i++) {
        if (s->win_wlen[i] < 1 || (i > 0 && s->win_wlen[i] <= s->win_wlen[i - 1]))
            return fail_damaged(o, STORE_WIN_WLEN, "does not ascend", err);
    }
    return DCPG_OK;
}

static dcpg_status read_extras_all(const opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    const named_rows bulk = {STORE_BULK, STORE_BULK_VALUE, DCPG_H5_F32, s->nb_pos},
                     annos = {STORE_ANNOS, STORE_ANNO_INSIDE, DCPG_H5_U64, store_words(s->nb_pos)};
    DCPG_TRY(read_rows_all(o, &bulk, &s->bulk, err));
    DCPG_TRY(read_rows_all(o, &annos, &s->annos, err));
    return read_stats_all(o, err);
}

/* Adds "<prefix><name>" for each name. */
static dcpg_status add_outputs(dcpg_store *s, const char *prefix, const dcpg_strings *names, dcpg_err *err) {
    for (size_t i = 0; i < names->n; i++) {
        char *name = dcpg_format("%s%s", prefix, names->v[i]);
        dcpg_status status = name ? dcpg_strings_add(&s->outputs, name, err)
                                  : dcpg_fail_nomem(err, "names of outputs", strlen(names->v[i]) + 5);
        dcpg_free(name);
        if (status != DCPG_OK) return status;
    }
    return DCPG_OK;
}

static dcpg_status name_outputs(dcpg_store *s, dcpg_err *err) {
    DCPG_TRY(add_outputs(s, "bulk/", &s->bulk, err));
    DCPG_TRY(add_outputs(s, "cpg/", &s->cells, err));
    DCPG_TRY(add_outputs(s, "cpg_stats/", &s->cpg_stats, err));
    for (int64_t i = 0; i < s->nb_win_wlen; i++) {
        char prefix[48];
        snprintf(prefix, sizeof prefix, "win_stats/%" PRId64 "/", s->win_wlen[i]);
        DCPG_TRY(add_outputs(s, prefix, &s->win_stats, err));
    }
    dcpg_strings_sort(&s->outputs);
    return DCPG_OK;
}

static dcpg_status make_checksum(const opening *o, dcpg_err *err) {
    dcpg_store *s = o->store;
    uint64_t sum = dcpg_mix((uint64_t)s->nb_pos, (uint64_t)s->nb_site);
    for (int c = 0; c < s->nb_chromo; c++) {
        sum = dcpg_mix(dcpg_mix(sum, dcpg_hash(s->chromo.v[c])), dcpg_hash(o->md5.v[c]));
        sum = dcpg_mix(dcpg_mix(sum, (uint64_t)s->pos_offset[c + 1]), (uint64_t)s->site_offset[c + 1]);
    }
    for (size_t i = 0; i < s->cells.n; i++)
        sum = dcpg_mix(dcpg_mix(sum, dcpg_hash(s->cells.v[i])), (uint64_t)s->nb_call[i]);
    s->checksum = dcpg_format("%016" PRIx64, sum);
    return s->checksum ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", 17);
}

static dcpg_status read_all(opening *o, dcpg_err *err) {
    DCPG_TRY(read_kind_all(o, err));
    DCPG_TRY(read_genome_all(o, err));
    DCPG_TRY(read_positions_all(o, err));
    DCPG_TRY(read_cells_all(o, err));
    DCPG_TRY(check_calls_all(o, err));
    DCPG_TRY(read_extras_all(o, err));
    DCPG_TRY(name_outputs(o->store, err));
    return make_checksum(o, err);
}

dcpg_status dcpg_store_open_all(const char *path, const dcpg_par *par, dcpg_store **store, dcpg_err *err) {
    *store = NULL;
    opening o = {.par = par, .store = dcpg_alloc(1, sizeof *o.store)};
    dcpg_status status = o.store && (o.store->path = dcpg_strdup(path))
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "a store", sizeof *o.store);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) status = dcpg_h5_open(path, par, &o.file, err);
    if (status == DCPG_OK) {
        o.store->par = par;
        status = dcpg_agree_all(par, read_all(&o, err), err);
    }
    dcpg_h5_close(o.file);
    dcpg_strings_free(&o.md5);
    if (status == DCPG_OK)
        *store = o.store;
    else
        dcpg_store_free(o.store);
    return status;
}
