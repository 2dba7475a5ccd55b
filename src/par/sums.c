/* SPDX-License-Identifier: MIT */
/* Sums over the ranks, while the backward pass goes on: opening and closing, and the queue of ranges. */
#include "base/number.h"
#include "par/sums_impl.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <sched.h>
#include <string.h>

static const size_t MAX_BYTES = (size_t)32 << 20;

void dcpg_sums_count(dcpg_par_sums *s, bool on_host, size_t bytes) {
    *(on_host ? &s->traffic.memory_messages : &s->traffic.network_messages) += 1;
    *(on_host ? &s->traffic.memory_bytes : &s->traffic.network_bytes) += (int64_t)bytes;
}

/* ---- the queue ---- */

static bucket *next_bucket(dcpg_par_sums *s) { return &s->bucket[s->number % s->nb_bucket]; }

/* Ranges start in the order of their numbers, each in the place that its number demands, so that the flags of
 * the ranks of a host speak of the same ranges. */
bool dcpg_sums_advance(dcpg_par_sums *s) {
    for (bucket *b = s->bucket; b < s->bucket + s->nb_bucket; b++) dcpg_bucket_advance(s, b);
    while (s->nb_queued > 0 && next_bucket(s)->phase == IDLE) {
        task next = {s->options.grads, s->queue[s->first_queued], true};
        s->first_queued = (s->first_queued + 1) % NB_QUEUED;
        s->nb_queued--;
        bucket *b = next_bucket(s);
        dcpg_bucket_start(s, b, &next);
        dcpg_bucket_advance(s, b);
    }
    for (bucket *b = s->bucket; b < s->bucket + s->nb_bucket; b++)
        if (b->phase != IDLE) return true;
    return false;
}

/* As dcpg_sums_advance, in a loop that does nothing else. If only messages can change anything, it waits for
 * one; otherwise other ranks of this host may need this core to raise a flag. */
static bool advance_and_yield(dcpg_par_sums *s, dcpg_wait *wait) {
    int which;
    if (!dcpg_sums_advance(s)) return false;
    if (s->in_memory)
        sched_yield();
    else if (!s->par->impl->watch)
        MPI_Waitany(s->nb_request, s->requests, &which, MPI_STATUS_IGNORE);
    dcpg_wait_tick(s->par, wait);
    return true;
}

/* Queues a range that may span several blocks; the last values first, as they come. */
static void enqueue(dcpg_par_sums *s, size_t first, size_t end) {
    while (end > first) {
        size_t block = (end - 1) / s->slices.block * s->slices.block;
        size_t piece = block + (end - 1 - block) / s->longest * s->longest, start = max_size(first, piece);
        for (dcpg_wait wait = {0}; s->nb_queued == NB_QUEUED;) advance_and_yield(s, &wait);
        s->queue[(s->first_queued + s->nb_queued++) % NB_QUEUED] = (dcpg_range){start, end - start};
        end = start;
    }
}

/* Queues the whole blocks of what is pending. What is left of the first block stays pending, since backward
 * passes fill it next; if there is none, what is left of the last one. */
static void enqueue_blocks(dcpg_par_sums *s) {
    size_t block = s->slices.block, from = s->pending.offset, to = from + s->pending.count;
    size_t first = round_up_size(from, block), end = to == s->slices.total ? to : to / block * block;
    if (first >= end) return;
    bool keep_end = first == from && end < to;
    enqueue(s, first, keep_end ? end : to);
    s->pending = keep_end ? (dcpg_range){end, to - end} : (dcpg_range){from, first - from};
}

static void enqueue_pending(dcpg_par_sums *s) {
    enqueue(s, s->pending.offset, s->pending.offset + s->pending.count);
    s->pending.count = 0;
}

static void hand_over(dcpg_par_sums *s, size_t offset, size_t count) {
    dcpg_range *p = &s->pending;
    bool before = offset + count == p->offset, after = offset == p->offset + p->count;
    if (p->count > 0 && !before && !after) enqueue_pending(s);
    *p = p->count == 0 ? (dcpg_range){offset, count}
                       : (dcpg_range){before ? offset : p->offset, p->count + count};
    enqueue_blocks(s);
}

/* ---- the reducer ---- */

static void sums_poll(void *self) {
    dcpg_par_sums *s = self;
    if (s->par->size > 1) dcpg_sums_advance(s);
}

static void sums_start(void *self, size_t offset, size_t count) {
    dcpg_par_sums *s = self;
    assert(offset + count <= s->options.count);
    if (s->par->size == 1 || count == 0) return; /* a single node, which already is the total */
    hand_over(s, offset, count);
    dcpg_sums_advance(s);
}

static void sums_wait(void *self) {
    dcpg_par_sums *s = self;
    if (s->par->size == 1) return;
    enqueue_pending(s);
    for (dcpg_wait wait = {0}; advance_and_yield(s, &wait);) {
    }
}

