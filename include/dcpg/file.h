/* SPDX-License-Identifier: MIT */
/* Small files written whole or not at all, and directories. Local. */
#ifndef DCPG_FILE_H
#define DCPG_FILE_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

DCPG_BEGIN_C

/* Writes n bytes to a temporary file (temporary.h), flushes them to the disk and renames: readers see either
 * the old file or the new one. DCPG_E_IO names the path and the system's error. */
DCPG_API dcpg_status dcpg_file_write(const char *path, const char *bytes, size_t n, dcpg_err *err);

/* Opens a file to write after its first `keep` bytes, which stay; the rest is cut off. A missing file is
 * created; a shorter one is continued at its end. Close with fclose. DCPG_E_IO, also if `path` is a link or
 * not a regular file. */
DCPG_API dcpg_status dcpg_file_continue(const char *path, int64_t keep, FILE **file, dcpg_err *err);

/* Flushes what was written to the disk; `*bytes` receives the length of the file so far. DCPG_E_IO: `*bytes`
 * is negative. */
DCPG_API dcpg_status dcpg_file_settle(FILE *file, const char *path, int64_t *bytes, dcpg_err *err);

/* Opens a regular file for reading (close with fclose). On failure NULL with errno set; ESPIPE for pipes and
 * devices, so that the call never blocks on one. */
DCPG_API FILE *dcpg_file_open(const char *path);

/* Reads the whole file as NUL-terminated text (free with dcpg_free). DCPG_E_INPUT if it cannot be read or is
 * larger than `limit` bytes. */
DCPG_API dcpg_status dcpg_file_read(const char *path, size_t limit, char **text, dcpg_err *err);

/* Creates a directory and its parents; succeeds if it exists already. */
DCPG_API dcpg_status dcpg_make_dirs(const char *path, dcpg_err *err);

/* Checks, before long work begins, that `path` can be written: DCPG_E_USAGE if that would replace one of the
 * files `inputs`, DCPG_E_IO if its directory is not writable. */
DCPG_API dcpg_status dcpg_check_output(const char *path, const dcpg_strings *inputs, dcpg_err *err);

/* Fails with DCPG_E_USAGE: `path` exists and was not written by dcpg, or by another of its commands.
 * Local. */
DCPG_API dcpg_status dcpg_fail_not_ours(const char *path, dcpg_err *err);

/* Whether two paths name the same existing file. */
DCPG_API bool dcpg_same_file(const char *a, const char *b);

DCPG_API bool dcpg_is_dir(const char *path);
DCPG_API bool dcpg_file_exists(const char *path);
DCPG_API bool dcpg_is_link(const char *path); /* a symbolic one, wherever it leads */

DCPG_END_C

#endif
