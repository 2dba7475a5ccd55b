/* Outputs that are statistics over all cells, computed when a batch needs them. */
#include "data/store_layout.h"
#include "data/store_source.h"

#include <dcpg/memory.h>
#include <string.h>

/* ---- over the cells observed at the position ---- */

bool dcpg_label_bind_cpg_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output) {
    output->every_cell = true;
    return dcpg_strings_find(&store->cpg_stats, rest) >= 0 && dcpg_stat_find(rest, &output->stat);
}

float dcpg_label_of_cpg_stat(const dcpg_store_source *source, const dcpg_span *span, const dcpg_label_output *output,
                             int64_t index) {
    dcpg_moments moments = {0};
    for (int64_t j = 0; j < source->want.nb_cell; j++) {
        float value = dcpg_label_value(source, span, j, index);
        if (value >= 0) dcpg_moments_add(&moments, value);
    }
    return moments.n < source->store->stats_cov ? -1 : dcpg_stat_value(output->stat, &moments);
}

/* ---- over the cells' means in a window ---- */

/* "<window>/<statistic>" */
bool dcpg_label_bind_win_stat(const dcpg_store *store, const char *rest, dcpg_label_output *output) {
    const char *slash = strchr(rest, '/');
    char *number = slash ? dcpg_strndup(rest, (size_t)(slash - rest)) : NULL;
    bool found = number && dcpg_parse_int(number, &output->window) && dcpg_strings_find(&store->win_stats, slash + 1) >= 0;
    dcpg_free(number);
    output->every_cell = true;
    bool offered = false;
    for (int64_t i = 0; i < store->nb_win_wlen && found; i++) offered = offered || store->win_wlen[i] == output->window;
    return offered && dcpg_stat_find(slash + 1, &output->stat);
}

/* Mean of a cell over the neighbours that DeepCpG would have stored, as far as they lie in the window, and the
 * position's own rounded value; -1 where there is nothing. */
static float window_mean(const dcpg_store_source *source, const dcpg_span *span, int64_t cell, int64_t index,
                         int64_t window) {
    float near[2 * STORE_MAX_STATS_WLEN];
    int64_t half = source->stat_neighbours, n = 0;
    const float *distance = near + 2 * half;
    double sum = 0;
    dcpg_cut_neighbours(source, span, cell, index, half, true, near);
    for (int64_t i = 0; i < 2 * half; i++) {
        if (distance[i] < 0 || distance[i] > (float)(window / 2)) continue;
        sum += (double)near[i];
        n++;
    }
    const dcpg_call_word *word = dcpg_span_word(&source->want, span, index / 64, cell);
    if (word->observed >> index % 64 & 1) {
        sum += (double)(word->state >> index % 64 & 1);
        n++;
    }
    return n > 0 ? (float)(sum / (double)n) : -1;
}

float dcpg_label_of_win_stat(const dcpg_store_source *source, const dcpg_span *span, const dcpg_label_output *output,
                             int64_t index) {
    dcpg_moments moments = {0};
    for (int64_t j = 0; j < source->want.nb_cell; j++) {
        float mean = window_mean(source, span, j, index, output->window);
        if (mean >= 0) dcpg_moments_add(&moments, mean);
    }
    return dcpg_stat_value(output->stat, &moments);
}
