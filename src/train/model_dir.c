/* SPDX-License-Identifier: MIT */
/* The model directory, with DeepCpG's file names. Rank 0 writes. */
#include "train/checkpoint_impl.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* Joins directory and name; the caller frees. */
static dcpg_status path_in(const trainer *t, const char *name, char **path, dcpg_err *err) {
    *path = dcpg_format("%s/%s", t->options->out_dir, name);
    return *path ? DCPG_OK : dcpg_fail_nomem(err, "a file name", strlen(name));
}

static dcpg_status write_text(const trainer *t, const char *name, char *text, dcpg_err *err) {
    char *path = NULL;
    if (text == NULL) return dcpg_fail_nomem(err, name, 0);
    DCPG_TRY(path_in(t, name, &path, err));
    dcpg_status status = dcpg_file_write(path, text, strlen(text), err);
    dcpg_free(path);
    return status;
}

/* A model directory belongs to one run: files of an earlier run would stand beside the new ones until these
 * are written. */
static dcpg_status remove_earlier(const trainer *t, dcpg_err *err) {
    static const char *const names[] = {"model.json",
                                        "model.h5",
                                        "model_weights_train.h5",
                                        DCPG_MODEL_DATA,
                                        "model_weights_val.h5",
                                        "lc_train.tsv",
                                        "lc_val.tsv",
                                        "lc.svg",
                                        "timing.json"};
    int removed = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char *path = NULL;
        DCPG_TRY(path_in(t, names[i], &path, err));
        if (unlink(path) == 0) removed++;
        dcpg_free(path);
    }
    if (removed > 0) dcpg_info(t->log, "%s: the files of an earlier run are replaced", t->options->out_dir);
    return DCPG_OK;
}

/* Prepares the directory for a run from the beginning. */
static dcpg_status start_afresh(const trainer *t, dcpg_err *err) {
    int64_t aside = dcpg_checkpoint_set_aside(t->options->out_dir);
    if (aside)
        dcpg_warn(t->log,
                  "%s/checkpoints: %" PRId64
                  " of an earlier run set aside as old-*; --resume would have continued it",
                  t->options->out_dir, aside);
    return remove_earlier(t, err);
}

static dcpg_status write_start(trainer *t, dcpg_err *err) {
    DCPG_TRY(dcpg_make_dirs(t->options->out_dir, err));
    dcpg_checkpoint_sweep(t->options->out_dir);
    if (!t->options->resume) DCPG_TRY(start_afresh(t, err));
    char *json = dcpg_keras_json(t->graph);
    dcpg_status status = write_text(t, "model.json", json, err);
    dcpg_free(json);
    char *data = dcpg_keras_data_json(t->graph);
    if (status == DCPG_OK) status = write_text(t, DCPG_MODEL_DATA, data, err);
    dcpg_free(data);
    return status == DCPG_OK ? dcpg_journal_open(t, err) : status;
}

dcpg_status dcpg_trainer_write_start_all(trainer *t, dcpg_err *err) {
    return dcpg_agree_all(t->par, t->par->rank == 0 ? write_start(t, err) : DCPG_OK, err);
}

static dcpg_status write_model(const trainer *t, const char *name, dcpg_err *err) {
    char *path = NULL;
    DCPG_TRY(path_in(t, name, &path, err));
    dcpg_status status = dcpg_keras_write(path, t->net, true, err);
    dcpg_free(path);
    return status;
}

dcpg_status dcpg_trainer_write_model_all(const trainer *t, const char *name, dcpg_err *err) {
    return dcpg_agree_all(t->par, t->par->rank == 0 ? write_model(t, name, err) : DCPG_OK, err);
}

static dcpg_status write_curve(const trainer *t, const char *name, const dcpg_scores *epochs, dcpg_err *err) {
    char *text = dcpg_curve_text(t->net->nb_output, t->net->output, t->run.nb_epoch, epochs);
    dcpg_status status = write_text(t, name, text, err);
    dcpg_free(text);
    return status;
}

static dcpg_status write_picture(const trainer *t, dcpg_err *err) {
    const curve_scores scores = {.nb_output = t->net->nb_output,
                                 .kind = t->tally->kind,
                                 .nb_epoch = t->run.nb_epoch,
                                 .train = t->run.train,
                                 .val = t->val ? t->run.val : NULL};
    char *text = dcpg_curve_svg(&scores);
    dcpg_status status = write_text(t, "lc.svg", text, err);
    dcpg_free(text);
    return status;
}

static dcpg_status write_curves(const trainer *t, dcpg_err *err) {
    DCPG_TRY(write_curve(t, "lc_train.tsv", t->run.train, err));
    if (t->val) DCPG_TRY(write_curve(t, "lc_val.tsv", t->run.val, err));
    return write_picture(t, err);
}

dcpg_status dcpg_trainer_write_curves_all(const trainer *t, dcpg_err *err) {
    return dcpg_agree_all(t->par, t->par->rank == 0 ? write_curves(t, err) : DCPG_OK, err);
}
