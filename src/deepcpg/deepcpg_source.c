/* SPDX-License-Identifier: MIT */
/* The batch source over DeepCpG data files. */
#include "base/number.h"
#include "deepcpg/deepcpg_blocks.h"

#include <dcpg/map.h>
#include <dcpg/memory.h>
#include <dcpg/output.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Origin and destination of a row of a batch. */
typedef struct place {
    int64_t block, file, row; /* of the file */
    int64_t at;               /* row of the batch */
} place;

typedef struct dcpg_deepcpg_source {
    dcpg_source base; /* first, so that a dcpg_source * can be cast to this type */
    const dcpg_deepcpg *set;
    int64_t nb_run;
    dcpg_deepcpg_run *run; /* the chosen runs; `chromo` is an index into base.chromo */
    int64_t *first_sample; /* [nb_run + 1] */
    dcpg_deepcpg_blocks blocks;
    int32_t *pos;    /* [loaded samples] */
    float *label;    /* [loaded samples][outputs] */
    uint8_t *inside; /* [loaded samples][annos] */
    place *place;    /* [nb_place] scratch for fill */
    int64_t nb_place;
} dcpg_deepcpg_source;

static dcpg_deepcpg_source *self_of(dcpg_source *source) { return (dcpg_deepcpg_source *)source; }

