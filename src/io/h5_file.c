/* SPDX-License-Identifier: MIT */
/* Opens, creates, commits and closes HDF5 files, serial or parallel. */
#define _GNU_SOURCE /* memfd_create */
#include "io/h5_impl.h"
#include "par/par_impl.h"
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

const char *dcpg_h5_version(char text[32]) {
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    snprintf(text, 32, "%u.%u.%u", major, minor, release);
    return text;
}

const char *dcpg_h5_path(const dcpg_h5 *file) { return file->path; }

/* Whether this rank deals with the file system on behalf of all; true for a serial file. */
static bool leads(const dcpg_h5 *file) { return !file->par || file->par->rank == 0; }

/* A number that does not fit the type in memory is an error of the file; HDF5 would clip it silently. */
static H5T_conv_ret_t refuse_out_of_range(H5T_conv_except_t kind, hid_t from, hid_t to, void *source,
                                          void *target, void *context) {
    (void)from, (void)to, (void)source, (void)target, (void)context;
    return kind == H5T_CONV_EXCEPT_PRECISION || kind == H5T_CONV_EXCEPT_TRUNCATE ? H5T_CONV_UNHANDLED
                                                                                 : H5T_CONV_ABORT;
}

/* Access properties: the driver and the format versions. Files are written in the format of HDF5 1.8, whose
 * metadata carry checksums and which every version since then reads; files of all formats are read. */
static hid_t access_properties(const dcpg_h5 *file) {
    hid_t access = H5Pcreate(H5P_FILE_ACCESS);
    if (file->temporary) H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
    H5Pset_fclose_degree(access, H5F_CLOSE_STRONG);
    if (dcpg_h5_parallel(file)) {
        H5Pset_fapl_mpio(access, file->par->impl->comm, MPI_INFO_NULL);
        H5Pset_all_coll_metadata_ops(access, true);
        H5Pset_coll_metadata_write(access, true);
    } else {
        H5Pset_fapl_sec2(access);
    }
    return access;
}

/* A link into another file is an error. It is noted because HDF5 may only report that nothing is there. */
static herr_t refuse_external(const char *parent, const char *group, const char *name, const char *object,
                              unsigned *flags, hid_t access, void *file) {
    (void)parent, (void)group, (void)name, (void)object, (void)flags, (void)access;
    ((dcpg_h5 *)file)->went_out = true;
    return -1;
}

static void close_ids(dcpg_h5 *file) {
    if (file->id >= 0) H5Fclose(file->id);
    if (file->transfer >= 0) H5Pclose(file->transfer);
    if (file->links >= 0) H5Pclose(file->links);
    file->id = file->transfer = file->links = -1;
}

static void forget_temporary(dcpg_h5 *file) {
    dcpg_free(file->temporary);
    file->temporary = NULL;
}

static void free_file(dcpg_h5 *file) {
    dcpg_free(file->path);
    forget_temporary(file);
    dcpg_free(file);
}

static dcpg_status new_file(const char *path, const dcpg_par *par, dcpg_h5 **out, dcpg_err *err) {
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL); /* failures are reported by our messages alone */
    dcpg_h5 *file = dcpg_alloc(1, sizeof *file);
    char *name = dcpg_strdup(path);
    if (!file || !name) {
        dcpg_free(file);
        dcpg_free(name);
        return dcpg_fail_nomem(err, path, sizeof *file);
    }
    *file = (dcpg_h5){.id = -1,
                      .par = par,
                      .path = name,
                      .transfer = H5Pcreate(H5P_DATASET_XFER),
                      .links = H5Pcreate(H5P_DATASET_ACCESS),
                      .max_bytes = UINT64_MAX};
    H5Pset_type_conv_cb(file->transfer, refuse_out_of_range, NULL);
    H5Pset_elink_cb(file->links, refuse_external, file);
    if (dcpg_h5_parallel(file)) H5Pset_dxpl_mpio(file->transfer, H5FD_MPIO_COLLECTIVE);
    *out = file;
    return DCPG_OK;
}

/* new_file on all ranks, or on none. */
static dcpg_status new_file_agreed(const char *path, const dcpg_par *par, dcpg_h5 **out, dcpg_err *err) {
    dcpg_h5 *file = NULL;
    dcpg_status status = new_file(path, par, &file, err);
    if (par) status = dcpg_agree_all(par, status, err);
    if (status != DCPG_OK && file) {
        close_ids(file);
        free_file(file);
    }
    if (status == DCPG_OK) *out = file;
    return status;
}

/* ---- reading ---- */

/* Most bytes that a file of `bytes` can hold: deflate compresses to 1/1032 at best. Small files are allowed
 * extra space for values that were never written. */
static uint64_t most_content(uint64_t bytes) {
    return bytes > UINT64_MAX / 2048 ? UINT64_MAX : 1100 * bytes + (64 << 20);
}

