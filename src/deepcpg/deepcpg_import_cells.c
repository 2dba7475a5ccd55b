/* SPDX-License-Identifier: MIT */
/* Collects the calls of a cell from DeepCpG data files: every label is a call, and so is every neighbour, at
 * its distance from the row's position. The same call turns up many times and must always have the same
 * value. */
#include "base/number.h"
#include "deepcpg/deepcpg_import.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 8192, MIN_CAPACITY = 4096 };

/* Distances up to here are exact as floats. */
static const float EXACT = 16777216;

/* A call found in the files; labels are rounded values. */
typedef struct call {
    uint64_t key; /* chromosome << 32 | position; 0: free slot */
    float value;
    bool rounded;
} call;

/* A hash table of calls by key: open addressing, at most 3/4 full. */
typedef struct calls {
    call *v; /* [capacity], a power of two */
    size_t n, capacity;
} calls;

static call *place_of(const calls *c, uint64_t key) {
    size_t i = (size_t)(key * UINT64_C(0x9E3779B97F4A7C15) >> 20) & (c->capacity - 1);
    while (c->v[i].key != 0 && c->v[i].key != key) i = (i + 1) & (c->capacity - 1);
    return &c->v[i];
}

static dcpg_status grow(calls *c, dcpg_err *err) {
    calls wider = {.n = c->n, .capacity = c->capacity ? 2 * c->capacity : MIN_CAPACITY};
    wider.v = dcpg_alloc(wider.capacity, sizeof *wider.v);
    if (!wider.v) return dcpg_fail_nomem(err, "calls", (unsigned long long)wider.capacity * sizeof *wider.v);
    for (size_t i = 0; i < c->capacity; i++)
        if (c->v[i].key) *place_of(&wider, c->v[i].key) = c->v[i];
    dcpg_free(c->v);
    *c = wider;
    return DCPG_OK;
}

/* Merges a value into the one already there; false if they cannot both be true. Half precision may have
 * rounded a value just above 0.5 to 0.5; its label shows that. */
static bool join(call *there, float value, bool rounded) {
    float above = nextafterf(0.5f, 1);
    if (there->rounded == rounded) return there->value == value || (there->value == above && value == 0.5f);
    float exact = rounded ? there->value : value, label = rounded ? value : there->value;
    if (exact == 0.5f && label == 1) exact = above;
    there->value = exact;
    there->rounded = false;
    return (exact > 0.5f) == (label == 1);
}

/* ---- reading ---- */

/* The rows of one cell that are being read. */
typedef struct rows {
    dcpg_importing *im;
    const char *cell; /* or the path of a column */
    calls calls;
    int64_t wlen; /* 0: no neighbours */
    char *label_path, *state_path, *dist_path;
    bool has_label;
    bool inside;                 /* the column is an annotation: 0 is no call, any other number is 1 */
    float *label, *state, *dist; /* [BLOCK], [BLOCK][wlen] twice */
    const dcpg_deepcpg_run *run;
    int64_t row, n;     /* rows of the file */
    const int32_t *pos; /* [n] */
} rows;

static const char *file_of(const rows *r) { return r->im->set->files.v[r->run->file]; }

static dcpg_status add(rows *r, int64_t i, int64_t pos, float value, bool rounded, dcpg_err *err) {
    if (4 * (r->calls.n + 1) > 3 * r->calls.capacity) DCPG_TRY(grow(&r->calls, err));
    uint64_t key = (uint64_t)r->im->chromo_of[r->run->chromo] << 32 | (uint64_t)pos;
    call *there = place_of(&r->calls, key);
    if (!there->key) {
        *there = (call){key, value, rounded};
        r->calls.n++;
        return DCPG_OK;
    }
    float before = there->value;
    if (join(there, value, rounded)) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: row %" PRId64 ": cell %s is %g at position %" PRId64
                     " of chromosome %s, but %g in another row: the files "
                     "contradict each other, give those of one data set",
                     file_of(r), r->row + i, r->cell, (double)value, pos,
                     r->im->set->chromo.v[r->run->chromo], (double)before);
}

static dcpg_status add_label(rows *r, int64_t i, dcpg_err *err) {
    float label = r->label[i];
    if (label == -1 || isnan(label)) return DCPG_OK;
    if (label == 0 || label == 1) return add(r, i, r->pos[i], label, true, err);
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: dataset %s holds %g in row %" PRId64 ", where -1, 0 or 1 should be", file_of(r),
                     r->label_path, (double)label, r->row + i);
}

