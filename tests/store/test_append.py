# SPDX-License-Identifier: MIT
"""Appending to stores: a store made of some cells, with the others appended, equals the one made of all cells at once; input that cannot be appended is refused, and leaves the store as it was.

    test_append.py [NUMBER [FIRST_SEED]]
"""
import hashlib
import os
import random
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib"), os.path.join(here, "..", "oracle")]
from program import h5py, np, refusal, run  # noqa: E402  (first: it moves to a folder of its own)
from random_data import Data  # noqa: E402

ATTRIBUTES = ("format", "version", "cpg_cov", "chromos")  # the command may differ
SITES = ("--pos_file", "--cpg_cov", "--chromos")  # fixed when a store is made


def content(path):
    """{dataset: array} of a store, with attributes."""
    found = {}
    with h5py.File(path, "r") as store:
        store.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {f"{name}@{key}": np.asarray(value) for key, value in item.attrs.items()}))
        found.update({f"@{key}": np.asarray(store.attrs[key]) for key in ATTRIBUTES if key in store.attrs})
    return found


def faults_of(path, expected_path):
    found, expected = content(path), content(expected_path)
    faults = [f"{name}: {'missing' if name in expected else 'not expected'}" for name in sorted(set(found) ^ set(expected))]
    for name in sorted(set(found) & set(expected)):
        a, b = found[name], expected[name]
        same = a.dtype == b.dtype and a.shape == b.shape and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        faults += [] if same else [f"{name}: {a.dtype} {a.shape}, not {b.dtype} {b.shape}" if a.shape != b.shape else f"{name}: differs"]
    return faults


def by_option(words):
    """{option: its values}"""
    options = {}
    for word in map(str, words):
        if word.startswith("--"):
            values = options[word] = []
        else:
            values.append(word)
    return options


def to_words(options):
    return [word for option, values in options.items() for word in (option, *values)]


def halves(options, rng):
    """Options for a store of some of the cells, and for the rest; the latter need the whole genome, as its chromosomes may be new, and the annotations again."""
    cells = rng.sample(options["--cpg_profiles"], len(options["--cpg_profiles"]))
    some = rng.randint(1, len(cells) - 1)
    first = {**options, "--cpg_profiles": cells[:some]}
    second = {option: values for option, values in options.items() if option not in SITES}
    second["--cpg_profiles"] = cells[some:]
    if rng.random() < 0.5:  # statistics are offered from the start, or later
        first = {option: values for option, values in first.items() if "_stats" not in option}
    return first, second


def one(seed):
    """Makes a data set at once and in two steps; returns whether it has sites."""
    folder = f"set{seed}"
    os.mkdir(folder)
    os.chdir(folder)
    rng = random.Random(seed)
    options = by_option(Data(seed).words)
    if len(options["--cpg_profiles"]) < 2:
        os.chdir("..")
        return 0
    first, second = halves(options, rng)
    try:
        run(1 + seed % 3, "data", *to_words(first), "--out_file", "grown.h5")
    except SystemExit as refused:  # the cells chosen have no site, or none on a chromosome of --chromos
        if "no site is left" not in str(refused) and "holds a call" not in str(refused) and "no call is left" not in str(refused):
            raise
        os.chdir("..")
        return 0
    run(1, "data", *to_words(options), "--out_file", "whole.h5")
    run(1 + (seed + 1) % 3, "data", "--append", *to_words(second), "--out_file", "grown.h5")
    faults = faults_of("grown.h5", "whole.h5")
    if faults:
        sys.exit(f"FAILED: seed {seed}: {' '.join(to_words(first))}\nand {' '.join(to_words(second))}:\n" + "\n".join(faults[:8]))
    os.chdir("..")
    return 1


def write(path, text):
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def by_hand():
    """The store's own genome; new positions; its bulk profiles and annotations; what is refused."""
    os.mkdir("by_hand")
    os.chdir("by_hand")
    write("genome.fa", ">1\n" + "ACG" * 10 + "\n")
    write("other.fa", ">1\n" + "ACG" * 9 + "TTT\n")
    write("a.tsv", "1\t2\t1\n1\t5\t0\n")
    write("b.tsv", "1\t5\t1\n1\t8\t1\n2\t8\t1\n")
    write("tissue.tsv", "1\t2\t0.25\n1\t8\t0.75\n")
    write("island.bed", "1\t1\t6\n")
    run(2, "data", "--cpg_profiles", "a.tsv", "--dna_files", "genome.fa", "--bulk_profiles", "tissue.tsv", "--out_file", "store.h5")
    printed = run(2, "data", "--append", "--cpg_profiles", "b.tsv", "--out_file", "store.h5")
    with h5py.File("store.h5", "r") as store:
        faults = [] if store["positions/pos"][()].tolist() == [2, 5, 8] else ["positions"]
        faults += [] if np.array_equal(store["bulk/value"][()], np.float32([[0.25, np.nan, np.nan]]), equal_nan=True) else ["bulk"]
        faults += [] if store.attrs["command"].decode().count("dcpg data") == 2 else [f"command: {store.attrs['command']}"]
    faults += [] if "1 calls lie on contigs" in printed and "no values at the 1 new position" in printed else [f"messages: {printed}"]
    run(3, "data", "--append", "--bulk_profiles", "tissue.tsv", "--anno_files", "island.bed", "--cpg_stats", "mean", "--out_file", "store.h5")
    with h5py.File("store.h5", "r") as store:
        faults += [] if np.array_equal(store["bulk/value"][()], np.float32([[0.25, np.nan, 0.75]]), equal_nan=True) else ["bulk given again"]
        faults += [] if store["annos/inside"][()].tolist() == [[3]] else ["annotation"]
        faults += [] if store["stats/cpg"][()].tolist() == [b"mean"] else ["statistics"]
    before = digest("store.h5")
    write("c.tsv", "1\t11\t1\n")
    write("sites.txt", "1\t2\n")
    store = ["--out_file", "store.h5"]
    for pattern, words in (
        ("names the cell b", ["--cpg_profiles", "b.tsv", *store]),
        ("annotations do not cover", ["--cpg_profiles", "c.tsv", *store]),
        ("is another than that", ["--cpg_profiles", "c.tsv", "--dna_files", "other.fa", *store]),
        ("nothing to append", store),
        ("no such store", ["--cpg_profiles", "c.tsv", "--out_file", "none.h5"]),
        ("leave --pos_file out", ["--cpg_profiles", "c.tsv", "--pos_file", "sites.txt", *store]),
        ("leave --cpg_cov out", ["--cpg_profiles", "c.tsv", "--cpg_cov", 2, *store]),
        ("not an HDF5 file", ["--cpg_profiles", "c.tsv", "--out_file", "genome.fa"]),
        ("--out_file", ["--cpg_profiles", "c.tsv", "--out_dir", "dir"]),
    ):
        fault = refusal(pattern, 3, "data", "--append", *words, absent=("none.h5", "dir"))
        faults += [f"{' '.join(map(str, words))}: {fault}"] if fault else []
    faults += [] if digest("store.h5") == before else ["a refusal changed the store"]
    if faults:
        sys.exit("FAILED: by hand:\n" + "\n".join(faults))
    os.chdir("..")


def main():
    number, first = (int(sys.argv[k]) if len(sys.argv) > k else default for k, default in ((1, 8), (2, 0)))
    by_hand()
    done = sum(one(seed) for seed in range(first, first + number))
    print(f"{done} stores in two steps: the same as in one")
    if 3 * done < number:
        sys.exit("FAILED: few data sets had sites")


main()
