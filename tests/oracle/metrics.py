#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints tests/analysis/metrics_expected.h: small sets of labels and predictions, and what each metric is by its definition, pair by pair where it is one over pairs.

    python3 tests/oracle/metrics.py > tests/analysis/metrics_expected.h
"""
import itertools
import math

import numpy as np


def auc(y, z):
    up, down = z[y > 0.5], z[y <= 0.5]
    if len(up) == 0 or len(down) == 0:
        return math.nan
    return np.mean([(a > b) + 0.5 * (a == b) for a in up for b in down])


def auprc(y, z):
    """The mean over the positives of the precision where the threshold is their prediction."""
    up = z[y > 0.5]
    return np.mean([np.mean(y[z >= t] > 0.5) for t in up]) if len(up) else math.nan


def log_loss(y, z):
    p = np.clip(z.astype(float), np.finfo(np.float32).eps, 1 - float(np.finfo(np.float32).eps))
    return -np.mean(np.where(y > 0.5, np.log(p), np.log(1 - p)))


def kendall(y, z):
    concordant = discordant = 0
    free_y = free_z = 0
    for (y1, z1), (y2, z2) in itertools.combinations(zip(y, z), 2):
        sign = np.sign(y1 - y2) * np.sign(z1 - z2)
        concordant += sign > 0
        discordant += sign < 0
        free_y += y1 != y2
        free_z += z1 != z2
    if free_y == 0 or free_z == 0:
        return math.nan
    return (concordant - discordant) / math.sqrt(free_y * free_z)


def cor(y, z):
    if np.all(y == y[0]) or np.all(z == z[0]):
        return math.nan
    return np.corrcoef(y, z)[0, 1]


def scores(y, z):
    """By the names of reports; as scikit-learn defines them where a class is missing, NaN for tnr without negatives."""
    a, b = np.round(y), np.round(z)  # half to even
    tp, fp = np.sum((a == 1) & (b == 1)), np.sum((a == 0) & (b == 1))
    tn, fn = np.sum((a == 0) & (b == 0)), np.sum((a == 1) & (b == 0))
    root = math.sqrt(float(tp + fp) * float(tp + fn) * float(tn + fp) * float(tn + fn))
    return {
        "acc": np.mean(a == b),
        "auc": auc(y, z),
        "auprc": auprc(y, z),
        "brier": np.mean((a.astype(float) - z.astype(float)) ** 2),
        "cor": cor(y, z),
        "f1": 2 * tp / (2 * tp + fp + fn) if tp + fp + fn else 0,
        "kendall": kendall(y, z),
        "log_loss": log_loss(y, z),
        "mad": np.mean(np.abs(y - z)),
        "mcc": (float(tp) * tn - float(fp) * fn) / root if root else 0,
        "mse": np.mean((y - z) ** 2),
        "n": len(y),
        "tnr": tn / (tn + fp) if tn + fp else math.nan,
        "tpr": tp / (tp + fn) if tp + fn else 0,
    }


def number(x):
    return "NAN" if math.isnan(x) else repr(float(x)) if float(x) != int(x) else "%d.0" % x


def main():
    r = np.random.RandomState(7)
    f32 = np.float32
    label = (r.rand(60) < 0.6).astype(f32)
    cases = {
        "binary": (label, f32(0.7) * r.rand(60).astype(f32) + f32(0.3) * label),
        "ties": (label, (r.randint(0, 5, 60) / 4).astype(f32)),
        "continuous": (r.rand(60).astype(f32), r.rand(60).astype(f32)),
        "halves": (np.array([0.5, 0.5, 0.25, 1, 1, 0, 0.75], f32), np.array([0.5, 0.75, 0.5, 0.5, 1, 0, 0.25], f32)),
        "positives": (np.ones(9, f32), r.rand(9).astype(f32)),
        "negatives": (np.zeros(9, f32), r.rand(9).astype(f32)),
        "constant": (label[:9], np.full(9, 0.25, f32)),
        "one": (np.array([1], f32), np.array([0.9], f32)),
    }
    print("/* SPDX-License-Identifier: MIT */\n/* Made by tests/oracle/metrics.py. */\nenum { NB_EXPECTED = 14 };")
    for name, (y, z) in cases.items():
        pairs = ", ".join("{%r, %r}" % (float(a), float(b)) for a, b in zip(y, z))
        print("static const double pairs_of_%s[][2] = {%s};" % (name, pairs))
    print("static const struct { const char *name; const double (*pairs)[2]; int n; struct { const char *score; double value; } expected[NB_EXPECTED]; } cases[] = {")
    for name, (y, z) in cases.items():
        values = scores(y.astype(np.float64), z.astype(np.float64))
        print('    {"%s", pairs_of_%s, %d, {%s}},' % (name, name, len(y), ", ".join('{"%s", %s}' % (k, number(v)) for k, v in values.items())))
    print("};")


main()
