/* SPDX-License-Identifier: MIT */
/* Labels that are statistics over all cells, computed when a batch needs them. Outputs of one site that use
 * the same window follow one another, so the last sums are kept. */
#include "data/store_source.h"

#include <dcpg/memory.h>
#include <string.h>

/* ---- over the cells observed at the position ---- */

bool dcpg_label_bind_cpg_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output) {
    output->every_cell = true;
    return dcpg_strings_find(&store->cpg_stats, rest) >= 0 && dcpg_stat_find(rest, &output->stat);
}

static dcpg_moments position_moments(const dcpg_site *site) {
    dcpg_moments moments = {0};
    for (int64_t cell = 0; cell < site->source->want.nb_cell; cell++) {
        if (dcpg_is_observed(site, cell)) dcpg_moments_add(&moments, (double)dcpg_value_in(site, cell));
    }
    return moments;
}

/* The moments of a window; 0: of the position alone. */
static const dcpg_moments *moments_of(dcpg_site *site, int64_t window) {
    if (site->has_moments && site->window == window) return &site->moments;
    site->moments = window > 0 ? dcpg_window_moments(site, site->source->stat_neighbours, window)
                               : position_moments(site);
    site->window = window;
    site->has_moments = true;
    return &site->moments;
}

float dcpg_label_of_cpg_stat(dcpg_site *site, const dcpg_label_output *output) {
    const dcpg_moments *moments = moments_of(site, 0);
    return moments->n < site->source->store->stats_cov ? -1 : dcpg_stat_value(output->stat, moments);
}

/* ---- over the means of the cells in a window ---- */

/* "<window>/<statistic>" */
bool dcpg_label_bind_win_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output) {
    const char *slash = strchr(rest, '/');
    char *number = slash ? dcpg_strndup(rest, (size_t)(slash - rest)) : NULL;
    bool found = number && dcpg_parse_int(number, &output->window) &&
                 dcpg_strings_find(&store->win_stats, slash + 1) >= 0;
    dcpg_free(number);
    output->every_cell = true;
    bool offered = false;
    for (int64_t i = 0; i < store->nb_win_wlen && found; i++)
        offered = offered || store->win_wlen[i] == output->window;
    return offered && dcpg_stat_find(slash + 1, &output->stat);
}

float dcpg_label_of_win_stat(dcpg_site *site, const dcpg_label_output *output) {
    return dcpg_stat_value(output->stat, moments_of(site, output->window));
}
