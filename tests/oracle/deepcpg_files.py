# SPDX-License-Identifier: MIT
"""What DeepCpG data files must hold, worked out with NumPy from the raw files alone: every array of every file, with its type.

    deepcpg_files.py DIR [--write] --cpg_profiles FILE ... [--dna_files FASTA ...] [--cpg_wlen N] [--dna_wlen N] ...

DIR is a folder of such files; everything in it is compared, unknown bases excepted (there any base may stand). With --write they are written there, unknown bases as N.
Profiles are DeepCpG's TSV or bedGraph that counts from 1, plain or gzip. The options are those of `dcpg data`.
"""
import argparse
import dataclasses
import os
import sys

import h5py
import numpy as np

from windows import dna_windows, is_binary, labels, normal, open_text, read_fasta, read_profile, stored_neighbours

NONE = np.zeros(0, int), np.zeros(0, np.float32)
EPS = 1e-7
SLACK = {"mean": 1e-8, "var": 1e-8, "entropy": 5e-7}  # near 0 and 1, the rounding of a mean to a float shows in its entropy
INT_STATS = "mode", "cat_var", "cat2_var", "diff"
STATS = "mean", "mode", "var", "cat_var", "cat2_var", "entropy", "diff", "cov"


@dataclasses.dataclass
class Wanted:
    """profiles and bulk: {name: {chromosome: (positions, values)}}; genome: {chromosome: codes}; annos: {name: {chromosome: [(start, end)]}};
    sites: {chromosome: positions}, None: those observed in cpg_cov cells."""
    profiles: dict
    genome: dict = None
    bulk: dict = dataclasses.field(default_factory=dict)
    annos: dict = dataclasses.field(default_factory=dict)
    sites: dict = None
    chromos: list = None
    cpg_cov: int = 1
    cpg_wlen: int = 50
    dna_wlen: int = 1001
    cpg_stats: tuple = ()
    cpg_stats_cov: int = 3
    win_stats: tuple = ()
    win_stats_wlen: tuple = (1001, 2001, 3001, 4001, 5001)
    chunk_size: int = 32768


# ---- statistics: x holds one value per site and cell, NaN where there is none; the result is NaN where a site has none ----

def mean(x):
    n = np.isfinite(x).sum(axis=1)
    return np.where(n > 0, np.nansum(x, axis=1) / np.maximum(n, 1), np.nan)


def var(x):
    return mean((x - mean(x)[:, None]) ** 2)


def cat_var(x):
    v = var(x)
    return np.where(np.isfinite(v), np.digitize(v, np.linspace(-EPS, 0.25, 4), right=True) - 1, np.nan)


def entropy(x):
    p = np.clip(mean(x), EPS, 1 - EPS)
    return -(p * np.log(p) + (1 - p) * np.log(1 - p))


def diff(x):
    some = np.isfinite(x).any(axis=1)
    low, high = (np.where(np.isfinite(x), x, other) for other in (np.inf, -np.inf))
    return np.where(some, low.min(axis=1) != np.trunc(high.max(axis=1)), np.nan)


def statistic(name, x):
    """[sites] in the type it has in files; -1 where a site has no value."""
    x = np.asarray(x, float)
    value = {
        "mean": mean, "var": var, "cat_var": cat_var, "entropy": entropy, "diff": diff,
        "mode": lambda x: np.round(mean(x).astype(np.float32)),  # of the mean as it is stored, so that a tie is one however it was summed up
        "cat2_var": lambda x: np.where(np.isfinite(var(x)), cat_var(x) > 0, np.nan),
        "cov": lambda x: np.where(np.isfinite(x).any(axis=1), np.isfinite(x).sum(axis=1), np.nan),
    }[name](x)
    return np.where(np.isfinite(value), value, -1).astype(np.int8 if name in INT_STATS else np.float32)


