# SPDX-License-Identifier: MIT
"""NumPy's npz files made to harm, as matrices of cells and as genomes: no arrays, arrays of other kinds, pickles, arrays that claim too much, cut and damaged archives. One line each, exit code 2, within seconds."""
import os
import shutil
import sys
import zipfile

from hostile import np, refusal, run_trials, timed_refusal

CELLS, NAMES = 3, ("chr1", "chr2")
rng = np.random.default_rng(1)
ALL = {name: np.sort(rng.choice(np.arange(0, 4000, 4), 300, False)) for name in NAMES}
CALLS = {name: rng.choice([-1, 0, 1], (300, CELLS)).astype("i1") for name in NAMES}
with open("genome.fa", "w") as file:
    file.writelines(f">{name}\n{'CGAT' * 1001}\n" for name in NAMES)
np.savez_compressed("y.npz", **CALLS)
np.savez_compressed("pos.npz", **ALL)
os.mkdir("probe")
for name in NAMES:
    rows, columns = np.nonzero(CALLS[name] >= 0)
    pos = ALL[name][rows] + 1
    np.savez(f"probe/{name}.npz", indices=columns.astype("i4"), indptr=np.searchsorted(pos, np.arange(pos.max() + 2)).astype("i4"), format=np.array(b"csr"), shape=np.array([pos.max() + 1, CELLS]), data=np.where(CALLS[name][rows, columns] > 0, 1, -1).astype("i1"))
open("probe/column_header.txt", "w").write("a\nb\nc\n")
probe = refusal("this build cannot read or write", 1, "data", "--cpg_profiles", "probe", "--dna_files", "genome.fa", "--out_file", "out.h5")
if "exit code 0" not in probe:
    print(probe or "without libarchive: refused as it should be")
    sys.exit(bool(probe))
if os.path.exists("out.h5"):
    os.remove("out.h5")
trials = []


def refused(pattern, words, dna="genome.fa"):
    folder = f"in_{len(trials)}"
    os.mkdir(folder)
    words = ["data", "--cpg_profiles", *words, "--dna_files", dna, "--out_file", "out.h5"]
    words = [os.path.abspath(word) if os.path.exists(word) else word for word in words]
    trials.append((f"{folder} {pattern}", lambda: timed_refusal(pattern, 1, *words, folder=folder, absent=["out.h5"])))


def changed(folder, **arrays):
    """A folder whose chr1.npz has other arrays (None: without)."""
    shutil.copytree("probe", folder)
    content = {**np.load(f"{folder}/chr1.npz"), **arrays}
    np.savez(f"{folder}/chr1.npz", **{name: array for name, array in content.items() if array is not None})
    return [folder]


def member(path, name, content, like="y.npz"):
    """An npz with one member replaced by other bytes."""
    with zipfile.ZipFile(like) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            new.writestr(info.filename, content if info.filename == name else old.read(info.filename))
    return path


def npy(text, content=b"", version=1):
    raw = text.encode() + b"\n"
    return b"\x93NUMPY" + bytes([version, 0]) + len(raw).to_bytes(2 if version == 1 else 4, "little") + raw + content


