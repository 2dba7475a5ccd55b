/* SPDX-License-Identifier: MIT */
/* Writing a bgzip file: gzip in blocks, which any reader of gzip understands. */
#ifndef DCPG_TEXT_BGZIP_FILE_H
#define DCPG_TEXT_BGZIP_FILE_H

#include <dcpg/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The first error is kept, and reported when the file is closed. */
typedef struct dcpg_bgzip {
    FILE *stream;
    char *path, *temporary; /* written as `temporary`, then renamed to `path`; NULL: a new file */
    char *block;            /* [BGZF_BLOCK_SIZE] */
    size_t used;            /* bytes held in `block` */
    int error;              /* errno of the first failure */
} dcpg_bgzip;

/* DCPG_E_IO if `path` cannot be created. Local, as all functions below. */
dcpg_status dcpg_bgzip_create(const char *path, dcpg_bgzip *file, dcpg_err *err);

/* The same in a folder that nobody else uses yet: the file is written in place, must not be there, and stays
 * after a failure. dcpg_bgzip_is_ours does not know it. */
dcpg_status dcpg_bgzip_create_new(const char *path, dcpg_bgzip *file, dcpg_err *err);

void dcpg_bgzip_write(dcpg_bgzip *file, const char *bytes, size_t n);

/* Renames the file to its path if `status` is DCPG_OK and everything was written, otherwise removes it;
 * returns `status` or DCPG_E_IO. Also fine for {0}. */
dcpg_status dcpg_bgzip_close(dcpg_bgzip *file, dcpg_status status, dcpg_err *err);

/* Whether dcpg_bgzip_create and those after it wrote the file at `path`. */
bool dcpg_bgzip_is_ours(const char *path);

#endif
