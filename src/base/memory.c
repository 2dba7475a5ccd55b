/* SPDX-License-Identifier: MIT */
/* Aligned memory, arenas, and how much memory the process uses. */
#define _DEFAULT_SOURCE /* madvise, sysconf */
#include "base/number.h"

#include <assert.h>
#include <dcpg/memory.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* Long arrays ask for huge pages: all of an array is touched anyway, and a page fault per 4 KB takes longer
 * than reading a file into it. */
static void ask_for_huge_pages(char *memory, size_t bytes) {
#ifdef MADV_HUGEPAGE
    enum { PAGE = 4096, LONG = 4 << 20 };
    if (bytes < LONG) return;
    size_t skip = (PAGE - (uintptr_t)memory % PAGE) % PAGE;
    (void)madvise(memory + skip, (bytes - skip) / PAGE * PAGE,
                  MADV_HUGEPAGE); /* a request that the kernel may ignore */
#else
    (void)memory;
    (void)bytes;
#endif
}

/* Uninitialised memory of exactly `bytes` (at least 1), so that a sanitizer sees the first byte past the end.
 */
static void *allocate(size_t bytes) {
    void *memory = NULL;
    if (posix_memalign(&memory, DCPG_ALIGN, bytes ? bytes : 1) != 0) return NULL;
    ask_for_huge_pages(memory, bytes);
    return memory;
}

static int overflows(size_t count, size_t size) { return size != 0 && count > (size_t)PTRDIFF_MAX / size; }

void *dcpg_alloc(size_t count, size_t size) {
    if (overflows(count, size)) return NULL;
    void *memory = allocate(count * size);
    if (memory) memset(memory, 0, count * size);
    return memory;
}

void *dcpg_realloc(void *array, size_t old_count, size_t count, size_t size) {
    if (overflows(count, size)) return NULL;
    char *grown = allocate(count * size);
    if (!grown) return NULL;
    size_t kept = min_size(old_count, count) * size;
    if (kept > 0) memcpy(grown, array, kept);
    memset(grown + kept, 0, count * size - kept);
    free(array);
    return grown;
}

void *dcpg_grow(void *array, size_t count, size_t size) {
    if (overflows(count, size)) return NULL;
    void *grown = realloc(array, count * size > 0 ? count * size : 1);
    if (grown) ask_for_huge_pages(grown, count * size);
    return grown;
}

void dcpg_free(void *array) { free(array); }

char *dcpg_strdup(const char *text) { return dcpg_strndup(text, strlen(text)); }

char *dcpg_strndup(const char *text, size_t n) {
    const char *end = memchr(text, '\0', n);
    size_t length = end ? (size_t)(end - text) : n;
    char *copy = allocate(length + 1);
    if (!copy) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

void *dcpg_arena_take(dcpg_arena *arena, size_t count, size_t size) {
    assert(!overflows(count, size) && count * size <= (size_t)PTRDIFF_MAX - arena->used - DCPG_ALIGN);
    char *piece = arena->base ? arena->base + arena->used : NULL;
    arena->used += round_up_size(count * size, DCPG_ALIGN);
    return piece;
}

size_t dcpg_memory_used(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file) {
        if (fscanf(file, "%*u %lu", &pages) != 1) pages = 0;
        fclose(file);
    }
    if (pages > 0) return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (size_t)usage.ru_maxrss * 1024;
}
