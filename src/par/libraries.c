/* SPDX-License-Identifier: MIT */
/* The MPI libraries in this process. Two are in it where HDF5 was built with another MPI than dcpg: calls of
 * the one end in the other, with handles that mean nothing there. Also part of what CMake tries, see
 * third_party/one_mpi.c: needs the C library alone. */
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
    const char *name[MAX_OBJECT]; /* of the loader; live as long as the object */
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

/* Whether an object is an MPI: the profiling names are defined by MPI itself alone, never by tools that stand
 * in front of it. */
static int is_mpi(const char *name, ElfW(Addr) base) {
    Dl_info found;
    void *handle = dlopen(name, RTLD_LAZY | RTLD_NOLOAD);
    if (!handle) return 0;
    const void *symbol = dlsym(handle, "PMPI_Init"); /* its own, or of a library that it needs */
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
