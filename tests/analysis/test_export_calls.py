# SPDX-License-Identifier: MIT
"""`dcpg export` of calls (cov, allc, Amethyst's HDF5, and the list of imputed calls beside them), of a table of all cells (tsv), and of bigWig, read back here; `dcpg data` reads the same calls from them."""
import glob
import gzip
import os
import shutil
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib"), here]
from program import h5py, np, read_store, refusal, run  # noqa: E402  (first: it moves to a folder of its own)
from exported import CELLS, FASTA, LENGTH, NAMES, Data, export  # noqa: E402
from indexed import Tabix, read_bigwig  # noqa: E402

data = Data("data.h5")
fasta, bare = np.array(FASTA)[data.chromo], np.array(NAMES)[data.chromo]
with open("groups.tsv", "w") as file:
    file.write("a\tA\nc\tA\n")


def table(path):
    return [line.split("\t") for line in gzip.open(path, "rt").read().splitlines()]


def counts(expected):
    """Sites with a call, methylated reads, reads."""
    n = (expected["observed"] + expected["imputed"]).astype(int)
    return n > 0, (expected["methylated"] + expected["positive"]).astype(int), n


def check_cov(path, names, expected):
    keep, m, n = counts(expected)
    wanted = [[name, str(pos), str(pos), f"{100 * m / n:.15g}", str(m), str(n - m)] for name, pos, m, n in zip(names[keep], data.pos[keep], m[keep], n[keep])]
    assert table(path) == wanted, path


def check_allc(path, names, expected):
    keep, m, n = counts(expected)
    wanted = [[name, str(pos), "+", "CGN", str(m), str(n), "1"] for name, pos, m, n in zip(names[keep], data.pos[keep], m[keep], n[keep])]
    assert table(path) == wanted, path


def check_beside(path, names, expected):
    keep = expected["imputed"] > 0
    found, n = table(path), expected["imputed"][keep]
    assert [row[:4] for row in found] == [[name, str(pos - 1), str(pos), str(int(k))] for name, pos, k in zip(names[keep], data.pos[keep], n)], path
    for column, key in ((4, "probability"), (5, "quality")):
        assert np.allclose([float(row[column]) for row in found], expected[key][keep] / n, 0, 0.51e-5), (path, key)


def check_index(path):
    index = Tabix(path)
    lines = gzip.open(path, "rt").read().splitlines()[index.skip:]
    assert index.names == list(dict.fromkeys(line.split("\t")[0] for line in lines)), path
    for name, start, end in ((FASTA[0], 0, 1 << 16), (FASTA[0], 4000000, 4100000), (FASTA[1], 0, 1 << 29), (FASTA[2], 5000, 9000)):
        wanted = [line for line in lines if line.split("\t")[0] == name and start < int(line.split("\t")[index.end - 1]) <= end]
        assert index.query(name, start, end) == wanted, (path, name, start, end)


# ---- calls ----
folder = export(data, "cov", "--format", "cov", ranks=(1, 2))
assert sorted(os.listdir(folder)) == sorted(f"{cell}.{what}.gz" for cell in CELLS for what in ("cov", "imputed.bed"))
for cell in CELLS:
    check_cov(f"{folder}/{cell}.cov.gz", fasta, data.column([cell]))
check_beside(f"{folder}/a.imputed.bed.gz", fasta, data.column(["a"]))
run(1, "export", "data.h5", "--out_dir", folder, "--format", "cov", "--observed_only", "--chromo_prefix", "ensembl")
check_cov(f"{folder}/a.cov.gz", bare, data.column(["a"], "observed"))
assert not glob.glob(f"{folder}/*.bed.gz"), "imputed calls of the export before are left"

