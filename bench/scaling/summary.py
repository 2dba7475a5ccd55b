# SPDX-License-Identifier: MIT
"""Statistics of a study and what is written of them: points.tsv, figures, summary.md. Times are medians with 95 % intervals, rates are made of these."""
import json
import os
import random
import statistics

import svg

PARTS = ["compute", "sums", "agreeing", "data", "optimiser", "scores", "rest"]
LABELS = {"compute": "compute", "sums": "gradients' sums", "agreeing": "agreeing", "data": "cutting data", "optimiser": "optimiser", "scores": "losses", "rest": "rest"}
KINDS = {"strong": "Strong scaling", "weak": "Weak scaling", "layouts": "Ranks x threads", "cells": "Cells", "io": "I/O"}
RESAMPLES = 1000


def interval(launches):
    """Median of the launches' medians and its 95 % interval, by drawing launches, and steps of each, with replacement (a fixed seed)."""
    middle = statistics.median(statistics.median(steps) for steps in launches)
    draw = random.Random(1)
    if len(launches) < 3:
        return middle, None, None
    drawn = sorted(statistics.median(statistics.median(draw.choices(steps, k=len(steps))) for steps in draw.choices(launches, k=len(launches))) for _ in range(RESAMPLES))
    return middle, drawn[int(0.025 * RESAMPLES)], drawn[int(0.975 * RESAMPLES)]


class Point:
    """A point of the plan with what its runs measured."""

    def __init__(self, words, runs):
        self.kind, self.run = words[0], words[1]
        self.ranks, self.threads, self.batch, self.leaves = map(int, words[2:6])
        self.cells = None
        runs = [run for run in runs if run["run"] == self.run]
        self.runs = [run for run in runs if run["failed"] is None]
        self.failed = sorted({run["failed"] for run in runs if run["failed"] is not None})
        self.missing = not runs
        self.nb_failed = len(runs) - len(self.runs)
        self.profiles = [run["profile"] for run in self.runs if run.get("profile")]
        self.steps = [profile["step_seconds"] for profile in self.profiles if profile["step_seconds"]]
        if self.steps and self.kind != "io":
            self.measure()
        elif self.kind != "io":
            self.ms = None

    def measure(self):
        self.ms, self.low, self.high = (x and 1000 * x for x in interval(self.steps))
        self.rate = [1000 * self.batch / x if x else None for x in (self.ms, self.high, self.low)]
        first = self.profiles[0]
        self.hosts, self.cells, self.trained = first["hosts"], first["outputs"], first["trained"]
        self.memory = max(profile["peak_memory_bytes"] for profile in self.profiles) / 1e6
        seconds = [profile["seconds"] for profile in self.profiles]
        nb = [profile["steps"] for profile in self.profiles]
        # Per step, of the mean rank. What is written at the end is no part of a step; "rest" is what is left of the steps' time.
        split = {part: statistics.median(1000 * s[part]["mean"] / n for s, n in zip(seconds, nb)) for part in PARTS if part != "rest"}
        split["rest"] = max(0.0, statistics.median(1000 * s["steps"]["mean"] / n for s, n in zip(seconds, nb)) - sum(split.values()))
        self.split = {part: split[part] for part in PARTS}
        self.balance = statistics.median(s["compute"]["mean"] / s["compute"]["most"] for s in seconds)
        self.weights = {run["sha256"] for run in self.runs}

    def layout(self):
        return f"{self.ranks}x{self.threads}"


def shown(x, form="{:.4g}"):
    return "" if x is None else form.format(x)


def with_interval(middle, low, high):
    return f"{middle:.4g}" + (f" ({low:.4g} - {high:.4g})" if low else "")


def bound(point, base, network):
    """Least ms a step could take: all of the base's compute cut among the ranks, or the gradients through the network of a host (there and back)."""
    compute = base.split["compute"] * base.ranks / point.ranks
    if point.hosts < 2 or not network:
        return compute
    return max(compute, 1000 * 2 * 4 * point.trained * (point.hosts - 1) / point.hosts / (network * 1e9 / 8))


# ---- files

