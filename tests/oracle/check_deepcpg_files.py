# SPDX-License-Identifier: MIT
"""deepcpg_files.py against the definitions spelled out number by number in plain Python, on small random data; and the reference's own files against its types."""
import glob
import math
import os
import random
import struct
import sys

import numpy as np

try:
    import h5py
except ImportError as error:
    print(f"skipped: {error}")
    sys.exit(77)

import deepcpg_files


def half(value):
    """Through half precision."""
    return struct.unpack("e", struct.pack("e", value))[0]


def single(value):
    return struct.unpack("f", struct.pack("f", value))[0]


def stat(name, x):
    """Of a list of values; -1 where it is empty."""
    if not x:
        return -1
    m = math.fsum(x) / len(x)
    v = math.fsum((a - m) ** 2 for a in x) / len(x)
    edges = [-1e-7 + k * (0.25 + 1e-7) / 3 for k in range(4)]
    category = sum(v > edge for edge in edges) - 1
    p = min(max(m, 1e-7), 1 - 1e-7)
    return {"mean": m, "var": v, "mode": round(single(m)), "cat_var": category, "cat2_var": int(category > 0), "cov": len(x),
            "entropy": -(p * math.log(p) + (1 - p) * math.log(1 - p)), "diff": int(min(x) != int(max(x)))}[name]


def sides(calls, p, k):
    """The k nearest calls on either side, left ones ascending: lists of 2k (position, value) or None."""
    left = sorted(q for q in calls if q < p)[-k:]
    right = sorted(q for q in calls if q > p)[:k]
    return [None] * (k - len(left)) + [(q, calls[q]) for q in left + right] + [None] * (k - len(right))


