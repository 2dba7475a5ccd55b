/* SPDX-License-Identifier: MIT */
/* Section on an evaluation: scores over all sites, by context and by cell. */
#include "draw/markup.h"
#include "report/report_impl.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { ID = 48, TEXT = 160 };

/* Scores in the order in which they are read; others follow in that of the table. */
static const struct {
    const char *metric, *name, *about;
} known[] = {
    {"n", "calls", "observed calls that were predicted"},
    {"auc", "AUC",
     "area under the ROC curve: how often a methylated call is ranked above an unmethylated one"},
    {"auprc", "AUPRC", "average precision: area under the precision-recall curve"},
    {"acc", "accuracy", "share of calls predicted right, at a threshold of 0.5"},
    {"f1", "F1", "harmonic mean of precision and recall, at a threshold of 0.5"},
    {"mcc", "MCC", "Matthews correlation of calls and predictions, at a threshold of 0.5"},
    {"tpr", "TPR", "share of methylated calls predicted as such (sensitivity)"},
    {"tnr", "TNR", "share of unmethylated calls predicted as such (specificity)"},
    {"log_loss", "log loss", "mean negative logarithm of the probability given to the call; low is good"},
    {"brier", "Brier", "mean squared difference of call and prediction; low is good"},
};
enum { NB_KNOWN = sizeof known / sizeof *known };

static const char *name_of(const char *metric) {
    for (int k = 0; k < NB_KNOWN; k++)
        if (strcmp(known[k].metric, metric) == 0) return known[k].name;
    return metric;
}

static const char *about(const char *metric) {
    for (int k = 0; k < NB_KNOWN; k++)
        if (strcmp(known[k].metric, metric) == 0) return known[k].about;
    return "";
}

/* Indices of all metrics in that order, into order[metrics.n]. */
enum { MOST_METRICS = 32 };
static size_t order_metrics(const report_scores *s, size_t order[MOST_METRICS]) {
    size_t nb = 0;
    for (int k = 0; k < NB_KNOWN; k++) {
        ptrdiff_t m = dcpg_strings_find(&s->metrics, known[k].metric);
        if (m >= 0) order[nb++] = (size_t)m;
    }
    for (size_t m = 0; m < s->metrics.n && nb < MOST_METRICS; m++)
        if (strcmp(name_of(s->metrics.v[m]), s->metrics.v[m]) == 0) order[nb++] = m;
    return nb;
}

static void put_metric_heading(FILE *out, const char *metric) {
    fputs("<th scope=\"col\"><abbr title=\"", out);
    dcpg_draw_text(out, about(metric));
    fputs("\">", out);
    dcpg_draw_text(out, name_of(metric));
    fputs("</abbr></th>", out);
}

static void put_number_cell(FILE *out, const char *text) {
    fputs("<td>", out);
    dcpg_page_number(out, text);
    fputs("</td>", out);
}

/* ---- all sites ---- */

