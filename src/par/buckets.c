/* SPDX-License-Identifier: MIT */
/* Buckets: ranges of the gradients on their way through the stages of a route, without ever waiting. */
#include "base/number.h"
#include "par/sums_impl.h"
#include <assert.h>
#include <dcpg/bf16.h>
#include <stdatomic.h>
#include <string.h>

/* Shorter arrays are copied faster than threads can start. */
enum { THREADED_FROM = 1 << 16 };

static void copy_floats(float *to, const float *from, size_t count) {
#pragma omp parallel for simd if (count >= THREADED_FROM)
    for (size_t i = 0; i < count; i++) to[i] = from[i];
}

/* Values of the bucket at places [first, end). */
static dcpg_range at_places(const dcpg_par_sums *s, const bucket *b, int first, int end) {
    size_t block = b->task.range.offset / s->slices.block;
    return dcpg_range_common(b->task.range, dcpg_slice_run(&s->slices, block, first, end));
}

static dcpg_range peers_part(const dcpg_par_sums *s, const bucket *b, const dcpg_peer *peer) {
    return at_places(s, b, peer->first, peer->end);
}

static float *total_of(const bucket *b, size_t offset) { return b->task.array + offset; }

/* Stages before this one are left out, because the memory of the host takes their place. */
static int first_stage(const dcpg_par_sums *s, const bucket *b) {
    return s->in_memory && b->task.reduce ? s->way->nb_host_stage : 0;
}

static int nb_mine(const dcpg_stage *stage) { return stage->left ? stage->nb_left : stage->nb_right; }
static int nb_others(const dcpg_stage *stage) { return stage->left ? stage->nb_right : stage->nb_left; }

/* ---- messages of a bucket: floats straight from the gradients, or bf16, the floats' upper halves ---- */

static int tag_of(const bucket *b) { return 2 * (int)(b->number % NB_NUMBER) + (b->phase == GATHER ? 1 : 0); }

static bool halved(const dcpg_par_sums *s, const bucket *b) { return s->options.bf16 && b->task.reduce; }

/* Receives into `to`, or with bf16 into value `at` of b->in. */
static void receive(dcpg_par_sums *s, bucket *b, float *to, size_t at, size_t count, int from) {
    bool half = halved(s, b);
    MPI_Irecv(half ? (void *)(b->in + at) : to, (int)count, half ? MPI_UINT16_T : MPI_FLOAT, from, tag_of(b),
              s->comm, &b->requests[b->nb_request++]);
}

/* Sends values, with bf16 from value `at` of b->out, where they are packed. */
static void send(dcpg_par_sums *s, bucket *b, const float *from, size_t at, size_t count, int to) {
    bool half = halved(s, b);
    if (half) dcpg_bf16_pack(count, from, b->out + at);
    MPI_Isend(half ? (const void *)(b->out + at) : from, (int)count, half ? MPI_UINT16_T : MPI_FLOAT, to,
              tag_of(b), s->comm, &b->requests[b->nb_request++]);
    dcpg_sums_count(s, b->stage < s->way->nb_host_stage, count * (half ? sizeof *b->out : sizeof *from));
}

/* ---- merging ---- */

typedef struct joiner {
    float **part;
    bool *settled;
    size_t count;
    bool bf16;
} joiner;

static int settled_one(const bool *settled, int left, int right) {
    return settled[right] && !settled[left] ? right : left;
}

/* Adds in the memory of the gradients where one of the sums lies there: additions commute. */
static int join(void *context, int left, int right) {
    joiner *j = context;
    int to = settled_one(j->settled, left, right), from = left + right - to;
    (j->bf16 ? dcpg_tree_add_bf16 : dcpg_tree_add)(j->part[to], j->part[from], j->count);
    return to;
}

/* Fills in b->held from the sums of `node`, which tile the leaves of both groups of a stage. */
static void merge(const dcpg_par_sums *s, bucket *b, float **part, bool *settled, const dcpg_node *node,
                  const dcpg_stage *stage) {
    joiner j = {part, settled, b->held.range.count, s->options.bf16};
    for (int i = 0, next = 0; i < stage->nb_merged; i++) {
        int k = dcpg_tree_join(stage->merged[i], node, &next, join, &j);
        b->held.part[i] = part[k];
        b->held.settled[i] = settled[k];
    }
    b->held.nb = stage->nb_merged;
}

