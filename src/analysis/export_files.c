/* SPDX-License-Identifier: MIT */
/* Export: the names of its files, and which of them may be replaced. */
#include "analysis/export_impl.h"
#include "npz/npz.h"
#include "text/bgzip_file.h"
#include "text/tabix.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>

#include <string.h>
#include <unistd.h>

size_t dcpg_export_nb_part(const export_run *run) { return run->traits & EXPORT_ONE ? 1 : run->columns.n; }

char *dcpg_export_path(const export_run *run, size_t part) {
    const char *folder = run->options->out_dir, *suffix = run->format->suffix;
    return run->traits & EXPORT_ONE ? dcpg_format("%s/%s", folder, suffix)
                                    : dcpg_format("%s/%s%s", folder, run->columns.v[part].name, suffix);
}

char *dcpg_export_path_beside(const export_run *run, size_t column) {
    return dcpg_format("%s/%s.imputed.bed.gz", run->options->out_dir, run->columns.v[column].name);
}

void dcpg_export_drop_beside(const export_run *run, size_t column) {
    if (run->traits & EXPORT_BESIDE || !(run->format->traits & EXPORT_BESIDE)) return;
    char *path = dcpg_export_path_beside(run, column);
    if (path && dcpg_bgzip_is_ours(path)) unlink(path);
    dcpg_free(path);
}

dcpg_status dcpg_export_write_text(const char *path, const dcpg_strings *lines, dcpg_err *err) {
    size_t size = 0, at = 0;
    for (size_t i = 0; i < lines->n; i++) size += strlen(lines->v[i]);
    char *text = dcpg_alloc(size + 1, 1);
    if (!text) return dcpg_fail_nomem(err, path, size);
    for (size_t i = 0; i < lines->n; i++) {
        size_t n = strlen(lines->v[i]);
        memcpy(text + at, lines->v[i], n);
        at += n;
    }
    dcpg_status status = dcpg_file_write(path, text, size, err);
    dcpg_free(text);
    return status;
}

static bool is_ours(const char *path) {
    if (dcpg_ends_with(path, ".gz")) return dcpg_bgzip_is_ours(path);
    if (dcpg_ends_with(path, ".bw")) return dcpg_export_bigwig_is_ours(path);
    if (dcpg_ends_with(path, ".npz")) return dcpg_npz_is_ours(path);
    if (dcpg_ends_with(path, ".txt")) return dcpg_export_run_info_is_ours(path);
    return dcpg_h5_is_format(path, DCPG_EXPORT_FORMAT);
}

dcpg_status dcpg_export_check_file(const export_run *run, const char *path, const char *of, dcpg_err *err) {
    if (dcpg_same_file(path, run->options->data))
        return dcpg_fail(err, DCPG_E_USAGE,
                         "%s: would be written over the file that is read: name another "
                         "--out_dir",
                         path);
    if (run->options->force || !dcpg_file_exists(path) || is_ours(of)) return DCPG_OK;
    return dcpg_fail_not_ours(path, err);
}

static dcpg_status check_with_index(const export_run *run, char *path, dcpg_err *err) {
    if (!path) return dcpg_fail_nomem(err, "a path", 64);
    dcpg_status status = dcpg_export_check_file(run, path, path, err);
    for (int i = 0; i < 2 && status == DCPG_OK && run->traits & EXPORT_INDEX; i++) {
        char *index = dcpg_format("%s%s", path, i ? DCPG_CSI : DCPG_TBI);
        status = index ? dcpg_export_check_file(run, index, path, err) : dcpg_fail_nomem(err, "a path", 64);
        dcpg_free(index);
    }
    dcpg_free(path);
    return status;
}

/* No two columns have one file. */
static dcpg_status check_names(const export_run *run, dcpg_err *err) {
    const export_columns *columns = &run->columns;
    dcpg_map known = {0};
    dcpg_status status = DCPG_OK;
    for (size_t i = 0; i < columns->n && status == DCPG_OK; i++) {
        int64_t same = dcpg_map_get(&known, columns->v[i].name, -1);
        char *path = dcpg_export_path(run, i);
        if (!path)
            status = dcpg_fail_nomem(err, "a path", 64);
        else if (same >= 0)
            status =
                dcpg_fail(err, DCPG_E_INPUT,
                          "outputs %s and %s would both be written to %s: choose one with --output_names",
                          columns->v[same].output[0], columns->v[i].output[0], path);
        else
            status = dcpg_map_set(&known, columns->v[i].name, (int64_t)i, err);
        dcpg_free(path);
    }
    dcpg_map_free(&known);
    return status;
}

dcpg_status dcpg_export_check_files(const export_run *run, dcpg_err *err) {
    size_t nb = dcpg_export_nb_part(run);
    DCPG_TRY(check_names(run, err));
    size_t first = (size_t)run->par->rank, step = (size_t)run->par->size;
    for (size_t part = first; part < nb; part += step)
        DCPG_TRY(check_with_index(run, dcpg_export_path(run, part), err));
    for (size_t column = first; column < run->columns.n && run->traits & EXPORT_BESIDE; column += step)
        DCPG_TRY(check_with_index(run, dcpg_export_path_beside(run, column), err));
    return DCPG_OK;
}
