/* SPDX-License-Identifier: MIT */
/* Batch sources: windows, neighbours and labels for training and evaluation. The store and DeepCpG's files
 * implement the same interface. A source presents its sites as samples 0 .. nb_site-1 in genome order (or
 * file order); windows are cut on demand. */
#ifndef DCPG_SOURCE_H
#define DCPG_SOURCE_H

#include <dcpg/api.h>
#include <dcpg/log.h>
#include <dcpg/par.h>
#include <dcpg/store.h>
#include <dcpg/text.h>
#include <stdbool.h>
#include <stdint.h>

DCPG_BEGIN_C

/* Arrays of this rank's part of a batch, reused from step to step. Sources do not fill arrays that are
 * NULL. */
typedef struct dcpg_batch {
    int64_t n, capacity; /* samples held, and how many fit */
    int64_t *id;         /* [capacity] sample numbers (global) */
    uint8_t *dna;        /* [capacity][dna_wlen] codes A0 T1 G2 C3 N4; NULL if not wanted */
    float *cpg; /* [capacity][nb_cell][2 * cpg_wlen]: states then distances min(d, 25000) / 25000; missing: 0
                   (0.5 for a continuous cell) and 1; raw: distances in bp, missing: -1 and -1; NULL if not
                   wanted */
    float *label; /* [capacity][nb_output]; -1: missing */
} dcpg_batch;

/* Calls that can be hidden, so that states are predicted as if they were not known. Every call is in one of
 * `parts` parts, numbered from 1, which seed, cell, chromosome and position choose: it does not matter what
 * else the data hold. */
typedef struct dcpg_hiding {
    int64_t parts; /* 0: no call is ever hidden */
    uint64_t seed;
} dcpg_hiding;

/* A number for the calls of a cell on a chromosome; and the part of such a call at a 1-based position.
 * Pure. */
DCPG_API uint64_t dcpg_hiding_key(const dcpg_hiding *hiding, const char *cell, const char *chromo);
DCPG_API int64_t dcpg_hiding_part(const dcpg_hiding *hiding, uint64_t key, int32_t pos);

/* The data wanted of each site. */
typedef struct dcpg_want {
    int64_t dna_wlen;          /* odd; 0: no DNA */
    int64_t cpg_wlen;          /* even; 0: no neighbours */
    const dcpg_strings *cells; /* cells whose neighbours are wanted, in this order; NULL: all of the source */
    const dcpg_strings *outputs; /* labels, in this order; NULL: all */
    bool raw;                    /* neighbours as DeepCpG data files hold them: see dcpg_batch */
    bool annos;                  /* annotations of the sites, too */
    dcpg_hiding hiding;          /* calls that will be hidden; stores only */
} dcpg_want;

typedef struct dcpg_source dcpg_source;

typedef struct dcpg_source_ops {
    /* Fills rows [0, nb) of the batch with samples sample[nb], each inside the range this rank loaded.
     * Threads itself; Local. */
    dcpg_status (*fill)(dcpg_source *source, int64_t nb, const int64_t *sample, dcpg_batch *batch,
                        dcpg_err *err);
    /* Loads the data of samples [first, end) on this rank, including margins, and drops data loaded before.
     * The range may be empty. Collective. */
    dcpg_status (*load_all)(dcpg_source *source, int64_t first, int64_t end, dcpg_err *err);
    /* Chromosome (index into source->chromo) and 1-based position of samples [first, end) into chromo[],
     * pos[]; inside the loaded range. Local. */
    dcpg_status (*where)(dcpg_source *source, int64_t first, int64_t end, int32_t *chromo, int32_t *pos,
                         dcpg_err *err);
    /* Counts of observed labels over samples [first, end) of the loaded range, per output and class, for
     * class weights: count[nb_output][3] (rounded label 0, 1, 2). Local. */
    dcpg_status (*count_labels)(dcpg_source *source, int64_t first, int64_t end, int64_t *count,
                                dcpg_err *err);
    /* Whether samples sample[nb], inside the loaded range, lie in the source's annotations: out[nb][annos.n],
     * 0 or 1. Local. */
    dcpg_status (*inside)(dcpg_source *source, int64_t nb, const int64_t *sample, uint8_t *out,
                          dcpg_err *err);
    void (*close)(dcpg_source *source);
    /* Digests of the values that the source reads: words "PART:digest" (free with dcpg_free). NULL: the
     * source has none, and the caller compares samples instead. Collective. */
    dcpg_status (*digest_all)(dcpg_source *source, char **text, dcpg_err *err);
} dcpg_source_ops;

struct dcpg_source {
    const dcpg_source_ops *ops;
    const dcpg_par *par;
    int64_t nb_site;            /* samples */
    dcpg_strings chromo;        /* chromosome names */
    dcpg_strings fasta_name;    /* [chromo.n] names of the chromosomes in FASTA files; empty: unknown */
    int64_t *length;            /* [chromo.n] bases of the chromosomes; NULL: unknown */
    dcpg_strings cells;         /* cells whose neighbours are given, in order */
    dcpg_strings outputs;       /* outputs whose labels are given, in order */
    int64_t dna_wlen, cpg_wlen; /* as wanted */
    bool raw;                   /* as wanted */
    dcpg_strings annos;         /* annotations, where wanted */
    char *checksum;             /* of the underlying data; hex */
    int64_t loaded_first, loaded_end;
    dcpg_hiding hiding; /* as wanted */
    int64_t hidden; /* the part whose calls are no neighbours in what `fill` gives from now on, 0: none; the
                       caller sets it. A cell's neighbours are then looked for among its cpg_wlen + 64 nearest
                       calls on either side, hidden ones included. Labels are never hidden */
    dcpg_log *log;  /* receives sizes in memory (debug level); NULL, the initial value: silence; the caller
                       sets it */
};

