/* SPDX-License-Identifier: MIT */
/* A span: the part of a store that one rank holds in memory. Its chromosomes follow one another in the store.
 * Positions, sites and bytes keep the indices that they have in the file.
 *
 * Memory per position and cell: 2 bits for "observed" and the state (labels are read along the cells of a
 * word); for cells whose neighbours are wanted, another 0.5 bits for the place in the cell's list of calls,
 * and 32 bits per call. The list makes neighbours fast: they lie side by side, with their positions, however
 * sparse the cell is. At 10 % coverage that is 5.7 bits: 3.6 GB for 5,000 cells x 1 M positions. Outside its
 * own words a span holds only the calls that its outermost sites can have as neighbours. */
#ifndef DCPG_STORE_SPAN_H
#define DCPG_STORE_SPAN_H

#include "base/number.h"

#include <dcpg/h5.h>
#include <dcpg/store.h>

/* 64 positions of one cell: which were observed, and their rounded values. */
typedef struct dcpg_call_word {
    uint64_t observed, state;
} dcpg_call_word;

/* Which cells are held, and whose calls are listed. The same on all ranks and for all spans. */
typedef struct dcpg_span_want {
    const dcpg_store *store;
    int64_t dna_wlen;     /* 0: no bases */
    int64_t nb_neighbour; /* per side: the most that any user of the span needs */
    int64_t nb_cell;
    int64_t *cell;      /* [nb_cell] the store's cells, ascending */
    int64_t nb_list;    /* held cells whose calls are listed: because their neighbours are wanted, or their
                           values are not binary */
    int64_t *list_of;   /* [nb_cell] number of the cell's list, -1: none */
    int64_t *list_cell; /* [nb_list] index of the list's cell among the held ones */
    int64_t nb_value;   /* lists with values */
    int64_t *value_row; /* [nb_list] row in the store's values, -1: a binary cell */
    int64_t nb_bulk;
    int64_t *bulk_row; /* [nb_bulk] rows of the bulk profiles wanted */
    bool annos;        /* annotations are wanted */
} dcpg_span_want;

enum { DCPG_SPAN_MAX_SHARED = 16 };

typedef struct dcpg_span {
    int64_t sample_first, sample_end; /* samples of the source that the span covers */
    int64_t site_first, site_end;     /* their sites in the store */
    int chromo_first, chromo_last;
    int64_t word_first, word_end; /* bitmap words held, enough for all sites: positions from 64 * word_first
                                     up to 64 * word_end, or to the last position */
    int64_t byte_first, byte_end; /* packed bases held */
    int64_t *site;  /* [site_end - site_first] index of the position; NULL: site i is position i */
    int32_t *pos;   /* [positions held] 1-based */
    uint8_t *bases; /* [byte_end - byte_first] */
    int64_t *run;   /* [run_offset[chromo_last + 1] - run_offset[chromo_first]][2] runs of N of chromosomes
                       chromo_first to chromo_last */
    dcpg_call_word *calls; /* [word_end - word_first][nb_cell] with nothing observed on other chromosomes */
    uint32_t *before;      /* [word_end - word_first][nb_list] calls of the list before the word */
    int64_t *list_at;      /* [nb_list + 1] first call of each list */
    uint32_t *list; /* [list_at[nb_list]] calls in order, position * 2 + state: up to nb_neighbour before the
                       words held, all calls in these words, up to nb_neighbour after them */
    int64_t *value_at; /* [nb_list] start of a list's values in `value`, one per call; -1: a binary cell */
    float *value;
    float *bulk;     /* [nb_bulk][positions held], NaN where not observed */
    uint64_t *annos; /* [annotations][words held] */
    size_t bytes;    /* size of all arrays */
    bool share;      /* all ranks load the same span: rank 0 reads it, and each host holds one copy */
    struct dcpg_par_shared *shared[DCPG_SPAN_MAX_SHARED];
    int nb_shared;
} dcpg_span;

