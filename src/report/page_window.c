/* SPDX-License-Identifier: MIT */
/* A stretch of a chromosome, cells x sites: observed states above, predictions below, a pixel each, so that
 * the browser itself scrolls and scales them. page.js adds zooming, and reads the pixels' colours back into
 * values.
 */
#include "analysis/export_impl.h"
#include "base/number.h"
#include "draw/markup.h"
#include "report/report_impl.h"

#include <dcpg/chromo.h>
#include <dcpg/memory.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

/* Colours: nothing observed, then steps from unmethylated to methylated. Bounds of the picture. */
enum {
    NB_LEVEL = 101,
    NB_COLOUR = NB_LEVEL + 1,
    MOST_CELLS = 2000,
    MOST_PIXELS = 2 << 20,
    TICK_SITES = 50,
    MOST_NAMED = 60
};

typedef struct window {
    const report_eval *eval;
    export_data data;
    export_chromos chromos;
    dcpg_strings cells; /* outputs that are shown */
    bool more_cells;    /* than these */
    int64_t chromo, first, n;
    char chromo_name[DCPG_CHROMO_MAX + 1]; /* as the region names it */
    int64_t low, high;                     /* positions of the region */
    int32_t *pos;                          /* [n] */
    uint8_t *observed, *predicted;         /* [cells][n] */
    int64_t calls, right;                  /* observed, and of these predicted right */
} window;

/* ---- the region ---- */

/* Parses "CHROMO:LOW-HIGH" or "CHROMO"; a chromosome's name may hold a colon. */
static dcpg_status parse_region(const char *region, window *w, dcpg_err *err) {
    char numbers[64];
    const char *colon = strrchr(region, ':'), *dash = colon ? strchr(colon, '-') : NULL;
    size_t n = dash ? (size_t)(colon - region) : strlen(region);
    bool fine = !dash || strlen(colon) < sizeof numbers;
    w->low = 1;
    w->high = INT32_MAX;
    if (dash && fine) {
        memcpy(numbers, colon + 1, strlen(colon));
        numbers[dash - colon - 1] = '\0';
        fine = dcpg_parse_int(numbers, &w->low) && dcpg_parse_int(numbers + (dash - colon), &w->high);
    }
    if (!fine || n == 0 || n > DCPG_CHROMO_MAX || w->low < 1 || w->high < w->low)
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--region %s: give CHROMO or CHROMO:START-END, as 7:1000000-2000000", region);
    w->high = min_i64(w->high, INT32_MAX);
    memcpy(w->chromo_name, region, n);
    return DCPG_OK;
}

dcpg_status dcpg_page_check_region(const char *region, dcpg_err *err) {
    window w = {0};
    return parse_region(region, &w, err);
}

/* The number of the chromosome that the region names; -1: the file has no site on it. */
static dcpg_status find_chromo(window *w, dcpg_err *err) {
    dcpg_chromos known = {0};
    dcpg_status status = DCPG_OK;
    for (size_t k = 0; k < w->chromos.number.n && status == DCPG_OK; k++)
        status = dcpg_chromos_add(&known, dcpg_export_chromo_name(&w->chromos, k), (int64_t)k, err);
    w->chromo = status == DCPG_OK ? dcpg_chromos_find(&known, w->chromo_name) : -1;
    if (status == DCPG_OK && w->chromo == DCPG_CHROMO_UNCLEAR)
        status = dcpg_chromos_fail_unclear(&known, "--region", w->chromo_name, w->data.path, err);
    dcpg_chromos_free(&known);
    return status;
}

/* The first row of the chromosome at position `pos` or after it. */
static dcpg_status find_row(const window *w, int64_t pos, int64_t *row, dcpg_err *err) {
    const export_chromo *c = &w->chromos.v[w->chromo];
    char *name = dcpg_alloc(1, w->data.width + 1);
    int64_t low = c->first, high = c->end;
    dcpg_status status = name ? DCPG_OK : dcpg_fail_nomem(err, "a name", w->data.width);
    while (low < high && status == DCPG_OK) {
        int64_t middle = low + (high - low) / 2;
        int32_t at;
        status = dcpg_export_read_places(&w->data, middle, 1, name, &at, err);
        if (status == DCPG_OK && at < pos)
            low = middle + 1;
        else
            high = middle;
    }
    *row = low;
    dcpg_free(name);
    return status;
}

