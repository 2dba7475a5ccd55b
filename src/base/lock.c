/* SPDX-License-Identifier: MIT */
/* Locks of files and folders against other processes, also on other hosts. A lock appears complete: its file
 * is written under a temporary name and linked, which fails if the name exists (also on NFS, whose answer may
 * be lost: then the number of links shows whether it worked). A stale lock is replaced by rename, by one
 * process at a time: the one that succeeds in creating the folder LOCK.taking. */
#include <dcpg/cleanup.h>
#include <dcpg/file.h>
#include <dcpg/lock.h>
#include <dcpg/memory.h>
#include <dcpg/signal.h>
#include <dcpg/temporary.h>
#include <dcpg/text.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { BEAT = 20, LIMIT = 300, MOST_BYTES = 1024, TAKING_IS_OLD = 60 };

struct dcpg_lock {
    char *path;  /* of the lock file */
    char *what;  /* the locked file or folder, as the user named it */
    int fd;      /* the lock file, open */
    char *made;  /* topmost folder that was created; NULL: none */
    char *inner; /* the locked folder; NULL: a file is locked */
    double looked;
};

/* The contents of a lock file. */
typedef struct owner {
    char host[DCPG_HOST_ID];
    int64_t pid, start, since; /* process, its start in clock ticks (-1: unknown), seconds since 1970 */
    int64_t inode, beat;       /* inode and modification time of the lock file */
} owner;

/* A lock that is being taken. */
typedef struct taking {
    dcpg_lock *lock;
    const dcpg_lock_options *options;
    dcpg_log *log;
    char *temporary; /* our lock file, not yet in its place */
    int beat, limit;
    double since; /* when the lock in `seen` was first looked at */
    owner seen;
    bool warned;
} taking;

/* ---- the file ---- */

static dcpg_status write_owner(int fd, const char *path, dcpg_err *err) {
    char host[DCPG_HOST_ID], text[256];
    dcpg_host_id(host);
    int n = snprintf(text, sizeof text, "dcpg-lock 1\nhost %s\npid %ld\nstart %" PRId64 "\nsince %lld\n",
                     host, (long)getpid(), dcpg_process_start((int64_t)getpid()), (long long)time(NULL));
    if (write(fd, text, (size_t)n) == n) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", path, strerror(errno));
}

/* The number after `word`; `otherwise` if the text has no such word. */
static int64_t field(const char *text, const char *word, int64_t otherwise) {
    const char *at = strstr(text, word);
    return at ? strtoll(at + strlen(word), NULL, 10) : otherwise;
}

/* False if there is no lock. Opening the file makes NFS ask the server. */
static bool read_owner(const char *path, owner *o) {
    char text[MOST_BYTES] = "";
    struct stat s;
    *o = (owner){.pid = 0};
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd <
        0) { /* a lock that cannot be read, such as another user's, is a lock; its heartbeat is visible */
        if (errno == ENOENT || lstat(path, &s) != 0) return errno != ENOENT;
        o->inode = (int64_t)s.st_ino, o->beat = o->since = (int64_t)s.st_mtime;
        return true;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    if (fstat(fd, &s) == 0) o->inode = (int64_t)s.st_ino, o->beat = (int64_t)s.st_mtime;
    close(fd);
    const char *host = strstr(text, "\nhost ");
    if (host) sscanf(host + 6, "%63s", o->host);
    o->pid = field(text, "\npid ", 0);
    o->start = field(text, "\nstart ", -1);
    o->since = field(text, "\nsince ", o->beat);
    return true;
}

/* The clock of the file's server, by which heartbeats are dated: the time of our own file, just renewed. */
static int64_t server_time(int fd) {
    struct stat s;
    if (futimens(fd, NULL) != 0 || fstat(fd, &s) != 0) return (int64_t)time(NULL);
    return (int64_t)s.st_mtime;
}

/* ---- the owner ---- */

/* Whether the process of an owner on this host runs. */
static bool runs(const owner *o) {
    int64_t start = dcpg_process_start(o->pid);
    bool other = start > 0 && o->start > 0 && start != o->start; /* the process number was used again */
    return start != 0 && !other;
}

typedef enum verdict { NOBODYS, ALIVE, STALE, UNSURE } verdict;

static bool is_of_this_host(const owner *o) {
    char host[DCPG_HOST_ID];
    dcpg_host_id(host);
    return o->pid > 0 && strcmp(o->host, host) == 0;
}

static verdict judge(taking *t) {
    owner o;
    if (!read_owner(t->lock->path, &o)) return NOBODYS;
    bool same = o.inode == t->seen.inode, beats = same && o.beat != t->seen.beat;
    if (!same) t->since = dcpg_now();
    t->seen = o;
    if (is_of_this_host(&o)) return runs(&o) ? ALIVE : STALE;
    if (beats) return ALIVE;
    if (server_time(t->lock->fd) - o.beat > t->limit) return STALE;
    return UNSURE;
}

