# SPDX-License-Identifier: MIT
"""HDF5 files made to harm, and odd ones that are sound: what would read other files, what claims more than it holds, what is slow to read. One line each, exit code 2, within seconds; sound ones are read."""
import os

from hostile import bug, deepcpg, evaluated, h5py, np, replace, run_trials, start, timed_refusal

trials = []
DATA = {"stats": (), "show": (), "train": ("--cpg_model", "FcAvg", "--nb_epoch", "1"), "convert": ()}
WRITERS = ("train", "convert", "export")
ELSEWHERE = "holds its data in another file"
LIES = "claim|more .*than the file can hold|damaged"


def refused(pattern, path, commands=("stats",), more=()):
    for command in commands:
        own = ("--out_dir", f"out{len(trials)}") if command in WRITERS else ()  # trials run side by side, a folder has one writer
        words = [command, path, *(more or DATA.get(command, ())), *own]
        trials.append((f"{command} {path}", lambda words=words: timed_refusal(pattern, 1, *words)))


def accepted(path, command="stats"):
    def trial():
        done = start(1, [command, path])
        return bug(done) or (f"refused: {done.stderr[-400:]}" if done.returncode else "")
    trials.append((f"{command} {path}", trial))


def deepcpg_of(name, make, path=None):
    return replace(deepcpg(path or f"{name.replace('/', '_')}_{make.__name__}.h5"), name, make)


# ---- data that are elsewhere ----

def passwd(f, name, was):
    f.create_dataset(name, was.shape, was.dtype, external=[("/etc/passwd", 0, was.nbytes)])


def fifo(f, name, was):
    f.create_dataset(name, was.shape, was.dtype, external=[(os.path.abspath("fifo"), 0, was.nbytes)])


def virtual(f, name, was):
    layout = h5py.VirtualLayout(was.shape, was.dtype)
    layout[:] = h5py.VirtualSource(f.filename, name, was.shape)  # itself
    f.create_virtual_dataset(name, layout)


def linked(f, name, was):
    f[name] = h5py.ExternalLink("other.h5", name)


def linked_softly(f, name, was):
    f["out"] = h5py.ExternalLink("other.h5", "/")
    f[name] = h5py.SoftLink("/out/" + name)


os.mkfifo("fifo")
deepcpg("other.h5")
for name in ("chromo", "pos", "inputs/dna", "inputs/cpg/a/state", "outputs/cpg/a"):
    for make in (passwd, virtual, linked):
        if not (make is passwd and name == "inputs/dna"):
            refused(ELSEWHERE, deepcpg_of(name, make), ("stats",) if name != "chromo" else DATA)
refused(ELSEWHERE, deepcpg_of("chromo", fifo))
refused(ELSEWHERE, deepcpg_of("pos", linked_softly))
for group in ("inputs", "outputs"):
    deepcpg(f"group_{group}.h5")
    with h5py.File(f"group_{group}.h5", "r+") as f:
        del f[group]
        f[group] = h5py.ExternalLink("other.h5", group)
    refused(f"{ELSEWHERE}|is not a group|holds no", f"group_{group}.h5")
for make in (passwd, virtual, linked):
    refused(ELSEWHERE, replace(evaluated(f"eval_{make.__name__}.h5"), "preds/cpg/a", make), ("export",))
refused("is not a file", "fifo")
refused("is not a file", "/dev/zero")

# ---- more than the file holds ----

deepcpg("loop.h5")
with h5py.File("loop.h5", "r+") as f:
    group = f.create_group("outputs/zz")
    for k in range(12):
        group[f"l{k}"] = group
refused("more than once", "loop.h5", DATA)
evaluated("eval_loop.h5")
with h5py.File("eval_loop.h5", "r+") as f:
    for k in range(10):
        f["preds"][f"l{k}"] = f["preds"]
refused("more than once", "eval_loop.h5", ("export",))
with h5py.File("names_of_one.h5", "w") as f:
    rows = 20_000_000
    f.create_dataset("pos", (rows,), "i4", chunks=(1 << 20,), compression="gzip", fillvalue=7)
    f.create_dataset("chromo", (rows,), "S1", chunks=(1 << 20,), compression="gzip", fillvalue=b"1")
    f.create_dataset("preds/cpg/0", (rows,), "f4", chunks=(1 << 20,), compression="gzip")
    for k in range(1, 2000):
        f[f"preds/cpg/{k}"] = f["preds/cpg/0"]
    f["outputs"] = f["preds"]
refused(LIES, "names_of_one.h5", ("export", "stats"))
refused("300000 bytes", evaluated("wide.h5", 5, chromo=np.array([b"1"] * 5, "S300000")), ("export",))


def many_strings(f, name, was):
    f.create_dataset(name, (1 << 33,), "S40", chunks=(1 << 16,), compression="gzip")


def one_string_many_times(f, name, was):
    """References to one long text, as many as there are rows."""
    f.create_dataset(name, data=["x" * 3_000_000] * len(was), dtype=h5py.string_dtype())
    f.flush()
    with open(f.filename, "rb") as raw:
        content = raw.read()
    first, second = (f[name].id.get_offset() + 16 * k for k in (0, 1))
    patches.append((f.filename, second, content[first:first + 16] * (len(was) - 1)))


patches = []
refused(LIES, deepcpg_of("chromo", many_strings))
path = deepcpg_of("chromo", one_string_many_times)
for path, at, text in patches:
    with open(path, "r+b") as raw:
        raw.seek(at)
        raw.write(text)
refused("more text than|line ends|more than 255", path)

# ---- slow to read ----

