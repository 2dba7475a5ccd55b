/* SPDX-License-Identifier: MIT */
/* Writes DeepCpG data files from a store or from other DeepCpG data files. */
#include "cmd/cmd.h"
#include "cmd/convert.h"

#include <dcpg/memory.h>

#include <inttypes.h>

dcpg_status dcpg_cmd_check_windows(const dcpg_cmd_windows *w, dcpg_err *err) {
    if (w->dna_wlen > 0 && w->dna_wlen % 2 == 0)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--dna_wlen %" PRId64 ": a window with a middle has an odd length", w->dna_wlen);
    if (w->cpg_wlen > 0 && w->cpg_wlen % 2 == 1)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--cpg_wlen %" PRId64
                         ": half of the neighbours are on either side, so their number is even",
                         w->cpg_wlen);
    return DCPG_OK;
}

/* Everything made from the data on the way to the files; freed together. */
typedef struct parts {
    dcpg_strings cells, outputs;
    bool *real;
    dcpg_source *source;
    dcpg_deepcpg_stretch *stretch;
    int64_t nb_stretch;
} parts;

static bool has_dna(const dcpg_cmd_named *data) {
    return data->store ? data->store->has_dna : data->set->dna_wlen > 0;
}

/* Window lengths: the user's, otherwise the usual ones where the data have DNA or neighbours to cut. */
static dcpg_want choose_windows(const dcpg_cmd_windows *w, const dcpg_cmd_named *data) {
    dcpg_want want = {.raw = true, .annos = true};
    bool neighbours = data->store || data->set->cpg_wlen > 0;
    want.dna_wlen = w->no_dna ? 0 : w->dna_wlen >= 0 ? w->dna_wlen : has_dna(data) ? data->dna_wlen : 0;
    want.cpg_wlen = w->cpg_wlen >= 0 ? w->cpg_wlen : neighbours ? data->cpg_wlen : 0;
    return want;
}

static dcpg_status choose(const dcpg_cmd_windows *w, const dcpg_cmd_named *data, parts *p, dcpg_err *err) {
    if (data->cells->n > 0)
        DCPG_TRY(dcpg_strings_select(data->cells, &w->replicates, 0, "cell", &p->cells, err));
    if (data->outputs->n > 0)
        DCPG_TRY(dcpg_strings_select(data->outputs, &w->outputs, 0, "output", &p->outputs, err));
    p->real = dcpg_alloc(p->cells.n, sizeof *p->real);
    if (!p->real) return dcpg_fail_nomem(err, "cells", p->cells.n * sizeof *p->real);
    for (size_t i = 0; i < p->cells.n; i++) {
        ptrdiff_t k = dcpg_strings_find(data->cells, p->cells.v[i]);
        p->real[i] = data->store ? !data->store->binary[k] : data->set->real[k];
    }
    return DCPG_OK;
}

static dcpg_status write_all(const dcpg_cmd_windows *w, const dcpg_cmd_named *data,
                             const dcpg_strings *chromos, dcpg_log *log, parts *p, dcpg_err *err) {
    const dcpg_par *par = data->store ? data->store->par : data->set->par;
    const dcpg_strings *inputs = data->files;
    DCPG_TRY(dcpg_agree_all(par, choose(w, data, p, err), err));
    if (w->replicates.n) dcpg_cmd_log_chosen(log, "cell", &p->cells, data->cells->n);
    if (w->outputs.n) dcpg_cmd_log_chosen(log, "output", &p->outputs, data->outputs->n);
    dcpg_want want = choose_windows(w, data);
    want.cells = &p->cells;
    want.outputs = &p->outputs;
    DCPG_TRY(dcpg_cmd_source_all(data, chromos, &want, log, &p->source, err));
    DCPG_TRY(dcpg_agree_all(par, dcpg_cmd_stretches(data, p->source, &p->stretch, &p->nb_stretch, err), err));
    dcpg_deepcpg_write_options options = {.out_dir = w->out_dir,
                                          .chunk_size = w->chunk_size,
                                          .seed = (uint64_t)w->seed,
                                          .inputs = inputs,
                                          .force = w->force,
                                          .real = p->real,
                                          .nb_stretch = p->nb_stretch,
                                          .stretch = p->stretch};
    return dcpg_deepcpg_write_all(p->source, &options, log, err);
}

dcpg_status dcpg_cmd_write_files_all(const dcpg_cmd_windows *windows, const dcpg_cmd_named *data,
                                     const dcpg_strings *chromos, dcpg_log *log, dcpg_err *err) {
    parts p = {0};
    dcpg_status status = write_all(windows, data, chromos, log, &p, err);
    dcpg_source_close(p.source);
    dcpg_strings_free(&p.cells);
    dcpg_strings_free(&p.outputs);
    dcpg_free(p.real);
    dcpg_free(p.stretch);
    return status;
}