def site(wanted, chromo, p):
    """{path: number or list} of one site."""
    k, row = wanted.cpg_wlen // 2, {"pos": p, "chromo": chromo.encode()}
    row["inputs/dna"] = [wanted.genome[chromo][i - 1] if 1 <= i <= len(wanted.genome[chromo]) else 4
                         for i in range(p - wanted.dna_wlen // 2, p + wanted.dna_wlen // 2 + 1)]
    values, windows = [], {wlen: [] for wlen in wanted.win_stats_wlen}
    for name, profile in wanted.profiles.items():
        calls = dict(zip(*(a.tolist() for a in profile.get(chromo, deepcpg_files.NONE))))
        near = sides(calls, p, k)
        row[f"inputs/cpg/{name}/state"] = [-1 if n is None else half(n[1]) for n in near]
        row[f"inputs/cpg/{name}/dist"] = [-1 if n is None else abs(n[0] - p) for n in near]
        own = [] if p not in calls else [round(calls[p])]
        row[f"outputs/cpg/{name}"] = own[0] if own else -1
        values += [calls[p]] if p in calls else []
        for wlen, means in windows.items():
            inside = [half(n[1]) for n in near if n and abs(n[0] - p) <= wlen // 2] + own
            means += [math.fsum(inside) / len(inside)] if inside else []
    for name in wanted.cpg_stats:
        row[f"outputs/cpg_stats/{name}"] = stat(name, values if len(values) >= wanted.cpg_stats_cov else [])
    for wlen, means in windows.items():
        row.update({f"outputs/win_stats/{wlen}/{name}": stat(name, means) for name in wanted.win_stats})
    for name, profile in wanted.bulk.items():
        row[f"outputs/bulk/{name}"] = dict(zip(*profile.get(chromo, deepcpg_files.NONE))).get(p, -1)
    for name, anno in wanted.annos.items():
        row[f"inputs/annos/{name}"] = int(any(start <= p <= end for start, end in anno.get(chromo, [])))
    return row


def draw(rng):
    """Small data of every kind, positions at both ends of the chromosomes among them."""
    lengths = {"1": rng.randint(30, 300), "X": rng.randint(5, 60), "10": 40000}
    genome = {name: np.array([rng.choice((0, 1, 2, 3, 4)) for _ in range(n)], np.uint8) for name, n in lengths.items()}

    def profile(values):
        result = {}
        for name, n in lengths.items():
            pos = sorted(rng.sample(range(1, n + 1), rng.choice((0, 1, min(n, 40)))) if rng.random() < 0.8 else {1, n})
            if pos:
                result[name] = np.array(pos), np.array([rng.choice(values) for _ in pos], np.float32)
        return result

    profiles = {f"cell{i}": profile((0, 1) if i % 3 else (0, 0.25, 1 / 3, 0.48, 0.5, 0.52, 0.75, 0.9999, 1)) for i in range(rng.randint(1, 6))}
    annos = {"anno": {"1": [sorted(rng.choices(range(300), k=2)) for _ in range(5)], "X": [(0, 1)]}}
    sites = {name: np.array(rng.sample(range(1, n + 1), 5)) for name, n in lengths.items()} if rng.random() < 0.3 else None
    return deepcpg_files.Wanted(profiles, genome, {"bulk": profile((0, 0.3, 1))}, annos, sites, cpg_cov=rng.choice((1, 2)), cpg_wlen=rng.choice((2, 4, 10)),
                                dna_wlen=rng.choice((1, 5, 101)), cpg_stats=deepcpg_files.STATS, cpg_stats_cov=rng.choice((1, 2, 3)),
                                win_stats=deepcpg_files.STATS, win_stats_wlen=(1, 11, 1001), chunk_size=rng.choice((1, 7, 1000)))


def check_random(seed):
    wanted, number = draw(random.Random(seed)), 0
    files = deepcpg_files.files(wanted)
    for chromo in {chromo for profile in wanted.profiles.values() for chromo in profile} | set(wanted.sites or {}):
        observed = [p for profile in wanted.profiles.values() for p in profile.get(chromo, deepcpg_files.NONE)[0].tolist()]
        at = {p for p in observed if observed.count(p) >= wanted.cpg_cov} if wanted.sites is None else set(wanted.sites[chromo].tolist())
        rows = [site(wanted, chromo, p) for p in sorted(at)]
        for first in range(0, len(rows), wanted.chunk_size):
            part = rows[first:first + wanted.chunk_size]
            arrays = files[f"c{chromo}_{first:06d}-{first + len(part):06d}.h5"]
            assert set(arrays) == set(part[0]), set(arrays) ^ set(part[0])
            for path, array in arrays.items():
                brute = np.array([row[path] for row in part])
                same = np.allclose(array, brute, rtol=1e-6, atol=1e-9) if array.dtype == np.float32 else np.array_equal(array, brute)
                assert same, f"seed {seed}: {chromo} {path}: {array} {brute}"
                number += array.size
    return number


def check_reference(folder):
    """Names and types in files that the reference has written."""
    for path in glob.glob(os.path.join(folder, "deepcpg", "*", "data.h5")):
        with h5py.File(path, "r") as file:
            found = deepcpg_files.datasets(file)
            cells = sorted(file["outputs/cpg"])
            profiles = {cell: {"1": (file["pos"][()].astype(int), np.zeros(len(file["pos"]), np.float32))} for cell in cells}
            wanted = deepcpg_files.Wanted(profiles, {"1": np.zeros(20000, np.uint8)}, cpg_wlen=10, dna_wlen=101)
            arrays, = deepcpg_files.files(wanted).values()
            arrays = {name: array for name, array in arrays.items() if name in found or not name.startswith("inputs")}  # not every model reads both
            assert set(arrays) == set(found), set(arrays) ^ set(found)
            for name, array in arrays.items():
                assert (array.dtype, array.shape) == (found[name].dtype, found[name].shape), (path, name)


print(sum(check_random(seed) for seed in range(100)), "numbers equal")
check_reference(os.path.join(os.environ.get("DCPG_SHARED", ""), "oracle"))
