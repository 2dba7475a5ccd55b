/* SPDX-License-Identifier: MIT */
/* Where the time of a run goes, for timing.json and --profile: the parts of steps, and the least, mean and
 * most of all ranks. */
#include "train/trainer.h"

#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

typedef struct name {
    const char *key, *what;
} name;

static const name part_name[TIMING_PARTS] = {
    [TIMING_DATA] = {"data", "cutting windows, neighbours and labels"},
    [TIMING_SCORES] = {"scores", "losses and metrics"},
    [TIMING_SUMS] = {"sums", "waiting for the gradients' sums"},
    [TIMING_OPTIMISER] = {"optimiser", "optimiser and penalties"},
    [TIMING_AGREEING] = {"agreeing", "agreeing with the other ranks after a step"},
    [TIMING_FILES] = {"files", "checkpoints and model files"},
};

static const name moment_name[TIMING_MOMENTS] = {
    [TIMING_LOADING] = {"loading", "reading the data"},
    [TIMING_RESTORING] = {"restoring", "reading the checkpoint"},
    [TIMING_OPENING] = {"opening", "all before the first step, reading included"},
    [TIMING_CHECKPOINT] = {"checkpoint", "writing the last checkpoint"},
};

/* Steps whose times are kept: 8 MB. */
enum { MOST_STEPS = 1 << 20 };

double dcpg_timing_lap(double *since) {
    double now = dcpg_now(), seconds = now - *since;
    *since = now;
    return seconds;
}

