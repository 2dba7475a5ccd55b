/* SPDX-License-Identifier: MIT */
/* Shows the samples of a batch source as a table. */
#include "analysis/table.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/output.h>
#include <dcpg/show.h>

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Samples searched at a time; rows cut at a time, and bytes of these rows. */
enum { LOOK = 1 << 20, LEAST_ROWS = 64, MOST_ROWS = 1 << 16, PIECE_BYTES = 16 << 20 };

/* Samples [first, first + n) to show, at most showing.rows of them. */
typedef struct piece {
    int64_t first, n;
} piece;

typedef struct showing {
    dcpg_source *places, *source;
    const dcpg_show_options *options;
    piece *piece; /* rank 0 only */
    int64_t nb_piece, capacity;
    table table;
    dcpg_batch *batch;
    int64_t rows;           /* cut at a time: the more, the fewer times a chunk of the file is read */
    int64_t *sample;        /* [rows] */
    int32_t *chromo, *pos;  /* [rows] */
    dcpg_strings groups;    /* headings above the columns of the cells */
    int64_t run, run_first; /* run of the last sample shown, and the run's first sample */
} showing;

/* ---- which samples ---- */

static dcpg_status add_sample(showing *s, int64_t sample, dcpg_err *err) {
    piece *last = s->nb_piece > 0 ? &s->piece[s->nb_piece - 1] : NULL;
    if (last && last->first + last->n == sample && last->n < s->rows) {
        last->n++;
        return DCPG_OK;
    }
    if (s->nb_piece == s->capacity) {
        int64_t capacity = s->capacity ? 2 * s->capacity : 64;
        piece *grown = dcpg_realloc(s->piece, (size_t)s->capacity, (size_t)capacity, sizeof *grown);
        if (!grown) return dcpg_fail_nomem(err, "sites", (unsigned long long)capacity * sizeof *grown);
        s->piece = grown;
        s->capacity = capacity;
    }
    s->piece[s->nb_piece++] = (piece){sample, 1};
    return DCPG_OK;
}

static dcpg_status look(showing *s, int64_t first, int64_t end, dcpg_err *err) {
    const dcpg_show_options *o = s->options;
    int32_t *chromo = dcpg_alloc((size_t)(end - first), 2 * sizeof *chromo),
            *pos = chromo ? chromo + (end - first) : NULL;
    dcpg_status status =
        chromo ? DCPG_OK
               : dcpg_fail_nomem(err, "positions", (unsigned long long)(end - first) * 2 * sizeof *chromo);
    if (status == DCPG_OK) status = s->places->ops->where(s->places, first, end, chromo, pos, err);
    for (int64_t i = first; i < end && status == DCPG_OK; i++) {
        int32_t at = pos[i - first];
        if ((o->start == 0 || at >= o->start) && (o->end == 0 || at <= o->end))
            status = add_sample(s, i, err);
    }
    dcpg_free(chromo);
    return status;
}

/* Rank 0 searches all samples. Collective. */
static dcpg_status find_pieces_all(showing *s, dcpg_err *err) {
    const dcpg_par *par = s->places->par;
    int64_t nb = s->places->nb_site;
    for (int64_t first = 0; first < nb; first += LOOK) {
        int64_t end = first + LOOK < nb ? first + LOOK : nb;
        bool mine = par->rank == 0;
        DCPG_TRY(s->places->ops->load_all(s->places, mine ? first : 0, mine ? end : 0, err));
        DCPG_TRY(dcpg_agree_all(par, mine ? look(s, first, end, err) : DCPG_OK, err));
    }
    dcpg_bcast_all(par, &s->nb_piece, sizeof s->nb_piece, 0);
    return s->places->ops->load_all(s->places, 0, 0, err); /* frees their memory */
}

/* ---- columns ---- */

/* Columns "-2" ... "+2" around the middle; the middle has a column of its own if `middle`. */
static dcpg_status add_offsets(table *t, const char *group, int64_t half, bool middle, table_kind kind,
                               dcpg_err *err) {
    for (int64_t k = -half; k <= half; k++) {
        char name[32];
        if (k == 0 && !middle) continue;
        snprintf(name, sizeof name, k > 0 ? "+%" PRId64 : "%" PRId64, k);
        DCPG_TRY(dcpg_table_add_column(t, group, name, kind, NULL, err));
    }
    return DCPG_OK;
}

