/* The batch source over a store: what its files share. */
#ifndef DCPG_DATA_STORE_SOURCE_H
#define DCPG_DATA_STORE_SOURCE_H

#include "data/span.h"
#include <dcpg/source.h>

typedef struct dcpg_store_source dcpg_store_source;

/* An output of the source. */
typedef struct dcpg_label_output {
    const struct dcpg_label_provider *provider;
    int64_t cell; /* the store's cell; after binding is over: its place among the cells held */
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
    dcpg_span *span;         /* [nb_span] in sample order */
    int nb_span;
    uint32_t unpacked[256];  /* the four bases of a byte, as bytes in memory order */
};

/* The output called `name`; DCPG_E_INPUT where the store has none. Local. */
dcpg_status dcpg_label_bind(const dcpg_store *store, const char *name, dcpg_label_output *output, dcpg_err *err);

/* ---- cutting; Local ---- */

void dcpg_make_unpacked(uint32_t unpacked[256]);

/* DNA of [position - wlen / 2, position + wlen / 2] into out[dna_wlen]. */
void dcpg_cut_window(const dcpg_store_source *source, const dcpg_span *span, int64_t index, uint8_t *out);

/* States and distances of the observed neighbours in held cell `cell` into out[2 * cpg_wlen]. */
void dcpg_cut_neighbours(const dcpg_store_source *source, const dcpg_span *span, int64_t cell, int64_t index, float *out);

#endif
