/* SPDX-License-Identifier: MIT */
/* The folder of checkpoints: listing, removing old ones, setting an earlier run's aside. Local; rank 0
 * calls. */
#include "train/checkpoint_impl.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char prefix[] = "checkpoint-", suffix[] = ".h5", aside[] = "old-";

static bool starts(const char *text, const char *with) { return strncmp(text, with, strlen(with)) == 0; }

static bool is_checkpoint(const char *name) { return starts(name, prefix) && dcpg_ends_with(name, suffix); }

char *dcpg_checkpoint_dir(const char *out_dir) { return dcpg_format("%s/checkpoints", out_dir); }

char *dcpg_checkpoint_path(const char *out_dir, int64_t epoch, int64_t step) {
    return dcpg_format("%s/checkpoints/%s%04lld-%08lld%s", out_dir, prefix, (long long)epoch, (long long)step,
                       suffix);
}

/* Names in `dir` that `wanted` accepts, in bytewise order, which is that of epochs and steps. None if there
 * is no such folder. */
static dcpg_status list(const char *dir, bool (*wanted)(const char *name), dcpg_strings *names,
                        dcpg_err *err) {
    DIR *folder = opendir(dir);
    dcpg_status status = DCPG_OK;
    if (!folder) return DCPG_OK;
    for (struct dirent *e = readdir(folder); e && status == DCPG_OK; e = readdir(folder))
        if (wanted(e->d_name)) status = dcpg_strings_add(names, e->d_name, err);
    closedir(folder);
    dcpg_strings_sort(names);
    return status;
}

dcpg_status dcpg_checkpoint_list(const char *out_dir, dcpg_strings *names, dcpg_err *err) {
    char *dir = dcpg_checkpoint_dir(out_dir);
    if (!dir) return dcpg_fail_nomem(err, out_dir, strlen(out_dir));
    dcpg_status status = list(dir, is_checkpoint, names, err);
    dcpg_free(dir);
    return status;
}

static void remove_in(const char *dir, const char *name) {
    char *path = dcpg_format("%s/%s", dir, name);
    if (path) unlink(path);
    dcpg_free(path);
}

/* Removes the files in `dir` that `wanted` accepts. */
static void remove_all(const char *dir, bool (*wanted)(const char *name)) {
    dcpg_strings names = {0};
    if (list(dir, wanted, &names, NULL) == DCPG_OK)
        for (size_t i = 0; i < names.n; i++) remove_in(dir, names.v[i]);
    dcpg_strings_free(&names);
}

/* ".NAME.h5.tmp.NUMBER" and "NAME.NUMBER.tmp": unfinished files of killed runs of dcpg before 2026-12. */
static bool is_unfinished(const char *name) {
    static const char *const ours[] = {"checkpoint-",    "model.h5",     "model.json",
                                       "model_weights_", "lc_train.tsv", "lc_val.tsv"};
    const char *bare = name + (name[0] == '.');
    bool is_ours = false,
         unfinished = (name[0] == '.' && strstr(name, ".h5.tmp.")) || dcpg_ends_with(name, ".tmp");
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++) is_ours |= starts(bare, ours[i]);
    return is_ours && unfinished;
}

void dcpg_checkpoint_sweep(const char *out_dir) {
    char *dir = dcpg_checkpoint_dir(out_dir);
    if (dir) remove_all(dir, is_unfinished), dcpg_temporary_sweep(dir, NULL);
    remove_all(out_dir, is_unfinished);
    dcpg_temporary_sweep(out_dir, NULL);
    dcpg_free(dir);
}

void dcpg_checkpoint_prune(const char *out_dir, const char *newest, int64_t keep) {
    dcpg_strings names = {0};
    char *dir = dcpg_checkpoint_dir(out_dir);
    if (dir && dcpg_checkpoint_list(out_dir, &names, NULL) == DCPG_OK) {
        ptrdiff_t at = dcpg_strings_find(&names, newest);
        for (ptrdiff_t i = 0; i < (ptrdiff_t)names.n; i++)
            if (i > at || i <= at - keep) remove_in(dir, names.v[i]);
    }
    dcpg_strings_free(&names);
    dcpg_free(dir);
}

static bool is_aside(const char *name) { return starts(name, aside); }

int64_t dcpg_checkpoint_set_aside(const char *out_dir) {
    dcpg_strings names = {0};
    char *dir = dcpg_checkpoint_dir(out_dir);
    int64_t nb = 0;
    if (dir && dcpg_checkpoint_list(out_dir, &names, NULL) == DCPG_OK && names.n > 0) {
        remove_all(dir, is_aside);
        for (size_t i = 0; i < names.n; i++) {
            char *from = dcpg_format("%s/%s", dir, names.v[i]),
                 *to = dcpg_format("%s/%s%s", dir, aside, names.v[i]);
            nb += from && to && rename(from, to) == 0;
            dcpg_free(from);
            dcpg_free(to);
        }
    }
    dcpg_strings_free(&names);
    dcpg_free(dir);
    return nb;
}
