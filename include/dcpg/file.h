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

/* Writes n bytes to a temporary file (temporary.h), flushes them to the disk and renames: readers see the old
 * file or the new one. DCPG_E_IO names the path and what the system said. */
DCPG_API dcpg_status dcpg_file_write(const char *path, const char *bytes, size_t n, dcpg_err *err);

/* Opens a file to write behind its first `keep` bytes, which stay; the rest is cut off. Created where it is
 * not there; where it is shorter, behind its end. fclose. DCPG_E_IO, also where it is a link or no file. */
DCPG_API dcpg_status dcpg_file_continue(const char *path, int64_t keep, FILE **file, dcpg_err *err);

/* Brings what was written to the disk; `*bytes` receives the length of the file up to here. DCPG_E_IO,
 * `*bytes` negative then. */
DCPG_API dcpg_status dcpg_file_settle(FILE *file, const char *path, int64_t *bytes, dcpg_err *err);

/* A regular file to be read (fclose); NULL with errno, for pipes and devices ESPIPE, which are never waited
 * for. */
DCPG_API FILE *dcpg_file_open(const char *path);

/* The whole file as a NUL-terminated text (dcpg_free); DCPG_E_INPUT where it cannot be read or is larger than
 * `limit` bytes. */
DCPG_API dcpg_status dcpg_file_read(const char *path, size_t limit, char **text, dcpg_err *err);

/* Creates a directory and its parents; fine where it exists. */
DCPG_API dcpg_status dcpg_make_dirs(const char *path, dcpg_err *err);

/* DCPG_E_USAGE where writing `path` would replace one of the files that are read, DCPG_E_IO where its
 * directory cannot take it: to be asked before long work. */
DCPG_API dcpg_status dcpg_check_output(const char *path, const dcpg_strings *inputs, dcpg_err *err);

/* DCPG_E_USAGE: `path` is there and was not written by dcpg, or by another command of it. Local. */
DCPG_API dcpg_status dcpg_fail_not_ours(const char *path, dcpg_err *err);

/* Whether two paths name one file that is there. */
DCPG_API bool dcpg_same_file(const char *a, const char *b);

DCPG_API bool dcpg_is_dir(const char *path);
DCPG_API bool dcpg_file_exists(const char *path);

DCPG_END_C

#endif
