/* SPDX-License-Identifier: MIT */
/* The report as a whole: what its inputs are, the tables of the evaluations, and the page around the
 * sections. */
#include "analysis/export_impl.h"
#include "draw/figure.h"
#include "draw/markup.h"
#include "report/report_impl.h"

#include <dcpg/file.h>
#include <dcpg/memory.h>
#include <dcpg/temporary.h>
#include <dcpg/version.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

typedef struct whole {
    const dcpg_report_options *options;
    const dcpg_par *par;
    dcpg_log *log;
    char *folder; /* temporary, for tables */
    char *is_dir; /* [inputs] as rank 0 sees them */
    size_t nb_run, nb_eval;
    report_run *run;   /* [inputs], of which nb_run; rank 0 */
    report_eval *eval; /* [inputs], of which nb_eval */
} whole;

/* ---- inputs ---- */

/* A path without slashes at its end; NULL: out of memory. */
static char *bare(const char *path) {
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    return dcpg_strndup(path, n);
}

/* The last part of a path, or all of it where another input has the same last part. */
static char *name_of(const dcpg_strings *inputs, size_t i) {
    char *path = bare(inputs->v[i]);
    bool again = false;
    for (size_t k = 0; k < inputs->n && path; k++) {
        char *other = k == i ? NULL : bare(inputs->v[k]);
        again = again || (other && strcmp(dcpg_basename(path), dcpg_basename(other)) == 0);
        dcpg_free(other);
    }
    char *name = path ? dcpg_strdup(again ? path : dcpg_basename(path)) : NULL;
    dcpg_free(path);
    return name;
}

/* Options that are of no use without an evaluation. */
static dcpg_status refuse_useless(const dcpg_report_options *o, dcpg_err *err) {
    const char *option = o->region                     ? "--region"
                         : o->outputs && o->outputs->n ? "--output_names"
                         : o->annos && o->annos->n     ? "--anno_files"
                                                       : NULL;
    if (!option) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_USAGE, "%s is of evaluations: give a file of dcpg eval --out_data too",
                     option);
}

/* Looks, before all scores are computed, whether any evaluation has sites in the region. */
static dcpg_status look_for_region(const whole *w, dcpg_err *err) {
    const dcpg_strings *inputs = w->options->inputs;
    bool has = !w->options->region || w->options->window_sites == 0;
    for (size_t i = 0; i < inputs->n && !has; i++)
        if (!w->is_dir[i]) DCPG_TRY(dcpg_page_has_region(inputs->v[i], w->options, w->par, &has, err));
    if (has) return DCPG_OK;
    return dcpg_fail(err, DCPG_E_INPUT,
                     "--region %s: there are no sites in it: give CHROMO or CHROMO:START-END, as "
                     "7:1000000-2000000",
                     w->options->region);
}

/* Rank 0: reads the runs, and looks at what the other inputs are. */
static dcpg_status look(whole *w, dcpg_err *err) {
    const dcpg_strings *inputs = w->options->inputs;
    for (size_t i = 0; i < inputs->n; i++) {
        w->is_dir[i] = dcpg_is_dir(inputs->v[i]);
        if (!dcpg_file_exists(inputs->v[i]))
            return dcpg_fail(err, DCPG_E_INPUT, "%s: there is no such file or folder", inputs->v[i]);
        if (!w->is_dir[i]) continue;
        report_run *run = &w->run[w->nb_run++];
        DCPG_TRY(dcpg_report_run_read(inputs->v[i], run, w->log, err));
        run->name = name_of(inputs, i);
        if (!run->name) return dcpg_fail_nomem(err, "a name", strlen(inputs->v[i]));
    }
    if (w->nb_run == inputs->n) DCPG_TRY(refuse_useless(w->options, err));
    DCPG_TRY(look_for_region(w, err));
    return dcpg_temporary_folder(w->options->out, &w->folder, err);
}

