/* SPDX-License-Identifier: MIT */
/* The batch source over a store: chooses samples, cells and outputs, loads spans, and fills batches. */
#include "data/store_source.h"
#include "base/number.h"
#include "data/hide.h"
#include "store/store_digest.h"
#include "store/store_layout.h"
#include <assert.h>
#include <dcpg/memory.h>
#include <dcpg/rng.h>
#include <inttypes.h>
#include <string.h>

/* Samples that a thread fills at a time. Any other number gives the same batch: samples are independent. */
enum { BLOCK = 8 };

static dcpg_store_source *self_of(dcpg_source *source) { return (dcpg_store_source *)source; }

/* ---- samples ---- */

static int64_t site_of(const dcpg_store_source *s, int64_t sample, int *chromo) {
    int k = dcpg_store_chromo_of(s->first_sample, (int)s->base.chromo.n, sample);
    *chromo = k;
    return s->store->site_offset[s->chosen[k]] + sample - s->first_sample[k];
}

/* The span that holds a loaded sample, and the index of its position. */
static const dcpg_span *find(const dcpg_store_source *s, int64_t sample, int64_t *index) {
    assert(sample >= s->base.loaded_first && sample < s->base.loaded_end);
    const dcpg_span *span = s->span;
    while (sample >= span->sample_end) span++;
    *index = dcpg_span_index(span, span->site_first + sample - span->sample_first);
    return span;
}

static void fill_sample(const dcpg_store_source *s, int64_t sample, int64_t row, dcpg_batch *batch) {
    int64_t index, nb_cell = (int64_t)s->base.cells.n, nb_output = (int64_t)s->base.outputs.n,
                   half = s->base.cpg_wlen / 2;
    const dcpg_span *span = find(s, sample, &index);
    dcpg_site site = dcpg_site_at(s, span, index);
    batch->id[row] = sample;
    if (batch->dna) dcpg_cut_window(&site, batch->dna + row * s->base.dna_wlen);
    if (batch->cpg)
        dcpg_cut_neighbours(&site, nb_cell, s->input, half, batch->cpg + row * nb_cell * 4 * half);
    for (int64_t i = 0; i < nb_output && batch->label; i++)
        batch->label[row * nb_output + i] = s->output[i].provider->label(&site, &s->output[i]);
}

static dcpg_status fill(dcpg_source *source, int64_t nb, const int64_t *sample, dcpg_batch *batch,
                        dcpg_err *err) {
    (void)err;
    assert(nb <= batch->capacity);
    const dcpg_store_source *s = self_of(source);
    batch->n = nb;
#pragma omp parallel for schedule(dynamic, BLOCK)
    for (int64_t i = 0; i < nb; i++) fill_sample(s, sample[i], i, batch);
    return DCPG_OK;
}

static dcpg_status where(dcpg_source *source, int64_t first, int64_t end, int32_t *chromo, int32_t *pos,
                         dcpg_err *err) {
    (void)err;
    const dcpg_store_source *s = self_of(source);
    for (int64_t i = first; i < end; i++) {
        int64_t index;
        int k;
        const dcpg_span *span = find(s, i, &index);
        site_of(s, i, &k);
        chromo[i - first] = k;
        pos[i - first] = dcpg_span_pos(span, index);
    }
    return DCPG_OK;
}

static void count_sample(const dcpg_store_source *s, int64_t sample, int64_t *count) {
    int64_t index;
    const dcpg_span *span = find(s, sample, &index);
    dcpg_site site = dcpg_site_at(s, span, index);
    for (size_t o = 0; o < s->base.outputs.n; o++) {
        float label = s->output[o].provider->label(&site, &s->output[o]);
        if (label >= 0) count[3 * o + (label < 0.5f ? 0 : label < 1.5f ? 1 : 2)]++;
    }
}

