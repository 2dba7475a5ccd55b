/* SPDX-License-Identifier: MIT */
/* Seals: a checksum after the end of an HDF5 file, where HDF5 does not look. It reveals damage before HDF5,
 * which damaged headers can crash, reads the file. */
#include "io/h5_impl.h"
#include <dcpg/crc.h>
#include <dcpg/memory.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* magic[8], length of the HDF5 part (u64), CRC32C of everything before it (u32); little endian. */
enum { MAGIC = 8, SEAL = MAGIC + 8 + 4, PIECE = 1 << 16 };
static const char magic[MAGIC + 1] = "dcpgseal";

static void put(unsigned char *to, uint64_t value, int bytes) {
    for (int i = 0; i < bytes; i++) to[i] = (unsigned char)(value >> 8 * i);
}

static uint64_t get(const unsigned char *from, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; i++) value |= (uint64_t)from[i] << 8 * i;
    return value;
}

/* Reads exactly `n` bytes; false with errno 0 if the file ends too early. */
static bool read_whole(int fd, unsigned char *to, size_t n) {
    while (n > 0) {
        ssize_t got = read(fd, to, n);
        if (got < 0 && errno == EINTR) continue;
        if (got == 0) errno = 0;
        if (got <= 0) return false;
        to += got;
        n -= (size_t)got;
    }
    return true;
}

/* Checksum of the first `length` bytes and the first part of the seal. */
static bool checksum(int fd, uint64_t length, const unsigned char *seal, uint32_t *crc) {
    static const size_t most = PIECE;
    unsigned char *piece = dcpg_alloc(most, 1);
    bool fine = piece && lseek(fd, 0, SEEK_SET) == 0;
    *crc = 0;
    for (uint64_t left = length; fine && left > 0;) {
        size_t n = left < most ? (size_t)left : most;
        fine = read_whole(fd, piece, n);
        if (fine) *crc = dcpg_crc32c(*crc, piece, n);
        left -= n;
    }
    *crc = dcpg_crc32c(*crc, seal, MAGIC + 8);
    dcpg_free(piece);
    return fine;
}

static bool write_whole(int fd, const unsigned char *from, size_t n) {
    while (n > 0) {
        ssize_t done = write(fd, from, n);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0) return false;
        from += done;
        n -= (size_t)done;
    }
    return true;
}

/* Nobody else may change a file that we will read again and rely on. */
static bool keep_to_ourselves(int fd) {
    struct stat s;
    return fstat(fd, &s) == 0 &&
           ((s.st_mode & (S_IWGRP | S_IWOTH)) == 0 || fchmod(fd, s.st_mode & 07755) == 0 || errno == EPERM);
}

dcpg_status dcpg_h5_append_seal(const dcpg_h5 *file, dcpg_err *err) {
    unsigned char seal[SEAL];
    uint32_t crc = 0;
    int fd = open(file->temporary, O_RDWR);
    off_t length = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
    bool fine = length >= 0;
    if (fine) {
        memcpy(seal, magic, MAGIC);
        put(seal + MAGIC, (uint64_t)length, 8);
        fine = checksum(fd, (uint64_t)length, seal, &crc);
        put(seal + MAGIC + 8, crc, 4);
        fine =
            fine && lseek(fd, 0, SEEK_END) == length && write_whole(fd, seal, SEAL) && keep_to_ourselves(fd);
    }
    int reason = errno;
    if (fd >= 0 && close(fd) != 0 && fine) fine = false, reason = errno;
    if (fine) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot be sealed: %s", file->path, strerror(reason));
}

static dcpg_status check_open(int fd, const char *path, dcpg_err *err) {
    unsigned char seal[SEAL];
    uint32_t crc;
    off_t size = lseek(fd, 0, SEEK_END);
    if (size == 0) return dcpg_fail(err, DCPG_E_INPUT, "%s: is empty", path);
    bool sealed = size > SEAL && lseek(fd, size - SEAL, SEEK_SET) >= 0 && read_whole(fd, seal, SEAL) &&
                  memcmp(seal, magic, MAGIC) == 0 && get(seal + MAGIC, 8) == (uint64_t)(size - SEAL);
    if (!sealed) return dcpg_fail(err, DCPG_E_INPUT, "%s: was not written to its end, or was cut", path);
    if (!checksum(fd, (uint64_t)(size - SEAL), seal, &crc))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read: %s", path, strerror(errno));
    if (crc != get(seal + MAGIC + 8, 4))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: is damaged: its checksum is another", path);
    return DCPG_OK;
}

dcpg_status dcpg_h5_check_seal(const char *path, dcpg_err *err) {
    int fd = open(path, O_RDONLY);
    if (fd < 0) return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be opened: %s", path, strerror(errno));
    dcpg_status status = check_open(fd, path, err);
    close(fd);
    return status;
}

dcpg_status dcpg_h5_commit_sealed(dcpg_h5 *file, dcpg_err *err) {
    file->sealed = true;
    return dcpg_h5_commit(file, err);
}
