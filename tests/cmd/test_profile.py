# SPDX-License-Identifier: MIT
"""Tests train --profile: a row for every operation and part, which add up to the whole, in the log and in the file; --timing_warmup_steps and
--max_steps. The model is the same."""
import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import refusal, run  # noqa: E402  (first: it moves to a folder of its own)

ROW = re.compile(r"^profile: (.*?) +([-\d.]+) +([-\d.]+)% +([-\d.]+) +([-\d.]+)  (\d+)$", re.M)
PARTS = ["conv_dna_pool", "conv_pool", "heads", "cutting windows", "losses and metrics", "gradients' sums", "optimiser", "agreeing", "checkpoints", "everything else"]


def check(ranks, printed):
    rows = [(name, *map(float, numbers), int(rank)) for name, *numbers, rank in ROW.findall(printed)]
    names = [name for name, *_ in rows]
    faults = [f"no row of {part}" for part in PARTS if not any(part in name for name in names)]
    faults += [] if names and names[-1] == "all" and rows[-1][1] > 0 else [f"the last row: {rows[-1:]}"]
    faults += [f"{row}: not in order, or no rank" for row in rows if not (row[3] - 1e-3 <= row[1] <= row[4] + 1e-3 and 0 <= row[5] < ranks)]
    for column, slack in ((1, 1e-3), (2, 0.1)):
        whole, parts = rows[-1][column], sum(row[column] for row in rows[:-1])
        faults += [] if abs(whole - parts) <= slack * len(rows) else [f"{parts}, not {whole} in column {column}"]
    if faults:
        sys.exit(f"FAILED: {ranks} ranks: " + "\n".join(faults) + "\n" + printed)


def read(path):
    with open(path, "rb") as file:
        return file.read()


run(1, "simulate", "--out_dir", "sim", "--nb_chromo", 2, "--chromo_len", 30000, "--nb_cell", 3, "--seed", 3)
run(1, "data", "--cpg_profiles", *sorted(glob.glob("sim/cpg/*.tsv.gz")), "--dna_files", "sim/dna", "--out_file", "s.h5")
train = ["train", "s.h5", "--train_chromos", 1, "--val_chromos", 2, "--dna_model", "CnnL2h128", "--dna_wlen", 51, "--nb_train_sample", 128, "--nb_epoch", 1, "--virtual_ranks", 6]
if "profile:" in run(2, *train, "--out_dir", "plain"):
    sys.exit("FAILED: a profile that nobody asked for")
for ranks in 1, 2, 3:
    check(ranks, run(ranks, *train, "--profile", "--out_dir", f"timed{ranks}"))
    if read("plain/model.h5") != read(f"timed{ranks}/model.h5"):
        sys.exit("FAILED: measuring changes the model")


def check_file(path, ranks, warmup, steps):
    with open(path) as file:
        timing = json.load(file)
    seconds = timing["seconds"]
    faults = [f"{key}: {timing[key]}, not {wanted}" for key, wanted in {
        "dcpg_profile": 1, "ranks": ranks, "hosts": 1, "threads": 1, "virtual_ranks": 6, "batch": 24, "outputs": 3, "warmup_steps": warmup, "steps": steps}.items() if timing[key] != wanted]
    rows = list(seconds.items()) + [(row["kind"], row) for row in timing["operations"]]
    faults += [f"{key}: {row}" for key, row in rows if not (row["least"] - 1e-8 <= row["mean"] <= row["most"] + 1e-8 and 0 <= row["slowest"] < ranks)]
    parts = sum(seconds[key]["mean"] for key in ("compute", "data", "scores", "sums", "optimiser", "agreeing", "files", "rest"))
    faults += [] if abs(parts - seconds["all"]["mean"]) < 1e-6 else [f"the parts make {parts}, all is {seconds['all']}"]
    compute = sum(row["mean"] for row in timing["operations"])
    faults += [] if abs(compute - seconds["compute"]["mean"]) < 1e-6 else [f"operations make {compute}, compute is {seconds['compute']}"]
    faults += [f"{row}: backward" for row in timing["operations"] if not 0 <= row["backward"] <= row["most"] + 1e-8]
    at = 0  # the operations' gradients tile those of the model
    for offset, count in sorted(row["gradients"] for row in timing["operations"] if row["gradients"][1]):
        faults += [] if offset == at else [f"gradients from {offset}, not {at}"]
        at = offset + count
    faults += [] if at == timing["trained"] else [f"gradients of operations: {at}, of {timing['trained']}"]
    sent = timing["traffic_per_step"]
    assert sent["network_messages"] == sent["network_bytes"] == 0  # one host
    assert (sent["memory_bytes"] >= 4 * timing["trained"]) == (timing["ranks"] > 1), sent
    times = timing["step_seconds"]
    faults += [] if len(times) == steps and min(times, default=1) > 0 and sum(times) <= 1.001 * seconds["steps"]["most"] else [f"steps: {times}, all of them {seconds['steps']}"]
    faults += [] if timing["peak_memory_bytes"] > 1e6 and seconds["opening"]["most"] > seconds["loading"]["most"] > 0 else ["no memory, or no time to read"]
    if faults:
        sys.exit(f"FAILED: {path}: " + "\n".join(faults))


# 128 sites are 6 steps of 24 an epoch. Stopped by number, and on from there: the model of a run that was not stopped.
steps = [*train, "--batch_size", 24, "--nb_epoch", 2]
run(2, *steps, "--out_dir", "whole")
for ranks in 1, 3:
    out = f"stopped{ranks}"
    printed = run(ranks, *steps, "--out_dir", out, "--profile", f"{out}.json", "--max_steps", 8, "--timing_warmup_steps", 3)
    if "stopping: --max_steps are done" not in printed:
        sys.exit(f"FAILED: not reported why it stops: {printed}")
    check_file(f"{out}.json", ranks, 3, 5)
    os.remove(f"{out}.json")
    run(ranks, "train", "--resume", out, "--max_steps", 0)
    if os.path.exists(f"{out}.json"):
        sys.exit("FAILED: a checkpoint decides which file is written")
    if read("whole/model.h5") != read(f"{out}/model.h5"):
        sys.exit(f"FAILED: {ranks} ranks: stopped by --max_steps, resumed, and another model")
printed = run(1, *steps, "--out_dir", "short", "--profile", "short.json", "--max_steps", 2, "--timing_warmup_steps", 2)
if "none was left to be timed" not in printed:
    sys.exit(f"FAILED: no warning that all steps were for warming up: {printed}")
check_file("short.json", 1, 2, 0)
run(1, *steps, "--out_dir", "again", "--profile", "short.json", "--max_steps", 3)  # its own file is replaced
check_file("short.json", 1, 0, 3)
for words, answer in (["--profile", "s.h5"], "s.h5"), (["--profile", "sim/report.json"], "sim/report.json"):
    fault = refusal(re.escape(answer), 1, *steps, "--out_dir", "refused", *words)
    if fault:
        sys.exit(f"FAILED: {' '.join(words)}: {fault}")
print("ok")
