/* SPDX-License-Identifier: MIT */
/* Statistics of outputs: samples are cut into fixed blocks, of which each rank sums one per round; after each
 * round the ranks combine the blocks in order, every rank for its own part of the outputs. */
#include "analysis/table.h"
#include "base/number.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/show.h>

#include <math.h>
#include <string.h>

enum { BLOCK = 16384, ROWS = 1024 };

/* Observed labels of an output: number, sum, and sum of squared deviations from the mean. */
typedef struct moments {
    double n, sum, squares;
} moments;

/* Moments of a and b together (Chan, Golub, LeVeque: Updating formulae, 1979). */
static moments join(moments a, moments b) {
    if (a.n == 0 || b.n == 0) return a.n == 0 ? b : a;
    double n = a.n + b.n, d = b.sum / b.n - a.sum / a.n;
    return (moments){n, a.sum + b.sum, a.squares + b.squares + d * d * a.n * b.n / n};
}

typedef struct counting {
    dcpg_source *source;
    int64_t nb_sample, nb_block;
    dcpg_batch *batch;
    int64_t sample[ROWS];
    size_t *sizes;  /* [3][ranks]: where each rank's part of the outputs begins, its length, and scratch */
    moments *block; /* [outputs] of this rank's block in this round */
    moments *total; /* [outputs] of the blocks so far; of this rank's part only, until the end */
} counting;

/* ---- one block ---- */

static bool is_observed(float label) { return label != -1 && !isnan(label); }

/* Moments of one output's labels in the batch. */
static moments of_rows(const dcpg_batch *batch, int64_t nb_output, int64_t output) {
    moments m = {0};
    const float *label = batch->label + output;
    for (int64_t i = 0; i < batch->n; i++) {
        if (!is_observed(label[i * nb_output])) continue;
        m.n++;
        m.sum += (double)label[i * nb_output];
    }
    for (int64_t i = 0; i < batch->n; i++) {
        double d = (double)label[i * nb_output] - m.sum / m.n;
        if (is_observed(label[i * nb_output])) m.squares += d * d;
    }
    return m;
}

static dcpg_status count_block(counting *c, int64_t first, int64_t end, moments *m, dcpg_err *err) {
    int64_t nb_output = (int64_t)c->source->outputs.n;
    for (int64_t at = first; at < end; at += ROWS) {
        int64_t n = min_i64(end - at, ROWS);
        for (int64_t i = 0; i < n; i++) c->sample[i] = at + i;
        DCPG_TRY(c->source->ops->fill(c->source, n, c->sample, c->batch, err));
#pragma omp parallel for schedule(static)
        for (int64_t o = 0; o < nb_output; o++) m[o] = join(m[o], of_rows(c->batch, nb_output, o));
    }
    return DCPG_OK;
}

/* ---- all blocks ---- */

static dcpg_status start(counting *c, int64_t nb_sample, dcpg_err *err) {
    const dcpg_par *par = c->source->par;
    size_t nb_output = c->source->outputs.n, size = (size_t)par->size;
    c->nb_sample = nb_sample > 0 && nb_sample < c->source->nb_site ? nb_sample : c->source->nb_site;
    c->nb_block = ceil_div(c->nb_sample, BLOCK);
    c->sizes = dcpg_alloc(3 * size, sizeof *c->sizes);
    c->block = dcpg_alloc(nb_output, sizeof *c->block);
    c->total = dcpg_alloc(nb_output, sizeof *c->total);
    if (!c->sizes || !c->block || !c->total)
        return dcpg_fail_nomem(err, "statistics", 2 * nb_output * sizeof *c->block + 24 * size);
    for (int r = 0; r < par->size; r++) {
        int64_t first = dcpg_part((int64_t)nb_output, r, par->size),
                end = dcpg_part((int64_t)nb_output, r + 1, par->size);
        c->sizes[r] = (size_t)first * sizeof *c->block;
        c->sizes[par->size + r] = (size_t)(end - first) * sizeof *c->block;
    }
    return dcpg_batch_new(c->source, ROWS, &c->batch, err);
}

/* Combines the blocks of a round. Collective. */
static dcpg_status combine_all(counting *c, dcpg_err *err) {
    const dcpg_par *par = c->source->par;
    const size_t *at = c->sizes, *bytes = at + par->size;
    size_t nb = bytes[par->rank] / sizeof(moments);
    moments *total = c->total + at[par->rank] / sizeof(moments);
    void *received = NULL;
    const dcpg_par_parts parts = {c->block, at, bytes};
    DCPG_TRY(dcpg_alltoallv_all(par, &parts, &received, c->sizes + 2 * par->size, err));
    const moments *block = received; /* one per rank, in the order of the samples */
    for (int r = 0; r < par->size; r++)
        for (size_t o = 0; o < nb; o++) total[o] = join(total[o], *block++);
    dcpg_free(received);
    return DCPG_OK;
}

