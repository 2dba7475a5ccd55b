# SPDX-License-Identifier: MIT
"""Compares predictions of model.py with simulated clusters and with real training steps. Used by check.sh, which measures.

    check.py TABLE.tsv OUT [MEASURED]     TABLE.tsv: of bench/scaling/smpi/table.sh; MEASURED: a folder with NAME.exchange.json, what bench_exchange printed in the
                                          surroundings NAME, and MODEL.NAME.LAUNCH.json, profiles of training steps there; "one" is a rank alone

Writes OUT.tsv and, of MEASURED, OUT.json with the parameters of this machine's surroundings, which predict.py --parameters takes. Without MEASURED rows of real steps in
OUT.tsv stay.
"""
import csv
import glob
import json
import math
import os
import statistics
import sys

import model
import predict

PLACES = {"two": "2 ranks, one host", "four": "4 ranks on 2 cores", "rate": "2 hosts, 1 Gbit/s", "delay": "2 hosts, 500 Mbit/s and 1 ms"}  # of check.sh
COLUMNS = ["against", "what", "predicted_ms", "measured_ms", "error_percent", "aim_percent"]
HERE = os.path.dirname(os.path.abspath(__file__))
RESULTS = os.path.join(HERE, "..", "..", "results")


def line(against, what, predicted, measured, aim):
    return dict(zip(COLUMNS, [against, what, f"{predicted:.4g}", f"{measured:.4g}", f"{100 * (predicted / measured - 1):+.1f}", aim]))


# ---- simulated clusters

def read_ready(name):
    """(offset, count, seconds) of a file for run.sh --profile."""
    with open(os.path.join(RESULTS, name)) as file:
        numbers = [line.split() for line in file if line.strip() and not line.startswith("#")]
    return [(int(offset), int(count), 1e-3 * float(ms)) for offset, count, ms in numbers]


def simulated(table, parameters):
    """Rows of the flat network, which is the one that the model knows."""
    rows = []
    with open(table) as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["platform"] != "flat" or not row["gradients_ms"]:
                continue
            ranks, per_host, floats, sums = (int(row[key]) for key in ("ranks", "ranks_per_host", "floats", "sums"))
            words, host = row["options"].split(), {**parameters["hosts"]["smpi"], "ranks_per_host": per_host}
            ready = read_ready(words[words.index("--profile") + 1]) if "--profile" in words else []
            gradients, small = model.exchange(floats, sums, ranks, host, parameters["networks"]["smpi"], ready)
            what = f"{ranks} ranks, {per_host} a host: "
            rows.append(line("SMPI", f"{what}{floats} gradients{' as they become ready' * bool(ready)}", 1e3 * gradients, float(row["gradients_ms"]), 20))
            if sums:
                rows.append(line("SMPI", f"{what}{sums} sums of 512 doubles", 1e3 * small, float(row["sums_ms"]), 20))
    return rows


# ---- real steps

def rate_of(predicted, us):
    """Where predicted(us_a_byte) reaches `us`: bisection, as more per byte takes longer."""
    low, high = 1e-6, 1.0
    for _ in range(50):
        middle = math.sqrt(low * high)
        low, high = (middle, high) if predicted(middle) < us else (low, middle)
    return low


def surroundings(m, jitter):
    """A host and a network of parameters.json, from what bench_exchange measured: latencies of its small sums, the rate of its largest sum of gradients."""
    ranks, stages, per_host = m["ranks"], math.log2(m["ranks"]), m["ranks"] // m["hosts"]
    overhead = max(0.0, m["start_us"] - m["poll_us"])
    sizes, times = zip(*((size, max(0.0, us / stages - overhead)) for size, us in m["sums_bytes_us"]))
    starts = [0] + [round(math.sqrt(a * b)) for a, b in zip(sizes, sizes[1:])]
    floats, us = m["gradients_floats_us"][-1]
    host = {"ranks_per_host": per_host, "threads": 1, "thread_efficiency": 1, "core_speed": min(1.0, m["multiply_us"][0] / m["multiply_us"][1]), "jitter": jitter,
            "rank_GBs": None, "host_GBs": None, "overhead_us": overhead, "poll_us": m["poll_us"], "flag_us": m["gradients_floats_us"][0][1] / 3 if per_host > 1 else 0}
    network = {"gbit": None, "efficiency": 1, "latency_us": 0, "in_order": True, "memory_latency_us": times[0], "memory_GBs": (sizes[4] - sizes[0]) / (times[4] - times[0]) * 1e-3}

    def set_rate(us_a_byte):
        if per_host > 1:
            host["rank_GBs"] = 1e-3 / us_a_byte
        else:
            network.update(gbit=8e-3 / us_a_byte, latency_us=[[start, max(0.0, t - size * us_a_byte)] for start, size, t in zip(starts, sizes, times)])
        return 1e6 * model.exchange(floats, 0, ranks, host, network)[0]

    set_rate(rate_of(set_rate, us))
    return host, network


def launches(folder, name, place):
    """Profiles of a model in some surroundings, ordered by their median steps."""
    found = [predict.read(path) for path in glob.glob(os.path.join(folder, f"{name}.{place}.*.json"))]
    return sorted(found, key=lambda profile: statistics.median(profile["step_seconds"]))


def spread(profile):
    """Relative standard deviation of the steps, from the median deviation."""
    middle = statistics.median(profile["step_seconds"])
    return 1.4826 * statistics.median(abs(seconds - middle) for seconds in profile["step_seconds"]) / middle


def real(folder):
    """Rows, and the parameters of the surroundings."""
    models = sorted({os.path.basename(path).split(".")[0] for path in glob.glob(os.path.join(folder, "*.one.*.json"))})
    alone = {name: launches(folder, name, "one") for name in models}
    jitter = statistics.median(spread(profile) for profiles in alone.values() for profile in profiles)
    parameters, rows = {"about": "measured by check.sh; see parameters.json", "hosts": {}, "networks": {}}, []
    for place, words in PLACES.items():
        m = predict.read(os.path.join(folder, place + ".exchange.json"))
        host, network = surroundings(m, jitter)
        parameters["hosts"][place], parameters["networks"][place] = {"why": words, **host}, {"why": words, **network}
        for name in models:
            profile, measured = alone[name][len(alone[name]) // 2], launches(folder, name, place)
            step = model.train_step(profile, m["ranks"], profile["batch"], host, network)
            median = statistics.median(statistics.median(p["step_seconds"]) for p in measured)
            rows.append(line("real steps", f"{words}: {name}", 1e3 * step.now, 1e3 * median, 15))
    return rows, parameters


def main(table, out, measured=None):
    rows = simulated(table, predict.read(os.path.join(HERE, "parameters.json")))
    if measured:
        more, parameters = real(measured)
        rows += more
        with open(out + ".json", "w") as file:
            json.dump(json.loads(json.dumps(parameters), parse_float=lambda text: float(f"{float(text):.4g}")), file, indent=1)
            file.write("\n")
    elif os.path.exists(out + ".tsv"):
        with open(out + ".tsv") as file:
            rows += [row for row in csv.DictReader(file, delimiter="\t") if row["against"] != "SMPI"]
    with open(out + ".tsv", "w") as file:
        writer = csv.DictWriter(file, COLUMNS, delimiter="\t", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
