/* SPDX-License-Identifier: MIT */
/* Export as bedGraph: chromosome, start, end, value with 5 decimals. */
#include "analysis/export_impl.h"
#include "text/bgzip_file.h"
#include "text/tabix.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <stdio.h>

enum { LINE = DCPG_CHROMO_MAX + 96 };

static dcpg_status write_block(const export_run *run, void *to, dcpg_err *err) {
    int before = run->options->one_based ? 0 : 1;
    (void)err;
    for (int64_t i = 0; i < run->sites.n; i++) {
        const export_site *site = &run->site[i];
        int32_t at = run->sites.at[i], start = run->sites.pos[at] - before;
        char line[LINE];
        if (site->n == 0) continue;
        int length = snprintf(line, sizeof line, "%s\t%" PRId32 "\t%" PRId32 "\t%.5f\n",
                              export_chromo_at(run, at), start, start + 1, site->sum / site->n);
        dcpg_bgzip_write(to, line, (size_t)length);
    }
    return DCPG_OK;
}

dcpg_status dcpg_export_write_bedgraph(export_run *run, size_t part, dcpg_err *err) {
    const dcpg_tabix table = {
        .chromo = 1, .start = 2, .end = 3, .zero_based = true, .wide = run->chromos.wide};
    char *path = dcpg_export_path(run, part);
    dcpg_bgzip file = {0};
    dcpg_status status = path ? dcpg_bgzip_create(path, &file, err) : dcpg_fail_nomem(err, "a path", 64);
    if (status == DCPG_OK) status = dcpg_export_each(run, &run->columns.v[part], write_block, &file, err);
    status = dcpg_bgzip_close(&file, status, err);
    if (status == DCPG_OK && run->traits & EXPORT_INDEX) status = dcpg_tabix_write(path, &table, err);
    dcpg_free(path);
    return status;
}