def table(path, points, base_of, one_core, network):
    heads = ["kind", "hosts", "ranks", "threads", "cells", "batch", "virtual_ranks", "launches", "steps", "ms", "ms_low", "ms_high", "sites_per_s", "sites_per_s_low",
             "sites_per_s_high", "speedup_to_one_core", "efficiency", "bound_ms", *[part + "_ms" for part in PARTS], "balance", "memory_MB", "sha256", "failed"]
    with open(path, "w") as file:
        print(*heads, sep="\t", file=file)
        for p in points:
            if p.kind == "io":
                continue
            if p.ms is None:
                row = [p.kind, "", p.ranks, p.threads, "", p.batch, p.leaves, 0] + [""] * (len(heads) - 9) + ["; ".join(p.failed) or "not run"]
            else:
                base = base_of.get(p.kind)
                efficient = p.rate[0] / (p.ranks * p.threads) / (base.rate[0] / (base.ranks * base.threads)) if base else None
                speedup = p.rate[0] / one_core.rate[0] if one_core and p.kind in ("strong", "weak", "layouts") else None
                least = bound(p, base, network) if base and p.kind == "strong" else None
                row = [p.kind, p.hosts, p.ranks, p.threads, p.cells, p.batch, p.leaves, len(p.steps), sum(map(len, p.steps)), shown(p.ms), shown(p.low), shown(p.high),
                       *map(shown, p.rate), shown(speedup, "{:.3f}"), shown(efficient, "{:.3f}"), shown(least), *[f"{p.split[part]:.4g}" for part in PARTS],
                       f"{p.balance:.3f}", f"{p.memory:.0f}", ",".join(sorted(p.weights)), "; ".join(p.failed)]
            print(*row, sep="\t", file=file)


def collect_io(points):
    """{what: [(seconds, bytes)]}, in the order of the plan."""
    found = {}
    for point in points:
        if point.kind == "io":
            for run in point.runs:
                for what, measured in run["io"].items():
                    found.setdefault(what, []).append(measured)
    return found


def figures(out, points, base_of, io, network):
    drawn = []

    def path(name):
        drawn.append(name)
        return os.path.join(out, name)

    good = {kind: sorted((p for p in points if p.kind == kind and p.ms), key=lambda p: p.ranks) for kind in KINDS if kind != "io"}
    base = base_of.get("strong")
    if len(good["strong"]) > 1 and base:
        strong = good["strong"]
        svg.lines(path("strong.svg"), "Strong scaling: the same batch on more ranks", "ranks", "ms a step, slowest rank (median, 95 %)", [
            ("measured", False, [(p.ranks, p.ms, p.low, p.high) for p in strong]),
            ("ideal", True, [(p.ranks, base.ms * base.ranks / p.ranks, None, None) for p in strong]),
            ("bound", True, [(p.ranks, bound(p, base, network), None, None) for p in strong])])
        svg.bars(path("split.svg"), "Where a step's time goes", "ranks", "ms a step, mean of the ranks", [str(p.ranks) for p in strong],
                 [(LABELS[part], [p.split[part] for p in strong]) for part in PARTS])
    if len(good["weak"]) > 1:
        weak = good["weak"]
        svg.lines(path("weak.svg"), "Weak scaling: a batch that grows with the ranks", "ranks", "ms a step, slowest rank (median, 95 %)", [
            ("measured", False, [(p.ranks, p.ms, p.low, p.high) for p in weak]), ("ideal", True, [(p.ranks, weak[0].ms, None, None) for p in weak])], log=False)
    if good["layouts"]:
        some = [p for p in points if p.kind == "layouts" and p.ms]
        svg.bars(path("layouts.svg"), "Ranks x threads", "ranks x threads", "ms a step, slowest rank (median, 95 %)", [p.layout() for p in some],
                 [("step", [p.ms for p in some])], [(p.low, p.high) for p in some])
    if len({p.cells for p in good["cells"]}) > 1:
        some = sorted(good["cells"], key=lambda p: p.cells)
        svg.lines(path("cells.svg"), "Numbers of cells", "cells", "sites x cells per second (median, 95 %)", [
            ("measured", False, [(p.cells, p.rate[0] * p.cells, *(x and x * p.cells for x in p.rate[1:])) for p in some])])
    if io:
        svg.bars(path("io.svg"), "I/O", "", "s (median)", [what.replace(", ", "\n").replace("checkpoint ", "checkpoint\n") for what in io],
                 [("s", [statistics.median(s for s, _ in some) for some in io.values()])])
    return drawn


