/* SPDX-License-Identifier: MIT */
/* The state of a training, from the files that it writes: its lock, metrics.jsonl, checkpoints. Files are
 * only read, and those that change meanwhile are complete at any time; lines that are not whole yet are left
 * out. */
#include "base/number.h"
#include "report/report_impl.h"

#include <dcpg/checkpoint.h>
#include <dcpg/file.h>
#include <dcpg/h5.h>
#include <dcpg/lock.h>
#include <dcpg/log.h>
#include <dcpg/memory.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/* Bytes at the end of metrics.jsonl that are looked at. */
enum { TAIL = 16 << 20 };

/* Numbers of epochs and steps are below it. */
#define MOST 1e15

/* A line of metrics.jsonl. */
typedef struct moment {
    bool there;
    double time, rate, loss, val; /* NaN: unknown */
    int64_t epoch, step;          /* epoch from 1; steps of all epochs */
} moment;

typedef struct run {
    const char *dir;
    bool locked, model;
    dcpg_lock_owner owner;
    moment last, before, ended,
        best;                 /* last line; first line of this start; last epoch; that of the lowest loss */
    char *checkpoint;         /* name of the newest; NULL: none */
    double saved;             /* when, seconds since 1970 */
    int64_t epochs, patience; /* --nb_epoch, --early_stopping; -1: unknown */
    int64_t done, steps,
        waited; /* of the checkpoint: epochs, steps of the next one, epochs without a better loss */
} run;

static char *path_in(const run *r, const char *name) { return dcpg_format("%s/%s", r->dir, name); }

/* Time of the last change of a file; NaN: there is none. */
static double changed(const run *r, const char *name) {
    struct stat about;
    char *path = path_in(r, name);
    double at = path && stat(path, &about) == 0 ? (double)about.st_mtime : NAN;
    dcpg_free(path);
    return at;
}

/* ---- metrics.jsonl ---- */

/* The number after a key; NaN: null, or no such key. */
static double number_after(const char *line, const char *key) {
    const char *at = strstr(line, key);
    char *end;
    if (!at) return NAN;
    double value = strtod(at + strlen(key), &end);
    return end == at + strlen(key) ? NAN : value;
}

static void take_line(run *r, const char *line) {
    bool epoch = strncmp(line, "{\"kind\":\"epoch\"", 15) == 0;
    double number = number_after(line, "\"epoch\":"), step = number_after(line, "\"step\":");
    if ((!epoch && strncmp(line, "{\"kind\":\"step\"", 14) != 0) || !(number >= 1 && number < MOST) ||
        !(step >= 0 && step < MOST))
        return;
    const moment m = {.there = true,
                      .time = number_after(line, "\"time\":"),
                      .rate = number_after(line, "\"samples_per_second\":"),
                      .loss = number_after(line, "\"train\":{\"loss\":"),
                      .val = number_after(line, "\"val\":{\"loss\":"),
                      .epoch = (int64_t)number,
                      .step = (int64_t)step};
    bool of_start = !r->locked || m.time >= (double)r->owner.since;
    if (!r->before.there && of_start) r->before = m;
    r->last = m;
    if (!epoch) return;
    r->ended = m;
    double loss = isnan(m.val) ? m.loss : m.val, least = isnan(r->best.val) ? r->best.loss : r->best.val;
    if (!r->best.there || loss < least) r->best = m;
}

/* Takes the whole lines at the end of the file. */
static void take_lines(run *r, FILE *file) {
    bool cut = fseeko(file, -(off_t)TAIL, SEEK_END) == 0;
    if (!cut) rewind(file);
    char *line = NULL;
    size_t capacity = 0;
    ssize_t n;
    for (bool first = true; (n = getline(&line, &capacity, file)) > 0; first = false)
        if (line[n - 1] == '\n' && !(first && cut)) take_line(r, line);
    free(line);
}

static void read_metrics(run *r) {
    char *path = path_in(r, "metrics.jsonl");
    FILE *file = path ? dcpg_file_open(path) : NULL;
    if (file) {
        take_lines(r, file);
        fclose(file);
    }
    dcpg_free(path);
}

/* ---- checkpoints ---- */

static void find_checkpoint(run *r) {
    dcpg_strings names = {0};
    if (dcpg_checkpoint_list(r->dir, &names, NULL) == DCPG_OK && names.n > 0)
        r->checkpoint = dcpg_format("checkpoints/%s", names.v[names.n - 1]);
    dcpg_strings_free(&names);
    if (r->checkpoint) r->saved = changed(r, r->checkpoint);
}

/* The whole number of an option "--NAME=VALUE". */
static void take_word(const char *word, const char *option, int64_t *value) {
    size_t n = strlen(option);
    int64_t number;
    if (strncmp(word, option, n) == 0 && dcpg_parse_int(word + n, &number)) *value = number;
}

/* What the newest checkpoint holds; it may be removed meanwhile. */
static void read_checkpoint(run *r) {
    dcpg_h5 *file = NULL;
    dcpg_strings words = {0};
    char *path = r->checkpoint ? path_in(r, r->checkpoint) : NULL;
    if (path && dcpg_h5_open(path, NULL, &file, NULL) == DCPG_OK) {
        int64_t *const to[] = {&r->done, &r->steps, &r->waited};
        static const char *const names[] = {"epoch", "step", "waited"};
        for (int i = 0; i < 3; i++) dcpg_h5_read_attr_i64(file, "/", names[i], to[i], NULL);
        if (dcpg_h5_read_strings(file, "config/words", &words, NULL) == DCPG_OK)
            for (size_t i = 0; i < words.n; i++) {
                take_word(words.v[i], "--nb_epoch=", &r->epochs);
                take_word(words.v[i], "--early_stopping=", &r->patience);
            }
        dcpg_h5_close(file);
    }
    dcpg_strings_free(&words);
    dcpg_free(path);
}

