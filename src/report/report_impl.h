/* SPDX-License-Identifier: MIT */
/* Interfaces between the files of the report. Private to this module; all functions are Local, and but for
 * reading, which fails with DCPG_E_INPUT, they write markup to a stream whose errors are looked at in the
 * end. */
#ifndef DCPG_REPORT_REPORT_IMPL_H
#define DCPG_REPORT_REPORT_IMPL_H

#include <dcpg/par.h>
#include <dcpg/report.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { REPORT_NUMBER = 40 }; /* bytes of a number as text */

/* ---- a run of dcpg train, report_run.c ---- */

/* Numbers of an epoch, as printed in lc_*.tsv; "": undefined. */
typedef struct report_epoch {
    char loss[REPORT_NUMBER], score[REPORT_NUMBER];
} report_epoch;

typedef struct report_curve {
    bool there;
    size_t nb;
    report_epoch *v;
    char metric[REPORT_NUMBER]; /* that `score` is the mean of; "": none */
} report_curve;

/* Mean seconds of a rank in a part of the run. */
typedef struct report_part {
    char *what;
    double seconds;
} report_part;

/* Contents of timing.json. */
typedef struct report_timing {
    bool there;
    char *version;
    int64_t ranks, hosts, threads, virtual_ranks, batch, outputs, parameters, trained, steps, peak;
    double rate, epochs, opening; /* sites/s; seconds from the first step to the last file, and before it */
    size_t nb;
    report_part *part; /* [nb] the longest first; they add up to `epochs` */
    dcpg_strings options;
} report_timing;

typedef struct report_run {
    const char *dir;
    char *name; /* the last part of `dir`, or all of it where another run has that */
    report_curve train, val;
    report_timing timing;
    double began, ended; /* first and last line of metrics.jsonl, seconds since 1970; NaN: unknown */
} report_run;

/* Warns of files that are not as expected, and of a run without a whole epoch. */
dcpg_status dcpg_report_run_read(const char *dir, report_run *run, dcpg_log *log, dcpg_err *err);
void dcpg_report_run_free(report_run *run);

/* Index of the epoch with the lowest validation loss, else training loss; -1: there is none. Pure. */
ptrdiff_t dcpg_report_best(const report_run *run);

/* The value of an option of the run, "--NAME=VALUE"; NULL: it was not given. Pure. */
const char *dcpg_report_option(const report_run *run, const char *name);

/* ---- tables of dcpg perf, report_scores.c ---- */

/* metrics.tsv, numbers as they are printed there; NULL: none, "": undefined. */
typedef struct report_scores {
    dcpg_strings contexts, outputs, metrics;
    const char **of_output;  /* [outputs][metrics] over all sites */
    const char **of_context; /* [contexts][2][metrics] mean, pooled */
    double *auc;             /* [contexts][outputs] */
    dcpg_strings texts;      /* that hold these */
    int64_t hidden_parts;    /* passes in which the calls were hidden by turns; 0: nothing was hidden */
    dcpg_strings untrained;  /* outputs of which training saw no label */
} report_scores;

enum { REPORT_MEAN, REPORT_POOLED, REPORT_NB_SUMMARY };

dcpg_status dcpg_report_scores_read(const char *path, report_scores *scores, dcpg_err *err);
void dcpg_report_scores_free(report_scores *scores);

/* Of an output over all sites; of the means or the pooled calls in a context. NULL: there is none. Pure. */
const char *dcpg_report_score(const report_scores *scores, size_t output, const char *metric);
const char *dcpg_report_summary(const report_scores *scores, size_t context, int which, const char *metric);

/* A curve, or the points of a reliability diagram: `n` calls each. */
typedef struct report_points {
    size_t n, capacity;
    double *x, *y, *weight;
} report_points;

void dcpg_report_points_free(report_points *points);

/* Reads from curves.tsv the curve ("roc" or "pr") of all sites of each of `outputs`, into points[outputs->n].
 */
dcpg_status dcpg_report_curves_read(const char *path, const char *curve, const dcpg_strings *outputs,
                                    report_points *points, dcpg_err *err);