options = {"min_quality": 0.2, "high": 0.8, "low": 0.3}
folder = export(data, "allc", "--format", "allc", "--min_quality", 0.2, "--methylated_from", 0.8, "--unmethylated_to", 0.3)
check_allc(f"{folder}/b.2.allc.tsv.gz", fasta, data.column(["b.2"], **options))
check_beside(f"{folder}/b.2.imputed.bed.gz", fasta, data.column(["b.2"], **options))
check_index(f"{folder}/b.2.allc.tsv.gz")
check_index(f"{folder}/b.2.imputed.bed.gz")
folder = export(data, "group", "--format", "allc", "--groups", "groups.tsv", "--imputed_only")
assert sorted(os.listdir(folder)) == [f"A.{what}.gz{index}" for what in ("allc.tsv", "imputed.bed") for index in ("", ".tbi")]
check_allc(f"{folder}/A.allc.tsv.gz", fasta, data.column(["a", "c"], "imputed"))
check_beside(f"{folder}/A.imputed.bed.gz", fasta, data.column(["a", "c"], "imputed"))

# ---- Amethyst ----
def check_amethyst(path, names, columns):
    """/CG/<barcode>/1 as facet's observations_v2_dtype and Amethyst's R code want it: rows in bytewise order of chromosomes."""
    info = []
    with h5py.File(path, "r") as file:
        assert file["metadata/version"][()].decode() == "amethyst2.0.0" and sorted(file) == ["CG", "metadata"]
        assert sorted(file["CG"]) == sorted(columns)
        for barcode, expected in columns.items():
            keep, m, n = counts(expected)
            rows = file["CG"][barcode]["1"]
            assert rows.dtype == np.dtype([("chr", f"S{max(10, max(map(len, names)))}"), ("pos", "<i8"), ("c", "<i8"), ("t", "<i8")]), rows.dtype
            assert rows.compression == "gzip" or not keep.any()
            order = np.lexsort((data.pos[keep], names[keep]))
            for field, wanted in (("chr", names.astype("S")), ("pos", data.pos), ("c", m), ("t", n - m)):
                assert np.array_equal(rows[field], wanted[keep][order]), (barcode, field)
            info.append([barcode, str(n.sum()), str(n.sum()), f"{100 * m.sum() / n.sum():.2f}" if n.sum() else "NA", "0", "NA"])
    found = [line.split("\t") for line in open(os.path.join(os.path.dirname(path), "amethyst.cellInfo.txt")).read().splitlines()]
    assert sorted(found) == sorted(info), (found, info)


folder = export(data, "amethyst", "--format", "amethyst", ranks=(1, 2))
assert sorted(os.listdir(folder)) == sorted(["amethyst.h5", "amethyst.cellInfo.txt"] + [f"{cell}.imputed.bed.gz" for cell in CELLS])
check_amethyst(f"{folder}/amethyst.h5", fasta, {"a": data.column(["a"]), "b_2": data.column(["b.2"]), "c": data.column(["c"])})
check_beside(f"{folder}/b.2.imputed.bed.gz", fasta, data.column(["b.2"]))
run(1, "export", "data.h5", "--out_dir", folder, "--format", "amethyst", "--groups", "groups.tsv", "--observed_only", "--chromo_prefix", "ensembl")
check_amethyst(f"{folder}/amethyst.h5", bare, {"A": data.column(["a", "c"], "observed")})

# ---- one table ----
folder = export(data, "tsv", "--format", "tsv", "--min_quality", 0.5)
assert sorted(os.listdir(folder)) == ["sites.tsv.gz", "sites.tsv.gz.tbi"]
check_index(f"{folder}/sites.tsv.gz")
head, *rows = table(f"{folder}/sites.tsv.gz")
expected = {cell: data.column([cell], min_quality=0.5) for cell in CELLS}
keep = sum(expected[cell]["n"] for cell in CELLS) > 0
assert head == ["chromo", "pos", *CELLS] and [row[:2] for row in rows] == [[name, str(pos)] for name, pos in zip(fasta[keep], data.pos[keep])]
for k, cell in enumerate(CELLS):
    known, observed, value = expected[cell]["n"][keep] > 0, expected[cell]["observed"][keep] > 0, expected[cell]["sum"][keep]
    for row, one in zip(rows, np.where(observed, np.char.mod("%g", value), np.where(known, np.char.mod("%.5f", value), ""))):
        assert row[2 + k] == one, (cell, row)

