# SPDX-License-Identifier: MIT
"""DeepCpG data files written by `dcpg data --out_dir` and `dcpg convert` are compared with NumPy on the raw files: every array, all statistics, window statistics and annotations; on 1, 2 and 3 ranks.

    test_deepcpg_written.py [whole]        whole: all sites of the shared data sets (minutes) instead of a part of each
"""
import glob
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib"), os.path.join(here, "..", "oracle")]
from program import SHARED, run  # noqa: E402  (first: it moves to a folder of its own)
import deepcpg_files  # noqa: E402

WHOLE = "whole" in sys.argv[1:]
WINDOWS = "--cpg_wlen", "--dna_wlen", "--chunk_size"
EVERY = ["--cpg_stats", *deepcpg_files.STATS, "--win_stats", *deepcpg_files.STATS]


def split(words):
    """Options of `dcpg data`: those for the content of a store, and those for cutting windows."""
    store, windows = [], []
    for word in words:
        if word.startswith("--"):
            to = windows if word in WINDOWS else store
        to.append(word)
    return store, windows


def written(ranks, words):
    """The folders that `dcpg data` writes directly, and `dcpg convert` from a store of the same data."""
    store, windows = split(words)
    folders = [f"data{ranks}", f"convert{ranks}"]
    run(ranks, "data", *words, "--out_dir", folders[0])
    run(ranks % 3 + 1, "data", *store, "--out_file", "store.h5")
    run(ranks, "convert", "store.h5", *windows, "--out_dir", folders[1])
    return folders


def check(what, words, fasta=(), ranks=(1,)):
    """fasta: the files of a folder given as --dna_files."""
    os.mkdir(what)
    os.chdir(what)
    expected = deepcpg_files.files(deepcpg_files.from_options(words + (["--dna_files", *fasta] if fasta else [])))
    for n in ranks:
        for folder in written(n, words):
            faults = deepcpg_files.compare(folder, expected)
            if faults:
                sys.exit(f"FAILED: {what}, {n} ranks, {folder}: {len(faults)} faults\n" + "\n".join(faults[:20]))
    print(f"{what}: {len(expected)} files, {sum(a.size for f in expected.values() for a in f.values())} numbers: equal", flush=True)
    os.chdir("..")


def simulated():
    """A small data set of our own, so that the test is useful without the shared data."""
    run(1, "simulate", "--out_dir", "sim", "--nb_chromo", 3, "--chromo_len", 40000, "--nb_cell", 7, "--seed", 2)
    with open("genes.bed", "w") as bed:
        bed.write("track name=genes\n# chrom start end\nchr1\t100\t9000\n1\t8000\t8100\tin another\n2\t0\t1\nchr3\t39000\t50000\nchr77\t1\t2\n")
    cells = sorted(glob.glob(os.path.abspath("sim/cpg/*")))
    fasta = sorted(glob.glob(os.path.abspath("sim/dna/*")))
    words = ["--cpg_profiles", *cells[:-1], "--bulk_profiles", cells[-1], "--anno_files", os.path.abspath("genes.bed"), "--dna_files", os.path.abspath("sim/dna")]
    check("simulated", words + EVERY + ["--win_stats_wlen", "201", "3001", "--dna_wlen", "1001", "--cpg_wlen", "50"], fasta, (1, 2, 3))
    check("chunks", words + ["--chunk_size", "100", "--dna_wlen", "3", "--cpg_wlen", "2", "--cpg_cov", "3", "--chromos", "3", "1"], fasta, (2,))
    check("defaults", words, fasta, (3,))


def some_sites(path, every, to):
    """Writes a file with every n-th site of a profile."""
    sites = deepcpg_files.read_profile(path)
    with open(to, "w") as file:
        file.writelines(f"{chromo}\t{p}\n" for chromo, (pos, _) in sites.items() for p in pos[::every])
    return os.path.abspath(to)


def shared():
    data = os.path.join(SHARED, "data")
    cells = sorted(glob.glob(f"{data}/sim20/cpg/*"))
    dna = sorted(glob.glob(f"{data}/sim20/dna/*"))
    annos = ["--anno_files", *sorted(glob.glob(f"{data}/sim20/anno/*"))]
    sites = [] if WHOLE else ["--pos_file", some_sites(cells[0], 3, "sim20.sites")]
    check("sim20", ["--cpg_profiles", *cells, "--dna_files", f"{data}/sim20/dna", *annos, *EVERY, *sites], dna, (1, 2, 3) if WHOLE else (2,))
    words = ["--cpg_profiles", *sorted(glob.glob(f"{data}/bs/BS2*")), "--anno_files", f"{data}/bs/CGI.bed.gz", f"{data}/bs/exons.bed.gz", *EVERY, "--cpg_stats_cov", "1"]
    check("bs", words, (), (1, 2, 3) if WHOLE else (3,))
    first, second = sorted(glob.glob(f"{data}/hs1/cpg/*"))
    sites = [] if WHOLE else ["--pos_file", some_sites(first, 29, "hs1.sites")]
    words = ["--cpg_profiles", first, "--bulk_profiles", second, "--dna_files", f"{data}/hs1/dna", "--dna_wlen", "501", *EVERY, "--cpg_stats_cov", "1", *sites]
    check("hs1", words, sorted(glob.glob(f"{data}/hs1/dna/*")), (1, 2, 3) if WHOLE else (2,))
    words = ["--cpg_profiles", first, second, "--cpg_wlen", "10", *EVERY, "--win_stats_wlen", "101", "--cpg_stats_cov", "1", "--cpg_cov", "2"]
    check("hs1 as cells", words, (), (1, 2, 3) if WHOLE else (1,))
    cells = sorted(glob.glob(f"{data}/hs19/cpg/*"))
    sites = [] if WHOLE else ["--pos_file", some_sites(cells[1], 9, "hs19.sites")]
    check("hs19", ["--cpg_profiles", *cells, *EVERY, *sites], (), (1, 2, 3) if WHOLE else (3,))


simulated()
if os.path.isdir(os.path.join(SHARED, "data", "sim20")):
    shared()
else:
    print(f"no data in '{SHARED}' (set DCPG_SHARED): simulated data only")
