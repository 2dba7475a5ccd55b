/* SPDX-License-Identifier: MIT */
/* Learning curves as a picture: loss, and the mean of the first metric, by epoch. */
#include "draw/figure.h"
#include "train/trainer.h"

#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { WIDTH = 760, HEIGHT = 320, MOST_SERIES = 3 };

/* What is drawn, an epoch per place. */
typedef struct curves {
    size_t nb;
    double *epoch;                   /* 1, 2, ... */
    double *train_loss, *val_loss;   /* NULL: there is no validation */
    double *train_score, *val_score; /* of `metric` */
    const char *metric;              /* NULL: no output has one */
} curves;

/* The first metric that is defined after the first epoch. */
static const char *choose_metric(const curve_scores *s, dcpg_metric *metric) {
    for (int m = 0; m <= DCPG_METRIC_CAT_ACC && s->nb_epoch > 0; m++) {
        *metric = (dcpg_metric)m;
        if (!isnan(dcpg_scores_mean(s->train, s->nb_output, s->kind, *metric)))
            return dcpg_metric_name(*metric);
    }
    return NULL;
}

static void fill(const curve_scores *s, const dcpg_scores *epochs, dcpg_metric metric, double *loss,
                 double *score) {
    for (int64_t e = 0; e < s->nb_epoch && epochs; e++) {
        loss[e] = epochs[e].loss;
        score[e] = dcpg_scores_mean(&epochs[e], s->nb_output, s->kind, metric);
    }
}

static size_t best_epoch(const curves *c) {
    const double *loss = c->val_loss ? c->val_loss : c->train_loss;
    size_t best = 0;
    for (size_t e = 1; e < c->nb; e++)
        if (loss[e] < loss[best] || isnan(loss[best])) best = e;
    return best;
}

static void put_plot(FILE *out, const curves *c, const char *title, const double *train, const double *val,
                     draw_box box) {
    size_t best = best_epoch(c);
    const double *of_best = val ? val : train;
    draw_series series[MOST_SERIES] = {
        {.kind = DRAW_DASHED, .colour = 0, .name = "training", .n = c->nb, .x = c->epoch, .y = train}};
    size_t nb = 1;
    if (val)
        series[nb++] = (draw_series){
            .kind = DRAW_LINE, .colour = 0, .name = "validation", .n = c->nb, .x = c->epoch, .y = val};
    if (c->nb > 0)
        series[nb++] = (draw_series){.kind = DRAW_POINTS,
                                     .colour = 1,
                                     .name = "best epoch",
                                     .n = 1,
                                     .x = c->epoch + best,
                                     .y = of_best + best};
    dcpg_draw_plot(out, &(draw_plot){.title = title,
                                     .box = box,
                                     .x = {.label = "epoch", .low = 1, .high = (double)c->nb, .whole = true},
                                     .nb = nb,
                                     .series = series});
}

static void put_picture(FILE *out, const curves *c) {
    size_t best = best_epoch(c);
    char about[256];
    const double *loss = c->val_loss ? c->val_loss : c->train_loss;
    int n = snprintf(about, sizeof about, "Loss%s%s of %zu epoch%s.", c->metric ? " and " : "",
                     c->metric ? c->metric : "", c->nb, c->nb == 1 ? "" : "s");
    if (c->nb > 0 && !isnan(loss[best]))
        snprintf(about + n, sizeof about - (size_t)n, " The lowest loss%s, %.6g, is that of epoch %zu.",
                 c->val_loss ? " of validation" : "", loss[best], best + 1);
    const draw_box left = {0, 0, c->metric ? WIDTH / 2.0 : WIDTH, HEIGHT},
                   right = {WIDTH / 2.0, 0, WIDTH / 2.0, HEIGHT};
    dcpg_draw_begin(
        out,
        &(draw_picture){
            .title = "Learning curves", .about = about, .width = WIDTH, .height = HEIGHT, .alone = true});
    put_plot(out, c, "loss", c->train_loss, c->val_loss, left);
    char title[64];
    snprintf(title, sizeof title, "%s, mean over outputs", c->metric ? c->metric : "");
    if (c->metric) put_plot(out, c, title, c->train_score, c->val_score, right);
    dcpg_draw_end(out);
}

static char *print(const curves *c) {
    char *text = NULL, *copy = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    put_picture(out, c);
    bool fine = !ferror(out);
    if (fclose(out) == 0 && fine) copy = dcpg_strdup(text);
    free(text);
    return copy;
}

char *dcpg_curve_svg(const curve_scores *s) {
    curves c = {.nb = (size_t)s->nb_epoch};
    dcpg_metric metric = DCPG_METRIC_ACC;
    double *numbers = dcpg_alloc(5 * c.nb, sizeof *numbers);
    if (!numbers) return NULL;
    c.epoch = numbers;
    c.train_loss = c.epoch + c.nb;
    c.train_score = c.train_loss + c.nb;
    if (s->val) c.val_loss = c.train_score + c.nb, c.val_score = c.val_loss + c.nb;
    c.metric = choose_metric(s, &metric);
    for (size_t e = 0; e < c.nb; e++) c.epoch[e] = (double)(e + 1);
    fill(s, s->train, metric, c.train_loss, c.train_score);
    fill(s, s->val, metric, c.val_loss, c.val_score);
    char *text = print(&c);
    dcpg_free(numbers);
    return text;
}
