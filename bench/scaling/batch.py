#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Sites that a model must see until it reaches an AUC, for several batch sizes. Called by batch.sh.

    batch.py run   --program DCPG --store FILE --work DIR --points FILE [choice of points]
    batch.py table --points FILE --table FILE --plot FILE

A point is one training, of a model, a batch and a seed, in pieces: after each, the weights are scored on
sites that are not trained on, until the AUC is reached. The points' file gets one line of JSON per point,
with the whole curve. Points that are in it are not run again; one that was interrupted goes on."""
import argparse
import json
import math
import os
import re
import shutil
import subprocess
import sys
import time

MODELS = {
    "FcAvg": dict(words=["--cpg_model", "FcAvg"], auc=0.78, most=8000000),
    "CnnL1h128": dict(words=["--dna_model", "CnnL1h128", "--dna_wlen", 201], auc=0.695, most=8000000),
    "RnnL1": dict(words=["--cpg_model", "RnnL1"], auc=0.80, most=4000000),
}
BATCHES = [128, 512, 2048, 8192, 32768]
TRAINED, SCORED = ["1", "2", "3", "4"], ["5"]


def settings(batch):
    """What jobs/README.md recommends."""
    if batch <= 128:
        return "--learning_rate 0.001"
    scaled = "--lr_scaling sqrt --warmup_steps 10"
    lamb = 0.0075 if batch < 32768 else 0.00375  # with 0.0075 FcAvg learns to 0.76 at 32,768, and diverges
    optimiser = "--learning_rate 0.001" if batch < 8192 else f"--optimizer lamb --learning_rate {lamb}"
    return f"{optimiser} {scaled}"


def key(point):
    return point["model"], point["batch"], point["seed"], point["settings"], point["store"]


def read_points(path):
    if not os.path.exists(path):
        return []
    with open(path) as f:
        return [json.loads(line) for line in f if line.strip()]


# ---- running ----

def call(program, words, folder):
    with open(f"{folder}/last.log", "w") as log:
        done = subprocess.run([program, *map(str, words)], stdout=log, stderr=subprocess.STDOUT)
    if done.returncode:
        with open(f"{folder}/last.log") as log:
            command = " ".join(map(str, [program, *words]))
            sys.exit(f"exit code {done.returncode}: {command}\n{log.read()[-2000:]}")


def score(o, folder):
    """Mean AUC of the cells with the weights of the last step."""
    model = [f"{folder}/model/model.json", f"{folder}/model/model_weights_train.h5"]
    call(o.program, ["eval", o.store, "--chromos", *SCORED, "--nb_sample", o.scored, "--model_files", *model,
                     "--out_report", f"{folder}/report.tsv", "--force"], folder)
    with open(f"{folder}/report.tsv") as f:
        rows = [line.rstrip("\n").split("\t") for line in f]
    values = [float(x) for metric, output, x in rows[1:] if metric == "auc" and output.startswith("cpg/")]
    if not values:
        sys.exit(f"{folder}/report.tsv: no AUC of a cell")
    return sum(values) / len(values)


def next_stop(done, batch, first):
    """Sites after the next piece: four tenths more than before, in whole batches."""
    return math.ceil(max(first, done + batch, done * 1.4) / batch) * batch


def run_point(o, point, target, most):
    """Runs or goes on with a point, until it is done; its curve lies beside its model."""
    name = "-".join(str(point[part]) for part in ("model", "batch", "seed"))
    folder = f"{o.work}/{name}"
    state = f"{folder}/curve.json"
    curve, epoch = [], None
    if os.path.exists(state):
        with open(state) as f:
            kept = json.load(f)
        if kept["settings"] == point["settings"]:
            curve, epoch = kept["curve"], kept["epoch"]
    if not curve:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    model = f"{folder}/model"
    words = ["train", o.store, "--train_chromos", *TRAINED, *MODELS[point["model"]]["words"],
             "--batch_size", point["batch"], "--virtual_ranks", 8, "--seed", point["seed"],
             "--nb_epoch", 100000, "--early_stopping", 0, "--checkpoint_minutes", 0, "--keep_checkpoints", 1,
             *point["settings"].split()]
    started = time.time()
    while (not curve or curve[-1][1] < target) and (not curve or curve[-1][0] < most):
        done = curve[-1][0] if curve else 0
        stop = next_stop(done, point["batch"], o.first)
        # A piece is as many steps as it takes; a resumed run knows how many it has made.
        call(o.program, [*words, "--resume", model, "--max_steps", (stop - done) // point["batch"]], folder)
        with open(f"{folder}/last.log") as log:
            epoch = int(re.search(r"training on (\d+) sites", log.read()).group(1))
        curve.append([stop, round(score(o, folder), 5)])
        with open(f"{state}.new", "w") as f:
            json.dump(dict(settings=point["settings"], epoch=epoch, curve=curve), f)
        os.replace(f"{state}.new", state)
    shutil.rmtree(folder)
    print(f"{name}: AUC {curve[-1][1]:.4f} after {curve[-1][0]:,} sites, {time.time() - started:.0f} s "
          f"({point['settings']})", flush=True)
    return dict(point, epoch=epoch, target=target, reached=curve[-1][1] >= target, curve=curve)


def run(o):
    end = time.time() + 60 * o.minutes
    there = {key(point) for point in read_points(o.points)}
    # Cheap points first, so that an end by time leaves out what costs most: seeds of large batches.
    for seed in o.seeds:
        for batch in o.batches:
            for model in o.models:
                chosen = MODELS[model]
                point = dict(model=model, batch=batch, seed=seed, settings=o.settings or settings(batch),
                             store=os.path.basename(o.store))
                if key(point) in there:
                    continue
                if time.time() > end:
                    print(f"{model}, batch {batch}, seed {seed}: not run, the time is over", flush=True)
                    continue
                point = run_point(o, point, o.auc or chosen["auc"], o.most or chosen["most"])
                with open(o.points, "a") as f:
                    f.write(json.dumps(point) + "\n")


# ---- table and plot ----

def sites_to(curve, target):
    """Where the curve first reaches the target, between scores by the logarithm of sites; None: nowhere."""
    before = None
    for sites, auc in curve:
        if auc >= target:  # scores go up and down a little: the first time counts
            if before is None:
                return sites
            share = (target - before[1]) / (auc - before[1])
            return round(math.exp(math.log(before[0]) + share * (math.log(sites) - math.log(before[0]))))
        before = sites, auc
    return None


def row_of(points, model, batch, words):
    """A row of the table: the points of a model, a batch and its settings."""
    some = [p for p in points if (p["model"], p["batch"], p["settings"]) == (model, batch, words)]
    target = MODELS[model]["auc"] if batch in BATCHES and not some else max(p["target"] for p in some)
    sites = sorted(s for s in (sites_to(p["curve"], target) for p in some) if s)
    return dict(model=model, batch=batch, settings=words, recommended=words == settings(batch), target=target,
                seeds=len(some), sites=sites, epoch=max((p["epoch"] for p in some), default=1),
                first=any(p["curve"][0][1] >= target for p in some),
                most=max((p["curve"][-1][0] for p in some), default=0))


def rows_of(points):
    """A row for every model and batch with the recommended settings, and for all others that were tried."""
    keys = [(model, batch, settings(batch)) for model in MODELS for batch in BATCHES]
    tried = {(p["model"], p["batch"], p["settings"]) for p in points}
    order = {model: number for number, model in enumerate(MODELS)}
    every = sorted(tried | set(keys), key=lambda k: (order[k[0]], k[1], k[2] != settings(k[1]), k[2]))
    return [row_of(points, *k) for k in every]


def median(values):
    middle = len(values) // 2
    return values[middle] if len(values) % 2 else (values[middle - 1] + values[middle]) / 2


def note(row, wanted):
    """What a reader must know about a row."""
    notes = [] if row["recommended"] else ["not recommended"]
    if row["seeds"] == 0:
        notes.append("not run")
    elif row["seeds"] < wanted:
        notes.append(f"{row['seeds']} of {wanted} seeds run")
    if len(row["sites"]) < row["seeds"]:
        notes.append(f"{row['seeds'] - len(row['sites'])} did not reach it in {row['most']} sites")
    if row["first"]:
        notes.append("reached by the first score, perhaps earlier")
    return "; ".join(notes)


COLUMNS = ["model", "auc", "batch", "seeds", "sites", "sites_least", "sites_most", "epochs", "steps",
           "sites_against_128", "settings", "note"]


def write_table(o, rows):
    with open(o.table, "w") as f:
        f.write("\t".join(COLUMNS) + "\n")
        bases = {r["model"]: r for r in rows if r["batch"] == 128 and r["recommended"]}
        for row in rows:
            first = bases[row["model"]]
            values = [""] * 6
            if row["sites"]:
                sites = median(row["sites"])
                against = f"{sites / median(first['sites']):.2f}" if first["sites"] else ""
                values = [f"{sites:.0f}", row["sites"][0], row["sites"][-1], f"{sites / row['epoch']:.3f}",
                          f"{sites / row['batch']:.0f}", against]
            cells = [row["model"], row["target"], row["batch"], len(row["sites"]), *values, row["settings"],
                     note(row, len(o.seeds))]
            f.write("\t".join(map(str, cells)) + "\n")


def plot(o, rows):
    """Sites and steps to the AUC against the batch, axes logarithmic; a dot for every seed, lines through
    medians; recommended settings only."""
    rows = [r for r in rows if r["recommended"]]
    colours = dict(zip(MODELS, ("#0072b2", "#d55e00", "#009e73")))
    out = ['<svg xmlns="http://www.w3.org/2000/svg" width="900" height="400" font-family="sans-serif" '
           'font-size="13">', '<rect width="900" height="400" fill="white"/>']
    out += panel(rows, colours, 70, "sites to the AUC", lambda sites, batch: sites)
    out += panel(rows, colours, 520, "steps to the AUC", lambda sites, batch: sites / batch)
    with open(o.plot, "w") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")


def panel(rows, colours, left, title, value):
    """Elements of one picture, whose left edge is at `left`; value(sites, batch): what it shows."""
    top, width, height = 40, 340, 300
    values = [value(s, r["batch"]) for r in rows for s in r["sites"]] or [1, 10]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))

    def x(batch):
        return round(left + width * (math.log2(batch) - 6.5) / 9, 1)

    def y(v):
        return round(top + height * (high - math.log10(v)) / max(1, high - low), 1)

    def text(at, down, words, anchor="middle", more=""):
        return f'<text x="{at}" y="{down}" text-anchor="{anchor}"{more}>{words}</text>'

    out = [text(left, top - 14, title, "start", ' font-weight="bold"'),
           f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="none" stroke="#888"/>',
           text(left + width / 2, top + height + 38, "batch")]
    out += [text(x(batch), top + height + 18, batch) for batch in BATCHES]
    for v in (10**power for power in range(low, high + 1)):
        out.append(f'<line x1="{left}" x2="{left + width}" y1="{y(v)}" y2="{y(v)}" stroke="#ddd"/>')
        out.append(text(left - 6, y(v) + 4, f"{v:,}", "end"))
    for number, (model, colour) in enumerate(colours.items()):
        mine = [r for r in rows if r["model"] == model and r["sites"]]
        line = " ".join(f'{x(r["batch"])},{y(value(median(r["sites"]), r["batch"]))}' for r in mine)
        out.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        out += [f'<circle cx="{x(r["batch"])}" cy="{y(value(s, r["batch"]))}" r="3.5" fill="{colour}"/>'
                for r in mine for s in r["sites"]]
        if mine:
            words = f'{model}, AUC {mine[0]["target"]}'
            out.append(text(left + 12, top + 20 + 18 * number, words, "start", f' fill="{colour}"'))
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["run", "table"])
    parser.add_argument("--program")
    parser.add_argument("--store")
    parser.add_argument("--work")
    parser.add_argument("--points", required=True)
    parser.add_argument("--table")
    parser.add_argument("--plot")
    parser.add_argument("--models", nargs="+", default=list(MODELS), choices=list(MODELS))
    parser.add_argument("--batches", nargs="+", type=int, default=BATCHES)
    parser.add_argument("--seeds", nargs="+", type=int, default=[1, 2, 3])
    parser.add_argument("--settings", help="options of dcpg train, instead of the recommended ones")
    parser.add_argument("--auc", type=float, help="instead of the models' own")
    parser.add_argument("--most", type=int, help="give a training up after so many sites")
    parser.add_argument("--first", type=int, default=1024, help="sites before the first score")
    parser.add_argument("--scored", type=int, default=6000, help="sites to score")
    parser.add_argument("--minutes", type=float, default=1e9, help="begin no point after so many")
    o = parser.parse_args()
    if o.what == "run":
        run(o)
        return
    rows = rows_of(read_points(o.points))
    write_table(o, rows)
    plot(o, rows)


if __name__ == "__main__":
    main()