static void put_totals(FILE *out, const report_eval *e, size_t number) {
    const report_scores *s = &e->scores;
    static const char *const row[] = {"mean over outputs", "all cells pooled"};
    char id[ID];
    size_t order[MOST_METRICS], nb = order_metrics(s, order);
    snprintf(id, sizeof id, "eval-%zu-totals", number);
    dcpg_page_open_table(out, id, "numbers", "Scores over all sites");
    fputs("<thead><tr><th scope=\"col\">scores</th>", out);
    for (size_t k = 0; k < nb; k++) put_metric_heading(out, s->metrics.v[order[k]]);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (int which = 0; which < REPORT_NB_SUMMARY; which++) {
        fprintf(out, "<tr><th scope=\"row\">%s</th>", row[which]);
        for (size_t k = 0; k < nb; k++)
            put_number_cell(out, dcpg_report_summary(s, 0, which, s->metrics.v[order[k]]));
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    dcpg_page_close_table(out);
}

void dcpg_page_comparison(FILE *out, const report_eval *evals, size_t nb) {
    const report_scores *first = &evals[0].scores;
    size_t order[MOST_METRICS], nb_metric = order_metrics(first, order);
    dcpg_page_open_table(out, "overview-evals", "numbers sortable",
                         "Evaluations compared: scores of the pooled calls of all sites");
    fputs("<thead><tr><th scope=\"col\">evaluation</th>", out);
    for (size_t k = 0; k < nb_metric; k++) put_metric_heading(out, first->metrics.v[order[k]]);
    fputs("<th scope=\"col\"><abbr title=\"mean of the outputs' AUC\">mean "
          "AUC</abbr></th></tr></thead>\n<tbody>\n",
          out);
    for (size_t i = 0; i < nb; i++) {
        const report_scores *s = &evals[i].scores;
        fprintf(out, "<tr><th scope=\"row\"><a href=\"#eval-%zu\">", i + 1);
        dcpg_draw_text(out, evals[i].name);
        fputs("</a></th>", out);
        for (size_t k = 0; k < nb_metric; k++)
            put_number_cell(out, dcpg_report_summary(s, 0, REPORT_POOLED, first->metrics.v[order[k]]));
        put_number_cell(out, dcpg_report_summary(s, 0, REPORT_MEAN, "auc"));
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    dcpg_page_close_table(out);
}

/* ---- contexts ---- */

/* Pooled scores, or means over the outputs where no output is a cell. */
static void put_contexts(FILE *out, const report_eval *e, size_t number) {
    const report_scores *s = &e->scores;
    int which = dcpg_report_summary(s, 0, REPORT_POOLED, "n") ? REPORT_POOLED : REPORT_MEAN;
    char id[ID];
    size_t order[MOST_METRICS], nb = order_metrics(s, order);
    snprintf(id, sizeof id, "eval-%zu-contexts", number);
    dcpg_page_open_table(out, id, "numbers sortable",
                         which == REPORT_POOLED ? "Scores of the pooled calls by context"
                                                : "Scores by context, means over the outputs");
    fputs("<thead><tr><th scope=\"col\">context</th>", out);
    for (size_t k = 0; k < nb; k++) put_metric_heading(out, s->metrics.v[order[k]]);
    if (which == REPORT_POOLED)
        fputs("<th scope=\"col\"><abbr title=\"mean of the outputs' AUC\">mean AUC</abbr></th>", out);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t c = 0; c < s->contexts.n; c++) {
        fputs("<tr><th scope=\"row\">", out);
        dcpg_draw_text(out, s->contexts.v[c]);
        fputs("</th>", out);
        for (size_t k = 0; k < nb; k++)
            put_number_cell(out, dcpg_report_summary(s, c, which, s->metrics.v[order[k]]));
        if (which == REPORT_POOLED) put_number_cell(out, dcpg_report_summary(s, c, REPORT_MEAN, "auc"));
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    dcpg_page_close_table(out);
}

/* ---- cells ---- */

/* The share of sites at which the output was observed. */
static void put_share(FILE *out, const report_eval *e, size_t o) {
    const char *n = dcpg_report_score(&e->scores, o, "n");
    double calls;
    if (!n || !dcpg_parse_double(n, &calls) || e->nb_site == 0) {
        dcpg_page_cell(out, NULL);
        return;
    }
    double share = 100 * calls / (double)e->nb_site;
    fprintf(out, "<td><data value=\"%.9g\">%.1f %%</data></td>", share / 100, share);
}

static void put_outputs(FILE *out, const report_eval *e, size_t number) {
    const report_scores *s = &e->scores;
    char id[ID], caption[TEXT], count[REPORT_NUMBER];
    size_t order[MOST_METRICS], nb = order_metrics(s, order);
    snprintf(id, sizeof id, "eval-%zu-outputs", number);
    snprintf(caption, sizeof caption, "Scores of %s output%s over all sites",
             dcpg_page_grouped((int64_t)s->outputs.n, count), s->outputs.n == 1 ? "" : "s");
    dcpg_page_open_table(out, id, "numbers sortable filtered", caption);
    fputs("<thead><tr><th scope=\"col\">output</th><th scope=\"col\"><abbr title=\"share of the sites at "
          "which it "
          "was observed\">observed</abbr></th>",
          out);
    for (size_t k = 0; k < nb; k++) put_metric_heading(out, s->metrics.v[order[k]]);
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t o = 0; o < s->outputs.n; o++) {
        fputs("<tr><th scope=\"row\">", out);
        dcpg_draw_text(out, s->outputs.v[o]);
        fputs("</th>", out);
        put_share(out, e, o);
        for (size_t k = 0; k < nb; k++) put_number_cell(out, dcpg_report_score(s, o, s->metrics.v[order[k]]));
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    dcpg_page_close_table(out);
}

static void put_part_heading(FILE *out, size_t number, const char *part, const char *text) {
    char id[ID];
    snprintf(id, sizeof id, "eval-%zu-%s-h", number, part);
    dcpg_page_heading(out, 3, id, text);
}

/* How the predictions were made, as far as it matters to the scores. */
static void put_remarks(FILE *out, const report_scores *s) {
    if (s->hidden_parts > 0)
        fprintf(out,
                "<p>The scores are cross-validated (<code>--hide %" PRId64 "</code>): each observed call was "
                "predicted in the pass in which it was hidden.</p>\n",
                s->hidden_parts);
    if (s->untrained.n == 0) return;
    fputs("<p>Training saw no label of these outputs, so their predictions mean nothing: ", out);
    for (size_t i = 0; i < s->untrained.n; i++) {
        if (i) fputs(", ", out);
        dcpg_draw_text(out, s->untrained.v[i]);
    }
    fputs(".</p>\n", out);
}

dcpg_status dcpg_page_eval(FILE *out, const report_eval *e, size_t number, const dcpg_report_options *options,
                           const dcpg_par *par, dcpg_err *err) {
    char sites[REPORT_NUMBER], outputs[REPORT_NUMBER];
    bool one_site = e->nb_site == 1, one_output = e->scores.outputs.n == 1;
    fprintf(out,
            "<section id=\"eval-%zu\" aria-labelledby=\"eval-%zu-h\">\n<h2 id=\"eval-%zu-h\">Evaluation ",
            number, number, number);
    dcpg_draw_text(out, e->name);
    fprintf(out,
            "</h2>\n<p>%s site%s, %s output%s, each observed call against its prediction; exact over all of "
            "them.</p>\n",
            dcpg_page_grouped(e->nb_site, sites), one_site ? "" : "s",
            dcpg_page_grouped((int64_t)e->scores.outputs.n, outputs), one_output ? "" : "s");
    put_remarks(out, &e->scores);
    put_totals(out, e, number);
    DCPG_TRY(dcpg_page_figures(out, e, number, err));
    put_part_heading(out, number, "contexts", "By context");
    fputs("<p>Annotations are named by their files. <i>coverage</i>: cells observed at the site; "
          "<i>density</i>: "
          "other sites within 500 bp; <i>distance</i>: bases to the next observed site of the cell.</p>\n",
          out);
    put_contexts(out, e, number);
    put_part_heading(out, number, "outputs", "By cell");
    put_outputs(out, e, number);
    DCPG_TRY(dcpg_page_window(out, e, number, options, par, err));
    fputs("</section>\n", out);
    return DCPG_OK;
}

void dcpg_page_glossary(FILE *out) {
    fputs("<section id=\"glossary\" aria-labelledby=\"glossary-h\">\n", out);
    dcpg_page_heading(out, 2, "glossary-h", "What the scores mean");
    fputs("<dl class=\"glossary\">\n", out);
    for (int k = 0; k < NB_KNOWN; k++)
        fprintf(out, "<div><dt>%s</dt><dd>%s</dd></div>\n", known[k].name, known[k].about);
    fputs("</dl>\n</section>\n", out);
}
