/* SPDX-License-Identifier: MIT */
/* Chooses the ticks of an axis. */
#include "draw/axis.h"

#include <math.h>
#include <stdio.h>

/* The smallest 1, 2 or 5 times a power of ten that is not below x. */
static double round_step(double x) {
    double power = pow(10, floor(log10(x))), ratio = x / power;
    return power * (ratio <= 1.0000001 ? 1 : ratio <= 2.0000001 ? 2 : ratio <= 5.0000001 ? 5 : 10);
}

/* Numbers beyond are drawn out of sight: the range must not become infinite. */
static const double FAR = 1e300;

draw_ticks dcpg_draw_ticks(double low, double high, bool fixed, bool whole, int wanted) {
    if (!isfinite(low) || !isfinite(high)) low = 0, high = 1, fixed = false;
    low = fmax(fmin(low, FAR), -FAR);
    high = fmax(fmin(high, FAR), -FAR);
    if (!(high - low > 1e-12 * fmax(fabs(low), fabs(high)))) {
        double around = low != 0 ? fabs(low) / 10 : 1;
        if (whole) around = fmax(around, 1);
        low -= around, high += around, fixed = false;
    }
    double step = round_step((high - low) / wanted);
    if (whole) step = fmax(step, 1);
    if (!fixed) low = step * floor(low / step + 1e-9), high = step * ceil(high / step - 1e-9);
    draw_ticks t = {.low = low, .high = high, .step = step, .first = step * ceil(low / step - 1e-9)};
    t.nb = 1 + (int)floor((high - t.first) / step + 1e-9);
    t.decimals = step < 1 ? (int)ceil(-log10(step) - 1e-9) : 0;
    return t;
}

char *dcpg_draw_tick_text(const draw_ticks *t, int i, char text[32]) {
    double x = t->first + i * t->step;
    bool long_number = t->decimals > 6 || fmax(fabs(t->low), fabs(t->high)) >= 1e6;
    if (fabs(x) < t->step / 1e6) x = 0;
    snprintf(text, 32, long_number ? "%.*g" : "%.*f", long_number ? 4 : t->decimals, x);
    return text;
}
