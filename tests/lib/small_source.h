/* SPDX-License-Identifier: MIT */
/* Compares a source with the small data set that it presents. Include after cmocka_all.h. */
#ifndef TESTS_LIB_SMALL_SOURCE_H
#define TESTS_LIB_SMALL_SOURCE_H

#include "small_data.h"
#include <dcpg/source.h>

static inline void small_must(dcpg_status status, const dcpg_err *err) {
    if (status != DCPG_OK) fail_msg("%s", err->text);
}

/* The sites that a source presents, in order. */
typedef struct small_sites {
    int64_t n;
    int *chromo; /* number in the data set */
    int64_t *pos;
} small_sites;

static inline small_sites small_list_sites(const small_data *data, const bool *chosen) {
    small_sites s = {.chromo = dcpg_alloc((size_t)small_total(data), sizeof(int)),
                     .pos = dcpg_alloc((size_t)small_total(data), sizeof(int64_t))};
    for (int c = 0; c < data->nb_chromo; c++) {
        for (int64_t i = 0; i < data->length[c] && chosen[c]; i++) {
            if (!small_is_site(data, data->start[c] + i)) continue;
            s.chromo[s.n] = c;
            s.pos[s.n++] = i + 1;
        }
    }
    return s;
}

static inline void small_free_sites(small_sites *s) {
    dcpg_free(s->chromo);
    dcpg_free(s->pos);
}

static inline void small_check_row(const small_data *data, const small_sites *s, const dcpg_source *source,
                                   const dcpg_batch *batch, int64_t row) {
    int64_t id = batch->id[row], pos = s->pos[id], nb_cell = (int64_t)source->cells.n,
            nb_output = (int64_t)source->outputs.n;
    int chromo = s->chromo[id], cell;
    if (source->dna_wlen > 0) {
        uint8_t *wanted = dcpg_alloc((size_t)source->dna_wlen, 1);
        small_window(data, chromo, pos, source->dna_wlen, wanted);
        if (memcmp(wanted, batch->dna + row * source->dna_wlen, (size_t)source->dna_wlen) != 0)
            fail_msg("window of %s:%d", data->chromo[chromo], (int)pos);
        dcpg_free(wanted);
    }
    for (int64_t i = 0; source->cpg_wlen > 0 && i < nb_cell; i++) {
        float *wanted = dcpg_alloc((size_t)source->cpg_wlen, 2 * sizeof *wanted),
              *got = batch->cpg + (row * nb_cell + i) * 2 * source->cpg_wlen;
        assert_int_equal(sscanf(source->cells.v[i], "c%d", &cell), 1);
        small_neighbours(data, cell, chromo, pos, source->cpg_wlen, wanted);
        for (int64_t k = 0; k < 2 * source->cpg_wlen; k++) {
            if (wanted[k] != got[k])
                fail_msg("neighbours of %s:%d in cell %d, number %d: %g, not %g", data->chromo[chromo],
                         (int)pos, cell, (int)k, (double)got[k], (double)wanted[k]);
        }
        dcpg_free(wanted);
    }
    for (int64_t i = 0; i < nb_output; i++) {
        assert_int_equal(sscanf(source->outputs.v[i], "cpg/c%d", &cell), 1);
        assert_true(batch->label[row * nb_output + i] == small_label(data, cell, chromo, pos));
    }
}

/* Loads [first, end) and checks every `step`-th sample of it, in scattered order. */
static inline void small_check_range(const small_data *data, const small_sites *s, dcpg_source *source,
                                     int64_t first, int64_t end, int64_t step) {
    dcpg_err err = {0};
    small_must(source->ops->load_all(source, first, end, &err), &err);
    assert_int_equal(source->loaded_first, first);
    assert_int_equal(source->loaded_end, end);
    int64_t n = (end - first + step - 1) / step;
    assert_in_range(n, 0, 104728);
    int64_t *sample = dcpg_alloc((size_t)n, sizeof *sample);
    for (int64_t i = 0; i < n; i++)
        sample[i] = first + (i * 104729 % n) * step; /* a prime, and larger than n: each once */
    dcpg_batch *batch = NULL;
    small_must(dcpg_batch_new(source, n + 3, &batch, &err), &err);
    small_must(source->ops->fill(source, n, sample, batch, &err), &err);
    assert_int_equal(batch->n, n);
    for (int64_t i = 0; i < n; i++) {
        assert_int_equal(batch->id[i], sample[i]);
        small_check_row(data, s, source, batch, i);
    }
    dcpg_batch_free(batch);
    dcpg_free(sample);
}

#endif
