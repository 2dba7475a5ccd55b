/* SPDX-License-Identifier: MIT */
/* Figures of labelled rows: bars, or boxes with whiskers. */
#include "draw/axis.h"
#include "draw/figure.h"
#include "draw/markup.h"

#include <math.h>

enum { ROW = 22, LETTER = 7, GAP = 8, AXIS = 40, TITLE = 30, MOST_LETTERS = 40 };

typedef struct layout {
    const draw_rows *rows;
    double left, width; /* of the area of the values */
    draw_ticks x;
} layout;

static double at(const layout *l, double x) {
    return l->left + l->width * (x - l->x.low) / (l->x.high - l->x.low);
}

double dcpg_draw_rows_height(size_t nb) { return TITLE + (double)nb * ROW + AXIS; }

/* Widest of the labels, or of the texts after the bars, in letters. */
static double widest(const draw_rows *rows, bool label) {
    size_t most = 0;
    for (size_t i = 0; i < rows->nb; i++) {
        const char *text = label ? rows->row[i].label : rows->row[i].text;
        size_t n = text ? dcpg_draw_letters(text) : 0;
        if (n > most) most = n;
    }
    return most < MOST_LETTERS ? (double)most : MOST_LETTERS;
}

static void widen(double x, double *low, double *high) {
    *low = fmin(*low, x);
    *high = fmax(*high, x);
}

static draw_ticks ticks_of(const draw_rows *rows, double width) {
    double low = rows->x.low, high = rows->x.high;
    bool fixed = low < high;
    if (!fixed) {
        low = high = rows->ranges ? NAN : 0;
        for (size_t i = 0; i < rows->nb; i++) {
            widen(rows->row[i].value, &low, &high);
            for (int q = 0; q < 5 && rows->ranges; q++) widen(rows->row[i].range[q], &low, &high);
        }
        if (!rows->ranges && high <= low) high = low + 1;
    }
    int wanted = (int)(width / 60);
    return dcpg_draw_ticks(low, high, fixed, rows->x.whole, wanted < 2 ? 2 : wanted);
}

static void put_axis(FILE *out, const layout *l) {
    double top = l->rows->box.top + TITLE, bottom = top + (double)l->rows->nb * ROW;
    char text[32];
    for (int i = 0; i < l->x.nb; i++) {
        double x = at(l, l->x.first + i * l->x.step);
        fprintf(out,
                "<path class=\"dg\" d=\"M%.1f %.1fV%.1f\"/><text x=\"%.1f\" y=\"%.1f\" "
                "text-anchor=\"middle\">%s</text>\n",
                x, top, bottom, x, bottom + 15, dcpg_draw_tick_text(&l->x, i, text));
    }
    if (!l->rows->x.label) return;
    fprintf(out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", l->left + l->width / 2, bottom + 33);
    dcpg_draw_text(out, l->rows->x.label);
    fputs("</text>\n", out);
}

static void put_box(FILE *out, const layout *l, const draw_row *row, double middle) {
    const double *q = row->range;
    if (!isfinite(q[0]) || !isfinite(q[4])) return;
    double left = at(l, q[1]), right = at(l, q[3]);
    fprintf(out,
            "<path class=\"dl sf\" d=\"M%.1f %.1fH%.1f\"/><rect class=\"dr-box\" x=\"%.1f\" y=\"%.1f\" "
            "width=\"%.1f\" height=\"12\" rx=\"2\"/><path class=\"dl s0\" d=\"M%.1f %.1fv12\"/>\n",
            at(l, q[0]), middle, at(l, q[4]), left, middle - 6, fmax(right - left, 1), at(l, q[2]),
            middle - 6);
}

static void put_row(FILE *out, const layout *l, const draw_row *row, double top) {
    double middle = top + ROW / 2.0, end = l->left;
    fprintf(out, "<text class=\"dk\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", l->left - GAP, middle + 4);
    dcpg_draw_short_text(out, row->label, MOST_LETTERS);
    fputs("</text>", out);
    if (l->rows->ranges) {
        put_box(out, l, row, middle);
        if (isfinite(row->value))
            fprintf(out, "<circle class=\"dp f1\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>", at(l, row->value),
                    middle);
        end = l->left + l->width;
    } else if (isfinite(row->value)) {
        end = at(l, row->value);
        fprintf(out, "<rect class=\"db f0\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"14\" rx=\"2\"/>",
                l->left, middle - 7, fmax(end - l->left, 0.5));
    }
    if (row->text) {
        fprintf(out, "<text class=\"dk\" x=\"%.1f\" y=\"%.1f\">", end + GAP, middle + 4);
        dcpg_draw_short_text(out, row->text, MOST_LETTERS);
        fputs("</text>", out);
    }
    fputc('\n', out);
}

void dcpg_draw_rows(FILE *out, const draw_rows *rows) {
    layout l = {.rows = rows, .left = rows->box.left + LETTER * widest(rows, true) + 2 * GAP};
    double after = widest(rows, false);
    l.width = rows->box.left + rows->box.width - 2 * GAP - (after > 0 ? LETTER * after + GAP : 0) - l.left;
    l.x = ticks_of(rows, l.width);
    fprintf(out, "<text class=\"dt\" x=\"%.1f\" y=\"%.1f\">", rows->box.left + 6, rows->box.top + 18);
    dcpg_draw_text(out, rows->title);
    fputs("</text>\n", out);
    put_axis(out, &l);
    for (size_t i = 0; i < rows->nb; i++)
        put_row(out, &l, &rows->row[i], rows->box.top + TITLE + (double)i * ROW);
}
