/* Loading a span: sites, positions, bases; calls and values are in span_calls.c. */
#include "data/span.h"

#include "data/store_layout.h"
#include <dcpg/memory.h>
#include <string.h>

void *dcpg_span_alloc(dcpg_span *span, int64_t count, size_t size)
{
    void *memory = dcpg_alloc((size_t)count, size);
    if (memory) span->bytes += (size_t)count * size;
    return memory;
}

void dcpg_span_free(dcpg_span *span)
{
    dcpg_free(span->site);
    dcpg_free(span->pos);
    dcpg_free(span->bases);
    dcpg_free(span->run);
    dcpg_free(span->calls);
    dcpg_free(span->value);
    dcpg_free(span->value_at);
    dcpg_free(span->value_before);
    dcpg_free(span->bulk);
    dcpg_free(span->annos);
    *span = (dcpg_span){0};
}

/* Reads elements [first, end) of a list, or rows of pairs, into new memory. Collective. */
static dcpg_status read_part_all(const dcpg_store *store, dcpg_h5 *file, dcpg_span *span, const char *path, dcpg_h5_type type, size_t size, int64_t first, int64_t end,
                                 void **out, dcpg_err *err)
{
    void *memory = dcpg_span_alloc(span, end - first, size);
    dcpg_status status = memory ? DCPG_OK : dcpg_fail_nomem(err, path, (unsigned long long)(end - first) * size);
    status = dcpg_agree_all(store->par, status, err);
    dcpg_h5_block block = {{first, 0}, {end - first, 2}}; /* a list has no second dimension */
    if (status == DCPG_OK) status = dcpg_h5_read(file, path, type, &block, memory, err);
    if (status == DCPG_OK) *out = memory;
    else dcpg_free(memory);
    return status;
}

static dcpg_status check_sites(const dcpg_store *store, const dcpg_span *span, dcpg_err *err)
{
    int64_t low = store->pos_offset[span->chromo_first], high = store->pos_offset[span->chromo_last + 1];
    for (int64_t i = 0; i < span->site_end - span->site_first; i++) {
        if (span->site[i] < low || span->site[i] >= high) return dcpg_store_fail_damaged(store, STORE_SITES, "does not ascend within the positions", err);
        low = span->site[i] + 1;
    }
    return DCPG_OK;
}

static dcpg_status load_sites_all(const dcpg_store *store, dcpg_h5 *file, dcpg_span *span, dcpg_err *err)
{
    if (store->all_sites) return DCPG_OK;
    void *site = NULL;
    DCPG_TRY(read_part_all(store, file, span, STORE_SITES, DCPG_H5_I64, sizeof *span->site, span->site_first, span->site_end, &site, err));
    span->site = site;
    return dcpg_agree_all(store->par, check_sites(store, span, err), err);
}

static dcpg_status check_positions(const dcpg_store *store, const dcpg_span *span, dcpg_err *err)
{
    int64_t first = dcpg_span_pos_first(span), end = dcpg_span_pos_end(span, store);
    if (first == end) return DCPG_OK;
    int c = dcpg_store_chromo_of(store->pos_offset, store->nb_chromo, first);
    int32_t before = 0;
    for (int64_t i = first; i < end; i++) {
        if (i == store->pos_offset[c + 1]) {
            c++;
            before = 0;
        }
        int32_t pos = dcpg_span_pos(span, i);
        if (pos <= before) return dcpg_store_fail_damaged(store, STORE_POS, "does not ascend", err);
        if (store->has_dna && pos > store->length[c]) return dcpg_store_fail_damaged(store, STORE_POS, "goes beyond the end of a chromosome", err);
        before = pos;
    }
    return DCPG_OK;
}

static dcpg_status load_positions_all(const dcpg_store *store, dcpg_h5 *file, dcpg_span *span, dcpg_err *err)
{
    void *pos = NULL;
    int64_t first = dcpg_span_pos_first(span), end = dcpg_span_pos_end(span, store);
    DCPG_TRY(read_part_all(store, file, span, STORE_POS, DCPG_H5_I32, sizeof *span->pos, first, end, &pos, err));
    span->pos = pos;
    return dcpg_agree_all(store->par, check_positions(store, span, err), err);
}

static dcpg_status check_runs(const dcpg_store *store, const dcpg_span *span, dcpg_err *err)
{
    const int64_t *run = span->run;
    for (int c = span->chromo_first; c <= span->chromo_last; c++) {
        int64_t before = 0;
        for (int64_t i = store->run_offset[c]; i < store->run_offset[c + 1]; i++, run += 2) {
            if (run[0] < before || run[1] <= run[0] || run[1] > store->length[c]) return dcpg_store_fail_damaged(store, STORE_RUNS, "is not in order", err);
            before = run[1];
        }
    }
    return DCPG_OK;
}

/* Bases from half a window before the first site to half a window behind the last. */
static void choose_bases(const dcpg_span_want *want, dcpg_span *span, int64_t first_index, int64_t last_index)
{
    const dcpg_store *store = want->store;
    int64_t start = dcpg_span_pos(span, first_index) - 1 - want->dna_wlen / 2;
    int64_t end = dcpg_span_pos(span, last_index) + want->dna_wlen / 2;
    if (start < 0) start = 0;
    if (end > store->length[span->chromo_last]) end = store->length[span->chromo_last];
    span->byte_first = store->base_offset[span->chromo_first] + start / 4;
    span->byte_end = store->base_offset[span->chromo_last] + store_base_bytes(end);
}

static dcpg_status load_bases_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err)
{
    const dcpg_store *store = want->store;
    bool empty = span->site_first == span->site_end;
    if (want->dna_wlen == 0) return DCPG_OK;
    if (!empty) choose_bases(want, span, dcpg_span_index(span, span->site_first), dcpg_span_index(span, span->site_end - 1));
    void *memory = NULL;
    DCPG_TRY(read_part_all(store, file, span, STORE_BASES, DCPG_H5_U8, 1, span->byte_first, span->byte_end, &memory, err));
    span->bases = memory;
    int64_t run_first = empty ? 0 : store->run_offset[span->chromo_first], run_end = empty ? 0 : store->run_offset[span->chromo_last + 1];
    DCPG_TRY(read_part_all(store, file, span, STORE_RUNS, DCPG_H5_I64, 2 * sizeof *span->run, run_first, run_end, &memory, err));
    span->run = memory;
    return dcpg_agree_all(store->par, empty ? DCPG_OK : check_runs(store, span, err), err);
}

static dcpg_status load_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err)
{
    DCPG_TRY(load_sites_all(want->store, file, span, err));
    int64_t first = 0, last = 0;
    if (span->site_first < span->site_end) {
        first = dcpg_span_index(span, span->site_first);
        last = dcpg_span_index(span, span->site_end - 1);
        span->word_first = first / 64;
        span->word_end = last / 64 + 1;
    }
    DCPG_TRY(dcpg_span_widen_all(want, file, first, last, span, err));
    DCPG_TRY(load_positions_all(want->store, file, span, err));
    DCPG_TRY(load_bases_all(want, file, span, err));
    DCPG_TRY(dcpg_span_load_calls_all(want, file, span, err));
    DCPG_TRY(dcpg_span_load_values_all(want, file, span, err));
    return dcpg_span_load_extras_all(want, file, span, err);
}

dcpg_status dcpg_span_load_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err)
{
    dcpg_status status = load_all(want, file, span, err);
    if (status != DCPG_OK) dcpg_span_free(span);
    return status;
}