static const char *name_host(const owner *o, char name[DCPG_HOST_ID]) {
    snprintf(name, DCPG_HOST_ID, "%s", *o->host ? o->host : "(unknown)");
    char *tag = strrchr(name, '.');
    if (tag && strlen(tag) == 9) *tag = '\0';
    return name;
}

bool dcpg_lock_look(const char *folder, dcpg_lock_owner *seen) {
    owner o;
    char *path = dcpg_format("%s/.dcpg-lock", folder);
    bool there = path && read_owner(path, &o) && o.inode != 0;
    dcpg_free(path);
    if (!there) return false;
    *seen = (dcpg_lock_owner){.pid = o.pid, .since = o.since, .beat = o.beat, .here = is_of_this_host(&o)};
    if (*o.host) name_host(&o, seen->host);
    seen->alive = seen->here ? runs(&o) : (int64_t)time(NULL) - o.beat <= LIMIT;
    return true;
}

static dcpg_status refuse(const taking *t, dcpg_err *err) {
    const owner *o = &t->seen;
    char host[DCPG_HOST_ID], since[32], far[96] = "";
    if (!is_of_this_host(o))
        snprintf(far, sizeof far, " (its heartbeat is of %" PRId64 " s ago; after %d s it counts as gone)",
                 server_time(t->lock->fd) - o->beat, t->limit);
    return dcpg_fail(
        err, DCPG_E_IO,
        "%s is being written by process %" PRId64 " on host %s since %s%s: choose another %s, or wait "
        "for its end",
        t->lock->what, o->pid, name_host(o, host), dcpg_date(o->since, since), far, t->options->option);
}

static void log_taken_over(const taking *t) {
    char host[DCPG_HOST_ID];
    dcpg_info(t->log,
              "%s: process %" PRId64 " on host %s, which was writing it, is gone: its lock is taken over",
              t->lock->what, t->seen.pid, name_host(&t->seen, host));
}

/* ---- taking ---- */

static void nap(long milliseconds) {
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000};
    nanosleep(&time, NULL);
}

/* Moves our file into place unless a lock is there; `*taken` becomes true if that worked. */
static dcpg_status try_link(taking *t, bool *taken, dcpg_err *err) {
    dcpg_lock *lock = t->lock;
    struct stat s;
    *taken = link(t->temporary, lock->path) == 0;
    int reason = errno;
    if (!*taken && fstat(lock->fd, &s) == 0 && s.st_nlink == 2)
        *taken = true; /* it did work, but the answer was lost */
    if (*taken || reason == EEXIST) return DCPG_OK;
    /* A file system without hard links. */
    int fd = open(lock->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) return DCPG_OK;
    if (fd < 0)
        return dcpg_fail(err, DCPG_E_IO, "%s: cannot be created in its directory: %s", lock->path,
                         strerror(errno));
    close(lock->fd);
    lock->fd = fd;
    *taken = true;
    return write_owner(fd, lock->path, err);
}

/* Replaces a stale lock, unless another process is doing or has done so. */
static void try_replace(taking *t, bool *taken) {
    struct stat s;
    char *mutex = dcpg_format("%s.taking", t->lock->path);
    if (mutex && mkdir(mutex, 0777) == 0) {
        if (judge(t) == STALE && rename(t->temporary, t->lock->path) == 0) *taken = true;
        rmdir(mutex);
        if (*taken) log_taken_over(t);
    } else if (mutex && stat(mutex, &s) == 0 &&
               server_time(t->lock->fd) - (int64_t)s.st_mtime > TAKING_IS_OLD) {
        rmdir(mutex);
    }
    dcpg_free(mutex);
    if (!*taken) nap(100);
}

/* Waits a moment for a heartbeat of a lock from another host. */
static dcpg_status wait_for_beat(taking *t, dcpg_err *err) {
    char host[DCPG_HOST_ID];
    if (dcpg_signal_seen())
        return dcpg_fail(err, DCPG_E_STOPPED, "stopped by %s while it waited for the lock of %s",
                         dcpg_signal_name(dcpg_signal_seen()), t->lock->what);
    if (!t->warned && dcpg_now() - t->since > 2 * t->beat) {
        dcpg_info(t->log,
                  "%s: process %" PRId64
                  " on host %s, which was writing it, gives no sign of life: its lock is "
                  "taken over %d s after the last one",
                  t->lock->what, t->seen.pid, name_host(&t->seen, host), t->limit);
        t->warned = true;
    }
    if (t->options->waiting) t->options->waiting(t->options->context);
    nap(100);
    return DCPG_OK;
}

static dcpg_status take(taking *t, dcpg_err *err) {
    bool taken = false;
    while (!taken) {
        DCPG_TRY(try_link(t, &taken, err));
        if (taken) break;
        switch (judge(t)) {
        case NOBODYS:
            break;
        case ALIVE:
            return refuse(t, err);
        case STALE:
            try_replace(t, &taken);
            break;
        case UNSURE:
            DCPG_TRY(wait_for_beat(t, err));
            break;
        }
    }
    return DCPG_OK;
}

