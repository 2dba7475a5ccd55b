/* SPDX-License-Identifier: MIT */
/* Files and folders to remove when the process dies. The list only grows: entries are reused and never freed,
 * so that a signal handler that interrupts a change of the list, or runs in another thread, always finds it
 * valid. */
#include "base/number.h"

#include <dcpg/cleanup.h>
#include <dcpg/memory.h>
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FREE, BEING_FILLED, USED };

typedef struct entry {
    struct entry *next;
    atomic_int state;
    pid_t owner;
    int fd;
    size_t capacity; /* bytes of `path` */
    char *path;
} entry;

static _Atomic(entry *) list;

/* An entry reserved for the caller, with space for a path of `bytes`; NULL: out of memory. */
static entry *take_entry(size_t bytes) {
    for (entry *e = atomic_load(&list); e; e = e->next) {
        int expected = FREE;
        if (e->capacity >= bytes && atomic_compare_exchange_strong(&e->state, &expected, BEING_FILLED))
            return e;
    }
    entry *e = dcpg_alloc(1, sizeof *e);
    size_t capacity = max_size(bytes, 256);
    char *path = dcpg_alloc(capacity, 1);
    if (!e || !path) {
        dcpg_free(e);
        dcpg_free(path);
        return NULL;
    }
    *e = (entry){.capacity = capacity, .path = path};
    atomic_store(&e->state, BEING_FILLED);
    e->next = atomic_load(&list);
    while (!atomic_compare_exchange_weak(&list, &e->next, e)) {
    }
    return e;
}

dcpg_status dcpg_cleanup_add(const char *path, int fd, dcpg_err *err) {
    entry *e = take_entry(strlen(path) + 1);
    if (!e) return dcpg_fail_nomem(err, path, strlen(path));
    strcpy(e->path, path);
    e->owner = getpid();
    e->fd = fd;
    atomic_store(&e->state, USED);
    return DCPG_OK;
}

void dcpg_cleanup_forget(const char *path) {
    for (entry *e = atomic_load(&list); e; e = e->next)
        if (atomic_load(&e->state) == USED && strcmp(e->path, path) == 0) atomic_store(&e->state, FREE);
}

static int still_names(const entry *e) {
    struct stat here, ours;
    return e->fd < 0 || (fstat(e->fd, &ours) == 0 && lstat(e->path, &here) == 0 &&
                         here.st_ino == ours.st_ino && here.st_dev == ours.st_dev);
}

/* Calls `remove` for every path that this process has noted and that still names the same file. */
static void each_of_ours(int (*remove)(const char *path)) {
    for (entry *e = atomic_load(&list); e; e = e->next)
        if (atomic_load(&e->state) == USED && e->owner == getpid() && still_names(e)) remove(e->path);
}

/* Folders last, when they are empty. */
void dcpg_cleanup_run(void) {
    int before = errno;
    each_of_ours(unlink);
    each_of_ours(rmdir);
    errno = before;
}

void dcpg_cleanup_beat(void) {
    int before = errno;
    for (entry *e = atomic_load(&list); e; e = e->next)
        if (atomic_load(&e->state) == USED && e->owner == getpid() && e->fd >= 0)
            (void)!futimens(e->fd, NULL); /* if it fails, the next check of the lock will show why */
    errno = before;
}
