/* SPDX-License-Identifier: MIT */
/* Which calls are hidden together. */
#include "data/hide.h"

#include <dcpg/rng.h>

uint64_t dcpg_hiding_cell(const dcpg_hiding *hiding, const char *cell) {
    return dcpg_mix(hiding->seed, dcpg_hash(cell));
}

uint64_t dcpg_hiding_key(const dcpg_hiding *hiding, const char *cell, const char *chromo) {
    return dcpg_mix(dcpg_hiding_cell(hiding, cell), dcpg_hash(chromo));
}

int64_t dcpg_hiding_part(const dcpg_hiding *hiding, uint64_t key, int32_t pos) {
    return 1 + (int64_t)((dcpg_mix(key, (uint64_t)pos) >> 32) * (uint64_t)hiding->parts >> 32);
}
