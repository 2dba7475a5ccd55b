# SPDX-License-Identifier: MIT
"""Predicts the time of a training step on many ranks from a profile of one rank (dcpg train ... --profile FILE), by the event model of model.py.

    python3 bench/scaling/model/predict.py --profile P.json [--network 100 ...] [--batch 16384] [--ranks 1 4 ... 4096] [--out FILE]

Prints a table; --out FILE also writes FILE.tsv and FILE.svg. Efficiency: the time of a step on one rank over ranks x the time predicted. "waits": time in which a rank
only waits for sums; "limits": what takes most of the time that is lost. Hosts and networks are described in parameters.json; another file may be given. Numbers of
ranks are powers of two.
"""
import argparse
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import model  # noqa: E402
import svg  # noqa: E402

COLUMNS = ["network_gbit", "ranks", "hosts", "batch", "sites_a_rank", "predicted_step_ms", "predicted_sites_per_s", "predicted_efficiency", "waits_ms",
           "computes_ms", "losses_ms", "data_ms", "rest_ms", "optimiser_ms", "handling_sums_ms", "gradients_sums_ms", "batch_norms_sums_ms", "agreeing_ms", "network_MB_a_host", "limits"]
WAITS = ["gradients' sums", "batch norm's sums", "agreeing"]


def read(path):
    with open(path) as file:
        return json.load(file)


def limits(step, one):
    """What takes most of the time that a step of P ranks loses to a P-th of one rank's."""
    divided = {what: seconds / step.ranks for what, seconds in one.spent.items()}
    lost = {what: seconds - divided.get(what, 0.0) for what, seconds in step.spent.items()}
    what = max(lost, key=lost.get)
    if lost[what] <= 0:
        return "nothing"
    names = {"compute": "the slowest rank", "optimiser": "optimiser", "rest": "rest of a step", "handling sums": "adding sums in memory"}
    if what == "gradients' sums":
        return what + (", bandwidth" if step.network.carried > lost[what] / 2 else ", latency")
    return names.get(what, what)


def row(network, batch, step, one):
    ms = {what: 1e3 * seconds for what, seconds in step.spent.items()}
    parts = [ms.get(what, 0.0) for what in ("compute", "losses", "data", "rest", "optimiser", "handling sums", *WAITS)]
    return dict(zip(COLUMNS, [network, step.ranks, step.ranks // step.host_ranks, batch, batch / step.ranks, 1e3 * step.now, batch / step.now, one.now / step.ranks / step.now,
                              sum(ms.get(what, 0.0) for what in WAITS), *parts, step.host_ranks * step.sums.traffic[1] / 1e6, limits(step, one)]))


def predict(profile, parameters, host, networks, ranks, batch, **changes):
    host = {**parameters["hosts"][host], **{key: value for key, value in changes.items() if value is not None}}
    rows = []
    for network in networks:
        one = model.train_step(profile, 1, batch, host, parameters["networks"][network])
        rows += [row(network, batch, model.train_step(profile, p, batch, host, parameters["networks"][network]), one) for p in ranks if batch >= p]
    return rows


def shown(value):
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def table(rows):
    some = ["network_gbit", "ranks", "batch", "predicted_step_ms", "waits_ms", "predicted_efficiency", "limits"]
    lines = [[name.replace("predicted_", "") for name in some]] + [[shown(r[name]) for name in some] for r in rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(some))]
    return "\n".join(["predicted"] + ["  ".join(word.rjust(width) if i + 1 < len(some) else word for i, (word, width) in enumerate(zip(line, widths))) for line in lines])


def write(out, title, rows):
    with open(out + ".tsv", "w") as file:
        print(*COLUMNS, sep="\t", file=file)
        for r in rows:
            print(*[shown(r[name]) for name in COLUMNS], sep="\t", file=file)
    curves = []
    for network in dict.fromkeys(r["network_gbit"] for r in rows):
        curves.append((f"{network} Gbit/s", False, [(r["ranks"], r["predicted_efficiency"], None, None) for r in rows if r["network_gbit"] == network]))
    svg.lines(out + ".svg", title, "ranks", "predicted efficiency", curves, log=False)


def main(words):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", required=True, help="JSON of dcpg train --profile FILE, of one rank")
    parser.add_argument("--network", nargs="+", default=["10", "100", "200"], help="of parameters.json")
    parser.add_argument("--ranks", nargs="+", type=int, default=[2 ** i for i in range(13)])
    parser.add_argument("--batch", type=int, default=16384, help="sites of a step, over all ranks")
    parser.add_argument("--host", default="cluster", help="of parameters.json")
    parser.add_argument("--ranks_per_host", type=int)
    parser.add_argument("--threads", type=int, help="of a rank")
    parser.add_argument("--shard_optimizer", action="store_true", default=None, help="as dcpg train --shard_optimizer")
    parser.add_argument("--parameters", default=os.path.join(HERE, "parameters.json"))
    parser.add_argument("--title", default="Predicted efficiency")
    parser.add_argument("--out", help="writes OUT.tsv and OUT.svg")
    o = parser.parse_args(words)
    profile, parameters = read(o.profile), read(o.parameters)
    if profile.get("ranks") != 1 or not profile.get("steps") or "gradients" not in (profile.get("operations") or [{}])[0]:
        sys.exit(f"{o.profile}: not a profile of steps on one rank; dcpg train ... --max_steps 20 --timing_warmup_steps 3 --profile FILE writes one")
    for name, kind in [(o.host, "hosts")] + [(n, "networks") for n in o.network]:
        if name not in parameters[kind]:
            sys.exit(f"{name}: {o.parameters} has {', '.join(parameters[kind])} in {kind}")
    for p in o.ranks + [o.ranks_per_host or 1]:
        if p < 1 or p & (p - 1):
            sys.exit(f"{p}: the model knows powers of two only")
    if not any(p <= o.batch for p in o.ranks):
        sys.exit(f"--batch {o.batch}: at least a site a rank")
    rows = predict(profile, parameters, o.host, o.network, o.ranks, o.batch, ranks_per_host=o.ranks_per_host, threads=o.threads, shard_optimizer=o.shard_optimizer)
    print(table(rows))
    if o.out:
        write(o.out, o.title, rows)


if __name__ == "__main__":
    main(sys.argv[1:])
