/* SPDX-License-Identifier: MIT */
/* What commands that write have in common: their outputs are checked and locked before the work, messages go
 * to a log file too, stalled ranks are watched for, and at the end what could not be written is an error. */
#ifndef DCPG_CMD_JOB_H
#define DCPG_CMD_JOB_H

#include "cmd/cmd_options.h"

#include <dcpg/lock.h>
#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/text.h>

typedef enum dcpg_cmd_kind {
    DCPG_CMD_STORE,  /* files that may be replaced where this kind of file is there: told by its content */
    DCPG_CMD_EVAL,   /* of eval --out_data */
    DCPG_CMD_REPORT, /* of eval --out_report */
    DCPG_CMD_STATS,  /* of stats --out_tsv; not locked */
    DCPG_CMD_SHOW,   /* of show --out_tsv; not locked; what is not told by its content is checked by show */
    DCPG_CMD_MODEL,  /* a model directory */
    DCPG_CMD_FOLDER  /* whose files are checked when their names are known */
} dcpg_cmd_kind;

typedef struct dcpg_cmd_output {
    const char *path, *option; /* path NULL: not asked for */
    dcpg_cmd_kind kind;
} dcpg_cmd_output;

enum { DCPG_CMD_OUTPUTS = 2, DCPG_CMD_INPUTS = 8 };

/* How and when a command was called. */
typedef struct dcpg_cmd_call {
    int argc;
    char **argv;
    double started; /* dcpg_now() at the beginning */
} dcpg_cmd_call;

typedef struct dcpg_cmd_job {
    dcpg_cmd_output output[DCPG_CMD_OUTPUTS];
    const dcpg_strings *input[DCPG_CMD_INPUTS]; /* files and folders to read, never replaced; NULL: none */
    dcpg_cmd_common common;
    dcpg_cmd_call call;
    dcpg_lock *lock[DCPG_CMD_OUTPUTS]; /* on rank 0; dcpg_cmd_finish_all releases them */
} dcpg_cmd_job;

/* Checks and locks the outputs. DCPG_E_USAGE where one is an input or was written by somebody else, DCPG_E_IO
 * where somebody is writing it. Collective, like all below. */
dcpg_status dcpg_cmd_outputs_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

/* Opens the log file: DCPG_E_USAGE where it is an input, an output, or no text. */
dcpg_status dcpg_cmd_log_all(const dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

/* Opens `log`, starts the watch over stalled ranks, and does both of the above. */
dcpg_status dcpg_cmd_begin_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

/* The end of a command with `status`: the closing line where that is DCPG_OK, what stdout and the log file
 * could not take (DCPG_E_IO), and the locks. Returns the status of all. */
dcpg_status dcpg_cmd_finish_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_status status,
                                dcpg_err *err);

/* Whether everything printed reached stdout, DCPG_E_IO otherwise. Local. */
dcpg_status dcpg_cmd_flush(dcpg_err *err);

#endif
