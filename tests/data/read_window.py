#!/usr/bin/env python3
"""Reads one window from a store with h5py: DNA around a CpG and its observed neighbours in one cell.   read_window.py STORE CHROMOSOME POSITION CELL [WLEN]"""
import sys
import h5py
import numpy as np

path, chromo, pos, cell, wlen = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int((sys.argv[5:] or [21])[0])
with h5py.File(path, "r") as store:
    c = store["genome/chromo"][()].tolist().index(chromo.encode())
    i = np.arange(pos - 1 - wlen // 2, pos + wlen // 2)  # bases wanted, counted from 0
    inside = (i >= 0) & (i < store["genome/length"][c])
    first, last = i[inside][0] // 4, i[inside][-1] // 4 + 1
    packed = store["genome/bases"][store["genome/offset"][c] + first : store["genome/offset"][c] + last]
    dna = np.full(wlen, 4)
    dna[inside] = packed[i[inside] // 4 - first] >> 2 * (i[inside] % 4) & 3
    for start, end in store["genome/n_runs"][store["genome/n_offset"][c] : store["genome/n_offset"][c + 1]]:
        dna[(i >= start) & (i < end)] = 4
    a, b = store["positions/offset"][c : c + 2]
    k = store["cells/name"][()].tolist().index(cell.encode())
    bits = [np.unpackbits(store[name][k].astype("<u8").view(np.uint8), bitorder="little")[a:b] for name in ("calls/observed", "calls/state")]
    at, state = store["positions/pos"][a:b][bits[0] == 1], bits[1][bits[0] == 1]
print("".join("ATGCN"[x] for x in dna))
for side in (at < pos, at > pos):
    near = np.argsort(np.abs(at[side] - pos))[:3]
    print(" ".join(f"{at[side][n]}:{state[side][n]}" for n in sorted(near)))
