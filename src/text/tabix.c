/* SPDX-License-Identifier: MIT */
/* Writes tabix indices with htslib. */
#include "text/tabix.h"

#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dcpg/text.h>

#include <errno.h>
#include <htslib/tbx.h>
#include <string.h>
#include <unistd.h>

enum { CSI_SHIFT = 14 }; /* as tabix -C */

static dcpg_status build(const char *path, const char *index, const dcpg_tabix *table, dcpg_err *err) {
    const tbx_conf_t conf = {.preset = table->zero_based ? TBX_UCSC : TBX_GENERIC,
                             .sc = table->chromo,
                             .bc = table->start,
                             .ec = table->end,
                             .meta_char = '#',
                             .line_skip = table->skip};
    char *temporary = NULL;
    int fd = -1;
    DCPG_TRY(dcpg_temporary_create(index, &temporary, &fd, err));
    close(fd);
    errno = 0;
    if (tbx_index_build3(path, temporary, table->wide ? CSI_SHIFT : 0, 0, &conf) == 0)
        return dcpg_temporary_keep(temporary, index, err);
    int error = errno;
    dcpg_temporary_remove(temporary);
    return dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", index,
                     error ? strerror(error) : "htslib failed");
}

dcpg_status dcpg_tabix_write(const char *path, const dcpg_tabix *table, dcpg_err *err) {
    char *index = dcpg_format("%s%s", path, table->wide ? DCPG_CSI : DCPG_TBI),
         *other = dcpg_format("%s%s", path, table->wide ? DCPG_TBI : DCPG_CSI);
    dcpg_status status = index && other ? build(path, index, table, err) : dcpg_fail_nomem(err, path, 64);
    if (status == DCPG_OK) unlink(other);
    dcpg_free(index);
    dcpg_free(other);
    return status;
}
