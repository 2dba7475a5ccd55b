/* SPDX-License-Identifier: MIT */
/* Where the time of a run goes, rank by rank, for --profile. */
#include "train/trainer.h"

#include <dcpg/memory.h>
#include <stdio.h>

static const char *const part_name[TIMING_PARTS] = {
    [TIMING_DATA] = "cutting windows, neighbours and labels",
    [TIMING_SCORES] = "losses and metrics",
    [TIMING_SUMS] = "waiting for the gradients' sums",
    [TIMING_OPTIMISER] = "optimiser and penalties",
    [TIMING_AGREEING] = "agreeing with the other ranks after a step",
    [TIMING_FILES] = "checkpoints and model files",
};

double dcpg_timing_lap(double *since) {
    double now = dcpg_now(), seconds = now - *since;
    *since = now;
    return seconds;
}

/* A row of the table: the seconds of one rank. */
typedef struct row {
    char what[128];
    double seconds;
} row;

static int64_t nb_row(const trainer *t) { return dcpg_net_times(t->net, NULL) + TIMING_PARTS + 2; }

/* This rank's rows row[nb_row]: operations, parts, the rest, and the total. */
static dcpg_status list_rows(const trainer *t, row *out, dcpg_err *err) {
    int nb_op = dcpg_net_times(t->net, NULL);
    dcpg_op_time *op = dcpg_alloc((size_t)nb_op, sizeof *op);
    if (!op) return dcpg_fail_nomem(err, "times", (unsigned long long)nb_op * sizeof *op);
    dcpg_net_times(t->net, op);
    double left = t->epochs_seconds;
    row *r = out;
    for (int i = 0; i < nb_op; i++, r++) {
        r->seconds = op[i].forward + op[i].backward;
        snprintf(r->what, sizeof r->what, "%s %s (backward %.0f %%)", op[i].layer, op[i].kind,
                 r->seconds > 0 ? 100 * op[i].backward / r->seconds : 0);
        left -= r->seconds;
    }
    for (int i = 0; i < TIMING_PARTS; i++, r++) {
        r->seconds = t->part[i];
        snprintf(r->what, sizeof r->what, "%s", part_name[i]);
        left -= r->seconds;
    }
    *r++ = (row){"everything else", left};
    *r = (row){"all", t->epochs_seconds};
    dcpg_free(op);
    return DCPG_OK;
}

/* all[size][nb]: prints one line per row, with rank 0's names. */
static void print_rows(const trainer *t, const row *all, int64_t nb) {
    int size = t->par->size;
    double total = 0;
    for (int r = 0; r < size; r++) total += all[r * nb + nb - 1].seconds;
    dcpg_info(t->log, "profile: %-46s %10s %6s %8s %8s  %s", "seconds of a rank, validation included", "mean",
              "share", "min", "max", "at rank");
    for (int64_t i = 0; i < nb; i++) {
        double sum = 0, least = all[i].seconds, most = least;
        int slowest = 0;
        for (int r = 0; r < size; r++) {
            double seconds = all[r * nb + i].seconds;
            sum += seconds;
            if (seconds < least) least = seconds;
            if (seconds > most) most = seconds, slowest = r;
        }
        dcpg_info(t->log, "profile: %-46s %10.3f %5.1f%% %8.3f %8.3f  %d", all[i].what, sum / size,
                  total > 0 ? 100 * sum / total : 0, least, most, slowest);
    }
}

dcpg_status dcpg_timing_print_all(const trainer *t, dcpg_err *err) {
    int64_t nb = nb_row(t);
    row *own = dcpg_alloc((size_t)nb, sizeof *own);
    row *all = dcpg_alloc((size_t)(nb * t->par->size), sizeof *all);
    dcpg_status status = own && all ? list_rows(t, own, err)
                                    : dcpg_fail_nomem(err, "times", (unsigned long long)nb * sizeof *own);
    status = dcpg_agree_all(t->par, status, err);
    if (status == DCPG_OK) {
        dcpg_allgather_all(t->par, own, (size_t)nb * sizeof *own, all);
        print_rows(t, all, nb);
    }
    dcpg_free(own);
    dcpg_free(all);
    return status;
}
