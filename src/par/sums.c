#include "par/par_impl.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <string.h>

/* A range of the gradients on its way through the ranks is a bucket. It passes two phases, each a set of non-blocking messages:
 *   SCATTER  every rank sends its nodes' sums of slice r to rank r;
 *   GATHER   rank r has merged its slice in the order of the tree and sends the total to all.
 * poll() moves buckets from phase to phase as their messages arrive. Messages of different buckets may overtake each other, so each bucket has its own tags,
 * numbered in the order of start(), which is the same on all ranks. */
enum {
    NB_BUCKET = 8,        /* under way at a time; more wait in the queue */
    NB_QUEUED = 256,      /* ranges that may wait; start() blocks beyond */
    NB_TAG = 16384,       /* tags are even for SCATTER, odd for GATHER; MPI grants at least 32767 */
    SLICE_ALIGN = 16      /* floats: slices start at cache lines of the array */
};

typedef enum phase { IDLE, SCATTER, GATHER } phase;

typedef struct range {
    size_t offset, count;
} range;

typedef struct bucket {
    phase phase;
    range range;
    int tag;
    MPI_Request *requests;
    int nb_request;
    float *received; /* [nodes of the other ranks][length of my slice] */
} bucket;

struct dcpg_par_sums {
    const dcpg_par *par;
    dcpg_par_sums_options options;
    MPI_Comm comm;     /* of the buckets alone: nothing else can match their messages */
    int *nb_node_of;   /* [size] maximal nodes of each rank */
    dcpg_node *nodes;  /* all ranks' maximal nodes in rank order; they tile [0, V) */
    int nb_node;       /* of all ranks */
    int first_node;    /* of this rank in `nodes` */
    float **part;      /* [nb_node] scratch for merging */
    double **part64;   /* the same for sum() */
    double *gathered;  /* [nb_node][gathered_count] grows with the longest sum() */
    size_t gathered_count;
    int *count_of, *at_of; /* [size] for MPI_Allgatherv */
    bucket bucket[NB_BUCKET];
    range queue[NB_QUEUED]; /* ring */
    unsigned first_queued, nb_queued;
    int next_tag;
};

/* Slice r of a bucket, relative to the bucket's first float. */
static range slice_of(const dcpg_par_sums *s, size_t count, int r)
{
    int64_t nb_line = (int64_t)((count + SLICE_ALIGN - 1) / SLICE_ALIGN);
    size_t first = (size_t)dcpg_part(nb_line, r, s->par->size) * SLICE_ALIGN;
    size_t end = (size_t)dcpg_part(nb_line, r + 1, s->par->size) * SLICE_ALIGN;
    if (first > count) first = count;
    if (end > count) end = count;
    return (range){first, end - first};
}

static float *grads_of(const dcpg_par_sums *s, int node, const bucket *b, range slice)
{
    return s->options.grads + (size_t)node * s->options.stride + b->range.offset + slice.offset;
}

static void receive(dcpg_par_sums *s, bucket *b, float *to, size_t count, int from, int tag)
{
    MPI_Irecv(to, (int)count, MPI_FLOAT, from, tag, s->comm, &b->requests[b->nb_request++]);
}

static void send(dcpg_par_sums *s, bucket *b, const float *from, size_t count, int to, int tag)
{
    MPI_Isend(from, (int)count, MPI_FLOAT, to, tag, s->comm, &b->requests[b->nb_request++]);
}

static void start_scatter(dcpg_par_sums *s, bucket *b)
{
    int rank = s->par->rank, size = s->par->size;
    range mine = slice_of(s, b->range.count, rank);
    b->phase = SCATTER;
    b->nb_request = 0;
    float *to = b->received;
    for (int r = 0; r < size && mine.count > 0; r++) {
        for (int i = 0; r != rank && i < s->nb_node_of[r]; i++, to += mine.count) receive(s, b, to, mine.count, r, b->tag);
    }
    for (int step = 1; step < size; step++) {
        int r = (rank + step) % size;
        range slice = slice_of(s, b->range.count, r);
        for (int i = 0; slice.count > 0 && i < s->nb_node_of[rank]; i++) send(s, b, grads_of(s, i, b, slice), slice.count, r, b->tag);
    }
}

/* Merges all nodes' sums of this rank's slice; the total lands in node 0's buffer. */
static void merge_slice(dcpg_par_sums *s, bucket *b, range mine)
{
    float *received = b->received;
    for (int r = 0, n = 0; r < s->par->size; r++) {
        for (int i = 0; i < s->nb_node_of[r]; i++, n++) {
            if (r == s->par->rank) {
                s->part[n] = grads_of(s, i, b, mine);
            } else {
                s->part[n] = received;
                received += mine.count;
            }
        }
    }
    dcpg_tree_merge(s->options.total, s->nb_node, s->nodes, s->part, mine.count);
    float *total = grads_of(s, 0, b, mine);
    if (total != s->part[0]) memcpy(total, s->part[0], mine.count * sizeof *total);
}

