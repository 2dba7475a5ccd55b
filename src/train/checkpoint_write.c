/* SPDX-License-Identifier: MIT */
/* Writing checkpoints: rank 0 writes, and receives what only other ranks have. */
#include "base/number.h"
#include "train/checkpoint_impl.h"

#include <dcpg/file.h>
#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <dcpg/version.h>
#include <inttypes.h>
#include <string.h>

static dcpg_status write_names(dcpg_h5 *file, const char *path, const dcpg_strings *names, dcpg_err *err) {
    return names && names->n ? dcpg_h5_write_strings(file, path, names, err) : DCPG_OK;
}

static dcpg_status write_kernels(dcpg_h5 *file, dcpg_err *err) {
    char name[DCPG_KERN_NAME];
    char *text = strcpy(name, dcpg_kern_name());
    dcpg_strings kernels = {&text, *text != '\0', 1};
    return write_names(file, "config/kernels", &kernels, err);
}

static dcpg_status write_config(const trainer *t, dcpg_h5 *file, dcpg_err *err) {
    int64_t number[CHECKPOINT_NUMBERS];
    dcpg_checkpoint_numbers(t, number);
    DCPG_TRY(dcpg_h5_write_attr_string(file, "/", "format", CHECKPOINT_FORMAT, err));
    DCPG_TRY(dcpg_h5_write_attr_i64(file, "/", "version", CHECKPOINT_VERSION, err));
    DCPG_TRY(dcpg_h5_write_attr_string(file, "/", "program", DCPG_VERSION, err));
    DCPG_TRY(dcpg_h5_write_attr_string(file, "/", "train_data", t->train_data, err));
    DCPG_TRY(dcpg_h5_write_attr_string(file, "/", "val_data", t->val ? t->val_data : "", err));
    DCPG_TRY(dcpg_h5_write_attr_string(file, "/", "train_digest", t->train_digest, err));
    DCPG_TRY(dcpg_h5_write_attr_string(file, "/", "val_digest", t->val ? t->val_digest : "", err));
    for (int i = 0; i < CHECKPOINT_NUMBERS; i++)
        DCPG_TRY(dcpg_h5_write_attr_i64(file, "/", dcpg_checkpoint_number_name[i], number[i], err));
    DCPG_TRY(write_names(file, "config/words", t->options->words, err));
    DCPG_TRY(write_names(file, "config/cells", &t->train->cells, err));
    DCPG_TRY(write_names(file, "config/outputs", &t->train->outputs, err));
    DCPG_TRY(write_names(file, "config/untrained", &t->graph->untrained, err));
    DCPG_TRY(write_kernels(file, err));
    char *json = dcpg_keras_json(t->graph);
    dcpg_strings model = {&json, 1, 1};
    dcpg_status status = json ? dcpg_h5_write_strings(file, "config/model", &model, err)
                              : dcpg_fail_nomem(err, "model.json", 0);
    dcpg_free(json);
    return status;
}

static dcpg_status make_field(const checkpoint_field *field, dcpg_h5 *file, dcpg_err *err) {
    dcpg_h5_shape shape = {.type = field->type, .ndim = field->ndim};
    memcpy(shape.dim, field->dim, sizeof field->dim);
    return dcpg_h5_make(file, field->path, &shape, err);
}

static dcpg_status write_field(const trainer *t, const checkpoint_field *field, dcpg_h5 *file,
                               dcpg_err *err) {
    int64_t count = dcpg_checkpoint_count(field);
    void *plain = dcpg_alloc((size_t)count, field->type == DCPG_H5_F32 ? sizeof(float) : sizeof(double));
    if (!plain) return dcpg_fail_nomem(err, field->path, (size_t)count * sizeof(double));
    dcpg_checkpoint_pack(t, field, plain);
    dcpg_status status = make_field(field, file, err);
    if (status == DCPG_OK) status = dcpg_h5_write(file, field->path, field->type, NULL, plain, err);
    dcpg_free(plain);
    return status;
}

