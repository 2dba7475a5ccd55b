/* SPDX-License-Identifier: MIT */
/* Packs calls into bytes: a cell with a million calls takes two megabytes, not eight. */
#include "store/make/make_impl.h"

#include <dcpg/memory.h>
#include <string.h>

enum { MAX_BYTES = 5 }; /* per call: 32 bits, seven per byte */

static size_t put(uint8_t *to, uint32_t x) {
    size_t n = 0;
    for (; x >= 128; x >>= 7) to[n++] = (uint8_t)(x | 128);
    to[n++] = (uint8_t)x;
    return n;
}

unpacking dcpg_start_unpacking(const packed_calls *calls) {
    return (unpacking){.next = calls->bytes, .left = calls->n};
}

bool dcpg_unpack_call(unpacking *u) {
    if (u->left == 0) return false;
    u->left--;
    uint32_t x = 0;
    for (int bit = 0;; bit += 7) {
        uint8_t byte = *u->next++;
        x |= (uint32_t)(byte & 127) << bit;
        if (byte < 128) break;
    }
    u->pos += (int32_t)(x >> 1);
    u->state = x & 1;
    return true;
}

static dcpg_status pack_calls(const dcpg_calls *calls, packed_calls *packed, dcpg_err *err) {
    uint8_t *bytes = dcpg_alloc((size_t)calls->n, MAX_BYTES);
    packed->name = dcpg_strdup(calls->chromo);
    if (!bytes || !packed->name) {
        dcpg_free(bytes);
        return dcpg_fail_nomem(err, "calls", (size_t)calls->n * MAX_BYTES);
    }
    size_t used = 0;
    int32_t before = 0;
    for (int64_t i = 0; i < calls->n; i++) {
        uint32_t distance = (uint32_t)(calls->pos[i] - before),
                 state = calls->value[i] > 0.5f; /* rounds half to even: 0.5 becomes 0 */
        used += put(bytes + used, distance << 1 | state);
        before = calls->pos[i];
    }
    packed->n = calls->n;
    packed->first = calls->pos[0];
    packed->last = before;
    packed->bytes = dcpg_realloc(bytes, used, used, 1);
    if (!packed->bytes) packed->bytes = bytes;
    return DCPG_OK;
}

bool dcpg_make_wants(const making *m, const char *chromo) {
    return m->wanted.n == 0 || dcpg_strings_find_sorted(&m->wanted, chromo) >= 0;
}

static bool is_wanted(const making *m, const dcpg_calls *calls) { return dcpg_make_wants(m, calls->chromo); }

dcpg_status dcpg_pack_profile(const making *m, const dcpg_profile *profile, packed_cell *cell,
                              dcpg_err *err) {
    int64_t n = 0;
    for (int c = 0; c < profile->nb_chromo; c++)
        n += is_wanted(m, &profile->chromo[c]) ? profile->chromo[c].n : 0;
    cell->binary = profile->binary;
    cell->chromo = dcpg_alloc((size_t)profile->nb_chromo, sizeof *cell->chromo);
    if (!cell->binary) cell->value = dcpg_alloc((size_t)n, sizeof *cell->value);
    if (!cell->chromo || (!cell->binary && !cell->value))
        return dcpg_fail_nomem(err, "calls", (size_t)n * sizeof *cell->value);
    for (int c = 0; c < profile->nb_chromo; c++) {
        const dcpg_calls *calls = &profile->chromo[c];
        if (!is_wanted(m, calls)) continue;
        if (cell->value) memcpy(cell->value + cell->n, calls->value, (size_t)calls->n * sizeof *cell->value);
        DCPG_TRY(pack_calls(calls, &cell->chromo[cell->nb_chromo++], err));
        cell->n += calls->n;
    }
    return DCPG_OK;
}

void dcpg_free_packed(packed_cell *cell) {
    for (int c = 0; cell->chromo && c < cell->nb_chromo; c++) {
        dcpg_free(cell->chromo[c].name);
        dcpg_free(cell->chromo[c].bytes);
    }
    dcpg_free(cell->chromo);
    dcpg_free(cell->value);
    *cell = (packed_cell){0};
}
