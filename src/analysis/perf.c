/* SPDX-License-Identifier: MIT */
/* Performance of predictions by context: every rank reads a part of the rows of an evaluation's data file,
 * block by block, and all score them together. */
#include "analysis/perf_impl.h"
#include "base/number.h"

#include <dcpg/exact.h>
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <dcpg/temporary.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Most bytes of labels and predictions of a block; fewest and most of its rows; rows before and after it that
 * are looked at for neighbours: two CpGs are at least 2 bp apart. */
enum { BLOCK_BYTES = 128 << 20, FEWEST_ROWS = 1 << 10, MOST_ROWS = 1 << 16, MARGIN = PERF_FAR / 2 };

/* Bins of predictions of equal width, to see whether they are the shares that they promise. */
enum { NB_BIN = 10 };

/* Labels and predictions of a bin: integers only, so that ranks can be summed. */
typedef struct reliability {
    int64_t n, up;
    dcpg_exact sum;
} reliability;

enum { METRICS, CURVES, RELIABILITY, NB_FILE };
static const char *const file_name[NB_FILE] = {"metrics.tsv", "curves.tsv", "reliability.tsv"};
static const char *const heading[NB_FILE] = {"anno\tmetric\toutput\tvalue\n",
                                             "anno\tcurve\toutput\tx\ty\tthr\n",
                                             "output\tlow\thigh\tn\tprediction\tobserved\n"};

typedef struct run {
    const dcpg_perf_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    export_data data;
    export_chromos chromos;
    perf_contexts contexts;
    eval_outputs outputs;
    eval_observed observed;
    perf_block block;
    float *scratch;   /* [rows of a block][DCPG_MAX_CLASSES] */
    reliability *bin; /* [outputs + 1][NB_BIN] of all sites, then pooled over cells */
    double *value;    /* [contexts][outputs + NB_EVAL_ROW][DCPG_NB_SCORE] */
    perf_wish *wish;  /* [contexts] */
    perf_curves *curves;
    char *path[NB_FILE];
    int64_t first, end;
} run;

/* ---- opening ---- */

/* DCPG_E_USAGE where a file is there that does not begin as ours do. */
static dcpg_status check_file(const char *path, const char *begins, dcpg_err *err) {
    char head[64] = "";
    if (!dcpg_file_exists(path)) return DCPG_OK;
    FILE *file = dcpg_file_open(path);
    size_t n = file ? fread(head, 1, sizeof head - 1, file) : 0;
    if (file) fclose(file);
    if (n >= strlen(begins) && strncmp(head, begins, strlen(begins)) == 0) return DCPG_OK;
    return dcpg_fail_not_ours(path, err);
}

/* DCPG_E_USAGE where the file is one that is read. */
static dcpg_status check_inputs(const dcpg_perf_options *o, const char *path, dcpg_err *err) {
    const char *input = dcpg_same_file(path, o->data) ? o->data : NULL;
    for (size_t a = 0; o->annos && a < o->annos->n; a++)
        if (dcpg_same_file(path, o->annos->v[a])) input = o->annos->v[a];
    if (!input) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "%s: would be written over %s, which is read: choose another --out_dir", path, input);
}

/* Rank 0: makes the folder, and checks what is in it. */
static dcpg_status open_folder(run *r, dcpg_err *err) {
    for (int f = 0; f < NB_FILE; f++) {
        r->path[f] = dcpg_format("%s/%s", r->options->out_dir, file_name[f]);
        if (!r->path[f]) return dcpg_fail_nomem(err, "a file name", 64);
        if (r->par->rank != 0) continue;
        DCPG_TRY(check_inputs(r->options, r->path[f], err));
        if (!r->options->force) DCPG_TRY(check_file(r->path[f], heading[f], err));
    }
    return r->par->rank == 0 ? dcpg_make_dirs(r->options->out_dir, err) : DCPG_OK;
}