/* Loads the arrays of `span`, whose samples, sites, chromosomes and `share` are set. Loads nothing for an
 * empty span (site_first == site_end), which takes part all the same. The data is checked: DCPG_E_INPUT names
 * the damaged dataset. Collective. */
dcpg_status dcpg_span_load_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err);
void dcpg_span_free_all(dcpg_span *span); /* Collective if the span is shared, else Local */

/* A span being loaded. */
typedef struct dcpg_span_loading {
    const dcpg_span_want *want;
    dcpg_h5 *file;
    dcpg_span *span;
} dcpg_span_loading;

/* Zeroed memory owned by the span, on all ranks or on none. Collective. */
dcpg_status dcpg_span_alloc_all(const dcpg_span_loading *l, int64_t count, size_t size, const char *what,
                                void **out, dcpg_err *err);

/* Elements [first, end) of a list; rows of a list of pairs; or columns of a table. */
typedef struct dcpg_span_part {
    const char *path;
    dcpg_h5_type type;
    size_t size; /* of an element in memory, bytes */
    int64_t first, end;
} dcpg_span_part;

/* Reads part of a list, or of a list of pairs, into memory owned by the span. Collective. */
dcpg_status dcpg_span_read_all(const dcpg_span_loading *l, const dcpg_span_part *part, void **out,
                               dcpg_err *err);

/* The calls just outside a span's words on one side, which its lists start or end with. */
typedef struct dcpg_far {
    int64_t *found; /* [nb_list] number of calls found */
    int64_t *index; /* [nb_list][nb_neighbour] index of the call's position, nearest first */
    uint32_t *call; /* [nb_list][nb_neighbour] encoded as in dcpg_span.list */
} dcpg_far;

/* Loads the bitmaps of the span's words and finds the calls outside them: far[0] before, far[1] after. The
 * arrays of `far` must be allocated, with found[] zeroed. Collective. */
dcpg_status dcpg_span_load_calls_all(const dcpg_span_loading *l, dcpg_far far[2], dcpg_err *err);

/* Builds the lists of calls, and of values, from the bitmaps and `far`. Collective. */
dcpg_status dcpg_span_make_lists_all(const dcpg_span_loading *l, const dcpg_far far[2], dcpg_err *err);

/* Loads bulk profiles and annotations at the positions held. Collective. */
dcpg_status dcpg_span_load_extras_all(const dcpg_span_loading *l, dcpg_err *err);

/* ---- look-ups; Local ---- */

/* Positions held: [first, end). */
static inline int64_t dcpg_span_pos_first(const dcpg_span *span) { return 64 * span->word_first; }

static inline int64_t dcpg_span_pos_end(const dcpg_span *span, const dcpg_store *store) {
    int64_t end = 64 * span->word_end;
    return min_i64(end, store->nb_pos);
}

/* Index of the position of site `site`. */
static inline int64_t dcpg_span_index(const dcpg_span *span, int64_t site) {
    return span->site ? span->site[site - span->site_first] : site;
}

static inline int32_t dcpg_span_pos(const dcpg_span *span, int64_t index) {
    return span->pos[index - 64 * span->word_first];
}

static inline const dcpg_call_word *dcpg_span_word(const dcpg_span_want *want, const dcpg_span *span,
                                                   int64_t word, int64_t cell) {
    return &span->calls[(word - span->word_first) * want->nb_cell + cell];
}

/* Mask of the positions before `index` in its word. */
static inline uint64_t dcpg_bits_before(int64_t index) { return (UINT64_C(1) << index % 64) - 1; }

/* The chromosome of a position or a site, given the store's offsets of positions or of sites. */
static inline int dcpg_store_chromo_of(const int64_t *offset, int nb_chromo, int64_t index) {
    int low = 0, high = nb_chromo; /* offset[low] <= index < offset[high] */
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (offset[middle] <= index)
            low = middle;
        else
            high = middle;
    }
    return low;
}

#endif
