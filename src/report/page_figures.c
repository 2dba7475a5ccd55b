/* SPDX-License-Identifier: MIT */
/* Figures of an evaluation: ROC and precision-recall curves, calibration, AUC by context and by observed
 * share. */
#include "draw/figure.h"
#include "draw/markup.h"
#include "report/report_impl.h"

#include <dcpg/memory.h>
#include <dcpg/metrics.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    WIDTH = 560,
    HEIGHT = 440,
    TEXT = 400,
    MOST_CURVES = 40,
    NB_SHOWN = 3,
    MOST_POINTS = 3000,
    NAME = 120
};

/* An output and its AUC. */
typedef struct ranked {
    size_t output;
    double auc;
} ranked;

static int by_auc(const void *a, const void *b) {
    const ranked *x = a, *y = b;
    return x->auc != y->auc ? (x->auc > y->auc) - (x->auc < y->auc)
                            : (x->output > y->output) - (x->output < y->output);
}

/* Outputs that have an AUC over all sites, the lowest first; dcpg_free. NULL: out of memory. */
static ranked *rank_outputs(const report_scores *s, size_t *nb) {
    ranked *r = dcpg_alloc(s->outputs.n, sizeof *r);
    *nb = 0;
    for (size_t o = 0; r && o < s->outputs.n; o++)
        if (isfinite(s->auc[o])) r[(*nb)++] = (ranked){o, s->auc[o]};
    if (r && *nb) qsort(r, *nb, sizeof *r, by_auc);
    return r;
}

static void open_figure(FILE *out, const draw_picture *picture) {
    fputs("<figure class=\"card\">\n", out);
    dcpg_draw_begin(out, picture);
}

/* Ends the figure; `caption` may hold markup. */
static void close_figure(FILE *out, const char *caption) {
    dcpg_draw_end(out);
    fprintf(out, "<figcaption>%s</figcaption>\n</figure>\n", caption);
}

/* ---- curves ---- */

/* Curves that are drawn: some outputs from the lowest AUC to the highest, at even steps; among them the
 * worst, the median and the best, which have names. */
typedef struct choice {
    dcpg_strings outputs;
    size_t shown[NB_SHOWN]; /* worst, median, best */
    char name[NB_SHOWN][NAME];
} choice;

static dcpg_status choose(const report_scores *s, const ranked *r, size_t nb, choice *c, dcpg_err *err) {
    static const char *const what[NB_SHOWN] = {"lowest", "median", "highest"};
    size_t n = nb < MOST_CURVES + 1 ? nb : MOST_CURVES + 1;
    for (size_t i = 0; i < n; i++) {
        size_t at = n > 1 ? i * (nb - 1) / (n - 1) : 0;
        DCPG_TRY(dcpg_strings_add(&c->outputs, s->outputs.v[r[at].output], err));
    }
    const size_t shown[NB_SHOWN] = {0, n / 2, n - 1};
    for (int k = 0; k < NB_SHOWN; k++) {
        size_t i = shown[k], at = n > 1 ? i * (nb - 1) / (n - 1) : 0;
        c->shown[k] = i;
        snprintf(c->name[k], NAME, "%s: %.*s, %.3f", what[k], dcpg_page_fitting(c->outputs.v[i], 60),
                 c->outputs.v[i], r[at].auc);
    }
    return DCPG_OK;
}

static size_t fill_series(const choice *c, const report_points *points, draw_series *series) {
    static const int colour[NB_SHOWN] = {1, 2, 0};
    size_t nb = 0;
    for (size_t i = 0; i < c->outputs.n; i++)
        series[nb++] = (draw_series){
            .kind = DRAW_LINE, .colour = DRAW_FAINT, .n = points[i].n, .x = points[i].x, .y = points[i].y};
    for (int k = NB_SHOWN - 1; k >= 0; k--) {
        const report_points *p = &points[c->shown[k]];
        bool again = k < NB_SHOWN - 1 && c->shown[k] == c->shown[k + 1];
        if (!again)
            series[nb++] = (draw_series){.kind = DRAW_LINE,
                                         .colour = colour[k],
                                         .name = c->name[k],
                                         .plain = true,
                                         .n = p->n,
                                         .x = p->x,
                                         .y = p->y};
    }
    return nb;
}

/* In precision-recall curves, x of the table is the precision; here it becomes the recall. Points above all
 * methylated calls are left out. */
