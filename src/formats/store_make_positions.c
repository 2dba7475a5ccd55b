/* Making a store, third step: the union of all positions, chromosome by chromosome. Every rank merges those
 * of its own cells; then each merges a range of positions of all ranks. */
#include "formats/store_make.h"
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <inttypes.h>
#include <string.h>

/* A position and the number of cells that observed it; the bit marks those of --pos_file. */
typedef struct tally {
    int32_t pos;
    uint32_t count;
} tally;

#define TARGET (UINT32_C(1) << 31)

/* A sorted list of positions. */
typedef struct tallies {
    tally *v;
    int64_t n;
} tallies;

/* Lists waiting to be merged, each less than half as long as the one below, so that adding many lists costs a
 * logarithm of their number. */
enum { MAX_STACK = 64 };

typedef struct stack {
    tallies list[MAX_STACK];
    int n;
} stack;

static void free_stack(stack *s) {
    for (int i = 0; i < s->n; i++) dcpg_free(s->list[i].v);
    s->n = 0;
}

/* a and b into `out`; equal positions become one. */
static int64_t merge(const tallies *a, const tallies *b, tally *out) {
    int64_t i = 0, j = 0, n = 0;
    while (i < a->n && j < b->n) {
        if (a->v[i].pos < b->v[j].pos) {
            out[n++] = a->v[i++];
        } else if (a->v[i].pos > b->v[j].pos) {
            out[n++] = b->v[j++];
        } else {
            const tally *x = &a->v[i++], *y = &b->v[j++];
            uint32_t count = (x->count & ~TARGET) + (y->count & ~TARGET);
            out[n++] = (tally){x->pos, count | ((x->count | y->count) & TARGET)};
        }
    }
    for (; i < a->n; i++) out[n++] = a->v[i];
    for (; j < b->n; j++) out[n++] = b->v[j];
    return n;
}

/* Merges the two lists on top. */
static dcpg_status merge_top(stack *s, dcpg_err *err) {
    tallies *a = &s->list[s->n - 2], *b = &s->list[s->n - 1];
    tallies out = {.v = dcpg_alloc((size_t)(a->n + b->n), sizeof *out.v)};
    if (!out.v) return dcpg_fail_nomem(err, "positions", (unsigned long long)(a->n + b->n) * sizeof *out.v);
    out.n = merge(a, b, out.v);
    dcpg_free(a->v);
    dcpg_free(b->v);
    *a = out;
    s->n--;
    return DCPG_OK;
}

/* Adds a list, which becomes the stack's. */
static dcpg_status push(stack *s, tallies list, dcpg_err *err) {
    s->list[s->n++] = list;
    while (s->n > 1 && s->list[s->n - 2].n <= 2 * s->list[s->n - 1].n) DCPG_TRY(merge_top(s, err));
    return DCPG_OK;
}

static dcpg_status push_calls(stack *s, const packed_cell *cell, int chromo, uint32_t count, dcpg_err *err) {
    const packed_calls *calls = dcpg_calls_on(cell, chromo, NULL);
    if (!calls) return DCPG_OK;
    tallies list = {.v = dcpg_alloc((size_t)calls->n, sizeof *list.v)};
    if (!list.v) return dcpg_fail_nomem(err, "positions", (unsigned long long)calls->n * sizeof *list.v);
    unpacking u = dcpg_start_unpacking(calls);
    while (dcpg_unpack_call(&u)) list.v[list.n++] = (tally){u.pos, count};
    return push(s, list, err);
}

static dcpg_status merge_own(const making *m, int chromo, stack *s, dcpg_err *err) {
    DCPG_TRY(push_calls(s, &m->target, chromo, TARGET, err));
    for (int64_t i = 0; i < nb_own(m); i++) DCPG_TRY(push_calls(s, &m->cell[i], chromo, 1, err));
    while (s->n > 1) DCPG_TRY(merge_top(s, err));
    return DCPG_OK;
}

