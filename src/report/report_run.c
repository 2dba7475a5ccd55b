/* SPDX-License-Identifier: MIT */
/* Reads what dcpg train left in a model directory: learning curves, timings, and when it ran. Nothing in the
 * files is trusted. */
#include "report/report_impl.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Most bytes of timing.json: a line per operation. */
enum { MOST_TIMING = 64 << 20 };

static char *path_in(const char *dir, const char *name) { return dcpg_format("%s/%s", dir, name); }

/* ---- learning curves ---- */

/* Copies the next field of a line, up to a tab or its end, if it is a number or empty; NULL: it is neither.
 */
static const char *take_number(const char *at, char field[REPORT_NUMBER]) {
    size_t n = strcspn(at, "\t\n");
    double value;
    if (n >= REPORT_NUMBER) return NULL;
    memcpy(field, at, n);
    field[n] = '\0';
    if (n > 0 && strcmp(field, "nan") != 0 && strcmp(field, "inf") != 0 && !dcpg_parse_double(field, &value))
        return NULL;
    return at + n + (at[n] == '\t');
}

static dcpg_status add_epoch(report_curve *curve, const char *line, const char *path, dcpg_err *err) {
    report_epoch *grown = dcpg_realloc(curve->v, curve->nb, curve->nb + 1, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, path, sizeof *grown);
    curve->v = grown;
    report_epoch *epoch = &grown[curve->nb++];
    const char *at = take_number(line, epoch->loss);
    if (at && *curve->metric) at = take_number(at, epoch->score);
    if (at && *epoch->loss) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: line %zu: does not begin with numbers: this is no learning curve", path,
                     curve->nb + 1);
}

/* The second column is the mean of the first metric, if any output has one: "acc", not "cpg/CELL_loss". */
static dcpg_status take_heading(report_curve *curve, const char *line, const char *path, dcpg_err *err) {
    if (strncmp(line, "loss", 4) != 0 || (line[4] != '\t' && line[4] != '\n'))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: line 1: does not begin with loss: this is no learning curve",
                         path);
    const char *second = line + 5;
    size_t n = line[4] == '\t' ? strcspn(second, "\t\n") : 0;
    bool metric = n > 0 && n < REPORT_NUMBER &&
                  strspn(second, "abcdefghijklmnopqrstuvwxyz_0123456789") == n &&
                  !(n > 5 && strncmp(second + n - 5, "_loss", 5) == 0);
    if (metric) memcpy(curve->metric, second, n);
    return DCPG_OK;
}

static dcpg_status read_lines(FILE *file, report_curve *curve, const char *path, dcpg_err *err) {
    char *line = NULL;
    size_t capacity = 0;
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; status == DCPG_OK && getline(&line, &capacity, file) > 0; i++)
        status = i == 0 ? take_heading(curve, line, path, err) : add_epoch(curve, line, path, err);
    if (status == DCPG_OK && ferror(file)) status = dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read", path);
    free(line);
    return status;
}

static dcpg_status read_curve(const char *dir, const char *name, report_curve *curve, dcpg_err *err) {
    char *path = path_in(dir, name);
    if (!path) return dcpg_fail_nomem(err, "a file name", strlen(dir));
    FILE *file = dcpg_file_open(path);
    dcpg_status status = DCPG_OK;
    curve->there = file != NULL;
    if (file)
        status = read_lines(file, curve, path, err);
    else if (errno != ENOENT)
        status = dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    if (file) fclose(file);
    dcpg_free(path);
    return status;
}

/* ---- timings ---- */

static int64_t whole(const json_t *object, const char *key) {
    return (int64_t)json_integer_value(json_object_get(object, key));
}

/* Mean seconds; 0 where there is no such number. */
static double mean_of(const json_t *row) {
    double seconds = json_number_value(json_object_get(row, "mean"));
    return seconds > 0 && seconds < 1e12 ? seconds : 0;
}

