# SPDX-License-Identifier: MIT
"""`dcpg export` by regions and bins, as a table and as AnnData's HDF5 file: the numbers against the documented rules, the file against AnnData's specification, and against AnnData itself where it is installed."""
import gzip
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib"), here]
from program import h5py, np, refusal, run  # noqa: E402  (first: it moves to a folder of its own)
from exported import CELLS, FASTA, LENGTH, NAMES, Data, export  # noqa: E402
from indexed import Tabix  # noqa: E402

data = Data("data.h5")
rng = np.random.default_rng(3)
# Regions that overlap and nest, all of a chromosome, none of its sites, of other chromosomes, out of order, twice.
bed = [(0, start, start + int(rng.integers(1, 300000))) for start in map(int, rng.integers(0, 9000000, 60))]
bed += [(0, 0, 9000000), (2, 0, 20000), (2, 16568, 16569), (1, 5, 6), (1, 100, 800000), (3, 0, 500), bed[0]]
with open("regions.bed", "w") as file:
    file.write("track name=x\n# comment\n" + "".join(f"{('chr' if start % 2 else '') + NAMES[c]}\t{start} {end}\tname\n" for c, start, end in bed) + "chr7\t1\t2\n")
with open("groups.tsv", "w") as file:
    file.write("a\tA\nc\tA\nb.2\tB\n")


def sums(regions, cells, **options):
    """Of each region: sites, then observed and methylated calls, values and their sum of these cells."""
    column = data.column(cells, **options)
    rows = []
    for chromo, start, end in regions:
        inside = (data.chromo == chromo) & (data.pos > start) & (data.pos <= end)
        rows.append((inside.sum(), *(column[key][inside].sum() for key in ("observed", "methylated", "n", "sum"))))
    return np.array(rows, float).T


def ratio(a, b):
    return np.divide(a, b, out=np.full(len(a), np.nan), where=b > 0)


def check_tsv(path, regions, columns, names=FASTA, **options):
    head, *rows = [line.split("\t") for line in gzip.open(path, "rt").read().splitlines()]
    assert head == ["chromo", "start", "end", "sites", "name", "mean", "methylated", "total", "observed", "imputed"]
    wanted = [(names[c], str(start), str(end), name) for c, start, end in regions for name in columns]
    assert [(row[0], row[1], row[2], row[4]) for row in rows] == wanted, path
    number = np.array([[float(word or "nan") for word in row[5:]] for row in rows])
    for k, (name, cells) in enumerate(columns.items()):
        sites, observed, methylated, n, total = sums(regions, cells, **options)
        mine = number[k::len(columns)].T
        assert np.array_equal([int(row[3]) for row in rows[k::len(columns)]], sites), path
        assert np.array_equal(mine[1], methylated) and np.array_equal(mine[2], observed), (path, name)
        for i, expected in ((0, ratio(methylated, observed)), (3, ratio(observed, sites * len(cells))), (4, ratio(total, n))):
            assert np.allclose(mine[i], expected, 0, 0.51e-5, equal_nan=True), (path, name, i)
    index = Tabix(path)
    for name, start, end in ((names[0], 100000, 100001), (names[1], 0, 800000)):
        lines = ["\t".join(row) for row in rows if row[0] == name and int(row[1]) < end and int(row[2]) > start]
        assert index.query(name, start, end) == lines, (path, name)


def encoding(item):
    return item.attrs["encoding-type"], item.attrs["encoding-version"]


def check_frame(frame, columns):
    assert encoding(frame) == ("dataframe", "0.2.0") and list(frame.attrs["column-order"]) == columns
    assert set(frame) == {frame.attrs["_index"], *columns}
    for name, item in frame.items():
        kind = ("string-array" if h5py.check_string_dtype(item.dtype) else "array", "0.2.0")
        assert encoding(item) == kind and item.shape == frame[frame.attrs["_index"]].shape, name
        assert kind[0] == "array" or h5py.check_string_dtype(item.dtype)[:2] == ("utf-8", None), name