/* Classes are printed as whole numbers. */
static table_kind kind_of_output(const char *name) {
    return dcpg_output_kind_of(name).nb_class > 0 ? TABLE_INT : TABLE_FLOAT;
}

static dcpg_status name_groups(showing *s, dcpg_err *err) {
    for (size_t i = 0; i < s->source->cells.n; i++)
        for (int dist = 0; dist < 2; dist++) {
            char *name = dcpg_format("%s/%s", s->source->cells.v[i], dist ? "dist" : "state");
            dcpg_status status =
                name ? dcpg_strings_add(&s->groups, name, err) : dcpg_fail_nomem(err, "a heading", 64);
            dcpg_free(name);
            DCPG_TRY(status);
        }
    return DCPG_OK;
}

static dcpg_status add_columns(showing *s, dcpg_err *err) {
    const dcpg_source *source = s->source;
    table *t = &s->table;
    DCPG_TRY(dcpg_table_add_column(t, "loc", "chromo", TABLE_WORD, &source->chromo, err));
    DCPG_TRY(dcpg_table_add_column(t, "loc", "pos", TABLE_INT, NULL, err));
    for (size_t i = 0; i < source->outputs.n; i++)
        DCPG_TRY(dcpg_table_add_column(t, "outputs", source->outputs.v[i],
                                       kind_of_output(source->outputs.v[i]), NULL, err));
    if (source->dna_wlen > 0) DCPG_TRY(add_offsets(t, "dna", source->dna_wlen / 2, true, TABLE_INT, err));
    DCPG_TRY(name_groups(s, err));
    for (size_t i = 0; i < source->cells.n && source->cpg_wlen > 0; i++) {
        table_kind state = s->options->real[i] ? TABLE_FLOAT : TABLE_INT;
        DCPG_TRY(add_offsets(t, s->groups.v[2 * i], source->cpg_wlen / 2, false, state, err));
        if (s->options->dist)
            DCPG_TRY(add_offsets(t, s->groups.v[2 * i + 1], source->cpg_wlen / 2, false, TABLE_FLOAT, err));
    }
    return DCPG_OK;
}

/* ---- rows ---- */

/* Samples must come in ascending order. */
static int64_t index_of(showing *s, int64_t sample) {
    const dcpg_show_run *run = s->options->run;
    for (; sample - s->run_first >= run[s->run].n; s->run++) s->run_first += run[s->run].n;
    return run[s->run].first + sample - s->run_first;
}

/* Copies row `row` of the batch to row `at` of the table. */
static void fill_row(showing *s, int64_t row, int64_t at) {
    const dcpg_source *source = s->source;
    const dcpg_batch *b = s->batch;
    const int64_t nb_output = (int64_t)source->outputs.n, wlen = source->cpg_wlen, dna = source->dna_wlen;
    table_column *column = s->table.column;
    s->table.index[at] = index_of(s, s->sample[row]);
    (column++)->value[at] = s->chromo[row];
    (column++)->value[at] = s->pos[row];
    for (int64_t i = 0; i < nb_output; i++) (column++)->value[at] = (double)b->label[row * nb_output + i];
    for (int64_t i = 0; i < dna; i++) (column++)->value[at] = b->dna[row * dna + i];
    for (int64_t c = 0; c < (int64_t)source->cells.n && wlen > 0; c++) {
        const float *from = b->cpg + (row * (int64_t)source->cells.n + c) * 2 * wlen;
        for (int64_t k = 0; k < (s->options->dist ? 2 * wlen : wlen); k++)
            (column++)->value[at] = (double)from[k];
    }
    assert(column == s->table.column + s->table.nb_column);
}

