/* The batch source over a store: what its files share. */
#ifndef DCPG_DATA_STORE_SOURCE_H
#define DCPG_DATA_STORE_SOURCE_H

#include "data/span.h"
#include <dcpg/source.h>
#include <dcpg/stats.h>

typedef struct dcpg_store_source dcpg_store_source;

/* An output of the source. */
typedef struct dcpg_label_output {
    const struct dcpg_label_provider *provider;
    int64_t cell;     /* cpg: the store's cell; after binding is over: its place among the cells held; -1: none */
    int64_t bulk;     /* bulk: the store's bulk profile, then its place among those held; -1: none */
    bool every_cell;  /* it looks at all cells */
    int64_t window;   /* of a statistic over windows: bp; 0: over the position */
    dcpg_stat stat;
} dcpg_label_output;

/* Kinds of outputs, told by the beginning of their names: a row of a table each. */
typedef struct dcpg_label_provider {
    const char *prefix;
    /* Understands the rest of a name; false where the store has no such output. */
    bool (*bind)(const dcpg_store *store, const char *rest, dcpg_label_output *output);
    /* Label of the position with this index, -1 where missing. */
    float (*label)(const dcpg_store_source *source, const dcpg_span *span, const dcpg_label_output *output, int64_t index);
} dcpg_label_provider;

struct dcpg_store_source {
    dcpg_source base; /* first: a dcpg_source * is one of these */
    dcpg_store *store;
    int *chosen;             /* [base.chromo.n] the store's chromosomes, ascending */
    int64_t *first_sample;   /* [base.chromo.n + 1] */
    int64_t *input;          /* [base.cells.n] cells of the input, as places among the cells held */
    dcpg_label_output *output; /* [base.outputs.n] */
    dcpg_span_want want;     /* its arrays are the source's */
    int64_t stat_neighbours; /* per side, which statistics over windows look at */
    dcpg_span *span;         /* [nb_span] in sample order */
    int nb_span;
    uint32_t unpacked[256];  /* the four bases of a byte, as bytes in memory order */
};

/* Value of held cell `cell` at a position: what a label is rounded from, or -1. Local. */
float dcpg_label_value(const dcpg_store_source *source, const dcpg_span *span, int64_t cell, int64_t index);

/* The two kinds of statistics: label_stats.c. */
bool dcpg_label_bind_cpg_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output);
bool dcpg_label_bind_win_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output);
float dcpg_label_of_cpg_stat(const dcpg_store_source *source, const dcpg_span *span, const dcpg_label_output *output, int64_t index);
float dcpg_label_of_win_stat(const dcpg_store_source *source, const dcpg_span *span, const dcpg_label_output *output, int64_t index);

/* The output called `name`; DCPG_E_INPUT where the store has none. Local. */
dcpg_status dcpg_label_bind(const dcpg_store *store, const char *name, dcpg_label_output *output, dcpg_err *err);

/* ---- cutting; Local ---- */

void dcpg_make_unpacked(uint32_t unpacked[256]);

/* DNA of [position - wlen / 2, position + wlen / 2] into out[dna_wlen]. */
void dcpg_cut_window(const dcpg_store_source *source, const dcpg_span *span, int64_t index, uint8_t *out);

/* States and then distances of the observed neighbours in held cell `cell`, `half` per side, into out[4 * half]; raw: as in source.h. */
void dcpg_cut_neighbours(const dcpg_store_source *source, const dcpg_span *span, int64_t cell, int64_t index, int64_t half, bool raw, float *out);

#endif