static void turn(report_points *points, size_t nb) {
    for (size_t k = 0; k < nb; k++)
        for (size_t i = 0; i < points[k].n; i++) {
            double precision = points[k].x[i];
            points[k].x[i] = points[k].y[i];
            points[k].y[i] = points[k].x[i] > 0 ? precision : NAN;
        }
}

static dcpg_status put_curves(FILE *out, const report_eval *e, size_t number, const choice *c,
                              const char *curve, dcpg_err *err) {
    bool roc = strcmp(curve, "roc") == 0;
    char *path = dcpg_format("%s/curves.tsv", e->tables), id[32], about[TEXT];
    size_t n = c->outputs.n;
    report_points *points = dcpg_alloc(n, sizeof *points);
    draw_series *series = dcpg_alloc(n + NB_SHOWN, sizeof *series);
    dcpg_status status = path && points && series ? DCPG_OK : dcpg_fail_nomem(err, "curves", n * 64);
    if (status == DCPG_OK) status = dcpg_report_curves_read(path, curve, &c->outputs, points, err);
    if (status == DCPG_OK) {
        const char *title = roc ? "ROC curves" : "Precision and recall";
        if (!roc) turn(points, n);
        snprintf(id, sizeof id, "eval-%zu-%s", number, curve);
        snprintf(about, sizeof about, "%s of %zu output%s; %s; %s.", title, n, n == 1 ? "" : "s", c->name[0],
                 c->name[NB_SHOWN - 1]);
        open_figure(out, &(draw_picture){id, title, about, WIDTH, HEIGHT, false});
        dcpg_draw_plot(out, &(draw_plot){.title = title,
                                         .box = {0, 0, WIDTH, HEIGHT},
                                         .x = {roc ? "false positive rate" : "recall", 0, 1, false},
                                         .y = {roc ? "true positive rate" : "precision", 0, 1, false},
                                         .diagonal = roc,
                                         .nb = fill_series(c, points, series),
                                         .series = series});
        close_figure(out, "Named by AUC; the others in grey.");
    }
    for (size_t i = 0; points && i < n; i++) dcpg_report_points_free(&points[i]);
    dcpg_free(points);
    dcpg_free(series);
    dcpg_free(path);
    return status;
}

/* ---- calibration ---- */

static void put_calibration(FILE *out, const report_points *points, size_t nb, size_t number) {
    draw_series series[MOST_CURVES + 2];
    char id[32];
    size_t n = 0;
    for (size_t i = 1; i < nb; i++)
        series[n++] = (draw_series){
            .kind = DRAW_LINE, .colour = DRAW_FAINT, .n = points[i].n, .x = points[i].x, .y = points[i].y};
    series[n++] = (draw_series){.kind = DRAW_LINE,
                                .colour = 0,
                                .name = "all cells pooled",
                                .n = points[0].n,
                                .x = points[0].x,
                                .y = points[0].y};
    snprintf(id, sizeof id, "eval-%zu-calibration", number);
    open_figure(out,
                &(draw_picture){id, "Calibration",
                                "Share of methylated calls against the mean prediction in ten bins; on the "
                                "diagonal predictions are the probabilities that they claim to be.",
                                WIDTH, HEIGHT, false});
    dcpg_draw_plot(out, &(draw_plot){.title = "Calibration",
                                     .box = {0, 0, WIDTH, HEIGHT},
                                     .x = {"mean prediction of the bin", 0, 1, false},
                                     .y = {"methylated share", 0, 1, false},
                                     .diagonal = true,
                                     .nb = n,
                                     .series = series});
    close_figure(out,
                 "Predictions are right as probabilities where the line is on the diagonal; cells in grey.");
}

static void put_histogram(FILE *out, const report_points *pooled, size_t number) {
    enum { NB_BIN = 10 };
    double middle[NB_BIN] = {0}, share[NB_BIN] = {0}, total = 0;
    char id[32];
    for (size_t i = 0; i < pooled->n; i++) total += pooled->weight[i];
    for (size_t i = 0; i < pooled->n; i++) {
        int bin = (int)fmin(pooled->x[i] * NB_BIN, NB_BIN - 1);
        share[bin] += 100 * pooled->weight[i] / total;
    }
    for (int b = 0; b < NB_BIN; b++) middle[b] = (b + 0.5) / NB_BIN;
    const draw_series bars = {
        .kind = DRAW_BARS, .colour = 0, .n = NB_BIN, .x = middle, .y = share, .bar = 1.0 / NB_BIN};
    snprintf(id, sizeof id, "eval-%zu-histogram", number);
    open_figure(out,
                &(draw_picture){id, "Distribution of predictions",
                                "Share of the calls in ten bins of their prediction.", WIDTH, HEIGHT, false});
    dcpg_draw_plot(out, &(draw_plot){.title = "Distribution of predictions",
                                     .box = {0, 0, WIDTH, HEIGHT},
                                     .x = {"prediction", 0, 1, false},
                                     .y = {.label = "percent of all calls"},
                                     .nb = 1,
                                     .series = &bars});
    close_figure(out, "Of the observed calls of all cells. Confident predictions lie near 0 and 1.");
}

