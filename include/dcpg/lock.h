/* SPDX-License-Identifier: MIT */
/* Locks: one process at a time writes a file or a folder. A lock is a small file, .dcpg-lock in the folder or
 * .NAME.dcpg-lock beside the file, that tells host, process and start of its owner; its time is the owner's
 * heartbeat. It holds on file systems that hosts share, NFS included. Local; rank 0 calls. */
#ifndef DCPG_LOCK_H
#define DCPG_LOCK_H

#include <dcpg/api.h>
#include <dcpg/log.h>
#include <dcpg/status.h>
#include <stdbool.h>

DCPG_BEGIN_C

typedef struct dcpg_lock dcpg_lock;

typedef struct dcpg_lock_options {
    const char *option; /* with which the user chooses another place, such as "--out_dir" */
    int beat;           /* seconds between heartbeats; 0: 20 */
    int limit; /* a lock of another host without a heartbeat for so many seconds is nobody's; 0: 300 */
    void (*waiting)(
        const void *context); /* called now and then while it waits for such a lock; NULL: nothing is */
    const void *context;
} dcpg_lock_options;

/* Locks the file `path`, or the folder, which is made, with its parents, where it is not there. A lock of
 * this host whose process is gone is taken over at once, with a line on the log. One of another host is
 * looked at for up to twice the beat; where nothing renews it, until `limit`, and then taken over likewise;
 * so is one that cannot be read, as of a user who lets nobody read his files.
 * DCPG_E_IO: somebody writes there (process, host and start are named, nothing was touched), or nobody can.
 * DCPG_E_STOPPED: a signal came while it waited. The heartbeat needs dcpg_signals_beat, which is
 * called here. */
DCPG_API dcpg_status dcpg_lock_take(const char *path, bool folder, const dcpg_lock_options *options,
                                    dcpg_log *log, dcpg_lock **lock, dcpg_err *err);

/* DCPG_E_IO where somebody took the lock over: this process was stopped for longer than the limit. Looks once
 * a second at most. NULL is fine. */
DCPG_API dcpg_status dcpg_lock_check(dcpg_lock *lock, dcpg_err *err);

/* Removes the lock where it is still ours, and folders that were made for it and are empty. NULL is fine. */
DCPG_API void dcpg_lock_release(dcpg_lock *lock);

DCPG_END_C

#endif
