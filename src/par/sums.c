/* SPDX-License-Identifier: MIT */
/* Sums of gradients over the ranks, while the backward pass goes on (the par reducer). */
#include "base/number.h"
#include "par/par_impl.h"
#include <assert.h>
#include <dcpg/bf16.h>
#include <dcpg/memory.h>
#include <string.h>

/* A range of the gradients on its way through the ranks is called a bucket. It passes through two phases,
 * each a set of non-blocking messages:
 *   SCATTER  for every rank r: all ranks send their nodes' sums of the values that r owns to r;
 *   GATHER   rank r, having merged them in the order of the tree, sends the total to all; left out if only
 *            owners need it.
 * poll() moves buckets from phase to phase as their messages arrive. Messages of different buckets may
 * overtake each other, so each bucket has tags of its own, numbered in the order of start(), which is the
 * same on all ranks. Without reproducibility MPI sums in one phase, REDUCE. */
enum {
    NB_BUCKET = 8,   /* in flight at a time; more wait in the queue */
    NB_QUEUED = 256, /* ranges that may wait; start() blocks if there are more */
    NB_TAG = 16384   /* tags are even for SCATTER, odd for GATHER; MPI guarantees at least 32767 */
};

typedef enum phase { IDLE, SCATTER, GATHER, REDUCE } phase;

typedef struct bucket {
    phase phase;
    dcpg_range range; /* within one block of the slices */
    int tag;
    MPI_Request *requests;
    int nb_request;
    float *received;    /* [nodes of the other ranks][length of my slice] */
    uint16_t *out, *in; /* bf16 messages: out [nodes of this rank][length of the range], in like `received` or
                           [length of the range] */
    int *count_of;      /* [size] for MPI_Ireduce_scatter */
} bucket;

struct dcpg_par_sums {
    const dcpg_par *par;
    dcpg_par_sums_options options;
    MPI_Comm comm;    /* for buckets only: nothing else can match their messages */
    int *nb_node_of;  /* [size] maximal nodes of each rank */
    dcpg_node *nodes; /* all ranks' maximal nodes in rank order; they tile [0, V) */
    int nb_node;      /* of all ranks */
    float **part;     /* [nb_node] scratch for merging */
    double **part64;  /* the same for sum() */
    float *unpacked;  /* for bf16: like `received` of a bucket */
    double *gathered; /* [nb_node][gathered_count], as large as the longest sum() so far needed */
    size_t gathered_count;
    int *count_of, *at_of; /* [size] for MPI_Iallgatherv */
    bucket bucket[NB_BUCKET];
    dcpg_range queue[NB_QUEUED]; /* ring */
    unsigned first_queued, nb_queued;
    int next_tag;
};

/* Rank r's slice of a bucket. */
static dcpg_range share_of(const dcpg_par_sums *s, const bucket *b, int r) {
    const dcpg_slices *slices = &s->options.slices;
    return dcpg_range_common(b->range, dcpg_slice(slices, b->range.offset / slices->block, r));
}

static float *grads_of(const dcpg_par_sums *s, int node, size_t offset) {
    return s->options.grads + (size_t)node * s->options.slices.total + offset;
}

/* ---- messages of a bucket: floats straight from the gradients, or bf16, the floats' upper halves ---- */

static void receive(dcpg_par_sums *s, bucket *b, void *to, size_t count, int from, int tag) {
    MPI_Irecv(to, (int)count, s->options.bf16 ? MPI_UINT16_T : MPI_FLOAT, from, tag, s->comm,
              &b->requests[b->nb_request++]);
}

/* Sends a range of node `node`'s sums; with bf16 from b->out, where they are packed. */
static void send(dcpg_par_sums *s, bucket *b, int node, dcpg_range range, int to, int tag) {
    const uint16_t *half =
        s->options.bf16 ? b->out + (size_t)node * b->range.count + (range.offset - b->range.offset) : NULL;
    const void *from = half ? (const void *)half : grads_of(s, node, range.offset);
    MPI_Isend(from, (int)range.count, half ? MPI_UINT16_T : MPI_FLOAT, to, tag, s->comm,
              &b->requests[b->nb_request++]);
}

