/* Checks of how a job was started. */
#include "par/par_impl.h"
#include <dcpg/rng.h>
#include <dcpg/text.h>
#include <stdlib.h>
#include <unistd.h>

static int64_t number_of(const char *variable) {
    const char *text = getenv(variable);
    int64_t n = 0;
    return text && dcpg_parse_int(text, &n) ? n : 0;
}

dcpg_status dcpg_par_check_alone(const dcpg_par *par, dcpg_err *err) {
    static const char *const tasks[] = {"SLURM_NTASKS", "SLURM_STEP_NUM_TASKS", "PMI_SIZE", "PALS_SIZE"};
    bool mpirun = getenv("OMPI_COMM_WORLD_SIZE") || getenv("PRTE_LAUNCHED");
    for (size_t i = 0; par->size == 1 && !mpirun && i < sizeof tasks / sizeof *tasks; i++) {
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
