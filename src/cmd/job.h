/* SPDX-License-Identifier: MIT */
/* The frame of every command that writes: its outputs are checked and locked before the work, messages also
 * go to a log file, stalled ranks are watched for, and at the end anything that could not be written is an
 * error.
 */
#ifndef DCPG_CMD_JOB_H
#define DCPG_CMD_JOB_H

#include "cmd/cmd_options.h"

#include <dcpg/lock.h>
#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/text.h>

typedef enum dcpg_cmd_kind {
    DCPG_CMD_STORE,  /* of data and convert; a file is replaced only if its content is of this kind */
    DCPG_CMD_EVAL,   /* of eval --out_data */
    DCPG_CMD_REPORT, /* of eval --out_report */
    DCPG_CMD_STATS,  /* of stats --out_tsv; not locked */
    DCPG_CMD_SHOW,   /* of show --out_tsv; not locked; show itself checks files whose content does not show it
                      */
    DCPG_CMD_PAGE,   /* of report */
    DCPG_CMD_TIMES,  /* of train --profile; not locked */
    DCPG_CMD_MODEL,  /* a model directory */
    DCPG_CMD_FOLDER  /* its files are checked when their names are known */
} dcpg_cmd_kind;

typedef struct dcpg_cmd_output {
    const char *path, *option; /* path NULL: not wanted */
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

/* Checks and locks the outputs. DCPG_E_USAGE where one is an input or was written by another program,
 * DCPG_E_IO where another process is writing it. Collective, like all below. */
dcpg_status dcpg_cmd_outputs_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

/* Opens the log file. DCPG_E_USAGE where it is an input, an output, or not text. */
dcpg_status dcpg_cmd_log_all(const dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

/* Opens `log`, starts the watch over stalled ranks, and does both of the above. */
dcpg_status dcpg_cmd_begin_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err);

/* Ends a command whose work returned `status`: prints the closing line where that is DCPG_OK, checks that
 * stdout and the log file took everything (DCPG_E_IO otherwise), and releases the locks. Returns the status
 * agreed on. */
dcpg_status dcpg_cmd_finish_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_status status,
                                dcpg_err *err);

/* Flushes stdout; DCPG_E_IO where it did not take everything printed. Local. */
dcpg_status dcpg_cmd_flush(dcpg_err *err);

#endif