static void pack(dcpg_par_sums *s, bucket *b, int node, dcpg_range range) {
    if (s->options.bf16)
        dcpg_bf16_pack(range.count, grads_of(s, node, range.offset),
                       b->out + (size_t)node * b->range.count + (range.offset - b->range.offset));
}

/* ---- phases ---- */

static void start_scatter(dcpg_par_sums *s, bucket *b) {
    int rank = s->par->rank, size = s->par->size;
    dcpg_range mine = share_of(s, b, rank);
    b->phase = SCATTER;
    b->nb_request = 0;
    size_t at = 0;
    for (int r = 0; r < size && mine.count > 0; r++) {
        for (int i = 0; r != rank && i < s->nb_node_of[r]; i++, at += mine.count)
            receive(s, b, s->options.bf16 ? (void *)(b->in + at) : b->received + at, mine.count, r, b->tag);
    }
    for (int i = 0; i < s->nb_node_of[rank]; i++) pack(s, b, i, b->range);
    for (int step = 1; step < size; step++) {
        int r = (rank + step) % size;
        dcpg_range share = share_of(s, b, r);
        for (int i = 0; share.count > 0 && i < s->nb_node_of[rank]; i++) send(s, b, i, share, r, b->tag);
    }
}

/* Merges all nodes' sums of this rank's slice of the bucket; the total ends up in node 0's buffer. */
static void merge_share(dcpg_par_sums *s, bucket *b, dcpg_range mine) {
    bool bf16 = s->options.bf16;
    float *received = bf16 ? s->unpacked : b->received;
    size_t nb_other = (size_t)(s->nb_node - s->nb_node_of[s->par->rank]);
    if (bf16) dcpg_bf16_unpack(nb_other * mine.count, b->in, received);
    for (int r = 0, n = 0; r < s->par->size; r++) {
        for (int i = 0; i < s->nb_node_of[r]; i++, n++) {
            if (r == s->par->rank) {
                s->part[n] = grads_of(s, i, mine.offset);
            } else {
                s->part[n] = received;
                received += mine.count;
            }
        }
    }
    (bf16 ? dcpg_tree_merge_bf16 : dcpg_tree_merge)(s->options.total, s->nb_node, s->nodes, s->part,
                                                    mine.count);
    float *total = grads_of(s, 0, mine.offset);
    if (total != s->part[0]) memcpy(total, s->part[0], mine.count * sizeof *total);
}

static void start_gather(dcpg_par_sums *s, bucket *b) {
    int rank = s->par->rank, size = s->par->size;
    dcpg_range mine = share_of(s, b, rank);
    b->phase = GATHER;
    b->nb_request = 0;
    for (int step = 1; step < size; step++) {
        int r = (rank + size - step) % size;
        dcpg_range share = share_of(s, b, r);
        void *to = s->options.bf16 ? (void *)(b->in + (share.offset - b->range.offset))
                                   : grads_of(s, 0, share.offset);
        if (share.count > 0) receive(s, b, to, share.count, r, b->tag + 1);
    }
    pack(s, b, 0, mine);
    for (int step = 1; step < size && mine.count > 0; step++)
        send(s, b, 0, mine, (rank + step) % size, b->tag + 1);
}

static void end_scatter(dcpg_par_sums *s, bucket *b) {
    dcpg_range mine = share_of(s, b, s->par->rank);
    if (mine.count > 0) merge_share(s, b, mine);
    if (s->options.sharded)
        b->phase = IDLE;
    else
        start_gather(s, b);
}

static void end_gather(dcpg_par_sums *s, bucket *b) {
    b->phase = IDLE;
    for (int r = 0; r < s->par->size && s->options.bf16; r++) {
        dcpg_range share = share_of(s, b, r);
        if (r != s->par->rank)
            dcpg_bf16_unpack(share.count, b->in + (share.offset - b->range.offset),
                             grads_of(s, 0, share.offset));
    }
}

