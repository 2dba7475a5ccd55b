/* SPDX-License-Identifier: MIT */
/* Interfaces between the files of evaluation. Private to this module. */
#ifndef DCPG_ANALYSIS_EVAL_IMPL_H
#define DCPG_ANALYSIS_EVAL_IMPL_H

#include "analysis/ranking.h"

#include <dcpg/eval.h>
#include <dcpg/h5.h>
#include <dcpg/metrics.h>
#include <dcpg/output.h>
#include <stdio.h>

/* The outputs of a model, and the origin of their labels. */
typedef struct eval_outputs {
    int nb, nb_unit;        /* outputs; predicted numbers per site */
    int nb_context;         /* sets of sites that are scored; an evaluation has one */
    const char **name;      /* [nb] names in the data; the options' or the net's */
    int *from;              /* [nb] output of the net */
    dcpg_output_kind *kind; /* [nb] */
    int *label;             /* [nb] column of the batch's labels; -1: the data have none */
    int *unit;              /* [nb] first of its predicted numbers among nb_unit */
    bool *untrained;        /* [nb] its head has seen no label; NULL: all have */
    dcpg_hiding hiding;     /* of the calls, when their states were predicted */
} eval_outputs;

/* Whether labels of such outputs are numbers of classes. Pure. */
static inline bool eval_has_classes(const dcpg_output_kind *kind) { return kind->loss != DCPG_LOSS_MSE; }

/* Whether an output is the state of a cell's calls, by its name. Pure. */
bool dcpg_eval_is_cell(const char *output);

/* Predicted sites that wait to be written. */
typedef struct eval_block {
    int64_t first; /* sample number of the first row */
    int64_t n, capacity;
    int32_t *chromo, *pos; /* [capacity] */
    float *label;          /* [nb][capacity] */
    float *prediction; /* output after output: [capacity][units] of output o begins at capacity * unit[o] */
} eval_block;

/* ---- labels and predictions ---- */

/* Most parts of the calls to hide: numbers of parts are bytes. */
enum { EVAL_MOST_PARTS = 255 };

/* How far a rank is. */
typedef struct eval_progress {
    dcpg_log *log;
    int64_t earlier, done, total; /* sites: done before, done since, all */
    double started, shown;
} eval_progress;

/* Shows it; `more` sites are done beyond those counted. Local. */
void dcpg_eval_show(eval_progress *progress, double more);

typedef struct eval_predictor {
    dcpg_source *source; /* these are the caller's */
    dcpg_net *net;
    const eval_outputs *outputs;
    eval_progress *progress;
    const char *kept; /* where what is done is kept; NULL: nowhere */
    dcpg_batch *batch;
    int64_t *sample, *row; /* [rows of the net] of a batch: its samples, and their rows in the block */
    uint64_t *key;  /* [outputs][chromosomes] numbers that choose which calls are hidden; NULL: none are */
    uint8_t *part;  /* [rows of the block][outputs] pass that predicts the output */
    double cutting; /* seconds so far spent on windows, neighbours and labels */
} eval_predictor;

/* Allocates the arrays for blocks of `capacity` rows. The caller closes it, after a failure too. Local. */
dcpg_status dcpg_eval_predictor_open(eval_predictor *predictor, int64_t capacity, dcpg_err *err);
void dcpg_eval_predictor_close(eval_predictor *predictor);

/* Fills in places and labels of the block's samples first, first + 1 ... first + n - 1, which the source has
 * loaded. Local. */
dcpg_status dcpg_eval_label(eval_predictor *predictor, eval_block *block, dcpg_err *err);

/* Predicts the block, after dcpg_eval_label. After a signal DCPG_E_REQUEUE, or DCPG_E_STOPPED where nothing
 * is kept. Local. */
dcpg_status dcpg_eval_predict(eval_predictor *predictor, eval_block *block, dcpg_err *err);

/* DCPG_OK unless a signal came. Local. */
dcpg_status dcpg_eval_check_signal(const eval_predictor *predictor, dcpg_err *err);

/* ---- observed labels, and their scores ---- */

/* Observed labels with their predictions: of one output, or of one class of a categorical output against the
 * rest. */
typedef struct eval_column {
    int context, output, class_index; /* -1: the output as a whole */
    bool ranked;                      /* has scores of classes, which the ranking computes */
    bool paired;                      /* has others, for which pairs are kept */
    dcpg_pair *pair;
    int64_t n, capacity;
} eval_column;

typedef struct eval_observed {
    int nb_column, per_context; /* columns; of a context */
    eval_column *column;        /* context after context */
    int *first;                 /* [nb] first column of an output in its context */
    int *pool;                  /* [nb_column] that of its context for states of cells, -1 for others */
    dcpg_ranking *ranking;      /* whose outputs are the columns */
} eval_observed;

/* Temporary files lie beside `path`. Local. */
dcpg_status dcpg_eval_observed_new(const eval_outputs *outputs, const char *path, const dcpg_par *par,
                                   eval_observed *observed, dcpg_err *err);
void dcpg_eval_observed_free(eval_observed *observed);