static dcpg_status put_reliability(FILE *out, const report_eval *e, size_t number, const choice *c,
                                   dcpg_err *err) {
    char *path = dcpg_format("%s/reliability.tsv", e->tables);
    dcpg_strings wanted = {0};
    report_points points[MOST_CURVES + 2] = {{0}};
    dcpg_status status = path ? DCPG_OK : dcpg_fail_nomem(err, "a file name", 64);
    if (status == DCPG_OK) status = dcpg_strings_add(&wanted, "pooled", err);
    for (size_t i = 0; i < c->outputs.n && status == DCPG_OK; i++)
        status = dcpg_strings_add(&wanted, c->outputs.v[i], err);
    if (status == DCPG_OK) status = dcpg_report_reliability_read(path, &wanted, points, err);
    if (status == DCPG_OK && points[0].n > 0) {
        put_calibration(out, points, wanted.n, number);
        put_histogram(out, &points[0], number);
    }
    for (size_t i = 0; i < wanted.n; i++) dcpg_report_points_free(&points[i]);
    dcpg_strings_free(&wanted);
    dcpg_free(path);
    return status;
}

/* ---- contexts ---- */

static int by_value(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Least, quartiles and most of n sorted values. */
static void quartiles(const double *sorted, size_t n, double range[5]) {
    for (int q = 0; q < 5; q++) {
        double at = (double)(n - 1) * q / 4;
        size_t low = (size_t)at;
        double next = low + 1 < n ? sorted[low + 1] : sorted[low];
        range[q] = sorted[low] + (at - (double)low) * (next - sorted[low]);
    }
}

static double value_of(const char *text) {
    double value;
    return text && dcpg_parse_double(text, &value) ? value : NAN;
}

static size_t fill_rows(const report_scores *s, double *values, draw_row *row) {
    size_t nb = 0;
    for (size_t c = 0; c < s->contexts.n; c++) {
        size_t n = 0;
        for (size_t o = 0; o < s->outputs.n; o++)
            if (isfinite(s->auc[c * s->outputs.n + o])) values[n++] = s->auc[c * s->outputs.n + o];
        if (n == 0) continue;
        qsort(values, n, sizeof *values, by_value);
        row[nb] = (draw_row){.label = s->contexts.v[c],
                             .value = value_of(dcpg_report_summary(s, c, REPORT_POOLED, "auc"))};
        quartiles(values, n, row[nb++].range);
    }
    return nb;
}

static dcpg_status put_contexts(FILE *out, const report_eval *e, size_t number, dcpg_err *err) {
    const report_scores *s = &e->scores;
    char id[32];
    double *values = dcpg_alloc(s->outputs.n, sizeof *values);
    draw_row *row = dcpg_alloc(s->contexts.n, sizeof *row);
    bool fine = values && row;
    size_t nb = fine ? fill_rows(s, values, row) : 0;
    if (nb > 0) {
        snprintf(id, sizeof id, "eval-%zu-by-context", number);
        const draw_picture picture = {
            id,
            "AUC by context",
            "AUC in each context: boxes from quartile to quartile of the outputs, whiskers "
            "from the least to the most, a point for the pooled calls; the numbers are in "
            "the table by context.",
            WIDTH,
            dcpg_draw_rows_height(nb),
            false};
        open_figure(out, &picture);
        dcpg_draw_rows(out, &(draw_rows){.title = "AUC by context",
                                         .box = {0, 0, WIDTH, 0},
                                         .x = {.label = "AUC"},
                                         .ranges = true,
                                         .nb = nb,
                                         .row = row});
        close_figure(out,
                     "Boxes: quartiles of the outputs; whiskers: least and most; points: all cells pooled.");
    }
    dcpg_free(values);
    dcpg_free(row);
    return fine ? DCPG_OK : dcpg_fail_nomem(err, "figures", s->outputs.n * sizeof *values);
}

/* ---- observed share ---- */

typedef struct scatter {
    size_t n;
    double *share, *auc;
    char **note;
    dcpg_pair *pair;
} scatter;

static bool fill_scatter(const report_eval *e, const ranked *r, size_t nb, scatter *p) {
    size_t step = (nb + MOST_POINTS - 1) / MOST_POINTS;
    for (size_t i = 0; i < nb; i += step ? step : 1) {
        double calls = value_of(dcpg_report_score(&e->scores, r[i].output, "n"));
        p->share[p->n] = 100 * calls / (double)e->nb_site;
        p->auc[p->n] = r[i].auc;
        p->pair[p->n] = (dcpg_pair){(float)p->share[p->n], (float)r[i].auc};
        p->note[p->n] =
            dcpg_format("%s: %.1f %%, AUC %.4f", e->scores.outputs.v[r[i].output], p->share[p->n], r[i].auc);
        if (!p->note[p->n++]) return false;
    }
    return true;
}

static dcpg_status draw_scatter(FILE *out, const scatter *p, size_t number, dcpg_err *err) {
    char id[32], caption[TEXT];
    double tau;
    dcpg_pairs_sort(p->pair, (int64_t)p->n);
    DCPG_TRY(dcpg_score_compute(DCPG_SCORE_KENDALL, p->pair, (int64_t)p->n, &tau, err));
    snprintf(id, sizeof id, "eval-%zu-share", number);
    snprintf(caption, sizeof caption,
             isfinite(tau)
                 ? "A point per output. Kendall's rank correlation: %.2f (1: AUC always grows with the "
                   "observed share; 0: the two are unrelated)."
                 : "A point per output.",
             tau);
    const draw_series points = {
        .kind = DRAW_POINTS, .n = p->n, .x = p->share, .y = p->auc, .note = (const char *const *)p->note};
    open_figure(out, &(draw_picture){id, "Observed share and AUC", caption, WIDTH, HEIGHT, false});
    dcpg_draw_plot(out, &(draw_plot){.title = "Observed share and AUC",
                                     .box = {0, 0, WIDTH, HEIGHT},
                                     .x = {.label = "percent of the sites observed"},
                                     .y = {.label = "AUC"},
                                     .nb = 1,
                                     .series = &points});
    close_figure(out, caption);
    return DCPG_OK;
}

static dcpg_status put_scatter(FILE *out, const report_eval *e, size_t number, const ranked *r, size_t nb,
                               dcpg_err *err) {
    scatter p = {.share = dcpg_alloc(nb, sizeof *p.share),
                 .auc = dcpg_alloc(nb, sizeof *p.auc),
                 .note = dcpg_alloc(nb, sizeof *p.note),
                 .pair = dcpg_alloc(nb, sizeof *p.pair)};
    bool fine = p.share && p.auc && p.note && p.pair && fill_scatter(e, r, nb, &p);
    dcpg_status status = fine ? draw_scatter(out, &p, number, err) : dcpg_fail_nomem(err, "figures", nb * 64);
    for (size_t i = 0; p.note && i < p.n; i++) dcpg_free(p.note[i]);
    dcpg_free(p.share);
    dcpg_free(p.auc);
    dcpg_free(p.note);
    dcpg_free(p.pair);
    return status;
}

/* ---- all of them ---- */

static dcpg_status put_all(FILE *out, const report_eval *e, size_t number, const ranked *r, size_t nb,
                           dcpg_err *err) {
    choice c = {0};
    dcpg_status status = choose(&e->scores, r, nb, &c, err);
    fputs("<div class=\"figures\">\n", out);
    if (status == DCPG_OK) status = put_curves(out, e, number, &c, "roc", err);
    if (status == DCPG_OK) status = put_curves(out, e, number, &c, "pr", err);
    if (status == DCPG_OK) status = put_reliability(out, e, number, &c, err);
    if (status == DCPG_OK) status = put_contexts(out, e, number, err);
    if (status == DCPG_OK) status = put_scatter(out, e, number, r, nb, err);
    fputs("</div>\n", out);
    dcpg_strings_free(&c.outputs);
    return status;
}

dcpg_status dcpg_page_figures(FILE *out, const report_eval *e, size_t number, dcpg_err *err) {
    size_t nb;
    ranked *r = rank_outputs(&e->scores, &nb);
    if (!r) return dcpg_fail_nomem(err, "figures", e->scores.outputs.n * sizeof *r);
    dcpg_status status = DCPG_OK;
    if (nb > 0)
        status = put_all(out, e, number, r, nb, err);
    else
        fputs(
            "<p>No output has an AUC, which takes observed calls of both states: there are no curves.</p>\n",
            out);
    dcpg_free(r);
    return status;
}
