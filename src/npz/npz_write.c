/* SPDX-License-Identifier: MIT */
/* Writes npz files. The lengths of arrays are known before their data, so that zip64 is used only for those
 * that need it. */
#include "npz/npz.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dcpg/text.h>

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The archive's comment. */
static const char mark[] = "dcpg export";
enum { MARK = sizeof mark - 1, END = 22 }; /* END: bytes of the record that ends an archive without comment */

bool dcpg_npz_is_ours(const char *path) {
    char end[MARK];
    FILE *file = dcpg_file_open(path);
    bool is = file && fseek(file, -(long)MARK, SEEK_END) == 0 && fread(end, 1, MARK, file) == MARK &&
              memcmp(end, mark, MARK) == 0;
    if (file) fclose(file);
    return is;
}

dcpg_status dcpg_npz_usable(const char *what, dcpg_err *err) {
#ifdef DCPG_HAVE_ARCHIVE
    (void)what, (void)err;
    return DCPG_OK;
#else
    return dcpg_fail(err, DCPG_E_USAGE,
                     "%s needs npz files, which this build cannot read or write: install libarchive "
                     "(libarchive-dev) and build again",
                     what);
#endif
}

#ifndef DCPG_HAVE_ARCHIVE

dcpg_status dcpg_npz_create(const char *path, dcpg_npz_writer **file, dcpg_err *err) {
    *file = NULL;
    return dcpg_npz_usable(path, err);
}

dcpg_status dcpg_npz_begin(dcpg_npz_writer *file, const char *name, const dcpg_npy *array, dcpg_err *err) {
    (void)file, (void)array;
    return dcpg_npz_usable(name, err);
}

dcpg_status dcpg_npz_write(dcpg_npz_writer *file, const void *bytes, size_t n, dcpg_err *err) {
    (void)file, (void)bytes, (void)n;
    return dcpg_npz_usable("this", err);
}

dcpg_status dcpg_npz_finish(dcpg_npz_writer *file, dcpg_status status, dcpg_err *err) {
    (void)file, (void)err;
    return status;
}

#else

#include <archive.h>
#include <archive_entry.h>

struct dcpg_npz_writer {
    char *path, *temporary;
    int fd;
    struct archive *archive;
    int64_t left; /* bytes of the present array that are still to come */
};

static dcpg_status fail_write(dcpg_npz_writer *file, dcpg_err *err) {
    int reason = archive_errno(file->archive);
    const char *text = archive_error_string(file->archive);
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", file->path,
                     reason > 0 ? strerror(reason)
                     : text ? text
                            : "libarchive failed");
}

static dcpg_status open_archive(dcpg_npz_writer *file, dcpg_err *err) {
    file->archive = archive_write_new();
    if (!file->archive) return dcpg_fail_nomem(err, file->path, sizeof *file);
    bool fine =
        archive_write_set_format_zip(file->archive) == ARCHIVE_OK &&
        archive_write_set_format_option(file->archive, "zip", "compression", "deflate") == ARCHIVE_OK &&
        archive_write_set_bytes_in_last_block(file->archive, 1) == ARCHIVE_OK &&
        archive_write_open_fd(file->archive, file->fd) == ARCHIVE_OK;
    return fine ? DCPG_OK : fail_write(file, err);
}

dcpg_status dcpg_npz_create(const char *path, dcpg_npz_writer **made, dcpg_err *err) {
    dcpg_npz_writer *file = dcpg_alloc(1, sizeof *file);
    *made = NULL;
    if (!file) return dcpg_fail_nomem(err, path, sizeof *file);
    *file = (dcpg_npz_writer){.path = dcpg_strdup(path), .fd = -1};
    dcpg_status status = file->path ? DCPG_OK : dcpg_fail_nomem(err, path, strlen(path));
    if (status == DCPG_OK) status = dcpg_temporary_create(path, &file->temporary, &file->fd, err);
    if (status == DCPG_OK) status = open_archive(file, err);
    if (status == DCPG_OK)
        *made = file;
    else
        dcpg_npz_finish(file, status, NULL);
    return status;
}

/* The header of npy 1.0: a Python dictionary, filled up with blanks to a multiple of 64 bytes. Returns its
 * length. */
