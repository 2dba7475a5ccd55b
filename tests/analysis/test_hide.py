# SPDX-License-Identifier: MIT
"""`dcpg eval --hide`: predictions of hidden calls are those from profiles without these calls, chosen here by the documented rule; states that a neighbour gives away are no longer known once it is hidden."""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(here, "..", "lib"))
from program import h5py, np, refusal, run  # noqa: E402  (first: it moves to a folder of its own)

MASK = 2**64 - 1
CELLS, PARTS, SEED = ["a", "b", "c"], 3, 7
rng = np.random.default_rng(1)


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & MASK
    return value


def splitmix(x):
    x = (x + 0x9E3779B97F4A7C15) & MASK
    x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ x >> 27) * 0x94D049BB133111EB & MASK
    return x ^ x >> 31


def mix(a, b):
    return splitmix(splitmix(a) ^ b)


def part_of(cell, chromo, pos, parts, seed):
    """src/analysis/README.md"""
    key = mix(mix(seed, fnv(cell)), fnv(chromo))
    return 1 + ((mix(key, int(pos)) >> 32) * parts >> 32)


# Pairs of sites 10 bp apart, 1,000 bp from the next: cell a has one state in both, b and c have states of their own. Cell "all" sees every site, and no model reads it.
chromo = np.repeat(["1", "X"], 600)
pos = np.concatenate([1000 + 1000 * (np.arange(600) // 2) + 10 * (np.arange(600) % 2)] * 2)
states = {"a": np.repeat(rng.integers(0, 2, 600), 2).astype("f4"), "b": rng.integers(0, 2, 1200).astype("f4"), "c": (rng.integers(0, 5, 1200) / 4).astype("f4"), "all": np.ones(1200, "f4")}
seen = {"a": rng.random(1200) < .9, "b": rng.random(1200) < .5, "c": rng.random(1200) < .4, "all": np.ones(1200, bool)}


def make(name, hidden):
    """A store without the calls that `hidden` says: {cell: bool per site}."""
    os.makedirs(name, exist_ok=True)
    for cell, keep in seen.items():
        with open(f"{name}/{cell}.tsv", "w") as file:
            for i in np.nonzero(keep & ~hidden.get(cell, np.zeros(1200, bool)))[0]:
                file.write(f"{chromo[i]}\t{pos[i]}\t{states[cell][i]:g}\n")
    run(1, "data", "--cpg_profiles", *(f"{name}/{cell}.tsv" for cell in seen), "--out_file", f"{name}.h5")


def evaluate(store, name, *options, ranks=1):
    printed = run(ranks, "eval", store, "--model_files", "model", "--out_data", f"{name}.h5", "--out_report", f"{name}.tsv", *options)
    with h5py.File(f"{name}.h5", "r") as file:
        assert np.array_equal(file["pos"], pos) or "--chromos" in options or "--nb_sample" in options
        got = {cell: (file[f"outputs/cpg/{cell}"][()], file[f"preds/cpg/{cell}"][()]) for cell in seen if f"cpg/{cell}" in file["preds"]}
        return got, dict(file.attrs), printed


def auc(label, score):
    up, down = score[label == 1], score[label == 0]
    return ((up[:, None] > down).mean() + (up[:, None] >= down).mean()) / 2


make("whole", {})
run(1, "train", "whole.h5", "--cpg_model", "fc[8]_bgru[8]", "--cpg_wlen", 4, "--replicate_names", *CELLS, "--output_names", *(f"cpg/{cell}" for cell in seen), "--nb_epoch", 12, "--learning_rate", .02, "--batch_size", 64, "--out_dir", "model")
plain, attributes, _ = evaluate("whole.h5", "plain")
assert "hide" not in attributes
part = {cell: np.array([part_of(cell, c, p, PARTS, SEED) for c, p in zip(chromo, pos)]) for cell in seen}
options = ["--hide", PARTS, "--hide_seed", SEED]
hide, attributes, printed = evaluate("whole.h5", "hide", *options)
assert (attributes["hide"], attributes["hide_seed"]) == (PARTS, SEED) and "(--hide)" in printed
report = open("hide.tsv").read().splitlines()
assert f"hide\tparts\t{PARTS}" in report and f"hide\tseed\t{SEED}" in report and report[1:] == sorted(report[1:], key=lambda line: line.split("\t")[:2])
assert not any(line.startswith("hide") for line in open("plain.tsv"))
run(1, "perf", "hide.h5", "--out_dir", "perf")
assert f"global\thide\tparts\t{PARTS}\n" in open("perf/metrics.tsv")

# ---- dcpg perf counts the distance to calls that were not hidden ----
bins = [(1, 10), (11, 100), (101, 1000), (1001, 10000), (10001, 10**9)]
for cell in CELLS:
    at = np.flatnonzero(hide[cell][0] >= 0)
    away = np.abs(pos[at][:, None] - pos[at]).astype(float)
    away[(chromo[at][:, None] != chromo[at]) | (part[cell][at][:, None] == part[cell][at])] = 10**9
    for low, high in bins:
        name = f"distance_{low}-{high if high < 10**9 else ''}"
        n = ((away.min(1) >= low) & (away.min(1) <= high)).sum()
        found = [line.split()[3] for line in open("perf/metrics.tsv") if line.startswith(f"{name}\tn\tcpg/{cell}\t")]
        assert [float(x) for x in found] == [n] * (n > 0), (cell, name, n, found)

# ---- the calls of a part are predicted as from profiles that lack them, everything else as from all calls ----
for k in range(1, PARTS + 1):
    make(f"without{k}", {cell: part[cell] == k for cell in CELLS})
    without, _, _ = evaluate(f"without{k}.h5", "without")
    for cell in seen:
        label, prediction = hide[cell]
        hidden = (label >= 0) & (part[cell] == k)
        assert abs(hidden.sum() - (label >= 0).sum() / PARTS) < 60, (cell, hidden.sum())
        assert np.array_equal(prediction[hidden], without[cell][1][hidden]), (cell, k)
        if cell in CELLS:
            assert (plain[cell][1][hidden] != prediction[hidden]).any(), cell
for cell in seen:
    assert np.array_equal(hide[cell][0], plain[cell][0])
    assert np.array_equal(hide[cell][1][hide[cell][0] < 0], plain[cell][1][hide[cell][0] < 0]), cell

# ---- what a neighbour gives away is known if, and only if, it is not hidden ----
label, prediction = hide["a"]
mate = np.arange(1200) ^ 1
known = (label >= 0) & (label[mate] >= 0)
together = known & (part["a"] == part["a"][mate])
for where, scores in ((known, plain["a"][1]), (known & ~together, prediction)):
    assert auc(label[where], scores[where]) > .85, auc(label[where], scores[where])
assert together.sum() > 250 and abs(auc(label[together], prediction[together]) - .5) < .1, auc(label[together], prediction[together])

# ---- one part: nothing is left to see ----
alone, _, _ = evaluate("whole.h5", "alone", "--hide", 1)
for cell in CELLS:
    assert len(set(alone[cell][1][alone[cell][0] >= 0])) == 1, "neighbours of a call are not hidden"

# ---- the same calls are hidden whatever is evaluated, and on any number of ranks ----
for ranks, more in ((2, ["--batch_size", 7]), (3, [])):
    again, _, _ = evaluate("whole.h5", "again", *options, *more, ranks=ranks)
    assert open("again.tsv").read() == open("hide.tsv").read(), ranks
    assert all(np.array_equal(again[cell][1], hide[cell][1]) for cell in seen), ranks
some, _, _ = evaluate("whole.h5", "some", *options, "--chromos", "X", "--output_names", "cpg/b")
assert list(some) == ["b"] and np.array_equal(some["b"][1], hide["b"][1][600:])
other, _, _ = evaluate("whole.h5", "other", "--hide", PARTS)
assert not np.array_equal(other["a"][1], hide["a"][1])

run(1, "convert", "whole.h5", "--out_dir", "files", "--cpg_wlen", 4)
files = sorted(f"files/{name}" for name in os.listdir("files"))
bad = [refusal("--hide_seed chooses", 1, "eval", "whole.h5", "--model_files", "model", "--out_data", "none.h5", "--hide_seed", 5, absent=["none.h5"]),
       refusal("--hide needs a store", 3, "eval", *files, "--model_files", "model", "--out_data", "none.h5", "--hide", 2, absent=["none.h5"]),
       refusal("--hide 101", 1, "eval", "whole.h5", "--model_files", "model", "--out_data", "none.h5", "--hide", 101, absent=["none.h5"])]
if any(bad):
    sys.exit(f"FAILED: {bad}")
print("ok")
