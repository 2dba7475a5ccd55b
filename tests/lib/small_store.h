/* SPDX-License-Identifier: MIT */
/* Writes a store of a small data set by the description of the layout alone, intact or damaged. Include after
 * cmocka_all.h. */
#ifndef TESTS_DATA_SMALL_STORE_H
#define TESTS_DATA_SMALL_STORE_H

#include "small_source.h"
#include <dcpg/h5.h>

/* One fault of a store; SOUND writes an intact store. */
typedef enum small_fault {
    SOUND,
    /* noticed on opening */
    NO_FORMAT,
    OTHER_FORMAT,
    NEWER_VERSION,
    NO_POSITIONS,
    WRONG_TYPE,
    WRONG_RANK,
    CHROMO_ORDER,
    CHROMO_TWICE,
    NEGATIVE_LENGTH,
    HALF_A_GENOME,
    SHORT_LENGTHS,
    BASE_OFFSETS,
    SHORT_BASES,
    NO_BASES,
    RUN_OFFSETS,
    SHORT_RUNS,
    POS_OFFSETS,
    POS_OFFSETS_BEYOND,
    CELL_TWICE,
    BINARY_TWO,
    MANY_CALLS,
    SHORT_WORDS,
    FEW_CELLS,
    NO_STATE,
    VALUE_CELLS,
    SHORT_VALUES,
    NO_VALUES,
    SITE_BEYOND,
    SITE_NEGATIVE,
    SITE_TWICE,
    /* noticed on loading */
    POS_DESCENDS,
    POS_ZERO,
    POS_BEYOND_END,
    RUN_ORDER,
    RUN_BEYOND_END,
    STATE_UNOBSERVED,
    BIT_BEYOND,
    VALUE_UNOBSERVED,
    VALUE_MISSING,
    VALUE_TWO,
    VALUE_ROUNDED,
    NB_FAULT,
    FIRST_LOAD_FAULT = POS_DESCENDS
} small_fault;

typedef struct small_writer {
    dcpg_h5 *file;
    const small_data *data;
    small_fault fault;
    int64_t nb_pos, words;
    int64_t *pos_at; /* [nb_pos] element in the data set's arrays */
    int64_t pos_offset[SMALL_MAX_CHROMO + 1];
} small_writer;

static inline void small_put(small_writer *w, const char *path, dcpg_h5_type type, int ndim, int64_t rows,
                             int64_t columns, int64_t chunk, const void *data) {
    dcpg_err err = {0};
    dcpg_h5_shape shape = {.type = type, .ndim = ndim, .dim = {rows, columns}};
    if (chunk > 0) shape.deflate = 1;
    if (chunk > 0) shape.chunk[0] = ndim == 1 ? chunk : 2;
    if (chunk > 0 && ndim == 2) shape.chunk[1] = chunk;
    small_must(dcpg_h5_make(w->file, path, &shape, &err), &err);
    small_must(dcpg_h5_write(w->file, path, type, NULL, data, &err), &err);
}

static inline void small_put_names(small_writer *w, const char *path, int n, const char *const *name) {
    dcpg_err err = {0};
    dcpg_strings list = {0};
    for (int i = 0; i < n; i++) small_must(dcpg_strings_add(&list, name[i], &err), &err);
    small_must(dcpg_h5_write_strings(w->file, path, &list, &err), &err);
    dcpg_strings_free(&list);
}

static inline void small_put_bases(small_writer *w, const int64_t *offset) {
    const small_data *s = w->data;
    uint8_t *packed = dcpg_alloc((size_t)offset[s->nb_chromo] + 1, 1);
    int64_t *run = dcpg_alloc((size_t)small_total(s) + 1, 2 * sizeof *run),
            run_offset[SMALL_MAX_CHROMO + 1] = {0}, nb_run = 0;
    for (int c = 0; c < s->nb_chromo; c++) {
        for (int64_t i = 0; i < s->length[c]; i++) {
            uint8_t base = s->base[s->start[c] + i];
            if (base < 4) packed[offset[c] + i / 4] |= (uint8_t)(base << 2 * (i % 4));
            if (base < 4) continue;
            if (nb_run == run_offset[c] || run[2 * nb_run - 1] != i) run[2 * nb_run++] = i;
            run[2 * nb_run - 1] = i + 1;
        }
        run_offset[c + 1] = nb_run;
    }
    if (w->fault == RUN_ORDER) run[1] = run[0];
    if (w->fault == RUN_BEYOND_END) run[2 * nb_run - 1] = s->length[s->nb_chromo - 1] + 1;
    if (w->fault == RUN_OFFSETS) run_offset[1] = -1;
    small_put(w, "/genome/n_offset", DCPG_H5_I64, 1, s->nb_chromo + 1, 0, 0, run_offset);
    small_put(w, "/genome/n_runs", DCPG_H5_I64, 2, nb_run - (w->fault == SHORT_RUNS), 2, 0, run);
    if (w->fault != NO_BASES)
        small_put(w, "/genome/bases", DCPG_H5_U8, 1, offset[s->nb_chromo] - (w->fault == SHORT_BASES), 0, 0,
                  packed);
    dcpg_free(run);
    dcpg_free(packed);
}

