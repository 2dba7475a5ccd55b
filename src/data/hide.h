/* SPDX-License-Identifier: MIT */
/* Which calls are hidden together. Private to this module. */
#ifndef DCPG_DATA_HIDE_H
#define DCPG_DATA_HIDE_H

#include <dcpg/source.h>

/* What a cell contributes to dcpg_hiding_key, which is dcpg_mix of it and the hash of the chromosome's name.
 * Pure. */
uint64_t dcpg_hiding_cell(const dcpg_hiding *hiding, const char *cell);

#endif
