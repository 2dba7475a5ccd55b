/* SPDX-License-Identifier: MIT */
/* The map of a genome's CGs: one bit per base. */
#include "base/number.h"

#include <dcpg/genome.h>
#include <dcpg/memory.h>
#include <string.h>

const dcpg_cg_chromo *dcpg_cg_find(const dcpg_cg_map *map, const char *name) {
    int64_t low = 0, high = map->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int order = strcmp(name, map->chromo[middle].name);
        if (order == 0) return &map->chromo[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}

int64_t dcpg_cg_number(const dcpg_cg_map *map, const char *raw) {
    if (map->names) return dcpg_chromos_find(map->names, raw);
    char *name = dcpg_chromo_name(raw);
    const dcpg_cg_chromo *found = name ? dcpg_cg_find(map, name) : NULL;
    dcpg_free(name);
    return found ? found - map->chromo : DCPG_CHROMO_ABSENT;
}

char *dcpg_cg_some_names(const dcpg_cg_map *map, char *text, size_t size) {
    enum { MOST = 64 };
    const char *names[MOST];
    size_t n = (size_t)map->n;
    for (size_t i = 0; i < n && i < MOST; i++) names[i] = map->chromo[i].name;
    return dcpg_chromos_some(names, min_size(n, MOST), n, text, size);
}

/* Bases 32 i to 32 i + 31 (0-based), 2 bits each; beyond the end they are 0, which is A. */
static uint64_t bases_at(const dcpg_sequence *s, int64_t i) {
    uint64_t bases = 0;
    int64_t bytes = (s->length + 3) / 4, from = 8 * i;
    for (int64_t b = 0; b < 8 && from + b < bytes; b++) bases |= (uint64_t)s->packed[from + b] << 8 * b;
    return bases;
}

/* Packs the even bits of x into the lower 32 bits. */
static uint64_t squeeze(uint64_t x) {
    x &= 0x5555555555555555;
    x = (x | x >> 1) & 0x3333333333333333;
    x = (x | x >> 2) & 0x0F0F0F0F0F0F0F0F;
    x = (x | x >> 4) & 0x00FF00FF00FF00FF;
    x = (x | x >> 8) & 0x0000FFFF0000FFFF;
    return (x | x >> 16) & 0x00000000FFFFFFFF;
}

/* C is coded as 3 and G as 2; letters other than the four bases are packed as 0, so they match neither. */
void dcpg_cg_bits(const dcpg_sequence *sequence, uint64_t *bits) {
    int64_t n = (sequence->length + 31) / 32;
    memset(bits, 0, (size_t)(ceil_div(sequence->length, 64)) * sizeof *bits);
    uint64_t next = bases_at(sequence, 0);
    for (int64_t i = 0; i < n; i++) {
        uint64_t here = next, c = here & here >> 1;
        next = bases_at(sequence, i + 1);
        uint64_t follows = here >> 2 | next << 62, g = ~follows & follows >> 1;
        bits[i / 2] |= squeeze(c & g) << 32 * (i % 2);
    }
}