/* An output of another program's file could be taken for a summary of all. */
static dcpg_status check_name(const run *r, const char *output, dcpg_err *err) {
    if (strcmp(output, EVAL_MEAN_NAME) != 0 && strcmp(output, EVAL_POOLED_NAME) != 0) return DCPG_OK;
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: an output is called %s, as the rows of that summary: leave it out with --output_names",
        r->data.path, output);
}

static dcpg_status open_outputs(run *r, dcpg_err *err) {
    eval_outputs *outputs = &r->outputs;
    size_t nb = r->data.outputs.n;
    *outputs = (eval_outputs){.nb = (int)nb,
                              .nb_context = (int)r->contexts.names.n,
                              .name = dcpg_alloc(nb, sizeof *outputs->name),
                              .kind = dcpg_alloc(nb, sizeof *outputs->kind),
                              .unit = dcpg_alloc(nb, sizeof *outputs->unit)};
    if (!outputs->name || !outputs->kind || !outputs->unit) return dcpg_fail_nomem(err, "outputs", nb * 64);
    for (size_t o = 0; o < nb; o++) {
        int64_t classes;
        outputs->name[o] = r->data.outputs.v[o];
        DCPG_TRY(check_name(r, outputs->name[o], err));
        outputs->kind[o] = dcpg_output_kind_of(outputs->name[o]);
        outputs->unit[o] = outputs->nb_unit;
        outputs->nb_unit += outputs->kind[o].units;
        DCPG_TRY(dcpg_export_classes(&r->data, outputs->name[o], &classes, err));
        if (classes != outputs->kind[o].units)
            return dcpg_fail(err, DCPG_E_INPUT,
                             "%s: predictions of %s have %" PRId64 " numbers a site, not %d", r->data.path,
                             outputs->name[o], classes, outputs->kind[o].units);
    }
    return dcpg_eval_read_notes(r->data.file, outputs, err);
}

static dcpg_status open_block(run *r, dcpg_err *err) {
    perf_block *b = &r->block;
    int64_t per_row = r->outputs.nb + r->outputs.nb_unit;
    int64_t rows = min_i64(max_i64(BLOCK_BYTES / 4 / per_row, FEWEST_ROWS), MOST_ROWS);
    b->most = rows;
    b->capacity = min_i64(rows + 2 * MARGIN, r->data.total + 1);
    size_t capacity = (size_t)b->capacity;
    b->chromo = dcpg_alloc(5 * capacity, sizeof *b->chromo);
    b->label = dcpg_alloc(capacity * (size_t)per_row, sizeof *b->label);
    b->part = dcpg_alloc(capacity, sizeof *b->part);
    b->chromos = &r->chromos;
    r->scratch = dcpg_alloc(capacity * DCPG_MAX_CLASSES, sizeof *r->scratch);
    if (!b->chromo || !b->label || !b->part || !r->scratch)
        return dcpg_fail_nomem(err, "sites", capacity * (size_t)per_row * 4);
    b->pos = b->chromo + capacity;
    b->coverage = b->pos + capacity;
    b->density = b->coverage + capacity;
    b->distance = b->density + capacity;
    b->prediction = b->label + capacity * (size_t)r->outputs.nb;
    return DCPG_OK;
}

static dcpg_status open_curves(run *r, dcpg_err *err) {
    const dcpg_perf_options *o = r->options;
    size_t nb = r->contexts.names.n;
    bool any = false;
    r->wish = dcpg_alloc(nb, sizeof *r->wish);
    if (!r->wish) return dcpg_fail_nomem(err, "curves", nb);
    for (size_t c = 0; c <= (size_t)r->contexts.nb_anno; c++) {
        r->wish[c] = c == 0 ? (perf_wish){o->roc, o->pr} : (perf_wish){o->anno_roc, o->anno_pr};
        any = any || r->wish[c].roc || r->wish[c].pr;
    }
    const perf_curves_options options = {&r->outputs, &r->observed, &r->contexts.names, r->wish,
                                         o->curve_points};
    return any ? dcpg_perf_curves_new(&options, &r->curves, err) : DCPG_OK;
}