/* The rows of the region; none: `*end` is `*first`. */
static dcpg_status find_rows(const window *w, int64_t *first, int64_t *end, dcpg_err *err) {
    *first = *end = 0;
    if (w->chromo < 0) return DCPG_OK;
    DCPG_TRY(find_row(w, w->low, first, err));
    return find_row(w, w->high + 1, end, err);
}

/* Chooses rows: at most as many as are wanted and as fit into the picture. */
static dcpg_status choose_rows(window *w, const dcpg_report_options *options, dcpg_err *err) {
    int64_t end, most = min_i64(options->window_sites, MOST_PIXELS / max_i64((int64_t)w->cells.n, 1));
    if (options->region) {
        DCPG_TRY(find_rows(w, &w->first, &end, err));
        w->n = min_i64(max_i64(end - w->first, 0), most);
        return DCPG_OK;
    }
    w->chromo = (int64_t)w->chromos.order[0];
    const export_chromo *c = &w->chromos.v[w->chromo];
    w->n = min_i64(c->end - c->first, most);
    w->first = c->first + (c->end - c->first - w->n) / 2;
    return DCPG_OK;
}

/* ---- reading ---- */

static dcpg_status open_window(window *w, const dcpg_report_options *options, const dcpg_par *par,
                               dcpg_err *err) {
    const dcpg_export_options wanted = {.data = w->eval->path, .outputs = options->outputs};
    dcpg_status status = options->region ? parse_region(options->region, w, err) : DCPG_OK;
    if (status == DCPG_OK) status = dcpg_export_data_open(&wanted, &w->data, err);
    if (status == DCPG_OK)
        status = dcpg_export_chromos_open(&w->data, &wanted, "genome", par, &w->chromos, err);
    if (status == DCPG_OK && options->region) status = find_chromo(w, err);
    for (size_t o = 0; o < w->data.outputs.n && status == DCPG_OK && !w->more_cells; o++) {
        if (!dcpg_export_is_cell(w->data.outputs.v[o])) continue;
        w->more_cells = w->cells.n == MOST_CELLS;
        if (!w->more_cells) status = dcpg_strings_add(&w->cells, w->data.outputs.v[o], err);
    }
    return status;
}

static dcpg_status read_places(window *w, dcpg_err *err) {
    char *names = dcpg_alloc((size_t)w->n, w->data.width);
    w->pos = dcpg_alloc((size_t)w->n, sizeof *w->pos);
    dcpg_status status = names && w->pos
                             ? dcpg_export_read_places(&w->data, w->first, w->n, names, w->pos, err)
                             : dcpg_fail_nomem(err, "sites", (size_t)w->n * w->data.width);
    dcpg_free(names);
    return status;
}

static uint8_t level_of(float value) {
    if (!(value >= 0)) return 0;
    return (uint8_t)(1 + min_i64(lrintf(value * (NB_LEVEL - 1)), NB_LEVEL - 1));
}

static dcpg_status read_cells(window *w, const dcpg_par *par, dcpg_err *err) {
    size_t n = (size_t)w->n, pixels = n * w->cells.n;
    float *label = dcpg_alloc(2 * n, sizeof *label);
    w->observed = dcpg_alloc(2 * pixels, 1);
    dcpg_status status = label && w->observed ? DCPG_OK : dcpg_fail_nomem(err, "a window", 2 * pixels);
    w->predicted = w->observed ? w->observed + pixels : NULL;
    for (size_t c = 0; c < w->cells.n && status == DCPG_OK; c++) {
        export_numbers numbers = {.first = w->first, .n = w->n, .label = label, .prediction = label + n};
        dcpg_par_busy(par);
        status = dcpg_export_read_numbers(&w->data, w->cells.v[c], &numbers, err);
        if (status == DCPG_OK && numbers.classes != 1)
            status = dcpg_fail(err, DCPG_E_INPUT, "%s: %s has several classes", w->data.path, w->cells.v[c]);
        for (size_t i = 0; i < n && status == DCPG_OK; i++) {
            float call = label[i], prediction = label[n + i];
            w->observed[c * n + i] = level_of(call);
            w->predicted[c * n + i] = level_of(prediction);
            if (!(call >= 0 && prediction >= 0)) continue;
            w->calls++;
            w->right += (call > 0.5f) == (prediction > 0.5f);
        }
    }
    dcpg_free(label);
    return status;
}