# ---- summary

def about(env, points):
    hosts = env["hosts"]
    kinds = {}
    for host in hosts:
        key = (f"{host['processor']}, {host['cores']} processors ({host['threads_per_core']} a core), {host['memory_GB']} GB, governor {host['governor']}, {host['system']}, "
               f"kernel {host['kernel']}, network {', '.join(f'{name} {speed:g} Gbit/s' for name, speed in sorted(host['network'].items())) or 'unknown'}")
        kinds[key] = kinds.get(key, 0) + 1
    launches = [run for point in points for run in point.runs]
    loads = [run["load"] for run in launches] or [0]
    yield "| | |"
    yield "|---|---|"
    yield f"| program | {env['version']}, commit {env['commit']} |"
    for key, nb in kinds.items():
        yield f"| {nb} host{'s' if nb > 1 else ''} | {key} |"
    yield f"| MPI, launcher | {env['mpi']}; {env['launcher'].strip()} |"
    yield f"| binding | {sorted({line for run in launches for line in run.get('binding', [])} or ['by the options of the launcher'])[0]} |"
    if env["variables"]:
        yield f"| variables | {' '.join(f'{key}={value}' for key, value in sorted(env['variables'].items()))} |"
    yield f"| options | `{env['options']}` |"
    yield f"| input, sha256 | {'; '.join(f'{name} {digest[:16]}...' for digest, name in env['input'])} |"
    yield f"| begun, load average | {env['date']}, {min(loads):.1f} to {max(loads):.1f} |"


def rows_of(points, kind, base, network):
    some = [p for p in points if p.kind == kind]
    yield "| hosts | ranks x threads | cells | batch | ms a step | sites/s | " + ("efficiency | bound, ms | " if kind == "strong" else "efficiency | " if kind == "weak" else "") + "sums + agreeing | balance | MB a rank |"
    yield "|" + "---|" * (9 + {"strong": 2, "weak": 1}.get(kind, 0))
    for p in some:
        if p.ms is None:
            yield f"| | {p.layout()} | | {p.batch} | FAILED: {'; '.join(p.failed) or 'not run'} |"
            continue
        extra = ""
        if kind in ("strong", "weak"):
            extra = f"{p.rate[0] / p.ranks / (base.rate[0] / base.ranks):.2f} | " if base else " | "
        if kind == "strong":
            extra += f"{bound(p, base, network):.4g} | " if base else " | "
        total = sum(p.split.values())
        note = f" ({p.nb_failed} of {p.nb_failed + len(p.runs)} launches failed: {'; '.join(p.failed)})" if p.failed else ""
        yield (f"| {p.hosts} | {p.layout()} | {p.cells} | {p.batch} | {with_interval(p.ms, p.low, p.high)}{note} | {with_interval(*p.rate)} | {extra}"
               f"{100 * (p.split['sums'] + p.split['agreeing']) / total:.1f} % | {p.balance:.2f} | {p.memory:.0f} |")


def bits(points, kind, base):
    """"7 of 7 points have the bits of 1 rank"."""
    some = [p for p in points if p.kind == kind]
    same = [p for p in some if p.ms and base and p.weights == base.weights and len(p.weights) == 1]
    first = next(iter(base.weights))[:16] if base and len(base.weights) == 1 else "no single one"
    base_text = "" if not base else f"{base.ranks} rank{'s' if base.ranks > 1 else ''}" + (f" and {base.threads} thread{'s' if base.threads > 1 else ''}" if kind == "layouts" else "")
    return f"**{len(same)} of {len(some)} points have the bits of {base_text}** (sha256 of the weights after the last step, every launch: {first}...)."