static void sums_sum(void *self, double *sums, size_t count, double *total) {
    dcpg_par_sums *s = self;
    if (count == 0) return;
    if (s->par->size == 1)
        memmove(total, sums, count * sizeof *total);
    else
        dcpg_small_sum_all(s, sums, count, total);
}

dcpg_reducer dcpg_par_reducer(dcpg_par_sums *sums) {
    return (dcpg_reducer){
        .self = sums, .sum = sums_sum, .start = sums_start, .poll = sums_poll, .wait = sums_wait};
}

void dcpg_par_sums_gather_all(dcpg_par_sums *s, float *array) {
    if (s->par->size == 1) return;
    sums_wait(s);
    for (size_t at = 0; at < s->slices.total; at += s->slices.block) {
        dcpg_range block = {at, min_size(s->slices.total - at, s->slices.block)};
        bucket *b = next_bucket(s);
        for (dcpg_wait wait = {0}; b->phase != IDLE;) advance_and_yield(s, &wait);
        dcpg_bucket_start(s, b, &(task){array, block, false});
    }
    sums_wait(s);
}

dcpg_slices dcpg_par_sums_slices(const dcpg_par_sums *s) { return s->slices; }

dcpg_par_traffic dcpg_par_sums_traffic(const dcpg_par_sums *s) { return s->traffic; }

/* ---- opening and closing ---- */

static size_t bytes_of(const dcpg_par_sums *s, size_t longest) {
    bucket_sizes z;
    dcpg_bucket_measure(s, longest, &z);
    return (z.received + 2 * z.arena) * sizeof(float) + (z.in + z.out) * sizeof(uint16_t);
}

/* How many buckets of which length fit into the memory for messages; the same on all ranks. */
static void choose_buckets_all(dcpg_par_sums *s) {
    size_t most = s->options.max_bytes ? s->options.max_bytes : MAX_BYTES, line = 16;
    size_t longest = s->slices.block, one = bytes_of(s, longest);
    while (one > most && longest > line) {
        longest = round_up_size(longest / 2, line);
        one = bytes_of(s, longest);
    }
    size_t nb = min_size(NB_BUCKET, dcpg_slices_blocks(&s->slices) + 1);
    int64_t least[2] = {(int64_t)longest, (int64_t)(one ? min_size(most / one, nb) : nb)};
    dcpg_min_i64s_all(s->par, least, 2);
    s->longest = (size_t)least[0];
    s->nb_bucket = (unsigned)max_i64(least[1], 1);
}

static dcpg_status alloc_buckets(dcpg_par_sums *s, dcpg_err *err) {
    bucket_sizes z;
    dcpg_bucket_measure(s, s->longest, &z);
    s->nb_request = (int)(z.requests * s->nb_bucket);
    s->requests = dcpg_alloc((size_t)s->nb_request, sizeof *s->requests);
    bool ok = s->requests;
    for (int i = 0; i < s->nb_request && ok; i++) s->requests[i] = MPI_REQUEST_NULL;
    for (bucket *b = s->bucket; b < s->bucket + s->nb_bucket && ok; b++) {
        b->requests = s->requests + (size_t)(b - s->bucket) * z.requests;
        b->received = dcpg_alloc(z.received, sizeof *b->received);
        b->arena[0] = dcpg_alloc(z.arena, sizeof *b->arena[0]);
        b->arena[1] = dcpg_alloc(z.arena, sizeof *b->arena[1]);
        b->in = dcpg_alloc(z.in, sizeof *b->in);
        b->out = dcpg_alloc(z.out, sizeof *b->out);
        ok = b->received && b->arena[0] && b->arena[1] && b->in && b->out;
    }
    return ok ? DCPG_OK
              : dcpg_fail_nomem(err, "the exchange of gradients", s->nb_bucket * bytes_of(s, s->longest));
}

/* Where the gradients of the ranks of this host are. `run`: of all ranks, as the gradients are summed. */
static dcpg_status find_host_parts(dcpg_par_sums *s, const dcpg_run_of_leaves *run, dcpg_err *err) {
    int leader = s->par->rank - s->par->host_rank, nb = s->par->host_size;
    size_t most = (size_t)nb * DCPG_MAX_NODES;
    s->host_node = dcpg_alloc(most, sizeof *s->host_node);
    s->host_part = dcpg_alloc(most, sizeof *s->host_part);
    s->host_work = dcpg_alloc(most, sizeof *s->host_work);
    s->host_settled = dcpg_alloc(most, sizeof *s->host_settled);
    if (!s->host_node || !s->host_part || !s->host_work || !s->host_settled)
        return dcpg_fail_nomem(err, "the gradients of a host", most * sizeof *s->host_node);
    for (int r = 0; r < nb; r++) {
        float *grads = s->options.window->of[r];
        int n = dcpg_tree_nodes(s->way->total, run[leader + r].first, run[leader + r].end,
                                s->host_node + s->nb_host_part);
        for (int i = 0; i < n; i++) s->host_part[s->nb_host_part++] = grads + (size_t)i * s->options.count;
    }
    return DCPG_OK;
}

