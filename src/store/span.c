/* SPDX-License-Identifier: MIT */
/* Loads a span's sites, positions and bases; calls are loaded in span_calls.c and span_lists.c. */
#include "store/span.h"

#include "store/store_layout.h"
#include <assert.h>
#include <dcpg/memory.h>

/* ---- memory ---- */

/* Memory on every host, with the size that the reading rank asks for. */
static dcpg_status alloc_shared_all(const dcpg_par *par, dcpg_span *span, size_t bytes, void **out,
                                    dcpg_err *err) {
    dcpg_par_shared *shared = NULL;
    assert(span->nb_shared < DCPG_SPAN_MAX_SHARED);
    bytes = (size_t)dcpg_max_i64_all(par, (int64_t)bytes);
    DCPG_TRY(dcpg_par_shared_open_all(par, bytes, &shared, err));
    span->shared[span->nb_shared++] = shared;
    *out = shared->data;
    if (shared->writer) span->bytes += bytes;
    return DCPG_OK;
}

dcpg_status dcpg_span_alloc_all(const dcpg_span_loading *l, int64_t count, size_t size, const char *what,
                                void **out, dcpg_err *err) {
    const dcpg_par *par = l->want->store->par;
    dcpg_span *span = l->span;
    *out = NULL;
    if (span->share) return alloc_shared_all(par, span, (size_t)count * size, out, err);
    void *memory = dcpg_alloc((size_t)count, size);
    dcpg_status status = memory ? DCPG_OK : dcpg_fail_nomem(err, what, (unsigned long long)count * size);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        span->bytes += (size_t)count * size;
        *out = memory;
    } else {
        dcpg_free(memory);
    }
    return status;
}

void dcpg_span_free_all(dcpg_span *span) {
    void *const arrays[] = {span->site,    span->pos,  span->bases,    span->run,   span->calls, span->before,
                            span->list_at, span->list, span->value_at, span->value, span->bulk,  span->annos};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays && !span->share; i++) dcpg_free(arrays[i]);
    for (int i = 0; i < span->nb_shared; i++) dcpg_par_shared_close_all(span->shared[i]);
    *span = (dcpg_span){0};
}

dcpg_status dcpg_span_read_all(const dcpg_span_loading *l, const dcpg_span_part *part, void **out,
                               dcpg_err *err) {
    int64_t n = part->end - part->first;
    DCPG_TRY(dcpg_span_alloc_all(l, n, part->size, part->path, out, err));
    dcpg_h5_block block = {{part->first, 0}, {n, 2}}; /* a list has no second dimension */
    return dcpg_h5_read(l->file, part->path, part->type, &block, *out, err);
}

/* ---- sites and positions ---- */

static dcpg_status check_sites(const dcpg_store *store, const dcpg_span *span, dcpg_err *err) {
    int64_t low = store->pos_offset[span->chromo_first], high = store->pos_offset[span->chromo_last + 1];
    for (int64_t i = 0; i < span->site_end - span->site_first; i++) {
        if (span->site[i] < low || span->site[i] >= high)
            return dcpg_store_fail_damaged(store, STORE_SITES, "does not ascend within the positions", err);
        low = span->site[i] + 1;
    }
    return DCPG_OK;
}

static dcpg_status load_sites_all(const dcpg_span_loading *l, dcpg_err *err) {
    const dcpg_store *store = l->want->store;
    dcpg_span *span = l->span;
    if (store->all_sites) return DCPG_OK;
    const dcpg_span_part part = {STORE_SITES, DCPG_H5_I64, sizeof *span->site, span->site_first,
                                 span->site_end};
    void *site;
    dcpg_status status = dcpg_span_read_all(l, &part, &site, err);
    span->site = site;
    DCPG_TRY(status);
    return dcpg_agree_all(store->par, check_sites(store, span, err), err);
}

static dcpg_status check_positions(const dcpg_store *store, const dcpg_span *span, dcpg_err *err) {
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
        if (store->has_dna && pos > store->length[c])
            return dcpg_store_fail_damaged(store, STORE_POS, "goes beyond the end of a chromosome", err);
        before = pos;
    }
    return DCPG_OK;
}

static dcpg_status load_positions_all(const dcpg_span_loading *l, dcpg_err *err) {
    const dcpg_store *store = l->want->store;
    dcpg_span *span = l->span;
    const dcpg_span_part part = {STORE_POS, DCPG_H5_I32, sizeof *span->pos, dcpg_span_pos_first(span),
                                 dcpg_span_pos_end(span, store)};
    void *pos;
    dcpg_status status = dcpg_span_read_all(l, &part, &pos, err);
    span->pos = pos;
    DCPG_TRY(status);
    return dcpg_agree_all(store->par, check_positions(store, span, err), err);
}

/* ---- bases ---- */

static dcpg_status check_runs(const dcpg_store *store, const dcpg_span *span, dcpg_err *err) {
    const int64_t *run = span->run;
    for (int c = span->chromo_first; c <= span->chromo_last; c++) {
        int64_t before = 0;
        for (int64_t i = store->run_offset[c]; i < store->run_offset[c + 1]; i++, run += 2) {
            if (run[0] < before || run[1] <= run[0] || run[1] > store->length[c])
                return dcpg_store_fail_damaged(store, STORE_RUNS, "is not in order", err);
            before = run[1];
        }
    }
    return DCPG_OK;
}

