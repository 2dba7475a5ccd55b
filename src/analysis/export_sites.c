/* SPDX-License-Identifier: MIT */
/* Export: walks over the data file in blocks of rows, and makes of labels and predictions what a column holds
 * at each site. */
#include "analysis/export_impl.h"
#include "base/number.h"

#include <dcpg/memory.h>

#include <math.h>
#include <string.h>

dcpg_status dcpg_export_sites_open(export_run *run, dcpg_err *err) {
    export_sites *s = &run->sites;
    size_t block = (size_t)min_i64(run->data.total, EXPORT_BLOCK), most = block + 2 * EXPORT_SIDE;
    s->name = dcpg_alloc(most, run->data.width);
    s->chromo = dcpg_alloc(3 * most, sizeof *s->chromo);
    run->numbers.label = dcpg_alloc(2 * most * EXPORT_MAX_CLASS, sizeof *run->numbers.label);
    run->site = dcpg_alloc(block, sizeof *run->site);
    if (!s->name || !s->chromo || !run->numbers.label || !run->site)
        return dcpg_fail_nomem(err, "sites",
                               block * (run->data.width + 2 * EXPORT_MAX_CLASS * sizeof(float)));
    s->pos = s->chromo + most;
    s->at = s->pos + most;
    run->numbers.prediction = run->numbers.label + most * EXPORT_MAX_CLASS;
    return DCPG_OK;
}

void dcpg_export_sites_close(export_run *run) {
    dcpg_free(run->sites.name);
    dcpg_free(run->sites.chromo);
    dcpg_free(run->numbers.label);
    dcpg_free(run->site);
}

/* ---- places ---- */

/* Reads the places of rows [first, end), and of their neighbours where qualities are wanted. */
static dcpg_status read_places(export_run *run, int64_t first, int64_t end, dcpg_err *err) {
    export_sites *s = &run->sites;
    int64_t side = run->qualities ? EXPORT_SIDE : 0;
    s->first = first;
    s->end = end;
    s->from = max_i64(first - side, 0);
    s->nb_read = min_i64(end + side, run->data.total) - s->from;
    s->n = 0;
    DCPG_TRY(dcpg_export_read_places(&run->data, s->from, s->nb_read, s->name, s->pos, err));
    const export_names names = {s->name, run->data.width};
    for (int64_t i = 0, k = 0; i < s->nb_read; i++)
        s->chromo[i] = (int32_t)(k = dcpg_export_row_chromo(&run->chromos, names, i, k));
    for (int64_t i = first - s->from; i < end - s->from; i++)
        if (run->chromos.v[s->chromo[i]].wanted) s->at[s->n++] = (int32_t)i;
    return DCPG_OK;
}

/* ---- values ---- */

/* The observed class, or the likeliest one. */
static float class_of(const float *label, const float *prediction, int64_t classes) {
    int64_t likeliest = 0;
    for (int64_t c = 0; c < classes; c++) {
        if (label[c] > 0) return (float)c;
        if (prediction[c] > prediction[likeliest]) likeliest = c;
    }
    return (float)likeliest;
}

static float known_or_predicted(const export_numbers *v, int64_t i) {
    return v->label[i] >= 0 ? v->label[i] : v->prediction[i];
}

/* Mean absolute difference of the prediction at row `at` from the values of the nearest sites, EXPORT_SIDE on
 * each side on the same chromosome; 0 where there are none. */
static float difference_at(const export_run *run, int32_t at) {
    const export_sites *s = &run->sites;
    int64_t n = 0, first = max_i64(at - EXPORT_SIDE, 0), end = min_i64(at + EXPORT_SIDE + 1, s->nb_read);
    double sum = 0;
    for (int64_t i = first; i < end; i++) {
        if (i == at || s->chromo[i] != s->chromo[at]) continue;
        sum += fabs((double)known_or_predicted(&run->numbers, i) - (double)run->numbers.prediction[at]);
        n++;
    }
    return n > 0 ? (float)(sum / (double)n) : 0;
}

static void add_observed(float label, export_site *site) {
    site->sum += (double)label;
    site->n++;
    site->observed++;
    site->methylated += label >= 0.5f;
}

static void add_imputed(const export_run *run, int32_t at, export_site *site) {
    const dcpg_export_options *options = run->options;
    double p = (double)run->numbers.prediction[at], quality = 0;
    if (run->qualities) {
        site->confidence = fabsf(run->numbers.prediction[at] - 0.5f);
        site->difference = difference_at(run, at);
        quality = (double)export_quality_of(site->confidence, site->difference);
        if (quality < options->min_quality) return;
    }
    site->sum += p;
    site->n++;
    bool positive = p >= options->methylated_from;
    if (!positive && p > options->unmethylated_to) return;
    site->imputed++;
    site->positive += positive;
    site->probability += p;
    site->quality += quality;
}

/* Adds the output whose numbers were read to the sites of the block. */
static void add_output(const export_run *run, export_mode mode, export_site *site) {
    const export_numbers *v = &run->numbers;
    for (int64_t i = 0; i < run->sites.n; i++) {
        int32_t at = run->sites.at[i];
        if (v->classes > 1)
            site[i] = (export_site){.sum = (double)class_of(v->label + at * v->classes,
                                                            v->prediction + at * v->classes, v->classes),
                                    .n = 1};
        else if (v->label[at] >= 0 && mode != EXPORT_IMPUTED)
            add_observed(v->label[at], &site[i]);
        else if (!(v->label[at] >= 0) && mode != EXPORT_OBSERVED)
            add_imputed(run, at, &site[i]);
    }
}

dcpg_status dcpg_export_read_column(export_run *run, const export_column *column, export_site *site,
                                    dcpg_err *err) {
    memset(site, 0, (size_t)run->sites.n * sizeof *site);
    for (size_t o = 0; o < column->n; o++) {
        run->numbers.first = run->sites.from;
        run->numbers.n = run->sites.nb_read;
        DCPG_TRY(dcpg_export_read_numbers(&run->data, column->output[o], &run->numbers, err));
        add_output(run, column->mode, site);
    }
    return DCPG_OK;
}

/* ---- walks ---- */

dcpg_status dcpg_export_walk(export_run *run, const export_walk *walk, dcpg_err *err) {
    for (int64_t first = walk->first; first < walk->end; first += walk->block) {
        dcpg_par_busy(run->par);
        DCPG_TRY(read_places(run, first, min_i64(walk->end, first + walk->block), err));
        if (run->sites.n == 0) continue;
        if (walk->column) DCPG_TRY(dcpg_export_read_column(run, walk->column, run->site, err));
        DCPG_TRY(walk->each(run, walk->to, err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_export_each(export_run *run, const export_column *column, export_block_fn *each, void *to,
                             dcpg_err *err) {
    const export_walk walk = {
        .column = column, .end = run->data.total, .block = EXPORT_BLOCK, .each = each, .to = to};
    return dcpg_export_walk(run, &walk, err);
}