# ---- bigWig ----
probe = refusal("libBigWig", 1, "export", "data.h5", "--out_dir", "probe", "--format", "bigWig", "--nb_sample", 1)
if "exit code 0" in probe:
    folder = export(data, "big", "--format", "bigWig", "--groups", "groups.tsv", ranks=(1, 3))
    for kind, mode in (("observed", "observed"), ("imputed", "all")):
        lengths, rows = read_bigwig(f"{folder}/A.{kind}.bw")
        expected = data.column(["a", "c"], mode)
        keep = expected["n"] > 0
        order = np.lexsort((data.pos[keep], fasta[keep]))
        names, starts, ends, values = (np.array(column) for column in zip(*rows))
        assert lengths == dict(zip(FASTA, LENGTH)) and np.array_equal(names, fasta[keep][order])
        assert np.array_equal(ends, data.pos[keep][order]) and np.array_equal(starts + 1, ends)
        assert np.array_equal(values.astype("f4"), (expected["sum"][keep] / expected["n"][keep]).astype("f4")[order])
    run(1, "export", "data.h5", "--out_dir", folder, "--format", "bigWig", "--groups", "groups.tsv", "--nb_sample", 9)  # over its own files
    run(1, "export", "data.h5", "--out_dir", "big", "--format", "bigWig", "--output_names", "cpg/c", "--observed_only")
    with open(f"{folder}/A.observed.bw", "ab") as file:
        file.write(b"more")
    assert not refusal("A.observed.bw: .*not written by", 1, "export", "data.h5", "--out_dir", folder, "--format", "bigWig", "--groups", "groups.tsv")

# ---- and back ----
for words in (["cov/*.cov.gz"], ["allc/*.allc.tsv.gz"], ["big/*.bw"]):
    folder, name = words[0].split("/")
    files = sorted(glob.glob(words[0]) or glob.glob(f"{folder}_1/{name}"))
    if not files:
        continue
    run(1, "data", "--cpg_profiles", *files, "--out_file", "back.h5")
    cells, _ = read_store("back.h5")
    for cell in ("c",):
        expected = data.column([cell], **(options if folder == "allc" else {"mode": "observed"}))
        keep, m, n = counts(expected)
        for k, chromo in enumerate(NAMES):
            here = keep & (data.chromo == k)
            pos, value = cells[cell].get(chromo, ((), ()))
            assert np.array_equal(pos, data.pos[here]) and np.array_equal(value, m[here]), (words, cell, chromo)

run(1, "export", "data.h5", "--out_dir", "graph", "--format", "bedGraph", "--index")  # observed states, and predictions with 5 decimals
run(1, "data", "--cpg_profiles", *sorted(glob.glob("graph/*.bedGraph.gz")), "--bedgraph_base", 0, "--out_file", "back.h5")
cells, _ = read_store("back.h5")
for cell in CELLS:
    expected, stored = data.column([cell]), cells[cell.split(".")[0]]
    for k, chromo in enumerate(NAMES):
        here = (data.chromo == k) & (expected["n"] > 0)
        pos, value = stored[chromo]
        assert np.array_equal(pos, data.pos[here]) and np.allclose(value, expected["sum"][here], 0, 0.51e-5), (cell, chromo)
        seen = expected["observed"][here] > 0
        assert np.array_equal(value[seen], data.label[cell][here][seen]), (cell, chromo)

# ---- refused ----
with h5py.File("data.h5", "r+") as file:
    del file["genome"]
shutil.copy("data.h5", "same.h5")
with h5py.File("same.h5", "r+") as file:
    for group in ("outputs", "preds"):
        file[f"{group}/cpg/b_2"] = file[f"{group}/cpg/c"][()]
faults = [refusal("does not hold the length of chromosome 1,|libBigWig", 1, "export", "data.h5", "--out_dir", "none", "--format", "bigWig", absent=["none"]),
          refusal("cells b.2 and b_2 would both be called b_2", 1, "export", "same.h5", "--out_dir", "none", "--format", "amethyst", absent=["none"]),
          refusal("a call would be both", 1, "export", "data.h5", "--out_dir", "none", "--format", "cov", "--unmethylated_to", 0.6)]
printed = run(1, "export", "data.h5", "--out_dir", "unnamed", "--format", "cov", "--nb_sample", 5)
assert "does not hold the names of the genome's chromosomes: they are written as 1;" in printed, printed
print("\n".join(filter(None, faults)))
sys.exit(any(faults))
