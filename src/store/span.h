/* SPDX-License-Identifier: MIT */
/* A span: the part of a store that one rank holds in memory, on chromosomes that follow each other in the
 * store. All numbers are the store's own: positions, sites and bytes keep the indices they have in the file.
 *
 * Memory per position and cell: 2 bits for what was observed and its state (labels are read along the cells
 * of a word), and for cells whose neighbours are wanted 0.5 bits for the place in the cell's list of calls
 * and 32 bits per call. The list is what makes neighbours fast: they stand side by side, with their
 * positions, however sparse the cell is. At 10 % coverage that is 5.7 bits: 3.6 GB for 5,000 cells x 1 M
 * positions. Beyond its own words a span holds only the calls that its outermost sites can have as
 * neighbours. */
#ifndef DCPG_STORE_SPAN_H
#define DCPG_STORE_SPAN_H

#include <dcpg/h5.h>
#include <dcpg/store.h>

/* 64 positions of one cell: which were observed, and their rounded values. */
typedef struct dcpg_call_word {
    uint64_t observed, state;
} dcpg_call_word;

/* Which cells are held, and of which the calls are listed. The same on all ranks and for all spans. */
typedef struct dcpg_span_want {
    const dcpg_store *store;
    int64_t dna_wlen;     /* 0: no bases */
    int64_t nb_neighbour; /* per side: the most that anybody asks for */
    int64_t nb_cell;
    int64_t *cell;      /* [nb_cell] the store's cells, ascending */
    int64_t nb_list;    /* held cells whose calls are listed: for their neighbours, or for values that are not
                           binary */
    int64_t *list_of;   /* [nb_cell] number of the cell's list, -1: none */
    int64_t *list_cell; /* [nb_list] held cell */
    int64_t nb_value;   /* lists with values */
    int64_t *value_row; /* [nb_list] row in the store's values, -1: a binary cell */
    int64_t nb_bulk;
    int64_t *bulk_row; /* [nb_bulk] rows of the bulk profiles wanted */
    bool annos;        /* annotations are wanted */
} dcpg_span_want;

enum { DCPG_SPAN_MAX_SHARED = 16 };

typedef struct dcpg_span {
    int64_t sample_first, sample_end; /* the source's samples that it is for */
    int64_t site_first, site_end;     /* the same as sites of the store */
    int chromo_first, chromo_last;
    int64_t word_first, word_end; /* bitmap words held, those of its sites; positions 64 * word_first up to 64
                                   * word_end, or the last one */
    int64_t byte_first, byte_end; /* packed bases held */
    int64_t *site;  /* [site_end - site_first] index of the position; NULL: site i is position i */
    int32_t *pos;   /* [positions held] 1-based */
    uint8_t *bases; /* [byte_end - byte_first] */
    int64_t *run; /* [run_offset[chromo_last + 1] - run_offset[chromo_first]][2] of the chromosomes touched */
    dcpg_call_word *calls; /* [word_end - word_first][nb_cell] nothing is observed on other chromosomes */
    uint32_t *before;      /* [word_end - word_first][nb_list] calls of the list that stand before the word */
    int64_t *list_at;      /* [nb_list + 1] first call of each list */
    uint32_t *list; /* [list_at[nb_list]] calls in order, position * 2 + state: up to nb_neighbour before the
                       words held, those of the words, up to nb_neighbour behind */
    int64_t *value_at; /* [nb_list] where the values of a list start, one per call; -1: a binary cell */
    float *value;
    float *bulk;     /* [nb_bulk][positions held], NaN where not observed */
    uint64_t *annos; /* [annotations][words held] */
    size_t bytes;    /* of all arrays */
    bool share;      /* all ranks load the same: rank 0 reads, and each host holds it once */
    struct dcpg_par_shared *shared[DCPG_SPAN_MAX_SHARED];
    int nb_shared;
} dcpg_span;

/* Loads the arrays of `span`, of which samples, sites, chromosomes and `share` are set; of an empty one
 * (site_first == site_end) nothing, but it takes part. What was read is checked: DCPG_E_INPUT names the
 * damaged dataset. Collective. */
dcpg_status dcpg_span_load_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err);
void dcpg_span_free_all(dcpg_span *span); /* Collective where it is shared, else Local */

/* Zeroed memory that is the span's, on all ranks or none. Collective. */
dcpg_status dcpg_span_alloc_all(const dcpg_par *par, dcpg_span *span, int64_t count, size_t size,
                                const char *what, void **out, dcpg_err *err);

/* Reads elements [first, end) of a list, or rows of pairs, into memory of the span. Collective. */
dcpg_status dcpg_span_read_all(const dcpg_store *store, dcpg_h5 *file, dcpg_span *span, const char *path,
                               dcpg_h5_type type, size_t size, int64_t first, int64_t end, void **out,
                               dcpg_err *err);

/* The positions next to a span that its lists start and end with. */
typedef struct dcpg_far {
    int64_t *found; /* [nb_list] so many */
    int64_t *index; /* [nb_list][nb_neighbour] of the position, the nearest first */
    uint32_t *call; /* the same as in lists */
} dcpg_far;

/* Loads the bitmaps of the words chosen, and finds the calls beyond them: far[0] before, far[1] behind, whose
 * arrays must be there, found[] 0. Collective. */
dcpg_status dcpg_span_load_calls_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span,
                                     dcpg_far far[2], dcpg_err *err);

/* Makes lists of them, with values. Collective. */
dcpg_status dcpg_span_make_lists_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span,
                                     const dcpg_far far[2], dcpg_err *err);

/* Loads bulk profiles and annotations of the words chosen. Collective. */
dcpg_status dcpg_span_load_extras_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span,
                                      dcpg_err *err);

/* ---- looking things up; Local ---- */

/* Positions held: [first, end). */
static inline int64_t dcpg_span_pos_first(const dcpg_span *span) { return 64 * span->word_first; }

static inline int64_t dcpg_span_pos_end(const dcpg_span *span, const dcpg_store *store) {
    int64_t end = 64 * span->word_end;
    return end < store->nb_pos ? end : store->nb_pos;
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

/* Bits of the positions before `index` in its word. */
static inline uint64_t dcpg_bits_before(int64_t index) { return (UINT64_C(1) << index % 64) - 1; }

/* Chromosome of a position (positions and sites alike: pass the store's offsets). */
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