static void start_gather(dcpg_par_sums *s, bucket *b)
{
    int rank = s->par->rank, size = s->par->size;
    range mine = slice_of(s, b->range.count, rank);
    if (mine.count > 0) merge_slice(s, b, mine);
    b->phase = GATHER;
    b->nb_request = 0;
    for (int step = 1; step < size; step++) {
        int r = (rank + size - step) % size;
        range slice = slice_of(s, b->range.count, r);
        if (slice.count > 0) receive(s, b, grads_of(s, 0, b, slice), slice.count, r, b->tag + 1);
    }
    for (int step = 1; step < size && mine.count > 0; step++) {
        send(s, b, grads_of(s, 0, b, mine), mine.count, (rank + step) % size, b->tag + 1);
    }
}

/* The way of reproducible = false: one phase, and MPI chooses the order of the additions. */
static void start_allreduce(dcpg_par_sums *s, bucket *b)
{
    float *total = grads_of(s, 0, b, (range){0, 0});
    for (int i = 1; i < s->nb_node_of[s->par->rank]; i++) {
        const float *node = grads_of(s, i, b, (range){0, 0});
#pragma omp parallel for simd if (b->range.count >= 1 << 16)
        for (size_t k = 0; k < b->range.count; k++) total[k] += node[k];
    }
    b->phase = GATHER;
    b->nb_request = 1;
    MPI_Iallreduce(MPI_IN_PLACE, total, (int)b->range.count, MPI_FLOAT, MPI_SUM, s->comm, &b->requests[0]);
}

/* Starts the range that has waited longest. Collective calls must come in one order on all ranks, and do: the queue is one. */
static void start_next(dcpg_par_sums *s, bucket *b)
{
    b->range = s->queue[s->first_queued];
    b->tag = s->next_tag;
    s->first_queued = (s->first_queued + 1) % NB_QUEUED;
    s->nb_queued--;
    s->next_tag = (s->next_tag + 2) % NB_TAG;
    if (s->options.reproducible) start_scatter(s, b);
    else start_allreduce(s, b);
}

/* Moves every bucket as far as its messages allow; returns whether anything is left to do. */
static bool advance(dcpg_par_sums *s)
{
    bool busy = false;
    for (bucket *b = s->bucket; b < s->bucket + NB_BUCKET; b++) {
        int done = 1;
        if (b->phase != IDLE) MPI_Testall(b->nb_request, b->requests, &done, MPI_STATUSES_IGNORE);
        if (done && b->phase == SCATTER) start_gather(s, b);
        else if (done) b->phase = IDLE;
        if (b->phase == IDLE && s->nb_queued > 0) start_next(s, b);
        busy = busy || b->phase != IDLE;
    }
    return busy;
}

static void sums_poll(void *self)
{
    dcpg_par_sums *s = self;
    if (s->par->size > 1) advance(s);
}

static void sums_wait(void *self)
{
    dcpg_par_sums *s = self;
    dcpg_wait wait = {0};
    while (s->par->size > 1 && advance(s)) dcpg_wait_tick(s->par, &wait);
}

static void sums_start(void *self, size_t offset, size_t count)
{
    dcpg_par_sums *s = self;
    assert(offset + count <= s->options.stride);
    if (s->par->size == 1) return; /* one node, and it is the total */
    while (count > 0) {
        size_t n = count < s->options.max_bucket ? count : s->options.max_bucket;
        for (dcpg_wait wait = {0}; s->nb_queued == NB_QUEUED; dcpg_wait_tick(s->par, &wait)) advance(s);
        s->queue[(s->first_queued + s->nb_queued++) % NB_QUEUED] = (range){offset, n};
        offset += n;
        count -= n;
    }
    advance(s);
}

/* ---- small sums ---- */

static void grow_gathered(dcpg_par_sums *s, size_t count)
{
    if (count <= s->gathered_count) return;
    dcpg_free(s->gathered);
    s->gathered = dcpg_alloc((size_t)s->nb_node * count, sizeof *s->gathered);
    s->gathered_count = count;
    if (!s->gathered) dcpg_par_abort(s->par, dcpg_exit_code(DCPG_E_NOMEM));
}

static void sums_sum(void *self, double *sums, size_t count, double *total)
{
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
    MPI_Iallgatherv(sums, s->count_of[s->par->rank], MPI_DOUBLE, s->gathered, s->count_of, s->at_of, MPI_DOUBLE, s->par->impl->comm, &request);
    dcpg_wait_for(s->par, 1, &request);
    for (int n = 0; n < s->nb_node; n++) s->part64[n] = s->gathered + (size_t)n * count;
    dcpg_tree_merge64(s->options.total, s->nb_node, s->nodes, s->part64, count);
    memcpy(total, s->gathered, count * sizeof *total);
}