/* ---- the state ---- */

static dcpg_run_state state_of(const run *r) {
    if (r->locked) return r->owner.alive ? DCPG_RUN_RUNNING : DCPG_RUN_DEAD;
    if (!r->model) return DCPG_RUN_FAILED;
    bool waited = r->patience > 0 && r->waited >= r->patience;
    bool all = r->epochs < 0 || r->done >= r->epochs || waited;
    return r->checkpoint && (r->steps > 0 || !all) ? DCPG_RUN_STOPPED : DCPG_RUN_FINISHED;
}

enum { TEXT = 96 };

/* The time since then, by the clock. */
static const char *age_of(double then, char text[32]) {
    return dcpg_duration(fmax((double)time(NULL) - then, 0), text);
}

static void print_state(const run *r, dcpg_run_state state, FILE *out) {
    char since[32], age[32];
    switch (state) {
    case DCPG_RUN_FINISHED:
        fputs("state       finished\n", out);
        break;
    case DCPG_RUN_STOPPED:
        fprintf(out, "state       stopped, everything is saved: dcpg train --resume %s continues\n", r->dir);
        break;
    case DCPG_RUN_FAILED:
        fprintf(out, "state       failed: it ended without a model%s\n",
                r->checkpoint ? "; --resume continues from the checkpoint" : "");
        break;
    case DCPG_RUN_RUNNING:
    case DCPG_RUN_DEAD:
        fprintf(out, "state       %s\n",
                state == DCPG_RUN_RUNNING ? "running"
                : r->checkpoint           ? "dead: it was killed; --resume continues from the checkpoint"
                                          : "dead: it was killed before its first checkpoint");
        fprintf(out, "written by  process %" PRId64 " on host %s since %s", r->owner.pid,
                *r->owner.host ? r->owner.host : "(unknown)", dcpg_date(r->owner.since, since));
        if (!r->owner.here) fprintf(out, ", last sign of life %s ago", age_of((double)r->owner.beat, age));
        fputs(state == DCPG_RUN_DEAD ? ", gone\n" : "\n", out);
    }
}

static void print_loss(const run *r, FILE *out) {
    fprintf(out, "loss        training %.4f", r->last.loss);
    if (r->ended.there && !isnan(r->ended.val))
        fprintf(out, ", validation %.4f after epoch %" PRId64, r->ended.val, r->ended.epoch);
    if (r->best.there)
        fprintf(out, "; best %.4f after epoch %" PRId64, isnan(r->best.val) ? r->best.loss : r->best.val,
                r->best.epoch);
    fputc('\n', out);
}

/* From the time per step since the start that runs, validation included. */
static void print_left(const run *r, int64_t per_epoch, FILE *out) {
    char text[32];
    int64_t steps = r->last.step - r->before.step;
    if (r->epochs < 0 || per_epoch == 0 || !r->before.there || steps <= 0) {
        fputs("time left   not known before the first epoch and checkpoint\n", out);
        return;
    }
    double left = ((double)r->epochs * (double)per_epoch - (double)r->last.step) *
                  (r->last.time - r->before.time) / (double)steps;
    fprintf(out, "time left   about %s%s\n", dcpg_duration(fmax(left, 0), text),
            r->patience > 0 ? ", less if it stops early" : "");
}

static void print_progress(const run *r, dcpg_run_state state, FILE *out) {
    char age[32], of[32] = "";
    int64_t per_epoch = r->ended.there ? r->ended.step / r->ended.epoch : 0;
    if (!r->last.there) {
        fputs("epoch       none yet: no step is logged\n", out);
        return;
    }
    if (r->epochs >= 0) snprintf(of, sizeof of, " of %" PRId64, r->epochs);
    fprintf(out, "epoch       %" PRId64 "%s, step %" PRId64, r->last.epoch, of,
            per_epoch > 0 ? r->last.step - (r->last.epoch - 1) * per_epoch : r->last.step);
    if (per_epoch > 0) fprintf(out, " of %" PRId64, per_epoch);
    fputc('\n', out);
    print_loss(r, out);
    if (!isnan(r->last.rate)) fprintf(out, "speed       %.1f sites/s\n", r->last.rate);
    if (state == DCPG_RUN_RUNNING) print_left(r, per_epoch, out);
    fprintf(out, "last step   %s ago\n", age_of(r->last.time, age));
}

static void print_checkpoint(const run *r, FILE *out) {
    char age[32];
    if (!r->checkpoint)
        fputs("checkpoint  none\n", out);
    else
        fprintf(out, "checkpoint  %s, %s ago\n", r->checkpoint, age_of(r->saved, age));
}

dcpg_status dcpg_run_print(const char *dir, FILE *out, dcpg_run_state *state, dcpg_err *err) {
    run r = {.dir = dir, .epochs = -1, .patience = -1, .saved = NAN};
    r.locked = dcpg_lock_look(dir, &r.owner);
    bool begun = !isnan(changed(&r, "model.json")) && !isnan(changed(&r, "metrics.jsonl"));
    if (!r.locked && !begun)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: holds no model.json and metrics.jsonl: give the --out_dir of a dcpg train",
                         dir);
    r.model = !isnan(changed(&r, "model.h5"));
    read_metrics(&r);
    find_checkpoint(&r);
    read_checkpoint(&r);
    *state = state_of(&r);
    fprintf(out, "run         %s\n", dir);
    print_state(&r, *state, out);
    print_progress(&r, *state, out);
    print_checkpoint(&r, out);
    dcpg_free(r.checkpoint);
    return DCPG_OK;
}
