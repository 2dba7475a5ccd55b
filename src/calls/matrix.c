/* SPDX-License-Identifier: MIT */
/* Matrices of cells (matrix.h): a matrix is read once for all columns that a rank wants, as its rows hold all
 * cells; the calls are kept packed until each column is parsed as other profiles are. */
#include "calls/matrix.h"

#include <dcpg/chromo.h>
#include <dcpg/memory.h>

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const profile_format
    dcpg_profile_methscan = {"methscan",
                             "MethSCAn's folder of matrices, positions as in the files that it was "
                             "prepared from",
                             "",
                             0,
                             0,
                             false,
                             -1,
                             NULL,
                             NULL},
    dcpg_profile_methscan_ours = {"methscan", "the same as dcpg export writes it, positions from 1",
                                  "",         0,
                                  0,          false,
                                  1,          NULL,
                                  NULL},
    dcpg_profile_npz = {
        "npz", "y.npz and pos.npz of CpG Transformer, positions from 0", "", 0, 0, false, 0, NULL, NULL};

bool dcpg_matrix_split(const char *path, char *word, int64_t *column) {
    const char *hash = strrchr(path, '#');
    if (!hash || hash == path || hash[1] < '1' || hash[1] > '9' || strlen(hash + 1) > 9) return false;
    if (strspn(hash + 1, "0123456789") != strlen(hash + 1) || access(path, F_OK) == 0) return false;
    memcpy(word, path, (size_t)(hash - path));
    word[hash - path] = '\0';
    return dcpg_parse_int(hash + 1, column) && (dcpg_matrix_is_methscan(word) || strstr(word, ".npz:"));
}

bool dcpg_is_column(const char *path) {
    char *word = dcpg_strdup(path);
    int64_t column;
    bool is = word && dcpg_matrix_split(path, word, &column);
    dcpg_free(word);
    return is;
}

/* ---- packed calls ---- */

static dcpg_status check_memory(const matrix *m, size_t more, dcpg_err *err) {
    size_t most = m->options->max_memory, used = most > 0 ? dcpg_memory_used() : 0;
    char needed[32], limit[32];
    if (used + more <= most || most == 0) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "%s: reading chromosome %s takes %s of memory, more than --max_memory %s: read fewer "
                     "chromosomes, use more ranks, or raise the limit",
                     m->word, m->chromo.v[m->chromo.n - 1], dcpg_size_text(used + more, needed),
                     dcpg_size_text(most, limit));
}

enum { LONGEST = 10 + sizeof(float) }; /* bytes of a call */

static dcpg_status grow(const matrix *m, matrix_column *c, dcpg_err *err) {
    size_t capacity = c->capacity ? 2 * c->capacity : 64;
    if (capacity >= 1 << 20) DCPG_TRY(check_memory(m, capacity, err));
    uint8_t *grown = dcpg_grow(c->bytes, capacity, 1);
    if (!grown) return dcpg_fail_nomem(err, m->word, capacity);
    c->bytes = grown;
    c->capacity = capacity;
    return DCPG_OK;
}

/* A call is the distance from the row before, in zigzag code (0, -1, 1, -2 ...), with the state as its lowest
 * bit or followed by the fraction; 7 bits per byte, lowest first, bit 7: another byte follows. */
dcpg_status dcpg_matrix_add(matrix *m, matrix_column *c, int64_t row, float value, dcpg_err *err) {
    int64_t step = row - c->last;
    uint64_t code = step < 0 ? 2 * (uint64_t)(-step) - 1 : 2 * (uint64_t)step;
    if (c->capacity - c->n < LONGEST) DCPG_TRY(grow(m, c, err));
    if (!m->fractions) code = 2 * code + (value >= 0.5f);
    for (; code >= 128; code >>= 7) c->bytes[c->n++] = (uint8_t)(code | 128);
    c->bytes[c->n++] = (uint8_t)code;
    if (m->fractions) {
        memcpy(c->bytes + c->n, &value, sizeof value);
        c->n += sizeof value;
    }
    c->last = row;
    return DCPG_OK;
}