/* Moves sums out of the buffer of received ones, which the next stage needs. */
static void keep_sums(bucket *b) {
    float *to = b->arena[b->stage % 2];
    for (int i = 0; i < b->held.nb; i++) {
        if (b->held.settled[i]) continue;
        memcpy(to, b->held.part[i], b->held.range.count * sizeof *to);
        b->held.part[i] = to;
        to += b->held.range.count;
    }
}

/* ---- stages on the way to the total ---- */

static void start_reduce(dcpg_par_sums *s, bucket *b) {
    const dcpg_stage *stage = &s->way->stage[b->stage];
    dcpg_range keep = peers_part(s, b, &stage->from);
    b->phase = REDUCE;
    b->nb_request = 0;
    for (int i = 0; i < nb_others(stage) && keep.count > 0; i++)
        receive(s, b, b->received + (size_t)i * keep.count, (size_t)i * keep.count, keep.count,
                stage->from.rank);
    size_t at = 0;
    for (int k = 0; k < stage->nb_to; k++) {
        dcpg_range give = peers_part(s, b, &stage->to[k]);
        for (int i = 0; i < b->held.nb && give.count > 0; i++, at += give.count)
            send(s, b, b->held.part[i] + (give.offset - b->held.range.offset), at, give.count,
                 stage->to[k].rank);
    }
}

static void end_reduce(dcpg_par_sums *s, bucket *b) {
    const dcpg_stage *stage = &s->way->stage[b->stage];
    dcpg_range keep = peers_part(s, b, &stage->from);
    if (keep.count == 0) { /* nor will there be anything in later stages */
        b->held.range = keep;
        return;
    }
    int mine = stage->left ? 0 : stage->nb_left, others = stage->left ? stage->nb_left : 0;
    float *part[2 * DCPG_MAX_NODES];
    bool settled[2 * DCPG_MAX_NODES];
    if (halved(s, b)) dcpg_bf16_unpack((size_t)nb_others(stage) * keep.count, b->in, b->received);
    for (int i = 0; i < b->held.nb; i++) {
        part[mine + i] = b->held.part[i] + (keep.offset - b->held.range.offset);
        settled[mine + i] = b->held.settled[i];
    }
    for (int i = 0; i < nb_others(stage); i++) {
        part[others + i] = b->received + (size_t)i * keep.count;
        settled[others + i] = false;
    }
    b->held.range = keep;
    merge(s, b, part, settled, stage->node, stage);
    if (b->stage + 1 < s->way->nb_stage) keep_sums(b);
}

/* ---- and back ---- */

static void start_gather(dcpg_par_sums *s, bucket *b) {
    const dcpg_stage *stage = &s->way->stage[b->stage];
    dcpg_range keep = peers_part(s, b, &stage->from);
    size_t start = at_places(s, b, stage->held, stage->hold).offset;
    b->phase = GATHER;
    b->nb_request = 0;
    for (int k = 0; k < stage->nb_to; k++) {
        dcpg_range part = peers_part(s, b, &stage->to[k]);
        if (part.count > 0)
            receive(s, b, total_of(b, part.offset), part.offset - start, part.count, stage->to[k].rank);
    }
    if (keep.count > 0) send(s, b, total_of(b, keep.offset), 0, keep.count, stage->from.rank);
}

static void end_gather(const dcpg_par_sums *s, bucket *b) {
    const dcpg_stage *stage = &s->way->stage[b->stage];
    size_t start = at_places(s, b, stage->held, stage->hold).offset;
    for (int k = 0; k < stage->nb_to && halved(s, b); k++) {
        dcpg_range part = peers_part(s, b, &stage->to[k]);
        if (part.count > 0)
            dcpg_bf16_unpack(part.count, b->in + (part.offset - start), total_of(b, part.offset));
    }
}

/* ---- the memory of the host ---- */

static host_flags *flags_of(const dcpg_par_sums *s, int host_rank) { return s->flags->of[host_rank]; }

static host_flags *own_flags(const dcpg_par_sums *s) { return s->flags->mine; }

typedef enum flag { READY, DONE, LEFT } flag;

static _Atomic unsigned *flag_of(const dcpg_par_sums *s, const bucket *b, host_flags *flags, flag which) {
    size_t i = (size_t)(b - s->bucket);
    return which == READY ? &flags->ready[i] : which == DONE ? &flags->done[i] : &flags->left[i];
}

