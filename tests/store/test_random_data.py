# SPDX-License-Identifier: MIT
"""DeepCpG data files made from random profiles are compared with those of deepcpg_files.py (whose every number check_deepcpg_files.py verifies).

Every data set has many chromosomes, each a small case of its own: the first and the last position, one site, no site, runs of N, lower case, calls far apart; cells without a chromosome, without any
call, binary or continuous; files in any order. On 1 to 4 ranks, straight into files, and through a store.
    test_random_data.py [NUMBER [FIRST_SEED]]
"""
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib"), os.path.join(here, "..", "oracle")]
from program import run  # noqa: E402  (first: it moves to a folder of its own)
import deepcpg_files  # noqa: E402
from random_data import Data  # noqa: E402

def check(folder, expected, what):
    faults = deepcpg_files.compare(folder, expected)
    if faults:
        sys.exit(f"FAILED: {what}:\n" + "\n".join(faults[:8]))


def one(seed):
    """Checks one data set; returns the number of cases in it (chromosomes with sites)."""
    folder = f"set{seed}"
    os.mkdir(folder)
    os.chdir(folder)
    data = Data(seed)
    wanted = deepcpg_files.from_options([str(word) for word in data.words + data.windows])
    expected = deepcpg_files.files(wanted)
    ranks = 1 + seed % 4
    what = f"seed {seed}, {ranks} ranks, {' '.join(map(str, data.words + data.windows))}"
    if not expected:  # no site is left: nothing to compare
        os.chdir("..")
        return 0
    if seed % 2:
        run(ranks, "data", *data.words, *data.windows, "--out_dir", "straight")
        check("straight", expected, what)
    else:
        run(ranks, "data", *data.words, "--out_file", "store.h5")
        run(1 + (seed + 1) % 3, "convert", "store.h5", *data.windows, "--out_dir", "converted")
        check("converted", expected, what + ", through a store")
    os.chdir("..")
    return len({name.split("_")[0] for name in expected})


def main():
    number, first = (int(sys.argv[k]) if len(sys.argv) > k else default for k, default in ((1, 36), (2, 0)))
    cases = sum(one(seed) for seed in range(first, first + number))
    print(f"{number} data sets with {cases} chromosomes: equal")
    if cases < 3 * number:
        sys.exit("FAILED: too few cases: the generator is broken")


main()
