/* SPDX-License-Identifier: MIT */
/* Scores of classes over the sites of all ranks. */
#include "analysis/ranking.h"
#include "base/number.h"
#include "base/sorter.h"

#include <dcpg/memory.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Memory for sorting by default. */
static const size_t BYTES = (size_t)256 << 20;

/* Pooled predictions are counted by the upper bits of their keys. */
enum { BIN_BITS = 16, NB_BIN = 1 << BIN_BITS };

typedef int64_t label_counts[2];

/* Sorted items, equal predictions of an output joined. */
typedef struct reader {
    dcpg_sorter *sorter;
    uint64_t item; /* the next one, if there is `any` */
    bool any;
} reader;

struct dcpg_ranking {
    dcpg_ranking_options options;
    const dcpg_par *par;
    uint64_t *item; /* [nb_item] added since the last exchange */
    size_t nb_item, capacity;
    dcpg_sorter *sorter;  /* of the outputs that this rank owns */
    label_counts *labels; /* [nb_output] numbers without NaN, of outputs owned */
    dcpg_sorter *pool;    /* of the pooled ones among them */
    reader again;         /* of the sorter, for visits after the sums */
    label_counts *bin;    /* [nb_pool][NB_BIN] of the pools, of all ranks */
    int64_t most;         /* labels of a turn of the pooled exchange, unless a bin has more */
};

/* ---- items: output or pool, 31 bits; key of the prediction, 32; label, 1 ---- */