sound = dict(np.load("probe/chr1.npz"))
some = sound["indptr"].copy()
some[50] = some[-1] + 1
refused("indptr does not ascend", changed("descends", indptr=some))
refused("indptr does not have an entry per row", changed("short", indptr=sound["indptr"][:-1]))
refused("an index lies outside the columns", changed("outside", indices=sound["indices"] + 1))
refused("a value is not -1, 0 or 1 \\(5\\)", changed("five", data=np.abs(sound["data"]) * 5))
refused("another number of cells", changed("columns", shape=np.array([sound["shape"][0], 4])))
refused("not by rows \\(csr\\)", changed("csc", format=np.array(b"csc")))
refused("does not hold data, indices", changed("nodata", data=None))
refused("pickled Python objects", changed("pickled", data=sound["data"].astype(object)))
refused("array data: is cut|claims", [os.path.dirname(member(shutil.copytree("probe", "cut") + "/chr1.npz", "data.npy", npy("{'descr': '|i1', 'fortran_order': False, 'shape': (%d,), }" % len(sound["data"])), "probe/chr1.npz"))])
full = next(row for row in range(len(some) - 1) if sound["indptr"][row + 1] - sound["indptr"][row] > 1)
same = sound["indices"].copy()
same[sound["indptr"][full] + 1] = same[sound["indptr"][full]]
refused("stands there twice", changed("twice", indices=same))
shutil.copytree("probe", "nameless")
open("nameless/column_header.txt", "w").write("a\n\nb\n")
refused("no name for a cell", ["nameless"])
np.savez("few.npz", **{name: ALL[name][1:] for name in NAMES})
refused("not as many positions as sites", ["y.npz", "few.npz"])
np.savez("less.npz", chr1=ALL["chr1"])
refused("is in the first file alone", ["y.npz", "less.npz"])
np.savez("two.npz", **{name: CALLS[name] * 2 for name in NAMES})
refused("not (2|-2)", ["two.npz", "pos.npz"])
np.savez("negative.npz", **{name: ALL[name] - 900 for name in NAMES})
refused("a position is negative", ["y.npz", "negative.npz"])
np.savez("objects.npz", **{name: CALLS[name].astype(object) for name in NAMES})
refused("pickled Python objects", ["objects.npz", "pos.npz"])
np.savez("records.npz", chr1=np.zeros(3, [("a", "i4")]))
refused("records of several fields", ["records.npz", "pos.npz"])
np.savez("cube.npz", chr1=np.zeros((2, 2, 2)))
refused("more than two dimensions", ["cube.npz", "pos.npz"])
np.savez("complex.npz", chr1=np.zeros((2, 2), complex))
refused("its type is none that dcpg knows", ["complex.npz", "pos.npz"])
head = "{'descr': '|i1', 'fortran_order': False, 'shape': %s, }"
for k, (pattern, content) in enumerate((
    ("is no array", b"nothing"), ("header is malformed", npy("{}")), ("header is malformed", npy("[1, 2]")), ("header is malformed", npy(head % "(3, 3 3)")),
    ("is cut, or longer", npy(head % "(9, 3)", b"123")), ("claims more than a file", npy(head % "(99999999999999999, 99999)")), ("claims more than a file", npy(head % "(9000000000, 3)")),
    ("version of npy", npy(head % "(1, 3)", b"123", 9)), ("header is too long", npy(head % "(1, 3)" + " " * 60000, b"123")), ("not as many positions", npy(head % "(1, 2000000)", bytes(2000000))),
)):
    refused(pattern, [member(f"y{k}.npz", "chr1.npy", content), "pos.npz"])
with zipfile.ZipFile("bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:  # 300 MB of nothing in 300 KB
    with archive.open("chr1.npy", "w") as file:
        file.write(npy(head % "(100000000, 3)"))
        for _ in range(300):
            file.write(bytes(1000000))
refused("less.npz: array chr1: there are not as many positions", ["bomb.npz", "less.npz"])
raw = open("y.npz", "rb").read()
for k, bytes_kept in enumerate((10, 200, len(raw) // 2, len(raw) - 30)):
    open(f"t{k}.npz", "wb").write(raw[:bytes_kept])
    refused("damaged, or no npz file", [f"t{k}.npz", "pos.npz"])
flipped = bytearray(raw)
flipped[len(raw) // 3] ^= 255
open("flipped.npz", "wb").write(flipped)
refused("flipped.npz", ["flipped.npz", "pos.npz"])
refused("is no encoded chromosome", ["y.npz", "pos.npz"], "y.npz")
np.savez("X16.npz", chr1=np.array([1, 2, 16], "i1"))
refused("16 is no base", ["y.npz", "pos.npz"], "X16.npz")
run_trials(trials)
