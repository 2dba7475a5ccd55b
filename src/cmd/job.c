/* SPDX-License-Identifier: MIT */
/* Checks and locks the outputs of a command, opens its log file, and ends it. */
#include "cmd/job.h"
#include "cmd/cmd.h"
#include "cmd/job_table.h"

#include "store/store_layout.h"

#include <dcpg/eval.h>
#include <dcpg/file.h>
#include <dcpg/h5.h>
#include <dcpg/memory.h>
#include <dcpg/report.h>
#include <dcpg/temporary.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- who wrote a file ---- */

/* Reads the first bytes of a file as text, empty where there is no file; returns their number. */
static size_t read_head(const char *path, char *head, size_t capacity) {
    FILE *file = dcpg_file_open(path);
    size_t n = file ? fread(head, 1, capacity - 1, file) : 0;
    if (file) fclose(file);
    head[n] = '\0';
    return n;
}

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool is_stats(const char *head) {
    return starts(head, "output\tnb_tot\tnb_obs\tfrac_obs\tmean\tvar\n");
}

static bool is_report(const char *head) { return starts(head, "metric\toutput\tvalue\n"); }

/* Training writes a journal into its model directory from the first step on; Keras and DeepCpG write none. */
static bool is_model_ours(const char *dir) {
    char *path = dcpg_format("%s/metrics.jsonl", dir), head[16];
    bool is = false;
    if (path && dcpg_file_exists(path)) {
        read_head(path, head, sizeof head);
        is = *head == '\0' || starts(head, "{\"kind\":\"");
    }
    dcpg_free(path);
    return is;
}

static const char *const model_files[] = {
    "metrics.jsonl", "model.json",           "model.h5",   "model_weights_train.h5",
    "lc_train.tsv",  "model_weights_val.h5", "lc_val.tsv", "lc.svg",
    "timing.json",   "model_data.json",      NULL};

/* Fails, naming the file, where training would replace a file of the directory that dcpg did not write. */
static dcpg_status check_model(const char *dir, dcpg_err *err) {
    for (int i = 0; model_files[i]; i++) {
        char *path = dcpg_format("%s/%s", dir, model_files[i]);
        if (!path) return dcpg_fail_nomem(err, "a file name", strlen(dir));
        bool foreign = dcpg_file_exists(path) && !is_model_ours(dir);
        dcpg_status status = foreign ? dcpg_fail_not_ours(path, err) : DCPG_OK;
        dcpg_free(path);
        DCPG_TRY(status);
    }
    return DCPG_OK;
}

static bool is_empty(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode) && s.st_size == 0;
}

static bool is_ours(const dcpg_cmd_output *output) {
    char head[4096];
    switch (output->kind) {
    case DCPG_CMD_STORE:
        return dcpg_h5_is_format(output->path, STORE_FORMAT);
    case DCPG_CMD_EVAL:
        return dcpg_h5_is_format(output->path, DCPG_EVAL_FORMAT);
    case DCPG_CMD_REPORT:
        return read_head(output->path, head, sizeof head) > 0 && is_report(head);
    case DCPG_CMD_STATS:
        return read_head(output->path, head, sizeof head) > 0 && is_stats(head);
    case DCPG_CMD_SHOW:
        return dcpg_cmd_table_of(output->path) == DCPG_CMD_SITES;
    case DCPG_CMD_TIMES:
        return read_head(output->path, head, sizeof head) > 0 && starts(head, "{\"dcpg_profile\":");
    case DCPG_CMD_PAGE:
        return read_head(output->path, head, sizeof head) > 0 && starts(head, DCPG_REPORT_HEAD);
    case DCPG_CMD_MODEL:
    case DCPG_CMD_FOLDER:
        break;
    }
    return true;
}