static dcpg_status open_parts(run *r, dcpg_err *err) {
    const dcpg_perf_options *o = r->options;
    bool ordered = r->chromos.disorder < 0;
    if (!ordered && (o->density || o->distance))
        dcpg_warn(r->log,
                  "%s: row %" PRId64 " of pos and others are not in order: no scores by density and distance",
                  r->data.path, r->chromos.disorder);
    DCPG_TRY(open_folder(r, err));
    DCPG_TRY(dcpg_perf_contexts_open(o, &r->data, &r->chromos, ordered, &r->contexts, err));
    DCPG_TRY(open_outputs(r, err));
    DCPG_TRY(open_block(r, err));
    DCPG_TRY(dcpg_eval_observed_new(&r->outputs, r->path[METRICS], r->par, &r->observed, err));
    DCPG_TRY(open_curves(r, err));
    size_t bins = (size_t)(r->outputs.nb + 1) * NB_BIN,
           values = r->contexts.names.n * eval_values(&r->outputs);
    r->bin = dcpg_alloc(bins, sizeof *r->bin);
    r->value = dcpg_alloc(values, sizeof *r->value);
    return r->bin && r->value ? DCPG_OK : dcpg_fail_nomem(err, "scores", values * sizeof *r->value);
}

static dcpg_status open_all(run *r, dcpg_err *err) {
    const dcpg_export_options wanted = {
        .data = r->options->data, .outputs = r->options->outputs, .nb_sample = r->options->nb_sample};
    DCPG_TRY(dcpg_agree_all(r->par, dcpg_export_data_open(&wanted, &r->data, err), err));
    dcpg_status status = dcpg_export_chromos_open(&r->data, &wanted, "", r->par, &r->chromos, err);
    DCPG_TRY(dcpg_agree_all(r->par, status, err));
    DCPG_TRY(dcpg_agree_all(r->par, open_parts(r, err), err));
    r->first = dcpg_part(r->data.total, r->par->rank, r->par->size);
    r->end = dcpg_part(r->data.total, r->par->rank + 1, r->par->size);
    return DCPG_OK;
}

/* ---- reading ---- */

/* Reads places of rows [low, high), and moves both to the rows that can be neighbours of the block's. */
static dcpg_status read_places(run *r, dcpg_err *err) {
    perf_block *b = &r->block;
    int64_t n = b->high - b->low, skip = 0;
    char *names = dcpg_alloc((size_t)n, r->data.width);
    if (!names) return dcpg_fail_nomem(err, "names", (size_t)n * r->data.width);
    dcpg_status status = dcpg_export_read_places(&r->data, b->low, n, names, b->pos, err);
    const export_names of_rows = {names, r->data.width};
    for (int64_t i = 0, k = 0; i < n && status == DCPG_OK; i++)
        b->chromo[i] = (int32_t)(k = dcpg_export_row_chromo(&r->chromos, of_rows, i, k));
    dcpg_free(names);
    DCPG_TRY(status);
    int64_t first = b->first - b->low, last = b->end - 1 - b->low;
    while (b->chromo[skip] != b->chromo[first] || b->pos[first] - b->pos[skip] > PERF_FAR) skip++;
    while (b->chromo[n - 1] != b->chromo[last] || b->pos[n - 1] - b->pos[last] > PERF_FAR) n--;
    memmove(b->chromo, b->chromo + skip, (size_t)(n - skip) * sizeof *b->chromo);
    memmove(b->pos, b->pos + skip, (size_t)(n - skip) * sizeof *b->pos);
    b->low += skip;
    b->high = b->low + n - skip;
    return DCPG_OK;
}

/* Reads the labels and predictions of output o; of several classes, the label becomes the number of the one
 * observed. */
static dcpg_status read_output(run *r, int o, dcpg_err *err) {
    perf_block *b = &r->block;
    int units = r->outputs.kind[o].units;
    float *label = b->label + o * b->capacity;
    export_numbers numbers = {.first = b->low,
                              .n = b->high - b->low,
                              .label = r->scratch,
                              .prediction = b->prediction + r->outputs.unit[o] * b->capacity};
    DCPG_TRY(dcpg_export_read_numbers(&r->data, r->outputs.name[o], &numbers, err));
    for (int64_t i = 0; i < numbers.n; i++) {
        label[i] = units == 1 ? r->scratch[i] : -1;
        for (int c = 0; c < units && units > 1; c++)
            if (r->scratch[i * units + c] > 0) label[i] = (float)c;
    }
    return DCPG_OK;
}

