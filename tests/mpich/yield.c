/* SPDX-License-Identifier: MIT */
/* Loaded before MPICH by LD_PRELOAD where tests have more ranks than cores: MPICH over UCX asks for messages
 * without a pause, and a rank that has work gets a core only when the kernel takes it from one that waits.
 * Here who finds nothing lets others run. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sched.h>

unsigned ucp_worker_progress(void *worker);

/* Stands in front of UCX's function of this name. */
unsigned ucp_worker_progress(void *worker) {
    static unsigned (*real)(void *);
    if (!real) *(void **)&real = dlsym(RTLD_NEXT, "ucp_worker_progress");
    unsigned nb_event = real(worker);
    if (nb_event == 0) sched_yield();
    return nb_event;
}
