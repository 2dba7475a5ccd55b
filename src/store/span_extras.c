/* SPDX-License-Identifier: MIT */
/* Loads bulk profiles and annotations of a span; each is one row of the file. */
#include "store/span.h"
#include "store/store_layout.h"

/* Reads rows row[n] (NULL: 0 to n - 1) of a dataset, columns [first, end), one after the other into new
 * memory; n is the same on all ranks. Collective. */
static dcpg_status read_rows_all(const dcpg_store *store, dcpg_h5 *file, dcpg_span *span, const char *path,
                                 dcpg_h5_type type, size_t size, int64_t n, const int64_t *row, int64_t first,
                                 int64_t end, void **out, dcpg_err *err) {
    int64_t width = end - first;
    dcpg_status status = dcpg_span_alloc_all(store->par, span, n * width, size, path, out, err);
    char *memory = *out;
    for (int64_t i = 0; i < n && status == DCPG_OK; i++) {
        dcpg_h5_block block = {{row ? row[i] : i, first}, {width > 0, width}};
        status = dcpg_h5_read(file, path, type, &block, memory + (size_t)(i * width) * size, err);
    }
    return status;
}

dcpg_status dcpg_span_load_extras_all(const dcpg_span_want *want, dcpg_h5 *file, dcpg_span *span,
                                      dcpg_err *err) {
    const dcpg_store *store = want->store;
    void *memory = NULL;
    if (want->nb_bulk > 0) {
        dcpg_status status = read_rows_all(
            store, file, span, STORE_BULK_VALUE, DCPG_H5_F32, sizeof *span->bulk, want->nb_bulk,
            want->bulk_row, dcpg_span_pos_first(span), dcpg_span_pos_end(span, store), &memory, err);
        span->bulk = memory;
        DCPG_TRY(status);
    }
    if (want->annos && store->annos.n > 0) {
        dcpg_status status =
            read_rows_all(store, file, span, STORE_ANNO_INSIDE, DCPG_H5_U64, sizeof *span->annos,
                          (int64_t)store->annos.n, NULL, span->word_first, span->word_end, &memory, err);
        span->annos = memory;
        DCPG_TRY(status);
    }
    return DCPG_OK;
}