static dcpg_status count_labels(dcpg_source *source, int64_t first, int64_t end, int64_t *count,
                                dcpg_err *err) {
    (void)err;
    const dcpg_store_source *s = self_of(source);
    size_t n = source->outputs.n * 3;
    memset(count, 0, n * sizeof *count);
#pragma omp parallel for schedule(dynamic, 64) reduction(+ : count[:n])
    for (int64_t i = first; i < end; i++) count_sample(s, i, count);
    return DCPG_OK;
}

static dcpg_status inside(dcpg_source *source, int64_t nb, const int64_t *sample, uint8_t *out,
                          dcpg_err *err) {
    (void)err;
    const dcpg_store_source *s = self_of(source);
    int64_t nb_anno = (int64_t)source->annos.n;
#pragma omp parallel for schedule(static)
    for (int64_t i = 0; i < nb; i++) {
        int64_t index;
        const dcpg_span *span = find(s, sample[i], &index);
        const uint64_t *word = span->annos + (index / 64 - span->word_first);
        for (int64_t a = 0; a < nb_anno; a++)
            out[i * nb_anno + a] = word[a * (span->word_end - span->word_first)] >> index % 64 & 1;
    }
    return DCPG_OK;
}

/* ---- loading ---- */

static void drop_spans(dcpg_store_source *s) {
    for (int i = 0; i < s->nb_span; i++) dcpg_span_free_all(&s->span[i]);
    dcpg_free(s->span);
    s->span = NULL;
    s->nb_span = 0;
    s->base.loaded_first = s->base.loaded_end = 0;
}

/* Splits samples [first, end) where chromosomes between them were not chosen, so that each span is contiguous
 * in the store. */
static dcpg_status plan_spans(dcpg_store_source *s, int64_t first, int64_t end, bool share, dcpg_err *err) {
    s->span = dcpg_alloc(s->base.chromo.n, sizeof *s->span);
    if (!s->span) return dcpg_fail_nomem(err, "chromosomes", s->base.chromo.n * sizeof *s->span);
    for (int64_t i = first; i < end;) {
        int k;
        int64_t site = site_of(s, i, &k), stop = min_i64(s->first_sample[k + 1], end);
        dcpg_span *last = s->nb_span > 0 ? &s->span[s->nb_span - 1] : NULL;
        if (last && last->chromo_last + 1 == s->chosen[k]) {
            last->chromo_last = s->chosen[k];
            last->sample_end = stop;
            last->site_end = site + stop - i;
        } else {
            s->span[s->nb_span++] = (dcpg_span){.sample_first = i,
                                                .sample_end = stop,
                                                .site_first = site,
                                                .site_end = site + stop - i,
                                                .chromo_first = s->chosen[k],
                                                .chromo_last = s->chosen[k],
                                                .share = share};
        }
        i = stop;
    }
    return DCPG_OK;
}

static dcpg_status load_spans_all(dcpg_store_source *s, dcpg_h5 *file, dcpg_err *err) {
    int64_t rounds = dcpg_max_i64_all(s->base.par, s->nb_span);
    for (int64_t i = 0; i < rounds; i++) {
        dcpg_span nothing = {0};
        DCPG_TRY(dcpg_span_load_all(&s->want, file, i < s->nb_span ? &s->span[i] : &nothing, err));
        dcpg_span_free_all(&nothing);
    }
    return DCPG_OK;
}

static void log_size_all(const dcpg_store_source *s) {
    int64_t bytes = 0;
    for (int i = 0; i < s->nb_span; i++) bytes += (int64_t)s->span[i].bytes;
    int64_t most = dcpg_max_i64_all(s->base.par, bytes), sum = dcpg_sum_i64_all(s->base.par, bytes);
    dcpg_debug(s->base.log, "%s: %.1f MB in memory over all ranks, at most %.1f MB on one", s->store->path,
               (double)sum / 1e6, (double)most / 1e6);
}

/* Whether all ranks want the same samples, and some of them are on one host. */
static bool can_share_all(const dcpg_par *par, int64_t first, int64_t end) {
    int64_t most[] = {first, -first, end, -end, par->host_size};
    dcpg_max_i64s_all(par, most, sizeof most / sizeof *most);
    return most[0] == -most[1] && most[2] == -most[3] && most[4] > 1 && most[0] < most[2];
}

