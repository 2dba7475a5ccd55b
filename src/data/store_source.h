/* SPDX-License-Identifier: MIT */
/* The batch source over a store: declarations shared by its files. */
#ifndef DCPG_DATA_STORE_SOURCE_H
#define DCPG_DATA_STORE_SOURCE_H

#include "store/span.h"
#include <dcpg/source.h>
#include <dcpg/stats.h>

typedef struct dcpg_store_source dcpg_store_source;
struct dcpg_site;

/* An output of the source. */
typedef struct dcpg_label_output {
    const struct dcpg_label_provider *provider;
    int64_t cell;    /* cpg: the store's cell; after binding, its place among the cells held; -1: none */
    int64_t bulk;    /* bulk: the store's bulk profile; after binding, its place among those held; -1: none */
    bool every_cell; /* it depends on all cells */
    int64_t window;  /* window of the statistic in bp; 0: a statistic of the position */
    dcpg_stat stat;
} dcpg_label_output;

/* A kind of outputs, recognised by the prefix of their names; one row of a table. */
typedef struct dcpg_label_provider {
    const char *prefix;
    /* Binds the rest of a name; false if the store has no such output. */
    bool (*bind)(const dcpg_store *store, const char *rest, dcpg_label_output *output);
    /* The label of a site; -1: missing. */
    float (*label)(struct dcpg_site *site, const dcpg_label_output *output);
} dcpg_label_provider;

struct dcpg_store_source {
    dcpg_source base; /* first, so that a dcpg_source * can be cast to this type */
    dcpg_store *store;
    int *chosen;               /* [base.chromo.n] numbers of the store's chromosomes, ascending */
    int64_t *first_sample;     /* [base.chromo.n + 1] */
    int64_t *input;            /* [base.cells.n] places of the input cells among the cells held */
    dcpg_label_output *output; /* [base.outputs.n] */
    dcpg_span_want want;       /* the source owns its arrays */
    int64_t stat_neighbours;   /* neighbours per side that window statistics use */
    uint64_t *hide_cell;       /* [want.nb_list], with hide_chromo: keys of hiding; NULL: no hiding */
    uint64_t *hide_chromo;     /* [chromosomes of the store] */
    dcpg_span *span;           /* [nb_span] in sample order */
    int nb_span;
    uint32_t unpacked[256]; /* the four bases of each byte, as bytes in memory order */
};

/* All cells at a position: the bitmap words that hold it, and the calls before these words in the cells'
 * lists. */
typedef struct dcpg_row {
    const dcpg_call_word *word; /* [nb_cell] */
    const uint32_t *before;     /* [nb_list] */
    uint64_t bits;              /* mask of the positions before this one in the word */
} dcpg_row;

/* A site at which windows and labels are cut. */
typedef struct dcpg_site {
    const dcpg_store_source *source;
    const dcpg_span *span;
    int64_t index; /* of its position in the store */
    int32_t pos;   /* 1-based */
    int chromo;    /* number in the store */
    dcpg_row row;
    dcpg_row low, high; /* where its chromosome starts, and the next one; word NULL: not in the span */
    bool has_moments;   /* `moments` holds those of `window`, computed for an earlier output */
    int64_t window;
    dcpg_moments moments;
} dcpg_site;

dcpg_site dcpg_site_at(const dcpg_store_source *source, const dcpg_span *span, int64_t index);

static inline bool dcpg_is_observed(const dcpg_site *site, int64_t cell) {
    return site->row.word[cell].observed >> site->index % 64 & 1;
}

static inline int dcpg_state_of(const dcpg_site *site, int64_t cell) {
    return (int)(site->row.word[cell].state >> site->index % 64 & 1);
}

/* The calls of a held cell around a site, side by side in its list: call[-nb_left] to call[-1], then the
 * site's own call, call[0], if own is 1, then call[own] to call[own + nb_right - 1]. */
typedef struct dcpg_near {
    const uint32_t *call; /* position * 2 + state */
    const float *value;   /* values of the same calls; NULL: a binary cell */
    int64_t own, nb_left, nb_right;
} dcpg_near;

/* Finds at most `half` calls on either side; the cell must have a list. */
dcpg_near dcpg_near_in(const dcpg_site *site, int64_t cell, int64_t half);

/* Value of a held cell at a site, before rounding; -1: not observed. */
float dcpg_value_in(const dcpg_site *site, int64_t cell);

/* Moments over the cells' means. A cell's mean is taken over its neighbours (at most `half` per side) within
 * window / 2 bp, in half precision, and the site's own rounded value. */
dcpg_moments dcpg_window_moments(const dcpg_site *site, int64_t half, int64_t window);

/* The two kinds of statistics: label_stats.c. */
bool dcpg_label_bind_cpg_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output);
bool dcpg_label_bind_win_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output);
float dcpg_label_of_cpg_stat(dcpg_site *site, const dcpg_label_output *output);
float dcpg_label_of_win_stat(dcpg_site *site, const dcpg_label_output *output);

/* Finds the output called `name`; DCPG_E_INPUT if the store has none. Local. */
dcpg_status dcpg_label_bind(const dcpg_store *store, const char *name, dcpg_label_output *output,
                            dcpg_err *err);

/* ---- cutting; Local ---- */

void dcpg_make_unpacked(uint32_t unpacked[256]);

/* Writes the DNA of [position - wlen / 2, position + wlen / 2] to out[dna_wlen]. */
void dcpg_cut_window(const dcpg_site *site, uint8_t *out);

/* Calls per side among which `half` neighbours are looked for, if some are hidden. Two of three calls are
 * seen with three parts and more; with two parts every other one, and a site with fewer than `half`
 * neighbours among so many calls is rare. */
static inline int64_t dcpg_hiding_reach(int64_t half) { return 2 * half + 64; }

/* Writes states and then distances of the observed neighbours, `half` per side, in held cells cell[nb] to
 * out[nb][4 * half]; raw, and what is hidden: see source.h. */
void dcpg_cut_neighbours(const dcpg_site *site, int64_t nb, const int64_t *cell, int64_t half, float *out);

#endif