/* Reads from reliability.tsv mean prediction, methylated share and number of calls of each bin, of each of
 * `outputs`, into points[outputs->n]. */
dcpg_status dcpg_report_reliability_read(const char *path, const dcpg_strings *outputs, report_points *points,
                                         dcpg_err *err);

/* ---- an evaluation ---- */

typedef struct report_eval {
    const char *path;
    char *name;   /* of the file, or its path where another has that */
    char *tables; /* folder with the tables of dcpg perf */
    int64_t nb_site;
    report_scores scores;
} report_eval;

/* ---- markup, page.c ---- */

/* Writes a heading of level 2 to 4 with an id, formatted; the text is escaped. */
void dcpg_page_heading(FILE *out, int level, const char *id, const char *text);

/* Writes a number as <data>, exact in its value and rounded to be read; an undefined or missing one as a
 * dash. */
void dcpg_page_number(FILE *out, const char *text);

/* Bytes of the text, at most `most`, that hold whole letters: a precision for %.*s. Pure. */
int dcpg_page_fitting(const char *text, int most);

/* "abc" as <td>abc</td>, escaped; NULL: a dash. */
void dcpg_page_cell(FILE *out, const char *text);

/* Opens and closes a table that scrolls where it is wide or long; `id` of its caption, which is escaped.
 * `traits`: class names ("sortable" has its columns sorted and its rows filtered by the script). */
void dcpg_page_open_table(FILE *out, const char *id, const char *traits, const char *caption);
void dcpg_page_close_table(FILE *out);

/* 1234567 as "1,234,567"; returns `text`. */
char *dcpg_page_grouped(int64_t x, char text[REPORT_NUMBER]);

/* ---- sections ---- */

void dcpg_page_runs(FILE *out, const report_run *runs, size_t nb);
void dcpg_page_learning(FILE *out, const report_run *runs, size_t nb);
dcpg_status dcpg_page_eval(FILE *out, const report_eval *eval, size_t number,
                           const dcpg_report_options *options, const dcpg_par *par, dcpg_err *err);

/* A table with a row per evaluation. */
void dcpg_page_comparison(FILE *out, const report_eval *evals, size_t nb);

/* What the scores mean, for readers who cannot point at a heading. */
void dcpg_page_glossary(FILE *out);

/* Figures of scores, page_figures.c. */
dcpg_status dcpg_page_figures(FILE *out, const report_eval *eval, size_t number, dcpg_err *err);

/* Cells x sites, page_window.c. */
dcpg_status dcpg_page_window(FILE *out, const report_eval *eval, size_t number,
                             const dcpg_report_options *options, const dcpg_par *par, dcpg_err *err);

/* Fails with DCPG_E_USAGE where --region is not as it must be. Pure. */
dcpg_status dcpg_page_check_region(const char *region, dcpg_err *err);

/* Whether the evaluation has sites in options->region, or cannot be searched for them since its sites are not
 * in order. */
dcpg_status dcpg_page_has_region(const char *path, const dcpg_report_options *options, const dcpg_par *par,
                                 bool *has, dcpg_err *err);

/* ---- pictures of pixels, png.c ---- */

/* Colours by number, and one byte per pixel, row by row. */
typedef struct report_pixels {
    int64_t width, height;
    const uint8_t *pixel; /* [height][width] */
    int nb_colour;
    const uint8_t (*colour)[3]; /* [nb_colour] red, green, blue; the first one is transparent */
} report_pixels;

/* Writes them as the data URI of a PNG. DCPG_E_NOMEM. */
dcpg_status dcpg_report_png(FILE *out, const report_pixels *pixels, dcpg_err *err);

/* Writes bytes in base 64. */
void dcpg_report_base64(FILE *out, const uint8_t *bytes, size_t n);

/* ---- files built into the program: page.css, page.js ---- */

extern const char dcpg_report_css[], dcpg_report_js[];
extern const char dcpg_report_js_sha256[]; /* of page.js, hexadecimal */

#endif