/* Gives all ranks rank 0's folder. Collective. */
static dcpg_status share_folder_all(whole *w, dcpg_err *err) {
    int64_t bytes = dcpg_max_i64_all(w->par, w->folder ? (int64_t)strlen(w->folder) + 1 : 0);
    dcpg_status status = DCPG_OK;
    if (w->par->rank != 0 && !(w->folder = dcpg_alloc((size_t)bytes, 1)))
        status = dcpg_fail_nomem(err, "a file name", (size_t)bytes);
    DCPG_TRY(dcpg_agree_all(w->par, status, err));
    dcpg_bcast_all(w->par, w->folder, (size_t)bytes, 0);
    dcpg_bcast_all(w->par, w->is_dir, w->options->inputs->n, 0);
    return DCPG_OK;
}

/* Collective. */
static dcpg_status open_all(whole *w, dcpg_err *err) {
    size_t nb = w->options->inputs->n;
    w->is_dir = dcpg_alloc(nb, 1);
    w->run = dcpg_alloc(nb, sizeof *w->run);
    w->eval = dcpg_alloc(nb, sizeof *w->eval);
    dcpg_status status =
        w->is_dir && w->run && w->eval ? DCPG_OK : dcpg_fail_nomem(err, "inputs", nb * sizeof *w->run);
    if (status == DCPG_OK && w->par->rank == 0) status = look(w, err);
    DCPG_TRY(dcpg_agree_all(w->par, status, err));
    return share_folder_all(w, err);
}

/* ---- tables ---- */

/* Rank 0: reads what dcpg perf wrote, and the size of the evaluation. */
static dcpg_status read_tables(report_eval *e, dcpg_err *err) {
    char *path = dcpg_format("%s/metrics.tsv", e->tables);
    dcpg_status status = path ? dcpg_report_scores_read(path, &e->scores, err)
                              : dcpg_fail_nomem(err, "a file name", strlen(e->tables));
    dcpg_free(path);
    const dcpg_export_options wanted = {.data = e->path};
    export_data data = {0};
    if (status == DCPG_OK) status = dcpg_export_data_open(&wanted, &data, err);
    e->nb_site = data.total;
    dcpg_export_data_close(&data);
    return status;
}

/* Names the page, since the user does not know the temporary folder. */
static dcpg_status fail_tables(const char *out, dcpg_err *err) {
    const dcpg_err reason = *err;
    *err = (dcpg_err){0}; /* the first text stays otherwise */
    return dcpg_fail(err, DCPG_E_IO, "%s: the tables that it is made from cannot be written beside it: %s",
                     out, reason.text);
}

/* Collective. */
static dcpg_status score_all(whole *w, report_eval *e, dcpg_err *err) {
    const dcpg_report_options *o = w->options;
    const dcpg_perf_options perf = {.data = e->path,
                                    .out_dir = e->tables,
                                    .outputs = o->outputs,
                                    .annos = o->annos,
                                    .roc = true,
                                    .pr = true,
                                    .curve_points = o->curve_points,
                                    .anno_min_sites = o->anno_min_sites,
                                    .coverage = true,
                                    .density = true,
                                    .distance = true};
    dcpg_info(w->log, "scoring %s", e->path);
    dcpg_status status = dcpg_perf_all(&perf, w->par, w->log, err);
    if (status == DCPG_E_IO) return fail_tables(o->out, err);
    DCPG_TRY(status);
    return dcpg_agree_all(w->par, w->par->rank == 0 ? read_tables(e, err) : DCPG_OK, err);
}

/* Collective. */
static dcpg_status score_each_all(whole *w, dcpg_err *err) {
    const dcpg_strings *inputs = w->options->inputs;
    for (size_t i = 0; i < inputs->n; i++) {
        if (w->is_dir[i]) continue;
        report_eval *e = &w->eval[w->nb_eval++];
        *e = (report_eval){
            .path = inputs->v[i], .name = name_of(inputs, i), .tables = dcpg_format("%s/%zu", w->folder, i)};
        dcpg_status status =
            e->name && e->tables ? DCPG_OK : dcpg_fail_nomem(err, "a name", strlen(inputs->v[i]));
        DCPG_TRY(dcpg_agree_all(w->par, status, err));
        DCPG_TRY(score_all(w, e, err));
    }
    return DCPG_OK;
}

/* ---- the frame of the page ---- */

/* The digest of the script as a content security policy names it; only that script runs, and nothing is
 * fetched. */
