/* The report of an evaluation: a TSV of metric, output, value, and a table of means. */
#include "analysis/eval_impl.h"

#include <dcpg/memory.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool has_score(const char *output, dcpg_score score) {
    dcpg_score scores[DCPG_NB_SCORE];
    int nb = dcpg_scores_of(output, scores);
    for (int i = 0; i < nb; i++)
        if (scores[i] == score) return true;
    return false;
}

/* The shortest decimal that means the same number; nothing for NaN, as pandas writes it. */
static void write_value(FILE *out, double value) {
    char text[40] = "";
    for (int digits = 6; digits <= 17 && !isnan(value); digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value) break;
    }
    fputs(text, out);
}

typedef struct named {
    const char *name;
    int output;
} named;

static int by_name(const void *a, const void *b) {
    return strcmp(((const named *)a)->name, ((const named *)b)->name);
}

static void write_report(FILE *out, const named *order, const eval_outputs *outputs, const double *value) {
    fputs("metric\toutput\tvalue\n", out);
    for (int s = 0; s < DCPG_NB_SCORE; s++)
        for (int i = 0; i < outputs->nb; i++) {
            if (!has_score(order[i].name, (dcpg_score)s)) continue;
            fprintf(out, "%s\t%s\t", dcpg_score_name((dcpg_score)s), order[i].name);
            write_value(out, value[order[i].output * DCPG_NB_SCORE + s]);
            fputc('\n', out);
        }
}

char *eval_report_text(const eval_outputs *outputs, const double *value) {
    char *text = NULL, *copy = NULL;
    size_t size = 0;
    named *order = dcpg_alloc((size_t)outputs->nb, sizeof *order);
    FILE *out = order ? open_memstream(&text, &size) : NULL;
    if (out) {
        for (int o = 0; o < outputs->nb; o++) order[o] = (named){outputs->name[o], o};
        qsort(order, (size_t)outputs->nb, sizeof *order, by_name);
        write_report(out, order, outputs, value);
        bool fine = !ferror(out);
        if (fclose(out) == 0 && fine) copy = dcpg_strdup(text);
        free(text);
    }
    dcpg_free(order);
    return copy;
}

void eval_report_means(const eval_outputs *outputs, const double *value, dcpg_log *log) {
    dcpg_info(log, "%-8s %12s  %s", "metric", "mean", "outputs");
    for (int s = 0; s < DCPG_NB_SCORE; s++) {
        double sum = 0;
        int nb = 0, defined = 0;
        for (int o = 0; o < outputs->nb; o++) {
            double x = value[o * DCPG_NB_SCORE + s];
            if (!has_score(outputs->name[o], (dcpg_score)s)) continue;
            nb++;
            defined += !isnan(x);
            sum += isnan(x) ? 0 : x;
        }
        if (nb == 0) continue;
        if (defined == nb)
            dcpg_info(log, "%-8s %12.6g  %d", dcpg_score_name((dcpg_score)s), sum / nb, nb);
        else
            dcpg_info(log, "%-8s %12.6g  %d of %d (not defined for the others)",
                      dcpg_score_name((dcpg_score)s), defined ? sum / defined : NAN, defined, nb);
    }
}
