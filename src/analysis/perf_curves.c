/* SPDX-License-Identifier: MIT */
/* ROC and precision-recall curves as scikit-learn 1.2 draws them for DeepCpG: of the ROC curve, points on a
 * straight line between others are left out; then points are chosen at even steps. A curve's length must be
 * known for that, so predictions pass by twice: to be counted, and to be written. */
#include "analysis/perf_impl.h"

#include <dcpg/memory.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct point {
    double x, y, threshold;
} point;

/* Distinct predictions of a column, and those at which its ROC curve bends. */
typedef struct length {
    int64_t distinct, bends;
} length;

struct perf_curves {
    perf_curves_options options;
    length *length;      /* [columns] of those that this rank owns */
    int column;          /* present one; -1: none */
    dcpg_ranked last;    /* its last prediction */
    int64_t nb, nb_bend; /* its predictions and bends so far */
    point *roc, *pr;     /* [most] points chosen of the present one; those of the ROC curve from its end */
    int64_t nb_roc, nb_pr;
    int64_t next_roc, next_pr; /* number of the point to be chosen next, of `most` */
};

dcpg_status dcpg_perf_curves_new(const perf_curves_options *options, perf_curves **curves, dcpg_err *err) {
    perf_curves *c = dcpg_alloc(1, sizeof *c);
    size_t most = (size_t)options->most, columns = (size_t)options->observed->nb_column;
    if (!c) return dcpg_fail_nomem(err, "curves", sizeof *c);
    *c = (perf_curves){.options = *options, .column = -1};
    c->length = dcpg_alloc(columns, sizeof *c->length);
    c->roc = dcpg_alloc(most, sizeof *c->roc);
    c->pr = dcpg_alloc(most, sizeof *c->pr);
    *curves = c;
    return c->length && c->roc && c->pr ? DCPG_OK : dcpg_fail_nomem(err, "curves", most * sizeof *c->roc);
}

void dcpg_perf_curves_free(perf_curves *c) {
    if (!c) return;
    dcpg_free(c->length);
    dcpg_free(c->roc);
    dcpg_free(c->pr);
    dcpg_free(c);
}

/* Whether the curve bends below this prediction: the next lower one has other labels. */
static bool bends(const perf_curves *c, dcpg_ranked r) {
    return c->nb == 0 || r.up != c->last.up || r.down != c->last.down;
}

static void begin(perf_curves *c, int column) {
    if (column == c->column) return;
    c->column = column;
    c->nb = c->nb_bend = c->nb_roc = c->nb_pr = 0;
}

/* ---- counting ---- */

static void count(void *context, int column, const dcpg_class_stream *stream, dcpg_ranked ranked) {
    perf_curves *c = context;
    (void)stream;
    begin(c, column);
    if (isnan(ranked.prediction)) { /* the last one */
        c->length[column] = (length){0, 0};
        return;
    }
    bool bend = bends(c, ranked);
    c->nb_bend += bend;
    c->nb++;
    c->last = ranked;
    c->length[column] = (length){c->nb, c->nb_bend + !bend}; /* the last point is always there */
}

dcpg_ranking_visitor dcpg_perf_curves_counter(perf_curves *c) { return (dcpg_ranking_visitor){c, count}; }

/* ---- choosing ---- */

/* The j-th of `most` points, of `n`; all, if they are no more than that. */
static int64_t chosen(const perf_curves *c, int64_t j, int64_t n) {
    int64_t most = c->options.most;
    if (n <= most) return j;
    return most == 1       ? 0
           : j == most - 1 ? n - 1
                           : (int64_t)((double)j * ((double)(n - 1) / (double)(most - 1)));
}

static int64_t nb_chosen(const perf_curves *c, int64_t n) {
    return n <= c->options.most ? n : c->options.most;
}

/* Takes the point of this prediction, if it is to be chosen: number `i` of the `n` of its curve. */
static void choose_pr(perf_curves *c, const dcpg_class_stream *s, dcpg_ranked r, int64_t i, int64_t n) {
    if (c->next_pr >= nb_chosen(c, n) || chosen(c, c->next_pr, n) != i) return;
    double up = (double)(s->up - s->up_below), down = (double)(s->down - s->down_below);
    c->pr[c->nb_pr++] = (point){up / (up + down), up / (double)s->up, (double)r.prediction};
    while (c->next_pr < nb_chosen(c, n) && chosen(c, c->next_pr, n) == i) c->next_pr++;
}

/* The same; predictions come from the end of the ROC curve. */
static void choose_roc(perf_curves *c, const dcpg_class_stream *s, dcpg_ranked r, int64_t i, int64_t n) {
    if (c->next_roc < 0 || chosen(c, c->next_roc, n) != i) return;
    c->roc[c->nb_roc++] = (point){(double)(s->down - s->down_below) / (double)s->down,
                                  (double)(s->up - s->up_below) / (double)s->up, (double)r.prediction};
    while (c->next_roc >= 0 && chosen(c, c->next_roc, n) == i) c->next_roc--;
}

