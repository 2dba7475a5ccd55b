/* SPDX-License-Identifier: MIT */
/* Reasons to stop early. */
#include "train/trainer.h"

#include <dcpg/file.h>
#include <dcpg/signal.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

/* Seconds between two checks for the stop file: shared file systems suffer from a check after every step. */
static const double LOOK_EVERY = 1.0;

/* Least number of seconds kept for the end of the program. */
static const double MARGIN = 10;

void dcpg_trainer_note_job_end(trainer *t) {
    const char *end = getenv("SLURM_JOB_END_TIME");
    int64_t at, now = (int64_t)time(NULL);
    t->job_end = INFINITY;
    if (!end || !*end) return;
    if (!dcpg_parse_int(end, &at))
        dcpg_warn(t->log, "SLURM_JOB_END_TIME is '%.40s', no time in seconds since 1970: it is ignored", end);
    else if (at <= now)
        dcpg_warn(t->log,
                  "SLURM_JOB_END_TIME is %" PRId64 ", which is past (now is %" PRId64
                  "): it is of another job, and ignored",
                  at, now);
    else
        t->job_end = (double)at;
}

/* Whether there is time for another step, a checkpoint and the end of the program. */
static bool time_is_left(const trainer *t, double left) {
    double need = 2 * t->saving_seconds + t->step_seconds;
    return left > (need > MARGIN ? need : MARGIN);
}

stop_reason dcpg_trainer_look(trainer *t) {
    const dcpg_train_options *o = t->options;
    double now = dcpg_now();
    if (dcpg_signal_seen()) return (stop_reason)(STOP_SIGNAL + dcpg_signal_seen());
    if (o->max_time > 0 && !time_is_left(t, t->started + o->max_time * 3600 - now)) return STOP_TIME;
    if (!time_is_left(t, t->job_end - (double)time(NULL))) return STOP_JOB_TIME;
    if (o->max_steps > 0 && t->steps >= o->max_steps) return STOP_STEPS;
    if (o->stop_file == NULL || t->par->rank != 0 || now - t->last_looked < LOOK_EVERY) return STOP_NOT;
    t->last_looked = now;
    return dcpg_file_exists(o->stop_file) ? STOP_FILE : STOP_NOT;
}

const char *dcpg_trainer_stop_text(const trainer *t) {
    switch (t->stop) {
    case STOP_NOT:
        return "";
    case STOP_FILE:
        return "the --stop_file exists";
    case STOP_STEPS:
        return "--max_steps are done";
    case STOP_TIME:
        return "--max_time is nearly over";
    case STOP_JOB_TIME:
        return "the time of the SLURM job is nearly over";
    case STOP_SIGNAL:
        break;
    }
    return dcpg_signal_name((int)t->stop - STOP_SIGNAL);
}