double dcpg_timing_busy(void) {
    struct timespec time = {0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

/* ---- steps ---- */

static void note_step(step_times *times, double seconds) {
    if (times->n == times->capacity && times->capacity < MOST_STEPS) {
        size_t capacity = times->capacity ? 2 * times->capacity : 256;
        int64_t *grown = dcpg_realloc(times->ns, times->capacity, capacity, sizeof *grown);
        if (grown) times->ns = grown, times->capacity = capacity;
    }
    if (times->n < times->capacity) times->ns[times->n++] = (int64_t)llround(1e9 * seconds);
}

/* Forgets what was measured so far. */
static void restart(trainer *t) {
    dcpg_net_reset_times(t->net);
    memset(t->part, 0, sizeof t->part);
    t->training_seconds = t->busy_seconds = 0;
    t->busy_from = dcpg_timing_busy();
    t->samples = 0;
    t->traffic_before = dcpg_par_sums_traffic(t->sums);
    t->cutting_before = dcpg_loader_cutting(t->train_loader);
    t->measured_from = t->epochs_from = dcpg_now();
}

void dcpg_timing_step(trainer *t, double seconds) {
    int64_t warmup = t->options->timing_warmup_steps;
    if (warmup > 0 && t->steps == warmup) restart(t);
    if (t->steps > warmup && t->options->profile_file) note_step(&t->times, seconds);
}

/* ---- the table ---- */

static void put(timing_row *row, const char *key, const char *what, double own) {
    *row = (timing_row){.key = key, .own = own};
    snprintf(row->what, sizeof row->what, "%s", what);
}

/* Fills in what this rank measured. */
static dcpg_status list_own(const trainer *t, timing_table *table, dcpg_err *err) {
    dcpg_op_time *op = dcpg_alloc((size_t)table->nb_op, sizeof *op);
    if (!op) return dcpg_fail_nomem(err, "times", (unsigned long long)table->nb_op * sizeof *op);
    dcpg_net_times(t->net, op);
    double compute = 0, left = t->epochs_seconds;
    timing_row *r = table->row;
    for (int i = 0; i < table->nb_op; i++, r++) {
        put(r, op[i].kind, op[i].layer, op[i].forward + op[i].backward);
        r->backward = op[i].backward;
        compute += r->own;
    }
    for (int i = 0; i < TIMING_PARTS; i++, r++) {
        put(r, part_name[i].key, part_name[i].what, t->part[i]);
        left -= t->part[i];
    }
    put(r++, "rest", "everything else", left - compute);
    put(r++, "all", "all", t->epochs_seconds);
    put(r++, "compute", "all operations", compute);
    put(r++, "steps", "training steps", t->training_seconds);
    put(r++, "processor", "processor time of training steps", t->busy_seconds);
    for (int i = 0; i < TIMING_MOMENTS; i++, r++)
        put(r, moment_name[i].key, moment_name[i].what, t->moment[i]);
    dcpg_free(op);
    return DCPG_OK;
}

/* Mean, least and most of all ranks, in numbers of nanoseconds x[4][nb]. */
static void compare_all(const trainer *t, timing_table *table, int64_t *x) {
    size_t nb = (size_t)table->nb;
    int64_t *sum = x, *least = x + nb, *most = x + 2 * nb, *at = x + 3 * nb;
    for (size_t i = 0; i < nb; i++) sum[i] = least[i] = most[i] = (int64_t)llround(1e9 * table->row[i].own);
    dcpg_min_i64s_all(t->par, least, nb);
    dcpg_max_i64s_all(t->par, most, nb);
    for (size_t i = 0; i < nb; i++) at[i] = sum[i] == most[i] ? t->par->rank : t->par->size;
    dcpg_min_i64s_all(t->par, at, nb);
    dcpg_sum_i64s_all(t->par, sum, nb);
    for (size_t i = 0; i < nb; i++) {
        timing_row *row = &table->row[i];
        row->mean = 1e-9 * (double)sum[i] / t->par->size;
        row->least = 1e-9 * (double)least[i];
        row->most = 1e-9 * (double)most[i];
        row->slowest = (int)at[i];
    }
}

static void compare_traffic_all(const trainer *t, timing_table *table) {
    dcpg_par_traffic now = dcpg_par_sums_traffic(t->sums), before = t->traffic_before;
    int64_t steps = t->steps - t->options->timing_warmup_steps;
    int64_t most[TRAFFIC_NUMBERS] = {
        [TRAFFIC_MEMORY_MESSAGES] = now.memory_messages - before.memory_messages,
        [TRAFFIC_MEMORY_BYTES] = now.memory_bytes - before.memory_bytes,
        [TRAFFIC_NETWORK_MESSAGES] = now.network_messages - before.network_messages,
        [TRAFFIC_NETWORK_BYTES] = now.network_bytes - before.network_bytes,
    };
    dcpg_max_i64s_all(t->par, most, TRAFFIC_NUMBERS);
    for (int i = 0; i < TRAFFIC_NUMBERS; i++)
        table->traffic[i] = steps > 0 ? (double)most[i] / (double)steps : 0;
}

dcpg_status dcpg_timing_table_all(const trainer *t, timing_table *table, dcpg_err *err) {
    int nb_op = dcpg_net_times(t->net, NULL), nb_shown = nb_op + TIMING_PARTS + 2;
    *table = (timing_table){.nb = nb_shown + 3 + TIMING_MOMENTS, .nb_op = nb_op, .nb_shown = nb_shown};
    size_t nb = (size_t)table->nb;
    table->row = dcpg_alloc(nb, sizeof *table->row);
    int64_t *numbers = dcpg_alloc(4 * nb, sizeof *numbers);
    dcpg_status status = table->row && numbers
                             ? list_own(t, table, err)
                             : dcpg_fail_nomem(err, "times", (unsigned long long)nb * sizeof *table->row);
    status = dcpg_agree_all(t->par, status, err);
    if (status == DCPG_OK) {
        compare_all(t, table, numbers);
        compare_traffic_all(t, table);
    }
    dcpg_free(numbers);
    return status;
}

/* Prints a line per row. */
static void print(const trainer *t, const timing_table *table) {
    const timing_row *all = &table->row[table->nb_shown - 1];
    dcpg_info(t->log, "profile: %-46s %10s %6s %8s %8s  %s", "seconds of a rank, validation included", "mean",
              "share", "min", "max", "at rank");
    for (int i = 0; i < table->nb_shown; i++) {
        const timing_row *row = &table->row[i];
        char what[192];
        if (i < table->nb_op)
            snprintf(what, sizeof what, "%s %s (backward %.0f %%)", row->what, row->key,
                     row->own > 0 ? 100 * row->backward / row->own : 0);
        else
            snprintf(what, sizeof what, "%s", row->what);
        dcpg_info(t->log, "profile: %-46s %10.3f %5.1f%% %8.3f %8.3f  %d", what, row->mean,
                  all->mean > 0 ? 100 * row->mean / all->mean : 0, row->least, row->most, row->slowest);
    }
    const double *sent = table->traffic;
    dcpg_info(
        t->log,
        "profile: sums of a step, most of any rank: %.1f messages, %.3f MB through the memory of a host "
        "and %.1f messages, %.3f MB through the network",
        sent[TRAFFIC_MEMORY_MESSAGES], sent[TRAFFIC_MEMORY_BYTES] / 1e6, sent[TRAFFIC_NETWORK_MESSAGES],
        sent[TRAFFIC_NETWORK_BYTES] / 1e6);
}

dcpg_status dcpg_timing_report_all(trainer *t, dcpg_err *err) {
    timing_table table;
    int64_t warmup = t->options->timing_warmup_steps;
    if (t->options->profile && warmup > 0 && t->steps <= warmup)
        dcpg_warn(t->log,
                  "--timing_warmup_steps %" PRId64 ", but the run had only %" PRId64
                  " step%s: none was left to be timed",
                  warmup, t->steps, t->steps == 1 ? "" : "s");
    dcpg_status status = dcpg_timing_table_all(t, &table, err);
    if (status == DCPG_OK && t->options->profile) print(t, &table);
    if (status == DCPG_OK) status = dcpg_timing_write_all(t, &table, err);
    dcpg_free(table.row);
    return status;
}
