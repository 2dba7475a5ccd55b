/* SPDX-License-Identifier: MIT */
/* Names of the statistics over cells and windows, and their values. */
#include <dcpg/stats.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const names[DCPG_NB_STAT] = {"mean",     "mode",    "var",  "cat_var",
                                                "cat2_var", "entropy", "diff", "cov"};

const char *dcpg_stat_name(dcpg_stat stat) { return names[stat]; }

bool dcpg_stat_find(const char *name, dcpg_stat *stat) {
    for (int i = 0; i < DCPG_NB_STAT; i++) {
        *stat = (dcpg_stat)i;
        if (strcmp(name, names[i]) == 0) return true;
    }
    return false;
}

dcpg_status dcpg_stats_check(const dcpg_strings *given, const char *option, dcpg_err *err) {
    dcpg_stat stat;
    for (size_t i = 0; i < given->n; i++) {
        if (dcpg_stat_find(given->v[i], &stat)) continue;
        return dcpg_fail(err, DCPG_E_USAGE,
                         "--%s %s: there is no such statistic: mean, mode, var, cat_var, cat2_var, entropy, "
                         "diff, cov",
                         option, given->v[i]);
    }
    return DCPG_OK;
}

void dcpg_moments_add(dcpg_moments *m, double x) {
    if (m->n == 0 || x < m->least) m->least = x;
    if (m->n == 0 || x > m->most) m->most = x;
    m->n++;
    m->sum += x;
    m->square += x * x;
}

/* For zeros and ones these sums are exact, so that a variance of 0.25 does not fall above the last class. */
static double variance(const dcpg_moments *m) {
    double n = (double)m->n, v = (m->square - m->sum * m->sum / n) / n;
    return m->least == m->most || v < 0 ? 0 : v;
}

static float variance_class(double v) {
    const double low = -1e-7, step = (0.25 - low) / 3;
    return v > low + 2 * step ? 2 : v > low + step ? 1 : 0;
}

static double entropy(double p) {
    p = p < 1e-7 ? 1e-7 : p > 1 - 1e-7 ? 1 - 1e-7 : p;
    return -(p * log(p) + (1 - p) * log(1 - p));
}

float dcpg_stat_value(dcpg_stat stat, const dcpg_moments *m) {
    if (m->n == 0) return -1;
    double mean = m->sum / (double)m->n;
    switch (stat) {
    case DCPG_STAT_MEAN:
        return (float)mean;
    case DCPG_STAT_MODE:
        return rintf((float)mean); /* as a float, for a tie in floats may not be one in double */
    case DCPG_STAT_VAR:
        return (float)variance(m);
    case DCPG_STAT_CAT_VAR:
        return variance_class(variance(m));
    case DCPG_STAT_CAT2_VAR:
        return variance_class(variance(m)) > 0;
    case DCPG_STAT_ENTROPY:
        return (float)entropy(mean);
    case DCPG_STAT_DIFF:
        return m->least != trunc(m->most);
    case DCPG_STAT_COV:
        return (float)m->n;
    case DCPG_NB_STAT:
        break;
    }
    return -1;
}