static dcpg_status add_piece(showing *s, const piece *p, dcpg_err *err) {
    int64_t before = s->table.nb_row;
    for (int64_t i = 0; i < p->n; i++) s->sample[i] = p->first + i;
    DCPG_TRY(s->source->ops->fill(s->source, p->n, s->sample, s->batch, err));
    DCPG_TRY(s->source->ops->where(s->source, p->first, p->first + p->n, s->chromo, s->pos, err));
    DCPG_TRY(dcpg_table_add_rows(&s->table, p->n, err));
    for (int64_t i = 0; i < p->n; i++) fill_row(s, i, before + i);
    return DCPG_OK;
}

static dcpg_status start(showing *s, dcpg_err *err) {
    DCPG_TRY(add_columns(s, err));
    int64_t rows = PIECE_BYTES / (8 * (int64_t)s->table.nb_column);
    s->rows = rows < LEAST_ROWS ? LEAST_ROWS : rows > MOST_ROWS ? MOST_ROWS : rows;
    size_t n = (size_t)s->rows;
    s->sample = dcpg_alloc(n, sizeof *s->sample);
    s->chromo = dcpg_alloc(n, sizeof *s->chromo);
    s->pos = dcpg_alloc(n, sizeof *s->pos);
    if (!s->sample || !s->chromo || !s->pos) return dcpg_fail_nomem(err, "sites", n * sizeof *s->sample);
    return dcpg_batch_new(s->source, s->rows, &s->batch, err);
}

/* Whether the contents of the file are exactly these bytes. */
static bool holds(const char *path, const char *text, size_t n) {
    char bytes[4096];
    FILE *file = dcpg_file_open(path);
    size_t done = 0, got = 0;
    bool same = true;
    while (file && same && (got = fread(bytes, 1, sizeof bytes, file)) > 0) {
        same = got <= n - done && memcmp(bytes, text + done, got) == 0;
        done += got;
    }
    same = same && file && !ferror(file) && done == n;
    if (file) fclose(file);
    return same;
}

static dcpg_status write_out(const showing *s, FILE *out, dcpg_err *err) {
    if (!s->options->out_tsv) {
        dcpg_table_print(&s->table, out);
        return DCPG_OK;
    }
    char *text = dcpg_table_tsv(&s->table);
    dcpg_status status =
        text ? DCPG_OK : dcpg_fail_nomem(err, "a table", (unsigned long long)s->table.nb_row);
    if (status == DCPG_OK && s->options->equal_only && !holds(s->options->out_tsv, text, strlen(text)))
        status = dcpg_fail_not_ours(s->options->out_tsv, err);
    if (status == DCPG_OK) status = dcpg_file_write(s->options->out_tsv, text, strlen(text), err);
    dcpg_free(text);
    return status;
}

static dcpg_status show_all(showing *s, FILE *out, dcpg_log *log, dcpg_err *err) {
    const dcpg_par *par = s->source->par;
    bool mine = par->rank == 0;
    DCPG_TRY(dcpg_agree_all(par, start(s, err), err));
    DCPG_TRY(find_pieces_all(s, err));
    for (int64_t i = 0; i < s->nb_piece; i++) {
        piece p = mine ? s->piece[i] : (piece){0, 0};
        DCPG_TRY(s->source->ops->load_all(s->source, p.first, p.first + p.n, err));
        DCPG_TRY(dcpg_agree_all(par, mine ? add_piece(s, &p, err) : DCPG_OK, err));
    }
    if (s->nb_piece == 0) dcpg_warn(log, "no site lies there");
    return dcpg_agree_all(par, mine ? write_out(s, out, err) : DCPG_OK, err);
}

dcpg_status dcpg_show_all(dcpg_source *places, dcpg_source *source, const dcpg_show_options *options,
                          FILE *out, dcpg_log *log, dcpg_err *err) {
    assert(places->nb_site == source->nb_site);
    showing s = {.places = places, .source = source, .options = options};
    dcpg_status status = show_all(&s, out, log, err);
    dcpg_table_free(&s.table);
    dcpg_batch_free(s.batch);
    dcpg_strings_free(&s.groups);
    dcpg_free(s.piece);
    dcpg_free(s.sample);
    dcpg_free(s.chromo);
    dcpg_free(s.pos);
    return status;
}
