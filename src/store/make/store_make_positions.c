/* SPDX-License-Identifier: MIT */
/* Making a store, third step: the union of all positions, for one group of chromosomes at a time (a long one,
 * or several short ones). Each rank merges the positions of its own cells; then each rank merges one range of
 * positions from all ranks. */
#include "base/number.h"
#include "store/make/make_impl.h"
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <inttypes.h>
#include <string.h>

/* Chromosomes [from, to), laid end to end: base 1 of chromosome c is at start[c - from] + 1. */
typedef struct group {
    int from, to;
    int32_t *start; /* [to - from + 1] */
} group;

/* Most bases of a group of several chromosomes: about the length of the longest human one, so that a group
 * takes no more memory than that. */
static const int64_t GROUP_BASES = INT64_C(1) << 28;

/* A position in a group, and the number of cells that observed it; bit TARGET marks target sites. */
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

/* Lists waiting to be merged, each less than half as long as the one below it: the cost of adding many lists
 * grows only with the logarithm of their number. */
enum { MAX_STACK = 64 };

typedef struct stack {
    tallies list[MAX_STACK];
    int n;
} stack;

static void free_stack(stack *s) {
    for (int i = 0; i < s->n; i++) dcpg_free(s->list[i].v);
    s->n = 0;
}

/* Merges a and b into `out`; equal positions become one. Returns the length. */
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

/* Adds a list; the stack takes it over. */
static dcpg_status push(stack *s, tallies list, dcpg_err *err) {
    s->list[s->n++] = list;
    while (s->n > 1 && s->list[s->n - 2].n <= 2 * s->list[s->n - 1].n) DCPG_TRY(merge_top(s, err));
    return DCPG_OK;
}

/* Index of the first of `n` records that is not below `least`; `n` where all are below. The int32_t at
 * `key` belongs to the first record, those of the others follow at distances of `size` bytes, ascending. */
