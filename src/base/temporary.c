/* SPDX-License-Identifier: MIT */
/* Temporary files and folders, and the removal of those that killed processes left. */
#include <dcpg/cleanup.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dcpg/text.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const char mark[] = ".dcpg-tmp-";

/* Most bytes of a name that go into the name of its temporary file, which NAME_MAX limits; seconds after
 * which a file of another host counts as left; depth of folders that are removed. */
enum { MOST_OF_NAME = 120, LONG_AGO = 24 * 3600, MAX_DEPTH = 8 };

/* "DIR/.NAME.dcpg-tmp-HOST-PID-RANDOM"; NULL: out of memory. */
static char *make_name(const char *path) {
    char host[DCPG_HOST_ID];
    const char *name = dcpg_basename(path);
    dcpg_host_id(host);
    return dcpg_format("%.*s.%.*s%s%s-%ld-%016" PRIx64, (int)(name - path), path, MOST_OF_NAME, name, mark,
                       host, (long)getpid(), dcpg_random_number());
}

static dcpg_status fail_create(const char *path, int reason, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot be created in its directory: %s", path, strerror(reason));
}

dcpg_status dcpg_temporary_create(const char *path, char **temporary, int *fd, dcpg_err *err) {
    struct stat s;
    char *name = make_name(path);
    *temporary = NULL;
    *fd = -1;
    if (!name) return dcpg_fail_nomem(err, "a file name", strlen(path));
    /* Noted first, because a signal may come in between. */
    dcpg_status status = dcpg_cleanup_add(name, -1, err);
    if (status == DCPG_OK) {
        *fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (*fd < 0) status = fail_create(path, errno, err);
        if (*fd < 0) dcpg_cleanup_forget(name);
    }
    if (status != DCPG_OK) {
        dcpg_free(name);
        return status;
    }
    if (stat(path, &s) == 0 && S_ISREG(s.st_mode))     /* HDF5 and fsync open it again, for writing */
        (void)!fchmod(*fd, (s.st_mode & 0777) | 0600); /* some file systems have no permissions */
    *temporary = name;
    return DCPG_OK;
}

dcpg_status dcpg_temporary_folder(const char *path, char **temporary, dcpg_err *err) {
    *temporary = make_name(path);
    if (!*temporary) return dcpg_fail_nomem(err, "a file name", strlen(path));
    dcpg_status status = dcpg_cleanup_add(*temporary, -1, err);
    if (status == DCPG_OK && mkdir(*temporary, 0777) != 0) status = fail_create(path, errno, err);
    if (status == DCPG_OK) return DCPG_OK;
    dcpg_cleanup_forget(*temporary);
    dcpg_free(*temporary);
    *temporary = NULL;
    return status;
}

static bool sync_path(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0) return false;
    /* Some file systems cannot do this, which is not an error. */
    bool fine = fsync(fd) == 0 || errno == EINVAL || errno == ENOTSUP;
    int reason = errno;
    if (close(fd) != 0) fine = false, reason = errno;
    errno = reason;
    return fine;
}

dcpg_status dcpg_temporary_keep(char *temporary, const char *path, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    if (!sync_path(temporary, O_RDWR | O_NOFOLLOW))
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be flushed to the disk: %s", path, strerror(errno));
    else if (rename(temporary, path) != 0)
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be given its name: %s", path, strerror(errno));
    if (status != DCPG_OK) {
        dcpg_temporary_remove(temporary);
        return status;
    }
    char *folder = dcpg_parent(path);
    /* The file has its name; if its entry cannot be flushed to the disk, so be it. */
    if (folder) (void)sync_path(folder, O_RDONLY);
    dcpg_free(folder);
    dcpg_cleanup_forget(temporary);
    dcpg_free(temporary);
    return DCPG_OK;
}

/* ---- removing ---- */

/* Removes a file, or a folder with its contents; does not follow links. */
static void remove_at(int in, const char *name, int depth) {
    if (unlinkat(in, name, 0) == 0 || (errno != EISDIR && errno != EPERM) || depth == MAX_DEPTH) return;
    int fd = openat(in, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    if (!folder && fd >= 0) close(fd);
    for (struct dirent *e; folder && (e = readdir(folder));)
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
            remove_at(dirfd(folder), e->d_name, depth + 1);
    if (folder) closedir(folder);
    unlinkat(in, name, AT_REMOVEDIR);
}

void dcpg_temporary_remove(char *temporary) {
    int before = errno;
    if (!temporary) return;
    remove_at(AT_FDCWD, temporary, 0);
    dcpg_cleanup_forget(temporary);
    dcpg_free(temporary);
    errno = before;
}

/* Splits "HOST-PID-RANDOM" from its end; false if the text has another form. */
static bool take_apart(const char *text, char host[DCPG_HOST_ID], int64_t *pid) {
    const char *random = strrchr(text, '-'), *number = random;
    if (!random || strlen(random + 1) != 16 || strspn(random + 1, "0123456789abcdef") != 16) return false;
    while (number > text && number[-1] != '-') number--;
    if (number <= text + 1 || number == random || number - text - 1 >= DCPG_HOST_ID) return false;
    char *end;
    errno = 0;
    *pid = strtoll(number, &end, 10);
    if (end != random || *pid <= 0 || errno) return false;
    snprintf(host, DCPG_HOST_ID, "%.*s", (int)(number - text - 1), text);
    return true;
}

/* Whether a temporary file or folder has been left by a process that is gone; `host` is this host. */
static bool is_left(int in, const char *name, const char *host) {
    char other[DCPG_HOST_ID];
    struct stat s;
    int64_t pid;
    const char *at = strstr(name, mark);
    if (name[0] != '.' || !at || !take_apart(at + sizeof mark - 1, other, &pid)) return false;
    if (fstatat(in, name, &s, AT_SYMLINK_NOFOLLOW) != 0 || !(S_ISREG(s.st_mode) || S_ISDIR(s.st_mode)))
        return false;
    if (strcmp(other, host) == 0) return dcpg_process_start(pid) == 0;
    return time(NULL) - s.st_mtime > LONG_AGO;
}

static bool is_of(const char *entry, const char *name) {
    size_t n = strnlen(name, MOST_OF_NAME);
    return entry[0] == '.' && strncmp(entry + 1, name, n) == 0 &&
           strncmp(entry + 1 + n, mark, sizeof mark - 1) == 0;
}

int dcpg_temporary_sweep(const char *folder, const char *name) {
    char host[DCPG_HOST_ID];
    DIR *entries = opendir(folder);
    int nb = 0;
    if (!entries) return 0;
    dcpg_host_id(host);
    for (struct dirent *e; (e = readdir(entries));) {
        if ((name && !is_of(e->d_name, name)) || !is_left(dirfd(entries), e->d_name, host)) continue;
        remove_at(dirfd(entries), e->d_name, 0);
        nb++;
    }
    closedir(entries);
    return nb;
}

void dcpg_temporary_sweep_path(const char *path) {
    char *folder = dcpg_parent(path);
    if (folder) dcpg_temporary_sweep(folder, dcpg_basename(path));
    dcpg_free(folder);
}

FILE *dcpg_file_create_new(const char *path) {
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    FILE *file = fd < 0 ? NULL : fdopen(fd, "wb");
    int reason = errno;
    if (!file && fd >= 0) close(fd);
    errno = reason;
    return file;
}