/* Takes the next call at c->bytes + *at. */
static float take(const matrix *m, const matrix_column *c, size_t *at, int64_t *row) {
    uint64_t code = 0;
    float value;
    for (int shift = 0;; shift += 7) {
        uint8_t byte = c->bytes[(*at)++];
        code |= (uint64_t)(byte & 127) << shift;
        if (byte < 128) break;
    }
    if (m->fractions) {
        memcpy(&value, c->bytes + *at, sizeof value);
        *at += sizeof value;
    } else {
        value = (float)(code & 1);
        code >>= 1;
    }
    *row += code & 1 ? -(int64_t)(code / 2) - 1 : (int64_t)(code / 2);
    return value;
}

dcpg_status dcpg_matrix_begin(matrix *m, const char *chromo, dcpg_err *err) {
    size_t n = m->chromo.n;
    DCPG_TRY(dcpg_strings_add(&m->chromo, chromo, err));
    for (int64_t i = 0; i < m->n; i++) {
        matrix_column *c = &m->column[i];
        size_t *grown = dcpg_grow(c->start, n + 1, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "chromosomes", (n + 1) * sizeof *grown);
        c->start = grown;
        c->start[n] = c->n;
        c->last = 0;
    }
    return DCPG_OK;
}

bool dcpg_matrix_unwanted(const matrix *m, const char *chromo) {
    const dcpg_profile_options *o = m->options;
    if (o->genome) return dcpg_cg_number(o->genome, chromo) >= o->genome->n;
    if (!o->chromos || o->chromos->n == 0) return false;
    char *name = dcpg_chromo_name(chromo);
    bool unwanted = name && dcpg_strings_find_sorted(o->chromos, name) < 0;
    dcpg_free(name);
    return unwanted;
}

void dcpg_matrix_busy(const matrix *m) {
    if (m->watch) m->watch->busy(m->watch->context);
}

/* ---- all matrices of a rank ---- */

struct dcpg_matrices {
    matrix *v;
    size_t n;
};

static void free_matrix(matrix *m) {
    for (int64_t i = 0; m->column && i < m->n; i++) {
        dcpg_free(m->column[i].bytes);
        dcpg_free(m->column[i].start);
    }
    dcpg_free(m->column);
    dcpg_free(m->place);
    dcpg_free(m->word);
    dcpg_strings_free(&m->chromo);
}

void dcpg_matrices_free(dcpg_matrices *matrices) {
    for (size_t i = 0; matrices && i < matrices->n; i++) free_matrix(&matrices->v[i]);
    if (matrices) dcpg_free(matrices->v);
    dcpg_free(matrices);
}

static matrix *find(const dcpg_matrices *matrices, const char *word) {
    for (size_t i = 0; matrices && i < matrices->n; i++)
        if (strcmp(matrices->v[i].word, word) == 0) return &matrices->v[i];
    return NULL;
}

static dcpg_status open_matrix(dcpg_matrices *all, const char *word, const dcpg_profile_options *options,
                               const dcpg_matrices_watch *watch, dcpg_err *err) {
    matrix *grown = dcpg_realloc(all->v, all->n, all->n + 1, sizeof *grown);
    if (!grown) return dcpg_fail_nomem(err, word, sizeof *grown);
    all->v = grown;
    matrix *m = &all->v[all->n++];
    *m = (matrix){.options = options, .watch = watch, .word = dcpg_strdup(word)};
    if (!m->word) return dcpg_fail_nomem(err, word, strlen(word));
    DCPG_TRY(dcpg_matrix_is_methscan(word) ? dcpg_matrix_open_methscan(m, err)
                                           : dcpg_matrix_open_npz(m, err));
    m->place = dcpg_alloc((size_t)m->nb_all, sizeof *m->place);
    if (!m->place) return dcpg_fail_nomem(err, word, (size_t)m->nb_all * sizeof *m->place);
    for (int64_t i = 0; i < m->nb_all; i++) m->place[i] = -1;
    return DCPG_OK;
}