static dcpg_status load_all(dcpg_source *source, int64_t first, int64_t end, dcpg_err *err) {
    dcpg_store_source *s = self_of(source);
    assert(0 <= first && first <= end && end <= source->nb_site);
    drop_spans(s);
    DCPG_TRY(dcpg_agree_all(source->par,
                            plan_spans(s, first, end, can_share_all(source->par, first, end), err), err));
    dcpg_h5 *file = NULL;
    DCPG_TRY(dcpg_h5_open(s->store->path, source->par, &file, err));
    dcpg_status status = load_spans_all(s, file, err);
    dcpg_h5_close(file);
    if (status != DCPG_OK) {
        drop_spans(s);
        return status;
    }
    source->loaded_first = first;
    source->loaded_end = end;
    log_size_all(s);
    return DCPG_OK;
}

/* ---- opening ---- */

static void close_source(dcpg_source *source) {
    dcpg_store_source *s = self_of(source);
    drop_spans(s);
    dcpg_strings_free(&source->chromo);
    dcpg_strings_free(&source->fasta_name);
    dcpg_free(source->length);
    dcpg_strings_free(&source->cells);
    dcpg_strings_free(&source->outputs);
    dcpg_strings_free(&source->annos);
    dcpg_free(source->checksum);
    dcpg_free(s->chosen);
    dcpg_free(s->first_sample);
    dcpg_free(s->input);
    dcpg_free(s->output);
    dcpg_free(s->hide_cell);
    dcpg_free(s->hide_chromo);
    dcpg_free(s->want.cell);
    dcpg_free(s->want.list_of);
    dcpg_free(s->want.list_cell);
    dcpg_free(s->want.value_row);
    dcpg_free(s->want.bulk_row);
    dcpg_free(s);
}

/* The store's digest; bulk profiles and parameters of statistics are part of it only if they are outputs. */
static dcpg_status digest_all(dcpg_source *source, char **text, dcpg_err *err) {
    const dcpg_store_source *s = self_of(source);
    store_digest digest;
    bool bulk = false, stats = false;
    DCPG_TRY(dcpg_store_digest_of_all(s->store, source->log, &digest, err));
    for (size_t o = 0; o < source->outputs.n; o++) {
        bulk = bulk || s->output[o].bulk >= 0;
        stats = stats || s->output[o].every_cell;
    }
    char *values = dcpg_store_digest_text(&digest, bulk);
    *text = values && stats ? dcpg_format("%s statistics:%" PRId64 "/%" PRId64, values, s->store->stats_cov,
                                          s->store->stats_cpg_wlen)
                            : values;
    if (*text != values) dcpg_free(values);
    return dcpg_agree_all(source->par, *text ? DCPG_OK : dcpg_fail_nomem(err, "a checksum", 256), err);
}

static const dcpg_source_ops ops = {fill, load_all, where, count_labels, inside, close_source, digest_all};

static dcpg_status fail_chromo(const dcpg_store *store, const char *name, dcpg_err *err) {
    char known[256] = "";
    size_t used = 0;
    for (int c = 0; c < store->nb_chromo && used < sizeof known - 1; c++) {
        int n = snprintf(known + used, sizeof known - used, "%s%s", c ? ", " : "", store->chromo.v[c]);
        used += n > 0 ? (size_t)n : 0;
    }
    if (used >= sizeof known - 1) memcpy(known + sizeof known - 4, "...", 4);
    return dcpg_fail(err, DCPG_E_INPUT, "%s: has no sites on chromosome %s: it has chromosomes %s",
                     store->path, name, known);
}

