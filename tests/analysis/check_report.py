#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares every row of a report on cells with scikit-learn, or where that is absent with the definitions in NumPy: check_report.py EVAL.h5 REPORT.tsv"""
import csv
import math
import sys

import h5py
import numpy as np

try:
    from sklearn import metrics
except ImportError:
    metrics = None


def rank_scores(y, z):
    """AUC and average precision, from the counts at each distinct prediction."""
    values, at = np.unique(z, return_inverse=True)
    up, down = np.bincount(at, y), np.bincount(at, 1 - y)
    auc = np.sum(up * (np.cumsum(down) - down / 2)) / (up.sum() * down.sum())
    tp, fp = np.cumsum(up[::-1]), np.cumsum(down[::-1])
    return auc, np.sum(up[::-1] * tp / (tp + fp)) / up.sum()


def probability(z):
    """With double precision; scikit-learn computes 1 - z in that of z."""
    return np.clip(z.astype(float), np.finfo(np.float32).eps, 1 - float(np.finfo(np.float32).eps))


def by_definition(y, z):
    a = z > 0.5
    tp, fp, tn, fn = (float(np.sum(x)) for x in (y & a, ~y & a, ~y & ~a, y & ~a))
    z, p = z.astype(float), probability(z)
    auc, auprc = rank_scores(y.astype(float), z)
    return {
        "acc": (tp + tn) / len(y), "auc": auc, "auprc": auprc, "brier": np.mean((y - z) ** 2), "f1": 2 * tp / (2 * tp + fp + fn),
        "log_loss": -np.mean(np.log(np.where(y, p, 1 - p))), "n": len(y), "tnr": tn / (tn + fp), "tpr": tp / (tp + fn),
        "mcc": (tp * tn - fp * fn) / math.sqrt((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)),
    }


def by_sklearn(y, z):
    return {
        "acc": metrics.accuracy_score(y, z > 0.5), "auc": metrics.roc_auc_score(y, z), "auprc": metrics.average_precision_score(y, z),
        "brier": metrics.brier_score_loss(y, z), "f1": metrics.f1_score(y, z > 0.5), "log_loss": metrics.log_loss(y, probability(z)),
        "mcc": metrics.matthews_corrcoef(y, z > 0.5), "n": len(y), "tnr": metrics.recall_score(~y, z <= 0.5), "tpr": metrics.recall_score(y, z > 0.5),
    }


def main(data, report):
    with open(report) as file:
        rows = {(r["metric"], r["output"]): float(r["value"]) for r in csv.DictReader(file, delimiter="\t")}
    pairs = {}
    with h5py.File(data) as file:
        for cell in file["outputs/cpg"]:
            y, z = file["outputs/cpg"][cell][:], file["preds/cpg"][cell][:]
            pairs["cpg/" + cell] = (y[y >= 0] == 1, z[y >= 0])
    expected = {}
    for score in [by_definition] + ([by_sklearn] if metrics else []):
        of = {name: score(*p) for name, p in pairs.items()}
        of["mean"] = {m: np.mean([s[m] for s in of.values()]) for m in by_definition(*pairs[min(pairs)])}
        of["pooled"] = score(*(np.concatenate(x) for x in zip(*pairs.values())))
        for name, scores in of.items():
            for metric, value in scores.items():
                expected[metric, name] = value
                if (metric, name) not in rows or not abs(rows[metric, name] - value) < 1e-9 * max(1, abs(value)):
                    sys.exit("%s of %s is %s, not %.17g (%s)" % (metric, name, rows.get((metric, name)), value, score.__name__))
    if set(rows) != set(expected):
        sys.exit("rows that nobody expects: %s" % (set(rows) - set(expected)))


if __name__ == "__main__":
    main(*sys.argv[1:])
