/* SPDX-License-Identifier: MIT */
/* Finding and reading checkpoints: rank 0 reads, and sends the other ranks what they need. */
#include "train/checkpoint_impl.h"

#include <dcpg/memory.h>
#include <dcpg/version.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

void dcpg_checkpoint_free(dcpg_checkpoint *c) {
    if (!c) return;
    dcpg_free(c->path);
    dcpg_strings_free(&c->words);
    dcpg_strings_free(&c->cells);
    dcpg_strings_free(&c->outputs);
    dcpg_strings_free(&c->kernels);
    dcpg_strings_free(&c->untrained);
    dcpg_graph_free(c->graph);
    dcpg_free(c);
}

/* ---- finding ---- */

static dcpg_status check_format(dcpg_h5 *file, const char *path, dcpg_err *err) {
    char *format = NULL;
    int64_t version = 0;
    DCPG_TRY(dcpg_h5_read_attr_string(file, "/", "format", &format, err));
    bool ours = strcmp(format, CHECKPOINT_FORMAT) == 0;
    dcpg_free(format);
    if (!ours) return dcpg_fail(err, DCPG_E_INPUT, "%s: not a checkpoint", path);
    DCPG_TRY(dcpg_h5_read_attr_i64(file, "/", "version", &version, err));
    if (version == CHECKPOINT_VERSION) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: a checkpoint of format version %" PRId64 ", this dcpg %s reads version %d", path,
                     version, DCPG_VERSION, CHECKPOINT_VERSION);
}

static dcpg_status read_names(dcpg_h5 *file, const char *path, dcpg_strings *names, dcpg_err *err) {
    return dcpg_h5_exists(file, path) ? dcpg_h5_read_strings(file, path, names, err) : DCPG_OK;
}

/* Reads the description; `model` receives the text of the model. */
static dcpg_status read_description(const char *path, dcpg_checkpoint *c, dcpg_strings *model,
                                    dcpg_err *err) {
    dcpg_h5 *file;
    const struct {
        const char *name;
        int64_t *value;
    } number[] = {{"epoch", &c->epoch},       {"step", &c->step},
                  {"nb_epoch", &c->nb_epoch}, {"virtual_ranks", &c->virtual_ranks},
                  {"blocks", &c->blocks},     {"batch", &c->batch}};
    DCPG_TRY(dcpg_h5_open(path, NULL, &file, err));
    dcpg_status status = check_format(file, path, err);
    for (size_t i = 0; i < sizeof number / sizeof *number && status == DCPG_OK; i++)
        status = dcpg_h5_read_attr_i64(file, "/", number[i].name, number[i].value, err);
    if (status == DCPG_OK) status = read_names(file, "config/words", &c->words, err);
    if (status == DCPG_OK) status = read_names(file, "config/cells", &c->cells, err);
    if (status == DCPG_OK) status = read_names(file, "config/outputs", &c->outputs, err);
    if (status == DCPG_OK) status = read_names(file, "config/untrained", &c->untrained, err);
    if (status == DCPG_OK) status = read_names(file, "config/kernels", &c->kernels, err);
    if (status == DCPG_OK) status = dcpg_h5_read_strings(file, "config/model", model, err);
    if (status == DCPG_OK) c->ours = dcpg_h5_is_ours(file);
    dcpg_h5_close(file);
    if (status == DCPG_OK) status = dcpg_checkpoint_check(c, err);
    if (status == DCPG_OK && model->n != 1) status = dcpg_fail(err, DCPG_E_INPUT, "%s: holds no model", path);
    return status;
}

/* Warns of damaged checkpoints if an older one is used instead; fails if all are damaged. damaged: the error
 * of each, newest first. */
static dcpg_status judge(const char *dir, size_t n, const dcpg_strings *damaged, dcpg_log *log,
                         dcpg_err *err) {
    for (size_t i = 0; i < damaged->n && damaged->n < n; i++)
        dcpg_warn(log, "%s%s", damaged->v[i], i + 1 < damaged->n ? "" : "; the one before is used");
    if (damaged->n < n || n == 0) return DCPG_OK;
    if (n == 1)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s; there is no checkpoint before it: train again from the beginning, without "
                         "--resume",
                         damaged->v[0]);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s/checkpoints: all %zu checkpoints are damaged (%s): train again from the beginning, "
                     "without --resume",
                     dir, n, damaged->v[n - 1]);
}

