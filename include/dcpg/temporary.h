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

/* Creates an empty file beside `path`, open in `*fd` to read and write, with the permissions of the regular
 * file `path` where there is one, else those of a new file. Links are not followed, nothing that is there is
 * opened. It is removed where a signal ends the program. `*temporary` (its name) must be given to one of the
 * two below. DCPG_E_IO. */
DCPG_API dcpg_status dcpg_temporary_create(const char *path, char **temporary, int *fd, dcpg_err *err);

/* The same for a folder, empty and open to its owner as umask allows. */
DCPG_API dcpg_status dcpg_temporary_folder(const char *path, char **temporary, dcpg_err *err);

/* Brings the file to the disk, where it must be closed or flushed already, and gives it the name `path`,
 * which is replaced. On failure, DCPG_E_IO, it is removed. Frees `temporary` either way. */
DCPG_API dcpg_status dcpg_temporary_keep(char *temporary, const char *path, dcpg_err *err);

/* Removes it, a folder with all that is in it, and frees the name. NULL is fine. errno stays. */
DCPG_API void dcpg_temporary_remove(char *temporary);

/* Removes from `folder` what killed processes left of `name` (NULL: of everything): files and folders of
 * processes of this host that are gone, and those of others that nobody wrote to for a day. Returns their
 * number. */
DCPG_API int dcpg_temporary_sweep(const char *folder, const char *name);

/* Removes what the last such process left of `path`. */
DCPG_API void dcpg_temporary_sweep_path(const char *path);

/* A file that must not be there yet, for writing; links are not followed. errno where NULL. fclose. */
DCPG_API FILE *dcpg_file_create_new(const char *path);

/* ---- this process, as others see it ---- */

/* A name of this host and its table of processes: where it is the same, process numbers mean the same. Holds
 * no
 * '/', blank or control character. */
enum { DCPG_HOST_ID = 64 };
DCPG_API void dcpg_host_id(char id[DCPG_HOST_ID]);

/* When process `pid` of this host was started, in the kernel's ticks; 0: there is none, -1: it lives, but the
 * system does not tell. */
DCPG_API int64_t dcpg_process_start(int64_t pid);

/* A number that nobody can guess. */
DCPG_API uint64_t dcpg_random_number(void);

DCPG_END_C

#endif
