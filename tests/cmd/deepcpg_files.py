#!/usr/bin/env python3
"""Writes profiles and DNA as DeepCpG data files, so that they can be compared with the store made of the same.

    deepcpg_files.py OUT_DIR DNA_WLEN CPG_WLEN ROWS PROFILE ... --dna FASTA ...

At most ROWS sites per file. Unlike DeepCpG, unknown bases stay N, as they do in a store."""
import argparse
import os
import sys

import h5py
import numpy as np

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "oracle"))
from windows import dna_windows, is_binary, labels, read_fasta, read_profile, stored_neighbours  # noqa: E402

NONE = (np.zeros(0, int), np.zeros(0, np.float32))


def write(path, chromo, pos, args, profiles, genome):
    with h5py.File(path, "w") as f:
        put = lambda name, data: f.create_dataset(name, data=data, compression="gzip")
        put("chromo", np.full(len(pos), chromo.encode(), "S2"))
        put("pos", pos.astype(np.int32))
        put("inputs/dna", dna_windows(genome[chromo], pos, args.dna_wlen).astype(np.int8))
        for name, profile in profiles.items():
            calls = profile.get(chromo, NONE)
            state, dist = stored_neighbours(calls, pos, args.cpg_wlen)
            put(f"inputs/cpg/{name}/state", state.astype(np.int8 if is_binary(profile) else np.float32))
            put(f"inputs/cpg/{name}/dist", dist)
            put(f"outputs/cpg/{name}", labels(calls, pos).astype(np.int8))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out_dir")
    parser.add_argument("dna_wlen", type=int)
    parser.add_argument("cpg_wlen", type=int)
    parser.add_argument("rows", type=int)
    parser.add_argument("profiles", nargs="+")
    parser.add_argument("--dna", nargs="+")
    args = parser.parse_args()
    genome = {name: sequence for path in args.dna for name, sequence in read_fasta(path).items()}
    profiles = {os.path.basename(path).split(".")[0]: read_profile(path) for path in args.profiles}
    os.makedirs(args.out_dir)
    for chromo in sorted(set().union(*profiles.values())):
        pos = np.unique(np.concatenate([profile.get(chromo, NONE)[0] for profile in profiles.values()]))
        for first in range(0, len(pos), args.rows):
            part = pos[first : first + args.rows]
            name = "c%s_%06d-%06d.h5" % (chromo, first, first + len(part))
            write(os.path.join(args.out_dir, name), chromo, part, args, profiles, genome)


if __name__ == "__main__":
    main()
