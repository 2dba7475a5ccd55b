/* SPDX-License-Identifier: MIT */
/* Loads bulk profiles and annotations of a span; each is one row of the file. */
#include "store/span.h"
#include "store/store_layout.h"

/* Reads rows row[n] (NULL: 0 to n - 1) of a table, the columns of `part`, one after the other into new
 * memory; n is the same on all ranks. Collective. */
static dcpg_status read_rows_all(const dcpg_span_loading *l, const dcpg_span_part *part, int64_t n,
                                 const int64_t *row, void **out, dcpg_err *err) {
    int64_t width = part->end - part->first;
    dcpg_status status = dcpg_span_alloc_all(l, n * width, part->size, part->path, out, err);
    char *memory = *out;
    for (int64_t i = 0; i < n && status == DCPG_OK; i++) {
        dcpg_h5_block block = {{row ? row[i] : i, part->first}, {width > 0, width}};
        status = dcpg_h5_read(l->file, part->path, part->type, &block,
                              memory + (size_t)(i * width) * part->size, err);
    }
    return status;
}

static dcpg_status load_bulk_all(const dcpg_span_loading *l, dcpg_err *err) {
    dcpg_span *span = l->span;
    const dcpg_span_part part = {STORE_BULK_VALUE, DCPG_H5_F32, sizeof *span->bulk, dcpg_span_pos_first(span),
                                 dcpg_span_pos_end(span, l->want->store)};
    void *memory = NULL;
    dcpg_status status = read_rows_all(l, &part, l->want->nb_bulk, l->want->bulk_row, &memory, err);
    span->bulk = memory;
    return status;
}

static dcpg_status load_annos_all(const dcpg_span_loading *l, dcpg_err *err) {
    dcpg_span *span = l->span;
    const dcpg_span_part part = {STORE_ANNO_INSIDE, DCPG_H5_U64, sizeof *span->annos, span->word_first,
                                 span->word_end};
    void *memory = NULL;
    dcpg_status status = read_rows_all(l, &part, (int64_t)l->want->store->annos.n, NULL, &memory, err);
    span->annos = memory;
    return status;
}

dcpg_status dcpg_span_load_extras_all(const dcpg_span_loading *l, dcpg_err *err) {
    if (l->want->nb_bulk > 0) DCPG_TRY(load_bulk_all(l, err));
    return l->want->annos && l->want->store->annos.n > 0 ? load_annos_all(l, err) : DCPG_OK;
}
