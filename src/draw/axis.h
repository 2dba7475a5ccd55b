/* SPDX-License-Identifier: MIT */
/* Ticks of an axis at round numbers. Private to libdcpg. */
#ifndef DCPG_DRAW_AXIS_H
#define DCPG_DRAW_AXIS_H

#include <stdbool.h>

/* Ticks at first, first + step ... nb of them; decimals that tell them apart. */
typedef struct draw_ticks {
    double low, high; /* the range that the axis shows */
    double first, step;
    int nb, decimals;
} draw_ticks;

/* About `wanted` ticks, at multiples of 1, 2 or 5 times a power of ten (`whole`: at whole numbers). Unless
 * the range is `fixed`, it is widened to the ticks around it. An empty or undefined range is replaced by one
 * around its value. Pure. */
draw_ticks dcpg_draw_ticks(double low, double high, bool fixed, bool whole, int wanted);

/* The number at a tick as text; writes at most 32 bytes and returns `text`. */
char *dcpg_draw_tick_text(const draw_ticks *ticks, int i, char text[32]);

#endif
