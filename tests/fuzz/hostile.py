# SPDX-License-Identifier: MIT
"""What the tests of hostile files share: small sound files, and a list of trials that are run side by side. Import first: it moves to a folder of its own (lib/program.py)."""
import concurrent.futures
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
from program import bug, refusal, run, start, work  # noqa: E402, F401
import h5py  # noqa: E402
import numpy as np  # noqa: E402

SECONDS = 20  # more than any file that is not large may take, sanitized too


def deepcpg(path, rows=40, **changed):
    """A DeepCpG data file; `changed` replaces arrays by name with '/' as '__' (None: not there)."""
    rng = np.random.default_rng(1)
    arrays = {
        "chromo": np.array([b"1"] * rows), "pos": 20 * np.arange(1, rows + 1, dtype="i4"), "inputs__dna": rng.integers(0, 4, (rows, 11), "i1"),
        "inputs__cpg__a__state": rng.integers(0, 2, (rows, 4), "i1"), "inputs__cpg__a__dist": rng.integers(1, 900, (rows, 4)).astype("f4"),
        "outputs__cpg__a": rng.integers(0, 2, rows, "i1"),
    }
    arrays.update(changed)
    with h5py.File(path, "w") as f:
        for name, array in arrays.items():
            if array is not None:
                f[name.replace("__", "/")] = array
    return path


def evaluated(path, rows=10, outputs=("cpg/a",), **changed):
    """A file as `dcpg eval --out_data` writes it."""
    arrays = {"chromo": np.array([b"1"] * rows), "pos": np.arange(1, rows + 1, dtype="i4")}
    for output in outputs:
        arrays["outputs/" + output] = np.full(rows, -1, "f4")
        arrays["preds/" + output] = np.full(rows, 0.5, "f4")
    arrays.update({name.replace("__", "/"): array for name, array in changed.items()})
    with h5py.File(path, "w") as f:
        for name, array in arrays.items():
            f[name] = array
    return path


def replace(path, name, make):
    """Puts another dataset in place of one: make(file, name, what was there)."""
    with h5py.File(path, "r+") as f:
        before = f[name][()]
        del f[name]
        make(f, name, before)
    return path


def timed_refusal(pattern, ranks, *words, **more):
    began = time.time()
    wrong = refusal(pattern, ranks, *words, **more)
    took = time.time() - began
    return wrong or (f"took {took:.1f} s" if took > SECONDS else "")


def run_trials(trials):
    """trials: (name, function without arguments that returns '' or what is wrong)."""
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        for name, wrong in zip([t[0] for t in trials], pool.map(lambda t: t[1](), trials)):
            if wrong:
                failed += 1
                print(f"FAILED: {name}: {wrong}")
    print(f"{len(trials) - failed} of {len(trials)} as they should be")
    sys.exit(failed > 0)
