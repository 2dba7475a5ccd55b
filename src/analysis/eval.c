/* SPDX-License-Identifier: MIT */
/* Evaluation: every rank predicts a contiguous part of the sites, block by block. */
#include "analysis/eval_impl.h"
#include "base/number.h"

#include <dcpg/file.h>
#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/subnormals.h>

#include <inttypes.h>
#include <string.h>

/* Samples per forward pass by default: enough to keep the kernels busy, few enough to stay in the caches. */
enum { DEFAULT_BATCH = 256 };

/* Most bytes of predictions and labels that a rank keeps before they are written. */
static const int64_t BLOCK_BYTES = INT64_C(128) << 20;

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
    eval_observed observed;
    eval_file file;
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
                              .label = dcpg_alloc(3 * nb, sizeof *outputs->label)};
    if (!outputs->kind || !outputs->name || !outputs->label)
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
        outputs->unit[o] = outputs->nb_unit;
        outputs->nb_unit += outputs->kind[o].units;
    }
    return DCPG_OK;
}

/* Sites per block: the same on all ranks, since writing is collective. */
static int64_t block_capacity(const run *r) {
    int64_t largest = r->total / r->par->size + 1,
            capacity = BLOCK_BYTES / (4 * (r->outputs.nb_unit + r->outputs.nb));
    if (capacity < r->net->options.max_rows) capacity = r->net->options.max_rows;
    return min_i64(capacity, largest);
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

static dcpg_status open_parts(run *r, const dcpg_weights *weights, dcpg_err *err) {
    int64_t rows = r->options->batch > 0 ? r->options->batch : DEFAULT_BATCH;
    dcpg_net_options options = {.max_rows = rows, .total = 1, .first = 0, .end = 1};
    DCPG_TRY(check(r, err));
    DCPG_TRY(dcpg_net_new(r->graph, &options, &r->net, err));
    DCPG_TRY(dcpg_weights_apply(weights, r->net, err));
    DCPG_TRY(open_outputs(r, err));
    DCPG_TRY(open_block(r, err));
    r->predictor = (eval_predictor){
        .source = r->source, .net = r->net, .outputs = &r->outputs, .progress = &r->progress};
    DCPG_TRY(dcpg_eval_predictor_open(&r->predictor, r->block.capacity, err));
    const char *path = r->options->out_report ? r->options->out_report : r->options->out_data;
    return dcpg_eval_observed_new(&r->outputs, path ? path : "evaluation", r->par, &r->observed, err);
}

static dcpg_status open_all(run *r, const dcpg_weights *weights, dcpg_err *err) {
    const dcpg_eval_options *options = r->options;
    r->total = options->nb_sample > 0 && options->nb_sample < r->source->nb_site ? options->nb_sample
                                                                                 : r->source->nb_site;
    r->first = dcpg_part(r->total, r->par->rank, r->par->size);
    r->end = dcpg_part(r->total, r->par->rank + 1, r->par->size);
    DCPG_TRY(dcpg_agree_all(r->par, open_parts(r, weights, err), err));
    const eval_file_options file = {.path = options->out_data,
                                    .total = r->total,
                                    .capacity = r->block.capacity,
                                    .outputs = &r->outputs,
                                    .source = r->source};
    if (options->out_data) DCPG_TRY(dcpg_eval_file_create_all(&file, r->par, &r->file, err));
    return r->source->ops->load_all(r->source, r->first, r->end, err);
}

/* ---- predicting ---- */

/* Predicts sites [first, end) into the block. Local. */
static dcpg_status predict_block(run *r, int64_t first, int64_t end, dcpg_err *err) {
    r->block.first = first;
    r->block.n = end - first;
    DCPG_TRY(dcpg_eval_label(&r->predictor, &r->block, err));
    return dcpg_eval_predict(&r->predictor, &r->block, 0, r->block.n, err);
}

/* Every rank takes as many turns as the rank with most sites needs: writing is collective. */
static dcpg_status predict_all(run *r, dcpg_err *err) {
    int64_t capacity = r->block.capacity, largest = dcpg_max_i64_all(r->par, r->end - r->first);
    for (int64_t done = 0; done < largest; done += capacity) {
        int64_t first = min_i64(r->first + done, r->end), end = min_i64(first + capacity, r->end);
        DCPG_TRY(dcpg_agree_all(r->par, predict_block(r, first, end, err), err));
        DCPG_TRY(dcpg_eval_observed_add_all(&r->observed, &r->outputs, &r->block, r->par, err));
        if (r->file.h5) DCPG_TRY(dcpg_eval_file_write_all(&r->file, first, &r->block, err));
    }
    return DCPG_OK;
}

/* ---- reporting ---- */

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

static dcpg_status evaluate_all(run *r, const dcpg_weights *weights, dcpg_err *err) {
    DCPG_TRY(open_all(r, weights, err));
    dcpg_info(r->log, "evaluating %" PRId64 " site%s with %d output%s on %d rank%s", r->total,
              r->total == 1 ? "" : "s", r->outputs.nb, r->outputs.nb == 1 ? "" : "s", r->par->size,
              r->par->size == 1 ? "" : "s");
    dcpg_info(r->log, "matrix products: %s", dcpg_gemm_description());
    if (r->source->hiding.parts > 0 && r->source->cpg_wlen == 0)
        dcpg_info(r->log, "the model reads no calls: hiding them changes no prediction");
    DCPG_TRY(dcpg_agree_all(r->par, warn_unknown(r, err), err));
    r->progress = (eval_progress){
        .log = r->log, .total = r->end - r->first, .started = dcpg_now(), .shown = dcpg_now()};
    DCPG_TRY(predict_all(r, err));
    double seconds = dcpg_max_f64_all(r->par, dcpg_now() - r->progress.started);
    DCPG_TRY(report_all(r, err));
    dcpg_info(r->log, "eval: %.1f samples/s", (double)r->total / (seconds > 1e-9 ? seconds : 1e-9));
    return DCPG_OK;
}

dcpg_status dcpg_eval_all(dcpg_source *source, const dcpg_model *model, const dcpg_eval_options *options,
                          const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    run r = {.source = source, .graph = model->graph, .options = options, .par = par, .log = log};
    dcpg_flush_begin();
    dcpg_status status = evaluate_all(&r, &model->weights, err);
    dcpg_flush_end();
    status = dcpg_eval_file_close_all(&r.file, status, err);
    dcpg_eval_observed_free(&r.observed);
    dcpg_free(r.block.chromo);
    dcpg_free(r.block.label);
    dcpg_free(r.outputs.kind);
    dcpg_free(r.outputs.label);
    dcpg_free(r.outputs.name);
    dcpg_eval_predictor_close(&r.predictor);
    dcpg_net_free(r.net);
    return status;
}
