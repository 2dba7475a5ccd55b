/* SPDX-License-Identifier: MIT */
/* Writes what a source returns for every k-th site of a store to an HDF5 file, for comparison by other
 * programs. dump_source STORE OUT DNA_WLEN CPG_WLEN K */
#include "base/number.h"

#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/source.h>
#include <dcpg/store.h>
#include <stdio.h>
#include <stdlib.h>

static dcpg_par par;
static dcpg_err err;

static void must(dcpg_status status) {
    if (status == DCPG_OK) return;
    fprintf(stderr, "dump_source: %s\n", err.text);
    dcpg_par_abort(&par, 1);
}

static void put(dcpg_h5 *file, const char *name, dcpg_h5_type type, int ndim, const int64_t *dim,
                const dcpg_h5_block *block, const void *data) {
    dcpg_h5_shape shape = {.type = type, .ndim = ndim};
    for (int i = 0; i < ndim; i++) shape.dim[i] = dim[i];
    must(dcpg_h5_make(file, name, &shape, &err));
    must(dcpg_h5_write(file, name, type, block, data, &err));
}

int main(int argc, char **argv) {
    must(dcpg_par_open_all(&par, &argc, &argv, &err));
    if (argc != 6) return 2;
    int64_t step = atoi(argv[5]);
    dcpg_want want = {.dna_wlen = atoi(argv[3]), .cpg_wlen = atoi(argv[4])};
    dcpg_store *store;
    dcpg_source *source;
    must(dcpg_store_open_all(argv[1], &par, &store, &err));
    must(dcpg_source_from_store_all(store, NULL, &want, &source, &err));
    int64_t total = ceil_div(source->nb_site, step), first = dcpg_part(total, par.rank, par.size),
            n = dcpg_part(total, par.rank + 1, par.size) - first;
    int64_t from = first * step, to = n > 0 ? (first + n - 1) * step + 1 : from;
    must(source->ops->load_all(source, from, to, &err));

    dcpg_batch *batch;
    must(dcpg_batch_new(source, n, &batch, &err));
    int64_t *sample = dcpg_alloc((size_t)n, sizeof *sample);
    int32_t *chromo = dcpg_alloc((size_t)n, sizeof *chromo), *pos = dcpg_alloc((size_t)n, sizeof *pos);
    for (int64_t i = 0; i < n; i++) {
        sample[i] = (first + i) * step;
        must(source->ops->where(source, sample[i], sample[i] + 1, chromo + i, pos + i, &err));
    }
    must(source->ops->fill(source, n, sample, batch, &err));

    dcpg_h5 *file;
    int64_t nb_cell = (int64_t)source->cells.n, nb_output = (int64_t)source->outputs.n;
    must(dcpg_h5_create(argv[2], &par, &file, &err));
    must(dcpg_h5_write_attr_i64(file, "/", "step", step, &err));
    must(dcpg_h5_write_strings(file, "chromos", &source->chromo, &err));
    must(dcpg_h5_write_strings(file, "cells", &source->cells, &err));
    dcpg_h5_block block = {{first}, {n, want.dna_wlen}};
    put(file, "chromo", DCPG_H5_I32, 1, (int64_t[]){total}, &block, chromo);
    put(file, "pos", DCPG_H5_I32, 1, (int64_t[]){total}, &block, pos);
    if (want.dna_wlen > 0)
        put(file, "dna", DCPG_H5_U8, 2, (int64_t[]){total, want.dna_wlen}, &block, batch->dna);
    block = (dcpg_h5_block){{first}, {n, nb_cell, 2 * want.cpg_wlen}};
    put(file, "cpg", DCPG_H5_F32, 3, (int64_t[]){total, nb_cell, 2 * want.cpg_wlen}, &block, batch->cpg);
    block = (dcpg_h5_block){{first}, {n, nb_output}};
    put(file, "label", DCPG_H5_F32, 2, (int64_t[]){total, nb_output}, &block, batch->label);
    must(dcpg_h5_commit(file, &err));

    dcpg_free(sample);
    dcpg_free(chromo);
    dcpg_free(pos);
    dcpg_batch_free(batch);
    dcpg_source_close(source);
    dcpg_store_free(store);
    dcpg_par_close_all(&par);
    return 0;
}
