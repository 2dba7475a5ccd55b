/* SPDX-License-Identifier: MIT */
/* Turns failures of HDF5 into messages, and agrees on them. */
#include "io/h5_impl.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The innermost entry of HDF5's error stack is the reason; the others only give the callers. */
static herr_t note_reason(unsigned n, const H5E_error2_t *entry, void *reason) {
    (void)n;
    if (entry->desc && !*(char *)reason) snprintf(reason, 512, "%s", entry->desc);
    return 0;
}

/* Reduces "file write failed: time = ..., errno = 28, error message = 'No space left on device', buf = ..."
 * to the system's message. */
static void keep_system_message(char *reason) {
    static const char before[] = "error message = '";
    char *message = strstr(reason, before);
    if (!message) return;
    message += sizeof before - 1;
    size_t length = strcspn(message, "'");
    memmove(reason, message, length);
    reason[length] = '\0';
}

/* Remedies for failures of the surroundings, not of the file: locks, which parallel file systems may lack,
 * and MPI-IO implementations. */
static const char *remedy_for(const dcpg_h5 *file, const char *reason) {
    if (strstr(reason, "lock"))
        return "; where the file system knows no locks (Lustre mounted without flock), set "
               "HDF5_USE_FILE_LOCKING=FALSE";
    bool by_mpi = strstr(reason, "MPI_File") || strstr(reason, "MPI_ERR") || strstr(reason, "MPI_Type") ||
                  strstr(reason, "MPI_Bcast");
    if (dcpg_h5_parallel(file) && by_mpi)
        return "; MPI-IO failed: where this is Lustre and Open MPI, try its other implementation "
               "(OMPI_MCA_io=ompio, OMPI_MCA_io=romio321) or another file system";
    return "";
}

dcpg_status dcpg_h5_fail(const dcpg_h5 *file, dcpg_status status, dcpg_err *err, const char *fmt, ...) {
    char what[512], reason[512] = "";
    va_list args;
    va_start(args, fmt);
    vsnprintf(what, sizeof what, fmt, args);
    va_end(args);
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_reason, reason);
    H5Eclear2(H5E_DEFAULT);
    keep_system_message(reason);
    const char *remedy = remedy_for(file, reason);
    return dcpg_fail(err, status, "%s: %s%s%s%s", file->path, what, *reason ? ": " : "", reason, remedy);
}

bool dcpg_h5_parallel(const dcpg_h5 *file) { return file->par && file->par->size > 1; }

dcpg_status dcpg_h5_agree(const dcpg_h5 *file, dcpg_status status, dcpg_err *err) {
    return file->par ? dcpg_agree_all(file->par, status, err) : status;
}

dcpg_status dcpg_h5_fault(const dcpg_h5 *file) { return file->temporary ? DCPG_E_IO : DCPG_E_INPUT; }
