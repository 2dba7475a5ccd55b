/* SPDX-License-Identifier: MIT */
/* Reads y.npz and pos.npz as CpG Transformer, GraphCpG and MambaCpG have them: an array per chromosome, in y
 * of sites x cells with -1 for unknown, 0 and 1 (or fractions), in pos of the sites' positions from 0. */
#include "calls/matrix.h"
#include "calls/matrix_numbers.h"

#include <dcpg/memory.h>

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- which file is which ---- */

/* The two files. */
typedef struct pair {
    char *path[2]; /* y, pos */
    dcpg_npz_list list[2];
} pair;
enum { Y, POS };

static void free_pair(pair *p) {
    for (int i = 0; i < 2; i++) {
        dcpg_free(p->path[i]);
        dcpg_npz_free_list(&p->list[i]);
    }
}

static int64_t columns_of(const dcpg_npy *y) { return y->ndim == 2 ? y->dim[1] : 1; }

static bool is_pos(const dcpg_npz_list *list) {
    bool is = true;
    for (size_t i = 0; i < list->n; i++) {
        const dcpg_npy *a = &list->v[i].about;
        is = is && a->ndim == 1 && strchr("iu", a->kind) && a->size >= 4;
    }
    return is;
}

/* Sequences as EncodeGenome.py writes them have a byte per base. */
static bool is_genome(const dcpg_npz_list *list) {
    bool is = true;
    for (size_t i = 0; i < list->n; i++) is = is && list->v[i].about.ndim == 1 && list->v[i].about.size == 1;
    return is;
}

static dcpg_status fail_pair(const pair *p, const char *chromo, const char *what, dcpg_err *err) {
    return dcpg_fail(err, DCPG_E_INPUT, "%s and %s: array %.80s: %s", p->path[Y], p->path[POS], chromo, what);
}

static dcpg_status check_chromo(const pair *p, const dcpg_npz_array *y, int64_t columns, dcpg_err *err) {
    const dcpg_npy *pos = dcpg_npz_find(&p->list[POS], y->name);
    if (y->about.ndim < 1 || !strchr("if", y->about.kind))
        return fail_pair(p, y->name, "methylation must be whole numbers or floats, sites x cells", err);
    if (!pos) return fail_pair(p, y->name, "is in the first file alone", err);
    if (pos->dim[0] != y->about.dim[0])
        return fail_pair(p, y->name, "there are not as many positions as sites", err);
    if (columns_of(&y->about) != columns)
        return fail_pair(p, y->name, "has another number of cells than those before it", err);
    return DCPG_OK;
}

static dcpg_status check_pair(const pair *p, int64_t *columns, bool *fractions, dcpg_err *err) {
    const dcpg_npz_list *y = &p->list[Y];
    *columns = columns_of(&y->v[0].about);
    *fractions = false;
    if (!is_pos(&p->list[POS]))
        return dcpg_fail(err, DCPG_E_INPUT, "%s: holds no positions: whole numbers of 4 or 8 bytes",
                         p->path[POS]);
    for (size_t i = 0; i < y->n; i++) {
        DCPG_TRY(check_chromo(p, &y->v[i], *columns, err));
        *fractions = *fractions || y->v[i].about.kind == 'f';
    }
    if (y->n != p->list[POS].n)
        return fail_pair(p, p->list[POS].v[0].name, "there are more arrays in the second file", err);
    if (*columns >= 1 && *columns <= MOST_CELLS) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT, "%s: holds %" PRId64 " cells: 1 to %d are possible", p->path[Y],
                     *columns, MOST_CELLS);
}

/* Reads what is in the files of "y.npz:pos.npz". */
static dcpg_status open_pair(const char *word, pair *p, int64_t *columns, bool *fractions, dcpg_err *err) {
    const char *second = strstr(word, ".npz:");
    p->path[Y] = dcpg_strndup(word, (size_t)(second - word) + strlen(".npz"));
    p->path[POS] = dcpg_strdup(second + strlen(".npz:"));
    for (int i = 0; i < 2; i++) {
        if (!p->path[i]) return dcpg_fail_nomem(err, "a path", strlen(word));
        DCPG_TRY(dcpg_npz_read_list(p->path[i], &p->list[i], err));
    }
    return check_pair(p, columns, fractions, err);
}

dcpg_status dcpg_matrix_open_npz(matrix *m, dcpg_err *err) {
    pair p = {0};
    m->format = &dcpg_profile_npz;
    dcpg_status status = open_pair(m->word, &p, &m->nb_all, &m->fractions, err);
    free_pair(&p);
    return status;
}

/* ---- the cells ---- */

static dcpg_status fail_words(const dcpg_strings *words, const char *what, dcpg_err *err) {
    char text[DCPG_LIST_TEXT];
    return dcpg_fail(
        err, DCPG_E_INPUT,
        "%s: %s: of npz files, give y.npz (methylation, sites x cells) and pos.npz (positions), and "
        "X.npz (the genome) with --dna_files",
        dcpg_strings_text(words, text), what);
}

/* Finds which of the words is y and which pos. */
static dcpg_status find_pair(const dcpg_strings *words, const char *path[2], dcpg_err *err) {
    path[Y] = path[POS] = NULL;
    for (size_t i = 0; i < words->n; i++) {
        dcpg_npz_list list = {0};
        DCPG_TRY(dcpg_npz_read_list(words->v[i], &list, err));
        int kind = is_pos(&list) ? POS : Y;
        bool genome = words->n > 2 && is_genome(&list);
        dcpg_npz_free_list(&list);
        if (genome) return fail_words(words, "one of them looks like a genome", err);
        if (path[kind])
            return fail_words(words, kind == POS ? "two hold positions" : "two hold no positions", err);
        path[kind] = words->v[i];
    }
    return path[Y] && path[POS] ? DCPG_OK : fail_words(words, "one is missing", err);
}