static dcpg_status count_all(counting *c, dcpg_err *err) {
    const dcpg_par *par = c->source->par;
    for (int64_t b = par->rank; b < round_up(c->nb_block, par->size); b += par->size) {
        int64_t first = min_i64(b * BLOCK, c->nb_sample), end = min_i64((b + 1) * BLOCK, c->nb_sample);
        DCPG_TRY(c->source->ops->load_all(c->source, first, end, err));
        memset(c->block, 0, c->source->outputs.n * sizeof *c->block);
        DCPG_TRY(dcpg_agree_all(par, count_block(c, first, end, c->block, err), err));
        DCPG_TRY(combine_all(c, err));
    }
    return DCPG_OK;
}

/* Gives all ranks the totals of all outputs. Collective. */
static dcpg_status share_totals_all(counting *c, dcpg_err *err) {
    const dcpg_par *par = c->source->par;
    const size_t *at = c->sizes, *bytes = at + par->size;
    void *all = NULL;
    DCPG_TRY(dcpg_allgatherv_all(par, (const char *)c->total + at[par->rank], bytes[par->rank], &all,
                                 c->sizes + 2 * par->size, err));
    dcpg_free(c->total);
    c->total = all;
    return DCPG_OK;
}

static dcpg_status make_table(const counting *c, table *t, dcpg_err *err) {
    DCPG_TRY(dcpg_table_add_column(t, NULL, "output", TABLE_WORD, &c->source->outputs, err));
    DCPG_TRY(dcpg_table_add_column(t, NULL, "nb_tot", TABLE_INT, NULL, err));
    DCPG_TRY(dcpg_table_add_column(t, NULL, "nb_obs", TABLE_INT, NULL, err));
    DCPG_TRY(dcpg_table_add_column(t, NULL, "frac_obs", TABLE_DOUBLE, NULL, err));
    DCPG_TRY(dcpg_table_add_column(t, NULL, "mean", TABLE_DOUBLE, NULL, err));
    DCPG_TRY(dcpg_table_add_column(t, NULL, "var", TABLE_DOUBLE, NULL, err));
    DCPG_TRY(dcpg_table_add_rows(t, (int64_t)c->source->outputs.n, err));
    for (int64_t o = 0; o < t->nb_row; o++) {
        moments m = c->total[o];
        double row[] = {(double)o,
                        (double)c->nb_sample,
                        m.n,
                        m.n / (double)c->nb_sample,
                        m.n > 0 ? m.sum / m.n : NAN,
                        m.n > 0 ? m.squares / m.n : NAN};
        t->index[o] = o;
        for (int k = 0; k < t->nb_column; k++) t->column[k].value[o] = row[k];
    }
    return DCPG_OK;
}

static dcpg_status write_out(const counting *c, const char *out_tsv, FILE *out, dcpg_err *err) {
    table t = {0};
    dcpg_status status = make_table(c, &t, err);
    char *text = status == DCPG_OK && out_tsv ? dcpg_table_tsv(&t) : NULL;
    if (status == DCPG_OK && out_tsv)
        status = text ? dcpg_file_write(out_tsv, text, strlen(text), err)
                      : dcpg_fail_nomem(err, "a table", (unsigned long long)t.nb_row);
    if (status == DCPG_OK) dcpg_table_print(&t, out);
    dcpg_free(text);
    dcpg_table_free(&t);
    return status;
}

dcpg_status dcpg_stats_all(dcpg_source *source, int64_t nb_sample, const char *out_tsv, FILE *out,
                           dcpg_err *err) {
    counting c = {.source = source};
    const dcpg_par *par = source->par;
    dcpg_status status = dcpg_agree_all(par, start(&c, nb_sample, err), err);
    if (status == DCPG_OK) status = count_all(&c, err);
    if (status == DCPG_OK) status = share_totals_all(&c, err);
    if (status == DCPG_OK)
        status = dcpg_agree_all(par, par->rank == 0 ? write_out(&c, out_tsv, out, err) : DCPG_OK, err);
    dcpg_batch_free(c.batch);
    dcpg_free(c.sizes);
    dcpg_free(c.block);
    dcpg_free(c.total);
    return status;
}