static void put_policy(FILE *out) {
    uint8_t digest[32];
    for (int i = 0; i < 32; i++) {
        unsigned byte = 0;
        sscanf(dcpg_report_js_sha256 + 2 * i, "%2x", &byte);
        digest[i] = (uint8_t)byte;
    }
    fputs(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; style-src "
        "'unsafe-inline'; script-src 'sha256-",
        out);
    dcpg_report_base64(out, digest, sizeof digest);
    fputs("'\">\n", out);
}

static const char *title_of(const whole *w) {
    return w->options->title && *w->options->title ? w->options->title : "dcpg report";
}

static void put_head(FILE *out, const whole *w) {
    fputs(DCPG_REPORT_HEAD "<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n", out);
    put_policy(out);
    fputs("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta "
          "name=\"color-scheme\" "
          "content=\"light dark\">\n<meta name=\"generator\" content=\"dcpg " DCPG_VERSION "\">\n<title>",
          out);
    dcpg_draw_text(out, title_of(w));
    fprintf(out, "</title>\n<style>\n%s%s</style>\n</head>\n", dcpg_draw_style, dcpg_report_css);
}

static void put_link(FILE *out, const char *id, const char *before, const char *name) {
    fprintf(out, "<li><a href=\"#%s\">%s", id, before);
    dcpg_draw_text(out, name);
    fputs("</a></li>", out);
}

static void put_navigation(FILE *out, const whole *w) {
    char id[32];
    fputs("<nav aria-label=\"Sections\"><ul>", out);
    put_link(out, "overview", "", "At a glance");
    if (w->nb_run) put_link(out, "runs", "", w->nb_run == 1 ? "The run" : "Runs");
    if (w->nb_run) put_link(out, "learning", "", "Learning curves");
    for (size_t i = 0; i < w->nb_eval; i++) {
        snprintf(id, sizeof id, "eval-%zu", i + 1);
        put_link(out, id, "Evaluation ", w->eval[i].name);
    }
    if (w->nb_eval) put_link(out, "glossary", "", "Scores");
    fputs("</ul></nav>\n", out);
}

/* ---- at a glance ---- */

static void open_card(FILE *out, const char *what, const char *name) {
    fprintf(out, "<div class=\"card\"><h3>%s ", what);
    dcpg_draw_text(out, name);
    fputs("</h3>\n<dl>", out);
}

/* A number of a card; NULL or "": left out. */
static void put_fact(FILE *out, const char *what, const char *number) {
    if (!number || !*number) return;
    fprintf(out, "<div><dt>%s</dt><dd>", what);
    dcpg_page_number(out, number);
    fputs("</dd></div>", out);
}

static void put_run_card(FILE *out, const report_run *run) {
    char rate[REPORT_NUMBER] = "", epochs[REPORT_NUMBER];
    ptrdiff_t best = dcpg_report_best(run);
    const report_curve *curve = run->val.there ? &run->val : &run->train;
    snprintf(epochs, sizeof epochs, "%zu", run->train.nb);
    if (run->timing.rate > 0) snprintf(rate, sizeof rate, "%.0f", run->timing.rate);
    open_card(out, "Run", run->name);
    put_fact(out, run->val.there ? "lowest validation loss" : "lowest loss",
             best < 0 ? NULL : curve->v[best].loss);
    put_fact(out, "epochs", epochs);
    put_fact(out, "sites per second", rate);
    fputs("</dl></div>\n", out);
}

static void put_eval_card(FILE *out, const report_eval *e) {
    char sites[REPORT_NUMBER], outputs[REPORT_NUMBER];
    snprintf(sites, sizeof sites, "%" PRId64, e->nb_site);
    snprintf(outputs, sizeof outputs, "%zu", e->scores.outputs.n);
    open_card(out, "Evaluation", e->name);
    put_fact(out, "AUC, pooled", dcpg_report_summary(&e->scores, 0, REPORT_POOLED, "auc"));
    put_fact(out, "AUC, mean", dcpg_report_summary(&e->scores, 0, REPORT_MEAN, "auc"));
    put_fact(out, "sites", sites);
    put_fact(out, "outputs", outputs);
    put_fact(out, "observed calls", dcpg_report_summary(&e->scores, 0, REPORT_POOLED, "n"));
    fputs("</dl></div>\n", out);
}

