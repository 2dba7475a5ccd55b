/* SPDX-License-Identifier: MIT */
/* Temporary files and folders: what is not whole yet has a name of its own beside the one that it will get,
 *     .NAME.dcpg-tmp-HOST-PID-RANDOM
 * which nobody can guess, and which tells when nobody writes it any more. Local. */
#ifndef DCPG_TEMPORARY_H
#define DCPG_TEMPORARY_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

DCPG_BEGIN_C

/* Creates an empty file beside `path`, open in `*fd` for reading and writing, with the permissions of the
 * regular file `path` where there is one, else those of a new file. Links are not followed, and no existing
 * file is opened. It is removed if a signal ends the program. Pass its name, `*temporary`, to
 * dcpg_temporary_keep or dcpg_temporary_remove. DCPG_E_IO. */
DCPG_API dcpg_status dcpg_temporary_create(const char *path, char **temporary, int *fd, dcpg_err *err);

/* As dcpg_temporary_create for an empty folder, with the permissions that umask allows. */
DCPG_API dcpg_status dcpg_temporary_folder(const char *path, char **temporary, dcpg_err *err);

/* Flushes the file, which must be closed or flushed by the program, to the disk and renames it to `path`,
 * replacing a file there. On failure (DCPG_E_IO) it is removed. Frees `temporary` in any case. */
DCPG_API dcpg_status dcpg_temporary_keep(char *temporary, const char *path, dcpg_err *err);

/* Removes the file, or the folder with its content, and frees the name. `temporary` may be NULL. errno is
 * kept. */
DCPG_API void dcpg_temporary_remove(char *temporary);

/* Removes from `folder` temporary files and folders for `name` (NULL: for any name) that killed processes
 * left: those of processes of this host that no longer run, and those of other hosts not written for a day.
 * Returns their number. */
DCPG_API int dcpg_temporary_sweep(const char *folder, const char *name);

/* Removes temporary files and folders that killed processes left for `path`. */
DCPG_API void dcpg_temporary_sweep_path(const char *path);

/* Creates a file, which must not exist, for writing (close with fclose); links are not followed. NULL with
 * errno set on failure. */
DCPG_API FILE *dcpg_file_create_new(const char *path);

/* ---- identity of this process ---- */

/* An identifier of this host and its process table: processes with the same identifier share process numbers.
 * Holds no '/', blank or control character. */
enum { DCPG_HOST_ID = 64 };
DCPG_API void dcpg_host_id(char id[DCPG_HOST_ID]);

/* Start time of process `pid` of this host, in the kernel's ticks; 0: there is no such process, -1: it runs,
 * but its start time is unknown. */
DCPG_API int64_t dcpg_process_start(int64_t pid);

/* A number that nobody can guess. */
DCPG_API uint64_t dcpg_random_number(void);

DCPG_END_C

#endif
