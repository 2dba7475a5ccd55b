/* SPDX-License-Identifier: MIT */
/* Evaluation. Every rank predicts a contiguous part of the sites, of whose data it loads a piece at a time,
 * and keeps on disk what is done. When all is done, the ranks read it together, in the order of the data
 * file, write this file and score the predictions. Without outputs nothing is kept, and pieces are scored as
 * they come. */
#include "analysis/eval_partial.h"
#include "analysis/eval_settings.h"
#include "base/number.h"

#include <dcpg/file.h>
#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/subnormals.h>

#include <inttypes.h>
#include <string.h>

/* Samples per forward pass by default: enough to keep the kernels busy, few enough to stay in the caches. */
enum { DEFAULT_BATCH = 256 };

/* Most bytes of predictions and labels that a rank writes, or scores, at a time. */
static const int64_t BLOCK_BYTES = INT64_C(32) << 20;

/* Sites of a piece: about this many bytes of the source's data, but not so few that chunks of a store, which
 * hold 2^18 positions, are read too often. */
static const int64_t PIECE_BYTES = INT64_C(64) << 20;
enum { LEAST_PIECE = 1 << 16, MOST_PIECE = 1 << 18 };

/* Seconds between two records of what is done, roughly; passes of a record, at most. */
static const double RECORD_SECONDS = 2;
enum { MOST_PASSES = 64 };

typedef struct run {
    dcpg_source *source;
    const dcpg_graph *graph;
    const dcpg_eval_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    int64_t total, first, end; /* all sites evaluated, and the part of this rank */
    dcpg_net *net;
    eval_outputs outputs;
    eval_predictor predictor;
    eval_progress progress;
    eval_block block;
    int64_t piece;    /* sites whose data are loaded at a time */
    int64_t record;   /* sites of the next record */
    int64_t together; /* sites written at a time */
    eval_observed observed;
    eval_file file;
    eval_partial *partial;               /* NULL: there is no output */
    bool asked;                          /* to stop, by another rank */
    double speed;                        /* sites per second */
    double loading, keeping, predicting; /* seconds; the last holds the others */
} run;

/* ---- opening ---- */

static dcpg_status check(const run *r, dcpg_err *err) {
    const dcpg_source *source = r->source;
    const dcpg_graph *graph = r->graph;
    if (source->nb_site == 0)
        return dcpg_fail(err, DCPG_E_INPUT, "there are no sites to evaluate: choose other chromosomes");
    if (graph->nb_cell && graph->nb_cell != (int64_t)source->cells.n)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "the model reads the neighbours of %" PRId64
                         " cells, but there are %zu: choose %" PRId64
                         " with --replicate_names or --nb_replicate",
                         graph->nb_cell, source->cells.n, graph->nb_cell);
    if (source->hiding.parts < 0 || source->hiding.parts > EVAL_MOST_PARTS)
        return dcpg_fail(err, DCPG_E_USAGE, "calls can be hidden in 1 to %d passes, not %" PRId64,
                         EVAL_MOST_PARTS, source->hiding.parts);
    if (graph->dna_wlen == source->dna_wlen && graph->cpg_wlen == source->cpg_wlen) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "the model reads windows of %" PRId64 " bp and %" PRId64
                     " neighbours, the data give %" PRId64 " and %" PRId64,
                     graph->dna_wlen, graph->cpg_wlen, source->dna_wlen, source->cpg_wlen);
}

/* The name of the net's output `o`: as the user gave it, or its own. */
static const char *name_of(const run *r, int o) {
    return r->options->names ? r->options->names->v[o] : r->net->output[o];
}

