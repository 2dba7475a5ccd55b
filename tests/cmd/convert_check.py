#!/usr/bin/env python3
"""Compares DeepCpG data files.

    convert_check.py written EXPECTED_DIR WRITTEN_DIR   written by dcpg against deepcpg_files.py: same names, rows and arrays; unknown bases random
    convert_check.py same DIR DIR                       the same arrays to the bit"""
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


def main():
    what, one, other = sys.argv[1:]
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
