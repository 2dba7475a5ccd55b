# SPDX-License-Identifier: MIT
"""Exchanges HDF5 files between dcpg and h5py.   h5py_files.py make FILE | check FILE
"make" writes a file for the C test to read, "check" reads the file that the C test wrote. Exit code 77: h5py is not installed."""
import shutil
import sys

try:
    import h5py
    import numpy as np
except ImportError:
    sys.exit(77)


def make(path, libver):
    with h5py.File(path, "w", libver=libver) as f:
        f["chromo"] = np.array([b"1", b"10", b"X"], "S2")
        f.create_dataset("packed_text", data=np.array([b"%d" % i for i in range(1000)], "S3"), chunks=(300,), compression="gzip", shuffle=True)
        thousands = 1000 * np.arange(100, dtype="i4")
        f.create_dataset("checked", data=thousands, chunks=(30,), compression="gzip", shuffle=True, fletcher32=True)
        f.create_dataset("checked_alone", data=thousands, chunks=(7,), fletcher32=True)
        f.create_dataset("plain_chunks", data=thousands, chunks=(7,))
        f.create_dataset("bad_checksum", data=thousands + 77, chunks=(100,), fletcher32=True)
        f.create_dataset("scaled", data=thousands, chunks=(10,), scaleoffset=8)
        f["elsewhere"] = h5py.ExternalLink("another.h5", "/x")
        f["below_elsewhere"] = h5py.ExternalLink("another.h5", "/")
        f["soft_elsewhere"] = h5py.SoftLink("/below_elsewhere/x")
        f.create_dataset("stored_elsewhere", (10,), "i4", external=[("/etc/passwd", 0, 40)])
        layout = h5py.VirtualLayout((10,), "i4")
        layout[:] = h5py.VirtualSource("another.h5", "x", (10,))
        f.create_virtual_dataset("virtual", layout)
        f.create_dataset("vlen_packed", data=[str(i) for i in range(500)], dtype=h5py.string_dtype(), chunks=(77,), compression="gzip", shuffle=True)
        f.create_dataset("many_names", (20_000_000,), "S1", chunks=(1 << 20,), compression="gzip")
        for name in ("tree/a/b", "tree/a/c/d", "tree/e", "loop/x", "twice/one/x", "deep/" + "g/" * 9 + "x", "soft_loop/x"):
            f[name] = 1
        f["loop/again"] = f["loop"]
        f["twice/two"] = f["twice/one"]
        f["soft_loop/again"] = h5py.SoftLink("/soft_loop")
        f["vlen"] = np.array(["eins", "zw\u00f6lf", ""], dtype=h5py.string_dtype())
        f["scalar_text"] = "alone"
        f["flag"] = np.array([True, False, True])
        f["half"] = np.array([0.5, -2], np.float16)
        f["big_endian"] = np.array([1, -2, 70000], ">i4")
        f["u16"] = np.array([0, 65535], np.uint16)
        f["u32"] = np.array([0, 4294967295], np.uint32)
        f["null"] = h5py.Empty("f")
        f["complex"] = np.array([1j])
        f["five"] = np.zeros((1, 1, 1, 1, 1))
        f["a/linked"] = h5py.SoftLink("/u16")
        f["dangling"] = h5py.SoftLink("/nowhere")
        f.create_dataset("huge", (1 << 40, 1 << 20), "f4", chunks=(1, 1 << 16))
        f.create_dataset("packed", data=np.arange(3000, dtype="i8").reshape(1000, 3), chunks=(128, 2), compression="gzip", shuffle=True)
        g = f.create_group("model_weights")
        g.attrs["backend"] = np.string_("tensorflow")
        g.attrs["keras_version"] = "2.2.4"
        g.attrs["config"] = "x" * 100000 if libver != "earliest" else "x" * 60000
        g.attrs["layer_names"] = np.array([b"dna/conv1d_1", b"dna/dense_1"])
        g.attrs["vlen_names"] = np.array(["a", "bc"], dtype=h5py.string_dtype())
        g.attrs["weight_names"] = []
        g.attrs["one"] = np.int32(7)
        for i, part in enumerate(np.array_split(np.array([b"layer%05d" % i for i in range(100)]), 3)):
            g.attrs["long%d" % i] = part
    content = bytearray(open(path, "rb").read())
    at = content.find((1000 * np.arange(100, dtype="<i4") + 77).tobytes())
    content[at + 50] ^= 1  # of bad_checksum
    open(path, "wb").write(content)


def hold(path):
    """Marks a file as open for writing, as a program leaves it that died meanwhile."""
    with h5py.File(path + ".open", "w", libver="latest") as f:
        f["x"] = 1
        f.flush()
        shutil.copyfile(path + ".open", path)


def check(path):
    with h5py.File(path, "r") as f:
        assert sorted(f) == ["cells", "empty", "names", "tables"], list(f)
        full, none = f["tables/full"], f["tables/none"]
        assert full.dtype == none.dtype == np.dtype([("word", "S3"), ("i", "<i4"), ("x", "<f8")]) and none.shape == (0,)
        assert full.chunks == (300,) and full.compression == "gzip" and full.shuffle
        number = np.arange(1000)
        assert (full["i"] == number).all() and (full["x"] == number / 4).all() and (full["word"] == np.where(number % 2, b"odd", b"ev")).all()
        x = f["cells/one/pos"]
        assert x.dtype == np.int32 and x.shape == (100, 3) and x.chunks == (32, 3)
        assert x.compression == "gzip" and x.compression_opts == 4 and x.shuffle
        assert (x[()].ravel() == np.arange(300) ** 2).all()
        a = f["cells"].attrs
        assert f["names"].dtype == np.dtype("S5") and list(f["names"][()]) == [b"alpha", "z\u00fcri".encode()]
        assert f["names"].id.get_type().get_strpad() == h5py.h5t.STR_NULLPAD and a.get_id("text").get_type().get_strpad() == h5py.h5t.STR_NULLPAD
        assert f["empty"].shape == (0,)
        assert a["list"].dtype.kind == "S" and [s.decode() for s in a["list"]] == ["alpha", "z\u00fcri"]
        assert a["none"].shape == (0,) and a["none"].dtype == np.float64
        assert a["text"].decode("utf8") == "2.2.4" and a["nothing"] == b""
        assert len(a["config"]) == 200000
        assert a["n"] == -5 and a["n"].dtype == np.int64
        names = [n.decode() for k in ("layers0", "layers1") for n in a[k]]
        assert names == ["layer_with_a_name_of_40_letters_%08d" % i for i in range(3001)]
        assert "layers2" not in a and "layers" not in a


{"make": lambda: make(sys.argv[2], "earliest"), "make_new": lambda: make(sys.argv[2], "v110"),
 "check": lambda: check(sys.argv[2]), "held": lambda: hold(sys.argv[2])}[sys.argv[1]]()