def caveats(env, points):
    if env["launches"] < 5 or env["steps"] < 50:
        yield f"**Not to be believed: {env['launches']} launches of {env['steps']} steps; 5 of 50 are the least.**"
    missing = [p for p in points if p.missing or p.nb_failed]
    yield f"{len(points) - len(missing)} of {len(points)} points are complete" + (f"; {len(missing)} failed or lack launches, see below." if missing else "; none failed.")
    wide = [p for p in points if p.kind != "io" and p.ms and p.low and p.high - p.low > 0.1 * p.ms]
    if wide:
        yield f"{len(wide)} of them have intervals wider than 10 %: " + ", ".join(f"{p.kind} {p.layout()}" + (f" {p.cells} cells" if p.kind == "cells" else "") for p in wide) + "."


def write_summary(out, env, points, base_of, one_core, io, drawn):
    lines = ["# Scaling study", ""]
    lines += [f"{env['launches']} launches of every point, which take turns; {env['warmup']} steps thrown away, {env['steps']} timed; of each step the slowest rank's time. "
              "Medians of the launches' medians, in brackets their 95 % intervals (bootstrap over launches and steps); rates are made of the medians of times.", ""]
    lines += [" ".join(caveats(env, points)), "", *about(env, points), ""]
    full = [p for p in points if p.kind in ("layouts", "strong") and p.ms and p.hosts == 1]
    if one_core:
        lines += [f"Base case, one core: {one_core.layout()} with {one_core.rate[0]:.4g} sites/s, {one_core.ms:.4g} ms a step."]
    if full:
        best = max(full, key=lambda p: p.rate[0])
        lines += [f"Base case, one host: the best of {len({p.layout() for p in full})} layouts is {best.layout()} (ranks x threads) with {best.rate[0]:.4g} sites/s"
                  + (f", {best.rate[0] / one_core.rate[0]:.2f} times one core." if one_core else "."), ""]
    for kind, title in KINDS.items():
        if kind == "io" or not any(p.kind == kind for p in points):
            continue
        lines += [f"## {title}", ""]
        if kind in ("strong", "layouts"):
            lines += [bits(points, kind, base_of.get(kind)), ""]
        lines += [*rows_of(points, kind, base_of.get(kind), env["network"]), ""]
        if kind == "strong":
            lines += ["Bound: the compute of the first row cut among the ranks" + (f", or the gradients through {env['network']:g} Gbit/s of a host, there and back." if env["network"]
                      else "; what the network does at best is not known (`--network`)."), ""]
    if io or any(p.kind == "io" for p in points):
        lines += ["## I/O", "", "| what | s | MB | MB/s |", "|---|---|---|---|"]
        for what, some in io.items():
            middle, low, high = interval([[s] for s, _ in some])
            lines += [f"| {what} | {with_interval(middle, low, high)} | {some[0][1] / 1e6:.3g} | {some[0][1] / 1e6 / middle if middle else 0:.4g} |"]
        lines += [f"| {p.run} | FAILED: {'; '.join(p.failed) or 'not run'} | | |" for p in points if p.kind == "io" and (p.failed or p.missing)] + [""]
    lines += [" ".join(f"[{name[:-4]}]({name})" for name in drawn) + " - all points: [points.tsv](points.tsv), all steps: raw.jsonl", ""]
    with open(os.path.join(out, "summary.md"), "w") as file:
        file.write("\n".join(lines))


def report(out):
    with open(os.path.join(out, "environment.json")) as file:
        env = json.load(file)
    with open(os.path.join(out, "raw.jsonl")) as file:
        runs = [json.loads(line) for line in file]
    with open(os.path.join(out, "plan.tsv")) as file:
        points = [Point(line.rstrip("\n").split("\t"), runs) for line in file]
    base_of = {}
    for p in points:
        if p.kind != "io" and p.ms and (p.kind not in base_of or (p.ranks, p.threads) < (base_of[p.kind].ranks, base_of[p.kind].threads)):
            if p.kind != "cells":
                base_of[p.kind] = p
    ones = [p for p in points if p.kind in ("layouts", "strong") and p.ms and p.layout() == "1x1"]
    one_core = ones[0] if ones else None
    io = collect_io(points)
    table(os.path.join(out, "points.tsv"), points, base_of, one_core, env["network"])
    drawn = figures(out, points, base_of, io, env["network"])
    write_summary(out, env, points, base_of, one_core, io, drawn)
    with open(os.path.join(out, "summary.md")) as file:
        print(file.read())