/* A number that is ordered as the float is; the highest ones are NaN. */
static uint32_t key_of(float x) {
    uint32_t bits;
    if (isnan(x)) return UINT32_MAX;
    x += 0.0f; /* no -0 */
    memcpy(&bits, &x, sizeof bits);
    return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

static float prediction_of(uint32_t key) {
    float x;
    if (key == UINT32_MAX) return NAN;
    uint32_t bits = key >> 31 ? key & ~(UINT32_C(1) << 31) : ~key;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int output_of(uint64_t item) { return (int)(item >> 33); }
static uint32_t item_key(uint64_t item) { return (uint32_t)(item >> 1); }
static int label_of(uint64_t item) { return (int)(item & 1); }
static int owner_of(const dcpg_ranking *r, uint64_t item) { return output_of(item) % r->par->size; }

/* ---- collecting ---- */

dcpg_status dcpg_ranking_new(const dcpg_ranking_options *options, const dcpg_par *par, dcpg_ranking **ranking,
                             dcpg_err *err) {
    dcpg_ranking *r = dcpg_alloc(1, sizeof *r);
    if (!r) return dcpg_fail_nomem(err, "scores", sizeof *r);
    size_t bytes = options->bytes ? options->bytes : BYTES;
    *r = (dcpg_ranking){.options = *options, .par = par, .most = (int64_t)(bytes / 64)};
    r->labels = dcpg_alloc((size_t)options->nb_output, sizeof *r->labels);
    r->bin = dcpg_alloc((size_t)options->nb_pool * NB_BIN, sizeof *r->bin);
    dcpg_status status =
        r->labels && r->bin ? DCPG_OK : dcpg_fail_nomem(err, "scores", NB_BIN * sizeof *r->bin);
    if (status == DCPG_OK) status = dcpg_sorter_new(bytes / 2, options->path, &r->sorter, err);
    if (status == DCPG_OK) status = dcpg_sorter_new(bytes / 2, options->path, &r->pool, err);
    if (status == DCPG_OK)
        *ranking = r;
    else
        dcpg_ranking_free(r);
    return status;
}

void dcpg_ranking_free(dcpg_ranking *r) {
    if (!r) return;
    dcpg_sorter_free(r->sorter);
    dcpg_sorter_free(r->pool);
    dcpg_free(r->item);
    dcpg_free(r->labels);
    dcpg_free(r->bin);
    dcpg_free(r);
}

dcpg_status dcpg_ranking_add(dcpg_ranking *r, int output, bool positive, float prediction, dcpg_err *err) {
    if (r->nb_item == r->capacity) {
        size_t capacity = 2 * r->capacity + 4096;
        uint64_t *grown = dcpg_grow(r->item, capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "scores", capacity * sizeof *grown);
        r->item = grown;
        r->capacity = capacity;
    }
    r->item[r->nb_item++] = (uint64_t)output << 33 | (uint64_t)key_of(prediction) << 1 | positive;
    return DCPG_OK;
}

/* Takes over items of outputs that this rank owns. */
static dcpg_status receive(dcpg_ranking *r, const uint64_t *item, size_t n, dcpg_err *err) {
    for (size_t i = 0; i < n; i++) {
        DCPG_TRY(dcpg_sorter_add(r->sorter, item[i], err));
        if (item_key(item[i]) != UINT32_MAX) r->labels[output_of(item[i])][label_of(item[i])]++;
    }
    return DCPG_OK;
}

/* Orders the items by owner: packed[nb_item], and where those of each rank begin, at[size + 1]. */
static void pack(const dcpg_ranking *r, uint64_t *packed, size_t *at) {
    memset(at, 0, ((size_t)r->par->size + 1) * sizeof *at);
    for (size_t i = 0; i < r->nb_item; i++) at[owner_of(r, r->item[i]) + 1]++;
    for (int p = 0; p < r->par->size; p++) at[p + 1] += at[p];
    for (size_t i = 0; i < r->nb_item; i++) packed[at[owner_of(r, r->item[i])]++] = r->item[i];
    for (int p = r->par->size; p > 0; p--) at[p] = at[p - 1];
    at[0] = 0;
}

/* Elements for all ranks: those from at[p] to at[p + 1] are for rank p. */
typedef struct sending {
    const void *data;
    size_t size; /* bytes of an element */
    size_t *at;  /* [ranks + 1] */
} sending;

/* Receives `*n` elements into `*out` (dcpg_free), in rank order. Collective. */
static dcpg_status send_all(const dcpg_par *par, const sending *s, void **out, size_t *n, dcpg_err *err) {
    size_t ranks = (size_t)par->size, *first = dcpg_alloc(3 * ranks, sizeof *first);
    size_t *bytes = first + ranks, *received = bytes + ranks;
    *out = NULL;
    *n = 0;
    DCPG_TRY(dcpg_agree_all(par, first ? DCPG_OK : dcpg_fail_nomem(err, "scores", ranks * 24), err));
    for (size_t p = 0; p < ranks; p++) {
        first[p] = s->at[p] * s->size;
        bytes[p] = s->at[p + 1] * s->size - first[p];
    }
    dcpg_status status =
        dcpg_alltoallv_all(par, &(dcpg_par_parts){s->data, first, bytes}, out, received, err);
    for (size_t p = 0; p < ranks && status == DCPG_OK; p++) *n += received[p] / s->size;
    dcpg_free(first);
    return status;
}

dcpg_status dcpg_ranking_exchange_all(dcpg_ranking *r, dcpg_err *err) {
    const dcpg_par *par = r->par;
    uint64_t *packed = dcpg_alloc(r->nb_item, sizeof *packed);
    size_t *at = dcpg_alloc((size_t)par->size + 1, sizeof *at), n;
    void *received = NULL;
    dcpg_status status = packed && at ? DCPG_OK : dcpg_fail_nomem(err, "scores", r->nb_item * sizeof *packed);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        pack(r, packed, at);
        status = send_all(par, &(sending){packed, sizeof *packed, at}, &received, &n, err);
    }
    if (status == DCPG_OK) status = dcpg_agree_all(par, receive(r, received, n, err), err);
    r->nb_item = 0;
    dcpg_free(received);
    dcpg_free(packed);
    dcpg_free(at);
    return status;
}

/* ---- reading in order ---- */

static dcpg_status start_reading(reader *in, dcpg_sorter *sorter, dcpg_err *err) {
    in->sorter = sorter;
    DCPG_TRY(dcpg_sorter_start(sorter, err));
    return dcpg_sorter_next(sorter, &in->item, &in->any, err);
}

/* Reads the next distinct prediction of an output; there must be one. */
static dcpg_status read_ranked(reader *in, dcpg_ranked *ranked, dcpg_err *err) {
    uint64_t same = in->item >> 1;
    *ranked = (dcpg_ranked){.prediction = prediction_of(item_key(in->item))};
    while (in->any && in->item >> 1 == same) {
        *(label_of(in->item) ? &ranked->up : &ranked->down) += 1;
        DCPG_TRY(dcpg_sorter_next(in->sorter, &in->item, &in->any, err));
    }
    return DCPG_OK;
}

static int bin_of(float prediction) { return (int)(key_of(prediction) >> (32 - BIN_BITS)); }

static dcpg_status add_to_pool(dcpg_ranking *r, int pool, dcpg_ranked ranked, dcpg_err *err) {
    if (pool < 0 || isnan(ranked.prediction)) return DCPG_OK;
    int64_t *count = r->bin[(size_t)pool * NB_BIN + (size_t)bin_of(ranked.prediction)];
    uint64_t item = (uint64_t)pool << 33 | (uint64_t)key_of(ranked.prediction) << 1;
    for (int64_t i = 0; i < ranked.down; i++) DCPG_TRY(dcpg_sorter_add(r->pool, item, err));
    for (int64_t i = 0; i < ranked.up; i++) DCPG_TRY(dcpg_sorter_add(r->pool, item | 1, err));
    count[0] += ranked.down;
    count[1] += ranked.up;
    return DCPG_OK;
}

/* Scores the outputs that this rank owns. Local. */
static dcpg_status score_owned(dcpg_ranking *r, const dcpg_ranking_visitor *visitor, dcpg_class_sums *sums,
                               dcpg_err *err) {
    reader in;
    DCPG_TRY(start_reading(&in, r->sorter, err));
    while (in.any) {
        int output = output_of(in.item);
        dcpg_class_stream stream = {.up = r->labels[output][1], .down = r->labels[output][0]};
        while (in.any && output_of(in.item) == output) {
            dcpg_ranked ranked;
            DCPG_TRY(read_ranked(&in, &ranked, err));
            if (visitor) visitor->visit(visitor->context, output, &stream, ranked);
            dcpg_class_add(&stream, ranked);
            DCPG_TRY(add_to_pool(r, r->options.pool[output], ranked, err));
        }
        sums[output] = stream.sums;
    }
    return DCPG_OK;
}

dcpg_status dcpg_ranking_visit(dcpg_ranking *r, int output, const dcpg_ranking_visitor *visitor,
                               dcpg_err *err) {
    reader *in = &r->again;
    dcpg_class_stream stream = {.up = r->labels[output][1], .down = r->labels[output][0]};
    if (!in->sorter) DCPG_TRY(start_reading(in, r->sorter, err));
    while (in->any && output_of(in->item) <= output) {
        bool wanted = output_of(in->item) == output;
        dcpg_ranked ranked;
        DCPG_TRY(read_ranked(in, &ranked, err));
        if (!wanted) continue;
        visitor->visit(visitor->context, output, &stream, ranked);
        dcpg_class_add(&stream, ranked);
    }
    return DCPG_OK;
}

/* ---- the pooled scores ---- */

/* A turn: the bins whose predictions are exchanged, rank p taking those from border[p] to border[p + 1]. */
typedef struct turn {
    int pool, first, end;
    int *border;       /* [ranks + 1] */
    size_t *at;        /* [ranks + 1] of the list */
    dcpg_ranked *list; /* this rank's predictions in these bins */
    size_t n, capacity;
} turn;

static const label_counts *bins_of(const dcpg_ranking *r, int pool) {
    return (const label_counts *)r->bin + (size_t)pool * NB_BIN;
}

static int64_t in_bin(const label_counts *bin, int b) { return bin[b][0] + bin[b][1]; }

/* Chooses bins from `first` on, at least one, and shares them out evenly by their labels. */
static void choose_bins(const dcpg_ranking *r, turn *t, int first) {
    const label_counts *bin = bins_of(r, t->pool);
    int64_t n = 0, before = 0;
    int b = first, p = 0;
    for (; b == first || (b < NB_BIN && n + in_bin(bin, b) <= r->most); b++) n += in_bin(bin, b);
    t->first = first;
    t->end = b;
    t->n = 0;
    for (b = first; b < t->end; b++) {
        while (p < r->par->size && before >= dcpg_part(n, p, r->par->size)) t->border[p++] = b;
        before += in_bin(bin, b);
    }
    while (p <= r->par->size) t->border[p++] = t->end;
}

/* Reads this rank's predictions in the bins. Local. */
static dcpg_status read_bins(const dcpg_ranking *r, turn *t, reader *in, dcpg_err *err) {
    int p = 0;
    while (in->any && output_of(in->item) == t->pool && bin_of(prediction_of(item_key(in->item))) < t->end) {
        if (t->n == t->capacity) {
            size_t capacity = 2 * t->capacity + 4096;
            dcpg_ranked *grown = dcpg_grow(t->list, capacity, sizeof *grown);
            if (!grown) return dcpg_fail_nomem(err, "pooled scores", capacity * sizeof *grown);
            t->list = grown;
            t->capacity = capacity;
        }
        dcpg_ranked *ranked = &t->list[t->n];
        DCPG_TRY(read_ranked(in, ranked, err));
        while (p <= r->par->size && bin_of(ranked->prediction) >= t->border[p]) t->at[p++] = t->n;
        t->n++;
    }
    while (p <= r->par->size) t->at[p++] = t->n;
    return DCPG_OK;
}

static int compare_ranked(const void *a, const void *b) {
    float x = ((const dcpg_ranked *)a)->prediction, y = ((const dcpg_ranked *)b)->prediction;
    return (x > y) - (x < y);
}

/* Adds the predictions of all ranks in this rank's bins to the sums of `stream`. Local. */
static void score_bins(const dcpg_ranking *r, const turn *t, dcpg_ranked *ranked, size_t n,
                       dcpg_class_stream *stream) {
    stream->up_below = stream->down_below = 0;
    for (int b = 0; b < t->border[r->par->rank]; b++) {
        stream->down_below += bins_of(r, t->pool)[b][0];
        stream->up_below += bins_of(r, t->pool)[b][1];
    }
    qsort(ranked, n, sizeof *ranked, compare_ranked);
    for (size_t i = 0, end; i < n; i = end) {
        dcpg_ranked joined = ranked[i];
        for (end = i + 1; end < n && ranked[end].prediction == joined.prediction; end++) {
            joined.up += ranked[end].up;
            joined.down += ranked[end].down;
        }
        dcpg_class_add(stream, joined);
    }
}

/* Collective. */
static dcpg_status turn_all(const dcpg_ranking *r, turn *t, reader *in, dcpg_class_stream *stream,
                            dcpg_err *err) {
    void *received = NULL;
    size_t n;
    DCPG_TRY(dcpg_agree_all(r->par, read_bins(r, t, in, err), err));
    const sending parts = {t->list, sizeof *t->list, t->at};
    DCPG_TRY(send_all(r->par, &parts, &received, &n, err));
    score_bins(r, t, received, n, stream);
    dcpg_free(received);
    return DCPG_OK;
}

static dcpg_status start_turns(const dcpg_ranking *r, turn *t, reader *in, dcpg_err *err) {
    size_t borders = (size_t)r->par->size + 1;
    t->border = dcpg_alloc(borders, sizeof *t->border);
    t->at = dcpg_alloc(borders, sizeof *t->at);
    if (!t->border || !t->at) return dcpg_fail_nomem(err, "pooled scores", borders * 12);
    return start_reading(in, r->pool, err);
}

/* The sums of one pool. Collective. */
static dcpg_status score_pool_all(const dcpg_ranking *r, turn *t, reader *in, dcpg_class_sums *sums,
                                  dcpg_err *err) {
    dcpg_class_stream stream = {0};
    dcpg_status status = DCPG_OK;
    for (int b = 0; b < NB_BIN; b++) {
        stream.down += bins_of(r, t->pool)[b][0];
        stream.up += bins_of(r, t->pool)[b][1];
    }
    for (int first = 0; first < NB_BIN && status == DCPG_OK; first = t->end) {
        choose_bins(r, t, first);
        status = turn_all(r, t, in, &stream, err);
    }
    *sums = stream.sums;
    return status;
}

/* The sums of all pools: sums[nb_pool]. Collective. */
static dcpg_status score_pools_all(dcpg_ranking *r, dcpg_class_sums *sums, dcpg_err *err) {
    turn t = {0};
    reader in = {0};
    dcpg_sum_i64s_all(r->par, (int64_t *)r->bin, 2 * (size_t)r->options.nb_pool * NB_BIN);
    dcpg_status status = dcpg_agree_all(r->par, start_turns(r, &t, &in, err), err);
    for (; t.pool < r->options.nb_pool && status == DCPG_OK; t.pool++)
        status = score_pool_all(r, &t, &in, &sums[t.pool], err);
    dcpg_free(t.border);
    dcpg_free(t.at);
    dcpg_free(t.list);
    return status;
}

dcpg_status dcpg_ranking_sums_all(dcpg_ranking *r, const dcpg_ranking_visitor *visitor, dcpg_class_sums *sums,
                                  dcpg_err *err) {
    size_t nb = (size_t)r->options.nb_output, rows = nb + (size_t)r->options.nb_pool;
    DCPG_TRY(dcpg_ranking_exchange_all(r, err));
    memset(sums, 0, rows * sizeof *sums);
    DCPG_TRY(dcpg_agree_all(r->par, score_owned(r, visitor, sums, err), err));
    DCPG_TRY(score_pools_all(r, sums + nb, err));
    for (size_t o = 0; o < nb; o++)
        if (r->options.pool[o] >= 0) sums[nb + (size_t)r->options.pool[o]].nb_nan += sums[o].nb_nan;
    /* All are sums of integers, and those of an output are 0 on all ranks but one. */
    dcpg_sum_i64s_all(r->par, (int64_t *)sums, rows * sizeof *sums / sizeof(int64_t));
    return DCPG_OK;
}
