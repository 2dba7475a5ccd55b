/* How far a span must reach for every cell to have its observed neighbours: words are read outwards, twice as many each time, until all cells have enough. */
#include "data/span.h"
#include "data/store_layout.h"
#include <dcpg/memory.h>

/* One direction. */
typedef struct side {
    int64_t low, high;   /* calls at positions [low, high) count: those of the chromosome beyond the outermost site */
    int64_t near, limit; /* words up to `near` were read, `limit` is the last that holds one of these positions; limit < near on the left side */
    bool left;
    int64_t *found;      /* [nb_cell] calls so far */
} side;

static bool complete(const dcpg_span_want *want, const side *s)
{
    if (s->near == s->limit) return true;
    for (int64_t j = 0; j < want->nb_cell; j++) {
        bool has_calls = want->neighbours[j] && want->store->nb_call[want->cell[j]] > 0;
        if (has_calls && s->found[j] < want->nb_neighbour) return false;
    }
    return true;
}

/* Observed positions among [low, high) in `n` words from word `first` on. */
static int64_t count_calls(const uint64_t *words, int64_t first, int64_t n, int64_t low, int64_t high)
{
    int64_t count = 0;
    for (int64_t i = 0; i < n; i++) {
        uint64_t bits = words[i];
        int64_t start = 64 * (first + i);
        if (start < low) bits &= low - start < 64 ? ~UINT64_C(0) << (low - start) : 0;
        if (start + 64 > high) bits &= high > start ? ~UINT64_C(0) >> (start + 64 - high) : 0;
        count += __builtin_popcountll(bits);
    }
    return count;
}

/* Reads the next `words` words of all cells on one side and counts. Collective. */
static dcpg_status step_all(const dcpg_span_want *want, dcpg_h5 *file, side *s, int64_t words, dcpg_err *err)
{
    int64_t left = s->left ? s->near - s->limit : s->limit - s->near;
    int64_t n = complete(want, s) ? 0 : words < left ? words : left;
    int64_t first = s->left ? s->near - n : s->near;
    int64_t row = want->cell[0], rows = want->cell[want->nb_cell - 1] + 1 - row;
    uint64_t *bits = dcpg_alloc((size_t)rows, (size_t)n * sizeof *bits);
    dcpg_status status = bits ? DCPG_OK : dcpg_fail_nomem(err, "neighbours", (unsigned long long)rows * (unsigned long long)n * sizeof *bits);
    status = dcpg_agree_all(want->store->par, status, err);
    if (status == DCPG_OK) status = dcpg_h5_read(file, STORE_OBSERVED, DCPG_H5_U64, &(dcpg_h5_block){{row, first}, {rows, n}}, bits, err);
    for (int64_t j = 0; j < want->nb_cell && status == DCPG_OK; j++) {
        s->found[j] += count_calls(bits + (want->cell[j] - row) * n, first, n, s->low, s->high);
    }
    s->near = s->left ? first : first + n;
    dcpg_free(bits);
    return status;
}

/* Words in which the sparsest cell has about twice the calls wanted. */
static int64_t guess_words(const dcpg_span_want *want)
{
    const dcpg_store *store = want->store;
    int64_t fewest = store->nb_pos;
    for (int64_t j = 0; j < want->nb_cell; j++) {
        int64_t n = store->nb_call[want->cell[j]];
        if (want->neighbours[j] && n > 0 && n < fewest) fewest = n;
    }
    double words = 2.0 * (double)want->nb_neighbour * (double)store->nb_pos / (64.0 * (double)fewest) + 1;
    return words < (double)store_words(store->nb_pos) ? (int64_t)words : store_words(store->nb_pos);
}

static dcpg_status widen_all(const dcpg_span_want *want, dcpg_h5 *file, side *left, side *right, dcpg_err *err)
{
    const dcpg_par *par = want->store->par;
    for (int64_t words = guess_words(want);; words *= words < store_words(want->store->nb_pos) ? 2 : 1) {
        int64_t open = !complete(want, left) || !complete(want, right);
        if (!dcpg_max_i64_all(par, open)) return DCPG_OK;
        DCPG_TRY(step_all(want, file, left, words, err));
        DCPG_TRY(step_all(want, file, right, words, err));
    }
}

dcpg_status dcpg_span_widen_all(const dcpg_span_want *want, dcpg_h5 *file, int64_t first_pos, int64_t last_pos, dcpg_span *span, dcpg_err *err)
{
    const dcpg_store *store = want->store;
    if (want->nb_cell == 0 || want->nb_neighbour == 0) return DCPG_OK;
    side left = {.left = true}, right = {0};
    if (span->word_first < span->word_end) {
        int64_t start = store->pos_offset[span->chromo_first], end = store->pos_offset[span->chromo_last + 1];
        left = (side){.left = true, .low = start, .high = first_pos, .near = span->word_first + 1, .limit = start / 64};
        right = (side){.low = last_pos + 1, .high = end, .near = span->word_end - 1, .limit = store_words(end)};
    }
    size_t n = (size_t)want->nb_cell;
    int64_t *found = dcpg_alloc(2 * n, sizeof *found);
    dcpg_status status = found ? DCPG_OK : dcpg_fail_nomem(err, "neighbours", 2 * n * sizeof *found);
    status = dcpg_agree_all(store->par, status, err);
    left.found = found;
    right.found = found ? found + n : NULL;
    if (status == DCPG_OK) status = widen_all(want, file, &left, &right, err);
    if (span->word_first < span->word_end) {
        if (left.near < span->word_first) span->word_first = left.near;
        if (right.near > span->word_end) span->word_end = right.near;
    }
    dcpg_free(found);
    return status;
}