/* ---- opening and closing ---- */

/* Messages a bucket may have under way in one phase. */
static size_t max_requests(const dcpg_par_sums *s)
{
    size_t others = (size_t)s->par->size - 1, own_nodes = (size_t)s->nb_node_of[s->par->rank];
    size_t scatter = (size_t)s->nb_node - own_nodes + others * own_nodes;
    return scatter > 2 * others ? scatter : 2 * others;
}

static dcpg_status alloc_buckets(dcpg_par_sums *s, dcpg_err *err)
{
    if (!s->options.grads || s->par->size == 1) return DCPG_OK;
    size_t other_nodes = (size_t)(s->nb_node - s->nb_node_of[s->par->rank]);
    size_t longest_slice = s->options.max_bucket / (size_t)s->par->size + 2 * SLICE_ALIGN;
    size_t scratch = s->options.reproducible ? other_nodes * longest_slice : 0;
    for (bucket *b = s->bucket; b < s->bucket + NB_BUCKET; b++) {
        b->requests = dcpg_alloc(max_requests(s) + 1, sizeof *b->requests);
        b->received = dcpg_alloc(scratch, sizeof *b->received);
        if (!b->requests || !b->received) return dcpg_fail_nomem(err, "the exchange of gradients", NB_BUCKET * scratch * sizeof *b->received);
    }
    return DCPG_OK;
}

/* Fills nb_node_of, nodes and what is as long. `run` holds first and end of each rank's leaves. */
static dcpg_status lay_out(dcpg_par_sums *s, const int *run, dcpg_err *err)
{
    int size = s->par->size;
    dcpg_node nodes[DCPG_MAX_NODES];
    for (int r = 0; r < size; r++) {
        assert(run[2 * r] == (r == 0 ? 0 : run[2 * r - 1]) && run[2 * r] < run[2 * r + 1]);
        if (r == s->par->rank) s->first_node = s->nb_node;
        s->nb_node_of[r] = dcpg_tree_nodes(s->options.total, run[2 * r], run[2 * r + 1], nodes);
        s->nb_node += s->nb_node_of[r];
    }
    assert(run[2 * size - 1] == s->options.total);
    s->nodes = dcpg_alloc((size_t)s->nb_node, sizeof *s->nodes);
    s->part = dcpg_alloc((size_t)s->nb_node, sizeof *s->part);
    s->part64 = dcpg_alloc((size_t)s->nb_node, sizeof *s->part64);
    if (!s->nodes || !s->part || !s->part64) return dcpg_fail_nomem(err, "the summation tree", (size_t)s->nb_node * sizeof *s->nodes);
    for (int r = 0, n = 0; r < size; n += s->nb_node_of[r++]) {
        int nb = dcpg_tree_nodes(s->options.total, run[2 * r], run[2 * r + 1], nodes);
        memcpy(s->nodes + n, nodes, (size_t)nb * sizeof *nodes);
    }
    return alloc_buckets(s, err);
}

dcpg_status dcpg_par_sums_open_all(const dcpg_par *par, const dcpg_par_sums_options *options, dcpg_par_sums **sums, dcpg_err *err)
{
    assert(!options->grads || (options->max_bucket > 0 && options->max_bucket <= INT32_MAX));
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
    if (!s || !run || !s->nb_node_of || !s->count_of || !s->at_of) status = dcpg_fail_nomem(err, "the exchange of gradients", sizeof *s);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        int mine[2] = {options->first, options->end};
        dcpg_allgather_all(par, mine, sizeof mine, run);
        MPI_Comm_dup(par->impl->comm, &s->comm);
        status = dcpg_agree_all(par, lay_out(s, run, err), err);
    }
    dcpg_free(run);
    if (status == DCPG_OK) *sums = s;
    else dcpg_par_sums_close_all(s);
    return status;
}

void dcpg_par_sums_close_all(dcpg_par_sums *s)
{
    if (!s) return;
    if (s->comm != MPI_COMM_NULL) {
        sums_wait(s);
        MPI_Comm_free(&s->comm);
    }
    for (bucket *b = s->bucket; b < s->bucket + NB_BUCKET; b++) {
        dcpg_free(b->requests);
        dcpg_free(b->received);
    }
    dcpg_free(s->nb_node_of);
    dcpg_free(s->count_of);
    dcpg_free(s->at_of);
    dcpg_free(s->nodes);
    dcpg_free(s->part);
    dcpg_free(s->part64);
    dcpg_free(s->gathered);
    dcpg_free(s);
}

dcpg_reducer dcpg_par_reducer(dcpg_par_sums *sums)
{
    return (dcpg_reducer){.self = sums, .sum = sums_sum, .start = sums_start, .poll = sums_poll, .wait = sums_wait};
}