static dcpg_status open_outputs(run *r, dcpg_err *err) {
    eval_outputs *outputs = &r->outputs;
    size_t nb = (size_t)r->net->nb_output;
    *outputs = (eval_outputs){.nb_context = 1,
                              .hiding = r->source->hiding,
                              .kind = dcpg_alloc(nb, sizeof *outputs->kind),
                              .name = dcpg_alloc(nb, sizeof *outputs->name),
                              .label = dcpg_alloc(3 * nb, sizeof *outputs->label),
                              .untrained = dcpg_alloc(nb, sizeof *outputs->untrained)};
    if (!outputs->kind || !outputs->name || !outputs->label || !outputs->untrained)
        return dcpg_fail_nomem(err, "outputs", nb * sizeof *outputs->kind);
    outputs->unit = outputs->label + nb;
    outputs->from = outputs->unit + nb;
    for (int k = 0; k < r->net->nb_output; k++) {
        const char *name = name_of(r, k);
        if (r->options->outputs && dcpg_strings_find(r->options->outputs, name) < 0) continue;
        int o = outputs->nb++;
        outputs->name[o] = name;
        outputs->from[o] = k;
        outputs->kind[o] = dcpg_output_kind_of(r->net->output[k]);
        outputs->label[o] = (int)dcpg_strings_find(&r->source->outputs, name);
        outputs->untrained[o] = dcpg_strings_find(&r->graph->untrained, r->net->output[k]) >= 0;
        outputs->unit[o] = outputs->nb_unit;
        outputs->nb_unit += outputs->kind[o].units;
    }
    return DCPG_OK;
}

/* Bytes of a site's labels and predictions in a block. */
static int64_t bytes_per_site(const run *r) {
    return (int64_t)sizeof(float) * (r->outputs.nb_unit + r->outputs.nb);
}

/* Rows of a chunk of the data file, and sites that a rank writes at a time, which are whole chunks: neither
 * depends on the ranks, so that the file does not, either. */
static int64_t rows_of_chunk(const run *r) {
    int64_t rows = r->options->together > 0 ? min_i64(r->options->together, EVAL_CHUNK) : EVAL_CHUNK;
    while (rows > 1 && rows * bytes_per_site(r) > BLOCK_BYTES) rows /= 2;
    return rows;
}

static int64_t sites_together(const run *r) {
    int64_t chunk = rows_of_chunk(r);
    return max_i64(BLOCK_BYTES / bytes_per_site(r) / chunk, 1) * chunk;
}

/* Chooses how many sites are loaded, kept and written at a time. */
static void plan(run *r) {
    int64_t rows = r->net->options.max_rows, cells = (int64_t)(r->source->cells.n + r->source->outputs.n);
    r->piece = min_i64(max_i64(PIECE_BYTES / (cells + 1), LEAST_PIECE), MOST_PIECE);
    r->record = rows;
    r->together = r->options->together > 0 ? r->options->together : sites_together(r);
}

/* Most sites of a record. */
static int64_t most_recorded(const run *r) {
    int64_t rows = r->net->options.max_rows;
    return max_i64(min_i64(rows * MOST_PASSES, dcpg_eval_partial_rows(&r->outputs)), rows);
}

/* Rows of the block: those of a record, and of what is written, or else scored, at a time. */
static int64_t block_capacity(const run *r) {
    if (!r->options->out_data && !r->options->out_report)
        return min_i64(min_i64(r->piece, r->together), r->total / r->par->size + 1);
    return min_i64(max_i64(most_recorded(r), r->together), r->total);
}

static dcpg_status open_block(run *r, dcpg_err *err) {
    eval_block *block = &r->block;
    size_t capacity = (size_t)block_capacity(r), per_site = (size_t)(r->outputs.nb + r->outputs.nb_unit);
    block->capacity = (int64_t)capacity;
    block->chromo = dcpg_alloc(2 * capacity, sizeof *block->chromo);
    block->label = dcpg_alloc(capacity * per_site, sizeof *block->label);
    if (!block->chromo || !block->label)
        return dcpg_fail_nomem(err, "predictions", capacity * per_site * sizeof *block->label);
    block->pos = block->chromo + capacity;
    block->prediction = block->label + capacity * (size_t)r->outputs.nb;
    return DCPG_OK;
}

/* The output beside which temporary files are; NULL: there is none. */
static const char *output_of(const run *r) {
    return r->options->out_data ? r->options->out_data : r->options->out_report;
}