/* Rank 0: puts the newest undamaged checkpoint into c->path. */
static dcpg_status find(const char *dir, dcpg_log *log, dcpg_checkpoint *c, dcpg_strings *model,
                        dcpg_err *err) {
    dcpg_strings names = {0}, damaged = {0};
    dcpg_status status = dcpg_checkpoint_list(dir, &names, err);
    for (size_t i = names.n; i > 0 && status == DCPG_OK && !c->path; i--) {
        dcpg_err why = {0};
        c->path = dcpg_format("%s/checkpoints/%s", dir, names.v[i - 1]);
        if (!c->path)
            status = dcpg_fail_nomem(err, dir, strlen(dir));
        else if (dcpg_h5_check_seal(c->path, &why) != DCPG_OK) {
            status = dcpg_strings_add(&damaged, why.text, err);
            dcpg_free(c->path);
            c->path = NULL;
        }
    }
    if (status == DCPG_OK) status = judge(dir, names.n, &damaged, log, err);
    dcpg_strings_free(&damaged);
    dcpg_strings_free(&names);
    return status == DCPG_OK && c->path ? read_description(c->path, c, model, err) : status;
}

/* Sends rank 0's list to all ranks. */
static dcpg_status share_names_all(const dcpg_par *par, dcpg_strings *names, dcpg_err *err) {
    int64_t n = (int64_t)names->n;
    dcpg_status status = DCPG_OK;
    dcpg_bcast_all(par, &n, sizeof n, 0);
    for (int64_t i = 0; i < n; i++) {
        int64_t bytes = par->rank == 0 ? (int64_t)strlen(names->v[i]) + 1 : 0;
        dcpg_bcast_all(par, &bytes, sizeof bytes, 0);
        char *text = par->rank == 0 ? dcpg_strdup(names->v[i]) : dcpg_alloc((size_t)bytes, 1);
        DCPG_TRY(
            dcpg_agree_all(par, text ? DCPG_OK : dcpg_fail_nomem(err, "a checkpoint", (size_t)bytes), err));
        dcpg_bcast_all(par, text, (size_t)bytes, 0);
        if (par->rank != 0 && status == DCPG_OK) status = dcpg_strings_add(names, text, err);
        dcpg_free(text);
    }
    return dcpg_agree_all(par, status, err);
}

static dcpg_status share_all(const dcpg_par *par, dcpg_checkpoint *c, dcpg_strings *model, dcpg_err *err) {
    int64_t *const number[] = {&c->epoch, &c->step, &c->nb_epoch, &c->virtual_ranks, &c->batch, &c->blocks};
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        dcpg_bcast_all(par, number[i], sizeof *number[i], 0);
    dcpg_bcast_all(par, &c->ours, sizeof c->ours, 0);
    dcpg_strings *list[] = {&c->words, &c->cells, &c->outputs, &c->untrained, &c->kernels, model};
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) DCPG_TRY(share_names_all(par, list[i], err));
    dcpg_status status = dcpg_keras_parse(model->v[0], "model of the checkpoint", &c->graph, err);
    if (status == DCPG_OK && par->rank == 0) status = dcpg_checkpoint_check_lists(c, err);
    if (status == DCPG_OK) {
        c->graph->untrained = c->untrained;
        c->untrained = (dcpg_strings){0};
    }
    return dcpg_agree_all(par, status, err);
}

