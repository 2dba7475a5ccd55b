/* SPDX-License-Identifier: MIT */
/* The report of an evaluation: a TSV of metric, output and value, and a logged table of pooled scores and
 * means. */
#include "analysis/eval_impl.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void dcpg_eval_write_number(FILE *out, double value) {
    char text[40] = "";
    for (int digits = 6; digits <= 17 && !isnan(value); digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    fputs(text, out);
}

/* A row of `value`. */
typedef struct named {
    const char *name;
    int row;
} named;

static int by_name(const void *a, const void *b) {
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

/* Writes the rows on hidden calls, which come before those of the score, unless they came before the last
 * one. */
static void write_hiding(FILE *out, const char *context, const eval_outputs *outputs, int score) {
    const dcpg_hiding *hiding = &outputs->hiding;
    if (hiding->parts == 0 || strcmp("hide", dcpg_score_name((dcpg_score)score)) > 0 ||
        strcmp("hide", dcpg_score_name((dcpg_score)(score - 1))) < 0)
        return;
    const char *start = context ? context : "", *tab = context ? "\t" : "";
    fprintf(out, "%s%shide\tparts\t%" PRId64 "\n", start, tab, hiding->parts);
    fprintf(out, "%s%shide\tseed\t%" PRIu64 "\n", start, tab, hiding->seed);
}

dcpg_status dcpg_eval_write_rows(FILE *out, const char *context, const eval_outputs *outputs,
                                 const double *value, dcpg_err *err) {
    int nb = outputs->nb;
    named *order = dcpg_alloc((size_t)(nb + NB_EVAL_ROW), sizeof *order);
    if (!order) return dcpg_fail_nomem(err, "the report", (size_t)nb * sizeof *order);
    for (int o = 0; o < nb; o++) order[o] = (named){outputs->name[o], o};
    order[nb + EVAL_MEAN] = (named){EVAL_MEAN_NAME, nb + EVAL_MEAN};
    order[nb + EVAL_POOLED] = (named){EVAL_POOLED_NAME, nb + EVAL_POOLED};
    qsort(order, (size_t)(nb + NB_EVAL_ROW), sizeof *order, by_name);
    for (int s = 0; s < DCPG_NB_SCORE; s++) {
        if (s > 0) write_hiding(out, context, outputs, s);
        for (int i = 0; i < nb + NB_EVAL_ROW; i++) {
            if (!dcpg_eval_has_score(outputs, order[i].row, (dcpg_score)s)) continue;
            if (context) fprintf(out, "%s\t", context);
            fprintf(out, "%s\t%s\t", dcpg_score_name((dcpg_score)s), order[i].name);
            dcpg_eval_write_number(out, value[order[i].row * DCPG_NB_SCORE + s]);
            fputc('\n', out);
        }
    }
    for (int i = 0; i < nb + NB_EVAL_ROW; i++)
        if (order[i].row < nb && outputs->untrained && outputs->untrained[order[i].row])
            fprintf(out, "%s%suntrained\t%s\t1\n", context ? context : "", context ? "\t" : "",
                    order[i].name);
    dcpg_free(order);
    return DCPG_OK;
}

char *dcpg_eval_report_text(const eval_outputs *outputs, const double *value) {
    char *text = NULL, *copy = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (!out) return NULL;
    fputs("metric\toutput\tvalue\n", out);
    bool fine = dcpg_eval_write_rows(out, NULL, outputs, value, NULL) == DCPG_OK && !ferror(out);
    if (fclose(out) == 0 && fine) copy = dcpg_strdup(text);
    free(text);
    return copy;
}

/* ---- undefined scores ---- */

/* Why an output lacks a score. */
typedef enum gap { GAP_NO_LABEL, GAP_NO_NUMBER, GAP_SAME_LABELS, NB_GAP } gap;

/* Scores that are defined for any labels, if there are labels and the predictions are numbers. */
static bool always_defined(dcpg_score score) {
    return score == DCPG_SCORE_ACC || score == DCPG_SCORE_CAT_ACC || score == DCPG_SCORE_MSE;
}

/* Why scores of output `o` are NaN. */
static gap gap_of(const eval_outputs *outputs, const double *value, int o) {
    const double *of = value + o * DCPG_NB_SCORE;
    if (!(of[DCPG_SCORE_N] > 0)) return GAP_NO_LABEL;
    for (int s = 0; s < DCPG_NB_SCORE; s++)
        if (dcpg_eval_has_score(outputs, o, (dcpg_score)s) && always_defined((dcpg_score)s) && isnan(of[s]))
            return GAP_NO_NUMBER;
    return GAP_SAME_LABELS;
}

/* Adds the names of the outputs with gap `why`, and of the scores that they lack, each once. */
static dcpg_status collect(const eval_outputs *outputs, const double *value, gap why, dcpg_strings *names,
                           dcpg_strings *scores, dcpg_err *err) {
    for (int s = 0; s < DCPG_NB_SCORE; s++) {
        const char *score = dcpg_score_name((dcpg_score)s);
        for (int o = 0; o < outputs->nb; o++) {
            bool lacks =
                dcpg_eval_has_score(outputs, o, (dcpg_score)s) && isnan(value[o * DCPG_NB_SCORE + s]);
            if (!lacks || gap_of(outputs, value, o) != why) continue;
            if (dcpg_strings_find(scores, score) < 0) DCPG_TRY(dcpg_strings_add(scores, score, err));
            if (dcpg_strings_find(names, outputs->name[o]) < 0)
                DCPG_TRY(dcpg_strings_add(names, outputs->name[o], err));
        }
    }
    return DCPG_OK;
}

static void log_gap(gap why, const dcpg_strings *names, const dcpg_strings *scores, dcpg_log *log) {
    char of[DCPG_LIST_TEXT], which[DCPG_LIST_TEXT];
    dcpg_strings_text(names, of);
    dcpg_strings_text(scores, which);
    if (why == GAP_NO_LABEL)
        dcpg_warn(log, "no label at these sites, left out of the means: %s", of);
    else if (why == GAP_NO_NUMBER)
        dcpg_warn(log, "some predictions are no numbers (NaN), left out of the means: %s", of);
    else
        dcpg_info(log, "%s: not defined where all labels are the same, left out of the means: %s", which, of);
}

dcpg_status dcpg_eval_report_gaps(const eval_outputs *outputs, const double *value, dcpg_log *log,
                                  dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    for (int why = 0; why < NB_GAP && status == DCPG_OK; why++) {
        dcpg_strings names = {0}, scores = {0};
        status = collect(outputs, value, (gap)why, &names, &scores, err);
        if (status == DCPG_OK && names.n) log_gap((gap)why, &names, &scores, log);
        dcpg_strings_free(&names);
        dcpg_strings_free(&scores);
    }
    return status;
}

/* ---- means ---- */

static int nb_with(const eval_outputs *outputs, const double *value, dcpg_score score, int *defined) {
    int nb = *defined = 0;
    for (int o = 0; o < outputs->nb; o++) {
        if (!dcpg_eval_has_score(outputs, o, score)) continue;
        nb++;
        *defined += !isnan(value[o * DCPG_NB_SCORE + (int)score]);
    }
    return nb;
}

static const char *number_text(double value, char text[40]) {
    snprintf(text, 40, isnan(value) ? "-" : "%.6g", value);
    return text;
}

void dcpg_eval_report_means(const eval_outputs *outputs, const double *value, dcpg_log *log) {
    const double *mean = value + (outputs->nb + EVAL_MEAN) * DCPG_NB_SCORE,
                 *pooled = value + (outputs->nb + EVAL_POOLED) * DCPG_NB_SCORE;
    if (outputs->hiding.parts > 0)
        dcpg_info(log,
                  "observed calls were predicted in %" PRId64 " passes in which they were hidden (--hide)",
                  outputs->hiding.parts);
    dcpg_info(log, "%-8s %12s %12s  %s", "metric", "pooled", "mean", "outputs");
    for (int s = 0; s < DCPG_NB_SCORE; s++) {
        char text[2][40], note[64] = "";
        bool has = dcpg_eval_has_score(outputs, outputs->nb + EVAL_POOLED, (dcpg_score)s);
        int defined, nb = nb_with(outputs, value, (dcpg_score)s, &defined);
        if (nb == 0) continue;
        if (defined < nb)
            snprintf(note, sizeof note, " of %d (not defined%s)", nb, defined ? " for the others" : "");
        dcpg_info(log, "%-8s %12s %12s  %d%s", dcpg_score_name((dcpg_score)s),
                  number_text(has ? pooled[s] : NAN, text[0]), number_text(mean[s], text[1]), defined, note);
    }
}