static void put_overview(FILE *out, const whole *w) {
    fputs("<section id=\"overview\" aria-labelledby=\"overview-h\">\n", out);
    dcpg_page_heading(out, 2, "overview-h", "At a glance");
    fputs("<div class=\"cards\">\n", out);
    for (size_t i = 0; i < w->nb_eval; i++) put_eval_card(out, &w->eval[i]);
    for (size_t i = 0; i < w->nb_run; i++) put_run_card(out, &w->run[i]);
    fputs("</div>\n", out);
    if (w->nb_eval > 1) dcpg_page_comparison(out, w->eval, w->nb_eval);
    fputs("</section>\n", out);
}

/* ---- the page ---- */

static dcpg_status put_page(FILE *out, const whole *w, dcpg_err *err) {
    put_head(out, w);
    fputs("<body>\n<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header><h1>", out);
    dcpg_draw_text(out, title_of(w));
    fputs("</h1></header>\n", out);
    put_navigation(out, w);
    fputs("<main id=\"main\" tabindex=\"-1\">\n", out);
    put_overview(out, w);
    if (w->nb_run) dcpg_page_runs(out, w->run, w->nb_run);
    if (w->nb_run) dcpg_page_learning(out, w->run, w->nb_run);
    for (size_t i = 0; i < w->nb_eval; i++)
        DCPG_TRY(dcpg_page_eval(out, &w->eval[i], i + 1, w->options, w->par, err));
    if (w->nb_eval) dcpg_page_glossary(out);
    fprintf(out,
            "</main>\n<footer><p>Written by dcpg " DCPG_VERSION ". Numbers are rounded to be read; each "
            "carries the digits of the %s that it comes from.</p></footer>\n"
            "<script>%s</script>\n</body>\n</html>\n",
            w->nb_eval ? "table of <code>dcpg perf</code>" : "file", dcpg_report_js);
    return DCPG_OK;
}

/* Writes the page under a temporary name. Rank 0. */
static dcpg_status write_page(const whole *w, dcpg_err *err) {
    char *temporary = NULL;
    int fd = -1;
    const char *path = w->options->out;
    DCPG_TRY(dcpg_temporary_create(path, &temporary, &fd, err));
    FILE *out = fdopen(fd, "w");
    dcpg_status status = out ? put_page(out, w, err) : dcpg_fail_nomem(err, path, 4096);
    bool fine = out && fflush(out) == 0 && !ferror(out);
    int reason = errno;
    if (out)
        fclose(out);
    else
        close(fd);
    if (status == DCPG_OK && !fine)
        status = dcpg_fail(err, DCPG_E_IO, "%s: cannot be written: %s", path, strerror(reason));
    if (status == DCPG_OK) return dcpg_temporary_keep(temporary, path, err);
    dcpg_temporary_remove(temporary);
    return status;
}

static void close_whole(whole *w) {
    if (w->par->rank == 0)
        dcpg_temporary_remove(w->folder);
    else
        dcpg_free(w->folder);
    for (size_t i = 0; i < w->nb_run; i++) dcpg_report_run_free(&w->run[i]);
    for (size_t i = 0; i < w->nb_eval; i++) {
        dcpg_report_scores_free(&w->eval[i].scores);
        dcpg_free(w->eval[i].name);
        dcpg_free(w->eval[i].tables);
    }
    dcpg_free(w->is_dir);
    dcpg_free(w->run);
    dcpg_free(w->eval);
}

static dcpg_status report_all(whole *w, dcpg_err *err) {
    if (w->options->region) DCPG_TRY(dcpg_page_check_region(w->options->region, err));
    DCPG_TRY(open_all(w, err));
    DCPG_TRY(score_each_all(w, err));
    DCPG_TRY(dcpg_agree_all(w->par, w->par->rank == 0 ? write_page(w, err) : DCPG_OK, err));
    dcpg_info(w->log, "%s: %zu run%s and %zu evaluation%s: open it with any browser", w->options->out,
              w->nb_run, w->nb_run == 1 ? "" : "s", w->nb_eval, w->nb_eval == 1 ? "" : "s");
    return DCPG_OK;
}

dcpg_status dcpg_report_all(const dcpg_report_options *options, const dcpg_par *par, dcpg_log *log,
                            dcpg_err *err) {
    whole w = {.options = options, .par = par, .log = log};
    dcpg_status status = report_all(&w, err);
    close_whole(&w);
    return status;
}
