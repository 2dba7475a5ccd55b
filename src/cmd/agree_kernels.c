/* SPDX-License-Identifier: MIT */
/* Agrees on one set of kernels for all ranks, and starts it. */
#include "cmd/cmd.h"

#include <dcpg/kern.h>
#include <dcpg/memory.h>
#include <string.h>
#include <unistd.h>

/* Warns where the kernels are not `wanted`, those of the checkpoint that the run resumes from. */
static void warn_of_others(const char *wanted, dcpg_log *log) {
    if (wanted && strcmp(wanted, dcpg_kern_name()) != 0)
        dcpg_warn(
            log,
            "the run was computed with other kernels (%s) than there are on all ranks now (%s): its bits "
            "will not be those of a run that was not stopped",
            wanted, dcpg_kern_name());
}

dcpg_status dcpg_cmd_kernels_all(const dcpg_par *par, const char *wanted, dcpg_log *log, dcpg_err *err) {
    dcpg_kern_offer mine, *offers = dcpg_alloc((size_t)par->size, sizeof *offers);
    dcpg_kern_set set;
    dcpg_status status = offers ? dcpg_kern_offer_here(NULL, &mine, err)
                                : dcpg_fail_nomem(err, "the list of ranks", (size_t)par->size * sizeof mine);
    if (status == DCPG_OK && gethostname(mine.host, sizeof mine.host - 1) != 0) strcpy(mine.host, "unknown");
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        dcpg_allgather_all(par, &mine, sizeof mine, offers);
        status = dcpg_agree_all(par, dcpg_kern_agree(offers, par->size, wanted, &set, err), err);
    }
    dcpg_free(offers);
    DCPG_TRY(status);
    dcpg_kern_start(&set);
    warn_of_others(wanted, log);
    char kernels[320]; /* BLIS chooses its own kernels, and compilers may differ */
    snprintf(kernels, sizeof kernels, "%s %s %s", dcpg_kern_name(), dcpg_gemm_description(), __VERSION__);
    return dcpg_same_all(par, "set of kernels", kernels, err);
}