static int64_t first_not_below(const int32_t *key, size_t size, int64_t n, int64_t least) {
    int64_t low = 0, high = n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        const int32_t *here = (const void *)((const char *)key + (size_t)middle * size);
        if (*here < least)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Index of the cell's first chromosome with number `chromo` or higher. */
static int first_from(const packed_cell *cell, int32_t chromo) {
    const packed_calls *v = cell->chromo;
    return cell->nb_chromo ? (int)first_not_below(&v->chromo, sizeof *v, cell->nb_chromo, chromo) : 0;
}

/* Index of the first position at or after `pos`. */
static int64_t lower_bound(const tallies *list, int64_t pos) {
    return list->n ? first_not_below(&list->v->pos, sizeof *list->v, list->n, pos) : 0;
}

static dcpg_status push_calls(stack *s, const packed_cell *cell, const group *g, uint32_t count,
                              dcpg_err *err) {
    int from = first_from(cell, g->from), to = first_from(cell, g->to);
    int64_t n = 0;
    for (int c = from; c < to; c++) n += cell->chromo[c].n;
    if (n == 0) return DCPG_OK;
    tallies list = {.v = dcpg_alloc((size_t)n, sizeof *list.v)};
    if (!list.v) return dcpg_fail_nomem(err, "positions", (unsigned long long)n * sizeof *list.v);
    for (int c = from; c < to; c++) {
        int32_t start = g->start[cell->chromo[c].chromo - g->from];
        unpacking u = dcpg_start_unpacking(&cell->chromo[c]);
        while (dcpg_unpack_call(&u)) list.v[list.n++] = (tally){start + u.pos, count};
    }
    return push(s, list, err);
}

static dcpg_status merge_own(const making *m, const group *g, stack *s, dcpg_err *err) {
    DCPG_TRY(push_calls(s, &m->cells.target, g, TARGET, err));
    for (int64_t i = 0; i < nb_own(m); i++) DCPG_TRY(push_calls(s, &m->cells.packed[i], g, 1, err));
    while (s->n > 1) DCPG_TRY(merge_top(s, err));
    return DCPG_OK;
}

/* Merges the lists that all ranks sent for this rank's range. bytes_of[size] */
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

/* CGs of the genome at positions [from, to) of the group: counted and, if `list` is given, listed. */
static int64_t list_cg(const making *m, const group *g, int64_t from, int64_t to, tally *list) {
    int64_t n = 0;
    for (int c = g->from; c < g->to; c++) {
        int64_t start = g->start[c - g->from];
        const dcpg_cg_chromo *on = dcpg_cg_find(&m->genome.map, m->chromos.name.v[c]);
        /* 0-based bases of the chromosome */
        int64_t first = max_i64(from - start - 1, 0), end = to - start - 1;
        if (!on || end <= 0) continue;
        if (end > on->length) end = on->length;
        for (int64_t w = first / 64; w < ceil_div(end, 64) && first < end; w++) {
            uint64_t bits = on->bits[w];
            if (w == first / 64) bits &= ~UINT64_C(0) << first % 64;
            if (w == end / 64) bits &= (UINT64_C(1) << end % 64) - 1;
            if (!list) n += __builtin_popcountll(bits);
            for (; list && bits; bits &= bits - 1)
                list[n++] = (tally){(int32_t)(start + 64 * w + __builtin_ctzll(bits) + 1), TARGET};
        }
    }
    return n;
}

/* With --sites all: every CG in this rank's range is a site. */
static dcpg_status push_cg(const making *m, const group *g, int64_t from, int64_t to, stack *s,
                           dcpg_err *err) {
    tallies list = {.n = list_cg(m, g, from, to, NULL)};
    list.v = dcpg_alloc((size_t)list.n, sizeof *list.v);
    if (!list.v) return dcpg_fail_nomem(err, "sites", (unsigned long long)list.n * sizeof *list.v);
    list_cg(m, g, from, to, list.v);
    DCPG_TRY(push(s, list, err));
    while (s->n > 1) DCPG_TRY(merge_top(s, err));
    return DCPG_OK;
}

/* Sends the positions of `own` to the ranks in whose ranges they lie; `range` ends up with one list, the
 * union of this rank's range. scratch[3 * size]. Collective. */
static dcpg_status exchange_all(const making *m, const group *g, const tallies *own, size_t *scratch,
                                stack *range, dcpg_err *err) {
    int size = m->par->size;
    size_t *at = scratch, *bytes = scratch + size, *bytes_of = scratch + 2 * size;
    int64_t limit = (int64_t)g->start[g->to - g->from] + 1;
    for (int r = 0; r < size; r++) {
        int64_t from = lower_bound(own, dcpg_part(limit, r, size)),
                to = lower_bound(own, dcpg_part(limit, r + 1, size));
        at[r] = (size_t)from * sizeof *own->v;
        bytes[r] = (size_t)(to - from) * sizeof *own->v;
    }
    const dcpg_par_parts parts = {own->v, at, bytes};
    void *received = NULL;
    DCPG_TRY(dcpg_alltoallv_all(m->par, &parts, &received, bytes_of, err));
    dcpg_status status = merge_received(m, received, bytes_of, range, err);
    dcpg_free(received);
    if (status == DCPG_OK && m->positions.every_cg)
        status = push_cg(m, g, dcpg_part(limit, m->par->rank, size), dcpg_part(limit, m->par->rank + 1, size),
                         range, err);
    return dcpg_agree_all(m->par, status, err);
}

static bool is_site(const making *m, uint32_t count) {
    return targets_of(m) || m->positions.every_cg ? (count & TARGET) != 0 : count >= m->options->cpg_cov;
}

/* Makes space for `n` more positions. */
static dcpg_status reserve(making *m, int64_t n, dcpg_err *err) {
    int64_t need = m->positions.n + n, capacity = max_i64(need, 2 * m->positions.capacity);
    if (need <= m->positions.capacity) return DCPG_OK;
    int32_t *pos = dcpg_realloc(m->positions.pos, (size_t)m->positions.n, (size_t)capacity, sizeof *pos);
    if (pos) m->positions.pos = pos;
    uint8_t *flag = dcpg_realloc(m->positions.is_site, (size_t)m->positions.n, (size_t)capacity, 1);
    if (flag) m->positions.is_site = flag;
    if (!pos || !flag) return dcpg_fail_nomem(err, "positions", (unsigned long long)capacity * sizeof *pos);
    m->positions.capacity = capacity;
    return DCPG_OK;
}

/* Appends the positions of a group; word[n]: position * 2 + (1 if it is a site). */
static dcpg_status append(making *m, const group *g, const uint32_t *word, int64_t n, dcpg_err *err) {
    DCPG_TRY(reserve(m, n, err));
    int c = g->from;
    for (int64_t i = 0; i < n; i++) {
        int32_t pos = (int32_t)(word[i] >> 1);
        while (pos > g->start[c + 1 - g->from]) m->positions.offset[++c] = m->positions.n;
        m->positions.pos[m->positions.n] = pos - g->start[c - g->from];
        m->positions.is_site[m->positions.n++] = word[i] & 1;
        m->positions.nb_site += word[i] & 1;
    }
    while (c < g->to) m->positions.offset[++c] = m->positions.n;
    return DCPG_OK;
}

/* Appends the positions of a group, of which each rank holds a range, to the list on all ranks. Collective.
 */
static dcpg_status gather_all(making *m, const group *g, const tallies *range, size_t *bytes_of,
                              dcpg_err *err) {
    uint32_t *mine = dcpg_alloc((size_t)range->n, sizeof *mine);
    void *all = NULL;
    dcpg_status status =
        mine ? DCPG_OK : dcpg_fail_nomem(err, "positions", (unsigned long long)range->n * sizeof *mine);
    for (int64_t i = 0; i < range->n && mine; i++) {
        mine[i] = (uint32_t)range->v[i].pos << 1 | is_site(m, range->v[i].count);
        m->positions.nb_unseen += (range->v[i].count & ~TARGET) == 0;
    }
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK)
        status = dcpg_allgatherv_all(m->par, mine, (size_t)range->n * sizeof *mine, &all, bytes_of, err);
    dcpg_free(mine);
    if (status != DCPG_OK) return status;
    int64_t n = 0;
    for (int r = 0; r < m->par->size; r++) n += (int64_t)(bytes_of[r] / sizeof *mine);
    status = append(m, g, all, n, err);
    dcpg_free(all);
    return dcpg_agree_all(m->par, status, err);
}

