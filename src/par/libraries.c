/* SPDX-License-Identifier: MIT */
/* Finds the MPI libraries in this process. There are two if HDF5 was built with another MPI than dcpg: calls
 * of one then end up in the other, with handles that mean nothing there. CMake's check for this
 * (third_party/one_mpi.c) uses this file too, so it needs the C library alone. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dl_iterate_phdr, dladdr */
#endif
#include "par/libraries.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>

enum { MAX_OBJECT = 1024 };

typedef struct objects {
    int nb;
    const char *name[MAX_OBJECT]; /* owned by the loader; valid as long as the object is loaded */
    ElfW(Addr) base[MAX_OBJECT];
} objects;

static int note(struct dl_phdr_info *info, size_t bytes, void *context) {
    objects *all = context;
    (void)bytes;
    if (info->dlpi_name && info->dlpi_name[0] && all->nb < MAX_OBJECT) {
        all->base[all->nb] = info->dlpi_addr;
        all->name[all->nb++] = info->dlpi_name;
    }
    return 0;
}

/* Whether an object is an MPI. Only MPI itself defines the profiling names; tools that intercept its calls
 * never do. */
static int is_mpi(const char *name, ElfW(Addr) base) {
    Dl_info found;
    void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
    if (!handle) return 0;
    const void *symbol =
        dlsym(handle, "PMPI_Init"); /* defined by the object, or by a library that it needs */
    int is = symbol && dladdr(symbol, &found) && (ElfW(Addr))found.dli_fbase == base;
    dlclose(handle);
    return is;
}

int dcpg_mpi_libraries(char *names, size_t bytes) {
    objects all = {.nb = 0};
    size_t used = 0;
    int nb = 0;
    names[0] = '\0';
    dl_iterate_phdr(note, &all);
    for (int i = 0; i < all.nb; i++) {
        if (!is_mpi(all.name[i], all.base[i])) continue;
        int n = snprintf(names + used, bytes - used, "%s%s", nb++ ? " and " : "", all.name[i]);
        used = n > 0 && used + (size_t)n < bytes ? used + (size_t)n : bytes - 1;
    }
    return nb;
}
