/* SPDX-License-Identifier: MIT */
/* Reads the tables of dcpg perf, row by row, and keeps the numbers as they are printed there. */
#include "report/report_impl.h"

#include <dcpg/file.h>
#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_FIELDS = 8 };

/* ---- rows ---- */

/* Called for each row after the heading. */
typedef dcpg_status row_fn(void *to, char **field, dcpg_err *err);

/* Cuts a line at its tabs; returns the number of its fields. */
static size_t cut(char *line, char **field) {
    size_t n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at && n < MOST_FIELDS; n++) {
        field[n] = at;
        at = strchr(at, '\t');
        if (at) *at++ = '\0';
    }
    return n;
}

static dcpg_status each_row(const char *path, size_t fields, row_fn *take, void *to, dcpg_err *err) {
    char *line = NULL, *field[MOST_FIELDS];
    size_t capacity = 0;
    dcpg_status status = DCPG_OK;
    FILE *file = dcpg_file_open(path);
    if (!file) return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be opened", path);
    for (size_t i = 0; status == DCPG_OK && getline(&line, &capacity, file) > 0; i++) {
        if (cut(line, field) != fields)
            status =
                dcpg_fail(err, DCPG_E_INPUT, "%s: line %zu: does not have %zu columns", path, i + 1, fields);
        else if (i > 0)
            status = take(to, field, err);
    }
    if (status == DCPG_OK && ferror(file)) status = dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read", path);
    fclose(file);
    free(line);
    return status;
}

/* The number; NaN where it is empty or none. */
static double number(const char *text) {
    double value;
    return dcpg_parse_double(text, &value) ? value : NAN;
}

/* ---- metrics ---- */

enum { ANNO, METRIC, OUTPUT, VALUE, METRIC_FIELDS };

/* Names seen so far, by number. */
typedef struct reading {
    report_scores *scores;
    dcpg_map context, output, metric;
} reading;

/* -1: it is no summary. */
static int summary_of(const char *output) {
    return strcmp(output, "mean") == 0 ? REPORT_MEAN : strcmp(output, "pooled") == 0 ? REPORT_POOLED : -1;
}

static dcpg_status note(dcpg_map *map, dcpg_strings *names, const char *name, dcpg_err *err) {
    if (dcpg_map_get(map, name, -1) >= 0) return DCPG_OK;
    DCPG_TRY(dcpg_map_set(map, name, (int64_t)names->n, err));
    return dcpg_strings_add(names, name, err);
}

/* Rows on how the evaluation was made, which are no scores: the same in all contexts. */
static bool is_remark(char **field) {
    return strcmp(field[METRIC], "hide") == 0 || strcmp(field[METRIC], "untrained") == 0;
}

static dcpg_status note_remark(report_scores *s, char **field, dcpg_err *err) {
    if (strcmp(field[ANNO], "global") != 0) return DCPG_OK;
    if (strcmp(field[METRIC], "untrained") == 0) return dcpg_strings_add(&s->untrained, field[OUTPUT], err);
    if (strcmp(field[OUTPUT], "parts") == 0) dcpg_parse_int(field[VALUE], &s->hidden_parts);
    return DCPG_OK;
}

static dcpg_status note_names(void *to, char **field, dcpg_err *err) {
    reading *r = to;
    if (is_remark(field)) return note_remark(r->scores, field, err);
    DCPG_TRY(note(&r->context, &r->scores->contexts, field[ANNO], err));
    DCPG_TRY(note(&r->metric, &r->scores->metrics, field[METRIC], err));
    if (summary_of(field[OUTPUT]) >= 0) return DCPG_OK;
    return note(&r->output, &r->scores->outputs, field[OUTPUT], err);
}

static dcpg_status keep(report_scores *s, const char **place, const char *text, dcpg_err *err) {
    DCPG_TRY(dcpg_strings_add(&s->texts, text, err));
    *place = s->texts.v[s->texts.n - 1];
    return DCPG_OK;
}

static dcpg_status note_value(void *to, char **field, dcpg_err *err) {
    if (is_remark(field)) return DCPG_OK;
    reading *r = to;
    report_scores *s = r->scores;
    size_t context = (size_t)dcpg_map_get(&r->context, field[ANNO], 0),
           metric = (size_t)dcpg_map_get(&r->metric, field[METRIC], 0);
    int summary = summary_of(field[OUTPUT]);
    if (summary >= 0)
        return keep(s,
                    &s->of_context[(context * REPORT_NB_SUMMARY + (size_t)summary) * s->metrics.n + metric],
                    field[VALUE], err);
    size_t output = (size_t)dcpg_map_get(&r->output, field[OUTPUT], 0);
    if (strcmp(field[METRIC], "auc") == 0) s->auc[context * s->outputs.n + output] = number(field[VALUE]);
    return context == 0 ? keep(s, &s->of_output[output * s->metrics.n + metric], field[VALUE], err) : DCPG_OK;
}

