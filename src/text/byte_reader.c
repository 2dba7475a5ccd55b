/* SPDX-License-Identifier: MIT */
/* Reads the bytes of a file; gzip and bgzip are decompressed as `gzip -dc` does. */
#include "text/byte_reader.h"
#include "base/number.h"
#include <dcpg/compression.h>
#include <dcpg/memory.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { INPUT = 1 << 16, EXTRA = 64, ZLIB_GZIP = 15 + 16 };

struct dcpg_bytes {
    int fd;
    bool started, gzip;
    bool in_member; /* inside a gzip stream (a member); a file may hold several */
    bool ended;     /* no more bytes will be returned */
    bool block;     /* the last member was a bgzip block with data: the end marker is still to come */
    unsigned odd;
    dcpg_bytes_state pending; /* to be returned by the next call, after the bytes of the last one */
    z_stream z;
    gz_header header;
    unsigned char extra[EXTRA];
    size_t at, end; /* bytes not yet used: input[at, end) */
    unsigned char input[INPUT];
};

const char *dcpg_odd_text(int i) {
    static const char *const text[DCPG_NB_ODD] = {
        "bgzip's end marker is missing: read to the end, but the file may have been cut between two blocks",
        "zero bytes after the end of a gzip stream are passed over, as gzip does",
        "bytes after the end of the gzip stream are no gzip and are passed over, as gzip does",
        "compressed by razip of old samtools, whose index after the data is passed over"};
    return i >= 0 && i < DCPG_NB_ODD ? text[i] : NULL;
}

/* ---- opening ---- */

static dcpg_status fail_open(const char *path, int error, dcpg_err *err) {
    if (strncmp(path, "/dev/fd/", 8) == 0 || strncmp(path, "/proc/self/fd/", 14) == 0)
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: %s: a pipe that the shell made, as by <( ), is not there for ranks that mpirun "
                         "starts: write its content to a file and give that",
                         path, strerror(error));
    return dcpg_fail(err, DCPG_E_INPUT, "%s: %s", path, strerror(error));
}

/* Waits up to SECONDS until the pipe has a writer: it was opened without waiting, since a named pipe may
 * never get one. Bytes that are already there are kept. */
static dcpg_status await_writer(const char *path, dcpg_bytes *f, dcpg_err *err) {
    enum { SECONDS = 30, STEP = 100, TRIES = SECONDS * 1000 / STEP };
    for (int i = 0;; i++) {
        ssize_t got = read(f->fd, f->input, INPUT);
        if (got > 0) f->end = (size_t)got;
        if (got != 0) break; /* an error means that there is a writer, but nothing to read yet */
        struct pollfd ready = {.fd = f->fd, .events = POLLIN};
        if (poll(&ready, 1, STEP) > 0 && (ready.revents & POLLHUP) && !(ready.revents & POLLIN)) break;
        if (i < TRIES) continue;
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: is a pipe that nobody opened for writing within %d s: start its writer first",
                         path, SECONDS);
    }
    int flags = fcntl(f->fd, F_GETFL);
    if (flags >= 0 && fcntl(f->fd, F_SETFL, flags & ~O_NONBLOCK) == 0) return DCPG_OK;
    return fail_open(path, errno, err);
}

static dcpg_status check_sort(const char *path, dcpg_bytes *f, dcpg_err *err) {
    struct stat about;
    if (fstat(f->fd, &about) != 0) return fail_open(path, errno, err);
    if (S_ISDIR(about.st_mode)) return fail_open(path, EISDIR, err);
    if (S_ISCHR(about.st_mode) || S_ISBLK(about.st_mode))
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: is a device, not a file: give a file (under mpirun only the first rank has the "
                         "standard input)",
                         path);
    return S_ISFIFO(about.st_mode) ? await_writer(path, f, err) : DCPG_OK;
}

dcpg_status dcpg_bytes_open(const char *path, dcpg_bytes **file, dcpg_err *err) {
    *file = NULL;
    dcpg_bytes *f = dcpg_alloc(1, sizeof *f);
    if (!f) return dcpg_fail_nomem(err, path, sizeof *f);
    f->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    dcpg_status status = f->fd < 0 ? fail_open(path, errno, err) : check_sort(path, f, err);
    if (status == DCPG_OK) {
        *file = f;
    } else {
        dcpg_bytes_close(f);
    }
    return status;
}

void dcpg_bytes_close(dcpg_bytes *file) {
    if (!file) return;
    if (file->gzip) inflateEnd(&file->z);
    if (file->fd >= 0) close(file->fd);
    dcpg_free(file);
}

/* ---- compressed bytes ---- */

/* Reads until `wanted` unused bytes are in `input` or the file ends; false on a system error. */
static bool need(dcpg_bytes *f, size_t wanted) {
    if (f->end - f->at >= wanted) return true;
    memmove(f->input, f->input + f->at, f->end - f->at);
    f->end -= f->at;
    f->at = 0;
    while (f->end < wanted) {
        ssize_t got = read(f->fd, f->input + f->end, INPUT - f->end);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return false;
        if (got == 0) break;
        f->end += (size_t)got;
    }
    return true;
}