def window_means(state, dist, label, wlen):
    """Mean over each cell's window: state, dist [sites, cells, neighbours], label [sites, cells] (the site's own); NaN where nothing lies in it."""
    inside = (state != -1) & (dist <= wlen // 2)
    total = np.where(inside, state, 0).sum(axis=2, dtype=float) + np.where(label >= 0, label, 0)
    number = inside.sum(axis=2) + (label >= 0)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


# ---- arrays ----

def at_sites(calls, pos):
    """Values of a profile at positions, NaN where there are none."""
    value = np.full(len(pos), np.nan)
    _, where, which = np.intersect1d(pos, calls[0], return_indices=True)
    value[where] = calls[1][which]
    return value


def sites_of(wanted, chromo):
    """Target sites of a chromosome."""
    if wanted.sites is not None:
        return np.unique(wanted.sites.get(chromo, NONE[0]))
    pos, count = np.unique(np.concatenate([p.get(chromo, NONE)[0] for p in wanted.profiles.values()]), return_counts=True)
    return pos[count >= wanted.cpg_cov]


def chromosome(wanted, chromo, pos):
    """{path: array} of all sites of a chromosome."""
    names = sorted(wanted.profiles)
    arrays = {"chromo": np.full(len(pos), chromo.encode(), f"S{max(2, len(chromo))}"), "pos": pos.astype(np.int32)}
    if wanted.genome:
        arrays["inputs/dna"] = dna_windows(wanted.genome[chromo], pos, wanted.dna_wlen).astype(np.int8)
    calls = [wanted.profiles[name].get(chromo, NONE) for name in names]
    label = np.stack([labels(c, pos) for c in calls], axis=1)
    for i, name in enumerate(names):
        arrays[f"outputs/cpg/{name}"] = label[:, i].astype(np.int8)
        if wanted.cpg_wlen:
            state, dist = stored_neighbours(calls[i], pos, wanted.cpg_wlen)
            arrays[f"inputs/cpg/{name}/state"] = state.astype(np.int8 if is_binary(wanted.profiles[name]) else np.float32)
            arrays[f"inputs/cpg/{name}/dist"] = dist
    values = np.stack([at_sites(c, pos) for c in calls], axis=1)
    enough = np.isfinite(values).sum(axis=1) >= wanted.cpg_stats_cov
    for stat in wanted.cpg_stats:
        value = statistic(stat, values)
        arrays[f"outputs/cpg_stats/{stat}"] = np.where(enough, value, -1).astype(value.dtype)
    if wanted.win_stats:
        state, dist = (np.stack([arrays[f"inputs/cpg/{name}/{what}"] for name in names], axis=1) for what in ("state", "dist"))
        for wlen in wanted.win_stats_wlen:
            means = window_means(state, dist, label, wlen)
            arrays.update({f"outputs/win_stats/{wlen}/{stat}": statistic(stat, means) for stat in wanted.win_stats})
    for name, profile in wanted.bulk.items():
        value = at_sites(profile.get(chromo, NONE), pos)
        arrays[f"outputs/bulk/{name}"] = np.where(np.isfinite(value), value, -1).astype(np.float32)
    for name, anno in wanted.annos.items():
        start, end = np.array(anno.get(chromo, []), int).reshape(-1, 2).T
        # The intervals that hold p are those that begin at or before p without those that end before it.
        inside = np.searchsorted(np.sort(start), pos, "right") - np.searchsorted(np.sort(end), pos, "left")
        arrays[f"inputs/annos/{name}"] = (inside > 0).astype(np.int8)
    return arrays


def files(wanted):
    """{file name: {path: array}} of everything."""
    result = {}
    if wanted.chromos:  # the rest of a profile does not count, not even for whether it is binary
        chosen = {name: {chromo: calls for chromo, calls in profile.items() if chromo in wanted.chromos} for name, profile in wanted.profiles.items()}
        wanted = dataclasses.replace(wanted, profiles=chosen)
    for chromo in sorted(wanted.sites if wanted.sites is not None else set().union(*wanted.profiles.values())):
        if wanted.chromos and chromo not in wanted.chromos:
            continue
        pos = sites_of(wanted, chromo)
        if len(pos) == 0:
            continue
        arrays = chromosome(wanted, chromo, pos)
        for first in range(0, len(pos), wanted.chunk_size):
            end = min(first + wanted.chunk_size, len(pos))
            result[f"c{chromo}_{first:06d}-{end:06d}.h5"] = {path: array[first:end] for path, array in arrays.items()}
    return result


# ---- comparison ----

def datasets(group):
    found = {}
    group.visititems(lambda path, item: found.update({path: item}) if isinstance(item, h5py.Dataset) else None)
    return found


def compare_array(path, got, wanted):
    """'' or how the dataset differs from the array."""
    if got.dtype != wanted.dtype:
        return f"type {got.dtype}, not {wanted.dtype}"
    if got.shape != wanted.shape:
        return f"shape {got.shape}, not {wanted.shape}"
    if got.compression != (None if path in ("chromo", "pos") else "gzip"):
        return f"compression {got.compression}"
    values = got[()]
    if path == "inputs/dna":
        if ((values < 0) | (values > 3)).any():
            return "bases that are none of A, T, G, C"
        values = np.where(wanted == 4, 4, values)
    slack = SLACK.get(path.split("/")[-1]) if path.startswith(("outputs/cpg_stats", "outputs/win_stats")) else None
    differ = ~np.isclose(values, wanted, rtol=2e-6, atol=slack) if slack else values != wanted
    if not differ.any():
        return ""
    where = tuple(np.argwhere(differ)[0])
    return f"{differ.sum()} of {differ.size} values differ: {values[where]}, not {wanted[where]} at {tuple(int(i) for i in where)}"


def compare(folder, expected):
    """Faults [text] of the files of a folder, against files()."""
    names = {name for name in os.listdir(folder) if name.endswith(".h5")}
    faults = [f"{name}: {'missing' if name in expected else 'not expected'}" for name in sorted(names ^ set(expected))]
    for name in sorted(names & set(expected)):
        with h5py.File(os.path.join(folder, name), "r") as file:
            found, arrays = datasets(file), expected[name]
            faults += [f"{name}: {path}: {'missing' if path in arrays else 'not expected'}" for path in sorted(set(found) ^ set(arrays))]
            for path in sorted(set(found) & set(arrays)):
                fault = compare_array(path, found[path], arrays[path])
                faults += [f"{name}: {path}: {fault}"] if fault else []
    return faults


def write(folder, expected, rng=None):
    """Writes files() into a folder; with a NumPy generator, every unknown base becomes some base, as DeepCpG has it."""
    os.makedirs(folder, exist_ok=True)
    for name, arrays in expected.items():
        with h5py.File(os.path.join(folder, name), "w") as file:
            for path, array in arrays.items():
                if path == "inputs/dna" and rng is not None:
                    array = np.where(array == 4, rng.integers(0, 4, array.shape, np.int8), array)
                file.create_dataset(path, data=array, compression=None if path in ("chromo", "pos") else "gzip")


# ---- from files ----

def read_bed(path):
    """{chromosome: [(start, end)]} with the numbers as they stand there."""
    result = {}
    for line in open_text(path):
        field = line.split()
        if field and not field[0].startswith(("#", "track", "browser")):
            result.setdefault(normal(field[0]), []).append((int(field[1]), int(field[2])))
    return result


def read_positions(path):
    result = {}
    for line in open_text(path):
        field = line.split()
        if field and not field[0].startswith("#"):
            result.setdefault(normal(field[0]), []).append(int(field[1]))
    return {chromo: np.array(pos) for chromo, pos in result.items()}


def by_name(paths, read):
    return {os.path.basename(path).split(".")[0]: read(path) for path in paths or []}


def parse(words):
    parser = argparse.ArgumentParser()
    for name in ("cpg_profiles", "dna_files", "bulk_profiles", "anno_files", "chromos", "cpg_stats", "win_stats"):
        parser.add_argument("--" + name, nargs="+")
    for name, value in (("cpg_cov", 1), ("cpg_wlen", 50), ("dna_wlen", 1001), ("cpg_stats_cov", 3), ("chunk_size", 32768)):
        parser.add_argument("--" + name, type=int, default=value)
    parser.add_argument("--win_stats_wlen", type=int, nargs="+", default=Wanted.win_stats_wlen)
    parser.add_argument("--pos_file")
    return parser.parse_args(words)


def from_options(words):
    """Wanted, from the options of `dcpg data`: what they name is read."""
    args = parse(words)
    genome = {name: codes for path in args.dna_files or [] for name, codes in read_fasta(path).items()}
    return Wanted(by_name(args.cpg_profiles, read_profile), genome, by_name(args.bulk_profiles, read_profile), by_name(args.anno_files, read_bed),
                  read_positions(args.pos_file) if args.pos_file else None, [normal(c) for c in args.chromos or []], args.cpg_cov, args.cpg_wlen, args.dna_wlen,
                  tuple(args.cpg_stats or ()), args.cpg_stats_cov, tuple(args.win_stats or ()), tuple(args.win_stats_wlen), args.chunk_size)


def main():
    words = sys.argv[2:]
    expected = files(from_options([word for word in words if word != "--write"]))
    if "--write" in words:
        return write(sys.argv[1], expected)
    faults = compare(sys.argv[1], expected)
    print("\n".join(faults) or f"{len(expected)} files, {sum(a.size for f in expected.values() for a in f.values())} numbers: equal")
    return bool(faults)


if __name__ == "__main__":
    sys.exit(main())
