/* SPDX-License-Identifier: MIT */
/* Digest of the values in a data set, for any number of ranks: the digests that a store keeps about itself,
 * or digests of all samples used. */
#include "base/number.h"
#include "train/trainer.h"

#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <inttypes.h>
#include <string.h>

/* Samples processed at a time. */
enum { BLOCK = 256 };

enum { PART_POSITIONS, PART_LABELS, PART_DNA, PART_NEIGHBOURS, NB_PART };
static const char *const part_names[NB_PART] = {"positions", "labels", "DNA", "neighbours"};

static uint64_t hash_bytes(uint64_t start, const void *bytes, size_t n) {
    const unsigned char *from = bytes;
    uint64_t hash = start, word;
    for (; n >= sizeof word; n -= sizeof word, from += sizeof word) {
        memcpy(&word, from, sizeof word);
        hash = dcpg_mix(hash, word);
    }
    word = 0;
    memcpy(&word, from, n);
    return n ? dcpg_mix(hash, word) : hash;
}

/* Adds the samples of a batch, which are samples first, first + 1 ... of the source. */
static dcpg_status add_batch(dcpg_source *source, int64_t first, const dcpg_batch *batch,
                             uint64_t sum[NB_PART], dcpg_err *err) {
    int32_t chromo[BLOCK], pos[BLOCK];
    size_t nb_label = source->outputs.n, nb_cpg = source->cells.n * 2 * (size_t)source->cpg_wlen;
    DCPG_TRY(source->ops->where(source, first, first + batch->n, chromo, pos, err));
    for (int64_t i = 0; i < batch->n; i++) {
        uint64_t id = (uint64_t)(first + i);
        sum[PART_POSITIONS] +=
            dcpg_mix(dcpg_mix(id, dcpg_hash(source->chromo.v[chromo[i]])), (uint64_t)pos[i]);
        sum[PART_LABELS] += hash_bytes(id, batch->label + (size_t)i * nb_label, nb_label * sizeof(float));
        if (batch->dna)
            sum[PART_DNA] += hash_bytes(id, batch->dna + i * source->dna_wlen, (size_t)source->dna_wlen);
        if (batch->cpg)
            sum[PART_NEIGHBOURS] += hash_bytes(id, batch->cpg + (size_t)i * nb_cpg, nb_cpg * sizeof(float));
    }
    return DCPG_OK;
}

/* Adds this rank's samples. */
static dcpg_status add_samples(dcpg_source *source, const dcpg_shards *shards, uint64_t sum[NB_PART],
                               dcpg_err *err) {
    int64_t at, end, sample[BLOCK];
    dcpg_batch *batch = NULL;
    dcpg_shards_range(shards, &at, &end);
    DCPG_TRY(dcpg_batch_new(source, BLOCK, &batch, err));
    dcpg_status status = DCPG_OK;
    while (at < end && status == DCPG_OK) {
        int64_t n = min_i64(end - at, BLOCK);
        for (int64_t i = 0; i < n; i++) sample[i] = at + i;
        status = source->ops->fill(source, n, sample, batch, err);
        if (status == DCPG_OK) status = add_batch(source, at, batch, sum, err);
        at += n;
    }
    dcpg_batch_free(batch);
    return status;
}

static dcpg_status digest_samples_all(dcpg_source *source, const dcpg_shards *shards, char **text,
                                      dcpg_err *err) {
    uint64_t sum[NB_PART] = {0};
    DCPG_TRY(dcpg_agree_all(source->par, add_samples(source, shards, sum, err), err));
    int64_t bits[NB_PART];
    memcpy(bits, sum, sizeof bits);
    dcpg_sum_i64s_all(source->par, bits, NB_PART);
    *text = dcpg_strdup("");
    for (int i = 0; i < NB_PART && *text; i++) {
        char *longer =
            dcpg_format("%s%s%s:%016" PRIx64, *text, i ? " " : "", part_names[i], (uint64_t)bits[i]);
        dcpg_free(*text);
        *text = longer;
    }
    return dcpg_agree_all(source->par, *text ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", 128), err);
}

dcpg_status dcpg_trainer_digest_all(dcpg_source *source, const dcpg_shards *shards, char **text,
                                    dcpg_err *err) {
    return source->ops->digest_all ? source->ops->digest_all(source, text, err)
                                   : digest_samples_all(source, shards, text, err);
}

/* The entry of `text` that has the same name (up to the colon) as `word`; NULL: none. */
static const char *find_part(const char *text, const char *word) {
    size_t length = strcspn(word, ":") + 1;
    while (*text && strncmp(text, word, length) != 0) {
        text += strcspn(text, " ");
        text += *text == ' ';
    }
    return *text ? text : NULL;
}

/* Adds the names of the parts of `a` that `b` lacks or has with another digest. */
static dcpg_status add_differences(const char *a, const char *b, dcpg_strings *names, dcpg_err *err) {
    while (*a) {
        size_t length = strcspn(a, " ");
        const char *other = find_part(b, a);
        bool same = other && strcspn(other, " ") == length && strncmp(a, other, length) == 0;
        char *name = dcpg_strndup(a, strcspn(a, ": "));
        dcpg_status status = name ? DCPG_OK : dcpg_fail_nomem(err, "a name", length);
        if (name && !same && dcpg_strings_find(names, name) < 0) status = dcpg_strings_add(names, name, err);
        dcpg_free(name);
        DCPG_TRY(status);
        a += length;
        a += *a == ' ';
    }
    return DCPG_OK;
}

dcpg_status dcpg_trainer_digest_differences(const char *then, const char *now, dcpg_strings *names,
                                            dcpg_err *err) {
    DCPG_TRY(add_differences(now, then, names, err));
    return add_differences(then, now, names, err);
}