static bool is_gzip(const dcpg_bytes *f) {
    return f->end - f->at >= 2 && f->input[f->at] == 0x1f && f->input[f->at + 1] == 0x8b;
}

/* inflateReset() drops the link to the header's fields, so that every member needs it anew. */
static void start_member(dcpg_bytes *f) {
    inflateReset(&f->z);
    f->header = (gz_header){.extra = f->extra, .extra_max = EXTRA};
    inflateGetHeader(&f->z, &f->header);
    f->in_member = true;
}

static bool has_extra(const dcpg_bytes *f, const char *name, size_t length) {
    return f->header.done == 1 && f->header.extra && f->header.extra_len >= length &&
           memcmp(f->extra, name, length) == 0;
}

static void end_member(dcpg_bytes *f) {
    f->in_member = false;
    f->block = has_extra(f, "BC", 2) && f->z.total_out > 0;
    if (has_extra(f, "RAZF", 4)) f->odd |= DCPG_ODD_RAZF;
}

/* Looks at the bytes after a member: another member, the end of the file, or bytes that are not gzip. After a
 * bgzip block with data the last case is damage, because another block or the end marker should follow. */
static dcpg_bytes_state find_member(dcpg_bytes *f) {
    for (;;) {
        if (!need(f, 2)) return DCPG_BYTES_UNREADABLE;
        if (f->at == f->end || f->input[f->at] != 0) break;
        f->odd |= DCPG_ODD_ZEROS;
        while (f->at < f->end && f->input[f->at] == 0) f->at++;
    }
    if (is_gzip(f)) {
        start_member(f);
        return DCPG_BYTES_FINE;
    }
    if (f->at == f->end && f->block) f->odd |= DCPG_ODD_NO_END;
    if (f->at < f->end && f->block) return DCPG_BYTES_DAMAGED;
    if (f->at < f->end) {
        f->odd &= ~(unsigned)DCPG_ODD_ZEROS; /* the zeros belong to the trailing bytes */
        if (!(f->odd & DCPG_ODD_RAZF)) f->odd |= DCPG_ODD_TRAILING;
    }
    while (f->at < f->end) { /* a pipe's writer must be able to finish */
        f->at = f->end;
        if (!need(f, 1)) return DCPG_BYTES_UNREADABLE;
    }
    f->ended = true;
    return DCPG_BYTES_FINE;
}

/* Decompresses the part of the member that is in `input`. */
static dcpg_bytes_state inflate_some(dcpg_bytes *f) {
    if (!need(f, 1)) return DCPG_BYTES_UNREADABLE;
    if (f->at == f->end) return DCPG_BYTES_CUT;
    f->z.next_in = f->input + f->at;
    f->z.avail_in = (unsigned)(f->end - f->at);
    int outcome = inflate(&f->z, Z_NO_FLUSH);
    f->at = f->end - f->z.avail_in;
    if (outcome == Z_STREAM_END) end_member(f);
    return outcome == Z_OK || outcome == Z_STREAM_END || outcome == Z_BUF_ERROR ? DCPG_BYTES_FINE
                                                                                : DCPG_BYTES_DAMAGED;
}

static dcpg_bytes_state read_gzip(dcpg_bytes *f, char *to, size_t size, size_t *got) {
    dcpg_bytes_state state = DCPG_BYTES_FINE;
    f->z.next_out = (unsigned char *)to;
    f->z.avail_out = size < UINT_MAX ? (unsigned)size : UINT_MAX;
    unsigned most = f->z.avail_out;
    while (f->z.avail_out > 0 && !f->ended && state == DCPG_BYTES_FINE)
        state = f->in_member ? inflate_some(f) : find_member(f);
    *got = most - f->z.avail_out;
    return state;
}

/* ---- any bytes ---- */

static dcpg_bytes_state read_plain(dcpg_bytes *f, char *to, size_t size, size_t *got) {
    if (!need(f, 1)) return DCPG_BYTES_UNREADABLE;
    *got = min_size(f->end - f->at, size);
    memcpy(to, f->input + f->at, *got);
    f->at += *got;
    f->ended = *got == 0;
    return DCPG_BYTES_FINE;
}

static dcpg_bytes_state start(dcpg_bytes *f) {
    f->started = true;
    if (!need(f, 2)) return DCPG_BYTES_UNREADABLE;
    if (!is_gzip(f)) return DCPG_BYTES_FINE;
    if (inflateInit2(&f->z, ZLIB_GZIP) != Z_OK) {
        errno = ENOMEM;
        return DCPG_BYTES_UNREADABLE;
    }
    f->gzip = true;
    start_member(f);
    return DCPG_BYTES_FINE;
}

dcpg_bytes_state dcpg_bytes_read(dcpg_bytes *f, char *to, size_t size, size_t *got) {
    *got = 0;
    if (f->ended || size == 0 || f->pending != DCPG_BYTES_FINE) return f->pending;
    if (!f->started) f->pending = start(f);
    if (f->pending != DCPG_BYTES_FINE) return f->pending;
    f->pending = f->gzip ? read_gzip(f, to, size, got) : read_plain(f, to, size, got);
    return *got > 0 ? DCPG_BYTES_FINE : f->pending;
}

unsigned dcpg_bytes_odd(const dcpg_bytes *file) { return file->odd; }