/* ---- writing ---- */

/* Five stops of a scale that colour-blind readers can tell apart: blue, white, red. */
static void make_colours(uint8_t colour[NB_COLOUR][3]) {
    static const double stop[5][3] = {
        {33, 102, 172}, {146, 197, 222}, {247, 247, 247}, {244, 165, 130}, {178, 24, 43}};
    memset(colour[0], 0, 3);
    for (int i = 0; i < NB_LEVEL; i++) {
        double at = 4.0 * i / (NB_LEVEL - 1);
        int low = at < 4 ? (int)at : 3;
        for (int k = 0; k < 3; k++)
            colour[1 + i][k] = (uint8_t)lrint(stop[low][k] + (at - low) * (stop[low + 1][k] - stop[low][k]));
    }
}

/* Positions at even steps, placed by the style sheet. */
static void put_scale(FILE *out, const window *w) {
    char text[REPORT_NUMBER];
    fputs("<div class=\"scale\" aria-hidden=\"true\">", out);
    for (int64_t i = 0; i < w->n; i += TICK_SITES)
        fprintf(out, "<span style=\"--i:%" PRId64 "\">%s</span>", i, dcpg_page_grouped(w->pos[i], text));
    fputs("</div>\n", out);
}

/* "cpg/CELL" without "cpg/". */
static const char *cell_name(const char *output) { return strchr(output, '/') + 1; }

static void put_names(FILE *out, const window *w) {
    fputs("<ol class=\"names\" aria-hidden=\"true\">", out);
    for (size_t c = 0; c < w->cells.n; c++) {
        fputs("<li>", out);
        dcpg_draw_text(out, cell_name(w->cells.v[c]));
        fputs("</li>", out);
    }
    fputs("</ol>\n", out);
}

/* A band of pixels that scrolls, with positions above it and names of cells beside it. */
static dcpg_status put_band(FILE *out, const window *w, const uint8_t *pixel, const char *what,
                            dcpg_err *err) {
    uint8_t colour[NB_COLOUR][3];
    make_colours(colour);
    const report_pixels pixels = {w->n, (int64_t)w->cells.n, pixel, NB_COLOUR, (const uint8_t(*)[3])colour};
    fprintf(out,
            "<h4>%s</h4>\n<div class=\"band\" role=\"region\" aria-label=\"%s states\" tabindex=\"0\">\n",
            what, what);
    put_scale(out, w);
    put_names(out, w);
    fprintf(out,
            "<img class=\"heat\" alt=\"%s states: a row per cell, a column per site\" width=\"%" PRId64
            "\" height=\"%zu\" src=\"",
            what, w->n, w->cells.n);
    DCPG_TRY(dcpg_report_png(out, &pixels, err));
    fputs("\">\n</div>\n", out);
    return DCPG_OK;
}

/* For the script: the first position and the steps to the others. */
static void put_positions(FILE *out, const window *w) {
    fputs("<script type=\"application/json\" class=\"positions\">[", out);
    for (int64_t i = 0; i < w->n; i++)
        fprintf(out, "%s%d", i ? "," : "", i ? w->pos[i] - w->pos[i - 1] : w->pos[0]);
    fputs("]</script>\n", out);
}

