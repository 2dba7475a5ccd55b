/* SPDX-License-Identifier: MIT */
/* Memory: aligned, zeroed, overflow-checked; and the arena that carves one allocation into arrays. */
#ifndef DCPG_MEMORY_H
#define DCPG_MEMORY_H

#include <dcpg/api.h>
#include <stddef.h>

DCPG_BEGIN_C

/* Alignment in bytes of every array: a cache line, and the widest vector register. */
#define DCPG_ALIGN 64

/* `count` * `size` zeroed bytes, aligned to DCPG_ALIGN; NULL when out of memory or when the product
 * overflows. A count of 0 gives a valid pointer. Free with dcpg_free. Local. */
DCPG_API void *dcpg_alloc(size_t count, size_t size);

/* Grows (or shrinks) an array of `old_count` elements to `count` elements of `size` bytes; existing elements
 * are kept, new ones are zero. NULL on failure; the old array then stays valid. Local. */
DCPG_API void *dcpg_realloc(void *array, size_t old_count, size_t count, size_t size);

/* As dcpg_realloc, for arrays that become long: the system moves pages instead of copying where it can, new
 * elements are uninitialised, and alignment is that of malloc(). For arrays allocated by this function only,
 * starting from NULL. Local. */
DCPG_API void *dcpg_grow(void *array, size_t count, size_t size);

DCPG_API void dcpg_free(void *array);

/* A copy of a string, or of its first n bytes; NULL when out of memory. Free with dcpg_free. */
DCPG_API char *dcpg_strdup(const char *text);
DCPG_API char *dcpg_strndup(const char *text, size_t n);

/* One allocation carved by offsets. First measure (with base NULL, dcpg_arena_take only adds up sizes), then
 * set `base` to that much memory and take the same sequence again. */
typedef struct dcpg_arena {
    char *base;  /* NULL while measuring */
    size_t used; /* bytes handed out so far, each piece rounded up to DCPG_ALIGN */
} dcpg_arena;

/* The next `count` * `size` bytes; NULL while measuring. Local. */
DCPG_API void *dcpg_arena_take(dcpg_arena *arena, size_t count, size_t size);

/* Bytes of this process that are in memory now, including shared ones; the peak so far where the system does
 * not report them. Local. */
DCPG_API size_t dcpg_memory_used(void);

DCPG_END_C

#endif