static dcpg_status fail_neighbour(const rows *r, int64_t i, float state, float dist, dcpg_err *err) {
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: row %" PRId64 ": a neighbour in cell %s has state %g and distance %g: states are from 0 to 1, "
        "distances whole numbers of bp that stay on the chromosome, and both -1 where there is no neighbour",
        file_of(r), r->row + i, r->cell, (double)state, (double)dist);
}

static dcpg_status add_neighbour(rows *r, int64_t i, int64_t k, dcpg_err *err) {
    float state = r->state[i * r->wlen + k], dist = r->dist[i * r->wlen + k];
    bool missing = state == -1 || isnan(state);
    if (missing && (dist == -1 || isnan(dist))) return DCPG_OK;
    if (dist > EXACT && dist <= (float)INT32_MAX && !missing) {
        r->im->nb_far++;
        return DCPG_OK;
    }
    if (missing || !(state >= 0 && state <= 1) || !(dist >= 1 && dist <= EXACT) || dist != truncf(dist))
        return fail_neighbour(r, i, state, dist, err);
    int64_t pos = r->pos[i] + (k < r->wlen / 2 ? -(int64_t)dist : (int64_t)dist);
    if (pos < 1 || pos >= INT32_MAX) return fail_neighbour(r, i, state, dist, err);
    return add(r, i, pos, state, false, err);
}

/* Reads the rows, columns [0, width), of a dataset; width 0: it has no columns. */
static dcpg_status read_dataset(const rows *r, const char *path, int64_t width, float *out, dcpg_err *err) {
    const dcpg_h5_block block = {{r->row, 0}, {r->n, width}};
    DCPG_TRY(dcpg_import_open_file(r->im, r->run->file, err));
    return dcpg_h5_read(r->im->file, path, DCPG_H5_F32, &block, out, err);
}

static dcpg_status add_rows(rows *r, dcpg_err *err) {
    if (r->has_label) DCPG_TRY(read_dataset(r, r->label_path, 0, r->label, err));
    if (r->wlen > 0) {
        DCPG_TRY(read_dataset(r, r->state_path, r->wlen, r->state, err));
        DCPG_TRY(read_dataset(r, r->dist_path, r->wlen, r->dist, err));
    }
    for (int64_t i = 0; i < r->n; i++) {
        if (r->has_label) DCPG_TRY(add_label(r, i, err));
        for (int64_t k = 0; k < r->wlen; k++) DCPG_TRY(add_neighbour(r, i, k, err));
    }
    return DCPG_OK;
}

/* Calls take() for all rows, block by block. */
static dcpg_status read_runs(rows *r, dcpg_status (*take)(rows *r, dcpg_err *err), dcpg_err *err) {
    const dcpg_deepcpg *set = r->im->set;
    for (int64_t k = 0; k < set->nb_run; k++) {
        r->run = &set->run[k];
        for (int64_t at = 0; at < r->run->n; at += r->n) {
            r->n = min_i64(r->run->n - at, BLOCK);
            r->row = r->run->row + at;
            r->pos = r->im->pos + r->im->first_row[k] + at;
            DCPG_TRY(take(r, err));
        }
    }
    return DCPG_OK;
}

static dcpg_status open_rows(rows *r, dcpg_err *err) {
    const dcpg_deepcpg *set = r->im->set;
    char *output = dcpg_format("cpg/%s", r->cell);
    r->has_label = output && dcpg_strings_find(&set->outputs, output) >= 0;
    r->wlen = dcpg_strings_find(&set->cells, r->cell) >= 0 ? set->cpg_wlen : 0;
    dcpg_free(output);
    r->label_path = dcpg_format("outputs/cpg/%s", r->cell);
    r->state_path = dcpg_format("inputs/cpg/%s/state", r->cell);
    r->dist_path = dcpg_format("inputs/cpg/%s/dist", r->cell);
    r->label = dcpg_alloc(BLOCK, sizeof *r->label);
    r->state = dcpg_alloc(BLOCK, (size_t)r->wlen * sizeof *r->state);
    r->dist = dcpg_alloc(BLOCK, (size_t)r->wlen * sizeof *r->dist);
    if (output && r->label_path && r->state_path && r->dist_path && r->label && r->state && r->dist)
        return DCPG_OK;
    return dcpg_fail_nomem(err, "rows of a cell",
                           (unsigned long long)BLOCK * (2 * (size_t)r->wlen + 1) * sizeof *r->label);
}