/* Index of the run that a sample belongs to. */
static int64_t run_of(const dcpg_deepcpg_source *s, int64_t sample) {
    int64_t low = 0, high = s->nb_run; /* first_sample[low] <= sample < first_sample[high] */
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;
        if (s->first_sample[middle] <= sample)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* ---- batches ---- */

static int by_block(const void *a, const void *b) {
    const place *x = a, *y = b;
    if (x->block != y->block) return x->block < y->block ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

/* Finds the places of the samples, sorted by block, in s->place. */
static dcpg_status find_places(dcpg_deepcpg_source *s, int64_t nb, const int64_t *sample, dcpg_err *err) {
    if (nb > s->nb_place) {
        dcpg_free(s->place);
        s->place = dcpg_alloc((size_t)nb, sizeof *s->place);
        s->nb_place = s->place ? nb : 0;
        if (!s->place) return dcpg_fail_nomem(err, "a batch", (unsigned long long)nb * sizeof *s->place);
    }
    for (int64_t i = 0; i < nb; i++) {
        assert(sample[i] >= s->base.loaded_first && sample[i] < s->base.loaded_end);
        int64_t k = run_of(s, sample[i]), row = s->run[k].row + sample[i] - s->first_sample[k];
        s->place[i] = (place){dcpg_deepcpg_block_of(&s->blocks, s->run[k].file, row), s->run[k].file, row, i};
    }
    if (nb > 1) qsort(s->place, (size_t)nb, sizeof *s->place, by_block);
    return DCPG_OK;
}

static void copy_row(const dcpg_deepcpg_source *s, const place *from, dcpg_batch *batch) {
    const dcpg_deepcpg_block *block = s->blocks.block[from->block];
    int64_t row = from->row - block->first, dna_wlen = s->base.dna_wlen, wlen = s->base.cpg_wlen;
    int64_t nb_cell = (int64_t)s->base.cells.n;
    size_t bytes = (size_t)wlen * sizeof(float);
    if (batch->dna) memcpy(batch->dna + from->at * dna_wlen, block->dna + row * dna_wlen, (size_t)dna_wlen);
    for (int64_t i = 0; batch->cpg && i < nb_cell; i++) {
        float *out = batch->cpg + (from->at * nb_cell + i) * 2 * wlen;
        int64_t at = (s->blocks.place[i] * block->n + row) * wlen;
        if (s->blocks.real[i]) memcpy(out, block->real + at, bytes);
        for (int64_t k = 0; !s->blocks.real[i] && k < wlen; k++) out[k] = block->state[at + k];
        memcpy(out + wlen, block->dist + (i * block->n + row) * wlen, bytes);
    }
}

static void copy_labels(const dcpg_deepcpg_source *s, int64_t nb, const int64_t *sample, dcpg_batch *batch) {
    int64_t nb_output = (int64_t)s->base.outputs.n;
    batch->n = nb;
    for (int64_t i = 0; i < nb; i++) {
        batch->id[i] = sample[i];
        if (!batch->label) continue;
        memcpy(batch->label + i * nb_output, s->label + (sample[i] - s->base.loaded_first) * nb_output,
               (size_t)nb_output * sizeof(float));
    }
}

/* Copies the rows from as many blocks at a time as fit into memory. */
static dcpg_status fill(dcpg_source *source, int64_t nb, const int64_t *sample, dcpg_batch *batch,
                        dcpg_err *err) {
    dcpg_deepcpg_source *s = self_of(source);
    assert(nb <= batch->capacity);
    copy_labels(s, nb, sample, batch);
    if (!batch->dna && !batch->cpg) return DCPG_OK;
    DCPG_TRY(find_places(s, nb, sample, err));
    for (int64_t first = 0, end = 0; first < nb; first = end) {
        bool fits = true;
        s->blocks.round++;
        while (end < nb) {
            DCPG_TRY(
                dcpg_deepcpg_block_hold(&s->blocks, s->place[end].file, s->place[end].block, &fits, err));
            if (!fits) break;
            end++;
        }
#pragma omp parallel for
        for (int64_t i = first; i < end; i++) copy_row(s, &s->place[i], batch);
    }
    return DCPG_OK;
}

static dcpg_status where(dcpg_source *source, int64_t first, int64_t end, int32_t *chromo, int32_t *pos,
                         dcpg_err *err) {
    (void)err;
    const dcpg_deepcpg_source *s = self_of(source);
    assert(first >= source->loaded_first && end <= source->loaded_end);
    for (int64_t i = first; i < end; i++) {
        chromo[i - first] = (int32_t)s->run[run_of(s, i)].chromo;
        pos[i - first] = s->pos[i - source->loaded_first];
    }
    return DCPG_OK;
}

static dcpg_status count_labels(dcpg_source *source, int64_t first, int64_t end, int64_t *count,
                                dcpg_err *err) {
    (void)err;
    const dcpg_deepcpg_source *s = self_of(source);
    int64_t nb_output = (int64_t)source->outputs.n;
    assert(first >= source->loaded_first && end <= source->loaded_end);
    memset(count, 0, (size_t)nb_output * 3 * sizeof *count);
    for (int64_t i = first; i < end; i++)
        for (int64_t o = 0; o < nb_output; o++) {
            float label = s->label[(i - source->loaded_first) * nb_output + o];
            if (label >= 0) count[3 * o + (label < 0.5f ? 0 : label < 1.5f ? 1 : 2)]++;
        }
    return DCPG_OK;
}

/* ---- loading ---- */

static void drop(dcpg_deepcpg_source *s) {
    dcpg_deepcpg_blocks_drop(&s->blocks);
    dcpg_free(s->pos);
    dcpg_free(s->label);
    dcpg_free(s->inside);
    s->inside = NULL;
    s->pos = NULL;
    s->label = NULL;
    s->base.loaded_first = s->base.loaded_end = 0;
}

/* The part of a run that is being loaded: its rows, and the number of its first sample. */
typedef struct stretch {
    int64_t file, row, n, sample;
} stretch;

/* The next part of [*at, end) that lies in one run; moves *at past it. */
static stretch next_stretch(const dcpg_deepcpg_source *s, int64_t *at, int64_t end) {
    int64_t k = run_of(s, *at), stop = min_i64(s->first_sample[k + 1], end);
    stretch here = {s->run[k].file, s->run[k].row + *at - s->first_sample[k], stop - *at, *at};
    *at = stop;
    return here;
}

/* Largest sensible label: the last class if the output has classes. */
static float largest_label(const char *output) {
    dcpg_output_kind kind = dcpg_output_kind_of(output);
    return kind.nb_class > 0 ? (float)(kind.nb_class - 1) : 3e38f;
}

/* Reads the labels of one output into its column of label[here.n][outputs]. */
static dcpg_status read_labels(dcpg_deepcpg_source *s, const stretch *here, size_t output, float *column,
                               float *label, dcpg_err *err) {
    const char *name = s->base.outputs.v[output];
    dcpg_h5_block part = {{here->row}, {here->n}};
    float most = largest_label(name);
    char *path = dcpg_format("outputs/%s", name);
    if (!path) return dcpg_fail_nomem(err, "a name", strlen(name));
    dcpg_status status = dcpg_h5_read(s->blocks.file, path, DCPG_H5_F32, &part, column, err);
    for (int64_t i = 0; i < here->n && status == DCPG_OK; i++) {
        bool missing = column[i] == -1 || isnan(column[i]);
        if (!missing && !(column[i] >= 0 && column[i] <= most))
            status = dcpg_fail(err, DCPG_E_INPUT,
                               "%s: dataset %s holds %g in row %" PRId64 ", which is no label of it",
                               s->set->files.v[here->file], path, (double)column[i], here->row + i);
        label[i * (int64_t)s->base.outputs.n + (int64_t)output] = missing ? -1 : column[i];
    }
    dcpg_free(path);
    return status;
}

/* Reads annotations into inside[here.n][annos]; column[here.n] is scratch. */
static dcpg_status read_annos(dcpg_deepcpg_source *s, const stretch *here, float *column, uint8_t *inside,
                              dcpg_err *err) {
    dcpg_h5_block part = {{here->row}, {here->n}};
    size_t nb_anno = s->base.annos.n;
    for (size_t a = 0; a < nb_anno; a++) {
        char *path = dcpg_format("inputs/annos/%s", s->base.annos.v[a]);
        if (!path) return dcpg_fail_nomem(err, "a name", strlen(s->base.annos.v[a]));
        dcpg_status status = dcpg_h5_read(s->blocks.file, path, DCPG_H5_F32, &part, column, err);
        dcpg_free(path);
        DCPG_TRY(status);
        for (int64_t i = 0; i < here->n; i++) inside[(size_t)i * nb_anno + a] = column[i] != 0;
    }
    return DCPG_OK;
}

/* Reads positions, labels and annotations. */
static dcpg_status read_stretch(dcpg_deepcpg_source *s, const stretch *here, int64_t at, dcpg_err *err) {
    dcpg_h5_block part = {{here->row}, {here->n}};
    DCPG_TRY(dcpg_deepcpg_open_file(&s->blocks, here->file, err));
    DCPG_TRY(dcpg_h5_read(s->blocks.file, "pos", DCPG_H5_I32, &part, s->pos + at, err));
    float *column = dcpg_alloc((size_t)here->n, sizeof *column);
    dcpg_status status =
        column ? DCPG_OK : dcpg_fail_nomem(err, "labels", (unsigned long long)here->n * sizeof *column);
    for (size_t o = 0; o < s->base.outputs.n && status == DCPG_OK; o++)
        status = read_labels(s, here, o, column, s->label + at * (int64_t)s->base.outputs.n, err);
    if (status == DCPG_OK)
        status = read_annos(s, here, column, s->inside + at * (int64_t)s->base.annos.n, err);
    dcpg_free(column);
    return status;
}

static int64_t last_block(const dcpg_deepcpg_source *s, const stretch *here) {
    return dcpg_deepcpg_block_of(&s->blocks, here->file, here->row + here->n - 1);
}

/* Bytes of the blocks that samples [first, end) touch. A block in two stretches counts twice. */
static int64_t bytes_of(const dcpg_deepcpg_source *s, int64_t first, int64_t end) {
    int64_t bytes = 0;
    while (first < end) {
        stretch here = next_stretch(s, &first, end);
        int64_t last = last_block(s, &here);
        for (int64_t b = dcpg_deepcpg_block_of(&s->blocks, here.file, here.row); b <= last; b++)
            bytes += dcpg_deepcpg_block_bytes(&s->blocks, here.file, b);
    }
    return bytes;
}

/* Loads all inputs of a stretch. */
static dcpg_status hold_stretch(dcpg_deepcpg_source *s, const stretch *here, dcpg_err *err) {
    int64_t last = last_block(s, here);
    for (int64_t b = dcpg_deepcpg_block_of(&s->blocks, here->file, here->row); b <= last; b++) {
        bool fits;
        DCPG_TRY(dcpg_deepcpg_block_hold(&s->blocks, here->file, b, &fits, err));
        assert(fits);
    }
    return DCPG_OK;
}

static dcpg_status load(dcpg_deepcpg_source *s, int64_t first, int64_t end, bool inputs, dcpg_err *err) {
    size_t n = (size_t)(end - first), nb_output = s->base.outputs.n;
    s->pos = dcpg_alloc(n, sizeof *s->pos);
    s->label = dcpg_alloc(n * nb_output, sizeof *s->label);
    s->inside = dcpg_alloc(n * s->base.annos.n, sizeof *s->inside);
    if (!s->pos || !s->label || !s->inside)
        return dcpg_fail_nomem(err, "labels", n * (nb_output + 1) * sizeof *s->label);
    s->blocks.round++;
    for (int64_t at = first; at < end;) {
        stretch here = next_stretch(s, &at, end);
        DCPG_TRY(read_stretch(s, &here, here.sample - first, err));
        if (inputs) DCPG_TRY(hold_stretch(s, &here, err));
    }
    return DCPG_OK;
}

static void log_size(const dcpg_deepcpg_source *s, int64_t most) {
    const dcpg_deepcpg *set = s->set;
    if (most <= set->max_bytes)
        dcpg_debug(s->base.log, "%s: inputs of at most %.1f MB on a rank are held in memory", set->files.v[0],
                   (double)most / 1e6);
    else
        dcpg_warn(s->base.log,
                  "%s: inputs of %.1f GB on a rank, of which %.1f GB are held: the rest is read again and "
                  "again, which takes long unless "
                  "sites come in their order; use more ranks, or a store (dcpg data), which needs far less",
                  set->files.v[0], (double)most / 1e9, (double)set->max_bytes / 1e9);
}

static dcpg_status load_all(dcpg_source *source, int64_t first, int64_t end, dcpg_err *err) {
    dcpg_deepcpg_source *s = self_of(source);
    assert(0 <= first && first <= end && end <= source->nb_site);
    drop(s);
    int64_t bytes = bytes_of(s, first, end), most = dcpg_max_i64_all(source->par, bytes);
    dcpg_status status =
        dcpg_agree_all(source->par, load(s, first, end, bytes <= s->set->max_bytes, err), err);
    if (status != DCPG_OK) {
        drop(s);
        return status;
    }
    source->loaded_first = first;
    source->loaded_end = end;
    log_size(s, most);
    return DCPG_OK;
}

/* ---- opening ---- */

static void close_source(dcpg_source *source) {
    dcpg_deepcpg_source *s = self_of(source);
    drop(s);
    dcpg_deepcpg_blocks_close(&s->blocks);
    dcpg_strings_free(&source->chromo);
    dcpg_strings_free(&source->cells);
    dcpg_strings_free(&source->outputs);
    dcpg_strings_free(&source->annos);
    dcpg_free(source->checksum);
    dcpg_free(s->run);
    dcpg_free(s->first_sample);
    dcpg_free(s->place);
    dcpg_free(s);
}

static dcpg_status inside(dcpg_source *source, int64_t nb, const int64_t *sample, uint8_t *out,
                          dcpg_err *err) {
    (void)err;
    const dcpg_deepcpg_source *s = self_of(source);
    size_t nb_anno = source->annos.n;
    for (int64_t i = 0; i < nb; i++) {
        assert(sample[i] >= source->loaded_first && sample[i] < source->loaded_end);
        const uint8_t *row = s->inside + (size_t)(sample[i] - source->loaded_first) * nb_anno;
        if (nb_anno > 0) memcpy(out + (size_t)i * nb_anno, row, nb_anno);
    }
    return DCPG_OK;
}

static const dcpg_source_ops ops = {fill, load_all, where, count_labels, inside, close_source, NULL};

/* Copies the wanted names (NULL: all), which must be among the known ones. */
static dcpg_status choose(const dcpg_deepcpg_source *s, const dcpg_strings *wanted, const dcpg_strings *known,
                          const char *what, dcpg_strings *out, dcpg_err *err) {
    const dcpg_strings *from = wanted ? wanted : known;
    dcpg_map there = {0};
    dcpg_status status = dcpg_map_index(&there, known, err);
    for (size_t i = 0; i < from->n && status == DCPG_OK; i++) {
        if (dcpg_map_get(&there, from->v[i], -1) < 0)
            status =
                dcpg_fail(err, DCPG_E_INPUT, "%s: has no %s %s: it has %zu, the first is %s",
                          s->set->files.v[0], what, from->v[i], known->n, known->n ? known->v[0] : "missing");
        if (status == DCPG_OK) status = dcpg_strings_add(out, from->v[i], err);
    }
    dcpg_map_free(&there);
    return status;
}

/* Takes the chosen chromosomes in the order of the files, and sets number[set->chromo.n] to their places; -1:
 * not chosen. */
static dcpg_status choose_chromos(dcpg_deepcpg_source *s, const dcpg_strings *chromos, int64_t *number,
                                  dcpg_err *err) {
    const dcpg_strings *all = &s->set->chromo;
    dcpg_strings known = {0};
    dcpg_map wanted = {0};
    dcpg_status status =
        choose(s, chromos && chromos->n > 0 ? chromos : NULL, all, "chromosome", &known, err);
    if (status == DCPG_OK) status = dcpg_map_index(&wanted, &known, err);
    for (size_t i = 0; i < all->n && status == DCPG_OK; i++) {
        bool is = dcpg_map_get(&wanted, all->v[i], -1) >= 0;
        number[i] = is ? (int64_t)s->base.chromo.n : -1;
        if (is) status = dcpg_strings_add(&s->base.chromo, all->v[i], err);
    }
    dcpg_map_free(&wanted);
    dcpg_strings_free(&known);
    return status;
}

/* Takes the runs on the chosen chromosomes. */
static dcpg_status choose_runs(dcpg_deepcpg_source *s, const dcpg_strings *chromos, dcpg_err *err) {
    const dcpg_deepcpg *set = s->set;
    int64_t *number = dcpg_alloc(set->chromo.n, sizeof *number);
    s->run = dcpg_alloc((size_t)set->nb_run, sizeof *s->run);
    s->first_sample = dcpg_alloc((size_t)set->nb_run + 1, sizeof *s->first_sample);
    dcpg_status status = number && s->run && s->first_sample
                             ? choose_chromos(s, chromos, number, err)
                             : dcpg_fail_nomem(err, "rows", (size_t)set->nb_run * sizeof *s->run);
    for (int64_t i = 0; i < set->nb_run && status == DCPG_OK; i++) {
        dcpg_deepcpg_run run = set->run[i];
        run.chromo = number[run.chromo];
        if (run.chromo < 0) continue;
        s->first_sample[s->nb_run + 1] = s->first_sample[s->nb_run] + run.n;
        s->run[s->nb_run++] = run;
    }
    dcpg_free(number);
    if (status == DCPG_OK) s->base.nb_site = s->first_sample[s->nb_run];
    return status;
}

static dcpg_status check_windows(const dcpg_deepcpg_source *s, dcpg_err *err) {
    const dcpg_deepcpg *set = s->set;
    const char *name = set->files.v[0];
    if (s->base.dna_wlen > set->dna_wlen)
        return set->dna_wlen
                   ? dcpg_fail(err, DCPG_E_INPUT,
                               "%s: holds windows of %" PRId64 " bp, but %" PRId64 " are wanted: "
                               "choose a smaller --dna_wlen",
                               name, set->dna_wlen, s->base.dna_wlen)
                   : dcpg_fail(err, DCPG_E_INPUT, "%s: holds no DNA (inputs/dna), which is asked for", name);
    if (s->base.cpg_wlen <= set->cpg_wlen) return DCPG_OK;
    return set->cpg_wlen ? dcpg_fail(err, DCPG_E_INPUT,
                                     "%s: holds %" PRId64 " neighbours per site and cell, but %" PRId64
                                     " are wanted: choose a smaller --cpg_wlen",
                                     name, set->cpg_wlen, s->base.cpg_wlen)
                         : dcpg_fail(err, DCPG_E_INPUT,
                                     "%s: holds no neighbours (inputs/cpg), which is asked for", name);
}

static dcpg_status open_source(dcpg_deepcpg_source *s, const dcpg_strings *chromos, const dcpg_want *want,
                               dcpg_err *err) {
    const dcpg_deepcpg *set = s->set;
    assert(want->cpg_wlen % 2 == 0 && (want->dna_wlen == 0 || want->dna_wlen % 2 == 1));
    DCPG_TRY(check_windows(s, err));
    DCPG_TRY(choose(s, want->cells, &set->cells, "cell", &s->base.cells, err));
    DCPG_TRY(choose(s, want->outputs, &set->outputs, "output", &s->base.outputs, err));
    if (want->annos) DCPG_TRY(choose(s, NULL, &set->annos, "annotation", &s->base.annos, err));
    DCPG_TRY(choose_runs(s, chromos, err));
    s->base.checksum = dcpg_strdup(set->checksum);
    if (!s->base.checksum) return dcpg_fail_nomem(err, "a checksum", strlen(set->checksum) + 1);
    return dcpg_deepcpg_blocks_open(set, &s->base, &s->blocks, err);
}

dcpg_status dcpg_source_from_deepcpg_all(const dcpg_deepcpg *set, const dcpg_strings *chromos,
                                         const dcpg_want *want, dcpg_source **source, dcpg_err *err) {
    *source = NULL;
    dcpg_deepcpg_source *s = dcpg_alloc(1, sizeof *s);
    dcpg_status status = s ? DCPG_OK : dcpg_fail_nomem(err, "a batch source", sizeof *s);
    if (s) {
        s->base = (dcpg_source){.ops = &ops,
                                .par = set->par,
                                .dna_wlen = want->dna_wlen,
                                .cpg_wlen = want->cpg_wlen,
                                .raw = want->raw};
        s->set = set;
        status = open_source(s, chromos, want, err);
    }
    status = dcpg_agree_all(set->par, status, err);
    if (status == DCPG_OK)
        *source = &s->base;
    else if (s)
        close_source(&s->base);
    return status;
}
