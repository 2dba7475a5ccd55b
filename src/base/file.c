/* SPDX-License-Identifier: MIT */
/* Small files and directories. */
#define _GNU_SOURCE /* realpath */
#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dcpg/text.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static dcpg_status fail_io(const char *path, const char *what, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot %s: %s", path, what, strerror(errno));
}

static dcpg_status write_all(int fd, const char *path, const char *bytes, size_t n, dcpg_err *err) {
    while (n) {
        ssize_t done = write(fd, bytes, n);
        if (done < 0 && errno == EINTR) continue;
        if (done < 0) return fail_io(path, "be written", err);
        bytes += done;
        n -= (size_t)done;
    }
    return DCPG_OK;
}

dcpg_status dcpg_file_write(const char *path, const char *bytes, size_t n, dcpg_err *err) {
    char *temporary;
    int fd;
    DCPG_TRY(dcpg_temporary_create(path, &temporary, &fd, err));
    dcpg_status status = write_all(fd, path, bytes, n, err);
    if (close(fd) != 0 && status == DCPG_OK) status = fail_io(path, "be written", err);
    if (status == DCPG_OK) return dcpg_temporary_keep(temporary, path, err);
    dcpg_temporary_remove(temporary);
    return status;
}

dcpg_status dcpg_file_continue(const char *path, int64_t keep, FILE **file, dcpg_err *err) {
    struct stat s;
    /* A link could lead to another file, which would be cut; opening a pipe would wait. */
    int fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0666);
    bool regular = fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    if (fd >= 0 && !regular) errno = ENXIO;
    bool fine =
        regular && (s.st_size < keep || ftruncate(fd, (off_t)keep) == 0) && lseek(fd, 0, SEEK_END) >= 0;
    *file = fine ? fdopen(fd, "r+") : NULL;
    if (*file) return DCPG_OK;
    dcpg_status status =
        errno == ELOOP || errno == ENXIO
            ? dcpg_fail(err, DCPG_E_IO, "%s: is a link or no file: it is not written to", path)
            : fail_io(path, "be continued", err);
    if (fd >= 0) close(fd);
    return status;
}

dcpg_status dcpg_file_settle(FILE *file, const char *path, int64_t *bytes, dcpg_err *err) {
    bool fine = fflush(file) == 0 && (fsync(fileno(file)) == 0 || errno == EINVAL || errno == ENOTSUP);
    off_t end = fine ? ftello(file) : -1;
    *bytes = end;
    return end < 0 ? fail_io(path, "be written", err) : DCPG_OK;
}

static dcpg_status read_stream(FILE *file, const char *path, size_t limit, char **text, dcpg_err *err) {
    size_t n = 0, capacity = 0;
    char *bytes = NULL;
    for (;;) {
        if (n + 1 >= capacity) {
            size_t wider = capacity ? 2 * capacity : 4096;
            char *grown = dcpg_realloc(bytes, n, wider, 1);
            if (grown == NULL) {
                dcpg_free(bytes);
                return dcpg_fail_nomem(err, path, wider);
            }
            bytes = grown;
            capacity = wider;
        }
        size_t got = fread(bytes + n, 1, capacity - n - 1, file);
        n += got;
        if (got == 0) break;
        if (n > limit) {
            dcpg_free(bytes);
            return dcpg_fail(err, DCPG_E_INPUT, "%s: larger than %zu bytes, which no file of its kind is",
                             path, limit);
        }
    }
    if (ferror(file)) {
        dcpg_free(bytes);
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    }
    bytes[n] = '\0';
    *text = bytes;
    return DCPG_OK;
}

FILE *dcpg_file_open(const char *path) {
    struct stat s = {0};
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* opening a pipe would wait */
    bool regular = fd >= 0 && fstat(fd, &s) == 0 && S_ISREG(s.st_mode);
    FILE *file = regular ? fdopen(fd, "rb") : NULL;
    if (file || fd < 0) return file;
    close(fd);
    if (!regular) errno = S_ISDIR(s.st_mode) ? EISDIR : ESPIPE;
    return NULL;
}

dcpg_status dcpg_file_read(const char *path, size_t limit, char **text, dcpg_err *err) {
    FILE *file = dcpg_file_open(path);
    if (file == NULL && errno == ESPIPE)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: is a pipe or a device: a file is wanted", path);
    if (file == NULL) return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    dcpg_status status = read_stream(file, path, limit, text, err);
    fclose(file);
    return status;
}

static dcpg_status make_dir(const char *path, dcpg_err *err) {
    if (mkdir(path, 0777) == 0 || (errno == EEXIST && dcpg_is_dir(path))) return DCPG_OK;
    return fail_io(path, "be made a directory", err);
}

dcpg_status dcpg_make_dirs(const char *path, dcpg_err *err) {
    char *part = dcpg_strdup(path);
    if (part == NULL) return dcpg_fail_nomem(err, "a directory name", strlen(path));
    dcpg_status status = DCPG_OK;
    for (char *slash = strchr(part + (part[0] == '/'), '/'); slash && status == DCPG_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        status = make_dir(part, err);
        *slash = '/';
    }
    if (status == DCPG_OK) status = make_dir(part, err);
    dcpg_free(part);
    return status;
}

bool dcpg_is_dir(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool dcpg_file_exists(const char *path) {
    struct stat s;
    return stat(path, &s) == 0;
}

bool dcpg_is_link(const char *path) {
    struct stat s;
    return lstat(path, &s) == 0 && S_ISLNK(s.st_mode);
}

bool dcpg_same_file(const char *a, const char *b) {
    struct stat x, y;
    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

dcpg_status dcpg_fail_not_ours(const char *path, dcpg_err *err) {
    return dcpg_fail(
        err, DCPG_E_USAGE,
        "%s: is there and was not written by this command of dcpg: it is not replaced (name another "
        "file or folder, or give --force)",
        path);
}

/* Whether what is in a directory stands for open files and devices: /dev, /dev/fd, /proc/... A file there
 * would be replaced for all programs. */
static bool is_special(const char *directory) {
    char *real = realpath(directory, NULL);
    bool is = real && (strcmp(real, "/dev") == 0 || strncmp(real, "/proc/", 6) == 0);
    free(real);
    return is;
}

dcpg_status dcpg_check_output(const char *path, const dcpg_strings *inputs, dcpg_err *err) {
    for (size_t i = 0; i < inputs->n; i++)
        if (dcpg_same_file(path, inputs->v[i]))
            return dcpg_fail(err, DCPG_E_USAGE,
                             "%s: would be written over %s, which is read: name another file", path,
                             inputs->v[i]);
    struct stat s;
    if (stat(path, &s) == 0 && !S_ISREG(s.st_mode))
        return dcpg_fail(err, DCPG_E_IO, "%s: is a directory or a device, a file is wanted", path);
    char *directory = dcpg_parent(path);
    if (directory == NULL) return dcpg_fail_nomem(err, path, strlen(path));
    bool fine = access(directory, W_OK | X_OK) == 0, special = is_special(directory);
    dcpg_free(directory);
    if (special)
        return dcpg_fail(err, DCPG_E_IO, "%s: stands for a device or an open file, a file is wanted", path);
    return fine ? DCPG_OK : fail_io(path, "be created", err);
}