dcpg_status dcpg_matrix_list_npz(const dcpg_strings *words, dcpg_strings *names, dcpg_strings *paths,
                                 dcpg_err *err) {
    const char *path[2];
    pair p = {0};
    int64_t columns = 0;
    bool fractions;
    DCPG_TRY(dcpg_npz_usable(words->v[0], err));
    DCPG_TRY(find_pair(words, path, err));
    char *word = dcpg_format("%s:%s", path[Y], path[POS]);
    dcpg_status status =
        word ? open_pair(word, &p, &columns, &fractions, err) : dcpg_fail_nomem(err, "a path", 64);
    int digits = snprintf(NULL, 0, "%" PRId64, columns);
    for (int64_t i = 0; i < columns && status == DCPG_OK; i++) {
        char *name = dcpg_format("cell%0*" PRId64, digits, i + 1),
             *column = dcpg_format("%s#%" PRId64, word, i + 1);
        status = name && column ? dcpg_strings_add(names, name, err) : dcpg_fail_nomem(err, "a name", 64);
        if (status == DCPG_OK) status = dcpg_strings_add(paths, column, err);
        dcpg_free(name);
        dcpg_free(column);
    }
    free_pair(&p);
    dcpg_free(word);
    return status;
}

/* ---- calls ---- */

typedef struct reading {
    matrix *m;
    const pair *files;
    const char *chromo;
    int64_t rows;
    numbers y, pos;
} reading;

static dcpg_status take_pos(reading *r, int64_t *pos, dcpg_err *err) {
    double value;
    DCPG_TRY(numbers_next(&r->pos, &value, err));
    *pos = (int64_t)(is_whole(value, INT32_MAX) ? value : -1);
    return *pos >= 0 ? DCPG_OK
                     : fail_pair(r->files, r->chromo, "a position is negative, or beyond 2147483647", err);
}

static dcpg_status take_value(reading *r, matrix_column *column, int64_t pos, dcpg_err *err) {
    double value;
    DCPG_TRY(numbers_next(&r->y, &value, err));
    if (!column || value == -1 || isnan(value)) return DCPG_OK;
    if (value >= 0 && value <= 1) return dcpg_matrix_add(r->m, column, pos, (float)value, err);
    char text[96];
    snprintf(text, sizeof text, "methylation is -1 (unknown), 0, 1 or between these, not %g", value);
    return fail_pair(r->files, r->chromo, text, err);
}

static matrix_column *column_at(const matrix *m, int64_t i) {
    return m->place[i] < 0 ? NULL : &m->column[m->place[i]];
}

static dcpg_status read_by_row(reading *r, dcpg_err *err) {
    for (int64_t row = 0; row < r->rows; row++) {
        int64_t pos;
        if (row % (1 << 12) == 0) dcpg_matrix_busy(r->m);
        DCPG_TRY(take_pos(r, &pos, err));
        for (int64_t c = 0; c < r->m->nb_all; c++) DCPG_TRY(take_value(r, column_at(r->m, c), pos, err));
    }
    return DCPG_OK;
}

/* Arrays in Fortran's order: the positions are read again for each column that is wanted. */
static dcpg_status read_by_column(reading *r, dcpg_err *err) {
    for (int64_t c = 0; c < r->m->nb_all; c++) {
        matrix_column *column = column_at(r->m, c);
        dcpg_matrix_busy(r->m);
        dcpg_npz_close(r->pos.reader);
        r->pos.reader = NULL;
        DCPG_TRY(numbers_open(r->files->path[POS], r->chromo, r->rows, &r->pos, err));
        for (int64_t row = 0; row < r->rows; row++) {
            int64_t pos = 0;
            if (column) DCPG_TRY(take_pos(r, &pos, err));
            DCPG_TRY(take_value(r, column, pos, err));
        }
    }
    return DCPG_OK;
}

static dcpg_status read_chromo(matrix *m, const pair *files, const dcpg_npz_array *y, dcpg_err *err) {
    reading *r = dcpg_alloc(1, sizeof *r);
    if (!r) return dcpg_fail_nomem(err, files->path[Y], sizeof *r);
    r->m = m;
    r->files = files;
    r->chromo = y->name;
    r->rows = y->about.dim[0];
    dcpg_status status = dcpg_matrix_begin(m, y->name, err);
    if (status == DCPG_OK) status = numbers_open(files->path[Y], y->name, r->rows * m->nb_all, &r->y, err);
    if (status == DCPG_OK) status = numbers_open(files->path[POS], y->name, r->rows, &r->pos, err);
    if (status == DCPG_OK) status = y->about.by_column ? read_by_column(r, err) : read_by_row(r, err);
    if (status == DCPG_OK) status = dcpg_npz_read_end(r->y.reader, err);
    if (status == DCPG_OK && !y->about.by_column) status = dcpg_npz_read_end(r->pos.reader, err);
    dcpg_npz_close(r->y.reader);
    dcpg_npz_close(r->pos.reader);
    dcpg_free(r);
    return status;
}

dcpg_status dcpg_matrix_read_npz(matrix *m, dcpg_err *err) {
    pair files = {0};
    int64_t columns;
    bool fractions;
    dcpg_status status = open_pair(m->word, &files, &columns, &fractions, err);
    for (size_t i = 0; i < files.list[Y].n && status == DCPG_OK; i++) {
        const dcpg_npz_array *y = &files.list[Y].v[i];
        if (!dcpg_matrix_unwanted(m, y->name)) status = read_chromo(m, &files, y, err);
    }
    free_pair(&files);
    return status;
}