/* Reads rows [first, end) and their neighbours. */
static dcpg_status read_block(run *r, int64_t first, int64_t end, dcpg_err *err) {
    perf_block *b = &r->block;
    bool near = r->contexts.density.nb || r->contexts.distance.nb;
    int64_t margin = near ? MARGIN : 0;
    b->first = first;
    b->end = end;
    b->low = max_i64(first - margin, 0);
    b->high = min_i64(end + margin, r->data.total);
    DCPG_TRY(read_places(r, err));
    for (int o = 0; o < r->outputs.nb; o++) DCPG_TRY(read_output(r, o, err));
    return DCPG_OK;
}

/* ---- scoring ---- */

static int bin_of(float prediction) {
    int bin = prediction > 0 ? (int)(prediction * NB_BIN) : 0;
    return bin < NB_BIN ? bin : NB_BIN - 1;
}

/* Counts a prediction of a probability. */
static void count_reliability(run *r, int o, float label, float prediction) {
    if (r->outputs.kind[o].loss != DCPG_LOSS_BCE || isnan(prediction)) return;
    reliability *of[2] = {&r->bin[o * NB_BIN + bin_of(prediction)], NULL};
    if (dcpg_export_is_cell(r->outputs.name[o])) of[1] = &r->bin[r->outputs.nb * NB_BIN + bin_of(prediction)];
    for (int i = 0; i < 2 && of[i]; i++) {
        of[i]->n++;
        of[i]->up += label > 0.5f;
        dcpg_exact_add(&of[i]->sum, (double)prediction);
    }
}

static dcpg_status score_output(run *r, int o, dcpg_err *err) {
    perf_block *b = &r->block;
    int list[PERF_MOST_CONTEXTS], units = r->outputs.kind[o].units;
    const float *label = b->label + o * b->capacity,
                *prediction = b->prediction + r->outputs.unit[o] * b->capacity;
    if (r->contexts.distance.nb) dcpg_perf_measure_distance(&r->outputs, b, o);
    for (int64_t i = b->first - b->low; i < b->end - b->low; i++) {
        if (!(label[i] >= 0)) continue;
        const float *p = prediction + i * units;
        int n = dcpg_perf_contexts_at(&r->contexts, b, i, list);
        for (int c = 0; c < n; c++)
            DCPG_TRY(dcpg_eval_observed_add(&r->observed, eval_column_of(&r->observed, list[c], o), units,
                                            label[i], p, err));
        count_reliability(r, o, label[i], *p);
    }
    return DCPG_OK;
}

static void count_sites(run *r) {
    const perf_block *b = &r->block;
    int list[PERF_MOST_CONTEXTS];
    for (int64_t i = b->first - b->low; i < b->end - b->low; i++) {
        int n = dcpg_perf_contexts_at(&r->contexts, b, i, list);
        for (int c = 1; c < n && list[c] <= r->contexts.nb_anno; c++) r->contexts.nb_site[list[c] - 1]++;
    }
}

static dcpg_status check_signal(dcpg_err *err) {
    if (!dcpg_signal_seen()) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_STOPPED, "stopped by %s: nothing is written",
                     dcpg_signal_name(dcpg_signal_seen()));
}

/* Reads rows [first, end), if there are any, and measures what their contexts are chosen by. Local. */
static dcpg_status start_block(run *r, int64_t first, int64_t end, dcpg_err *err) {
    r->block.first = r->block.end = r->block.low = r->block.high = first;
    if (first == end) return DCPG_OK;
    DCPG_TRY(read_block(r, first, end, err));
    dcpg_perf_measure(&r->outputs, &r->block);
    count_sites(r);
    return DCPG_OK;
}

