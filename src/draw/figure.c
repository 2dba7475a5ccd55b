/* SPDX-License-Identifier: MIT */
/* The frame of a picture, and plots over two axes. */
#include "draw/figure.h"
#include "draw/axis.h"
#include "draw/markup.h"

#include <math.h>

/* Every colour has a contrast of at least 3 to 1 with the paper, texts of 4.5 to 1. */
const char dcpg_draw_style[] =
    ":root{color-scheme:light dark;--paper:#fff;--ink:#1b1f24;--soft:#57606a;--grid:#dfe3e8;--faint:#8b949e;"
    "--c0:#0b62b8;--c1:#c2410c;--c2:#0f766e;--c3:#7c3aed;--c4:#a16207;--c5:#be185d}\n"
    "@media (prefers-color-scheme:dark){:root{--paper:#11161c;--ink:#e6edf3;--soft:#9fabb8;--grid:#2b343e;"
    "--faint:#6e7a87;--c0:#6cb6ff;--c1:#ff9e64;--c2:#4fd1c5;--c3:#c4b5fd;--c4:#facc15;--c5:#f9a8d4}}\n"
    "@media print{:root{--paper:#fff;--ink:#000;--soft:#444;--grid:#ccc;--faint:#777;--c0:#0b62b8;"
    "--c1:#c2410c;--c2:#0f766e;--c3:#7c3aed;--c4:#a16207;--c5:#be185d}}\n"
    ".dr{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
    "font-variant-numeric:tabular-nums}\n"
    ".dr text{fill:var(--soft)}.dr .dt{fill:var(--ink);font-weight:600;font-size:13px}\n"
    ".dr .dk{fill:var(--ink)}.dr .dg{stroke:var(--grid);fill:none}.dr .dx{stroke:var(--soft);fill:none}\n"
    ".dr .dl{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}\n"
    ".dr .dd{stroke-dasharray:5 4;stroke-width:1.5}.dr .df{stroke-width:1;opacity:.6}\n"
    ".dr .dp{stroke:var(--paper);stroke-width:.75}.dr .db{stroke:none}.dr .paper{fill:var(--paper)}\n"
    ".dr .dr-box{fill:var(--c0);fill-opacity:.25;stroke:var(--c0)}\n"
    ".s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.s3{stroke:var(--c3)}"
    ".s4{stroke:var(--c4)}.s5{stroke:var(--c5)}.sf{stroke:var(--faint)}\n"
    ".f0{fill:var(--c0)}.f1{fill:var(--c1)}.f2{fill:var(--c2)}.f3{fill:var(--c3)}.f4{fill:var(--c4)}"
    ".f5{fill:var(--c5)}.ff{fill:var(--faint)}\n";

/* Sizes of text and gaps, in units of the picture. */
enum { LINE = 17, LETTER = 7, GAP = 8, TICK = 5, SWATCH = 18, TITLE = 22, EDGE = 6, MOST_DOTS = 40 };

/* ---- the frame ---- */

void dcpg_draw_begin(FILE *out, const draw_picture *p) {
    const char *id = p->alone ? "dcpg" : p->id;
    fprintf(out, "<svg class=\"dr\" viewBox=\"0 0 %.0f %.0f\" role=\"img\" aria-labelledby=\"%s-t %s-d\"",
            p->width, p->height, id, id);
    if (p->alone)
        fprintf(out, " xmlns=\"http://www.w3.org/2000/svg\" width=\"%.0f\" height=\"%.0f\"", p->width,
                p->height);
    fprintf(out, ">\n<title id=\"%s-t\">", id);
    dcpg_draw_text(out, p->title);
    fprintf(out, "</title>\n<desc id=\"%s-d\">", id);
    dcpg_draw_text(out, p->about);
    fputs("</desc>\n", out);
    if (p->alone)
        fprintf(out, "<style>\n%s</style>\n<rect class=\"paper\" width=\"%.0f\" height=\"%.0f\"/>\n",
                dcpg_draw_style, p->width, p->height);
}

void dcpg_draw_end(FILE *out) { fputs("</svg>\n", out); }

/* ---- axes ---- */

/* A plot with its axes laid out: the area of the values, and what lies at its edges. */
typedef struct layout {
    const draw_plot *plot;
    draw_box area;
    draw_ticks x, y;
} layout;

static double at_x(const layout *l, double x) {
    return l->area.left + l->area.width * ((x - l->x.low) / (l->x.high - l->x.low));
}

static double at_y(const layout *l, double y) {
    return l->area.top + l->area.height * (1 - (y - l->y.low) / (l->y.high - l->y.low));
}

static bool is_shown(const draw_series *s, size_t i) { return isfinite(s->x[i]) && isfinite(s->y[i]); }

