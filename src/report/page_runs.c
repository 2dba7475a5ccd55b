/* SPDX-License-Identifier: MIT */
/* Section on runs: a table of facts, a column per run, and where the time of each went. */
#include "draw/figure.h"
#include "draw/markup.h"
#include "report/report_impl.h"

#include <dcpg/log.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <time.h>

enum { TEXT = 160, MOST_PARTS = 10, WIDTH = 560 };

/* Writes a fact of the run into text[TEXT]; leaves it empty where it is not known. */
typedef void fact_fn(const report_run *run, char *text);

static void model(const report_run *run, char *text) {
    static const char *const part[] = {"dna_model", "cpg_model", "joint_model"};
    size_t used = 0;
    int nb = 0;
    for (int i = 0; i < 3; i++) {
        const char *name = dcpg_report_option(run, part[i]);
        if (!name || !*name || (i == 2 && nb < 2)) continue;
        int n = snprintf(text + used, TEXT - used, "%s%s", nb++ ? " + " : "", name);
        if (n > 0 && used + (size_t)n < TEXT) used += (size_t)n;
    }
}

static void parameters(const report_run *run, char *text) {
    char number[REPORT_NUMBER];
    if (run->timing.there) snprintf(text, TEXT, "%s", dcpg_page_grouped(run->timing.parameters, number));
}

static void copy_option(const report_run *run, const char *name, char *text) {
    const char *value = dcpg_report_option(run, name);
    if (value) snprintf(text, TEXT, "%s", value);
}

static void trained_on(const report_run *run, char *text) { copy_option(run, "train_chromos", text); }
static void validated_on(const report_run *run, char *text) { copy_option(run, "val_chromos", text); }
static void learning_rate(const report_run *run, char *text) {
    double rate;
    const char *value = dcpg_report_option(run, "learning_rate");
    if (value && dcpg_parse_double(value, &rate)) snprintf(text, TEXT, "%.6g", rate);
}

static void epochs(const report_run *run, char *text) {
    const char *wanted = dcpg_report_option(run, "nb_epoch");
    snprintf(text, TEXT, wanted ? "%zu of at most %s" : "%zu", run->train.nb, wanted);
}

static void best(const report_run *run, char *text) {
    ptrdiff_t e = dcpg_report_best(run);
    const report_curve *curve = run->val.there ? &run->val : &run->train;
    if (e < 0) return;
    int n = snprintf(text, TEXT, "epoch %td: loss %s", e + 1, curve->v[e].loss);
    if (*curve->metric && *curve->v[e].score)
        snprintf(text + n, TEXT - (size_t)n, ", %s %s", curve->metric, curve->v[e].score);
}

static void where(const report_run *run, char *text) {
    const report_timing *t = &run->timing;
    if (!t->there) return;
    snprintf(text, TEXT, "%" PRId64 " rank%s on %" PRId64 " host%s, %" PRId64 " thread%s each", t->ranks,
             t->ranks == 1 ? "" : "s", t->hosts, t->hosts == 1 ? "" : "s", t->threads,
             t->threads == 1 ? "" : "s");
}

static void batch(const report_run *run, char *text) {
    char number[REPORT_NUMBER];
    if (run->timing.there)
        snprintf(text, TEXT, "%s over %" PRId64 " virtual ranks",
                 dcpg_page_grouped(run->timing.batch, number), run->timing.virtual_ranks);
}

static void steps(const report_run *run, char *text) {
    char number[REPORT_NUMBER];
    if (run->timing.there) snprintf(text, TEXT, "%s", dcpg_page_grouped(run->timing.steps, number));
}

static void speed(const report_run *run, char *text) {
    char number[REPORT_NUMBER];
    if (run->timing.rate > 0)
        snprintf(text, TEXT, "%s", dcpg_page_grouped(llround(run->timing.rate), number));
}

static void duration(const report_run *run, char *text) {
    char opening[32], all[32];
    if (run->timing.there)
        snprintf(text, TEXT, "%s, after %s to open the data", dcpg_duration(run->timing.epochs, all),
                 dcpg_duration(run->timing.opening, opening));
}

static void memory(const report_run *run, char *text) {
    if (run->timing.peak > 0) dcpg_size_text((size_t)run->timing.peak, text);
}

static void put_date(double seconds, char *text) {
    struct tm date;
    if (!(fabs(seconds) < 1e12)) return; /* what the file says may be no time */
    time_t at = (time_t)seconds;
    if (gmtime_r(&at, &date)) strftime(text, TEXT, "%Y-%m-%d %H:%M:%S UTC", &date);
}

static void began(const report_run *run, char *text) { put_date(run->began, text); }
static void ended(const report_run *run, char *text) { put_date(run->ended, text); }

static void version(const report_run *run, char *text) {
    if (run->timing.version) snprintf(text, TEXT, "dcpg %s", run->timing.version);
}

