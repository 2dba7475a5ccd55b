/* SPDX-License-Identifier: MIT */
/* Outputs of a store: finds them by name, and computes labels of cells and bulk profiles. */
#include "data/store_source.h"

#include <math.h>
#include <string.h>

/* cpg/<cell>: the rounded value of the cell. */
static bool bind_cell(const dcpg_store *store, const char *rest, dcpg_label_output *output) {
    output->cell = dcpg_strings_find(&store->cells, rest);
    return output->cell >= 0;
}

static float label_of_cell(dcpg_site *site, const dcpg_label_output *output) {
    return dcpg_is_observed(site, output->cell) ? (float)dcpg_state_of(site, output->cell) : -1;
}

/* bulk/<name>: the value itself. */
static bool bind_bulk(const dcpg_store *store, const char *rest, dcpg_label_output *output) {
    output->bulk = dcpg_strings_find(&store->bulk, rest);
    return output->bulk >= 0;
}

static float label_of_bulk(dcpg_site *site, const dcpg_label_output *output) {
    const dcpg_span *span = site->span;
    int64_t first = dcpg_span_pos_first(span), held = dcpg_span_pos_end(span, site->source->store) - first;
    float value = span->bulk[output->bulk * held + site->index - first];
    return isnan(value) ? -1 : value;
}

static const dcpg_label_provider providers[] = {
    {"bulk/", bind_bulk, label_of_bulk},
    {"cpg/", bind_cell, label_of_cell},
    {"cpg_stats/", dcpg_label_bind_cpg_stat, dcpg_label_of_cpg_stat},
    {"win_stats/", dcpg_label_bind_win_stat, dcpg_label_of_win_stat},
};

dcpg_status dcpg_label_bind(const dcpg_store *store, const char *name, dcpg_label_output *output,
                            dcpg_err *err) {
    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        const dcpg_label_provider *p = &providers[i];
        size_t length = strlen(p->prefix);
        *output = (dcpg_label_output){.provider = p, .cell = -1, .bulk = -1};
        if (strncmp(name, p->prefix, length) == 0 && p->bind(store, name + length, output)) return DCPG_OK;
    }
    return dcpg_fail(err, DCPG_E_INPUT, "%s: has no output %s: it has %zu, the first is %s", store->path,
                     name, store->outputs.n, store->outputs.v[0]);
}