static dcpg_status open_parts(run *r, const dcpg_weights *weights, dcpg_err *err) {
    int64_t rows = r->options->batch > 0 ? r->options->batch : DEFAULT_BATCH;
    dcpg_net_options options = {.max_rows = rows, .total = 1, .first = 0, .end = 1};
    DCPG_TRY(check(r, err));
    DCPG_TRY(dcpg_net_new(r->graph, &options, &r->net, err));
    DCPG_TRY(dcpg_weights_apply(weights, r->net, err));
    DCPG_TRY(open_outputs(r, err));
    plan(r);
    DCPG_TRY(open_block(r, err));
    r->predictor = (eval_predictor){
        .source = r->source, .net = r->net, .outputs = &r->outputs, .progress = &r->progress};
    DCPG_TRY(dcpg_eval_predictor_open(&r->predictor, r->block.capacity, err));
    const char *path = output_of(r);
    return dcpg_eval_observed_new(&r->outputs, path ? path : "evaluation", r->par, &r->observed, err);
}

/* Makes the folder for what is done, or looks what was done before. Collective. */
static dcpg_status open_partial_all(run *r, const dcpg_model *model, dcpg_err *err) {
    char *settings;
    const eval_settings_from from = {.source = r->source,
                                     .model = model,
                                     .outputs = &r->outputs,
                                     .files = r->options->files,
                                     .total = r->total};
    if (!output_of(r)) return DCPG_OK;
    DCPG_TRY(dcpg_eval_settings_all(&from, r->par, &settings, err));
    const eval_partial_options options = {.path = output_of(r),
                                          .settings = settings,
                                          .outputs = &r->outputs,
                                          .total = r->total,
                                          .resume = r->options->resume,
                                          .force = r->options->force};
    dcpg_status status = dcpg_eval_partial_open_all(&options, r->par, r->log, &r->partial, err);
    dcpg_free(settings);
    DCPG_TRY(status);
    r->predictor.kept = dcpg_eval_partial_folder(r->partial);
    r->progress.earlier = dcpg_eval_partial_done(r->partial, r->first, r->end);
    return DCPG_OK;
}

static dcpg_status open_all(run *r, const dcpg_model *model, dcpg_err *err) {
    const dcpg_eval_options *options = r->options;
    r->total = options->nb_sample > 0 && options->nb_sample < r->source->nb_site ? options->nb_sample
                                                                                 : r->source->nb_site;
    r->first = dcpg_part(r->total, r->par->rank, r->par->size);
    r->end = dcpg_part(r->total, r->par->rank + 1, r->par->size);
    r->progress = (eval_progress){.log = r->log, .total = r->end - r->first};
    DCPG_TRY(dcpg_agree_all(r->par, open_parts(r, &model->weights, err), err));
    return open_partial_all(r, model, err);
}

/* ---- predicting ---- */

/* Predicts sites [first, end), at most as many as the block has rows, into the block. Local. */
static dcpg_status predict_block(run *r, int64_t first, int64_t end, dcpg_err *err) {
    r->block.first = first;
    r->block.n = end - first;
    DCPG_TRY(dcpg_eval_label(&r->predictor, &r->block, err));
    return dcpg_eval_predict(&r->predictor, &r->block, err);
}

/* Predicts sites [first, end) and keeps them, record by record, until all ranks are to stop. Local. */
static dcpg_status predict_records(run *r, int64_t first, int64_t end, dcpg_err *err) {
    while (first < end) {
        double started = dcpg_now();
        int64_t stop = min_i64(first + r->record, end);
        r->asked = dcpg_eval_partial_asked_to_stop(r->partial);
        if (r->asked) return DCPG_OK;
        DCPG_TRY(predict_block(r, first, stop, err));
        double predicted = dcpg_now();
        DCPG_TRY(dcpg_eval_partial_add(r->partial, &r->block, err));
        r->keeping += dcpg_now() - predicted;
        first = stop;
        if (predicted - started < RECORD_SECONDS / 2) r->record = min_i64(2 * r->record, most_recorded(r));
    }
    return DCPG_OK;
}

/* Predicts those of sites [first, end) that are not done; if that fails, or a signal came, other ranks need
 * not go on. Local. */
static dcpg_status predict_piece(run *r, int64_t first, int64_t end, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    bool done;
    for (int64_t at = first, stop; at < end && status == DCPG_OK && !r->asked; at = stop) {
        stop = dcpg_eval_partial_run(r->partial, at, end, &done);
        if (!done) status = predict_records(r, at, stop, err);
    }
    if (status != DCPG_OK) dcpg_eval_partial_ask_to_stop(r->partial);
    return status;
}

