/* SPDX-License-Identifier: MIT */
/* Export by regions: sums over the sites of each region, columns shared out among the ranks. */
#include "analysis/export_regions.h"
#include "base/number.h"

#include <dcpg/memory.h>

#include <string.h>

enum { MOST_SUMS = 1 << 23 }; /* regions x columns that are held at a time, where columns are not too many */

/* A place in the genome, in the order of the data file. */
typedef struct place {
    int32_t chromo, pos;
} place;

static bool is_before(place a, place b) { return a.chromo != b.chromo ? a.chromo < b.chromo : a.pos < b.pos; }

typedef struct pooling {
    export_run *run;
    const export_regions *regions;
    place *block; /* [nb_block] first row of each block of EXPORT_BLOCK rows */
    int64_t nb_block;
    size_t first, end;   /* columns of this rank */
    int64_t most, at, n; /* regions summed up at a time; the present ones: [at, at + n) */
    export_sum *sum;     /* [end - first][n] */
    int64_t *nb_site;    /* [n] */
    int64_t *from, *to;  /* [n] sites of the present block that lie in each region */
} pooling;

/* ---- which blocks hold some regions ---- */

static dcpg_status note_blocks(pooling *p, dcpg_err *err) {
    const export_data *data = &p->run->data;
    char *name = dcpg_alloc(1, data->width + 1);
    p->nb_block = ceil_div(data->total, EXPORT_BLOCK);
    p->block = dcpg_alloc((size_t)p->nb_block, sizeof *p->block);
    dcpg_status status =
        name && p->block ? DCPG_OK : dcpg_fail_nomem(err, "sites", (size_t)p->nb_block * sizeof *p->block);
    for (int64_t i = 0; i < p->nb_block && status == DCPG_OK; i++) {
        place *first = &p->block[i];
        status = dcpg_export_read_places(data, i * EXPORT_BLOCK, 1, name, &first->pos, err);
        if (status == DCPG_OK) first->chromo = (int32_t)dcpg_map_get(&p->run->chromos.number, name, 0);
    }
    dcpg_free(name);
    return status;
}

/* The last block that begins at or before a place; 0 where there is none. */
static int64_t block_of(const pooling *p, place x) {
    int64_t low = 0, high = p->nb_block;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (is_before(x, p->block[middle]))
            high = middle;
        else
            low = middle;
    }
    return low;
}

/* ---- summing ---- */