/* ---- folders ---- */

/* Creates the folder and notes the topmost part of its path that did not exist. */
static dcpg_status make_folder(dcpg_lock *lock, dcpg_err *err) {
    char *part = dcpg_strdup(lock->inner);
    if (!part) return dcpg_fail_nomem(err, lock->inner, strlen(lock->inner));
    for (char *at = part + 1;; at++) {
        if (*at && *at != '/') continue;
        char end = *at;
        *at = '\0';
        if (!lock->made && !dcpg_file_exists(part)) lock->made = dcpg_strdup(part);
        *at = end;
        if (!end) break;
    }
    dcpg_free(part);
    return dcpg_make_dirs(lock->inner, err);
}

/* Removes the folders that were created, as far as they are empty. */
static void remove_made(const dcpg_lock *lock) {
    char *part = lock->made ? dcpg_strdup(lock->inner) : NULL;
    size_t top = lock->made ? strlen(lock->made) : 0;
    while (part && strlen(part) >= top && (rmdir(part) == 0 || errno == ENOENT)) {
        char *slash = strrchr(part, '/');
        if (!slash) break;
        *slash = '\0';
    }
    dcpg_free(part);
}

/* ---- the lock ---- */

static void free_lock(dcpg_lock *lock) {
    if (lock->fd >= 0) close(lock->fd);
    dcpg_free(lock->path);
    dcpg_free(lock->what);
    dcpg_free(lock->made);
    dcpg_free(lock->inner);
    dcpg_free(lock);
}

static dcpg_status name_lock(dcpg_lock *lock, const char *path, bool folder, dcpg_err *err) {
    const char *name = dcpg_basename(path);
    lock->what = dcpg_strdup(path);
    if (folder) lock->inner = dcpg_strdup(path);
    lock->path = folder ? dcpg_format("%s/.dcpg-lock", path)
                        : dcpg_format("%.*s.%.200s.dcpg-lock", (int)(name - path), path, name);
    bool fine = lock->what && lock->path && (!folder || lock->inner);
    return fine ? DCPG_OK : dcpg_fail_nomem(err, path, strlen(path));
}

static dcpg_status take_named(dcpg_lock *lock, const dcpg_lock_options *options, dcpg_log *log,
                              dcpg_err *err) {
    taking t = {.lock = lock,
                .options = options,
                .log = log,
                .beat = options->beat > 0 ? options->beat : BEAT,
                .limit = options->limit > 0 ? options->limit : LIMIT,
                .since = dcpg_now()};
    if (lock->inner) DCPG_TRY(make_folder(lock, err));
    DCPG_TRY(dcpg_temporary_create(lock->path, &t.temporary, &lock->fd, err));
    dcpg_status status = write_owner(lock->fd, lock->path, err);
    if (status == DCPG_OK) status = take(&t, err);
    dcpg_temporary_remove(t.temporary);
    if (status == DCPG_OK) status = dcpg_cleanup_add(lock->path, lock->fd, err);
    if (status == DCPG_OK && lock->made) status = dcpg_cleanup_add(lock->inner, -1, err);
    if (status == DCPG_OK) dcpg_signals_beat(t.beat);
    return status;
}

dcpg_status dcpg_lock_take(const char *path, bool folder, const dcpg_lock_options *options, dcpg_log *log,
                           dcpg_lock **out, dcpg_err *err) {
    *out = NULL;
    dcpg_lock *lock = dcpg_alloc(1, sizeof *lock);
    if (!lock) return dcpg_fail_nomem(err, path, sizeof *lock);
    *lock = (dcpg_lock){.fd = -1};
    dcpg_status status = name_lock(lock, path, folder, err);
    if (status == DCPG_OK) status = take_named(lock, options, log, err);
    if (status == DCPG_OK) {
        *out = lock;
        return DCPG_OK;
    }
    remove_made(lock);
    free_lock(lock);
    return status;
}

static bool is_ours(const dcpg_lock *lock) {
    struct stat ours, there;
    return fstat(lock->fd, &ours) == 0 && lstat(lock->path, &there) == 0 && ours.st_ino == there.st_ino &&
           ours.st_dev == there.st_dev;
}

dcpg_status dcpg_lock_check(dcpg_lock *lock, dcpg_err *err) {
    double now = dcpg_now();
    if (!lock || now - lock->looked < 1) return DCPG_OK;
    lock->looked = now;
    if (is_ours(lock)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_IO,
                     "%s: its lock was removed, or taken over by another process while this one stood still: "
                     "nothing more is written to it",
                     lock->what);
}

void dcpg_lock_release(dcpg_lock *lock) {
    if (!lock) return;
    if (is_ours(lock)) unlink(lock->path);
    dcpg_cleanup_forget(lock->path);
    if (lock->inner) dcpg_cleanup_forget(lock->inner);
    remove_made(lock);
    free_lock(lock);
}