/* Loads the data of the ranks' sites [first, end), of which all may have none, unless all are done.
 * Collective. */
static dcpg_status load_piece_all(run *r, int64_t first, int64_t end, bool *any, dcpg_err *err) {
    bool needed =
        first < end && (!r->partial || dcpg_eval_partial_done(r->partial, first, end) < end - first);
    *any = dcpg_max_i64_all(r->par, needed) > 0;
    double started = dcpg_now();
    dcpg_status status =
        *any ? r->source->ops->load_all(r->source, first, needed ? end : first, err) : DCPG_OK;
    r->loading += dcpg_now() - started;
    return status;
}

/* Only if the rank that asked has not failed itself. */
static dcpg_status fail_asked(const run *r, dcpg_err *err) {
    return dcpg_fail(
        err, DCPG_E_REQUEUE,
        "stopped, as another rank was: what is done is kept in %s, the same command with --resume "
        "goes on",
        r->predictor.kept);
}

/* Predicts all sites that are not done, piece by piece. Collective. */
static dcpg_status predict_pieces_all(run *r, dcpg_err *err) {
    int64_t largest = dcpg_max_i64_all(r->par, r->end - r->first);
    bool any;
    for (int64_t at = 0; at < largest; at += r->piece) {
        int64_t first = min_i64(r->first + at, r->end), end = min_i64(first + r->piece, r->end);
        DCPG_TRY(load_piece_all(r, first, end, &any, err));
        if (!any) continue;
        DCPG_TRY(dcpg_agree_all(r->par, predict_piece(r, first, end, err), err));
        if (dcpg_max_i64_all(r->par, r->asked)) return fail_asked(r, err);
    }
    return dcpg_eval_partial_finish_all(r->partial, err);
}

/* Predicts and scores all sites, as many at a time as the block has rows. Collective. */
static dcpg_status predict_and_score_all(run *r, dcpg_err *err) {
    int64_t largest = dcpg_max_i64_all(r->par, r->end - r->first),
            step = dcpg_max_i64_all(r->par, r->block.capacity);
    bool any;
    for (int64_t at = 0; at < largest; at += step) {
        int64_t first = min_i64(r->first + at, r->end), end = min_i64(first + step, r->end);
        DCPG_TRY(load_piece_all(r, first, end, &any, err));
        DCPG_TRY(dcpg_agree_all(r->par, predict_block(r, first, end, err), err));
        DCPG_TRY(dcpg_eval_observed_add_all(&r->observed, &r->outputs, &r->block, r->par, err));
    }
    return DCPG_OK;
}

/* Reads samples [first, end) of what is done into the block. Local. */
static dcpg_status read_block(run *r, int64_t first, int64_t end, dcpg_err *err) {
    r->block.first = first;
    r->block.n = end - first;
    return dcpg_eval_partial_read(r->partial, &r->block, err);
}

/* Creates the data file, if one is wanted. Collective. */
static dcpg_status create_file_all(run *r, dcpg_err *err) {
    const eval_file_options file = {.path = r->options->out_data,
                                    .total = r->total,
                                    .chunk = rows_of_chunk(r),
                                    .outputs = &r->outputs,
                                    .source = r->source};
    return file.path ? dcpg_eval_file_create_all(&file, r->par, &r->file, err) : DCPG_OK;
}

/* Reads what is done, writes the data file, and scores. Collective. */
static dcpg_status collect_all(run *r, dcpg_err *err) {
    DCPG_TRY(create_file_all(r, err));
    for (int64_t at = 0; at < r->total; at += r->together * r->par->size) {
        int64_t first = min_i64(at + r->together * r->par->rank, r->total),
                end = min_i64(first + r->together, r->total);
        dcpg_status status = dcpg_eval_check_signal(&r->predictor, err);
        if (status == DCPG_OK) status = read_block(r, first, end, err);
        DCPG_TRY(dcpg_agree_all(r->par, status, err));
        if (r->file.par) DCPG_TRY(dcpg_eval_file_write_all(&r->file, &r->block, err));
        DCPG_TRY(dcpg_eval_observed_add_all(&r->observed, &r->outputs, &r->block, r->par, err));
    }
    return DCPG_OK;
}

