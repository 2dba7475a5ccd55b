#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares DeepCpG data files.

    convert_check.py written EXPECTED_DIR WRITTEN_DIR   written by dcpg against oracle/deepcpg_files.py: same names, rows and arrays; unknown bases random
    convert_check.py same DIR DIR                       the same arrays to the bit
    convert_check.py store STORE BACK                   a store and one made of files that show all its sites: the same, fractions through half precision, windows
    convert_check.py genome STORE BACK                  the same genome
    convert_check.py fewer STORE BACK                   the same sites; every call of BACK is one of STORE
    convert_check.py kinds STORE LABELS NEIGHBOURS RANDOM   made of files without neighbours, without labels, with a base that differs; chromosomes 1 and 3
    convert_check.py reference FILE DIR                 a file of DeepCpG and those written of it: the same rows"""
import os
import sys

import h5py
import numpy as np

INT8 = ("mode", "diff", "cat_var", "cat2_var")


def arrays(path):
    found = {}
    with h5py.File(path, "r") as f:
        f.visititems(lambda name, x: found.__setitem__(name, x) if isinstance(x, h5py.Dataset) else None)
        return {name: (x[()], x.dtype, x.compression, x.compression_opts) for name, x in found.items()}


def check_type(name, dtype, compression, level):
    parts = name.split("/")
    if name == "chromo":
        assert dtype == "S2" and compression is None, name
    elif name == "pos":
        assert dtype == np.int32 and compression is None, name
    else:
        assert (compression, level) == ("gzip", 4), name
        if name == "inputs/dna" or parts[1] == "annos" or parts[:2] == ["outputs", "cpg"] or parts[-1] in INT8:
            assert dtype == np.int8, (name, dtype)
        elif parts[-1] == "state":
            assert dtype in (np.int8, np.float32), (name, dtype)
        else:
            assert dtype == np.float32, (name, dtype)


def written(expected, found):
    """Arrays by name; `expected` has N, `found` a random base there, a function of the position."""
    assert expected.keys() == found.keys(), sorted(expected.keys() ^ found.keys())
    for name, (a, dtype, _, _) in expected.items():
        b = found[name][0]
        check_type(name, *found[name][1:])
        assert a.shape == b.shape and dtype == found[name][1], name
        if name == "inputs/dna":
            assert b.min() >= 0 and b.max() < 4
            at = expected["pos"][0][:, None] + np.arange(a.shape[1]) - a.shape[1] // 2
            filled = {}
            for position, base in zip(at[a == 4], b[a == 4]):
                assert filled.setdefault(position, base) == base, position
            assert np.array_equal(a[a < 4], b[a < 4]), name
            yield list(filled.values())
        else:
            assert np.array_equal(a, b), name


def bases(f, c):
    """Codes of chromosome number c of a store, N as 4."""
    g = f["genome"]
    at, end = g["offset"][c], g["offset"][c + 1]
    code = (g["bases"][at:end][:, None] >> np.array([0, 2, 4, 6], np.uint8) & 3).reshape(-1)[: g["length"][c]]
    for start, stop in g["n_runs"][g["n_offset"][c] : g["n_offset"][c + 1]]:
        code[start:stop] = 4
    return code


def calls(f, half=False):
    """{cell: {(chromosome, position): value}}; labels of binary cells."""
    pos, offset = f["positions/pos"][()], f["positions/offset"][()]
    chromo = np.repeat(f["genome/chromo"][()], np.diff(offset))
    where = list(zip(chromo, pos))
    bits = lambda name: np.unpackbits(f[name][()].view(np.uint8), axis=1, bitorder="little")[:, : len(pos)]
    observed, state = bits("calls/observed"), bits("calls/state")
    value = state.astype(np.float32)
    if "values" in f:
        value[f["values/cell"][()]] = f["values/value"][()]
    if half:
        value = value.astype(np.float16).astype(np.float32)
    cells = [name.decode() for name in f["cells/name"]]
    return {cell: {where[i]: (value[c, i], state[c, i]) for i in np.flatnonzero(observed[c])} for c, cell in enumerate(cells)}


def sites(f):
    where = list(zip(np.repeat(f["genome/chromo"][()], np.diff(f["positions/offset"])), f["positions/pos"][()]))
    return [where[i] for i in f["sites/index"]] if "sites" in f else where


def store(a, b):
    assert sites(a) == sites(b)
    assert np.array_equal(a["cells/binary"], b["cells/binary"])
    expected, found = calls(a, True), calls(b, True)
    assert expected == found and sum(map(len, found.values())) > 500
    for c in range(3):
        x, y = bases(a, c), bases(b, c)
        pos = a["positions/pos"][a["positions/offset"][c] : a["positions/offset"][c + 1]]
        seen = np.zeros(len(y), bool)
        for p in pos:
            seen[max(p - 301, 0) : p + 300] = True
        assert (y[~seen] == 4).all() and (y[seen] < 4).all()
        both = np.flatnonzero(seen[: len(x)] & (x[: len(seen)] < 4) if len(seen) <= len(x) else seen[: len(x)] & (x < 4))
        assert len(both) > 10000 and np.array_equal(x[both], y[both]), c


def genome(a, b):
    for name in ("bases", "n_runs", "md5", "length", "chromo"):
        assert np.array_equal(a["genome"][name], b["genome"][name]), name


def fewer(a, b):
    assert sites(a) == sites(b) and "sites" in b
    expected, found = calls(a, True), calls(b, True)
    for cell, known in found.items():
        assert known.items() <= expected[cell].items(), cell
    at = set(sites(a))
    between = [where for known in found.values() for where in known if where not in at]
    assert len(between) > 500, len(between)


def kinds(full, labels, neighbours, random):
    expected = {cell: {w: v for w, v in known.items() if w[0] != b"2"} for cell, known in calls(full, True).items()}
    for cell, known in calls(labels).items():
        assert {w: v[1] for w, v in known.items()} == {w: v[1] for w, v in expected[cell].items()}, cell
    assert calls(random, True) == expected
    for cell, known in calls(neighbours, True).items():  # a lone half may have been rounded up: only its label shows it
        value = lambda calls: {w: v[0] for w, v in calls.items()}
        assert value(known).items() <= value(expected[cell]).items() and len(known) > 0.9 * len(expected[cell]), cell


def reference(path, folder):
    with h5py.File(path) as a:
        rows = {}
        for name in sorted(os.listdir(folder)):
            with h5py.File(os.path.join(folder, name)) as b:
                for cell in b["inputs/cpg"]:
                    for kind in ("state", "dist"):
                        rows.setdefault(f"inputs/cpg/{cell}/{kind}", []).append(b[f"inputs/cpg/{cell}/{kind}"][()])
                for cell in b["outputs/cpg"]:
                    rows.setdefault(f"outputs/cpg/{cell}", []).append(b[f"outputs/cpg/{cell}"][()])
                rows.setdefault("pos", []).append(b["pos"][()])
        order = np.lexsort((a["pos"][()], a["chromo"][()]))
        assert len(rows) > 3
        for name, parts in rows.items():
            assert np.array_equal(np.concatenate(parts), a[name][()][order]), name


STORES = {"store": store, "genome": genome, "fewer": fewer, "kinds": kinds}


def main():
    what, *paths = sys.argv[1:]
    if what in STORES:
        STORES[what](*[h5py.File(path, "r") for path in paths])
    elif what == "reference":
        reference(*paths)
    else:
        folders(what, *paths)


def folders(what, one, other):
    names = sorted(os.listdir(one))
    assert names == sorted(os.listdir(other)), (names, sorted(os.listdir(other)))
    bases = []
    for name in names:
        a, b = arrays(os.path.join(one, name)), arrays(os.path.join(other, name))
        if what == "same":
            assert a.keys() == b.keys(), sorted(a.keys() ^ b.keys())
            for key in a:
                assert a[key][1:] == b[key][1:] and a[key][0].tobytes() == b[key][0].tobytes(), (name, key)
        else:
            for more in written(a, b):
                bases += more
    if what == "written":
        assert len(bases) > 100, "hardly any N: nothing is tested"
        share = np.bincount(bases, minlength=4) / len(bases)
        assert share.min() > 0.1 and share.max() < 0.5, share


main()
