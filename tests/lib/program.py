# SPDX-License-Identifier: MIT
"""Shared by Python tests of the program: running it on some ranks, checking its errors, reading stores as arrays. Importing this changes to a temporary folder, which is removed at the end."""
import atexit
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(77)


try:
    import h5py
    import numpy as np
except ImportError as error:
    skip(error)

DCPG = os.environ["DCPG_PROGRAM"]
SHARED = os.path.abspath(os.environ.get("DCPG_SHARED", ""))
work = tempfile.mkdtemp()
atexit.register(shutil.rmtree, work, True)
os.chdir(work)


def start(ranks, words, seconds=240, folder="."):
    """Runs `dcpg WORDS` in a folder and waits; one rank runs without mpirun."""
    # An mpirun that ends may remove the temporary folder that another is about to use, so each thread of a test has its own.
    own = os.path.join(work, f"mpi{threading.get_ident() % 1000003}")
    os.makedirs(own, exist_ok=True)
    env = dict(os.environ, OMPI_MCA_orte_tmpdir_base=own)
    launcher = [] if ranks == 1 else [os.environ.get("MPIRUN", "mpirun"), "-n", str(ranks)]
    return subprocess.run(launcher + [DCPG] + [str(word) for word in words], capture_output=True, text=True, errors="replace", timeout=seconds, cwd=folder, env=env)


def run(ranks, *words):
    """Runs dcpg, which must succeed; returns its messages."""
    done = start(ranks, words)
    if done.returncode != 0:
        printed = "\n".join(re.findall(r"^dcpg(?: |:).*$", done.stderr, re.M)) or done.stderr[-3000:]
        sys.exit(f"FAILED: exit code {done.returncode} on {ranks} ranks: dcpg {' '.join(map(str, words))[:2000]}\n{printed}")
    return done.stdout + done.stderr


def bug(done):
    """'', or a description of a bug: an exit code or a message that no run may have."""
    if done.returncode not in (0, 1, 2) or re.search("runtime error|AddressSanitizer|LeakSanitizer|Assertion", done.stderr):
        return f"a bug, exit code {done.returncode}: {done.stderr[-3000:]}"
    return ""


def refusal(pattern, ranks, *words, folder=".", absent=()):
    """'', or what is wrong with the refusal, which must have exit code 2, one line on stderr that matches the pattern, and leave neither files in `absent` nor temporary ones."""
    try:
        done = start(ranks, words, 120, folder)
    except subprocess.TimeoutExpired:
        return "hangs"
    lines = re.findall(r"^dcpg(?: |:).*$", done.stderr, re.M)
    if bug(done):
        return bug(done)
    if done.returncode != 2:
        return f"exit code {done.returncode}, not 2: {(done.stdout + done.stderr)[-400:]}"
    if len(lines) != 1:
        return f"{len(lines)} error lines, not 1: {done.stderr[-1000:]}"
    if not re.search(pattern, lines[0], re.I):
        return f"no '{pattern}' in: {lines[0][:400]}"
    left = [name for name in os.listdir(folder) if name in absent or "tmp" in name]
    return f"left behind: {left}" if left else ""


def read_store(path):
    """{cell: {chromosome: (positions, values)}} of the observed calls in a store, and {chromosome: all its positions}."""
    with h5py.File(path, "r") as store:
        chromos = [name.decode() for name in store["genome/chromo"][()]]
        offset, pos = store["positions/offset"][()], store["positions/pos"][()].astype(int)
        values = {}
        if "values/cell" in store:
            values = {int(cell): store["values/value"][row] for row, cell in enumerate(store["values/cell"][()])}
        cells = {}
        for k, name in enumerate(store["cells/name"][()]):
            observed, state = (np.unpackbits(store[f"calls/{what}"][k].view(np.uint8), bitorder="little")[:len(pos)].astype(bool) for what in ("observed", "state"))
            value = values.get(k, state.astype(np.float32))
            if k in values and not (np.array_equal(np.isfinite(value), observed) and np.array_equal(np.round(value[observed]), state[observed])):
                sys.exit(f"FAILED: {path}: values of {name} and its calls disagree")
            parts = {c: slice(*offset[i:i + 2]) for i, c in enumerate(chromos)}
            cells[name.decode()] = {c: (pos[s][observed[s]], value[s][observed[s]]) for c, s in parts.items() if observed[s].any()}
        return cells, {c: pos[offset[i]:offset[i + 1]] for i, c in enumerate(chromos)}