/* ---- reporting ---- */

/* Reports the outputs that the model was not trained on. */
static dcpg_status warn_untrained(const run *r, dcpg_err *err) {
    dcpg_strings names = {0};
    dcpg_status status = DCPG_OK;
    char text[DCPG_LIST_TEXT];
    for (int o = 0; o < r->outputs.nb && status == DCPG_OK; o++)
        if (r->outputs.untrained[o]) status = dcpg_strings_add(&names, r->outputs.name[o], err);
    if (status == DCPG_OK && names.n)
        dcpg_warn(
            r->log,
            "no label of %s was seen in training: predictions of %s mean nothing, are marked as untrained, "
            "and count in means and pooled scores",
            dcpg_strings_text(&names, text), names.n == 1 ? "it" : "them");
    dcpg_strings_free(&names);
    return status;
}

static dcpg_status write_report(const run *r, const double *value, dcpg_err *err) {
    if (r->par->rank != 0 || !r->options->out_report) return DCPG_OK;
    char *text = dcpg_eval_report_text(&r->outputs, value);
    dcpg_status status = text ? dcpg_file_write(r->options->out_report, text, strlen(text), err)
                              : dcpg_fail_nomem(err, "the report", (size_t)r->outputs.nb * 64);
    dcpg_free(text);
    return status;
}

/* DCPG_E_INPUT if only scores were asked for and there are none. */
static dcpg_status check_any(const run *r, const double *value, dcpg_err *err) {
    double labels = 0;
    for (int o = 0; o < r->outputs.nb; o++) labels += value[o * DCPG_NB_SCORE + DCPG_SCORE_N];
    if (labels > 0 || r->options->out_data) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "no output of the model has a label at the %" PRId64
                     " sites evaluated, and there is nothing to score: --out_data FILE keeps the predictions",
                     r->total);
}

static dcpg_status report_all(run *r, dcpg_err *err) {
    size_t count = eval_values(&r->outputs);
    double *value = dcpg_alloc(count, sizeof *value);
    dcpg_status status =
        dcpg_agree_all(r->par, value ? DCPG_OK : dcpg_fail_nomem(err, "scores", count * sizeof *value), err);
    if (status == DCPG_OK) status = dcpg_eval_scores_all(&r->observed, &r->outputs, NULL, r->par, value, err);
    if (status == DCPG_OK) status = check_any(r, value, err);
    if (status == DCPG_OK) status = dcpg_agree_all(r->par, write_report(r, value, err), err);
    if (status == DCPG_OK) dcpg_eval_report_means(&r->outputs, value, r->log);
    if (status == DCPG_OK)
        status = dcpg_agree_all(r->par, dcpg_eval_report_gaps(&r->outputs, value, r->log, err), err);
    dcpg_free(value);
    return status;
}

/* Reports the outputs for which the data have no labels. */
static dcpg_status warn_unknown(const run *r, dcpg_err *err) {
    dcpg_strings names = {0};
    dcpg_status status = DCPG_OK;
    char text[DCPG_LIST_TEXT];
    for (int o = 0; o < r->outputs.nb && status == DCPG_OK; o++)
        if (r->outputs.label[o] < 0) status = dcpg_strings_add(&names, r->outputs.name[o], err);
    if (status == DCPG_OK && (int)names.n == r->outputs.nb && !r->options->out_data)
        status = dcpg_fail(err, DCPG_E_INPUT,
                           "the data have no labels of any output of the model (%s), and there is nothing to "
                           "score: --out_data FILE keeps the predictions",
                           dcpg_strings_text(&names, text));
    else if (names.n)
        dcpg_warn(r->log,
                  "the data have no labels of %zu of the model's %d outputs, which %s predicted, not "
                  "scored: %s",
                  names.n, r->outputs.nb, names.n == 1 ? "is" : "are", dcpg_strings_text(&names, text));
    dcpg_strings_free(&names);
    return status;
}

