/* SPDX-License-Identifier: MIT */
/* Figures as SVG: plots of lines, points and bars over two axes, and rows of bars or ranges. In a page, or a
 * file of their own; light or dark as the reader's system is; with title and description for screen readers.
 * Private to libdcpg; all functions are Local. */
#ifndef DCPG_DRAW_FIGURE_H
#define DCPG_DRAW_FIGURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Colours are numbered; after the last one they begin again. */
enum { DRAW_COLOURS = 6, DRAW_FAINT = -1 };

typedef enum draw_kind { DRAW_LINE, DRAW_DASHED, DRAW_POINTS, DRAW_BARS } draw_kind;

typedef struct draw_series {
    draw_kind kind;
    int colour;       /* or DRAW_FAINT */
    const char *name; /* in the legend; NULL: not there */
    size_t n;
    const double *x, *y;     /* [n]; what is not finite is left out, and a line has a gap there */
    const char *const *note; /* [n] of points: shown where the pointer rests; NULL: none */
    bool plain;              /* of a line: no dots at its points, which a line of few has otherwise */
    double bar;              /* of bars, which are centred at x: their width on the axis */
} draw_series;

typedef struct draw_axis {
    const char *label;
    double low,
        high;   /* where low < high: this range, in which all values must lie; else that of the values */
    bool whole; /* ticks at whole numbers only */
} draw_axis;

/* A rectangle of the picture, in its units. */
typedef struct draw_box {
    double left, top, width, height;
} draw_box;

typedef struct draw_plot {
    const char *title; /* NULL: none */
    draw_box box;      /* with title, legend and labels */
    draw_axis x, y;
    bool diagonal; /* also a line from corner to corner */
    size_t nb;
    const draw_series *series; /* [nb] the last one on top */
} draw_plot;

/* A row: a bar from 0 to `value`, or a box with whiskers and a point at `value`. */
typedef struct draw_row {
    const char *label, *text; /* in front; after the bar, NULL: nothing */
    double value;             /* NaN: no bar, no point */
    double range[5];          /* least, quartiles, most; NaN: no box */
} draw_row;

typedef struct draw_rows {
    const char *title;
    draw_box box; /* its height is ignored: dcpg_draw_rows_height gives it */
    draw_axis x;
    bool ranges; /* boxes instead of bars */
    size_t nb;
    const draw_row *row;
} draw_rows;

typedef struct draw_picture {
    const char *id;            /* in a page: of this picture alone; letters, digits and '-' */
    const char *title, *about; /* what it is, and what there is to see, in words */
    double width, height;
    bool alone; /* a file of its own */
} draw_picture;

void dcpg_draw_begin(FILE *out, const draw_picture *picture);
void dcpg_draw_end(FILE *out);

void dcpg_draw_plot(FILE *out, const draw_plot *plot);

/* How much higher a plot must be for its legend to leave the axes as much space as a legend of one line does;
 * the box's height does not matter. */
double dcpg_draw_more_height(const draw_plot *plot);

double dcpg_draw_rows_height(size_t nb);
void dcpg_draw_rows(FILE *out, const draw_rows *rows);

/* Style sheet that a page with pictures must hold. */
extern const char dcpg_draw_style[];

#endif
