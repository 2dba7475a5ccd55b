/* SPDX-License-Identifier: MIT */
/* Checks how a job was started. */
#include "par/par_impl.h"
#include <dcpg/rng.h>
#include <dcpg/text.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* 0: not set, or not a positive number. */
static int64_t number_of(const char *variable) {
    const char *text = getenv(variable);
    int64_t n = 0;
    return text && dcpg_parse_int(text, &n) && n > 0 ? n : 0;
}

/* Variables that launchers set for their ranks: mpirun of Open MPI, Hydra and SLURM's PMI, MVAPICH, jsrun,
 * PALS. */
static const char *const sizes[] = {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "MV2_COMM_WORLD_SIZE",
                                    "JSM_NAMESPACE_SIZE", "PALS_SIZE"};
static const char *const local_sizes[] = {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS",
                                          "MV2_COMM_WORLD_LOCAL_SIZE", "PALS_LOCAL_SIZE"};
static const char *const ranks[] = {"OMPI_COMM_WORLD_RANK", "PMI_RANK",           "PMIX_RANK",
                                    "MV2_COMM_WORLD_RANK",  "JSM_NAMESPACE_RANK", "PALS_RANKID"};
/* Tasks of a SLURM step: srun has started as many, unless its task is a shell or mpirun. */
static const char *const step_tasks = "SLURM_STEP_NUM_TASKS";
#define COUNT(list) (sizeof(list) / sizeof *(list))

/* The variable that the launcher of the MPI in use sets, if it has one. */
static const char *own_size(void) {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length;
    MPI_Get_library_version(text, &length);
    if (strstr(text, "Open MPI")) return "OMPI_COMM_WORLD_SIZE";
    if (strstr(text, "MVAPICH2")) return "MV2_COMM_WORLD_SIZE";
    return "PMI_SIZE";
}

/* First line of the MPI library's version text, without the details after a comma. */
static void library_name(char *name, size_t bytes) {
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length;
    MPI_Get_library_version(text, &length);
    text[strcspn(text, ",\n")] = '\0';
    for (char *p = text; *p; p++)
        if (*p == '\t') *p = ' ';
    snprintf(name, bytes, "%s", text);
}

static dcpg_status fail_foreign(const dcpg_par *par, const char *variable, int64_t n, bool is_rank,
                                dcpg_err *err) {
    char name[96], what[96], here[64] = "this process is alone";
    library_name(name, sizeof name);
    if (is_rank)
        snprintf(what, sizeof what, "made this process its rank %lld (%s)", (long long)n, variable);
    else
        snprintf(what, sizeof what, "started %lld ranks (%s)", (long long)n, variable);
    if (par->size > 1) snprintf(here, sizeof here, "there are %d here", par->size);
    return dcpg_fail(err, DCPG_E_USAGE,
                     "mpirun %s, but %s: mpirun is of another MPI than dcpg was built with, which is %s. "
                     "Start it with the mpirun of that MPI (or load the module of the other one and build "
                     "dcpg with it); on one rank on purpose, after 'unset %s'",
                     what, here, name, variable);
}

dcpg_status dcpg_par_check_launcher(const dcpg_par *par, dcpg_err *err) {
    int64_t n = number_of(own_size());
    if (n == par->size) return DCPG_OK;
    if (n > 0) return fail_foreign(par, own_size(), n, false, err);
    for (size_t i = 0; i < COUNT(sizes); i++)
        if ((n = number_of(sizes[i])) > 0 && n != par->size)
            return fail_foreign(par, sizes[i], n, false, err);
    for (size_t i = 0; i < COUNT(local_sizes); i++)
        if ((n = number_of(local_sizes[i])) > par->size)
            return fail_foreign(par, local_sizes[i], n, false, err);
    for (size_t i = 0; i < COUNT(ranks); i++)
        if ((n = number_of(ranks[i])) >= par->size) return fail_foreign(par, ranks[i], n, true, err);
    return DCPG_OK;
}

dcpg_status dcpg_par_check_alone(const dcpg_par *par, dcpg_err *err) {
    static const char *const tasks[] = {"SLURM_NTASKS", "SLURM_STEP_NUM_TASKS"};
    DCPG_TRY(dcpg_par_check_launcher(par, err));
    bool launched = number_of(own_size()) > 0 || getenv("PRTE_LAUNCHED");
    for (size_t i = 0; par->size == 1 && !launched && i < COUNT(tasks); i++) {
        int64_t n = number_of(tasks[i]);
        if (n > 1)
            return dcpg_fail(err, DCPG_E_USAGE,
                             "this job has %lld tasks (%s), but this process is alone and knows of no other "
                             "rank: start with 'srun --mpi=pmix dcpg ...' (srun --mpi=list shows what "
                             "there is) or 'mpirun dcpg ...' of the MPI that dcpg was built with; on one "
                             "rank on purpose, with 'mpirun -n 1 dcpg ...'",
                             (long long)n, tasks[i]);
    }
    return DCPG_OK;
}

bool dcpg_par_launched(void) {
    for (size_t i = 0; i < COUNT(sizes); i++)
        if (number_of(sizes[i]) > 1) return true;
    return number_of(step_tasks) > 1;
}

dcpg_status dcpg_same_all(const dcpg_par *par, const char *what, const char *text, dcpg_err *err) {
    uint64_t mine = dcpg_hash(text), first = mine;
    char host[64] = "unknown";
    dcpg_bcast_all(par, &first, sizeof first, 0);
    dcpg_status status = DCPG_OK;
    if (mine != first) {
        gethostname(host, sizeof host - 1);
        status = dcpg_fail(
            err, DCPG_E_USAGE,
            "rank %d on host %s has another %s than rank 0: %.300s; all ranks must be started alike",
            par->rank, host, what, text);
    }
    return dcpg_agree_all(par, status, err);
}
