/* SPDX-License-Identifier: MIT */
/* Allocates batches, whose arrays a source fills. */
#include <dcpg/memory.h>
#include <dcpg/source.h>

dcpg_status dcpg_batch_new(const dcpg_source *source, int64_t capacity, dcpg_batch **batch, dcpg_err *err) {
    *batch = NULL;
    size_t rows = (size_t)capacity, cpg = source->cells.n * (size_t)(2 * source->cpg_wlen);
    dcpg_batch *b = dcpg_alloc(1, sizeof *b);
    if (!b) return dcpg_fail_nomem(err, "a batch", sizeof *b);
    b->capacity = capacity;
    b->id = dcpg_alloc(rows, sizeof *b->id);
    if (source->dna_wlen > 0) b->dna = dcpg_alloc(rows, (size_t)source->dna_wlen);
    if (source->cpg_wlen > 0) b->cpg = dcpg_alloc(rows, cpg * sizeof *b->cpg);
    b->label = dcpg_alloc(rows, source->outputs.n * sizeof *b->label);
    if (!b->id || !b->label || (source->dna_wlen > 0 && !b->dna) || (source->cpg_wlen > 0 && !b->cpg)) {
        dcpg_batch_free(b);
        return dcpg_fail_nomem(err, "a batch",
                               rows * ((size_t)source->dna_wlen + (cpg + source->outputs.n) * sizeof(float)));
    }
    *batch = b;
    return DCPG_OK;
}

void dcpg_batch_free(dcpg_batch *batch) {
    if (!batch) return;
    dcpg_free(batch->id);
    dcpg_free(batch->dna);
    dcpg_free(batch->cpg);
    dcpg_free(batch->label);
    dcpg_free(batch);
}

void dcpg_source_close(dcpg_source *source) {
    if (source) source->ops->close(source);
}