static void describe(const run *r, int64_t earlier) {
    dcpg_info(r->log, "evaluating %" PRId64 " site%s with %d output%s on %d rank%s", r->total,
              r->total == 1 ? "" : "s", r->outputs.nb, r->outputs.nb == 1 ? "" : "s", r->par->size,
              r->par->size == 1 ? "" : "s");
    dcpg_info(r->log, "matrix products: %s", dcpg_gemm_description());
    if (r->source->hiding.parts > 0 && r->source->cpg_wlen == 0)
        dcpg_info(r->log, "the model reads no calls: hiding them changes no prediction");
    if (earlier > 0)
        dcpg_info(r->log, "resumed: %" PRId64 " sites (%.0f %%) are done", earlier,
                  100 * (double)earlier / (double)r->total);
}

/* Where the time of rank 0 went. */
static void log_times(const run *r) {
    double cutting = r->predictor.cutting, collecting = dcpg_now() - r->progress.started - r->predicting;
    dcpg_debug(
        r->log,
        "eval: loading %.2f s, cutting windows %.2f s, predicting %.2f s, keeping what is done %.2f s, "
        "writing and ranking %.2f s",
        r->loading, cutting, r->predicting - r->loading - cutting - r->keeping, r->keeping, collecting);
}

/* Collective. */
static dcpg_status predict_all(run *r, dcpg_err *err) {
    int64_t earlier = dcpg_sum_i64_all(r->par, r->progress.earlier);
    describe(r, earlier);
    DCPG_TRY(dcpg_agree_all(r->par, warn_unknown(r, err), err));
    DCPG_TRY(dcpg_agree_all(r->par, warn_untrained(r, err), err));
    r->progress.started = r->progress.shown = dcpg_now();
    DCPG_TRY(r->partial ? predict_pieces_all(r, err) : predict_and_score_all(r, err));
    double seconds = dcpg_max_f64_all(r->par, dcpg_now() - r->progress.started);
    r->speed = (double)(r->total - earlier) / (seconds > 1e-9 ? seconds : 1e-9);
    r->predicting = dcpg_now() - r->progress.started;
    if (r->partial) DCPG_TRY(collect_all(r, err));
    log_times(r);
    return DCPG_OK;
}

/* Writes the report and gives the data file its name. Collective. */
static dcpg_status finish_all(run *r, dcpg_err *err) {
    dcpg_status status = report_all(r, err);
    bool useless = status == DCPG_E_INPUT; /* nothing to report: going on would not help */
    status = dcpg_eval_file_close_all(&r->file, status, err);
    if (r->partial && (status == DCPG_OK || useless)) dcpg_eval_partial_remove_all(r->partial, r->log);
    if (status == DCPG_OK) dcpg_info(r->log, "eval: %.1f samples/s", r->speed);
    return status;
}

/* Collective. */
static dcpg_status evaluate_all(run *r, const dcpg_model *model, dcpg_err *err) {
    DCPG_TRY(open_all(r, model, err));
    dcpg_status status = predict_all(r, err);
    if (status == DCPG_OK) return finish_all(r, err);
    if (!r->partial || status == DCPG_E_REQUEUE) return status;
    if (dcpg_eval_partial_is_empty_all(r->partial))
        dcpg_eval_partial_remove_all(r->partial, r->log);
    else
        dcpg_warn(r->log, "what is done is kept in %s: --resume goes on with it", r->predictor.kept);
    return status;
}

dcpg_status dcpg_eval_all(dcpg_source *source, const dcpg_model *model, const dcpg_eval_options *options,
                          const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    run r = {.source = source, .graph = model->graph, .options = options, .par = par, .log = log};
    dcpg_flush_begin();
    dcpg_status status = evaluate_all(&r, model, err);
    dcpg_flush_end();
    dcpg_eval_file_close_all(&r.file, status, err);
    dcpg_eval_partial_close(r.partial);
    dcpg_eval_predictor_close(&r.predictor);
    dcpg_eval_observed_free(&r.observed);
    dcpg_free(r.block.chromo);
    dcpg_free(r.block.label);
    dcpg_free(r.outputs.kind);
    dcpg_free(r.outputs.label);
    dcpg_free(r.outputs.name);
    dcpg_free(r.outputs.untrained);
    dcpg_net_free(r.net);
    return status;
}