/* Makes a source of the sites of a store on `chromos` (empty or NULL: all), in the store's order; free with
 * dcpg_source_close. DCPG_E_INPUT: an unknown chromosome (the message lists the known ones), or DNA wanted
 * from a store without DNA. The store must outlive the source. Collective. */
DCPG_API dcpg_status dcpg_source_from_store_all(dcpg_store *store, const dcpg_strings *chromos,
                                                const dcpg_want *want, dcpg_source **source, dcpg_err *err);
DCPG_API void dcpg_source_close(dcpg_source *source);

/* A batch with space for `capacity` samples of `source`; free with dcpg_batch_free. Local. */
DCPG_API dcpg_status dcpg_batch_new(const dcpg_source *source, int64_t capacity, dcpg_batch **batch,
                                    dcpg_err *err);
DCPG_API void dcpg_batch_free(dcpg_batch *batch);

/* ---- shards: which rank reads which samples, in which order ---- */

/* V contiguous shards of the first nb_site samples, with equal numbers of sites: shard v holds samples
 * dcpg_part(nb_site, v, V) .. dcpg_part(nb_site, v + 1, V) - 1; rank r owns shards dcpg_part(V, r, P) ..
 * dcpg_part(V, r + 1, P) - 1. Pure functions of these numbers. */
typedef struct dcpg_shards {
    int total;      /* V */
    int first, end; /* this rank's */
    int64_t nb_site;
    int64_t batch; /* global batch size B >= V */
    uint64_t seed;
    bool shuffle;    /* false: steps take the samples in order, see dcpg_shards_step */
    int64_t epoch;   /* of `order` */
    int64_t **order; /* [end - first] permutation of each shard's samples in this epoch; drawn by
                        dcpg_shards_start_epoch; none without shuffling */
    int nb_block;    /* leaves of each shard, see dcpg_shards_cut */
    int64_t *row;    /* [(end - first) * nb_block + 1] rows of the leaves in the current step */
} dcpg_shards;

typedef struct dcpg_shards_options {
    int total;              /* V */
    int64_t nb_site, batch; /* sites; global batch size */
    uint64_t seed;          /* of the orders */
    bool shuffle;           /* false: steps take the samples in order */
} dcpg_shards_options;

/* Makes the shards of this rank; free with dcpg_shards_free. If V > sites some shards are empty, which is
 * allowed for sweeps, and for steps without shuffling. DCPG_E_INPUT: no sites, V > B, more ranks than V.
 * Local. */
DCPG_API dcpg_status dcpg_shards_new(const dcpg_par *par, const dcpg_shards_options *options,
                                     dcpg_shards **shards, dcpg_err *err);
DCPG_API void dcpg_shards_free(dcpg_shards *shards);

/* Cuts every shard's samples of a step into nb_block leaves instead of one: of n samples leaf k has samples
 * dcpg_part(n, k, nb_block) .. dcpg_part(n, k + 1, nb_block) - 1. Each shard keeps its samples. Local. */
DCPG_API dcpg_status dcpg_shards_cut(dcpg_shards *shards, int nb_block, dcpg_err *err);

/* Range of samples that this rank's shards cover, which sweeps read. Pure. */
DCPG_API void dcpg_shards_range(const dcpg_shards *shards, int64_t *first, int64_t *end);

/* Range of samples that steps may take on this rank: that of its shards, or all samples without shuffling.
 * Pure. */
DCPG_API void dcpg_shards_step_range(const dcpg_shards *shards, int64_t *first, int64_t *end);

/* Draws the order of the epoch, a function of seed, epoch and shard only. Local. */
DCPG_API dcpg_status dcpg_shards_start_epoch(dcpg_shards *shards, int64_t epoch, dcpg_err *err);

DCPG_API int64_t
dcpg_shards_steps(const dcpg_shards *shards); /* steps per epoch: floor(nb_site / batch), at least 1 */
DCPG_API int64_t dcpg_shards_max_share(const dcpg_shards *shards); /* most samples of this rank in a step */

/* Samples of this rank in step `step` of the epoch into sample[], ordered by shard; fills shards->row;
 * returns their number. Shard v gives floor((v+1)B/V) - floor(vB/V) samples to each step, taken from its
 * order, which starts over at its end. Without shuffling the step's samples are step * B .. step * B + B - 1
 * (starting over after the last sample), and part v of them is shard v's: step * B + floor(vB/V) .. step * B
 * + floor((v+1)B/V) - 1. Local. */
DCPG_API int64_t dcpg_shards_step(dcpg_shards *shards, int64_t step, int64_t *sample);

/* Validation: every sample once, shard by shard in order: block `step` of ceil(largest shard / ceil(B/V));
 * fills sample[] and row; shards may have no samples left in the last steps. Local. */
DCPG_API int64_t dcpg_shards_sweep_steps(const dcpg_shards *shards);
DCPG_API int64_t dcpg_shards_sweep(dcpg_shards *shards, int64_t step, int64_t *sample);

DCPG_END_C

#endif