static void raise_flag(const dcpg_par_sums *s, const bucket *b, flag which) {
    atomic_store_explicit(flag_of(s, b, own_flags(s), which), b->number, memory_order_release);
}

/* Whether all ranks of the host have raised a flag for this bucket. */
static bool all_raised(const dcpg_par_sums *s, bucket *b, flag which) {
    for (; b->host_at < s->par->host_size; b->host_at++) {
        unsigned number =
            atomic_load_explicit(flag_of(s, b, flags_of(s, b->host_at), which), memory_order_acquire);
        if ((int)(number - b->number) < 0) return false;
    }
    b->host_at = 0;
    return true;
}

/* Merges the sums of all ranks of the host in this rank's part, straight in their memory. */
static void merge_host(dcpg_par_sums *s, bucket *b) {
    const dcpg_stage *last = &s->way->stage[s->way->nb_host_stage - 1];
    b->held.range = peers_part(s, b, &last->from);
    if (b->held.range.count == 0) return;
    for (int i = 0; i < s->nb_host_part; i++) {
        s->host_work[i] = s->host_part[i] + b->held.range.offset;
        s->host_settled[i] = true;
    }
    merge(s, b, s->host_work, s->host_settled, s->host_node, last);
    size_t nb_read = (size_t)(s->nb_host_part - s->nb_own) * b->held.range.count;
    dcpg_sums_count(s, true, nb_read * sizeof(float));
}

/* Copies the other ranks' parts of the total. */
static void copy_host(dcpg_par_sums *s, bucket *b) {
    const dcpg_route *way = s->way;
    int leader = s->par->rank - s->par->host_rank;
    for (int i = 0; i < way->nb_host; i++) {
        dcpg_range part = peers_part(s, b, &way->host[i]);
        if (way->host[i].rank == s->par->rank || part.count == 0) continue;
        const float *theirs = s->options.window->of[way->host[i].rank - leader];
        copy_floats(total_of(b, part.offset), theirs + part.offset, part.count);
        dcpg_sums_count(s, true, part.count * sizeof *theirs);
    }
}

/* ---- from phase to phase ---- */

static void enter_reduce(dcpg_par_sums *s, bucket *b, int stage);

static void enter_done(dcpg_par_sums *s, bucket *b) {
    b->phase = s->in_memory && b->task.reduce ? HOST_DONE : IDLE;
    if (b->phase == HOST_DONE) raise_flag(s, b, DONE);
}

static void enter_gather(dcpg_par_sums *s, bucket *b, int stage) {
    b->stage = stage;
    if (stage < first_stage(s, b))
        enter_done(s, b);
    else
        start_gather(s, b);
}

static void enter_reduce(dcpg_par_sums *s, bucket *b, int stage) {
    b->stage = stage;
    if (stage < s->way->nb_stage) {
        start_reduce(s, b);
        return;
    }
    dcpg_range own = b->held.range;
    float *total = total_of(b, own.offset);
    if (own.count > 0 && total != b->held.part[0]) copy_floats(total, b->held.part[0], own.count);
    if (s->options.sharded)
        enter_done(s, b);
    else
        enter_gather(s, b, stage - 1);
}

/* Adds the sums of this rank's nodes to those of node 0: without reproducibility the order does not count. */
static void add_own_nodes(dcpg_par_sums *s, const bucket *b) {
    for (int i = 1; i < s->nb_own; i++) {
        size_t at = b->task.range.offset;
        dcpg_tree_add(total_of(b, at), total_of(b, at) + (size_t)i * s->options.count, b->task.range.count);
    }
}

static void hold_own_nodes(const dcpg_par_sums *s, bucket *b) {
    b->held.nb = s->options.reproducible ? s->nb_own : 1;
    b->held.range = b->task.range;
    for (int i = 0; i < b->held.nb; i++) {
        b->held.part[i] = total_of(b, b->task.range.offset) + (size_t)i * s->options.count;
        b->held.settled[i] = true;
    }
}

