# SPDX-License-Identifier: MIT
"""Tests train --profile: a row for every operation and part, which add up to the whole; the model is the same."""
import glob
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import run  # noqa: E402  (first: it moves to a folder of its own)

ROW = re.compile(r"^profile: (.*?) +([-\d.]+) +([-\d.]+)% +([-\d.]+) +([-\d.]+)  (\d+)$", re.M)
PARTS = ["conv_dna_pool", "conv_pool", "heads", "cutting windows", "losses and metrics", "gradients' sums", "optimiser", "agreeing", "checkpoints", "everything else"]


def check(ranks, said):
    rows = [(name, *map(float, numbers), int(rank)) for name, *numbers, rank in ROW.findall(said)]
    names = [name for name, *_ in rows]
    faults = [f"no row of {part}" for part in PARTS if not any(part in name for name in names)]
    faults += [] if names and names[-1] == "all" and rows[-1][1] > 0 else [f"the last row: {rows[-1:]}"]
    faults += [f"{row}: not in order, or no rank" for row in rows if not (row[3] - 1e-3 <= row[1] <= row[4] + 1e-3 and 0 <= row[5] < ranks)]
    for column, slack in ((1, 1e-3), (2, 0.1)):
        whole, parts = rows[-1][column], sum(row[column] for row in rows[:-1])
        faults += [] if abs(whole - parts) <= slack * len(rows) else [f"{parts}, not {whole} in column {column}"]
    if faults:
        sys.exit(f"FAILED: {ranks} ranks: " + "\n".join(faults) + "\n" + said)


def read(path):
    with open(path, "rb") as file:
        return file.read()


run(1, "simulate", "--out_dir", "sim", "--nb_chromo", 2, "--chromo_len", 30000, "--nb_cell", 3, "--seed", 3)
run(1, "data", "--cpg_profiles", *sorted(glob.glob("sim/cpg/*.tsv.gz")), "--dna_files", "sim/dna", "--out_file", "s.h5")
train = ["train", "s.h5", "--train_chromos", 1, "--val_chromos", 2, "--dna_model", "CnnL2h128", "--dna_wlen", 51, "--nb_train_sample", 128, "--nb_epoch", 1, "--virtual_ranks", 6]
if "profile:" in run(2, *train, "--out_dir", "plain"):
    sys.exit("FAILED: a profile that nobody asked for")
for ranks in 1, 2, 3:
    check(ranks, run(ranks, *train, "--profile", "--out_dir", f"told{ranks}"))
    if read("plain/model.h5") != read(f"told{ranks}/model.h5"):
        sys.exit("FAILED: measuring changes the model")
print("ok")