/* First element at or beyond `pos`. */
static int64_t lower_bound(const tallies *list, int64_t pos) {
    int64_t low = 0, high = list->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (list->v[middle].pos < pos)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Merges what all ranks sent for this rank's range. bytes_of[size] */
static dcpg_status merge_received(const making *m, const tally *received, const size_t *bytes_of, stack *s,
                                  dcpg_err *err) {
    for (int r = 0; r < m->par->size; r++) {
        tallies list = {.n = (int64_t)(bytes_of[r] / sizeof *list.v)};
        list.v = dcpg_alloc((size_t)list.n, sizeof *list.v);
        if (!list.v) return dcpg_fail_nomem(err, "positions", bytes_of[r]);
        if (list.n > 0) memcpy(list.v, received, bytes_of[r]);
        received += list.n;
        DCPG_TRY(push(s, list, err));
    }
    while (s->n > 1) DCPG_TRY(merge_top(s, err));
    return DCPG_OK;
}

/* Sends the positions of `own` to the ranks whose ranges they lie in; the union of this rank's range ends
 * alone on `range`. scratch[3 * size]. */
static dcpg_status exchange_all(const making *m, const tallies *own, size_t *scratch, stack *range,
                                dcpg_err *err) {
    int size = m->par->size;
    size_t *at = scratch, *bytes = scratch + size, *bytes_of = scratch + 2 * size;
    int64_t limit = dcpg_max_i64_all(m->par, own->n > 0 ? own->v[own->n - 1].pos : 0) + 1;
    for (int r = 0; r < size; r++) {
        int64_t from = lower_bound(own, dcpg_part(limit, r, size)),
                to = lower_bound(own, dcpg_part(limit, r + 1, size));
        at[r] = (size_t)from * sizeof *own->v;
        bytes[r] = (size_t)(to - from) * sizeof *own->v;
    }
    void *received = NULL;
    DCPG_TRY(dcpg_alltoallv_all(m->par, own->v, at, bytes, &received, bytes_of, err));
    dcpg_status status = merge_received(m, received, bytes_of, range, err);
    dcpg_free(received);
    return dcpg_agree_all(m->par, status, err);
}

static bool is_site(const making *m, uint32_t count) {
    return targets_of(m) ? (count & TARGET) != 0 : count >= m->options->cpg_cov;
}

/* Room for `n` more positions. */
static dcpg_status reserve(making *m, int64_t n, dcpg_err *err) {
    int64_t need = m->nb_pos + n, room = need > 2 * m->pos_room ? need : 2 * m->pos_room;
    if (need <= m->pos_room) return DCPG_OK;
    int32_t *pos = dcpg_realloc(m->pos, (size_t)m->nb_pos, (size_t)room, sizeof *pos);
    if (pos) m->pos = pos;
    uint8_t *flag = dcpg_realloc(m->is_site, (size_t)m->nb_pos, (size_t)room, 1);
    if (flag) m->is_site = flag;
    if (!pos || !flag) return dcpg_fail_nomem(err, "positions", (unsigned long long)room * sizeof *pos);
    m->pos_room = room;
    return DCPG_OK;
}

/* Appends positions to the list: position * 2 + whether it is a site. */
static dcpg_status append(making *m, const uint32_t *word, int64_t n, dcpg_err *err) {
    DCPG_TRY(reserve(m, n, err));
    for (int64_t i = 0; i < n; i++) {
        m->pos[m->nb_pos] = (int32_t)(word[i] >> 1);
        m->is_site[m->nb_pos++] = word[i] & 1;
        m->nb_site += word[i] & 1;
    }
    return DCPG_OK;
}

/* Appends the positions of a chromosome, which the ranks hold by ranges, to everybody's list. */
static dcpg_status gather_all(making *m, int chromo, const tallies *range, size_t *bytes_of, dcpg_err *err) {
    uint32_t *mine = dcpg_alloc((size_t)range->n, sizeof *mine);
    void *all = NULL;
    dcpg_status status =
        mine ? DCPG_OK : dcpg_fail_nomem(err, "positions", (unsigned long long)range->n * sizeof *mine);
    for (int64_t i = 0; i < range->n && mine; i++)
        mine[i] = (uint32_t)range->v[i].pos << 1 | is_site(m, range->v[i].count);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(m->par, mine, (size_t)range->n * sizeof *mine, &all, bytes_of, err);
    dcpg_free(mine);
    if (status != DCPG_OK) return status;
    int64_t n = 0;
    for (int r = 0; r < m->par->size; r++) n += (int64_t)(bytes_of[r] / sizeof *mine);
    status = append(m, all, n, err);
    m->pos_offset[chromo + 1] = m->nb_pos;
    dcpg_free(all);
    return dcpg_agree_all(m->par, status, err);
}

static dcpg_status join_chromo_all(making *m, int chromo, size_t *scratch, dcpg_err *err) {
    stack own = {0}, range = {0};
    tallies none = {0};
    dcpg_status status = dcpg_agree_all(m->par, merge_own(m, chromo, &own, err), err);
    if (status == DCPG_OK) status = exchange_all(m, own.n > 0 ? &own.list[0] : &none, scratch, &range, err);
    free_stack(&own);
    if (status == DCPG_OK) status = gather_all(m, chromo, &range.list[0], scratch, err);
    free_stack(&range);
    return status;
}

/* ---- sampling ---- */

/* Keeps so many random ones of the sites of a chromosome: each is drawn with the chance that the number still
 * to keep has among those left (Knuth, TAOCP 2, 3.4.2, algorithm S). */
static void sample_chromo(making *m, size_t chromo) {
    int64_t left = 0, keep = m->options->nb_sample_chromo;
    for (int64_t i = m->pos_offset[chromo]; i < m->pos_offset[chromo + 1]; i++) left += m->is_site[i];
    if (left <= keep) return;
    dcpg_rng rng;
    dcpg_rng_start(&rng, (uint64_t)m->options->seed, dcpg_hash(m->chromo.v[chromo]));
    m->nb_site -= left - keep;
    for (int64_t i = m->pos_offset[chromo]; i < m->pos_offset[chromo + 1]; i++) {
        if (!m->is_site[i]) continue;
        m->is_site[i] = (int64_t)dcpg_rng_below(&rng, (uint64_t)left--) < keep;
        keep -= m->is_site[i];
    }
}

/* The same on all ranks, which hold the same positions. */
static void sample_sites(making *m) {
    const dcpg_store_options *o = m->options;
    for (size_t c = 0; c < m->chromo.n && o->nb_sample_chromo > 0; c++) sample_chromo(m, c);
    if (o->nb_sample <= 0 || m->nb_site <= o->nb_sample) return;
    int64_t seen = 0;
    for (int64_t i = 0; i < m->nb_pos; i++) {
        seen += m->is_site[i];
        if (seen > o->nb_sample) m->is_site[i] = 0;
    }
    m->nb_site = o->nb_sample;
}

dcpg_status dcpg_make_positions_all(making *m, dcpg_err *err) {
    size_t *scratch = dcpg_alloc(3 * (size_t)m->par->size, sizeof *scratch);
    m->pos_offset = dcpg_alloc(m->chromo.n + 1, sizeof *m->pos_offset);
    dcpg_status status = scratch && m->pos_offset
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "positions", m->chromo.n * sizeof *m->pos_offset);
    status = dcpg_agree_all(m->par, status, err);
    for (int c = 0; c < (int)m->chromo.n && status == DCPG_OK; c++)
        status = join_chromo_all(m, c, scratch, err);
    dcpg_free(scratch);
    if (status == DCPG_OK && m->nb_site == 0) {
        status = dcpg_fail(err, DCPG_E_INPUT,
                           "no site is left: none of the %" PRId64 " positions is observed in %" PRId64
                           " cells: lower --cpg_cov",
                           m->nb_pos, m->options->cpg_cov);
    }
    if (status == DCPG_OK) sample_sites(m);
    return status;
}
