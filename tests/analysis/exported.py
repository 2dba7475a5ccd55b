# SPDX-License-Identifier: MIT
"""An evaluation's data file with random content, and what export must make of it, computed with NumPy from the documented rules."""
import hashlib
import os

from program import h5py, np, run

NAMES = ("1", "10", "MT", "X")  # in the order of a store
FASTA = ("chr1", "chr10", "chrM", "chrX")
LENGTH = (9000000, 800000, 16569, 500)
NB = (4000, 300, 12, 1)  # many sites, few, about as many as a site has neighbours, one
MANY = 66000  # more sites than are read at a time
CELLS = ("a", "b.2", "c")
SIDE = 5


class Data:
    """path.h5, in memory: chromo (index), pos, label[cell], p[cell]."""

    def __init__(self, path, first=NB[0]):
        rng = np.random.default_rng(1)
        number = (first, *NB[1:])
        self.path = path
        self.chromo = np.repeat(np.arange(len(NB)), number)
        self.pos = np.concatenate([np.sort(rng.choice(np.arange(2, length, 2), n, False)) for n, length in zip(number, LENGTH)]).astype("i4")
        n = len(self.pos)
        self.label = {cell: rng.choice([-1, 0, 1], n, p=[0.6, 0.2, 0.2]).astype("i1") for cell in CELLS}
        self.p = {cell: np.clip(rng.normal(0.6, 0.3, n), 0, 1).astype("f4") for cell in CELLS}
        self.p["a"][:50] = 0.5  # ties
        with h5py.File(path, "w") as file:
            file["chromo"] = np.array(NAMES, "S")[self.chromo]
            file["pos"] = self.pos
            for cell in CELLS:
                file[f"outputs/cpg/{cell}"], file[f"preds/cpg/{cell}"] = self.label[cell], self.p[cell]
            file["outputs/cpg_stats/mean"], file["preds/cpg_stats/mean"] = np.full(n, -1, "f4"), rng.random(n, "f4")
            file["genome/chromo"], file["genome/fasta_name"] = np.array(NAMES, "S"), np.array(FASTA, "S")
            file["genome/length"] = np.array(LENGTH)

    def quality(self, cell):
        """confidence, difference and quality of each prediction."""
        p, label = self.p[cell].astype("f8"), self.label[cell]
        value = np.where(label >= 0, label, p)
        total, count, n = np.zeros(len(p)), np.zeros(len(p)), len(p)
        for shift in range(1, SIDE + 1):
            same = self.chromo[shift:] == self.chromo[:n - shift]
            total[shift:] += same * abs(value[:n - shift] - p[shift:])
            total[:n - shift] += same * abs(value[shift:] - p[:n - shift])
            count[shift:] += same
            count[:n - shift] += same
        difference = np.divide(total, count, out=np.zeros(n), where=count > 0)
        confidence = abs(p - 0.5)
        return confidence, difference, 2 * confidence * (1 - difference)

    def column(self, cells, mode="all", min_quality=0, high=0.5, low=0.5):
        """Of each site: values (n) and their sum, observed calls and methylated ones, imputed calls and methylated ones, sums of their predictions and qualities."""
        keys = ("n", "sum", "observed", "methylated", "imputed", "positive", "probability", "quality")
        out = {key: np.zeros(len(self.pos)) for key in keys}
        for cell in cells:
            label, p, quality = self.label[cell], self.p[cell].astype("f8"), self.quality(cell)[2]
            seen = (label >= 0) & (mode != "imputed")
            guessed = (label < 0) & (mode != "observed") & (quality.astype("f4") >= min_quality)
            positive = guessed & (p >= high)
            called = positive | guessed & (p <= low)
            for key, value in zip(keys, (seen | guessed, np.where(seen, label, 0) + np.where(guessed, p, 0), seen, seen & (label == 1), called, positive, called * p, called * quality)):
                out[key] += value
        return out


def digests(folder):
    return {name: hashlib.sha256(open(os.path.join(folder, name), "rb").read()).hexdigest() for name in sorted(os.listdir(folder))}


def export(data, folder, *options, ranks=(1,)):
    """Exports on each number of ranks; the files must be the same. Returns the folder."""
    for number in ranks:
        run(number, "export", data.path, "--out_dir", f"{folder}_{number}", *options)
    first, *others = (digests(f"{folder}_{number}") for number in ranks)
    assert all(first == other for other in others), f"{options}: files differ between {ranks} ranks: {first} {others}"
    return f"{folder}_{ranks[0]}"
