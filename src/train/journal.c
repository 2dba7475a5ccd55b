/* SPDX-License-Identifier: MIT */
/* The journal: metrics.jsonl and TensorBoard's events, one line (event) per log step and per epoch. Both
 * files are only appended to. A checkpoint holds their lengths, to which a resumed run cuts them, so that no
 * step appears twice or is missing. Rank 0 writes. If that fails, one warning is logged and training goes
 * on. */
#include "train/trainer.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/tensorboard.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

#define METRICS_NAME "metrics.jsonl"
#define EVENTS_NAME  "events.out.tfevents.0000000000.dcpg"

struct journal {
    FILE *metrics;
    char *metrics_path;
    dcpg_events *events;
    char **tag; /* [capacity] tags of the event being assembled */
    float *value;
    int nb, capacity;
};

static double wall_time(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- JSON ---- */

static void put_name(FILE *out, const char *name) {
    fputc('"', out);
    for (; *name; name++) {
        unsigned char c = (unsigned char)*name;
        if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else
            fprintf(out, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    fputs("\":", out);
}

static void put_number(FILE *out, double x) { fprintf(out, isfinite(x) ? "%.9g" : "null", x); }

static void put_scores(FILE *out, const trainer *t, const char *name, const dcpg_scores *s) {
    int nb = t->net->nb_output;
    fprintf(out, ",\"%s\":{\"loss\":", name);
    put_number(out, s->loss);
    for (int m = 0; m <= DCPG_METRIC_CAT_ACC; m++) {
        double mean = dcpg_scores_mean(s, nb, t->tally->kind, (dcpg_metric)m);
        if (isnan(mean)) continue;
        fprintf(out, ",\"%s\":", dcpg_metric_name((dcpg_metric)m));
        put_number(out, mean);
    }
    fputs(",\"outputs\":{", out);
    for (int o = 0; o < nb; o++) {
        if (o) fputc(',', out);
        put_name(out, t->net->output[o]);
        fputs("{\"loss\":", out);
        put_number(out, s->loss_of[o]);
        for (int m = 0; m < t->tally->kind[o].nb_metric; m++) {
            fprintf(out, ",\"%s\":", dcpg_metric_name(t->tally->kind[o].metric[m]));
            put_number(out, s->metric[o * DCPG_MAX_METRICS + m]);
        }
        fputc('}', out);
    }
    fputs("}}", out);
}

/* ---- events ---- */

static void add_scalar(journal *j, char *tag, double value) {
    if (tag && j->nb < j->capacity && !isnan(value)) {
        j->tag[j->nb] = tag;
        j->value[j->nb++] = (float)value;
    } else {
        dcpg_free(tag);
    }
}

static void add_scores(journal *j, const trainer *t, const char *set, const dcpg_scores *s) {
    int nb = t->net->nb_output;
    add_scalar(j, dcpg_format("%s/loss", set), s->loss);
    for (int m = 0; m <= DCPG_METRIC_CAT_ACC; m++)
        add_scalar(j, dcpg_format("%s/%s", set, dcpg_metric_name((dcpg_metric)m)),
                   dcpg_scores_mean(s, nb, t->tally->kind, (dcpg_metric)m));
    for (int o = 0; o < nb; o++) {
        add_scalar(j, dcpg_format("%s/%s/loss", set, t->net->output[o]), s->loss_of[o]);
        for (int m = 0; m < t->tally->kind[o].nb_metric; m++)
            add_scalar(j,
                       dcpg_format("%s/%s/%s", set, t->net->output[o],
                                   dcpg_metric_name(t->tally->kind[o].metric[m])),
                       s->metric[o * DCPG_MAX_METRICS + m]);
    }
}

static dcpg_status write_event(journal *j, int64_t step, dcpg_err *err) {
    const dcpg_event event = {.wall = wall_time(),
                              .step = step,
                              .nb = j->nb,
                              .tag = (const char *const *)j->tag,
                              .value = j->value};
    dcpg_status status = dcpg_events_add(j->events, &event, err);
    for (int i = 0; i < j->nb; i++) dcpg_free(j->tag[i]);
    j->nb = 0;
    return status;
}

/* ---- writing ---- */

static void give_up(trainer *t, const dcpg_err *err) {
    dcpg_warn(t->log, "%s; training goes on without " METRICS_NAME " and events", err->text);
    dcpg_journal_close(t);
}

static void write_line(trainer *t, const char *kind, double rate, const dcpg_scores *train,
                       const dcpg_scores *val, dcpg_err *err) {
    FILE *out = t->journal->metrics;
    int64_t steps = dcpg_shards_steps(t->train_shards);
    fprintf(out,
            "{\"kind\":\"%s\",\"time\":%.3f,\"epoch\":%" PRId64 ",\"step\":%" PRId64
            ",\"samples_per_second\":",
            kind, wall_time(), t->run.epoch + 1, t->run.epoch * steps + t->run.step);
    put_number(out, rate);
    put_scores(out, t, "train", train);
    if (val) put_scores(out, t, "val", val);
    fputs("}\n", out);
    if (fflush(out) != 0 || ferror(out))
        dcpg_fail(err, DCPG_E_IO, "%s: cannot be written", t->journal->metrics_path);
}

static void note(trainer *t, const char *kind, double rate, const dcpg_scores *train,
                 const dcpg_scores *val) {
    dcpg_err err = {0};
    journal *j = t->journal;
    if (!j) return;
    write_line(t, kind, rate, train, val, &err);
    if (j->events) {
        add_scores(j, t, val ? "epoch/train" : "train", train);
        if (val) add_scores(j, t, "epoch/val", val);
        write_event(j, t->run.epoch * dcpg_shards_steps(t->train_shards) + t->run.step, &err);
    }
    if (err.status != DCPG_OK) give_up(t, &err);
}

void dcpg_journal_step(trainer *t, double rate) { note(t, "step", rate, &t->shown, NULL); }

void dcpg_journal_epoch(trainer *t) {
    double rate = t->training_seconds > 0 ? (double)t->samples / t->training_seconds : NAN;
    note(t, "epoch", rate, &t->run.train[t->run.epoch], t->val ? &t->run.val[t->run.epoch] : NULL);
}

void dcpg_journal_settle(trainer *t) {
    dcpg_err err = {0};
    journal *j = t->journal;
    if (!j) return;
    dcpg_file_settle(j->metrics, j->metrics_path, &t->run.metrics_bytes, &err);
    if (j->events && err.status == DCPG_OK) dcpg_events_settle(j->events, &t->run.events_bytes, &err);
    if (err.status != DCPG_OK) give_up(t, &err);
}

/* ---- opening and closing ---- */

static dcpg_status open_events(trainer *t, journal *j, dcpg_err *err) {
    if (!dcpg_events_available()) return DCPG_OK;
    char *path = dcpg_format("%s/" EVENTS_NAME, t->options->out_dir);
    dcpg_status status = path ? dcpg_events_open(path, t->run.events_bytes, &j->events, err)
                              : dcpg_fail_nomem(err, "a file name", 64);
    dcpg_free(path);
    return status;
}

dcpg_status dcpg_journal_open(trainer *t, dcpg_err *err) {
    journal *j = t->journal = dcpg_alloc(1, sizeof *j);
    int per_set = t->net->nb_output * (1 + DCPG_MAX_METRICS) + 2 + DCPG_METRIC_CAT_ACC;
    if (!j) return dcpg_fail_nomem(err, "the journal", sizeof *j);
    j->capacity = 2 * per_set;
    j->tag = dcpg_alloc((size_t)j->capacity, sizeof *j->tag);
    j->value = dcpg_alloc((size_t)j->capacity, sizeof *j->value);
    j->metrics_path = dcpg_format("%s/" METRICS_NAME, t->options->out_dir);
    if (!j->tag || !j->value || !j->metrics_path)
        return dcpg_fail_nomem(err, "the journal", (size_t)j->capacity * sizeof *j->tag);
    DCPG_TRY(dcpg_file_continue(j->metrics_path, t->run.metrics_bytes, &j->metrics, err));
    if (ftello(j->metrics) < t->run.metrics_bytes)
        dcpg_warn(t->log, "%s is shorter than when the checkpoint was written: steps are missing in it",
                  j->metrics_path);
    return open_events(t, j, err);
}

void dcpg_journal_close(trainer *t) {
    journal *j = t->journal;
    if (!j) return;
    if (j->metrics) fclose(j->metrics);
    dcpg_events_close(j->events);
    for (int i = 0; i < j->nb; i++) dcpg_free(j->tag[i]);
    dcpg_free(j->tag);
    dcpg_free(j->value);
    dcpg_free(j->metrics_path);
    dcpg_free(j);
    t->journal = NULL;
}