static dcpg_status join_group_all(making *m, const group *g, size_t *scratch, dcpg_err *err) {
    stack own = {0}, range = {0};
    tallies none = {0};
    dcpg_status status = dcpg_agree_all(m->par, merge_own(m, g, &own, err), err);
    if (status == DCPG_OK)
        status = exchange_all(m, g, own.n > 0 ? &own.list[0] : &none, scratch, &range, err);
    free_stack(&own);
    if (status == DCPG_OK) status = gather_all(m, g, range.n > 0 ? &range.list[0] : &none, scratch, err);
    free_stack(&range);
    return status;
}

/* ---- groups ---- */

static void last_of(const packed_cell *cell, int64_t *last) {
    for (int c = 0; c < cell->nb_chromo; c++) {
        const packed_calls *calls = &cell->chromo[c];
        if (calls->last > last[calls->chromo]) last[calls->chromo] = calls->last;
    }
}

/* Finds the last position of each chromosome on any rank: last[chromo.n], zeroed by the caller. Collective.
 */
static void find_ends_all(const making *m, int64_t *last) {
    last_of(&m->cells.target, last);
    for (int64_t i = 0; i < nb_own(m); i++) last_of(&m->cells.packed[i], last);
    for (size_t c = 0; c < m->chromos.name.n && m->positions.every_cg; c++) last[c] = m->chromos.length[c];
    dcpg_max_i64s_all(m->par, last, m->chromos.name.n);
}

/* The group that starts with chromosome `from`; fills start[chromo.n + 1]. */
static group next_group(const making *m, int from, const int64_t *last, int32_t *start) {
    group g = {from, from, start};
    int64_t bases = 0;
    start[0] = 0;
    while (g.to < (int)m->chromos.name.n && (g.to == from || bases + last[g.to] <= GROUP_BASES)) {
        bases += last[g.to++];
        start[g.to - from] = (int32_t)bases;
    }
    return g;
}

