# SPDX-License-Identifier: MIT
"""Names of chromosomes are looked up, not searched one by one: four times as many take about four times as long.

Run by bench/run.sh; needs DCPG_PROGRAM."""
import os
import resource
import subprocess
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "tests", "lib")]
from program import DCPG, h5py, np  # noqa: E402  (first: it moves to a folder of its own)

faults = []


def seconds(*words):
    """Of all cores that the command used: others may be at work on this machine."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run([DCPG, *words], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"FAILED: exit code {done.returncode}: {words[0]}: {done.stderr[-500:]}")
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before


def names(n):
    return [f"scaffold_{i:07d}" for i in range(n)]


def linear(what, n, command):
    """command(n) prepares and gives the words. A quadratic search would make it 16 times, or more than 6 with what is linear."""
    ratios = []
    for _ in range(3): # the first that is as it should be counts
        few, many = (seconds(*command(k)) for k in (n, 4 * n))
        ratios.append(many / few)
        if many < 6 * few:
            print(f"{what}: {n} names {few:.2f} s, {4 * n} names {many:.2f} s")
            return
    faults.append(f"{what}: {4 * n} names take {ratios} times as long as {n}")


def profile(n):
    with open("p.tsv", "w") as file:
        for name in names(n):
            file.write(f"{name}\t11\t1\n{name}\t31\t0\n")
    return ("data", "--cpg_profiles", "p.tsv", "--out_file", "s.h5", "--chromos", *names(n)[:n // 2])


def deepcpg(n):
    with h5py.File("d.h5", "w") as file:
        file["chromo"] = np.repeat(np.array([name.encode() for name in names(n)]), 2)
        file["pos"] = np.tile(np.array([101, 151], "i4"), n)
        file["outputs/cpg/a"] = np.tile(np.array([0, 1], "i1"), n)
    return "d.h5"


linear("data --chromos without a genome", 25000, profile)
linear("stats of DeepCpG files", 8000, lambda n: ("stats", deepcpg(n)))
linear("convert", 4000, lambda n: ("convert", deepcpg(n), "--out_file", "c.h5"))
for line in faults:
    print(f"FAILED: {line}")
sys.exit(1 if faults else 0)
