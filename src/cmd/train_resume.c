/* SPDX-License-Identifier: MIT */
/* Combines the command line kept in a checkpoint with that of the run that resumes it. */
#include "cmd/train_resume.h"
#include "cmd/cmd_options.h"

#include <dcpg/memory.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Options that may change without changing the result, or that are checked elsewhere: data by their checksum,
 * the number of virtual ranks by the checkpoint. */
static const char *const free_names[] = {
    "out_dir",
    "resume",
    "val_files",
    "nb_epoch",
    "virtual_ranks",
    "max_time",
    "stop_file",
    "verbose",
    "log_file",
    "force",
    "checkpoint_steps",
    "checkpoint_minutes",
    "keep_checkpoints",
    "stall_timeout",
    "max_memory",
    "profile",
    "shard_optimizer",
    "comm_memory",
    "max_steps",
    "timing_warmup_steps",
    NULL,
};

static size_t find_separator(const dcpg_strings *words) {
    size_t i = 0;
    while (i < words->n && strcmp(words->v[i], "--") != 0) i++;
    return i;
}

dcpg_status train_resume_words(const dcpg_checkpoint *checkpoint, int argc, char **argv,
                               const dcpg_strings *positional, dcpg_strings *words, dcpg_err *err) {
    const dcpg_strings *then = &checkpoint->words;
    size_t separator = find_separator(then);
    DCPG_TRY(dcpg_strings_add(words, argv[0], err));
    for (size_t i = 0; i < separator; i++) DCPG_TRY(dcpg_strings_add(words, then->v[i], err));
    DCPG_TRY(dcpg_strings_add(words, "--verbose=false", err)); /* ends a list */
    for (int i = 1; i < argc; i++) DCPG_TRY(dcpg_strings_add(words, argv[i], err));
    for (size_t i = separator; i < then->n && positional->n == 0; i++)
        DCPG_TRY(dcpg_strings_add(words, then->v[i], err));
    return DCPG_OK;
}

/* ---- options that a checkpoint must not decide ---- */

static dcpg_status fail_foreign(const dcpg_checkpoint *checkpoint, const char *what, dcpg_err *err) {
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "%s: another user could have written it (it belongs to somebody else, or others may write to "
        "it), so that it does not choose which files are read: name the %s of the run again",
        checkpoint->path, what);
}

/* Empties a string option that is a path; notes those that the user would miss. */
static dcpg_status leave_out(const dcpg_opt *o, dcpg_strings *left_out, dcpg_err *err) {
    static const char *const missed[] = {"log_file", "stop_file"}, *const unasked[] = {"out_dir", "resume"};
    const char **value = o->value;
    for (int i = 0; i < 2; i++) {
        if (strcmp(o->name, missed[i]) == 0 && *value) DCPG_TRY(dcpg_strings_add(left_out, o->name, err));
        if (strcmp(o->name, missed[i]) == 0 || strcmp(o->name, unasked[i]) == 0) *value = NULL;
    }
    return DCPG_OK;
}

dcpg_status train_resume_distrust(dcpg_checkpoint *checkpoint, const train_resume_given *given,
                                  dcpg_strings *left_out, dcpg_err *err) {
    bool ours = checkpoint->ours;
    for (const dcpg_opt *o = given->options; o->name; o++) {
        if (o->kind == DCPG_OPT_STRING) DCPG_TRY(leave_out(o, left_out, err));
        if (strcmp(o->name, "profile") == 0) dcpg_strings_free(&((dcpg_words *)o->value)->list); /* a file */
        if (ours || strcmp(o->name, "val_files") != 0) continue;
        if (((dcpg_strings *)o->value)->n && !given->val_files_now)
            return fail_foreign(checkpoint, "--val_files", err);
        dcpg_strings_free(o->value);
    }
    if (!ours && !given->files_now) return fail_foreign(checkpoint, "store or data files", err);
    if (!ours) dcpg_strings_free(given->files);
    dcpg_strings_free(&checkpoint->words);
    return dcpg_options_words(given->options, given->files, &checkpoint->words, err);
}

dcpg_status train_resume_check(const dcpg_checkpoint *checkpoint, const dcpg_opt *then, const dcpg_opt *now,
                               dcpg_err *err) {
    const char *name = dcpg_options_differ(then, now, free_names), *given = "not given";
    if (!name) return DCPG_OK;
    size_t length = strlen(name);
    for (size_t i = 0; i < checkpoint->words.n; i++) {
        const char *word = checkpoint->words.v[i];
        if (strncmp(word, "--", 2) == 0 && strncmp(word + 2, name, length) == 0 &&
            strchr("=", word[2 + length]))
            given = word;
    }
    return dcpg_fail(err, DCPG_E_USAGE,
                     "--%s decides the result, and the run of %s was started with another value (%s): leave "
                     "it out, or start another run",
                     name, checkpoint->path, given);
}

/* ---- keeping ---- */

static char *from_root(const char *directory, const char *path) {
    return path[0] == '/' ? dcpg_strdup(path) : dcpg_format("%s/%s", directory, path);
}

static dcpg_status all_from_root(const char *directory, const dcpg_strings *paths, dcpg_strings *out,
                                 dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < paths->n && status == DCPG_OK; i++) {
        char *path = from_root(directory, paths->v[i]);
        status =
            path ? dcpg_strings_add(out, path, err) : dcpg_fail_nomem(err, "a path", strlen(paths->v[i]));
        dcpg_free(path);
    }
    return status;
}

/* Options that name files which a resumed run reads or writes. */
enum { NB_PATH = 2 };
static const char *const path_names[NB_PATH] = {"stop_file", "log_file"};

/* Points entries of the table to copies with absolute paths, in path[] and val_files. */
static dcpg_status replace_paths(const char *directory, dcpg_opt *table, char **path, dcpg_strings *val_files,
                                 dcpg_err *err) {
    for (dcpg_opt *o = table; o->name; o++) {
        if (strcmp(o->name, "val_files") == 0) {
            DCPG_TRY(all_from_root(directory, o->value, val_files, err));
            o->value = val_files;
        }
        for (int i = 0; i < NB_PATH; i++) {
            if (strcmp(o->name, path_names[i]) != 0 || !*(const char **)o->value) continue;
            path[i] = from_root(directory, *(const char **)o->value);
            if (!path[i]) return dcpg_fail_nomem(err, "a path", 0);
            o->value = &path[i];
        }
    }
    return DCPG_OK;
}

dcpg_status train_resume_keep(const dcpg_opt *options, const dcpg_strings *positional, dcpg_strings *words,
                              dcpg_err *err) {
    char directory[4096], *path[NB_PATH] = {0};
    dcpg_opt table[DCPG_CMD_MOST_OPTIONS] = {{0}};
    dcpg_strings val_files = {0}, files = {0};
    if (!getcwd(directory, sizeof directory))
        return dcpg_fail(err, DCPG_E_IO, "the working directory has no name: %s", strerror(errno));
    for (int i = 0; options[i].name && i < DCPG_CMD_MOST_OPTIONS - 1; i++) table[i] = options[i];
    dcpg_status status = replace_paths(directory, table, path, &val_files, err);
    if (status == DCPG_OK) status = all_from_root(directory, positional, &files, err);
    if (status == DCPG_OK) status = dcpg_options_words(table, &files, words, err);
    for (int i = 0; i < NB_PATH; i++) dcpg_free(path[i]);
    dcpg_strings_free(&val_files);
    dcpg_strings_free(&files);
    return status;
}