static dcpg_status join_all(making *m, dcpg_err *err) {
    size_t n = m->chromos.name.n, *scratch = dcpg_alloc(3 * (size_t)m->par->size, sizeof *scratch);
    int64_t *last = dcpg_alloc(n, sizeof *last);
    int32_t *start = dcpg_alloc(n + 1, sizeof *start);
    m->positions.offset = dcpg_alloc(n + 1, sizeof *m->positions.offset);
    dcpg_status status = scratch && last && start && m->positions.offset
                             ? DCPG_OK
                             : dcpg_fail_nomem(err, "positions", n * 3 * sizeof *m->positions.offset);
    status = dcpg_agree_all(m->par, status, err);
    if (status == DCPG_OK) find_ends_all(m, last);
    for (int c = 0; c < (int)n && status == DCPG_OK;) {
        group g = next_group(m, c, last, start);
        status = join_group_all(m, &g, scratch, err);
        c = g.to;
    }
    dcpg_free(scratch);
    dcpg_free(last);
    dcpg_free(start);
    return status;
}

/* ---- sampling ---- */

/* Keeps nb_sample_chromo random sites of a chromosome: a site is kept with probability (sites still to keep)
 * / (sites left) (Knuth, TAOCP 2, 3.4.2, algorithm S). */
static void sample_chromo(making *m, size_t chromo) {
    int64_t left = 0, keep = m->options->nb_sample_chromo;
    for (int64_t i = m->positions.offset[chromo]; i < m->positions.offset[chromo + 1]; i++)
        left += m->positions.is_site[i];
    if (left <= keep) return;
    dcpg_rng rng;
    dcpg_rng_start(&rng, (uint64_t)m->options->seed, dcpg_hash(m->chromos.name.v[chromo]));
    m->positions.nb_site -= left - keep;
    for (int64_t i = m->positions.offset[chromo]; i < m->positions.offset[chromo + 1]; i++) {
        if (!m->positions.is_site[i]) continue;
        m->positions.is_site[i] = (int64_t)dcpg_rng_below(&rng, (uint64_t)left--) < keep;
        keep -= m->positions.is_site[i];
    }
}

/* Samples the same sites on all ranks, as these hold the same positions. */
static void sample_sites(making *m) {
    const dcpg_store_options *o = m->options;
    for (size_t c = 0; c < m->chromos.name.n && o->nb_sample_chromo > 0; c++) sample_chromo(m, c);
    if (o->nb_sample <= 0 || m->positions.nb_site <= o->nb_sample) return;
    int64_t seen = 0;
    for (int64_t i = 0; i < m->positions.n; i++) {
        seen += m->positions.is_site[i];
        if (seen > o->nb_sample) m->positions.is_site[i] = 0;
    }
    m->positions.nb_site = o->nb_sample;
}

/* CGs that no cell observed are not sites unless --sites all asks for them. */
static void log_unseen_all(making *m) {
    m->positions.nb_unseen = dcpg_sum_i64_all(m->par, m->positions.nb_unseen); /* positions without calls */
    if (!has_genome(m) || m->input) return;
    int64_t all = m->genome.nb_cg, unseen = all - (m->positions.n - m->positions.nb_unseen);
    if (unseen <= 0 || targets_of(m)) return;
    dcpg_info(m->log,
              m->positions.every_cg
                  ? "data: %" PRId64 " of %" PRId64 " CGs of the genome were seen in no cell; all are sites"
                  : "data: %" PRId64 " of %" PRId64
                    " CGs of the genome were seen in no cell: --sites all makes them sites too",
              unseen, all);
}

dcpg_status dcpg_make_positions_all(making *m, dcpg_err *err) {
    DCPG_TRY(join_all(m, err));
    if (m->positions.nb_site == 0) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "no site is left: none of the %" PRId64 " positions is observed in %" PRId64
                         " cells: lower --cpg_cov",
                         m->positions.n, m->options->cpg_cov);
    }
    sample_sites(m);
    log_unseen_all(m);
    if (m->extras.bulk.name.n == 0)
        dcpg_free_genome_all(&m->genome); /* bulk profiles are read last, and against the map */
    return DCPG_OK;
}
