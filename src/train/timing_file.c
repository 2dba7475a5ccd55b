/* SPDX-License-Identifier: MIT */
/* timing.json of the model directory, and the file of --profile FILE: one JSON object with the table, what it
 * was measured on, and in the latter the slowest rank's time of every step. */
#include "draw/markup.h"
#include "train/trainer.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/version.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define TIMING_NAME "timing.json"

/* Bytes that are no UTF-8, which words of a command line may hold, become U+FFFD: JSON has no other text. */
static void put_text(FILE *out, const char *text) {
    fputc('"', out);
    while (*text) {
        unsigned char c = (unsigned char)*text;
        size_t n = dcpg_draw_letter(text);
        if (c < ' ')
            fprintf(out, "\\u%04x", c);
        else if (c == '"' || c == '\\')
            fprintf(out, "\\%c", c);
        else if (n == 0)
            fputs("\\ufffd", out);
        else
            fwrite(text, 1, n, out);
        text += n ? n : 1;
    }
    fputc('"', out);
}

static void put_spread(FILE *out, const timing_row *row) {
    fprintf(out, "\"mean\":%.9f,\"least\":%.9f,\"most\":%.9f,\"slowest\":%d", row->mean, row->least,
            row->most, row->slowest);
}

/* "NAME":{...} for rows that have keys of their own. */
static void put_rows(FILE *out, const char *name, const timing_row *row, int nb) {
    fprintf(out, ",\n\"%s\":{", name);
    for (int i = 0; i < nb; i++) {
        fprintf(out, "%s\n  \"%s\":{", i ? "," : "", row[i].key);
        put_spread(out, &row[i]);
        fputs(",\"what\":", out);
        put_text(out, row[i].what);
        fputc('}', out);
    }
    fputc('}', out);
}

/* In the order in which they run; with what they exchange: a range of the gradients, and numbers of batch
 * norm. `op`: this rank's. */
static void put_operations(FILE *out, const timing_table *table, const dcpg_op_time *op) {
    fputs(",\n\"operations\":[", out);
    for (int i = 0; i < table->nb_op; i++) {
        const timing_row *row = &table->row[i];
        fprintf(out, "%s\n  {\"kind\":\"%s\",\"layer\":", i ? "," : "", row->key);
        put_text(out, row->what);
        fputc(',', out);
        put_spread(out, row);
        fprintf(out, ",\"backward\":%.9f,\"gradients\":[%zu,%zu],\"summed\":%" PRId64, row->backward,
                op[i].gradients.offset, op[i].gradients.count, op[i].nb_sum);
        fputc('}', out);
    }
    fputc(']', out);
}

static void put_steps(FILE *out, const step_times *times) {
    fputs(",\n\"step_seconds\":[", out);
    for (size_t i = 0; i < times->n; i++) fprintf(out, "%s%.9f", i ? "," : "", 1e-9 * (double)times->ns[i]);
    fputc(']', out);
}

static void put_options(FILE *out, const dcpg_strings *words) {
    fputs(",\n\"options\":[", out);
    for (size_t i = 0; words && i < words->n; i++) {
        if (i) fputc(',', out);
        put_text(out, words->v[i]);
    }
    fputc(']', out);
}

static void put_run(FILE *out, const trainer *t, int64_t peak) {
    int64_t warmup = t->options->timing_warmup_steps, steps = t->steps - warmup;
    fprintf(out,
            "{\"dcpg_profile\":1,\"version\":\"%s\",\"ranks\":%d,\"hosts\":%d,\"threads\":%d,"
            "\"virtual_ranks\":%d,\"batch\":%" PRId64 ",\"outputs\":%d,\"parameters\":%zu,\"trained\":%zu,\n"
            "\"warmup_steps\":%" PRId64 ",\"steps\":%" PRId64 ",\"samples_per_second\":%.3f,"
            "\"peak_memory_bytes\":%" PRId64,
            DCPG_VERSION, t->par->size, t->par->nb_host, t->options->nb_thread, t->virtual_ranks, t->batch,
            t->net->nb_output, t->net->nb_value, t->net->nb_trained, warmup, steps > 0 ? steps : 0,
            t->training_seconds > 0 ? (double)t->samples / t->training_seconds : 0, peak);
    put_options(out, t->options->words);
}

static void put_traffic(FILE *out, const double *sent) {
    fprintf(out,
            ",\n\"traffic_per_step\":{\"memory_messages\":%.3f,\"memory_bytes\":%.0f,"
            "\"network_messages\":%.3f,\"network_bytes\":%.0f}",
            sent[TRAFFIC_MEMORY_MESSAGES], sent[TRAFFIC_MEMORY_BYTES], sent[TRAFFIC_NETWORK_MESSAGES],
            sent[TRAFFIC_NETWORK_BYTES]);
}

/* Largest memory of any rank so far. Collective. */
static int64_t peak_all(const trainer *t) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return 1024 * dcpg_max_i64_all(t->par, usage.ru_maxrss);
}

/* `steps`: with the time of every step. */
static dcpg_status write(const trainer *t, const timing_table *table, int64_t peak, const char *path,
                         bool steps, dcpg_err *err) {
    char *text = NULL;
    size_t size = 0;
    dcpg_op_time *op = dcpg_alloc((size_t)table->nb_op, sizeof *op);
    FILE *out = op ? open_memstream(&text, &size) : NULL;
    if (!out) {
        dcpg_free(op);
        return dcpg_fail_nomem(err, "times", (size_t)table->nb_op * sizeof *op);
    }
    dcpg_net_times(t->net, op);
    put_run(out, t, peak);
    put_traffic(out, table->traffic);
    put_rows(out, "seconds", table->row + table->nb_op, table->nb - table->nb_op);
    put_operations(out, table, op);
    if (steps) put_steps(out, &t->times);
    fputs("}\n", out);
    dcpg_status status =
        fclose(out) == 0 ? dcpg_file_write(path, text, size, err) : dcpg_fail_nomem(err, "times", size);
    free(text);
    dcpg_free(op);
    return status;
}

/* A model is as good without its timings. Those of an earlier start stay where this one had no step. */
static void try_write(const trainer *t, const timing_table *table, int64_t peak) {
    dcpg_err fault = {0};
    char *path = dcpg_format("%s/" TIMING_NAME, t->options->out_dir);
    if (!path || write(t, table, peak, path, false, &fault) != DCPG_OK)
        dcpg_warn(t->log, "%s; only the timings of this run are lost", path ? fault.text : "no memory");
    dcpg_free(path);
}

dcpg_status dcpg_timing_write_all(trainer *t, const timing_table *table, dcpg_err *err) {
    int64_t peak = peak_all(t);
    const char *file = t->options->profile_file;
    if (t->par->rank == 0 && t->steps > 0) try_write(t, table, peak);
    if (!file) return DCPG_OK;
    /* A rank without memory for its times has fewer of them. */
    t->times.n = (size_t)-dcpg_max_i64_all(t->par, -(int64_t)t->times.n);
    dcpg_max_i64s_all(t->par, t->times.ns, t->times.n);
    return dcpg_agree_all(t->par, t->par->rank == 0 ? write(t, table, peak, file, true, err) : DCPG_OK, err);
}