static inline void small_put_genome(small_writer *w) {
    const small_data *s = w->data;
    const char *name[SMALL_MAX_CHROMO], *md5[SMALL_MAX_CHROMO];
    int64_t length[SMALL_MAX_CHROMO], offset[SMALL_MAX_CHROMO + 1] = {0};
    for (int c = 0; c < s->nb_chromo; c++) {
        name[c] = s->chromo[c];
        md5[c] = "0123456789abcdef0123456789abcdef";
        length[c] = s->length[c];
        offset[c + 1] = offset[c] + (length[c] + 3) / 4;
    }
    if (w->fault == CHROMO_ORDER) name[0] = "Z";
    if (w->fault == CHROMO_TWICE) name[1] = name[0];
    if (w->fault == NEGATIVE_LENGTH) length[1] = -length[1];
    if (w->fault == HALF_A_GENOME) length[1] = 0;
    small_put_names(w, "/genome/chromo", s->nb_chromo, name);
    small_put_names(w, "/genome/md5", s->nb_chromo, md5);
    small_put(w, "/genome/length", DCPG_H5_I64, 1, s->nb_chromo - (w->fault == SHORT_LENGTHS), 0, 0, length);
    if (w->fault == BASE_OFFSETS) offset[1]++;
    small_put(w, "/genome/offset", DCPG_H5_I64, 1, s->nb_chromo + 1, 0, 0, offset);
    if (w->fault == BASE_OFFSETS) offset[1]--;
    small_put_bases(w, offset);
}

static inline void small_find_positions(small_writer *w) {
    const small_data *s = w->data;
    w->pos_at = dcpg_alloc((size_t)small_total(s), sizeof *w->pos_at);
    for (int c = 0; c < s->nb_chromo; c++) {
        for (int64_t at = s->start[c]; at < s->start[c + 1]; at++) {
            if (small_is_position(s, at)) w->pos_at[w->nb_pos++] = at;
        }
        w->pos_offset[c + 1] = w->nb_pos;
    }
    w->words = (w->nb_pos + 63) / 64;
}

static inline void small_put_positions(small_writer *w) {
    const small_data *s = w->data;
    int32_t *pos = dcpg_alloc((size_t)w->nb_pos, sizeof *pos);
    int64_t *site = dcpg_alloc((size_t)w->nb_pos, sizeof *site), offset[SMALL_MAX_CHROMO + 1], nb_site = 0;
    for (int64_t i = 0, c = 0; i < w->nb_pos; i++) {
        while (i == w->pos_offset[c + 1]) c++;
        pos[i] = (int32_t)(w->pos_at[i] - s->start[c] + 1);
        if (small_is_site(s, w->pos_at[i])) site[nb_site++] = i;
    }
    memcpy(offset, w->pos_offset, sizeof offset);
    if (w->fault == POS_DESCENDS) pos[w->nb_pos / 2] = pos[w->nb_pos / 2 - 1];
    if (w->fault == POS_ZERO) pos[0] = 0;
    if (w->fault == POS_BEYOND_END) pos[w->nb_pos - 1] = (int32_t)s->length[s->nb_chromo - 1] + 1;
    if (w->fault == POS_OFFSETS) offset[1] = offset[2];
    if (w->fault == POS_OFFSETS_BEYOND) offset[s->nb_chromo]++;
    if (w->fault == SITE_BEYOND) site[nb_site - 1] = w->nb_pos;
    if (w->fault == SITE_NEGATIVE) site[0] = -1;
    if (w->fault == SITE_TWICE) site[1] = site[0];
    small_put(w, "/positions/offset", DCPG_H5_I64, 1, s->nb_chromo + 1, 0, 0, offset);
    if (w->fault != NO_POSITIONS)
        small_put(w, "/positions/pos", w->fault == WRONG_TYPE ? DCPG_H5_F32 : DCPG_H5_I32, 1, w->nb_pos, 0,
                  100, pos);
    if (nb_site < w->nb_pos) small_put(w, "/sites/index", DCPG_H5_I64, 1, nb_site, 0, 100, site);
    dcpg_free(site);
    dcpg_free(pos);
}