dcpg_status dcpg_checkpoint_find_all(const char *dir, const dcpg_par *par, dcpg_log *log,
                                     dcpg_checkpoint **found, dcpg_err *err) {
    dcpg_strings model = {0};
    dcpg_checkpoint *c = dcpg_alloc(1, sizeof *c);
    *found = NULL;
    dcpg_status status =
        dcpg_agree_all(par, c ? DCPG_OK : dcpg_fail_nomem(err, "a checkpoint", sizeof *c), err);
    if (status == DCPG_OK)
        status = dcpg_agree_all(par, par->rank == 0 ? find(dir, log, c, &model, err) : DCPG_OK, err);
    int there = status == DCPG_OK && c->path;
    dcpg_bcast_all(par, &there, sizeof there, 0);
    if (there) status = share_all(par, c, &model, err);
    dcpg_strings_free(&model);
    if (there && status == DCPG_OK)
        *found = c;
    else
        dcpg_checkpoint_free(c);
    return status;
}

/* ---- restoring ---- */

static dcpg_status check_data(const trainer *t, dcpg_h5 *file, const char *which, const char *now,
                              dcpg_err *err) {
    char *then = NULL;
    DCPG_TRY(dcpg_h5_read_attr_string(file, "/", which, &then, err));
    dcpg_status status = DCPG_OK;
    if (strcmp(then, now) != 0)
        status = dcpg_fail(err, DCPG_E_INPUT,
                           "%s: the %s data are not those that the run was started with (checksum %s, then "
                           "%s): name the same files and chromosomes, or start another run",
                           t->options->resume->path, which[0] == 't' ? "training" : "validation",
                           *now ? now : "none", *then ? then : "none");
    dcpg_free(then);
    return status;
}

static dcpg_status fail_differ(const trainer *t, const char *which, const dcpg_strings *parts,
                               dcpg_err *err) {
    char text[DCPG_LIST_TEXT];
    bool training = which[0] == 't';
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: the %s data are not those that the run was started with: other %s; name the files of "
        "the run (%s where they are elsewhere now), or start another run",
        t->options->resume->path, training ? "training" : "validation", dcpg_strings_text(parts, text),
        training ? "--resume DIR STORE" : "--val_files FILE");
}

/* Compares digests of the data's values, which checkpoints of older dcpg versions do not have. */
static dcpg_status check_digest(const trainer *t, dcpg_h5 *file, const char *which, const char *now,
                                dcpg_err *err) {
    char *then = NULL;
    dcpg_strings parts = {0};
    if (!dcpg_h5_has_attr(file, "/", which)) {
        if (which[0] == 't')
            dcpg_warn(t->log,
                      "%s is of an older dcpg: whether the values of the data are still those of the "
                      "run is not known",
                      t->options->resume->path);
        return DCPG_OK;
    }
    DCPG_TRY(dcpg_h5_read_attr_string(file, "/", which, &then, err));
    dcpg_status status = dcpg_trainer_digest_differences(then, now, &parts, err);
    if (status == DCPG_OK && parts.n && *then && *now) status = fail_differ(t, which, &parts, err);
    dcpg_strings_free(&parts);
    dcpg_free(then);
    return status;
}

static dcpg_status read_numbers(const trainer *t, dcpg_h5 *file, int64_t number[CHECKPOINT_NUMBERS],
                                dcpg_err *err) {
    DCPG_TRY(check_digest(t, file, "train_digest", t->train_digest, err));
    DCPG_TRY(check_digest(t, file, "val_digest", t->val ? t->val_digest : "", err));
    DCPG_TRY(check_data(t, file, "train_data", t->train_data, err));
    DCPG_TRY(check_data(t, file, "val_data", t->val ? t->val_data : "", err));
    for (int i = 0; i < CHECKPOINT_NUMBERS; i++)
        DCPG_TRY(dcpg_h5_read_attr_i64(file, "/", dcpg_checkpoint_number_name[i], &number[i], err));
    return dcpg_checkpoint_check_numbers(t, number, err);
}