rows = 16000
deepcpg("one_by_one.h5", rows, pos=None, outputs__cpg__a=None, inputs__dna=None, inputs__cpg__a__state=None, inputs__cpg__a__dist=None)
with h5py.File("one_by_one.h5", "r+") as f:
    f.create_dataset("pos", data=np.arange(1, rows + 1, dtype="i4"), chunks=(1,))
    f.create_dataset("outputs/cpg/a", data=np.zeros(rows, "i1"), chunks=(16,))
accepted("one_by_one.h5")

# ---- what is read, and what is named ----


def typed(dtype, **how):
    def make(f, name, was):
        f.create_dataset(name, data=was.astype(dtype) if dtype else was, **how)
    return make


def text(f, name, was):
    f.create_dataset(name, data=[x.decode() for x in was], dtype=h5py.string_dtype(), **packed)


for k, packed in enumerate(({}, {"chunks": (7,)}, {"chunks": (7,), "compression": "gzip", "shuffle": True})):
    accepted(deepcpg_of("chromo", text, f"text{k}.h5"))
accepted(deepcpg("utf8.h5", chromo=np.array(["1"] * 40, dtype=h5py.string_dtype("utf-8", 5))))
wide = {"pos": (">i8", "u4", "i8", "u8"), "inputs/dna": ("i8", ">i2", "u1"), "inputs/cpg/a/state": (">i4", "f8", ">f4", "f2"), "inputs/cpg/a/dist": ("f8", "i8", ">f8"),
        "outputs/cpg/a": ("i8", "f8", "bool", ">f4", "f2")}
for name, types in wide.items():
    for k, dtype in enumerate(types):
        how = ({}, {"chunks": True}, {"chunks": True, "compression": "gzip", "fletcher32": True})[k % 3]
        accepted(deepcpg_of(name, typed(dtype, **how), f"wide_{name.replace('/', '_')}_{k}.h5"))
refused("packed with lzf .*h5repack -f GZIP=4", deepcpg_of("pos", typed(None, compression="lzf"), "lzf.h5"))
refused("packed with scaleoffset", deepcpg_of("outputs/cpg/a", typed("i4", scaleoffset=0, chunks=True), "scaled.h5"))
refused("pos holds floats, wanted are whole numbers", deepcpg_of("pos", typed("f8"), "float_pos.h5"))
refused("chromo holds whole numbers, wanted are text", deepcpg("number_chromo.h5", chromo=np.ones(40, "i4")))
refused("pos holds text", deepcpg("text_pos.h5", pos=np.array([b"7"] * 40)))
refused("outputs/cpg/a holds neither text nor numbers", deepcpg("complex.h5", outputs__cpg__a=np.ones(40, "c8")))
for k, name in enumerate((b"1\t2", b"a b", b"x" * 300)):
    refused("row 0 of chromo: a chromosome's name has no blanks", deepcpg(f"name_of_{k}.h5", chromo=np.array([name] * 40)))
accepted(deepcpg("slash.h5", chromo=np.array([b"../x"] * 40)))

# ---- export checks what it will write ----

for k, name in enumerate((b"1\t5\t6\t1\nchr2", b"", b"a b", b"\x01", b"x" * 300)):
    refused("row 3 of chromo", evaluated(f"name{k}.h5", chromo=np.array([b"1"] * 3 + [name] + [b"1"] * 6)), ("export",))
for k, pos in enumerate((-5, 0, 2**31 - 1)):
    refused("row 2 of pos", evaluated(f"pos{k}.h5", pos=np.array([1, 2, pos] + [7] * 7, "i4")), ("export",))
refused("does not fit|cannot be read|out of range", evaluated("pos_wide.h5", pos=np.full(10, 2**33)), ("export",))
for k, (group, value) in enumerate((g, v) for g in ("preds", "outputs") for v in (np.inf, -2, 5, 1e30)):
    refused(f"row 4 of {group}/cpg/a", evaluated(f"value{k}.h5", **{f"{group}__cpg__a": np.array([0.5] * 4 + [value] + [0.5] * 5, "f4")}), ("export",))
refused("row 4 of preds/cpg/a: -?nan", evaluated("nan.h5", preds__cpg__a=np.array([0.5] * 4 + [np.nan] + [0.5] * 5)), ("export",))
for k, name in enumerate(("pos", "chromo")):
    table = np.ones((10, 2), "i4" if name == "pos" else "S1")
    refused("not one row per site", evaluated(f"table{k}.h5", **{name: table}), ("export",))
refused("not one row per site", evaluated("longer.h5", outputs__cpg__a=np.zeros(11)), ("export",))
refused("not one row per site", evaluated("shorter.h5", preds__cpg__a=np.zeros(9)), ("export",))
refused("different shapes", evaluated("classes.h5", preds__cpg__a=np.full((10, 2), 0.5)), ("export",))
for k, name in enumerate(("cpg/new\nline", "cpg/.hidden", "cpg/" + "x" * 300, "cpg/\x1b[31mred")):
    refused("no name for a file", evaluated(f"output{k}.h5", outputs=("cpg/a", name)), ("export",))


def exported():
    evaluated("fine.h5", chromo=np.array(["1"] * 10, dtype=h5py.string_dtype()), pos=np.arange(1, 11, dtype=">i8"), preds__cpg__a=np.linspace(0, 1, 10))
    done = start(1, ["export", "fine.h5", "--out_dir", "exported"])
    if bug(done) or done.returncode:
        return done.stderr[-400:]
    return "" if os.listdir("exported") == ["a.bedGraph.gz"] else f"wrote {os.listdir('exported')}"


trials.append(("export of other widths", exported))
run_trials(trials)
