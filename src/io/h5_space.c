/* SPDX-License-Identifier: MIT */
/* Reserves disk space for the HDF5 files that are being written. */
#define _GNU_SOURCE /* fallocate */
#include "io/h5_impl.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* Most bytes that a group, a dataset or an attribute adds besides its data: headers and indices. */
static const uint64_t OBJECT = 16 << 10;

/* Bytes reserved ahead in serial files, so that not every small object needs a system call. */
static const uint64_t AHEAD = 4 << 20;

/* Whether the file system has space for `more` bytes; if not, sets errno. */
static bool has_space(int fd, uint64_t more) {
    struct statvfs disk;
    if (fstatvfs(fd, &disk) != 0 || disk.f_frsize == 0 || more / disk.f_frsize < disk.f_bavail) return true;
    errno = ENOSPC;
    return false;
}

/* Allocates blocks for [0, end), also beyond the end of the file, whose size stays the same. */
static bool allocate_blocks(int fd, uint64_t end) {
    struct stat s;
    uint64_t size = fstat(fd, &s) == 0 ? (uint64_t)s.st_size : 0;
    if (end == 0) return true;
    int failed;
    do failed = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)end);
    while (failed && errno == EINTR);
    if (!failed) return true;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG || errno == EIO) return false;
    return has_space(fd, end > size ? end - size : 0); /* a file system that cannot reserve */
}

/* If `exact`, frees the blocks reserved beyond the end of the file, and sets `*end` to its size plus `more`.
 * Then allocates blocks up to `*end`. On rank 0 alone. */
static bool claim_disk(const dcpg_h5 *file, bool exact, uint64_t more, uint64_t *end) {
    int fd = open(file->temporary, O_RDWR);
    if (fd < 0) return false;
    struct stat s;
    bool fine = !exact || (fstat(fd, &s) == 0 && ftruncate(fd, s.st_size) == 0);
    if (fine && exact) *end = (uint64_t)s.st_size + more;
    fine = fine && allocate_blocks(fd, *end);
    int reason = errno;
    close(fd);
    errno = reason;
    return fine;
}

static dcpg_status fail_full(const dcpg_h5 *file, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_IO, "%s: not enough space for its %.1f MB: %s", file->path,
                     (double)file->claimed / 1e6, strerror(errno));
}

/* claim_disk on rank 0, with the outcome given to all ranks. Collective. */
static dcpg_status claim_disk_all(dcpg_h5 *file, bool exact, uint64_t more, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    if (file->par->rank == 0 && !claim_disk(file, exact, more, &file->claimed)) status = fail_full(file, err);
    status = dcpg_agree_all(file->par, status, err);
    dcpg_bcast_all(file->par, &file->claimed, sizeof file->claimed, 0);
    if (status == DCPG_OK) file->reserved = file->claimed;
    return status;
}

/* The end of the file including everything that HDF5 has yet to write. */
static uint64_t end_of(const dcpg_h5 *file) {
    hsize_t bytes = 0;
    return H5Fget_filesize(file->id, &bytes) >= 0 ? bytes : 0;
}

/* Frees blocks reserved in excess, and reserves what the file holds plus `more`. Data that HDF5 still holds
 * back gets its space first: if the flush fails on one rank alone, the others wait in MPI-IO forever.
 * Collective. */
static dcpg_status reserve_exactly(dcpg_h5 *file, uint64_t more, dcpg_err *err) {
    dcpg_status status = DCPG_OK;
    uint64_t end = end_of(file);
    if (file->par->rank == 0 && !claim_disk(file, false, 0, &end)) status = fail_full(file, err);
    DCPG_TRY(dcpg_agree_all(file->par, status, err));
    if (H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0)
        status = dcpg_h5_fail(file, DCPG_E_IO, err, "cannot be written");
    DCPG_TRY(dcpg_agree_all(file->par, status, err));
    return claim_disk_all(file, true, more, err);
}

/* Tries a step ahead, then the bound, then the bytes really needed. Nothing is flushed, for a flush might
 * find no space. */
static dcpg_status reserve_serial(dcpg_h5 *file, uint64_t more, dcpg_err *err) {
    uint64_t ends[] = {file->claimed + AHEAD, file->claimed, end_of(file) + more + OBJECT};
    for (int i = 0; i < 3; i++) {
        if (!claim_disk(file, false, 0, &ends[i])) continue;
        file->reserved = ends[i];
        if (i == 2) file->claimed = ends[i];
        return DCPG_OK;
    }
    return fail_full(file, err);
}

void dcpg_h5_count_object(dcpg_h5 *file, uint64_t bytes) { file->claimed += bytes + OBJECT; }

dcpg_status dcpg_h5_reserve(dcpg_h5 *file, uint64_t bytes, dcpg_err *err) {
    uint64_t more = dcpg_h5_parallel(file) ? (uint64_t)dcpg_sum_i64_all(file->par, (int64_t)bytes) : bytes;
    file->claimed += more;
    if (file->claimed <= file->reserved) return DCPG_OK;
    if (!dcpg_h5_parallel(file)) return reserve_serial(file, more, err);
    if (claim_disk_all(file, false, 0, NULL) == DCPG_OK) return DCPG_OK;
    return reserve_exactly(file, more + OBJECT, err);
}

dcpg_status dcpg_h5_reserve_final(dcpg_h5 *file, dcpg_err *err) {
    if (dcpg_h5_parallel(file)) return reserve_exactly(file, 0, err);
    uint64_t written;
    file->claimed = end_of(file);
    bool fine = claim_disk(file, true, 0, &written) && claim_disk(file, false, 0, &file->claimed);
    return fine ? DCPG_OK : fail_full(file, err);
}