/* What is known of the genome's chromosomes chosen[chromo.n]: their names in its files, and their lengths. */
static dcpg_status copy_genome(dcpg_store_source *s, dcpg_err *err) {
    const dcpg_store *store = s->store;
    size_t n = s->base.chromo.n;
    for (size_t k = 0; k < n && store->fasta_name.n > 0; k++)
        DCPG_TRY(dcpg_strings_add(&s->base.fasta_name, store->fasta_name.v[s->chosen[k]], err));
    if (!store->has_dna) return DCPG_OK;
    s->base.length = dcpg_alloc(n, sizeof *s->base.length);
    if (!s->base.length) return dcpg_fail_nomem(err, "chromosomes", n * sizeof *s->base.length);
    for (size_t k = 0; k < n; k++) s->base.length[k] = store->length[s->chosen[k]];
    return DCPG_OK;
}

static dcpg_status choose_chromos(dcpg_store_source *s, const dcpg_strings *chromos, dcpg_err *err) {
    const dcpg_store *store = s->store;
    bool all = !chromos || chromos->n == 0;
    for (size_t i = 0; !all && i < chromos->n; i++) {
        if (dcpg_strings_find_sorted(&store->chromo, chromos->v[i]) < 0)
            return fail_chromo(store, chromos->v[i], err);
    }
    s->chosen = dcpg_alloc((size_t)store->nb_chromo, sizeof *s->chosen);
    s->first_sample = dcpg_alloc((size_t)store->nb_chromo + 1, sizeof *s->first_sample);
    if (!s->chosen || !s->first_sample)
        return dcpg_fail_nomem(err, "chromosomes",
                               (unsigned long long)store->nb_chromo * sizeof *s->first_sample);
    for (size_t i = 0; !all && i < chromos->n; i++) /* marked with 1 for now */
        s->first_sample[dcpg_strings_find_sorted(&store->chromo, chromos->v[i])] = 1;
    for (int c = 0; c < store->nb_chromo; c++) s->chosen[c] = all || s->first_sample[c];
    memset(s->first_sample, 0, (size_t)store->nb_chromo * sizeof *s->first_sample);
    for (int c = 0; c < store->nb_chromo; c++) {
        if (!s->chosen[c]) continue;
        size_t k = s->base.chromo.n;
        DCPG_TRY(dcpg_strings_add(&s->base.chromo, store->chromo.v[c], err));
        s->chosen[k] = c;
        s->first_sample[k + 1] = s->first_sample[k] + store->site_offset[c + 1] - store->site_offset[c];
    }
    s->base.nb_site = s->first_sample[s->base.chromo.n];
    return copy_genome(s, err);
}

static dcpg_status copy_names(const dcpg_strings *from, dcpg_strings *to, dcpg_err *err) {
    for (size_t i = 0; i < from->n; i++) DCPG_TRY(dcpg_strings_add(to, from->v[i], err));
    return DCPG_OK;
}

/* Sets input[] and output[] to numbers of the store's cells, for now. */
static dcpg_status find_cells(dcpg_store_source *s, dcpg_err *err) {
    const dcpg_store *store = s->store;
    s->input = dcpg_alloc(s->base.cells.n, sizeof *s->input);
    s->output = dcpg_alloc(s->base.outputs.n, sizeof *s->output);
    if (!s->input || !s->output) return dcpg_fail_nomem(err, "cells", s->base.cells.n * sizeof *s->input);
    for (size_t i = 0; i < s->base.cells.n; i++) {
        const char *name = s->base.cells.v[i];
        s->input[i] = dcpg_strings_find(&store->cells, name);
        if (s->input[i] < 0)
            return dcpg_fail(err, DCPG_E_INPUT, "%s: has no cell %s: it has %zu, the first is %s",
                             store->path, name, store->cells.n, store->cells.v[0]);
    }
    for (size_t i = 0; i < s->base.outputs.n; i++)
        DCPG_TRY(dcpg_label_bind(store, s->base.outputs.v[i], &s->output[i], err));
    return DCPG_OK;
}

enum { USE_LABEL = 1, USE_VALUE = 2, USE_NEIGHBOURS = 4 };

