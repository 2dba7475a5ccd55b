/* SPDX-License-Identifier: MIT */
/* A source whose sites are functions of their number: needs no files and has any length. Include after
 * cmocka_all.h. */
#ifndef DCPG_TESTS_FAKE_SOURCE_H
#define DCPG_TESTS_FAKE_SOURCE_H

#include <dcpg/memory.h>
#include <dcpg/output.h>
#include <dcpg/rng.h>
#include <dcpg/source.h>

typedef struct fake_source {
    dcpg_source base;
    int64_t fails_at; /* number of a sample that cannot be filled; -1: none */
} fake_source;

static inline int32_t fake_chromo(int64_t sample) { return sample < 100 ? 0 : sample < 150 ? 1 : 2; }
static inline int32_t fake_pos(int64_t sample) { return (int32_t)(10 + 7 * sample); }

/* Whole numbers of classes for binary and categorical outputs, fractions for the others; a third of the
 * labels is missing. */
static inline float fake_label(const char *output, int64_t sample) {
    uint64_t draw = dcpg_mix(dcpg_hash(output), (uint64_t)sample);
    dcpg_output_kind kind = dcpg_output_kind_of(output);
    if (draw % 3 == 0) return -1;
    if (kind.loss == DCPG_LOSS_MSE) return (float)(draw / 3 % 17) / 16;
    return (float)(draw / 3 % (kind.units > 1 ? 3 : 2));
}

static inline void fake_sample(const dcpg_source *source, int64_t sample, uint8_t *dna, float *cpg) {
    dcpg_rng rng;
    dcpg_rng_start(&rng, 11, (uint64_t)sample);
    for (int64_t i = 0; i < source->dna_wlen; i++) dna[i] = (uint8_t)dcpg_rng_below(&rng, 5);
    for (int64_t i = 0; i < (int64_t)source->cells.n * 2 * source->cpg_wlen; i++)
        cpg[i] = (float)dcpg_rng_uniform(&rng);
}

static inline dcpg_status fake_fill(dcpg_source *source, int64_t nb, const int64_t *sample, dcpg_batch *batch,
                                    dcpg_err *err) {
    const fake_source *fake = (const fake_source *)source;
    size_t nb_output = source->outputs.n, per_cpg = source->cells.n * 2 * (size_t)source->cpg_wlen;
    batch->n = nb;
    for (int64_t i = 0; i < nb; i++) {
        assert_in_range(sample[i], source->loaded_first, source->loaded_end - 1);
        if (sample[i] == fake->fails_at)
            return dcpg_fail(err, DCPG_E_INPUT, "sample %lld cannot be read", (long long)sample[i]);
        batch->id[i] = sample[i];
        if (batch->dna)
            fake_sample(source, sample[i], batch->dna + i * source->dna_wlen,
                        batch->cpg + (size_t)i * per_cpg);
        for (size_t o = 0; o < nb_output && batch->label; o++)
            batch->label[(size_t)i * nb_output + o] = fake_label(source->outputs.v[o], sample[i]);
    }
    return DCPG_OK;
}

static inline dcpg_status fake_load_all(dcpg_source *source, int64_t first, int64_t end, dcpg_err *err) {
    (void)err;
    source->loaded_first = first;
    source->loaded_end = end;
    return DCPG_OK;
}

static inline dcpg_status fake_where(dcpg_source *source, int64_t first, int64_t end, int32_t *chromo,
                                     int32_t *pos, dcpg_err *err) {
    (void)err;
    assert_true(first >= source->loaded_first && end <= source->loaded_end);
    for (int64_t i = first; i < end; i++) {
        chromo[i - first] = fake_chromo(i);
        pos[i - first] = fake_pos(i);
    }
    return DCPG_OK;
}

static inline dcpg_status fake_count(dcpg_source *source, int64_t first, int64_t end, int64_t *count,
                                     dcpg_err *err) {
    (void)source, (void)first, (void)end, (void)count;
    return dcpg_fail(err, DCPG_E_INPUT, "not asked for in evaluation");
}

static inline void fake_close(dcpg_source *source) {
    dcpg_strings_free(&source->chromo);
    dcpg_strings_free(&source->cells);
    dcpg_strings_free(&source->outputs);
    dcpg_free(source);
}

/* `outputs` is ended by NULL. */
static inline dcpg_source *fake_new(const dcpg_par *par, int64_t nb_site, int nb_cell, int64_t dna_wlen,
                                    int64_t cpg_wlen, const char *const outputs[]) {
    static const dcpg_source_ops ops = {.fill = fake_fill,
                                        .load_all = fake_load_all,
                                        .where = fake_where,
                                        .count_labels = fake_count,
                                        .close = fake_close};
    static const char *const chromos[] = {"1", "X", "SCAFFOLD_7"}, *const cells[] = {"a", "b", "c", "d"};
    fake_source *fake = dcpg_alloc(1, sizeof *fake);
    fake->base = (dcpg_source){
        .ops = &ops, .par = par, .nb_site = nb_site, .dna_wlen = dna_wlen, .cpg_wlen = cpg_wlen};
    fake->fails_at = -1;
    for (int i = 0; i < 3; i++)
        assert_int_equal(dcpg_strings_add(&fake->base.chromo, chromos[i], NULL), DCPG_OK);
    for (int i = 0; i < nb_cell; i++)
        assert_int_equal(dcpg_strings_add(&fake->base.cells, cells[i], NULL), DCPG_OK);
    for (int i = 0; outputs[i]; i++)
        assert_int_equal(dcpg_strings_add(&fake->base.outputs, outputs[i], NULL), DCPG_OK);
    return &fake->base;
}

#endif