static inline void small_put_calls(small_writer *w, int64_t *nb_call) {
    const small_data *s = w->data;
    size_t n = (size_t)(s->nb_cell * w->words);
    uint64_t *observed = dcpg_alloc(n, sizeof *observed), *state = dcpg_alloc(n, sizeof *state);
    for (int k = 0; k < s->nb_cell; k++) {
        for (int64_t i = 0; i < w->nb_pos; i++) {
            float v = small_value(s, k, w->pos_at[i]);
            uint64_t bit = UINT64_C(1) << i % 64;
            if (isnan(v)) {
                if (w->fault == STATE_UNOBSERVED && k == s->nb_cell - 1) state[k * w->words + i / 64] |= bit;
                continue;
            }
            observed[k * w->words + i / 64] |= bit;
            if (rintf(v) == 1) state[k * w->words + i / 64] |= bit;
            nb_call[k]++;
        }
    }
    if (w->fault == BIT_BEYOND) observed[w->words - 1] |= UINT64_C(1) << 63;
    int64_t rows = s->nb_cell - (w->fault == FEW_CELLS), words = w->words - (w->fault == SHORT_WORDS);
    small_put(w, "/calls/observed", DCPG_H5_U64, w->fault == WRONG_RANK ? 1 : 2,
              w->fault == WRONG_RANK ? (int64_t)n : rows, words, 5, observed);
    if (w->fault != NO_STATE) small_put(w, "/calls/state", DCPG_H5_U64, 2, s->nb_cell, w->words, 5, state);
    dcpg_free(observed);
    dcpg_free(state);
}

static inline void small_put_values(small_writer *w) {
    const small_data *s = w->data;
    float *value = dcpg_alloc((size_t)(s->nb_cell * w->nb_pos), sizeof *value);
    int64_t cell[SMALL_MAX_CELL], nb = 0, seen = -1, unseen = -1;
    for (int k = 0; k < s->nb_cell; k++) {
        if (s->binary[k]) continue;
        for (int64_t i = 0; i < w->nb_pos; i++) {
            value[nb * w->nb_pos + i] = small_value(s, k, w->pos_at[i]);
            *(isnan(value[nb * w->nb_pos + i]) ? &unseen : &seen) = nb * w->nb_pos + i;
        }
        cell[nb++] = k;
    }
    if (nb > 0 && w->fault != NO_VALUES) {
        if (w->fault == VALUE_UNOBSERVED) value[unseen] = 0.5f;
        if (w->fault == VALUE_MISSING) value[seen] = NAN;
        if (w->fault == VALUE_TWO) value[seen] = 2;
        if (w->fault == VALUE_ROUNDED) value[seen] = value[seen] > 0.5f ? 0.25f : 0.75f;
        if (w->fault == VALUE_CELLS) cell[0]--;
        small_put(w, "/values/cell", DCPG_H5_I64, 1, nb, 0, 0, cell);
        small_put(w, "/values/value", DCPG_H5_F32, 2, nb, w->nb_pos - (w->fault == SHORT_VALUES), 77, value);
    }
    dcpg_free(value);
}

static inline void small_put_cells(small_writer *w) {
    const small_data *s = w->data;
    const char *name[SMALL_MAX_CELL];
    uint8_t binary[SMALL_MAX_CELL];
    int64_t nb_call[SMALL_MAX_CELL] = {0};
    for (int k = 0; k < s->nb_cell; k++) {
        name[k] = s->cell[k];
        binary[k] = s->binary[k];
    }
    if (w->fault == CELL_TWICE) name[1] = name[0];
    if (w->fault == BINARY_TWO) binary[0] = 2;
    small_put_names(w, "/cells/name", s->nb_cell, name);
    small_put(w, "/cells/binary", DCPG_H5_U8, 1, s->nb_cell, 0, 0, binary);
    small_put_calls(w, nb_call);
    if (w->fault == MANY_CALLS) nb_call[0] = w->nb_pos + 1;
    small_put(w, "/cells/nb_call", DCPG_H5_I64, 1, s->nb_cell, 0, 0, nb_call);
    small_put_values(w);
}

/* Writes the store; one rank only. */
static inline void small_write_store(const small_data *data, small_fault fault, const char *path) {
    small_writer w = {.data = data, .fault = fault};
    dcpg_err err = {0};
    small_must(dcpg_h5_create(path, NULL, &w.file, &err), &err);
    if (fault != NO_FORMAT)
        small_must(dcpg_h5_write_attr_string(w.file, "/", "format",
                                             fault == OTHER_FORMAT ? "dcpg-shop" : "dcpg-store", &err),
                   &err);
    small_must(dcpg_h5_write_attr_i64(w.file, "/", "version", fault == NEWER_VERSION ? 3 : 1, &err), &err);
    small_find_positions(&w);
    small_put_genome(&w);
    small_put_positions(&w);
    small_put_cells(&w);
    dcpg_free(w.pos_at);
    small_must(dcpg_h5_commit(w.file, &err), &err);
}

#endif