/* Notes what each cell is needed for, in use[cells of the store]. */
static void mark_cells(const dcpg_store_source *s, uint8_t *use) {
    uint8_t all = 0;
    for (size_t i = 0; i < s->base.outputs.n; i++) {
        if (s->output[i].every_cell) all |= s->output[i].window > 0 ? USE_NEIGHBOURS : USE_VALUE;
        if (s->output[i].cell >= 0) use[s->output[i].cell] |= USE_LABEL;
    }
    for (size_t i = 0; i < s->store->cells.n; i++) use[i] |= all;
    for (size_t i = 0; i < s->base.cells.n && s->base.cpg_wlen > 0; i++) use[s->input[i]] |= USE_NEIGHBOURS;
}

/* Lists the cells to hold, and replaces numbers of the store's cells by places in that list. place[cells of
 * the store]: scratch. */
static void hold_cells(dcpg_store_source *s, const uint8_t *use, int64_t *place) {
    dcpg_span_want *want = &s->want;
    int64_t value_row = 0;
    for (int64_t i = 0; i < (int64_t)s->store->cells.n; i++) {
        int64_t row = s->store->binary[i] ? -1 : value_row++;
        if (!use[i]) continue;
        place[i] = want->nb_cell;
        want->cell[want->nb_cell] = i;
        want->list_of[want->nb_cell] = -1;
        if (use[i] & USE_NEIGHBOURS || (use[i] & USE_VALUE && row >= 0)) {
            want->list_of[want->nb_cell] = want->nb_list;
            want->list_cell[want->nb_list] = want->nb_cell;
            want->value_row[want->nb_list++] = row;
            want->nb_value += row >= 0;
        }
        want->nb_cell++;
    }
    for (size_t i = 0; i < s->base.cells.n; i++) s->input[i] = place[s->input[i]];
    for (size_t i = 0; i < s->base.outputs.n; i++) {
        if (s->output[i].cell >= 0) s->output[i].cell = place[s->output[i].cell];
    }
}

/* Lists the bulk profiles to hold, in the order of the outputs. */
static dcpg_status hold_bulk(dcpg_store_source *s, dcpg_err *err) {
    dcpg_span_want *want = &s->want;
    want->bulk_row = dcpg_alloc(s->base.outputs.n, sizeof *want->bulk_row);
    if (!want->bulk_row) return dcpg_fail_nomem(err, "outputs", s->base.outputs.n * sizeof *want->bulk_row);
    for (size_t i = 0; i < s->base.outputs.n; i++) {
        if (s->output[i].bulk < 0) continue;
        want->bulk_row[want->nb_bulk] = s->output[i].bulk;
        s->output[i].bulk = want->nb_bulk++;
    }
    return DCPG_OK;
}

static dcpg_status choose_cells(dcpg_store_source *s, dcpg_err *err) {
    DCPG_TRY(find_cells(s, err));
    DCPG_TRY(hold_bulk(s, err));
    /* in data files for DeepCpG, statistics use as many neighbours as the files hold; but a model's targets
     * must not depend on its inputs */
    int64_t stats_wlen = s->base.raw && s->base.cpg_wlen > 0 ? s->base.cpg_wlen : s->store->stats_cpg_wlen;
    if (stats_wlen > STORE_MAX_STATS_WLEN) stats_wlen = STORE_MAX_STATS_WLEN;
    for (size_t i = 0; i < s->base.outputs.n; i++) {
        if (s->output[i].window > 0) s->stat_neighbours = stats_wlen / 2;
    }
    size_t n = s->store->cells.n;
    dcpg_span_want *want = &s->want;
    want->store = s->store;
    want->dna_wlen = s->base.dna_wlen;
    int64_t half = s->base.cpg_wlen / 2;
    want->nb_neighbour =
        max_i64(s->base.hiding.parts > 0 ? dcpg_hiding_reach(half) : half, s->stat_neighbours);
    want->cell = dcpg_alloc(n, sizeof *want->cell);
    want->list_of = dcpg_alloc(n, sizeof *want->list_of);
    want->list_cell = dcpg_alloc(n, sizeof *want->list_cell);
    want->value_row = dcpg_alloc(n, sizeof *want->value_row);
    uint8_t *use = dcpg_alloc(n, 1);
    int64_t *place = dcpg_alloc(n, sizeof *place);
    bool fine = want->cell && want->list_of && want->list_cell && want->value_row && use && place;
    if (fine) {
        mark_cells(s, use);
        hold_cells(s, use, place);
    }
    dcpg_free(use);
    dcpg_free(place);
    return fine ? DCPG_OK : dcpg_fail_nomem(err, "cells", n * sizeof *place);
}