/* Least and most of the values on an axis; NaN where there are none. Bars begin at 0. */
static void range_of(const draw_plot *plot, bool vertical, double *low, double *high) {
    *low = *high = NAN;
    for (size_t k = 0; k < plot->nb; k++) {
        const draw_series *s = &plot->series[k];
        for (size_t i = 0; i < s->n; i++) {
            double value = vertical ? s->y[i] : s->x[i], half = vertical ? 0 : s->bar / 2;
            if (!is_shown(s, i)) continue;
            *low = fmin(*low, s->kind == DRAW_BARS && vertical ? fmin(value, 0) : value - half);
            *high = fmax(*high, value + half);
        }
    }
}

static draw_ticks ticks_of(const draw_plot *plot, bool vertical, double length) {
    const draw_axis *axis = vertical ? &plot->y : &plot->x;
    double low = axis->low, high = axis->high;
    bool fixed = low < high;
    if (!fixed) range_of(plot, vertical, &low, &high);
    int wanted = (int)(length / (vertical ? 44 : 48));
    return dcpg_draw_ticks(low, high, fixed, axis->whole, wanted < 2 ? 2 : wanted);
}

static int widest(const draw_ticks *t) {
    size_t most = 1;
    char text[32];
    for (int i = 0; i < t->nb; i++) {
        size_t n = dcpg_draw_letters(dcpg_draw_tick_text(t, i, text));
        if (n > most) most = n;
    }
    return (int)most;
}

static double swatch_width(const draw_series *s) {
    return SWATCH + 2 * GAP + LETTER * (double)dcpg_draw_letters(s->name);
}

/* Lines that the legend takes. */
static int legend_lines(const draw_plot *plot, double width) {
    double used = 0;
    int lines = 0;
    for (size_t k = 0; k < plot->nb; k++) {
        if (!plot->series[k].name) continue;
        double more = swatch_width(&plot->series[k]);
        if (lines == 0 || used + more > width) lines++, used = 0;
        used += more;
    }
    return lines;
}

/* Lines of the legend beside the labels of the axes. */
static int lines_of(const draw_plot *plot) {
    return legend_lines(plot, plot->box.width - (plot->y.label ? LINE : 0) - 4 * LETTER);
}

double dcpg_draw_more_height(const draw_plot *plot) {
    int lines = lines_of(plot);
    return lines > 1 ? LINE * (lines - 1) : 0;
}

static layout lay_out(const draw_plot *plot) {
    layout l = {.plot = plot};
    const draw_box *box = &plot->box;
    double below = LINE + TICK + (plot->x.label ? LINE : 0), beside = plot->y.label ? LINE : 0;
    double above = EDGE + (plot->title ? TITLE : 0) + LINE * lines_of(plot) + GAP;
    l.area.top = box->top + above;
    l.area.height = box->height - above - below;
    l.y = ticks_of(plot, true, l.area.height);
    l.area.left = box->left + beside + LETTER * widest(&l.y) + GAP + EDGE;
    l.area.width = box->left + box->width - 2 * GAP - l.area.left;
    l.x = ticks_of(plot, false, l.area.width);
    return l;
}

static void put_ticks(FILE *out, const layout *l) {
    char text[32];
    const draw_box *a = &l->area;
    double bottom = a->top + a->height;
    for (int i = 0; i < l->y.nb; i++) {
        double y = at_y(l, l->y.first + i * l->y.step);
        fprintf(out,
                "<path class=\"dg\" d=\"M%.1f %.1fh%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"end\">%s</text>\n",
                a->left, y, a->width, a->left - GAP, y + 4, dcpg_draw_tick_text(&l->y, i, text));
    }
    for (int i = 0; i < l->x.nb; i++) {
        double x = at_x(l, l->x.first + i * l->x.step);
        fprintf(out,
                "<path class=\"dx\" d=\"M%.1f %.1fv%d\"/><text x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"middle\">%s</text>\n",
                x, bottom, TICK, x, bottom + TICK + LINE - 4, dcpg_draw_tick_text(&l->x, i, text));
    }
    fprintf(out, "<path class=\"dx\" d=\"M%.1f %.1fh%.1f\"/>\n", a->left, bottom, a->width);
}

static void put_axis_labels(FILE *out, const layout *l) {
    const draw_box *a = &l->area, *box = &l->plot->box;
    if (l->plot->x.label) {
        fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", a->left + a->width / 2,
                box->top + box->height - 4);
        dcpg_draw_text(out, l->plot->x.label);
        fputs("</text>\n", out);
    }
    if (l->plot->y.label) {
        double x = box->left + 12, y = a->top + a->height / 2;
        fprintf(out,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\" transform=\"rotate(-90 %.1f %.1f)\">", x,
                y, x, y);
        dcpg_draw_text(out, l->plot->y.label);
        fputs("</text>\n", out);
    }
}

/* ---- colours ---- */

static char colour_of(int colour) { return colour == DRAW_FAINT ? 'f' : "012345"[colour % DRAW_COLOURS]; }