/* Adds an observed label of an output, and its prediction[units], to a context. Local. */
dcpg_status dcpg_eval_observed_add(eval_observed *observed, int column, int units, float label,
                                   const float *prediction, dcpg_err *err);

/* The first column of an output in a context, for dcpg_eval_observed_add. Pure. */
static inline int eval_column_of(const eval_observed *observed, int context, int output) {
    return context * observed->per_context + observed->first[output];
}

/* Adds the observed labels of a block to context 0, and sends all that was added on. Collective. */
dcpg_status dcpg_eval_observed_add_all(eval_observed *observed, const eval_outputs *outputs,
                                       const eval_block *block, const dcpg_par *par, dcpg_err *err);

/* Rows of scores after those of the outputs: means over them, and scores of the pooled states of all cells.
 */
enum { EVAL_MEAN, EVAL_POOLED, NB_EVAL_ROW };
#define EVAL_MEAN_NAME   "mean"
#define EVAL_POOLED_NAME "pooled"

/* Number of scores of a context. */
static inline size_t eval_values(const eval_outputs *outputs) {
    return (size_t)(outputs->nb + NB_EVAL_ROW) * DCPG_NB_SCORE;
}

/* Scores over all ranks: value[nb_context][nb + NB_EVAL_ROW][DCPG_NB_SCORE] on every rank, with the same bits
 * for any number of ranks. What pairs a column keeps are gathered on one rank, as many columns at a time as
 * there are ranks, and freed. Collective. */
dcpg_status dcpg_eval_scores_all(eval_observed *observed, const eval_outputs *outputs,
                                 const dcpg_ranking_visitor *visitor, const dcpg_par *par, double *value,
                                 dcpg_err *err);

/* Whether the row - an output, nb + EVAL_MEAN or nb + EVAL_POOLED - has the score, even if it is undefined.
 */
bool dcpg_eval_has_score(const eval_outputs *outputs, int row, dcpg_score score);

/* ---- files ---- */

/* Rows of a compressed chunk. At gzip's first level the file shrinks by a third, thanks mostly to missing
 * labels, and takes no longer to write. */
enum { EVAL_CHUNK = 1 << 14 };

typedef struct eval_bytes {
    char *v;
    size_t n, capacity;
} eval_bytes;

/* The data file. */
typedef struct eval_file {
    const dcpg_par *par; /* NULL: there is none */
    dcpg_h5 *h5;         /* rank 0 alone */
    const eval_outputs *outputs;
    const dcpg_strings *chromos;
    size_t width;       /* bytes of a chromosome's name */
    int64_t chunk;      /* rows of a compressed chunk */
    char *raw;          /* [threads][2][bytes of the largest chunk] */
    char *slot;         /* [datasets][most bytes of a packed chunk] chunks of the same rows */
    size_t *slot_bytes; /* [datasets] of each */
    eval_bytes out, in; /* chunks for rank 0; there, chunks to write, the last of which may lack its end */
} eval_file;

/* What a data file is created with. */
typedef struct eval_file_options {
    const char *path;
    int64_t total; /* sites */
    int64_t chunk; /* rows of a compressed chunk */
    const eval_outputs *outputs;
    const dcpg_source *source;
} eval_file_options;

/* Creates the file. Collective, as all below. */
dcpg_status dcpg_eval_file_create_all(const eval_file_options *options, const dcpg_par *par, eval_file *file,
                                      dcpg_err *err);
/* Writes the ranks' blocks, which follow one another in the order of the ranks, and those of earlier calls:
 * each is whole chunks, but for the end of the last. The file's bytes depend on `chunk` and what is written
 * alone. */
dcpg_status dcpg_eval_file_write_all(eval_file *file, const eval_block *block, dcpg_err *err);
/* Gives the file its final name if `status` is DCPG_OK, otherwise removes it. */
dcpg_status dcpg_eval_file_close_all(eval_file *file, dcpg_status status, dcpg_err *err);

/* Reads from a data file how calls were hidden, and which outputs are untrained (dcpg_free); those of other
 * programs do not say. Local. */
dcpg_status dcpg_eval_read_notes(dcpg_h5 *file, eval_outputs *outputs, dcpg_err *err);

/* Writes the shortest decimal for exactly this number; nothing for NaN, as pandas writes it. Local. */
void dcpg_eval_write_number(FILE *out, double value);

/* Writes a report's rows: metric, output, value, sorted; after `context` and a tab, unless it is NULL. Local.
 */
dcpg_status dcpg_eval_write_rows(FILE *out, const char *context, const eval_outputs *outputs,
                                 const double *value, dcpg_err *err);

/* Text of the report: metric, output, value, sorted; to be freed with dcpg_free; NULL: out of memory. */
char *dcpg_eval_report_text(const eval_outputs *outputs, const double *value);

/* Logs which outputs lack scores, and why. */
dcpg_status dcpg_eval_report_gaps(const eval_outputs *outputs, const double *value, dcpg_log *log,
                                  dcpg_err *err);

/* Logs the mean of each metric. */
void dcpg_eval_report_means(const eval_outputs *outputs, const double *value, dcpg_log *log);

#endif