/* The extents of a field's array must be as expected. */
static dcpg_status check_field(const trainer *t, dcpg_h5 *file, const checkpoint_field *field,
                               dcpg_err *err) {
    dcpg_h5_shape shape;
    const char *path = t->options->resume->path;
    if (!dcpg_h5_exists(file, field->path))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: %s is missing", path, field->path);
    DCPG_TRY(dcpg_h5_shape_of(file, field->path, &shape, err));
    bool fits = shape.ndim == field->ndim && shape.type == field->type;
    for (int i = 0; fits && i < field->ndim; i++) fits = shape.dim[i] == field->dim[i];
    if (!fits) return dcpg_fail(err, DCPG_E_INPUT, "%s: %s does not fit the model", path, field->path);
    return DCPG_OK;
}

/* Gives all ranks all values of a field. Collective. */
static dcpg_status restore_whole_all(trainer *t, dcpg_h5 *file, const checkpoint_field *field,
                                     dcpg_err *err) {
    size_t count = (size_t)dcpg_checkpoint_count(field),
           size = field->type == DCPG_H5_F32 ? sizeof(float) : sizeof(double);
    void *plain = dcpg_alloc(count, size);
    dcpg_status status = plain ? DCPG_OK : dcpg_fail_nomem(err, field->path, count * size);
    if (status == DCPG_OK && t->par->rank == 0)
        status = dcpg_h5_read(file, field->path, field->type, NULL, plain, err);
    status = dcpg_agree_all(t->par, status, err);
    if (status == DCPG_OK) {
        dcpg_bcast_all(t->par, plain, count * size, 0);
        dcpg_checkpoint_unpack(t, field, plain);
    }
    dcpg_free(plain);
    return status;
}

static dcpg_status restore_field_all(trainer *t, dcpg_h5 *file, const checkpoint_field *field,
                                     dcpg_err *err) {
    if (dcpg_checkpoint_count(field) == 0) return DCPG_OK;
    dcpg_status status = t->par->rank == 0 ? check_field(t, file, field, err) : DCPG_OK;
    DCPG_TRY(dcpg_agree_all(t->par, status, err));
    return field->kind == FIELD_TALLY ? dcpg_checkpoint_read_tally_all(t, field, file, err)
                                      : restore_whole_all(t, file, field, err);
}

static dcpg_status restore_from_all(trainer *t, dcpg_h5 *file, dcpg_err *err) {
    int64_t number[CHECKPOINT_NUMBERS];
    checkpoint_field field[CHECKPOINT_FIELDS];
    dcpg_checkpoint_numbers(t, number);
    DCPG_TRY(dcpg_agree_all(t->par, t->par->rank == 0 ? read_numbers(t, file, number, err) : DCPG_OK, err));
    dcpg_bcast_all(t->par, number, sizeof number, 0);
    dcpg_checkpoint_take_numbers(t, number);
    dcpg_checkpoint_fields(t, field);
    for (int i = 0; i < CHECKPOINT_FIELDS; i++) DCPG_TRY(restore_field_all(t, file, &field[i], err));
    return dcpg_checkpoint_check_scalars(t, err);
}

static dcpg_status check_fits(const trainer *t, dcpg_err *err) {
    const dcpg_checkpoint *c = t->options->resume;
    if (c->nb_epoch > t->options->nb_epoch)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--nb_epoch %" PRId64 " is less than the %" PRId64 " epochs that are done",
                         t->options->nb_epoch, c->nb_epoch);
    if (c->batch != t->batch)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "a batch of %" PRId64 " sites, but the run was started with %" PRId64
                         ": --batch_size decides the result",
                         t->batch, c->batch);
    return DCPG_OK;
}

dcpg_status dcpg_trainer_restore_all(trainer *t, dcpg_err *err) {
    dcpg_h5 *file = NULL;
    DCPG_TRY(check_fits(t, err));
    dcpg_status status =
        t->par->rank == 0 ? dcpg_h5_open(t->options->resume->path, NULL, &file, err) : DCPG_OK;
    status = dcpg_agree_all(t->par, status, err);
    if (status == DCPG_OK) status = restore_from_all(t, file, err);
    dcpg_h5_close(file);
    if (status == DCPG_OK)
        dcpg_info(t->log, "continuing from %s: epoch %" PRId64 ", after step %" PRId64,
                  t->options->resume->path, t->run.epoch + 1, t->run.step);
    return status;
}
