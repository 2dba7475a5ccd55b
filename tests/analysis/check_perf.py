#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Computes the tables of dcpg perf in another way, with scikit-learn where it is installed, and compares: check_perf.py EVAL.h5 PERF_DIR ANNO.bed.gz ..."""
import csv
import gzip
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import check_report  # noqa: E402

POINTS = 1000


def read(path):
    with open(path) as file:
        return list(csv.DictReader(file, delimiter="\t"))


def load(path):
    with h5py.File(path) as file:
        cells = sorted(file["outputs/cpg"])
        label = np.array([file["outputs/cpg"][c][:] for c in cells])
        prediction = np.array([file["preds/cpg"][c][:] for c in cells])
        return ["cpg/" + c for c in cells], file["chromo"][:], file["pos"][:].astype(int), label, prediction


def annotated(path, chromo, pos):
    """Sites with start <= pos <= end, as DeepCpG counts them."""
    inside = np.zeros(len(pos), bool)
    with gzip.open(path, "rt") as file:
        for line in file:
            name, start, end = line.split()[:3]
            inside |= (chromo == name.replace("chr", "").encode()) & (pos >= int(start)) & (pos <= int(end))
    return inside


def doubling(what, x, first):
    """The name of the context of each value."""
    bins = np.floor(np.log2(x - first + 1)).astype(int)
    low = 2 ** bins + first - 1
    return np.array(["%s_%d" % (what, a) if b == 0 else "%s_%d-%d" % (what, a, a + 2 ** b - 1) for a, b in zip(low, bins)])


def near(chromo, pos):
    return np.array([np.sum((chromo == c) & (abs(pos - p) <= 500)) - 1 for c, p in zip(chromo, pos)])


def distances(chromo, pos, observed):
    result = np.full(len(pos), 10 ** 9)
    for c in np.unique(chromo):
        at = np.flatnonzero((chromo == c) & observed)
        for k, i in enumerate(at):
            others = [at[j] for j in (k - 1, k + 1) if 0 <= j < len(at)]
            result[i] = min([abs(pos[i] - pos[j]) for j in others] + [10 ** 9])
    names = np.array(["distance_1-10", "distance_11-100", "distance_101-1000", "distance_1001-10000", "distance_10001-"])
    return names[np.searchsorted([10, 100, 1000, 10000], result)]


def contexts(data, annos):
    """{name: mask over (cell, site)} without empty ones."""
    _, chromo, pos, label, _ = data
    observed = label >= 0
    found = {"global": observed}
    for path in annos:
        found[os.path.basename(path).split(".")[0]] = observed & annotated(path, chromo, pos)
    coverage = observed.sum(0)
    for names in (doubling("coverage", np.maximum(coverage, 1), 1), doubling("density", near(chromo, pos), 0)):
        for name in np.unique(names):
            found[name] = observed & (names == name)
    names = np.array([distances(chromo, pos, o) for o in observed])
    for name in np.unique(names):
        found[name] = observed & (names == name)
    return {name: mask for name, mask in found.items() if mask.any()}


def scores(y, z):
    if len(y) == 0:
        return {"n": 0}
    both = 0 < y.sum() < len(y)
    return check_report.by_sklearn(y, z) if both and check_report.metrics else check_report.by_definition(y, z) if both else {"n": len(y)}


def check_metrics(data, masks, rows):
    names, _, _, label, prediction = data
    table = {(r["anno"], r["output"], r["metric"]): r["value"] for r in rows}
    if {r["anno"] for r in rows} != set(masks):
        sys.exit("contexts %s" % ({r["anno"] for r in rows} ^ set(masks)))
    for context, mask in masks.items():
        sets = [(names[c], mask[c], c) for c in range(len(names))]
        found = {name: scores(label[c][m] == 1, prediction[c][m]) for name, m, c in sets}
        found["pooled"] = scores(label[mask] == 1, prediction[mask])
        for name, of in found.items():
            for metric, value in of.items():
                ours = table[context, name, metric]
                if not abs(float(ours or "nan") - value) < 1e-9 * max(1, abs(value)):
                    sys.exit("%s of %s in %s: %s, not %.17g" % (metric, name, context, ours, value))


def thin(*arrays):
    n = min(len(a) for a in arrays)
    at = np.linspace(0, n - 1, POINTS).astype(np.int32) if n > POINTS else np.arange(n)
    return np.array([a[at] for a in arrays])


def check_curves(data, masks, rows):
    names, _, _, label, prediction = data
    table = {}
    for r in rows:
        table.setdefault((r["anno"], r["curve"], r["output"]), []).append([float(r[k]) for k in ("x", "y", "thr")])
    for (context, curve, output), points in table.items():
        c, mask = names.index(output), masks[context][names.index(output)]
        y, z = label[c][mask], prediction[c][mask]
        function = check_report.metrics.roc_curve if curve == "roc" else check_report.metrics.precision_recall_curve
        wanted = thin(*function(y, z)).T
        if np.shape(points) != wanted.shape or not np.allclose(points, wanted, rtol=1e-9, atol=1e-9):
            sys.exit("%s of %s in %s differs: %s points, not %s" % (curve, output, context, np.shape(points), wanted.shape))
    return len(table)


def check_reliability(data, rows):
    names, _, _, label, prediction = data
    for r in rows:
        c = [names.index(r["output"])] if r["output"] != "pooled" else range(len(names))
        y, z = np.concatenate([label[i][label[i] >= 0] for i in c]), np.concatenate([prediction[i][label[i] >= 0] for i in c])
        at = np.minimum((z * np.float32(10)).astype(int), 9) == round(10 * float(r["low"]))
        found = (at.sum(), z[at].mean(dtype=float), y[at].mean())
        if not np.allclose(found, [float(r[k]) for k in ("n", "prediction", "observed")], rtol=1e-8):
            sys.exit("reliability %s: %s" % (r, found))


def main(evaluation, folder, *annos):
    data = load(evaluation)
    masks = contexts(data, annos)
    check_metrics(data, masks, read(folder + "/metrics.tsv"))
    curves = check_curves(data, masks, read(folder + "/curves.tsv")) if check_report.metrics else 0
    check_reliability(data, read(folder + "/reliability.tsv"))
    print("%d contexts and %d curves are right" % (len(masks), curves))


if __name__ == "__main__":
    main(*sys.argv[1:])
