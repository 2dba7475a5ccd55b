#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads one window from a store with h5py: DNA around a CpG and its nearest observed neighbours in one cell.   read_window.py STORE CHROMOSOME POSITION CELL [WLEN]"""
import sys
import h5py
import numpy as np

path, chromo, pos, cell, wlen = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], int((sys.argv[5:] or [21])[0])
with h5py.File(path, "r") as store:
    c = store["genome/chromo"][()].tolist().index(chromo.encode())
    part = lambda data, offset: store[data][slice(*store[offset][c : c + 2])]  # the part for the chromosome
    dna = (part("genome/bases", "genome/offset")[:, None] >> [0, 2, 4, 6] & 3).ravel()[: store["genome/length"][c]]
    for start, end in part("genome/n_runs", "genome/n_offset"):
        dna[start:end] = 4
    k = store["cells/name"][()].tolist().index(cell.encode())
    bits = lambda data: np.unpackbits(store[data][k].view(np.uint8), bitorder="little")[slice(*store["positions/offset"][c : c + 2])]
    observed = bits("calls/observed") == 1
    at, state = part("positions/pos", "positions/offset")[observed], bits("calls/state")[observed]
print("".join("ATGCN"[base] for base in np.pad(dna, wlen // 2, constant_values=4)[pos - 1 : pos - 1 + wlen]))
for near in (np.flatnonzero(at < pos)[-3:], np.flatnonzero(at > pos)[:3]):
    print(*("%d:%d" % call for call in zip(at[near], state[near])))