/* Without reproducibility: one phase, in which MPI chooses the order of the additions. */
static void start_reduce(dcpg_par_sums *s, bucket *b) {
    size_t count = b->range.count;
    float *total = grads_of(s, 0, b->range.offset);
    for (int i = 1; i < s->nb_node_of[s->par->rank]; i++)
        dcpg_tree_add(total, grads_of(s, i, b->range.offset), count);
    b->phase = REDUCE;
    b->nb_request = 1;
    for (int r = 0; r < s->par->size; r++) b->count_of[r] = (int)share_of(s, b, r).count;
    if (s->options.sharded)
        MPI_Ireduce_scatter(total, b->received, b->count_of, MPI_FLOAT, MPI_SUM, s->comm, &b->requests[0]);
    else
        MPI_Iallreduce(MPI_IN_PLACE, total, (int)count, MPI_FLOAT, MPI_SUM, s->comm, &b->requests[0]);
}

static void end_reduce(dcpg_par_sums *s, bucket *b) {
    dcpg_range mine = share_of(s, b, s->par->rank);
    if (s->options.sharded && mine.count > 0)
        memcpy(grads_of(s, 0, mine.offset), b->received, mine.count * sizeof(float));
    b->phase = IDLE;
}

/* Starts the range that has waited longest. Collective calls must be made in the same order on all ranks,
 * which a single queue guarantees. */
static void start_next(dcpg_par_sums *s, bucket *b) {
    b->range = s->queue[s->first_queued];
    b->tag = s->next_tag;
    s->first_queued = (s->first_queued + 1) % NB_QUEUED;
    s->nb_queued--;
    s->next_tag = (s->next_tag + 2) % NB_TAG;
    if (s->options.reproducible)
        start_scatter(s, b);
    else
        start_reduce(s, b);
}

static void end_phase(dcpg_par_sums *s, bucket *b) {
    switch (b->phase) {
    case IDLE:
        break;
    case SCATTER:
        end_scatter(s, b);
        break;
    case GATHER:
        end_gather(s, b);
        break;
    case REDUCE:
        end_reduce(s, b);
        break;
    }
}

/* Moves every bucket as far as its messages allow; returns whether any bucket is still in flight. */
static bool advance(dcpg_par_sums *s) {
    bool busy = false;
    for (bucket *b = s->bucket; b < s->bucket + NB_BUCKET; b++) {
        int done = 1;
        if (b->phase != IDLE) MPI_Testall(b->nb_request, b->requests, &done, MPI_STATUSES_IGNORE);
        if (done) end_phase(s, b);
        if (b->phase == IDLE && s->nb_queued > 0) start_next(s, b);
        busy = busy || b->phase != IDLE;
    }
    return busy;
}

static void sums_poll(void *self) {
    dcpg_par_sums *s = self;
    if (s->par->size > 1) advance(s);
}

static void sums_wait(void *self) {
    dcpg_par_sums *s = self;
    dcpg_wait wait = {0};
    while (s->par->size > 1 && advance(s)) dcpg_wait_tick(s->par, &wait);
}

static void sums_start(void *self, size_t offset, size_t count) {
    dcpg_par_sums *s = self;
    assert(offset + count <= s->options.slices.total);
    if (s->par->size == 1) return; /* a single node, which already is the total */
    while (count > 0) {
        size_t block = s->options.slices.block, left = block - offset % block, n = min_size(count, left);
        for (dcpg_wait wait = {0}; s->nb_queued == NB_QUEUED; dcpg_wait_tick(s->par, &wait)) advance(s);
        s->queue[(s->first_queued + s->nb_queued++) % NB_QUEUED] = (dcpg_range){offset, n};
        offset += n;
        count -= n;
    }
    advance(s);
}