void dcpg_bucket_start(dcpg_par_sums *s, bucket *b, const task *wanted) {
    assert(b->phase == IDLE);
    b->task = *wanted;
    b->number = s->number++;
    b->nb_request = 0;
    if (!wanted->reduce) {
        enter_gather(s, b, s->way->nb_stage - 1);
        return;
    }
    if (!s->options.reproducible) add_own_nodes(s, b);
    hold_own_nodes(s, b);
    if (s->in_memory) {
        b->phase = HOST_READY;
        raise_flag(s, b, READY);
    } else {
        enter_reduce(s, b, 0);
    }
}

/* Ends the phase that a bucket is in and enters the next, if it can. */
static bool step(dcpg_par_sums *s, bucket *b) {
    int done = 1;
    switch (b->phase) {
    case IDLE:
        return false;
    case HOST_READY:
        if (!all_raised(s, b, READY)) return false;
        merge_host(s, b);
        enter_reduce(s, b, first_stage(s, b));
        return true;
    case REDUCE:
        MPI_Testall(b->nb_request, b->requests, &done, MPI_STATUSES_IGNORE);
        if (!done) return false;
        end_reduce(s, b);
        enter_reduce(s, b, b->stage + 1);
        return true;
    case GATHER:
        MPI_Testall(b->nb_request, b->requests, &done, MPI_STATUSES_IGNORE);
        if (!done) return false;
        end_gather(s, b);
        enter_gather(s, b, b->stage - 1);
        return true;
    case HOST_DONE:
        if (!all_raised(s, b, DONE)) return false;
        b->phase = IDLE;
        if (s->options.sharded) return false;
        copy_host(s, b);
        b->phase = HOST_LEFT;
        raise_flag(s, b, LEFT);
        return true;
    case HOST_LEFT:
        if (!all_raised(s, b, LEFT)) return false;
        b->phase = IDLE;
        return false;
    }
    return false;
}

void dcpg_bucket_advance(dcpg_par_sums *s, bucket *b) {
    while (step(s, b)) {
    }
}

/* ---- sizes ---- */

/* Where `join` would leave a sum. */
static int trace_join(void *context, int left, int right) { return settled_one(context, left, right); }

/* Number of merged sums of which the memory of the gradients holds no part. settled[]: of this rank's sums
 * before the stage, then of the merged ones. */
static int count_unsettled(const dcpg_stage *stage, bool settled[DCPG_MAX_NODES]) {
    bool parts[2 * DCPG_MAX_NODES] = {false};
    int mine = stage->left ? 0 : stage->nb_left, nb = 0;
    memcpy(parts + mine, settled, (size_t)nb_mine(stage) * sizeof *settled);
    for (int i = 0, next = 0; i < stage->nb_merged; i++) {
        settled[i] = parts[dcpg_tree_join(stage->merged[i], stage->node, &next, trace_join, parts)];
        nb += !settled[i];
    }
    return nb;
}

static size_t longest_run(const dcpg_par_sums *s, size_t longest, int first, int end) {
    enum { ROUNDING = 16 }; /* a shorter block may have one longer slice */
    return end == first ? 0 : min_size(longest, dcpg_slice_run(&s->slices, 0, first, end).count + ROUNDING);
}

void dcpg_bucket_measure(const dcpg_par_sums *s, size_t longest, bucket_sizes *sizes) {
    const dcpg_route *way = s->way;
    bool settled[DCPG_MAX_NODES];
    memset(settled, 1, sizeof settled);
    *sizes = (bucket_sizes){.requests = 1};
    for (int i = 0; i < way->nb_stage; i++) {
        const dcpg_stage *stage = &way->stage[i];
        size_t keep = longest_run(s, longest, stage->from.first, stage->from.end),
               held = longest_run(s, longest, stage->held, stage->hold), mine = (size_t)nb_mine(stage),
               others = (size_t)nb_others(stage), to = (size_t)stage->nb_to;
        size_t unsettled = (size_t)count_unsettled(stage, settled);
        sizes->requests = max_size(sizes->requests, max_size(others + to * mine, to + 1));
        if (s->in_memory && i < way->nb_host_stage) {
            memset(settled, 1, sizeof settled);
            continue;
        }
        sizes->received = max_size(sizes->received, others * keep);
        if (i + 1 < way->nb_stage) sizes->arena = max_size(sizes->arena, unsettled * keep);
        if (!s->options.bf16) continue;
        sizes->in = max_size(sizes->in, max_size(others * keep, held));
        sizes->out = max_size(sizes->out, max_size(mine * held, keep));
    }
}