/* Notes that a column is wanted. */
static dcpg_status want(dcpg_matrices *all, const char *path, char *word, const dcpg_profile_options *options,
                        const dcpg_matrices_watch *watch, dcpg_err *err) {
    int64_t column;
    if (!dcpg_matrix_split(path, word, &column)) return DCPG_OK;
    if (!find(all, word)) DCPG_TRY(open_matrix(all, word, options, watch, err));
    matrix *m = find(all, word);
    if (column > m->nb_all)
        return dcpg_fail(err, DCPG_E_INPUT, "%s: there are only %" PRId64 " cells", path, m->nb_all);
    if (m->place[column - 1] < 0) m->place[column - 1] = m->n++;
    return DCPG_OK;
}

static dcpg_status read_matrix(matrix *m, dcpg_err *err) {
    m->column = dcpg_alloc((size_t)m->n, sizeof *m->column);
    if (!m->column) return dcpg_fail_nomem(err, m->word, (size_t)m->n * sizeof *m->column);
    for (int64_t i = 0; i < m->nb_all; i++)
        if (m->place[i] >= 0) m->column[m->place[i]].number = i;
    return m->format == &dcpg_profile_npz ? dcpg_matrix_read_npz(m, err) : dcpg_matrix_read_methscan(m, err);
}

dcpg_status dcpg_matrices_load(const char *const *path, int64_t n, const dcpg_profile_options *options,
                               const dcpg_matrices_watch *watch, dcpg_matrices **matrices, dcpg_err *err) {
    dcpg_matrices *all = dcpg_alloc(1, sizeof *all);
    dcpg_status status = all ? DCPG_OK : dcpg_fail_nomem(err, "matrices", sizeof *all);
    for (int64_t i = 0; i < n && status == DCPG_OK; i++) {
        char *word = dcpg_strdup(path[i]);
        status = word ? want(all, path[i], word, options, watch, err)
                      : dcpg_fail_nomem(err, "a path", strlen(path[i]));
        dcpg_free(word);
    }
    for (size_t i = 0; status == DCPG_OK && i < all->n; i++) status = read_matrix(&all->v[i], err);
    if (status != DCPG_OK) dcpg_matrices_free(all);
    *matrices = status == DCPG_OK ? all : NULL;
    return status;
}

/* ---- a column as a profile ---- */

static dcpg_status add_calls(profile_parser *p, const matrix *m, const matrix_column *c, dcpg_err *err) {
    for (size_t k = 0; k < m->chromo.n; k++) {
        size_t end = k + 1 < m->chromo.n ? c->start[k + 1] : c->n;
        int64_t row = 0;
        for (size_t at = c->start[k]; at < end;) {
            float value = take(m, c, &at, &row);
            p->nb_line++;
            DCPG_TRY(dcpg_profile_add(p, m->chromo.v[k], row, (raw_call){.value = value}, err));
        }
    }
    return DCPG_OK;
}

static dcpg_status read_column(profile_parser *p, const dcpg_matrices *all, const char *word, int64_t column,
                               dcpg_err *err) {
    const matrix *m = find(all, word);
    assert(m && m->place[column - 1] >= 0);
    dcpg_profile_take_format(p, m->format);
    snprintf(p->report->columns, sizeof p->report->columns, "%" PRId64 " of %" PRId64, column, m->nb_all);
    return add_calls(p, m, &m->column[m->place[column - 1]], err);
}

dcpg_status dcpg_profile_read_matrix(profile_parser *p, dcpg_err *err) {
    int64_t column = 0;
    dcpg_matrices *own = NULL;
    const dcpg_matrices *given = p->options->matrices;
    char *word = dcpg_strdup(p->path);
    dcpg_status status = word ? DCPG_OK : dcpg_fail_nomem(err, "a path", strlen(p->path));
    if (word) dcpg_matrix_split(p->path, word, &column);
    const matrix *m = status == DCPG_OK ? find(given, word) : NULL;
    bool loaded = m && column <= m->nb_all && m->place[column - 1] >= 0;
    if (status == DCPG_OK && !loaded) status = dcpg_matrices_load(&p->path, 1, p->options, NULL, &own, err);
    if (status == DCPG_OK) status = read_column(p, loaded ? given : own, word, column, err);
    dcpg_matrices_free(own);
    dcpg_free(word);
    return status;
}
