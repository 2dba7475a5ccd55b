# SPDX-License-Identifier: MIT
"""dcpg and PyTorch, model by model, one after the other on the same machine: samples per second and ratios.

    compare.py BENCH_MODELS [--rounds N] [--seconds S] [--threads N] [--models MODEL ...]
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# What is reached for: times PyTorch's speed, training and prediction.
FLOORS = {
    "CnnL1h128": (6, 6), "CnnL2h128": (5, 4.5), "CnnL3h128": (4, 4), "CnnRnn01": (6, 8), "ResNet01": (2.5, 2.5), "ResNet02": (2.5, 2.5), "ResAtrous01": (2.5, 2.5),
    "ResConv01": (2.2, 2.2), "RnnL1": (1.8, 1.8), "RnnL2": (1.8, 1.8), "FcAvg": (2, 2), "CnnL2h128+RnnL1+JointL2h512": (3.3, 3.3),
}


# PyTorch allocates in every step. Where the kernel is slow to hand out pages, as in some virtual machines, this makes it several times as fast.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": "100000000000", "MALLOC_TOP_PAD_": "1000000000"}


def run(words, threads, **more):
    done = subprocess.run(words, capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS=str(threads), **more))
    if done.returncode:
        sys.exit(f"{' '.join(words)}: exit code {done.returncode}\n{done.stderr[-2000:]}")
    return done.stdout


def ours(bench, model, path, options):
    printed = run([bench, model, "--batch", "128", "--seconds", str(options.seconds), "--model_json", path], options.threads)
    if "PASS" not in printed:
        sys.exit(f"{model}: the residual is too large: {printed}")
    train, predict, parameters = re.search(r"train +([\d.]+) .*predict +([\d.]+) .*?(\d+) parameters", printed).groups()
    return {"train": float(train), "predict": float(predict), "parameters": int(parameters)}


def theirs(path, options):
    return json.loads(run([sys.executable, os.path.join(HERE, "torch_speed.py"), path, "128", str(options.threads), str(options.seconds)], options.threads, **KEEP_MEMORY))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bench")
    parser.add_argument("--models", nargs="+", default=list(FLOORS), metavar="MODEL")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print(f"| model, {options.threads} threads | train, dcpg | PyTorch | times | reach | predict, dcpg | PyTorch | times | reach |\n|---|---|---|---|---|---|---|---|---|", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "model.json")
        for model in options.models:
            rounds = [(ours(options.bench, model, path, options), theirs(path, options)) for _ in range(options.rounds)]
            a, b = rounds[0][0]["parameters"], rounds[0][1]["parameters"]
            # PyTorch's GRU has a second bias in each direction.
            if not a <= b <= 1.01 * a:
                sys.exit(f"{model}: {a} parameters here, {b} in PyTorch: not the same model")
            cells = []
            for mode, floor in zip(("train", "predict"), FLOORS.get(model, (0, 0))):
                ratio = statistics.median(x[mode] / y[mode] for x, y in rounds)
                cells += [f"{statistics.median(x[mode] for x, _ in rounds):.0f}", f"{statistics.median(y[mode] for _, y in rounds):.0f}", f"{ratio:.1f}", f"{floor or ''}{'' if ratio >= floor else ' (missed)'}"]
            print(f"| {model} | {' | '.join(cells)} |", flush=True)


main()
