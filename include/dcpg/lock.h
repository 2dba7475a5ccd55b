/* SPDX-License-Identifier: MIT */
/* Locks: one process at a time writes a file or a folder. A lock is a small file, .dcpg-lock in the folder or
 * .NAME.dcpg-lock beside the file, that contains host, process and start time of its owner; its modification
 * time is the owner's heartbeat. Works on file systems that hosts share, including NFS. Local; called by rank
 * 0. */
#ifndef DCPG_LOCK_H
#define DCPG_LOCK_H

#include <dcpg/api.h>
#include <dcpg/log.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

typedef struct dcpg_lock dcpg_lock;

typedef struct dcpg_lock_options {
    const char *option; /* the option by which the user chooses another place, such as "--out_dir" */
    int beat;           /* seconds between heartbeats; 0: 20 */
    int limit;          /* seconds without heartbeat until a lock of another host is abandoned; 0: 300 */
    void (*waiting)(
        const void *context); /* called repeatedly while waiting for a lock of another host; may be NULL */
    const void *context;
} dcpg_lock_options;

/* Locks the file `path`, or the folder, which is created with its parents if it does not exist. A lock of a
 * process of this host that no longer runs is taken over at once, with a line in the log. A lock of another
 * host is watched for up to twice the beat; if nobody renews it, the call waits until `limit` and then takes
 * it over likewise. The same holds for a lock that cannot be read, for example of a user whose files are
 * private. DCPG_E_IO: another process writes there (the message names process, host and start; nothing was
 * changed), or the place is not writable. DCPG_E_STOPPED: a signal arrived while waiting. Calls
 * dcpg_signals_beat, which the heartbeat needs. */
DCPG_API dcpg_status dcpg_lock_take(const char *path, bool folder, const dcpg_lock_options *options,
                                    dcpg_log *log, dcpg_lock **lock, dcpg_err *err);

/* DCPG_E_IO if another process took over the lock, because this one was stopped for longer than the limit.
 * Checks at most once a second. `lock` may be NULL. */
DCPG_API dcpg_status dcpg_lock_check(dcpg_lock *lock, dcpg_err *err);

/* Who holds a lock. */
typedef struct dcpg_lock_owner {
    char host[64]; /* its name; empty: unknown, for the lock cannot be read */
    int64_t pid;
    int64_t since, beat; /* when it was taken, and its last heartbeat: seconds since 1970 */
    bool here;           /* on this host */
    bool alive; /* here: the process runs; elsewhere: a heartbeat in the last 300 s, by this host's clock */
} dcpg_lock_owner;

/* Looks at the lock of a folder without touching it; false: there is none. */
DCPG_API bool dcpg_lock_look(const char *folder, dcpg_lock_owner *owner);

/* Removes the lock if this process still owns it, and empty folders that were created for it. `lock` may be
 * NULL. */
DCPG_API void dcpg_lock_release(dcpg_lock *lock);

DCPG_END_C

#endif
