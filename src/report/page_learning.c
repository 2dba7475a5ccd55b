/* SPDX-License-Identifier: MIT */
/* Section on learning curves: losses and mean metrics of all runs by epoch. */
#include "draw/figure.h"
#include "draw/markup.h"
#include "report/report_impl.h"

#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { WIDTH = 560, HEIGHT = 340, NAME = 64 };

/* A curve as numbers: loss, or score. */
typedef struct line {
    double *epoch, *value; /* [nb] */
    char name[NAME];
} line;

static bool fill(line *l, const report_run *run, const report_curve *curve, bool score) {
    l->epoch = dcpg_alloc(2 * curve->nb, sizeof *l->epoch);
    if (!l->epoch) return false;
    l->value = l->epoch + curve->nb;
    snprintf(l->name, NAME, "%.*s: %s", dcpg_page_fitting(run->name, 40), run->name,
             curve == &run->val ? "validation" : "training");
    for (size_t e = 0; e < curve->nb; e++) {
        l->epoch[e] = (double)(e + 1);
        if (!dcpg_parse_double(score ? curve->v[e].score : curve->v[e].loss, &l->value[e])) l->value[e] = NAN;
    }
    return true;
}

/* Lines of a run's curves: training dashed, validation solid. */
static size_t add_lines(draw_series *series, line *lines, const report_run *run, int colour, bool score) {
    const report_curve *curve[2] = {&run->train, &run->val};
    size_t nb = 0;
    for (int k = 0; k < 2; k++) {
        if (!curve[k]->there || !fill(&lines[nb], run, curve[k], score)) continue;
        series[nb] = (draw_series){.kind = k ? DRAW_LINE : DRAW_DASHED,
                                   .colour = colour,
                                   .name = lines[nb].name,
                                   .n = curve[k]->nb,
                                   .x = lines[nb].epoch,
                                   .y = lines[nb].value};
        nb++;
    }
    return nb;
}

static double last_epoch(const report_run *runs, size_t nb) {
    size_t most = 1;
    for (size_t i = 0; i < nb; i++)
        if (runs[i].train.nb > most) most = runs[i].train.nb;
    return (double)most;
}

/* The first run whose curves are of the metric. */
static size_t first_with(const report_run *runs, size_t nb, const char *metric) {
    size_t i = 0;
    while (i < nb && strcmp(runs[i].train.metric, metric) != 0) i++;
    return i;
}

static void put_figure(FILE *out, const report_run *runs, size_t nb, const char *metric) {
    draw_series *series = dcpg_alloc(2 * nb, sizeof *series);
    line *lines = dcpg_alloc(2 * nb, sizeof *lines);
    size_t n = 0;
    size_t shown = 0;
    char id[NAME], title[NAME], about[256];
    for (size_t i = 0; i < nb && series && lines; i++) {
        if (metric && strcmp(runs[i].train.metric, metric) != 0) continue;
        n += add_lines(series + n, lines + n, &runs[i], (int)i, metric != NULL);
        shown++;
    }
    snprintf(id, sizeof id, metric ? "lc-score-%s" : "lc-loss", metric);
    snprintf(title, sizeof title, metric ? "%s, mean over outputs" : "Loss", metric);
    snprintf(about, sizeof about, "%s by epoch, of %zu run%s: training dashed, validation solid.", title,
             shown, shown == 1 ? "" : "s");
    draw_plot plot = {.title = title,
                      .box = {0, 0, WIDTH, HEIGHT},
                      .x = {.label = "epoch", .low = 1, .high = last_epoch(runs, nb), .whole = true},
                      .nb = n,
                      .series = series};
    plot.box.height += dcpg_draw_more_height(&plot);
    fputs("<figure class=\"card\">\n", out);
    dcpg_draw_begin(out, &(draw_picture){id, title, about, WIDTH, plot.box.height, false});
    dcpg_draw_plot(out, &plot);
    dcpg_draw_end(out);
    fputs("</figure>\n", out);
    for (size_t k = 0; k < n; k++) dcpg_free(lines[k].epoch);
    dcpg_free(series);
    dcpg_free(lines);
}

/* A figure per metric: runs may have different ones. */
static void put_scores(FILE *out, const report_run *runs, size_t nb) {
    for (size_t i = 0; i < nb; i++) {
        const char *metric = runs[i].train.metric;
        if (*metric && first_with(runs, nb, metric) == i) put_figure(out, runs, nb, metric);
    }
}

/* ---- the table ---- */

static void put_numbers(FILE *out, const report_curve *curve, size_t e) {
    bool there = e < curve->nb;
    fputs("<td>", out);
    dcpg_page_number(out, there ? curve->v[e].loss : NULL);
    fputs("</td><td>", out);
    dcpg_page_number(out, there && *curve->metric ? curve->v[e].score : NULL);
    fputs("</td>", out);
}

static void put_epochs(FILE *out, const report_run *run, size_t number) {
    char id[32], caption[128];
    ptrdiff_t best = dcpg_report_best(run);
    snprintf(id, sizeof id, "epochs-%zu", number);
    snprintf(caption, sizeof caption, "Epochs of %.*s", dcpg_page_fitting(run->name, 90), run->name);
    fputs("<details><summary>", out);
    dcpg_draw_text(out, caption);
    fputs("</summary>\n", out);
    dcpg_page_open_table(out, id, "numbers", caption);
    const char *metric = *run->train.metric ? run->train.metric : "metric";
    fprintf(out,
            "<thead><tr><th scope=\"col\">epoch</th><th scope=\"col\">training loss</th><th scope=\"col\">"
            "training %s</th><th scope=\"col\">validation loss</th><th scope=\"col\">validation %s</th></tr>"
            "</thead>\n<tbody>\n",
            metric, metric);
    for (size_t e = 0; e < run->train.nb; e++) {
        fprintf(out, "<tr%s><th scope=\"row\">%zu%s</th>", (ptrdiff_t)e == best ? " class=\"best\"" : "",
                e + 1, (ptrdiff_t)e == best ? " (best)" : "");
        put_numbers(out, &run->train, e);
        put_numbers(out, &run->val, e);
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    dcpg_page_close_table(out);
    fputs("</details>\n", out);
}

void dcpg_page_learning(FILE *out, const report_run *runs, size_t nb) {
    fputs("<section id=\"learning\" aria-labelledby=\"learning-h\">\n", out);
    dcpg_page_heading(out, 2, "learning-h", "Learning curves");
    fputs("<p>Losses of training carry class weights and are means over an epoch in which the model changes; "
          "those of validation are of the model after the epoch. The two are not meant to be equal.</p>\n"
          "<div class=\"figures\">\n",
          out);
    put_figure(out, runs, nb, NULL);
    put_scores(out, runs, nb);
    fputs("</div>\n", out);
    for (size_t i = 0; i < nb; i++) put_epochs(out, &runs[i], i + 1);
    fputs("</section>\n", out);
}