/* Writes a field into rank 0's file. Collective. */
static dcpg_status write_field_all(trainer *t, checkpoint_field *field, dcpg_h5 *file, dcpg_err *err) {
    bool writes = t->par->rank == 0, in_pieces = field->kind == FIELD_TALLY;
    dcpg_status status = DCPG_OK;
    if (field->kind == FIELD_MOMENTS) field->values = dcpg_trainer_all_moments_all(t, field->values);
    if (dcpg_checkpoint_count(field) == 0) return DCPG_OK;
    if (writes) status = in_pieces ? make_field(field, file, err) : write_field(t, field, file, err);
    DCPG_TRY(dcpg_agree_all(t->par, status, err));
    return in_pieces ? dcpg_checkpoint_write_tally_all(t, field, file, err) : DCPG_OK;
}

static dcpg_status write_fields_all(trainer *t, dcpg_h5 *file, dcpg_err *err) {
    checkpoint_field field[CHECKPOINT_FIELDS];
    dcpg_checkpoint_fields(t, field);
    for (int i = 0; i < CHECKPOINT_FIELDS; i++) DCPG_TRY(write_field_all(t, &field[i], file, err));
    return DCPG_OK;
}

static dcpg_status create_file(trainer *t, const char *path, dcpg_h5 **file, dcpg_err *err) {
    char *dir = dcpg_checkpoint_dir(t->options->out_dir);
    dcpg_status status = dir && path ? dcpg_make_dirs(dir, err) : dcpg_fail_nomem(err, "a checkpoint", 64);
    if (status == DCPG_OK) status = dcpg_h5_create(path, NULL, file, err);
    if (status == DCPG_OK) status = write_config(t, *file, err);
    dcpg_free(dir);
    return status;
}

/* Rank 0 writes the file and, if that succeeds, removes older ones. Collective. */
static dcpg_status write_and_prune_all(trainer *t, dcpg_err *err) {
    const dcpg_train_options *o = t->options;
    bool writes = t->par->rank == 0;
    char *path = writes ? dcpg_checkpoint_path(o->out_dir, t->run.epoch, t->run.step) : NULL;
    dcpg_h5 *file = NULL;
    dcpg_status status = writes ? create_file(t, path, &file, err) : DCPG_OK;
    status = dcpg_agree_all(t->par, status, err);
    if (status == DCPG_OK) status = write_fields_all(t, file, err);
    if (file && status == DCPG_OK) {
        status = dcpg_h5_commit_sealed(file, err);
        file = NULL;
    }
    dcpg_h5_close(file);
    if (writes && status == DCPG_OK)
        dcpg_checkpoint_prune(o->out_dir, dcpg_basename(path), max_i64(o->keep_checkpoints, 1));
    dcpg_free(path);
    return dcpg_agree_all(t->par, status, err);
}

dcpg_status dcpg_trainer_checkpoint_all(trainer *t, dcpg_err *err) {
    double started = dcpg_now();
    if (t->par->rank == 0) dcpg_journal_settle(t);
    dcpg_status status = write_and_prune_all(t, err);
    t->last_saved = dcpg_now();
    t->saving_seconds = t->last_saved - started;
    t->part[TIMING_FILES] += t->saving_seconds;
    t->moment[TIMING_CHECKPOINT] = t->saving_seconds;
    if (status == DCPG_OK)
        dcpg_debug(t->log, "checkpoint of epoch %" PRId64 ", step %" PRId64 " written in %.3f s",
                   t->run.epoch + 1, t->run.step, t->saving_seconds);
    return status;
}

void dcpg_trainer_try_checkpoint_all(trainer *t) {
    dcpg_err err = {0};
    if (dcpg_trainer_checkpoint_all(t, &err) != DCPG_OK)
        dcpg_warn(t->log,
                  "no checkpoint of epoch %" PRId64 ", step %" PRId64
                  ": %s; training goes on, older checkpoints stay",
                  t->run.epoch + 1, t->run.step, err.text);
}