static dcpg_status check_regular(dcpg_h5 *file, dcpg_err *err) {
    struct stat s;
    if (stat(file->path, &s) != 0)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be opened: %s", file->path, strerror(errno));
    if (!S_ISREG(s.st_mode)) return dcpg_fail(err, DCPG_E_INPUT, "%s: is not a file", file->path);
    if (s.st_size == 0) return dcpg_fail(err, DCPG_E_INPUT, "%s: is empty, not an HDF5 file", file->path);
    if (access(file->path, R_OK) != 0)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: cannot be read: %s", file->path, strerror(errno));
    file->bytes = (uint64_t)s.st_size;
    file->max_bytes = most_content(file->bytes);
    return DCPG_OK;
}

/* Whether HDF5's message means that another process holds a writer's lock or left a writer's mark. */
static bool is_being_written(const char *reason) {
    return strstr(reason, "Resource temporarily unavailable") || strstr(reason, "already open for write") ||
           strstr(reason, "already open for SWMR write");
}

/* One rank first tries the serial driver, so that a faulty file is reported once and clearly before all ranks
 * open it together. */
static dcpg_status check_hdf5(dcpg_h5 *file, dcpg_err *err) {
    DCPG_TRY(check_regular(file, err));
    hid_t id = H5Fopen(file->path, H5F_ACC_RDONLY, H5P_DEFAULT);
    if (id >= 0) {
        H5Fclose(id);
        return DCPG_OK;
    }
    dcpg_err why = {0};
    dcpg_h5_fail(file, DCPG_E_INPUT, &why, "cannot be opened as HDF5");
    if (strstr(why.text, "truncated")) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: truncated: the file is shorter than its header says; copy or make it again",
                         file->path);
    }
    if (is_being_written(why.text))
        return dcpg_fail(
            err, DCPG_E_INPUT,
            "%s: is open for writing in another program: wait until that has closed it, or copy it "
            "then (where that program died: h5clear -s %s)",
            file->path, file->path);
    if (H5Fis_hdf5(file->path) == 0) return dcpg_fail(err, DCPG_E_INPUT, "%s: not an HDF5 file", file->path);
    if (err && err->status == DCPG_OK) *err = why;
    return DCPG_E_INPUT;
}

static dcpg_status open_agreed(dcpg_h5 *file, dcpg_err *err) {
    /* Without a cache, chunks without filters go straight from the file to memory, whatever their stored
     * length. */
    H5Pset_chunk_cache(file->links, H5D_CHUNK_CACHE_NSLOTS_DEFAULT, 0, H5D_CHUNK_CACHE_W0_DEFAULT);
    dcpg_status status = leads(file) ? check_hdf5(file, err) : DCPG_OK;
    DCPG_TRY(dcpg_h5_agree(file, status, err));
    if (file->par) dcpg_bcast_all(file->par, &file->max_bytes, sizeof file->max_bytes, 0);
    if (file->par) dcpg_bcast_all(file->par, &file->bytes, sizeof file->bytes, 0);
    hid_t properties = access_properties(file);
    file->id = H5Fopen(file->path, H5F_ACC_RDONLY, properties);
    if (file->id < 0) status = dcpg_h5_fail(file, DCPG_E_INPUT, err, "cannot be opened by all ranks");
    /* Collective reads of Open MPI's own MPI-IO return zeros where the blocks of three or more ranks overlap
     * (seen in 4.1.4), so each rank reads independently. */
    if (dcpg_h5_parallel(file)) H5Pset_dxpl_mpio(file->transfer, H5FD_MPIO_INDEPENDENT);
    H5Pclose(properties);
    return dcpg_h5_agree(file, status, err);
}

dcpg_status dcpg_h5_open(const char *path, const dcpg_par *par, dcpg_h5 **out, dcpg_err *err) {
    *out = NULL;
    dcpg_h5 *file;
    DCPG_TRY(new_file_agreed(path, par, &file, err));
    dcpg_status status = open_agreed(file, err);
    if (status == DCPG_OK)
        *out = file;
    else
        dcpg_h5_close(file);
    return status;
}

uint64_t dcpg_h5_capacity(const dcpg_h5 *file) { return file->max_bytes; }

