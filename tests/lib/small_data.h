/* SPDX-License-Identifier: MIT */
/* A small random data set: a genome and cells as dense arrays, and the results that a source must give for
 * them, computed in the slow way. Include after cmocka_all.h. */
#ifndef TESTS_LIB_SMALL_DATA_H
#define TESTS_LIB_SMALL_DATA_H

#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SMALL_MAX_CHROMO = 8, SMALL_MAX_CELL = 40 };

typedef struct small_data {
    int nb_chromo;
    const char *chromo[SMALL_MAX_CHROMO]; /* in bytewise order */
    int64_t length[SMALL_MAX_CHROMO];
    int64_t start[SMALL_MAX_CHROMO +
                  1]; /* base `pos` of chromosome c is element start[c] + pos - 1 of all arrays */
    uint8_t *base;    /* 0..4 */
    int nb_cell;
    char cell[SMALL_MAX_CELL][16]; /* in bytewise order */
    bool binary[SMALL_MAX_CELL];
    float *value; /* [nb_cell][all bases], NaN where not observed */
    bool *target; /* [all bases] target sites; NULL: all positions observed in a cell */
} small_data;

static inline int64_t small_total(const small_data *s) { return s->start[s->nb_chromo]; }

static inline float small_value(const small_data *s, int cell, int64_t at) {
    return s->value[cell * small_total(s) + at];
}

static inline bool small_observed(const small_data *s, int64_t at) {
    for (int i = 0; i < s->nb_cell; i++) {
        if (!isnan(small_value(s, i, at))) return true;
    }
    return false;
}

static inline bool small_is_site(const small_data *s, int64_t at) {
    return s->target ? s->target[at] : small_observed(s, at);
}

static inline bool small_is_position(const small_data *s, int64_t at) {
    return small_observed(s, at) || (s->target && s->target[at]);
}

/* ---- making a data set ---- */

typedef struct small_options {
    int nb_chromo;
    int64_t length[SMALL_MAX_CHROMO];
    int nb_cell, nb_binary; /* the first ones are binary */
    double density;         /* fraction of bases that can be observed */
    double coverage;        /* fraction of these that a cell observes; half of it in every other cell */
    bool targets;
} small_options;

static inline void small_make_bases(small_data *s, dcpg_rng *rng) {
    int64_t run = 0;
    for (int64_t i = 0; i < small_total(s); i++) {
        if (run == 0 && dcpg_rng_below(rng, 60) == 0) run = 1 + (int64_t)dcpg_rng_below(rng, 30);
        s->base[i] = run > 0 ? 4 : (uint8_t)dcpg_rng_below(rng, 4);
        if (run > 0) run--;
    }
}

static inline float small_draw(dcpg_rng *rng, bool binary) {
    static const float special[] = {0, 1, 0.5f, 0.25f, 1e-6f, 3e-5f, 0.49999f, 0.50001f, 0.99999f};
    if (binary) return (float)dcpg_rng_below(rng, 2);
    uint64_t k = dcpg_rng_below(rng, 20);
    return k < sizeof special / sizeof *special ? special[k] : (float)dcpg_rng_uniform(rng);
}

static inline void small_make_calls(small_data *s, const small_options *o, dcpg_rng *rng) {
    for (int64_t i = 0; i < small_total(s); i++) {
        bool open = dcpg_rng_uniform(rng) < o->density;
        for (int k = 0; k < s->nb_cell; k++) {
            double coverage = k % 2 ? o->coverage / 2 : o->coverage;
            bool seen = open && dcpg_rng_uniform(rng) < coverage &&
                        k != 3; /* cell 3 observes only the bases set below */
            s->value[k * small_total(s) + i] = seen ? small_draw(rng, s->binary[k]) : NAN;
        }
        if (s->target) s->target[i] = dcpg_rng_uniform(rng) < o->density / 3;
    }
    for (int c = 0; c < s->nb_chromo;
         c++) { /* first and last base of each chromosome; cell 1 observes nothing on chromosome 1 */
        for (int k = 0; k < s->nb_cell; k++) {
            float *value = s->value + k * small_total(s) + s->start[c];
            if (k == 0 || k == 2) value[0] = value[s->length[c] - 1] = 1;
            for (int64_t i = 0; k == 1 && c == 1 && i < s->length[c]; i++) value[i] = NAN;
        }
    }
    for (int k = o->nb_binary; k < s->nb_cell; k++)
        s->value[k * small_total(s) + s->start[0] + s->length[0] / 2] = 0.375f; /* surely not binary */
}

static inline small_data small_make(uint64_t seed, const small_options *o) {
    static const char *const names[SMALL_MAX_CHROMO] = {"1", "10", "2", "MT", "SCAFFOLD_7", "X", "Y", "Z"};
    small_data s = {.nb_chromo = o->nb_chromo, .nb_cell = o->nb_cell};
    dcpg_rng rng;
    dcpg_rng_start(&rng, seed, 1);
    for (int c = 0; c < o->nb_chromo; c++) {
        s.chromo[c] = names[c];
        s.length[c] = o->length[c];
        s.start[c + 1] = s.start[c] + o->length[c];
    }
    for (int k = 0; k < o->nb_cell; k++) {
        snprintf(s.cell[k], sizeof s.cell[k], "c%02d", k);
        s.binary[k] = k < o->nb_binary;
    }
    s.base = dcpg_alloc((size_t)small_total(&s), 1);
    s.value = dcpg_alloc((size_t)(small_total(&s) * o->nb_cell), sizeof *s.value);
    if (o->targets) s.target = dcpg_alloc((size_t)small_total(&s), sizeof *s.target);
    small_make_bases(&s, &rng);
    small_make_calls(&s, o, &rng);
    return s;
}

static inline void small_free(small_data *s) {
    dcpg_free(s->base);
    dcpg_free(s->value);
    dcpg_free(s->target);
}

/* ---- expected results ---- */

static inline void small_window(const small_data *s, int chromo, int64_t pos, int64_t wlen, uint8_t *out) {
    for (int64_t i = 0; i < wlen; i++) {
        int64_t p = pos - wlen / 2 + i;
        out[i] = p < 1 || p > s->length[chromo] ? 4 : s->base[s->start[chromo] + p - 1];
    }
}

/* x rounded as in float16: to 11 significant bits and multiples of 2^-24, half to even. */
static inline float small_half(float x) {
    if (x == 0) return 0;
    int e = (int)floor(log2((double)x));
    double unit = ldexp(1, (e < -14 ? -14 : e) - 10);
    return (float)(rint((double)x / unit) * unit);
}

static inline void small_neighbours(const small_data *s, int cell, int chromo, int64_t pos, int64_t wlen,
                                    float *out) {
    for (int64_t i = 0; i < wlen; i++) {
        out[i] = s->binary[cell] ? 0 : 0.5f;
        out[wlen + i] = 1;
    }
    for (int step = -1; step <= 1; step += 2) {
        int64_t slot = step < 0 ? wlen / 2 - 1 : wlen / 2, found = 0;
        for (int64_t p = pos + step; p >= 1 && p <= s->length[chromo] && found < wlen / 2; p += step) {
            float v = small_value(s, cell, s->start[chromo] + p - 1);
            if (isnan(v)) continue;
            out[slot] = small_half(v);
            out[wlen + slot] = (float)fmin((double)llabs(p - pos), 25000) / 25000.0f;
            slot += step;
            found++;
        }
    }
}

static inline float small_label(const small_data *s, int cell, int chromo, int64_t pos) {
    float v = small_value(s, cell, s->start[chromo] + pos - 1);
    return isnan(v) ? -1 : rintf(v);
}

#endif