static dcpg_status score_outputs(run *r, int first, int end, dcpg_err *err) {
    for (int o = first; o < end; o++) {
        DCPG_TRY(check_signal(err));
        DCPG_TRY(score_output(r, o, err));
    }
    return DCPG_OK;
}

/* Outputs whose predictions are kept until they are exchanged: a site is in every annotation, at most, and
 * in one bin each of coverage, density and distance. */
static int outputs_at_once(const run *r) {
    int64_t bytes = r->block.most * (4 + r->contexts.nb_anno) * (int64_t)sizeof(uint64_t);
    return (int)min_i64(max_i64(BLOCK_BYTES / bytes, 1), r->outputs.nb);
}

/* Scores rows [first, end). Collective. */
static dcpg_status score_block_all(run *r, int64_t first, int64_t end, dcpg_err *err) {
    int step = outputs_at_once(r);
    DCPG_TRY(dcpg_agree_all(r->par, start_block(r, first, end, err), err));
    for (int o = 0; o < r->outputs.nb; o += step) {
        int last = (int)min_i64(o + step, r->outputs.nb);
        DCPG_TRY(dcpg_agree_all(r->par, score_outputs(r, o, last, err), err));
        DCPG_TRY(dcpg_ranking_exchange_all(r->observed.ranking, err));
    }
    if (first < end)
        dcpg_progress(r->log, false, "perf: %.0f %%",
                      100.0 * (double)(end - r->first) / (double)(r->end - r->first));
    return DCPG_OK;
}

/* Collective. */
static dcpg_status score_all(run *r, dcpg_err *err) {
    int64_t rows = r->block.most, largest = dcpg_max_i64_all(r->par, r->end - r->first);
    for (int64_t done = 0; done < largest; done += rows) {
        int64_t first = min_i64(r->first + done, r->end);
        DCPG_TRY(score_block_all(r, first, min_i64(first + rows, r->end), err));
    }
    dcpg_ranking_visitor counter = {0};
    if (r->curves) counter = dcpg_perf_curves_counter(r->curves);
    DCPG_TRY(
        dcpg_eval_scores_all(&r->observed, &r->outputs, r->curves ? &counter : NULL, r->par, r->value, err));
    dcpg_sum_i64s_all(r->par, r->contexts.nb_site, (size_t)r->contexts.nb_anno);
    dcpg_sum_i64s_all(r->par, (int64_t *)r->bin,
                      (size_t)(r->outputs.nb + 1) * NB_BIN * sizeof *r->bin / sizeof(int64_t));
    return DCPG_OK;
}

/* ---- writing ---- */

/* Whether an annotation has too few sites. */
static bool is_left_out(const run *r, int context) {
    return context >= 1 && context <= r->contexts.nb_anno &&
           r->contexts.nb_site[context - 1] < r->options->anno_min_sites;
}

/* Whether any label is in the context. */
static bool has_labels(const run *r, int context) {
    const double *value = r->value + (size_t)context * eval_values(&r->outputs);
    for (int o = 0; o < r->outputs.nb; o++)
        if (value[o * DCPG_NB_SCORE + DCPG_SCORE_N] > 0) return true;
    return false;
}

static dcpg_status write_metrics(const run *r, FILE *out, dcpg_err *err) {
    for (int c = 0; c < r->outputs.nb_context; c++)
        if (!is_left_out(r, c) && (c == 0 || has_labels(r, c)))
            DCPG_TRY(dcpg_eval_write_rows(out, r->contexts.names.v[c], &r->outputs,
                                          r->value + (size_t)c * eval_values(&r->outputs), err));
    return DCPG_OK;
}

static void write_reliability(const run *r, FILE *out) {
    for (int o = 0; o <= r->outputs.nb; o++)
        for (int b = 0; b < NB_BIN; b++) {
            const reliability *bin = &r->bin[o * NB_BIN + b];
            if (bin->n == 0) continue;
            fprintf(out, "%s\t%.1f\t%.1f\t%" PRId64 "\t%.9g\t%.9g\n",
                    o < r->outputs.nb ? r->outputs.name[o] : EVAL_POOLED_NAME, (double)b / NB_BIN,
                    (double)(b + 1) / NB_BIN, bin->n, dcpg_exact_value(&bin->sum) / (double)bin->n,
                    (double)bin->up / (double)bin->n);
        }
}

