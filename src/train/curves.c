/* SPDX-License-Identifier: MIT */
/* Learning curves in DeepCpG's format: a TSV with one row per epoch. */
#include <dcpg/memory.h>
#include <dcpg/train.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* A growing text; `failed` once memory has run out. */
typedef struct text {
    char *v;
    size_t n, capacity;
    bool failed;
} text;

DCPG_PRINTF(2, 3) static void append(text *t, const char *fmt, ...) {
    va_list arguments, again;
    va_start(arguments, fmt);
    va_copy(again, arguments);
    size_t need = (size_t)vsnprintf(NULL, 0, fmt, arguments) + 1;
    if (!t->failed && t->n + need > t->capacity) {
        size_t capacity = 2 * (t->n + need);
        char *grown = dcpg_realloc(t->v, t->n, capacity, 1);
        if (grown == NULL)
            t->failed = true;
        else
            t->v = grown, t->capacity = capacity;
    }
    if (!t->failed) t->n += (size_t)vsnprintf(t->v + t->n, need, fmt, again);
    va_end(again);
    va_end(arguments);
}

/* An undefined value (no label was observed) becomes an empty field, which is how pandas reads and writes
 * it. */
static void append_value(text *t, double value) {
    if (isnan(value))
        append(t, "\t");
    else
        append(t, "\t%.6g", value);
}

static bool has_metric(const dcpg_output_kind *kind, dcpg_metric metric, int *index) {
    for (*index = 0; *index < kind->nb_metric; ++*index)
        if (kind->metric[*index] == metric) return true;
    return false;
}

/* Metrics in the order in which the outputs first use them. Returns their number. */
static int metrics_in_order(int nb_output, const dcpg_output_kind *kind, dcpg_metric order[]) {
    int nb = 0;
    for (int o = 0; o < nb_output; o++)
        for (int m = 0; m < kind[o].nb_metric; m++) {
            bool known = false;
            for (int i = 0; i < nb; i++) known |= order[i] == kind[o].metric[m];
            if (!known) order[nb++] = kind[o].metric[m];
        }
    return nb;
}

static void append_header(text *t, int nb_output, const char *const *names, const dcpg_output_kind *kind,
                          int nb_metric, const dcpg_metric *order) {
    int m;
    append(t, "loss");
    for (int i = 0; i < nb_metric; i++) append(t, "\t%s", dcpg_metric_name(order[i]));
    for (int o = 0; o < nb_output; o++) append(t, "\t%s_loss", names[o]);
    for (int i = 0; i < nb_metric; i++)
        for (int o = 0; o < nb_output; o++)
            if (has_metric(&kind[o], order[i], &m))
                append(t, "\t%s_%s", names[o], dcpg_metric_name(order[i]));
    append(t, "\n");
}

static void append_epoch(text *t, int nb_output, const dcpg_output_kind *kind, int nb_metric,
                         const dcpg_metric *order, const dcpg_scores *s) {
    int m;
    append(t, "%.6g", s->loss);
    for (int i = 0; i < nb_metric; i++) append_value(t, dcpg_scores_mean(s, nb_output, kind, order[i]));
    for (int o = 0; o < nb_output; o++) append_value(t, s->loss_of[o]);
    for (int i = 0; i < nb_metric; i++)
        for (int o = 0; o < nb_output; o++)
            if (has_metric(&kind[o], order[i], &m)) append_value(t, s->metric[o * DCPG_MAX_METRICS + m]);
    append(t, "\n");
}

char *dcpg_curve_text(int nb_output, const char *const *names, int64_t nb_epoch, const dcpg_scores *epochs) {
    dcpg_output_kind *kind = dcpg_alloc((size_t)nb_output, sizeof *kind);
    if (kind == NULL) return NULL;
    for (int o = 0; o < nb_output; o++) kind[o] = dcpg_output_kind_of(names[o]);
    dcpg_metric order[DCPG_METRIC_CAT_ACC + 1];
    int nb_metric = metrics_in_order(nb_output, kind, order);
    text t = {0};
    append_header(&t, nb_output, names, kind, nb_metric, order);
    for (int64_t e = 0; e < nb_epoch; e++) append_epoch(&t, nb_output, kind, nb_metric, order, &epochs[e]);
    dcpg_free(kind);
    if (!t.failed) return t.v;
    dcpg_free(t.v);
    return NULL;
}
