/* A span: the part of a store that one rank holds in memory, on chromosomes that follow each other in the store. All numbers are the store's own: positions, sites and
 * bytes keep the indices they have in the file. */
#ifndef DCPG_DATA_SPAN_H
#define DCPG_DATA_SPAN_H

#include <dcpg/h5.h>
#include <dcpg/store.h>

/* 64 positions of one cell: which were observed, and their rounded values. */
typedef struct dcpg_call_word {
    uint64_t observed, state;
} dcpg_call_word;

/* Which cells are held, and how many observed neighbours must be there on either side of every site. The same on all ranks and for all spans. */
typedef struct dcpg_span_want {
    const dcpg_store *store;
    int64_t dna_wlen;        /* 0: no bases */
    int64_t nb_neighbour;    /* per side: cpg_wlen / 2 */
    int64_t nb_cell;
    int64_t *cell;           /* [nb_cell] the store's cells, ascending */
    int64_t nb_value;
    int64_t *value_of;       /* [nb_cell] number among the nb_value cells that are not binary, -1 for binary ones */
    int64_t *value_row;      /* [nb_value] row in the store's values */
    bool *neighbours;        /* [nb_cell] neighbours are wanted, not labels alone */
    int64_t nb_bulk;
    int64_t *bulk_row;       /* [nb_bulk] rows of the bulk profiles wanted */
    bool annos;              /* annotations are wanted */
} dcpg_span_want;

typedef struct dcpg_span {
    int64_t sample_first, sample_end; /* the source's samples that it is for */
    int64_t site_first, site_end;     /* the same as sites of the store */
    int chromo_first, chromo_last;
    int64_t word_first, word_end;     /* bitmap words held; positions 64 * word_first up to 64 * word_end, or the last one */
    int64_t byte_first, byte_end;     /* packed bases held */
    int64_t *site;          /* [site_end - site_first] index of the position; NULL: site i is position i */
    int32_t *pos;           /* [positions held] 1-based */
    uint8_t *bases;         /* [byte_end - byte_first] */
    int64_t *run;           /* [run_offset[chromo_last + 1] - run_offset[chromo_first]][2] of the chromosomes touched */
    dcpg_call_word *calls;  /* [word_end - word_first][nb_cell] */
    float *value;           /* observed values of the cells that are not binary, cell after cell */
    int64_t *value_at;      /* [nb_value + 1] first value of each such cell */
    uint32_t *value_before; /* [word_end - word_first][nb_value] observed positions in the words before */
    float *bulk;            /* [nb_bulk][positions held], NaN where not observed */
    uint64_t *annos;        /* [annotations][words held] */
    size_t bytes;           /* of all arrays */
} dcpg_span;

/* Loads the arrays of `span`, of which samples, sites and chromosomes are set; of an empty one (site_first == site_end) nothing, but it takes part. What was read is checked:
 * DCPG_E_INPUT names the damaged dataset. Collective. */
dcpg_status dcpg_span_load_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err);
void dcpg_span_free(dcpg_span *span);

/* Widens word_first and word_end from the words of the first and last site's own positions until every cell has the neighbours wanted or the chromosome ends. Collective. */
dcpg_status dcpg_span_widen_all(const dcpg_span_want *want, dcpg_h5 *file, int64_t first_pos, int64_t last_pos, dcpg_span *span, dcpg_err *err);

/* Loads calls and values of the words chosen. Collective. */
dcpg_status dcpg_span_load_calls_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err);
dcpg_status dcpg_span_load_values_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err);

/* Zeroed memory that counts as the span's; NULL when out of memory. */
void *dcpg_span_alloc(dcpg_span *span, int64_t count, size_t size);

/* Loads bulk profiles and annotations of the words chosen. Collective. */
dcpg_status dcpg_span_load_extras_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err);

/* ---- looking things up; Local ---- */

/* Positions held: [first, end). */
static inline int64_t dcpg_span_pos_first(const dcpg_span *span)
{
    return 64 * span->word_first;
}

static inline int64_t dcpg_span_pos_end(const dcpg_span *span, const dcpg_store *store)
{
    int64_t end = 64 * span->word_end;
    return end < store->nb_pos ? end : store->nb_pos;
}

/* Index of the position of site `site`. */
static inline int64_t dcpg_span_index(const dcpg_span *span, int64_t site)
{
    return span->site ? span->site[site - span->site_first] : site;
}

static inline int32_t dcpg_span_pos(const dcpg_span *span, int64_t index)
{
    return span->pos[index - 64 * span->word_first];
}

static inline const dcpg_call_word *dcpg_span_word(const dcpg_span_want *want, const dcpg_span *span, int64_t word, int64_t cell)
{
    return &span->calls[(word - span->word_first) * want->nb_cell + cell];
}

/* Chromosome of a position (positions and sites alike: pass the store's offsets). */
static inline int dcpg_store_chromo_of(const int64_t *offset, int nb_chromo, int64_t index)
{
    int low = 0, high = nb_chromo; /* offset[low] <= index < offset[high] */
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (offset[middle] <= index) low = middle;
        else high = middle;
    }
    return low;
}

#endif
