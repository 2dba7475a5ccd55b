# SPDX-License-Identifier: MIT
"""Values of sites as `dcpg export` writes them, in bedGraph and HDF5, against the documented rules: filters, qualities, groups, names of chromosomes, on several numbers of ranks."""
import gzip
import os
import sys

here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(here, "..", "lib"), here]
from program import h5py, np, refusal, run  # noqa: E402  (first: it moves to a folder of its own)
from exported import FASTA, MANY, NAMES, Data, export  # noqa: E402

data = Data("data.h5", MANY)
chromo = np.array(NAMES)[data.chromo]
with open("groups.tsv", "w") as file:
    file.write("cell\tgroup\n# two of three\na\tA\nc\tA\n\nb.2\tgroup B\n")


def bedgraph(path):
    names, starts, ends, values = zip(*(line.split("\t") for line in gzip.open(path, "rt").read().splitlines()))
    assert all(int(b) == int(a) + 1 for a, b in zip(starts, ends))
    return np.array(names), np.array(starts, int) + 1, np.array(values)


def check_bedgraph(path, names, expected):
    keep = expected["n"] > 0
    name, pos, value = bedgraph(path)
    assert np.array_equal(name, names[keep]) and np.array_equal(pos, data.pos[keep]), path
    wanted = expected["sum"][keep] / expected["n"][keep]
    assert abs(value.astype("f8") - wanted).max() <= 0.51e-5, path


def check_hdf(path, expected, cell=None):
    keep = expected["n"] > 0
    with h5py.File(path, "r") as file:
        assert np.array_equal(file["chromo"][()].astype(str), chromo[keep]) and np.array_equal(file["pos"], data.pos[keep]), path
        assert np.array_equal(file["value"], (expected["sum"][keep] / expected["n"][keep]).astype("f4")), path
        assert ("quality" in file) == (cell is not None), path
        if cell:
            observed = data.label[cell][keep] >= 0
            assert np.array_equal(file["observed"], observed)
            for name, wanted in zip(("confidence", "difference", "quality"), data.quality(cell)):
                assert np.array_equal(np.isnan(file[name]), observed) and np.nanmax(abs(file[name][()] - wanted[keep])) < 1e-6, (path, name)


# Cells and other outputs, names as they always were.
folder = export(data, "plain", ranks=(1, 3))
assert sorted(os.listdir(folder)) == ["a.bedGraph.gz", "b.2.bedGraph.gz", "c.bedGraph.gz", "cpg_stats_mean.bedGraph.gz"]
check_bedgraph(f"{folder}/b.2.bedGraph.gz", np.char.add("chr", chromo), data.column(["b.2"]))
# Filters; names of the genome, and an index.
folder = export(data, "good", "--min_quality", 0.3, "--chromo_prefix", "genome", "--index")
assert "cpg_stats_mean.bedGraph.gz" not in os.listdir(folder) and "a.bedGraph.gz.tbi" in os.listdir(folder)
check_bedgraph(f"{folder}/a.bedGraph.gz", np.array(FASTA)[data.chromo], data.column(["a"], min_quality=0.3))
folder = export(data, "seen", "--observed_only", "--output_names", "^cpg/", "--out_format", "hdf")
check_hdf(f"{folder}/c.h5", data.column(["c"], "observed"))
folder = export(data, "guessed", "--imputed_only", "--min_quality", 0.1, "--format", "hdf", "--quality")
check_hdf(f"{folder}/a.h5", data.column(["a"], "imputed", 0.1), "a")
# Groups: what is observed, and everything.
folder = export(data, "groups", "--groups", "groups.tsv", "--chromo_prefix", "ensembl")
assert sorted(os.listdir(folder)) == [f"{name}.{kind}.bedGraph.gz" for name in ("A", "group B") for kind in ("imputed", "observed")]
check_bedgraph(f"{folder}/A.observed.bedGraph.gz", chromo, data.column(["a", "c"], "observed"))
check_bedgraph(f"{folder}/A.imputed.bedGraph.gz", chromo, data.column(["a", "c"]))
check_bedgraph(f"{folder}/group B.imputed.bedGraph.gz", chromo, data.column(["b.2"]))
folder = export(data, "one", "--groups", "groups.tsv", "--imputed_only", "--min_quality", 0.2, "--chromos", "chr10", "--format", "hdf")
with h5py.File(f"{folder}/A.h5", "r") as file:
    expected = data.column(["a", "c"], "imputed", 0.2)
    keep = (expected["n"] > 0) & (chromo == "10")
    assert np.array_equal(file["pos"], data.pos[keep]) and np.allclose(file["value"], expected["sum"][keep] / expected["n"][keep], 0, 1e-7)

# ---- refused ----
faults = []


def refused(pattern, *words):
    fault = refusal(pattern, 1, "export", *words, absent=("none",))
    if fault:
        faults.append(f"{words}: {fault}")


def groups(text):
    with open("bad.tsv", "w") as out:
        out.write(text)
    return "--groups", "bad.tsv"


refused("line 2: cell 'x' is not exported", "data.h5", "--out_dir", "none", *groups("a\tA\nx\tA\n"))
refused("line 2: a second line of cell a", "data.h5", "--out_dir", "none", *groups("a\tA\na\tB\n"))
refused("line 1: not two columns: a A", "data.h5", "--out_dir", "none", *groups("a A\n"))
refused("no name for a file", "data.h5", "--out_dir", "none", *groups("a\t.A\n"))
refused("no cell: --groups takes", "data.h5", "--out_dir", "none", *groups("# nobody\n"))
refused("no cell .cpg/NAME. is among", "data.h5", "--out_dir", "none", "--min_quality", 0.5, "--output_names", "cpg_stats")
refused("--format wig: known are bedGraph", "data.h5", "--out_dir", "none", "--format", "wig")
refused("leave nothing", "data.h5", "--out_dir", "none", "--observed_only", "--imputed_only")
refused("leave out --groups", "data.h5", "--out_dir", "none", "--quality", "--format", "hdf", "--groups", "groups.tsv")
refused("leave out --one_based", "data.h5", "--out_dir", "none", "--index", "--one_based")
with h5py.File("data.h5", "r+") as file:
    file["genome/chromo"][:] = np.array(["1", "10", "M", "MT"], "S2")
    file["genome/fasta_name"][:] = np.array(["chr1", "chr1", "chrM", "chrMT"], "S5")
refused("chromosomes 1 and 10 would both be written as chr1", "data.h5", "--out_dir", "none", "--chromo_prefix", "ucsc")
with h5py.File("data.h5", "r+") as file:
    file["genome/length"][0] = -1
refused("damaged: genome/length", "data.h5", "--out_dir", "none")
with h5py.File("data.h5", "r+") as file:
    del file["genome"]
    file["pos"][5:7] = file["pos"][5]
refused("row 6 of pos: sites are not in order", "data.h5", "--out_dir", "none", "--quality", "--format", "hdf")
run(1, "export", "data.h5", "--out_dir", "disorder", "--nb_sample", 10)
os.mkdir("foreign")
with open("foreign/a.bedGraph.gz.tbi", "w") as file:
    file.write("mine")
refused("foreign/a.bedGraph.gz.tbi: .*not written by", "data.h5", "--out_dir", "foreign", "--index", "--nb_sample", 5)
print("\n".join(faults))
sys.exit(bool(faults))