/* First of the block's sites that lies after a place. */
static int64_t after(const export_run *run, place x) {
    const export_sites *s = &run->sites;
    int64_t low = 0, high = s->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        int32_t at = s->at[middle];
        if (is_before(x, (place){s->chromo[at], s->pos[at]}))
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

static void add_sites(const pooling *p, const export_site *site, export_sum *sum) {
    for (int64_t r = 0; r < p->n; r++) {
        for (int64_t i = p->from[r]; i < p->to[r]; i++) {
            sum[r].sum += site[i].sum;
            sum[r].n += site[i].n;
            sum[r].observed += site[i].observed;
            sum[r].methylated += site[i].methylated;
        }
    }
}

static dcpg_status add_block(const export_run *run, void *to, dcpg_err *err) {
    pooling *p = to;
    for (int64_t r = 0; r < p->n; r++) {
        const export_region *region = &p->regions->v[p->at + r];
        p->from[r] = after(run, (place){region->chromo, region->start});
        p->to[r] = after(run, (place){region->chromo, region->end});
        p->nb_site[r] += p->to[r] - p->from[r];
    }
    for (size_t c = p->first; c < p->end; c++) {
        DCPG_TRY(dcpg_export_read_column(p->run, &p->run->columns.v[c], p->run->site, err));
        add_sites(p, p->run->site, p->sum + (int64_t)(c - p->first) * p->n);
    }
    return DCPG_OK;
}

/* Sums up this rank's columns over the regions from `at` on. */
static dcpg_status sum_up(pooling *p, dcpg_err *err) {
    const export_region *v = p->regions->v + p->at;
    place last = {0};
    for (int64_t r = 0; r < p->n; r++) {
        place end = {v[r].chromo, v[r].end};
        if (is_before(last, end)) last = end;
    }
    memset(p->sum, 0, (p->end - p->first) * (size_t)p->n * sizeof *p->sum);
    memset(p->nb_site, 0, (size_t)p->n * sizeof *p->nb_site);
    const export_walk walk = {.first = block_of(p, (place){v[0].chromo, v[0].start}) * EXPORT_BLOCK,
                              .end = min_i64((block_of(p, last) + 1) * EXPORT_BLOCK, p->run->data.total),
                              .block = EXPORT_BLOCK,
                              .each = add_block,
                              .to = p};
    return dcpg_export_walk(p->run, &walk, err);
}

/* ---- gathering ---- */

/* Sends this rank's sums to rank 0, which receives those of all columns into `*all` (dcpg_free). Collective.
 */
static dcpg_status gather_all(const pooling *p, void **all, dcpg_err *err) {
    const dcpg_par *par = p->run->par;
    size_t *sizes = dcpg_alloc(3 * (size_t)par->size, sizeof *sizes);
    dcpg_status status = sizes ? DCPG_OK : dcpg_fail_nomem(err, "ranks", (size_t)par->size * sizeof *sizes);
    status = dcpg_agree_all(par, status, err);
    if (status == DCPG_OK) {
        const dcpg_par_parts parts = {.data = p->sum, .at = sizes, .bytes = sizes + par->size};
        sizes[par->size] = (p->end - p->first) * (size_t)p->n * sizeof *p->sum;
        status = dcpg_alltoallv_all(par, &parts, all, sizes + 2 * par->size, err);
    }
    dcpg_free(sizes);
    return status;
}

static dcpg_status open_pooling(pooling *p, dcpg_err *err) {
    const export_run *run = p->run;
    int64_t columns = (int64_t)run->columns.n;
    p->first = (size_t)dcpg_part(columns, run->par->rank, run->par->size);
    p->end = (size_t)dcpg_part(columns, run->par->rank + 1, run->par->size);
    p->most = max_i64(MOST_SUMS / columns / EXPORT_POOL, 1) * EXPORT_POOL;
    size_t most = (size_t)min_i64(p->most, p->regions->n);
    p->sum = dcpg_alloc((p->end - p->first) * most, sizeof *p->sum);
    p->nb_site = dcpg_alloc(3 * most, sizeof *p->nb_site);
    if (!p->sum || !p->nb_site)
        return dcpg_fail_nomem(err, "regions", (p->end - p->first + 1) * most * sizeof *p->sum);
    p->from = p->nb_site + most;
    p->to = p->from + most;
    return note_blocks(p, err);
}

static dcpg_status pool_all(pooling *p, export_pool_fn *take, void *to, dcpg_err *err) {
    for (p->at = 0; p->at < p->regions->n; p->at += p->n) {
        void *all = NULL;
        p->n = min_i64(p->regions->n - p->at, p->most);
        DCPG_TRY(dcpg_agree_all(p->run->par, sum_up(p, err), err));
        DCPG_TRY(gather_all(p, &all, err));
        const export_pool pool = {.first = p->at, .n = p->n, .sum = all, .nb_site = p->nb_site};
        dcpg_status status = p->run->par->rank == 0 ? take(p->run, &pool, to, err) : DCPG_OK;
        dcpg_free(all);
        DCPG_TRY(dcpg_agree_all(p->run->par, status, err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_export_pool_all(export_run *run, const export_regions *regions, export_pool_fn *take,
                                 void *to, dcpg_err *err) {
    pooling p = {.run = run, .regions = regions};
    dcpg_status status = dcpg_agree_all(run->par, open_pooling(&p, err), err);
    if (status == DCPG_OK) status = pool_all(&p, take, to, err);
    dcpg_free(p.block);
    dcpg_free(p.sum);
    dcpg_free(p.nb_site);
    return status;
}
