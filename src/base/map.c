/* SPDX-License-Identifier: MIT */
/* A hash table from text to integers: open addressing with linear probing; it doubles before it is two thirds
 * full. */
#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <string.h>

enum { FIRST_SLOTS = 16 }; /* a power of two, like every later number of slots */

static uint64_t hash_of(const dcpg_map *map, const char *key) {
    uint64_t hash = map->seed;
    for (; *key; key++) hash = (hash ^ (unsigned char)*key) * UINT64_C(0x100000001B3);
    return dcpg_mix(hash, map->seed);
}

/* The slot of `key`, or the free slot where it belongs. */
static size_t slot_of(const dcpg_map *map, const char *key, uint64_t hash) {
    size_t mask = map->nb_slot - 1, i = (size_t)hash & mask;
    for (; map->slot[i] != 0; i = (i + 1) & mask) {
        const dcpg_map_entry *entry = &map->entry[map->slot[i] - 1];
        if (entry->hash == hash && strcmp(map->text + entry->at, key) == 0) break;
    }
    return i;
}

/* Makes sure that the table has space for one more key. */
static dcpg_status widen_slots(dcpg_map *map, dcpg_err *err) {
    if (map->nb_slot > 0 && 3 * (map->n + 1) <= 2 * map->nb_slot) return DCPG_OK;
    size_t nb = map->nb_slot > 0 ? 2 * map->nb_slot : FIRST_SLOTS, mask = nb - 1;
    size_t *slot = dcpg_alloc(nb, sizeof *slot);
    if (!slot) return dcpg_fail_nomem(err, "a table of names", (unsigned long long)nb * sizeof *slot);
    for (size_t k = 0; k < map->n; k++) {
        size_t i = (size_t)map->entry[k].hash & mask;
        while (slot[i] != 0) i = (i + 1) & mask;
        slot[i] = k + 1;
    }
    dcpg_free(map->slot);
    map->slot = slot;
    map->nb_slot = nb;
    return DCPG_OK;
}

static dcpg_status widen_entries(dcpg_map *map, size_t bytes, dcpg_err *err) {
    if (map->n == map->capacity) {
        size_t capacity = map->capacity > 0 ? 2 * map->capacity : FIRST_SLOTS;
        dcpg_map_entry *entry = dcpg_realloc(map->entry, map->n, capacity, sizeof *entry);
        if (!entry)
            return dcpg_fail_nomem(err, "a table of names", (unsigned long long)capacity * sizeof *entry);
        map->entry = entry;
        map->capacity = capacity;
    }
    if (map->used + bytes > map->text_capacity) {
        size_t capacity = 2 * map->text_capacity > map->used + bytes ? 2 * map->text_capacity
                                                                     : map->used + bytes + 16 * FIRST_SLOTS;
        char *text = dcpg_realloc(map->text, map->used, capacity, 1);
        if (!text) return dcpg_fail_nomem(err, "names", (unsigned long long)capacity);
        map->text = text;
        map->text_capacity = capacity;
    }
    return DCPG_OK;
}

dcpg_status dcpg_map_set(dcpg_map *map, const char *key, int64_t value, dcpg_err *err) {
    if (map->seed == 0) map->seed = dcpg_mix((uint64_t)(uintptr_t)map, 1) | 1;
    DCPG_TRY(widen_slots(map, err));
    uint64_t hash = hash_of(map, key);
    size_t slot = slot_of(map, key, hash), bytes = strlen(key) + 1;
    if (map->slot[slot] != 0) {
        map->entry[map->slot[slot] - 1].value = value;
        return DCPG_OK;
    }
    DCPG_TRY(widen_entries(map, bytes, err));
    memcpy(map->text + map->used, key, bytes);
    map->entry[map->n] = (dcpg_map_entry){hash, map->used, value};
    map->used += bytes;
    map->slot[slot] = ++map->n;
    return DCPG_OK;
}

int64_t dcpg_map_get(const dcpg_map *map, const char *key, int64_t absent) {
    if (map->n == 0) return absent;
    size_t slot = map->slot[slot_of(map, key, hash_of(map, key))];
    return slot != 0 ? map->entry[slot - 1].value : absent;
}

const char *dcpg_map_key(const dcpg_map *map, size_t i) { return map->text + map->entry[i].at; }

void dcpg_map_free(dcpg_map *map) {
    dcpg_free(map->entry);
    dcpg_free(map->text);
    dcpg_free(map->slot);
    *map = (dcpg_map){0};
}

dcpg_status dcpg_map_index(dcpg_map *map, const dcpg_strings *list, dcpg_err *err) {
    for (size_t i = 0; i < list->n; i++)
        if (dcpg_map_get(map, list->v[i], -1) < 0) DCPG_TRY(dcpg_map_set(map, list->v[i], (int64_t)i, err));
    return DCPG_OK;
}