static dcpg_status make_space(report_scores *s, dcpg_err *err) {
    size_t metrics = s->metrics.n, outputs = s->outputs.n, contexts = s->contexts.n;
    s->of_output = dcpg_alloc(outputs * metrics, sizeof *s->of_output);
    s->of_context = dcpg_alloc(contexts * REPORT_NB_SUMMARY * metrics, sizeof *s->of_context);
    s->auc = dcpg_alloc(contexts * outputs, sizeof *s->auc);
    if (!s->of_output || !s->of_context || !s->auc)
        return dcpg_fail_nomem(err, "scores", outputs * (metrics + contexts) * 8);
    for (size_t i = 0; i < contexts * outputs; i++) s->auc[i] = NAN;
    return DCPG_OK;
}

dcpg_status dcpg_report_scores_read(const char *path, report_scores *scores, dcpg_err *err) {
    reading r = {.scores = scores};
    *scores = (report_scores){0};
    dcpg_status status = each_row(path, METRIC_FIELDS, note_names, &r, err);
    if (status == DCPG_OK) status = make_space(scores, err);
    if (status == DCPG_OK) status = each_row(path, METRIC_FIELDS, note_value, &r, err);
    dcpg_map_free(&r.context);
    dcpg_map_free(&r.output);
    dcpg_map_free(&r.metric);
    return status;
}

void dcpg_report_scores_free(report_scores *s) {
    dcpg_strings_free(&s->contexts);
    dcpg_strings_free(&s->outputs);
    dcpg_strings_free(&s->metrics);
    dcpg_strings_free(&s->texts);
    dcpg_strings_free(&s->untrained);
    dcpg_free(s->of_output);
    dcpg_free(s->of_context);
    dcpg_free(s->auc);
}

const char *dcpg_report_score(const report_scores *s, size_t output, const char *metric) {
    ptrdiff_t m = dcpg_strings_find(&s->metrics, metric);
    return m < 0 ? NULL : s->of_output[output * s->metrics.n + (size_t)m];
}

const char *dcpg_report_summary(const report_scores *s, size_t context, int which, const char *metric) {
    ptrdiff_t m = dcpg_strings_find(&s->metrics, metric);
    return m < 0 ? NULL
                 : s->of_context[(context * REPORT_NB_SUMMARY + (size_t)which) * s->metrics.n + (size_t)m];
}

/* ---- curves and reliability ---- */

static dcpg_status add_point(report_points *p, double x, double y, double weight, dcpg_err *err) {
    if (p->n == p->capacity) {
        size_t capacity = p->n ? 2 * p->n : 64;
        double *grown = dcpg_alloc(3 * capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "curves", 3 * capacity * sizeof *grown);
        if (p->n) {
            memcpy(grown, p->x, p->n * sizeof *grown);
            memcpy(grown + capacity, p->y, p->n * sizeof *grown);
            memcpy(grown + 2 * capacity, p->weight, p->n * sizeof *grown);
        }
        dcpg_free(p->x);
        p->x = grown;
        p->y = grown + capacity;
        p->weight = grown + 2 * capacity;
        p->capacity = capacity;
    }
    p->x[p->n] = x;
    p->y[p->n] = y;
    p->weight[p->n++] = weight;
    return DCPG_OK;
}

void dcpg_report_points_free(report_points *points) { dcpg_free(points->x); }

typedef struct wanted {
    const char *curve;
    dcpg_map output;
    report_points *points;
} wanted;

static dcpg_status take_curve(void *to, char **field, dcpg_err *err) {
    enum { CURVE_ANNO, CURVE, CURVE_OUTPUT, X, Y };
    wanted *w = to;
    if (strcmp(field[CURVE_ANNO], "global") != 0 || strcmp(field[CURVE], w->curve) != 0) return DCPG_OK;
    int64_t output = dcpg_map_get(&w->output, field[CURVE_OUTPUT], -1);
    return output < 0 ? DCPG_OK : add_point(&w->points[output], number(field[X]), number(field[Y]), 1, err);
}

static dcpg_status take_bin(void *to, char **field, dcpg_err *err) {
    enum { BIN_OUTPUT, LOW, HIGH, N, PREDICTION, OBSERVED };
    wanted *w = to;
    int64_t output = dcpg_map_get(&w->output, field[BIN_OUTPUT], -1);
    if (output < 0) return DCPG_OK;
    return add_point(&w->points[output], number(field[PREDICTION]), number(field[OBSERVED]), number(field[N]),
                     err);
}

dcpg_status dcpg_report_curves_read(const char *path, const char *curve, const dcpg_strings *outputs,
                                    report_points *points, dcpg_err *err) {
    wanted w = {.curve = curve, .points = points};
    dcpg_status status = dcpg_map_index(&w.output, outputs, err);
    if (status == DCPG_OK) status = each_row(path, 6, take_curve, &w, err);
    dcpg_map_free(&w.output);
    return status;
}

dcpg_status dcpg_report_reliability_read(const char *path, const dcpg_strings *outputs, report_points *points,
                                         dcpg_err *err) {
    wanted w = {.points = points};
    dcpg_status status = dcpg_map_index(&w.output, outputs, err);
    if (status == DCPG_OK) status = each_row(path, 6, take_bin, &w, err);
    dcpg_map_free(&w.output);
    return status;
}