static void choose(void *context, int column, const dcpg_class_stream *stream, dcpg_ranked ranked) {
    perf_curves *c = context;
    length all = c->length[column];
    int64_t nb_roc = all.bends + 1; /* with the point that nothing lies above */
    if (column != c->column) c->next_pr = 0, c->next_roc = nb_chosen(c, nb_roc) - 1;
    begin(c, column);
    choose_pr(c, stream, ranked, c->nb, all.distinct);
    bool kept = bends(c, ranked) || c->nb == all.distinct - 1;
    if (kept) choose_roc(c, stream, ranked, all.bends - c->nb_bend, nb_roc);
    c->nb_bend += kept;
    c->nb++;
    c->last = ranked;
}

/* ---- writing ---- */

static void put(const perf_curves *c, FILE *out, const char *curve, point p) {
    const eval_column *column = &c->options.observed->column[c->column];
    fprintf(out, "%s\t%s\t%s\t", c->options.contexts->v[column->context], curve,
            c->options.outputs->name[column->output]);
    const double number[] = {p.x, p.y, p.threshold};
    for (int i = 0; i < 3; i++) {
        dcpg_eval_write_number(out, number[i]);
        fputc(i < 2 ? '\t' : '\n', out);
    }
}

/* Writes the curves of the present column. */
static void put_all(const perf_curves *c, FILE *out) {
    perf_wish wish = c->options.wish[c->options.observed->column[c->column].context];
    int64_t first = c->nb_roc ? c->nb_roc : 1;
    if (wish.roc) put(c, out, "roc", (point){0, 0, (double)(c->last.prediction + 1.0f)});
    for (int64_t i = first; i-- > 0 && wish.roc;) put(c, out, "roc", c->roc[i]);
    for (int64_t i = 0; i < c->nb_pr && wish.pr; i++) put(c, out, "pr", c->pr[i]);
}

/* Probabilities of two classes, with labels of both. */
static bool has_curves(const perf_curves *c, int column) {
    const eval_column *of = &c->options.observed->column[column];
    perf_wish wish = c->options.wish[of->context];
    return (wish.roc || wish.pr) && of->class_index < 0 && of->ranked &&
           c->options.outputs->kind[of->output].loss == DCPG_LOSS_BCE;
}

/* The text of a column's curves, if this rank owns it; "" otherwise. NULL: out of memory. */
static dcpg_status draw(perf_curves *c, dcpg_ranking *ranking, int column, char **text, size_t *bytes,
                        dcpg_err *err) {
    const dcpg_ranking_visitor chooser = {c, choose};
    dcpg_status status = DCPG_OK;
    FILE *out = open_memstream(text, bytes);
    if (!out) return dcpg_fail_nomem(err, "curves", 4096);
    c->column = -1;
    if (column < c->options.observed->nb_column && has_curves(c, column) && c->length[column].distinct)
        status = dcpg_ranking_visit(ranking, column, &chooser, err);
    if (status == DCPG_OK && c->column >= 0 && c->nb_roc && isfinite(c->roc[0].x) && isfinite(c->roc[0].y))
        put_all(c, out);
    if (fclose(out) != 0 && status == DCPG_OK) status = dcpg_fail_nomem(err, "curves", 4096);
    return status;
}

/* Sends text to rank 0, which writes it in the order of ranks. Collective. */
static dcpg_status write_texts_all(const dcpg_par *par, const char *text, size_t bytes, size_t *sizes,
                                   FILE *file, dcpg_err *err) {
    size_t ranks = (size_t)par->size, *at = sizes, *mine = at + ranks, *received = mine + ranks, total = 0;
    void *all = NULL;
    memset(sizes, 0, 3 * ranks * sizeof *sizes);
    mine[0] = bytes;
    DCPG_TRY(dcpg_alltoallv_all(par, &(dcpg_par_parts){text, at, mine}, &all, received, err));
    for (size_t r = 0; r < ranks; r++) total += received[r];
    if (file) fwrite(all, 1, total, file);
    dcpg_free(all);
    return DCPG_OK;
}

dcpg_status dcpg_perf_curves_write_all(perf_curves *c, dcpg_ranking *ranking, const dcpg_par *par, FILE *file,
                                       dcpg_err *err) {
    size_t *sizes = dcpg_alloc(3 * (size_t)par->size, sizeof *sizes);
    dcpg_status status = dcpg_agree_all(par, sizes ? DCPG_OK : dcpg_fail_nomem(err, "curves", 64), err);
    for (int first = 0; first < c->options.observed->nb_column && status == DCPG_OK; first += par->size) {
        char *text = NULL;
        size_t bytes = 0;
        status = dcpg_agree_all(par, draw(c, ranking, first + par->rank, &text, &bytes, err), err);
        if (status == DCPG_OK) status = write_texts_all(par, text, bytes, sizes, file, err);
        free(text);
    }
    dcpg_free(sizes);
    return status;
}