/* Bases from half a window before the first site to half a window after the last. */
static void choose_bases(const dcpg_span_want *want, dcpg_span *span, int64_t first_index,
                         int64_t last_index) {
    const dcpg_store *store = want->store;
    int64_t start = dcpg_span_pos(span, first_index) - 1 - want->dna_wlen / 2;
    int64_t end = dcpg_span_pos(span, last_index) + want->dna_wlen / 2;
    if (start < 0) start = 0;
    if (end > store->length[span->chromo_last]) end = store->length[span->chromo_last];
    span->byte_first = store->base_offset[span->chromo_first] + start / 4;
    span->byte_end = store->base_offset[span->chromo_last] + store_base_bytes(end);
}

/* Reads the runs of N of the span's chromosomes. Collective. */
static dcpg_status load_runs_all(const dcpg_span_loading *l, dcpg_err *err) {
    const dcpg_store *store = l->want->store;
    dcpg_span *span = l->span;
    bool empty = span->site_first == span->site_end;
    const dcpg_span_part part = {STORE_RUNS, DCPG_H5_I64, 2 * sizeof *span->run,
                                 empty ? 0 : store->run_offset[span->chromo_first],
                                 empty ? 0 : store->run_offset[span->chromo_last + 1]};
    void *run;
    dcpg_status status = dcpg_span_read_all(l, &part, &run, err);
    span->run = run;
    DCPG_TRY(status);
    return dcpg_agree_all(store->par, empty ? DCPG_OK : check_runs(store, span, err), err);
}

static dcpg_status load_bases_all(const dcpg_span_loading *l, dcpg_err *err) {
    dcpg_span *span = l->span;
    if (l->want->dna_wlen == 0) return DCPG_OK;
    if (span->site_first < span->site_end)
        choose_bases(l->want, span, dcpg_span_index(span, span->site_first),
                     dcpg_span_index(span, span->site_end - 1));
    const dcpg_span_part part = {STORE_BASES, DCPG_H5_U8, 1, span->byte_first, span->byte_end};
    void *bases;
    dcpg_status status = dcpg_span_read_all(l, &part, &bases, err);
    span->bases = bases;
    DCPG_TRY(status);
    return load_runs_all(l, err);
}

/* ---- the whole span ---- */

static void choose_words(dcpg_span *span) {
    if (span->site_first == span->site_end) return;
    span->word_first = dcpg_span_index(span, span->site_first) / 64;
    span->word_end = dcpg_span_index(span, span->site_end - 1) / 64 + 1;
}

/* Loads the bitmaps and, for the cells that need them, lists of calls. */
static dcpg_status load_calls_all(const dcpg_span_loading *l, dcpg_err *err) {
    dcpg_far far[2] = {{0}, {0}};
    size_t n = (size_t)l->want->nb_list, most = n * (size_t)l->want->nb_neighbour;
    dcpg_status status = DCPG_OK;
    for (int side = 0; side < 2; side++) {
        far[side] = (dcpg_far){dcpg_alloc(n, sizeof *far->found), dcpg_alloc(most, sizeof *far->index),
                               dcpg_alloc(most, sizeof *far->call)};
        if (!far[side].found || !far[side].index || !far[side].call)
            status = dcpg_fail_nomem(err, "neighbours", most * sizeof *far->index);
    }
    status = dcpg_agree_all(l->want->store->par, status, err);
    if (status == DCPG_OK) status = dcpg_span_load_calls_all(l, far, err);
    if (status == DCPG_OK) status = dcpg_span_make_lists_all(l, far, err);
    for (int side = 0; side < 2; side++) {
        dcpg_free(far[side].found);
        dcpg_free(far[side].index);
        dcpg_free(far[side].call);
    }
    return status;
}

static dcpg_status load_all(const dcpg_span_loading *l, dcpg_err *err) {
    DCPG_TRY(load_sites_all(l, err));
    choose_words(l->span);
    DCPG_TRY(load_positions_all(l, err));
    DCPG_TRY(load_bases_all(l, err));
    DCPG_TRY(load_calls_all(l, err));
    return dcpg_span_load_extras_all(l, err);
}

/* Gives what rank 0 read to the other hosts, and to all ranks the bounds of the words and bytes held. */
static void give_all(const dcpg_par *par, dcpg_span *span) {
    int64_t ends[] = {span->word_first, span->word_end, span->byte_first, span->byte_end};
    dcpg_bcast_all(par, ends, sizeof ends, 0);
    span->word_first = ends[0];
    span->word_end = ends[1];
    span->byte_first = ends[2];
    span->byte_end = ends[3];
    for (int i = 0; i < span->nb_shared; i++)
        dcpg_par_shared_fill_all(par, span->shared[i], 0, span->shared[i]->data, span->shared[i]->bytes, 0);
}

dcpg_status dcpg_span_load_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span, dcpg_err *err) {
    const dcpg_par *par = want->store->par;
    int64_t site_end = span->site_end;
    if (span->share && par->rank > 0)
        span->site_end = span->site_first; /* takes part without loading anything */
    dcpg_status status = load_all(&(dcpg_span_loading){want, file, span}, err);
    span->site_end = site_end;
    if (status != DCPG_OK)
        dcpg_span_free_all(span);
    else if (span->share)
        give_all(par, span);
    return status;
}