static dcpg_status add_part(report_timing *t, char *what, double seconds, dcpg_err *err) {
    report_part *grown = what ? dcpg_realloc(t->part, t->nb, t->nb + 1, sizeof *grown) : NULL;
    if (!grown) {
        dcpg_free(what);
        return dcpg_fail_nomem(err, "timings", sizeof *grown);
    }
    t->part = grown;
    t->part[t->nb++] = (report_part){what, seconds};
    return DCPG_OK;
}

/* Parts of the run that are no operation, nor sums of others. */
static bool is_part(const char *key) {
    static const char *const parts[] = {"data", "scores", "sums", "optimiser", "agreeing", "files", "rest"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (strcmp(key, parts[i]) == 0) return true;
    return false;
}

static dcpg_status take_parts(json_t *root, report_timing *t, dcpg_err *err) {
    json_t *row;
    const char *key;
    size_t i;
    json_array_foreach(json_object_get(root, "operations"), i, row) {
        const char *layer = json_string_value(json_object_get(row, "layer"));
        const char *kind = json_string_value(json_object_get(row, "kind"));
        DCPG_TRY(
            add_part(t, dcpg_format("%s (%s)", layer ? layer : "?", kind ? kind : "?"), mean_of(row), err));
    }
    json_object_foreach(json_object_get(root, "seconds"), key, row) {
        const char *what = json_string_value(json_object_get(row, "what"));
        if (is_part(key)) DCPG_TRY(add_part(t, dcpg_strdup(what ? what : key), mean_of(row), err));
    }
    return DCPG_OK;
}

static int longest_first(const void *a, const void *b) {
    double x = ((const report_part *)a)->seconds, y = ((const report_part *)b)->seconds;
    return (x < y) - (x > y);
}

static dcpg_status take_timing(json_t *root, report_timing *t, dcpg_err *err) {
    json_t *seconds = json_object_get(root, "seconds"), *word;
    const char *version = json_string_value(json_object_get(root, "version"));
    size_t i;
    t->there = true;
    t->version = dcpg_strdup(version ? version : "?");
    if (!t->version) return dcpg_fail_nomem(err, "timings", 64);
    t->ranks = whole(root, "ranks");
    t->hosts = whole(root, "hosts");
    t->threads = whole(root, "threads");
    t->virtual_ranks = whole(root, "virtual_ranks");
    t->batch = whole(root, "batch");
    t->outputs = whole(root, "outputs");
    t->parameters = whole(root, "parameters");
    t->trained = whole(root, "trained");
    t->steps = whole(root, "steps");
    t->peak = whole(root, "peak_memory_bytes");
    t->rate = json_number_value(json_object_get(root, "samples_per_second"));
    if (!(t->rate > 0 && t->rate < 1e15)) t->rate = 0;
    t->epochs = mean_of(json_object_get(seconds, "all"));
    t->opening = mean_of(json_object_get(seconds, "opening"));
    json_array_foreach(json_object_get(root, "options"), i, word) if (json_is_string(word))
        DCPG_TRY(dcpg_strings_add(&t->options, json_string_value(word), err));
    DCPG_TRY(take_parts(root, t, err));
    if (t->nb) qsort(t->part, t->nb, sizeof *t->part, longest_first);
    return DCPG_OK;
}

static dcpg_status parse_timing(const char *path, report_timing *t, dcpg_err *err) {
    char *text = NULL;
    DCPG_TRY(dcpg_file_read(path, MOST_TIMING, &text, err));
    json_t *root = json_loads(text, 0, NULL);
    dcpg_status status = json_is_object(root) && whole(root, "dcpg_profile") == 1
                             ? take_timing(root, t, err)
                             : dcpg_fail(err, DCPG_E_INPUT, "%s: is not as dcpg train writes it", path);
    json_decref(root);
    dcpg_free(text);
    return status;
}

/* A file that is not as expected costs its facts, not the report. */
static dcpg_status read_timing(const char *dir, report_timing *t, dcpg_log *log, dcpg_err *err) {
    char *path = path_in(dir, "timing.json");
    if (!path) return dcpg_fail_nomem(err, "a file name", strlen(dir));
    dcpg_err fault = {0};
    dcpg_status status = dcpg_file_exists(path) ? parse_timing(path, t, &fault) : DCPG_OK;
    if (status == DCPG_E_INPUT) {
        dcpg_warn(log, "%s; the report is without speed and timings of this run", fault.text);
        status = DCPG_OK;
    } else if (status != DCPG_OK) {
        *err = fault;
    }
    dcpg_free(path);
    return status;
}

/* ---- when it ran ---- */

/* Member "time" of a line; NaN: there is none. */
static double time_of(const char *line) {
    json_t *root = json_loads(line, 0, NULL), *time = json_object_get(root, "time");
    double seconds = json_is_number(time) ? json_number_value(time) : NAN;
    json_decref(root);
    return isfinite(seconds) && seconds > 0 && seconds < 1e11 ? seconds : NAN;
}

/* A journal that is not as expected costs two facts, not the report. */
static void read_times(const char *dir, report_run *run) {
    char *path = path_in(dir, "metrics.jsonl"), *line = NULL, *last = NULL;
    size_t capacity = 0, last_capacity = 0;
    FILE *file = path ? dcpg_file_open(path) : NULL;
    while (file && getline(&line, &capacity, file) > 0) {
        if (isnan(run->began)) run->began = time_of(line);
        char *other = last;
        size_t other_capacity = last_capacity;
        last = line, last_capacity = capacity;
        line = other, capacity = other_capacity;
    }
    if (last) run->ended = time_of(last);
    if (file) fclose(file);
    free(line);
    free(last);
    dcpg_free(path);
}

/* ---- the run ---- */

dcpg_status dcpg_report_run_read(const char *dir, report_run *run, dcpg_log *log, dcpg_err *err) {
    *run = (report_run){.dir = dir, .began = NAN, .ended = NAN};
    DCPG_TRY(read_curve(dir, "lc_train.tsv", &run->train, err));
    DCPG_TRY(read_curve(dir, "lc_val.tsv", &run->val, err));
    read_times(dir, run);
    DCPG_TRY(read_timing(dir, &run->timing, log, err));
    if (run->train.there) return DCPG_OK;
    if (!run->timing.there && isnan(run->began))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: there is no lc_train.tsv in it: give a folder that dcpg train wrote, or a file "
                         "of dcpg eval --out_data",
                         dir);
    dcpg_warn(log, "%s: there is no lc_train.tsv in it: the run has no whole epoch yet", dir);
    return DCPG_OK;
}

void dcpg_report_run_free(report_run *run) {
    dcpg_free(run->name);
    dcpg_free(run->train.v);
    dcpg_free(run->val.v);
    for (size_t i = 0; i < run->timing.nb; i++) dcpg_free(run->timing.part[i].what);
    dcpg_free(run->timing.part);
    dcpg_free(run->timing.version);
    dcpg_strings_free(&run->timing.options);
}

ptrdiff_t dcpg_report_best(const report_run *run) {
    const report_curve *curve = run->val.there ? &run->val : &run->train;
    ptrdiff_t best = -1;
    double least = INFINITY;
    for (size_t e = 0; e < curve->nb; e++) {
        double loss;
        if (!dcpg_parse_double(curve->v[e].loss, &loss) || !(loss < least)) continue;
        least = loss;
        best = (ptrdiff_t)e;
    }
    return best;
}

const char *dcpg_report_option(const report_run *run, const char *name) {
    size_t n = strlen(name);
    for (size_t i = 0; i < run->timing.options.n; i++) {
        const char *word = run->timing.options.v[i];
        if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, n) == 0 && word[2 + n] == '=')
            return word + 3 + n;
    }
    return NULL;
}
