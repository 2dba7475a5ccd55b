/* SPDX-License-Identifier: MIT */
/* List of files to remove when a signal ends the program: temporary files, locks, files of an incomplete set.
 * The list is global because a signal handler cannot be given an argument. Local. */
#ifndef DCPG_CLEANUP_H
#define DCPG_CLEANUP_H

#include <dcpg/api.h>
#include <dcpg/status.h>

DCPG_BEGIN_C

/* Registers a file, or an empty folder, for removal. `fd` >= 0: removed only while `path` still names the
 * open file `fd` (a lock that another process may have taken over), and dcpg_cleanup_beat also renews its
 * modification time. `path` is copied. DCPG_E_NOMEM. */
DCPG_API dcpg_status dcpg_cleanup_add(const char *path, int fd, dcpg_err *err);

/* Takes a file that is complete, or gone, off the list. Does nothing if it was never registered. */
DCPG_API void dcpg_cleanup_forget(const char *path);

/* Removes all registered files, in the process that registered them (does nothing in a child process). May be
 * called from a signal handler. */
DCPG_API void dcpg_cleanup_run(void);

/* Renews the modification times of the files registered with a descriptor. May be called from a signal
 * handler. */
DCPG_API void dcpg_cleanup_beat(void);

DCPG_END_C

#endif
