# SPDX-License-Identifier: MIT
"""Text made to harm: bytes that are no text, lines, columns and names of enormous length, names that would forge lines or that no output file can have. One line each, exit code 2, within seconds."""
import gzip
import os

from hostile import run_trials, timed_refusal

trials = []


def write(name, content):
    with open(name, "wb") as file:
        file.write(content)
    return name


GENOME = write("genome.fa", b">chr1\n" + b"AACG" * 30 + b"\n")
CELL = write("cell.tsv", b"".join(b"chr1\t%d\t1\n" % p for p in range(3, 120, 4)))
with open(CELL, "rb") as file:
    SOUND = file.read()
GARBAGE = bytes(131 * k * k % 256 for k in range(1, 100000))


def refused(pattern, name, profiles=(CELL,), dna=GENOME, more=()):
    os.mkdir(f"in_{name}")  # trials run side by side: what one is writing is not left behind by another
    words = ["data", "--cpg_profiles", *profiles, "--dna_files", dna, "--out_file", "out.h5", *more]
    words = [os.path.abspath(word) if os.path.exists(word) else word for word in words]
    trials.append((name, lambda: timed_refusal(pattern, 1, *words, folder=f"in_{name}", absent=["out.h5"])))


# ---- one file as a profile, a bulk profile, annotations, sites ----
contents = {
    "garbage": GARBAGE, "cut.gz": gzip.compress(SOUND)[:60], "nul": SOUND + b"chr1\t7\t\0\n", "nuls": b"\0" * 100000, "long": b"chr1\t" + b"1" * 10_000_000 + b"\t1\n",
    "later": SOUND + b"chr1\t" + b"x" * 10_000_000 + b"\n", "columns": b"\t".join([b"1"] * 1_000_000) + b"\n", "bomb.gz": gzip.compress(b"1" * 50_000_000),
    "far": b"chr1\t99999999999999999999999\t1\n" * 20,
}
for kind, content in contents.items():
    path = write(f"{kind}.tsv" if "." not in kind else kind.replace(".", ".tsv."), content)
    refused(path, f"profile_{kind}", [path])
    for option in ("--bulk_profiles", "--anno_files", "--sites"):
        refused(path, f"{option[2:]}_{kind}", more=[option, path])

# ---- genomes ----
for kind, content, pattern in (
    ("garbage", b">1\n" + GARBAGE, "garbage.fa"), ("name", b">" + b"x" * 100_000 + b"\nACGT\n", "longer than 255"), ("escape", b">1\x1b[31m\nACGT\n", "control character"),
    ("bell", b">1\x07\nACGT\n", "control character"), ("nul", b">1\nAC\0GT\n", "nul.fa"),
):
    refused(pattern, f"genome_{kind}", dna=write(f"{kind}.fa", content))

# ---- names of cells: what export would refuse after a long training is refused here ----
for k, name in enumerate((b"x" * 100_000, b"x" * 191, b"a\x1b[2J", b"a\x07", b"a\x7f", b".hidden", b"../x")):
    refused("list\\d.txt: line 1.*(no name for a cell|holds a '/')", f"cell{k}", [write(f"list{k}.txt", name + b"\tcell.tsv\n")])
refused("no name for a cell", "cell_file", [write("a\x1b[31m.tsv", SOUND)])
refused("no name for a cell", "bulk_file", more=["--bulk_profiles", write("y" * 200 + ".tsv", SOUND)])
run_trials(trials)
