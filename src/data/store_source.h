/* SPDX-License-Identifier: MIT */
/* The batch source over a store: what its files share. */
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
    int64_t cell; /* cpg: the store's cell; after binding is over: its place among the cells held; -1: none */
    int64_t bulk; /* bulk: the store's bulk profile, then its place among those held; -1: none */
    bool every_cell; /* it looks at all cells */
    int64_t window;  /* of a statistic over windows: bp; 0: over the position */
    dcpg_stat stat;
} dcpg_label_output;

/* Kinds of outputs, told by the beginning of their names: a row of a table each. */
typedef struct dcpg_label_provider {
    const char *prefix;
    /* Understands the rest of a name; false where the store has no such output. */
    bool (*bind)(const dcpg_store *store, const char *rest, dcpg_label_output *output);
    /* Label of a site, -1 where missing. */
    float (*label)(struct dcpg_site *site, const dcpg_label_output *output);
} dcpg_label_provider;

struct dcpg_store_source {
    dcpg_source base; /* first: a dcpg_source * is one of these */
    dcpg_store *store;
    int *chosen;               /* [base.chromo.n] the store's chromosomes, ascending */
    int64_t *first_sample;     /* [base.chromo.n + 1] */
    int64_t *input;            /* [base.cells.n] cells of the input, as places among the cells held */
    dcpg_label_output *output; /* [base.outputs.n] */
    dcpg_span_want want;       /* its arrays are the source's */
    int64_t stat_neighbours;   /* per side, which statistics over windows look at */
    dcpg_span *span;           /* [nb_span] in sample order */
    int nb_span;
    uint32_t unpacked[256]; /* the four bases of a byte, as bytes in memory order */
};

/* All cells at a position: the words that hold it, and what stands before it in their lists. */
typedef struct dcpg_row {
    const dcpg_call_word *word; /* [nb_cell] */
    const uint32_t *before;     /* [nb_list] */
    uint64_t bits;              /* of the positions before it in the word */
} dcpg_row;

/* A site that is cut. */
typedef struct dcpg_site {
    const dcpg_store_source *source;
    const dcpg_span *span;
    int64_t index; /* of its position */
    int32_t pos;   /* 1-based */
    int chromo;    /* of the store */
    dcpg_row row;
    dcpg_row low, high; /* where its chromosome and the next one start; word NULL: not in the span */
    bool has_moments;   /* of `window`, kept from the output before */
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

/* The calls of a held cell around a site, side by side in its list: call[-nb_left] .. call[-1], the site's
 * own one call[0] where own is 1, call[own] .. call[own + nb_right - 1]. */
typedef struct dcpg_near {
    const uint32_t *call; /* position * 2 + state */
    const float *value;   /* of the same calls; NULL: a binary cell */
    int64_t own, nb_left, nb_right;
} dcpg_near;

/* At most `half` on either side; the cell must have a list. */
dcpg_near dcpg_near_in(const dcpg_site *site, int64_t cell, int64_t half);

/* Value of a held cell at a site: what a label is rounded from; -1: not observed. */
float dcpg_value_in(const dcpg_site *site, int64_t cell);

/* Over the means of all cells among those of `half` neighbours on either side that lie within window / 2 bp,
 * through half precision, and the site's own rounded value. */
dcpg_moments dcpg_window_moments(const dcpg_site *site, int64_t half, int64_t window);

/* The two kinds of statistics: label_stats.c. */
bool dcpg_label_bind_cpg_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output);
bool dcpg_label_bind_win_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output);
float dcpg_label_of_cpg_stat(dcpg_site *site, const dcpg_label_output *output);
float dcpg_label_of_win_stat(dcpg_site *site, const dcpg_label_output *output);

/* The output called `name`; DCPG_E_INPUT where the store has none. Local. */
dcpg_status dcpg_label_bind(const dcpg_store *store, const char *name, dcpg_label_output *output,
                            dcpg_err *err);

/* ---- cutting; Local ---- */

void dcpg_make_unpacked(uint32_t unpacked[256]);

/* DNA of [position - wlen / 2, position + wlen / 2] into out[dna_wlen]. */
void dcpg_cut_window(const dcpg_site *site, uint8_t *out);

/* States and then distances of the observed neighbours in held cells cell[nb], `half` per side, into
 * out[nb][4 * half]; raw: as in source.h. */
void dcpg_cut_neighbours(const dcpg_site *site, int64_t nb, const int64_t *cell, int64_t half, bool raw,
                         float *out);

#endif
