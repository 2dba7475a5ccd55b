/* SPDX-License-Identifier: MIT */
/* What must not stay behind where a signal ends the program: temporary files, locks, files of a set that is
 * not whole. The list is global, as a signal handler knows no argument of ours. Local. */
#ifndef DCPG_CLEANUP_H
#define DCPG_CLEANUP_H

#include <dcpg/api.h>
#include <dcpg/status.h>

DCPG_BEGIN_C

/* Notes a file, or an empty folder, that is to go. `fd` >= 0: only while `path` still names the open file
 * `fd` (a lock that somebody else may have taken over); its time is renewed by dcpg_cleanup_beat, too. The
 * text is copied. DCPG_E_NOMEM. */
DCPG_API dcpg_status dcpg_cleanup_add(const char *path, int fd, dcpg_err *err);

/* The file is whole, or gone: forgets it. Fine where it was never noted. */
DCPG_API void dcpg_cleanup_forget(const char *path);

/* Removes all that is noted, in the process that noted it (a child does nothing). May be called from a signal
 * handler. */
DCPG_API void dcpg_cleanup_run(void);

/* Renews the times of the files noted with a descriptor. May be called from a signal handler. */
DCPG_API void dcpg_cleanup_beat(void);

DCPG_END_C

#endif