enum { HEADER = 256, BEFORE = 10 };
static size_t print_header(const dcpg_npy *array, char header[HEADER]) {
    const uint16_t one = 1;
    char shape[64] = "", order = *(const char *)&one ? '<' : '>';
    size_t used = 0;
    for (int i = 0; i < array->ndim; i++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%" PRId64 "%s", i ? " " : "",
                                 array->dim[i], i < array->ndim - 1 || array->ndim == 1 ? "," : "");
    int n = snprintf(header + BEFORE, HEADER - BEFORE,
                     "{'descr': '%c%c%d', 'fortran_order': False, 'shape': (%s), }",
                     array->kind == 'S' || array->size == 1 ? '|' : order, array->kind, array->size, shape);
    size_t length = ((size_t)(BEFORE + n + 1) + 63) / 64 * 64;
    memset(header + BEFORE + n, ' ', length - (size_t)(BEFORE + n));
    header[length - 1] = '\n';
    memcpy(header, "\x93NUMPY\1\0", 8);
    header[8] = (char)((length - BEFORE) & 0xff);
    header[9] = (char)((length - BEFORE) >> 8);
    return length;
}

/* Entries have no time: zip's first, 1980, stands in, as NumPy writes it. */
static dcpg_status begin_entry(dcpg_npz_writer *file, const char *name, int64_t size, dcpg_err *err) {
    char *member = dcpg_format("%s.npy", name);
    struct archive_entry *entry = archive_entry_new();
    dcpg_status status = member && entry ? DCPG_OK : dcpg_fail_nomem(err, name, strlen(name));
    if (status == DCPG_OK) {
        archive_entry_set_pathname(entry, member);
        archive_entry_set_filetype(entry, AE_IFREG);
        archive_entry_set_perm(entry, 0600);
        archive_entry_set_size(entry, size);
        if (archive_write_header(file->archive, entry) != ARCHIVE_OK) status = fail_write(file, err);
    }
    archive_entry_free(entry);
    dcpg_free(member);
    return status;
}

dcpg_status dcpg_npz_begin(dcpg_npz_writer *file, const char *name, const dcpg_npy *array, dcpg_err *err) {
    char header[HEADER];
    size_t length = print_header(array, header);
    int64_t bytes = array->size;
    for (int i = 0; i < array->ndim; i++) bytes *= array->dim[i];
    assert(file->left == 0);
    DCPG_TRY(begin_entry(file, name, (int64_t)length + bytes, err));
    file->left = (int64_t)length + bytes;
    return dcpg_npz_write(file, header, length, err);
}

dcpg_status dcpg_npz_write(dcpg_npz_writer *file, const void *bytes, size_t n, dcpg_err *err) {
    assert((int64_t)n <= file->left);
    file->left -= (int64_t)n;
    if (n > 0 && archive_write_data(file->archive, bytes, n) != (la_ssize_t)n) return fail_write(file, err);
    return DCPG_OK;
}

/* Gives the archive, which ends without a comment, the mark as its comment. */
static dcpg_status add_mark(const dcpg_npz_writer *file, dcpg_err *err) {
    unsigned char end[END] = {0};
    off_t at = lseek(file->fd, -(off_t)END, SEEK_END);
    errno = 0;
    bool fine = at >= 0 && pread(file->fd, end, END, at) == END && memcmp(end, "PK\5\6", 4) == 0 &&
                end[END - 2] == 0 && end[END - 1] == 0;
    end[END - 2] = MARK;
    fine = fine && pwrite(file->fd, end, END, at) == END && pwrite(file->fd, mark, MARK, at + END) == MARK;
    return fine ? DCPG_OK
                : dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", file->path,
                            errno ? strerror(errno) : "libarchive failed");
}

dcpg_status dcpg_npz_finish(dcpg_npz_writer *file, dcpg_status status, dcpg_err *err) {
    if (!file) return status;
    assert(status != DCPG_OK || file->left == 0);
    if (status == DCPG_OK && archive_write_close(file->archive) != ARCHIVE_OK) status = fail_write(file, err);
    if (status != DCPG_OK && file->archive) archive_write_fail(file->archive);
    archive_write_free(file->archive);
    if (status == DCPG_OK) status = add_mark(file, err);
    if (file->fd >= 0 && close(file->fd) != 0 && status == DCPG_OK)
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", file->path, strerror(errno));
    if (status == DCPG_OK)
        status = dcpg_temporary_keep(file->temporary, file->path, err);
    else
        dcpg_temporary_remove(file->temporary);
    dcpg_free(file->path);
    dcpg_free(file);
    return status;
}

#endif
