/* SPDX-License-Identifier: MIT */
/* A hash map from strings to numbers: for lists of names too long to be searched one by one. */
#ifndef DCPG_MAP_H
#define DCPG_MAP_H

#include <dcpg/api.h>
#include <dcpg/status.h>
#include <dcpg/text.h>
#include <stddef.h>
#include <stdint.h>

DCPG_BEGIN_C

/* A key: its hash, the offset of its text, and its number. */
typedef struct dcpg_map_entry {
    uint64_t hash;
    size_t at;
    int64_t value;
} dcpg_map_entry;

/* Strings with their numbers; owns copies of the strings. Starts as {0}. Memory and time to fill it are
 * linear in the bytes of the keys, and finding a key takes the time to read it. */
typedef struct dcpg_map {
    size_t n, capacity;    /* keys; entries allocated */
    dcpg_map_entry *entry; /* [n] in the order in which the keys were added */
    char *text;            /* the keys, each with its NUL */
    size_t used, text_capacity;
    size_t *slot; /* [nb_slot] 1 + number of an entry; 0: free */
    size_t nb_slot;
    uint64_t seed; /* so that nobody can make a file whose names all fall into one slot */
} dcpg_map;

/* Sets the number of `key` to `value`, replacing an earlier one. DCPG_E_NOMEM leaves the map unchanged.
 * Local. */
DCPG_API dcpg_status dcpg_map_set(dcpg_map *map, const char *key, int64_t value, dcpg_err *err);

/* Adds the strings of a list, each with its index in it; a repeated string gets its first index. Local. */
DCPG_API dcpg_status dcpg_map_index(dcpg_map *map, const dcpg_strings *list, dcpg_err *err);

/* The number of `key`; `absent` if the map does not hold it. Local. */
DCPG_API int64_t dcpg_map_get(const dcpg_map *map, const char *key, int64_t absent);

/* The i-th key, in the order in which keys were added; valid until the next dcpg_map_set. Local. */
DCPG_API const char *dcpg_map_key(const dcpg_map *map, size_t i);

DCPG_API void dcpg_map_free(dcpg_map *map);

DCPG_END_C

#endif