/* How much of the window was observed, and how it agrees. */
static void put_summary(FILE *out, const window *w) {
    int64_t pixels = w->n * (int64_t)w->cells.n;
    char sites[REPORT_NUMBER], cells[REPORT_NUMBER], low[REPORT_NUMBER], high[REPORT_NUMBER];
    fputs("<p>Chromosome ", out);
    dcpg_draw_text(out, w->chromos.shown.v[w->chromo]);
    fprintf(
        out,
        ", bases %s to %s: %s site%s, %s%s cell%s; %.1f %% of the states were observed, of which predictions "
        "rounded to states match %.1f %%. A column is a site, a row a cell; columns are evenly spaced. "
        "<code>--region</code> shows others.</p>\n",
        dcpg_page_grouped(w->pos[0], low), dcpg_page_grouped(w->pos[w->n - 1], high),
        dcpg_page_grouped(w->n, sites), w->n == 1 ? "" : "s", w->more_cells ? "the first " : "",
        dcpg_page_grouped((int64_t)w->cells.n, cells), w->cells.n == 1 ? "" : "s",
        100.0 * (double)w->calls / (double)pixels,
        w->calls ? 100.0 * (double)w->right / (double)w->calls : 0);
}

static int row_height(size_t cells) { return cells <= MOST_NAMED ? 13 : cells <= 200 ? 4 : 2; }

static dcpg_status put_window(FILE *out, const window *w, dcpg_err *err) {
    put_summary(out, w);
    fprintf(out, "<div class=\"heatmap%s\" style=\"--n:%" PRId64 ";--cells:%zu;--h:%dpx\" data-chromo=\"",
            w->cells.n <= MOST_NAMED ? " named" : "", w->n, w->cells.n, row_height(w->cells.n));
    dcpg_draw_text(out, w->chromos.shown.v[w->chromo]);
    fputs("\">\n<div class=\"legend\"><span>unmethylated</span><i class=\"ramp\"></i><span>methylated</span>"
          "<i class=\"blank\"></i><span>not observed</span></div>\n",
          out);
    DCPG_TRY(put_band(out, w, w->observed, "Observed", err));
    DCPG_TRY(put_band(out, w, w->predicted, "Predicted", err));
    put_positions(out, w);
    fputs("</div>\n", out);
    return DCPG_OK;
}

static dcpg_status show(FILE *out, window *w, size_t number, const dcpg_report_options *options,
                        const dcpg_par *par, dcpg_err *err) {
    DCPG_TRY(open_window(w, options, par, err));
    if (w->cells.n == 0 || w->data.total == 0) return DCPG_OK;
    fprintf(out, "<h3 id=\"eval-%zu-window-h\">Along a chromosome</h3>\n", number);
    if (w->chromos.disorder >= 0) {
        fputs("<p>The sites of the file are not in order: there is nothing to be shown side by side.</p>\n",
              out);
        return DCPG_OK;
    }
    DCPG_TRY(choose_rows(w, options, err));
    if (w->n == 0) {
        fputs("<p>There are no sites in ", out);
        dcpg_draw_text(out, options->region);
        fputs(".</p>\n", out);
        return DCPG_OK;
    }
    DCPG_TRY(read_places(w, err));
    DCPG_TRY(read_cells(w, par, err));
    return put_window(out, w, err);
}

static void close_window(window *w) {
    dcpg_export_chromos_close(&w->chromos);
    dcpg_export_data_close(&w->data);
    dcpg_strings_free(&w->cells);
    dcpg_free(w->pos);
    dcpg_free(w->observed);
}

dcpg_status dcpg_page_window(FILE *out, const report_eval *eval, size_t number,
                             const dcpg_report_options *options, const dcpg_par *par, dcpg_err *err) {
    window w = {.eval = eval};
    if (options->window_sites == 0) return DCPG_OK;
    dcpg_status status = show(out, &w, number, options, par, err);
    close_window(&w);
    return status;
}

dcpg_status dcpg_page_has_region(const char *path, const dcpg_report_options *options, const dcpg_par *par,
                                 bool *has, dcpg_err *err) {
    const report_eval eval = {.path = path};
    window w = {.eval = &eval};
    int64_t first = 0, end = 0;
    dcpg_status status = open_window(&w, options, par, err);
    if (status == DCPG_OK && w.chromos.disorder < 0) status = find_rows(&w, &first, &end, err);
    *has = w.chromos.disorder >= 0 || end > first;
    close_window(&w);
    return status;
}