static dcpg_status check_owner(const dcpg_cmd_job *job, const dcpg_cmd_output *output, dcpg_err *err) {
    if (job->common.force) return DCPG_OK;
    if (output->kind == DCPG_CMD_MODEL) return check_model(output->path, err);
    if (is_ours(output)) return DCPG_OK;
    /* A link would be replaced by a file: that is asked for, wherever it leads. */
    if (!dcpg_is_link(output->path) && (!dcpg_file_exists(output->path) || is_empty(output->path)))
        return DCPG_OK;
    /* Who wrote it cannot be known: show replaces it only by the same bytes. */
    if (output->kind == DCPG_CMD_SHOW && dcpg_cmd_table_of(output->path) == DCPG_CMD_PLACES) return DCPG_OK;
    return dcpg_fail_not_ours(output->path, err);
}

/* ---- an output is never an input ---- */

static bool is_folder(const dcpg_cmd_output *output) {
    return output->kind == DCPG_CMD_MODEL || output->kind == DCPG_CMD_FOLDER;
}

/* Whether a file is there, and in a folder. */
static bool is_within(const char *path, const char *folder) {
    char *parent = dcpg_parent(path);
    bool is = parent && dcpg_file_exists(path) && dcpg_is_dir(folder) && dcpg_same_file(parent, folder);
    dcpg_free(parent);
    return is;
}

/* Whether the output is a file, not written by this command, in a folder that is read: it may be read, too.
 */
static bool is_in_folder(const dcpg_cmd_output *output, const char *folder) {
    return is_within(output->path, folder) && !is_ours(output);
}

/* Whether the new model's directory holds a model, or files of one, that are read. */
static bool holds_model(const dcpg_cmd_output *output, const char *input) {
    char *parent = dcpg_parent(input);
    bool is = false;
    for (int i = 0; parent && !is && model_files[i]; i++)
        is = strcmp(dcpg_basename(input), model_files[i]) == 0 && dcpg_same_file(parent, output->path);
    dcpg_free(parent);
    return is || (dcpg_is_dir(input) && dcpg_same_file(input, output->path));
}

static dcpg_status check_input(const dcpg_cmd_output *output, const char *input, dcpg_err *err) {
    bool is = output->kind == DCPG_CMD_MODEL ? holds_model(output, input)
                                             : !is_folder(output) && is_in_folder(output, input);
    if (!is) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE,
                     "%s: would be written over what %s holds, which is read: choose another %s",
                     output->path, input, output->option);
}

static dcpg_status check_inputs(const dcpg_cmd_job *job, const dcpg_cmd_output *output, dcpg_err *err) {
    for (int i = 0; i < DCPG_CMD_INPUTS; i++) {
        if (!job->input[i]) continue;
        if (!is_folder(output)) DCPG_TRY(dcpg_check_output(output->path, job->input[i], err));
        for (size_t k = 0; k < job->input[i]->n; k++) DCPG_TRY(check_input(output, job->input[i]->v[k], err));
    }
    return DCPG_OK;
}

/* Whether two names are of one file; compares them as text, too, as the file may not exist yet. */
static bool is_same(const char *a, const char *b) { return strcmp(a, b) == 0 || dcpg_same_file(a, b); }

/* ---- outputs ---- */

/* Removes temporary files of this output that killed runs left. */
static void sweep(const dcpg_cmd_output *output) {
    if (is_folder(output))
        dcpg_temporary_sweep(output->path, NULL);
    else
        dcpg_temporary_sweep_path(output->path);
}

/* Other ranks wait while rank 0 waits for a lock: it must not be taken for stalled. */
static void stay_present(const void *par) { dcpg_par_busy(par); }

static dcpg_status open_output(dcpg_cmd_job *job, int i, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    const dcpg_cmd_output *output = &job->output[i];
    const dcpg_lock_options options = {.option = output->option, .waiting = stay_present, .context = par};
    if (!output->path) return DCPG_OK;
    DCPG_TRY(check_inputs(job, output, err));
    for (int k = 0; k < i; k++)
        if (job->output[k].path && is_same(output->path, job->output[k].path))
            return dcpg_fail(err, DCPG_E_USAGE, "%s and %s are one file, %s: name two", job->output[k].option,
                             output->option, output->path);
    if (output->kind != DCPG_CMD_STATS && output->kind != DCPG_CMD_SHOW && output->kind != DCPG_CMD_TIMES)
        DCPG_TRY(dcpg_lock_take(output->path, is_folder(output), &options, log, &job->lock[i], err));
    DCPG_TRY(check_owner(job, output, err));
    sweep(output);
    return DCPG_OK;
}

