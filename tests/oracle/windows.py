# SPDX-License-Identifier: MIT
"""What a source must give, worked out with NumPy from the raw files alone: sites, DNA windows, neighbours, labels.

    windows.py DUMP.h5 PROFILE ... [--dna FASTA ...]

DUMP.h5 holds what dcpg cut (tests/data/dump_source.c): chromo, pos, dna, cpg, label and the names of chromosomes, cells and outputs. Everything is compared exactly."""
import argparse
import gzip
import os
import sys

import h5py
import numpy as np

CODE = np.full(256, 4, np.uint8)
for code, letter in enumerate(b"ATGC"):
    CODE[letter] = CODE[letter + 32] = code


def open_text(path):
    return gzip.open(path, "rt") if path.endswith(".gz") else open(path)


def normal(name):
    name = name.upper()
    return name[3:] if name.startswith("CHR") else name


def read_profile(path):
    """{chromosome: (positions, values)}, sorted; bedGraph lines count from 1."""
    calls = {}
    for line in open_text(path):
        field = line.split()
        if not field or field[0].startswith(("#", "track", "browser")):
            continue
        calls.setdefault(normal(field[0]), []).append((int(field[1]), float(field[-1])))
    result = {}
    for chromo, pairs in calls.items():
        pairs.sort()
        result[chromo] = (np.array([p for p, _ in pairs]), np.array([v for _, v in pairs], np.float32))
    return result


def is_binary(profile):
    return all(((v == 0) | (v == 1)).all() for _, v in profile.values())


def read_fasta(path):
    genome = {}
    for part in open_text(path).read().split(">")[1:]:
        head, _, body = part.partition("\n")
        genome[normal(head.split()[0])] = CODE[np.frombuffer(body.replace("\n", "").encode(), np.uint8)]
    return genome


def dna_windows(sequence, pos, wlen):
    index = pos[:, None] - 1 + np.arange(wlen) - wlen // 2
    inside = (index >= 0) & (index < len(sequence))
    return np.where(inside, sequence[np.clip(index, 0, len(sequence) - 1)], 4).astype(np.uint8)


def nearest(at, pos, half):
    """Of sorted positions `at`, the `half` nearest on each side of each of `pos`, itself excluded: indices [sites, 2 * half], and where there are any."""
    left = np.searchsorted(at, pos, "left")[:, None] + np.arange(-half, 0)
    right = np.searchsorted(at, pos, "right")[:, None] + np.arange(half)
    index = np.concatenate([left, right], axis=1)
    return np.clip(index, 0, max(len(at) - 1, 0)), (index >= 0) & (index < len(at))


def stored_neighbours(calls, pos, wlen):
    """States [sites, wlen] through half precision and distances in bp, float32; -1 where there is no neighbour."""
    at, value = calls
    index, there = nearest(at, pos, wlen // 2)
    if len(at) == 0:
        return np.full((2, len(pos), wlen), -1, np.float32)
    state = value.astype(np.float16).astype(np.float32)[index]
    return np.where(there, state, np.float32(-1)), np.where(there, np.abs(at[index] - pos[:, None]), -1).astype(np.float32)


def neighbours(calls, pos, wlen, binary):
    """[sites, 2 * wlen]: states, then distances, as models get them."""
    state, distance = stored_neighbours(calls, pos, wlen)
    there = distance >= 0
    state = np.where(there, state, np.float32(0 if binary else 0.5))
    distance = np.where(there, np.minimum(distance, 25000), 25000).astype(np.float32) / np.float32(25000)
    return np.concatenate([state, distance], axis=1)


def labels(calls, pos):
    at, value = calls
    result = np.full(len(pos), -1, np.float32)
    _, where, which = np.intersect1d(pos, at, return_indices=True)
    result[where] = np.round(value[which])
    return result


def check(dump, profiles, genome, report=print):
    none = (np.zeros(0, int), np.zeros(0, np.float32))
    names = [n.decode() for n in dump["chromos"][()]]
    chromo, pos = dump["chromo"][()], dump["pos"][()].astype(int)
    step = int(dump.attrs["step"])
    expected = [(k, p) for k, name in enumerate(names) for p in sorted(set().union(*[profile.get(name, none)[0].tolist() for profile in profiles.values()]))]
    assert list(zip(chromo.tolist(), pos.tolist())) == expected[::step], "sites differ"
    assert names == sorted(set().union(*profiles.values())), "chromosomes differ"
    cells = [n.decode() for n in dump["cells"][()]]
    assert cells == sorted(profiles), "cells differ"
    n = 0
    for k, name in enumerate(names):
        rows = chromo == k
        if "dna" in dump:
            wanted = dna_windows(genome[name], pos[rows], dump["dna"].shape[1])
            assert np.array_equal(dump["dna"][()][rows], wanted), f"windows of chromosome {name} differ"
            n += wanted.size
        for i, cell in enumerate(cells):
            profile = profiles[cell]
            binary = is_binary(profile)
            calls = profile.get(name, none)
            wanted = neighbours(calls, pos[rows], dump["cpg"].shape[2] // 2, binary)
            assert np.array_equal(dump["cpg"][:, i][rows], wanted), f"neighbours of {cell} on chromosome {name} differ"
            assert np.array_equal(dump["label"][:, i][rows], labels(calls, pos[rows])), f"labels of {cell} on chromosome {name} differ"
            n += wanted.size
    report(f"{len(pos)} sites, {len(cells)} cells, {n} numbers: equal")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("profiles", nargs="+")
    parser.add_argument("--dna", nargs="*", default=[])
    args = parser.parse_args()
    genome = {}
    for path in args.dna:
        genome.update(read_fasta(path))
    profiles = {os.path.basename(path).split(".")[0]: read_profile(path) for path in args.profiles}
    with h5py.File(args.dump, "r") as dump:
        check(dump, profiles, genome)


if __name__ == "__main__":
    sys.exit(main())