void dcpg_par_sums_gather_all(dcpg_par_sums *s, float *array) {
    const dcpg_slices *slices = &s->options.slices;
    for (size_t b = 0; b < dcpg_slices_blocks(slices) && s->par->size > 1; b++) {
        float *block = array + b * slices->block;
        for (int r = 0; r < s->par->size; r++) {
            dcpg_range slice = dcpg_slice(slices, b, r);
            s->count_of[r] = (int)slice.count;
            s->at_of[r] = (int)(slice.offset - b * slices->block);
        }
        MPI_Request request;
        MPI_Iallgatherv(MPI_IN_PLACE, 0, MPI_FLOAT, block, s->count_of, s->at_of, MPI_FLOAT,
                        s->par->impl->comm, &request);
        dcpg_wait_for(s->par, 1, &request);
    }
}

/* ---- small sums ---- */

static void grow_gathered(dcpg_par_sums *s, size_t count) {
    if (count <= s->gathered_count) return;
    dcpg_free(s->gathered);
    s->gathered = dcpg_alloc((size_t)s->nb_node * count, sizeof *s->gathered);
    s->gathered_count = count;
    if (!s->gathered) dcpg_par_abort(s->par, dcpg_exit_code(DCPG_E_NOMEM));
}

static void sums_sum(void *self, double *sums, size_t count, double *total) {
    dcpg_par_sums *s = self;
    if (count == 0) return;
    if (s->par->size == 1) {
        memmove(total, sums, count * sizeof *total);
        return;
    }
    assert(count <= (size_t)INT32_MAX / (size_t)s->nb_node);
    grow_gathered(s, count);
    for (int r = 0, n = 0; r < s->par->size; n += s->nb_node_of[r++]) {
        s->count_of[r] = s->nb_node_of[r] * (int)count;
        s->at_of[r] = n * (int)count;
    }
    MPI_Request request;
    MPI_Iallgatherv(sums, s->count_of[s->par->rank], MPI_DOUBLE, s->gathered, s->count_of, s->at_of,
                    MPI_DOUBLE, s->par->impl->comm, &request);
    dcpg_wait_for(s->par, 1, &request);
    for (int n = 0; n < s->nb_node; n++) s->part64[n] = s->gathered + (size_t)n * count;
    dcpg_tree_merge64(s->options.total, s->nb_node, s->nodes, s->part64, count);
    memcpy(total, s->gathered, count * sizeof *total);
}

/* ---- opening and closing ---- */

/* Most messages that a bucket has in flight in one phase. */
static size_t max_requests(const dcpg_par_sums *s) {
    size_t others = (size_t)s->par->size - 1, own_nodes = (size_t)s->nb_node_of[s->par->rank];
    size_t scatter = (size_t)s->nb_node - own_nodes + others * own_nodes;
    return max_size(scatter, 2 * others);
}

static dcpg_status alloc_buckets(dcpg_par_sums *s, dcpg_err *err) {
    const dcpg_par_sums_options *o = &s->options;
    if (!o->grads || s->par->size == 1) return DCPG_OK;
    size_t size = (size_t)s->par->size, own_nodes = (size_t)s->nb_node_of[s->par->rank],
           other_nodes = (size_t)s->nb_node - own_nodes;
    size_t longest = 0; /* among this rank's slices */
    for (size_t b = 0; b < dcpg_slices_blocks(&o->slices); b++) {
        size_t count = dcpg_slice(&o->slices, b, s->par->rank).count;
        if (count > longest) longest = count;
    }
    size_t others = (o->reproducible ? other_nodes : 1) * longest, in = max_size(others, o->slices.block);
    size_t floats = o->bf16 ? 0 : others, halves = o->bf16 ? in : 0;
    s->unpacked = dcpg_alloc(o->bf16 ? others : 0, sizeof *s->unpacked);
    bool ok = s->unpacked;
    for (bucket *b = s->bucket; b < s->bucket + NB_BUCKET && ok; b++) {
        b->requests = dcpg_alloc(max_requests(s) + 1, sizeof *b->requests);
        b->received = dcpg_alloc(floats, sizeof *b->received);
        b->in = dcpg_alloc(halves, sizeof *b->in);
        b->out = dcpg_alloc(o->bf16 ? own_nodes * o->slices.block : 0, sizeof *b->out);
        b->count_of = dcpg_alloc(size, sizeof *b->count_of);
        ok = b->requests && b->received && b->in && b->out && b->count_of;
    }
    return ok ? DCPG_OK
              : dcpg_fail_nomem(err, "the exchange of gradients",
                                NB_BUCKET * (floats * sizeof(float) + halves * sizeof(uint16_t)));
}