/* Flags for the ranks of a host, if their gradients are shared; these are summed by messages if the flags
 * find no space. */
static dcpg_status open_flags_all(dcpg_par_sums *s, dcpg_err *err) {
    if (!s->options.window || !s->options.window->of) return DCPG_OK;
    DCPG_TRY(dcpg_par_window_open_all(s->par, sizeof(host_flags), &s->flags, err));
    s->in_memory = s->flags->of && s->par->host_size > 1;
    return DCPG_OK;
}

/* Plans the way of the gradients, and takes the memory for it. */
static dcpg_status open_gradients_all(dcpg_par_sums *s, dcpg_run_of_leaves *run, dcpg_err *err) {
    const dcpg_par *par = s->par;
    dcpg_status status = DCPG_OK;
    s->way = s->options.reproducible ? &s->route : &s->coarse;
    for (int r = 0; r < par->size && !s->options.reproducible; r++) run[r].first = r, run[r].end = r + 1;
    if (!s->options.reproducible)
        status = dcpg_route_plan(par->size, par->size, run, par->rank, &s->coarse, err);
    DCPG_TRY(dcpg_agree_all(par, status, err));
    s->slices.place = s->way->place;
    DCPG_TRY(open_flags_all(s, err));
    choose_buckets_all(s);
    status = alloc_buckets(s, err);
    if (status == DCPG_OK && s->in_memory) status = find_host_parts(s, run, err);
    return dcpg_agree_all(par, status, err);
}

static dcpg_status open_all(dcpg_par_sums *s, dcpg_run_of_leaves *run, dcpg_err *err) {
    const dcpg_par *par = s->par;
    dcpg_run_of_leaves mine = {s->options.first, s->options.end, par->host};
    dcpg_node nodes[DCPG_MAX_NODES];
    dcpg_allgather_all(par, &mine, sizeof mine, run);
    MPI_Comm_dup(par->impl->comm, &s->comm);
    s->nb_own = dcpg_tree_nodes(s->options.total, mine.first, mine.end, nodes);
    dcpg_status status = dcpg_route_plan(s->options.total, par->size, run, par->rank, &s->route, err);
    if (status == DCPG_OK) status = dcpg_small_sums_open(s, run, err);
    DCPG_TRY(dcpg_agree_all(par, status, err));
    return s->options.grads && s->options.count > 0 && par->size > 1 ? open_gradients_all(s, run, err)
                                                                     : DCPG_OK;
}

dcpg_status dcpg_par_sums_open_all(const dcpg_par *par, const dcpg_par_sums_options *options,
                                   dcpg_par_sums **sums, dcpg_err *err) {
    assert(options->reproducible || !options->bf16);
    *sums = NULL;
    dcpg_par_sums *s = dcpg_alloc(1, sizeof *s);
    dcpg_run_of_leaves *run = dcpg_alloc((size_t)par->size, sizeof *run);
    dcpg_status status = s && run ? DCPG_OK : dcpg_fail_nomem(err, "the exchange of gradients", sizeof *s);
    status = dcpg_agree_all(par, status, err);
    if (s) {
        *s = (dcpg_par_sums){.par = par, .options = *options, .comm = MPI_COMM_NULL, .number = 1};
        s->slices = dcpg_slices_even(options->count, 0, par->size);
        if (options->block > 0) s->slices.block = options->block;
        s->nb_bucket = 1;
    }
    if (status == DCPG_OK) status = open_all(s, run, err);
    dcpg_free(run);
    if (status == DCPG_OK)
        *sums = s;
    else
        dcpg_par_sums_close_all(s);
    return status;
}

void dcpg_par_sums_close_all(dcpg_par_sums *s) {
    if (!s) return;
    if (s->comm != MPI_COMM_NULL) {
        sums_wait(s);
        MPI_Comm_free(&s->comm);
    }
    for (bucket *b = s->bucket; b < s->bucket + NB_BUCKET; b++) {
        dcpg_free(b->received);
        dcpg_free(b->arena[0]);
        dcpg_free(b->arena[1]);
        dcpg_free(b->in);
        dcpg_free(b->out);
    }
    dcpg_free(s->requests);
    dcpg_par_window_close_all(s->flags);
    dcpg_free(s->host_node);
    dcpg_free(s->host_part);
    dcpg_free(s->host_work);
    dcpg_free(s->host_settled);
    dcpg_small_sums_close(s);
    dcpg_route_free(&s->route);
    dcpg_route_free(&s->coarse);
    dcpg_free(s);
}
