/* SPDX-License-Identifier: MIT */
/* Writes bgzip files. htslib compresses the blocks but does not write them: on a full disk its own writer
 * keeps its memory and leaves the file open. */
#include "text/bgzip_file.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dcpg/text.h>

#include <errno.h>
#include <htslib/bgzf.h>
#include <string.h>
#include <unistd.h>

/* Takes half the time of zlib's default level, for 3 % more bytes. */
enum { LEVEL = 4 };

/* An empty block, stored where other programs deflate it: right before bgzip's end marker it shows that dcpg
 * wrote the file. Readers of gzip and bgzip see no data in it. */
static const unsigned char mark[] = {0x1f, 0x8b, 8, 4, 0, 0,    0,    0, 0, 0xff, 6, 0, 'B', 'C', 2, 0,
                                     30,   0,    1, 0, 0, 0xff, 0xff, 0, 0, 0,    0, 0, 0,   0,   0};
enum { END_MARKER = 28 };

bool dcpg_bgzip_is_ours(const char *path) {
    unsigned char end[sizeof mark];
    FILE *file = dcpg_file_open(path);
    bool is = file && fseek(file, -(long)(sizeof mark + END_MARKER), SEEK_END) == 0 &&
              fread(end, 1, sizeof end, file) == sizeof end && memcmp(end, mark, sizeof mark) == 0;
    if (file) fclose(file);
    return is;
}

static void release(dcpg_bgzip *file) {
    dcpg_free(file->path);
    dcpg_free(file->block);
    *file = (dcpg_bgzip){0};
}

/* Gives the file its path and a block to fill. */
static dcpg_status start(const char *path, dcpg_bgzip *file, dcpg_err *err) {
    *file = (dcpg_bgzip){.path = dcpg_strdup(path), .block = dcpg_alloc(BGZF_BLOCK_SIZE, 1)};
    return file->path && file->block ? DCPG_OK : dcpg_fail_nomem(err, path, BGZF_BLOCK_SIZE);
}

static dcpg_status fail_create(const char *path, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot be created: %s", path, strerror(errno));
}

dcpg_status dcpg_bgzip_create(const char *path, dcpg_bgzip *file, dcpg_err *err) {
    int fd = -1;
    dcpg_status status = start(path, file, err);
    if (status == DCPG_OK) status = dcpg_temporary_create(path, &file->temporary, &fd, err);
    if (status == DCPG_OK && !(file->stream = fdopen(fd, "wb"))) {
        status = fail_create(path, err);
        close(fd);
        dcpg_temporary_remove(file->temporary);
    }
    if (status != DCPG_OK) release(file);
    return status;
}

dcpg_status dcpg_bgzip_create_new(const char *path, dcpg_bgzip *file, dcpg_err *err) {
    dcpg_status status = start(path, file, err);
    if (status == DCPG_OK && !(file->stream = dcpg_file_create_new(path))) status = fail_create(path, err);
    if (status != DCPG_OK) release(file);
    return status;
}

static void note_error(dcpg_bgzip *file) {
    if (!file->error) file->error = errno ? errno : EIO;
}

/* Compresses and writes the bytes held in `block`; if there are none, the output is bgzip's end marker. */
static void write_block(dcpg_bgzip *file) {
    char packed[BGZF_MAX_BLOCK_SIZE];
    size_t n = sizeof packed;
    errno = 0;
    if (file->error) return;
    bool fine = bgzf_compress(packed, &n, file->block, file->used, LEVEL) == 0;
    if (!fine || fwrite(packed, 1, n, file->stream) != n) note_error(file);
    file->used = 0;
}

void dcpg_bgzip_write(dcpg_bgzip *file, const char *bytes, size_t n) {
    while (n > 0 && !file->error) {
        size_t part = BGZF_BLOCK_SIZE - file->used;
        if (part > n) part = n;
        memcpy(file->block + file->used, bytes, part);
        file->used += part;
        bytes += part;
        n -= part;
        if (file->used == BGZF_BLOCK_SIZE) write_block(file);
    }
}

static void finish(dcpg_bgzip *file) {
    if (file->used > 0) write_block(file);
    bool marked = file->temporary != NULL;
    if (marked && !file->error && fwrite(mark, 1, sizeof mark, file->stream) != sizeof mark) note_error(file);
    write_block(file);
}

dcpg_status dcpg_bgzip_close(dcpg_bgzip *file, dcpg_status status, dcpg_err *err) {
    if (!file->stream) return status;
    if (status == DCPG_OK) finish(file);
    errno = 0;
    if (fclose(file->stream) != 0) note_error(file);
    if (status == DCPG_OK && file->error)
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", file->path, strerror(file->error));
    if (file->temporary && status == DCPG_OK)
        status = dcpg_temporary_keep(file->temporary, file->path, err);
    else if (file->temporary)
        dcpg_temporary_remove(file->temporary);
    release(file);
    return status;
}