/* Writes one of the files under a temporary name, on rank 0; curves on all ranks. Collective. */
static dcpg_status write_file_all(run *r, int f, dcpg_err *err) {
    char *temporary = NULL;
    FILE *out = NULL;
    int fd = -1;
    dcpg_status status = DCPG_OK;
    if (r->par->rank == 0) {
        status = dcpg_temporary_create(r->path[f], &temporary, &fd, err);
        if (status == DCPG_OK && !(out = fdopen(fd, "w"))) status = dcpg_fail_nomem(err, r->path[f], 4096);
        if (!out && fd >= 0) close(fd);
    }
    status = dcpg_agree_all(r->par, status, err);
    if (out) fputs(heading[f], out);
    if (status == DCPG_OK && f == CURVES)
        status = dcpg_perf_curves_write_all(r->curves, r->observed.ranking, r->par, out, err);
    if (status == DCPG_OK && out && f == METRICS) status = write_metrics(r, out, err);
    if (status == DCPG_OK && out && f == RELIABILITY) write_reliability(r, out);
    bool fine = !out || (fflush(out) == 0 && !ferror(out));
    int reason = errno;
    if (out) fclose(out);
    if (status == DCPG_OK && !fine)
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", r->path[f], strerror(reason));
    if (status == DCPG_OK && temporary)
        status = dcpg_temporary_keep(temporary, r->path[f], err);
    else
        dcpg_temporary_remove(temporary);
    return dcpg_agree_all(r->par, status, err);
}

static void log_annos(const run *r) {
    for (int a = 0; a < r->contexts.nb_anno; a++)
        dcpg_info(r->log, "%s: %" PRId64 " sites%s", r->contexts.names.v[1 + a], r->contexts.nb_site[a],
                  is_left_out(r, 1 + a) ? ", left out (--anno_min_sites)" : "");
}

static dcpg_status perf_all(run *r, dcpg_err *err) {
    DCPG_TRY(open_all(r, err));
    dcpg_info(r->log, "%" PRId64 " sites, %d output%s, %zu contexts", r->data.total, r->outputs.nb,
              r->outputs.nb == 1 ? "" : "s", r->contexts.names.n);
    DCPG_TRY(score_all(r, err));
    DCPG_TRY(dcpg_agree_all(r->par, check_signal(err), err));
    if (!r->curves && r->par->rank == 0 && dcpg_file_exists(r->path[CURVES]))
        dcpg_warn(r->log, "%s is of an earlier run: no curves are wanted (--curves)", r->path[CURVES]);
    for (int f = 0; f < NB_FILE; f++)
        if (f != CURVES || r->curves) DCPG_TRY(write_file_all(r, f, err));
    dcpg_eval_report_means(&r->outputs, r->value, r->log);
    log_annos(r);
    return DCPG_OK;
}

dcpg_status dcpg_perf_all(const dcpg_perf_options *options, const dcpg_par *par, dcpg_log *log,
                          dcpg_err *err) {
    run r = {.options = options, .par = par, .log = log};
    dcpg_status status = perf_all(&r, err);
    for (int f = 0; f < NB_FILE; f++) dcpg_free(r.path[f]);
    dcpg_perf_curves_free(r.curves);
    dcpg_eval_observed_free(&r.observed);
    dcpg_perf_contexts_close(&r.contexts);
    dcpg_export_chromos_close(&r.chromos);
    dcpg_export_data_close(&r.data);
    dcpg_free(r.outputs.name);
    dcpg_free(r.outputs.kind);
    dcpg_free(r.outputs.unit);
    dcpg_free(r.outputs.untrained);
    dcpg_free(r.block.chromo);
    dcpg_free(r.block.label);
    dcpg_free(r.block.part);
    dcpg_free(r.scratch);
    dcpg_free(r.bin);
    dcpg_free(r.value);
    dcpg_free(r.wish);
    return status;
}