bool dcpg_h5_is_ours(const dcpg_h5 *file) {
    struct stat s;
    void *descriptor;
    if (H5Fget_vfd_handle(file->id, H5P_DEFAULT, &descriptor) < 0 || fstat(*(int *)descriptor, &s) != 0)
        return false;
    return (s.st_uid == geteuid() || s.st_uid == 0) && (s.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

/* ---- writing ---- */

/* Rank 0 creates the temporary file, empty: the system's own messages are clearer than those that pass
 * through two libraries, and no existing file can be mistaken for it. */
static dcpg_status claim(dcpg_h5 *file, dcpg_err *err) {
    struct stat s;
    int fd;
    if (*dcpg_basename(file->path) == '\0' || (stat(file->path, &s) == 0 && S_ISDIR(s.st_mode))) {
        return dcpg_fail(err, DCPG_E_IO, "%s: is a directory, a file is wanted", file->path);
    }
    DCPG_TRY(dcpg_temporary_create(file->path, &file->temporary, &fd, err));
    if (fstat(fd, &s) == 0) file->device = (uint64_t)s.st_dev, file->inode = (uint64_t)s.st_ino;
    close(fd);
    return DCPG_OK;
}

/* Gives the name of rank 0's temporary file to all ranks. Collective. */
static dcpg_status share_name_all(dcpg_h5 *file, dcpg_err *err) {
    int64_t bytes = file->temporary ? (int64_t)strlen(file->temporary) + 1 : 0;
    if (!file->par || file->par->size == 1) return DCPG_OK;
    dcpg_bcast_all(file->par, &bytes, sizeof bytes, 0);
    if (!leads(file)) file->temporary = dcpg_alloc((size_t)bytes, 1);
    dcpg_status status =
        file->temporary ? DCPG_OK : dcpg_fail_nomem(err, file->path, (unsigned long long)bytes);
    status = dcpg_agree_all(file->par, status, err);
    if (status == DCPG_OK) dcpg_bcast_all(file->par, file->temporary, (size_t)bytes, 0);
    return status;
}

/* Checks that HDF5 opened the very file that was created. */
static dcpg_status check_same(const dcpg_h5 *file, dcpg_err *err) {
    struct stat s;
    if (lstat(file->temporary, &s) == 0 && (uint64_t)s.st_dev == file->device &&
        (uint64_t)s.st_ino == file->inode)
        return DCPG_OK;
    return dcpg_fail(err, DCPG_E_IO, "%s: its temporary file was replaced while it was written", file->path);
}

static dcpg_status create_file(dcpg_h5 *file, dcpg_err *err) {
    hid_t properties = access_properties(file);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    H5Pset_obj_track_times(creation, false); /* so that the same content gives the same bytes */
    file->id = H5Fcreate(file->temporary, H5F_ACC_TRUNC, creation, properties);
    dcpg_status status = file->id < 0 ? dcpg_h5_fail(file, DCPG_E_IO, err, "cannot be created") : DCPG_OK;
    H5Pclose(creation);
    H5Pclose(properties);
    return status;
}

dcpg_status dcpg_h5_create(const char *path, const dcpg_par *par, dcpg_h5 **out, dcpg_err *err) {
    *out = NULL;
    dcpg_h5 *file;
    DCPG_TRY(new_file_agreed(path, par, &file, err));
    dcpg_status status = dcpg_h5_agree(file, leads(file) ? claim(file, err) : DCPG_OK, err);
    if (status == DCPG_OK) status = share_name_all(file, err);
    if (status == DCPG_OK) {
        status = create_file(file, err);
        if (status == DCPG_OK && leads(file)) status = check_same(file, err);
        status = dcpg_h5_agree(file, status, err);
    }
    if (status == DCPG_OK)
        *out = file;
    else
        dcpg_h5_close(file);
    return status;
}

/* Renames the temporary file; on failure it is removed. */
static dcpg_status give_name(dcpg_h5 *file, dcpg_err *err) {
    char *temporary = file->temporary;
    file->temporary = NULL;
    return dcpg_temporary_keep(temporary, file->path, err);
}

dcpg_status dcpg_h5_commit(dcpg_h5 *file, dcpg_err *err) {
    dcpg_status status = dcpg_h5_reserve_final(file, err);
    if (status == DCPG_OK && H5Fflush(file->id, H5F_SCOPE_LOCAL) < 0)
        status = dcpg_h5_fail(file, DCPG_E_IO, err, "cannot be written to the end");
    status = dcpg_h5_agree(file, status, err);
    if (status == DCPG_OK) {
        if (H5Fclose(file->id) < 0)
            status = dcpg_h5_fail(file, DCPG_E_IO, err, "cannot be closed");
        else
            file->id = -1;
        status = dcpg_h5_agree(file, status, err);
    }
    if (status == DCPG_OK && file->sealed)
        status = dcpg_h5_agree(file, leads(file) ? dcpg_h5_append_seal(file, err) : DCPG_OK, err);
    if (status == DCPG_OK) status = dcpg_h5_agree(file, leads(file) ? give_name(file, err) : DCPG_OK, err);
    if (status == DCPG_OK) forget_temporary(file);
    dcpg_h5_close(file);
    return status;
}

/* HDF5 cannot close a file whose data it could not write, and then fails at the end of the program. So a
 * serial file that is discarded gets memory to write to; ranks that write together have their disk space
 * already and give it back. */
static void release_space(const dcpg_h5 *file) {
    void *descriptor;
    if (!dcpg_h5_parallel(file) && file->id >= 0 &&
        H5Fget_vfd_handle(file->id, H5P_DEFAULT, &descriptor) >= 0) {
        int memory = memfd_create("dcpg", MFD_CLOEXEC);
        if (memory < 0) return;
        (void)dup2(memory, *(int *)descriptor);
        close(memory);
    } else if (truncate(file->temporary, 0) != 0) {
    } /* a failure loses nothing */
}

void dcpg_h5_close(dcpg_h5 *file) {
    if (!file) return;
    bool discard = file->temporary && leads(file);
    if (discard) release_space(file);
    if (file->temporary && file->par) dcpg_barrier_all(file->par);
    close_ids(file);
    if (discard) {
        dcpg_temporary_remove(file->temporary);
        file->temporary = NULL;
    }
    free_file(file);
}