static void put_line_class(FILE *out, const draw_series *s) {
    fprintf(out, "class=\"dl s%c%s%s\"", colour_of(s->colour), s->kind == DRAW_DASHED ? " dd" : "",
            s->colour == DRAW_FAINT ? " df" : "");
}

static bool is_line(const draw_series *s) { return s->kind == DRAW_LINE || s->kind == DRAW_DASHED; }

/* ---- the legend ---- */

static void put_swatch(FILE *out, const draw_series *s, double x, double y) {
    if (is_line(s)) {
        fputs("<path ", out);
        put_line_class(out, s);
        fprintf(out, " d=\"M%.1f %.1fh%d\"/>", x, y - 4, SWATCH);
    } else if (s->kind == DRAW_POINTS) {
        fprintf(out, "<circle class=\"dp f%c\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", colour_of(s->colour),
                x + SWATCH / 2.0, y - 4);
    } else {
        fprintf(out, "<rect class=\"db f%c\" x=\"%.1f\" y=\"%.1f\" width=\"12\" height=\"10\"/>",
                colour_of(s->colour), x + 3, y - 9);
    }
}

static void put_legend(FILE *out, const layout *l) {
    const draw_plot *plot = l->plot;
    double left = l->area.left, x = left, end = plot->box.left + plot->box.width;
    double y = plot->box.top + EDGE + (plot->title ? TITLE : 0) + 10;
    for (size_t k = 0; k < plot->nb; k++) {
        const draw_series *s = &plot->series[k];
        if (!s->name) continue;
        double more = swatch_width(s);
        if (x > left && x + more > end) x = left, y += LINE;
        put_swatch(out, s, x, y);
        fprintf(out, "<text class=\"dk\" x=\"%.1f\" y=\"%.1f\">", x + SWATCH + 5, y);
        dcpg_draw_text(out, s->name);
        fputs("</text>\n", out);
        x += more;
    }
}

/* ---- series ---- */

static void put_line(FILE *out, const layout *l, const draw_series *s) {
    bool gap = true;
    fputs("<path ", out);
    put_line_class(out, s);
    fputs(" d=\"", out);
    for (size_t i = 0; i < s->n; i++) {
        bool shown = is_shown(s, i);
        if (shown) fprintf(out, "%c%.1f %.1f", gap ? 'M' : 'L', at_x(l, s->x[i]), at_y(l, s->y[i]));
        gap = !shown;
    }
    fputs("\"/>\n", out);
}

static void put_points(FILE *out, const layout *l, const draw_series *s, double radius) {
    for (size_t i = 0; i < s->n; i++) {
        if (!is_shown(s, i)) continue;
        fprintf(out, "<circle class=\"dp f%c\" cx=\"%.1f\" cy=\"%.1f\" r=\"%.1f\"", colour_of(s->colour),
                at_x(l, s->x[i]), at_y(l, s->y[i]), radius);
        if (s->note) {
            fputs("><title>", out);
            dcpg_draw_text(out, s->note[i]);
            fputs("</title></circle>\n", out);
        } else {
            fputs("/>\n", out);
        }
    }
}

static void put_bars(FILE *out, const layout *l, const draw_series *s) {
    for (size_t i = 0; i < s->n; i++) {
        if (!is_shown(s, i)) continue;
        double left = at_x(l, s->x[i] - s->bar / 2), right = at_x(l, s->x[i] + s->bar / 2);
        double top = at_y(l, fmax(s->y[i], 0)), bottom = at_y(l, fmin(s->y[i], 0));
        fprintf(out, "<rect class=\"db f%c\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
                colour_of(s->colour), left + 1, top, fmax(right - left - 2, 1), bottom - top);
    }
}

static void put_series(FILE *out, const layout *l, const draw_series *s) {
    if (is_line(s)) {
        put_line(out, l, s);
        if (s->n <= MOST_DOTS && s->colour != DRAW_FAINT && !s->plain) put_points(out, l, s, 3);
    } else if (s->kind == DRAW_POINTS) {
        put_points(out, l, s, 4);
    } else {
        put_bars(out, l, s);
    }
}

void dcpg_draw_plot(FILE *out, const draw_plot *plot) {
    const layout l = lay_out(plot);
    const draw_box *a = &l.area;
    if (plot->title) {
        fprintf(out, "<text class=\"dt\" x=\"%.1f\" y=\"%.1f\">", plot->box.left + EDGE,
                plot->box.top + EDGE + 12);
        dcpg_draw_text(out, plot->title);
        fputs("</text>\n", out);
    }
    put_legend(out, &l);
    put_ticks(out, &l);
    put_axis_labels(out, &l);
    if (plot->diagonal)
        fprintf(out, "<path class=\"dl dd sf\" d=\"M%.1f %.1fL%.1f %.1f\"/>\n", a->left, a->top + a->height,
                a->left + a->width, a->top);
    for (size_t k = 0; k < plot->nb; k++) put_series(out, &l, &plot->series[k]);
}