static void close_rows(rows *r) {
    dcpg_free(r->label_path);
    dcpg_free(r->state_path);
    dcpg_free(r->dist_path);
    dcpg_free(r->label);
    dcpg_free(r->state);
    dcpg_free(r->dist);
    dcpg_free(r->calls.v);
}

/* ---- from calls to a profile ---- */

static int by_key(const void *a, const void *b) {
    const call *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

/* Moves the calls to the front, and sorts them. */
static void sort_calls(calls *c) {
    size_t n = 0;
    for (size_t i = 0; i < c->capacity; i++)
        if (c->v[i].key) c->v[n++] = c->v[i];
    if (n > 1) qsort(c->v, n, sizeof *c->v, by_key);
}

/* Copies the n calls of one chromosome. */
static dcpg_status copy_calls(const dcpg_importing *im, const call *from, size_t n, dcpg_calls *to,
                              dcpg_err *err) {
    to->chromo = dcpg_strdup(im->chromo.v[from->key >> 32]);
    to->pos = dcpg_alloc(n, sizeof *to->pos);
    to->value = dcpg_alloc(n, sizeof *to->value);
    if (!to->chromo || !to->pos || !to->value) return dcpg_fail_nomem(err, "calls", n * sizeof *to->pos * 2);
    for (size_t i = 0; i < n; i++) {
        to->pos[i] = (int32_t)(from[i].key & UINT32_MAX);
        to->value[i] = from[i].value;
    }
    to->n = to->capacity = (int64_t)n;
    return DCPG_OK;
}

static dcpg_status make_profile(rows *r, dcpg_profile *profile, dcpg_err *err) {
    const dcpg_deepcpg *set = r->im->set;
    const calls *c = &r->calls;
    ptrdiff_t cell = dcpg_strings_find(&set->cells, r->cell);
    profile->binary = cell < 0 || !set->real[cell];
    profile->chromo = dcpg_alloc(r->im->chromo.n, sizeof *profile->chromo);
    if (!profile->chromo)
        return dcpg_fail_nomem(err, "chromosomes", r->im->chromo.n * sizeof *profile->chromo);
    sort_calls(&r->calls);
    for (size_t i = 0, end; i < c->n; i = end) {
        for (end = i + 1; end < c->n && c->v[end].key >> 32 == c->v[i].key >> 32;) end++;
        DCPG_TRY(copy_calls(r->im, c->v + i, end - i, &profile->chromo[profile->nb_chromo++], err));
    }
    return DCPG_OK;
}

dcpg_status dcpg_import_cell(dcpg_importing *im, const char *cell, dcpg_profile *profile, dcpg_err *err) {
    rows r = {.im = im, .cell = cell};
    dcpg_status status = open_rows(&r, err);
    if (status == DCPG_OK) status = read_runs(&r, add_rows, err);
    if (status == DCPG_OK) status = make_profile(&r, profile, err);
    close_rows(&r);
    return status;
}

/* ---- columns ---- */

static dcpg_status add_number(rows *r, int64_t i, dcpg_err *err) {
    float value = r->label[i];
    if (value == -1 || isnan(value) || (r->inside && value == 0)) return DCPG_OK;
    if (value >= 0 && (r->inside || value <= 1))
        return add(r, i, r->pos[i], r->inside ? 1 : value, false, err);
    return dcpg_fail(err, DCPG_E_INPUT, "%s: row %" PRId64 ": %s is %g: not within 0 and 1", file_of(r),
                     r->row + i, r->cell, (double)value);
}

static dcpg_status add_numbers(rows *r, dcpg_err *err) {
    DCPG_TRY(read_dataset(r, r->label_path, 0, r->label, err));
    for (int64_t i = 0; i < r->n; i++) DCPG_TRY(add_number(r, i, err));
    return DCPG_OK;
}

dcpg_status dcpg_import_column(dcpg_importing *im, const char *path, bool inside, dcpg_profile *profile,
                               dcpg_err *err) {
    rows r = {.im = im, .cell = path, .inside = inside};
    r.label_path = dcpg_strdup(path);
    r.label = dcpg_alloc(BLOCK, sizeof *r.label);
    dcpg_status status =
        r.label && r.label_path ? DCPG_OK : dcpg_fail_nomem(err, "a column", BLOCK * sizeof *r.label);
    if (status == DCPG_OK) status = read_runs(&r, add_numbers, err);
    if (status == DCPG_OK) status = make_profile(&r, profile, err);
    close_rows(&r);
    return status;
}
