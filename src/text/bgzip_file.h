/* SPDX-License-Identifier: MIT */
/* A bgzip file (blocks of gzip, readable as gzip) being written. */
#ifndef DCPG_TEXT_BGZIP_FILE_H
#define DCPG_TEXT_BGZIP_FILE_H

#include <dcpg/status.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Errors are kept until it is closed. */
typedef struct dcpg_bgzip {
    FILE *stream;
    char *path, *temporary; /* written under the second name, then renamed */
    char *block;            /* [BGZF_BLOCK_SIZE] */
    size_t used;            /* bytes held in `block` */
    int error;              /* errno of the first failure */
} dcpg_bgzip;

/* DCPG_E_IO where `path` cannot be created. Local, like all below. */
dcpg_status dcpg_bgzip_create(const char *path, dcpg_bgzip *file, dcpg_err *err);

void dcpg_bgzip_write(dcpg_bgzip *file, const char *bytes, size_t n);

/* Gives the file its name where `status` is DCPG_OK and everything was written, otherwise removes it; returns
 * `status` or DCPG_E_IO. */
dcpg_status dcpg_bgzip_close(dcpg_bgzip *file, dcpg_status status, dcpg_err *err);

/* Whether the file was written by the three above. */
bool dcpg_bgzip_is_ours(const char *path);

#endif