/* Fills nb_node_of, nodes and the arrays of the same length. `run` holds first and end of each rank's
 * leaves. */
static dcpg_status lay_out(dcpg_par_sums *s, const int *run, dcpg_err *err) {
    int size = s->par->size;
    dcpg_node nodes[DCPG_MAX_NODES];
    for (int r = 0; r < size; r++) {
        assert(run[2 * r] == (r == 0 ? 0 : run[2 * r - 1]) && run[2 * r] < run[2 * r + 1]);
        s->nb_node_of[r] = dcpg_tree_nodes(s->options.total, run[2 * r], run[2 * r + 1], nodes);
        s->nb_node += s->nb_node_of[r];
    }
    assert(run[2 * size - 1] == s->options.total);
    s->nodes = dcpg_alloc((size_t)s->nb_node, sizeof *s->nodes);
    s->part = dcpg_alloc((size_t)s->nb_node, sizeof *s->part);
    s->part64 = dcpg_alloc((size_t)s->nb_node, sizeof *s->part64);
    if (!s->nodes || !s->part || !s->part64)
        return dcpg_fail_nomem(err, "the summation tree", (size_t)s->nb_node * sizeof *s->nodes);
    for (int r = 0, n = 0; r < size; n += s->nb_node_of[r++]) {
        int nb = dcpg_tree_nodes(s->options.total, run[2 * r], run[2 * r + 1], nodes);
        memcpy(s->nodes + n, nodes, (size_t)nb * sizeof *nodes);
    }
    return alloc_buckets(s, err);
}

dcpg_status dcpg_par_sums_open_all(const dcpg_par *par, const dcpg_par_sums_options *options,
                                   dcpg_par_sums **sums, dcpg_err *err) {
    assert(!options->grads || (options->slices.block > 0 && options->slices.block <= INT32_MAX));
    assert(!options->grads || (options->slices.rank == par->rank && options->slices.size == par->size));
    assert(options->reproducible || !options->bf16);
    *sums = NULL;
    size_t size = (size_t)par->size;
    dcpg_par_sums *s = dcpg_alloc(1, sizeof *s);
    int *run = dcpg_alloc(2 * size, sizeof *run);
    dcpg_status status = DCPG_OK;
    if (s) {
        *s = (dcpg_par_sums){.par = par, .options = *options, .comm = MPI_COMM_NULL};
        s->nb_node_of = dcpg_alloc(size, sizeof *s->nb_node_of);
        s->count_of = dcpg_alloc(size, sizeof *s->count_of);
        s->at_of = dcpg_alloc(size, sizeof *s->at_of);
    }
    if (!s || !run || !s->nb_node_of || !s->count_of || !s->at_of)
        status = dcpg_fail_nomem(err, "the exchange of gradients", sizeof *s);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        int mine[2] = {options->first, options->end};
        dcpg_allgather_all(par, mine, sizeof mine, run);
        MPI_Comm_dup(par->impl->comm, &s->comm);
        status = dcpg_agree_all(par, lay_out(s, run, err), err);
    }
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
        dcpg_free(b->requests);
        dcpg_free(b->received);
        dcpg_free(b->in);
        dcpg_free(b->out);
        dcpg_free(b->count_of);
    }
    dcpg_free(s->unpacked);
    dcpg_free(s->nb_node_of);
    dcpg_free(s->count_of);
    dcpg_free(s->at_of);
    dcpg_free(s->nodes);
    dcpg_free(s->part);
    dcpg_free(s->part64);
    dcpg_free(s->gathered);
    dcpg_free(s);
}

dcpg_reducer dcpg_par_reducer(dcpg_par_sums *sums) {
    return (dcpg_reducer){
        .self = sums, .sum = sums_sum, .start = sums_start, .poll = sums_poll, .wait = sums_wait};
}
