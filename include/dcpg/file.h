/* Small files written whole or not at all, and directories. Local. */
#ifndef DCPG_FILE_H
#define DCPG_FILE_H

#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stddef.h>

/* Writes n bytes to a temporary name beside `path`, flushes them to the disk and renames: readers see the old
 * file or the new one. DCPG_E_IO names the path and what the system said. */
dcpg_status dcpg_file_write(const char *path, const char *bytes, size_t n, dcpg_err *err);

/* The whole file as a NUL-terminated text (dcpg_free); DCPG_E_INPUT where it cannot be read or is larger than
 * `limit` bytes. */
dcpg_status dcpg_file_read(const char *path, size_t limit, char **text, dcpg_err *err);

/* Creates a directory and its parents; fine where it exists. */
dcpg_status dcpg_make_dirs(const char *path, dcpg_err *err);

/* DCPG_E_USAGE where writing `path` would replace one of the files that are read, DCPG_E_IO where its directory
 * cannot take it: to be asked before long work. */
dcpg_status dcpg_check_output(const char *path, const dcpg_strings *inputs, dcpg_err *err);

bool dcpg_is_dir(const char *path);
bool dcpg_file_exists(const char *path);

#endif