dcpg_status dcpg_cmd_outputs_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    for (int i = 0; i < DCPG_CMD_OUTPUTS && status == DCPG_OK && par->rank == 0; i++)
        status = open_output(job, i, par, log, err);
    return dcpg_agree_all(par, status, err);
}

/* ---- log file ---- */

/* Lines must not be added to what is read; in a folder that may be any file but a log. */
static dcpg_status check_log_input(const char *path, const char *input, dcpg_err *err) {
    if (dcpg_same_file(path, input))
        return dcpg_fail(err, DCPG_E_USAGE, "--log_file %s: is read by this command: name another file",
                         path);
    if (is_within(path, input) && !dcpg_ends_with(path, ".log"))
        return dcpg_fail(
            err, DCPG_E_USAGE,
            "--log_file %s: is there, in a folder that this command reads: name another file, or one "
            "that ends in .log",
            path);
    return DCPG_OK;
}

static dcpg_status check_log(const dcpg_cmd_job *job, dcpg_err *err) {
    const char *path = job->common.log_file;
    char head[512];
    struct stat s;
    for (int i = 0; i < DCPG_CMD_OUTPUTS; i++)
        if (job->output[i].path && is_same(path, job->output[i].path))
            return dcpg_fail(err, DCPG_E_USAGE, "--log_file and %s are one file, %s: name two",
                             job->output[i].option, path);
    for (int i = 0; i < DCPG_CMD_INPUTS; i++)
        for (size_t k = 0; job->input[i] && k < job->input[i]->n; k++)
            DCPG_TRY(check_log_input(path, job->input[i]->v[k], err));
    if (stat(path, &s) != 0 || !S_ISREG(s.st_mode)) return DCPG_OK;
    size_t n = read_head(path, head, sizeof head);
    if (strlen(head) < n || starts(head, "\x1f\x8b"))
        return dcpg_fail(err, DCPG_E_USAGE, "--log_file %s: is there and is no text: name another file",
                         path);
    return DCPG_OK;
}

dcpg_status dcpg_cmd_log_all(const dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    if (job->common.log_file && par->rank == 0) {
        status = check_log(job, err);
        if (status == DCPG_OK) status = dcpg_log_to_file(log, job->common.log_file, err);
    }
    return dcpg_agree_all(par, status, err);
}

dcpg_status dcpg_cmd_begin_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_err *err) {
    dcpg_log_open(log, par->rank, job->common.verbose ? DCPG_DEBUG : DCPG_INFO);
    DCPG_TRY(dcpg_par_watch_all(par, job->common.stall_timeout, err));
    DCPG_TRY(dcpg_cmd_outputs_all(job, par, log, err));
    return dcpg_cmd_log_all(job, par, log, err);
}

/* ---- the end ---- */

dcpg_status dcpg_cmd_flush(dcpg_err *err) {
    bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fflush(stdout) == 0 && !failed) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_IO, "the standard output cannot be written: %s",
                     errno ? strerror(errno) : "an error of the system");
}

dcpg_status dcpg_cmd_finish_all(dcpg_cmd_job *job, const dcpg_par *par, dcpg_log *log, dcpg_status status,
                                dcpg_err *err) {
    if (status == DCPG_OK) status = dcpg_agree_all(par, dcpg_cmd_flush(err), err);
    if (status == DCPG_OK) dcpg_cmd_closing_all(par, log, job->call.started, job->call.argc, job->call.argv);
    dcpg_status closed = dcpg_log_close(log, status == DCPG_OK ? err : NULL);
    if (status == DCPG_OK) status = dcpg_agree_all(par, closed, err);
    for (int i = 0; i < DCPG_CMD_OUTPUTS; i++) {
        dcpg_lock_release(job->lock[i]);
        job->lock[i] = NULL;
    }
    return status;
}