static const struct {
    const char *name;
    fact_fn *put;
} facts[] = {{"model", model},
             {"parameters", parameters},
             {"trained on chromosomes", trained_on},
             {"validated on chromosomes", validated_on},
             {"learning rate", learning_rate},
             {"epochs", epochs},
             {"best epoch", best},
             {"ranks, hosts, threads", where},
             {"batch", batch},
             {"steps since the last start", steps},
             {"sites per second while training", speed},
             {"time since the last start", duration},
             {"memory of the largest rank", memory},
             {"first entry of metrics.jsonl", began},
             {"last entry of metrics.jsonl", ended},
             {"program", version}};

static void put_facts(FILE *out, const report_run *runs, size_t nb) {
    dcpg_page_open_table(out, "runs-caption", "facts", "Facts of the runs");
    fputs("<thead><tr><th scope=\"col\">fact</th>", out);
    for (size_t i = 0; i < nb; i++) {
        fputs("<th scope=\"col\">", out);
        dcpg_draw_text(out, runs[i].name);
        fputs("</th>", out);
    }
    fputs("</tr></thead>\n<tbody>\n", out);
    for (size_t f = 0; f < sizeof facts / sizeof *facts; f++) {
        fprintf(out, "<tr><th scope=\"row\">%s</th>", facts[f].name);
        for (size_t i = 0; i < nb; i++) {
            char text[TEXT] = "";
            facts[f].put(&runs[i], text);
            dcpg_page_cell(out, text);
        }
        fputs("</tr>\n", out);
    }
    fputs("</tbody>\n", out);
    dcpg_page_close_table(out);
}

/* ---- where the time went ---- */

/* The longest parts, then the others as one. */
static size_t choose_parts(const report_timing *t, draw_row *row, char text[][REPORT_NUMBER]) {
    size_t nb = t->nb <= MOST_PARTS ? t->nb : MOST_PARTS;
    double left = 0;
    for (size_t i = nb - 1; i < t->nb; i++) left += t->part[i].seconds;
    for (size_t i = 0; i < nb; i++) {
        bool rest = i == nb - 1 && t->nb > MOST_PARTS;
        double seconds = rest ? left : t->part[i].seconds;
        row[i] = (draw_row){
            .label = rest ? "all shorter ones" : t->part[i].what, .text = text[i], .value = seconds};
        snprintf(text[i], REPORT_NUMBER, "%.2f s, %.1f %%", seconds,
                 t->epochs > 0 ? 100 * seconds / t->epochs : 0);
    }
    return nb;
}

static void put_times(FILE *out, const report_run *run, size_t number) {
    const report_timing *t = &run->timing;
    char id[32], title[TEXT], about[2 * TEXT], text[MOST_PARTS][REPORT_NUMBER];
    draw_row row[MOST_PARTS];
    size_t nb = choose_parts(t, row, text);
    snprintf(id, sizeof id, "time-%zu", number);
    snprintf(title, sizeof title, "Where the time of %.*s went", dcpg_page_fitting(run->name, 60), run->name);
    snprintf(about, sizeof about, "Seconds of a rank, mean of all ranks; longest: %.*s, %s.",
             dcpg_page_fitting(row[0].label, 100), row[0].label, text[0]);
    const draw_picture picture = {id, title, about, WIDTH, dcpg_draw_rows_height(nb), false};
    fputs("<figure class=\"card\">\n", out);
    dcpg_draw_begin(out, &picture);
    dcpg_draw_rows(out, &(draw_rows){.title = title,
                                     .box = {0, 0, picture.width, 0},
                                     .x = {.label = "seconds of a rank, mean of all ranks"},
                                     .nb = nb,
                                     .row = row});
    dcpg_draw_end(out);
    fputs("<figcaption>Since the last start, from the first step to the last file, validation included. "
          "Operations count forward and backward.</figcaption>\n</figure>\n",
          out);
}

static void put_options(FILE *out, const report_run *run) {
    if (run->timing.options.n == 0) return;
    fputs("<details><summary>Options of ", out);
    dcpg_draw_text(out, run->name);
    fputs("</summary>\n<pre tabindex=\"0\">", out);
    for (size_t i = 0; i < run->timing.options.n; i++) {
        dcpg_draw_text(out, run->timing.options.v[i]);
        fputc('\n', out);
    }
    fputs("</pre></details>\n", out);
}

void dcpg_page_runs(FILE *out, const report_run *runs, size_t nb) {
    bool timed = false;
    fputs("<section id=\"runs\" aria-labelledby=\"runs-h\">\n", out);
    dcpg_page_heading(out, 2, "runs-h", nb == 1 ? "The run" : "Runs");
    put_facts(out, runs, nb);
    for (size_t i = 0; i < nb; i++) put_options(out, &runs[i]);
    for (size_t i = 0; i < nb; i++) timed = timed || runs[i].timing.nb > 0;
    if (timed) {
        dcpg_page_heading(out, 3, "time-h", "Where the time went");
        fputs("<div class=\"figures\">\n", out);
        for (size_t i = 0; i < nb; i++)
            if (runs[i].timing.nb > 0) put_times(out, &runs[i], i + 1);
        fputs("</div>\n", out);
    }
    fputs("</section>\n", out);
}