def check_h5ad(path, regions, columns, names=FASTA, **options):
    with h5py.File(path, "r") as file:
        assert encoding(file) == ("anndata", "0.1.0") and type(file.attrs["encoding-type"]) is str
        assert set(file) == {"X", "layers", "obs", "var", "obsm", "varm", "obsp", "varp", "uns"}
        assert all(encoding(file[name]) == ("dict", "0.1.0") for name in ("layers", "obsm", "varm", "obsp", "varp", "uns"))
        assert set(file["layers"]) == {"mc", "cov", "imputed", "observed_frac"}
        check_frame(file["obs"], ["n_obs", "global_meth", "coverage"])
        check_frame(file["var"], ["chrom", "start", "end", "n_sites"])
        for name in ("X", *(f"layers/{name}" for name in file["layers"])):
            assert encoding(file[name]) == ("array", "0.2.0") and file[name].shape == (len(columns), len(regions)) and file[name].dtype == "f4", name
        chromo, start, end = zip(*regions)
        assert np.array_equal(file["var/chrom"][()].astype(str), np.array(names)[list(chromo)])
        assert np.array_equal(file["var/start"], start) and np.array_equal(file["var/end"], end)
        assert list(file["var/_index"].asstr()) == [f"{names[c]}:{start}-{end}" for c, start, end in regions]
        assert list(file["obs/_index"].asstr()) == list(columns)
        for k, cells in enumerate(columns.values()):
            sites, observed, methylated, n, total = sums(regions, cells, **options)
            assert np.array_equal(file["var/n_sites"], sites)
            seen, met = (sum(int((data.label[cell] >= least).sum()) for cell in cells) for least in (0, 1))
            assert file["obs/n_obs"][k] == seen and file["obs/global_meth"][k] == met / seen and file["obs/coverage"][k] == seen / (len(data.pos) * len(cells))
            for name, expected in (("X", ratio(methylated, observed)), ("layers/mc", methylated), ("layers/cov", observed), ("layers/imputed", ratio(total, n)), ("layers/observed_frac", ratio(observed, sites * len(cells)))):
                assert np.allclose(file[name][k], expected, 1e-6, 0, equal_nan=True), (path, k, name)
    try:
        import anndata
    except ImportError:
        return
    read = anndata.read_h5ad(path)
    assert list(read.obs_names) == list(columns) and read.n_vars == len(regions) and set(read.layers) == {"mc", "cov", "imputed", "observed_frac"}


cells = {cell: [cell] for cell in CELLS}
regions = sorted(set(bed))
folder = export(data, "bed", "--format", "tsv", "--regions", "regions.bed")
assert sorted(os.listdir(folder)) == ["regions.tsv.gz", "regions.tsv.gz.tbi"]
check_tsv(f"{folder}/regions.tsv.gz", regions, cells)
folder = export(data, "some", "--format", "h5ad", "--regions", "regions.bed", "--min_quality", 0.4, "--chromo_prefix", "ensembl")
check_h5ad(f"{folder}/regions.h5ad", regions, cells, NAMES, min_quality=0.4)
run(1, "export", "data.h5", "--out_dir", folder, "--format", "h5ad", "--regions", "regions.bed")  # over its own file
bins = sorted({(int(c), (int(pos) - 1) // 2000 * 2000) for c, pos in zip(data.chromo, data.pos)})
bins = [(c, start, min(start + 2000, LENGTH[c])) for c, start in bins]
assert len(bins) > 2048  # more than two chunks
groups = {"A": ["a", "c"], "B": ["b.2"]}
folder = export(data, "bins", "--format", "h5ad", "--bins", 2000, "--groups", "groups.tsv", ranks=(1, 3))
check_h5ad(f"{folder}/regions.h5ad", bins, groups)

faults = []


def refused(pattern, *words):
    faults.append(refusal(pattern, 1, "export", "data.h5", "--out_dir", "none", *words, absent=["none"]))


def regions_of(text):
    with open("bad.bed", "w") as file:
        file.write(text)
    return "--format", "h5ad", "--regions", "bad.bed"


refused("--format h5ad is by regions", "--format", "h5ad")
refused("--format cov is by sites", "--format", "cov", "--bins", 100)
refused("choose one", "--format", "tsv", "--bins", 100, "--regions", "regions.bed")
refused("bad.bed: line 2: no region", *regions_of("1\t5\t7\n1\t7\t7\n"))
refused("bad.bed: line 1: no region", *regions_of("1\tfive\t7\n"))
refused("bad.bed: line 1: no region", *regions_of("1\t5\t99999999999\n"))
refused("none of its 1 regions lies on a chromosome that is exported .chr1 is one", *regions_of("chr9\t5\t7\n"))
refused("none of its 0 regions", *regions_of("# nothing\n"))
print("\n".join(filter(None, faults)))
sys.exit(any(faults))
