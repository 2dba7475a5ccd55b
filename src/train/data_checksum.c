/* SPDX-License-Identifier: MIT */
/* Checksum that identifies a data set, for any number of ranks: the source's own checksum, mixed with sums
 * over the samples used. */
#include "base/number.h"
#include "train/trainer.h"

#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <inttypes.h>

/* Positions processed at a time. */
enum { BLOCK = 4096 };

/* Sum, over the samples, of a hash of sample, chromosome and position. */
static dcpg_status sum_positions(dcpg_source *source, int64_t first, int64_t end, uint64_t *sum,
                                 dcpg_err *err) {
    int32_t chromo[BLOCK], pos[BLOCK];
    for (int64_t at = first; at < end; at += BLOCK) {
        int64_t n = min_i64(end - at, BLOCK);
        DCPG_TRY(source->ops->where(source, at, at + n, chromo, pos, err));
        for (int64_t i = 0; i < n; i++)
            *sum += dcpg_mix(dcpg_mix((uint64_t)(at + i), dcpg_hash(source->chromo.v[chromo[i]])),
                             (uint64_t)pos[i]);
    }
    return DCPG_OK;
}

/* sums[1 + outputs * 3]: positions, then label counts by output and class. */
static dcpg_status sum_samples(dcpg_source *source, const dcpg_shards *shards, int64_t *sums, dcpg_err *err) {
    int64_t first, end;
    uint64_t positions = 0;
    dcpg_shards_range(shards, &first, &end);
    DCPG_TRY(sum_positions(source, first, end, &positions, err));
    sums[0] = (int64_t)positions;
    return source->ops->count_labels(source, first, end, sums + 1, err);
}

static uint64_t mix_names(uint64_t sum, const dcpg_strings *names) {
    for (size_t i = 0; i < names->n; i++) sum = dcpg_mix(sum, dcpg_hash(names->v[i]));
    return sum;
}

dcpg_status dcpg_trainer_checksum_all(const trainer *t, dcpg_source *source, const dcpg_shards *shards,
                                      char **checksum, dcpg_err *err) {
    size_t n = 1 + 3 * source->outputs.n;
    int64_t *sums = dcpg_alloc(n, sizeof *sums);
    dcpg_status status =
        sums ? sum_samples(source, shards, sums, err) : dcpg_fail_nomem(err, "a checksum", 8 * n);
    status = dcpg_agree_all(t->par, status, err);
    if (status == DCPG_OK) {
        dcpg_sum_i64s_all(t->par, sums, n);
        uint64_t sum = dcpg_mix(dcpg_hash(source->checksum), (uint64_t)shards->nb_site);
        sum = mix_names(mix_names(sum, &source->cells), &source->outputs);
        for (size_t i = 0; i < n; i++) sum = dcpg_mix(sum, (uint64_t)sums[i]);
        *checksum = dcpg_format("%016" PRIx64, sum);
        status = dcpg_agree_all(t->par, *checksum ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", 17), err);
    }
    dcpg_free(sums);
    return status == DCPG_OK ? dcpg_same_all(t->par, "data set (its checksum)", *checksum, err) : status;
}
