# SPDX-License-Identifier: MIT
"""Reads DeepCpG data files: those written by deepcpg_files.py (unknown bases replaced, as DeepCpG does) become a store, and the files made from that store have the same content.

    test_deepcpg_read.py [NUMBER [FIRST_SEED]]
"""
import glob
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib"), os.path.join(here, "..", "oracle")]
from program import np, run  # noqa: E402  (first: it moves to a folder of its own)
import deepcpg_files  # noqa: E402
from random_data import Data  # noqa: E402


def cov_of(words):
    """Parameters of statistics, which the files do not hold."""
    return words[(at := words.index("--cpg_stats_cov")):at + 2] if "--cpg_stats_cov" in words else []


def is_exact(arrays):
    """Fractions come back rounded to half precision, or to labels where they are no row's neighbour: their statistics do not come back."""
    return all(array.dtype.kind in "iu" for path, array in arrays.items() if path.endswith("/state"))


def what_returns(expected):
    if all(map(is_exact, expected.values())):
        return expected
    return {name: {path: array for path, array in arrays.items() if not path.startswith(("outputs/cpg_stats", "outputs/win_stats"))} for name, arrays in expected.items()}


def one(seed):
    folder = f"set{seed}"
    os.mkdir(folder)
    os.chdir(folder)
    data = Data(seed, near=True)
    words = [str(word) for word in data.words + data.windows]
    expected = what_returns(deepcpg_files.files(deepcpg_files.from_options(words)))
    deepcpg_files.write("files", expected, np.random.default_rng(seed))
    if expected:
        run(1 + seed % 3, "convert", *sorted(glob.glob("files/*.h5")), "--out_file", "store.h5", *cov_of(words))
        run(1 + (seed + 1) % 3, "convert", "store.h5", *data.windows, "--out_dir", "again")
        faults = deepcpg_files.compare("again", expected)
        if faults:
            sys.exit(f"FAILED: seed {seed}: {' '.join(words)}:\n" + "\n".join(faults[:8]))
    os.chdir("..")
    return len(expected)


def main():
    number, first = (int(sys.argv[k]) if len(sys.argv) > k else default for k, default in ((1, 12), (2, 100)))
    print(sum(one(seed) for seed in range(first, first + number)), "files: there and back")


main()