/* Makes the numbers that choose the calls to hide. */
static dcpg_status choose_hidden(dcpg_store_source *s, dcpg_err *err) {
    const dcpg_store *store = s->store;
    size_t nb_list = (size_t)s->want.nb_list, nb_chromo = (size_t)store->nb_chromo;
    if (s->base.hiding.parts == 0) return DCPG_OK;
    s->hide_cell = dcpg_alloc(nb_list, sizeof *s->hide_cell);
    s->hide_chromo = dcpg_alloc(nb_chromo, sizeof *s->hide_chromo);
    if (!s->hide_cell || !s->hide_chromo)
        return dcpg_fail_nomem(err, "cells", (nb_list + nb_chromo) * sizeof *s->hide_cell);
    for (size_t j = 0; j < nb_list; j++) {
        const char *cell = store->cells.v[s->want.cell[s->want.list_cell[j]]];
        s->hide_cell[j] = dcpg_hiding_cell(&s->base.hiding, cell);
    }
    for (size_t c = 0; c < nb_chromo; c++) s->hide_chromo[c] = dcpg_hash(store->chromo.v[c]);
    return DCPG_OK;
}

static dcpg_status open_source(dcpg_store_source *s, const dcpg_strings *chromos, const dcpg_want *want,
                               dcpg_err *err) {
    dcpg_store *store = s->store;
    assert(want->cpg_wlen % 2 == 0 && (want->dna_wlen == 0 || want->dna_wlen % 2 == 1));
    if (want->dna_wlen > 0 && !store->has_dna) {
        return dcpg_fail(err, DCPG_E_INPUT,
                         "%s: holds no DNA to cut windows from: make it again with dcpg data --dna_files",
                         store->path);
    }
    dcpg_make_unpacked(s->unpacked);
    DCPG_TRY(choose_chromos(s, chromos, err));
    DCPG_TRY(copy_names(want->cells ? want->cells : &store->cells, &s->base.cells, err));
    DCPG_TRY(copy_names(want->outputs ? want->outputs : &store->outputs, &s->base.outputs, err));
    if (want->annos) DCPG_TRY(copy_names(&store->annos, &s->base.annos, err));
    s->want.annos = want->annos;
    s->base.checksum = dcpg_strdup(store->checksum);
    if (!s->base.checksum) return dcpg_fail_nomem(err, "a checksum", strlen(store->checksum) + 1);
    DCPG_TRY(choose_cells(s, err));
    return choose_hidden(s, err);
}

dcpg_status dcpg_source_from_store_all(dcpg_store *store, const dcpg_strings *chromos, const dcpg_want *want,
                                       dcpg_source **source, dcpg_err *err) {
    *source = NULL;
    dcpg_store_source *s = dcpg_alloc(1, sizeof *s);
    dcpg_status status = s ? DCPG_OK : dcpg_fail_nomem(err, "a batch source", sizeof *s);
    if (s) {
        s->base = (dcpg_source){.ops = &ops,
                                .par = store->par,
                                .dna_wlen = want->dna_wlen,
                                .cpg_wlen = want->cpg_wlen,
                                .raw = want->raw,
                                .hiding = want->hiding};
        s->store = store;
        status = open_source(s, chromos, want, err);
    }
    status = dcpg_agree_all(store->par, status, err);
    if (status == DCPG_OK)
        *source = &s->base;
    else if (s)
        close_source(&s->base);
    return status;
}
